//! Visitors of whom a shop's own server signs who they are.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deskbell_protocol::*;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::desk::*;

/// What the shop's server does: it signs with a secret of the desk's.
pub(crate) struct Shop {
    key: String,
    secret: String,
    id: i64,
}

fn signed(header: &Value, claims: &Value, secret: &str) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let words = format!("{}.{}", encode(header), encode(claims));
    let hmac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(&words);
    format!("{words}.{}", URL_SAFE_NO_PAD.encode(hmac.finalize().into_bytes()))
}

fn seconds() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

impl Shop {
    pub(crate) async fn open(desk: &TestDesk) -> Self {
        Self::of(desk, &desk.site).await
    }

    async fn of(desk: &TestDesk, site: &Site) -> Self {
        let path = format!("/v1/sites/{}/identity-secrets", site.id);
        let (status, made) = ask(desk, &desk.ann, "POST", &path, Value::Null).await;
        assert_eq!(status, 201, "{made}");
        let secret = made["secret"].as_str().unwrap().to_owned();
        Self { key: site.key.clone(), secret, id: made["id"].as_i64().unwrap() }
    }

    /// What it signs of a customer, for an hour.
    pub(crate) fn sign(&self, customer: &str) -> String {
        self.sign_with(json!({ "sub": customer }))
    }

    fn sign_with(&self, more: Value) -> String {
        let mut claims = json!({"aud": self.key, "exp": seconds() + 3600});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        signed(&json!({"alg": "HS256", "typ": "JWT"}), &claims, &self.secret)
    }

    /// What it has signed so long ago that it ends in three seconds: a minute after it has expired.
    fn sign_briefly(&self, customer: &str) -> String {
        self.sign_with(json!({"sub": customer, "exp": seconds() - 57}))
    }
}

fn hello(desk: &TestDesk, token: Option<&str>, presence: Option<&str>, identity: Option<&str>) -> VisitorHello {
    let (token, presence) = (token.map(str::to_owned), presence.map(str::to_owned));
    let identity = identity.map(str::to_owned);
    VisitorHello { part: VisitorPart::Panel, page: None, token, presence, identity, ..desk.page_hello("", "") }
}

/// The messenger with what its page says of whoever is there.
pub(crate) async fn panel(desk: &TestDesk, token: Option<&str>, identity: Option<&str>) -> Client {
    greeting(desk, None, hello(desk, token, None, identity)).await
}

async fn greeting(desk: &TestDesk, cursor: Option<Cursor>, hello: VisitorHello) -> Client {
    let mut client = Client::open(desk.address, None, Some(&desk.own_origin())).await;
    client.hello(cursor, Some(hello)).await;
    client
}

/// Lets somebody in: the secret of their browser, and what they are shown.
async fn entered(client: &mut Client) -> (String, Vec<String>) {
    let token = client.welcome().await.visitor.unwrap().token.expect("a secret that was not there before");
    (token, texts(&client.snapshot().await))
}

/// The status and the first frame of a greeting over HTTP.
async fn greeted_over_http(desk: &TestDesk, visitor: VisitorHello) -> Value {
    let body =
        json!({"hello": {"protocol": PROTOCOL, "app": "test", "cursor": null, "visitor": visitor}, "wait_ms": 0});
    let request = http().post(desk.url("/v1/pull")).header("origin", desk.own_origin()).json(&body);
    request.send().await.unwrap().json::<Value>().await.unwrap()["frames"][0].take()
}

/// What a browser's secret opens over HTTP: the statuses of each way.
async fn over_http(desk: &TestDesk, token: &str, file: AttachmentId) -> Vec<(&'static str, u16)> {
    let ask = |method: &str, path: &str| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = http().request(method, desk.url(path)).header("origin", desk.own_origin());
        request.header("authorization", format!("Visitor {token}"))
    };
    let write = serde_json::to_value(ClientFrame::Cmd(reply(None, "It is me"))).unwrap();
    let upload = format!("/v1/uploads?client_id={}&name=note.txt&size=4", client_id().as_str());
    let history = json!([{"request": 1, "conversation": 1, "before": 9, "limit": 9}]);
    let ways = [
        ("read on", ask("POST", "/v1/pull").json(&json!({"cursor": null, "wait_ms": 0}))),
        ("history", ask("POST", "/v1/pull").json(&json!({"cursor": null, "wait_ms": 0, "history": history}))),
        ("write", ask("POST", "/v1/cmd").json(&json!({"frames": [write]}))),
        ("file", ask("GET", &format!("/v1/files/{file}"))),
        ("upload", ask("POST", &upload).body("note")),
    ];
    let mut statuses = Vec::new();
    for (way, request) in ways {
        statuses.push((way, request.send().await.unwrap().status().as_u16()));
    }
    statuses
}

