//! The same messages in tantivy and in matrix-sdk's event cache. Called by `deskbell-bench` with a file of messages, a
//! file of queries (JSON) and a directory; prints JSON.

mod matrix;
mod said;
mod search;

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use said::Result;

/// A query: all of its words, the last of which may go on when it has more than one letter.
#[derive(Deserialize)]
struct Asked {
    words: Vec<String>,
}

#[derive(Serialize)]
struct Report {
    search_ms: Vec<Vec<f64>>,
    found_ms: Vec<f64>,
    matrix: matrix::Rates,
    matrix_open: matrix::Rates,
}

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [messages, queries, directory] = arguments.as_slice() else {
        return Err("usage: deskbell-bench-peers MESSAGES QUERIES DIRECTORY".into());
    };
    let messages = said::read(messages)?;
    let queries: Vec<Asked> = serde_json::from_slice(&fs::read(queries)?)?;
    let matrix = matrix::measure(&messages, &directory.join("matrix"), Some("a passphrase"))?;
    let matrix_open = matrix::measure(&messages, &directory.join("matrix-open"), None)?;
    let search::Measured { search_ms, found_ms } = search::measure(&messages, &queries, &directory.join("tantivy"))?;
    let report = Report { search_ms, found_ms, matrix, matrix_open };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}
