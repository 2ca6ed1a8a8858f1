//! What the screen asks for. Every query here uses an index; a test reads the plans.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use deskbell_protocol::{
    Agent, AgentId, Attachment, AttachmentId, Author, CannedText, CannedTextId, Command, Contact, ContactId,
    Conversation, ConversationId, ConversationState, Message, MessageKind, Number, Seq, Site, SiteId, Team, TeamId,
    Timestamp, Visitor, VisitorId,
};
use deskbell_search::{BadLabel, change_labels, label_key};
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Row, params};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Cache;
use crate::apply::{overlay, owner, priority_from};
use crate::error::CacheError;
use crate::outbox::{HAS_ANYTHING, HAS_DRAFT, HAS_HELD, HAS_REFUSED, OutboxState, newest_message};
use crate::queries::queries;

/// A list of conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    /// Open ones, most recently active first.
    Open,
    /// Open ones in which the visitor waits, longest waiting first.
    Waiting,
    /// Open ones of one agent, and those that the owner of the cache follows, most recently active first.
    Mine,
    /// Snoozed ones, most recently active first.
    Snoozed,
    /// Closed ones, most recently active first.
    Closed,
    /// Those among the team, most recently active first.
    Team,
}

/// Numbers over all folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountsRecord {
    /// Open.
    pub open: i64,
    /// Open, and the visitor waits.
    pub waiting: i64,
    /// Open and mine, or followed; in any state, with notes that mention me and that I have not read.
    pub mine: i64,
    /// Snoozed.
    pub snoozed: i64,
    /// Closed.
    pub closed: i64,
    /// Among the team.
    pub team: i64,
    /// Among the team with messages that I have not read.
    pub team_unread: i64,
    /// Open with messages that I have not read; put off or closed with notes that mention me and that I have not read.
    pub unread: i64,
    /// Since when the one waiting longest waits.
    pub waiting_since: Option<Timestamp>,
}

/// The newest message in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewRecord {
    /// Who wrote it.
    pub author: Author,
    /// Reply, note or system.
    pub kind: MessageKind,
    /// One line of at most 160 characters.
    pub text: String,
    /// The first file's name.
    pub file: Option<String>,
}

/// A conversation as lists and threads show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationRecord {
    /// State, assignee and waiting time show what is still in the outbox.
    pub conversation: Conversation,
    /// Empty: unnamed.
    pub contact_name: String,
    /// A short number for an unnamed visitor.
    pub visitor_number: i64,
    /// The visitor waits for a person, as the desk has it: no flow talks to them, and nobody has answered.
    pub waits: bool,
    /// The assignee's name.
    pub assignee_name: Option<String>,
    /// The name of the team that has it.
    pub team_name: Option<String>,
    /// The newest message: of the person's own while it is on its way, else the newest that the desk has.
    pub preview: Option<PreviewRecord>,
    /// Who takes part, by their ids, with their names.
    pub participants: Vec<(AgentId, String)>,
    /// Who follows it, by their ids, with their names. Shows what is still in the outbox.
    pub followers: Vec<(AgentId, String)>,
    /// Whether I do, whose cache it is.
    pub followed: bool,
    /// Messages of the visitor, of anybody among the team, and notes that mention me, that I have not read.
    pub unread: i64,
    /// Notes among them that mention me.
    pub unread_to_me: i64,
    /// Newest number I have read.
    pub my_read: Number,
    /// An unsent text is kept.
    pub draft: bool,
    /// A command was refused and waits for the person.
    pub refused: bool,
    /// A reply is held and waits for the person.
    pub held: bool,
}

/// Messages in the order of their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessagePage {
    /// The messages, without any hole between them, as the desk has them.
    pub messages: Vec<Message>,
    /// The places of their last changes, in the same order.
    pub revs: Vec<Seq>,
    /// Smaller numbers follow on this computer.
    pub more_here: bool,
    /// Smaller numbers exist on the server only.
    pub more_there: bool,
}

/// A visitor as lists show them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisitorRecord {
    /// The visitor.
    pub visitor: Visitor,
    /// A short number for an unnamed one.
    pub number: i64,
    /// Empty: unnamed.
    pub contact_name: String,
    /// The conversation at hand.
    pub conversation: Option<ConversationId>,
}

