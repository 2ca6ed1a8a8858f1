//! Conversations among the team, and who takes part in a conversation.

use deskbell_protocol::{Agent, AgentId, Command, MENTIONS_MAX, MESSAGE_TEXT_MAX, PARTICIPANTS_MAX, TITLE_MAX};

use crate::app::{App, Session};
use crate::commands::check_length;
use crate::text;
use crate::types::*;

/// Some of the team without me: those who are there first, by name.
fn others(session: &Session, agents: Vec<Agent>) -> Vec<Assignee> {
    let online = session.client.agents_online();
    let me = session.account.agent;
    let others = agents.into_iter().filter(|agent| agent.id != me);
    let mut others: Vec<Assignee> = others
        .map(|agent| Assignee { agent: agent.id, online: online.contains(&agent.id), name: agent.name })
        .collect();
    others.sort_by_key(|agent| (!agent.online, agent.name.to_lowercase(), agent.agent));
    others
}

impl App {
    /// Everybody else at a desk: those who are there first, by name.
    ///
    /// # Errors
    /// `signed_out`, or what the cache reports.
    pub async fn colleagues(&self, request: ForAccount) -> Result<Vec<Assignee>, ApiError> {
        self.read(request.account, move |session| {
            let colleagues = session.cache.colleagues()?;
            Ok(others(session, colleagues))
        })
        .await
    }

    /// Writes to colleagues: in the direct conversation with one, or with a title in a new group.
    ///
    /// # Errors
    /// `invalid` names the field; `offline` when the desk cannot be asked: the same may be asked again, and is done once.
    pub async fn start_internal(&self, request: StartInternal) -> Result<ForConversation, ApiError> {
        let StartInternal { account, agents, title, text } = request;
        check_length("title", &title, TITLE_MAX)?;
        check_length("text", &text, MESSAGE_TEXT_MAX)?;
        if text.trim().is_empty() {
            return Err(ApiError::invalid("text", "is required"));
        }
        if agents.is_empty() || agents.len() >= PARTICIPANTS_MAX {
            return Err(ApiError::invalid("agents", "are 1 to 99"));
        }
        let id = self.session(account)?.client.start_internal(agents, title, text).await?;
        Ok(ForConversation { conversation: ConversationRef::new(account, id) })
    }

    /// Who can be mentioned in a conversation, without me: those who see it, who are there first, by name.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn mentionable(&self, request: ForConversation) -> Result<Vec<Assignee>, ApiError> {
        let ConversationRef { account, id } = request.conversation;
        self.read(account, move |session| {
            let record = session.cache.conversation(id)?.ok_or_else(|| ApiError::not_found("conversation"))?;
            let seeing = session.cache.seeing(&record.conversation)?;
            Ok(others(session, seeing))
        })
        .await
    }

    /// Whom a note mentions: those who were chosen and whose names still stand in it.
    pub(crate) async fn mentions(&self, request: &SendMessage) -> Result<Vec<AgentId>, ApiError> {
        let (chosen, text) = (request.mentions.clone(), request.text.clone());
        let mentioned = self
            .read(request.conversation.account, move |session| {
                let agents = session.cache.colleagues()?.into_iter().filter(|agent| chosen.contains(&agent.id));
                let named: Vec<_> = agents.map(|agent| (agent.id, agent.name)).collect();
                Ok(text::mentioned(&text, &named))
            })
            .await?;
        if mentioned.len() > MENTIONS_MAX {
            return Err(ApiError::invalid("mentions", "are 20 at the most"));
        }
        Ok(mentioned)
    }

    /// Follows a conversation though others answer, or no more.
    ///
    /// # Errors
    /// `disk_full` when it could not be kept.
    pub async fn follow(&self, request: Follow) -> Result<Queued, ApiError> {
        let Follow { conversation: ConversationRef { account, id }, following } = request;
        self.submit(account, Command::Follow { conversation: id, following }, Vec::new()).await
    }

    /// Lets colleagues take part in a conversation, or no more.
    ///
    /// # Errors
    /// `disk_full` when it could not be kept.
    pub async fn change_participants(&self, request: ChangeParticipants) -> Result<Queued, ApiError> {
        let ChangeParticipants { conversation: ConversationRef { account, id }, add, mut remove, leave } = request;
        if leave {
            remove.push(self.session(account)?.account.agent);
        }
        self.submit(account, Command::ChangeParticipants { conversation: id, add, remove }, Vec::new()).await
    }
}
