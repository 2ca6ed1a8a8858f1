//! Webhooks: what an address is told, in which order, and what becomes of it when nobody listens.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use deskbell_protocol::http::{SignedIn, WebhookBody, WebhookEvent};
use deskbell_protocol::*;
use deskbell_server::Settings;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::crash::{make, program, sign_in};
use crate::desk::*;
use crate::identity::{Shop, panel};

/// What an address was told.
#[derive(Clone, Debug)]
struct Heard {
    headers: HashMap<String, String>,
    body: String,
}

impl Heard {
    fn told(&self) -> WebhookBody {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Checks the signature as docs/API.md says it.
    fn is_signed_with(&self, secret: &str) -> bool {
        let mut hmac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        hmac.update(format!("{}.{}", self.headers["deskbell-timestamp"], self.body).as_bytes());
        let digits: String = hmac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        self.headers["deskbell-signature"] == format!("v1={digits}")
    }
}

/// A server of somebody's own that is told what happens. It answers 204, unless the test has other answers first.
#[derive(Clone)]
struct Receiver {
    port: u16,
    heard: watch::Sender<Vec<Heard>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let receiver = Self { port, heard: watch::Sender::default(), answers: Arc::default() };
        #[allow(clippy::disallowed_methods, reason = "this is no route of the desk")]
        let routes = axum::Router::new()
            .route("/hook", post(Self::hear))
            .route("/elsewhere", post(Self::never))
            .with_state(receiver.clone());
        TaskTracker::new().spawn(async move { axum::serve(listener, routes).await.unwrap() });
        receiver
    }

    async fn hear(State(receiver): State<Self>, headers: HeaderMap, body: String) -> Response {
        let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        receiver.heard.send_modify(|heard| heard.push(Heard { headers: headers.collect(), body }));
        let status = receiver.answers.lock().unwrap().pop_front().unwrap_or(204);
        let elsewhere = [(header::LOCATION, "/elsewhere")];
        (StatusCode::from_u16(status).unwrap(), elsewhere, "x".repeat(5_000)).into_response()
    }

    async fn never() -> StatusCode {
        panic!("a redirect was followed");
    }

