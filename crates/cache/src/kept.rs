//! Files of messages that were fetched, so that they are shown and saved without a connection.

use deskbell_protocol::{AttachmentId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use crate::Cache;
use crate::error::CacheError;
use crate::queries::queries;

/// A file that is used again within this time is not noted again: showing a picture should not write, in milliseconds.
const NOTED_EVERY_MS: i64 = 60 * 60 * 1000;
/// Bytes that one transaction removes at the most, but for its last file: other changes wait no longer than for that.
const REMOVED_AT_ONCE: i64 = 16 * 1024 * 1024;

queries! {
    HAS = "SELECT EXISTS (SELECT 1 FROM kept WHERE attachment = ?1)";
    FIND = "SELECT kept.used_at, kept_bytes.bytes FROM kept JOIN kept_bytes ON kept_bytes.attachment = kept.attachment
        WHERE kept.attachment = ?1";
    NOTE_USE = "UPDATE kept SET used_at = ?2 WHERE attachment = ?1";
    PUT = "INSERT OR REPLACE INTO kept (attachment, size, used_at) SELECT id, ?2, ?3 FROM attachment WHERE id = ?1";
    PUT_BYTES = "INSERT OR REPLACE INTO kept_bytes (attachment, bytes) VALUES (?1, ?2)";
    SIZE_OF_ALL = "SELECT coalesce(sum(size), 0) FROM kept";
    LONGEST_UNUSED = "SELECT attachment, size, used_at FROM kept WHERE used_at = (SELECT min(used_at) FROM kept) LIMIT 1";
    REMOVE = "DELETE FROM kept WHERE attachment = ?1";
    REMOVE_BYTES = "DELETE FROM kept_bytes WHERE attachment = ?1";
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepLimits {
    /// Bytes of all files together. 0: none is kept.
    pub bytes: i64,
    /// A file that was not used for longer goes, in milliseconds.
    pub unused_ms: i64,
}

impl Cache {
    /// Whether a file is kept.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn has_file(&self, id: AttachmentId) -> Result<bool, CacheError> {
        self.cache().read(|connection| Ok(connection.prepare_cached(HAS)?.query_row([id.0], |row| row.get(0))?))
    }

    /// A file that was kept. It is used now, and stays for longer than others.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn use_file(&self, id: AttachmentId, now: Timestamp) -> Result<Option<Vec<u8>>, CacheError> {
        let found: Option<(Timestamp, Vec<u8>)> = self.cache().read(|connection| {
            let mut statement = connection.prepare_cached(FIND)?;
            Ok(statement.query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
        })?;
        let Some((used_at, bytes)) = found else { return Ok(None) };
        // A clock that was set back says the truth, too.
        if now.abs_diff(used_at) >= NOTED_EVERY_MS.unsigned_abs() {
            self.cache().write(|transaction| {
                transaction.prepare_cached(NOTE_USE)?.execute([id.0, now])?;
                Ok(())
            })?;
        }
        Ok(Some(bytes))
    }

    /// Keeps a file of a message, and makes room for it. False when there can be no room, or when the message was
    /// removed while its file was on the way: what is erased does not come back.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn keep_file(
        &self,
        id: AttachmentId,
        bytes: &[u8],
        now: Timestamp,
        limits: KeepLimits,
    ) -> Result<bool, CacheError> {
        let size = i64::try_from(bytes.len()).map_err(|error| CacheError::Internal(error.to_string()))?;
        if size > limits.bytes {
            return Ok(false);
        }
        let kept = self.cache().write(|transaction| {
            if transaction.prepare_cached(PUT)?.execute([id.0, size, now])? == 0 {
                return Ok(false);
            }
            transaction.prepare_cached(PUT_BYTES)?.execute(params![id.0, bytes])?;
            Ok(true)
        })?;
        if kept {
            self.trim_files(now, limits)?;
        }
        Ok(kept)
    }

    /// Removes the files that are over the limits, those first that were not used for longest.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn trim_files(&self, now: Timestamp, limits: KeepLimits) -> Result<(), CacheError> {
        while self.cache().write(|transaction| trim_some(transaction, now, limits))? {}
        Ok(())
    }
}

/// Bytes of all files.
pub(crate) fn size_of_files(connection: &Connection) -> Result<i64, CacheError> {
    Ok(connection.prepare_cached(SIZE_OF_ALL)?.query_row([], |row| row.get(0))?)
}

/// Removes some files. True when there may be more of them.
fn trim_some(transaction: &Transaction<'_>, now: Timestamp, limits: KeepLimits) -> Result<bool, CacheError> {
    let mut total = size_of_files(transaction)?;
    let mut removed = 0;
    let mut longest_unused = transaction.prepare_cached(LONGEST_UNUSED)?;
    while removed < REMOVED_AT_ONCE {
        let found: Option<(i64, i64, Timestamp)> =
            longest_unused.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
        let Some((id, size, used_at)) = found else { return Ok(false) };
        if total <= limits.bytes && used_at >= now.saturating_sub(limits.unused_ms) {
            return Ok(false);
        }
        transaction.prepare_cached(REMOVE)?.execute([id])?;
        transaction.prepare_cached(REMOVE_BYTES)?.execute([id])?;
        total -= size;
        removed += size;
    }
    Ok(true)
}
