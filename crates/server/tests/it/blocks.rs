//! Visitors who may not write, by the person or by where they are.

use deskbell_protocol::*;
use serde_json::{Value, json};

use crate::desk::*;

async fn block(desk: &TestDesk, body: Value) -> Block {
    let (status, answer) = ask(desk, &desk.ann, "POST", "/v1/blocks", body).await;
    assert_eq!(status, 201, "{answer}");
    serde_json::from_value(answer).unwrap()
}

/// Why the desk ends the session.
async fn bye(client: &mut Client) -> ByeCode {
    client.until(|frame| if let ServerFrame::Bye(bye) = frame { Some(bye.code) } else { None }).await
}

/// Whether somebody who comes from an address gets into the messenger.
async fn gets_in(desk: &TestDesk, address: &str, token: Option<&str>) -> bool {
    let mut client = Client::open_from(desk.address, &desk.own_origin(), address).await;
    let mut visitor = desk.page_hello(&presence(), "");
    (visitor.part, visitor.presence, visitor.page) = (VisitorPart::Panel, None, None);
    visitor.token = token.map(str::to_owned);
    client.hello(None, Some(visitor)).await;
    client
        .until(|frame| match frame {
            ServerFrame::Welcome(_) => Some(true),
            ServerFrame::Bye(bye) => {
                assert_eq!(bye.code, ByeCode::Blocked);
                Some(false)
            }
            _ => None,
        })
        .await
}

#[tokio::test]
async fn a_person_who_is_blocked_is_sent_away_at_once_and_writes_again_when_it_is_over() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, token) = desk.visitor().await;
    let (mut wen, _) = desk.visitor().await;
    vic.command(&reply(None, "Buy my watches")).await.unwrap();
    let (head, _) = ann.conversation(|_| true).await;
    let blocked = json!({"kind": "contact", "contact": head.contact});
    let made = block(&desk, json!({"blocked": blocked, "reason": "advertising"})).await;
    assert_eq!((made.reason.as_str(), made.expires_at), ("advertising", None));
    assert_eq!(bye(&mut vic).await, ByeCode::Drain);
    let mut again = desk.panel(Some(&token), None, None).await;
    assert_eq!(bye(&mut again).await, ByeCode::Blocked);

    // Nor over HTTP: no file, no command, and a pull says why.
    let visitor = format!("Visitor {token}");
    let at =
        |path: &str| http().post(desk.url(path)).header("authorization", &visitor).header("origin", desk.own_origin());
    let upload = format!("/v1/uploads?client_id={}&name=tea.txt&size=3", client_id().as_str());
    assert_eq!(at(&upload).body("tea").send().await.unwrap().status().as_u16(), 404);
    let frame = ClientFrame::Cmd(reply(None, "Cheap!")).to_text();
    let frames = json!({"frames": [serde_json::from_str::<Value>(&frame).unwrap()]});
    assert_eq!(at("/v1/cmd").json(&frames).send().await.unwrap().status().as_u16(), 404);
    let pull = json!({"hello": null, "wait_ms": 0});
    let pulled = at("/v1/pull").json(&pull).send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(pulled["frames"][0]["code"], "blocked", "{pulled}");

    // Nobody else is concerned: neither Wen from the same address, nor Ann, who can still write to Vic.
    wen.command(&reply(None, "I am Wen")).await.unwrap();
    ann.message("I am Wen").await;
    ann.command(&reply(Some(head.id), "Please stop.")).await.unwrap();

    let (_, list) = ask(&desk, &desk.ann, "GET", "/v1/blocks", Value::Null).await;
    assert_eq!(list["blocks"][0]["id"], json!(made.id));
    assert_eq!(ask(&desk, &desk.ann, "DELETE", &format!("/v1/blocks/{}", made.id), Value::Null).await.0, 204);
    let mut back = desk.panel(Some(&token), None, None).await;
    back.welcome().await;
    back.snapshot().await;
    back.command(&reply(None, "Sorry")).await.unwrap();
    assert_eq!(ask(&desk, &desk.ann, "DELETE", &format!("/v1/blocks/{}", made.id), Value::Null).await.0, 404);
    let log = desk.desk.administer().audit(None, 2).await.unwrap();
    let told: Vec<_> = log.iter().map(|entry| (entry.action.as_str(), entry.kind.as_str())).collect();
    assert_eq!(told, [("delete", "block"), ("add", "block")]);
}

