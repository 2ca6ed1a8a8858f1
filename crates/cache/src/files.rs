//! Files on their way to the desk: copied when they are chosen, and kept until their message is done.

use deskbell_protocol::{Attachment, ClientId, Command, CommandFrame, ConversationId, ErrorCode};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::Cache;
use crate::error::CacheError;
use crate::queries::queries;

/// Bytes of one piece; the last one of a file may have fewer.
pub const PIECE_BYTES: usize = 256 * 1024;

queries! {
    ADD = "INSERT INTO file (name, conversation, title, size, sha256) VALUES (?1, ?2, ?3, ?4, ?5)";
    ADD_PIECE = "INSERT INTO file_piece (file, number, bytes) VALUES (?1, ?2, ?3)";
    OF_DRAFT = "SELECT name, title, size, sha256, attachment, refusal FROM file INDEXED BY file_of_draft
        WHERE conversation = ?1 AND message IS NULL ORDER BY position";
    OF_MESSAGE = "SELECT name, title, size, sha256, attachment, refusal FROM file WHERE message = ?1 ORDER BY position";
    TAKE_ALONG = "UPDATE file SET message = ?2 WHERE name = ?1 AND message IS NULL AND conversation = ?3";
    GIVE_BACK = "UPDATE file SET message = NULL, refusal = NULL WHERE message = ?1";
    FORGET_REFUSAL = "UPDATE file SET refusal = NULL WHERE message = ?1";
    DROP_PIECES_OF_DRAFT = "DELETE FROM file_piece WHERE file = (SELECT name FROM file WHERE name = ?1 AND message IS NULL)";
    DROP_OF_DRAFT = "DELETE FROM file WHERE name = ?1 AND message IS NULL";
    DROP_PIECES_OF_CONVERSATION = "DELETE FROM file_piece WHERE file IN
        (SELECT name FROM file INDEXED BY file_of_draft WHERE conversation = ?1 AND message IS NULL)";
    DROP_OF_CONVERSATION = "DELETE FROM file INDEXED BY file_of_draft WHERE conversation = ?1 AND message IS NULL";
    DROP_PIECES = "DELETE FROM file_piece WHERE file IN (SELECT name FROM file WHERE message = ?1)";
    DROP = "DELETE FROM file WHERE message = ?1";
    FIND_PIECE = "SELECT bytes FROM file_piece WHERE file = ?1 AND number = ?2";
    AT_THE_DESK = "UPDATE file SET attachment = ?2, refusal = NULL WHERE name = ?1";
    REFUSE = "UPDATE file SET refusal = ?2 WHERE name = ?1";
    FRAME_OF = "SELECT frame FROM outbox WHERE client_id = ?1";
    NAME_FILES = "UPDATE outbox SET frame = ?2, attachments = ?3 WHERE client_id = ?1";
}

/// A file on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    /// Its permanent name at the desk.
    pub id: ClientId,
    /// What the person calls it.
    pub name: String,
    /// Bytes.
    pub size: i64,
    /// Of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// What the desk made of it, when it was there last.
    pub attachment: Option<Attachment>,
    /// Why the desk refuses it.
    pub refusal: Option<ErrorCode>,
}

struct Columns {
    record: FileRecord,
    attachment: Option<String>,
}

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    let id: String = row.get(0)?;
    let refusal: Option<String> = row.get(5)?;
    let record = FileRecord {
        // Only names that were read as such are ever stored.
        id: ClientId::parse(&id).ok_or(rusqlite::Error::InvalidQuery)?,
        name: row.get(1)?,
        size: row.get(2)?,
        sha256: row.get(3)?,
        attachment: None,
        refusal: refusal
            .map(|code| serde_json::from_value(serde_json::Value::String(code)).unwrap_or(ErrorCode::Internal)),
    };
    Ok(Columns { record, attachment: row.get(4)? })
}

fn records(rows: Vec<Columns>) -> Result<Vec<FileRecord>, CacheError> {
    let record = |Columns { record, attachment }: Columns| {
        let attachment = attachment.map(|json| serde_json::from_str(&json)).transpose()?;
        Ok(FileRecord { attachment, ..record })
    };
    rows.into_iter().map(record).collect()
}

/// The files of a message, in the order they were chosen.
pub(crate) fn of_message(connection: &Connection, message: &ClientId) -> Result<Vec<FileRecord>, CacheError> {
    let mut statement = connection.prepare_cached(OF_MESSAGE)?;
    records(statement.query_map([message.as_str()], columns)?.collect::<Result<_, _>>()?)
}

/// A message takes files of its conversation's draft along.
pub(crate) fn take_along(connection: &Connection, frame: &CommandFrame, files: &[ClientId]) -> Result<(), CacheError> {
    let conversation = frame.command.conversation().map(|id| id.0);
    let mut statement = connection.prepare_cached(TAKE_ALONG)?;
    for file in files {
        if statement.execute(params![file.as_str(), frame.client_id.as_str(), conversation])? != 1 {
            return Err(CacheError::Internal("a file is not on this computer any more".to_owned()));
        }
    }
    Ok(())
}

/// The files of a message are the draft's again.
pub(crate) fn give_back(connection: &Connection, message: &ClientId) -> Result<(), CacheError> {
    connection.prepare_cached(GIVE_BACK)?.execute([message.as_str()])?;
    Ok(())
}

