//! Scripts by which the desk talks to a visitor before a person does.

use deskbell_protocol::*;
use serde_json::{Value, json};

use crate::desk::*;

const ORDER: &str = "Un pedido";
const OTHER: &str = "Otra cosa";
const ABOUT: &str = "¿De qué se trata?";
const ADDRESS: &str = "¿Con qué dirección?";
const HANDED_OVER: &str = "flow_handed_over";

/// A greeting, a question with two answers, one for an address, and then people.
fn parcels(start: Value) -> Value {
    let about = json!([
        {"label": {"en": "An order", "es": ORDER}, "next": "email"},
        {"label": {"en": "Something else", "es": OTHER}, "next": "people"},
    ]);
    json!({"name": "Parcels", "start": start, "patience_s": 300, "steps": [
        {"key": "hello", "does": {"kind": "say", "texts": {"en": "Hello", "es": "Hola {visitor.first_name|amigo}"}}},
        {"key": "about", "does": {"kind": "choose", "texts": {"en": "What about?", "es": ABOUT}, "choices": about}},
        {"key": "email", "does": {"kind": "ask", "texts": {"es": ADDRESS}, "keep": "email"}},
        {"key": "thanks", "does": {"kind": "say", "texts": {"es": "Gracias"}}},
        {"key": "people", "does": {"kind": "hand_over"}},
    ]})
}

fn first_message() -> Value {
    json!({"kind": "first_message"})
}

fn agent() -> Value {
    json!({"kind": "agent"})
}

async fn adds(desk: &TestDesk, flow: Value) -> FlowId {
    let (status, made) = ask(desk, &desk.ann, "POST", "/v1/flows", flow).await;
    assert_eq!(status, 201, "{made}");
    serde_json::from_value(made["id"].clone()).unwrap()
}

/// A tap on an answer: its label as the text, and its key.
fn tap(choice: &Choice) -> CommandFrame {
    command(Command::Send {
        conversation: None,
        kind: MessageKind::Reply,
        text: choice.label.clone(),
        attachments: Vec::new(),
        mentions: Vec::new(),
        article: None,
        choice: Some(choice.key.clone()),
    })
}

/// What stands in a conversation.
async fn said(client: &mut Client, conversation: ConversationId) -> Vec<Message> {
    client.history(conversation, 1_000, 100).await.messages.iter().filter_map(as_message).collect()
}

async fn said_texts(client: &mut Client, conversation: ConversationId) -> Vec<String> {
    said(client, conversation).await.into_iter().map(|message| message.text).collect()
}

/// The number that rings next, and where.
async fn rings(client: &mut Client) -> (ConversationId, Number) {
    let ring = |frame: &ServerFrame| match frame {
        ServerFrame::Ring(ring) if ring.deadline_ms > 0 => Some((ring.conversation, ring.number)),
        _ => None,
    };
    client.until(ring).await
}

/// How many rows a table has.
fn rows(desk: &TestDesk, table: &str) -> i64 {
    desk.database().query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

/// A visitor writes, and is asked what it is about: their client, the question, and what Ann's client has of the head.
async fn asked(desk: &TestDesk, ann: &mut Client) -> (Client, Message) {
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Buenos días")).await.unwrap();
    let (question, _) = vic.message(ABOUT).await;
    ann.message(ABOUT).await;
    (vic, question)
}

#[tokio::test]
async fn tv_06_a_flow_greets_asks_keeps_the_address_and_hands_over_and_only_then_it_rings() {
    let desk = TestDesk::start().await;
    adds(&desk, parcels(first_message())).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, question) = asked(&desk, &mut ann).await;
    let chat = question.conversation;
    assert_eq!((&question.author, question.kind), (&Author::Desk, MessageKind::Reply));
    let labels: Vec<&str> = question.choices.iter().map(|choice| choice.label.as_str()).collect();
    assert_eq!(labels, [ORDER, OTHER], "in Vic's language");
    vic.command(&tap(&question.choices[0])).await.unwrap();
    vic.message(ADDRESS).await;
    // What cannot be an address is asked for again.
    vic.command(&reply(None, "vic")).await.unwrap();
    vic.message(ADDRESS).await;
    let waits: Option<i64> =
        desk.database().query_row("SELECT waiting_since FROM conversation", [], |row| row.get(0)).unwrap();
    assert_eq!(waits, None, "as long as the desk asks, Vic waits for nobody");
    vic.command(&reply(None, " vic@home.example ")).await.unwrap();
    vic.message("Gracias").await;
    let (line, _) = ann.message(HANDED_OVER).await;
    assert_eq!((line.kind, &line.author), (MessageKind::System, &Author::Desk));
    assert_eq!(rings(&mut ann).await, (chat, line.number), "nothing rang before");
    let email: String =
        desk.database().query_row("SELECT email FROM contact WHERE email <> ''", [], |row| row.get(0)).unwrap();
    assert_eq!(email, "vic@home.example");
    let all = said_texts(&mut ann, chat).await;
    let expected = [
        "Buenos días",
        "flow:Parcels",
        "Hola amigo",
        ABOUT,
        ORDER,
        ADDRESS,
        "vic",
        ADDRESS,
        "vic@home.example",
        "Gracias",
        HANDED_OVER,
    ];
    assert_eq!(all.iter().map(|text| text.trim()).collect::<Vec<_>>(), expected);
    let shown = said(&mut vic, chat).await;
    assert!(shown.iter().all(|message| message.kind == MessageKind::Reply), "Vic is told of no flow: {shown:?}");
    assert_eq!(shown.iter().filter(|message| !message.choices.is_empty()).count(), 1);
    assert_eq!(rows(&desk, "flow_run"), 0);
    // From here on Vic writes to people.
    vic.command(&reply(None, "¿Hola?")).await.unwrap();
    ann.message("¿Hola?").await;
    ann.command(&reply(Some(chat), "Aquí estoy")).await.unwrap();
    ann.conversation(|head| head.id == chat && head.waiting_since.is_none()).await;
    let found = deskbell_server::operations::examine(desk.data.path(), false).await.unwrap();
    assert!(found.is_sound(), "the lines of a flow are no messages that nobody finds: {found:?}");
}

