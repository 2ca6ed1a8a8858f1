//! The app's commands as functions on a narrow host trait, and the types exported to TypeScript.
//!
//! [`App`] is the whole app without its windows: `src-tauri` gives it native ones, `devhost` serves it to a
//! browser. [`list`] names every command once; [`types`] is what the page sees.

mod accounts;
mod alerts;
mod app;
mod commands;
mod error;
mod events;
mod files;
mod host;
mod kept;
mod keys;
pub mod list;
mod merged;
mod network;
mod provider;
mod refs;
mod store;
mod team;
mod tending;
pub mod text;
pub mod types;
mod typescript;
mod views;

pub use app::App;
pub use deskbell_cache::Key;
pub use events::Subscription;
pub use files::Picture;
pub use host::{Host, HostFuture, LocalDesk, Surroundings};
pub use keys::{KeyAnswer, KeyRefusal, KeyStore};
pub use refs::{AccountId, ContactRef, ConversationRef, NotAReference, VisitorRef};
pub use store::make_private;
pub use typescript::{COMMAND_NAMES, typescript, widget_typescript};
