//! Who is connected, and how news reaches them.
//!
//! Agents get committed changes through one broadcast; who lags reads the log instead. Visitors are only told that
//! something changed and read the log themselves, so nothing that is not theirs is ever handed to their session.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use deskbell_protocol::{
    AgentId, AskedForms, ByeCode, ChangeKind, Conversation, ConversationId, DeskTexts, EntityKind, Ephemeral, RingAck,
    Seq, SiteId, VisitorId, VisitorPresence,
};
use tokio::sync::{Notify, SetOnce, broadcast, mpsc, watch};
use tokio::time::Instant;

use crate::delivery::Bell;
use crate::limits::household;
use crate::metrics::Metrics;
use crate::rings::{Call, Ringer};
use crate::store::devices::Ending;
use crate::store::log::Committed;
use crate::tokens::Hash;

/// Commits an agent's session may fall behind before it has to read the log.
const BACKLOG: usize = 256;

/// Typing and the like that may wait for one visitor's socket; more is dropped.
const EPHEMERAL_BACKLOG: usize = 16;

/// How long somebody counts as present after their last socket has closed: page loads and short breaks do not flicker.
pub(crate) const LINGER: Duration = Duration::from_secs(10);

/// Visitors in one frame, so that it stays far below the size of a frame.
const PRESENCES_PER_FRAME: usize = 1000;

/// What one commit changed, as agents are told of it.
#[derive(Debug)]
pub(crate) struct News {
    pub(crate) committed: Committed,
    /// The delta of all of it, written once for all agents who are told the same.
    pub(crate) text: OnceLock<Utf8Bytes>,
}

/// What reaches an agent's session.
#[derive(Clone, Debug)]
pub(crate) enum AgentEvent {
    Committed(Arc<News>),
    /// Something that is not stored.
    Ephemeral(Audience, Arc<Ephemeral>),
    /// For the agents that are named.
    Rings(Arc<Vec<Call>>),
}

/// For which agents something is that is not stored.
#[derive(Clone, Debug)]
pub(crate) enum Audience {
    /// All.
    All,
    /// Whoever sees the customers of a site.
    Site(SiteId),
    /// Whoever sees a conversation, but for one who knows it already: those who see its site, and those who take part.
    Conversation { site: SiteId, participants: Vec<AgentId>, except: Option<AgentId> },
    /// Whoever may answer a conversation: the one who has it, or all who see its site while nobody has.
    Answering { holder: Option<AgentId>, site: SiteId },
}

impl Audience {
    /// Whoever sees a conversation, but for `except`.
    pub(crate) fn seeing(conversation: Conversation, except: Option<AgentId>) -> Self {
        let Conversation { site, participants, .. } = conversation;
        Self::Conversation { site, participants, except }
    }
}

/// What reaches a visitor's session.
#[derive(Debug)]
pub(crate) enum VisitorEvent {
    /// Something of the visitor's up to this place; the log tells what.
    Changed(Seq),
    /// Something that is not stored.
    Ephemeral(Arc<Ephemeral>),
}

/// One socket of a visitor.
struct Link {
    session: u64,
    /// The loader's name for the browser. Empty for the panel.
    presence: Option<Hash>,
    visible: bool,
    address: IpAddr,
    shared: Arc<Shared>,
    /// `None`: a page, which is told nothing of the kind.
    ephemeral: Option<mpsc::Sender<Arc<Ephemeral>>>,
}

struct Shared {
    visitor: AtomicI64,
    changed: Notify,
    /// The end of the newest commit that changed something of the visitor's.
    changed_to: AtomicI64,
    sent_away: SetOnce<()>,
}

struct Entry {
    site: SiteId,
    links: Vec<Link>,
    left_at: Option<Instant>,
}

impl Entry {
    fn new(site: SiteId) -> Self {
        Self { site, links: Vec::new(), left_at: None }
    }

    fn visible(&self) -> bool {
        let mut pages = self.links.iter().filter(|link| link.presence.is_some()).peekable();
        pages.peek().is_none() || pages.any(|link| link.visible)
    }
}

#[derive(Default)]
struct State {
    visitors: HashMap<VisitorId, Entry>,
    /// Visitors whose presence has changed since agents were last told.
    stirred: HashSet<VisitorId>,
    /// Visitors whose last socket closed, in order.
    leaving: VecDeque<(Instant, VisitorId)>,
    /// Sockets of visitors, by household.
    addresses: HashMap<IpAddr, usize>,
    agents: HashMap<AgentId, HashMap<u64, Device>>,
    agents_stirred: bool,
    last_agent_left_at: Option<Instant>,
    /// An agent is there, or left a moment ago.
    anybody: bool,
    /// The whole desk is switched off, or closed.
    off: bool,
}

