//! Which room may name what.

use super::lines::{code, names};
use super::{File, Finding, Tree};

/// What each room may stand on. Tests may also use the test server.
const DIRECTIONS: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("search", &["protocol"]),
    ("engine", &["protocol"]),
    ("cache", &["protocol", "search", "engine"]),
    ("client", &["protocol", "engine", "cache"]),
    ("attention", &["protocol"]),
    ("catalogue", &[]),
    ("api", &["protocol", "engine", "cache", "client", "attention", "catalogue"]),
    ("server", &["protocol", "search"]),
    ("devhost", &["protocol", "attention", "catalogue", "api"]),
    ("keychain", &["api"]),
    ("testkit", &["protocol", "server"]),
    ("bench", &["protocol", "search", "engine", "cache", "server", "testkit"]),
    ("simulation", &["protocol", "engine", "cache", "server"]),
    ("xtask", &[]),
    (APP, &["protocol", "attention", "catalogue", "api", "keychain", "server"]),
];

/// The root package.
const APP: &str = "the app";

/// What only tests of any room may stand on besides.
const FOR_TESTS: &[&str] = &["server", "testkit"];

/// Rooms of the app, in which only `client` may open a socket.
const APP_ROOMS: &[&str] = &[
    "src-tauri/",
    "crates/api/src/",
    "crates/attention/src/",
    "crates/cache/src/",
    "crates/catalogue/src/",
    "crates/devhost/src/",
    "crates/engine/src/",
    "crates/protocol/src/",
    "crates/search/src/",
];

/// Names of what reaches another computer.
const SOCKETS: &[&str] = &["tokio_tungstenite", "reqwest", "TcpStream", "UdpSocket", "hyper", "ureq"];

/// Where SQL may be spoken: the two stores, the baselines of the measurements, and tests.
const SQL_ROOMS: &[&str] =
    &["crates/cache/", "crates/server/src/store", "crates/server/tests/", "crates/bench/", "tests/"];

/// Rooms without input, output, clocks and chance.
const PURE_ROOMS: &[&str] = &["crates/engine/src/", "crates/attention/src/", "crates/search/src/"];

/// What a pure room may not name.
const IMPURE: &[&str] = &[
    "tokio",
    "std::fs",
    "std::net",
    "std::io",
    "std::env",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant",
    "rand",
    "println",
    "eprintln",
];

/// Files that hold a helper which owns, names and ends the tasks it starts.
const TASK_OWNERS: &[&str] = &[];

pub(super) fn no_tauri_under_crates(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.under(&["crates/"], &["/Cargo.toml"]) {
        for dependency in dependencies(file).filter(|dependency| dependency.name.starts_with("tauri")) {
            findings.push(Finding::new(
                &file.path,
                dependency.line,
                "no crate under crates/ names Tauri: that is src-tauri's work",
            ));
        }
    }
    findings
}

/// The feature of `cache` that opens databases without encryption.
const UNENCRYPTED: &str = "measurement";
/// Who measures what encryption costs.
const MEASURES: &str = "crates/bench/Cargo.toml";

pub(super) fn encryption_is_left_out_in_measurements_alone(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.under(&[""], &["Cargo.toml"]).filter(|file| file.path != MEASURES) {
        for (index, line) in file.text.lines().enumerate() {
            let asks = line.trim_start().starts_with("default") || line.contains("features") || line.contains("/");
            if asks && line.contains(&format!("{UNENCRYPTED}\"")) {
                let rule = "only crates/bench may ask for a cache without encryption";
                findings.push(Finding::new(&file.path, index + 1, rule));
            }
        }
    }
    findings
}

pub(super) fn directions(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.path == "Cargo.toml" || is_manifest_of_a_crate(&file.path)) {
        let room = file.path.strip_prefix("crates/").and_then(|rest| rest.strip_suffix("/Cargo.toml")).unwrap_or(APP);
        let Some((_, allowed)) = DIRECTIONS.iter().find(|(name, _)| *name == room) else {
            findings.push(Finding::new(
                &file.path,
                0,
                format!("the room {room} has no line in tidy's table of directions"),
            ));
            continue;
        };
        for dependency in dependencies(file).filter(|dependency| !dependency.catalogue) {
            let Some(other) = dependency.name.strip_prefix("deskbell-") else { continue };
            let in_test = dependency.for_tests && FOR_TESTS.contains(&other);
            if !allowed.contains(&other) && !in_test {
                findings.push(Finding::new(
                    &file.path,
                    dependency.line,
                    format!("{room} may not stand on {other}: arrows never run back (docs/ARCHITECTURE.md)"),
                ));
            }
        }
    }
    findings
}

/// Features that change what a product does, for tests of it.
const TEST_FEATURES: &[&str] = &["planted", "simulation"];

/// The one package that has them, and the sections in which it may.
const SIMULATION: &str = "crates/simulation/Cargo.toml";

