//! Visitors on the shop's pages, and those who pretend to be one.

use std::time::{Duration, Instant};

use deskbell_protocol::*;
use deskbell_server::StoreIp;

use crate::desk::*;

fn gone(ephemeral: &Ephemeral) -> Option<VisitorId> {
    if let Ephemeral::Visitors { gone, .. } = ephemeral { gone.first().copied() } else { None }
}

fn came(ephemeral: &Ephemeral) -> Option<VisitorPresence> {
    if let Ephemeral::Visitors { online, .. } = ephemeral { online.first().copied() } else { None }
}

/// The visitor as the desk tells of them when something about them has changed.
pub(crate) async fn visitor_at(agent: &mut Client, fits: impl Fn(&Visitor) -> bool) -> Visitor {
    loop {
        for entity in agent.delta().await.changes.iter().filter_map(decode) {
            if let Entity::Visitor(visitor) = entity
                && fits(&visitor)
            {
                return visitor;
            }
        }
    }
}

#[tokio::test]
async fn dk_03_a_visitor_is_listed_at_once_with_all_that_is_known() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let name = presence();
    let mut page = desk.page(Some(SHOP), &name, "https://shop.example/teapots?session=secret#top").await;
    page.welcome().await;
    let visitor = visitor_at(&mut ann, |visitor| !visitor.pages.is_empty()).await;
    assert_eq!(visitor.pages[0].url, "https://shop.example/teapots");
    assert_eq!(
        (visitor.browser.as_str(), visitor.os.as_str(), visitor.device.as_str()),
        ("Firefox 146", "Linux", "desktop")
    );
    assert_eq!((visitor.visits, visitor.chats, visitor.ip.as_str()), (1, 0, "127.0.0.1"));
    assert_eq!(visitor.referrer, "https://search.example/q");
    assert!(visitor.region.local);
    let presence = ann.ephemeral(came).await;
    assert_eq!(presence, VisitorPresence { visitor: visitor.id, visible: true });

    // They look at another page, and then at another tab.
    page.send(&ClientFrame::Eph(Ephemeral::Page { page: seen("https://shop.example/cups") })).await;
    let visitor = visitor_at(&mut ann, |visitor| visitor.pages.len() == 2).await;
    assert_eq!(visitor.pages[0].url, "https://shop.example/cups");
    page.send(&ClientFrame::Eph(Ephemeral::Page {
        page: PageSeen { visible: false, ..seen("https://shop.example/cups") },
    }))
    .await;
    assert_eq!(ann.ephemeral(came).await, VisitorPresence { visitor: visitor.id, visible: false });

    // An agent who comes now sees them too.
    let mut ben = desk.agent(&desk.ben, None).await;
    ben.welcome().await;
    let full = ben
        .ephemeral(|ephemeral| match ephemeral {
            Ephemeral::Visitors { full: true, online, .. } => Some(online.clone()),
            _ => None,
        })
        .await;
    assert_eq!(full, [VisitorPresence { visitor: visitor.id, visible: false }]);

    // Ten seconds after the last socket they are gone, and not before.
    drop(page);
    let left = Instant::now();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(ann.ephemeral(gone).await, visitor.id);
    assert!(left.elapsed() > Duration::from_millis(9_900), "{:?}", left.elapsed());
}

#[tokio::test]
async fn dk_08_the_region_of_a_public_address_is_known_without_asking_the_network() {
    for store_ip in [StoreIp::Truncated, StoreIp::None] {
        let desk = TestDesk::start_with(|settings| {
            settings.store_ip = store_ip;
            settings.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        })
        .await;
        let mut ann = desk.agent(&desk.ann, None).await.synced().await;
        // Addresses that registries gave to public services: Google's in the USA, RIPE's in the Netherlands.
        for (address, stored, country) in [
            ("8.8.8.8", "8.8.8.0", "US"),
            ("193.0.6.139", "193.0.6.0", "NL"),
            ("2001:4860:4860::8888", "2001:4860:4860::", "US"),
        ] {
            let mut page = Client::open_from(desk.address, SHOP, address).await;
            page.hello(None, Some(desk.page_hello(&presence(), "https://shop.example/"))).await;
            let visitor = visitor_at(&mut ann, |visitor| !visitor.pages.is_empty()).await;
            let region = Region { country: Some(country.to_owned()), ..Region::default() };
            assert_eq!(visitor.region, region, "{address}: `cargo xtask setup` brings the database of countries");
            assert_eq!(visitor.ip, if store_ip == StoreIp::None { "" } else { stored });
        }
    }
}

