//! Conversations, and what a client has of them.

use std::time::{SystemTime, UNIX_EPOCH};

use deskbell_protocol::*;

use crate::desk::*;

#[tokio::test]
async fn dk_23_vic_writes_and_ann_answers() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;

    let asked = reply(None, "Is the blue teapot in stock?");
    let ack = vic.command(&asked).await.unwrap();
    assert_eq!((ack.number, ack.duplicate), (Some(1), false));
    let (message, change) = ann.message("Is the blue teapot in stock?").await;
    assert_eq!(message.author, Author::Visitor);
    assert_eq!(Some(message.id.0), ack.id);
    assert_eq!(change.client_id, None, "the name of a command is its sender's alone");
    let (_, own) = vic.message("Is the blue teapot in stock?").await;
    assert_eq!(own.client_id, Some(asked.client_id));

    let answer = reply(Some(message.conversation), "Yes, three of them.");
    let ack = ann.command(&answer).await.unwrap();
    assert_eq!(ack.number, Some(2));
    let (answered, change) = vic.message("Yes, three of them.").await;
    assert_eq!(answered.author, Author::Agent { id: desk.ann.agent.id, name: "Ann".to_owned() });
    assert_eq!((answered.client_id, change.client_id), (None, None));
}

#[tokio::test]
async fn dc_02_a_reconnect_by_cursor_yields_exactly_the_missing_changes() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, token) = desk.visitor().await;
    vic.command(&reply(None, "one")).await.unwrap();
    ann.message("one").await;
    let (message, _) = vic.message("one").await;
    let (at_ann, at_vic) = (ann.cursor.clone().unwrap(), vic.cursor.clone().unwrap());
    drop(ann);
    drop(vic);

    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    ben.command(&reply(Some(message.conversation), "two")).await.unwrap();
    ben.command(&say(Some(message.conversation), MessageKind::Note, "a note")).await.unwrap();
    ben.command(&reply(Some(message.conversation), "three")).await.unwrap();

    let mut ann = desk.agent(&desk.ann, Some(at_ann.clone())).await;
    let welcome = ann.welcome().await;
    assert_eq!((welcome.mode, &welcome.epoch), (SyncMode::Delta, &at_ann.epoch));
    let mut got = Vec::new();
    while ann.cursor.as_ref().unwrap().seq < welcome.head {
        got.extend(ann.delta().await.changes);
    }
    assert_eq!(texts(&got), ["two", "a note", "three"]);
    assert!(got.iter().all(|change| change.entity != EntityKind::ReadMark), "Ben's read mark is his own");

    let mut vic = desk.panel(Some(&token), None, Some(at_vic)).await;
    assert_eq!(vic.welcome().await.mode, SyncMode::Delta);
    assert_eq!(texts(&vic.delta().await.changes), ["two", "three"]);
}

#[tokio::test]
async fn dc_01_the_same_command_twice_is_done_once() {
    let desk = TestDesk::start().await;
    let (mut vic, token) = desk.visitor().await;
    let asked = reply(None, "Hello?");
    let first = vic.command(&asked).await.unwrap();
    let second = vic.command(&asked).await.unwrap();
    assert_eq!(Ack { duplicate: true, ..first.clone() }, second);

    // Also over another socket, and after the server has started anew.
    let TestDesk { desk: open, address, site, data, stop, server, .. } = desk;
    stop.cancel();
    server.await.unwrap();
    drop(open);
    let settings = deskbell_server::Settings { data: data.path().to_owned(), ..Default::default() };
    let desk = deskbell_server::Desk::open(settings).unwrap();
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let server = tokio_util::task::TaskTracker::new().spawn({
        let (desk, stop) = (desk.clone(), stop.clone());
        async move { desk.serve(listener, stop).await.unwrap() }
    });
    let mut vic = Client::open(address, None, Some(&format!("http://{address}"))).await;
    let hello = VisitorHello {
        site: site.key,
        part: VisitorPart::Panel,
        token: Some(token),
        presence: None,
        page: None,
        language: String::new(),
        screen: String::new(),
        spoken: None,
        identity: None,
    };
    vic.hello(None, Some(hello)).await;
    vic.welcome().await;
    assert_eq!(texts(&vic.snapshot().await), ["Hello?"]);
    let third = vic.command(&asked).await.unwrap();
    assert_eq!(Ack { duplicate: true, ..first }, third);
    let conversation = vic.history(ConversationId(0), 10, 10).await;
    assert!(conversation.messages.is_empty(), "a conversation that is not there has no history");
    stop.cancel();
    server.await.unwrap();
}

