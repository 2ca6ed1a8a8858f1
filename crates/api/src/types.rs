//! What the page sees: requests, views and events. `cargo xtask codegen` writes them as TypeScript.
//!
//! Views carry facts, never sentences: the page words them from the catalogue.

use deskbell_protocol::{
    AgentId, ArticleCard, Attachment, AttachmentId, Author, CannedTextId, ClientId, ConversationState, ErrorCode,
    Holder, ItemKind, ItemState, MessageId, MessageKind, Number, PageView, Priority, Region, Seq, TeamId, TextOwner,
    Timestamp, Verified,
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use deskbell_protocol::Device;

pub use crate::refs::{AccountId, ContactRef, ConversationRef, VisitorRef};

/// Why a command of the page failed. The page has one sentence for each that says what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ApiErrorCode {
    /// E-mail or password is wrong.
    WrongPassword,
    /// The desk asks for a code of the second factor.
    CodeRequired,
    /// The code is wrong, too old, or was used before.
    CodeWrong,
    /// Too many tries; wait a little.
    TooManyAttempts,
    /// The identity provider knows the person, and the desk has no agent with their address.
    NoAgent,
    /// The identity provider cannot be asked, or its word cannot be verified.
    ProviderFailed,
    /// A sign-in in the browser was declined or given up, or took too long: begin again.
    SignInEnded,
    /// Nobody answers at this address.
    Unreachable,
    /// Something answers, but it is not a desk; or the address cannot be read.
    NotADesk,
    /// The desk is of another version than the app.
    Version,
    /// The session ended: sign in again. Cache, drafts and outbox stay.
    Expired,
    /// Somebody signed this computer out, and what it kept of the desk was deleted: sign in again. What the desk never
    /// got is kept, encrypted.
    Revoked,
    /// Nobody is signed in.
    SignedOut,
    /// The same person is signed in at this desk already.
    SignedInAlready,
    /// There are as many accounts as the app holds: sign out of one first.
    TooManyAccounts,
    /// This computer's disk is full. Nothing was lost; make room and try again.
    DiskFull,
    /// The database on this computer was written by a newer app. Nothing was touched: update the app.
    NewerDatabase,
    /// The database on this computer cannot be read; it was set aside, not deleted.
    DamagedDatabase,
    /// The system's keychain is locked or does not answer. Nothing was touched: unlock it and try again.
    KeychainLocked,
    /// The key of the databases on this computer is gone, or fits them no more. Nothing was touched: signing in
    /// again sets them aside and fetches all chats anew, except what was not sent yet.
    Undecryptable,
    /// The connection is needed for this one.
    Offline,
    /// No such thing.
    NotFound,
    /// A field breaks a rule; `field` says which.
    Invalid,
    /// Somebody else was faster.
    Conflict,
    /// The message may have been on its way: it cannot be taken back any more.
    TooLate,
    /// The file is larger than 20 MB.
    TooLarge,
    /// Files of this type are not accepted.
    UnsupportedType,
    /// The page's request was not understood or not allowed: a fault of the app.
    Internal,
}

/// A failed command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, thiserror::Error)]
#[error("{code:?}: {detail}")]
pub struct ApiError {
    /// What the page acts on.
    pub code: ApiErrorCode,
    /// For logs and "copy details"; never the only thing shown.
    pub detail: String,
    /// The field that broke a rule.
    pub field: Option<String>,
    /// Of a sign-out that would lose something: how much this computer alone has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub count: Option<i64>,
}

/// Everything the first screen needs, from disk alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct StartView {
    /// The app's version.
    pub version: String,
    /// Every account, in the order in which they were added. None: show the first-run window.
    pub accounts: Vec<AccountState>,
    /// Language, theme and alerts.
    pub settings: Settings,
    /// The chat boxes of the accounts that are open, as they were left.
    pub boxes: Vec<BoxRecord>,
    /// The worst of all connections.
    pub sync: SyncView,
}

/// An account and what has become of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AccountState {
    /// Who is signed in, and where.
    pub account: AccountView,
    /// Its chats can be read.
    pub open: bool,
    /// Why it is not open, e.g. a newer database. Neither open nor this: it is being opened, and an `account` event
    /// ends that.
    pub fault: Option<ApiError>,
    /// Where the key of its databases is.
    pub key_place: Option<KeyPlace>,
    /// The state of its connection.
    pub sync: SyncView,
    /// After this computer was signed out from elsewhere: messages and drafts that the desk never got, which are kept.
    #[ts(type = "number | null")]
    pub kept: Option<i64>,
}

