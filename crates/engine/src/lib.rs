//! The sync state machine and the outbox's rules, without input or output.
//!
//! [`Engine::step`] is the only place where sync is decided. It takes an event and the time, and answers with
//! effects that the caller carries out strictly in order; after an [`Effect::Apply`] the caller reports
//! [`Event::Applied`] before anything else. Neither clock nor random numbers are read here.

mod backoff;
mod engine;
mod outbox;

pub use backoff::Backoff;
pub use engine::{Batch, Effect, Engine, Event, Phase, Refused};
pub use outbox::{Due, Entry, Outbox, Standing, Waiting};

/// Milliseconds of a clock that never goes back.
pub type Millis = u64;

/// The socket is dead after so long without any frame.
pub const SILENCE_MS: Millis = 35_000;
/// After the network changed, a connection has to bring something within so long.
pub const PROBE_MS: Millis = 3_000;
/// A cursor may lag behind the head that a heartbeat told for so long.
pub const LAG_MS: Millis = 5_000;
/// A command may stay unanswered on a live socket for so long.
pub const UNANSWERED_MS: Millis = 10_000;
/// A command is kept back for so long at the most, whatever the clocks say.
pub const DELAY_MAX_MS: Millis = 10_000;
/// A connection must be made and greeted within so long.
pub const GREETING_MS: Millis = 15_000;
/// Shortest and longest wait that a server may ask for.
pub const RETRY_MIN_MS: Millis = 200;
/// See [`RETRY_MIN_MS`].
pub const RETRY_MAX_MS: Millis = 600_000;
/// A connection that lived so long was a good one: the next wait is short again.
pub const STABLE_MS: Millis = 60_000;
/// Commands on their way at once.
pub const IN_FLIGHT_MAX: usize = 32;
/// Messages whose files go up at once.
pub const UPLOADS_MAX: usize = 2;
/// Pause after files that did not come through, doubled each time.
pub const UPLOAD_AGAIN_MS: Millis = 1_000;
/// Longest such pause.
pub const UPLOAD_AGAIN_MAX_MS: Millis = 30_000;
