//! One deed for many conversations at once.

use deskbell_protocol::*;
use serde_json::{Value, json};

use crate::desk::*;

async fn bulk(desk: &TestDesk, who: &http::SignedIn, conversations: Value, deed: Value) -> (u16, Value) {
    ask(desk, who, "POST", "/v1/conversations/bulk", json!({"conversations": conversations, "deed": deed})).await
}

/// The chats of some visitors who have just written, with the places of their last changes.
async fn chats(desk: &TestDesk, ann: &mut Client, count: usize) -> Vec<(ConversationId, Seq)> {
    let mut found = Vec::new();
    for number in 0..count {
        let (mut visitor, _) = desk.visitor().await;
        let text = format!("Hello {number}");
        visitor.command(&reply(None, &text)).await.unwrap();
        let (message, _) = ann.message(&text).await;
        found.push(message.conversation);
    }
    let mut fresh = desk.agent(&desk.ann, None).await;
    fresh.welcome().await;
    let rows = fresh.snapshot().await;
    let place = |id: &ConversationId| {
        let is = |row: &&Change| row.entity == EntityKind::Conversation && row.id == id.0;
        (*id, rows.iter().find(is).unwrap().seq)
    };
    found.iter().map(place).collect()
}

#[tokio::test]
async fn many_chats_are_closed_at_once_and_each_that_is_refused_says_why() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let chats = chats(&desk, &mut ann, 3).await;
    let [(vics, vics_rev), (wens, wens_rev), (others, _)] = chats[..] else { panic!("{chats:?}") };
    let to_ben = Command::StartInternal {
        agents: vec![desk.ben.agent.id],
        title: String::new(),
        text: "Close them all".to_owned(),
    };
    let among_us = ann.command(&command(to_ben)).await.unwrap().id.unwrap();
    // Somebody writes in Wen's before Ann's click arrives.
    ann.command(&say(Some(wens), MessageKind::Note, "Not yet!")).await.unwrap();

    let wanted = json!([
        {"id": vics, "if_rev": vics_rev},
        {"id": wens, "if_rev": wens_rev},
        {"id": 1},
        {"id": among_us},
        {"id": others},
    ]);
    let (status, done) = bulk(&desk, &desk.ann, wanted, json!({"kind": "set_state", "state": "closed"})).await;
    assert_eq!(status, 200, "{done}");
    let results = done["results"].as_array().unwrap();
    let of = |field: &str| -> Vec<Value> { results.iter().map(|result| result[field].clone()).collect() };
    assert_eq!(of("id"), [json!(vics), json!(wens), json!(1), json!(among_us), json!(others)], "in their order");
    let codes: Vec<_> = results.iter().map(|result| result["refused"]["code"].as_str()).collect();
    assert_eq!(codes, [None, Some("conflict"), Some("not_found"), Some("invalid"), None]);
    for result in results.iter().filter(|result| result["refused"].is_object()) {
        assert!(result["refused"]["message"].as_str().unwrap().len() > 20 && result["seq"].is_null(), "{result}");
    }
    let last = results[4]["seq"].as_i64().unwrap();
    let mut closed = Vec::new();
    while ann.cursor.as_ref().unwrap().seq.0 < last || closed.len() < 2 {
        for change in ann.delta().await.changes {
            if let Some(Entity::Conversation(head)) = decode(&change)
                && head.state == ConversationState::Closed
            {
                closed.push(head.id);
            }
        }
    }
    assert_eq!(closed, [vics, others], "and nothing else");
}

#[tokio::test]
async fn each_deed_reaches_all_and_asks_for_its_own_right() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let chats = chats(&desk, &mut ann, 2).await;
    let both = json!([{"id": chats[0].0}, {"id": chats[1].0}]);
    for deed in [
        json!({"kind": "assign", "agent": desk.ben.agent.id, "team": null}),
        json!({"kind": "set_priority", "priority": "high"}),
        json!({"kind": "change_labels", "add": ["Tea pots"], "remove": []}),
        json!({"kind": "snooze", "until": null}),
    ] {
        let (status, done) = bulk(&desk, &desk.ben, both.clone(), deed).await;
        assert_eq!(status, 200, "{done}");
        assert!(done["results"].as_array().unwrap().iter().all(|result| result["seq"].is_i64()), "{done}");
    }
    let mut fresh = desk.agent(&desk.ann, None).await;
    fresh.welcome().await;
    let heads: Vec<Conversation> = fresh
        .snapshot()
        .await
        .iter()
        .filter_map(decode)
        .filter_map(|entity| if let Entity::Conversation(head) = entity { Some(head) } else { None })
        .collect();
    assert_eq!(heads.len(), 2);
    for head in heads {
        let done = (head.assignee, head.priority, head.state, head.labels.as_slice());
        assert_eq!(
            done,
            (Some(desk.ben.agent.id), Priority::High, ConversationState::Snoozed, ["Tea pots".to_owned()].as_slice())
        );
    }
    let many: Vec<Value> = (0..=http::BULK_MAX).map(|id| json!({ "id": id })).collect();
    let (status, refused) = bulk(&desk, &desk.ben, json!(many), json!({"kind": "set_state", "state": "open"})).await;
    assert_eq!((status, refused["field"].as_str()), (400, Some("conversations")), "{refused}");
}
