//! Who follows a conversation, and whom a note mentions.

use deskbell_protocol::{AgentId, ConversationId, MessageId};
use rusqlite::Connection;

use super::queries;

queries! {
    OF = "SELECT agent FROM follower WHERE conversation = ?1 ORDER BY agent";
    FOLLOW = "INSERT INTO follower (conversation, agent) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    UNFOLLOW = "DELETE FROM follower WHERE conversation = ?1 AND agent = ?2";
    MENTIONED = "SELECT agent FROM mention WHERE message = ?1 ORDER BY agent";
    MENTION = "INSERT INTO mention (message, agent) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    FORGET = "DELETE FROM mention WHERE message = ?1";
}

fn agents(connection: &Connection, sql: &str, id: i64) -> rusqlite::Result<Vec<AgentId>> {
    connection.prepare_cached(sql)?.query_map([id], |row| row.get(0).map(AgentId))?.collect()
}

/// Who follows a conversation, by their ids.
pub(crate) fn of(connection: &Connection, conversation: ConversationId) -> rusqlite::Result<Vec<AgentId>> {
    agents(connection, OF, conversation.0)
}

/// Lets an agent follow a conversation.
pub(crate) fn follow(connection: &Connection, conversation: ConversationId, agent: AgentId) -> rusqlite::Result<()> {
    connection.prepare_cached(FOLLOW)?.execute([conversation.0, agent.0])?;
    Ok(())
}

/// Lets an agent follow a conversation no more.
pub(crate) fn unfollow(connection: &Connection, conversation: ConversationId, agent: AgentId) -> rusqlite::Result<()> {
    connection.prepare_cached(UNFOLLOW)?.execute([conversation.0, agent.0])?;
    Ok(())
}

/// Whom a message mentions, by their ids.
pub(super) fn mentioned(connection: &Connection, message: MessageId) -> rusqlite::Result<Vec<AgentId>> {
    agents(connection, MENTIONED, message.0)
}

/// Says whom a message mentions.
pub(crate) fn mention(connection: &Connection, message: MessageId, agents: &[AgentId]) -> rusqlite::Result<()> {
    let mut mention = connection.prepare_cached(MENTION)?;
    for agent in agents {
        mention.execute([message.0, agent.0])?;
    }
    Ok(())
}

/// Whom a message mentioned is not known any more.
pub(super) fn forget_mentions(connection: &Connection, message: MessageId) -> rusqlite::Result<()> {
    connection.prepare_cached(FORGET)?.execute([message.0])?;
    Ok(())
}
