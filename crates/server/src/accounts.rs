//! Signing in and out, and who a token belongs to.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deskbell_protocol::http::SignedIn;
use deskbell_protocol::{Agent, AgentId, ErrorCode, Refusal, Region, Timestamp};

use crate::desk::Core;
use crate::hub::Hub;
use crate::store::batch::Write;
use crate::store::devices::{self, Ending, Token, TokenKind};
use crate::store::visitors::{self, Bearer};
use crate::store::{Connection, Failure, Outcome, agents};
use crate::{second_factor, text, tokens};

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
    Refusal::new(ErrorCode::Expired, "The token is unknown or expired; sign in again.").into()
}

/// The refusal of a device whose session has ended.
fn ended(how: Ending) -> Failure {
    match how {
        Ending::SignedOut => expired(),
        Ending::Revoked => {
            Refusal::new(ErrorCode::Revoked, "This device was signed out; wipe what it keeps, and sign in again.")
                .into()
        }
    }
}

/// A device as it tells of itself when it signs in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Newcomer {
    pub(crate) name: String,
    pub(crate) system: String,
    /// Where its address lies.
    pub(crate) region: Region,
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
    devices::add_token(write.connection, &hashes.0, device, TokenKind::Access, write.now + millis(ACCESS))?;
    devices::add_token(write.connection, &hashes.1, device, TokenKind::Refresh, write.now + millis(REFRESH))?;
    Ok(SignedIn { access_token, refresh_token, expires_in_s: ACCESS.as_secs(), agent, desk: desk.to_owned() })
}

fn enter(write: &mut Write<'_>, agent: Agent, device: &Newcomer, desk: &str) -> Outcome<SignedIn> {
    let id = write.new_id();
    let (name, system) = (text::cut(&device.name, 200), text::cut(&device.system, 100));
    devices::add(write.connection, id, agent.id, (&name, &system), write.now)?;
    devices::seen(write.connection, id, &device.region, write.now)?;
    issue(write, agent, id, desk)
}

/// Counts a try at an account as failed, or says how long it has to wait.
pub(crate) fn count(core: &Core, account: &str, address: IpAddr) -> Outcome<()> {
    core.sign_ins
        .begin(account, address, Instant::now())
        .map_err(|left| wait("Too many wrong passwords or codes; wait before the next try.", left))
}

/// Tells the count what came of a try. Asking for the code of a second factor is no failure, and clears none either:
/// whoever knows a password must not guess codes without end.
pub(crate) fn settle<T>(core: &Core, account: &str, tried: &Outcome<T>) {
    match tried {
        Ok(_) => core.sign_ins.succeeded(account),
        Err(Failure::Refused(refused)) if refused.refusal.code == ErrorCode::CodeRequired => {
            core.sign_ins.uncount(account);
        }
        Err(_) => {}
    }
}

fn wrong_password() -> Failure {
    Refusal::new(ErrorCode::WrongPassword, "E-mail or password is wrong.").into()
}

/// An agent whose password was right when it was looked at.
pub(crate) struct Proved {
    agent: Agent,
    hash: String,
}

impl Proved {
    /// The agent as they are now, unless they have another password since, or went out of service: to look at a password
    /// takes its time, and what ends all sessions ends the one that is being begun as well. To be asked by the writer.
    pub(crate) fn still(&self, connection: &Connection) -> Outcome<Agent> {
        let found = agents::find_by_email(connection, &agents::email_key(&self.agent.email))?;
        let same = found.filter(|(agent, hash)| agent.id == self.agent.id && agent.active && *hash == self.hash);
        same.map(|(agent, _)| agent).ok_or_else(wrong_password)
    }
}

/// Whose password it is. Counts the try as failed; [`settle`] takes that back.
pub(crate) async fn prove_password(core: &Core, address: IpAddr, email: &str, password: String) -> Outcome<Proved> {
    if email.chars().count() > 320 || password.chars().count() > 1_000 {
        return Err(Refusal::invalid("password", "too long").into());
    }
    let account = agents::email_key(email);
    count(core, &account, address)?;
    let found = core.readers.read(move |connection| Ok(agents::find_by_email(connection, &account)?)).await?;
    let stored = found.as_ref().map(|(_, hash)| hash.clone());
    let fits = core.passwords.verify(password, stored).await?;
    let found = found.filter(|(agent, _)| fits && agent.active);
    found.map(|(agent, hash)| Proved { agent, hash }).ok_or_else(wrong_password)
}

