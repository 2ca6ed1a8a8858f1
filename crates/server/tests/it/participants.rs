//! Conversations among the team, and colleagues who take part in a chat that is not theirs.

use deskbell_protocol::http::{FoundMessages, SignedIn, SiteEdit};
use deskbell_protocol::*;
use deskbell_server::operations::Person;
use serde_json::{Value, json};

use crate::desk::*;

fn to(agents: &[AgentId], title: &str, text: &str) -> CommandFrame {
    let (title, text) = (title.to_owned(), text.to_owned());
    command(Command::StartInternal { agents: agents.to_vec(), title, text })
}

fn change(conversation: ConversationId, add: &[AgentId], remove: &[AgentId]) -> CommandFrame {
    command(Command::ChangeParticipants { conversation, add: add.to_vec(), remove: remove.to_vec() })
}

fn note(conversation: ConversationId, text: &str) -> CommandFrame {
    say(Some(conversation), MessageKind::Note, text)
}

/// One more of the team.
async fn colleague(desk: &TestDesk, name: &str, role: Role) -> SignedIn {
    let administration = desk.desk.administer();
    let email = format!("{}@desk.example", name.to_lowercase());
    let agent = administration.add_agent(name, &email, PASSWORD, role).await.unwrap();
    administration.sign_in_locally(agent.id, "A computer").await.unwrap()
}

async fn found(desk: &TestDesk, who: &SignedIn, words: &str) -> Vec<FoundMessage> {
    let request = http().get(desk.url("/v1/search")).query(&[("q", words)]).bearer_auth(&who.access_token);
    request.send().await.unwrap().json::<FoundMessages>().await.unwrap().messages
}

/// Closes the shop to all who are no members of it.
async fn close_shop(desk: &TestDesk) {
    let edit = SiteEdit { members_only: Some(true), ..SiteEdit::default() };
    desk.desk.administer().put_site(Some(desk.site.id), edit).await.unwrap();
}

fn of(rows: &[Change], kind: EntityKind) -> Vec<&Change> {
    rows.iter().filter(|row| row.entity == kind).collect()
}

/// Deltas until one says that a conversation is to be forgotten.
async fn forgets(client: &mut Client, id: ConversationId) -> Vec<Change> {
    loop {
        let changes = client.delta().await.changes;
        let gone = |change: &Change| change.kind == ChangeKind::Forget && change.entity == EntityKind::Conversation;
        if changes.iter().any(|change| gone(change) && change.id == id.0) {
            return changes;
        }
    }
}

/// What is said after an earlier copy is forgotten.
fn shown(changes: &[Change]) -> Vec<String> {
    let last = changes.iter().rposition(|change| change.kind == ChangeKind::Forget);
    texts(&changes[last.expect("something is forgotten first")..])
}

#[tokio::test]
async fn od_28_what_two_colleagues_say_directly_is_seen_by_nobody_else_not_even_by_the_owner() {
    let desk = TestDesk::start().await;
    let cid = colleague(&desk, "Cid", Role::Admin).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let mut cids = desk.agent(&cid, None).await.synced().await;

    let begun = ben.command(&to(&[cid.agent.id], "", "Is Ann cross?")).await.unwrap();
    let id = ConversationId(begun.id.unwrap());
    assert_eq!(begun.number, Some(1));
    let (message, _) = cids.message("Is Ann cross?").await;
    assert_eq!((message.conversation, message.kind), (id, MessageKind::Note), "nothing of it is a reply");
    // Both begin at once: it is one conversation.
    let again = cids.command(&to(&[desk.ben.agent.id], "", "She is teasing")).await.unwrap();
    assert_eq!((again.id, again.number), (Some(id.0), Some(2)));
    let (head, _) = ben.conversation(|conversation| conversation.last_number == 2).await;
    assert!(head.is_direct() && head.participants == [desk.ben.agent.id, cid.agent.id]);

    // The owner hears of none of it: live, by the log, by a snapshot, in the history, by a search or by a command.
    ann.command(&to(&[desk.ben.agent.id], "", "Tea at five")).await.unwrap();
    let (tea, _) = ann.message("Tea at five").await;
    let cursor = Cursor { epoch: ann.cursor.clone().unwrap().epoch, seq: Seq(1) };
    let mut away = desk.agent(&desk.ann, Some(cursor)).await;
    away.welcome().await;
    let mut changes = Vec::new();
    while away.cursor.as_ref().unwrap().seq < ann.cursor.as_ref().unwrap().seq {
        changes.extend(away.delta().await.changes);
    }
    let mut fresh = desk.agent(&desk.ann, None).await;
    fresh.welcome().await;
    for rows in [changes, fresh.snapshot().await] {
        assert_eq!(texts(&rows), ["Tea at five"]);
        let heads = of(&rows, EntityKind::Conversation);
        assert_eq!(heads.iter().map(|row| row.id).collect::<Vec<_>>(), [tea.conversation.0]);
    }
    assert_eq!(ann.history(id, 10, 10).await.to, 0);
    assert_eq!(
        (found(&desk, &desk.ann, "teasing").await.len(), found(&desk, &desk.ben, "teasing").await.len()),
        (0, 1)
    );
    assert_eq!(found(&desk, &desk.ben, "teasing").await[0].name, "Cid", "it is with him");
    for asked in [
        note(id, "I hear you"),
        change(id, &[desk.ann.agent.id], &[]),
        command(Command::MarkRead { conversation: id, number: 1 }),
        command(Command::DeleteMessage { conversation: id, message: message.id }),
    ] {
        assert_eq!(ann.command(&asked).await.unwrap_err().code, ErrorCode::NotFound, "{asked:?}");
    }
    assert_eq!(
        ask(&desk, &desk.ann, "GET", &format!("/v1/messages/{}/versions", message.id), Value::Null).await.0,
        404
    );
    // She knows that there is something, from what is written down of groups alone.
    let (_, audit) = ask(&desk, &desk.ann, "GET", "/v1/audit", Value::Null).await;
    assert!(!audit.to_string().contains("teas"), "{audit}");
}

