//! Files of Ann's, on a real disk, over a real network that breaks, to a real desk.

use std::time::Duration;

use deskbell_cache::OutboxState;
use deskbell_client::{Sending, Standing, SyncState};
use deskbell_protocol::*;
use deskbell_testkit::proxy::{FaultProxy, Way};
use deskbell_testkit::{ANN, TestDesk, Visitor};

use crate::computer::{Computer, reply, session};

/// Digits at random: nothing in them hides a byte that is lost, doubled or in the wrong place.
fn list(size: usize) -> Vec<u8> {
    std::iter::repeat_with(|| b'0' + rand::random::<u8>() % 10).take(size).collect()
}

struct Stage {
    desk: TestDesk,
    proxy: FaultProxy,
    ann: Computer,
    chat: ConversationId,
}

impl Stage {
    async fn set() -> Self {
        let desk = TestDesk::start().await;
        let proxy = FaultProxy::start(desk.socket_address()).await.unwrap();
        let mut ann = Computer::start(&proxy.address(), session(&desk, &ANN).await);
        ann.live().await;
        Visitor::arrive(&desk, "Vic").await.write("Hello").await;
        let chat = ann.chat().await;
        Self { desk, proxy, ann, chat }
    }

    async fn ann_sends(&self, text: &str, name: &str, bytes: &[u8], delay: Duration) -> ClientId {
        let file = self.ann.client.add_file(self.chat, name.into(), bytes.to_vec()).await.unwrap();
        let sending = Sending { delay, ..Sending::default() };
        self.ann.client.submit_reply(reply(self.chat, text), vec![file.id], sending).await.unwrap()
    }

    /// The one message with this text that the desk has, and the bytes of its one file.
    async fn arrived(&mut self, text: &str) -> Vec<u8> {
        let chat = self.chat;
        self.ann.settled().await;
        let has = |message: &Message| message.text == text;
        self.ann
            .until("the message", |cache, _| cache.messages(chat, None, 99).unwrap().messages.iter().any(has))
            .await;
        let all = self.ann.cache.messages(chat, None, 99).unwrap().messages;
        let [message] = all.iter().filter(|message| has(message)).collect::<Vec<_>>()[..] else {
            panic!("it is there twice: {all:?}")
        };
        let [file] = &message.attachments[..] else { panic!("one file: {message:?}") };
        self.ann.client.download(file.id).await.unwrap()
    }
}

#[tokio::test]
async fn od_35_dk_08_a_file_goes_on_from_where_the_network_cut_it() {
    let mut stage = Stage::set().await;
    let bytes = list(1_500_000);
    stage.proxy.slow(Way::ToDesk, Duration::from_millis(30));
    let id = stage.ann_sends("The list", "list.csv", &bytes, Duration::ZERO).await;
    let file = stage.ann.cache.files_of(&id).unwrap().remove(0).id;
    let mut here = 0;
    for _ in 0..3 {
        let further = |at: i64| {
            assert!(at >= here, "it went back from {here} to {at}");
            at > here
        };
        stage.ann.until("a further piece", |_, client| further(client.uploaded(&file))).await;
        here = stage.ann.client.uploaded(&file);
        assert!(here < 1_500_000, "there was nothing left to cut");
        // Somewhere in the next piece.
        stage.proxy.cut();
        stage.ann.client.retry_now();
    }
    stage.proxy.heal();
    assert!(stage.arrived("The list").await == bytes, "the bytes are others");
    assert!(stage.ann.cache.draft_files(stage.chat).unwrap().is_empty());
}

