//! The desk in SQLite: the one file that knows which database it is.

use std::path::Path;
#[cfg(feature = "simulation")]
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ErrorCode, OpenFlags, ToSql, params_from_iter};

use super::database::{Columns, Connection, Database, Each, Error, Reference, Result, Row, Step, Value, params};
use super::{OpenError, log, queries, rights, search};

queries! {
    /// Tables with rows that belong to a row of another table.
    REFERENCES_OF_FEW = "SELECT sqlite_schema.name, link.\"from\",
        EXISTS (SELECT 1 FROM pragma_table_info(sqlite_schema.name) WHERE name = 'id' AND pk = 1)
        FROM sqlite_schema, pragma_foreign_key_list(sqlite_schema.name) AS link
        WHERE sqlite_schema.type = 'table' AND link.\"table\" = ?1";
    TABLES_WITH_OF_FEW = "SELECT sqlite_schema.name FROM sqlite_schema, pragma_table_info(sqlite_schema.name) AS field
        WHERE sqlite_schema.type = 'table' AND field.name = ?1";
    IS_THERE_OF_FEW = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    COPY = "VACUUM INTO ?1";
}

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
    then: Option<fn(&Connection) -> Result<()>>,
}

/// How long a connection waits for another one's write.
const PATIENCE: Duration = Duration::from_secs(5);

/// Pages that the writing connection keeps in memory, in KiB.
const WRITER_CACHE_KIB: i64 = 16 * 1024;

/// Statements are compiled once. Without the guarantee that plans are stable, SQLite would compile a statement anew each
/// time another value is bound to its `LIMIT`.
fn keep_statements(connection: &rusqlite::Connection, capacity: usize) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(capacity);
    Ok(())
}

/// Opens the database for writing: refuses a newer one, migrates an older one, and makes a new one with `desk` as its name.
pub(crate) fn open(path: &Path, desk: &str) -> Result<Connection, OpenError> {
    refuse_newer(path)?;
    let connection = rusqlite::Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // An ack promises that the message survives a power cut: FULL syncs the log at every commit.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    keep_statements(&connection, 128)?;
    let connection = Connection::new(Sqlite(connection));
    migrate(&connection)?;
    log::begin(&connection, desk)?;
    Ok(connection)
}

/// Opens a desk for looking at it alone, as a server does that has it open for writing already.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, OpenError> {
    let connection = read_only(path)?;
    connection.pragma_update(None, "query_only", true)?;
    keep_statements(&connection, 64)?;
    Ok(Connection::new(Sqlite(connection)))
}

/// Opens a desk or a backup for looking at it and for copying it, unless a newer server wrote it. `query_only` would
/// forbid the copy.
pub(super) fn open_to_copy(path: &Path) -> Result<Connection, OpenError> {
    refuse_newer(path)?;
    Ok(Connection::new(Sqlite(read_only(path)?)))
}

fn read_only(path: &Path) -> rusqlite::Result<rusqlite::Connection> {
    let connection = rusqlite::Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

/// Opens a copy that is being made. Until it is whole and checked it is of no use, so no journal has to protect it.
pub(super) fn open_to_fill(path: &Path) -> Result<Connection, OpenError> {
    let connection = rusqlite::Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "off")?;
    connection.pragma_update(None, "synchronous", "off")?;
    Ok(Connection::new(Sqlite(connection)))
}

/// Whether a database has a table.
pub(super) fn has_table(connection: &Connection, name: &str) -> Result<bool> {
    connection.has(IS_THERE_OF_FEW, params![name])
}

/// Moves what the write-ahead log of a desk holds into its file, and empties the log. False: somebody still reads there,
/// such as a backup, and what it held may stand in it. Waits so long for those who read.
pub(super) fn empty_log(path: &Path, patience: Duration) -> Result<bool, OpenError> {
    let connection = rusqlite::Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(patience)?;
    let mut busy = true;
    connection.pragma_update_and_check(None, "wal_checkpoint", "truncate", |row| {
        busy = row.get(0)?;
        Ok(())
    })?;
    Ok(!busy)
}

/// Makes a new database from one that the migrations have made, so that they are compiled once for thousands.
#[cfg(feature = "simulation")]
pub(crate) fn make(path: &Path) -> Result<(), OpenError> {
    static MADE: Mutex<Option<rusqlite::Connection>> = Mutex::new(None);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let from = match &mut *made {
        Some(from) => from,
        missing => {
            // Lives as long as somebody has it open.
            let memory = "file:/migrated?vfs=memdb";
            let first = missing.insert(rusqlite::Connection::open(memory)?);
            migrate(&Connection::new(Sqlite(rusqlite::Connection::open(memory)?)))?;
            first
        }
    };
    let mut to = rusqlite::Connection::open(path)?;
    rusqlite::backup::Backup::new(from, &mut to)?.step(-1)?;
    Ok(())
}

