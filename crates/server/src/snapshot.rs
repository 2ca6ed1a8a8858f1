//! A snapshot on its way: a scan in pages, each read for itself. What changes meanwhile comes with the deltas that
//! follow from its base.
//!
//! A page's token says where the scan stands, so any server of this desk can go on with it, also after a restart. It
//! names places, not rights: whoever makes one up reads what they may read anyway.

use std::collections::VecDeque;

use deskbell_protocol::{
    AgentId, Change, ContactId, ConversationId, EntityKind, Number, Seq, SnapshotPage, Timestamp, VisitorId,
};

use crate::authorize::Principal;
use crate::store::items::{self, Wanted};
use crate::store::log::{self, EVERYBODY};
use crate::store::{Connection, Outcome, agents, canned_texts, conversations, sites, teams, visitors};
use crate::sync::{Page, seen_by};
use crate::tokens;

/// Conversations read at once.
const CONVERSATIONS_AT_ONCE: i64 = 8;
/// Conversations that changed during a scan and whose ids are found at once.
const MOVED_AT_ONCE: i64 = 64;
/// Messages of each conversation in an agent's snapshot.
const AGENT_MESSAGES: i64 = 30;
/// Items that are to be done; of those that are done, a snapshot has the ones that its conversations are about.
const OPEN_ITEMS: u32 = 500;
/// Messages in a visitor's snapshot.
const VISITOR_MESSAGES: i64 = 50;
/// Visitors who never chatted: how many, and seen in which time, in milliseconds.
const SILENT_VISITORS: i64 = 500;
const SILENT_MS: i64 = 24 * 60 * 60 * 1000;

/// More than a conversation has: it was sent whole.
const ALL: i64 = i64::MAX;

/// A conversation's place in the list: by its newest message, then by its id.
type Key = (Timestamp, ConversationId);

/// Where the scan stands: everything up to here has been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// The lists of agents, sites, teams, canned texts and items, in this order, up to an id.
    Desk {
        list: i64,
        id: i64,
    },
    /// All conversations up to this one.
    Conversations(Option<Key>),
    /// Within a conversation: so many of the rows beside its messages, and its messages up to a number.
    Within {
        key: Key,
        heads: i64,
        number: Number,
    },
    /// Conversations that changed during the scan, by their ids: whoever became active went past it unseen. All before
    /// this one, and of this one so many rows and its messages up to a number.
    Moved {
        id: i64,
        heads: i64,
        number: Number,
    },
    /// Silent visitors down to this id. `half`: of the last one only the contact.
    Silent {
        id: i64,
        half: bool,
    },
    /// A visitor's own conversation: its head, and its messages up to a number.
    Own {
        head: bool,
        number: Number,
    },
    Done,
}

impl Position {
    fn start(principal: &Principal) -> Self {
        match principal {
            Principal::Agent(_) => Self::Desk { list: 0, id: -1 },
            Principal::Visitor(_) => Self::Own { head: false, number: 0 },
            Principal::Nobody => Self::Done,
        }
    }

    fn token(self) -> String {
        match self {
            Self::Desk { list, id } => format!("d.{list}.{id}"),
            Self::Conversations(None) => "c".to_owned(),
            Self::Conversations(Some((at, id))) => format!("c.{at}.{id}"),
            Self::Within { key: (at, id), heads, number } => format!("w.{at}.{id}.{heads}.{number}"),
            Self::Moved { id, heads, number } => format!("m.{id}.{heads}.{number}"),
            Self::Silent { id, half } => format!("s.{id}.{}", i64::from(half)),
            Self::Own { head, number } => format!("o.{}.{number}", i64::from(head)),
            Self::Done => "e".to_owned(),
        }
    }