/// Where the key of the databases on this computer is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum KeyPlace {
    /// In the system's keychain.
    Keychain,
    /// In a file that only this user can read, because there is no keychain.
    File,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AccountView {
    /// How this app names it.
    pub id: AccountId,
    /// The signed-in agent.
    pub agent: AgentId,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// The desk's name.
    pub desk: String,
    /// The desk's address.
    pub address: String,
    /// The desk runs inside this app.
    pub local: bool,
}

/// Colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system says.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// Languages of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    En,
    /// Spanish.
    Es,
    /// Russian.
    Ru,
}

/// What the person chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Settings {
    /// `None`: the system's language, or English.
    pub language: Option<Language>,
    /// Colours.
    pub theme: Theme,
    /// Native notifications.
    pub toasts: bool,
    /// Sounds.
    pub sounds: bool,
    /// Flashing window.
    pub flash: bool,
    /// Hide what visitors wrote in toasts.
    pub hide_text: bool,
    /// A new chat that rings opens as a small box by itself.
    pub open_boxes: bool,
    /// Single-key shortcuts outside text fields.
    pub single_keys: bool,
    /// A reply is kept back for five seconds, so that it can be taken back.
    pub undo_send: bool,
    /// Files that were not used for so many days are removed from this computer; from 1 to 3650.
    pub keep_days: u32,
    /// Room for each desk's files on this computer, in millions of bytes. 0: none is kept.
    pub keep_megabytes: u32,
    /// Closed chats that were not used for so many days keep only their newest message on this computer; up to 3650.
    /// 0: they keep all.
    pub keep_messages_days: u32,
    /// Room for each desk's chats on this computer, in millions of bytes. 0: as much as they need.
    pub keep_messages_megabytes: u32,
}

/// How a chat box stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum BoxState {
    /// A bar in the dock.
    Minimised,
    /// A small box above the dock.
    Restored,
    /// Fills the thread pane.
    Maximised,
}

/// One chat box, as kept over a restart. Drafts are kept per conversation, not per box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct BoxRecord {
    /// Whose box.
    pub conversation: ConversationRef,
    /// How it stands.
    pub state: BoxState,
    /// Larger: focused later.
    #[ts(type = "number")]
    pub last_focus: i64,
    /// The composer's tab.
    pub tab: MessageKind,
}

/// The state of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SyncState {
    /// Nobody is signed in.
    SignedOut,
    /// Trying.
    Connecting,
    /// Filling the cache for the first time, or again.
    Syncing,
    /// Everything up to `synced_at` is here.
    Live,
    /// No connection.
    Offline,
    /// The session ended: sign in again.
    Expired,
    /// The desk is of another version.
    Version,
}

/// How fresh the screen is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SyncView {
    /// Where the connection stands.
    pub state: SyncState,
    /// When the cache was last known to be whole, by this computer's clock.
    pub synced_at: Option<Timestamp>,
    /// Requests carry the connection, because the network lets no socket through.
    pub over_http: bool,
    /// Since when there is no connection.
    pub offline_since: Option<Timestamp>,
    /// Commands not yet taken by the server.
    #[ts(type = "number")]
    pub unsent: i64,
    /// Commands the server refused and the person has not dealt with.
    #[ts(type = "number")]
    pub refused: i64,
    /// Replies that the person has to decide on, because somebody else wrote meanwhile.
    #[ts(type = "number")]
    pub held: i64,
    /// When anything was last heard of the server, by this computer's clock.
    pub last_event_at: Option<Timestamp>,
    /// Changes that the server told of and that are not here yet.
    #[ts(type = "number")]
    pub lag: i64,
}

/// Asks how healthy the sync is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AskHealth {
    /// The conversations on screen.
    pub conversations: Vec<ConversationRef>,
}

/// How healthy the sync is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SyncHealth {
    /// The worst of all connections, as it is now.
    pub sync: SyncView,
    /// Conversations on screen that miss messages which the server has. Old ones that nobody asked for do not count.
    #[ts(type = "number")]
    pub holes: usize,
    /// Every account's own.
    pub accounts: Vec<AccountSync>,
}

