//! Ann and Ben write to each other from their apps: directly, in a group, and in a chat in which Ben takes part. A real
//! desk, real caches.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod computer;

use std::path::Path;
use std::sync::Arc;

use computer::{Computer, ann_at, started, until};
use deskbell_api::types::*;
use deskbell_api::{AccountId, App, ConversationRef, Subscription};
use deskbell_attention::{Toast, ToastKind};
use deskbell_protocol::MessageKind;
use deskbell_protocol::http::SiteEdit;
use deskbell_testkit::{ANN, BEN, PATIENCE, TestDesk, Visitor};

const FIRST: AccountId = AccountId(1);

/// Ann's app and Ben's, each on a computer of their own.
struct Two {
    ann: App,
    ben: App,
    anns_events: Subscription,
    bens_events: Subscription,
    bens: Arc<Computer>,
    _disk: tempfile::TempDir,
}

impl Two {
    async fn at(desk: &TestDesk) -> Self {
        let disk = tempfile::tempdir().unwrap();
        let (ann, _) = app_of(&disk.path().join("ann"), ann_at(desk, None)).await;
        let as_ben = ConnectDesk { email: BEN.email.into(), password: BEN.password.into(), ..ann_at(desk, None) };
        let (ben, bens) = app_of(&disk.path().join("ben"), as_ben).await;
        let (anns_events, bens_events) = (ann.subscribe(), ben.subscribe());
        Self { ann, ben, anns_events, bens_events, bens, _disk: disk }
    }
}

async fn app_of(directory: &Path, connect: ConnectDesk) -> (App, Arc<Computer>) {
    let computer = Computer::with(None);
    let (app, _) = started(directory, &computer).await;
    app.connect_desk(connect).await.unwrap();
    (app, computer)
}

async fn row(
    app: &App,
    events: &Subscription,
    folder: Folder,
    fits: impl Fn(&ConversationRow) -> bool,
) -> ConversationRow {
    until(events, "the row", || async {
        let asked = ListConversations { folder, account: None, limit: 50 };
        app.list_conversations(asked).await.ok()?.rows.into_iter().find(|row| fits(row))
    })
    .await
}

async fn colleague(app: &App, events: &Subscription) -> Assignee {
    until(events, "the colleague", || async { app.colleagues(ForAccount { account: FIRST }).await.ok()?.pop() }).await
}

