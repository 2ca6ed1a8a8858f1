//! Streams of deltas that were tampered with on the way: frames missing, doubled, swapped, or with altered ranges.
//! Whoever says "live" after that shows exactly what the desk has.
//!
//! A stream has either any number of frames missing, doubled and swapped, or one altered range. Both at once can look
//! exactly like the truth, and nothing but the encryption of the connection keeps anybody from doing that.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, VecDeque};

use deskbell_engine::{Batch, Effect, Engine, Event, Millis, Phase};
use deskbell_protocol::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// What the desk has: the place of each entity's last change.
struct Desk {
    rows: BTreeMap<i64, i64>,
    head: i64,
}

impl Desk {
    /// Each change in turn touches one of a few entities.
    fn new(touched: &[i64]) -> Self {
        let rows = touched.iter().enumerate().map(|(index, id)| (*id, index as i64 + 1)).collect();
        Self { rows, head: touched.len() as i64 }
    }

    fn changes(&self, from: i64, to: i64) -> Vec<Change> {
        let mut changes: Vec<Change> =
            self.rows.iter().filter(|(_, seq)| **seq > from && **seq <= to).map(|(id, seq)| row(*seq, *id)).collect();
        changes.sort_by_key(|change| change.seq);
        changes
    }

    fn delta(&self, from: i64, to: i64) -> Delta {
        Delta { from: Seq(from), to: Seq(to), changes: self.changes(from, to), more: false }
    }
}

fn row(seq: i64, id: i64) -> Change {
    Change { seq: Seq(seq), kind: ChangeKind::Put, entity: EntityKind::Message, id, data: None, client_id: None }
}

/// The computer, with the plainest of caches.
struct Computer {
    engine: Engine,
    rows: BTreeMap<i64, i64>,
    cursor: Option<Cursor>,
    snapshot: BTreeMap<i64, i64>,
    wants: bool,
    hello: Option<Option<Cursor>>,
    open: bool,
}

impl Computer {
    fn step(&mut self, now: Millis, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.engine.step(now, 7, event) {
                match effect {
                    Effect::Connect => self.wants = true,
                    Effect::Close => self.open = false,
                    Effect::Send(frame) => {
                        if let ClientFrame::Hello(hello) = *frame {
                            self.hello = Some(hello.cursor);
                        }
                    }
                    Effect::Apply(batch) => events.push_front(self.apply(*batch)),
                    _ => {}
                }
            }
        }
    }

    fn apply(&mut self, batch: Batch) -> Event {
        match batch {
            Batch::Delta { epoch, delta, .. } => {
                self.rows.extend(delta.changes.iter().map(|change| (change.id, change.seq.0)));
                self.cursor = Some(Cursor { epoch, seq: delta.to });
            }
            Batch::Snapshot(page) => self.snapshot = page.rows.iter().map(|row| (row.id, row.seq.0)).collect(),
            Batch::SnapshotEnd { epoch, end, .. } => {
                self.rows = std::mem::take(&mut self.snapshot);
                self.cursor = Some(Cursor { epoch, seq: end.base });
            }
            Batch::Reset(_) => {
                self.cursor = None;
                return Event::Reoffered(vec![]);
            }
            Batch::History(_) => {}
        }
        Event::Applied(self.cursor.clone())
    }

    fn hear(&mut self, now: Millis, frame: ServerFrame) {
        if self.open {
            self.step(now, Event::Frame(Box::new(frame)));
        }
    }
}

fn welcome(desk: &Desk, mode: SyncMode) -> ServerFrame {
    ServerFrame::Welcome(Welcome {
        session: "s".into(),
        epoch: "e".into(),
        head: Seq(desk.head),
        server_time: 0,
        heartbeat_ms: 15_000,
        mode,
        agent: None,
        visitor: None,
    })
}

/// What happens to the stream on its way.
#[derive(Clone, Debug)]
enum Mischief {
    Drop(usize),
    Double(usize, usize),
    Swap(usize, usize),
    MoveFrom(usize, i64),
    MoveTo(usize, i64),
}

fn mischiefs() -> impl Strategy<Value = Vec<Mischief>> {
    let at = 0..24_usize;
    let by = prop_oneof![-6..0_i64, 1..7_i64];
    let frames = prop_oneof![
        at.clone().prop_map(Mischief::Drop),
        (at.clone(), at.clone()).prop_map(|(from, to)| Mischief::Double(from, to)),
        (at.clone(), at.clone()).prop_map(|(one, other)| Mischief::Swap(one, other)),
    ];
    let range = prop_oneof![
        (at.clone(), by.clone()).prop_map(|(at, by)| Mischief::MoveFrom(at, by)),
        (at, by).prop_map(|(at, by)| Mischief::MoveTo(at, by)),
    ];
    prop_oneof![prop::collection::vec(frames, 0..8), prop::collection::vec(range, 1)]
}

