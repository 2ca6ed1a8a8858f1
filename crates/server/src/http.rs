//! The routes, and what they have in common: refusals as JSON, headers, and who asks from where.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use deskbell_protocol::http::{FoundMessages, MessageVersions, Pulled, Pushed, Refresh, ServerInfo, SignIn, SignedIn};
use deskbell_protocol::{
    AttachmentId, ClientId, ErrorCode, FIELD_MAX, FOUND_MAX, FRAME_BYTES_MAX, MessageId, PROTOCOL, Refusal,
    SUBPROTOCOL, Timestamp, UPLOAD_OFFSET, Upload,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio_util::io::ReaderStream;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::accounts::{self, Newcomer};
use crate::authorize::{Action, Principal, authorize};
use crate::desk::{AGENT_FRAMES, Core, Serving, VISITOR_FRAMES};
use crate::pull::Speaker;
use crate::routes::{Asker, Routes, text};
use crate::session_visitor::Caller;
use crate::store::{self, Failure, Outcome};
use crate::uploads::{Announced, Denied, Incoming};
use crate::{api, assets, origin, pull, session_agent, session_visitor, socket, uploads};

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
            ErrorCode::WrongPassword | ErrorCode::Expired | ErrorCode::Revoked => StatusCode::UNAUTHORIZED,
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

/// All routes, each with what it asks for.
pub(crate) fn declared(routes: Routes) -> Routes {
    use {Action as A, Method as M};
    routes
        .on(M::GET, "/healthz", A::Look, async || "ok")
        .on(M::GET, "/v1/info", A::Look, info)
        .on(M::POST, "/v1/session", A::SignIn, sign_in)
        .on(M::DELETE, "/v1/session", A::SignOut, sign_out)
        .on(M::POST, "/v1/session/refresh", A::SignIn, refresh)
        .on(M::GET, "/v1/socket", A::Talk, open_socket)
        .on(M::POST, "/v1/pull", A::Talk, pull)
        .on_with_body(M::POST, "/v1/cmd", A::Talk, PUSH_BYTES_MAX, push)
        .on(M::POST, "/v1/uploads", A::Upload, create_upload)
        .on(M::GET, "/v1/uploads/{client_id}", A::Upload, find_upload)
        .on(M::PATCH, "/v1/uploads/{client_id}", A::Upload, append_upload)
        .on(M::DELETE, "/v1/uploads/{client_id}", A::Upload, cancel_upload)
        .on(M::GET, "/v1/files/{id}", A::ReadFile, download)
        .on(M::GET, "/v1/search", A::Search, search)
        .on(M::GET, "/v1/messages/{id}/versions", A::ReadVersions, versions)
        .on(M::GET, "/v1/agents", A::ReadPeople, api::agents)
        .on(M::POST, "/v1/agents", A::ManageAgents, api::add_agent)
        .on(M::PATCH, "/v1/agents/{id}", A::ManageAgents, api::edit_agent)
        .on(M::GET, "/v1/agents/{id}/devices", A::ReadDevices, api::devices)
        .on(M::DELETE, "/v1/agents/{id}/devices", A::RevokeDevices, api::revoke_devices)
        .on(M::DELETE, "/v1/agents/{id}/devices/{device}", A::RevokeDevices, api::revoke_device)
        .on(M::GET, "/v1/teams", A::ReadPeople, api::teams)
        .on(M::POST, "/v1/teams", A::ManageTeams, api::add_team)
        .on(M::PATCH, "/v1/teams/{id}", A::ManageTeams, api::edit_team)
        .on(M::GET, "/v1/sites", A::ReadPeople, api::sites)
        .on(M::POST, "/v1/sites", A::ManageSites, api::add_site)
        .on(M::PATCH, "/v1/sites/{id}", A::ManageSites, api::edit_site)
        .on(M::GET, "/v1/audit", A::ReadAudit, api::audit)
        .on(M::GET, "/w/loader.js", A::Look, assets::loader)
        .on(M::GET, "/w/panel", A::Look, assets::panel)
        .on(M::GET, "/w/assets/{*path}", A::Look, assets::asset)
}

/// The service.
pub(crate) fn routes(serving: Serving) -> Router {
    let no_sniffing = HeaderValue::from_static("nosniff");
    let no_referrer = HeaderValue::from_static("no-referrer");
    declared(Routes::new(serving.clone()))
        .finish()
        .fallback(|| async { HttpError::from(Failure::not_found("address")) })
        .method_not_allowed_fallback(|| async { HttpError::from(Failure::not_found("method at this address")) })
        .layer(DefaultBodyLimit::max(JSON_BYTES_MAX))
        .layer(SetResponseHeaderLayer::if_not_present(header::X_CONTENT_TYPE_OPTIONS, no_sniffing))
        .layer(SetResponseHeaderLayer::if_not_present(header::REFERRER_POLICY, no_referrer))
        .with_state(serving)
}

/// A body as JSON.
pub(crate) fn json<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, HttpError> {
    let body = body.map_err(|_| Refusal::new(ErrorCode::TooLarge, "The request's body is too large."))?;
    serde_json::from_slice(&body).map_err(|error| Refusal::invalid("body", &format!("cannot be read: {error}")).into())
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
    asker: Asker,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<SignedIn>, HttpError> {
    let SignIn { email, password, device, system } = json(body)?;
    let device = Newcomer { name: device, system, region: serving.core.geo.region(asker.address) };
    Ok(Json(accounts::sign_in(&serving.core, asker.address, &email, password, device).await?))
}

async fn refresh(
    State(serving): State<Serving>,
    asker: Asker,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<SignedIn>, HttpError> {
    let Refresh { refresh_token } = json(body)?;
    Ok(Json(accounts::refresh(&serving.core, asker.address, &refresh_token).await?))
}

async fn sign_out(State(serving): State<Serving>, asker: Asker) -> Result<StatusCode, HttpError> {
    accounts::sign_out(&serving.core, asker.session()?.device).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn open_socket(
    State(serving): State<Serving>,
    asker: Asker,
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
    let caller = caller(&asker, &headers);
    let tasks = serving.tasks.clone();
    // The session's task belongs to the tracker, which the server waits for.
    Ok(upgrade.on_upgrade(move |socket| {
        tasks.track_future(async move {
            match asker.identity {
                Some(identity) => {
                    let (burst, rate) = AGENT_FRAMES;
                    socket::run(socket, burst, rate, |incoming, outgoing| {
                        session_agent::run(&serving, identity, asker.address, incoming, outgoing)
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

fn caller(asker: &Asker, headers: &HeaderMap) -> Caller {
    let owned = |name| text(headers, &name).map(str::to_owned);
    Caller {
        address: asker.address,
        origin: owned(header::ORIGIN),
        host: owned(header::HOST),
        user_agent: owned(header::USER_AGENT).unwrap_or_default(),
    }
}

/// Who speaks `chat.v1` over HTTP. A visitor does so from the messenger alone; one who greets may have no token yet.
fn speaker(core: &Core, asker: Asker, headers: &HeaderMap) -> Result<Speaker, HttpError> {
    let caller = caller(&asker, headers);
    let own = origin::is_own(caller.origin.as_deref(), caller.host.as_deref(), core.settings.public_origin.as_deref());
    match (asker.identity, asker.principal) {
        (Some(identity), _) => Ok(Speaker::Agent(identity)),
        (None, Principal::Visitor(visitor)) if own => Ok(Speaker::Visitor(visitor, caller)),
        (None, Principal::Visitor(_)) => {
            Err(Refusal::new(ErrorCode::Origin, "Visitors speak from the messenger alone.").into())
        }
        (None, _) => Ok(Speaker::Stranger(caller)),
    }
}

async fn pull(
    State(serving): State<Serving>,
    asker: Asker,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Pulled>, HttpError> {
    let speaker = speaker(&serving.core, asker, &headers)?;
    Ok(Json(pull::pull(&serving, speaker, json(body)?).await?))
}

async fn push(
    State(serving): State<Serving>,
    asker: Asker,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Pushed>, HttpError> {
    let speaker = speaker(&serving.core, asker, &headers)?;
    Ok(Json(pull::push(&serving.core, speaker, json(body)?).await?))
}

/// Who uploads. A visitor's files come from the messenger alone.
fn uploader(core: &Core, asker: &Asker, headers: &HeaderMap) -> Result<Principal, HttpError> {
    let principal = asker.principal;
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
    asker: Asker,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, HttpError> {
    let principal = uploader(&serving.core, &asker, &headers)?;
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
    asker: Asker,
) -> Result<Response, HttpError> {
    let principal = asker.principal;
    Ok(told(Ok(uploads::find(&serving.core, principal, upload_name(&client_id)?).await?)))
}

async fn append_upload(
    State(serving): State<Serving>,
    Path(client_id): Path<String>,
    asker: Asker,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, HttpError> {
    let principal = uploader(&serving.core, &asker, &headers)?;
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
    asker: Asker,
    headers: HeaderMap,
) -> Result<StatusCode, HttpError> {
    let principal = uploader(&serving.core, &asker, &headers)?;
    uploads::cancel(&serving.core, principal, upload_name(&client_id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn download(State(serving): State<Serving>, Path(id): Path<String>, asker: Asker) -> Result<Response, HttpError> {
    let core = &serving.core;
    let id = AttachmentId(id.parse().map_err(|_| Failure::not_found("file"))?);
    let read = core.readers.read(move |connection| {
        let stored = store::files::find(connection, id)?.ok_or_else(|| Failure::not_found("file"))?;
        authorize(connection, &asker.principal, Action::ReadFile, &stored)?;
        Ok(stored)
    });
    let stored = read.await?;
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
    asker: Asker,
) -> Result<Json<FoundMessages>, HttpError> {
    let core = &serving.core;
    let me = asker.session()?.agent.id;
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

async fn versions(
    State(serving): State<Serving>,
    Path(id): Path<String>,
    asker: Asker,
) -> Result<Json<MessageVersions>, HttpError> {
    let id = MessageId(id.parse().map_err(|_| Failure::not_found("message"))?);
    let versions = serving.core.readers.read(move |connection| {
        let nothing = || Failure::not_found("message");
        let message = store::conversations::find_message(connection, id)?.ok_or_else(nothing)?;
        let conversation = store::conversations::find(connection, message.conversation)?.ok_or_else(nothing)?;
        authorize(connection, &asker.principal, Action::ReadVersions, (&message, &conversation))?;
        Ok(store::conversations::versions(connection, id)?)
    });
    Ok(Json(MessageVersions { versions: versions.await? }))
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
    fn tv_06_a_file_name_cannot_break_out_of_its_header() {
        assert_eq!(percent_encoded("tea \"для\" two.pdf"), "tea%20%22%D0%B4%D0%BB%D1%8F%22%20two.pdf");
        assert_eq!(percent_encoded("a\r\nb;c"), "a%0D%0Ab%3Bc");
    }
}
