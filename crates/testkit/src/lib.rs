//! A real desk for tests, and people who use it.
//!
//! Ann and Ben are agents; Vic and Wen are visitors. Everything is real: SQLite files in a directory of their
//! own, sockets on this computer, the server's own code. Functions panic when the stage itself cannot be set up,
//! because a test has nothing to say then.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot be set up has failed")]

mod agent;
mod desk;
pub mod provider;
pub mod proxy;
mod requests;
mod socket;
pub mod traces;
mod visitor;

pub use agent::AgentSocket;
pub use desk::{ANN, BEN, Person, TestDesk};
pub use requests::{Answered, RequestingVisitor, Requests};
pub use socket::PATIENCE;
pub use visitor::Visitor;