fn tamper(stream: &mut Vec<Delta>, mischief: &Mischief) {
    let count = stream.len();
    if count == 0 {
        return;
    }
    match *mischief {
        Mischief::Drop(at) => drop(stream.remove(at % count)),
        Mischief::Double(from, to) => {
            let double = stream[from % count].clone();
            stream.insert(to % (count + 1), double);
        }
        Mischief::Swap(one, other) => stream.swap(one % count, other % count),
        Mischief::MoveFrom(at, by) => stream[at % count].from.0 += by,
        Mischief::MoveTo(at, by) => stream[at % count].to.0 += by,
    }
}

fn play(touched: &[i64], cuts: &[usize], mischiefs: &[Mischief]) {
    let desk = Desk::new(touched);
    let mut computer = Computer {
        engine: Engine::new("test", Some(Cursor { epoch: "e".into(), seq: Seq(0) }), []),
        rows: BTreeMap::new(),
        cursor: None,
        snapshot: BTreeMap::new(),
        wants: false,
        hello: None,
        open: false,
    };
    let mut places: Vec<i64> = cuts.iter().map(|cut| (*cut as i64) % (desk.head + 1)).collect();
    places.extend([0, desk.head]);
    places.sort_unstable();
    places.dedup();
    let mut stream: Vec<Delta> = places.windows(2).map(|pair| desk.delta(pair[0], pair[1])).collect();
    for one in mischiefs {
        tamper(&mut stream, one);
    }
    let mut now = 0;
    computer.step(now, Event::Started);
    let mut first = true;
    // The first connection is the bad one; whatever it makes of the stream, a few good ones must put it right.
    for _ in 0..400 {
        if std::mem::take(&mut computer.wants) {
            computer.open = true;
            computer.step(now, Event::Connected);
        }
        if let Some(cursor) = computer.hello.take() {
            let mode = if cursor.is_some() { SyncMode::Delta } else { SyncMode::Snapshot };
            computer.hear(now, welcome(&desk, mode));
            match cursor {
                Some(_) if std::mem::take(&mut first) => {
                    for delta in std::mem::take(&mut stream) {
                        computer.hear(now, ServerFrame::Delta(delta));
                    }
                }
                // The cursor of a log that ends before it is of no use.
                Some(cursor) if cursor.seq.0 > desk.head => {
                    computer.open = false;
                    computer.step(now, Event::Disconnected);
                    computer.step(now, Event::Applied(None));
                }
                Some(cursor) => computer.hear(now, ServerFrame::Delta(desk.delta(cursor.seq.0, desk.head))),
                None => {
                    let (generation, base) = ("g".to_owned(), Seq(desk.head));
                    let rows = desk.changes(0, desk.head);
                    let page = SnapshotPage { generation: generation.clone(), base, rows, next: None };
                    computer.hear(now, ServerFrame::Snap(page));
                    computer.hear(now, ServerFrame::SnapEnd(SnapshotEnd { generation, base }));
                }
            }
        }
        computer.hear(now, ServerFrame::Hb(ServerHeartbeat { time: 0, head: Seq(desk.head) }));
        // A sign of life was heard, so whoever still says "live" must be right.
        if computer.open && computer.engine.phase() == Phase::Live {
            assert_eq!(computer.rows, desk.rows, "live, and wrong");
            return;
        }
        now += 500;
        computer.step(now, Event::Tick);
    }
    panic!("it never comes to rest: {:?}", computer.engine.phase());
}

#[test]
fn dc_01_no_stream_that_was_tampered_with_leads_to_a_wrong_screen() {
    let everything = std::env::var_os("CI").is_some();
    let wanted = std::env::var("DESKBELL_STREAMS").ok().and_then(|text| text.parse().ok());
    let cases = wanted.unwrap_or(if everything { 50_000 } else { 2_000 });
    let touched = prop::collection::vec(0..6_i64, 1..40);
    let cuts = prop::collection::vec(0..40_usize, 0..14);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&(touched, cuts, mischiefs()), |(touched, cuts, mischiefs)| {
            play(&touched, &cuts, &mischiefs);
            Ok(())
        })
        .unwrap();
}