struct Device {
    id: i64,
    ended: watch::Sender<Option<Ending>>,
}

/// See the module.
pub(crate) struct Hub {
    next_session: AtomicU64,
    agents: broadcast::Sender<AgentEvent>,
    state: Mutex<State>,
    stirred: Notify,
    pub(crate) ringer: Ringer,
    /// Told when somebody may be given a conversation who was not before.
    pub(crate) assigning: Notify,
    /// Told when something was written that no search finds yet.
    pub(crate) unfindable: Notify,
    /// Told when the desk is to answer something later.
    pub(crate) answering: Notify,
    /// Told when a flow talks, which may now be the next to hand over.
    pub(crate) talking: Notify,
    /// Told when a conversation waits at a team, which may have to be everybody's later.
    pub(crate) routing: Notify,
    /// Told when a conversation was put off, which may now be the next to open.
    pub(crate) snoozed: Notify,
    /// Told when a message was deleted, whose files may have to go.
    pub(crate) deleted: Notify,
    /// Rung when something may wait for webhooks.
    pub(crate) told: Bell,
    pub(crate) metrics: Arc<Metrics>,
    online: watch::Sender<bool>,
}

/// A visitor's session as the hub knows it. Dropping it ends the registration.
pub(crate) struct VisitorSeat {
    hub: Arc<Hub>,
    session: u64,
    shared: Arc<Shared>,
    ephemeral: Option<mpsc::Receiver<Arc<Ephemeral>>>,
}

/// An agent's session as the hub knows it. Dropping it ends the registration.
pub(crate) struct AgentSeat {
    hub: Arc<Hub>,
    session: u64,
    agent: AgentId,
    pub(crate) events: broadcast::Receiver<AgentEvent>,
    pub(crate) ended: Ended,
}

/// Hears of the end of a device's session.
pub(crate) struct Ended(watch::Receiver<Option<Ending>>);

impl Ended {
    /// What the device is told once its tokens are good no more. Never done before.
    pub(crate) async fn heard(&mut self) -> ByeCode {
        // The hub holds the sender for as long as the seat is taken.
        let found = self.0.wait_for(Option::is_some).await.ok().and_then(|how| *how);
        found.map_or(ByeCode::Auth, bye)
    }
}

/// What a device is told whose session has ended.
pub(crate) fn bye(how: Ending) -> ByeCode {
    match how {
        Ending::SignedOut => ByeCode::Auth,
        Ending::Revoked => ByeCode::Revoked,
    }
}

/// One of a household's sockets.
pub(crate) struct AddressSeat {
    hub: Arc<Hub>,
    household: Option<IpAddr>,
}

/// What has changed among those present.
pub(crate) struct Stir {
    pub(crate) sites: BTreeMap<SiteId, SiteStir>,
    pub(crate) agents: bool,
}

/// What has changed among the visitors of one site.
#[derive(Debug, Default)]
pub(crate) struct SiteStir {
    pub(crate) online: Vec<VisitorPresence>,
    pub(crate) gone: Vec<VisitorId>,
}

impl Hub {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            next_session: AtomicU64::new(1),
            agents: broadcast::Sender::new(BACKLOG),
            state: Mutex::default(),
            stirred: Notify::new(),
            ringer: Ringer::new(),
            assigning: Notify::new(),
            unfindable: Notify::new(),
            answering: Notify::new(),
            talking: Notify::new(),
            routing: Notify::new(),
            snoozed: Notify::new(),
            deleted: Notify::new(),
            told: Bell::default(),
            metrics: Arc::default(),
            online: watch::Sender::new(false),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells agents of a commit, and whoever is to do something because of it. Visitors are told by
    /// [`Hub::tell_visitors`].
    pub(crate) fn publish(&self, committed: Committed) -> Arc<News> {
        let news = Arc::new(News { committed, text: OnceLock::new() });
        // An error only means that no agent is connected.
        let _ = self.agents.send(AgentEvent::Committed(Arc::clone(&news)));
        // After the change itself, so that a device knows who rings.
        let changes = || news.committed.changes.iter().map(|logged| &logged.change);
        let concerns_assignment =
            |kind| matches!(kind, EntityKind::Agent | EntityKind::Conversation | EntityKind::Site | EntityKind::Team);
        if changes().any(|it| concerns_assignment(it.entity)) {
            self.assigning.notify_one();
        }
        if changes().any(|it| matches!(it.entity, EntityKind::Message | EntityKind::Visitor)) {
            self.unfindable.notify_one();
        }
        let talks = changes().filter(|it| matches!(it.entity, EntityKind::Conversation | EntityKind::ReadMark));
        self.ringer.stir(talks.map(|it| ConversationId(it.id)));
        // Whatever webhooks are told of changes something.
        self.told.ring();
        news
    }