pub(super) fn test_features(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.under(&["Cargo.toml", "crates/"], &["Cargo.toml"]) {
        let mut section = "";
        for (index, line) in file.text.lines().enumerate() {
            if let Some(header) = line.trim().strip_prefix('[') {
                section = header.trim_end_matches(']');
            }
            let enabled = |feature: &&&str| ["\"", "/"].iter().any(|by| line.contains(&format!("{by}{feature}\"")));
            let Some(feature) = TEST_FEATURES.iter().find(enabled) else { continue };
            let for_tests = section.starts_with("dev-dependencies");
            if file.path != SIMULATION || (*feature == "planted" && !for_tests) {
                let rule = format!("no product has the feature {feature}: it is for the tests of {SIMULATION} alone");
                findings.push(Finding::new(&file.path, index + 1, rule));
            }
        }
    }
    findings
}

fn is_manifest_of_a_crate(path: &str) -> bool {
    path.strip_prefix("crates/").and_then(|rest| rest.split_once('/')).is_some_and(|(_, rest)| rest == "Cargo.toml")
}

pub(super) fn sql_in_its_rooms(tree: &Tree) -> Vec<Finding> {
    find(
        tree.under(&[""], &[".rs"]).filter(|file| !SQL_ROOMS.iter().any(|room| file.path.starts_with(room))),
        |line| names(line, SQL),
        "only crates/cache and the server's store speak SQL",
    )
}

/// The library for SQLite. Joined, so that this file does not name it.
const SQL: &str = concat!("rusq", "lite");

pub(super) fn sockets_in_client_alone(tree: &Tree) -> Vec<Finding> {
    find(
        tree.under(APP_ROOMS, &[".rs"]),
        |line| SOCKETS.iter().any(|name| names(line, name)),
        "in the app only crates/client reaches another computer",
    )
}

pub(super) fn pure_rooms(tree: &Tree) -> Vec<Finding> {
    find(
        tree.under(PURE_ROOMS, &[".rs"]),
        |line| IMPURE.iter().any(|name| names(line, name)),
        "this room has no input, output, clock or chance: take it as a parameter",
    )
}

pub(super) fn owned_tasks(tree: &Tree) -> Vec<Finding> {
    const BARE: &[&str] =
        &[concat!("tokio::", "spawn"), concat!("tokio::task::", "spawn"), concat!("task::", "spawn(")];
    find(
        tree.under(&[""], &[".rs"]).filter(|file| !TASK_OWNERS.contains(&file.path.as_str())),
        |line| BARE.iter().any(|name| names(line, name.trim_end_matches('(')) && line.contains(name)),
        "a task needs an owner that can end it: spawn it on a JoinSet or a TaskTracker",
    )
}

/// Code lines that break a rule.
fn find<'a>(files: impl Iterator<Item = &'a File>, breaks: impl Fn(&str) -> bool, rule: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        findings.extend(
            code(file).filter(|(_, line)| breaks(line)).map(|(number, _)| Finding::new(&file.path, number, rule)),
        );
    }
    findings
}

/// A dependency as a manifest names it.
pub(super) struct Dependency<'a> {
    pub(super) name: &'a str,
    pub(super) line: usize,
    /// Only tests stand on it.
    for_tests: bool,
    /// Only names a version, for the packages of the workspace to choose.
    catalogue: bool,
}

impl<'a> Dependency<'a> {
    fn of(section: &str, name: &'a str, line: usize) -> Self {
        let for_tests = section.ends_with("dev-dependencies");
        Self { name, line, for_tests, catalogue: section == "workspace.dependencies" }
    }
}

