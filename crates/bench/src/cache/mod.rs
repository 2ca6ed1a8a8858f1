//! The agent's cache beside plain inserts and plain queries into the same schema, with and without encryption.

mod apply;
mod lists;
mod ours;
mod raw;
mod resync;

use deskbell_cache::Key;
use deskbell_engine::Batch;
use deskbell_protocol::{Change, Entity, Seq};
use tempfile::TempDir;

use crate::chats::{Chats, Said};
use crate::row::Row;
pub(crate) use ours::ME;
use ours::Ours;
use raw::{Raw, Rows};

/// A place in the log that no other message reaches.
const AFTER_ALL: i64 = 1_000_000_000;

/// One cache of ours and one of the baseline, made of the same messages.
pub(crate) struct Pair {
    pub(crate) ours: Ours,
    pub(crate) raw: Raw,
    key: Key,
    directory: TempDir,
    /// Messages that came after all others.
    live: i64,
}

impl Pair {
    pub(crate) fn new(is_encrypted: bool) -> Self {
        let key = if is_encrypted { Key::random() } else { Key::absent() };
        let directory = tempfile::tempdir().unwrap();
        let ours = Ours::open(&directory.path().join("ours"), &key);
        let raw = Raw::open(&directory.path().join("raw"), &key, is_encrypted);
        Self { ours, raw, key, directory, live: 0 }
    }

    /// One message more in the newest conversation: as it comes, and as its rows.
    pub(crate) fn one_more(&mut self, chats: &Chats, text: &str) -> (Batch, Vec<Rows>) {
        self.live += 1;
        let last = chats.messages.last().unwrap();
        let said = Said {
            id: last.id + self.live,
            number: last.number + self.live,
            text: text.to_owned(),
            agent: None,
            ..last.clone()
        };
        let seq = AFTER_ALL + 2 * self.live;
        let entities = [Entity::Message(ours::message(&said)), Entity::Conversation(ours::head(chats, &said))];
        let changes =
            entities.iter().zip(1..).map(|(entity, step)| Change::put(Seq(seq + step), entity, None).unwrap());
        let batch = ours::delta(seq, seq + 2, changes.collect());
        (batch, raw::rows(chats, &[said], 1))
    }
}

/// Both databases full of the messages, and what filling them showed.
pub(crate) struct Filled {
    pub(crate) encrypted: Pair,
    pub(crate) open: Pair,
    pub(crate) rows: Vec<Row>,
    pub(crate) rates: Vec<Rate>,
}

/// Messages for each second of processor time.
pub(crate) struct Rate {
    /// `many` or `few` in a transaction.
    pub(crate) which: &'static str,
    pub(crate) encrypted: f64,
    pub(crate) open: f64,
}

/// Fills the caches.
pub(crate) fn fill(chats: &Chats) -> Filled {
    apply::fill(chats)
}

/// What the full caches answer.
pub(crate) fn measure(chats: &Chats, filled: &mut Filled) -> Vec<Row> {
    let mut rows = std::mem::take(&mut filled.rows);
    rows.extend(apply::backfill(chats));
    rows.extend(lists::measure(chats, &mut filled.encrypted, &mut filled.open));
    rows.extend(resync::measure());
    rows
}