/// The next that an agent hears of a person of the shop's.
async fn verified(ann: &mut Client, customer: &str) -> Contact {
    loop {
        for change in ann.delta().await.changes {
            if let Some(Entity::Contact(contact)) = decode(&change)
                && contact.verified.as_ref().is_some_and(|verified| verified.external_id == customer)
            {
                return contact;
            }
        }
    }
}

async fn sent_away(client: &mut Client) -> ByeCode {
    client.until(|frame| if let ServerFrame::Bye(bye) = frame { Some(bye.code) } else { None }).await
}

#[tokio::test]
async fn od_37_whom_the_shop_vouches_for_is_one_person_on_every_computer_and_agents_see_by_which_number() {
    let desk = TestDesk::start().await;
    let shop = Shop::open(&desk).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let words = json!({"sub": "4711", "name": "Vic", "email": "vic@home.example"});
    let mut laptop = panel(&desk, None, Some(&shop.sign_with(words.clone()))).await;
    let (token, shown) = entered(&mut laptop).await;
    assert!(shown.is_empty());
    laptop.command(&reply(None, "From my laptop")).await.unwrap();
    let vic = verified(&mut ann, "4711").await;
    assert_eq!((vic.name.as_str(), vic.email.as_str()), ("Vic", "vic@home.example"));
    let (first, _) = ann.conversation(|_| true).await;
    assert_eq!(first.contact, vic.id);

    // On the phone, with another token of the same person.
    let mut phone = panel(&desk, None, Some(&shop.sign("4711"))).await;
    let (second, shown) = entered(&mut phone).await;
    assert_eq!(shown, ["From my laptop"]);
    assert_ne!(second, token);
    phone.command(&reply(None, "From my phone")).await.unwrap();
    laptop.message("From my phone").await;

    // The same address of another person says nothing.
    let other = shop.sign_with(json!({"sub": "12", "name": "Vic", "email": "vic@home.example"}));
    let mut other = panel(&desk, None, Some(&other)).await;
    assert!(entered(&mut other).await.1.is_empty());
    assert_ne!(verified(&mut ann, "12").await.id, vic.id);
    // Nor does it without any signature.
    let (mut unknown, _) = desk.visitor().await;
    unknown.command(&reply(None, "I am vic@home.example")).await.unwrap();
    assert_ne!(ann.conversation(|head| head.id != first.id).await.0.contact, vic.id);

    // What an agent wrote stays until the shop says something else than before.
    let edit = |name: &str| {
        let (name, email, phone, notes) = (name.to_owned(), vic.email.clone(), String::new(), String::new());
        command(Command::EditContact { contact: vic.id, name, email, phone, notes })
    };
    ann.command(&edit("Victoria")).await.unwrap();
    panel(&desk, Some(&token), Some(&shop.sign_with(words))).await.welcome().await;
    ann.command(&edit("Victoria")).await.unwrap();
    let words = json!({"sub": "4711", "name": "Vic Teapot", "email": "vic@home.example"});
    panel(&desk, Some(&token), Some(&shop.sign_with(words))).await.welcome().await;
    let mut names = Vec::new();
    while names.last().is_none_or(|name| name != "Vic Teapot") {
        names.push(verified(&mut ann, "4711").await.name);
    }
    names.dedup();
    let expected = ["Vic", "Victoria", "Vic Teapot"];
    assert!(expected.ends_with(&names.iter().map(String::as_str).collect::<Vec<_>>()), "{names:?}");
    assert!(names.len() > 1, "{names:?}");
}

