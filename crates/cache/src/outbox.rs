//! What exists nowhere else: commands not yet done, unsent texts, and an account's settings.

use std::collections::BTreeSet;

use deskbell_protocol::planted::{Bug, is_planted};
use deskbell_protocol::{
    AgentId, Attachment, Author, ClientId, Command, CommandFrame, ContactId, ConversationId, ErrorCode, Message,
    MessageKind, Number, Seq, Timestamp,
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::Cache;
use crate::apply::{one_line, overlay};
use crate::error::CacheError;
use crate::files::{self, FileRecord};
use crate::queries::queries;
use crate::read::PreviewRecord;

/// Where a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxState {
    /// To be sent, or sent and not answered.
    Queued,
    /// Durably done by this change, which is not here yet.
    Acked {
        /// The change.
        seq: Seq,
    },
    /// Refused for good.
    Refused(ErrorCode),
    /// Held until the person decides, because somebody else wrote meanwhile.
    Held,
}

/// What keeps a command from going at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// Kept back until then, by this computer's clock.
    pub hold_until: Option<Timestamp>,
    /// The newest message that the person had on screen.
    pub seen: Option<Number>,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxItem {
    /// The command.
    pub frame: CommandFrame,
    /// A message's files that the desk had last, to be shown.
    pub attachments: Vec<Attachment>,
    /// A message's files that are on this computer until it is done.
    pub files: Vec<FileRecord>,
    /// When it was queued, by this computer's clock.
    pub queued_at: Timestamp,
    /// Where it stands.
    pub state: OutboxState,
    /// What keeps it from going at once.
    pub guard: Guard,
    /// It may have been on its way.
    pub tried: bool,
}

/// Shows on a message what commands that are still on their way make of it. The last of them that does.
pub fn show_on<'a>(message: &mut Message, queued: &'a [OutboxItem]) -> Option<&'a OutboxItem> {
    let mut last = None;
    for item in queued {
        if overlay(message, item) {
            last = Some(item);
        }
    }
    last
}

/// A message that was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenBack {
    /// What was queued.
    pub item: OutboxItem,
    /// The unsent texts of its conversation, its own text among them.
    pub draft: DraftRecord,
}

/// How much is not done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxCounts {
    /// To be sent, or on the way.
    pub unsent: i64,
    /// Refused, and waiting for the person.
    pub refused: i64,
    /// Held, and waiting for the person.
    pub held: i64,
}

/// Unsent texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DraftRecord {
    /// Of the reply.
    pub reply: String,
    /// Of the note.
    pub note: String,
    /// Whom the note mentions.
    pub mentions: Vec<AgentId>,
}

/// Reads commands, in the order that [`columns`] takes.
macro_rules! items {
    ($which:literal) => {
        concat!("SELECT frame, attachments, queued_at, acked_seq, refusal, hold_until, seen, tried, held ", $which)
    };
}

