//! Reads any entity by kind and id.

use deskbell_protocol::{AgentId, Entity, EntityKind, ItemId, SiteId};

use super::database::{self, Connection, params};
use super::{Outcome, agents, canned_texts, conversations, items, queries, sites, teams, visitors};

queries! {
    SITE_OF_CONVERSATION = "SELECT site FROM conversation WHERE id = ?1";
    SITE_OF_MESSAGE = "SELECT conversation.site FROM message JOIN conversation ON conversation.id = message.conversation
        WHERE message.id = ?1";
    SITE_OF_ITEM = "SELECT site FROM item WHERE id = ?1";
}

/// The site of which nobody sees anything.
const NOWHERE: SiteId = SiteId(0);

/// The site whose members alone may see an entity. `None`: every agent may.
pub(crate) fn site_of(connection: &Connection, kind: EntityKind, id: i64) -> database::Result<Option<SiteId>> {
    let by = |sql| -> database::Result<Option<SiteId>> {
        let site = connection.find(sql, params![id], |row| row.get::<Option<i64>>(0))?;
        Ok(site.flatten().map(SiteId))
    };
    let site = match kind {
        EntityKind::Agent | EntityKind::CannedText | EntityKind::Team | EntityKind::Unknown => return Ok(None),
        EntityKind::Site => Some(SiteId(id)),
        EntityKind::Contact => visitors::site_of_contact(connection, id.into())?,
        EntityKind::Visitor => visitors::site_of(connection, id.into())?,
        EntityKind::Conversation | EntityKind::ReadMark => by(SITE_OF_CONVERSATION)?,
        EntityKind::Message => by(SITE_OF_MESSAGE)?,
        // One that is about no conversation yet is the whole team's.
        EntityKind::Item => return by(SITE_OF_ITEM),
    };
    Ok(Some(site.unwrap_or(NOWHERE)))
}

/// How the log stores a kind. The numbers are for ever.
pub(crate) fn kind_code(kind: EntityKind) -> i64 {
    match kind {
        EntityKind::Unknown => 0,
        EntityKind::Agent => 1,
        EntityKind::Site => 2,
        EntityKind::Contact => 3,
        EntityKind::Visitor => 4,
        EntityKind::Conversation => 5,
        EntityKind::Message => 6,
        EntityKind::CannedText => 7,
        EntityKind::ReadMark => 8,
        EntityKind::Team => 9,
        EntityKind::Item => 10,
    }
}

/// See [`kind_code`].
pub(crate) fn kind_from(code: i64) -> EntityKind {
    match code {
        1 => EntityKind::Agent,
        2 => EntityKind::Site,
        3 => EntityKind::Contact,
        4 => EntityKind::Visitor,
        5 => EntityKind::Conversation,
        6 => EntityKind::Message,
        7 => EntityKind::CannedText,
        8 => EntityKind::ReadMark,
        9 => EntityKind::Team,
        10 => EntityKind::Item,
        _ => EntityKind::Unknown,
    }
}

/// The present state. `audience` says whose read mark is meant.
pub(crate) fn load(connection: &Connection, kind: EntityKind, id: i64, audience: i64) -> Outcome<Option<Entity>> {
    Ok(match kind {
        EntityKind::Agent => agents::find(connection, AgentId(id))?.map(Entity::Agent),
        EntityKind::Site => sites::find(connection, id.into())?.map(Entity::Site),
        EntityKind::Contact => visitors::find_contact(connection, id.into())?.map(Entity::Contact),
        EntityKind::Visitor => visitors::find(connection, id.into())?.map(Entity::Visitor),
        EntityKind::Conversation => conversations::find(connection, id.into())?.map(Entity::Conversation),
        EntityKind::Message => conversations::find_message(connection, id.into())?.map(Entity::Message),
        EntityKind::CannedText => canned_texts::find(connection, id.into())?.map(Entity::CannedText),
        EntityKind::ReadMark => {
            conversations::find_read_mark(connection, AgentId(audience), id.into())?.map(Entity::ReadMark)
        }
        EntityKind::Team => teams::find(connection, id.into())?.map(Entity::Team),
        EntityKind::Item => items::find(connection, ItemId(id))?.map(Entity::Item),
        EntityKind::Unknown => None,
    })
}