    fn read(principal: &Principal, token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let stage = parts.next()?;
        let numbers: Vec<i64> = parts.map(str::parse).collect::<Result<_, _>>().ok()?;
        let visitor = matches!(principal, Principal::Visitor(_));
        match (stage, numbers.as_slice(), visitor) {
            ("d", [list, id], false) => Some(Self::Desk { list: *list, id: *id }),
            ("c", [], false) => Some(Self::Conversations(None)),
            ("c", [at, id], false) => Some(Self::Conversations(Some((*at, ConversationId(*id))))),
            ("w", [at, id, heads, number], false) => {
                Some(Self::Within { key: (*at, ConversationId(*id)), heads: *heads, number: *number })
            }
            ("m", [id, heads, number], false) => Some(Self::Moved { id: *id, heads: *heads, number: *number }),
            ("s", [id, half], false) => Some(Self::Silent { id: *id, half: *half == 1 }),
            ("o", [head, number], true) => Some(Self::Own { head: *head == 1, number: *number }),
            _ => None,
        }
    }
}

struct Row {
    change: Change,
    size: usize,
    /// Where the scan stands once this row was sent.
    after: Position,
}

/// The newest items that are to be done, of those that an agent sees.
fn open_items(connection: &Connection, agent: AgentId) -> Outcome<Vec<i64>> {
    let wanted = Wanted { asker: Some(agent), limit: OPEN_ITEMS, before: None, ..Wanted::default() };
    Ok(items::list(connection, &wanted)?.into_iter().map(|item| item.0).collect())
}

/// See the module.
pub(crate) struct Snapshot {
    generation: String,
    base: Seq,
    principal: Principal,
    /// Where reading goes on.
    position: Position,
    waiting: VecDeque<Row>,
    /// Conversations that changed during the scan, and are next. What changes after they were found had been sent.
    moved: VecDeque<i64>,
    /// The token of the page that is next.
    next: Option<String>,
    /// Time of the scan, for "seen in the last day".
    now: Timestamp,
}

impl Snapshot {
    pub(crate) fn new(principal: Principal, base: Seq, now: Timestamp) -> Self {
        Self::at(principal, tokens::random_name(), base, Position::start(&principal), now)
    }

    /// Goes on where a page has ended. `None`: the token names no place of such a principal's scan.
    pub(crate) fn resume(
        principal: Principal,
        generation: String,
        base: Seq,
        token: &str,
        now: Timestamp,
    ) -> Option<Self> {
        Some(Self::at(principal, generation, base, Position::read(&principal, token)?, now))
    }

    fn at(principal: Principal, generation: String, base: Seq, position: Position, now: Timestamp) -> Self {
        Self {
            generation,
            base,
            principal,
            position,
            waiting: VecDeque::new(),
            moved: VecDeque::new(),
            next: None,
            now,
        }
    }

    /// Whether the client asks for the page that is next.
    pub(crate) fn expects(&self, generation: &str, token: &str) -> bool {
        self.generation == generation && self.next.as_deref() == Some(token)
    }

    /// The next page. `next` is empty when it is the last.
    pub(crate) fn next_page(&mut self, connection: &Connection) -> Outcome<SnapshotPage> {
        let mut page = Page::new();
        let mut reached = self.position;
        loop {
            while self.waiting.is_empty() && self.position != Position::Done {
                self.read_on(connection)?;
            }
            match self.waiting.pop_front() {
                Some(Row { change, size, after }) if page.fits(size) => {
                    page.push(change, size);
                    reached = after;
                }
                Some(row) => {
                    self.waiting.push_front(row);
                    break;
                }
                None => break,
            }
        }
        self.next = (!self.waiting.is_empty()).then(|| reached.token());
        Ok(SnapshotPage {
            generation: self.generation.clone(),
            base: self.base,
            rows: page.rows,
            next: self.next.clone(),
        })
    }

    fn take(&mut self, connection: &Connection, entity: EntityKind, id: i64, after: Position) -> Outcome<()> {
        self.take_for(connection, entity, id, EVERYBODY, after)
    }

