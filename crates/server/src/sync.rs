//! What a client is sent of the log: deltas, snapshots and history, narrowed to what the principal may see.

use std::collections::VecDeque;

use deskbell_protocol::planted::{Bug, is_planted};
use deskbell_protocol::{
    Author, Change, ContactId, Conversation, ConversationId, ConversationState, Delta, Entity, EntityKind, HistoryPage,
    HistoryRequest, Message, Number, Seq, SnapshotPage, Timestamp, VisitorId,
};

use crate::authorize::{Action, Object, Principal, authorize};
use crate::store::log::{self, EVERYBODY, Logged, Place};
use crate::store::{Connection, Failure, Outcome, agents, conversations, sites, visitors};
use crate::tokens;

/// Bytes of rows in one frame. With one more row of the largest size a frame stays below its limit of 64 KB.
pub(crate) const PAGE_BYTES: usize = 48 * 1024;

#[cfg(feature = "simulation")]
thread_local! {
    /// Smaller pages, so that little is enough for many of them.
    pub(crate) static SMALL_PAGES: std::cell::Cell<Option<usize>> = const { std::cell::Cell::new(None) };
}

fn page_bytes() -> usize {
    #[cfg(feature = "simulation")]
    if let Some(bytes) = SMALL_PAGES.get() {
        return bytes;
    }
    PAGE_BYTES
}

/// Rows of one delta.
const DELTA_ROWS: i64 = 200;
/// Conversations read at once for a snapshot.
const CONVERSATIONS_AT_ONCE: i64 = 8;
/// Messages of each conversation in an agent's snapshot.
const AGENT_MESSAGES: i64 = 30;
/// Messages in a visitor's snapshot.
const VISITOR_MESSAGES: i64 = 50;
/// Visitors who never chatted: how many, and seen in which time, in milliseconds.
const SILENT_VISITORS: i64 = 500;
const SILENT_MS: i64 = 24 * 60 * 60 * 1000;
/// Messages of one page of history.
const HISTORY_MAX: u32 = 100;

/// A page of rows: takes them until it is full, and always the first.
struct Page {
    rows: Vec<Change>,
    bytes: usize,
}

impl Page {
    fn new() -> Self {
        Self { rows: Vec::new(), bytes: 0 }
    }

    fn fits(&self, size: usize) -> bool {
        self.rows.is_empty() || self.bytes + size <= page_bytes()
    }

    fn push(&mut self, change: Change, size: usize) {
        self.bytes += size;
        self.rows.push(change);
    }
}

/// A row as a principal sees it. `None`: it is not for them.
fn seen_by(connection: &Connection, principal: &Principal, place: Place) -> Outcome<Option<(Change, usize)>> {
    match principal {
        Principal::Agent(agent) => {
            let logged = place.with_state(connection)?;
            Ok(logged.visible_to(*agent).then(|| (logged.seen_by(principal), logged.size)))
        }
        Principal::Visitor(_) => shown_to_visitor(connection, principal, place),
    }
}

/// A row of their conversation as a visitor sees it: no notes, nothing that tells of notes, and no names of
/// commands but their own.
fn shown_to_visitor(connection: &Connection, principal: &Principal, place: Place) -> Outcome<Option<(Change, usize)>> {
    let client_id = (place.sender == Some(principal.key())).then(|| place.client_id.clone()).flatten();
    let entity = match place.entity {
        EntityKind::Conversation => {
            let Some(conversation) = conversations::find(connection, ConversationId(place.id))? else {
                return Ok(None);
            };
            Entity::Conversation(narrow(connection, conversation)?)
        }
        EntityKind::Message => {
            let found = conversations::find_message(connection, place.id.into())?;
            let Some(message) = found.filter(|message| !conversations::is_for_the_team(message)) else {
                return Ok(None);
            };
            Entity::Message(match message.author {
                Author::Visitor => message,
                Author::Agent { .. } | Author::Desk => Message { client_id: None, ..message },
            })
        }
        _ => return Ok(None),
    };
    let change = Change::put(place.seq, &entity, client_id)?;
    let size = log::size(&change);
    Ok(Some((change, size)))
}

/// A conversation without a trace of its notes, or of what only the team does with it.
fn narrow(connection: &Connection, conversation: Conversation) -> Outcome<Conversation> {
    let newest = conversations::newest_shown(connection, conversation.id)?;
    let (last_number, active_at) = newest.unwrap_or((0, conversation.created_at));
    let state = match conversation.state {
        ConversationState::Snoozed => ConversationState::Open,
        state => state,
    };
    Ok(Conversation { last_number, active_at, state, snoozed_until: None, labels: Vec::new(), ..conversation })
}

