//! Links that are handed on: one makes whoever opens it an agent, another one gives an agent a new password. Each works
//! once and for a limited time, and a link that does not is "not found", whatever the reason.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deskbell_protocol::http::{
    Invitation, Invited, LinkKind, LinkSeen, LinkUse, NewAgent, NewInvitation, PasswordLink,
};
use deskbell_protocol::{Agent, AgentId, EntityKind, Refusal, Role, Timestamp};

use crate::accounts;
use crate::administration::{Administration, refuse};
use crate::authorize::Action;
use crate::desk::Core;
use crate::hub::Hub;
use crate::people::{Actor, check_email, check_password, free_email, hire, known_teams, only_owners};
use crate::second_factor::Own;
use crate::store::batch::Write;
use crate::store::devices::Ending;
use crate::store::{Connection, Failure, Outcome, agents, links as store, sites, teams};
use crate::{people, text, tokens};

/// Life of an invitation.
const INVITATION: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Life of a link to a new password.
const NEW_PASSWORD: Duration = Duration::from_secs(60 * 60);
/// Most invitations that wait to be used.
const INVITATIONS_MAX: usize = 500;

fn after(now: Timestamp, life: Duration) -> Timestamp {
    now.saturating_add(i64::try_from(life.as_millis()).unwrap_or(i64::MAX))
}

/// The address to hand on. The token stands behind `#`, which browsers send to nobody. Without a public origin it
/// begins at the root of whatever address the desk is reached under.
fn address(core: &Core, token: &str) -> String {
    format!("{}/link#{token}", core.settings.public_origin.as_deref().unwrap_or_default())
}

/// What a link is for.
enum Opened {
    /// With whoever has invited them.
    Invitation(Invitation, Actor),
    NewPassword(Agent),
}

fn dead() -> Failure {
    Failure::not_found("link, or not any more")
}

fn find(connection: &Connection, token: &tokens::Hash, now: Timestamp, address: IpAddr) -> Outcome<Opened> {
    if let Some(invitation) = store::find_invitation(connection, token, now)? {
        let inviter = maker(connection, invitation.invited_by, invitation.role, address)?;
        return Ok(Opened::Invitation(invitation, inviter));
    }
    let (agent, made_by) = store::find_password_link(connection, token, now)?.ok_or_else(dead)?;
    let agent = agents::find(connection, agent)?.filter(|agent| agent.active).ok_or_else(dead)?;
    maker(connection, made_by, agent.role, address)?;
    Ok(Opened::NewPassword(agent))
}

/// Whoever has made a link, who must still be allowed to do what it does to somebody of this role.
fn maker(connection: &Connection, made_by: Option<AgentId>, of: Role, address: IpAddr) -> Outcome<Actor> {
    let Some(agent) = made_by else { return Ok(Actor::command_line()) };
    let maker = Actor::new(&agents::find(connection, agent)?.ok_or_else(dead)?, address);
    let may = |action| {
        maker.may(connection, action).map_err(|failure| match failure {
            Failure::Refused(_) => dead(),
            other => other,
        })
    };
    may(Action::ManageAgents)?;
    if of == Role::Owner {
        may(Action::ManageOwners)?;
    }
    Ok(maker)
}

/// Whoever guesses at links has to wait like whoever guesses at passwords.
pub(crate) fn count(core: &Core, address: IpAddr) -> Outcome<()> {
    core.sign_ins
        .begin_unnamed(address, Instant::now())
        .map_err(|left| accounts::wait("Too many tries from this network; wait before the next one.", left))
}

/// What a link is for, to be shown to whoever has opened it.
pub(crate) async fn look(core: &Core, address: IpAddr, token: &str) -> Outcome<LinkSeen> {
    count(core, address)?;
    let (hash, now, desk) = (tokens::hash(token), crate::clock(), core.name());
    let read = core.readers.read(move |connection| {
        Ok(match find(connection, &hash, now, address)? {
            Opened::Invitation(Invitation { name, email, .. }, _) => {
                LinkSeen { kind: LinkKind::Invitation, desk, name, email }
            }
            Opened::NewPassword(Agent { name, email, .. }) => {
                LinkSeen { kind: LinkKind::NewPassword, desk, name, email }
            }
        })
    });
    read.await
}

