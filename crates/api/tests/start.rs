//! What Ann's app does at its start when the key of her databases is there, locked, or gone. A real desk, a real
//! cache, and a keychain that does as it is told.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use deskbell_api::types::{ApiError, ApiErrorCode, ConnectDesk, Draft, ForConversation, KeyPlace, Nothing, StartView};
use deskbell_api::{App, Host, HostFuture, Key, KeyAnswer, KeyRefusal, KeyStore, LocalDesk, Surroundings};
use deskbell_attention::{Alert, Calmed, Sound};
use deskbell_catalogue::Catalogue;
use deskbell_protocol::{ConversationId, Timestamp};
use deskbell_testkit::{ANN, TestDesk};
use url::Url;

const CHAT: ConversationId = ConversationId(100);

/// Holds one key, while it is open.
#[derive(Default)]
struct Keychain {
    held: Mutex<Option<(String, Key)>>,
    refusal: Mutex<Option<KeyRefusal>>,
}

impl KeyStore for Keychain {
    fn find(&self, name: &str) -> KeyAnswer {
        match *self.refusal.lock().unwrap() {
            Some(KeyRefusal::Locked) => KeyAnswer::Locked,
            Some(KeyRefusal::Unavailable) => KeyAnswer::Unavailable,
            None => match &*self.held.lock().unwrap() {
                Some((held, key)) if held == name => KeyAnswer::Found(key.clone()),
                _ => KeyAnswer::Missing,
            },
        }
    }

    fn keep(&self, name: &str, key: &Key) -> Result<(), KeyRefusal> {
        if let Some(refusal) = *self.refusal.lock().unwrap() {
            return Err(refusal);
        }
        *self.held.lock().unwrap() = Some((name.to_owned(), key.clone()));
        Ok(())
    }

    fn forget(&self, _: &str) {
        *self.held.lock().unwrap() = None;
    }
}

/// A program without windows, on a computer with this keychain.
struct Computer(Option<Arc<Keychain>>);

impl Host for Computer {
    fn now(&self) -> Timestamp {
        1_000
    }
    fn device(&self) -> String {
        "test".into()
    }
    fn language_tag(&self) -> String {
        "en".into()
    }
    fn alert(&self, _: Alert, _: &Catalogue) {}
    fn sound(&self, _: Sound) {}
    fn calm(&self, _: ConversationId, _: Calmed) {}
    fn surroundings(&self, _: &Surroundings, _: &Catalogue) {}
    fn open_in_browser(&self, _: &Url) -> Result<(), ApiError> {
        Ok(())
    }
    fn downloads(&self) -> PathBuf {
        std::env::temp_dir()
    }
    fn key_store(&self) -> Option<Arc<dyn KeyStore>> {
        self.0.clone().map(|keychain| keychain as Arc<dyn KeyStore>)
    }
    fn local_desk(&self) -> HostFuture<Result<LocalDesk, ApiError>> {
        Box::pin(async { Err(ApiError::internal("no desk in this test")) })
    }
}

/// The app as it was just started.
async fn started(directory: &Path, keychain: Option<&Arc<Keychain>>) -> (App, StartView) {
    let app = App::new(directory.to_owned(), Arc::new(Computer(keychain.cloned())));
    app.open().await;
    let view = app.start(Nothing {}).await.unwrap();
    (app, view)
}

async fn sign_in(app: &App, desk: &TestDesk) {
    let request = ConnectDesk { address: desk.address(), email: ANN.email.into(), password: ANN.password.into() };
    app.connect_desk(request).await.unwrap();
}

/// A directory in which Ann is signed in and has begun to write something.
async fn left_by_ann(desk: &TestDesk, keychain: Option<&Arc<Keychain>>) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let (app, view) = started(directory.path(), keychain).await;
    assert_eq!((view.account, view.fault), (None, None));
    sign_in(&app, desk).await;
    app.save_draft(Draft { conversation: CHAT, reply: "half a marmalade".into(), note: String::new() }).await.unwrap();
    app.stop().await;
    directory
}

async fn draft(app: &App) -> String {
    app.draft(ForConversation { conversation: CHAT }).await.unwrap().reply
}

