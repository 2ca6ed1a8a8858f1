//! A desk over real sockets, with its people: agents Ann and Ben, visitors Vic and Wen.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use deskbell_protocol::http::SignedIn;
use deskbell_protocol::*;
use deskbell_server::{Desk, Settings, StoreIp};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message as Raw};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) const SHOP: &str = "https://shop.example";
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Longest wait for anything that should come: beyond the next round of a ring, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn open_database(data: &TempDir) -> rusqlite::Connection {
    let database = rusqlite::Connection::open(data.path().join("desk.db")).unwrap();
    database.busy_timeout(Duration::from_secs(5)).unwrap();
    database
}

pub(crate) struct TestDesk {
    pub(crate) desk: Desk,
    pub(crate) address: SocketAddr,
    pub(crate) site: Site,
    pub(crate) ann: SignedIn,
    pub(crate) ben: SignedIn,
    pub(crate) data: TempDir,
    pub(crate) stop: CancellationToken,
    pub(crate) server: JoinHandle<()>,
}

impl TestDesk {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// A desk whose owner decided otherwise about something.
    pub(crate) async fn start_with(decide: impl FnOnce(&mut Settings)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut settings = Settings {
            data: data.path().to_owned(),
            desk: "Tea desk".to_owned(),
            store_ip: StoreIp::Whole,
            ..Settings::default()
        };
        decide(&mut settings);
        let desk = Desk::open(settings).unwrap();
        let administration = desk.administer();
        let ann = administration.add_agent("Ann", "ann@desk.example", PASSWORD, Role::Owner).await.unwrap();
        let ben = administration.add_agent("Ben", "ben@desk.example", PASSWORD, Role::Agent).await.unwrap();
        let site = administration.add_site("Shop", &[SHOP.to_owned()]).await.unwrap();
        administration.seed("en").await.unwrap();
        let ann = administration.sign_in_locally(ann.id, "Ann's computer").await.unwrap();
        let ben = administration.sign_in_locally(ben.id, "Ben's computer").await.unwrap();
        Self::serve(desk, site, ann, ben, data).await
    }

    async fn serve(desk: Desk, site: Site, ann: SignedIn, ben: SignedIn, data: TempDir) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let server = {
            let (desk, stop) = (desk.clone(), stop.clone());
            TaskTracker::new().spawn(async move { desk.serve(listener, stop).await.unwrap() })
        };
        Self { desk, address, site, ann, ben, data, stop, server }
    }

    /// Another run of the desk on its files, at another address, after what happens to them while no server runs.
    pub(crate) async fn restarted(self, between: impl FnOnce(&rusqlite::Connection)) -> Self {
        self.stop.cancel();
        self.server.await.unwrap();
        drop(self.desk);
        between(&open_database(&self.data));
        let desk = Desk::open(Settings { data: self.data.path().to_owned(), ..Settings::default() }).unwrap();
        Self::serve(desk, self.site, self.ann, self.ben, self.data).await
    }

    /// The desk's database, beside the server that runs on it.
    pub(crate) fn database(&self) -> rusqlite::Connection {
        open_database(&self.data)
    }

    /// Waits until what a query counts in the database is as much.
    pub(crate) async fn until_counted(&self, query: &str, least: i64) {
        let database = self.database();
        let counted = async {
            while database.query_row(query, [], |row| row.get::<_, i64>(0)).unwrap() < least {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, counted).await.expect("what is waited for should be counted");
    }

    pub(crate) fn own_origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn agent(&self, who: &SignedIn, cursor: Option<Cursor>) -> Client {
        Client::agent(self.address, &who.access_token, cursor).await
    }

    /// The loader's socket, with the origin that the browser would send.
    pub(crate) async fn page(&self, origin: Option<&str>, presence: &str, url: &str) -> Client {
        let mut client = Client::open(self.address, None, origin).await;
        client.hello(None, Some(self.page_hello(presence, url))).await;
        client
    }

    pub(crate) fn page_hello(&self, presence: &str, url: &str) -> VisitorHello {
        VisitorHello {
            site: self.site.key.clone(),
            part: VisitorPart::Page,
            token: None,
            presence: Some(presence.to_owned()),
            page: Some(seen(url)),
            language: "es".to_owned(),
            screen: "1920×1080".to_owned(),
            spoken: None,
            identity: None,
        }
    }

    /// The messenger's socket.
    pub(crate) async fn panel(&self, token: Option<&str>, presence: Option<&str>, cursor: Option<Cursor>) -> Client {
        let mut client = Client::open(self.address, None, Some(&self.own_origin())).await;
        let visitor = VisitorHello {
            site: self.site.key.clone(),
            part: VisitorPart::Panel,
            token: token.map(str::to_owned),
            presence: presence.map(str::to_owned),
            page: None,
            language: "es".to_owned(),
            screen: "1920×1080".to_owned(),
            spoken: None,
            identity: None,
        };
        client.hello(cursor, Some(visitor)).await;
        client
    }

    /// All that the messenger is told over HTTP, as it came.
    pub(crate) async fn pulled(&self, token: &str) -> String {
        let hello = serde_json::json!({"protocol": PROTOCOL, "app": "test", "cursor": null, "visitor":
            {"site": self.site.key, "part": "panel", "token": token, "presence": null, "page": null, "language": "es", "screen": ""}});
        let pull = http().post(self.url("/v1/pull")).header("origin", self.own_origin());
        let body = serde_json::json!({"hello": hello, "wait_ms": 0});
        pull.json(&body).send().await.unwrap().text().await.unwrap()
    }

    /// A visitor who has just opened the messenger, with their token.
    pub(crate) async fn visitor(&self) -> (Client, String) {
        let mut client = self.panel(None, None, None).await;
        let welcome = client.welcome().await;
        let token = welcome.visitor.unwrap().token.unwrap();
        client.snapshot().await;
        (client, token)
    }
}

