//! Ann's computer and a real desk: what is written offline arrives once, and what was missed is caught up.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;
use std::time::Duration;

use deskbell_cache::{Cache, Folder};
use deskbell_client::{
    Client, ClientError, ClientEvent, ClientSettings, FileTokenStore, SyncState, TokenStore as _, find_desk, sign_in,
};
use deskbell_protocol::*;
use deskbell_testkit::{ANN, TestDesk, Visitor};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Long enough for a loaded machine, short enough to fail.
const PATIENCE: Duration = Duration::from_secs(20);

struct Computer {
    cache: Cache,
    client: Client,
    events: mpsc::Receiver<ClientEvent>,
    directory: TempDir,
}

impl Computer {
    async fn signed_in(desk: &TestDesk) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (address, _) = find_desk(&desk.address()).await.unwrap();
        let request = SignIn { email: ANN.email.into(), password: ANN.password.into(), device: "test".into() };
        let signed_in = sign_in(&address, &request).await.unwrap();
        FileTokenStore::new(directory.path().join("session.json")).save(&signed_in).unwrap();
        Self::start(desk, directory)
    }

    fn start(desk: &TestDesk, directory: TempDir) -> Self {
        let cache = Cache::open(directory.path()).unwrap();
        let tokens = Arc::new(FileTokenStore::new(directory.path().join("session.json")));
        let (sender, events) = mpsc::channel(1024);
        let settings =
            ClientSettings { address: desk.address().parse().unwrap(), app: "test".into(), device: "test".into() };
        let client = Client::start(settings, cache.clone(), tokens, sender);
        Self { cache, client, events, directory }
    }

    /// Waits until something is so, taking events meanwhile.
    async fn until(&mut self, what: &str, mut so: impl FnMut(&Cache, &Client) -> bool) {
        let waiting = async {
            while !so(&self.cache, &self.client) {
                tokio::time::timeout(Duration::from_millis(200), self.events.recv()).await.ok();
            }
        };
        assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "waited in vain for: {what}");
    }

    async fn live(&mut self) {
        self.until("a live connection", |_, client| client.status().state == SyncState::Live).await;
    }

    fn texts(&self, conversation: ConversationId) -> Vec<String> {
        let page = self.cache.messages(conversation, None, 200).unwrap();
        page.messages
            .into_iter()
            .filter(|message| message.kind != MessageKind::System)
            .map(|message| message.text)
            .collect()
    }

    /// The computer is switched off without a word.
    async fn switched_off(self) -> TempDir {
        self.client.stop().await;
        self.directory
    }
}

fn reply(conversation: ConversationId, text: &str) -> Command {
    Command::Send { conversation: Some(conversation), kind: MessageKind::Reply, text: text.into(), attachments: vec![] }
}