/// The state of one account's connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AccountSync {
    /// Whose.
    pub account: AccountId,
    /// As it is now.
    pub sync: SyncView,
}

/// A list of conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Folder {
    /// All open customer conversations, most recently active first.
    Open,
    /// Open ones in which the visitor waits, longest waiting first.
    Waiting,
    /// Open ones assigned to me.
    Mine,
    /// Snoozed ones.
    Snoozed,
    /// Closed ones.
    Closed,
    /// Those among the team, most recently active first.
    Team,
}

/// Asks for a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ListConversations {
    /// Which one.
    pub folder: Folder,
    /// Of this account alone; empty: of all together.
    pub account: Option<AccountId>,
    /// At most 500.
    pub limit: u32,
}

/// A list with the counts of all folders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ConversationList {
    /// Rows in the folder's order.
    pub rows: Vec<ConversationRow>,
    /// Rows of every folder, and people waiting, at all desks.
    pub counts: Counts,
    /// The same for every open account.
    pub accounts: Vec<AccountCounts>,
}

/// The numbers of one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AccountCounts {
    /// Whose.
    pub account: AccountId,
    /// Rows of every folder, and people waiting.
    pub counts: Counts,
}

/// Numbers of the side bar and the queue strip.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Counts {
    /// Open conversations.
    #[ts(type = "number")]
    pub open: i64,
    /// Waiting ones.
    #[ts(type = "number")]
    pub waiting: i64,
    /// Mine.
    #[ts(type = "number")]
    pub mine: i64,
    /// Snoozed.
    #[ts(type = "number")]
    pub snoozed: i64,
    /// Closed.
    #[ts(type = "number")]
    pub closed: i64,
    /// Conversations with unread messages of visitors.
    #[ts(type = "number")]
    pub unread: i64,
    /// Conversations among the team with unread messages.
    #[ts(type = "number")]
    pub team_unread: i64,
    /// The oldest waiting message's time.
    pub waiting_since: Option<Timestamp>,
}

/// A row of a list, and the head of a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ConversationRow {
    /// Which one.
    pub id: ConversationRef,
    /// Of which account.
    pub account: AccountId,
    /// The person.
    pub contact: ContactRef,
    /// Their browser.
    pub visitor: VisitorRef,
    /// Empty: word it as "Visitor" with `visitor_number`. Among the team: the group's title, or with whom it is.
    pub name: String,
    /// A short number for an unnamed visitor.
    #[ts(type = "number")]
    pub visitor_number: i64,
    /// Among the team: there is no visitor, everything is a note, and nobody has it.
    pub internal: bool,
    /// Between two of the team.
    pub direct: bool,
    /// Agents who take part, without me.
    pub participants: Vec<Participant>,
    /// I take part.
    pub takes_part: bool,
    /// Agents who follow it though others may answer, without me.
    pub followers: Vec<Participant>,
    /// I follow it.
    pub followed: bool,
    /// Open, snoozed, closed.
    pub state: ConversationState,
    /// When a snoozed one opens by itself; empty: with the visitor's next message.
    pub snoozed_until: Option<Timestamp>,
    /// What the team calls it, sorted.
    pub labels: Vec<String>,
    /// Who answers.
    pub assignee: Option<AgentId>,
    /// Their name; empty when nobody.
    pub assignee_name: String,
    /// That is me.
    pub mine: bool,
    /// Which team has it.
    pub team: Option<TeamId>,
    /// Its name; empty when none.
    pub team_name: String,
    /// How pressing it is.
    pub priority: Priority,
    /// The newest reply, note or file, in one line.
    pub preview: Option<Preview>,
    /// Time of the newest message.
    pub active_at: Timestamp,
    /// Messages of the visitor I have not read.
    #[ts(type = "number")]
    pub unread: i64,
    /// Since when the visitor waits.
    pub waiting_since: Option<Timestamp>,
    /// The visitor is on the site now.
    pub online: bool,
    /// The visitor is typing.
    pub typing: bool,
    /// What they write, where the desk tells; of the conversation that was asked for alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub peek: Option<String>,
    /// An unsent text is kept.
    pub draft: bool,
    /// A message of mine was refused.
    pub refused: bool,
    /// A reply of mine is held, because somebody else wrote meanwhile.
    pub held: bool,
    /// Newest message's number.
    pub last_number: Number,
    /// Newest number the visitor has seen.
    pub visitor_read: Number,
    /// Newest number I have seen.
    pub my_read: Number,
}