pub(crate) fn seen(url: &str) -> PageSeen {
    PageSeen {
        url: url.to_owned(),
        title: "Teapots".to_owned(),
        referrer: "https://search.example/q".to_owned(),
        visible: true,
    }
}

pub(crate) fn presence() -> String {
    format!("{:032x}", rand::random::<u128>())
}

pub(crate) fn client_id() -> ClientId {
    ClientId::from_bits(rand::random())
}

pub(crate) fn command(command: Command) -> CommandFrame {
    CommandFrame { client_id: client_id(), command, if_rev: None, client_time: 0 }
}

pub(crate) fn reply(conversation: Option<ConversationId>, text: &str) -> CommandFrame {
    say(conversation, MessageKind::Reply, text)
}

pub(crate) fn say(conversation: Option<ConversationId>, kind: MessageKind, text: &str) -> CommandFrame {
    command(Command::Send {
        conversation,
        kind,
        text: text.to_owned(),
        attachments: Vec::new(),
        mentions: Vec::new(),
        article: None,
        choice: None,
    })
}

/// An HTTP client.
pub(crate) fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// Asks over HTTP; the status, and what came back.
pub(crate) async fn ask(desk: &TestDesk, who: &SignedIn, method: &str, path: &str, body: Value) -> (u16, Value) {
    ask_at(&desk.own_origin(), who, method, path, body).await
}

/// The same of a server of which only the address is known.
pub(crate) async fn ask_at(address: &str, who: &SignedIn, method: &str, path: &str, body: Value) -> (u16, Value) {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let request = http().request(method, format!("{address}{path}")).bearer_auth(&who.access_token);
    let request = if body.is_null() { request } else { request.json(&body) };
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

/// Asks for something, and is gone before there is an answer.
pub(crate) async fn hang_up_on<T>(asked: impl Future<Output = T>) {
    tokio::select! {
        biased;
        _ = asked => panic!("it was answered at once"),
        () = std::future::ready(()) => {}
    }
}

/// One socket, seen from the outside.
pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Where this client's copy of the log stands.
    pub(crate) cursor: Option<Cursor>,
    /// Frames that came while another one was waited for.
    skipped: VecDeque<ServerFrame>,
}

impl Client {
    pub(crate) async fn try_open(
        address: SocketAddr,
        token: Option<&str>,
        origin: Option<&str>,
    ) -> Result<Self, SocketError> {
        let stream = TcpStream::connect(address).await?;
        Self::over(stream, address, token, &[("origin", origin)]).await
    }

    /// Through a proxy that says where the visitor's browser is.
    pub(crate) async fn open_from(address: SocketAddr, origin: &str, forwarded_for: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let headers = [("origin", Some(origin)), ("x-forwarded-for", Some(forwarded_for))];
        Self::over(stream, address, None, &headers).await.unwrap()
    }

