//! The signed-in account and everything that runs for it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use deskbell_attention::{AlertKeeper, Arrival, Connection, Preferences, Situation};
use deskbell_cache::{Cache, Changed, ConversationRecord, OpenError};
use deskbell_catalogue::Catalogue;
use deskbell_client::{
    CacheTokenStore, Client, ClientEvent, ClientSettings, SyncStatus, TokenStore, find_desk, sign_in,
};
use deskbell_protocol::{
    Attachment, AttachmentId, ConversationId, ConversationState, Message, MessageKind, SignIn, SignedIn,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::events::{Publisher, Subscription, lock};
use crate::host::{Host, LocalDesk, Surroundings};
use crate::keys::{self, Decision, Keys};
use crate::store::Files;
use crate::types::{
    AccountView, ApiError, ApiErrorCode, AppEvent, Counts, KeyPlace, Language, Settings, SyncState, SyncView,
};
use crate::views;

/// The code of the desk's own message when a visitor's message reopens a conversation.
const REOPENED: &str = "reopened";

/// Uploads kept in memory until their message is sent, so that their pictures show.
const RECENT_UPLOADS_MAX: usize = 50;

/// How long the keychain may take while nothing is on screen yet. The person can ask once more.
const PATIENCE_AT_START: Duration = Duration::from_secs(2);

/// How long the keychain may take when the person has just asked for something, and may have to type a password.
const PATIENCE_OF_PERSON: Duration = Duration::from_secs(60);

/// What the signed-in account runs on.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) account: AccountView,
    pub(crate) cache: Cache,
    pub(crate) client: Client,
    /// Ends the pump of this session.
    stop: CancellationToken,
}

struct Inner {
    host: Arc<dyn Host>,
    files: Files,
    settings: Mutex<Settings>,
    session: Mutex<Option<Session>>,
    /// One sign-in, sign-out or start at a time.
    changing: tokio::sync::Mutex<()>,
    /// There is an account, and nobody knows yet whether it opens.
    opening: AtomicBool,
    fault: Mutex<Option<ApiError>>,
    publisher: Publisher,
    focus: Mutex<Option<ConversationId>>,
    keeper: Mutex<AlertKeeper>,
    uploads: Mutex<HashMap<AttachmentId, Attachment>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// The app without its windows. Cheap to clone.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

impl App {
    /// Takes the app's directory and the program around it. Nothing is opened yet.
    pub fn new(directory: PathBuf, host: Arc<dyn Host>) -> Self {
        let files = Files::new(directory);
        let settings = files.settings();
        let opening = AtomicBool::new(files.account().is_some());
        Self {
            inner: Arc::new(Inner {
                host,
                files,
                settings: Mutex::new(settings),
                session: Mutex::new(None),
                changing: tokio::sync::Mutex::new(()),
                opening,
                fault: Mutex::new(None),
                publisher: Publisher::default(),
                focus: Mutex::new(None),
                keeper: Mutex::new(AlertKeeper::default()),
                uploads: Mutex::new(HashMap::new()),
                tasks: TaskTracker::new(),
                stop: CancellationToken::new(),
            }),
        }
    }

    /// Opens the account that was signed in when the app last ran, if any, and starts to sync. The first screen
    /// can be drawn as soon as this returns; a fault is kept for [`App::start`](Self::start) to tell. Returns whether
    /// there is none.
    pub async fn open(&self) -> bool {
        self.open_with(PATIENCE_AT_START).await.is_ok()
    }

    /// Opens it when it did not open before.
    pub(crate) async fn open_again(&self) -> Result<(), ApiError> {
        self.open_with(PATIENCE_OF_PERSON).await
    }