#[tokio::test]
async fn od_17_a_group_grows_and_shrinks_and_whoever_left_keeps_nothing() {
    let desk = TestDesk::start().await;
    let cid = colleague(&desk, "Cid", Role::Light).await;
    let (ann_id, ben_id, cid_id) = (desk.ann.agent.id, desk.ben.agent.id, cid.agent.id);
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let id =
        ConversationId(ann.command(&to(&[ben_id], "Returns", "Forty teapots came back")).await.unwrap().id.unwrap());
    ben.message("Forty teapots came back").await;
    let mut cids = desk.agent(&cid, None).await.synced().await;

    // Ben adds Cid, who reads what was said before; the last of it is new to him.
    ben.command(&change(id, &[cid_id, ann_id], &[])).await.unwrap();
    let came = cids.delta().await.changes;
    assert_eq!(shown(&came), ["Forty teapots came back", "added:Cid"]);
    let head = of(&came, EntityKind::Conversation).pop().and_then(decode);
    let Some(Entity::Conversation(head)) = head else { panic!("{came:?}") };
    assert_eq!((head.title.as_str(), head.participants), ("Returns", vec![ann_id, ben_id, cid_id]));
    let Some(Entity::ReadMark(mark)) = of(&came, EntityKind::ReadMark).pop().and_then(decode) else {
        panic!("{came:?}")
    };
    assert_eq!(mark.number, 0);
    // One who may answer no visitor writes to colleagues.
    cids.command(&note(id, "All of them broken")).await.unwrap();
    ann.message("All of them broken").await;

    // Nobody is thrown out; Cid goes by himself, and what he had is forgotten.
    let refused = ben.command(&change(id, &[], &[cid_id])).await.unwrap_err();
    assert_eq!(refused.message, "remove: may name oneself alone in a group of the team.");
    cids.command(&change(id, &[], &[cid_id])).await.unwrap();
    forgets(&mut cids, id).await;
    ben.command(&note(id, "Cid is gone")).await.unwrap();
    ben.message("Cid is gone").await;
    assert_eq!(cids.command(&note(id, "Am I?")).await.unwrap_err().code, ErrorCode::NotFound);
    let mut away = desk.agent(&cid, Some(Cursor { seq: Seq(1), ..cids.cursor.clone().unwrap() })).await;
    away.welcome().await;
    assert!(texts(&forgets(&mut away, id).await).is_empty());
    let mut fresh = desk.agent(&cid, None).await;
    fresh.welcome().await;
    assert!(of(&fresh.snapshot().await, EntityKind::Message).is_empty());

    // Back again, he has all of it anew: what he missed, and nothing twice.
    ann.command(&change(id, &[cid_id], &[])).await.unwrap();
    let came = forgets(&mut cids, id).await;
    let said = ["Forty teapots came back", "added:Cid", "All of them broken", "left:Cid", "Cid is gone", "added:Cid"];
    assert_eq!(shown(&came), said);

    // Who came and went when is written down, without a word of theirs.
    let (_, audit) = ask(&desk, &desk.ann, "GET", "/v1/audit", Value::Null).await;
    let entries = audit["entries"].as_array().unwrap();
    let of_group: Vec<_> = entries.iter().filter(|entry| entry["object"] == json!(id.0)).collect();
    let told: Vec<_> = of_group.iter().map(|entry| (entry["action"].as_str().unwrap(), &entry["actor_name"])).collect();
    let (add, remove) = ("add participant", "remove participant");
    assert_eq!(told, [(add, &json!("Ann")), (remove, &json!("Cid")), (add, &json!("Ben"))], "{of_group:?}");
}