    /// An agent whose computer takes little at once, so that what is not read soon waits at the server.
    pub(crate) async fn small_agent(address: SocketAddr, token: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4 * 1024).unwrap();
        let stream = socket.connect(address).await.unwrap();
        let mut client = Self::over(stream, address, Some(token), &[]).await.unwrap();
        client.hello(None, None).await;
        client
    }

    async fn over(
        stream: TcpStream,
        address: SocketAddr,
        token: Option<&str>,
        more: &[(&'static str, Option<&str>)],
    ) -> Result<Self, SocketError> {
        let mut request = format!("ws://{address}/v1/socket").into_client_request()?;
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", SUBPROTOCOL.parse().unwrap());
        headers.insert(
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0".parse().unwrap(),
        );
        if let Some(token) = token {
            headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        for (name, value) in more {
            if let Some(value) = value {
                headers.insert(*name, value.parse().unwrap());
            }
        }
        let (socket, _) = tokio_tungstenite::client_async(request, MaybeTlsStream::Plain(stream)).await?;
        Ok(Self { socket, cursor: None, skipped: VecDeque::new() })
    }

    pub(crate) async fn open(address: SocketAddr, token: Option<&str>, origin: Option<&str>) -> Self {
        Self::try_open(address, token, origin).await.unwrap()
    }

    pub(crate) async fn agent(address: SocketAddr, token: &str, cursor: Option<Cursor>) -> Self {
        let mut client = Self::open(address, Some(token), None).await;
        client.hello(cursor, None).await;
        client
    }

    pub(crate) async fn hello(&mut self, cursor: Option<Cursor>, visitor: Option<VisitorHello>) {
        self.cursor.clone_from(&cursor);
        let hello = Hello { protocol: PROTOCOL, app: "test".to_owned(), cursor, visitor };
        self.send(&ClientFrame::Hello(hello)).await;
    }

    pub(crate) async fn send(&mut self, frame: &ClientFrame) {
        self.send_text(&frame.to_text()).await;
    }

    /// Sends a frame to a server that may be gone. False: it is.
    pub(crate) async fn try_send(&mut self, frame: &ClientFrame) -> bool {
        self.socket.send(Raw::text(frame.to_text())).await.is_ok()
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.socket.send(Raw::text(text)).await.unwrap();
    }

    /// The next frame; `None` when the socket is closed.
    pub(crate) async fn next(&mut self) -> Option<ServerFrame> {
        match self.skipped.pop_front() {
            Some(frame) => Some(frame),
            None => self.read().await,
        }
    }

    /// The next frame from the socket. Checks that the deltas leave no range out.
    async fn read(&mut self) -> Option<ServerFrame> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a frame should come");
            match message {
                Some(Ok(Raw::Text(text))) => {
                    assert!(text.len() <= FRAME_BYTES_MAX, "a frame of {} bytes", text.len());
                    let frame = ServerFrame::parse(&text).unwrap();
                    if let ServerFrame::Delta(delta) = &frame {
                        self.take(delta);
                    }
                    return Some(frame);
                }
                Some(Ok(Raw::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// The next frame of which `pick` makes something; others stay for later.
    pub(crate) async fn until<T>(&mut self, mut pick: impl FnMut(&ServerFrame) -> Option<T>) -> T {
        for place in 0..self.skipped.len() {
            if let Some(found) = pick(&self.skipped[place]) {
                self.skipped.remove(place);
                return found;
            }
        }
        // For all of it: heartbeats come for ever.
        let coming = async {
            loop {
                let frame = self.read().await.expect("the socket was closed");
                if let Some(found) = pick(&frame) {
                    return found;
                }
                self.skipped.push_back(frame);
            }
        };
        tokio::time::timeout(PATIENCE, coming).await.expect("what is waited for should come")
    }

    pub(crate) async fn welcome(&mut self) -> Welcome {
        match self.next().await {
            Some(ServerFrame::Welcome(welcome)) => {
                let epoch = welcome.epoch.clone();
                self.cursor.get_or_insert(Cursor { epoch, seq: welcome.head });
                welcome
            }
            other => panic!("a welcome should come first: {other:?}"),
        }
    }

    /// A whole snapshot, from after the welcome.
    pub(crate) async fn snapshot(&mut self) -> Vec<Change> {
        let mut rows = Vec::new();
        loop {
            let page = self.until(|frame| match frame {
                ServerFrame::Snap(page) => Some(Ok(page.clone())),
                ServerFrame::SnapEnd(end) => Some(Err(end.clone())),
                _ => None,
            });
            match page.await {
                Ok(page) => {
                    rows.extend(page.rows);
                    if let Some(token) = page.next {
                        let next = SnapshotNext { generation: page.generation, token };
                        self.send(&ClientFrame::SnapNext(next)).await;
                    }
                }
                Err(end) => {
                    self.cursor.as_mut().unwrap().seq = end.base;
                    return rows;
                }
            }
        }
    }

    /// Greets, and takes the snapshot.
    pub(crate) async fn synced(mut self) -> Self {
        self.welcome().await;
        self.snapshot().await;
        self
    }

    /// Why a new snapshot comes.
    pub(crate) async fn reset(&mut self) -> ResetReason {
        self.until(|frame| if let ServerFrame::Reset(reset) = frame { Some(reset.reason) } else { None }).await
    }

    /// The next delta that holds anything.
    pub(crate) async fn delta(&mut self) -> Delta {
        loop {
            let delta = self
                .until(|frame| if let ServerFrame::Delta(delta) = frame { Some(delta.clone()) } else { None })
                .await;
            if !delta.changes.is_empty() {
                return delta;
            }
        }
    }

    fn take(&mut self, delta: &Delta) {
        // Whoever did not wait for the welcome does not follow the log.
        let Some(cursor) = &mut self.cursor else { return };
        assert_eq!(delta.from, cursor.seq, "a range was left out");
        assert!(delta.changes.iter().all(|change| change.seq > delta.from && change.seq <= delta.to));
        cursor.seq = delta.to;
    }

    /// Deltas until one holds a message with this text.
    pub(crate) async fn message(&mut self, text: &str) -> (Message, Change) {
        loop {
            for change in self.delta().await.changes {
                if let Some(message) = as_message(&change)
                    && message.text == text
                {
                    return (message, change);
                }
            }
        }
    }

    /// Deltas until the state of a conversation fits.
    pub(crate) async fn conversation(&mut self, fits: impl Fn(&Conversation) -> bool) -> (Conversation, Seq) {
        loop {
            for change in self.delta().await.changes {
                if let Some(Entity::Conversation(conversation)) = decode(&change)
                    && fits(&conversation)
                {
                    return (conversation, change.seq);
                }
            }
        }
    }

    /// Sends a command and waits for its answer.
    pub(crate) async fn command(&mut self, command: &CommandFrame) -> Result<Ack, Nack> {
        self.send(&ClientFrame::Cmd(command.clone())).await;
        self.answer(&command.client_id).await
    }

    pub(crate) async fn answer(&mut self, client_id: &ClientId) -> Result<Ack, Nack> {
        self.until(|frame| match frame {
            ServerFrame::Ack(ack) if ack.client_id == *client_id => Some(Ok(ack.clone())),
            ServerFrame::Nack(nack) if nack.client_id == *client_id => Some(Err(nack.clone())),
            _ => None,
        })
        .await
    }

    /// The frames until the socket is closed.
    pub(crate) async fn rest(&mut self) -> Vec<ServerFrame> {
        let mut rest = Vec::new();
        while let Some(frame) = self.next().await {
            rest.push(frame);
        }
        rest
    }

    pub(crate) async fn bye(&mut self) -> ByeCode {
        match self.rest().await.last() {
            Some(ServerFrame::Bye(bye)) => bye.code,
            other => panic!("a bye should come last: {other:?}"),
        }
    }

    pub(crate) async fn history(&mut self, conversation: ConversationId, before: Number, limit: u32) -> HistoryPage {
        self.send(&ClientFrame::Hist(HistoryRequest { request: 7, conversation, before, limit })).await;
        self.until(|frame| if let ServerFrame::HistPage(page) = frame { Some(page.clone()) } else { None }).await
    }

    pub(crate) async fn ephemeral<T>(&mut self, mut pick: impl FnMut(&Ephemeral) -> Option<T>) -> T {
        self.until(|frame| if let ServerFrame::Eph(ephemeral) = frame { pick(ephemeral) } else { None }).await
    }
}

/// One field of an entity, as it travels.
pub(crate) fn field(change: &Change, name: &str) -> Value {
    change.data.as_ref().unwrap().read::<Value>().unwrap()[name].take()
}

pub(crate) fn decode(change: &Change) -> Option<Entity> {
    Entity::decode(change.entity, change.data.as_ref()?).ok().flatten()
}

pub(crate) fn as_message(change: &Change) -> Option<Message> {
    if let Some(Entity::Message(message)) = decode(change) { Some(message) } else { None }
}

pub(crate) fn texts(changes: &[Change]) -> Vec<String> {
    changes.iter().filter_map(as_message).map(|message| message.text).collect()
}
