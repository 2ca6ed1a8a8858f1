//! What agents do with their own sign-in over HTTP, and those who are to become agents.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Json, Redirect, Response};
use deskbell_protocol::http::{
    Availability, LinkSeen, LinkToken, LinkUse, PasswordAgain, PasswordChange, ProviderBegin, ProviderBegun,
    ProviderDecision, ProviderFinish, ProviderFinished, ProviderSeen, RecoveryCodes, SecondFactor, SecondFactorCode,
    SecondFactorProof, SecondFactorSecret,
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::accounts::Newcomer;
use crate::api::{NO_STORE, Shown, administration};
use crate::desk::Serving;
use crate::http::{Body, HttpError, Params, json};
use crate::links;
use crate::oidc::Oidc;
use crate::routes::Asker;
use crate::second_factor::Own;
use crate::store::Failure;

/// Where a browser is sent that brought nothing of use.
const FAILED: &str = "/link#failed";

fn own<'s>(serving: &'s Serving, asker: &Asker) -> Result<Own<'s>, HttpError> {
    Ok(Own::new(&serving.core, asker.session()?, asker.address))
}

/// Whether one's own sign-in asks for a second factor.
#[utoipa::path(get, path = "/v1/second-factor", tag = "account", responses((status = 200, body = SecondFactor)))]
pub(crate) async fn second_factor(
    State(serving): State<Serving>,
    asker: Asker,
) -> Result<Json<SecondFactor>, HttpError> {
    Ok(Json(own(&serving, &asker)?.state().await?))
}

/// A secret for an app that makes codes. It asks for nothing before a code has confirmed it.
#[utoipa::path(
    post,
    path = "/v1/second-factor",
    tag = "account",
    request_body = PasswordAgain,
    responses((status = 201, body = SecondFactorSecret), (status = 409), (status = 429)),
)]
pub(crate) async fn begin_second_factor(
    State(serving): State<Serving>,
    asker: Asker,
    body: Body,
) -> Shown<SecondFactorSecret> {
    let PasswordAgain { password } = json(body)?;
    Ok((StatusCode::CREATED, NO_STORE, Json(own(&serving, &asker)?.begin(password).await?)))
}

/// Turn the second factor on, with a code that the app has made.
#[utoipa::path(
    post,
    path = "/v1/second-factor/confirm",
    tag = "account",
    request_body = SecondFactorCode,
    responses((status = 200, body = RecoveryCodes), (status = 429)),
)]
pub(crate) async fn confirm_second_factor(
    State(serving): State<Serving>,
    asker: Asker,
    body: Body,
) -> Shown<RecoveryCodes> {
    let SecondFactorCode { code } = json(body)?;
    Ok((StatusCode::OK, NO_STORE, Json(own(&serving, &asker)?.confirm(code).await?)))
}

/// Ten new recovery codes in the place of the old ones.
#[utoipa::path(
    post,
    path = "/v1/second-factor/recovery-codes",
    tag = "account",
    request_body = SecondFactorProof,
    responses((status = 200, body = RecoveryCodes), (status = 429)),
)]
pub(crate) async fn renew_recovery_codes(
    State(serving): State<Serving>,
    asker: Asker,
    body: Body,
) -> Shown<RecoveryCodes> {
    let SecondFactorProof { password, code } = json(body)?;
    Ok((StatusCode::OK, NO_STORE, Json(own(&serving, &asker)?.renew_codes(password, code).await?)))
}

/// Turn the second factor off.
#[utoipa::path(
    post,
    path = "/v1/second-factor/off",
    tag = "account",
    request_body = SecondFactorProof,
    responses((status = 204), (status = 429)),
)]
pub(crate) async fn turn_second_factor_off(
    State(serving): State<Serving>,
    asker: Asker,
    body: Body,
) -> Result<StatusCode, HttpError> {
    let SecondFactorProof { password, code } = json(body)?;
    own(&serving, &asker)?.turn_off(password, code).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new password of one's own. All other sessions end.
#[utoipa::path(
    put,
    path = "/v1/password",
    tag = "account",
    request_body = PasswordChange,
    responses((status = 204), (status = 429)),
)]
pub(crate) async fn change_password(
    State(serving): State<Serving>,
    asker: Asker,
    body: Body,
) -> Result<StatusCode, HttpError> {
    let PasswordChange { old, new } = json(body)?;
    let device = asker.session()?.device;
    own(&serving, &asker)?.change_password(old, new, device).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Say whether one wants conversations to be given to one.
#[utoipa::path(
    put,
    path = "/v1/availability",
    tag = "account",
    request_body = Availability,
    responses((status = 200, body = Availability)),
)]
pub(crate) async fn set_availability(
    State(serving): State<Serving>,
    asker: Asker,
    body: Body,
) -> Result<Json<Availability>, HttpError> {
    let availability: Availability = json(body)?;
    administration(&serving, &asker)?.set_away(availability.away).await?;
    Ok(Json(availability))
}

