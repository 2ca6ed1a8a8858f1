//! What a client is sent of the log: deltas and history, narrowed to what the principal may see.

use std::collections::HashSet;

use deskbell_protocol::planted::{Bug, is_planted};
use deskbell_protocol::{
    AgentId, Author, Change, ChangeKind, Conversation, ConversationId, ConversationState, Delta, Entity, EntityKind,
    HistoryPage, HistoryRequest, Message, Priority, Seq, SiteId,
};

use crate::authorize::{Action, Principal, authorize};
use crate::store::log::{self, EVERYBODY, Logged, Place};
use crate::store::{Connection, Failure, Outcome, conversations, participants, rights};

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
/// Messages of one page of history.
const HISTORY_MAX: u32 = 100;

/// A page of rows: takes them until it is full, and always the first.
pub(crate) struct Page {
    pub(crate) rows: Vec<Change>,
    bytes: usize,
}

impl Page {
    pub(crate) fn new() -> Self {
        Self { rows: Vec::new(), bytes: 0 }
    }

    pub(crate) fn fits(&self, size: usize) -> bool {
        self.rows.is_empty() || self.bytes + size <= page_bytes()
    }

    pub(crate) fn push(&mut self, change: Change, size: usize) {
        self.bytes += size;
        self.rows.push(change);
    }
}

/// A row as a principal sees it. `None`: it is not for them.
pub(crate) fn seen_by(
    connection: &Connection,
    principal: &Principal,
    place: Place,
) -> Outcome<Option<(Change, usize)>> {
    match principal {
        Principal::Agent(agent) => {
            let seen = match place.site {
                Some(site) if place.kind == ChangeKind::Put => {
                    rights::sees(connection, *agent, site)?
                        || participants::seeing(connection, place.entity, place.id, agent.0)?.contains(agent)
                }
                _ => true,
            };
            let logged = place.with_state(connection)?;
            Ok(seen.then(|| (logged.seen_by(principal), logged.size)))
        }
        Principal::Visitor(_) => shown_to_visitor(connection, principal, place),
        Principal::Nobody => Ok(None),
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
    Ok(Conversation {
        last_number,
        active_at,
        state,
        snoozed_until: None,
        team: None,
        labels: Vec::new(),
        priority: Priority::None,
        participants: Vec::new(),
        followers: Vec::new(),
        ..conversation
    })
}

/// What comes after `from`, as far as one frame holds it. `None`: the principal may see more than before, and only a
/// snapshot brings all of it.
pub(crate) fn delta(connection: &Connection, principal: &Principal, from: Seq) -> Outcome<Option<Delta>> {
    let head = log::desk(connection)?.head;
    if from >= head {
        return Ok(Some(Delta { from, to: from, changes: Vec::new(), more: false }));
    }
    let after = if is_planted(Bug::DeltaBorder) { Seq(from.0 - 1) } else { from };
    let places = match principal {
        Principal::Agent(agent) => log::changes_for_agent(connection, *agent, after, head, DELTA_ROWS)?,
        Principal::Visitor(visitor) => match conversations::latest_of_visitor(connection, *visitor)? {
            Some(conversation) => log::changes_of_conversation(connection, conversation.id, after, head, DELTA_ROWS)?,
            None => Vec::new(),
        },
        Principal::Nobody => Vec::new(),
    };
    if places.iter().any(|place| place.kind == ChangeKind::Show && place.entity == EntityKind::Site) {
        return Ok(None);
    }
    let all = i64::try_from(places.len()).is_ok_and(|rows| rows < DELTA_ROWS);
    let mut page = Page::new();
    let mut covered = from;
    for place in places {
        let seq = place.seq;
        if let Some((change, size)) = seen_by(connection, principal, place)? {
            if !page.fits(size) {
                return Ok(Some(Delta { from, to: covered, changes: page.rows, more: true }));
            }
            page.push(change, size);
        }
        covered = seq;
    }
    if all {
        Ok(Some(Delta { from, to: head, changes: page.rows, more: false }))
    } else {
        Ok(Some(Delta { from, to: covered, changes: page.rows, more: true }))
    }
}

/// Commits as an agent sees them who sees the customers of these sites, in frames of a fair size. `from` is where the
/// agent's client stands.
pub(crate) fn live_deltas(
    changes: &[&Logged],
    agent: AgentId,
    sites: &HashSet<SiteId>,
    from: Seq,
    to: Seq,
) -> Vec<Delta> {
    let principal = &Principal::Agent(agent);
    let mut deltas: Vec<Delta> = Vec::new();
    let mut page = Page::new();
    let mut start = from;
    let mut covered = from;
    for logged in changes.iter().filter(|logged| logged.visible_to(agent, sites)) {
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

/// Older messages. A conversation that is not there, or not for the asker, has an empty history.
pub(crate) fn history(
    connection: &Connection,
    principal: &Principal,
    request: &HistoryRequest,
) -> Outcome<HistoryPage> {
    let HistoryRequest { request, conversation: id, before, limit } = *request;
    let found = conversations::find(connection, id)?.ok_or_else(|| Failure::not_found("conversation"));
    let allowed = found.and_then(|found| {
        authorize(connection, principal, Action::Read, &found)?;
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
