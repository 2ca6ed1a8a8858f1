//! Registers routes. A route exists only together with what it asks for and with its description: `Router::route` itself
//! is forbidden elsewhere (`crates/server/clippy.toml`), a handler without `#[utoipa::path]` does not compile, and before a handler runs, whoever asks is known and has that right at all. Handlers then
//! authorize what they touch.

use std::net::IpAddr;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Extension, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use deskbell_protocol::{Timestamp, VisitorId};
use ipnet::IpNet;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::UtoipaMethodRouterExt as _;

use crate::accounts::{self, Identity};
use crate::authorize::{Action, Principal, Reach, Standing};
use crate::desk::{Core, Serving};
use crate::http::HttpError;
use crate::openapi::{self, Described, Document};
use crate::store::visitors::Bearer;
use crate::store::{Failure, Outcome, blocks};
use crate::tokens;

/// Who asks over HTTP, and from where.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    pub(crate) principal: Principal,
    /// The session, when it is an agent's.
    pub(crate) identity: Option<Identity>,
    pub(crate) address: IpAddr,
    /// Until when a visitor has proved who they are.
    pub(crate) until: Option<Timestamp>,
    /// The visitor's secret, hashed.
    pub(crate) token: Option<tokens::Hash>,
}

impl Asker {
    /// The agent's session.
    pub(crate) fn session(&self) -> Outcome<&Identity> {
        self.identity.as_ref().ok_or_else(|| Failure::not_found("address"))
    }

    fn standing(&self) -> Standing {
        match (&self.identity, self.principal) {
            (Some(identity), _) => Standing::Agent(identity.agent.role),
            (None, Principal::Visitor(_)) => Standing::Visitor,
            (None, _) => Standing::Nobody,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Asker {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, HttpError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            tracing::error!("a route was registered without its right");
            Failure::Internal.into()
        })
    }
}

/// Routes with what they ask for.
pub(crate) struct Routes {
    serving: Serving,
    router: Router<Serving>,
    openapi: OpenApi,
    /// Every route with what it asks for.
    declared: Vec<(Method, String, Action)>,
}

impl Routes {
    pub(crate) fn new(serving: Serving) -> Self {
        Self { serving, router: Router::new(), openapi: openapi::empty(), declared: Vec::new() }
    }

    /// Adds a route that asks for an action. Method and address stand in the handler's description.
    pub(crate) fn on(self, action: Action, route: Described) -> Self {
        self.add(action, route)
    }

    /// Adds a route whose body may have so many bytes.
    pub(crate) fn on_with_body(self, action: Action, bytes_max: usize, route: Described) -> Self {
        self.add(action, route.layer(DefaultBodyLimit::max(bytes_max)))
    }

    fn add(mut self, action: Action, (schemas, paths, handler): Described) -> Self {
        let guarded = handler.route_layer(from_fn_with_state((self.serving.clone(), action), guard));
        for (path, item) in paths.paths {
            #[allow(clippy::disallowed_methods, reason = "the one place")]
            let router = self.router.route(&path, guarded.clone());
            self.router = router;
            for method in openapi::describe(&mut self.openapi, &path, item, action) {
                self.declared.push((method, path.clone(), action));
            }
        }
        self.openapi.components.get_or_insert_default().schemas.extend(schemas);
        self
    }

    /// Every route with what it asks for.
    pub(crate) fn declared(&self) -> &[(Method, String, Action)] {
        &self.declared
    }

    /// The router, which also serves the description of its routes.
    pub(crate) fn finish(self) -> Router<Serving> {
        let text = self.openapi.to_json().unwrap_or_else(|error| {
            tracing::error!(%error, "the description of the routes cannot be written");
            String::new()
        });
        self.router.layer(Extension(Document(text.into())))
    }
}

/// Finds out who asks, and lets pass whoever may ask for such a thing at all.
async fn guard(State((serving, action)): State<(Serving, Action)>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match ask(&serving, action, &parts).await {
        Ok(asker) => {
            parts.extensions.insert(asker);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(failure) => HttpError::from(failure).into_response(),
    }
}

async fn ask(serving: &Serving, action: Action, request: &Parts) -> Outcome<Asker> {
    let headers = &request.headers;
    let core = &serving.core;
    let peer = request.extensions.get::<ConnectInfo<SocketAddr>>().ok_or(Failure::Internal)?.0;
    let address = address(&core.settings.trusted_proxies, peer, headers);
    let mut asker = Asker { principal: Principal::Nobody, identity: None, address, until: None, token: None };
    let given = text(headers, &header::AUTHORIZATION).unwrap_or_default();
    if !given.is_empty() && !action.is_open() {
        if let Some(token) = given.strip_prefix("Visitor ") {
            let Bearer { visitor, until } = accounts::authenticate_visitor(core, token).await?;
            (asker.until, asker.token) = (until, Some(tokens::hash(token)));
            // Whoever pulls is told so in a frame.
            if action != Action::Talk {
                stop(core, address, visitor).await?;
            }
            asker.principal = Principal::Visitor(visitor);
        } else {
            let identity = accounts::authenticate(core, given.strip_prefix("Bearer ").unwrap_or_default()).await?;
            asker.principal = Principal::Agent(identity.agent.id);
            asker.identity = Some(identity);
        }
    }
    match (action.reach(asker.standing()), asker.principal) {
        (Reach::Never, Principal::Nobody) => Err(accounts::expired()),
        (Reach::Never, _) => Err(Failure::not_found("address")),
        _ => Ok(asker),
    }
}

/// What a visitor asks for who may not write is not there.
pub(crate) async fn stop(core: &Core, address: IpAddr, visitor: VisitorId) -> Outcome<()> {
    let read = core.readers.read(move |connection| Ok(blocks::stops(connection, address, visitor, crate::clock())?));
    if read.await? { Err(Failure::not_found("address")) } else { Ok(()) }
}

/// A header's text.
pub(crate) fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The asker's address. `X-Forwarded-For` is believed only as far as trusted proxies wrote it.
fn address(proxies: &[IpNet], peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let trusted = |address: IpAddr| proxies.iter().any(|network| network.contains(&address));
    let mut address = peer.ip().to_canonical();
    let hops: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for hop in hops.into_iter().rev() {
        if !trusted(address) {
            break;
        }
        let Ok(hop) = hop.trim().parse::<IpAddr>() else { break };
        address = hop.to_canonical();
    }
    address
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn dk_25_forwarded_addresses_are_believed_only_from_trusted_proxies() {
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        let ask = |peer: &str, forwarded: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            address(&proxies, SocketAddr::new(peer.parse().unwrap(), 1), &headers).to_string()
        };
        assert_eq!(ask("203.0.113.9", &["1.2.3.4"]), "203.0.113.9", "a visitor's own claim");
        assert_eq!(ask("10.0.0.1", &["1.2.3.4"]), "1.2.3.4");
        assert_eq!(ask("10.0.0.1", &["6.6.6.6, 1.2.3.4, 10.0.0.2"]), "1.2.3.4", "what the visitor wrote comes first");
        assert_eq!(ask("10.0.0.1", &["6.6.6.6", "1.2.3.4"]), "1.2.3.4");
        assert_eq!(ask("10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert_eq!(ask("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(ask("::ffff:10.0.0.1", &["2001:db8::7"]), "2001:db8::7");
    }
}