#[tokio::test]
async fn od_37_without_a_proof_nobody_reads_or_writes_as_a_person_of_the_shop_on_any_way() {
    let desk = TestDesk::start().await;
    let shop = Shop::open(&desk).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let name = presence();
    let brief = shop.sign_briefly("4711");
    let mut vic = greeting(&desk, None, hello(&desk, None, Some(&name), Some(&brief))).await;
    let (token, _) = entered(&mut vic).await;
    vic.command(&reply(None, "My order has not come")).await.unwrap();
    let (first, _) = ann.message("My order has not come").await;
    let mut page = desk.page(Some(SHOP), &name, "https://shop.example/").await;
    page.welcome().await;
    let upload = format!("/v1/uploads?client_id={}&name=note.txt&size=4", client_id().as_str());
    let upload = http().post(desk.url(&upload)).header("origin", desk.own_origin());
    let upload = upload.header("authorization", format!("Visitor {token}")).body("note").send().await.unwrap();
    let file = upload.json::<Upload>().await.unwrap().attachment.unwrap().id;
    let open = over_http(&desk, &token, file).await;
    assert!(open.iter().all(|(_, status)| *status < 300), "{open:?}");
    vic.message("It is me").await;

    // A request that waits for news ends with the proof, and so does the socket.
    let cursor = vic.cursor.clone();
    let waiting = http().post(desk.url("/v1/pull")).header("origin", desk.own_origin());
    let waiting = waiting.header("authorization", format!("Visitor {token}"));
    let waiting = waiting.json(&json!({"cursor": cursor, "wait_ms": 25_000})).send();
    let (waited, ended) = tokio::join!(waiting, sent_away(&mut vic));
    assert_eq!(ended, ByeCode::Identity);
    let waited = waited.unwrap().json::<Value>().await.unwrap();
    assert_eq!(waited["frames"].as_array().unwrap().last().unwrap()["code"], "identity", "{waited}");

    // From here on, neither the browser's secret nor the old words of the shop open anything.
    let shut = over_http(&desk, &token, file).await;
    assert!(shut.iter().all(|(_, status)| *status == 401), "{shut:?}");
    assert_eq!(panel(&desk, Some(&token), Some(&brief)).await.bye().await, ByeCode::Identity);
    let told = greeted_over_http(&desk, hello(&desk, Some(&token), None, Some(&brief))).await;
    assert_eq!(told["code"], "identity", "{told}");
    let mut unsigned = greeting(&desk, cursor, hello(&desk, Some(&token), Some(&name), None)).await;
    let (fresh, shown) = entered(&mut unsigned).await;
    assert!(shown.is_empty() && fresh != token, "whoever does not say who they are is somebody unknown: {shown:?}");
    let said = unsigned.command(&reply(Some(first.conversation), "Let me in")).await;
    assert_eq!(said.unwrap_err().code, ErrorCode::NotFound);
    // The badge on the page counts nothing for them either.
    ann.command(&reply(Some(first.conversation), "It is on its way")).await.unwrap();
    assert_eq!(sent_away(&mut page).await, ByeCode::Drain);
    let mut page = desk.page(Some(SHOP), &name, "https://shop.example/").await;
    assert_eq!(page.welcome().await.visitor.unwrap().unread, 0);

    // Proved anew, everything is there again.
    let mut vic = panel(&desk, Some(&token), Some(&shop.sign("4711"))).await;
    assert_eq!(entered(&mut vic).await.1, ["My order has not come", "It is me", "It is on its way"]);
}

