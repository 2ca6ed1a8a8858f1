//! How long a visitor's message takes to the agent's socket, at 100 messages a second.

use std::time::Duration;

use deskbell_protocol::http::{SignIn, SignedIn};
use deskbell_protocol::{
    ChangeKind, ClientFrame, Command, Cursor, Entity, Hello, Message as ChatMessage, MessageKind, PROTOCOL, SUBPROTOCOL,
    ServerFrame, SnapshotNext,
};
use deskbell_testkit::{ANN, TestDesk, Visitor};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

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

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

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
    let mut agent = sign_in(&desk).await;
    let began = Instant::now() + Duration::from_millis(500);
    let mut writing = JoinSet::new();
    for (index, mut visitor) in visitors.into_iter().enumerate() {
        writing.spawn(async move {
            for number in (index..MESSAGES).step_by(VISITORS) {
                sleep_until(due(began, number)).await;
                let (kind, attachments) = (MessageKind::Reply, Vec::new());
                let command = Command::Send { conversation: visitor.conversation, kind, text: text(number), attachments };
                let client_id = visitor.command(command).await;
                visitor.answer(&client_id).await.expect("the server takes every message");
            }
            visitor
        });
    }
    let latencies = collect(began, &mut agent, |frame| {
        let Ok(ServerFrame::Delta(delta)) = ServerFrame::parse(frame) else { return Vec::new() };
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

/// An agent's socket that has everything up to now.
async fn sign_in(desk: &TestDesk) -> Socket {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let body = SignIn { email: ANN.email.to_owned(), password: ANN.password.to_owned(), device: "bench".to_owned() };
    let answer = reqwest::Client::new().post(format!("{}/v1/session", desk.address())).json(&body).send().await.unwrap();
    let signed_in: SignedIn = answer.error_for_status().unwrap().json().await.unwrap();
    let mut request = format!("{}/v1/socket", desk.address().replacen("http", "ws", 1)).into_client_request().unwrap();
    let bearer = format!("Bearer {}", signed_in.access_token);
    request.headers_mut().insert("authorization", bearer.parse().unwrap());
    request.headers_mut().insert("sec-websocket-protocol", SUBPROTOCOL.parse().unwrap());
    let (mut socket, _) = connect_async(request).await.unwrap();
    let hello = Hello { protocol: PROTOCOL, app: "bench".to_owned(), cursor: None::<Cursor>, visitor: None };
    say(&mut socket, &ClientFrame::Hello(hello)).await;
    loop {
        let Some(Ok(Message::Text(text))) = socket.next().await else { panic!("the agent's connection ended") };
        match ServerFrame::parse(&text) {
            Ok(ServerFrame::Snap(page)) => {
                if let Some(token) = page.next {
                    say(&mut socket, &ClientFrame::SnapNext(SnapshotNext { generation: page.generation, token })).await;
                }
            }
            Ok(ServerFrame::SnapEnd(_)) => return socket,
            _ => {}
        }
    }
}

async fn say(socket: &mut Socket, frame: &ClientFrame) {
    socket.send(Message::text(frame.to_text())).await.unwrap();
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
    let latencies = collect(began, &mut agent, |text| number(text).into_iter().collect()).await;
    writing.join_all().await;
    latencies
}

/// Waits until every message was seen once, and says how late each was.
async fn collect(began: Instant, agent: &mut Socket, read: impl Fn(&str) -> Vec<usize>) -> Latencies {
    let mut latencies = vec![None; MESSAGES];
    let mut left = MESSAGES;
    while left > 0 {
        let frame = timeout(Duration::from_secs(30), agent.next()).await.expect("a message is lost");
        let Some(Ok(Message::Text(text))) = frame else { continue };
        let now = Instant::now();
        for number in read(&text) {
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
