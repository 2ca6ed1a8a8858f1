//! The desk gives conversations to agents by itself.

use std::collections::HashMap;

use deskbell_protocol::http::{AgentEdit, SignedIn, SiteEdit, TeamEdit};
use deskbell_protocol::*;
use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::*;

async fn ask(desk: &TestDesk, who: &SignedIn, method: Method, path: &str, body: Value) -> (u16, Value) {
    let request = http().request(method, desk.url(path)).bearer_auth(&who.access_token).json(&body);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// The desk's rule for chats of no team.
async fn by(desk: &TestDesk, rule: &str, capacity: u32, back_after_s: u32) {
    let body = json!({"assignment": {"rule": rule, "capacity": capacity, "back_after_s": back_after_s}});
    let (status, answer) = ask(desk, &desk.ann, Method::PATCH, "/v1/settings", body).await;
    assert_eq!(status, 200, "{answer}");
}

/// A visitor comes and writes.
async fn writes(desk: &TestDesk, text: &str) -> Client {
    let (mut client, _) = desk.visitor().await;
    client.command(&reply(None, text)).await.unwrap();
    client
}

/// Who has the chat in which that was written, once somebody has.
async fn taken(seen_by: &mut Client, text: &str) -> (ConversationId, AgentId) {
    let (mut chat, mut heads) = (None, HashMap::new());
    loop {
        for change in seen_by.delta().await.changes {
            match decode(&change) {
                Some(Entity::Message(message)) if message.text == text => chat = Some(message.conversation),
                Some(Entity::Conversation(head)) => drop(heads.insert(head.id, head.assignee)),
                _ => {}
            }
        }
        if let Some(id) = chat
            && let Some(agent) = heads.get(&id).copied().flatten()
        {
            return (id, agent);
        }
    }
}

/// For whom it rings next.
async fn rings(client: &mut Client) -> ConversationId {
    client
        .until(|frame| match frame {
            ServerFrame::Ring(ring) if ring.deadline_ms > 0 => Some(ring.conversation),
            _ => None,
        })
        .await
}

/// Makes the time pass after which chats go back, as far as the database knows.
fn time_passes(database: &rusqlite::Connection) {
    assert_eq!(database.execute("UPDATE given SET back_at = 1 WHERE back_at IS NOT NULL", []).unwrap(), 1);
}

#[tokio::test]
async fn tv_03_chats_go_in_turn_to_those_who_are_there_and_ring_with_them_alone() {
    let desk = TestDesk::start().await;
    by(&desk, "round_robin", 5, 0).await;
    let (ann, ben) = (desk.ann.agent.id, desk.ben.agent.id);
    let mut anns = desk.agent(&desk.ann, None).await.synced().await;
    let _vic = writes(&desk, "Vic 1").await;
    assert_eq!(taken(&mut anns, "Vic 1").await.1, ann, "she alone is there");
    let mut bens = desk.agent(&desk.ben, None).await.synced().await;
    let mut visitors = Vec::new();
    for (text, who) in [("Wen 2", ben), ("Xia 3", ann), ("Yan 4", ben)] {
        visitors.push(writes(&desk, text).await);
        let (chat, to) = taken(&mut anns, text).await;
        assert_eq!(to, who, "{text}");
        let theirs = if to == ann { &mut anns } else { &mut bens };
        while rings(theirs).await != chat {}
    }
    visitors[0].message("assigned:Ben").await;
}

#[tokio::test]
async fn tv_03_the_least_busy_is_given_the_next_and_nobody_more_than_they_have_room_for() {
    let desk = TestDesk::start().await;
    let (ann, ben) = (desk.ann.agent.id, desk.ben.agent.id);
    let mut anns = desk.agent(&desk.ann, None).await.synced().await;
    let mut bens = desk.agent(&desk.ben, None).await.synced().await;
    let _vic = writes(&desk, "Vic 1").await;
    let (vics, _) = anns.message("Vic 1").await;
    let take = |id| command(Command::Assign { conversation: id, agent: Some(ann), team: None, from: None });
    anns.command(&take(vics.conversation)).await.unwrap();
    by(&desk, "least_busy", 1, 0).await;
    let _wen = writes(&desk, "Wen 2").await;
    let (wens, to) = taken(&mut anns, "Wen 2").await;
    assert_eq!(to, ben, "Ann has one already");
    // Now nobody has room: Xia waits until Ben is done with Wen.
    let _xia = writes(&desk, "Xia 3").await;
    let others = [vics.conversation, wens];
    let (xias, _) = bens.conversation(|head| !others.contains(&head.id)).await;
    assert_eq!(xias.assignee, None);
    bens.command(&reply(Some(wens), "Bye!")).await.unwrap();
    let done = Command::SetState { conversation: wens, state: ConversationState::Closed };
    bens.command(&command(done)).await.unwrap();
    let (head, _) = bens.conversation(|head| head.id == xias.id && head.assignee.is_some()).await;
    assert_eq!(head.assignee, Some(ben));
}

#[tokio::test]
async fn tv_03_whoever_is_away_is_given_nothing_and_what_waits_is_given_when_they_are_back() {
    let desk = TestDesk::start().await;
    by(&desk, "least_busy", 5, 0).await;
    let away = |away: bool| ask(&desk, &desk.ann, Method::PUT, "/v1/availability", json!({ "away": away }));
    assert_eq!(away(true).await, (200, json!({"away": true})));
    let mut anns = desk.agent(&desk.ann, None).await.synced().await;
    let _vic = writes(&desk, "Vic 1").await;
    rings(&mut anns).await;
    assert_eq!(away(false).await.0, 200);
    let (_, to) = taken(&mut anns, "Vic 1").await;
    assert_eq!(to, desk.ann.agent.id);
}

#[tokio::test]
async fn tv_03_an_unanswered_chat_goes_back_and_to_somebody_else_also_when_the_server_restarts_in_between() {
    let desk = TestDesk::start().await;
    by(&desk, "round_robin", 5, 600).await;
    let (ann, ben) = (desk.ann.agent.id, desk.ben.agent.id);
    let mut anns = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, token) = desk.visitor().await;
    vic.command(&reply(None, "Vic 1")).await.unwrap();
    let (chat, to) = taken(&mut anns, "Vic 1").await;
    assert_eq!(to, ann);
    drop(anns);

    // While no server runs the time passes, and Ben comes to work.
    let desk = desk.restarted(time_passes).await;
    let mut vic = desk.panel(Some(&token), None, None).await;
    vic.welcome().await;
    vic.snapshot().await;
    let mut anns = desk.agent(&desk.ann, None).await.synced().await;
    let mut bens = desk.agent(&desk.ben, None).await;
    bens.welcome().await;
    let rows = bens.snapshot().await;
    let given = |head: &Conversation| head.id == chat && head.assignee == Some(ben);
    let in_time = rows.iter().filter_map(decode).any(|row| matches!(row, Entity::Conversation(head) if given(&head)));
    if !in_time {
        bens.conversation(given).await;
    }

    while rings(&mut bens).await != chat {}

    // Ben lets it go as well: it stays with nobody, though both are there, and rings for both.
    let back = Command::Assign { conversation: chat, agent: None, team: None, from: None };
    bens.command(&command(back)).await.unwrap();
    while rings(&mut anns).await != chat {}
    anns.command(&reply(Some(chat), "Sorry, here I am.")).await.unwrap();
    let (head, _) = anns.conversation(|head| head.id == chat && head.waiting_since.is_none()).await;
    assert_eq!(head.assignee, None);
}

