//! Who works at a desk, and where: agents, teams and the members of sites. Every change is written down with who made it.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use deskbell_protocol::http::{AgentEdit, AuditEntry, Device, NewAgent, SiteEdit, TeamEdit};
use deskbell_protocol::{Agent, AgentId, Assignment, EntityKind, FIELD_MAX, Refusal, Role, Site, SiteId, Team, TeamId};

use crate::accounts::{self, Identity};
use crate::administration::{Administration, origins, refuse};
use crate::assignment;
use crate::authorize::{Action, Object, Principal, answers_visitors, authorize};
use crate::store::batch::Write;
use crate::store::devices::{self, Ending};
use crate::store::{Connection, Failure, Outcome, agents, audit, canned_texts, rights, sites, teams};
use crate::{text, tokens};

/// Shortest password, in characters.
const PASSWORD_MIN: usize = 8;
/// Longest password, in characters.
const PASSWORD_MAX: usize = 1_000;
/// Most members of a team or of a site; a list of them has to fit into a frame.
const MEMBERS_MAX: usize = 1_000;
/// Most entries of one page of the audit log.
const AUDIT_PAGE: u32 = 100;

/// Who changes the desk, and from where.
#[derive(Clone, Debug, Default)]
pub(crate) struct Actor {
    agent: Option<AgentId>,
    name: String,
    address: String,
}

impl Actor {
    /// Whoever can read the desk's files may do everything with them anyway.
    pub(crate) fn command_line() -> Self {
        Self { name: "command line".to_owned(), ..Self::default() }
    }

    /// The desk, of its own accord.
    pub(crate) fn desk() -> Self {
        Self { name: "desk".to_owned(), ..Self::default() }
    }

    /// An identity provider that has vouched for somebody new.
    pub(crate) fn provider(address: IpAddr) -> Self {
        Self { agent: None, name: "identity provider".to_owned(), address: address.to_string() }
    }

    pub(crate) fn new(agent: &Agent, address: IpAddr) -> Self {
        Self { agent: Some(agent.id), name: agent.name.clone(), address: address.to_string() }
    }

    pub(crate) fn agent(identity: &Identity, address: IpAddr) -> Self {
        Self::new(&identity.agent, address)
    }

    /// An agent who sent a command.
    pub(crate) fn by_command(agent: &Agent) -> Self {
        Self { agent: Some(agent.id), name: agent.name.clone(), address: String::new() }
    }

    /// Which agent it is; the command line is none.
    pub(crate) fn id(&self) -> Option<AgentId> {
        self.agent
    }

    /// Whether it is this agent.
    pub(crate) fn is(&self, agent: AgentId) -> bool {
        self.agent == Some(agent)
    }

    /// Asks again inside the transaction: the right may have been lost since the request began.
    pub(crate) fn may(&self, connection: &Connection, action: Action) -> Outcome<()> {
        self.may_with(connection, action, Object::Desk)
    }

    /// The same about something that may be one's own.
    pub(crate) fn may_with(&self, connection: &Connection, action: Action, object: Object) -> Outcome<()> {
        match self.agent {
            Some(agent) => authorize(connection, &Principal::Agent(agent), action, object),
            None => Ok(()),
        }
    }

    /// Writes down what was done.
    pub(crate) fn did(
        &self,
        write: &mut Write<'_>,
        action: &str,
        kind: &str,
        object: Option<i64>,
        detail: String,
    ) -> Outcome<()> {
        let entry = AuditEntry {
            id: write.new_id(),
            at: write.now,
            actor: self.agent,
            actor_name: self.name.clone(),
            address: self.address.clone(),
            action: action.to_owned(),
            kind: kind.to_owned(),
            object,
            detail,
        };
        Ok(audit::add(write.connection, &entry)?)
    }
}

/// Which devices of an agent are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// This one.
    Only(i64),
    /// All, except for one.
    AllBut(Option<i64>),
}

/// A password as people choose it.
pub(crate) fn check_password(password: &str) -> Result<(), Refusal> {
    if (PASSWORD_MIN..=PASSWORD_MAX).contains(&password.chars().count()) {
        return Ok(());
    }
    Err(Refusal::invalid("password", &format!("must have {PASSWORD_MIN} to {PASSWORD_MAX} characters")))
}

/// A sign-in address.
pub(crate) fn check_email(given: &str) -> Result<String, Refusal> {
    let email = text::email(given)?;
    if email.is_empty() { Err(Refusal::invalid("email", "must not be empty")) } else { Ok(email) }
}

