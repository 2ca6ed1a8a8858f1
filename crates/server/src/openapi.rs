//! The description of the routes as OpenAPI 3.1. A handler says what it takes and gives; what holds for all of them
//! follows from the table of rights and from the status of each error code, and is written here alone.

use axum::extract::Extension;
use axum::http::{Method, StatusCode, header};
use axum::response::IntoResponse;
use deskbell_protocol::{ErrorCode, Refusal, Role};
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, ContentBuilder, Info, OpenApi, Paths, Ref, RefOr, Response, Schema};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::authorize::{Action, Reach, Standing};
use crate::desk::Serving;
use crate::http::status;

/// A handler with its description, as `utoipa_axum::routes!` makes it from a function with `#[utoipa::path]`.
pub(crate) type Described = UtoipaMethodRouter<Serving>;

const BEARER: &str = "Bearer";
const VISITOR: &str = "Visitor";
const JSON: &str = "application/json";

const ROLES: [Role; 5] = [Role::Owner, Role::Admin, Role::Supervisor, Role::Agent, Role::Light];

/// The description without routes.
pub(crate) fn empty() -> OpenApi {
    let mut info = Info::new("Deskbell", env!("CARGO_PKG_VERSION"));
    info.description =
        Some("The desk server. docs/API.md is its guide, docs/PROTOCOL.md tells of the socket.".to_owned());
    let mut components = Components::new();
    let mut bearer = Http::new(HttpAuthScheme::Bearer);
    bearer.description = Some("An agent's `access_token`, from `POST /v1/session`.".to_owned());
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
    let words = "`Visitor ` and the token from a visitor's `welcome`.";
    let visitor = ApiKeyValue::with_description(header::AUTHORIZATION.as_str(), words);
    components.add_security_scheme(VISITOR, SecurityScheme::ApiKey(ApiKey::Header(visitor)));
    components.schemas.insert(Refusal::name().into_owned(), Refusal::schema());
    let mut schemas = Vec::new();
    Refusal::schemas(&mut schemas);
    components.schemas.extend(schemas);
    let mut openapi = OpenApi::new(info, Paths::new());
    openapi.components = Some(components);
    openapi
}

/// Adds a route's description and completes it by what its action asks for.
pub(crate) fn describe(openapi: &mut OpenApi, path: &str, mut item: PathItem, action: Action) -> Vec<Method> {
    let mut methods = Vec::new();
    for (method, operation) in operations(&mut item) {
        complete(operation, action, path.contains('{'));
        methods.push(method);
    }
    // A parameter that takes the rest of an address has no sign of its own.
    let path = path.replace("{*", "{");
    match openapi.paths.paths.get_mut(&path) {
        Some(known) => known.merge_operations(item),
        None => {
            openapi.paths.paths.insert(path, item);
        }
    }
    methods
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let all = [
        (Method::GET, item.get.as_mut()),
        (Method::POST, item.post.as_mut()),
        (Method::PUT, item.put.as_mut()),
        (Method::PATCH, item.patch.as_mut()),
        (Method::DELETE, item.delete.as_mut()),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation?)))
}

fn complete(operation: &mut Operation, action: Action, names_something: bool) {
    let reaches = |standing| action.reach(standing) != Reach::Never;
    let agents = ROLES.into_iter().any(|role| reaches(Standing::Agent(role)));
    let open = action.is_open();
    let guarded = !reaches(Standing::Nobody);

    let scheme = |name| SecurityRequirement::new::<_, [&str; 0], _>(name, []);
    let mut security = Vec::new();
    if !open && agents {
        security.push(scheme(BEARER));
    }
    if !open && reaches(Standing::Visitor) {
        security.push(scheme(VISITOR));
    }
    if !open && !guarded {
        security.push(SecurityRequirement::default());
    }
    operation.security = Some(security);

    let mut refused = vec![StatusCode::INTERNAL_SERVER_ERROR, StatusCode::SERVICE_UNAVAILABLE];
    if !open {
        refused.push(StatusCode::UNAUTHORIZED);
    }
    if guarded || names_something {
        refused.push(StatusCode::NOT_FOUND);
    }
    if operation.request_body.is_some() {
        refused.extend([StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE]);
    }
    if operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty()) {
        refused.push(StatusCode::BAD_REQUEST);
    }
    let answers = &mut operation.responses.responses;
    for status in refused {
        answers.entry(status.as_str().to_owned()).or_insert_with(|| RefOr::T(Response::new("")));
    }
    for (status, answer) in answers {
        let Ok(status) = status.parse::<StatusCode>() else { continue };
        let RefOr::T(answer) = answer else { continue };
        let error = status.is_client_error() || status.is_server_error();
        if error && answer.content.is_empty() {
            let refusal = ContentBuilder::new().schema(Some(Ref::from_schema_name(Refusal::name()))).build();
            answer.content.insert(JSON.to_owned(), RefOr::T(refusal));
        }
        if answer.description.is_empty() {
            answer.description =
                if error { codes(status) } else { status.canonical_reason().unwrap_or("Done").to_owned() };
        }
    }
}

/// The error codes that have a status.
fn codes(wanted: StatusCode) -> String {
    let RefOr::T(Schema::Object(all)) = ErrorCode::schema() else { return String::new() };
    let fitting = all.enum_values.unwrap_or_default().into_iter().filter_map(|value| {
        let code: ErrorCode = serde_json::from_value(value.clone()).ok()?;
        (status(code) == wanted).then(|| format!("`{}`", value.as_str().unwrap_or_default()))
    });
    format!("Refused: {}", fitting.collect::<Vec<_>>().join(", "))
}

/// The bytes of a file, in descriptions.
pub(crate) enum FileBytes {}

impl PartialSchema for FileBytes {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}

impl ToSchema for FileBytes {}

/// The whole description, as it is served.
#[derive(Clone)]
pub(crate) struct Document(pub(crate) axum::body::Bytes);

/// This description of all routes.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "server", responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn document(Extension(Document(text)): Extension<Document>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, JSON)], text)
}
