//! What is known of uploaded files; the bytes lie elsewhere.

use deskbell_protocol::{
    Attachment, AttachmentId, CannedTextId, ConversationId, MessageId, PictureSize, SiteId, Timestamp, VisitorId,
};

use super::database::{self, Connection, Row, params};
use super::queries;

queries! {
    OF_MESSAGE = "SELECT id, name, mime, size, width, height FROM attachment WHERE message = ?1 ORDER BY id";
    FIND = "SELECT attachment.id, attachment.name, attachment.mime, attachment.size, attachment.width, attachment.height,
        attachment.uploader_kind, attachment.uploader, attachment.file,
        CASE WHEN message.kind <> 1 THEN conversation.visitor END, conversation.site, conversation.id, attachment.canned_text
        FROM attachment LEFT JOIN message ON message.id = attachment.message
        LEFT JOIN conversation ON conversation.id = message.conversation WHERE attachment.id = ?1";
    ADD = "INSERT INTO attachment (id, uploader_kind, uploader, file, name, mime, size, width, height, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    ATTACH = "UPDATE attachment SET message = ?2 WHERE id = ?1 AND message IS NULL AND canned_text IS NULL";
    OF_CANNED_TEXT = "SELECT id, name, mime, size, width, height FROM attachment WHERE canned_text = ?1 ORDER BY id";
    ATTACH_TO_CANNED_TEXT = "UPDATE attachment SET canned_text = ?2
        WHERE id = ?1 AND message IS NULL AND canned_text IS NULL AND uploader_kind = ?3 AND uploader = ?4";
    DROP_OF_CANNED_TEXT = "DELETE FROM attachment WHERE id = ?1 AND canned_text = ?2 RETURNING file";
    UPLOADED_SINCE = "SELECT coalesce(sum(size), 0) FROM attachment WHERE uploader_kind = ?1 AND uploader = ?2 AND created_at > ?3";
    LOOSE_BEFORE = "SELECT id FROM attachment INDEXED BY attachment_loose WHERE message IS NULL AND canned_text IS NULL AND created_at < ?1 ORDER BY created_at LIMIT 1000";
    NAMES = "SELECT id, file, size FROM attachment WHERE id > ?1 ORDER BY id LIMIT 1000";
    REMOVE_OF_MESSAGE_LATER = "INSERT INTO removed_file (file) SELECT file FROM attachment WHERE message = ?1 ON CONFLICT DO NOTHING";
    REMOVE_LATER = "INSERT INTO removed_file (file) VALUES (?1) ON CONFLICT DO NOTHING";
    DROP_OF_MESSAGE = "DELETE FROM attachment WHERE message = ?1";
    REMOVED = "SELECT file FROM removed_file WHERE file > ?1 ORDER BY file LIMIT 1000";
    FORGET_REMOVED = "DELETE FROM removed_file WHERE file = ?1";
    DROP = "DELETE FROM attachment WHERE id = ?1 AND message IS NULL AND canned_text IS NULL RETURNING file";
}

/// A file as stored.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) attachment: Attachment,
    pub(crate) uploader: (i64, i64),
    /// Random name under which the bytes lie.
    pub(crate) file: String,
    /// The visitor to whom the message with this file is shown.
    pub(crate) shown_to: Option<VisitorId>,
    /// The site of its conversation, once it was sent to a visitor.
    pub(crate) site: Option<SiteId>,
    /// Its conversation, once it was sent.
    pub(crate) conversation: Option<ConversationId>,
    /// The prepared text that has it.
    pub(crate) canned_text: Option<CannedTextId>,
}

fn attachment(row: &Row<'_>) -> database::Result<Attachment> {
    let picture = match (row.get(4)?, row.get(5)?) {
        (Some(width), Some(height)) => Some(PictureSize { width, height }),
        _ => None,
    };
    Ok(Attachment { id: AttachmentId(row.get(0)?), name: row.get(1)?, mime: row.get(2)?, size: row.get(3)?, picture })
}

pub(crate) fn of_message(connection: &Connection, message: MessageId) -> database::Result<Vec<Attachment>> {
    connection.all(OF_MESSAGE, params![message.0], attachment)
}

pub(crate) fn find(connection: &Connection, id: AttachmentId) -> database::Result<Option<Stored>> {
    connection.find(FIND, params![id.0], |row| {
        Ok(Stored {
            attachment: attachment(row)?,
            uploader: (row.get(6)?, row.get(7)?),
            file: row.get(8)?,
            shown_to: row.get::<Option<i64>>(9)?.map(VisitorId),
            site: row.get::<Option<i64>>(10)?.map(SiteId),
            conversation: row.get::<Option<i64>>(11)?.map(ConversationId),
            canned_text: row.get::<Option<i64>>(12)?.map(CannedTextId),
        })
    })
}