#[tokio::test]
async fn tv_06_an_answer_is_tapped_or_typed_and_a_tap_of_an_earlier_question_answers_nothing() {
    let desk = TestDesk::start().await;
    adds(&desk, parcels(first_message())).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, question) = asked(&desk, &mut ann).await;
    // Vic taps twice before the desk has answered: the second tap is no answer to the next question.
    let (once, twice) = (tap(&question.choices[0]), tap(&question.choices[0]));
    vic.send(&ClientFrame::Cmd(once.clone())).await;
    vic.send(&ClientFrame::Cmd(twice.clone())).await;
    vic.answer(&once.client_id).await.unwrap();
    vic.answer(&twice.client_id).await.unwrap();
    let run = "SELECT step, asked_again FROM flow_run";
    let at: (i64, i64) = desk.database().query_row(run, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(at, (2, 0), "the address is asked for, once");
    let texts = said_texts(&mut vic, question.conversation).await;
    assert_eq!(texts.iter().filter(|text| *text == ADDRESS).count(), 1, "{texts:?}");
    assert_eq!(texts.iter().filter(|text| *text == ORDER).count(), 2, "what was tapped stands there: {texts:?}");
    // Sent again, a message moves nothing.
    assert!(vic.command(&once).await.unwrap().duplicate);

    let (mut wen, others) = asked(&desk, &mut ann).await;
    wen.command(&reply(None, " OTRA cosa\n")).await.unwrap();
    let (line, _) = ann.message(HANDED_OVER).await;
    assert_eq!(line.conversation, others.conversation, "what is typed in any case is the answer");
}

#[tokio::test]
async fn tv_06_what_is_none_of_the_answers_is_asked_for_twice_more_and_then_people_take_over() {
    let desk = TestDesk::start().await;
    adds(&desk, parcels(first_message())).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, question) = asked(&desk, &mut ann).await;
    // A key beside other words than those of the answer is none either: what stands in the thread counts.
    let lie = Choice { key: question.choices[0].key.clone(), label: OTHER.to_owned() };
    vic.command(&tap(&lie)).await.unwrap();
    let (again, _) = vic.message(ABOUT).await;
    assert_eq!(again.choices.len(), 2, "to be tapped again");
    vic.command(&reply(None, "Ninguna")).await.unwrap();
    vic.message(ABOUT).await;
    vic.command(&reply(None, "¡Ninguna!")).await.unwrap();
    let (line, _) = ann.message(HANDED_OVER).await;
    assert_eq!(rings(&mut ann).await, (question.conversation, line.number));
    assert_eq!(rows(&desk, "flow_run"), 0);
}

