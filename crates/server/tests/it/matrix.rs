//! The table of rights against a real server: every declared route and every command, asked for by everybody, of what
//! is their own and of what is not. A route or a command that has no way to be asked for fails here by its name.

use std::collections::BTreeMap;

use deskbell_protocol::http::SignedIn;
use deskbell_protocol::*;
use deskbell_server::{Action, Reach, Standing};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::desk::*;

/// Whose the thing is that somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// One's own.
    Own,
    /// A colleague's, or a customer's of a site that one sees.
    Seen,
    /// Of a site that one does not see, or another visitor's.
    Foreign,
}

/// What kind of thing is asked for; it decides whose there can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    /// The desk as a whole.
    Desk,
    /// What is not there, such as a messenger that nobody has built: whoever may ask is told so by its name.
    Absent,
    /// A session of one's own, which is spent.
    Session,
    /// Commands over HTTP, which need somebody to be done for.
    Commands,
    /// An agent's account and a device of it.
    Account,
    /// An agent's own prepared text.
    Text,
    /// A ticket about a customer.
    Item,
    /// An article for the visitors of a site.
    Article,
    /// A conversation, its visitor and their contact.
    Customer,
    /// A person who is there for one request.
    Person,
    /// A message.
    Message,
    /// A file that was sent.
    File,
    /// A file on its way, which is nobody's but its sender's, whatever their role.
    Upload,
}

impl Of {
    fn cases(self, standing: Standing) -> &'static [Whose] {
        use Whose::*;
        match (self, standing) {
            (Self::Desk | Self::Person | Self::Absent | Self::Session | Self::Commands, _) => &[Own],
            (Self::Account | Self::Text | Self::Upload, _)
            | (Self::File | Self::Customer | Self::Article, Standing::Visitor) => &[Own, Foreign],
            (Self::Customer | Self::Item | Self::Article, _) => &[Seen, Foreign],
            (Self::Message, Standing::Visitor) => &[Seen, Foreign],
            (Self::Message | Self::File, _) => &[Own, Seen, Foreign],
        }
    }

    /// What the table says.
    fn allowed(self, reach: Reach, standing: Standing, whose: Whose) -> bool {
        match reach {
            Reach::Never => false,
            _ if self == Self::Upload => whose == Whose::Own,
            _ if self == Self::Commands => standing != Standing::Nobody,
            Reach::Own => whose == Whose::Own,
            Reach::Seen => whose != Whose::Foreign,
            Reach::Always => true,
        }
    }
}

/// A visitor of a site, with what they left there.
struct Customer {
    token: String,
    visitor: VisitorId,
    contact: ContactId,
    conversation: ConversationId,
    site: SiteId,
    file: AttachmentId,
}

/// One of those who ask.
struct Asker {
    standing: Standing,
    /// The `Authorization` header.
    authorization: Option<String>,
    session: Option<SignedIn>,
}

/// What one request is about.
struct Things<'w> {
    world: &'w World,
    method: Method,
    authorization: Option<String>,
    customer: &'w Customer,
    person: ContactId,
    agent: AgentId,
    /// Who asks; 0 when that is no agent.
    asker: AgentId,
    device: i64,
    text: CannedTextId,
    item: ItemId,
    article: ArticleId,
    message: MessageId,
    file: AttachmentId,
    upload: ClientId,
    refresh_token: String,
}

impl Things<'_> {
    fn at(&self, path: impl AsRef<str>) -> RequestBuilder {
        let request = self.world.http.request(self.method.clone(), self.world.desk.url(path.as_ref()));
        self.world.signed(request, self.authorization.as_deref())
    }

    fn with(&self, path: impl AsRef<str>, body: Value) -> RequestBuilder {
        self.at(path).json(&body)
    }

    fn hello(&self) -> Value {
        let site = &self.world.desk.site.key;
        let visitor = json!({"site": site, "part": "panel", "token": null, "presence": null, "page": null,
            "language": "en", "screen": ""});
        json!({"protocol": PROTOCOL, "app": "test", "cursor": null, "visitor": visitor})
    }
}

type Way<T> = (&'static str, Of, fn(&Things<'_>) -> T);