#[tokio::test]
async fn dc_01_a_cursor_of_no_use_leads_to_a_reset_and_a_snapshot() {
    let desk = TestDesk::start().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Hello?")).await.unwrap();
    let head = desk.agent(&desk.ann, None).await.welcome().await;

    let foreign = Cursor { epoch: "0".repeat(32), seq: Seq(1) };
    let ahead = Cursor { epoch: head.epoch.clone(), seq: Seq(head.head.0 + 1000) };
    for (cursor, reason) in [(foreign, ResetReason::Epoch), (ahead, ResetReason::Ahead)] {
        let mut ann = desk.agent(&desk.ann, Some(cursor)).await;
        let welcome = ann.welcome().await;
        assert_eq!((welcome.mode, welcome.agent), (SyncMode::Snapshot, Some(desk.ann.agent.id)));
        assert_eq!(ann.next().await, Some(ServerFrame::Reset(Reset { reason })));
        ann.cursor = Some(Cursor { epoch: welcome.epoch, seq: welcome.head });
        let rows = ann.snapshot().await;
        assert_eq!(texts(&rows), ["Hello?"]);
        let kinds: Vec<EntityKind> = rows.iter().map(|row| row.entity).collect();
        for kind in [
            EntityKind::Agent,
            EntityKind::Site,
            EntityKind::CannedText,
            EntityKind::Conversation,
            EntityKind::Contact,
            EntityKind::Visitor,
        ] {
            assert!(kinds.contains(&kind), "{kind:?} is missing");
        }
    }
}

#[tokio::test]
async fn dc_01_a_large_desk_comes_in_pages_and_whole() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut expected = Vec::new();
    for person in 0..15 {
        let (mut vic, _) = desk.visitor().await;
        for message in 0..4 {
            // The largest texts there are, in characters that take most room.
            let text = format!("{person}-{message} {}", "🫖".repeat(9_980));
            vic.command(&reply(None, &text)).await.unwrap();
            expected.push(text);
        }
    }
    // Everything also came live, without a hole: the cursor is checked with every delta.
    let mut live = Vec::new();
    while live.len() < expected.len() {
        live.extend(texts(&ann.delta().await.changes));
    }
    live.sort();
    expected.sort();
    assert!(live == expected);

    let mut ben = desk.agent(&desk.ben, None).await;
    ben.welcome().await;
    let rows = ben.snapshot().await;
    let mut got = texts(&rows);
    got.sort();
    assert!(got == expected, "{} of {}", got.len(), expected.len());

    let conversation = rows.iter().find(|row| row.entity == EntityKind::Conversation).unwrap().id.into();
    let mut before = 100;
    let mut numbers = Vec::new();
    while before > 1 {
        let page = ben.history(conversation, before, 50).await;
        let covered: Vec<i64> = page.messages.iter().filter_map(as_message).map(|message| message.number).collect();
        assert_eq!(covered, (page.from..=page.to).collect::<Vec<_>>(), "a page of history is contiguous");
        numbers.splice(0..0, covered);
        before = page.from;
    }
    assert_eq!(numbers, [1, 2, 3, 4]);
}