queries! {
    ADD = "INSERT INTO outbox (client_id, conversation, frame, queued_at, hold_until, seen)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (client_id) DO NOTHING";
    REMOVE = "DELETE FROM outbox WHERE client_id = ?1";
    KEEP_SENT = "INSERT INTO sent (position, client_id, conversation, frame, attachments, queued_at, done_at)
        SELECT position, client_id, conversation, frame, attachments, queued_at, CAST(unixepoch('subsec') * 1000 AS INTEGER)
        FROM outbox WHERE client_id = ?1 AND json_extract(frame, '$.op') = 'send' ON CONFLICT DO NOTHING";
    FORGET_SENT = "DELETE FROM sent WHERE done_at < CAST(unixepoch('subsec') * 1000 AS INTEGER) - ?1";
    OFFER_AGAIN_OF_ALL = "INSERT INTO outbox (position, client_id, conversation, frame, attachments, queued_at, tried)
        SELECT ?1 + row_number() OVER (ORDER BY position), client_id, conversation, frame, attachments, queued_at, 1
        FROM sent WHERE true ON CONFLICT DO NOTHING";
    FIRST_POSITION = "SELECT min(position) FROM outbox";
    COUNT_SENT_OF_ALL = "SELECT count(*) FROM sent";
    FORGET_SENT_OF_ALL = "DELETE FROM sent";
    FORGET_SENT_OF_CONVERSATION = "DELETE FROM sent WHERE conversation = ?1";
    COUNTS_OF_ALL = "SELECT count(*) FILTER (WHERE refusal IS NULL AND acked_seq IS NULL AND held = 0), count(refusal),
        count(*) FILTER (WHERE held = 1) FROM outbox";
    /// What a person wrote, and files they chose, that are nowhere else.
    UNDELIVERED_OF_ALL = "SELECT (SELECT count(*) FROM outbox WHERE acked_seq IS NULL
            AND json_extract(frame, '$.op') IN ('send', 'edit_message', 'edit_contact'))
        + (SELECT count(*) FROM draft WHERE reply <> '' OR note <> '')
        + (SELECT count(*) FROM file WHERE message IS NULL AND conversation NOT IN (SELECT conversation FROM draft))";
    MARK_TRIED = "UPDATE outbox SET tried = 1 WHERE client_id = ?1 AND tried = 0";
    HOLD = "UPDATE outbox SET held = 1 WHERE client_id = ?1";
    LET_GO = "UPDATE outbox SET refusal = NULL, held = 0, seen = NULL, hold_until = NULL WHERE client_id = ?1";
    ACKNOWLEDGE = "UPDATE outbox SET acked_seq = ?2 WHERE client_id = ?1";
    FORGET_ACKNOWLEDGEMENTS_OF_ALL = "UPDATE outbox SET acked_seq = NULL WHERE acked_seq IS NOT NULL";
    REFUSE = "UPDATE outbox SET refusal = ?2 WHERE client_id = ?1";
    BUSY_OF_ALL = "SELECT conversation FROM outbox WHERE conversation IS NOT NULL
        UNION SELECT conversation FROM draft UNION SELECT conversation FROM file WHERE conversation IS NOT NULL";
    FIND_DRAFT = "SELECT reply, note, mentions FROM draft WHERE conversation = ?1";
    PUT_DRAFT = "INSERT INTO draft (conversation, reply, note, mentions) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (conversation) DO UPDATE SET reply = excluded.reply, note = excluded.note, mentions = excluded.mentions";
    REMOVE_DRAFT = "DELETE FROM draft WHERE conversation = ?1";
    FIND_SETTING = "SELECT value FROM setting WHERE key = ?1";
    PUT_SETTING = "INSERT INTO setting (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    ITEMS_OF_ALL = items!("FROM outbox ORDER BY position");
    ITEMS_OF_CONVERSATION = items!("FROM outbox WHERE conversation = ?1 ORDER BY position");
    ITEMS_OF_NO_CONVERSATION = items!("FROM outbox WHERE conversation IS NULL ORDER BY position");
    FIND_ITEM = items!("FROM outbox WHERE client_id = ?1");
    pub(crate) HAS_ANYTHING = "SELECT (SELECT max(position) FROM outbox) IS NOT NULL
        OR (SELECT max(conversation) FROM draft) IS NOT NULL OR (SELECT max(position) FROM file) IS NOT NULL";
    pub(crate) HAS_DRAFT = "SELECT EXISTS (SELECT 1 FROM draft WHERE conversation = ?1 AND (reply <> '' OR note <> ''))
        OR EXISTS (SELECT 1 FROM file INDEXED BY file_of_draft WHERE conversation = ?1 AND message IS NULL)";
    pub(crate) HAS_REFUSED = "SELECT EXISTS (SELECT 1 FROM outbox WHERE conversation = ?1 AND refusal IS NOT NULL)";
    NEWEST_MESSAGE = items!("FROM outbox WHERE conversation = ?1 AND refusal IS NULL AND held = 0
        AND json_extract(frame, '$.op') = 'send' ORDER BY position DESC LIMIT 1");
    pub(crate) HAS_HELD = "SELECT EXISTS (SELECT 1 FROM outbox WHERE conversation = ?1 AND held = 1)";
}

