//! The routes, and what they have in common: refusals as JSON, headers, and who asks from where.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::map_response_with_state;
use axum::response::{IntoResponse, Json, Response};
use deskbell_protocol::http::{
    FoundMessages, MessageVersions, Pull, Pulled, Pushed, Refresh, ServerInfo, SignIn, SignedIn,
};
use deskbell_protocol::{
    ErrorCode, FIELD_MAX, FOUND_MAX, FRAME_BYTES_MAX, ITEM_DESCRIPTION_MAX, MESSAGE_TEXT_MAX, MessageId, PROTOCOL,
    Refusal, SUBPROTOCOL, Timestamp,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::IntoParams;
use utoipa_axum::routes;

use crate::accounts::{self, Newcomer};
use crate::authorize::{Action, Principal, authorize};
use crate::desk::{AGENT_FRAMES, Core, Serving, VISITOR_FRAMES};
use crate::pull::{Push, Speaker};
use crate::routes::{Asker, Routes, text};
use crate::session_visitor::Caller;
use crate::store::{self, Failure};
use crate::text::json_bytes;
use crate::{
    api, article_routes, assets, auto_answer_routes, availability_routes, bulk, findable, flow_routes, flows,
    form_routes, forms, hours, live, openapi, operations, origin, own, pull, routing_routes, session_agent,
    session_visitor, signature_routes, socket, transfer, webhook_routes,
};

/// Largest body of commands, in bytes: a few frames of the largest size.
const PUSH_BYTES_MAX: usize = 4 * FRAME_BYTES_MAX;

/// Within this time a server that is ready has written something.
const READY: Duration = Duration::from_secs(2);

/// Largest JSON body, in bytes.
pub(crate) const JSON_BYTES_MAX: usize = 16 * 1024;
/// Largest body that tells of an item, or of a prepared text, in bytes.
const ITEM_BYTES_MAX: usize = JSON_BYTES_MAX + json_bytes(ITEM_DESCRIPTION_MAX);
const CANNED_TEXT_BYTES_MAX: usize = JSON_BYTES_MAX + json_bytes(MESSAGE_TEXT_MAX);

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

/// The status of an error.
pub(crate) fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::WrongPassword
        | ErrorCode::CodeRequired
        | ErrorCode::CodeWrong
        | ErrorCode::Expired
        | ErrorCode::Revoked => StatusCode::UNAUTHORIZED,
        ErrorCode::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Version => StatusCode::UPGRADE_REQUIRED,
        ErrorCode::Origin | ErrorCode::NoAgent => StatusCode::FORBIDDEN,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::Invalid => StatusCode::BAD_REQUEST,
        ErrorCode::Conflict => StatusCode::CONFLICT,
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::UnsupportedType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        ErrorCode::Busy => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let Self(refusal) = self;
        let mut response = (status(refusal.code), Json(&refusal)).into_response();
        if let Some(wait) = refusal.retry_after_ms {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.div_ceil(1000)));
        }
        response.extensions_mut().insert(refusal.code);
        response
    }
}

