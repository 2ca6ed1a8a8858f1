//! Ids. Every entity's id is a number that grows with time and stays below 2^53, so that it survives
//! JavaScript and can serve as an SQLite rowid: newest first is then the cheapest order there is.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS, ToSchema)]
        #[serde(transparent)]
        #[ts(type = "number")]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl From<i64> for $name {
            fn from(value: i64) -> Self {
                Self(value)
            }
        }
    )*};
}

ids! {
    /// A conversation.
    ConversationId;
    /// A message.
    MessageId;
    /// A known person, or a visitor who has not said who they are yet.
    ContactId;
    /// A browser on a site.
    VisitorId;
    /// A person who answers.
    AgentId;
    /// A website with its widget key.
    SiteId;
    /// A file sent with a message.
    AttachmentId;
    /// A project, a ticket or a task.
    ItemId;
    /// A prepared text.
    CannedTextId;
    /// An article.
    ArticleId;
    /// Agents who answer together.
    TeamId;
    /// A script by which the desk talks to visitors.
    FlowId;
}

/// A place in the desk's change log. Dense and in the order of commits; 0 is before the first change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS, ToSchema)]
#[serde(transparent)]
#[ts(type = "number")]
pub struct Seq(pub i64);

/// A message's number within its conversation: dense, starting at 1. The only order messages have.
pub type Number = i64;

/// Milliseconds since the Unix epoch, by the server's clock unless said otherwise. Never decides an order.
pub type Timestamp = i64;

/// Names one run of the change log. It changes when the server is restored from a backup.
pub type Epoch = String;

/// How far a client has applied the change log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
pub struct Cursor {
    /// Which log.
    #[schema(value_type = String)]
    pub epoch: Epoch,
    /// The last change applied.
    pub seq: Seq,
}

/// A command's permanent name, given by the client before the command is first sent: 128 random bits
/// as 32 lower-case hexadecimal digits. The server keeps it for ever, so a repeat is always recognised.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, TS, ToSchema)]
#[serde(transparent)]
#[ts(type = "string")]
#[schema(pattern = "^[0-9a-f]{32}$")]
pub struct ClientId(String);

impl ClientId {
    /// Makes the id from 128 random bits.
    pub fn from_bits(bits: u128) -> Self {
        Self(format!("{bits:032x}"))
    }

    /// Reads an id. `None` unless it is 32 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        valid.then(|| Self(text.to_owned()))
    }

    /// The 32 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ClientId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("client_id: 32 lower-case hexadecimal digits"))
    }
}
