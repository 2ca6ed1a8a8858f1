//! Pictures that were fetched once, so that they show without a connection.

use deskbell_protocol::AttachmentId;
use rusqlite::{OptionalExtension as _, params};

use crate::Cache;
use crate::error::CacheError;
use crate::queries::queries;

queries! {
    FIND = "SELECT bytes FROM picture WHERE attachment = ?1";
    PUT = "INSERT OR REPLACE INTO picture (attachment, bytes) VALUES (?1, ?2)";
}

impl Cache {
    /// A picture that was kept.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn picture(&self, id: AttachmentId) -> Result<Option<Vec<u8>>, CacheError> {
        self.cache()
            .read(|connection| Ok(connection.prepare_cached(FIND)?.query_row([id.0], |row| row.get(0)).optional()?))
    }

    /// Keeps a picture.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn keep_picture(&self, id: AttachmentId, bytes: &[u8]) -> Result<(), CacheError> {
        self.cache().write(|transaction| {
            transaction.prepare_cached(PUT)?.execute(params![id.0, bytes])?;
            Ok(())
        })
    }
}
