//! Handles for tests.

use deskbell_protocol::{Conversation, EntityKind, Seq};

use crate::Cache;
use crate::error::CacheError;

/// Kind, id, place of the last change, and data of a row.
type RowForTest = (EntityKind, i64, Seq, serde_json::Value);

impl Cache {
    /// Lets the outbox grow by so many pages only, as if the disk were full then.
    #[doc(hidden)]
    pub fn limit_for_test(&self, pages: i64) {
        let limited = self.outbox_database().with_writer(|writer| {
            let used: i64 = writer.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            writer.pragma_update(None, "max_page_count", used + pages)
        });
        if let Err(error) = limited {
            tracing::error!(%error, "the limit could not be set");
        }
    }

    /// A number of a conversation that counts as here and is not.
    ///
    /// # Errors
    /// [`CacheError`].
    #[doc(hidden)]
    pub fn hole_for_test(&self) -> Result<Option<(i64, i64)>, CacheError> {
        self.cache().read(|connection| {
            let mut statement = connection.prepare(
                "SELECT conversation, first, last FROM coverage WHERE last - first + 1 <>
                 (SELECT count(*) FROM message WHERE message.conversation = coverage.conversation
                  AND number BETWEEN first AND last)",
            )?;
            let mut rows = statement.query([])?;
            rows.next()?.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
        })
    }

    /// The conversations as the desk has said them, with the places of their last changes.
    ///
    /// # Errors
    /// [`CacheError`].
    #[doc(hidden)]
    pub fn conversations_for_test(&self) -> Result<Vec<(Conversation, Seq)>, CacheError> {
        self.cache().read(|connection| {
            let mut statement = connection.prepare("SELECT data, rev FROM conversation ORDER BY id")?;
            let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, Seq(row.get(1)?))))?;
            rows.map(|row| {
                row.map_err(CacheError::from).and_then(|(data, rev)| Ok((serde_json::from_str(&data)?, rev)))
            })
            .collect()
        })
    }

    /// Every row that came from the desk.
    ///
    /// # Errors
    /// [`CacheError`].
    #[doc(hidden)]
    pub fn rows_for_test(&self) -> Result<Vec<RowForTest>, CacheError> {
        self.cache().read(|connection| {
            let mut statement = connection.prepare(
                "SELECT kind, id, rev, data FROM entity
                 UNION ALL SELECT 'conversation', id, rev, data FROM conversation
                 UNION ALL SELECT 'message', id, rev, data FROM message",
            )?;
            let rows: Vec<(String, i64, i64, String)> = statement
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
                .collect::<Result<_, _>>()?;
            rows.into_iter()
                .map(|(kind, id, rev, data)| {
                    let kind = serde_json::from_value(serde_json::Value::String(kind))?;
                    Ok((kind, id, Seq(rev), serde_json::from_str(&data)?))
                })
                .collect()
        })
    }
}
