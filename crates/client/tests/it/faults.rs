//! A bad network between Ann's computer and the desk: nothing is lost, nothing doubled, and nothing out of order.

use std::time::Duration;

use deskbell_client::SyncState;
use deskbell_protocol::*;
use deskbell_testkit::proxy::{FaultProxy, Way};
use deskbell_testkit::{ANN, AgentSocket, BEN, TestDesk, Visitor};
use tempfile::TempDir;

use crate::computer::{Computer, copy, does, session};
use crate::stage::{Stage, go_by, has};

/// Longer than either side waits for a sign of life.
const BEYOND_SILENCE: Duration = Duration::from_secs(36);
/// Longer than the client waits for the answer to a command, and shorter than either waits for a sign of life.
const BEYOND_ANSWERS: Duration = Duration::from_secs(12);
/// Longer than a connection has to show that it lives.
const BEYOND_THE_PROBE: Duration = Duration::from_secs(4);

#[tokio::test]
async fn dc_02_a_connection_that_fell_silent_is_noticed_and_replaced_and_nothing_is_lost() {
    let mut stage = Stage::set().await;
    stage.proxy.silence();
    stage.vic.write("Are you there?").await;
    stage.ann_writes(&["I am", "Always"]).await;
    assert_eq!(stage.ann.client.status().state, SyncState::Live, "nobody told Ann's computer");
    assert_eq!(stage.ann.texts(stage.chat), ["Hello"]);
    go_by(BEYOND_SILENCE).await;
    stage.ann.until("the end to be noticed", |_, client| client.status().state != SyncState::Live).await;
    stage.ends_with(&["Hello", "Are you there?", "I am", "Always"]).await;
}

#[tokio::test]
async fn dc_02_whoever_goes_on_writing_comes_back_though_a_connection_takes_its_time_to_open() {
    let mut stage = Stage::set().await;
    stage.proxy.slow(Way::ToClient, Duration::from_secs(1));
    stage.proxy.cut();
    stage.ann.until("the end to be noticed", |_, client| client.status().state != SyncState::Live).await;
    let chat = stage.chat;
    // Ann types whenever it is looked, which is more than once in each second.
    stage
        .ann
        .until("a live connection", |_, client| {
            client.typing(chat, true);
            client.status().state == SyncState::Live
        })
        .await;
    stage.proxy.heal();
    stage.ends_with(&["Hello"]).await;
}

#[tokio::test]
async fn dc_02_after_a_change_of_the_network_a_dead_connection_is_replaced_within_seconds() {
    let mut stage = Stage::set().await;
    stage.proxy.silence();
    stage.ann.client.network_changed();
    stage.vic.write("Are you there?").await;
    stage.ann.moment().await;
    go_by(BEYOND_THE_PROBE).await;
    stage.ann.until("Vic's words", |cache, _| has(cache, stage.chat, 2)).await;
    stage.ann.live().await;
    stage.ends_with(&["Hello", "Are you there?"]).await;
}

#[tokio::test]
async fn dc_02_a_change_of_the_network_that_leaves_the_connection_alive_costs_no_connection() {
    let mut stage = Stage::set().await;
    let (connections, heard) = (stage.proxy.connections(), stage.proxy.passed(Way::ToClient));
    stage.ann.client.network_changed();
    while stage.proxy.passed(Way::ToClient) == heard {
        stage.ann.moment().await;
    }
    stage.ann.moment().await;
    go_by(BEYOND_THE_PROBE).await;
    stage.ann.moment().await;
    assert_eq!(stage.ann.client.status().state, SyncState::Live);
    assert_eq!(stage.proxy.connections(), connections, "the one that answered stays");
    stage.ends_with(&["Hello"]).await;
}

#[tokio::test]
async fn dc_02_a_connection_that_fell_silent_while_nobody_wrote_is_noticed_too() {
    let mut stage = Stage::set().await;
    stage.proxy.silence();
    go_by(BEYOND_SILENCE).await;
    stage.ann.until("the end to be noticed", |_, client| client.status().state != SyncState::Live).await;
    stage.ann_writes(&["Still here"]).await;
    stage.ends_with(&["Hello", "Still here"]).await;
}