/// All routes, each with what it asks for.
pub(crate) fn declared(routes: Routes) -> Routes {
    use Action as A;
    routes
        .on(A::Look, routes!(health))
        .on(A::Look, routes!(ready))
        .on(A::Look, routes!(openapi::document))
        .on(A::Look, routes!(info))
        .on(A::SignIn, routes!(sign_in))
        .on(A::SignOut, routes!(sign_out))
        .on(A::SignIn, routes!(refresh))
        .on(A::Talk, routes!(open_socket))
        .on(A::Talk, routes!(pull))
        .on_with_body(A::Talk, PUSH_BYTES_MAX, routes!(push))
        .on(A::ChangeMany, routes!(bulk::bulk))
        .on(A::Upload, routes!(transfer::create_upload))
        .on(A::Upload, routes!(transfer::find_upload))
        .on(A::Upload, routes!(transfer::append_upload))
        .on(A::Upload, routes!(transfer::cancel_upload))
        .on(A::ReadFile, routes!(transfer::download))
        .on(A::Search, routes!(search))
        .on(A::ReadVersions, routes!(versions))
        .on(A::ReadPeople, routes!(api::agents))
        .on(A::ManageAgents, routes!(api::add_agent))
        .on(A::ManageAgents, routes!(api::edit_agent))
        .on(A::ReadDevices, routes!(api::devices))
        .on(A::RevokeDevices, routes!(api::revoke_devices))
        .on(A::RevokeDevices, routes!(api::revoke_device))
        .on(A::ManageAgents, routes!(api::reset_second_factor))
        .on(A::ManageAgents, routes!(api::password_link))
        .on(A::ManageAgents, routes!(api::invitations))
        .on(A::ManageAgents, routes!(api::invite))
        .on(A::ManageAgents, routes!(api::revoke_invitation))
        .on(A::SignIn, routes!(own::look_at_link))
        .on(A::SignIn, routes!(own::use_link))
        .on(A::SignIn, routes!(own::begin_at_provider))
        .on(A::SignIn, routes!(own::come_back))
        .on(A::SignIn, routes!(own::look_at_sign_in))
        .on(A::SignIn, routes!(own::decide_sign_in))
        .on(A::SignIn, routes!(own::finish_at_provider))
        .on(A::SayAvailability, routes!(own::set_availability))
        .on(A::SecureOwnAccount, routes!(own::change_password))
        .on(A::SecureOwnAccount, routes!(own::second_factor))
        .on(A::SecureOwnAccount, routes!(own::begin_second_factor))
        .on(A::SecureOwnAccount, routes!(own::confirm_second_factor))
        .on(A::SecureOwnAccount, routes!(own::renew_recovery_codes))
        .on(A::SecureOwnAccount, routes!(own::turn_second_factor_off))
        .on(A::ReadPeople, routes!(api::teams))
        .on(A::ManageTeams, routes!(api::add_team))
        .on(A::ManageTeams, routes!(api::edit_team))
        .on(A::UseCannedTexts, routes!(api::canned_texts))
        .on_with_body(A::EditOwnTexts, CANNED_TEXT_BYTES_MAX, routes!(api::add_canned_text))
        .on_with_body(A::EditOwnTexts, CANNED_TEXT_BYTES_MAX, routes!(api::edit_canned_text))
        .on(A::EditOwnTexts, routes!(api::delete_canned_text))
        .on(A::ReadArticles, routes!(article_routes::articles))
        .on_with_body(A::EditArticles, article_routes::ARTICLE_BYTES_MAX, routes!(article_routes::add_article))
        .on(A::ReadArticles, routes!(article_routes::article))
        .on_with_body(A::EditArticles, article_routes::ARTICLE_BYTES_MAX, routes!(article_routes::edit_article))
        .on(A::EditArticles, routes!(article_routes::delete_article))
        .on(A::ReadArticle, routes!(article_routes::read_article))
        .on(A::ReadItems, routes!(api::items))
        .on_with_body(A::EditItems, ITEM_BYTES_MAX, routes!(api::add_item))
        .on(A::ReadItems, routes!(api::item))
        .on_with_body(A::EditItems, ITEM_BYTES_MAX, routes!(api::edit_item))
        .on(A::EditItems, routes!(api::link_item))
        .on(A::EditItems, routes!(api::unlink_item))
        .on(A::ReadItems, routes!(api::follow_item))
        .on(A::ReadItems, routes!(api::unfollow_item))
        .on(A::EditItems, routes!(api::ticket_from))
        .on(A::ReadPeople, routes!(api::sites))
        .on(A::ManageSites, routes!(api::add_site))
        .on(A::ManageSites, routes!(api::edit_site))
        .on(A::ManageBlocks, routes!(api::blocks))
        .on(A::ManageBlocks, routes!(api::block))
        .on(A::ManageBlocks, routes!(api::unblock))
        .on(A::SwitchDesk, routes!(availability_routes::desk_online))
        .on(A::SwitchDesk, routes!(availability_routes::switch_desk))
        .on(A::ManageSettings, routes!(auto_answer_routes::auto_answers))
        .on_with_body(
            A::ManageSettings,
            auto_answer_routes::BODY_BYTES_MAX,
            routes!(auto_answer_routes::add_auto_answer),
        )
        .on_with_body(
            A::ManageSettings,
            auto_answer_routes::BODY_BYTES_MAX,
            routes!(auto_answer_routes::replace_auto_answer),
        )
        .on(A::ManageSettings, routes!(auto_answer_routes::delete_auto_answer))
        .on(A::ManageSettings, routes!(flow_routes::flows))
        .on_with_body(A::ManageSettings, flows::BODY_BYTES_MAX, routes!(flow_routes::add_flow))
        .on_with_body(A::ManageSettings, flows::BODY_BYTES_MAX, routes!(flow_routes::replace_flow))
        .on(A::ManageSettings, routes!(flow_routes::delete_flow))
        .on(A::RunFlow, routes!(flow_routes::offered_flows))
        .on(A::ManageSettings, routes!(routing_routes::routing))
        .on_with_body(A::ManageSettings, routing_routes::ROUTING_BYTES_MAX, routes!(routing_routes::set_routing))
        .on(A::ManageSettings, routes!(availability_routes::hours))
        .on_with_body(A::ManageSettings, hours::BODY_BYTES_MAX, routes!(availability_routes::set_hours))
        .on(A::ManageSites, routes!(availability_routes::site_hours))
        .on_with_body(A::ManageSites, hours::BODY_BYTES_MAX, routes!(availability_routes::set_site_hours))
        .on(A::ManageSites, routes!(form_routes::forms))
        .on_with_body(A::ManageSites, forms::BODY_BYTES_MAX, routes!(form_routes::set_forms))
        .on(A::ManageSites, routes!(signature_routes::identity_secrets))
        .on(A::ManageSites, routes!(signature_routes::add_identity_secret))
        .on(A::ManageSites, routes!(signature_routes::delete_identity_secret))
        .on(A::ManageSites, routes!(signature_routes::check_identity))
        .on(A::ManageSettings, routes!(api::settings))
        .on_with_body(A::ManageSettings, live::BODY_BYTES_MAX, routes!(api::edit_settings))
        .on(A::ManageWebhooks, routes!(webhook_routes::webhooks))
        .on(A::ManageWebhooks, routes!(webhook_routes::add_webhook))
        .on(A::ManageWebhooks, routes!(webhook_routes::edit_webhook))
        .on(A::ManageWebhooks, routes!(webhook_routes::delete_webhook))
        .on(A::ManageWebhooks, routes!(webhook_routes::renew_webhook_secret))
        .on(A::ManageWebhooks, routes!(webhook_routes::webhook_deliveries))
        .on(A::ManageWebhooks, routes!(webhook_routes::deliver_again))
        .on(A::ExportPerson, routes!(api::export_person))
        .on(A::ErasePerson, routes!(api::erase_person))
        .on(A::MergePeople, routes!(api::merge_people))
        .on(A::ReadAudit, routes!(api::audit))
        .on(A::Look, routes!(assets::link))
        .on(A::Look, routes!(assets::loader))
        .on(A::Look, routes!(assets::panel))
        .on(A::Look, routes!(assets::asset))
}

