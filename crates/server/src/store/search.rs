//! What agents search.

use std::ops::ControlFlow;

use deskbell_protocol::{
    AgentId, ConversationId, FoundKind, FoundMessage, Message, MessageId, MessageKind, Timestamp, VisitorId,
};
use deskbell_search::{Place, Query, Side, Writer, facets, fold, marked_file, snippet, words};

use super::batch::first_id_at;
use super::database::{self, Connection, Row, params};
use super::{Outcome, agents, conversations, log, participants, queries};

queries! {
    PUT_MESSAGE = "INSERT OR REPLACE INTO message_words (rowid, words, facets) VALUES (?1, ?2, ?3)";
    DROP_MESSAGE = "DELETE FROM message_words WHERE rowid = ?1";
    PUT_CONTACT = "INSERT OR REPLACE INTO contact_words (rowid, name) VALUES (?1, ?2)";
    DROP_CONTACT = "DELETE FROM contact_words WHERE rowid = ?1";
    PUT_AGENT = "INSERT OR REPLACE INTO agent_words (rowid, name) VALUES (?1, ?2)";
    PUT_PAGE = "INSERT OR REPLACE INTO page_words (rowid, pages) VALUES (?1, ?2)";
    FIND_PAGE = "SELECT url, title FROM page_view WHERE id = ?1";
    FINDABLE = "SELECT messages, pages FROM findable WHERE id = 1";
    MOVE_FINDABLE = "UPDATE findable SET messages = ?1, pages = ?2 WHERE id = 1";
    LATER_MESSAGES = "SELECT id FROM message WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3";
    LATER_PAGES = "SELECT id FROM page_view WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3";
    AGENTS = "SELECT rowid FROM agent_words WHERE agent_words MATCH ?1 LIMIT 50";
    /// Newest first is the order of the index, so it stops early.
    MESSAGES = "SELECT message.id, highlight(message_words, 0, char(1), char(2)), coalesce(contact.name, conversation.title),
        coalesce(conversation.visitor, 0)
        FROM message_words
        CROSS JOIN message ON message.id = message_words.rowid
        CROSS JOIN conversation ON conversation.id = message.conversation
        LEFT JOIN contact ON contact.id = conversation.contact
        WHERE message_words MATCH ?1
            AND message_words.rowid >= ?3
            AND message.created_at >= ?4 AND message.created_at < ?5
            AND (?6 IS NULL OR conversation.state = ?6)
            AND (?7 IS NULL OR conversation.assignee = ?7)
            AND (?8 IS NULL OR conversation.contact IN
                (SELECT visitor.contact FROM page_words CROSS JOIN page_view ON page_view.id = page_words.rowid
                CROSS JOIN visitor ON visitor.id = page_view.visitor WHERE page_words MATCH ?8))
            AND (?9 IS NULL OR message.author_kind <> 0 OR conversation.contact IN
                (SELECT rowid FROM contact_words WHERE contact_words MATCH ?9))
            AND (?10 IS NULL OR CASE message.author_kind
                WHEN 0 THEN conversation.assignee IN (SELECT rowid FROM agent_words WHERE agent_words MATCH ?10)
                ELSE conversation.contact IN (SELECT rowid FROM contact_words WHERE contact_words MATCH ?10) END)
            AND (?11 IS NULL OR conversation.assignee = ?11)
            AND NOT EXISTS (SELECT 1 FROM json_each(?12) AS tag WHERE NOT EXISTS
                (SELECT 1 FROM conversation_label WHERE conversation_label.conversation = message.conversation
                    AND key >= tag.value AND key < tag.value || char(1114111)))
            AND (?14 IS NULL OR message.kind = 0 AND message.author_kind = ?14)
            AND (EXISTS (SELECT 1 FROM sees WHERE sees.agent = ?13 AND sees.site = conversation.site)
                OR EXISTS (SELECT 1 FROM participant WHERE participant.agent = ?13
                    AND participant.conversation = conversation.id AND left_at IS NULL))
        ORDER BY message_words.rowid DESC LIMIT ?2";
    /// Everything an older server has stored, once.
    MESSAGES_STORED = "SELECT id FROM message WHERE id > ?1 ORDER BY id";
    CONTACTS_STORED = "SELECT id, name FROM contact WHERE id > ?1 ORDER BY id";
    PAGES_STORED = "SELECT id FROM page_view WHERE id > 0 AND id <= ?1 ORDER BY id";
    AGENTS_STORED = "SELECT id, name FROM agent WHERE id > ?1 ORDER BY id";
}

