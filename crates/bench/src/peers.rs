//! What others do with the same messages: a program of its own, whose packages are no part of the product.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::chats::Chats;
use crate::search::{Asked, write_messages};

/// What tantivy needed.
#[derive(Deserialize)]
pub(crate) struct Peer {
    /// Processor time of each query, in several rounds.
    pub(crate) search_ms: Vec<Vec<f64>>,
    /// On the wall, from a message to its hit: added, committed, reloaded, found.
    pub(crate) found_ms: Vec<f64>,
    /// matrix-sdk's event cache, encrypted.
    pub(crate) matrix: Rates,
    /// The same without encryption.
    pub(crate) matrix_open: Rates,
}

/// Events for each second of processor time.
#[derive(Deserialize)]
pub(crate) struct Rates {
    /// 25 in a transaction.
    pub(crate) few: f64,
    /// 5,000 in a transaction.
    pub(crate) many: f64,
}

/// Runs them.
pub(crate) fn run(program: &Path, chats: &Chats, queries: &[Asked]) -> Peer {
    let directory = tempfile::tempdir().unwrap();
    let (messages, asked) = (directory.path().join("messages"), directory.path().join("queries"));
    write_messages(&mut File::create(&messages).unwrap(), chats).unwrap();
    serde_json::to_writer(File::create(&asked).unwrap(), queries).unwrap();
    eprintln!("search: tantivy and matrix-sdk with the same messages");
    let output = Command::new(program)
        .args([&messages, &asked, &directory.path().join("peers")])
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}; build it with `cargo xtask bench`", program.display()));
    assert!(output.status.success(), "the peers failed");
    serde_json::from_slice(&output.stdout).unwrap()
}
