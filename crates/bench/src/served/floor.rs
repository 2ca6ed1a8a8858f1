//! The baseline of the server: the least a chat server of the same durability can do. Texts come in over WebSockets,
//! one writer commits them to SQLite in groups (WAL, `synchronous=FULL`), then they go out to the agents.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::routing::get;
use rusqlite::Connection;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{broadcast, oneshot};

/// Most texts of one transaction, as in the server.
const GROUP: usize = 64;

struct Text {
    text: Utf8Bytes,
    done: oneshot::Sender<()>,
}

#[derive(Clone)]
struct Floor {
    writer: Sender<Text>,
    agents: broadcast::Sender<Utf8Bytes>,
}

/// Serves it with its database in `directory`, for ever.
pub(crate) async fn serve(listener: TcpListener, directory: &Path) {
    let database = Connection::open(directory.join("floor.db")).unwrap();
    database
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE message (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;",
        )
        .unwrap();
    let (writer, texts) = channel(1024);
    let agents = broadcast::Sender::new(4096);
    let to_agents = agents.clone();
    std::thread::spawn(move || write(database, texts, &to_agents));
    let routes = Router::new()
        .route(
            "/visitor",
            get(|upgrade: WebSocketUpgrade, State(floor): State<Arc<Floor>>| async {
                tuned(upgrade).on_upgrade(|socket| visitor(socket, floor))
            }),
        )
        .route(
            "/agent",
            get(|upgrade: WebSocketUpgrade, State(floor): State<Arc<Floor>>| async {
                tuned(upgrade).on_upgrade(|socket| agent(socket, floor))
            }),
        )
        .with_state(Arc::new(Floor { writer, agents }));
    axum::serve(listener, routes).await.unwrap();
}

/// The buffers that take the least memory of all that were tried: 7.8 KB for an idle connection instead of axum's 136 KB.
fn tuned(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade.read_buffer_size(4 * 1024).write_buffer_size(0)
}

/// The only writer: takes what waits, commits it at once, tells everybody.
fn write(mut database: Connection, mut texts: Receiver<Text>, agents: &broadcast::Sender<Utf8Bytes>) {
    while let Some(first) = texts.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(text) = texts.try_recv()
        {
            group.push(text);
        }
        let transaction = database.transaction().unwrap();
        {
            let mut insert = transaction.prepare_cached("INSERT INTO message (text) VALUES (?1)").unwrap();
            for text in &group {
                insert.execute([text.text.as_str()]).unwrap();
            }
        }
        transaction.commit().unwrap();
        for Text { text, done } in group {
            // A visitor who is gone needs no answer, and without agents nobody listens.
            let _ = done.send(());
            let _ = agents.send(text);
        }
    }
}

async fn visitor(mut socket: WebSocket, floor: Arc<Floor>) {
    while let Some(Ok(Message::Text(text))) = socket.recv().await {
        let (done, stored) = oneshot::channel();
        if floor.writer.send(Text { text, done }).await.is_err() || stored.await.is_err() {
            return;
        }
        if socket.send(Message::Text("ack".into())).await.is_err() {
            return;
        }
    }
}

async fn agent(mut socket: WebSocket, floor: Arc<Floor>) {
    let mut texts = floor.agents.subscribe();
    // The first frame says that from here on nothing is missed.
    if socket.send(Message::Text("ready".into())).await.is_err() {
        return;
    }
    while let Ok(text) = texts.recv().await {
        if socket.send(Message::Text(text)).await.is_err() {
            return;
        }
    }
}
