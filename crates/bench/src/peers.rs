//! What others do with the same messages: programs of their own, whose packages are no part of the product.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::chats::Chats;
use crate::search::{Asked, write_messages};

/// What they needed.
#[derive(Deserialize)]
pub(crate) struct Peers {
    /// Processor time of each of tantivy's queries, in several rounds.
    pub(crate) search_ms: Vec<Vec<f64>>,
    /// On the wall, from a message to its hit in tantivy: added, committed, reloaded, found.
    pub(crate) found_ms: Vec<f64>,
    /// matrix-sdk's event cache, encrypted.
    pub(crate) matrix: Rates,
    /// The same without encryption.
    pub(crate) matrix_open: Rates,
}

/// What seshat needed.
#[derive(Deserialize)]
pub(crate) struct Seshat {
    pub(crate) seshat: Rates,
    /// The same without encryption.
    pub(crate) seshat_open: Rates,
}

/// Messages for each second of processor time.
#[derive(Deserialize)]
pub(crate) struct Rates {
    /// 25 come together.
    pub(crate) few: f64,
    /// 5,000 come together.
    pub(crate) many: f64,
    /// 5,000 come together, all of one conversation.
    pub(crate) one_room: Option<f64>,
}

/// Runs them.
pub(crate) fn run(programs: &Path, chats: &Chats, queries: &[Asked]) -> (Peers, Seshat) {
    let directory = tempfile::tempdir().unwrap();
    let (messages, asked) = (directory.path().join("messages"), directory.path().join("queries"));
    write_messages(&mut File::create(&messages).unwrap(), chats).unwrap();
    serde_json::to_writer(File::create(&asked).unwrap(), queries).unwrap();
    eprintln!("search: tantivy, matrix-sdk and seshat with the same messages");
    let peers = report(programs, "deskbell-bench-peers", &[&messages, &asked, &directory.path().join("peers")]);
    (peers, report(programs, "deskbell-bench-seshat", &[&messages, &directory.path().join("seshat")]))
}

fn report<T: DeserializeOwned>(programs: &Path, name: &str, arguments: &[&Path]) -> T {
    let program = programs.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let output = Command::new(&program)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}; build it with `cargo xtask bench`", program.display()));
    assert!(output.status.success(), "{name} failed");
    serde_json::from_slice(&output.stdout).unwrap()
}
