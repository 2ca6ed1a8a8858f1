//! matrix-sdk's event cache on SQLite, without an index of words, encrypted as its clients have it and open. A transaction
//! holds events of one room.

use std::path::Path;

use matrix_sdk_base::deserialized_responses::TimelineEvent;
use matrix_sdk_base::event_cache::store::EventCacheStore;
use matrix_sdk_base::linked_chunk::{ChunkIdentifier, LinkedChunkId, Position, Update};
use matrix_sdk_base::ruma::{OwnedRoomId, RoomId, serde::Raw};
use matrix_sdk_sqlite::SqliteEventCacheStore;
use rustix::time::ClockId;
use serde::Serialize;

use crate::{Result, Said, processor, rate};

/// Events of a run.
const EVENTS: usize = 50_000;
/// Events of a transaction.
const FEW: usize = 25;
const MANY: usize = 5000;

/// Events for each second of processor time.
#[derive(Serialize)]
pub(crate) struct Rates {
    few: f64,
    many: f64,
}

/// At [`FEW`] and at [`MANY`] a transaction. With a passphrase it encrypts what an event says, with a key derived when it
/// is opened.
pub(crate) fn measure(messages: &[Said], directory: &Path, passphrase: Option<&str>) -> Result<Rates> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let messages = &messages[..EVENTS.min(messages.len())];
    let run = |name: &str, size: usize| runtime.block_on(fill(messages, size, &directory.join(name), passphrase));
    Ok(Rates { few: run("few", FEW)?, many: run("many", MANY)? })
}

async fn fill(messages: &[Said], size: usize, directory: &Path, passphrase: Option<&str>) -> Result<f64> {
    let store = SqliteEventCacheStore::open(directory, passphrase).await?;
    let mut batches = Vec::new();
    for (number, said) in messages.chunks(size).enumerate() {
        let room: OwnedRoomId = RoomId::parse(format!("!{number}:example.com"))?;
        let events = said.iter().map(event).collect::<Result<Vec<TimelineEvent>>>()?;
        batches.push((room, events));
    }
    let began = processor(ClockId::ProcessCPUTime);
    for (room, items) in batches {
        let chunk = ChunkIdentifier::new(0);
        let updates = vec![
            Update::NewItemsChunk { previous: None, new: chunk, next: None },
            Update::PushItems { at: Position::new(chunk, 0), items },
        ];
        store.handle_linked_chunk_updates(LinkedChunkId::Room(&room), updates).await?;
    }
    Ok(rate(messages.len(), began))
}

fn event(said: &Said) -> Result<TimelineEvent> {
    let event = serde_json::json!({
        "type": "m.room.message",
        "event_id": format!("${}:example.com", said.id),
        "sender": format!("@visitor{}:example.com", said.conversation),
        "origin_server_ts": said.id >> 12,
        "content": { "msgtype": "m.text", "body": said.text },
    });
    let raw = Raw::from_json(serde_json::value::to_raw_value(&event)?);
    Ok(TimelineEvent::from_plaintext(raw))
}
