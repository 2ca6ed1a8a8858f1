//! Colleagues whom a note mentions, and agents who follow a conversation though others may answer.

use deskbell_protocol::{
    Agent, AgentId, Conversation, ConversationId, EntityKind, FOLLOWERS_MAX, MENTIONS_MAX, MessageId, MessageKind,
    Refusal, Seq,
};

use crate::authorize::{Action, Principal};
use crate::commands::{Made, open, unchanged_since};
use crate::store::batch::Write;
use crate::store::{Failure, Outcome, agents, followers, rights};

/// Whom a message may mention, each once. Nobody is told of what they may not see, and nothing of it reaches a visitor.
pub(crate) fn mentioned(
    write: &Write<'_>,
    conversation: &Conversation,
    kind: MessageKind,
    mut ids: Vec<AgentId>,
) -> Outcome<Vec<AgentId>> {
    let refused = |rule: &str| Failure::from(Refusal::invalid("mentions", rule));
    if ids.len() > MENTIONS_MAX {
        return Err(refused(&format!("at most {MENTIONS_MAX}")));
    }
    if kind != MessageKind::Note && !ids.is_empty() {
        return Err(refused("stand in notes alone; in a reply `@` is plain text"));
    }
    ids.sort_unstable();
    ids.dedup();
    for id in &ids {
        let agent = agents::find(write.connection, *id)?.filter(|agent| agent.active);
        let Agent { name, .. } = agent.ok_or_else(|| refused("names somebody who is no agent"))?;
        if !rights::sees_conversation(write.connection, *id, conversation.site, conversation.id)? {
            return Err(refused(&format!("{name} does not see this conversation; let them take part in it first")));
        }
    }
    Ok(ids)
}

/// Says whom a message mentions, and lets them follow. The caller stores the conversation.
///
/// Whoever takes part in a conversation among the team is told of all of it and follows nothing.
pub(crate) fn mention(
    write: &mut Write<'_>,
    conversation: &mut Conversation,
    message: MessageId,
    mentions: &[AgentId],
) -> Outcome<()> {
    followers::mention(write.connection, message, mentions)?;
    if conversation.is_internal() {
        return Ok(());
    }
    for agent in mentions {
        add(write, conversation, *agent, "mentions")?;
    }
    Ok(())
}

fn add(write: &mut Write<'_>, conversation: &mut Conversation, agent: AgentId, field: &str) -> Outcome<()> {
    let Err(place) = conversation.followers.binary_search(&agent) else { return Ok(()) };
    if conversation.followers.len() >= FOLLOWERS_MAX {
        return Err(Refusal::invalid(field, &format!("at most {FOLLOWERS_MAX} follow a conversation")).into());
    }
    followers::follow(write.connection, conversation.id, agent)?;
    conversation.followers.insert(place, agent);
    Ok(())
}

/// Follows a conversation, or no more.
pub(crate) fn change(
    write: &mut Write<'_>,
    principal: Principal,
    id: ConversationId,
    following: bool,
    if_rev: Option<Seq>,
) -> Outcome<Made> {
    let Principal::Agent(me) = principal else { return Err(Failure::not_found("conversation")) };
    let mut conversation = open(write, &principal, Action::Follow, id)?;
    unchanged_since(write, &principal, EntityKind::Conversation, id.0, if_rev)?;
    if conversation.followers.contains(&me) != following {
        if following {
            add(write, &mut conversation, me, "following")?;
        } else {
            followers::unfollow(write.connection, id, me)?;
        }
        write.touch_in(EntityKind::Conversation, id.0, id)?;
    }
    Ok((Some(id.0), None))
}
