//! The floor's clients.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::ear::Heard;
use super::side::{Agent, Side, Writer};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The floor at an address.
#[derive(Clone, Copy)]
pub(crate) struct Floor(pub(crate) SocketAddr);

pub(crate) struct FloorWriter(Socket);

pub(crate) struct FloorAgent {
    socket: Socket,
    /// Messages so far, which is all the order there is.
    number: i64,
}

impl Floor {
    async fn connect(self, path: &str) -> Socket {
        connect_async(format!("ws://{}/{path}", self.0)).await.unwrap().0
    }

    /// Somebody who is connected and does nothing.
    pub(crate) async fn idle(self) -> Socket {
        self.connect("visitor").await
    }
}

impl Side for Floor {
    type Writer = FloorWriter;
    type Agent = FloorAgent;

    async fn writer(&self, _number: usize) -> FloorWriter {
        let mut writer = FloorWriter(self.connect("visitor").await);
        writer.write("hello".to_owned()).await;
        writer
    }

    async fn agent(&self, _number: usize, _of: usize) -> FloorAgent {
        let mut socket = self.connect("agent").await;
        assert_eq!(socket.next().await.unwrap().unwrap().to_text().unwrap(), "ready");
        FloorAgent { socket, number: 0 }
    }
}

impl Writer for FloorWriter {
    async fn write(&mut self, text: String) {
        self.0.send(Message::text(text)).await.unwrap();
        self.0.next().await.unwrap().unwrap();
    }
}

impl Agent for FloorAgent {
    async fn hear(&mut self) -> Vec<Heard> {
        let frame = self.socket.next().await.expect("the floor ended").unwrap();
        self.number += 1;
        vec![Heard { text: frame.to_text().unwrap().to_owned(), id: None, number: self.number }]
    }
}