#[tokio::test]
async fn tv_06_an_agent_who_replies_closes_or_puts_off_ends_the_flow_and_a_note_does_not() {
    let desk = TestDesk::start().await;
    adds(&desk, parcels(first_message())).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, question) = asked(&desk, &mut ann).await;
    let chat = question.conversation;
    ann.command(&say(Some(chat), MessageKind::Note, "I know Vic")).await.unwrap();
    assert_eq!(rows(&desk, "flow_run"), 1);
    ann.command(&reply(Some(chat), "Buenos días, Vic")).await.unwrap();
    assert_eq!(rows(&desk, "flow_run"), 0);
    // The answers are still on Vic's screen; what they choose is for Ann now.
    vic.command(&tap(&question.choices[0])).await.unwrap();
    let (head, _) = ann.conversation(|head| head.id == chat && head.waiting_since.is_some()).await;
    assert_eq!(said_texts(&mut ann, chat).await.last().map(String::as_str), Some(ORDER), "{head:?}");

    for over in [
        |chat| Command::SetState { conversation: chat, state: ConversationState::Closed },
        |chat| Command::Snooze { conversation: chat, until: None },
    ] {
        let (mut wen, others) = asked(&desk, &mut ann).await;
        assert_eq!(rows(&desk, "flow_run"), 1);
        ann.command(&command(over(others.conversation))).await.unwrap();
        assert_eq!(rows(&desk, "flow_run"), 0);
        // What Wen writes then is for people, and rings.
        wen.command(&reply(None, OTHER)).await.unwrap();
        while rings(&mut ann).await.0 != others.conversation {}
        assert_eq!(said_texts(&mut ann, others.conversation).await.last().map(String::as_str), Some(OTHER));
    }
}

#[tokio::test]
async fn tv_06_a_visitor_who_does_not_answer_in_time_is_handed_over_also_when_the_server_restarts_in_between() {
    let desk = TestDesk::start().await;
    adds(&desk, parcels(first_message())).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, token) = desk.visitor().await;
    vic.command(&reply(None, "Buenos días")).await.unwrap();
    let (question, _) = vic.message(ABOUT).await;
    ann.message(ABOUT).await;
    drop((ann, vic));
    let time_passes = |database: &rusqlite::Connection| {
        assert_eq!(database.execute("UPDATE flow_run SET ends_at = ends_at - 300000", []).unwrap(), 1);
    };
    let desk = desk.restarted(time_passes).await;
    let mut vic = desk.panel(Some(&token), None, None).await;
    vic.welcome().await;
    vic.snapshot().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (chat, number) = rings(&mut ann).await;
    assert_eq!(chat, question.conversation);
    let all = said(&mut ann, chat).await;
    assert_eq!(all.last().map(|line| (line.number, line.text.as_str())), Some((number, HANDED_OVER)));
    assert_eq!(rows(&desk, "flow_run"), 0);
}

#[tokio::test]
async fn tv_06_patience_ends_by_itself_while_the_server_runs() {
    let desk = TestDesk::start().await;
    adds(&desk, parcels(first_message())).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (_vic, question) = asked(&desk, &mut ann).await;
    desk.database().execute("UPDATE flow_run SET ends_at = 1", []).unwrap();
    // Wen's message wakes the desk up, which then looks at what is due.
    let (mut wen, _) = desk.visitor().await;
    wen.command(&reply(None, "Hola")).await.unwrap();
    let (line, _) = ann.message(HANDED_OVER).await;
    assert_eq!(rings(&mut ann).await, (question.conversation, line.number));
    let (others, _) = wen.message(ABOUT).await;
    let talks: i64 = desk.database().query_row("SELECT conversation FROM flow_run", [], |row| row.get(0)).unwrap();
    assert_eq!(talks, others.conversation.0, "Wen's goes on");
}

#[tokio::test]
async fn tv_06_a_flow_that_is_changed_or_taken_away_goes_on_where_it_talks() {
    let desk = TestDesk::start().await;
    let flow = adds(&desk, parcels(first_message())).await;
    let path = format!("/v1/flows/{flow}");
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, question) = asked(&desk, &mut ann).await;
    let other = json!({"name": "Another", "start": first_message(), "patience_s": 10, "steps": [
        {"key": "about", "does": {"kind": "ask", "texts": {"es": "¿Y qué más?"}}},
        {"key": "bye", "does": {"kind": "close"}},
    ]});
    assert_eq!(ask(&desk, &desk.ann, "PUT", &path, other).await.0, 200);
    vic.command(&tap(&question.choices[0])).await.unwrap();
    vic.message(ADDRESS).await;
    // Wen is asked what it asks now.
    let (mut wen, _) = desk.visitor().await;
    wen.command(&reply(None, "Hola")).await.unwrap();
    let (asked, _) = wen.message("¿Y qué más?").await;
    assert_eq!(ask(&desk, &desk.ann, "DELETE", &path, Value::Null).await.0, 204);
    vic.command(&reply(None, "vic@home.example")).await.unwrap();
    let (line, _) = ann.message(HANDED_OVER).await;
    assert_eq!(line.conversation, question.conversation);
    wen.command(&reply(None, "Nada")).await.unwrap();
    let closed = |head: &Conversation| head.id == asked.conversation && head.state == ConversationState::Closed;
    let (head, _) = ann.conversation(closed).await;
    assert_eq!((head.waiting_since, rows(&desk, "flow_run")), (None, 0), "done");
    // Nothing begins any more.
    let (mut xia, _) = desk.visitor().await;
    xia.command(&reply(None, "Xia 3")).await.unwrap();
    ann.message("Xia 3").await;
    assert_eq!(rows(&desk, "flow_run"), 0);
}

