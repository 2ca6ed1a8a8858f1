//! New conversations of visitors go to the team that a rule names, as long as somebody of it is there and takes
//! conversations; so does what a flow hands over to a team, and what is opened again and was a team's before. What nobody
//! of the team takes in time is everybody's. When that is stands in the database alone.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use deskbell_protocol::{
    AgentId, Conversation, ConversationId, ConversationState, ROUTING_RULES_MAX, Refusal, Routing, RoutingRule, SiteId,
    Team, TeamId, Timestamp, Visitor,
};
use tokio_util::sync::CancellationToken;

use crate::administration::{Administration, refuse};
use crate::authorize::Action;
use crate::commands::{desk_says, said, store};
use crate::deadlines;
use crate::desk::Core;
use crate::store::batch::Write;
use crate::store::routing::{self, Routed};
use crate::store::{Connection, Failure, Outcome, assignments, conversations, sites, teams, visitors};
use crate::text;

/// Seconds after which what nobody took is everybody's.
const FALLBACK_S: RangeInclusive<u32> = 10..=3_600;
/// The same of a team that no rule names.
const FALLBACK_AFTER_S: u32 = 60;
/// Longest piece of an address, in characters.
const PAGE_MAX: usize = 200;
/// Conversations that one transaction gives to everybody.
const AT_ONCE: i64 = 64;

/// A rule within its bounds; `place` is where it stands, from 0.
fn checked(connection: &Connection, place: usize, given: RoutingRule) -> Outcome<RoutingRule> {
    let refused = |field: &str, rule: &str| Failure::from(Refusal::invalid(&format!("rules[{place}].{field}"), rule));
    if !FALLBACK_S.contains(&given.fallback_after_s) {
        let rule = format!("is {} to {} seconds", FALLBACK_S.start(), FALLBACK_S.end());
        return Err(refused("fallback_after_s", &rule));
    }
    if let Some(site) = given.site
        && sites::find(connection, site)?.is_none()
    {
        return Err(refused("site", "there is no such site"));
    }
    if teams::find(connection, given.team)?.is_none_or(|team| !team.active) {
        return Err(refused("team", "there is no such team"));
    }
    let language = match &given.language {
        Some(language) if !text::is_tag(language) => {
            return Err(refused("language", "is a language such as es or pt-BR"));
        }
        language => language.as_ref().map(|language| language.to_ascii_lowercase()),
    };
    let page_contains = match &given.page_contains {
        Some(page) => {
            let page = text::line(page);
            if page.is_empty() || page.chars().count() > PAGE_MAX {
                return Err(refused("page_contains", &format!("has 1 to {PAGE_MAX} characters")));
            }
            Some(page)
        }
        None => None,
    };
    Ok(RoutingRule { language, page_contains, ..given })
}

