//! The desk's database: the only room with SQL.
//!
//! One connection writes ([`batch`]), a few read ([`Readers`]). Which database it is, one file knows ([`sqlite`]); all others
//! ask what the trait of [`database`] promises. Every statement stands in a `queries!` list, so that a test can ask SQLite
//! for the plan of each.

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
pub(crate) mod database;
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
#[cfg(test)]
mod promises;
pub(crate) mod rights;
pub(crate) mod rings;
pub(crate) mod routing;
pub(crate) mod search;
pub(crate) mod second_factors;
pub(crate) mod settings;
pub(crate) mod signatures;
pub(crate) mod sites;
pub(crate) mod sqlite;
pub(crate) mod teams;
pub(crate) mod uploads;
pub(crate) mod visitors;
pub(crate) mod webhooks;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The other rooms hand a connection on; what it says stays in here.
pub(crate) use database::Connection;
use deskbell_protocol::{Change, ErrorCode, Refusal};
#[cfg(feature = "simulation")]
pub(crate) use sqlite::make;
pub(crate) use sqlite::open;
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

impl From<database::Error> for OpenError {
    fn from(error: database::Error) -> Self {
        match error {
            database::Error::DiskFull => Self::DiskFull,
            database::Error::Damaged(detail) => Self::Damaged { detail },
            error => Self::Io(std::io::Error::other(error)),
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

impl From<database::Error> for Failure {
    fn from(error: database::Error) -> Self {
        tracing::error!(%error, "the database refused");
        match error {
            database::Error::DiskFull => Self::DiskFull,
            _ => Self::Internal,
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        tracing::error!(%error, "stored data could not be read or written");
        Self::Internal
    }
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
            idle.push(sqlite::open_to_read(path)?);
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
        let look = connection.look()?;
        work(&look)
    }
}

/// A reader at work. It comes back whatever becomes of the work.
struct Lent<'r> {
    connection: Option<Connection>,
    idle: &'r Mutex<Vec<Connection>>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    macro_rules! statements {
        ($($room:ident),*) => {
            /// Every statement of the store, under its room and its name.
            pub(in crate::store) fn statements() -> Vec<(String, &'static str)> {
                let lists = [$((stringify!($room), $room::QUERIES)),*];
                let named = |(room, list): (_, &'static [_])| list.iter().map(move |(name, sql)| (format!("{room}::{name}"), *sql));
                lists.into_iter().flat_map(named).collect()
            }
        };
    }
    statements!(
        agents,
        articles,
        assignments,
        audit,
        auto_answers,
        backup,
        blocks,
        canned_texts,
        check,
        conversations,
        devices,
        entities,
        files,
        flows,
        followers,
        forms,
        hours,
        identities,
        items,
        links,
        log,
        merges,
        participants,
        people,
        rights,
        rings,
        routing,
        search,
        second_factors,
        settings,
        signatures,
        sites,
        sqlite,
        teams,
        uploads,
        visitors,
        webhooks
    );

    /// Statements in words that SQLite alone understands: its indexes of words, its lists in JSON, its way to replace a row,
    /// its hints, its larger one of two. Another database is asked these in other words.
    const OF_SQLITE_ALONE: &[&str] = &[
        "articles::PUT_WORDS",
        "articles::DROP_WORDS",
        "articles::LIST_FOUND",
        "assignments::WITH_ROOM_OF_FEW",
        "check::NOT_FOUND",
        "check::FOUND_NOWHERE",
        "conversations::SET_READ_MARK",
        "devices::SEEN",
        "files::LOOSE_BEFORE",
        "items::LIST",
        "links::ADD_INVITATION",
        "links::PUT_PASSWORD_LINK",
        "merges::KNOWN_SINCE",
        "people::UPLOADS",
        "people::DROP_COMMANDS",
        "people::DROP_CHANGES",
        "people::DROP_MESSAGE_WORDS",
        "people::DROP_CONTACT_WORDS",
        "people::DROP_PAGE_WORDS",
        "rings::BEGAN_ANEW",
        "rings::LET_GO",
        "search::PUT_MESSAGE",
        "search::DROP_MESSAGE",
        "search::PUT_CONTACT",
        "search::DROP_CONTACT",
        "search::PUT_AGENT",
        "search::PUT_PAGE",
        "search::AGENTS",
        "search::MESSAGES",
        "second_factors::PUT",
        "uploads::QUIET_SINCE",
        "uploads::OF_VISITORS",
        "visitors::DROP_PAGE_WORDS",
    ];

    #[test]
    fn dc_01_what_sqlite_alone_understands_is_known_by_name() {
        let words = [" MATCH ", "_words", "json_each", "OR REPLACE", "OR IGNORE", "rowid", "INDEXED BY"];
        let of_two = |sql: &str| {
            let inside = ["max(", "min("].into_iter().flat_map(|name| sql.split(name).skip(1));
            inside.filter_map(|rest| rest.split(')').next()).any(|inside| inside.contains(','))
        };
        let found = statements().into_iter().filter(|(name, sql)| {
            !name.starts_with("sqlite::") && (words.iter().any(|word| sql.contains(word)) || of_two(sql))
        });
        let found: Vec<String> = found.map(|(name, _)| name).collect();
        assert_eq!(found, OF_SQLITE_ALONE);
    }

    /// The files of this room, without what their tests say.
    fn sources() -> Vec<(String, String)> {
        let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store")).unwrap();
        let files =
            files.map(|file| file.unwrap().path()).filter(|file| file.extension().is_some_and(|kind| kind == "rs"));
        let name = |file: &Path| file.file_stem().unwrap().to_str().unwrap().to_owned();
        let rooms = files.filter(|file| !["mod", "promises"].contains(&name(file).as_str()));
        let said =
            |file: &Path| std::fs::read_to_string(file).unwrap().split("#[cfg(test)]\nmod ").next().unwrap().to_owned();
        rooms.map(|file| (name(&file), said(&file))).collect()
    }

    #[test]
    fn dc_01_one_file_knows_which_database_it_is() {
        let knowing = sources().into_iter().filter(|(_, source)| source.contains("rusqlite"));
        assert_eq!(knowing.map(|(room, _)| room).collect::<Vec<_>>(), ["sqlite"]);
    }

    #[test]
    fn dc_01_every_statement_stands_in_a_list() {
        let (mut outside, listed) = (Vec::new(), statements());
        for (room, source) in sources() {
            let seen = listed.iter().any(|(name, _)| name.split("::").next() == Some(&room));
            assert!(seen || !source.contains("queries! {"), "no test sees the statements of {room}");
            let mut listed = false;
            for line in source.lines() {
                listed = if listed { line != "}" } else { line == "queries! {" };
                let begins = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "REPLACE ", "WITH "];
                // Tables that point to a row that is erased are found in the schema.
                let of_schema = line.contains("FROM {}") || line.contains("{of}");
                if !listed && !of_schema && begins.iter().any(|word| line.contains(&format!("\"{word}"))) {
                    outside.push(line.to_owned());
                }
            }
        }
        assert!(outside.is_empty(), "no test sees the plans of these: {outside:#?}");
    }
}
