//! One database: its one writer, its few readers, and its migrations.

#[cfg(feature = "simulation")]
use std::collections::btree_map::{BTreeMap, Entry};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[cfg(feature = "simulation")]
use rusqlite::backup::Backup;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use zeroize::Zeroizing;

use crate::apply::index_everything;
use crate::error::{CacheError, OpenError};
use crate::former;
use crate::key::Key;

/// Readers kept open between queries.
const IDLE_READERS_MAX: usize = 3;

/// Most pages that a reader keeps, in KiB: what a search of a million messages looks at again and again, so that it is
/// not decrypted again and again. The reader that came back last is taken first, so the others seldom have as many.
const READER_CACHE_KIB: i64 = 64 * 1024;

/// How a database is made.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// `FULL` flushes every commit to the disk; `NORMAL` may lose the last ones to a power cut, never to a crash.
    synchronous: &'static str,
    /// What is removed can be given back to the disk.
    gives_back: bool,
    /// Step n brings version n to n + 1.
    migrations: &'static [Step],
}

/// One step of the way to this app's version, taken whole or not at all.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    sql: &'static str,
    /// What SQL alone cannot do.
    then: Option<Rest>,
}

type Rest = fn(&Connection) -> Result<(), CacheError>;

impl Step {
    const fn sql(sql: &'static str) -> Self {
        Self { sql, then: None }
    }
}

impl Plan {
    /// The version this app brings a file to.
    fn version(self) -> i64 {
        i64::try_from(self.migrations.len()).unwrap_or(i64::MAX)
    }

    /// Says of an empty database, which alone can be told, whether it gives room back.
    pub(crate) fn choose_room(self, connection: &Connection, schema: Option<&str>) -> rusqlite::Result<()> {
        if self.gives_back { connection.pragma_update(schema, "auto_vacuum", "INCREMENTAL") } else { Ok(()) }
    }
}

/// The check sum that shows whether a page of an encrypted file is as it was written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seal {
    /// What SQLCipher takes unasked, and earlier versions of the app took.
    Former,
    /// Processors have instructions for this one, and a page keeps 32 bytes more for itself.
    Now,
}

impl Seal {
    pub(crate) fn pragma(self) -> &'static str {
        match self {
            Self::Former => "cipher_hmac_algorithm = HMAC_SHA512",
            Self::Now => "cipher_hmac_algorithm = HMAC_SHA256",
        }
    }
}

/// The cache can be had from the server again.
pub(crate) const CACHE: Plan = Plan {
    synchronous: "NORMAL",
    gives_back: true,
    migrations: &[
        Step::sql(include_str!("schema_cache.sql")),
        Step::sql(include_str!("schema_cache_picture.sql")),
        Step { sql: include_str!("schema_cache_search.sql"), then: Some(index_everything) },
        Step::sql(include_str!("schema_cache_commands.sql")),
        Step::sql(include_str!("schema_cache_kept.sql")),
        Step::sql(include_str!("schema_cache_retention.sql")),
        Step::sql(include_str!("schema_cache_recent.sql")),
        Step::sql(include_str!("schema_cache_priority.sql")),
        Step::sql(include_str!("schema_cache_participants.sql")),
        Step::sql(include_str!("schema_cache_followers.sql")),
        Step::sql(include_str!("schema_cache_items.sql")),
        Step::sql(include_str!("schema_cache_merge.sql")),
        Step::sql(include_str!("schema_cache_mentioned.sql")),
    ],
};
/// The outbox cannot.
pub(crate) const OUTBOX: Plan = Plan {
    synchronous: "FULL",
    gives_back: false,
    migrations: &[
        Step::sql(include_str!("schema_outbox.sql")),
        Step::sql(include_str!("schema_outbox_sent.sql")),
        Step::sql(include_str!("schema_outbox_guard.sql")),
        Step::sql(include_str!("schema_outbox_files.sql")),
        Step::sql(include_str!("schema_outbox_erased.sql")),
        Step::sql(include_str!("schema_outbox_mentions.sql")),
    ],
};

/// One file.
pub(crate) struct Database {
    path: PathBuf,
    /// `None` in memory, which nobody else can read.
    key: Option<Key>,
    /// They are closed before the writer, which alone can put the log into the file.
    readers: Mutex<Vec<Connection>>,
    writer: Mutex<Connection>,
}

