//! Whether the desk is online, and what messengers say of it.

use deskbell_protocol::*;
use deskbell_server::{Desk, Settings};
use serde_json::{Value, json};

use crate::desk::*;

/// Whether the desk is online, as the next frame about it says.
async fn told(client: &mut Client) -> bool {
    client
        .until(
            |frame| if let ServerFrame::Eph(Ephemeral::Agents { online, .. }) = frame { Some(*online) } else { None },
        )
        .await
}

/// What a messenger is told of the desk next: whether it is online, when it opens, and its texts.
async fn notice(client: &mut Client) -> (bool, Option<Timestamp>, DeskTexts) {
    client
        .ephemeral(|it| match it {
            Ephemeral::Agents { online, back_at, texts, .. } => Some((*online, *back_at, texts.clone())),
            _ => None,
        })
        .await
}

/// A messenger of a language, and how it is welcomed.
async fn messenger(desk: &TestDesk, language: &str) -> (Client, VisitorWelcome) {
    let mut client = Client::open(desk.address, None, Some(&desk.own_origin())).await;
    let mut visitor = desk.page_hello(&presence(), "");
    (visitor.part, visitor.presence, visitor.page) = (VisitorPart::Panel, None, None);
    visitor.language = language.to_owned();
    client.hello(None, Some(visitor)).await;
    let welcome = client.welcome().await.visitor.unwrap();
    (client, welcome)
}

/// What a messenger of a language says of the desk.
async fn texts(desk: &TestDesk, language: &str) -> DeskTexts {
    messenger(desk, language).await.1.texts
}

/// Hours by Greenwich's clocks: a day of the week that is `days` from now, from nine to ten.
fn open_in(days: i64) -> (Value, Timestamp) {
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    let day = now.date().checked_add(jiff::Span::new().days(days)).unwrap();
    let opens = day.at(9, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_millisecond();
    let name = day.strftime("%A").to_string().to_lowercase();
    let week = json!([{"day": name, "from": "09:00", "to": "10:00"}]);
    (json!({"hours": {"time_zone": "UTC", "week": week, "holidays": []}}), opens)
}

#[tokio::test]
async fn od_38_one_switch_takes_the_whole_desk_offline_for_apps_and_messengers_at_once_and_outlives_the_server() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    assert!(told(&mut ann).await);
    let (mut vic, _) = desk.visitor().await;
    let mut page = desk.page(Some(SHOP), &presence(), "https://shop.example/").await;
    assert!(page.welcome().await.visitor.unwrap().online);

    // Ben may not until he is a supervisor.
    let switch = |online: bool| ask(&desk, &desk.ben, "PUT", "/v1/desk/online", json!({ "online": online }));
    assert_eq!(switch(false).await.0, 404);
    let edit = http::AgentEdit { role: Some(Role::Supervisor), ..http::AgentEdit::default() };
    desk.desk.administer().edit_agent(desk.ben.agent.id, edit).await.unwrap();
    assert_eq!(switch(false).await, (200, json!({"online": false})));
    for client in [&mut ann, &mut vic, &mut page] {
        assert!(!told(client).await);
    }
    // Whoever comes now is told so too, and is heard all the same.
    let mut wen = desk.panel(None, None, None).await;
    assert!(!wen.welcome().await.visitor.unwrap().online);
    wen.snapshot().await;
    wen.command(&reply(None, "Nobody there?")).await.unwrap();
    ann.message("Nobody there?").await;
    assert_eq!(desk.desk.administer().audit(None, 1).await.unwrap()[0].detail, "offline: false -> true");

    desk.stop.cancel();
    desk.server.await.unwrap();
    drop(desk.desk);
    let again = Desk::open(Settings { data: desk.data.path().to_owned(), ..Settings::default() }).unwrap();
    assert!(again.administer().settings().offline);
    again.administer().switch(true).await.unwrap();
    assert!(!again.administer().settings().offline);
}

