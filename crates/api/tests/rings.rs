//! A visitor waited before Ann's app was started.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod computer;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use computer::{Computer, ann_at, started, until};
use deskbell_api::types::{ConnectDesk, Deed, ForConversation, ListMessages, MarkRead, Nothing};
use deskbell_api::{AccountId, App, ConversationRef};
use deskbell_attention::{Action, Alert, Reason, ToastKind};
use deskbell_protocol::http::{AgentEdit, DeskSettingsEdit, TeamEdit};
use deskbell_protocol::{
    Assignment, AssignmentRule, Command, ConversationState, Ephemeral, MessageKind, Priority, Role, Routing,
    RoutingRule, ServerFrame,
};
use deskbell_testkit::proxy::{FaultProxy, Way};
use deskbell_testkit::{ANN, AgentSocket, BEN, PATIENCE, TestDesk, Visitor};

/// Lets a flow talk to every new visitor, which hands them over when they have answered.
async fn talks(desk: &TestDesk) {
    let flow = serde_json::json!({"name": "Tea", "start": {"kind": "first_message"}, "patience_s": 600, "steps": [
        {"key": "ask", "does": {"kind": "ask", "texts": {"en": "Which tea?"}}},
        {"key": "people", "does": {"kind": "hand_over"}},
    ]});
    desk.desk.administer().put_flow(None, serde_json::from_value(flow).unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tv_01_a_chat_that_waited_before_the_app_was_started_rings_in_it() {
    let desk = TestDesk::start().await;
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Anybody there?").await;
    let disk = tempfile::tempdir().unwrap();
    let computer = Arc::new(Computer::default());
    let (app, _) = started(&disk.path().join("app"), &computer).await;
    app.connect_desk(ann_at(&desk, None)).await.unwrap();
    let events = app.subscribe();
    let rung = async {
        while !computer.alerts.lock().unwrap().iter().any(|alert| alert.rings) {
            events.next().await;
        }
    };
    tokio::time::timeout(PATIENCE, rung).await.expect("it rings with the next round");
    let toast = computer.alerts.lock().unwrap()[0].toast.clone().unwrap();
    assert_eq!(toast.body.as_deref(), Some("Anybody there?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tv_01_a_ring_goes_on_over_a_lost_connection_though_the_chat_changed_meanwhile() {
    let desk = TestDesk::start().await;
    let proxy = FaultProxy::start(desk.socket_address()).await.unwrap();
    let disk = tempfile::tempdir().unwrap();
    let computer = Arc::new(Computer::default());
    let (app, _) = started(&disk.path().join("app"), &computer).await;
    let ann = ConnectDesk { address: proxy.address(), ..ann_at(&desk, None) };
    app.connect_desk(ann).await.unwrap();
    let events = app.subscribe();
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Anybody there?").await;
    let ringing = || async { computer.alerts.lock().unwrap().iter().find(|alert| alert.rings).cloned() };
    let chat = until(&events, "the ring", ringing).await.conversation;

    proxy.refuse();
    proxy.cut();
    let mut ben = AgentSocket::connect(&desk, &BEN).await;
    ben.command(Command::SetPriority { conversation: chat.id, priority: Priority::High }).await;
    proxy.heal();
    app.retry_now(Nothing {}).await.unwrap();
    let pressing = || async {
        let row = app.conversation(ForConversation { conversation: chat }).await.unwrap();
        (row.priority == Priority::High).then_some(())
    };
    until(&events, "the priority", pressing).await;
    let there = || async { (!app.visitors(Nothing {}).await.unwrap().is_empty()).then_some(()) };
    until(&events, "Vic on the list of visitors", there).await;
    assert_eq!(*computer.calmed.lock().unwrap(), [], "Vic is there and waits");
    drop(vic);
    let quiet = async {
        while !computer.calmed.lock().unwrap().contains(&chat) {
            events.next().await;
        }
    };
    tokio::time::timeout(PATIENCE, quiet).await.expect("it ends when Vic has left");
}

/// Ann's app at a desk that gives chats in turn, and nobody else is there.
async fn given_in_turn() -> (TestDesk, Arc<Computer>, App, tempfile::TempDir) {
    let desk = TestDesk::start().await;
    let disk = tempfile::tempdir().unwrap();
    let computer = Arc::new(Computer::default());
    let (app, _) = started(&disk.path().join("app"), &computer).await;
    app.connect_desk(ann_at(&desk, None)).await.unwrap();
    let assignment = Assignment { rule: AssignmentRule::RoundRobin, capacity: 5, back_after_s: 0 };
    let edit = DeskSettingsEdit { assignment: Some(assignment), ..DeskSettingsEdit::default() };
    desk.desk.administer().edit_settings(edit).await.unwrap();
    (desk, computer, app, disk)
}

#[tokio::test(flavor = "multi_thread")]
async fn tv_03_a_chat_that_was_given_to_me_rings_on_when_its_visitor_writes_again() {
    let (desk, computer, app, _disk) = given_in_turn().await;
    let events = app.subscribe();
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Anybody there?").await;
    let alerts = || computer.alerts.lock().unwrap().clone();
    let rung = async {
        loop {
            if let Some(alert) = alerts().into_iter().find(|alert| alert.rings) {
                return alert;
            }
            events.next().await;
        }
    };
    let chat = tokio::time::timeout(PATIENCE, rung).await.expect("it rings for whoever was given it").conversation;
    let before = alerts().len();
    vic.write("Hello?").await;
    let news = async {
        while alerts().len() == before {
            events.next().await;
        }
    };
    tokio::time::timeout(PATIENCE, news).await.expect("what Vic adds is news");
    let mut ben = AgentSocket::connect(&desk, &BEN).await;
    ben.command(Command::SetPriority { conversation: chat.id, priority: Priority::High }).await;
    let pressing = || async {
        let row = app.conversation(ForConversation { conversation: chat }).await.unwrap();
        (row.priority == Priority::High).then_some(())
    };
    until(&events, "the priority", pressing).await;
    assert_eq!(*computer.calmed.lock().unwrap(), [], "nobody has taken or read it");
}

#[tokio::test(flavor = "multi_thread")]
async fn tv_03_a_chat_that_the_desk_gives_to_me_rings_though_it_is_mine_already() {
    let (desk, computer, app, _disk) = given_in_turn().await;
    let events = app.subscribe();
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Anybody there?").await;
    let rung = async {
        while !computer.alerts.lock().unwrap().iter().any(|alert| alert.rings) {
            events.next().await;
        }
    };
    tokio::time::timeout(PATIENCE, rung).await.expect("it rings for whoever was given it");
    let alerts = computer.alerts.lock().unwrap();
    let toast = alerts.iter().find(|alert| alert.rings).unwrap().toast.clone().unwrap();
    assert_eq!((toast.kind, toast.actions), (ToastKind::NewChat, vec![Action::Open]), "hers already");
}

/// Ann's app at a desk, over a network that loses the change for which the desk is about to ring.
struct Late {
    desk: TestDesk,
    network: FaultProxy,
    computer: Arc<Computer>,
    app: App,
    /// Ann's other computer, whose network is fine.
    ear: AgentSocket,
    ben: AgentSocket,
    _disk: tempfile::TempDir,
}

impl Late {
    async fn start() -> Self {
        let desk = TestDesk::start().await;
        let network = FaultProxy::start(desk.socket_address()).await.unwrap();
        let disk = tempfile::tempdir().unwrap();
        let computer = Arc::new(Computer::default());
        let (app, _) = started(&disk.path().join("app"), &computer).await;
        let through = ConnectDesk { address: network.address(), ..ann_at(&desk, None) };
        app.connect_desk(through).await.unwrap();
        let ear = AgentSocket::connect(&desk, &ANN).await;
        let ben = AgentSocket::connect(&desk, &BEN).await;
        Self { desk, network, computer, app, ear, ben, _disk: disk }
    }

    /// Waits until the desk rings and Ann's app has heard it, and then lets it have what was lost, but no other ring.
    async fn catches_up(&mut self, chat: ConversationRef, passed: u64) {
        while !matches!(self.ear.next().await, ServerFrame::Ring(ring) if ring.conversation == chat.id) {}
        let heard = async {
            while self.network.passed(Way::ToClient) == passed {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, heard).await.expect("it rings for Ann as well");
        assert_eq!(self.rung(), [], "nothing is here that could ring");
        let events = self.app.subscribe();
        self.ben.command(Command::SetPriority { conversation: chat.id, priority: Priority::High }).await;
        let pressing = || async {
            let row = self.app.conversation(ForConversation { conversation: chat }).await.ok()?;
            (row.priority == Priority::High).then_some(())
        };
        until(&events, "what was lost", pressing).await;
        self.network.freeze(Way::ToClient);
    }

    /// What rings have said so far.
    fn rung(&self) -> Vec<Option<String>> {
        let alerts = self.computer.alerts.lock().unwrap();
        alerts.iter().filter(|alert| alert.rings).map(|alert| alert.toast.clone().unwrap().body).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tv_06_a_ring_that_overtakes_the_line_of_a_hand_over_is_heard_when_that_comes_and_not_a_round_later() {
    let mut late = Late::start().await;
    talks(&late.desk).await;
    let events = late.app.subscribe();
    let mut vic = Visitor::arrive(&late.desk, "Vic").await;
    vic.write("Anybody there?").await;
    let question = vic.read("Which tea?").await;
    let chat = ConversationRef::new(AccountId(1), question.conversation);
    let asked = || async {
        let row = late.app.conversation(ForConversation { conversation: chat }).await.ok()?;
        (row.last_number == question.number).then_some(())
    };
    until(&events, "the question", asked).await;
    late.network.lose(Way::ToClient, 1);
    late.ben.command(Command::StopFlow { conversation: chat.id }).await;
    late.network.has_lost(Way::ToClient).await;
    let passed = late.network.passed(Way::ToClient);
    late.catches_up(chat, passed).await;
    until(&events, "the ring", || async { (late.rung() == [None]).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tv_01_a_ring_that_overtakes_the_first_message_tells_of_it_once() {
    let mut late = Late::start().await;
    let mut vic = Visitor::arrive(&late.desk, "Vic").await;
    let events = late.app.subscribe();
    let here = || async { (!late.app.visitors(Nothing {}).await.unwrap().is_empty()).then_some(()) };
    until(&events, "Vic", here).await;
    late.network.lose(Way::ToClient, 1);
    vic.write("Anybody there?").await;
    let chat = vic.read("Anybody there?").await.conversation;
    late.network.has_lost(Way::ToClient).await;
    let passed = late.network.passed(Way::ToClient);
    late.catches_up(ConversationRef::new(AccountId(1), chat), passed).await;
    late.network.heal();
    vic.write("Please").await;
    let said = || async { (late.rung().last() == Some(&Some("Please".into()))).then_some(()) };
    until(&events, "the second message", said).await;
    assert_eq!(late.rung(), [Some("Anybody there?".into()), Some("Please".into())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tv_06_a_chat_in_which_a_flow_talks_is_quiet_and_rings_when_it_does_no_more_though_all_was_read() {
    let desk = TestDesk::start().await;
    talks(&desk).await;
    let disk = tempfile::tempdir().unwrap();
    let computer = Arc::new(Computer::default());
    let (app, _) = started(&disk.path().join("app"), &computer).await;
    app.connect_desk(ann_at(&desk, None)).await.unwrap();
    let events = app.subscribe();
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Anybody there?").await;
    let first = until(&events, "the message", || async { computer.alerts.lock().unwrap().first().cloned() }).await;
    assert_eq!((first.rings, first.why_quiet), (false, Some(Reason::NobodyWaits)));
    let question = vic.read("Which tea?").await;
    let (chat, number) = (ConversationRef::new(AccountId(1), question.conversation), question.number);
    app.mark_read(MarkRead { conversation: chat, number }).await.unwrap();

    let mut ben = AgentSocket::connect(&desk, &BEN).await;
    ben.command(Command::StopFlow { conversation: chat.id }).await;
    let ringing = || async { computer.alerts.lock().unwrap().iter().find(|alert| alert.rings).cloned() };
    let toast = until(&events, "the ring", ringing).await.toast.unwrap();
    assert_eq!((toast.kind, toast.body), (ToastKind::NewChat, None), "what the desk notes is no message");
    // Another change of the chat is not somebody who has seen it.
    ben.command(Command::SetPriority { conversation: chat.id, priority: Priority::High }).await;
    let pressing = || async {
        let row = app.conversation(ForConversation { conversation: chat }).await.unwrap();
        (row.priority == Priority::High).then_some(())
    };
    until(&events, "the priority", pressing).await;
    assert_eq!(*computer.calmed.lock().unwrap(), []);
    app.mark_read(MarkRead { conversation: chat, number: number + 1 }).await.unwrap();
    until(&events, "the end", || async { computer.calmed.lock().unwrap().contains(&chat).then_some(()) }).await;
}

/// The app of somebody at a desk, as it is when nothing has come in yet.
async fn app_of(connect: ConnectDesk) -> (Arc<Computer>, App, tempfile::TempDir) {
    let disk = tempfile::tempdir().unwrap();
    let computer = Arc::new(Computer::default());
    let (app, _) = started(&disk.path().join("app"), &computer).await;
    app.connect_desk(connect).await.unwrap();
    (computer, app, disk)
}

/// Waits for the first alert.
async fn first_alert(app: &App, computer: &Computer) -> Alert<ConversationRef> {
    let events = app.subscribe();
    until(&events, "an alert", || async { computer.alerts.lock().unwrap().first().cloned() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tv_01_a_chat_for_a_team_rings_for_nobody_outside_of_it() {
    let desk = TestDesk::start().await;
    let administration = desk.desk.administer();
    let tea = TeamEdit { name: Some("Tea".into()), members: Some(vec![desk.ben.id]), ..TeamEdit::default() };
    let team = administration.put_team(None, tea).await.unwrap().id;
    let rule =
        RoutingRule { active: true, site: None, language: None, page_contains: None, team, fallback_after_s: 3_600 };
    administration.set_routing(Routing { rules: vec![rule] }).await.unwrap();
    let (computer, app, _disk) = app_of(ann_at(&desk, None)).await;
    let _ben = AgentSocket::connect(&desk, &BEN).await;
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Anybody there?").await;
    let alert = first_alert(&app, &computer).await;
    assert!(!alert.rings, "the desk rings for Ben alone, and nothing would end it here");
    assert_eq!(alert.toast.unwrap().kind, ToastKind::Message, "it is news all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn tv_01_a_new_chat_rings_for_nobody_who_may_not_answer_it() {
    let desk = TestDesk::start().await;
    let reads = AgentEdit { role: Some(Role::Light), ..AgentEdit::default() };
    desk.desk.administer().edit_agent(desk.ben.id, reads).await.unwrap();
    let ben = ConnectDesk { email: BEN.email.into(), password: BEN.password.into(), ..ann_at(&desk, None) };
    let (computer, app, _disk) = app_of(ben).await;
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Anybody there?").await;
    assert!(!first_alert(&app, &computer).await.rings);
}

#[tokio::test(flavor = "multi_thread")]
async fn tv_01_a_chat_whose_visitor_has_left_meanwhile_is_told_of_and_does_not_ring() {
    tokio::join!(hears_of_who_has_left(false), hears_of_who_has_left(true));
}

/// Ann's laptop sleeps while Vic comes, writes and leaves. Her network may know no sockets.
async fn hears_of_who_has_left(blocks_sockets: bool) {
    let desk = TestDesk::start().await;
    let network = FaultProxy::start(desk.socket_address()).await.unwrap();
    if blocks_sockets {
        network.refuse_sockets();
    }
    let ann = ConnectDesk { address: network.address(), ..ann_at(&desk, None) };
    let (computer, app, _disk) = app_of(ann).await;
    let mut ben = AgentSocket::connect(&desk, &BEN).await;
    network.refuse();
    network.cut();
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Anybody there?").await;
    let left = vic.read("Anybody there?").await.conversation;
    drop(vic);
    let gone = async {
        loop {
            if let ServerFrame::Eph(Ephemeral::Visitors { full: false, gone, .. }) = ben.next().await
                && !gone.is_empty()
            {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("Vic has left");
    network.heal();
    app.retry_now(Nothing {}).await.unwrap();
    let alert = first_alert(&app, &computer).await;
    assert_eq!((alert.conversation.id, alert.rings), (left, false), "nobody is there who could be answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn od_42_a_clock_that_is_a_day_ahead_silences_no_message() {
    let desk = TestDesk::start().await;
    let (computer, app, _disk) = app_of(ann_at(&desk, None)).await;
    computer.days_later.store(1, Ordering::Relaxed);
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Anybody there?").await;
    let told = first_alert(&app, &computer).await.toast.unwrap();
    assert_eq!(told.kind, ToastKind::NewChat);
    vic.write("Hello?").await;
    let events = app.subscribe();
    let again = || async {
        let alerts = computer.alerts.lock().unwrap();
        alerts.iter().any(|alert| alert.toast.as_ref().unwrap().body.as_deref() == Some("Hello?")).then_some(())
    };
    until(&events, "what Vic adds", again).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dc_03_a_toast_that_is_pressed_late_takes_the_chat_from_nobody() {
    let desk = TestDesk::start().await;
    let network = FaultProxy::start(desk.socket_address()).await.unwrap();
    let ann = ConnectDesk { address: network.address(), ..ann_at(&desk, None) };
    let (computer, app, _disk) = app_of(ann).await;
    let events = app.subscribe();
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Anybody there?").await;
    let chat = first_alert(&app, &computer).await.conversation;
    // Ben takes it while Ann has no connection; her toast still offers it.
    network.refuse();
    network.cut();
    let mut ben = AgentSocket::connect(&desk, &BEN).await;
    let takes = Command::Assign { conversation: chat.id, agent: Some(desk.ben.id), team: None, from: None };
    let name = ben.command(takes).await;
    while !matches!(ben.next().await, ServerFrame::Ack(ack) if ack.client_id == name) {}
    app.take_waiting(chat).await.unwrap();
    network.heal();
    app.retry_now(Nothing {}).await.unwrap();
    let refused = || async {
        let thread = app.messages(ListMessages { conversation: chat, before: None, limit: 50 }).await.ok()?;
        thread.refused.into_iter().next()
    };
    assert_eq!(until(&events, "the refusal", refused).await.deed, Deed::Assign);
    let row = app.conversation(ForConversation { conversation: chat }).await.unwrap();
    assert_eq!(row.assignee, Some(desk.ben.id), "it stays with Ben");
}

#[tokio::test(flavor = "multi_thread")]
async fn tv_01_a_ring_ends_with_an_answer_though_nobody_took_the_chat_and_the_desk_was_not_heard() {
    let desk = TestDesk::start().await;
    let network = FaultProxy::start(desk.socket_address()).await.unwrap();
    let ann = ConnectDesk { address: network.address(), ..ann_at(&desk, None) };
    let (computer, app, _disk) = app_of(ann).await;
    let events = app.subscribe();
    let mut ben = AgentSocket::connect(&desk, &BEN).await;
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Anybody there?").await;
    let ringing = || async { computer.alerts.lock().unwrap().iter().find(|alert| alert.rings).cloned() };
    let chat = until(&events, "the ring", ringing).await.conversation;
    // The answer is lost on the way to Ann, and so is that it rings no more.
    network.lose(Way::ToClient, 2);
    ben.command(Command::Send {
        conversation: Some(chat.id),
        kind: MessageKind::Reply,
        text: "Yes".into(),
        attachments: vec![],
        mentions: vec![],
        article: None,
        choice: None,
    })
    .await;
    network.has_lost(Way::ToClient).await;
    ben.command(Command::SetPriority { conversation: chat.id, priority: Priority::High }).await;
    until(&events, "the end", || async { computer.calmed.lock().unwrap().contains(&chat).then_some(()) }).await;
    let row = app.conversation(ForConversation { conversation: chat }).await.unwrap();
    assert_eq!((row.assignee, row.waiting_since), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn od_27_a_mention_in_a_closed_chat_is_told_until_it_is_read_whatever_changes_there() {
    let desk = TestDesk::start().await;
    let (computer, app, _disk) = app_of(ann_at(&desk, None)).await;
    let events = app.subscribe();
    let mut ben = AgentSocket::connect(&desk, &BEN).await;
    let mut vic = Visitor::arrive(&desk, "Vic").await;
    vic.write("Thanks").await;
    let chat = first_alert(&app, &computer).await.conversation;
    ben.command(Command::SetState { conversation: chat.id, state: ConversationState::Closed }).await;
    until(&events, "the end", || async { computer.calmed.lock().unwrap().contains(&chat).then_some(()) }).await;
    computer.calmed.lock().unwrap().clear();

    let mention = |text: &str| Command::Send {
        conversation: Some(chat.id),
        kind: MessageKind::Note,
        text: text.into(),
        attachments: vec![],
        mentions: vec![desk.ann.id],
        article: None,
        choice: None,
    };
    // Nothing is said of an alert that does not ring.
    let told_of = async |count: usize| {
        let is_one = |alert: &&Alert<ConversationRef>| {
            alert.toast.as_ref().is_some_and(|toast| toast.kind == ToastKind::Mention)
        };
        let told = async {
            while computer.alerts.lock().unwrap().iter().filter(is_one).count() < count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, told).await.expect("she is told of the mention");
    };
    ben.command(mention("@Ann, what was that?")).await;
    told_of(1).await;
    ben.command(Command::SetPriority { conversation: chat.id, priority: Priority::High }).await;
    // What is told of later was heard of later.
    ben.command(mention("@Ann?")).await;
    told_of(2).await;
    assert_eq!(*computer.calmed.lock().unwrap(), [], "she has not read it");
    let page = app.messages(ListMessages { conversation: chat, before: None, limit: 9 }).await.unwrap();
    let number = page.messages.iter().map(|message| message.number).max().unwrap();
    app.mark_read(MarkRead { conversation: chat, number }).await.unwrap();
    until(&events, "the end", || async { computer.calmed.lock().unwrap().contains(&chat).then_some(()) }).await;
}
