//! An identity provider (OpenID Connect) that tells the truth or lies.

use std::sync::{Arc, Mutex};

use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{Json, Redirect};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deskbell_protocol::http::ProviderSeen;
use deskbell_server::Provider;
use reqwest::Url;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

const CLIENT: &str = "deskbell";

/// What the provider says that is not so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// The token is of another attempt.
    Nonce,
    /// The token is for another client.
    Audience,
    /// Another provider speaks.
    Issuer,
    /// The token is too old.
    Expired,
    /// The signature is of another key.
    Key,
    /// There is no signature.
    Algorithm,
    /// The address was not verified.
    Unverified,
}

/// Who sits before the browser.
#[derive(Clone, Copy, Debug)]
pub struct Someone {
    /// The provider's own name for them.
    pub subject: &'static str,
    /// Their address.
    pub email: &'static str,
    /// What they are called.
    pub name: &'static str,
}

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
pub struct TestProvider(Arc<Mutex<Inside>>);

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn key() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap()
}

impl TestProvider {
    /// The desk's secret.
    pub const SECRET: &str = "the desk's own secret";

    /// A new provider, before which this person sits.
    pub async fn start(someone: Someone) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let provider = Self(Arc::new(Mutex::new(Inside { issuer, key: key(), someone, lie: None, asked: None })));
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

    /// Somebody else sits before the browser.
    pub fn seat(&self, someone: Someone) {
        self.inside().someone = someone;
    }

    /// From here on it lies, or tells the truth again.
    pub fn lie(&self, lie: Option<Lie>) {
        self.inside().lie = lie;
    }

    /// What a desk is told of it.
    pub fn settings(&self) -> Provider {
        Provider {
            name: "Tea House".to_owned(),
            issuer: self.inside().issuer.clone(),
            client_id: CLIENT.to_owned(),
            client_secret: Some(Self::SECRET.to_owned()),
            domains: Vec::new(),
            new_agents: None,
        }
    }

    /// A browser that opens a page goes through the provider and back to the desk. What the desk then asks the person;
    /// nothing when it tells them that something was wrong.
    pub async fn browse(page: &str) -> Option<Asked> {
        let back = Self::follow(page).await;
        let desk = Url::parse(&back).unwrap();
        let token = Self::follow(&back).await.strip_prefix("/link#p.")?.to_owned();
        let look = desk.join("/v1/provider/look").unwrap();
        let seen = reqwest::Client::new().post(look).json(&json!({"token": token})).send().await.unwrap();
        let ProviderSeen { code, .. } = seen.json().await.unwrap();
        Some(Asked { code, token, desk })
    }

    /// Where a page sends the browser.
    pub async fn follow(address: &str) -> String {
        rustls::crypto::ring::default_provider().install_default().ok();
        let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let response = browser.get(address).send().await.unwrap();
        assert_eq!(response.status(), 303, "{address}");
        response.headers()["location"].to_str().unwrap().to_owned()
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

/// The desk's page asks whether it was the person who began.
pub struct Asked {
    /// To be compared with the app's.
    pub code: String,
    token: String,
    desk: Url,
}

impl Asked {
    /// What the person says.
    pub async fn answer(&self, agreed: bool) {
        let decide = self.desk.join("/v1/provider/decide").unwrap();
        let body = json!({"token": self.token, "agreed": agreed});
        let decided = reqwest::Client::new().post(decide).json(&body).send().await.unwrap();
        assert_eq!(decided.status(), StatusCode::NO_CONTENT);
    }
}