    async fn open_with(&self, patience: Duration) -> Result<(), ApiError> {
        let _one_at_a_time = self.inner.changing.lock().await;
        let opened = match self.inner.files.account() {
            Some(account) if lock(&self.inner.session).is_none() => self.begin(account, patience).await,
            Some(_) => Ok(()),
            None => {
                self.show_surroundings(&Counts::default());
                Ok(())
            }
        };
        *lock(&self.inner.fault) = opened.clone().err();
        self.inner.opening.store(false, Ordering::Relaxed);
        if let Err(error) = &opened {
            tracing::error!(%error, "the account could not be opened");
            self.inner.publisher.publish(&AppEvent::Account);
        }
        opened
    }

    /// Starts listening to events.
    pub fn subscribe(&self) -> Subscription {
        self.inner.publisher.subscribe()
    }

    /// Asks the page for a conversation: from a toast, the tray, or a second start.
    pub fn ask_for(&self, conversation: Option<ConversationId>) {
        self.inner.publisher.publish(&AppEvent::Open { conversation });
    }

    /// Ends all work. What is in the outbox stays on disk.
    pub async fn stop(&self) {
        self.inner.stop.cancel();
        let session = lock(&self.inner.session).take();
        if let Some(session) = session {
            session.stop.cancel();
            session.client.stop().await;
        }
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    pub(crate) fn publish(&self, event: &AppEvent) {
        self.inner.publisher.publish(event);
    }

    /// What the person chose.
    pub fn settings(&self) -> Settings {
        lock(&self.inner.settings).clone()
    }

    pub(crate) fn keep_settings(&self, settings: Settings) -> Result<(), ApiError> {
        self.inner.files.save_settings(&settings)?;
        *lock(&self.inner.settings) = settings;
        self.inner.publisher.publish(&AppEvent::Account);
        Ok(())
    }

    pub(crate) fn host(&self) -> &dyn Host {
        &*self.inner.host
    }

    pub(crate) fn files(&self) -> &Files {
        &self.inner.files
    }

    /// Whether the account is being opened for the first time.
    pub(crate) fn is_opening(&self) -> bool {
        self.inner.opening.load(Ordering::Relaxed)
    }

    /// Where the key of the account's databases is.
    pub(crate) fn key_place(&self) -> Option<KeyPlace> {
        self.keys().place()
    }

    fn keys(&self) -> Keys {
        Keys::new(self.inner.files.account_directory(), self.host().key_store())
    }

    pub(crate) fn fault(&self) -> Option<ApiError> {
        lock(&self.inner.fault).clone()
    }

    pub(crate) fn session(&self) -> Result<Session, ApiError> {
        let session = lock(&self.inner.session).clone();
        session.ok_or_else(|| {
            self.fault().unwrap_or_else(|| ApiError::new(ApiErrorCode::SignedOut, "nobody is signed in"))
        })
    }

    /// Reads or writes the cache without holding up anybody else. What has begun ends before the app does.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Session) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let session = self.session()?;
        self.inner.tasks.spawn_blocking(move || query(&session)).await.map_err(ApiError::internal)?
    }

    pub(crate) fn focus_on(&self, conversation: Option<ConversationId>) {
        *lock(&self.inner.focus) = conversation;
    }

    pub(crate) fn remember_upload(&self, attachment: &Attachment) {
        let mut uploads = lock(&self.inner.uploads);
        if uploads.len() >= RECENT_UPLOADS_MAX {
            uploads.clear();
        }
        uploads.insert(attachment.id, attachment.clone());
    }

    pub(crate) fn recent_upload(&self, id: AttachmentId) -> Option<Attachment> {
        lock(&self.inner.uploads).get(&id).cloned()
    }

    /// The state of the connection, for the page.
    pub(crate) fn sync_view(&self) -> SyncView {
        match lock(&self.inner.session).as_ref() {
            Some(session) => sync_view(&session.client.status()),
            None => SyncView {
                state: SyncState::SignedOut,
                synced_at: None,
                offline_since: None,
                unsent: 0,
                refused: 0,
                held: 0,
                last_event_at: None,
                lag: 0,
            },
        }
    }

