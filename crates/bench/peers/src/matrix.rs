//! matrix-sdk's event cache on SQLite, without an index of words, encrypted as its clients have it and open. What comes
//! together is written as it has it: each room by itself, in a transaction of its own.

use std::collections::HashMap;
use std::path::Path;

use matrix_sdk_base::deserialized_responses::TimelineEvent;
use matrix_sdk_base::event_cache::store::EventCacheStore;
use matrix_sdk_base::linked_chunk::{ChunkIdentifier, LinkedChunkId, Position, Update};
use matrix_sdk_base::ruma::{OwnedRoomId, RoomId, serde::Raw};
use matrix_sdk_sqlite::SqliteEventCacheStore;
use rustix::time::ClockId;
use serde::Serialize;

use crate::said::{FEW, MANY, MESSAGES, Result, Said, processor, rate};

/// Events for each second of processor time.
#[derive(Serialize)]
pub(crate) struct Rates {
    few: f64,
    many: f64,
    one_room: f64,
}

/// With [`FEW`] and with [`MANY`] that come together, and with [`MANY`] that are all of one room. With a passphrase it
/// encrypts what an event says, with a key derived when it is opened.
pub(crate) fn measure(messages: &[Said], directory: &Path, passphrase: Option<&str>) -> Result<Rates> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let messages = &messages[..MESSAGES.min(messages.len())];
    let run = |name: &str, size: usize, room: fn(usize, &Said) -> String| {
        runtime.block_on(fill(messages, size, room, &directory.join(name), passphrase))
    };
    Ok(Rates {
        few: run("few", FEW, |_, said| said.room())?,
        many: run("many", MANY, |_, said| said.room())?,
        one_room: run("one-room", MANY, |part, _| format!("!{part}:example.com"))?,
    })
}

async fn fill(
    messages: &[Said],
    size: usize,
    room: impl Fn(usize, &Said) -> String,
    directory: &Path,
    passphrase: Option<&str>,
) -> Result<f64> {
    let store = SqliteEventCacheStore::open(directory, passphrase).await?;
    let chunk = ChunkIdentifier::new(0);
    let mut in_room: HashMap<OwnedRoomId, usize> = HashMap::new();
    let mut batches = Vec::new();
    for (part, said) in messages.chunks(size).enumerate() {
        let mut of_each: HashMap<OwnedRoomId, Vec<TimelineEvent>> = HashMap::new();
        for said in said {
            of_each.entry(RoomId::parse(room(part, said))?).or_default().push(event(said)?);
        }
        for (room, items) in of_each {
            let before = in_room.entry(room.clone()).or_default();
            let new = Update::NewItemsChunk { previous: None, new: chunk, next: None };
            let mut updates: Vec<_> = (*before == 0).then_some(new).into_iter().collect();
            let at = Position::new(chunk, *before);
            *before += items.len();
            updates.push(Update::PushItems { at, items });
            batches.push((room, updates));
        }
    }
    let began = processor(ClockId::ProcessCPUTime);
    for (room, updates) in batches {
        store.handle_linked_chunk_updates(LinkedChunkId::Room(&room), updates).await?;
    }
    Ok(rate(messages.len(), began))
}

fn event(said: &Said) -> Result<TimelineEvent> {
    Ok(TimelineEvent::from_plaintext(Raw::from_json(serde_json::value::to_raw_value(&said.source())?)))
}
