//! Files on their way up: what was said of them and how much of them is here.

use deskbell_protocol::{AttachmentId, ClientId, Timestamp};

use super::database::{self, Connection, Row, params};
use super::queries;

queries! {
    FIND = "SELECT file, name, size, sha256, received, attachment FROM upload
        WHERE uploader_kind = ?1 AND uploader = ?2 AND client_id = ?3";
    ADD = "INSERT INTO upload (uploader_kind, uploader, client_id, file, name, size, sha256, received, active_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8)";
    UNFINISHED = "SELECT count(*), coalesce(sum(size), 0) FROM upload
        WHERE uploader_kind = ?1 AND uploader = ?2 AND attachment IS NULL";
    RECEIVED = "UPDATE upload SET received = ?4, active_at = ?5 WHERE uploader_kind = ?1 AND uploader = ?2 AND client_id = ?3";
    FINISHED = "UPDATE upload SET attachment = ?4, active_at = ?5 WHERE uploader_kind = ?1 AND uploader = ?2 AND client_id = ?3";
    DROP = "DELETE FROM upload WHERE uploader_kind = ?1 AND uploader = ?2 AND client_id = ?3";
    QUIET_SINCE = "SELECT uploader_kind, uploader, client_id, file, attachment IS NOT NULL FROM upload INDEXED BY upload_active
        WHERE active_at < ?1 ORDER BY active_at LIMIT 1000";
    OF_VISITORS = "SELECT file FROM upload WHERE uploader_kind = 2 AND uploader IN (SELECT value FROM json_each(?1))";
    IS_KNOWN = "SELECT client_id FROM upload WHERE file = ?1";
}

/// Which upload: whose, and by what name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) uploader: (i64, i64),
    pub(crate) client_id: ClientId,
}

/// An upload as stored.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// Random name, in the waiting place and later among the files that have arrived.
    pub(crate) file: String,
    /// The sender's name for it.
    pub(crate) name: String,
    /// Bytes of the whole file, as said.
    pub(crate) size: i64,
    /// Of the whole file, as said.
    pub(crate) sha256: Option<[u8; 32]>,
    /// Bytes durably on the disk.
    pub(crate) received: i64,
    /// What became of it.
    pub(crate) attachment: Option<AttachmentId>,
}

fn stored(row: &Row<'_>) -> database::Result<Stored> {
    Ok(Stored {
        file: row.get(0)?,
        name: row.get(1)?,
        size: row.get(2)?,
        sha256: row.get(3)?,
        received: row.get(4)?,
        attachment: row.get::<Option<i64>>(5)?.map(AttachmentId),
    })
}

pub(crate) fn find(connection: &Connection, key: &Key) -> database::Result<Option<Stored>> {
    let Key { uploader: (kind, uploader), client_id } = key;
    connection.find(FIND, params![kind, uploader, client_id.as_str()], stored)
}

pub(crate) fn add(connection: &Connection, key: &Key, upload: &Stored, now: Timestamp) -> database::Result<()> {
    let Key { uploader: (kind, uploader), client_id } = key;
    let Stored { file, name, size, sha256, .. } = upload;
    connection.change(ADD, params![kind, uploader, client_id.as_str(), file, name, size, sha256, now])?;
    Ok(())
}

/// How many uploads of somebody are not finished, and how many bytes they were said to have.
pub(crate) fn unfinished(connection: &Connection, uploader: (i64, i64)) -> database::Result<(i64, i64)> {
    connection.one(UNFINISHED, params![uploader.0, uploader.1], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Notes how much is durably on the disk. False when the upload is gone.
pub(crate) fn received(connection: &Connection, key: &Key, offset: i64, now: Timestamp) -> database::Result<bool> {
    let Key { uploader: (kind, uploader), client_id } = key;
    let changed = connection.change(RECEIVED, params![kind, uploader, client_id.as_str(), offset, now])?;
    Ok(changed == 1)
}

/// Notes what became of it. False when the upload is gone.
pub(crate) fn finished(
    connection: &Connection,
    key: &Key,
    attachment: AttachmentId,
    now: Timestamp,
) -> database::Result<bool> {
    let Key { uploader: (kind, uploader), client_id } = key;
    let changed = connection.change(FINISHED, params![kind, uploader, client_id.as_str(), attachment.0, now])?;
    Ok(changed == 1)
}

/// Forgets an upload. What became of it stays.
pub(crate) fn drop(connection: &Connection, key: &Key) -> database::Result<()> {
    let Key { uploader: (kind, uploader), client_id } = key;
    connection.change(DROP, params![kind, uploader, client_id.as_str()])?;
    Ok(())
}

/// An upload that nobody has touched for long.
pub(crate) struct Quiet {
    pub(crate) key: Key,
    pub(crate) file: String,
    pub(crate) is_finished: bool,
}

/// Up to a thousand uploads that nobody has touched since a time.
pub(crate) fn quiet_since(connection: &Connection, since: Timestamp) -> database::Result<Vec<Quiet>> {
    connection.all(QUIET_SINCE, params![since], |row| {
        let client_id: String = row.get(2)?;
        // Only names that were read as such are ever stored.
        let client_id = ClientId::parse(&client_id)
            .ok_or(database::Error::Unreadable { column: 2, found: "no name of a command" })?;
        let key = Key { uploader: (row.get(0)?, row.get(1)?), client_id };
        Ok(Quiet { key, file: row.get(3)?, is_finished: row.get(4)? })
    })
}

/// The files of all uploads of visitors, whose ids are given as JSON.
pub(crate) fn of_visitors(connection: &Connection, visitors: &str) -> database::Result<Vec<String>> {
    connection.all(OF_VISITORS, params![visitors], |row| row.get(0))
}

/// Whether a file in the waiting place belongs to an upload.
pub(crate) fn is_known(connection: &Connection, file: &str) -> database::Result<bool> {
    connection.has(IS_KNOWN, params![file])
}
