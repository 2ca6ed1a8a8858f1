//! How accounts come and go: opened at the start, added, signed in again, signed out. Each has its own directory,
//! key, databases and connection, and none ever waits for another.

use std::sync::Arc;
use std::time::Duration;

use deskbell_cache::{Cache, OpenError};
use deskbell_client::{CacheTokenStore, Client, ClientSettings, TokenStore, find_desk, sign_in};
use deskbell_protocol::{SignIn, SignedIn};
use tokio::sync::mpsc;
use url::Url;

use crate::app::{Account, App, Session, Standing};
use crate::events::lock;
use crate::host::LocalDesk;
use crate::kept::Wanted;
use crate::keys::{self, Decision, Keys};
use crate::types::{AccountId, AccountView, ApiError, ApiErrorCode, AppEvent, ConnectDesk, Settings};

/// Accounts at the most: each has a connection and a reader's threads of its own.
const ACCOUNTS_MAX: usize = 8;

/// How long the keychain may take while nothing is on screen yet. The person can ask once more.
const PATIENCE_AT_START: Duration = Duration::from_secs(2);

/// How long whoever reads an account's databases may go on with it once they are to be deleted.
const PATIENCE_OF_READERS: Duration = Duration::from_secs(5);

/// How long the keychain may take when the person has just asked for something, and may have to type a password.
const PATIENCE_OF_PERSON: Duration = Duration::from_secs(60);

impl App {
    /// Opens the accounts that were signed in when the app last ran, all at once, and starts to sync. Each can be
    /// read as soon as it is open, which an event tells; a fault is kept for [`App::start`](Self::start) to tell.
    /// Returns whether there is none.
    pub async fn open(&self) -> bool {
        self.inner.tasks.spawn(self.clone().watch_network());
        let ids: Vec<AccountId> = lock(&self.inner.accounts).keys().copied().collect();
        if ids.is_empty() {
            self.refresh_surroundings().await;
        }
        let opening: Vec<_> = ids
            .into_iter()
            .map(|id| {
                let app = self.clone();
                self.inner.tasks.spawn(async move { app.open_with(id, PATIENCE_AT_START).await })
            })
            .collect();
        let mut all = true;
        for one in opening {
            all &= matches!(one.await, Ok(Ok(())));
        }
        all
    }

    /// Opens an account when it did not open before.
    pub(crate) async fn open_again(&self, id: AccountId) -> Result<(), ApiError> {
        self.open_with(id, PATIENCE_OF_PERSON).await
    }

    async fn open_with(&self, id: AccountId, patience: Duration) -> Result<(), ApiError> {
        let turn = self.turn(id)?;
        let _one_at_a_time = turn.lock().await;
        let Some(account) = self.closed(id) else { return Ok(()) };
        let opened = self.begin(account, patience).await;
        self.keep_fault(id, &opened).await;
        opened
    }

    pub(crate) fn turn(&self, id: AccountId) -> Result<Arc<tokio::sync::Mutex<()>>, ApiError> {
        let accounts = lock(&self.inner.accounts);
        Ok(Arc::clone(&accounts.get(&id).ok_or_else(|| ApiError::not_found("account"))?.turn))
    }

    /// An account that is there and not open.
    fn closed(&self, id: AccountId) -> Option<AccountView> {
        let accounts = lock(&self.inner.accounts);
        let account = accounts.get(&id)?;
        if let Standing::Open(_) = account.standing { None } else { Some(account.view.clone()) }
    }

    /// Keeps why an account is not open.
    pub(crate) async fn keep_fault(&self, id: AccountId, opened: &Result<(), ApiError>) {
        let Err(error) = opened else { return };
        tracing::error!(%id, %error, "the account could not be opened");
        if let Some(account) = lock(&self.inner.accounts).get_mut(&id) {
            account.standing = Standing::Closed(error.clone());
        }
        self.publish(&AppEvent::Account);
        self.refresh_surroundings().await;
    }

    pub(crate) fn keys(&self, id: AccountId) -> Keys {
        Keys::new(self.files().account_directory(id), self.host().key_store())
    }

