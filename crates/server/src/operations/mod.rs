//! What whoever runs a desk does with it beside serving it. `docs/deploy.md` tells when.

mod backup;
mod control;
mod disk;
mod doctor;
mod lock;
mod person;
mod restore;

use std::path::{Path, PathBuf};

pub use backup::{BackedUp, back_up};
pub(crate) use control::serve as serve_control;
pub use control::{Answer, Request, ask};
pub(crate) use disk::{FREE_BYTES_LEAST, free_bytes};
pub use doctor::{Diagnosis, Finding, examine};
pub(crate) use lock::Lock;
pub use person::{Export, Format, export};
pub(crate) use person::{empty_log, erase, known};
pub use restore::{Restored, restore};

use crate::file_store::{FILES, FileStore};
use crate::store::OpenError;
pub use crate::store::people::{Erased, Known, KnownConversation, KnownVersion, KnownVisitor, Person};

/// The database in a data directory.
pub(crate) const DATABASE: &str = "desk.db";

/// Why an operation came to nothing. Nothing was changed, unless the words say otherwise.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// There is no desk in the directory.
    #[error("there is no desk in {0}; make one with: deskbell-server init --data {0} --name NAME")]
    NoDesk(String),
    /// Another process has the desk.
    #[error("another process serves or changes the desk in {0}; stop it first")]
    InUse(String),
    /// Nothing is ever overwritten.
    #[error("{0} exists; name a file that does not exist yet")]
    Exists(String),
    /// A restore would have replaced a desk.
    #[error(
        "there is a desk in {0}; restore into an empty directory, or add --force, which sets this desk aside first"
    )]
    DeskExists(String),
    /// The file is something else, or damaged.
    #[error("{file} is no whole backup: {detail}; use another one")]
    NotABackup {
        /// Which file.
        file: String,
        /// What is wrong with it.
        detail: String,
    },
    /// Files went away while they were copied, again and again.
    #[error("files of the desk went away while they were copied; try again")]
    Restless,
    /// The desk says no.
    #[error("{0}")]
    Refused(String),
    /// A server has the desk and does not answer on this computer.
    #[error(
        "a server has the desk in {0} and does not answer; is it another user's, or just ending? Try again, or stop it first"
    )]
    Silent(String),
    /// The database could not be opened or read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Files could not be read or written where they lie.
    #[error("{file}: {source}")]
    Files {
        /// Which file, or where they all lie.
        file: String,
        /// What the disk or the bucket said.
        source: object_store::Error,
    },
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// What was read or written.
        path: String,
        /// The system's words.
        source: std::io::Error,
    },
}

impl OperationError {
    fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::Io { path, source }
    }

    fn files(store: &FileStore, file: &str) -> impl FnOnce(object_store::Error) -> Self {
        let file = store.name(file);
        move |source| Self::Files { file, source }
    }
}

/// Where the files of a data directory lie.
fn file_store(data: &Path) -> Result<FileStore, OperationError> {
    FileStore::open(data).map_err(OperationError::io(data))
}

/// The database of a directory that has a desk.
fn database(data: &Path) -> Result<PathBuf, OperationError> {
    let path = data.join(DATABASE);
    if path.try_exists().map_err(OperationError::io(&path))? {
        Ok(path)
    } else {
        Err(OperationError::NoDesk(data.display().to_string()))
    }
}

/// Makes a file and its name survive a power cut.
fn flush(path: &Path) -> Result<(), OperationError> {
    let flushed = std::fs::OpenOptions::new().write(true).open(path).and_then(|file| file.sync_all());
    flushed.map_err(OperationError::io(path))?;
    path.parent().map_or(Ok(()), flush_directory)
}

/// Makes the names in a directory survive a power cut, where the system lets directories be opened.
fn flush_directory(path: &Path) -> Result<(), OperationError> {
    if cfg!(unix) {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        std::fs::File::open(path).and_then(|directory| directory.sync_all()).map_err(OperationError::io(path))?;
    }
    Ok(())
}

/// Lets nobody else of this computer read a file.
fn make_private(path: &Path) -> Result<(), OperationError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let permissions = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(path, permissions).map_err(OperationError::io(path))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
