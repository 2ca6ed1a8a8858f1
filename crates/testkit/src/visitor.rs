//! A visitor: both halves of the messenger, without the browser.

use std::collections::BTreeMap;

use deskbell_protocol::{
    Ack, Attachment, AttachmentId, ChangeKind, ClientFrame, ClientHeartbeat, ClientId, Command, CommandFrame,
    Conversation, ConversationId, Entity, Ephemeral, Hello, Message, MessageKind, Nack, Number, PROTOCOL, PageSeen,
    SUBPROTOCOL, ServerFrame, Upload, VisitorHello, VisitorPart, Welcome,
};
use tokio::time::timeout;

use crate::TestDesk;
use crate::socket::{self, PATIENCE, Socket, next, now, say};

const BROWSER: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:146.0) Gecko/20100101 Firefox/146.0";

/// A browser on a page of the shop, with the messenger open.
pub struct Visitor {
    /// Kept by the messenger for the next time.
    pub token: String,
    /// The conversation at hand, once there is one.
    pub conversation: Option<ConversationId>,
    /// Every message seen so far, by number.
    pub messages: BTreeMap<Number, Message>,
    name: String,
    page: Socket,
    panel: Socket,
    /// What came while something else was waited for.
    ephemerals: Vec<Ephemeral>,
}

impl Visitor {
    /// Opens the shop's first page and then the messenger. `name` is what the test calls them.
    pub async fn arrive(desk: &TestDesk, name: &str) -> Self {
        Self::arrive_through(desk, &desk.address(), name).await
    }

    /// The same through a proxy at `address`.
    pub async fn arrive_through(desk: &TestDesk, address: &str, name: &str) -> Self {
        Self::arrive_at(address, &desk.site.key, &desk.origin, name).await
    }

    /// The same at a desk of which only this is known: its address, the site's key, the origin of the shop.
    pub async fn arrive_at(address: &str, site: &str, origin: &str, name: &str) -> Self {
        Self::come(address, site, origin, name, None).await
    }

    /// The same person in the same browser at a desk that knows them: the one they left, or a copy of it.
    pub async fn come_back_to(&self, desk: &TestDesk) -> Self {
        let token = Some(self.token.clone());
        Self::come(&desk.address(), &desk.site.key, &desk.origin, &self.name, token).await
    }

    async fn come(address: &str, site: &str, origin: &str, name: &str, token: Option<String>) -> Self {
        let presence = format!("{:032x}", rand::random::<u128>());
        let hello = |part, page| VisitorHello {
            site: site.to_owned(),
            part,
            token: token.clone(),
            presence: Some(presence.clone()),
            page,
            language: "en".to_owned(),
            screen: "1920×1080".to_owned(),
            spoken: None,
            identity: None,
        };
        let first = page(origin, "/", "The shop");
        let mut page_socket = connect(address, origin).await;
        say(&mut page_socket, &hello_frame(hello(VisitorPart::Page, Some(first)))).await;
        let _: Welcome = welcomed(&mut page_socket, name).await;
        let mut panel = connect(address, address).await;
        say(&mut panel, &hello_frame(hello(VisitorPart::Panel, None))).await;
        let welcome = welcomed(&mut panel, name).await.visitor.unwrap();
        let mut visitor = Self {
            token: welcome.token.or(token).expect("a new visitor is given a token"),
            conversation: welcome.conversation,
            messages: BTreeMap::new(),
            name: name.to_owned(),
            page: page_socket,
            panel,
            ephemerals: Vec::new(),
        };
        visitor
            .until("the end of the snapshot", |_, frame| matches!(frame, ServerFrame::SnapEnd(_)).then_some(()))
            .await;
        visitor
    }

    /// Goes to another page of the shop.
    pub async fn look_at(&mut self, origin: &str, path: &str, title: &str) {
        say(&mut self.page, &ClientFrame::Eph(Ephemeral::Page { page: page(origin, path, title) })).await;
    }

