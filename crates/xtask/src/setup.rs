//! Installs what is missing, so that the two commands of the README need nothing but Rust, Node and git.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::process::{announce, is_installed, probe, run};
use crate::stamp::Stamp;
use crate::workspace::Workspace;
use crate::{Failure, Result};

/// Debian packages that building the app takes.
const BUILD_PACKAGES: &[&str] = &[
    "build-essential",
    "libasound2-dev",
    "libayatana-appindicator3-dev",
    "librsvg2-dev",
    "libsoup-3.0-dev",
    "libssl-dev",
    "libwebkit2gtk-4.1-dev",
    "libxdo-dev",
    "make",
    "perl",
    "pkg-config",
];

/// Debian packages that driving the app without a display takes.
const DISPLAY_PACKAGES: &[&str] = &[
    "at-spi2-core",
    "dbus",
    "fonts-dejavu-core",
    "fonts-noto-cjk",
    "fonts-noto-color-emoji",
    "gnome-keyring",
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
    "imagemagick",
    "openbox",
    "webkit2gtk-driver",
    "x11-utils",
    "xdotool",
    "xvfb",
];

/// Debian packages that checking the server's routes takes.
const CHECK_PACKAGES: &[&str] = &["python3-venv"];

/// Any of these is the browser in which the visitor sits.
const BROWSERS: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// What building takes on a Linux that is not Debian's: the name of the pkg-config file, and of the thing.
const LIBRARIES: &[(&str, &str)] = &[
    ("webkit2gtk-4.1", "WebKitGTK 4.1 with its development files"),
    ("ayatana-appindicator3-0.1", "Ayatana AppIndicator 3 with its development files"),
    ("librsvg-2.0", "librsvg 2 with its development files"),
    ("libsoup-3.0", "libsoup 3 with its development files"),
    ("openssl", "OpenSSL with its development files"),
    ("alsa", "ALSA with its development files"),
];

/// Programs that building the app takes, wherever they come from.
const BUILDERS: &[(&str, &str)] = &[("make", "make"), ("perl", "Perl, which configures OpenSSL")];

/// What driving the app takes there: programs, and what they belong to.
const PROGRAMS: &[(&str, &str)] = &[
    ("Xvfb", "Xvfb"),
    ("openbox", "openbox"),
    ("dbus-daemon", "D-Bus"),
    ("WebKitWebDriver", "the WebDriver of WebKitGTK"),
    ("xprop", "xprop"),
    ("xev", "xev"),
    ("xdotool", "xdotool"),
    ("import", "ImageMagick"),
];

/// Programs installed with cargo: package, version, and the program.
pub(crate) const TAURI_DRIVER: Tool = Tool { package: "tauri-driver", version: "2.1.0", program: "tauri-driver" };
/// Runs the Rust tests.
pub(crate) const NEXTEST: Tool = Tool { package: "cargo-nextest", version: "0.9.143", program: "cargo-nextest" };
/// Checks licences and advisories.
pub(crate) const DENY: Tool = Tool { package: "cargo-deny", version: "0.20.2", program: "cargo-deny" };

/// The oldest Node the pages can be built with.
const NODE_OLDEST: (u32, u32) = (20, 19);

/// A program that cargo installs.
pub(crate) struct Tool {
    package: &'static str,
    version: &'static str,
    program: &'static str,
}

/// How much is needed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// Building the app.
    Build,
    /// Building it, and running all tests that need no display.
    Check,
    /// Building it, and driving it without a display.
    Drive,
}

/// Everything that any command needs.
///
/// # Errors
/// When something could not be installed or built.
pub(crate) fn everything(workspace: &Workspace) -> Result<()> {
    prepare(workspace, Purpose::Drive)?;
    tools(workspace, &[&NEXTEST, &DENY, &TAURI_DRIVER])?;
    schemathesis(workspace)?;
    Ok(())
}

/// System packages, Node, npm packages, and the built pages.
///
/// # Errors
/// When something is missing that cannot be installed from here; the sentence says what to install.
pub(crate) fn prepare(workspace: &Workspace, purpose: Purpose) -> Result<()> {
    system(purpose)?;
    node(workspace)?;
    pages(workspace)
}

