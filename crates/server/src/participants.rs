//! Conversations among the team, and agents who take part in a conversation without having it.

use deskbell_protocol::{
    Agent, AgentId, Author, ClientId, Conversation, ConversationId, ConversationKind, EntityKind, MESSAGE_TEXT_MAX,
    MessageKind, PARTICIPANTS_MAX, ReadMark, Refusal, Seq, TITLE_MAX,
};

use crate::assignment;
use crate::authorize::{Action, Principal, authorize};
use crate::commands::{Made, desk_says, move_read_mark, open, say, store, unchanged_since};
use crate::people::Actor;
use crate::store::batch::Write;
use crate::store::conversations::{ADDED, LEFT};
use crate::store::{Failure, Outcome, agents, conversations, participants, rights};
use crate::text;

/// The agent who asks.
fn asker(write: &Write<'_>, principal: Principal) -> Outcome<Agent> {
    let Principal::Agent(me) = principal else { return Err(Failure::not_found("conversation")) };
    agents::find(write.connection, me)?.ok_or_else(|| Failure::not_found("agent"))
}

/// Agents who are there, each once.
fn colleagues(write: &Write<'_>, field: &str, mut ids: Vec<AgentId>) -> Outcome<Vec<Agent>> {
    if ids.len() > PARTICIPANTS_MAX {
        return Err(Refusal::invalid(field, &format!("at most {PARTICIPANTS_MAX}")).into());
    }
    ids.sort_unstable();
    ids.dedup();
    let found = ids.into_iter().map(|id| {
        let agent = agents::find(write.connection, id)?.filter(|agent| agent.active);
        agent.ok_or_else(|| Refusal::invalid(field, "names somebody who is no agent").into())
    });
    found.collect()
}

/// Writes to colleagues: in the direct conversation with one of them, or in a new group.
pub(crate) fn start(
    write: &mut Write<'_>,
    principal: Principal,
    client_id: &ClientId,
    to: Vec<AgentId>,
    title: &str,
    text: &str,
) -> Outcome<Made> {
    let me = asker(write, principal)?;
    let title = text::field("title", title, TITLE_MAX)?;
    let text = text::long_field("text", text, MESSAGE_TEXT_MAX)?;
    if text.trim().is_empty() {
        return Err(Refusal::invalid("text", "must not be empty").into());
    }
    let mut others = colleagues(write, "agents", to)?;
    others.retain(|agent| agent.id != me.id);
    let other = match (others.as_slice(), title.is_empty()) {
        ([], _) => return Err(Refusal::invalid("agents", "must name a colleague").into()),
        ([other], true) => Some(other.id),
        (_, true) => return Err(Refusal::invalid("title", "must not be empty with more than one colleague").into()),
        (_, false) if others.len() >= PARTICIPANTS_MAX => {
            return Err(Refusal::invalid("agents", &format!("at most {PARTICIPANTS_MAX} with the sender")).into());
        }
        (_, false) => None,
    };
    let at_hand = match other {
        Some(other) => participants::direct(write.connection, me.id, other)?,
        None => None,
    };
    let mut conversation = match at_hand {
        Some(id) => open(write, &principal, Action::WriteNote, id)?,
        None => begin(write, &me, &others, title)?,
    };
    let author = Author::Agent { id: me.id, name: me.name };
    // Nothing that is said among the team is a reply, so that nothing on the way to visitors takes it for one.
    let (_, number) = say(write, &mut conversation, author, MessageKind::Note, text, Some(client_id.clone()), &[])?;
    store(write, &conversation)?;
    move_read_mark(write, me.id, ReadMark { conversation: conversation.id, number })?;
    Ok((Some(conversation.id.0), Some(number)))
}