/// What a link is for. Its token comes in the body, so that no log of addresses has it.
#[utoipa::path(
    post,
    path = "/v1/links/look",
    tag = "account",
    request_body = LinkToken,
    responses((status = 200, body = LinkSeen), (status = 404), (status = 429)),
)]
pub(crate) async fn look_at_link(State(serving): State<Serving>, asker: Asker, body: Body) -> Shown<LinkSeen> {
    let LinkToken { token } = json(body)?;
    Ok((StatusCode::OK, NO_STORE, Json(links::look(&serving.core, asker.address, &token).await?)))
}

/// Use a link up: become an agent, or set a new password.
#[utoipa::path(
    post,
    path = "/v1/links/use",
    tag = "account",
    request_body = LinkUse,
    responses((status = 204), (status = 404), (status = 429)),
)]
pub(crate) async fn use_link(
    State(serving): State<Serving>,
    asker: Asker,
    body: Body,
) -> Result<StatusCode, HttpError> {
    let used: LinkUse = json(body)?;
    links::open(&serving.core, asker.address, used).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn oidc(serving: &Serving) -> Result<&Oidc, HttpError> {
    Ok(serving.core.oidc.as_ref().ok_or_else(|| Failure::not_found("identity provider"))?)
}

/// Begin to sign in at the desk's identity provider.
#[utoipa::path(
    post,
    path = "/v1/provider/begin",
    tag = "session",
    request_body = ProviderBegin,
    responses((status = 201, body = ProviderBegun), (status = 404), (status = 429)),
)]
pub(crate) async fn begin_at_provider(
    State(serving): State<Serving>,
    asker: Asker,
    body: Body,
) -> Shown<ProviderBegun> {
    let oidc = oidc(&serving)?;
    links::count(&serving.core, asker.address)?;
    let begin: ProviderBegin = json(body)?;
    let region = serving.core.geo.region(asker.address);
    let device = Newcomer { name: begin.device.clone(), system: begin.system.clone(), region };
    Ok((StatusCode::CREATED, NO_STORE, Json(oidc.begin(begin, device).await?)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Back {
    /// Names the attempt, once.
    #[serde(default)]
    state: String,
    /// The provider's word, to be exchanged.
    code: Option<String>,
}

/// Where the provider sends the browser. What the page shows stands behind `#`, where no log has it.
#[utoipa::path(
    get,
    path = "/v1/provider/callback",
    tag = "session",
    params(Back),
    responses((status = 303, description = "To the page"), (status = 404)),
)]
pub(crate) async fn come_back(
    State(serving): State<Serving>,
    asker: Asker,
    Params(Back { state, code }): Params<Back>,
) -> Result<Response, HttpError> {
    let back = oidc(&serving)?.come_back(&serving.core, asker.address, &state, code).await;
    let page = back.map_or_else(|_| FAILED.to_owned(), |token| format!("/link#p.{token}"));
    Ok((NO_STORE, Redirect::to(&page)).into_response())
}

/// What the browser's page asks the person about.
#[utoipa::path(
    post,
    path = "/v1/provider/look",
    tag = "session",
    request_body = LinkToken,
    responses((status = 200, body = ProviderSeen), (status = 404)),
)]
pub(crate) async fn look_at_sign_in(State(serving): State<Serving>, body: Body) -> Shown<ProviderSeen> {
    let LinkToken { token } = json(body)?;
    Ok((StatusCode::OK, NO_STORE, Json(oidc(&serving)?.look(&serving.core, &token)?)))
}

/// The person says whether it was they who began.
#[utoipa::path(
    post,
    path = "/v1/provider/decide",
    tag = "session",
    request_body = ProviderDecision,
    responses((status = 204), (status = 404)),
)]
pub(crate) async fn decide_sign_in(State(serving): State<Serving>, body: Body) -> Result<StatusCode, HttpError> {
    let ProviderDecision { token, agreed } = json(body)?;
    oidc(&serving)?.decide(&token, agreed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The session, for the app that began; it waits for the person, for 20 seconds at the most.
#[utoipa::path(
    post,
    path = "/v1/provider/finish",
    tag = "session",
    request_body = ProviderFinish,
    responses((status = 200, body = ProviderFinished), (status = 403), (status = 404)),
)]
pub(crate) async fn finish_at_provider(State(serving): State<Serving>, body: Body) -> Shown<ProviderFinished> {
    let oidc = oidc(&serving)?;
    let ProviderFinish { request, secret } = json(body)?;
    let signed_in = tokio::select! {
        signed_in = oidc.finish(&serving.core, &request, &secret) => signed_in?,
        () = serving.stopping.cancelled() => None,
    };
    Ok((StatusCode::OK, NO_STORE, Json(ProviderFinished { signed_in: signed_in.map(Box::new) })))
}
