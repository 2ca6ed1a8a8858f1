//! What the desk answers by itself.

use deskbell_protocol::*;
use serde_json::{Value, json};

use crate::desk::*;

/// Adds a rule. Its id.
async fn answers(desk: &TestDesk, when: Value, site: Option<SiteId>, texts: Value) -> i64 {
    let body = json!({"when": when, "site": site, "texts": texts});
    let (status, rule) = ask(desk, &desk.ann, "POST", "/v1/auto-answers", body).await;
    assert_eq!(status, 201, "{rule}");
    rule["id"].as_i64().unwrap()
}

/// What stands in a conversation beside what the desk notes.
async fn said(client: &mut Client, conversation: ConversationId) -> Vec<String> {
    let page = client.history(conversation, 1_000, 50).await;
    let messages = page.messages.iter().filter_map(as_message).filter(|it| it.kind == MessageKind::Reply);
    messages.map(|message| message.text).collect()
}

/// Makes so much time pass that whoever waits has waited for an hour longer, as far as the database knows.
fn an_hour_passes(database: &rusqlite::Connection) {
    let hour = 60 * 60 * 1000;
    database.execute("UPDATE conversation SET waiting_since = waiting_since - ?1", [hour]).unwrap();
    database.execute("UPDATE auto_answered SET due_at = due_at - ?1", [hour]).unwrap();
}

#[tokio::test]
async fn od_44_the_first_message_is_answered_at_once_in_the_visitors_language_and_it_rings_on() {
    let desk = TestDesk::start().await;
    let first = json!({"kind": "first_message"});
    let words =
        json!({"en": "Hello {visitor.first_name|there}", "es": "Hola {visitor.first_name|amigo}, aquí {site.name}"});
    answers(&desk, first.clone(), Some(desk.site.id), words).await;
    let (_, other) = ask(&desk, &desk.ann, "POST", "/v1/sites", json!({"name": "Outlet"})).await;
    let elsewhere = serde_json::from_value(other["id"].clone()).unwrap();
    answers(&desk, first, Some(elsewhere), json!({"en": "Not here"})).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Good morning")).await.unwrap();
    let hello = format!("Hola amigo, aquí {}", desk.site.name);
    let (answer, _) = vic.message(&hello).await;
    assert_eq!((answer.author, answer.kind), (Author::Desk, MessageKind::Reply));
    // Nobody has answered: it is unanswered, it rings, and nothing of it is unread to an agent but what Vic wrote.
    let chat = answer.conversation;
    ann.conversation(|head| head.id == chat && head.waiting_since.is_some() && head.last_number == 2).await;
    let ring = |frame: &ServerFrame| match frame {
        ServerFrame::Ring(ring) if ring.deadline_ms > 0 => Some((ring.conversation, ring.number)),
        _ => None,
    };
    assert_eq!(ann.until(ring).await, (chat, 1));
    // Once: the second message is answered by people.
    vic.command(&reply(None, "Anybody?")).await.unwrap();
    ann.message("Anybody?").await;
    assert_eq!(said(&mut ann, chat).await, ["Good morning", &hello, "Anybody?"]);
}

#[tokio::test]
async fn od_44_the_desk_speaks_the_language_of_the_messenger_rather_than_that_of_the_browser() {
    let desk = TestDesk::start().await;
    answers(&desk, json!({"kind": "first_message"}), None, json!({"en": "Hello", "es": "Hola", "ru": "Привет"})).await;
    let texts = json!({"es": {"online": "Estamos aquí"}, "ru": {"online": "Мы здесь"}});
    ask(&desk, &desk.ann, "PATCH", "/v1/settings", json!({ "texts": texts })).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    // Vic has a Spanish browser and comes to a Russian page, then to a Spanish one.
    let greets = async |spoken: Option<&str>, token: Option<&str>| {
        let mut panel = Client::open(desk.address, None, Some(&desk.own_origin())).await;
        let mut hello = desk.page_hello(&presence(), "");
        (hello.part, hello.presence, hello.page) = (VisitorPart::Panel, None, None);
        (hello.spoken, hello.token) = (spoken.map(str::to_owned), token.map(str::to_owned));
        panel.hello(None, Some(hello)).await;
        let welcome = panel.welcome().await.visitor.unwrap();
        panel.snapshot().await;
        (panel, welcome)
    };
    let (mut vic, welcome) = greets(Some("ru"), None).await;
    assert_eq!(welcome.texts.online, "Мы здесь");
    vic.command(&reply(None, "Buenos días")).await.unwrap();
    vic.message("Привет").await;
    let visitor = ann
        .until(|frame| match frame {
            ServerFrame::Delta(delta) => delta.changes.iter().filter_map(decode).find_map(|row| match row {
                Entity::Visitor(visitor) if !visitor.spoken.is_empty() => Some(visitor),
                _ => None,
            }),
            _ => None,
        })
        .await;
    assert_eq!((visitor.language.as_str(), visitor.spoken.as_str()), ("es", "ru"), "agents see both");
    let (_, again) = greets(Some("es"), welcome.token.as_deref()).await;
    assert_eq!(again.texts.online, "Estamos aquí");
    let (_, silent) = greets(None, None).await;
    assert_eq!(silent.texts.online, "Estamos aquí");
}