/// The dependencies of a manifest, in all its sections, `[workspace.dependencies]` among them.
pub(super) fn dependencies(file: &File) -> impl Iterator<Item = Dependency<'_>> {
    let mut section = "";
    file.text.lines().enumerate().filter_map(move |(index, line)| {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']');
            // `[dependencies.name]`
            let (before, name) = section.rsplit_once('.')?;
            return before.ends_with("dependencies").then(|| Dependency::of(before, name, index + 1));
        }
        if !section.ends_with("dependencies") || line.starts_with('#') {
            return None;
        }
        let (key, _) = line.split_once('=')?;
        let name = key.trim().split('.').next()?.trim_matches('"');
        Some(Dependency::of(section, name, index + 1))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{places, tree};
    use super::*;

    #[test]
    fn tauri_under_crates_is_found() {
        let tree = tree(&[
            ("crates/api/Cargo.toml", "[dependencies]\nserde = \"1\"\ntauri-plugin-opener = \"2\"\n"),
            ("crates/client/Cargo.toml", "[dependencies.tauri]\nversion = \"2\"\n"),
            (
                "crates/engine/Cargo.toml",
                "[package]\ndescription = \"tauri = not here\"\n[dependencies]\nserde = \"1\"\n",
            ),
            ("Cargo.toml", "[dependencies]\ntauri = \"2\"\n"),
        ]);
        assert_eq!(
            places(&no_tauri_under_crates(&tree)),
            [("crates/api/Cargo.toml", 3), ("crates/client/Cargo.toml", 1)]
        );
    }

    #[test]
    fn a_product_that_asks_for_no_encryption_is_found() {
        let cache = |rest: &str| format!("[dependencies]\ndeskbell-cache = {{ workspace = true, {rest} }}\n");
        let tree = tree(&[
            ("crates/cache/Cargo.toml", "[features]\nmeasurement = []\n"),
            ("crates/bench/Cargo.toml", &cache("features = [\"measurement\"]")),
            ("crates/api/Cargo.toml", &cache("features = [\"measurement\"]")),
            ("crates/client/Cargo.toml", "[features]\ndefault = [\"deskbell-cache/measurement\"]\n"),
        ]);
        assert_eq!(
            places(&encryption_is_left_out_in_measurements_alone(&tree)),
            [("crates/api/Cargo.toml", 2), ("crates/client/Cargo.toml", 2)]
        );
    }

    #[test]
    fn an_arrow_that_runs_back_is_found() {
        let tree = tree(&[
            (
                "crates/engine/Cargo.toml",
                "[dependencies]\ndeskbell-protocol.workspace = true\ndeskbell-cache.workspace = true\n",
            ),
            (
                "crates/attention/Cargo.toml",
                "[dependencies]\n[dev-dependencies]\ndeskbell-testkit.workspace = true\ndeskbell-api.workspace = true\n",
            ),
            ("crates/attic/Cargo.toml", "[dependencies]\n"),
            (
                "Cargo.toml",
                "[workspace.dependencies]\ndeskbell-engine = { path = \"x\" }\n[dependencies]\ndeskbell-client.workspace = true\n",
            ),
        ]);
        assert_eq!(
            places(&directions(&tree)),
            [
                ("crates/engine/Cargo.toml", 3),
                ("crates/attention/Cargo.toml", 4),
                ("crates/attic/Cargo.toml", 0),
                ("Cargo.toml", 4)
            ]
        );
    }

    #[test]
    fn a_product_with_planted_bugs_is_found() {
        let tree = tree(&[
            ("crates/protocol/Cargo.toml", "[features]\nplanted = []\n"),
            (SIMULATION, "[dependencies]\na = { features = [\"simulation\"] }\nb = { features = [\"planted\"] }\n"),
            ("crates/server/Cargo.toml", "[features]\nsimulation = []\ndefault = [\"deskbell-protocol/planted\"]\n"),
            ("Cargo.toml", "[dependencies]\ndeskbell-cache = { workspace = true, features = [\"simulation\"] }\n"),
        ]);
        assert_eq!(
            places(&test_features(&tree)),
            [(SIMULATION, 3), ("crates/server/Cargo.toml", 3), ("Cargo.toml", 2)]
        );
    }

    #[test]
    fn sql_outside_its_rooms_is_found() {
        let line = concat!("// rusq", "lite is not here\nuse rusq", "lite::Connection;\n");
        let tree = tree(&[
            ("crates/cache/src/lib.rs", line),
            ("crates/server/src/store/mod.rs", line),
            ("crates/server/src/lib.rs", line),
            ("src-tauri/src/lib.rs", line),
        ]);
        assert_eq!(places(&sql_in_its_rooms(&tree)), [("crates/server/src/lib.rs", 2), ("src-tauri/src/lib.rs", 2)]);
    }

    #[test]
    fn a_socket_outside_client_is_found() {
        let tree = tree(&[
            ("crates/client/src/lib.rs", "use tokio_tungstenite::connect_async;\n"),
            ("crates/api/src/app.rs", "\nlet answer = reqwest::get(url);\n"),
            ("src-tauri/src/local_desk.rs", "use tokio::net::TcpListener;\n"),
            ("src-tauri/src/host.rs", "use std::net::TcpStream;\n"),
        ]);
        assert_eq!(
            places(&sockets_in_client_alone(&tree)),
            [("crates/api/src/app.rs", 2), ("src-tauri/src/host.rs", 1)]
        );
    }

    #[test]
    fn a_clock_in_a_pure_room_is_found() {
        let tree = tree(&[
            ("crates/engine/src/lib.rs", "//! No tokio here.\nlet now = SystemTime::now();\n"),
            ("crates/attention/src/decision.rs", "use std::fs;\n"),
            ("crates/client/src/lib.rs", "let now = SystemTime::now();\n"),
        ]);
        assert_eq!(
            places(&pure_rooms(&tree)),
            [("crates/engine/src/lib.rs", 2), ("crates/attention/src/decision.rs", 1)]
        );
    }

    #[test]
    fn a_task_without_an_owner_is_found() {
        let tree = tree(&[
            ("crates/api/src/app.rs", concat!("tracker.spawn(work);\ntokio::", "spawn(work);\n")),
            (
                "crates/server/src/lib.rs",
                concat!("use tokio::task;\ntask::", "spawn(work);\ntask::spawn_blocking(work);\n"),
            ),
            ("src-tauri/src/lib.rs", concat!("use tokio::task::", "spawn;\n")),
        ]);
        assert_eq!(
            places(&owned_tasks(&tree)),
            [("crates/api/src/app.rs", 2), ("crates/server/src/lib.rs", 2), ("src-tauri/src/lib.rs", 1)]
        );
    }
}
