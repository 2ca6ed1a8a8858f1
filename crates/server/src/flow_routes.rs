//! Flows over HTTP.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Json;
use deskbell_protocol::{Flow, NewFlow, OfferedFlow};

use crate::api::{Answer, Made, administration, id};
use crate::desk::Serving;
use crate::http::{Body, HttpError, json};
use crate::routes::Asker;

/// All flows.
#[utoipa::path(get, path = "/v1/flows", tag = "desk", responses((status = 200, body = Vec<Flow>)))]
pub(crate) async fn flows(State(serving): State<Serving>, asker: Asker) -> Answer<Vec<Flow>> {
    Ok(Json(administration(&serving, &asker)?.flows().await?))
}

/// Add a flow.
#[utoipa::path(post, path = "/v1/flows", tag = "desk", request_body = NewFlow, responses((status = 201, body = Flow)))]
pub(crate) async fn add_flow(State(serving): State<Serving>, asker: Asker, body: Body) -> Made<Flow> {
    let new: NewFlow = json(body)?;
    Ok((StatusCode::CREATED, Json(administration(&serving, &asker)?.put_flow(None, new).await?)))
}

/// Put another flow in the place of one. Where it talks already, it goes on as it was.
#[utoipa::path(
    put,
    path = "/v1/flows/{id}",
    tag = "desk",
    params(("id" = i64, Path, description = "The flow")),
    request_body = NewFlow,
    responses((status = 200, body = Flow)),
)]
pub(crate) async fn replace_flow(
    State(serving): State<Serving>,
    Path(flow): Path<String>,
    asker: Asker,
    body: Body,
) -> Answer<Flow> {
    let new: NewFlow = json(body)?;
    let flow = id(&flow, "flow")?;
    Ok(Json(administration(&serving, &asker)?.put_flow(Some(flow), new).await?))
}

/// Take a flow away. Where it talks already, it goes on.
#[utoipa::path(
    delete,
    path = "/v1/flows/{id}",
    tag = "desk",
    params(("id" = i64, Path, description = "The flow")),
    responses((status = 204)),
)]
pub(crate) async fn delete_flow(
    State(serving): State<Serving>,
    Path(flow): Path<String>,
    asker: Asker,
) -> Result<StatusCode, HttpError> {
    administration(&serving, &asker)?.delete_flow(id(&flow, "flow")?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The flows that you may begin in a conversation, with the command `start_flow`.
#[utoipa::path(
    get,
    path = "/v1/conversations/{id}/flows",
    tag = "conversations",
    params(("id" = i64, Path, description = "The conversation")),
    responses((status = 200, body = Vec<OfferedFlow>)),
)]
pub(crate) async fn offered_flows(
    State(serving): State<Serving>,
    Path(conversation): Path<String>,
    asker: Asker,
) -> Answer<Vec<OfferedFlow>> {
    Ok(Json(administration(&serving, &asker)?.offered_flows(id(&conversation, "conversation")?).await?))
}
