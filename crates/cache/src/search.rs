//! Search as you type, over messages, notes, people, the pages they saw and file names.

use deskbell_protocol::{AgentId, Contact, ConversationId, Message, MessageKind, Number, Timestamp, VisitorId};
use deskbell_search::{Date, MARKS, Place, Query, Side, Writer, marked_file, snippet, words};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::Cache;
use crate::apply::{find_contact, pages};
use crate::error::CacheError;
use crate::queries::queries;
use crate::read::{Named, internal_name, visitor_number};
use crate::words::Recent;

/// Searches one of the indexes of words. Newest first is its order, so it stops early. What a filter needs of a message
/// and its conversation is read from indexes that hold just that; the rows themselves are read for what is shown.
macro_rules! messages {
    ($words:literal) => {
        concat!(
            "SELECT (SELECT data FROM message AS whole WHERE whole.id = message.id), highlight(",
            $words,
            ", 0, char(1), char(2)), conversation.visitor,
            (SELECT data FROM entity WHERE kind = 'contact' AND id = conversation.contact)
        FROM ",
            $words,
            " AS found
        CROSS JOIN message INDEXED BY message_facts ON message.id = found.rowid
        CROSS JOIN conversation INDEXED BY conversation_facts ON conversation.id = message.conversation
        WHERE ",
            $words,
            " MATCH ?1
            AND found.rowid BETWEEN ?3 AND ?4
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
            AND (?13 IS NULL OR NOT EXISTS (SELECT 1 FROM json_each(?13) AS tag WHERE NOT EXISTS
                (SELECT 1 FROM conversation_label WHERE conversation_label.conversation = message.conversation
                    AND key >= tag.value AND key < tag.value || char(1114111))))
            AND (?14 IS NULL OR message.by_visitor = ?14 AND (?14 OR EXISTS
                (SELECT 1 FROM message AS whole WHERE whole.id = message.id AND whole.facets GLOB 'reply byagent *')))
        ORDER BY found.rowid DESC LIMIT ?2"
        )
    };
}

queries! {
    MESSAGES = messages!("message_words");
    RECENT_MESSAGES = messages!("recent_words");
    PEOPLE = "SELECT rowid, highlight(person_words, 0, char(1), char(2)), highlight(person_words, 1, char(1), char(2)),
            highlight(person_words, 2, char(1), char(2)), highlight(person_words, 3, char(1), char(2))
        FROM person_words
        WHERE person_words MATCH ?1 AND EXISTS (SELECT 1 FROM conversation WHERE contact = person_words.rowid)
        ORDER BY rowid DESC LIMIT ?2";
    VISITS = "SELECT rowid, highlight(person_words, 4, char(1), char(2))
        FROM person_words
        WHERE person_words MATCH ?1 AND EXISTS (SELECT 1 FROM conversation WHERE contact = person_words.rowid)
        ORDER BY rowid DESC LIMIT ?2";
    NEWEST_OF_CONTACT = "SELECT id, visitor, active_at FROM conversation WHERE contact = ?1
        ORDER BY created_at DESC LIMIT 1";
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
                hits.extend(people(connection, &question, limit.min(PEOPLE_MAX))?);
            }
            let known: Vec<ConversationId> = hits.iter().map(|hit| hit.conversation).collect();
            let mut visits = match query.visits() {
                Some(question) => visits(connection, &question, limit.min(PEOPLE_MAX))?,
                None => Vec::new(),
            };
            visits.retain(|visit| !known.contains(&visit.conversation));
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

/// People of whom the team knows what fits.
fn people(connection: &Connection, question: &str, limit: u32) -> Result<Vec<SearchRecord>, CacheError> {
    let mut statement = connection.prepare_cached(PEOPLE)?;
    let mut rows = statement.query(params![question, limit])?;
    let mut hits = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(contact) = find_contact(connection, row.get(0)?)? else { continue };
        for (column, written) in [&contact.name, &contact.email, &contact.phone, &contact.notes].into_iter().enumerate()
        {
            let highlighted = row.get_ref(column + 1)?.as_str().map_err(rusqlite::Error::from)?;
            if highlighted.contains(MARKS.0) {
                hits.extend(of_person(connection, &contact, Found::Person, written, highlighted)?);
                break;
            }
        }
    }
    Ok(hits)
}