    /// Signs in at a desk by address, e-mail and password.
    pub(crate) async fn sign_in_at(&self, address: &str, email: &str, password: &str) -> Result<(), ApiError> {
        let _one_at_a_time = self.inner.changing.lock().await;
        let (address, _info) = find_desk(address).await?;
        let present = self.inner.files.account();
        let again = present.as_ref().is_some_and(|account| {
            account.address == address.as_str() && account.email.eq_ignore_ascii_case(email.trim())
        });
        if present.is_some() && !again {
            return Err(ApiError::new(ApiErrorCode::Conflict, "another account is signed in"));
        }
        let request =
            SignIn { email: email.trim().to_owned(), password: password.to_owned(), device: self.host().device() };
        let signed_in = sign_in(&address, &request).await?;
        self.adopt(&address, &signed_in, false).await
    }

    /// Starts the desk inside this program and signs in at it.
    pub(crate) async fn sign_in_here(&self) -> Result<(), ApiError> {
        let _one_at_a_time = self.inner.changing.lock().await;
        if self.inner.files.account().is_some_and(|account| !account.local) {
            return Err(ApiError::new(ApiErrorCode::Conflict, "another account is signed in"));
        }
        if lock(&self.inner.session).is_some() {
            return Ok(());
        }
        let LocalDesk { address, signed_in } = self.host().local_desk().await?;
        if !self.inner.files.has_settings() {
            // Whoever tries the app alone wants to see a chat come in, with nothing in its way, and answers go at once.
            self.keep_settings(Settings { open_boxes: true, undo_send: false, ..self.settings() })?;
        }
        self.adopt(&address, &signed_in, true).await
    }

    async fn adopt(&self, address: &Url, signed_in: &SignedIn, local: bool) -> Result<(), ApiError> {
        let running = lock(&self.inner.session).take();
        let cache = match running {
            Some(session) => {
                session.stop.cancel();
                session.client.stop().await;
                session.cache
            }
            None => match self.open_cache(PATIENCE_OF_PERSON).await {
                // Signing in is what the person was asked for when their databases did not open.
                Err(error) if error.code == ApiErrorCode::Undecryptable => self.renew_cache().await?,
                other => other?,
            },
        };
        let account = AccountView {
            agent: signed_in.agent.id,
            name: signed_in.agent.name.clone(),
            email: signed_in.agent.email.clone(),
            desk: signed_in.desk.clone(),
            address: address.to_string(),
            local,
        };
        self.inner.files.save_account(&account)?;
        CacheTokenStore::new(cache.clone()).save(signed_in)?;
        *lock(&self.inner.fault) = None;
        self.run(account, cache).await
    }

    /// Opens an account known from an earlier run.
    async fn begin(&self, mut account: AccountView, patience: Duration) -> Result<(), ApiError> {
        let cache = self.open_cache(patience).await?;
        if account.local {
            let LocalDesk { address, signed_in } = self.host().local_desk().await?;
            account.address = address.to_string();
            self.inner.files.save_account(&account)?;
            CacheTokenStore::new(cache.clone()).save(&signed_in)?;
        }
        self.run(account, cache).await
    }

    /// Opens the databases with their key, and makes both where there are none.
    async fn open_cache(&self, patience: Duration) -> Result<Cache, ApiError> {
        let directory = self.inner.files.account_directory();
        let found = Cache::found(&directory)?;
        let keys = self.keys();
        let key = match keys.find(found, patience).await {
            Decision::Open(key) => key,
            Decision::Make => keys.make(patience).await?,
            Decision::Locked => return Err(keys::locked()),
            Decision::Undecryptable => {
                return Err(ApiError::new(ApiErrorCode::Undecryptable, "the key of the databases is gone"));
            }
        };
        let (old_session, old_pictures) = (self.inner.files.old_session(), self.inner.files.old_pictures());
        let opening = tokio::task::spawn_blocking(move || {
            let cache = Cache::open(&directory, &key)?;
            CacheTokenStore::new(cache.clone()).take_over(&old_session).map_err(OpenError::from)?;
            // They can be fetched again, and must not stay in clear text.
            match std::fs::remove_dir_all(&old_pictures) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
            Ok::<_, OpenError>(cache)
        });
        Ok(opening.await.map_err(ApiError::internal)??)
    }

