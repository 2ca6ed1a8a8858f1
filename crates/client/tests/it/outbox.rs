//! What Ann can do about a message of hers before anybody has seen it, with a real desk and a real network.

use std::time::Duration;

use deskbell_client::{ClientError, Sending, Standing};
use deskbell_protocol::*;
use deskbell_testkit::{AgentSocket, BEN};

use crate::computer::{Computer, does, reply};
use crate::stage::Stage;

/// Long enough that nothing goes by itself while a test looks.
const A_WHILE: Duration = Duration::from_secs(9);

/// Ann writes, after she has seen Vic's words; it is kept back for so long.
async fn ann_writes(stage: &Stage, text: &str, delay: Duration) -> ClientId {
    let sending = Sending { delay, seen: Some(1), if_rev: None };
    stage.ann.client.submit_reply(reply(stage.chat, text), vec![], sending).await.unwrap()
}

#[tokio::test]
async fn a_reply_that_was_taken_back_in_time_never_reaches_vic_and_is_unsent_text_again() {
    let mut stage = Stage::set().await;
    let id = ann_writes(&stage, "Too fast", A_WHILE).await;
    stage.ann.until("the delay", |_, client| client.standing(&id) == Some(Standing::Delayed)).await;
    let back = stage.ann.client.take_back(id.clone()).await.unwrap();
    assert_eq!(back.draft.reply, "Too fast");
    assert!(stage.ann.cache.outbox().unwrap().is_empty());
    assert_eq!(stage.ann.cache.draft(stage.chat).unwrap().reply, "Too fast");
    ann_writes(&stage, "Better", Duration::ZERO).await;
    stage.vic.read("Better").await;
    stage.ann.settled().await;
    assert_eq!(stage.ann.texts(stage.chat), ["Hello", "Better"]);
    assert!(matches!(stage.ann.client.take_back(id).await, Err(ClientError::TooLate)));
}

#[tokio::test]
async fn a_reply_goes_by_itself_when_its_moment_is_over_and_cannot_be_taken_back_then() {
    let mut stage = Stage::set().await;
    let id = ann_writes(&stage, "In a moment", Duration::from_millis(300)).await;
    stage.vic.read("In a moment").await;
    assert!(matches!(stage.ann.client.take_back(id).await, Err(ClientError::TooLate)));
    stage.ann.settled().await;
    assert_eq!(stage.ann.texts(stage.chat), ["Hello", "In a moment"]);
    assert_eq!(stage.ann.cache.draft(stage.chat).unwrap().reply, "");
}

#[tokio::test]
async fn whoever_leaves_has_sent_what_was_kept_back() {
    let mut stage = Stage::set().await;
    ann_writes(&stage, "Good night", A_WHILE).await;
    stage.ann.client.stop().await;
    stage.vic.read("Good night").await;
}

#[tokio::test]
async fn what_waits_for_the_connection_can_be_dropped_or_changed_and_what_may_have_arrived_cannot() {
    let mut stage = Stage::set().await;
    stage.ann_goes_offline().await;
    let dropped = ann_writes(&stage, "Never mind", Duration::ZERO).await;
    let kept = ann_writes(&stage, "Please wait", Duration::ZERO).await;
    stage.ann.until("both", |_, client| client.standing(&kept) == Some(Standing::Queued)).await;
    stage.ann.client.discard(dropped).await.unwrap();
    stage.ann_comes_back().await;
    stage.vic.read("Please wait").await;
    stage.ann.settled().await;
    assert_eq!(stage.ann.texts(stage.chat), ["Hello", "Please wait"]);

    stage.proxy.freeze(deskbell_testkit::proxy::Way::ToDesk);
    let sent = ann_writes(&stage, "On its way", Duration::ZERO).await;
    stage.ann.until("the sending", |_, client| client.standing(&sent) == Some(Standing::Sending)).await;
    assert!(matches!(stage.ann.client.discard(sent.clone()).await, Err(ClientError::TooLate)));
    stage.ann_goes_offline().await;
    stage.ann.until("the retry", |_, client| client.standing(&sent) == Some(Standing::Retrying)).await;
    assert!(matches!(stage.ann.client.discard(sent).await, Err(ClientError::TooLate)));
    stage.ann_comes_back().await;
    stage.vic.read("On its way").await;
}

#[tokio::test]
async fn a_reply_written_offline_is_held_when_ben_answered_meanwhile_and_ann_decides() {
    let mut stage = Stage::set().await;
    let mut ben = AgentSocket::connect(&stage.desk, &BEN).await;
    stage.ann_goes_offline().await;
    let first = ann_writes(&stage, "Yes, in blue", Duration::ZERO).await;
    let second = ann_writes(&stage, "And in red", Duration::ZERO).await;
    does(&mut ben, reply(stage.chat, "No, sold out")).await;
    stage.ann_comes_back().await;
    stage.ann.until("the question", |_, client| client.status().held == 1).await;
    assert_eq!(stage.ann.texts(stage.chat), ["Hello", "No, sold out"], "Ann sees what came before she decides");
    assert_eq!(stage.ann.client.standing(&first), Some(Standing::Held));
    assert_eq!(stage.ann.client.standing(&second), Some(Standing::Queued), "it waits behind the first");

    // A restart asks again, and sends nothing.
    let directory = stage.ann.switched_off().await;
    stage.ann = Computer::start(&stage.proxy.address(), directory);
    stage.ann.live().await;
    stage.ann.until("the question", |_, client| client.standing(&first) == Some(Standing::Held)).await;

    stage.ann.client.retry(first).await.unwrap();
    stage.vic.read("Yes, in blue").await;
    stage.ann.until("the second question", |_, client| client.standing(&second) == Some(Standing::Held)).await;
    let back = stage.ann.client.take_back(second).await.unwrap();
    assert_eq!(back.draft.reply, "And in red");
    stage.ann.settled().await;
    assert_eq!(stage.ann.texts(stage.chat), ["Hello", "No, sold out", "Yes, in blue"]);
    stage.ann.until("nothing to decide", |_, client| client.status().held == 0).await;
}

#[tokio::test]
async fn a_reply_written_offline_goes_by_itself_when_only_vic_wrote_meanwhile() {
    let mut stage = Stage::set().await;
    stage.ann_goes_offline().await;
    ann_writes(&stage, "Here I am", Duration::ZERO).await;
    stage.vic.write("Anybody?").await;
    stage.ann_comes_back().await;
    stage.vic.read("Here I am").await;
    stage.ann.settled().await;
    assert_eq!(stage.ann.texts(stage.chat), ["Hello", "Anybody?", "Here I am"]);
}
