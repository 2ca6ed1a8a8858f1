//! Prepared texts: who sees them, who may change them, and what becomes of them when a team is left.

use deskbell_protocol::http::{CannedTextEdit, NewCannedText, TeamEdit};
use deskbell_protocol::*;
use serde_json::{Value, json};

use crate::desk::*;
use crate::files::{Who, fetch, files_under, upload};

async fn shortcuts(desk: &TestDesk, who: &http::SignedIn) -> Vec<String> {
    let (status, texts) = ask(desk, who, "GET", "/v1/canned-texts", Value::Null).await;
    assert_eq!(status, 200);
    texts.as_array().unwrap().iter().map(|text| text["shortcut"].as_str().unwrap().to_owned()).collect()
}

fn new(owner: &TextOwner, shortcut: &str) -> Value {
    json!({ "owner": owner, "shortcut": shortcut, "title": "T", "text": "Hello {visitor.first_name|there}" })
}

/// A team of Ben alone.
async fn tea(desk: &TestDesk) -> TeamId {
    let edit = TeamEdit { name: Some("Tea".into()), members: Some(vec![desk.ben.agent.id]), ..TeamEdit::default() };
    desk.desk.administer().put_team(None, edit).await.unwrap().id
}

async fn promote(desk: &TestDesk, agent: AgentId, role: Role) {
    let edit = http::AgentEdit { role: Some(role), ..http::AgentEdit::default() };
    desk.desk.administer().edit_agent(agent, edit).await.unwrap();
}

/// Waits for what becomes of a text.
async fn told(agent: &mut Client, kind: ChangeKind) -> Change {
    loop {
        let delta = agent.delta().await;
        if let Some(found) =
            delta.changes.into_iter().find(|change| change.entity == EntityKind::CannedText && change.kind == kind)
        {
            return found;
        }
    }
}

#[tokio::test]
async fn tv_05_everybody_writes_texts_for_themselves_supervisors_for_their_team_and_admins_for_the_desk() {
    let desk = TestDesk::start().await;
    let (team, other) = (TextOwner::Team { team: tea(&desk).await }, TextOwner::Team { team: TeamId(1) });
    let mine = TextOwner::Agent { agent: desk.ben.agent.id };
    let anns = TextOwner::Agent { agent: desk.ann.agent.id };
    let allowed = async |who: &http::SignedIn, owner: &TextOwner, shortcut: &str| {
        let (status, answer) = ask(&desk, who, "POST", "/v1/canned-texts", new(owner, shortcut)).await;
        assert!(status == 201 || (status == 404 && answer["code"] == "not_found"), "{status} {answer}");
        status == 201
    };
    assert!(allowed(&desk.ben, &mine, "own").await);
    for not_his in [&team, &TextOwner::Desk, &anns, &other] {
        assert!(!allowed(&desk.ben, not_his, "no").await, "{not_his:?}");
    }
    promote(&desk, desk.ben.agent.id, Role::Supervisor).await;
    assert!(allowed(&desk.ben, &team, "team").await);
    assert!(!allowed(&desk.ben, &TextOwner::Desk, "no").await);
    // Ann may write for teams that she does not belong to, and for nobody else's own use.
    assert!(allowed(&desk.ann, &team, "anns").await && allowed(&desk.ann, &TextOwner::Desk, "all").await);
    assert!(!allowed(&desk.ann, &mine, "no").await && !allowed(&desk.ann, &other, "no").await);
    assert_eq!(shortcuts(&desk, &desk.ben).await[3..], ["own", "team", "anns", "all"]);
    assert_eq!(
        shortcuts(&desk, &desk.ann).await[3..],
        ["team", "anns", "all"],
        "what Ben has for himself is his alone"
    );
}

