//! Signing in through an identity provider (OpenID Connect): authorization code with PKCE, state and nonce.
//!
//! The app asks the desk to begin and opens an address in the system's browser. The provider sends the browser back to
//! the desk, where the person says that it was they who began, by the code that the app shows. Without that, whoever
//! sends somebody an address would be signed in as them. The app, which alone has the secret, then gets the session.
//! Nothing of an attempt is stored: a restart of the server ends it, and the person begins anew.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use deskbell_protocol::http::{NewAgent, ProviderBegin, ProviderBegun, ProviderSeen, SignedIn};
use deskbell_protocol::{Agent, ErrorCode, Refusal};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreIdTokenClaims, CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse as _,
};
use tokio::sync::Notify;
use url::{Host, Url};

use crate::accounts::{self, Newcomer};
use crate::desk::Core;
use crate::people::{Actor, hire};
use crate::settings::Provider;
use crate::store::batch::Write;
use crate::store::{Failure, Outcome, agents, identities};
use crate::transfer::digest;
use crate::{text, tokens};

/// Longest name on the button, in characters.
const NAME_MAX: usize = 40;
/// Life of an attempt.
const LIFE: Duration = Duration::from_secs(10 * 60);
/// Most attempts at a time.
const ATTEMPTS_MAX: usize = 1_000;
/// Longest wait of an app's question whether the person is back.
const WAIT: Duration = Duration::from_secs(20);
/// The provider has this long to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer of a provider, in bytes.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Signatures that only the provider can make.
const SIGNATURES: [CoreJwsSigningAlgorithm; 6] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// What the desk has to remember while the browser is at the provider.
struct Away {
    metadata: CoreProviderMetadata,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

/// How far an attempt has come.
enum Stage {
    /// The browser is at the provider, and comes back with this state.
    Away { state: tokens::Hash, away: Box<Away> },
    /// The browser is back, and the desk asks the provider who it is.
    Asked,
    /// Whoever has the token of the page may say that it was they who began.
    Known { token: tokens::Hash, agent: Box<Agent> },
    /// The app may have its session.
    Agreed { agent: Box<Agent> },
    /// The app is told why not.
    Refused(Refusal),
}

struct Attempt {
    /// Proves that it is the app that began.
    challenge: tokens::Hash,
    /// Shown by the app and by the page, to be compared.
    code: String,
    device: Newcomer,
    ends: Instant,
    stage: Stage,
}

/// The identity provider of a desk.
pub(crate) struct Oidc {
    provider: Provider,
    redirect: RedirectUrl,
    http: reqwest::Client,
    attempts: Mutex<HashMap<tokens::Hash, Attempt>>,
    moved: Notify,
}

/// Why a provider's word was not taken. The log has the details, the person a sentence.
fn unusable(error: impl std::fmt::Display) -> Failure {
    tracing::warn!(%error, "the identity provider's answer is of no use");
    Refusal::new(ErrorCode::Invalid, "The identity provider's answer could not be verified; begin again.").into()
}

fn unreachable(error: impl std::fmt::Debug) -> Failure {
    tracing::warn!(?error, "the identity provider cannot be asked");
    Refusal::new(ErrorCode::Busy, "The identity provider cannot be reached; try again in a moment.").into()
}

fn gone() -> Failure {
    Failure::not_found("sign-in, or not any more")
}

/// Why the settings are of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadProvider {
    #[error("the address {0:?} of the identity provider must be one with https")]
    Issuer(String),
    #[error("the identity provider's name must have 1 to {NAME_MAX} characters")]
    Name,
    #[error("an identity provider needs public_origin, the address to which it sends browsers back")]
    Origin,
    #[error("unknown people are made agents only of domains that are named")]
    Domains,
    #[error("{0}")]
    Http(#[from] reqwest::Error),
}

/// A request to the provider. No redirect is followed, and no answer is read without end.
async fn send(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, std::io::Error> {
    let other = |error: reqwest::Error| std::io::Error::other(error);
    let mut response = http.execute(request.try_into().map_err(other)?).await.map_err(other)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(other)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(std::io::Error::other("the answer is too large"));
        }
        body.extend_from_slice(&chunk);
    }
    let mut answer = HttpResponse::new(body);
    (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
    Ok(answer)
}

impl Oidc {
    pub(crate) fn open(provider: Provider, public_origin: Option<&str>) -> Result<Self, BadProvider> {
        let issuer = Url::parse(&provider.issuer).map_err(|_| BadProvider::Issuer(provider.issuer.clone()))?;
        // Without TLS anybody on the way is whoever they like, but nobody is on the way to this computer itself.
        let own = match issuer.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if issuer.scheme() != "https" && !(issuer.scheme() == "http" && own) {
            return Err(BadProvider::Issuer(provider.issuer));
        }
        if !(1..=NAME_MAX).contains(&provider.name.trim().chars().count()) {
            return Err(BadProvider::Name);
        }
        if provider.new_agents.is_some() && provider.domains.is_empty() {
            return Err(BadProvider::Domains);
        }
        let origin = public_origin.ok_or(BadProvider::Origin)?;
        let redirect = RedirectUrl::new(format!("{origin}/v1/provider/callback")).map_err(|_| BadProvider::Origin)?;
        // Another part of the program may have chosen the cryptography already; either choice is fine.
        rustls::crypto::ring::default_provider().install_default().ok();
        let http = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { provider, redirect, http, attempts: Mutex::default(), moved: Notify::new() })
    }

