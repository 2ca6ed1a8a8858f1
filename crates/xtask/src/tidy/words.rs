//! Words that tell of one machine and mean nothing on another.

use super::{Finding, Tree};

/// Paths of a workplace, and hosts that a lock file may name but nothing else. Joined, so that this file holds none.
const WORDS: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/tmp/", "setup"),
    concat!("/ro", "ot/"),
    concat!("registry.", "npmjs.org"),
    concat!("static.", "crates.io"),
    concat!("index.", "crates.io"),
    concat!("deb.", "debian.org"),
];

/// Written by tools.
const LOCKS: &[&str] = &["Cargo.lock", "package-lock.json"];

pub(super) fn nothing_of_this_machine(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| !LOCKS.contains(&file.path.as_str())) {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(word) = WORDS.iter().find(|word| line.contains(*word)) {
                findings.push(Finding::new(&file.path, index + 1, format!("{word} means nothing on another machine")));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tests::{places, tree};
    use super::*;

    #[test]
    fn a_path_of_this_machine_is_found() {
        for word in WORDS {
            let text = format!("first\nsee {word}x\n");
            let tree =
                tree(&[("docs/a.md", &text), ("package-lock.json", &text), (".github/workflows/ci.yml", "on: push\n")]);
            assert_eq!(places(&nothing_of_this_machine(&tree)), [("docs/a.md", 2)], "{word}");
        }
    }
}
