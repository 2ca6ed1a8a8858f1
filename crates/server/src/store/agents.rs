//! Agents, their devices and tokens.

use deskbell_protocol::{Agent, AgentId, Role, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{queries, search};

queries! {
    FIND = "SELECT id, name, email, role, customer_facing, across_sites, active FROM agent WHERE id = ?1";
    FIND_BY_EMAIL = "SELECT id, name, email, role, customer_facing, across_sites, active, password_hash
        FROM agent WHERE email_key = ?1";
    IDS_OF_FEW = "SELECT id FROM agent ORDER BY id";
    ADD = "INSERT INTO agent (id, name, email, email_key, role, customer_facing, across_sites, active, password_hash,
        created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    UPDATE = "UPDATE agent SET name = ?2, email = ?3, email_key = ?4, role = ?5, customer_facing = ?6,
        across_sites = ?7, active = ?8 WHERE id = ?1";
    OTHER_OWNERS_OF_FEW = "SELECT count(*) FROM agent WHERE role = 2 AND active = 1 AND id <> ?1";
    ADD_DEVICE = "INSERT INTO device (id, agent, name, created_at) VALUES (?1, ?2, ?3, ?4)";
    REVOKE_DEVICE = "UPDATE device SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
    SIGNED_IN_DEVICES = "SELECT id FROM device WHERE agent = ?1 AND revoked_at IS NULL";
    IS_SIGNED_IN = "SELECT 1 FROM device WHERE id = ?1 AND revoked_at IS NULL";
    ADD_TOKEN = "INSERT INTO token (hash, device, kind, expires_at) VALUES (?1, ?2, ?3, ?4)";
    FIND_TOKEN = "SELECT token.kind, token.expires_at, token.spent_at, device.id, device.revoked_at,
        agent.id, agent.name, agent.email, agent.role, agent.customer_facing, agent.across_sites, agent.active
        FROM token JOIN device ON device.id = token.device JOIN agent ON agent.id = device.agent WHERE token.hash = ?1";
    SPEND_TOKEN = "UPDATE token SET spent_at = ?2 WHERE hash = ?1";
    DROP_ACCESS_TOKENS = "DELETE FROM token WHERE device = ?1 AND kind = 0";
    DROP_EXPIRED_TOKENS = "DELETE FROM token WHERE expires_at < ?1";
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

fn agent(row: &Row<'_>, first: usize) -> rusqlite::Result<Agent> {
    Ok(Agent {
        id: AgentId(row.get(first)?),
        name: row.get(first + 1)?,
        email: row.get(first + 2)?,
        role: role_from(row.get(first + 3)?),
        customer_facing: row.get(first + 4)?,
        across_sites: row.get(first + 5)?,
        active: row.get(first + 6)?,
    })
}

pub(crate) fn find(connection: &Connection, id: AgentId) -> rusqlite::Result<Option<Agent>> {
    connection.prepare_cached(FIND)?.query_row([id.0], |row| agent(row, 0)).optional()
}

/// The agent with their password's hash.
pub(crate) fn find_by_email(connection: &Connection, email: &str) -> rusqlite::Result<Option<(Agent, String)>> {
    connection
        .prepare_cached(FIND_BY_EMAIL)?
        .query_row([email_key(email)], |row| Ok((agent(row, 0)?, row.get(7)?)))
        .optional()
}

pub(crate) fn ids(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    connection.prepare_cached(IDS_OF_FEW)?.query_map([], |row| row.get(0))?.collect()
}

pub(crate) fn add(connection: &Connection, agent: &Agent, password_hash: &str, now: Timestamp) -> rusqlite::Result<()> {
    connection.prepare_cached(ADD)?.execute(params![
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
    ])?;
    search::put_agent(connection, agent.id.0, &agent.name)
}

/// Stores what may change in an agent.
pub(crate) fn update(connection: &Connection, agent: &Agent) -> rusqlite::Result<()> {
    connection.prepare_cached(UPDATE)?.execute(params![
        agent.id.0,
        agent.name,
        agent.email,
        email_key(&agent.email),
        role_code(agent.role),
        agent.customer_facing,
        agent.across_sites,
        agent.active
    ])?;
    search::put_agent(connection, agent.id.0, &agent.name)
}

/// Whether somebody else owns the desk too.
pub(crate) fn has_other_owner(connection: &Connection, agent: AgentId) -> rusqlite::Result<bool> {
    connection.prepare_cached(OTHER_OWNERS_OF_FEW)?.query_row([agent.0], |row| Ok(row.get::<_, i64>(0)? > 0))
}

pub(crate) fn add_device(
    connection: &Connection,
    id: i64,
    agent: AgentId,
    name: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    connection.prepare_cached(ADD_DEVICE)?.execute(params![id, agent.0, name, now])?;
    Ok(())
}

/// Ends all tokens of a device.
pub(crate) fn revoke_device(connection: &Connection, id: i64, now: Timestamp) -> rusqlite::Result<()> {
    connection.prepare_cached(REVOKE_DEVICE)?.execute([id, now])?;
    Ok(())
}

/// Ends all tokens of all devices of an agent, but for those of one. The devices.
pub(crate) fn revoke_all(
    connection: &Connection,
    agent: AgentId,
    except: Option<i64>,
    now: Timestamp,
) -> rusqlite::Result<Vec<i64>> {
    let mut statement = connection.prepare_cached(SIGNED_IN_DEVICES)?;
    let found: Vec<i64> = statement.query_map([agent.0], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let gone: Vec<i64> = found.into_iter().filter(|device| Some(*device) != except).collect();
    for device in &gone {
        revoke_device(connection, *device, now)?;
    }
    Ok(gone)
}

/// Whether a device's tokens are still good.
pub(crate) fn is_signed_in(connection: &Connection, device: i64) -> rusqlite::Result<bool> {
    connection.prepare_cached(IS_SIGNED_IN)?.exists([device])
}

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Access,
    Refresh,
}

/// A token as stored.
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) expires_at: Timestamp,
    pub(crate) spent: bool,
    pub(crate) device: i64,
    pub(crate) revoked: bool,
    pub(crate) agent: Agent,
}