    /// What the provider is called on the button.
    pub(crate) fn name(&self) -> &str {
        &self.provider.name
    }

    fn attempts(&self) -> MutexGuard<'_, HashMap<tokens::Hash, Attempt>> {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        attempts.retain(|_, attempt| attempt.ends > now);
        attempts
    }

    fn client(&self) -> (ClientId, Option<ClientSecret>) {
        let Provider { client_id, client_secret, .. } = &self.provider;
        (ClientId::new(client_id.clone()), client_secret.clone().map(ClientSecret::new))
    }

    /// Begins an attempt: the address for the browser, and the code to compare.
    pub(crate) async fn begin(&self, begin: ProviderBegin, device: Newcomer) -> Outcome<ProviderBegun> {
        let challenge = digest(&begin.challenge)
            .ok_or_else(|| Refusal::invalid("challenge", "is the SHA-256 of a secret, in 64 hexadecimal digits"))?;
        if self.attempts().len() >= ATTEMPTS_MAX {
            return Err(Failure::Busy);
        }
        let issuer = IssuerUrl::new(self.provider.issuer.clone()).map_err(unreachable)?;
        let http = self.http.clone();
        let send = move |request| send(http.clone(), request);
        let metadata = CoreProviderMetadata::discover_async(issuer, &send).await.map_err(unreachable)?;
        let (id, secret) = self.client();
        let client = CoreClient::from_provider_metadata(metadata.clone(), id, secret);
        let (pkce, verifier) = PkceCodeChallenge::new_random_sha256();
        let (address, state, nonce) = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .set_redirect_uri(std::borrow::Cow::Borrowed(&self.redirect))
            .add_scope(Scope::new("email".to_owned()))
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(pkce)
            .url();
        let (request, code) = (tokens::secret(), tokens::short_code());
        let away = Box::new(Away { metadata, nonce, verifier });
        let attempt = Attempt {
            challenge,
            code: code.clone(),
            device,
            ends: Instant::now() + LIFE,
            stage: Stage::Away { state: tokens::hash(state.secret()), away },
        };
        self.attempts().insert(tokens::hash(&request), attempt);
        Ok(ProviderBegun { request, address: address.to_string(), code, expires_in_s: LIFE.as_secs() })
    }

    /// The browser is back. The token of the page that asks the person; each state works once.
    pub(crate) async fn come_back(
        &self,
        core: &Arc<Core>,
        address: IpAddr,
        state: &str,
        code: Option<String>,
    ) -> Outcome<String> {
        let state = tokens::hash(state);
        let (request, away) = {
            let mut attempts = self.attempts();
            let mut found = attempts.iter_mut().filter_map(|(request, attempt)| match &attempt.stage {
                Stage::Away { state: expected, .. } if *expected == state => Some((*request, &mut attempt.stage)),
                _ => None,
            });
            let (request, stage) = found.next().ok_or_else(gone)?;
            match std::mem::replace(stage, Stage::Asked) {
                Stage::Away { away, .. } => (request, away),
                _ => return Err(gone()),
            }
        };
        let known = self.identify(core, address, *away, code).await;
        let token = tokens::secret();
        let (stage, answer) = match known {
            Ok(agent) => (Stage::Known { token: tokens::hash(&token), agent: Box::new(agent) }, Ok(token)),
            Err(failure) => (Stage::Refused(failure.clone().into_refusal()), Err(failure)),
        };
        if let Some(attempt) = self.attempts().get_mut(&request) {
            attempt.stage = stage;
        }
        self.moved.notify_waiters();
        answer
    }

    async fn identify(&self, core: &Arc<Core>, address: IpAddr, away: Away, code: Option<String>) -> Outcome<Agent> {
        let Away { metadata, nonce, verifier } = away;
        let code =
            code.ok_or_else(|| Refusal::new(ErrorCode::Invalid, "The identity provider did not sign you in."))?;
        let (id, secret) = self.client();
        let client = CoreClient::from_provider_metadata(metadata, id, secret);
        let http = self.http.clone();
        let send = move |request| send(http.clone(), request);
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(unusable)?
            .set_redirect_uri(std::borrow::Cow::Borrowed(&self.redirect))
            .set_pkce_verifier(verifier)
            .request_async(&send)
            .await
            .map_err(unusable)?;
        let token = answer.id_token().ok_or_else(|| unusable("there is no ID token in it"))?;
        let verifier = client.id_token_verifier().set_allowed_algs(SIGNATURES);
        let claims: CoreIdTokenClaims = token.clone().into_claims(&verifier, &nonce).map_err(unusable)?;
        let person = Known {
            issuer: claims.issuer().to_string(),
            subject: claims.subject().to_string(),
            email: claims.email().filter(|_| claims.email_verified() == Some(true)).map(|email| email.to_string()),
            name: claims.name().and_then(|name| name.get(None)).map(|name| name.to_string()).unwrap_or_default(),
        };
        let provider = self.provider.clone();
        core.writer.submit(move |write| resolve(write, &provider, person, address)).await
    }

    /// What the page asks the person about.
    pub(crate) fn look(&self, core: &Core, token: &str) -> Outcome<ProviderSeen> {
        let token = tokens::hash(token);
        let attempts = self.attempts();
        let seen = attempts.values().find_map(|attempt| match &attempt.stage {
            Stage::Known { token: expected, agent } if *expected == token => Some(ProviderSeen {
                desk: core.name(),
                email: agent.email.clone(),
                device: attempt.device.name.clone(),
                code: attempt.code.clone(),
            }),
            _ => None,
        });
        seen.ok_or_else(gone)
    }

    /// The person says whether it was they who began.
    pub(crate) fn decide(&self, token: &str, agreed: bool) -> Outcome<()> {
        let token = tokens::hash(token);
        let mut attempts = self.attempts();
        let attempt = attempts.values_mut().find(|attempt| match &attempt.stage {
            Stage::Known { token: expected, .. } => *expected == token,
            _ => false,
        });
        let attempt = attempt.ok_or_else(gone)?;
        let declined = || Stage::Refused(Refusal::new(ErrorCode::NotFound, "The person said no in the browser."));
        attempt.stage = match std::mem::replace(&mut attempt.stage, Stage::Asked) {
            Stage::Known { agent, .. } if agreed => Stage::Agreed { agent },
            _ => declined(),
        };
        drop(attempts);
        self.moved.notify_waiters();
        Ok(())
    }

    /// The session, for the app that has the secret. `None`: the person is not back yet.
    pub(crate) async fn finish(&self, core: &Core, request: &str, secret: &str) -> Outcome<Option<SignedIn>> {
        let (request, challenge) = (tokens::hash(request), tokens::hash(secret));
        let deadline = tokio::time::Instant::now() + WAIT;
        loop {
            let mut moved = std::pin::pin!(self.moved.notified());
            // Heard from here on, so that nothing is missed between the look and the wait.
            moved.as_mut().enable();
            let over = {
                let mut attempts = self.attempts();
                let attempt = attempts.get(&request).filter(|attempt| attempt.challenge == challenge);
                match attempt.ok_or_else(gone)?.stage {
                    Stage::Agreed { .. } | Stage::Refused(_) => attempts.remove(&request),
                    _ => None,
                }
            };
            match over {
                Some(Attempt { stage: Stage::Agreed { agent }, device, .. }) => {
                    return accounts::sign_in_known(core, agent.id, device).await.map(Some);
                }
                Some(Attempt { stage: Stage::Refused(refusal), .. }) => return Err(refusal.into()),
                _ => {}
            }
            if tokio::time::timeout_at(deadline, moved).await.is_err() {
                return Ok(None);
            }
        }
    }
}

