//! Signing in through an identity provider, with a provider of the test's own that tells the truth or lies.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{Json, Redirect};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deskbell_protocol::http::{AgentEdit, ProviderBegun, ProviderFinished, ProviderSeen, SignedIn};
use deskbell_protocol::*;
use deskbell_server::{NewAgents, Provider, Settings};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::crash::{make, program};
use crate::desk::*;

const CLIENT: &str = "deskbell";
const CLIENT_SECRET: &str = "the desk's own secret";

/// What the provider says that is not so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    Nonce,
    Audience,
    Issuer,
    Expired,
    Key,
    Algorithm,
    Unverified,
}

/// Who sits before the browser.
#[derive(Clone)]
struct Someone {
    subject: &'static str,
    email: &'static str,
    name: &'static str,
}

const BEN: Someone = Someone { subject: "b-1", email: "Ben@desk.example", name: "Ben" };
const ANN: Someone = Someone { subject: "a-1", email: "ann@desk.example", name: "Ann" };
const CLEO: Someone = Someone { subject: "c-1", email: "cleo@desk.example", name: "Cleo" };
const EVE: Someone = Someone { subject: "e-1", email: "eve@elsewhere.example", name: "Eve" };

struct Inside {
    issuer: String,
    key: EcdsaKeyPair,
    someone: Someone,
    lie: Option<Lie>,
    /// The nonce and the challenge of the code that was given last.
    asked: Option<(String, String)>,
}

/// A provider over real HTTP.
#[derive(Clone)]
struct TestProvider(Arc<Mutex<Inside>>);

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn key() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap()
}

impl TestProvider {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let provider = Self(Arc::new(Mutex::new(Inside { issuer, key: key(), someone: BEN, lie: None, asked: None })));
        #[allow(clippy::disallowed_methods, reason = "this is no route of the desk")]
        let routes = axum::Router::new()
            .route("/.well-known/openid-configuration", get(Self::configuration))
            .route("/keys", get(Self::keys))
            .route("/authorize", get(Self::authorize))
            .route("/token", post(Self::token))
            .with_state(provider.clone());
        TaskTracker::new().spawn(async move { axum::serve(listener, routes).await.unwrap() });
        provider
    }

    fn inside(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.0.lock().unwrap()
    }

    async fn configuration(State(provider): State<Self>) -> Json<Value> {
        let issuer = provider.inside().issuer.clone();
        Json(json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256", "HS256"],
        }))
    }

    async fn keys(State(provider): State<Self>) -> Json<Value> {
        let inside = provider.inside();
        // An uncompressed point: 4, x, y.
        let (x, y) = inside.key.public_key().as_ref()[1..].split_at(32);
        let key = json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "1",
            "x": encoded(x), "y": encoded(y)});
        Json(json!({ "keys": [key] }))
    }

    /// The person is signed in here already, and is sent back at once.
    async fn authorize(State(provider): State<Self>, Query(query): Query<Value>) -> Redirect {
        let text = |name: &str| query[name].as_str().unwrap_or_else(|| panic!("no {name}: {query}")).to_owned();
        assert_eq!((text("client_id").as_str(), text("response_type").as_str()), (CLIENT, "code"));
        assert_eq!(text("code_challenge_method"), "S256");
        provider.inside().asked = Some((text("nonce"), text("code_challenge")));
        Redirect::to(&format!("{}?code=once&state={}", text("redirect_uri"), text("state")))
    }

    async fn token(
        State(provider): State<Self>,
        headers: axum::http::HeaderMap,
        Form(form): Form<Value>,
    ) -> Result<Json<Value>, StatusCode> {
        let mut inside = provider.inside();
        let basic = headers["authorization"].to_str().unwrap().strip_prefix("Basic ").unwrap();
        let basic = base64::engine::general_purpose::STANDARD.decode(basic).unwrap();
        if String::from_utf8(basic).unwrap() != "deskbell:the+desk%27s+own+secret" {
            return Err(StatusCode::UNAUTHORIZED);
        }
        let (nonce, challenge) = inside.asked.take().ok_or(StatusCode::BAD_REQUEST)?;
        let verifier = form["code_verifier"].as_str().unwrap();
        assert_eq!(encoded(Sha256::digest(verifier)), challenge, "the code belongs to whoever asked for it");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let lie = inside.lie;
        let or = |is: Lie, lied: &str, truth: &str| if lie == Some(is) { lied.to_owned() } else { truth.to_owned() };
        let claims = json!({
            "iss": or(Lie::Issuer, "https://elsewhere.example", &inside.issuer),
            "aud": or(Lie::Audience, "another client", CLIENT),
            "nonce": or(Lie::Nonce, "of another day", &nonce),
            "sub": inside.someone.subject,
            "iat": now - 700,
            "exp": if lie == Some(Lie::Expired) { now - 600 } else { now + 600 },
            "email": inside.someone.email,
            "email_verified": lie != Some(Lie::Unverified),
            "name": inside.someone.name,
        });
        let algorithm = or(Lie::Algorithm, "none", "ES256");
        let signed = format!(
            "{}.{}",
            encoded(json!({"alg": algorithm, "kid": "1", "typ": "JWT"}).to_string()),
            encoded(claims.to_string())
        );
        let forged = key();
        let signing = if lie == Some(Lie::Key) { &forged } else { &inside.key };
        let signature = match lie {
            Some(Lie::Algorithm) => String::new(),
            _ => encoded(signing.sign(&SystemRandom::new(), signed.as_bytes()).unwrap()),
        };
        Ok(Json(json!({"access_token": "a", "token_type": "Bearer", "id_token": format!("{signed}.{signature}")})))
    }
}