/// An agent who takes part in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Participant {
    /// Who.
    pub agent: AgentId,
    /// Their name.
    pub name: String,
}

/// A first message to colleagues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct StartInternal {
    /// At which desk.
    pub account: AccountId,
    /// To whom.
    pub agents: Vec<AgentId>,
    /// What the group is called. Empty: the direct conversation with one colleague.
    pub title: String,
    /// What is said.
    pub text: String,
}

/// Who takes part from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ChangeParticipants {
    /// Which conversation.
    pub conversation: ConversationRef,
    /// To take part.
    pub add: Vec<AgentId>,
    /// To take part no more.
    pub remove: Vec<AgentId>,
    /// I leave.
    pub leave: bool,
}

/// Whether I follow a conversation from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Follow {
    /// Which one.
    pub conversation: ConversationRef,
    /// From now on.
    pub following: bool,
}

/// The newest message in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Preview {
    /// Who wrote it.
    pub author: Author,
    /// Reply, note or system.
    pub kind: MessageKind,
    /// At most 160 characters, one line.
    pub text: String,
    /// Name of the first file, when there is no text.
    pub file: Option<String>,
    /// Written by me.
    pub mine: bool,
}

/// Asks for messages, newest first when `before` is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ListMessages {
    /// Which conversation.
    pub conversation: ConversationRef,
    /// Messages with smaller numbers.
    pub before: Option<Number>,
    /// At most 200.
    pub limit: u32,
}

/// Older messages that only the desk has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LoadOlder {
    /// Which conversation.
    pub conversation: ConversationRef,
    /// Messages with smaller numbers; empty: older than all that follow without a hole up to the newest.
    pub before: Option<Number>,
}

/// Messages in the order of the screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Thread {
    /// Rows by number; then what is on its way.
    pub messages: Vec<MessageView>,
    /// Smaller numbers exist on this computer.
    pub more_here: bool,
    /// Smaller numbers exist on the server only: `load_older` fetches them when online.
    pub more_there: bool,
    /// What I wanted done with the conversation and the desk refused; a refused message stands among the messages.
    pub refused: Vec<RefusedDeed>,
    /// Which of their files are on this computer.
    pub kept: Vec<AttachmentId>,
}

/// Something other than a message that the desk refused: `retry` or `discard`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RefusedDeed {
    /// Its permanent name.
    pub client_id: ClientId,
    /// What it was.
    pub deed: Deed,
    /// Why it was refused.
    pub refusal: ErrorCode,
    /// The message it was about.
    pub message: Option<MessageId>,
    /// What the message should say, or what was written about the person.
    pub text: Option<String>,
}

/// What can be done with a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Close, or open.
    SetState,
    /// Put off.
    Snooze,
    /// Assign.
    Assign,
    /// How pressing it is.
    SetPriority,
    /// Labels.
    ChangeLabels,
    /// Who takes part.
    ChangeParticipants,
    /// Follow, or no more.
    Follow,
    /// A message written anew.
    EditMessage,
    /// A message deleted.
    DeleteMessage,
    /// Anything else.
    Other,
}

/// A piece of a message's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "part", rename_all = "snake_case")]
pub enum TextPart {
    /// Plain characters; may hold line breaks.
    Text {
        /// The characters.
        text: String,
    },
    /// An address. It opens only through `open_link` by its index.
    Link {
        /// Its place among the message's links.
        index: u32,
        /// What was written.
        text: String,
        /// Its host in ASCII, so that look-alike letters show.
        host: String,
    },
    /// A colleague whom a note mentions.
    Mention {
        /// Who.
        agent: AgentId,
        /// What was written: `@` and the name.
        text: String,
        /// It is me.
        me: bool,
    },
}