/// The service.
pub(crate) fn router(serving: Serving) -> Router {
    let no_sniffing = HeaderValue::from_static("nosniff");
    let no_referrer = HeaderValue::from_static("no-referrer");
    declared(Routes::new(serving.clone()))
        .finish()
        .fallback(|| async { HttpError::from(Failure::not_found("address")) })
        .method_not_allowed_fallback(async || {
            let HttpError(refusal) = HttpError::from(Failure::not_found("method at this address"));
            (StatusCode::METHOD_NOT_ALLOWED, Json(refusal))
        })
        .layer(DefaultBodyLimit::max(JSON_BYTES_MAX))
        .layer(map_response_with_state(serving.clone(), count_error))
        .layer(SetResponseHeaderLayer::if_not_present(header::X_CONTENT_TYPE_OPTIONS, no_sniffing))
        .layer(SetResponseHeaderLayer::if_not_present(header::REFERRER_POLICY, no_referrer))
        .with_state(serving)
}

/// Counts a refusal by its code.
async fn count_error(State(serving): State<Serving>, response: Response) -> Response {
    if let Some(code) = response.extensions().get::<ErrorCode>() {
        serving.core.hub.metrics.error(*code);
    }
    response
}

/// What came with a request, or why it did not.
pub(crate) type Body = Result<Bytes, BytesRejection>;