fn version(connection: &rusqlite::Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Looks at an existing database without changing a byte of it.
fn refuse_newer(path: &Path) -> Result<(), OpenError> {
    if !path.try_exists()? {
        return Ok(());
    }
    let connection = rusqlite::Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let found = version(&connection)?;
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    if found > known { Err(OpenError::Newer { found, known }) } else { Ok(()) }
}

fn migrate(connection: &Connection) -> Result<(), OpenError> {
    let done: u32 = connection.one("PRAGMA user_version", params![], |row| row.get(0))?;
    for (number, migration) in (1_u32..).zip(MIGRATIONS).skip_while(|(number, _)| *number <= done) {
        // One that fails is given up with the connection.
        connection.step(Step::BeginWriting)?;
        connection.run_script(migration.sql)?;
        if let Some(then) = migration.then {
            then(connection)?;
        }
        connection.run_script(&format!("PRAGMA user_version = {number}"))?;
        connection.step(Step::Commit)?;
    }
    Ok(())
}

/// A connection to a file.
struct Sqlite(rusqlite::Connection);

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error.to_string()),
            _ => Self::Other(error.into()),
        }
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Error::from(error).into()
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Columns for rusqlite::Row<'_> {
    fn value(&self, column: usize) -> Result<Value<'_>> {
        Ok(match self.get_ref(column)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Integer(number),
            ValueRef::Text(bytes) => {
                Value::Text(str::from_utf8(bytes).map_err(|_| Error::Unreadable { column, found: "words cut apart" })?)
            }
            ValueRef::Blob(bytes) => Value::Bytes(bytes),
            ValueRef::Real(_) => return Err(Error::Unreadable { column, found: "a fraction" }),
        })
    }
}

impl Database for Sqlite {
    fn run(&self, statement: &str, values: &[Value<'_>], each: Each<'_>) -> Result<usize> {
        let mut statement = self.0.prepare_cached(statement)?;
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            if each(&Row::new(row))?.is_break() {
                break;
            }
        }
        drop(rows);
        Ok(usize::try_from(self.0.changes()).unwrap_or(usize::MAX))
    }

    fn run_script(&self, statements: &str) -> Result<()> {
        Ok(self.0.execute_batch(statements)?)
    }

    fn step(&self, step: Step) -> Result<()> {
        let words: &[&str] = match step {
            Step::BeginReading => &["BEGIN"],
            Step::BeginWriting => &["BEGIN IMMEDIATE"],
            Step::Commit => &["COMMIT"],
            Step::GiveUp => &["ROLLBACK"],
            Step::BeginPart => &["SAVEPOINT part"],
            Step::KeepPart => &["RELEASE part"],
            Step::GiveUpPart => &["ROLLBACK TO part", "RELEASE part"],
        };
        for word in words {
            self.0.prepare_cached(word)?.execute([])?;
        }
        Ok(())
    }

    fn is_in_transaction(&self) -> bool {
        !self.0.is_autocommit()
    }

    fn references_to(&self, table: &str) -> Result<Vec<Reference>> {
        let mut statement = self.0.prepare_cached(REFERENCES_OF_FEW)?;
        let found = statement.query_map([table], |row| {
            Ok(Reference { table: row.get(0)?, column: row.get(1)?, has_ids: row.get(2)? })
        })?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    fn tables_with(&self, column: &str) -> Result<Vec<String>> {
        let mut statement = self.0.prepare_cached(TABLES_WITH_OF_FEW)?;
        let found = statement.query_map([column], |row| row.get(0))?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    fn faults(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        self.0.pragma_query(None, "integrity_check", |row| {
            let line: String = row.get(0)?;
            if line != "ok" {
                found.push(line);
            }
            Ok(())
        })?;
        self.0.pragma_query(None, "foreign_key_check", |row| {
            let (table, to): (String, String) = (row.get(0)?, row.get(2)?);
            if found.len() < 100 {
                found.push(format!("a row of {table} names a row of {to} that is not there"));
            }
            Ok(())
        })?;
        Ok(found)
    }

    fn copy_to(&self, file: &Path) -> Result<()> {
        self.0.execute(COPY, [file.to_string_lossy()])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::store::{backup, canned_texts, links, tests};

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
        let path = directory.path().join("desk.db");
        drop(open(&path, "Shop").unwrap());
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch(backup::TABLES).unwrap();
        let mut seen = 0;
        for (name, sql) in tests::statements() {
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
        assert!(seen > 300, "the lists of queries are not complete: {seen}");
    }

    #[test]
    fn dc_01_sqlite_has_the_fix_for_its_write_ahead_log() {
        assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
    }

    #[test]
    fn dc_01_a_newer_database_is_refused_and_left_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("desk.db");
        open(&path, "Shop").unwrap().run_script("PRAGMA user_version = 999").unwrap();
        let before = std::fs::read(&path).unwrap();
        let error = open(&path, "Shop").err().unwrap();
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
        let old = rusqlite::Connection::open(&path).unwrap();
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
    fn older(path: &Path, step: &str) -> rusqlite::Connection {
        let old = rusqlite::Connection::open(path).unwrap();
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
