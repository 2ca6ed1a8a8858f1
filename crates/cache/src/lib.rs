//! The agent's SQLite: the cache of everything synced, and the outbox.
//!
//! Two databases in one directory. `cache.db` can be had from the server again; `outbox.db` exists nowhere else
//! and is therefore flushed to the disk at every commit, and never renamed or rebuilt. `docs/schema.sql` shows both.
//!
//! All functions block; call them from a thread that may.

mod apply;
mod database;
mod error;
mod outbox;
mod queries;
mod read;
mod search;
mod testing;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use apply::Changed;
pub use error::{CacheError, OpenError};
pub use outbox::{DraftRecord, Guard, OutboxCounts, OutboxItem, OutboxState, TakenBack};
pub use read::{ConversationRecord, CountsRecord, Folder, MessagePage, PreviewRecord, VisitorRecord};
pub use search::SearchRecord;

use database::Database;

/// The two databases. Cheap to clone.
#[derive(Clone)]
pub struct Cache {
    inner: Arc<Inner>,
}

struct Inner {
    directory: PathBuf,
    cache: Database,
    outbox: Database,
}

impl Cache {
    /// Opens the databases of a directory, and makes them when they are not there.
    ///
    /// # Errors
    /// [`OpenError::Newer`] when a newer app wrote one of them: nothing is touched. A damaged cache is set aside
    /// and made anew; a damaged outbox is [`OpenError::Damaged`].
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        std::fs::create_dir_all(directory)?;
        database::keep_to_oneself(directory);
        let outbox = Database::open(&directory.join("outbox.db"), database::OUTBOX)?;
        let path = directory.join("cache.db");
        let cache = match Database::open(&path, database::CACHE) {
            Err(OpenError::Damaged { .. }) => {
                database::set_aside(&path)?;
                Database::open(&path, database::CACHE)?
            }
            other => other?,
        };
        Ok(Self { inner: Arc::new(Inner { directory: directory.to_owned(), cache, outbox }) })
    }

    /// Where the databases are.
    pub fn directory(&self) -> &Path {
        &self.inner.directory
    }

    pub(crate) fn cache(&self) -> &Database {
        &self.inner.cache
    }

    pub(crate) fn outbox_database(&self) -> &Database {
        &self.inner.outbox
    }
}
