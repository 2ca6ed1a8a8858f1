//! What the log says of a day at the desk, at a level that nobody uses but to look for a fault: nothing of anybody's.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use deskbell_protocol::http::SignedIn;
use deskbell_protocol::*;
use reqwest::Method;
use serde_json::{Value, json};

use crate::crash::{make, program, run};
use crate::desk::*;

/// What is said, shown, chosen or carried in this story. Each stands in no other place.
const WORDS: [&str; 14] = [
    "zanzibar-reply",
    "zanzibar-note",
    "zanzibar-typed",
    "zanzibar-file",
    "zanzibar-bytes",
    "zanzibar-title",
    "zanzibar-path",
    "zanzibar-name",
    "vic@zanzibar.example",
    "0042-zanzibar",
    "zanzibar-wrong-password",
    "zanzibar-field",
    "203.0.113",
    PASSWORD,
];

#[tokio::test(flavor = "multi_thread")]
async fn dk_25_the_log_holds_no_words_addresses_passwords_and_tokens_at_any_level() {
    let directory = tempfile::tempdir().unwrap();
    let (data, log) = (directory.path().join("desk"), directory.path().join("log"));
    let key = make(&data);
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--trusted-proxy", "127.0.0.1/32", "--log-format", "json"];
    let mut process = program();
    process.args(arguments).arg("--data").arg(&data).env("RUST_LOG", "debug");
    process.stdout(Stdio::piped()).stderr(std::fs::File::create(&log).unwrap());
    let mut process = process.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("Listening on http://").unwrap().parse().unwrap();
    let ask = |method: Method, path: &str, token: &str, body: Value| {
        let request =
            http().request(method, format!("http://{address}{path}")).header("x-forwarded-for", "203.0.113.7");
        let request = request.header("authorization", token);
        let request = if body.is_null() { request } else { request.json(&body) };
        async move { request.send().await.unwrap() }
    };

    // Ann mistypes, signs in, and renews.
    let sign_in =
        |password: &str| json!({"email": "ann@desk.example", "password": password, "device": "zanzibar-name"});
    ask(Method::POST, "/v1/session", "", sign_in("zanzibar-wrong-password")).await;
    let first = ask(Method::POST, "/v1/session", "", sign_in(PASSWORD)).await.json::<SignedIn>().await.unwrap();
    let renew = json!({"refresh_token": first.refresh_token});
    let second = ask(Method::POST, "/v1/session/refresh", "", renew).await.json::<SignedIn>().await.unwrap();
    let bearer = format!("Bearer {}", second.access_token);

    // Vic looks at a page, writes, types and sends a file.
    let name = presence();
    let mut page = Client::open_from(address, SHOP, "203.0.113.7").await;
    let seen = PageSeen { title: "zanzibar-title".to_owned(), ..seen("https://shop.example/zanzibar-path") };
    let hello = |part, presence: &str, page| VisitorHello {
        site: key.clone(),
        part,
        token: None,
        presence: Some(presence.to_owned()),
        page,
        language: "en".to_owned(),
        screen: String::new(),
        spoken: None,
        identity: None,
    };
    page.hello(None, Some(hello(VisitorPart::Page, &name, Some(seen)))).await;
    page.welcome().await;
    let mut vic = Client::open(address, None, Some(&format!("http://{address}"))).await;
    vic.hello(None, Some(hello(VisitorPart::Panel, &name, None))).await;
    let token = vic.welcome().await.visitor.unwrap().token.unwrap();
    vic.snapshot().await;
    vic.send_text(r#"{"type":"cmd","client_id":"zanzibar-field"}"#).await;
    let mut ann = Client::agent(address, &second.access_token, None).await.synced().await;
    let path = format!("/v1/uploads?client_id={:032x}&name=zanzibar-file.txt&size=14", rand::random::<u128>());
    let upload = http().post(format!("http://{address}{path}")).header("authorization", format!("Visitor {token}"));
    let upload = upload.header("origin", format!("http://{address}")).body("zanzibar-bytes").send().await.unwrap();
    let file = upload.json::<Upload>().await.unwrap().attachment.unwrap().id;
    let send = |kind, text: &str, conversation, attachments| {
        command(Command::Send {
            conversation,
            kind,
            text: text.to_owned(),
            attachments,
            mentions: Vec::new(),
            article: None,
            choice: None,
        })
    };
    let mut again = Client::open(address, None, Some(&format!("http://{address}"))).await;
    let known = VisitorHello { token: Some(token.clone()), ..hello(VisitorPart::Panel, &name, None) };
    again.hello(None, Some(known)).await;
    again.welcome().await;
    again.snapshot().await;
    again.command(&send(MessageKind::Reply, "zanzibar-reply", None, vec![file])).await.unwrap();
    let (message, _) = ann.message("zanzibar-reply").await;

    // Ann notes, searches, writes down who it is, and asks for what there is not.
    let conversation = Some(message.conversation);
    ann.command(&send(MessageKind::Note, "zanzibar-note", conversation, Vec::new())).await.unwrap();
    ask(Method::GET, "/v1/search?q=zanzibar-typed&limit=zanzibar-field", &bearer, Value::Null).await;
    ask(Method::GET, "/v1/search?q=zanzibar-typed", &bearer, Value::Null).await;
    let mut reader = Client::agent(address, &second.access_token, None).await;
    reader.welcome().await;
    let rows = reader.snapshot().await;
    let contact = rows.iter().find(|row| row.entity == EntityKind::Contact).unwrap().id;
    let edit = Command::EditContact {
        contact: ContactId(contact),
        name: "zanzibar-name".to_owned(),
        email: "vic@zanzibar.example".to_owned(),
        phone: "0042-zanzibar".to_owned(),
        notes: "zanzibar-note".to_owned(),
    };
    ann.command(&command(edit)).await.unwrap();
    ask(Method::PATCH, "/v1/settings", &bearer, json!({"zanzibar-field": "zanzibar-typed"})).await;
    ask(Method::GET, "/v1/person?email=vic@zanzibar.example", &bearer, Value::Null).await;
    ask(Method::GET, &format!("/v1/files/{file}"), &bearer, Value::Null).await;
    ask(Method::GET, "/v1/agents", "Bearer zanzibar-field", Value::Null).await;
    let (done, _, wrong) = run(&["erase", "--data", data.to_str().unwrap(), "--email", "vic@zanzibar.example"], "");
    assert!(done, "{wrong}");
    ask(Method::DELETE, "/v1/session", &bearer, Value::Null).await;
    process.kill().unwrap();
    process.wait().unwrap();

    let log = std::fs::read_to_string(log).unwrap();
    let mut told = 0;
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        told += usize::from(line["fields"]["message"] == "an agent signed in");
    }
    assert_eq!(told, 1, "the log is elsewhere: {log}");
    let secrets =
        [&first.access_token, &first.refresh_token, &second.access_token, &second.refresh_token, &token, &name];
    for secret in WORDS.into_iter().chain(secrets.into_iter().map(String::as_str)) {
        let said: Vec<&str> = log.lines().filter(|line| line.contains(secret)).collect();
        assert!(said.is_empty(), "{secret} is in the log: {said:?}");
    }
}
