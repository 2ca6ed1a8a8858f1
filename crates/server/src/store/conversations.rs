//! Conversations, their messages, and how far agents have read.

use std::ops::ControlFlow;

use deskbell_protocol::planted::{Bug, is_planted};
use deskbell_protocol::{
    AgentId, Author, ClientId, ContactId, Conversation, ConversationId, ConversationKind, ConversationState, Message,
    MessageId, MessageKind, MessageVersion, Number, Priority, ReadMark, SiteId, TeamId, Timestamp, VisitorId,
};
use deskbell_search::label_key;

use super::database::{self, Connection, Row, params};
use super::{articles, files, flows, followers, participants, queries};

/// What the desk says of a conversation that was put off, and of one that is back.
pub(crate) const SNOOZED: &str = "snoozed";
pub(crate) const WOKEN: &str = "woken";
/// What the desk says of an agent who takes part from now on, and of one who does no more; their name follows.
pub(crate) const ADDED: &str = "added:";
pub(crate) const LEFT: &str = "left:";
/// What the desk says of a flow that talks from now on, whose name follows, of one that somebody stopped, and of one that
/// has handed the visitor over.
pub(crate) const FLOW_STARTED: &str = "flow:";
pub(crate) const FLOW_STOPPED: &str = "flow_stopped";
pub(crate) const FLOW_HANDED_OVER: &str = "flow_handed_over";

queries! {
    FIND = "SELECT id, kind, coalesce(contact, 0), coalesce(visitor, 0), coalesce(site, 0), state, assignee, last_number,
        waiting_since, created_at, active_at, visitor_read, snoozed_until, team, priority, title,
        EXISTS (SELECT 1 FROM conversation_label AS it WHERE it.conversation = conversation.id),
        EXISTS (SELECT 1 FROM participant AS it WHERE it.conversation = conversation.id),
        EXISTS (SELECT 1 FROM follower AS it WHERE it.conversation = conversation.id)
        FROM conversation WHERE id = ?1";
    VISITOR_OF = "SELECT visitor FROM conversation WHERE id = ?1 AND kind = 0 AND visitor IS NOT NULL";
    LATEST_OF_VISITOR = "SELECT id FROM conversation WHERE visitor = ?1 ORDER BY id DESC LIMIT 1";
    STATE_OF_LATEST = "SELECT state FROM conversation WHERE visitor = ?1 ORDER BY id DESC LIMIT 1";
    BY_ACTIVITY = "SELECT active_at, id, coalesce(contact, 0), coalesce(visitor, 0) FROM conversation
        WHERE (active_at, id) < (?1, ?2)
        AND (EXISTS (SELECT 1 FROM sees WHERE sees.agent = ?4 AND sees.site = conversation.site)
            OR EXISTS (SELECT 1 FROM participant WHERE participant.agent = ?4 AND participant.conversation = conversation.id
                AND left_at IS NULL))
        ORDER BY active_at DESC, id DESC LIMIT ?3";
    ADD = "INSERT INTO conversation (id, kind, contact, visitor, site, state, assignee, last_number, waiting_since,
        created_at, active_at, visitor_read, team, title)
        VALUES (?1, ?2, nullif(?3, 0), nullif(?4, 0), nullif(?5, 0), ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    UPDATE = "UPDATE conversation SET state = ?2, assignee = ?3, last_number = ?4, waiting_since = ?5,
        active_at = ?6, visitor_read = ?7, snoozed_until = ?8, team = ?9, priority = ?10
        WHERE id = ?1";
    LABELS = "SELECT label FROM conversation_label WHERE conversation = ?1 ORDER BY key";
    DROP_LABELS = "DELETE FROM conversation_label WHERE conversation = ?1";
    ADD_LABEL = "INSERT INTO conversation_label (conversation, key, label) VALUES (?1, ?2, ?3)";
    DUE = "SELECT id FROM conversation WHERE snoozed_until <= ?1 ORDER BY snoozed_until LIMIT ?2";
    NEXT_DUE = "SELECT min(snoozed_until) FROM conversation WHERE snoozed_until IS NOT NULL";
    FIND_MESSAGE = "SELECT id, conversation, number, author_kind, author, author_name, kind, text, attachments,
        client_id, created_at, edited_at, deleted_at FROM message WHERE id = ?1";
    REWRITE_MESSAGE = "UPDATE message SET text = ?2, attachments = ?3, edited_at = ?4, deleted_at = ?5 WHERE id = ?1";
    ADD_VERSION = "INSERT INTO message_version (message, version, text, written_at, replaced_at, replaced_by)
        SELECT ?1, coalesce(max(version), 0) + 1, ?2, ?3, ?4, ?5 FROM message_version WHERE message = ?1";
    VERSIONS = "SELECT text, written_at, replaced_at, replaced_by FROM message_version WHERE message = ?1 ORDER BY version";
    ADD_MESSAGE = "INSERT INTO message (id, conversation, number, author_kind, author, author_name, kind, text,
        attachments, client_id, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    LAST_MESSAGES = "SELECT id, number FROM message WHERE conversation = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3";
    LAST_SHOWN_MESSAGES = "SELECT id, number FROM message WHERE conversation = ?1 AND number < ?2 AND kind IN (0, 2)
        ORDER BY number DESC LIMIT ?3";
    NEWEST_SHOWN = "SELECT number, created_at FROM message WHERE conversation = ?1 AND kind IN (0, 2) ORDER BY number DESC LIMIT 1";
    UNREAD_BY_VISITOR = "SELECT 1 FROM message WHERE conversation = ?1 AND number > ?2
        AND kind = 0 AND author_kind IN (1, 2) AND deleted_at IS NULL LIMIT 100";
    FIND_READ_MARK = "SELECT number FROM read_mark WHERE agent = ?1 AND conversation = ?2";
    SET_READ_MARK = "INSERT INTO read_mark (agent, conversation, number) VALUES (?1, ?2, ?3)
        ON CONFLICT (agent, conversation) DO UPDATE SET number = CASE WHEN ?4 THEN excluded.number ELSE max(number, excluded.number) END";
}

