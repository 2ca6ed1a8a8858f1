//! Agents search all of the desk.

use deskbell_protocol::http::{FoundKind, FoundMessages};
use deskbell_protocol::*;

use crate::desk::*;

async fn ask(desk: &TestDesk, authorization: &str, query: &[(&str, &str)]) -> reqwest::Response {
    let request = http().get(desk.url("/v1/search")).query(query);
    request.header("authorization", authorization).send().await.unwrap()
}

async fn numbers(desk: &TestDesk, typed: &str) -> Vec<Number> {
    let answer = ask(desk, &format!("Bearer {}", desk.ann.access_token), &[("q", typed)]).await;
    assert_eq!(answer.status(), 200, "{typed}");
    let found: FoundMessages = answer.json().await.unwrap();
    found.messages.iter().map(|message| message.number).collect()
}

#[tokio::test]
async fn od_16_an_agent_searches_messages_notes_and_names_of_files_of_the_whole_desk() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "¿Dónde está mi té verde? https://shop.example/tea")).await.unwrap();
    let (message, _) = ann.message("¿Dónde está mi té verde? https://shop.example/tea").await;
    let chat = message.conversation;
    ann.command(&say(Some(chat), MessageKind::Note, "He means the green tea, чёрный чай нет")).await.unwrap();
    ann.command(&reply(Some(chat), "Your tea is on its way")).await.unwrap();
    let mut ben = desk.agent(&desk.ben, None).await;
    ben.welcome().await;
    let rows = ben.snapshot().await;
    let conversation = rows
        .iter()
        .find_map(|row| match decode(row) {
            Some(Entity::Conversation(conversation)) => Some(conversation),
            _ => None,
        })
        .unwrap();
    let edit = Command::EditContact {
        contact: conversation.contact,
        name: "Víctor".into(),
        email: String::new(),
        phone: String::new(),
        notes: String::new(),
    };
    ann.command(&command(edit)).await.unwrap();

    let of = |text: &'static str| {
        let desk = &desk;
        async move {
            let answer = ask(desk, &format!("Bearer {}", desk.ben.access_token), &[("q", text), ("limit", "5")]).await;
            let found: FoundMessages = answer.json().await.unwrap();
            found.messages
        }
    };
    let note = of("\"черный чаи\"").await.remove(0);
    assert_eq!((note.kind, note.conversation, note.name.as_str()), (FoundKind::Note, chat, "Víctor"));
    assert_eq!(note.snippet, ["He means the green tea, ", "чёрный чай", " нет"]);
    let (first, second, third) = (message.number, note.number, of("way").await.remove(0).number);
    for (typed, expected) in [
        ("tea", vec![third, second, first]),
        ("donde te verde", vec![first]),
        ("tea from:visitor", vec![first]),
        ("tea from:me", vec![third, second]),
        ("tea from:victor", vec![first]),
        ("tea from:ann to:visitor", vec![third]),
        ("tea from:ben", vec![]),
        ("tea in:notes", vec![second]),
        ("tea in:closed", vec![]),
        ("has:link", vec![first]),
        ("tea after:2020", vec![third, second, first]),
        ("tea before:2020-05-01", vec![]),
        ("\" OR NEAR( * ) facets:note --", vec![]),
        ("", vec![]),
    ] {
        assert_eq!(numbers(&desk, typed).await, expected, "{typed}");
    }
    let bearer = format!("Bearer {}", desk.ann.access_token);
    let one: FoundMessages = ask(&desk, &bearer, &[("q", "tea"), ("limit", "1")]).await.json().await.unwrap();
    assert_eq!(one.messages.iter().map(|message| message.number).collect::<Vec<_>>(), [third]);
    let later = (message.created_at + 86_400_000).to_string();
    let none: FoundMessages = ask(&desk, &bearer, &[("q", "tea"), ("after", &later)]).await.json().await.unwrap();
    assert!(none.messages.is_empty(), "the agent's own day counts");
    assert_eq!(ask(&desk, &bearer, &[("q", &"a".repeat(FIELD_MAX + 1))]).await.status(), 400);
}

