//! Connections between a computer and a server: frames in order, late, lost, doubled, swapped, or stuck.

use std::collections::VecDeque;

use deskbell_protocol::{ClientFrame, ServerFrame};

/// Milliseconds of simulated time.
pub(crate) type Millis = u64;

/// One direction of a connection.
#[derive(Debug)]
pub(crate) struct Way<T> {
    frames: VecDeque<(Millis, T)>,
    /// Nothing arrives until then.
    pub(crate) stuck_until: Millis,
}

impl<T> Default for Way<T> {
    fn default() -> Self {
        Self { frames: VecDeque::new(), stuck_until: 0 }
    }
}

impl<T: Clone> Way<T> {
    /// Sends a frame that arrives at the time or later, and never before the ones sent earlier.
    pub(crate) fn send(&mut self, arrives: Millis, frame: T) {
        let after = self.frames.back().map_or(0, |(time, _)| *time);
        self.frames.push_back((arrives.max(after), frame));
    }

    /// Takes a frame that has arrived.
    pub(crate) fn take(&mut self, now: Millis) -> Option<T> {
        if self.stuck_until > now || self.frames.front().is_none_or(|(time, _)| *time > now) {
            return None;
        }
        self.frames.pop_front().map(|(_, frame)| frame)
    }

    /// When something arrives next.
    pub(crate) fn next(&self) -> Option<Millis> {
        self.frames.front().map(|(time, _)| (*time).max(self.stuck_until))
    }

    /// Loses one of the frames on their way.
    pub(crate) fn lose(&mut self, at: usize) {
        if !self.frames.is_empty() {
            self.frames.remove(at % self.frames.len());
        }
    }

    /// Doubles one of the frames on their way.
    pub(crate) fn double(&mut self, at: usize) {
        if !self.frames.is_empty() {
            let at = at % self.frames.len();
            let (time, frame) = self.frames[at].clone();
            self.frames.insert(at, (time, frame));
        }
    }

    /// Swaps two neighbours.
    pub(crate) fn swap(&mut self, at: usize) {
        if self.frames.len() > 1 {
            let at = at % (self.frames.len() - 1);
            let (first, second) = (self.frames[at].0, self.frames[at + 1].0);
            self.frames.swap(at, at + 1);
            self.frames[at].0 = first;
            self.frames[at + 1].0 = second;
        }
    }

    /// Whatever was stuck goes on.
    pub(crate) fn heal(&mut self) {
        self.stuck_until = 0;
    }
}

/// A connection as the network sees it.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) up: Way<ClientFrame>,
    pub(crate) down: Way<ServerFrame>,
    /// The server at the other end.
    pub(crate) server: usize,
    /// The server has hung up, or is gone; the client hears of it when everything else has arrived.
    pub(crate) hung_up: bool,
}

impl Wire {
    pub(crate) fn to(server: usize) -> Self {
        Self { up: Way::default(), down: Way::default(), server, hung_up: false }
    }
}