/// How each route is asked for.
const ROUTES: &[Way<RequestBuilder>] = &[
    ("GET /healthz", Of::Desk, |it| it.at("/healthz")),
    ("GET /readyz", Of::Desk, |it| it.at("/readyz")),
    ("GET /v1/info", Of::Desk, |it| it.at("/v1/info")),
    ("GET /v1/openapi.json", Of::Desk, |it| it.at("/v1/openapi.json")),
    ("POST /v1/session", Of::Desk, |it| {
        it.with("/v1/session", json!({"email": "ann@desk.example", "password": PASSWORD, "device": "phone"}))
    }),
    ("DELETE /v1/session", Of::Session, |it| it.at("/v1/session")),
    ("POST /v1/session/refresh", Of::Session, |it| {
        it.with("/v1/session/refresh", json!({"refresh_token": it.refresh_token}))
    }),
    ("GET /v1/socket", Of::Desk, |it| {
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        let request = it.at("/v1/socket").header("connection", "Upgrade").header("upgrade", "websocket");
        request.header("sec-websocket-version", "13").header("sec-websocket-key", key)
    }),
    ("POST /v1/pull", Of::Desk, |it| {
        let greeted = it.authorization.as_ref().is_some_and(|token| token.starts_with("Visitor"));
        let hello = if greeted { Value::Null } else { it.hello() };
        it.with("/v1/pull", json!({"hello": hello, "wait_ms": 0}))
    }),
    ("POST /v1/cmd", Of::Commands, |it| it.with("/v1/cmd", json!({"frames": []}))),
    ("POST /v1/conversations/bulk", Of::Desk, |it| {
        let body = json!({"conversations": [], "deed": {"kind": "set_state", "state": "open"}});
        it.with("/v1/conversations/bulk", body)
    }),
    ("POST /v1/uploads", Of::Desk, |it| {
        it.at(format!("/v1/uploads?client_id={}&name=tea.txt&size=3", client_id().as_str())).body("tea")
    }),
    ("GET /v1/uploads/{client_id}", Of::Upload, |it| it.at(format!("/v1/uploads/{}", it.upload.as_str()))),
    ("PATCH /v1/uploads/{client_id}", Of::Upload, |it| {
        it.at(format!("/v1/uploads/{}", it.upload.as_str())).header(UPLOAD_OFFSET, 0).body("tea")
    }),
    ("DELETE /v1/uploads/{client_id}", Of::Upload, |it| it.at(format!("/v1/uploads/{}", it.upload.as_str()))),
    ("GET /v1/files/{id}", Of::File, |it| it.at(format!("/v1/files/{}", it.file))),
    ("GET /v1/search", Of::Desk, |it| it.at("/v1/search?q=tea")),
    ("GET /v1/messages/{id}/versions", Of::Message, |it| it.at(format!("/v1/messages/{}/versions", it.message))),
    ("GET /v1/agents", Of::Desk, |it| it.at("/v1/agents")),
    ("POST /v1/agents", Of::Desk, |it| {
        let email = format!("{}@desk.example", client_id().as_str());
        it.with("/v1/agents", json!({"name": "New", "email": email, "password": PASSWORD, "role": "agent"}))
    }),
    ("PATCH /v1/agents/{id}", Of::Desk, |it| {
        it.with(format!("/v1/agents/{}", it.world.ned.agent.id), json!({"name": client_id().as_str()}))
    }),
    ("GET /v1/agents/{id}/devices", Of::Account, |it| it.at(format!("/v1/agents/{}/devices", it.agent))),
    ("DELETE /v1/agents/{id}/devices", Of::Account, |it| it.at(format!("/v1/agents/{}/devices", it.agent))),
    ("DELETE /v1/agents/{id}/devices/{device}", Of::Account, |it| {
        it.at(format!("/v1/agents/{}/devices/{}", it.agent, it.device))
    }),
    ("DELETE /v1/agents/{id}/second-factor", Of::Absent, |it| {
        it.at(format!("/v1/agents/{}/second-factor", it.world.ned.agent.id))
    }),
    ("POST /v1/agents/{id}/password-link", Of::Desk, |it| {
        it.at(format!("/v1/agents/{}/password-link", it.world.ned.agent.id))
    }),
    ("GET /v1/invitations", Of::Desk, |it| it.at("/v1/invitations")),
    ("POST /v1/invitations", Of::Desk, |it| {
        let email = format!("{}@desk.example", client_id().as_str());
        it.with("/v1/invitations", json!({"email": email, "role": "agent"}))
    }),
    ("DELETE /v1/invitations/{id}", Of::Absent, |it| it.at("/v1/invitations/1")),
    ("POST /v1/links/look", Of::Absent, |it| it.with("/v1/links/look", json!({"token": ""}))),
    ("POST /v1/links/use", Of::Absent, |it| it.with("/v1/links/use", json!({"token": "", "password": PASSWORD}))),
    ("POST /v1/provider/begin", Of::Absent, |it| it.with("/v1/provider/begin", json!({}))),
    ("GET /v1/provider/callback", Of::Absent, |it| it.at("/v1/provider/callback")),
    ("POST /v1/provider/look", Of::Absent, |it| it.with("/v1/provider/look", json!({}))),
    ("POST /v1/provider/decide", Of::Absent, |it| it.with("/v1/provider/decide", json!({}))),
    ("POST /v1/provider/finish", Of::Absent, |it| it.with("/v1/provider/finish", json!({}))),
    ("PUT /v1/availability", Of::Desk, |it| it.with("/v1/availability", json!({"away": false}))),
    ("PUT /v1/password", Of::Desk, |it| it.with("/v1/password", json!({"old": PASSWORD, "new": PASSWORD}))),
    ("GET /v1/second-factor", Of::Desk, |it| it.at("/v1/second-factor")),
    ("POST /v1/second-factor", Of::Desk, |it| it.with("/v1/second-factor", json!({"password": PASSWORD}))),
    ("POST /v1/second-factor/confirm", Of::Absent, |it| it.with("/v1/second-factor/confirm", json!({"code": ""}))),
    ("POST /v1/second-factor/recovery-codes", Of::Absent, |it| {
        it.with("/v1/second-factor/recovery-codes", json!({"password": PASSWORD, "code": ""}))
    }),
    ("POST /v1/second-factor/off", Of::Absent, |it| {
        it.with("/v1/second-factor/off", json!({"password": PASSWORD, "code": ""}))
    }),
    ("GET /v1/teams", Of::Desk, |it| it.at("/v1/teams")),
    ("POST /v1/teams", Of::Desk, |it| it.with("/v1/teams", json!({"name": "Tea"}))),
    ("PATCH /v1/teams/{id}", Of::Desk, |it| {
        it.with(format!("/v1/teams/{}", it.world.team), json!({"name": client_id().as_str()}))
    }),
    ("GET /v1/canned-texts", Of::Desk, |it| it.at("/v1/canned-texts")),
    ("POST /v1/canned-texts", Of::Text, |it| {
        let owner = TextOwner::Agent { agent: it.agent };
        let shortcut = client_id().as_str().to_owned();
        it.with("/v1/canned-texts", json!({"owner": owner, "shortcut": shortcut, "title": "Tea", "text": "Tea?"}))
    }),
    ("PATCH /v1/canned-texts/{id}", Of::Text, |it| {
        it.with(format!("/v1/canned-texts/{}", it.text), json!({"title": client_id().as_str()}))
    }),
    ("DELETE /v1/canned-texts/{id}", Of::Text, |it| it.at(format!("/v1/canned-texts/{}", it.text))),
    ("GET /v1/articles", Of::Desk, |it| it.at("/v1/articles")),
    ("POST /v1/articles", Of::Desk, |it| {
        it.with("/v1/articles", json!({"texts": {"en": {"title": "Tea", "body": "Tea?"}}}))
    }),
    ("GET /v1/articles/{id}", Of::Article, |it| it.at(format!("/v1/articles/{}", it.article))),
    ("PATCH /v1/articles/{id}", Of::Article, |it| {
        it.with(format!("/v1/articles/{}", it.article), json!({"published": false}))
    }),
    ("DELETE /v1/articles/{id}", Of::Article, |it| it.at(format!("/v1/articles/{}", it.article))),
    ("GET /v1/articles/{id}/text", Of::Article, |it| it.at(format!("/v1/articles/{}/text", it.article))),
    ("GET /v1/items", Of::Desk, |it| it.at("/v1/items")),
    ("POST /v1/items", Of::Customer, |it| {
        it.with("/v1/items", json!({"kind": "task", "title": "Tea", "conversation": it.customer.conversation}))
    }),
    ("GET /v1/items/{id}", Of::Item, |it| it.at(format!("/v1/items/{}", it.item))),
    ("PATCH /v1/items/{id}", Of::Item, |it| it.with(format!("/v1/items/{}", it.item), json!({"state": "closed"}))),
    ("PUT /v1/items/{id}/conversations/{conversation}", Of::Item, |it| {
        it.at(format!("/v1/items/{}/conversations/{}", it.item, it.customer.conversation))
    }),
    ("DELETE /v1/items/{id}/conversations/{conversation}", Of::Item, |it| {
        it.at(format!("/v1/items/{}/conversations/{}", it.item, it.customer.conversation))
    }),
    ("PUT /v1/items/{id}/followers/{agent}", Of::Item, |it| {
        it.at(format!("/v1/items/{}/followers/{}", it.item, it.asker))
    }),
    ("DELETE /v1/items/{id}/followers/{agent}", Of::Item, |it| {
        it.at(format!("/v1/items/{}/followers/{}", it.item, it.asker))
    }),
    ("GET /v1/conversations/{id}/ticket", Of::Customer, |it| {
        it.at(format!("/v1/conversations/{}/ticket", it.customer.conversation))
    }),
    ("GET /v1/sites", Of::Desk, |it| it.at("/v1/sites")),
    ("POST /v1/sites", Of::Desk, |it| it.with("/v1/sites", json!({"name": "Tea", "members_only": true}))),
    ("PATCH /v1/sites/{id}", Of::Desk, |it| {
        it.with(format!("/v1/sites/{}", it.world.desk.site.id), json!({"name": client_id().as_str()}))
    }),
    ("POST /v1/contacts/{id}/merge", Of::Customer, |it| {
        let person = it.customer.contact;
        it.with(format!("/v1/contacts/{person}/merge"), json!({ "contact": person }))
    }),
    ("GET /v1/blocks", Of::Desk, |it| it.at("/v1/blocks")),
    ("POST /v1/blocks", Of::Desk, |it| {
        it.with("/v1/blocks", json!({"blocked": {"kind": "network", "network": "203.0.113.0/24"}}))
    }),
    ("DELETE /v1/blocks/{id}", Of::Absent, |it| it.at("/v1/blocks/1")),
    ("GET /v1/desk/online", Of::Desk, |it| it.at("/v1/desk/online")),
    ("PUT /v1/desk/online", Of::Desk, |it| it.with("/v1/desk/online", json!({"online": true}))),
    ("GET /v1/hours", Of::Desk, |it| it.at("/v1/hours")),
    ("PUT /v1/hours", Of::Desk, |it| it.with("/v1/hours", json!({"hours": null}))),
    ("GET /v1/sites/{id}/hours", Of::Desk, |it| it.at(format!("/v1/sites/{}/hours", it.world.desk.site.id))),
    ("PUT /v1/sites/{id}/hours", Of::Desk, |it| {
        it.with(format!("/v1/sites/{}/hours", it.world.desk.site.id), json!({"hours": null}))
    }),
    ("GET /v1/sites/{id}/forms", Of::Desk, |it| it.at(format!("/v1/sites/{}/forms", it.world.desk.site.id))),
    ("PUT /v1/sites/{id}/forms", Of::Desk, |it| {
        it.with(format!("/v1/sites/{}/forms", it.world.desk.site.id), json!({"online": [], "offline": []}))
    }),
    ("GET /v1/auto-answers", Of::Desk, |it| it.at("/v1/auto-answers")),
    ("POST /v1/auto-answers", Of::Desk, |it| {
        it.with("/v1/auto-answers", json!({"when": {"kind": "unanswered", "after_s": 86_400}, "texts": {"en": "Tea"}}))
    }),
    ("PUT /v1/auto-answers/{id}", Of::Absent, |it| {
        it.with("/v1/auto-answers/1", json!({"when": {"kind": "offline"}, "texts": {"en": "Tea"}}))
    }),
    ("DELETE /v1/auto-answers/{id}", Of::Absent, |it| it.at("/v1/auto-answers/1")),
    ("GET /v1/flows", Of::Desk, |it| it.at("/v1/flows")),
    ("POST /v1/flows", Of::Desk, |it| {
        let steps = json!([{"key": "end", "does": {"kind": "close"}}]);
        let body =
            json!({"name": "Tea", "start": {"kind": "agent"}, "patience_s": 60, "active": false, "steps": steps});
        it.with("/v1/flows", body)
    }),
    ("PUT /v1/flows/{id}", Of::Absent, |it| {
        let steps = json!([{"key": "end", "does": {"kind": "close"}}]);
        it.with("/v1/flows/1", json!({"name": "Tea", "start": {"kind": "agent"}, "patience_s": 60, "steps": steps}))
    }),
    ("DELETE /v1/flows/{id}", Of::Absent, |it| it.at("/v1/flows/1")),
    ("GET /v1/conversations/{id}/flows", Of::Customer, |it| {
        it.at(format!("/v1/conversations/{}/flows", it.customer.conversation))
    }),
    ("GET /v1/routing", Of::Desk, |it| it.at("/v1/routing")),
    ("PUT /v1/routing", Of::Desk, |it| it.with("/v1/routing", json!({"rules": []}))),
    ("GET /v1/settings", Of::Desk, |it| it.at("/v1/settings")),
    ("PATCH /v1/settings", Of::Desk, |it| it.with("/v1/settings", json!({"desk": client_id().as_str()}))),
    ("GET /v1/sites/{id}/identity-secrets", Of::Desk, |it| {
        it.at(format!("/v1/sites/{}/identity-secrets", it.world.desk.site.id))
    }),
    ("POST /v1/sites/{id}/identity-secrets", Of::Absent, |it| it.at("/v1/sites/1/identity-secrets")),
    ("DELETE /v1/sites/{id}/identity-secrets/{secret}", Of::Absent, |it| {
        it.at(format!("/v1/sites/{}/identity-secrets/1", it.world.desk.site.id))
    }),
    ("POST /v1/sites/{id}/identity-check", Of::Absent, |it| {
        it.with("/v1/sites/1/identity-check", json!({"token": "x"}))
    }),
    ("GET /v1/webhooks", Of::Desk, |it| it.at("/v1/webhooks")),
    ("POST /v1/webhooks", Of::Desk, |it| {
        it.with("/v1/webhooks", json!({"url": "https://hook.invalid/", "events": ["message_received"]}))
    }),
    ("PATCH /v1/webhooks/{id}", Of::Absent, |it| it.with("/v1/webhooks/1", json!({"active": true}))),
    ("DELETE /v1/webhooks/{id}", Of::Absent, |it| it.at("/v1/webhooks/1")),
    ("POST /v1/webhooks/{id}/secret", Of::Absent, |it| it.at("/v1/webhooks/1/secret")),
    ("GET /v1/webhooks/{id}/deliveries", Of::Absent, |it| it.at("/v1/webhooks/1/deliveries")),
    ("POST /v1/webhooks/{id}/deliveries/{delivery}", Of::Absent, |it| it.at("/v1/webhooks/1/deliveries/1")),
    ("GET /v1/person", Of::Person, |it| it.at(format!("/v1/person?contact={}", it.person))),
    ("DELETE /v1/person", Of::Person, |it| it.at(format!("/v1/person?contact={}", it.person))),
    ("GET /v1/audit", Of::Desk, |it| it.at("/v1/audit")),
    ("GET /link", Of::Absent, |it| it.at("/link")),
    ("GET /w/loader.js", Of::Absent, |it| it.at("/w/loader.js")),
    ("GET /w/panel", Of::Absent, |it| it.at(format!("/w/panel?site={}", it.world.desk.site.key))),
    ("GET /w/assets/{*path}", Of::Absent, |it| it.at("/w/assets/none.js")),
];

