//! New conversations go to the team whose skill they need, and to everybody when nobody of it takes them.

use deskbell_protocol::http::{AgentEdit, TeamEdit};
use deskbell_protocol::*;
use serde_json::{Value, json};

use crate::desk::*;

/// A team of Ben alone.
async fn bens(desk: &TestDesk, assignment: Option<Assignment>) -> TeamId {
    let (name, members) = (Some("Español".to_owned()), Some(vec![desk.ben.agent.id]));
    let edit = TeamEdit { name, members, assignment, ..TeamEdit::default() };
    desk.desk.administer().put_team(None, edit).await.unwrap().id
}

async fn route(desk: &TestDesk, rules: Value) {
    let (status, answer) = ask(desk, &desk.ann, "PUT", "/v1/routing", json!({ "rules": rules })).await;
    assert_eq!(status, 200, "{answer}");
}

/// A visitor comes and writes. Their messenger and their conversation.
async fn writes(desk: &TestDesk, text: &str) -> (Client, ConversationId) {
    let (mut client, _) = desk.visitor().await;
    client.command(&reply(None, text)).await.unwrap();
    let (message, _) = client.message(text).await;
    (client, message.conversation)
}

/// What the desk has noted in a conversation.
async fn noted(client: &mut Client, conversation: ConversationId) -> Vec<String> {
    let page = client.history(conversation, 1_000, 50).await;
    let messages = page.messages.iter().filter_map(as_message).filter(|it| it.kind == MessageKind::System);
    messages.map(|message| message.text).collect()
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

/// Makes the time pass that chats wait at their teams, as far as the database knows.
fn time_passes(database: &rusqlite::Connection) {
    assert_ne!(database.execute("UPDATE routed SET due_at = 1", []).unwrap(), 0, "something waits");
}

#[tokio::test]
async fn tv_03_a_new_chat_goes_to_the_team_of_the_first_rule_that_fits_and_rings_with_it_alone() {
    let desk = TestDesk::start().await;
    let team = bens(&desk, None).await;
    let edit = TeamEdit { name: Some("All".to_owned()), members: Some(vec![desk.ann.agent.id]), ..TeamEdit::default() };
    let all = desk.desk.administer().put_team(None, edit).await.unwrap().id;
    route(
        &desk,
        json!([
            {"active": false, "team": all, "fallback_after_s": 60},
            {"language": "ru", "team": all, "fallback_after_s": 60},
            {"page_contains": "/tea", "team": all, "fallback_after_s": 60},
            {"site": desk.site.id, "language": "ES", "team": team, "fallback_after_s": 60},
            {"team": all, "fallback_after_s": 60},
        ]),
    )
    .await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (mut vic, chat) = writes(&desk, "Buenos días").await;
    let (head, _) = ann.conversation(|head| head.id == chat && head.team.is_some()).await;
    assert_eq!((head.team, head.assignee), (Some(team), None));
    assert!(head.waiting_since.is_some(), "it is no answer");
    assert_eq!(noted(&mut vic, chat).await, ["team:Español"]);
    assert_eq!(rings(&mut ben).await, chat);
    // From a page that another rule is about, Wen's goes to the others; Ann hears of this one first.
    let name = presence();
    let mut page = desk.page(Some(SHOP), &name, "https://shop.example/Teapots/7").await;
    page.welcome().await;
    let mut wen = desk.panel(None, Some(&name), None).await.synced().await;
    wen.command(&reply(None, "Good day")).await.unwrap();
    let (question, _) = wen.message("Good day").await;
    assert_eq!(noted(&mut wen, question.conversation).await, ["team:All"]);
    assert_eq!(rings(&mut ann).await, question.conversation, "Vic's did not ring with her");
}

#[tokio::test]
async fn tv_03_what_nobody_of_the_team_takes_in_time_is_everybodys_also_after_a_restart() {
    let desk = TestDesk::start().await;
    let team = bens(&desk, None).await;
    route(&desk, json!([{"team": team, "fallback_after_s": 3_600}])).await;
    let ben = desk.agent(&desk.ben, None).await.synced().await;
    let (vic, chat) = writes(&desk, "Hola").await;
    drop((vic, ben));
    let desk = desk.restarted(time_passes).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    loop {
        let said = noted(&mut ann, chat).await;
        if said.len() == 2 {
            assert_eq!(said, ["team:Español", "unassigned"]);
            break;
        }
    }
    let team: Option<i64> =
        desk.database().query_row("SELECT team FROM conversation WHERE id = ?1", [chat.0], |row| row.get(0)).unwrap();
    assert_eq!(team, None);
}

#[tokio::test]
async fn tv_03_what_falls_back_rings_with_all_and_what_was_taken_stays_where_it_is() {
    let desk = TestDesk::start().await;
    let team = bens(&desk, None).await;
    route(&desk, json!([{"team": team, "fallback_after_s": 3_600}])).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (_vic, vics) = writes(&desk, "Vic 1").await;
    let (_wen, wens) = writes(&desk, "Wen 2").await;
    ben.conversation(|head| head.id == wens && head.team.is_some()).await;
    let take = Command::Assign { conversation: wens, agent: Some(desk.ben.agent.id), team: Some(team), from: None };
    ben.command(&command(take)).await.unwrap();
    time_passes(&desk.database());
    // A third chat has the desk look at what is due.
    let (_xia, xias) = writes(&desk, "Xia 3").await;
    let (head, _) = ann.conversation(|head| head.id == vics && head.team.is_none() && head.last_number == 3).await;
    assert_eq!(head.assignee, None);
    assert_eq!(rings(&mut ann).await, vics);
    assert_eq!(noted(&mut ben, vics).await, ["team:Español", "unassigned"]);
    assert_eq!(noted(&mut ben, wens).await, ["team:Español", "assigned:Ben"]);
    assert_eq!(noted(&mut ben, xias).await, ["team:Español"]);
    let left: i64 = desk.database().query_row("SELECT count(*) FROM routed", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 1, "only Xia's waits");
}

#[tokio::test]
async fn tv_03_where_nobody_of_the_team_is_there_or_takes_chats_it_is_everybodys_at_once() {
    let desk = TestDesk::start().await;
    let team = bens(&desk, None).await;
    route(&desk, json!([{"team": team, "fallback_after_s": 60}])).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, chat) = writes(&desk, "Vic 1").await;
    assert_eq!(rings(&mut ann).await, chat);
    assert_eq!(noted(&mut vic, chat).await, Vec::<String>::new());
    // Ben is there, and away.
    let edit = AgentEdit { away: Some(true), ..AgentEdit::default() };
    desk.desk.administer().edit_agent(desk.ben.agent.id, edit).await.unwrap();
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (_wen, wens) = writes(&desk, "Wen 2").await;
    while rings(&mut ann).await != wens {}
    while rings(&mut ben).await != wens {}
    // What Ann began is no new conversation of a visitor's either.
    let (mut zoe, _) = desk.visitor().await;
    let visitor = desk.database().query_row("SELECT max(id) FROM visitor", [], |row| row.get(0)).unwrap();
    let begun = ann.command(&command(Command::Start { visitor: VisitorId(visitor) })).await.unwrap().id.unwrap();
    zoe.command(&reply(None, "Zoe 4")).await.unwrap();
    assert_eq!(noted(&mut zoe, ConversationId(begun)).await, Vec::<String>::new());
    // A team that is put out of service gets none, and what Vic writes next is no new conversation.
    let edit = AgentEdit { away: Some(false), ..AgentEdit::default() };
    desk.desk.administer().edit_agent(desk.ben.agent.id, edit).await.unwrap();
    vic.command(&reply(None, "Anybody?")).await.unwrap();
    assert_eq!(noted(&mut vic, chat).await, Vec::<String>::new());
    let edit = TeamEdit { active: Some(false), ..TeamEdit::default() };
    desk.desk.administer().put_team(Some(team), edit).await.unwrap();
    let (mut xia, xias) = writes(&desk, "Xia 3").await;
    assert_eq!(noted(&mut xia, xias).await, Vec::<String>::new());
}

