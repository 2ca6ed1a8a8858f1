//! Labels of conversations: how one is written, when two are the same, and what a change leaves.

use deskbell_protocol::{LABEL_MAX, LABELS_MAX};

use crate::index::fold;

/// Why a text is no label, or a change leaves no fitting labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLabel {
    /// Nothing is left of it.
    #[error("must not be empty")]
    Empty,
    /// Longer than [`LABEL_MAX`].
    #[error("at most {LABEL_MAX} characters")]
    TooLong,
    /// Control characters, or such as turn the direction of a text.
    #[error("must have no control characters")]
    Unfit,
    /// More than [`LABELS_MAX`] of one conversation.
    #[error("at most {LABELS_MAX} labels")]
    TooMany,
}

/// The label as it is kept: trimmed, with single spaces.
///
/// # Errors
/// [`BadLabel`].
pub fn read_label(text: &str) -> Result<String, BadLabel> {
    let label = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let turns = |letter| matches!(letter, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if label.is_empty() {
        Err(BadLabel::Empty)
    } else if label.chars().count() > LABEL_MAX {
        Err(BadLabel::TooLong)
    } else if label.chars().any(|letter| letter.is_control() || turns(letter)) {
        Err(BadLabel::Unfit)
    } else {
        Ok(label)
    }
}

/// What two spellings of one label have in common.
pub fn label_key(label: &str) -> String {
    fold(&label.to_lowercase())
}

/// The labels after a change, sorted by what they have in common with other spellings. The first spelling stays.
///
/// # Errors
/// [`BadLabel`] of one that is added, or [`BadLabel::TooMany`]. What cannot be a label is not there to be removed.
pub fn change_labels(labels: &[String], add: &[String], remove: &[String]) -> Result<Vec<String>, BadLabel> {
    let removed: Vec<String> =
        remove.iter().filter_map(|label| read_label(label).ok()).map(|label| label_key(&label)).collect();
    let added = add.iter().map(|label| read_label(label)).collect::<Result<Vec<_>, _>>()?;
    let added_keys: Vec<String> = added.iter().map(|label| label_key(label)).collect();
    let mut kept: Vec<(String, String)> = labels
        .iter()
        .map(|label| (label_key(label), label.clone()))
        .filter(|(key, _)| !removed.contains(key) || added_keys.contains(key))
        .collect();
    for (key, label) in added_keys.into_iter().zip(added) {
        if !kept.iter().any(|(other, _)| *other == key) {
            kept.push((key, label));
        }
    }
    if kept.len() > LABELS_MAX {
        return Err(BadLabel::TooMany);
    }
    kept.sort();
    Ok(kept.into_iter().map(|(_, label)| label).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn texts(labels: &[&str]) -> Vec<String> {
        labels.iter().map(|&label| label.to_owned()).collect()
    }

    #[test]
    fn a_label_is_a_short_line_without_tricks() {
        assert_eq!(read_label("  needs \t a\nreply "), Ok("needs a reply".to_owned()));
        assert_eq!(read_label(" \u{a0} "), Err(BadLabel::Empty));
        assert_eq!(read_label(&"ж".repeat(40)), Ok("ж".repeat(40)));
        assert_eq!(read_label(&"ж".repeat(41)), Err(BadLabel::TooLong));
        for trick in ["pay\u{202e}pal", "a\u{0}b", "\u{200f}vip", "a\u{7f}"] {
            assert_eq!(read_label(trick), Err(BadLabel::Unfit), "{trick:?}");
        }
    }

    #[test]
    fn the_first_spelling_of_a_label_wins_and_what_is_not_there_is_not_removed() {
        let labels = change_labels(&texts(&["VIP"]), &texts(&["vip", "Ёлка", "елка"]), &texts(&["gone", ""])).unwrap();
        assert_eq!(labels, ["VIP", "Ёлка"]);
        assert_eq!(change_labels(&labels, &[], &texts(&["ЕЛКА"])).unwrap(), ["VIP"]);
        assert_eq!(change_labels(&labels, &texts(&["Vip"]), &texts(&["vip"])).unwrap(), ["VIP", "Ёлка"]);
    }

    #[test]
    fn a_conversation_has_twenty_labels_at_the_most() {
        let many: Vec<String> = (0..21).map(|number| format!("label {number}")).collect();
        assert_eq!(change_labels(&[], &many, &[]), Err(BadLabel::TooMany));
        let twenty = change_labels(&[], &many[..20], &[]).unwrap();
        assert_eq!(change_labels(&twenty, &many[20..], &many[..1]).unwrap().len(), 20, "one goes, one comes");
    }
}