/// What a row of the outbox holds, as it stands in the database.
struct Columns {
    frame: String,
    attachments: String,
    queued_at: Timestamp,
    acked: Option<i64>,
    refusal: Option<String>,
    guard: Guard,
    tried: bool,
    held: bool,
}

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok(Columns {
        frame: row.get(0)?,
        attachments: row.get(1)?,
        queued_at: row.get(2)?,
        acked: row.get(3)?,
        refusal: row.get(4)?,
        guard: Guard { hold_until: row.get(5)?, seen: row.get(6)? },
        tried: row.get(7)?,
        held: row.get(8)?,
    })
}

fn item(connection: &Connection, columns: Columns) -> Result<OutboxItem, CacheError> {
    let frame: CommandFrame = serde_json::from_str(&columns.frame)?;
    let files = match &frame.command {
        Command::Send { .. } => files::of_message(connection, &frame.client_id)?,
        _ => Vec::new(),
    };
    let state = match (columns.refusal, columns.acked) {
        (Some(code), _) => {
            OutboxState::Refused(serde_json::from_value(serde_json::Value::String(code)).unwrap_or(ErrorCode::Internal))
        }
        (None, Some(seq)) => OutboxState::Acked { seq: Seq(seq) },
        (None, None) if columns.held => OutboxState::Held,
        (None, None) => OutboxState::Queued,
    };
    Ok(OutboxItem {
        frame,
        attachments: serde_json::from_str(&columns.attachments)?,
        files,
        queued_at: columns.queued_at,
        state,
        guard: columns.guard,
        tried: columns.tried,
    })
}

/// The newest message of a conversation that is on its way to the desk, in one line.
pub(crate) fn newest_message(
    connection: &Connection,
    conversation: ConversationId,
    me: AgentId,
) -> Result<Option<PreviewRecord>, CacheError> {
    let row = connection.prepare_cached(NEWEST_MESSAGE)?.query_row([conversation.0], columns).optional()?;
    let Some(OutboxItem { frame, files, attachments, .. }) = row.map(|row| item(connection, row)).transpose()? else {
        return Ok(None);
    };
    let Command::Send { kind, text, article, .. } = frame.command else { return Ok(None) };
    let file = files.into_iter().map(|file| file.name).chain(attachments.into_iter().map(|file| file.name)).next();
    // What an article is called, the desk says.
    let shown = !text.trim().is_empty() || file.is_some() || article.is_none();
    let author = Author::Agent { id: me, name: String::new() };
    Ok(shown.then(|| PreviewRecord { author, kind, text: one_line(&text), file }))
}

/// One text before another, each on lines of its own.
fn joined(first: &str, second: &str) -> String {
    if first.is_empty() || second.is_empty() { [first, second].concat() } else { format!("{first}\n{second}") }
}

/// How long a message that the desk has can be offered again, in milliseconds.
const SENT_KEPT_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// Takes commands out that the desk has done, and keeps the messages among them for a while.
pub(crate) fn complete(connection: &Connection, done: &[ClientId]) -> Result<(), CacheError> {
    let mut keep = connection.prepare_cached(KEEP_SENT)?;
    for id in done {
        keep.execute([id.as_str()])?;
    }
    connection.prepare_cached(FORGET_SENT)?.execute([SENT_KEPT_MS])?;
    remove(connection, done)
}

/// Takes all commands of a conversation out.
fn remove_all(connection: &Connection, conversation: ConversationId) -> Result<(), CacheError> {
    let mut statement = connection.prepare_cached(ITEMS_OF_CONVERSATION)?;
    let rows: Vec<Columns> = statement.query_map([conversation.0], columns)?.collect::<Result<_, _>>()?;
    for row in rows {
        remove(connection, &[item(connection, row)?.frame.client_id])?;
    }
    Ok(())
}

/// Takes commands out.
fn remove(connection: &Connection, done: &[ClientId]) -> Result<(), CacheError> {
    let mut statement = connection.prepare_cached(REMOVE)?;
    for id in done {
        statement.execute([id.as_str()])?;
        files::drop_of(connection, id)?;
    }
    Ok(())
}

