//! Somebody's computer: the engine and its disk. What the real client does around them, without a socket.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};

use deskbell_cache::simulation as disk;
use deskbell_cache::{Cache, CacheError, Guard, OutboxItem, OutboxState};
use deskbell_engine::{Batch, Effect, Engine, Entry, Event, Phase};
use deskbell_protocol::{
    ClientFrame, ClientHeartbeat, ClientId, Command, CommandFrame, ConversationId, Cursor, ErrorCode, Ring, RingAck,
    RingOutcome, Seq,
};
use deskbell_server::simulation::Person;

use crate::network::{Millis, Wire};

/// What the computer asks of the network.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Connect,
    Close,
}

pub(crate) struct Computer {
    pub(crate) person: Person,
    /// The name of its disk.
    disk: String,
    cache: Cache,
    engine: Engine,
    pub(crate) wire: Option<Wire>,
    /// A connection that is being made comes about then.
    pub(crate) connects_at: Option<Millis>,
    /// The program dies after so many more transactions.
    pub(crate) dies_after: Option<u32>,
    /// The person's computer does nothing until then: asleep, or busy.
    pub(crate) asleep_until: Millis,
    /// Every command ever queued, in order, with what became of it.
    pub(crate) queued: Vec<CommandFrame>,
    pub(crate) refused: Vec<(ClientId, ErrorCode)>,
    /// Cursors of one epoch never go back.
    furthest: Option<Cursor>,
    pub(crate) ticked_at: Millis,
    /// Frames to be sent.
    pub(crate) outgoing: Vec<ClientFrame>,
    pub(crate) wishes: Vec<Wish>,
    /// The person says of some chats that they take them.
    pub(crate) accepts: bool,
    /// What rings here, until when.
    rings: BTreeMap<ConversationId, Millis>,
}

impl Computer {
    pub(crate) fn new(person: Person) -> Self {
        static DISKS: AtomicU64 = AtomicU64::new(0);
        let disk = format!("computer-{}", DISKS.fetch_add(1, Ordering::Relaxed));
        let cache = open(&disk, person);
        let engine = wake(&cache, 0);
        Self {
            person,
            disk,
            cache,
            engine,
            wire: None,
            connects_at: None,
            dies_after: None,
            asleep_until: 0,
            queued: Vec::new(),
            refused: Vec::new(),
            furthest: None,
            ticked_at: 0,
            outgoing: Vec::new(),
            wishes: Vec::new(),
            accepts: true,
            rings: BTreeMap::new(),
        }
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }

    pub(crate) fn is_live(&self) -> bool {
        self.engine.phase() == Phase::Live
    }

    pub(crate) fn phase(&self) -> Phase {
        self.engine.phase()
    }

    /// Everything but the disk is lost, and the program starts again.
    pub(crate) fn crash(&mut self, now: Millis, random: u64) {
        self.wire = None;
        self.connects_at = None;
        self.dies_after = None;
        self.outgoing.clear();
        self.wishes.clear();
        self.rings.clear();
        // The disk lives as long as somebody has it open.
        self.cache = open(&self.disk, self.person);
        self.engine = wake(&self.cache, now);
        for item in must("outbox", self.cache.outbox()) {
            let known = self.refused.iter().any(|(id, _)| *id == item.frame.client_id);
            if let (OutboxState::Refused(code), false) = (item.state, known) {
                self.refused.push((item.frame.client_id, code));
            }
        }
        self.step(now, random, Event::Started);
        // Whoever is asked sends it all the same.
        let held = must("outbox", self.cache.outbox()).into_iter().filter(|item| item.state == OutboxState::Held);
        for item in held {
            if let Some(item) = must("retry", self.cache.retry(&item.frame.client_id)) {
                self.step(now, random, Event::Queued(entry(item, now)));
            }
        }
    }

