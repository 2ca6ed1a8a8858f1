//! Who may see whose customers. What follows from roles, flags, teams and memberships is kept in one small table,
//! `sees`, which every question about visibility asks by its key.

use std::collections::{BTreeSet, HashSet};

use deskbell_protocol::{AgentId, ConversationId, EntityKind, Number, Role, SiteId, TeamId};

use super::agents::role_from;
use super::batch::Write;
use super::database::{self, Connection, params};
use super::{Outcome, conversations, participants, queries};
use crate::authorize::answers_visitors;

queries! {
    ROLE = "SELECT role FROM agent WHERE id = ?1 AND active = 1";
    SEES = "SELECT 1 FROM sees WHERE agent = ?1 AND site = ?2";
    SITES_OF = "SELECT site FROM sees WHERE agent = ?1";
    SEEN_OF_FEW = "SELECT agent, site FROM sees";
    /// What the roles, flags and memberships come to. The roles are owner, admin and supervisor.
    DUE_OF_FEW = "SELECT agent.id, site.id FROM agent CROSS JOIN site
        WHERE agent.active = 1 AND agent.customer_facing = 1
            AND (agent.role IN (2, 1, 3) OR agent.across_sites = 1 OR site.members_only = 0
                OR EXISTS (SELECT 1 FROM site_agent WHERE site_agent.site = site.id AND site_agent.agent = agent.id)
                OR EXISTS (SELECT 1 FROM site_team JOIN team_member ON team_member.team = site_team.team
                    WHERE site_team.site = site.id AND team_member.agent = agent.id))";
    ADD = "INSERT INTO sees (agent, site) VALUES (?1, ?2)";
    DROP = "DELETE FROM sees WHERE agent = ?1 AND site = ?2";
    HAS_DEVICE = "SELECT 1 FROM device WHERE agent = ?1 LIMIT 1";
    HAS_VISITORS = "SELECT 1 FROM visitor WHERE site = ?1 LIMIT 1";
    ROLES_OF_TEAM = "SELECT agent.role FROM team_member
        CROSS JOIN sees ON sees.agent = team_member.agent AND sees.site = ?2
        CROSS JOIN agent ON agent.id = team_member.agent WHERE team_member.team = ?1";
}

/// Messages that come at once with a conversation that is shown; older ones are asked for.
const SHOWN_MESSAGES: i64 = 30;

/// What an agent may do. `None`: there is no such agent, or no longer.
pub(crate) fn role(connection: &Connection, agent: AgentId) -> database::Result<Option<Role>> {
    let code: Option<i64> = connection.find(ROLE, params![agent.0], |row| row.get(0))?;
    Ok(code.map(role_from))
}

/// Whether an agent may see the customers of a site.
pub(crate) fn sees(connection: &Connection, agent: AgentId, site: SiteId) -> database::Result<bool> {
    connection.has(SEES, params![agent.0, site.0])
}

/// Whether an agent answers visitors at all.
pub(crate) fn answers(connection: &Connection, agent: AgentId) -> database::Result<bool> {
    Ok(role(connection, agent)?.is_some_and(answers_visitors))
}

/// Whether an agent may see a conversation of a site: they see the site, or they take part.
pub(crate) fn sees_conversation(
    connection: &Connection,
    agent: AgentId,
    site: SiteId,
    conversation: ConversationId,
) -> database::Result<bool> {
    Ok(sees(connection, agent, site)? || participants::takes_part(connection, agent, conversation)?)
}

/// The sites whose customers an agent may see.
pub(crate) fn sites_of(connection: &Connection, agent: AgentId) -> database::Result<HashSet<SiteId>> {
    connection.all(SITES_OF, params![agent.0], |row| row.get(0).map(SiteId))
}

/// Whether somebody of a team answers the visitors of a site.
pub(crate) fn team_answers(connection: &Connection, team: TeamId, site: SiteId) -> database::Result<bool> {
    let roles: Vec<i64> = connection.all(ROLES_OF_TEAM, params![team.0, site.0], |row| row.get(0))?;
    Ok(roles.into_iter().any(|role| answers_visitors(role_from(role))))
}

