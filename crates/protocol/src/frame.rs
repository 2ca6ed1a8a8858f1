//! The frames of `chat.v1`: one JSON object in one WebSocket text message.
//!
//! Frames are read in two steps, first the `type` and then the body, so that a frame of a type this
//! version does not know is skipped and never ends a good connection.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

use crate::command::CommandFrame;
use crate::entity::{Entity, EntityData, EntityKind};
use crate::error::ErrorCode;
use crate::form::AskedForms;
use crate::http::DeskTexts;
use crate::id::*;

/// From a client to the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientFrame {
    /// The first frame, within 10 seconds.
    Hello(Hello),
    /// The next page of a snapshot.
    SnapNext(SnapshotNext),
    /// Everything up to `seq` is durably applied.
    Seen(Seen),
    /// A command.
    Cmd(CommandFrame),
    /// Older messages, please.
    Hist(HistoryRequest),
    /// Something that is never stored.
    Eph(Ephemeral),
    /// What became of a ring on this device.
    RingAck(RingAck),
    /// A sign of life.
    Hb(ClientHeartbeat),
}

/// From the server to a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The answer to `hello`.
    Welcome(Welcome),
    /// The client's cursor is of no use: drop the cache, keep the outbox, a snapshot follows.
    Reset(Reset),
    /// A page of a snapshot.
    Snap(SnapshotPage),
    /// The snapshot is whole; deltas go on from its base.
    SnapEnd(SnapshotEnd),
    /// Every visible change after `from` up to `to`.
    Delta(Delta),
    /// A command is durably done.
    Ack(Ack),
    /// A command is refused.
    Nack(Nack),
    /// Older messages.
    HistPage(HistoryPage),
    /// Something that is never stored.
    Eph(Ephemeral),
    /// A visitor waits, and this agent is asked for.
    Ring(Ring),
    /// A sign of life that carries the log's head.
    Hb(ServerHeartbeat),
    /// The server ends the connection.
    Bye(Bye),
}

/// Opens a session. Agents send their token in the `Authorization` header, visitors in `visitor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Hello {
    /// [`crate::PROTOCOL`].
    pub protocol: u32,
    /// Name and version of the client, e.g. `deskbell 0.1.0`.
    pub app: String,
    /// How far the client has come; empty: it has nothing.
    pub cursor: Option<Cursor>,
    /// Only from the widget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub visitor: Option<VisitorHello>,
}

/// What the widget says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct VisitorHello {
    /// The site's public key.
    pub site: String,
    /// `page`: the loader in the shop's page, which sees no message. `panel`: the messenger in its frame.
    pub part: VisitorPart,
    /// The visitor's secret, kept by the panel alone. Empty on the first visit and always empty from the loader.
    pub token: Option<String>,
    /// The loader's random name for this browser or page, 32 hexadecimal digits. The panel repeats the one it
    /// was handed, which joins the two into one visitor. It opens no conversation.
    pub presence: Option<String>,
    /// The page on screen; from the loader.
    pub page: Option<PageSeen>,
    /// Preferred language, a BCP 47 tag.
    pub language: String,
    /// Screen size in CSS pixels, e.g. `1920×1080`.
    pub screen: String,
    /// The language that the messenger speaks to them, a BCP 47 tag: the page's where it has one. What the desk says by
    /// itself is in it; without it, in the preferred one. From the panel alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub spoken: Option<String>,
    /// Who the shop's server says it is: a JSON Web Token that it has signed. From the panel alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub identity: Option<String>,
}

/// Which half of the widget speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VisitorPart {
    /// The loader in the shop's page.
    Page,
    /// The messenger in its frame.
    Panel,
}

/// A page as the loader tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct PageSeen {
    /// Origin and path.
    pub url: String,
    /// Title.
    pub title: String,
    /// Where the visitor came from; first page of a visit only.
    pub referrer: String,
    /// Whether the tab is in front.
    pub visible: bool,
}

/// The answer to `hello`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Welcome {
    /// Names this connection in logs.
    pub session: String,
    /// The log's name.
    #[schema(value_type = String)]
    pub epoch: Epoch,
    /// The log's newest place.
    pub head: Seq,
    /// The server's clock.
    #[schema(value_type = i64)]
    pub server_time: Timestamp,
    /// Heartbeats come this often, in milliseconds; dead after 35 seconds without any frame.
    #[ts(type = "number")]
    pub heartbeat_ms: u64,
    /// What follows.
    pub mode: SyncMode,
    /// Only to agents: who is signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub agent: Option<AgentId>,
    /// Only to visitors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub visitor: Option<VisitorWelcome>,
}

