//! `chat.v1` over HTTP, a request at a time.

use deskbell_protocol::http::Pull;
use deskbell_protocol::{
    ClientFrame, ClientId, Command, CommandFrame, Cursor, Hello, Message, MessageKind, PROTOCOL, ServerFrame,
    SnapshotAt, VisitorHello, VisitorPart,
};
use serde::Deserialize;
use tokio::time::timeout;

use crate::socket::{PATIENCE, now};

/// An answer of the desk.
#[derive(Debug)]
pub struct Answered {
    /// Its frames.
    pub frames: Vec<ServerFrame>,
    /// What it says of who is there.
    pub presence: Option<String>,
}

#[derive(Deserialize)]
struct Body {
    frames: Vec<serde_json::Value>,
    presence: Option<String>,
}

/// Somebody who speaks over HTTP, and remembers where they stand.
pub struct Requests {
    http: reqwest::Client,
    address: String,
    authorization: Option<String>,
    /// Where the last answer has ended.
    pub cursor: Option<Cursor>,
    /// The page of a snapshot that is next.
    pub page: Option<SnapshotAt>,
    epoch: String,
}

impl Requests {
    /// An agent with an access token.
    pub fn agent(address: &str, access_token: &str) -> Self {
        Self::new(address, Some(format!("Bearer {access_token}")))
    }

    fn new(address: &str, authorization: Option<String>) -> Self {
        // Chosen once for the whole process; a second choice is refused and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (http, address) = (reqwest::Client::new(), address.to_owned());
        Self { http, address, authorization, cursor: None, page: None, epoch: String::new() }
    }

    /// An agent's greeting, with a cursor or without.
    pub async fn greet(&mut self, cursor: Option<Cursor>) -> Vec<ServerFrame> {
        self.cursor.clone_from(&cursor);
        let hello = Hello { protocol: PROTOCOL, app: "testkit".to_owned(), cursor, visitor: None };
        self.pull(Pull { hello: Some(hello), ..Pull::default() }).await
    }

    /// What comes next, waiting for so long.
    pub async fn next(&mut self, wait_ms: u64) -> Vec<ServerFrame> {
        let pull = Pull { cursor: self.cursor.clone(), snapshot: self.page.take(), wait_ms, ..Pull::default() };
        self.pull(pull).await
    }

    /// Asks for frames, and notes where they lead.
    pub async fn pull(&mut self, pull: Pull) -> Vec<ServerFrame> {
        let frames = self.post("v1/pull", &pull).await.unwrap().frames;
        for frame in &frames {
            match frame {
                ServerFrame::Welcome(welcome) => {
                    self.epoch.clone_from(&welcome.epoch);
                    if let Some(token) = welcome.visitor.as_ref().and_then(|visitor| visitor.token.as_ref()) {
                        self.authorization = Some(format!("Visitor {token}"));
                    }
                }
                ServerFrame::Snap(page) => {
                    let at = |token: &String| SnapshotAt {
                        epoch: self.epoch.clone(),
                        generation: page.generation.clone(),
                        base: page.base,
                        token: token.clone(),
                    };
                    self.page = page.next.as_ref().map(at);
                }
                ServerFrame::SnapEnd(end) => self.move_to(end.base),
                ServerFrame::Delta(delta) => self.move_to(delta.to),
                _ => {}
            }
        }
        frames
    }

    fn move_to(&mut self, seq: deskbell_protocol::Seq) {
        self.cursor = Some(Cursor { epoch: self.epoch.clone(), seq });
    }

    /// Sends frames.
    pub async fn push(&self, frames: &[ClientFrame]) -> Vec<ServerFrame> {
        self.post("v1/cmd", &serde_json::json!({ "frames": frames })).await.unwrap().frames
    }

    /// A request as it is, and its answer or status.
    ///
    /// # Errors
    /// With the status of a refusal.
    pub async fn post(&self, path: &str, body: &impl serde::Serialize) -> Result<Answered, u16> {
        let mut request = self.http.post(format!("{}/{path}", self.address)).json(body);
        // The messenger's frame comes from the desk itself.
        request = request.header("origin", &self.address);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let answer = timeout(PATIENCE, request.send()).await.expect("the desk answers").map_err(|_| 0u16)?;
        if !answer.status().is_success() {
            return Err(answer.status().as_u16());
        }
        let body: Body = answer.json().await.unwrap();
        let frames = body.frames.iter().map(|frame| ServerFrame::parse(&frame.to_string()).unwrap()).collect();
        Ok(Answered { frames, presence: body.presence })
    }
}

/// A visitor's messenger over HTTP.
pub struct RequestingVisitor {
    /// Their requests.
    pub requests: Requests,
    /// Every message seen so far, in the order of arrival.
    pub messages: Vec<Message>,
}

impl RequestingVisitor {
    /// Opens the messenger of a site at `address`.
    pub async fn arrive(address: &str, site: &str) -> Self {
        let hello = VisitorHello {
            site: site.to_owned(),
            part: VisitorPart::Panel,
            token: None,
            presence: None,
            page: None,
            language: "en".to_owned(),
            screen: "1920×1080".to_owned(),
            spoken: None,
            identity: None,
        };
        let hello = Hello { protocol: PROTOCOL, app: "testkit".to_owned(), cursor: None, visitor: Some(hello) };
        let mut visitor = Self { requests: Requests::new(address, None), messages: Vec::new() };
        let frames = visitor.requests.pull(Pull { hello: Some(hello), ..Pull::default() }).await;
        visitor.see(&frames);
        assert!(visitor.requests.cursor.is_some(), "a short history comes at once");
        visitor
    }

    /// Writes a message; the desk's answer.
    pub async fn write(&self, text: &str) -> ServerFrame {
        let (kind, attachments) = (MessageKind::Reply, Vec::new());
        let command = Command::Send {
            conversation: None,
            kind,
            text: text.to_owned(),
            attachments,
            mentions: Vec::new(),
            article: None,
            choice: None,
        };
        let client_id = ClientId::from_bits(rand::random());
        let frame = CommandFrame { client_id, command, if_rev: None, client_time: now() };
        self.requests.push(&[ClientFrame::Cmd(frame)]).await.remove(0)
    }

    /// Waits until a message with this text has come.
    pub async fn read(&mut self, text: &str) {
        let reading = async {
            while !self.messages.iter().any(|message| message.text == text) {
                let frames = self.requests.next(5_000).await;
                self.see(&frames);
            }
        };
        assert!(timeout(PATIENCE, reading).await.is_ok(), "waited in vain for {text:?}");
    }

    /// The texts of all messages but the desk's own.
    pub fn texts(&self) -> Vec<&str> {
        let said = self.messages.iter().filter(|message| message.kind == MessageKind::Reply);
        said.map(|message| message.text.as_str()).collect()
    }

    fn see(&mut self, frames: &[ServerFrame]) {
        for frame in frames {
            let changes = match frame {
                ServerFrame::Snap(page) => &page.rows,
                ServerFrame::Delta(delta) => &delta.changes,
                _ => continue,
            };
            for change in changes.iter().filter(|change| change.entity == deskbell_protocol::EntityKind::Message) {
                let message: Message = change.data.as_ref().unwrap().read().unwrap();
                assert!(
                    self.messages.iter().all(|seen| seen.number != message.number),
                    "{:?} came twice",
                    message.text
                );
                self.messages.push(message);
            }
        }
    }
}
