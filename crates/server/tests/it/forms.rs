//! What a site asks visitors before their first message.

use deskbell_protocol::*;
use serde_json::{Value, json};

use crate::desk::*;

fn fields() -> Value {
    json!([
        {"id": "name", "kind": "name", "required": true, "label": {}, "choices": []},
        {"id": "email", "kind": "email", "required": false, "label": {}, "choices": []},
        {"id": "order", "kind": "text", "required": false, "label": {"en": "Order number", "es": "Pedido"}, "choices": []},
        {"id": "about", "kind": "choice", "required": false, "label": {"en": "About"}, "choices": [
            {"value": "Tea", "label": {"es": "Té"}}, {"value": "Cups", "label": {}},
        ]},
    ])
}

/// Has the site ask.
async fn asks(desk: &TestDesk, online: Value, offline: Value) {
    let forms = json!({"online": online, "offline": offline});
    let path = format!("/v1/sites/{}/forms", desk.site.id);
    assert_eq!(ask(desk, &desk.ann, "PUT", &path, forms.clone()).await, (200, forms));
}

fn introduces(form: FormKind, answers: &[(&str, &str)], text: &str) -> CommandFrame {
    let answers = answers.iter().map(|(id, answer)| ((*id).to_owned(), (*answer).to_owned())).collect();
    command(Command::Introduce { form, answers, text: text.to_owned(), attachments: Vec::new() })
}

#[tokio::test]
async fn od_40_a_site_asks_before_the_first_message_and_the_answers_reach_the_agents_with_it() {
    let desk = TestDesk::start().await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    // Vic has the messenger open while the admin decides what is asked, in Vic's language.
    let (mut vic, _) = desk.visitor().await;
    asks(&desk, fields(), json!([])).await;
    let asked = vic
        .ephemeral(|it| match it {
            Ephemeral::Agents { forms, .. } if !forms.is_empty() => Some(forms.clone()),
            _ => None,
        })
        .await;
    let shown: Vec<_> = asked.online.iter().map(|field| (field.label.as_str(), field.required)).collect();
    assert_eq!(shown, [("", true), ("", false), ("Pedido", false), ("About", false)]);
    assert_eq!(asked.online[3].choices[0], AskedChoice { value: "Tea".to_owned(), label: "Té".to_owned() });
    // Whoever opens it later is welcomed with it, and the loader is not.
    let mut wen = desk.panel(None, None, None).await;
    assert_eq!(wen.welcome().await.visitor.unwrap().forms, asked);
    let mut page = desk.page(Some(SHOP), &presence(), "https://shop.example/").await;
    assert!(page.welcome().await.visitor.unwrap().forms.is_empty());

    let answers = [("name", "Vic"), ("email", "vic@home.example"), ("order", "7 "), ("about", "Tea")];
    let first = introduces(FormKind::Online, &answers, "Where is my order?");
    let done = vic.command(&first).await.unwrap();
    assert!(vic.command(&first).await.unwrap().duplicate, "a repeat is done once");
    let (said, _) = ann.message("Where is my order?").await;
    assert_eq!((Some(said.id.0), said.number, said.author), (done.id, 2, Author::Visitor));
    let page = ann.history(said.conversation, 2, 5).await;
    let form = page.messages.iter().find_map(as_message).unwrap();
    assert_eq!((form.kind, form.author), (MessageKind::System, Author::Desk));
    let read: Vec<FormAnswer> = serde_json::from_str(form.text.strip_prefix("form:").unwrap()).unwrap();
    let read: Vec<_> = read.iter().map(|it| (it.label.as_str(), it.answer.as_str())).collect();
    assert_eq!(read, [("", "Vic"), ("", "vic@home.example"), ("Pedido", "7"), ("About", "Tea")]);
    let (_, known) = ask(&desk, &desk.ann, "GET", "/v1/person?email=vic@home.example", Value::Null).await;
    assert!(known.to_string().contains("\"Vic\""), "{known}");
}

