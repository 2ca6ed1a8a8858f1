//! Messages from visitors to agents, against a floor of equal durability.

use std::time::Duration;

use tokio::time::Instant;

use super::desk::Desk;
use super::ear::Ear;
use super::floor::Floor;
use super::prosody::Prosody;
use super::served::{Kind, Served};
use super::side::Side;
use super::stage::Stage;
use crate::row::{Row, quantile, sorted};

/// Pairs of runs, ours and the baseline's in turn.
const PAIRS: usize = 3;
/// People who write in the first measurement: so many that each stays within what the desk lets one visitor send.
const WRITERS: usize = 2_000;
const AGENTS: usize = 10;
/// Messages of the first measurement, 500 a second.
const MESSAGES: usize = 10_000;
const TIME: Duration = Duration::from_secs(20);
/// Agents of the fan-out, and what they hear: 20 messages a second.
const MANY: usize = 200;
const FEW_WRITERS: usize = 100;
const FEW: usize = 300;
const FEW_TIME: Duration = Duration::from_secs(15);
/// People who write as fast as they can, and how often; the desk lets a visitor send eight at once.
const EAGER: usize = 2_000;
const BURST: usize = 6;
/// The floor has no such limit, and would be done before it has begun.
const FLOOR_BURST: usize = 60;
/// What came with the people is done by then.
const SETTLE: Duration = Duration::from_secs(2);

/// One side of a pair.
struct Run {
    p50: f64,
    p99: f64,
    /// Until the last of all agents had a message, p99, in milliseconds.
    last: f64,
    /// The server's processor time for bringing one message to one agent, in microseconds.
    delivery: f64,
    /// Durable messages a second.
    rate: f64,
}

/// What a ready-made server does.
struct Peer {
    p50: f64,
    p99: f64,
    rate: f64,
}

pub(crate) async fn measure() -> Vec<Row> {
    let mut pairs = Vec::new();
    let mut peers = Vec::new();
    for pair in 1..=PAIRS {
        eprintln!("relay: pair {pair} of {PAIRS}");
        pairs.push((run(Kind::Desk, BURST).await, run(Kind::Floor, FLOOR_BURST).await));
        peers.extend(peer().await);
    }
    let of = |value: fn(&Run) -> f64| -> Vec<(f64, f64)> {
        pairs.iter().map(|(ours, floor)| (value(ours), value(floor))).collect()
    };
    let mut rows = vec![
        Row::lower("visitor to agent, 500/s to ten agents, p50", "ms", &of(|run| run.p50), 1.5),
        Row::lower("visitor to agent, 500/s to ten agents, p99", "ms", &of(|run| run.p99), 2.0),
        Row::lower("fan-out to 200, the last one, p99", "ms", &of(|run| run.last), 2.0),
        Row::lower("fan-out to 200, processor time of a delivery", "µs", &of(|run| run.delivery), 1.5),
        Row::higher("durable messages a second", "1/s", &of(|run| run.rate), 0.25),
    ];
    if peers.is_empty() {
        eprintln!("relay: Prosody is not installed, and nothing is compared with it");
        return rows;
    }
    let against = |ours: fn(&Run) -> f64, theirs: fn(&Peer) -> f64| -> Vec<(f64, f64)> {
        pairs.iter().zip(&peers).map(|((run, _), peer)| (ours(run), theirs(peer))).collect()
    };
    rows.extend([
        Row::lower("the same against Prosody, 500/s, p50", "ms", &against(|run| run.p50, |peer| peer.p50), 1.0),
        Row::lower("the same against Prosody, 500/s, p99", "ms", &against(|run| run.p99, |peer| peer.p99), 1.0),
        Row::higher("messages a second against Prosody", "1/s", &against(|run| run.rate, |peer| peer.rate), 10.0),
    ]);
    rows
}

/// Prosody has no limit for one writer, and a message goes to one account alone: it has a tenth of the deliveries.
async fn peer() -> Option<Peer> {
    let prosody = Prosody::start().await?;
    let mut stage = Stage::set(&prosody.side(), FEW_WRITERS, 1).await;
    let rate = stage.burst(FLOOR_BURST).await;
    drop(stage);
    let mut stage = Stage::set(&prosody.side(), FEW_WRITERS, 1).await;
    stage.rest(Instant::now() + SETTLE).await;
    let late = sorted(stage.play(MESSAGES, TIME).await.iter().flat_map(all_heard).collect());
    Some(Peer { p50: quantile(&late, 0.5), p99: quantile(&late, 0.99), rate })
}

async fn run(kind: Kind, burst: usize) -> Run {
    match kind {
        Kind::Desk => on(kind, |served| Desk::new(served.told.clone()), burst).await,
        Kind::Floor => on(kind, |served| Floor(served.told.address), burst).await,
    }
}

/// Each time at a new server: chats that nobody answers any more would ring on.
async fn on<S: Side>(kind: Kind, side: impl Fn(&Served) -> S, burst: usize) -> Run {
    let served = Served::start(kind, 1);
    let mut stage = Stage::set(&side(&served), EAGER, 1).await;
    stage.rest(Instant::now() + SETTLE).await;
    let rate = stage.burst(burst).await;
    drop((stage, served));

    let served = Served::start(kind, AGENTS);
    let mut stage = Stage::set(&side(&served), WRITERS, AGENTS).await;
    stage.rest(Instant::now() + SETTLE).await;
    let late = sorted(stage.play(MESSAGES, TIME).await.iter().flat_map(all_heard).collect());
    drop((stage, served));

    let served = Served::start(kind, MANY);
    let mut stage = Stage::set(&side(&served), FEW_WRITERS, MANY).await;
    stage.rest(Instant::now() + SETTLE).await;
    let began = served.processor();
    let ears = stage.play(FEW, FEW_TIME).await;
    #[allow(clippy::cast_precision_loss, reason = "some ten thousands")]
    let delivery = (served.processor() - began).as_secs_f64() * 1e6 / (FEW * MANY) as f64;
    let mut last = vec![0.0_f64; FEW];
    for ear in &ears {
        last.iter_mut().zip(all_heard(ear)).for_each(|(last, late)| *last = last.max(late));
    }
    Run { p50: quantile(&late, 0.5), p99: quantile(&late, 0.99), last: quantile(&sorted(last), 0.99), delivery, rate }
}

/// What an agent heard, who must have heard all.
fn all_heard(ear: &Ear) -> impl Iterator<Item = f64> {
    assert_eq!((ear.left, ear.doubled, ear.disordered), (0, 0, 0), "lost, doubled, out of order");
    ear.late()
}