#[tokio::test]
async fn od_37_a_token_that_is_not_the_shops_own_opens_nothing_and_the_check_says_why() {
    let desk = TestDesk::start().await;
    let shop = Shop::open(&desk).await;
    let outlet = desk.desk.administer().add_site("Outlet", &[SHOP.to_owned()]).await.unwrap();
    let outlet = Shop::of(&desk, &outlet).await;
    let header = json!({"alg": "HS256", "typ": "JWT"});
    let claims = |exp: Value| json!({"sub": "4711", "aud": shop.key, "exp": exp});
    let good = claims(json!(seconds() + 60));
    let mut vic = panel(&desk, None, Some(&signed(&header, &good, &shop.secret))).await;
    let (token, _) = entered(&mut vic).await;
    vic.command(&reply(None, "Secret")).await.unwrap();
    let unsigned = signed(&json!({"alg": "none"}), &good, "");
    let wrong = [
        ("another secret", signed(&header, &good, "guessed"), "secret"),
        ("another site's secret", signed(&header, &good, &outlet.secret), "secret"),
        ("another site's customer", outlet.sign("4711"), "secret"),
        ("for another site", shop.sign_with(json!({"sub": "4711", "aud": outlet.key})), "aud"),
        ("no algorithm", format!("{}.", unsigned.rsplit_once('.').unwrap().0), "HS256"),
        ("another algorithm", signed(&json!({"alg": "HS512"}), &good, &shop.secret), "HS256"),
        ("the public key of the site", signed(&header, &good, &shop.key), "secret"),
        ("expired", signed(&header, &claims(json!(seconds() - 61)), &shop.secret), "expired"),
        ("without an end", signed(&header, &claims(Value::Null), &shop.secret), "exp"),
        ("far too long", signed(&header, &claims(json!(seconds() + 2 * 24 * 3600)), &shop.secret), "day"),
        ("nobody", shop.sign_with(json!({"sub": ""})), "sub"),
        ("nonsense", "nonsense".to_owned(), "Token"),
    ];
    let check = format!("/v1/sites/{}/identity-check", desk.site.id);
    for (what, wrong, rule) in &wrong {
        assert_eq!(panel(&desk, None, Some(wrong)).await.bye().await, ByeCode::Identity, "{what}");
        // Not even with a secret of somebody who was let in.
        assert_eq!(panel(&desk, Some(&token), Some(wrong)).await.bye().await, ByeCode::Identity, "{what}");
        let told = greeted_over_http(&desk, hello(&desk, None, None, Some(wrong))).await;
        assert_eq!(told["code"], "identity", "{what}: {told}");
        let (status, refusal) = ask(&desk, &desk.ann, "POST", &check, json!({ "token": wrong })).await;
        assert_eq!((status, refusal["field"].as_str()), (400, Some("token")), "{what}: {refusal}");
        assert!(refusal["message"].as_str().unwrap().contains(rule), "{what}: {refusal}");
    }
    let words = json!({"sub": "4711", "name": "Vic"});
    let (status, read) = ask(&desk, &desk.ann, "POST", &check, json!({"token": shop.sign_with(words)})).await;
    assert_eq!((status, &read["external_id"], &read["name"]), (200, &json!("4711"), &json!("Vic")), "{read}");
    assert_eq!(read["secret"], shop.id);

    // Whoever gets hold of a good one is let in until it ends, wherever they are: it is to be kept like a password.
    let good = shop.sign("4711");
    for _ in 0..2 {
        let mut browser = panel(&desk, None, Some(&good)).await;
        assert_eq!(entered(&mut browser).await.1, ["Secret"]);
    }
}

#[tokio::test]
async fn od_37_another_person_in_the_same_browser_sees_nothing_of_the_earlier_one() {
    let desk = TestDesk::start().await;
    let shop = Shop::open(&desk).await;
    let name = presence();
    let mut page = desk.page(Some(SHOP), &name, "https://shop.example/").await;
    page.welcome().await;
    let mut vic = greeting(&desk, None, hello(&desk, None, Some(&name), Some(&shop.sign("vic")))).await;
    let (token, _) = entered(&mut vic).await;
    vic.command(&reply(None, "Of Vic alone")).await.unwrap();
    let cursor = vic.cursor.clone();
    drop(vic);
    // Wen signs in at the shop. Whatever of Vic's the browser still has is brought along.
    let wens = hello(&desk, Some(&token), Some(&name), Some(&shop.sign("wen")));
    let mut wen = greeting(&desk, cursor.clone(), wens).await;
    let (second, shown) = entered(&mut wen).await;
    assert!(shown.is_empty() && second != token, "{shown:?}");
    wen.command(&reply(None, "Of Wen alone")).await.unwrap();
    // Wen signs out: the shop says nothing of anybody any more.
    let mut nobody = greeting(&desk, cursor, hello(&desk, None, Some(&name), None)).await;
    assert!(entered(&mut nobody).await.1.is_empty());
    // Each of them still has their own.
    for (who, expected) in [("vic", "Of Vic alone"), ("wen", "Of Wen alone")] {
        let mut again = panel(&desk, None, Some(&shop.sign(who))).await;
        assert_eq!(entered(&mut again).await.1, [expected]);
    }
}

