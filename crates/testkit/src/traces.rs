//! Recorded traces: what a client hears at a real desk, and what the protocol then asks of it.
//!
//! A trace is a story of `tests/traces`, played at a real server through the fault proxy and written down. The agent's
//! engine and the visitor's messenger are two implementations of the same rules, and both replay every trace. Frames
//! are the server's own; what a run draws by chance (times, ids, names, secrets) is replaced by plain values that keep
//! their order, so that a recording changes only when the server says something else.

mod names;
mod recorder;
mod stories;

use deskbell_protocol::{ClientId, Cursor, Number};
use serde::{Deserialize, Serialize};

pub use stories::{Story, stories};

/// A recorded story.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// What is true at its end.
    pub title: String,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// One step: something that happens to the client, something that it must do then, or what is to be seen of it. What
/// a client does besides, in answer to a step, breaks the trace. A sign of life, and what an agent has applied
/// (`seen`), are left out wherever they are not named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Happens: the program begins, with nothing on its disk.
    Begins,
    /// Happens: the connection is made.
    Opened,
    /// Happens: a frame comes.
    Hears(serde_json::Value),
    /// Happens: the connection is lost.
    Closed,
    /// Happens: so many milliseconds pass, and the clock ticks at their end.
    Passes(u64),
    /// Happens: the person writes a message.
    Writes {
        /// Its permanent name.
        client_id: ClientId,
        /// What they write.
        text: String,
    },
    /// Happens: the person asks for older messages.
    Older,
    /// Must be done: open a connection.
    Connects,
    /// Must be done: close the connection.
    Closes,
    /// Must be done: send a frame. Of `hello`, the cursor counts; of others all but the clock, and the limit of
    /// history.
    Sends(serde_json::Value),
    /// Must be so.
    Shows(Shown),
    /// Steps of one client alone, where the two differ by design.
    Only {
        /// Whose.
        who: Who,
        /// Why.
        because: String,
        /// The steps.
        steps: Vec<Step>,
    },
}

/// A client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The visitor's messenger.
    Visitor,
    /// The agent's engine and cache.
    Agent,
}

/// What is to be seen of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// How far the log is applied.
    pub cursor: Option<Cursor>,
    /// The conversation's messages from the desk, by number; without a text: it was deleted.
    pub messages: Vec<(Number, Option<String>)>,
    /// What the person wrote and no delta has brought back, oldest first.
    pub waiting: Vec<ClientId>,
    /// What the desk refused for good.
    pub refused: Vec<ClientId>,
}

impl Trace {
    /// As it stands in its file: one step on a line.
    ///
    /// # Panics
    /// Never, unless a frame is no JSON.
    pub fn to_text(&self) -> String {
        let line = |step: &Step| serde_json::to_string(step).expect("a step is JSON");
        let steps: Vec<String> = self.steps.iter().map(line).collect();
        let title = serde_json::to_string(&self.title).expect("a title is JSON");
        format!("{{\n\"title\": {title},\n\"steps\": [\n{}\n]\n}}\n", steps.join(",\n"))
    }
}