fn find_draft(connection: &Connection, conversation: ConversationId) -> Result<DraftRecord, CacheError> {
    let found = connection
        .prepare_cached(FIND_DRAFT)?
        .query_row([conversation.0], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)))
        .optional()?;
    let Some((reply, note, mentions)) = found else { return Ok(DraftRecord::default()) };
    Ok(DraftRecord { reply, note, mentions: serde_json::from_str(&mentions)? })
}

fn put_draft(connection: &Connection, conversation: ConversationId, draft: &DraftRecord) -> Result<(), CacheError> {
    if draft.reply.is_empty() && draft.note.is_empty() {
        connection.prepare_cached(REMOVE_DRAFT)?.execute([conversation.0])?;
    } else {
        let mentions = serde_json::to_string(&draft.mentions)?;
        connection.prepare_cached(PUT_DRAFT)?.execute(params![conversation.0, draft.reply, draft.note, mentions])?;
    }
    Ok(())
}

/// Takes a message's text off the beginning of its draft. What was typed behind it meanwhile is the next message.
fn take_from_draft(connection: &Connection, command: &Command) -> Result<(), CacheError> {
    let Command::Send { conversation: Some(conversation), kind, text, .. } = command else { return Ok(()) };
    if text.is_empty() {
        return Ok(());
    }
    let mut draft = find_draft(connection, *conversation)?;
    let unsent = match kind {
        MessageKind::Note => &mut draft.note,
        MessageKind::Reply | MessageKind::System => &mut draft.reply,
    };
    let Some(rest) = unsent.strip_prefix(text.as_str()).map(str::to_owned) else { return Ok(()) };
    *unsent = rest;
    put_draft(connection, *conversation, &draft)
}

impl Cache {
    /// Puts a command on the disk, with files of its conversation's draft. It is there, through a power cut too, when this returns.
    ///
    /// # Errors
    /// [`CacheError`]; nothing was queued then.
    pub fn queue(&self, frame: &CommandFrame, files: &[ClientId], at: Timestamp) -> Result<(), CacheError> {
        self.queue_guarded(frame, files, at, Guard::default())
    }

    /// Puts a command on the disk with what keeps it from going at once. A message's text is unsent text no more.
    ///
    /// # Errors
    /// [`CacheError`]; nothing was queued then.
    pub fn queue_guarded(
        &self,
        frame: &CommandFrame,
        files: &[ClientId],
        at: Timestamp,
        guard: Guard,
    ) -> Result<(), CacheError> {
        let json = serde_json::to_string(frame)?;
        self.outbox_database().write(|transaction| {
            let added = transaction.prepare_cached(ADD)?.execute(params![
                frame.client_id.as_str(),
                frame.command.conversation().map(|id| id.0),
                json,
                at,
                guard.hold_until,
                guard.seen
            ])?;
            if added > 0 {
                take_from_draft(transaction, &frame.command)?;
            }
            files::take_along(transaction, frame, files)
        })?;
        // The command is on disk: to say now that it is not would make somebody send it twice.
        if let Err(error) = self.show_pending(&frame.command) {
            tracing::error!(%error, "a queued command does not show yet");
        }
        Ok(())
    }

    /// The cursor is of no use: what was acknowledged is offered again, because nobody can tell any more when the
    /// cursor passes it. When the log itself is another one, it may miss what the old one had: the messages of the
    /// last week are offered again, too, before anything newer. The desk knows by their names what it has.
    pub(crate) fn offer_again(&self, lost: bool) -> Result<(), CacheError> {
        self.outbox_database().write(|transaction| {
            transaction.execute(FORGET_ACKNOWLEDGEMENTS_OF_ALL, [])?;
            if lost {
                transaction.execute(FORGET_SENT, [SENT_KEPT_MS])?;
                let first: Option<i64> = transaction.query_row(FIRST_POSITION, [], |row| row.get(0))?;
                let sent: i64 = transaction.query_row(COUNT_SENT_OF_ALL, [], |row| row.get(0))?;
                transaction.execute(OFFER_AGAIN_OF_ALL, [first.unwrap_or(1) - sent - 1])?;
                transaction.execute(FORGET_SENT_OF_ALL, [])?;
            }
            Ok(())
        })
    }

