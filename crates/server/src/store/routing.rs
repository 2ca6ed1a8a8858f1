//! To which team new conversations go, and which of them wait there.

use deskbell_protocol::{ConversationId, RoutingRule, SiteId, TeamId, Timestamp};

use super::database::{self, Connection, params};
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
pub(crate) fn rules(connection: &Connection) -> database::Result<Vec<RoutingRule>> {
    connection.all(RULES_OF_FEW, params![], |row| {
        Ok(RoutingRule {
            active: row.get(0)?,
            site: row.get::<Option<i64>>(1)?.map(SiteId),
            language: row.get(2)?,
            page_contains: row.get(3)?,
            team: TeamId(row.get(4)?),
            fallback_after_s: row.get(5)?,
        })
    })
}

/// Puts other rules in the place of all.
pub(crate) fn set_rules(connection: &Connection, rules: &[RoutingRule]) -> database::Result<()> {
    connection.change(DROP_RULES, params![])?;
    for (place, rule) in (1_i64..).zip(rules) {
        let RoutingRule { active, site, language, page_contains, team, fallback_after_s } = rule;
        let site = site.map(|site| site.0);
        connection.change(ADD_RULE, params![place, active, site, language, page_contains, team.0, fallback_after_s])?;
    }
    Ok(())
}

/// A conversation waits at a team until then.
pub(crate) fn route(connection: &Connection, routed: Routed, due_at: Timestamp) -> database::Result<()> {
    let Routed { conversation, team, since } = routed;
    connection.change(ROUTE, params![conversation.0, team.0, since, due_at])?;
    Ok(())
}

/// A conversation waits at no team any more, or somebody has taken it.
pub(crate) fn forget(connection: &Connection, conversation: ConversationId) -> database::Result<()> {
    connection.change(FORGET, params![conversation.0])?;
    Ok(())
}

/// Conversations that have waited at their teams long enough, at most `limit` of them.
pub(crate) fn due(connection: &Connection, now: Timestamp, limit: i64) -> database::Result<Vec<Routed>> {
    connection.all(DUE, params![now, limit], |row| {
        Ok(Routed { conversation: ConversationId(row.get(0)?), team: TeamId(row.get(1)?), since: row.get(2)? })
    })
}

/// When the next one has.
pub(crate) fn next_due(connection: &Connection) -> database::Result<Option<Timestamp>> {
    connection.find(NEXT_DUE, params![i64::MIN], |row| row.get(0))
}
