//! The app's commands as functions on a narrow host trait, and the types exported to TypeScript.

pub mod list;
pub mod types;
mod typescript;

pub use typescript::{COMMAND_NAMES, typescript, widget_typescript};
