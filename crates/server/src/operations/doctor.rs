//! Looks a desk over, says in plain sentences what to do, and mends what is safe to mend.

use std::collections::HashMap;
use std::path::Path;

use deskbell_protocol::AttachmentId;
use futures_util::TryStreamExt as _;

use super::{FREE_BYTES_LEAST, Lock, OperationError, database, file_store, free_bytes};
use crate::file_store::Lying;
use crate::store::backup::{Copy, rebuild_words};

/// A clock may be this far behind what was written by it, in milliseconds.
const CLOCK_MS: i64 = 5 * 60 * 1000;
/// Files named one by one; of more, the number is told.
const NAMED: usize = 10;

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Data are wrong or lost. Otherwise somebody should know, and nothing is broken.
    pub fault: bool,
    /// What it is and what to do, in one or two sentences.
    pub sentence: String,
}

/// What was found, and what was mended of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnosis {
    /// What is not as it should be, after the repair.
    pub findings: Vec<Finding>,
    /// What was mended, in sentences.
    pub mended: Vec<String>,
    /// Room on the disk, in bytes.
    pub free_bytes: u64,
    /// What the database takes of it, in bytes.
    pub database_bytes: u64,
}

impl Diagnosis {
    fn fault(&mut self, sentence: impl Into<String>) {
        self.findings.push(Finding { fault: true, sentence: sentence.into() });
    }

    fn advice(&mut self, sentence: impl Into<String>) {
        self.findings.push(Finding { fault: false, sentence: sentence.into() });
    }

    /// Whether data are sound.
    pub fn is_sound(&self) -> bool {
        !self.findings.iter().any(|finding| finding.fault)
    }
}

/// Looks a desk over, also while it is served. With `repair`, which needs a desk that is not served, the search index
/// is made anew when it is wrong, and files that belong to no message are removed. Blocks on the disk.
///
/// # Errors
/// [`OperationError`] when the desk cannot be looked at at all.
pub async fn examine(data: &Path, repair: bool) -> Result<Diagnosis, OperationError> {
    let path = database(data)?;
    let _lock = if repair { Some(Lock::take(data)?) } else { None };
    let desk = Copy::read_only(&path)?;
    let mut found = Diagnosis::default();
    rows(&desk, &path, repair, &mut found)?;
    if found.is_sound() {
        compare_files(&desk, data, repair, &mut found).await?;
    }
    permissions(data, &mut found)?;
    room(&path, data, &mut found)?;
    Ok(found)
}

fn rows(desk: &Copy, path: &Path, repair: bool, found: &mut Diagnosis) -> Result<(), OperationError> {
    let rows = desk.rows().map_err(|failure| OperationError::Refused(failure.into_refusal().message))?;
    for fault in &rows.faults {
        found.fault(format!("The database is damaged ({fault}). Stop the server and restore the last backup."));
    }
    for (table, missing, extra) in &rows.log {
        found.fault(format!(
            "The change log does not fit the table {table}: {missing} rows are not in it, {extra} of its entries have no row. \
             Somebody has changed the database by hand; restore the last backup."
        ));
    }
    if rows.ahead > 0 {
        found.fault(format!("{} entries of the change log lie behind its end. Restore the last backup.", rows.ahead));
    }
    if rows.not_dense > 0 {
        let number = rows.not_dense;
        found.fault(format!("Messages of {number} conversations have gaps in their numbers. Restore the last backup."));
    }
    let (missing, extra) = rows.not_found;
    if missing + extra > 0 {
        if repair && rows.faults.is_empty() {
            rebuild_words(path)?;
            found.mended.push("The search index was made anew.".to_owned());
        } else {
            found.fault(format!(
                "The search index is wrong: {missing} messages are not in it, {extra} of its entries have no message. \
                 Stop the server and run this again with --repair."
            ));
        }
    }
    let behind = rows.newest_at.saturating_sub(crate::clock());
    if behind > CLOCK_MS {
        let minutes = behind / 60_000;
        found.advice(format!("This computer's clock is {minutes} minutes behind what was written here; set it right."));
    }
    if rows.agents == 0 {
        found.advice("Nobody can sign in; add somebody with: deskbell-server agent add");
    }
    if rows.sites_without_origins > 0 {
        let number = rows.sites_without_origins;
        found.advice(format!("{number} sites have no origin, so their widget shows on no page; give them one."));
    }
    Ok(())
}

