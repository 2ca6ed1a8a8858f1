//! Writing what the server sent. Each batch is one transaction with its cursor, so repeating it is harmless and a
//! crash leaves the state before or after.

use std::collections::BTreeSet;
use std::time::Duration;

use deskbell_engine::Batch;
use deskbell_protocol::planted::{Bug, is_planted};
use deskbell_protocol::{
    Agent, AgentId, Author, Change, ChangeKind, ClientId, Command, Contact, Conversation, ConversationId,
    ConversationState, Cursor, Entity, EntityData, EntityKind, Message, MessageKind, Number, Priority, ResetReason,
    Seq, Visitor,
};
use deskbell_search::{change_labels, facets, fold, label_key, words as words_of};
use rusqlite::{Connection, OptionalExtension as _, Params, params};

use crate::Cache;
use crate::coverage::{Arrived, cover, recount, uncover};
use crate::error::CacheError;
use crate::outbox::{self, OutboxItem, OutboxState};
use crate::queries::queries;
use crate::read::{PreviewRecord, labels_of};
use crate::words::{self, Recent};

/// The newest messages of a conversation, which a snapshot brings and nothing leaves out.
const NEWS: Number = 30;

/// Messages that one transaction takes away at the end of a snapshot, at the most, and the pause after it: whoever else
/// writes has its turn in between.
const CLEARED_AT_ONCE: i64 = 500;
const CLEARING_PAUSE: Duration = Duration::from_millis(1);

/// Longest preview, in characters.
const PREVIEW_MAX: usize = 160;