fn files(directory: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory.join("account")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

fn code(view: &StartView) -> Option<ApiErrorCode> {
    view.fault.as_ref().map(|fault| fault.code)
}

#[tokio::test(flavor = "multi_thread")]
async fn with_its_key_the_app_opens_and_says_where_the_key_is() {
    let desk = TestDesk::start().await;
    for (keychain, place) in [(Some(Arc::default()), KeyPlace::Keychain), (None, KeyPlace::File)] {
        let directory = left_by_ann(&desk, keychain.as_ref()).await;
        let (app, view) = started(directory.path(), keychain.as_ref()).await;
        assert_eq!((view.account.unwrap().email.as_str(), view.fault), (ANN.email, None));
        assert_eq!((view.key_place, view.opening), (Some(place), false));
        assert_eq!(draft(&app).await, "half a marmalade");
        app.stop().await;
        assert_eq!(files(directory.path()).contains("key"), place == KeyPlace::File);
        for name in files(directory.path()) {
            let bytes = std::fs::read(directory.path().join("account").join(&name)).unwrap();
            for secret in ["marmalade", "refresh_token"] {
                let holds = bytes.windows(secret.len()).any(|piece| piece == secret.as_bytes());
                assert!(!holds, "{secret} stands in {name}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_keychain_is_waited_for_and_nothing_is_lost() {
    let desk = TestDesk::start().await;
    let keychain = Arc::default();
    let directory = left_by_ann(&desk, Some(&keychain)).await;
    let before = files(directory.path());
    for refusal in [KeyRefusal::Locked, KeyRefusal::Unavailable] {
        *keychain.refusal.lock().unwrap() = Some(refusal);
        let (app, view) = started(directory.path(), Some(&keychain)).await;
        assert_eq!((view.account.as_ref(), code(&view)), (None, Some(ApiErrorCode::KeychainLocked)));
        let refused = app.open_account(Nothing {}).await.unwrap_err();
        assert_eq!(refused.code, ApiErrorCode::KeychainLocked);
        // Not even signing in makes another key now.
        let request = ConnectDesk { address: desk.address(), email: ANN.email.into(), password: ANN.password.into() };
        assert_eq!(app.connect_desk(request).await.unwrap_err().code, ApiErrorCode::KeychainLocked);
        assert_eq!(files(directory.path()), before);
        *keychain.refusal.lock().unwrap() = None;
        app.open_account(Nothing {}).await.unwrap();
        let view = app.start(Nothing {}).await.unwrap();
        assert!(view.account.is_some() && view.fault.is_none());
        assert_eq!(draft(&app).await, "half a marmalade");
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_key_the_app_asks_for_one_sign_in_and_sets_the_old_databases_aside() {
    let desk = TestDesk::start().await;
    type Loss = fn(&Path, &Keychain);
    let losses: [Loss; 3] = [
        |_, keychain| *keychain.held.lock().unwrap() = None,
        |_, keychain| {
            if let Some((_, key)) = keychain.held.lock().unwrap().as_mut() {
                *key = Key::random();
            }
        },
        |directory, _| std::fs::remove_file(directory.join("account/key.json")).unwrap(),
    ];
    for lose in losses {
        let keychain = Arc::default();
        let directory = left_by_ann(&desk, Some(&keychain)).await;
        let old = std::fs::read(directory.path().join("account/outbox.db")).unwrap();
        lose(directory.path(), &keychain);
        let before = files(directory.path());
        let (app, view) = started(directory.path(), Some(&keychain)).await;
        assert_eq!((view.account.as_ref(), code(&view)), (None, Some(ApiErrorCode::Undecryptable)));
        assert_eq!(app.open_account(Nothing {}).await.unwrap_err().code, ApiErrorCode::Undecryptable);
        assert_eq!(files(directory.path()), before, "nothing happens by itself");
        sign_in(&app, &desk).await;
        let view = app.start(Nothing {}).await.unwrap();
        assert!(view.account.is_some() && view.fault.is_none());
        assert_eq!(draft(&app).await, "", "that one is in the old outbox");
        app.stop().await;
        let after = files(directory.path());
        let kept = after.iter().find(|name| name.starts_with("outbox.db.orphan-") && !name.ends_with("-wal")).unwrap();
        assert_eq!(std::fs::read(directory.path().join("account").join(kept)).unwrap(), old);
        assert!(after.iter().any(|name| name.starts_with("cache.db.orphan-")));
        let (app, view) = started(directory.path(), Some(&keychain)).await;
        assert!(view.account.is_some() && view.fault.is_none(), "one sign-in is enough");
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_removes_the_key_as_well() {
    let desk = TestDesk::start().await;
    let keychain = Arc::default();
    let directory = left_by_ann(&desk, Some(&keychain)).await;
    let (app, _) = started(directory.path(), Some(&keychain)).await;
    app.sign_out(Nothing {}).await.unwrap();
    assert!(keychain.held.lock().unwrap().is_none());
    assert!(!directory.path().join("account").exists());
    app.stop().await;
}