#[tokio::test]
async fn od_40_the_desk_has_texts_of_its_own_for_online_and_offline_in_each_language() {
    let desk = TestDesk::start().await;
    assert_eq!(texts(&desk, "es").await, DeskTexts::default(), "the messenger's own");
    let given = json!({
        "es": {"online": "Estamos aquí", "offline": "Volvemos mañana"},
        "es-MX": {"online": "Ahorita mismo"},
        "de": {},
    });
    let (status, answer) = ask(&desk, &desk.ann, "PATCH", "/v1/settings", json!({ "texts": given })).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["texts"].as_object().unwrap().keys().collect::<Vec<_>>(), ["es", "es-mx"]);
    let both = |online: &str, offline: &str| DeskTexts { online: online.to_owned(), offline: offline.to_owned() };
    for (language, expected) in [
        ("es", both("Estamos aquí", "Volvemos mañana")),
        ("es-AR", both("Estamos aquí", "Volvemos mañana")),
        ("ES-mx", both("Ahorita mismo", "Volvemos mañana")),
        ("en-GB", both("", "")),
        ("", both("", "")),
    ] {
        assert_eq!(texts(&desk, language).await, expected, "{language}");
    }
    for wrong in
        [json!({"e s": {"online": "x"}}), json!({"es": {"online": "x".repeat(501)}}), json!({"": {"online": "x"}})]
    {
        let (status, _) = ask(&desk, &desk.ann, "PATCH", "/v1/settings", json!({ "texts": wrong })).await;
        assert_eq!(status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn od_40_an_open_messenger_gets_changed_texts_at_once_by_socket_and_by_requests() {
    let desk = TestDesk::start().await;
    let (mut vic, _) = messenger(&desk, "es-MX").await;
    let mut page = desk.page(Some(SHOP), &presence(), "https://shop.example/").await;
    page.welcome().await;

    // Wen's network lets no sockets through.
    let mut hello = desk.page_hello("", "");
    (hello.part, hello.presence, hello.page) = (VisitorPart::Panel, None, None);
    hello.language = "es".to_owned();
    let hello = json!({"protocol": PROTOCOL, "app": "test", "cursor": null, "visitor": hello});
    let pull = |token: &str, body: Value| {
        let request = http().post(desk.url("/v1/pull")).header("origin", desk.own_origin()).json(&body);
        let signed =
            if token.is_empty() { request } else { request.header("authorization", format!("Visitor {token}")) };
        async { signed.send().await.unwrap().json::<Value>().await.unwrap() }
    };
    let first = pull("", json!({"hello": hello, "wait_ms": 0, "presence": ""})).await;
    let frames = first["frames"].as_array().unwrap();
    let (welcome, end) = (&frames[0], frames.iter().find(|frame| frame["type"] == "snap_end").unwrap());
    let token = welcome["visitor"]["token"].as_str().unwrap();
    let cursor = json!({"epoch": welcome["epoch"], "seq": end["base"]});
    let body = json!({"cursor": cursor, "wait_ms": 25_000, "presence": first["presence"]});
    let waits = pull(token, body);
    let change = async {
        let given = json!({"texts": {"es": {"offline": "Volvemos enseguida"}}});
        assert_eq!(ask(&desk, &desk.ann, "PATCH", "/v1/settings", given).await.0, 200);
    };
    let (second, ()) = tokio::join!(waits, change);
    let heard = |frame: &Value| frame["kind"] == "agents" && frame["texts"]["offline"] == "Volvemos enseguida";
    assert!(second["frames"].as_array().unwrap().iter().any(heard), "{second}");
    assert_eq!(notice(&mut vic).await.2.offline, "Volvemos enseguida");

    // Her loader says nothing of it: it hears of an agent who comes, and of nothing before.
    let _ann = desk.agent(&desk.ann, None).await.synced().await;
    assert_eq!(notice(&mut page).await, (true, None, DeskTexts::default()));
}

#[tokio::test]
async fn od_38_hours_close_the_desk_for_everybody_who_is_there_and_say_when_it_opens_also_after_a_restart() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    assert!(told(&mut ann).await);
    let (mut vic, welcome) = messenger(&desk, "en").await;
    assert_eq!((welcome.online, welcome.back_at), (true, None));
    let mut page = desk.page(Some(SHOP), &presence(), "https://shop.example/").await;
    page.welcome().await;

    let (hours, opens) = open_in(3);
    assert_eq!(ask(&desk, &desk.ben, "PUT", "/v1/hours", hours.clone()).await.0, 404, "Ben may not");
    assert_eq!(ask(&desk, &desk.ann, "PUT", "/v1/hours", hours.clone()).await, (200, hours.clone()));
    assert_eq!(notice(&mut vic).await, (false, Some(opens), DeskTexts::default()));
    assert_eq!(notice(&mut page).await, (false, None, DeskTexts::default()));
    assert!(!told(&mut ann).await);
    assert_eq!(messenger(&desk, "en").await.1.back_at, Some(opens));
    // Whoever switches the desk off does not say until when.
    let switch = |online: bool| ask(&desk, &desk.ann, "PUT", "/v1/desk/online", json!({ "online": online }));
    switch(false).await;
    assert_eq!(notice(&mut vic).await.1, None);
    switch(true).await;
    assert_eq!(notice(&mut vic).await, (false, Some(opens), DeskTexts::default()));
    let audit = desk.desk.administer().audit(None, 3).await.unwrap();
    let entry = audit.iter().find(|entry| entry.kind == "hours").unwrap();
    assert!(entry.actor == Some(desk.ann.agent.id) && entry.detail.contains("\"UTC\""), "{entry:?}");

    desk.stop.cancel();
    desk.server.await.unwrap();
    drop(desk.desk);
    let again = Desk::open(Settings { data: desk.data.path().to_owned(), ..Settings::default() }).unwrap();
    assert_eq!(json!(again.administer().hours(None).await.unwrap()), hours);
}

#[tokio::test]
async fn od_38_a_site_has_hours_of_its_own() {
    let desk = TestDesk::start().await;
    let _ann = desk.agent(&desk.ann, None).await.synced().await;
    let path = format!("/v1/sites/{}/hours", desk.site.id);
    let (later, opens) = open_in(2);
    let never = json!({"hours": {"time_zone": "Asia/Tokyo", "week": [], "holidays": []}});
    assert_eq!(ask(&desk, &desk.ann, "PUT", "/v1/hours", never).await.0, 200);
    let (mut vic, welcome) = messenger(&desk, "en").await;
    assert_eq!((welcome.online, welcome.back_at), (false, None));
    assert_eq!(ask(&desk, &desk.ann, "PUT", &path, later.clone()).await, (200, later.clone()));
    assert_eq!(notice(&mut vic).await.1, Some(opens));
    assert_eq!(ask(&desk, &desk.ann, "GET", &path, Value::Null).await, (200, later));
    let week: Vec<Value> = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
        .map(|day| json!({"day": day, "from": "00:00", "to": "24:00"}))
        .to_vec();
    let always = json!({"hours": {"time_zone": "Asia/Tokyo", "week": week}});
    assert_eq!(ask(&desk, &desk.ann, "PUT", &path, always).await.0, 200);
    assert!(notice(&mut vic).await.0);
    assert_eq!(ask(&desk, &desk.ann, "PUT", &path, json!({"hours": null})).await.0, 200);
    assert!(!notice(&mut vic).await.0, "as the desk, which never opens");

    for (wrong, field) in [
        (json!({"hours": {"time_zone": "Mars", "week": []}}), "hours.time_zone"),
        (
            json!({"hours": {"time_zone": "UTC", "week": [{"day": "monday", "from": "9", "to": "10:00"}]}}),
            "hours.week[0].from",
        ),
        (
            json!({"hours": {"time_zone": "UTC", "week": [{"day": "funday", "from": "09:00", "to": "10:00"}]}}),
            "hours.week[0].day",
        ),
        (json!({"hours": {"time_zone": "UTC", "week": [], "holidays": [{"date": "soon"}]}}), "hours.holidays[0].date"),
        (json!({}), "hours"),
    ] {
        let (status, refusal) = ask(&desk, &desk.ann, "PUT", &path, wrong).await;
        assert_eq!((status, refusal["field"].as_str()), (400, Some(field)), "{refusal}");
    }
    assert_eq!(ask(&desk, &desk.ann, "PUT", "/v1/sites/1/hours", json!({"hours": null})).await.0, 404);
}
