//! Databases of earlier versions of the app: the first did not encrypt them, later ones gave pages other check sums.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::database::{self, Plan, Seal, explain};
use crate::error::OpenError;
use crate::key::Key;

/// What every file begins with that is not encrypted.
const HEADER: &[u8; 16] = b"SQLite format 3\0";

/// Whether a file can be read by anybody.
pub(crate) fn is_plaintext(path: &Path) -> std::io::Result<bool> {
    let mut begin = Vec::with_capacity(HEADER.len());
    match File::open(path) {
        Ok(file) => file.take(HEADER.len() as u64).read_to_end(&mut begin)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    Ok(begin == HEADER)
}

/// Copies a file into one that this version would have made. At every moment either the old file or the new one is
/// whole and has the name. Without `seal` the old one is in clear text.
pub(crate) fn renew(path: &Path, plan: Plan, key: &Key, seal: Option<Seal>) -> Result<(), OpenError> {
    renew_and_tell(path, plan, key, seal, &mut || {})
}

/// Calls `reached` wherever a power cut would leave something else behind.
fn renew_and_tell(
    path: &Path,
    plan: Plan,
    key: &Key,
    seal: Option<Seal>,
    reached: &mut dyn FnMut(),
) -> Result<(), OpenError> {
    let explain = |error: rusqlite::Error| explain(path, &error);
    let fresh = with_ending(path, ".encrypting");
    for ending in ["", "-wal", "-shm", "-journal"] {
        // A copy that was not finished. The original still has its name.
        match std::fs::remove_file(with_ending(&fresh, ending)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    let old = Connection::open(path).map_err(explain)?;
    database::unlock(&old, seal.map(|seal| (key, seal))).map_err(explain)?;
    let version = database::version(&old, path, plan)?;
    // The log goes into the file, because a log in clear text beside an encrypted file would be taken for its own.
    let busy: i64 = old.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(explain)?;
    if busy != 0 {
        return Err(OpenError::Io(std::io::Error::other("another program has the database open")));
    }
    reached();
    let name = fresh.to_str().ok_or_else(|| std::io::Error::other("the directory's name is not Unicode"))?;
    let attach = zeroize::Zeroizing::new(format!("ATTACH DATABASE ?1 AS encrypted KEY {}", *key.literal()));
    old.execute(&attach, [name]).map_err(explain)?;
    old.execute_batch(&format!("PRAGMA encrypted.{}", Seal::Now.pragma())).map_err(explain)?;
    plan.choose_room(&old, Some("encrypted")).map_err(explain)?;
    old.query_row("SELECT sqlcipher_export('encrypted')", [], |_| Ok(())).map_err(explain)?;
    reached();
    old.pragma_update(Some("encrypted"), "user_version", version).map_err(explain)?;
    old.execute_batch("DETACH DATABASE encrypted").map_err(explain)?;
    reached();
    old.close().map_err(|(_, error)| explain(error))?;
    let wal = with_ending(path, "-wal");
    if std::fs::metadata(&wal).is_ok_and(|wal| wal.len() > 0) {
        return Err(OpenError::Io(std::io::Error::other("another program has the database open")));
    }
    reached();
    database::check(&fresh, key)?;
    File::open(&fresh)?.sync_all()?;
    reached();
    std::fs::rename(&fresh, path)?;
    sync_directory(path)?;
    reached();
    Ok(())
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Makes a new name last through a power cut. Elsewhere than on Unix a directory cannot be flushed.
fn sync_directory(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    if let Some(directory) = path.parent() {
        File::open(directory)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(test)]
mod tests;
