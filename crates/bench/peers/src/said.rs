//! The messages that others get too, and what they cost. Every program of this kind reads them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Messages of a run.
pub(crate) const MESSAGES: usize = 50_000;
/// Messages that come together, when little comes at once and when much does.
pub(crate) const FEW: usize = 25;
pub(crate) const MANY: usize = 5000;

/// A message.
pub(crate) struct Said {
    pub(crate) id: i64,
    pub(crate) conversation: String,
    pub(crate) text: String,
}

/// Reads a file with one message a line: id, conversation, text.
pub(crate) fn read(messages: &Path) -> Result<Vec<Said>> {
    Ok(fs::read_to_string(messages)?.lines().filter_map(said).collect())
}

fn said(line: &str) -> Option<Said> {
    let mut parts = line.splitn(3, '\t');
    let id = parts.next()?.parse().ok()?;
    Some(Said { id, conversation: parts.next()?.to_owned(), text: parts.next()?.to_owned() })
}

impl Said {
    /// Its place on Matrix.
    pub(crate) fn room(&self) -> String {
        format!("!{}:example.com", self.conversation)
    }

    pub(crate) fn event(&self) -> String {
        format!("${}:example.com", self.id)
    }

    pub(crate) fn sender(&self) -> String {
        format!("@visitor{}:example.com", self.conversation)
    }

    /// In milliseconds.
    pub(crate) fn at(&self) -> i64 {
        self.id >> 12
    }

    /// What a server of Matrix would send.
    pub(crate) fn source(&self) -> serde_json::Value {
        serde_json::json!({
            "type": "m.room.message",
            "event_id": self.event(),
            "sender": self.sender(),
            "origin_server_ts": self.at(),
            "content": { "msgtype": "m.text", "body": self.text },
        })
    }
}

/// Processor time, of this thread or of all.
pub(crate) fn processor(clock: ClockId) -> Duration {
    let now = clock_gettime(clock);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// How many of them go into a second of all threads' processor time.
pub(crate) fn rate(count: usize, began: Duration) -> f64 {
    count as f64 / (processor(ClockId::ProcessCPUTime) - began).as_secs_f64()
}