#[tokio::test]
async fn od_16_pages_lead_to_the_messages_of_those_who_saw_them() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let presence = presence();
    let mut page = desk.page(Some(SHOP), &presence, "https://shop.example/checkout").await;
    page.welcome().await;
    let mut panel = desk.panel(None, Some(&presence), None).await.synced().await;
    panel.command(&reply(None, "I cannot pay")).await.unwrap();
    ann.message("I cannot pay").await;
    assert_eq!(numbers(&desk, "page:checkout").await.len(), 1);
    assert_eq!(numbers(&desk, "pay page:shop.example/checkout").await.len(), 1);
    assert!(numbers(&desk, "pay page:returns").await.is_empty());
}

#[tokio::test]
async fn od_16_dk_25_nobody_but_an_agent_searches() {
    let desk = TestDesk::start().await;
    let (mut vic, token) = desk.visitor().await;
    vic.command(&reply(None, "Hola")).await.unwrap();
    let answer = ask(&desk, &format!("Visitor {token}"), &[("q", "hola")]).await;
    assert_eq!(answer.status(), 404);
    let nowhere: Refusal = http().get(desk.url("/v1/nowhere")).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer.json::<Refusal>().await.unwrap(), nowhere, "to a visitor there is no such address");
    assert_eq!(ask(&desk, "Bearer nonsense", &[("q", "hola")]).await.status(), 401);
    assert_eq!(http().get(desk.url("/v1/search?q=hola")).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn od_16_the_desk_finds_what_is_said_in_labelled_and_in_snoozed_chats() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut chats = Vec::new();
    for text in ["Where is my tea?", "Where is my coffee?"] {
        let (mut visitor, _) = desk.visitor().await;
        visitor.command(&reply(None, text)).await.unwrap();
        visitor.command(&reply(None, "Hello?")).await.unwrap();
        chats.push(ann.message(text).await.0.conversation);
    }
    let add = vec!["Needs  a Refund".to_owned(), "VIP".to_owned()];
    let change = Command::ChangeLabels { conversation: chats[0], add, remove: Vec::new() };
    ann.command(&command(change)).await.unwrap();
    let snooze = Command::Snooze { conversation: chats[1], until: None };
    ann.command(&command(snooze)).await.unwrap();
    assert_eq!(numbers(&desk, "tag:\"needs a refund\" tea").await, [1]);
    assert_eq!(numbers(&desk, "tag:vip tag:nee").await, [2, 1]);
    assert_eq!(numbers(&desk, "tag:vip coffee").await, [] as [Number; 0]);
    assert_eq!(numbers(&desk, "tag:vip tag:other").await, [] as [Number; 0]);
    assert_eq!(numbers(&desk, "in:snoozed where").await, [1]);
}

#[tokio::test]
async fn od_16_what_was_just_said_is_found_as_it_reads_now() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Where is my tea?")).await.unwrap();
    let chat = ann.message("Where is my tea?").await.0.conversation;
    // More than is made findable at once.
    for number in 0..80 {
        ann.command(&say(Some(chat), MessageKind::Note, &format!("jasmine{number}"))).await.unwrap();
    }
    let all: Vec<Number> = (2..=81).rev().collect();
    assert_eq!(numbers(&desk, "jasmine").await, all);

    let told = ann.command(&say(Some(chat), MessageKind::Note, "He wants oolong")).await.unwrap();
    let (message, number) = (MessageId(told.id.unwrap()), told.number.unwrap());
    let edit = |text: &str| Command::EditMessage { conversation: chat, message, text: text.to_owned() };
    // Changed before it is in the index, and after that.
    for (says, no_more) in [("He wants sencha", "oolong"), ("He wants matcha", "sencha")] {
        ann.command(&command(edit(says))).await.unwrap();
        let word = says.split(' ').next_back().unwrap();
        assert_eq!(numbers(&desk, word).await, [number]);
        assert_eq!(numbers(&desk, no_more).await, [] as [Number; 0]);
    }
    ann.command(&command(Command::DeleteMessage { conversation: chat, message })).await.unwrap();
    assert_eq!(numbers(&desk, "matcha").await, [] as [Number; 0]);
}

#[tokio::test]
async fn od_16_what_is_said_becomes_findable_though_nobody_searches() {
    let desk = TestDesk::start().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Where is my tea?")).await.unwrap();
    desk.until_counted("SELECT count(*) FROM message_words WHERE message_words MATCH 'tea'", 1).await;
}
