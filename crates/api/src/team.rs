//! Conversations among the team, and who takes part in a conversation.

use deskbell_protocol::{Command, MESSAGE_TEXT_MAX, PARTICIPANTS_MAX, TITLE_MAX};

use crate::app::App;
use crate::commands::check_length;
use crate::types::*;

impl App {
    /// Everybody else at a desk: those who are there first, by name.
    ///
    /// # Errors
    /// `signed_out`, or what the cache reports.
    pub async fn colleagues(&self, request: ForAccount) -> Result<Vec<Assignee>, ApiError> {
        self.read(request.account, move |session| {
            let online = session.client.agents_online();
            let me = session.account.agent;
            let others = session.cache.colleagues()?.into_iter().filter(|agent| agent.id != me);
            let mut others: Vec<Assignee> = others
                .map(|agent| Assignee { agent: agent.id, online: online.contains(&agent.id), name: agent.name })
                .collect();
            others.sort_by_key(|agent| (!agent.online, agent.name.to_lowercase(), agent.agent));
            Ok(others)
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