#[tokio::test]
async fn tv_03_the_teams_own_rule_gives_the_chat_on_and_what_is_not_answered_is_everybodys_all_the_same() {
    let desk = TestDesk::start().await;
    let rule = Assignment { rule: AssignmentRule::LeastBusy, capacity: 5, back_after_s: 0 };
    let team = bens(&desk, Some(rule)).await;
    route(&desk, json!([{"team": team, "fallback_after_s": 60}])).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (_vic, vics) = writes(&desk, "Vic 1").await;
    let (_wen, wens) = writes(&desk, "Wen 2").await;
    let given = |head: &Conversation| head.assignee == Some(desk.ben.agent.id) && head.team == Some(team);
    ann.conversation(|head| head.id == vics && given(head)).await;
    ann.conversation(|head| head.id == wens && given(head)).await;
    ben.command(&reply(Some(wens), "Hola, Wen")).await.unwrap();
    time_passes(&desk.database());
    let (_xia, _) = writes(&desk, "Xia 3").await;
    let (head, _) = ann.conversation(|head| head.id == vics && head.team.is_none()).await;
    assert_eq!(head.assignee, None, "Ben had it, and did not answer");
    assert_eq!(noted(&mut ann, vics).await, ["team:Español", "assigned:Ben", "unassigned"]);
    assert_eq!(noted(&mut ann, wens).await, ["team:Español", "assigned:Ben"]);
}