/// How far the indexes of words have come: messages and pages with larger ids are in none yet.
struct Findable {
    messages: i64,
    pages: i64,
}

fn findable(connection: &Connection) -> database::Result<Findable> {
    let read = |row: &Row<'_>| Ok(Findable { messages: row.get(0)?, pages: row.get(1)? });
    connection.one(FINDABLE, params![], read)
}

/// At most `most` ids of what is in no index yet, oldest first.
fn later(connection: &Connection, sql: &str, after: i64, last: i64, most: usize) -> database::Result<Vec<i64>> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    connection.all(sql, params![after, last, most], |row| row.get(0))
}

/// Whether any of what has an id up to `last` is in no index yet.
pub(crate) fn is_behind(connection: &Connection, last: i64) -> database::Result<bool> {
    let Findable { messages, pages } = findable(connection)?;
    Ok(!later(connection, LATER_MESSAGES, messages, last, 1)?.is_empty()
        || !later(connection, LATER_PAGES, pages, last, 1)?.is_empty())
}

/// Puts the oldest messages and pages into the indexes that are in none, `most` at the most.
pub(crate) fn catch_up(connection: &Connection, most: usize) -> database::Result<()> {
    let Findable { mut messages, mut pages } = findable(connection)?;
    let new = later(connection, LATER_MESSAGES, messages, i64::MAX, most)?;
    for id in &new {
        if let Some(message) = conversations::find_message(connection, MessageId(*id))? {
            put_words(connection, &message)?;
        }
        messages = *id;
    }
    for id in later(connection, LATER_PAGES, pages, i64::MAX, most - new.len())? {
        put_page(connection, id)?;
        pages = id;
    }
    connection.change(MOVE_FINDABLE, params![messages, pages])?;
    Ok(())
}

/// Lets a message that changed be found by what it says now, with its files; a deleted one is found no more. One that is
/// in no index yet comes there as it is then.
pub(crate) fn reword_message(connection: &Connection, id: MessageId) -> database::Result<()> {
    if id.0 > findable(connection)?.messages {
        return Ok(());
    }
    match conversations::find_message(connection, id)? {
        Some(message) => put_words(connection, &message),
        None => Ok(()),
    }
}

/// Lets a page be found by its present title.
pub(in crate::store) fn reword_page(connection: &Connection, id: i64) -> database::Result<()> {
    if id > findable(connection)?.pages { Ok(()) } else { put_page(connection, id) }
}

fn put_words(connection: &Connection, message: &Message) -> database::Result<()> {
    if message.kind == MessageKind::System {
        return Ok(());
    }
    if message.deleted_at.is_some() {
        connection.change(DROP_MESSAGE, params![message.id.0])?;
        return Ok(());
    }
    let (words, facets) = (fold(&words(message)), facets(message));
    connection.change(PUT_MESSAGE, params![message.id.0, words, facets])?;
    Ok(())
}

pub(in crate::store) fn put_contact(connection: &Connection, id: i64, name: &str) -> database::Result<()> {
    connection.change(PUT_CONTACT, params![id, fold(name)])?;
    Ok(())
}

pub(in crate::store) fn drop_contact(connection: &Connection, id: i64) -> database::Result<()> {
    connection.change(DROP_CONTACT, params![id])?;
    Ok(())
}

pub(in crate::store) fn put_agent(connection: &Connection, id: i64, name: &str) -> database::Result<()> {
    connection.change(PUT_AGENT, params![id, fold(name)])?;
    Ok(())
}

