//! A computer that takes nothing any more, and the others, who do not notice.

use deskbell_protocol::*;

use crate::desk::*;

/// Long answers that fill a page of history together.
const ANSWERS: usize = 24;
/// Pages of history that are more than both computers' networks and the queue hold together, were they all 40 KB.
const PAGES: u64 = 400;

fn long(number: usize) -> String {
    format!("{number}: {}", "a long answer ".repeat(140))
}

fn there(ephemeral: &Ephemeral) -> Option<Vec<AgentId>> {
    if let Ephemeral::Agents { agents, .. } = ephemeral { Some(agents.clone()) } else { None }
}

#[tokio::test]
async fn dc_01_a_client_that_never_reads_is_ended_as_slow_and_nobody_else_waits() {
    let desk = TestDesk::start().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let mut ann = Client::small_agent(desk.address, &desk.ann.access_token).await.synced().await;
    while ben.ephemeral(there).await.len() < 2 {}
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Hello")).await.unwrap();
    let (hello, _) = ben.message("Hello").await;
    let chat = hello.conversation;

    // From here on Ann reads nothing. What is said is said to everybody else at once.
    for number in 0..ANSWERS {
        ben.command(&reply(Some(chat), &long(number))).await.unwrap();
        vic.message(&long(number)).await;
    }
    for request in 1..=PAGES {
        let before = Number::MAX;
        ann.send(&ClientFrame::Hist(HistoryRequest { request, conversation: chat, before, limit: 100 })).await;
    }
    // Her seat is given up while she still reads nothing.
    while ben.ephemeral(there).await != [desk.ben.agent.id] {}
    vic.command(&reply(Some(chat), "Thank you")).await.unwrap();
    ben.message("Thank you").await;

    // Now she reads again: what the networks held, and then the reason.
    let held = ann.rest().await;
    let pages = held.iter().filter(|frame| matches!(frame, ServerFrame::HistPage(_))).count();
    assert!(u64::try_from(pages).unwrap() < PAGES, "{pages} pages came; then nothing was too slow");
    match held.last() {
        Some(ServerFrame::Bye(bye)) => assert_eq!(bye.code, ByeCode::Slow),
        other => panic!("the reason should come last, and not {other:?}"),
    }
    // She comes back with her cursor, and nothing is lost.
    let mut ann = desk.agent(&desk.ann, ann.cursor.clone()).await;
    ann.message("Thank you").await;
}

#[tokio::test]
async fn dc_01_a_client_that_says_too_much_hears_the_reason_while_it_still_speaks() {
    let desk = TestDesk::start().await;
    let (mut vic, _) = desk.visitor().await;
    for _ in 0..2_000 {
        vic.send(&ClientFrame::Hb(ClientHeartbeat { time: 0 })).await;
    }
    assert_eq!(vic.bye().await, ByeCode::Policy);
}
