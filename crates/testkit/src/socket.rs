//! WebSockets of `chat.v1`.

use std::time::Duration;

use deskbell_protocol::{ClientFrame, ServerFrame, Timestamp};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// The longest a person of a test waits for something that should come at once.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Connects to the desk at `address` (`http://…`).
pub(crate) async fn connect(address: &str, headers: &[(&'static str, &str)]) -> Socket {
    let mut request = format!("{}/v1/socket", address.replacen("http", "ws", 1)).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    connect_async(request).await.unwrap_or_else(|error| panic!("no socket at {address}: {error}")).0
}

pub(crate) async fn say(socket: &mut Socket, frame: &ClientFrame) {
    socket.send(Message::text(frame.to_text())).await.unwrap();
}

/// The next frame; `name` is whose connection it is.
pub(crate) async fn next(socket: &mut Socket, name: &str) -> ServerFrame {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return ServerFrame::parse(&text).unwrap(),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            ended => panic!("{name}'s connection ended: {ended:?}"),
        }
    }
}

/// The next frame; nothing when the connection ended.
pub(crate) async fn try_next(socket: &mut Socket) -> Option<ServerFrame> {
    loop {
        match socket.next().await?.ok()? {
            Message::Text(text) => return Some(ServerFrame::parse(&text).unwrap()),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

/// This computer's clock.
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::try_from(since.as_millis()).unwrap()
}
