//! The handle.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use deskbell_cache::{Cache, CacheError, Changed, FileRecord, Guard, OutboxItem, OutboxState, TakenBack};
use deskbell_engine::Standing;
use deskbell_protocol::{
    AgentId, AttachmentId, ClientId, Command, CommandFrame, ConversationId, Device, FoundMessage, Message, Number,
    Ring, RingAck, Seq, Timestamp, VisitorId, VisitorPresence,
};
use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::driver::{Driver, Order};
use crate::error::ClientError;
use crate::http::Authorised;
use crate::presence::Presence;
use crate::tokens::TokenStore;

/// Until the desk answers a question that somebody waits for.
const ANSWER: Duration = Duration::from_secs(10);
/// Orders that wait for the task.
const ORDERS: usize = 256;

/// Where to connect, and as what.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// The desk.
    pub address: Url,
    /// Name and version of the app.
    pub app: String,
    /// What this computer calls itself.
    pub device: String,
}

/// Where the connection stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncState {
    /// Trying for the first time.
    #[default]
    Connecting,
    /// Catching up.
    Syncing,
    /// Up to date.
    Live,
    /// No connection; the next try comes by itself.
    Offline,
    /// The session is over.
    Expired,
    /// Somebody signed this device out: what is kept here is to be wiped.
    Revoked,
    /// The desk speaks another version.
    Version,
}

/// How fresh the cache is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncStatus {
    /// Where the connection stands.
    pub state: SyncState,
    /// Requests carry the connection, because the network lets no socket through.
    pub over_http: bool,
    /// When the cache was last known to be whole, by this computer's clock.
    pub synced_at: Option<Timestamp>,
    /// Since when there is no connection.
    pub offline_since: Option<Timestamp>,
    /// Commands that the desk has not taken yet.
    pub unsent: i64,
    /// Commands that the desk refused.
    pub refused: i64,
    /// Replies that wait for the person, because somebody else wrote meanwhile.
    pub held: i64,
    /// When anything was last heard of the desk.
    pub last_event_at: Option<Timestamp>,
    /// Changes that the desk told of and that are not here yet. Without a cursor, nobody knows how many: 0.
    pub lag: i64,
}

/// How a command is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sending {
    /// It is kept back for so long, so that it can be taken back.
    pub delay: Duration,
    /// The newest message that the person had on screen: a reply that was written without a connection is held when
    /// somebody else wrote after it.
    pub seen: Option<Number>,
    /// It is refused unless this was the last change of what it is about.
    pub if_rev: Option<Seq>,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum ClientEvent {
    /// The cache changed.
    Changed(Changed),
    /// The status changed.
    Sync(SyncStatus),
    /// Who is on the sites changed.
    Presence,
    /// A visitor began or stopped typing, or writes something else.
    Typing(ConversationId),
    /// A visitor waits, or does no more.
    Ring(Ring),
    /// Visitors wrote.
    Arrived(Vec<Message>),
}

