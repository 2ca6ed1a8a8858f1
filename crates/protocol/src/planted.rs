//! Bugs that tests plant on purpose, to see whether they are found. No product has the feature, and without it every
//! question here is a constant.

/// A bug that can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// The server answers a command before its transaction is durable.
    AckBeforeCommit,
    /// The cache writes the cursor before the rows that belong to it.
    CursorOutsideTransaction,
    /// The server does not look whether it has done a command.
    DedupeDropped,
    /// A delta begins with the change that the one before has ended with.
    DeltaBorder,
    /// A command leaves the outbox when it is acknowledged, and not when the cursor passes its change.
    RemovedOnAck,
    /// What follows a snapshot begins at its end, and not at its beginning.
    SnapshotFromItsEnd,
    /// A command that is sent again does not wait for the one before it.
    OrderLostOnRetry,
    /// Another log is not offered what the old one had.
    NothingOfferedAgain,
    /// A page of older messages counts for all that is older.
    HoleCovered,
    /// A read mark goes back.
    ReadMarkGoesBack,
}

#[cfg(all(feature = "planted", not(debug_assertions)))]
compile_error!("bugs are planted in tests alone");

#[cfg(feature = "planted")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Plants a bug in everything that runs on this thread, or takes it out.
#[cfg(feature = "planted")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Whether a bug is planted here.
#[cfg(feature = "planted")]
pub fn is_planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Whether a bug is planted here: it is not.
#[cfg(not(feature = "planted"))]
#[inline(always)]
pub const fn is_planted(_: Bug) -> bool {
    false
}
