//! The routes, and what they have in common: refusals as JSON, headers, and who asks from where.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use deskbell_protocol::http::{FoundMessages, Pulled, Pushed, Refresh, ServerInfo, SignIn, SignedIn};
use deskbell_protocol::{
    AttachmentId, ClientId, ErrorCode, FIELD_MAX, FOUND_MAX, FRAME_BYTES_MAX, PROTOCOL, Refusal, SUBPROTOCOL,
    Timestamp, UPLOAD_OFFSET, Upload,
};
use ipnet::IpNet;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio_util::io::ReaderStream;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::accounts::{self, Identity};
use crate::authorize::{Action, Object, Principal, authorize};
use crate::desk::{AGENT_FRAMES, Core, Serving, VISITOR_FRAMES};
use crate::pull::Speaker;
use crate::session_visitor::Caller;
use crate::store::{self, Failure, Outcome};
use crate::uploads::{Announced, Denied, Incoming};
use crate::{assets, origin, pull, session_agent, session_visitor, socket, uploads};

/// Largest body of commands, in bytes: a few frames of the largest size.
const PUSH_BYTES_MAX: usize = 4 * FRAME_BYTES_MAX;

/// Largest JSON body, in bytes.
const JSON_BYTES_MAX: usize = 16 * 1024;

/// An error as the asker sees it.
pub(crate) struct HttpError(Refusal);

impl From<Failure> for HttpError {
    fn from(failure: Failure) -> Self {
        Self(failure.into_refusal())
    }
}

impl From<Refusal> for HttpError {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let Self(refusal) = self;
        let status = match refusal.code {
            ErrorCode::WrongPassword | ErrorCode::Expired => StatusCode::UNAUTHORIZED,
            ErrorCode::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::Version => StatusCode::UPGRADE_REQUIRED,
            ErrorCode::Origin => StatusCode::FORBIDDEN,
            ErrorCode::NotFound => StatusCode::NOT_FOUND,
            ErrorCode::Invalid => StatusCode::BAD_REQUEST,
            ErrorCode::Conflict => StatusCode::CONFLICT,
            ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::UnsupportedType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ErrorCode::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
            ErrorCode::Busy => StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut response = (status, Json(&refusal)).into_response();
        if let Some(wait) = refusal.retry_after_ms {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.div_ceil(1000)));
        }
        response
    }
}

/// All routes.
pub(crate) fn routes(serving: Serving) -> Router {
    let no_sniffing = HeaderValue::from_static("nosniff");
    let no_referrer = HeaderValue::from_static("no-referrer");
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/v1/info", get(info))
        .route("/v1/session", post(sign_in).delete(sign_out))
        .route("/v1/session/refresh", post(refresh))
        .route("/v1/socket", get(open_socket))
        .route("/v1/uploads", post(create_upload).layer(DefaultBodyLimit::disable()))
        .route(
            "/v1/uploads/{client_id}",
            get(find_upload).patch(append_upload).delete(cancel_upload).layer(DefaultBodyLimit::disable()),
        )
        .route("/v1/pull", post(pull))
        .route("/v1/cmd", post(push).layer(DefaultBodyLimit::max(PUSH_BYTES_MAX)))
        .route("/v1/files/{id}", get(download))
        .route("/v1/search", get(search))
        .route("/w/loader.js", get(assets::loader))
        .route("/w/panel", get(assets::panel))
        .route("/w/assets/{*path}", get(assets::asset))
        .fallback(|| async { HttpError::from(Failure::not_found("address")) })
        .method_not_allowed_fallback(|| async { HttpError::from(Failure::not_found("method at this address")) })
        .layer(DefaultBodyLimit::max(JSON_BYTES_MAX))
        .layer(SetResponseHeaderLayer::if_not_present(header::X_CONTENT_TYPE_OPTIONS, no_sniffing))
        .layer(SetResponseHeaderLayer::if_not_present(header::REFERRER_POLICY, no_referrer))
        .with_state(serving)
}