#[tokio::test]
async fn tv_03_a_chat_that_was_answered_in_time_stays_where_it_is() {
    let desk = TestDesk::start().await;
    by(&desk, "round_robin", 5, 600).await;
    let mut anns = desk.agent(&desk.ann, None).await.synced().await;
    let mut vic = writes(&desk, "Vic 1").await;
    let (chat, _) = taken(&mut anns, "Vic 1").await;
    let mut bens = desk.agent(&desk.ben, None).await.synced().await;
    anns.command(&reply(Some(chat), "At once")).await.unwrap();
    vic.command(&reply(None, "Thanks, and another thing")).await.unwrap();
    time_passes(&desk.database());
    // Another chat wakes the desk up, which then looks at what is due.
    let _wen = writes(&desk, "Wen 2").await;
    assert_eq!(taken(&mut bens, "Wen 2").await.1, desk.ben.agent.id);
    let database = desk.database();
    let due = || database.query_row("SELECT count(*) FROM given WHERE back_at = 1", [], |row| row.get::<_, i64>(0));
    while due().unwrap() > 0 {
        tokio::task::yield_now().await;
    }
    let looks = Command::SetPriority { conversation: chat, priority: Priority::Low };
    anns.command(&command(looks)).await.unwrap();
    let (head, _) = anns.conversation(|head| head.id == chat && head.priority == Priority::Low).await;
    assert_eq!(head.assignee, Some(desk.ann.agent.id), "hers, and Vic's second question is not what she was given");
}