/// Uses a link up.
pub(crate) async fn open(core: &Core, address: IpAddr, used: LinkUse) -> Outcome<()> {
    count(core, address)?;
    let LinkUse { token, name, password } = used;
    let (hash, now) = (tokens::hash(&token), crate::clock());
    // Nobody has passwords hashed here who has no link.
    core.readers.read(move |connection| find(connection, &hash, now, address).map(drop)).await?;
    check_password(&password)?;
    let name = if name.trim().is_empty() { None } else { Some(text::named("name", &name)?) };
    let password = core.passwords.hash(password).await?;
    let hub = Arc::clone(&core.hub);
    let used = core.writer.submit(move |write| match find(write.connection, &hash, write.now, address)? {
        Opened::Invitation(invitation, inviter) => join(write, invitation, &inviter, name, &password, address),
        Opened::NewPassword(agent) => {
            set_password(write, &hub, agent.id, &password, None)?;
            Actor::new(&agent, address).did(write, "use password link", "agent", Some(agent.id.0), agent.email)
        }
    });
    used.await
}

/// Makes whoever was invited an agent. It counts as done by whoever has invited them.
fn join(
    write: &mut Write<'_>,
    invitation: Invitation,
    inviter: &Actor,
    name: Option<String>,
    password_hash: &str,
    address: IpAddr,
) -> Outcome<()> {
    let Invitation { id, email, role, teams, sites, .. } = invitation;
    let name = Some(name.unwrap_or(invitation.name)).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Refusal::invalid("name", "must not be empty"))?;
    store::drop_invitation(write.connection, id)?;
    let new = NewAgent { name, email, password: String::new(), role };
    let agent = hire(write, inviter, &new, password_hash)?;
    for id in teams {
        if let Some(mut team) = teams::find(write.connection, id)? {
            team.members.push(agent.id);
            people::store_team(write, &team)?;
        }
    }
    for id in sites {
        if let Some(mut site) = sites::find(write.connection, id)? {
            site.agents.push(agent.id);
            sites::put(write.connection, &site)?;
            write.touch(EntityKind::Site, id.0)?;
        }
    }
    people::settle(write)?;
    Actor::new(&agent, address).did(write, "use invitation", "agent", Some(agent.id.0), agent.email.clone())
}

/// Stores a new password and ends all sessions, but for one.
fn set_password(write: &mut Write<'_>, hub: &Arc<Hub>, agent: AgentId, hash: &str, except: Option<i64>) -> Outcome<()> {
    agents::set_password(write.connection, agent, hash)?;
    store::drop_password_link(write.connection, agent)?;
    accounts::end_all(write, hub, agent, except, Ending::SignedOut).map(drop)
}

impl Own<'_> {
    /// Replaces the agent's password and ends all their sessions but the one at hand.
    pub(crate) async fn change_password(&self, old: String, new: String, device: i64) -> Outcome<()> {
        check_password(&new)?;
        let proved = accounts::prove_password(self.core, self.address, &self.agent.email, old).await?;
        let (account, address) = (agents::email_key(&self.agent.email), self.address);
        let password = self.core.passwords.hash(new).await?;
        let hub = Arc::clone(&self.core.hub);
        let changed = self.core.writer.submit(move |write| {
            let agent = proved.still(write.connection)?;
            set_password(write, &hub, agent.id, &password, Some(device))?;
            Actor::new(&agent, address).did(write, "change password", "agent", Some(agent.id.0), agent.email)
        });
        let changed = changed.await;
        accounts::settle(self.core, &account, &changed);
        changed
    }
}