/// What a visitor is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct VisitorWelcome {
    /// The visitor's secret, to the panel alone, and only when it is new.
    pub token: Option<String>,
    /// The conversation at hand.
    pub conversation: Option<ConversationId>,
    /// The desk's name.
    pub desk: String,
    /// Whether the desk is online: an agent is there, it is open, and it is not switched off.
    pub online: bool,
    /// When its hours open the desk, while they have it closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    #[ts(optional)]
    pub back_at: Option<Timestamp>,
    /// What the desk says of that in the visitor's language, in place of the messenger's own texts.
    #[serde(default, skip_serializing_if = "DeskTexts::is_empty")]
    #[ts(optional, as = "Option<DeskTexts>")]
    pub texts: DeskTexts,
    /// What is asked before the first message.
    #[serde(default, skip_serializing_if = "AskedForms::is_empty")]
    #[ts(optional, as = "Option<AskedForms>")]
    pub forms: AskedForms,
    /// Whether the team sees what is written before it is sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[ts(optional, as = "Option<bool>")]
    pub peek: bool,
    /// Messages of the team that the visitor has not seen.
    pub unread: i64,
}

/// What follows a welcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncMode {
    /// Deltas from the client's cursor.
    Delta,
    /// A snapshot, then deltas from its base.
    Snapshot,
}

/// Why a cache is of no use any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResetReason {
    /// The log is another one.
    Epoch,
    /// The cursor is older than the oldest kept change.
    TooOld,
    /// The cursor is ahead of the log.
    Ahead,
    /// The entities' shape changed.
    Schema,
    /// The client may see more than before.
    Rights,
}

/// See [`ServerFrame::Reset`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Reset {
    /// Why.
    pub reason: ResetReason,
}

/// A page of a snapshot. Rows are full states, newest conversations first; they may be newer than the base.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct SnapshotPage {
    /// Names the snapshot.
    pub generation: String,
    /// The log's head when the scan began; deltas are replayed from here.
    pub base: Seq,
    /// Rows, as changes.
    pub rows: Vec<Change>,
    /// Asks for the next page. Empty: `snap_end` follows.
    pub next: Option<String>,
}

/// Asks for a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct SnapshotNext {
    /// Which snapshot.
    pub generation: String,
    /// The last page's `next`.
    pub token: String,
}

/// See [`ServerFrame::SnapEnd`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct SnapshotEnd {
    /// Which snapshot.
    pub generation: String,
    /// The cursor from here on.
    pub base: Seq,
}

/// See [`ClientFrame::Seen`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Seen {
    /// The last change applied.
    pub seq: Seq,
}

/// Every visible change after `from` up to `to`. May be empty: it then moves the cursor over what is not
/// visible to this client. A delta whose `from` is not the client's cursor is not applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Delta {
    /// The cursor before.
    pub from: Seq,
    /// The cursor after.
    pub to: Seq,
    /// In order.
    pub changes: Vec<Change>,
    /// Another delta follows at once.
    pub more: bool,
}

/// What happened to an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Its full state, new or changed.
    Put,
    /// It is gone.
    Delete,
    /// It became visible to this client.
    Show,
    /// It is no longer visible to this client: rows, files and search entries go.
    Forget,
    /// A person had it erased: as `forget`, and never again.
    Erase,
    /// A kind that this version does not know. Skipped; the cursor still moves.
    #[serde(other)]
    Unknown,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Change {
    /// Its place in the log, and the entity's revision from now on.
    pub seq: Seq,
    /// What happened.
    pub kind: ChangeKind,
    /// To what kind of entity.
    pub entity: EntityKind,
    /// To which one.
    #[ts(type = "number")]
    pub id: i64,
    /// The entity's full state, for `put` and `show`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "unknown")]
    #[schema(value_type = Option<Object>)]
    pub data: Option<EntityData>,
    /// The command that caused it, to the sender's eyes: its outbox item is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub client_id: Option<ClientId>,
}

impl Change {
    /// A `put` of an entity.
    ///
    /// # Errors
    /// Never for the entities of this crate; the signature is serde's.
    pub fn put(seq: Seq, entity: &Entity, client_id: Option<ClientId>) -> Result<Self, serde_json::Error> {
        let (kind, id, data) = entity.encode()?;
        Ok(Self { seq, kind: ChangeKind::Put, entity: kind, id, data: Some(data), client_id })
    }
}

