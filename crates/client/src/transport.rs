//! Which way frames travel: through a WebSocket, or through requests where a network blocks sockets.
//!
//! Above this nobody knows the difference: a connection opens, brings frames in order and ends. While requests carry
//! it, a socket is tried now and then, and takes over without a gap.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use deskbell_engine::Millis;
use deskbell_protocol::{ClientFrame, ClientHeartbeat, FrameError, ServerFrame, SyncMode};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::http::Authorised;
use crate::pulling::{Handover, Pulling};
use crate::socket::{self, Socket, SocketError};

/// A frame must leave within this time, or the socket is taken for dead.
const SEND: Duration = Duration::from_secs(10);
/// The desk has to greet on a socket that takes over within this time.
const WELCOME: Duration = Duration::from_secs(10);
/// Sockets that fail in a row before requests are tried.
const FAILURES: u32 = 2;
/// The first wait before a socket is tried beside working requests, in milliseconds; it doubles up to the longest.
const FIRST_AGAIN_MS: Millis = 2 * 60 * 1000;
const LONGEST_AGAIN_MS: Millis = 30 * 60 * 1000;
/// The wait for a moment at which nothing is half done, in milliseconds.
const TOO_SOON_MS: Millis = 5_000;

/// How a socket failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Somebody on the way answered, with something else than a socket.
    Otherwise,
    /// Nobody answered, or nothing came through.
    Nothing,
}

/// Decides between the two ways. Pure: times and random numbers are parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Sockets that failed in a row.
    failures: u32,
    /// Requests work, and a socket is tried again then.
    again_at: Option<Millis>,
    /// Sockets that were tried since requests work.
    tries: u32,
}

impl Choice {
    /// Whether a new connection goes over requests at once.
    pub(crate) fn over_http(&self, now: Millis) -> bool {
        self.again_at.is_some_and(|at| now < at)
    }

    /// Whether a socket should be tried beside requests that work.
    pub(crate) fn probe_is_due(&self, now: Millis) -> bool {
        self.again_at.is_some_and(|at| now >= at)
    }

    /// A socket failed. True: requests are worth a try.
    pub(crate) fn socket_failed(&mut self, failure: Failure, now: Millis, random: u64) -> bool {
        self.failures = self.failures.saturating_add(1);
        if self.again_at.is_some() {
            self.later(now, random);
        }
        failure == Failure::Otherwise || self.failures >= FAILURES
    }

    /// A socket opened while requests were half done with something, so that it could not take over: sockets get
    /// through, and one is tried again as soon as that may be over.
    pub(crate) fn socket_came_too_soon(&mut self, now: Millis) {
        self.again_at = Some(now.saturating_add(TOO_SOON_MS));
    }

    /// A socket brought a frame.
    pub(crate) fn socket_works(&mut self) {
        *self = Self::default();
    }

    /// Requests brought a frame.
    pub(crate) fn http_works(&mut self, now: Millis, random: u64) {
        if self.again_at.is_none() {
            self.later(now, random);
        }
    }

    /// Requests failed too: the network is gone altogether, which says nothing about sockets.
    pub(crate) fn http_failed(&mut self) {
        *self = Self { failures: self.failures.min(FAILURES - 1), ..Self::default() };
    }

    /// Half the wait or up to as much again, so that a thousand clients do not knock as one.
    fn later(&mut self, now: Millis, random: u64) {
        let wait = FIRST_AGAIN_MS.saturating_mul(1 << self.tries.min(10)).min(LONGEST_AGAIN_MS);
        self.tries = self.tries.saturating_add(1);
        self.again_at = Some(now.saturating_add(wait / 2 + random % wait));
    }
}

/// What a transport brings.
pub(crate) enum Arrival {
    /// The connection is open.
    Opened,
    /// It could not be opened.
    Failed(SocketError),
    /// A frame.
    Frame(Box<ServerFrame>),
    /// The connection is gone.
    Gone,
    /// A socket has taken over from requests.
    Switched,
}

enum Link {
    Socket(Box<Socket>),
    Http(Box<Pulling>),
}

type Opening = Pin<Box<dyn Future<Output = Result<Socket, SocketError>> + Send>>;