/// How far a message of mine has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Kept back until `sends_at`; `take_back` undoes it.
    Delayed,
    /// On this computer's disk only; `take_back` or `discard`.
    Queued,
    /// Its files are on their way to the server; `take_back` or `discard`.
    Uploading,
    /// On its way.
    Sending,
    /// It was on its way, and is sent again by itself.
    Retrying,
    /// Somebody else wrote meanwhile; `retry` sends it, otherwise `take_back` or `discard`.
    Held,
    /// The server has it.
    Sent,
    /// The visitor had it on screen.
    Seen,
    /// The server refused it; `retry`, `take_back` or `discard`.
    Refused,
    /// Not mine.
    Received,
}

/// A message as the page draws it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct MessageView {
    /// A stable key: the client id if there is one, else the id.
    pub key: String,
    /// Empty until the server has it.
    pub id: Option<MessageId>,
    /// 0 until the server has it.
    pub number: Number,
    /// Who wrote it.
    pub author: Author,
    /// Written by me.
    pub mine: bool,
    /// Reply, note or system.
    pub kind: MessageKind,
    /// The text in pieces.
    pub text: Vec<TextPart>,
    /// What a question of the desk offers as answers.
    pub choices: Vec<String>,
    /// Files that the server has.
    pub attachments: Vec<Attachment>,
    /// The article that it brings the visitor, as it was when it was sent.
    pub article: Option<ArticleCard>,
    /// Files that are on this computer until the message is done; in place of `attachments` then.
    pub files: Vec<FileView>,
    /// Server time, or this computer's until the server has it.
    pub created_at: Timestamp,
    /// How far it has come.
    pub delivery: Delivery,
    /// Why it was refused.
    pub refusal: Option<ErrorCode>,
    /// For `retry`, `take_back` and `discard`.
    pub client_id: Option<ClientId>,
    /// When it goes by itself, by this computer's clock, if it is kept back.
    pub sends_at: Option<Timestamp>,
    /// The newest number that was on screen when it was written, if it is held: what is above came meanwhile.
    pub seen: Option<Number>,
    /// The change that it shows, for `edit_message` and `delete_message`. Empty until the server has it.
    pub rev: Option<Seq>,
    /// Its text was changed.
    pub edited: bool,
    /// It was deleted: nothing is left but its place.
    pub deleted: bool,
    /// A change of mine is still on its way.
    pub changing: bool,
    /// I may edit it.
    pub may_edit: bool,
    /// I may delete it.
    pub may_delete: bool,
}

/// A row of the visitor list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct VisitorRow {
    /// Who.
    pub id: VisitorRef,
    /// At which account's desk.
    pub account: AccountId,
    /// Empty: word it as "Visitor" with `number`.
    pub name: String,
    /// A short number for an unnamed visitor.
    #[ts(type = "number")]
    pub number: i64,
    /// Where the address lies.
    pub region: Region,
    /// The page on screen.
    pub page: Option<PageView>,
    /// Visits.
    #[ts(type = "number")]
    pub visits: i64,
    /// Conversations started.
    #[ts(type = "number")]
    pub chats: i64,
    /// Start of this visit.
    pub visit_started_at: Timestamp,
    /// The tab is in front.
    pub visible: bool,
    /// The conversation at hand: speech bubble instead of eye.
    pub conversation: Option<ConversationRef>,
}

/// The details panel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct VisitorDetails {
    /// Who.
    pub visitor: VisitorRef,
    /// At which account's desk.
    pub account: AccountId,
    /// A short number for an unnamed visitor.
    #[ts(type = "number")]
    pub number: i64,
    /// The person.
    pub contact: ContactRef,
    /// Editable.
    pub name: String,
    /// Editable.
    pub email: String,
    /// Editable.
    pub phone: String,
    /// Editable.
    pub notes: String,
    /// Who it is by the word of the shop's own server. Absent: nobody but the visitor says who they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub verified: Option<Verified>,
    /// Where the address lies.
    pub region: Region,
    /// Address; may be truncated or empty by the desk's setting.
    pub ip: String,
    /// Browser.
    pub browser: String,
    /// Operating system.
    pub os: String,
    /// Kind of device.
    pub device: String,
    /// Preferred language, a BCP 47 tag.
    pub language: String,
    /// Screen size.
    pub screen: String,
    /// Where they came from.
    pub referrer: String,
    /// Visits.
    #[ts(type = "number")]
    pub visits: i64,
    /// Conversations started.
    #[ts(type = "number")]
    pub chats: i64,
    /// On the site now.
    pub online: bool,
    /// Last pages, newest first.
    pub pages: Vec<PageView>,
    /// Earlier conversations, newest first.
    pub conversations: Vec<PastConversation>,
    /// Projects, tickets and tasks about them: first those that are to be done, newest first.
    pub items: Vec<LinkedItem>,
}

