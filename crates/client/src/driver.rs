//! The task that owns the socket and the engine: it carries out effects, strictly in order.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use deskbell_cache::{Cache, Changed, OutboxItem, OutboxState};
use deskbell_engine::{Batch, Effect, Engine, Event, Millis, Phase, Refused};
use deskbell_protocol::{
    Author, ClientFrame, ClientId, CommandFrame, ConversationId, Cursor, Ephemeral, FrameError, HistoryRequest, Number,
    ServerFrame,
};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use crate::client::{ClientEvent, ClientSettings, Shared, SyncState, lock, now};
use crate::error::ClientError;
use crate::http::Authorised;
use crate::socket::{self, Socket, SocketError};

/// The engine looks at the time so often.
const TICK: Duration = Duration::from_millis(500);
/// A frame must leave within this time, or the socket is taken for dead.
const SEND: Duration = Duration::from_secs(10);
/// The wall clock jumped this much ahead of the steady one: the computer slept.
const SLEPT: Duration = Duration::from_secs(60);
/// Messages of one page of history.
const HISTORY_LIMIT: u32 = 100;

/// What a handle asks of the task.
pub(crate) enum Order {
    /// A command is on disk.
    Queued(CommandFrame),
    /// A command is gone from the disk.
    Discarded(CommandFrame),
    /// A command that is not kept on disk: somebody waits for its answer.
    Ask(CommandFrame, oneshot::Sender<Result<i64, ClientError>>),
    /// Older messages.
    History { conversation: ConversationId, before: Number, answer: oneshot::Sender<()> },
    /// Typing.
    Typing { conversation: ConversationId, typing: bool },
    /// Try to connect at once.
    RetryNow,
}

type Opening = Pin<Box<dyn Future<Output = Result<Socket, SocketError>> + Send>>;
type Renewing = Pin<Box<dyn Future<Output = Result<(), ClientError>> + Send>>;

pub(crate) struct Driver {
    cache: Cache,
    app: String,
    http: Arc<Authorised>,
    shared: Arc<Shared>,
    events: mpsc::Sender<ClientEvent>,
    socket: Option<Socket>,
    opening: Option<Opening>,
    renewing: Option<Renewing>,
    asked: HashMap<ClientId, oneshot::Sender<Result<i64, ClientError>>>,
    history: HashMap<u64, oneshot::Sender<()>>,
    requests: u64,
    began: Instant,
    /// The socket went while something was sent, and the engine does not know yet.
    broken: bool,
}

impl Driver {
    pub(crate) fn new(
        settings: ClientSettings,
        cache: Cache,
        http: Arc<Authorised>,
        shared: Arc<Shared>,
        events: mpsc::Sender<ClientEvent>,
    ) -> Self {
        Self {
            cache,
            app: format!("{} ({})", settings.app, settings.device),
            http,
            shared,
            events,
            socket: None,
            opening: None,
            renewing: None,
            asked: HashMap::new(),
            history: HashMap::new(),
            requests: 0,
            began: Instant::now(),
            broken: false,
        }
    }

    /// Runs until it is told to stop.
    pub(crate) async fn run(mut self, mut orders: mpsc::Receiver<Order>, stop: CancellationToken) {
        let Some(mut engine) = self.wake().await else { return };
        self.handle(&mut engine, Event::Started).await;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut clocks = (Instant::now(), SystemTime::now());
        loop {
            let event = tokio::select! {
                () = stop.cancelled() => break,
                order = orders.recv() => match order {
                    Some(order) => self.take(order).await,
                    None => break,
                },
                frame = receive(&mut self.socket) => Some(match frame {
                    Some(frame) => Event::Frame(Box::new(frame)),
                    None => {
                        self.socket = None;
                        Event::Disconnected
                    }
                }),
                opened = ready(&mut self.opening) => {
                    self.opening = None;
                    Some(match opened {
                        Ok(socket) => {
                            self.socket = Some(socket);
                            Event::Connected
                        }
                        Err(SocketError::Token) => Event::Refused(Refused::Token),
                        Err(SocketError::Unreachable(reason)) => {
                            tracing::info!(%reason, "no connection");
                            Event::Disconnected
                        }
                    })
                }
                renewed = ready(&mut self.renewing) => {
                    self.renewing = None;
                    Some(match renewed {
                        Ok(()) => Event::Renewed,
                        Err(ClientError::Expired | ClientError::WrongPassword) => Event::Refused(Refused::Session),
                        Err(error) => {
                            tracing::info!(%error, "the session could not be renewed yet");
                            Event::RenewFailed
                        }
                    })
                }
                _ = tick.tick() => {
                    self.expire_typing().await;
                    Some(if slept(&mut clocks) { Event::RetryNow } else { Event::Tick })
                }
            };
            let beat = matches!(&event, Some(Event::Frame(frame)) if matches!(**frame, ServerFrame::Hb(_)));
            if let Some(event) = event {
                self.handle(&mut engine, event).await;
            }
            if std::mem::take(&mut self.broken) {
                self.handle(&mut engine, Event::Disconnected).await;
            }
            if beat {
                self.fresh();
                self.tell_status().await;
            }
        }
        if let Some(mut socket) = self.socket.take() {
            // A polite end; a desk that does not listen any more loses nothing.
            tokio::time::timeout(Duration::from_secs(1), socket.close(None)).await.ok();
        }
    }

