//! The desk's clients, made light: thousands of them live in one process. They keep the rules of `docs/PROTOCOL.md`
//! that concern what is measured: cursors, signs of life, offering a message again under its own name, coming back
//! as those of the product do.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deskbell_engine::Backoff;
use deskbell_protocol::{
    AgentId, Change, ChangeKind, ClientFrame, ClientHeartbeat, ClientId, Command, CommandFrame, ConversationId, Cursor,
    Entity, EntityKind, Hello, MessageKind, PROTOCOL, PageSeen, Ring, RingAck, RingOutcome, SUBPROTOCOL, Seen, Seq,
    ServerFrame, SnapshotNext, SyncMode, VisitorHello, VisitorPart, Welcome,
};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::ear::Heard;
use super::served::Told;
use super::side::{Agent, Side, Writer};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A try to connect is given up after this.
const PATIENCE: Duration = Duration::from_secs(15);

/// Signs of life of this side come no closer than this; the desk gives its own every 15 seconds.
const BEAT_EVERY: Duration = Duration::from_secs(10);

/// The desk is told how far the log is stored at most so often.
const SEEN_EVERY: Duration = Duration::from_secs(1);

/// How a client came back whose connection had ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Return {
    /// From the end of the connection to the new welcome.
    pub(crate) took: Duration,
    /// From the beginning of the try that came through to the welcome.
    pub(crate) handshake: Duration,
    /// Pause before the first try.
    pub(crate) pause: Duration,
    /// `None`: a page of the shop, which keeps nothing and has no cursor.
    pub(crate) mode: Option<SyncMode>,
}

/// The desk, and all who came back.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) told: Arc<Told>,
    pub(crate) returns: Arc<Mutex<Vec<Return>>>,
}

impl Desk {
    pub(crate) fn new(told: Arc<Told>) -> Self {
        Self { told, returns: Arc::default() }
    }