#[tokio::test]
async fn od_40_an_answer_that_does_not_fit_is_refused_by_its_field_and_nothing_is_begun() {
    let desk = TestDesk::start().await;
    asks(&desk, json!([]), fields()).await;
    let (mut vic, _) = desk.visitor().await;
    for (form, answers, field) in [
        (FormKind::Offline, &[][..], "answers.name"),
        (FormKind::Offline, &[("name", "Vic"), ("email", "home")], "answers.email"),
        (FormKind::Offline, &[("name", "Vic"), ("about", "Coffee")], "answers.about"),
        (FormKind::Online, &[("name", "Vic")], "answers.name"),
    ] {
        let refusal = vic.command(&introduces(form, answers, "Hello?")).await.unwrap_err();
        assert_eq!((refusal.code, refusal.field.as_deref()), (ErrorCode::Invalid, Some(field)), "{refusal:?}");
    }
    let wrong = vic.command(&introduces(FormKind::Offline, &[("name", "Vic")], "")).await.unwrap_err();
    assert_eq!(wrong.field.as_deref(), Some("text"));
    let mut ann = desk.agent(&desk.ann, None).await;
    ann.welcome().await;
    let rows = ann.snapshot().await;
    assert!(!rows.iter().any(|row| row.entity == EntityKind::Conversation), "{rows:?}");
    let agent = ann.command(&introduces(FormKind::Offline, &[("name", "Vic")], "Hello?")).await.unwrap_err();
    assert_eq!(agent.code, ErrorCode::NotFound, "agents do not introduce themselves");
    // A message without answers is worth more than a form.
    vic.command(&reply(None, "Hello?")).await.unwrap();
}

#[tokio::test]
async fn od_40_what_an_agent_wrote_of_a_person_stands_whatever_the_person_says() {
    let desk = TestDesk::start().await;
    asks(&desk, fields(), json!([])).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Hello")).await.unwrap();
    let (chat, _) = ann.conversation(|_| true).await;
    let (contact, name) = (chat.contact, "Victor Hall".to_owned());
    let edit = Command::EditContact { contact, name, email: String::new(), phone: String::new(), notes: String::new() };
    ann.command(&command(edit)).await.unwrap();
    // Another tab of his still showed the form.
    let answers = [("name", "Your boss"), ("email", "vic@home.example")];
    vic.command(&introduces(FormKind::Online, &answers, "And now?")).await.unwrap();
    let path = format!("/v1/person?contact={contact}");
    let (_, known) = ask(&desk, &desk.ann, "GET", &path, Value::Null).await;
    assert_eq!(
        (&known["contact"]["name"], &known["contact"]["email"]),
        (&json!("Victor Hall"), &json!("vic@home.example"))
    );
}

#[tokio::test]
async fn od_40_what_is_asked_outlives_the_server_is_written_down_and_is_the_admins_to_decide() {
    let desk = TestDesk::start().await;
    asks(&desk, fields(), fields()).await;
    let path = format!("/v1/sites/{}/forms", desk.site.id);
    let audit = desk.desk.administer().audit(None, 1).await.unwrap();
    assert_eq!(
        (audit[0].kind.as_str(), audit[0].detail.as_str()),
        ("forms", "online: name email order about; offline: name email order about")
    );
    for method in ["GET", "PUT"] {
        let body = json!({"online": [], "offline": []});
        assert_eq!(ask(&desk, &desk.ben, method, &path, body).await.0, 404);
    }
    let wrong = json!({"online": [{"id": "Shoe size", "kind": "text"}], "offline": []});
    let (status, refusal) = ask(&desk, &desk.ann, "PUT", &path, wrong).await;
    assert_eq!((status, refusal["field"].as_str()), (400, Some("online[0].id")));
    desk.stop.cancel();
    desk.server.await.unwrap();
    drop(desk.desk);
    let settings = deskbell_server::Settings { data: desk.data.path().to_owned(), ..Default::default() };
    let again = deskbell_server::Desk::open(settings).unwrap();
    assert_eq!(json!(again.administer().forms(desk.site.id).await.unwrap().offline), fields());
}