/// A project, a ticket or a task that is about somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LinkedItem {
    /// Its number at the desk.
    #[ts(type = "number")]
    pub number: i64,
    /// What it is.
    pub kind: ItemKind,
    /// How far it is.
    pub state: ItemState,
    /// One line.
    pub title: String,
    /// Who does it.
    pub assignee: Option<String>,
}

/// An earlier conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PastConversation {
    /// Id.
    pub id: ConversationRef,
    /// When it began.
    pub created_at: Timestamp,
    /// Where it stands.
    pub state: ConversationState,
    /// Its newest message in one line.
    pub preview: Option<Preview>,
}

/// A prepared text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CannedTextView {
    /// Id.
    pub id: CannedTextId,
    /// Whose it is.
    pub owner: TextOwner,
    /// The team's name, when it is a team's.
    pub team: String,
    /// What is typed after `#`.
    pub shortcut: String,
    /// Title.
    pub title: String,
    /// What is inserted, with the placeholders filled in.
    pub text: String,
    /// Placeholders that have no value; the page will not send while one is left.
    pub missing: Vec<String>,
    /// Files that come with it.
    pub attachments: Vec<Attachment>,
}

/// What a hit of the search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum HitKind {
    /// The name of a person, or what else the team knows of them.
    Person,
    /// A page that a person saw.
    Page,
    /// The text of a message.
    Message,
    /// A note of the team.
    Note,
    /// The name of a file.
    File,
}

/// A hit of the search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SearchHit {
    /// What it is.
    pub kind: HitKind,
    /// Of which account.
    pub account: AccountId,
    /// Where.
    pub conversation: ConversationRef,
    /// The message; empty when a person or page matched.
    pub number: Option<Number>,
    /// Whose conversation; empty: unnamed.
    pub name: String,
    /// A short number for an unnamed visitor.
    #[ts(type = "number")]
    pub visitor_number: i64,
    /// Pieces of the text, every second one a match.
    pub snippet: Vec<String>,
    /// When.
    pub at: Timestamp,
}

/// What the desks found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DeskHits {
    /// What is not on this computer.
    pub hits: Vec<SearchHit>,
    /// Accounts whose desk could not be asked.
    pub silent: Vec<AccountId>,
}

/// A file of a draft, or of a message that is not done: it is on this computer's disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct FileView {
    /// For `send_message` and `remove_file`.
    pub file: ClientId,
    /// What the person calls it.
    pub name: String,
    /// Bytes.
    #[ts(type = "number")]
    pub size: i64,
    /// Bytes that the server has.
    #[ts(type = "number")]
    pub uploaded: i64,
    /// Why the server refused it.
    pub refusal: Option<ErrorCode>,
}

/// Nothing to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Nothing {}

/// One account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ForAccount {
    /// Which one.
    pub account: AccountId,
}

/// Sign out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SignOut {
    /// Of which account.
    pub account: AccountId,
    /// The person was asked, and what this computer alone has goes.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub force: bool,
}

/// Connect to a desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ConnectDesk {
    /// Whose session is to begin again; empty: a desk is added.
    pub account: Option<AccountId>,
    /// The desk's address, with or without `https://`.
    pub address: String,
    /// The agent's e-mail.
    pub email: String,
    /// Their password. Never stored.
    pub password: String,
    /// A code of their second factor, when the desk has asked for one.
    pub code: Option<String>,
}

/// Ask what a desk offers to whoever signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AskDesk {
    /// The desk's address, with or without `https://`.
    pub address: String,
}

/// What a desk offers to whoever signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DeskOffer {
    /// What the desk's identity provider is called. Empty: it has none.
    pub provider: Option<String>,
}

/// Sign in at a desk's identity provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct BeginAtProvider {
    /// Whose session is to begin again; empty: a desk is added.
    pub account: Option<AccountId>,
    /// The desk's address, with or without `https://`.
    pub address: String,
}

