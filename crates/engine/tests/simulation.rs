//! Two agents and a desk over links that drop, double, reorder and break, and computers that crash. Whatever
//! happens, both screens end equal to the desk, nothing is lost, nothing is done twice, and the order is kept.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::{HashMap, VecDeque};

use deskbell_engine::{Batch, Effect, Engine, Entry, Event, Millis, Phase};
use deskbell_protocol::*;
use proptest::prelude::*;

const EPOCH: &str = "e";

/// The desk: one log of accepted commands. A change's data is the text that was sent.
#[derive(Default)]
struct Desk {
    log: Vec<(CommandFrame, usize)>,
}

impl Desk {
    fn head(&self) -> Seq {
        Seq(self.log.len() as i64)
    }

    fn accept(&mut self, agent: usize, frame: CommandFrame) -> (Seq, bool) {
        if let Some(at) = self.log.iter().position(|(known, by)| known.client_id == frame.client_id && *by == agent) {
            return (Seq(at as i64 + 1), true);
        }
        self.log.push((frame, agent));
        (self.head(), false)
    }

    fn delta(&self, agent: usize, from: Seq) -> Delta {
        let changes = self.log[from.0 as usize..].iter().enumerate().map(|(at, (frame, by))| Change {
            seq: Seq(from.0 + at as i64 + 1),
            kind: ChangeKind::Put,
            entity: EntityKind::Message,
            id: from.0 + at as i64 + 1,
            data: Some(EntityData::of(&frame.command).unwrap()),
            client_id: (*by == agent).then(|| frame.client_id.clone()),
        });
        Delta { from, to: self.head(), changes: changes.collect(), more: false }
    }
}

/// An agent's computer: the engine, and what is on its disk.
struct Computer {
    engine: Engine,
    disk: Vec<serde_json::Value>,
    cursor: Option<Cursor>,
    outbox: VecDeque<CommandFrame>,
    refused: Vec<ClientId>,
    connected: bool,
    wants: bool,
    /// Frames on their way to the desk and back.
    up: VecDeque<ClientFrame>,
    down: VecDeque<ServerFrame>,
    /// How far the desk has told this connection.
    told: Option<Seq>,
    written: u128,
}

impl Computer {
    fn new() -> Self {
        Self {
            engine: Engine::new("test", None, []),
            disk: vec![],
            cursor: None,
            outbox: VecDeque::new(),
            refused: vec![],
            connected: false,
            wants: false,
            up: VecDeque::new(),
            down: VecDeque::new(),
            told: None,
            written: 0,
        }
    }

    fn cut(&mut self) {
        self.connected = false;
        self.up.clear();
        self.down.clear();
        self.told = None;
    }

    fn step(&mut self, now: Millis, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.engine.step(now, now.wrapping_mul(2_654_435_761), event) {
                match effect {
                    Effect::Connect => self.wants = true,
                    Effect::Close => self.cut(),
                    Effect::Probe => self.up.push_back(ClientFrame::Hb(ClientHeartbeat { time: 0 })),
                    Effect::Send(frame) => {
                        if self.connected {
                            self.up.push_back(*frame);
                        }
                    }
                    Effect::Apply(batch) => events.push_front(self.apply(*batch)),
                    Effect::Refuse(id, _) => self.refused.push(id),
                    Effect::Compare(id, _) => events.push_front(Event::Compared(id, false)),
                    Effect::Upload(id) => unreachable!("{id} has no files"),
                    Effect::Hold(id) => unreachable!("{id} collides with nothing"),
                    Effect::Acknowledged(..)
                    | Effect::Phase(_)
                    | Effect::Ephemeral(_)
                    | Effect::Ring(_)
                    | Effect::Renew => {}
                }
            }
        }
    }

    fn apply(&mut self, batch: Batch) -> Event {
        match batch {
            Batch::Delta { epoch, delta, done } => {
                assert_eq!(delta.from, self.cursor.as_ref().unwrap().seq, "a delta never leaves a gap");
                self.disk.extend(delta.changes.into_iter().map(|change| change.data.unwrap().read().unwrap()));
                self.cursor = Some(Cursor { epoch, seq: delta.to });
                self.outbox.retain(|frame| !done.contains(&frame.client_id));
            }
            Batch::SnapshotEnd { epoch, end, .. } => self.cursor = Some(Cursor { epoch, seq: end.base }),
            Batch::Snapshot(_) | Batch::History(_) => {}
            Batch::Reset(_) => {
                self.cursor = None;
                self.disk.clear();
                return Event::Reoffered(self.outbox.iter().map(entry).collect());
            }
        }
        Event::Applied(self.cursor.clone())
    }

    fn write(&mut self, now: Millis, agent: usize, conversation: i64) {
        self.written += 1;
        let frame = CommandFrame {
            client_id: ClientId::from_bits(self.written << 8 | agent as u128),
            command: Command::Send {
                conversation: Some(ConversationId(conversation)),
                kind: MessageKind::Reply,
                text: format!("{agent}:{}", self.written),
                attachments: vec![],
                mentions: Vec::new(),
                article: None,
                choice: None,
            },
            if_rev: None,
            client_time: 0,
        };
        // On disk first, then known to the engine.
        self.outbox.push_back(frame.clone());
        self.step(now, Event::Queued(entry(&frame)));
    }

    /// Everything but the disk is lost.
    fn crash(&mut self, now: Millis) {
        self.cut();
        self.wants = false;
        self.engine = Engine::new("test", self.cursor.clone(), self.outbox.iter().map(entry));
        self.step(now, Event::Started);
    }
}

