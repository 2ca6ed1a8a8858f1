//! Agents, visitors and servers on a bad network, decided by a seed.
//!
//! Everything that matters is the product's own: the engine, the cache on a real disk, and the server's store,
//! commands and feeds. Time, network and crashes are simulated, so a failing seed fails again in the same way.
//! The end of every run is quiet: by then every screen must equal the desk, with nothing lost, nothing done twice
//! and the order kept.
#![allow(clippy::panic, reason = "a simulated computer that cannot go on has failed its seed, and says why")]

mod check;
mod computer;
mod network;
mod world;

pub use world::{Failure, Story, run};
