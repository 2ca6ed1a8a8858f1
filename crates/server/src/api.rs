//! Administration over HTTP: people, teams, sites, persons who write, and who changed what.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::Json;
use deskbell_protocol::http::{
    AgentEdit, AuditPage, Block, Blocks, CannedTextEdit, DeskSettings, DeskSettingsEdit, Device, ErasedPerson,
    Invitation, Invited, MergePeople, NewAgent, NewBlock, NewCannedText, NewInvitation, PasswordLink, Revoked,
    SiteEdit, TeamEdit,
};
use deskbell_protocol::{
    Agent, AgentId, CannedText, CannedTextId, Contact, ContactId, ConversationId, Item, ItemEdit, ItemId, ItemKind,
    ItemPage, NewItem, Refusal, Site, SiteId, Team, TeamId, VisitorId,
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::administration::Administration;
use crate::desk::Serving;
use crate::http::{Body, HttpError, Params, json};
use crate::operations::{Erased, Known, Person};
use crate::people::{Actor, Which};
use crate::routes::Asker;
use crate::store::Failure;
use crate::store::items::Wanted;

/// Of what is shown once.
pub(crate) const NO_STORE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

pub(crate) type Answer<T> = Result<Json<T>, HttpError>;
pub(crate) type Made<T> = Result<(StatusCode, Json<T>), HttpError>;
/// What is shown once is kept by no cache on the way.
pub(crate) type Shown<T> = Result<(StatusCode, [(HeaderName, &'static str); 1], Json<T>), HttpError>;

/// The desk's administration in the hands of whoever asks.
pub(crate) fn administration(serving: &Serving, asker: &Asker) -> Result<Administration, HttpError> {
    let actor = Actor::agent(asker.session()?, asker.address);
    Ok(Administration::new(Arc::clone(&serving.core), actor))
}

/// An id in an address; what is no number names nothing.
pub(crate) fn id<T: From<i64>>(text: &str, what: &str) -> Result<T, HttpError> {
    Ok(text.parse::<i64>().map_err(|_| Failure::not_found(what))?.into())
}

/// All agents.
#[utoipa::path(get, path = "/v1/agents", tag = "people", responses((status = 200, body = Vec<Agent>)))]
pub(crate) async fn agents(State(serving): State<Serving>, asker: Asker) -> Answer<Vec<Agent>> {
    Ok(Json(administration(&serving, &asker)?.agents().await?))
}

/// Add an agent.
#[utoipa::path(
    post,
    path = "/v1/agents",
    tag = "people",
    request_body = NewAgent,
    responses((status = 201, body = Agent)),
)]
pub(crate) async fn add_agent(State(serving): State<Serving>, asker: Asker, body: Body) -> Made<Agent> {
    let NewAgent { name, email, password, role } = json(body)?;
    let agent = administration(&serving, &asker)?.add_agent(&name, &email, &password, role).await?;
    Ok((StatusCode::CREATED, Json(agent)))
}

/// Change an agent, or put them out of service.
#[utoipa::path(
    patch,
    path = "/v1/agents/{id}",
    tag = "people",
    params(("id" = AgentId, Path, description = "The agent")),
    request_body = AgentEdit,
    responses((status = 200, body = Agent)),
)]
pub(crate) async fn edit_agent(
    State(serving): State<Serving>,
    Path(agent): Path<String>,
    asker: Asker,
    body: Body,
) -> Answer<Agent> {
    let edit: AgentEdit = json(body)?;
    Ok(Json(administration(&serving, &asker)?.edit_agent(id(&agent, "agent")?, edit).await?))
}

/// Where an agent is signed in.
#[utoipa::path(
    get,
    path = "/v1/agents/{id}/devices",
    tag = "people",
    params(("id" = AgentId, Path, description = "The agent")),
    responses((status = 200, body = Vec<Device>)),
)]
pub(crate) async fn devices(
    State(serving): State<Serving>,
    Path(agent): Path<String>,
    asker: Asker,
) -> Answer<Vec<Device>> {
    let current = asker.session()?.device;
    Ok(Json(administration(&serving, &asker)?.devices(id(&agent, "agent")?, Some(current)).await?))
}

