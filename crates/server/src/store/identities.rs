//! Who of an identity provider's people is which agent.

use deskbell_protocol::AgentId;

use super::database::{self, Connection, params};
use super::queries;

queries! {
    FIND = "SELECT agent FROM agent_identity WHERE issuer = ?1 AND subject = ?2";
    IS_KNOWN = "SELECT 1 FROM agent_identity WHERE agent = ?1 AND issuer = ?2";
    ADD = "INSERT INTO agent_identity (issuer, subject, agent) VALUES (?1, ?2, ?3)";
}

/// The agent who is this person of a provider.
pub(crate) fn find(connection: &Connection, issuer: &str, subject: &str) -> database::Result<Option<AgentId>> {
    connection.find(FIND, params![issuer, subject], |row| row.get(0).map(AgentId))
}

/// Whether an agent is known to be somebody of a provider.
pub(crate) fn is_known(connection: &Connection, issuer: &str, agent: AgentId) -> database::Result<bool> {
    connection.has(IS_KNOWN, params![agent.0, issuer])
}

pub(crate) fn add(connection: &Connection, issuer: &str, subject: &str, agent: AgentId) -> database::Result<()> {
    connection.change(ADD, params![issuer, subject, agent.0])?;
    Ok(())
}