/// A command is durably done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Ack {
    /// Which command.
    pub client_id: ClientId,
    /// The last change it made. The outbox item is done once the cursor has passed it.
    pub seq: Seq,
    /// The id of what was made: a message's, or a conversation's for `start`.
    #[ts(type = "number | null")]
    pub id: Option<i64>,
    /// The message's number.
    #[schema(value_type = Option<i64>)]
    pub number: Option<Number>,
    /// The command had been done before; nothing was done twice.
    pub duplicate: bool,
}

/// A command is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Nack {
    /// Which command.
    pub client_id: ClientId,
    /// Why. [`ErrorCode::is_permanent`] tells whether to try again.
    pub code: ErrorCode,
    /// One English sentence that names the field and the rule.
    pub message: String,
    /// Earliest time for another try, in milliseconds from now.
    #[ts(type = "number | null")]
    pub retry_after_ms: Option<u64>,
    /// Which field breaks a rule, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub field: Option<String>,
    /// The row as it is, on `conflict`.
    pub current: Option<Box<Change>>,
}

/// Older messages, please.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct HistoryRequest {
    /// Repeated in the answer.
    #[ts(type = "number")]
    pub request: u64,
    /// Which conversation.
    pub conversation: ConversationId,
    /// Messages with smaller numbers.
    #[schema(value_type = i64)]
    pub before: Number,
    /// At most 100.
    pub limit: u32,
}

/// Messages `from..=to` of a conversation, contiguous by construction as far as the client may see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct HistoryPage {
    /// Which request.
    #[ts(type = "number")]
    pub request: u64,
    /// Which conversation.
    pub conversation: ConversationId,
    /// Smallest number covered; 1: the beginning is reached.
    #[schema(value_type = i64)]
    pub from: Number,
    /// Largest number covered.
    #[schema(value_type = i64)]
    pub to: Number,
    /// Rows, as changes, by number.
    pub messages: Vec<Change>,
}

/// Something that is never stored, may be dropped, and is limited in rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Ephemeral {
    /// Somebody is typing; shown for `ttl_ms`.
    Typing {
        /// Where. A visitor may leave it empty.
        conversation: Option<ConversationId>,
        /// Who, in the server's words: a client's own claim is ignored.
        author: Option<crate::entity::Author>,
        /// False: stopped.
        typing: bool,
        /// Life in milliseconds.
        ttl_ms: u32,
    },
    /// Who is on the sites now. `full`: all of them; otherwise only what changed.
    Visitors {
        /// The whole list follows.
        full: bool,
        /// There now.
        online: Vec<VisitorPresence>,
        /// Gone.
        gone: Vec<VisitorId>,
    },
    /// Who of the team is there. To visitors `agents` is empty and `online` tells.
    Agents {
        /// There now.
        agents: Vec<AgentId>,
        /// Whether the desk is online: any is, it is open, and it is not switched off.
        online: bool,
        /// To messengers: when its hours open the desk, while they have it closed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<i64>)]
        #[ts(optional)]
        back_at: Option<Timestamp>,
        /// To messengers: as in the welcome.
        #[serde(default, skip_serializing_if = "DeskTexts::is_empty")]
        #[ts(optional, as = "Option<DeskTexts>")]
        texts: DeskTexts,
        /// To messengers: as in the welcome.
        #[serde(default, skip_serializing_if = "AskedForms::is_empty")]
        #[ts(optional, as = "Option<AskedForms>")]
        forms: AskedForms,
        /// To messengers: as in the welcome.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        #[ts(optional, as = "Option<bool>")]
        peek: bool,
    },
    /// What a visitor is writing, where the site has it so. Stored nowhere.
    Peek {
        /// Where. A visitor may leave it empty.
        conversation: Option<ConversationId>,
        /// All of it so far, at most [`crate::PEEK_MAX`] characters; empty: nothing any more.
        text: String,
    },
    /// The page on screen; from the loader.
    Page {
        /// The page.
        page: PageSeen,
    },
    /// Messages of the team that the visitor has not seen; to the loader.
    Unread {
        /// How many.
        count: i64,
    },
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

/// A visitor waits, and nobody answers. It comes again every 10 seconds until somebody does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Ring {
    /// The visitor's message that waits. It names the ring.
    pub ring: MessageId,
    /// Where it was written.
    pub conversation: ConversationId,
    /// Its number there.
    #[schema(value_type = i64)]
    pub number: Number,
    /// How often it has rung before.
    pub level: u32,
    /// It rings for so long unless it comes again, in milliseconds. 0: it rings no more.
    #[ts(type = "number")]
    pub deadline_ms: u64,
}

/// See [`ClientFrame::RingAck`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct RingAck {
    /// Which ring.
    pub ring: MessageId,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: RingOutcome,
}