#[tokio::test]
async fn tv_06_whoever_has_taken_the_chat_is_handed_over_to_and_a_team_gets_it_otherwise() {
    let desk = TestDesk::start().await;
    let (ann_id, ben_id) = (desk.ann.agent.id, desk.ben.agent.id);
    let (status, team) = ask(&desk, &desk.ann, "POST", "/v1/teams", json!({"name": "Tea", "members": [ann_id]})).await;
    assert_eq!(status, 201);
    let team: TeamId = serde_json::from_value(team["id"].clone()).unwrap();
    let mut flow = parcels(first_message());
    flow["steps"][4]["does"]["team"] = json!(team);
    adds(&desk, flow).await;
    let by_turns = json!({"assignment": {"rule": "round_robin", "capacity": 5, "back_after_s": 0}});
    assert_eq!(ask(&desk, &desk.ann, "PATCH", "/v1/settings", by_turns).await.0, 200);
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    // The rule gives Vic to nobody as long as the desk asks. Ben takes the chat, and the desk asks on.
    let (mut vic, question) = asked(&desk, &mut ann).await;
    let chat = question.conversation;
    let held: Option<i64> =
        desk.database().query_row("SELECT assignee FROM conversation", [], |row| row.get(0)).unwrap();
    assert_eq!(held, None);
    let take = Command::Assign { conversation: chat, agent: Some(ben_id), team: None, from: None };
    ben.command(&command(take)).await.unwrap();
    vic.command(&tap(&question.choices[1])).await.unwrap();
    let (line, _) = ben.message(HANDED_OVER).await;
    assert_eq!(rings(&mut ben).await, (chat, line.number), "it is his, and rings with him");
    let (head, _) = ann.conversation(|head| head.id == chat && head.waiting_since.is_some()).await;
    assert_eq!((head.assignee, head.team), (Some(ben_id), None), "whoever has it keeps it");

    // Nobody has Wen's: the team gets it, and the rule of the team, which has none, gives it to nobody.
    let (mut wen, others) = asked(&desk, &mut ann).await;
    wen.command(&tap(&others.choices[1])).await.unwrap();
    let (line, _) = ann.message(HANDED_OVER).await;
    assert_eq!(rings(&mut ann).await, (others.conversation, line.number), "Vic's never rang with Ann");
    let texts = said_texts(&mut ann, others.conversation).await;
    assert_eq!(texts[texts.len() - 2..], [HANDED_OVER, "team:Tea"]);
}

#[tokio::test]
async fn tv_06_whoever_is_handed_over_is_given_to_an_agent_at_once_by_the_rule() {
    let desk = TestDesk::start().await;
    adds(&desk, parcels(first_message())).await;
    let by_turns = json!({"assignment": {"rule": "least_busy", "capacity": 5, "back_after_s": 0}});
    assert_eq!(ask(&desk, &desk.ann, "PATCH", "/v1/settings", by_turns).await.0, 200);
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, question) = asked(&desk, &mut ann).await;
    vic.command(&tap(&question.choices[1])).await.unwrap();
    let given = |head: &Conversation| head.id == question.conversation && head.assignee.is_some();
    let (head, _) = ann.conversation(given).await;
    assert_eq!(head.assignee, Some(desk.ann.agent.id));
    let texts = said_texts(&mut ann, question.conversation).await;
    assert_eq!(texts[texts.len() - 2..], [HANDED_OVER, "assigned:Ann"]);
    rings(&mut ann).await;
}