#[tokio::test]
async fn tv_03_slips_in_a_rule_are_named_with_its_place_and_nothing_is_changed() {
    let desk = TestDesk::start().await;
    let team = bens(&desk, None).await;
    let good = json!({"team": team, "fallback_after_s": 60});
    route(&desk, json!([good])).await;
    let with = |field: &str, value: Value| {
        let mut rule = good.clone();
        rule[field] = value;
        json!([good, rule])
    };
    for (rules, field, word) in [
        (with("team", json!(1)), "rules[1].team", "no such team"),
        (with("site", json!(1)), "rules[1].site", "no such site"),
        (with("fallback_after_s", json!(9)), "rules[1].fallback_after_s", "10 to 3600"),
        (with("fallback_after_s", json!(3_601)), "rules[1].fallback_after_s", "10 to 3600"),
        (with("language", json!("no language")), "rules[1].language", "such as es"),
        (with("page_contains", json!(" ")), "rules[1].page_contains", "1 to 200"),
        (with("page_contains", json!("p".repeat(201))), "rules[1].page_contains", "1 to 200"),
        (json!(vec![&good; 101]), "rules", "100 at the most"),
        (json!([{"team": team}]), "fallback_after_s", "missing field"),
        (with("skill", json!("tea")), "skill", "unknown field"),
    ] {
        let (status, refusal) = ask(&desk, &desk.ann, "PUT", "/v1/routing", json!({ "rules": rules })).await;
        assert_eq!((status, refusal["field"].as_str()), (400, Some(field)), "{refusal}");
        assert!(refusal["message"].as_str().unwrap().contains(word), "{refusal}");
    }
    assert_eq!(ask(&desk, &desk.ben, "GET", "/v1/routing", Value::Null).await.0, 404);
    let (_, now) = ask(&desk, &desk.ann, "GET", "/v1/routing", Value::Null).await;
    assert_eq!(now["rules"].as_array().unwrap().len(), 1);
    assert_eq!((&now["rules"][0]["active"], &now["rules"][0]["site"]), (&json!(true), &Value::Null));
    let (_, audit) = ask(&desk, &desk.ann, "GET", "/v1/audit?limit=1", Value::Null).await;
    assert_eq!(audit["entries"][0]["kind"], "routing");
}

#[tokio::test]
async fn tv_03_what_a_flow_hands_over_goes_to_its_team_then_and_not_while_the_flow_talks() {
    let desk = TestDesk::start().await;
    let team = bens(&desk, None).await;
    route(&desk, json!([{"team": team, "fallback_after_s": 60}])).await;
    let flow = json!({
        "name": "Hello", "start": {"kind": "first_message"}, "patience_s": 60,
        "steps": [
            {"key": "who", "does": {"kind": "ask", "texts": {"en": "Who are you?"}}},
            {"key": "end", "does": {"kind": "hand_over"}},
        ],
    });
    let (status, added) = ask(&desk, &desk.ann, "POST", "/v1/flows", flow).await;
    assert_eq!(status, 201, "{added}");
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    // What she wrote and the desk's question come together.
    let (mut vic, chat) = writes(&desk, "Hola").await;
    let (head, _) = ann.conversation(|head| head.id == chat && head.last_number > 1).await;
    assert_eq!((head.team, head.waiting_since), (None, None), "nobody is waited for");
    vic.command(&reply(None, "Vic")).await.unwrap();
    let (head, _) = ann.conversation(|head| head.id == chat && head.team.is_some()).await;
    assert_eq!((head.team, head.waiting_since.is_some()), (Some(team), true));
    assert_eq!(rings(&mut ben).await, chat);
    // Where nobody of it takes the chat either, it is everybody's in the end.
    time_passes(&desk.database());
}