#[tokio::test]
async fn tv_13_a_note_never_reaches_the_visitor() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, token) = desk.visitor().await;
    vic.command(&reply(None, "Hello?")).await.unwrap();
    let (message, _) = ann.message("Hello?").await;
    let conversation = message.conversation;
    vic.message("Hello?").await;

    ann.command(&say(Some(conversation), MessageKind::Note, "SECRET note")).await.unwrap();
    let contact = {
        let mut again = desk.agent(&desk.ann, None).await;
        again.welcome().await;
        let rows = again.snapshot().await;
        rows.iter().find(|row| row.entity == EntityKind::Contact).unwrap().id
    };
    let edit = Command::EditContact {
        contact: contact.into(),
        name: "Vic".to_owned(),
        email: "vic@home.example".to_owned(),
        phone: String::new(),
        notes: "SECRET about Vic".to_owned(),
    };
    ann.command(&command(edit)).await.unwrap();
    ann.command(&reply(Some(conversation), "Yes!")).await.unwrap();

    // Live: everything until the reply, in plain text.
    let mut seen = String::new();
    loop {
        let frame = vic.next().await.unwrap();
        seen.push_str(&frame.to_text());
        if seen.contains("Yes!") {
            break;
        }
    }
    // History, a fresh snapshot, and the head of the conversation.
    let history = vic.history(conversation, 100, 100).await;
    assert_eq!(texts(&history.messages), ["Hello?", "Yes!"]);
    assert_eq!((history.from, history.to), (1, 3));
    seen.push_str(&ServerFrame::HistPage(history).to_text());
    let mut again = desk.panel(Some(&token), None, None).await;
    again.welcome().await;
    let rows = again.snapshot().await;
    assert_eq!(texts(&rows), ["Hello?", "Yes!"]);
    seen.push_str(&serde_json::to_string(&rows).unwrap());
    assert!(!seen.contains("SECRET"), "{seen}");
    assert!(!seen.contains("ann@desk.example"), "an agent's address is the team's alone");

    // While the newest message is a note, the visitor's head does not tell of it.
    ann.command(&say(Some(conversation), MessageKind::Note, "SECRET again")).await.unwrap();
    let mut again = desk.panel(Some(&token), None, None).await;
    again.welcome().await;
    let heads: Vec<Number> = again
        .snapshot()
        .await
        .iter()
        .filter_map(decode)
        .filter_map(|entity| if let Entity::Conversation(found) = entity { Some(found.last_number) } else { None })
        .collect();
    assert_eq!(heads, [3]);
    // A visitor cannot write one either.
    let nack = vic.command(&say(Some(conversation), MessageKind::Note, "mine")).await.unwrap_err();
    assert_eq!(nack.code, ErrorCode::NotFound);
}

#[tokio::test]
async fn dk_20_closing_and_reopening_and_who_waits() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Hello?")).await.unwrap();
    let (waiting, _) = ann.conversation(|conversation| conversation.waiting_since.is_some()).await;
    let id = waiting.id;
    assert_eq!((waiting.state, waiting.last_number), (ConversationState::Open, 1));

    ann.command(&say(Some(id), MessageKind::Note, "a note")).await.unwrap();
    ann.command(&reply(Some(id), "Hi!")).await.unwrap();
    let mut other = desk.agent(&desk.ann, None).await;
    other.welcome().await;
    let rows: Vec<Entity> = other.snapshot().await.iter().filter_map(decode).collect();
    assert!(rows.iter().any(|row| matches!(row, Entity::Conversation(found) if found.waiting_since.is_none())));
    assert!(rows.iter().any(|row| matches!(row, Entity::ReadMark(mark) if mark.number == 3)), "who replies has read");

    let close = |state| command(Command::SetState { conversation: id, state });
    ann.command(&close(ConversationState::Closed)).await.unwrap();
    let (closed, _) = other.conversation(|conversation| conversation.state == ConversationState::Closed).await;
    assert_eq!(closed.waiting_since, None);
    vic.command(&reply(None, "One more thing")).await.unwrap();
    let (reopened, _) = other.conversation(|conversation| conversation.state == ConversationState::Open).await;
    assert_eq!(reopened.id, id, "a visitor has one conversation");
    assert!(reopened.waiting_since.is_some());
    let history = other.history(id, 100, 100).await;
    assert_eq!(texts(&history.messages), ["Hello?", "a note", "Hi!", "closed", "reopened", "One more thing"]);
}

