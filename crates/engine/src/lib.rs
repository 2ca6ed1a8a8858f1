//! The sync state machine and outbox rules, without input or output.