/// See the module.
pub(crate) struct Transport {
    http: Arc<Authorised>,
    choice: Choice,
    began: Instant,
    link: Option<Link>,
    opening: Option<Opening>,
    /// A socket on its way beside requests.
    probe: Option<Opening>,
    /// A socket that greets on behalf of requests, which stand still meanwhile.
    taking_over: Option<Opening>,
    /// What requests had not sent when a socket took over.
    backlog: VecDeque<ClientFrame>,
    /// The current link has brought a frame.
    heard: bool,
}

impl Transport {
    pub(crate) fn new(http: Arc<Authorised>) -> Self {
        Self {
            http,
            choice: Choice::default(),
            began: Instant::now(),
            link: None,
            opening: None,
            probe: None,
            taking_over: None,
            backlog: VecDeque::new(),
            heard: false,
        }
    }

    fn now(&self) -> Millis {
        millis(self.began)
    }

    /// Whether there is a connection.
    pub(crate) fn is_open(&self) -> bool {
        self.link.is_some()
    }

    /// Whether requests carry the connection.
    pub(crate) fn is_over_http(&self) -> bool {
        matches!(self.link, Some(Link::Http(_)))
    }

    /// Begins to open a connection. False: nobody is signed in.
    pub(crate) fn connect(&mut self) -> bool {
        self.close();
        if self.choice.over_http(self.now()) {
            self.opening = Some(Box::pin(std::future::ready(Err(SocketError::Blocked("blocked before".into())))));
            return self.http.token().is_some();
        }
        match self.open() {
            Some(opening) => {
                self.opening = Some(opening);
                true
            }
            None => false,
        }
    }

    fn open(&self) -> Option<Opening> {
        let token = self.http.token()?;
        let address = self.http.address().clone();
        Some(Box::pin(async move { socket::open(&address, &token).await }))
    }

    /// Ends the connection.
    pub(crate) fn close(&mut self) {
        if self.link.is_some() && !self.heard {
            self.failed_before_the_welcome();
        }
        self.link = None;
        self.opening = None;
        self.probe = None;
        self.taking_over = None;
        self.backlog.clear();
        self.heard = false;
    }

    /// A polite end; a desk that does not listen any more loses nothing.
    pub(crate) async fn say_goodbye(&mut self) {
        match self.link.take() {
            Some(Link::Socket(mut socket)) => {
                tokio::time::timeout(Duration::from_secs(1), socket.as_mut().close(None)).await.ok();
            }
            Some(Link::Http(mut pulling)) => {
                tokio::time::timeout(Duration::from_secs(1), pulling.flush()).await.ok();
            }
            None => {}
        }
    }

    fn failed_before_the_welcome(&mut self) {
        if self.is_over_http() {
            self.choice.http_failed();
        } else {
            self.choice.socket_failed(Failure::Nothing, self.now(), rand::random());
        }
    }

    /// Sends a frame. False: it did not go; a connection that could not take it is closed, and one that is only on its
    /// way comes all the same.
    pub(crate) async fn send(&mut self, frame: &ClientFrame) -> bool {
        let sent = match &mut self.link {
            Some(Link::Socket(socket)) => clear(socket, &mut self.backlog).await && say(socket, frame).await,
            Some(Link::Http(pulling)) => {
                pulling.send(frame);
                true
            }
            None => return false,
        };
        if !sent {
            self.close();
        }
        sent
    }

    /// Makes the desk say something. False: the connection is gone.
    pub(crate) async fn probe(&mut self) -> bool {
        if let Some(Link::Http(pulling)) = &mut self.link {
            pulling.interrupt();
            return true;
        }
        let time = i64::try_from(self.now()).unwrap_or(i64::MAX);
        self.send(&ClientFrame::Hb(ClientHeartbeat { time })).await
    }

    /// What comes next. Losing the future loses nothing. Never without a connection or one on its way.
    pub(crate) async fn next(&mut self) -> Arrival {
        if let Some(opening) = &mut self.opening {
            let opened = opening.await;
            self.opening = None;
            return self.opened(opened);
        }
        let now = self.now();
        let arrival = match &mut self.link {
            None => std::future::pending().await,
            Some(Link::Socket(socket)) => {
                let frame = if clear(socket, &mut self.backlog).await { receive(socket).await } else { None };
                frame.map(Box::new).map_or(Arrival::Gone, Arrival::Frame)
            }
            Some(Link::Http(_)) => {
                if self.probe.is_none() && self.taking_over.is_none() && self.choice.probe_is_due(now) {
                    self.probe = self.open();
                }
                self.pull().await
            }
        };
        match &arrival {
            Arrival::Frame(_) if !self.heard => {
                self.heard = true;
                if self.is_over_http() {
                    let now = self.now();
                    self.choice.http_works(now, rand::random());
                } else {
                    self.choice.socket_works();
                }
            }
            Arrival::Gone => {
                if !self.heard {
                    self.failed_before_the_welcome();
                }
                self.heard = true;
                self.close();
            }
            _ => {}
        }
        arrival
    }