async fn compare_files(desk: &Copy, data: &Path, repair: bool, found: &mut Diagnosis) -> Result<(), OperationError> {
    let store = file_store(data)?;
    let all = store.all().try_collect::<HashMap<_, _>>().await;
    let mut lying = all.map_err(OperationError::files(&store, ""))?;
    let (mut missing, mut cut) = (Vec::new(), Vec::new());
    let mut after = AttachmentId(0);
    loop {
        let names = desk.names(after)?;
        let Some(last) = names.last() else { break };
        after = last.id;
        for row in names {
            let seen = match lying.remove(&row.file) {
                // It may have come since they were listed.
                None => store.find(&row.file).await.map_err(OperationError::files(&store, &row.file))?,
                seen => seen,
            };
            match seen {
                Some(file) if i64::try_from(file.size) == Ok(row.size) => {}
                Some(_) => cut.push(store.name(&row.file)),
                // A file may be deleted with its row between the two looks.
                None if desk.has_attachment(row.id)? => missing.push(store.name(&row.file)),
                None => {}
            }
        }
    }
    if !missing.is_empty() {
        found.fault(format!("Files of messages are missing: {}. Take them from a backup.", list(&missing)));
    }
    if !cut.is_empty() {
        found.fault(format!("Files are not as long as they were: {}. Take them from a backup.", list(&cut)));
    }
    let orphans: Vec<String> = lying.into_iter().filter(|(_, file)| is_old(file)).map(|(name, _)| name).collect();
    if orphans.is_empty() {
        return Ok(());
    }
    if repair {
        for orphan in &orphans {
            store.remove(orphan).await.map_err(OperationError::files(&store, orphan))?;
        }
        found.mended.push(format!("{} files that belong to no message were removed.", orphans.len()));
    } else {
        let orphans: Vec<String> = orphans.iter().map(|orphan| store.name(orphan)).collect();
        found.advice(format!(
            "Files belong to no message: {}. Stop the server and run this again with --repair to remove them.",
            list(&orphans)
        ));
    }
    Ok(())
}

/// A file gets its place a moment before its row.
fn is_old(file: &Lying) -> bool {
    file.since.elapsed().is_ok_and(|age| age.as_secs() > 60 * 60)
}

fn list(names: &[String]) -> String {
    let mut named = names.iter().take(NAMED).cloned().collect::<Vec<_>>();
    if names.len() > NAMED {
        named.push(format!("and {} more", names.len() - NAMED));
    }
    named.join(", ")
}

/// A backup on the same disk takes as much again as the database.
fn room(path: &Path, data: &Path, found: &mut Diagnosis) -> Result<(), OperationError> {
    found.free_bytes = free_bytes(data)?;
    found.database_bytes = std::fs::metadata(path).map_err(OperationError::io(path))?.len();
    let megabytes = found.free_bytes / (1024 * 1024);
    if found.free_bytes < FREE_BYTES_LEAST {
        found
            .advice(format!("Only {megabytes} MB are free on the disk; make room, or the server soon stores nothing."));
    } else if found.free_bytes < found.database_bytes {
        found.advice(format!(
            "{megabytes} MB are free on the disk, less than the database takes; write backups elsewhere."
        ));
    }
    Ok(())
}

/// Nobody else of this computer has any business in the directory.
fn permissions(data: &Path, found: &mut Diagnosis) -> Result<(), OperationError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(data).map_err(OperationError::io(data))?.permissions().mode();
        if mode & 0o077 != 0 {
            let place = data.display();
            found.advice(format!("Other users of this computer can look into {place}; run: chmod 700 {place}"));
        }
    }
    #[cfg(not(unix))]
    let _ = (data, found);
    Ok(())
}