/// The browser is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ProviderCode {
    /// The person finds the same one in the browser.
    pub code: String,
}

/// One conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ForConversation {
    /// Which one.
    pub conversation: ConversationRef,
}

/// One visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ForVisitor {
    /// Which one.
    pub visitor: VisitorRef,
}

/// Send a message: it is on disk when this returns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SendMessage {
    /// Where to.
    pub conversation: ConversationRef,
    /// Reply or note.
    pub kind: MessageKind,
    /// The text.
    pub text: String,
    /// Files of the conversation's draft.
    pub files: Vec<ClientId>,
    /// The newest number on screen: a reply written without a connection is held if somebody else wrote after it.
    pub seen: Number,
    /// Whom a note may mention: those whose names still stand in it after an `@` are mentioned.
    pub mentions: Vec<AgentId>,
}

/// A message that is unsent text again. It stands before what was typed since, on disk already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct TakenBack {
    /// Where.
    pub conversation: ConversationRef,
    /// Reply or note.
    pub kind: MessageKind,
    /// Its text.
    pub text: String,
    /// Whom it mentions.
    pub mentions: Vec<AgentId>,
    /// Its files, the draft's again.
    pub files: Vec<FileView>,
}

/// Something queued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Queued {
    /// Its permanent name.
    pub client_id: ClientId,
}

/// One queued command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ForQueued {
    /// Where it is to go.
    pub conversation: ConversationRef,
    /// Its permanent name.
    pub client_id: ClientId,
}

/// Close or reopen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SetState {
    /// Which conversation.
    pub conversation: ConversationRef,
    /// The new state.
    pub state: ConversationState,
}

/// Put off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Snooze {
    /// Which conversation.
    pub conversation: ConversationRef,
    /// When it opens by itself, within a year. Empty: with the visitor's next message.
    pub until: Option<Timestamp>,
}

/// Who gets a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum AssignTo {
    /// Me.
    Me,
    /// No agent; and when none has it, no team either.
    Nobody,
    /// An agent. It stays with its team when they belong to it.
    Agent {
        /// Which one.
        agent: AgentId,
    },
    /// A team, and no agent of it yet.
    Team {
        /// Which one.
        team: TeamId,
    },
}

/// Gives a conversation to somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Assign {
    /// Which conversation.
    pub conversation: ConversationRef,
    /// Who gets it.
    pub to: AssignTo,
    /// Who had it on screen: whoever else has it by now keeps it. Empty: whoever has it.
    pub from: Option<Holder>,
}

/// Somebody who can be given a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Assignee {
    /// Who.
    pub agent: AgentId,
    /// Their name.
    pub name: String,
    /// They are there now.
    pub online: bool,
}

/// A team that can be given a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AssignableTeam {
    /// Which one.
    pub team: TeamId,
    /// Its name.
    pub name: String,
}

/// To whom a conversation can be given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Assignees {
    /// Colleagues: those who are there first, by name.
    pub agents: Vec<Assignee>,
    /// Teams, by name.
    pub teams: Vec<AssignableTeam>,
}

/// How pressing a conversation is from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SetPriority {
    /// Which conversation.
    pub conversation: ConversationRef,
    /// From now on.
    pub priority: Priority,
}

/// A message of mine written anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct EditMessage {
    /// Where it stands.
    pub conversation: ConversationRef,
    /// Which one.
    pub message: MessageId,
    /// The change after which it was on screen when the editing began: a later one is not written over. Empty while a
    /// change of mine was on its way, on which this one builds.
    pub seen: Option<Seq>,
    /// What it says from now on.
    pub text: String,
}

/// A message to be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DeleteMessage {
    /// Where it stands.
    pub conversation: ConversationRef,
    /// Which one.
    pub message: MessageId,
    /// The change after which it was on screen. Empty while a change of mine was on its way.
    pub seen: Option<Seq>,
}

/// Labels to be put on and taken off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ChangeLabels {
    /// Which conversation.
    pub conversation: ConversationRef,
    /// To be there; at most 40 characters each.
    pub add: Vec<String>,
    /// Not to be there.
    pub remove: Vec<String>,
}

/// Asks for labels in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct FindLabels {
    /// For which conversation: those in use at its desk.
    pub conversation: ConversationRef,
    /// How they begin; empty: all.
    pub query: String,
}