/// A flow that hands over at once, to a team.
async fn hands_over(desk: &TestDesk, start: Value, team: Option<TeamId>) -> FlowId {
    let steps = json!([{"key": "end", "does": {"kind": "hand_over", "team": team}}]);
    let flow = json!({"name": "People", "start": start, "patience_s": 60, "steps": steps});
    let (status, added) = ask(desk, &desk.ann, "POST", "/v1/flows", flow).await;
    assert_eq!(status, 201, "{added}");
    serde_json::from_value(added["id"].clone()).unwrap()
}

#[tokio::test]
async fn tv_06_a_flow_hands_over_to_its_team_while_somebody_of_it_is_there_and_not_for_ever() {
    let desk = TestDesk::start().await;
    let team = bens(&desk, None).await;
    hands_over(&desk, json!({"kind": "first_message"}), Some(team)).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (_vic, vics) = writes(&desk, "Vic 1").await;
    assert_eq!(rings(&mut ann).await, vics, "Ben is not there");
    assert_eq!(noted(&mut ann, vics).await, ["flow:People", "flow_handed_over"]);

    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (_wen, wens) = writes(&desk, "Wen 2").await;
    while rings(&mut ben).await != wens {}
    assert_eq!(noted(&mut ann, wens).await, ["flow:People", "flow_handed_over", "team:Español"]);
    time_passes(&desk.database());
    // A third chat has the desk look at what is due.
    let (_xia, _) = writes(&desk, "Xia 3").await;
    while rings(&mut ann).await != wens {}
    assert_eq!(noted(&mut ann, wens).await.last().map(String::as_str), Some("unassigned"));
}

#[tokio::test]
async fn tv_03_a_chat_that_is_opened_again_is_its_teams_only_while_somebody_of_it_is_there() {
    let desk = TestDesk::start().await;
    let team = bens(&desk, None).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    // Both were the team's, and are done.
    let (mut vic, vics) = writes(&desk, "Vic 1").await;
    let (mut wen, wens) = writes(&desk, "Wen 2").await;
    for conversation in [vics, wens] {
        let give = Command::Assign { conversation, agent: None, team: Some(team), from: None };
        let close = Command::SetState { conversation, state: ConversationState::Closed };
        for done in [give, close] {
            ann.command(&command(done)).await.unwrap();
        }
    }
    vic.command(&reply(None, "Vic again")).await.unwrap();
    let (asked, _) = ann.message("Vic again").await;
    let ring = |frame: &ServerFrame| match frame {
        ServerFrame::Ring(ring) if ring.deadline_ms > 0 => Some((ring.conversation, ring.number)),
        _ => None,
    };
    while ann.until(ring).await != (vics, asked.number + 1) {}
    assert_eq!(noted(&mut ann, vics).await, ["team:Español", "closed", "reopened", "unassigned"]);

    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    wen.command(&reply(None, "Wen again")).await.unwrap();
    while rings(&mut ben).await != wens {}
    assert_eq!(noted(&mut ann, wens).await, ["team:Español", "closed", "reopened"]);
    // Whoever comes back does not wait there for ever either.
    time_passes(&desk.database());
    let waits: i64 = desk.database().query_row("SELECT conversation FROM routed", [], |row| row.get(0)).unwrap();
    assert_eq!(waits, wens.0);
}

#[tokio::test]
async fn tv_03_who_has_come_back_goes_by_the_rules_as_one_who_is_new() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, vics) = writes(&desk, "Vic 1").await;
    let close = Command::SetState { conversation: vics, state: ConversationState::Closed };
    ann.command(&command(close)).await.unwrap();
    let team = bens(&desk, None).await;
    route(&desk, json!([{"team": team, "fallback_after_s": 60}])).await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    vic.command(&reply(None, "Vic again")).await.unwrap();
    assert_eq!(rings(&mut ben).await, vics);
    assert_eq!(noted(&mut ann, vics).await, ["closed", "reopened", "team:Español"]);
}

#[tokio::test]
async fn tv_06_what_an_agents_flow_hands_over_goes_by_the_rules() {
    let desk = TestDesk::start().await;
    let team = bens(&desk, None).await;
    route(&desk, json!([{"team": team, "fallback_after_s": 60}])).await;
    let flow = hands_over(&desk, json!({"kind": "agent"}), None).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (_vic, chat) = writes(&desk, "Vic 1").await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    ann.command(&command(Command::StartFlow { conversation: chat, flow })).await.unwrap();
    assert_eq!(noted(&mut ann, chat).await, ["flow:People", "flow_handed_over", "team:Español"]);
    while rings(&mut ben).await != chat {}
}