impl Database {
    /// Opens a file and brings it to this app's version.
    pub(crate) fn open(path: &Path, plan: Plan, key: &Key) -> Result<Self, OpenError> {
        if key.encrypts() && former::is_plaintext(path)? {
            former::renew(path, plan, key, None)?;
        }
        match Self::connect(path, plan, Some(key)) {
            Err(OpenError::Undecryptable { .. }) if try_key(path, key, Seal::Former).is_ok() => {
                former::renew(path, plan, key, Some(Seal::Former))?;
                Self::connect(path, plan, Some(key))
            }
            other => other,
        }
    }

    /// Opens a disk's database that lives as long as a connection to it does. A new one is copied from one that the
    /// migrations have made: to compile them for each of thousands takes longer than most of what is done with it.
    #[cfg(feature = "simulation")]
    pub(crate) fn in_memory(disk: &str, kind: &'static str, plan: Plan) -> Result<Self, OpenError> {
        static MADE: Mutex<BTreeMap<&str, Database>> = Mutex::new(BTreeMap::new());
        let path = |disk: &str| PathBuf::from(format!("file:/{disk}-{kind}?vfs=memdb"));
        let (made, path) = (path("made"), path(disk));
        // It is there as long as this connection is.
        let mut connection = Connection::open(&path).map_err(|error| explain(&path, &error))?;
        if version(&connection, &path, plan)? == 0 {
            let mut all = lock(&MADE);
            let made = match all.entry(kind) {
                Entry::Vacant(missing) => missing.insert(Self::connect(&made, plan, None)?),
                Entry::Occupied(made) => made.into_mut(),
            };
            let copied = made.with_writer(|made| Backup::new(made, &mut connection)?.step(-1));
            copied.map_err(|error| explain(&path, &error))?;
        }
        Self::connect(&path, plan, None)
    }

    fn connect(path: &Path, plan: Plan, key: Option<&Key>) -> Result<Self, OpenError> {
        let explain = |error: rusqlite::Error| explain(path, &error);
        let mut writer = Connection::open(path).map_err(explain)?;
        keep_log(&writer).map_err(explain)?;
        unlock(&writer, key.map(|key| (key, Seal::Now))).map_err(|error| misfit(path, &error))?;
        // The version is read before anything is written, so that a newer file stays as it is.
        let found = version(&writer, path, plan)?;
        let known = plan.version();
        writer.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(explain)?;
        if found == 0 {
            plan.choose_room(&writer, None).map_err(explain)?;
        }
        writer.pragma_update(None, "journal_mode", "WAL").map_err(explain)?;
        writer.pragma_update(None, "synchronous", plan.synchronous).map_err(explain)?;
        writer.pragma_update(None, "secure_delete", "ON").map_err(explain)?;
        // 8 MiB of pages, stated in KiB.
        writer.pragma_update(None, "cache_size", -8192).map_err(explain)?;
        keep_statements(&writer).map_err(explain)?;
        for step in found..known {
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(explain)?;
            let Some(migration) = usize::try_from(step).ok().and_then(|step| plan.migrations.get(step)) else { break };
            transaction.execute_batch(migration.sql).map_err(explain)?;
            if let Some(then) = migration.then {
                then(&transaction).map_err(|error| explain_fault(path, error))?;
            }
            transaction.pragma_update(None, "user_version", step + 1).map_err(explain)?;
            transaction.commit().map_err(explain)?;
        }
        Ok(Self {
            path: path.to_owned(),
            key: key.cloned(),
            writer: Mutex::new(writer),
            readers: Mutex::new(Vec::new()),
        })
    }

    /// Runs a change: all of it or nothing.
    pub(crate) fn write<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, CacheError>,
    ) -> Result<T, CacheError> {
        let mut writer = lock(&self.writer);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let answer = change(&transaction)?;
        #[cfg(feature = "simulation")]
        crate::simulation::commit()?;
        transaction.commit()?;
        Ok(answer)
    }

    /// Hands out the writer itself.
    pub(crate) fn with_writer<T>(&self, job: impl FnOnce(&Connection) -> T) -> T {
        job(&lock(&self.writer))
    }

    /// Runs queries on one consistent state.
    pub(crate) fn read<T>(&self, query: impl FnOnce(&Connection) -> Result<T, CacheError>) -> Result<T, CacheError> {
        let kept = lock(&self.readers).pop();
        let reader = match kept {
            Some(reader) => reader,
            None => self.reader()?,
        };
        // In words that are compiled once. A reader with which anything went wrong is not kept.
        reader.prepare_cached("BEGIN")?.execute([])?;
        let answer = query(&reader)?;
        reader.prepare_cached("COMMIT")?.execute([])?;
        let mut readers = lock(&self.readers);
        if readers.len() < IDLE_READERS_MAX {
            readers.push(reader);
        }
        Ok(answer)
    }

    fn reader(&self) -> Result<Connection, CacheError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let reader = Connection::open_with_flags(&self.path, flags)?;
        unlock(&reader, self.key.as_ref().map(|key| (key, Seal::Now)))?;
        reader.pragma_update(None, "query_only", "ON")?;
        reader.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
        keep_statements(&reader)?;
        Ok(reader)
    }
}