    /// Puts a command on the disk, and then hands it to the engine.
    pub(crate) fn queue(&mut self, now: Millis, random: u64, command: Command, if_rev: Option<Seq>, bits: u128) {
        let frame = CommandFrame { client_id: ClientId::from_bits(bits), command, if_rev, client_time: 0 };
        let guard = self.guard(now, random, &frame.command);
        must("queue", self.cache.queue_guarded(&frame, &[], 0, guard));
        self.queued.push(frame.clone());
        let item = OutboxItem {
            frame,
            attachments: vec![],
            files: vec![],
            queued_at: 0,
            state: OutboxState::Queued,
            guard,
            tried: false,
        };
        self.step(now, random, Event::Queued(entry(item, now)));
    }

    /// Some replies are kept back for a moment, and every reply of an agent knows what was on screen.
    fn guard(&self, now: Millis, random: u64, command: &Command) -> Guard {
        let Command::Send { conversation: Some(conversation), .. } = command else { return Guard::default() };
        let shown = must("conversation", self.cache.conversation(*conversation));
        let until = i64::try_from(now + 5_000).unwrap_or(i64::MAX);
        Guard {
            hold_until: random.is_multiple_of(3).then_some(until),
            seen: shown.map(|record| record.conversation.last_number),
        }
    }

    /// Asks for older messages.
    pub(crate) fn ask_history(&mut self, conversation: ConversationId, before: i64) {
        let request = deskbell_protocol::HistoryRequest { request: 1, conversation, before, limit: 10 };
        if self.wire.is_some() && self.is_live() {
            self.outgoing.push(ClientFrame::Hist(request));
        }
    }

    /// Takes an event. When the program dies over it, nothing more happens until [`Self::crash`].
    pub(crate) fn step(&mut self, now: Millis, random: u64, event: Event) {
        disk::die_after(self.dies_after);
        self.work(now, random, event);
        self.dies_after = disk::left();
        disk::die_after(None);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dies_after == Some(0)
    }