/// Makes a conversation among the team. The caller stores it.
fn begin(write: &mut Write<'_>, me: &Agent, others: &[Agent], title: String) -> Outcome<Conversation> {
    let id = ConversationId(write.new_id());
    let conversation = Conversation { title, ..conversations::empty(id, ConversationKind::Internal, write.now) };
    conversations::add(write.connection, &conversation)?;
    for agent in std::iter::once(me).chain(others) {
        add(write, &conversation, agent.id, me)?;
    }
    if let ([other], true) = (others, conversation.is_direct()) {
        participants::add_direct(write.connection, me.id, other.id, conversation.id)?;
    }
    Ok(conversation)
}

fn add(write: &mut Write<'_>, conversation: &Conversation, agent: AgentId, by: &Agent) -> Outcome<()> {
    let (id, now) = (write.new_id(), write.now);
    Ok(participants::add(write.connection, id, conversation.id, agent, by.id, now)?)
}

/// Lets agents take part in a conversation, or no more.
pub(crate) fn change(
    write: &mut Write<'_>,
    principal: Principal,
    id: ConversationId,
    to_add: Vec<AgentId>,
    mut to_remove: Vec<AgentId>,
    if_rev: Option<Seq>,
) -> Outcome<Made> {
    let mut conversation = open(write, &principal, Action::ChangeParticipants, id)?;
    unchanged_since(write, &principal, EntityKind::Conversation, id.0, if_rev)?;
    let me = asker(write, principal)?;
    if conversation.is_direct() {
        let words = "is a direct one, in which two take part; begin a group to talk with more";
        return Err(Refusal::invalid("conversation", words).into());
    }
    to_remove.retain(|agent| !to_add.contains(agent));
    let only_myself = to_add.is_empty() && to_remove.iter().all(|agent| *agent == me.id);
    if !only_myself && !conversation.is_internal() {
        // Whoever may not give a conversation to somebody else may not show it to them either.
        authorize(write.connection, &principal, Action::Assign, &conversation)?;
    }
    if conversation.is_internal() && to_remove.iter().any(|agent| *agent != me.id) {
        return Err(Refusal::invalid("remove", "may name oneself alone in a group of the team").into());
    }
    let mut coming = colleagues(write, "add", to_add)?;
    coming.retain(|agent| !conversation.participants.contains(&agent.id));
    to_remove.sort_unstable();
    to_remove.dedup();
    to_remove.retain(|agent| conversation.participants.contains(agent));
    if conversation.participants.len() + coming.len() - to_remove.len() > PARTICIPANTS_MAX {
        return Err(Refusal::invalid("add", &format!("at most {PARTICIPANTS_MAX} take part")).into());
    }
    for agent in &coming {
        add(write, &conversation, agent.id, &me)?;
        rights::show_conversation(write, id, agent.id)?;
        // What was written last is news to them.
        let number = (conversation.last_number - 1).max(0);
        move_read_mark(write, agent.id, ReadMark { conversation: id, number })?;
    }
    for agent in &coming {
        desk_says(write, &mut conversation, &format!("{ADDED}{}", agent.name))?;
        told(write, &me, "add participant", id, agent)?;
    }
    for agent in &to_remove {
        let Some(agent) = agents::find(write.connection, *agent)? else { continue };
        participants::leave(write.connection, id, agent.id, me.id, write.now)?;
        rights::hide_conversation(write, id, agent.id)?;
        desk_says(write, &mut conversation, &format!("{LEFT}{}", agent.name))?;
        told(write, &me, "remove participant", id, &agent)?;
    }
    if !to_remove.is_empty() {
        assignment::let_go_lost(write, &mut conversation)?;
    }
    if !coming.is_empty() || !to_remove.is_empty() {
        store(write, &conversation)?;
    }
    Ok((Some(id.0), None))
}

/// Writes down who took part when. What was said stays with those who take part.
fn told(write: &mut Write<'_>, me: &Agent, action: &str, id: ConversationId, who: &Agent) -> Outcome<()> {
    Actor::by_command(me).did(write, action, "conversation", Some(id.0), format!("{} <{}>", who.name, who.email))
}
