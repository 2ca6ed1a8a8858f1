//! Who may do what: one table, and one function that reads it. A denial looks like absence, so that nobody learns
//! what exists.

use deskbell_protocol::{
    AgentId, Author, Command, Conversation, ConversationId, Message, MessageKind, Role, SiteId, VisitorId,
};

use crate::store::files::Stored;
use crate::store::{Connection, Failure, Outcome, participants, rights};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Principal {
    Agent(AgentId),
    Visitor(VisitorId),
    /// Somebody without a token.
    Nobody,
}

impl Principal {
    /// The pair that names the principal in the database.
    pub(crate) fn key(&self) -> (i64, i64) {
        match self {
            Self::Agent(id) => (1, id.0),
            Self::Visitor(id) => (2, id.0),
            Self::Nobody => (0, 0),
        }
    }
}

/// As what somebody asks: the columns of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// An agent with this role.
    Agent(Role),
    /// A visitor with a token.
    Visitor,
    /// Somebody without a token.
    Nobody,
}

/// How far a right reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Not at all.
    Never,
    /// To what is one's own: a visitor's conversation, a file one sent, one's own account.
    Own,
    /// To what one may see besides: customers of the sites that [`rights`] names.
    Seen,
    /// To everything.
    Always,
}

macro_rules! rights {
    ($($(#[$doc:meta])* $action:ident [$($reach:ident)+];)*) => {
        /// What is asked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Action { $($(#[$doc])* $action,)* }

        /// The table.
        fn row(action: Action) -> [Reach; 7] {
            match action { $(Action::$action => [$(Reach::$reach),+],)* }
        }

        #[cfg(test)]
        const ACTIONS: &[Action] = &[$(Action::$action),*];
    };
}

rights! {
    //                     owner  admin  superv agent  light  visitor nobody
    /// What the server shows to everybody: that it is there, and the widget.
    Look                  [Always Always Always Always Always Always Always];
    /// Begin or renew a session.
    SignIn                [Always Always Always Always Always Always Always];
    /// Speak `chat.v1`; a visitor without a token gets one by greeting.
    Talk                  [Always Always Always Always Always Always Always];
    /// End the session at hand.
    SignOut               [Always Always Always Always Always Never  Never ];
    /// Change one's own password and second factor.
    SecureOwnAccount      [Always Always Always Always Always Never  Never ];
    /// Say whether one wants conversations to be given to one.
    SayAvailability       [Always Always Always Always Always Never  Never ];
    /// Read a conversation and what is known of its person.
    Read                  [Seen   Seen   Seen   Seen   Seen   Own    Never ];
    /// Write what the other side sees, and be seen typing.
    Reply                 [Seen   Seen   Seen   Seen   Never  Own    Never ];
    /// Say who one is before one's first message.
    Introduce             [Never  Never  Never  Never  Never  Own    Never ];
    /// Write what the team alone sees.
    WriteNote             [Seen   Seen   Seen   Seen   Seen   Never  Never ];
    /// Write a message anew.
    EditMessage           [Own    Own    Own    Own    Own    Never  Never ];
    /// Take a message's text and files away.
    DeleteMessage         [Seen   Seen   Own    Own    Own    Never  Never ];
    /// Read what a message said before it was edited or deleted.
    ReadVersions          [Seen   Seen   Never  Never  Never  Never  Never ];
    /// Begin to talk to a visitor.
    StartConversation     [Seen   Seen   Seen   Seen   Never  Never  Never ];
    /// Write to team-mates alone, and begin groups.
    WriteToTeam           [Always Always Always Always Always Never  Never ];
    /// Let agents take part in a conversation, or no more.
    ChangeParticipants    [Seen   Seen   Seen   Seen   Seen   Never  Never ];
    /// Follow a conversation though others answer, or no more.
    Follow                [Seen   Seen   Seen   Seen   Seen   Never  Never ];
    /// Say how far one has read.
    MarkRead              [Seen   Seen   Seen   Seen   Seen   Own    Never ];
    /// Close, reopen or put off a conversation.
    SetState              [Seen   Seen   Seen   Seen   Never  Never  Never ];
    /// Give a conversation to an agent or a team.
    Assign                [Seen   Seen   Seen   Seen   Never  Never  Never ];
    /// Let a flow talk to a visitor, or no more.
    RunFlow               [Seen   Seen   Seen   Seen   Never  Never  Never ];
    /// Say how pressing a conversation is.
    Prioritise            [Seen   Seen   Seen   Seen   Never  Never  Never ];
    /// Put labels on a conversation.
    Label                 [Seen   Seen   Seen   Seen   Never  Never  Never ];
    /// Do the same with many conversations at once, each by the right to what is done.
    ChangeMany            [Always Always Always Always Never  Never  Never ];
    /// Write down what is known of a person.
    EditContact           [Seen   Seen   Seen   Seen   Never  Never  Never ];
    /// See projects, tickets and tasks, and follow them.
    ReadItems             [Seen   Seen   Seen   Seen   Seen   Never  Never ];
    /// Make projects, tickets and tasks, and change them.
    EditItems             [Seen   Seen   Seen   Seen   Never  Never  Never ];
    /// Make two entries of one person one.
    MergePeople           [Seen   Seen   Seen   Never  Never  Never  Never ];
    /// Read the prepared texts of the desk, of one's teams and one's own, and insert them.
    UseCannedTexts        [Always Always Always Always Always Never  Never ];
    /// Write prepared texts for oneself.
    EditOwnTexts          [Own    Own    Own    Own    Own    Never  Never ];
    /// Write prepared texts for a team; its own are those of its members.
    EditTeamTexts         [Always Always Own    Never  Never  Never  Never ];
    /// Write prepared texts for everybody.
    EditDeskTexts         [Always Always Never  Never  Never  Never  Never ];
    /// Find articles, and read them in all their languages.
    ReadArticles          [Always Always Seen   Seen   Seen   Never  Never ];
    /// Read one article as visitors do; theirs is what is published for their site.
    ReadArticle           [Always Always Seen   Seen   Seen   Own    Never ];
    /// Write articles, publish and withdraw them.
    EditArticles          [Always Always Never  Never  Never  Never  Never ];
    /// Store a file, to be sent.
    Upload                [Always Always Always Always Always Always Never ];
    /// Read a file that was sent.
    ReadFile              [Seen   Seen   Seen   Seen   Seen   Own    Never ];
    /// Send a file that was stored.
    Attach                [Own    Own    Own    Own    Own    Own    Never ];
    /// Search what one may see.
    Search                [Always Always Always Always Always Never  Never ];
    /// Look up agents, teams and the sites whose customers one sees.
    ReadPeople            [Always Always Always Always Always Never  Never ];
    /// Add agents and change them.
    ManageAgents          [Always Always Never  Never  Never  Never  Never ];
    /// Make an owner, or change one.
    ManageOwners          [Always Never  Never  Never  Never  Never  Never ];
    /// See where an agent is signed in.
    ReadDevices           [Always Always Own    Own    Own    Never  Never ];
    /// End a sign-in of an agent.
    RevokeDevices         [Always Always Own    Own    Own    Never  Never ];
    /// Add teams and change them.
    ManageTeams           [Always Always Never  Never  Never  Never  Never ];
    /// Add sites and change them.
    ManageSites           [Always Always Never  Never  Never  Never  Never ];
    /// See who may not write, and change it.
    ManageBlocks          [Always Always Always Never  Never  Never  Never ];
    /// Switch the whole desk online or offline.
    SwitchDesk            [Always Always Always Never  Never  Never  Never ];
    /// Read and change what holds for the whole desk.
    ManageSettings        [Always Always Never  Never  Never  Never  Never ];
    /// Say who is told of what happens.
    ManageWebhooks        [Always Always Never  Never  Never  Never  Never ];
    /// Hand out all that is known of a person.
    ExportPerson          [Always Always Never  Never  Never  Never  Never ];
    /// Erase all that is known of a person.
    ErasePerson           [Always Always Never  Never  Never  Never  Never ];
    /// Read who changed what.
    ReadAudit             [Always Always Never  Never  Never  Never  Never ];
}

impl Action {
    /// Whether it can be asked for of a conversation among the team, which nobody has, closes or puts off.
    pub(crate) fn fits_internal(self) -> bool {
        matches!(
            self,
            Self::Read
                | Self::WriteNote
                | Self::EditMessage
                | Self::DeleteMessage
                | Self::ReadVersions
                | Self::MarkRead
                | Self::ChangeParticipants
        )
    }

    /// Whether tokens are not looked at: what anybody may ask for, one may also ask for with a token that is of no use
    /// any more.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::Look | Self::SignIn)
    }

    /// How far the right reaches for somebody.
    pub fn reach(self, standing: Standing) -> Reach {
        let [owner, admin, supervisor, agent, light, visitor, nobody] = row(self);
        match standing {
            Standing::Agent(Role::Owner) => owner,
            Standing::Agent(Role::Admin) => admin,
            Standing::Agent(Role::Supervisor) => supervisor,
            Standing::Agent(Role::Agent) => agent,
            Standing::Agent(Role::Light) => light,
            Standing::Visitor => visitor,
            Standing::Nobody => nobody,
        }
    }

    /// What a command asks for. Commands exist only with a row of the table.
    pub fn of_command(command: &Command) -> Self {
        match command {
            Command::Send { kind: MessageKind::Note, .. } => Self::WriteNote,
            Command::Send { kind: MessageKind::Reply | MessageKind::System, .. } => Self::Reply,
            Command::Introduce { .. } => Self::Introduce,
            Command::Start { .. } => Self::StartConversation,
            Command::StartInternal { .. } => Self::WriteToTeam,
            Command::ChangeParticipants { .. } => Self::ChangeParticipants,
            Command::Follow { .. } => Self::Follow,
            Command::MarkRead { .. } => Self::MarkRead,
            Command::SetState { .. } | Command::Snooze { .. } => Self::SetState,
            Command::EditMessage { .. } => Self::EditMessage,
            Command::DeleteMessage { .. } => Self::DeleteMessage,
            Command::ChangeLabels { .. } => Self::Label,
            Command::Assign { .. } => Self::Assign,
            Command::SetPriority { .. } => Self::Prioritise,
            Command::StartFlow { .. } | Command::StopFlow { .. } => Self::RunFlow,
            Command::UseCannedText { .. } => Self::UseCannedTexts,
            Command::EditContact { .. } => Self::EditContact,
        }
    }
}

/// Whether agents of a role answer visitors at all.
pub(crate) fn answers_visitors(role: Role) -> bool {
    Action::Reply.reach(Standing::Agent(role)) != Reach::Never
}

/// To what. Carries the facts that decide whose it is and who may see it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Object {
    /// The desk as a whole.
    Desk,
    /// A conversation.
    Conversation { id: ConversationId, visitor: VisitorId, site: SiteId },
    /// A message, the agent who wrote it, its conversation, and the site of that.
    Message { author: Option<AgentId>, conversation: ConversationId, site: SiteId },
    /// An agent's own account.
    Account(AgentId),
    /// A prepared text; whether it is the asker's, or their team's.
    CannedText { own: bool },
    /// A project, a ticket or a task, and whose customers it is about.
    Item { site: Option<SiteId> },
    /// An article, and for whose visitors it is; whether the visitor who asks is one of them, and it is published.
    Article { site: Option<SiteId>, own: bool },
    /// A person on a site, or a browser of theirs.
    Customer(SiteId),
    /// An uploaded file, the visitor and the site to whom the message with it is shown, and its conversation.
    File {
        uploader: (i64, i64),
        shown_to: Option<VisitorId>,
        site: Option<SiteId>,
        conversation: Option<ConversationId>,
    },
}

