//! What of a message is found.

use deskbell_protocol::{Author, Message, MessageKind};

use crate::snippet::MARKS;

/// Brings letters that people write with and without their mark to one form. The index knows the marks of Latin
/// letters only. Every character stays one character, so that a place in the answer is a place in `text`.
pub fn fold(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            'ё' | 'Ё' => 'е',
            'й' | 'Й' => 'и',
            'ї' | 'Ї' => 'і',
            'ў' | 'Ў' => 'у',
            'ѓ' | 'Ѓ' | 'ґ' | 'Ґ' => 'г',
            'ќ' | 'Ќ' => 'к',
            // A text that holds a mark of a match must not seem to match.
            mark if mark == MARKS.0 || mark == MARKS.1 => ' ',
            other => other,
        })
        .collect()
}

/// The text of a message, the title of the article it brings and the names of its files, as people wrote them. Nothing of
/// what the desk itself says, which is a code.
pub fn words(message: &Message) -> String {
    if message.kind == MessageKind::System {
        return String::new();
    }
    let mut words = message.text.clone();
    if let Some(card) = &message.article {
        words.push('\n');
        words.push_str(&card.title);
    }
    for attachment in &message.attachments {
        words.push('\n');
        words.push_str(&attachment.name);
    }
    words
}

/// Whether the first match lies in the name of a file. `highlighted` are the [`words`], folded and marked.
pub fn marked_file(message: &Message, highlighted: &str) -> bool {
    let title = message.article.as_ref().map_or(0, |card| 1 + card.title.chars().count());
    let said = message.text.chars().count() + title;
    highlighted.chars().position(|letter| letter == MARKS.0).is_some_and(|at| at > said)
}

/// What else can be asked of a message, as words of an index of their own: its kind, who wrote it, what it carries.
/// Nothing of a deleted one, which is found by nothing.
pub fn facets(message: &Message) -> String {
    if message.deleted_at.is_some() {
        return String::new();
    }
    let mut facets = match message.kind {
        MessageKind::Reply => vec![REPLY.to_owned()],
        MessageKind::Note => vec![NOTE.to_owned()],
        MessageKind::System => return String::new(),
    };
    match &message.author {
        Author::Visitor => facets.push(BY_VISITOR.to_owned()),
        Author::Agent { id, .. } => facets.extend([BY_AGENT.to_owned(), by(id.0)]),
        Author::Desk => {}
    }
    if !message.attachments.is_empty() {
        facets.push(FILE.to_owned());
    }
    if message.attachments.iter().any(|attachment| attachment.picture.is_some()) {
        facets.push(PICTURE.to_owned());
    }
    let text = message.text.to_ascii_lowercase();
    if text.contains("https://") || text.contains("http://") {
        facets.push(LINK.to_owned());
    }
    facets.join(" ")
}

pub(crate) const REPLY: &str = "reply";
pub(crate) const NOTE: &str = "note";
pub(crate) const BY_VISITOR: &str = "byvisitor";
pub(crate) const BY_AGENT: &str = "byagent";
pub(crate) const FILE: &str = "file";
pub(crate) const PICTURE: &str = "picture";
pub(crate) const LINK: &str = "link";

pub(crate) fn by(agent: i64) -> String {
    format!("agent{agent}")
}
