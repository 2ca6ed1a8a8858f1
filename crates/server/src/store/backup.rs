//! A backup is one SQLite file: the desk's database as it was at one moment, and in two more tables the files that
//! its rows name.

use std::path::Path;
use std::time::Duration;

use deskbell_protocol::{AttachmentId, Timestamp};

use super::batch::{Batches, ask};
use super::check::Rows;
use super::database::{Connection, Row, params};
use super::people::{self, Known, Person};
use super::{Failure, OpenError, Outcome, files, queries, sqlite};

/// What a backup has that a desk has not.
pub(super) const TABLES: &str = include_str!("backup.sql");

queries! {
    ABOUT = "SELECT made_at FROM backup WHERE id = 1";
    SET_ABOUT = "INSERT INTO backup (id, made_at) VALUES (1, ?1)";
    ADD_FILE = "INSERT INTO backup_file (name, sha256, bytes) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    FILE = "SELECT sha256, bytes FROM backup_file WHERE name = ?1";
    HAS_ATTACHMENT = "SELECT 1 FROM attachment WHERE id = ?1";
}

/// A file in a backup.
pub(crate) struct Kept {
    /// The check sum it was taken with.
    pub(crate) sha256: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
}

/// A database that is being looked at, or a backup that is being made or read.
pub(crate) struct Copy {
    connection: Connection,
}

impl Copy {
    /// Opens a desk or a backup without changing it.
    pub(crate) fn read_only(path: &Path) -> Result<Self, OpenError> {
        Ok(Self { connection: sqlite::open_to_copy(path)? })
    }

    /// Copies a desk as it is at this moment into a new file, where its files may be added. The desk may be served
    /// meanwhile.
    pub(crate) fn of(desk: &Path, to: &Path, now: Timestamp) -> Result<Self, OpenError> {
        sqlite::open_to_copy(desk)?.copy_to(to)?;
        let connection = sqlite::open_to_fill(to)?;
        connection.run_script(TABLES)?;
        connection.change(SET_ABOUT, params![now])?;
        Ok(Self { connection })
    }

    /// When the backup was made; `None`: this is no backup.
    pub(crate) fn made_at(&self) -> Result<Option<Timestamp>, OpenError> {
        if !sqlite::has_table(&self.connection, "backup")? {
            return Ok(None);
        }
        Ok(self.connection.find(ABOUT, params![], |row| row.get(0))?)
    }

    /// See [`files::names`].
    pub(crate) fn names(&self, after: AttachmentId) -> Result<Vec<files::Named>, OpenError> {
        Ok(files::names(&self.connection, after)?)
    }

    /// Whether the desk still knows a file.
    pub(crate) fn has_attachment(&self, id: AttachmentId) -> Result<bool, OpenError> {
        Ok(self.connection.has(HAS_ATTACHMENT, params![id.0])?)
    }

    /// What the desk knows of a file.
    pub(crate) fn stored(&self, id: AttachmentId) -> Result<Option<files::Stored>, OpenError> {
        Ok(files::find(&self.connection, id)?)
    }

    /// Adds a file to a backup.
    pub(crate) fn add_file(&self, name: &str, sha256: &[u8], bytes: &[u8]) -> Result<(), OpenError> {
        self.connection.change(ADD_FILE, params![name, sha256, bytes])?;
        Ok(())
    }

    /// A file of a backup.
    pub(crate) fn file(&self, name: &str) -> Result<Option<Kept>, OpenError> {
        let kept = |row: &Row<'_>| Ok(Kept { sha256: row.get(0)?, bytes: row.get(1)? });
        Ok(self.connection.find(FILE, params![name], kept)?)
    }

    /// Who was ever erased from the desk.
    pub(crate) fn erased(&self) -> Result<Vec<Person>, OpenError> {
        Ok(people::erased_in(&self.connection)?)
    }

    /// All that the desk knows of a person.
    pub(crate) fn known(&self, person: &Person) -> Outcome<Known> {
        people::known(&self.connection, person)
    }

    /// What the rows say about themselves.
    pub(crate) fn rows(&self) -> Outcome<Rows> {
        super::check::rows(&self.connection)
    }

    /// Everything SQLite finds wrong, at most a hundred lines.
    pub(crate) fn faults(&self) -> Result<Vec<String>, OpenError> {
        Ok(self.connection.faults()?)
    }
}

/// How long whoever empties a desk's log waits for those who still read there. No commit gets through meanwhile, and one
/// that waits for too long fails.
const READERS_PATIENCE: Duration = Duration::from_secs(1);

/// Moves what a desk's log holds into its database, and empties the log. False: somebody still reads there, such as a
/// backup, and what it held may stand in it.
pub(crate) fn finish(path: &Path) -> Result<bool, OpenError> {
    sqlite::empty_log(path, READERS_PATIENCE)
}

/// Makes the search index of a desk anew. No server may have it.
pub(crate) fn rebuild_words(path: &Path) -> Result<(), OpenError> {
    Ok(super::check::rebuild_words(&super::open(path, "")?)?)
}

/// Makes a desk of a copy of a backup: in the format of this server, without the files' rows, and with a log of its
/// own, so that every client takes a new snapshot and offers again what it has said lately. Files on their way begin
/// anew, for their first parts are in no backup. Who was erased since goes
/// again; what is returned are the names of their files.
pub(crate) fn become_a_desk(path: &Path, erased: Vec<Person>, now: Timestamp) -> Result<Vec<String>, OpenError> {
    let connection = super::open(path, "")?;
    connection
        .run_script("DROP TABLE backup_file; DROP TABLE backup; DELETE FROM upload WHERE attachment IS NULL; VACUUM")?;
    super::log::begin_another_epoch(&connection)?;
    let (job, mut answered) = ask(move |write| {
        let mut files = Vec::new();
        for person in erased {
            match people::erase(write, &person) {
                Ok(gone) => files.extend(gone.files),
                // The backup is older than the person.
                Err(Failure::Refused(_)) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(files)
    });
    Batches::new(connection).run(vec![job], now, |_| {});
    let files = answered.try_recv().unwrap_or(Err(Failure::Busy));
    let files = files.map_err(|failure| OpenError::Io(std::io::Error::other(failure.into_refusal().message)))?;
    // Nobody else has it yet.
    finish(path)?;
    Ok(files)
}
