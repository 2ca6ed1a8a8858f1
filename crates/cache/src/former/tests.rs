//! What becomes of databases of earlier versions.
#![allow(clippy::unwrap_used)]

use deskbell_protocol::ConversationId;

use super::*;
use crate::Cache;
use crate::database::{CACHE, OUTBOX};

const CHAT: ConversationId = ConversationId(100);

/// In clear text.
fn plaintext_directory() -> tempfile::TempDir {
    former_directory(None)
}

/// As a version before left it, encrypted or not: killed, with the newest text in the log only.
fn former_directory(key: Option<&Key>) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, sql) in [
        ("cache.db", vec![include_str!("../schema_cache.sql")]),
        ("outbox.db", vec![include_str!("../schema_outbox.sql"), include_str!("../schema_outbox_sent.sql")]),
    ] {
        let connection = Connection::open(directory.path().join(name)).unwrap();
        database::unlock(&connection, key.map(|key| (key, Seal::Former))).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        for step in &sql {
            connection.execute_batch(step).unwrap();
        }
        connection.pragma_update(None, "user_version", i64::try_from(sql.len()).unwrap()).unwrap();
        if name == "cache.db" {
            connection.execute_batch("INSERT INTO person_words (rowid, words) VALUES (7, 'marmalade')").unwrap();
            let contact = r#"{"id":7,"name":"marmalade","email":"","phone":"","notes":"","created_at":1}"#;
            let add = "INSERT INTO entity (kind, id, rev, data) VALUES ('contact', 7, 1, ?1)";
            connection.execute(add, [contact]).unwrap();
        } else {
            connection
                .execute_batch("INSERT INTO draft (conversation, reply, note) VALUES (100, 'marmalade', '')")
                .unwrap();
        }
        // Forgotten rather than closed, so that the log stays.
        connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
    }
    assert!(directory.path().join("outbox.db-wal").metadata().unwrap().len() > 0);
    directory
}

fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
    }
    to
}

fn is_whole(directory: &Path, key: &Key) {
    let cache = Cache::open(directory, key).unwrap();
    assert_eq!(cache.draft(CHAT).unwrap().reply, "marmalade");
    let found: i64 = cache
        .cache()
        .with_writer(|writer| {
            writer.query_row("SELECT rowid FROM person_words WHERE person_words MATCH 'marm*'", [], |row| row.get(0))
        })
        .unwrap();
    assert_eq!(found, 7, "full-text search came along");
    drop(cache);
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        assert!(!is_plaintext(&path).unwrap(), "{}", path.display());
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(9).any(|word| word == b"marmalade"), "{}", path.display());
        assert!(!path.to_string_lossy().contains(".encrypting"), "{}", path.display());
    }
}

/// Brings a directory to this version, and sees that it is whole wherever the power is cut.
fn renew_with_power_cuts(directory: &tempfile::TempDir, key: &Key, seal: Option<Seal>) {
    let mut left_behind = vec![copy(directory.path())];
    for (name, plan) in [("outbox.db", OUTBOX), ("cache.db", CACHE)] {
        let path = directory.path().join(name);
        renew_and_tell(&path, plan, key, seal, &mut || left_behind.push(copy(directory.path()))).unwrap();
    }
    is_whole(directory.path(), key);
    assert_eq!(left_behind.len(), 13);
    for directory in &left_behind {
        is_whole(directory.path(), key);
    }
}

#[test]
fn databases_in_clear_text_are_encrypted_and_a_power_cut_anywhere_loses_nothing() {
    renew_with_power_cuts(&plaintext_directory(), &Key::random(), None);
}

#[test]
fn databases_with_the_former_check_sums_get_todays_and_a_power_cut_anywhere_loses_nothing() {
    let key = Key::random();
    renew_with_power_cuts(&former_directory(Some(&key)), &key, Some(Seal::Former));
}

#[test]
fn a_renewed_cache_gives_its_room_back() {
    let key = Key::random();
    for directory in [plaintext_directory(), former_directory(Some(&key))] {
        let cache = Cache::open(directory.path(), &key).unwrap();
        let mode: i64 =
            cache.cache().with_writer(|writer| writer.query_row("PRAGMA auto_vacuum", [], |row| row.get(0))).unwrap();
        assert_eq!(mode, 2, "incremental");
    }
}

#[test]
fn a_former_database_with_another_key_stays_as_it_is() {
    let directory = former_directory(Some(&Key::random()));
    let path = directory.path().join("outbox.db");
    let before = std::fs::read(&path).unwrap();
    let refused = Cache::open(directory.path(), &Key::random()).err().unwrap();
    assert!(matches!(refused, OpenError::Undecryptable { .. }), "{refused:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn clear_text_of_a_newer_app_stays_as_it_is() {
    let directory = plaintext_directory();
    let path = directory.path().join("outbox.db");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = std::fs::read(&path).unwrap();
    let refused = Cache::open(directory.path(), &Key::random()).err().unwrap();
    assert!(matches!(refused, OpenError::Newer { found: 99, .. }), "{refused:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}