#[tokio::test]
async fn dk_03_a_page_of_another_origin_is_refused() {
    let desk = TestDesk::start().await;
    for origin in [
        None,
        Some("null"),
        Some("https://shop.example.evil.com"),
        Some("https://evil.com"),
        Some("http://shop.example"),
        Some("https://shop.example:8443"),
        Some("https://notshop.example"),
        Some("https://shop.example@evil.com"),
    ] {
        let mut page = desk.page(origin, &presence(), "https://shop.example/").await;
        assert_eq!(page.bye().await, ByeCode::Origin, "{origin:?}");
    }
    let mut page = desk.page(Some(SHOP), &presence(), "https://shop.example/").await;
    page.welcome().await;

    // The messenger speaks from the server's own origin alone, so not from the shop's.
    let own = desk.own_origin();
    for (origin, welcome) in [(Some(SHOP), false), (None, false), (Some("null"), false), (Some(own.as_str()), true)] {
        let mut panel = Client::open(desk.address, None, origin).await;
        let hello = VisitorHello { part: VisitorPart::Panel, page: None, presence: None, ..desk.page_hello("", "") };
        panel.hello(None, Some(hello)).await;
        if welcome {
            panel.welcome().await;
        } else {
            assert_eq!(panel.bye().await, ByeCode::Origin, "{origin:?}");
        }
    }
    // Whoever does not say who they are is no agent.
    let mut nobody = Client::open(desk.address, None, None).await;
    nobody.hello(None, None).await;
    assert_eq!(nobody.bye().await, ByeCode::Auth);
    // An unknown site is nobody's.
    let mut page = Client::open(desk.address, None, Some(SHOP)).await;
    page.hello(
        None,
        Some(VisitorHello { site: "x".to_owned(), ..desk.page_hello(&presence(), "https://shop.example/") }),
    )
    .await;
    assert_eq!(page.bye().await, ByeCode::Origin);
    // And another version is told so.
    let mut old = Client::open(desk.address, Some(&desk.ann.access_token), None).await;
    old.send_text("{\"type\":\"hello\",\"protocol\":99,\"app\":\"old\",\"cursor\":null}").await;
    assert_eq!(old.bye().await, ByeCode::Version);
}

#[tokio::test]
async fn dk_03_page_and_messenger_are_one_visitor() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let name = presence();
    let mut page = desk.page(Some(SHOP), &name, "https://shop.example/teapots").await;
    page.welcome().await;
    let on_page = visitor_at(&mut ann, |visitor| !visitor.pages.is_empty()).await;
    let mut panel = desk.panel(None, Some(&name), None).await;
    let token = panel.welcome().await.visitor.unwrap().token.unwrap();
    panel.snapshot().await;
    panel.command(&reply(None, "Hello?")).await.unwrap();
    let (conversation, _) = ann.conversation(|conversation| conversation.last_number == 1).await;
    assert_eq!(conversation.visitor, on_page.id);

    // Another browser name, the same messenger: the empty row is joined to the known visitor.
    let other = presence();
    let mut page = desk.page(Some(SHOP), &other, "https://shop.example/cups").await;
    page.welcome().await;
    let fresh = visitor_at(&mut ann, |visitor| visitor.id != on_page.id && !visitor.pages.is_empty()).await;
    let mut panel = desk.panel(Some(&token), Some(&other), None).await;
    let welcome = panel.welcome().await.visitor.unwrap();
    assert_eq!((welcome.token, welcome.conversation), (None, Some(conversation.id)));
    let mut deleted = Vec::new();
    let mut joined = None;
    while deleted.len() < 2 || joined.is_none() {
        for change in ann.delta().await.changes {
            if change.kind == ChangeKind::Delete {
                deleted.push((change.entity, change.id));
            }
            if let Some(Entity::Visitor(visitor)) = decode(&change)
                && visitor.id == on_page.id
                && visitor.pages.len() == 2
            {
                joined = Some(visitor);
            }
        }
    }
    deleted.sort();
    assert_eq!(deleted, [(EntityKind::Contact, fresh.contact.0), (EntityKind::Visitor, fresh.id.0)]);
    assert_eq!(joined.unwrap().pages[0].url, "https://shop.example/cups");
    // The page's socket, which is still open, now speaks for the known visitor.
    page.send(&ClientFrame::Eph(Ephemeral::Page { page: seen("https://shop.example/saucers") })).await;
    let visitor =
        visitor_at(&mut ann, |visitor| visitor.pages.first().is_some_and(|page| page.url.ends_with("/saucers"))).await;
    assert_eq!(visitor.id, on_page.id);
}