    /// Sets databases aside whose key is gone, and begins anew with another one. Nothing is deleted.
    async fn renew_cache(&self) -> Result<Cache, ApiError> {
        let renamed = Cache::set_aside(&self.inner.files.account_directory())?;
        tracing::warn!(?renamed, "databases without a key were set aside");
        self.keys().set_aside(&format!(".orphan-{}", self.host().now() / 1000))?;
        self.open_cache(PATIENCE_OF_PERSON).await
    }

    async fn run(&self, account: AccountView, cache: Cache) -> Result<(), ApiError> {
        let address =
            Url::parse(&account.address).map_err(|error| ApiError::new(ApiErrorCode::NotADesk, error.to_string()))?;
        let settings = ClientSettings {
            address,
            app: format!("deskbell {}", env!("CARGO_PKG_VERSION")),
            device: self.host().device(),
        };
        let tokens = Arc::new(CacheTokenStore::new(cache.clone()));
        let (sender, receiver) = mpsc::channel(256);
        let client = Client::start(settings, cache.clone(), tokens, sender);
        let session = Session { account, cache, client, stop: self.inner.stop.child_token() };
        *lock(&self.inner.session) = Some(session.clone());
        lock(&self.inner.keeper).clear();
        // The pump is owned by the tracker and ends with the session's token.
        self.inner.tasks.spawn(self.clone().pump(session, receiver));
        self.inner.publisher.publish(&AppEvent::Account);
        self.refresh_surroundings().await;
        Ok(())
    }

    /// Ends the session and removes the account from this computer.
    pub(crate) async fn leave(&self) -> Result<(), ApiError> {
        let _one_at_a_time = self.inner.changing.lock().await;
        let session = self.session()?;
        let counts = session.cache.outbox_counts()?;
        let unsent = counts.unsent + counts.held;
        if unsent > 0 {
            return Err(ApiError::new(ApiErrorCode::Conflict, format!("{unsent} commands are not sent yet")));
        }
        if let Err(error) = session.client.sign_out().await {
            tracing::warn!(%error, "the desk was not told of the sign-out");
        }
        session.stop.cancel();
        session.client.stop().await;
        *lock(&self.inner.session) = None;
        drop(session);
        self.keys().forget(PATIENCE_AT_START).await;
        self.inner.files.remove_account()?;
        self.inner.publisher.publish(&AppEvent::Account);
        self.show_surroundings(&Counts::default());
        Ok(())
    }

    /// Hands the client's events to the pages and raises alerts, until the session ends.
    async fn pump(self, session: Session, mut events: mpsc::Receiver<ClientEvent>) {
        let mut repeat = tokio::time::interval(std::time::Duration::from_secs(1));
        loop {
            tokio::select! {
                () = session.stop.cancelled() => return,
                event = events.recv() => match event {
                    Some(event) => self.take(&session, event).await,
                    None => return,
                },
                _ = repeat.tick() => {
                    let due = lock(&self.inner.keeper).due(self.host().now(), &preferences(&self.settings()));
                    if let Some(sound) = due {
                        self.host().sound(sound);
                    }
                }
            }
        }
    }