/// What comes after `from`, as far as one frame holds it.
pub(crate) fn delta(connection: &Connection, principal: &Principal, from: Seq) -> Outcome<Delta> {
    let head = log::desk(connection)?.head;
    if from >= head {
        return Ok(Delta { from, to: from, changes: Vec::new(), more: false });
    }
    let after = if is_planted(Bug::DeltaBorder) { Seq(from.0 - 1) } else { from };
    let places = match principal {
        Principal::Agent(agent) => log::changes_for_agent(connection, *agent, after, head, DELTA_ROWS)?,
        Principal::Visitor(visitor) => match conversations::latest_of_visitor(connection, *visitor)? {
            Some(conversation) => log::changes_of_conversation(connection, conversation.id, after, head, DELTA_ROWS)?,
            None => Vec::new(),
        },
    };
    let all = i64::try_from(places.len()).is_ok_and(|rows| rows < DELTA_ROWS);
    let mut page = Page::new();
    let mut covered = from;
    for place in places {
        let seq = place.seq;
        if let Some((change, size)) = seen_by(connection, principal, place)? {
            if !page.fits(size) {
                return Ok(Delta { from, to: covered, changes: page.rows, more: true });
            }
            page.push(change, size);
        }
        covered = seq;
    }
    if all {
        Ok(Delta { from, to: head, changes: page.rows, more: false })
    } else {
        Ok(Delta { from, to: covered, changes: page.rows, more: true })
    }
}

/// A commit as an agent sees it, in frames of a fair size. `from` is where the agent's client stands.
pub(crate) fn live_deltas(changes: &[std::sync::Arc<Logged>], principal: &Principal, from: Seq, to: Seq) -> Vec<Delta> {
    let Principal::Agent(agent) = principal else { return Vec::new() };
    let mut deltas: Vec<Delta> = Vec::new();
    let mut page = Page::new();
    let mut start = from;
    let mut covered = from;
    for logged in changes.iter().filter(|logged| logged.visible_to(*agent)) {
        if !page.fits(logged.size) {
            let full = std::mem::replace(&mut page, Page::new());
            deltas.push(Delta { from: start, to: covered, changes: full.rows, more: true });
            start = covered;
        }
        page.push(logged.seen_by(principal), logged.size);
        covered = logged.change.seq;
    }
    if !page.rows.is_empty() {
        deltas.push(Delta { from: start, to, changes: page.rows, more: false });
    }
    deltas
}

enum Stage {
    Desk,
    Conversations(Option<(Timestamp, ConversationId)>),
    Silent(VecDeque<(VisitorId, ContactId)>),
    Own,
    Done,
}

/// A snapshot on its way: a scan in pages, each read for itself. What changes meanwhile comes with the deltas
/// that follow from `base`.
pub(crate) struct Snapshot {
    pub(crate) generation: String,
    pub(crate) base: Seq,
    principal: Principal,
    stage: Stage,
    waiting: VecDeque<(Change, usize)>,
    page: u32,
    /// Time of the scan, for "seen in the last day".
    now: Timestamp,
}

impl Snapshot {
    pub(crate) fn new(principal: Principal, base: Seq, now: Timestamp) -> Self {
        let stage = match principal {
            Principal::Agent(_) => Stage::Desk,
            Principal::Visitor(_) => Stage::Own,
        };
        Self { generation: tokens::random_name(), base, principal, stage, waiting: VecDeque::new(), page: 0, now }
    }

    /// Whether the client asks for the page that is next.
    pub(crate) fn expects(&self, generation: &str, token: &str) -> bool {
        self.generation == generation && token == self.page.to_string()
    }

    /// The next page. `next` is empty when it is the last.
    pub(crate) fn next_page(&mut self, connection: &Connection) -> Outcome<SnapshotPage> {
        let mut page = Page::new();
        loop {
            while self.waiting.is_empty() && !matches!(self.stage, Stage::Done) {
                self.read_on(connection)?;
            }
            match self.waiting.pop_front() {
                Some((change, size)) if page.fits(size) => page.push(change, size),
                Some(row) => {
                    self.waiting.push_front(row);
                    break;
                }
                None => break,
            }
        }
        self.page += 1;
        let next = (!self.waiting.is_empty()).then(|| self.page.to_string());
        Ok(SnapshotPage { generation: self.generation.clone(), base: self.base, rows: page.rows, next })
    }

    fn take(&mut self, connection: &Connection, entity: EntityKind, id: i64) -> Outcome<()> {
        self.take_for(connection, entity, id, EVERYBODY)
    }

