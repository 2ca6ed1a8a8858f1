//! What can go wrong between this computer and a desk.

use deskbell_cache::CacheError;
use deskbell_protocol::{ErrorCode, Refusal};

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers at the address.
    #[error("nobody answers: {0}")]
    Unreachable(String),
    /// Something answers, but no desk; or the address cannot be read.
    #[error("not a desk: {0}")]
    NotADesk(String),
    /// The desk speaks another version.
    #[error("the desk speaks version {server} of the protocol")]
    Version {
        /// The desk's version.
        server: u32,
    },
    /// E-mail or password is wrong.
    #[error("e-mail or password is wrong")]
    WrongPassword,
    /// The password is right, and a code of the second factor is asked for.
    #[error("a code is asked for")]
    CodeRequired,
    /// The code is wrong, too old, or was used before.
    #[error("the code is wrong")]
    CodeWrong,
    /// Too many tries.
    #[error("too many tries; the next one in {retry_after_ms} ms")]
    TooManyAttempts {
        /// Milliseconds until the next try.
        retry_after_ms: u64,
    },
    /// The identity provider cannot be asked, or its word cannot be verified.
    #[error("the identity provider is of no use: {0}")]
    ProviderFailed(String),
    /// A sign-in in the browser was declined, or took too long.
    #[error("the sign-in in the browser ended without a session")]
    SignInEnded,
    /// The session is over.
    #[error("the session is over")]
    Expired,
    /// Somebody signed this device out.
    #[error("this device was signed out")]
    Revoked,
    /// The connection is needed for this.
    #[error("no connection to the desk")]
    Offline,
    /// The desk refuses for another reason.
    #[error(transparent)]
    Refused(Refusal),
    /// The command may have been on its way, or is done: it cannot be taken back.
    #[error("the command is on its way")]
    TooLate,
    /// This computer's disk is full.
    #[error("this computer's disk is full")]
    DiskFull,
    /// A fault of the app.
    #[error("{0}")]
    Internal(String),
}

impl From<Refusal> for ClientError {
    fn from(refusal: Refusal) -> Self {
        match refusal.code {
            ErrorCode::WrongPassword => Self::WrongPassword,
            ErrorCode::CodeRequired => Self::CodeRequired,
            ErrorCode::CodeWrong => Self::CodeWrong,
            ErrorCode::TooManyAttempts => {
                Self::TooManyAttempts { retry_after_ms: refusal.retry_after_ms.unwrap_or_default() }
            }
            ErrorCode::Expired => Self::Expired,
            ErrorCode::Revoked => Self::Revoked,
            _ => Self::Refused(refusal),
        }
    }
}

impl From<CacheError> for ClientError {
    fn from(error: CacheError) -> Self {
        match error {
            CacheError::DiskFull => Self::DiskFull,
            CacheError::Damaged(reason) | CacheError::Internal(reason) => Self::Internal(reason),
        }
    }
}

impl From<reqwest::Error> for ClientError {
    fn from(error: reqwest::Error) -> Self {
        if error.is_builder() || error.is_decode() {
            return Self::NotADesk(error.to_string());
        }
        Self::Unreachable(error.to_string())
    }
}

impl From<tokio::task::JoinError> for ClientError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Internal(error.to_string())
    }
}