fn serve(desk: &mut Desk, computer: &mut Computer, agent: usize, frame: ClientFrame) {
    match frame {
        ClientFrame::Hello(hello) => {
            let mode = if hello.cursor.is_some() { SyncMode::Delta } else { SyncMode::Snapshot };
            computer.down.push_back(ServerFrame::Welcome(Welcome {
                session: "s".into(),
                epoch: EPOCH.into(),
                head: desk.head(),
                server_time: 0,
                heartbeat_ms: 15_000,
                mode,
                agent: None,
                visitor: None,
            }));
            let from = hello.cursor.map_or(Seq(0), |cursor| cursor.seq);
            if mode == SyncMode::Snapshot {
                computer.down.push_back(ServerFrame::Snap(SnapshotPage {
                    generation: "g".into(),
                    base: Seq(0),
                    rows: vec![],
                    next: None,
                }));
                computer.down.push_back(ServerFrame::SnapEnd(SnapshotEnd { generation: "g".into(), base: Seq(0) }));
            }
            computer.down.push_back(ServerFrame::Delta(desk.delta(agent, from)));
            computer.told = Some(desk.head());
        }
        ClientFrame::Cmd(frame) => {
            let client_id = frame.client_id.clone();
            let (seq, duplicate) = desk.accept(agent, frame);
            computer.down.push_back(ServerFrame::Ack(Ack { client_id, seq, id: None, number: None, duplicate }));
        }
        ClientFrame::Hb(_) => {
            computer.down.push_back(ServerFrame::Hb(ServerHeartbeat { time: 0, head: desk.head() }));
        }
        ClientFrame::Seen(_)
        | ClientFrame::Eph(_)
        | ClientFrame::RingAck(_)
        | ClientFrame::Hist(_)
        | ClientFrame::SnapNext(_) => {}
    }
}

fn fan_out(desk: &Desk, computers: &mut [Computer]) {
    for (agent, computer) in computers.iter_mut().enumerate() {
        if let Some(told) = computer.told
            && told < desk.head()
        {
            computer.down.push_back(ServerFrame::Delta(desk.delta(agent, told)));
            computer.told = Some(desk.head());
        }
    }
}

/// Every second command is kept back for a moment, and all are compared with what others wrote.
fn entry(frame: &CommandFrame) -> Entry {
    let delay_ms = if frame.client_id.as_str().ends_with(['1', '3', '5', '7', '9', 'b', 'd', 'f']) { 5_000 } else { 0 };
    Entry { delay_ms, guarded: true, ..frame.clone().into() }
}

#[derive(Clone, Debug)]
enum Act {
    Write { agent: usize, conversation: i64 },
    Up { agent: usize },
    Down { agent: usize },
    DropDown { agent: usize },
    DoubleDown { agent: usize },
    SwapDown { agent: usize },
    Cut { agent: usize },
    Crash { agent: usize },
    Wait { ms: u64 },
}