    /// Tells the visitors concerned of a commit, and sends those away who were erased.
    pub(crate) fn tell_visitors(&self, committed: &Committed) {
        let state = self.state();
        for entry in committed.visitors.iter().filter_map(|visitor| state.visitors.get(visitor)) {
            for link in &entry.links {
                link.shared.changed_to.fetch_max(committed.to.0, Ordering::AcqRel);
                link.shared.changed.notify_one();
            }
        }
        let changes = committed.changes.iter().map(|logged| &logged.change);
        for change in changes.filter(|it| it.kind == ChangeKind::Erase && it.entity == EntityKind::Visitor) {
            for link in state.visitors.get(&VisitorId(change.id)).iter().flat_map(|entry| &entry.links) {
                let _ = link.shared.sent_away.set(());
            }
        }
    }

    /// Tells agents something that is not stored.
    pub(crate) fn tell_agents(&self, audience: Audience, ephemeral: Arc<Ephemeral>) {
        let _ = self.agents.send(AgentEvent::Ephemeral(audience, ephemeral));
    }

    /// Rings, or falls silent.
    pub(crate) fn ring(&self, calls: Vec<Call>) {
        if !calls.is_empty() {
            let loud = calls.iter().filter(|call| call.ring.deadline_ms > 0);
            self.metrics.rings.inc_by(loud.map(|call| call.to.len() as u64).sum());
            let _ = self.agents.send(AgentEvent::Rings(Arc::new(calls)));
        }
    }

    /// A device of an agent says what became of a ring.
    pub(crate) fn acknowledge_ring(&self, agent: AgentId, device: i64, ack: &RingAck) {
        self.ring(self.ringer.acknowledge(agent, device, ack).into_iter().collect());
    }

    /// How many connections of each kind there are.
    pub(crate) fn census(&self) -> [(&'static str, usize); 3] {
        let state = self.state();
        let agents = state.agents.values().map(HashMap::len).sum();
        let links = || state.visitors.values().flat_map(|entry| &entry.links);
        let pages = links().filter(|link| link.presence.is_some()).count();
        [("agent", agents), ("page", pages), ("panel", links().count() - pages)]
    }

    /// Whether a visitor is on the site, or left it a moment ago.
    pub(crate) fn is_here(&self, visitor: VisitorId) -> bool {
        self.state().visitors.contains_key(&visitor)
    }

    /// Tells a visitor's panels something that is not stored. A full queue drops it.
    pub(crate) fn tell_visitor(&self, visitor: VisitorId, ephemeral: &Arc<Ephemeral>) {
        if let Some(entry) = self.state().visitors.get(&visitor) {
            for panel in entry.links.iter().filter_map(|link| link.ephemeral.as_ref()) {
                let _ = panel.try_send(Arc::clone(ephemeral));
            }
        }
    }

    /// Ends the sessions of visitors, which are named with their site and the address they come from.
    pub(crate) fn send_away(&self, concerned: impl Fn(VisitorId, SiteId, IpAddr) -> bool) {
        for (visitor, entry) in &self.state().visitors {
            for link in entry.links.iter().filter(|link| concerned(*visitor, entry.site, link.address)) {
                let _ = link.shared.sent_away.set(());
            }
        }
    }

    /// Whether an agent is there, and every change of it.
    pub(crate) fn online(&self) -> watch::Receiver<bool> {
        self.online.subscribe()
    }

    /// Counts a visitor's socket against the household it comes from. `None`: there are too many.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr, most: usize) -> Option<AddressSeat> {
        let household = household(address);
        if let Some(household) = household {
            let mut state = self.state();
            let sockets = state.addresses.entry(household).or_default();
            if *sockets >= most {
                return None;
            }
            *sockets += 1;
        }
        Some(AddressSeat { hub: Arc::clone(self), household })
    }