pub(crate) fn add(
    connection: &Connection,
    attachment: &Attachment,
    uploader: (i64, i64),
    file: &str,
    now: Timestamp,
) -> database::Result<()> {
    connection.change(
        ADD,
        params![
            attachment.id.0,
            uploader.0,
            uploader.1,
            file,
            attachment.name,
            attachment.mime,
            attachment.size,
            attachment.picture.map(|size| size.width),
            attachment.picture.map(|size| size.height),
            now
        ],
    )?;
    Ok(())
}

/// Joins a loose file to a message. False when it was not loose.
pub(crate) fn attach(connection: &Connection, id: AttachmentId, message: MessageId) -> database::Result<bool> {
    Ok(connection.change(ATTACH, params![id.0, message.0])? == 1)
}

/// The files of a prepared text.
pub(crate) fn of_canned_text(connection: &Connection, text: CannedTextId) -> database::Result<Vec<Attachment>> {
    connection.all(OF_CANNED_TEXT, params![text.0], attachment)
}

/// Gives a loose file of an uploader to a prepared text. False when it is not loose, or somebody else's.
pub(crate) fn attach_to_canned_text(
    connection: &Connection,
    id: AttachmentId,
    text: CannedTextId,
    uploader: (i64, i64),
) -> database::Result<bool> {
    Ok(connection.change(ATTACH_TO_CANNED_TEXT, params![id.0, text.0, uploader.0, uploader.1])? == 1)
}

/// Takes a file from a prepared text. Its bytes go when [`removed`] is cleared.
pub(crate) fn drop_of_canned_text(
    connection: &Connection,
    id: AttachmentId,
    text: CannedTextId,
) -> database::Result<()> {
    let file = connection.find(DROP_OF_CANNED_TEXT, params![id.0, text.0], |row| row.get::<String>(0))?;
    file.map_or(Ok(()), |file| remove_later(connection, &file))
}

/// Bytes uploaded by one principal after a time.
pub(crate) fn uploaded_since(connection: &Connection, uploader: (i64, i64), since: Timestamp) -> database::Result<i64> {
    connection.one(UPLOADED_SINCE, params![uploader.0, uploader.1, since], |row| row.get(0))
}

/// Files that were uploaded and never sent.
pub(crate) fn loose_before(connection: &Connection, before: Timestamp) -> database::Result<Vec<AttachmentId>> {
    connection.all(LOOSE_BEFORE, params![before], |row| row.get(0).map(AttachmentId))
}

/// Forgets a loose file, unless it was sent in the meantime. Its bytes go when [`removed`] is cleared.
pub(crate) fn drop(connection: &Connection, id: AttachmentId) -> database::Result<()> {
    let file = connection.find(DROP, params![id.0], |row| row.get::<String>(0))?;
    file.map_or(Ok(()), |file| remove_later(connection, &file))
}

/// Notes that the bytes of a file are to go, whether they have arrived or not.
pub(crate) fn remove_later(connection: &Connection, file: &str) -> database::Result<()> {
    connection.change(REMOVE_LATER, params![file])?;
    Ok(())
}

/// A file that a row names.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) id: AttachmentId,
    /// Random name under which the bytes lie.
    pub(crate) file: String,
    /// Bytes, as the row says.
    pub(crate) size: i64,
}

/// Up to a thousand files that rows name, in the order of their ids, those after `after`.
pub(crate) fn names(connection: &Connection, after: AttachmentId) -> database::Result<Vec<Named>> {
    connection.all(NAMES, params![after.0], |row| {
        Ok(Named { id: AttachmentId(row.get(0)?), file: row.get(1)?, size: row.get(2)? })
    })
}

/// Forgets the files of a message. Their bytes go when [`removed`] is cleared.
pub(crate) fn drop_of_message(connection: &Connection, message: MessageId) -> database::Result<()> {
    connection.change(REMOVE_OF_MESSAGE_LATER, params![message.0])?;
    connection.change(DROP_OF_MESSAGE, params![message.0])?;
    Ok(())
}

/// Up to a thousand names of files whose bytes are still to be removed, in their order, those after `after`.
pub(crate) fn removed(connection: &Connection, after: &str) -> database::Result<Vec<String>> {
    connection.all(REMOVED, params![after], |row| row.get(0))
}

/// The bytes of a file are gone.
pub(crate) fn forget_removed(connection: &Connection, file: &str) -> database::Result<()> {
    connection.change(FORGET_REMOVED, params![file])?;
    Ok(())
}
