//! The real client with its real cache, at a real desk.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod blocked;
mod computer;
mod faults;
mod kills;
mod outbox;
mod partitions;
mod stage;
mod stories;
mod streams;
mod traces;
mod uploads;