#[tokio::test]
async fn tv_05_a_text_reaches_those_alone_whose_it_is_live_and_after_an_absence() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let body = new(&TextOwner::Agent { agent: desk.ben.agent.id }, "secret");
    let (_, bens) = ask(&desk, &desk.ben, "POST", "/v1/canned-texts", body).await;
    assert_eq!(told(&mut ben, ChangeKind::Put).await.id, bens["id"]);
    let path = format!("/v1/canned-texts/{}", bens["id"]);
    let (status, edited) = ask(&desk, &desk.ben, "PATCH", &path, json!({ "title": "Better" })).await;
    assert_eq!((status, edited["title"].as_str(), edited["shortcut"].as_str()), (200, Some("Better"), Some("secret")));
    assert_eq!(field(&told(&mut ben, ChangeKind::Put).await, "title"), "Better");
    for method in ["PATCH", "DELETE"] {
        assert_eq!(ask(&desk, &desk.ann, method, &path, json!({})).await.0, 404, "for Ann it does not exist");
    }
    // The next change that Ann hears of is one of the desk's: nothing of Ben's text came before.
    let (_, desks) = ask(&desk, &desk.ann, "POST", "/v1/canned-texts", new(&TextOwner::Desk, "open")).await;
    assert_eq!(told(&mut ann, ChangeKind::Put).await.id, desks["id"]);
    let mut seen = desk.agent(&desk.ann, None).await;
    seen.welcome().await;
    assert!(seen.snapshot().await.iter().all(|row| row.entity != EntityKind::CannedText || row.id != bens["id"]));
    let mut again = desk.agent(&desk.ben, None).await;
    again.welcome().await;
    assert!(again.snapshot().await.iter().any(|row| row.entity == EntityKind::CannedText && row.id == bens["id"]));
    assert_eq!(ask(&desk, &desk.ben, "DELETE", &path, Value::Null).await.0, 204);
    assert_eq!(told(&mut ben, ChangeKind::Delete).await.id, bens["id"]);
}

#[tokio::test]
async fn tv_05_whoever_leaves_a_team_forgets_its_texts_and_whoever_joins_is_shown_them() {
    let desk = TestDesk::start().await;
    let administration = desk.desk.administer();
    let team = tea(&desk).await;
    let text = |shortcut: &str| NewCannedText {
        owner: TextOwner::Team { team },
        shortcut: shortcut.to_owned(),
        title: "T".into(),
        text: "Rules".into(),
        attachments: Vec::new(),
    };
    let first = administration.add_canned_text(text("rules")).await.unwrap();
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let move_to = |agent| TeamEdit { members: Some(vec![agent]), ..TeamEdit::default() };
    administration.put_team(Some(team), move_to(desk.ann.agent.id)).await.unwrap();
    assert_eq!(told(&mut ben, ChangeKind::Forget).await.id, first.id.0);
    assert_eq!(told(&mut ann, ChangeKind::Put).await.id, first.id.0);
    // What is changed from now on reaches Ann alone, and Ben counts no use of it.
    let edit = CannedTextEdit { text: Some("New rules".into()), ..CannedTextEdit::default() };
    administration.edit_canned_text(first.id, edit).await.unwrap();
    assert_eq!(field(&told(&mut ann, ChangeKind::Put).await, "text"), "New rules");
    ben.command(&command(Command::UseCannedText { text: first.id })).await.unwrap();
    let mut again = desk.agent(&desk.ben, None).await;
    again.welcome().await;
    assert!(again.snapshot().await.iter().all(|row| row.entity != EntityKind::CannedText || row.id != first.id.0));
    ann.command(&command(Command::UseCannedText { text: first.id })).await.unwrap();
    assert_eq!(field(&told(&mut ann, ChangeKind::Put).await, "uses"), 1);
    // Back again, he is shown it as it is now.
    administration.put_team(Some(team), move_to(desk.ben.agent.id)).await.unwrap();
    assert_eq!(field(&told(&mut ben, ChangeKind::Put).await, "text"), "New rules");
}

#[tokio::test]
async fn tv_05_uses_are_counted_by_the_desk_once_for_each_command() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (_, text) = ask(&desk, &desk.ann, "POST", "/v1/canned-texts", new(&TextOwner::Desk, "tea")).await;
    let id = CannedTextId(text["id"].as_i64().unwrap());
    told(&mut ann, ChangeKind::Put).await;
    let once = command(Command::UseCannedText { text: id });
    ben.command(&once).await.unwrap();
    assert!(ben.command(&once).await.unwrap().duplicate, "a repeat counts nothing");
    assert_eq!(field(&told(&mut ann, ChangeKind::Put).await, "uses"), 1);
    ann.command(&command(Command::UseCannedText { text: id })).await.unwrap();
    assert_eq!(field(&told(&mut ann, ChangeKind::Put).await, "uses"), 2);
    // Offline, Ben inserted one that was deleted meanwhile: that is no error.
    ask(&desk, &desk.ann, "DELETE", &format!("/v1/canned-texts/{id}"), Value::Null).await;
    ben.command(&command(Command::UseCannedText { text: id })).await.unwrap();
}

