//! To which team new conversations go, over HTTP.

use axum::extract::State;
use axum::response::Json;
use deskbell_protocol::Routing;

use crate::api::{Answer, administration};
use crate::desk::Serving;
use crate::http::{Body, json};
use crate::routes::Asker;

/// Largest list of rules, in bytes.
pub(crate) const ROUTING_BYTES_MAX: usize = 128 * 1024;

/// To which team new conversations go.
#[utoipa::path(get, path = "/v1/routing", tag = "desk", responses((status = 200, body = Routing)))]
pub(crate) async fn routing(State(serving): State<Serving>, asker: Asker) -> Answer<Routing> {
    Ok(Json(administration(&serving, &asker)?.routing().await?))
}

/// Put other rules in the place of all.
#[utoipa::path(put, path = "/v1/routing", tag = "desk", request_body = Routing, responses((status = 200, body = Routing)))]
pub(crate) async fn set_routing(State(serving): State<Serving>, asker: Asker, body: Body) -> Answer<Routing> {
    let given: Routing = json(body)?;
    Ok(Json(administration(&serving, &asker)?.set_routing(given).await?))
}
