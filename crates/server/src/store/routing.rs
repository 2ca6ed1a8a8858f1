//! To which team new conversations go, and which of them wait there.

use deskbell_protocol::{ConversationId, RoutingRule, SiteId, TeamId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::queries;

queries! {
    RULES_OF_FEW = "SELECT active, site, language, page_contains, team, fallback_after_s FROM routing_rule ORDER BY place";
    DROP_RULES = "DELETE FROM routing_rule";
    ADD_RULE = "INSERT INTO routing_rule (place, active, site, language, page_contains, team, fallback_after_s)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    ROUTE = "INSERT INTO routed (conversation, team, since, due_at) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (conversation) DO UPDATE SET team = excluded.team, since = excluded.since, due_at = excluded.due_at";
    FORGET = "DELETE FROM routed WHERE conversation = ?1";
    DUE = "SELECT conversation, team, since FROM routed WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2";
    NEXT_DUE = "SELECT due_at FROM routed WHERE due_at > ?1 ORDER BY due_at LIMIT 1";
}

/// What a rule gave to a team.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Routed {
    pub(crate) conversation: ConversationId,
    pub(crate) team: TeamId,
    /// Since when its visitor waited then.
    pub(crate) since: Timestamp,
}

/// All rules, in their order.
pub(crate) fn rules(connection: &Connection) -> rusqlite::Result<Vec<RoutingRule>> {
    let mut statement = connection.prepare_cached(RULES_OF_FEW)?;
    let rules = statement.query_map([], |row| {
        Ok(RoutingRule {
            active: row.get(0)?,
            site: row.get::<_, Option<i64>>(1)?.map(SiteId),
            language: row.get(2)?,
            page_contains: row.get(3)?,
            team: TeamId(row.get(4)?),
            fallback_after_s: row.get(5)?,
        })
    })?;
    rules.collect()
}

/// Puts other rules in the place of all.
pub(crate) fn set_rules(connection: &Connection, rules: &[RoutingRule]) -> rusqlite::Result<()> {
    connection.prepare_cached(DROP_RULES)?.execute([])?;
    let mut add = connection.prepare_cached(ADD_RULE)?;
    for (place, rule) in (1_i64..).zip(rules) {
        let RoutingRule { active, site, language, page_contains, team, fallback_after_s } = rule;
        let site = site.map(|site| site.0);
        add.execute(params![place, active, site, language, page_contains, team.0, fallback_after_s])?;
    }
    Ok(())
}

/// A conversation waits at a team until then.
pub(crate) fn route(connection: &Connection, routed: Routed, due_at: Timestamp) -> rusqlite::Result<()> {
    let Routed { conversation, team, since } = routed;
    connection.prepare_cached(ROUTE)?.execute([conversation.0, team.0, since, due_at])?;
    Ok(())
}

/// A conversation waits at no team any more, or somebody has taken it.
pub(crate) fn forget(connection: &Connection, conversation: ConversationId) -> rusqlite::Result<()> {
    connection.prepare_cached(FORGET)?.execute([conversation.0])?;
    Ok(())
}

/// Conversations that have waited at their teams long enough, at most `limit` of them.
pub(crate) fn due(connection: &Connection, now: Timestamp, limit: i64) -> rusqlite::Result<Vec<Routed>> {
    let mut statement = connection.prepare_cached(DUE)?;
    let due = statement.query_map([now, limit], |row| {
        Ok(Routed { conversation: ConversationId(row.get(0)?), team: TeamId(row.get(1)?), since: row.get(2)? })
    })?;
    due.collect()
}

/// When the next one has.
pub(crate) fn next_due(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    connection.prepare_cached(NEXT_DUE)?.query_row([i64::MIN], |row| row.get(0)).optional()
}
