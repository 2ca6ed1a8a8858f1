//! What most stories begin with.

use std::time::Duration;

use deskbell_client::SyncState;
use deskbell_protocol::{ConversationId, MessageKind};
use deskbell_testkit::proxy::FaultProxy;
use deskbell_testkit::{ANN, TestDesk, Visitor};

use crate::computer::{Computer, reply, session};

/// A desk, a network, Ann who is live behind it, and Vic who has written "Hello" without it.
pub(crate) struct Stage {
    pub(crate) desk: TestDesk,
    pub(crate) proxy: FaultProxy,
    pub(crate) ann: Computer,
    pub(crate) vic: Visitor,
    pub(crate) chat: ConversationId,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let desk = TestDesk::start().await;
        let proxy = FaultProxy::start(desk.socket_address()).await.unwrap();
        let mut ann = Computer::start(&proxy.address(), session(&desk, &ANN).await);
        ann.live().await;
        let mut vic = Visitor::arrive(&desk, "Vic").await;
        vic.write("Hello").await;
        let chat = ann.chat().await;
        ann.until("Vic's words", |cache, _| has(cache, chat, 1)).await;
        Self { desk, proxy, ann, vic, chat }
    }

    pub(crate) async fn ann_writes(&self, texts: &[&str]) {
        for text in texts {
            self.ann.client.submit(reply(self.chat, text), vec![]).await.unwrap();
        }
    }

    pub(crate) async fn ann_goes_offline(&mut self) {
        self.proxy.refuse();
        self.proxy.cut();
        self.ann.until("the end", |_, client| client.status().state == SyncState::Offline).await;
    }

    pub(crate) async fn ann_comes_back(&mut self) {
        self.proxy.heal();
        self.ann.client.retry_now();
        self.ann.live().await;
    }

    /// Waits until Ann is up to date, and compares: these texts stand in the chat, each once and in this order, on
    /// Ann's computer as on one that knows nothing but what the desk says now.
    pub(crate) async fn ends_with(mut self, texts: &[&str]) {
        self.ann.client.retry_now();
        self.ann.settled().await;
        self.ann.until("the last text", |cache, _| has(cache, self.chat, texts.len())).await;
        let mut fresh = Computer::signed_in(&self.desk).await;
        fresh.live().await;
        assert_eq!(fresh.texts(self.chat), texts, "what the desk has");
        assert_eq!(self.ann.texts(self.chat), texts, "what Ann has");
        assert_eq!(self.ann.everything(), fresh.everything());
    }
}

/// Whether a chat holds so many texts, or more.
pub(crate) fn has(cache: &deskbell_cache::Cache, chat: ConversationId, count: usize) -> bool {
    let page = cache.messages(chat, None, 10_000).unwrap();
    page.messages.iter().filter(|message| message.kind != MessageKind::System).count() >= count
}

/// Lets time go by for both sides at once.
pub(crate) async fn go_by(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}
