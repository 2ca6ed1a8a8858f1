//! The WebSocket of one connection.

use std::time::Duration;

use deskbell_protocol::{FRAME_BYTES_MAX, SUBPROTOCOL};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Error};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use url::Url;

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Until the socket is open.
const CONNECT: Duration = Duration::from_secs(10);

/// Why no socket could be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketError {
    /// The token is not accepted.
    #[error("the token is not accepted")]
    Token,
    /// Somebody on the way answers with something else than a socket.
    #[error("no socket: {0}")]
    Blocked(String),
    /// Nobody answers.
    #[error("{0}")]
    Unreachable(String),
}

/// Opens the socket of a desk.
pub(crate) async fn open(address: &Url, token: &str) -> Result<Socket, SocketError> {
    let unreachable = |reason: &dyn std::fmt::Display| SocketError::Unreachable(reason.to_string());
    let path = format!("{}/v1/socket", address.path().trim_end_matches('/'));
    let mut url = address.clone();
    url.set_path(&path);
    let text = url.as_str().replacen("http", "ws", 1);
    let mut request = text.into_client_request().map_err(|error| unreachable(&error))?;
    let bearer = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|error| unreachable(&error))?;
    request.headers_mut().insert(header::AUTHORIZATION, bearer);
    request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    // The server never sends more than a frame's worth; whoever does is not one.
    let limits = WebSocketConfig::default()
        .max_message_size(Some(FRAME_BYTES_MAX * 2))
        .max_frame_size(Some(FRAME_BYTES_MAX * 2));
    match tokio::time::timeout(CONNECT, connect_async_with_config(request, Some(limits), true)).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(Error::Http(answer))) if answer.status() == StatusCode::UNAUTHORIZED => Err(SocketError::Token),
        Ok(Err(error @ (Error::Http(_) | Error::Protocol(_)))) => Err(SocketError::Blocked(error.to_string())),
        Ok(Err(error)) => Err(unreachable(&error)),
        Err(_) => Err(SocketError::Unreachable("no answer in time".into())),
    }
}

/// The text of a message that carries a frame.
pub(crate) fn text(message: &tungstenite::Message) -> Option<&str> {
    match message {
        tungstenite::Message::Text(text) => Some(text.as_str()),
        _ => None,
    }
}