    async fn take(&self, session: &Session, event: ClientEvent) {
        match event {
            ClientEvent::Changed(Changed { conversations, visitors, canned_texts, .. }) => {
                let changed: Vec<ConversationId> = conversations.iter().copied().collect();
                self.calm(session, &changed).await;
                self.inner.publisher.publish(&AppEvent::Changed {
                    conversations: conversations.into_iter().collect(),
                    visitors,
                    canned_texts,
                });
                self.refresh_surroundings().await;
            }
            ClientEvent::Sync(status) => {
                self.inner.publisher.publish(&AppEvent::Sync { sync: sync_view(&status) });
                self.refresh_surroundings().await;
            }
            ClientEvent::Presence => {
                // Without a connection nobody knows who left, and a ring goes on.
                if session.client.status().state == deskbell_client::SyncState::Live {
                    let ringing: Vec<ConversationId> = lock(&self.inner.keeper).ringing().collect();
                    self.calm(session, &ringing).await;
                }
                self.inner.publisher.publish(&AppEvent::Changed {
                    conversations: vec![],
                    visitors: true,
                    canned_texts: false,
                });
            }
            ClientEvent::Typing(conversation) => {
                self.inner.publisher.publish(&AppEvent::Changed {
                    conversations: vec![conversation],
                    visitors: false,
                    canned_texts: false,
                });
            }
            ClientEvent::Arrived(messages) => self.arrive(session, messages).await,
        }
    }

    /// Raises an alert for every conversation in which a visitor wrote, once each.
    async fn arrive(&self, session: &Session, messages: Vec<Message>) {
        let mut newest: HashMap<ConversationId, (Message, i64)> = HashMap::new();
        for message in messages {
            let news = newest.get(&message.conversation).map_or(1, |(_, news)| news + 1);
            newest.insert(message.conversation, (message, news));
        }
        for (message, news) in newest.into_values() {
            let cache = session.cache.clone();
            let id = message.conversation;
            let number = message.number;
            let found = tokio::task::spawn_blocking(move || {
                let record = cache.conversation(id)?;
                let before = cache.message(id, number - 1)?;
                Ok::<_, deskbell_cache::CacheError>(record.zip(Some(before)))
            });
            let (record, before) = match found.await {
                Ok(Ok(Some(found))) => found,
                Ok(Ok(None)) => continue,
                Ok(Err(error)) => {
                    tracing::error!(%error, "no alert: the conversation could not be read");
                    continue;
                }
                Err(error) => {
                    tracing::error!(%error, "no alert: the reader failed");
                    continue;
                }
            };
            let now = self.host().now();
            if now.saturating_sub(message.created_at) > views::ALERT_AGE_MAX || record.my_read >= message.number {
                continue;
            }
            let settings = self.settings();
            let situation = Situation {
                focused: *lock(&self.inner.focus),
                preferences: preferences(&settings),
                me: session.account.agent,
            };
            let arrival = Arrival {
                conversation: id,
                message_number: message.number,
                // Nothing was read, and nothing is unread but what came just now.
                first_of_conversation: record.my_read == 0 && record.unread <= news,
                reopened: before.is_some_and(|before| before.kind == MessageKind::System && before.text == REOPENED),
                assignee: record.conversation.assignee,
                visitor_name: self.name_of(&record),
                text: message.text,
                file: message.attachments.first().map(|attachment| attachment.name.clone()),
            };
            let alert = deskbell_attention::decide(&situation, &arrival);
            let alert = lock(&self.inner.keeper).raise(alert, now);
            if alert.rings {
                self.inner.publisher.publish(&AppEvent::Ring { conversations: vec![id] });
            }
            self.host().alert(alert, &self.catalogue());
        }
    }