async fn desk(provider: &TestProvider, decide: impl FnOnce(&mut Provider)) -> TestDesk {
    let mut settings = Provider {
        name: "Tea House".to_owned(),
        issuer: provider.inside().issuer.clone(),
        client_id: CLIENT.to_owned(),
        client_secret: Some(CLIENT_SECRET.to_owned()),
        domains: Vec::new(),
        new_agents: None,
    };
    decide(&mut settings);
    TestDesk::start_with(|desk: &mut Settings| {
        desk.provider = Some(settings);
        desk.public_origin = Some("http://desk.example".to_owned());
    })
    .await
}

async fn ask(desk: SocketAddr, path: &str, body: Value) -> Result<Value, Refusal> {
    let response = http().post(format!("http://{desk}{path}")).json(&body).send().await.unwrap();
    let good = response.status().is_success();
    let body = response.text().await.unwrap();
    match good {
        true => Ok(serde_json::from_str(&body).unwrap_or_default()),
        false => Err(serde_json::from_str(&body).unwrap()),
    }
}

/// An app that signs in.
struct App {
    begun: ProviderBegun,
    secret: String,
}

impl App {
    async fn begin(desk: SocketAddr) -> Self {
        let secret = client_id().as_str().to_owned();
        let challenge: String = Sha256::digest(&secret).iter().map(|byte| format!("{byte:02x}")).collect();
        let body = json!({"challenge": challenge, "device": "Ben's laptop", "system": "Linux"});
        let begun = ask(desk, "/v1/provider/begin", body).await.unwrap();
        Self { begun: serde_json::from_value(begun).unwrap(), secret }
    }

    async fn finish(&self, desk: SocketAddr, secret: &str) -> Result<Option<SignedIn>, Refusal> {
        let body = json!({"request": self.begun.request, "secret": secret});
        let finished = ask(desk, "/v1/provider/finish", body).await?;
        Ok(serde_json::from_value::<ProviderFinished>(finished).unwrap().signed_in.map(|signed_in| *signed_in))
    }
}

