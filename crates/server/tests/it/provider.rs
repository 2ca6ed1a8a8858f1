//! Signing in through an identity provider, with a provider of the test's own that tells the truth or lies.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::Stdio;

use deskbell_protocol::http::{AgentEdit, ProviderBegun, ProviderFinished, ProviderSeen, SignedIn};
use deskbell_protocol::*;
use deskbell_server::{NewAgents, Provider, Settings};
use deskbell_testkit::provider::{Lie, Someone, TestProvider};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio_util::task::TaskTracker;

use crate::crash::{make, program};
use crate::desk::*;

const BEN: Someone = Someone { subject: "b-1", email: "Ben@desk.example", name: "Ben" };
const ANN: Someone = Someone { subject: "a-1", email: "ann@desk.example", name: "Ann" };
const CLEO: Someone = Someone { subject: "c-1", email: "cleo@desk.example", name: "Cleo" };
const EVE: Someone = Someone { subject: "e-1", email: "eve@elsewhere.example", name: "Eve" };

async fn desk(provider: &TestProvider, decide: impl FnOnce(&mut Provider)) -> TestDesk {
    let mut settings = provider.settings();
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
    TestProvider::follow(&address.replace("http://desk.example", &format!("http://{desk}"))).await
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
    let provider = TestProvider::start(BEN).await;
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
    let provider = TestProvider::start(BEN).await;
    let desk = desk(&provider, |_| {}).await;
    let eves = App::begin(desk.address).await;
    let (_, token) = browse(desk.address, &eves).await;
    ask(desk.address, "/v1/provider/decide", json!({"token": token.unwrap(), "agreed": false})).await.unwrap();
    assert_eq!(eves.finish(desk.address, &eves.secret).await.unwrap_err().code, ErrorCode::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn dk_01_a_provider_that_lies_or_a_token_that_is_not_for_this_desk_signs_nobody_in() {
    let provider = TestProvider::start(BEN).await;
    let desk = desk(&provider, |_| {}).await;
    use Lie::*;
    for lie in [Nonce, Audience, Issuer, Expired, Key, Algorithm, Unverified] {
        provider.lie(Some(lie));
        let refusal = sign_in(desk.address).await.unwrap_err();
        let expected = if lie == Unverified { ErrorCode::NoAgent } else { ErrorCode::Invalid };
        assert_eq!(refusal.code, expected, "{lie:?}: {}", refusal.message);
    }
    provider.lie(None);
    sign_in(desk.address).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn dk_01_only_known_people_sign_in_unless_the_desk_makes_agents_of_a_domain() {
    let provider = TestProvider::start(BEN).await;
    let closed = desk(&provider, |_| {}).await;
    provider.seat(CLEO);
    assert_eq!(sign_in(closed.address).await.unwrap_err().code, ErrorCode::NoAgent);
    assert_eq!(closed.desk.administer().agents().await.unwrap().len(), 2);
    let open = desk(&provider, |settings| {
        settings.domains = vec!["desk.example".to_owned()];
        settings.new_agents = Some(NewAgents::Light);
    })
    .await;
    let cleo = sign_in(open.address).await.unwrap().agent;
    assert_eq!((cleo.name.as_str(), cleo.role), ("Cleo", Role::Light));
    assert_eq!(sign_in(open.address).await.unwrap().agent.id, cleo.id, "the second time she is known");
    provider.seat(EVE);
    assert_eq!(sign_in(open.address).await.unwrap_err().code, ErrorCode::NoAgent, "another domain");
    // Cleo left, and somebody else has her address now.
    provider.seat(Someone { subject: "c-2", ..CLEO });
    assert_eq!(sign_in(open.address).await.unwrap_err().code, ErrorCode::NoAgent);
    provider.seat(CLEO);
    let edit = AgentEdit { active: Some(false), ..AgentEdit::default() };
    open.desk.administer().edit_agent(cleo.id, edit).await.unwrap();
    assert_eq!(sign_in(open.address).await.unwrap_err().code, ErrorCode::NoAgent, "she is out of service");
    let told = open.desk.administer().audit(None, 3).await.unwrap();
    let told: Vec<_> = told.iter().map(|entry| (entry.actor_name.as_str(), entry.action.as_str())).collect();
    assert_eq!(told, [("command line", "edit"), ("Cleo", "link identity"), ("identity provider", "add")]);
}

#[tokio::test]
async fn dk_01_a_provider_that_would_let_anybody_in_is_no_setting() {
    let provider = TestProvider::start(BEN).await;
    let good = || Provider {
        client_secret: None,
        domains: vec!["desk.example".to_owned()],
        new_agents: Some(NewAgents::Agent),
        ..provider.settings()
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
    let provider = TestProvider::start(BEN).await;
    provider.seat(ANN);
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("desk");
    make(&data);
    let file = directory.path().join("server.toml");
    let Provider { issuer, client_id, .. } = provider.settings();
    let text = format!(
        "data = {data:?}\nlisten = \"127.0.0.1:0\"\npublic_origin = \"http://desk.example\"\n\
         [provider]\nname = \"Tea House\"\nissuer = {issuer:?}\nclient_id = {client_id:?}\nclient_secret = \"an old one\"\n"
    );
    std::fs::write(&file, text).unwrap();
    for (environment, is_right) in [(None, false), (Some(("DESKBELL_PROVIDER_SECRET", TestProvider::SECRET)), true)] {
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