/// Sign an agent out everywhere but at the device that asks.
#[utoipa::path(
    delete,
    path = "/v1/agents/{id}/devices",
    tag = "people",
    params(("id" = AgentId, Path, description = "The agent")),
    responses((status = 200, body = Revoked)),
)]
pub(crate) async fn revoke_devices(
    State(serving): State<Serving>,
    Path(agent): Path<String>,
    asker: Asker,
) -> Answer<Revoked> {
    let which = Which::AllBut(Some(asker.session()?.device));
    let devices = administration(&serving, &asker)?.revoke(id(&agent, "agent")?, which).await?;
    Ok(Json(Revoked { devices }))
}

/// Sign an agent out at one device.
#[utoipa::path(
    delete,
    path = "/v1/agents/{id}/devices/{device}",
    tag = "people",
    params(
        ("id" = AgentId, Path, description = "The agent"),
        ("device" = i64, Path, description = "The device, from the list of devices"),
    ),
    responses((status = 200, body = Revoked)),
)]
pub(crate) async fn revoke_device(
    State(serving): State<Serving>,
    Path((agent, device)): Path<(String, String)>,
    asker: Asker,
) -> Answer<Revoked> {
    let which = Which::Only(id(&device, "device")?);
    let devices = administration(&serving, &asker)?.revoke(id(&agent, "agent")?, which).await?;
    Ok(Json(Revoked { devices }))
}

/// Take an agent's second factor away, when app and recovery codes are lost.
#[utoipa::path(
    delete,
    path = "/v1/agents/{id}/second-factor",
    tag = "people",
    params(("id" = AgentId, Path, description = "The agent")),
    responses((status = 204)),
)]
pub(crate) async fn reset_second_factor(
    State(serving): State<Serving>,
    Path(agent): Path<String>,
    asker: Asker,
) -> Result<StatusCode, HttpError> {
    administration(&serving, &asker)?.reset_second_factor(id(&agent, "agent")?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A link for an hour, with which an agent sets a new password.
#[utoipa::path(
    post,
    path = "/v1/agents/{id}/password-link",
    tag = "people",
    params(("id" = AgentId, Path, description = "The agent")),
    responses((status = 201, body = PasswordLink)),
)]
pub(crate) async fn password_link(
    State(serving): State<Serving>,
    Path(agent): Path<String>,
    asker: Asker,
) -> Shown<PasswordLink> {
    let link = administration(&serving, &asker)?.password_link(id(&agent, "agent")?).await?;
    Ok((StatusCode::CREATED, NO_STORE, Json(link)))
}

/// Invitations that nobody has used yet.
#[utoipa::path(get, path = "/v1/invitations", tag = "people", responses((status = 200, body = Vec<Invitation>)))]
pub(crate) async fn invitations(State(serving): State<Serving>, asker: Asker) -> Answer<Vec<Invitation>> {
    Ok(Json(administration(&serving, &asker)?.invitations().await?))
}

/// A link for seven days that makes whoever opens it an agent.
#[utoipa::path(
    post,
    path = "/v1/invitations",
    tag = "people",
    request_body = NewInvitation,
    responses((status = 201, body = Invited)),
)]
pub(crate) async fn invite(State(serving): State<Serving>, asker: Asker, body: Body) -> Shown<Invited> {
    let new: NewInvitation = json(body)?;
    Ok((StatusCode::CREATED, NO_STORE, Json(administration(&serving, &asker)?.invite(new).await?)))
}

/// Make an invitation's link useless.
#[utoipa::path(
    delete,
    path = "/v1/invitations/{id}",
    tag = "people",
    params(("id" = i64, Path, description = "The invitation")),
    responses((status = 204)),
)]
pub(crate) async fn revoke_invitation(
    State(serving): State<Serving>,
    Path(invitation): Path<String>,
    asker: Asker,
) -> Result<StatusCode, HttpError> {
    administration(&serving, &asker)?.revoke_invitation(id(&invitation, "invitation")?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All teams.
#[utoipa::path(get, path = "/v1/teams", tag = "people", responses((status = 200, body = Vec<Team>)))]
pub(crate) async fn teams(State(serving): State<Serving>, asker: Asker) -> Answer<Vec<Team>> {
    Ok(Json(administration(&serving, &asker)?.teams().await?))
}

/// Add a team.
#[utoipa::path(
    post,
    path = "/v1/teams",
    tag = "people",
    request_body = TeamEdit,
    responses((status = 201, body = Team)),
)]
pub(crate) async fn add_team(State(serving): State<Serving>, asker: Asker, body: Body) -> Made<Team> {
    let edit: TeamEdit = json(body)?;
    Ok((StatusCode::CREATED, Json(administration(&serving, &asker)?.put_team(None, edit).await?)))
}