    /// Makes the engine from what is on disk.
    async fn wake(&mut self) -> Option<Engine> {
        let cache = self.cache.clone();
        let found = tokio::task::spawn_blocking(move || {
            Ok::<_, deskbell_cache::CacheError>((cache.cursor()?, cache.outbox()?))
        })
        .await;
        match found {
            Ok(Ok((cursor, outbox))) => {
                self.count().await;
                Some(Engine::new(self.app.clone(), cursor, to_send(outbox)))
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "no sync: the cache cannot be read");
                None
            }
            Err(error) => {
                tracing::error!(%error, "no sync: the reader failed");
                None
            }
        }
    }

    async fn take(&mut self, order: Order) -> Option<Event> {
        match order {
            Order::Queued(frame) => {
                self.tell_conversation(frame.command.conversation()).await;
                self.count().await;
                Some(Event::Queued(frame))
            }
            Order::Discarded(frame) => {
                self.tell_conversation(frame.command.conversation()).await;
                self.count().await;
                Some(Event::Discarded(frame.client_id))
            }
            Order::Ask(frame, answer) => {
                self.asked.retain(|_, waiting| !waiting.is_closed());
                self.asked.insert(frame.client_id.clone(), answer);
                self.send(&ClientFrame::Cmd(frame)).await.then_some(Event::Tick)
            }
            Order::History { conversation, before, answer } => {
                self.history.retain(|_, waiting| !waiting.is_closed());
                self.requests += 1;
                self.history.insert(self.requests, answer);
                let request = HistoryRequest { request: self.requests, conversation, before, limit: HISTORY_LIMIT };
                self.send(&ClientFrame::Hist(request)).await.then_some(Event::Tick)
            }
            Order::Typing { conversation, typing } => {
                let typing =
                    Ephemeral::Typing { conversation: Some(conversation), author: None, typing, ttl_ms: 6_000 };
                self.send(&ClientFrame::Eph(typing)).await.then_some(Event::Tick)
            }
            Order::RetryNow => Some(Event::RetryNow),
        }
    }

    fn millis(&self) -> Millis {
        Millis::try_from(self.began.elapsed().as_millis()).unwrap_or(Millis::MAX)
    }

    /// Hands an event to the engine, and carries out what it says until nothing is left to do.
    async fn handle(&mut self, engine: &mut Engine, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let effects = engine.step(self.millis(), rand::random(), event);
            for effect in effects {
                if let Some(next) = self.carry_out(effect).await {
                    // What is on disk is reported before anything else happens.
                    match &next {
                        Event::Applied(_) | Event::Reoffered(_) | Event::ApplyFailed(_) => events.push_front(next),
                        _ => events.push_back(next),
                    }
                }
            }
        }
    }

    async fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Connect => {
                let Some(token) = self.http.token() else { return Some(Event::Refused(Refused::Session)) };
                let address = self.http.address().clone();
                self.opening = Some(Box::pin(async move { socket::open(&address, &token).await }));
                None
            }
            Effect::Close => {
                self.broken = false;
                self.socket = None;
                self.opening = None;
                None
            }
            Effect::Renew => {
                let http = Arc::clone(&self.http);
                self.renewing = Some(Box::pin(async move {
                    let spent = http.token().ok_or(ClientError::Expired)?;
                    http.renew(&spent).await
                }));
                None
            }
            Effect::Send(frame) => {
                self.send(&frame).await;
                None
            }
            Effect::Apply(batch) => Some(self.apply(*batch).await),
            Effect::Acknowledged(id, seq, entity) => {
                if let Some(answer) = self.asked.remove(&id) {
                    // Somebody who stopped waiting needs no answer.
                    answer.send(entity.ok_or(ClientError::Offline)).ok();
                    return None;
                }
                let cache = self.cache.clone();
                self.write(move || cache.acknowledge(&id, seq)).await;
                self.count().await;
                None
            }
            Effect::Refuse(id, code) => {
                if let Some(answer) = self.asked.remove(&id) {
                    let refusal = deskbell_protocol::Refusal::new(code, "The desk refused.");
                    answer.send(Err(refusal.into())).ok();
                    return None;
                }
                let cache = self.cache.clone();
                let refused = self.write(move || cache.refuse(&id, code)).await.flatten();
                self.tell_conversation(refused.and_then(|item| item.frame.command.conversation())).await;
                self.count().await;
                None
            }
            Effect::Ephemeral(ephemeral) => {
                self.pass_by(ephemeral).await;
                None
            }
            Effect::Phase(phase) => {
                self.enter(phase).await;
                None
            }
        }
    }

    async fn apply(&mut self, batch: Batch) -> Event {
        let next = match &batch {
            Batch::Snapshot(page) => Engine::next_page(page),
            _ => None,
        };
        let request = match &batch {
            Batch::History(page) => Some(page.request),
            _ => None,
        };
        let cache = self.cache.clone();
        let reset = matches!(batch, Batch::Reset(_));
        let applied = tokio::task::spawn_blocking(move || {
            let changed = cache.apply(&batch);
            (changed, cache.cursor())
        })
        .await;
        let (changed, cursor) = match applied {
            Ok((changed, Ok(cursor))) => (changed.map_err(|error| error.to_string()), cursor),
            Ok((_, Err(error))) => (Err(error.to_string()), None),
            Err(error) => (Err(error.to_string()), None),
        };
        match changed {
            Ok(changed) => {
                self.applied(changed).await;
                if let Some(next) = next {
                    self.send(&next).await;
                }
                if let Some(waiting) = request.and_then(|request| self.history.remove(&request)) {
                    waiting.send(()).ok();
                }
                if reset { self.reoffered(cursor).await } else { Event::Applied(cursor) }
            }
            Err(error) => {
                tracing::error!(%error, "what came could not be kept; it is fetched again");
                Event::ApplyFailed(cursor)
            }
        }
    }

    /// What is to be sent after a reset.
    async fn reoffered(&mut self, cursor: Option<Cursor>) -> Event {
        let cache = self.cache.clone();
        match self.write(move || cache.outbox()).await {
            Some(outbox) => Event::Reoffered(to_send(outbox)),
            None => Event::ApplyFailed(cursor),
        }
    }

    async fn applied(&mut self, mut changed: Changed) {
        let arrived = std::mem::take(&mut changed.arrived);
        self.fresh();
        if !changed.is_empty() {
            self.tell(ClientEvent::Changed(changed)).await;
        }
        if !arrived.is_empty() {
            self.tell(ClientEvent::Arrived(arrived)).await;
        }
        self.count().await;
    }

    /// Runs a write that must not fail silently.
    async fn write<T: Send + 'static>(
        &mut self,
        change: impl FnOnce() -> Result<T, deskbell_cache::CacheError> + Send + 'static,
    ) -> Option<T> {
        match tokio::task::spawn_blocking(change).await {
            Ok(Ok(value)) => Some(value),
            Ok(Err(error)) => {
                tracing::error!(%error, "the outbox could not be written; the command is sent again");
                None
            }
            Err(error) => {
                tracing::error!(%error, "the writer failed");
                None
            }
        }
    }

    /// Sends a frame. False: the socket is gone.
    async fn send(&mut self, frame: &ClientFrame) -> bool {
        let Some(socket) = &mut self.socket else { return false };
        let sent = tokio::time::timeout(SEND, socket.send(Message::text(frame.to_text()))).await;
        if matches!(sent, Ok(Ok(()))) {
            return true;
        }
        self.socket = None;
        self.broken = true;
        false
    }

    async fn pass_by(&mut self, ephemeral: Ephemeral) {
        match ephemeral {
            Ephemeral::Visitors { full, online, gone } => {
                {
                    let mut known = lock(&self.shared.online);
                    if full {
                        known.clear();
                    }
                    for id in gone {
                        known.remove(&id);
                    }
                    known.extend(online.into_iter().map(|presence| (presence.visitor, presence)));
                }
                self.tell(ClientEvent::Presence).await;
            }
            Ephemeral::Typing { conversation: Some(conversation), author: Some(Author::Visitor), typing, ttl_ms } => {
                {
                    let mut shown = lock(&self.shared.typing);
                    if typing {
                        shown.insert(conversation, Instant::now() + Duration::from_millis(ttl_ms.min(30_000).into()));
                    } else {
                        shown.remove(&conversation);
                    }
                }
                self.tell(ClientEvent::Typing(conversation)).await;
            }
            Ephemeral::Typing { .. }
            | Ephemeral::Agents { .. }
            | Ephemeral::Page { .. }
            | Ephemeral::Unread { .. }
            | Ephemeral::Unknown => {}
        }
    }

    async fn expire_typing(&mut self) {
        let at = Instant::now();
        let over: Vec<ConversationId> = {
            let mut shown = lock(&self.shared.typing);
            let over = shown.iter().filter(|(_, until)| **until <= at).map(|(id, _)| *id).collect();
            shown.retain(|_, until| *until > at);
            over
        };
        for conversation in over {
            self.tell(ClientEvent::Typing(conversation)).await;
        }
    }

    async fn enter(&mut self, phase: Phase) {
        let state = match phase {
            Phase::Connecting => SyncState::Connecting,
            Phase::Syncing => SyncState::Syncing,
            Phase::Live => SyncState::Live,
            Phase::Offline => SyncState::Offline,
            Phase::Expired => SyncState::Expired,
            Phase::Version => SyncState::Version,
        };
        let connected = matches!(state, SyncState::Live | SyncState::Syncing);
        {
            let mut status = lock(&self.shared.status);
            status.state = state;
            status.offline_since = if connected || state == SyncState::Connecting {
                None
            } else {
                status.offline_since.or_else(|| Some(now()))
            };
        }
        self.fresh();
        if !connected {
            // Without a connection nobody knows who is there.
            lock(&self.shared.online).clear();
            let typing = std::mem::take(&mut *lock(&self.shared.typing));
            self.history.clear();
            self.tell(ClientEvent::Presence).await;
            for conversation in typing.into_keys() {
                self.tell(ClientEvent::Typing(conversation)).await;
            }
        }
        self.tell_status().await;
    }

    /// The cache is whole right now.
    fn fresh(&self) {
        let mut status = lock(&self.shared.status);
        if status.state == SyncState::Live {
            status.synced_at = Some(now());
        }
    }

    /// Counts the outbox again, and tells when it changed.
    async fn count(&mut self) {
        let cache = self.cache.clone();
        let Some(counts) = self.write(move || cache.outbox_counts()).await else { return };
        let changed = {
            let mut status = lock(&self.shared.status);
            let changed = (status.unsent, status.refused) != (counts.unsent, counts.refused);
            (status.unsent, status.refused) = (counts.unsent, counts.refused);
            changed
        };
        if changed {
            self.tell_status().await;
        }
    }

    async fn tell_status(&mut self) {
        let status = lock(&self.shared.status).clone();
        self.tell(ClientEvent::Sync(status)).await;
    }

    async fn tell_conversation(&mut self, conversation: Option<ConversationId>) {
        let Some(conversation) = conversation else {
            let changed = Changed { visitors: true, ..Changed::default() };
            return self.tell(ClientEvent::Changed(changed)).await;
        };
        let changed = Changed { conversations: [conversation].into(), ..Changed::default() };
        self.tell(ClientEvent::Changed(changed)).await;
    }

    async fn tell(&mut self, event: ClientEvent) {
        // Nobody listens any more when the app is closing.
        self.events.send(event).await.ok();
    }
}