/// Seen on screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct MarkRead {
    /// Which conversation.
    pub conversation: ConversationRef,
    /// Newest number seen.
    pub number: Number,
}

/// I am typing, or stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SetTyping {
    /// Where.
    pub conversation: ConversationRef,
    /// Typing a reply. A note's typing is never told.
    pub typing: bool,
}

/// Which conversation is on screen in an active window, so that no toast is raised for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SetFocus {
    /// None: none, or the window is in the background.
    pub conversation: Option<ConversationRef>,
}

/// What is known of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct EditContact {
    /// Who.
    pub contact: ContactRef,
    /// Name.
    pub name: String,
    /// E-mail.
    pub email: String,
    /// Phone.
    pub phone: String,
    /// Notes.
    pub notes: String,
}

/// Signs out elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RevokeDevice {
    /// Of which account.
    pub account: AccountId,
    /// On which device. Empty: on all but this computer.
    #[ts(type = "number | null")]
    pub device: Option<i64>,
}

/// Words typed after `#`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct FindCannedTexts {
    /// What was typed; empty: all.
    pub query: String,
    /// Whose placeholders to fill in.
    pub conversation: ConversationRef,
}

/// A prepared text that was inserted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct UseCannedText {
    /// Where.
    pub conversation: ConversationRef,
    /// Which one.
    pub text: CannedTextId,
}

/// A search over the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Search {
    /// Of this account alone; empty: of all together.
    pub account: Option<AccountId>,
    /// Words, "phrases" and filters such as `from:me`; the last word may be unfinished. Nothing that is typed is wrong.
    pub text: String,
    /// At most 100.
    pub limit: u32,
}

/// Unsent text of one conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Draft {
    /// Which conversation.
    pub conversation: ConversationRef,
    /// Text of the reply tab.
    pub reply: String,
    /// Text of the note tab.
    pub note: String,
    /// Whom the note mentions.
    pub mentions: Vec<AgentId>,
}

/// The chat boxes as they stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SaveBoxes {
    /// All of them, in the dock's order.
    pub boxes: Vec<BoxRecord>,
}

/// A file of a draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ForFile {
    /// Whose draft.
    pub conversation: ConversationRef,
    /// Which one.
    pub file: ClientId,
}

/// A file for a conversation's draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AddFile {
    /// Whose draft.
    pub conversation: ConversationRef,
    /// The file's name.
    pub name: String,
    /// Its bytes in base64, at most 20 MB of them.
    pub data: String,
}

/// A file of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ForAttachment {
    /// Where it was written.
    pub conversation: ConversationRef,
    /// Which one.
    pub attachment: AttachmentId,
}

/// A file was saved, and not opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SavedFile {
    /// Where, for the eye alone.
    pub path: String,
}

/// A link of a message, after the person agreed to open it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct OpenLink {
    /// Which conversation.
    pub conversation: ConversationRef,
    /// Which message.
    pub number: Number,
    /// Which of its links.
    pub index: u32,
}

/// A page of a visitor, after the person agreed to open it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct OpenPage {
    /// Whose.
    pub visitor: VisitorRef,
    /// Which of the pages in the details, 0 the newest.
    pub index: u32,
}

/// What the app tells the page on its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum AppEvent {
    /// The cache changed: ask again for what is on screen. Bursts are merged.
    Changed {
        /// Conversations whose head or messages changed, drafts and outbox included.
        conversations: Vec<ConversationRef>,
        /// The visitor list or a visitor's details changed.
        visitors: bool,
        /// The canned texts changed.
        canned_texts: bool,
    },
    /// The state of an account's connection changed.
    Sync {
        /// Every account's, as it is now.
        accounts: Vec<AccountSync>,
        /// The worst of them.
        sync: SyncView,
    },
    /// Somebody asked for a conversation from outside the page: a toast, the tray, a second start.
    Open {
        /// Which one; `None`: the one waiting longest.
        conversation: Option<ConversationRef>,
    },
    /// New chats ring: nobody answers them yet.
    Ring {
        /// Which ones, in the order in which they rang.
        conversations: Vec<ConversationRef>,
    },
    /// Sign-in state changed: call `start` again.
    Account,
}