#[tokio::test]
async fn od_37_what_was_written_just_before_signing_in_goes_along_once_and_its_old_secret_opens_nothing() {
    let desk = TestDesk::start().await;
    let shop = Shop::open(&desk).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut tab, token) = desk.visitor().await;
    tab.command(&reply(None, "Where is my order?")).await.unwrap();
    let (first, _) = ann.message("Where is my order?").await;
    let mut vic = panel(&desk, Some(&token), Some(&shop.sign("4711"))).await;
    let (fresh, shown) = entered(&mut vic).await;
    assert_eq!(shown, ["Where is my order?"]);
    assert_eq!(sent_away(&mut tab).await, ByeCode::Drain, "another tab has not said who it is");
    let mut tab = panel(&desk, Some(&token), None).await;
    assert!(entered(&mut tab).await.1.is_empty());
    assert_ne!(fresh, token);
    vic.command(&reply(None, "It is 4711")).await.unwrap();
    assert_eq!(ann.message("It is 4711").await.0.conversation, first.conversation);

    // Vic writes from the library without signing in, and signs in: Vic is known by now, and whoever wrote there
    // before may have been anybody. It stays what it was.
    let (mut library, token) = desk.visitor().await;
    library.command(&reply(None, "From the library")).await.unwrap();
    let mut vic = panel(&desk, Some(&token), Some(&shop.sign("4711"))).await;
    assert_eq!(entered(&mut vic).await.1, ["Where is my order?", "It is 4711"]);
    library.command(&reply(None, "Still nobody")).await.unwrap();
    let mut library = panel(&desk, Some(&token), None).await;
    library.welcome().await;
    assert_eq!(texts(&library.snapshot().await), ["From the library", "Still nobody"]);

    // Wen is new to the desk, but what was written in this browser was written an hour ago.
    let (mut earlier, token) = desk.visitor().await;
    let said = earlier.command(&reply(None, "An hour ago")).await.unwrap();
    let (asked, _) = ann.message("An hour ago").await;
    assert_eq!(said.id, Some(asked.id.0));
    let database = desk.database();
    let earlier = "UPDATE conversation SET active_at = active_at - 3600000 WHERE id = ?1";
    assert_eq!(database.execute(earlier, [asked.conversation.0]).unwrap(), 1);
    let mut wen = panel(&desk, Some(&token), Some(&shop.sign("wen"))).await;
    assert!(entered(&mut wen).await.1.is_empty());
}

#[tokio::test]
async fn od_37_a_site_that_asks_for_proofs_lets_nobody_else_write_from_the_moment_on() {
    let desk = TestDesk::start().await;
    let shop = Shop::open(&desk).await;
    let (mut unknown, token) = desk.visitor().await;
    unknown.command(&reply(None, "Hello")).await.unwrap();
    let mut vic = panel(&desk, None, Some(&shop.sign("4711"))).await;
    let (vics, _) = entered(&mut vic).await;
    let path = format!("/v1/sites/{}", desk.site.id);
    assert_eq!(ask(&desk, &desk.ben, "PATCH", &path, json!({"signed_only": true})).await.0, 404, "an agent may not");
    let (status, site) = ask(&desk, &desk.ann, "PATCH", &path, json!({"signed_only": true})).await;
    assert_eq!((status, &site["signed_only"]), (200, &json!(true)));
    assert_eq!(sent_away(&mut unknown).await, ByeCode::Drain);
    assert_eq!(panel(&desk, Some(&token), None).await.bye().await, ByeCode::Identity);
    assert_eq!(panel(&desk, None, None).await.bye().await, ByeCode::Identity);
    assert_eq!(greeted_over_http(&desk, hello(&desk, None, None, None)).await["code"], "identity");
    let shut = over_http(&desk, &token, AttachmentId(1)).await;
    assert!(shut.iter().all(|(_, status)| *status == 401), "{shut:?}");
    // Who is on the site is seen all the same.
    desk.page(Some(SHOP), &presence(), "https://shop.example/").await.welcome().await;
    // Vic goes on.
    let mut vic = panel(&desk, Some(&vics), Some(&shop.sign("4711"))).await;
    assert!(vic.welcome().await.visitor.unwrap().token.is_none());
    vic.snapshot().await;
    vic.command(&reply(None, "I may")).await.unwrap();
}