#[tokio::test]
async fn tv_03_a_team_has_a_rule_of_its_own_for_its_members() {
    let desk = TestDesk::start().await;
    let ben = desk.ben.agent.id;
    let assignment = json!({"rule": "least_busy", "capacity": 2, "back_after_s": 30});
    let body = json!({"name": "Tea", "members": [ben], "assignment": assignment});
    let (status, team) = ask(&desk, &desk.ann, Method::POST, "/v1/teams", body).await;
    assert_eq!((status, &team["assignment"]), (201, &assignment));
    let team: Team = serde_json::from_value(team).unwrap();
    for (wrong, field) in [
        (json!({"rule": "least_busy", "capacity": 0, "back_after_s": 0}), "assignment.capacity"),
        (json!({"rule": "least_busy", "capacity": 5, "back_after_s": 9}), "assignment.back_after_s"),
        (json!({"rule": "least_busy", "capacity": 5, "back_after_s": 3_601}), "assignment.back_after_s"),
    ] {
        for path in [format!("/v1/teams/{}", team.id), "/v1/settings".to_owned()] {
            let (status, refusal) = ask(&desk, &desk.ann, Method::PATCH, &path, json!({"assignment": wrong})).await;
            assert_eq!((status, refusal["field"].as_str()), (400, Some(field)), "{refusal}");
        }
    }
    let mut anns = desk.agent(&desk.ann, None).await.synced().await;
    let _bens = desk.agent(&desk.ben, None).await.synced().await;
    let _vic = writes(&desk, "Vic 1").await;
    let (vics, _) = anns.message("Vic 1").await;
    let to_team = Command::Assign { conversation: vics.conversation, agent: None, team: Some(team.id), from: None };
    anns.command(&command(to_team)).await.unwrap();
    let (head, _) = anns.conversation(|head| head.assignee.is_some()).await;
    assert_eq!((head.assignee, head.team), (Some(ben), Some(team.id)), "the desk itself gives nothing away");
}

/// The message for which it rings next, and where.
async fn ring_of(client: &mut Client) -> (ConversationId, Number) {
    client
        .until(|frame| match frame {
            ServerFrame::Ring(ring) if ring.deadline_ms > 0 => Some((ring.conversation, ring.number)),
            _ => None,
        })
        .await
}

/// A visitor writes, and Ben takes the chat and answers. Their messenger, and the chat.
async fn bens_chat(desk: &TestDesk, text: &str) -> (Client, ConversationId) {
    let mut bens = desk.agent(&desk.ben, None).await.synced().await;
    let visitor = writes(desk, text).await;
    let (asked, _) = bens.message(text).await;
    let chat = asked.conversation;
    let take = Command::Assign { conversation: chat, agent: Some(desk.ben.agent.id), team: None, from: None };
    bens.command(&command(take)).await.unwrap();
    bens.command(&reply(Some(chat), "Ben here")).await.unwrap();
    (visitor, chat)
}