impl From<&Conversation> for Object {
    fn from(conversation: &Conversation) -> Self {
        Self::Conversation { id: conversation.id, visitor: conversation.visitor, site: conversation.site }
    }
}

impl From<&Stored> for Object {
    fn from(stored: &Stored) -> Self {
        let Stored { uploader, shown_to, site, conversation, .. } = *stored;
        Self::File { uploader, shown_to, site, conversation }
    }
}

impl From<(&Message, &Conversation)> for Object {
    fn from((message, conversation): (&Message, &Conversation)) -> Self {
        let author = match message.author {
            Author::Agent { id, .. } => Some(id),
            Author::Visitor | Author::Desk => None,
        };
        Self::Message { author, conversation: conversation.id, site: conversation.site }
    }
}

impl Object {
    fn is_own(&self, principal: &Principal, action: Action) -> bool {
        match (self, principal) {
            (Self::Conversation { visitor, .. }, Principal::Visitor(me)) => visitor == me,
            (Self::Message { author, .. }, Principal::Agent(me)) => *author == Some(*me),
            (Self::Account(agent), Principal::Agent(me)) => agent == me,
            (Self::CannedText { own }, Principal::Agent(_)) => *own,
            // What is about no customer is the whole team's.
            (Self::Item { site: None } | Self::Article { site: None, .. }, Principal::Agent(_)) => true,
            (Self::Article { own, .. }, Principal::Visitor(_)) => *own,
            (Self::File { uploader, shown_to, .. }, me) => {
                // Whoever is shown a file has not the right to send it again.
                let shown = matches!(me, Principal::Visitor(me) if *shown_to == Some(*me));
                *uploader == me.key() || (shown && action != Action::Attach)
            }
            _ => false,
        }
    }