/// Change a team.
#[utoipa::path(
    patch,
    path = "/v1/teams/{id}",
    tag = "people",
    params(("id" = TeamId, Path, description = "The team")),
    request_body = TeamEdit,
    responses((status = 200, body = Team)),
)]
pub(crate) async fn edit_team(
    State(serving): State<Serving>,
    Path(team): Path<String>,
    asker: Asker,
    body: Body,
) -> Answer<Team> {
    let edit: TeamEdit = json(body)?;
    Ok(Json(administration(&serving, &asker)?.put_team(Some(id(&team, "team")?), edit).await?))
}

/// The prepared texts that one sees or may change.
#[utoipa::path(
    get,
    path = "/v1/canned-texts",
    tag = "prepared texts",
    responses((status = 200, body = Vec<CannedText>)),
)]
pub(crate) async fn canned_texts(State(serving): State<Serving>, asker: Asker) -> Answer<Vec<CannedText>> {
    Ok(Json(administration(&serving, &asker)?.canned_texts().await?))
}

/// Add a prepared text, for oneself, a team or the desk.
#[utoipa::path(
    post,
    path = "/v1/canned-texts",
    tag = "prepared texts",
    request_body = NewCannedText,
    responses((status = 201, body = CannedText)),
)]
pub(crate) async fn add_canned_text(State(serving): State<Serving>, asker: Asker, body: Body) -> Made<CannedText> {
    let new: NewCannedText = json(body)?;
    Ok((StatusCode::CREATED, Json(administration(&serving, &asker)?.add_canned_text(new).await?)))
}

/// Change a prepared text.
#[utoipa::path(
    patch,
    path = "/v1/canned-texts/{id}",
    tag = "prepared texts",
    params(("id" = CannedTextId, Path, description = "The prepared text")),
    request_body = CannedTextEdit,
    responses((status = 200, body = CannedText)),
)]
pub(crate) async fn edit_canned_text(
    State(serving): State<Serving>,
    Path(text): Path<String>,
    asker: Asker,
    body: Body,
) -> Answer<CannedText> {
    let edit: CannedTextEdit = json(body)?;
    Ok(Json(administration(&serving, &asker)?.edit_canned_text(id(&text, "prepared text")?, edit).await?))
}

/// Delete a prepared text.
#[utoipa::path(
    delete,
    path = "/v1/canned-texts/{id}",
    tag = "prepared texts",
    params(("id" = CannedTextId, Path, description = "The prepared text")),
    responses((status = 204)),
)]
pub(crate) async fn delete_canned_text(
    State(serving): State<Serving>,
    Path(text): Path<String>,
    asker: Asker,
) -> Result<StatusCode, HttpError> {
    administration(&serving, &asker)?.delete_canned_text(id(&text, "prepared text")?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The sites whose customers one sees.
#[utoipa::path(get, path = "/v1/sites", tag = "sites", responses((status = 200, body = Vec<Site>)))]
pub(crate) async fn sites(State(serving): State<Serving>, asker: Asker) -> Answer<Vec<Site>> {
    Ok(Json(administration(&serving, &asker)?.sites().await?))
}

/// Add a site.
#[utoipa::path(
    post,
    path = "/v1/sites",
    tag = "sites",
    request_body = SiteEdit,
    responses((status = 201, body = Site)),
)]
pub(crate) async fn add_site(State(serving): State<Serving>, asker: Asker, body: Body) -> Made<Site> {
    let edit: SiteEdit = json(body)?;
    Ok((StatusCode::CREATED, Json(administration(&serving, &asker)?.put_site(None, edit).await?)))
}

