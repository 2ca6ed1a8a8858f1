//! What a visitor writes is seen before it is sent, where the site has it so.

use std::time::{Duration, Instant};

use deskbell_protocol::*;
use serde_json::json;

use crate::desk::*;

/// Switches it on or off for the site.
async fn switch(desk: &TestDesk, peek: bool) {
    let (status, site) =
        ask(desk, &desk.ann, "PATCH", &format!("/v1/sites/{}", desk.site.id), json!({"peek": peek})).await;
    assert_eq!((status, site["peek"].as_bool().unwrap_or_default()), (200, peek), "{site}");
}

fn writing(text: &str) -> ClientFrame {
    ClientFrame::Eph(Ephemeral::Peek { conversation: None, text: text.to_owned() })
}

/// What an agent is told of that is not stored, until a message comes.
async fn told(client: &mut Client, until: &str) -> Vec<Ephemeral> {
    let mut told = Vec::new();
    loop {
        let next = client.until(|frame| match frame {
            ServerFrame::Eph(ephemeral) => Some(Some(ephemeral.clone())),
            ServerFrame::Delta(delta) => texts(&delta.changes).iter().any(|text| text == until).then_some(None),
            _ => None,
        });
        match next.await {
            Some(ephemeral) => told.push(ephemeral),
            None => return told,
        }
    }
}

/// All that an agent sees of what is written until a message comes.
async fn seen(client: &mut Client, until: &str) -> Vec<String> {
    let words = |ephemeral| match ephemeral {
        Ephemeral::Peek { text, conversation: Some(_) } => Some(text),
        _ => None,
    };
    told(client, until).await.into_iter().filter_map(words).collect()
}