pub(crate) fn free_email(write: &Write<'_>, email: &str, of: Option<AgentId>) -> Outcome<()> {
    match agents::find_by_email(write.connection, email)? {
        Some((other, _)) if Some(other.id) != of => {
            Err(Refusal::invalid("email", "another agent has this address").into())
        }
        _ => Ok(()),
    }
}

pub(crate) fn only_owners(actor: &Actor, write: &Write<'_>) -> Outcome<()> {
    actor.may(write.connection, Action::ManageOwners).map_err(|failure| match failure {
        Failure::Refused(_) => Refusal::invalid("role", "only an owner makes an owner or changes one").into(),
        other => other,
    })
}

/// Stores a new agent.
pub(crate) fn hire(write: &mut Write<'_>, actor: &Actor, new: &NewAgent, password_hash: &str) -> Outcome<Agent> {
    free_email(write, &new.email, None)?;
    if new.role == Role::Owner {
        only_owners(actor, write)?;
    }
    let agent = Agent::new(AgentId(write.new_id()), &new.name, &new.email, new.role);
    agents::add(write.connection, &agent, password_hash, write.now)?;
    write.touch(EntityKind::Agent, agent.id.0)?;
    settle(write)?;
    actor.did(write, "add", "agent", Some(agent.id.0), format!("{} {:?}", agent.email, agent.role))?;
    Ok(agent)
}

/// A list of agents who are there, each once.
fn members(write: &Write<'_>, field: &str, given: &[AgentId]) -> Outcome<Vec<AgentId>> {
    if given.len() > MEMBERS_MAX {
        return Err(Refusal::invalid(field, &format!("at most {MEMBERS_MAX}")).into());
    }
    let given: BTreeSet<AgentId> = given.iter().copied().collect();
    for id in &given {
        if agents::find(write.connection, *id)?.is_none() {
            return Err(Refusal::invalid(field, "names an agent who does not exist").into());
        }
    }
    Ok(given.into_iter().collect())
}

/// Stores a team in the place of what was there of it: whoever joins is shown its prepared texts, and whoever leaves
/// forgets them. To be followed by [`settle`].
pub(crate) fn store_team(write: &mut Write<'_>, team: &Team) -> Outcome<()> {
    let before = teams::find(write.connection, team.id)?.map(|team| team.members).unwrap_or_default();
    teams::put(write.connection, team)?;
    write.touch(EntityKind::Team, team.id.0)?;
    canned_texts::members_changed(write, team.id, &before, &team.members)
}

/// Makes true again who sees which site, after a role, a flag, a team or a membership changed. What somebody has and does
/// not see any more is nobody's from then on, and so is what waits for a team of which nobody may answer it.
pub(crate) fn settle(write: &mut Write<'_>) -> Outcome<()> {
    let blind = rights::settle(write)?;
    assignment::let_go_of_lost(write, blind)?;
    assignment::let_go_of_lost_teams(write)
}

fn list(ids: impl IntoIterator<Item = i64>) -> String {
    ids.into_iter().map(|id| id.to_string()).collect::<Vec<_>>().join(",")
}

impl Administration {
    /// Adds an agent. The password has 8 to 1000 characters.
    ///
    /// # Errors
    /// `invalid`, with the field, when a field breaks a rule or the address is taken.
    pub async fn add_agent(&self, name: &str, email: &str, password: &str, role: Role) -> Result<Agent, Refusal> {
        let (name, email) = (text::named("name", name)?, check_email(email)?);
        check_password(password)?;
        let new = NewAgent { name, email, password: String::new(), role };
        let password_hash = self.core.passwords.hash(password.to_owned()).await.map_err(refuse)?;
        let actor = self.actor.clone();
        self.write(move |write| {
            actor.may(write.connection, Action::ManageAgents)?;
            hire(write, &actor, &new, &password_hash)
        })
        .await
    }

