//! Ann's program without its windows, for tests that kill it: it writes without end, and says what is on disk.
//!
//! Arguments: the desk's address, the directory, the conversation, and what every text begins with.
#![allow(clippy::unwrap_used, reason = "a program that is there to be killed may fall over")]

use std::path::Path;
use std::sync::Arc;

use deskbell_cache::{Cache, Key};
use deskbell_client::{CacheTokenStore, Client, ClientEvent, ClientSettings, SyncState};
use deskbell_protocol::{Command, ConversationId, MessageKind};
use tokio::sync::mpsc;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, directory, chat, begin] = arguments.try_into().unwrap();
    let (directory, chat) = (Path::new(&directory), ConversationId(chat.parse().unwrap()));
    let cache = Cache::open(directory, &Key::from_bytes(&[7; 32]).unwrap()).unwrap();
    let tokens = Arc::new(CacheTokenStore::new(cache.clone()));
    let settings = ClientSettings { address: address.parse().unwrap(), app: "killed".into(), device: "killed".into() };
    let (sender, mut events) = mpsc::channel(64);
    let client = Client::start(settings, cache, tokens, sender);
    let writing = async {
        for number in 0_u64.. {
            let text = format!("{begin} {number}");
            let (conversation, kind) = (Some(chat), MessageKind::Reply);
            let command = Command::Send {
                conversation,
                kind,
                text: text.clone(),
                attachments: vec![],
                mentions: Vec::new(),
                article: None,
                choice: None,
            };
            // Every eighth brings a file along, of more than one piece.
            let files = if number % 8 == 0 {
                let bytes = text.repeat(300_000 / text.len()).into_bytes();
                vec![client.add_file(chat, "list.txt".into(), bytes).await.unwrap().id]
            } else {
                vec![]
            };
            client.submit(command, files).await.unwrap();
            println!("wrote {text}");
        }
    };
    let listening = async {
        while let Some(event) = events.recv().await {
            match event {
                ClientEvent::Changed(_) => println!("changed"),
                ClientEvent::Sync(status) if status.state == SyncState::Live => println!("live"),
                _ => {}
            }
        }
    };
    tokio::join!(writing, listening);
}