#[tokio::test]
async fn tv_06_agents_begin_and_stop_flows_of_the_site_that_are_active() {
    let desk = TestDesk::start().await;
    let flow = adds(&desk, parcels(agent())).await;
    let (_, other) = ask(&desk, &desk.ann, "POST", "/v1/sites", json!({"name": "Outlet"})).await;
    let mut elsewhere = parcels(agent());
    elsewhere["site"] = other["id"].clone();
    let elsewhere = adds(&desk, elsewhere).await;
    let mut off = parcels(agent());
    off["active"] = json!(false);
    let off = adds(&desk, off).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Vic 1")).await.unwrap();
    let (first, _) = ben.message("Vic 1").await;
    let chat = first.conversation;
    assert_eq!(rings(&mut ben).await, (chat, 1), "nothing begins by itself");
    let offered = ask(&desk, &desk.ben, "GET", &format!("/v1/conversations/{chat}/flows"), Value::Null).await;
    assert_eq!(offered, (200, json!([{"id": flow, "name": "Parcels"}])));

    let start = |flow| command(Command::StartFlow { conversation: chat, flow });
    for wrong in [elsewhere, off, FlowId(1)] {
        let refused = ben.command(&start(wrong)).await.unwrap_err();
        assert_eq!((refused.code, refused.field.as_deref()), (ErrorCode::Invalid, Some("flow")));
    }
    // Also where the chat was closed: it is open afterwards.
    let close = Command::SetState { conversation: chat, state: ConversationState::Closed };
    ben.command(&command(close)).await.unwrap();
    ben.command(&start(flow)).await.unwrap();
    let (question, _) = vic.message(ABOUT).await;
    assert_eq!(ben.command(&start(flow)).await.unwrap_err().code, ErrorCode::Conflict);
    let talks = |head: &Conversation| head.id == chat && head.last_number > 5;
    let (head, _) = ben.conversation(talks).await;
    assert_eq!((head.state, head.waiting_since), (ConversationState::Open, None));

    // Who stops it knows; it rings with the others.
    let stop = Command::StopFlow { conversation: chat };
    ben.command(&command(stop.clone())).await.unwrap();
    let (line, _) = ann.message("flow_stopped").await;
    while rings(&mut ann).await != (chat, line.number) {}
    let read = "SELECT number FROM read_mark WHERE agent = ?1";
    let read: i64 = desk.database().query_row(read, [desk.ben.agent.id.0], |row| row.get(0)).unwrap();
    assert_eq!(read, line.number);
    let before = said_texts(&mut ann, chat).await;
    ben.command(&command(stop)).await.unwrap();
    vic.command(&tap(&question.choices[0])).await.unwrap();
    ann.message(ORDER).await;
    assert_eq!(said_texts(&mut ann, chat).await.len(), before.len() + 1, "nothing answers any more");
    // Only visitors answer what the desk asks.
    let Command::Send { kind, text, attachments, mentions, choice, .. } = tap(&question.choices[0]).command else {
        unreachable!("a tap is a message");
    };
    let answer = Command::Send { conversation: Some(chat), kind, text, attachments, mentions, article: None, choice };
    let refused = ann.command(&command(answer)).await.unwrap_err();
    assert_eq!((refused.code, refused.field.as_deref()), (ErrorCode::Invalid, Some("choice")));
}

#[tokio::test]
async fn tv_06_a_flow_begins_by_itself_once_and_only_where_nobody_has_answered_and_the_desk_is_as_it_says() {
    let desk = TestDesk::start().await;
    adds(&desk, parcels(json!({"kind": "first_message", "desk": "offline"}))).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Vic 1")).await.unwrap();
    let (first, _) = ann.message("Vic 1").await;
    assert_eq!(rings(&mut ann).await, (first.conversation, 1), "the desk is online");
    ask(&desk, &desk.ann, "PUT", "/v1/desk/online", json!({"online": false})).await;
    // It was Vic's first message that decided.
    vic.command(&reply(None, "Vic 2")).await.unwrap();
    ann.message("Vic 2").await;
    assert_eq!(rows(&desk, "flow_run"), 0);
    let (_wen, question) = asked(&desk, &mut ann).await;
    assert_eq!(rows(&desk, "flow_run"), 1);
    assert_ne!(question.conversation, first.conversation);
    // Who answers a form first writes all the same.
    let (mut yan, _) = desk.visitor().await;
    let introduced = Command::Introduce {
        form: FormKind::Offline,
        answers: std::collections::BTreeMap::new(),
        text: "Yan 1".to_owned(),
        attachments: Vec::new(),
    };
    yan.command(&command(introduced)).await.unwrap();
    yan.message(ABOUT).await;
    assert_eq!(rows(&desk, "flow_run"), 2);
    // To Xia Ann has spoken first.
    let (mut xia, _) = desk.visitor().await;
    let xia_id = "SELECT max(id) FROM visitor";
    let visitor = VisitorId(desk.database().query_row(xia_id, [], |row| row.get(0)).unwrap());
    let started = ann.command(&command(Command::Start { visitor })).await.unwrap();
    let chat = ConversationId(started.id.unwrap());
    ann.command(&reply(Some(chat), "¿Puedo ayudar?")).await.unwrap();
    xia.command(&reply(None, "Xia 1")).await.unwrap();
    ann.message("Xia 1").await;
    assert_eq!(rows(&desk, "flow_run"), 2);
}

