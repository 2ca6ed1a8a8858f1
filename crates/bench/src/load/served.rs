//! A server in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::param::{clock_ticks_per_second, page_size};
use serde::Deserialize;
use tempfile::TempDir;

/// What is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The desk server.
    Desk,
    /// The least a chat server of the same durability can do.
    Floor,
}

/// What a server tells when it starts.
#[derive(Debug, Deserialize)]
pub(crate) struct Told {
    pub(crate) address: SocketAddr,
    /// The site's key; of the desk alone, as all below.
    #[serde(default)]
    pub(crate) site: String,
    /// Of the shop's pages.
    #[serde(default)]
    pub(crate) origin: String,
    /// Of signed-in devices.
    #[serde(default)]
    pub(crate) tokens: Vec<String>,
}

/// A running server; it ends when dropped, and its data go with it.
pub(crate) struct Served {
    kind: Kind,
    process: Child,
    pub(crate) told: Arc<Told>,
    data: TempDir,
}

impl Served {
    pub(crate) fn start(kind: Kind, devices: usize) -> Self {
        let data = tempfile::tempdir().unwrap();
        let (process, told) = begin(kind, data.path(), "127.0.0.1:0", devices);
        Self { kind, process, told: Arc::new(told), data }
    }

    /// Ends it as a crash does, and starts it again with the same data at the same address.
    pub(crate) fn crash(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let address = self.told.address.to_string();
        (self.process, _) = begin(self.kind, self.data.path(), &address, self.told.tokens.len());
    }

    /// Memory that is its own, in bytes: what it has in RAM without the files it maps.
    pub(crate) fn memory(&self) -> f64 {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.process.id())).unwrap();
        let mut pages = statm.split(' ').skip(1).map(|pages| pages.parse::<f64>().unwrap());
        let (resident, shared) = (pages.next().unwrap(), pages.next().unwrap());
        #[allow(clippy::cast_precision_loss, reason = "a page has some kilobytes")]
        let page = page_size() as f64;
        (resident - shared) * page
    }

    /// Processor time so far, of this start alone.
    pub(crate) fn processor(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        // The second field is the program's name in parentheses and may hold anything; user and system time are the
        // fourteenth and the fifteenth (proc(5)).
        let after = stat.rsplit(") ").next().unwrap();
        let ticks: u64 = after.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 1000 / clock_ticks_per_second())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn begin(kind: Kind, data: &Path, listen: &str, devices: usize) -> (Child, Told) {
    let program = std::env::current_exe().unwrap();
    let program = program.with_file_name(format!("deskbell-bench-served{}", std::env::consts::EXE_SUFFIX));
    let what = match kind {
        Kind::Desk => "desk",
        Kind::Floor => "floor",
    };
    let mut process = Command::new(&program)
        .args([what, "--listen", listen, "--devices", &devices.to_string(), "--data"])
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let told = serde_json::from_str(&line).unwrap_or_else(|error| panic!("the server told {line:?}: {error}"));
    (process, told)
}
