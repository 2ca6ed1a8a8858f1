//! Pure decisions: who is alerted, how loudly, and why not.
//!
//! [`decide`] looks at one message of a visitor and says what it deserves: a toast, a sound, a flashing
//! window. [`AlertKeeper`] remembers what is still unanswered, so that a new chat rings until somebody
//! takes it and one conversation never fills the screen with toasts. [`tray`] and [`Badge`] say what shows
//! when no window does. Nothing here does input or output or looks at a clock.

mod decision;
mod keeper;
mod surroundings;
mod text;

pub use decision::{Action, Alert, Arrival, Flash, Preferences, Reason, Situation, Sound, Toast, ToastKind, decide};
pub use keeper::{AlertKeeper, Calmed, REPEAT_MS, SAME_SOUND_MS};
pub use surroundings::{Badge, Connection, TrayState, tray};
pub use text::{BODY_MAX, TITLE_MAX, clean_body, clean_title, escape_markup};
