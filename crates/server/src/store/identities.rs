//! Who of an identity provider's people is which agent.

use deskbell_protocol::AgentId;
use rusqlite::{Connection, OptionalExtension, params};

use super::queries;

queries! {
    FIND = "SELECT agent FROM agent_identity WHERE issuer = ?1 AND subject = ?2";
    IS_KNOWN = "SELECT 1 FROM agent_identity WHERE agent = ?1 AND issuer = ?2";
    ADD = "INSERT INTO agent_identity (issuer, subject, agent) VALUES (?1, ?2, ?3)";
}

/// The agent who is this person of a provider.
pub(crate) fn find(connection: &Connection, issuer: &str, subject: &str) -> rusqlite::Result<Option<AgentId>> {
    connection.prepare_cached(FIND)?.query_row([issuer, subject], |row| row.get(0).map(AgentId)).optional()
}

/// Whether an agent is known to be somebody of a provider.
pub(crate) fn is_known(connection: &Connection, issuer: &str, agent: AgentId) -> rusqlite::Result<bool> {
    connection.prepare_cached(IS_KNOWN)?.exists(params![agent.0, issuer])
}

pub(crate) fn add(connection: &Connection, issuer: &str, subject: &str, agent: AgentId) -> rusqlite::Result<()> {
    connection.prepare_cached(ADD)?.execute(params![issuer, subject, agent.0])?;
    Ok(())
}