    fn take_for(&mut self, connection: &Connection, entity: EntityKind, id: i64, audience: i64) -> Outcome<()> {
        if let Some(place) = log::place(connection, entity, id, audience)?
            && place.kind == deskbell_protocol::ChangeKind::Put
        {
            self.waiting.extend(seen_by(connection, &self.principal, place)?);
        }
        Ok(())
    }

    fn read_on(&mut self, connection: &Connection) -> Outcome<()> {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Desk => {
                for id in agents::ids(connection)? {
                    self.take(connection, EntityKind::Agent, id)?;
                }
                for id in sites::ids(connection)? {
                    self.take(connection, EntityKind::Site, id)?;
                }
                for id in sites::canned_text_ids(connection)? {
                    self.take(connection, EntityKind::CannedText, id)?;
                }
                self.stage = Stage::Conversations(None);
            }
            Stage::Conversations(after) => {
                let listed = conversations::by_activity(connection, after, CONVERSATIONS_AT_ONCE)?;
                self.stage = match listed.last() {
                    Some(last) => Stage::Conversations(Some((last.active_at, last.id))),
                    None => {
                        Stage::Silent(visitors::silent_since(connection, self.now - SILENT_MS, SILENT_VISITORS)?.into())
                    }
                };
                for found in listed {
                    self.take(connection, EntityKind::Conversation, found.id.0)?;
                    self.take(connection, EntityKind::Contact, found.contact.0)?;
                    self.take(connection, EntityKind::Visitor, found.visitor.0)?;
                    if let Principal::Agent(agent) = self.principal {
                        self.take_for(connection, EntityKind::ReadMark, found.id.0, agent.0)?;
                    }
                    self.take_messages(connection, found.id, AGENT_MESSAGES)?;
                }
            }
            Stage::Silent(mut silent) => {
                for (visitor, contact) in silent.drain(..silent.len().min(50)) {
                    self.take(connection, EntityKind::Contact, contact.0)?;
                    self.take(connection, EntityKind::Visitor, visitor.0)?;
                }
                if !silent.is_empty() {
                    self.stage = Stage::Silent(silent);
                }
            }
            Stage::Own => {
                if let Principal::Visitor(visitor) = self.principal
                    && let Some(conversation) = conversations::latest_of_visitor(connection, visitor)?
                {
                    self.take(connection, EntityKind::Conversation, conversation.id.0)?;
                    self.take_messages(connection, conversation.id, VISITOR_MESSAGES)?;
                }
            }
            Stage::Done => {}
        }
        Ok(())
    }

    fn take_messages(&mut self, connection: &Connection, conversation: ConversationId, limit: i64) -> Outcome<()> {
        let notes = matches!(self.principal, Principal::Agent(_));
        let messages = conversations::last_messages(connection, conversation, Number::MAX, notes, limit)?;
        for (id, _) in messages.into_iter().rev() {
            self.take(connection, EntityKind::Message, id.0)?;
        }
        Ok(())
    }
}

/// Older messages. A conversation that is not there, or not for the asker, has an empty history.
pub(crate) fn history(
    connection: &Connection,
    principal: &Principal,
    request: &HistoryRequest,
) -> Outcome<HistoryPage> {
    let HistoryRequest { request, conversation: id, before, limit } = *request;
    let found = conversations::find(connection, id)?.ok_or_else(|| Failure::not_found("conversation"));
    let allowed = found.and_then(|found| {
        authorize(principal, Action::Read, Object::Conversation(found.visitor))?;
        Ok(found)
    });
    let Ok(conversation) = allowed else {
        return Ok(HistoryPage { request, conversation: id, from: 1, to: 0, messages: Vec::new() });
    };
    let notes = matches!(principal, Principal::Agent(_));
    let conversation = if notes { conversation } else { narrow(connection, conversation)? };
    let before = before.clamp(1, conversation.last_number.saturating_add(1));
    let limit = i64::from(limit.clamp(1, HISTORY_MAX));
    let found = conversations::last_messages(connection, id, before, notes, limit)?;
    let mut complete = i64::try_from(found.len()).is_ok_and(|rows| rows < limit);
    let mut page = Page::new();
    let mut from = before;
    for (message, number) in found {
        let Some(place) = log::place(connection, EntityKind::Message, message.0, EVERYBODY)? else { continue };
        if let Some((change, size)) = seen_by(connection, principal, place)? {
            if !page.fits(size) {
                complete = false;
                break;
            }
            page.push(change, size);
        }
        from = number;
    }
    page.rows.reverse();
    let from = if complete { 1 } else { from };
    Ok(HistoryPage { request, conversation: id, from, to: before - 1, messages: page.rows })
}
