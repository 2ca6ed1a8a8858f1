//! Bodies of the HTTP requests beside the socket.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

use crate::entity::{
    Agent, Assignment, Attachment, Conversation, ConversationState, Message, Priority, Region, Role, TextOwner,
};
use crate::error::Refusal;
use crate::frame::{Hello, HistoryRequest, ServerFrame};
use crate::id::{
    AgentId, AttachmentId, ContactId, ConversationId, Cursor, Epoch, Number, Seq, SiteId, TeamId, Timestamp, VisitorId,
};

/// `GET /v1/info`: who answers at this address. Needs no token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct ServerInfo {
    /// Always `deskbell`.
    pub product: String,
    /// [`crate::PROTOCOL`] of the server.
    pub protocol: u32,
    /// The server's version.
    pub version: String,
    /// The desk's name.
    pub desk: String,
    /// The identity provider at which agents may sign in, by the name to be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub provider: Option<String>,
}

/// `POST /v1/session`: sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct SignIn {
    /// The agent's address.
    pub email: String,
    /// Their password.
    pub password: String,
    /// Six digits of their app, or a recovery code, when the desk has asked for one by `code_required`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub code: Option<String>,
    /// What the computer calls itself, for the list of devices.
    pub device: String,
    /// Its operating system, for the same list.
    #[serde(default)]
    pub system: String,
}

/// One sign-in of an agent that has not ended: `GET /v1/agents/{id}/devices`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Device {
    /// Names it in `DELETE /v1/agents/{id}/devices/{device}`.
    #[ts(type = "number")]
    pub id: i64,
    /// What the computer calls itself.
    pub name: String,
    /// Its operating system; empty: unknown.
    pub system: String,
    /// Where the address lay from which it was last heard.
    pub region: Region,
    /// When it signed in.
    #[schema(value_type = i64)]
    pub signed_in_at: Timestamp,
    /// When it was last heard, to a few minutes.
    #[schema(value_type = i64)]
    pub last_seen_at: Timestamp,
    /// It is connected now.
    pub online: bool,
    /// It is the one that asks.
    pub current: bool,
}

/// `DELETE /v1/agents/{id}/devices` and `DELETE /v1/agents/{id}/devices/{device}`: the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Revoked {
    /// The devices that were signed out.
    pub devices: Vec<i64>,
}

/// `POST /v1/session/refresh`: a new pair of tokens for a refresh token. The old one is spent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Refresh {
    /// The refresh token.
    pub refresh_token: String,
}

/// The answer to both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct SignedIn {
    /// Sent as `Authorization: Bearer …`; lives `expires_in_s` seconds.
    pub access_token: String,
    /// For the next pair.
    pub refresh_token: String,
    /// Life of the access token, in seconds.
    #[ts(type = "number")]
    pub expires_in_s: u64,
    /// Who signed in.
    pub agent: Agent,
    /// The desk's name.
    pub desk: String,
}

/// `GET /v1/second-factor`: whether signing in asks for more than a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct SecondFactor {
    /// A code is asked for.
    pub on: bool,
    /// Recovery codes that were not used yet.
    pub recovery_codes: u32,
}

/// `POST /v1/second-factor`: the password once more, so that a session alone cannot lock its agent out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct PasswordAgain {
    /// One's own.
    pub password: String,
}

/// The answer: what an app that makes codes has to know. It is shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct SecondFactorSecret {
    /// In base 32, to be typed.
    pub secret: String,
    /// `otpauth://…`, to be drawn as a QR code.
    pub address: String,
}

/// `POST /v1/second-factor/confirm`: a code that the app has made. From then on signing in asks for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct SecondFactorCode {
    /// Six digits.
    pub code: String,
}

/// The answer, also to `POST /v1/second-factor/recovery-codes`. They are shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct RecoveryCodes {
    /// Each signs in once in the place of the app's code.
    pub codes: Vec<String>,
}

