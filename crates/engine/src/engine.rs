//! The machine itself.

use std::collections::{HashSet, VecDeque};

use deskbell_protocol::{
    AgentId, Bye, ByeCode, ClientFrame, ClientHeartbeat, ClientId, CommandFrame, Cursor, Delta, Ephemeral, ErrorCode,
    Hello, HistoryPage, Nack, PROTOCOL, ResetReason, Ring, Seen, Seq, ServerFrame, SnapshotEnd, SnapshotNext,
    SnapshotPage, SyncMode, Welcome,
};

use crate::{Backoff, Entry, GREETING_MS, LAG_MS, Millis, Outbox, PROBE_MS, RETRY_MAX_MS, RETRY_MIN_MS, SILENCE_MS};

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// Begin.
    Started,
    /// The socket is open.
    Connected,
    /// The socket is gone, or could not be opened.
    Disconnected,
    /// The server refuses this client before the first frame.
    Refused(Refused),
    /// The tokens are fresh again.
    Renewed,
    /// The desk could not be asked for fresh tokens.
    RenewFailed,
    /// A frame came.
    Frame(Box<ServerFrame>),
    /// The last [`Effect::Apply`] is on disk; the cursor is here now.
    Applied(Option<Cursor>),
    /// The last [`Effect::Apply`] failed; the cursor on disk is this one.
    ApplyFailed(Option<Cursor>),
    /// A command is on disk. One that was held is let go.
    Queued(Entry),
    /// A [`Batch::Reset`] is on disk: nothing is cached for sure, and this is to be sent, oldest first.
    Reoffered(Vec<Entry>),
    /// A command was dropped by the person.
    Discarded(ClientId),
    /// The desk has the files of a command: the answer to [`Effect::Upload`], with the command as it names them.
    Uploaded(Box<CommandFrame>),
    /// They did not come through; to be tried again, after so long at least.
    UploadFailed(ClientId, Millis),
    /// The desk refuses a file for good.
    UploadRefused(ClientId, ErrorCode),
    /// The answer to [`Effect::Compare`]: whether another agent wrote in the conversation meanwhile.
    Compared(ClientId, bool),
    /// The program ends: what is kept back goes now, if it can.
    Ending,
    /// Time passed.
    Tick,
    /// The person wants it now, or the computer woke up.
    RetryNow,
    /// The computer's network changed: another cable, another radio network, a tunnel.
    NetworkChanged,
}

/// Why a server refuses a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The access token is not valid: renew it.
    Token,
    /// The session is over: only the person can sign in again.
    Session,
    /// Somebody signed this device out: what it keeps is to be wiped.
    Revoked,
    /// The server speaks another version.
    Version,
}

/// Rows and the cursor that belongs to them: to be written in one transaction.
#[derive(Clone, Debug)]
pub enum Batch {
    /// Changes after the cursor.
    Delta {
        /// The log.
        epoch: String,
        /// The changes; `from` is the cursor on disk.
        delta: Delta,
        /// Commands that are done with it.
        done: Vec<ClientId>,
    },
    /// A page of a snapshot.
    Snapshot(SnapshotPage),
    /// The snapshot is whole: what is not in it goes, and this is the cursor.
    SnapshotEnd {
        /// The log.
        epoch: String,
        /// The frame.
        end: SnapshotEnd,
        /// Commands that are done with it.
        done: Vec<ClientId>,
    },
    /// Older messages.
    History(HistoryPage),
    /// The cursor is of no use. What is cached stays until the snapshot is whole. What the old log had acknowledged
    /// may be missing from the new one: the caller reports [`Event::Reoffered`] instead of [`Event::Applied`].
    Reset(ResetReason),
}