/// What the task and the handles share.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) status: Mutex<SyncStatus>,
    /// Where every command stands that is not done.
    pub(crate) standings: Mutex<BTreeMap<ClientId, Standing>>,
    /// Bytes of files that the desk has, of messages that wait for them.
    pub(crate) uploads: Mutex<HashMap<ClientId, i64>>,
    /// Who is on the sites, once this connection has told.
    pub(crate) presence: Mutex<Presence>,
    /// How far the desk's clock is ahead of this computer's, in milliseconds, when it greeted last.
    pub(crate) ahead: AtomicI64,
    /// Agents who are there.
    pub(crate) agents: Mutex<Vec<AgentId>>,
    /// Until when a visitor's typing is shown, by conversation.
    pub(crate) typing: Mutex<HashMap<ConversationId, tokio::time::Instant>>,
    /// What visitors are writing, and until when that is shown. It is kept nowhere else.
    pub(crate) peeks: Mutex<HashMap<ConversationId, (String, tokio::time::Instant)>>,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A poisoned lock only means that another thread panicked between two plain assignments.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection to a desk. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    cache: Cache,
    http: Option<Arc<Authorised>>,
    orders: mpsc::Sender<Order>,
    shared: Arc<Shared>,
    /// A first message to colleagues that the desk has not answered, with its name.
    unanswered: Mutex<Option<(Command, ClientId)>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Client {
    /// Starts to sync, in the runtime that this is called in. Events that nobody takes hold the sync up.
    pub fn start(
        settings: ClientSettings,
        cache: Cache,
        tokens: Arc<dyn TokenStore>,
        events: mpsc::Sender<ClientEvent>,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let (orders, received) = mpsc::channel(ORDERS);
        let http = Authorised::new(settings.address.clone(), tokens)
            .map(Arc::new)
            .map_err(|error| tracing::error!(%error, "no connection can be made"))
            .ok();
        if let Some(http) = &http {
            let driver = Driver::new(settings, cache.clone(), Arc::clone(http), Arc::clone(&shared), events);
            // The one task of a connection: owned by the tracker, ended by the token.
            tasks.spawn(driver.run(received, stop.clone()));
        }
        tasks.close();
        Self { inner: Arc::new(Inner { cache, http, orders, shared, unanswered: Mutex::default(), tasks, stop }) }
    }

    /// Queues a command, a message with files of its conversation's draft. It is on disk when this returns.
    ///
    /// # Errors
    /// `DiskFull`; nothing was queued then.
    pub async fn submit(&self, command: Command, files: Vec<ClientId>) -> Result<ClientId, ClientError> {
        self.submit_reply(command, files, Sending::default()).await
    }

    /// Queues a reply that can be kept back. It is on disk when this returns.
    ///
    /// # Errors
    /// `DiskFull`; nothing was queued then.
    pub async fn submit_reply(
        &self,
        command: Command,
        files: Vec<ClientId>,
        sending: Sending,
    ) -> Result<ClientId, ClientError> {
        let if_rev = sending.if_rev;
        let frame =
            CommandFrame { client_id: ClientId::from_bits(rand::random()), command, if_rev, client_time: now() };
        let id = frame.client_id.clone();
        let delay = Timestamp::try_from(sending.delay.as_millis()).unwrap_or(0);
        let queued_at = now();
        let hold_until = (delay > 0).then(|| queued_at.saturating_add(delay));
        let guard = Guard { hold_until, seen: sending.seen };
        let cache = self.inner.cache.clone();
        let queued = tokio::task::spawn_blocking(move || {
            cache.queue_guarded(&frame, &files, queued_at, guard)?;
            let files = cache.files_of(&frame.client_id)?;
            let state = OutboxState::Queued;
            Ok::<_, CacheError>(OutboxItem { frame, attachments: vec![], files, queued_at, state, guard, tried: false })
        });
        let item = queued.await??;
        self.order(Order::Queued(item)).await;
        Ok(id)
    }

    /// Sends a refused or held command again.
    ///
    /// # Errors
    /// `Internal` when it cannot be found.
    pub async fn retry(&self, id: ClientId) -> Result<(), ClientError> {
        let cache = self.inner.cache.clone();
        let found = tokio::task::spawn_blocking(move || cache.retry(&id)).await??;
        if let Some(item) = found {
            self.order(Order::Queued(item)).await;
        }
        Ok(())
    }

    /// Drops a command for good.
    ///
    /// # Errors
    /// `TooLate` when it may have been on its way.
    pub async fn discard(&self, id: ClientId) -> Result<(), ClientError> {
        let (answer, answered) = oneshot::channel();
        self.order(Order::Discard { id, answer }).await;
        answered.await.map_err(|_| ClientError::TooLate)?
    }

    /// Takes a message back: its text is unsent text of its conversation then, before what was typed since.
    ///
    /// # Errors
    /// `TooLate` when it may have been on its way; it stays queued then.
    pub async fn take_back(&self, id: ClientId) -> Result<TakenBack, ClientError> {
        let (answer, answered) = oneshot::channel();
        self.order(Order::TakeBack { id, answer }).await;
        answered.await.map_err(|_| ClientError::TooLate)?
    }

    /// Where a command stands. `None` when it is not the connection's: done, or refused.
    pub fn standing(&self, id: &ClientId) -> Option<Standing> {
        lock(&self.inner.shared.standings).get(id).copied()
    }

    /// Begins a conversation with a visitor, or finds the one at hand.
    ///
    /// # Errors
    /// `Offline` when the desk does not answer.
    pub async fn start_conversation(&self, visitor: VisitorId) -> Result<ConversationId, ClientError> {
        self.ask(ClientId::from_bits(rand::random()), Command::Start { visitor }).await
    }

    /// Writes to colleagues: in the direct conversation with one of them, or with a title in a new group. The same again
    /// after it was not answered is done once.
    ///
    /// # Errors
    /// `Offline` when the desk does not answer; `Refused`.
    pub async fn start_internal(
        &self,
        agents: Vec<AgentId>,
        title: String,
        text: String,
    ) -> Result<ConversationId, ClientError> {
        let command = Command::StartInternal { agents, title, text };
        let id = {
            let mut unanswered = lock(&self.inner.unanswered);
            match unanswered.take() {
                Some((same, id)) if same == command => id,
                _ => ClientId::from_bits(rand::random()),
            }
        };
        let answer = self.ask(id.clone(), command.clone()).await;
        if matches!(answer, Err(ClientError::Offline)) {
            *lock(&self.inner.unanswered) = Some((command, id));
        }
        answer
    }

    /// Asks for what leads to a conversation.
    async fn ask(&self, client_id: ClientId, command: Command) -> Result<ConversationId, ClientError> {
        if self.status().state != SyncState::Live {
            return Err(ClientError::Offline);
        }
        let (answer, answered) = oneshot::channel();
        let frame = CommandFrame { client_id, command, if_rev: None, client_time: now() };
        self.order(Order::Ask(frame, answer)).await;
        match tokio::time::timeout(ANSWER, answered).await {
            Ok(Ok(answer)) => answer.map(ConversationId),
            Ok(Err(_)) | Err(_) => Err(ClientError::Offline),
        }
    }

    /// Fetches messages with smaller numbers than `before` into the cache; without it, those below the newest that are
    /// there without a hole.
    ///
    /// # Errors
    /// `Offline` when the desk does not answer.
    pub async fn load_older(&self, conversation: ConversationId, before: Option<Number>) -> Result<(), ClientError> {
        if !matches!(self.status().state, SyncState::Live | SyncState::Syncing) {
            return Err(ClientError::Offline);
        }
        let cache = self.inner.cache.clone();
        let before = match before {
            Some(before) => before,
            None => {
                let oldest = tokio::task::spawn_blocking(move || cache.oldest_known(conversation)).await??;
                oldest.unwrap_or(i64::MAX)
            }
        };
        let (answer, answered) = oneshot::channel();
        self.order(Order::History { conversation, before, answer }).await;
        match tokio::time::timeout(ANSWER, answered).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(ClientError::Offline),
        }
    }

    /// Says what became of a ring here. Left out when too much is waiting already: it comes again.
    pub fn acknowledge_ring(&self, ack: RingAck) {
        if self.inner.orders.try_send(Order::RingAck(ack)).is_err() {
            tracing::debug!("what became of a ring was not told");
        }
    }

    /// Tells that I am typing. Left out when too much is waiting already.
    pub fn typing(&self, conversation: ConversationId, typing: bool) {
        if self.inner.orders.try_send(Order::Typing { conversation, typing }).is_err() {
            tracing::debug!("typing was not told");
        }
    }

    /// Copies a file into a conversation's draft. It is on this computer's disk when this returns, and goes to the desk
    /// with the message that takes it along.
    ///
    /// # Errors
    /// `DiskFull`; nothing was kept then.
    pub async fn add_file(
        &self,
        conversation: ConversationId,
        name: String,
        bytes: Vec<u8>,
    ) -> Result<FileRecord, ClientError> {
        let cache = self.inner.cache.clone();
        let added = tokio::task::spawn_blocking(move || {
            let id = ClientId::from_bits(rand::random());
            let digits: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            cache.add_file(conversation, &id, &name, &digits, &bytes)
        });
        Ok(added.await??)
    }

    /// Removes a file from a draft. False when a message has taken it along.
    ///
    /// # Errors
    /// `Internal` when the disk refuses.
    pub async fn remove_file(&self, id: ClientId) -> Result<bool, ClientError> {
        let cache = self.inner.cache.clone();
        let gone = id.clone();
        let removed = tokio::task::spawn_blocking(move || cache.remove_file(&gone)).await??;
        if removed && lock(&self.inner.shared.uploads).remove(&id).is_some() {
            // A message had begun to bring it to the desk, and was taken back.
            self.order(Order::GiveUp(vec![id])).await;
        }
        Ok(removed)
    }

    /// Bytes of a file that the desk has, as far as this run knows.
    pub fn uploaded(&self, file: &ClientId) -> i64 {
        lock(&self.inner.shared.uploads).get(file).copied().unwrap_or(0)
    }

    /// Fetches a file of at most 20 MB.
    ///
    /// # Errors
    /// `Offline`, or why the desk refuses.
    pub async fn download(&self, id: AttachmentId) -> Result<Vec<u8>, ClientError> {
        offline(self.http()?.download(id).await)
    }

    /// Where an agent is signed in, this computer included.
    ///
    /// # Errors
    /// `Offline`, or why the desk refuses.
    pub async fn devices(&self, agent: AgentId) -> Result<Vec<Device>, ClientError> {
        let answer = tokio::time::timeout(ANSWER, self.http()?.devices(agent)).await;
        offline(answer.map_err(|_| ClientError::Offline)?)
    }

    /// Signs an agent out on one device; without one, on all but this computer.
    ///
    /// # Errors
    /// `Offline`, or why the desk refuses.
    pub async fn revoke(&self, agent: AgentId, device: Option<i64>) -> Result<(), ClientError> {
        let answer = tokio::time::timeout(ANSWER, self.http()?.revoke(agent, device)).await;
        offline(answer.map_err(|_| ClientError::Offline)?).map(drop)
    }

    /// Asks the desk for messages that fit what was typed, and leaves out those that are on this computer.
    ///
    /// # Errors
    /// `Offline`, or why the desk refuses.
    pub async fn search(&self, typed: String, limit: u32) -> Result<Vec<FoundMessage>, ClientError> {
        let cache = self.inner.cache.clone();
        let asked = typed.clone();
        let (after, before) = tokio::task::spawn_blocking(move || cache.times(&asked)).await??;
        let mut query = vec![("q", typed), ("limit", limit.to_string())];
        query.extend(after.map(|after| ("after", after.to_string())));
        query.extend(before.map(|before| ("before", before.to_string())));
        let answer = tokio::time::timeout(ANSWER, self.http()?.search(&query)).await;
        let found = offline(answer.map_err(|_| ClientError::Offline)?)?;
        let cache = self.inner.cache.clone();
        let elsewhere = tokio::task::spawn_blocking(move || {
            let mut elsewhere = Vec::new();
            for message in found.messages {
                if cache.message(message.conversation, message.number)?.is_none() {
                    elsewhere.push(message);
                }
            }
            Ok::<_, CacheError>(elsewhere)
        });
        Ok(elsewhere.await??)
    }

    /// Tries to connect at once.
    pub fn retry_now(&self) {
        if self.inner.orders.try_send(Order::RetryNow).is_err() {
            tracing::debug!("a try is under way");
        }
    }

    /// Looks at once whether the connection has survived a change of the computer's network, and opens another one if
    /// it has not.
    pub fn network_changed(&self) {
        if self.inner.orders.try_send(Order::NetworkChanged).is_err() {
            tracing::debug!("more than enough to do");
        }
    }

    /// How fresh the cache is.
    pub fn status(&self) -> SyncStatus {
        lock(&self.inner.shared.status).clone()
    }

    /// Who is on the sites now. Empty without a connection, because nobody knows then.
    pub fn online(&self) -> Vec<VisitorPresence> {
        lock(&self.inner.shared.presence).online().collect()
    }

    /// Whether a visitor is known to be on no site. False while nobody knows: without a connection, and until it has told.
    pub fn has_left(&self, visitor: VisitorId) -> bool {
        lock(&self.inner.shared.presence).has_left(visitor)
    }

    /// The time by the desk's clock, as far as this computer knows it: only that tells how old a message is.
    pub fn desk_time(&self) -> Timestamp {
        now().saturating_add(self.inner.shared.ahead.load(Ordering::Relaxed))
    }

    /// Agents who are there now. Empty without a connection, because nobody knows then.
    pub fn agents_online(&self) -> Vec<AgentId> {
        lock(&self.inner.shared.agents).clone()
    }

    /// Conversations whose visitor is typing now.
    pub fn typing_in(&self) -> Vec<ConversationId> {
        let now = tokio::time::Instant::now();
        lock(&self.inner.shared.typing).iter().filter(|(_, until)| **until > now).map(|(id, _)| *id).collect()
    }

    /// What the visitor of a conversation is writing now, where the desk tells.
    pub fn peek_in(&self, conversation: ConversationId) -> Option<String> {
        let now = tokio::time::Instant::now();
        let peeks = lock(&self.inner.shared.peeks);
        peeks.get(&conversation).filter(|(_, until)| *until > now).map(|(text, _)| text.clone())
    }

    /// Ends the session at the desk, and forgets its tokens.
    ///
    /// # Errors
    /// When the desk could not be told; the tokens are forgotten all the same.
    pub async fn sign_out(&self) -> Result<(), ClientError> {
        self.http()?.sign_out().await
    }

    /// Ends the task and waits for it. The outbox stays on disk.
    pub async fn stop(&self) {
        self.inner.stop.cancel();
        self.inner.tasks.wait().await;
    }

    fn http(&self) -> Result<&Authorised, ClientError> {
        self.inner.http.as_deref().ok_or(ClientError::Offline)
    }

    async fn order(&self, order: Order) {
        // Without a task everything waits on disk for the next start.
        if self.inner.orders.send(order).await.is_err() {
            tracing::debug!("the connection has ended");
        }
    }
}

/// To a person who works, an unreachable desk is simply offline.
fn offline<T>(result: Result<T, ClientError>) -> Result<T, ClientError> {
    result.map_err(|error| match error {
        ClientError::Unreachable(_) => ClientError::Offline,
        other => other,
    })
}

/// This computer's clock.
pub(crate) fn now() -> Timestamp {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| Timestamp::try_from(since.as_millis()).unwrap_or(0))
}