#[tokio::test]
async fn od_35_a_message_and_its_file_survive_a_switched_off_computer_without_a_connection() {
    let Stage { desk, proxy, mut ann, chat } = Stage::set().await;
    proxy.refuse();
    proxy.cut();
    ann.until("the end", |_, client| client.status().state == SyncState::Offline).await;
    let stage = Stage { desk, proxy, ann, chat };
    let bytes = list(300_000);
    stage.ann_sends("With the list", "list.csv", &bytes, Duration::ZERO).await;
    stage.ann.client.submit(reply(chat, "And this after it"), vec![]).await.unwrap();
    let Stage { desk, proxy, ann, .. } = stage;
    let disk = ann.switched_off().await;
    proxy.heal();
    for name in ["outbox.db", "outbox.db-wal"] {
        let raw = std::fs::read(disk.path().join(name)).unwrap_or_default();
        assert!(!raw.windows(64).any(|window| window == &bytes[1_000..1_064]), "{name} holds the file in clear text");
    }
    let ann = Computer::start(&proxy.address(), disk);
    let mut stage = Stage { desk, proxy, ann, chat };
    assert!(stage.arrived("With the list").await == bytes, "the bytes are others");
    assert_eq!(stage.ann.texts(chat), ["Hello", "With the list", "And this after it"], "the order is kept");
    // Nothing of it takes up room any more.
    assert!(stage.ann.cache.outbox().unwrap().is_empty());
}

#[tokio::test]
async fn od_35_a_refused_file_refuses_its_message_and_neither_text_nor_file_is_lost() {
    let mut stage = Stage::set().await;
    let page = b"<!doctype html><script>alert(1)</script>";
    let id = stage.ann_sends("Look", "page.png", page, Duration::ZERO).await;
    stage.ann.until("the refusal", |_, client| client.status().refused == 1).await;
    let [item] = &stage.ann.cache.outbox().unwrap()[..] else { panic!("one message") };
    assert_eq!(item.state, OutboxState::Refused(ErrorCode::UnsupportedType));
    assert_eq!(item.files[0].refusal, Some(ErrorCode::UnsupportedType), "which file it was");
    // Another message of the same chat goes on.
    stage.ann_sends("A good one", "list.csv", b"1,2\n", Duration::ZERO).await;
    let chat = stage.chat;
    stage.ann.until("the good one", |cache, _| cache.messages(chat, None, 9).unwrap().messages.len() == 2).await;
    let back = stage.ann.client.take_back(id).await.unwrap();
    assert_eq!((back.draft.reply.as_str(), back.item.files[0].name.as_str()), ("Look", "page.png"));
    let [file] = &stage.ann.cache.draft_files(chat).unwrap()[..] else { panic!("the file is the draft's again") };
    assert_eq!(stage.ann.cache.file_piece(&file.id, 0).unwrap().unwrap(), page);
    assert!(stage.ann.client.remove_file(file.id.clone()).await.unwrap());
    assert!(stage.ann.cache.file_piece(&file.id, 0).unwrap().is_none());
}

#[tokio::test]
async fn od_35_a_message_can_be_taken_back_in_the_middle_of_its_file_and_sent_again() {
    let mut stage = Stage::set().await;
    let bytes = list(2_000_000);
    stage.proxy.slow(Way::ToDesk, Duration::from_millis(20));
    let id = stage.ann_sends("Too early", "list.csv", &bytes, Duration::ZERO).await;
    let file = stage.ann.cache.files_of(&id).unwrap().remove(0).id;
    stage
        .ann
        .until("a part of it", |_, client| {
            client.standing(&id) == Some(Standing::Uploading) && client.uploaded(&file) > 0
        })
        .await;
    stage.ann.client.take_back(id).await.unwrap();
    assert!(stage.ann.cache.outbox().unwrap().is_empty());
    stage.proxy.heal();
    let files = vec![stage.ann.cache.draft_files(stage.chat).unwrap().remove(0).id];
    stage.ann.client.submit(reply(stage.chat, "Now"), files).await.unwrap();
    assert!(stage.arrived("Now").await == bytes, "the bytes are others");
    assert!(!stage.ann.texts(stage.chat).contains(&"Too early".to_owned()));
}