fn pairs(connection: &Connection, sql: &str) -> database::Result<BTreeSet<(i64, i64)>> {
    connection.all(sql, params![], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Makes `sees` true again, without telling anybody.
pub(in crate::store) fn fill(connection: &Connection) -> database::Result<()> {
    for (agent, site) in pairs(connection, DUE_OF_FEW)? {
        connection.change(ADD, params![agent, site])?;
    }
    Ok(())
}

/// Makes `sees` true again after a role, a flag, a team or a membership changed, and says so in the log: whoever sees
/// a site no more forgets it with all that is on it; whoever sees it newly is shown it. Who sees a site no more.
pub(crate) fn settle(write: &mut Write<'_>) -> Outcome<BTreeSet<AgentId>> {
    let before = pairs(write.connection, SEEN_OF_FEW)?;
    let now = pairs(write.connection, DUE_OF_FEW)?;
    let mut blind = BTreeSet::new();
    for (agent, site) in before.difference(&now).copied() {
        blind.insert(AgentId(agent));
        write.connection.change(DROP, params![agent, site])?;
        write.forget(EntityKind::Site, site, agent)?;
        for conversation in participants::on_site(write.connection, AgentId(agent), SiteId(site))? {
            show_conversation(write, conversation, AgentId(agent))?;
        }
    }
    for (agent, site) in now.difference(&before).copied() {
        write.connection.change(ADD, params![agent, site])?;
        // Where nobody ever signed in, nobody can have missed anything.
        if !write.connection.has(HAS_DEVICE, params![agent])? {
            continue;
        }
        // Of a site without visitors there is nothing to show but the site itself.
        if write.connection.has(HAS_VISITORS, params![site])? {
            write.show(EntityKind::Site, site, agent)?;
        } else {
            write.touch(EntityKind::Site, site)?;
        }
    }
    Ok(blind)
}

/// Shows an agent a conversation that they see only because they take part in it: whatever they have of an earlier time is
/// forgotten, and its newest messages, whom it is with and how far they have read come anew. They come after that, also
/// where others were shown the same before.
pub(crate) fn show_conversation(write: &mut Write<'_>, id: ConversationId, agent: AgentId) -> Outcome<()> {
    let Some(found) = conversations::find(write.connection, id)? else { return Ok(()) };
    if !found.is_internal() && sees(write.connection, agent, found.site)? {
        return Ok(());
    }
    write.show(EntityKind::Conversation, id.0, agent.0)?;
    if !found.is_internal() {
        write.touch_last(EntityKind::Contact, found.contact.0, None)?;
        write.touch_last(EntityKind::Visitor, found.visitor.0, None)?;
    }
    write.touch_last(EntityKind::Conversation, id.0, Some(id))?;
    if conversations::find_read_mark(write.connection, agent, id)?.is_some() {
        write.touch_for(EntityKind::ReadMark, id.0, agent.0)?;
    }
    let newest = conversations::last_messages(write.connection, id, Number::MAX, true, SHOWN_MESSAGES)?;
    for (message, _) in newest.into_iter().rev() {
        write.touch_for(EntityKind::Message, message.0, agent.0)?;
    }
    Ok(())
}

/// Lets an agent forget a conversation in which they take part no more, unless they see its site.
pub(crate) fn hide_conversation(write: &mut Write<'_>, id: ConversationId, agent: AgentId) -> Outcome<()> {
    let Some(found) = conversations::find(write.connection, id)? else { return Ok(()) };
    if !found.is_internal() && sees(write.connection, agent, found.site)? {
        return Ok(());
    }
    write.forget(EntityKind::Conversation, id.0, agent.0)?;
    let seen_still = |entity, id| -> database::Result<bool> {
        Ok(participants::seeing(write.connection, entity, id, agent.0)?.contains(&agent))
    };
    let people = [(EntityKind::Visitor, found.visitor.0), (EntityKind::Contact, found.contact.0)];
    for (entity, id) in people.into_iter().filter(|_| !found.is_internal()) {
        if !seen_still(entity, id)? {
            write.forget(entity, id, agent.0)?;
        }
    }
    Ok(())
}
