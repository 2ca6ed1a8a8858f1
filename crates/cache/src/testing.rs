//! Handles for this crate's own tests.

use crate::Cache;
use crate::error::CacheError;
use crate::read::{CLOSED, HEAD, MINE, OPEN, WAITING};

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

    /// The plans of all queries that lists are made of.
    ///
    /// # Errors
    /// When a query cannot be prepared.
    #[doc(hidden)]
    pub fn plans_for_test(&self) -> Result<Vec<(String, String)>, CacheError> {
        let mut queries: Vec<String> = [OPEN, CLOSED, WAITING, MINE]
            .iter()
            .map(|which| format!("SELECT {HEAD} FROM conversation {which}"))
            .collect();
        queries.extend(
            [
                "SELECT count(*) FROM conversation WHERE state = 'open'",
                "SELECT count(*) FROM conversation WHERE state = 'open' AND waiting_since IS NOT NULL",
                "SELECT count(*) FROM conversation WHERE state = 'open' AND assignee = 1",
                "SELECT count(*) FROM conversation WHERE state = 'open' AND unread > 0",
                "SELECT min(waiting_since) FROM conversation WHERE state = 'open' AND waiting_since IS NOT NULL",
                "SELECT data FROM conversation WHERE contact = 1 ORDER BY created_at DESC LIMIT 5",
                "SELECT id, state FROM conversation WHERE visitor = 1 ORDER BY created_at DESC LIMIT 20",
                "SELECT data FROM message WHERE conversation = 1 AND number BETWEEN 1 AND 9 ORDER BY number DESC LIMIT 50",
                "SELECT data FROM message WHERE conversation = 1 AND words <> '' ORDER BY number DESC LIMIT 1",
                "SELECT count(*) FROM message WHERE conversation = 1 AND by_visitor = 1 AND number > 3",
                "SELECT first, last FROM coverage WHERE conversation = 1 AND first <= 9 ORDER BY first DESC LIMIT 1",
                "SELECT data FROM entity WHERE kind = 'canned_text' ORDER BY id",
            ]
            .map(str::to_owned),
        );
        self.cache().read(|connection| {
            queries
                .into_iter()
                .map(|query| {
                    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {query}"))?;
                    let count = statement.parameter_count();
                    let zeros = vec![0_i64; count];
                    let lines: Vec<String> = statement
                        .query_map(rusqlite::params_from_iter(zeros), |row| row.get(3))?
                        .collect::<Result<_, _>>()?;
                    Ok((query, lines.join("\n")))
                })
                .collect()
        })
    }
}