#[tokio::test]
async fn two_who_are_added_at_once_both_have_the_conversation() {
    let desk = TestDesk::start().await;
    let (cid, dot) = (colleague(&desk, "Cid", Role::Agent).await, colleague(&desk, "Dot", Role::Agent).await);
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let begun = ann.command(&to(&[desk.ben.agent.id], "Tea", "One")).await.unwrap();
    let id = ConversationId(begun.id.unwrap());
    let mut both = [desk.agent(&cid, None).await.synced().await, desk.agent(&dot, None).await.synced().await];
    ann.command(&change(id, &[cid.agent.id, dot.agent.id], &[])).await.unwrap();
    for client in &mut both {
        let came = client.delta().await.changes;
        let place = |kind| came.iter().rfind(|change| change.entity == EntityKind::Conversation && change.kind == kind);
        let (Some(forgotten), Some(head)) = (place(ChangeKind::Forget), place(ChangeKind::Put)) else {
            panic!("{came:?}")
        };
        assert!(head.seq > forgotten.seq);
        assert_eq!(shown(&came), ["One", "added:Cid", "added:Dot"]);
    }
}

#[tokio::test]
async fn od_17_a_colleague_who_takes_part_reads_and_answers_a_chat_of_a_site_that_is_not_theirs() {
    let desk = TestDesk::start().await;
    close_shop(&desk).await;
    let ben_id = desk.ben.agent.id;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    let (mut wen, _) = desk.visitor().await;
    vic.command(&reply(None, "Is it dishwasher safe?")).await.unwrap();
    wen.command(&reply(None, "Not for Ben")).await.unwrap();
    let (message, _) = ann.message("Is it dishwasher safe?").await;
    let id = message.conversation;

    ann.command(&change(id, &[ben_id], &[])).await.unwrap();
    let came = ben.delta().await.changes;
    assert_eq!(shown(&came), ["Is it dishwasher safe?", "added:Ben"]);
    let kinds = [EntityKind::Contact, EntityKind::Visitor, EntityKind::Conversation];
    assert!(kinds.iter().all(|kind| of(&came, *kind).iter().any(|row| row.kind == ChangeKind::Put)), "{came:?}");
    ben.command(&reply(Some(id), "The blue one is")).await.unwrap();
    vic.message("The blue one is").await;
    vic.command(&reply(None, "Thanks, Ben")).await.unwrap();
    ben.message("Thanks, Ben").await;
    // To the visitor it is a conversation like any other.
    let (shown, _) = vic.conversation(|_| true).await;
    assert!(shown.participants.is_empty());
    assert!(texts(&vic.history(id, 100, 100).await.messages).iter().all(|text| !text.contains("added")));
    // A fresh computer has it as well; Wen's is still not his.
    let mut fresh = desk.agent(&desk.ben, None).await;
    fresh.welcome().await;
    let rows = fresh.snapshot().await;
    assert_eq!(of(&rows, EntityKind::Conversation).len(), 1);
    assert!(texts(&rows).contains(&"Thanks, Ben".to_owned()) && !texts(&rows).contains(&"Not for Ben".to_owned()));
    assert_eq!(found(&desk, &desk.ben, "dishwasher").await.len(), 1);

    // Nobody's right to invite is a guest's right to be everywhere: what he does not see he cannot show.
    let cid = colleague(&desk, "Cid", Role::Light).await;
    ann.command(&change(id, &[cid.agent.id], &[])).await.unwrap();
    let mut cids = desk.agent(&cid, None).await.synced().await;
    assert_eq!(
        cids.command(&change(id, &[ben_id], &[ben_id, desk.ann.agent.id])).await.unwrap_err().code,
        ErrorCode::NotFound
    );
    cids.command(&change(id, &[], &[cid.agent.id])).await.unwrap();

    ann.command(&change(id, &[], &[ben_id])).await.unwrap();
    let gone = forgets(&mut ben, id).await;
    let people = [EntityKind::Contact, EntityKind::Visitor];
    assert!(people.iter().all(|kind| of(&gone, *kind).iter().any(|row| row.kind == ChangeKind::Forget)), "{gone:?}");
    vic.command(&reply(None, "Ben?")).await.unwrap();
    ann.message("Ben?").await;
    assert_eq!(ben.history(id, 100, 10).await.to, 0);
    assert!(found(&desk, &desk.ben, "dishwasher").await.is_empty());
}

