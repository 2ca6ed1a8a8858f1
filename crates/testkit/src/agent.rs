//! An agent's connection, without the app.

use deskbell_protocol::http::{SignIn, SignedIn};
use deskbell_protocol::{
    Change, ClientFrame, ClientId, Command, CommandFrame, Hello, PROTOCOL, SUBPROTOCOL, ServerFrame, SnapshotNext,
};
use tokio::time::timeout;

use crate::socket::{self, PATIENCE, Socket};
use crate::{Person, TestDesk};

/// An agent who is signed in and has everything up to now.
pub struct AgentSocket {
    /// Whose it is, with the tokens.
    pub signed_in: SignedIn,
    /// What was there at the time of signing in.
    pub snapshot: Vec<Change>,
    socket: Socket,
}

impl AgentSocket {
    /// Signs in and takes the snapshot.
    pub async fn connect(desk: &TestDesk, person: &Person) -> Self {
        // Chosen once for the whole process; a second choice is refused and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let device = "testkit".to_owned();
        let body = SignIn {
            email: person.email.to_owned(),
            password: person.password.to_owned(),
            code: None,
            device,
            system: String::new(),
        };
        let request = reqwest::Client::new().post(format!("{}/v1/session", desk.address())).json(&body);
        let answer = request.send().await.unwrap().error_for_status().unwrap();
        let signed_in: SignedIn = answer.json().await.unwrap();
        let bearer = format!("Bearer {}", signed_in.access_token);
        let headers = [("authorization", bearer.as_str()), ("sec-websocket-protocol", SUBPROTOCOL)];
        let socket = socket::connect(&desk.address(), &headers).await;
        let mut agent = Self { signed_in, snapshot: Vec::new(), socket };
        let app = concat!("testkit ", env!("CARGO_PKG_VERSION")).to_owned();
        agent.say(&ClientFrame::Hello(Hello { protocol: PROTOCOL, app, cursor: None, visitor: None })).await;
        loop {
            match agent.next().await {
                ServerFrame::Snap(page) => {
                    agent.snapshot.extend(page.rows);
                    if let Some(token) = page.next {
                        agent.say(&ClientFrame::SnapNext(SnapshotNext { generation: page.generation, token })).await;
                    }
                }
                ServerFrame::SnapEnd(_) => return agent,
                _ => {}
            }
        }
    }

    /// Sends a frame.
    pub async fn say(&mut self, frame: &ClientFrame) {
        socket::say(&mut self.socket, frame).await;
    }

    /// Sends a command and waits for nothing.
    pub async fn command(&mut self, command: Command) -> ClientId {
        let client_id = ClientId::from_bits(rand::random());
        let frame = CommandFrame { client_id: client_id.clone(), command, if_rev: None, client_time: socket::now() };
        self.say(&ClientFrame::Cmd(frame)).await;
        client_id
    }

    /// The next frame.
    pub async fn next(&mut self) -> ServerFrame {
        let name = &self.signed_in.agent.name;
        timeout(PATIENCE, socket::next(&mut self.socket, name)).await.unwrap_or_else(|_| panic!("{name} heard nothing"))
    }
}
