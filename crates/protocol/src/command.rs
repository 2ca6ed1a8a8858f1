//! What a client asks for. Every command is idempotent by its client id.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

use crate::entity::{ConversationState, Holder, MessageKind, Priority};
use crate::form::FormKind;
use crate::id::*;

/// A `cmd` frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct CommandFrame {
    /// The permanent name; a repeat with the same name is answered like the first one.
    pub client_id: ClientId,
    /// What is asked.
    #[serde(flatten)]
    pub command: Command,
    /// Refuse with `conflict` unless the entity was last changed by this place in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub if_rev: Option<Seq>,
    /// When the person acted, by their own clock, in milliseconds since the Unix epoch. Shown, never used to order.
    #[schema(value_type = i64)]
    pub client_time: Timestamp,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(tag = "op", content = "args", rename_all = "snake_case")]
pub enum Command {
    /// Write a message. A visitor leaves `conversation` empty: their conversation is found or begun.
    Send {
        /// Where to.
        conversation: Option<ConversationId>,
        /// `reply`, or `note` for agents. Among the team all is a `note`. `system` is refused.
        kind: MessageKind,
        /// At most [`crate::MESSAGE_TEXT_MAX`] characters; may be empty when there are attachments or an article.
        text: String,
        /// Files uploaded before, at most [`crate::ATTACHMENTS_MAX`].
        attachments: Vec<AttachmentId>,
        /// Colleagues whom a note mentions, at most [`crate::MENTIONS_MAX`]. They are told, and follow the conversation
        /// from then on. Refused in a reply, and of whoever does not see the conversation.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[ts(optional, as = "Option<Vec<AgentId>>")]
        mentions: Vec<AgentId>,
        /// An article for the visitor to read, in their language; one that is published for the conversation's site. From
        /// agents, in replies alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        article: Option<ArticleId>,
        /// The key of the answer that a visitor has chosen; the text is its label. Refused of agents.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        choice: Option<String>,
    },
    /// A visitor's first message with what the site asks before it.
    Introduce {
        /// Which form they were shown.
        form: FormKind,
        /// Their answers by the names of the fields. What is left empty may be left out.
        answers: BTreeMap<String, String>,
        /// As of `send`.
        text: String,
        /// As of `send`.
        attachments: Vec<AttachmentId>,
    },
    /// Begin a conversation with a visitor, or find the one at hand. The ack's `id` is the conversation.
    Start {
        /// Whom to talk to.
        visitor: VisitorId,
    },
    /// Write to team-mates. Without a title and with one of them, this goes on with the direct conversation of the two,
    /// or begins it; with a title a new group begins. The ack's `id` is the conversation, its `number` the message's.
    StartInternal {
        /// To whom: at most [`crate::PARTICIPANTS_MAX`] with the sender, who need not be named.
        agents: Vec<AgentId>,
        /// What the group is called, at most [`crate::TITLE_MAX`] characters. Empty: a direct conversation.
        title: String,
        /// The first message, at most [`crate::MESSAGE_TEXT_MAX`] characters.
        text: String,
    },
    /// Let agents take part in a conversation, or no more. A direct one stays as it is, and of a group among the team
    /// everybody takes out themselves alone.
    ChangeParticipants {
        /// Which conversation.
        conversation: ConversationId,
        /// To take part afterwards. They read all that was written before.
        add: Vec<AgentId>,
        /// Not to take part afterwards.
        remove: Vec<AgentId>,
    },
    /// Follow a conversation with a visitor, or no more. Whoever takes part in one among the team is told of all of it.
    Follow {
        /// Which conversation.
        conversation: ConversationId,
        /// From now on.
        following: bool,
    },
    /// Everything up to `number` was on screen. Never moves backwards.
    MarkRead {
        /// Which conversation.
        conversation: ConversationId,
        /// Newest number seen.
        #[schema(value_type = i64)]
        number: Number,
    },
    /// Close, or reopen; a snoozed one is woken.
    SetState {
        /// Which conversation.
        conversation: ConversationId,
        /// `open` or `closed`. `snoozed` is refused.
        state: ConversationState,
    },
    /// Put a conversation off. The visitor's next message opens it in any case.
    Snooze {
        /// Which conversation.
        conversation: ConversationId,
        /// When the desk opens it, at most [`crate::SNOOZE_MAX_MS`] from now. `None`: with the visitor's next message.
        #[schema(value_type = Option<i64>)]
        until: Option<Timestamp>,
    },
    /// Give a conversation to an agent, to a team, or to nobody. Both are replaced.
    Assign {
        /// Which conversation.
        conversation: ConversationId,
        /// Who answers from now on.
        agent: Option<AgentId>,
        /// Whose it is from now on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        team: Option<TeamId>,
        /// Refuse with `conflict` when somebody else has it by now. Unlike `if_rev`, a new message is no conflict.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        from: Option<Holder>,
    },
    /// Say how pressing a conversation is.
    SetPriority {
        /// Which conversation.
        conversation: ConversationId,
        /// From now on.
        priority: Priority,
    },
    /// Write a message of one's own anew. What it said before is kept at the desk, for admins.
    EditMessage {
        /// Where it stands.
        conversation: ConversationId,
        /// Which one.
        message: MessageId,
        /// At most [`crate::MESSAGE_TEXT_MAX`] characters; may be empty when there are attachments or an article.
        text: String,
    },
    /// Take the text and the files of a message away. Its place stays.
    DeleteMessage {
        /// Where it stands.
        conversation: ConversationId,
        /// Which one.
        message: MessageId,
    },
    /// Put labels on a conversation and take others off. Two agents at once lose nothing of each other's.
    ChangeLabels {
        /// Which conversation.
        conversation: ConversationId,
        /// To be there afterwards. One that is there in another spelling stays as it is.
        add: Vec<String>,
        /// Not to be there afterwards, unless it is added by the same command.
        remove: Vec<String>,
    },
    /// Let a flow talk to the visitor. The visitor waits for nobody as long as it does.
    StartFlow {
        /// In which conversation. It is open afterwards.
        conversation: ConversationId,
        /// Which one: `GET /v1/conversations/{id}/flows`.
        flow: FlowId,
    },
    /// Let no flow talk to the visitor any more, who waits for a person from then on. Where none does, nothing happens.
    StopFlow {
        /// In which conversation.
        conversation: ConversationId,
    },
    /// Count that a prepared text was inserted. Of one that is gone, nothing is counted.
    UseCannedText {
        /// Which one.
        text: CannedTextId,
    },
    /// Write down what is known of a person. All four fields are replaced.
    EditContact {
        /// Who.
        contact: ContactId,
        /// At most [`crate::FIELD_MAX`] characters.
        name: String,
        /// Empty or with an `@`.
        email: String,
        /// At most [`crate::FIELD_MAX`] characters.
        phone: String,
        /// At most [`crate::NOTES_MAX`] characters.
        notes: String,
    },
}

impl Command {
    /// The conversation whose order this command belongs to. Commands of one conversation are sent one by one.
    pub fn conversation(&self) -> Option<ConversationId> {
        match self {
            Self::Send { conversation, .. } => *conversation,
            Self::MarkRead { conversation, .. }
            | Self::SetState { conversation, .. }
            | Self::Snooze { conversation, .. }
            | Self::Assign { conversation, .. }
            | Self::EditMessage { conversation, .. }
            | Self::DeleteMessage { conversation, .. }
            | Self::SetPriority { conversation, .. }
            | Self::StartFlow { conversation, .. }
            | Self::StopFlow { conversation }
            | Self::ChangeParticipants { conversation, .. }
            | Self::Follow { conversation, .. }
            | Self::ChangeLabels { conversation, .. } => Some(*conversation),
            Self::Introduce { .. }
            | Self::Start { .. }
            | Self::StartInternal { .. }
            | Self::UseCannedText { .. }
            | Self::EditContact { .. } => None,
        }
    }
}