/// Signs in with e-mail, password and, of an agent who has a second factor, a code.
pub(crate) async fn sign_in(
    core: &Core,
    address: IpAddr,
    email: &str,
    password: String,
    code: String,
    device: Newcomer,
) -> Outcome<SignedIn> {
    let proved = prove_password(core, address, email, password).await?;
    let (id, desk) = (proved.agent.id.0, core.name());
    let entered = core.writer.submit(move |write| {
        let agent = proved.still(write.connection)?;
        second_factor::prove_at_sign_in(write, &agent, address, &desk, &code)?;
        enter(write, agent, &device, &desk)
    });
    let entered = entered.await;
    settle(core, &agents::email_key(email), &entered);
    if entered.is_ok() {
        tracing::info!(agent = id, "an agent signed in");
    }
    entered
}

/// Signs in an agent whom somebody else has vouched for.
pub(crate) async fn sign_in_known(core: &Core, agent: AgentId, device: Newcomer) -> Outcome<SignedIn> {
    let desk = core.name();
    let entered = core.writer.submit(move |write| {
        let agent = agents::find(write.connection, agent)?.filter(|agent| agent.active);
        enter(write, agent.ok_or_else(|| Failure::not_found("agent"))?, &device, &desk)
    });
    entered.await
}

/// Signs an agent in without a password, for a desk inside the agent's own app.
pub(crate) async fn sign_in_locally(core: &Core, agent: AgentId, name: String) -> Outcome<SignedIn> {
    let desk = core.name();
    core.writer
        .submit(move |write| {
            let agent = agents::find(write.connection, agent)?.ok_or_else(|| Failure::not_found("agent"))?;
            // The same computer signs in at every start, and forgets the tokens it had.
            for device in devices::list(write.connection, agent.id)?.iter().filter(|device| device.name == name) {
                devices::end(write.connection, device.id, Ending::SignedOut, write.now)?;
            }
            let region = Region { local: true, ..Region::default() };
            enter(write, agent, &Newcomer { name, region, ..Newcomer::default() }, &desk)
        })
        .await
}

enum Refreshed {
    Fresh(Box<SignedIn>),
    Reused(i64),
}

/// A new pair for a refresh token. A token that comes twice has been stolen, from one side or the other: the whole
/// device is signed out. Only when nobody has used what the token was spent for, its answer may have been lost, and
/// there is another one in its place.
pub(crate) async fn refresh(core: &Core, address: IpAddr, refresh_token: &str) -> Outcome<SignedIn> {
    let hash = tokens::hash(refresh_token);
    let desk = core.name();
    let (region, hub) = (core.geo.region(address), Arc::clone(&core.hub));
    let refreshed = core.writer.submit(move |write| {
        let token = devices::find_token(write.connection, &hash)?
            .filter(|token| token.kind == TokenKind::Refresh)
            .ok_or_else(expired)?;
        let token = good(token, write.now)?;
        if token.spent && token.unanswered.as_deref() != Some(hash.as_slice()) {
            end(write, &hub, vec![token.device], Ending::SignedOut)?;
            return Ok(Refreshed::Reused(token.device));
        }
        devices::spend(write.connection, token.device, &hash, write.now)?;
        devices::seen(write.connection, token.device, &region, write.now)?;
        issue(write, token.agent, token.device, &desk).map(|signed_in| Refreshed::Fresh(Box::new(signed_in)))
    });
    match refreshed.await? {
        Refreshed::Fresh(signed_in) => Ok(*signed_in),
        Refreshed::Reused(device) => {
            tracing::warn!(device, "a refresh token came twice; the device was signed out");
            Err(expired())
        }
    }
}

/// A token that still counts. How its device ended comes before its age: whoever was signed out is told so even after
/// years.
fn good(token: Token, now: Timestamp) -> Outcome<Token> {
    match token.ended {
        Some(how) => Err(ended(how)),
        None if token.expires_at <= now || !token.agent.active => Err(expired()),
        None => Ok(token),
    }
}

/// Signs a device out and closes its sockets.
pub(crate) async fn sign_out(core: &Core, device: i64) -> Outcome<()> {
    let hub = Arc::clone(&core.hub);
    core.writer.submit(move |write| end(write, &hub, vec![device], Ending::SignedOut)).await
}

/// Ends devices: their tokens, and with them their sockets.
pub(crate) fn end(write: &mut Write<'_>, hub: &Arc<Hub>, ended: Vec<i64>, how: Ending) -> Outcome<()> {
    for device in &ended {
        devices::end(write.connection, *device, how, write.now)?;
    }
    let hub = Arc::clone(hub);
    write.then(move || ended.into_iter().for_each(|device| hub.end(device, how)));
    Ok(())
}