/// Whom the provider has vouched for.
struct Known {
    issuer: String,
    subject: String,
    /// Only when the provider has verified it.
    email: Option<String>,
    name: String,
}

fn is_allowed(domains: &[String], email: &str) -> bool {
    let domain = email.rsplit_once('@').map(|(_, domain)| domain);
    domains.is_empty()
        || domain.is_some_and(|domain| domains.iter().any(|allowed| allowed.eq_ignore_ascii_case(domain)))
}

/// Which agent it is. The first time the verified address tells, from then on the provider's own name for the person.
fn resolve(write: &mut Write<'_>, provider: &Provider, known: Known, address: IpAddr) -> Outcome<Agent> {
    let nobody = || -> Failure {
        let words = "No agent of this desk has your verified address; ask an administrator for an invitation.";
        Refusal::new(ErrorCode::NoAgent, words).into()
    };
    let Known { issuer, subject, email, name } = known;
    let email = email.filter(|email| is_allowed(&provider.domains, email)).ok_or_else(nobody)?;
    if let Some(agent) = identities::find(write.connection, &issuer, &subject)? {
        return agents::find(write.connection, agent)?.filter(|agent| agent.active).ok_or_else(nobody);
    }
    let agent = match agents::find_by_email(write.connection, &email)? {
        // Whoever has the address now is not whoever had it when the agent was first known.
        Some((agent, _)) if !agent.active || identities::is_known(write.connection, &issuer, agent.id)? => {
            return Err(nobody());
        }
        Some((agent, _)) => agent,
        None => {
            let role = provider.new_agents.ok_or_else(nobody)?.into();
            let (email, name) = (crate::people::check_email(&email)?, text::cut(&name, 200));
            let name = if name.is_empty() { email.clone() } else { name };
            let new = NewAgent { name, email, password: String::new(), role };
            hire(write, &Actor::provider(address), &new, tokens::NOBODY)?
        }
    };
    identities::add(write.connection, &issuer, &subject, agent.id)?;
    Actor::new(&agent, address).did(write, "link identity", "agent", Some(agent.id.0), issuer)?;
    Ok(agent)
}
