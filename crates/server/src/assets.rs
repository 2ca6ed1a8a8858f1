//! The widget: the loader for the shop's page and the messenger for its frame. Beside it the page behind links.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use deskbell_protocol::Site;
use rust_embed::{Embed, EmbeddedFile};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::desk::Serving;
use crate::http::{HttpError, Params};
use crate::openapi::FileBytes;
use crate::store::{Failure, sites};

/// What the widget's build has made.
#[derive(Embed)]
#[folder = "../../widget/dist/"]
#[allow_missing = true]
struct Widget;

const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

fn find(path: &str) -> Result<EmbeddedFile, HttpError> {
    Widget::get(path).ok_or_else(|| Failure::not_found("file").into())
}

fn answer(file: EmbeddedFile, cache: &'static str, corp: &'static str) -> Response {
    let mime = file.metadata.mimetype();
    // Without it a script would be read in the encoding of the shop's page.
    let mime = if mime.starts_with("text/") { format!("{mime}; charset=utf-8") } else { mime.to_owned() };
    let mime = HeaderValue::from_str(&mime).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let headers = [
        (header::CONTENT_TYPE, mime),
        (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
        (CORP, HeaderValue::from_static(corp)),
    ];
    (headers, file.data.into_owned()).into_response()
}

/// The loader: a classic script for pages of any origin.
#[utoipa::path(
    get,
    path = "/w/loader.js",
    tag = "widget",
    responses((status = 200, body = String, content_type = "text/javascript"), (status = 404)),
)]
pub(crate) async fn loader() -> Result<Response, HttpError> {
    Ok(answer(find("loader.js")?, "public, max-age=300", "cross-origin"))
}

/// What the messenger is made of. Names change with their content.
#[utoipa::path(
    get,
    path = "/w/assets/{*path}",
    tag = "widget",
    params(("path" = String, Path, description = "A file's path")),
    responses((status = 200, body = FileBytes, content_type = "*/*")),
)]
pub(crate) async fn asset(Path(path): Path<String>) -> Result<Response, HttpError> {
    Ok(answer(find(&format!("assets/{path}"))?, "public, max-age=31536000, immutable", "same-origin"))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PanelQuery {
    /// The site's key.
    #[serde(default)]
    site: String,
}

/// The messenger, for frames in the site's pages alone.
#[utoipa::path(
    get,
    path = "/w/panel",
    tag = "widget",
    params(PanelQuery),
    responses((status = 200, body = String, content_type = "text/html"), (status = 404)),
)]
pub(crate) async fn panel(
    State(serving): State<Serving>,
    Params(query): Params<PanelQuery>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let found = serving.core.readers.read(move |connection| sites::find_by_key(connection, &query.site)).await?;
    let site = found.ok_or_else(|| Failure::not_found("site"))?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let mut response = answer(find("panel.html")?, "no-cache", "cross-origin");
    let policy = HeaderValue::from_str(&policy(&site, host)).map_err(|error| {
        tracing::error!(%error, "a content security policy could not be written");
        Failure::Internal
    })?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    let permissions = HeaderValue::from_static("camera=(), microphone=(), geolocation=(), payment=(), usb=()");
    response.headers_mut().insert(HeaderName::from_static("permissions-policy"), permissions);
    Ok(response)
}

/// The page behind a link that was handed on. It stands in no frame and reaches this server alone.
#[utoipa::path(
    get,
    path = "/link",
    tag = "widget",
    responses((status = 200, body = String, content_type = "text/html"), (status = 404)),
)]
pub(crate) async fn link() -> Result<Response, HttpError> {
    const POLICY: HeaderValue = HeaderValue::from_static(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    );
    let mut response = answer(find("link.html")?, "no-cache", "same-origin");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    Ok(response)
}

/// The messenger may load and reach nothing but this server, and stand in no page but the site's.
fn policy(site: &Site, host: Option<&str>) -> String {
    // Some browsers do not count a WebSocket to the own host as 'self'.
    let plain = |host: &&str| {
        host.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | ':' | '-' | '[' | ']'))
    };
    let sockets = host.filter(plain).map(|host| format!(" ws://{host} wss://{host}")).unwrap_or_default();
    let ancestors = if site.origins.is_empty() { "'none'".to_owned() } else { site.origins.join(" ") };
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' blob:; \
         connect-src 'self'{sockets}; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; \
         trusted-types svelte-trusted-html; frame-ancestors {ancestors}"
    )
}

#[cfg(test)]
mod tests {
    use deskbell_protocol::SiteId;

    use super::*;

    fn site(origins: &[&str]) -> Site {
        let origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
        Site { origins, ..Site::new(SiteId(1), "Shop", "k") }
    }

    #[test]
    fn dc_01_the_messenger_stands_only_in_the_sites_pages() {
        let policy = |origins: &[&str], host| super::policy(&site(origins), host);
        let both = policy(&["https://shop.example", "https://www.shop.example"], Some("chat.example:4791"));
        assert!(both.ends_with("frame-ancestors https://shop.example https://www.shop.example"), "{both}");
        assert!(both.contains("connect-src 'self' ws://chat.example:4791 wss://chat.example:4791;"), "{both}");
        assert!(policy(&[], None).ends_with("frame-ancestors 'none'"));
        assert!(both.contains("require-trusted-types-for 'script'; trusted-types svelte-trusted-html;"), "{both}");
        assert!(!policy(&[], Some("evil; script-src *")).contains("evil"));
    }
}
