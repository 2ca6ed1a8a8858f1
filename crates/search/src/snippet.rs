//! The part of a text around its matches, as plain pieces.

/// Stand around a match in a highlighted text; [`crate::fold`] keeps them out of the text itself.
pub const MARKS: (char, char) = ('\u{1}', '\u{2}');

/// Characters shown before the first match.
const LEAD: usize = 40;
/// Characters shown in all.
const LENGTH: usize = 160;

/// Cuts `original` around its first match, into pieces of which every second one is a match. `highlighted` is the same
/// text, folded, with [`MARKS`] around every match. Without a match it is the beginning of the text.
pub fn snippet(original: &str, highlighted: &str) -> Vec<String> {
    let letters = letters(original, highlighted);
    let first = letters.iter().position(|(_, marked)| *marked).unwrap_or(0);
    let mut from = first.saturating_sub(LEAD);
    if from > 0 {
        // Not in the middle of a word, unless it is longer than the lead.
        let space = letters.iter().take(first).skip(from).position(|(letter, _)| letter.is_whitespace());
        from += space.map_or(0, |space| space + 1);
    }
    let mut pieces = vec![if from > 0 { "…".to_owned() } else { String::new() }];
    let mut inside = false;
    let mut blank = from == 0;
    for (letter, marked) in letters.iter().skip(from).take(LENGTH) {
        if *marked != inside {
            inside = *marked;
            pieces.push(String::new());
        }
        let Some(piece) = pieces.last_mut() else { break };
        if !letter.is_whitespace() {
            piece.push(*letter);
        } else if !blank {
            piece.push(' ');
        }
        blank = letter.is_whitespace();
    }
    if letters.len() > from + LENGTH {
        if inside {
            pieces.push(String::new());
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push('…');
        }
    }
    pieces
}

/// Every character of the original, and whether it belongs to a match.
fn letters(original: &str, highlighted: &str) -> Vec<(char, bool)> {
    let mut inside = false;
    let mut marks = Vec::new();
    for letter in highlighted.chars() {
        if letter == MARKS.0 {
            inside = true;
        } else if letter == MARKS.1 {
            inside = false;
        } else {
            marks.push(inside);
        }
    }
    original
        .chars()
        .map(|letter| if letter == MARKS.0 || letter == MARKS.1 { ' ' } else { letter })
        .zip(marks.into_iter().chain(std::iter::repeat(false)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn od_16_a_match_is_shown_as_it_was_written_with_what_stands_around_it() {
        assert_eq!(snippet("Новая Ёлка\nстоит", "Новая \u{1}Елка\u{2}\nстоит"), ["Новая ", "Ёлка", " стоит"]);
        assert_eq!(snippet("tea", "\u{1}tea\u{2}"), ["", "tea"]);
        assert_eq!(snippet("  no match", "  no match"), ["no match"]);
        let long = format!("{} tea {}", "word ".repeat(40), "more ".repeat(60));
        let pieces = snippet(&long, &long.replace("tea", "\u{1}tea\u{2}"));
        assert_eq!(pieces.len(), 3);
        assert!(pieces.first().is_some_and(|lead| lead.starts_with("…word ")), "{pieces:?}");
        assert!(pieces.last().is_some_and(|tail| tail.ends_with('…')), "{pieces:?}");
    }

    #[test]
    fn a_text_cannot_pretend_to_match() {
        let text = "\u{1}<b>tea</b>\u{2}";
        assert_eq!(snippet(text, &crate::fold(text)), ["<b>tea</b> "]);
    }
}
