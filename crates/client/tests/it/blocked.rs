//! A network that lets no WebSocket through: Ann and Vic talk all the same, and nobody notices but the line that says so.

use std::time::Duration;

use deskbell_client::SyncState;
use deskbell_protocol::*;
use deskbell_testkit::proxy::{FaultProxy, Way};
use deskbell_testkit::{ANN, AgentSocket, BEN, RequestingVisitor, Requests, TestDesk, Visitor};

use crate::computer::{Computer, does, reply, session};

/// A desk, a network without sockets, and Ann behind it, who is live.
async fn stage() -> (TestDesk, FaultProxy, Computer) {
    let desk = TestDesk::start().await;
    let proxy = FaultProxy::start(desk.socket_address()).await.unwrap();
    proxy.refuse_sockets();
    let mut ann = Computer::start(&proxy.address(), session(&desk, &ANN).await);
    ann.live().await;
    (desk, proxy, ann)
}

#[tokio::test(flavor = "multi_thread")]
async fn dc_01_where_sockets_are_blocked_ann_and_vic_talk_over_http_and_the_status_says_so() {
    let (desk, proxy, mut ann) = stage().await;
    ann.until("the word about HTTP", |_, client| client.status().over_http).await;
    let mut vic = RequestingVisitor::arrive(&proxy.address(), &desk.site.key).await;
    assert!(matches!(vic.write("Is the blue teapot in stock?").await, ServerFrame::Ack(_)));
    let chat = ann.chat().await;
    ann.client.submit(reply(chat, "Yes, three of them."), vec![]).await.unwrap();
    vic.read("Yes, three of them.").await;
    vic.write("Great").await;
    vic.read("Great").await;
    ann.until("Vic's answer", |cache, _| cache.messages(chat, None, 9).unwrap().messages.len() == 3).await;
    ann.settled().await;
    let all = ["Is the blue teapot in stock?", "Yes, three of them.", "Great"];
    assert_eq!(ann.texts(chat), all);
    assert_eq!(vic.texts(), all);
    assert_eq!(proxy.passed(Way::ToDesk), 0, "no frame went through a socket");
    let mut fresh = Computer::signed_in(&desk).await;
    fresh.live().await;
    assert!(!fresh.client.status().over_http);
    assert_eq!(ann.everything(), fresh.everything());
}

