//! Persons who turned out to be one.

use deskbell_protocol::{ContactId, ConversationId, ItemId, Timestamp, VisitorId};

use super::database::{self, Connection, params};
use super::{items, queries};

queries! {
    STAYS = "SELECT stays FROM merged WHERE contact = ?1";
    MERGE = "INSERT INTO merged (contact, stays) VALUES (?1, ?2)";
    FOLLOW = "UPDATE merged SET stays = ?2 WHERE stays = ?1";
    VISITORS = "SELECT id FROM visitor WHERE contact = ?1";
    CONVERSATIONS = "SELECT id FROM conversation WHERE contact = ?1";
    MOVE_VISITORS = "UPDATE visitor SET contact = ?2 WHERE contact = ?1";
    MOVE_CONVERSATIONS = "UPDATE conversation SET contact = ?2 WHERE contact = ?1";
    MOVE_ITEMS = "UPDATE item SET contact = ?2 WHERE contact = ?1";
    MOVE_DELIVERIES = "UPDATE webhook_delivery SET contact = ?2 WHERE contact = ?1";
    KNOWN_SINCE = "UPDATE contact SET created_at = min(created_at, ?2) WHERE id = ?1";
}

/// Who is meant by an id: after a merge, the one that stays.
pub(crate) fn resolve(connection: &Connection, id: ContactId) -> database::Result<ContactId> {
    let stays = connection.find(STAYS, params![id.0], |row| row.get(0).map(ContactId))?;
    Ok(stays.unwrap_or(id))
}

/// What moved from one person to another.
pub(crate) struct Moved {
    pub(crate) visitors: Vec<VisitorId>,
    pub(crate) conversations: Vec<ConversationId>,
    pub(crate) items: Vec<ItemId>,
}

/// Moves browsers, conversations and items, and lets the old id mean the new one. The row of the old one is the caller's.
pub(crate) fn merge(
    connection: &Connection,
    gone: ContactId,
    stays: ContactId,
    known_since: Timestamp,
) -> database::Result<Moved> {
    let (from, to) = (gone.0, stays.0);
    let visitors = connection.all(VISITORS, params![from], |row| row.get(0).map(VisitorId))?;
    let conversations = connection.all(CONVERSATIONS, params![from], |row| row.get(0).map(ConversationId))?;
    let items = items::of_contact(connection, gone)?.into_iter().map(|item| item.id).collect();
    for sql in [MOVE_VISITORS, MOVE_CONVERSATIONS, MOVE_ITEMS, MOVE_DELIVERIES, FOLLOW, MERGE] {
        connection.change(sql, params![from, to])?;
    }
    connection.change(KNOWN_SINCE, params![to, known_since])?;
    Ok(Moved { visitors, conversations, items })
}