    /// Changes an agent; what is left out stays. Nobody is deleted, for messages name them: `active` ends an account,
    /// and its sockets and sessions with it.
    ///
    /// # Errors
    /// `invalid`, with the field, when a field breaks a rule, or when the desk would be without an owner; `not_found`.
    pub async fn edit_agent(&self, id: AgentId, edit: AgentEdit) -> Result<Agent, Refusal> {
        let name = edit.name.as_deref().map(|name| text::named("name", name)).transpose()?;
        let email = edit.email.as_deref().map(check_email).transpose()?;
        let (actor, hub) = (self.actor.clone(), Arc::clone(&self.core.hub));
        self.write(move |write| {
            actor.may(write.connection, Action::ManageAgents)?;
            let before = agents::find(write.connection, id)?.ok_or_else(|| Failure::not_found("agent"))?;
            let after = Agent {
                id,
                name: name.unwrap_or_else(|| before.name.clone()),
                email: email.unwrap_or_else(|| before.email.clone()),
                role: edit.role.unwrap_or(before.role),
                customer_facing: edit.customer_facing.unwrap_or(before.customer_facing),
                across_sites: edit.across_sites.unwrap_or(before.across_sites),
                active: edit.active.unwrap_or(before.active),
                away: edit.away.unwrap_or(before.away),
            };
            if after == before {
                return Ok(before);
            }
            if before.role == Role::Owner || after.role == Role::Owner {
                only_owners(&actor, write)?;
            }
            let owned = before.role == Role::Owner && before.active;
            if owned && !(after.role == Role::Owner && after.active) && !agents::has_other_owner(write.connection, id)?
            {
                let field = if after.active { "role" } else { "active" };
                return Err(Refusal::invalid(field, "the desk needs an owner; make somebody else one first").into());
            }
            free_email(write, &after.email, Some(id))?;
            agents::update(write.connection, &after)?;
            write.touch(EntityKind::Agent, id.0)?;
            settle(write)?;
            if !(after.active && answers_visitors(after.role)) {
                // Also what they see by taking part alone.
                assignment::let_go_of_lost(write, [id])?;
            }
            if !after.active {
                accounts::end_all(write, &hub, id, None, Ending::Revoked)?;
            }
            actor.did(write, "edit", "agent", Some(id.0), changes(&before, &after))?;
            Ok(after)
        })
        .await
    }

    /// Says whether the agent who asks wants no conversations to be given to them.
    ///
    /// # Errors
    /// `not_found` when it is no agent who asks.
    pub async fn set_away(&self, away: bool) -> Result<(), Refusal> {
        let actor = self.actor.clone();
        self.write(move |write| {
            let id = actor.agent.ok_or_else(|| Failure::not_found("agent"))?;
            actor.may(write.connection, Action::SayAvailability)?;
            let before = agents::find(write.connection, id)?.ok_or_else(|| Failure::not_found("agent"))?;
            if before.away != away {
                agents::update(write.connection, &Agent { away, ..before })?;
                write.touch(EntityKind::Agent, id.0)?;
            }
            Ok(())
        })
        .await
    }

    /// Where an agent is signed in, the oldest sign-in first. `current`: the device that asks.
    ///
    /// # Errors
    /// `not_found` when there is no such agent, or no right to know of their devices.
    pub async fn devices(&self, agent: AgentId, current: Option<i64>) -> Result<Vec<Device>, Refusal> {
        let actor = self.actor.clone();
        let read = self.core.readers.read(move |connection| {
            actor.may_with(connection, Action::ReadDevices, Object::Account(agent))?;
            agents::find(connection, agent)?.ok_or_else(|| Failure::not_found("agent"))?;
            Ok(devices::list(connection, agent)?)
        });
        let (mut found, online) = (read.await.map_err(refuse)?, self.core.hub.devices(agent));
        for device in &mut found {
            device.online = online.contains(&device.id);
            device.current = current == Some(device.id);
        }
        Ok(found)
    }

    /// Signs an agent out: on one device, or on all of them but for one. Their sockets close at once, and each wipes
    /// what it keeps as soon as it hears of it. The devices that were signed out.
    ///
    /// # Errors
    /// `not_found` when there is no such agent or device, or no right to it; `invalid` when another owner is concerned
    /// and whoever asks is none.
    pub async fn revoke(&self, agent: AgentId, which: Which) -> Result<Vec<i64>, Refusal> {
        let (actor, hub) = (self.actor.clone(), Arc::clone(&self.core.hub));
        self.write(move |write| {
            actor.may_with(write.connection, Action::RevokeDevices, Object::Account(agent))?;
            let of = agents::find(write.connection, agent)?.ok_or_else(|| Failure::not_found("agent"))?;
            if of.role == Role::Owner && actor.agent != Some(agent) {
                only_owners(&actor, write)?;
            }
            let gone = match which {
                Which::AllBut(except) => accounts::end_all(write, &hub, agent, except, Ending::Revoked)?,
                Which::Only(device) => {
                    if !devices::of_agent(write.connection, agent)?.contains(&device) {
                        return Err(Failure::not_found("device"));
                    }
                    accounts::end(write, &hub, vec![device], Ending::Revoked)?;
                    vec![device]
                }
            };
            for device in &gone {
                actor.did(write, "revoke", "device", Some(*device), of.email.clone())?;
            }
            Ok(gone)
        })
        .await
    }

