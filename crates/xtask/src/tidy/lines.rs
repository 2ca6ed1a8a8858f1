//! Reading sources line by line.

use super::File;

/// The lines of a Rust, TypeScript or JavaScript file with their numbers from 1, without what stands in
/// comments that begin with `//`.
pub(super) fn code(file: &File) -> impl Iterator<Item = (usize, &str)> {
    file.text.lines().enumerate().map(|(index, line)| (index + 1, without_comment(line)))
}

/// Cuts a comment off. The two slashes of an address (`https://`) begin none.
fn without_comment(line: &str) -> &str {
    let mut from = 0;
    while let Some(found) = line.get(from..).and_then(|rest| rest.find("//")) {
        let at = from + found;
        if at == 0 || line.as_bytes().get(at - 1) != Some(&b':') {
            return line.get(..at).unwrap_or_default();
        }
        from = at + 2;
    }
    line
}

/// Whether a line holds a name as a whole, and not as a part of a longer one.
pub(super) fn names(line: &str, name: &str) -> bool {
    let part_of_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(name).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + name.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(part_of_name) && !after.is_some_and(part_of_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_no_code_and_addresses_are_no_comments() {
        assert_eq!(without_comment("let a = 1; // not b"), "let a = 1; ");
        assert_eq!(without_comment("//! all of it"), "");
        assert_eq!(without_comment("let a = \"https://a.test\"; // x"), "let a = \"https://a.test\"; ");
    }

    #[test]
    fn a_name_is_found_as_a_whole() {
        assert!(names("use serde::Value;", "serde"));
        assert!(!names("fn serde_free()", "serde"));
        assert!(names("a(serde_free, serde)", "serde"));
    }
}