    /// Ends the alerts of conversations that were read, taken or closed. A ring ends with whoever takes the chat
    /// and when the visitor leaves; a message in a chat of mine wants attention until I have read it.
    async fn calm(&self, session: &Session, conversations: &[ConversationId]) {
        let (wanting, ringing): (Vec<ConversationId>, Vec<ConversationId>) = {
            let keeper = lock(&self.inner.keeper);
            (keeper.wanting().collect(), keeper.ringing().collect())
        };
        let online = session.client.online();
        for &id in conversations.iter().filter(|id| wanting.contains(id)) {
            let cache = session.cache.clone();
            let over = match tokio::task::spawn_blocking(move || cache.conversation(id)).await {
                Ok(Ok(Some(record))) => {
                    let head = &record.conversation;
                    let taken =
                        head.assignee.is_some_and(|agent| ringing.contains(&id) || agent != session.account.agent);
                    let left = ringing.contains(&id) && !online.iter().any(|presence| presence.visitor == head.visitor);
                    record.unread == 0 || head.state == ConversationState::Closed || taken || left
                }
                Ok(Ok(None)) => true,
                Ok(Err(error)) => {
                    tracing::error!(%error, "an alert goes on: the conversation could not be read");
                    false
                }
                Err(error) => {
                    tracing::error!(%error, "an alert goes on: the reader failed");
                    false
                }
            };
            if over && let Some(calmed) = lock(&self.inner.keeper).calm(id) {
                self.host().calm(id, calmed);
            }
        }
    }

    pub(crate) async fn refresh_surroundings(&self) {
        let counts = self.counts().await.unwrap_or_default();
        self.show_surroundings(&counts);
    }

    /// Numbers of the side bar, the badge and the tray.
    pub(crate) async fn counts(&self) -> Result<Counts, ApiError> {
        self.read(|session| {
            let record = session.cache.counts(session.account.agent)?;
            Ok(Counts {
                open: record.open,
                waiting: record.waiting,
                mine: record.mine,
                closed: record.closed,
                unread: record.unread,
                waiting_since: record.waiting_since,
            })
        })
        .await
    }

    /// Native words in the language that is set, or the system's.
    pub fn catalogue(&self) -> Catalogue {
        Catalogue::new(self.language())
    }

    fn language(&self) -> deskbell_catalogue::Language {
        use deskbell_catalogue::Language as Word;
        match self.settings().language {
            Some(Language::En) => Word::En,
            Some(Language::Es) => Word::Es,
            Some(Language::Ru) => Word::Ru,
            None => Word::from_tag(&self.host().language_tag()),
        }
    }

    fn name_of(&self, record: &ConversationRecord) -> String {
        match record.contact_name.as_str() {
            "" => self.catalogue().visitor_numbered(record.visitor_number),
            name => name.to_owned(),
        }
    }

    fn show_surroundings(&self, counts: &Counts) {
        let connection = match self.sync_view().state {
            SyncState::Live | SyncState::Syncing => Connection::Online,
            SyncState::Expired => Connection::Expired,
            SyncState::SignedOut | SyncState::Connecting | SyncState::Offline | SyncState::Version => {
                Connection::Offline
            }
        };
        let surroundings = Surroundings {
            tray: deskbell_attention::tray(counts.waiting, counts.unread, connection),
            counts: counts.clone(),
            connection,
            sounds: self.settings().sounds,
            language: self.language(),
        };
        self.host().surroundings(&surroundings, &self.catalogue());
    }
}

fn preferences(settings: &Settings) -> Preferences {
    Preferences {
        toasts: settings.toasts,
        sounds: settings.sounds,
        flash: settings.flash,
        hide_text: settings.hide_text,
    }
}

fn sync_view(status: &SyncStatus) -> SyncView {
    use deskbell_client::SyncState as Below;
    SyncView {
        state: match status.state {
            Below::Connecting => SyncState::Connecting,
            Below::Syncing => SyncState::Syncing,
            Below::Live => SyncState::Live,
            Below::Offline => SyncState::Offline,
            Below::Expired => SyncState::Expired,
            Below::Version => SyncState::Version,
        },
        synced_at: status.synced_at,
        offline_since: status.offline_since,
        unsent: status.unsent,
        refused: status.refused,
        held: status.held,
        last_event_at: status.last_event_at,
        lag: status.lag,
    }
}