/// The same of all devices of an agent but for one. Which they were.
pub(crate) fn end_all(
    write: &mut Write<'_>,
    hub: &Arc<Hub>,
    agent: AgentId,
    except: Option<i64>,
    how: Ending,
) -> Outcome<Vec<i64>> {
    let mut gone = devices::of_agent(write.connection, agent)?;
    gone.retain(|device| Some(*device) != except);
    end(write, hub, gone.clone(), how)?;
    Ok(gone)
}

/// Writes down that a device was heard, for the list of devices.
pub(crate) async fn seen(core: &Core, device: i64, address: IpAddr) {
    let region = core.geo.region(address);
    let noted = core.writer.submit(move |write| Ok(devices::seen(write.connection, device, &region, write.now)?));
    if let Err(failure) = noted.await {
        tracing::warn!(?failure, device, "when a device was seen could not be written down");
    }
}

/// Whose access token it is.
pub(crate) async fn authenticate(core: &Core, access_token: &str) -> Outcome<Identity> {
    let hash = tokens::hash(access_token);
    let found = core.readers.read(move |connection| Ok(devices::find_token(connection, &hash)?)).await?;
    let token = found.filter(|token| token.kind == TokenKind::Access).ok_or_else(expired)?;
    let Token { agent, device, unanswered, .. } = good(token, crate::clock())?;
    if unanswered.is_some() {
        // From here on, whoever shows the spent refresh token has stolen it.
        core.writer.submit(move |write| Ok(devices::answered(write.connection, device)?)).await?;
    }
    Ok(Identity { agent, device })
}

/// Whose visitor's token it is.
pub(crate) async fn authenticate_visitor(core: &Core, token: &str) -> Outcome<Bearer> {
    let hash = tokens::hash(token);
    let read = core.readers.read(move |connection| Ok(visitors::find_by_token(connection, &hash, crate::clock())?));
    let found = read.await?;
    found.ok_or_else(expired)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use deskbell_protocol::{AgentId, Role};
    use tokio::sync::oneshot;

    use super::*;
    use crate::{Desk, Settings};

    const PASSWORD: &str = "correct horse battery";

    /// What comes of a sign-in of Ann's that has found the password right when somebody changes her account.
    async fn signs_in_while(change: fn(&mut Write<'_>, AgentId) -> Outcome<()>) -> Outcome<SignedIn> {
        let directory = tempfile::tempdir().unwrap();
        let desk = Desk::open(Settings { data: directory.path().to_owned(), ..Settings::default() }).unwrap();
        let (core, address) = (desk.core(), "127.0.0.1".parse().unwrap());
        let ann = desk.administer().add_agent("Ann", "ann@desk.example", PASSWORD, Role::Agent).await.unwrap();
        // The writer does the change next, and then what the sign-in comes to.
        let ((begun, has_begun), (go_on, held)) = (oneshot::channel(), std::sync::mpsc::channel::<()>());
        let busy = core.writer.submit(move |_| {
            let _ = begun.send(());
            let _ = held.recv();
            Ok(())
        });
        has_begun.await.unwrap();
        let changed = core.writer.submit(move |write| change(write, ann.id));
        let sign_in =
            sign_in(core, address, "ann@desk.example", PASSWORD.to_owned(), String::new(), Newcomer::default());
        let let_go = async {
            while core.writer.waiting() < 2 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            go_on.send(()).unwrap();
        };
        let (busy, changed, entered, ()) = tokio::join!(busy, changed, sign_in, let_go);
        busy.and(changed).unwrap();
        entered
    }

    #[tokio::test]
    async fn dk_01_a_sign_in_that_was_begun_with_the_old_password_or_in_service_ends_with_it() {
        assert!(signs_in_while(|_, _| Ok(())).await.is_ok());
        let another_password = signs_in_while(|write, ann| {
            let other =
                "$argon2id$v=19$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
            Ok(agents::set_password(write.connection, ann, other)?)
        });
        let out_of_service = signs_in_while(|write, ann| {
            let ann = agents::find(write.connection, ann)?.ok_or_else(|| Failure::not_found("agent"))?;
            Ok(agents::update(write.connection, &Agent { active: false, ..ann })?)
        });
        for entered in [another_password.await, out_of_service.await] {
            assert_eq!(entered.unwrap_err().into_refusal().code, ErrorCode::WrongPassword);
        }
    }
}