/// How each command is asked for.
const COMMANDS: &[Way<Command>] = &[
    ("send", Of::Customer, |it| say(Some(it.customer.conversation), MessageKind::Reply, "Tea?").command),
    ("send", Of::Customer, |it| say(Some(it.customer.conversation), MessageKind::Note, "Tea!").command),
    ("introduce", Of::Desk, |_| Command::Introduce {
        form: FormKind::Online,
        answers: BTreeMap::new(),
        text: "Tea?".to_owned(),
        attachments: Vec::new(),
    }),
    ("start", Of::Customer, |it| Command::Start { visitor: it.customer.visitor }),
    ("start_internal", Of::Desk, |it| Command::StartInternal {
        agents: vec![it.world.desk.ann.agent.id, it.world.desk.ben.agent.id],
        title: "Tea".to_owned(),
        text: "Tea?".to_owned(),
    }),
    ("change_participants", Of::Customer, |it| Command::ChangeParticipants {
        conversation: it.customer.conversation,
        add: Vec::new(),
        remove: Vec::new(),
    }),
    ("follow", Of::Customer, |it| Command::Follow { conversation: it.customer.conversation, following: true }),
    ("mark_read", Of::Customer, |it| Command::MarkRead { conversation: it.customer.conversation, number: 1 }),
    ("set_state", Of::Customer, |it| Command::SetState {
        conversation: it.customer.conversation,
        state: ConversationState::Open,
    }),
    ("snooze", Of::Customer, |it| Command::Snooze { conversation: it.customer.conversation, until: None }),
    ("assign", Of::Customer, |it| Command::Assign {
        conversation: it.customer.conversation,
        agent: None,
        team: None,
        from: None,
    }),
    ("start_flow", Of::Customer, |it| Command::StartFlow {
        conversation: it.customer.conversation,
        flow: it.world.flow,
    }),
    ("stop_flow", Of::Customer, |it| Command::StopFlow { conversation: it.customer.conversation }),
    ("set_priority", Of::Customer, |it| Command::SetPriority {
        conversation: it.customer.conversation,
        priority: Priority::High,
    }),
    ("edit_message", Of::Message, |it| {
        let text = client_id().as_str().to_owned();
        Command::EditMessage { conversation: it.customer.conversation, message: it.message, text }
    }),
    ("delete_message", Of::Message, |it| Command::DeleteMessage {
        conversation: it.customer.conversation,
        message: it.message,
    }),
    ("change_labels", Of::Customer, |it| Command::ChangeLabels {
        conversation: it.customer.conversation,
        add: vec!["tea".to_owned()],
        remove: Vec::new(),
    }),
    ("use_canned_text", Of::Desk, |_| Command::UseCannedText { text: CannedTextId(1) }),
    ("edit_contact", Of::Customer, |it| Command::EditContact {
        contact: it.customer.contact,
        name: client_id().as_str().to_owned(),
        email: String::new(),
        phone: String::new(),
        notes: String::new(),
    }),
];