    /// Removes what was sent to people who are erased, and what was not sent yet: drafts and commands, refused ones too,
    /// with their files. What is on its way all the same is the desk's to refuse.
    pub(crate) fn forget_erased(&self, conversations: &[ConversationId]) -> Result<(), CacheError> {
        if conversations.is_empty() {
            return Ok(());
        }
        self.outbox_database().write(|transaction| {
            for conversation in conversations {
                transaction.prepare_cached(FORGET_SENT_OF_CONVERSATION)?.execute([conversation.0])?;
                transaction.prepare_cached(REMOVE_DRAFT)?.execute([conversation.0])?;
                files::drop_of_draft(transaction, *conversation)?;
                remove_all(transaction, *conversation)?;
            }
            Ok(())
        })
    }

    /// All commands, oldest first.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn outbox(&self) -> Result<Vec<OutboxItem>, CacheError> {
        self.outbox_database().read(|connection| {
            let mut statement = connection.prepare_cached(ITEMS_OF_ALL)?;
            let rows: Vec<Columns> = statement.query_map([], columns)?.collect::<Result<_, _>>()?;
            rows.into_iter().map(|row| item(connection, row)).collect()
        })
    }

    /// The commands of one conversation, oldest first.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn outbox_of(&self, conversation: ConversationId) -> Result<Vec<OutboxItem>, CacheError> {
        self.outbox_database().read(|connection| {
            let mut statement = connection.prepare_cached(ITEMS_OF_CONVERSATION)?;
            let rows: Vec<Columns> = statement.query_map([conversation.0], columns)?.collect::<Result<_, _>>()?;
            rows.into_iter().map(|row| item(connection, row)).collect()
        })
    }

    /// What was written about a person and is not done, oldest first.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn edits_of(&self, person: ContactId) -> Result<Vec<OutboxItem>, CacheError> {
        self.outbox_database().read(|connection| {
            let mut statement = connection.prepare_cached(ITEMS_OF_NO_CONVERSATION)?;
            let rows: Vec<Columns> = statement.query_map([], columns)?.collect::<Result<_, _>>()?;
            let mut items: Vec<OutboxItem> =
                rows.into_iter().map(|row| item(connection, row)).collect::<Result<_, _>>()?;
            items
                .retain(|item| matches!(item.frame.command, Command::EditContact { contact, .. } if contact == person));
            Ok(items)
        })
    }

    /// How much is not done.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn outbox_counts(&self) -> Result<OutboxCounts, CacheError> {
        self.outbox_database().read(|connection| {
            Ok(connection.prepare_cached(COUNTS_OF_ALL)?.query_row([], |row| {
                Ok(OutboxCounts { unsent: row.get(0)?, refused: row.get(1)?, held: row.get(2)? })
            })?)
        })
    }

    /// Conversations for which something waits, or is written and not sent.
    pub(crate) fn busy_conversations(&self) -> Result<BTreeSet<ConversationId>, CacheError> {
        self.outbox_database().read(|connection| {
            let mut statement = connection.prepare_cached(BUSY_OF_ALL)?;
            let found = statement.query_map([], |row| Ok(ConversationId(row.get(0)?)))?;
            Ok(found.collect::<Result<_, _>>()?)
        })
    }

    /// Messages, drafts and what was written about people that exist nowhere but here.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn undelivered(&self) -> Result<i64, CacheError> {
        self.outbox_database()
            .read(|connection| Ok(connection.prepare_cached(UNDELIVERED_OF_ALL)?.query_row([], |row| row.get(0))?))
    }

    /// Forgets the copies of messages that the desk has.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn forget_delivered(&self) -> Result<(), CacheError> {
        self.outbox_database().write(|transaction| {
            transaction.execute(FORGET_SENT_OF_ALL, [])?;
            Ok(())
        })
    }

    /// The server has done a command, by this change.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn acknowledge(&self, id: &ClientId, seq: Seq) -> Result<(), CacheError> {
        let passed = self.cursor()?.is_some_and(|cursor| cursor.seq >= seq);
        let leaves = if passed { self.find(id)? } else { None };
        if let Some(item) = &leaves {
            self.show_without(item);
        }
        self.outbox_database().write(|transaction| {
            if passed || is_planted(Bug::RemovedOnAck) {
                return complete(transaction, std::slice::from_ref(id));
            }
            transaction.prepare_cached(ACKNOWLEDGE)?.execute(params![id.as_str(), seq.0])?;
            Ok(())
        })?;
        // The change that it made came before, so nothing else draws its conversation without it.
        if let Some(item) = leaves {
            self.show_gone(&item.frame.command);
        }
        Ok(())
    }

    /// The server refuses a command for good: it waits for the person, or is gone when there is nothing to decide.
    /// Returns it, so that its conversation can be shown again.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn refuse(&self, id: &ClientId, code: ErrorCode) -> Result<Option<OutboxItem>, CacheError> {
        let name = serde_json::to_value(code)?.as_str().unwrap_or("internal").to_owned();
        if let Some(item) = self.find(id)? {
            if !self.waits_for_a_person(&item.frame.command, code)? {
                tracing::warn!(refusal = name, "the desk refused what nobody can send again");
                return self.discard(id);
            }
            self.show_without(&item);
        }
        self.outbox_database().write(|transaction| {
            transaction.prepare_cached(REFUSE)?.execute(params![id.as_str(), name])?;
            Ok(())
        })?;
        self.again(id)
    }

    /// Whether a person decides what becomes of a command that was refused. Marks and counts they never saw, and that
    /// they do not follow shows by itself. What was written about somebody stands in their chats: without one they are
    /// not here any more, or never were.
    fn waits_for_a_person(&self, command: &Command, code: ErrorCode) -> Result<bool, CacheError> {
        match command {
            Command::MarkRead { .. } | Command::Follow { .. } | Command::UseCannedText { .. } => Ok(false),
            Command::EditContact { contact, .. } => {
                Ok(code != ErrorCode::NotFound && !self.chats_of(*contact)?.is_empty())
            }
            _ => Ok(true),
        }
    }

    /// Forgets a refusal, or why a command was held, so that it is sent.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn retry(&self, id: &ClientId) -> Result<Option<OutboxItem>, CacheError> {
        self.outbox_database().write(|transaction| {
            transaction.prepare_cached(LET_GO)?.execute([id.as_str()])?;
            files::forget_refusal(transaction, id)
        })?;
        self.again(id)
    }

    /// A message is about to be on its way: from here on it cannot be taken back, not even by another run.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn mark_tried(&self, id: &ClientId) -> Result<(), CacheError> {
        self.outbox_database().write(|transaction| {
            transaction.prepare_cached(MARK_TRIED)?.execute([id.as_str()])?;
            Ok(())
        })
    }

    /// Whether an agent other than `me` wrote in a command's conversation after what the person had on screen.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn was_answered_meanwhile(&self, id: &ClientId, me: Option<AgentId>) -> Result<bool, CacheError> {
        let Some(item) = self.find(id)? else { return Ok(false) };
        let (Some(conversation), Some(seen)) = (item.frame.command.conversation(), item.guard.seen) else {
            return Ok(false);
        };
        self.answered_since(conversation, seen, me)
    }

    /// Holds a command until the person decides. Returns it, so that its conversation can be shown again.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn hold(&self, id: &ClientId) -> Result<Option<OutboxItem>, CacheError> {
        self.outbox_database().write(|transaction| {
            transaction.prepare_cached(HOLD)?.execute([id.as_str()])?;
            Ok(())
        })?;
        self.again(id)
    }

    /// Whether a command was refused for good.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn is_refused(&self, id: &ClientId) -> Result<bool, CacheError> {
        Ok(self.find(id)?.is_some_and(|item| matches!(item.state, OutboxState::Refused(_))))
    }

    /// Drops a command. Returns it when it was there.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn discard(&self, id: &ClientId) -> Result<Option<OutboxItem>, CacheError> {
        let found = self.find(id)?;
        if let Some(found) = &found {
            self.show_without(found);
        }
        self.outbox_database().write(|transaction| remove(transaction, std::slice::from_ref(id)))?;
        if let Some(found) = &found {
            self.show_gone(&found.frame.command);
        }
        Ok(found)
    }

    /// Takes a message out, and puts its text before the unsent text of its conversation: both or neither. `None`
    /// when there is no such message.
    ///
    /// # Errors
    /// [`CacheError`]; the message stays queued then.
    pub fn take_back(&self, id: &ClientId) -> Result<Option<TakenBack>, CacheError> {
        let Some(item) = self.find(id)? else { return Ok(None) };
        let Command::Send { conversation: Some(conversation), kind, text, mentions, .. } = &item.frame.command else {
            return Ok(None);
        };
        self.show_without(&item);
        let draft = self.outbox_database().write(|transaction| {
            let mut draft = find_draft(transaction, *conversation)?;
            match kind {
                MessageKind::Note => {
                    draft.note = joined(text, &draft.note);
                    let again = mentions.iter().filter(|agent| !draft.mentions.contains(agent));
                    draft.mentions = again.chain(&draft.mentions).copied().collect();
                }
                MessageKind::Reply | MessageKind::System => draft.reply = joined(text, &draft.reply),
            }
            put_draft(transaction, *conversation, &draft)?;
            files::give_back(transaction, id)?;
            remove(transaction, std::slice::from_ref(id))?;
            Ok(draft)
        })?;
        self.show_gone(&item.frame.command);
        Ok(Some(TakenBack { item, draft }))
    }

    /// Shows a conversation without a command that is about to leave. Two files cannot be written in one transaction,
    /// and after a crash in between nothing else would draw the conversation without it. Left on the disk and not
    /// shown, it shows again with whatever comes next.
    fn show_without(&self, item: &OutboxItem) {
        if let Err(error) = self.show_pending_but(&item.frame.command, Some(&item.frame.client_id)) {
            tracing::error!(%error, "a command that leaves shows still");
        }
    }

    /// Shows a conversation without a command. The command is gone from the disk: to say now that it is not would
    /// let the engine send it all the same.
    fn show_gone(&self, command: &Command) {
        if let Err(error) = self.show_pending(command) {
            tracing::error!(%error, "a command that is gone shows still");
        }
    }

    fn find(&self, id: &ClientId) -> Result<Option<OutboxItem>, CacheError> {
        self.outbox_database().read(|connection| {
            let found = connection.prepare_cached(FIND_ITEM)?.query_row([id.as_str()], columns).optional()?;
            found.map(|found| item(connection, found)).transpose()
        })
    }

    fn again(&self, id: &ClientId) -> Result<Option<OutboxItem>, CacheError> {
        let found = self.find(id)?;
        if let Some(found) = &found {
            self.show_pending(&found.frame.command)?;
        }
        Ok(found)
    }

    /// Unsent texts of a conversation.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn draft(&self, conversation: ConversationId) -> Result<DraftRecord, CacheError> {
        self.outbox_database().read(|connection| find_draft(connection, conversation))
    }

    /// Keeps unsent texts, and whom the note mentions. Two empty ones are not kept.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn save_draft(
        &self,
        conversation: ConversationId,
        reply: &str,
        note: &str,
        mentions: &[AgentId],
    ) -> Result<(), CacheError> {
        let draft = DraftRecord { reply: reply.to_owned(), note: note.to_owned(), mentions: mentions.to_vec() };
        self.outbox_database().write(|transaction| put_draft(transaction, conversation, &draft))
    }

    /// Something remembered.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn setting(&self, key: &str) -> Result<Option<String>, CacheError> {
        self.outbox_database().read(|connection| {
            Ok(connection.prepare_cached(FIND_SETTING)?.query_row([key], |row| row.get(0)).optional()?)
        })
    }

    /// Remembers something.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn save_setting(&self, key: &str, value: &str) -> Result<(), CacheError> {
        self.outbox_database().write(|transaction| {
            transaction.prepare_cached(PUT_SETTING)?.execute([key, value])?;
            Ok(())
        })
    }
}