#[tokio::test(flavor = "multi_thread")]
async fn dc_02_a_server_that_is_killed_in_the_middle_loses_and_doubles_nothing_over_http() {
    let (mut desk, proxy, mut ann) = stage().await;
    let mut vic = RequestingVisitor::arrive(&proxy.address(), &desk.site.key).await;
    vic.write("Hello").await;
    let chat = ann.chat().await;
    for round in 0..3 {
        ann.client.submit(reply(chat, &format!("before {round}")), vec![]).await.unwrap();
        // Whatever was on its way is cut off, answers included.
        proxy.cut();
        desk.stop().await;
        ann.client.submit(reply(chat, &format!("while away {round}")), vec![]).await.unwrap();
        desk.start_again().await;
        ann.client.retry_now();
        ann.settled().await;
    }
    vic.read("while away 2").await;
    let expected: Vec<String> = std::iter::once("Hello".to_owned())
        .chain((0..3).flat_map(|round| [format!("before {round}"), format!("while away {round}")]))
        .collect();
    assert_eq!(ann.texts(chat), expected);
    assert_eq!(vic.texts(), expected, "the visitor went on where the other run of the server had ended");
    let mut fresh = Computer::signed_in(&desk).await;
    fresh.live().await;
    assert_eq!(fresh.texts(chat), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn dc_02_a_long_snapshot_comes_in_pages_that_outlive_the_server_and_older_messages_on_request() {
    let mut desk = TestDesk::start().await;
    // Together more than one page holds.
    let long = "tea ".repeat(500);
    for visitor in 0..20 {
        let vic = RequestingVisitor::arrive(&desk.address(), &desk.site.key).await;
        for number in 0..4 {
            assert!(matches!(vic.write(&format!("{visitor} {number} {long}")).await, ServerFrame::Ack(_)));
        }
    }
    let ben = AgentSocket::connect(&desk, &BEN).await;
    let sent = ben.snapshot.len();
    let mut ann = Requests::agent(&desk.address(), &ben.signed_in.access_token);
    let mut rows = 0;
    let mut pages = 0;
    let mut frames = ann.greet(None).await;
    loop {
        for frame in &frames {
            if let ServerFrame::Snap(page) = frame {
                (rows, pages) = (rows + page.rows.len(), pages + 1);
            }
        }
        if frames.iter().any(|frame| matches!(frame, ServerFrame::SnapEnd(_))) {
            break;
        }
        if pages == 2 {
            desk.start_again().await;
        }
        frames = ann.next(0).await;
    }
    assert!(pages > 3, "{pages} pages");
    assert_eq!(rows, sent, "what a socket brings");
}

#[tokio::test(flavor = "multi_thread")]
async fn older_messages_come_over_http_too() {
    let (desk, _proxy, mut ann) = stage().await;
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    for number in 0..7 {
        vic.write(&format!("message {number}")).await;
    }
    let chat = ann.chat().await;
    ann.until("all of them", |cache, _| cache.messages(chat, None, 999).unwrap().messages.len() == 7).await;
    ann.client.load_older(chat, Some(4)).await.unwrap();
    assert_eq!(ann.texts(chat).len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn od_33_who_is_on_the_site_and_who_types_is_told_over_http_too() {
    let (desk, proxy, mut ann) = stage().await;
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Hello").await;
    let chat = ann.chat().await;
    ann.until("Vic on the list of visitors", |_, client| client.online().len() == 1).await;
    // Between two requests a sign may be lost; whoever goes on typing gives another.
    for _ in 0..100 {
        vic.types(true).await;
        ann.moment().await;
        if ann.client.typing_in() == [chat] {
            break;
        }
    }
    assert_eq!(ann.client.typing_in(), [chat]);
    ann.client.typing(chat, true);
    vic.sees_typing(true).await;
    assert!(proxy.passed(Way::ToDesk) == 0);
}

/// Some seconds pass, fewer than any of the client's waits for a socket lasts, and Ben says something that Ann reads.
async fn ben_says(ann: &mut Computer, ben: &mut AgentSocket, chat: ConversationId, text: &str) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(4)).await;
    tokio::time::resume();
    does(ben, reply(chat, text)).await;
    ann.until("Ben's word", |cache, _| {
        cache.messages(chat, None, 1).unwrap().messages.iter().any(|message| message.text == text)
    })
    .await;
    assert_eq!(ann.client.status().state, SyncState::Live, "nobody notices anything");
}

#[tokio::test]
async fn dc_01_a_look_for_a_socket_that_fails_leaves_the_requests_at_work() {
    let (desk, _proxy, mut ann) = stage().await;
    let vic = RequestingVisitor::arrive(&desk.address(), &desk.site.key).await;
    vic.write("over HTTP").await;
    let chat = ann.chat().await;
    let mut ben = AgentSocket::connect(&desk, &BEN).await;
    // The first look is due within three minutes.
    for number in 0..60 {
        ben_says(&mut ann, &mut ben, chat, &format!("word {number}")).await;
    }
    assert!(ann.client.status().over_http);
}

#[tokio::test]
async fn dc_01_when_the_network_lets_sockets_through_again_one_takes_over_without_a_gap() {
    let (desk, proxy, mut ann) = stage().await;
    let vic = RequestingVisitor::arrive(&desk.address(), &desk.site.key).await;
    vic.write("over HTTP").await;
    let chat = ann.chat().await;
    let mut ben = AgentSocket::connect(&desk, &BEN).await;
    proxy.allow_sockets();
    let mut said = vec!["over HTTP".to_owned()];
    // A connection that lives on for minutes, until a look at a socket is due. A look that has begun needs real time:
    // several jumps of the clock would end it, and the next one is due some minutes later.
    while ann.client.status().over_http {
        assert!(said.len() < 500, "no socket took over");
        said.push(format!("word {}", said.len()));
        ben_says(&mut ann, &mut ben, chat, said.last().unwrap()).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    ann.client.submit(reply(chat, "Hi"), vec![]).await.unwrap();
    ann.settled().await;
    said.push("Hi".to_owned());
    assert_eq!(ann.texts(chat), said);
    assert!(proxy.passed(Way::ToClient) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn dc_01_who_may_not_speak_through_a_socket_may_not_over_http_either() {
    let desk = TestDesk::start().await;
    let ben = AgentSocket::connect(&desk, &BEN).await;
    let nobody = Requests::agent(&desk.address(), "made up");
    let empty = deskbell_protocol::http::Pull::default();
    assert_eq!(nobody.post("v1/pull", &empty).await.unwrap_err(), 401);
    assert_eq!(nobody.post("v1/cmd", &serde_json::json!({ "frames": [] })).await.unwrap_err(), 401);
    let mut signed_out = Requests::agent(&desk.address(), &ben.signed_in.access_token);
    signed_out.greet(None).await;
    let client = reqwest::Client::new();
    let end = client.delete(format!("{}/v1/session", desk.address())).bearer_auth(&ben.signed_in.access_token);
    assert!(end.send().await.unwrap().status().is_success());
    assert_eq!(signed_out.post("v1/pull", &empty).await.unwrap_err(), 401);
    // A visitor's messages have the same limit either way.
    let vic = RequestingVisitor::arrive(&desk.address(), &desk.site.key).await;
    let mut refused = 0;
    for number in 0..12 {
        if let ServerFrame::Nack(nack) = vic.write(&format!("{number}")).await {
            assert_eq!(nack.code, ErrorCode::TooManyAttempts);
            assert!(nack.retry_after_ms.is_some());
            refused += 1;
        }
    }
    assert!(refused >= 3, "{refused}");
    let too_many = vec![serde_json::json!({ "type": "hb", "time": 1 }); 17];
    assert_eq!(vic.requests.post("v1/cmd", &serde_json::json!({ "frames": too_many })).await.unwrap_err(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn dc_02_a_device_that_is_signed_out_while_it_waits_hears_of_it_at_once() {
    let desk = TestDesk::start().await;
    let ben = AgentSocket::connect(&desk, &BEN).await;
    let mut waiting = Requests::agent(&desk.address(), &ben.signed_in.access_token);
    waiting.greet(None).await;
    while waiting.page.is_some() {
        waiting.next(0).await;
    }
    let client = reqwest::Client::new();
    let end = client.delete(format!("{}/v1/session", desk.address())).bearer_auth(&ben.signed_in.access_token);
    let (frames, ended) = tokio::join!(waiting.next(25_000), end.send());
    assert!(ended.unwrap().status().is_success());
    let bye = frames.iter().any(|frame| matches!(frame, ServerFrame::Bye(bye) if bye.code == ByeCode::Auth));
    assert!(bye, "{frames:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_visitor_writes_is_seen_before_it_is_sent_over_http_too() {
    let (desk, _proxy, mut ann) = stage().await;
    let edit = http::SiteEdit { peek: Some(true), ..http::SiteEdit::default() };
    desk.desk.administer().put_site(Some(desk.site.id), edit).await.unwrap();
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Hello").await;
    let chat = ann.chat().await;
    // Between two requests a sign may be lost; whoever goes on writing gives another.
    for _ in 0..100 {
        vic.writes_unsent("Is the blue tea").await;
        ann.moment().await;
        if ann.client.peek_in(chat).is_some() {
            break;
        }
    }
    assert_eq!(ann.client.peek_in(chat).as_deref(), Some("Is the blue tea"));
    for _ in 0..100 {
        vic.writes_unsent("").await;
        ann.moment().await;
        if ann.client.peek_in(chat).is_none() {
            break;
        }
    }
    assert_eq!(ann.client.peek_in(chat), None);
}