queries! {
    FIND_META = "SELECT value FROM meta WHERE key = ?1";
    SET_META = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    FORGET_CURSOR = "DELETE FROM meta WHERE key IN ('epoch', 'seq')";
    PUT_ENTITY = "INSERT INTO entity (kind, id, rev, generation, data) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (kind, id) DO UPDATE SET
            generation = CASE WHEN excluded.generation = '' THEN entity.generation ELSE excluded.generation END,
            data = CASE WHEN excluded.rev > entity.rev THEN excluded.data ELSE entity.data END,
            rev = max(excluded.rev, entity.rev)";
    ADD_CONVERSATION = "INSERT INTO conversation
            (id, rev, generation, data, contact, visitor, created_at, active_at, state)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    CHANGE_CONVERSATION = "UPDATE conversation SET
            generation = CASE WHEN ?3 = '' THEN generation ELSE ?3 END,
            data = CASE WHEN ?2 > rev THEN ?4 ELSE data END,
            active_at = CASE WHEN ?2 > rev THEN ?5 ELSE active_at END,
            rev = max(?2, rev)
        WHERE id = ?1";
    /// What hardly ever changes is in indexes that are written whenever it is set, also to what it was.
    CHANGE_WHOSE = "UPDATE conversation SET contact = ?3, visitor = ?4, created_at = ?5
        WHERE id = ?1 AND rev = ?2 AND (contact <> ?3 OR visitor <> ?4 OR created_at <> ?5)";
    SHOW_CONVERSATION = "UPDATE conversation SET my_read = ?2, unread = ?3, unread_to_me = ?4, preview = ?5, settled = 0
        WHERE id = ?1";
    SHOW_PLACE = "UPDATE conversation
        SET state = ?2, assignee = ?3, waiting_since = ?4, snoozed_until = ?5, team = ?6, priority = ?7, followed = ?8
        WHERE id = ?1 AND (state <> ?2 OR assignee IS NOT ?3 OR waiting_since IS NOT ?4 OR snoozed_until IS NOT ?5
            OR team IS NOT ?6 OR priority IS NOT ?7 OR followed <> ?8)";
    REMOVE_LABELS = "DELETE FROM conversation_label WHERE conversation = ?1";
    ADD_LABEL = "INSERT INTO conversation_label (conversation, key, label) VALUES (?1, ?2, ?3)";
    FIND_CONVERSATION = "SELECT data FROM conversation WHERE id = ?1";
    CONVERSATIONS_OF_SITE_OF_ALL = "SELECT id, contact FROM conversation WHERE json_extract(data, '$.site') = ?1";
    VISITORS_OF_SITE = "SELECT id, json_extract(data, '$.contact') FROM entity
        WHERE kind = 'visitor' AND json_extract(data, '$.site') = ?1";
    ITEMS_OF_SITE = "SELECT id, 0 FROM entity WHERE kind = 'item' AND json_extract(data, '$.site') = ?1";
    OF_ITEM = "SELECT conversation FROM item_conversation WHERE item = ?1";
    REMOVE_ITEM = "DELETE FROM item_conversation WHERE item = ?1";
    PUT_ITEM = "INSERT OR REPLACE INTO item_conversation (conversation, item) VALUES (?1, ?2)";
    OF_CONTACT = "SELECT id FROM conversation WHERE contact = ?1";
    OF_VISITOR = "SELECT id FROM conversation WHERE visitor = ?1";
    REMOVE_CONVERSATION = "DELETE FROM conversation WHERE id = ?1";
    FIND_MESSAGE = "SELECT rev, words, facets, conversation, number FROM message WHERE id = ?1";
    IN_THE_PLACE = "SELECT id FROM message WHERE conversation = ?1 AND number = ?2 AND id <> ?3";
    /// Leaves everything as it is when the message, or another one in its place, is here already.
    ADD_MESSAGE = "INSERT OR IGNORE INTO message (id, conversation, number, rev, by_visitor, data, words, facets, at, to_me)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    PUT_MESSAGE = "INSERT INTO message (id, conversation, number, rev, by_visitor, data, words, facets, at, to_me)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT (id) DO UPDATE SET conversation = excluded.conversation, number = excluded.number,
            rev = excluded.rev, by_visitor = excluded.by_visitor, data = excluded.data, words = excluded.words,
            facets = excluded.facets, at = excluded.at, to_me = excluded.to_me";
    CONVERSATION_OF_MESSAGE = "SELECT conversation FROM message WHERE id = ?1";
    MESSAGES_OF_CONVERSATION = "SELECT id FROM message WHERE conversation = ?1";
    WORDS_OF_MESSAGE = "SELECT words, facets FROM message WHERE id = ?1";
    WORD_MESSAGE = "UPDATE message SET words = ?2, facets = ?3, at = ?4 WHERE id = ?1";
    MESSAGES_OF_ALL = "SELECT id, data FROM message";
    CONTACTS = "SELECT id FROM entity WHERE kind = 'contact'";
    AGENTS = "SELECT id, data FROM entity WHERE kind = 'agent'";
    REMOVE_MESSAGE = "DELETE FROM message WHERE id = ?1";
    PUT_ATTACHMENT = "INSERT OR REPLACE INTO attachment (id, message, data) VALUES (?1, ?2, ?3)";
    REMOVE_KEPT = "DELETE FROM kept WHERE attachment IN (SELECT id FROM attachment WHERE message = ?1)";
    REMOVE_KEPT_BYTES = "DELETE FROM kept_bytes WHERE attachment IN (SELECT id FROM attachment WHERE message = ?1)";
    OLDER_THAN_ALL = "SELECT (SELECT min(first) FROM coverage WHERE conversation = ?1) > ?2 + 1
        AND EXISTS (SELECT 1 FROM conversation
            WHERE id = ?1 AND (trimmed = 1 OR json_extract(data, '$.last_number') >= ?2 + ?3))";
    LOADED_AGAIN = "UPDATE conversation SET trimmed = 0 WHERE id = ?1 AND trimmed = 1";
    REMOVE_ATTACHMENTS = "DELETE FROM attachment WHERE message = ?1";
    UNREAD = "SELECT count(*) FROM message WHERE conversation = ?1 AND by_visitor = 1 AND number > ?2
        AND words <> ''";
    /// Notes that mention me are for me as well.
    UNREAD_TO_ME = "SELECT count(*) FROM message INDEXED BY message_to_me
        WHERE conversation = ?1 AND to_me = 1 AND number > ?2 AND words <> ''";
    /// Among the team everybody's words are news; whoever writes has read.
    UNREAD_INTERNAL = "SELECT count(*) FROM message WHERE conversation = ?1 AND number > ?2 AND words <> ''";
    IS_INTERNAL = "SELECT EXISTS (SELECT 1 FROM conversation WHERE id = ?1 AND state = 'internal')";
    NEWEST_WITH_WORDS = "SELECT data FROM message WHERE conversation = ?1 AND words <> '' ORDER BY number DESC";
    REMOVE_ENTITY = "DELETE FROM entity WHERE kind = ?1 AND id = ?2";
    FIND_CONTACT = "SELECT data FROM entity WHERE kind = 'contact' AND id = ?1";
    FIND_READ_MARK = "SELECT data FROM entity WHERE kind = 'read_mark' AND id = ?1";
    FIND_VISITOR = "SELECT data FROM entity WHERE kind = 'visitor' AND id = ?1";
    VISITORS_OF_CONTACT = "SELECT data FROM entity INDEXED BY visitor_of_contact
        WHERE kind = 'visitor' AND json_extract(data, '$.contact') = ?1";
    PUT_PERSON = "INSERT OR REPLACE INTO person_words (rowid, name, email, phone, notes, pages)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    PUT_AGENT = "INSERT OR REPLACE INTO agent_words (rowid, name) VALUES (?1, ?2)";
    REMOVE_AGENT = "DELETE FROM agent_words WHERE rowid = ?1";
    REMOVE_PERSON = "DELETE FROM person_words WHERE rowid = ?1";
    STALE_ENTITIES_OF_ALL = "SELECT kind, id FROM entity WHERE generation <> ?1";
    STALE_CONVERSATIONS_OF_ALL = "SELECT id FROM conversation WHERE generation <> ?1";
    STALE_MESSAGES = "SELECT id, conversation, number FROM message WHERE id > ?1 AND rev = 0 ORDER BY id LIMIT ?2";
    STALE_MESSAGES_OF_ALL = "SELECT id FROM message WHERE rev = 0";
    /// When a snapshot is whole, every row of every list is drawn anew.
    CONVERSATIONS_OF_ALL = "SELECT id FROM conversation";
    PLACES_OF_ENTITIES_OF_ALL = "UPDATE entity SET rev = 0";
    PLACES_OF_CONVERSATIONS_OF_ALL = "UPDATE conversation SET rev = 0";
    PLACES_OF_MESSAGES_OF_ALL = "UPDATE message SET rev = 0";
}

/// What a batch changed, so that the screen asks again for just that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Conversations whose head or messages changed.
    pub conversations: BTreeSet<ConversationId>,
    /// Visitors or contacts changed.
    pub visitors: bool,
    /// Canned texts changed.
    pub canned_texts: bool,
    /// Messages of visitors, of anybody among the team, and notes that mention me, that are news: they came with a delta,
    /// not with a snapshot or as history.
    pub arrived: Vec<Message>,
}

impl Changed {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.conversations.is_empty() && !self.visitors && !self.canned_texts && self.arrived.is_empty()
    }
}

