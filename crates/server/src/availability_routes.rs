//! The switch and the hours of the desk over HTTP.

use axum::extract::{Path, State};
use axum::response::Json;
use deskbell_protocol::SiteId;
use deskbell_protocol::http::{DeskOnline, HoursSetting};

use crate::api::{Answer, administration, id};
use crate::desk::Serving;
use crate::http::{Body, json};
use crate::routes::Asker;

/// Whether the desk is switched on.
#[utoipa::path(get, path = "/v1/desk/online", tag = "desk", responses((status = 200, body = DeskOnline)))]
pub(crate) async fn desk_online(State(serving): State<Serving>) -> Answer<DeskOnline> {
    Ok(Json(DeskOnline { online: !serving.core.live.get().offline }))
}

/// Switch the whole desk online or offline. Offline it takes messages all the same.
#[utoipa::path(
    put,
    path = "/v1/desk/online",
    tag = "desk",
    request_body = DeskOnline,
    responses((status = 200, body = DeskOnline)),
)]
pub(crate) async fn switch_desk(State(serving): State<Serving>, asker: Asker, body: Body) -> Answer<DeskOnline> {
    let wanted: DeskOnline = json(body)?;
    administration(&serving, &asker)?.switch(wanted.online).await?;
    Ok(Json(wanted))
}

/// When the desk is open.
#[utoipa::path(get, path = "/v1/hours", tag = "desk", responses((status = 200, body = HoursSetting)))]
pub(crate) async fn hours(State(serving): State<Serving>, asker: Asker) -> Answer<HoursSetting> {
    Ok(Json(administration(&serving, &asker)?.hours(None).await?))
}

/// Decide when the desk is open. Closed it takes messages all the same.
#[utoipa::path(
    put,
    path = "/v1/hours",
    tag = "desk",
    request_body = HoursSetting,
    responses((status = 200, body = HoursSetting)),
)]
pub(crate) async fn set_hours(State(serving): State<Serving>, asker: Asker, body: Body) -> Answer<HoursSetting> {
    let wanted: HoursSetting = json(body)?;
    Ok(Json(administration(&serving, &asker)?.set_hours(None, wanted).await?))
}

/// When the desk is open for a site's visitors.
#[utoipa::path(
    get,
    path = "/v1/sites/{id}/hours",
    tag = "desk",
    params(("id" = SiteId, Path, description = "The site")),
    responses((status = 200, body = HoursSetting)),
)]
pub(crate) async fn site_hours(
    State(serving): State<Serving>,
    Path(site): Path<String>,
    asker: Asker,
) -> Answer<HoursSetting> {
    Ok(Json(administration(&serving, &asker)?.hours(Some(id(&site, "site")?)).await?))
}

/// Decide when the desk is open for a site's visitors.
#[utoipa::path(
    put,
    path = "/v1/sites/{id}/hours",
    tag = "desk",
    params(("id" = SiteId, Path, description = "The site")),
    request_body = HoursSetting,
    responses((status = 200, body = HoursSetting)),
)]
pub(crate) async fn set_site_hours(
    State(serving): State<Serving>,
    Path(site): Path<String>,
    asker: Asker,
    body: Body,
) -> Answer<HoursSetting> {
    let wanted: HoursSetting = json(body)?;
    let site = id(&site, "site")?;
    Ok(Json(administration(&serving, &asker)?.set_hours(Some(site), wanted).await?))
}