/// Change a site.
#[utoipa::path(
    patch,
    path = "/v1/sites/{id}",
    tag = "sites",
    params(("id" = SiteId, Path, description = "The site")),
    request_body = SiteEdit,
    responses((status = 200, body = Site)),
)]
pub(crate) async fn edit_site(
    State(serving): State<Serving>,
    Path(site): Path<String>,
    asker: Asker,
    body: Body,
) -> Answer<Site> {
    let edit: SiteEdit = json(body)?;
    Ok(Json(administration(&serving, &asker)?.put_site(Some(id(&site, "site")?), edit).await?))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Only entries with smaller ids.
    before: Option<i64>,
    /// At most so many; 100 in any case.
    limit: Option<u32>,
}

/// Who changed what of the desk, newest first.
#[utoipa::path(
    get,
    path = "/v1/audit",
    tag = "desk",
    params(AuditQuery),
    responses((status = 200, body = AuditPage)),
)]
pub(crate) async fn audit(
    State(serving): State<Serving>,
    Params(AuditQuery { before, limit }): Params<AuditQuery>,
    asker: Asker,
) -> Answer<AuditPage> {
    let entries = administration(&serving, &asker)?.audit(before, limit.unwrap_or(u32::MAX)).await?;
    Ok(Json(AuditPage { entries }))
}

/// Which items are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ItemQuery {
    /// Those that are closed, and not the others.
    #[serde(default)]
    closed: bool,
    /// Of this kind.
    kind: Option<ItemKind>,
    /// Done by this agent.
    assignee: Option<AgentId>,
    /// Of this project.
    project: Option<ItemId>,
    /// Those that one made, does or follows.
    #[serde(default)]
    mine: bool,
    /// Those that no conversation is about yet.
    #[serde(default)]
    unanswered: bool,
    /// The one that this conversation is about, whatever else is asked for.
    conversation: Option<ConversationId>,
    /// Older than this one.
    before: Option<ItemId>,
    /// At most so many; 100 in any case.
    limit: Option<u32>,
}

/// Projects, tickets and tasks, newest first.
#[utoipa::path(
    get,
    path = "/v1/items",
    tag = "items",
    params(ItemQuery),
    responses((status = 200, body = ItemPage)),
)]
pub(crate) async fn items(
    State(serving): State<Serving>,
    Params(query): Params<ItemQuery>,
    asker: Asker,
) -> Answer<ItemPage> {
    let ItemQuery { closed, kind, assignee, project, mine, unanswered, conversation, before, limit } = query;
    let limit = limit.unwrap_or(u32::MAX);
    let wanted = Wanted { asker: None, closed, before, kind, assignee, project, mine, unanswered, limit };
    Ok(Json(administration(&serving, &asker)?.items(wanted, conversation).await?))
}

/// Make a project, a ticket or a task.
#[utoipa::path(
    post,
    path = "/v1/items",
    tag = "items",
    request_body = NewItem,
    responses((status = 201, body = Item)),
)]
pub(crate) async fn add_item(State(serving): State<Serving>, asker: Asker, body: Body) -> Made<Item> {
    let new: NewItem = json(body)?;
    Ok((StatusCode::CREATED, Json(administration(&serving, &asker)?.add_item(new).await?)))
}

/// One project, ticket or task.
#[utoipa::path(
    get,
    path = "/v1/items/{id}",
    tag = "items",
    params(("id" = ItemId, Path, description = "The item")),
    responses((status = 200, body = Item)),
)]
pub(crate) async fn item(State(serving): State<Serving>, Path(item): Path<String>, asker: Asker) -> Answer<Item> {
    Ok(Json(administration(&serving, &asker)?.item(id(&item, "item")?).await?))
}

/// Change a project, a ticket or a task.
#[utoipa::path(
    patch,
    path = "/v1/items/{id}",
    tag = "items",
    params(("id" = ItemId, Path, description = "The item")),
    request_body = ItemEdit,
    responses((status = 200, body = Item), (status = 409)),
)]
pub(crate) async fn edit_item(
    State(serving): State<Serving>,
    Path(item): Path<String>,
    asker: Asker,
    body: Body,
) -> Answer<Item> {
    let edit: ItemEdit = json(body)?;
    Ok(Json(administration(&serving, &asker)?.edit_item(id(&item, "item")?, edit).await?))
}

