//! The agent's SQLite: the cache of everything synced, and the outbox.
//!
//! Two databases in one directory. `cache.db` can be had from the server again; `outbox.db` exists nowhere else
//! and is therefore flushed to the disk at every commit, and never rebuilt. `docs/schema.sql` shows both. Both are
//! encrypted with one key, their logs as well.
//!
//! All functions block; call them from a thread that may.

mod apply;
mod canned_texts;
mod coverage;
mod database;
mod error;
mod files;
mod former;
mod items;
mod kept;
mod key;
mod outbox;
mod people;
mod queries;
mod read;
mod retention;
mod search;
#[cfg(feature = "simulation")]
pub mod simulation;
mod testing;
mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use apply::Changed;
pub use deskbell_search::BadLabel;
pub use error::{CacheError, OpenError};
pub use files::{FileRecord, PIECE_BYTES};
pub use kept::KeepLimits;
pub use key::Key;
pub use outbox::{DraftRecord, Guard, OutboxCounts, OutboxItem, OutboxState, TakenBack, show_on};
pub use people::Answering;
pub use read::{ConversationRecord, CountsRecord, Folder, MessagePage, PreviewRecord, VisitorRecord, visitor_number};
pub use retention::{MadeRoom, MessageLimits};
pub use search::{Found, SearchRecord};

use database::Database;

/// Exists nowhere else.
const OUTBOX: &str = "outbox.db";
/// Can be had from the server again.
const CACHE: &str = "cache.db";

/// What a directory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// No database.
    Nothing,
    /// Databases of an earlier version, which anybody can read.
    Plaintext,
    /// At least one that takes a key.
    Encrypted,
}

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
    /// Opens the databases of a directory, and makes them when they are not there. Those of an earlier version,
    /// in clear text, are encrypted once.
    ///
    /// # Errors
    /// [`OpenError::Newer`] when a newer app wrote one of them, and [`OpenError::Undecryptable`] when the key does
    /// not fit: nothing is touched. A cache is set aside and made anew when it is damaged, which is known of it only
    /// when the key fits the outbox; a damaged outbox is [`OpenError::Damaged`].
    pub fn open(directory: &Path, key: &Key) -> Result<Self, OpenError> {
        std::fs::create_dir_all(directory)?;
        database::keep_to_oneself(directory);
        let (outbox, cache) = (directory.join(OUTBOX), directory.join(CACHE));
        let outbox_known = database::holds_something(&outbox);
        let cache_encrypted = database::holds_something(&cache) && !former::is_plaintext(&cache)?;
        if !outbox_known
            && cache_encrypted
            && let Some(refusal) = database::refusal(&cache, key)
        {
            // No outbox may be made with a key that is not theirs.
            return Err(refusal);
        }
        let outbox = match Database::open(&outbox, database::OUTBOX, key) {
            Err(OpenError::Undecryptable { path, reason })
                if cache_encrypted && database::refusal(&cache, key).is_none() =>
            {
                return Err(OpenError::Damaged { path, reason });
            }
            other => other?,
        };
        let cache = match Database::open(&cache, database::CACHE, key) {
            Err(OpenError::Damaged { .. } | OpenError::Undecryptable { .. }) => {
                database::set_aside(&cache)?;
                Database::open(&cache, database::CACHE, key)?
            }
            other => other?,
        };
        Ok(Self { inner: Arc::new(Inner { directory: directory.to_owned(), cache, outbox }) })
    }

    /// Opens the databases of a name in memory, and makes them when they are not there. They are gone when the last
    /// one that opened them is. Simulations have thousands of disks.
    ///
    /// # Errors
    /// [`OpenError`].
    #[cfg(feature = "simulation")]
    pub fn in_memory(name: &str) -> Result<Self, OpenError> {
        let outbox = Database::in_memory(name, OUTBOX, database::OUTBOX)?;
        let cache = Database::in_memory(name, CACHE, database::CACHE)?;
        Ok(Self { inner: Arc::new(Inner { directory: PathBuf::from(name), cache, outbox }) })
    }

    /// What a directory holds.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn found(directory: &Path) -> std::io::Result<Contents> {
        let paths = [directory.join(OUTBOX), directory.join(CACHE)];
        let mut found = Contents::Nothing;
        for path in paths.iter().filter(|path| database::holds_something(path)) {
            if !former::is_plaintext(path)? {
                return Ok(Contents::Encrypted);
            }
            found = Contents::Plaintext;
        }
        Ok(found)
    }

    /// Renames the databases of a directory, so that new ones can be made with another key. Nothing is deleted.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_aside(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
        let mut renamed = database::set_aside(&directory.join(OUTBOX))?;
        renamed.extend(database::set_aside(&directory.join(CACHE))?);
        Ok(renamed)
    }

    /// Removes what can be had from the desk again, also what was set aside of it, and keeps the outbox. Nobody may
    /// have the databases open.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn remove(directory: &Path) -> std::io::Result<()> {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(CACHE) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Whether somebody else has these databases open in this program.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.inner) > 1
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