    fn will_answer(&self, answers: &[u16]) {
        self.answers.lock().unwrap().extend(answers);
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// Waits until it has heard so much.
    async fn heard(&self, count: usize) -> Vec<Heard> {
        self.heard.subscribe().wait_for(|heard| heard.len() >= count).await.unwrap().clone()
    }
}

async fn desk() -> TestDesk {
    TestDesk::start_with(|settings: &mut Settings| settings.webhook_networks = vec!["127.0.0.0/8".parse().unwrap()])
        .await
}

/// Adds a webhook; its id and its secret.
async fn add(address: &str, who: &SignedIn, receiver: &Receiver, events: &[WebhookEvent]) -> (i64, String) {
    let body = json!({"url": receiver.url(), "events": events});
    let (status, added) = ask_at(address, who, "POST", "/v1/webhooks", body).await;
    assert_eq!(status, 201, "{added}");
    (added["webhook"]["id"].as_i64().unwrap(), added["secret"].as_str().unwrap().to_owned())
}

/// What became of a webhook's deliveries, oldest first, once it is so.
async fn deliveries(address: &str, who: &SignedIn, id: i64, are: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    loop {
        let (_, page) = ask_at(address, who, "GET", &format!("/v1/webhooks/{id}/deliveries"), Value::Null).await;
        let mut found = page["deliveries"].as_array().unwrap().clone();
        found.reverse();
        if are(&found) {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

fn is_over(delivery: &Value) -> bool {
    delivery["state"] != "waiting"
}

fn events(heard: &[Heard]) -> Vec<WebhookEvent> {
    heard.iter().map(|heard| heard.told().event).collect()
}

#[tokio::test]
async fn an_address_is_told_in_order_and_signed_and_reads_no_note_that_it_did_not_ask_for() {
    use WebhookEvent::*;
    let desk = desk().await;
    let (shop, team) = (Receiver::start().await, Receiver::start().await);
    let of_shop =
        [ConversationOpened, ConversationClosed, ConversationAssigned, MessageReceived, MessageSent, ContactChanged];
    let address = desk.own_origin();
    let (_, secret) = add(&address, &desk.ann, &shop, &of_shop).await;
    add(&address, &desk.ann, &team, &[NoteWritten]).await;

    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Is it blue?")).await.unwrap();
    let mut ann = desk.agent(&desk.ann, None).await;
    ann.welcome().await;
    let conversation = ann.snapshot().await.iter().find_map(|change| match decode(change) {
        Some(Entity::Conversation(conversation)) => Some(conversation),
        _ => None,
    });
    let Conversation { id, contact, .. } = conversation.unwrap();
    ann.command(&say(Some(id), MessageKind::Note, "He is stingy")).await.unwrap();
    ann.command(&reply(Some(id), "It is")).await.unwrap();
    let among_us = Command::StartInternal {
        agents: vec![desk.ben.agent.id],
        title: "Vic".to_owned(),
        text: "He is stingy".to_owned(),
    };
    ann.command(&command(among_us)).await.unwrap();
    let agent = Some(desk.ben.agent.id);
    ann.command(&command(Command::Assign { conversation: id, agent, team: None, from: None })).await.unwrap();
    for notes in ["stingy indeed", "very stingy"] {
        let (name, email, phone) = ("Vic".to_owned(), String::new(), String::new());
        let edit = Command::EditContact { contact, name, email, phone, notes: notes.to_owned() };
        ann.command(&command(edit)).await.unwrap();
    }
    for state in [ConversationState::Closed, ConversationState::Open] {
        ann.command(&command(Command::SetState { conversation: id, state })).await.unwrap();
    }

    let heard = shop.heard(7).await;
    let expected = [
        ConversationOpened,
        MessageReceived,
        MessageSent,
        ConversationAssigned,
        ContactChanged,
        ConversationClosed,
        ConversationOpened,
    ];
    assert_eq!(events(&heard), expected, "in the order in which it happened; a note about Vic changes nothing to tell");
    for heard in &heard {
        assert!(heard.is_signed_with(&secret) && !heard.is_signed_with("another secret"));
        assert!(!heard.body.contains("stingy"), "{}", heard.body);
        assert_eq!(heard.headers["deskbell-event"], json!(heard.told().event).as_str().unwrap());
    }
    let ids: Vec<i64> = heard.iter().map(|heard| heard.told().id).collect();
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
    assert_eq!(heard[1].told().message.unwrap().text, "Is it blue?");
    assert_eq!(heard[3].told().conversation.unwrap().assignee, agent);
    for (heard, name) in heard.iter().zip(["", "", "", "", "Vic", "Vic", "Vic"]) {
        let told = heard.told().contact;
        assert_eq!((told.id, told.name.as_str(), told.external_id), (contact, name, None), "{}", heard.body);
    }
    let notes = team.heard(1).await;
    assert_eq!((events(&notes), notes[0].told().message.unwrap().text.as_str()), (vec![NoteWritten], "He is stingy"));
}

#[tokio::test]
async fn a_shop_is_told_by_its_own_name_which_customer_writes() {
    let desk = desk().await;
    let (receiver, shop) = (Receiver::start().await, Shop::open(&desk).await);
    add(&desk.own_origin(), &desk.ann, &receiver, &[WebhookEvent::MessageReceived]).await;
    let mut vic = panel(&desk, None, Some(&shop.sign("customer 7"))).await;
    vic.welcome().await;
    vic.command(&reply(None, "Where is my teapot?")).await.unwrap();
    let heard = receiver.heard(1).await;
    assert_eq!(heard[0].told().contact.external_id.as_deref(), Some("customer 7"), "{}", heard[0].body);
}

#[tokio::test]
async fn what_does_not_arrive_is_tried_again_before_anything_else_and_a_redirect_is_no_arrival() {
    let desk = desk().await;
    let receiver = Receiver::start().await;
    receiver.will_answer(&[500, 302]);
    let address = desk.own_origin();
    let (id, _) = add(&address, &desk.ann, &receiver, &[WebhookEvent::MessageReceived]).await;
    let (mut vic, _) = desk.visitor().await;
    for text in ["one", "two"] {
        vic.command(&reply(None, text)).await.unwrap();
    }
    let heard = receiver.heard(4).await;
    let texts: Vec<String> = heard.iter().map(|heard| heard.told().message.unwrap().text).collect();
    assert_eq!(texts, ["one", "one", "one", "two"], "the second waits for the first");
    assert_eq!(heard[0].body, heard[2].body, "the same letter for letter");
    let told = deliveries(&address, &desk.ann, id, |all| all.iter().all(is_over)).await;
    let told: Vec<_> = told.iter().map(|one| (one["state"].clone(), one["attempts"].clone())).collect();
    assert_eq!(told, [(json!("arrived"), json!(3)), (json!("arrived"), json!(1))]);
    let (_, hooks) = ask_at(&address, &desk.ann, "GET", "/v1/webhooks", Value::Null).await;
    assert_eq!((&hooks[0]["waiting"], &hooks[0]["failing_since"]), (&json!(0), &Value::Null));
}

/// Serves a desk that may tell this computer.
fn serve(data: &str) -> (Child, std::net::SocketAddr) {
    let arguments = ["serve", "--data", data, "--listen", "127.0.0.1:0", "--webhook-network", "127.0.0.0/8"];
    let mut process = program().args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (process, line.trim().strip_prefix("Listening on http://").unwrap().parse().unwrap())
}

#[tokio::test]
async fn a_server_that_is_killed_before_anything_arrived_tells_it_when_it_is_back() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("desk");
    let key = make(&data);
    let data = data.to_str().unwrap();
    let receiver = Receiver::start().await;
    receiver.will_answer(&[503]);
    let (mut server, address) = serve(data);
    let ann = sign_in(address).await;
    let (_, secret) = add(&format!("http://{address}"), &ann, &receiver, &[WebhookEvent::MessageReceived]).await;
    let mut vic = Client::open(address, None, Some(&format!("http://{address}"))).await;
    let hello = VisitorHello {
        site: key,
        part: VisitorPart::Panel,
        token: None,
        presence: None,
        page: None,
        language: String::new(),
        screen: String::new(),
        spoken: None,
        identity: None,
    };
    vic.hello(None, Some(hello)).await;
    vic.welcome().await;
    vic.command(&reply(None, "Hello?")).await.unwrap();
    receiver.heard(1).await;
    server.kill().unwrap();
    server.wait().unwrap();

    let (mut server, _) = serve(data);
    let heard = receiver.heard(2).await;
    assert_eq!((&heard[0].body, heard[1].told().message.unwrap().text.as_str()), (&heard[1].body, "Hello?"));
    assert!(heard[1].is_signed_with(&secret));
    server.kill().unwrap();
    server.wait().unwrap();
}

#[tokio::test]
async fn a_secret_is_shown_once_and_renewed_and_a_delivery_is_repeated_by_hand() {
    let desk = desk().await;
    let receiver = Receiver::start().await;
    let address = desk.own_origin();
    let (id, secret) = add(&address, &desk.ann, &receiver, &[WebhookEvent::MessageReceived]).await;
    let (_, hooks) = ask_at(&address, &desk.ann, "GET", "/v1/webhooks", Value::Null).await;
    assert!(!hooks.to_string().contains(&secret));
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Hello?")).await.unwrap();
    assert!(receiver.heard(1).await[0].is_signed_with(&secret));

    let (status, renewed) =
        ask_at(&address, &desk.ann, "POST", &format!("/v1/webhooks/{id}/secret"), Value::Null).await;
    let renewed = renewed["secret"].as_str().unwrap();
    assert!(status == 201 && renewed != secret);
    let told = deliveries(&address, &desk.ann, id, |all| all.iter().all(is_over)).await;
    assert_eq!((&told[0]["status"], told[0]["answer"].as_str().unwrap().len()), (&json!(204), 0));
    let again = format!("/v1/webhooks/{id}/deliveries/{}", told[0]["id"]);
    assert_eq!(ask_at(&address, &desk.ann, "POST", &again, Value::Null).await.0, 202);
    let heard = receiver.heard(2).await;
    assert!(heard[1].is_signed_with(renewed) && !heard[1].is_signed_with(&secret));
    assert_eq!(heard[0].told(), heard[1].told(), "whoever has seen it knows it again");
    assert_ne!(heard[0].headers["deskbell-delivery"], heard[1].headers["deskbell-delivery"]);

    // Off is off, and what went wrong before it is listed.
    let hook = format!("/v1/webhooks/{id}");
    receiver.will_answer(&[404]);
    vic.command(&reply(None, "Anybody?")).await.unwrap();
    receiver.heard(3).await;
    let told = deliveries(&address, &desk.ann, id, |all| all.last().unwrap()["attempts"] == 1).await;
    assert_eq!((&told[2]["state"], &told[2]["status"]), (&json!("waiting"), &json!(404)));
    assert_eq!(told[2]["answer"].as_str().unwrap().len(), 1_024, "of a long answer, the beginning");
    let (_, off) = ask_at(&address, &desk.ann, "PATCH", &hook, json!({"active": false})).await;
    assert_eq!((&off["active"], &off["waiting"]), (&json!(false), &json!(0)));
    assert_eq!(ask_at(&address, &desk.ann, "POST", &again, Value::Null).await.0, 409);
    let told = deliveries(&address, &desk.ann, id, |_| true).await;
    assert_eq!(told[2]["state"], "given_up");
    assert_eq!(ask_at(&address, &desk.ann, "DELETE", &hook, Value::Null).await.0, 204);
    assert_eq!(ask_at(&address, &desk.ann, "DELETE", &hook, Value::Null).await.0, 404);
    let (_, audit) = ask_at(&address, &desk.ann, "GET", "/v1/audit?limit=4", Value::Null).await;
    let actions = audit["entries"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap());
    assert_eq!(actions.collect::<Vec<_>>(), ["delete", "edit", "renew secret", "add"]);
    assert!(!audit.to_string().contains(&secret) && !audit.to_string().contains("/hook"), "{audit}");
}

#[tokio::test]
async fn an_address_at_which_nothing_arrives_for_three_days_is_switched_off_and_erasing_takes_what_waits() {
    let desk = desk().await;
    let receiver = Receiver::start().await;
    let address = desk.own_origin();
    let (id, _) = add(&address, &desk.ann, &receiver, &[WebhookEvent::MessageReceived]).await;
    receiver.will_answer(&[500; 20]);
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Hello?")).await.unwrap();
    deliveries(&address, &desk.ann, id, |all| all.iter().any(|one| one["attempts"] == 1)).await;
    // Days pass in the database alone.
    let database = desk.database();
    database.execute("UPDATE webhook SET failing_since = failing_since - 4 * 24 * 60 * 60 * 1000", []).unwrap();
    deliveries(&address, &desk.ann, id, |all| all.iter().all(is_over)).await;
    let (_, hooks) = ask_at(&address, &desk.ann, "GET", "/v1/webhooks", Value::Null).await;
    assert_eq!(hooks[0]["active"], false);
    let (_, audit) = ask_at(&address, &desk.ann, "GET", "/v1/audit?limit=1", Value::Null).await;
    let entry = &audit["entries"][0];
    assert_eq!((&entry["actor_name"], &entry["action"]), (&json!("desk"), &json!("switch off")));
    vic.command(&reply(None, "Nobody is told of this")).await.unwrap();
    assert_eq!(deliveries(&address, &desk.ann, id, |_| true).await.len(), 1);

    let on = ask_at(&address, &desk.ann, "PATCH", &format!("/v1/webhooks/{id}"), json!({"active": true})).await;
    assert_eq!(on.0, 200, "{}", on.1);
    vic.command(&reply(None, "Is anybody there now?")).await.unwrap();
    deliveries(&address, &desk.ann, id, |all| all.iter().any(|one| !is_over(one))).await;
    let contact: i64 =
        database.query_row("SELECT contact FROM webhook_delivery LIMIT 1", [], |row| row.get(0)).unwrap();
    let erased = ask_at(&address, &desk.ann, "DELETE", &format!("/v1/person?contact={contact}"), Value::Null).await;
    assert_eq!(erased.0, 200, "{}", erased.1);
    assert!(deliveries(&address, &desk.ann, id, |_| true).await.is_empty(), "what was told of a person is theirs");
    let (_, hooks) = ask_at(&address, &desk.ann, "GET", "/v1/webhooks", Value::Null).await;
    assert_eq!((&hooks[0]["active"], &hooks[0]["waiting"]), (&json!(true), &json!(0)));
}

#[tokio::test]
async fn only_addresses_of_the_internet_are_taken_unless_the_owner_opened_others() {
    let (open, closed) = (desk().await, TestDesk::start().await);
    let rule = async |desk: &TestDesk, url: &str, events: Value| {
        let body = json!({"url": url, "events": events});
        let (status, answer) = ask_at(&desk.own_origin(), &desk.ann, "POST", "/v1/webhooks", body).await;
        (status, answer["field"].as_str().unwrap_or_default().to_owned())
    };
    let events = json!(["message_received"]);
    assert_eq!(rule(&open, "http://127.0.0.1:1/", events.clone()).await.0, 201);
    for url in ["http://127.0.0.1:1/", "https://127.0.0.1/", "https://169.254.169.254/", "http://hook.invalid/", "no"] {
        assert_eq!(rule(&closed, url, events.clone()).await, (400, "url".to_owned()), "{url}");
    }
    assert_eq!(rule(&closed, "https://hook.invalid/", json!([])).await, (400, "events".to_owned()));
    assert_eq!(rule(&closed, "https://hook.invalid/", json!(["passwords"])).await.0, 400);
    assert_eq!(rule(&closed, "https://hook.invalid/", events).await.0, 201);
}

#[tokio::test]
async fn what_the_desk_gives_by_rule_is_told_at_once() {
    let desk = desk().await;
    let settings = json!({"assignment": {"rule": "round_robin", "capacity": 5, "back_after_s": 0}});
    assert_eq!(ask(&desk, &desk.ann, "PATCH", "/v1/settings", settings).await.0, 200);
    let receiver = Receiver::start().await;
    let (id, _) = add(
        &desk.own_origin(),
        &desk.ann,
        &receiver,
        &[WebhookEvent::MessageReceived, WebhookEvent::ConversationAssigned],
    )
    .await;
    let (mut vic, _) = desk.visitor().await;
    vic.command(&reply(None, "Anybody there?")).await.unwrap();
    // Nobody is: it waits, and nothing else is to be told.
    deliveries(&desk.own_origin(), &desk.ann, id, |all| all.len() == 1 && all.iter().all(is_over)).await;
    let _bens = desk.agent(&desk.ben, None).await.synced().await;
    let heard = tokio::time::timeout(Duration::from_secs(10), receiver.heard(2)).await;
    let heard = heard.expect("it should not wait until webhooks are looked at anyway");
    assert_eq!(heard[1].told().conversation.unwrap().assignee, Some(desk.ben.agent.id));
}
