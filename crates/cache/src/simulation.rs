//! Programs that die in the middle of their work, for simulations.

use std::cell::Cell;

use crate::error::CacheError;

thread_local! {
    /// Transactions that still become durable.
    static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
}

/// Lets so many more transactions of this thread become durable and then none, as if the program died there. `None`:
/// it lives.
pub fn die_after(transactions: Option<u32>) {
    LEFT.set(transactions);
}

/// Transactions that still become durable. `Some(0)`: the program is dead.
pub fn left() -> Option<u32> {
    LEFT.get()
}

/// A transaction is to become durable.
pub(crate) fn commit() -> Result<(), CacheError> {
    match LEFT.get() {
        None => Ok(()),
        Some(0) => Err(CacheError::Internal("the program is dead".to_owned())),
        Some(left) => {
            LEFT.set(Some(left - 1));
            Ok(())
        }
    }
}
