//! Makes a desk of a backup.

use std::path::{Path, PathBuf};

use super::backup::read;
use super::{DATABASE, FILES, Lock, OperationError, flush, flush_directory, make_private};
use crate::file_store::FileStore;
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
/// in a directory of its own below `data`; files in a bucket stay there. Blocks on the disk.
///
/// # Errors
/// [`OperationError`]. The desk that was there stays as it was, unless the error says that it could not be moved.
pub async fn restore(backup: &Path, data: &Path, force: bool) -> Result<Restored, OperationError> {
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
    let built = build(backup, data, &new, erased).await;
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

/// The desk in a directory of its own, with its files there or in the bucket, and the number of its files.
async fn build(backup: &Path, data: &Path, new: &Path, erased: Vec<Person>) -> Result<u64, OperationError> {
    let own = FileStore::in_directory(new).map_err(OperationError::io(new))?;
    let store = FileStore::in_bucket(data).map_err(OperationError::io(data))?.unwrap_or(own);
    let mut files: u64 = 0;
    read(backup, async |name, bytes| {
        store.put(&name, bytes).await.map_err(OperationError::files(&store, &name))?;
        files += 1;
        Ok(())
    })
    .await?;
    let database = new.join(DATABASE);
    std::fs::copy(backup, &database).map_err(OperationError::io(&database))?;
    make_private(&database)?;
    for file in become_a_desk(&database, erased, crate::clock())? {
        store.remove(&file).await.map_err(OperationError::files(&store, &file))?;
        files = files.saturating_sub(1);
    }
    flush(&database)?;
    Ok(files)
}

fn set_aside(data: &Path) -> Result<PathBuf, OperationError> {
    let aside = data.join(format!("before-restore-{}", crate::clock()));
    std::fs::create_dir(&aside).map_err(OperationError::io(&aside))?;
    // Without a log beside it the database is whole wherever it is. A damaged one goes as it is.
    match crate::store::backup::finish(&data.join(DATABASE)) {
        Ok(true) => {}
        outcome => tracing::warn!(?outcome, "the desk that is set aside could not be closed"),
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
