//! Conversations that the desk gives to agents by itself: to one who is there, takes conversations and has room, by the
//! rule of the conversation's team or of the desk. What was given, and when it goes back, stands in the database alone;
//! who is there is asked anew each time.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use deskbell_protocol::{
    AgentId, Assignment, AssignmentRule, Conversation, ConversationId, ConversationState, Refusal, SiteId, TeamId,
    Timestamp,
};
use tokio_util::sync::CancellationToken;

use crate::commands::{desk_says, said, store};
use crate::deadlines;
use crate::desk::Core;
use crate::store::assignments::{self, Candidate};
use crate::store::batch::Write;
use crate::store::{Connection, Outcome, conversations, rights};

/// Most open conversations that somebody may be given.
const CAPACITY_MAX: u32 = 1_000;
/// Seconds after which a conversation may go back.
const BACK_S: RangeInclusive<u32> = 10..=3_600;
/// Conversations that one transaction gives, or takes back.
const AT_ONCE: i64 = 64;
/// Changes are gathered for so long.
const GATHER: Duration = Duration::from_millis(20);

/// A rule within its bounds.
pub(crate) fn checked(given: Assignment) -> Result<Assignment, Refusal> {
    if !(1..=CAPACITY_MAX).contains(&given.capacity) {
        return Err(Refusal::invalid("assignment.capacity", &format!("is 1 to {CAPACITY_MAX}")));
    }
    if given.back_after_s != 0 && !BACK_S.contains(&given.back_after_s) {
        let (least, most) = (BACK_S.start(), BACK_S.end());
        return Err(Refusal::invalid("assignment.back_after_s", &format!("is {least} to {most}, or 0 for never")));
    }
    Ok(given)
}

/// A conversation that is to be given.
struct Choice {
    conversation: Conversation,
    /// Since when its visitor waits.
    since: Timestamp,
    to: Candidate,
    rule: Assignment,
}

/// Chooses who is given a conversation.
struct Dispatcher<'o> {
    online: &'o BTreeSet<AgentId>,
    rules: HashMap<Option<TeamId>, Assignment>,
    /// Who has room, among those who are there.
    free: HashMap<(SiteId, Option<TeamId>), Vec<Candidate>>,
}

impl<'o> Dispatcher<'o> {
    fn new(online: &'o BTreeSet<AgentId>) -> Self {
        Self { online, rules: HashMap::new(), free: HashMap::new() }
    }

    /// Who gets a conversation, if it is to be given now.
    fn choose(&mut self, connection: &Connection, id: ConversationId) -> Outcome<Option<Choice>> {
        let Some(found) = conversations::find(connection, id)? else { return Ok(None) };
        let (ConversationState::Open, None, Some(since)) = (found.state, found.assignee, found.waiting_since) else {
            return Ok(None);
        };
        let rule = match self.rules.get(&found.team) {
            Some(rule) => *rule,
            None => *self.rules.entry(found.team).or_insert(assignments::rule(connection, found.team)?),
        };
        if rule.rule == AssignmentRule::Off {
            return Ok(None);
        }
        let place = (found.site, found.team);
        if !self.free.contains_key(&place) {
            let mut free = assignments::candidates(connection, found.site, found.team)?;
            free.retain(|agent| self.online.contains(&agent.agent) && agent.open < i64::from(rule.capacity));
            match rule.rule {
                AssignmentRule::LeastBusy => free.sort_by_key(|agent| (agent.open, agent.turn, agent.agent)),
                AssignmentRule::RoundRobin | AssignmentRule::Off => free.sort_by_key(|agent| (agent.turn, agent.agent)),
            }
            self.free.insert(place, free);
        }
        for agent in self.free.get(&place).into_iter().flatten() {
            // Whoever had it while this visitor waited has let it go: it is not pressed upon them.
            if !assignments::has_let_go(connection, id, agent.agent, since)? {
                return Ok(Some(Choice { conversation: found, since, to: agent.clone(), rule }));
            }
        }
        Ok(None)
    }

    /// Gives a conversation to somebody, if it is to be given now.
    fn give(&mut self, write: &mut Write<'_>, id: ConversationId) -> Outcome<bool> {
        let Some(choice) = self.choose(write.connection, id)? else { return Ok(false) };
        let Choice { mut conversation, since, to, rule } = choice;
        conversation.assignee = Some(to.agent);
        desk_says(write, &mut conversation, &said::assigned(&to.name))?;
        store(write, &conversation)?;
        let back_at = (rule.back_after_s > 0).then(|| write.now.saturating_add(i64::from(rule.back_after_s) * 1000));
        assignments::give(write.connection, id, to.agent, since, back_at)?;
        // Everybody's turn and room may be another one now.
        self.free.clear();
        Ok(true)
    }
}

