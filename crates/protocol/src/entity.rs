//! The things a desk is made of, as they travel: always the full state, never a difference.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use ts_rs::TS;
use utoipa::ToSchema;

use crate::article::ArticleCard;
use crate::id::*;
use crate::item::Item;

/// What an agent may do. The server's table of rights says it in detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May do everything; there is always one.
    Owner,
    /// May change the desk itself, but not its owners.
    Admin,
    /// Answers visitors of every site.
    Supervisor,
    /// Answers visitors.
    Agent,
    /// Reads, and writes notes to the team; answers nobody.
    Light,
}

fn yes() -> bool {
    true
}

/// A person who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Agent {
    /// Id.
    pub id: AgentId,
    /// Shown to visitors and colleagues.
    pub name: String,
    /// Sign-in address; never shown to visitors.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Whether they see conversations with customers at all.
    #[serde(default = "yes")]
    pub customer_facing: bool,
    /// Whether they see the conversations of sites that they are no member of.
    #[serde(default)]
    pub across_sites: bool,
    /// Whether they may sign in. Who wrote messages is never deleted.
    #[serde(default = "yes")]
    pub active: bool,
    /// They want no conversations to be given to them. They may still take one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[ts(optional, as = "Option<bool>")]
    pub away: bool,
}

impl Agent {
    /// An agent who sees the customers of every site that is open to all.
    pub fn new(id: AgentId, name: &str, email: &str, role: Role) -> Self {
        let (name, email) = (name.to_owned(), email.to_owned());
        Self { id, name, email, role, customer_facing: true, across_sites: false, active: true, away: false }
    }
}

/// Agents who answer together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Team {
    /// Id.
    pub id: TeamId,
    /// Shown to agents.
    pub name: String,
    /// Who belongs to it.
    pub members: Vec<AgentId>,
    /// Whether conversations can be given to it.
    #[serde(default = "yes")]
    pub active: bool,
    /// How its conversations are given to its members.
    #[serde(default, skip_serializing_if = "Assignment::is_off")]
    #[ts(optional, as = "Option<Assignment>")]
    pub assignment: Assignment,
}

/// To whom the desk gives a conversation in which a visitor waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssignmentRule {
    /// To nobody: agents take it.
    #[default]
    Off,
    /// To whoever has the fewest open conversations.
    LeastBusy,
    /// To one after the other.
    RoundRobin,
}

/// How the desk gives conversations to agents by itself. Only those get any who are connected, are not away, see the
/// site and have room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// To whom.
    pub rule: AssignmentRule,
    /// Whoever has so many open conversations is given no more: 1 to 1,000.
    #[schema(minimum = 1, maximum = 1000)]
    pub capacity: u32,
    /// Unanswered, a conversation goes back after so many seconds, 10 to 3,600, and to somebody else; 0: never.
    #[schema(maximum = 3600)]
    pub back_after_s: u32,
}

impl Assignment {
    /// Whether nothing is given.
    pub fn is_off(&self) -> bool {
        self.rule == AssignmentRule::Off
    }
}

impl Default for Assignment {
    fn default() -> Self {
        Self { rule: AssignmentRule::Off, capacity: 5, back_after_s: 0 }
    }
}

/// A website with its widget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Site {
    /// Id.
    pub id: SiteId,
    /// Shown to agents.
    pub name: String,
    /// The public key that the shop's page carries.
    pub key: String,
    /// Origins whose pages may show the widget, e.g. `https://shop.example`.
    pub origins: Vec<String>,
    /// Whether its members alone see its visitors and conversations; otherwise every customer-facing agent does.
    #[serde(default)]
    pub members_only: bool,
    /// Members of its own.
    #[serde(default)]
    pub agents: Vec<AgentId>,
    /// Teams whose members are its members.
    #[serde(default)]
    pub teams: Vec<TeamId>,
    /// Whether its widget answers.
    #[serde(default = "yes")]
    pub active: bool,
    /// Whether agents see what its visitors write before they send it. The messenger says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[ts(optional, as = "Option<bool>")]
    pub peek: bool,
    /// Whether its messenger speaks to those alone of whom the shop's server has signed who they are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[ts(optional, as = "Option<bool>")]
    pub signed_only: bool,
}

impl Site {
    /// A site without origins, open to every customer-facing agent.
    pub fn new(id: SiteId, name: &str, key: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            key: key.to_owned(),
            origins: Vec::new(),
            members_only: false,
            agents: Vec::new(),
            teams: Vec::new(),
            active: true,
            peek: false,
            signed_only: false,
        }
    }
}

/// A person who writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Contact {
    /// Id.
    pub id: ContactId,
    /// Empty until known.
    pub name: String,
    /// Empty until known.
    pub email: String,
    /// Empty until known.
    pub phone: String,
    /// What the team wrote about them. Never sent to a visitor.
    pub notes: String,
    /// First seen.
    #[schema(value_type = i64)]
    pub created_at: Timestamp,
    /// Who the shop's server has signed that it is. Absent: nobody but the visitor says who they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub verified: Option<Verified>,
}

