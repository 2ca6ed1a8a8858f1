//! A computer without windows, whose keychain does as it is told.
#![allow(dead_code, reason = "not every test looks at all of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use deskbell_api::types::{ApiError, ConnectDesk, Nothing, StartView};
use deskbell_api::{
    AccountId, App, ConversationRef, Host, HostFuture, Key, KeyAnswer, KeyRefusal, KeyStore, LocalDesk, Subscription,
    Surroundings,
};
use deskbell_attention::{Alert, Calmed, Sound};
use deskbell_catalogue::Catalogue;
use deskbell_protocol::Timestamp;
use deskbell_testkit::{ANN, PATIENCE, TestDesk};
use url::Url;

/// Holds keys, while it is open.
#[derive(Default)]
pub struct Keychain {
    pub held: Mutex<BTreeMap<String, Key>>,
    pub refusal: Mutex<Option<KeyRefusal>>,
    /// Keys that are not to be had as long as they are named here.
    silent: Mutex<BTreeSet<String>>,
    spoke: Condvar,
}

impl Keychain {
    /// Answers nothing about these keys, until it is told otherwise.
    pub fn keep_silent_about(&self, names: BTreeSet<String>) {
        *self.silent.lock().unwrap() = names;
        self.spoke.notify_all();
    }
}

impl KeyStore for Keychain {
    fn find(&self, name: &str) -> KeyAnswer {
        let silent = self.silent.lock().unwrap();
        drop(self.spoke.wait_while(silent, |silent| silent.contains(name)).unwrap());
        match *self.refusal.lock().unwrap() {
            Some(KeyRefusal::Locked) => KeyAnswer::Locked,
            Some(KeyRefusal::Unavailable) => KeyAnswer::Unavailable,
            None => self.held.lock().unwrap().get(name).cloned().map_or(KeyAnswer::Missing, KeyAnswer::Found),
        }
    }

    fn keep(&self, name: &str, key: &Key) -> Result<(), KeyRefusal> {
        if let Some(refusal) = *self.refusal.lock().unwrap() {
            return Err(refusal);
        }
        self.held.lock().unwrap().insert(name.to_owned(), key.clone());
        Ok(())
    }

    fn forget(&self, name: &str) {
        self.held.lock().unwrap().remove(name);
    }
}

/// A program without windows, on a computer with this keychain.
#[derive(Default)]
pub struct Computer {
    pub keychain: Option<Arc<Keychain>>,
    /// Everything it was told to alert of.
    pub alerts: Mutex<Vec<Alert<ConversationRef>>>,
    /// Whose alerts it was told to end.
    pub calmed: Mutex<Vec<ConversationRef>>,
    /// Where it saves files. `None`: among the system's temporary files.
    pub downloads: Option<PathBuf>,
    /// How far its clock is ahead, in days.
    pub days_later: AtomicI64,
    /// What its browser was told to open.
    pub opened: Mutex<Vec<Url>>,
    /// What its tray and badge show.
    pub shown: Mutex<Option<Surroundings>>,
}

impl Computer {
    pub fn with(keychain: Option<&Arc<Keychain>>) -> Arc<Self> {
        Arc::new(Self { keychain: keychain.cloned(), ..Self::default() })
    }
}

impl Host for Computer {
    fn now(&self) -> Timestamp {
        let now: Timestamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap();
        now + self.days_later.load(Ordering::Relaxed) * 24 * 60 * 60 * 1000
    }
    fn device(&self) -> String {
        "test".into()
    }
    fn language_tag(&self) -> String {
        "en".into()
    }
    fn alert(&self, alert: Alert<ConversationRef>, _: &Catalogue) -> bool {
        self.alerts.lock().unwrap().push(alert);
        true
    }
    fn sound(&self, _: Sound) {}
    fn calm(&self, conversation: ConversationRef, _: Calmed) {
        self.calmed.lock().unwrap().push(conversation);
    }
    fn surroundings(&self, surroundings: &Surroundings, _: &Catalogue) {
        *self.shown.lock().unwrap() = Some(surroundings.clone());
    }
    fn open_in_browser(&self, page: &Url) -> Result<(), ApiError> {
        self.opened.lock().unwrap().push(page.clone());
        Ok(())
    }
    fn downloads(&self) -> PathBuf {
        self.downloads.clone().unwrap_or_else(std::env::temp_dir)
    }
    fn key_store(&self) -> Option<Arc<dyn KeyStore>> {
        self.keychain.clone().map(|keychain| keychain as Arc<dyn KeyStore>)
    }
    fn local_desk(&self) -> HostFuture<Result<LocalDesk, ApiError>> {
        Box::pin(async { Err(ApiError::internal("no desk in this test")) })
    }
}

/// The app as it was just started.
pub async fn started(directory: &Path, computer: &Arc<Computer>) -> (App, StartView) {
    let app = App::new(directory.to_owned(), Arc::<Computer>::clone(computer));
    app.open().await;
    let view = app.start(Nothing {}).await.unwrap();
    (app, view)
}

/// Ann signs in at a desk: at one more, or again.
pub fn ann_at(desk: &TestDesk, account: Option<AccountId>) -> ConnectDesk {
    ConnectDesk { account, address: desk.address(), email: ANN.email.into(), password: ANN.password.into(), code: None }
}

/// Waits until something is so, looking again whenever the page would.
pub async fn until<T, F: Future<Output = Option<T>>>(events: &Subscription, what: &str, look: impl Fn() -> F) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            events.next().await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("never came: {what}"))
}