#[tokio::test]
async fn tv_06_a_flow_of_all_the_steps_there_may_be_is_gone_through_at_once_and_rings() {
    let desk = TestDesk::start().await;
    let mut steps: Vec<Value> = (1..50)
        .map(|step| json!({"key": format!("k{step}"), "does": {"kind": "say", "texts": {"es": format!("Línea {step}")}}}))
        .collect();
    steps.push(json!({"key": "people", "does": {"kind": "hand_over"}}));
    adds(&desk, json!({"name": "Long", "start": first_message(), "patience_s": 10, "steps": steps})).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Hola")).await.unwrap();
    let (line, _) = ann.message(HANDED_OVER).await;
    assert_eq!(rings(&mut ann).await, (line.conversation, line.number));
    let texts = said_texts(&mut ann, line.conversation).await;
    assert_eq!((texts.len(), texts[50].as_str(), rows(&desk, "flow_run")), (52, "Línea 49", 0), "{texts:?}");
}

#[tokio::test]
async fn tv_06_automatic_answers_are_silent_while_a_flow_talks() {
    let desk = TestDesk::start().await;
    adds(&desk, parcels(first_message())).await;
    for when in
        [json!({"kind": "first_message"}), json!({"kind": "offline"}), json!({"kind": "unanswered", "after_s": 600})]
    {
        let kind = when["kind"].as_str().unwrap().to_owned();
        let rule = json!({"when": when, "texts": {"en": kind}});
        assert_eq!(ask(&desk, &desk.ann, "POST", "/v1/auto-answers", rule).await.0, 201);
    }
    ask(&desk, &desk.ann, "PUT", "/v1/desk/online", json!({"online": false})).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, question) = asked(&desk, &mut ann).await;
    assert_eq!(rows(&desk, "auto_answered"), 0);
    vic.command(&reply(None, "Ninguna")).await.unwrap();
    vic.message(ABOUT).await;
    assert_eq!(rows(&desk, "auto_answered"), 0);
    // Whom it hands over is told what holds for whoever writes to people now, but is not greeted again.
    vic.command(&reply(None, OTHER)).await.unwrap();
    vic.message("offline").await;
    let texts = said_texts(&mut vic, question.conversation).await;
    assert!(!texts.contains(&"first_message".to_owned()), "{texts:?}");
    let due = "SELECT count(*) FROM auto_answered WHERE due_at IS NOT NULL";
    assert_eq!(desk.database().query_row(due, [], |row| row.get::<_, i64>(0)).unwrap(), 1, "unanswered from now on");
}

#[tokio::test]
async fn tv_06_a_question_that_is_deleted_offers_nothing_and_an_erased_person_leaves_nothing_of_a_flow() {
    let desk = TestDesk::start().await;
    adds(&desk, parcels(first_message())).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, question) = asked(&desk, &mut ann).await;
    let (chat, message) = (question.conversation, question.id);
    assert_eq!(rows(&desk, "message_choices"), 1);
    ann.command(&command(Command::DeleteMessage { conversation: chat, message })).await.unwrap();
    let gone = said(&mut vic, chat).await.into_iter().find(|message| message.id == question.id).unwrap();
    assert_eq!((gone.deleted_at.is_some(), gone.choices.len(), rows(&desk, "message_choices")), (true, 0, 0));
    // What Vic saw before can still be said.
    vic.command(&reply(None, "Ninguna")).await.unwrap();
    vic.message(ABOUT).await;
    assert_eq!((rows(&desk, "message_choices"), rows(&desk, "flow_run")), (1, 1));
    let visitor: i64 = desk.database().query_row("SELECT visitor FROM conversation", [], |row| row.get(0)).unwrap();
    let path = format!("/v1/person?visitor={visitor}");
    let (status, known) = ask(&desk, &desk.ann, "GET", &path, Value::Null).await;
    assert!(status == 200 && known.to_string().contains(OTHER), "what was offered is handed out: {known}");
    assert_eq!(ask(&desk, &desk.ann, "DELETE", &path, Value::Null).await.0, 200);
    assert_eq!((rows(&desk, "message_choices"), rows(&desk, "flow_run")), (0, 0));
}

#[tokio::test]
async fn tv_06_steps_of_another_version_hand_over_and_refuse_no_message() {
    let desk = TestDesk::start().await;
    adds(&desk, parcels(first_message())).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, question) = asked(&desk, &mut ann).await;
    let sings = r#"[{"key": "hello", "does": {"kind": "sing"}}]"#;
    assert_eq!(desk.database().execute("UPDATE flow_run SET steps = ?1", [sings]).unwrap(), 1);
    assert_eq!(desk.database().execute("UPDATE flow SET steps = ?1", [sings]).unwrap(), 1);
    vic.command(&tap(&question.choices[0])).await.unwrap();
    let (line, _) = ann.message(HANDED_OVER).await;
    assert_eq!(rings(&mut ann).await, (question.conversation, line.number));
    let (mut wen, _) = desk.visitor().await;
    wen.command(&reply(None, "Wen 2")).await.unwrap();
    let (second, _) = ann.message("Wen 2").await;
    assert_eq!(rings(&mut ann).await, (second.conversation, 1), "what cannot be read does not begin");
    let (_, flows) = ask(&desk, &desk.ann, "GET", "/v1/flows", Value::Null).await;
    assert_eq!((&flows[0]["active"], &flows[0]["steps"]), (&json!(false), &json!([])));
}