/// Who a person is, by the word of the shop's own server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Verified {
    /// The shop's name for them, such as a customer's number.
    pub external_id: String,
    /// When it was proved first.
    #[schema(value_type = i64)]
    pub at: Timestamp,
}

/// Where an address lies, as far as the offline database knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Region {
    /// ISO 3166-1 alpha-2 code, e.g. `ES`. `None`: unknown.
    pub country: Option<String>,
    /// English name of the city; only with a city-level database.
    pub city: Option<String>,
    /// The address is a loopback or private one.
    pub local: bool,
}

/// One page a visitor looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct PageView {
    /// Origin and path; query and fragment are dropped in the visitor's browser.
    pub url: String,
    /// The page's title.
    pub title: String,
    /// When it was opened.
    #[schema(value_type = i64)]
    pub at: Timestamp,
}

/// A browser on a site, maybe anonymous.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Visitor {
    /// Id.
    pub id: VisitorId,
    /// Who it is.
    pub contact: ContactId,
    /// Where they are.
    pub site: SiteId,
    /// Where the address lies.
    pub region: Region,
    /// The address as stored by the desk's setting; may be truncated or empty.
    pub ip: String,
    /// Browser with its major version, e.g. `Firefox 146`.
    pub browser: String,
    /// Operating system, e.g. `Windows 10`.
    pub os: String,
    /// Kind of device: `desktop`, `phone`, `tablet`, `crawler` or `unknown`.
    pub device: String,
    /// Preferred language, a BCP 47 tag.
    pub language: String,
    /// The language that the messenger last spoke to them; empty: it has not said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[ts(optional, as = "Option<String>")]
    pub spoken: String,
    /// Screen size in CSS pixels, e.g. `1920×1080`.
    pub screen: String,
    /// Where the first page of this visit was reached from; may be empty.
    pub referrer: String,
    /// Number of visits, this one included. A visit ends after 30 minutes without a page.
    pub visits: i64,
    /// Number of conversations started.
    pub chats: i64,
    /// Start of this visit.
    #[schema(value_type = i64)]
    pub visit_started_at: Timestamp,
    /// Last sign of life.
    #[schema(value_type = i64)]
    pub last_seen_at: Timestamp,
    /// The last pages, newest first, at most 10.
    pub pages: Vec<PageView>,
}

impl Visitor {
    /// The language in which the desk itself speaks to them.
    pub fn spoken_to(&self) -> &str {
        if self.spoken.is_empty() { &self.language } else { &self.spoken }
    }
}

/// Where a conversation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConversationState {
    /// Needs, or may need, an answer.
    Open,
    /// Put off; returns by itself.
    Snoozed,
    /// Done. Reopened by the visitor's next message.
    Closed,
}

/// How pressing a conversation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Nobody has said.
    #[default]
    None,
    /// Can wait.
    Low,
    /// Like most.
    Medium,
    /// Before others.
    High,
    /// Now.
    Urgent,
}

impl Priority {
    /// Whether nobody has said.
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// Who has a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Holder {
    /// Who answers. `None`: nobody yet.
    pub agent: Option<AgentId>,
    /// Whose it is. `None`: no team's.
    pub team: Option<TeamId>,
}

/// Who a conversation is with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConversationKind {
    /// A visitor takes part.
    Customer,
    /// Team-mates only.
    Internal,
}