/// The commands that wait for the desk, and not for the person.
fn to_send(outbox: Vec<OutboxItem>) -> Vec<CommandFrame> {
    let waiting = outbox.into_iter().filter(|item| !matches!(item.state, OutboxState::Refused(_)));
    waiting.map(|item| item.frame).collect()
}

/// The next frame of the socket. `None`: the socket is gone. Never without a socket.
async fn receive(socket: &mut Option<Socket>) -> Option<ServerFrame> {
    let Some(open) = socket else { return std::future::pending().await };
    loop {
        let message = match open.next().await {
            Some(Ok(message)) => message,
            Some(Err(error)) => {
                tracing::info!(%error, "the connection broke");
                return None;
            }
            None => return None,
        };
        let Some(text) = socket::text(&message) else { continue };
        match ServerFrame::parse(text) {
            Ok(frame) => return Some(frame),
            Err(FrameError::UnknownType(kind)) => tracing::debug!(kind, "a frame of a newer desk was skipped"),
            Err(FrameError::Malformed(error)) => {
                tracing::error!(%error, "the desk sent something unreadable");
                return None;
            }
        }
    }
}

/// The output of a future that may not be there. Never without one.
async fn ready<T>(future: &mut Option<Pin<Box<dyn Future<Output = T> + Send>>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

/// Whether the computer slept since the last look.
fn slept(clocks: &mut (Instant, SystemTime)) -> bool {
    let (steady, wall) = (clocks.0.elapsed(), clocks.1.elapsed().unwrap_or_default());
    *clocks = (Instant::now(), SystemTime::now());
    wall > steady + SLEPT
}