#[tokio::test]
async fn tv_06_flows_are_listed_changed_and_refused_by_their_field() {
    let desk = TestDesk::start().await;
    let flow = adds(&desk, parcels(first_message())).await;
    let path = format!("/v1/flows/{flow}");
    let mut changed = json!({"name": "Bye", "site": desk.site.id, "active": false, "start": agent(), "patience_s": 10,
        "steps": [{"key": "bye", "does": {"kind": "say", "texts": {"es": "Adiós"}}},
            {"key": "end", "does": {"kind": "close"}}]});
    let answer = ask(&desk, &desk.ann, "PUT", &path, changed.clone()).await;
    changed["id"] = json!(flow);
    assert_eq!(answer, (200, changed.clone()));
    assert_eq!(ask(&desk, &desk.ann, "GET", "/v1/flows", Value::Null).await, (200, json!([changed])));
    assert_eq!(ask(&desk, &desk.ann, "PUT", "/v1/flows/1", parcels(agent())).await.0, 404);
    assert_eq!(ask(&desk, &desk.ann, "DELETE", "/v1/flows/1", Value::Null).await.0, 404);
    let audit = desk.desk.administer().audit(None, 2).await.unwrap();
    let done: Vec<_> = audit.iter().map(|entry| (entry.action.as_str(), entry.kind.as_str())).collect();
    assert_eq!(done, [("edit", "flow"), ("add", "flow")]);

    let with = |place: &str, value: Value| {
        let mut flow = parcels(agent());
        *flow.pointer_mut(place).unwrap() = value;
        flow
    };
    let does = |place: usize, does: Value| with(&format!("/steps/{place}/does"), does);
    let many = |count: usize| (0..count).map(|step| json!({"key": format!("k{step}"), "does": {"kind": "close"}}));
    let labels = |labels: &[Value]| {
        let choices: Vec<Value> = labels.iter().map(|label| json!({"label": label, "next": "people"})).collect();
        json!({"kind": "choose", "texts": {"en": "Which?"}, "choices": choices})
    };
    let one = json!({"en": "One"});
    let nine: Vec<Value> = (0..9).map(|entry| json!({"en": format!("Answer {entry}")})).collect();
    let long: Vec<Value> = (0..50)
        .map(|step| json!({"key": format!("k{step}"), "does": {"kind": "say", "texts": {"en": "x".repeat(1_500)}}}))
        .collect();
    let say = |texts: Value| json!({"kind": "say", "texts": texts});
    let mut too_long = json!(long);
    too_long[49] = json!({"key": "end", "does": {"kind": "close"}});
    for (wrong, field) in [
        (with("/name", json!(" ")), "name"),
        (with("/name", json!("x".repeat(101))), "name"),
        (with("/patience_s", json!(9)), "patience_s"),
        (with("/patience_s", json!(86_401)), "patience_s"),
        (with("/start", json!({"kind": "full_moon"})), "start"),
        (with("/steps", json!([])), "steps"),
        (with("/steps", json!(many(51).collect::<Vec<_>>())), "steps"),
        (with("/steps", too_long), "steps"),
        (with("/steps/1/key", json!("hello")), "steps[1].key"),
        (with("/steps/1/key", json!("Über")), "steps[1].key"),
        (with("/steps/1/key", json!("x".repeat(41))), "steps[1].key"),
        (does(0, say(json!({}))), "steps[0].does.texts"),
        (does(0, say(json!({"en": " "}))), "steps[0].does.texts"),
        (does(0, say(json!({"en": "x".repeat(2_001)}))), "steps[0].does.texts"),
        (does(0, say(json!({"en": "Hi {visitor.shoe}"}))), "steps[0].does.texts"),
        (does(0, say(json!({"en": "Hi {visitor.name}"}))), "steps[0].does.texts"),
        (does(0, say(json!({"no language": "Hi"}))), "steps[0].does.texts"),
        (does(1, labels(&[])), "steps[1].does.choices"),
        (does(1, labels(&nine)), "steps[1].does.choices"),
        (does(1, labels(&[json!({"en": " "})])), "steps[1].does.choices[0].label"),
        (does(1, labels(&[json!({"en": "x".repeat(81)})])), "steps[1].does.choices[0].label"),
        (does(1, labels(&[one.clone(), json!({"es": " ONE"})])), "steps[1].does.choices[1].label"),
        (does(4, json!({"kind": "hand_over", "team": 1})), "steps[4].does.team"),
        (does(0, json!({"kind": "say", "texts": one, "next": "nowhere"})), "steps[0].does.next"),
        (does(4, say(json!({"en": "Hi"}))), "steps[4].does.next"),
        (does(0, json!({"kind": "say", "texts": one, "next": "hello"})), "steps[0].does.next"),
        (does(4, json!({"kind": "ask", "texts": one, "next": "hello"})), "steps[0]"),
    ] {
        let (status, refusal) = ask(&desk, &desk.ann, "POST", "/v1/flows", wrong).await;
        let named = refusal["field"].as_str().unwrap_or_default();
        // What cannot be read at all is named by the place where reading stopped.
        let fits = named == field || field == "start" && named.starts_with(field);
        assert!(status == 400 && fits, "{field}: {refusal}");
    }
    let mut elsewhere = parcels(agent());
    elsewhere["site"] = json!(1);
    let (status, refusal) = ask(&desk, &desk.ann, "POST", "/v1/flows", elsewhere).await;
    assert_eq!((status, refusal["field"].as_str()), (400, Some("site")));
    for unknown in [json!({"kind": "sing"}), json!({"kind": "close", "softly": true}), json!({"kind": "say"})] {
        assert_eq!(ask(&desk, &desk.ann, "POST", "/v1/flows", does(4, unknown)).await.0, 400);
    }
    // A desk has fifty of them.
    for _ in 1..50 {
        desk.desk.administer().put_flow(None, serde_json::from_value(parcels(agent())).unwrap()).await.unwrap();
    }
    let (status, refusal) = ask(&desk, &desk.ann, "POST", "/v1/flows", parcels(agent())).await;
    assert_eq!((status, refusal["field"].as_str()), (400, Some("flows")));
}

