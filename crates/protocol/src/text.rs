//! Fields of one line as the desk keeps them. An app that asks here before it sends is not refused later.

/// Longest e-mail address, in Unicode scalar values.
pub const EMAIL_MAX: usize = 320;

/// Characters that override or embed a direction: they make a text look like another one.
pub fn is_turning(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text of one line, trimmed.
pub fn line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|character| if matches!(character, '\n' | '\r' | '\t') { ' ' } else { character })
        .filter(|character| !(character.is_control() || is_turning(*character)))
        .collect();
    spaced.trim().to_owned()
}

/// An e-mail address as it is kept, or an empty text. Only what every address has is asked for: one `@` with something
/// around it. `None`: it is neither.
pub fn email(text: &str) -> Option<String> {
    let text = line(text);
    let around = text.split_once('@').filter(|(local, host)| !local.is_empty() && !host.is_empty());
    let is_address = around.is_some_and(|(_, host)| !host.contains('@'))
        && !text.contains(char::is_whitespace)
        && text.chars().count() <= EMAIL_MAX;
    (is_address || text.is_empty()).then_some(text)
}
