//! One process at a time serves or changes a desk.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use super::OperationError;

/// How long one process waits for what another one is about to finish, and how often it looks.
pub(super) const SOON: Duration = Duration::from_secs(3);
pub(super) const AGAIN: Duration = Duration::from_millis(20);

/// The desk is this process's until this is dropped, or the process ends in whatever way.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the desk of a directory, once a command that changes it at this moment has done so.
    ///
    /// # Errors
    /// [`OperationError::InUse`] when another process keeps it.
    pub(crate) async fn take_soon(data: &Path) -> Result<Self, OperationError> {
        let until = Instant::now() + SOON;
        loop {
            match Self::take(data) {
                Err(OperationError::InUse(_)) if Instant::now() < until => tokio::time::sleep(AGAIN).await,
                taken => return taken,
            }
        }
    }

    /// Takes the desk of a directory.
    ///
    /// # Errors
    /// [`OperationError::InUse`] when another process has it.
    pub(crate) fn take(data: &Path) -> Result<Self, OperationError> {
        let path = data.join("desk.lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(OperationError::io(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OperationError::InUse(data.display().to_string())),
            Err(TryLockError::Error(error)) => Err(OperationError::io(&path)(error)),
        }
    }
}