impl Cache {
    /// How far the cache is. `None`: it has nothing, or only part of a snapshot.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn cursor(&self) -> Result<Option<Cursor>, CacheError> {
        self.cache().read(|connection| {
            let epoch = meta(connection, "epoch")?;
            let seq = meta(connection, "seq")?.and_then(|text| text.parse().ok());
            Ok(epoch.zip(seq).map(|(epoch, seq)| Cursor { epoch, seq: Seq(seq) }))
        })
    }

    /// Says whose cache it is: who is mentioned, and who follows.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn belongs_to(&self, me: AgentId) -> Result<(), CacheError> {
        let known = self.cache().read(owner)?;
        if known == Some(me) {
            return Ok(());
        }
        self.cache().write(|transaction| {
            transaction.prepare_cached(SET_META)?.execute(params![OWNER, me.0.to_string()])?;
            Ok(())
        })
    }

    /// Writes a batch.
    ///
    /// # Errors
    /// [`CacheError`]; nothing of the batch was written then.
    pub fn apply(&self, batch: &Batch) -> Result<Changed, CacheError> {
        if let Batch::Reset(reason) = batch {
            // Before the cursor goes: after a crash in between, the same reset comes again.
            let lost = matches!(reason, ResetReason::Epoch | ResetReason::Ahead);
            self.offer_again(lost && !is_planted(Bug::NothingOfferedAgain))?;
        }
        if let Batch::Delta { epoch, delta, .. } = batch
            && is_planted(Bug::CursorOutsideTransaction)
        {
            self.cache().write(|transaction| set_cursor(transaction, epoch, delta.to))?;
        }
        // Before the cursor passes it: after a crash in between, the same delta comes again.
        let erased = erased(batch);
        self.forget_erased(&erased)?;
        let cleared = matches!(batch, Batch::SnapshotEnd { .. }) && self.clear_stale()?;
        let (changed, done) = self.cache().write(|transaction| {
            // Read while the cache is held, so that a command queued meanwhile is shown after this and not undone.
            let pending = self.outbox()?;
            let mut writer = Writer::new(transaction);
            let mut done: &[ClientId] = &[];
            match batch {
                Batch::Delta { epoch, delta, done: over } => {
                    writer.live = true;
                    writer.changes(&delta.changes)?;
                    set_cursor(transaction, epoch, delta.to)?;
                    done = over;
                }
                Batch::Snapshot(page) => {
                    begin_snapshot(transaction, &page.generation)?;
                    writer.generation = &page.generation;
                    writer.changes(&page.rows)?;
                }
                Batch::SnapshotEnd { epoch, end, done: over } => {
                    writer.sweep(&end.generation, cleared)?;
                    set_cursor(transaction, epoch, end.base)?;
                    done = over;
                }
                Batch::History(page) => {
                    writer.changes(&page.messages)?;
                    let from = if is_planted(Bug::HoleCovered) { 1 } else { page.from };
                    cover(transaction, page.conversation, from, page.to)?;
                    transaction.prepare_cached(LOADED_AGAIN)?.execute([page.conversation.0])?;
                    writer.changed.conversations.insert(page.conversation);
                }
                Batch::Reset(_) => {
                    transaction.execute(FORGET_CURSOR, [])?;
                }
            }
            writer.finish()?;
            let touched: Vec<ConversationId> = writer.changed.conversations.iter().copied().collect();
            let waiting: Vec<&OutboxItem> =
                pending.iter().filter(|item| !done.contains(&item.frame.client_id)).collect();
            for id in touched {
                refresh(transaction, id, &waiting)?;
            }
            Ok((writer.changed, done.to_vec()))
        })?;
        // Two files cannot be written in one transaction. The cache goes first: a crash in between leaves items
        // that the server recognises by their names when they are sent again.
        if !done.is_empty() {
            self.finish(&done)?;
            // A message may be done and erased by one delta.
            self.forget_erased(&erased)?;
        }
        Ok(changed)
    }

    /// Removes the messages that a whole snapshot did not bring again, some at a time: there may be hundreds of thousands.
    /// There is no cursor yet, so that a crash in between only brings the snapshot once more. Whether there were any.
    fn clear_stale(&self) -> Result<bool, CacheError> {
        let (mut after, mut any) = (i64::MIN, false);
        loop {
            let stale = self.cache().write(|transaction| {
                let mut statement = transaction.prepare_cached(STALE_MESSAGES)?;
                let stale: Vec<(i64, ConversationId, Number)> = statement
                    .query_map(params![after, CLEARED_AT_ONCE], |row| {
                        Ok((row.get(0)?, ConversationId(row.get(1)?), row.get(2)?))
                    })?
                    .collect::<Result<_, _>>()?;
                let writer = Writer::new(transaction);
                for (id, conversation, number) in &stale {
                    writer.remove_message(*id)?;
                    uncover(transaction, *conversation, *number)?;
                }
                Ok(stale)
            })?;
            let Some((last, ..)) = stale.last() else { return Ok(any) };
            (after, any) = (*last, true);
            std::thread::sleep(CLEARING_PAUSE);
        }
    }

    /// Shows a command that was just queued, or takes back one that was dropped.
    pub(crate) fn show_pending(&self, command: &Command) -> Result<(), CacheError> {
        self.show_pending_but(command, None)
    }

    /// Shows the commands on their way in the conversation of this one, but one that leaves.
    pub(crate) fn show_pending_but(&self, command: &Command, leaves: Option<&ClientId>) -> Result<(), CacheError> {
        let Some(id) = command.conversation() else { return Ok(()) };
        self.cache().write(|transaction| {
            let pending = self.outbox()?;
            let waiting: Vec<&OutboxItem> =
                pending.iter().filter(|item| Some(&item.frame.client_id) != leaves).collect();
            refresh(transaction, id, &waiting)
        })
    }
}

/// Removes messages with their words and files. What is covered by them is the caller's.
pub(crate) fn remove_messages(connection: &Connection, ids: &[i64]) -> Result<(), CacheError> {
    let writer = Writer::new(connection);
    ids.iter().try_for_each(|id| writer.remove_message(*id))
}

