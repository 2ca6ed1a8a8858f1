//! Bodies of the HTTP requests beside the socket.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::entity::Agent;

/// `GET /v1/info`: who answers at this address. Needs no token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ServerInfo {
    /// Always `deskbell`.
    pub product: String,
    /// [`crate::PROTOCOL`] of the server.
    pub protocol: u32,
    /// The server's version.
    pub version: String,
    /// The desk's name.
    pub desk: String,
}

/// `POST /v1/session`: sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SignIn {
    /// The agent's address.
    pub email: String,
    /// Their password.
    pub password: String,
    /// What the computer calls itself, for the list of devices.
    pub device: String,
}

/// `POST /v1/session/refresh`: a new pair of tokens for a refresh token. The old one is spent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Refresh {
    /// The refresh token.
    pub refresh_token: String,
}

/// The answer to both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
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