fn state_code(state: ConversationState) -> i64 {
    match state {
        ConversationState::Open => 0,
        ConversationState::Snoozed => 1,
        ConversationState::Closed => 2,
    }
}

fn priority_code(priority: Priority) -> i64 {
    match priority {
        Priority::None => 0,
        Priority::Low => 1,
        Priority::Medium => 2,
        Priority::High => 3,
        Priority::Urgent => 4,
    }
}

fn conversation(row: &Row<'_>) -> database::Result<Conversation> {
    Ok(Conversation {
        id: ConversationId(row.get(0)?),
        kind: if row.get::<i64>(1)? == 0 { ConversationKind::Customer } else { ConversationKind::Internal },
        contact: ContactId(row.get(2)?),
        visitor: VisitorId(row.get(3)?),
        site: SiteId(row.get(4)?),
        state: match row.get::<i64>(5)? {
            0 => ConversationState::Open,
            1 => ConversationState::Snoozed,
            _ => ConversationState::Closed,
        },
        assignee: row.get::<Option<i64>>(6)?.map(AgentId),
        last_number: row.get(7)?,
        waiting_since: row.get(8)?,
        created_at: row.get(9)?,
        active_at: row.get(10)?,
        visitor_read: row.get(11)?,
        snoozed_until: row.get(12)?,
        labels: Vec::new(),
        team: row.get::<Option<i64>>(13)?.map(TeamId),
        priority: match row.get::<i64>(14)? {
            1 => Priority::Low,
            2 => Priority::Medium,
            3 => Priority::High,
            4 => Priority::Urgent,
            _ => Priority::None,
        },
        title: row.get(15)?,
        participants: Vec::new(),
        followers: Vec::new(),
    })
}

/// A conversation that begins, with nobody yet.
pub(crate) fn empty(id: ConversationId, kind: ConversationKind, now: Timestamp) -> Conversation {
    Conversation {
        id,
        kind,
        contact: ContactId(0),
        visitor: VisitorId(0),
        site: SiteId(0),
        state: ConversationState::Open,
        assignee: None,
        team: None,
        last_number: 0,
        waiting_since: None,
        created_at: now,
        active_at: now,
        visitor_read: 0,
        snoozed_until: None,
        labels: Vec::new(),
        priority: Priority::None,
        title: String::new(),
        participants: Vec::new(),
        followers: Vec::new(),
    }
}

