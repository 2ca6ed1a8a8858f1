//! Secrets with which shops sign who their visitors are, over HTTP.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Json;
use deskbell_protocol::SiteId;
use deskbell_protocol::http::{IdentityCheck, IdentityChecked, IdentitySecret, IdentitySecretShown};

use crate::api::{Answer, NO_STORE, Shown, administration, id};
use crate::desk::Serving;
use crate::http::{Body, HttpError, json};
use crate::routes::Asker;

/// The secrets with which a site's shop signs who its visitors are, without what they are.
#[utoipa::path(
    get,
    path = "/v1/sites/{id}/identity-secrets",
    tag = "desk",
    params(("id" = SiteId, Path, description = "The site")),
    responses((status = 200, body = Vec<IdentitySecret>)),
)]
pub(crate) async fn identity_secrets(
    State(serving): State<Serving>,
    Path(site): Path<String>,
    asker: Asker,
) -> Answer<Vec<IdentitySecret>> {
    Ok(Json(administration(&serving, &asker)?.identity_secrets(id(&site, "site")?).await?))
}

/// Make a secret beside the one that is in use. The answer holds it, and it is not told again.
#[utoipa::path(
    post,
    path = "/v1/sites/{id}/identity-secrets",
    tag = "desk",
    params(("id" = SiteId, Path, description = "The site")),
    responses((status = 201, body = IdentitySecretShown), (status = 409)),
)]
pub(crate) async fn add_identity_secret(
    State(serving): State<Serving>,
    Path(site): Path<String>,
    asker: Asker,
) -> Shown<IdentitySecretShown> {
    let made = administration(&serving, &asker)?.add_identity_secret(id(&site, "site")?).await?;
    Ok((StatusCode::CREATED, NO_STORE, Json(made)))
}

/// Delete a secret. Whoever proved by it who they are has to prove it anew.
#[utoipa::path(
    delete,
    path = "/v1/sites/{id}/identity-secrets/{secret}",
    tag = "desk",
    params(
        ("id" = SiteId, Path, description = "The site"),
        ("secret" = i64, Path, description = "The secret"),
    ),
    responses((status = 204)),
)]
pub(crate) async fn delete_identity_secret(
    State(serving): State<Serving>,
    Path((site, secret)): Path<(String, String)>,
    asker: Asker,
) -> Result<StatusCode, HttpError> {
    let (site, secret) = (id(&site, "site")?, id(&secret, "secret")?);
    administration(&serving, &asker)?.delete_identity_secret(site, secret).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Read what a shop's server has signed, as the messenger's would be read, and say what is wrong with it.
#[utoipa::path(
    post,
    path = "/v1/sites/{id}/identity-check",
    tag = "desk",
    params(("id" = SiteId, Path, description = "The site")),
    request_body = IdentityCheck,
    responses((status = 200, body = IdentityChecked)),
)]
pub(crate) async fn check_identity(
    State(serving): State<Serving>,
    Path(site): Path<String>,
    asker: Asker,
    body: Body,
) -> Answer<IdentityChecked> {
    let check: IdentityCheck = json(body)?;
    Ok(Json(administration(&serving, &asker)?.check_identity(id(&site, "site")?, check).await?))
}