/// Waits for a toast. No event tells the page of one.
async fn toast_of(computer: &Computer, fits: impl Fn(&Toast<ConversationRef>) -> bool) -> Toast<ConversationRef> {
    let look = async {
        loop {
            let toasts = || computer.alerts.lock().unwrap().iter().filter_map(|alert| alert.toast.clone()).find(&fits);
            if let Some(found) = toasts() {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.expect("a toast comes")
}

/// What is written before somebody has all of the desk would be no news to them.
async fn is_live(app: &App, events: &Subscription) {
    until(events, "the app is live", || async {
        let health = app.sync_health(AskHealth { conversations: vec![] }).await.ok()?;
        (health.sync.state == SyncState::Live).then_some(())
    })
    .await;
}

fn said(row: &ConversationRow, text: &str) -> bool {
    row.preview.as_ref().is_some_and(|preview| preview.text == text)
}

fn letter(to: &Assignee, title: &str, text: &str) -> StartInternal {
    StartInternal { account: FIRST, agents: vec![to.agent], title: title.into(), text: text.into() }
}

fn note(to: &ConversationRow, text: &str) -> SendMessage {
    SendMessage {
        conversation: to.id,
        kind: MessageKind::Note,
        text: text.into(),
        files: vec![],
        seen: 0,
        mentions: vec![],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn od_27_ann_writes_to_ben_who_is_told_and_answers_and_a_group_has_its_own_place() {
    let desk = TestDesk::start().await;
    let Two { ann, ben, anns_events, bens_events, bens, .. } = &Two::at(&desk).await;
    let to_ben = colleague(ann, anns_events).await;
    assert_eq!(to_ben.name, BEN.name);
    is_live(ben, bens_events).await;

    let begun = ann.start_internal(letter(&to_ben, "", "Have you seen the teapots?")).await.unwrap();
    let here = row(ann, anns_events, Folder::Team, |row| row.id == begun.conversation).await;
    assert_eq!((here.name.as_str(), here.internal, here.direct, here.unread), (BEN.name, true, true, 0));
    let there = row(ben, bens_events, Folder::Team, |row| said(row, "Have you seen the teapots?")).await;
    assert_eq!((there.name.as_str(), there.unread), (ANN.name, 1));
    let toast = toast_of(bens, |_| true).await;
    assert_eq!((toast.kind, toast.title_name.as_str(), toast.group), (ToastKind::Message, ANN.name, None));
    assert!(bens.alerts.lock().unwrap().iter().all(|alert| !alert.rings), "nothing among the team rings");

    ben.send_message(note(&there, "Which of them?")).await.unwrap();
    let answered = row(ann, anns_events, Folder::Team, |row| said(row, "Which of them?")).await;
    assert_eq!(answered.id, begun.conversation, "it is the same conversation");
    // Begun once more, it goes on.
    let again = ann.start_internal(letter(&to_ben, "", "The blue ones")).await.unwrap();
    assert_eq!(again, begun);
    ann.start_internal(letter(&to_ben, "Returns", "Forty came back")).await.unwrap();
    let group = row(ben, bens_events, Folder::Team, |row| row.name == "Returns").await;
    let toast = toast_of(bens, |toast| toast.group.is_some()).await;
    assert_eq!((toast.title_name.as_str(), toast.group.as_deref()), (ANN.name, Some("Returns")));
    let open =
        ben.list_conversations(ListConversations { folder: Folder::Open, account: None, limit: 50 }).await.unwrap();
    assert!(open.rows.is_empty() && open.counts.team_unread == 2, "{:?}", open.counts);
    let hits = ben.search(Search { account: None, text: "forty".into(), limit: 5 }).await.unwrap();
    assert_eq!(
        hits.iter().map(|hit| (hit.conversation, hit.name.as_str())).collect::<Vec<_>>(),
        [(group.id, "Returns")]
    );

    // Ben leaves, and the group is gone from his computer.
    let leave = ChangeParticipants { conversation: group.id, add: vec![], remove: vec![], leave: true };
    ben.change_participants(leave).await.unwrap();
    until(bens_events, "it is forgotten", || async {
        ben.conversation(ForConversation { conversation: group.id }).await.is_err().then_some(())
    })
    .await;
    row(ann, anns_events, Folder::Team, |row| row.name == "Returns" && row.participants.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn od_17_ann_asks_ben_into_a_chat_of_a_site_that_is_not_his() {
    let desk = TestDesk::start().await;
    let edit = SiteEdit { members_only: Some(true), ..SiteEdit::default() };
    desk.desk.administer().put_site(Some(desk.site.id), edit).await.unwrap();
    let Two { ann, ben, anns_events, bens_events, .. } = &Two::at(&desk).await;
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Is it dishwasher safe?").await;
    let chat = row(ann, anns_events, Folder::Open, |_| true).await;
    let to_ben = colleague(ann, anns_events).await;
    let add = ChangeParticipants { conversation: chat.id, add: vec![to_ben.agent], remove: vec![], leave: false };
    ann.change_participants(add).await.unwrap();
    let bens = row(ben, bens_events, Folder::Open, |row| row.id == chat.id).await;
    assert!(bens.takes_part && !bens.internal);
    let reply = SendMessage { kind: MessageKind::Reply, seen: 100, ..note(&bens, "The blue one is") };
    ben.send_message(reply).await.unwrap();
    vic.read("The blue one is").await;
    let remove = ChangeParticipants { conversation: chat.id, add: vec![], remove: vec![to_ben.agent], leave: false };
    ann.change_participants(remove).await.unwrap();
    until(bens_events, "it is forgotten", || async {
        ben.conversation(ForConversation { conversation: chat.id }).await.is_err().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn od_27_od_05_ben_is_told_where_ann_mentions_him_and_it_is_his_until_he_follows_no_more() {
    let desk = TestDesk::start().await;
    let Two { ann, ben, anns_events, bens_events, bens, .. } = &Two::at(&desk).await;
    is_live(ben, bens_events).await;
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Is it dishwasher safe?").await;
    let chat = row(ann, anns_events, Folder::Open, |_| true).await;
    let conversation = chat.id;
    ann.assign(Assign { conversation, to: AssignTo::Me, from: None }).await.unwrap();
    row(ben, bens_events, Folder::Open, |row| row.assignee.is_some()).await;
    let at_hand = ann.mentionable(ForConversation { conversation }).await.unwrap();
    assert_eq!(at_hand.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(), [BEN.name]);
    let ben_id = at_hand[0].agent;

    // Whom an unsent note mentions is kept with it; whoever's name went from the text again is not mentioned.
    let kept = Draft { conversation, reply: String::new(), note: "@Ben".into(), mentions: vec![ben_id] };
    ann.save_draft(kept.clone()).await.unwrap();
    assert_eq!(ann.draft(ForConversation { conversation }).await.unwrap(), kept);
    ann.send_message(SendMessage { mentions: vec![ben_id], ..note(&chat, "Never mind") }).await.unwrap();
    let reply = SendMessage { kind: MessageKind::Reply, mentions: vec![ben_id], seen: 100, ..note(&chat, "Ask @Ben") };
    ann.send_message(reply).await.unwrap();
    vic.read("Ask @Ben").await;
    row(ben, bens_events, Folder::Open, |row| said(row, "Ask @Ben")).await;
    let mine = ListConversations { folder: Folder::Mine, account: None, limit: 50 };
    assert!(ben.list_conversations(mine.clone()).await.unwrap().rows.is_empty(), "nobody mentioned him");
    let words = "@Ben, is the blue one?";
    ann.send_message(SendMessage { mentions: vec![ben_id], ..note(&chat, words) }).await.unwrap();

    let toast = toast_of(bens, |toast| toast.kind == ToastKind::Mention).await;
    assert_eq!((toast.conversation, toast.title_name.as_str()), (conversation, ANN.name));
    assert!(toast.group.is_some(), "it says whose chat it is");
    assert_eq!(toast.body.as_deref(), Some(words));
    let his = row(ben, bens_events, Folder::Mine, |row| row.id == conversation).await;
    assert!(his.followed && !his.mine && his.unread == 2, "{his:?}");
    let thread = ben.messages(ListMessages { conversation, before: None, limit: 50 }).await.unwrap();
    let first = &thread.messages.last().unwrap().text[0];
    assert_eq!(*first, TextPart::Mention { agent: ben_id, text: "@Ben".into(), me: true });
    // What Vic writes to Ann is news to him now.
    vic.write("Thank you both").await;
    let toast = toast_of(bens, |toast| toast.body.as_deref() == Some("Thank you both")).await;
    assert_eq!(toast.kind, ToastKind::Message);
    row(ann, anns_events, Folder::Open, |row| row.followers.iter().any(|found| found.agent == ben_id)).await;

    ben.follow(Follow { conversation, following: false }).await.unwrap();
    assert!(ben.list_conversations(mine).await.unwrap().rows.is_empty(), "at once");
    row(ann, anns_events, Folder::Open, |row| row.followers.is_empty()).await;
}
