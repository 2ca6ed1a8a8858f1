//! What exists nowhere else: commands not yet done, unsent texts, and an account's settings.

use deskbell_protocol::{Attachment, ClientId, CommandFrame, ConversationId, ErrorCode, Seq, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::Cache;
use crate::error::CacheError;

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
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxItem {
    /// The command.
    pub frame: CommandFrame,
    /// A message's files, to be shown.
    pub attachments: Vec<Attachment>,
    /// When it was queued, by this computer's clock.
    pub queued_at: Timestamp,
    /// Where it stands.
    pub state: OutboxState,
}

/// How much is not done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxCounts {
    /// To be sent, or on the way.
    pub unsent: i64,
    /// Refused, and waiting for the person.
    pub refused: i64,
}

/// Unsent texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DraftRecord {
    /// Of the reply.
    pub reply: String,
    /// Of the note.
    pub note: String,
}

const ITEM: &str = "frame, attachments, queued_at, acked_seq, refusal";

type Columns = (String, String, Timestamp, Option<i64>, Option<String>);

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
}

fn item((frame, attachments, queued_at, acked, refusal): Columns) -> Result<OutboxItem, CacheError> {
    let state = match (refusal, acked) {
        (Some(code), _) => {
            OutboxState::Refused(serde_json::from_value(serde_json::Value::String(code)).unwrap_or(ErrorCode::Internal))
        }
        (None, Some(seq)) => OutboxState::Acked { seq: Seq(seq) },
        (None, None) => OutboxState::Queued,
    };
    Ok(OutboxItem {
        frame: serde_json::from_str(&frame)?,
        attachments: serde_json::from_str(&attachments)?,
        queued_at,
        state,
    })
}

/// Takes commands out.
pub(crate) fn remove(connection: &Connection, done: &[ClientId]) -> Result<(), CacheError> {
    let mut statement = connection.prepare_cached("DELETE FROM outbox WHERE client_id = ?1")?;
    for id in done {
        statement.execute([id.as_str()])?;
    }
    Ok(())
}

