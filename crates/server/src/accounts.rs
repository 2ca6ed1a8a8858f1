//! Signing in and out, and who a token belongs to.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use deskbell_protocol::http::SignedIn;
use deskbell_protocol::{Agent, AgentId, ErrorCode, Refusal, VisitorId};

use crate::desk::Core;
use crate::store::agents::{self, TokenKind};
use crate::store::batch::Write;
use crate::store::{Failure, Outcome, visitors};
use crate::{text, tokens};

/// Life of an access token.
const ACCESS: Duration = Duration::from_secs(15 * 60);
/// Life of a refresh token.
const REFRESH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A signed-in agent on one device.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) agent: Agent,
    pub(crate) device: i64,
}

/// The refusal of a token.
pub(crate) fn expired() -> Failure {
    Refusal::new(ErrorCode::Expired, "The token is unknown, expired or revoked; sign in again.").into()
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A refusal that says how long to wait.
pub(crate) fn wait(message: &str, wait: Duration) -> Failure {
    let retry_after_ms = Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1));
    Refusal { retry_after_ms, ..Refusal::new(ErrorCode::TooManyAttempts, message) }.into()
}

/// Makes and stores a new pair of tokens for a device.
fn issue(write: &mut Write<'_>, agent: Agent, device: i64, desk: &str) -> Outcome<SignedIn> {
    let (access_token, refresh_token) = (tokens::secret(), tokens::secret());
    let hashes = (tokens::hash(&access_token), tokens::hash(&refresh_token));
    agents::add_token(write.connection, &hashes.0, device, TokenKind::Access, write.now + millis(ACCESS))?;
    agents::add_token(write.connection, &hashes.1, device, TokenKind::Refresh, write.now + millis(REFRESH))?;
    Ok(SignedIn { access_token, refresh_token, expires_in_s: ACCESS.as_secs(), agent, desk: desk.to_owned() })
}

fn enter(write: &mut Write<'_>, agent: Agent, device: &str, desk: &str) -> Outcome<SignedIn> {
    let id = write.new_id();
    agents::add_device(write.connection, id, agent.id, &text::cut(device, 200), write.now)?;
    issue(write, agent, id, desk)
}

/// Signs in with e-mail and password.
pub(crate) async fn sign_in(
    core: &Core,
    address: IpAddr,
    email: &str,
    password: String,
    device: String,
) -> Outcome<SignedIn> {
    if email.chars().count() > 320 || password.chars().count() > 1_000 {
        return Err(Refusal::invalid("password", "too long").into());
    }
    let account = agents::email_key(email);
    core.sign_ins
        .begin(&account, address, Instant::now())
        .map_err(|left| wait("Too many wrong passwords; wait before the next try.", left))?;
    let found = {
        let account = account.clone();
        core.readers.read(move |connection| Ok(agents::find_by_email(connection, &account)?)).await?
    };
    let (agent, stored) = found.unzip();
    let fits = core.passwords.verify(password, stored).await?;
    let Some(agent) = agent.filter(|agent| fits && agent.active) else {
        return Err(Refusal::new(ErrorCode::WrongPassword, "E-mail or password is wrong.").into());
    };
    core.sign_ins.succeeded(&account);
    tracing::info!(agent = agent.id.0, "an agent signed in");
    let desk = core.name.clone();
    core.writer.submit(move |write| enter(write, agent, &device, &desk)).await
}

/// Signs an agent in without a password, for a desk inside the agent's own app.
pub(crate) async fn sign_in_locally(core: &Core, agent: AgentId, device: String) -> Outcome<SignedIn> {
    let desk = core.name.clone();
    core.writer
        .submit(move |write| {
            let agent = agents::find(write.connection, agent)?.ok_or_else(|| Failure::not_found("agent"))?;
            enter(write, agent, &device, &desk)
        })
        .await
}

enum Refreshed {
    Fresh(Box<SignedIn>),
    Reused(i64),
}

/// A new pair for a refresh token. A token that comes twice has been stolen, from one side or the other: the whole
/// device is signed out.
pub(crate) async fn refresh(core: &Core, refresh_token: &str) -> Outcome<SignedIn> {
    let hash = tokens::hash(refresh_token);
    let desk = core.name.clone();
    let refreshed = core.writer.submit(move |write| {
        let found = agents::find_token(write.connection, &hash)?;
        let token = found
            .filter(|token| token.kind == TokenKind::Refresh && !token.revoked && token.expires_at > write.now)
            .ok_or_else(expired)?;
        if token.spent {
            agents::revoke_device(write.connection, token.device, write.now)?;
            return Ok(Refreshed::Reused(token.device));
        }
        agents::spend_token(write.connection, &hash, write.now)?;
        agents::drop_access_tokens(write.connection, token.device)?;
        issue(write, token.agent, token.device, &desk).map(|signed_in| Refreshed::Fresh(Box::new(signed_in)))
    });
    match refreshed.await? {
        Refreshed::Fresh(signed_in) => Ok(*signed_in),
        Refreshed::Reused(device) => {
            tracing::warn!(device, "a refresh token came twice; the device was signed out");
            core.hub.revoke(device);
            Err(expired())
        }
    }
}

/// Signs a device out and closes its sockets.
pub(crate) async fn sign_out(core: &Core, device: i64) -> Outcome<()> {
    core.writer.submit(move |write| Ok(agents::revoke_device(write.connection, device, write.now)?)).await?;
    core.hub.revoke(device);
    Ok(())
}

/// Whose access token it is.
pub(crate) async fn authenticate(core: &Core, access_token: &str) -> Outcome<Identity> {
    let hash = tokens::hash(access_token);
    let found = core.readers.read(move |connection| Ok(agents::find_token(connection, &hash)?)).await?;
    found
        .filter(|token| token.kind == TokenKind::Access && !token.revoked && token.expires_at > crate::clock())
        .filter(|token| token.agent.active)
        .map(|token| Identity { agent: token.agent, device: token.device })
        .ok_or_else(expired)
}

/// Whose visitor's token it is.
pub(crate) async fn authenticate_visitor(core: &Core, token: &str) -> Outcome<VisitorId> {
    let hash = tokens::hash(token);
    let found = core.readers.read(move |connection| Ok(visitors::find_by_token(connection, &hash)?)).await?;
    found.ok_or_else(expired)
}