#[tokio::test]
async fn tv_05_slips_are_named_to_the_author() {
    let desk = TestDesk::start().await;
    let owner = TextOwner::Agent { agent: desk.ben.agent.id };
    let (status, own) = ask(&desk, &desk.ben, "POST", "/v1/canned-texts", new(&owner, "tea")).await;
    assert_eq!(status, 201);
    // The same shortcut is free for another owner.
    assert_eq!(ask(&desk, &desk.ann, "POST", "/v1/canned-texts", new(&TextOwner::Desk, "tea")).await.0, 201);
    let path = format!("/v1/canned-texts/{}", own["id"]);
    for (change, field, word) in [
        (json!({ "text": "Dear {vistor.name}, {visitor.name}" }), "text", "{vistor.name}, which is no placeholder"),
        (json!({ "text": "  " }), "text", "empty"),
        (json!({ "title": "" }), "title", "empty"),
        (json!({ "shortcut": "two words" }), "shortcut", "one word"),
        (json!({ "shortcut": "a#b" }), "shortcut", "one word"),
        (json!({ "shortcut": "x".repeat(51) }), "shortcut", "50"),
        (json!({ "owner": { "kind": "desk" } }), "owner", "unknown field"),
    ] {
        let (status, refusal) = ask(&desk, &desk.ben, "PATCH", &path, change).await;
        assert_eq!((status, refusal["field"].as_str()), (400, Some(field)), "{refusal}");
        assert!(refusal["message"].as_str().unwrap().contains(word), "{refusal}");
    }
    let (status, refusal) = ask(&desk, &desk.ben, "POST", "/v1/canned-texts", new(&owner, "tea")).await;
    assert_eq!((status, refusal["field"].as_str()), (400, Some("shortcut")), "{refusal}");
    assert_eq!(shortcuts(&desk, &desk.ben).await[3..], ["tea", "tea"], "nothing was changed");
}

#[tokio::test]
async fn tv_05_files_of_a_text_are_for_its_people_alone_and_go_with_it() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let token = |who: &http::SignedIn| who.access_token.clone();
    let file = async |who: &http::SignedIn, name: &str| {
        upload(&desk, &Who::Agent(&token(who)), name, b"All our teapots".to_vec()).await.unwrap().id
    };
    let status = async |who: &http::SignedIn, id: AttachmentId| {
        fetch(&desk, &format!("Bearer {}", token(who)), id).await.status().as_u16()
    };
    let (list, map, bens) =
        (file(&desk.ann, "list.txt").await, file(&desk.ann, "map.txt").await, file(&desk.ben, "x.txt").await);

    // What is somebody else's, or there is not, is refused by its field, and nothing of the text is stored.
    let mine = TextOwner::Agent { agent: desk.ann.agent.id };
    let body = |files: &[AttachmentId]| {
        let mut body = new(&mine, "list");
        body["attachments"] = json!(files);
        body
    };
    for (files, says) in [(vec![list, bens], "no file of yours"), (vec![AttachmentId(1); 6], "5 at the most")] {
        let (code, answer) = ask(&desk, &desk.ann, "POST", "/v1/canned-texts", body(&files)).await;
        assert_eq!((code, answer["field"].as_str()), (400, Some("attachments")), "{answer}");
        assert!(answer["message"].as_str().unwrap().contains(says), "{answer}");
    }
    assert!(!shortcuts(&desk, &desk.ann).await.contains(&"list".to_owned()));
    let (code, text) = ask(&desk, &desk.ann, "POST", "/v1/canned-texts", body(&[list, map])).await;
    assert_eq!((code, text["attachments"][1]["name"].as_str()), (201, Some("map.txt")));
    assert_eq!(field(&told(&mut ann, ChangeKind::Put).await, "attachments").as_array().unwrap().len(), 2);

    // Her own: Ben reads none of them, and nobody sends one itself.
    assert_eq!((status(&desk.ann, list).await, status(&desk.ben, list).await), (200, 404));
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Have you a list?")).await.unwrap();
    let (question, _) = ann.message("Have you a list?").await;
    let send = Command::Send {
        conversation: Some(question.conversation),
        kind: MessageKind::Reply,
        text: String::new(),
        attachments: vec![list],
        mentions: Vec::new(),
        article: None,
        choice: None,
    };
    assert_eq!(ann.command(&command(send)).await.unwrap_err().code, ErrorCode::Invalid);

    // What is taken away goes for good, and so does the rest with the text.
    let path = format!("/v1/canned-texts/{}", text["id"]);
    let (code, edited) = ask(&desk, &desk.ann, "PATCH", &path, json!({ "attachments": [map] })).await;
    assert_eq!((code, edited["attachments"].as_array().unwrap().len()), (200, 1));
    assert_eq!((status(&desk.ann, list).await, status(&desk.ann, map).await), (404, 200));
    assert_eq!(ask(&desk, &desk.ann, "DELETE", &path, Value::Null).await.0, 204);
    assert_eq!(status(&desk.ann, map).await, 404);
    let left = || files_under(&desk.data.path().join("files")).len();
    // Ben's own waits to be sent; the others' bytes follow their rows.
    while left() > 1 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(left(), 1);
}
