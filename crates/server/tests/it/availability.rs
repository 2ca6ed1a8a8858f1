//! Whether the desk is online, and what messengers say of it.

use deskbell_protocol::http::SignedIn;
use deskbell_protocol::*;
use deskbell_server::{Desk, Settings};
use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::*;

async fn ask(desk: &TestDesk, who: &SignedIn, method: Method, path: &str, body: Value) -> (u16, Value) {
    let request = http().request(method, desk.url(path)).bearer_auth(&who.access_token).json(&body);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// Whether the desk is online, as the next frame about it says.
async fn told(client: &mut Client) -> bool {
    client
        .until(
            |frame| if let ServerFrame::Eph(Ephemeral::Agents { online, .. }) = frame { Some(*online) } else { None },
        )
        .await
}

/// What a messenger of a language is told of the desk.
async fn texts(desk: &TestDesk, language: &str) -> DeskTexts {
    let mut client = Client::open(desk.address, None, Some(&desk.own_origin())).await;
    let mut visitor = desk.page_hello(&presence(), "");
    (visitor.part, visitor.presence, visitor.page) = (VisitorPart::Panel, None, None);
    visitor.language = language.to_owned();
    client.hello(None, Some(visitor)).await;
    client.welcome().await.visitor.unwrap().texts
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
    let switch = |online: bool| ask(&desk, &desk.ben, Method::PUT, "/v1/desk/online", json!({ "online": online }));
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
    let (status, answer) = ask(&desk, &desk.ann, Method::PATCH, "/v1/settings", json!({ "texts": given })).await;
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
        let (status, _) = ask(&desk, &desk.ann, Method::PATCH, "/v1/settings", json!({ "texts": wrong })).await;
        assert_eq!(status, 400, "{wrong}");
    }
}
