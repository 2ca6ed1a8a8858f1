//! Who waits for an answer, and who may give it.

use std::collections::BTreeSet;

use deskbell_protocol::{AgentId, ConversationId, ConversationState, MessageId, Number, VisitorId};

use super::agents::role_from;
use super::conversations::{FLOW_HANDED_OVER, FLOW_STOPPED, WOKEN};
use super::database::{self, Connection, params};
use super::{Outcome, assignments, conversations, queries};
use crate::authorize::answers_visitors;

queries! {
    WAITING = "SELECT id FROM conversation WHERE waiting_since > ?1 AND assignee IS NULL AND state = 0";
    GIVEN = "SELECT conversation.id FROM conversation CROSS JOIN given ON given.conversation = conversation.id
        WHERE conversation.assignee > ?1 AND conversation.state = 0 AND conversation.waiting_since = given.since";
    /// What begins a wait anew: the visitor, or the desk's clock, has opened the conversation, or no flow talks there any
    /// more.
    BEGAN_ANEW = "SELECT id, number, text FROM message INDEXED BY message_by_desk
        WHERE conversation = ?1 AND kind IN (2, 3)
            AND text IN ('reopened', 'woken', 'flow_handed_over', 'flow_stopped')
        ORDER BY number DESC LIMIT 1";
    /// What an agent answered last.
    ANSWERED = "SELECT id, number FROM message WHERE conversation = ?1 AND number > ?2 AND kind = 0 AND author_kind = 1
        ORDER BY number DESC LIMIT 1";
    /// Where it last became nobody's since then.
    LET_GO = "SELECT id, number FROM message INDEXED BY message_by_desk
        WHERE conversation = ?1 AND number > ?2 AND kind IN (2, 3) AND text = 'unassigned' ORDER BY number DESC LIMIT 1";
    FIRST = "SELECT id, number FROM message WHERE conversation = ?1 AND number > ?2 AND kind = 0 AND author_kind = 0
        AND deleted_at IS NULL ORDER BY number LIMIT 1";
    /// Agents who see the site, are of the team if there is one, and have not read so far.
    AGENTS_OF_FEW = "SELECT agent.id, agent.role FROM sees CROSS JOIN agent ON agent.id = sees.agent
        WHERE sees.site = ?1
            AND (?2 IS NULL OR EXISTS (SELECT 1 FROM team_member WHERE team_member.team = ?2 AND team_member.agent = agent.id))
            AND NOT EXISTS (SELECT 1 FROM read_mark WHERE read_mark.agent = agent.id AND read_mark.conversation = ?3
                AND read_mark.number >= ?4)";
}

/// A visitor who waits in a conversation that nobody has taken: it is nobody's, or the desk gave it to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// The first message that waits, or the one by which a flow handed the visitor over, or by which the conversation
    /// became nobody's, or was back from being put off, while they waited.
    pub(crate) ring: MessageId,
    pub(crate) number: Number,
    pub(crate) visitor: VisitorId,
    /// To whom the desk gave it.
    pub(crate) given: Option<AgentId>,
    /// Who may answer and has not read it.
    pub(crate) agents: BTreeSet<AgentId>,
}

/// Conversations in which somebody may wait.
pub(crate) fn all(connection: &Connection) -> database::Result<Vec<ConversationId>> {
    let mut found = Vec::new();
    for sql in [WAITING, GIVEN] {
        let more: Vec<_> = connection.all(sql, params![i64::MIN], |row| row.get(0).map(ConversationId))?;
        found.extend(more);
    }
    Ok(found)
}

/// Who waits there. Nobody once an agent has answered what has begun, or begun again, unless it became nobody's after that:
/// whoever answered has let it go, or is not there any more.
pub(crate) fn waiting(connection: &Connection, id: ConversationId) -> Outcome<Option<Waiting>> {
    let Some(found) = conversations::find(connection, id)? else { return Ok(None) };
    if found.state != ConversationState::Open || found.waiting_since.is_none() {
        return Ok(None);
    }
    let given = assignments::unanswered(connection, &found)?;
    if found.assignee.is_some() && given.is_none() {
        return Ok(None);
    }
    let anew: Option<((MessageId, Number), String)> = connection
        .find(BEGAN_ANEW, params![id.0], |row| Ok(((row.get(0).map(MessageId)?, row.get(1)?), row.get(2)?)))?;
    let (line, code) = anew.unzip();
    let from = line.map_or(0, |(_, number)| number);
    let message = |sql: &str, after: Number| {
        connection.find(sql, params![id.0, after], |row| Ok((row.get(0).map(MessageId)?, row.get::<Number>(1)?)))
    };
    let answered = message(ANSWERED, from)?.map(|(_, number)| number);
    let let_go = message(LET_GO, answered.unwrap_or(from))?;
    if answered.is_some() && let_go.is_none() {
        return Ok(None);
    }
    let first = match (answered, code.as_deref()) {
        (None, Some(FLOW_HANDED_OVER | FLOW_STOPPED)) => line,
        _ => message(FIRST, answered.unwrap_or(from))?,
    };
    // Who waited before it was put off need not write again.
    let woken = line.filter(|_| code.as_deref() == Some(WOKEN));
    // Whoever has read what was written while somebody had it has not heard that nobody has.
    let last = first.or(woken).into_iter().chain(let_go).max_by_key(|(_, number)| *number);
    let Some((ring, number)) = last else { return Ok(None) };
    let team = found.team.map(|team| team.0);
    let mut agents: BTreeSet<AgentId> = connection
        .all::<_, Vec<_>>(AGENTS_OF_FEW, params![found.site.0, team, id.0, number], |row| {
            Ok((row.get(0).map(AgentId)?, row.get(1)?))
        })?
        .into_iter()
        .filter(|(_, role)| answers_visitors(role_from(*role)))
        .map(|(agent, _)| agent)
        .collect();
    agents.retain(|agent| given.is_none_or(|given| given == *agent));
    Ok(Some(Waiting { ring, number, visitor: found.visitor, given, agents }))
}