    /// Those who came back since this was asked last.
    pub(crate) fn take_returns(&self) -> Vec<Return> {
        std::mem::take(&mut self.returns.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn visitor(&self, part: VisitorPart) -> Line {
        let page = PageSeen {
            url: format!("{}/", self.told.origin),
            title: "The shop".to_owned(),
            referrer: String::new(),
            visible: true,
        };
        let is_page = part == VisitorPart::Page;
        let visitor = VisitorHello {
            site: self.told.site.clone(),
            part,
            token: None,
            presence: is_page.then(|| format!("{:032x}", rand::random::<u128>())),
            page: is_page.then_some(page),
            language: "en".to_owned(),
            screen: "1920×1080".to_owned(),
            spoken: None,
            identity: None,
        };
        let origin = if is_page { self.told.origin.clone() } else { format!("http://{}", self.told.address) };
        Line::new(self, ("origin", origin), Some(visitor))
    }

    /// Somebody who looks at a page of the shop; its connection is there when this returns.
    pub(crate) async fn onlooker(&self) -> Line {
        let mut line = self.visitor(VisitorPart::Page);
        line.next().await;
        line
    }
}

impl Side for Desk {
    type Writer = DeskWriter;
    type Agent = DeskAgent;

    async fn writer(&self, _number: usize) -> DeskWriter {
        let mut writer = DeskWriter { line: self.visitor(VisitorPart::Panel), conversation: None };
        writer.write("hello".to_owned()).await;
        while writer.conversation.is_none() {
            let frame = writer.line.next().await;
            writer.keep(&frame);
        }
        writer
    }

    async fn agent(&self, number: usize, of: usize) -> DeskAgent {
        let bearer = format!("Bearer {}", self.told.tokens[number]);
        let mut line = Line::new(self, ("authorization", bearer), None);
        let mut me = None;
        loop {
            match line.next().await {
                ServerFrame::Welcome(welcome) => me = welcome.agent,
                ServerFrame::SnapEnd(_) => {
                    return DeskAgent { line, me: me.unwrap(), share: (number, of), taken: HashSet::new() };
                }
                _ => {}
            }
        }
    }
}

/// How long the product waits before it tries again.
enum Pauses {
    /// An agent's app.
    App(Backoff),
    /// A visitor's browser, after so many tries: as `widget/src/shared/random.ts` has it.
    Browser(u32),
}

impl Pauses {
    fn of(part: Option<VisitorPart>) -> Self {
        match part {
            None => Self::App(Backoff::default()),
            Some(VisitorPart::Panel) => Self::Browser(0),
            // `widget/src/loader/presence.ts`
            Some(VisitorPart::Page) => Self::Browser(3),
        }
    }

    /// In milliseconds.
    fn next(&mut self) -> u64 {
        match self {
            Self::App(backoff) => backoff.next(rand::random()),
            Self::Browser(tries) => {
                let most = 30_000.min(1_000 << (*tries).min(10));
                *tries += 1;
                rand::random_range(500..=most)
            }
        }
    }
}

/// A connection that begins anew whenever it ended.
pub(crate) struct Line {
    desk: Desk,
    header: (&'static str, String),
    visitor: Option<VisitorHello>,
    cursor: Option<Cursor>,
    epoch: String,
    socket: Option<Socket>,
    pauses: Pauses,
    /// When the last connection ended, the pause after that, and when the next try is due.
    lost: Option<(Instant, Duration)>,
    next_try: Instant,
    /// When this side last gave a sign of life.
    beat_at: Instant,
    /// When the desk was last told how far the log is stored.
    seen_at: Instant,
}

impl Line {
    fn new(desk: &Desk, header: (&'static str, String), visitor: Option<VisitorHello>) -> Self {
        let part = visitor.as_ref().map(|visitor| visitor.part);
        Self {
            desk: desk.clone(),
            header,
            visitor,
            cursor: None,
            epoch: String::new(),
            socket: None,
            pauses: Pauses::of(part),
            lost: None,
            next_try: Instant::now(),
            beat_at: Instant::now(),
            seen_at: Instant::now(),
        }
    }

    /// The next frame that is no sign of life. After the end of a connection that is the next one's welcome.
    pub(crate) async fn next(&mut self) -> ServerFrame {
        loop {
            let Some(socket) = &mut self.socket else {
                sleep_until(self.next_try).await;
                if let Some(welcome) = self.connect().await {
                    return ServerFrame::Welcome(welcome);
                }
                self.next_try = Instant::now() + self.pause();
                continue;
            };
            let frame = match socket.next().await {
                Some(Ok(Message::Text(text))) => ServerFrame::parse(&text).unwrap(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                _ => {
                    self.end();
                    continue;
                }
            };
            match &frame {
                ServerFrame::Hb(_) => {
                    // The desk answers each sign of life: an answer to that would have no end.
                    if self.beat_at.elapsed() >= BEAT_EVERY {
                        self.beat_at = Instant::now();
                        self.say(&ClientFrame::Hb(ClientHeartbeat { time: 0 })).await;
                    }
                    continue;
                }
                ServerFrame::Snap(page) => {
                    if let Some(token) = page.next.clone() {
                        let generation = page.generation.clone();
                        self.say(&ClientFrame::SnapNext(SnapshotNext { generation, token })).await;
                    }
                }
                ServerFrame::SnapEnd(end) => self.reach(end.base),
                ServerFrame::Delta(delta) => {
                    let here = self.cursor.as_ref().map(|cursor| cursor.seq);
                    assert_eq!(here, Some(delta.from), "a delta begins where the last one ended");
                    self.reach(delta.to);
                    // As the app does: once in a while, and visitors' messengers never.
                    if self.visitor.is_none() && self.seen_at.elapsed() >= SEEN_EVERY {
                        self.seen_at = Instant::now();
                        self.say(&ClientFrame::Seen(Seen { seq: delta.to })).await;
                    }
                }
                _ => {}
            }
            return frame;
        }
    }

    fn reach(&mut self, seq: Seq) {
        self.cursor = Some(Cursor { epoch: self.epoch.clone(), seq });
    }

    fn pause(&mut self) -> Duration {
        Duration::from_millis(self.pauses.next())
    }

    fn end(&mut self) {
        self.socket = None;
        let pause = self.pause();
        self.lost.get_or_insert((Instant::now(), pause));
        self.next_try = Instant::now() + pause;
    }

    /// Sends a frame. Whether that went well shows when the next one is waited for.
    async fn say(&mut self, frame: &ClientFrame) {
        if let Some(socket) = &mut self.socket
            && socket.send(Message::text(frame.to_text())).await.is_err()
        {
            self.end();
        }
    }

    async fn connect(&mut self) -> Option<Welcome> {
        let began = Instant::now();
        let (socket, welcome) = timeout(PATIENCE, self.greet()).await.ok()??;
        self.socket = Some(socket);
        self.epoch.clone_from(&welcome.epoch);
        if let (Some(visitor), Some(token)) =
            (&mut self.visitor, welcome.visitor.as_ref().and_then(|it| it.token.clone()))
        {
            visitor.token = Some(token);
        }
        let part = self.visitor.as_ref().map(|visitor| visitor.part);
        self.pauses = Pauses::of(part);
        if let Some((lost, pause)) = self.lost.take() {
            let is_page = part == Some(VisitorPart::Page);
            let returned = Return {
                took: lost.elapsed(),
                handshake: began.elapsed(),
                pause,
                mode: (!is_page).then_some(welcome.mode),
            };
            self.desk.returns.lock().unwrap_or_else(PoisonError::into_inner).push(returned);
        }
        Some(welcome)
    }

    async fn greet(&self) -> Option<(Socket, Welcome)> {
        let mut request = format!("ws://{}/v1/socket", self.desk.told.address).into_client_request().unwrap();
        let (name, value) = &self.header;
        request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(SUBPROTOCOL));
        let small = WebSocketConfig::default().read_buffer_size(4 * 1024).write_buffer_size(0);
        let (mut socket, _) = match connect_async_with_config(request, Some(small), true).await {
            Err(Error::Http(answer)) if answer.status() == StatusCode::UNAUTHORIZED => {
                panic!("the desk does not know who this is, and never will");
            }
            connected => connected.ok()?,
        };
        let hello = Hello {
            protocol: PROTOCOL,
            app: "deskbell-bench".to_owned(),
            cursor: self.cursor.clone(),
            visitor: self.visitor.clone(),
        };
        socket.send(Message::text(ClientFrame::Hello(hello).to_text())).await.ok()?;
        match ServerFrame::parse(socket.next().await?.ok()?.to_text().ok()?).ok()? {
            ServerFrame::Welcome(welcome) => Some((socket, welcome)),
            _ => None,
        }
    }
}

/// A visitor with the messenger open.
pub(crate) struct DeskWriter {
    line: Line,
    conversation: Option<ConversationId>,
}

impl DeskWriter {
    fn keep(&mut self, frame: &ServerFrame) {
        if let ServerFrame::Delta(delta) = frame {
            let conversation = delta.changes.iter().find(|change| change.entity == EntityKind::Conversation);
            self.conversation = conversation.map(|change| ConversationId(change.id)).or(self.conversation);
        }
    }
}

impl Writer for DeskWriter {
    async fn write(&mut self, text: String) {
        let client_id = ClientId::from_bits(rand::random());
        loop {
            let (conversation, text) = (self.conversation, text.clone());
            let command = Command::Send {
                conversation,
                kind: MessageKind::Reply,
                text,
                attachments: Vec::new(),
                mentions: Vec::new(),
                article: None,
                choice: None,
            };
            let frame = CommandFrame { client_id: client_id.clone(), command, if_rev: None, client_time: 0 };
            self.line.say(&ClientFrame::Cmd(frame)).await;
            loop {
                let frame = self.line.next().await;
                self.keep(&frame);
                match frame {
                    ServerFrame::Ack(ack) if ack.client_id == client_id => return,
                    ServerFrame::Nack(nack) if nack.client_id == client_id => {
                        assert!(!nack.code.is_permanent(), "a message was refused: {nack:?}");
                        sleep(Duration::from_millis(nack.retry_after_ms.unwrap_or(1000))).await;
                        break;
                    }
                    // Whether the message arrived before the connection ended nobody knows: it is offered again.
                    ServerFrame::Welcome(_) => break,
                    _ => {}
                }
            }
        }
    }

    async fn rest(&mut self, until: Instant) {
        while let Ok(frame) = timeout_at(until, self.line.next()).await {
            self.keep(&frame);
        }
    }
}

/// An agent's app: it takes its share of the conversations that ring, and looks at what comes in them.
pub(crate) struct DeskAgent {
    line: Line,
    me: AgentId,
    /// Which agent of how many.
    share: (usize, usize),
    taken: HashSet<ConversationId>,
}

impl DeskAgent {
    async fn answer(&mut self, Ring { ring, conversation, .. }: Ring) {
        let (number, of) = self.share;
        // Ids grow with time; multiplied by the golden ratio they are spread evenly (Knuth, volume 3, 6.4).
        let spread = conversation.0.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        if usize::try_from(spread).unwrap() % of != number {
            return;
        }
        if !self.taken.insert(conversation) {
            self.line.say(&ClientFrame::RingAck(RingAck { ring, outcome: RingOutcome::Seen })).await;
            return;
        }
        let command = Command::Assign { conversation, from: None, agent: Some(self.me), team: None };
        let client_id = ClientId::from_bits(rand::random());
        self.line.say(&ClientFrame::Cmd(CommandFrame { client_id, command, if_rev: None, client_time: 0 })).await;
    }
}

impl Agent for DeskAgent {
    async fn hear(&mut self) -> Vec<Heard> {
        let frame = self.line.next().await;
        let changes = match frame {
            ServerFrame::Ring(ring) => {
                self.answer(ring).await;
                return Vec::new();
            }
            ServerFrame::Delta(delta) => delta.changes,
            ServerFrame::Snap(page) => page.rows,
            _ => return Vec::new(),
        };
        changes.into_iter().filter_map(heard).collect()
    }
}

fn heard(change: Change) -> Option<Heard> {
    if change.entity != EntityKind::Message || !matches!(change.kind, ChangeKind::Put | ChangeKind::Show) {
        return None;
    }
    match Entity::decode(change.entity, &change.data?) {
        Ok(Some(Entity::Message(message))) => {
            Some(Heard { text: message.text, id: Some(change.id), number: message.number })
        }
        other => panic!("a message cannot be read: {other:?}"),
    }
}