#[tokio::test]
async fn od_44_a_desk_that_is_offline_says_so_once_in_a_conversation() {
    let desk = TestDesk::start().await;
    answers(&desk, json!({"kind": "offline"}), None, json!({"en": "We are back tomorrow"})).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "You are there")).await.unwrap();
    let (first, _) = ann.message("You are there").await;
    ask(&desk, &desk.ann, "PUT", "/v1/desk/online", json!({"online": false})).await;
    for text in ["And now?", "Hello?"] {
        vic.command(&reply(None, text)).await.unwrap();
        ann.message(text).await;
    }
    let all = said(&mut ann, first.conversation).await;
    assert_eq!(all, ["You are there", "And now?", "We are back tomorrow", "Hello?"]);

    // Whoever begins while nobody is there hears that alone, and no welcome.
    answers(&desk, json!({"kind": "first_message"}), None, json!({"en": "We are with you in a moment"})).await;
    let (mut wen, _) = desk.visitor().await;
    wen.command(&reply(None, "Good evening")).await.unwrap();
    wen.message("We are back tomorrow").await;
    ask(&desk, &desk.ann, "PUT", "/v1/desk/online", json!({"online": true})).await;
    wen.command(&reply(None, "Anybody?")).await.unwrap();
    let (second, _) = ann.message("Anybody?").await;
    let all = said(&mut ann, second.conversation).await;
    assert_eq!(all, ["Good evening", "We are back tomorrow", "Anybody?"]);
}

