//! What Ann does with a chat from the app: gives it away, says how pressing it is, inserts a prepared text, and looks where
//! she is signed in. A real desk, a real cache.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)]

mod computer;

use std::sync::Arc;

use computer::{Computer, Keychain, ann_at, started, until};
use deskbell_api::types::*;
use deskbell_api::{AccountId, App, ContactRef, ConversationRef, Subscription};
use deskbell_cache::Cache;
use deskbell_protocol::http::{NewCannedText, SiteEdit, TeamEdit};
use deskbell_protocol::{
    ClientId, Command, CommandFrame, ConversationId, ErrorCode, Holder, ItemKind, ItemState, NewItem, Priority,
    TextOwner,
};
use deskbell_testkit::{ANN, BEN, TestDesk, Visitor};

const FIRST: AccountId = AccountId(1);

async fn row(app: &App, events: &Subscription, what: &str, fits: impl Fn(&ConversationRow) -> bool) -> ConversationRow {
    until(events, what, || async {
        let asked = ListConversations { folder: Folder::Open, account: None, limit: 50 };
        app.list_conversations(asked).await.ok()?.rows.into_iter().find(|row| fits(row))
    })
    .await
}

async fn give(app: &App, conversation: ConversationRef, to: AssignTo, from: Holder) {
    app.assign(Assign { conversation, to, from: Some(from) }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tv_04_ann_gives_a_chat_to_a_team_and_to_ben_and_is_told_when_somebody_else_has_it() {
    let desk = TestDesk::start().await;
    let members = Some(vec![desk.ben.id]);
    let edit = TeamEdit { name: Some("Tea".into()), members, ..TeamEdit::default() };
    let team = desk.desk.administer().put_team(None, edit).await.unwrap().id;
    let (directory, computer) = (tempfile::tempdir().unwrap(), Computer::with(None));
    let (app, _) = started(directory.path(), &computer).await;
    let events = app.subscribe();
    app.connect_desk(ann_at(&desk, None)).await.unwrap();
    Visitor::arrive(&desk, "Vic").await.write("Hello?").await;
    let chat = row(&app, &events, "the chat", |_| true).await.id;
    let people = until(&events, "the team", || async {
        let people = app.assignees(ForConversation { conversation: chat }).await.unwrap();
        (!people.teams.is_empty()).then_some(people)
    })
    .await;
    assert_eq!(people.agents, [Assignee { agent: desk.ben.id, name: BEN.name.into(), online: false }]);
    assert_eq!(people.teams, [AssignableTeam { team, name: "Tea".into() }]);

    let nobody = Holder::default();
    give(&app, chat, AssignTo::Team { team }, nobody).await;
    let held = row(&app, &events, "the team's chat", |row| row.team_name == "Tea").await;
    assert_eq!(held.assignee, None);
    let teams = Holder { agent: None, team: Some(team) };
    give(&app, chat, AssignTo::Agent { agent: desk.ben.id }, teams).await;
    let held = row(&app, &events, "Ben's chat", |row| row.assignee_name == BEN.name).await;
    assert_eq!(held.team, Some(team), "it stays with the team that he belongs to");
    // Ann still sees what it was: the desk refuses, and she is told who has it.
    give(&app, chat, AssignTo::Me, teams).await;
    let refused = until(&events, "the refusal", || async {
        let thread = app.messages(ListMessages { conversation: chat, before: None, limit: 50 }).await.ok()?;
        thread.refused.into_iter().next()
    })
    .await;
    assert_eq!((refused.deed, refused.refusal), (Deed::Assign, deskbell_protocol::ErrorCode::Conflict));
    assert_eq!(row(&app, &events, "as it is", |row| row.assignee_name == BEN.name).await.team_name, "Tea");
    app.discard(ForQueued { conversation: chat, client_id: refused.client_id }).await.unwrap();
    // Back to the team, and then from it.
    let bens = Holder { agent: Some(desk.ben.id), team: Some(team) };
    give(&app, chat, AssignTo::Nobody, bens).await;
    row(&app, &events, "the team's chat again", |row| row.assignee.is_none() && row.team == Some(team)).await;
    give(&app, chat, AssignTo::Nobody, teams).await;
    row(&app, &events, "nobody's chat", |row| row.assignee.is_none() && row.team.is_none()).await;

    app.set_priority(SetPriority { conversation: chat, priority: Priority::Urgent }).await.unwrap();
    row(&app, &events, "an urgent chat", |row| row.priority == Priority::Urgent).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn od_18_od_22_the_ticket_made_of_a_chat_stands_beside_it_and_stays_there_without_the_desk() {
    let mut desk = TestDesk::start().await;
    let (directory, computer) = (tempfile::tempdir().unwrap(), Computer::with(None));
    let (app, _) = started(directory.path(), &computer).await;
    let events = app.subscribe();
    app.connect_desk(ann_at(&desk, None)).await.unwrap();
    Visitor::arrive(&desk, "Vic").await.write("The lid is broken").await;
    let row = row(&app, &events, "the chat", |_| true).await;
    let details = || app.visitor_details(ForVisitor { visitor: row.visitor });
    assert_eq!(details().await.unwrap().items, []);
    let administration = desk.desk.administer();
    let ticket = administration.ticket_from(row.id.id).await.unwrap();
    let ticket = administration.add_item(NewItem { assignee: Some(desk.ben.id), ..ticket }).await.unwrap();
    let shown = LinkedItem {
        number: ticket.number,
        kind: ItemKind::Ticket,
        state: ItemState::Open,
        title: "The lid is broken".into(),
        assignee: Some(BEN.name.into()),
    };
    until(&events, "the ticket", || async { (details().await.ok()?.items == [shown.clone()]).then_some(()) }).await;
    desk.stop().await;
    assert_eq!(details().await.unwrap().items, [shown]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tv_05_a_prepared_text_is_filled_in_for_the_chat_and_its_use_is_counted() {
    let desk = TestDesk::start().await;
    let administration = desk.desk.administer();
    let text = |owner, shortcut: &str, text: &str| NewCannedText {
        owner,
        shortcut: shortcut.into(),
        title: "T".into(),
        text: text.into(),
        attachments: Vec::new(),
    };
    let mine = TextOwner::Agent { agent: desk.ann.id };
    let words = "Hi {visitor.first_name|there}, {agent.name} of {site.name} here. {visitor.email}";
    administration.add_canned_text(text(mine, "intro", words)).await.unwrap();
    administration.add_canned_text(text(TextOwner::Agent { agent: desk.ben.id }, "introbens", "x")).await.unwrap();
    let (directory, computer) = (tempfile::tempdir().unwrap(), Computer::with(None));
    let (app, _) = started(directory.path(), &computer).await;
    let events = app.subscribe();
    app.connect_desk(ann_at(&desk, None)).await.unwrap();
    Visitor::arrive(&desk, "Vic").await.write("Hello?").await;
    let row = row(&app, &events, "the chat", |_| true).await;
    let asked = || app.canned_texts(FindCannedTexts { query: "INTR".into(), conversation: row.id });
    let [found] = <[_; 1]>::try_from(asked().await.unwrap()).unwrap();
    assert_eq!(found.text, format!("Hi there, {} of Shop here. {{visitor.email}}", ANN.name));
    assert_eq!((found.owner, found.missing), (mine, vec!["{visitor.email}".to_owned()]));
    let known = EditContact {
        contact: row.contact,
        name: "Vic Smith".into(),
        email: "vic@home.example".into(),
        phone: String::new(),
        notes: String::new(),
    };
    app.edit_contact(known).await.unwrap();
    let filled = until(&events, "what is known of Vic", || async {
        asked().await.unwrap().pop().filter(|found| found.missing.is_empty())
    })
    .await;
    assert_eq!(filled.text, format!("Hi Vic, {} of Shop here. vic@home.example", ANN.name));
    let files = app.use_canned_text(UseCannedText { conversation: row.id, text: filled.id }).await.unwrap();
    assert_eq!(files, vec![]);
    until(&events, "the count", || async {
        let texts = administration.canned_texts().await.unwrap();
        texts.into_iter().find(|text| text.id == filled.id && text.uses == 1)
    })
    .await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dk_01_ann_sees_where_she_is_signed_in_and_signs_the_others_out() {
    let desk = TestDesk::start().await;
    let mut apps = Vec::new();
    for _ in 0..3 {
        let (directory, computer) = (tempfile::tempdir().unwrap(), Computer::with(None));
        let (app, _) = started(directory.path(), &computer).await;
        app.connect_desk(ann_at(&desk, None)).await.unwrap();
        apps.push((app, directory));
    }
    let app = &apps[0].0;
    let devices = app.devices(ForAccount { account: FIRST }).await.unwrap();
    assert_eq!(devices.iter().map(|device| device.current).collect::<Vec<_>>(), [true, false, false]);
    let lost = devices[1].id;
    app.revoke_device(RevokeDevice { account: FIRST, device: Some(lost) }).await.unwrap();
    let again = app.revoke_device(RevokeDevice { account: FIRST, device: Some(lost) }).await.unwrap_err();
    assert_eq!(again.code, ApiErrorCode::NotFound);
    assert_eq!(app.devices(ForAccount { account: FIRST }).await.unwrap().len(), 2);
    app.revoke_device(RevokeDevice { account: FIRST, device: None }).await.unwrap();
    let left = app.devices(ForAccount { account: FIRST }).await.unwrap();
    assert!(left.len() == 1 && left[0].current, "{left:?}");
    for (app, _) in apps {
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unsent_text_is_kept_for_a_chat_that_is_there_and_for_no_other() {
    let desk = TestDesk::start().await;
    let (directory, computer) = (tempfile::tempdir().unwrap(), Computer::with(None));
    let (app, _) = started(directory.path(), &computer).await;
    let events = app.subscribe();
    app.connect_desk(ann_at(&desk, None)).await.unwrap();
    Visitor::arrive(&desk, "Vic").await.write("Hello?").await;
    let chat = row(&app, &events, "the chat", |_| true).await.id;
    let draft = |conversation| Draft { conversation, reply: "Yes".into(), note: String::new(), mentions: vec![] };
    app.save_draft(draft(chat)).await.unwrap();
    let nowhere = ConversationRef::new(FIRST, ConversationId(100));
    assert_eq!(app.save_draft(draft(nowhere)).await.unwrap_err().code, ApiErrorCode::NotFound);
    assert_eq!(app.draft(ForConversation { conversation: nowhere }).await.unwrap().reply, "");
    app.stop().await;
}

/// What Ann writes down about a person.
fn known_as(contact: ContactRef, email: &str) -> EditContact {
    let (name, phone, notes) = ("Vic Smith".into(), String::new(), "Likes blue.".into());
    EditContact { contact, name, email: email.into(), phone, notes }
}

/// Commands that wait for somebody, sent or refused.
async fn owed(app: &App) -> (i64, i64) {
    let health = app.sync_health(AskHealth { conversations: vec![] }).await.unwrap();
    (health.sync.unsent, health.sync.refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn dk_06_what_the_desk_would_not_keep_of_a_person_is_refused_at_once() {
    let desk = TestDesk::start().await;
    let (directory, computer) = (tempfile::tempdir().unwrap(), Computer::with(None));
    let (app, _) = started(directory.path(), &computer).await;
    let events = app.subscribe();
    app.connect_desk(ann_at(&desk, None)).await.unwrap();
    Visitor::arrive(&desk, "Vic").await.write("Hello?").await;
    let row = row(&app, &events, "the chat", |_| true).await;
    let too_long = format!("{}@home.example", "v".repeat(320));
    for wrong in ["vic", "@home.example", "vic@", "vic @home.example", "vic@home@example", too_long.as_str()] {
        let refused = app.edit_contact(known_as(row.contact, wrong)).await.unwrap_err();
        assert_eq!((refused.code, refused.field.as_deref()), (ApiErrorCode::Invalid, Some("email")), "{wrong:?}");
    }
    app.edit_contact(known_as(row.contact, " vic@home.example\u{202c}\n")).await.unwrap();
    until(&events, "an empty outbox", || async { (owed(&app).await == (0, 0)).then_some(()) }).await;
    let details = app.visitor_details(ForVisitor { visitor: row.visitor }).await.unwrap();
    assert_eq!((details.email.as_str(), details.notes.as_str()), ("vic@home.example", "Likes blue."));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dk_06_what_is_known_of_somebody_who_is_gone_by_then_is_owed_to_nobody() {
    let mut desk = TestDesk::start().await;
    let (directory, computer) = (tempfile::tempdir().unwrap(), Computer::with(None));
    let (app, _) = started(directory.path(), &computer).await;
    let events = app.subscribe();
    let ben = ConnectDesk { email: BEN.email.into(), password: BEN.password.into(), ..ann_at(&desk, None) };
    app.connect_desk(ben).await.unwrap();
    Visitor::arrive(&desk, "Vic").await.write("Hello?").await;
    let found = row(&app, &events, "the chat", |_| true).await;
    // Ben writes it down on the train, and has no part in the shop any more when he arrives.
    desk.stop().await;
    app.edit_contact(known_as(found.contact, "vic@home.example")).await.unwrap();
    until(&events, "what Ben wrote down", || async { (owed(&app).await == (1, 0)).then_some(()) }).await;
    let asked = app.sign_out(SignOut { account: FIRST, force: false }).await.unwrap_err();
    assert_eq!((asked.code, asked.count), (ApiErrorCode::Conflict, Some(1)), "it is nowhere else");
    let shut = SiteEdit { members_only: Some(true), ..SiteEdit::default() };
    desk.desk.administer().put_site(Some(desk.site.id), shut).await.unwrap();
    desk.start_again().await;
    app.retry_now(Nothing {}).await.unwrap();
    until(&events, "an empty outbox", || async { (owed(&app).await == (0, 0)).then_some(()) }).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dk_06_an_edit_that_the_desk_refused_stands_in_the_persons_chat_and_can_be_dropped() {
    let desk = TestDesk::start().await;
    let keychain = Arc::<Keychain>::default();
    let (directory, computer) = (tempfile::tempdir().unwrap(), Computer::with(Some(&keychain)));
    let (app, _) = started(directory.path(), &computer).await;
    let events = app.subscribe();
    app.connect_desk(ann_at(&desk, None)).await.unwrap();
    Visitor::arrive(&desk, "Vic").await.write("Hello?").await;
    let row = row(&app, &events, "the chat", |_| true).await;
    app.stop().await;
    // A desk of another version had another rule.
    let key = keychain.held.lock().unwrap().values().next().unwrap().clone();
    {
        let cache = Cache::open(&directory.path().join("accounts/1"), &key).unwrap();
        let EditContact { contact, name, email, phone, notes } = known_as(row.contact, "vic@home.example");
        for bits in 1..=2 {
            let (name, email, phone, notes) = (name.clone(), email.clone(), phone.clone(), notes.clone());
            let command = Command::EditContact { contact: contact.id, name, email, phone, notes };
            let frame = CommandFrame { client_id: ClientId::from_bits(bits), command, if_rev: None, client_time: 1 };
            cache.queue(&frame, &[], 1).unwrap();
            cache.refuse(&frame.client_id, ErrorCode::Invalid).unwrap();
        }
    }
    let (app, _) = started(directory.path(), &computer).await;
    let events = app.subscribe();
    until(&events, "both refusals", || async { (owed(&app).await == (0, 2)).then_some(()) }).await;
    let refused = || async {
        app.messages(ListMessages { conversation: row.id, before: None, limit: 50 }).await.unwrap().refused
    };
    let both = refused().await;
    let said = "Vic Smith\nvic@home.example\nLikes blue.";
    assert_eq!(both.iter().map(|deed| deed.text.as_deref()).collect::<Vec<_>>(), [Some(said); 2]);
    app.discard(ForQueued { conversation: row.id, client_id: both[0].client_id.clone() }).await.unwrap();
    app.retry(ForQueued { conversation: row.id, client_id: both[1].client_id.clone() }).await.unwrap();
    until(&events, "an empty outbox", || async { (owed(&app).await == (0, 0)).then_some(()) }).await;
    assert!(refused().await.is_empty());
    let details = app.visitor_details(ForVisitor { visitor: row.visitor }).await.unwrap();
    assert_eq!(details.notes, "Likes blue.");
    app.stop().await;
}
