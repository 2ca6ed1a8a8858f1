//! An open-loop load on a desk that runs in a process of its own, and a checker of what agents hear: thousands of
//! visitors who look, hundreds of messages a second, and everybody cut off at once.

mod desk;
mod ear;
mod floor;
mod prosody;
mod relay;
mod served;
mod side;
mod stage;

use std::time::Duration;

use clap::Args;
use deskbell_protocol::SyncMode;
use futures_util::StreamExt as _;
use futures_util::stream::iter;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use self::desk::{Desk, Return};
use self::ear::Ear;
use self::floor::Floor;
pub(crate) use self::relay::measure as measure_relay;
use self::served::{Kind, Served};
use self::stage::{AT_ONCE, Stage};
use crate::row::{Row, quantile, sorted};

/// How much.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Visitors who look at a page and write nothing.
    #[arg(long, default_value_t = 10_000)]
    onlookers: usize,
    /// Visitors who write.
    #[arg(long, default_value_t = 2_000)]
    writers: usize,
    /// Agents' devices that hear everything.
    #[arg(long, default_value_t = 10)]
    agents: usize,
    /// Messages a second, of all writers together.
    #[arg(long, default_value_t = 500)]
    rate: usize,
    /// Length of the load in seconds; at most ten minutes, for the agents' tokens live fifteen.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Length of a second load, in the middle of which the server is killed.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=120))]
    storm_seconds: u64,
}

/// After so long all must be back.
const BACK_WITHIN: Duration = Duration::from_secs(60);
/// Time in which a server comes to rest before its memory is read.
const SETTLE: Duration = Duration::from_secs(5);

pub(crate) async fn measure(plan: Plan) -> Vec<Row> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    let mut rows = Vec::new();
    let floor = idle_floor(plan.onlookers).await;

    let mut served = Served::start(Kind::Desk, plan.agents);
    let desk = Desk::new(served.told.clone());
    eprintln!("load: {} visitors come", plan.onlookers);
    sleep(SETTLE).await;
    let before = served.memory();
    let mut looking = JoinSet::new();
    let mut coming = iter(0..plan.onlookers).map(|_| desk.onlooker()).buffer_unordered(AT_ONCE);
    while let Some(mut line) = coming.next().await {
        looking.spawn(async move {
            loop {
                line.next().await;
            }
        });
    }
    drop(coming);
    sleep(SETTLE).await;
    #[allow(clippy::cast_precision_loss, reason = "some thousands")]
    let each = (served.memory() - before) / plan.onlookers as f64 / 1024.0;
    rows.push(Row::within("memory of a visitor who only looks", "KiB", each, 20.0));
    rows.push(Row::lower("the same, against the floor", "KiB", &[(each, floor)], 2.0));

    eprintln!("load: {} writers come", plan.writers);
    let mut stage = Stage::set(&desk, plan.writers, plan.agents).await;
    stage.rest(Instant::now() + SETTLE).await;
    eprintln!("load: {} messages a second for {} s", plan.rate, plan.seconds);
    let (messages, time) = (plan.rate * usize::try_from(plan.seconds).unwrap(), Duration::from_secs(plan.seconds));
    let began = served.processor();
    let ears = stage.play(messages, time).await;
    let spent = (served.processor() - began).as_secs_f64();
    rows.extend(checked("load", &ears));
    let late = sorted(ears.iter().flat_map(Ear::late).collect());
    rows.push(Row::within("load: visitor to agent, p50", "ms", quantile(&late, 0.5), 25.0));
    rows.push(Row::within("load: visitor to agent, p99", "ms", quantile(&late, 0.99), 250.0));
    rows.push(Row::told("load: visitor to agent, worst", "ms", quantile(&late, 1.0)));
    #[allow(clippy::cast_precision_loss, reason = "some hundred thousands")]
    rows.push(Row::told("load: the server's processor time for a message", "µs", spent * 1e6 / messages as f64));

    eprintln!("load: the server is killed");
    let time = Duration::from_secs(plan.storm_seconds);
    let messages = plan.rate * usize::try_from(plan.storm_seconds).unwrap();
    desk.take_returns();
    let (ears, ()) = tokio::join!(stage.play(messages, time), async {
        sleep(time / 2).await;
        served.crash();
    });
    rows.extend(checked("storm", &ears));
    let clients = plan.onlookers + plan.writers + plan.agents;
    let cut = Instant::now();
    let mut returns = desk.take_returns();
    while returns.len() < clients && cut.elapsed() < BACK_WITHIN {
        stage.rest(Instant::now() + Duration::from_millis(500)).await;
        returns.extend(desk.take_returns());
    }
    rows.extend(storm(clients, &returns));
    looking.shutdown().await;
    rows
}

/// What an idle connection costs the floor, in KiB.
async fn idle_floor(connections: usize) -> f64 {
    eprintln!("load: the floor's memory");
    let served = Served::start(Kind::Floor, 0);
    let floor = Floor(served.told.address);
    sleep(SETTLE).await;
    let before = served.memory();
    let sockets: Vec<_> = iter(0..connections).map(|_| floor.idle()).buffer_unordered(AT_ONCE).collect().await;
    sleep(SETTLE).await;
    #[allow(clippy::cast_precision_loss, reason = "some thousands")]
    let each = (served.memory() - before) / sockets.len() as f64 / 1024.0;
    each
}

/// That nothing is lost, doubled or out of order, of what every agent heard.
fn checked(name: &str, ears: &[Ear]) -> Vec<Row> {
    let none = |what: &str, count: fn(&Ear) -> usize| {
        #[allow(clippy::cast_precision_loss, reason = "a small number, or a very bad one")]
        let all = ears.iter().map(count).sum::<usize>() as f64;
        Row::within(&format!("{name}: {what}"), "", all, 0.0)
    };
    vec![
        none("messages lost", |ear| ear.left),
        none("messages doubled", |ear| ear.doubled),
        none("messages out of order", |ear| ear.disordered),
    ]
}

/// How all came back who were cut off at once.
fn storm(clients: usize, returns: &[Return]) -> Vec<Row> {
    let millis = |of: fn(&Return) -> Duration| sorted(returns.iter().map(|it| of(it).as_secs_f64() * 1000.0).collect());
    let (took, handshakes, pauses) = (millis(|it| it.took), millis(|it| it.handshake), millis(|it| it.pause));
    let modes = returns.iter().filter_map(|it| it.mode);
    let (by_delta, all) =
        modes.fold((0_u32, 0_u32), |(delta, all), mode| (delta + u32::from(mode == SyncMode::Delta), all + 1));
    #[allow(clippy::cast_precision_loss, reason = "some thousands")]
    let missing = clients.saturating_sub(returns.len()) as f64;
    vec![
        Row::within("storm: clients that did not come back", "", missing, 0.0),
        Row::within("storm: the last one is back after", "ms", quantile(&took, 1.0), 60_000.0),
        Row::within("storm: handshake, p99", "ms", quantile(&handshakes, 0.99), 3_000.0),
        Row::at_least("storm: share that goes on by a delta", "", f64::from(by_delta) / f64::from(all.max(1)), 0.95),
        Row::at_least("storm: shortest pause before the first try", "ms", quantile(&pauses, 0.0), 100.0),
    ]
}
