//! A connection made of requests: asks for frames again and again, and sends what is to be sent.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use deskbell_protocol::http::{PULL_HISTORY_MAX, PULL_WAIT_MAX_MS, PUSH_FRAMES_MAX, Pull, SnapshotAt};
use deskbell_protocol::{
    Bye, ByeCode, ClientFrame, Cursor, Ephemeral, Epoch, FRAME_BYTES_MAX, Hello, HistoryRequest, Seq, ServerFrame,
    SyncMode,
};
use tokio::time::Instant;

use crate::error::ClientError;
use crate::http::{Authorised, FrameAnswer};
use crate::transport::{read, ready};

/// An answer without news comes no sooner than this after the one before: something on the way may not let the desk
/// wait.
const LEAST: Duration = Duration::from_millis(500);
/// After an answer that told who is there, it is not asked for again before this time.
const PRESENCE: Duration = Duration::from_secs(5);
/// The change of a command that is done has to come within this time, or it is asked for.
const CHANGE: Duration = Duration::from_millis(300);

type Asking = Pin<Box<dyn Future<Output = Result<FrameAnswer, ClientError>> + Send>>;

/// What a socket has to know to go on where requests stand.
pub(crate) struct Handover {
    pub(crate) hello: Hello,
    pub(crate) epoch: Epoch,
}

/// See the module.
pub(crate) struct Pulling {
    http: Arc<Authorised>,
    app: String,
    protocol: u32,
    /// The greeting, until it is answered.
    hello: Option<Hello>,
    epoch: Epoch,
    /// Where what was handed up has ended.
    cursor: Option<Cursor>,
    /// A snapshot is on its way: its name and base, and the page that was asked for.
    snapshot: Option<(String, Seq)>,
    page: Option<SnapshotAt>,
    /// Asked for, and not answered.
    history: Vec<HistoryRequest>,
    presence: String,
    presence_at: Option<Instant>,
    asking: Option<Asking>,
    /// The next answer must not wait for news.
    hurried: bool,
    not_before: Option<Instant>,
    /// A command's change should have come up to here by then.
    expected: Option<(Seq, Instant)>,
    sending: Option<Asking>,
    to_send: VecDeque<ClientFrame>,
    /// Frames that go out with the request under way.
    under_way: usize,
    ready: VecDeque<ServerFrame>,
    paused: bool,
}

impl Pulling {
    pub(crate) fn new(http: Arc<Authorised>) -> Self {
        Self {
            http,
            app: String::new(),
            protocol: deskbell_protocol::PROTOCOL,
            hello: None,
            epoch: Epoch::default(),
            cursor: None,
            snapshot: None,
            page: None,
            history: Vec::new(),
            presence: String::new(),
            presence_at: None,
            asking: None,
            hurried: false,
            not_before: None,
            expected: None,
            sending: None,
            to_send: VecDeque::new(),
            under_way: 0,
            ready: VecDeque::new(),
            paused: false,
        }
    }

    /// Takes a frame that is to be sent.
    pub(crate) fn send(&mut self, frame: &ClientFrame) {
        match frame {
            ClientFrame::Hello(hello) => {
                self.app.clone_from(&hello.app);
                self.protocol = hello.protocol;
                self.cursor.clone_from(&hello.cursor);
                self.hello = Some(hello.clone());
            }
            ClientFrame::SnapNext(next) => {
                if let Some((generation, base)) = self.snapshot.clone().filter(|(name, _)| *name == next.generation) {
                    let (epoch, token) = (self.epoch.clone(), next.token.clone());
                    self.page = Some(SnapshotAt { epoch, generation, base, token });
                }
            }
            ClientFrame::Hist(request) => {
                self.history.push(request.clone());
                self.interrupt();
            }
            ClientFrame::Cmd(_) | ClientFrame::RingAck(_) | ClientFrame::Eph(Ephemeral::Typing { .. }) => {
                self.to_send.push_back(frame.clone())
            }
            // Every request is a sign of life, and tells how far the client is.
            ClientFrame::Eph(_) | ClientFrame::Seen(_) | ClientFrame::Hb(_) => {}
        }
    }

