//! Agents who take part in conversations, and what they see by that.

use deskbell_protocol::{AgentId, ConversationId, EntityKind, SiteId, Timestamp};

use super::database::{self, Connection, params};
use super::log::EVERYBODY;
use super::queries;

queries! {
    NOW = "SELECT agent FROM participant WHERE conversation = ?1 AND left_at IS NULL ORDER BY agent";
    TAKES_PART = "SELECT 1 FROM participant WHERE agent = ?1 AND conversation = ?2 AND left_at IS NULL";
    ADD = "INSERT INTO participant (id, conversation, agent, added_at, added_by) VALUES (?1, ?2, ?3, ?4, ?5)";
    LEAVE = "UPDATE participant SET left_at = ?3, left_by = ?4 WHERE conversation = ?1 AND agent = ?2 AND left_at IS NULL";
    FIND_DIRECT = "SELECT conversation FROM direct WHERE low = ?1 AND high = ?2";
    ADD_DIRECT = "INSERT INTO direct (low, high, conversation) VALUES (?1, ?2, ?3)";
    ON_SITE = "SELECT participant.conversation FROM participant
        CROSS JOIN conversation ON conversation.id = participant.conversation
        WHERE participant.agent = ?1 AND left_at IS NULL AND conversation.site = ?2";
    OF_MESSAGE = "SELECT agent FROM message CROSS JOIN participant ON participant.conversation = message.conversation
        WHERE message.id = ?1 AND left_at IS NULL";
    OF_CONTACT = "SELECT agent FROM conversation CROSS JOIN participant ON participant.conversation = conversation.id
        WHERE conversation.contact = ?1 AND left_at IS NULL";
    OF_VISITOR = "SELECT agent FROM conversation CROSS JOIN participant ON participant.conversation = conversation.id
        WHERE conversation.visitor = ?1 AND left_at IS NULL";
}

/// Whether an agent takes part in what `entity` and `id` name, for conditions of other statements.
macro_rules! by_taking_part {
    ($agent:literal, $entity:literal, $id:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM participant WHERE participant.agent = ",
            $agent,
            " AND left_at IS NULL
                AND participant.conversation = CASE ",
            $entity,
            "
                    WHEN 6 THEN (SELECT message.conversation FROM message WHERE message.id = ",
            $id,
            ")
                    WHEN 5 THEN ",
            $id,
            " WHEN 8 THEN ",
            $id,
            " END)
            OR ",
            $entity,
            " = 3 AND EXISTS (SELECT 1 FROM conversation
                CROSS JOIN participant ON participant.conversation = conversation.id
                WHERE conversation.contact = ",
            $id,
            " AND participant.agent = ",
            $agent,
            " AND left_at IS NULL)
            OR ",
            $entity,
            " = 4 AND EXISTS (SELECT 1 FROM conversation
                CROSS JOIN participant ON participant.conversation = conversation.id
                WHERE conversation.visitor = ",
            $id,
            " AND participant.agent = ",
            $agent,
            " AND left_at IS NULL)"
        )
    };
}
pub(in crate::store) use by_taking_part;

/// Who takes part in a conversation, by their ids.
pub(crate) fn of(connection: &Connection, conversation: ConversationId) -> database::Result<Vec<AgentId>> {
    connection.all(NOW, params![conversation.0], |row| row.get(0).map(AgentId))
}

/// Whether an agent takes part in a conversation.
pub(crate) fn takes_part(
    connection: &Connection,
    agent: AgentId,
    conversation: ConversationId,
) -> database::Result<bool> {
    connection.has(TAKES_PART, params![agent.0, conversation.0])
}

/// Agents, by their ids, who see an entity because they take part in a conversation that it belongs to.
pub(crate) fn seeing(
    connection: &Connection,
    entity: EntityKind,
    id: i64,
    audience: i64,
) -> database::Result<Vec<AgentId>> {
    let sql = match entity {
        EntityKind::Conversation | EntityKind::ReadMark => NOW,
        EntityKind::Message => OF_MESSAGE,
        EntityKind::Contact => OF_CONTACT,
        EntityKind::Visitor => OF_VISITOR,
        EntityKind::Agent
        | EntityKind::Site
        | EntityKind::CannedText
        | EntityKind::Team
        | EntityKind::Item
        | EntityKind::Unknown => return Ok(Vec::new()),
    };
    let mut agents: Vec<AgentId> = connection.all(sql, params![id], |row| row.get(0).map(AgentId))?;
    agents.retain(|agent| audience == EVERYBODY || audience == agent.0);
    agents.sort_unstable();
    agents.dedup();
    Ok(agents)
}

/// Lets an agent take part. The caller has asked whether they do.
pub(crate) fn add(
    connection: &Connection,
    id: i64,
    conversation: ConversationId,
    agent: AgentId,
    by: AgentId,
    now: Timestamp,
) -> database::Result<()> {
    connection.change(ADD, params![id, conversation.0, agent.0, now, by.0])?;
    Ok(())
}

/// Lets an agent take part no more. Their row stays.
pub(crate) fn leave(
    connection: &Connection,
    conversation: ConversationId,
    agent: AgentId,
    by: AgentId,
    now: Timestamp,
) -> database::Result<()> {
    connection.change(LEAVE, params![conversation.0, agent.0, now, by.0])?;
    Ok(())
}

fn pair(one: AgentId, other: AgentId) -> (i64, i64) {
    (one.0.min(other.0), one.0.max(other.0))
}

/// The direct conversation of two agents.
pub(crate) fn direct(
    connection: &Connection,
    one: AgentId,
    other: AgentId,
) -> database::Result<Option<ConversationId>> {
    let (low, high) = pair(one, other);
    connection.find(FIND_DIRECT, params![low, high], |row| row.get(0).map(ConversationId))
}

/// Says which conversation is the direct one of two agents.
pub(crate) fn add_direct(
    connection: &Connection,
    one: AgentId,
    other: AgentId,
    conversation: ConversationId,
) -> database::Result<()> {
    let (low, high) = pair(one, other);
    connection.change(ADD_DIRECT, params![low, high, conversation.0])?;
    Ok(())
}

/// Conversations of a site in which an agent takes part.
pub(crate) fn on_site(connection: &Connection, agent: AgentId, site: SiteId) -> database::Result<Vec<ConversationId>> {
    connection.all(ON_SITE, params![agent.0, site.0], |row| row.get(0).map(ConversationId))
}