/// `POST /v1/second-factor/off` and `POST /v1/second-factor/recovery-codes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct SecondFactorProof {
    /// One's own.
    pub password: String,
    /// Six digits, or a recovery code.
    pub code: String,
}

/// `PUT /v1/password`: a new password of one's own. All other sessions end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct PasswordChange {
    /// The one that is to be replaced.
    pub old: String,
    /// 8 to 1000 characters.
    pub new: String,
}

/// `POST /v1/invitations`: somebody who is to become an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// Shown to visitors and colleagues; empty: they choose it themselves.
    #[serde(default)]
    pub name: String,
    /// The sign-in address they will have.
    pub email: String,
    /// What they will be allowed to do.
    pub role: Role,
    /// Teams they will belong to.
    #[serde(default)]
    pub teams: Vec<TeamId>,
    /// Sites they will be members of.
    #[serde(default)]
    pub sites: Vec<SiteId>,
}

/// `GET /v1/invitations`: one that nobody has used yet. Its link is not told again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Invitation {
    /// Names it in `DELETE /v1/invitations/{id}`.
    #[ts(type = "number")]
    pub id: i64,
    /// Empty: they choose it themselves.
    pub name: String,
    /// The sign-in address.
    pub email: String,
    /// What they will be allowed to do.
    pub role: Role,
    /// Teams they will belong to.
    pub teams: Vec<TeamId>,
    /// Sites they will be members of.
    pub sites: Vec<SiteId>,
    /// Who invited them. `None`: the command line.
    pub invited_by: Option<AgentId>,
    /// When.
    #[schema(value_type = i64)]
    pub created_at: Timestamp,
    /// Until when the link works.
    #[schema(value_type = i64)]
    pub expires_at: Timestamp,
}

/// The answer to `POST /v1/invitations`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Invited {
    /// What was made.
    pub invitation: Invitation,
    /// To be handed on; shown this once. When it begins with `/`, the address of the desk belongs before it.
    pub link: String,
}

/// The answer to `POST /v1/agents/{id}/password-link`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct PasswordLink {
    /// To be handed on; shown this once. When it begins with `/`, the address of the desk belongs before it.
    pub link: String,
    /// Until when it works.
    #[schema(value_type = i64)]
    pub expires_at: Timestamp,
}

/// `POST /v1/links/look`: what is this link for? Needs no other token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct LinkToken {
    /// What stands behind `#` in the link.
    pub token: String,
}

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// It makes whoever opens it an agent.
    Invitation,
    /// It gives an agent a new password.
    NewPassword,
}

/// The answer to `POST /v1/links/look`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct LinkSeen {
    /// What it is for.
    pub kind: LinkKind,
    /// The desk's name.
    pub desk: String,
    /// Theirs, as far as it is known.
    pub name: String,
    /// The sign-in address.
    pub email: String,
}

/// `POST /v1/links/use`: the link is spent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct LinkUse {
    /// What stands behind `#` in the link.
    pub token: String,
    /// Of who was invited; empty: the invitation's.
    #[serde(default)]
    pub name: String,
    /// 8 to 1000 characters.
    pub password: String,
}

/// `POST /v1/provider/begin`: an agent is to sign in at the desk's identity provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct ProviderBegin {
    /// The SHA-256 of a secret that the app has made for this, as 64 hexadecimal digits.
    pub challenge: String,
    /// What the computer calls itself, for the person and for the list of devices.
    pub device: String,
    /// Its operating system, for the same list.
    #[serde(default)]
    pub system: String,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct ProviderBegun {
    /// Names the attempt in `POST /v1/provider/finish`.
    pub request: String,
    /// What the system's browser opens.
    pub address: String,
    /// The app shows it, and the browser's page shows it too: the person compares the two.
    pub code: String,
    /// Until the attempt ends, in seconds.
    #[ts(type = "number")]
    pub expires_in_s: u64,
}