#[tokio::test]
async fn dk_23_a_hostile_page_that_knows_the_browsers_name_does_not_get_the_conversation() {
    let desk = TestDesk::start().await;
    let name = presence();
    let mut page = desk.page(Some(SHOP), &name, "https://shop.example/").await;
    page.welcome().await;
    let mut vic = desk.panel(None, Some(&name), None).await;
    let token = vic.welcome().await.visitor.unwrap().token.unwrap();
    vic.snapshot().await;
    vic.command(&reply(None, "my card number is SECRET")).await.unwrap();

    let mut thief = desk.panel(None, Some(&name), None).await;
    let welcome = thief.welcome().await.visitor.unwrap();
    assert_eq!(welcome.conversation, None);
    assert!(welcome.token.is_some_and(|other| other != token));
    assert!(thief.snapshot().await.is_empty());
    // Nor does a token that somebody made up.
    let mut thief = desk.panel(Some("made-up"), Some(&name), None).await;
    assert_eq!(thief.welcome().await.visitor.unwrap().conversation, None);
    // Vic's own token still opens it.
    let mut vic = desk.panel(Some(&token), Some(&name), None).await;
    vic.welcome().await;
    assert_eq!(texts(&vic.snapshot().await), ["my card number is SECRET"]);
}

#[tokio::test]
async fn dk_15_wen_reaches_nothing_of_vics() {
    let desk = TestDesk::start().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "SECRET of Vic")).await.unwrap();
    let (message, _) = vic.message("SECRET of Vic").await;
    let conversation = message.conversation;
    let (mut wen, _) = desk.visitor().await;
    for attempt in [
        reply(Some(conversation), "I am Vic"),
        command(Command::MarkRead { conversation, number: 1 }),
        command(Command::SetState { conversation, state: ConversationState::Closed }),
        command(Command::Assign { conversation, agent: Some(desk.ann.agent.id), team: None, from: None }),
        command(Command::Start { visitor: VisitorId(1) }),
    ] {
        let nack = wen.command(&attempt).await.unwrap_err();
        assert_eq!(nack.code, ErrorCode::NotFound, "{attempt:?}");
        assert_eq!(nack.current, None);
    }
    assert!(wen.history(conversation, 100, 100).await.messages.is_empty());
    // Wen's own message comes, and nothing of Vic's before it.
    vic.command(&reply(None, "SECRET too")).await.unwrap();
    let own = reply(None, "I am Wen");
    wen.send(&ClientFrame::Cmd(own)).await;
    let mut seen = String::new();
    while !seen.contains("I am Wen") {
        seen.push_str(&wen.next().await.unwrap().to_text());
    }
    assert!(!seen.contains("SECRET"), "{seen}");
}

#[tokio::test]
async fn dk_23_a_visitor_who_writes_too_fast_is_told_to_wait_and_loses_nothing() {
    let desk = TestDesk::start().await;
    let (mut vic, _) = desk.visitor().await;
    let mut refused = None;
    for number in 0..9 {
        let sent = reply(None, &format!("{number}"));
        if let Err(nack) = vic.command(&sent).await {
            refused = Some((number, sent, nack));
        }
    }
    let (number, sent, nack) = refused.expect("the ninth message at once is refused");
    assert_eq!((number, nack.code), (8, ErrorCode::TooManyAttempts));
    assert!(!nack.code.is_permanent(), "so the outbox keeps it");
    let wait = nack.retry_after_ms.unwrap();
    assert!((1..=3_000).contains(&wait), "{wait}");
    tokio::time::sleep(Duration::from_millis(wait + 50)).await;
    vic.command(&sent).await.unwrap();
}

#[tokio::test]
async fn dk_01_a_visitor_is_told_whether_anybody_is_there() {
    let desk = TestDesk::start().await;
    let mut page = desk.page(Some(SHOP), &presence(), "https://shop.example/").await;
    assert!(!page.welcome().await.visitor.unwrap().online);
    let _ann = desk.agent(&desk.ann, None).await.synced().await;
    let told = page
        .ephemeral(|ephemeral| match ephemeral {
            Ephemeral::Agents { agents, online, .. } => Some((agents.clone(), *online)),
            _ => None,
        })
        .await;
    assert_eq!(told, (Vec::new(), true), "who it is, is not the visitor's business");
}

#[tokio::test]
async fn dc_01_the_messenger_is_served_for_known_sites_alone() {
    let desk = TestDesk::start().await;
    let http = http();
    let unknown = http.get(desk.url("/w/panel?site=unknown")).send().await.unwrap();
    assert_eq!(unknown.status(), 404);
    let known = http.get(desk.url(&format!("/w/panel?site={}", desk.site.key))).send().await.unwrap();
    // The widget may not have been built; when it has, the frame is the site's alone.
    if known.status() == 200 {
        let policy = known.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.ends_with("frame-ancestors https://shop.example"), "{policy}");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    } else {
        assert_eq!(known.status(), 404);
    }
    for path in ["/w/assets/../panel.html", "/w/assets/%2e%2e/panel.html", "/w/assets/nothing.js"] {
        assert_eq!(http.get(desk.url(path)).send().await.unwrap().status(), 404, "{path}");
    }
}