pub(crate) fn add_token(
    connection: &Connection,
    hash: &[u8],
    device: i64,
    kind: TokenKind,
    expires_at: Timestamp,
) -> rusqlite::Result<()> {
    connection.prepare_cached(ADD_TOKEN)?.execute(params![
        hash,
        device,
        i64::from(kind == TokenKind::Refresh),
        expires_at
    ])?;
    Ok(())
}

pub(crate) fn find_token(connection: &Connection, hash: &[u8]) -> rusqlite::Result<Option<Token>> {
    connection
        .prepare_cached(FIND_TOKEN)?
        .query_row([hash], |row| {
            Ok(Token {
                kind: if row.get::<_, i64>(0)? == 0 { TokenKind::Access } else { TokenKind::Refresh },
                expires_at: row.get(1)?,
                spent: row.get::<_, Option<i64>>(2)?.is_some(),
                device: row.get(3)?,
                revoked: row.get::<_, Option<i64>>(4)?.is_some(),
                agent: agent(row, 5)?,
            })
        })
        .optional()
}

pub(crate) fn spend_token(connection: &Connection, hash: &[u8], now: Timestamp) -> rusqlite::Result<()> {
    connection.prepare_cached(SPEND_TOKEN)?.execute(params![hash, now])?;
    Ok(())
}

pub(crate) fn drop_access_tokens(connection: &Connection, device: i64) -> rusqlite::Result<()> {
    connection.prepare_cached(DROP_ACCESS_TOKENS)?.execute([device])?;
    Ok(())
}

pub(crate) fn drop_expired_tokens(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    connection.prepare_cached(DROP_EXPIRED_TOKENS)?.execute([now])?;
    Ok(())
}
