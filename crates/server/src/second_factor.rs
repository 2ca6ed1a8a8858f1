//! The second factor of an agent's sign-in: codes of an app (RFC 6238) that are taken once, and ten recovery codes for
//! the day the app is lost. Every proof is counted like a password, and by the same count.

use std::net::IpAddr;
use std::sync::Arc;

use deskbell_protocol::http::{RecoveryCodes, SecondFactor, SecondFactorSecret};
use deskbell_protocol::{Agent, AgentId, ErrorCode, Refusal, Role};
use totp_rs::{Builder, Totp};

use crate::accounts::{self, Identity};
use crate::administration::{Administration, refuse};
use crate::authorize::Action;
use crate::desk::Core;
use crate::people::{Actor, only_owners};
use crate::store::batch::Write;
use crate::store::second_factors::{self as store, Stored};
use crate::store::{Failure, Outcome, agents};
use crate::tokens;

/// Recovery codes of one agent.
const RECOVERY_CODES: usize = 10;

/// How an agent's second factor was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// There is none, or it has not been confirmed.
    NotAsked,
    App,
    RecoveryCode,
}

fn failed(error: totp_rs::TotpError) -> Failure {
    tracing::error!(?error, "a second factor cannot be computed");
    Failure::Internal
}

/// What the app computes: six digits, every 30 seconds; a code also counts one step early and one step late.
fn totp(secret: Vec<u8>, agent: &Agent, desk: &str) -> Outcome<Totp> {
    // A colon ends a name in the address that apps read.
    let plain = |name: &str| name.replace(':', " ");
    let named = Builder::new().with_account_name(plain(&agent.email)).with_issuer(Some(plain(desk)));
    named.with_secret(secret).build().map_err(failed)
}

/// A recovery code as people may spell it.
fn recovery_hash(code: &str) -> tokens::Hash {
    let letters: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    tokens::hash(&letters.to_ascii_lowercase())
}

/// Replaces the recovery codes. They are shown this once.
fn new_recovery_codes(write: &Write<'_>, agent: AgentId) -> Outcome<RecoveryCodes> {
    let codes: Vec<String> = std::iter::repeat_with(tokens::recovery_code).take(RECOVERY_CODES).collect();
    store::put_codes(write.connection, agent, codes.iter().map(|code| recovery_hash(code)))?;
    Ok(RecoveryCodes { codes })
}

fn wrong() -> Failure {
    Refusal::new(ErrorCode::CodeWrong, "The code is wrong, or it was used before; wait for the app's next one.").into()
}

/// Takes a code of the app, once.
fn take(write: &Write<'_>, agent: &Agent, stored: Stored, desk: &str, digits: &str) -> Outcome<()> {
    let seconds = u64::try_from(write.now / 1_000).unwrap_or_default();
    let step = totp(stored.secret, agent, desk)?.check(digits, seconds);
    let step = step.and_then(|step| i64::try_from(step).ok()).ok_or_else(wrong)?;
    if store::take_step(write.connection, agent.id, step)? { Ok(()) } else { Err(wrong()) }
}

/// Asks for the second factor of an agent who has one.
fn prove(write: &Write<'_>, agent: &Agent, desk: &str, code: &str) -> Outcome<Proof> {
    let stored = store::find(write.connection, agent.id)?.filter(|stored| stored.confirmed);
    let Some(stored) = stored else { return Ok(Proof::NotAsked) };
    // Apps and people put spaces between digits.
    let code: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
    if code.is_empty() {
        let words = "This agent has a second factor; sign in with a code of the app, or with a recovery code.";
        return Err(Refusal::new(ErrorCode::CodeRequired, words).into());
    }
    if code.bytes().all(|byte| byte.is_ascii_digit()) {
        take(write, agent, stored, desk, &code)?;
        return Ok(Proof::App);
    }
    let spent = store::take_code(write.connection, agent.id, &recovery_hash(&code))?;
    if spent { Ok(Proof::RecoveryCode) } else { Err(wrong()) }
}

/// Asks for the second factor of an agent whose password was right.
pub(crate) fn prove_at_sign_in(
    write: &mut Write<'_>,
    agent: &Agent,
    address: IpAddr,
    desk: &str,
    code: &str,
) -> Outcome<()> {
    if prove(write, agent, desk, code)? == Proof::RecoveryCode {
        let left = store::codes_left(write.connection, agent.id)?;
        Actor::new(agent, address).did(
            write,
            "use recovery code",
            "agent",
            Some(agent.id.0),
            format!("{left} are left"),
        )?;
    }
    Ok(())
}

/// What an agent who is signed in does with their own second factor.
pub(crate) struct Own<'c> {
    pub(crate) core: &'c Arc<Core>,
    pub(crate) agent: Agent,
    pub(crate) address: IpAddr,
}

impl<'c> Own<'c> {
    pub(crate) fn new(core: &'c Arc<Core>, identity: &Identity, address: IpAddr) -> Self {
        Self { core, agent: identity.agent.clone(), address }
    }

    /// Whether a code is asked for, and how many recovery codes are left.
    pub(crate) async fn state(&self) -> Outcome<SecondFactor> {
        let agent = self.agent.id;
        let read = self.core.readers.read(move |connection| {
            let on = store::find(connection, agent)?.is_some_and(|stored| stored.confirmed);
            Ok(SecondFactor { on, recovery_codes: store::codes_left(connection, agent)? })
        });
        read.await
    }

