//! What the shell promises, tried with the real configuration, capabilities and permissions.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod acl;
mod configuration;