#[tokio::test]
async fn dk_02_an_agent_who_comes_to_a_busy_shop_sees_everybody() {
    let desk = TestDesk::start().await;
    let mut shop = Vec::new();
    for _ in 0..150 {
        let mut page = desk.page(Some(SHOP), &presence(), "https://shop.example/").await;
        page.welcome().await;
        shop.push(page);
    }
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut online = std::collections::BTreeSet::new();
    while online.len() < shop.len() {
        let came =
            ann.ephemeral(
                |ephemeral| {
                    if let Ephemeral::Visitors { online, .. } = ephemeral { Some(online.clone()) } else { None }
                },
            );
        online.extend(came.await.into_iter().map(|presence| presence.visitor));
    }
    assert_eq!(online.len(), shop.len());
}

/// What somebody who comes from an address is told first: the secret that they are given, or that they are to come later.
async fn greeted_from(desk: &TestDesk, address: &str, hello: VisitorHello) -> Result<Option<String>, Bye> {
    let origin = if hello.part == VisitorPart::Page { SHOP.to_owned() } else { desk.own_origin() };
    let mut client = Client::open_from(desk.address, &origin, address).await;
    client.hello(None, Some(hello)).await;
    let first = |frame: &ServerFrame| match frame {
        ServerFrame::Welcome(welcome) => Some(Ok(welcome.visitor.clone().unwrap().token)),
        ServerFrame::Bye(bye) => Some(Err(bye.clone())),
        _ => None,
    };
    client.until(first).await
}

#[tokio::test]
async fn dc_01_a_script_makes_no_more_visitors_than_its_household_may_and_whoever_comes_back_is_let_in() {
    let desk = TestDesk::start_with(|settings| {
        settings.new_visitors_per_address = 2;
        settings.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let page = || desk.page_hello(&presence(), "https://shop.example/");
    let panel = || VisitorHello { part: VisitorPart::Panel, page: None, presence: None, ..page() };
    let name = presence();
    let known = || desk.page_hello(&name, "https://shop.example/");
    assert_eq!(greeted_from(&desk, "2001:db8:1:2::1", known()).await.unwrap(), None);
    let token = greeted_from(&desk, "2001:db8:1:2::2", panel()).await.unwrap();
    for new in [page(), panel()] {
        let bye = greeted_from(&desk, "2001:db8:1:2:ffff::3", new).await.unwrap_err();
        assert_eq!(bye.code, ByeCode::Policy);
        assert!(bye.retry_after_ms >= 30_000, "they are to come back later, and not at once: {bye:?}");
    }
    // Nor over HTTP.
    let hello = serde_json::json!({"protocol": PROTOCOL, "app": "test", "cursor": null, "visitor": panel()});
    let pull = http().post(desk.url("/v1/pull")).header("origin", desk.own_origin());
    let pull =
        pull.header("x-forwarded-for", "2001:db8:1:2::4").json(&serde_json::json!({"hello": hello, "wait_ms": 0}));
    let pulled = pull.send().await.unwrap().json::<serde_json::Value>().await.unwrap();
    assert_eq!(pulled["frames"][0]["code"], "policy", "{pulled}");
    let stored =
        |table: &str| desk.database().query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0));
    assert_eq!(
        (stored("visitor").unwrap(), stored("contact").unwrap()),
        (2_i64, 2_i64),
        "nothing is kept of the others"
    );

    // Whoever was here before is let in, and so are the neighbours.
    assert_eq!(greeted_from(&desk, "2001:db8:1:2::1", known()).await.unwrap(), None);
    assert_eq!(greeted_from(&desk, "2001:db8:1:2::1", VisitorHello { token, ..panel() }).await.unwrap(), None);
    assert!(greeted_from(&desk, "2001:db8:1:3::1", panel()).await.unwrap().is_some());
}

#[tokio::test]
async fn dc_01_one_household_has_so_many_sockets_however_many_addresses_it_has() {
    let desk = TestDesk::start_with(|settings| {
        settings.visitor_sockets_per_address = 2;
        settings.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let page = || desk.page_hello(&presence(), "https://shop.example/");
    let mut open = Vec::new();
    for address in ["2001:db8:1:2::1", "2001:db8:1:2:ffff::2"] {
        let mut client = Client::open_from(desk.address, SHOP, address).await;
        client.hello(None, Some(page())).await;
        client.welcome().await;
        open.push(client);
    }
    assert_eq!(greeted_from(&desk, "2001:db8:1:2::3", page()).await.unwrap_err().code, ByeCode::Policy);
    assert!(greeted_from(&desk, "2001:db8:1:3::3", page()).await.is_ok());
}
