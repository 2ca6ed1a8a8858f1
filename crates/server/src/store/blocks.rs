//! Who may not write.

use std::net::IpAddr;

use deskbell_protocol::http::{Block, Blocked};
use deskbell_protocol::{AgentId, ContactId, Timestamp, VisitorId};
use ipnet::IpNet;

use super::database::{self, Connection, Row, params};
use super::queries;

queries! {
    FIND = "SELECT id, contact, network, reason, created_by, created_at, expires_at FROM block WHERE id = ?1";
    /// Those of now, newest first.
    PAGE = "SELECT id, contact, network, reason, created_by, created_at, expires_at FROM block
        WHERE id < ?1 AND (expires_at IS NULL OR expires_at > ?2) ORDER BY id DESC LIMIT ?3";
    ADD = "INSERT INTO block (id, contact, network, first, last, reason, created_by, created_at, expires_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    DROP = "DELETE FROM block WHERE id = ?1";
    DROP_EXPIRED = "DELETE FROM block WHERE expires_at <= ?1";
    OF_ADDRESS = "SELECT 1 FROM block WHERE first <= ?1 AND last >= ?1 AND (expires_at IS NULL OR expires_at > ?2) LIMIT 1";
    OF_CONTACT = "SELECT 1 FROM block WHERE contact = ?1 AND (expires_at IS NULL OR expires_at > ?2) LIMIT 1";
    CONTACT_OF = "SELECT contact FROM visitor WHERE id = ?1";
    FOLLOW = "UPDATE block SET contact = ?2 WHERE contact = ?1";
    VISITORS = "SELECT id FROM visitor WHERE contact = ?1";
}

/// An address as it is compared: of either kind in the same 16 bytes.
fn bytes(address: IpAddr) -> [u8; 16] {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

fn block(row: &Row<'_>) -> database::Result<Block> {
    let blocked = match (row.get::<Option<i64>>(1)?, row.get::<Option<String>>(2)?) {
        (Some(contact), _) => Blocked::Contact { contact: ContactId(contact) },
        (None, network) => Blocked::Network { network: network.unwrap_or_default() },
    };
    Ok(Block {
        id: row.get(0)?,
        blocked,
        reason: row.get(3)?,
        created_by: row.get::<Option<i64>>(4)?.map(AgentId),
        created_at: row.get(5)?,
        expires_at: row.get(6)?,
    })
}

pub(crate) fn find(connection: &Connection, id: i64) -> database::Result<Option<Block>> {
    connection.find(FIND, params![id], block)
}

/// Those of now below an id, newest first.
pub(crate) fn page(connection: &Connection, before: i64, now: Timestamp, limit: u32) -> database::Result<Vec<Block>> {
    connection.all(PAGE, params![before, now, limit], block)
}

/// Stores a block; `network` is what it says, read.
pub(crate) fn add(connection: &Connection, block: &Block, network: Option<IpNet>) -> database::Result<()> {
    let contact = match block.blocked {
        Blocked::Contact { contact } => Some(contact.0),
        Blocked::Network { .. } => None,
    };
    let (first, last) = network.map(|network| (bytes(network.network()), bytes(network.broadcast()))).unzip();
    connection.change(
        ADD,
        params![
            block.id,
            contact,
            network.map(|network| network.to_string()),
            first,
            last,
            block.reason,
            block.created_by.map(|agent| agent.0),
            block.created_at,
            block.expires_at
        ],
    )?;
    Ok(())
}

pub(crate) fn drop(connection: &Connection, id: i64) -> database::Result<()> {
    connection.change(DROP, params![id])?;
    Ok(())
}

/// Forgets what is over.
pub(crate) fn drop_expired(connection: &Connection, now: Timestamp) -> database::Result<()> {
    connection.change(DROP_EXPIRED, params![now])?;
    Ok(())
}

/// Whether nobody may write from an address.
pub(crate) fn stops_address(connection: &Connection, address: IpAddr, now: Timestamp) -> database::Result<bool> {
    connection.has(OF_ADDRESS, params![bytes(address), now])
}

/// Whether a person may not write.
pub(crate) fn stops_contact(connection: &Connection, contact: ContactId, now: Timestamp) -> database::Result<bool> {
    connection.has(OF_CONTACT, params![contact.0, now])
}

/// Whether a visitor may not write, from where they are or at all.
pub(crate) fn stops(
    connection: &Connection,
    address: IpAddr,
    visitor: VisitorId,
    now: Timestamp,
) -> database::Result<bool> {
    if stops_address(connection, address, now)? {
        return Ok(true);
    }
    let contact = connection.find(CONTACT_OF, params![visitor.0], |row| row.get(0))?;
    contact.map_or(Ok(false), |contact| stops_contact(connection, ContactId(contact), now))
}

/// The browsers of a person.
pub(crate) fn visitors(connection: &Connection, contact: ContactId) -> database::Result<Vec<VisitorId>> {
    connection.all(VISITORS, params![contact.0], |row| row.get(0).map(VisitorId))
}

/// What one person was blocked for now blocks another, who turned out to be the same.
pub(crate) fn follow(connection: &Connection, gone: ContactId, stays: ContactId) -> database::Result<()> {
    connection.change(FOLLOW, params![gone.0, stays.0])?;
    Ok(())
}
