//! Packages of others: why they are here, and where they come from.

use std::collections::BTreeSet;

use serde_json::Value;

use super::crates::dependencies;
use super::{File, Finding, Tree};

const REASONS: &str = "docs/dependencies.md";
const NPM_LOCK: &str = "package-lock.json";
const CARGO_LOCK: &str = "Cargo.lock";

/// Where locked packages may come from.
const NPM_REGISTRY: &str = concat!("https://registry.", "npmjs.org/");
const CARGO_REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Every package that a manifest names has a line that says why.
pub(super) fn explained(tree: &Tree) -> Vec<Finding> {
    let reasons = tree.get(REASONS).map_or("", |file| file.text.as_str());
    let mut told = BTreeSet::new();
    let mut findings = Vec::new();
    let mut look = |path: &str, line: usize, name: &str| {
        if !name.starts_with("deskbell")
            && !name.starts_with("@deskbell/")
            && !reasons.contains(&format!("`{name}`"))
            && told.insert(name.to_owned())
        {
            findings.push(Finding::new(
                path,
                line,
                format!("{name} has no line in {REASONS} that says why it is here"),
            ));
        }
    };
    for file in tree.under(&[""], &["Cargo.toml"]) {
        dependencies(file).for_each(|dependency| look(&file.path, dependency.line, dependency.name));
    }
    for file in tree.under(&[""], &["package.json"]) {
        for name in npm_dependencies(file) {
            look(&file.path, line_of(&file.text, &format!("\"{name}\"")), &name);
        }
    }
    findings
}

fn npm_dependencies(file: &File) -> Vec<String> {
    let Ok(manifest) = serde_json::from_str::<Value>(&file.text) else { return Vec::new() };
    ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"]
        .iter()
        .filter_map(|section| manifest.get(section)?.as_object())
        .flat_map(|section| section.keys().cloned())
        .collect()
}

/// Locked packages come from the public registries, whatever the machine that locked them used.
pub(super) fn locked_to_the_registry(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(file) = tree.get(NPM_LOCK) {
        match serde_json::from_str::<Value>(&file.text) {
            Ok(lock) => {
                let packages = lock.get("packages").and_then(Value::as_object);
                for package in packages.into_iter().flat_map(|packages| packages.values()) {
                    let link = package.get("link") == Some(&Value::Bool(true));
                    let resolved = package.get("resolved").and_then(Value::as_str);
                    if let Some(resolved) = resolved.filter(|resolved| !link && !resolved.starts_with(NPM_REGISTRY)) {
                        findings.push(Finding::new(
                            NPM_LOCK,
                            line_of(&file.text, resolved),
                            "is locked to a place other than npm's registry",
                        ));
                    }
                }
            }
            Err(error) => findings.push(Finding::new(NPM_LOCK, error.line(), format!("cannot be read: {error}"))),
        }
    }
    if let Some(file) = tree.get(CARGO_LOCK) {
        for (index, line) in file.text.lines().enumerate() {
            if line.strip_prefix("source = ").is_some_and(|source| source.trim_matches('"') != CARGO_REGISTRY) {
                findings.push(Finding::new(CARGO_LOCK, index + 1, "is locked to a place other than crates.io"));
            }
        }
    }
    findings
}

/// The first line that holds a text, from 1; 0 when none does.
fn line_of(text: &str, wanted: &str) -> usize {
    text.lines().position(|line| line.contains(wanted)).map_or(0, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{places, tree};
    use super::*;

    #[test]
    fn a_package_without_a_reason_is_found_once() {
        let tree = tree(&[
            (REASONS, "- `serde`: reads and writes JSON\n- `vite`: builds the pages\n"),
            (
                "Cargo.toml",
                "[workspace.dependencies]\ndeskbell-cache = { path = \"x\" }\nserde = \"1\"\nleft-pad = \"1\"\n",
            ),
            (
                "crates/cache/Cargo.toml",
                "[dependencies]\nleft-pad.workspace = true\n[target.'cfg(unix)'.dependencies]\nnix = \"1\"\n",
            ),
            (
                "ui/package.json",
                "{\n \"name\": \"@deskbell/ui\",\n \"devDependencies\": {\n  \"vite\": \"8\",\n  \"@x/pad\": \"1\" } }",
            ),
        ]);
        assert_eq!(
            places(&explained(&tree)),
            [("Cargo.toml", 4), ("crates/cache/Cargo.toml", 4), ("ui/package.json", 5)]
        );
    }

    #[test]
    fn a_lock_on_a_mirror_is_found() {
        let lock = r#"{ "packages": {
            "": { "name": "deskbell" },
            "node_modules/a": { "resolved": "https://npm.mirror.test/a.tgz" },
            "node_modules/b": { "resolved": "REGISTRYb/-/b.tgz" },
            "node_modules/c": { "version": "1.0.0" },
            "node_modules/@deskbell/ui": { "resolved": "ui", "link": true } } }"#
            .replace("REGISTRY", NPM_REGISTRY);
        let cargo =
            format!("[[package]]\nsource = \"{CARGO_REGISTRY}\"\n[[package]]\nsource = \"git+https://git.test/x\"\n");
        let tree = tree(&[(NPM_LOCK, &lock), (CARGO_LOCK, &cargo)]);
        assert_eq!(places(&locked_to_the_registry(&tree)), [(NPM_LOCK, 3), (CARGO_LOCK, 4)]);
    }

    #[test]
    fn a_lock_that_cannot_be_read_is_found() {
        assert_eq!(places(&locked_to_the_registry(&tree(&[(NPM_LOCK, "{\n")]))), [(NPM_LOCK, 2)]);
    }
}