    fn take_for(
        &mut self,
        connection: &Connection,
        entity: EntityKind,
        id: i64,
        audience: i64,
        after: Position,
    ) -> Outcome<()> {
        if let Some(place) = log::place(connection, entity, id, audience)?
            && place.kind == deskbell_protocol::ChangeKind::Put
            && let Some((change, size)) = seen_by(connection, &self.principal, place)?
        {
            self.waiting.push_back(Row { change, size, after });
        }
        Ok(())
    }

    fn read_on(&mut self, connection: &Connection) -> Outcome<()> {
        match std::mem::replace(&mut self.position, Position::Done) {
            Position::Desk { list, id: after } => {
                let Principal::Agent(agent) = self.principal else { return Ok(()) };
                let to_all = |ids: Vec<i64>| ids.into_iter().map(|id| (id, EVERYBODY)).collect();
                let (entity, mut rows): (EntityKind, Vec<(i64, i64)>) = match list {
                    0 => (EntityKind::Agent, to_all(agents::ids(connection)?)),
                    1 => (EntityKind::Site, to_all(sites::ids(connection)?)),
                    2 => (EntityKind::Team, to_all(teams::ids(connection)?)),
                    3 => (EntityKind::CannedText, canned_texts::seen(connection, agent)?),
                    _ => (EntityKind::Item, to_all(open_items(connection, agent)?)),
                };
                rows.sort_unstable();
                for (id, audience) in rows.into_iter().filter(|(id, _)| *id > after) {
                    self.take_for(connection, entity, id, audience, Position::Desk { list, id })?;
                }
                self.position = if (0..4).contains(&list) {
                    Position::Desk { list: list + 1, id: -1 }
                } else {
                    Position::Conversations(None)
                };
            }
            Position::Conversations(after) => {
                let Principal::Agent(agent) = self.principal else { return Ok(()) };
                let listed = conversations::by_activity(connection, agent, after, CONVERSATIONS_AT_ONCE)?;
                self.position = match listed.last() {
                    Some(last) => Position::Conversations(Some((last.active_at, last.id))),
                    None => Position::Moved { id: 0, heads: ALL, number: ALL },
                };
                for found in listed {
                    let key = (found.active_at, found.id);
                    let place = |heads, number| Position::Within { key, heads, number };
                    self.take_conversation(connection, found.id, (found.contact, found.visitor), (0, 0), place)?;
                }
            }
            Position::Within { key, heads, number } => {
                if let Some(found) = conversations::find(connection, key.1)? {
                    let place = |heads, number| Position::Within { key, heads, number };
                    let people = (found.contact, found.visitor);
                    self.take_conversation(connection, key.1, people, (heads, number), place)?;
                }
                self.position = Position::Conversations(Some(key));
            }
            Position::Moved { id, heads, number } => {
                let (id, sent) = if heads < ALL {
                    (Some(id), (heads, number))
                } else {
                    if self.moved.is_empty() {
                        self.moved = log::next_conversations_since(connection, self.base, id, MOVED_AT_ONCE)?.into();
                    }
                    (self.moved.pop_front(), (0, 0))
                };
                let Some(id) = id else {
                    self.position = Position::Silent { id: i64::MAX, half: false };
                    return Ok(());
                };
                if let Some(found) = conversations::find(connection, ConversationId(id))? {
                    let place = |heads, number| Position::Moved { id, heads, number };
                    self.take_conversation(connection, found.id, (found.contact, found.visitor), sent, place)?;
                }
                self.position = Position::Moved { id, heads: ALL, number: ALL };
            }
            Position::Silent { id: before, half } => {
                let Principal::Agent(agent) = self.principal else { return Ok(()) };
                let mut silent = visitors::silent_since(connection, agent, self.now - SILENT_MS, SILENT_VISITORS)?;
                silent.sort_unstable_by_key(|(visitor, _)| std::cmp::Reverse(*visitor));
                if half {
                    self.take(connection, EntityKind::Visitor, before, Position::Silent { id: before, half: false })?;
                }
                for (visitor, contact) in silent.into_iter().filter(|(visitor, _)| visitor.0 < before) {
                    let id = visitor.0;
                    self.take(connection, EntityKind::Contact, contact.0, Position::Silent { id, half: true })?;
                    self.take(connection, EntityKind::Visitor, id, Position::Silent { id, half: false })?;
                }
            }
            Position::Own { head, number } => {
                if let Principal::Visitor(visitor) = self.principal
                    && let Some(conversation) = conversations::latest_of_visitor(connection, visitor)?
                {
                    if !head {
                        let after = Position::Own { head: true, number: 0 };
                        self.take(connection, EntityKind::Conversation, conversation.id.0, after)?;
                    }
                    self.take_messages(connection, conversation.id, number, VISITOR_MESSAGES, |number| {
                        Position::Own { head: true, number }
                    })?;
                }
            }
            Position::Done => {}
        }
        Ok(())
    }

