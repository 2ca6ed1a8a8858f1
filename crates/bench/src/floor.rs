//! The baseline of the relay: the least a chat server of the same durability can do. Texts come in over WebSockets,
//! one writer commits them to SQLite in groups (WAL, `synchronous=FULL`), then they go out to the agents.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::routing::get;
use rusqlite::Connection;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, oneshot};
use tokio::task::JoinSet;

/// Most texts of one transaction, as in the server.
const GROUP: usize = 64;

struct Text {
    text: Utf8Bytes,
    done: oneshot::Sender<()>,
}

#[derive(Clone)]
struct Floor {
    writer: SyncSender<Text>,
    agents: broadcast::Sender<Utf8Bytes>,
}

/// A running floor; it ends when dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    _server: JoinSet<()>,
}

/// Starts it with its database in `directory`.
pub(crate) async fn start(directory: &Path) -> Running {
    let database = Connection::open(directory.join("floor.db")).unwrap();
    database
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE message (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;",
        )
        .unwrap();
    let (writer, texts) = sync_channel(1024);
    let agents = broadcast::Sender::new(4096);
    let to_agents = agents.clone();
    // Ends when the last sender, which the server holds, is gone.
    std::thread::spawn(move || write(database, &texts, &to_agents));
    let routes = Router::new()
        .route(
            "/visitor",
            get(|upgrade: WebSocketUpgrade, State(floor): State<Arc<Floor>>| async {
                upgrade.on_upgrade(|socket| visitor(socket, floor))
            }),
        )
        .route(
            "/agent",
            get(|upgrade: WebSocketUpgrade, State(floor): State<Arc<Floor>>| async {
                upgrade.on_upgrade(|socket| agent(socket, floor))
            }),
        )
        .with_state(Arc::new(Floor { writer, agents }));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, routes).await.unwrap() });
    Running { address, _server: server }
}

/// The only writer: takes what waits, commits it at once, tells everybody.
fn write(mut database: Connection, texts: &Receiver<Text>, agents: &broadcast::Sender<Utf8Bytes>) {
    while let Ok(first) = texts.recv() {
        let mut group = vec![first];
        group.extend(texts.try_iter().take(GROUP - 1));
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
        if floor.writer.try_send(Text { text, done }).is_err() || stored.await.is_err() {
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
