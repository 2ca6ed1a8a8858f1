//! What every database promises that keeps a desk, asked of each there is: SQLite in a file, as a real server has it, and in
//! memory, as simulations do. Another one is one more line in [`databases`], and has to pass all of it.
#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use super::database::{Connection, Error, Reference, Result, Step, Value, params};
use super::sqlite;

/// A database with a new desk.
struct Kept {
    name: &'static str,
    /// Opens one more connection to it as often as it is asked.
    opens: Box<dyn Fn() -> Connection>,
    /// Whether a server may keep its desk there: others look while one writes.
    serves: bool,
}

fn databases() -> Vec<Kept> {
    static MEMORIES: AtomicU64 = AtomicU64::new(0);
    let directory = tempfile::tempdir().unwrap();
    let memory = format!("file:/promises-{}?vfs=memdb", MEMORIES.fetch_add(1, Ordering::Relaxed));
    let in_a_file = move || sqlite::open(&directory.path().join("desk.db"), "Shop").unwrap();
    let in_memory = move || sqlite::open(Path::new(&memory), "Shop").unwrap();
    vec![
        Kept { name: "SQLite in a file", opens: Box::new(in_a_file), serves: true },
        Kept { name: "SQLite in memory", opens: Box::new(in_memory), serves: false },
    ]
}

/// Asks each database, on a table that holds things.
fn of_each(ask: impl Fn(&Connection)) {
    for Kept { name, opens, .. } in databases() {
        println!("{name}");
        ask(&with_things(opens()));
    }
}

/// Asks those on which a server may run, and hands over what opens one more connection.
fn of_each_that_serves(ask: impl Fn(&Connection, &dyn Fn() -> Connection)) {
    for Kept { name, opens, .. } in databases().into_iter().filter(|kept| kept.serves) {
        println!("{name}");
        ask(&with_things(opens()), &opens);
    }
}

fn with_things(connection: Connection) -> Connection {
    connection.run_script("CREATE TABLE thing (id INTEGER PRIMARY KEY, text TEXT, bytes BLOB)").unwrap();
    connection
}

fn add(connection: &Connection, id: i64) -> Result<usize> {
    connection.change("INSERT INTO thing (id, text) VALUES (?1, ?2)", params![id, format!("thing {id}")])
}

fn things(connection: &Connection) -> Vec<i64> {
    connection.all("SELECT id FROM thing ORDER BY id", params![], |row| row.get(0)).unwrap()
}

