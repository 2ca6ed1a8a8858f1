//! Text from outside, made fit to be stored: no control characters, no characters that turn its direction around.

use std::collections::BTreeMap;

use deskbell_protocol::text::is_turning;
pub(crate) use deskbell_protocol::text::line;
use deskbell_protocol::{FIELD_MAX, Refusal};

/// A text of several lines: keeps line breaks and tabs, in one spelling.
pub(crate) fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .map(|character| if character == '\r' { '\n' } else { character })
        .filter(|character| matches!(character, '\n' | '\t') || !(character.is_control() || is_turning(*character)))
        .collect()
}

/// Bytes of so many characters in JSON at the most: one beyond the first plane may be written as two escapes.
pub(crate) const fn json_bytes(characters: usize) -> usize {
    12 * characters
}

/// A text of one line, cut to `most` characters. For what is only shown and never refused.
pub(crate) fn cut(text: &str, most: usize) -> String {
    line(text).chars().take(most).collect()
}

/// A field of one line.
pub(crate) fn field(name: &str, text: &str, most: usize) -> Result<String, Refusal> {
    let text = line(text);
    if text.chars().count() > most {
        Err(Refusal::invalid(name, &format!("at most {most} characters")))
    } else {
        Ok(text)
    }
}

/// Longest tag of a language, and the most languages of one text.
const TAG_MAX: usize = 35;
pub(crate) const LANGUAGES_MAX: usize = 50;

/// Whether a text is the tag of a language, such as `es` or `pt-BR`.
pub(crate) fn is_tag(tag: &str) -> bool {
    let plain = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|it| it.is_ascii_alphanumeric());
    tag.len() <= TAG_MAX && tag.split('-').all(plain)
}

/// What stands there by languages, under their tags as they are compared.
pub(crate) fn tagged<T>(name: &str, given: BTreeMap<String, T>) -> Result<BTreeMap<String, T>, Refusal> {
    if given.len() > LANGUAGES_MAX {
        return Err(Refusal::invalid(name, &format!("has {LANGUAGES_MAX} languages at the most")));
    }
    let mut tagged = BTreeMap::new();
    for (language, it) in given {
        let tag = language.to_ascii_lowercase();
        if !is_tag(&tag) {
            return Err(Refusal::invalid(name, "is by languages such as es or pt-BR"));
        }
        tagged.insert(tag, it);
    }
    Ok(tagged)
}

/// A field of one line in several languages. Where it is empty, there is none.
pub(crate) fn by_language(
    name: &str,
    given: BTreeMap<String, String>,
    most: usize,
) -> Result<BTreeMap<String, String>, Refusal> {
    let mut fields = tagged(name, given)?;
    for words in fields.values_mut() {
        *words = field(name, words, most)?;
    }
    fields.retain(|_, words| !words.is_empty());
    Ok(fields)
}

/// What stands there for somebody with a language, and under which tag: in just that one, in the one without a region, in
/// English, or in the first.
pub(crate) fn best_language<'t, T>(given: &'t BTreeMap<String, T>, language: &str) -> Option<(&'t String, &'t T)> {
    let tag = language.to_ascii_lowercase();
    let plain = tag.split('-').next().unwrap_or_default();
    let found = [tag.as_str(), plain, "en"].into_iter().find_map(|tag| given.get_key_value(tag));
    found.or_else(|| given.first_key_value())
}

/// The words for somebody with a language, as [`best_language`] has it.
pub(crate) fn in_language(given: &BTreeMap<String, String>, language: &str) -> String {
    best_language(given, language).map(|(_, words)| words.clone()).unwrap_or_default()
}

/// A field of one line that may not be empty.
pub(crate) fn named(name: &str, text: &str) -> Result<String, Refusal> {
    let text = field(name, text, FIELD_MAX)?;
    if text.is_empty() { Err(Refusal::invalid(name, "must not be empty")) } else { Ok(text) }
}

/// A field of several lines.
pub(crate) fn long_field(name: &str, text: &str, most: usize) -> Result<String, Refusal> {
    let text = lines(text);
    if text.chars().count() > most {
        Err(Refusal::invalid(name, &format!("at most {most} characters")))
    } else {
        Ok(text)
    }
}

/// An e-mail address, or nothing.
pub(crate) fn email(text: &str) -> Result<String, Refusal> {
    deskbell_protocol::text::email(text)
        .ok_or_else(|| Refusal::invalid("email", "must be empty or an address such as ann@shop.example"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn dk_23_stored_text_has_no_control_or_turning_characters() {
        assert_eq!(lines("a\r\nb\rc\u{0}\u{7}\td\u{202e}e"), "a\nb\nc\tde");
        assert_eq!(line(" Vic\n\u{2066}Smith\u{1b} "), "Vic Smith");
        assert_eq!(cut("äöüß", 2), "äö");
    }

    #[test]
    fn dk_06_an_email_is_empty_or_has_one_at() {
        for good in ["", "vic@home.example", " vic@home.example "] {
            email(good).unwrap();
        }
        for bad in ["vic", "@home", "vic@", "a b@c", "a@b@c"] {
            let refusal = email(bad).unwrap_err();
            assert_eq!(refusal.field.as_deref(), Some("email"), "{bad}");
        }
    }
}
