//! From the errors of the rooms below to the codes that the page acts on.

use deskbell_cache::{CacheError, OpenError};
use deskbell_client::ClientError;
use deskbell_protocol::{ErrorCode, Refusal};

use crate::types::{ApiError, ApiErrorCode};

impl ApiError {
    /// An error with a detail for the log.
    pub fn new(code: ApiErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), field: None, count: None }
    }

    /// A fault of the app itself.
    pub fn internal(detail: impl std::fmt::Display) -> Self {
        Self::new(ApiErrorCode::Internal, detail.to_string())
    }

    /// There is no such thing.
    pub fn not_found(what: &str) -> Self {
        Self::new(ApiErrorCode::NotFound, format!("no such {what}"))
    }

    /// So much would be lost that this computer alone has.
    pub fn would_lose(count: i64) -> Self {
        Self { count: Some(count), ..Self::new(ApiErrorCode::Conflict, format!("{count} are on this computer alone")) }
    }

    /// A field breaks a rule.
    pub fn invalid(field: &str, rule: &str) -> Self {
        Self { field: Some(field.to_owned()), ..Self::new(ApiErrorCode::Invalid, format!("{field}: {rule}")) }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal.code {
            ErrorCode::WrongPassword => ApiErrorCode::WrongPassword,
            ErrorCode::CodeRequired => ApiErrorCode::CodeRequired,
            ErrorCode::CodeWrong => ApiErrorCode::CodeWrong,
            ErrorCode::TooManyAttempts => ApiErrorCode::TooManyAttempts,
            ErrorCode::NoAgent => ApiErrorCode::NoAgent,
            ErrorCode::Expired => ApiErrorCode::Expired,
            ErrorCode::Revoked => ApiErrorCode::Revoked,
            ErrorCode::Version => ApiErrorCode::Version,
            ErrorCode::NotFound => ApiErrorCode::NotFound,
            ErrorCode::Invalid | ErrorCode::Origin => ApiErrorCode::Invalid,
            ErrorCode::Conflict => ApiErrorCode::Conflict,
            ErrorCode::TooLarge => ApiErrorCode::TooLarge,
            ErrorCode::UnsupportedType => ApiErrorCode::UnsupportedType,
            ErrorCode::DiskFull | ErrorCode::Busy => ApiErrorCode::Unreachable,
            ErrorCode::Internal => ApiErrorCode::Internal,
        };
        Self { field: refusal.field, ..Self::new(code, refusal.message) }
    }
}

impl From<ClientError> for ApiError {
    fn from(error: ClientError) -> Self {
        let code = match &error {
            ClientError::Refused(refusal) => return refusal.clone().into(),
            ClientError::Unreachable(_) => ApiErrorCode::Unreachable,
            ClientError::NotADesk(_) => ApiErrorCode::NotADesk,
            ClientError::Version { .. } => ApiErrorCode::Version,
            ClientError::WrongPassword => ApiErrorCode::WrongPassword,
            ClientError::CodeRequired => ApiErrorCode::CodeRequired,
            ClientError::CodeWrong => ApiErrorCode::CodeWrong,
            ClientError::TooManyAttempts { .. } => ApiErrorCode::TooManyAttempts,
            ClientError::ProviderFailed(_) => ApiErrorCode::ProviderFailed,
            ClientError::SignInEnded => ApiErrorCode::SignInEnded,
            ClientError::Expired => ApiErrorCode::Expired,
            ClientError::Revoked => ApiErrorCode::Revoked,
            ClientError::Offline => ApiErrorCode::Offline,
            ClientError::TooLate => ApiErrorCode::TooLate,
            ClientError::DiskFull => ApiErrorCode::DiskFull,
            ClientError::Internal(_) => ApiErrorCode::Internal,
        };
        Self::new(code, error.to_string())
    }
}

impl From<CacheError> for ApiError {
    fn from(error: CacheError) -> Self {
        let code = match &error {
            CacheError::DiskFull => ApiErrorCode::DiskFull,
            CacheError::Damaged(_) => ApiErrorCode::DamagedDatabase,
            CacheError::Internal(_) => ApiErrorCode::Internal,
        };
        Self::new(code, error.to_string())
    }
}

impl From<OpenError> for ApiError {
    fn from(error: OpenError) -> Self {
        let code = match &error {
            OpenError::Newer { .. } => ApiErrorCode::NewerDatabase,
            OpenError::Damaged { .. } => ApiErrorCode::DamagedDatabase,
            OpenError::Undecryptable { .. } => ApiErrorCode::Undecryptable,
            OpenError::DiskFull => ApiErrorCode::DiskFull,
            OpenError::Io(_) => ApiErrorCode::Internal,
        };
        Self::new(code, error.to_string())
    }
}

impl From<std::io::Error> for ApiError {
    fn from(error: std::io::Error) -> Self {
        let code = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ApiErrorCode::DiskFull,
            _ => ApiErrorCode::Internal,
        };
        Self::new(code, error.to_string())
    }
}