async fn ben_leaves(desk: &TestDesk) {
    let edit = AgentEdit { active: Some(false), ..AgentEdit::default() };
    desk.desk.administer().edit_agent(desk.ben.agent.id, edit).await.unwrap();
}

/// Only members see the customers of the shop from now on, and owners.
async fn close_shop(desk: &TestDesk) {
    let edit = SiteEdit { members_only: Some(true), ..SiteEdit::default() };
    desk.desk.administer().put_site(Some(desk.site.id), edit).await.unwrap();
}

/// Who has a chat, as the database knows it.
fn holder(desk: &TestDesk, chat: ConversationId) -> Option<i64> {
    let database = rusqlite::Connection::open(desk.data.path().join("desk.db")).unwrap();
    database.query_row("SELECT assignee FROM conversation WHERE id = ?1", [chat.0], |row| row.get(0)).unwrap()
}

/// What the desk has noted in a chat.
async fn noted(client: &mut Client, chat: ConversationId) -> Vec<String> {
    let page = client.history(chat, 1_000, 50).await;
    let messages = page.messages.iter().filter_map(as_message).filter(|it| it.kind == MessageKind::System);
    messages.map(|message| message.text).collect()
}

#[tokio::test]
async fn tv_03_what_somebody_had_who_leaves_is_nobodys_and_rings_with_the_others() {
    let desk = TestDesk::start().await;
    let mut anns = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, vics) = bens_chat(&desk, "Vic 1").await;
    let (mut wen, wens) = bens_chat(&desk, "Wen 2").await;
    // Ann has looked at what Wen asks now: it is Ben's.
    wen.command(&reply(None, "Ben?")).await.unwrap();
    let (asked, _) = anns.message("Ben?").await;
    anns.command(&command(Command::MarkRead { conversation: wens, number: asked.number })).await.unwrap();
    ben_leaves(&desk).await;
    while ring_of(&mut anns).await != (wens, asked.number + 1) {}
    assert_eq!(noted(&mut anns, wens).await, ["assigned:Ben", "unassigned"]);
    // What Vic asks after that is what rings.
    vic.command(&reply(None, "Still there?")).await.unwrap();
    let (asked, _) = anns.message("Still there?").await;
    while ring_of(&mut anns).await != (vics, asked.number) {}
    anns.command(&reply(Some(vics), "I am")).await.unwrap();
    vic.command(&reply(None, "Thanks")).await.unwrap();
    let thanked = |head: &Conversation| head.id == vics && head.last_number == asked.number + 2;
    let (head, _) = anns.conversation(thanked).await;
    assert_eq!(head.assignee, None);
    let over = |frame: &ServerFrame| match frame {
        ServerFrame::Ring(ring) if ring.conversation == vics => Some((ring.number, ring.deadline_ms)),
        _ => None,
    };
    assert_eq!(anns.until(over).await, (asked.number, 0), "Ann has answered");
}

#[tokio::test]
async fn tv_03_what_somebody_had_on_a_site_that_they_lose_is_nobodys_unless_they_take_part() {
    let desk = TestDesk::start().await;
    let ben = desk.ben.agent.id;
    let mut anns = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, vics) = bens_chat(&desk, "Vic 1").await;
    let (mut wen, wens) = bens_chat(&desk, "Wen 2").await;
    let takes_part = |add: &[AgentId], remove: &[AgentId]| {
        let (add, remove) = (add.to_vec(), remove.to_vec());
        command(Command::ChangeParticipants { conversation: wens, add, remove })
    };
    anns.command(&takes_part(&[ben], &[])).await.unwrap();
    close_shop(&desk).await;
    assert_eq!((holder(&desk, vics), holder(&desk, wens)), (None, Some(ben.0)));
    vic.command(&reply(None, "Still there?")).await.unwrap();
    let (asked, _) = anns.message("Still there?").await;
    while ring_of(&mut anns).await != (vics, asked.number) {}
    // Ben is taken out of Wen's as well.
    anns.command(&takes_part(&[], &[ben])).await.unwrap();
    assert_eq!(noted(&mut anns, wens).await, ["assigned:Ben", "added:Ben", "left:Ben", "unassigned"]);
    wen.command(&reply(None, "Ben?")).await.unwrap();
    let (asked, _) = anns.message("Ben?").await;
    while ring_of(&mut anns).await != (wens, asked.number) {}
}

