//! The desk's database: the only room with SQL.
//!
//! One connection writes ([`batch`]), a few read ([`Readers`]). Every statement stands in a `queries!` list,
//! so that a test can ask SQLite for the plan of each.

pub(crate) mod agents;
pub(crate) mod articles;
pub(crate) mod assignments;
pub(crate) mod audit;
pub(crate) mod auto_answers;
pub(crate) mod backup;
pub(crate) mod batch;
pub(crate) mod blocks;
pub(crate) mod canned_texts;
pub(crate) mod check;
pub(crate) mod conversations;
pub(crate) mod devices;
pub(crate) mod entities;
pub(crate) mod files;
pub(crate) mod flows;
pub(crate) mod followers;
pub(crate) mod forms;
pub(crate) mod hours;
pub(crate) mod identities;
pub(crate) mod items;
pub(crate) mod links;
pub(crate) mod log;
pub(crate) mod merges;
pub(crate) mod participants;
pub(crate) mod people;
pub(crate) mod rights;
pub(crate) mod rings;
pub(crate) mod routing;
pub(crate) mod search;
pub(crate) mod second_factors;
pub(crate) mod settings;
pub(crate) mod signatures;
pub(crate) mod sites;
pub(crate) mod teams;
pub(crate) mod uploads;
pub(crate) mod visitors;
pub(crate) mod webhooks;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use deskbell_protocol::{Change, ErrorCode, Refusal};
/// The other rooms hand a connection on; what it says stays in here.
pub(crate) use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::{ErrorCode as SqliteCode, OpenFlags};
use tokio::sync::Semaphore;

/// Names statements and lists them for the test of query plans.
macro_rules! queries {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* const $name: &str = $sql;)*
        #[cfg(test)]
        pub(in crate::store) const QUERIES: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}
pub(crate) use queries;

/// The migrations, in order. A database's `user_version` is the number of those it has been through.
const MIGRATIONS: &[Migration] = &[
    Migration { sql: include_str!("migrations/001_first.sql"), then: None },
    Migration { sql: include_str!("migrations/002_search.sql"), then: None },
    Migration { sql: include_str!("migrations/003_uploads.sql"), then: None },
    Migration { sql: include_str!("migrations/004_commands.sql"), then: None },
    Migration { sql: include_str!("migrations/005_people.sql"), then: Some(rights::fill) },
    // With the last one that adds columns to messages, which it reads.
    Migration { sql: include_str!("migrations/006_versions.sql"), then: Some(search::index_older) },
    Migration { sql: include_str!("migrations/007_devices.sql"), then: None },
    Migration { sql: include_str!("migrations/008_rings.sql"), then: None },
    Migration { sql: include_str!("migrations/009_settings.sql"), then: None },
    Migration { sql: include_str!("migrations/010_second_factor.sql"), then: None },
    Migration { sql: include_str!("migrations/011_links.sql"), then: None },
    Migration { sql: include_str!("migrations/012_canned_texts.sql"), then: None },
    Migration { sql: include_str!("migrations/013_priority.sql"), then: None },
    Migration { sql: include_str!("migrations/014_identities.sql"), then: None },
    Migration { sql: include_str!("migrations/015_assignment.sql"), then: None },
    Migration { sql: include_str!("migrations/016_blocks.sql"), then: None },
    Migration { sql: include_str!("migrations/017_availability.sql"), then: None },
    Migration { sql: include_str!("migrations/018_items.sql"), then: None },
    Migration { sql: include_str!("migrations/019_merged.sql"), then: None },
    Migration { sql: include_str!("migrations/020_webhooks.sql"), then: None },
    Migration { sql: include_str!("migrations/021_hours.sql"), then: None },
    Migration { sql: include_str!("migrations/022_participants.sql"), then: None },
    Migration { sql: include_str!("migrations/023_forms.sql"), then: None },
    Migration { sql: include_str!("migrations/024_auto_answers.sql"), then: None },
    Migration { sql: include_str!("migrations/025_peek.sql"), then: None },
    Migration { sql: include_str!("migrations/026_canned_files.sql"), then: None },
    Migration { sql: include_str!("migrations/027_signed_visitors.sql"), then: None },
    Migration { sql: include_str!("migrations/028_followers.sql"), then: None },
    Migration { sql: include_str!("migrations/029_item_changes.sql"), then: None },
    Migration { sql: include_str!("migrations/030_spoken.sql"), then: None },
    Migration { sql: include_str!("migrations/031_articles.sql"), then: None },
    Migration { sql: include_str!("migrations/032_flows.sql"), then: None },
    Migration { sql: include_str!("migrations/033_routing.sql"), then: None },
    Migration { sql: include_str!("migrations/034_findable.sql"), then: None },
    Migration { sql: include_str!("migrations/035_lines_of_the_desk.sql"), then: None },
    Migration { sql: include_str!("migrations/036_makers.sql"), then: None },
    Migration { sql: include_str!("migrations/037_words_that_go.sql"), then: Some(search::index_names_and_pages) },
];