    fn opened(&mut self, opened: Result<Socket, SocketError>) -> Arrival {
        let failure = match opened {
            Ok(socket) => {
                self.link = Some(Link::Socket(Box::new(socket)));
                return Arrival::Opened;
            }
            Err(error @ SocketError::Token) => return Arrival::Failed(error),
            Err(error) => error,
        };
        let now = self.now();
        let why = match failure {
            SocketError::Blocked(_) => Failure::Otherwise,
            SocketError::Token | SocketError::Unreachable(_) => Failure::Nothing,
        };
        if self.choice.over_http(now) || self.choice.socket_failed(why, now, rand::random()) {
            tracing::info!(%failure, "no socket; over HTTP instead");
            self.link = Some(Link::Http(Box::new(Pulling::new(Arc::clone(&self.http)))));
            return Arrival::Opened;
        }
        Arrival::Failed(failure)
    }

    /// The next frame that requests bring, or a socket that takes over.
    async fn pull(&mut self) -> Arrival {
        loop {
            let Some(Link::Http(pulling)) = &mut self.link else { return Arrival::Gone };
            if self.taking_over.is_some() {
                let taken = ready(&mut self.taking_over).await;
                self.taking_over = None;
                match taken {
                    Ok(socket) => {
                        self.backlog = pulling.unsent();
                        self.link = Some(Link::Socket(Box::new(socket)));
                        self.choice.socket_works();
                        return Arrival::Switched;
                    }
                    Err(error) => {
                        tracing::debug!(%error, "a socket did not take over");
                        pulling.resume();
                        self.choice.socket_failed(Failure::Nothing, millis(self.began), rand::random());
                        continue;
                    }
                }
            }
            tokio::select! {
                frame = pulling.next() => {
                    return frame.map(Box::new).map_or(Arrival::Gone, Arrival::Frame);
                }
                opened = ready(&mut self.probe) => {
                    self.probe = None;
                    let socket = match opened {
                        Ok(socket) => socket,
                        Err(error) => {
                            tracing::debug!(%error, "still no socket");
                            self.choice.socket_failed(Failure::Nothing, millis(self.began), rand::random());
                            continue;
                        }
                    };
                    // Only between two questions, so that no change is told twice.
                    match pulling.hand_over() {
                        Some(handover) => self.taking_over = Some(Box::pin(take_over(socket, handover))),
                        None => self.choice.socket_came_too_soon(millis(self.began)),
                    }
                }
            }
        }
    }
}

fn millis(began: Instant) -> Millis {
    Millis::try_from(began.elapsed().as_millis()).unwrap_or(Millis::MAX)
}

/// Greets on a socket on behalf of requests that stand still. Only a desk that goes on at the same place will do.
async fn take_over(mut socket: Socket, handover: Handover) -> Result<Socket, SocketError> {
    let Handover { hello, epoch } = handover;
    let greeting = async {
        if !say(&mut socket, &ClientFrame::Hello(hello)).await {
            return None;
        }
        match receive(&mut socket).await {
            Some(ServerFrame::Welcome(welcome)) => Some(welcome),
            _ => None,
        }
    };
    match tokio::time::timeout(WELCOME, greeting).await {
        Ok(Some(welcome)) if welcome.mode == SyncMode::Delta && welcome.epoch == epoch => Ok(socket),
        _ => Err(SocketError::Unreachable("no fitting welcome".into())),
    }
}

/// Sends what waited for a socket. A frame that goes out twice does nothing twice.
async fn clear(socket: &mut Socket, backlog: &mut VecDeque<ClientFrame>) -> bool {
    while let Some(frame) = backlog.front() {
        if !say(socket, frame).await {
            return false;
        }
        backlog.pop_front();
    }
    true
}

async fn say(socket: &mut Socket, frame: &ClientFrame) -> bool {
    let sent = tokio::time::timeout(SEND, socket.send(Message::text(frame.to_text()))).await;
    matches!(sent, Ok(Ok(())))
}

