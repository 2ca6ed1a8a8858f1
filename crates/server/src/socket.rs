//! One WebSocket: frames in, frames out, signs of life, and a bounded queue towards a slow reader.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use deskbell_protocol::{
    Bye, ByeCode, ClientFrame, ClientId, Delta, Ephemeral, ErrorCode, FrameError, Hello, Nack, PROTOCOL, Seq,
    ServerFrame, ServerHeartbeat,
};
use futures_util::stream::{FuturesUnordered, SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use tokio::sync::{Notify, SetOnce};
use tokio::time::{Sleep, sleep_until, timeout};

use crate::hub::News;
use crate::limits::Bucket;
use crate::metrics::Metrics;

/// Heartbeats come this often, both ways.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);
/// Without any frame for this long the other side is dead.
const DEAD: Duration = Duration::from_secs(35);
/// `hello` has to come within this time.
const HELLO: Duration = Duration::from_secs(10);
/// Frames that may wait for a slow reader.
const QUEUE_FRAMES: usize = 256;
/// Bytes that may wait for a slow reader.
const QUEUE_BYTES: usize = 256 * 1024;
/// Below this there is room for a page of a delta.
const ROOM_BYTES: usize = 64 * 1024;
/// A reader that takes nothing for this long is too slow.
const SLOW: Duration = Duration::from_secs(20);
/// Time for the last frames, and as much again for the other side to take them.
const FAREWELL: Duration = Duration::from_secs(2);
/// Longest life of a sign that somebody is typing, in milliseconds.
pub(crate) const TYPING_TTL_MAX_MS: u32 = 10_000;
/// Answers that are being made at the same time for one socket; more are not read from it.
const PENDING: usize = 64;

/// Why a session ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// The other side is gone.
    Closed,
    /// The server says why.
    Bye(ByeCode),
    /// The queue towards the client is full.
    Slow,
}

/// The queue towards the client was full.
#[derive(Debug)]
pub(crate) struct QueueFull;

impl From<QueueFull> for End {
    fn from(QueueFull: QueueFull) -> Self {
        Self::Slow
    }
}

/// Frames towards the client. The session fills the queue and [`send_all`] empties it, both in one task and in this
/// order, so that nobody has to be woken for what the session has just put there.
pub(crate) struct Outgoing {
    queue: Mutex<VecDeque<Utf8Bytes>>,
    /// Bytes that wait, or are on their way into the network.
    bytes: AtomicUsize,
    room: Notify,
    /// The sink is of no use any more.
    dead: SetOnce<()>,
    /// The session has ended, and nothing is added to what waits.
    ended: AtomicBool,
    /// What waits is not worth sending any more.
    abandoned: AtomicBool,
    /// The reader is too slow, and should be told.
    slow: AtomicBool,
    metrics: Arc<Metrics>,
}

impl Outgoing {
    /// Queues a frame.
    pub(crate) fn send(&self, frame: &ServerFrame) -> Result<(), QueueFull> {
        if let ServerFrame::Delta(_) = frame {
            self.metrics.deltas.inc();
        }
        self.queue(frame.to_text().into())
    }

    /// Queues the delta of one commit. What several are told alike is written once.
    pub(crate) fn send_delta(&self, news: &News, delta: Delta) -> Result<(), QueueFull> {
        let whole = news.committed.is_whole(&delta);
        let frame = ServerFrame::Delta(delta);
        if !whole {
            return self.send(&frame);
        }
        self.metrics.deltas.inc();
        self.queue(news.text.get_or_init(|| frame.to_text().into()).clone())
    }

    fn queue(&self, text: Utf8Bytes) -> Result<(), QueueFull> {
        let length = text.len();
        debug_assert!(length <= deskbell_protocol::FRAME_BYTES_MAX, "a frame of {length} bytes");
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.len() == QUEUE_FRAMES || self.bytes.load(Ordering::Acquire) + length > QUEUE_BYTES {
            return Err(QueueFull);
        }
        self.bytes.fetch_add(length, Ordering::AcqRel);
        queue.push_back(text);
        Ok(())
    }

    fn take(&self) -> Option<Utf8Bytes> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// What goes next; `None` when the session has ended and all is sent. Polled after the session whenever that was
    /// polled, as [`run`] does it.
    async fn next(&self) -> Option<Utf8Bytes> {
        poll_fn(|_| match self.take() {
            Some(text) => Poll::Ready(Some(text)),
            None if self.ended.load(Ordering::Acquire) => Poll::Ready(None),
            None => Poll::Pending,
        })
        .await
    }

