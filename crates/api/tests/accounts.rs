//! Ann answers at two desks at once. Real desks, real caches, and where it matters two desks that give the same ids.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)]

mod computer;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use computer::{Computer, Keychain, ann_at, started, until};
use deskbell_api::types::*;
use deskbell_api::{App, Subscription};
use deskbell_attention::Connection;
use deskbell_protocol::http::AgentEdit;
use deskbell_protocol::{ConversationId, MessageKind, Role};
use deskbell_testkit::{ANN, BEN, TestDesk, Visitor};

const TEA: AccountId = AccountId(1);
const BOOKS: AccountId = AccountId(2);

async fn list(app: &App, folder: Folder, account: Option<AccountId>, limit: u32) -> ConversationList {
    app.list_conversations(ListConversations { folder, account, limit }).await.unwrap()
}

/// Which account each row of the inbox is of, and what it says.
fn said(list: &ConversationList) -> Vec<(AccountId, String)> {
    list.rows.iter().map(|row| (row.account, row.preview.clone().unwrap().text)).collect()
}

async fn until_said(app: &App, events: &Subscription, expected: &[(AccountId, &str)]) -> ConversationList {
    let expected: Vec<_> = expected.iter().map(|(account, text)| (*account, (*text).to_owned())).collect();
    until(events, &format!("{expected:?}"), || async {
        let found = list(app, Folder::Open, None, 50).await;
        (said(&found) == expected).then_some(found)
    })
    .await
}

async fn until_state(app: &App, events: &Subscription, account: AccountId, wanted: SyncState) {
    until(events, &format!("{wanted:?}"), || async {
        let health = app.sync_health(AskHealth { conversations: vec![] }).await.unwrap();
        health.accounts.iter().any(|one| one.account == account && one.sync.state == wanted).then_some(())
    })
    .await;
}

/// Vic writes, and leaves.
async fn vics_chat(desk: &TestDesk) -> ConversationId {
    let mut vic = Visitor::arrive(desk, "Vic").await;
    vic.write("A blue teapot?").await;
    vic.read("A blue teapot?").await.conversation
}

/// Ann at the tea shop's desk and at the book shop's, both live.
async fn ann_at_both(tea: &TestDesk, books: &TestDesk, directory: &Path, computer: &Arc<Computer>) -> App {
    let (app, _) = started(directory, computer).await;
    let events = app.subscribe();
    for (account, desk) in [(TEA, tea), (BOOKS, books)] {
        app.connect_desk(ann_at(desk, None)).await.unwrap();
        until_state(&app, &events, account, SyncState::Live).await;
    }
    app
}

fn in_thread(thread: &Thread) -> Vec<String> {
    let text = |part: &TextPart| match part {
        TextPart::Text { text } | TextPart::Link { text, .. } | TextPart::Mention { text, .. } => text.clone(),
    };
    thread.messages.iter().map(|message| message.text.iter().map(text).collect()).collect()
}

async fn thread(app: &App, conversation: ConversationRef) -> Vec<String> {
    in_thread(&app.messages(ListMessages { conversation, before: None, limit: 50 }).await.unwrap())
}

async fn reply(app: &App, conversation: ConversationRef, text: &str) -> Queued {
    let text = text.to_owned();
    let message = SendMessage { conversation, kind: MessageKind::Note, text, files: vec![], seen: 1, mentions: vec![] };
    app.send_message(message).await.unwrap()
}

