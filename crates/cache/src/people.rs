//! Who answers at a desk: to whom a conversation can be given.

use deskbell_protocol::{Agent, Conversation, Role, Site, SiteId, Team};
use serde::de::DeserializeOwned;

use crate::Cache;
use crate::error::CacheError;
use crate::queries::queries;

queries! {
    KIND = "SELECT data FROM entity WHERE kind = ?1 ORDER BY id";
}

/// Agents and teams who can be given the conversations of a site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answering {
    /// Agents, oldest first.
    pub agents: Vec<Agent>,
    /// Teams of which somebody sees the site, oldest first.
    pub teams: Vec<Team>,
}

/// Whether an agent sees the customers of a site, as the desk decides it.
fn sees(agent: &Agent, site: &Site, teams: &[Team]) -> bool {
    let member = || {
        site.agents.contains(&agent.id)
            || teams.iter().any(|team| site.teams.contains(&team.id) && team.members.contains(&agent.id))
    };
    let everywhere = matches!(agent.role, Role::Owner | Role::Admin | Role::Supervisor) || agent.across_sites;
    agent.active && agent.customer_facing && (everywhere || !site.members_only || member())
}

impl Cache {
    /// To whom the conversations of a site can be given: those who see it, without those who answer nobody.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn answering(&self, site: SiteId) -> Result<Answering, CacheError> {
        let Some(site) = self.site(site)? else { return Ok(Answering::default()) };
        let mut agents: Vec<Agent> = self.all_of("agent")?;
        let mut teams: Vec<Team> = self.all_of("team")?;
        agents.retain(|agent| sees(agent, &site, &teams));
        teams.retain(|team| team.active && agents.iter().any(|agent| team.members.contains(&agent.id)));
        agents.retain(|agent| agent.role != Role::Light);
        Ok(Answering { agents, teams })
    }

    /// Who sees a conversation, oldest first: who can be mentioned in it. Of a site that this computer does not know,
    /// those alone are known who take part.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn seeing(&self, conversation: &Conversation) -> Result<Vec<Agent>, CacheError> {
        let site = if conversation.is_internal() { None } else { self.site(conversation.site)? };
        let teams: Vec<Team> = self.all_of("team")?;
        let mut agents = self.colleagues()?;
        agents.retain(|agent| {
            conversation.participants.contains(&agent.id) || site.as_ref().is_some_and(|site| sees(agent, site, &teams))
        });
        Ok(agents)
    }

    /// Everybody who is there, oldest first: who can be written to, and take part.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn colleagues(&self) -> Result<Vec<Agent>, CacheError> {
        let mut agents: Vec<Agent> = self.all_of("agent")?;
        agents.retain(|agent| agent.active);
        Ok(agents)
    }

    /// Everything of a kind that is kept whole, oldest first.
    pub(crate) fn all_of<T: DeserializeOwned>(&self, kind: &str) -> Result<Vec<T>, CacheError> {
        self.cache().read(|connection| {
            let mut statement = connection.prepare_cached(KIND)?;
            let rows: Vec<String> = statement.query_map([kind], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok(rows.iter().map(|row| serde_json::from_str(row)).collect::<Result<_, _>>()?)
        })
    }
}