/// The answer to `POST /v1/provider/look`: what the browser's page asks the person about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct ProviderSeen {
    /// The desk's name.
    pub desk: String,
    /// As whom.
    pub email: String,
    /// On which computer, by its own word.
    pub device: String,
    /// To be compared with the app's.
    pub code: String,
}

/// `POST /v1/provider/decide`: whether it was the person who began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct ProviderDecision {
    /// What stands behind `#p.` in the page's address.
    pub token: String,
    /// False: nobody is signed in.
    pub agreed: bool,
}

/// `POST /v1/provider/finish`: the app asks for its session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct ProviderFinish {
    /// Which attempt.
    pub request: String,
    /// What the challenge was made of.
    pub secret: String,
}

/// The answer, after at most 20 seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct ProviderFinished {
    /// Empty: the person is still in the browser; ask again.
    pub signed_in: Option<Box<SignedIn>>,
}

/// `POST /v1/agents`: a new agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct NewAgent {
    /// Shown to visitors and colleagues.
    pub name: String,
    /// The sign-in address.
    pub email: String,
    /// 8 to 1000 characters.
    pub password: String,
    /// What they may do.
    pub role: Role,
}

/// `PATCH /v1/agents/{id}`: what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AgentEdit {
    /// Shown to visitors and colleagues.
    pub name: Option<String>,
    /// The sign-in address.
    pub email: Option<String>,
    /// What they may do.
    pub role: Option<Role>,
    /// Whether they see conversations with customers at all.
    pub customer_facing: Option<bool>,
    /// Whether they see the conversations of sites that they are no member of.
    pub across_sites: Option<bool>,
    /// Whether they may sign in.
    pub active: Option<bool>,
    /// Whether they want no conversations to be given to them.
    pub away: Option<bool>,
}

/// `PUT /v1/availability`: one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Availability {
    /// Whether one wants no conversations to be given to one.
    pub away: bool,
}

/// `POST /v1/teams`: a new team. `PATCH /v1/teams/{id}`: what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TeamEdit {
    /// Shown to agents.
    pub name: Option<String>,
    /// Who belongs to it.
    pub members: Option<Vec<AgentId>>,
    /// Whether conversations can be given to it.
    pub active: Option<bool>,
    /// How its conversations are given to its members.
    pub assignment: Option<Assignment>,
}

/// `POST /v1/contacts/{id}/merge`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergePeople {
    /// The other entry of the person, which goes.
    pub contact: ContactId,
}

/// Who may not write. Agents are never concerned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Blocked {
    /// A person, in all their browsers.
    Contact {
        /// Who.
        contact: ContactId,
    },
    /// Everybody at an address, or in a range of them.
    Network {
        /// Such as `203.0.113.7`, `203.0.113.0/24` or `2001:db8::/32`; no larger than a /8, and a /16 of IPv6.
        network: String,
    },
}

/// `POST /v1/blocks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBlock {
    /// Who may not write.
    pub blocked: Blocked,
    /// Why; for the team alone.
    #[serde(default)]
    pub reason: String,
    /// Until when. Empty: for ever.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub expires_at: Option<Timestamp>,
}

/// Somebody who may not write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Block {
    /// Its number.
    #[ts(type = "number")]
    pub id: i64,
    /// Who.
    pub blocked: Blocked,
    /// Why.
    pub reason: String,
    /// Who said so. `None`: the command line.
    pub created_by: Option<AgentId>,
    /// Since when.
    #[schema(value_type = i64)]
    pub created_at: Timestamp,
    /// Until when. `None`: for ever.
    #[schema(value_type = Option<i64>)]
    pub expires_at: Option<Timestamp>,
}

/// `GET /v1/blocks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Blocks {
    /// Newest first. The next page is below the last one's id.
    pub blocks: Vec<Block>,
}