    /// Done when what waits is not worth sending any more. Polled as [`Outgoing::next`] is.
    async fn abandoned(&self) {
        poll_fn(|_| if self.abandoned.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// Queues a frame that may be dropped when there is no room.
    pub(crate) fn offer(&self, ephemeral: &Ephemeral) {
        if self.has_room() {
            let _ = self.send(&ServerFrame::Eph(ephemeral.clone()));
        }
    }

    /// Whether a page of a delta fits.
    pub(crate) fn has_room(&self) -> bool {
        let waiting = self.queue.lock().unwrap_or_else(PoisonError::into_inner).len();
        self.bytes.load(Ordering::Acquire) <= ROOM_BYTES && waiting < QUEUE_FRAMES / 2
    }

    /// Waits until a page of a delta fits.
    pub(crate) async fn room(&self) {
        while !self.has_room() {
            self.room.notified().await;
        }
    }

    /// Done when nothing can be sent any more.
    pub(crate) async fn dead(&self) {
        self.dead.wait().await;
    }
}

/// What came from the client.
pub(crate) enum Received {
    Frame(Box<ClientFrame>),
    /// A command that cannot be read; its name can.
    Unreadable(ClientId, String),
    End(End),
}

/// Frames from the client.
pub(crate) struct Incoming {
    /// Shared with [`run`], which takes what still comes when the session has ended.
    stream: Arc<tokio::sync::Mutex<SplitStream<WebSocket>>>,
    heard: tokio::time::Instant,
    /// Ends when nothing was heard for too long, or before: it is set anew when it ends, not with each frame.
    silence: Pin<Box<Sleep>>,
    rate: Bucket,
    metrics: Arc<Metrics>,
}

/// Enough of a malformed command to answer it: an unanswered one would wait in its outbox for ever.
#[derive(Deserialize)]
struct NamedCommand {
    #[serde(rename = "type")]
    tag: String,
    client_id: ClientId,
}

/// Reads a frame. `None`: it means nothing, and is skipped.
pub(crate) fn read(text: &str) -> Option<Received> {
    match ClientFrame::parse(text) {
        Ok(frame) => return Some(Received::Frame(Box::new(frame))),
        Err(FrameError::UnknownType(tag)) => {
            tracing::debug!(length = tag.len(), "a frame of an unknown type was skipped");
        }
        Err(FrameError::Malformed(error)) => {
            if let Ok(command) = serde_json::from_str::<NamedCommand>(text)
                && command.tag == "cmd"
            {
                return Some(Received::Unreadable(command.client_id, error.to_string()));
            }
            tracing::debug!("a malformed frame was skipped");
        }
    }
    None
}

impl Incoming {
    /// The next frame that means something. Losing the future loses nothing.
    pub(crate) async fn next(&mut self) -> Received {
        loop {
            let coming = async { self.stream.lock().await.next().await };
            let message = tokio::select! {
                biased;
                message = coming => match message {
                    Some(Ok(message)) => message,
                    Some(Err(error)) => {
                        tracing::debug!(%error, "the socket failed");
                        return Received::End(End::Closed);
                    }
                    None => return Received::End(End::Closed),
                },
                () = self.silence.as_mut() => {
                    let dead = self.heard + DEAD;
                    if tokio::time::Instant::now() >= dead {
                        return Received::End(End::Closed);
                    }
                    self.silence.as_mut().reset(dead);
                    continue;
                }
            };
            self.heard = tokio::time::Instant::now();
            if self.rate.take(Instant::now()).is_err() {
                return Received::End(End::Bye(ByeCode::Policy));
            }
            let text = match message {
                Message::Text(text) => text,
                Message::Close(_) => return Received::End(End::Closed),
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => continue,
            };
            self.metrics.received_bytes.inc_by(text.len() as u64);
            if let Some(received) = read(&text) {
                return received;
            }
        }
    }

    /// The first frame, which has to be `hello` of this protocol's version.
    pub(crate) async fn hello(&mut self) -> Result<Hello, End> {
        match timeout(HELLO, self.next()).await {
            Ok(Received::Frame(frame)) => match *frame {
                ClientFrame::Hello(hello) if hello.protocol == PROTOCOL => Ok(hello),
                ClientFrame::Hello(_) => Err(End::Bye(ByeCode::Version)),
                _ => Err(End::Bye(ByeCode::Policy)),
            },
            Ok(Received::End(end)) => Err(end),
            Ok(Received::Unreadable(..)) | Err(_) => Err(End::Bye(ByeCode::Policy)),
        }
    }
}

/// The refusal of a command that cannot be read.
pub(crate) fn unreadable(client_id: ClientId, reason: &str) -> ServerFrame {
    ServerFrame::Nack(Nack {
        client_id,
        code: ErrorCode::Invalid,
        // The reason repeats words of the client, which may be long.
        message: format!("The command cannot be read: {}.", crate::text::cut(reason, 300)),
        retry_after_ms: None,
        field: None,
        current: None,
    })
}

/// A sign of life.
pub(crate) fn heartbeat(head: Seq) -> ServerFrame {
    ServerFrame::Hb(ServerHeartbeat { time: crate::clock(), head })
}

/// Answers in the making, bounded in number.
pub(crate) struct Answers {
    making: FuturesUnordered<futures_util::future::BoxFuture<'static, Result<ServerFrame, End>>>,
}

impl Answers {
    pub(crate) fn new() -> Self {
        Self { making: FuturesUnordered::new() }
    }

    pub(crate) fn push(&self, answer: impl Future<Output = Result<ServerFrame, End>> + Send + 'static) {
        self.making.push(Box::pin(answer));
    }

    /// Whether another frame may be read.
    pub(crate) fn have_room(&self) -> bool {
        self.making.len() < PENDING
    }

    /// The next answer that is ready; never, when none is in the making.
    pub(crate) async fn next(&mut self) -> Result<ServerFrame, End> {
        match self.making.next().await {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

/// Runs a session over a socket until either ends. `frames_per_second` limits what the client may send.
pub(crate) async fn run<S, F>(
    socket: WebSocket,
    metrics: &Arc<Metrics>,
    (burst, frames_per_second): (u32, u32),
    session: S,
) where
    S: FnOnce(Incoming, Arc<Outgoing>) -> F,
    F: Future<Output = End>,
{
    let (sink, stream) = socket.split();
    let outgoing = Arc::new(Outgoing {
        queue: Mutex::default(),
        bytes: AtomicUsize::new(0),
        room: Notify::new(),
        dead: SetOnce::new(),
        ended: AtomicBool::new(false),
        abandoned: AtomicBool::new(false),
        slow: AtomicBool::new(false),
        metrics: Arc::clone(metrics),
    });
    let refill = Duration::from_secs(1) / frames_per_second.max(1);
    let stream = Arc::new(tokio::sync::Mutex::new(stream));
    let now = tokio::time::Instant::now();
    let incoming = Incoming {
        stream: Arc::clone(&stream),
        heard: now,
        silence: Box::pin(sleep_until(now + DEAD)),
        rate: Bucket::new(burst, refill, Instant::now()),
        metrics: Arc::clone(metrics),
    };
    // Both run in this one task, the session first: it decides, the other only sends. Written where they are waited for,
    // as a future that is moved keeps its room in the task twice.
    let (end, ()) = tokio::join!(
        biased;
        async {
            let end = session(incoming, Arc::clone(&outgoing)).await;
            match end {
                End::Closed => outgoing.abandoned.store(true, Ordering::Release),
                End::Slow => {
                    outgoing.slow.store(true, Ordering::Release);
                    outgoing.abandoned.store(true, Ordering::Release);
                }
                End::Bye(code) => {
                    // When even this does not fit, the client learns it from the closed socket.
                    let _ = outgoing.send(&bye(code));
                }
            }
            outgoing.ended.store(true, Ordering::Release);
            end
        },
        send_all(sink, &outgoing)
    );
    tracing::debug!(?end, "a session ended");
    match end {
        // A server that stops waits for nobody.
        End::Closed | End::Bye(ByeCode::Drain) => {}
        End::Slow | End::Bye(_) => {
            let _ = timeout(FAREWELL, take_the_rest(&stream)).await;
        }
    }
}

/// Takes what the other side still sends, until it closes. A socket that is closed while something stands unread is
/// reset, and what was said last, the reason of all things, is lost on its way.
async fn take_the_rest(stream: &tokio::sync::Mutex<SplitStream<WebSocket>>) {
    while let Some(Ok(_)) = stream.lock().await.next().await {}
}

/// Clients that are told to go come back spread over some seconds.
pub(crate) fn bye(code: ByeCode) -> ServerFrame {
    let retry_after_ms = match code {
        ByeCode::Drain | ByeCode::Slow => rand::random_range(500..5_000),
        ByeCode::Auth
        | ByeCode::Revoked
        | ByeCode::Policy
        | ByeCode::Version
        | ByeCode::Origin
        | ByeCode::Blocked
        | ByeCode::Identity => rand::random_range(30_000..60_000),
    };
    ServerFrame::Bye(Bye { code, retry_after_ms })
}

/// Short frames that wait go to the network together, up to about this many bytes.
const TOGETHER_BYTES: usize = 16 * 1024;

async fn send_all(mut sink: SplitSink<WebSocket, Message>, outgoing: &Outgoing) {
    loop {
        let text = tokio::select! {
            biased;
            () = outgoing.abandoned() => break,
            text = outgoing.next() => match text {
                Some(text) => text,
                None => break,
            },
        };
        let mut bytes = 0;
        let sending = async {
            let mut next = Some(text);
            while let Some(text) = next {
                bytes += text.len();
                sink.feed(Message::Text(text)).await?;
                next = if bytes < TOGETHER_BYTES { outgoing.take() } else { None };
            }
            sink.flush().await
        };
        let sent = tokio::select! {
            biased;
            () = outgoing.abandoned() => break,
            sent = timeout(SLOW, sending) => sent,
        };
        outgoing.bytes.fetch_sub(bytes, Ordering::AcqRel);
        outgoing.room.notify_one();
        match sent {
            Ok(Ok(())) => {
                outgoing.metrics.sent_bytes.inc_by(bytes as u64);
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "the socket took no more");
                let _ = outgoing.dead.set(());
                return;
            }
            Err(_) => {
                outgoing.slow.store(true, Ordering::Release);
                break;
            }
        }
    }
    let _ = outgoing.dead.set(());
    let farewell = async {
        if outgoing.slow.load(Ordering::Acquire) {
            let _ = sink.send(Message::Text(bye(ByeCode::Slow).to_text().into())).await;
        }
        let _ = sink.close().await;
    };
    if timeout(FAREWELL, farewell).await.is_err() {
        tracing::debug!("a socket did not close in time");
    }
}