/// One step from format to format, taken whole or not at all.
struct Migration {
    sql: &'static str,
    /// What SQL alone cannot do.
    then: Option<fn(&Connection) -> rusqlite::Result<()>>,
}

/// Readers of one desk. A read takes well under a millisecond, so a few connections serve thousands of sockets.
const READERS: usize = 4;

/// Why a desk could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A newer server wrote the database. It was not touched.
    #[error(
        "the desk was written by a newer server (its format is {found}, this one knows up to {known}); use that version or a newer one"
    )]
    Newer {
        /// The database's format.
        found: u32,
        /// The newest format this server knows.
        known: u32,
    },
    /// No room on the disk.
    #[error("the disk is full; make room and start again")]
    DiskFull,
    /// The file is not a database or is damaged. It was not touched further.
    #[error("the desk's database is damaged ({detail}); restore it from a backup")]
    Damaged {
        /// SQLite's words.
        detail: String,
    },
    /// The operating system refused, another server has the desk open, or a setting names something of no use.
    #[error("the desk cannot be opened: {0}")]
    Io(#[from] std::io::Error),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(SqliteCode::DiskFull) => Self::DiskFull,
            Some(SqliteCode::DatabaseCorrupt | SqliteCode::NotADatabase) => Self::Damaged { detail: error.to_string() },
            _ => Self::Io(std::io::Error::other(error)),
        }
    }
}

/// Why a piece of work on the database came to nothing.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The asker's fault.
    Refused(Box<Refused>),
    /// No room; nothing was stored.
    DiskFull,
    /// Anything else; it has been logged.
    Internal,
    /// The queue is full or the server is stopping.
    Busy,
}

/// A refusal, with the present row on a conflict.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) refusal: Refusal,
    pub(crate) current: Option<Change>,
}

pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    pub(crate) fn not_found(what: &str) -> Self {
        Refusal::new(ErrorCode::NotFound, format!("There is no such {what}.")).into()
    }

    /// The same as one sentence with a code.
    pub(crate) fn into_refusal(self) -> Refusal {
        match self {
            Self::Refused(refused) => refused.refusal,
            Self::DiskFull => Refusal::new(ErrorCode::DiskFull, "The server's disk is full; nothing was stored."),
            Self::Internal => Refusal::new(ErrorCode::Internal, "The server failed; its log says why."),
            Self::Busy => Refusal {
                retry_after_ms: Some(1_000),
                ..Refusal::new(ErrorCode::Busy, "The server is busy or stopping; try again in a moment.")
            },
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(Refused { refusal, current: None }))
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        if error.sqlite_error_code() == Some(SqliteCode::DiskFull) {
            tracing::error!("the disk is full");
            return Self::DiskFull;
        }
        tracing::error!(%error, "the database refused");
        Self::Internal
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        tracing::error!(%error, "stored data could not be read or written");
        Self::Internal
    }
}

