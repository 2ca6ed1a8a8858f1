//! What a site asks visitors, over HTTP.

use axum::extract::{Path, State};
use axum::response::Json;
use deskbell_protocol::{SiteForms, SiteId};

use crate::api::{Answer, administration, id};
use crate::desk::Serving;
use crate::http::{Body, json};
use crate::routes::Asker;

/// What a site asks visitors before their first message.
#[utoipa::path(
    get,
    path = "/v1/sites/{id}/forms",
    tag = "desk",
    params(("id" = SiteId, Path, description = "The site")),
    responses((status = 200, body = SiteForms)),
)]
pub(crate) async fn forms(State(serving): State<Serving>, Path(site): Path<String>, asker: Asker) -> Answer<SiteForms> {
    Ok(Json(administration(&serving, &asker)?.forms(id(&site, "site")?).await?))
}

/// Decide what a site asks visitors before their first message.
#[utoipa::path(
    put,
    path = "/v1/sites/{id}/forms",
    tag = "desk",
    params(("id" = SiteId, Path, description = "The site")),
    request_body = SiteForms,
    responses((status = 200, body = SiteForms)),
)]
pub(crate) async fn set_forms(
    State(serving): State<Serving>,
    Path(site): Path<String>,
    asker: Asker,
    body: Body,
) -> Answer<SiteForms> {
    let wanted: SiteForms = json(body)?;
    Ok(Json(administration(&serving, &asker)?.set_forms(id(&site, "site")?, wanted).await?))
}
