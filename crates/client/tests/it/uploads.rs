//! Files of Ann's, on a real disk, over a real network that breaks, to a real desk.

use std::time::Duration;

use deskbell_cache::OutboxState;
use deskbell_client::{Sending, Standing};
use deskbell_protocol::*;
use deskbell_testkit::proxy::Way;

use crate::computer::{Computer, reply};
use crate::stage::Stage;

/// Digits at random: nothing in them hides a byte that is lost, doubled or in the wrong place.
fn list(size: usize) -> Vec<u8> {
    std::iter::repeat_with(|| b'0' + rand::random::<u8>() % 10).take(size).collect()
}

/// Ann sends a text with one file; it is kept back for so long.
async fn ann_sends(stage: &Stage, text: &str, name: &str, bytes: &[u8], delay: Duration) -> ClientId {
    let file = stage.ann.client.add_file(stage.chat, name.into(), bytes.to_vec()).await.unwrap();
    let sending = Sending { delay, ..Sending::default() };
    stage.ann.client.submit_reply(reply(stage.chat, text), vec![file.id], sending).await.unwrap()
}

/// The one message with this text that the desk has, and the bytes of its one file.
async fn arrived(ann: &mut Computer, chat: ConversationId, text: &str) -> Vec<u8> {
    ann.settled().await;
    let has = |message: &Message| message.text == text;
    ann.until("the message", |cache, _| cache.messages(chat, None, 99).unwrap().messages.iter().any(has)).await;
    let all = ann.cache.messages(chat, None, 99).unwrap().messages;
    let [message] = all.iter().filter(|message| has(message)).collect::<Vec<_>>()[..] else {
        panic!("it is there twice: {all:?}")
    };
    let [file] = &message.attachments[..] else { panic!("one file: {message:?}") };
    ann.client.download(file.id).await.unwrap()
}

#[tokio::test]
async fn od_35_dk_08_a_file_goes_on_from_where_the_network_cut_it() {
    let mut stage = Stage::set().await;
    let bytes = list(1_500_000);
    stage.proxy.slow(Way::ToDesk, Duration::from_millis(30));
    let id = ann_sends(&stage, "The list", "list.csv", &bytes, Duration::ZERO).await;
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
    assert!(arrived(&mut stage.ann, stage.chat, "The list").await == bytes, "the bytes are others");
    assert!(stage.ann.cache.draft_files(stage.chat).unwrap().is_empty());
}

#[tokio::test]
async fn od_35_a_message_and_its_file_survive_a_switched_off_computer_without_a_connection() {
    let mut stage = Stage::set().await;
    stage.ann_goes_offline().await;
    let chat = stage.chat;
    let bytes = list(300_000);
    ann_sends(&stage, "With the list", "list.csv", &bytes, Duration::ZERO).await;
    stage.ann.client.submit(reply(chat, "And this after it"), vec![]).await.unwrap();
    let disk = stage.ann.switched_off().await;
    stage.proxy.heal();
    for name in ["outbox.db", "outbox.db-wal"] {
        let raw = std::fs::read(disk.path().join(name)).unwrap_or_default();
        assert!(!raw.windows(64).any(|window| window == &bytes[1_000..1_064]), "{name} holds the file in clear text");
    }
    let mut ann = Computer::start(&stage.proxy.address(), disk);
    assert!(arrived(&mut ann, chat, "With the list").await == bytes, "the bytes are others");
    assert_eq!(ann.texts(chat), ["Hello", "With the list", "And this after it"], "the order is kept");
    // Nothing of it takes up room any more.
    assert!(ann.cache.outbox().unwrap().is_empty());
}

#[tokio::test]
async fn od_35_a_refused_file_refuses_its_message_and_neither_text_nor_file_is_lost() {
    let mut stage = Stage::set().await;
    let page = b"<!doctype html><script>alert(1)</script>";
    let id = ann_sends(&stage, "Look", "page.png", page, Duration::ZERO).await;
    stage.ann.until("the refusal", |_, client| client.status().refused == 1).await;
    let [item] = &stage.ann.cache.outbox().unwrap()[..] else { panic!("one message") };
    assert_eq!(item.state, OutboxState::Refused(ErrorCode::UnsupportedType));
    assert_eq!(item.files[0].refusal, Some(ErrorCode::UnsupportedType), "which file it was");
    // Another message of the same chat goes on.
    ann_sends(&stage, "A good one", "list.csv", b"1,2\n", Duration::ZERO).await;
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
    let id = ann_sends(&stage, "Too early", "list.csv", &bytes, Duration::ZERO).await;
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
    assert!(arrived(&mut stage.ann, stage.chat, "Now").await == bytes, "the bytes are others");
    assert!(!stage.ann.texts(stage.chat).contains(&"Too early".to_owned()));
}
