//! Second factors of agents: the secret that an app makes codes of, and the hashes of recovery codes.

use deskbell_protocol::{AgentId, Timestamp};

use super::database::{self, Connection, params};
use super::queries;

queries! {
    FIND = "SELECT secret, confirmed_at FROM second_factor WHERE agent = ?1";
    PUT = "INSERT OR REPLACE INTO second_factor (agent, secret) VALUES (?1, ?2)";
    CONFIRM = "UPDATE second_factor SET confirmed_at = ?2 WHERE agent = ?1";
    TAKE_STEP = "UPDATE second_factor SET last_step = ?2 WHERE agent = ?1 AND last_step < ?2";
    DROP = "DELETE FROM second_factor WHERE agent = ?1";
    ADD_CODE = "INSERT INTO recovery_code (agent, hash) VALUES (?1, ?2)";
    TAKE_CODE = "DELETE FROM recovery_code WHERE agent = ?1 AND hash = ?2";
    DROP_CODES = "DELETE FROM recovery_code WHERE agent = ?1";
    COUNT_CODES = "SELECT count(*) FROM recovery_code WHERE agent = ?1";
}

/// A second factor as stored.
pub(crate) struct Stored {
    pub(crate) secret: Vec<u8>,
    /// A code is asked for.
    pub(crate) confirmed: bool,
}

pub(crate) fn find(connection: &Connection, agent: AgentId) -> database::Result<Option<Stored>> {
    connection.find(FIND, params![agent.0], |row| {
        Ok(Stored { secret: row.get(0)?, confirmed: row.get::<Option<Timestamp>>(1)?.is_some() })
    })
}

/// Stores a secret that has to be confirmed, in the place of any other.
pub(crate) fn put(connection: &Connection, agent: AgentId, secret: &[u8]) -> database::Result<()> {
    connection.change(PUT, params![agent.0, secret])?;
    Ok(())
}

pub(crate) fn confirm(connection: &Connection, agent: AgentId, now: Timestamp) -> database::Result<()> {
    connection.change(CONFIRM, params![agent.0, now])?;
    Ok(())
}

/// Spends the code of a step, and of all before it. False: it was spent.
pub(crate) fn take_step(connection: &Connection, agent: AgentId, step: i64) -> database::Result<bool> {
    Ok(connection.change(TAKE_STEP, params![agent.0, step])? == 1)
}

/// Spends a recovery code. False: there is no such one.
pub(crate) fn take_code(connection: &Connection, agent: AgentId, hash: &[u8]) -> database::Result<bool> {
    Ok(connection.change(TAKE_CODE, params![agent.0, hash])? == 1)
}

/// Replaces all recovery codes.
pub(crate) fn put_codes(
    connection: &Connection,
    agent: AgentId,
    hashes: impl IntoIterator<Item = [u8; 32]>,
) -> database::Result<()> {
    connection.change(DROP_CODES, params![agent.0])?;
    for hash in hashes {
        connection.change(ADD_CODE, params![agent.0, hash])?;
    }
    Ok(())
}

/// Recovery codes that are left.
pub(crate) fn codes_left(connection: &Connection, agent: AgentId) -> database::Result<u32> {
    connection.one(COUNT_CODES, params![agent.0], |row| row.get(0))
}

/// Takes the second factor away, with its recovery codes. False: there was none.
pub(crate) fn remove(connection: &Connection, agent: AgentId) -> database::Result<bool> {
    put_codes(connection, agent, [])?;
    Ok(connection.change(DROP, params![agent.0])? == 1)
}