/// What to do.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Open the socket.
    Connect,
    /// Close the socket; no event is expected for it.
    Close,
    /// Renew the tokens, then report [`Event::Renewed`] or [`Event::Refused`].
    Renew,
    /// Make the desk say something on this connection, whatever it is.
    Probe,
    /// Send a frame.
    Send(Box<ClientFrame>),
    /// Write to disk, then report [`Event::Applied`], [`Event::Reoffered`] or [`Event::ApplyFailed`] before anything
    /// else.
    Apply(Box<Batch>),
    /// A command is done by the change; keep that on disk.
    Acknowledged(ClientId, Seq, Option<i64>),
    /// A command is refused for good; keep it for the person.
    Refuse(ClientId, ErrorCode),
    /// Bring the files of a command to the desk, from where they are; then report [`Event::Uploaded`],
    /// [`Event::UploadFailed`] or [`Event::UploadRefused`]. Whatever is under way for the same command is given up.
    Upload(ClientId),
    /// Look whether an agent other than this one wrote in the command's conversation since it was written; then
    /// report [`Event::Compared`] before anything else. The cache holds all that the desk has.
    Compare(ClientId, Option<AgentId>),
    /// A command is held; keep that on disk for the person.
    Hold(ClientId),
    /// Something that is never stored.
    Ephemeral(Ephemeral),
    /// A visitor waits, or does no more.
    Ring(Ring),
    /// The phase changed.
    Phase(Phase),
}

/// Where the connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not tried yet, or trying for the first time.
    Connecting,
    /// Greeted; catching up.
    Syncing,
    /// Up to date.
    Live,
    /// No connection; the next try comes by itself.
    Offline,
    /// The session is over.
    Expired,
    /// Somebody signed this device out.
    Revoked,
    /// The server speaks another version.
    Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// No socket; the next try at the time, if any.
    Down { again_at: Option<Millis> },
    /// The socket is being opened since.
    Opening { since: Millis },
    /// `hello` was sent.
    Greeting { since: Millis },
    /// Greeted.
    Up { since: Millis },
    /// The tokens are being renewed.
    Renewing,
}

/// Deltas that are remembered to know them again.
const RANGES_MAX: usize = 64;

/// A snapshot on its way.
#[derive(Clone, Debug)]
struct Arriving {
    generation: String,
    /// Its last page is here.
    whole: bool,
}

/// See the crate's documentation.
#[derive(Clone, Debug)]
pub struct Engine {
    app: String,
    link: Link,
    phase: Phase,
    backoff: Backoff,
    cursor: Option<Cursor>,
    outbox: Outbox,
    /// Who is signed in, as the desk says.
    agent: Option<AgentId>,
    /// The log of the current connection.
    epoch: String,
    /// Newest place the server told of.
    head: Seq,
    /// Since when the cursor is behind the head without any delta.
    behind_since: Option<Millis>,
    /// Since when the desk is asked whether this connection lives.
    probed_at: Option<Millis>,
    heard_at: Millis,
    beat_at: Millis,
    heartbeat_ms: Millis,
    snapshot: Option<Arriving>,
    /// The last deltas of this connection, so that one that comes twice is known.
    ranges: VecDeque<(Seq, Seq)>,
    /// A reset was announced: nothing is sent before it is known what has to be offered again.
    awaits_reset: bool,
    seen_at: Millis,
    seen_told: Seq,
    renewed: bool,
    /// When a snapshot last came a step further.
    progress_at: Millis,
    /// Commands that are done once the batch that is being applied is on disk.
    applying: Vec<ClientId>,
}

impl Engine {
    /// A machine at rest, with what is on disk. `app` names the client in `hello`.
    pub fn new(app: impl Into<String>, cursor: Option<Cursor>, outbox: impl IntoIterator<Item = Entry>) -> Self {
        Self {
            app: app.into(),
            link: Link::Down { again_at: None },
            phase: Phase::Connecting,
            backoff: Backoff::default(),
            cursor,
            outbox: Outbox::new(outbox, 0),
            agent: None,
            epoch: String::new(),
            head: Seq(0),
            behind_since: None,
            probed_at: None,
            heard_at: 0,
            beat_at: 0,
            heartbeat_ms: 15_000,
            snapshot: None,
            ranges: VecDeque::new(),
            awaits_reset: false,
            seen_at: 0,
            seen_told: Seq(0),
            renewed: false,
            progress_at: 0,
            applying: Vec::new(),
        }
    }

    /// Where the connection stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// How far the cache is.
    pub fn cursor(&self) -> Option<&Cursor> {
        self.cursor.as_ref()
    }

    /// The newest change that the desk told of.
    pub fn head(&self) -> Seq {
        self.head
    }

