//! Serves the app's commands over HTTP and WebSocket, so that the real page runs in a browser: for end-to-end
//! tests and quick work. It listens on this computer alone and has no window, tray or toasts; what it would have
//! raised is printed as a line of JSON.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use clap::Parser;
use deskbell_api::types::{ApiError, ApiErrorCode};
use deskbell_api::{App, ConversationRef, Host, HostFuture, KeyStore, LocalDesk, Surroundings};
use deskbell_attention::{Alert, Calmed, Sound};
use deskbell_catalogue::Catalogue;
use deskbell_protocol::{AttachmentId, Timestamp};
use serde_json::{Value, json};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;
use url::Url;

/// The app's own policy, with this server in the place of the native bridge.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-src 'none'; object-src 'none'; \
     require-trusted-types-for 'script'; trusted-types svelte-trusted-html";

/// Largest request: a file of 20 MB in base64.
const REQUEST_BYTES_MAX: usize = 28 * 1024 * 1024;

#[derive(Parser)]
#[command(about)]
struct Arguments {
    /// Where to listen; port 0 takes a free one. The address is printed.
    #[arg(long, default_value = "127.0.0.1:4793")]
    listen: SocketAddr,
    /// The app's directory.
    #[arg(long)]
    data: PathBuf,
    /// The built page.
    #[arg(long, default_value = "ui/dist")]
    ui: PathBuf,
}

/// A host that prints instead of showing.
struct PrintingHost {
    downloads: PathBuf,
}

impl PrintingHost {
    #[allow(clippy::print_stdout, reason = "standard output is this host's screen")]
    fn print(&self, line: &Value) {
        println!("{line}");
    }
}

impl Host for PrintingHost {
    fn now(&self) -> Timestamp {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| Timestamp::try_from(since.as_millis()).unwrap_or(0))
    }

    fn device(&self) -> String {
        "devhost".into()
    }

    fn language_tag(&self) -> String {
        "en".into()
    }

    fn alert(&self, alert: Alert<ConversationRef>, _: &Catalogue) -> bool {
        let toast =
            alert.toast.map(|toast| json!({ "name": toast.title_name, "desk": toast.desk, "body": toast.body }));
        self.print(&json!({ "alert": alert.conversation, "toast": toast, "sound": alert.sound.map(|sound| format!("{sound:?}")) }));
        true
    }

    fn sound(&self, sound: Sound) {
        self.print(&json!({ "sound": format!("{sound:?}") }));
    }

    fn calm(&self, conversation: ConversationRef, _: Calmed) {
        self.print(&json!({ "calm": conversation }));
    }

    fn surroundings(&self, _: &Surroundings, _: &Catalogue) {}

    fn open_in_browser(&self, url: &Url) -> Result<(), ApiError> {
        self.print(&json!({ "open": url.as_str() }));
        Ok(())
    }

    fn downloads(&self) -> PathBuf {
        self.downloads.clone()
    }

    fn key_store(&self) -> Option<Arc<dyn KeyStore>> {
        // Tests must neither ask for nor fill anybody's keychain.
        None
    }

    fn local_desk(&self) -> HostFuture<Result<LocalDesk, ApiError>> {
        Box::pin(async { Err(ApiError::new(ApiErrorCode::Internal, "devhost has no desk inside: connect to one")) })
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()))
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    let host = Arc::new(PrintingHost { downloads: arguments.data.join("downloads") });
    let app = App::new(arguments.data, host);
    app.open().await;
    let routes = Router::new()
        .route("/call/{name}", post(call))
        .route("/events", get(events))
        .route("/media/{conversation}/{id}", get(media))
        .fallback_service(ServeDir::new(arguments.ui))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ))
        .with_state(app.clone());
    let listener = tokio::net::TcpListener::bind(arguments.listen).await?;
    #[allow(clippy::print_stdout, reason = "the address is read from standard output")]
    {
        println!("{}", json!({ "listening": format!("http://{}", listener.local_addr()?) }));
    }
    axum::serve(listener, routes).with_graceful_shutdown(asked_to_end()).await?;
    app.stop().await;
    Ok(())
}

/// Waits for Ctrl+C, or for the signal with which a supervisor ends a program.
async fn asked_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::error!(%error, "no signal can be received");
    }
}

async fn call(State(app): State<App>, Path(name): Path<String>, body: String) -> Response {
    let request = serde_json::from_str(&body).unwrap_or(Value::Null);
    match app.dispatch(&name, request).await {
        Ok(answer) => axum::Json(answer).into_response(),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, axum::Json(error)).into_response(),
    }
}

async fn events(State(app): State<App>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |socket| forward(app, socket))
}

/// Sends events until the page goes away.
async fn forward(app: App, mut socket: WebSocket) {
    let subscription = app.subscribe();
    loop {
        tokio::select! {
            events = subscription.next() => for event in events {
                let Ok(text) = serde_json::to_string(&event) else { continue };
                if socket.send(Message::Text(text.into())).await.is_err() {
                    return;
                }
            },
            received = socket.recv() => match received {
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            }
        }
    }
}

async fn media(State(app): State<App>, Path((chat, id)): Path<(ConversationRef, i64)>) -> Response {
    match app.picture(chat.account, AttachmentId(id)).await {
        Ok(picture) => (
            [
                (header::CONTENT_TYPE, picture.mime),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
            ],
            Body::from(picture.bytes),
        )
            .into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}