    /// The agent with an address, in any spelling of case.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn agent_by_email(&self, email: &str) -> Result<Option<Agent>, Refusal> {
        let email = email.to_owned();
        let read = self.core.readers.read(move |connection| Ok(agents::find_by_email(connection, &email)?));
        Ok(read.await.map_err(refuse)?.map(|(agent, _)| agent))
    }

    /// All agents, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn agents(&self) -> Result<Vec<Agent>, Refusal> {
        let read = self.core.readers.read(|connection| {
            let mut found = Vec::new();
            for id in agents::ids(connection)? {
                found.extend(agents::find(connection, AgentId(id))?);
            }
            Ok(found)
        });
        read.await.map_err(refuse)
    }

    /// Adds a team, or changes one; what is left out stays.
    ///
    /// # Errors
    /// `invalid`, with the field, when a field breaks a rule; `not_found`.
    pub async fn put_team(&self, id: Option<TeamId>, edit: TeamEdit) -> Result<Team, Refusal> {
        let name = edit.name.as_deref().map(|name| text::named("name", name)).transpose()?;
        let assignment = edit.assignment.map(assignment::checked).transpose()?;
        let actor = self.actor.clone();
        self.write(move |write| {
            actor.may(write.connection, Action::ManageTeams)?;
            let before = match id {
                Some(id) => teams::find(write.connection, id)?.ok_or_else(|| Failure::not_found("team"))?,
                None => {
                    let (id, assignment) = (TeamId(write.new_id()), Assignment::default());
                    Team { id, name: String::new(), members: Vec::new(), active: true, assignment }
                }
            };
            let team = Team {
                id: before.id,
                name: name.unwrap_or(before.name),
                members: match &edit.members {
                    Some(given) => members(write, "members", given)?,
                    None => before.members,
                },
                active: edit.active.unwrap_or(before.active),
                assignment: assignment.unwrap_or(before.assignment),
            };
            if team.name.is_empty() {
                return Err(Refusal::invalid("name", "must not be empty").into());
            }
            store_team(write, &team)?;
            settle(write)?;
            let Team { name, active, assignment: Assignment { rule, capacity, back_after_s }, .. } = &team;
            let members = list(team.members.iter().map(|id| id.0));
            let detail = format!(
                "name={name} active={active} members={members} rule={rule:?} capacity={capacity} back_after_s={back_after_s}"
            );
            actor.did(write, if id.is_some() { "edit" } else { "add" }, "team", Some(team.id.0), detail)?;
            Ok(team)
        })
        .await
    }

    /// All teams, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn teams(&self) -> Result<Vec<Team>, Refusal> {
        let read = self.core.readers.read(|connection| {
            let mut found = Vec::new();
            for id in teams::ids(connection)? {
                found.extend(teams::find(connection, TeamId(id))?);
            }
            Ok(found)
        });
        read.await.map_err(refuse)
    }

    /// Adds a site. Pages of no other origin may show its widget; an empty list allows none.
    ///
    /// # Errors
    /// `invalid`, with the field, when a field breaks a rule.
    pub async fn add_site(&self, name: &str, allowed: &[String]) -> Result<Site, Refusal> {
        let edit = SiteEdit { name: Some(name.to_owned()), origins: Some(allowed.to_vec()), ..SiteEdit::default() };
        self.put_site(None, edit).await
    }

    /// Adds a site, or changes one; what is left out stays.
    ///
    /// # Errors
    /// `invalid`, with the field, when a field breaks a rule; `not_found`.
    pub async fn put_site(&self, id: Option<SiteId>, edit: SiteEdit) -> Result<Site, Refusal> {
        let name = edit.name.as_deref().map(|name| text::named("name", name)).transpose()?;
        let allowed = edit.origins.as_deref().map(origins).transpose()?;
        let (actor, hub) = (self.actor.clone(), Arc::clone(&self.core.hub));
        self.write_and_tell(move |write| {
            actor.may(write.connection, Action::ManageSites)?;
            let before = match id {
                Some(id) => sites::find(write.connection, id)?.ok_or_else(|| Failure::not_found("site"))?,
                None => Site::new(SiteId(write.new_id()), "", &tokens::random_name()),
            };
            // Whoever is connected has to prove who they are, too.
            let closes = edit.signed_only == Some(true) && !before.signed_only;
            let site = Site {
                id: before.id,
                name: name.unwrap_or(before.name),
                key: before.key,
                origins: allowed.unwrap_or(before.origins),
                members_only: edit.members_only.unwrap_or(before.members_only),
                agents: match &edit.agents {
                    Some(given) => members(write, "agents", given)?,
                    None => before.agents,
                },
                teams: match &edit.teams {
                    Some(given) => known_teams(write, given)?,
                    None => before.teams,
                },
                active: edit.active.unwrap_or(before.active),
                peek: edit.peek.unwrap_or(before.peek),
                signed_only: edit.signed_only.unwrap_or(before.signed_only),
            };
            if site.name.is_empty() {
                return Err(Refusal::invalid("name", "must not be empty").into());
            }
            sites::put(write.connection, &site)?;
            write.touch(EntityKind::Site, site.id.0)?;
            settle(write)?;
            let detail = format!(
                "name={} origins={} members_only={} active={} peek={} signed_only={} agents={} teams={}",
                site.name,
                site.origins.join(","),
                site.members_only,
                site.active,
                site.peek,
                site.signed_only,
                list(site.agents.iter().map(|id| id.0)),
                list(site.teams.iter().map(|id| id.0)),
            );
            actor.did(write, if id.is_some() { "edit" } else { "add" }, "site", Some(site.id.0), detail)?;
            if closes {
                let closed = site.id;
                write.then(move || hub.send_away(|_, of, _| of == closed));
            }
            Ok(site)
        })
        .await
    }

    /// All sites that whoever asks sees or manages, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn sites(&self) -> Result<Vec<Site>, Refusal> {
        let actor = self.actor.clone();
        let read = self.core.readers.read(move |connection| {
            let mut found = Vec::new();
            let all = actor.may(connection, Action::ManageSites).is_ok();
            for id in sites::ids(connection)? {
                let seen = match actor.agent {
                    Some(agent) if !all => rights::sees(connection, agent, SiteId(id))?,
                    _ => true,
                };
                if seen {
                    found.extend(sites::find(connection, SiteId(id))?);
                }
            }
            Ok(found)
        });
        read.await.map_err(refuse)
    }

    /// Replaces the origins whose pages may show a site's widget.
    ///
    /// # Errors
    /// `invalid` when one is not an origin; `not_found` when there is no such site.
    pub async fn set_site_origins(&self, site: SiteId, allowed: &[String]) -> Result<(), Refusal> {
        let edit = SiteEdit { origins: Some(allowed.to_vec()), ..SiteEdit::default() };
        self.put_site(Some(site), edit).await.map(drop)
    }

    /// Who changed what, newest first: entries below `before`, at most `limit` and never more than 100.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn audit(&self, before: Option<i64>, limit: u32) -> Result<Vec<AuditEntry>, Refusal> {
        let limit = limit.clamp(1, AUDIT_PAGE);
        let read =
            self.core.readers.read(move |connection| Ok(audit::page(connection, before.unwrap_or(i64::MAX), limit)?));
        read.await.map_err(refuse)
    }
}

