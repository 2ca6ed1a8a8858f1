//! What can go wrong with a database.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// A database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A newer app wrote it; it was not touched.
    #[error("{path} was written by a newer app (version {found}, this app knows {known})")]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest this app knows.
        known: i64,
    },
    /// It cannot be read; it was not touched.
    #[error("{path} is damaged: {reason}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// It does not open with this key; it was not touched.
    #[error("{path} does not open with the key of this computer: {reason}")]
    Undecryptable {
        /// Which file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// The disk is full.
    #[error("the disk is full")]
    DiskFull,
    /// The file or its directory cannot be reached.
    #[error("the database cannot be reached: {0}")]
    Io(#[from] std::io::Error),
}

/// A query or a change failed; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The disk is full.
    #[error("the disk is full")]
    DiskFull,
    /// The file is damaged.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// A fault of the app.
    #[error("the database refused: {0}")]
    Internal(String),
}

impl From<rusqlite::Error> for CacheError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}

impl From<serde_json::Error> for CacheError {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(error.to_string())
    }
}
