//! Holds the invariants of `docs/ARCHITECTURE.md` that a compiler cannot.

mod crates;
mod features;
mod lines;
mod packages;
mod pages;
mod words;

use std::fs;

use crate::process::output;
use crate::workspace::Workspace;
use crate::{Failure, Outcome, Result, codegen};

/// A rule that is broken at a place.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// From 1; 0 for the whole file.
    line: usize,
    /// What is wrong and what to do, in one sentence.
    rule: String,
}

impl Finding {
    fn new(path: &str, line: usize, rule: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule: rule.into() }
    }
}

/// A text file of the repository.
#[derive(Debug)]
struct File {
    /// From the root, with `/`.
    path: String,
    text: String,
}

/// All text files that are in git, or would be added.
#[derive(Debug, Default)]
struct Tree {
    files: Vec<File>,
}

impl Tree {
    fn read(workspace: &Workspace) -> Result<Self> {
        let mut git = workspace.command("git");
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let listing = output(&mut git)?;
        let mut files = Vec::new();
        for path in listing.split('\0').filter(|path| !path.is_empty()) {
            match fs::read(workspace.root.join(path)).map(String::from_utf8) {
                Ok(Ok(text)) => files.push(File { path: path.to_owned(), text }),
                // A picture, a font, a database.
                Ok(Err(_)) => {}
                // Deleted, and git has not been told; or a link to a directory.
                Err(_) if !workspace.root.join(path).is_file() => {}
                Err(error) => return Err(Failure::new(format!("{path}: {error}"))),
            }
        }
        Ok(Self { files })
    }

    /// Files under one of these places, with one of these endings.
    fn under<'a>(&'a self, places: &'a [&str], endings: &'a [&str]) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| {
            places.iter().any(|place| file.path.starts_with(place))
                && endings.iter().any(|ending| file.path.ends_with(ending))
        })
    }

    fn get(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// Every rule that needs nothing but the files.
const RULES: &[fn(&Tree) -> Vec<Finding>] = &[
    crates::no_tauri_under_crates,
    crates::encryption_is_left_out_in_measurements_alone,
    crates::directions,
    crates::test_features,
    crates::sql_in_its_rooms,
    crates::sockets_in_client_alone,
    crates::pure_rooms,
    crates::owned_tasks,
    pages::tauri_in_platform_alone,
    pages::no_html_from_text,
    features::proven,
    packages::explained,
    packages::locked_to_the_registry,
    words::nothing_of_this_machine,
];

/// Looks at everything and names each place where a rule is broken.
///
/// # Errors
/// When the files cannot be read.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let tree = Tree::read(workspace)?;
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    match codegen::generate(workspace) {
        Ok(generated) => findings.extend(stale(&tree, &generated)),
        Err(failure) => {
            findings.push(Finding::new("crates/api", 0, format!("TypeScript cannot be generated: {failure}")))
        }
    }
    findings.sort_by(|one, other| (&one.path, one.line).cmp(&(&other.path, other.line)));
    for Finding { path, line, rule } in &findings {
        eprintln!("{path}:{line}: {rule}");
    }
    println!("tidy: {} files, {} findings", tree.files.len(), findings.len());
    Ok(if findings.is_empty() { Outcome::Good } else { Outcome::Bad })
}

/// Generated files that are not as the generator writes them.
fn stale(tree: &Tree, generated: &[(&str, String)]) -> Vec<Finding> {
    generated
        .iter()
        .filter(|(path, text)| tree.get(path).is_none_or(|file| file.text != *text))
        .map(|(path, _)| Finding::new(path, 0, "is not what the generator writes: run `cargo xtask codegen`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of a few files, for the tests of the rules.
    pub(super) fn tree(files: &[(&str, &str)]) -> Tree {
        let file = |(path, text): &(&str, &str)| File { path: (*path).to_owned(), text: (*text).to_owned() };
        Tree { files: files.iter().map(file).collect() }
    }

    /// The places that a rule finds.
    pub(super) fn places(findings: &[Finding]) -> Vec<(&str, usize)> {
        findings.iter().map(|finding| (finding.path.as_str(), finding.line)).collect()
    }

    #[test]
    fn a_stale_or_missing_generated_file_is_found() {
        let tree = tree(&[("a.ts", "old"), ("b.ts", "same")]);
        let generated = [("a.ts", "new".to_owned()), ("b.ts", "same".to_owned()), ("c.ts", String::new())];
        assert_eq!(places(&stale(&tree, &generated)), [("a.ts", 0), ("c.ts", 0)]);
    }
}