/// Programs that cargo installs, kept for all checkouts of this user.
///
/// # Errors
/// When one does not compile.
pub(crate) fn tools(workspace: &Workspace, tools: &[&Tool]) -> Result<()> {
    for tool in tools {
        let kept = workspace.tools.join("bin").join(format!("{}{}", tool.program, env::consts::EXE_SUFFIX));
        let record = workspace.tools.join(".crates.toml");
        let right_version = fs::read_to_string(&record)
            .is_ok_and(|record| record.contains(&format!("\"{} {} ", tool.package, tool.version)));
        // A copy of the user's own is as good when it is a command of cargo, which only reads and runs.
        let own = tool.package != TAURI_DRIVER.package && is_installed(tool.program);
        if own || (kept.is_file() && right_version) {
            continue;
        }
        announce(&format!("installing {} {} (once; it takes some minutes)", tool.package, tool.version));
        let mut cargo = workspace.command("cargo");
        // Without optimisation it compiles in half the time, and runs for a second where it would take half of one.
        cargo.args(["install", "--locked", "--debug", "--version", tool.version, tool.package, "--root"]);
        cargo.arg(&workspace.tools).env("CARGO_PROFILE_DEV_DEBUG", "0").env_remove("CARGO_TARGET_DIR");
        run(&mut cargo)?;
    }
    Ok(())
}

/// Schemathesis in a Python environment of its own, kept for all checkouts of this user.
///
/// # Errors
/// When there is no Python 3.11 or newer, or a package cannot be fetched.
pub(crate) fn schemathesis(workspace: &Workspace) -> Result<PathBuf> {
    let packages = workspace.root.join("crates/server/tests/schemathesis.txt");
    let environment = workspace.tools.join("schemathesis");
    let programs = environment.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let program = |name: &str| programs.join(format!("{name}{}", env::consts::EXE_SUFFIX));
    let stamp = Stamp::of(environment.join(".deskbell-stamp"), std::slice::from_ref(&packages))?;
    if !(stamp.is_current() && program("schemathesis").is_file()) {
        announce("installing schemathesis");
        let python = if cfg!(windows) { "python" } else { "python3" };
        run(workspace.command(python).args(["-m", "venv", "--clear"]).arg(&environment))?;
        let mut pip = Command::new(program("python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(&packages);
        run(&mut pip)?;
        stamp.keep()?;
    }
    Ok(program("schemathesis"))
}

fn system(purpose: Purpose) -> Result<()> {
    if !cfg!(target_os = "linux") {
        return elsewhere(purpose);
    }
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    if is_debian(&release) { debian(purpose) } else { other_linux(purpose) }
}

/// Whether `/etc/os-release` is that of Debian or one of its children.
fn is_debian(release: &str) -> bool {
    release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .flat_map(|value| value.trim_matches('"').split_whitespace())
        .any(|id| id == "debian" || id == "ubuntu")
}

fn debian(purpose: Purpose) -> Result<()> {
    let mut wanted = BUILD_PACKAGES.to_vec();
    if purpose >= Purpose::Check {
        wanted.extend(CHECK_PACKAGES);
    }
    if purpose == Purpose::Drive {
        wanted.extend(DISPLAY_PACKAGES);
        if !BROWSERS.iter().any(|browser| is_installed(browser)) {
            wanted.push("chromium");
        }
    }
    let format = "-f=${db:Status-Abbrev} ${Package}\n";
    let known = Command::new("dpkg-query").args(["-W", format]).args(&wanted).output();
    let known = known.map_err(|error| Failure::new(format!("dpkg-query could not be started: {error}")))?;
    let missing = missing_packages(&wanted, &String::from_utf8_lossy(&known.stdout));
    if missing.is_empty() {
        return Ok(());
    }
    announce(&format!("installing Debian packages: {}", missing.join(" ")));
    let root = probe("id", &["-u"]).is_some_and(|id| id == "0");
    let apt = |arguments: &[&str]| {
        let mut command = if root {
            Command::new("apt-get")
        } else {
            let mut sudo = Command::new("sudo");
            sudo.arg("apt-get");
            sudo
        };
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        run(&mut command)
    };
    apt(&["update"])?;
    let mut install = vec!["install", "--yes", "--no-install-recommends"];
    install.extend(&missing);
    apt(&install)
}

/// The wanted packages that are not in dpkg-query's answer as installed.
fn missing_packages<'a>(wanted: &[&'a str], known: &str) -> Vec<&'a str> {
    let installed: Vec<&str> = known.lines().filter_map(|line| line.strip_prefix("ii ")).map(str::trim).collect();
    wanted.iter().copied().filter(|package| !installed.contains(package)).collect()
}