/// `POST /v1/canned-texts`: a new prepared text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCannedText {
    /// Whose it is.
    pub owner: TextOwner,
    /// What is typed after `#`: one word of at most 50 characters.
    pub shortcut: String,
    /// Shown in the picker.
    pub title: String,
    /// What is inserted, at most [`crate::MESSAGE_TEXT_MAX`] characters. An unknown placeholder is refused.
    pub text: String,
    /// Files that go with it, at most 5, which whoever asks has uploaded and not sent.
    #[serde(default)]
    pub attachments: Vec<AttachmentId>,
}

/// `PATCH /v1/canned-texts/{id}`: what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CannedTextEdit {
    /// What is typed after `#`.
    pub shortcut: Option<String>,
    /// Shown in the picker.
    pub title: Option<String>,
    /// What is inserted.
    pub text: Option<String>,
    /// All files that go with it from now on: of those it has, and of those that were uploaded.
    pub attachments: Option<Vec<AttachmentId>>,
}

/// `POST /v1/sites`: a new site. `PATCH /v1/sites/{id}`: what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SiteEdit {
    /// Shown to agents.
    pub name: Option<String>,
    /// Origins whose pages may show the widget.
    pub origins: Option<Vec<String>>,
    /// Whether its members alone see its customers.
    pub members_only: Option<bool>,
    /// Members of its own.
    pub agents: Option<Vec<AgentId>>,
    /// Teams whose members are its members.
    pub teams: Option<Vec<TeamId>>,
    /// Whether its widget answers.
    pub active: Option<bool>,
    /// Whether agents see what its visitors write before they send it.
    pub peek: Option<bool>,
    /// Whether its messenger speaks to those alone of whom the shop's server has signed who they are.
    pub signed_only: Option<bool>,
}

/// A secret with which a shop's server signs who its visitors are. What it is, is not told again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct IdentitySecret {
    /// Id.
    pub id: i64,
    /// When it was made.
    #[schema(value_type = i64)]
    pub created_at: Timestamp,
}

/// A new secret, which is shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct IdentitySecretShown {
    /// Id.
    pub id: i64,
    /// When it was made.
    #[schema(value_type = i64)]
    pub created_at: Timestamp,
    /// Signs with HMAC-SHA256; its characters, as they stand here, are the key.
    pub secret: String,
}

/// `POST /v1/sites/{id}/identity-check`: what a shop's server has signed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct IdentityCheck {
    /// The JSON Web Token.
    pub token: String,
}

/// What the desk reads in a token that is as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct IdentityChecked {
    /// The shop's name for the person.
    pub external_id: String,
    /// Empty: nothing was signed of it, or nothing that is an address.
    pub email: String,
    /// Empty: nothing was signed of it.
    pub name: String,
    /// The secret that it was signed with.
    pub secret: i64,
    /// Until when it proves it.
    #[schema(value_type = i64)]
    pub until: Timestamp,
}

/// In which form a visitor's address is stored and shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoreIp {
    /// As it is.
    Whole,
    /// Without the host part: an IPv4 address to its /24, an IPv6 address to its /48.
    #[default]
    Truncated,
    /// Not at all. The region is still found out, offline, at the moment of the visit.
    None,
}

/// What messengers of a language say of the desk. An empty text is the messenger's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DeskTexts {
    /// While the desk is online, at most 500 characters.
    pub online: String,
    /// While it is offline, at most 500 characters.
    pub offline: String,
}

impl DeskTexts {
    /// Whether the messenger's own texts stand.
    pub fn is_empty(&self) -> bool {
        self.online.is_empty() && self.offline.is_empty()
    }
}

/// `GET /v1/desk/online` and `PUT /v1/desk/online`: the switch of the whole desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeskOnline {
    /// Whether the desk is online while an agent is there; otherwise it is offline in any case.
    pub online: bool,
}

