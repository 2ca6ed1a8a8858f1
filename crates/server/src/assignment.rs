//! Conversations that the desk gives to agents by itself: to one who is there, takes conversations and has room, by the
//! rule of the conversation's team or of the desk. What was given, and when it goes back, stands in the database alone;
//! who is there is asked anew each time.

use std::collections::hash_map::Entry;
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
use crate::store::assignments::{self, Candidate, Unassigned};
use crate::store::batch::Write;
use crate::store::{Connection, Outcome, conversations, rights};

/// Most open conversations that somebody may be given.
const CAPACITY_MAX: u32 = 1_000;
/// Seconds after which a conversation may go back.
const BACK_S: RangeInclusive<u32> = 10..=3_600;
/// Conversations that one transaction gives.
const AT_ONCE: usize = 64;
/// Conversations that one transaction takes back.
const BACK_AT_ONCE: i64 = 64;
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

    /// Who gets a conversation by which rule, if it is to be given now.
    fn choose(&mut self, connection: &Connection, waits: &Unassigned) -> Outcome<Option<(Candidate, Assignment)>> {
        let Unassigned { id, site, team, since } = *waits;
        let rule = match self.rules.get(&team) {
            Some(rule) => *rule,
            None => *self.rules.entry(team).or_insert(assignments::rule(connection, team)?),
        };
        if rule.rule == AssignmentRule::Off {
            return Ok(None);
        }
        let free = match self.free.entry((site, team)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let mut free = assignments::candidates(connection, site, team)?;
                free.retain(|agent| self.online.contains(&agent.agent) && agent.open < i64::from(rule.capacity));
                match rule.rule {
                    AssignmentRule::LeastBusy => free.sort_by_key(|agent| (agent.open, agent.turn, agent.agent)),
                    AssignmentRule::RoundRobin | AssignmentRule::Off => {
                        free.sort_by_key(|agent| (agent.turn, agent.agent));
                    }
                }
                unknown.insert(free)
            }
        };
        for agent in free.iter() {
            // Whoever had it while this visitor waited has let it go: it is not pressed upon them.
            if !assignments::has_let_go(connection, id, agent.agent, since)? {
                return Ok(Some((agent.clone(), rule)));
            }
        }
        Ok(None)
    }

    /// Gives a conversation to somebody, if it is to be given now.
    fn give(&mut self, write: &mut Write<'_>, mut conversation: Conversation) -> Outcome<()> {
        let Some(waits) = Unassigned::of(&conversation) else { return Ok(()) };
        let Some((to, rule)) = self.choose(write.connection, &waits)? else { return Ok(()) };
        conversation.assignee = Some(to.agent);
        desk_says(write, &mut conversation, &said::assigned(&to.name))?;
        store(write, &conversation)?;
        let back_at = (rule.back_after_s > 0).then(|| write.now.saturating_add(i64::from(rule.back_after_s) * 1000));
        assignments::give(write.connection, waits.id, to.agent, waits.since, back_at)?;
        // Everybody's turn and room may be another one now.
        self.free.clear();
        Ok(())
    }
}

/// Gives one conversation to somebody of those who are there, if it is to be given.
pub(crate) fn give(write: &mut Write<'_>, id: ConversationId, online: &BTreeSet<AgentId>) -> Outcome<()> {
    if assignments::largest_capacity(write.connection)?.is_none() {
        return Ok(());
    }
    match conversations::find(write.connection, id)? {
        Some(found) => Dispatcher::new(online).give(write, found),
        None => Ok(()),
    }
}

/// The conversations that have waited longest of those that each could be given now to somebody who is there, at most
/// `limit`. Most changes leave nothing to give, and looking costs no commit.
pub(crate) fn givable(connection: &Connection, online: &BTreeSet<AgentId>, limit: usize) -> Outcome<Vec<Unassigned>> {
    let Some(capacity) = assignments::largest_capacity(connection)? else { return Ok(Vec::new()) };
    // However many wait, nobody can be given one.
    if !assignments::has_room(connection, online, capacity)? {
        return Ok(Vec::new());
    }
    let mut dispatcher = Dispatcher::new(online);
    assignments::waiting(connection, limit, |waits| Ok(dispatcher.choose(connection, waits)?.is_some()))
}

/// Gives these conversations to those who are there, as far as they have room.
pub(crate) fn give_all(write: &mut Write<'_>, waiting: &[Unassigned], online: &BTreeSet<AgentId>) -> Outcome<()> {
    let mut dispatcher = Dispatcher::new(online);
    for waits in waiting {
        // Whoever was free may have been given an earlier one.
        if dispatcher.choose(write.connection, waits)?.is_some()
            && let Some(found) = conversations::find(write.connection, waits.id)?
        {
            dispatcher.give(write, found)?;
        }
    }
    Ok(())
}