    /// Registers a visitor's socket. `presence` is the loader's name for the browser, empty for the panel.
    pub(crate) fn seat_visitor(
        self: &Arc<Self>,
        visitor: VisitorId,
        site: SiteId,
        presence: Option<Hash>,
        visible: bool,
        address: IpAddr,
    ) -> VisitorSeat {
        let session = self.next_session.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::new(Shared {
            visitor: AtomicI64::new(visitor.0),
            changed: Notify::new(),
            changed_to: AtomicI64::new(0),
            sent_away: SetOnce::new(),
        });
        let (ephemeral, received) = presence.is_none().then(|| mpsc::channel(EPHEMERAL_BACKLOG)).unzip();
        let mut state = self.state();
        let entry = state.visitors.entry(visitor).or_insert_with(|| Entry::new(site));
        entry.left_at = None;
        entry.links.push(Link { session, presence, visible, address, shared: Arc::clone(&shared), ephemeral });
        state.stirred.insert(visitor);
        drop(state);
        self.stirred.notify_one();
        VisitorSeat { hub: Arc::clone(self), session, shared, ephemeral: received }
    }

    /// The pages that go by one name of a browser belong to another visitor from now on.
    pub(crate) fn move_pages(&self, from: VisitorId, to: VisitorId, presence: &Hash) {
        let mut state = self.state();
        let Some(entry) = state.visitors.get_mut(&from) else { return };
        let (moved, kept) =
            std::mem::take(&mut entry.links).into_iter().partition(|link| link.presence.as_ref() == Some(presence));
        entry.links = kept;
        let site = entry.site;
        if entry.links.is_empty() {
            // Nobody left: the visitor is gone at once, without the usual delay.
            let now = Instant::now();
            let long_ago = now.checked_sub(LINGER).unwrap_or(now);
            entry.left_at = Some(long_ago);
            state.leaving.push_front((long_ago, from));
        }
        let moved: Vec<Link> = moved;
        if !moved.is_empty() {
            let entry = state.visitors.entry(to).or_insert_with(|| Entry::new(site));
            entry.left_at = None;
            for link in moved {
                link.shared.visitor.store(to.0, Ordering::Release);
                link.shared.changed.notify_one();
                entry.links.push(link);
            }
        }
        state.stirred.extend([from, to]);
        drop(state);
        self.stirred.notify_one();
    }

    /// Under the lock, so that an agent who comes back now is not overruled.
    fn settle_online(&self, state: &State) {
        let now = state.anybody && !state.off;
        self.online.send_if_modified(|online| std::mem::replace(online, now) != now);
    }

    /// Switches the whole desk off, or on again.
    pub(crate) fn switch(&self, off: bool) {
        let mut state = self.state();
        if std::mem::replace(&mut state.off, off) != off {
            state.agents_stirred = true;
            self.settle_online(&state);
            drop(state);
            self.stirred.notify_one();
        }
    }

    /// Registers an agent's socket.
    pub(crate) fn seat_agent(self: &Arc<Self>, agent: AgentId, device: i64) -> AgentSeat {
        let session = self.next_session.fetch_add(1, Ordering::Relaxed);
        let (sender, ended) = watch::channel(None);
        let events = self.agents.subscribe();
        let mut state = self.state();
        state.agents.entry(agent).or_default().insert(session, Device { id: device, ended: sender });
        state.agents_stirred = true;
        state.last_agent_left_at = None;
        state.anybody = true;
        self.settle_online(&state);
        drop(state);
        self.stirred.notify_one();
        self.assigning.notify_one();
        AgentSeat { hub: Arc::clone(self), session, agent, events, ended: Ended(ended) }
    }

    /// Ends the sockets of a device whose tokens are good no more.
    pub(crate) fn end(&self, device: i64, how: Ending) {
        for found in self.state().agents.values().flat_map(HashMap::values).filter(|found| found.id == device) {
            found.ended.send_replace(Some(how));
        }
    }

    /// The devices of an agent that are connected now.
    pub(crate) fn devices(&self, agent: AgentId) -> HashSet<i64> {
        self.state().agents.get(&agent).into_iter().flat_map(HashMap::values).map(|device| device.id).collect()
    }

    /// Everybody on the sites that are seen now, in frames.
    pub(crate) fn everybody(&self, seen: impl Fn(SiteId) -> bool) -> Vec<Ephemeral> {
        let mut online: Vec<VisitorPresence> = self
            .state()
            .visitors
            .iter()
            .filter(|(_, entry)| seen(entry.site))
            .map(|(id, entry)| VisitorPresence { visitor: *id, visible: entry.visible() })
            .collect();
        online.sort_unstable_by_key(|presence| presence.visitor);
        in_frames(true, &online, &[])
    }

