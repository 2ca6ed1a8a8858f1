//! Who may not write.

use std::net::IpAddr;

use deskbell_protocol::http::{Block, Blocked};
use deskbell_protocol::{AgentId, ContactId, Timestamp, VisitorId};
use ipnet::IpNet;
use rusqlite::{Connection, OptionalExtension, Row, params};

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

fn block(row: &Row<'_>) -> rusqlite::Result<Block> {
    let blocked = match (row.get::<_, Option<i64>>(1)?, row.get::<_, Option<String>>(2)?) {
        (Some(contact), _) => Blocked::Contact { contact: ContactId(contact) },
        (None, network) => Blocked::Network { network: network.unwrap_or_default() },
    };
    Ok(Block {
        id: row.get(0)?,
        blocked,
        reason: row.get(3)?,
        created_by: row.get::<_, Option<i64>>(4)?.map(AgentId),
        created_at: row.get(5)?,
        expires_at: row.get(6)?,
    })
}

pub(crate) fn find(connection: &Connection, id: i64) -> rusqlite::Result<Option<Block>> {
    connection.prepare_cached(FIND)?.query_row([id], block).optional()
}

/// Those of now below an id, newest first.
pub(crate) fn page(connection: &Connection, before: i64, now: Timestamp, limit: u32) -> rusqlite::Result<Vec<Block>> {
    connection.prepare_cached(PAGE)?.query_map(params![before, now, limit], block)?.collect()
}

/// Stores a block; `network` is what it says, read.
pub(crate) fn add(connection: &Connection, block: &Block, network: Option<IpNet>) -> rusqlite::Result<()> {
    let contact = match block.blocked {
        Blocked::Contact { contact } => Some(contact.0),
        Blocked::Network { .. } => None,
    };
    let (first, last) = network.map(|network| (bytes(network.network()), bytes(network.broadcast()))).unzip();
    connection.prepare_cached(ADD)?.execute(params![
        block.id,
        contact,
        network.map(|network| network.to_string()),
        first,
        last,
        block.reason,
        block.created_by.map(|agent| agent.0),
        block.created_at,
        block.expires_at
    ])?;
    Ok(())
}

pub(crate) fn drop(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    connection.prepare_cached(DROP)?.execute([id])?;
    Ok(())
}

/// Forgets what is over.
pub(crate) fn drop_expired(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    connection.prepare_cached(DROP_EXPIRED)?.execute([now])?;
    Ok(())
}

/// Whether nobody may write from an address.
pub(crate) fn stops_address(connection: &Connection, address: IpAddr, now: Timestamp) -> rusqlite::Result<bool> {
    connection.prepare_cached(OF_ADDRESS)?.exists(params![bytes(address), now])
}

/// Whether a person may not write.
pub(crate) fn stops_contact(connection: &Connection, contact: ContactId, now: Timestamp) -> rusqlite::Result<bool> {
    connection.prepare_cached(OF_CONTACT)?.exists([contact.0, now])
}

/// Whether a visitor may not write, from where they are or at all.
pub(crate) fn stops(
    connection: &Connection,
    address: IpAddr,
    visitor: VisitorId,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    if stops_address(connection, address, now)? {
        return Ok(true);
    }
    let contact = connection.prepare_cached(CONTACT_OF)?.query_row([visitor.0], |row| row.get(0)).optional()?;
    contact.map_or(Ok(false), |contact| stops_contact(connection, ContactId(contact), now))
}

/// The browsers of a person.
pub(crate) fn visitors(connection: &Connection, contact: ContactId) -> rusqlite::Result<Vec<VisitorId>> {
    connection.prepare_cached(VISITORS)?.query_map([contact.0], |row| row.get(0).map(VisitorId))?.collect()
}

/// What one person was blocked for now blocks another, who turned out to be the same.
pub(crate) fn follow(connection: &Connection, gone: ContactId, stays: ContactId) -> rusqlite::Result<()> {
    connection.prepare_cached(FOLLOW)?.execute([gone.0, stays.0])?;
    Ok(())
}