/// Takes at most `limit` conversations back whose time has passed and that nobody has answered.
pub(crate) fn take_back(write: &mut Write<'_>, limit: i64) -> Outcome<()> {
    for id in assignments::due(write.connection, write.now, limit)? {
        let found = conversations::find(write.connection, id)?;
        let open = found.filter(|found| found.state == ConversationState::Open);
        let unanswered = match &open {
            Some(found) => assignments::unanswered(write.connection, found)?,
            None => None,
        };
        assignments::forget(write.connection, id)?;
        if let Some((mut conversation, agent)) = open.zip(unanswered) {
            if let Some(since) = conversation.waiting_since {
                assignments::let_go(write.connection, id, agent, since)?;
            }
            conversation.assignee = None;
            desk_says(write, &mut conversation, said::UNASSIGNED)?;
            store(write, &conversation)?;
        }
    }
    Ok(())
}

/// Makes a conversation nobody's. A team of which nobody may answer it lets it go as well, or nobody would hear of it.
/// The caller stores it.
pub(crate) fn let_go(write: &mut Write<'_>, conversation: &mut Conversation) -> Outcome<()> {
    assignments::forget(write.connection, conversation.id)?;
    conversation.assignee = None;
    if let Some(team) = conversation.team
        && !rights::team_answers(write.connection, team, conversation.site)?
    {
        conversation.team = None;
    }
    desk_says(write, conversation, said::UNASSIGNED)
}

/// Lets a conversation go whose agent does not see it, may not answer it, or is not there any more, or that waits at a team
/// of which nobody may answer it: what its visitor writes would reach nobody. False: it is everybody's, or in good hands.
/// The caller stores it.
pub(crate) fn let_go_lost(write: &mut Write<'_>, conversation: &mut Conversation) -> Outcome<bool> {
    let (site, connection) = (conversation.site, write.connection);
    let is_lost = match (conversation.assignee, conversation.team) {
        (Some(agent), _) => {
            !rights::answers(connection, agent)?
                || !rights::sees_conversation(connection, agent, site, conversation.id)?
        }
        (None, Some(team)) => !rights::team_answers(connection, team, site)?,
        (None, None) => false,
    };
    if is_lost {
        let_go(write, conversation)?;
    }
    Ok(is_lost)
}

/// Lets the open conversations go that these agents have and do not see, or may not answer, any more. What is closed or
/// put off, which may be all that somebody had in years, is let go when it is opened again.
pub(crate) fn let_go_of_lost(write: &mut Write<'_>, agents: impl IntoIterator<Item = AgentId>) -> Outcome<()> {
    for agent in agents {
        let_go_all(write, assignments::held(write.connection, agent)?)?;
    }
    Ok(())
}

/// Lets the conversations go in which a visitor waits for a team of which nobody may answer any more. Where nobody waits,
/// it is let go when the visitor writes again.
pub(crate) fn let_go_of_lost_teams(write: &mut Write<'_>) -> Outcome<()> {
    let connection = write.connection;
    let lost = assignments::waiting(connection, usize::MAX, |waits| match waits.team {
        Some(team) => Ok(!rights::team_answers(connection, team, waits.site)?),
        None => Ok(false),
    })?;
    let_go_all(write, lost.into_iter().map(|waits| waits.id))
}

fn let_go_all(write: &mut Write<'_>, lost: impl IntoIterator<Item = ConversationId>) -> Outcome<()> {
    for id in lost {
        if let Some(mut conversation) = conversations::find(write.connection, id)?
            && let_go_lost(write, &mut conversation)?
        {
            store(write, &conversation)?;
        }
    }
    Ok(())
}

/// Gives and takes back until cancelled.
pub(crate) async fn run(core: Arc<Core>, cancelled: CancellationToken) {
    let failed = "conversations could not be given to agents";
    deadlines::keep(cancelled, &core.hub.assigning, GATHER, failed, || look(&core)).await;
}

/// Does what is due. When the next is: what goes back now makes the desk look again, and is given on then.
async fn look(core: &Core) -> Outcome<Option<Timestamp>> {
    loop {
        let online = core.hub.agents_online();
        let asked = online.clone();
        let waiting = core.readers.read(move |connection| givable(connection, &asked, AT_ONCE)).await?;
        if waiting.is_empty() {
            break;
        }
        core.writer.submit(move |write| give_all(write, &waiting, &online)).await?;
    }
    deadlines::look(core, assignments::due, assignments::next_due, || {
        core.writer.submit(|write| take_back(write, BACK_AT_ONCE))
    })
    .await
}