    /// Agents of whom a device is connected.
    pub(crate) fn agents_online(&self) -> BTreeSet<AgentId> {
        self.state().agents.keys().copied().collect()
    }

    /// The agents who are there.
    pub(crate) fn agents(&self) -> Ephemeral {
        let agents: Vec<AgentId> = self.agents_online().into_iter().collect();
        Ephemeral::Agents {
            online: !agents.is_empty() && !self.state().off,
            agents,
            back_at: None,
            texts: DeskTexts::default(),
            forms: AskedForms::default(),
            peek: false,
        }
    }

    /// Waits until somebody's presence has changed, or until somebody who left has been away long enough.
    pub(crate) async fn until_stirred(&self) {
        let next = {
            let state = self.state();
            let visitor = state.leaving.front().map(|(left_at, _)| *left_at + LINGER);
            let agent = state.last_agent_left_at.map(|left_at| left_at + LINGER);
            visitor.into_iter().chain(agent).min()
        };
        match next {
            Some(next) => tokio::select! {
                () = self.stirred.notified() => {}
                () = tokio::time::sleep_until(next) => {}
            },
            None => self.stirred.notified().await,
        }
    }

    /// Takes what has changed since the last call.
    pub(crate) fn take_stir(&self) -> Stir {
        let now = Instant::now();
        let mut state = self.state();
        let mut sites: BTreeMap<SiteId, SiteStir> = BTreeMap::new();
        while let Some((left_at, visitor)) = state.leaving.front().copied() {
            if now.saturating_duration_since(left_at) < LINGER {
                break;
            }
            state.leaving.pop_front();
            let away = state
                .visitors
                .get(&visitor)
                .is_some_and(|entry| entry.links.is_empty() && entry.left_at == Some(left_at));
            if away && let Some(entry) = state.visitors.remove(&visitor) {
                sites.entry(entry.site).or_default().gone.push(visitor);
            }
        }
        let stirred = std::mem::take(&mut state.stirred);
        for visitor in stirred {
            if let Some(entry) = state.visitors.get(&visitor) {
                let presence = VisitorPresence { visitor, visible: entry.visible() };
                sites.entry(entry.site).or_default().online.push(presence);
            }
        }
        let agents = std::mem::take(&mut state.agents_stirred);
        let nobody = state.last_agent_left_at.is_some_and(|left_at| now.saturating_duration_since(left_at) >= LINGER);
        if nobody {
            state.last_agent_left_at = None;
            state.anybody = false;
            self.settle_online(&state);
        }
        Stir { sites, agents }
    }
}

/// A presence list as frames that stay below the size of a frame. Only the first one is `full`.
pub(crate) fn in_frames(full: bool, online: &[VisitorPresence], gone: &[VisitorId]) -> Vec<Ephemeral> {
    let frames =
        online.len().div_ceil(PRESENCES_PER_FRAME).max(gone.len().div_ceil(PRESENCES_PER_FRAME)).max(usize::from(full));
    let mut online = online.chunks(PRESENCES_PER_FRAME);
    let mut gone = gone.chunks(PRESENCES_PER_FRAME);
    (0..frames)
        .map(|frame| Ephemeral::Visitors {
            full: full && frame == 0,
            online: online.next().unwrap_or_default().to_vec(),
            gone: gone.next().unwrap_or_default().to_vec(),
        })
        .collect()
}

impl VisitorSeat {
    /// The visitor; another one after their rows were joined.
    pub(crate) fn visitor(&self) -> VisitorId {
        VisitorId(self.shared.visitor.load(Ordering::Acquire))
    }

    /// Done when the session has to end: all that is known of the visitor was erased, or they were blocked. Whoever comes
    /// back is somebody new, or is told why not.
    pub(crate) fn sent_away(&self) -> impl Future<Output = ()> + Send + use<> {
        let shared = Arc::clone(&self.shared);
        async move {
            shared.sent_away.wait().await;
        }
    }

    /// Something of the visitor's has changed, which is all that a page is told.
    pub(crate) async fn changed(&self) {
        self.shared.changed.notified().await;
    }