#[tokio::test]
async fn od_17_who_loses_a_site_keeps_the_chats_in_which_they_take_part() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Hello")).await.unwrap();
    let id = ann.message("Hello").await.0.conversation;
    ann.command(&change(id, &[desk.ben.agent.id], &[])).await.unwrap();
    ben.message("added:Ben").await;
    close_shop(&desk).await;
    let came = forgets(&mut ben, id).await;
    let site =
        came.iter().find(|change| change.entity == EntityKind::Site && change.kind == ChangeKind::Forget).unwrap();
    let head = of(&came, EntityKind::Conversation).into_iter().rfind(|change| change.kind == ChangeKind::Put).unwrap();
    assert!(head.seq > site.seq && head.id == id.0);
    assert_eq!(shown(&came), ["Hello", "added:Ben"]);
    vic.command(&reply(None, "Still there?")).await.unwrap();
    ben.message("Still there?").await;
}

#[tokio::test]
async fn who_is_erased_leaves_the_computers_of_those_who_took_part() {
    let desk = TestDesk::start().await;
    close_shop(&desk).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Forget me")).await.unwrap();
    let id = ann.message("Forget me").await.0.conversation;
    ann.command(&change(id, &[desk.ben.agent.id], &[])).await.unwrap();
    ben.message("added:Ben").await;
    let visitor = vic_of(&desk, id).await;
    desk.desk.administer().erase(Person::Visitor(visitor)).await.unwrap();
    let mut erased = Vec::new();
    while erased.len() < 3 {
        let changes = ben.delta().await.changes;
        erased.extend(changes.into_iter().filter(|row| row.kind == ChangeKind::Erase).map(|row| row.entity));
    }
    for kind in [EntityKind::Conversation, EntityKind::Contact, EntityKind::Visitor] {
        assert!(erased.contains(&kind), "{erased:?}");
    }
}

/// Whose a conversation is.
async fn vic_of(desk: &TestDesk, id: ConversationId) -> VisitorId {
    let mut ann = desk.agent(&desk.ann, None).await;
    ann.welcome().await;
    let head = ann.snapshot().await.iter().filter_map(decode).find_map(|entity| match entity {
        Entity::Conversation(head) if head.id == id => Some(head),
        _ => None,
    });
    head.unwrap().visitor
}

#[tokio::test]
async fn od_19_no_visitor_reaches_what_is_said_among_the_team_by_any_name() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, token) = desk.visitor().await;
    vic.command(&reply(None, "Hello")).await.unwrap();
    let begun = ann.command(&to(&[desk.ben.agent.id], "Vic", "He never pays")).await.unwrap();
    let id = ConversationId(begun.id.unwrap());
    let (said, _) = ann.message("He never pays").await;
    for asked in [
        reply(Some(id), "Whom do you mean?"),
        note(id, "I do"),
        change(id, &[desk.ann.agent.id], &[]),
        to(&[desk.ann.agent.id], "", "Hello, Ann"),
        command(Command::MarkRead { conversation: id, number: 1 }),
        command(Command::EditMessage { conversation: id, message: said.id, text: "He pays".into() }),
    ] {
        assert_eq!(vic.command(&asked).await.unwrap_err().code, ErrorCode::NotFound, "{asked:?}");
    }
    assert_eq!(vic.history(id, 10, 10).await.to, 0);
    // Neither the socket that is open, nor a new one, nor requests bring a word of it.
    ann.command(&reply(Some(vics(&desk).await), "Good day")).await.unwrap();
    let mut heard = vec![format!("{:?}", vic.delta().await)];
    let mut back = desk.panel(Some(&token), None, None).await;
    back.welcome().await;
    heard.push(format!("{:?}", back.snapshot().await));
    let pulled = desk.pulled(&token).await;
    assert!(pulled.contains("Good day"), "{pulled}");
    heard.push(pulled);
    // What is handed out of all that is known of the person has none of it either.
    let known = desk.desk.administer().known(Person::Visitor(vic_of(&desk, vics(&desk).await).await)).await.unwrap();
    heard.push(serde_json::to_string(&known).unwrap());
    for heard in heard {
        assert!(!heard.contains("never pays") && !heard.contains(&id.to_string()), "{heard}");
    }
}

