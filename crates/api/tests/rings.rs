//! A visitor waited before Ann's app was started.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod computer;

use std::sync::Arc;

use computer::{Computer, ann_at, started};
use deskbell_attention::{Action, ToastKind};
use deskbell_protocol::http::DeskSettingsEdit;
use deskbell_protocol::{Assignment, AssignmentRule};
use deskbell_testkit::{PATIENCE, TestDesk, Visitor};

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
