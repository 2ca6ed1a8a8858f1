//! Signing in and out.

use deskbell_protocol::http::{Refresh, ServerInfo, SignIn, SignedIn};
use deskbell_protocol::*;
use tokio_tungstenite::tungstenite::Error as SocketError;

use crate::desk::*;

async fn sign_in(desk: &TestDesk, email: &str, password: &str) -> Result<SignedIn, (u16, Refusal)> {
    let body = SignIn {
        email: email.to_owned(),
        password: password.to_owned(),
        code: None,
        device: "laptop".to_owned(),
        system: String::new(),
    };
    answer(http().post(desk.url("/v1/session")).json(&body)).await
}

async fn refresh(desk: &TestDesk, token: &str) -> Result<SignedIn, (u16, Refusal)> {
    answer(http().post(desk.url("/v1/session/refresh")).json(&Refresh { refresh_token: token.to_owned() })).await
}

async fn answer<T: serde::de::DeserializeOwned>(request: reqwest::RequestBuilder) -> Result<T, (u16, Refusal)> {
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    assert_eq!(response.headers()["referrer-policy"], "no-referrer");
    let status = response.status();
    if status.is_success() {
        Ok(response.json().await.unwrap())
    } else {
        Err((status.as_u16(), response.json().await.unwrap()))
    }
}

fn status(result: Result<Client, SocketError>) -> u16 {
    match result {
        Err(SocketError::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("{other}"),
        Ok(_) => 101,
    }
}

#[tokio::test]
async fn dk_01_ann_signs_in_and_is_told_who_she_is() {
    let desk = TestDesk::start().await;
    let info: ServerInfo = answer(http().get(desk.url("/v1/info"))).await.unwrap();
    assert_eq!((info.product.as_str(), info.protocol, info.desk.as_str()), ("deskbell", PROTOCOL, "Tea desk"));
    let signed_in = sign_in(&desk, " ANN@desk.example ", PASSWORD).await.unwrap();
    assert_eq!((signed_in.agent.name.as_str(), signed_in.agent.role), ("Ann", Role::Owner));
    assert_eq!(signed_in.expires_in_s, 900);
    let mut ann = desk.agent(&signed_in, None).await;
    assert_eq!(ann.welcome().await.agent, Some(signed_in.agent.id));
}

#[tokio::test]
async fn dk_01_wrong_passwords_are_refused_and_then_slowed_down() {
    let desk = TestDesk::start().await;
    let (_, unknown) = sign_in(&desk, "nobody@desk.example", PASSWORD).await.unwrap_err();
    for attempt in 0..5 {
        let (status, refusal) = sign_in(&desk, "ann@desk.example", "wrong").await.unwrap_err();
        assert_eq!((status, refusal.code), (401, ErrorCode::WrongPassword), "{attempt}");
        assert_eq!(refusal, unknown, "an unknown address looks the same");
    }
    // Now even the right password has to wait, and Ben does not.
    let (status, refusal) = sign_in(&desk, "ann@desk.example", PASSWORD).await.unwrap_err();
    assert_eq!((status, refusal.code), (429, ErrorCode::TooManyAttempts));
    assert!((1..=15_000).contains(&refusal.retry_after_ms.unwrap()), "{refusal:?}");
    sign_in(&desk, "ben@desk.example", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn dk_01_an_expired_or_unknown_token_opens_no_socket() {
    let desk = TestDesk::start().await;
    let address = desk.address;
    let open = |token: String| async move { status(Client::try_open(address, Some(&token), None).await) };
    assert_eq!(open("made-up".to_owned()).await, 401);
    assert_eq!(open(desk.ann.refresh_token.clone()).await, 401, "a refresh token is no access token");
    assert_eq!(open(desk.ann.access_token.clone()).await, 101);
    let database = desk.database();
    database.execute("UPDATE token SET expires_at = 1 WHERE kind = 0", []).unwrap();
    assert_eq!(open(desk.ann.access_token.clone()).await, 401);
    // The refresh token still leads to a new pair.
    let fresh = refresh(&desk, &desk.ann.refresh_token).await.unwrap();
    assert_eq!(open(fresh.access_token).await, 101);
    // Tokens are not in the database as they are.
    let database = std::fs::read(desk.data.path().join("desk.db")).unwrap();
    let log = std::fs::read(desk.data.path().join("desk.db-wal")).unwrap();
    for file in [database, log] {
        assert!(!file.windows(43).any(|window| window == desk.ben.access_token.as_bytes()));
    }
}

#[tokio::test]
async fn dk_01_a_refresh_token_that_comes_twice_signs_the_device_out() {
    let desk = TestDesk::start().await;
    let second = refresh(&desk, &desk.ann.refresh_token).await.unwrap();
    let mut ann = desk.agent(&second, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (status, refusal) = refresh(&desk, &desk.ann.refresh_token).await.unwrap_err();
    assert_eq!((status, refusal.code), (401, ErrorCode::Expired));
    assert_eq!(ann.bye().await, ByeCode::Auth);
    refresh(&desk, &second.refresh_token).await.unwrap_err();
    // Ben is not concerned.
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Hello?")).await.unwrap();
    ben.message("Hello?").await;
}

#[tokio::test]
async fn dk_01_signing_out_closes_the_devices_sockets() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let response = http().delete(desk.url("/v1/session")).bearer_auth(&desk.ann.access_token).send().await.unwrap();
    assert_eq!(response.status(), 204);
    assert_eq!(ann.bye().await, ByeCode::Auth);
    let (status, _) = answer::<SignedIn>(http().delete(desk.url("/v1/session")).bearer_auth(&desk.ann.access_token))
        .await
        .unwrap_err();
    assert_eq!(status, 401);
}

#[tokio::test]
async fn dk_01_bad_requests_get_a_sentence_with_a_code() {
    let desk = TestDesk::start().await;
    for (request, expected) in [
        (http().get(desk.url("/nothing")), (404, ErrorCode::NotFound)),
        (http().put(desk.url("/v1/session")), (405, ErrorCode::NotFound)),
        (http().post(desk.url("/v1/session")).body("{"), (400, ErrorCode::Invalid)),
        (http().post(desk.url("/v1/session")).body("x".repeat(100_000)), (413, ErrorCode::TooLarge)),
        (http().get(desk.url("/v1/socket")), (400, ErrorCode::Invalid)),
        (http().get(desk.url("/v1/files/1")), (401, ErrorCode::Expired)),
    ] {
        let (status, refusal) = answer::<serde_json::Value>(request).await.unwrap_err();
        assert_eq!((status, refusal.code), expected);
        assert!(refusal.message.ends_with('.'), "{}", refusal.message);
    }
    let administration = desk.desk.administer();
    for (name, email, password, field) in [
        ("", "x@desk.example", PASSWORD, "name"),
        ("X", "x", PASSWORD, "email"),
        ("X", "", PASSWORD, "email"),
        ("X", "ANN@desk.example", PASSWORD, "email"),
        ("X", "x@desk.example", "short", "password"),
    ] {
        let refusal = administration.add_agent(name, email, password, Role::Agent).await.unwrap_err();
        assert_eq!(refusal.field.as_deref(), Some(field));
    }
    for origin in ["shop.example", "https://shop.example/path", "null", "*", "https://*.example/", "ftp://shop.example"]
    {
        let refused = administration.add_site("Shop", &[origin.to_owned()]).await;
        assert_eq!(refused.unwrap_err().field.as_deref(), Some("origins"), "{origin}");
    }
}