fn put_page(connection: &Connection, id: i64) -> database::Result<()> {
    let (url, title): (String, String) =
        connection.one(FIND_PAGE, params![id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    connection.change(PUT_PAGE, params![id, fold(&format!("{title} {url}"))])?;
    Ok(())
}

/// Makes everything findable that a server has stored whose messages had neither mentions nor articles.
pub(in crate::store) fn index_older(connection: &Connection) -> database::Result<()> {
    index(connection, conversations::find_words)
}

/// Makes people findable by their names again, and those pages by their words that were.
pub(in crate::store) fn index_names_and_pages(connection: &Connection) -> database::Result<()> {
    index_named(connection, CONTACTS_STORED, put_contact)?;
    index_pages(connection, findable(connection)?.pages)
}

/// Makes everything findable that is stored.
pub(in crate::store) fn index_everything(connection: &Connection) -> database::Result<()> {
    index(connection, conversations::find_message)?;
    let last = log::desk(connection)?.last_id;
    connection.change(MOVE_FINDABLE, params![last, last])?;
    Ok(())
}

fn index_named(
    connection: &Connection,
    sql: &str,
    put: fn(&Connection, i64, &str) -> database::Result<()>,
) -> database::Result<()> {
    connection.each(sql, params![0], |row| {
        put(connection, row.get(0)?, &row.get::<String>(1)?)?;
        Ok(ControlFlow::Continue(()))
    })
}

/// The pages with ids up to `last`.
fn index_pages(connection: &Connection, last: i64) -> database::Result<()> {
    connection.each(PAGES_STORED, params![last], |row| {
        put_page(connection, row.get(0)?)?;
        Ok(ControlFlow::Continue(()))
    })
}

fn index(
    connection: &Connection,
    find: fn(&Connection, MessageId) -> database::Result<Option<Message>>,
) -> database::Result<()> {
    index_named(connection, CONTACTS_STORED, put_contact)?;
    index_named(connection, AGENTS_STORED, put_agent)?;
    index_pages(connection, i64::MAX)?;
    connection.each(MESSAGES_STORED, params![0], |row| {
        if let Some(message) = find(connection, MessageId(row.get(0)?))? {
            put_words(connection, &message)?;
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// Messages and notes that fit what an agent typed, newest first. A day begins when `since` and `until` say, in the
/// agent's own time; without them in UTC.
pub(crate) fn find(
    connection: &Connection,
    query: &Query,
    me: AgentId,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    limit: u32,
) -> Outcome<Vec<FoundMessage>> {
    let mut authors = Vec::new();
    if let Some(Side::Named(name)) = &query.from {
        authors = connection.all(AGENTS, params![name], |row| row.get(0))?;
    }
    let Some(question) = query.messages(me.0, &authors) else { return Ok(Vec::new()) };
    let since = since.or(query.after.map(|date| date.begins_in_utc()));
    let until = until.or(query.before.map(|date| date.begins_in_utc()));
    let named = |side: &Option<Side>| match side {
        Some(Side::Named(name)) => Some(name.clone()),
        _ => None,
    };
    let state = query.places.iter().rev().find_map(|place| match place {
        Place::Open => Some(0),
        Place::Snoozed => Some(1),
        Place::Closed => Some(2),
        Place::Mine | Place::Notes => None,
    });
    let mine = query.places.contains(&Place::Mine).then_some(me.0);
    let writer = query.writer().map(|writer| match writer {
        Writer::Visitor => 0,
        Writer::Team => 1,
    });
    let to_me = (query.to == Some(Side::Me)).then_some(me.0);
    let rows: Vec<(i64, String, String, i64)> = connection.all(
        MESSAGES,
        params![
            question,
            limit,
            since.map_or(0, first_id_at),
            since.unwrap_or(i64::MIN),
            until.unwrap_or(i64::MAX),
            state,
            mine,
            query.visited(),
            named(&query.from),
            named(&query.to),
            to_me,
            serde_json::to_string(&query.tags)?,
            me.0,
            writer,
        ],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    let mut found = Vec::with_capacity(rows.len());
    for (id, highlighted, name, visitor) in rows {
        let Some(message) = conversations::find_message(connection, MessageId(id))? else { continue };
        let name = match (visitor, name.as_str()) {
            (0, "") => colleague(connection, me, message.conversation)?,
            _ => name,
        };
        found.push(found_message(&message, &highlighted, name, VisitorId(visitor)));
    }
    Ok(found)
}

/// With whom somebody has a direct conversation.
fn colleague(connection: &Connection, me: AgentId, conversation: ConversationId) -> database::Result<String> {
    let other = participants::of(connection, conversation)?.into_iter().find(|agent| *agent != me);
    let other = other.map(|other| agents::find(connection, other)).transpose()?.flatten();
    Ok(other.map(|agent| agent.name).unwrap_or_default())
}

fn found_message(message: &Message, highlighted: &str, name: String, visitor: VisitorId) -> FoundMessage {
    FoundMessage {
        conversation: message.conversation,
        number: message.number,
        kind: match message.kind {
            _ if marked_file(message, highlighted) => FoundKind::File,
            MessageKind::Note => FoundKind::Note,
            MessageKind::Reply | MessageKind::System => FoundKind::Message,
        },
        name,
        visitor,
        snippet: snippet(&words(message), highlighted),
        at: message.created_at,
    }
}
