//! Ann loses her laptop, and Ben signs it out: what it keeps of the desk is gone, and what she wrote and the desk never
//! got is not. A real desk, a real cache.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)]

mod computer;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use computer::{Computer, Keychain, ann_at, started, until};
use deskbell_api::types::*;
use deskbell_api::{AccountId, App, ConversationRef, Subscription};
use deskbell_cache::Cache;
use deskbell_client::{CacheTokenStore, TokenStore as _};
use deskbell_protocol::{ClientId, MessageKind};
use deskbell_testkit::{TestDesk, Visitor};

const FIRST: AccountId = AccountId(1);

/// The only chat, once it is there.
async fn chat(app: &App, events: &Subscription) -> ConversationRef {
    until(events, "the chat", || async {
        let asked = ListConversations { folder: Folder::Open, account: None, limit: 50 };
        let rows = app.list_conversations(asked).await.ok()?.rows;
        rows.first().map(|row| row.id)
    })
    .await
}

async fn account(app: &App) -> AccountState {
    app.start(Nothing {}).await.unwrap().accounts.remove(0)
}

async fn until_wiped(app: &App, events: &Subscription) -> AccountState {
    until(events, "the account is closed", || async {
        let found = account(app).await;
        found.fault.as_ref().is_some_and(|fault| fault.code == ApiErrorCode::Revoked).then_some(found)
    })
    .await
}

fn files(directory: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory.join("accounts/1")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// Ben signs Ann out, wherever she is.
async fn ben_signs_ann_out(desk: &TestDesk) {
    assert_eq!(desk.sign_out_everywhere(&desk.ann).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn dk_01_a_laptop_that_is_signed_out_while_it_is_connected_keeps_nothing() {
    let desk = TestDesk::start().await;
    let keychain = Arc::<Keychain>::default();
    let (directory, computer) = (tempfile::tempdir().unwrap(), Computer::with(Some(&keychain)));
    let (app, _) = started(directory.path(), &computer).await;
    let events = app.subscribe();
    app.connect_desk(ann_at(&desk, None)).await.unwrap();
    Visitor::arrive(&desk, "Vic").await.write("My order number is 4711").await;
    let chat = chat(&app, &events).await;
    assert_eq!(keychain.held.lock().unwrap().len(), 1);

    ben_signs_ann_out(&desk).await;
    let closed = until_wiped(&app, &events).await;
    assert_eq!((closed.open, closed.kept), (false, Some(0)));
    until(&events, "the files are gone", || async {
        (files(directory.path()) == BTreeSet::from(["account.json".to_owned()])).then_some(())
    })
    .await;
    assert!(keychain.held.lock().unwrap().is_empty(), "nor does the key stay");
    let refused = app.messages(ListMessages { conversation: chat, before: None, limit: 50 }).await.unwrap_err();
    assert_eq!(refused.code, ApiErrorCode::Revoked);
    app.stop().await;

    // The next start says the same, and the account goes when she wants it to.
    let (app, view) = started(directory.path(), &computer).await;
    assert_eq!(view.accounts[0].fault.as_ref().unwrap().code, ApiErrorCode::Revoked);
    app.sign_out(SignOut { account: FIRST, force: false }).await.unwrap();
    assert!(app.start(Nothing {}).await.unwrap().accounts.is_empty());
    assert!(!directory.path().join("accounts/1").exists());
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dk_01_what_the_desk_never_got_outlives_the_wipe_and_goes_when_ann_signs_in_again() {
    let mut desk = TestDesk::start().await;
    let keychain = Arc::<Keychain>::default();
    let (directory, computer) = (tempfile::tempdir().unwrap(), Computer::with(Some(&keychain)));
    let (app, _) = started(directory.path(), &computer).await;
    let events = app.subscribe();
    app.connect_desk(ann_at(&desk, None)).await.unwrap();
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Do you have teapots?").await;
    let chat = chat(&app, &events).await;
    // She writes without a connection; by the time it is back, Ben has signed the computer out.
    desk.stop().await;
    let text = "Yes, blue ones".to_owned();
    let reply = SendMessage {
        conversation: chat,
        kind: MessageKind::Reply,
        text,
        files: Vec::<ClientId>::new(),
        seen: 1,
        mentions: vec![],
    };
    app.send_message(reply).await.unwrap();
    app.save_draft(Draft { conversation: chat, reply: "And green".into(), note: String::new(), mentions: vec![] })
        .await
        .unwrap();
    ben_signs_ann_out(&desk).await;
    desk.start_again().await;
    app.retry_now(Nothing {}).await.unwrap();

    let closed = until_wiped(&app, &events).await;
    assert_eq!((closed.open, closed.kept), (false, Some(2)), "one message, one draft");
    until(&events, "the cache is gone", || async {
        (!files(directory.path()).iter().any(|name| name.starts_with("cache.db"))).then_some(())
    })
    .await;
    assert!(files(directory.path()).contains("outbox.db"));
    app.stop().await;

    let (app, view) = started(directory.path(), &computer).await;
    assert_eq!((view.accounts[0].open, view.accounts[0].kept), (false, Some(2)));
    let events = app.subscribe();
    app.connect_desk(ann_at(&desk, Some(FIRST))).await.unwrap();
    let mut vic = vic.come_back_to(&desk).await;
    vic.read("Yes, blue ones").await;
    until(&events, "the draft", || async {
        let draft = app.draft(ForConversation { conversation: chat }).await.ok()?;
        (draft.reply == "And green").then_some(())
    })
    .await;
    let found = account(&app).await;
    assert_eq!((found.open, found.kept), (true, None));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dk_01_a_wipe_that_broke_off_is_finished_at_the_next_start_and_leaves_no_tokens() {
    let desk = TestDesk::start().await;
    let keychain = Arc::<Keychain>::default();
    let (directory, computer) = (tempfile::tempdir().unwrap(), Computer::with(Some(&keychain)));
    let (app, _) = started(directory.path(), &computer).await;
    let events = app.subscribe();
    app.connect_desk(ann_at(&desk, None)).await.unwrap();
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Do you have teapots?").await;
    let chat = chat(&app, &events).await;
    app.save_draft(Draft { conversation: chat, reply: "Blue ones".into(), note: String::new(), mentions: vec![] })
        .await
        .unwrap();
    app.stop().await;
    let home = directory.path().join("accounts/1");
    let key = keychain.held.lock().unwrap().values().next().unwrap().clone();
    assert!(CacheTokenStore::new(Cache::open(&home, &key).unwrap()).load().is_some());
    // The computer lost its power just after it had written down that it was signed out.
    let mut account: serde_json::Value =
        serde_json::from_slice(&std::fs::read(home.join("account.json")).unwrap()).unwrap();
    account["revoked"] = 1.into();
    std::fs::write(home.join("account.json"), account.to_string()).unwrap();

    let (app, view) = started(directory.path(), &computer).await;
    assert_eq!(view.accounts[0].fault.as_ref().unwrap().code, ApiErrorCode::Revoked);
    assert!(!files(directory.path()).iter().any(|name| name.starts_with("cache.db")), "what the desk said is gone");
    app.stop().await;
    let cache = Cache::open(&home, &key).unwrap();
    assert!(CacheTokenStore::new(cache.clone()).load().is_none(), "and so are the tokens");
    assert_eq!(cache.draft(chat.id).unwrap().reply, "Blue ones", "what the desk never got is here");
}
