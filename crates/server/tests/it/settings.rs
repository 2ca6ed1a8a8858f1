//! What the desk's owners decide while it is served.

use deskbell_protocol::http::{DeskSettings, ServerInfo, SignedIn, StoreIp};
use deskbell_protocol::*;
use deskbell_server::{Desk, Settings};
use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::*;
use crate::visitors::visitor_at;

async fn ask(desk: &TestDesk, method: Method, who: &SignedIn, body: Value) -> (u16, Value) {
    let request = http().request(method, desk.url("/v1/settings")).bearer_auth(&who.access_token);
    let request = if body.is_null() { request } else { request.json(&body) };
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn decide(desk: &TestDesk, body: Value) -> DeskSettings {
    let (status, answer) = ask(desk, Method::PATCH, &desk.ann, body).await;
    assert_eq!(status, 200, "{answer}");
    serde_json::from_value(answer).unwrap()
}

#[tokio::test]
async fn dk_25_settings_are_changed_while_the_desk_is_served_by_owners_and_admins_alone() {
    let desk = TestDesk::start().await;
    let (status, before) = ask(&desk, Method::GET, &desk.ann, Value::Null).await;
    assert_eq!((status, &before["desk"], &before["store_ip"]), (200, &json!("Tea desk"), &json!("whole")));
    for method in [Method::GET, Method::PATCH] {
        assert_eq!(ask(&desk, method, &desk.ben, json!({"desk": "Ben's"})).await.0, 404);
    }
    for (edit, field) in [
        (json!({"desk": " "}), "desk"),
        (json!({"store_ip": "partly"}), "store_ip"),
        (json!({"file_bytes_max": 1_048_575}), "file_bytes_max"),
        (json!({"file_bytes_max": FILE_BYTES_MAX + 1}), "file_bytes_max"),
        (json!({"file_bytes_max": "20 MB"}), "file_bytes_max"),
        (json!({"visitor_upload_bytes_a_day": -1}), "visitor_upload_bytes_a_day"),
        (json!({"page_days": 3_651}), "page_days"),
        (json!({"page_days": -1}), "page_days"),
        (json!({"colour": "red"}), "colour"),
        // Nothing of it holds when one field breaks a rule.
        (json!({"desk": "Half", "page_days": 9_999}), "page_days"),
    ] {
        let (status, refusal) = ask(&desk, Method::PATCH, &desk.ann, edit.clone()).await;
        assert_eq!((status, refusal["field"].as_str()), (400, Some(field)), "{edit}: {refusal}");
    }
    assert_eq!(ask(&desk, Method::GET, &desk.ann, Value::Null).await.1, before);

    let after = decide(&desk, json!({"desk": "Cup desk", "file_bytes_max": 1_048_576})).await;
    assert_eq!((after.desk.as_str(), after.file_bytes_max), ("Cup desk", 1_048_576));
    let info = http().get(desk.url("/v1/info")).send().await.unwrap().json::<ServerInfo>().await.unwrap();
    assert_eq!(info.desk, "Cup desk");
    let path = format!("/v1/uploads?client_id={:032x}&name=tea.txt&size=1048577", rand::random::<u128>());
    let upload = http().post(desk.url(&path)).bearer_auth(&desk.ann.access_token).send().await.unwrap();
    assert_eq!(upload.status().as_u16(), 413);
    let refusal = upload.json::<Refusal>().await.unwrap();
    assert_eq!(refusal.message, "The file is larger than 1 MB; send a smaller one.");

    let entry = desk.desk.administer().audit(None, 1).await.unwrap().remove(0);
    assert_eq!((entry.actor_name.as_str(), entry.kind.as_str()), ("Ann", "settings"));
    assert_eq!(entry.detail, "desk: \"Tea desk\" -> \"Cup desk\", file_bytes_max: 20971520 -> 1048576");
    decide(&desk, json!({})).await;
    assert_eq!(desk.desk.administer().audit(None, 1).await.unwrap()[0].id, entry.id, "nothing was changed");

    // What was decided outlives the server, whatever the process is told the next time.
    desk.stop.cancel();
    desk.server.await.unwrap();
    drop(desk.desk);
    let again = Desk::open(Settings { data: desk.data.path().to_owned(), ..Settings::default() }).unwrap();
    assert_eq!(again.administer().settings(), after);
}

#[tokio::test]
async fn dk_25_addresses_that_were_stored_before_lose_what_may_no_longer_be_kept() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut page = desk.page(Some(SHOP), &presence(), "https://shop.example/").await;
    page.welcome().await;
    assert_eq!(visitor_at(&mut ann, |visitor| !visitor.pages.is_empty()).await.ip, "127.0.0.1");
    for (form, kept) in [(StoreIp::Truncated, "127.0.0.0"), (StoreIp::None, "")] {
        decide(&desk, json!({"store_ip": form})).await;
        visitor_at(&mut ann, |visitor| visitor.ip == kept).await;
    }
    // Who comes later is stored as it is then allowed.
    decide(&desk, json!({"store_ip": "truncated"})).await;
    let mut other = desk.page(Some(SHOP), &presence(), "https://shop.example/cups").await;
    other.welcome().await;
    let wen = visitor_at(&mut ann, |visitor| visitor.pages.iter().any(|page| page.url.ends_with("/cups"))).await;
    assert_eq!(wen.ip, "127.0.0.0");
    let database = desk.database();
    let whole = "SELECT count(*) FROM visitor WHERE ip = '127.0.0.1'";
    assert_eq!(database.query_row(whole, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[tokio::test]
async fn dk_25_pages_are_forgotten_after_the_days_that_the_owner_allows() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut page = desk.page(Some(SHOP), &presence(), "https://shop.example/old").await;
    page.welcome().await;
    visitor_at(&mut ann, |visitor| !visitor.pages.is_empty()).await;
    let database = desk.database();
    let forty_days_ms = 40 * 24 * 60 * 60 * 1000_i64;
    database.execute("UPDATE page_view SET at = at - ?1", [forty_days_ms]).unwrap();
    let new = Ephemeral::Page { page: seen("https://shop.example/new") };
    page.send(&ClientFrame::Eph(new)).await;
    visitor_at(&mut ann, |visitor| visitor.pages.len() == 2).await;
    let words = "SELECT count(*) FROM page_words";
    desk.until_counted(words, 2).await;
    decide(&desk, json!({"page_days": 30})).await;
    let vic = visitor_at(&mut ann, |visitor| visitor.pages.len() < 2).await;
    assert_eq!(vic.pages[0].url, "https://shop.example/new");
    assert_eq!(database.query_row(words, [], |row| row.get::<_, i64>(0)).unwrap(), 1, "the search forgets it too");
}

#[tokio::test]
async fn od_33_what_was_decided_holds_although_whoever_did_it_lost_the_connection_before_the_answer() {
    let desk = TestDesk::start().await;
    let _ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    hang_up_on(desk.desk.administer().switch(false)).await;
    vic.ephemeral(|told| matches!(told, Ephemeral::Agents { online: false, .. }).then_some(())).await;
    assert!(desk.desk.administer().settings().offline);
}