impl Administration {
    /// Invites somebody to be an agent: the link is shown this once, works once, and for seven days. Another one to the
    /// same address is of no use from then on.
    ///
    /// # Errors
    /// `invalid`, with the field, when a field breaks a rule or an agent has the address.
    pub async fn invite(&self, new: NewInvitation) -> Result<Invited, Refusal> {
        let NewInvitation { name, email, role, teams, sites } = new;
        let (name, email) = (text::field("name", &name, deskbell_protocol::FIELD_MAX)?, check_email(&email)?);
        let token = tokens::secret();
        let (actor, hash) = (self.actor.clone(), tokens::hash(&token));
        let invitation = self
            .write(move |write| {
                actor.may(write.connection, Action::ManageAgents)?;
                free_email(write, &email, None)?;
                if role == Role::Owner {
                    only_owners(&actor, write)?;
                }
                if store::invitations(write.connection, write.now)?.len() >= INVITATIONS_MAX {
                    let rule = format!("at most {INVITATIONS_MAX} invitations may wait; revoke some first");
                    return Err(Refusal::invalid("email", &rule).into());
                }
                for site in &sites {
                    if sites::find(write.connection, *site)?.is_none() {
                        return Err(Refusal::invalid("sites", "names a site that does not exist").into());
                    }
                }
                let invitation = Invitation {
                    id: write.new_id(),
                    name,
                    email,
                    role,
                    teams: known_teams(write, &teams)?,
                    sites,
                    invited_by: actor.id(),
                    created_at: write.now,
                    expires_at: after(write.now, INVITATION),
                };
                store::add_invitation(write.connection, &hash, &invitation)?;
                let detail = format!("{} {role:?}", invitation.email);
                actor.did(write, "add", "invitation", Some(invitation.id), detail)?;
                Ok(invitation)
            })
            .await?;
        Ok(Invited { invitation, link: address(&self.core, &token) })
    }

    /// The invitations that nobody has used yet, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn invitations(&self) -> Result<Vec<Invitation>, Refusal> {
        let now = crate::clock();
        self.core.readers.read(move |connection| store::invitations(connection, now)).await.map_err(refuse)
    }

    /// Makes the link of an invitation useless.
    ///
    /// # Errors
    /// `not_found` when there is no such invitation, or it was used.
    pub async fn revoke_invitation(&self, id: i64) -> Result<(), Refusal> {
        let actor = self.actor.clone();
        self.write(move |write| {
            actor.may(write.connection, Action::ManageAgents)?;
            let email = store::drop_invitation(write.connection, id)?;
            let email = email.ok_or_else(|| Failure::not_found("invitation"))?;
            actor.did(write, "revoke", "invitation", Some(id), email)
        })
        .await
    }

    /// Makes a link with which an agent sets a new password: it is shown this once, works once, and for an hour. Another
    /// one of the same agent is of no use from then on.
    ///
    /// # Errors
    /// `not_found` when there is no such agent in service, or no right to it; `invalid` when it is an owner and whoever
    /// asks is none.
    pub async fn password_link(&self, id: AgentId) -> Result<PasswordLink, Refusal> {
        let token = tokens::secret();
        let (actor, hash) = (self.actor.clone(), tokens::hash(&token));
        let expires_at = self
            .write(move |write| {
                actor.may(write.connection, Action::ManageAgents)?;
                let agent = agents::find(write.connection, id)?.filter(|agent| agent.active);
                let agent = agent.ok_or_else(|| Failure::not_found("agent"))?;
                if agent.role == Role::Owner {
                    only_owners(&actor, write)?;
                }
                let expires_at = after(write.now, NEW_PASSWORD);
                store::put_password_link(write.connection, id, &hash, actor.id(), expires_at)?;
                actor.did(write, "make password link", "agent", Some(id.0), agent.email)?;
                Ok(expires_at)
            })
            .await?;
        Ok(PasswordLink { link: address(&self.core, &token), expires_at })
    }
}