/// Gives one conversation to somebody of those who are there, if it is to be given.
pub(crate) fn give(write: &mut Write<'_>, id: ConversationId, online: &BTreeSet<AgentId>) -> Outcome<bool> {
    if !assignments::any_rule(write.connection)? {
        return Ok(false);
    }
    Dispatcher::new(online).give(write, id)
}

/// Gives at most `limit` conversations that wait, the longest waiting first. How many they were.
pub(crate) fn give_waiting(write: &mut Write<'_>, online: &BTreeSet<AgentId>, limit: i64) -> Outcome<i64> {
    let (mut dispatcher, mut given) = (Dispatcher::new(online), 0);
    for id in assignments::waiting(write.connection)? {
        if given < limit && dispatcher.give(write, id)? {
            given += 1;
        }
    }
    Ok(given)
}

/// Takes at most `limit` conversations back whose time has passed and that nobody has answered. How many it looked at.
pub(crate) fn take_back(write: &mut Write<'_>, limit: i64) -> Outcome<usize> {
    let due = assignments::due(write.connection, write.now, limit)?;
    for id in &due {
        let found = conversations::find(write.connection, *id)?;
        let open = found.filter(|found| found.state == ConversationState::Open);
        let unanswered = match &open {
            Some(found) => assignments::unanswered(write.connection, found)?,
            None => None,
        };
        assignments::forget(write.connection, *id)?;
        if let Some((mut conversation, agent)) = open.zip(unanswered) {
            if let Some(since) = conversation.waiting_since {
                assignments::let_go(write.connection, *id, agent, since)?;
            }
            conversation.assignee = None;
            desk_says(write, &mut conversation, said::UNASSIGNED)?;
            store(write, &conversation)?;
        }
    }
    Ok(due.len())
}

/// Makes a conversation nobody's. A team of which nobody sees it lets it go as well, or nobody would hear of it. The caller
/// stores it.
pub(crate) fn let_go(write: &mut Write<'_>, conversation: &mut Conversation) -> Outcome<()> {
    assignments::forget(write.connection, conversation.id)?;
    conversation.assignee = None;
    if let Some(team) = conversation.team
        && !rights::team_sees(write.connection, team.0, conversation.site)?
    {
        conversation.team = None;
    }
    desk_says(write, conversation, said::UNASSIGNED)
}

/// Lets a conversation go whose agent does not see it, or is not there any more: what its visitor writes would reach nobody.
/// False: it is nobody's, or in good hands. The caller stores it.
pub(crate) fn let_go_unseen(write: &mut Write<'_>, conversation: &mut Conversation) -> Outcome<bool> {
    let Some(agent) = conversation.assignee else { return Ok(false) };
    if rights::role(write.connection, agent)?.is_some()
        && rights::sees_conversation(write.connection, agent, conversation.site, conversation.id)?
    {
        return Ok(false);
    }
    let_go(write, conversation)?;
    Ok(true)
}

/// Lets the open conversations go that these agents have and do not see any more. What is closed or put off, which may be
/// all that somebody had in years, is let go when it is opened again.
pub(crate) fn let_go_of_blind(write: &mut Write<'_>, agents: impl IntoIterator<Item = AgentId>) -> Outcome<()> {
    for agent in agents {
        for id in assignments::held(write.connection, agent)? {
            if let Some(mut conversation) = conversations::find(write.connection, id)?
                && let_go_unseen(write, &mut conversation)?
            {
                store(write, &conversation)?;
            }
        }
    }
    Ok(())
}

/// Gives and takes back until cancelled.
pub(crate) async fn run(core: Arc<Core>, cancelled: CancellationToken) {
    let failed = "conversations could not be given to agents";
    deadlines::keep(cancelled, &core.hub.assigning, GATHER, failed, || look(&core)).await;
}

/// Whether anything is to be given. Most changes leave nothing to do, and looking costs no commit.
fn can_give(connection: &Connection, online: &BTreeSet<AgentId>) -> Outcome<bool> {
    if online.is_empty() || !assignments::any_rule(connection)? {
        return Ok(false);
    }
    let mut dispatcher = Dispatcher::new(online);
    for id in assignments::waiting(connection)? {
        if dispatcher.choose(connection, id)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Does what is due. When the next is.
async fn look(core: &Core) -> Outcome<Option<Timestamp>> {
    let due = |now| move |connection: &Connection| Ok(!assignments::due(connection, now, 1)?.is_empty());
    while core.readers.glance(due(crate::clock())).await? {
        core.writer.submit(|write| take_back(write, AT_ONCE)).await?;
    }
    loop {
        let online = core.hub.agents_online();
        let asked = online.clone();
        if !core.readers.read(move |connection| can_give(connection, &asked)).await? {
            break;
        }
        core.writer.submit(move |write| give_waiting(write, &online, AT_ONCE)).await?;
    }
    core.readers.glance(|connection| Ok(assignments::next_due(connection)?)).await
}
