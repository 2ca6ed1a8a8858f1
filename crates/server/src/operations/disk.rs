//! How much room there is.

use std::path::Path;

use super::OperationError;

/// With less room than this, in bytes, a server is not ready: a file of the largest size and what the database writes
/// beside it would no longer fit.
pub(crate) const FREE_BYTES_LEAST: u64 = 64 * 1024 * 1024;

/// Bytes that the server may still write where its data are. Blocks on the disk.
pub(crate) fn free_bytes(data: &Path) -> Result<u64, OperationError> {
    fs4::available_space(data).map_err(OperationError::io(data))
}