#[test]
fn dc_01_values_come_back_as_they_went_in() {
    of_each(|connection| {
        let put = "INSERT INTO thing (id, text, bytes) VALUES (?1, ?2, ?3)";
        let bytes: Vec<u8> = (0..=255).collect();
        let words = ["", "Новая ёлка", "¿Dónde está?", "👩‍👩‍👧", "a\0b", "' OR 1 = 1; --"];
        for (id, text) in (i64::MAX - 10..).zip(words) {
            assert_eq!(connection.change(put, params![id, text, bytes]).unwrap(), 1);
            let found = connection
                .one("SELECT id, text, bytes FROM thing WHERE text = ?1", params![text], |row| {
                    Ok((row.get::<i64>(0)?, row.get::<String>(1)?, row.get::<Vec<u8>>(2)?))
                })
                .unwrap();
            assert_eq!(found, (id, text.to_owned(), bytes.clone()));
        }
        connection.change(put, params![i64::MIN, None::<&str>, None::<Vec<u8>>]).unwrap();
        let found = connection.one("SELECT id, text FROM thing WHERE text IS NULL", params![], |row| {
            Ok((row.get::<i64>(0)?, row.get::<Option<String>>(1)?))
        });
        assert_eq!(found.unwrap(), (i64::MIN, None));
        let yes: (bool, bool) =
            connection.one("SELECT ?1, ?2", params![true, false], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(yes, (true, false));
    });
}

#[test]
fn dc_01_what_a_column_does_not_hold_is_an_error_and_no_guess() {
    of_each(|connection| {
        add(connection, 300).unwrap();
        let ask = "SELECT id, text, bytes FROM thing";
        let small = connection.one(ask, params![], |row| row.get::<u8>(0)).unwrap_err();
        assert!(matches!(small, Error::Unreadable { column: 0, found: "another number" }), "{small}");
        let number = connection.one(ask, params![], |row| row.get::<i64>(1)).unwrap_err();
        assert!(matches!(number, Error::Unreadable { column: 1, found: "words" }), "{number}");
        let nothing = connection.one(ask, params![], |row| row.get::<Vec<u8>>(2)).unwrap_err();
        assert!(matches!(nothing, Error::Unreadable { column: 2, found: "nothing" }), "{nothing}");
        assert!(connection.one(ask, params![], |row| row.get::<i64>(3)).is_err(), "there is no such column");
        assert_eq!(things(connection), [300], "the connection is of use afterwards");
    });
}

#[test]
fn dc_01_no_row_and_a_wrong_question_are_told_apart() {
    of_each(|connection| {
        let ask = "SELECT id FROM thing WHERE id = ?1";
        assert_eq!(connection.find(ask, params![1], |row| row.get::<i64>(0)).unwrap(), None);
        assert!(!connection.has(ask, params![1]).unwrap());
        assert!(matches!(connection.one(ask, params![1], |row| row.get::<i64>(0)), Err(Error::Missing)));
        for values in [params![] as &[Value<'_>], params![1, 2]] {
            assert!(matches!(connection.has(ask, values), Err(Error::Other(_))), "{values:?}");
        }
        assert!(matches!(connection.has("SELECT id FROM nothing", params![]), Err(Error::Other(_))));
        add(connection, 1).unwrap();
        assert!(matches!(add(connection, 1), Err(Error::Other(_))), "an id stands for one row");
        assert!(connection.has(ask, params![1]).unwrap());
    });
}

#[test]
fn dc_01_changed_rows_are_counted() {
    of_each(|connection| {
        for id in 1..=5 {
            assert_eq!(add(connection, id).unwrap(), 1);
        }
        assert_eq!(connection.change("UPDATE thing SET text = '' WHERE id > ?1", params![2]).unwrap(), 3);
        assert_eq!(connection.change("DELETE FROM thing WHERE id = ?1", params![9]).unwrap(), 0);
        let kept = "INSERT INTO thing (id) VALUES (?1) ON CONFLICT DO NOTHING";
        assert_eq!(connection.change(kept, params![5]).unwrap(), 0);
        let gone = "DELETE FROM thing WHERE id = ?1 RETURNING text";
        assert_eq!(connection.find(gone, params![5], |row| row.get::<String>(0)).unwrap(), Some(String::new()));
        assert_eq!(things(connection), [1, 2, 3, 4]);
    });
}

#[test]
fn dc_01_rows_come_one_by_one_beside_other_statements_until_no_more_are_wanted() {
    of_each(|connection| {
        for id in 1..=9 {
            add(connection, id).unwrap();
        }
        let (ask, mut seen) = ("SELECT id FROM thing WHERE id < ?1 ORDER BY id", Vec::new());
        let each = connection.each(ask, params![100], |row| {
            let id: i64 = row.get(0)?;
            // The same statement once more, and one that writes.
            assert!(connection.has(ask, params![2])?);
            connection.change("UPDATE thing SET text = 'seen' WHERE id = ?1", params![id])?;
            seen.push(id);
            Ok::<_, Error>(if id == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        each.unwrap();
        assert_eq!(seen, [1, 2, 3]);
        let marked: Vec<i64> =
            connection.all("SELECT id FROM thing WHERE text = 'seen'", params![], |row| row.get(0)).unwrap();
        assert_eq!(marked, [1, 2, 3]);
        let failed = connection.each(ask, params![100], |_| Err::<ControlFlow<()>, _>(Error::Missing));
        assert!(matches!(failed, Err(Error::Missing)));
        assert_eq!(things(connection).len(), 9, "the connection is of use afterwards");
    });
}

#[test]
fn dc_01_a_transaction_is_kept_whole_or_given_up_whole_and_so_is_each_part_of_it() {
    of_each_that_serves(|connection, opens| {
        assert!(!connection.is_in_transaction());
        connection.step(Step::BeginWriting).unwrap();
        assert!(connection.is_in_transaction());
        add(connection, 1).unwrap();
        connection.step(Step::GiveUp).unwrap();
        assert!(!connection.is_in_transaction() && things(connection).is_empty());
        connection.step(Step::BeginWriting).unwrap();
        for (id, step) in [(1, Step::KeepPart), (2, Step::GiveUpPart), (3, Step::KeepPart)] {
            connection.step(Step::BeginPart).unwrap();
            add(connection, id).unwrap();
            connection.step(step).unwrap();
            assert!(connection.is_in_transaction());
        }
        let other = opens();
        assert_eq!(things(connection), [1, 3]);
        assert!(things(&other).is_empty(), "nobody sees what is not kept");
        connection.step(Step::Commit).unwrap();
        assert_eq!(things(&other), [1, 3]);
    });
}

#[test]
fn dc_01_what_was_kept_is_there_for_whoever_opens_the_desk_later() {
    of_each_that_serves(|connection, opens| {
        connection.step(Step::BeginWriting).unwrap();
        add(connection, 1).unwrap();
        connection.step(Step::Commit).unwrap();
        connection.step(Step::BeginWriting).unwrap();
        add(connection, 2).unwrap();
        let later = opens();
        assert_eq!(things(&later), [1]);
    });
}

#[test]
fn dc_01_whoever_looks_sees_one_state_and_holds_up_no_writer() {
    of_each_that_serves(|writer, opens| {
        let reader = opens();
        add(writer, 1).unwrap();
        let look = reader.look().unwrap();
        assert_eq!(things(&look), [1]);
        add(writer, 2).unwrap();
        assert_eq!(things(writer), [1, 2]);
        assert_eq!(things(&look), [1]);
        drop(look);
        assert!(!reader.is_in_transaction());
        assert_eq!(things(&reader), [1, 2]);
    });
}

#[test]
fn dc_01_a_second_writer_waits_for_the_first() {
    of_each_that_serves(|connection, opens| {
        let second = opens();
        connection.step(Step::BeginWriting).unwrap();
        add(connection, 1).unwrap();
        let (begun, begins) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                second.step(Step::BeginWriting).unwrap();
                begun.send(()).unwrap();
                add(&second, 2).unwrap();
                second.step(Step::Commit).unwrap();
            });
            assert!(begins.recv_timeout(Duration::from_millis(100)).is_err(), "two write at once");
            connection.step(Step::Commit).unwrap();
        });
        assert_eq!(things(connection), [1, 2]);
    });
}

#[test]
fn dc_01_what_points_to_a_table_is_found_whenever_it_was_added() {
    of_each(|connection| {
        assert_eq!(connection.references_to("thing").unwrap(), []);
        assert!(connection.tables_with("of_thing").unwrap().is_empty());
        connection
            .run_script(
                "CREATE TABLE part (id INTEGER PRIMARY KEY, of_thing INTEGER REFERENCES thing (id));
                 CREATE TABLE mark (thing INTEGER REFERENCES thing (id), kind INTEGER)",
            )
            .unwrap();
        let mut found = connection.references_to("thing").unwrap();
        found.sort_by(|one, other| one.table.cmp(&other.table));
        let reference = |table: &str, column: &str, has_ids| Reference {
            table: table.to_owned(),
            column: column.to_owned(),
            has_ids,
        };
        assert_eq!(found, [reference("mark", "thing", false), reference("part", "of_thing", true)]);
        assert_eq!(connection.tables_with("of_thing").unwrap(), ["part"]);
        assert!(!connection.references_to("visitor").unwrap().is_empty(), "the desk's own tables");
    });
}

#[test]
fn dc_01_a_copy_is_whole_and_taken_while_others_write() {
    let directory = tempfile::tempdir().unwrap();
    of_each_that_serves(|writer, opens| {
        let reader = opens();
        add(writer, 1).unwrap();
        writer.step(Step::BeginWriting).unwrap();
        add(writer, 2).unwrap();
        let file = directory.path().join("copy.db");
        reader.copy_to(&file).unwrap();
        writer.step(Step::Commit).unwrap();
        let copy = sqlite::open(&file, "").unwrap();
        assert_eq!(things(&copy), [1]);
        assert!(copy.faults().unwrap().is_empty());
        assert!(reader.copy_to(&file).is_err(), "what is there is not written over");
    });
}

#[test]
fn dc_01_what_does_not_fit_together_is_told() {
    of_each(|connection| {
        assert_eq!(connection.faults().unwrap(), Vec::<String>::new());
        connection
            .run_script(
                "CREATE TABLE part (id INTEGER PRIMARY KEY, thing INTEGER REFERENCES thing (id));
                 PRAGMA foreign_keys = off; INSERT INTO part (id, thing) VALUES (1, 7); PRAGMA foreign_keys = on",
            )
            .unwrap();
        assert_eq!(connection.faults().unwrap(), ["a row of part names a row of thing that is not there"]);
    });
}