/// The one conversation with a visitor.
async fn vics(desk: &TestDesk) -> ConversationId {
    let mut ann = desk.agent(&desk.ann, None).await;
    ann.welcome().await;
    let rows = ann.snapshot().await;
    let mut heads = rows.iter().filter_map(decode).filter_map(|entity| match entity {
        Entity::Conversation(head) if !head.is_internal() => Some(head.id),
        _ => None,
    });
    heads.next_back().unwrap()
}

#[tokio::test]
async fn what_is_no_conversation_among_colleagues_is_refused_with_its_rule() {
    let desk = TestDesk::start().await;
    let (ann_id, ben_id) = (desk.ann.agent.id, desk.ben.agent.id);
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let direct = ConversationId(ann.command(&to(&[ben_id], "", "Hello")).await.unwrap().id.unwrap());
    let group = ConversationId(ann.command(&to(&[ben_id], "Tea", "Hello")).await.unwrap().id.unwrap());
    let many: Vec<AgentId> = (0..200).map(AgentId).collect();
    let long = "x".repeat(TITLE_MAX + 1);
    for (asked, field) in [
        (to(&[], "", "Hello"), "agents"),
        (to(&[ann_id], "Alone", "Hello"), "agents"),
        (to(&[AgentId(1)], "", "Hello"), "agents"),
        (to(&many, "Tea", "Hello"), "agents"),
        (to(&[ben_id], "Tea", "  "), "text"),
        (to(&[ben_id], &long, "Hello"), "title"),
        (change(direct, &[ben_id], &[]), "conversation"),
        (change(direct, &[], &[ann_id]), "conversation"),
        (change(group, &[AgentId(1)], &[]), "add"),
        (change(group, &[], &[ben_id]), "remove"),
        (reply(Some(direct), "Hello"), "conversation"),
        (command(Command::SetState { conversation: direct, state: ConversationState::Closed }), "conversation"),
        (command(Command::Snooze { conversation: direct, until: None }), "conversation"),
        (command(Command::SetPriority { conversation: direct, priority: Priority::High }), "conversation"),
        (command(Command::Assign { conversation: group, agent: Some(ben_id), team: None, from: None }), "conversation"),
        (
            command(Command::ChangeLabels { conversation: group, add: vec!["tea".into()], remove: vec![] }),
            "conversation",
        ),
    ] {
        let refused = ann.command(&asked).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Invalid, "{asked:?}");
        assert!(refused.message.starts_with(&format!("{field}: ")), "{asked:?}: {}", refused.message);
    }
    let body = json!({"kind": "task", "title": "Tea", "conversation": group});
    assert_eq!(ask(&desk, &desk.ann, "POST", "/v1/items", body).await.0, 400);
}

#[tokio::test]
async fn od_17_two_who_lose_a_site_at_once_both_keep_the_person_and_how_far_they_have_read() {
    let desk = TestDesk::start().await;
    let dot = colleague(&desk, "Dot", Role::Agent).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut both = [desk.agent(&desk.ben, None).await.synced().await, desk.agent(&dot, None).await.synced().await];
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Hello")).await.unwrap();
    let id = ann.message("Hello").await.0.conversation;
    ann.command(&change(id, &[desk.ben.agent.id, dot.agent.id], &[])).await.unwrap();
    for client in &mut both {
        client.message("added:Dot").await;
        client.command(&command(Command::MarkRead { conversation: id, number: 2 })).await.unwrap();
    }
    close_shop(&desk).await;
    for client in &mut both {
        let came = forgets(client, id).await;
        let last = |fits: &dyn Fn(&Change) -> bool| came.iter().rposition(fits).unwrap_or_else(|| panic!("{came:?}"));
        let forgotten = last(&|change| change.kind == ChangeKind::Forget);
        for kind in [EntityKind::Contact, EntityKind::Visitor, EntityKind::Conversation, EntityKind::ReadMark] {
            let told = last(&|change| change.kind == ChangeKind::Put && change.entity == kind);
            assert!(told > forgotten, "{kind:?} comes before what makes it forgotten: {came:?}");
        }
    }
}
