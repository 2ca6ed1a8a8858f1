//! Webhooks over HTTP.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Json;
use deskbell_protocol::http::{NewWebhook, Webhook, WebhookDeliveries, WebhookEdit, WebhookWithSecret};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::{Answer, NO_STORE, Shown, administration, id};
use crate::desk::Serving;
use crate::http::{Body, HttpError, Params, json};
use crate::routes::Asker;

/// The addresses that are told of what happens.
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks", responses((status = 200, body = Vec<Webhook>)))]
pub(crate) async fn webhooks(State(serving): State<Serving>, asker: Asker) -> Answer<Vec<Webhook>> {
    Ok(Json(administration(&serving, &asker)?.webhooks().await?))
}

/// Add an address. The answer holds its secret, which is not told again.
#[utoipa::path(
    post,
    path = "/v1/webhooks",
    tag = "webhooks",
    request_body = NewWebhook,
    responses((status = 201, body = WebhookWithSecret)),
)]
pub(crate) async fn add_webhook(State(serving): State<Serving>, asker: Asker, body: Body) -> Shown<WebhookWithSecret> {
    let new: NewWebhook = json(body)?;
    Ok((StatusCode::CREATED, NO_STORE, Json(administration(&serving, &asker)?.add_webhook(new).await?)))
}

/// Change an address, or switch it off or on.
#[utoipa::path(
    patch,
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    params(("id" = i64, Path, description = "The webhook")),
    request_body = WebhookEdit,
    responses((status = 200, body = Webhook)),
)]
pub(crate) async fn edit_webhook(
    State(serving): State<Serving>,
    Path(webhook): Path<String>,
    asker: Asker,
    body: Body,
) -> Answer<Webhook> {
    let edit: WebhookEdit = json(body)?;
    Ok(Json(administration(&serving, &asker)?.edit_webhook(id(&webhook, "webhook")?, edit).await?))
}

/// Delete an address with all that waits for it.
#[utoipa::path(
    delete,
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    params(("id" = i64, Path, description = "The webhook")),
    responses((status = 204)),
)]
pub(crate) async fn delete_webhook(
    State(serving): State<Serving>,
    Path(webhook): Path<String>,
    asker: Asker,
) -> Result<StatusCode, HttpError> {
    administration(&serving, &asker)?.delete_webhook(id(&webhook, "webhook")?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new secret in the place of the old one.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/secret",
    tag = "webhooks",
    params(("id" = i64, Path, description = "The webhook")),
    responses((status = 201, body = WebhookWithSecret)),
)]
pub(crate) async fn renew_webhook_secret(
    State(serving): State<Serving>,
    Path(webhook): Path<String>,
    asker: Asker,
) -> Shown<WebhookWithSecret> {
    let renewed = administration(&serving, &asker)?.renew_webhook_secret(id(&webhook, "webhook")?).await?;
    Ok((StatusCode::CREATED, NO_STORE, Json(renewed)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveriesQuery {
    /// Only deliveries with smaller ids.
    before: Option<i64>,
}

/// What an address was told and is to be told, newest first.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{id}/deliveries",
    tag = "webhooks",
    params(("id" = i64, Path, description = "The webhook"), DeliveriesQuery),
    responses((status = 200, body = WebhookDeliveries)),
)]
pub(crate) async fn webhook_deliveries(
    State(serving): State<Serving>,
    Path(webhook): Path<String>,
    Params(DeliveriesQuery { before }): Params<DeliveriesQuery>,
    asker: Asker,
) -> Answer<WebhookDeliveries> {
    Ok(Json(administration(&serving, &asker)?.webhook_deliveries(id(&webhook, "webhook")?, before).await?))
}

/// Tell an address something again.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/deliveries/{delivery}",
    tag = "webhooks",
    params(
        ("id" = i64, Path, description = "The webhook"),
        ("delivery" = i64, Path, description = "The delivery"),
    ),
    responses((status = 202), (status = 409)),
)]
pub(crate) async fn deliver_again(
    State(serving): State<Serving>,
    Path((webhook, delivery)): Path<(String, String)>,
    asker: Asker,
) -> Result<StatusCode, HttpError> {
    let (webhook, delivery) = (id(&webhook, "webhook")?, id(&delivery, "delivery")?);
    administration(&serving, &asker)?.deliver_again(webhook, delivery).await?;
    Ok(StatusCode::ACCEPTED)
}
