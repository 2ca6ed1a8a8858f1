//! Prepared texts, and how they are found by what is typed.

use deskbell_protocol::CannedText;
use icu_normalizer::DecomposingNormalizerBorrowed;

use crate::Cache;
use crate::error::CacheError;

/// Lower case without the marks of letters, so that `nino` finds “niño” and `елка` “Ёлка”.
fn plain(text: &str) -> String {
    let apart = DecomposingNormalizerBorrowed::new_nfd().normalize(text);
    apart.chars().filter(|letter| !('\u{300}'..='\u{36f}').contains(letter)).flat_map(char::to_lowercase).collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// How well a text fits what was typed: the less the better. `None`: not at all. Every word that was typed has to begin
/// a word of the shortcut, the title or the text.
fn rank(typed: &str, canned: &CannedText) -> Option<u8> {
    let shortcut = plain(&canned.shortcut);
    if shortcut.starts_with(typed) {
        return Some(0);
    }
    let begins = |typed: &str, text: &str| words(text).any(|word| word.starts_with(typed));
    let named = format!("{shortcut} {}", plain(&canned.title));
    // Without a word there is nothing to look for.
    words(typed).next()?;
    if words(typed).all(|typed| begins(typed, &named)) {
        return Some(1);
    }
    let body = plain(&canned.text);
    words(typed).all(|typed| begins(typed, &named) || begins(typed, &body)).then_some(2)
}

impl Cache {
    /// Prepared texts that fit what was typed: first those whose shortcut begins so, then those whose name has the words,
    /// then those that say them; among equals, those that are used most.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn canned_texts(&self, typed: &str, limit: u32) -> Result<Vec<CannedText>, CacheError> {
        let typed = plain(typed.trim());
        let all: Vec<CannedText> = self.all_of("canned_text")?;
        let mut found: Vec<(u8, CannedText)> =
            all.into_iter().filter_map(|canned| Some((rank(&typed, &canned)?, canned))).collect();
        found.sort_by(|(a, left), (b, right)| {
            (a, right.uses, &left.shortcut, left.id).cmp(&(b, left.uses, &right.shortcut, right.id))
        });
        Ok(found.into_iter().map(|(_, canned)| canned).take(limit as usize).collect())
    }
}