pub(crate) fn known_teams(write: &Write<'_>, given: &[TeamId]) -> Outcome<Vec<TeamId>> {
    if given.len() > MEMBERS_MAX {
        return Err(Refusal::invalid("teams", &format!("at most {MEMBERS_MAX}")).into());
    }
    let given: BTreeSet<TeamId> = given.iter().copied().collect();
    for id in &given {
        if teams::find(write.connection, *id)?.is_none() {
            return Err(Refusal::invalid("teams", "names a team that does not exist").into());
        }
    }
    Ok(given.into_iter().collect())
}

/// What changed in an agent.
fn changes(before: &Agent, after: &Agent) -> String {
    let mut told = Vec::new();
    let mut tell = |field: &str, old: String, new: String| {
        if old != new {
            told.push(format!("{field}: {old} -> {new}"));
        }
    };
    tell("name", before.name.clone(), after.name.clone());
    tell("email", before.email.clone(), after.email.clone());
    tell("role", format!("{:?}", before.role), format!("{:?}", after.role));
    tell("customer_facing", before.customer_facing.to_string(), after.customer_facing.to_string());
    tell("across_sites", before.across_sites.to_string(), after.across_sites.to_string());
    tell("active", before.active.to_string(), after.active.to_string());
    tell("away", before.away.to_string(), after.away.to_string());
    text::cut(&told.join(", "), 4 * FIELD_MAX)
}