    /// Writes a message and waits until the desk has it.
    pub async fn write(&mut self, text: &str) -> Ack {
        let client_id = self.send(text).await;
        self.answer(&client_id).await.unwrap_or_else(|nack| panic!("{}'s message was refused: {nack:?}", self.name))
    }

    /// Writes a message and waits for nothing.
    pub async fn send(&mut self, text: &str) -> ClientId {
        let (kind, attachments) = (MessageKind::Reply, Vec::<AttachmentId>::new());
        let command = Command::Send {
            conversation: self.conversation,
            kind,
            text: text.to_owned(),
            attachments,
            mentions: Vec::new(),
            article: None,
            choice: None,
        };
        self.command(command).await
    }

    /// Sends a file with a message, and waits until the desk has both.
    pub async fn send_file(&mut self, desk: &TestDesk, text: &str, name: &str, bytes: Vec<u8>) -> Attachment {
        let id = ClientId::from_bits(rand::random());
        let query = [("client_id", id.as_str()), ("name", name), ("size", &bytes.len().to_string())];
        let request = reqwest::Client::new()
            .post(format!("{}/v1/uploads", desk.address()))
            .query(&query)
            .header("authorization", format!("Visitor {}", self.token))
            .header("origin", desk.address())
            .body(bytes);
        let upload: Upload = request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
        let attachment = upload.attachment.unwrap();
        let (kind, text, attachments) = (MessageKind::Reply, text.to_owned(), vec![attachment.id]);
        let command = Command::Send {
            conversation: self.conversation,
            kind,
            text,
            attachments,
            mentions: Vec::new(),
            article: None,
            choice: None,
        };
        let client_id = self.command(command).await;
        self.answer(&client_id).await.unwrap_or_else(|nack| panic!("{}'s file was refused: {nack:?}", self.name));
        attachment
    }

    /// Sends any command and waits for nothing.
    pub async fn command(&mut self, command: Command) -> ClientId {
        let client_id = ClientId::from_bits(rand::random());
        let frame = CommandFrame { client_id: client_id.clone(), command, if_rev: None, client_time: now() };
        say(&mut self.panel, &ClientFrame::Cmd(frame)).await;
        client_id
    }

    /// Sends a message again under its own name, as a messenger does that its desk's log does not show it to.
    pub async fn offer_again(&mut self, client_id: &ClientId, text: &str) {
        let (conversation, kind, attachments) = (self.conversation, MessageKind::Reply, Vec::new());
        let command = Command::Send {
            conversation,
            kind,
            text: text.to_owned(),
            attachments,
            mentions: Vec::new(),
            article: None,
            choice: None,
        };
        let frame = CommandFrame { client_id: client_id.clone(), command, if_rev: None, client_time: now() };
        say(&mut self.panel, &ClientFrame::Cmd(frame)).await;
        self.answer(client_id).await.unwrap_or_else(|nack| panic!("{}'s message was refused: {nack:?}", self.name));
    }

    /// The desk's answer to a command.
    ///
    /// # Errors
    /// With the refusal.
    pub async fn answer(&mut self, client_id: &ClientId) -> Result<Ack, Nack> {
        self.until("an answer", |_, frame| match frame {
            ServerFrame::Ack(ack) if ack.client_id == *client_id => Some(Ok(ack.clone())),
            ServerFrame::Nack(nack) if nack.client_id == *client_id => Some(Err(nack.clone())),
            _ => None,
        })
        .await
    }

    /// Waits until a message with this text is in the messenger.
    pub async fn read(&mut self, text: &str) -> Message {
        let wanted = text.to_owned();
        let find = move |visitor: &Self| visitor.messages.values().find(|message| message.text == wanted).cloned();
        if let Some(found) = find(self) {
            return found;
        }
        self.until(&format!("the message {text:?}"), move |visitor, _| find(visitor)).await
    }