#[tokio::test]
async fn tv_06_whose_flow_is_stopped_is_served_as_one_who_was_handed_over() {
    let desk = TestDesk::start().await;
    adds(&desk, parcels(first_message())).await;
    let rule = json!({"when": {"kind": "unanswered", "after_s": 600}, "texts": {"en": "Soon"}});
    assert_eq!(ask(&desk, &desk.ann, "POST", "/v1/auto-answers", rule).await.0, 201);
    let members = json!({"name": "Tea", "members": [desk.ben.agent.id]});
    let (_, team) = ask(&desk, &desk.ann, "POST", "/v1/teams", members).await;
    let rules = json!({"rules": [{"team": team["id"], "fallback_after_s": 60}]});
    assert_eq!(ask(&desk, &desk.ann, "PUT", "/v1/routing", rules).await.0, 200);
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut ben = desk.agent(&desk.ben, None).await.synced().await;
    let (_vic, question) = asked(&desk, &mut ann).await;
    let chat = question.conversation;
    assert_eq!((rows(&desk, "auto_answered"), rows(&desk, "routed")), (0, 0));
    ann.command(&command(Command::StopFlow { conversation: chat })).await.unwrap();
    let (line, _) = ben.message("flow_stopped").await;
    assert_eq!(rings(&mut ben).await, (chat, line.number));
    let texts = said_texts(&mut ann, chat).await;
    assert_eq!(texts[texts.len() - 2..], ["flow_stopped", "team:Tea"]);
    assert_eq!((rows(&desk, "auto_answered"), rows(&desk, "routed")), (1, 1), "unanswered from now on");
    // Where no flow talks any more, stopping is nothing that anybody is given or answered for.
    ann.command(&command(Command::StopFlow { conversation: chat })).await.unwrap();
    assert_eq!(said_texts(&mut ann, chat).await, texts);
}

#[tokio::test]
async fn tv_06_what_the_desk_says_is_unread_on_a_closed_messenger() {
    let desk = TestDesk::start().await;
    adds(&desk, parcels(first_message())).await;
    let name = presence();
    let mut page = desk.page(Some(SHOP), &name, "https://shop.example/teapots").await;
    page.welcome().await;
    let mut vic = desk.panel(None, Some(&name), None).await.synced().await;
    vic.command(&reply(None, "Buenos días")).await.unwrap();
    vic.message(ABOUT).await;
    drop(vic);
    let mut again = desk.page(Some(SHOP), &name, "https://shop.example/teapots").await;
    assert_eq!(again.welcome().await.visitor.unwrap().unread, 2, "the greeting and the question");
}
