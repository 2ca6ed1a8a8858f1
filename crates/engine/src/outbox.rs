//! Commands not yet done: what may be sent now, and what leaves the outbox when.
//!
//! A command leaves only when the cursor has passed the change it made, when such a change carries its name, or
//! by a permanent refusal. Commands of one conversation go one by one, so their order is kept.
//!
//! A reply may be kept back for a moment, so that the person can take it back before anybody has seen it. A reply
//! that waited while nobody knew what the desk has is compared with the conversation first, once the cache is whole:
//! if somebody else wrote meanwhile, it is held until the person decides. A message with files waits until the desk has
//! them; what is at the desk is asked again on every connection, because files that nobody sends are cleared away there.
//! None of these holds up another conversation.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use deskbell_protocol::planted::{Bug, is_planted};
use deskbell_protocol::{ClientId, Command, CommandFrame, ContactId, ConversationId, Seq};

use crate::{DELAY_MAX_MS, IN_FLIGHT_MAX, Millis, UNANSWERED_MS, UPLOAD_AGAIN_MAX_MS, UPLOAD_AGAIN_MS, UPLOADS_MAX};

/// A command on disk, with what it waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The command.
    pub frame: CommandFrame,
    /// Kept back for so long, and never longer than [`DELAY_MAX_MS`].
    pub delay_ms: Millis,
    /// A reply that can be compared with what others wrote meanwhile.
    pub guarded: bool,
    /// It may have been on its way before.
    pub tried: bool,
    /// Held until the person decides.
    pub held: bool,
    /// It has files, which the desk must have before it goes.
    pub files: bool,
}

impl From<CommandFrame> for Entry {
    fn from(frame: CommandFrame) -> Self {
        Self { frame, delay_ms: 0, guarded: false, tried: false, held: false, files: false }
    }
}

/// Where a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// To be sent, not before the time.
    Until(Millis),
    /// Its files are on their way.
    Uploading,
    /// Being compared with what others wrote meanwhile.
    Comparing,
    /// Somebody else wrote meanwhile: the person decides.
    Held,
    /// Sent at the time, and not answered.
    InFlight(Millis),
    /// Durably done by the change; waits until the cursor has passed it.
    Acknowledged(Seq),
}

/// What the person can be told of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Kept back for a moment, so that it can be taken back.
    Delayed,
    /// Waits for the connection, or for the command before it.
    Queued,
    /// Its files are on their way.
    Uploading,
    /// On its way.
    Sending,
    /// It was on its way, and is sent again: the connection broke, or the desk asked to wait.
    Retrying,
    /// The desk has it.
    Done,
    /// Held until the person decides.
    Held,
}

/// What may leave the outbox now.
#[derive(Clone, Debug, Default)]
pub struct Due {
    /// To be sent.
    pub send: Vec<CommandFrame>,
    /// To be compared with what others wrote meanwhile.
    pub compare: Vec<ClientId>,
    /// Whose files are to be brought to the desk.
    pub upload: Vec<ClientId>,
}

#[derive(Clone, Debug)]
struct Item {
    frame: CommandFrame,
    state: Waiting,
    guarded: bool,
    /// It waited while nobody knew what the desk has.
    unchecked: bool,
    tried: bool,
    /// It has files of which nobody knows whether the desk has them.
    uploads: bool,
    /// It has files.
    files: bool,
    /// How often in a row they did not come through.
    failures: u32,
}

impl Item {
    fn new(entry: Entry, now: Millis, unchecked: bool) -> Self {
        let Entry { frame, delay_ms, guarded, tried, held, files } = entry;
        let until = if delay_ms == 0 { 0 } else { now.saturating_add(delay_ms.min(DELAY_MAX_MS)) };
        let state = if held { Waiting::Held } else { Waiting::Until(until) };
        Self {
            frame,
            state,
            guarded,
            unchecked: unchecked && guarded && !tried,
            tried,
            uploads: files,
            files,
            failures: 0,
        }
    }
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
    pub fn new(entries: impl IntoIterator<Item = Entry>, now: Millis) -> Self {
        Self { items: entries.into_iter().map(|entry| Item::new(entry, now, true)).collect() }
    }

    /// The clock begins: what was taken from the disk before waits from now on.
    pub fn begin(&mut self, now: Millis) {
        for item in &mut self.items {
            if let Waiting::Until(time @ 1..) = &mut item.state {
                *time = time.saturating_add(now);
            }
        }
    }

    /// Adds a command at the end. A command that is there already stays where it is; if it is held, it is let go.
    /// `whole` tells that the cache holds all that the desk has.
    pub fn push(&mut self, entry: Entry, now: Millis, whole: bool) {
        match self.items.iter_mut().find(|item| item.frame.client_id == entry.frame.client_id) {
            Some(item) if item.state == Waiting::Held => {
                item.state = Waiting::Until(0);
                item.unchecked = false;
            }
            Some(_) => {}
            None => self.items.push_back(Item::new(entry, now, !whole)),
        }
    }

    /// Whether a command can be taken back: nobody else can have seen it.
    pub fn can_be_taken_back(&self, id: &ClientId) -> bool {
        self.items.iter().any(|item| {
            item.frame.client_id == *id
                && !item.tried
                && matches!(item.state, Waiting::Until(_) | Waiting::Uploading | Waiting::Comparing | Waiting::Held)
        })
    }