fn other_linux(purpose: Purpose) -> Result<()> {
    let mut missing: Vec<&str> = Vec::new();
    if is_installed("pkg-config") {
        missing.extend(
            LIBRARIES
                .iter()
                .filter(|(file, _)| probe("pkg-config", &["--exists", file]).is_none())
                .map(|(_, what)| *what),
        );
    } else {
        missing.push("pkg-config");
        missing.extend(LIBRARIES.iter().map(|(_, what)| *what));
    }
    missing.extend(BUILDERS.iter().filter(|(program, _)| !is_installed(program)).map(|(_, what)| *what));
    if purpose == Purpose::Drive {
        missing.extend(PROGRAMS.iter().filter(|(program, _)| !is_installed(program)).map(|(_, what)| *what));
        if !BROWSERS.iter().any(|browser| is_installed(browser)) {
            missing.push("Chromium");
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "packages are installed by this command on Debian and Ubuntu only. Please install, then try again:\n  {}",
        missing.join("\n  ")
    )))
}

/// macOS and Windows bring their web view; what they lack cannot be installed without asking a person.
fn elsewhere(purpose: Purpose) -> Result<()> {
    if purpose == Purpose::Drive {
        return Err(Failure::new(
            "the end-to-end journeys drive the app on Linux only. `cargo xtask test --quick` runs everything else.",
        ));
    }
    if cfg!(target_os = "macos") && probe("xcode-select", &["-p"]).is_none() {
        return Err(Failure::new(
            "please install, then try again:\n  Xcode's command line tools: xcode-select --install",
        ));
    }
    if cfg!(windows) && !is_installed("perl") {
        return Err(Failure::new(
            "please install, then try again:\n  Strawberry Perl, which configures OpenSSL: https://strawberryperl.com",
        ));
    }
    Ok(())
}

fn node(workspace: &Workspace) -> Result<()> {
    let wanted = format!("Node {}.{} or newer", NODE_OLDEST.0, NODE_OLDEST.1);
    let version = probe("node", &["--version"]).ok_or_else(|| {
        Failure::new(format!("{wanted} is missing. Install it from https://nodejs.org and try again."))
    })?;
    if !node_is_new_enough(&version) {
        return Err(Failure::new(format!(
            "{wanted} is needed, and this is {version}. Install it from https://nodejs.org."
        )));
    }
    let modules = workspace.root.join("node_modules");
    let stamp = Stamp::of(modules.join(".deskbell-stamp"), &[workspace.root.join("package-lock.json")])?;
    if stamp.is_current() {
        return Ok(());
    }
    announce("installing npm packages");
    let mut npm = workspace.npm();
    npm.args(["ci", "--no-audit", "--no-fund"]);
    run(&mut npm)?;
    stamp.keep()
}

fn node_is_new_enough(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= NODE_OLDEST,
        _ => false,
    }
}

/// The pages that the app and the server carry inside them.
fn pages(workspace: &Workspace) -> Result<()> {
    let at = |path: &str| workspace.root.join(path);
    for page in ["ui", "widget"] {
        let built = at(page).join("dist");
        let inputs = [at(page), at("locales"), at("icons"), at("package-lock.json")];
        let stamp = Stamp::of(built.join(".deskbell-stamp"), &inputs)?;
        if stamp.is_current() {
            continue;
        }
        announce(&format!("building {page}"));
        let mut npm = workspace.npm();
        npm.args(["run", "build", "--workspace", page]);
        run(&mut npm)?;
        // The build may have written sources (generated texts), so the inputs are read again.
        Stamp::of(built.join(".deskbell-stamp"), &inputs)?.keep()?;
    }
    Ok(())
}

/// The browser for the visitor, as the end-to-end tests are told.
pub(crate) fn browser() -> Option<String> {
    let path = env::var_os("PATH")?;
    let candidates =
        BROWSERS.iter().flat_map(|name| env::split_paths(&path).map(move |directory| directory.join(name)));
    candidates.into_iter().find(|candidate| candidate.is_file()).map(|found| found.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_and_its_children_are_recognised() {
        assert!(is_debian("NAME=\"Debian GNU/Linux\"\nID=debian\n"));
        assert!(is_debian("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"));
        assert!(!is_debian("ID=fedora\nVARIANT_ID=debian\n"));
        assert!(!is_debian(""));
    }

    #[test]
    fn only_packages_that_are_whole_count_as_installed() {
        let known = "ii  xvfb\nrc  openbox\nun  dbus\n";
        assert_eq!(missing_packages(&["xvfb", "openbox", "dbus", "xdotool"], known), ["openbox", "dbus", "xdotool"]);
    }

    #[test]
    fn old_and_strange_nodes_are_refused() {
        assert!(node_is_new_enough("v20.19.0"));
        assert!(node_is_new_enough("v24.1.0"));
        assert!(!node_is_new_enough("v20.18.9"));
        assert!(!node_is_new_enough("v18.20.0"));
        assert!(!node_is_new_enough("nonsense"));
    }
}
