//! What agents do with their own sign-in over HTTP, and those who are to become agents.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use deskbell_protocol::http::{
    LinkSeen, LinkToken, LinkUse, PasswordAgain, PasswordChange, RecoveryCodes, SecondFactor, SecondFactorCode,
    SecondFactorProof, SecondFactorSecret,
};

use crate::api::{NO_STORE, Shown};
use crate::desk::Serving;
use crate::http::{Body, HttpError, json};
use crate::links;
use crate::routes::Asker;
use crate::second_factor::Own;

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
