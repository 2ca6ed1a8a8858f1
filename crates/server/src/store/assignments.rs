//! What the desk has given to whom, and to whom it can give more.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use deskbell_protocol::{
    AgentId, Assignment, AssignmentRule, Conversation, ConversationId, ConversationState, SiteId, TeamId, Timestamp,
};

use super::agents::role_from;
use super::database::{self, Connection, Row, params};
use super::{Failure, Outcome, queries};
use crate::authorize::answers_visitors;

queries! {
    RULE_OF_DESK = "SELECT assign_rule, assign_capacity, assign_back_s FROM settings WHERE id = 1";
    RULE_OF_TEAM = "SELECT assign_rule, assign_capacity, assign_back_s FROM team WHERE id = ?1 AND active = 1";
    CAPACITIES_OF_FEW = "SELECT assign_capacity FROM settings WHERE id = 1 AND assign_rule <> 0
        UNION ALL SELECT assign_capacity FROM team WHERE active = 1 AND assign_rule <> 0";
    WAITING = "SELECT id, site, team, waiting_since FROM conversation
        WHERE waiting_since > ?1 AND assignee IS NULL AND state = 0 ORDER BY waiting_since";
    HELD = "SELECT id FROM conversation WHERE assignee = ?1 AND state = 0";
    /// Agents who take conversations, see the site, and are of the team if there is one.
    CANDIDATES_OF_FEW = "SELECT agent.id, agent.role, agent.turn, agent.name,
            (SELECT count(*) FROM conversation WHERE assignee = agent.id AND state = 0)
        FROM sees CROSS JOIN agent ON agent.id = sees.agent
        WHERE sees.site = ?1 AND agent.away = 0
            AND (?2 IS NULL OR EXISTS (SELECT 1 FROM team_member WHERE team_member.team = ?2 AND team_member.agent = agent.id))";
    WITH_ROOM_OF_FEW = "SELECT agent.role FROM json_each(?1) CROSS JOIN agent ON agent.id = json_each.value
        WHERE agent.active = 1 AND agent.away = 0
            AND (SELECT count(*) FROM conversation WHERE assignee = agent.id AND state = 0) < ?2";
    TAKE_TURN_OF_FEW = "UPDATE agent SET turn = (SELECT max(turn) + 1 FROM agent) WHERE id = ?1";
    GIVE = "INSERT INTO given (conversation, agent, since, back_at) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (conversation) DO UPDATE SET agent = excluded.agent, since = excluded.since,
            back_at = excluded.back_at";
    FORGET_GIVEN = "DELETE FROM given WHERE conversation = ?1";
    GIVEN = "SELECT agent, since FROM given WHERE conversation = ?1";
    DUE = "SELECT conversation FROM given WHERE back_at <= ?1 ORDER BY back_at LIMIT ?2";
    NEXT_DUE = "SELECT back_at FROM given WHERE back_at > ?1 ORDER BY back_at LIMIT 1";
    LET_GO = "INSERT INTO let_go (conversation, agent, since) VALUES (?1, ?2, ?3)
        ON CONFLICT (conversation, agent) DO UPDATE SET since = excluded.since";
    HAS_LET_GO = "SELECT 1 FROM let_go WHERE conversation = ?1 AND agent = ?2 AND since = ?3";
}

/// How the database names a rule. The numbers are for ever.
pub(in crate::store) fn rule_code(rule: AssignmentRule) -> i64 {
    match rule {
        AssignmentRule::Off => 0,
        AssignmentRule::LeastBusy => 1,
        AssignmentRule::RoundRobin => 2,
    }
}

/// A rule whose columns begin at `first`. One that this version does not know gives nothing.
pub(in crate::store) fn rule_from(row: &Row<'_>, first: usize) -> database::Result<Assignment> {
    let rule = match row.get(first)? {
        1 => AssignmentRule::LeastBusy,
        2 => AssignmentRule::RoundRobin,
        _ => AssignmentRule::Off,
    };
    Ok(Assignment { rule, capacity: row.get(first + 1)?, back_after_s: row.get(first + 2)? })
}

/// An open conversation that is nobody's and whose visitor waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unassigned {
    pub(crate) id: ConversationId,
    pub(crate) site: SiteId,
    pub(crate) team: Option<TeamId>,
    /// Since when its visitor waits.
    pub(crate) since: Timestamp,
}

impl Unassigned {
    /// What a conversation is, if it is one.
    pub(crate) fn of(conversation: &Conversation) -> Option<Self> {
        let Conversation { id, site, team, state, assignee, waiting_since, .. } = *conversation;
        match (state, assignee, waiting_since) {
            (ConversationState::Open, None, Some(since)) => Some(Self { id, site, team, since }),
            _ => None,
        }
    }
}

/// Somebody who could be given a conversation.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) agent: AgentId,
    pub(crate) name: String,
    /// Open conversations that they have.
    pub(crate) open: i64,
    /// Whoever has the smallest is the next in turn.
    pub(crate) turn: i64,
}

/// By which rule the conversations of a team, or of none, are given.
pub(crate) fn rule(connection: &Connection, team: Option<TeamId>) -> database::Result<Assignment> {
    let found = match team {
        Some(team) => connection.find(RULE_OF_TEAM, params![team.0], |row| rule_from(row, 0)),
        None => connection.find(RULE_OF_DESK, params![], |row| rule_from(row, 0)),
    };
    Ok(found?.unwrap_or_default())
}