    /// Whether the cache holds all that the desk told of.
    fn is_whole(&self) -> bool {
        self.phase == Phase::Live && self.cursor.as_ref().is_some_and(|cursor| cursor.seq >= self.head)
    }

    /// The commands not yet done.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Takes an event at a time and says what to do. `random` is used for the jitter of a wait.
    pub fn step(&mut self, now: Millis, random: u64, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Started => {
                self.outbox.begin(now);
                self.connect(now, &mut effects);
            }
            Event::RetryNow => match self.link {
                Link::Down { .. } if !matches!(self.phase, Phase::Expired | Phase::Revoked | Phase::Version) => {
                    self.connect(now, &mut effects)
                }
                // A link that looks alive may be dead since the sleep: a new one is cheaper than finding out.
                Link::Up { .. } => self.begin_again(now, &mut effects),
                _ => {}
            },
            Event::NetworkChanged => match self.link {
                Link::Down { .. } if !matches!(self.phase, Phase::Expired | Phase::Version) => {
                    self.connect(now, &mut effects)
                }
                // It began on the network that was.
                Link::Opening { .. } | Link::Greeting { .. } => self.begin_again(now, &mut effects),
                // Most changes leave it alive, and then nobody should see anything: it is asked.
                Link::Up { .. } => {
                    self.probed_at.get_or_insert(now);
                    effects.push(Effect::Probe);
                }
                _ => {}
            },
            Event::Connected => {
                self.link = Link::Greeting { since: now };
                self.heard_at = now;
                let hello =
                    Hello { protocol: PROTOCOL, app: self.app.clone(), cursor: self.cursor.clone(), visitor: None };
                effects.push(Effect::Send(Box::new(ClientFrame::Hello(hello))));
            }
            Event::Disconnected => {
                // Every frame that could not be sent tells of the same end.
                if !matches!(self.link, Link::Renewing | Link::Down { .. }) {
                    self.wait(now, random, None, &mut effects);
                }
            }
            Event::Refused(why) => self.refused(now, random, why, &mut effects),
            Event::Renewed => {
                self.renewed = true;
                self.connect(now, &mut effects);
            }
            Event::RenewFailed => self.wait(now, random, None, &mut effects),
            Event::Frame(frame) => {
                self.heard_at = now;
                self.probed_at = None;
                self.frame(now, random, *frame, &mut effects);
            }
            Event::Applied(cursor) => self.applied(now, cursor, &mut effects),
            Event::ApplyFailed(cursor) => {
                self.cursor = cursor;
                self.applying.clear();
                effects.push(Effect::Close);
                self.wait(now, random, None, &mut effects);
            }
            Event::Queued(entry) => {
                let whole = self.is_whole();
                self.outbox.push(entry, now, whole);
            }
            // What was on its way may have arrived; the server knows it by its name.
            Event::Reoffered(entries) => {
                self.outbox = Outbox::new(entries, now);
                self.awaits_reset = false;
                self.applied(now, None, &mut effects);
            }
            Event::Discarded(id) => {
                self.outbox.remove(&id);
            }
            Event::Compared(id, answered) => {
                if self.outbox.compared(&id, answered) {
                    effects.push(Effect::Hold(id));
                }
            }
            Event::Uploaded(frame) => self.outbox.uploaded(*frame),
            Event::UploadFailed(id, at_least) => self.outbox.upload_failed(&id, now, at_least.min(RETRY_MAX_MS)),
            Event::UploadRefused(id, code) => {
                if self.outbox.remove(&id) {
                    effects.push(Effect::Refuse(id, code));
                }
            }
            Event::Ending => self.outbox.hurry(),
            Event::Tick => self.tick(now, random, &mut effects),
        }
        if matches!(self.link, Link::Up { .. }) && !self.awaits_reset {
            let due = self.outbox.due(now, self.is_whole());
            effects.extend(due.send.into_iter().map(|frame| Effect::Send(Box::new(ClientFrame::Cmd(frame)))));
            effects.extend(due.upload.into_iter().map(Effect::Upload));
            effects.extend(due.compare.into_iter().map(|id| Effect::Compare(id, self.agent)));
        }
        effects
    }

    fn connect(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        self.link = Link::Opening { since: now };
        effects.push(Effect::Connect);
        if self.phase != Phase::Offline {
            self.enter(Phase::Connecting, effects);
        }
    }

    fn enter(&mut self, phase: Phase, effects: &mut Vec<Effect>) {
        if self.phase != phase {
            self.phase = phase;
            effects.push(Effect::Phase(phase));
        }
    }

    fn drop_link(&mut self) {
        self.outbox.disconnected();
        self.snapshot = None;
        self.awaits_reset = false;
        self.ranges.clear();
        self.behind_since = None;
        self.probed_at = None;
        self.link = Link::Down { again_at: None };
    }

    /// Leaves a link that may be dead, and opens another one at once.
    fn begin_again(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        effects.push(Effect::Close);
        self.drop_link();
        self.connect(now, effects);
    }

    fn wait(&mut self, now: Millis, random: u64, at_least: Option<Millis>, effects: &mut Vec<Effect>) {
        if let Link::Up { since } = self.link {
            self.backoff.lived(now.saturating_sub(since));
        }
        self.drop_link();
        let wait = self.backoff.next(random).max(at_least.unwrap_or(0));
        self.link = Link::Down { again_at: Some(now.saturating_add(wait)) };
        self.enter(Phase::Offline, effects);
    }

    fn refused(&mut self, now: Millis, random: u64, why: Refused, effects: &mut Vec<Effect>) {
        self.drop_link();
        match why {
            // A token that is refused right after it was renewed is not worth a second try at once.
            Refused::Token if self.renewed => {
                self.renewed = false;
                self.wait(now, random, None, effects);
            }
            Refused::Token => {
                self.link = Link::Renewing;
                effects.push(Effect::Renew);
            }
            Refused::Session => self.enter(Phase::Expired, effects),
            Refused::Revoked => self.enter(Phase::Revoked, effects),
            Refused::Version => self.enter(Phase::Version, effects),
        }
    }

    fn frame(&mut self, now: Millis, random: u64, frame: ServerFrame, effects: &mut Vec<Effect>) {
        let greets = matches!(frame, ServerFrame::Welcome(_) | ServerFrame::Reset(_) | ServerFrame::Bye(_));
        if !greets && !matches!(self.link, Link::Up { .. }) {
            // Before the welcome nobody knows which log this is.
            return self.restart(now, random, effects);
        }
        match frame {
            // A second greeting on one connection would begin the catching-up anew, and nothing would end it.
            ServerFrame::Welcome(_) if matches!(self.link, Link::Up { .. }) => self.restart(now, random, effects),
            ServerFrame::Welcome(welcome) => self.welcome(now, welcome, effects),
            ServerFrame::Reset(reset) => {
                self.cursor = None;
                if matches!(self.link, Link::Up { .. }) {
                    self.enter(Phase::Syncing, effects);
                }
                effects.push(Effect::Apply(Box::new(Batch::Reset(reset.reason))));
            }
            // Without a reset before it, a snapshot would lead the cursor astray.
            ServerFrame::Snap(_) | ServerFrame::SnapEnd(_) if self.cursor.is_some() => {
                self.restart(now, random, effects);
            }
            ServerFrame::Snap(page) => {
                if self.snapshot.as_ref().is_some_and(|arriving| arriving.generation != page.generation) {
                    return self.restart(now, random, effects);
                }
                self.snapshot = Some(Arriving { generation: page.generation.clone(), whole: page.next.is_none() });
                effects.push(Effect::Apply(Box::new(Batch::Snapshot(page))));
            }
            ServerFrame::SnapEnd(end) => {
                // Without its last page it would sweep away what is only late.
                if !self.snapshot.take().is_some_and(|arriving| arriving.whole && arriving.generation == end.generation)
                {
                    return self.restart(now, random, effects);
                }
                let done = self.outbox.clone().passed(end.base, &HashSet::new());
                self.applying.clone_from(&done);
                effects.push(Effect::Apply(Box::new(Batch::SnapshotEnd { epoch: self.epoch.clone(), end, done })));
            }
            ServerFrame::Delta(delta) => self.delta(now, random, delta, effects),
            ServerFrame::Ack(ack) => {
                self.outbox.acknowledged(&ack.client_id, ack.seq);
                effects.push(Effect::Acknowledged(ack.client_id, ack.seq, ack.id));
                // The change may have been applied before the answer came.
                if let Some(cursor) = &self.cursor {
                    self.outbox.passed(cursor.seq, &HashSet::new());
                }
            }
            ServerFrame::Nack(nack) => self.nack(now, nack, effects),
            ServerFrame::HistPage(page) => effects.push(Effect::Apply(Box::new(Batch::History(page)))),
            ServerFrame::Eph(ephemeral) => effects.push(Effect::Ephemeral(ephemeral)),
            ServerFrame::Ring(ring) => effects.push(Effect::Ring(ring)),
            // Nothing can be newer here than there.
            ServerFrame::Hb(beat) if self.cursor.as_ref().is_some_and(|cursor| cursor.seq > beat.head) => {
                self.distrust(now, random, effects);
            }
            ServerFrame::Hb(beat) => {
                self.head = self.head.max(beat.head);
                self.watch_lag(now);
            }
            ServerFrame::Bye(bye) => self.bye(now, random, &bye, effects),
        }
    }

    fn welcome(&mut self, now: Millis, welcome: Welcome, effects: &mut Vec<Effect>) {
        self.link = Link::Up { since: now };
        self.progress_at = now;
        self.renewed = false;
        self.epoch = welcome.epoch;
        self.agent = welcome.agent;
        self.awaits_reset = welcome.mode == SyncMode::Snapshot;
        if self.awaits_reset && self.cursor.is_none() {
            // Without a cursor nobody can tell whether an earlier connection, whose snapshot broke off, was to this
            // log: what was acknowledged there may be missing here, and no reset of the server says so.
            effects.push(Effect::Apply(Box::new(Batch::Reset(ResetReason::Epoch))));
        }
        self.head = welcome.head;
        self.heartbeat_ms = welcome.heartbeat_ms.clamp(1_000, SILENCE_MS / 2);
        self.beat_at = now;
        let fresh = welcome.mode == SyncMode::Delta
            && self.cursor.as_ref().is_some_and(|cursor| cursor.seq >= self.head && cursor.epoch == self.epoch);
        self.enter(if fresh { Phase::Live } else { Phase::Syncing }, effects);
        self.watch_lag(now);
    }

    fn delta(&mut self, now: Millis, random: u64, delta: Delta, effects: &mut Vec<Effect>) {
        let at = match &self.cursor {
            Some(cursor) if cursor.epoch == self.epoch => cursor.seq,
            _ => return self.restart(now, random, effects),
        };
        // On one connection every delta begins where the one before has ended. One that comes twice is left alone;
        // anything else is a fault of the network or of the server, and what came is asked for again.
        if self.ranges.contains(&(delta.from, delta.to)) {
            return;
        }
        if delta.from < at {
            return self.distrust(now, random, effects);
        }
        let mut before = delta.from;
        let in_order = delta.changes.iter().all(|change| std::mem::replace(&mut before, change.seq) < change.seq);
        if delta.from > at || !in_order || before > delta.to {
            return self.restart(now, random, effects);
        }
        if delta.to == at {
            return;
        }
        if self.ranges.len() >= RANGES_MAX {
            self.ranges.pop_front();
        }
        self.ranges.push_back((delta.from, delta.to));
        let names: HashSet<ClientId> = delta.changes.iter().filter_map(|change| change.client_id.clone()).collect();
        let done = self.outbox.clone().passed(delta.to, &names);
        self.applying.clone_from(&done);
        self.head = self.head.max(delta.to);
        effects.push(Effect::Apply(Box::new(Batch::Delta { epoch: self.epoch.clone(), delta, done })));
    }

    /// An earlier delta claimed more than it brought, so the cursor may stand beyond something that never came: only a
    /// snapshot tells.
    fn distrust(&mut self, now: Millis, random: u64, effects: &mut Vec<Effect>) {
        self.restart(now, random, effects);
        self.cursor = None;
        effects.push(Effect::Apply(Box::new(Batch::Reset(ResetReason::Schema))));
    }

    /// Something is missing: the stored cursor asks for it again.
    fn restart(&mut self, now: Millis, random: u64, effects: &mut Vec<Effect>) {
        effects.push(Effect::Close);
        self.wait(now, random, None, effects);
    }

    fn applied(&mut self, now: Millis, cursor: Option<Cursor>, effects: &mut Vec<Effect>) {
        self.cursor = cursor;
        self.progress_at = now;
        for id in std::mem::take(&mut self.applying) {
            self.outbox.remove(&id);
        }
        let Some(at) = self.cursor.as_ref().map(|cursor| cursor.seq) else { return };
        self.outbox.passed(at, &HashSet::new());
        if self.snapshot.is_none() && at >= self.head && matches!(self.link, Link::Up { .. }) {
            self.enter(Phase::Live, effects);
        }
        // What came is progress, however much is still missing.
        self.behind_since = None;
        self.watch_lag(now);
    }

    /// Notes since when the cursor is behind.
    fn watch_lag(&mut self, now: Millis) {
        let behind = self.snapshot.is_none() && self.cursor.as_ref().is_some_and(|cursor| cursor.seq < self.head);
        self.behind_since = if behind { self.behind_since.or(Some(now)) } else { None };
    }

    fn nack(&mut self, now: Millis, nack: Nack, effects: &mut Vec<Effect>) {
        if nack.code.is_permanent() {
            self.outbox.remove(&nack.client_id);
            effects.push(Effect::Refuse(nack.client_id, nack.code));
        } else {
            let wait = nack.retry_after_ms.unwrap_or(2_000).clamp(RETRY_MIN_MS, RETRY_MAX_MS);
            self.outbox.postponed(&nack.client_id, now.saturating_add(wait));
        }
    }

    fn bye(&mut self, now: Millis, random: u64, bye: &Bye, effects: &mut Vec<Effect>) {
        effects.push(Effect::Close);
        match bye.code {
            ByeCode::Auth => self.refused(now, random, Refused::Token, effects),
            ByeCode::Revoked => self.refused(now, random, Refused::Revoked, effects),
            ByeCode::Version => self.refused(now, random, Refused::Version, effects),
            ByeCode::Drain
            | ByeCode::Slow
            | ByeCode::Policy
            | ByeCode::Origin
            | ByeCode::Blocked
            | ByeCode::Identity => {
                self.wait(now, random, Some(bye.retry_after_ms.min(RETRY_MAX_MS)), effects);
            }
        }
    }

    fn tick(&mut self, now: Millis, random: u64, effects: &mut Vec<Effect>) {
        match self.link {
            Link::Down { again_at: Some(time) } if time <= now => self.connect(now, effects),
            Link::Opening { since } | Link::Greeting { since } if now.saturating_sub(since) > GREETING_MS => {
                self.restart(now, random, effects);
            }
            Link::Up { .. } if self.probed_at.is_some_and(|at| now.saturating_sub(at) > PROBE_MS) => {
                self.begin_again(now, effects);
            }
            Link::Up { .. } => {
                let silent = now.saturating_sub(self.heard_at) > SILENCE_MS;
                let lagging = self.behind_since.is_some_and(|since| now.saturating_sub(since) > LAG_MS);
                let stalled = self.cursor.is_none() && now.saturating_sub(self.progress_at) > SILENCE_MS;
                if silent || lagging || stalled || self.outbox.is_stuck(now) {
                    return self.restart(now, random, effects);
                }
                if now.saturating_sub(self.beat_at) >= self.heartbeat_ms {
                    self.beat_at = now;
                    let beat = ClientHeartbeat { time: i64::try_from(now).unwrap_or(i64::MAX) };
                    effects.push(Effect::Send(Box::new(ClientFrame::Hb(beat))));
                }
                let at = self.cursor.as_ref().map_or(Seq(0), |cursor| cursor.seq);
                if at > self.seen_told && now.saturating_sub(self.seen_at) >= 1_000 {
                    self.seen_told = at;
                    self.seen_at = now;
                    effects.push(Effect::Send(Box::new(ClientFrame::Seen(Seen { seq: at }))));
                }
            }
            _ => {}
        }
    }

    /// Asks for the next page of the snapshot, once the last one is on disk.
    pub fn next_page(page: &SnapshotPage) -> Option<ClientFrame> {
        let token = page.next.clone()?;
        Some(ClientFrame::SnapNext(SnapshotNext { generation: page.generation.clone(), token }))
    }
}