/// A conversation's head: all that a list row needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Conversation {
    /// Id.
    pub id: ConversationId,
    /// With a visitor or among the team.
    pub kind: ConversationKind,
    /// The person; 0 among the team.
    pub contact: ContactId,
    /// Their browser; 0 among the team.
    pub visitor: VisitorId,
    /// Where it began; 0 among the team.
    pub site: SiteId,
    /// Open, snoozed or closed. Among the team it is always open.
    pub state: ConversationState,
    /// Who answers. `None`: nobody yet.
    pub assignee: Option<AgentId>,
    /// Which team it was given to. Never sent to a visitor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub team: Option<TeamId>,
    /// The newest message's number; 0 when there is none.
    #[schema(value_type = i64)]
    pub last_number: Number,
    /// Time of the oldest message of the visitor that no reply followed, or when a flow handed them over. `None`: nobody
    /// waits for a person; a flow may talk to the visitor.
    #[schema(value_type = Option<i64>)]
    pub waiting_since: Option<Timestamp>,
    /// When it began.
    #[schema(value_type = i64)]
    pub created_at: Timestamp,
    /// Time of the newest message.
    #[schema(value_type = i64)]
    pub active_at: Timestamp,
    /// Newest number that the visitor has seen on screen.
    #[schema(value_type = i64)]
    pub visitor_read: Number,
    /// When a snoozed one opens by itself. `None`: with the visitor's next message, or it is not snoozed. Never sent to
    /// a visitor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    #[schema(value_type = Option<i64>)]
    pub snoozed_until: Option<Timestamp>,
    /// What the team calls it, sorted; at most [`crate::LABELS_MAX`]. Never sent to a visitor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<String>>")]
    pub labels: Vec<String>,
    /// How pressing it is. Never sent to a visitor.
    #[serde(default, skip_serializing_if = "Priority::is_none")]
    #[ts(optional, as = "Option<Priority>")]
    pub priority: Priority,
    /// What the team calls a group of its own. Empty: it is a direct one of two, or one with a visitor.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[ts(optional, as = "Option<String>")]
    pub title: String,
    /// Agents who take part, by their ids; at most [`crate::PARTICIPANTS_MAX`]. Among the team nobody else sees it. With a
    /// visitor they see it besides those who see the site. Never sent to a visitor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<AgentId>>")]
    pub participants: Vec<AgentId>,
    /// Agents who follow it though others may answer, by their ids; at most [`crate::FOLLOWERS_MAX`]. Whoever sees it no
    /// more stays among them, for when they see it again. Never sent to a visitor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<AgentId>>")]
    pub followers: Vec<AgentId>,
}

impl Conversation {
    /// Who has it.
    pub fn holder(&self) -> Holder {
        Holder { agent: self.assignee, team: self.team }
    }

    /// Whether only team-mates talk in it.
    pub fn is_internal(&self) -> bool {
        self.kind == ConversationKind::Internal
    }

    /// Whether it is between two team-mates, and nobody can be added.
    pub fn is_direct(&self) -> bool {
        self.is_internal() && self.title.is_empty()
    }
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// Everybody in the conversation sees it.
    Reply,
    /// Only the team sees it. Never leaves the server towards a visitor.
    Note,
    /// Said by the desk itself; its `text` is a code such as `closed`, not a sentence.
    System,
}

/// Who wrote a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(tag = "who", rename_all = "snake_case")]
pub enum Author {
    /// The visitor.
    Visitor,
    /// An agent, with the name shown beside the message.
    Agent {
        /// Id.
        id: AgentId,
        /// Name at the time of sending.
        name: String,
    },
    /// The desk.
    Desk,
}

/// A file sent with a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Attachment {
    /// Id; `GET /v1/files/{id}` fetches it.
    pub id: AttachmentId,
    /// The file's own name, cleaned of paths and control characters.
    pub name: String,
    /// The type found in the bytes, never the type claimed.
    pub mime: String,
    /// Bytes.
    #[ts(type = "number")]
    pub size: i64,
    /// Pixels, when it is a picture the server re-encoded; only such pictures may be shown.
    pub picture: Option<PictureSize>,
}

/// A picture's size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct PictureSize {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Message {
    /// Id.
    pub id: MessageId,
    /// Where it stands.
    pub conversation: ConversationId,
    /// Its place: dense from 1.
    #[schema(value_type = i64)]
    pub number: Number,
    /// Who wrote it.
    pub author: Author,
    /// Reply, note or system.
    pub kind: MessageKind,
    /// Plain text. Never markup.
    pub text: String,
    /// Files.
    pub attachments: Vec<Attachment>,
    /// The sender's name for it.
    pub client_id: Option<ClientId>,
    /// When the server took it.
    #[schema(value_type = i64)]
    pub created_at: Timestamp,
    /// When its text was changed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    #[schema(value_type = Option<i64>)]
    pub edited_at: Option<Timestamp>,
    /// When it was deleted: its text is empty and its files are gone, its place stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    #[schema(value_type = Option<i64>)]
    pub deleted_at: Option<Timestamp>,
    /// Colleagues whom a note mentions, by their ids. Replies have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<AgentId>>")]
    pub mentions: Vec<AgentId>,
    /// The article that an agent's reply brings along, as it was when it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub article: Option<ArticleCard>,
    /// Answers that a question of the desk offers, in the visitor's language. Only the newest message's can be chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<Choice>>")]
    pub choices: Vec<Choice>,
}

/// An answer that a question of the desk offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Choice {
    /// Names it in `send`. No other answer of the conversation has it.
    pub key: String,
    /// What it says, and what the message says by which the visitor chooses it.
    pub label: String,
}

/// Whose a prepared text is: who sees it, and who may change it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, TS, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TextOwner {
    /// Everybody's at the desk; admins change it.
    #[default]
    Desk,
    /// A team's; its supervisors change it.
    Team {
        /// Which one.
        team: TeamId,
    },
    /// One agent's own.
    Agent {
        /// Whose.
        agent: AgentId,
    },
}