/// Where a page sends the browser.
async fn follow(desk: SocketAddr, address: &str) -> String {
    let address = address.replace("http://desk.example", &format!("http://{desk}"));
    http();
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let response = browser.get(address).send().await.unwrap();
    assert_eq!(response.status(), 303);
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// The browser goes to the provider and comes back. The address that it came back with, and the token of the page
/// that asks; none: something was wrong.
async fn browse(desk: SocketAddr, app: &App) -> (String, Option<String>) {
    let back = follow(desk, &app.begun.address).await;
    let page = follow(desk, &back).await;
    (back, page.strip_prefix("/link#p.").map(str::to_owned))
}

async fn sign_in(desk: SocketAddr) -> Result<SignedIn, Refusal> {
    let app = App::begin(desk).await;
    if let (_, Some(token)) = browse(desk, &app).await {
        ask(desk, "/v1/provider/decide", json!({"token": token, "agreed": true})).await.unwrap();
    }
    app.finish(desk, &app.secret).await.map(|signed_in| signed_in.expect("it is decided"))
}

#[tokio::test(flavor = "multi_thread")]
async fn dk_01_ben_signs_in_at_his_companys_provider_and_says_in_the_browser_that_it_is_he() {
    let provider = TestProvider::start().await;
    let desk = desk(&provider, |_| {}).await;
    let info: http::ServerInfo = http().get(desk.url("/v1/info")).send().await.unwrap().json().await.unwrap();
    assert_eq!(info.provider.as_deref(), Some("Tea House"));
    let app = App::begin(desk.address).await;
    let (back, token) = browse(desk.address, &app).await;
    let token = token.expect("the page that asks");
    let seen = ask(desk.address, "/v1/provider/look", json!({"token": token})).await.unwrap();
    let seen: ProviderSeen = serde_json::from_value(seen).unwrap();
    assert_eq!((seen.device.as_str(), seen.email.as_str()), ("Ben's laptop", "ben@desk.example"));
    assert_eq!(seen.code, app.begun.code, "the person compares it with the app's");
    // Whoever has not the app's secret gets nothing, and the app nothing before the person has spoken.
    assert_eq!(app.finish(desk.address, "guessed").await.unwrap_err().code, ErrorCode::NotFound);
    let waiting = {
        let (request, secret, url) = (app.begun.request.clone(), app.secret.clone(), desk.url("/v1/provider/finish"));
        TaskTracker::new().spawn(async move {
            let body = json!({"request": request, "secret": secret});
            http().post(url).json(&body).send().await.unwrap().json::<ProviderFinished>().await.unwrap()
        })
    };
    ask(desk.address, "/v1/provider/decide", json!({"token": token, "agreed": true})).await.unwrap();
    let signed_in = waiting.await.unwrap().signed_in.expect("the session, as soon as the person has spoken");
    assert_eq!(signed_in.agent.id, desk.ben.agent.id);
    desk.agent(&signed_in, None).await.welcome().await;
    // Nothing of it works twice.
    assert_eq!(follow(desk.address, &back).await, "/link#failed", "the state");
    assert!(ask(desk.address, "/v1/provider/decide", json!({"token": token, "agreed": true})).await.is_err());
    assert_eq!(app.finish(desk.address, &app.secret).await.unwrap_err().code, ErrorCode::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn dk_01_whoever_is_sent_somebody_elses_address_says_no_and_nobody_is_signed_in() {
    let provider = TestProvider::start().await;
    let desk = desk(&provider, |_| {}).await;
    let eves = App::begin(desk.address).await;
    let (_, token) = browse(desk.address, &eves).await;
    ask(desk.address, "/v1/provider/decide", json!({"token": token.unwrap(), "agreed": false})).await.unwrap();
    assert_eq!(eves.finish(desk.address, &eves.secret).await.unwrap_err().code, ErrorCode::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn dk_01_a_provider_that_lies_or_a_token_that_is_not_for_this_desk_signs_nobody_in() {
    let provider = TestProvider::start().await;
    let desk = desk(&provider, |_| {}).await;
    use Lie::*;
    for lie in [Nonce, Audience, Issuer, Expired, Key, Algorithm, Unverified] {
        provider.inside().lie = Some(lie);
        let refusal = sign_in(desk.address).await.unwrap_err();
        let expected = if lie == Unverified { ErrorCode::NotFound } else { ErrorCode::Invalid };
        assert_eq!(refusal.code, expected, "{lie:?}: {}", refusal.message);
    }
    provider.inside().lie = None;
    sign_in(desk.address).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn dk_01_only_known_people_sign_in_unless_the_desk_makes_agents_of_a_domain() {
    let provider = TestProvider::start().await;
    let closed = desk(&provider, |_| {}).await;
    provider.inside().someone = CLEO;
    assert_eq!(sign_in(closed.address).await.unwrap_err().code, ErrorCode::NotFound);
    assert_eq!(closed.desk.administer().agents().await.unwrap().len(), 2);
    let open = desk(&provider, |settings| {
        settings.domains = vec!["desk.example".to_owned()];
        settings.new_agents = Some(NewAgents::Light);
    })
    .await;
    let cleo = sign_in(open.address).await.unwrap().agent;
    assert_eq!((cleo.name.as_str(), cleo.role), ("Cleo", Role::Light));
    assert_eq!(sign_in(open.address).await.unwrap().agent.id, cleo.id, "the second time she is known");
    provider.inside().someone = EVE;
    assert_eq!(sign_in(open.address).await.unwrap_err().code, ErrorCode::NotFound, "another domain");
    // Cleo left, and somebody else has her address now.
    provider.inside().someone = Someone { subject: "c-2", ..CLEO };
    assert_eq!(sign_in(open.address).await.unwrap_err().code, ErrorCode::NotFound);
    provider.inside().someone = CLEO;
    let edit = AgentEdit { active: Some(false), ..AgentEdit::default() };
    open.desk.administer().edit_agent(cleo.id, edit).await.unwrap();
    assert_eq!(sign_in(open.address).await.unwrap_err().code, ErrorCode::NotFound, "she is out of service");
    let told = open.desk.administer().audit(None, 3).await.unwrap();
    let told: Vec<_> = told.iter().map(|entry| (entry.actor_name.as_str(), entry.action.as_str())).collect();
    assert_eq!(told, [("command line", "edit"), ("Cleo", "link identity"), ("identity provider", "add")]);
}

#[tokio::test]
async fn dk_01_a_provider_that_would_let_anybody_in_is_no_setting() {
    let provider = TestProvider::start().await;
    let good = || Provider {
        name: "Tea House".to_owned(),
        issuer: provider.inside().issuer.clone(),
        client_id: CLIENT.to_owned(),
        client_secret: None,
        domains: vec!["desk.example".to_owned()],
        new_agents: Some(NewAgents::Agent),
    };
    let origin = || Some("https://desk.example".to_owned());
    for (provider, public_origin, good) in [
        (good(), origin(), true),
        (good(), None, false),
        (Provider { issuer: "http://elsewhere.example".to_owned(), ..good() }, origin(), false),
        (Provider { domains: Vec::new(), ..good() }, origin(), false),
        (Provider { name: " ".to_owned(), ..good() }, origin(), false),
    ] {
        let data = tempfile::tempdir().unwrap();
        let words = format!("{provider:?} {public_origin:?}");
        let settings =
            Settings { data: data.path().to_owned(), provider: Some(provider), public_origin, ..Settings::default() };
        assert_eq!(deskbell_server::Desk::open(settings).is_ok(), good, "{words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dk_01_the_program_takes_the_provider_from_its_file_and_the_secret_from_its_environment() {
    let provider = TestProvider::start().await;
    provider.inside().someone = ANN;
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("desk");
    make(&data);
    let file = directory.path().join("server.toml");
    let issuer = provider.inside().issuer.clone();
    let text = format!(
        "data = {data:?}\nlisten = \"127.0.0.1:0\"\npublic_origin = \"http://desk.example\"\n\
         [provider]\nname = \"Tea House\"\nissuer = {issuer:?}\nclient_id = {CLIENT:?}\nclient_secret = \"an old one\"\n"
    );
    std::fs::write(&file, text).unwrap();
    for (environment, is_right) in [(None, false), (Some(("DESKBELL_PROVIDER_SECRET", CLIENT_SECRET)), true)] {
        let mut server = program();
        server.args(["serve", "--config", file.to_str().unwrap()]).envs(environment);
        let mut server = server.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let desk = line.trim().strip_prefix("Listening on http://").unwrap().parse().unwrap();
        let (_, page) = browse(desk, &App::begin(desk).await).await;
        assert_eq!(page.is_some(), is_right, "{environment:?}");
        server.kill().unwrap();
        server.wait().unwrap();
    }
}
