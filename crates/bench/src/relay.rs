//! How long a visitor's message takes to the agent's socket, at 100 messages a second.

use std::time::Duration;

use deskbell_protocol::{ChangeKind, Command, Entity, Message as ChatMessage, MessageKind, ServerFrame};
use deskbell_testkit::{ANN, AgentSocket, PATIENCE, TestDesk, Visitor};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::floor;
use crate::row::{Row, quantile};

/// People who write. Each stays within what the server lets one visitor send.
const VISITORS: usize = 200;
/// Messages of one run, a hundred a second.
const MESSAGES: usize = 1000;
const EVERY: Duration = Duration::from_millis(10);
/// Pairs of runs, ours and the baseline's in turn.
const PAIRS: usize = 3;
/// About the mean length of a chat message.
const TEXT_BYTES: usize = 125;

/// Latencies of one run in milliseconds, sorted.
struct Latencies(Vec<f64>);

pub(crate) async fn measure() -> Vec<Row> {
    let mut pairs = Vec::new();
    for pair in 1..=PAIRS {
        eprintln!("relay: pair {pair} of {PAIRS}");
        let ours = ours().await;
        let baseline = baseline().await;
        pairs.push((ours, baseline));
    }
    let at = |share: f64| -> Vec<(f64, f64)> {
        pairs.iter().map(|(ours, baseline)| (quantile(&ours.0, share), quantile(&baseline.0, share))).collect()
    };
    vec![
        Row::lower("visitor to agent, 100/s, p50", "ms", &at(0.5), 1.5),
        Row::lower("visitor to agent, 100/s, p99", "ms", &at(0.99), 2.0),
    ]
}

/// The text of a message: its number, filled up to the length.
fn text(number: usize) -> String {
    format!("{number} {}", "x".repeat(TEXT_BYTES))[..TEXT_BYTES].to_owned()
}

fn number(text: &str) -> Option<usize> {
    text.split(' ').next()?.parse().ok()
}

/// When a message is due. Latencies count from here, so that a late sender hides nothing.
fn due(began: Instant, number: usize) -> Instant {
    began + EVERY * u32::try_from(number).unwrap()
}

async fn ours() -> Latencies {
    let desk = TestDesk::start().await;
    let mut visitors = Vec::with_capacity(VISITORS);
    for number in 0..VISITORS {
        visitors.push(Visitor::arrive(&desk, &format!("visitor {number}")).await);
    }
    let mut agent = AgentSocket::connect(&desk, &ANN).await;
    let began = Instant::now() + Duration::from_millis(500);
    let mut writing = JoinSet::new();
    for (index, mut visitor) in visitors.into_iter().enumerate() {
        writing.spawn(async move {
            for number in (index..MESSAGES).step_by(VISITORS) {
                sleep_until(due(began, number)).await;
                let (kind, attachments) = (MessageKind::Reply, Vec::new());
                let command =
                    Command::Send { conversation: visitor.conversation, kind, text: text(number), attachments };
                let client_id = visitor.command(command).await;
                visitor.answer(&client_id).await.expect("the server takes every message");
            }
            visitor
        });
    }
    let latencies = collect(began, async || {
        let ServerFrame::Delta(delta) = agent.next().await else { return Vec::new() };
        let messages = delta.changes.into_iter().filter(|change| change.kind == ChangeKind::Put);
        messages
            .filter_map(|change| match Entity::decode(change.entity, change.data?) {
                Ok(Some(Entity::Message(ChatMessage { text, .. }))) => number(&text),
                _ => None,
            })
            .collect()
    })
    .await;
    writing.join_all().await;
    latencies
}

async fn baseline() -> Latencies {
    let directory = tempfile::tempdir().unwrap();
    let floor = floor::start(directory.path()).await;
    let connect = async |path: &str| connect_async(format!("ws://{}/{path}", floor.address)).await.unwrap().0;
    let mut agent = connect("agent").await;
    let ready = agent.next().await.unwrap().unwrap();
    assert_eq!(ready.to_text().unwrap(), "ready");
    let mut visitors = Vec::with_capacity(VISITORS);
    for _ in 0..VISITORS {
        visitors.push(connect("visitor").await);
    }
    let began = Instant::now() + Duration::from_millis(500);
    let mut writing = JoinSet::new();
    for (index, mut visitor) in visitors.into_iter().enumerate() {
        writing.spawn(async move {
            for number in (index..MESSAGES).step_by(VISITORS) {
                sleep_until(due(began, number)).await;
                visitor.send(Message::text(text(number))).await.unwrap();
                visitor.next().await.unwrap().unwrap();
            }
            visitor
        });
    }
    let latencies = collect(began, async || {
        let frame = timeout(PATIENCE, agent.next()).await.expect("a message is lost").unwrap().unwrap();
        frame.to_text().ok().and_then(number).into_iter().collect()
    })
    .await;
    writing.join_all().await;
    latencies
}

/// Waits until every message was seen once, and says how late each was. `next` gives the numbers of the messages
/// that came in one frame.
async fn collect(began: Instant, mut next: impl AsyncFnMut() -> Vec<usize>) -> Latencies {
    let mut latencies = vec![None; MESSAGES];
    let mut left = MESSAGES;
    while left > 0 {
        let numbers = next().await;
        let now = Instant::now();
        for number in numbers {
            let late = now.saturating_duration_since(due(began, number)).as_secs_f64() * 1000.0;
            if latencies[number].replace(late).is_none() {
                left -= 1;
            }
        }
    }
    let mut sorted: Vec<f64> = latencies.into_iter().flatten().collect();
    sorted.sort_by(f64::total_cmp);
    Latencies(sorted)
}