    /// The site whose members may see it.
    fn site(&self) -> Option<SiteId> {
        match self {
            Self::Conversation { site, .. } | Self::Message { site, .. } | Self::Customer(site) => Some(*site),
            Self::File { site, .. } | Self::Item { site } | Self::Article { site, .. } => *site,
            Self::Desk | Self::Account(_) | Self::CannedText { .. } => None,
        }
    }

    /// The conversation whose participants may see it, too.
    fn conversation(&self) -> Option<ConversationId> {
        match self {
            Self::Conversation { id, .. } => Some(*id),
            Self::Message { conversation, .. } => Some(*conversation),
            Self::File { conversation, .. } => *conversation,
            Self::Desk
            | Self::Account(_)
            | Self::CannedText { .. }
            | Self::Item { .. }
            | Self::Article { .. }
            | Self::Customer(_) => None,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Conversation { .. } => "conversation",
            Self::Message { .. } => "message",
            Self::Customer(_) => "person",
            Self::Account(_) => "agent",
            Self::CannedText { .. } => "prepared text",
            Self::Item { .. } => "item",
            Self::Article { .. } => "article",
            Self::Desk => "address",
            Self::File { .. } => "file",
        }
    }
}

/// As what somebody asks now. `None`: an agent who is not there, or no longer.
fn standing(connection: &Connection, principal: &Principal) -> Outcome<Option<Standing>> {
    Ok(match principal {
        Principal::Agent(id) => rights::role(connection, *id)?.map(Standing::Agent),
        Principal::Visitor(_) => Some(Standing::Visitor),
        Principal::Nobody => Some(Standing::Nobody),
    })
}