#[tokio::test]
async fn a_snoozed_conversation_opens_at_its_time_and_with_the_visitors_next_message() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Hello?")).await.unwrap();
    let (head, _) = ann.conversation(|conversation| conversation.last_number == 1).await;
    let snooze = |until| command(Command::Snooze { conversation: head.id, until });

    // The desk opens it by itself, and the wait has gone on.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    ann.command(&snooze(Some(now + 300))).await.unwrap();
    ann.conversation(|conversation| conversation.state == ConversationState::Snoozed).await;
    let (woken, _) = ann.conversation(|conversation| conversation.state == ConversationState::Open).await;
    assert_eq!((woken.snoozed_until, woken.waiting_since), (None, head.waiting_since));

    ann.command(&snooze(None)).await.unwrap();
    ann.conversation(|conversation| conversation.state == ConversationState::Snoozed).await;
    vic.command(&reply(None, "One more thing")).await.unwrap();
    ann.conversation(|conversation| conversation.state == ConversationState::Open).await;
    let history = ann.history(head.id, 100, 100).await;
    assert_eq!(texts(&history.messages), ["Hello?", "snoozed", "woken", "snoozed", "woken", "One more thing"]);
    let history = vic.history(head.id, 100, 100).await;
    assert_eq!(texts(&history.messages), ["Hello?", "One more thing"], "that is the team's own affair");

    let old = command(Command::SetState { conversation: head.id, state: ConversationState::Snoozed });
    assert_eq!(ann.command(&old).await.unwrap_err().code, ErrorCode::Invalid);
    assert_eq!(vic.command(&snooze(None)).await.unwrap_err().code, ErrorCode::NotFound);
}

#[tokio::test]
async fn two_agents_label_one_conversation_at_once_and_the_visitor_never_hears_of_it() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (mut vic, token) = desk.visitor().await;
    vic.command(&reply(None, "Hello?")).await.unwrap();
    let (head, _) = ann.conversation(|conversation| conversation.last_number == 1).await;
    let texts_of = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>();
    let change = |add: &[&str], remove: &[&str]| {
        command(Command::ChangeLabels { conversation: head.id, add: texts_of(add), remove: texts_of(remove) })
    };
    ann.command(&change(&["SECRET  refund", "new"], &[])).await.unwrap();
    let (refund, new) = (change(&["secret REFUND", "VIP"], &[]), change(&["tea"], &["NEW"]));
    let (one, other) = tokio::join!(ben.command(&refund), ann.command(&new));
    one.unwrap();
    other.unwrap();
    let (labelled, _) = ben
        .conversation(|conversation| {
            ["tea", "VIP"].iter().all(|wanted| conversation.labels.iter().any(|label| label == wanted))
        })
        .await;
    assert_eq!(labelled.labels, ["SECRET refund", "tea", "VIP"], "the first spelling stays, in the order of the words");

    for bad in [&["x".repeat(41)][..], &["a\u{202e}b".to_owned()], &[" ".to_owned()]] {
        let bad: Vec<&str> = bad.iter().map(String::as_str).collect();
        let nack = ann.command(&change(&bad, &[])).await.unwrap_err();
        assert_eq!(nack.code, ErrorCode::Invalid, "{bad:?}");
    }
    assert_eq!(vic.command(&change(&["mine"], &[])).await.unwrap_err().code, ErrorCode::NotFound);
    ann.command(&reply(Some(head.id), "Yes!")).await.unwrap();
    let mut seen = String::new();
    while !seen.contains("Yes!") {
        seen.push_str(&vic.next().await.unwrap().to_text());
    }
    let mut again = desk.panel(Some(&token), None, None).await;
    again.welcome().await;
    seen.push_str(&serde_json::to_string(&again.snapshot().await).unwrap());
    assert!(!seen.contains("SECRET") && !seen.contains("label"), "{seen}");
}