/// A prepared text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct CannedText {
    /// Id.
    pub id: CannedTextId,
    /// Whose it is. Never changes.
    #[serde(default)]
    pub owner: TextOwner,
    /// What is typed after `#`; one word, unlike any other of its owner.
    pub shortcut: String,
    /// Shown in the picker.
    pub title: String,
    /// What is inserted, with placeholders ([`crate::placeholder`]) still in it.
    pub text: String,
    /// How often it was inserted, by anybody.
    #[serde(default)]
    #[ts(type = "number")]
    pub uses: i64,
    /// What goes with it, as copies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<Attachment>>")]
    pub attachments: Vec<Attachment>,
}

/// How far one agent has read one conversation. Sent to that agent alone; its id is the conversation's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct ReadMark {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Newest number seen.
    #[schema(value_type = i64)]
    pub number: Number,
}

/// The kinds of entity in the change log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    /// [`Agent`]
    Agent,
    /// [`Site`]
    Site,
    /// [`Contact`]
    Contact,
    /// [`Visitor`]
    Visitor,
    /// [`Conversation`]
    Conversation,
    /// [`Message`]
    Message,
    /// [`CannedText`]
    CannedText,
    /// [`ReadMark`]
    ReadMark,
    /// [`Team`]
    Team,
    /// [`Item`]
    Item,
    /// A kind that this version does not know. Skipped; the cursor still moves.
    #[serde(other)]
    Unknown,
}

/// Any entity, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Entity {
    Agent(Agent),
    Site(Site),
    Contact(Contact),
    Visitor(Visitor),
    Conversation(Conversation),
    Message(Message),
    CannedText(CannedText),
    ReadMark(ReadMark),
    Team(Team),
    Item(Item),
}

/// An entity's full state as it travels: JSON text, written once. Clones share it, and who passes it on reads nothing.
#[derive(Clone, Debug)]
pub struct EntityData(Arc<RawValue>);

impl EntityData {
    /// Writes an entity.
    ///
    /// # Errors
    /// Never for the types of this crate; the signature is serde's.
    pub fn of(entity: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self(serde_json::value::to_raw_value(entity)?.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Reads what is known to be of one type.
    ///
    /// # Errors
    /// When it is of another.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.as_str())
    }
}

impl PartialEq for EntityData {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for EntityData {}

impl Serialize for EntityData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for EntityData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Box::<RawValue>::deserialize(deserializer)?.into()))
    }
}

impl Entity {
    /// Reads an entity of a kind. `Ok(None)` for a kind this version does not know.
    ///
    /// # Errors
    /// When the data is not of that kind.
    pub fn decode(kind: EntityKind, data: &EntityData) -> Result<Option<Self>, serde_json::Error> {
        Ok(Some(match kind {
            EntityKind::Agent => Self::Agent(data.read()?),
            EntityKind::Site => Self::Site(data.read()?),
            EntityKind::Contact => Self::Contact(data.read()?),
            EntityKind::Visitor => Self::Visitor(data.read()?),
            EntityKind::Conversation => Self::Conversation(data.read()?),
            EntityKind::Message => Self::Message(data.read()?),
            EntityKind::CannedText => Self::CannedText(data.read()?),
            EntityKind::ReadMark => Self::ReadMark(data.read()?),
            EntityKind::Team => Self::Team(data.read()?),
            EntityKind::Item => Self::Item(data.read()?),
            EntityKind::Unknown => return Ok(None),
        }))
    }

    /// The entity's kind, id and data, as a change carries them.
    ///
    /// # Errors
    /// Never for the types of this crate; the signature is serde's.
    pub fn encode(&self) -> Result<(EntityKind, i64, EntityData), serde_json::Error> {
        Ok(match self {
            Self::Agent(entity) => (EntityKind::Agent, entity.id.0, EntityData::of(entity)?),
            Self::Site(entity) => (EntityKind::Site, entity.id.0, EntityData::of(entity)?),
            Self::Contact(entity) => (EntityKind::Contact, entity.id.0, EntityData::of(entity)?),
            Self::Visitor(entity) => (EntityKind::Visitor, entity.id.0, EntityData::of(entity)?),
            Self::Conversation(entity) => (EntityKind::Conversation, entity.id.0, EntityData::of(entity)?),
            Self::Message(entity) => (EntityKind::Message, entity.id.0, EntityData::of(entity)?),
            Self::CannedText(entity) => (EntityKind::CannedText, entity.id.0, EntityData::of(entity)?),
            Self::ReadMark(entity) => (EntityKind::ReadMark, entity.conversation.0, EntityData::of(entity)?),
            Self::Team(entity) => (EntityKind::Team, entity.id.0, EntityData::of(entity)?),
            Self::Item(entity) => (EntityKind::Item, entity.id.0, EntityData::of(entity)?),
        })
    }
}