    /// Nothing is kept back any longer.
    pub fn hurry(&mut self) {
        for item in self.items.iter_mut().filter(|item| !item.tried) {
            if let Waiting::Until(time) = &mut item.state {
                *time = 0;
            }
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
    /// knows it by its name. What never was is compared before it goes.
    pub fn disconnected(&mut self) {
        for item in &mut self.items {
            if matches!(item.state, Waiting::InFlight(_) | Waiting::Comparing | Waiting::Uploading) {
                item.state = Waiting::Until(0);
            }
            item.unchecked |= item.guarded && !item.tried;
            item.uploads = item.files;
            item.failures = 0;
        }
    }

    /// Takes what may leave now. `whole` tells that the cache holds all that the desk has.
    pub fn due(&mut self, now: Millis, whole: bool) -> Due {
        let mut in_flight = self.items.iter().filter(|item| matches!(item.state, Waiting::InFlight(_))).count();
        let mut uploading = self.items.iter().filter(|item| item.state == Waiting::Uploading).count();
        let mut blocked: HashSet<Lane> = HashSet::new();
        let mut due = Due::default();
        for item in &mut self.items {
            let lane = Lane::of(&item.frame.command);
            let free = lane.is_none_or(|lane| !blocked.contains(&lane));
            match item.state {
                Waiting::Acknowledged(_) => continue,
                // First, because it can take long, and the comparison is to be a fresh one.
                Waiting::Until(time) if time <= now && free && item.uploads => {
                    if uploading < UPLOADS_MAX {
                        uploading += 1;
                        item.state = Waiting::Uploading;
                        due.upload.push(item.frame.client_id.clone());
                    }
                }
                Waiting::Until(time) if time <= now && free && item.unchecked => {
                    if whole {
                        item.state = Waiting::Comparing;
                        due.compare.push(item.frame.client_id.clone());
                    }
                }
                Waiting::Until(time) if time <= now && free && in_flight < IN_FLIGHT_MAX => {
                    item.state = Waiting::InFlight(now);
                    item.tried = true;
                    in_flight += 1;
                    due.send.push(item.frame.clone());
                }
                Waiting::Until(_) | Waiting::Uploading | Waiting::Comparing | Waiting::Held | Waiting::InFlight(_) => {}
            }
            if item.tried && is_planted(Bug::OrderLostOnRetry) {
                continue;
            }
            blocked.extend(lane);
        }
        due
    }

    /// A command was compared. True: it is held now, because somebody else wrote meanwhile.
    pub fn compared(&mut self, id: &ClientId, answered: bool) -> bool {
        let comparing = |item: &&mut Item| item.frame.client_id == *id && item.state == Waiting::Comparing;
        let Some(item) = self.items.iter_mut().find(comparing) else { return false };
        item.unchecked = answered;
        item.state = if answered { Waiting::Held } else { Waiting::Until(0) };
        answered
    }

    /// The desk has the files of a command, which names them now.
    pub fn uploaded(&mut self, frame: CommandFrame) {
        if let Some(item) = self.uploading(&frame.client_id) {
            item.frame = frame;
            item.uploads = false;
            item.failures = 0;
            item.state = Waiting::Until(0);
        }
    }

    /// The files of a command did not come through: again, but not at once.
    pub fn upload_failed(&mut self, id: &ClientId, now: Millis, at_least: Millis) {
        if let Some(item) = self.uploading(id) {
            let wait = UPLOAD_AGAIN_MS.saturating_mul(1 << item.failures.min(16)).min(UPLOAD_AGAIN_MAX_MS);
            item.failures = item.failures.saturating_add(1);
            item.state = Waiting::Until(now.saturating_add(wait.max(at_least)));
        }
    }

    /// An answer that comes when nobody asks any more, after the connection broke, says nothing.
    fn uploading(&mut self, id: &ClientId) -> Option<&mut Item> {
        self.items.iter_mut().find(|item| item.frame.client_id == *id && item.state == Waiting::Uploading)
    }

    /// The server has done a command. True when the command is in the outbox.
    pub fn acknowledged(&mut self, id: &ClientId, seq: Seq) -> bool {
        if is_planted(Bug::RemovedOnAck) {
            return self.remove(id);
        }
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

    /// What the person can be told of every command.
    pub fn standings(&self, now: Millis) -> BTreeMap<ClientId, Standing> {
        let standing = |item: &Item| match item.state {
            Waiting::Until(_) if item.tried => Standing::Retrying,
            // Its files did not come through, or wait for those of others.
            Waiting::Until(_) if item.uploads && item.failures > 0 => Standing::Uploading,
            Waiting::Until(time) if time > now => Standing::Delayed,
            Waiting::Until(_) | Waiting::Comparing => Standing::Queued,
            Waiting::Uploading => Standing::Uploading,
            Waiting::Held => Standing::Held,
            Waiting::InFlight(_) => Standing::Sending,
            Waiting::Acknowledged(_) => Standing::Done,
        };
        self.items.iter().map(|item| (item.frame.client_id.clone(), standing(item))).collect()
    }

    /// The conversations that these commands belong to.
    pub fn conversations(&self, ids: &BTreeSet<ClientId>) -> BTreeSet<ConversationId> {
        let theirs = self.items.iter().filter(|item| ids.contains(&item.frame.client_id));
        theirs.filter_map(|item| item.frame.command.conversation()).collect()
    }

    /// Where every command stands, oldest first.
    pub fn states(&self) -> BTreeMap<ClientId, Waiting> {
        self.items.iter().map(|item| (item.frame.client_id.clone(), item.state)).collect()
    }
}