pub(crate) fn find(connection: &Connection, id: ConversationId) -> database::Result<Option<Conversation>> {
    let read = |row: &Row<'_>| Ok((conversation(row)?, (row.get(16)?, row.get(17)?, row.get(18)?)));
    let found = connection.find(FIND, params![id.0], read)?;
    let Some((mut found, (labelled, takes_part, followed))) = found else { return Ok(None) };
    // Most have none of these, and are read with every message.
    if labelled {
        found.labels = connection.all(LABELS, params![id.0], |row| row.get(0))?;
    }
    if takes_part {
        found.participants = participants::of(connection, id)?;
    }
    if followed {
        found.followers = followers::of(connection, id)?;
    }
    Ok(Some(found))
}

/// With which visitor a conversation is; colleagues have one with none.
pub(super) fn visitor_of(connection: &Connection, id: ConversationId) -> database::Result<Option<VisitorId>> {
    connection.find(VISITOR_OF, params![id.0], |row| row.get(0).map(VisitorId))
}

/// Replaces the labels of a conversation.
pub(crate) fn set_labels(connection: &Connection, id: ConversationId, labels: &[String]) -> database::Result<()> {
    connection.change(DROP_LABELS, params![id.0])?;
    for label in labels {
        connection.change(ADD_LABEL, params![id.0, label_key(label), label])?;
    }
    Ok(())
}

/// The conversation at hand of a visitor.
pub(crate) fn latest_of_visitor(connection: &Connection, visitor: VisitorId) -> database::Result<Option<Conversation>> {
    let id: Option<i64> = connection.find(LATEST_OF_VISITOR, params![visitor.0], |row| row.get(0))?;
    match id {
        Some(id) => find(connection, ConversationId(id)),
        None => Ok(None),
    }
}

/// Whether the conversation at hand of a visitor is closed or put off, so that their next message opens it.
pub(crate) fn is_opened_by(connection: &Connection, visitor: VisitorId) -> database::Result<bool> {
    let state = connection.find(STATE_OF_LATEST, params![visitor.0], |row| row.get::<i64>(0));
    Ok(state?.is_some_and(|state| state != state_code(ConversationState::Open)))
}

/// A conversation's place among all, and whom it is with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listed {
    pub(crate) active_at: Timestamp,
    pub(crate) id: ConversationId,
    pub(crate) contact: ContactId,
    pub(crate) visitor: VisitorId,
}

/// Conversations that an agent may see, by newest message, those after `after`.
pub(crate) fn by_activity(
    connection: &Connection,
    agent: AgentId,
    after: Option<(Timestamp, ConversationId)>,
    limit: i64,
) -> database::Result<Vec<Listed>> {
    let (active_at, id) = after.map_or((i64::MAX, i64::MAX), |(active_at, id)| (active_at, id.0));
    connection.all(BY_ACTIVITY, params![active_at, id, limit, agent.0], |row| {
        Ok(Listed {
            active_at: row.get(0)?,
            id: ConversationId(row.get(1)?),
            contact: ContactId(row.get(2)?),
            visitor: VisitorId(row.get(3)?),
        })
    })
}

pub(crate) fn add(connection: &Connection, conversation: &Conversation) -> database::Result<()> {
    connection.change(
        ADD,
        params![
            conversation.id.0,
            i64::from(conversation.kind == ConversationKind::Internal),
            conversation.contact.0,
            conversation.visitor.0,
            conversation.site.0,
            state_code(conversation.state),
            conversation.assignee.map(|agent| agent.0),
            conversation.last_number,
            conversation.waiting_since,
            conversation.created_at,
            conversation.active_at,
            conversation.visitor_read,
            conversation.team.map(|team| team.0),
            conversation.title
        ],
    )?;
    Ok(())
}

