//! Who follows a conversation, and whom a note mentions.

use deskbell_protocol::{AgentId, ConversationId, MessageId};

use super::database::{self, Connection, params};
use super::queries;

queries! {
    OF = "SELECT agent FROM follower WHERE conversation = ?1 ORDER BY agent";
    FOLLOW = "INSERT INTO follower (conversation, agent) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    UNFOLLOW = "DELETE FROM follower WHERE conversation = ?1 AND agent = ?2";
    MENTIONED = "SELECT agent FROM mention WHERE message = ?1 ORDER BY agent";
    MENTION = "INSERT INTO mention (message, agent) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    FORGET = "DELETE FROM mention WHERE message = ?1";
}

fn agents(connection: &Connection, sql: &str, id: i64) -> database::Result<Vec<AgentId>> {
    connection.all(sql, params![id], |row| row.get(0).map(AgentId))
}

/// Who follows a conversation, by their ids.
pub(crate) fn of(connection: &Connection, conversation: ConversationId) -> database::Result<Vec<AgentId>> {
    agents(connection, OF, conversation.0)
}

/// Lets an agent follow a conversation.
pub(crate) fn follow(connection: &Connection, conversation: ConversationId, agent: AgentId) -> database::Result<()> {
    connection.change(FOLLOW, params![conversation.0, agent.0])?;
    Ok(())
}

/// Lets an agent follow a conversation no more.
pub(crate) fn unfollow(connection: &Connection, conversation: ConversationId, agent: AgentId) -> database::Result<()> {
    connection.change(UNFOLLOW, params![conversation.0, agent.0])?;
    Ok(())
}

/// Whom a message mentions, by their ids.
pub(super) fn mentioned(connection: &Connection, message: MessageId) -> database::Result<Vec<AgentId>> {
    agents(connection, MENTIONED, message.0)
}

/// Says whom a message mentions.
pub(crate) fn mention(connection: &Connection, message: MessageId, agents: &[AgentId]) -> database::Result<()> {
    for agent in agents {
        connection.change(MENTION, params![message.0, agent.0])?;
    }
    Ok(())
}

/// Whom a message mentioned is not known any more.
pub(super) fn forget_mentions(connection: &Connection, message: MessageId) -> database::Result<()> {
    connection.change(FORGET, params![message.0])?;
    Ok(())
}