/// The names of all commands, as the protocol itself lists them for one that it does not know.
fn command_names() -> Vec<String> {
    let unknown = serde_json::from_value::<Command>(json!({"op": "no such command", "args": {}})).unwrap_err();
    let words = unknown.to_string();
    let (_, names) = words.split_once("expected one of ").expect("the list of names");
    names.split(", ").map(|name| name.trim_matches('`').to_owned()).collect()
}

/// A desk with a shop that all agents see, a closed one, and a customer in each.
struct World {
    desk: TestDesk,
    http: reqwest::Client,
    /// An owner whom the others are no match for: what he wrote and made is a colleague's.
    ida: SignedIn,
    /// An agent who asks for nothing.
    ned: SignedIn,
    team: TeamId,
    /// One that asks something.
    flow: FlowId,
    /// In the shop.
    vic: Customer,
    /// In the closed shop.
    wen: Customer,
}

impl World {
    async fn new() -> Self {
        let desk = TestDesk::start().await;
        let ida = hire(&desk, "Ida", Role::Owner, true).await;
        let ned = hire(&desk, "Ned", Role::Agent, true).await;
        let administration = desk.desk.administer();
        let edit = http::TeamEdit { name: Some("Tea".to_owned()), ..http::TeamEdit::default() };
        let team = administration.put_team(None, edit).await.unwrap().id;
        let flow = json!({"name": "Tea", "start": {"kind": "agent"}, "patience_s": 60, "steps": [
            {"key": "ask", "does": {"kind": "ask", "texts": {"en": "Tea?"}}},
            {"key": "end", "does": {"kind": "hand_over"}},
        ]});
        let flow = administration.put_flow(None, serde_json::from_value(flow).unwrap()).await.unwrap().id;
        let vic = customer(&desk, &desk.site.key).await;
        let closed = administration.add_site("Closed", &[SHOP.to_owned()]).await.unwrap();
        let edit = http::SiteEdit { members_only: Some(true), ..http::SiteEdit::default() };
        administration.put_site(Some(closed.id), edit).await.unwrap();
        let wen = customer(&desk, &closed.key).await;
        Self { desk, http: http(), ida, ned, team, flow, vic, wen }
    }