    /// Says that everything so far was on screen, and waits until the desk knows.
    pub async fn mark_read(&mut self) {
        let conversation = self.conversation.expect("nothing was said yet");
        let number = self.messages.keys().next_back().copied().unwrap_or(0);
        let client_id = self.command(Command::MarkRead { conversation, number }).await;
        self.answer(&client_id).await.unwrap_or_else(|nack| panic!("{} may read: {nack:?}", self.name));
    }

    /// Types, or stops.
    pub async fn types(&mut self, typing: bool) {
        let conversation = self.conversation;
        say(&mut self.panel, &ClientFrame::Eph(Ephemeral::Typing { conversation, author: None, typing, ttl_ms: 5000 }))
            .await;
    }

    /// Writes something and does not send it.
    pub async fn writes_unsent(&mut self, text: &str) {
        let (conversation, text) = (self.conversation, text.to_owned());
        say(&mut self.panel, &ClientFrame::Eph(Ephemeral::Peek { conversation, text })).await;
    }

    /// Waits until an agent is seen typing, or seen to have stopped.
    pub async fn sees_typing(&mut self, wanted: bool) {
        let fits = |ephemeral: &Ephemeral| matches!(ephemeral, Ephemeral::Typing { typing, .. } if *typing == wanted);
        if let Some(at) = self.ephemerals.iter().position(fits) {
            self.ephemerals.drain(..=at);
            return;
        }
        self.until("typing", |visitor, _| visitor.ephemerals.iter().any(fits).then_some(())).await;
        self.ephemerals.clear();
    }

    /// A sign of life, so that a long test is not taken for dead.
    pub async fn beat(&mut self) {
        for socket in [&mut self.page, &mut self.panel] {
            say(socket, &ClientFrame::Hb(ClientHeartbeat { time: now() })).await;
        }
    }

    /// Takes frames until one fits, and keeps what the others say.
    async fn until<T>(&mut self, what: &str, mut fits: impl FnMut(&Self, &ServerFrame) -> Option<T>) -> T {
        let name = self.name.clone();
        let waiting = async {
            loop {
                let frame = next(&mut self.panel, &name).await;
                self.keep(&frame);
                if let Some(found) = fits(self, &frame) {
                    return found;
                }
            }
        };
        timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{name} waited for {what} in vain"))
    }

    fn keep(&mut self, frame: &ServerFrame) {
        let changes = match frame {
            ServerFrame::Snap(page) => &page.rows,
            ServerFrame::Delta(delta) => &delta.changes,
            ServerFrame::HistPage(page) => &page.messages,
            ServerFrame::Eph(ephemeral) => {
                self.ephemerals.push(ephemeral.clone());
                return;
            }
            _ => return,
        };
        for change in changes {
            let data = change.data.as_ref().filter(|_| matches!(change.kind, ChangeKind::Put | ChangeKind::Show));
            let Some(data) = data else { continue };
            match Entity::decode(change.entity, data).unwrap() {
                Some(Entity::Message(message)) => drop(self.messages.insert(message.number, message)),
                Some(Entity::Conversation(Conversation { id, .. })) => self.conversation = Some(id),
                _ => {}
            }
        }
    }
}

fn hello_frame(visitor: VisitorHello) -> ClientFrame {
    let app = concat!("testkit ", env!("CARGO_PKG_VERSION")).to_owned();
    ClientFrame::Hello(Hello { protocol: PROTOCOL, app, cursor: None, visitor: Some(visitor) })
}

fn page(origin: &str, path: &str, title: &str) -> PageSeen {
    PageSeen { url: format!("{origin}{path}"), title: title.to_owned(), referrer: String::new(), visible: true }
}

pub(crate) async fn connect(address: &str, origin: &str) -> Socket {
    let headers = [("origin", origin), ("user-agent", BROWSER), ("sec-websocket-protocol", SUBPROTOCOL)];
    socket::connect(address, &headers).await
}

pub(crate) async fn welcomed(socket: &mut Socket, name: &str) -> Welcome {
    match timeout(PATIENCE, next(socket, name)).await {
        Ok(ServerFrame::Welcome(welcome)) => welcome,
        other => panic!("{name} was not welcomed: {other:?}"),
    }
}