#[tokio::test]
async fn dc_02_what_ann_writes_while_the_desk_cannot_hear_her_arrives_once_and_in_order() {
    for patience_ends in [false, true] {
        let mut stage = Stage::set().await;
        stage.proxy.freeze(Way::ToDesk);
        stage.ann_writes(&["one", "two", "three"]).await;
        stage.vic.write("Hello?").await;
        stage.ann.until("Vic, for this way is open", |cache, _| has(cache, stage.chat, 2)).await;
        if patience_ends {
            go_by(BEYOND_ANSWERS).await;
            stage.ann.until("another try", |_, client| client.status().state == SyncState::Offline).await;
        }
        stage.ann_writes(&["four"]).await;
        // What the first connection still holds arrives now, beside what a second one brings again.
        stage.proxy.heal();
        stage.ends_with(&["Hello", "Hello?", "one", "two", "three", "four"]).await;
    }
}

#[tokio::test]
async fn dc_02_what_ann_writes_while_she_cannot_hear_the_desk_arrives_once_and_in_order() {
    for patience_ends in [false, true] {
        let mut stage = Stage::set().await;
        stage.proxy.freeze(Way::ToClient);
        stage.ann_writes(&["one", "two", "three"]).await;
        stage.vic.read("one").await;
        assert_eq!(stage.ann.cache.outbox().unwrap().len(), 3, "without an answer nothing is done");
        if patience_ends {
            go_by(BEYOND_ANSWERS).await;
            stage.ann.until("another try", |_, client| client.status().state == SyncState::Offline).await;
        }
        stage.ann_writes(&["four"]).await;
        stage.proxy.heal();
        stage.ends_with(&["Hello", "one", "two", "three", "four"]).await;
    }
}