    fn signed(&self, request: RequestBuilder, authorization: Option<&str>) -> RequestBuilder {
        match authorization {
            Some(token) if token.starts_with("Bearer") => request.header("authorization", token),
            Some(token) => request.header("authorization", token).header("origin", self.desk.own_origin()),
            None => request.header("origin", self.desk.own_origin()),
        }
    }

    /// A note of an agent.
    async fn note(&self, authorization: &str, conversation: ConversationId) -> MessageId {
        let frame = ClientFrame::Cmd(say(Some(conversation), MessageKind::Note, "A note"));
        let frame: Value = serde_json::from_str(&frame.to_text()).unwrap();
        let request = self.http.post(self.desk.url("/v1/cmd")).json(&json!({"frames": [frame]}));
        let answer: Value = self.signed(request, Some(authorization)).send().await.unwrap().json().await.unwrap();
        MessageId(answer["frames"][0]["id"].as_i64().unwrap_or_else(|| panic!("no note: {answer}")))
    }

    async fn upload(&self, authorization: &str, text: &'static str) -> (ClientId, Upload) {
        let id = client_id();
        let request = self
            .http
            .post(self.desk.url(&format!("/v1/uploads?client_id={}&name=tea.txt&size=3", id.as_str())))
            .body(text);
        let upload = self.signed(request, Some(authorization)).send().await.unwrap().json().await.unwrap();
        (id, upload)
    }