async fn search(app: &App, account: Option<AccountId>, text: &str) -> Vec<AccountId> {
    let hits = app.search(Search { account, text: text.into(), limit: 50 }).await.unwrap();
    hits.into_iter().map(|hit| hit.account).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn chats_of_two_desks_are_one_list_with_one_badge_and_a_toast_says_which_desk() {
    let (tea, books) = (TestDesk::start().await, TestDesk::start().await);
    let (directory, computer) = (tempfile::tempdir().unwrap(), Computer::with(None));
    let app = ann_at_both(&tea, &books, directory.path(), &computer).await;
    let events = app.subscribe();
    let mut vic = Visitor::arrive(&tea, "Vic").await;
    let mut wen = Visitor::arrive(&books, "Wen").await;
    vic.write("A blue teapot?").await;
    until_said(&app, &events, &[(TEA, "A blue teapot?")]).await;
    wen.write("A book on tea?").await;
    until_said(&app, &events, &[(BOOKS, "A book on tea?"), (TEA, "A blue teapot?")]).await;
    vic.write("Or a green one?").await;
    let all = until_said(&app, &events, &[(TEA, "Or a green one?"), (BOOKS, "A book on tea?")]).await;

    assert_eq!((all.counts.open, all.counts.unread, all.counts.waiting), (2, 2, 2));
    let own: Vec<_> = all.accounts.iter().map(|one| (one.account, one.counts.unread)).collect();
    assert_eq!(own, [(TEA, 1), (BOOKS, 1)]);
    let waiting: Vec<_> = list(&app, Folder::Waiting, None, 50).await.rows.iter().map(|row| row.account).collect();
    assert_eq!(waiting, [TEA, BOOKS], "whoever waits longest comes first, wherever they wait");
    assert_eq!(said(&list(&app, Folder::Open, None, 1).await), [(TEA, "Or a green one?".to_owned())]);
    assert_eq!(said(&list(&app, Folder::Open, Some(BOOKS), 50).await), [(BOOKS, "A book on tea?".to_owned())]);
    until(&events, "both visitors", || async { (app.visitors(Nothing {}).await.unwrap().len() == 2).then_some(()) })
        .await;
    assert_eq!(search(&app, None, "tea").await.len(), 2, "a teapot here, a book there");
    assert_eq!(search(&app, Some(BOOKS), "tea").await, [BOOKS]);

    until(&events, "one badge over both", || async {
        let shown = computer.shown.lock().unwrap().clone();
        shown.filter(|shown| shown.counts.unread == 2 && shown.connection == Connection::Online)
    })
    .await;
    let alerts = computer.alerts.lock().unwrap().clone();
    let first = |account: AccountId| alerts.iter().find(|alert| alert.conversation.account == account).unwrap();
    for account in [TEA, BOOKS] {
        let toast = first(account).toast.clone().unwrap();
        assert_eq!((toast.conversation.account, toast.desk.as_deref()), (account, Some("Test Desk")));
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_that_is_down_stays_readable_and_the_other_one_goes_on() {
    let (tea, mut books) = (TestDesk::start().await, TestDesk::start().await);
    let (directory, computer) = (tempfile::tempdir().unwrap(), Computer::with(None));
    let app = ann_at_both(&tea, &books, directory.path(), &computer).await;
    let events = app.subscribe();
    let (mut vic, mut wen) = (Visitor::arrive(&tea, "Vic").await, Visitor::arrive(&books, "Wen").await);
    wen.write("A book on tea?").await;
    let both = until_said(&app, &events, &[(BOOKS, "A book on tea?")]).await;
    let wens = both.rows[0].id;
    books.stop().await;
    until_state(&app, &events, BOOKS, SyncState::Offline).await;
    vic.write("A blue teapot?").await;
    until_said(&app, &events, &[(TEA, "A blue teapot?"), (BOOKS, "A book on tea?")]).await;
    assert_eq!(thread(&app, wens).await, ["A book on tea?"]);
    let health = app.sync_health(AskHealth { conversations: vec![wens] }).await.unwrap();
    assert_eq!(health.sync.state, SyncState::Offline, "the worst of both");
    assert_eq!(
        health.accounts.iter().map(|one| one.sync.state).collect::<Vec<_>>(),
        [SyncState::Live, SyncState::Offline]
    );
    assert_eq!(computer.shown.lock().unwrap().as_ref().unwrap().connection, Connection::Partly);
    let there = app.search_desk(Search { account: None, text: "tea".into(), limit: 50 }).await.unwrap();
    assert_eq!(there.silent, [BOOKS], "the other desk was asked all the same");

    // After a restart the cache alone draws the first screen, the desk that is down included.
    reply(&app, wens, "On Monday.").await;
    app.stop().await;
    let (app, view) = started(directory.path(), &computer).await;
    assert!(view.accounts.iter().all(|account| account.open && account.fault.is_none()));
    assert_eq!(list(&app, Folder::Open, None, 50).await.rows.len(), 2);
    assert_eq!(thread(&app, wens).await, ["A book on tea?", "On Monday."]);
    let events = app.subscribe();
    books.start_again().await;
    until_state(&app, &events, BOOKS, SyncState::Live).await;
    until(&events, "an empty outbox", || async {
        let health = app.sync_health(AskHealth { conversations: vec![] }).await.unwrap();
        (health.sync.unsent == 0).then_some(())
    })
    .await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_desks_that_give_the_same_ids_mix_nothing_up() {
    let mut tea = TestDesk::start().await;
    let mut vic = Visitor::arrive(&tea, "Vic").await;
    vic.write("A blue teapot?").await;
    let same = vic.read("A blue teapot?").await.conversation;
    let books = tea.twin().await;
    let (directory, computer) = (tempfile::tempdir().unwrap(), Computer::with(None));
    let app = ann_at_both(&tea, &books, directory.path(), &computer).await;
    let events = app.subscribe();
    let (here, there) = (ConversationRef::new(TEA, same), ConversationRef::new(BOOKS, same));
    let rows = list(&app, Folder::Open, None, 50).await.rows;
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [here, there], "one conversation at each desk");
    assert_eq!(search(&app, None, "teapot").await, [TEA, BOOKS]);

    // What is read, taken, closed and noted at one desk.
    app.mark_read(MarkRead { conversation: here, number: 1 }).await.unwrap();
    app.assign(Assign { conversation: here, to: AssignTo::Me, from: None }).await.unwrap();
    reply(&app, here, "Collects teapots.").await;
    let row = |conversation| {
        let app = &app;
        async move { app.conversation(ForConversation { conversation }).await.unwrap() }
    };
    until(&events, "the change at the one desk", || async {
        let row = row(here).await;
        (row.unread == 0 && row.mine && row.last_number > 2).then_some(())
    })
    .await;
    let other = row(there).await;
    assert_eq!((other.unread, other.mine, other.last_number), (1, false, 1));
    assert_eq!(thread(&app, there).await, ["A blue teapot?"]);

    // Unsent texts and boxes.
    for (conversation, text) in [(here, "half a marmalade"), (there, "half a chapter")] {
        app.save_draft(Draft { conversation, reply: text.into(), note: String::new(), mentions: vec![] })
            .await
            .unwrap();
    }
    let shown =
        |conversation, state, last_focus| BoxRecord { conversation, state, last_focus, tab: MessageKind::Reply };
    let boxes = vec![shown(there, BoxState::Minimised, 1), shown(here, BoxState::Maximised, 2)];
    app.save_boxes(SaveBoxes { boxes: boxes.clone() }).await.unwrap();

    // What is on screen at one desk is silent, and the same number at the other is not.
    app.set_focus(SetFocus { conversation: Some(here) }).await.unwrap();
    for desk in [&tea, &books] {
        vic.come_back_to(desk).await.write("Hello?").await;
    }
    until(&events, "both messages", || async {
        (row(here).await.unread == 1 && row(there).await.unread == 2).then_some(())
    })
    .await;
    until(&events, "both decisions", || async { (computer.alerts.lock().unwrap().len() >= 2).then_some(()) }).await;
    let loud: BTreeMap<ConversationRef, bool> =
        computer.alerts.lock().unwrap().iter().map(|alert| (alert.conversation, alert.toast.is_some())).collect();
    assert_eq!(loud, [(here, false), (there, true)].into());

    app.stop().await;
    let (app, view) = started(directory.path(), &computer).await;
    assert_eq!(view.boxes, boxes, "in the order of the dock, whosever they are");
    for (conversation, text) in [(here, "half a marmalade"), (there, "half a chapter")] {
        assert_eq!(app.draft(ForConversation { conversation }).await.unwrap().reply, text);
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_at_one_desk_leaves_the_other_account_as_it_was() {
    let mut tea = TestDesk::start().await;
    let chat = vics_chat(&tea).await;
    let mut books = tea.twin().await;
    let keychain = Arc::<Keychain>::default();
    let (directory, computer) = (tempfile::tempdir().unwrap(), Computer::with(Some(&keychain)));
    let app = ann_at_both(&tea, &books, directory.path(), &computer).await;
    let events = app.subscribe();
    let conversation = ConversationRef::new(BOOKS, chat);
    app.save_draft(Draft { conversation, reply: "half a chapter".into(), note: String::new(), mentions: vec![] })
        .await
        .unwrap();
    assert_eq!(keychain.held.lock().unwrap().len(), 2, "each account has a key of its own");
    books.stop().await;
    until_state(&app, &events, BOOKS, SyncState::Offline).await;
    let files = || {
        let entries = std::fs::read_dir(directory.path().join("accounts/2")).unwrap().map(Result::unwrap);
        let all = entries.map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap()));
        // Who reads is written there, and nothing else.
        all.filter(|(name, _)| !name.to_string_lossy().ends_with("-shm")).collect::<BTreeMap<_, _>>()
    };
    let before = files();
    app.sign_out(SignOut { account: TEA, force: false }).await.unwrap();
    assert_eq!(files(), before, "not a byte");
    assert!(!directory.path().join("accounts/1").exists());
    assert_eq!(keychain.held.lock().unwrap().len(), 1);
    assert_eq!(app.draft(ForConversation { conversation }).await.unwrap().reply, "half a chapter");
    let of_gone = ForConversation { conversation: ConversationRef::new(TEA, chat) };
    assert_eq!(app.draft(of_gone).await.unwrap_err().code, ApiErrorCode::SignedOut);

    // A number that was given once is never given again.
    app.connect_desk(ann_at(&tea, None)).await.unwrap();
    let accounts = app.start(Nothing {}).await.unwrap().accounts;
    assert_eq!(accounts.iter().map(|one| one.account.id).collect::<Vec<_>>(), [BOOKS, AccountId(3)]);
    app.sign_out(SignOut { account: AccountId(3), force: false }).await.unwrap();
    app.connect_desk(ann_at(&tea, None)).await.unwrap();
    assert_eq!(app.start(Nothing {}).await.unwrap().accounts[1].account.id, AccountId(4));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_signs_in_twice_and_eight_accounts_are_the_most() {
    let desk = TestDesk::start().await;
    let (directory, computer) = (tempfile::tempdir().unwrap(), Computer::with(None));
    let (app, _) = started(directory.path(), &computer).await;
    app.connect_desk(ann_at(&desk, None)).await.unwrap();
    let shouted = ConnectDesk { email: ANN.email.to_uppercase(), ..ann_at(&desk, None) };
    for again in [ann_at(&desk, None), shouted] {
        assert_eq!(app.connect_desk(again).await.unwrap_err().code, ApiErrorCode::SignedInAlready);
    }
    // Whose session began anew is still who it was.
    app.connect_desk(ann_at(&desk, Some(TEA))).await.unwrap();
    let administration = desk.desk.administer();
    for number in 2..=9 {
        let email = format!("agent{number}@desk.test");
        administration.add_agent("Agent", &email, ANN.password, Role::Agent).await.unwrap();
        let answer = app.connect_desk(ConnectDesk { email: email.clone(), ..ann_at(&desk, None) }).await;
        let expected = if number <= 8 { Ok(Nothing {}) } else { Err(ApiErrorCode::TooManyAccounts) };
        assert_eq!(answer.map_err(|error| error.code), expected, "{email}");
    }
    let foreign = ConnectDesk { account: Some(BOOKS), ..ann_at(&desk, None) };
    assert_eq!(app.connect_desk(foreign).await.unwrap_err().code, ApiErrorCode::Conflict);
    assert_eq!(app.start(Nothing {}).await.unwrap().accounts.len(), 8);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_key_is_waited_for_holds_up_nobody() {
    let mut tea = TestDesk::start().await;
    let books = tea.twin().await;
    let keychain = Arc::<Keychain>::default();
    let (directory, computer) = (tempfile::tempdir().unwrap(), Computer::with(Some(&keychain)));
    let app = ann_at_both(&tea, &books, directory.path(), &computer).await;
    app.stop().await;
    let record = std::fs::read(directory.path().join("accounts/1/key.json")).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
    keychain.keep_silent_about([record["name"].as_str().unwrap().to_owned()].into());

    let app = App::new(directory.path().to_owned(), Arc::<Computer>::clone(&computer));
    let events = app.subscribe();
    let readable = async {
        until(&events, "the account that has its key", || async {
            let accounts = app.start(Nothing {}).await.unwrap().accounts;
            assert!(!accounts[0].open);
            accounts[1].open.then_some(())
        })
        .await;
        list(&app, Folder::Open, None, 50).await
    };
    let (all, _) = tokio::join!(app.open(), readable);
    assert!(!all, "one did not open");
    let accounts = app.start(Nothing {}).await.unwrap().accounts;
    assert_eq!(accounts[0].fault.as_ref().unwrap().code, ApiErrorCode::KeychainLocked);
    assert_eq!(accounts[1].fault, None);
    // What the others keep meanwhile leaves the locked one's boxes alone.
    app.save_boxes(SaveBoxes { boxes: vec![] }).await.unwrap();
    keychain.keep_silent_about([].into());
    app.open_account(ForAccount { account: TEA }).await.unwrap();
    assert!(app.start(Nothing {}).await.unwrap().accounts.iter().all(|account| account.open));
    tokio::time::timeout(Duration::from_secs(60), app.stop()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_account_of_an_earlier_version_moves_over_with_everything_in_it() {
    let mut tea = TestDesk::start().await;
    let chat = vics_chat(&tea).await;
    let (directory, computer) = (tempfile::tempdir().unwrap(), Computer::with(None));
    let (app, _) = started(directory.path(), &computer).await;
    let events = app.subscribe();
    app.connect_desk(ann_at(&tea, None)).await.unwrap();
    until_state(&app, &events, TEA, SyncState::Live).await;
    let draft = |account| Draft {
        conversation: ConversationRef::new(account, chat),
        reply: "half a marmalade".into(),
        note: String::new(),
        mentions: vec![],
    };
    app.save_draft(draft(TEA)).await.unwrap();
    app.stop().await;
    // The earlier version had one directory of this name, and no numbers.
    std::fs::rename(directory.path().join("accounts/1"), directory.path().join("account")).unwrap();
    std::fs::remove_dir_all(directory.path().join("accounts")).unwrap();

    let app = App::new(directory.path().to_owned(), Arc::<Computer>::clone(&computer));
    assert!(directory.path().join("account").exists(), "nothing moves before it is opened");
    let opening = app.start(Nothing {}).await.unwrap().accounts;
    assert_eq!((opening.len(), opening[0].open, opening[0].fault.as_ref()), (1, false, None));
    assert!(app.open().await);
    assert!(!directory.path().join("account").exists());
    let kept = app.draft(ForConversation { conversation: draft(TEA).conversation }).await.unwrap();
    assert_eq!(kept, draft(TEA));
    let books = tea.twin().await;
    app.connect_desk(ann_at(&books, None)).await.unwrap();
    app.stop().await;

    // Somebody who used the earlier version once more in between has one more account, and loses none.
    std::fs::rename(directory.path().join("accounts/1"), directory.path().join("account")).unwrap();
    let (app, view) = started(directory.path(), &computer).await;
    assert_eq!(view.accounts.iter().map(|one| one.account.id).collect::<Vec<_>>(), [BOOKS, AccountId(3)]);
    assert!(view.accounts.iter().all(|account| account.open));
    let kept = app.draft(ForConversation { conversation: draft(AccountId(3)).conversation }).await.unwrap();
    assert_eq!(kept.reply, "half a marmalade");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dc_02_what_this_computer_alone_has_does_not_go_with_a_sign_out_before_ann_agrees() {
    let desk = TestDesk::start().await;
    let chat = vics_chat(&desk).await;
    let directory = tempfile::tempdir().unwrap();
    let (app, _) = started(directory.path(), &Computer::with(None)).await;
    let events = app.subscribe();
    app.connect_desk(ann_at(&desk, None)).await.unwrap();
    until_state(&app, &events, TEA, SyncState::Live).await;
    let conversation = ConversationRef::new(TEA, chat);
    let draft = Draft { conversation, reply: "half a chapter".into(), note: String::new(), mentions: vec![] };
    app.save_draft(draft).await.unwrap();
    let refused = app.sign_out(SignOut { account: TEA, force: false }).await.unwrap_err();
    assert_eq!((refused.code, refused.count), (ApiErrorCode::Conflict, Some(1)));
    assert_eq!(app.draft(ForConversation { conversation }).await.unwrap().reply, "half a chapter");
    app.sign_out(SignOut { account: TEA, force: true }).await.unwrap();
    assert!(!directory.path().join("accounts/1").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_whose_address_was_changed_signs_in_again_and_nobody_else_does_so_in_their_place() {
    let desk = TestDesk::start().await;
    let (directory, computer) = (tempfile::tempdir().unwrap(), Computer::with(None));
    let (app, _) = started(directory.path(), &computer).await;
    app.connect_desk(ann_at(&desk, None)).await.unwrap();
    let administration = desk.desk.administer();
    let edit = AgentEdit { email: Some("ann.smith@desk.test".into()), ..AgentEdit::default() };
    administration.edit_agent(desk.ann.id, edit).await.unwrap();
    let ben = ConnectDesk { email: BEN.email.into(), password: BEN.password.into(), ..ann_at(&desk, Some(TEA)) };
    assert_eq!(app.connect_desk(ben).await.unwrap_err().code, ApiErrorCode::Conflict);
    assert!(
        administration.devices(desk.ben.id, None).await.unwrap().is_empty(),
        "a session that is of no use is ended"
    );
    let again = ConnectDesk { email: "ann.smith@desk.test".into(), ..ann_at(&desk, Some(TEA)) };
    app.connect_desk(again).await.unwrap();
    let accounts = app.start(Nothing {}).await.unwrap().accounts;
    assert_eq!((accounts.len(), accounts[0].account.email.as_str()), (1, "ann.smith@desk.test"));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tv_01_nothing_rings_on_after_a_sign_out_that_could_not_delete_everything() {
    let desk = TestDesk::start().await;
    let (directory, computer) = (tempfile::tempdir().unwrap(), Computer::with(None));
    let (app, _) = started(directory.path(), &computer).await;
    let events = app.subscribe();
    app.connect_desk(ann_at(&desk, None)).await.unwrap();
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("A blue teapot?").await;
    let ringing = || async { computer.alerts.lock().unwrap().iter().find(|alert| alert.rings).cloned() };
    let chat = until(&events, "the ring", ringing).await.conversation;
    // Something else stands in the directory's place, which the system does not remove as one.
    let home = directory.path().join("accounts/1");
    std::fs::rename(&home, directory.path().join("elsewhere")).unwrap();
    std::fs::write(&home, "").unwrap();
    app.sign_out(SignOut { account: TEA, force: true }).await.unwrap_err();
    assert!(app.start(Nothing {}).await.unwrap().accounts.is_empty());
    assert_eq!(*computer.calmed.lock().unwrap(), [chat], "nobody is left who could answer");
    app.stop().await;
}
