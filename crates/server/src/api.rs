//! Administration over HTTP: people, teams, sites, and who changed what.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Json;
use deskbell_protocol::http::{AgentEdit, AuditPage, Device, NewAgent, Revoked, SiteEdit, TeamEdit};
use deskbell_protocol::{Agent, Site, Team};
use serde::Deserialize;

use crate::administration::Administration;
use crate::desk::Serving;
use crate::http::{HttpError, json};
use crate::people::{Actor, Which};
use crate::routes::Asker;
use crate::store::Failure;

type Body = Result<Bytes, BytesRejection>;
type Answer<T> = Result<Json<T>, HttpError>;
type Made<T> = Result<(StatusCode, Json<T>), HttpError>;

/// The desk's administration in the hands of whoever asks.
fn administration(serving: &Serving, asker: &Asker) -> Result<Administration, HttpError> {
    let actor = Actor::agent(asker.session()?, asker.address);
    Ok(Administration::new(Arc::clone(&serving.core), actor))
}

/// An id in an address; what is no number names nothing.
fn id<T: From<i64>>(text: &str, what: &str) -> Result<T, HttpError> {
    Ok(text.parse::<i64>().map_err(|_| Failure::not_found(what))?.into())
}

pub(crate) async fn agents(State(serving): State<Serving>, asker: Asker) -> Answer<Vec<Agent>> {
    Ok(Json(administration(&serving, &asker)?.agents().await?))
}

pub(crate) async fn add_agent(State(serving): State<Serving>, asker: Asker, body: Body) -> Made<Agent> {
    let NewAgent { name, email, password, role } = json(body)?;
    let agent = administration(&serving, &asker)?.add_agent(&name, &email, &password, role).await?;
    Ok((StatusCode::CREATED, Json(agent)))
}

pub(crate) async fn edit_agent(
    State(serving): State<Serving>,
    Path(agent): Path<String>,
    asker: Asker,
    body: Body,
) -> Answer<Agent> {
    let edit: AgentEdit = json(body)?;
    Ok(Json(administration(&serving, &asker)?.edit_agent(id(&agent, "agent")?, edit).await?))
}

pub(crate) async fn devices(
    State(serving): State<Serving>,
    Path(agent): Path<String>,
    asker: Asker,
) -> Answer<Vec<Device>> {
    let current = asker.session()?.device;
    Ok(Json(administration(&serving, &asker)?.devices(id(&agent, "agent")?, Some(current)).await?))
}

/// All of them but the one that asks.
pub(crate) async fn revoke_devices(
    State(serving): State<Serving>,
    Path(agent): Path<String>,
    asker: Asker,
) -> Answer<Revoked> {
    let which = Which::AllBut(Some(asker.session()?.device));
    let devices = administration(&serving, &asker)?.revoke(id(&agent, "agent")?, which).await?;
    Ok(Json(Revoked { devices }))
}

pub(crate) async fn revoke_device(
    State(serving): State<Serving>,
    Path((agent, device)): Path<(String, String)>,
    asker: Asker,
) -> Answer<Revoked> {
    let which = Which::Only(id(&device, "device")?);
    let devices = administration(&serving, &asker)?.revoke(id(&agent, "agent")?, which).await?;
    Ok(Json(Revoked { devices }))
}

pub(crate) async fn teams(State(serving): State<Serving>, asker: Asker) -> Answer<Vec<Team>> {
    Ok(Json(administration(&serving, &asker)?.teams().await?))
}

pub(crate) async fn add_team(State(serving): State<Serving>, asker: Asker, body: Body) -> Made<Team> {
    let edit: TeamEdit = json(body)?;
    Ok((StatusCode::CREATED, Json(administration(&serving, &asker)?.put_team(None, edit).await?)))
}

pub(crate) async fn edit_team(
    State(serving): State<Serving>,
    Path(team): Path<String>,
    asker: Asker,
    body: Body,
) -> Answer<Team> {
    let edit: TeamEdit = json(body)?;
    Ok(Json(administration(&serving, &asker)?.put_team(Some(id(&team, "team")?), edit).await?))
}

pub(crate) async fn sites(State(serving): State<Serving>, asker: Asker) -> Answer<Vec<Site>> {
    Ok(Json(administration(&serving, &asker)?.sites().await?))
}

pub(crate) async fn add_site(State(serving): State<Serving>, asker: Asker, body: Body) -> Made<Site> {
    let edit: SiteEdit = json(body)?;
    Ok((StatusCode::CREATED, Json(administration(&serving, &asker)?.put_site(None, edit).await?)))
}

pub(crate) async fn edit_site(
    State(serving): State<Serving>,
    Path(site): Path<String>,
    asker: Asker,
    body: Body,
) -> Answer<Site> {
    let edit: SiteEdit = json(body)?;
    Ok(Json(administration(&serving, &asker)?.put_site(Some(id(&site, "site")?), edit).await?))
}

#[derive(Deserialize)]
pub(crate) struct AuditQuery {
    before: Option<i64>,
    limit: Option<u32>,
}

pub(crate) async fn audit(
    State(serving): State<Serving>,
    Query(AuditQuery { before, limit }): Query<AuditQuery>,
    asker: Asker,
) -> Answer<AuditPage> {
    let entries = administration(&serving, &asker)?.audit(before, limit.unwrap_or(u32::MAX)).await?;
    Ok(Json(AuditPage { entries }))
}
