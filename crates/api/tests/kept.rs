//! Files on Ann's computer: a real desk, a real cache, and a network that is gone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod computer;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use computer::{Computer, ann_at, started};
use deskbell_api::types::*;
use deskbell_api::{AccountId, App, ConversationRef};
use deskbell_protocol::{Attachment, AttachmentId, ConversationState, MessageKind};
use deskbell_testkit::{PATIENCE, TestDesk, Visitor};

const DESK: AccountId = AccountId(1);
/// One pixel.
const PICTURE: &[u8] = include_bytes!("computer/pixel.png");

struct Stage {
    desk: TestDesk,
    vic: Visitor,
    app: App,
    chat: ConversationRef,
    /// Of Ann's computer: the app's directory, and her downloads.
    disk: tempfile::TempDir,
    computer: Arc<Computer>,
}

impl Stage {
    async fn set() -> Self {
        let desk = TestDesk::start().await;
        let disk = tempfile::tempdir().unwrap();
        let computer = Arc::new(Computer { downloads: Some(disk.path().join("downloads")), ..Computer::default() });
        let (app, _) = started(&disk.path().join("app"), &computer).await;
        app.connect_desk(ann_at(&desk, None)).await.unwrap();
        let mut vic = Visitor::arrive(&desk, "Vic").await;
        vic.write("Hello").await;
        let events = app.subscribe();
        let first = async {
            loop {
                let asked = ListConversations { folder: Folder::Open, account: None, limit: 9 };
                if let Some(row) = app.list_conversations(asked).await.unwrap().rows.first() {
                    return row.id;
                }
                events.next().await;
            }
        };
        let chat = tokio::time::timeout(PATIENCE, first).await.expect("Vic's chat");
        Self { desk, vic, app, chat, disk, computer }
    }

    async fn vic_sends(&mut self, text: &str, name: &str, bytes: &[u8]) -> Attachment {
        self.vic.send_file(&self.desk, text, name, bytes.to_vec()).await
    }

    async fn thread(&self) -> Thread {
        self.app.messages(ListMessages { conversation: self.chat, before: None, limit: 50 }).await.unwrap()
    }

    /// The chat's files that are on this computer, as the page reads them.
    async fn kept(&self) -> Vec<AttachmentId> {
        self.thread().await.kept
    }

    /// Ann has the chat on screen until it is as it should be.
    async fn until(&self, what: &str, fits: impl Fn(&Thread) -> bool) {
        let events = self.app.subscribe();
        let fitting = async {
            while !fits(&self.thread().await) {
                events.next().await;
            }
        };
        tokio::time::timeout(PATIENCE, fitting).await.unwrap_or_else(|_| panic!("never: {what}"));
    }

    async fn until_kept(&self, file: &Attachment) {
        self.until(&format!("{} is kept", file.name), |thread| thread.kept.contains(&file.id)).await;
    }

    async fn until_shown(&self, file: &Attachment) {
        let shows = |thread: &Thread| thread.messages.iter().any(|message| message.attachments.contains(file));
        self.until(&format!("{} is in the chat", file.name), shows).await;
    }

    async fn save(&self, file: &Attachment) -> Result<Vec<u8>, ApiErrorCode> {
        let asked = ForAttachment { conversation: self.chat, attachment: file.id };
        let saved = self.app.save_attachment(asked).await.map_err(|error| error.code)?;
        Ok(std::fs::read(saved.path).unwrap())
    }

    async fn allow(&self, keep_days: u32, keep_megabytes: u32) {
        let settings = Settings { keep_days, keep_megabytes, ..self.app.settings() };
        self.app.save_settings(settings).await.unwrap();
    }