/// A body as JSON.
pub(crate) fn json<T: DeserializeOwned>(body: Body) -> Result<T, HttpError> {
    let body = body.map_err(|_| Refusal::new(ErrorCode::TooLarge, "The request's body is too large."))?;
    // Serde would take a list for a structure, field by field.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Refusal::invalid("body", "must be a JSON object").into());
    }
    let mut reader = serde_json::Deserializer::from_slice(&body);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let (place, rule) = (error.path().to_string(), error.into_inner().to_string());
        Refusal::invalid(field(&place, &rule, "body"), &format!("cannot be read: {rule}"))
    })?;
    reader.end().map_err(|error| Refusal::invalid("body", &format!("cannot be read: {error}")))?;
    Ok(read)
}

/// A query, read into a type.
pub(crate) struct Params<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let Query(read) = Query::from_request_parts(parts, state).await.map_err(|error| {
            let words = error.body_text();
            let told = words.strip_prefix("Failed to deserialize query string: ").unwrap_or(&words);
            let (place, rule) = told.split_once(": ").unwrap_or(("", told));
            Refusal::invalid(field(place, rule, "query"), &format!("cannot be read: {rule}"))
        })?;
        Ok(Self(read))
    }
}

/// The field that an error is about: where it came up, or which one is missing or unknown there.
fn field<'e>(place: &'e str, rule: &'e str, whole: &'static str) -> &'e str {
    let named = rule.strip_prefix("missing field `").or_else(|| rule.strip_prefix("unknown field `"));
    match named.and_then(|rest| rest.split_once('`')) {
        Some((field, _)) => field,
        None if matches!(place, "" | "." | "?") => whole,
        None => place,
    }
}

/// Whether the server answers at all.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "server",
    responses((status = 200, body = String, content_type = "text/plain")),
)]
pub(crate) async fn health() -> &'static str {
    "ok"
}

/// Whether the server can do its work: the database takes what is written, and the disk has room. A server that is not
/// ready is alive all the same.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "server",
    responses((status = 200, body = String, content_type = "text/plain"), (status = 507)),
)]
pub(crate) async fn ready(State(serving): State<Serving>) -> Result<&'static str, HttpError> {
    let core = Arc::clone(&serving.core);
    let written = tokio::time::timeout(READY, core.writer.submit(|_| Ok(()))).await;
    written.map_err(|_| Failure::Busy)??;
    let free = tokio::task::spawn_blocking(move || operations::free_bytes(&core.settings.data)).await;
    match free {
        Ok(Ok(free)) if free >= operations::FREE_BYTES_LEAST => Ok("ready"),
        Ok(Ok(_)) => Err(Failure::DiskFull.into()),
        failed => {
            tracing::warn!(?failed, "the room on the disk cannot be told");
            Err(Failure::Internal.into())
        }
    }
}

/// Who answers at this address.
#[utoipa::path(get, path = "/v1/info", tag = "server", responses((status = 200, body = ServerInfo)))]
pub(crate) async fn info(State(serving): State<Serving>) -> Json<ServerInfo> {
    Json(ServerInfo {
        product: "deskbell".to_owned(),
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        desk: serving.core.name(),
        provider: serving.core.oidc.as_ref().map(|oidc| oidc.name().to_owned()),
    })
}

/// Sign in.
#[utoipa::path(
    post,
    path = "/v1/session",
    tag = "session",
    request_body = SignIn,
    responses((status = 200, body = SignedIn), (status = 401), (status = 429)),
)]
pub(crate) async fn sign_in(
    State(serving): State<Serving>,
    asker: Asker,
    body: Body,
) -> Result<Json<SignedIn>, HttpError> {
    let SignIn { email, password, code, device, system } = json(body)?;
    let code = code.unwrap_or_default();
    let device = Newcomer { name: device, system, region: serving.core.geo.region(asker.address) };
    Ok(Json(accounts::sign_in(&serving.core, asker.address, &email, password, code, device).await?))
}

/// A new pair of tokens for a refresh token, which is spent by it.
#[utoipa::path(
    post,
    path = "/v1/session/refresh",
    tag = "session",
    request_body = Refresh,
    responses((status = 200, body = SignedIn), (status = 401), (status = 429)),
)]
pub(crate) async fn refresh(
    State(serving): State<Serving>,
    asker: Asker,
    body: Body,
) -> Result<Json<SignedIn>, HttpError> {
    let Refresh { refresh_token } = json(body)?;
    Ok(Json(accounts::refresh(&serving.core, asker.address, &refresh_token).await?))
}

