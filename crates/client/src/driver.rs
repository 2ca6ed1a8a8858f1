//! The task that owns the connection and the engine: it carries out effects, strictly in order.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use deskbell_cache::{Cache, CacheError, Changed, OutboxItem, OutboxState, TakenBack};
use deskbell_engine::{Batch, DELAY_MAX_MS, Effect, Engine, Entry, Event, Millis, Phase, Refused, Standing};
use deskbell_protocol::{
    Author, ClientFrame, ClientId, Command, CommandFrame, ConversationId, Cursor, Ephemeral, HistoryRequest, Number,
    RingAck, Seq, ServerFrame,
};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::client::{ClientEvent, ClientSettings, Shared, SyncState, lock, now};
use crate::error::ClientError;
use crate::http::Authorised;
use crate::presence::Presence;
use crate::socket::SocketError;
use crate::transport::{Arrival, Transport, ready};
use crate::uploads::{Carrier, Stopped};

/// Reports of progress that wait to be told.
const PROGRESS: usize = 16;
/// The engine looks at the time so often.
const TICK: Duration = Duration::from_millis(500);
/// The wall clock jumped this much ahead of the steady one: the computer slept.
const SLEPT: Duration = Duration::from_secs(60);
/// Messages of one page of history.
const HISTORY_LIMIT: u32 = 100;

/// What a handle asks of the task.
pub(crate) enum Order {
    /// A command is on disk.
    Queued(OutboxItem),
    /// Drop a command that nobody else can have seen.
    Discard { id: ClientId, answer: oneshot::Sender<Result<(), ClientError>> },
    /// Make unsent text of a message that nobody else can have seen.
    TakeBack { id: ClientId, answer: oneshot::Sender<Result<TakenBack, ClientError>> },
    /// A command that is not kept on disk: somebody waits for its answer.
    Ask(CommandFrame, Answer),
    /// Older messages.
    History { conversation: ConversationId, before: Number, answer: oneshot::Sender<()> },
    /// Typing.
    Typing { conversation: ConversationId, typing: bool },
    /// What became of a ring on this computer.
    RingAck(RingAck),
    /// Give up uploads that no message needs.
    GiveUp(Vec<ClientId>),
    /// Try to connect at once.
    RetryNow,
    /// Look whether the connection has survived a change of the network.
    NetworkChanged,
}

/// How long it is shown what a visitor was last seen writing.
const PEEK_LIFE: Duration = Duration::from_secs(30);

type Carrying = Pin<Box<dyn Future<Output = Option<Event>> + Send>>;
type Answer = oneshot::Sender<Result<i64, ClientError>>;
type Renewing = Pin<Box<dyn Future<Output = Result<(), ClientError>> + Send>>;

