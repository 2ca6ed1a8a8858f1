//! Ann's computer: the real client, its real cache, and a real desk somewhere.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use deskbell_cache::{Cache, Folder, Key};
use deskbell_client::{
    CacheTokenStore, Client, ClientEvent, ClientSettings, SyncState, TokenStore as _, find_desk, sign_in,
};
use deskbell_protocol::*;
use deskbell_testkit::{ANN, AgentSocket, PATIENCE, Person, TestDesk};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// More than any test has of anything.
const ALL: u32 = 1_000_000;

pub(crate) struct Computer {
    pub(crate) cache: Cache,
    pub(crate) client: Client,
    events: mpsc::Receiver<ClientEvent>,
    directory: TempDir,
}

impl Computer {
    /// Ann's, at a desk without anything in between.
    pub(crate) async fn signed_in(desk: &TestDesk) -> Self {
        Self::start(&desk.address(), session(desk, &ANN).await)
    }

    /// Switches a computer on, with what is in a directory, at the desk at `address`.
    pub(crate) fn start(address: &str, directory: TempDir) -> Self {
        let cache = open(directory.path());
        let tokens = Arc::new(CacheTokenStore::new(cache.clone()));
        let (sender, events) = mpsc::channel(1024);
        let settings = ClientSettings { address: address.parse().unwrap(), app: "test".into(), device: "test".into() };
        let client = Client::start(settings, cache.clone(), tokens, sender);
        Self { cache, client, events, directory }
    }

    /// Waits until something is so, taking events meanwhile.
    pub(crate) async fn until(&mut self, what: &str, mut so: impl FnMut(&Cache, &Client) -> bool) {
        let waiting = async {
            while !so(&self.cache, &self.client) {
                tokio::time::timeout(Duration::from_millis(200), self.events.recv()).await.ok();
            }
        };
        assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "waited in vain for: {what}");
    }

    /// Waits for the next event, whatever it is, but not for long.
    pub(crate) async fn moment(&mut self) {
        tokio::time::timeout(Duration::from_millis(50), self.events.recv()).await.ok();
    }

    pub(crate) async fn live(&mut self) {
        self.until("a live connection", |_, client| client.status().state == SyncState::Live).await;
    }

    pub(crate) fn texts(&self, conversation: ConversationId) -> Vec<String> {
        let page = self.cache.messages(conversation, None, ALL).unwrap();
        page.messages
            .into_iter()
            .filter(|message| message.kind != MessageKind::System)
            .map(|message| message.text)
            .collect()
    }

    /// Everything the screen could show, in words.
    pub(crate) fn everything(&self) -> String {
        let me = AgentId(0);
        let mut lines = vec![format!("{:?}", self.cache.counts(me).unwrap())];
        for folder in [Folder::Open, Folder::Closed, Folder::Waiting] {
            for record in self.cache.conversations(folder, me, ALL).unwrap() {
                let Conversation { id, contact, visitor, .. } = record.conversation;
                lines.push(format!("{folder:?} {record:?}"));
                lines.push(format!("{:?}", self.cache.contact(contact).unwrap()));
                lines.push(format!("{:?}", self.cache.visitor(visitor).unwrap()));
                lines.push(format!("{:?}", self.cache.messages(id, None, ALL).unwrap()));
            }
        }
        lines.push(format!("{:?}", self.cache.canned_texts("", ALL).unwrap()));
        lines.push(format!("{:?}", self.cache.outbox().unwrap()));
        lines.join("\n")
    }

    /// The one conversation that there is.
    pub(crate) async fn chat(&mut self) -> ConversationId {
        self.until("a chat", |cache, _| !cache.conversations(Folder::Open, AgentId(0), 9).unwrap().is_empty()).await;
        self.cache.conversations(Folder::Open, AgentId(0), 9).unwrap().remove(0).conversation.id
    }

    /// Waits until the desk has everything, and everything of the desk is here.
    pub(crate) async fn settled(&mut self) {
        // A long outbox takes its time: it is waited for as long as it becomes shorter.
        while let left @ 1.. = self.cache.outbox().unwrap().len() {
            self.until("a shorter outbox", |cache, _| cache.outbox().unwrap().len() < left).await;
        }
        self.live().await;
    }

    /// Where the session is kept.
    pub(crate) fn tokens(&self) -> CacheTokenStore {
        CacheTokenStore::new(self.cache.clone())
    }

    /// The computer is switched off without a word.
    pub(crate) async fn switched_off(self) -> TempDir {
        self.client.stop().await;
        self.directory
    }
}

pub(crate) fn reply(conversation: ConversationId, text: &str) -> Command {
    Command::Send {
        conversation: Some(conversation),
        kind: MessageKind::Reply,
        text: text.into(),
        attachments: vec![],
        mentions: Vec::new(),
        article: None,
        choice: None,
    }
}

fn open(directory: &Path) -> Cache {
    Cache::open(directory, &Key::from_bytes(&[7; 32]).unwrap()).unwrap()
}

/// A directory with a session of somebody at the desk, and nothing else.
pub(crate) async fn session(desk: &TestDesk, person: &Person) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let (address, _) = find_desk(&desk.address()).await.unwrap();
    let request = SignIn {
        email: person.email.into(),
        password: person.password.into(),
        code: None,
        device: "test".into(),
        system: String::new(),
    };
    let signed_in = sign_in(&address, &request).await.unwrap();
    CacheTokenStore::new(open(directory.path())).save(&signed_in).unwrap();
    directory
}

/// A copy of what a computer has on disk while it is switched off.
pub(crate) fn copy(directory: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(directory).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    copy
}

/// Does something as an agent without a computer, and waits until the desk has it.
pub(crate) async fn does(agent: &mut AgentSocket, command: Command) {
    let id = agent.command(command).await;
    loop {
        match agent.next().await {
            ServerFrame::Ack(ack) if ack.client_id == id => return,
            ServerFrame::Nack(nack) if nack.client_id == id => panic!("an agent may do this: {nack:?}"),
            _ => {}
        }
    }
}
