//! One process at a time serves or changes a desk.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::OperationError;

/// The desk is this process's until this is dropped, or the process ends in whatever way.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
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
