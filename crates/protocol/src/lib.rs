//! The words both ends of a desk speak: ids, entities, commands, frames and error codes of `chat.v1`.
//!
//! Nothing here does input or output. `docs/PROTOCOL.md` tells the story of a session; its JSON
//! examples are read by this crate's tests, so the page and the types cannot drift apart.

pub mod article;
pub mod command;
pub mod entity;
pub mod error;
pub mod flow;
pub mod form;
pub mod frame;
pub mod http;
pub mod id;
pub mod item;
pub mod placeholder;
pub mod planted;
pub mod routing;
pub mod text;

pub use article::*;
pub use command::{Command, CommandFrame};
pub use entity::*;
pub use error::{ErrorCode, Refusal};
pub use flow::*;
pub use form::*;
pub use frame::*;
pub use http::*;
pub use id::*;
pub use item::*;
pub use routing::*;

/// The protocol's version. A server answers a client of another version with [`ErrorCode::Version`].
pub const PROTOCOL: u32 = 1;

/// The name under which the WebSocket subprotocol is negotiated.
pub const SUBPROTOCOL: &str = "chat.v1";

/// Longest text of one message, in Unicode scalar values.
pub const MESSAGE_TEXT_MAX: usize = 10_000;

/// Longest text that is shown while it is written, in Unicode scalar values.
pub const PEEK_MAX: usize = 500;

/// Longest single-line field (names, titles, addresses of pages), in Unicode scalar values.
pub const FIELD_MAX: usize = 2_000;

/// Longest note about a contact, in Unicode scalar values.
pub const NOTES_MAX: usize = 10_000;

/// Most attachments of one message.
pub const ATTACHMENTS_MAX: usize = 10;

/// How far ahead a conversation may be put off: one year, in milliseconds.
pub const SNOOZE_MAX_MS: i64 = 366 * 24 * 60 * 60 * 1000;

/// Most agents who take part in one conversation.
pub const PARTICIPANTS_MAX: usize = 100;

/// Most agents whom one message mentions.
pub const MENTIONS_MAX: usize = 20;

/// Most agents who follow one conversation.
pub const FOLLOWERS_MAX: usize = 100;

/// Longest title of a group among the team, in Unicode scalar values.
pub const TITLE_MAX: usize = 100;

/// Most labels of one conversation.
pub const LABELS_MAX: usize = 20;

/// Longest label, in Unicode scalar values.
pub const LABEL_MAX: usize = 40;

/// Largest file of one attachment, in bytes.
pub const FILE_BYTES_MAX: usize = 20 * 1024 * 1024;

/// Most messages in one answer to a search.
pub const FOUND_MAX: u32 = 100;

/// Largest frame either side may send, in bytes.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;
