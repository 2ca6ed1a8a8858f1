//! What the desk answers by itself, over HTTP.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Json;
use deskbell_protocol::http::{AutoAnswer, NewAutoAnswer};

use crate::api::{Answer, Made, administration, id};
use crate::desk::Serving;
use crate::http::{Body, HttpError, JSON_BYTES_MAX, json};
use crate::routes::Asker;
use crate::text::{self, LANGUAGES_MAX};

/// Largest body that tells of a rule, in bytes: 2,000 characters in each language.
pub(crate) const BODY_BYTES_MAX: usize = JSON_BYTES_MAX + text::json_bytes(2_000 * LANGUAGES_MAX);

/// What the desk answers by itself.
#[utoipa::path(get, path = "/v1/auto-answers", tag = "desk", responses((status = 200, body = Vec<AutoAnswer>)))]
pub(crate) async fn auto_answers(State(serving): State<Serving>, asker: Asker) -> Answer<Vec<AutoAnswer>> {
    Ok(Json(administration(&serving, &asker)?.auto_answers().await?))
}

/// Have the desk answer something by itself.
#[utoipa::path(
    post,
    path = "/v1/auto-answers",
    tag = "desk",
    request_body = NewAutoAnswer,
    responses((status = 201, body = AutoAnswer)),
)]
pub(crate) async fn add_auto_answer(State(serving): State<Serving>, asker: Asker, body: Body) -> Made<AutoAnswer> {
    let new: NewAutoAnswer = json(body)?;
    Ok((StatusCode::CREATED, Json(administration(&serving, &asker)?.put_auto_answer(None, new).await?)))
}

/// Have the desk answer something else in its place.
#[utoipa::path(
    put,
    path = "/v1/auto-answers/{id}",
    tag = "desk",
    params(("id" = i64, Path, description = "The automatic answer")),
    request_body = NewAutoAnswer,
    responses((status = 200, body = AutoAnswer)),
)]
pub(crate) async fn replace_auto_answer(
    State(serving): State<Serving>,
    Path(answer): Path<String>,
    asker: Asker,
    body: Body,
) -> Answer<AutoAnswer> {
    let new: NewAutoAnswer = json(body)?;
    let answer = id(&answer, "automatic answer")?;
    Ok(Json(administration(&serving, &asker)?.put_auto_answer(Some(answer), new).await?))
}

/// Take an automatic answer away, with what it would have said.
#[utoipa::path(
    delete,
    path = "/v1/auto-answers/{id}",
    tag = "desk",
    params(("id" = i64, Path, description = "The automatic answer")),
    responses((status = 204)),
)]
pub(crate) async fn delete_auto_answer(
    State(serving): State<Serving>,
    Path(answer): Path<String>,
    asker: Asker,
) -> Result<StatusCode, HttpError> {
    administration(&serving, &asker)?.delete_auto_answer(id(&answer, "automatic answer")?).await?;
    Ok(StatusCode::NO_CONTENT)
}