/// When the desk is open, by the clocks of one place. Whoever writes while it is closed is told when it opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpeningHours {
    /// Whose clocks: a time zone of the IANA, such as `Europe/Madrid`.
    pub time_zone: String,
    /// When it is open in every week, at most 70 entries. The desk is open while any of them holds.
    pub week: Vec<OpeningTime>,
    /// Days on which it is closed all day, at most 400.
    #[serde(default)]
    pub holidays: Vec<Holiday>,
}

/// One stretch of a day of the week. What goes beyond midnight is two of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpeningTime {
    /// The day.
    pub day: Weekday,
    /// From this time on: `00:00` to `23:59`.
    pub from: String,
    /// Up to this time: later than `from`, at most `24:00`.
    pub to: String,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// A day on which the desk is closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// Which one, e.g. `2026-12-25`.
    pub date: String,
    /// Whether it is the same day of every year.
    #[serde(default)]
    pub every_year: bool,
}

/// When the desk answers by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum AutoAnswerWhen {
    /// To the first message of a conversation.
    FirstMessage,
    /// To a message that comes while the desk is offline.
    Offline,
    /// When no agent has answered.
    Unanswered {
        /// For so many seconds: 1 to 86,400.
        after_s: u32,
    },
}

/// One thing that the desk answers by itself, once in a conversation: `GET /v1/auto-answers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct AutoAnswer {
    /// Names it in `PUT` and `DELETE` of `/v1/auto-answers/{id}`.
    #[ts(type = "number")]
    pub id: i64,
    /// When.
    pub when: AutoAnswerWhen,
    /// To whose visitors. `None`: to those of all sites.
    pub site: Option<SiteId>,
    /// What, by language, with the placeholders of prepared texts.
    pub texts: BTreeMap<String, String>,
    /// Whether it does.
    pub active: bool,
}

/// `POST /v1/auto-answers` and `PUT /v1/auto-answers/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAutoAnswer {
    /// When.
    pub when: AutoAnswerWhen,
    /// To whose visitors. Left out: to those of all sites.
    #[serde(default)]
    pub site: Option<SiteId>,
    /// At most 2,000 characters in each language. A placeholder that may not be known needs words behind a bar.
    pub texts: BTreeMap<String, String>,
    /// Whether it does. Left out: yes.
    #[serde(default = "yes")]
    pub active: bool,
}

fn yes() -> bool {
    true
}

/// `GET` and `PUT` of `/v1/hours` and of `/v1/sites/{id}/hours`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoursSetting {
    /// `null`: the desk is always open; a site has the hours of the desk.
    #[serde(deserialize_with = "Option::deserialize")]
    pub hours: Option<OpeningHours>,
}

/// `GET /v1/settings`: what the desk's owners have decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct DeskSettings {
    /// The desk's name, shown to agents and visitors.
    pub desk: String,
    /// In which form visitors' addresses are stored and shown.
    pub store_ip: StoreIp,
    /// Largest file, in bytes.
    #[ts(type = "number")]
    pub file_bytes_max: i64,
    /// Bytes of files that one visitor may send within 24 hours. The file that reaches the limit is still taken.
    #[ts(type = "number")]
    pub visitor_upload_bytes_a_day: i64,
    /// For so many days it is kept which pages visitors looked at; 0: for ever.
    pub page_days: u32,
    /// How conversations of no team are given to agents.
    pub assignment: Assignment,
    /// Whether the whole desk is switched off: it is offline, whoever is there, and takes messages all the same.
    pub offline: bool,
    /// What messengers say of it, by language: a tag such as `es` or `pt-BR`.
    pub texts: BTreeMap<String, DeskTexts>,
}