impl Cache {
    /// Puts a command on the disk. It is there, through a power cut too, when this returns.
    ///
    /// # Errors
    /// [`CacheError`]; nothing was queued then.
    pub fn queue(&self, frame: &CommandFrame, attachments: &[Attachment], at: Timestamp) -> Result<(), CacheError> {
        let json = serde_json::to_string(frame)?;
        let attachments = serde_json::to_string(attachments)?;
        self.outbox_database().write(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO outbox (client_id, conversation, frame, attachments, queued_at) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (client_id) DO NOTHING",
                )?
                .execute(params![
                    frame.client_id.as_str(),
                    frame.command.conversation().map(|id| id.0),
                    json,
                    attachments,
                    at
                ])?;
            Ok(())
        })?;
        // The command is on disk: to say now that it is not would make somebody send it twice.
        if let Err(error) = self.show_pending(&frame.command) {
            tracing::error!(%error, "a queued command does not show yet");
        }
        Ok(())
    }

    /// The log is another one: what the old one acknowledged is offered again.
    pub(crate) fn forget_acknowledgements(&self) -> Result<(), CacheError> {
        self.outbox_database().write(|transaction| {
            transaction.execute("UPDATE outbox SET acked_seq = NULL WHERE acked_seq IS NOT NULL", [])?;
            Ok(())
        })
    }

    /// All commands, oldest first.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn outbox(&self) -> Result<Vec<OutboxItem>, CacheError> {
        self.outbox_database().read(|connection| {
            let mut statement = connection.prepare_cached(&format!("SELECT {ITEM} FROM outbox ORDER BY position"))?;
            let rows: Vec<Columns> = statement.query_map([], columns)?.collect::<Result<_, _>>()?;
            rows.into_iter().map(item).collect()
        })
    }

    /// The commands of one conversation, oldest first.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn outbox_of(&self, conversation: ConversationId) -> Result<Vec<OutboxItem>, CacheError> {
        self.outbox_database().read(|connection| {
            let mut statement = connection
                .prepare_cached(&format!("SELECT {ITEM} FROM outbox WHERE conversation = ?1 ORDER BY position"))?;
            let rows: Vec<Columns> = statement.query_map([conversation.0], columns)?.collect::<Result<_, _>>()?;
            rows.into_iter().map(item).collect()
        })
    }

    /// How much is not done.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn outbox_counts(&self) -> Result<OutboxCounts, CacheError> {
        self.outbox_database().read(|connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT count(*) FILTER (WHERE refusal IS NULL AND acked_seq IS NULL), count(refusal) FROM outbox",
                )?
                .query_row([], |row| Ok(OutboxCounts { unsent: row.get(0)?, refused: row.get(1)? }))?)
        })
    }

    /// The server has done a command, by this change.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn acknowledge(&self, id: &ClientId, seq: Seq) -> Result<(), CacheError> {
        let passed = self.cursor()?.is_some_and(|cursor| cursor.seq >= seq);
        self.outbox_database().write(|transaction| {
            let query = if passed {
                "DELETE FROM outbox WHERE client_id = ?1 AND ?2 >= 0"
            } else {
                "UPDATE outbox SET acked_seq = ?2 WHERE client_id = ?1"
            };
            transaction.prepare_cached(query)?.execute(params![id.as_str(), seq.0])?;
            Ok(())
        })
    }

    /// The server refuses a command for good. Returns it, so that its conversation can be shown again.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn refuse(&self, id: &ClientId, code: ErrorCode) -> Result<Option<OutboxItem>, CacheError> {
        let name = serde_json::to_value(code)?.as_str().unwrap_or("internal").to_owned();
        self.outbox_database().write(|transaction| {
            transaction
                .prepare_cached("UPDATE outbox SET refusal = ?2 WHERE client_id = ?1")?
                .execute(params![id.as_str(), name])?;
            Ok(())
        })?;
        self.again(id)
    }

    /// Forgets a refusal, so that the command is sent again.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn retry(&self, id: &ClientId) -> Result<Option<OutboxItem>, CacheError> {
        self.outbox_database().write(|transaction| {
            transaction
                .prepare_cached("UPDATE outbox SET refusal = NULL WHERE client_id = ?1")?
                .execute([id.as_str()])?;
            Ok(())
        })?;
        self.again(id)
    }

    /// Drops a command. Returns it when it was there.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn discard(&self, id: &ClientId) -> Result<Option<OutboxItem>, CacheError> {
        let found = self.find(id)?;
        self.outbox_database().write(|transaction| remove(transaction, std::slice::from_ref(id)))?;
        if let Some(found) = &found {
            self.show_pending(&found.frame.command)?;
        }
        Ok(found)
    }

    fn find(&self, id: &ClientId) -> Result<Option<OutboxItem>, CacheError> {
        self.outbox_database().read(|connection| {
            let found = connection
                .prepare_cached(&format!("SELECT {ITEM} FROM outbox WHERE client_id = ?1"))?
                .query_row([id.as_str()], columns)
                .optional()?;
            found.map(item).transpose()
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
        self.outbox_database().read(|connection| {
            Ok(connection
                .prepare_cached("SELECT reply, note FROM draft WHERE conversation = ?1")?
                .query_row([conversation.0], |row| Ok(DraftRecord { reply: row.get(0)?, note: row.get(1)? }))
                .optional()?
                .unwrap_or_default())
        })
    }

    /// Keeps unsent texts. Two empty ones are not kept.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn save_draft(&self, conversation: ConversationId, reply: &str, note: &str) -> Result<(), CacheError> {
        self.outbox_database().write(|transaction| {
            if reply.is_empty() && note.is_empty() {
                transaction.prepare_cached("DELETE FROM draft WHERE conversation = ?1")?.execute([conversation.0])?;
            } else {
                transaction
                    .prepare_cached(
                        "INSERT INTO draft (conversation, reply, note) VALUES (?1, ?2, ?3)
                         ON CONFLICT (conversation) DO UPDATE SET reply = excluded.reply, note = excluded.note",
                    )?
                    .execute(params![conversation.0, reply, note])?;
            }
            Ok(())
        })
    }

    /// Something remembered.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn setting(&self, key: &str) -> Result<Option<String>, CacheError> {
        self.outbox_database().read(|connection| {
            Ok(connection
                .prepare_cached("SELECT value FROM setting WHERE key = ?1")?
                .query_row([key], |row| row.get(0))
                .optional()?)
        })
    }

    /// Remembers something.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn save_setting(&self, key: &str, value: &str) -> Result<(), CacheError> {
        self.outbox_database().write(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO setting (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                )?
                .execute([key, value])?;
            Ok(())
        })
    }
}
