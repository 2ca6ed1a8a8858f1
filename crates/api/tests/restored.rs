//! A desk falls back to an older backup while everybody works. Real desk, real apps: what they sent since is offered
//! again, and in the end nothing is lost, nothing is there twice, and everybody's own order is kept. How the messenger
//! does its part is recorded in `tests/traces/restored_desk.json`.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)]

mod computer;

use std::sync::Arc;

use computer::{Computer, started, until};
use deskbell_api::types::*;
use deskbell_api::{App, ConversationRef, Subscription};
use deskbell_protocol::{Author, MessageKind};
use deskbell_testkit::{ANN, BEN, Person, TestDesk, Visitor};

/// Somebody at their computer.
struct Agent {
    app: App,
    events: Subscription,
    _directory: tempfile::TempDir,
}

impl Agent {
    async fn at(desk: &TestDesk, person: &Person) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (app, _) = started(directory.path(), &Arc::new(Computer::default())).await;
        let events = app.subscribe();
        // What is sent goes at once.
        app.save_settings(Settings { undo_send: false, ..app.settings() }).await.unwrap();
        let (email, password) = (person.email.to_owned(), person.password.to_owned());
        app.connect_desk(ConnectDesk { account: None, address: desk.address(), email, password, code: None })
            .await
            .unwrap();
        Self { app, events, _directory: directory }
    }

    /// What stands in a chat, with who said it; nothing while something of it is not at the desk.
    async fn texts(&self, chat: ConversationRef) -> Option<Vec<(String, String)>> {
        let thread = self.app.messages(ListMessages { conversation: chat, before: None, limit: 100 }).await.ok()?;
        let at_the_desk =
            |message: &MessageView| matches!(message.delivery, Delivery::Sent | Delivery::Seen | Delivery::Received);
        let said = |message: MessageView| {
            let who = match message.author {
                Author::Visitor => "visitor".to_owned(),
                Author::Agent { name, .. } => name,
                other => panic!("nobody else speaks here: {other:?}"),
            };
            let text = message.text.into_iter().map(|part| match part {
                TextPart::Text { text } | TextPart::Link { text, .. } | TextPart::Mention { text, .. } => text,
            });
            (who, text.collect())
        };
        let messages = thread.messages.into_iter().filter(|message| message.kind == MessageKind::Reply);
        messages.map(|message| at_the_desk(&message).then(|| said(message))).collect()
    }

    /// The chat that begins with these words.
    async fn chat(&self, words: &str) -> ConversationRef {
        until(&self.events, words, || async {
            let asked = ListConversations { folder: Folder::Open, account: None, limit: 9 };
            for row in self.app.list_conversations(asked).await.ok()?.rows {
                if self.texts(row.id).await?.first().is_some_and(|(_, text)| text == words) {
                    return Some(row.id);
                }
            }
            None
        })
        .await
    }

    async fn writes(&self, conversation: ConversationRef, text: &str) {
        let seen = self.app.messages(ListMessages { conversation, before: None, limit: 100 }).await.unwrap();
        let seen = seen.messages.iter().map(|message| message.number).max().unwrap_or(0);
        let (kind, text) = (MessageKind::Reply, text.to_owned());
        self.app
            .send_message(SendMessage { conversation, kind, text, files: vec![], seen, mentions: vec![] })
            .await
            .unwrap();
    }

    /// Waits until a chat holds so many messages, all of them at the desk.
    async fn until_said(&self, chat: ConversationRef, count: usize) -> Vec<(String, String)> {
        let what = format!("{count} messages in {chat:?}");
        until(&self.events, &what, || async { self.texts(chat).await.filter(|texts| texts.len() >= count) }).await
    }
}

fn by(who: &str, said: &[(String, String)]) -> Vec<String> {
    said.iter().filter(|(author, _)| author == who).map(|(_, text)| text.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn dc_01_after_an_older_backup_everybody_offers_again_what_it_lacks_and_nothing_is_lost_or_doubled() {
    let mut desk = TestDesk::start().await;
    let (ann, ben) = (Agent::at(&desk, &ANN).await, Agent::at(&desk, &BEN).await);
    let (mut vic, mut wen) = (Visitor::arrive(&desk, "Vic").await, Visitor::arrive(&desk, "Wen").await);
    vic.write("I am Vic.").await;
    wen.write("I am Wen.").await;
    let (of_vic, of_wen) = (ann.chat("I am Vic.").await, ben.chat("I am Wen.").await);
    ann.writes(of_vic, "ann 1").await;
    ben.writes(of_wen, "ben 1").await;
    ann.until_said(of_vic, 2).await;
    ben.until_said(of_wen, 2).await;
    let directory = tempfile::tempdir().unwrap();
    let backup = directory.path().join("monday.db");
    desk.back_up(&backup).await;

    // What the backup does not have.
    let lost = vic.write("vic 2").await;
    for number in 2..=4 {
        ann.writes(of_vic, &format!("ann {number}")).await;
        ben.writes(of_wen, &format!("ben {number}")).await;
    }
    ann.until_said(of_vic, 6).await;
    ben.until_said(of_wen, 5).await;
    desk.stop().await;
    // Written to nobody: it is newer than all that was lost.
    ann.writes(of_vic, "ann 5").await;
    desk.restore(&backup).await;
    for agent in [&ann, &ben] {
        agent.app.retry_now(Nothing {}).await.unwrap();
    }

    let mut vic = vic.come_back_to(&desk).await;
    assert!(vic.messages.values().all(|message| message.text != "vic 2"), "the backup is older");
    vic.offer_again(&lost.client_id, "vic 2").await;
    let chat_of_vic = ann.until_said(of_vic, 7).await;
    let chat_of_wen = ben.until_said(of_wen, 5).await;
    assert_eq!(by("Ann", &chat_of_vic), ["ann 1", "ann 2", "ann 3", "ann 4", "ann 5"]);
    assert_eq!(by("visitor", &chat_of_vic), ["I am Vic.", "vic 2"]);
    assert_eq!(by("Ben", &chat_of_wen), ["ben 1", "ben 2", "ben 3", "ben 4"]);
    vic.read("ann 5").await;

    // Once more from the beginning, for all: whoever asks again is told the same, and nothing comes twice.
    desk.start_again().await;
    for agent in [&ann, &ben] {
        agent.app.retry_now(Nothing {}).await.unwrap();
    }
    vic.come_back_to(&desk).await.offer_again(&lost.client_id, "vic 2").await;
    let fresh = Agent::at(&desk, &ANN).await;
    let again = [fresh.chat("I am Vic.").await, fresh.chat("I am Wen.").await];
    for (agent, [of_vic, of_wen]) in [(&ann, [of_vic, of_wen]), (&ben, [of_vic, of_wen]), (&fresh, again)] {
        assert_eq!(agent.until_said(of_vic, 7).await, chat_of_vic);
        assert_eq!(agent.until_said(of_wen, 5).await, chat_of_wen);
    }
}
