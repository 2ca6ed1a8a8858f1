//! The second factor of a sign-in: an app's codes, and recovery codes for the day it is lost.

use std::net::SocketAddr;

use deskbell_protocol::http::{RecoveryCodes, SecondFactor, SecondFactorSecret, SignedIn};
use deskbell_protocol::*;
use reqwest::Method;
use serde_json::{Value, json};
use totp_rs::Totp;

use crate::crash::{make, run, serve};
use crate::desk::*;

/// An app that makes codes, as one on a phone that has read the picture. Its clock stands still, so that a code is the same
/// one however long the test takes.
struct Phone {
    app: Totp,
    read_at_s: u64,
}

impl Phone {
    fn read(address: &str) -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        Self { app: Totp::from_url(address).unwrap(), read_at_s: now }
    }

    /// The code of so many steps after it has read the picture.
    fn code(&self, steps: i64) -> String {
        self.app.generate(self.read_at_s.checked_add_signed(30 * steps).unwrap()).to_string()
    }
}

async fn ask(desk: SocketAddr, method: Method, path: &str, who: &SignedIn, body: Value) -> (u16, Value) {
    let request = http().request(method, format!("http://{desk}{path}")).bearer_auth(&who.access_token).json(&body);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

async fn post(desk: SocketAddr, path: &str, who: &SignedIn, body: Value) -> (u16, Value) {
    ask(desk, Method::POST, path, who, body).await
}

async fn sign_in(desk: SocketAddr, email: &str, code: Option<&str>) -> Result<SignedIn, Refusal> {
    let body = json!({"email": email, "password": PASSWORD, "device": "phone", "code": code});
    let response = http().post(format!("http://{desk}/v1/session")).json(&body).send().await.unwrap();
    match response.status().as_u16() {
        200 => Ok(response.json().await.unwrap()),
        _ => Err(response.json().await.unwrap()),
    }
}

async fn refused(desk: SocketAddr, code: Option<&str>) -> ErrorCode {
    sign_in(desk, "ben@desk.example", code).await.unwrap_err().code
}

/// Somebody turns it on.
async fn turned_on(desk: SocketAddr, who: &SignedIn) -> (Phone, Vec<String>) {
    let (status, secret) = post(desk, "/v1/second-factor", who, json!({"password": PASSWORD})).await;
    assert_eq!(status, 201, "{secret}");
    let secret: SecondFactorSecret = serde_json::from_value(secret).unwrap();
    let phone = Phone::read(&secret.address);
    assert_eq!((phone.app.issuer(), phone.app.account_name()), (Some("Tea desk"), who.agent.email.as_str()));
    assert_eq!(phone.app.secret().to_base32(), secret.secret);
    let (status, codes) = post(desk, "/v1/second-factor/confirm", who, json!({"code": phone.code(0)})).await;
    assert_eq!(status, 200, "{codes}");
    (phone, serde_json::from_value::<RecoveryCodes>(codes).unwrap().codes)
}

async fn audited(desk: &TestDesk) -> Vec<String> {
    let entries = desk.desk.administer().audit(None, 100).await.unwrap();
    entries.into_iter().map(|entry| format!("{}: {}", entry.actor_name, entry.action)).collect()
}

#[tokio::test]
async fn dk_01_ben_signs_in_with_a_code_of_his_phone_and_each_code_counts_once() {
    let desk = TestDesk::start().await;
    // A secret that was never confirmed asks for nothing: Ben may have closed the window.
    post(desk.address, "/v1/second-factor", &desk.ben, json!({"password": PASSWORD})).await;
    sign_in(desk.address, "ben@desk.example", None).await.unwrap();
    let (phone, codes) = turned_on(desk.address, &desk.ben).await;
    assert_eq!(codes.len(), 10);
    assert_eq!(refused(desk.address, None).await, ErrorCode::CodeRequired);
    assert_eq!(refused(desk.address, Some(&phone.code(-9))).await, ErrorCode::CodeWrong, "an old code");
    assert_eq!(refused(desk.address, Some(&phone.code(0))).await, ErrorCode::CodeWrong, "the code that turned it on");
    // A phone's clock may be half a minute fast.
    let next = phone.code(1);
    sign_in(desk.address, "ben@desk.example", Some(&format!(" {} {} ", &next[..3], &next[3..]))).await.unwrap();
    assert_eq!(refused(desk.address, Some(&next)).await, ErrorCode::CodeWrong, "somebody looked over his shoulder");
    // Whoever has the password wrong is told nothing of codes, and Ann has no second factor.
    let body = json!({"email": "ben@desk.example", "password": "wrong", "device": ""});
    let (_, refusal) = post(desk.address, "/v1/session", &desk.ben, body).await;
    assert_eq!(refusal["code"], "wrong_password");
    sign_in(desk.address, "ann@desk.example", None).await.unwrap();
}

#[tokio::test]
async fn dk_01_a_recovery_code_signs_in_once_and_is_nowhere_in_the_database() {
    let desk = TestDesk::start().await;
    let (_, codes) = turned_on(desk.address, &desk.ben).await;
    sign_in(desk.address, "ben@desk.example", Some(&codes[3].to_uppercase())).await.unwrap();
    assert_eq!(refused(desk.address, Some(&codes[3])).await, ErrorCode::CodeWrong);
    let (_, state) = ask(desk.address, Method::GET, "/v1/second-factor", &desk.ben, Value::Null).await;
    let state: SecondFactor = serde_json::from_value(state).unwrap();
    assert_eq!(state, SecondFactor { on: true, recovery_codes: 9 });
    for file in ["desk.db", "desk.db-wal"] {
        let bytes = std::fs::read(desk.data.path().join(file)).unwrap();
        let plain = |code: &String| code.replace('-', "");
        for code in codes.iter().cloned().chain(codes.iter().map(plain)) {
            assert!(!bytes.windows(code.len()).any(|window| window == code.as_bytes()), "{code} in {file}");
        }
    }
    // New ones need password and code, and make the old ones useless.
    let renew = |password, code| json!({"password": password, "code": code});
    let path = "/v1/second-factor/recovery-codes";
    let (status, refusal) = post(desk.address, path, &desk.ben, renew("wrong", &codes[4])).await;
    assert_eq!((status, &refusal["code"]), (401, &json!("wrong_password")));
    let (status, fresh) = post(desk.address, path, &desk.ben, renew(PASSWORD, &codes[4])).await;
    assert_eq!(status, 200);
    let fresh: RecoveryCodes = serde_json::from_value(fresh).unwrap();
    assert_eq!(refused(desk.address, Some(&codes[5])).await, ErrorCode::CodeWrong);
    sign_in(desk.address, "ben@desk.example", Some(&fresh.codes[9])).await.unwrap();
    let told = audited(&desk).await;
    assert_eq!(
        told[..4],
        ["Ben: use recovery code", "Ben: renew recovery codes", "Ben: use recovery code", "Ben: turn on second factor"]
    );
}

#[tokio::test]
async fn dk_01_a_stolen_session_can_neither_turn_the_second_factor_on_nor_off() {
    let desk = TestDesk::start().await;
    let (status, _) = post(desk.address, "/v1/second-factor", &desk.ben, json!({"password": "guessed"})).await;
    assert_eq!(status, 401);
    let (phone, codes) = turned_on(desk.address, &desk.ben).await;
    let off = |password: &str, code: &str| json!({"password": password, "code": code});
    let path = "/v1/second-factor/off";
    for (body, expected) in [
        (off("guessed", &codes[0]), "wrong_password"),
        (off(PASSWORD, "000000000"), "code_wrong"),
        (off(PASSWORD, ""), "code_required"),
    ] {
        let (status, refusal) = post(desk.address, path, &desk.ben, body).await;
        assert_eq!((status, &refusal["code"]), (401, &json!(expected)));
    }
    // Nor is a second secret put in the first one's place.
    let (status, _) = post(desk.address, "/v1/second-factor", &desk.ben, json!({"password": PASSWORD})).await;
    assert_eq!(status, 409);
    let (status, _) = post(desk.address, path, &desk.ben, off(PASSWORD, &phone.code(1))).await;
    assert_eq!(status, 204);
    sign_in(desk.address, "ben@desk.example", None).await.unwrap();
    let (_, state) = ask(desk.address, Method::GET, "/v1/second-factor", &desk.ben, Value::Null).await;
    assert_eq!(state, json!({"on": false, "recovery_codes": 0}));
}

#[tokio::test]
async fn dk_01_whoever_knows_the_password_and_guesses_codes_has_to_wait_like_for_passwords() {
    let desk = TestDesk::start().await;
    let (_, codes) = turned_on(desk.address, &desk.ben).await;
    let mut guesses = 0;
    // Asking without a code in between neither counts nor clears the count.
    let refusal = loop {
        let asked = sign_in(desk.address, "ben@desk.example", None).await.unwrap_err();
        if asked.code == ErrorCode::TooManyAttempts {
            break asked;
        }
        assert_eq!(asked.code, ErrorCode::CodeRequired);
        assert_eq!(refused(desk.address, Some("123456789")).await, ErrorCode::CodeWrong);
        guesses += 1;
        assert!(guesses <= 5, "the sixth guess was taken");
    };
    assert_eq!(guesses, 5);
    assert!(refusal.retry_after_ms.unwrap() > 0);
    assert_eq!(
        refused(desk.address, Some(&codes[0])).await,
        ErrorCode::TooManyAttempts,
        "the right code has to wait too"
    );
}

#[tokio::test]
async fn dk_01_an_admin_helps_whoever_lost_the_phone_and_that_is_written_down() {
    let desk = TestDesk::start().await;
    turned_on(desk.address, &desk.ben).await;
    let path = format!("/v1/agents/{}/second-factor", desk.ben.agent.id);
    let (status, _) = ask(desk.address, Method::DELETE, &path, &desk.ben, Value::Null).await;
    assert_eq!(status, 404, "Ben himself needs password and code");
    let (status, _) = ask(desk.address, Method::DELETE, &path, &desk.ann, Value::Null).await;
    assert_eq!(status, 204);
    sign_in(desk.address, "ben@desk.example", None).await.unwrap();
    assert_eq!(audited(&desk).await[0], "Ann: reset second factor");
    let (status, _) = ask(desk.address, Method::DELETE, &path, &desk.ann, Value::Null).await;
    assert_eq!(status, 404, "there is none any more");
    let own = format!("/v1/agents/{}/second-factor", desk.ann.agent.id);
    let (status, refusal) = ask(desk.address, Method::DELETE, &own, &desk.ann, Value::Null).await;
    assert_eq!((status, &refusal["field"]), (400, &json!("agent")), "Ann's own session is no proof that it is Ann");
    // An owner's is an owner's business.
    let administration = desk.desk.administer();
    let edit = http::AgentEdit { role: Some(Role::Admin), ..http::AgentEdit::default() };
    administration.edit_agent(desk.ben.agent.id, edit).await.unwrap();
    let (status, refusal) = ask(desk.address, Method::DELETE, &own, &desk.ben, Value::Null).await;
    assert_eq!((status, &refusal["field"]), (400, &json!("role")));
}

#[tokio::test(flavor = "multi_thread")]
async fn dk_01_whoever_runs_the_desk_helps_from_the_command_line_while_it_is_served() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("desk");
    make(&data);
    let data = data.to_str().unwrap();
    let (mut process, address) = serve(data);
    let ann = crate::crash::sign_in(address).await;
    turned_on(address, &ann).await;
    let refusal = sign_in(address, "ann@desk.example", None).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::CodeRequired);
    let reset = || run(&["agent", "reset-code", "--data", data, "--email", "ANN@desk.example"], "");
    let (done, said, wrong) = reset();
    assert!(done && said.contains("password alone"), "{said}{wrong}");
    sign_in(address, "ann@desk.example", None).await.unwrap();
    let (done, _, wrong) = reset();
    assert!(!done && wrong.contains("no such second factor"), "{wrong}");
    process.kill().unwrap();
    process.wait().unwrap();
}
