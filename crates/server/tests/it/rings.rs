//! A visitor waits: whose devices ring, and what ends it.

use deskbell_protocol::*;
use serde_json::{Value, json};

use crate::desk::*;

/// How often a ring has rung before, and for how long it does, as the next frame says.
async fn ring(client: &mut Client) -> (MessageId, u32, u64) {
    let said = |frame: &ServerFrame| match frame {
        ServerFrame::Ring(ring) => Some((ring.ring, ring.level, ring.deadline_ms)),
        _ => None,
    };
    client.until(said).await
}

#[tokio::test]
async fn tv_01_a_visitor_who_waits_rings_for_all_who_may_answer_until_one_of_them_takes_the_chat() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ann_at_home = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Anybody there?")).await.unwrap();
    let (asked, _) = ann.message("Anybody there?").await;
    for client in [&mut ann, &mut ann_at_home, &mut ben] {
        let (message, level, deadline_ms) = ring(client).await;
        assert!(message == asked.id && level == 0 && deadline_ms > 10_000, "longer than until the next round");
    }

    // Ann looks at it: all her devices fall silent, and Ben's goes on.
    let says = |outcome| ClientFrame::RingAck(RingAck { ring: asked.id, outcome });
    ben.send(&says(RingOutcome::Shown)).await;
    ann.send(&says(RingOutcome::Seen)).await;
    assert_eq!(ring(&mut ann).await, (asked.id, 0, 0));
    assert_eq!(ring(&mut ann_at_home).await, (asked.id, 0, 0));
    let take =
        Command::Assign { conversation: asked.conversation, agent: Some(desk.ben.agent.id), team: None, from: None };
    ben.command(&command(take)).await.unwrap();
    assert_eq!(ring(&mut ben).await, (asked.id, 0, 0), "it rang there until now");
}

/// What these frames say that bears on rings, and what comes twice in a row once.
fn told(frames: &[ServerFrame]) -> Vec<&'static str> {
    let said = |frame: &ServerFrame| match frame {
        ServerFrame::Eph(Ephemeral::Visitors { full: true, .. }) => Some("the visitors"),
        ServerFrame::Eph(Ephemeral::Agents { .. }) => Some("the list is whole"),
        ServerFrame::Delta(delta) if !delta.changes.is_empty() => Some("what was missed"),
        _ => None,
    };
    let mut told: Vec<&str> = frames.iter().filter_map(said).collect();
    told.dedup();
    told
}

#[tokio::test]
async fn tv_01_who_is_there_is_known_before_what_was_missed_so_that_nobody_rings_who_has_left() {
    let desk = TestDesk::start().await;
    let ann = desk.agent(&desk.ann, None).await.synced().await;
    let before = ann.cursor.clone();
    drop(ann);
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Anybody there?")).await.unwrap();
    let mut ann = desk.agent(&desk.ann, before.clone()).await;
    let mut frames = Vec::new();
    while told(&frames).last() != Some(&"what was missed") {
        frames.push(ann.next().await.unwrap());
    }
    let expected = ["the visitors", "the list is whole", "what was missed"];
    assert_eq!(told(&frames), expected);
    // In requests as well.
    let pull = json!({"hello": {"protocol": PROTOCOL, "app": "test", "cursor": before}, "presence": ""});
    let (_, answer) = ask(&desk, &desk.ann, "POST", "/v1/pull", pull).await;
    let frames =
        answer["frames"].as_array().unwrap().iter().map(|frame| ServerFrame::parse(&frame.to_string()).unwrap());
    assert_eq!(told(&frames.collect::<Vec<_>>()), expected);
    assert_ne!(answer["presence"], Value::Null);
}

#[tokio::test]
async fn od_49_a_chat_rings_for_those_alone_who_see_the_sites_customers_and_may_answer() {
    let desk = TestDesk::start().await;
    let edit = http::SiteEdit { members_only: Some(true), ..http::SiteEdit::default() };
    desk.desk.administer().put_site(Some(desk.site.id), edit).await.unwrap();
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Anybody there?")).await.unwrap();
    ring(&mut ann).await;
    // What there was for Ben has been told by now, and comes before the answer.
    ben.send(&ClientFrame::Cmd(command(Command::Start { visitor: VisitorId(1) }))).await;
    let next = |frame: &ServerFrame| match frame {
        ServerFrame::Ring(_) => Some(true),
        ServerFrame::Nack(_) => Some(false),
        _ => None,
    };
    assert!(!ben.until(next).await);
}

#[tokio::test]
async fn tv_01_who_gives_a_chat_back_is_silent_and_it_rings_with_those_who_had_left_it_to_them() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Anybody there?")).await.unwrap();
    let (asked, _) = ann.message("Anybody there?").await;
    let chat = asked.conversation;
    let holder = |agent| command(Command::Assign { conversation: chat, agent, team: None, from: None });
    let read = |number| command(Command::MarkRead { conversation: chat, number });
    ben.command(&holder(Some(desk.ben.agent.id))).await.unwrap();
    for client in [&mut ann, &mut ben] {
        client.command(&read(2)).await.unwrap();
    }
    ben.command(&holder(None)).await.unwrap();
    let (line, _) = ann.message("unassigned").await;
    while ring(&mut ann).await.0 != line.id {}
    let database = rusqlite::Connection::open(desk.data.path().join("desk.db")).unwrap();
    let marks = "SELECT agent FROM read_mark WHERE number = ?1";
    let marked: i64 = database.query_row(marks, [line.number], |row| row.get(0)).unwrap();
    assert_eq!(marked, desk.ben.agent.id.0, "it does not ring with Ben");
}

#[tokio::test]
async fn tv_01_who_waits_across_a_snooze_rings_when_it_is_over_and_who_was_answered_does_not() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (mut visitors, mut chats) = (Vec::new(), Vec::new());
    for text in ["Vic: when?", "Wen: when?", "Xia: when?"] {
        let (mut visitor, _) = desk.visitor().await;
        visitor.command(&reply(None, text)).await.unwrap();
        chats.push(ann.message(text).await.0.conversation);
        visitors.push(visitor);
    }
    ann.command(&reply(Some(chats[1]), "At ten")).await.unwrap();
    let put_off = |chat: usize| command(Command::Snooze { conversation: chats[chat], until: None });
    for chat in [0, 1] {
        ann.command(&put_off(chat)).await.unwrap();
    }
    desk.database().execute("UPDATE conversation SET snoozed_until = 1 WHERE state = 1", []).unwrap();
    // The desk looks at what is due whenever something is put off.
    ann.command(&put_off(2)).await.unwrap();
    ann.conversation(|head| head.id == chats[0] && head.state == ConversationState::Open).await;
    let mut woken = Vec::new();
    for chat in [0, 1] {
        let page = ann.history(chats[chat], 1_000, 50).await;
        let line = page.messages.iter().filter_map(as_message).find(|message| message.text == "woken");
        woken.push(line.expect("both are back").id);
    }
    let mut rung = Vec::new();
    while rung.last() != Some(&woken[0]) {
        rung.push(ring(&mut ben).await.0);
    }
    // What rings after that is Xia, who writes again.
    visitors[2].command(&reply(None, "Xia: hello?")).await.unwrap();
    let (asked, _) = ann.message("Xia: hello?").await;
    while rung.last() != Some(&asked.id) {
        rung.push(ring(&mut ben).await.0);
    }
    assert!(!rung.contains(&woken[1]), "Wen waits for nobody");
}