/// The next frame of a socket. `None`: it is gone.
async fn receive(socket: &mut Socket) -> Option<ServerFrame> {
    loop {
        let message = match socket.next().await {
            Some(Ok(message)) => message,
            Some(Err(error)) => {
                tracing::info!(%error, "the connection broke");
                return None;
            }
            None => return None,
        };
        let Some(text) = socket::text(&message) else { continue };
        match read(text) {
            Ok(Some(frame)) => return Some(frame),
            Ok(None) => {}
            Err(Unreadable) => return None,
        }
    }
}

/// The desk sent something that cannot be read.
#[derive(Debug)]
pub(crate) struct Unreadable;

/// Reads a frame. `None`: one of a newer desk, to be skipped.
pub(crate) fn read(text: &str) -> Result<Option<ServerFrame>, Unreadable> {
    match ServerFrame::parse(text) {
        Ok(frame) => Ok(Some(frame)),
        Err(FrameError::UnknownType(kind)) => {
            tracing::debug!(kind, "a frame of a newer desk was skipped");
            Ok(None)
        }
        Err(FrameError::Malformed(error)) => {
            tracing::error!(%error, "the desk sent something unreadable");
            Err(Unreadable)
        }
    }
}

/// The output of a future that may not be there. Never without one.
pub(crate) async fn ready<T>(future: &mut Option<Pin<Box<dyn Future<Output = T> + Send>>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Millis = 60_000;

    #[test]
    fn one_socket_that_fails_is_bad_luck_and_two_are_a_reason_to_ask_over_http() {
        let mut choice = Choice::default();
        assert!(!choice.socket_failed(Failure::Nothing, 0, 0));
        assert!(choice.socket_failed(Failure::Nothing, 1_000, 0));
        choice.socket_works();
        assert!(!choice.socket_failed(Failure::Nothing, 2_000, 0), "a socket that worked is trusted again");
    }

    #[test]
    fn a_network_that_answers_with_something_else_is_asked_over_http_at_once() {
        assert!(Choice::default().socket_failed(Failure::Otherwise, 0, 0));
    }

    #[test]
    fn while_http_works_a_socket_is_tried_ever_more_seldom_and_never_by_all_at_once() {
        for random in [0, 7, 119_999, u64::MAX] {
            let mut choice = Choice::default();
            choice.socket_failed(Failure::Otherwise, 0, random);
            choice.http_works(0, random);
            choice.http_works(MINUTE / 2, random);
            assert!(choice.over_http(MINUTE - 1) && choice.probe_is_due(3 * MINUTE), "{random}");
            let mut now = 3 * MINUTE;
            for tries in 1..8 {
                assert!(choice.socket_failed(Failure::Nothing, now, random));
                let longest = FIRST_AGAIN_MS.saturating_mul(1 << tries).min(LONGEST_AGAIN_MS);
                assert!(choice.over_http(now + longest / 2 - 1), "{tries}");
                now += longest + longest / 2;
                assert!(choice.probe_is_due(now), "{tries}");
            }
        }
        let wait = |random| {
            let mut choice = Choice::default();
            choice.http_works(0, random);
            (0..).find(|now| choice.probe_is_due(now * 1_000)).unwrap_or_default()
        };
        assert_ne!(wait(5_000), wait(90_000), "two clients of one network come at different times");
    }

    #[test]
    fn a_socket_that_came_too_soon_is_no_failure_and_is_tried_again_soon() {
        let mut choice = Choice::default();
        choice.http_works(0, 0);
        let due = (0..).find(|now| choice.probe_is_due(*now)).unwrap_or_default();
        choice.socket_came_too_soon(due);
        assert!(!choice.probe_is_due(due) && choice.probe_is_due(due + TOO_SOON_MS));
        assert_eq!(choice.tries, 1, "the next wait is no longer for it");
    }

    #[test]
    fn a_network_that_is_gone_altogether_says_nothing_about_sockets() {
        let mut choice = Choice::default();
        choice.socket_failed(Failure::Nothing, 0, 0);
        choice.socket_failed(Failure::Nothing, 0, 0);
        choice.http_failed();
        assert!(!choice.over_http(1) && !choice.probe_is_due(u64::MAX), "the next connection tries a socket first");
    }
}