/// Pages that the writing connection keeps in memory, in KiB.
const WRITER_CACHE_KIB: i64 = 16 * 1024;

/// Statements are compiled once. Without the guarantee that plans are stable, SQLite would compile a statement anew each
/// time another value is bound to its `LIMIT`.
fn keep_statements(connection: &Connection, capacity: usize) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(capacity);
    Ok(())
}

/// Opens the database for writing: refuses a newer one, migrates an older one, and makes a new one with `desk` as its name.
pub(crate) fn open(path: &Path, desk: &str) -> Result<Connection, OpenError> {
    refuse_newer(path)?;
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // An ack promises that the message survives a power cut: FULL syncs the log at every commit.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    keep_statements(&connection, 128)?;
    migrate(&mut connection)?;
    log::begin(&connection, desk)?;
    Ok(connection)
}

/// Makes a new database from one that the migrations have made, so that they are compiled once for thousands.
#[cfg(feature = "simulation")]
pub(crate) fn make(path: &Path) -> Result<(), OpenError> {
    static MADE: Mutex<Option<Connection>> = Mutex::new(None);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let from = match &mut *made {
        Some(from) => from,
        missing => {
            let mut first = Connection::open_in_memory()?;
            migrate(&mut first)?;
            missing.insert(first)
        }
    };
    let mut to = Connection::open(path)?;
    rusqlite::backup::Backup::new(from, &mut to)?.step(-1)?;
    Ok(())
}

fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Looks at an existing database without changing a byte of it.
fn refuse_newer(path: &Path) -> Result<(), OpenError> {
    if !path.try_exists()? {
        return Ok(());
    }
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let found = version(&connection)?;
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    if found > known { Err(OpenError::Newer { found, known }) } else { Ok(()) }
}

fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let done = version(connection)?;
    for (number, migration) in (1_u32..).zip(MIGRATIONS).skip_while(|(number, _)| *number <= done) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(migration.sql)?;
        if let Some(then) = migration.then {
            then(&transaction)?;
        }
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Everything SQLite itself finds wrong with a database, at most a hundred lines; empty when all is well.
fn faults(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut found = Vec::new();
    connection.pragma_query(None, "integrity_check", |row| {
        let line: String = row.get(0)?;
        if line != "ok" {
            found.push(line);
        }
        Ok(())
    })?;
    connection.pragma_query(None, "foreign_key_check", |row| {
        let (table, to): (String, String) = (row.get(0)?, row.get(2)?);
        if found.len() < 100 {
            found.push(format!("a row of {table} names a row of {to} that is not there"));
        }
        Ok(())
    })?;
    Ok(found)
}

/// A few read-only connections.
#[derive(Clone)]
pub(crate) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    free: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let mut idle = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            connection.busy_timeout(std::time::Duration::from_secs(5))?;
            connection.pragma_update(None, "query_only", true)?;
            keep_statements(&connection, 64)?;
            idle.push(connection);
        }
        Ok(Self { idle: Arc::new(Mutex::new(idle)), free: Arc::new(Semaphore::new(READERS)) })
    }

    /// Runs `work` on a thread for blocking work, inside one read transaction: all of it sees one state.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Outcome<T> + Send + 'static,
    ) -> Outcome<T> {
        let permit = Arc::clone(&self.free).acquire_owned().await.map_err(|_| Failure::Busy)?;
        let readers = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            let result = readers.run(work);
            drop(permit);
            result
        });
        task.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a read failed");
            Err(Failure::Internal)
        })
    }

    /// The same on the thread of the asker, for what finds a few rows by an index and is asked with every message or
    /// whenever somebody comes: to hand such a look to another thread takes longer than the look.
    pub(crate) async fn glance<T>(&self, work: impl FnOnce(&Connection) -> Outcome<T>) -> Outcome<T> {
        let _permit = self.free.acquire().await.map_err(|_| Failure::Busy)?;
        self.run(work)
    }

    fn run<T>(&self, work: impl FnOnce(&Connection) -> Outcome<T>) -> Outcome<T> {
        let taken = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let lent = Lent { connection: Some(taken.ok_or(Failure::Busy)?), idle: &self.idle };
        let connection = lent.connection.as_ref().ok_or(Failure::Busy)?;
        connection.prepare_cached("BEGIN")?.execute([])?;
        work(connection)
    }
}