/// The conversations that a batch erases.
fn erased(batch: &Batch) -> Vec<ConversationId> {
    let Batch::Delta { delta, .. } = batch else { return Vec::new() };
    let erases = |change: &&Change| change.kind == ChangeKind::Erase && change.entity == EntityKind::Conversation;
    delta.changes.iter().filter(erases).map(|change| ConversationId(change.id)).collect()
}

fn meta(connection: &Connection, key: &str) -> Result<Option<String>, CacheError> {
    Ok(connection.prepare_cached(FIND_META)?.query_row([key], |row| row.get(0)).optional()?)
}

/// Under which name `meta` has whose cache it is.
const OWNER: &str = "owner";

/// Whose cache it is, when that was said.
pub(crate) fn owner(connection: &Connection) -> Result<Option<AgentId>, CacheError> {
    Ok(meta(connection, OWNER)?.and_then(|text| text.parse().ok()).map(AgentId))
}

/// With its first page, a snapshot is newer than whatever is here: that may be of another log, as may the pages of a
/// snapshot that broke off.
fn begin_snapshot(connection: &Connection, generation: &str) -> Result<(), CacheError> {
    if meta(connection, "generation")?.as_deref() == Some(generation) {
        return Ok(());
    }
    for forget in [PLACES_OF_ENTITIES_OF_ALL, PLACES_OF_CONVERSATIONS_OF_ALL, PLACES_OF_MESSAGES_OF_ALL] {
        connection.execute(forget, [])?;
    }
    connection.prepare_cached(SET_META)?.execute(["generation", generation])?;
    Ok(())
}

fn set_cursor(connection: &Connection, epoch: &str, seq: Seq) -> Result<(), CacheError> {
    let mut statement = connection.prepare_cached(SET_META)?;
    statement.execute(params!["epoch", epoch])?;
    statement.execute(params!["seq", seq.0.to_string()])?;
    Ok(())
}

struct Writer<'a> {
    connection: &'a Connection,
    generation: &'a str,
    changed: Changed,
    live: bool,
    /// To be covered, and people to be made findable, when all of the batch is written.
    numbers: Arrived,
    people: BTreeSet<i64>,
}