/// People who saw a page that fits.
fn visits(connection: &Connection, question: &str, limit: u32) -> Result<Vec<SearchRecord>, CacheError> {
    let mut statement = connection.prepare_cached(VISITS)?;
    let mut rows = statement.query(params![question, limit])?;
    let mut hits = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(contact) = find_contact(connection, row.get(0)?)? else { continue };
        let highlighted = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        let written = pages(connection, contact.id.0)?;
        hits.extend(of_person(connection, &contact, Found::Page, &written, highlighted)?);
    }
    Ok(hits)
}

/// A hit in what is known of a person; it leads to their newest conversation.
fn of_person(
    connection: &Connection,
    contact: &Contact,
    found: Found,
    written: &str,
    highlighted: &str,
) -> Result<Option<SearchRecord>, CacheError> {
    // Of many pages or lines of notes, the one that matched.
    let line = written.split('\n').zip(highlighted.split('\n')).find(|(_, marked)| marked.contains(MARKS.0));
    let (written, highlighted) = line.unwrap_or((written, highlighted));
    let mut newest = connection.prepare_cached(NEWEST_OF_CONTACT)?;
    let hit = newest.query_row([contact.id.0], |row| {
        Ok(SearchRecord {
            found,
            conversation: ConversationId(row.get(0)?),
            number: None,
            snippet: snippet(written, highlighted),
            contact_name: contact.name.clone(),
            visitor_number: visitor_number(VisitorId(row.get(1)?)),
            at: row.get(2)?,
        })
    });
    Ok(hit.optional()?)
}

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
    let writer = query.writer().map(|writer| writer == Writer::Visitor);
    let visited = query.visited();
    // Looked at for each message found, also when there are none.
    let tags = (!query.tags.is_empty()).then(|| serde_json::to_string(&query.tags)).transpose()?;
    let (from, to) = (named(&query.from), named(&query.to));
    let recent = Recent::read(connection)?;
    let mut hits = Vec::new();
    // The newest ones have an index of their own, which is small: what is frequent is found there.
    for (sql, first, last) in
        [(RECENT_MESSAGES, first.max(recent.first), last), (MESSAGES, first, last.min(recent.first.saturating_sub(1)))]
    {
        let left = i64::from(limit) - i64::try_from(hits.len()).unwrap_or(i64::MAX);
        if left <= 0 || first > last {
            continue;
        }
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![
            question,
            left,
            first,
            last,
            since.unwrap_or(i64::MIN),
            until.unwrap_or(i64::MAX),
            state,
            mine,
            visited,
            from,
            to,
            to_me,
            tags,
            writer,
        ])?;
        while let Some(row) = rows.next()? {
            hits.push(hit(connection, row, me)?);
        }
    }
    Ok(hits)
}

/// A row of what a search of messages found.
fn hit(connection: &Connection, row: &Row<'_>, me: AgentId) -> Result<SearchRecord, CacheError> {
    let text = |column: usize| -> rusqlite::Result<&str> { Ok(row.get_ref(column)?.as_str()?) };
    let message: Message = serde_json::from_str(text(0)?)?;
    let highlighted = text(1)?;
    let contact = row.get_ref(3)?.as_str_or_null().map_err(rusqlite::Error::from)?;
    let contact: Option<Named> = contact.map(serde_json::from_str).transpose()?;
    let visitor = VisitorId(row.get(2)?);
    let contact_name = match contact {
        Some(contact) => contact.name,
        None if visitor.0 == 0 => internal_name(connection, message.conversation, me)?,
        None => String::new(),
    };
    Ok(SearchRecord {
        found: match message.kind {
            _ if marked_file(&message, highlighted) => Found::File,
            MessageKind::Note => Found::Note,
            MessageKind::Reply | MessageKind::System => Found::Message,
        },
        conversation: message.conversation,
        number: Some(message.number),
        contact_name,
        visitor_number: visitor_number(visitor),
        snippet: snippet(&words(&message), highlighted),
        at: message.created_at,
    })
}