#[tokio::test]
async fn tv_03_two_agents_take_one_conversation_and_one_is_told_who_was_faster() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Hello?")).await.unwrap();
    let (seen, rev) = ann.conversation(|conversation| conversation.last_number == 1).await;
    let take = |agent: AgentId| CommandFrame {
        if_rev: Some(rev),
        ..command(Command::Assign { conversation: seen.id, agent: Some(agent), team: None, from: None })
    };
    ann.command(&take(desk.ann.agent.id)).await.unwrap();
    let nack = ben.command(&take(desk.ben.agent.id)).await.unwrap_err();
    assert_eq!(nack.code, ErrorCode::Conflict);
    let current = decode(&nack.current.unwrap()).unwrap();
    assert!(matches!(current, Entity::Conversation(found) if found.assignee == Some(desk.ann.agent.id)));
    vic.message("assigned:Ann").await;
}

#[tokio::test]
async fn tv_04_a_transfer_minds_who_had_the_conversation_and_not_what_was_written_meanwhile() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Hello?")).await.unwrap();
    let (head, _) = ann.conversation(|conversation| conversation.last_number == 1).await;
    let give = |to: AgentId, from: Option<AgentId>| {
        let from = Some(Holder { agent: from, team: None });
        command(Command::Assign { conversation: head.id, agent: Some(to), team: None, from })
    };
    let (ann_id, ben_id) = (desk.ann.agent.id, desk.ben.agent.id);
    // Vic writes on while Ann decides.
    vic.command(&reply(None, "Anybody?")).await.unwrap();
    ann.command(&give(ben_id, None)).await.unwrap();
    // Ben saw it unassigned as well. That it is his already is no conflict; that Ann takes it is one.
    ben.command(&give(ben_id, None)).await.unwrap();
    let nack = ann.command(&give(ann_id, None)).await.unwrap_err();
    assert_eq!(nack.code, ErrorCode::Conflict);
    let current = decode(&nack.current.unwrap()).unwrap();
    assert!(matches!(current, Entity::Conversation(found) if found.assignee == Some(ben_id)));
    ann.command(&give(ann_id, Some(ben_id))).await.unwrap();
}

#[tokio::test]
async fn a_conversation_has_a_priority_that_its_visitor_never_hears_of() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (mut vic, token) = desk.visitor().await;
    vic.command(&reply(None, "Hello?")).await.unwrap();
    let (head, rev) = ann.conversation(|conversation| conversation.last_number == 1).await;
    assert_eq!(head.priority, Priority::None);
    let change = |priority| command(Command::SetPriority { conversation: head.id, priority });
    for priority in [Priority::Urgent, Priority::Low, Priority::None, Priority::High] {
        ann.command(&change(priority)).await.unwrap();
        ben.conversation(|conversation| conversation.priority == priority).await;
    }
    let late = CommandFrame { if_rev: Some(rev), ..change(Priority::Low) };
    assert_eq!(ben.command(&late).await.unwrap_err().code, ErrorCode::Conflict);
    assert_eq!(vic.command(&change(Priority::Urgent)).await.unwrap_err().code, ErrorCode::NotFound);
    ann.command(&reply(Some(head.id), "Yes!")).await.unwrap();
    let mut seen = String::new();
    while !seen.contains("Yes!") {
        seen.push_str(&vic.next().await.unwrap().to_text());
    }
    let mut again = desk.panel(Some(&token), None, None).await;
    again.welcome().await;
    seen.push_str(&serde_json::to_string(&again.snapshot().await).unwrap());
    assert!(!seen.contains("priority"), "{seen}");
}