#[tokio::test]
async fn a_range_of_addresses_is_blocked_in_the_shop_and_the_messenger_and_never_for_agents() {
    let desk = TestDesk::start_with(|settings| settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let mut vic = Client::open_from(desk.address, SHOP, "203.0.113.77").await;
    vic.hello(None, Some(desk.page_hello(&presence(), "https://shop.example/"))).await;
    vic.welcome().await;
    let (status, refusal) =
        ask(&desk, &desk.ann, "POST", "/v1/blocks", json!({"blocked": {"kind": "network", "network": "0.0.0.0/0"}}))
            .await;
    assert_eq!((status, refusal["field"].as_str()), (400, Some("blocked.network")));
    let made = block(&desk, json!({"blocked": {"kind": "network", "network": "203.0.113.9/24"}})).await;
    assert_eq!(made.blocked, Blocked::Network { network: "203.0.113.0/24".to_owned() });
    block(&desk, json!({"blocked": {"kind": "network", "network": "2001:db8::/32"}})).await;
    assert_eq!(bye(&mut vic).await, ByeCode::Drain);
    for (address, enters) in [
        ("203.0.113.1", false),
        ("203.0.114.1", true),
        ("2001:db8:7::1", false),
        ("2001:db9::1", true),
        ("::ffff:203.0.113.1", false),
    ] {
        assert_eq!(gets_in(&desk, address, None).await, enters, "{address}");
    }
    // Ann works from there, and everything of hers goes on.
    let from_there = http().get(desk.url("/v1/agents")).bearer_auth(&desk.ann.access_token);
    let answer = from_there.header("x-forwarded-for", "203.0.113.1").send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
}

#[tokio::test]
async fn a_block_of_a_page_follows_the_browser_into_its_messenger() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (_, token) = desk.visitor().await;
    let name = presence();
    let mut page = desk.page(Some(SHOP), &name, "https://shop.example/tea").await;
    page.welcome().await;
    let found =
        crate::visitors::visitor_at(&mut ann, |visitor| visitor.pages.iter().any(|it| it.url.ends_with("/tea"))).await;
    block(&desk, json!({"blocked": {"kind": "contact", "contact": found.contact}})).await;
    assert_eq!(bye(&mut page).await, ByeCode::Drain);
    // The messenger tells that both are one browser.
    let mut panel = desk.panel(Some(&token), Some(&name), None).await;
    assert_eq!(bye(&mut panel).await, ByeCode::Blocked);
}

#[tokio::test]
async fn a_block_ends_at_its_time_by_itself() {
    let desk = TestDesk::start_with(|settings| settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let past = json!({"blocked": {"kind": "network", "network": "203.0.113.7"}, "expires_at": 1});
    assert_eq!(ask(&desk, &desk.ann, "POST", "/v1/blocks", past).await.0, 400);
    let far = json!({"blocked": {"kind": "network", "network": "203.0.113.7"}, "expires_at": 4_070_908_800_000_i64});
    let made = block(&desk, far).await;
    assert!(!gets_in(&desk, "203.0.113.7", None).await);
    let database = desk.database();
    assert_eq!(database.execute("UPDATE block SET expires_at = 1 WHERE id = ?1", [made.id]).unwrap(), 1);
    assert!(gets_in(&desk, "203.0.113.7", None).await);
    let (_, list) = ask(&desk, &desk.ann, "GET", "/v1/blocks", Value::Null).await;
    assert_eq!(list["blocks"], json!([]));
}

#[tokio::test]
async fn a_network_is_blocked_although_whoever_did_it_lost_the_connection_before_the_answer() {
    let desk = TestDesk::start().await;
    let (mut vic, _) = desk.visitor().await;
    let blocked = http::Blocked::Network { network: "127.0.0.0/8".to_owned() };
    let new = http::NewBlock { blocked, reason: String::new(), expires_at: None };
    hang_up_on(desk.desk.administer().block(new)).await;
    assert_eq!(bye(&mut vic).await, ByeCode::Drain);
}