    fn work(&mut self, now: Millis, random: u64, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.engine.step(now, random, event) {
                let next = match self.carry_out(now, effect) {
                    Ok(next) => next,
                    Err(_) if disk::left() == Some(0) => return,
                    Err(error) => panic!("{error}"),
                };
                // What is on disk is reported before anything else happens.
                for event in next.into_iter().rev() {
                    events.push_front(event);
                }
            }
        }
    }

    fn carry_out(&mut self, now: Millis, effect: Effect) -> Result<Vec<Event>, CacheError> {
        match effect {
            Effect::Connect => self.wishes.push(Wish::Connect),
            Effect::Close => {
                self.outgoing.clear();
                self.wishes.push(Wish::Close);
            }
            Effect::Probe => self.outgoing.push(ClientFrame::Hb(ClientHeartbeat { time: 0 })),
            Effect::Send(frame) => {
                if let ClientFrame::Cmd(command) = &*frame {
                    self.cache.mark_tried(&command.client_id)?;
                }
                self.outgoing.push(*frame);
            }
            Effect::Apply(batch) => return self.apply(now, &batch),
            Effect::Acknowledged(id, seq, _) => {
                let waited = self.waits_for(&id)?;
                self.cache.acknowledge(&id, seq)?;
                let passed = self.cache.cursor()?.is_some_and(|cursor| cursor.seq >= seq);
                assert!(!waited || passed || self.waits_for(&id)?, "{id:?} left before its change came");
            }
            Effect::Refuse(id, code) => {
                self.cache.refuse(&id, code)?;
                self.refused.push((id, code));
            }
            Effect::Compare(id, me) => {
                let answered = self.cache.was_answered_meanwhile(&id, me)?;
                return Ok(vec![Event::Compared(id, answered)]);
            }
            // Whoever is asked sends it all the same.
            Effect::Hold(id) => {
                self.cache.hold(&id)?;
                let item = self.cache.retry(&id)?;
                return Ok(item.into_iter().map(|item| Event::Queued(entry(item, now))).collect());
            }
            // Nobody here sends files.
            Effect::Upload(_) | Effect::Renew | Effect::Phase(_) | Effect::Ephemeral(_) => {}
            Effect::Ring(ring) => self.ring(now, &ring),
        }
        Ok(Vec::new())
    }

    /// Rings, and says so. Some persons take it, and think better of it.
    fn ring(&mut self, now: Millis, ring: &Ring) {
        if ring.deadline_ms == 0 {
            self.rings.remove(&ring.conversation);
            return;
        }
        self.rings.insert(ring.conversation, now.saturating_add(ring.deadline_ms));
        let accepts = self.accepts && (ring.ring.0 + i64::from(ring.level)) % 5 == 0;
        let outcome = if accepts { RingOutcome::Accepted } else { RingOutcome::Shown };
        self.outgoing.push(ClientFrame::RingAck(RingAck { ring: ring.ring, outcome }));
    }

    /// What rings here now.
    pub(crate) fn ringing(&self, now: Millis) -> BTreeSet<ConversationId> {
        self.rings.iter().filter(|(_, until)| **until > now).map(|(id, _)| *id).collect()
    }

    fn waits_for(&self, id: &ClientId) -> Result<bool, CacheError> {
        Ok(self.cache.outbox()?.iter().any(|item| item.frame.client_id == *id))
    }

    fn apply(&mut self, now: Millis, batch: &Batch) -> Result<Vec<Event>, CacheError> {
        self.cache.apply(batch)?;
        if let Batch::Snapshot(page) = batch
            && let Some(next) = Engine::next_page(page)
        {
            self.outgoing.push(next);
        }
        let cursor = self.cache.cursor()?;
        if let (Some(before), Some(now)) = (&self.furthest, &cursor) {
            assert!(
                before.epoch != now.epoch || before.seq <= now.seq,
                "a cursor went back from {before:?} to {now:?}"
            );
        }
        if cursor.is_some() {
            self.furthest.clone_from(&cursor);
        }
        Ok(vec![match batch {
            Batch::Reset(_) => Event::Reoffered(to_send(&self.cache, now)),
            _ => Event::Applied(cursor),
        }])
    }

    /// Where the commands stand, on disk and for the engine.
    pub(crate) fn waiting(&self) -> String {
        let items = must("outbox", self.cache.outbox());
        let disk: Vec<_> = items.iter().map(|item| (&item.frame, item.state, item.guard, item.tried)).collect();
        format!("{disk:?}, {:?}", self.engine.outbox().states())
    }

    /// Commands that are neither done nor refused.
    pub(crate) fn unsent(&self) -> usize {
        let items = must("outbox", self.cache.outbox());
        items.iter().filter(|item| !matches!(item.state, OutboxState::Refused(_))).count()
    }
}

fn open(disk: &str, person: Person) -> Cache {
    let cache = match Cache::in_memory(disk) {
        Ok(cache) => cache,
        Err(error) => panic!("the cache does not open: {error}"),
    };
    if let Person::Agent(me) = person {
        must("owner", cache.belongs_to(me));
    }
    cache
}

/// The engine from what is on disk, as the real client makes it.
fn wake(cache: &Cache, now: Millis) -> Engine {
    Engine::new("simulation", must("cursor", cache.cursor()), to_send(cache, now))
}

fn to_send(cache: &Cache, now: Millis) -> Vec<Entry> {
    let waiting = must("outbox", cache.outbox()).into_iter();
    waiting.filter(|item| !matches!(item.state, OutboxState::Refused(_))).map(|item| entry(item, now)).collect()
}

fn entry(item: OutboxItem, now: Millis) -> Entry {
    let until = item.guard.hold_until.and_then(|until| Millis::try_from(until).ok()).unwrap_or(0);
    Entry {
        frame: item.frame,
        delay_ms: until.saturating_sub(now),
        guarded: item.guard.seen.is_some(),
        tried: item.tried,
        held: item.state == OutboxState::Held,
        files: !item.files.is_empty(),
    }
}

fn must<T>(what: &str, result: Result<T, CacheError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error}"),
    }
}
