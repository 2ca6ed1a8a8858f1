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

/// All that an agent sees of it until a message comes.
async fn seen(client: &mut Client, until: &str) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        let next = client.until(|frame| match frame {
            ServerFrame::Eph(Ephemeral::Peek { text, conversation: Some(_) }) => Some(Some(text.clone())),
            ServerFrame::Delta(delta) => texts(&delta.changes).iter().any(|text| text == until).then_some(None),
            _ => None,
        });
        match next.await {
            Some(text) => seen.push(text),
            None => return seen,
        }
    }
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