#[tokio::test]
async fn whoever_answers_sees_what_the_visitor_writes_and_nobody_else_does() {
    let desk = TestDesk::start().await;
    let mut anns = desk.agent(&desk.ann, None).await.synced().await;
    let mut bens = desk.agent(&desk.ben, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Hello")).await.unwrap();
    let (first, _) = anns.message("Hello").await;
    // Off, which it is until somebody decides, nothing passes.
    vic.send(&writing("My card number is")).await;
    vic.command(&reply(None, "1")).await.unwrap();
    assert!(seen(&mut anns, "1").await.is_empty());

    // On, the messenger is told so at once, and so is one that is opened later.
    switch(&desk, true).await;
    let told = |it: &Ephemeral| if let Ephemeral::Agents { peek, .. } = it { Some(*peek) } else { None };
    while !vic.ephemeral(told).await {}
    let mut wen = desk.panel(None, None, None).await;
    assert!(wen.welcome().await.visitor.unwrap().peek);
    // Nobody has the chat yet: whoever may answer sees it.
    vic.send(&writing("Is the blue\u{202e} teapot")).await;
    vic.command(&reply(None, "2")).await.unwrap();
    assert_eq!(seen(&mut anns, "2").await, ["Is the blue teapot"]);
    assert_eq!(seen(&mut bens, "2").await, ["Is the blue teapot"]);
    // Ann takes it: it is hers alone.
    let take =
        Command::Assign { conversation: first.conversation, agent: Some(desk.ann.agent.id), team: None, from: None };
    anns.command(&command(take)).await.unwrap();
    vic.send(&writing("still there?")).await;
    vic.command(&reply(None, "3")).await.unwrap();
    assert_eq!(seen(&mut anns, "3").await, ["still there?"]);
    assert!(seen(&mut bens, "3").await.is_empty());
    switch(&desk, false).await;
    vic.send(&writing("never mind")).await;
    vic.command(&reply(None, "4")).await.unwrap();
    assert!(seen(&mut anns, "4").await.is_empty());

    // No word of it is on the disk.
    let stored = std::fs::read_dir(desk.data.path()).unwrap().filter_map(|entry| {
        let path = entry.unwrap().path();
        path.is_file().then(|| std::fs::read(path).unwrap())
    });
    let stored: Vec<u8> = stored.flatten().collect();
    let holds = |words: &str| stored.windows(words.len()).any(|window| window == words.as_bytes());
    assert!(holds("Hello") && !holds("teapot") && !holds("still there"));
}

#[tokio::test]
async fn what_is_seen_while_it_is_written_is_bounded_in_length_and_number() {
    let desk = TestDesk::start().await;
    switch(&desk, true).await;
    let mut anns = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Hello")).await.unwrap();
    anns.message("Hello").await;
    vic.send(&writing(&"x".repeat(2_000))).await;
    vic.command(&reply(None, "long")).await.unwrap();
    assert_eq!(seen(&mut anns, "long").await, ["x".repeat(500)]);
    let began = Instant::now();
    for number in 0..100 {
        vic.send(&writing(&number.to_string())).await;
    }
    vic.command(&reply(None, "many")).await.unwrap();
    let passed = seen(&mut anns, "many").await.len() as u128;
    let refilled = began.elapsed().as_millis() / Duration::from_millis(500).as_millis();
    assert!(passed <= 10 + refilled + 1, "{passed} passed");
}

#[tokio::test]
async fn a_guest_who_has_the_chat_sees_what_is_written_and_whoever_may_not_answer_does_not() {
    let desk = TestDesk::start().await;
    switch(&desk, true).await;
    let administration = desk.desk.administer();
    let cid = administration.add_agent("Cid", "cid@desk.example", PASSWORD, Role::Light).await.unwrap();
    let cid = administration.sign_in_locally(cid.id, "A computer").await.unwrap();
    let mut anns = desk.agent(&desk.ann, None).await.synced().await;
    let mut bens = desk.agent(&desk.ben, None).await.synced().await;
    let mut cids = desk.agent(&cid, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Hello")).await.unwrap();
    let (first, _) = anns.message("Hello").await;
    vic.send(&writing("Is the blue teapot")).await;
    vic.command(&reply(None, "1")).await.unwrap();
    assert_eq!(seen(&mut bens, "1").await, ["Is the blue teapot"]);
    assert!(seen(&mut cids, "1").await.is_empty(), "Cid could not take it");
    // From the moment on in which somebody may answer, they see it.
    let role = |role| http::AgentEdit { role: Some(role), ..http::AgentEdit::default() };
    administration.edit_agent(cid.agent.id, role(Role::Agent)).await.unwrap();
    let edited = |change: &Change| change.entity == EntityKind::Agent && change.id == cid.agent.id.0;
    while !cids.delta().await.changes.iter().any(edited) {}
    vic.send(&writing("still there?")).await;
    vic.command(&reply(None, "2")).await.unwrap();
    assert_eq!(seen(&mut cids, "2").await, ["still there?"]);

    // Ben is a guest, and has the chat.
    let (add, remove) = (vec![desk.ben.agent.id], Vec::new());
    let conversation = first.conversation;
    let (agent, team, from) = (Some(desk.ben.agent.id), None, None);
    for done in
        [Command::ChangeParticipants { conversation, add, remove }, Command::Assign { conversation, agent, team, from }]
    {
        anns.command(&command(done)).await.unwrap();
    }
    let (status, _) =
        ask(&desk, &desk.ann, "PATCH", &format!("/v1/sites/{}", desk.site.id), json!({"members_only": true})).await;
    assert_eq!(status, 200);
    let typing = Ephemeral::Typing { conversation: None, author: None, typing: true, ttl_ms: 5_000 };
    vic.send(&ClientFrame::Eph(typing)).await;
    vic.send(&writing("Ben?")).await;
    vic.command(&reply(None, "3")).await.unwrap();
    let told = told(&mut bens, "3").await;
    assert!(told.iter().any(|it| matches!(it, Ephemeral::Typing { author: Some(Author::Visitor), .. })), "{told:?}");
    assert!(told.iter().any(|it| matches!(it, Ephemeral::Peek { text, .. } if text == "Ben?")), "{told:?}");
    assert!(seen(&mut anns, "3").await.iter().all(|text| text != "Ben?"), "it is Ben's alone");
}
