//! Copies a desk with its files into one file, also while it is served.

use std::path::Path;

use deskbell_protocol::AttachmentId;
use sha2::{Digest as _, Sha256};

use super::{OperationError, database, file_store, flush, make_private};
use crate::OpenError;
use crate::file_store::FileStore;
use crate::store::backup::Copy;

/// How often a backup is begun anew because a file went away under it.
const TRIES: u32 = 5;

/// What a backup has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// Files of messages.
    pub files: u64,
    /// Files that rows name and that do not lie where they should; the backup has none of them either.
    pub missing: u64,
    /// Size of the backup, in bytes.
    pub bytes: u64,
}

/// Writes the desk of `data` as it is at one moment into the new file `to`, and reads it again. The desk may be
/// served and written to meanwhile. `to` is there only when it is whole. Blocks on the disk.
///
/// # Errors
/// [`OperationError`]; no half-made file is left behind.
pub async fn back_up(data: &Path, to: &Path) -> Result<BackedUp, OperationError> {
    let desk = database(data)?;
    if to.try_exists().map_err(OperationError::io(to))? {
        return Err(OperationError::Exists(to.display().to_string()));
    }
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    let store = file_store(data)?;
    for _ in 0..TRIES {
        remove(part)?;
        let copied = copy(&store, &desk, part).await;
        if !matches!(copied, Ok(Some(_))) {
            remove(part)?;
        }
        let Some((files, missing)) = copied? else { continue };
        flush(part)?;
        let bytes = std::fs::metadata(part).map_err(OperationError::io(part))?.len();
        std::fs::rename(part, to).map_err(OperationError::io(to))?;
        flush(to)?;
        return Ok(BackedUp { files, missing, bytes });
    }
    Err(OperationError::Restless)
}

fn remove(path: &Path) -> Result<(), OperationError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(OperationError::io(path)(error)),
        _ => Ok(()),
    }
}

/// The number of files and of those missing. `None`: a file was deleted in the meantime, and a backup must not know
/// more than the desk does.
async fn copy(store: &FileStore, desk: &Path, part: &Path) -> Result<Option<(u64, u64)>, OperationError> {
    // Made first, so that nobody else can read it at any time.
    std::fs::File::create_new(part).map_err(OperationError::io(part))?;
    make_private(part)?;
    let copy = Copy::of(desk, part, crate::clock())?;
    let live = Copy::read_only(desk)?;
    let (mut files, mut missing) = (0, 0);
    let mut after = AttachmentId(0);
    loop {
        let names = copy.names(after)?;
        let Some(last) = names.last() else { break };
        after = last.id;
        for named in names {
            match store.read(&named.file).await.map_err(OperationError::files(store, &named.file))? {
                Some(bytes) => {
                    copy.add_file(&named.file, &Sha256::digest(&bytes), &bytes)?;
                    files += 1;
                }
                None if live.has_attachment(named.id)? => missing += 1,
                None => return Ok(None),
            }
        }
    }
    drop(copy);
    read(part, async |_, _| Ok(())).await?;
    Ok(Some((files, missing)))
}

/// Reads a backup from end to end, and hands on the name and the bytes of each file.
pub(super) async fn read(
    path: &Path,
    each: impl AsyncFnMut(String, Vec<u8>) -> Result<(), OperationError>,
) -> Result<(), OperationError> {
    walk(path, each).await.map_err(|error| match error {
        OperationError::Open(OpenError::Damaged { detail }) => not_a_backup(path, detail),
        error => error,
    })
}

fn not_a_backup(path: &Path, detail: String) -> OperationError {
    OperationError::NotABackup { file: path.display().to_string(), detail }
}

/// Whether a server makes such names for files. They become paths, and a backup may come from anywhere.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

async fn walk(
    path: &Path,
    mut each: impl AsyncFnMut(String, Vec<u8>) -> Result<(), OperationError>,
) -> Result<(), OperationError> {
    let copy = Copy::read_only(path)?;
    if copy.made_at()?.is_none() {
        return Err(not_a_backup(path, "it is a database that `deskbell-server backup` did not write".to_owned()));
    }
    if let Some(fault) = copy.faults()?.into_iter().next() {
        return Err(not_a_backup(path, fault));
    }
    let mut after = AttachmentId(0);
    loop {
        let names = copy.names(after)?;
        let Some(last) = names.last() else { return Ok(()) };
        after = last.id;
        for named in names {
            if !is_plain(&named.file) {
                return Err(not_a_backup(path, "a file in it has a name that no server gives".to_owned()));
            }
            // A file that was missing when the backup was made is missing in it.
            let Some(kept) = copy.file(&named.file)? else { continue };
            if Sha256::digest(&kept.bytes).as_slice() != kept.sha256 {
                return Err(not_a_backup(path, format!("the file {} has changed since", named.file)));
            }
            each(named.file, kept.bytes).await?;
        }
    }
}