#[tokio::test]
async fn dk_10_ann_starts_a_chat_with_a_visitor_who_only_browses() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let name = presence();
    let mut page = desk.page(Some(SHOP), &name, "https://shop.example/teapots").await;
    let welcome = page.welcome().await.visitor.unwrap();
    assert_eq!((welcome.token, welcome.unread, welcome.online), (None, 0, true));
    let online = ann
        .ephemeral(|ephemeral| match ephemeral {
            Ephemeral::Visitors { online, .. } => online.first().copied(),
            _ => None,
        })
        .await;
    let begun = ann.command(&command(Command::Start { visitor: online.visitor })).await.unwrap();
    let again = ann.command(&command(Command::Start { visitor: online.visitor })).await.unwrap();
    assert_eq!(begun.id, again.id, "the conversation at hand is found");
    ann.command(&reply(begun.id.map(ConversationId), "Can I help?")).await.unwrap();

    let count =
        page.ephemeral(|ephemeral| if let Ephemeral::Unread { count } = ephemeral { Some(*count) } else { None }).await;
    assert_eq!(count, 1);
    let mut panel = desk.panel(None, Some(&name), None).await;
    let welcome = panel.welcome().await.visitor.unwrap();
    assert_eq!((welcome.conversation, welcome.unread), (begun.id.map(ConversationId), 1));
    assert_eq!(texts(&panel.snapshot().await), ["Can I help?"]);
    panel
        .command(&command(Command::MarkRead { conversation: welcome.conversation.unwrap(), number: 1 }))
        .await
        .unwrap();
    let count =
        page.ephemeral(|ephemeral| if let Ephemeral::Unread { count } = ephemeral { Some(*count) } else { None }).await;
    assert_eq!(count, 0);
}

#[tokio::test]
async fn dk_23_both_sides_see_who_types_in_the_servers_words() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    let (mut wen, _) = desk.visitor().await;
    vic.command(&reply(None, "Hello?")).await.unwrap();
    let (message, _) = ann.message("Hello?").await;
    let conversation = Some(message.conversation);
    let typing = |author| ClientFrame::Eph(Ephemeral::Typing { conversation, author, typing: true, ttl_ms: 5_000 });
    let author = |ephemeral: &Ephemeral| match ephemeral {
        Ephemeral::Typing { author, conversation, .. } => Some((author.clone(), *conversation)),
        _ => None,
    };

    // Wen names Vic's conversation, and is not heard; Vic claims to be Ben, and is not believed.
    wen.send(&typing(None)).await;
    let claim = Author::Agent { id: desk.ben.agent.id, name: "Ben".to_owned() };
    vic.send(&typing(Some(claim))).await;
    assert_eq!(ann.ephemeral(author).await, (Some(Author::Visitor), conversation));

    ann.send(&typing(None)).await;
    let expected = Some(Author::Agent { id: desk.ann.agent.id, name: "Ann".to_owned() });
    assert_eq!(vic.ephemeral(author).await.0, expected);
    assert_eq!(ben.ephemeral(author).await.0, Some(Author::Visitor), "one sign of Vic came before");
    assert_eq!(ben.ephemeral(author).await.0, expected);
}

