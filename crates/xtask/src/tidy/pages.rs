//! What the pages' sources may hold.

use super::{Finding, Tree};

/// Sources of everything that is shown in a web view or a browser.
const PAGES: &[&str] = &["ui/", "widget/", "shop/"];
const SOURCES: &[&str] = &[".ts", ".svelte", ".js", ".mjs", ".html"];

/// What makes markup out of text. Joined, so that this file could be looked at by the same rule.
const SINKS: &[&str] = &[
    concat!("inner", "HTML"),
    concat!("outer", "HTML"),
    concat!("insertAdjacent", "HTML"),
    concat!("set", "HTMLUnsafe"),
    concat!("createContextual", "Fragment"),
    concat!("DOM", "Parser"),
    concat!("{@", "html"),
    concat!("src", "doc"),
    concat!("document.", "write"),
];

pub(super) fn tauri_in_platform_alone(tree: &Tree) -> Vec<Finding> {
    let files = tree.under(&["ui/src/"], SOURCES).filter(|file| !file.path.starts_with("ui/src/platform/"));
    let mut findings = Vec::new();
    for file in files {
        for (index, _) in file.text.lines().enumerate().filter(|(_, line)| line.contains("@tauri-apps")) {
            findings.push(Finding::new(&file.path, index + 1, "only ui/src/platform knows the host: go through it"));
        }
    }
    findings
}

pub(super) fn no_html_from_text(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.under(PAGES, SOURCES).filter(|file| !file.path.contains(".test.")) {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(sink) = SINKS.iter().find(|sink| line.contains(*sink)) {
                let rule = format!("{sink} makes markup out of text: build elements and set their text");
                findings.push(Finding::new(&file.path, index + 1, rule));
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
    fn the_host_outside_platform_is_found() {
        let line = "import { invoke } from '@tauri-apps/api/core';\n";
        let tree = tree(&[("ui/src/platform/native.ts", line), ("ui/src/App.svelte", line), ("ui/package.json", line)]);
        assert_eq!(places(&tauri_in_platform_alone(&tree)), [("ui/src/App.svelte", 1)]);
    }

    #[test]
    fn every_way_from_text_to_markup_is_found() {
        for sink in SINKS {
            let text = format!("const a = 1;\nelement.{sink} = text;\n");
            let tree = tree(&[("widget/src/panel.ts", &text), ("shop/index.html", &text), ("docs/STYLE.md", &text)]);
            assert_eq!(
                places(&no_html_from_text(&tree)),
                [("widget/src/panel.ts", 2), ("shop/index.html", 2)],
                "{sink}"
            );
        }
    }

    #[test]
    fn tests_may_hold_attacks() {
        let text = format!("send('<iframe {}=x>')", concat!("src", "doc"));
        assert_eq!(no_html_from_text(&tree(&[("ui/src/thread.test.ts", &text)])), []);
    }
}