/// Make an item about a conversation.
#[utoipa::path(
    put,
    path = "/v1/items/{id}/conversations/{conversation}",
    tag = "items",
    params(
        ("id" = ItemId, Path, description = "The item"),
        ("conversation" = ConversationId, Path, description = "The conversation, which is about no other item then"),
    ),
    responses((status = 200, body = Item)),
)]
pub(crate) async fn link_item(
    State(serving): State<Serving>,
    Path((item, conversation)): Path<(String, String)>,
    asker: Asker,
) -> Answer<Item> {
    let (item, conversation) = (id(&item, "item")?, id(&conversation, "conversation")?);
    Ok(Json(administration(&serving, &asker)?.link_item(item, conversation, true).await?))
}

/// Make an item not about a conversation any more.
#[utoipa::path(
    delete,
    path = "/v1/items/{id}/conversations/{conversation}",
    tag = "items",
    params(
        ("id" = ItemId, Path, description = "The item"),
        ("conversation" = ConversationId, Path, description = "The conversation"),
    ),
    responses((status = 200, body = Item)),
)]
pub(crate) async fn unlink_item(
    State(serving): State<Serving>,
    Path((item, conversation)): Path<(String, String)>,
    asker: Asker,
) -> Answer<Item> {
    let (item, conversation) = (id(&item, "item")?, id(&conversation, "conversation")?);
    Ok(Json(administration(&serving, &asker)?.link_item(item, conversation, false).await?))
}

/// Let an agent follow an item; oneself, or with the right to change it a colleague.
#[utoipa::path(
    put,
    path = "/v1/items/{id}/followers/{agent}",
    tag = "items",
    params(
        ("id" = ItemId, Path, description = "The item"),
        ("agent" = AgentId, Path, description = "The agent"),
    ),
    responses((status = 200, body = Item)),
)]
pub(crate) async fn follow_item(
    State(serving): State<Serving>,
    Path((item, agent)): Path<(String, String)>,
    asker: Asker,
) -> Answer<Item> {
    let (item, agent) = (id(&item, "item")?, id(&agent, "agent")?);
    Ok(Json(administration(&serving, &asker)?.follow_item(item, agent, true).await?))
}

/// Let an agent follow an item no more.
#[utoipa::path(
    delete,
    path = "/v1/items/{id}/followers/{agent}",
    tag = "items",
    params(
        ("id" = ItemId, Path, description = "The item"),
        ("agent" = AgentId, Path, description = "The agent"),
    ),
    responses((status = 200, body = Item)),
)]
pub(crate) async fn unfollow_item(
    State(serving): State<Serving>,
    Path((item, agent)): Path<(String, String)>,
    asker: Asker,
) -> Answer<Item> {
    let (item, agent) = (id(&item, "item")?, id(&agent, "agent")?);
    Ok(Json(administration(&serving, &asker)?.follow_item(item, agent, false).await?))
}

/// A ticket filled in from a conversation, to be looked over before it is made.
#[utoipa::path(
    get,
    path = "/v1/conversations/{id}/ticket",
    tag = "items",
    params(("id" = ConversationId, Path, description = "The conversation")),
    responses((status = 200, body = NewItem)),
)]
pub(crate) async fn ticket_from(
    State(serving): State<Serving>,
    Path(conversation): Path<String>,
    asker: Asker,
) -> Answer<NewItem> {
    Ok(Json(administration(&serving, &asker)?.ticket_from(id(&conversation, "conversation")?).await?))
}

/// A person, by one of three ways.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Who {
    /// The address the team has of them, in any spelling of case.
    email: Option<String>,
    /// Their id.
    #[param(value_type = Option<i64>)]
    contact: Option<ContactId>,
    /// One browser of theirs. When they have others, it alone is erased; what is handed out is always all.
    #[param(value_type = Option<i64>)]
    visitor: Option<VisitorId>,
}

impl Who {
    fn person(self) -> Result<Person, HttpError> {
        match self {
            Self { email: Some(email), contact: None, visitor: None } => Ok(Person::Email(email)),
            Self { email: None, contact: Some(id), visitor: None } => Ok(Person::Contact(id)),
            Self { email: None, contact: None, visitor: Some(id) } => Ok(Person::Visitor(id)),
            _ => Err(Refusal::invalid("query", "must have one of email, contact and visitor").into()),
        }
    }
}

/// All that the desk knows of a person. Their files are fetched one by one.
#[utoipa::path(
    get,
    path = "/v1/person",
    tag = "persons",
    params(Who),
    responses((status = 200, body = Known)),
)]
pub(crate) async fn export_person(
    State(serving): State<Serving>,
    Params(who): Params<Who>,
    asker: Asker,
) -> Answer<Known> {
    Ok(Json(administration(&serving, &asker)?.known(who.person()?).await?))
}

