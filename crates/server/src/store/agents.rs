//! Agents.

use deskbell_protocol::{Agent, AgentId, Role, Timestamp};

use super::database::{self, Connection, Row, params};
use super::{queries, search};

queries! {
    FIND = "SELECT id, name, email, role, customer_facing, across_sites, active, away FROM agent WHERE id = ?1";
    FIND_BY_EMAIL = "SELECT id, name, email, role, customer_facing, across_sites, active, away, password_hash
        FROM agent WHERE email_key = ?1";
    IDS_OF_FEW = "SELECT id FROM agent ORDER BY id";
    ADD = "INSERT INTO agent (id, name, email, email_key, role, customer_facing, across_sites, active, password_hash,
        created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    UPDATE = "UPDATE agent SET name = ?2, email = ?3, email_key = ?4, role = ?5, customer_facing = ?6,
        across_sites = ?7, active = ?8, away = ?9 WHERE id = ?1";
    SET_PASSWORD = "UPDATE agent SET password_hash = ?2 WHERE id = ?1";
    OTHER_OWNERS_OF_FEW = "SELECT count(*) FROM agent WHERE role = 2 AND active = 1 AND id <> ?1";
}

/// The address as it is compared: two spellings of one address are one agent.
pub(crate) fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}

/// How the database names a role. The numbers are for ever.
pub(crate) fn role_code(role: Role) -> i64 {
    match role {
        Role::Agent => 0,
        Role::Admin => 1,
        Role::Owner => 2,
        Role::Supervisor => 3,
        Role::Light => 4,
    }
}

/// See [`role_code`]. What this version does not know may do the least.
pub(in crate::store) fn role_from(code: i64) -> Role {
    match code {
        0 => Role::Agent,
        1 => Role::Admin,
        2 => Role::Owner,
        3 => Role::Supervisor,
        _ => Role::Light,
    }
}

/// An agent whose columns begin at `first`, in the order of [`FIND`].
pub(in crate::store) fn agent(row: &Row<'_>, first: usize) -> database::Result<Agent> {
    Ok(Agent {
        id: AgentId(row.get(first)?),
        name: row.get(first + 1)?,
        email: row.get(first + 2)?,
        role: role_from(row.get(first + 3)?),
        customer_facing: row.get(first + 4)?,
        across_sites: row.get(first + 5)?,
        active: row.get(first + 6)?,
        away: row.get(first + 7)?,
    })
}

pub(crate) fn find(connection: &Connection, id: AgentId) -> database::Result<Option<Agent>> {
    connection.find(FIND, params![id.0], |row| agent(row, 0))
}

/// The agent with their password's hash.
pub(crate) fn find_by_email(connection: &Connection, email: &str) -> database::Result<Option<(Agent, String)>> {
    connection.find(FIND_BY_EMAIL, params![email_key(email)], |row| Ok((agent(row, 0)?, row.get(8)?)))
}

pub(crate) fn ids(connection: &Connection) -> database::Result<Vec<i64>> {
    connection.all(IDS_OF_FEW, params![], |row| row.get(0))
}

pub(crate) fn add(connection: &Connection, agent: &Agent, password_hash: &str, now: Timestamp) -> database::Result<()> {
    connection.change(
        ADD,
        params![
            agent.id.0,
            agent.name,
            agent.email,
            email_key(&agent.email),
            role_code(agent.role),
            agent.customer_facing,
            agent.across_sites,
            agent.active,
            password_hash,
            now
        ],
    )?;
    search::put_agent(connection, agent.id.0, &agent.name)
}

/// Stores what may change in an agent.
pub(crate) fn update(connection: &Connection, agent: &Agent) -> database::Result<()> {
    connection.change(
        UPDATE,
        params![
            agent.id.0,
            agent.name,
            agent.email,
            email_key(&agent.email),
            role_code(agent.role),
            agent.customer_facing,
            agent.across_sites,
            agent.active,
            agent.away
        ],
    )?;
    search::put_agent(connection, agent.id.0, &agent.name)
}

/// Stores the hash of a new password.
pub(crate) fn set_password(connection: &Connection, id: AgentId, password_hash: &str) -> database::Result<()> {
    connection.change(SET_PASSWORD, params![id.0, password_hash])?;
    Ok(())
}

/// Whether somebody else owns the desk too.
pub(crate) fn has_other_owner(connection: &Connection, agent: AgentId) -> database::Result<bool> {
    connection.one(OTHER_OWNERS_OF_FEW, params![agent.0], |row| Ok(row.get::<i64>(0)? > 0))
}