/// What is read of a conversation, in the order that [`record`] takes.
macro_rules! shown {
    () => {
        "data, state, assignee, waiting_since, my_read, unread, preview,
        (SELECT data FROM entity WHERE kind = 'contact' AND id = conversation.contact),
        snoozed_until, team, priority, followed, unread_to_me"
    };
}

/// Reads rows of conversations.
macro_rules! heads {
    ($which:literal) => {
        concat!("SELECT ", shown!(), " FROM conversation ", $which)
    };
}

// Where an index of a few rows is named: without a look at the data SQLite prefers the one of all open conversations.
queries! {
    FIND_ENTITY = "SELECT data FROM entity WHERE kind = ?1 AND id = ?2";
    COUNT_OPEN = "SELECT count(*) FROM conversation WHERE state = 'open'";
    COUNT_WAITING = "SELECT count(*) FROM conversation INDEXED BY conversation_waiting
        WHERE state = 'open' AND waiting_since IS NOT NULL";
    COUNT_MINE = "SELECT count(*) FROM conversation WHERE state = 'open' AND assignee = ?1";
    COUNT_FOLLOWED = "SELECT count(*) FROM conversation INDEXED BY conversation_followed
        WHERE state = 'open' AND followed = 1 AND assignee IS NOT ?1";
    COUNT_MENTIONED = "SELECT count(*) FROM conversation INDEXED BY conversation_mentions
        WHERE unread_to_me > 0 AND state IN ('snoozed', 'closed')";
    COUNT_SNOOZED = "SELECT count(*) FROM conversation WHERE state = 'snoozed'";
    COUNT_CLOSED = "SELECT count(*) FROM conversation WHERE state = 'closed'";
    COUNT_TEAM = "SELECT count(*) FROM conversation WHERE state = 'internal'";
    COUNT_TEAM_UNREAD = "SELECT count(*) FROM conversation INDEXED BY conversation_unread_internal
        WHERE state = 'internal' AND unread > 0";
    COUNT_UNREAD = "SELECT count(*) FROM conversation INDEXED BY conversation_unread WHERE state = 'open' AND unread > 0";
    WAITING_SINCE = "SELECT min(waiting_since) FROM conversation INDEXED BY conversation_waiting
        WHERE state = 'open' AND waiting_since IS NOT NULL";
    OF_VISITOR = "SELECT id, state FROM conversation WHERE visitor = ?1 ORDER BY created_at DESC LIMIT 20";
    INTERVAL = "SELECT first, last FROM coverage WHERE conversation = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1";
    OLDEST_KNOWN = "SELECT first FROM coverage WHERE conversation = ?1 ORDER BY first DESC LIMIT 1";
    HAS_BEGUN = "SELECT EXISTS (SELECT 1 FROM conversation WHERE id = ?1 AND json_extract(data, '$.last_number') > 0)";
    MESSAGES = "SELECT data, rev FROM message WHERE conversation = ?1 AND number BETWEEN ?2 AND ?3 ORDER BY number DESC LIMIT ?4";
    ANSWERED_SINCE = "SELECT EXISTS (SELECT 1 FROM message WHERE conversation = ?1 AND number > ?2 AND by_visitor = 0
        AND json_extract(data, '$.kind') <> 'system' AND json_extract(data, '$.author.who') = 'agent'
        AND json_extract(data, '$.author.id') IS NOT ?3)";
    HAS_HOLE = "SELECT EXISTS (SELECT 1 FROM conversation WHERE id = ?1 AND json_extract(data, '$.last_number')
            > coalesce((SELECT max(last) FROM coverage WHERE conversation = ?1), 0))
        OR (SELECT count(*) FROM coverage WHERE conversation = ?1) > 1";
    MESSAGE = "SELECT data FROM message WHERE conversation = ?1 AND number = ?2";
    ATTACHMENT = "SELECT data FROM attachment WHERE id = ?1";
    OPEN = heads!("WHERE state = 'open' ORDER BY active_at DESC, id DESC LIMIT ?1");
    SNOOZED = heads!("WHERE state = 'snoozed' ORDER BY active_at DESC, id DESC LIMIT ?1");
    CLOSED = heads!("WHERE state = 'closed' ORDER BY active_at DESC, id DESC LIMIT ?1");
    TEAM = heads!("WHERE state = 'internal' ORDER BY active_at DESC, id DESC LIMIT ?1");
    WAITING = heads!("INDEXED BY conversation_waiting WHERE state = 'open' AND waiting_since IS NOT NULL
        ORDER BY waiting_since, id LIMIT ?1");
    MINE = heads!("WHERE state = 'open' AND assignee = ?2 ORDER BY active_at DESC, id DESC LIMIT ?1");
    FOLLOWED = heads!("INDEXED BY conversation_followed WHERE state = 'open' AND followed = 1 AND assignee IS NOT ?2
        ORDER BY active_at DESC, id DESC LIMIT ?1");
    MENTIONED = heads!("INDEXED BY conversation_mentions WHERE unread_to_me > 0 AND state IN ('snoozed', 'closed')
        ORDER BY active_at DESC, id DESC LIMIT ?1");
    FIND = heads!("WHERE id = ?1");
    LABELS_OF = "SELECT label FROM conversation_label WHERE conversation = ?1 ORDER BY key";
    LABELS_IN_USE = "SELECT min(label) FROM conversation_label INDEXED BY label_in_use
        WHERE key >= ?1 AND key < ?1 || char(1114111) GROUP BY key ORDER BY key LIMIT ?2";
    OF_CONTACT = heads!("WHERE contact = ?1 ORDER BY created_at DESC LIMIT ?2");
    CHATS_OF_CONTACT = "SELECT id FROM conversation WHERE contact = ?1 ORDER BY created_at DESC LIMIT 50";
}

/// Reads an entity that is kept whole.
pub(crate) fn entity<T: DeserializeOwned>(
    connection: &Connection,
    kind: &str,
    id: i64,
) -> Result<Option<T>, CacheError> {
    let data: Option<String> =
        connection.prepare_cached(FIND_ENTITY)?.query_row(params![kind, id], |row| row.get(0)).optional()?;
    Ok(data.map(|data| serde_json::from_str(&data)).transpose()?)
}

/// The labels of a conversation, with changes that are still on their way.
pub(crate) fn labels_of(connection: &Connection, id: ConversationId) -> Result<Vec<String>, CacheError> {
    labels(&mut connection.prepare_cached(LABELS_OF)?, id)
}

fn labels(statement: &mut CachedStatement<'_>, id: ConversationId) -> Result<Vec<String>, CacheError> {
    Ok(statement.query_map([id.0], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

/// What a list shows of people and agents.
#[derive(Deserialize)]
pub(crate) struct Named {
    pub(crate) name: String,
}

/// A short number for an unnamed visitor: the last four digits of the id.
pub fn visitor_number(id: VisitorId) -> i64 {
    // The low twelve bits of an id count within a millisecond; above them neighbours differ.
    (id.0 >> 4).rem_euclid(10_000)
}

/// Makes records of rows. What several of them need is looked up once.
struct Records<'connection> {
    connection: &'connection Connection,
    me: Option<AgentId>,
    labels: CachedStatement<'connection>,
    /// Names of agents and teams, by kind and id.
    names: BTreeMap<(&'static str, i64), Option<String>>,
}

impl<'connection> Records<'connection> {
    fn new(connection: &'connection Connection) -> Result<Self, CacheError> {
        let (me, labels) = (owner(connection)?, connection.prepare_cached(LABELS_OF)?);
        Ok(Self { connection, me, labels, names: BTreeMap::new() })
    }

    fn read(&mut self, row: &Row<'_>) -> Result<ConversationRecord, CacheError> {
        let text = |column: usize| -> rusqlite::Result<Option<&str>> { Ok(row.get_ref(column)?.as_str_or_null()?) };
        let mut conversation: Conversation = serde_json::from_str(text(0)?.unwrap_or_default())?;
        conversation.state = match text(1)? {
            Some("closed") => ConversationState::Closed,
            Some("snoozed") => ConversationState::Snoozed,
            // Open, or among the team.
            _ => ConversationState::Open,
        };
        conversation.assignee = row.get::<_, Option<i64>>(2)?.map(AgentId);
        let waits = conversation.waiting_since.is_some();
        conversation.waiting_since = row.get(3)?;
        conversation.snoozed_until = row.get(8)?;
        conversation.team = row.get::<_, Option<i64>>(9)?.map(TeamId);
        conversation.priority = text(10)?.map(priority_from).unwrap_or_default();
        conversation.labels = labels(&mut self.labels, conversation.id)?;
        let participants = self.agents(&conversation.participants)?;
        let followed = row.get(11)?;
        if let Some(me) = self.me {
            match (followed, conversation.followers.binary_search(&me)) {
                (true, Err(place)) => conversation.followers.insert(place, me),
                (false, Ok(place)) => {
                    conversation.followers.remove(place);
                }
                _ => {}
            }
        }
        let followers = self.agents(&conversation.followers)?;
        let contact: Option<Named> = text(7)?.map(serde_json::from_str).transpose()?;
        let assignee_name = conversation.assignee.map(|agent| self.name("agent", agent.0)).transpose()?.flatten();
        let team_name = conversation.team.map(|team| self.name("team", team.0)).transpose()?.flatten();
        Ok(ConversationRecord {
            visitor_number: visitor_number(conversation.visitor),
            contact_name: contact.map(|contact| contact.name).unwrap_or_default(),
            waits,
            assignee_name,
            team_name,
            preview: text(6)?.map(serde_json::from_str).transpose()?,
            participants,
            followers,
            followed,
            unread: row.get(5)?,
            unread_to_me: row.get(12)?,
            my_read: row.get(4)?,
            draft: false,
            refused: false,
            held: false,
            conversation,
        })
    }

    /// The names of agents. One who is not here has none.
    fn agents(&mut self, ids: &[AgentId]) -> Result<Vec<(AgentId, String)>, CacheError> {
        ids.iter().map(|id| Ok((*id, self.name("agent", id.0)?.unwrap_or_default()))).collect()
    }

    /// The name of an agent or a team that is here.
    fn name(&mut self, kind: &'static str, id: i64) -> Result<Option<String>, CacheError> {
        if let Some(known) = self.names.get(&(kind, id)) {
            return Ok(known.clone());
        }
        let name = entity::<Named>(self.connection, kind, id)?.map(|named| named.name);
        self.names.insert((kind, id), name.clone());
        Ok(name)
    }
}

/// What a conversation among the team is called by one who takes part: its title, or with whom it is.
pub(crate) fn internal_name(connection: &Connection, id: ConversationId, me: AgentId) -> Result<String, CacheError> {
    let Some(record) = find(connection, id)? else { return Ok(String::new()) };
    Ok(record.internal_name(me).to_owned())
}

impl ConversationRecord {
    /// What a conversation among the team is called by one who takes part: its title, or with whom it is.
    pub fn internal_name(&self, me: AgentId) -> &str {
        if !self.conversation.title.is_empty() {
            return &self.conversation.title;
        }
        let other = self.participants.iter().find(|(agent, _)| *agent != me);
        other.map(|(_, name)| name.as_str()).unwrap_or_default()
    }
}

/// One conversation, without what only the outbox knows.
pub(crate) fn find(connection: &Connection, id: ConversationId) -> Result<Option<ConversationRecord>, CacheError> {
    let mut statement = connection.prepare_cached(FIND)?;
    let mut rows = statement.query([id.0])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Records::new(connection)?.read(row).map(Some)
}

impl Cache {
    /// Numbers over all folders, for one agent.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn counts(&self, me: AgentId) -> Result<CountsRecord, CacheError> {
        self.cache().read(|connection| {
            let count = |query: &str| -> Result<i64, CacheError> {
                Ok(connection.prepare_cached(query)?.query_row([], |row| row.get(0))?)
            };
            let of_me = |query: &str| -> Result<i64, CacheError> {
                Ok(connection.prepare_cached(query)?.query_row([me.0], |row| row.get(0))?)
            };
            let mentioned = count(COUNT_MENTIONED)?;
            Ok(CountsRecord {
                open: count(COUNT_OPEN)?,
                waiting: count(COUNT_WAITING)?,
                mine: of_me(COUNT_MINE)? + of_me(COUNT_FOLLOWED)? + mentioned,
                snoozed: count(COUNT_SNOOZED)?,
                closed: count(COUNT_CLOSED)?,
                team: count(COUNT_TEAM)?,
                team_unread: count(COUNT_TEAM_UNREAD)?,
                unread: count(COUNT_UNREAD)? + mentioned,
                waiting_since: connection.prepare_cached(WAITING_SINCE)?.query_row([], |row| row.get(0))?,
            })
        })
    }

    /// A folder's rows.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn conversations(
        &self,
        folder: Folder,
        me: AgentId,
        limit: u32,
    ) -> Result<Vec<ConversationRecord>, CacheError> {
        let which = match folder {
            Folder::Open => OPEN,
            Folder::Waiting => WAITING,
            Folder::Mine => MINE,
            Folder::Snoozed => SNOOZED,
            Folder::Closed => CLOSED,
            Folder::Team => TEAM,
        };
        let records = self.cache().read(|connection| {
            let mut statement = connection.prepare_cached(which)?;
            let mut records = Records::new(connection)?;
            let mut shown = |row: &Row<'_>| records.read(row);
            if folder != Folder::Mine {
                return statement.query_and_then(params![limit], shown)?.collect::<Result<Vec<_>, CacheError>>();
            }
            // All three in their order; together no more than asked for.
            let mine = statement.query_and_then(params![limit, me.0], &mut shown)?;
            let mut rows: Vec<ConversationRecord> = mine.collect::<Result<_, _>>()?;
            let mut followed = connection.prepare_cached(FOLLOWED)?;
            for row in followed.query_and_then(params![limit, me.0], &mut shown)? {
                rows.push(row?);
            }
            let mut mentioned = connection.prepare_cached(MENTIONED)?;
            for row in mentioned.query_and_then(params![limit], shown)? {
                rows.push(row?);
            }
            rows.sort_by_key(|row| Reverse((row.conversation.active_at, row.conversation.id)));
            rows.truncate(limit as usize);
            Ok(rows)
        })?;
        self.with_local(records)
    }

    /// One conversation.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn conversation(&self, id: ConversationId) -> Result<Option<ConversationRecord>, CacheError> {
        let found = self.cache().read(|connection| find(connection, id))?;
        Ok(self.with_local(found.into_iter().collect())?.pop())
    }

    /// Earlier and present conversations of a person, newest first.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn past_conversations(&self, contact: ContactId, limit: u32) -> Result<Vec<ConversationRecord>, CacheError> {
        self.cache().read(|connection| {
            let mut statement = connection.prepare_cached(OF_CONTACT)?;
            let mut records = Records::new(connection)?;
            statement.query_and_then(params![contact.0, limit], |row| records.read(row))?.collect()
        })
    }

    /// The newest conversations of a person.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn chats_of(&self, contact: ContactId) -> Result<BTreeSet<ConversationId>, CacheError> {
        self.cache().read(|connection| {
            let mut statement = connection.prepare_cached(CHATS_OF_CONTACT)?;
            let found = statement.query_map([contact.0], |row| Ok(ConversationId(row.get(0)?)))?;
            Ok(found.collect::<Result<_, _>>()?)
        })
    }

    /// Labels in use that begin with what was typed, in their order.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn labels(&self, typed: &str, limit: u32) -> Result<Vec<String>, CacheError> {
        let beginning = label_key(typed.trim());
        self.cache().read(|connection| {
            let mut statement = connection.prepare_cached(LABELS_IN_USE)?;
            Ok(statement.query_map(params![beginning, limit], |row| row.get(0))?.collect::<Result<_, _>>()?)
        })
    }

    /// Whether a conversation can have its labels changed so.
    ///
    /// # Errors
    /// [`CacheError`]; why not is the answer.
    pub fn check_labels(
        &self,
        conversation: ConversationId,
        add: &[String],
        remove: &[String],
    ) -> Result<Result<(), BadLabel>, CacheError> {
        self.cache().read(|connection| {
            let labels = labels_of(connection, conversation)?;
            Ok(change_labels(&labels, add, remove).map(|_| ()))
        })
    }

    /// A visitor's newest conversation, an open one first.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn open_conversation_of(&self, visitor: VisitorId) -> Result<Option<ConversationId>, CacheError> {
        self.cache().read(|connection| conversation_of(connection, visitor))
    }

    /// Adds what only the outbox knows.
    fn with_local(&self, mut records: Vec<ConversationRecord>) -> Result<Vec<ConversationRecord>, CacheError> {
        self.outbox_database().read(|connection| {
            // Mostly nothing is on its way, and nothing has to be asked for each.
            if !connection.prepare_cached(HAS_ANYTHING)?.query_row([], |row| row.get::<_, bool>(0))? {
                return Ok(());
            }
            let me = self.cache().read(owner)?;
            let mut draft = connection.prepare_cached(HAS_DRAFT)?;
            let mut refused = connection.prepare_cached(HAS_REFUSED)?;
            let mut held = connection.prepare_cached(HAS_HELD)?;
            for record in &mut records {
                let id = record.conversation.id.0;
                record.draft = draft.query_row([id], |row| row.get(0))?;
                record.refused = refused.query_row([id], |row| row.get(0))?;
                record.held = held.query_row([id], |row| row.get(0))?;
                if let Some(me) = me {
                    let own = newest_message(connection, record.conversation.id, me)?;
                    record.preview = own.or(record.preview.take());
                }
            }
            Ok(())
        })?;
        Ok(records)
    }

    /// Messages below `before`, or the newest ones. Stops at the first hole.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn messages(
        &self,
        conversation: ConversationId,
        before: Option<Number>,
        limit: u32,
    ) -> Result<MessagePage, CacheError> {
        self.cache().read(|connection| {
            // The interval in which the page lies.
            let top = before.map_or(i64::MAX, |before| before.saturating_sub(1));
            let interval: Option<(Number, Number)> = connection
                .prepare_cached(INTERVAL)?
                .query_row(params![conversation.0, top], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((first, last)) = interval else {
                let begun: bool =
                    connection.prepare_cached(HAS_BEGUN)?.query_row([conversation.0], |row| row.get(0))?;
                return Ok(MessagePage { more_there: begun && top > 0, ..MessagePage::default() });
            };
            if before.is_some() && last < top {
                // Right below the page that is shown there is a hole.
                return Ok(MessagePage { more_there: top > 0, ..MessagePage::default() });
            }
            let mut statement = connection.prepare_cached(MESSAGES)?;
            let mut rows = statement
                .query_and_then(params![conversation.0, first, top.min(last), limit], |row| -> Result<_, CacheError> {
                    let message = serde_json::from_str(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?;
                    Ok((message, Seq(row.get(1)?)))
                })?
                .collect::<Result<Vec<(Message, Seq)>, _>>()?;
            rows.reverse();
            let (messages, revs): (Vec<Message>, Vec<Seq>) = rows.into_iter().unzip();
            let lowest = messages.first().map_or(first, |message| message.number);
            Ok(MessagePage { messages, revs, more_here: lowest > first, more_there: lowest <= first && first > 1 })
        })
    }

    /// The smallest number of the newest interval that is here: history is asked for below it.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn oldest_known(&self, conversation: ConversationId) -> Result<Option<Number>, CacheError> {
        self.cache().read(|connection| {
            Ok(connection.prepare_cached(OLDEST_KNOWN)?.query_row([conversation.0], |row| row.get(0)).optional()?)
        })
    }

    /// Whether an agent other than `me` wrote after a number.
    pub(crate) fn answered_since(
        &self,
        conversation: ConversationId,
        seen: Number,
        me: Option<AgentId>,
    ) -> Result<bool, CacheError> {
        self.cache().read(|connection| {
            let values = params![conversation.0, seen, me.map(|agent| agent.0)];
            Ok(connection.prepare_cached(ANSWERED_SINCE)?.query_row(values, |row| row.get(0))?)
        })
    }

    /// How many of these conversations miss messages between those that are here, or newer ones. What is older than
    /// everything here is fetched when somebody asks for it, and does not count.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn holes(&self, conversations: &[ConversationId]) -> Result<usize, CacheError> {
        self.cache().read(|connection| {
            let mut statement = connection.prepare_cached(HAS_HOLE)?;
            let mut holes = 0;
            for conversation in conversations {
                holes += usize::from(statement.query_row([conversation.0], |row| row.get::<_, bool>(0))?);
            }
            Ok(holes)
        })
    }

    /// One message, with changes that are still on their way.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn message(&self, conversation: ConversationId, number: Number) -> Result<Option<Message>, CacheError> {
        let found = self.stored_message(conversation, number)?;
        let Some(mut message) = found else { return Ok(None) };
        for item in self.outbox_of(conversation)? {
            overlay(&mut message, &item);
        }
        Ok(Some(message))
    }

    fn stored_message(&self, conversation: ConversationId, number: Number) -> Result<Option<Message>, CacheError> {
        self.cache().read(|connection| {
            let data: Option<String> = connection
                .prepare_cached(MESSAGE)?
                .query_row(params![conversation.0, number], |row| row.get(0))
                .optional()?;
            Ok(data.map(|data| serde_json::from_str(&data)).transpose()?)
        })
    }

    /// A file of a message, of one on its way too.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn attachment(&self, id: AttachmentId) -> Result<Option<Attachment>, CacheError> {
        let known = self.cache().read(|connection| {
            let data: Option<String> =
                connection.prepare_cached(ATTACHMENT)?.query_row([id.0], |row| row.get(0)).optional()?;
            Ok(data.map(|data| serde_json::from_str(&data)).transpose()?)
        })?;
        if known.is_some() {
            return Ok(known);
        }
        Ok(self.outbox()?.into_iter().flat_map(|item| item.attachments).find(|attachment| attachment.id == id))
    }

    /// A visitor.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn visitor(&self, id: VisitorId) -> Result<Option<VisitorRecord>, CacheError> {
        self.cache().read(|connection| {
            let Some(visitor) = entity::<Visitor>(connection, "visitor", id.0)? else { return Ok(None) };
            let contact: Option<Contact> = entity(connection, "contact", visitor.contact.0)?;
            Ok(Some(VisitorRecord {
                number: visitor_number(id),
                contact_name: contact.map(|contact| contact.name).unwrap_or_default(),
                conversation: conversation_of(connection, id)?,
                visitor,
            }))
        })
    }

    /// A person, with edits that are still on their way.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn contact(&self, id: ContactId) -> Result<Option<Contact>, CacheError> {
        let found: Option<Contact> = self.cache().read(|connection| entity(connection, "contact", id.0))?;
        let Some(mut contact) = found else { return Ok(None) };
        for item in self.outbox()? {
            if let (Command::EditContact { contact: edited, name, email, phone, notes }, false) =
                (item.frame.command, matches!(item.state, OutboxState::Refused(_)))
                && edited == id
            {
                (contact.name, contact.email, contact.phone, contact.notes) = (name, email, phone, notes);
            }
        }
        Ok(Some(contact))
    }

    /// An agent.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn agent(&self, id: AgentId) -> Result<Option<Agent>, CacheError> {
        self.cache().read(|connection| entity(connection, "agent", id.0))
    }

    /// A site.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn site(&self, id: SiteId) -> Result<Option<Site>, CacheError> {
        self.cache().read(|connection| entity(connection, "site", id.0))
    }

    /// A prepared text.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn canned_text(&self, id: CannedTextId) -> Result<Option<CannedText>, CacheError> {
        self.cache().read(|connection| entity(connection, "canned_text", id.0))
    }

    /// A team.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn team(&self, id: TeamId) -> Result<Option<Team>, CacheError> {
        self.cache().read(|connection| entity(connection, "team", id.0))
    }
}

fn conversation_of(connection: &Connection, visitor: VisitorId) -> Result<Option<ConversationId>, CacheError> {
    let mut statement = connection.prepare_cached(OF_VISITOR)?;
    let found: Vec<(i64, String)> =
        statement.query_map([visitor.0], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let open = found.iter().find(|(_, state)| state != "closed").or(found.first());
    Ok(open.map(|(id, _)| ConversationId(*id)))
}
