//! Links that make somebody an agent or give an agent a new password. Only the hashes of their tokens are here.

use deskbell_protocol::http::Invitation;
use deskbell_protocol::{AgentId, Timestamp};

use super::agents::{email_key, role_code, role_from};
use super::database::{self, Connection, Row, params};
use super::{Outcome, queries};

queries! {
    ADD_INVITATION = "INSERT OR REPLACE INTO invitation (id, hash, name, email, email_key, role, teams, sites, invited_by,
        created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    FIND_INVITATION = "SELECT id, name, email, role, teams, sites, invited_by, created_at, expires_at FROM invitation
        WHERE hash = ?1 AND expires_at > ?2";
    INVITATIONS_OF_FEW = "SELECT id, name, email, role, teams, sites, invited_by, created_at, expires_at FROM invitation
        WHERE expires_at > ?1 ORDER BY id";
    DROP_INVITATION = "DELETE FROM invitation WHERE id = ?1 RETURNING email";
    DROP_EXPIRED_INVITATIONS_OF_FEW = "DELETE FROM invitation WHERE expires_at <= ?1";
    PUT_PASSWORD_LINK = "INSERT OR REPLACE INTO password_link (agent, hash, made_by, expires_at) VALUES (?1, ?2, ?3, ?4)";
    FIND_PASSWORD_LINK = "SELECT agent, made_by FROM password_link WHERE hash = ?1 AND expires_at > ?2";
    DROP_PASSWORD_LINK = "DELETE FROM password_link WHERE agent = ?1";
}

fn invitation(row: &Row<'_>) -> database::Result<(Invitation, String, String)> {
    let invitation = Invitation {
        id: row.get(0)?,
        name: row.get(1)?,
        email: row.get(2)?,
        role: role_from(row.get(3)?),
        teams: Vec::new(),
        sites: Vec::new(),
        invited_by: row.get::<Option<i64>>(6)?.map(AgentId),
        created_at: row.get(7)?,
        expires_at: row.get(8)?,
    };
    Ok((invitation, row.get(4)?, row.get(5)?))
}

fn whole((invitation, teams, sites): (Invitation, String, String)) -> Outcome<Invitation> {
    Ok(Invitation { teams: serde_json::from_str(&teams)?, sites: serde_json::from_str(&sites)?, ..invitation })
}

/// Stores an invitation in the place of another one to the same address.
pub(crate) fn add_invitation(connection: &Connection, hash: &[u8], invitation: &Invitation) -> Outcome<()> {
    let Invitation { id, name, email, role, teams, sites, invited_by, created_at, expires_at } = invitation;
    connection.change(
        ADD_INVITATION,
        params![
            id,
            hash,
            name,
            email,
            email_key(email),
            role_code(*role),
            serde_json::to_string(teams)?,
            serde_json::to_string(sites)?,
            invited_by.map(|agent| agent.0),
            created_at,
            expires_at
        ],
    )?;
    Ok(())
}

pub(crate) fn find_invitation(connection: &Connection, hash: &[u8], now: Timestamp) -> Outcome<Option<Invitation>> {
    let found = connection.find(FIND_INVITATION, params![hash, now], invitation)?;
    found.map(whole).transpose()
}

/// The invitations that can be used, oldest first.
pub(crate) fn invitations(connection: &Connection, now: Timestamp) -> Outcome<Vec<Invitation>> {
    let rows: Vec<_> = connection.all(INVITATIONS_OF_FEW, params![now], invitation)?;
    rows.into_iter().map(whole).collect()
}

/// Takes an invitation away. The address it was for; `None`: there is no such one.
pub(crate) fn drop_invitation(connection: &Connection, id: i64) -> database::Result<Option<String>> {
    connection.find(DROP_INVITATION, params![id], |row| row.get(0))
}

pub(crate) fn drop_expired_invitations(connection: &Connection, now: Timestamp) -> database::Result<()> {
    connection.change(DROP_EXPIRED_INVITATIONS_OF_FEW, params![now])?;
    Ok(())
}

/// Stores the link to a new password of an agent, in the place of another one.
pub(crate) fn put_password_link(
    connection: &Connection,
    agent: AgentId,
    hash: &[u8],
    made_by: Option<AgentId>,
    expires_at: Timestamp,
) -> database::Result<()> {
    let made_by = made_by.map(|agent| agent.0);
    connection.change(PUT_PASSWORD_LINK, params![agent.0, hash, made_by, expires_at])?;
    Ok(())
}

/// Whose new password a link is for, and who has made it; `None`: the command line.
pub(crate) fn find_password_link(
    connection: &Connection,
    hash: &[u8],
    now: Timestamp,
) -> database::Result<Option<(AgentId, Option<AgentId>)>> {
    connection.find(FIND_PASSWORD_LINK, params![hash, now], |row| {
        Ok((AgentId(row.get(0)?), row.get::<Option<i64>>(1)?.map(AgentId)))
    })
}

pub(crate) fn drop_password_link(connection: &Connection, agent: AgentId) -> database::Result<()> {
    connection.change(DROP_PASSWORD_LINK, params![agent.0])?;
    Ok(())
}