    /// Signs in at a desk by address, e-mail and password: at one more, or again as an account that is there.
    pub(crate) async fn sign_in_at(&self, asked: ConnectDesk) -> Result<(), ApiError> {
        let ConnectDesk { account: again, address, email, password, code } = asked;
        let (address, _info) = find_desk(&address).await?;
        let email = email.trim();
        let request = SignIn {
            email: email.to_owned(),
            password,
            code: code.map(|code| code.trim().to_owned()).filter(|code| !code.is_empty()),
            device: self.host().device(),
            system: system(),
        };
        let is_there = |account: &AccountView| account.address == address.as_str();
        match again {
            // Who it is, the desk says: an agent's e-mail address may have been changed meanwhile.
            Some(id) => self.same(id, is_there)?,
            None => self.room_for_one(|account| is_there(account) && account.email.eq_ignore_ascii_case(email))?,
        }
        let signed_in = sign_in(&address, &request).await?;
        self.take_in(again, &address, &signed_in).await
    }

    /// Whether an account whose session is to begin again is this one.
    pub(crate) fn same(&self, id: AccountId, is_this: impl Fn(&AccountView) -> bool) -> Result<(), ApiError> {
        if lock(&self.inner.accounts).get(&id).is_some_and(|account| is_this(&account.view)) {
            return Ok(());
        }
        Err(ApiError::new(ApiErrorCode::Conflict, "another account is signed in"))
    }

    /// Whether one more account may be added, unless it is one of those that are there.
    pub(crate) fn room_for_one(&self, is_this: impl Fn(&AccountView) -> bool) -> Result<(), ApiError> {
        let accounts = lock(&self.inner.accounts);
        if accounts.values().any(|account| is_this(&account.view)) {
            return Err(ApiError::new(ApiErrorCode::SignedInAlready, "this person is signed in at this desk already"));
        }
        if accounts.len() >= ACCOUNTS_MAX {
            return Err(ApiError::new(ApiErrorCode::TooManyAccounts, format!("{ACCOUNTS_MAX} accounts are the most")));
        }
        Ok(())
    }

    /// Starts the desk inside this program and signs in at it.
    pub(crate) async fn sign_in_here(&self) -> Result<(), ApiError> {
        let _one_at_a_time = self.inner.adding.lock().await;
        let there = lock(&self.inner.accounts).values().find(|account| account.view.local).map(|found| found.view.id);
        if there.is_some_and(|id| self.session(id).is_ok()) {
            return Ok(());
        }
        if there.is_none() {
            self.room_for_one(|_| false)?;
        }
        let LocalDesk { address, signed_in } = self.host().local_desk().await?;
        if !self.files().has_settings() {
            // Whoever tries the app alone wants to see a chat come in, with nothing in its way, and answers go at once.
            self.keep_settings(Settings { open_boxes: true, undo_send: false, ..self.settings() })?;
        }
        let Some(id) = there else {
            let id = self.files().new_account()?;
            return self.adopt(id, &address, &signed_in, true).await;
        };
        let turn = self.turn(id)?;
        let _one_at_a_time = turn.lock().await;
        let adopted = self.adopt(id, &address, &signed_in, true).await;
        self.keep_fault(id, &adopted).await;
        adopted
    }

    pub(crate) async fn adopt(
        &self,
        id: AccountId,
        address: &Url,
        signed_in: &SignedIn,
        local: bool,
    ) -> Result<(), ApiError> {
        let cache = match self.session(id) {
            Ok(session) => {
                session.stop.cancel();
                session.client.stop().await;
                session.cache
            }
            Err(_) => match self.open_cache(id, PATIENCE_OF_PERSON).await {
                // Signing in is what the person was asked for when their databases did not open.
                Err(error) if error.code == ApiErrorCode::Undecryptable => self.renew_cache(id).await?,
                other => other?,
            },
        };
        let account = AccountView {
            id,
            agent: signed_in.agent.id,
            name: signed_in.agent.name.clone(),
            email: signed_in.agent.email.clone(),
            desk: signed_in.desk.clone(),
            address: address.to_string(),
            local,
        };
        self.files().save_account(&account)?;
        CacheTokenStore::new(cache.clone()).save(signed_in)?;
        self.run(account, cache).await
    }