#[tokio::test]
async fn tv_03_whoever_leaves_has_no_more_what_they_saw_by_taking_part_alone() {
    let desk = TestDesk::start().await;
    let mut anns = desk.agent(&desk.ann, None).await.synced().await;
    let (_vic, vics) = bens_chat(&desk, "Vic 1").await;
    let add = vec![desk.ben.agent.id];
    let takes_part = Command::ChangeParticipants { conversation: vics, add, remove: Vec::new() };
    anns.command(&command(takes_part)).await.unwrap();
    close_shop(&desk).await;
    ben_leaves(&desk).await;
    assert_eq!(holder(&desk, vics), None);
}

#[tokio::test]
async fn tv_03_a_chat_that_is_opened_again_is_nobodys_when_whoever_had_it_is_gone() {
    let desk = TestDesk::start().await;
    let mut anns = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, vics) = bens_chat(&desk, "Vic 1").await;
    let (mut wen, wens) = bens_chat(&desk, "Wen 2").await;
    let close = Command::SetState { conversation: vics, state: ConversationState::Closed };
    let put_off = Command::Snooze { conversation: wens, until: None };
    for done in [close, put_off] {
        anns.command(&command(done)).await.unwrap();
    }
    ben_leaves(&desk).await;
    let ben = Some(desk.ben.agent.id.0);
    assert_eq!((holder(&desk, vics), holder(&desk, wens)), (ben, ben), "whoever leaves may have had thousands");
    for (visitor, chat, text, lines) in [
        (&mut vic, vics, "Vic again", ["closed", "unassigned", "reopened"]),
        (&mut wen, wens, "Wen again", ["snoozed", "unassigned", "woken"]),
    ] {
        visitor.command(&reply(None, text)).await.unwrap();
        let (asked, _) = anns.message(text).await;
        while ring_of(&mut anns).await != (chat, asked.number) {}
        assert_eq!(noted(&mut anns, chat).await[1..], lines);
    }
}

#[tokio::test]
async fn tv_03_what_waits_for_a_team_of_which_nobody_may_answer_any_more_rings_with_the_others() {
    let desk = TestDesk::start().await;
    let ben = desk.ben.agent.id;
    let team = TeamEdit { name: Some("Tea".to_owned()), members: Some(vec![ben]), ..TeamEdit::default() };
    let tea = desk.desk.administer().put_team(None, team).await.unwrap().id;
    let mut anns = desk.agent(&desk.ann, None).await.synced().await;
    let _vic = writes(&desk, "Vic 1").await;
    let (vics, _) = anns.message("Vic 1").await;
    let mut wen = writes(&desk, "Wen 2").await;
    let (wens, _) = anns.message("Wen 2").await;
    anns.command(&reply(Some(wens.conversation), "Ask Tea")).await.unwrap();
    for chat in [vics.conversation, wens.conversation] {
        let to_team = Command::Assign { conversation: chat, agent: None, team: Some(tea), from: None };
        anns.command(&command(to_team)).await.unwrap();
    }
    let light = AgentEdit { role: Some(Role::Light), ..AgentEdit::default() };
    desk.desk.administer().edit_agent(ben, light).await.unwrap();
    let (head, _) = anns.conversation(|head| head.id == vics.conversation && head.team.is_none()).await;
    assert_eq!(head.assignee, None);
    while ring_of(&mut anns).await.0 != vics.conversation {}
    // Wen had her answer, and waits for nobody until she writes.
    wen.command(&reply(None, "Tea?")).await.unwrap();
    let (asked, _) = anns.message("Tea?").await;
    while ring_of(&mut anns).await != (wens.conversation, asked.number) {}
}