fn act() -> impl Strategy<Value = Act> {
    let agent = 0..2_usize;
    prop_oneof![
        4 => (agent.clone(), 1..4_i64).prop_map(|(agent, conversation)| Act::Write { agent, conversation }),
        6 => agent.clone().prop_map(|agent| Act::Up { agent }),
        6 => agent.clone().prop_map(|agent| Act::Down { agent }),
        1 => agent.clone().prop_map(|agent| Act::DropDown { agent }),
        1 => agent.clone().prop_map(|agent| Act::DoubleDown { agent }),
        1 => agent.clone().prop_map(|agent| Act::SwapDown { agent }),
        1 => agent.clone().prop_map(|agent| Act::Cut { agent }),
        1 => agent.prop_map(|agent| Act::Crash { agent }),
        3 => (100..12_000_u64).prop_map(|ms| Act::Wait { ms }),
    ]
}

fn tick(desk: &mut Desk, computers: &mut [Computer], now: Millis) {
    for computer in computers.iter_mut() {
        if std::mem::take(&mut computer.wants) {
            computer.connected = true;
            computer.step(now, Event::Connected);
        }
        computer.step(now, Event::Tick);
    }
    fan_out(desk, computers);
}

fn play(acts: Vec<Act>) {
    let mut desk = Desk::default();
    let mut computers = [Computer::new(), Computer::new()];
    let mut now: Millis = 0;
    for computer in &mut computers {
        computer.step(now, Event::Started);
    }
    tick(&mut desk, &mut computers, now);
    for act in acts {
        match act {
            Act::Write { agent, conversation } => computers[agent].write(now, agent, conversation),
            Act::Up { agent } => {
                if let Some(frame) = computers[agent].up.pop_front() {
                    serve(&mut desk, &mut computers[agent], agent, frame);
                }
            }
            Act::Down { agent } => {
                if let Some(frame) = computers[agent].down.pop_front() {
                    computers[agent].step(now, Event::Frame(Box::new(frame)));
                }
            }
            Act::DropDown { agent } => drop(computers[agent].down.pop_front()),
            Act::DoubleDown { agent } => {
                if let Some(frame) = computers[agent].down.front().cloned() {
                    computers[agent].down.push_front(frame);
                }
            }
            Act::SwapDown { agent } => {
                if computers[agent].down.len() > 1 {
                    computers[agent].down.swap(0, 1);
                }
            }
            Act::Cut { agent } => {
                computers[agent].cut();
                computers[agent].step(now, Event::Disconnected);
            }
            Act::Crash { agent } => computers[agent].crash(now),
            Act::Wait { ms } => now += ms,
        }
        tick(&mut desk, &mut computers, now);
    }
    // The network heals: everything must settle by itself.
    for _ in 0..600 {
        now += 500;
        tick(&mut desk, &mut computers, now);
        for (agent, computer) in computers.iter_mut().enumerate() {
            while let Some(frame) = computer.up.pop_front() {
                serve(&mut desk, computer, agent, frame);
            }
        }
        fan_out(&desk, &mut computers);
        for computer in &mut computers {
            while let Some(frame) = computer.down.pop_front() {
                computer.step(now, Event::Frame(Box::new(frame)));
            }
        }
    }
    let truth: Vec<serde_json::Value> =
        desk.log.iter().map(|(frame, _)| serde_json::to_value(&frame.command).unwrap()).collect();
    let written: u128 = computers.iter().map(|computer| computer.written).sum();
    assert_eq!(desk.log.len() as u128, written, "each message is stored once: none lost, none doubled");
    for computer in &computers {
        assert_eq!(computer.disk, truth, "the screen is what the desk has");
        assert!(computer.outbox.is_empty() && computer.engine.outbox().is_empty(), "nothing waits");
        assert!(computer.refused.is_empty());
        assert_eq!(computer.engine.phase(), Phase::Live);
    }
    let mut last: HashMap<(usize, ConversationId), u128> = HashMap::new();
    for (frame, agent) in &desk.log {
        let place = (*agent, frame.command.conversation().unwrap());
        let number = u128::from_str_radix(frame.client_id.as_str(), 16).unwrap() >> 8;
        assert!(
            last.insert(place, number).is_none_or(|before| before < number),
            "the order of one conversation is kept"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn dc_01_everything_converges_whatever_the_network_does(acts in prop::collection::vec(act(), 1..120)) {
        play(acts);
    }
}