    /// Opens an account known from an earlier run.
    async fn begin(&self, mut account: AccountView, patience: Duration) -> Result<(), ApiError> {
        if let Some(kept) = self.files().revoked(account.id) {
            // The app may have ended in the middle of it.
            self.wipe_files(account.id, kept).await?;
            return Err(revoked());
        }
        let cache = self.open_cache(account.id, patience).await?;
        if account.local {
            let LocalDesk { address, signed_in } = self.host().local_desk().await?;
            account.address = address.to_string();
            self.files().save_account(&account)?;
            CacheTokenStore::new(cache.clone()).save(&signed_in)?;
        }
        self.run(account, cache).await
    }

    /// Opens the databases with their key, and makes both where there are none.
    async fn open_cache(&self, id: AccountId, patience: Duration) -> Result<Cache, ApiError> {
        let directory = self.files().account_directory(id);
        if !directory.exists() {
            self.files().move_over()?;
        }
        let found = Cache::found(&directory)?;
        let keys = self.keys(id);
        let key = match keys.find(found, patience).await {
            Decision::Open(key) => key,
            Decision::Make => keys.make(patience).await?,
            Decision::Locked => return Err(keys::locked()),
            Decision::Undecryptable => {
                return Err(ApiError::new(ApiErrorCode::Undecryptable, "the key of the databases is gone"));
            }
        };
        let (old_session, old_pictures) = (self.files().old_session(id), self.files().old_pictures(id));
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
    async fn renew_cache(&self, id: AccountId) -> Result<Cache, ApiError> {
        let renamed = Cache::set_aside(&self.files().account_directory(id))?;
        tracing::warn!(?renamed, "databases without a key were set aside");
        self.keys(id).set_aside(&format!(".orphan-{}", self.host().now() / 1000))?;
        self.open_cache(id, PATIENCE_OF_PERSON).await
    }

    async fn run(&self, account: AccountView, cache: Cache) -> Result<(), ApiError> {
        let address =
            Url::parse(&account.address).map_err(|error| ApiError::new(ApiErrorCode::NotADesk, error.to_string()))?;
        let settings = ClientSettings {
            address,
            app: format!("deskbell {}", env!("CARGO_PKG_VERSION")),
            device: self.host().device(),
        };
        let (owned, me) = (cache.clone(), account.agent);
        tokio::task::spawn_blocking(move || owned.belongs_to(me)).await.map_err(ApiError::internal)??;
        let tokens = Arc::new(CacheTokenStore::new(cache.clone()));
        let (sender, receiver) = mpsc::channel(256);
        let client = Client::start(settings, cache.clone(), tokens, sender);
        let (wanted, files) = Wanted::new();
        let stop = self.inner.stop.child_token();
        let session = Session { account: account.clone(), cache, client, wanted, stop };
        self.calm_all(account.id);
        {
            let mut accounts = lock(&self.inner.accounts);
            let entry = accounts.entry(account.id).or_insert_with(|| Account::new(account.clone()));
            entry.view = account;
            entry.kept = None;
            entry.standing = Standing::Open(session.clone());
        }
        // All are owned by the tracker and end with the session's token.
        self.inner.tasks.spawn(self.clone().keep_files(session.clone(), files));
        self.inner.tasks.spawn(self.clone().tend(session.clone()));
        self.inner.tasks.spawn(self.clone().pump(session, receiver));
        self.publish(&AppEvent::Account);
        self.refresh_surroundings().await;
        Ok(())
    }

    /// Ends an account's session and removes it from this computer, with what this computer alone has only by `force`.
    /// The others are not touched.
    pub(crate) async fn leave(&self, id: AccountId, force: bool) -> Result<(), ApiError> {
        let turn = self.turn(id)?;
        let _one_at_a_time = turn.lock().await;
        if self.files().revoked(id).is_some() {
            // There is no session any more, and the person has been told what is kept.
            self.keys(id).forget(PATIENCE_AT_START).await;
            self.files().remove_account(id)?;
            lock(&self.inner.accounts).remove(&id);
            self.publish(&AppEvent::Account);
            self.refresh_surroundings().await;
            return Ok(());
        }
        let Session { account: _, cache, client, wanted: _, stop } = self.session(id)?;
        let counts = cache.outbox_counts()?;
        // What was done without a connection, such as closing a chat, is no message and would be lost as well.
        let loses = cache.undelivered()?.max(counts.unsent + counts.held);
        if loses > 0 && !force {
            return Err(ApiError::would_lose(loses));
        }
        if let Err(error) = client.sign_out().await {
            tracing::warn!(%error, "the desk was not told of the sign-out");
        }
        stop.cancel();
        client.stop().await;
        drop(client);
        lock(&self.inner.accounts).remove(&id);
        last_reader(id, cache).await;
        self.calm_all(id);
        self.keys(id).forget(PATIENCE_AT_START).await;
        let removed = self.files().remove_account(id);
        // Also when the system keeps some of it: nobody is signed in any more.
        self.publish(&AppEvent::Account);
        self.refresh_surroundings().await;
        Ok(removed?)
    }

    /// Somebody signed this computer out: what it keeps of the desk is deleted at once. What the person wrote and the
    /// desk never got exists nowhere else; it stays, encrypted, until they sign in again or remove the account.
    pub(crate) async fn wipe(&self, id: AccountId) -> Result<(), ApiError> {
        let turn = self.turn(id)?;
        let _one_at_a_time = turn.lock().await;
        let session = self.session(id)?;
        if session.client.status().state != deskbell_client::SyncState::Revoked {
            return Ok(());
        }
        let Session { account: view, cache, client, wanted: _, stop } = session;
        stop.cancel();
        client.stop().await;
        drop(client);
        // When it cannot be counted, nothing is thrown away that may be the only copy.
        let kept = cache.undelivered().unwrap_or(1);
        // A disk that takes no note of it, because it is full for one, keeps nothing from being deleted.
        if let Err(error) = self.files().save_revoked(&view, kept) {
            tracing::error!(%id, %error, "the next start does not know that this computer was signed out");
        }
        if let Some(account) = lock(&self.inner.accounts).get_mut(&id) {
            account.standing = Standing::Closed(revoked());
            account.kept = Some(kept);
        }
        tracing::warn!(%id, kept, "the desk signed this computer out; what it kept of the desk is deleted");
        last_reader(id, cache).await;
        let wiped = self.wipe_files(id, kept).await;
        self.calm_all(id);
        self.publish(&AppEvent::Account);
        self.refresh_surroundings().await;
        wiped
    }

    /// Deletes what is left. Whatever keeps it from being done, it is done at the next start.
    async fn wipe_files(&self, id: AccountId, kept: i64) -> Result<(), ApiError> {
        if kept == 0 {
            self.keys(id).forget(PATIENCE_AT_START).await;
            return Ok(self.files().empty_account(id)?);
        }
        let directory = self.files().account_directory(id);
        Cache::remove(&directory)?;
        if let Err(error) = self.wipe_outbox(id).await {
            tracing::error!(%id, %error, "what the desk has got stays in the outbox until the next start");
        }
        // Whoever opens the outbox makes an empty cache beside it.
        Ok(Cache::remove(&directory)?)
    }

    /// Deletes what the outbox has of the desk: copies of messages that arrived, and the session.
    async fn wipe_outbox(&self, id: AccountId) -> Result<(), ApiError> {
        let cache = self.open_cache(id, PATIENCE_AT_START).await?;
        let wiped = self.blocking(move || {
            CacheTokenStore::new(cache.clone()).clear();
            cache.forget_delivered()
        });
        wiped.await
    }
}

/// Waits for the last one who reads an account's databases. One that is closed late would take away the log of the next
/// one in its place.
async fn last_reader(id: AccountId, cache: Cache) {
    let alone = async {
        while cache.is_shared() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(PATIENCE_OF_READERS, alone).await.is_err() {
        tracing::warn!(%id, "something still reads what is deleted now");
    }
}

fn revoked() -> ApiError {
    ApiError::new(ApiErrorCode::Revoked, "the desk signed this computer out")
}

/// The operating system as people call it.
pub(crate) fn system() -> String {
    match std::env::consts::OS {
        "linux" => "Linux",
        "macos" => "macOS",
        "windows" => "Windows",
        other => other,
    }
    .to_owned()
}
