//! The same messages in tantivy and in matrix-sdk's event cache. Called by `deskbell-bench` with a file of messages (one
//! a line: id, conversation, text), a file of queries (JSON) and a directory; prints JSON.

mod matrix;
mod search;

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// A message.
struct Said {
    id: i64,
    conversation: String,
    text: String,
}

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
    let messages: Vec<Said> = fs::read_to_string(messages)?.lines().filter_map(said).collect();
    let queries: Vec<Asked> = serde_json::from_slice(&fs::read(queries)?)?;
    let matrix = matrix::measure(&messages, &directory.join("matrix"), Some("a passphrase"))?;
    let matrix_open = matrix::measure(&messages, &directory.join("matrix-open"), None)?;
    let search::Measured { search_ms, found_ms } =
        search::measure(&messages, &queries, &directory.join("tantivy"))?;
    let report = Report { search_ms, found_ms, matrix, matrix_open };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

fn said(line: &str) -> Option<Said> {
    let mut parts = line.splitn(3, '\t');
    let id = parts.next()?.parse().ok()?;
    Some(Said { id, conversation: parts.next()?.to_owned(), text: parts.next()?.to_owned() })
}

/// Processor time, of this thread or of all.
fn processor(clock: ClockId) -> Duration {
    let now = clock_gettime(clock);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// How many of them go into a second of all threads' processor time.
fn rate(count: usize, began: Duration) -> f64 {
    count as f64 / (processor(ClockId::ProcessCPUTime) - began).as_secs_f64()
}
