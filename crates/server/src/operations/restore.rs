//! Makes a desk of a backup.

use std::path::{Path, PathBuf};

use super::backup::read;
use super::{DATABASE, FILES, Lock, OperationError, flush, flush_directory, make_private};
use crate::files;
use crate::store::backup::{Copy, become_a_desk};
use crate::store::people::Person;

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Files of messages.
    pub files: u64,
    /// Where the desk is now that was there before.
    pub aside: Option<PathBuf>,
}

/// What SQLite keeps beside a database.
const BESIDE: [&str; 2] = ["desk.db-wal", "desk.db-shm"];

/// Makes the desk of `data` what it was when `backup` was made. Its log becomes another one, so that clients take a
/// new snapshot and offer the messages of the last week again. With `force` a desk that is there is set aside first,
/// in a directory of its own below `data`. Blocks on the disk.
///
/// # Errors
/// [`OperationError`]. The desk that was there stays as it was, unless the error says that it could not be moved.
pub fn restore(backup: &Path, data: &Path, force: bool) -> Result<Restored, OperationError> {
    std::fs::create_dir_all(data).map_err(OperationError::io(data))?;
    let _lock = Lock::take(data)?;
    let database = data.join(DATABASE);
    let exists = database.try_exists().map_err(OperationError::io(&database))?;
    if exists && !force {
        return Err(OperationError::DeskExists(data.display().to_string()));
    }
    let new = data.join("restoring");
    if new.try_exists().map_err(OperationError::io(&new))? {
        std::fs::remove_dir_all(&new).map_err(OperationError::io(&new))?;
    }
    let erased = if exists { erased(&database) } else { Vec::new() };
    let built = build(backup, &new, erased);
    if built.is_err() {
        // What is left is removed by the next try; the reason of this failure matters more.
        let _ = std::fs::remove_dir_all(&new);
    }
    let files = built?;
    let aside = if exists { Some(set_aside(data)?) } else { None };
    move_to(&new.join(FILES), &data.join(FILES))?;
    // Last, for a directory has a desk when it has a database.
    move_to(&new.join(DATABASE), &database)?;
    std::fs::remove_dir_all(&new).map_err(OperationError::io(&new))?;
    flush_directory(data)?;
    Ok(Restored { files, aside })
}

/// Whom the desk that is there has erased. Of one that cannot be read nothing is known.
fn erased(database: &Path) -> Vec<Person> {
    Copy::read_only(database).and_then(|desk| desk.erased()).unwrap_or_else(|error| {
        tracing::warn!(%error, "the desk that was there does not say who was erased from it");
        Vec::new()
    })
}

fn move_to(from: &Path, to: &Path) -> Result<(), OperationError> {
    std::fs::rename(from, to).map_err(OperationError::io(from))
}

/// The desk in a directory of its own, and the number of its files.
fn build(backup: &Path, new: &Path, erased: Vec<Person>) -> Result<u64, OperationError> {
    let directory = new.join(FILES);
    std::fs::create_dir_all(&directory).map_err(OperationError::io(&directory))?;
    let mut files: u64 = 0;
    read(backup, |name, bytes| {
        let path = files::path_in(&directory, name);
        let parent = path.parent().unwrap_or(&directory);
        std::fs::create_dir_all(parent).map_err(OperationError::io(parent))?;
        std::fs::write(&path, bytes).map_err(OperationError::io(&path))?;
        flush(&path)?;
        files += 1;
        Ok(())
    })?;
    let database = new.join(DATABASE);
    std::fs::copy(backup, &database).map_err(OperationError::io(&database))?;
    make_private(&database)?;
    for file in become_a_desk(&database, erased, crate::clock())? {
        let path = files::path_in(&directory, &file);
        std::fs::remove_file(&path).map_err(OperationError::io(&path))?;
        files = files.saturating_sub(1);
    }
    flush(&database)?;
    Ok(files)
}

fn set_aside(data: &Path) -> Result<PathBuf, OperationError> {
    let aside = data.join(format!("before-restore-{}", crate::clock()));
    std::fs::create_dir(&aside).map_err(OperationError::io(&aside))?;
    // Without a log beside it the database is whole wherever it is. A damaged one goes as it is.
    if let Err(error) = crate::store::backup::finish(&data.join(DATABASE)) {
        tracing::warn!(%error, "the desk that is set aside could not be closed");
    }
    for name in BESIDE.into_iter().chain([DATABASE, FILES]) {
        let from = data.join(name);
        if from.try_exists().map_err(OperationError::io(&from))? {
            move_to(&from, &aside.join(name))?;
        }
    }
    flush_directory(data)?;
    Ok(aside)
}
