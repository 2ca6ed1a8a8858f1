//! The app: its accounts, its settings, and everything that runs for them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use deskbell_attention::{AlertKeeper, Connection};
use deskbell_cache::Cache;
use deskbell_catalogue::Catalogue;
use deskbell_client::{Client, SyncStatus};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::alerts::Raised;
use crate::events::{Publisher, Subscription, lock};
use crate::host::{Host, Surroundings};
use crate::kept::Wanted;
use crate::merged;
use crate::provider::AtProvider;
use crate::store::Files;
use crate::types::{
    AccountCounts, AccountId, AccountState, AccountSync, AccountView, ApiError, ApiErrorCode, AppEvent,
    ConversationRef, Counts, Language, Settings, SyncState, SyncView,
};

/// What an open account runs on.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) account: AccountView,
    pub(crate) cache: Cache,
    pub(crate) client: Client,
    pub(crate) wanted: Wanted,
    /// Ends the pump of this session.
    pub(crate) stop: CancellationToken,
}

/// What has become of an account.
#[derive(Clone)]
pub(crate) enum Standing {
    /// Nobody knows yet whether it opens.
    Opening,
    Open(Session),
    Closed(ApiError),
}

/// One of the accounts. None of them ever waits for another.
pub(crate) struct Account {
    pub(crate) view: AccountView,
    pub(crate) standing: Standing,
    /// The desk signed this computer out, and so many messages and drafts that it never got are kept.
    pub(crate) kept: Option<i64>,
    /// One start, sign-in or sign-out of this account at a time.
    pub(crate) turn: Arc<tokio::sync::Mutex<()>>,
}

impl Account {
    pub(crate) fn new(view: AccountView) -> Self {
        Self { view, standing: Standing::Opening, kept: None, turn: Arc::default() }
    }
}

pub(crate) struct Inner {
    host: Arc<dyn Host>,
    files: Files,
    settings: Mutex<Settings>,
    pub(crate) accounts: Mutex<BTreeMap<AccountId, Account>>,
    /// One account is added at a time.
    pub(crate) adding: tokio::sync::Mutex<()>,
    /// The sign-in that goes on in the browser.
    pub(crate) at_provider: Mutex<Option<Arc<AtProvider>>>,
    publisher: Publisher,
    pub(crate) focus: Mutex<Option<ConversationRef>>,
    /// One for all accounts: what rings, rings once.
    pub(crate) keeper: Mutex<AlertKeeper<ConversationRef>>,
    /// What became of the alerts that are up.
    pub(crate) raised: Mutex<BTreeMap<ConversationRef, Raised>>,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

/// The app without its windows. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub(crate) inner: Arc<Inner>,
}

impl App {
    /// Takes the app's directory and the program around it. Nothing is opened yet.
    pub fn new(directory: PathBuf, host: Arc<dyn Host>) -> Self {
        let files = Files::new(directory);
        let settings = files.settings();
        let account = |view: AccountView| {
            let kept = files.revoked(view.id);
            (view.id, Account { kept, ..Account::new(view) })
        };
        let accounts = files.accounts().into_iter().map(account).collect();
        Self {
            inner: Arc::new(Inner {
                host,
                files,
                settings: Mutex::new(settings),
                accounts: Mutex::new(accounts),
                adding: tokio::sync::Mutex::new(()),
                at_provider: Mutex::default(),
                publisher: Publisher::default(),
                focus: Mutex::new(None),
                keeper: Mutex::new(AlertKeeper::default()),
                raised: Mutex::default(),
                tasks: TaskTracker::new(),
                stop: CancellationToken::new(),
            }),
        }
    }

    /// Starts listening to events.
    pub fn subscribe(&self) -> Subscription {
        self.inner.publisher.subscribe()
    }

    /// Asks the page for a conversation: from a toast, the tray, or a second start.
    pub fn ask_for(&self, conversation: Option<ConversationRef>) {
        self.inner.publisher.publish(&AppEvent::Open { conversation });
    }