/// Statements are compiled once. Without the guarantee that plans are stable, SQLite would compile a statement anew each
/// time another value is bound to its `LIMIT`.
fn keep_statements(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic in between leaves an open transaction, which SQLite rolls back when it is dropped.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A log is put into the file when it is closed, which must not happen under a wrong key.
fn keep_log(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map(drop)
}

/// Gives a connection its key, which must come before anything else, and reads a page to see whether it fits.
pub(crate) fn unlock(connection: &Connection, key: Option<(&Key, Seal)>) -> rusqlite::Result<()> {
    if let Some((key, seal)) = key.filter(|(key, _)| key.encrypts()) {
        let words = format!("PRAGMA key = {}; PRAGMA {}", *key.literal(), seal.pragma());
        connection.execute_batch(&Zeroizing::new(words))?;
    }
    connection.query_row("PRAGMA schema_version", [], |_| Ok(()))
}

/// Why the first page cannot be read.
fn misfit(path: &Path, error: &rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::Undecryptable { path: path.to_owned(), reason: error.to_string() },
        _ => explain(path, error),
    }
}

/// The version of a file.
pub(crate) fn version(connection: &Connection, path: &Path, plan: Plan) -> Result<i64, OpenError> {
    let found: i64 =
        connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(|error| explain(path, &error))?;
    let known = plan.version();
    if found > known {
        return Err(OpenError::Newer { path: path.to_owned(), found, known });
    }
    Ok(found)
}

/// Reads all of a new file with its key.
pub(crate) fn check(path: &Path, key: &Key) -> Result<(), OpenError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .and_then(|connection| unlock(&connection, Some((key, Seal::Now))).map(|()| connection))
        .map_err(|error| explain(path, &error))?;
    let verdict: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|error| explain(path, &error))?;
    match verdict.as_str() {
        "ok" => Ok(()),
        _ => Err(OpenError::Damaged { path: path.to_owned(), reason: verdict }),
    }
}

/// Whether a file has anything in it.
pub(crate) fn holds_something(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.len() > 0)
}

/// Why a file that holds something does not open with this key; `None` when it does. Nothing is written.
pub(crate) fn refusal(path: &Path, key: &Key) -> Option<OpenError> {
    let tried = try_key(path, key, Seal::Now);
    let tried = tried.or_else(|error| try_key(path, key, Seal::Former).map_err(|_| error));
    tried.err().map(|error| misfit(path, &error))
}

/// Reads a page of a file with a key. Nothing is written.
fn try_key(path: &Path, key: &Key, seal: Seal) -> rusqlite::Result<()> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    keep_log(&connection)?;
    unlock(&connection, Some((key, seal)))
}

pub(crate) fn explain(path: &Path, error: &rusqlite::Error) -> OpenError {
    explain_fault(path, CacheError::from(rusqlite_error(error)))
}

fn explain_fault(path: &Path, error: CacheError) -> OpenError {
    match error {
        CacheError::DiskFull => OpenError::DiskFull,
        CacheError::Damaged(reason) => OpenError::Damaged { path: path.to_owned(), reason },
        CacheError::Internal(reason) => OpenError::Io(std::io::Error::other(reason)),
    }
}

fn rusqlite_error(error: &rusqlite::Error) -> rusqlite::Error {
    match error {
        rusqlite::Error::SqliteFailure(code, text) => rusqlite::Error::SqliteFailure(*code, text.clone()),
        other => rusqlite::Error::ToSqlConversionFailure(other.to_string().into()),
    }
}

/// Renames a file, with what belongs to it, so that a new one can be made. The names it has now.
pub(crate) fn set_aside(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut renamed = Vec::new();
    for ending in ["", "-wal", "-shm"] {
        let from = PathBuf::from(format!("{}{ending}", path.display()));
        if from.exists() {
            let to = PathBuf::from(format!("{}.orphan-{now}{ending}", path.display()));
            std::fs::rename(&from, &to)?;
            renamed.push(to);
        }
    }
    Ok(renamed)
}

/// Lets nobody else on this computer read the directory.
pub(crate) fn keep_to_oneself(directory: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if let Err(error) = std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700)) {
            tracing::warn!(%error, "the cache may be readable by others");
        }
    }
    #[cfg(not(unix))]
    let _ = directory;
}