/// Erase a person, here and on every agent's computer. It cannot be undone.
#[utoipa::path(
    delete,
    path = "/v1/person",
    tag = "persons",
    params(Who),
    responses((status = 200, body = ErasedPerson)),
)]
pub(crate) async fn erase_person(
    State(serving): State<Serving>,
    Params(who): Params<Who>,
    asker: Asker,
) -> Answer<ErasedPerson> {
    let (administration, person) = (administration(&serving, &asker)?, who.person()?);
    // Task: ends with its work, or with the server. Whoever asked may leave before, and nothing of it stays half done.
    let erasing = serving.tasks.spawn(async move { administration.erase(person).await });
    let erased = erasing.await.map_err(|error| {
        tracing::error!(%error, "an erasure failed");
        Failure::Internal
    })??;
    let Erased { visitors, conversations, messages, files, .. } = erased;
    Ok(Json(ErasedPerson { visitors, conversations, messages, files: files.len() }))
}

/// Make two entries of one person one: this one stays, with all that the other one has.
#[utoipa::path(
    post,
    path = "/v1/contacts/{id}/merge",
    tag = "desk",
    params(("id" = ContactId, Path, description = "The person that stays")),
    request_body = MergePeople,
    responses((status = 200, body = Contact), (status = 404)),
)]
pub(crate) async fn merge_people(
    State(serving): State<Serving>,
    Path(stays): Path<String>,
    asker: Asker,
    body: Body,
) -> Answer<Contact> {
    let MergePeople { contact } = json(body)?;
    Ok(Json(administration(&serving, &asker)?.merge(id(&stays, "person")?, contact).await?))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct BlocksQuery {
    /// Only blocks with smaller ids.
    before: Option<i64>,
}

/// Visitors who may not write now, newest block first, at most a hundred.
#[utoipa::path(get, path = "/v1/blocks", tag = "desk", params(BlocksQuery), responses((status = 200, body = Blocks)))]
pub(crate) async fn blocks(
    State(serving): State<Serving>,
    Params(BlocksQuery { before }): Params<BlocksQuery>,
    asker: Asker,
) -> Answer<Blocks> {
    Ok(Json(administration(&serving, &asker)?.blocks(before).await?))
}

/// Block a person, or everybody in a range of addresses.
#[utoipa::path(
    post,
    path = "/v1/blocks",
    tag = "desk",
    request_body = NewBlock,
    responses((status = 201, body = Block), (status = 404)),
)]
pub(crate) async fn block(State(serving): State<Serving>, asker: Asker, body: Body) -> Made<Block> {
    let new: NewBlock = json(body)?;
    Ok((StatusCode::CREATED, Json(administration(&serving, &asker)?.block(new).await?)))
}

/// Let somebody write again.
#[utoipa::path(
    delete,
    path = "/v1/blocks/{id}",
    tag = "desk",
    params(("id" = i64, Path, description = "The block")),
    responses((status = 204)),
)]
pub(crate) async fn unblock(
    State(serving): State<Serving>,
    Path(block): Path<String>,
    asker: Asker,
) -> Result<StatusCode, HttpError> {
    administration(&serving, &asker)?.unblock(id(&block, "block")?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the desk's owners have decided.
#[utoipa::path(get, path = "/v1/settings", tag = "desk", responses((status = 200, body = DeskSettings)))]
pub(crate) async fn settings(State(serving): State<Serving>, asker: Asker) -> Answer<DeskSettings> {
    Ok(Json(administration(&serving, &asker)?.settings()))
}

/// Decide otherwise. It holds at once, also for what was stored before.
#[utoipa::path(
    patch,
    path = "/v1/settings",
    tag = "desk",
    request_body = DeskSettingsEdit,
    responses((status = 200, body = DeskSettings)),
)]
pub(crate) async fn edit_settings(State(serving): State<Serving>, asker: Asker, body: Body) -> Answer<DeskSettings> {
    let edit: DeskSettingsEdit = json(body)?;
    Ok(Json(administration(&serving, &asker)?.edit_settings(edit).await?))
}