/// Stores what may change in a conversation.
pub(crate) fn update(connection: &Connection, conversation: &Conversation) -> database::Result<()> {
    connection.change(
        UPDATE,
        params![
            conversation.id.0,
            state_code(conversation.state),
            conversation.assignee.map(|agent| agent.0),
            conversation.last_number,
            conversation.waiting_since,
            conversation.active_at,
            conversation.visitor_read,
            conversation.snoozed_until,
            conversation.team.map(|team| team.0),
            priority_code(conversation.priority)
        ],
    )?;
    Ok(())
}

/// Snoozed conversations whose time has come, the earliest first.
pub(crate) fn due(connection: &Connection, now: Timestamp, limit: i64) -> database::Result<Vec<ConversationId>> {
    connection.all(DUE, params![now, limit], |row| Ok(ConversationId(row.get(0)?)))
}

/// When the next snoozed conversation is due.
pub(crate) fn next_due(connection: &Connection) -> database::Result<Option<Timestamp>> {
    connection.one(NEXT_DUE, params![], |row| row.get(0))
}

/// Whether a message is shown to the team alone: a note, or a word of the desk on what only the team sees.
pub(crate) fn is_for_the_team(message: &Message) -> bool {
    match message.kind {
        MessageKind::Reply => false,
        MessageKind::Note => true,
        MessageKind::System => {
            let text = message.text.as_str();
            [SNOOZED, WOKEN, FLOW_STOPPED, FLOW_HANDED_OVER].contains(&text)
                || [ADDED, LEFT, FLOW_STARTED].iter().any(|code| text.starts_with(code))
        }
    }
}

fn message(row: &Row<'_>) -> database::Result<(Message, i64)> {
    let author = match row.get::<i64>(3)? {
        0 => Author::Visitor,
        1 => Author::Agent {
            id: AgentId(row.get::<Option<i64>>(4)?.unwrap_or_default()),
            name: row.get::<Option<String>>(5)?.unwrap_or_default(),
        },
        _ => Author::Desk,
    };
    let client_id: Option<String> = row.get(9)?;
    let message = Message {
        id: MessageId(row.get(0)?),
        conversation: ConversationId(row.get(1)?),
        number: row.get(2)?,
        author,
        kind: match row.get::<i64>(6)? {
            0 => MessageKind::Reply,
            1 => MessageKind::Note,
            _ => MessageKind::System,
        },
        text: row.get(7)?,
        attachments: Vec::new(),
        client_id: client_id.as_deref().and_then(ClientId::parse),
        created_at: row.get(10)?,
        edited_at: row.get(11)?,
        deleted_at: row.get(12)?,
        mentions: Vec::new(),
        article: None,
        choices: Vec::new(),
    };
    Ok((message, row.get(8)?))
}

/// The message with its attachments, without whom it mentions, the article it brings and what it offers: databases on
/// their way from an older version have no more.
pub(crate) fn find_words(connection: &Connection, id: MessageId) -> database::Result<Option<Message>> {
    let found = connection.find(FIND_MESSAGE, params![id.0], message)?;
    let Some((mut message, attachments)) = found else { return Ok(None) };
    if attachments > 0 {
        message.attachments = files::of_message(connection, id)?;
    }
    Ok(Some(message))
}

/// The message with its attachments, whom it mentions, the article it brings and what it offers.
pub(crate) fn find_message(connection: &Connection, id: MessageId) -> database::Result<Option<Message>> {
    let found = find_words(connection, id)?;
    let Some(mut message) = found else { return Ok(None) };
    if message.kind == MessageKind::Note && message.deleted_at.is_none() {
        message.mentions = followers::mentioned(connection, id)?;
    }
    if message.kind == MessageKind::Reply && message.deleted_at.is_none() {
        match message.author {
            Author::Agent { .. } => message.article = articles::card(connection, id)?,
            Author::Desk => message.choices = flows::offers(connection, id)?,
            Author::Visitor => {}
        }
    }
    Ok(Some(message))
}

