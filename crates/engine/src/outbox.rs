//! Commands not yet done: what may be sent now, and what leaves the outbox when.
//!
//! A command leaves only when the cursor has passed the change it made, when such a change carries its name, or
//! by a permanent refusal. Commands of one conversation go one by one, so their order is kept.

use std::collections::{BTreeMap, HashSet, VecDeque};

use deskbell_protocol::{ClientId, Command, CommandFrame, ContactId, ConversationId, Seq};

use crate::{IN_FLIGHT_MAX, Millis, UNANSWERED_MS};

/// Where a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// To be sent, not before the time.
    Until(Millis),
    /// Sent at the time, and not answered.
    InFlight(Millis),
    /// Durably done by the change; waits until the cursor has passed it.
    Acknowledged(Seq),
}

#[derive(Clone, Debug)]
struct Item {
    frame: CommandFrame,
    state: Waiting,
}

/// Commands of one lane go one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Lane {
    Conversation(ConversationId),
    /// A visitor's own: there is one, and they do not name it.
    Own,
    Contact(ContactId),
}

impl Lane {
    fn of(command: &Command) -> Option<Self> {
        match command {
            Command::EditContact { contact, .. } => Some(Self::Contact(*contact)),
            Command::Send { conversation: None, .. } => Some(Self::Own),
            other => other.conversation().map(Self::Conversation),
        }
    }
}

/// The commands, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    items: VecDeque<Item>,
}

impl Outbox {
    /// Takes the commands that were on disk, oldest first.
    pub fn new(frames: impl IntoIterator<Item = CommandFrame>) -> Self {
        Self { items: frames.into_iter().map(|frame| Item { frame, state: Waiting::Until(0) }).collect() }
    }

    /// Adds a command at the end. A command that is there already stays where it is.
    pub fn push(&mut self, frame: CommandFrame) {
        if !self.items.iter().any(|item| item.frame.client_id == frame.client_id) {
            self.items.push_back(Item { frame, state: Waiting::Until(0) });
        }
    }

    /// Removes a command. True when it was there.
    pub fn remove(&mut self, id: &ClientId) -> bool {
        let before = self.items.len();
        self.items.retain(|item| item.frame.client_id != *id);
        before != self.items.len()
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The connection is gone: what was on its way may or may not have arrived, so it is sent again. The server
    /// knows it by its name.
    pub fn disconnected(&mut self) {
        for item in &mut self.items {
            if matches!(item.state, Waiting::InFlight(_)) {
                item.state = Waiting::Until(0);
            }
        }
    }

    /// Takes what may be sent now.
    pub fn due(&mut self, now: Millis) -> Vec<CommandFrame> {
        let mut in_flight = self.items.iter().filter(|item| matches!(item.state, Waiting::InFlight(_))).count();
        let mut blocked: HashSet<Lane> = HashSet::new();
        let mut due = Vec::new();
        for item in &mut self.items {
            let lane = Lane::of(&item.frame.command);
            let free = lane.is_none_or(|lane| !blocked.contains(&lane));
            match item.state {
                Waiting::Acknowledged(_) => continue,
                Waiting::Until(time) if time <= now && free && in_flight < IN_FLIGHT_MAX => {
                    item.state = Waiting::InFlight(now);
                    in_flight += 1;
                    due.push(item.frame.clone());
                }
                Waiting::Until(_) | Waiting::InFlight(_) => {}
            }
            blocked.extend(lane);
        }
        due
    }

    /// The server has done a command. True when the command is in the outbox.
    pub fn acknowledged(&mut self, id: &ClientId, seq: Seq) -> bool {
        self.items.iter_mut().find(|item| item.frame.client_id == *id).is_some_and(|item| {
            item.state = Waiting::Acknowledged(seq);
            true
        })
    }

    /// The server wants a command later.
    pub fn postponed(&mut self, id: &ClientId, until: Millis) {
        if let Some(item) = self.items.iter_mut().find(|item| item.frame.client_id == *id) {
            item.state = Waiting::Until(until);
        }
    }

    /// The cursor has come to `cursor`, over changes with these names: takes out what is done.
    pub fn passed(&mut self, cursor: Seq, names: &HashSet<ClientId>) -> Vec<ClientId> {
        let mut done = Vec::new();
        self.items.retain(|item| {
            let over = names.contains(&item.frame.client_id)
                || matches!(item.state, Waiting::Acknowledged(seq) if seq <= cursor);
            if over {
                done.push(item.frame.client_id.clone());
            }
            !over
        });
        done
    }

    /// Whether a command has been unanswered for too long.
    pub fn is_stuck(&self, now: Millis) -> bool {
        self.items
            .iter()
            .any(|item| matches!(item.state, Waiting::InFlight(sent) if now.saturating_sub(sent) > UNANSWERED_MS))
    }

    /// Where every command stands, oldest first.
    pub fn states(&self) -> BTreeMap<ClientId, Waiting> {
        self.items.iter().map(|item| (item.frame.client_id.clone(), item.state)).collect()
    }
}