    /// Makes a secret for the app. Nothing is asked for before a code has confirmed it.
    pub(crate) async fn begin(&self, password: String) -> Outcome<SecondFactorSecret> {
        let desk = self.core.name();
        self.with_password(password, move |write, agent, _| {
            if store::find(write.connection, agent.id)?.is_some_and(|stored| stored.confirmed) {
                let words = "The second factor is on; turn it off first.";
                return Err(Refusal::new(ErrorCode::Conflict, words).into());
            }
            let secret: [u8; 20] = rand::random();
            let totp = totp(secret.to_vec(), agent, &desk)?;
            store::put(write.connection, agent.id, &secret)?;
            let address = totp.to_url().map_err(failed)?;
            Ok(SecondFactorSecret { secret: totp.secret().to_base32(), address })
        })
        .await
    }

    /// Turns the second factor on, with a code that shows that the app has the secret.
    pub(crate) async fn confirm(&self, code: String) -> Outcome<RecoveryCodes> {
        let desk = self.core.name();
        let turn_on = self.counted(move |write, agent, actor| {
            let stored = store::find(write.connection, agent.id)?.filter(|stored| !stored.confirmed);
            let stored = stored.ok_or_else(|| Failure::not_found("second factor to confirm"))?;
            take(write, agent, stored, &desk, code.trim())?;
            store::confirm(write.connection, agent.id, write.now)?;
            actor.did(write, "turn on second factor", "agent", Some(agent.id.0), agent.email.clone())?;
            new_recovery_codes(write, agent.id)
        });
        turn_on.await
    }

    /// Makes ten new recovery codes; the old ones are of no use any more.
    pub(crate) async fn renew_codes(&self, password: String, code: String) -> Outcome<RecoveryCodes> {
        let desk = self.core.name();
        self.with_password(password, move |write, agent, actor| {
            must_be_on(prove(write, agent, &desk, &code)?)?;
            actor.did(write, "renew recovery codes", "agent", Some(agent.id.0), agent.email.clone())?;
            new_recovery_codes(write, agent.id)
        })
        .await
    }

    /// Turns the second factor off.
    pub(crate) async fn turn_off(&self, password: String, code: String) -> Outcome<()> {
        let desk = self.core.name();
        self.with_password(password, move |write, agent, actor| {
            must_be_on(prove(write, agent, &desk, &code)?)?;
            store::remove(write.connection, agent.id)?;
            actor.did(write, "turn off second factor", "agent", Some(agent.id.0), agent.email.clone())
        })
        .await
    }

    /// Does what needs the agent's password besides their session.
    async fn with_password<T: Send + 'static>(
        &self,
        password: String,
        work: impl FnOnce(&mut Write<'_>, &Agent, &Actor) -> Outcome<T> + Send + 'static,
    ) -> Outcome<T> {
        let proved = accounts::prove_password(self.core, self.address, &self.agent.email, password).await?;
        let (account, address) = (agents::email_key(&self.agent.email), self.address);
        let done = self.core.writer.submit(move |write| {
            let agent = proved.still(write.connection)?;
            work(write, &agent, &Actor::new(&agent, address))
        });
        let done = done.await;
        accounts::settle(self.core, &account, &done);
        done
    }

    /// Does what is guessed at like a password.
    async fn counted<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Write<'_>, &Agent, &Actor) -> Outcome<T> + Send + 'static,
    ) -> Outcome<T> {
        let agent = self.agent.clone();
        let account = agents::email_key(&agent.email);
        accounts::count(self.core, &account, self.address)?;
        let actor = Actor::new(&agent, self.address);
        let proved = self.core.writer.submit(move |write| work(write, &agent, &actor)).await;
        accounts::settle(self.core, &account, &proved);
        proved
    }
}

fn must_be_on(proof: Proof) -> Outcome<()> {
    match proof {
        Proof::NotAsked => Err(Failure::not_found("second factor")),
        Proof::App | Proof::RecoveryCode => Ok(()),
    }
}

impl Administration {
    /// Takes an agent's second factor away: their app and their recovery codes are lost.
    ///
    /// # Errors
    /// `not_found` when there is no such agent or second factor, or no right to it; `invalid` when it is one's own, or
    /// an owner's and whoever asks is none.
    pub async fn reset_second_factor(&self, agent: AgentId) -> Result<(), Refusal> {
        let actor = self.actor.clone();
        let reset = self.core.writer.submit(move |write| {
            actor.may(write.connection, Action::ManageAgents)?;
            let of = agents::find(write.connection, agent)?.ok_or_else(|| Failure::not_found("agent"))?;
            if actor.is(agent) {
                return Err(Refusal::invalid("agent", "turn your own second factor off with password and code").into());
            }
            if of.role == Role::Owner {
                only_owners(&actor, write)?;
            }
            if !store::remove(write.connection, agent)? {
                return Err(Failure::not_found("second factor"));
            }
            actor.did(write, "reset second factor", "agent", Some(agent.0), of.email)
        });
        reset.await.map_err(refuse)
    }
}
