//! What Ann's app does at its start when the key of her databases is there, locked, or gone. A real desk, a real
//! cache, and a keychain that does as it is told.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)]

mod computer;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use computer::{Computer, Keychain, ann_at, until};
use deskbell_api::types::{
    AccountState, ApiErrorCode, Draft, ForAccount, ForConversation, KeyPlace, Nothing, SignOut, StartView,
};
use deskbell_api::{AccountId, App, ConversationRef, Key, KeyRefusal};
use deskbell_testkit::{ANN, TestDesk, Visitor};

const FIRST: AccountId = AccountId(1);

async fn started(directory: &Path, keychain: Option<&Arc<Keychain>>) -> (App, StartView) {
    computer::started(directory, &Computer::with(keychain)).await
}

/// The one account.
fn only(view: &StartView) -> &AccountState {
    assert_eq!(view.accounts.len(), 1);
    &view.accounts[0]
}

fn is_open(view: &StartView) -> bool {
    only(view).open && only(view).fault.is_none()
}

/// A directory in which Ann is signed in and has begun to write something, and where.
async fn left_by_ann(desk: &TestDesk, keychain: Option<&Arc<Keychain>>) -> (tempfile::TempDir, ConversationRef) {
    let mut vic = Visitor::arrive(desk, "Vic").await;
    vic.write("Do you have jam?").await;
    let chat = ConversationRef::new(FIRST, vic.read("Do you have jam?").await.conversation);
    let directory = tempfile::tempdir().unwrap();
    let (app, view) = started(directory.path(), keychain).await;
    assert_eq!(view.accounts, []);
    let events = app.subscribe();
    app.connect_desk(ann_at(desk, None)).await.unwrap();
    until(&events, "the chat", || async { app.conversation(ForConversation { conversation: chat }).await.ok() }).await;
    app.save_draft(Draft {
        conversation: chat,
        reply: "half a marmalade".into(),
        note: String::new(),
        mentions: vec![],
    })
    .await
    .unwrap();
    app.stop().await;
    (directory, chat)
}

async fn draft(app: &App, conversation: ConversationRef) -> String {
    app.draft(ForConversation { conversation }).await.unwrap().reply
}

fn files(directory: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory.join("accounts/1")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

fn code(view: &StartView) -> Option<ApiErrorCode> {
    only(view).fault.as_ref().map(|fault| fault.code)
}

#[tokio::test(flavor = "multi_thread")]
async fn with_its_key_the_app_opens_and_says_where_the_key_is() {
    let desk = TestDesk::start().await;
    for (keychain, place) in [(Some(Arc::default()), KeyPlace::Keychain), (None, KeyPlace::File)] {
        let (directory, chat) = left_by_ann(&desk, keychain.as_ref()).await;
        let (app, view) = started(directory.path(), keychain.as_ref()).await;
        assert!(is_open(&view));
        assert_eq!((only(&view).account.email.as_str(), only(&view).key_place), (ANN.email, Some(place)));
        assert_eq!(draft(&app, chat).await, "half a marmalade");
        app.stop().await;
        assert_eq!(files(directory.path()).contains("key"), place == KeyPlace::File);
        for name in files(directory.path()) {
            let bytes = std::fs::read(directory.path().join("accounts/1").join(&name)).unwrap();
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
    let (directory, chat) = left_by_ann(&desk, Some(&keychain)).await;
    let before = files(directory.path());
    for refusal in [KeyRefusal::Locked, KeyRefusal::Unavailable] {
        *keychain.refusal.lock().unwrap() = Some(refusal);
        let (app, view) = started(directory.path(), Some(&keychain)).await;
        assert_eq!((only(&view).open, code(&view)), (false, Some(ApiErrorCode::KeychainLocked)));
        let refused = app.open_account(ForAccount { account: FIRST }).await.unwrap_err();
        assert_eq!(refused.code, ApiErrorCode::KeychainLocked);
        // Not even signing in makes another key now.
        let refused = app.connect_desk(ann_at(&desk, Some(FIRST))).await.unwrap_err();
        assert_eq!(refused.code, ApiErrorCode::KeychainLocked);
        assert_eq!(files(directory.path()), before);
        *keychain.refusal.lock().unwrap() = None;
        app.open_account(ForAccount { account: FIRST }).await.unwrap();
        let view = app.start(Nothing {}).await.unwrap();
        assert!(is_open(&view));
        assert_eq!(draft(&app, chat).await, "half a marmalade");
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_key_the_app_asks_for_one_sign_in_and_sets_the_old_databases_aside() {
    let desk = TestDesk::start().await;
    type Loss = fn(&Path, &Keychain);
    let losses: [Loss; 3] = [
        |_, keychain| keychain.held.lock().unwrap().clear(),
        |_, keychain| {
            for key in keychain.held.lock().unwrap().values_mut() {
                *key = Key::random();
            }
        },
        |directory, _| std::fs::remove_file(directory.join("accounts/1/key.json")).unwrap(),
    ];
    for lose in losses {
        let keychain = Arc::default();
        let (directory, chat) = left_by_ann(&desk, Some(&keychain)).await;
        let old = std::fs::read(directory.path().join("accounts/1/outbox.db")).unwrap();
        lose(directory.path(), &keychain);
        let before = files(directory.path());
        let (app, view) = started(directory.path(), Some(&keychain)).await;
        assert_eq!((only(&view).open, code(&view)), (false, Some(ApiErrorCode::Undecryptable)));
        assert_eq!(
            app.open_account(ForAccount { account: FIRST }).await.unwrap_err().code,
            ApiErrorCode::Undecryptable
        );
        assert_eq!(files(directory.path()), before, "nothing happens by itself");
        app.connect_desk(ann_at(&desk, Some(FIRST))).await.unwrap();
        let view = app.start(Nothing {}).await.unwrap();
        assert!(is_open(&view));
        assert_eq!(draft(&app, chat).await, "", "that one is in the old outbox");
        app.stop().await;
        let after = files(directory.path());
        let kept = after.iter().find(|name| name.starts_with("outbox.db.orphan-") && !name.ends_with("-wal")).unwrap();
        assert_eq!(std::fs::read(directory.path().join("accounts/1").join(kept)).unwrap(), old);
        assert!(after.iter().any(|name| name.starts_with("cache.db.orphan-")));
        let (app, view) = started(directory.path(), Some(&keychain)).await;
        assert!(is_open(&view), "one sign-in is enough");
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_removes_the_key_as_well() {
    let desk = TestDesk::start().await;
    let keychain = Arc::default();
    let (directory, _) = left_by_ann(&desk, Some(&keychain)).await;
    let (app, _) = started(directory.path(), Some(&keychain)).await;
    app.sign_out(SignOut { account: FIRST, force: true }).await.unwrap();
    assert!(keychain.held.lock().unwrap().is_empty());
    assert!(!directory.path().join("accounts/1").exists());
    app.stop().await;
}