#[tokio::test]
async fn dc_02_an_answer_that_is_cut_off_anywhere_leaves_one_message() {
    let mut stage = Stage::set().await;
    let mut texts = vec!["Hello".to_owned()];
    for bytes in [0, 1, 3, 40, 200] {
        let text = format!("cut after {bytes} bytes");
        stage.proxy.cut_after(Way::ToClient, bytes);
        stage.ann_writes(&[&text]).await;
        stage.vic.read(&text).await;
        stage.ann.until("the cut", |_, _| !stage.proxy.cut_is_planned(Way::ToClient)).await;
        stage.ann.client.retry_now();
        stage.ann.settled().await;
        texts.push(text);
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    stage.ends_with(&texts).await;
}

#[tokio::test]
async fn dc_02_an_answer_that_never_came_and_a_cut_leave_one_message() {
    let mut stage = Stage::set().await;
    stage.proxy.freeze(Way::ToClient);
    stage.ann_writes(&["one", "two"]).await;
    stage.vic.read("one").await;
    stage.proxy.cut();
    stage.proxy.heal();
    stage.ends_with(&["Hello", "one", "two"]).await;
}

#[tokio::test]
async fn dc_02_frames_that_arrive_twice_count_once() {
    let mut stage = Stage::set().await;
    stage.proxy.repeat(Way::ToDesk, u64::MAX);
    stage.proxy.repeat(Way::ToClient, u64::MAX);
    stage.ann_writes(&["one", "two", "three"]).await;
    stage.vic.read("three").await;
    stage.vic.write("four").await;
    stage.ann.until("Vic's answer", |cache, _| has(cache, stage.chat, 5)).await;
    assert_eq!(stage.ann.client.status().state, SyncState::Live, "that is no reason to part");
    stage.proxy.heal();
    stage.ends_with(&["Hello", "one", "two", "three", "four"]).await;
}

#[tokio::test]
async fn dc_02_one_connection_after_another_while_ann_writes_leaves_each_message_once() {
    let stage = Stage::set().await;
    let texts: Vec<String> = (1..=20).map(|number| format!("number {number}")).collect();
    let mut expected = vec!["Hello"];
    for text in &texts {
        stage.ann_writes(&[text]).await;
        stage.ann.client.retry_now();
        expected.push(text);
    }
    stage.ends_with(&expected).await;
}

/// Three chats with much to read, more than two pages of it.
async fn a_busy_desk(desk: &TestDesk) -> (AgentSocket, Vec<Visitor>) {
    let mut ben = AgentSocket::connect(desk, &BEN).await;
    let mut visitors = Vec::new();
    for name in ["Vic", "Wen", "Vic's brother"] {
        let mut visitor = Visitor::arrive(desk, name).await;
        let question = format!("{name} has a question");
        visitor.write(&question).await;
        visitor.read(&question).await;
        visitors.push(visitor);
    }
    ben_writes_much(&mut ben, &visitors, "morning").await;
    (ben, visitors)
}

/// Ben writes a dozen long answers in every chat.
async fn ben_writes_much(ben: &mut AgentSocket, visitors: &[Visitor], when: &str) {
    let long = "a long answer with many words in it ".repeat(45);
    for number in 0..12 {
        for chat in visitors.iter().map(|visitor| visitor.conversation) {
            let text = format!("{when} {number}: {long}");
            does(
                ben,
                Command::Send {
                    conversation: chat,
                    kind: MessageKind::Reply,
                    text,
                    attachments: vec![],
                    mentions: Vec::new(),
                    article: None,
                    choice: None,
                },
            )
            .await;
        }
    }
}

/// Bytes that go to a computer until it is up to date, and what it shows then.
async fn without_faults(desk: &TestDesk, disk: TempDir) -> (u64, String) {
    let proxy = FaultProxy::start(desk.socket_address()).await.unwrap();
    let mut computer = Computer::start(&proxy.address(), disk);
    computer.live().await;
    (proxy.bytes_passed(Way::ToClient), computer.everything())
}

/// Cuts the connection at many places of what goes to a computer that begins with what is on `disk`, and compares
/// what it shows in the end.
async fn cut_everywhere(desk: &TestDesk, disk: &TempDir, expected: &str) {
    let (whole, shown) = without_faults(desk, copy(disk.path())).await;
    assert_eq!(shown, expected);
    assert!(whole > 60_000, "{whole} bytes are no more than a page");
    // Frames about presence come as it happens, so the very last bytes of one run may not come in another.
    for bytes in [0, 1, 100, 700, whole / 4, whole / 2, whole / 2 + 1, whole * 3 / 4, whole - 3_000, whole - 1_500] {
        let proxy = FaultProxy::start(desk.socket_address()).await.unwrap();
        proxy.cut_after(Way::ToClient, bytes);
        let mut ann = Computer::start(&proxy.address(), copy(disk.path()));
        ann.until("the cut", |_, _| !proxy.cut_is_planned(Way::ToClient)).await;
        ann.until("the end of the connection", |_, client| client.status().state == SyncState::Offline).await;
        ann.client.retry_now();
        ann.live().await;
        assert_eq!(ann.everything(), expected, "cut after {bytes} of {whole} bytes");
    }
}

#[tokio::test]
async fn dc_02_a_snapshot_that_is_cut_anywhere_ends_like_one_that_is_not() {
    let desk = TestDesk::start().await;
    let (_ben, _visitors) = a_busy_desk(&desk).await;
    let disk = session(&desk, &ANN).await;
    let (_, expected) = without_faults(&desk, copy(disk.path())).await;
    cut_everywhere(&desk, &disk, &expected).await;
}

#[tokio::test]
async fn dc_02_deltas_that_are_cut_anywhere_end_like_a_fresh_start() {
    let desk = TestDesk::start().await;
    let (mut ben, visitors) = a_busy_desk(&desk).await;
    let disk = session(&desk, &ANN).await;
    let nothing = copy(disk.path());
    let mut ann = Computer::start(&desk.address(), disk);
    ann.live().await;
    let disk = ann.switched_off().await;

    ben_writes_much(&mut ben, &visitors, "evening").await;
    let chats: Vec<ConversationId> = visitors.iter().filter_map(|visitor| visitor.conversation).collect();
    does(&mut ben, Command::Assign { conversation: chats[0], agent: Some(desk.ben.id), team: None, from: None }).await;
    does(&mut ben, Command::SetState { conversation: chats[1], state: ConversationState::Closed }).await;

    let (_, expected) = without_faults(&desk, nothing).await;
    cut_everywhere(&desk, &disk, &expected).await;
}