/// `PATCH /v1/settings`: what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DeskSettingsEdit {
    /// 1 to 2,000 characters.
    pub desk: Option<String>,
    /// Addresses that were stored before get the new form as well, as far as they still can.
    pub store_ip: Option<StoreIp>,
    /// 1 MB to 20 MB, in bytes.
    #[ts(type = "number | null")]
    pub file_bytes_max: Option<i64>,
    /// 0 to 1 TB, in bytes.
    #[ts(type = "number | null")]
    pub visitor_upload_bytes_a_day: Option<i64>,
    /// 1 to 3,650 days, or 0 for ever.
    pub page_days: Option<u32>,
    /// How conversations of no team are given to agents.
    pub assignment: Option<Assignment>,
    /// Whether the whole desk is switched off.
    pub offline: Option<bool>,
    /// All texts anew, of fifty languages at the most.
    pub texts: Option<BTreeMap<String, DeskTexts>>,
}

/// Who changed what of the desk itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct AuditEntry {
    /// Its place; `before` of the next page is the smallest of this one.
    #[ts(type = "number")]
    pub id: i64,
    /// When.
    #[schema(value_type = i64)]
    pub at: Timestamp,
    /// Who. `None`: the command line.
    pub actor: Option<AgentId>,
    /// Their name at that time.
    pub actor_name: String,
    /// From where; empty for the command line.
    pub address: String,
    /// What was done, e.g. `edit`.
    pub action: String,
    /// To what kind of thing, e.g. `agent`.
    pub kind: String,
    /// To which one.
    #[ts(type = "number | null")]
    pub object: Option<i64>,
    /// The change, without secrets.
    pub detail: String,
}

/// `GET /v1/audit?before=…&limit=…`: newest first, at most 100.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
}

/// `DELETE /v1/person`: what was erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct ErasedPerson {
    /// Browsers.
    #[ts(type = "number")]
    pub visitors: usize,
    /// Conversations.
    #[ts(type = "number")]
    pub conversations: usize,
    /// Messages and notes.
    #[ts(type = "number")]
    pub messages: usize,
    /// Files.
    #[ts(type = "number")]
    pub files: usize,
}

/// What a found message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FoundKind {
    /// The text of a message that the visitor may see.
    Message,
    /// A note of the team.
    Note,
    /// The name of a file.
    File,
}

/// A message that fits a search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct FoundMessage {
    /// Where it stands.
    pub conversation: ConversationId,
    /// Its place there.
    #[schema(value_type = i64)]
    pub number: Number,
    /// What it is.
    pub kind: FoundKind,
    /// Whose conversation; empty: unnamed.
    pub name: String,
    /// Their browser.
    pub visitor: VisitorId,
    /// Pieces of its text, every second one a match. Never markup.
    pub snippet: Vec<String>,
    /// When the server took it.
    #[schema(value_type = i64)]
    pub at: Timestamp,
}

/// `GET /v1/search?q=…`: the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct FoundMessages {
    /// Newest first, at most [`crate::FOUND_MAX`].
    pub messages: Vec<FoundMessage>,
}

/// The header that names a place in an upload: where the bytes of a request begin, and in every answer where the next
/// ones are to begin.
pub const UPLOAD_OFFSET: &str = "upload-offset";

/// `POST`, `GET` and `PATCH` below `/v1/uploads`: how far a file has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Upload {
    /// Bytes that are durably on the server's disk: the next ones begin here.
    #[ts(type = "number")]
    pub offset: i64,
    /// Bytes of the whole file, as said when it was created.
    #[ts(type = "number")]
    pub size: i64,
    /// The file, when it is whole and was looked into: to be named in a `send` within a day.
    pub attachment: Option<Attachment>,
}

/// Longest wait of a pull for news, in milliseconds.
pub const PULL_WAIT_MAX_MS: u64 = 25_000;
/// Most pages of history that one pull may ask for.
pub const PULL_HISTORY_MAX: usize = 4;
/// Most frames of one `POST /v1/cmd`.
pub const PUSH_FRAMES_MAX: usize = 16;

/// Most conversations of one `POST /v1/conversations/bulk`.
pub const BULK_MAX: usize = 100;

/// `POST /v1/conversations/bulk`: the same for many conversations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bulk {
    /// At most [`BULK_MAX`]; done and answered in this order.
    #[schema(max_items = 100)]
    pub conversations: Vec<BulkConversation>,
    /// What is done with each.
    pub deed: BulkDeed,
}

