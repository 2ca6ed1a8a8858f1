//! Search as you type, over messages, notes, people, the pages they saw and file names.

use deskbell_protocol::{AgentId, ContactId, ConversationId, Message, MessageKind, Number, Timestamp, VisitorId};
use deskbell_search::{Date, MARKS, Place, Query, Side, marked_file, snippet, words};
use rusqlite::{Connection, params};

use crate::Cache;
use crate::apply::person;
use crate::error::CacheError;
use crate::queries::queries;
use crate::read::{Named, of_contact, visitor_number};

queries! {
    /// Newest first is the order of the index, so it stops early.
    MESSAGES = "SELECT message.data, highlight(message_words, 0, char(1), char(2)), conversation.visitor,
            (SELECT data FROM entity WHERE kind = 'contact' AND id = conversation.contact)
        FROM message_words
        CROSS JOIN message ON message.id = message_words.rowid
        CROSS JOIN conversation ON conversation.id = message.conversation
        WHERE message_words MATCH ?1
            AND message_words.rowid BETWEEN ?3 AND ?4
            AND message.at >= ?5 AND message.at < ?6
            AND (?7 IS NULL OR conversation.state = ?7)
            AND (?8 IS NULL OR conversation.assignee = ?8)
            AND (?9 IS NULL OR conversation.contact IN
                (SELECT rowid FROM person_words WHERE person_words MATCH ?9))
            AND (?10 IS NULL OR message.by_visitor = 0 OR conversation.contact IN
                (SELECT rowid FROM person_words WHERE person_words MATCH ?10))
            AND (?11 IS NULL OR CASE message.by_visitor
                WHEN 0 THEN conversation.contact IN (SELECT rowid FROM person_words WHERE person_words MATCH ?11)
                ELSE conversation.assignee IN (SELECT rowid FROM agent_words WHERE agent_words MATCH ?11) END)
            AND (?12 IS NULL OR conversation.assignee = ?12)
            AND NOT EXISTS (SELECT 1 FROM json_each(?13) AS tag WHERE NOT EXISTS
                (SELECT 1 FROM conversation_label WHERE conversation_label.conversation = message.conversation
                    AND key >= tag.value AND key < tag.value || char(1114111)))
        ORDER BY message_words.rowid DESC LIMIT ?2";
    PEOPLE = "SELECT rowid, highlight(person_words, 0, char(1), char(2)), highlight(person_words, 1, char(1), char(2)),
            highlight(person_words, 2, char(1), char(2)), highlight(person_words, 3, char(1), char(2)),
            highlight(person_words, 4, char(1), char(2))
        FROM person_words
        WHERE person_words MATCH ?1 AND EXISTS (SELECT 1 FROM conversation WHERE contact = person_words.rowid)
        ORDER BY rowid DESC LIMIT ?2";
    AGENTS = "SELECT rowid FROM agent_words WHERE agent_words MATCH ?1 LIMIT ?2";
    /// When a day begins where this computer is.
    BEGINS = "SELECT CAST(strftime('%s', ?1, 'utc') AS INTEGER) * 1000";
    FIRST_SINCE = "SELECT id FROM message WHERE at >= ?1 ORDER BY at, id LIMIT 1";
    LAST_BEFORE = "SELECT id FROM message WHERE at < ?1 ORDER BY at DESC, id DESC LIMIT 1";
}

/// People found at the most, and as many of whom only a page was found.
const PEOPLE_MAX: u32 = 10;
/// Agents of one name at the most.
const AGENTS_MAX: u32 = 50;

/// What a hit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The name of a person, or what else the team knows of them.
    Person,
    /// A page that a person saw.
    Page,
    /// The text of a message that the visitor may see.
    Message,
    /// A note of the team.
    Note,
    /// The name of a file.
    File,
}

/// A hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchRecord {
    /// What it is.
    pub found: Found,
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

impl Cache {
    /// Searches for what was typed, on behalf of an agent. People come first, then messages, newest first, and last
    /// those people of whom only a page was found.
    ///
    /// # Errors
    /// [`CacheError`]; never for what was typed.
    pub fn search(&self, typed: &str, me: AgentId, limit: u32) -> Result<Vec<SearchRecord>, CacheError> {
        let query = Query::read(typed);
        self.cache().read(|connection| {
            let mut hits = Vec::new();
            if let Some(question) = query.people() {
                hits.extend(people(connection, &question, &[], limit.min(PEOPLE_MAX))?);
            }
            let known: Vec<ConversationId> = hits.iter().map(|hit| hit.conversation).collect();
            let visits = match query.visits() {
                Some(question) => people(connection, &question, &known, limit.min(PEOPLE_MAX))?,
                None => Vec::new(),
            };
            let taken = u32::try_from(hits.len() + visits.len()).unwrap_or(limit);
            hits.extend(messages(connection, &query, me, limit.saturating_sub(taken))?);
            hits.extend(visits);
            hits.truncate(limit as usize);
            Ok(hits)
        })
    }

    /// Between which times the dates that were typed begin where this computer is: `after:`, then `before:`.
    ///
    /// # Errors
    /// [`CacheError`]; never for what was typed.
    pub fn times(&self, typed: &str) -> Result<(Option<Timestamp>, Option<Timestamp>), CacheError> {
        let query = Query::read(typed);
        self.cache().read(|connection| {
            let begins = |date: Option<Date>| date.map(|date| begins(connection, date)).transpose();
            Ok((begins(query.after)?, begins(query.before)?))
        })
    }
}