/// Whether a visitor's new conversation is one of those that a rule is about.
fn fits(rule: &RoutingRule, visitor: &Visitor) -> bool {
    let language = visitor.language.to_ascii_lowercase();
    let speaks = |wanted: &String| {
        language.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let looks_at = |wanted: &String| {
        let page = visitor.pages.first().map(|page| page.url.to_lowercase()).unwrap_or_default();
        page.contains(&wanted.to_lowercase())
    };
    rule.active
        && rule.site.is_none_or(|site| site == visitor.site)
        && rule.language.as_ref().is_none_or(speaks)
        && rule.page_contains.as_ref().is_none_or(looks_at)
}

/// The rule about a visitor's conversation.
fn rule_for(connection: &Connection, conversation: &Conversation) -> Outcome<Option<RoutingRule>> {
    let rules = routing::rules(connection)?;
    if rules.is_empty() {
        return Ok(None);
    }
    let visitor = visitors::find(connection, conversation.visitor)?;
    Ok(visitor.and_then(|visitor| rules.into_iter().find(|rule| fits(rule, &visitor))))
}

/// A team of which an agent who may answer there is online and takes conversations.
fn team_there(
    connection: &Connection,
    team: TeamId,
    site: SiteId,
    online: &BTreeSet<AgentId>,
) -> Outcome<Option<Team>> {
    let Some(team) = teams::find(connection, team)?.filter(|team| team.active) else { return Ok(None) };
    let there = assignments::candidates(connection, site, Some(team.id))?;
    Ok(there.iter().any(|agent| online.contains(&agent.agent)).then_some(team))
}

/// Gives a conversation that a visitor has just begun or opened again, or that a flow has handed over, to the first of
/// these teams of which somebody is there: the one that the flow names, the one that had it before, and the one that a rule
/// names. Where nobody of any is there, it is everybody's at once. Whether it is to be everybody's later.
pub(crate) fn give(
    write: &mut Write<'_>,
    id: ConversationId,
    by_flow: Option<TeamId>,
    online: &BTreeSet<AgentId>,
) -> Outcome<bool> {
    let Some(mut conversation) = conversations::find(write.connection, id)? else { return Ok(false) };
    let (Some(since), None) = (conversation.waiting_since, conversation.assignee) else { return Ok(false) };
    let rule = rule_for(write.connection, &conversation)?;
    let had = conversation.team;
    let mut given = None;
    for team in [by_flow, had, rule.as_ref().map(|rule| rule.team)].into_iter().flatten() {
        given = team_there(write.connection, team, conversation.site, online)?;
        if given.is_some() {
            break;
        }
    }
    let Some(team) = given else {
        if had.is_some() {
            conversation.team = None;
            desk_says(write, &mut conversation, said::UNASSIGNED)?;
            store(write, &conversation)?;
        }
        return Ok(false);
    };
    if had != Some(team.id) {
        conversation.team = Some(team.id);
        desk_says(write, &mut conversation, &said::given_to_team(&team.name))?;
        store(write, &conversation)?;
    }
    let fallback_after_s = rule.filter(|rule| rule.team == team.id).map_or(FALLBACK_AFTER_S, |it| it.fallback_after_s);
    let due_at = write.now.saturating_add(i64::from(fallback_after_s) * 1000);
    routing::route(write.connection, Routed { conversation: id, team: team.id, since }, due_at)?;
    Ok(true)
}

/// Whether the visitor who waited then waits at the same team still, and nobody has taken it by their own hand.
fn waits(connection: &Connection, conversation: &Conversation, routed: Routed) -> Outcome<bool> {
    let same = conversation.state == ConversationState::Open
        && conversation.team == Some(routed.team)
        && conversation.waiting_since == Some(routed.since);
    let nobodys = conversation.assignee.is_none() || assignments::unanswered(connection, conversation)?.is_some();
    Ok(same && nobodys)
}

/// Gives at most `limit` conversations to everybody that have waited at their teams long enough.
pub(crate) fn open_to_all(write: &mut Write<'_>, limit: i64) -> Outcome<()> {
    for routed in routing::due(write.connection, write.now, limit)? {
        let id = routed.conversation;
        routing::forget(write.connection, id)?;
        let Some(mut conversation) = conversations::find(write.connection, id)? else { continue };
        if !waits(write.connection, &conversation, routed)? {
            continue;
        }
        // Whoever the desk gave it to has let it go: it is not pressed upon them again.
        if let Some(agent) = conversation.assignee {
            assignments::forget(write.connection, id)?;
            assignments::let_go(write.connection, id, agent, routed.since)?;
        }
        (conversation.assignee, conversation.team) = (None, None);
        desk_says(write, &mut conversation, said::UNASSIGNED)?;
        store(write, &conversation)?;
    }
    Ok(())
}

/// Does what is due until cancelled.
pub(crate) async fn run(core: Arc<Core>, cancelled: CancellationToken) {
    let failed = "what waits at teams could not be given to everybody";
    deadlines::keep(cancelled, &core.hub.routing, Duration::ZERO, failed, || look(&core)).await;
}

/// Does what is due. When the next is.
async fn look(core: &Core) -> Outcome<Option<Timestamp>> {
    deadlines::look(core, routing::due, routing::next_due, || core.writer.submit(|write| open_to_all(write, AT_ONCE)))
        .await
}

impl Administration {
    /// To which team new conversations go, by rules in their order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn routing(&self) -> Result<Routing, Refusal> {
        let actor = self.actor.clone();
        let read = self.core.readers.read(move |connection| {
            actor.may(connection, Action::ManageSettings)?;
            Ok(Routing { rules: routing::rules(connection)? })
        });
        read.await.map_err(refuse)
    }

    /// Puts other rules in the place of all. They hold for conversations that begin from then on.
    ///
    /// # Errors
    /// `invalid`, with the field and its rule.
    pub async fn set_routing(&self, given: Routing) -> Result<Routing, Refusal> {
        let actor = self.actor.clone();
        self.write(move |write| {
            actor.may(write.connection, Action::ManageSettings)?;
            if given.rules.len() > ROUTING_RULES_MAX {
                return Err(Refusal::invalid("rules", &format!("are {ROUTING_RULES_MAX} at the most")).into());
            }
            let rules = given.rules.into_iter().enumerate();
            let rules: Vec<RoutingRule> =
                rules.map(|(place, rule)| checked(write.connection, place, rule)).collect::<Outcome<_>>()?;
            routing::set_rules(write.connection, &rules)?;
            let detail = text::cut(&serde_json::to_string(&rules)?, 4 * deskbell_protocol::FIELD_MAX);
            actor.did(write, "edit", "routing", None, detail)?;
            Ok(Routing { rules })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use deskbell_protocol::{ContactId, PageView, Region, SiteId, TeamId, VisitorId};

    use super::*;

    fn vic(language: &str, page: &str) -> Visitor {
        Visitor {
            id: VisitorId(1),
            contact: ContactId(2),
            site: SiteId(3),
            region: Region::default(),
            ip: String::new(),
            browser: String::new(),
            os: String::new(),
            device: String::new(),
            language: language.to_owned(),
            spoken: String::new(),
            screen: String::new(),
            referrer: String::new(),
            visits: 1,
            chats: 0,
            visit_started_at: 0,
            last_seen_at: 0,
            pages: vec![PageView { url: page.to_owned(), title: String::new(), at: 0 }],
        }
    }

    #[test]
    fn tv_03_a_rule_fits_by_site_language_and_page_and_by_nothing_else() {
        let rule = RoutingRule {
            active: true,
            site: None,
            language: None,
            page_contains: None,
            team: TeamId(4),
            fallback_after_s: 60,
        };
        let es = RoutingRule { language: Some("es".to_owned()), ..rule.clone() };
        let brazil = RoutingRule { language: Some("pt-br".to_owned()), ..rule.clone() };
        let returns = RoutingRule { page_contains: Some("/Returns".to_owned()), ..rule.clone() };
        let here = vic("es-MX", "https://shop.example/RETURNS/7");
        assert!(fits(&rule, &here) && fits(&es, &here) && fits(&returns, &here));
        assert!(fits(&es, &vic("ES", "")) && !fits(&es, &vic("est", "")) && !fits(&es, &vic("", "")));
        assert!(fits(&brazil, &vic("pt-BR", "")) && !fits(&brazil, &vic("pt", "")));
        assert!(!fits(&returns, &vic("es", "https://shop.example/tea")));
        assert!(!fits(&RoutingRule { active: false, ..rule.clone() }, &here));
        assert!(!fits(&RoutingRule { site: Some(SiteId(9)), ..rule }, &here));
    }
}