/// Sign out.
#[utoipa::path(delete, path = "/v1/session", tag = "session", responses((status = 204)))]
pub(crate) async fn sign_out(State(serving): State<Serving>, asker: Asker) -> Result<StatusCode, HttpError> {
    accounts::sign_out(&serving.core, asker.session()?.device).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Open the socket, in which everything happens live: docs/PROTOCOL.md.
#[utoipa::path(
    get,
    path = "/v1/socket",
    tag = "conversations",
    responses((status = 101, description = "A WebSocket that speaks `chat.v1`"), (status = 400)),
)]
pub(crate) async fn open_socket(
    State(serving): State<Serving>,
    asker: Asker,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, HttpError> {
    let upgrade = upgrade
        .map_err(|_| Refusal::invalid("upgrade", "this address speaks WebSocket only"))?
        .protocols([SUBPROTOCOL])
        .read_buffer_size(4 * 1024)
        .write_buffer_size(16 * 1024)
        .max_frame_size(FRAME_BYTES_MAX)
        .max_message_size(FRAME_BYTES_MAX);
    let caller = caller(&asker, &headers);
    let tasks = serving.tasks.clone();
    // The session's task belongs to the tracker, which the server waits for.
    Ok(upgrade.on_upgrade(move |socket| {
        tasks.track_future(async move {
            match asker.identity {
                Some(identity) => {
                    // Agents are few, and need not make a visitor's task as large as theirs.
                    Box::pin(socket::run(socket, &serving.core.hub.metrics, AGENT_FRAMES, |incoming, outgoing| {
                        session_agent::run(&serving, identity, asker.address, incoming, outgoing)
                    }))
                    .await;
                }
                None => {
                    socket::run(socket, &serving.core.hub.metrics, VISITOR_FRAMES, |incoming, outgoing| {
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
        until: asker.until,
        token: asker.token,
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

/// The frames that a socket would bring. Waits for news when asked to.
#[utoipa::path(
    post,
    path = "/v1/pull",
    tag = "conversations",
    request_body = Pull,
    responses((status = 200, body = Pulled), (status = 403), (status = 426), (status = 429)),
)]
pub(crate) async fn pull(
    State(serving): State<Serving>,
    asker: Asker,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Pulled>, HttpError> {
    let speaker = speaker(&serving.core, asker, &headers)?;
    Ok(Json(pull::pull(&serving, speaker, json(body)?).await?))
}

/// Do what a few frames say: write, assign, close and so on.
#[utoipa::path(
    post,
    path = "/v1/cmd",
    tag = "conversations",
    request_body = Push,
    responses((status = 200, body = Pushed), (status = 403), (status = 429)),
)]
pub(crate) async fn push(
    State(serving): State<Serving>,
    asker: Asker,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Pushed>, HttpError> {
    let speaker = speaker(&serving.core, asker, &headers)?;
    Ok(Json(pull::push(&serving.core, speaker, json(body)?).await?))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// Words, and `from:`, `site:` and so on.
    #[serde(default)]
    #[param(max_length = 2000)]
    q: String,
    /// At most so many; 100 in any case.
    limit: Option<u32>,
    /// In place of the days that `q` names, when they begin in the agent's own time, in milliseconds.
    #[param(value_type = Option<i64>)]
    after: Option<Timestamp>,
    /// Likewise, when they end.
    #[param(value_type = Option<i64>)]
    before: Option<Timestamp>,
}

/// Search what one may see, newest first.
#[utoipa::path(
    get,
    path = "/v1/search",
    tag = "conversations",
    params(SearchQuery),
    responses((status = 200, body = FoundMessages)),
)]
pub(crate) async fn search(
    State(serving): State<Serving>,
    Params(query): Params<SearchQuery>,
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
    // On a full disk, say, what is in the indexes already is still found.
    if let Err(failure) = findable::settle(core).await {
        tracing::warn!(?failure, "what was just written is not found");
    }
    let messages =
        core.readers.read(move |connection| store::search::find(connection, &asked, me, after, before, limit)).await?;
    Ok(Json(FoundMessages { messages }))
}

/// What a message said before it was edited or deleted.
#[utoipa::path(
    get,
    path = "/v1/messages/{id}/versions",
    tag = "conversations",
    params(("id" = MessageId, Path, description = "The message")),
    responses((status = 200, body = MessageVersions)),
)]
pub(crate) async fn versions(
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