/// A reader at work. It comes back whatever becomes of the work, and without a transaction.
struct Lent<'r> {
    connection: Option<Connection>,
    idle: &'r Mutex<Vec<Connection>>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if !connection.is_autocommit()
            && let Err(error) = connection.prepare_cached("ROLLBACK").and_then(|mut end| end.execute([]))
        {
            tracing::error!(%error, "a reading transaction did not end");
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Tables that hold a handful of rows by nature, and are always read whole.
    const SMALL: &[&str] = &[
        "agent",
        "site",
        "canned_text",
        "invitation",
        "desk",
        "team",
        "sees",
        "sqlite_schema",
        "removed_file",
        "webhook",
        "auto_answer",
        "flow",
        "routing_rule",
    ];

    #[test]
    fn dc_01_every_query_uses_an_index() {
        let directory = tempfile::tempdir().unwrap();
        let connection = open(&directory.path().join("desk.db"), "Shop").unwrap();
        connection.execute_batch(backup::TABLES).unwrap();
        let all = [
            agents::QUERIES,
            articles::QUERIES,
            assignments::QUERIES,
            blocks::QUERIES,
            devices::QUERIES,
            auto_answers::QUERIES,
            backup::QUERIES,
            canned_texts::QUERIES,
            check::QUERIES,
            audit::QUERIES,
            conversations::QUERIES,
            entities::QUERIES,
            files::QUERIES,
            flows::QUERIES,
            followers::QUERIES,
            forms::QUERIES,
            hours::QUERIES,
            identities::QUERIES,
            items::QUERIES,
            links::QUERIES,
            log::QUERIES,
            merges::QUERIES,
            participants::QUERIES,
            people::QUERIES,
            rights::QUERIES,
            rings::QUERIES,
            routing::QUERIES,
            search::QUERIES,
            settings::QUERIES,
            second_factors::QUERIES,
            signatures::QUERIES,
            sites::QUERIES,
            uploads::QUERIES,
            teams::QUERIES,
            visitors::QUERIES,
            webhooks::QUERIES,
        ];
        let mut seen = 0;
        for (name, sql) in all.into_iter().flatten() {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            for index in 1..=statement.parameter_count() {
                statement.raw_bind_parameter(index, 1).unwrap();
            }
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next().unwrap() {
                let plan: String = row.get(3).unwrap();
                let small = SMALL.iter().any(|table| plan == format!("SCAN {table}"));
                // What SQLite says of a table, or a parameter's own list, is no table.
                let made =
                    ["SCAN link VIRTUAL", "SCAN field VIRTUAL", "SCAN json_each VIRTUAL", "SCAN pragma_table_info"];
                let small = small || made.iter().any(|made| plan.starts_with(made));
                // An index of words is read by the words that are looked for, and from end to end without any.
                let words = plan.split_once(" VIRTUAL TABLE INDEX ").is_some_and(|(_, by)| by != "0:");
                assert!(small || words || !plan.starts_with("SCAN"), "{name} reads a whole table: {plan}");
                assert!(!plan.contains("TEMP B-TREE") || name.ends_with("_OF_FEW"), "{name} sorts: {plan}");
            }
            seen += 1;
        }
        assert!(seen > 40, "the lists of queries are not complete: {seen}");
    }

    #[test]
    fn dc_01_every_statement_stands_in_a_list() {
        let sources = [
            include_str!("agents.rs"),
            include_str!("articles.rs"),
            include_str!("backup.rs"),
            include_str!("assignments.rs"),
            include_str!("audit.rs"),
            include_str!("auto_answers.rs"),
            include_str!("blocks.rs"),
            include_str!("batch.rs"),
            include_str!("canned_texts.rs"),
            include_str!("check.rs"),
            include_str!("conversations.rs"),
            include_str!("devices.rs"),
            include_str!("entities.rs"),
            include_str!("files.rs"),
            include_str!("flows.rs"),
            include_str!("followers.rs"),
            include_str!("forms.rs"),
            include_str!("hours.rs"),
            include_str!("identities.rs"),
            include_str!("items.rs"),
            include_str!("links.rs"),
            include_str!("log.rs"),
            include_str!("merges.rs"),
            include_str!("participants.rs"),
            include_str!("people.rs"),
            include_str!("rights.rs"),
            include_str!("routing.rs"),
            include_str!("search.rs"),
            include_str!("second_factors.rs"),
            include_str!("signatures.rs"),
            include_str!("sites.rs"),
            include_str!("uploads.rs"),
            include_str!("teams.rs"),
            include_str!("visitors.rs"),
            include_str!("webhooks.rs"),
        ];
        let mut outside = Vec::new();
        for source in sources {
            let mut listed = false;
            for line in source.lines() {
                listed = if listed { line != "}" } else { line == "queries! {" };
                let begins = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "REPLACE ", "WITH "];
                // Tables that point to a row that is erased are found in the schema.
                let of_schema = line.contains("FROM {}") || line.contains("{of}");
                if !listed && !of_schema && begins.iter().any(|word| line.contains(&format!("\"{word}"))) {
                    outside.push(line);
                }
            }
        }
        assert!(outside.is_empty(), "no test sees the plans of these: {outside:#?}");
    }

    #[test]
    fn dc_01_sqlite_has_the_fix_for_its_write_ahead_log() {
        assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
    }

    #[test]
    fn dc_01_a_newer_database_is_refused_and_left_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("desk.db");
        let connection = open(&path, "Shop").unwrap();
        connection.pragma_update(None, "user_version", 999).unwrap();
        drop(connection);
        let before = std::fs::read(&path).unwrap();
        let error = open(&path, "Shop").unwrap_err();
        assert!(
            matches!(error, OpenError::Newer { found: 999, known } if known as usize == MIGRATIONS.len()),
            "{error}"
        );
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn od_16_what_an_older_server_has_stored_is_found() {
        use deskbell_protocol::{AgentId, FoundKind};
        use deskbell_search::Query;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("desk.db");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(MIGRATIONS[0].sql).unwrap();
        old.execute_batch(
            "INSERT INTO agent (id, name, email, email_key, role, password_hash, created_at) VALUES (1, 'Ann', '', '', 0, '', 1);
             INSERT INTO site (id, name, key, origins) VALUES (2, 'Shop', 'k', '[]');
             INSERT INTO contact (id, name, created_at) VALUES (3, 'Víctor', 1);
             INSERT INTO visitor (id, contact, site, local, ip, browser, os, device, language, screen, referrer, visits,
                chats, visit_started_at, last_page_at, last_seen_at) VALUES (4, 3, 2, 0, '', '', '', '', '', '', '', 1, 1, 1, 1, 1);
             INSERT INTO page_view (id, visitor, url, title, at) VALUES (5, 4, 'https://shop.example/checkout', 'Pay', 1);
             INSERT INTO conversation (id, kind, contact, visitor, site, state, last_number, created_at, active_at, visitor_read)
                VALUES (6, 0, 3, 4, 2, 0, 3, 1, 1, 0);
             INSERT INTO message (id, conversation, number, author_kind, kind, text, attachments, created_at)
                VALUES (7, 6, 1, 0, 0, 'Новая ёлка', 1, 1), (8, 6, 2, 2, 2, 'closed', 0, 1);
             INSERT INTO message (id, conversation, number, author_kind, author, author_name, kind, text, attachments, created_at)
                VALUES (9, 6, 3, 1, 1, 'Ann', 1, 'Елка is a tree', 0, 1);
             INSERT INTO attachment (id, message, uploader_kind, uploader, file, name, mime, size, created_at)
                VALUES (10, 7, 2, 4, 'f', 'tree.pdf', 'application/pdf', 1, 1);
             PRAGMA user_version = 1;",
        )
        .unwrap();
        drop(old);
        let connection = open(&path, "Shop").unwrap();
        for (typed, expected) in [
            ("елка", vec![3, 1]),
            ("елка from:victor", vec![1]),
            ("from:ann", vec![3]),
            ("page:checkout has:file", vec![1]),
            ("page:nowhere", vec![]),
            ("closed", vec![]),
        ] {
            let found = search::find(&connection, &Query::read(typed), AgentId(1), None, None, 9).unwrap();
            assert_eq!(found.iter().map(|message| message.number).collect::<Vec<_>>(), expected, "{typed}");
        }
        let found = search::find(&connection, &Query::read("tree"), AgentId(1), None, None, 9).unwrap();
        assert_eq!(found.iter().map(|message| message.kind).collect::<Vec<_>>(), [FoundKind::Note, FoundKind::File]);
        assert_eq!(found[0].snippet, ["Елка is a ", "tree"]);
    }

    /// A database of the last server without the step that says this.
    fn older(path: &Path, step: &str) -> Connection {
        let old = Connection::open(path).unwrap();
        for (number, migration) in (1_u32..).zip(MIGRATIONS).take_while(|(_, it)| !it.sql.contains(step)) {
            old.execute_batch(migration.sql).unwrap();
            old.pragma_update(None, "user_version", number).unwrap();
        }
        old
    }

    #[test]
    fn tv_05_prepared_texts_of_an_older_server_are_the_desks_and_keep_their_placeholders() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("desk.db");
        let old = older(&path, "canned_text_of");
        old.execute_batch(
            "INSERT INTO canned_text (id, shortcut, title, text) VALUES (1, 'hi', 'Hi', 'Hi {name}, {email}, {agent}');",
        )
        .unwrap();
        drop(old);
        let found = canned_texts::find(&open(&path, "Shop").unwrap(), deskbell_protocol::CannedTextId(1)).unwrap();
        let found = found.unwrap();
        assert_eq!((found.owner, found.uses), (deskbell_protocol::TextOwner::Desk, 0));
        assert_eq!(found.text, "Hi {visitor.name}, {visitor.email}, {agent.name}");
        assert!(deskbell_protocol::placeholder::unknown(&found.text).is_empty());
    }

    #[test]
    fn dk_01_a_link_to_a_new_password_of_which_nobody_knows_who_made_it_opens_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("desk.db");
        let old = older(&path, "made_by");
        old.execute_batch(
            "INSERT INTO agent (id, name, email, email_key, role, password_hash, created_at) VALUES (1, 'Ben', '', '', 0, '', 1);
             INSERT INTO password_link (agent, hash, expires_at) VALUES (1, x'07', 9);",
        )
        .unwrap();
        drop(old);
        let now = open(&path, "Shop").unwrap();
        assert_eq!(links::find_password_link(&now, &[7], 1).unwrap(), None);
        let ben = deskbell_protocol::AgentId(1);
        links::put_password_link(&now, ben, &[8], Some(ben), 9).unwrap();
        assert_eq!(links::find_password_link(&now, &[8], 1).unwrap(), Some((ben, Some(ben))));
    }

    #[test]
    fn dc_01_a_file_that_is_no_database_is_called_damaged() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("desk.db");
        std::fs::write(&path, vec![7; 8192]).unwrap();
        assert!(matches!(open(&path, "Shop"), Err(OpenError::Damaged { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), vec![7; 8192]);
    }
}