    /// The rows beside a conversation's messages but `heads` of them, and its newest messages after a number.
    fn take_conversation(
        &mut self,
        connection: &Connection,
        id: ConversationId,
        (contact, visitor): (ContactId, VisitorId),
        (heads, number): (i64, Number),
        place: impl Fn(i64, Number) -> Position,
    ) -> Outcome<()> {
        let agent = match self.principal {
            Principal::Agent(agent) => agent.0,
            Principal::Visitor(_) | Principal::Nobody => return Ok(()),
        };
        let rows = [
            (EntityKind::Conversation, id.0, EVERYBODY),
            (EntityKind::Contact, contact.0, EVERYBODY),
            (EntityKind::Visitor, visitor.0, EVERYBODY),
            (EntityKind::ReadMark, id.0, agent),
            // Without one there is no such row.
            (EntityKind::Item, items::of_conversation(connection, id)?.map_or(0, |item| item.0), EVERYBODY),
        ];
        for (heads, (entity, id, audience)) in (1..).zip(rows).skip(usize::try_from(heads).unwrap_or(0)) {
            self.take_for(connection, entity, id, audience, place(heads, 0))?;
        }
        let heads = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        self.take_messages(connection, id, number, AGENT_MESSAGES, |number| place(heads, number))
    }

    fn take_messages(
        &mut self,
        connection: &Connection,
        conversation: ConversationId,
        after: Number,
        limit: i64,
        place: impl Fn(Number) -> Position,
    ) -> Outcome<()> {
        let notes = matches!(self.principal, Principal::Agent(_));
        let messages = conversations::last_messages(connection, conversation, Number::MAX, notes, limit)?;
        for (id, number) in messages.into_iter().rev().filter(|(_, number)| *number > after) {
            self.take(connection, EntityKind::Message, id.0, place(number))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn dc_02_every_place_of_a_scan_is_read_again_from_its_token_and_only_by_its_side() {
        let (ann, vic) = (Principal::Agent(AgentId(1)), Principal::Visitor(VisitorId(2)));
        let key = (1_770_000_000_000, ConversationId(7));
        let of_agents = [
            Position::Desk { list: 1, id: 5 },
            Position::Conversations(None),
            Position::Conversations(Some(key)),
            Position::Within { key, heads: 4, number: 12 },
            Position::Moved { id: 7, heads: 4, number: 12 },
            Position::Moved { id: 7, heads: ALL, number: ALL },
            Position::Silent { id: 9, half: true },
        ];
        for position in of_agents {
            assert_eq!(Position::read(&ann, &position.token()), Some(position));
            assert_eq!(Position::read(&vic, &position.token()), None, "a visitor scans their own conversation alone");
        }
        let own = Position::Own { head: true, number: 3 };
        assert_eq!(Position::read(&vic, &own.token()), Some(own));
        assert_eq!(Position::read(&ann, &own.token()), None);
        for forged in ["", "d", "d.1", "x.1.2", "w.1.2.3.four", "c.1.2.3", "o.1.99999999999999999999"] {
            assert_eq!(Position::read(&ann, forged), None, "{forged:?}");
            assert_eq!(Position::read(&vic, forged), None, "{forged:?}");
        }
    }
}