#[tokio::test]
async fn od_44_what_nobody_answers_in_time_the_desk_answers_once_also_after_a_restart_in_the_middle() {
    let desk = TestDesk::start().await;
    let when = json!({"kind": "unanswered", "after_s": 3_000});
    answers(&desk, when, None, json!({"en": "{agent.name|Somebody} will be with you"})).await;
    let (mut vic, token) = desk.visitor().await;
    vic.command(&reply(None, "Vic 1")).await.unwrap();
    let due = "SELECT count(*) FROM auto_answered WHERE due_at IS NOT NULL";
    assert_eq!(desk.database().query_row(due, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    let desk = desk.restarted(an_hour_passes).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut vic = desk.panel(Some(&token), None, None).await;
    vic.welcome().await;
    let answer = "Somebody will be with you";
    if !texts(&vic.snapshot().await).iter().any(|text| text == answer) {
        vic.message(answer).await;
    }
    // Ann answers, Vic asks again and waits as long: the rule has spoken here.
    let first = "SELECT id FROM conversation";
    let chat = ConversationId(desk.database().query_row(first, [], |row| row.get(0)).unwrap());
    ann.command(&reply(Some(chat), "Here I am")).await.unwrap();
    vic.command(&reply(None, "Thanks, one more")).await.unwrap();
    let database = desk.database();
    assert_eq!(database.query_row(due, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "nothing waits any more");
    assert_eq!(said(&mut ann, chat).await, ["Vic 1", answer, "Here I am", "Thanks, one more"]);
}

#[tokio::test]
async fn od_44_whoever_was_answered_in_time_is_not_answered_by_the_desk() {
    let desk = TestDesk::start().await;
    let when = json!({"kind": "unanswered", "after_s": 3_000});
    let rule = answers(&desk, when, None, json!({"en": "Too late"})).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Vic 1")).await.unwrap();
    let (first, _) = ann.message("Vic 1").await;
    ann.command(&reply(Some(first.conversation), "At once")).await.unwrap();
    an_hour_passes(&desk.database());
    // Wen's message wakes the desk up, which then looks at what is due.
    let (mut wen, _) = desk.visitor().await;
    wen.command(&reply(None, "Wen 2")).await.unwrap();
    let database = desk.database();
    let waits = || database.query_row("SELECT count(*) FROM auto_answered", [], |row| row.get::<_, i64>(0)).unwrap();
    while waits() > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(said(&mut ann, first.conversation).await, ["Vic 1", "At once"]);
    // A rule that is gone says nothing, and waits nowhere.
    assert_eq!(ask(&desk, &desk.ann, "DELETE", &format!("/v1/auto-answers/{rule}"), Value::Null).await.0, 204);
    assert_eq!(waits(), 0);
}

#[tokio::test]
async fn od_44_rules_are_listed_changed_and_refused_by_their_field() {
    let desk = TestDesk::start().await;
    let rule = answers(&desk, json!({"kind": "offline"}), None, json!({"ES": "Hola", "en": " "})).await;
    let path = format!("/v1/auto-answers/{rule}");
    let changed = json!({"when": {"kind": "unanswered", "after_s": 60}, "site": desk.site.id, "texts": {"en": "Soon"}, "active": false});
    let mut expected = changed.clone();
    expected["id"] = json!(rule);
    assert_eq!(ask(&desk, &desk.ann, "PUT", &path, changed).await, (200, expected.clone()));
    assert_eq!(ask(&desk, &desk.ann, "GET", "/v1/auto-answers", Value::Null).await, (200, json!([expected])));
    let audit = desk.desk.administer().audit(None, 2).await.unwrap();
    let done: Vec<_> = audit.iter().map(|entry| (entry.action.as_str(), entry.kind.as_str())).collect();
    assert_eq!(done, [("edit", "auto_answer"), ("add", "auto_answer")]);
    let offline = json!({"kind": "offline"});
    for (wrong, field) in [
        (json!({"when": {"kind": "unanswered", "after_s": 0}, "texts": {"en": "x"}}), "when.after_s"),
        (json!({"when": {"kind": "unanswered", "after_s": 86_401}, "texts": {"en": "x"}}), "when.after_s"),
        (json!({"when": offline, "site": 1, "texts": {"en": "x"}}), "site"),
        (json!({"when": offline, "texts": {}}), "texts"),
        (json!({"when": offline, "texts": {"en": "Hi {visitor.shoe}"}}), "texts"),
        (json!({"when": offline, "texts": {"en": "Hi {visitor.name}"}}), "texts"),
        (json!({"when": offline, "texts": {"en": "x".repeat(2_001)}}), "texts"),
    ] {
        let (status, refusal) = ask(&desk, &desk.ann, "POST", "/v1/auto-answers", wrong).await;
        assert_eq!((status, refusal["field"].as_str()), (400, Some(field)), "{refusal}");
    }
}

#[tokio::test]
async fn od_44_of_rules_that_do_not_hold_for_a_visitor_no_words_are_read() {
    let desk = TestDesk::start().await;
    let first = json!({"kind": "first_message"});
    let (_, other) = ask(&desk, &desk.ann, "POST", "/v1/sites", json!({"name": "Outlet"})).await;
    let elsewhere = serde_json::from_value(other["id"].clone()).unwrap();
    let outlets = answers(&desk, first.clone(), Some(elsewhere), json!({"en": "Not here"})).await;
    let off = json!({"when": first, "texts": {"en": "Off"}, "active": false});
    let (_, off) = ask(&desk, &desk.ann, "POST", "/v1/auto-answers", off).await;
    answers(&desk, first, None, json!({"en": "Hello"})).await;
    // Words of another version, which this one could not read.
    let other_version = "UPDATE auto_answer SET texts = '' WHERE id IN (?1, ?2)";
    assert_eq!(desk.database().execute(other_version, [Some(outlets), off["id"].as_i64()]).unwrap(), 2);
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Good morning")).await.unwrap();
    vic.message("Hello").await;
}