    /// Whether Ida's upload is still there.
    async fn has_upload(&self, id: &ClientId) -> bool {
        let request = self.http.get(self.desk.url(&format!("/v1/uploads/{}", id.as_str())));
        request.bearer_auth(&self.ida.access_token).send().await.unwrap().status().is_success()
    }

    /// Everything that one request can be about.
    async fn things(&self, of: Of, method: Method, asker: &Asker, whose: Whose) -> Things<'_> {
        let ida = format!("Bearer {}", self.ida.access_token);
        let customer = if whose == Whose::Foreign { &self.wen } else { &self.vic };
        // What is one's own is made with one's own hands.
        let hand = asker.authorization.clone().filter(|_| whose == Whose::Own).unwrap_or_else(|| ida.clone());
        let own = asker.session.as_ref().filter(|_| whose == Whose::Own).unwrap_or(&self.ned).agent.id;
        let spare = match of {
            Of::Session | Of::Account => {
                let of = if of == Of::Session { asker.session.as_ref().map_or(own, |me| me.agent.id) } else { own };
                Some(self.desk.desk.administer().sign_in_locally(of, client_id().as_str()).await.unwrap())
            }
            _ => None,
        };
        let refresh_token = spare.as_ref().map(|spare| spare.refresh_token.clone()).unwrap_or_default();
        let device = match of {
            Of::Account => self.desk.desk.administer().devices(own, None).await.unwrap().last().unwrap().id,
            _ => 0,
        };
        // A session that is ended is not the one that asks on.
        let authorization = match (&spare, &asker.session) {
            (Some(spare), Some(_)) if of == Of::Session => Some(format!("Bearer {}", spare.access_token)),
            _ => asker.authorization.clone(),
        };
        let message = match of {
            Of::Message => self.note(&hand, customer.conversation).await,
            _ => MessageId(0),
        };
        let person = match of {
            Of::Person => self::customer(&self.desk, &self.desk.site.key).await.contact,
            _ => ContactId(0),
        };
        let text = match of {
            Of::Text => {
                let owner = TextOwner::Agent { agent: own };
                let (shortcut, title) = (client_id().as_str().to_owned(), "Tea".to_owned());
                let new =
                    http::NewCannedText { owner, shortcut, title, text: "Tea?".to_owned(), attachments: Vec::new() };
                self.desk.desk.administer().add_canned_text(new).await.unwrap().id
            }
            _ => CannedTextId(0),
        };
        let item = match of {
            Of::Item => {
                let conversation = Some(customer.conversation);
                let (title, description) = ("Tea".to_owned(), String::new());
                let new =
                    NewItem { kind: ItemKind::Ticket, title, description, assignee: None, project: None, conversation };
                self.desk.desk.administer().add_item(new).await.unwrap().id
            }
            _ => ItemId(0),
        };
        let article = match of {
            Of::Article => {
                let text = ArticleText { title: "Tea".to_owned(), body: "Tea?".to_owned() };
                let texts = BTreeMap::from([("en".to_owned(), text)]);
                let new = NewArticle { site: Some(customer.site), published: true, texts };
                self.desk.desk.administer().add_article(new).await.unwrap().id
            }
            _ => ArticleId(0),
        };
        let upload = match of {
            Of::Upload => self.upload(&hand, "").await.0,
            _ => client_id(),
        };
        let file = match (of, whose) {
            (Of::File, Whose::Own) => self.upload(&hand, "tea").await.1.attachment.unwrap().id,
            _ => customer.file,
        };
        Things {
            world: self,
            method,
            authorization,
            customer,
            person,
            agent: own,
            asker: asker.session.as_ref().map_or(AgentId(0), |me| me.agent.id),
            device,
            text,
            item,
            article,
            message,
            file,
            upload,
            refresh_token,
        }
    }

    /// Everybody who asks for what is theirs or seen, and for what is foreign to them.
    async fn askers(&self) -> Vec<(Asker, Asker)> {
        let mut askers = Vec::new();
        for role in [Role::Owner, Role::Admin, Role::Supervisor, Role::Agent, Role::Light] {
            let me = agent(hire(&self.desk, "One who sees the shop", role, true).await);
            // Owners, admins and supervisors see all sites, unless they see no customers at all.
            let sees_all = matches!(role, Role::Owner | Role::Admin | Role::Supervisor);
            let blind = agent(hire(&self.desk, "One who sees less", role, !sees_all).await);
            askers.push((me, blind));
        }
        let visitor = || Asker {
            standing: Standing::Visitor,
            authorization: Some(format!("Visitor {}", self.vic.token)),
            session: None,
        };
        let nobody = || Asker { standing: Standing::Nobody, authorization: None, session: None };
        askers.push((visitor(), visitor()));
        askers.push((nobody(), nobody()));
        askers
    }
}