#[tokio::test]
async fn dc_01_unknown_and_malformed_frames_do_not_end_a_session() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    for frame in [
        "{\"type\":\"cobrowse\",\"x\":1}",
        "not json",
        "{}",
        "[]",
        "{\"type\":7}",
        "{\"type\":\"hist\"}",
        "{\"type\":\"eph\",\"kind\":\"sparkle\"}",
        "{\"type\":\"snap_next\",\"generation\":\"x\",\"token\":\"y\"}",
    ] {
        ann.send_text(frame).await;
    }
    // A command that cannot be read is answered: its outbox item must not wait for ever.
    let name = client_id();
    ann.send_text(&format!(
        "{{\"type\":\"cmd\",\"client_id\":\"{name}\",\"op\":\"teleport\",\"args\":{{}},\"client_time\":0}}"
    ))
    .await;
    let nack = ann.answer(&name).await.unwrap_err();
    assert_eq!(nack.code, ErrorCode::Invalid);
    let nack = ann.command(&reply(Some(ConversationId(1)), "x")).await.unwrap_err();
    assert_eq!(nack.code, ErrorCode::NotFound);
    let nack = ann.command(&reply(None, "x")).await.unwrap_err();
    assert_eq!((nack.code, nack.message.as_str()), (ErrorCode::Invalid, "conversation: must be given."));

    let (mut vic, _) = desk.visitor().await;
    let nack = vic.command(&reply(None, &"x".repeat(10_001))).await.unwrap_err();
    assert_eq!(nack.message, "text: at most 10000 characters.");
    let nack = vic.command(&reply(None, " \n ")).await.unwrap_err();
    assert_eq!(nack.code, ErrorCode::Invalid);
}

#[tokio::test]
async fn dk_07_notes_about_a_person_are_checked_and_reach_every_agent() {
    let desk = TestDesk::start().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Hello?")).await.unwrap();
    let mut ann = desk.agent(&desk.ann, None).await;
    ann.welcome().await;
    let rows = ann.snapshot().await;
    let contact = ContactId(rows.iter().find(|row| row.entity == EntityKind::Contact).unwrap().id);
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let edit = |email: &str| {
        command(Command::EditContact {
            contact,
            name: " Vic\n".to_owned(),
            email: email.to_owned(),
            phone: String::new(),
            notes: "Likes blue.\nTwo lines.".to_owned(),
        })
    };
    let nack = ann.command(&edit("vic at home")).await.unwrap_err();
    assert_eq!(nack.code, ErrorCode::Invalid);
    assert!(nack.message.starts_with("email:"), "{}", nack.message);
    ann.command(&edit("vic@home.example")).await.unwrap();
    let changed = ben.delta().await.changes.iter().find_map(decode).unwrap();
    assert!(
        matches!(changed, Entity::Contact(found) if found.name == "Vic" && found.notes == "Likes blue.\nTwo lines.")
    );
    assert_eq!(vic.command(&edit("x@y")).await.unwrap_err().code, ErrorCode::NotFound);
}

#[tokio::test]
async fn dc_01_a_server_that_stops_says_so_and_ends() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    desk.stop.cancel();
    let bye = ann.rest().await;
    assert!(
        matches!(bye.last(), Some(ServerFrame::Bye(Bye { code: ByeCode::Drain, retry_after_ms: 500..5_000 }))),
        "{bye:?}"
    );
    assert_eq!(vic.bye().await, ByeCode::Drain);
    tokio::time::timeout(std::time::Duration::from_secs(5), desk.server).await.unwrap().unwrap();
}

#[tokio::test]
async fn dc_01_every_ack_is_followed_by_the_place_it_names() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Hello?")).await.unwrap();
    let (message, _) = ann.message("Hello?").await;
    let read = || command(Command::MarkRead { conversation: message.conversation, number: 1 });
    vic.command(&read()).await.unwrap();
    ann.command(&read()).await.unwrap();
    // The log goes on with what neither of them sees: Ben's mark, and for Vic also Wen's message.
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (mut wen, _) = desk.visitor().await;
    wen.command(&reply(None, "Hi")).await.unwrap();
    ben.command(&read()).await.unwrap();
    ann.message("Hi").await;
    for client in [&mut vic, &mut ann] {
        // Read before: there is nothing to do, and still the cursor has to get there, long before the next heartbeat.
        let ack = client.command(&read()).await.unwrap();
        let began = std::time::Instant::now();
        while client.cursor.as_ref().unwrap().seq < ack.seq {
            client.next().await.unwrap();
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "{:?}", began.elapsed());
    }
}