/// What became of a ring on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RingOutcome {
    /// The device tells its person: by a notification, a sound or a flashing window, as the system has confirmed.
    Shown,
    /// The device stays silent.
    Suppressed {
        /// Why.
        reason: Suppressed,
    },
    /// The person looks at the conversation: the agent's other devices fall silent.
    Seen,
    /// The person takes the conversation, by a command that follows: everybody else falls silent until the next round.
    Accepted,
    /// The person leaves it to others: all devices of the agent fall silent.
    Declined,
    /// An outcome that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Why a device stays silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Suppressed {
    /// The person wants no alerts here.
    SwitchedOff,
    /// The system showed nothing.
    Failed,
    /// A reason that this version does not know.
    #[serde(other)]
    Unknown,
}

/// A visitor who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct VisitorPresence {
    /// Who.
    pub visitor: VisitorId,
    /// Whether the tab is in front.
    pub visible: bool,
}

/// A client's sign of life, every `heartbeat_ms`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct ClientHeartbeat {
    /// The client's clock.
    #[schema(value_type = i64)]
    pub time: Timestamp,
}

/// The server's sign of life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct ServerHeartbeat {
    /// The server's clock.
    #[schema(value_type = i64)]
    pub time: Timestamp,
    /// The newest change visible to nobody in particular: a cursor behind it for 5 seconds is stale.
    pub head: Seq,
}

/// Why the server ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ByeCode {
    /// The server is stopping; come back.
    Drain,
    /// The session ended: sign in again.
    Auth,
    /// Somebody signed this device out: what it keeps of the desk is to be wiped.
    Revoked,
    /// The client reads too slowly; come back and resync.
    Slow,
    /// The client broke a rule of the protocol.
    Policy,
    /// The client speaks another version.
    Version,
    /// The page's origin is not one of the site's.
    Origin,
    /// This visitor may not write; only visitors are told so.
    Blocked,
    /// This visitor has not proved who they are, or no longer: come back with what the shop's server signs anew.
    Identity,
}

/// See [`ServerFrame::Bye`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Bye {
    /// Why.
    pub code: ByeCode,
    /// Earliest time to come back, in milliseconds; already jittered.
    #[ts(type = "number")]
    pub retry_after_ms: u64,
}

/// Why a frame could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Not an object with a `type`, or a body that breaks its type's rules.
    #[error("malformed frame: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A type that this version does not know: skip it.
    #[error("unknown frame type {0:?}")]
    UnknownType(String),
}

#[derive(Deserialize)]
struct Tag {
    #[serde(rename = "type")]
    tag: String,
}

impl ClientFrame {
    /// Reads a frame.
    ///
    /// # Errors
    /// [`FrameError`]; an unknown type is an error of its own, to be skipped.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        let Tag { tag } = serde_json::from_str(text)?;
        Ok(match tag.as_str() {
            "hello" => Self::Hello(serde_json::from_str(text)?),
            "snap_next" => Self::SnapNext(serde_json::from_str(text)?),
            "seen" => Self::Seen(serde_json::from_str(text)?),
            "cmd" => Self::Cmd(serde_json::from_str(text)?),
            "hist" => Self::Hist(serde_json::from_str(text)?),
            "eph" => Self::Eph(serde_json::from_str(text)?),
            "ring_ack" => Self::RingAck(serde_json::from_str(text)?),
            "hb" => Self::Hb(serde_json::from_str(text)?),
            _ => return Err(FrameError::UnknownType(tag)),
        })
    }

    /// The frame as text.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl ServerFrame {
    /// Reads a frame.
    ///
    /// # Errors
    /// [`FrameError`]; an unknown type is an error of its own, to be skipped.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        let Tag { tag } = serde_json::from_str(text)?;
        Ok(match tag.as_str() {
            "welcome" => Self::Welcome(serde_json::from_str(text)?),
            "reset" => Self::Reset(serde_json::from_str(text)?),
            "snap" => Self::Snap(serde_json::from_str(text)?),
            "snap_end" => Self::SnapEnd(serde_json::from_str(text)?),
            "delta" => Self::Delta(serde_json::from_str(text)?),
            "ack" => Self::Ack(serde_json::from_str(text)?),
            "nack" => Self::Nack(serde_json::from_str(text)?),
            "hist_page" => Self::HistPage(serde_json::from_str(text)?),
            "eph" => Self::Eph(serde_json::from_str(text)?),
            "ring" => Self::Ring(serde_json::from_str(text)?),
            "hb" => Self::Hb(serde_json::from_str(text)?),
            "bye" => Self::Bye(serde_json::from_str(text)?),
            _ => return Err(FrameError::UnknownType(tag)),
        })
    }

    /// The frame as text.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