fn json<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, HttpError> {
    let body = body.map_err(|_| Refusal::new(ErrorCode::TooLarge, "The request's body is too large."))?;
    serde_json::from_slice(&body).map_err(|error| Refusal::invalid("body", &format!("cannot be read: {error}")).into())
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The asker's address. `X-Forwarded-For` is believed only as far as trusted proxies wrote it.
fn address(proxies: &[IpNet], peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let trusted = |address: IpAddr| proxies.iter().any(|network| network.contains(&address));
    let mut address = peer.ip().to_canonical();
    let hops: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for hop in hops.into_iter().rev() {
        if !trusted(address) {
            break;
        }
        let Ok(hop) = hop.trim().parse::<IpAddr>() else { break };
        address = hop.to_canonical();
    }
    address
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    text(headers, &header::AUTHORIZATION)?.strip_prefix("Bearer ")
}

async fn identity(core: &Core, headers: &HeaderMap) -> Outcome<Identity> {
    accounts::authenticate(core, bearer(headers).unwrap_or_default()).await
}

/// The agent or visitor who asks.
async fn principal(core: &Core, headers: &HeaderMap) -> Outcome<Principal> {
    let visitor = text(headers, &header::AUTHORIZATION).and_then(|value| value.strip_prefix("Visitor "));
    Ok(match visitor {
        Some(token) => Principal::Visitor(accounts::authenticate_visitor(core, token).await?),
        None => Principal::Agent(identity(core, headers).await?.agent.id),
    })
}

async fn info(State(serving): State<Serving>) -> Json<ServerInfo> {
    Json(ServerInfo {
        product: "deskbell".to_owned(),
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        desk: serving.core.name.clone(),
    })
}

async fn sign_in(
    State(serving): State<Serving>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<SignedIn>, HttpError> {
    let SignIn { email, password, device } = json(body)?;
    let address = address(&serving.core.settings.trusted_proxies, peer, &headers);
    Ok(Json(accounts::sign_in(&serving.core, address, &email, password, device).await?))
}

async fn refresh(
    State(serving): State<Serving>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<SignedIn>, HttpError> {
    let Refresh { refresh_token } = json(body)?;
    Ok(Json(accounts::refresh(&serving.core, &refresh_token).await?))
}

async fn sign_out(State(serving): State<Serving>, headers: HeaderMap) -> Result<StatusCode, HttpError> {
    let identity = identity(&serving.core, &headers).await?;
    accounts::sign_out(&serving.core, identity.device).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn open_socket(
    State(serving): State<Serving>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, HttpError> {
    let upgrade = upgrade
        .map_err(|_| Refusal::invalid("upgrade", "this address speaks WebSocket only"))?
        .protocols([SUBPROTOCOL])
        .read_buffer_size(4 * 1024)
        .write_buffer_size(0)
        .max_frame_size(FRAME_BYTES_MAX)
        .max_message_size(FRAME_BYTES_MAX);
    let agent =
        if headers.contains_key(header::AUTHORIZATION) { Some(identity(&serving.core, &headers).await?) } else { None };
    let caller = caller(&serving.core, peer, &headers);
    let tasks = serving.tasks.clone();
    // The session's task belongs to the tracker, which the server waits for.
    Ok(upgrade.on_upgrade(move |socket| {
        tasks.track_future(async move {
            match agent {
                Some(identity) => {
                    let (burst, rate) = AGENT_FRAMES;
                    socket::run(socket, burst, rate, |incoming, outgoing| {
                        session_agent::run(&serving, identity, incoming, outgoing)
                    })
                    .await;
                }
                None => {
                    let (burst, rate) = VISITOR_FRAMES;
                    socket::run(socket, burst, rate, |incoming, outgoing| {
                        session_visitor::run(&serving, caller, incoming, outgoing)
                    })
                    .await;
                }
            }
        })
    }))
}

fn caller(core: &Core, peer: SocketAddr, headers: &HeaderMap) -> Caller {
    let owned = |name| text(headers, &name).map(str::to_owned);
    Caller {
        address: address(&core.settings.trusted_proxies, peer, headers),
        origin: owned(header::ORIGIN),
        host: owned(header::HOST),
        user_agent: owned(header::USER_AGENT).unwrap_or_default(),
    }
}

/// Who speaks `chat.v1` over HTTP. A visitor does so from the messenger alone; one who greets may have no token yet.
async fn speaker(core: &Core, peer: SocketAddr, headers: &HeaderMap) -> Result<Speaker, HttpError> {
    let caller = caller(core, peer, headers);
    let Some(authorization) = text(headers, &header::AUTHORIZATION) else { return Ok(Speaker::Stranger(caller)) };
    let Some(token) = authorization.strip_prefix("Visitor ") else {
        return Ok(Speaker::Agent(identity(core, headers).await?));
    };
    if !origin::is_own(caller.origin.as_deref(), caller.host.as_deref(), core.settings.public_origin.as_deref()) {
        return Err(Refusal::new(ErrorCode::Origin, "Visitors speak from the messenger alone.").into());
    }
    Ok(Speaker::Visitor(accounts::authenticate_visitor(core, token).await?, caller))
}

async fn pull(
    State(serving): State<Serving>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Pulled>, HttpError> {
    let speaker = speaker(&serving.core, peer, &headers).await?;
    Ok(Json(pull::pull(&serving, speaker, json(body)?).await?))
}

async fn push(
    State(serving): State<Serving>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Pushed>, HttpError> {
    let speaker = speaker(&serving.core, peer, &headers).await?;
    Ok(Json(pull::push(&serving.core, speaker, json(body)?).await?))
}

/// Who uploads. A visitor's files come from the messenger alone.
async fn uploader(core: &Core, headers: &HeaderMap) -> Result<Principal, HttpError> {
    let principal = principal(core, headers).await?;
    if let Principal::Visitor(_) = principal {
        let (origin, host) = (text(headers, &header::ORIGIN), text(headers, &header::HOST));
        if !origin::is_own(origin, host, core.settings.public_origin.as_deref()) {
            return Err(Refusal::new(ErrorCode::Origin, "Visitors' files come from the messenger alone.").into());
        }
    }
    Ok(principal)
}

fn upload_name(client_id: &str) -> Outcome<ClientId> {
    ClientId::parse(client_id).ok_or_else(|| Failure::not_found("upload"))
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    text(headers, &header::CONTENT_LENGTH).and_then(|length| length.parse().ok())
}

/// What is said of an upload, with the place where its next bytes belong.
fn told(upload: Result<Upload, Denied>) -> Response {
    let (mut response, offset) = match upload {
        Ok(upload) => (Json(&upload).into_response(), Some(upload.offset)),
        Err(Denied { failure, offset }) => (HttpError::from(failure).into_response(), offset),
    };
    if let Some(offset) = offset {
        response.headers_mut().insert(HeaderName::from_static(UPLOAD_OFFSET), HeaderValue::from(offset));
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Takes bytes in a task of its own: a sender who leaves ends the request, and what has come of it still counts.
async fn taken(
    serving: &Serving,
    work: impl Future<Output = Result<Upload, Denied>> + Send + 'static,
) -> Result<Response, HttpError> {
    // Task: ends with its request's body, or with the server.
    let upload = serving.tasks.spawn(work).await.unwrap_or_else(|error| {
        tracing::error!(%error, "an upload failed");
        Err(Failure::Internal.into())
    });
    Ok(told(upload))
}

#[derive(Deserialize)]
struct NewUpload {
    client_id: ClientId,
    #[serde(default)]
    name: String,
    size: i64,
    /// 64 hexadecimal digits.
    sha256: Option<String>,
}

fn digest(digits: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(digest)
}

async fn create_upload(
    State(serving): State<Serving>,
    query: Result<Query<NewUpload>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, HttpError> {
    let principal = uploader(&serving.core, &headers).await?;
    let Query(NewUpload { client_id, name, size, sha256 }) =
        query.map_err(|error| Refusal::invalid("query", &error.body_text()))?;
    let sha256 = match sha256 {
        Some(digits) => Some(digest(&digits).ok_or_else(|| Refusal::invalid("sha256", "has 64 hexadecimal digits"))?),
        None => None,
    };
    let announced = Announced { name, size, sha256 };
    let first = Incoming { offset: 0, length: content_length(&headers), body: body.into_data_stream() };
    let (core, stopping) = (Arc::clone(&serving.core), serving.stopping.clone());
    let work = async move { uploads::create(&core, &stopping, principal, client_id, announced, first).await };
    taken(&serving, work).await
}

async fn find_upload(
    State(serving): State<Serving>,
    Path(client_id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let principal = principal(&serving.core, &headers).await?;
    Ok(told(Ok(uploads::find(&serving.core, principal, upload_name(&client_id)?).await?)))
}

async fn append_upload(
    State(serving): State<Serving>,
    Path(client_id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, HttpError> {
    let principal = uploader(&serving.core, &headers).await?;
    let client_id = upload_name(&client_id)?;
    let offset = text(&headers, &HeaderName::from_static(UPLOAD_OFFSET)).and_then(|offset| offset.parse().ok());
    let offset = offset.ok_or_else(|| Refusal::invalid(UPLOAD_OFFSET, "says where the bytes begin"))?;
    let incoming = Incoming { offset, length: content_length(&headers), body: body.into_data_stream() };
    let (core, stopping) = (Arc::clone(&serving.core), serving.stopping.clone());
    taken(&serving, async move { uploads::append(&core, &stopping, principal, client_id, incoming).await }).await
}

async fn cancel_upload(
    State(serving): State<Serving>,
    Path(client_id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, HttpError> {
    let principal = uploader(&serving.core, &headers).await?;
    uploads::cancel(&serving.core, principal, upload_name(&client_id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn download(
    State(serving): State<Serving>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let core = &serving.core;
    let principal = principal(core, &headers).await?;
    let id = AttachmentId(id.parse().map_err(|_| Failure::not_found("file"))?);
    let found = core.readers.read(move |connection| Ok(store::files::find(connection, id)?)).await?;
    let stored = found.ok_or_else(|| Failure::not_found("file"))?;
    authorize(&principal, Action::Read, Object::File { uploader: stored.uploader, shown_to: stored.shown_to })?;
    let file = tokio::fs::File::open(core.files.path(&stored.file)).await.map_err(|error| {
        tracing::error!(%error, "a stored file is missing");
        Failure::not_found("file")
    })?;
    let attachment = stored.attachment;
    let disposition = if attachment.picture.is_some() { "inline" } else { "attachment" };
    let disposition = format!("{disposition}; filename*=UTF-8''{}", percent_encoded(&attachment.name));
    let mime = if attachment.mime.starts_with("text/") {
        format!("{}; charset=utf-8", attachment.mime)
    } else {
        attachment.mime
    };
    let value = |text: &str| {
        HeaderValue::from_str(text).map_err(|error| {
            tracing::error!(%error, "a header could not be written");
            Failure::Internal
        })
    };
    let headers = [
        (header::CONTENT_TYPE, value(&mime)?),
        (header::CONTENT_LENGTH, HeaderValue::from(attachment.size)),
        (header::CONTENT_DISPOSITION, value(&disposition)?),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=86400")),
        (header::VARY, HeaderValue::from_static("authorization")),
    ];
    Ok((headers, Body::from_stream(ReaderStream::new(file))).into_response())
}

#[derive(Deserialize)]
struct SearchQuery {
    #[serde(default)]
    q: String,
    limit: Option<u32>,
    /// In place of the days that `q` names, when they begin in the agent's own time, in milliseconds.
    after: Option<Timestamp>,
    before: Option<Timestamp>,
}

async fn search(
    State(serving): State<Serving>,
    Query(query): Query<SearchQuery>,
    headers: HeaderMap,
) -> Result<Json<FoundMessages>, HttpError> {
    let core = &serving.core;
    let principal = principal(core, &headers).await?;
    authorize(&principal, Action::Search, Object::Desk)?;
    let Principal::Agent(me) = principal else { return Err(Failure::not_found("address").into()) };
    let SearchQuery { q, limit, after, before } = query;
    if q.chars().count() > FIELD_MAX {
        return Err(Refusal::invalid("q", &format!("has {FIELD_MAX} characters at the most")).into());
    }
    let asked = deskbell_search::Query::read(&q);
    let limit = limit.unwrap_or(FOUND_MAX).clamp(1, FOUND_MAX);
    let messages =
        core.readers.read(move |connection| store::search::find(connection, &asked, me, after, before, limit)).await?;
    Ok(Json(FoundMessages { messages }))
}

/// As RFC 8187 wants a file's name in a header.
fn percent_encoded(name: &str) -> String {
    name.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn dk_25_forwarded_addresses_are_believed_only_from_trusted_proxies() {
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        let ask = |peer: &str, forwarded: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            address(&proxies, SocketAddr::new(peer.parse().unwrap(), 1), &headers).to_string()
        };
        assert_eq!(ask("203.0.113.9", &["1.2.3.4"]), "203.0.113.9", "a visitor's own claim");
        assert_eq!(ask("10.0.0.1", &["1.2.3.4"]), "1.2.3.4");
        assert_eq!(ask("10.0.0.1", &["6.6.6.6, 1.2.3.4, 10.0.0.2"]), "1.2.3.4", "what the visitor wrote comes first");
        assert_eq!(ask("10.0.0.1", &["6.6.6.6", "1.2.3.4"]), "1.2.3.4");
        assert_eq!(ask("10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert_eq!(ask("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(ask("::ffff:10.0.0.1", &["2001:db8::7"]), "2001:db8::7");
    }

    #[test]
    fn tv_06_a_file_name_cannot_break_out_of_its_header() {
        assert_eq!(percent_encoded("tea \"для\" two.pdf"), "tea%20%22%D0%B4%D0%BB%D1%8F%22%20two.pdf");
        assert_eq!(percent_encoded("a\r\nb;c"), "a%0D%0Ab%3Bc");
    }
}