pub(crate) struct Driver {
    cache: Cache,
    app: String,
    http: Arc<Authorised>,
    shared: Arc<Shared>,
    events: mpsc::Sender<ClientEvent>,
    transport: Transport,
    renewing: Option<Renewing>,
    /// Files on their way to the desk, and uploads that are given up.
    carrying: FuturesUnordered<Carrying>,
    /// Ends those of one message.
    carried: HashMap<ClientId, DropGuard>,
    /// Whose files came further.
    progress: (mpsc::Sender<ClientId>, mpsc::Receiver<ClientId>),
    asked: HashMap<ClientId, Answer>,
    /// What the desk made for those who asked, and at which place of the log: told once it is in the cache as well.
    made: Vec<(Seq, i64, Answer)>,
    history: HashMap<u64, oneshot::Sender<()>>,
    requests: u64,
    began: Instant,
    /// Where every command stood when it was last told.
    told: BTreeMap<ClientId, Standing>,
    /// The connection went while something was sent, and the engine does not know yet.
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
            transport: Transport::new(Arc::clone(&http)),
            app: format!("{} ({})", settings.app, settings.device),
            http,
            shared,
            events,
            renewing: None,
            carrying: FuturesUnordered::new(),
            carried: HashMap::new(),
            progress: mpsc::channel(PROGRESS),
            asked: HashMap::new(),
            made: Vec::new(),
            history: HashMap::new(),
            requests: 0,
            began: Instant::now(),
            told: BTreeMap::new(),
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
                    Some(order) => self.take(&engine, order).await,
                    None => break,
                },
                arrival = self.transport.next() => match arrival {
                    Arrival::Frame(frame) => Some(Event::Frame(frame)),
                    Arrival::Opened => Some(Event::Connected),
                    Arrival::Failed(SocketError::Token) => Some(Event::Refused(Refused::Token)),
                    Arrival::Failed(reason) => {
                        tracing::info!(%reason, "no connection");
                        Some(Event::Disconnected)
                    }
                    Arrival::Gone => Some(Event::Disconnected),
                    Arrival::Switched => None,
                },
                renewed = ready(&mut self.renewing) => {
                    self.renewing = None;
                    Some(match renewed {
                        Ok(()) => Event::Renewed,
                        Err(ClientError::Revoked) => Event::Refused(Refused::Revoked),
                        Err(ClientError::Expired | ClientError::WrongPassword) => Event::Refused(Refused::Session),
                        Err(error) => {
                            tracing::info!(%error, "the session could not be renewed yet");
                            Event::RenewFailed
                        }
                    })
                }
                Some(carried) = self.carrying.next() => carried,
                Some(message) = self.progress.1.recv() => {
                    let conversations = engine.outbox().conversations(&[message].into());
                    self.tell(ClientEvent::Changed(Changed { conversations, ..Changed::default() })).await;
                    None
                }
                _ = tick.tick() => {
                    self.expire_typing().await;
                    Some(if slept(&mut clocks) { Event::RetryNow } else { Event::Tick })
                }
            };
            if let Some(Event::Frame(frame)) = &event {
                lock(&self.shared.status).last_event_at = Some(now());
                if let ServerFrame::Welcome(welcome) = &**frame {
                    self.shared.ahead.store(welcome.server_time.saturating_sub(now()), Ordering::Relaxed);
                }
            }
            let beat = matches!(&event, Some(Event::Frame(frame)) if matches!(**frame, ServerFrame::Hb(_)));
            if let Some(event) = event {
                self.handle(&mut engine, event).await;
            }
            if std::mem::take(&mut self.broken) {
                self.handle(&mut engine, Event::Disconnected).await;
            }
            self.tell_standings(&engine).await;
            self.note(&engine).await;
            if beat {
                self.fresh();
                self.tell_status().await;
            }
        }
        // Whoever leaves meant everything to be sent: what was asked for last, and what was kept back.
        orders.close();
        while let Ok(order) = orders.try_recv() {
            if let Some(event) = self.take(&engine, order).await {
                self.handle(&mut engine, event).await;
            }
        }
        self.handle(&mut engine, Event::Ending).await;
        self.transport.say_goodbye().await;
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

    async fn take(&mut self, engine: &Engine, order: Order) -> Option<Event> {
        match order {
            Order::Queued(item) => {
                self.tell_where_it_shows(&item.frame.command).await;
                self.count().await;
                Some(Event::Queued(entry(item)))
            }
            Order::Discard { id, answer } => {
                let done = self.remove(engine, id, |cache, id| cache.discard(id)).await;
                if let Ok(item) = &done {
                    let mut uploads = lock(&self.shared.uploads);
                    let begun = item.files.iter().filter(|file| uploads.remove(&file.id).is_some());
                    let begun: Vec<ClientId> = begun.map(|file| file.id.clone()).collect();
                    drop(uploads);
                    self.give_up(begun);
                }
                self.gone(done, |item| item, |_| (), answer).await
            }
            Order::TakeBack { id, answer } => {
                let done = self.remove(engine, id, |cache, id| cache.take_back(id)).await;
                self.gone(done, |back| &back.item, |back| back, answer).await
            }
            Order::Ask(frame, answer) => {
                self.asked.retain(|_, waiting| !waiting.is_closed());
                self.made.retain(|(.., waiting)| !waiting.is_closed());
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
            Order::RingAck(ack) => self.send(&ClientFrame::RingAck(ack)).await.then_some(Event::Tick),
            Order::GiveUp(files) => {
                self.give_up(files);
                None
            }
            Order::RetryNow => Some(Event::RetryNow),
            Order::NetworkChanged => Some(Event::NetworkChanged),
        }
    }

    /// Removes a command from the disk, if the engine never sent it and will not meanwhile: nothing else happens
    /// before it hears of it.
    async fn remove<T: Send + 'static>(
        &mut self,
        engine: &Engine,
        id: ClientId,
        change: impl FnOnce(&Cache, &ClientId) -> Result<Option<T>, CacheError> + Send + 'static,
    ) -> Result<T, ClientError> {
        let free = engine.outbox().can_be_taken_back(&id);
        let cache = self.cache.clone();
        tokio::task::spawn_blocking(move || {
            // What the desk refused for good is not the engine's any more, and nobody else has it.
            if !free && !cache.is_refused(&id)? {
                return Err(ClientError::TooLate);
            }
            change(&cache, &id)?.ok_or(ClientError::TooLate)
        })
        .await?
    }

    /// Tells who asked, and everybody else, that a command is gone.
    async fn gone<T, A>(
        &mut self,
        done: Result<T, ClientError>,
        item: impl Fn(&T) -> &OutboxItem,
        say: impl FnOnce(T) -> A,
        answer: oneshot::Sender<Result<A, ClientError>>,
    ) -> Option<Event> {
        match done {
            Ok(found) => {
                let CommandFrame { client_id: id, command, .. } = item(&found).frame.clone();
                // Whoever asked may have gone; the text is on disk all the same.
                answer.send(Ok(say(found))).ok();
                self.carried.remove(&id);
                self.tell_where_it_shows(&command).await;
                self.count().await;
                Some(Event::Discarded(id))
            }
            Err(error) => {
                answer.send(Err(error)).ok();
                None
            }
        }
    }

    /// Keeps how far the cache is behind, for whoever asks, and tells when the way of the frames has changed.
    async fn note(&mut self, engine: &Engine) {
        let behind = engine.cursor().map_or(0, |cursor| engine.head().0.saturating_sub(cursor.seq.0));
        let over_http = self.transport.is_over_http();
        let before = {
            let mut status = lock(&self.shared.status);
            status.lag = behind.max(0);
            std::mem::replace(&mut status.over_http, over_http)
        };
        if before != over_http {
            self.tell_status().await;
        }
    }

    /// Tells where commands stand, for those that stand elsewhere now.
    async fn tell_standings(&mut self, engine: &Engine) {
        let standings = engine.outbox().standings(self.millis());
        if standings == self.told {
            return;
        }
        let moved = |(id, standing): (&ClientId, &Standing)| (self.told.get(id) != Some(standing)).then(|| id.clone());
        let moved: BTreeSet<ClientId> = standings.iter().filter_map(moved).collect();
        lock(&self.shared.standings).clone_from(&standings);
        self.carried.retain(|id, _| standings.get(id) == Some(&Standing::Uploading));
        self.told = standings;
        let conversations = engine.outbox().conversations(&moved);
        if !conversations.is_empty() {
            self.tell(ClientEvent::Changed(Changed { conversations, ..Changed::default() })).await;
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
                        Event::Applied(_) | Event::Reoffered(_) | Event::ApplyFailed(_) | Event::Compared(..) => {
                            events.push_front(next);
                        }
                        _ => events.push_back(next),
                    }
                }
            }
        }
    }

    async fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Connect => {
                if self.transport.connect() {
                    None
                } else {
                    Some(Event::Refused(Refused::Session))
                }
            }
            Effect::Close => {
                self.broken = false;
                self.transport.close();
                None
            }
            Effect::Probe => {
                self.broken |= !self.transport.probe().await;
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
                if let ClientFrame::Cmd(CommandFrame { client_id, command: Command::Send { .. }, .. }) = &*frame {
                    // Another run must know that the visitor may have it.
                    let (cache, id) = (self.cache.clone(), client_id.clone());
                    self.write(move || cache.mark_tried(&id)).await;
                }
                self.send(&frame).await;
                None
            }
            Effect::Apply(batch) => Some(self.apply(*batch).await),
            Effect::Acknowledged(id, seq, entity) => {
                if let Some(answer) = self.asked.remove(&id) {
                    match entity {
                        Some(entity) => {
                            self.made.push((seq, entity, answer));
                            let cache = self.cache.clone();
                            let cursor = self.write(move || cache.cursor()).await.flatten();
                            self.tell_made(cursor.as_ref());
                        }
                        // Somebody who stopped waiting needs no answer.
                        None => drop(answer.send(Err(ClientError::Offline))),
                    }
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
                if let Some(refused) = self.write(move || cache.refuse(&id, code)).await.flatten() {
                    self.tell_where_it_shows(&refused.frame.command).await;
                }
                self.count().await;
                None
            }
            Effect::Upload(id) => {
                self.carry(id);
                None
            }
            Effect::Compare(id, me) => {
                let (cache, about) = (self.cache.clone(), id.clone());
                // Without an answer the person is asked, and nothing is said twice.
                let answered = self.write(move || cache.was_answered_meanwhile(&about, me)).await.unwrap_or(true);
                Some(Event::Compared(id, answered))
            }
            Effect::Hold(id) => {
                let cache = self.cache.clone();
                if let Some(held) = self.write(move || cache.hold(&id)).await.flatten() {
                    self.tell_where_it_shows(&held.frame.command).await;
                }
                self.count().await;
                None
            }
            Effect::Ring(ring) => {
                self.tell(ClientEvent::Ring(ring)).await;
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

    /// Begins to bring the files of a message to the desk, or begins again.
    fn carry(&mut self, id: ClientId) {
        let carrier = Carrier {
            cache: self.cache.clone(),
            http: Arc::clone(&self.http),
            shared: Arc::clone(&self.shared),
            progress: self.progress.0.clone(),
        };
        let end = CancellationToken::new();
        self.carried.insert(id.clone(), end.clone().drop_guard());
        self.carrying.push(Box::pin(async move {
            let brought = tokio::select! {
                () = end.cancelled() => return None,
                brought = carrier.bring(&id) => brought,
            };
            match brought {
                Ok(frame) => Some(Event::Uploaded(Box::new(frame))),
                Err(Stopped::Later(wait)) => Some(Event::UploadFailed(id, wait)),
                Err(Stopped::Refused(code)) => Some(Event::UploadRefused(id, code)),
                Err(Stopped::Gone) => None,
            }
        }));
    }

    /// Tells the desk that nobody needs these uploads any more. A desk that does not hear it clears them away by itself.
    fn give_up(&mut self, files: Vec<ClientId>) {
        for file in files {
            let http = Arc::clone(&self.http);
            self.carrying.push(Box::pin(async move {
                if let Err(error) = http.cancel_upload(&file).await {
                    tracing::info!(%error, "the desk was not told that an upload was given up");
                }
                None
            }));
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
                self.tell_made(cursor.as_ref());
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

    /// Answers those whose thing is in the cache now. The desk says that it is made before the log brings it.
    fn tell_made(&mut self, cursor: Option<&Cursor>) {
        let Some(cursor) = cursor else { return };
        for (_, entity, answer) in self.made.extract_if(.., |(seq, ..)| *seq <= cursor.seq) {
            answer.send(Ok(entity)).ok();
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

    /// Sends a frame. False: it did not go. What is said without a connection, such as that somebody types, breaks none.
    async fn send(&mut self, frame: &ClientFrame) -> bool {
        let was_open = self.transport.is_open();
        let sent = self.transport.send(frame).await;
        self.broken |= was_open && !sent;
        sent
    }

    async fn pass_by(&mut self, ephemeral: Ephemeral) {
        match ephemeral {
            Ephemeral::Visitors { full, online, gone } => {
                if lock(&self.shared.presence).take(full, online, gone) {
                    self.tell(ClientEvent::Presence).await;
                }
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
            Ephemeral::Peek { conversation: Some(conversation), text } => {
                {
                    let mut shown = lock(&self.shared.peeks);
                    if text.is_empty() {
                        shown.remove(&conversation);
                    } else {
                        shown.insert(conversation, (text, Instant::now() + PEEK_LIFE));
                    }
                }
                self.tell(ClientEvent::Typing(conversation)).await;
            }
            Ephemeral::Agents { agents, .. } => {
                *lock(&self.shared.agents) = agents;
                // A list of visitors ends with who of the team is there.
                if lock(&self.shared.presence).end_list() {
                    self.tell(ClientEvent::Presence).await;
                }
            }
            Ephemeral::Typing { .. }
            | Ephemeral::Peek { .. }
            | Ephemeral::Page { .. }
            | Ephemeral::Unread { .. }
            | Ephemeral::Unknown => {}
        }
    }

    async fn expire_typing(&mut self) {
        let at = Instant::now();
        let over = {
            let mut shown = lock(&self.shared.typing);
            let over: Vec<ConversationId> =
                shown.iter().filter(|(_, until)| **until <= at).map(|(id, _)| *id).collect();
            shown.retain(|_, until| *until > at);
            let mut peeks = lock(&self.shared.peeks);
            let ended = peeks.iter().filter(|(_, (_, until))| *until <= at).map(|(id, _)| *id);
            let over = ended.chain(over).collect::<BTreeSet<_>>();
            peeks.retain(|_, (_, until)| *until > at);
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
            Phase::Revoked => SyncState::Revoked,
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
            *lock(&self.shared.presence) = Presence::default();
            lock(&self.shared.agents).clear();
            let typing = std::mem::take(&mut *lock(&self.shared.typing));
            let peeks = std::mem::take(&mut *lock(&self.shared.peeks));
            self.history.clear();
            self.tell(ClientEvent::Presence).await;
            for conversation in typing.into_keys().chain(peeks.into_keys()).collect::<BTreeSet<_>>() {
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
            let now = (counts.unsent, counts.refused, counts.held);
            let changed = (status.unsent, status.refused, status.held) != now;
            (status.unsent, status.refused, status.held) = now;
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

    /// Tells where a command shows: in its conversation, or with the person whom it is about and in their conversations.
    async fn tell_where_it_shows(&mut self, command: &Command) {
        let conversations = match command {
            Command::EditContact { contact, .. } => {
                let (cache, contact) = (self.cache.clone(), *contact);
                self.write(move || cache.chats_of(contact)).await.unwrap_or_default()
            }
            other => other.conversation().into_iter().collect(),
        };
        let visitors = command.conversation().is_none();
        self.tell(ClientEvent::Changed(Changed { conversations, visitors, ..Changed::default() })).await;
    }

    async fn tell(&mut self, event: ClientEvent) {
        // Nobody listens any more when the app is closing.
        self.events.send(event).await.ok();
    }
}

/// The commands that wait, and were not refused.
fn to_send(outbox: Vec<OutboxItem>) -> Vec<Entry> {
    let waiting = outbox.into_iter().filter(|item| !matches!(item.state, OutboxState::Refused(_)));
    waiting.map(entry).collect()
}

/// What the engine has to know of a command.
fn entry(item: OutboxItem) -> Entry {
    let left = item.guard.hold_until.map_or(0, |until| until.saturating_sub(now()));
    Entry {
        frame: item.frame,
        // A clock that was set back does not keep anything back for longer.
        delay_ms: Millis::try_from(left).unwrap_or(0).min(DELAY_MAX_MS),
        guarded: item.guard.seen.is_some(),
        tried: item.tried,
        held: item.state == OutboxState::Held,
        files: !item.files.is_empty(),
    }
}

/// Whether the computer slept since the last look.
fn slept(clocks: &mut (Instant, SystemTime)) -> bool {
    let (steady, wall) = (clocks.0.elapsed(), clocks.1.elapsed().unwrap_or_default());
    *clocks = (Instant::now(), SystemTime::now());
    wall > steady + SLEPT
}