/// One of many conversations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkConversation {
    /// Which one.
    pub id: ConversationId,
    /// Refuse it with `conflict` unless it was last changed by this place in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_rev: Option<Seq>,
}

/// What can be done with many conversations. The commands of the same names say more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BulkDeed {
    /// Close, or reopen.
    SetState {
        /// `open` or `closed`.
        state: ConversationState,
    },
    /// Put off.
    Snooze {
        /// Until then, or with `null` until the visitor's next message.
        #[schema(value_type = Option<i64>)]
        until: Option<Timestamp>,
    },
    /// Give to an agent, to a team, or to nobody.
    Assign {
        /// Who answers from now on.
        agent: Option<AgentId>,
        /// Whose they are from now on.
        team: Option<TeamId>,
    },
    /// Say how pressing they are.
    SetPriority {
        /// From now on.
        priority: Priority,
    },
    /// Put labels on and take others off.
    ChangeLabels {
        /// To be there afterwards.
        add: Vec<String>,
        /// Not to be there afterwards.
        remove: Vec<String>,
    },
}

/// `POST /v1/conversations/bulk`: the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkDone {
    /// One for each conversation, in their order.
    pub results: Vec<BulkResult>,
}

/// What became of one of many conversations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkResult {
    /// Which one.
    pub id: ConversationId,
    /// The log's place after it was done. Absent: it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
    /// Why it was not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refusal>,
}

/// `POST /v1/pull`: the frames that a socket would bring, for networks that block sockets. Every answer ends with a
/// heartbeat; nothing of it is remembered by the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Pull {
    /// The greeting, in a connection's first pull alone: the answer begins with `welcome`. A visitor's later pulls
    /// carry their token in the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub hello: Option<Hello>,
    /// Where the last answer ended; not with a greeting, which carries its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub cursor: Option<Cursor>,
    /// The page of a snapshot that is next, in place of the cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub snapshot: Option<SnapshotAt>,
    /// Older messages, at most [`PULL_HISTORY_MAX`] pages.
    #[serde(default)]
    pub history: Vec<HistoryRequest>,
    /// What the last answer said of who is there; empty to be told in any case. Absent: it is not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub presence: Option<String>,
    /// Without news the answer waits for some, so long at the most; never longer than [`PULL_WAIT_MAX_MS`].
    #[serde(default)]
    #[ts(type = "number")]
    pub wait_ms: u64,
}

/// A place in a snapshot: what its last page said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct SnapshotAt {
    /// The log.
    #[schema(value_type = String)]
    pub epoch: Epoch,
    /// The snapshot's name.
    pub generation: String,
    /// The page's `base`.
    pub base: Seq,
    /// The page's `next`.
    pub token: String,
}

/// The answer to a pull.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS, ToSchema)]
pub struct Pulled {
    /// In order.
    pub frames: Vec<ServerFrame>,
    /// For the next pull that asks who is there.
    pub presence: Option<String>,
}

/// The answer to `POST /v1/cmd`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS, ToSchema)]
pub struct Pushed {
    /// An `ack` or `nack` for each command, in the order of the commands.
    pub frames: Vec<ServerFrame>,
}

/// What a message said before it was edited or deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct MessageVersion {
    /// What it said.
    pub text: String,
    /// Since when it said so.
    #[schema(value_type = i64)]
    pub written_at: Timestamp,
    /// Until when.
    #[schema(value_type = i64)]
    pub replaced_at: Timestamp,
    /// Who edited or deleted it then.
    pub replaced_by: AgentId,
}

/// `GET /v1/messages/{id}/versions`: the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct MessageVersions {
    /// Oldest first. None: it says what it always said.
    pub versions: Vec<MessageVersion>,
}