    /// Ann searches, here and at the desk, until it is as it should be: hits here, hits that the desk alone has.
    async fn until_found(&self, text: &str, wanted: (usize, usize)) {
        let asked = || Search { account: None, text: text.to_owned(), limit: 9 };
        let found = async {
            loop {
                let here = self.app.search(asked()).await.unwrap().len();
                let there = self.app.search_desk(asked()).await.unwrap().hits.len();
                if (here, there) == wanted {
                    return;
                }
                // Nothing tells of it: whoever searches asks anew with every key.
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("never: {text} is found {wanted:?}"));
    }

    /// The desk goes, and Ann's app starts again without it.
    async fn without_the_desk(mut self) -> Self {
        self.desk.stop().await;
        self.app.stop().await;
        self.app = started(&self.disk.path().join("app"), &self.computer).await.0;
        self
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dc_02_files_of_a_chat_that_was_read_are_shown_and_saved_without_the_desk() {
    let mut stage = Stage::set().await;
    let list = stage.vic_sends("My list", "list.csv", b"1,teapot\n").await;
    let cup = stage.vic_sends("And a picture", "cup.png", PICTURE).await;
    for file in [&list, &cup] {
        stage.until_kept(file).await;
    }
    let unread = stage.vic_sends("Another list", "later.csv", b"2,cup\n").await;
    let stage = stage.without_the_desk().await;
    assert_eq!(stage.save(&list).await.unwrap(), b"1,teapot\n");
    let shown = stage.app.picture(DESK, cup.id).await.unwrap();
    assert_eq!((shown.mime, shown.bytes), ("image/png", stage.save(&cup).await.unwrap()));
    assert!(stage.save(&unread).await.is_err(), "nobody has looked at that chat since");
}

#[tokio::test(flavor = "multi_thread")]
async fn dc_02_a_large_file_is_kept_once_it_was_saved_and_none_is_when_nothing_may_be() {
    let mut stage = Stage::set().await;
    let mut bytes: Vec<u8> = b"1,2\n".repeat(6 * 256 * 1024);
    bytes.truncate(6 * 1024 * 1024);
    let large = stage.vic_sends("All of it", "all.csv", &bytes).await;
    let small = stage.vic_sends("A part of it", "part.csv", b"1,2\n").await;
    stage.until_kept(&small).await;
    assert_eq!(stage.kept().await, [small.id], "the large one would have been fetched before the small one");
    assert!(stage.save(&large).await.unwrap() == bytes);
    assert_eq!(stage.kept().await, [large.id, small.id]);
    stage.allow(30, 7).await;
    assert_eq!(stage.kept().await, [large.id, small.id], "there is room for both");
    stage.allow(30, 6).await;
    assert!(!stage.kept().await.contains(&large.id), "there is no room for it alone");

    stage.allow(30, 0).await;
    assert_eq!(stage.kept().await, []);
    let later = stage.vic_sends("One more", "later.csv", b"3\n").await;
    stage.until_shown(&later).await;
    assert_eq!(stage.save(&later).await.unwrap(), b"3\n");
    let stage = stage.without_the_desk().await;
    assert_eq!(stage.save(&later).await, Err(ApiErrorCode::Offline));
}

#[tokio::test(flavor = "multi_thread")]
async fn dc_02_a_closed_chat_makes_room_after_the_time_allowed_and_is_whole_again_when_it_is_read() {
    let mut stage = Stage::set().await;
    for text in ["Do you have teapots?", "With lids?", "Never mind."] {
        stage.vic.write(text).await;
    }
    stage.until("all that Vic said", |thread| thread.messages.len() >= 4).await;
    let number = stage.thread().await.messages.last().unwrap().number;
    stage.app.mark_read(MarkRead { conversation: stage.chat, number }).await.unwrap();
    stage.app.set_state(SetState { conversation: stage.chat, state: ConversationState::Closed }).await.unwrap();
    // The desk says in the chat that it was closed.
    let closed = |thread: &Thread| thread.messages.iter().any(|message| message.kind == MessageKind::System);
    stage.until("the chat is closed", closed).await;
    let keys = |thread: Thread| thread.messages.into_iter().map(|message| message.key).collect::<Vec<_>>();
    let whole = keys(stage.thread().await);
    stage.until_found("teapots", (1, 0)).await;
    // A hundred days later.
    stage.computer.days_later.store(100, Ordering::Relaxed);
    let settings = Settings { keep_messages_days: 90, ..stage.app.settings() };
    stage.app.save_settings(settings).await.unwrap();
    stage.until_found("teapots", (0, 1)).await;
    let rest = stage.thread().await;
    assert!(rest.more_there && !rest.more_here, "the others are at the desk");
    let before = rest.messages.first().unwrap().number;
    let rest = keys(rest);
    assert!(whole.ends_with(&rest) && rest.len() < whole.len(), "{rest:?} of {whole:?}");
    stage.app.load_older(LoadOlder { conversation: stage.chat, before: Some(before) }).await.unwrap();
    assert_eq!(keys(stage.thread().await), whole);
    stage.until_found("teapots", (1, 0)).await;
}
