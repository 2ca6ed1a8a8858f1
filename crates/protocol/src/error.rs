//! Why something was refused. A code exists only where a client does something different for it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

/// Why something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// E-mail or password is wrong.
    WrongPassword,
    /// The password is right, and the agent has a second factor: sign in again with a code.
    CodeRequired,
    /// The code is wrong, too old, or was used before.
    CodeWrong,
    /// Too many tries; wait for `retry_after_ms`.
    TooManyAttempts,
    /// An identity provider vouches for somebody who is no agent of this desk: an administrator has to invite them.
    NoAgent,
    /// The token is unknown or expired: sign in again.
    Expired,
    /// Somebody signed this device out: what it keeps of the desk is to be wiped.
    Revoked,
    /// The server speaks another version of the protocol.
    Version,
    /// The page's origin is not one of the site's.
    Origin,
    /// No such thing, or no right to know of it.
    NotFound,
    /// A field breaks a rule; `field` and `rule` say which.
    Invalid,
    /// Somebody else was faster; the current row comes along.
    Conflict,
    /// The file or frame is larger than allowed.
    TooLarge,
    /// The file's type is not allowed.
    UnsupportedType,
    /// The server's disk is full; nothing was stored.
    DiskFull,
    /// The server is too busy or is stopping: the same command again later.
    Busy,
    /// A fault on the server; it is in its log.
    Internal,
}

impl ErrorCode {
    /// Whether the same command can never succeed. The others are tried again.
    pub fn is_permanent(self) -> bool {
        !matches!(
            self,
            Self::Busy | Self::Internal | Self::DiskFull | Self::TooManyAttempts | Self::Expired | Self::Revoked
        )
    }
}

/// A refusal, as HTTP answers carry it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema, thiserror::Error)]
#[error("{code:?}: {message}")]
pub struct Refusal {
    /// What a client acts on.
    pub code: ErrorCode,
    /// One English sentence for logs and for people who use the API by hand.
    pub message: String,
    /// The field that broke a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub field: Option<String>,
    /// Earliest time for another try, in milliseconds from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub retry_after_ms: Option<u64>,
}

impl Refusal {
    /// A refusal with a sentence.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None, retry_after_ms: None }
    }

    /// A field that breaks a rule.
    pub fn invalid(field: &str, rule: &str) -> Self {
        Self {
            code: ErrorCode::Invalid,
            message: format!("{field}: {rule}."),
            field: Some(field.to_owned()),
            retry_after_ms: None,
        }
    }
}
