//! The desk server: agents and visitors over WebSockets, one SQLite database, files on disk.
//!
//! A command goes through the writer, which commits in groups; what was committed goes through the hub to those it
//! concerns. Nothing else tells anybody what happened. `docs/PROTOCOL.md` tells the story of a session.

mod accounts;
mod administration;
mod api;
mod article_routes;
mod articles;
mod assets;
mod assignment;
mod authorize;
mod auto_answer_routes;
mod auto_answers;
mod availability;
mod availability_routes;
mod blocks;
mod bulk;
mod canned_texts;
mod commands;
mod configuration;
mod deadlines;
mod delivery;
mod desk;
mod feed;
mod file_store;
mod files;
mod findable;
mod flow_routes;
mod flows;
mod followers;
mod form_routes;
mod forms;
mod geo;
mod hours;
mod housekeeping;
mod http;
mod hub;
mod items;
mod limits;
mod links;
mod live;
mod merges;
mod metrics;
mod oidc;
mod openapi;
pub mod operations;
mod origin;
mod outbound;
mod own;
mod participants;
mod people;
mod presence;
mod pull;
mod rings;
mod routes;
mod routing;
mod routing_routes;
mod second_factor;
mod session_agent;
mod session_visitor;
mod settings;
mod signature_routes;
mod signatures;
mod snapshot;
mod socket;
mod store;
mod sync;
mod text;
mod tokens;
mod transfer;
mod uploads;
mod user_agent;
mod visits;
mod webhook_routes;
mod webhooks;
mod writer;

#[cfg(feature = "simulation")]
pub mod simulation;

pub use administration::Administration;
pub use authorize::{Action, Reach, Standing};
pub use configuration::{Configuration, ConfigurationError, LogFormat};
pub use desk::{Desk, ServeError};
pub use outbound::{Lookup, LookupFuture, SystemLookup};
pub use people::Which;
pub use settings::{NewAgents, Provider, Settings, StoreIp};
pub use store::OpenError;

/// Milliseconds since the Unix epoch, by this computer's clock. Shown to people, never used to order anything.
fn clock() -> deskbell_protocol::Timestamp {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |passed| i64::try_from(passed.as_millis()).unwrap_or(i64::MAX))
}