    /// Asks anew, without waiting for news. What the request under way would have brought comes with the next.
    pub(crate) fn interrupt(&mut self) {
        if self.hello.is_none() {
            self.asking = None;
            self.not_before = None;
            self.hurried = true;
        }
    }

    /// The next frame. `None`: the connection is gone. Losing the future loses nothing.
    pub(crate) async fn next(&mut self) -> Option<ServerFrame> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                self.follow(&frame);
                return Some(frame);
            }
            self.ask();
            self.start_sending();
            let late = self.expected.map(|(_, at)| at);
            tokio::select! {
                answer = ready(&mut self.asking) => {
                    self.asking = None;
                    self.answered(answer)?;
                }
                answer = ready(&mut self.sending) => {
                    self.sending = None;
                    self.sent(answer)?;
                }
                () = until(late) => {
                    let behind = |(seq, _): (Seq, Instant)| self.cursor.as_ref().is_some_and(|at| at.seq < seq);
                    let interrupts = self.expected.take().is_some_and(behind);
                    if interrupts {
                        self.interrupt();
                    }
                }
            }
        }
    }

    /// Sends what is left.
    pub(crate) async fn flush(&mut self) {
        loop {
            self.start_sending();
            if self.sending.is_none() {
                return;
            }
            if ready(&mut self.sending).await.is_err() {
                return;
            }
            self.sending = None;
            self.under_way = 0;
        }
    }

    /// Stands still for a socket that takes over, if nothing is half done.
    pub(crate) fn hand_over(&mut self) -> Option<Handover> {
        let idle = self.hello.is_none()
            && self.snapshot.is_none()
            && self.history.is_empty()
            && self.ready.is_empty()
            && self.sending.is_none()
            && self.to_send.is_empty();
        let cursor = self.cursor.clone().filter(|_| idle)?;
        self.asking = None;
        self.paused = true;
        let epoch = self.epoch.clone();
        let hello = Hello { protocol: self.protocol, app: self.app.clone(), cursor: Some(cursor), visitor: None };
        Some(Handover { hello, epoch })
    }

    /// Goes on: no socket took over.
    pub(crate) fn resume(&mut self) {
        self.paused = false;
    }

    /// What was not sent while this stood still.
    pub(crate) fn unsent(&mut self) -> VecDeque<ClientFrame> {
        let history = self.history.drain(..).map(ClientFrame::Hist);
        self.to_send.drain(..).chain(history).collect()
    }

    /// Notes what a frame means for the next request.
    fn follow(&mut self, frame: &ServerFrame) {
        match frame {
            ServerFrame::Welcome(welcome) => {
                self.hello = None;
                self.epoch.clone_from(&welcome.epoch);
                if welcome.mode == SyncMode::Snapshot {
                    self.cursor = None;
                }
            }
            ServerFrame::Snap(page) => {
                self.page = None;
                self.snapshot = Some((page.generation.clone(), page.base));
            }
            ServerFrame::SnapEnd(end) => {
                self.snapshot = None;
                self.cursor = Some(Cursor { epoch: self.epoch.clone(), seq: end.base });
            }
            ServerFrame::Delta(delta) => {
                self.cursor = Some(Cursor { epoch: self.epoch.clone(), seq: delta.to });
            }
            ServerFrame::HistPage(page) => self.history.retain(|request| request.request != page.request),
            ServerFrame::Ack(ack) if self.cursor.as_ref().is_some_and(|cursor| cursor.seq < ack.seq) => {
                let seq = self.expected.map_or(ack.seq, |(seq, _)| seq.max(ack.seq));
                self.expected = Some((seq, Instant::now() + CHANGE));
            }
            _ => {}
        }
    }

    /// Asks for what comes next, unless that is under way or nobody wants it yet.
    fn ask(&mut self) {
        let wanted = match &self.hello {
            Some(_) => true,
            None if self.snapshot.is_some() => self.page.is_some(),
            None => self.cursor.is_some(),
        };
        if self.asking.is_some() || self.paused || !wanted {
            return;
        }
        let now = Instant::now();
        let asks_presence =
            self.snapshot.is_none() && self.presence_at.is_none_or(|at| now.duration_since(at) >= PRESENCE);
        // Whoever is asked for the first time is told at once.
        let first = asks_presence && self.presence.is_empty();
        let longest = Duration::from_millis(PULL_WAIT_MAX_MS);
        let left = self.presence_at.map_or(longest, |at| PRESENCE.saturating_sub(now.duration_since(at)));
        let wait = if asks_presence { longest } else { left.min(longest) };
        let pull = Pull {
            hello: self.hello.clone(),
            cursor: self.cursor.clone().filter(|_| self.hello.is_none()),
            snapshot: self.page.clone(),
            history: self.history.iter().take(PULL_HISTORY_MAX).cloned().collect(),
            presence: asks_presence.then(|| self.presence.clone()),
            wait_ms: if std::mem::take(&mut self.hurried) || first {
                0
            } else {
                u64::try_from(wait.as_millis()).unwrap_or(PULL_WAIT_MAX_MS)
            },
        };
        let (http, not_before) = (Arc::clone(&self.http), self.not_before.take());
        self.asking = Some(Box::pin(async move {
            until_now_or(not_before).await;
            http.pull(&pull).await
        }));
    }

    fn start_sending(&mut self) {
        if self.sending.is_some() || self.paused || self.hello.is_some() || self.to_send.is_empty() {
            return;
        }
        let mut bytes = 0;
        let fits = |frame: &&ClientFrame| {
            bytes += frame.to_text().len();
            bytes <= 2 * FRAME_BYTES_MAX
        };
        let frames: Vec<ClientFrame> = self.to_send.iter().take(PUSH_FRAMES_MAX).take_while(fits).cloned().collect();
        self.under_way = frames.len();
        let http = Arc::clone(&self.http);
        self.sending = Some(Box::pin(async move { http.push(&frames).await }));
    }

    fn answered(&mut self, answer: Result<FrameAnswer, ClientError>) -> Option<()> {
        let answer = self.understood(answer)?;
        if let Some(presence) = answer.presence {
            self.presence = presence;
            self.presence_at = Some(Instant::now());
        }
        let before = self.ready.len();
        for frame in answer.frames {
            self.ready.extend(read(frame.get()).ok()?);
        }
        let news = self.ready.iter().skip(before).any(|frame| !matches!(frame, ServerFrame::Hb(_)));
        self.not_before = (!news).then(|| Instant::now() + LEAST);
        Some(())
    }

    fn sent(&mut self, answer: Result<FrameAnswer, ClientError>) -> Option<()> {
        let answer = self.understood(answer)?;
        for frame in answer.frames {
            self.ready.extend(read(frame.get()).ok()?);
        }
        self.to_send.drain(..self.under_way.min(self.to_send.len()));
        self.under_way = 0;
        Some(())
    }

    /// An answer's frames. A refusal ends the connection as a socket's desk would.
    fn understood(&mut self, answer: Result<FrameAnswer, ClientError>) -> Option<FrameAnswer> {
        let (code, retry_after_ms) = match answer {
            Ok(answer) => return Some(answer),
            Err(ClientError::Expired) => (ByeCode::Auth, 0),
            Err(ClientError::Revoked) => (ByeCode::Revoked, 0),
            Err(ClientError::TooManyAttempts { retry_after_ms }) => (ByeCode::Slow, retry_after_ms),
            Err(error) => {
                tracing::info!(%error, "the connection over HTTP broke");
                return None;
            }
        };
        self.ready.push_back(ServerFrame::Bye(Bye { code, retry_after_ms }));
        Some(FrameAnswer { frames: Vec::new(), presence: None })
    }
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

async fn until_now_or(time: Option<Instant>) {
    if let Some(time) = time {
        tokio::time::sleep_until(time).await;
    }
}
