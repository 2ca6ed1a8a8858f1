//! Where a load goes: a desk, or something to compare it with.

use tokio::time::{Instant, sleep_until};

use super::ear::Heard;

/// A server of messages from many writers to all agents.
pub(crate) trait Side: Clone + Send + Sync + 'static {
    type Writer: Writer;
    type Agent: Agent;

    /// Connects a writer and has them write a first message.
    fn writer(&self, number: usize) -> impl Future<Output = Self::Writer> + Send;

    /// Connects one of so many agents. From then on nothing is missed.
    fn agent(&self, number: usize, of: usize) -> impl Future<Output = Self::Agent> + Send;
}

/// Somebody who writes.
pub(crate) trait Writer: Send + 'static {
    /// Writes, until the server has it durably.
    fn write(&mut self, text: String) -> impl Future<Output = ()> + Send;

    /// Does nothing until then, but keep the connection.
    fn rest(&mut self, until: Instant) -> impl Future<Output = ()> + Send {
        sleep_until(until)
    }
}

/// Somebody who is told what all write.
pub(crate) trait Agent: Send + 'static {
    /// What came next; nothing when something else came.
    fn hear(&mut self) -> impl Future<Output = Vec<Heard>> + Send;
}