/// When a day begins where this computer is.
fn begins(connection: &Connection, date: Date) -> Result<Timestamp, CacheError> {
    let local: Option<Timestamp> =
        connection.prepare_cached(BEGINS)?.query_row([date.to_string()], |row| row.get(0))?;
    Ok(local.unwrap_or_else(|| date.begins_in_utc()))
}

fn people(
    connection: &Connection,
    question: &str,
    known: &[ConversationId],
    limit: u32,
) -> Result<Vec<SearchRecord>, CacheError> {
    let mut statement = connection.prepare_cached(PEOPLE)?;
    let rows: Vec<(i64, [String; 5])> = statement
        .query_map(params![question, limit], |row| {
            Ok((row.get(0)?, [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?]))
        })?
        .collect::<Result<_, _>>()?;
    let mut hits = Vec::new();
    for (contact, highlighted) in rows {
        let Some(record) = of_contact(connection, ContactId(contact), 1)?.pop() else { continue };
        if known.contains(&record.conversation.id) {
            continue;
        }
        let written = person(connection, contact)?.unwrap_or_default();
        let marked = written.iter().zip(&highlighted).enumerate().find(|(_, (_, marked))| marked.contains(MARKS.0));
        let Some((column, (written, highlighted))) = marked else { continue };
        // Of many pages or lines of notes, the one that matched.
        let line = written.split('\n').zip(highlighted.split('\n')).find(|(_, marked)| marked.contains(MARKS.0));
        let (written, highlighted) = line.unwrap_or((written, highlighted));
        hits.push(SearchRecord {
            found: if column + 1 == PERSON_COLUMNS { Found::Page } else { Found::Person },
            conversation: record.conversation.id,
            number: None,
            snippet: snippet(written, highlighted),
            contact_name: record.contact_name,
            visitor_number: record.visitor_number,
            at: record.conversation.active_at,
        });
    }
    Ok(hits)
}

/// The last of them holds the pages.
const PERSON_COLUMNS: usize = 5;

fn messages(connection: &Connection, query: &Query, me: AgentId, limit: u32) -> Result<Vec<SearchRecord>, CacheError> {
    let mut authors = Vec::new();
    if let Some(Side::Named(name)) = &query.from {
        let mut agents = connection.prepare_cached(AGENTS)?;
        authors = agents.query_map(params![name, AGENTS_MAX], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
    }
    let Some(question) = query.messages(me.0, &authors) else { return Ok(Vec::new()) };
    let since = query.after.map(|date| begins(connection, date)).transpose()?;
    let until = query.before.map(|date| begins(connection, date)).transpose()?;
    // An id grows with time, so that a time is also a place in the index.
    let place = |which: &str, at: Option<Timestamp>, otherwise: i64| -> Result<Option<i64>, CacheError> {
        let Some(at) = at else { return Ok(Some(otherwise)) };
        let mut statement = connection.prepare_cached(which)?;
        let mut rows = statement.query([at])?;
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
    };
    let (Some(first), Some(last)) = (place(FIRST_SINCE, since, 0)?, place(LAST_BEFORE, until, i64::MAX)?) else {
        return Ok(Vec::new());
    };
    let named = |side: &Option<Side>| match side {
        Some(Side::Named(name)) => Some(name.clone()),
        _ => None,
    };
    let state = query.places.iter().rev().find_map(|place| match place {
        Place::Open => Some("open"),
        Place::Snoozed => Some("snoozed"),
        Place::Closed => Some("closed"),
        Place::Mine | Place::Notes => None,
    });
    let mine = query.places.contains(&Place::Mine).then_some(me.0);
    let to_me = (query.to == Some(Side::Me)).then_some(me.0);
    let mut statement = connection.prepare_cached(MESSAGES)?;
    let mut rows = statement.query(params![
        question,
        limit,
        first,
        last,
        since.unwrap_or(i64::MIN),
        until.unwrap_or(i64::MAX),
        state,
        mine,
        query.visited(),
        named(&query.from),
        named(&query.to),
        to_me,
        serde_json::to_string(&query.tags)?,
    ])?;
    let mut hits = Vec::new();
    while let Some(row) = rows.next()? {
        let text = |column: usize| -> rusqlite::Result<&str> { Ok(row.get_ref(column)?.as_str()?) };
        let message: Message = serde_json::from_str(text(0)?)?;
        let highlighted = text(1)?;
        let contact = row.get_ref(3)?.as_str_or_null().map_err(rusqlite::Error::from)?;
        let contact: Option<Named> = contact.map(serde_json::from_str).transpose()?;
        hits.push(SearchRecord {
            found: match message.kind {
                _ if marked_file(&message, highlighted) => Found::File,
                MessageKind::Note => Found::Note,
                MessageKind::Reply | MessageKind::System => Found::Message,
            },
            conversation: message.conversation,
            number: Some(message.number),
            contact_name: contact.map(|contact| contact.name).unwrap_or_default(),
            visitor_number: visitor_number(VisitorId(row.get(2)?)),
            snippet: snippet(&words(&message), highlighted),
            at: message.created_at,
        });
    }
    Ok(hits)
}