fn put_off(chat: ConversationId) -> CommandFrame {
    command(Command::Snooze { conversation: chat, until: None })
}

/// Lets the time come until which a chat was put off. The desk looks whenever another one is.
async fn is_back(desk: &TestDesk, by: &mut Client, chat: ConversationId, other: ConversationId) {
    desk.database().execute("UPDATE conversation SET snoozed_until = 1 WHERE id = ?1", [chat.0]).unwrap();
    by.command(&put_off(other)).await.unwrap();
    by.conversation(|head| head.id == chat && head.state == ConversationState::Open).await;
}

#[tokio::test]
async fn tv_03_who_waits_while_their_chat_is_put_off_rings_once_it_is_back_and_nobodys() {
    let desk = TestDesk::start().await;
    let mut anns = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, vics) = bens_chat(&desk, "Vic 1").await;
    let (mut wen, wens) = bens_chat(&desk, "Wen 2").await;
    let (_xia, xias) = bens_chat(&desk, "Xia 3").await;
    for (visitor, chat, text) in [(&mut vic, vics, "Vic?"), (&mut wen, wens, "Wen?")] {
        visitor.command(&reply(None, text)).await.unwrap();
        anns.message(text).await;
        anns.command(&put_off(chat)).await.unwrap();
    }
    // Wen's is back while Ben has it, and Vic's once he is gone.
    is_back(&desk, &mut anns, wens, xias).await;
    ben_leaves(&desk).await;
    while ring_of(&mut anns).await != (wens, 7) {}
    assert_eq!(noted(&mut anns, wens).await[1..], ["snoozed", "woken", "unassigned"]);
    is_back(&desk, &mut anns, vics, xias).await;
    while ring_of(&mut anns).await != (vics, 7) {}
    assert_eq!(noted(&mut anns, vics).await[1..], ["snoozed", "unassigned", "woken"]);
}

#[tokio::test]
async fn tv_03_who_may_not_answer_any_more_has_no_chat_and_is_given_none() {
    let desk = TestDesk::start().await;
    let mut anns = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, vics) = bens_chat(&desk, "Vic 1").await;
    let (_wen, wens) = bens_chat(&desk, "Wen 2").await;
    vic.command(&reply(None, "Ben?")).await.unwrap();
    let (asked, _) = anns.message("Ben?").await;
    anns.command(&put_off(wens)).await.unwrap();
    let role = |role| AgentEdit { role: Some(role), ..AgentEdit::default() };
    let administration = desk.desk.administer();
    administration.edit_agent(desk.ben.agent.id, role(Role::Light)).await.unwrap();
    while ring_of(&mut anns).await != (vics, asked.number + 1) {}
    assert_eq!(noted(&mut anns, vics).await, ["assigned:Ben", "unassigned"]);
    let open = Command::SetState { conversation: wens, state: ConversationState::Open };
    anns.command(&command(open)).await.unwrap();
    assert_eq!((holder(&desk, vics), holder(&desk, wens)), (None, None));

    let edit = TeamEdit { name: Some("Tea".into()), members: Some(vec![desk.ben.agent.id]), ..TeamEdit::default() };
    let team = administration.put_team(None, edit).await.unwrap().id;
    for (agent, team, field) in [(Some(desk.ben.agent.id), None, "agent"), (None, Some(team), "team")] {
        let give = Command::Assign { conversation: vics, agent, team, from: None };
        let refused = anns.command(&command(give)).await.unwrap_err();
        assert_eq!((refused.code, refused.field.as_deref()), (ErrorCode::Invalid, Some(field)), "{}", refused.message);
    }
    administration.edit_agent(desk.ben.agent.id, role(Role::Agent)).await.unwrap();
    let give = Command::Assign { conversation: vics, agent: Some(desk.ben.agent.id), team: Some(team), from: None };
    anns.command(&command(give)).await.unwrap();
}