impl<'a> Writer<'a> {
    fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            generation: "",
            changed: Changed::default(),
            live: false,
            numbers: Arrived::default(),
            people: BTreeSet::new(),
        }
    }

    /// Messages go in by their ids, as the index of words wants them: newest first, it would write a part of its own
    /// for each. What is removed keeps its place among them.
    fn changes(&mut self, changes: &[Change]) -> Result<(), CacheError> {
        let mut messages: Vec<&Change> = Vec::with_capacity(changes.len());
        for change in changes {
            match change.kind {
                ChangeKind::Put | ChangeKind::Show if change.entity == EntityKind::Message => messages.push(change),
                ChangeKind::Put | ChangeKind::Show => self.put(change)?,
                ChangeKind::Forget if change.entity == EntityKind::Site => {
                    self.put_messages(&mut messages)?;
                    self.forget_site(change.id)?;
                }
                ChangeKind::Forget if change.entity == EntityKind::Conversation => {
                    self.put_messages(&mut messages)?;
                    self.forget_conversation(change.id)?;
                }
                ChangeKind::Delete | ChangeKind::Forget | ChangeKind::Erase => {
                    self.put_messages(&mut messages)?;
                    self.remove(change.entity, change.id)?;
                }
                ChangeKind::Unknown => {}
            }
        }
        self.put_messages(&mut messages)
    }

    /// Writes what was gathered.
    fn finish(&mut self) -> Result<(), CacheError> {
        for contact in std::mem::take(&mut self.people) {
            index_person(self.connection, contact)?;
        }
        std::mem::take(&mut self.numbers).write(self.connection)
    }

    fn put(&mut self, change: &Change) -> Result<(), CacheError> {
        let Some(data) = &change.data else { return Ok(()) };
        let Some(entity) = read(change, data) else { return Ok(()) };
        match entity {
            Entity::Conversation(conversation) => self.put_conversation(&conversation, change.seq, data),
            // Messages have their own way.
            Entity::Message(_) => Ok(()),
            Entity::ReadMark(mark) => {
                self.put_entity(change, data)?;
                self.changed.conversations.insert(mark.conversation);
                Ok(())
            }
            Entity::Contact(contact) => {
                self.put_entity(change, data)?;
                self.changed.visitors = true;
                self.touch(OF_CONTACT, [contact.id.0])?;
                self.people.insert(contact.id.0);
                Ok(())
            }
            Entity::Visitor(visitor) => {
                self.put_entity(change, data)?;
                self.changed.visitors = true;
                self.touch(OF_VISITOR, [visitor.id.0])?;
                self.people.insert(visitor.contact.0);
                Ok(())
            }
            Entity::CannedText(_) => {
                self.changed.canned_texts = true;
                self.put_entity(change, data)
            }
            Entity::Agent(agent) => {
                self.put_entity(change, data)?;
                index_agent(self.connection, agent.id.0, &agent.name)
            }
            Entity::Item(item) => {
                self.put_entity(change, data)?;
                self.remove_item(item.id.0)?;
                let mut put = self.connection.prepare_cached(PUT_ITEM)?;
                for conversation in &item.conversations {
                    put.execute([conversation.0, item.id.0])?;
                    self.changed.conversations.insert(*conversation);
                }
                Ok(())
            }
            Entity::Site(_) | Entity::Team(_) => self.put_entity(change, data),
        }
    }

    /// What an item is about is so no more.
    fn remove_item(&mut self, item: i64) -> Result<(), CacheError> {
        self.changed.visitors = true;
        self.touch(OF_ITEM, [item])?;
        self.connection.prepare_cached(REMOVE_ITEM)?.execute([item])?;
        Ok(())
    }

    fn touch(&mut self, query: &str, of: impl Params) -> Result<(), CacheError> {
        let mut statement = self.connection.prepare_cached(query)?;
        for found in statement.query_map(of, |row| row.get(0))? {
            self.changed.conversations.insert(ConversationId(found?));
        }
        Ok(())
    }

    fn put_entity(&mut self, change: &Change, data: &EntityData) -> Result<(), CacheError> {
        self.connection.prepare_cached(PUT_ENTITY)?.execute(params![
            kind_name(change.entity),
            change.id,
            change.seq.0,
            self.generation,
            data.as_str()
        ])?;
        Ok(())
    }

    fn put_conversation(&mut self, conversation: &Conversation, seq: Seq, data: &EntityData) -> Result<(), CacheError> {
        let id = conversation.id.0;
        let (contact, visitor) = (conversation.contact.0, conversation.visitor.0);
        let (created_at, active_at) = (conversation.created_at, conversation.active_at);
        let change = params![id, seq.0, self.generation, data.as_str(), active_at];
        if self.connection.prepare_cached(CHANGE_CONVERSATION)?.execute(change)? > 0 {
            let whose = params![id, seq.0, contact, visitor, created_at];
            self.connection.prepare_cached(CHANGE_WHOSE)?.execute(whose)?;
        } else {
            self.connection.prepare_cached(ADD_CONVERSATION)?.execute(params![
                id,
                seq.0,
                self.generation,
                data.as_str(),
                contact,
                visitor,
                created_at,
                active_at,
                shown_state(conversation),
            ])?;
        }
        self.changed.conversations.insert(conversation.id);
        Ok(())
    }

    fn put_messages(&mut self, changes: &mut Vec<&Change>) -> Result<(), CacheError> {
        if changes.is_empty() {
            return Ok(());
        }
        changes.sort_by_key(|change| change.id);
        let mut add = self.connection.prepare_cached(ADD_MESSAGE)?;
        let recent = Recent::read(self.connection)?;
        let me = owner(self.connection)?;
        for change in changes.drain(..) {
            let Some(data) = &change.data else { continue };
            let Some(Entity::Message(message)) = read(change, data) else { continue };
            let row = MessageRow {
                by_visitor: message.author == Author::Visitor,
                to_me: me.is_some_and(|me| message.mentions.contains(&me)),
                words: fold(&words_of(&message)),
                facets: facets(&message),
                data: data.clone(),
                rev: change.seq,
                message,
            };
            let message = &row.message;
            let is_for_me = row.by_visitor || row.to_me;
            // Nearly all are new.
            let mut is_new = add.execute(row.values())? > 0;
            if is_new {
                recent.add(self.connection, message.id.0, &row.words, &row.facets)?;
                self.put_attachments(message)?;
            } else {
                is_new = self.replace_message(&row)?;
            }
            // One that was changed far above what is here comes alone, and would be a hole. It is kept, so that a page
            // which was read before the change does not outdo it, and shown when that page is here.
            let apart = self.live && self.is_older_than_all(message)?;
            if !apart {
                self.numbers.add(message.conversation, message.number);
            }
            self.changed.conversations.insert(message.conversation);
            let news = self.live && is_new && !apart;
            if news && (is_for_me || message.kind == MessageKind::Note && self.is_internal(message.conversation)?) {
                self.changed.arrived.push(row.message);
            }
        }
        Ok(())
    }

    fn is_internal(&self, conversation: ConversationId) -> Result<bool, CacheError> {
        Ok(self.connection.prepare_cached(IS_INTERNAL)?.query_row([conversation.0], |row| row.get(0))?)
    }

    /// Writes a message that is here already, or whose place is taken: after a restored backup another message may stand
    /// in it, and this one may have stood elsewhere. Whether the message was not here.
    fn replace_message(&mut self, row: &MessageRow) -> Result<bool, CacheError> {
        let message = &row.message;
        let before: Option<(i64, String, String, i64, Number)> = self
            .connection
            .prepare_cached(FIND_MESSAGE)?
            .query_row([message.id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
            .optional()?;
        if before.as_ref().is_some_and(|(rev, ..)| *rev >= row.rev.0) {
            return Ok(false);
        }
        let other: Option<i64> = self
            .connection
            .prepare_cached(IN_THE_PLACE)?
            .query_row(params![message.conversation.0, message.number, message.id.0], |row| row.get(0))
            .optional()?;
        if let Some(other) = other {
            self.remove_message(other)?;
        }
        let recent = Recent::read(self.connection)?;
        if let Some((_, old_words, old_facets, conversation, number)) = &before {
            if (*conversation, *number) != (message.conversation.0, message.number) {
                self.numbers.remove(self.connection, ConversationId(*conversation), *number)?;
                self.changed.conversations.insert(ConversationId(*conversation));
            }
            recent.remove(self.connection, message.id.0, old_words, old_facets)?;
        }
        self.connection.prepare_cached(PUT_MESSAGE)?.execute(row.values())?;
        recent.add(self.connection, message.id.0, &row.words, &row.facets)?;
        if message.deleted_at.is_some() {
            self.remove_files(message.id.0)?;
        }
        self.put_attachments(message)?;
        Ok(before.is_none())
    }

    fn put_attachments(&self, message: &Message) -> Result<(), CacheError> {
        for attachment in &message.attachments {
            self.connection.prepare_cached(PUT_ATTACHMENT)?.execute(params![
                attachment.id.0,
                message.id.0,
                serde_json::to_string(attachment)?
            ])?;
        }
        Ok(())
    }

    /// Forgets a site with all that is on it: conversations with their messages, files and search entries, and people.
    fn forget_site(&mut self, site: i64) -> Result<(), CacheError> {
        let ids = |connection: &Connection, sql| -> Result<Vec<(i64, i64)>, CacheError> {
            let mut statement = connection.prepare(sql)?;
            let found = statement.query_map([site], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(found.collect::<Result<_, _>>()?)
        };
        let mut people: BTreeSet<i64> = BTreeSet::new();
        for (conversation, contact) in ids(self.connection, CONVERSATIONS_OF_SITE_OF_ALL)? {
            people.insert(contact);
            self.forget_conversation(conversation)?;
        }
        for (visitor, contact) in ids(self.connection, VISITORS_OF_SITE)? {
            people.insert(contact);
            self.remove(EntityKind::Visitor, visitor)?;
        }
        for contact in people {
            self.remove(EntityKind::Contact, contact)?;
        }
        for (item, _) in ids(self.connection, ITEMS_OF_SITE)? {
            self.remove(EntityKind::Item, item)?;
        }
        self.remove(EntityKind::Site, site)
    }

    fn forget_conversation(&mut self, conversation: i64) -> Result<(), CacheError> {
        self.remove(EntityKind::Conversation, conversation)?;
        self.remove(EntityKind::ReadMark, conversation)
    }

    /// Whether a message was changed, stands before everything that is here of its conversation, and is no news.
    fn is_older_than_all(&self, message: &Message) -> Result<bool, CacheError> {
        if message.edited_at.is_none() && message.deleted_at.is_none() {
            return Ok(false);
        }
        let values = params![message.conversation.0, message.number, NEWS];
        let older: Option<bool> =
            self.connection.prepare_cached(OLDER_THAN_ALL)?.query_row(values, |row| row.get(0))?;
        Ok(older.unwrap_or(false))
    }

    fn remove(&mut self, kind: EntityKind, id: i64) -> Result<(), CacheError> {
        match kind {
            EntityKind::Conversation => {
                let mut statement = self.connection.prepare_cached(MESSAGES_OF_CONVERSATION)?;
                let messages: Vec<i64> = statement.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?;
                for message in messages {
                    self.remove_message(message)?;
                }
                self.numbers.remove_all(self.connection, ConversationId(id))?;
                self.connection.prepare_cached(REMOVE_LABELS)?.execute([id])?;
                self.connection.prepare_cached(REMOVE_CONVERSATION)?.execute([id])?;
                self.changed.conversations.insert(ConversationId(id));
            }
            EntityKind::Message => {
                let conversation: Option<i64> = self
                    .connection
                    .prepare_cached(CONVERSATION_OF_MESSAGE)?
                    .query_row([id], |row| row.get(0))
                    .optional()?;
                self.remove_message(id)?;
                self.changed.conversations.extend(conversation.map(ConversationId));
            }
            EntityKind::Unknown => {}
            EntityKind::Agent
            | EntityKind::Site
            | EntityKind::Contact
            | EntityKind::Visitor
            | EntityKind::CannedText
            | EntityKind::ReadMark
            | EntityKind::Team
            | EntityKind::Item => {
                let browser: Option<String> = match kind {
                    EntityKind::Visitor => {
                        self.connection.prepare_cached(FIND_VISITOR)?.query_row([id], |row| row.get(0)).optional()?
                    }
                    _ => None,
                };
                self.connection.prepare_cached(REMOVE_ENTITY)?.execute(params![kind_name(kind), id])?;
                if let Some(browser) = browser {
                    self.people.insert(serde_json::from_str::<Visitor>(&browser)?.contact.0);
                }
                match kind {
                    EntityKind::Agent => {
                        self.connection.prepare_cached(REMOVE_AGENT)?.execute([id])?;
                    }
                    EntityKind::Contact => {
                        self.connection.prepare_cached(REMOVE_PERSON)?.execute([id])?;
                        self.changed.visitors = true;
                    }
                    EntityKind::Visitor => self.changed.visitors = true,
                    EntityKind::CannedText => self.changed.canned_texts = true,
                    EntityKind::Item => self.remove_item(id)?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn remove_message(&self, id: i64) -> Result<(), CacheError> {
        let found: Option<(String, String)> = self
            .connection
            .prepare_cached(WORDS_OF_MESSAGE)?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((words, facets)) = found else { return Ok(()) };
        Recent::read(self.connection)?.remove(self.connection, id, &words, &facets)?;
        self.remove_files(id)?;
        self.connection.prepare_cached(REMOVE_MESSAGE)?.execute([id])?;
        Ok(())
    }

    fn remove_files(&self, message: i64) -> Result<(), CacheError> {
        for remove in [REMOVE_KEPT, REMOVE_KEPT_BYTES, REMOVE_ATTACHMENTS] {
            self.connection.prepare_cached(remove)?.execute([message])?;
        }
        Ok(())
    }

    /// Removes what a whole snapshot did not contain. Of messages it brings the newest of each conversation; nobody told
    /// what has become of those before them, and they are fetched again when somebody reads there. `cleared`: some have
    /// gone already.
    fn sweep(&mut self, generation: &str, cleared: bool) -> Result<(), CacheError> {
        let mut statement = self.connection.prepare(STALE_ENTITIES_OF_ALL)?;
        let gone: Vec<(String, i64)> =
            statement.query_map([generation], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        for (kind, id) in gone {
            let kind: EntityKind = serde_json::from_value(serde_json::Value::String(kind))?;
            self.remove(kind, id)?;
        }
        let mut statement = self.connection.prepare(STALE_CONVERSATIONS_OF_ALL)?;
        let gone: Vec<i64> = statement.query_map([generation], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for id in gone {
            self.remove(EntityKind::Conversation, id)?;
        }
        // What was known of another log and did not come again is gone; what is left is counted anew.
        let mut statement = self.connection.prepare(STALE_MESSAGES_OF_ALL)?;
        let gone: Vec<i64> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let recounts = cleared || !gone.is_empty();
        for id in gone {
            self.remove_message(id)?;
        }
        if recounts {
            recount(self.connection)?;
        }
        self.touch(CONVERSATIONS_OF_ALL, [])?;
        self.changed.visitors = true;
        self.changed.canned_texts = true;
        Ok(())
    }
}

/// A message as its table holds it.
struct MessageRow {
    message: Message,
    by_visitor: bool,
    to_me: bool,
    data: EntityData,
    words: String,
    facets: String,
    rev: Seq,
}

impl MessageRow {
    fn values(&self) -> impl Params {
        let Self { message, by_visitor, to_me, data, words, facets, rev } = self;
        (
            message.id.0,
            message.conversation.0,
            message.number,
            rev.0,
            by_visitor,
            data.as_str(),
            words,
            facets,
            message.created_at,
            to_me,
        )
    }
}

/// The entity of a change. One that cannot be read must not keep all others from arriving.
fn read(change: &Change, data: &EntityData) -> Option<Entity> {
    match Entity::decode(change.entity, data) {
        Ok(entity) => entity,
        Err(error) => {
            tracing::error!(%error, kind = ?change.entity, id = change.id, "an entity could not be read");
            None
        }
    }
}

/// Who a person is. `None`: nobody knows them.
pub(crate) fn find_contact(connection: &Connection, contact: i64) -> Result<Option<Contact>, CacheError> {
    let mut statement = connection.prepare_cached(FIND_CONTACT)?;
    let mut rows = statement.query([contact])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let data = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(Some(serde_json::from_str(data)?))
}

/// The pages that the browsers of a person saw, one a line, as they were written.
pub(crate) fn pages(connection: &Connection, contact: i64) -> Result<String, CacheError> {
    let mut statement = connection.prepare_cached(VISITORS_OF_CONTACT)?;
    let browsers: Vec<String> = statement.query_map([contact], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut pages = Vec::new();
    for browser in browsers {
        for page in serde_json::from_str::<Visitor>(&browser)?.pages {
            let line = format!("{} {}", page.title, page.url);
            if !pages.contains(&line) {
                pages.push(line);
            }
        }
    }
    Ok(pages.join("\n"))
}

/// Makes a contact findable.
fn index_person(connection: &Connection, contact: i64) -> Result<(), CacheError> {
    let Some(Contact { name, email, phone, notes, .. }) = find_contact(connection, contact)? else { return Ok(()) };
    let [name, email, phone, notes, pages] =
        [name, email, phone, notes, pages(connection, contact)?].map(|words| fold(&words));
    connection.prepare_cached(PUT_PERSON)?.execute(params![contact, name, email, phone, notes, pages])?;
    Ok(())
}

fn index_agent(connection: &Connection, agent: i64, name: &str) -> Result<(), CacheError> {
    connection.prepare_cached(PUT_AGENT)?.execute(params![agent, fold(name)])?;
    Ok(())
}

/// Words everything anew that an older app has kept.
pub(crate) fn index_everything(connection: &Connection) -> Result<(), CacheError> {
    let mut statement = connection.prepare(MESSAGES_OF_ALL)?;
    let mut rows = statement.query([])?;
    let mut word = connection.prepare(WORD_MESSAGE)?;
    let mut add = connection.prepare(words::ADD)?;
    while let Some(row) = rows.next()? {
        let (id, data): (i64, String) = (row.get(0)?, row.get(1)?);
        let message: Message = match serde_json::from_str(&data) {
            Ok(message) => message,
            Err(error) => {
                tracing::error!(%error, id, "a message could not be read");
                continue;
            }
        };
        let (words, facets) = (fold(&words_of(&message)), facets(&message));
        word.execute(params![id, words, facets, message.created_at])?;
        add.execute(params![id, words, facets])?;
    }
    let mut statement = connection.prepare(CONTACTS)?;
    let contacts: Vec<i64> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for contact in contacts {
        index_person(connection, contact)?;
    }
    let mut statement = connection.prepare(AGENTS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, data): (i64, String) = (row.get(0)?, row.get(1)?);
        index_agent(connection, id, &serde_json::from_str::<Agent>(&data)?.name)?;
    }
    Ok(())
}

/// Recomputes what a list row shows: the server's state with the commands on top that are still on their way.
pub(crate) fn refresh(connection: &Connection, id: ConversationId, pending: &[&OutboxItem]) -> Result<(), CacheError> {
    let data: Option<String> =
        connection.prepare_cached(FIND_CONVERSATION)?.query_row([id.0], |row| row.get(0)).optional()?;
    let Some(data) = data else { return Ok(()) };
    let mut head: Conversation = serde_json::from_str(&data)?;
    let mark: Option<String> =
        connection.prepare_cached(FIND_READ_MARK)?.query_row([id.0], |row| row.get(0)).optional()?;
    let mut my_read = match mark {
        Some(mark) => serde_json::from_str::<deskbell_protocol::ReadMark>(&mark)?.number,
        None => 0,
    };
    let mut followed = owner(connection)?.is_some_and(|me| head.followers.contains(&me));
    for item in pending {
        if matches!(item.state, OutboxState::Refused(_) | OutboxState::Held) {
            continue;
        }
        match &item.frame.command {
            Command::SetState { conversation, state } if *conversation == id => {
                head.state = *state;
                head.snoozed_until = None;
                if *state == ConversationState::Closed {
                    head.waiting_since = None;
                }
            }
            Command::Snooze { conversation, until } if *conversation == id => {
                head.state = ConversationState::Snoozed;
                head.snoozed_until = *until;
            }
            Command::ChangeLabels { conversation, add, remove } if *conversation == id => {
                // What the desk will refuse does not show.
                if let Ok(labels) = change_labels(&head.labels, add, remove) {
                    head.labels = labels;
                }
            }
            Command::Assign { conversation, agent, team, .. } if *conversation == id => {
                (head.assignee, head.team) = (*agent, *team);
            }
            Command::SetPriority { conversation, priority } if *conversation == id => head.priority = *priority,
            Command::Follow { conversation, following } if *conversation == id => followed = *following,
            Command::MarkRead { conversation, number } if *conversation == id => my_read = my_read.max(*number),
            Command::Send { conversation: Some(conversation), kind: MessageKind::Reply, .. } if *conversation == id => {
                head.waiting_since = None;
            }
            _ => {}
        }
    }
    if labels_of(connection, id)? != head.labels {
        connection.prepare_cached(REMOVE_LABELS)?.execute([id.0])?;
        let mut add = connection.prepare_cached(ADD_LABEL)?;
        for label in &head.labels {
            add.execute(params![id.0, label_key(label), label])?;
        }
    }
    let count = |sql: &str| -> Result<i64, CacheError> {
        Ok(connection.prepare_cached(sql)?.query_row(params![id.0, my_read], |row| row.get(0))?)
    };
    let (unread, unread_to_me) = if head.is_internal() {
        (count(UNREAD_INTERNAL)?, 0)
    } else {
        let to_me = count(UNREAD_TO_ME)?;
        (count(UNREAD)? + to_me, to_me)
    };
    // What the desk itself says has no words and is no news, nor has what is deleted.
    let mut statement = connection.prepare_cached(NEWEST_WITH_WORDS)?;
    let mut rows = statement.query([id.0])?;
    let mut preview = None;
    while let Some(row) = rows.next()? {
        let mut newest: Message = serde_json::from_str(&row.get::<_, String>(0)?)?;
        for item in pending {
            overlay(&mut newest, item);
        }
        if newest.deleted_at.is_none() {
            preview = Some(serde_json::to_string(&self::preview(&newest))?);
            break;
        }
    }
    connection.prepare_cached(SHOW_CONVERSATION)?.execute(params![id.0, my_read, unread, unread_to_me, preview])?;
    connection.prepare_cached(SHOW_PLACE)?.execute(params![
        id.0,
        shown_state(&head),
        head.assignee.map(|agent| agent.0),
        head.waiting_since,
        head.snoozed_until,
        head.team.map(|team| team.0),
        priority_name(head.priority),
        followed
    ])?;
    Ok(())
}

/// Shows what a command that is still on its way makes of a message. True: it changes this one.
pub(crate) fn overlay(message: &mut Message, item: &OutboxItem) -> bool {
    if matches!(item.state, OutboxState::Refused(_) | OutboxState::Held) {
        return false;
    }
    match &item.frame.command {
        Command::EditMessage { message: id, text, .. } if *id == message.id => {
            message.text.clone_from(text);
            message.edited_at = Some(item.queued_at);
            true
        }
        Command::DeleteMessage { message: id, .. } if *id == message.id => {
            message.text.clear();
            message.attachments.clear();
            message.article = None;
            message.deleted_at = Some(item.queued_at);
            true
        }
        _ => false,
    }
}

fn preview(message: &Message) -> PreviewRecord {
    let said = match &message.article {
        Some(card) if message.text.trim().is_empty() => &card.title,
        _ => &message.text,
    };
    PreviewRecord {
        author: message.author.clone(),
        kind: message.kind,
        file: message.attachments.first().map(|attachment| attachment.name.clone()),
        text: one_line(said),
    }
}

/// The beginning of a text, as a list shows it.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(PREVIEW_MAX).collect()
}

/// In which folder a conversation is.
fn shown_state(head: &Conversation) -> &'static str {
    if head.is_internal() { "internal" } else { state_name(head.state) }
}

pub(crate) fn state_name(state: ConversationState) -> &'static str {
    match state {
        ConversationState::Open => "open",
        ConversationState::Snoozed => "snoozed",
        ConversationState::Closed => "closed",
    }
}

fn priority_name(priority: Priority) -> Option<&'static str> {
    match priority {
        Priority::None => None,
        Priority::Low => Some("low"),
        Priority::Medium => Some("medium"),
        Priority::High => Some("high"),
        Priority::Urgent => Some("urgent"),
    }
}

/// See [`priority_name`].
pub(crate) fn priority_from(name: &str) -> Priority {
    match name {
        "low" => Priority::Low,
        "medium" => Priority::Medium,
        "high" => Priority::High,
        "urgent" => Priority::Urgent,
        _ => Priority::None,
    }
}

pub(crate) fn kind_name(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Agent => "agent",
        EntityKind::Site => "site",
        EntityKind::Contact => "contact",
        EntityKind::Visitor => "visitor",
        EntityKind::Conversation => "conversation",
        EntityKind::Message => "message",
        EntityKind::CannedText => "canned_text",
        EntityKind::ReadMark => "read_mark",
        EntityKind::Team => "team",
        EntityKind::Item => "item",
        EntityKind::Unknown => "unknown",
    }
}

impl Cache {
    /// Takes finished commands out of the outbox.
    fn finish(&self, done: &[ClientId]) -> Result<(), CacheError> {
        self.outbox_database().write(|transaction| outbox::complete(transaction, done))
    }
}