#[tokio::test(flavor = "multi_thread")]
async fn dc_01_od_33_vic_writes_ann_reads_and_answers() {
    let desk = TestDesk::start().await;
    let mut ann = Computer::signed_in(&desk).await;
    ann.live().await;
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Hola").await;
    ann.until("Vic's message", |cache, _| !cache.conversations(Folder::Waiting, AgentId(0), 9).unwrap().is_empty())
        .await;
    let chat = ann.cache.conversations(Folder::Open, AgentId(0), 9).unwrap().remove(0).conversation.id;
    assert_eq!(ann.texts(chat), ["Hola"]);
    ann.until("Vic on the list of visitors", |_, client| client.online().len() == 1).await;
    ann.client.submit(reply(chat, "Hi Vic"), vec![]).await.unwrap();
    vic.read("Hi Vic").await;
    ann.until("an empty outbox", |cache, _| cache.outbox().unwrap().is_empty()).await;
    assert_eq!(ann.texts(chat), ["Hola", "Hi Vic"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn dc_02_what_ann_wrote_offline_survives_a_restart_and_arrives_once_and_in_order() {
    let mut desk = TestDesk::start().await;
    let mut ann = Computer::signed_in(&desk).await;
    ann.live().await;
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Are you there?").await;
    ann.until("Vic's message", |cache, _| !cache.conversations(Folder::Open, AgentId(0), 9).unwrap().is_empty()).await;
    let chat = ann.cache.conversations(Folder::Open, AgentId(0), 9).unwrap().remove(0).conversation.id;
    desk.stop().await;
    ann.until("the connection to be lost", |_, client| client.status().state == SyncState::Offline).await;
    assert!(ann.client.online().is_empty(), "without a connection nobody knows who is there");
    assert!(matches!(ann.client.start_conversation(VisitorId(1)).await, Err(ClientError::Offline)));
    for text in ["one", "two", "three"] {
        ann.client.submit(reply(chat, text), vec![]).await.unwrap();
    }
    let directory = ann.switched_off().await;
    let mut ann = Computer::start(&desk, directory);
    assert_eq!(ann.texts(chat), ["Are you there?"], "everything synced still reads");
    assert_eq!(ann.cache.outbox_of(chat).unwrap().len(), 3);
    desk.start_again().await;
    ann.client.retry_now();
    ann.until("an empty outbox", |cache, _| cache.outbox().unwrap().is_empty()).await;
    ann.live().await;
    assert_eq!(ann.texts(chat), ["Are you there?", "one", "two", "three"]);
    ann.until("nothing unsent", |_, client| client.status().unsent == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_while_ann_was_away_is_caught_up_by_delta() {
    let desk = TestDesk::start().await;
    let mut ann = Computer::signed_in(&desk).await;
    ann.live().await;
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("before").await;
    ann.until("Vic's message", |cache, _| !cache.conversations(Folder::Open, AgentId(0), 9).unwrap().is_empty()).await;
    let chat = ann.cache.conversations(Folder::Open, AgentId(0), 9).unwrap().remove(0).conversation.id;
    let directory = ann.switched_off().await;
    vic.write("while away 1").await;
    vic.write("while away 2").await;
    let mut ann = Computer::start(&desk, directory);
    ann.until("the rest", |cache, _| cache.messages(chat, None, 9).unwrap().messages.len() == 3).await;
    assert_eq!(ann.texts(chat), ["before", "while away 1", "while away 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_a_page_that_is_no_desk_say_what_they_are() {
    let desk = TestDesk::start().await;
    let (address, _) = find_desk(&desk.address()).await.unwrap();
    let wrong = SignIn { email: ANN.email.into(), password: "wrong".into(), device: "test".into() };
    assert!(matches!(sign_in(&address, &wrong).await, Err(ClientError::WrongPassword)));
    let nobody = SignIn { email: "nobody@desk.test".into(), ..wrong };
    assert!(
        matches!(sign_in(&address, &nobody).await, Err(ClientError::WrongPassword)),
        "an unknown address looks the same"
    );
    let elsewhere = format!("{}/elsewhere", desk.address());
    assert!(matches!(find_desk(&elsewhere).await, Err(ClientError::NotADesk(_) | ClientError::Refused(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn od_35_dk_08_a_file_goes_up_and_comes_down_whole() {
    let desk = TestDesk::start().await;
    let mut ann = Computer::signed_in(&desk).await;
    ann.live().await;
    let file = ann.client.upload("notes.txt", b"plain text, nothing else".to_vec()).await.unwrap();
    assert_eq!((file.name.as_str(), file.picture), ("notes.txt", None));
    assert_eq!(ann.client.download(file.id).await.unwrap(), b"plain text, nothing else");
    let refused =
        ann.client.upload("page.png", b"<!doctype html><script>alert(1)</script>".to_vec()).await.unwrap_err();
    assert!(
        matches!(refused, ClientError::Refused(ref refusal) if refusal.code == ErrorCode::UnsupportedType),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ended_keeps_everything_and_asks_ann_to_sign_in() {
    let desk = TestDesk::start().await;
    let mut ann = Computer::signed_in(&desk).await;
    ann.live().await;
    ann.client.sign_out().await.unwrap();
    ann.until("the end of the session", |_, client| client.status().state == SyncState::Expired).await;
    let mark = Command::MarkRead { conversation: ConversationId(1), number: 1 };
    ann.client.submit(mark, vec![]).await.unwrap();
    assert_eq!(ann.cache.outbox().unwrap().len(), 1, "what is done meanwhile is kept");
}