    /// Ends all work. What is in the outboxes stays on disk.
    pub async fn stop(&self) {
        self.inner.stop.cancel();
        let accounts = std::mem::take(&mut *lock(&self.inner.accounts));
        for account in accounts.into_values() {
            if let Standing::Open(session) = account.standing {
                session.stop.cancel();
                session.client.stop().await;
            }
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
        self.publish(&AppEvent::Account);
        Ok(())
    }

    pub(crate) fn host(&self) -> &dyn Host {
        &*self.inner.host
    }

    pub(crate) fn files(&self) -> &Files {
        &self.inner.files
    }

    /// Every account and what has become of it.
    pub(crate) fn account_states(&self) -> Vec<AccountState> {
        let found: Vec<(AccountView, Standing, Option<i64>)> = {
            let accounts = lock(&self.inner.accounts);
            accounts.values().map(|account| (account.view.clone(), account.standing.clone(), account.kept)).collect()
        };
        let state = |(account, standing, kept): (AccountView, Standing, Option<i64>)| AccountState {
            key_place: self.keys(account.id).place(),
            open: matches!(standing, Standing::Open(_)),
            sync: sync_of(&standing),
            fault: if let Standing::Closed(fault) = standing { Some(fault) } else { None },
            kept,
            account,
        };
        found.into_iter().map(state).collect()
    }

    /// What an open account runs on.
    pub(crate) fn session(&self, account: AccountId) -> Result<Session, ApiError> {
        let accounts = lock(&self.inner.accounts);
        match accounts.get(&account).map(|account| &account.standing) {
            Some(Standing::Open(session)) => Ok(session.clone()),
            Some(Standing::Closed(fault)) => Err(fault.clone()),
            Some(Standing::Opening) | None => Err(signed_out()),
        }
    }

    /// Every open account, or the one that is asked for. If there is none: why.
    pub(crate) fn sessions(&self, only: Option<AccountId>) -> Result<Vec<Session>, ApiError> {
        if let Some(only) = only {
            return Ok(vec![self.session(only)?]);
        }
        let accounts = lock(&self.inner.accounts);
        let mut open = Vec::new();
        let mut fault = None;
        for account in accounts.values() {
            match &account.standing {
                Standing::Open(session) => open.push(session.clone()),
                Standing::Closed(error) => fault = fault.or(Some(error)),
                Standing::Opening => {}
            }
        }
        if open.is_empty() { Err(fault.cloned().unwrap_or_else(signed_out)) } else { Ok(open) }
    }

    /// Reads or writes an account's cache without holding up anybody else. What has begun ends before the app does.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        account: AccountId,
        query: impl FnOnce(&Session) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let session = self.session(account)?;
        self.inner.tasks.spawn_blocking(move || query(&session)).await.map_err(ApiError::internal)?
    }

    /// Reads the caches of all open accounts at once, or of one. An account that cannot be read is left out, so that
    /// the others stay usable, unless none can.
    pub(crate) async fn read_all<T: Send + 'static>(
        &self,
        only: Option<AccountId>,
        query: impl Fn(&Session) -> Result<T, ApiError> + Clone + Send + 'static,
    ) -> Result<Vec<T>, ApiError> {
        let readers: Vec<_> = self
            .sessions(only)?
            .into_iter()
            .map(|session| {
                let query = query.clone();
                self.inner.tasks.spawn_blocking(move || query(&session))
            })
            .collect();
        let mut found = Vec::new();
        let mut fault = None;
        for reader in readers {
            match reader.await.map_err(ApiError::internal)? {
                Ok(answer) => found.push(answer),
                Err(error) => {
                    tracing::error!(%error, "an account could not be read");
                    fault = Some(error);
                }
            }
        }
        match fault {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }

    /// Runs something that ends by itself, for as long as the app lives.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        job: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.inner.tasks.spawn(job)
    }

    pub(crate) fn focus_on(&self, conversation: Option<ConversationRef>) {
        *lock(&self.inner.focus) = conversation;
    }

    /// The state of every connection, for the page.
    pub(crate) fn syncs(&self) -> Vec<AccountSync> {
        let accounts = lock(&self.inner.accounts);
        let sync = |(&account, found): (&AccountId, &Account)| AccountSync { account, sync: sync_of(&found.standing) };
        accounts.iter().map(sync).collect()
    }

    pub(crate) async fn refresh_surroundings(&self) {
        let counts = self.counts().await.unwrap_or_default();
        self.show_surroundings(&merged::total(&counts));
    }

    /// Numbers of the side bar, the badge and the tray, of every open account.
    pub(crate) async fn counts(&self) -> Result<Vec<AccountCounts>, ApiError> {
        self.read_all(None, |session| {
            let record = session.cache.counts(session.account.agent)?;
            let counts = Counts {
                open: record.open,
                waiting: record.waiting,
                mine: record.mine,
                snoozed: record.snoozed,
                closed: record.closed,
                unread: record.unread,
                team_unread: record.team_unread,
                waiting_since: record.waiting_since,
            };
            Ok(AccountCounts { account: session.account.id, counts })
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

    pub(crate) fn show_surroundings(&self, counts: &Counts) {
        // What colleagues write is as unread as what visitors do.
        let counts = Counts { unread: counts.unread + counts.team_unread, ..counts.clone() };
        let connection = Connection::of_all(self.syncs().into_iter().map(|account| match account.sync.state {
            SyncState::Live | SyncState::Syncing => Connection::Online,
            SyncState::Expired => Connection::Expired,
            SyncState::SignedOut | SyncState::Connecting | SyncState::Offline | SyncState::Version => {
                Connection::Offline
            }
        }));
        let surroundings = Surroundings {
            tray: deskbell_attention::tray(counts.waiting, counts.unread, connection),
            counts,
            connection,
            sounds: self.settings().sounds,
            language: self.language(),
        };
        self.host().surroundings(&surroundings, &self.catalogue());
    }
}

fn signed_out() -> ApiError {
    ApiError::new(ApiErrorCode::SignedOut, "nobody is signed in")
}

fn sync_of(standing: &Standing) -> SyncView {
    match standing {
        Standing::Open(session) => sync_view(&session.client.status()),
        Standing::Opening | Standing::Closed(_) => merged::nobody(),
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
            // Until the account is closed, which says why.
            Below::Revoked => SyncState::SignedOut,
            Below::Version => SyncState::Version,
        },
        synced_at: status.synced_at,
        over_http: status.over_http,
        offline_since: status.offline_since,
        unsent: status.unsent,
        refused: status.refused,
        held: status.held,
        last_event_at: status.last_event_at,
        lag: status.lag,
    }
}