/// The most open conversations with which any rule gives somebody another one. `None`: nothing is given at all.
pub(crate) fn largest_capacity(connection: &Connection) -> database::Result<Option<u32>> {
    let capacities: Vec<u32> = connection.all(CAPACITIES_OF_FEW, params![], |row| row.get(0))?;
    Ok(capacities.into_iter().max())
}

/// Whether any of these agents answers visitors, is not away, and has fewer open conversations.
pub(crate) fn has_room(connection: &Connection, agents: &BTreeSet<AgentId>, capacity: u32) -> Outcome<bool> {
    let roles: Vec<i64> =
        connection.all(WITH_ROOM_OF_FEW, params![serde_json::to_string(agents)?, capacity], |row| row.get(0))?;
    Ok(roles.into_iter().any(|role| answers_visitors(role_from(role))))
}

/// Of the conversations that are nobody's and in which a visitor waits, the longest first, the first ones that fit.
pub(crate) fn waiting(
    connection: &Connection,
    limit: usize,
    mut fits: impl FnMut(&Unassigned) -> Outcome<bool>,
) -> Outcome<Vec<Unassigned>> {
    let mut found = Vec::new();
    connection.each(WAITING, params![i64::MIN], |row| {
        if found.len() >= limit {
            return Ok(ControlFlow::Break(()));
        }
        let waits = Unassigned {
            id: ConversationId(row.get(0)?),
            site: SiteId(row.get(1)?),
            team: row.get::<Option<i64>>(2)?.map(TeamId),
            since: row.get(3)?,
        };
        if fits(&waits)? {
            found.push(waits);
        }
        Ok::<_, Failure>(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// Open conversations that an agent has.
pub(crate) fn held(connection: &Connection, agent: AgentId) -> database::Result<Vec<ConversationId>> {
    connection.all(HELD, params![agent.0], |row| row.get(0).map(ConversationId))
}

/// Who may answer a site's visitors, or those of a team among them, and is not away.
pub(crate) fn candidates(
    connection: &Connection,
    site: SiteId,
    team: Option<TeamId>,
) -> database::Result<Vec<Candidate>> {
    let found: Vec<Option<Candidate>> =
        connection.all(CANDIDATES_OF_FEW, params![site.0, team.map(|team| team.0)], |row| {
            if !answers_visitors(role_from(row.get(1)?)) {
                return Ok(None);
            }
            let (agent, turn) = (AgentId(row.get(0)?), row.get(2)?);
            Ok(Some(Candidate { agent, turn, name: row.get(3)?, open: row.get(4)? }))
        })?;
    Ok(found.into_iter().flatten().collect())
}

/// Notes that a conversation whose visitor waits since then was given to an agent, who is the last in turn from now on.
pub(crate) fn give(
    connection: &Connection,
    conversation: ConversationId,
    agent: AgentId,
    since: Timestamp,
    back_at: Option<Timestamp>,
) -> database::Result<()> {
    connection.change(GIVE, params![conversation.0, agent.0, since, back_at])?;
    connection.change(TAKE_TURN_OF_FEW, params![agent.0])?;
    Ok(())
}

/// Somebody decided about the conversation: the desk no longer does.
pub(crate) fn forget(connection: &Connection, conversation: ConversationId) -> database::Result<()> {
    connection.change(FORGET_GIVEN, params![conversation.0])?;
    Ok(())
}

/// To whom the desk gave a conversation whose visitor has waited since before and waits still. Which wait it is, its
/// beginning tells: no two clocks are compared.
pub(crate) fn unanswered(connection: &Connection, conversation: &Conversation) -> database::Result<Option<AgentId>> {
    let (Some(assignee), Some(since)) = (conversation.assignee, conversation.waiting_since) else { return Ok(None) };
    let given = connection
        .find(GIVEN, params![conversation.id.0], |row| Ok((row.get(0).map(AgentId)?, row.get::<Timestamp>(1)?)))?;
    Ok(given.filter(|(agent, of)| *agent == assignee && since == *of).map(|(agent, _)| agent))
}

/// Conversations that go back if nobody has answered, at most `limit` of them.
pub(crate) fn due(connection: &Connection, now: Timestamp, limit: i64) -> database::Result<Vec<ConversationId>> {
    connection.all(DUE, params![now, limit], |row| row.get(0).map(ConversationId))
}

/// When the next one goes back.
pub(crate) fn next_due(connection: &Connection) -> database::Result<Option<Timestamp>> {
    connection.find(NEXT_DUE, params![i64::MIN], |row| row.get(0))
}

/// Notes that an agent has a conversation no more whose visitor waits since then.
pub(crate) fn let_go(
    connection: &Connection,
    conversation: ConversationId,
    agent: AgentId,
    since: Timestamp,
) -> database::Result<()> {
    connection.change(LET_GO, params![conversation.0, agent.0, since])?;
    Ok(())
}

/// Whether an agent has let a conversation go whose visitor waits since then.
pub(crate) fn has_let_go(
    connection: &Connection,
    conversation: ConversationId,
    agent: AgentId,
    since: Timestamp,
) -> Outcome<bool> {
    Ok(connection.has(HAS_LET_GO, params![conversation.0, agent.0, since])?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn tv_03_who_waits_for_an_agent_is_found_without_a_look_at_the_conversations() {
        let directory = tempfile::tempdir().unwrap();
        let connection = super::super::open(&directory.path().join("desk.db"), "Shop").unwrap();
        let plan = format!("EXPLAIN QUERY PLAN {WAITING}");
        let plan: String = connection.one(&plan, params![0], |row| row.get(3)).unwrap();
        assert!(plan.contains("USING COVERING INDEX conversation_waiting"), "{plan}");
    }
}