/// What an address is told of. Nothing else is ever sent there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookEvent {
    /// A conversation began, or is open again.
    ConversationOpened,
    /// A conversation was closed.
    ConversationClosed,
    /// A conversation was given to an agent or a team, or taken from them.
    ConversationAssigned,
    /// A visitor wrote.
    MessageReceived,
    /// An agent answered.
    MessageSent,
    /// An agent wrote a note to the team. Its text comes along; no other event holds text of notes.
    NoteWritten,
    /// Name, e-mail or telephone of a person changed. What the team notes of them does not come along.
    ContactChanged,
}

/// An address that is told of what happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Webhook {
    /// Names it in `/v1/webhooks/{id}`.
    #[ts(type = "number")]
    pub id: i64,
    /// The address.
    pub url: String,
    /// What it is told of.
    pub events: Vec<WebhookEvent>,
    /// False: it was switched off, by an admin or because nothing arrived for three days, and is told nothing.
    pub active: bool,
    /// When it was added.
    #[schema(value_type = i64)]
    pub created_at: Timestamp,
    /// Deliveries that wait.
    #[ts(type = "number")]
    pub waiting: i64,
    /// Since when none has arrived. `None`: the last one did.
    #[schema(value_type = Option<i64>)]
    pub failing_since: Option<Timestamp>,
}

/// `POST /v1/webhooks`: an address to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// With `https://`, and on the internet.
    pub url: String,
    /// What it is told of.
    pub events: Vec<WebhookEvent>,
}

/// `PATCH /v1/webhooks/{id}`: what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookEdit {
    /// With `https://`, and on the internet.
    pub url: Option<String>,
    /// What it is told of.
    pub events: Option<Vec<WebhookEvent>>,
    /// Whether it is told anything.
    pub active: Option<bool>,
}

/// A webhook with its secret, which is shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct WebhookWithSecret {
    /// The address.
    pub webhook: Webhook,
    /// Signs what it is told, with HMAC-SHA256.
    pub secret: String,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is to be tried, or tried again.
    Waiting,
    /// The address answered with a status from 200 to 299.
    Arrived,
    /// The webhook was switched off while it waited.
    GivenUp,
}

/// Something that an address was told, or is to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct WebhookDelivery {
    /// The header `Deskbell-Delivery`.
    #[ts(type = "number")]
    pub id: i64,
    /// Of what.
    pub event: WebhookEvent,
    /// Since when it is to be delivered.
    #[schema(value_type = i64)]
    pub created_at: Timestamp,
    /// What became of it.
    pub state: DeliveryState,
    /// Tries so far.
    pub attempts: u32,
    /// Earliest time of the next try.
    #[schema(value_type = Option<i64>)]
    pub next_at: Option<Timestamp>,
    /// HTTP status of the last answer. `None`: there was none.
    pub status: Option<u16>,
    /// The first 1,024 bytes of the last answer, or why there was none.
    pub answer: String,
}

/// The answer to `GET /v1/webhooks/{id}/deliveries`, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct WebhookDeliveries {
    /// At most 100.
    pub deliveries: Vec<WebhookDelivery>,
}

/// What an address is told: the body of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct WebhookBody {
    /// Names what happened: the same in every delivery of it, so that a second one is recognised.
    #[ts(type = "number")]
    pub id: i64,
    /// What happened.
    pub event: WebhookEvent,
    /// When.
    #[schema(value_type = i64)]
    pub at: Timestamp,
    /// The conversation as it is then.
    pub conversation: Option<Conversation>,
    /// The message.
    pub message: Option<Message>,
    /// The person whom it is about.
    pub contact: WebhookContact,
}

/// A person, without what the team notes of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct WebhookContact {
    /// The person.
    pub id: ContactId,
    /// Their name.
    pub name: String,
    /// Their e-mail.
    pub email: String,
    /// Their telephone.
    pub phone: String,
    /// The shop's own name for them, where its server has signed that it is them.
    pub external_id: Option<String>,
}
