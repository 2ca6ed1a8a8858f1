//! The search's language: what people type, what of a message is found, and how a hit is shown.
//!
//! The desk and the app share it, so that the same words find the same messages on both. Nothing here does input or
//! output, and nothing that is typed is an error.

mod index;
mod labels;
mod query;
mod snippet;

pub use index::{facets, fold, marked_file, words};
pub use labels::{BadLabel, change_labels, label_key, read_label};
pub use query::{Date, Has, Place, Query, Side, Writer};
pub use snippet::{MARKS, snippet};