/// The desk is to look at the files of a message again.
pub(crate) fn forget_refusal(connection: &Connection, message: &ClientId) -> Result<(), CacheError> {
    connection.prepare_cached(FORGET_REFUSAL)?.execute([message.as_str()])?;
    Ok(())
}

/// Removes the files of a message.
pub(crate) fn drop_of(connection: &Connection, message: &ClientId) -> Result<(), CacheError> {
    connection.prepare_cached(DROP_PIECES)?.execute([message.as_str()])?;
    connection.prepare_cached(DROP)?.execute([message.as_str()])?;
    Ok(())
}

/// Removes the files of a conversation's draft.
pub(crate) fn drop_of_draft(connection: &Connection, conversation: ConversationId) -> Result<(), CacheError> {
    connection.prepare_cached(DROP_PIECES_OF_CONVERSATION)?.execute([conversation.0])?;
    connection.prepare_cached(DROP_OF_CONVERSATION)?.execute([conversation.0])?;
    Ok(())
}

impl Cache {
    /// Copies a file into the draft of a conversation. It is on the disk, encrypted, when this returns.
    ///
    /// # Errors
    /// [`CacheError`]; nothing was kept then.
    pub fn add_file(
        &self,
        conversation: ConversationId,
        id: &ClientId,
        name: &str,
        sha256: &str,
        bytes: &[u8],
    ) -> Result<FileRecord, CacheError> {
        let size = i64::try_from(bytes.len()).map_err(|error| CacheError::Internal(error.to_string()))?;
        self.outbox_database().write(|transaction| {
            transaction.prepare_cached(ADD)?.execute(params![id.as_str(), conversation.0, name, size, sha256])?;
            let mut add = transaction.prepare_cached(ADD_PIECE)?;
            for (number, piece) in (0_i64..).zip(bytes.chunks(PIECE_BYTES)) {
                add.execute(params![id.as_str(), number, piece])?;
            }
            Ok(())
        })?;
        let (name, sha256) = (name.to_owned(), sha256.to_owned());
        Ok(FileRecord { id: id.clone(), name, size, sha256, attachment: None, refusal: None })
    }

    /// Removes a file from a draft. False when a message has taken it along, or it was not there.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn remove_file(&self, id: &ClientId) -> Result<bool, CacheError> {
        self.outbox_database().write(|transaction| {
            transaction.prepare_cached(DROP_PIECES_OF_DRAFT)?.execute([id.as_str()])?;
            Ok(transaction.prepare_cached(DROP_OF_DRAFT)?.execute([id.as_str()])? == 1)
        })
    }

    /// The files of a conversation's draft, in the order they were chosen.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn draft_files(&self, conversation: ConversationId) -> Result<Vec<FileRecord>, CacheError> {
        self.outbox_database().read(|connection| {
            let mut statement = connection.prepare_cached(OF_DRAFT)?;
            records(statement.query_map([conversation.0], columns)?.collect::<Result<_, _>>()?)
        })
    }

    /// The files of a queued message, in the order they were chosen.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn files_of(&self, message: &ClientId) -> Result<Vec<FileRecord>, CacheError> {
        self.outbox_database().read(|connection| of_message(connection, message))
    }

    /// A piece of a file, [`PIECE_BYTES`] long unless it is the last one. `None`: it is not here.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn file_piece(&self, id: &ClientId, number: i64) -> Result<Option<Vec<u8>>, CacheError> {
        self.outbox_database().read(|connection| {
            let mut statement = connection.prepare_cached(FIND_PIECE)?;
            Ok(statement.query_row(params![id.as_str(), number], |row| row.get(0)).optional()?)
        })
    }

    /// The desk has a file.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn file_at_the_desk(&self, id: &ClientId, attachment: &Attachment) -> Result<(), CacheError> {
        let json = serde_json::to_string(attachment)?;
        self.outbox_database().write(|transaction| {
            transaction.prepare_cached(AT_THE_DESK)?.execute([id.as_str(), &json])?;
            Ok(())
        })
    }

    /// The desk refuses a file for good.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn refuse_file(&self, id: &ClientId, code: ErrorCode) -> Result<(), CacheError> {
        let name = serde_json::to_value(code)?.as_str().unwrap_or("internal").to_owned();
        self.outbox_database().write(|transaction| {
            transaction.prepare_cached(REFUSE)?.execute([id.as_str(), &name])?;
            Ok(())
        })
    }

    /// The desk has all files of a message: the command names them from now on. `None` when the message is gone, or a
    /// file is not at the desk.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn name_files(&self, message: &ClientId) -> Result<Option<CommandFrame>, CacheError> {
        self.outbox_database().write(|transaction| {
            let found: Option<String> =
                transaction.prepare_cached(FRAME_OF)?.query_row([message.as_str()], |row| row.get(0)).optional()?;
            let Some(json) = found else { return Ok(None) };
            let mut frame: CommandFrame = serde_json::from_str(&json)?;
            let files = of_message(transaction, message)?;
            let there: Option<Vec<Attachment>> = files.into_iter().map(|file| file.attachment).collect();
            let (Command::Send { attachments, .. }, Some(there)) = (&mut frame.command, there) else { return Ok(None) };
            *attachments = there.iter().map(|attachment| attachment.id).collect();
            let (json, there) = (serde_json::to_string(&frame)?, serde_json::to_string(&there)?);
            transaction.prepare_cached(NAME_FILES)?.execute([message.as_str(), &json, &there])?;
            Ok(Some(frame))
        })
    }
}
