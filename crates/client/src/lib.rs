//! One socket, HTTP for files, driving the engine and writing the cache.
//!
//! [`Client::start`] runs one task that owns the socket and the engine; everything else is a handle. What must not
//! be lost is on disk before a function returns.

mod client;
mod driver;
mod error;
mod http;
mod presence;
mod provider;
mod pulling;
mod socket;
mod tokens;
mod transport;
mod uploads;

pub use client::{Client, ClientEvent, ClientSettings, Sending, SyncState, SyncStatus};
pub use deskbell_engine::Standing;
pub use error::ClientError;
pub use http::{find_desk, give_back, sign_in};
pub use provider::ProviderSignIn;
pub use tokens::{CacheTokenStore, TokenStore};
