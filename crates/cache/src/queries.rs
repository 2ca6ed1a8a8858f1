//! Every statement of the two databases has a name in a list, so that a test can ask SQLite for the plan of each.

/// Names statements and lists them for the test of query plans. A name that ends in `_OF_ALL` says that a
/// whole table is meant.
macro_rules! queries {
    ($($(#[$doc:meta])* $visibility:vis $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* $visibility const $name: &str = $sql;)*
        #[cfg(test)]
        pub(crate) const QUERIES: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}
pub(crate) use queries;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rusqlite::{Connection, StatementStatus};

    use crate::database::Database;
    use crate::{Cache, apply, coverage, files, items, kept, outbox, people, read, retention, search, words};

    /// What SQLite does for a statement, step by step.
    fn plan(database: &Database, sql: &str) -> Vec<String> {
        database.with_writer(|connection| {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            for index in 1..=statement.parameter_count() {
                statement.raw_bind_parameter(index, 1).unwrap();
            }
            let mut rows = statement.raw_query();
            let mut steps = Vec::new();
            while let Some(row) = rows.next().unwrap() {
                steps.push(row.get(3).unwrap());
            }
            steps
        })
    }

    /// Indexes that hold just the rows that are counted or listed.
    const EXACT: [&str; 4] =
        ["conversation_unread", "conversation_unread_internal", "conversation_followed", "conversation_mentions"];

    /// Whether a step reads more and more while a table grows. An index read from end to end counts, too, and so
    /// does an index of words without words to look for.
    fn reads_everything(step: &str) -> bool {
        match step.split_once(" VIRTUAL TABLE INDEX ") {
            Some((_, constraint)) => constraint == "0:",
            None if step == "SCAN CONSTANT ROW" => false,
            None if EXACT.iter().any(|index| step.ends_with(&format!("USING INDEX {index}"))) => false,
            None => step.starts_with("SCAN ") || step.contains("TEMP B-TREE"),
        }
    }

    #[test]
    fn no_list_reads_a_whole_table() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path(), &crate::Key::random()).unwrap();
        let of_cache = [
            apply::QUERIES,
            coverage::QUERIES,
            items::QUERIES,
            kept::QUERIES,
            people::QUERIES,
            read::QUERIES,
            retention::QUERIES,
            search::QUERIES,
            words::QUERIES,
        ]
        .concat();
        let of_outbox = [files::QUERIES, outbox::QUERIES].concat();
        let mut everything = Vec::new();
        for (database, queries) in
            [(cache.cache(), of_cache.as_slice()), (cache.outbox_database(), of_outbox.as_slice())]
        {
            for (name, sql) in queries {
                let steps = plan(database, sql);
                // SQLite has no plan for emptying a table.
                let empties = steps.is_empty() && sql.starts_with("DELETE ");
                let whole = empties || steps.iter().any(|step| reads_everything(step));
                if whole != name.ends_with("_OF_ALL") {
                    everything.push(format!("{name}: {steps:?}"));
                }
            }
        }
        assert!(everything.is_empty(), "these read a whole table, or say so and do not: {everything:#?}");
    }

    #[test]
    fn no_statement_is_compiled_anew_when_other_values_are_bound() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path(), &crate::Key::random()).unwrap();
        let again = |connection: &Connection, sql: &str| {
            let mut statement = connection.prepare(sql).unwrap();
            for round in 1..=3 {
                for index in 1..=statement.parameter_count() {
                    statement.raw_bind_parameter(index, round).unwrap();
                }
                // Some cannot be carried out with such values, which is no matter here.
                let mut rows = statement.raw_query();
                while let Ok(Some(_)) = rows.next() {}
            }
            statement.get_status(StatementStatus::RePrepare)
        };
        for (name, sql) in [read::QUERIES, retention::QUERIES, search::QUERIES].concat() {
            let read = cache.cache().read(|connection| Ok(again(connection, sql))).unwrap();
            assert_eq!(read, 0, "{name} by a reader");
            assert_eq!(cache.cache().with_writer(|connection| again(connection, sql)), 0, "{name} by the writer");
        }
    }

    #[test]
    fn a_search_without_words_and_an_index_read_from_end_to_end_are_seen() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path(), &crate::Key::random()).unwrap();
        for sql in [
            "SELECT rowid FROM message_words",
            "SELECT count(*) FROM message",
            "SELECT data FROM conversation ORDER BY active_at",
            "SELECT data FROM message WHERE rev = 3",
        ] {
            let steps = plan(cache.cache(), sql);
            assert!(steps.iter().any(|step| reads_everything(step)), "{sql}: {steps:?}");
        }
    }

    #[test]
    fn every_statement_stands_in_a_list() {
        let sources = [
            include_str!("apply.rs"),
            include_str!("coverage.rs"),
            include_str!("database.rs"),
            include_str!("files.rs"),
            include_str!("items.rs"),
            include_str!("kept.rs"),
            include_str!("lib.rs"),
            include_str!("outbox.rs"),
            include_str!("read.rs"),
            include_str!("retention.rs"),
            include_str!("search.rs"),
            include_str!("words.rs"),
        ];
        let mut outside = Vec::new();
        for source in sources {
            let mut listed = false;
            for line in source.lines() {
                // What a macro makes is looked at where it is used.
                let begins_list = line == "queries! {" || line.starts_with("macro_rules! ");
                listed = if listed { line != "}" } else { begins_list };
                let begins = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "REPLACE ", "WITH "];
                let states = begins.iter().any(|word| line.contains(&format!("\"{word}")));
                let makes = line.contains("heads!(") || line.contains("items!(") || line.contains("messages!(");
                if !listed && (makes || states) {
                    outside.push(line);
                }
            }
        }
        assert!(outside.is_empty(), "no test sees the plans of these: {outside:#?}");
    }
}