fn agent(session: SignedIn) -> Asker {
    Asker {
        standing: Standing::Agent(session.agent.role),
        authorization: Some(format!("Bearer {}", session.access_token)),
        session: Some(session),
    }
}

async fn hire(desk: &TestDesk, name: &str, role: Role, customer_facing: bool) -> SignedIn {
    let administration = desk.desk.administer();
    let email = format!("{}@desk.example", client_id().as_str());
    let agent = administration.add_agent(name, &email, PASSWORD, role).await.unwrap();
    let edit = http::AgentEdit { customer_facing: Some(customer_facing), ..http::AgentEdit::default() };
    administration.edit_agent(agent.id, edit).await.unwrap();
    administration.sign_in_locally(agent.id, "laptop").await.unwrap()
}

/// Somebody opens the messenger of a site and sends a file.
async fn customer(desk: &TestDesk, site: &str) -> Customer {
    let mut client = Client::open(desk.address, None, Some(&desk.own_origin())).await;
    let visitor = VisitorHello {
        site: site.to_owned(),
        part: VisitorPart::Panel,
        token: None,
        presence: None,
        page: None,
        language: "en".to_owned(),
        screen: String::new(),
        spoken: None,
        identity: None,
    };
    client.hello(None, Some(visitor)).await;
    let token = client.welcome().await.visitor.unwrap().token.unwrap();
    client.snapshot().await;
    let id = client_id();
    let path = format!("/v1/uploads?client_id={}&name=tea.txt&size=3", id.as_str());
    let request = http().post(desk.url(&path)).header("authorization", format!("Visitor {token}")).body("tea");
    let sent = request.header("origin", desk.own_origin()).send().await.unwrap();
    let file = sent.json::<Upload>().await.unwrap().attachment.unwrap().id;
    let hello = Command::Send {
        conversation: None,
        kind: MessageKind::Reply,
        text: "Hello".to_owned(),
        attachments: vec![file],
        mentions: Vec::new(),
        article: None,
        choice: None,
    };
    client.command(&command(hello)).await.unwrap();
    let (message, _) = client.message("Hello").await;
    let mut ann = desk.agent(&desk.ann, None).await;
    ann.welcome().await;
    let rows = ann.snapshot().await;
    let row = rows.iter().filter_map(decode).find_map(|row| match row {
        Entity::Conversation(found) if found.id == message.conversation => Some(found),
        _ => None,
    });
    let Conversation { visitor, contact, id: conversation, site, .. } = row.unwrap();
    Customer { token, visitor, contact, conversation, site, file }
}

