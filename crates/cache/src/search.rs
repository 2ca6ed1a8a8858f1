//! Search as you type, over messages, people and file names, newest first.

use deskbell_protocol::{ContactId, ConversationId, Message, Number, Timestamp};
use rusqlite::params;

use crate::Cache;
use crate::error::CacheError;
use crate::queries::queries;
use crate::read::{find, of_contact};

queries! {
    PEOPLE = "SELECT rowid FROM person_words WHERE person_words MATCH ?1 ORDER BY rowid DESC LIMIT ?2";
    MESSAGES = "SELECT message.data, snippet(message_words, 0, char(1), char(2), '…', ?3)
        FROM message_words JOIN message ON message.id = message_words.rowid
        WHERE message_words MATCH ?1 ORDER BY message_words.rowid DESC LIMIT ?2";
}

/// Words of one query at the most; what is beyond them is not looked at.
const WORDS_MAX: usize = 8;
/// Words around a match.
const SNIPPET_WORDS: u8 = 12;
/// Stand around a match in the snippet; they cannot be typed into a message, which holds no such characters.
const MARKS: (char, char) = ('\u{1}', '\u{2}');

/// A hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchRecord {
    /// Where.
    pub conversation: ConversationId,
    /// The message; `None` when the person matched.
    pub number: Option<Number>,
    /// Empty: unnamed.
    pub contact_name: String,
    /// A short number for an unnamed visitor.
    pub visitor_number: i64,
    /// Pieces, every second one a match.
    pub snippet: Vec<String>,
    /// When.
    pub at: Timestamp,
}

/// Russian is written with and without the dots of ё, and the index knows the accents of Latin letters only.
pub(crate) fn fold(text: &str) -> String {
    text.replace('ё', "е").replace('Ё', "Е")
}

/// What people type, as a query: every word is quoted, so nothing of it is an operator, and the last one may be
/// unfinished. `None` when there is no word.
fn query(text: &str) -> Option<String> {
    let words: Vec<String> = fold(text)
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(WORDS_MAX)
        .map(|word| format!("\"{word}\""))
        .collect();
    (!words.is_empty()).then(|| format!("{}*", words.join(" ")))
}

fn pieces(marked: &str) -> Vec<String> {
    marked
        .split([MARKS.0, MARKS.1])
        .map(|piece| piece.split_whitespace().collect::<Vec<_>>().join(" "))
        .zip(marked.split([MARKS.0, MARKS.1]))
        .map(|(flat, raw)| {
            let lead = if raw.starts_with(char::is_whitespace) { " " } else { "" };
            let tail = if raw.len() > 1 && raw.ends_with(char::is_whitespace) { " " } else { "" };
            format!("{lead}{flat}{tail}")
        })
        .collect()
}

impl Cache {
    /// Searches. People come first, then messages, newest first.
    ///
    /// # Errors
    /// [`CacheError`]; never for what was typed.
    pub fn search(&self, text: &str, limit: u32) -> Result<Vec<SearchRecord>, CacheError> {
        let Some(query) = query(text) else { return Ok(Vec::new()) };
        self.cache().read(|connection| {
            let mut hits = Vec::new();
            let mut people = connection.prepare_cached(PEOPLE)?;
            let contacts: Vec<i64> =
                people.query_map(params![query, limit.min(10)], |row| row.get(0))?.collect::<Result<_, _>>()?;
            for contact in contacts {
                if let Some(record) = of_contact(connection, ContactId(contact), 1)?.pop() {
                    hits.push(SearchRecord {
                        conversation: record.conversation.id,
                        number: None,
                        snippet: vec![String::new(), record.contact_name.clone()],
                        contact_name: record.contact_name,
                        visitor_number: record.visitor_number,
                        at: record.conversation.active_at,
                    });
                }
            }
            // The ids come first, newest first, so the index stops early; then the few rows.
            let mut messages = connection.prepare_cached(MESSAGES)?;
            let rows: Vec<(String, String)> = messages
                .query_map(params![query, limit, SNIPPET_WORDS], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            for (data, snippet) in rows {
                let message: Message = serde_json::from_str(&data)?;
                let Some(record) = find(connection, message.conversation)? else { continue };
                hits.push(SearchRecord {
                    conversation: message.conversation,
                    number: Some(message.number),
                    contact_name: record.contact_name,
                    visitor_number: record.visitor_number,
                    snippet: pieces(&snippet),
                    at: message.created_at,
                });
            }
            hits.truncate(limit as usize);
            Ok(hits)
        })
    }
}
