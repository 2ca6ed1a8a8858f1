//! Agents' devices and tokens. A device is the family of all tokens that came from one sign-in.

use deskbell_protocol::http::Device;
use deskbell_protocol::{Agent, AgentId, Region, Timestamp};

use super::agents::agent;
use super::database::{self, Connection, params};
use super::queries;

queries! {
    ADD = "INSERT INTO device (id, agent, name, system, created_at, last_seen_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)";
    SEEN = "UPDATE device SET country = ?2, city = ?3, local = ?4, last_seen_at = max(last_seen_at, ?5) WHERE id = ?1";
    END = "UPDATE device SET revoked_at = ?2, wiped = ?3 WHERE id = ?1 AND revoked_at IS NULL";
    NOT_ENDED = "SELECT id FROM device WHERE agent = ?1 AND revoked_at IS NULL ORDER BY id";
    LIST = "SELECT id, name, system, country, city, local, created_at, last_seen_at FROM device
        WHERE agent = ?1 AND revoked_at IS NULL ORDER BY id";
    ENDING = "SELECT revoked_at, wiped FROM device WHERE id = ?1";
    AWAIT_USE = "UPDATE device SET unanswered = ?2 WHERE id = ?1";
    ADD_TOKEN = "INSERT INTO token (hash, device, kind, expires_at) VALUES (?1, ?2, ?3, ?4)";
    FIND_TOKEN = "SELECT token.kind, token.expires_at, token.spent_at, device.id, device.revoked_at, device.wiped,
        device.unanswered, agent.id, agent.name, agent.email, agent.role, agent.customer_facing, agent.across_sites,
        agent.active, agent.away
        FROM token JOIN device ON device.id = token.device JOIN agent ON agent.id = device.agent WHERE token.hash = ?1";
    /// Whichever is not spent yet goes with it: there is one at the most.
    SPEND_REFRESH_TOKENS = "UPDATE token SET spent_at = ?2 WHERE device = ?1 AND kind = 1 AND spent_at IS NULL";
    DROP_ACCESS_TOKENS = "DELETE FROM token WHERE device = ?1 AND kind = 0";
    /// The last refresh token of a device stays until the device has ended: a computer that comes back after years
    /// still has to be told that it was signed out.
    DROP_EXPIRED_TOKENS = "DELETE FROM token WHERE expires_at < ?1 AND NOT (kind = 1 AND spent_at IS NULL
        AND EXISTS (SELECT 1 FROM device WHERE device.id = token.device AND (revoked_at IS NULL OR wiped = 1)))";
}

/// How a device's session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// By itself: it signed out, or one of its tokens came twice.
    SignedOut,
    /// Somebody signed it out from elsewhere: it wipes what it keeps.
    Revoked,
}

fn ending(revoked_at: Option<Timestamp>, wiped: bool) -> Option<Ending> {
    revoked_at.map(|_| if wiped { Ending::Revoked } else { Ending::SignedOut })
}

pub(crate) fn add(
    connection: &Connection,
    id: i64,
    agent: AgentId,
    (name, system): (&str, &str),
    now: Timestamp,
) -> database::Result<()> {
    connection.change(ADD, params![id, agent.0, name, system, now])?;
    Ok(())
}

/// A device was heard from an address of this region.
pub(crate) fn seen(connection: &Connection, id: i64, region: &Region, now: Timestamp) -> database::Result<()> {
    let Region { country, city, local } = region;
    connection.change(SEEN, params![id, country, city, local, now])?;
    Ok(())
}

/// Ends all tokens of a device.
pub(crate) fn end(connection: &Connection, id: i64, how: Ending, now: Timestamp) -> database::Result<()> {
    connection.change(END, params![id, now, how == Ending::Revoked])?;
    Ok(())
}

/// The devices of an agent that have not ended, oldest first.
pub(crate) fn of_agent(connection: &Connection, agent: AgentId) -> database::Result<Vec<i64>> {
    connection.all(NOT_ENDED, params![agent.0], |row| row.get(0))
}

/// The same with all that is known of them. Whether they are there now is the hub's to say.
pub(crate) fn list(connection: &Connection, agent: AgentId) -> database::Result<Vec<Device>> {
    connection.all(LIST, params![agent.0], |row| {
        Ok(Device {
            id: row.get(0)?,
            name: row.get(1)?,
            system: row.get(2)?,
            region: Region { country: row.get(3)?, city: row.get(4)?, local: row.get(5)? },
            signed_in_at: row.get(6)?,
            last_seen_at: row.get(7)?,
            online: false,
            current: false,
        })
    })
}

/// How a device ended. `None`: its tokens are still good.
pub(crate) fn ended(connection: &Connection, device: i64) -> database::Result<Option<Ending>> {
    let found = connection.find(ENDING, params![device], |row| Ok(ending(row.get(0)?, row.get(1)?)))?;
    Ok(found.unwrap_or(Some(Ending::SignedOut)))
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
    pub(crate) ended: Option<Ending>,
    /// The refresh token that was spent last, as long as nobody used what it was spent for.
    pub(crate) unanswered: Option<Vec<u8>>,
    pub(crate) agent: Agent,
}

pub(crate) fn add_token(
    connection: &Connection,
    hash: &[u8],
    device: i64,
    kind: TokenKind,
    expires_at: Timestamp,
) -> database::Result<()> {
    connection.change(ADD_TOKEN, params![hash, device, i64::from(kind == TokenKind::Refresh), expires_at])?;
    Ok(())
}

pub(crate) fn find_token(connection: &Connection, hash: &[u8]) -> database::Result<Option<Token>> {
    connection.find(FIND_TOKEN, params![hash], |row| {
        Ok(Token {
            kind: if row.get::<i64>(0)? == 0 { TokenKind::Access } else { TokenKind::Refresh },
            expires_at: row.get(1)?,
            spent: row.get::<Option<i64>>(2)?.is_some(),
            device: row.get(3)?,
            ended: ending(row.get(4)?, row.get(5)?),
            unanswered: row.get(6)?,
            agent: agent(row, 7)?,
        })
    })
}

/// Spends a device's refresh token and drops its access tokens, to make room for a new pair. `by` is the token that
/// was shown.
pub(crate) fn spend(connection: &Connection, device: i64, by: &[u8], now: Timestamp) -> database::Result<()> {
    connection.change(SPEND_REFRESH_TOKENS, params![device, now])?;
    connection.change(DROP_ACCESS_TOKENS, params![device])?;
    connection.change(AWAIT_USE, params![device, by])?;
    Ok(())
}

/// A device uses its newest access token: the answer with it has arrived.
pub(crate) fn answered(connection: &Connection, device: i64) -> database::Result<()> {
    connection.change(AWAIT_USE, params![device, None::<&[u8]>])?;
    Ok(())
}

pub(crate) fn drop_expired_tokens(connection: &Connection, now: Timestamp) -> database::Result<()> {
    connection.change(DROP_EXPIRED_TOKENS, params![now])?;
    Ok(())
}