#[tokio::test]
async fn od_37_secrets_are_shown_once_two_count_at_once_and_one_that_is_deleted_proves_nothing() {
    let desk = TestDesk::start().await;
    let path = format!("/v1/sites/{}/identity-secrets", desk.site.id);
    for method in ["GET", "POST"] {
        assert_eq!(ask(&desk, &desk.ben, method, &path, Value::Null).await.0, 404, "an agent may not");
    }
    let old = Shop::open(&desk).await;
    let mut vic = panel(&desk, None, Some(&old.sign("4711"))).await;
    let (token, _) = entered(&mut vic).await;
    let new = Shop::open(&desk).await;
    let (status, refusal) = ask(&desk, &desk.ann, "POST", &path, Value::Null).await;
    assert_eq!((status, &refusal["code"]), (409, &json!("conflict")), "{refusal}");
    let (_, listed) = ask(&desk, &desk.ann, "GET", &path, Value::Null).await;
    let ids: Vec<i64> = listed.as_array().unwrap().iter().map(|secret| secret["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, [old.id, new.id]);
    assert!(!listed.to_string().contains(&old.secret) && !listed.to_string().contains(&new.secret));
    let mut wen = panel(&desk, None, Some(&new.sign("12"))).await;
    entered(&mut wen).await;

    // The shop signs with the new one by now, and the old one goes: with it all that was proved by it.
    let gone = format!("{path}/{}", old.id);
    assert_eq!(ask(&desk, &desk.ben, "DELETE", &gone, Value::Null).await.0, 404);
    assert_eq!(ask(&desk, &desk.ann, "DELETE", &gone, Value::Null).await.0, 204);
    assert_eq!(ask(&desk, &desk.ann, "DELETE", &gone, Value::Null).await.0, 404);
    assert_eq!(sent_away(&mut vic).await, ByeCode::Drain);
    assert_eq!(panel(&desk, Some(&token), Some(&old.sign("4711"))).await.bye().await, ByeCode::Identity);
    let shut = over_http(&desk, &token, AttachmentId(1)).await;
    assert!(shut.iter().all(|(_, status)| *status == 401), "{shut:?}");
    wen.command(&reply(None, "Not me")).await.unwrap();
    entered(&mut panel(&desk, Some(&token), Some(&new.sign("4711"))).await).await;
    let (_, audit) = ask(&desk, &desk.ann, "GET", "/v1/audit", Value::Null).await;
    let audit = audit.to_string();
    assert!(audit.contains("identity secret") && !audit.contains(&new.secret), "{audit}");
}

#[tokio::test]
async fn od_37_whoever_is_merged_into_a_person_of_the_shop_has_to_prove_to_be_them() {
    let desk = TestDesk::start().await;
    let shop = Shop::open(&desk).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut vic = panel(&desk, None, Some(&shop.sign("vic"))).await;
    entered(&mut vic).await;
    vic.command(&reply(None, "One")).await.unwrap();
    let (first, _) = ann.conversation(|_| true).await;
    let mut wen = panel(&desk, None, Some(&shop.sign("wen"))).await;
    entered(&mut wen).await;
    wen.command(&reply(None, "Two")).await.unwrap();
    let (second, _) = ann.conversation(|head| head.id != first.id).await;
    let (mut unknown, token) = desk.visitor().await;
    unknown.command(&reply(None, "Three")).await.unwrap();
    let (third, _) = ann.conversation(|head| head.id != first.id && head.id != second.id).await;

    let merge = |stays: ContactId, gone: ContactId| {
        let (path, body) = (format!("/v1/contacts/{stays}/merge"), json!({ "contact": gone }));
        let (desk, ann) = (&desk, &desk.ann);
        async move { ask(desk, ann, "POST", &path, body).await }
    };
    let (status, refusal) = merge(first.contact, second.contact).await;
    assert_eq!((status, refusal["field"].as_str()), (400, Some("contact")), "two persons of the shop are two");
    let (status, known) = merge(third.contact, first.contact).await;
    assert_eq!((status, &known["verified"]["external_id"]), (200, &json!("vic")), "{known}");
    assert_eq!(sent_away(&mut unknown).await, ByeCode::Drain);
    let mut unknown = panel(&desk, Some(&token), None).await;
    assert!(entered(&mut unknown).await.1.is_empty(), "it is a conversation of Vic's now");
    // Vic is let in as before, to what was proved to be Vic's.
    let mut vic = panel(&desk, None, Some(&shop.sign("vic"))).await;
    assert_eq!(entered(&mut vic).await.1, ["One"]);
}

#[tokio::test]
async fn od_37_the_badge_on_a_page_counts_for_nobody_whom_it_does_not_prove_any_more() {
    let desk = TestDesk::start().await;
    let shop = Shop::open(&desk).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let unread = async |name: &str| {
        let mut page = desk.page(Some(SHOP), name, "https://shop.example/").await;
        page.welcome().await.visitor.unwrap().unread
    };
    let (vics, wens, yets) = (presence(), presence(), presence());
    let mut vic = greeting(&desk, None, hello(&desk, None, Some(&vics), Some(&shop.sign("vic")))).await;
    entered(&mut vic).await;
    vic.command(&reply(None, "From Vic")).await.unwrap();
    let (first, _) = ann.conversation(|_| true).await;
    let mut wen = desk.panel(None, Some(&wens), None).await;
    entered(&mut wen).await;
    wen.command(&reply(None, "From Wen")).await.unwrap();
    let (second, _) = ann.conversation(|head| head.id != first.id).await;
    let mut yet = desk.panel(None, Some(&yets), None).await;
    entered(&mut yet).await;
    yet.command(&reply(None, "From somebody")).await.unwrap();
    let (third, _) = ann.conversation(|head| head.id != first.id && head.id != second.id).await;
    let answer = async |ann: &mut Client| {
        for conversation in [first.id, second.id, third.id] {
            ann.command(&reply(Some(conversation), "An answer")).await.unwrap();
        }
    };
    for client in [vic, wen, yet] {
        drop(client);
    }
    answer(&mut ann).await;
    for name in [&vics, &wens, &yets] {
        assert_eq!(unread(name).await, 1, "whoever it is sees that there is an answer");
    }

    // Wen turns out to be a person of the shop's, who has to prove to be that one.
    let path = format!("/v1/contacts/{}/merge", first.contact);
    let (status, merged) = ask(&desk, &desk.ann, "POST", &path, json!({ "contact": second.contact })).await;
    assert_eq!(status, 200, "{merged}");
    assert_eq!(unread(&wens).await, 0);
    assert_eq!(unread(&vics).await, 1, "what is proved counts on");
    // The secret is deleted that proved who Vic is.
    let path = format!("/v1/sites/{}/identity-secrets/{}", desk.site.id, shop.id);
    assert_eq!(ask(&desk, &desk.ann, "DELETE", &path, Value::Null).await.0, 204);
    assert_eq!(unread(&vics).await, 0);
    assert_eq!(unread(&yets).await, 1);
    // The site asks everybody for a proof.
    let path = format!("/v1/sites/{}", desk.site.id);
    let (status, site) = ask(&desk, &desk.ann, "PATCH", &path, json!({"signed_only": true})).await;
    assert_eq!(status, 200, "{site}");
    assert_eq!(unread(&yets).await, 0);
}

#[tokio::test]
async fn od_37_whoever_signs_in_on_one_browser_shuts_the_others_that_were_made_theirs_by_hand() {
    let desk = TestDesk::start().await;
    let shop = Shop::open(&desk).await;
    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let (mut phone, _) = desk.visitor().await;
    let (mut laptop, token) = desk.visitor().await;
    phone.command(&reply(None, "From a phone")).await.unwrap();
    let (first, _) = ann.conversation(|_| true).await;
    laptop.command(&reply(None, "From a laptop")).await.unwrap();
    let (second, _) = ann.conversation(|head| head.id != first.id).await;
    let path = format!("/v1/contacts/{}/merge", first.contact);
    assert_eq!(ask(&desk, &desk.ann, "POST", &path, json!({ "contact": second.contact })).await.0, 200);

    let mut vic = panel(&desk, Some(&token), Some(&shop.sign("4711"))).await;
    entered(&mut vic).await;
    assert_eq!(sent_away(&mut laptop).await, ByeCode::Drain);
    assert_eq!(sent_away(&mut phone).await, ByeCode::Drain, "the phone has not said who it is");
    vic.command(&reply(None, "It is 4711")).await.unwrap();
}
