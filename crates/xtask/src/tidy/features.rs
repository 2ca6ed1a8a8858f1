//! `docs/features.md` against the tests.

use std::collections::{BTreeMap, BTreeSet};

use super::{File, Finding, Tree};

const LIST: &str = "docs/features.md";

/// The acceptance list: prefix and largest number.
const IDS: &[(&str, u32)] = &[("OD", 51), ("DK", 26), ("TV", 14), ("DC", 4)];

/// How far a feature may be.
const STATES: &[&str] = &["done", "partly", "not yet"];

/// How JavaScript's test runners begin a test that really runs.
const TEST_CALLS: &[&str] = &["test(", "it(", "describe(", "journey("];

pub(super) fn proven(tree: &Tree) -> Vec<Finding> {
    let Some(list) = tree.get(LIST) else {
        return vec![Finding::new(LIST, 0, "the list of features is missing")];
    };
    let proofs = proofs(tree);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut findings = Vec::new();
    for (index, line) in list.text.lines().enumerate() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, id, _, state, ..] = cells.as_slice() else { continue };
        if !is_id(id) {
            continue;
        }
        let mut complain = |rule: String| findings.push(Finding::new(LIST, index + 1, rule));
        if let Some(first) = seen.insert((*id).to_owned(), index + 1) {
            complain(format!("{id} stands in line {first} already"));
        }
        if !STATES.contains(state) {
            complain(format!("{id} is {state:?}; it can be {}", STATES.join(", ")));
        }
        if *state == "done" && !proofs.contains(*id) {
            complain(format!("{id} is called done, and no test has it in its title"));
        }
    }
    let missing = IDS.iter().flat_map(|(prefix, last)| (1..=*last).map(move |number| format!("{prefix}-{number:02}")));
    findings.extend(
        missing.filter(|id| !seen.contains_key(id)).map(|id| Finding::new(LIST, 0, format!("{id} has no line"))),
    );
    findings
}

/// Whether a cell is an id of the list.
fn is_id(cell: &str) -> bool {
    let Some((prefix, number)) = cell.split_once('-') else { return false };
    let Ok(number) = number.parse::<u32>() else { return false };
    IDS.iter().any(|(known, last)| *known == prefix && (1..=*last).contains(&number))
}

/// The ids in the titles of all tests that run.
fn proofs(tree: &Tree) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in tree.under(&["crates/", "src-tauri/", "tests/"], &[".rs"]) {
        rust_titles(file).for_each(|title| found.extend(ids(&title.to_uppercase().replace('_', "-"))));
    }
    for file in tree.under(&["ui/", "widget/", "tests/"], &[".test.ts", ".test.mjs", ".test.js"]) {
        script_titles(file).for_each(|title| found.extend(ids(title)));
    }
    found
}

/// Names of functions under a `#[test]`, unless they are ignored.
fn rust_titles(file: &File) -> impl Iterator<Item = &str> {
    let mut attributes: Vec<&str> = Vec::new();
    file.text.lines().filter_map(move |line| {
        let line = line.trim();
        if line.starts_with("#[") {
            attributes.push(line);
            return None;
        }
        let is_test =
            attributes.iter().any(|attribute| attribute.starts_with("#[test") || attribute.contains("::test"));
        let ignored = attributes.iter().any(|attribute| attribute.starts_with("#[ignore"));
        attributes.clear();
        let (_, name) = line.split_once("fn ")?;
        (is_test && !ignored).then(|| name.split(['(', '<']).next().unwrap_or(name))
    })
}

/// First texts in calls that begin a test. `test.skip(` and `test.todo(` begin none.
fn script_titles(file: &File) -> impl Iterator<Item = &str> {
    TEST_CALLS.iter().flat_map(|call| {
        file.text.match_indices(call).filter_map(|(at, call)| {
            let before = file.text.get(..at)?.chars().next_back();
            if before.is_some_and(|letter| letter.is_alphanumeric() || letter == '.' || letter == '_') {
                return None;
            }
            let rest = file.text.get(at + call.len()..)?.trim_start();
            let quote = rest.chars().next().filter(|letter| matches!(letter, '\'' | '"' | '`'))?;
            rest.get(1..)?.split(quote).next()
        })
    })
}

/// Every id in a title.
fn ids(title: &str) -> impl Iterator<Item = String> {
    IDS.iter().flat_map(move |(prefix, _)| {
        title.match_indices(prefix).filter_map(move |(at, prefix)| {
            let id = title.get(at..at + prefix.len() + 3)?;
            is_id(id).then(|| id.to_owned())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{places, tree};
    use super::*;

    /// A list with every id, all of them "not yet" except those given.
    fn list(states: &[(&str, &str)]) -> String {
        let mut text = String::from("# Features\n\n| Id | What | State | Proof |\n|---|---|---|---|\n");
        for (prefix, last) in IDS {
            for number in 1..=*last {
                let id = format!("{prefix}-{number:02}");
                let state = states.iter().find(|(known, _)| *known == id).map_or("not yet", |(_, state)| state);
                text += &format!("| {id} | Something. | {state} | |\n");
            }
        }
        text
    }

    #[test]
    fn a_whole_and_honest_list_passes() {
        let list =
            list(&[("OD-13", "done"), ("DK-16", "done"), ("DK-17", "done"), ("TV-05", "done"), ("OD-01", "partly")]);
        let tree = tree(&[
            (LIST, &list),
            ("crates/cache/src/lib.rs", "    #[test]\n    #[cfg(unix)]\n    fn od_13_closing_moves_on() {\n"),
            ("ui/src/boxes.test.ts", "test('DK-16, DK-17: a box keeps its draft', () => {});\n"),
            ("tests/e2e/journeys/chat.test.mjs", "test(\n  `TV-05: texts`, async () => {});\n"),
        ]);
        assert_eq!(proven(&tree), []);
    }

    #[test]
    fn done_without_a_test_that_runs_is_found() {
        let list = list(&[("OD-13", "done"), ("DK-16", "done"), ("TV-05", "done")]);
        let tree = tree(&[
            (LIST, &list),
            ("crates/cache/src/lib.rs", "#[test]\n#[ignore]\nfn od_13_closing_moves_on() {\n}\nfn dk_16_helper() {}\n"),
            ("ui/src/boxes.test.ts", "test.skip('TV-05: later', () => {}); const note = 'DK-16';\n"),
        ]);
        assert_eq!(places(&proven(&tree)), [(LIST, 17), (LIST, 71), (LIST, 86)]);
    }

    #[test]
    fn a_missing_line_a_double_one_and_a_strange_state_are_found() {
        let list = list(&[("DC-01", "soon")]).replace("| OD-02 |", "| OD-03 |");
        let findings = proven(&tree(&[(LIST, &list)]));
        let rules: Vec<&str> = findings.iter().map(|finding| finding.rule.as_str()).collect();
        assert_eq!(rules.len(), 3, "{rules:?}");
        assert!(rules.iter().any(|rule| rule.starts_with("OD-03 stands")));
        assert!(rules.iter().any(|rule| rule.starts_with("DC-01 is \"soon\"")));
        assert!(rules.iter().any(|rule| rule.starts_with("OD-02 has no line")));
    }

    #[test]
    fn a_missing_list_is_found() {
        assert_eq!(places(&proven(&tree(&[]))), [(LIST, 0)]);
    }
}