/// Stores a message. Its attachments are joined to it by [`files::attach`], whom it
/// mentions by [`followers::mention`], the article it brings by [`articles::bring`], what it offers by [`flows::offer`].
pub(crate) fn add_message(connection: &Connection, message: &Message, attachments: usize) -> database::Result<()> {
    let (author_kind, author, author_name) = match &message.author {
        Author::Visitor => (0, None, None),
        Author::Agent { id, name } => (1, Some(id.0), Some(name.as_str())),
        Author::Desk => (2, None, None),
    };
    let kind = match message.kind {
        MessageKind::Reply => 0,
        MessageKind::Note => 1,
        MessageKind::System if is_for_the_team(message) => 3,
        MessageKind::System => 2,
    };
    connection.change(
        ADD_MESSAGE,
        params![
            message.id.0,
            message.conversation.0,
            message.number,
            author_kind,
            author,
            author_name,
            kind,
            message.text,
            i64::try_from(attachments).unwrap_or(i64::MAX),
            message.client_id.as_ref().map(ClientId::as_str),
            message.created_at
        ],
    )?;
    Ok(())
}

/// Stores a message's present text and times, and keeps what it said before. Its files are those of `now`.
pub(crate) fn rewrite_message(
    connection: &Connection,
    before: &Message,
    now: &Message,
    by: AgentId,
    at: Timestamp,
) -> database::Result<()> {
    let written_at = before.edited_at.unwrap_or(before.created_at);
    connection.change(ADD_VERSION, params![before.id.0, before.text, written_at, at, by.0])?;
    connection.change(
        REWRITE_MESSAGE,
        params![
            now.id.0,
            now.text,
            i64::try_from(now.attachments.len()).unwrap_or(i64::MAX),
            now.edited_at,
            now.deleted_at
        ],
    )?;
    if now.mentions.is_empty() && !before.mentions.is_empty() {
        followers::forget_mentions(connection, now.id)?;
    }
    if now.article.is_none() && before.article.is_some() {
        articles::forget_card(connection, now.id)?;
    }
    if now.choices.is_empty() && !before.choices.is_empty() {
        flows::withdraw(connection, now.id)?;
    }
    Ok(())
}

/// What a message said before, oldest first.
pub(crate) fn versions(connection: &Connection, id: MessageId) -> database::Result<Vec<MessageVersion>> {
    connection.all(VERSIONS, params![id.0], |row| {
        Ok(MessageVersion {
            text: row.get(0)?,
            written_at: row.get(1)?,
            replaced_at: row.get(2)?,
            replaced_by: AgentId(row.get(3)?),
        })
    })
}

/// Ids and numbers of the newest messages below `before`, newest first.
pub(crate) fn last_messages(
    connection: &Connection,
    id: ConversationId,
    before: Number,
    notes: bool,
    limit: i64,
) -> database::Result<Vec<(MessageId, Number)>> {
    let sql = if notes { LAST_MESSAGES } else { LAST_SHOWN_MESSAGES };
    connection.all(sql, params![id.0, before, limit], |row| Ok((MessageId(row.get(0)?), row.get(1)?)))
}

/// Number and time of the newest message that visitors are shown.
pub(crate) fn newest_shown(
    connection: &Connection,
    id: ConversationId,
) -> database::Result<Option<(Number, Timestamp)>> {
    connection.find(NEWEST_SHOWN, params![id.0], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Replies of the team, and of the desk itself, that the visitor has not seen, counted up to 100.
pub(crate) fn unread_by_visitor(connection: &Connection, conversation: &Conversation) -> database::Result<i64> {
    let mut count = 0;
    connection.each(UNREAD_BY_VISITOR, params![conversation.id.0, conversation.visitor_read], |_| {
        count += 1;
        Ok::<_, database::Error>(ControlFlow::Continue(()))
    })?;
    Ok(count)
}

pub(crate) fn find_read_mark(
    connection: &Connection,
    agent: AgentId,
    conversation: ConversationId,
) -> database::Result<Option<ReadMark>> {
    connection.find(FIND_READ_MARK, params![agent.0, conversation.0], |row| {
        Ok(ReadMark { conversation, number: row.get(0)? })
    })
}

/// Moves the mark forward, never backwards.
pub(crate) fn set_read_mark(connection: &Connection, agent: AgentId, mark: ReadMark) -> database::Result<()> {
    let back = is_planted(Bug::ReadMarkGoesBack);
    connection.change(SET_READ_MARK, params![agent.0, mark.conversation.0, mark.number, back])?;
    Ok(())
}