/// What differs from the table.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn compare(&mut self, what: &str, action: Action, case: (Standing, Whose), expected: &str, got: &str) {
        if expected != got {
            self.0.push(format!("{what} ({action:?}) as {:?}, {:?}: {got} in place of {expected}", case.0, case.1));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dk_25_every_route_does_for_everybody_what_the_table_of_rights_says() {
    let world = World::new().await;
    let mut differences = Differences::default();
    let routes = world.desk.desk.routes();
    for (name, ..) in ROUTES {
        let known = routes.iter().any(|(method, path, _)| *name == format!("{method} {path}"));
        assert!(known, "{name} is asked for, and there is no such route");
    }
    for (me, blind) in world.askers().await {
        for (method, path, action) in &routes {
            let name = format!("{method} {path}");
            let Some((_, of, way)) = ROUTES.iter().find(|(route, ..)| *route == name) else {
                panic!("{name} has no way to be asked for: add one to ROUTES");
            };
            for whose in of.cases(me.standing).iter().copied() {
                let asker = if whose == Whose::Foreign { &blind } else { &me };
                let things = world.things(*of, method.clone(), asker, whose).await;
                let response = way(&things).send().await.unwrap();
                let status = response.status().as_u16();
                let words = if status < 300 { String::new() } else { response.text().await.unwrap() };
                let got = match status {
                    // Whoever cancels what is not there is told that it is not there: nobody's upload was touched.
                    204 if *of == Of::Upload && whose == Whose::Foreign && world.has_upload(&things.upload).await => {
                        "404"
                    }
                    101 | 200..=299 => "done",
                    _ if *of == Of::Absent && !words.contains("expired") && !words.contains("address") => "done",
                    401 => "401",
                    404 => "404",
                    _ => panic!("{name} as {:?}, {whose:?}: {status} {words}", me.standing),
                };
                let expected = match of.allowed(action.reach(me.standing), me.standing, whose) {
                    true => "done",
                    false if me.standing == Standing::Nobody => "401",
                    false => "404",
                };
                differences.compare(&name, *action, (me.standing, whose), expected, got);
            }
        }
    }
    assert_eq!(differences.0, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn dk_25_every_command_does_for_everybody_what_the_table_of_rights_says() {
    let world = World::new().await;
    let mut differences = Differences::default();
    for name in command_names() {
        let known = COMMANDS.iter().any(|(command, ..)| *command == name);
        assert!(known, "the command {name} has no way to be asked for: add one to COMMANDS");
    }
    for (me, blind) in world.askers().await {
        let mut sockets = Vec::new();
        for asker in [&me, &blind] {
            sockets.push(match (&asker.session, me.standing) {
                (Some(session), _) => Some(world.desk.agent(session, None).await.synced().await),
                (None, Standing::Visitor) => {
                    Some(world.desk.panel(Some(&world.vic.token), None, None).await.synced().await)
                }
                (None, _) => None,
            });
        }
        for (name, of, way) in COMMANDS {
            for whose in of.cases(me.standing).iter().copied() {
                let foreign = whose == Whose::Foreign;
                let things = world.things(*of, Method::GET, if foreign { &blind } else { &me }, whose).await;
                let frame = command(way(&things));
                let got = match &mut sockets[usize::from(foreign)] {
                    Some(socket) => match socket.command(&frame).await {
                        Ok(_) => "done",
                        Err(Nack { code: ErrorCode::NotFound, .. }) => "404",
                        Err(nack) => panic!("{name} as {:?}, {whose:?}: {nack:?}", me.standing),
                    },
                    None => {
                        // Whoever has not greeted is hung up on.
                        let mut socket = Client::open(world.desk.address, None, Some(&world.desk.own_origin())).await;
                        socket.send(&ClientFrame::Cmd(frame.clone())).await;
                        let answered = socket.rest().await.iter().any(|frame| matches!(frame, ServerFrame::Ack(_)));
                        if answered { "done" } else { "404" }
                    }
                };
                let action = Action::of_command(&frame.command);
                let allowed = of.allowed(action.reach(me.standing), me.standing, whose);
                let expected = if allowed { "done" } else { "404" };
                differences.compare(name, action, (me.standing, whose), expected, got);
            }
        }
    }
    assert_eq!(differences.0, Vec::<String>::new());
}
