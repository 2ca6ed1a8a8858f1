//! Ann's computer and a real desk: what is written offline arrives once, and what was missed is caught up.

use deskbell_cache::Folder;
use deskbell_client::{ClientError, SyncState, TokenStore as _, find_desk, sign_in};
use deskbell_protocol::*;
use deskbell_testkit::{ANN, TestDesk, Visitor};

use crate::computer::{Computer, reply};

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
    let mut ann = Computer::start(&desk.address(), directory);
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
async fn dk_10_a_chat_that_ann_begins_is_on_her_computer_when_she_is_told_of_it() {
    let desk = TestDesk::start().await;
    let mut ann = Computer::signed_in(&desk).await;
    ann.live().await;
    let mut visitors = Vec::new();
    for number in 1..=20 {
        visitors.push(Visitor::arrive(&desk, &format!("visitor {number}")).await);
        ann.until("the visitor on the list", |_, client| client.online().len() == number).await;
    }
    for visitor in ann.client.online() {
        let chat = ann.client.start_conversation(visitor.visitor).await.unwrap();
        assert!(ann.cache.conversation(chat).unwrap().is_some(), "it can be opened at once");
    }
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
    let mut ann = Computer::start(&desk.address(), directory);
    ann.until("the rest", |cache, _| cache.messages(chat, None, 9).unwrap().messages.len() == 3).await;
    assert_eq!(ann.texts(chat), ["before", "while away 1", "while away 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_a_page_that_is_no_desk_say_what_they_are() {
    let desk = TestDesk::start().await;
    let (address, _) = find_desk(&desk.address()).await.unwrap();
    let wrong = SignIn {
        email: ANN.email.into(),
        password: "wrong".into(),
        code: None,
        device: "test".into(),
        system: String::new(),
    };
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
async fn after_a_sign_out_no_token_is_left_whether_the_desk_hears_of_it_or_not() {
    for heard in [true, false] {
        let mut desk = TestDesk::start().await;
        let mut ann = Computer::signed_in(&desk).await;
        ann.live().await;
        assert!(ann.tokens().load().is_some());
        if !heard {
            desk.stop().await;
        }
        assert_eq!(ann.client.sign_out().await.is_ok(), heard);
        assert_eq!(ann.tokens().load(), None);
        // Not even a connection that comes back afterwards finds one.
        ann.client.retry_now();
        ann.until("the end of the session", |_, client| client.status().state == SyncState::Expired).await;
        assert_eq!(ann.tokens().load(), None);
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn od_16_what_only_the_desk_has_is_found_there_and_fetched_with_what_stands_around_it() {
    let mut desk = TestDesk::start().await;
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("The oldest teapot").await;
    let mut elsewhere = Computer::signed_in(&desk).await;
    elsewhere.live().await;
    let chat = elsewhere.chat().await;
    for number in 2..=90 {
        elsewhere.client.submit(reply(chat, &format!("answer {number}")), vec![]).await.unwrap();
    }
    elsewhere.settled().await;
    vic.write("The newest teapot").await;
    let mut ann = Computer::signed_in(&desk).await;
    ann.live().await;
    let chat = ann.chat().await;
    let here = ann.cache.search("teapot", AgentId(0), 9).unwrap();
    assert_eq!(here.len(), 1, "a snapshot holds the last messages alone");
    let found = ann.client.search("teapot".into(), 9).await.unwrap();
    assert_eq!(found.len(), 1, "what is here is not found there once more");
    assert_eq!(
        (found[0].conversation, &found[0].snippet),
        (chat, &vec!["The oldest ".to_owned(), "teapot".to_owned()])
    );
    let number = found[0].number;
    ann.client.load_older(chat, Some(number + 25)).await.unwrap();
    let page = ann.cache.messages(chat, Some(number + 25), 50).unwrap();
    assert!(page.messages.iter().any(|message| message.text == "The oldest teapot"));
    assert!(ann.client.search("teapot".into(), 9).await.unwrap().is_empty());
    assert_eq!(ann.cache.search("teapot", AgentId(0), 9).unwrap().len(), 2);
    assert!(ann.client.search("teapot before:2020".into(), 9).await.unwrap().is_empty());
    assert_eq!(ann.client.search("\"answer 40\" from:me after:2020".into(), 9).await.unwrap().len(), 1);
    desk.stop().await;
    assert!(matches!(ann.client.search("teapot".into(), 9).await, Err(ClientError::Offline)));
}
