//! A visitor waited before Ann's app was started.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod computer;

use std::sync::Arc;

use computer::{Computer, ann_at, started, until};
use deskbell_api::types::{ForConversation, MarkRead};
use deskbell_api::{AccountId, ConversationRef};
use deskbell_attention::{Action, Reason, ToastKind};
use deskbell_protocol::http::DeskSettingsEdit;
use deskbell_protocol::{Assignment, AssignmentRule, Command, Priority};
use deskbell_testkit::{AgentSocket, BEN, PATIENCE, TestDesk, Visitor};

#[tokio::test(flavor = "multi_thread")]
async fn tv_01_a_chat_that_waited_before_the_app_was_started_rings_in_it() {
    let desk = TestDesk::start().await;
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Anybody there?").await;
    let disk = tempfile::tempdir().unwrap();
    let computer = Arc::new(Computer::default());
    let (app, _) = started(&disk.path().join("app"), &computer).await;
    app.connect_desk(ann_at(&desk, None)).await.unwrap();
    let events = app.subscribe();
    let rung = async {
        while !computer.alerts.lock().unwrap().iter().any(|alert| alert.rings) {
            events.next().await;
        }
    };
    tokio::time::timeout(3 * PATIENCE, rung).await.expect("it rings with the next round");
    let toast = computer.alerts.lock().unwrap()[0].toast.clone().unwrap();
    assert_eq!(toast.body.as_deref(), Some("Anybody there?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tv_03_a_chat_that_the_desk_gives_to_me_rings_though_it_is_mine_already() {
    let desk = TestDesk::start().await;
    let disk = tempfile::tempdir().unwrap();
    let computer = Arc::new(Computer::default());
    let (app, _) = started(&disk.path().join("app"), &computer).await;
    app.connect_desk(ann_at(&desk, None)).await.unwrap();
    let assignment = Assignment { rule: AssignmentRule::RoundRobin, capacity: 5, back_after_s: 0 };
    let edit = DeskSettingsEdit { assignment: Some(assignment), ..DeskSettingsEdit::default() };
    desk.desk.administer().edit_settings(edit).await.unwrap();
    let events = app.subscribe();
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Anybody there?").await;
    let rung = async {
        while !computer.alerts.lock().unwrap().iter().any(|alert| alert.rings) {
            events.next().await;
        }
    };
    tokio::time::timeout(3 * PATIENCE, rung).await.expect("it rings for whoever was given it");
    let alerts = computer.alerts.lock().unwrap();
    let toast = alerts.iter().find(|alert| alert.rings).unwrap().toast.clone().unwrap();
    assert_eq!((toast.kind, toast.actions), (ToastKind::NewChat, vec![Action::Open]), "hers already");
}

#[tokio::test(flavor = "multi_thread")]
async fn tv_06_a_chat_in_which_a_flow_talks_is_quiet_and_rings_when_it_does_no_more_though_all_was_read() {
    let desk = TestDesk::start().await;
    let flow = serde_json::json!({"name": "Tea", "start": {"kind": "first_message"}, "patience_s": 600, "steps": [
        {"key": "ask", "does": {"kind": "ask", "texts": {"en": "Which tea?"}}},
        {"key": "people", "does": {"kind": "hand_over"}},
    ]});
    desk.desk.administer().put_flow(None, serde_json::from_value(flow).unwrap()).await.unwrap();
    let disk = tempfile::tempdir().unwrap();
    let computer = Arc::new(Computer::default());
    let (app, _) = started(&disk.path().join("app"), &computer).await;
    app.connect_desk(ann_at(&desk, None)).await.unwrap();
    let events = app.subscribe();
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Anybody there?").await;
    let first = until(&events, "the message", || async { computer.alerts.lock().unwrap().first().cloned() }).await;
    assert_eq!((first.rings, first.why_quiet), (false, Some(Reason::NobodyWaits)));
    let question = vic.read("Which tea?").await;
    let (chat, number) = (ConversationRef::new(AccountId(1), question.conversation), question.number);
    app.mark_read(MarkRead { conversation: chat, number }).await.unwrap();

    let mut ben = AgentSocket::connect(&desk, &BEN).await;
    ben.command(Command::StopFlow { conversation: chat.id }).await;
    // A ring that comes before the line by which it rings is heard with the next round.
    let rung = async {
        loop {
            let found = computer.alerts.lock().unwrap().iter().find(|alert| alert.rings).cloned();
            if let Some(alert) = found {
                return alert;
            }
            events.next().await;
        }
    };
    let toast = tokio::time::timeout(3 * PATIENCE, rung).await.expect("it rings").toast.unwrap();
    assert_eq!((toast.kind, toast.body), (ToastKind::NewChat, None), "what the desk notes is no message");
    // Another change of the chat is not somebody who has seen it.
    ben.command(Command::SetPriority { conversation: chat.id, priority: Priority::High }).await;
    let pressing = || async {
        let row = app.conversation(ForConversation { conversation: chat }).await.unwrap();
        (row.priority == Priority::High).then_some(())
    };
    until(&events, "the priority", pressing).await;
    assert_eq!(*computer.calmed.lock().unwrap(), []);
    app.mark_read(MarkRead { conversation: chat, number: number + 1 }).await.unwrap();
    until(&events, "the end", || async { computer.calmed.lock().unwrap().contains(&chat).then_some(()) }).await;
}