    /// What happened next.
    pub(crate) async fn news(&mut self) -> VisitorEvent {
        let Self { shared, ephemeral, .. } = self;
        let told = async {
            match ephemeral {
                Some(ephemeral) => ephemeral.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = shared.changed.notified() => VisitorEvent::Changed(Seq(shared.changed_to.load(Ordering::Acquire))),
            Some(ephemeral) = told => VisitorEvent::Ephemeral(ephemeral),
        }
    }

    /// Whether the page is in front.
    pub(crate) fn set_visible(&self, visible: bool) {
        let visitor = self.visitor();
        let mut state = self.hub.state();
        let link = state
            .visitors
            .get_mut(&visitor)
            .and_then(|entry| entry.links.iter_mut().find(|link| link.session == self.session));
        if let Some(link) = link
            && link.visible != visible
        {
            link.visible = visible;
            state.stirred.insert(visitor);
            drop(state);
            self.hub.stirred.notify_one();
        }
    }
}

impl Drop for VisitorSeat {
    fn drop(&mut self) {
        let mut state = self.hub.state();
        // The id is read under the lock, under which it is also changed.
        let visitor = self.visitor();
        if let Some(entry) = state.visitors.get_mut(&visitor) {
            entry.links.retain(|link| link.session != self.session);
            if entry.links.is_empty() {
                let now = Instant::now();
                entry.left_at = Some(now);
                state.leaving.push_back((now, visitor));
            } else {
                state.stirred.insert(visitor);
            }
        }
        drop(state);
        self.hub.stirred.notify_one();
    }
}

impl Drop for AgentSeat {
    fn drop(&mut self) {
        let mut state = self.hub.state();
        if let Some(devices) = state.agents.get_mut(&self.agent) {
            devices.remove(&self.session);
            if devices.is_empty() {
                state.agents.remove(&self.agent);
                state.agents_stirred = true;
            }
        }
        if state.agents.is_empty() {
            state.last_agent_left_at = Some(Instant::now());
        }
        drop(state);
        self.hub.stirred.notify_one();
    }
}

impl Drop for AddressSeat {
    fn drop(&mut self) {
        let Some(household) = self.household else { return };
        let mut state = self.hub.state();
        if let Some(sockets) = state.addresses.get_mut(&household) {
            *sockets -= 1;
            if *sockets == 0 {
                state.addresses.remove(&household);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn dk_02_ten_thousand_visitors_come_in_frames_that_fit_and_none_is_lost() {
        let online: Vec<VisitorPresence> =
            (0..10_000).map(|id| VisitorPresence { visitor: VisitorId((1 << 53) - 1 - id), visible: false }).collect();
        let gone: Vec<VisitorId> = (0..2_500).map(VisitorId).collect();
        let frames = in_frames(true, &online, &gone);
        let (mut came, mut left) = (0, 0);
        for (index, frame) in frames.iter().enumerate() {
            let Ephemeral::Visitors { full, online, gone } = frame else { unreachable!() };
            assert_eq!(*full, index == 0);
            (came, left) = (came + online.len(), left + gone.len());
            let text = deskbell_protocol::ServerFrame::Eph(frame.clone()).to_text();
            assert!(text.len() < deskbell_protocol::FRAME_BYTES_MAX, "{}", text.len());
        }
        assert_eq!((came, left), (10_000, 2_500));
        assert_eq!(in_frames(true, &[], &[]).len(), 1, "an empty list is news too");
        assert!(in_frames(false, &[], &[]).is_empty());
    }

    #[tokio::test]
    async fn dk_03_pages_that_move_to_another_visitor_take_their_presence_along() {
        let hub = Hub::new();
        let (from, to, name) = (VisitorId(1), VisitorId(2), [7; 32]);
        let site = SiteId(9);
        let seat = hub.seat_visitor(from, site, Some(name), true, IpAddr::from([127, 0, 0, 1]));
        let stir = hub.take_stir().sites.remove(&site).unwrap();
        assert_eq!(stir.online, [VisitorPresence { visitor: from, visible: true }]);
        hub.move_pages(from, to, &name);
        assert_eq!(seat.visitor(), to);
        let stir = hub.take_stir().sites.remove(&site).unwrap();
        assert_eq!(stir.gone, [from]);
        assert_eq!(stir.online, [VisitorPresence { visitor: to, visible: true }]);
        seat.set_visible(false);
        assert_eq!(hub.take_stir().sites[&site].online, [VisitorPresence { visitor: to, visible: false }]);
        drop(seat);
        let stir = hub.take_stir().sites.remove(&site).unwrap_or_default();
        assert!(
            stir.gone.is_empty() && stir.online.iter().all(|presence| presence.visitor == to),
            "they may be back at once"
        );
    }
}