/// Lets pass whoever may ask for such a thing at all; of what, is asked when it is found.
pub(crate) fn admit(connection: &Connection, principal: &Principal, action: Action) -> Outcome<()> {
    match standing(connection, principal)? {
        Some(standing) if action.reach(standing) != Reach::Never => Ok(()),
        _ => Err(Failure::not_found("address")),
    }
}

/// Lets pass, or says that there is no such thing.
pub(crate) fn authorize(
    connection: &Connection,
    principal: &Principal,
    action: Action,
    object: impl Into<Object>,
) -> Outcome<()> {
    let object = object.into();
    let reach = standing(connection, principal)?.map_or(Reach::Never, |standing| action.reach(standing));
    let allowed = match reach {
        Reach::Never => false,
        Reach::Always => true,
        Reach::Own => object.is_own(principal, action),
        Reach::Seen => {
            object.is_own(principal, action)
                || match (principal, object.site()) {
                    (Principal::Agent(me), Some(site)) => rights::sees(connection, *me, site)?,
                    _ => false,
                }
                || match (principal, object.conversation()) {
                    (Principal::Agent(me), Some(id)) => participants::takes_part(connection, *me, id)?,
                    _ => false,
                }
        }
    };
    if allowed { Ok(()) } else { Err(Failure::not_found(object.name())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dk_25_whoever_has_no_token_only_looks_greets_and_signs_in() {
        for action in ACTIONS {
            let open = matches!(action, Action::Look | Action::SignIn | Action::Talk);
            assert_eq!(action.reach(Standing::Nobody) == Reach::Always, open, "{action:?}");
            assert!(!matches!(action.reach(Standing::Nobody), Reach::Own | Reach::Seen), "{action:?}");
        }
    }

    #[test]
    fn dk_25_a_higher_role_may_do_all_that_a_lower_one_may() {
        let size = |reach| match reach {
            Reach::Never => 0,
            Reach::Own => 1,
            Reach::Seen => 2,
            Reach::Always => 3,
        };
        let roles = [Role::Owner, Role::Admin, Role::Supervisor, Role::Agent, Role::Light];
        for action in ACTIONS {
            let reaches = roles.map(|role| size(action.reach(Standing::Agent(role))));
            assert!(reaches.is_sorted_by(|higher, lower| higher >= lower), "{action:?} {reaches:?}");
        }
    }

    #[test]
    fn od_24_agents_edit_what_they_wrote_alone_and_admins_delete_what_others_wrote() {
        let (ann, vic) = (Principal::Agent(AgentId(1)), Principal::Visitor(VisitorId(2)));
        let by = |author| Object::Message { author, conversation: ConversationId(3), site: SiteId(9) };
        assert!(by(Some(AgentId(1))).is_own(&ann, Action::EditMessage));
        assert!(!by(Some(AgentId(9))).is_own(&ann, Action::EditMessage));
        for action in [Action::EditMessage, Action::DeleteMessage, Action::ReadVersions] {
            assert!(!by(None).is_own(&ann, action) && !by(None).is_own(&vic, action), "{action:?}");
            assert_eq!(action.reach(Standing::Visitor), Reach::Never, "{action:?}");
        }
        for role in [Role::Owner, Role::Admin, Role::Supervisor, Role::Agent, Role::Light] {
            let manages = matches!(role, Role::Owner | Role::Admin);
            let reach = |action: Action| action.reach(Standing::Agent(role));
            assert_eq!(reach(Action::EditMessage), Reach::Own, "{role:?}");
            assert_eq!(reach(Action::DeleteMessage), if manages { Reach::Seen } else { Reach::Own }, "{role:?}");
            assert_eq!(reach(Action::ReadVersions), if manages { Reach::Seen } else { Reach::Never }, "{role:?}");
        }
    }

    #[test]
    fn tv_06_a_file_is_read_by_those_it_is_shown_to_and_sent_by_its_sender_alone() {
        let (vic, wen) = (Principal::Visitor(VisitorId(2)), Principal::Visitor(VisitorId(3)));
        let conversation = Some(ConversationId(3));
        let by_ann =
            Object::File { uploader: (1, 1), shown_to: Some(VisitorId(2)), site: Some(SiteId(9)), conversation };
        assert!(by_ann.is_own(&vic, Action::ReadFile));
        assert!(!by_ann.is_own(&vic, Action::Attach));
        assert!(!by_ann.is_own(&wen, Action::ReadFile));
        assert!(by_ann.is_own(&Principal::Agent(AgentId(1)), Action::Attach));
        let by_vic = Object::File { uploader: vic.key(), shown_to: None, site: None, conversation: None };
        assert!(by_vic.is_own(&vic, Action::ReadFile));
        assert!(!by_vic.is_own(&Principal::Agent(AgentId(1)), Action::ReadFile));
    }
}
