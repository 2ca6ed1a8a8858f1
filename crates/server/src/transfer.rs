//! Files over HTTP: up in pieces, down whole.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use deskbell_protocol::{AttachmentId, ClientId, ErrorCode, Refusal, UPLOAD_OFFSET, Upload};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::authorize::{Action, Principal, authorize};
use crate::desk::{Core, Serving};
use crate::http::{HttpError, Params};
use crate::openapi::FileBytes;
use crate::routes::{Asker, text};
use crate::store::{self, Failure, Outcome};
use crate::uploads::{Announced, Denied, Incoming};
use crate::{accounts, canned_texts, origin, uploads};

/// Who uploads. A visitor's files come from the messenger alone.
fn uploader(core: &Core, asker: &Asker, headers: &HeaderMap) -> Result<Principal, HttpError> {
    let principal = asker.principal;
    if let Principal::Visitor(visitor) = principal {
        let (origin, host) = (text(headers, &header::ORIGIN), text(headers, &header::HOST));
        if !origin::is_own(origin, host, core.settings.public_origin.as_deref()) {
            return Err(Refusal::new(ErrorCode::Origin, "Visitors' files come from the messenger alone.").into());
        }
        let too_many = |wait| accounts::wait("Too many requests at once; try again in a moment.", wait);
        core.visitor_frames.take(visitor, Instant::now()).map_err(too_many)?;
    }
    Ok(principal)
}

fn upload_name(client_id: &str) -> Outcome<ClientId> {
    ClientId::parse(client_id).ok_or_else(|| Failure::not_found("upload"))
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    text(headers, &header::CONTENT_LENGTH).and_then(|length| length.parse().ok())
}

fn incoming(asker: &Asker, headers: &HeaderMap, offset: i64, body: Body) -> Incoming {
    Incoming { from: asker.address, offset, length: content_length(headers), body: body.into_data_stream() }
}

/// What is said of an upload, with the place where its next bytes belong.
fn told(upload: Result<Upload, Denied>) -> Response {
    let (mut response, offset) = match upload {
        Ok(upload) => (Json(&upload).into_response(), Some(upload.offset)),
        Err(Denied { failure, offset }) => (HttpError::from(failure).into_response(), offset),
    };
    if let Some(offset) = offset {
        response.headers_mut().insert(HeaderName::from_static(UPLOAD_OFFSET), HeaderValue::from(offset));
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Takes bytes in a task of its own: a sender who leaves ends the request, and what has come of it still counts.
async fn taken(
    serving: &Serving,
    work: impl Future<Output = Result<Upload, Denied>> + Send + 'static,
) -> Result<Response, HttpError> {
    // Task: ends with its request's body, or with the server.
    let upload = serving.tasks.spawn(work).await.unwrap_or_else(|error| {
        tracing::error!(%error, "an upload failed");
        Err(Failure::Internal.into())
    });
    Ok(told(upload))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct NewUpload {
    /// A name for it: 32 random lower-case hexadecimal digits.
    client_id: ClientId,
    /// The file's own name.
    #[serde(default)]
    name: String,
    /// Bytes of the whole file.
    #[param(minimum = 1)]
    size: i64,
    /// Of the whole file, to be compared at its end: 64 hexadecimal digits.
    #[param(pattern = "^[0-9a-fA-F]{64}$")]
    sha256: Option<String>,
}

/// 32 bytes from 64 hexadecimal digits.
pub(crate) fn digest(digits: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(digest)
}

/// Announce a file, and send its first bytes or all of them.
/// A repeat with the same name goes on with the same file.
#[utoipa::path(
    post,
    path = "/v1/uploads",
    tag = "files",
    params(NewUpload),
    request_body(content = Option<FileBytes>, content_type = "application/octet-stream"),
    responses((status = 200, body = Upload, headers(("upload-offset" = i64, description = "Where the next bytes belong"))), (status = 409), (status = 415), (status = 429), (status = 507)),
)]
pub(crate) async fn create_upload(
    State(serving): State<Serving>,
    Params(NewUpload { client_id, name, size, sha256 }): Params<NewUpload>,
    asker: Asker,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, HttpError> {
    let principal = uploader(&serving.core, &asker, &headers)?;
    let sha256 = match sha256 {
        Some(digits) => Some(digest(&digits).ok_or_else(|| Refusal::invalid("sha256", "has 64 hexadecimal digits"))?),
        None => None,
    };
    let announced = Announced { name, size, sha256 };
    let first = incoming(&asker, &headers, 0, body);
    let (core, stopping) = (Arc::clone(&serving.core), serving.stopping.clone());
    let work = async move { uploads::create(&core, &stopping, principal, client_id, announced, first).await };
    taken(&serving, work).await
}

/// How far a file has come.
#[utoipa::path(
    get,
    path = "/v1/uploads/{client_id}",
    tag = "files",
    params(("client_id" = ClientId, Path, description = "The name that the sender gave the upload")),
    responses((status = 200, body = Upload, headers(("upload-offset" = i64, description = "Where the next bytes belong")))),
)]
pub(crate) async fn find_upload(
    State(serving): State<Serving>,
    Path(client_id): Path<String>,
    asker: Asker,
) -> Result<Response, HttpError> {
    let principal = asker.principal;
    Ok(told(Ok(uploads::find(&serving.core, principal, upload_name(&client_id)?).await?)))
}

/// Send a file's next bytes.
#[utoipa::path(
    patch,
    path = "/v1/uploads/{client_id}",
    tag = "files",
    params(
        ("client_id" = ClientId, Path, description = "The name that the sender gave the upload"),
        ("upload-offset" = i64, Header, description = "Where these bytes begin", minimum = 0),
    ),
    request_body(content = Option<FileBytes>, content_type = "application/octet-stream"),
    responses((status = 200, body = Upload, headers(("upload-offset" = i64, description = "Where the next bytes belong"))), (status = 409), (status = 415), (status = 429), (status = 507)),
)]
pub(crate) async fn append_upload(
    State(serving): State<Serving>,
    Path(client_id): Path<String>,
    asker: Asker,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, HttpError> {
    let principal = uploader(&serving.core, &asker, &headers)?;
    let client_id = upload_name(&client_id)?;
    let offset = text(&headers, &HeaderName::from_static(UPLOAD_OFFSET)).and_then(|offset| offset.parse().ok());
    let offset = offset.ok_or_else(|| Refusal::invalid(UPLOAD_OFFSET, "says where the bytes begin"))?;
    let incoming = incoming(&asker, &headers, offset, body);
    let (core, stopping) = (Arc::clone(&serving.core), serving.stopping.clone());
    taken(&serving, async move { uploads::append(&core, &stopping, principal, client_id, incoming).await }).await
}

/// Give a file up.
#[utoipa::path(
    delete,
    path = "/v1/uploads/{client_id}",
    tag = "files",
    params(("client_id" = ClientId, Path, description = "The name that the sender gave the upload")),
    responses((status = 204), (status = 429)),
)]
pub(crate) async fn cancel_upload(
    State(serving): State<Serving>,
    Path(client_id): Path<String>,
    asker: Asker,
    headers: HeaderMap,
) -> Result<StatusCode, HttpError> {
    let principal = uploader(&serving.core, &asker, &headers)?;
    uploads::cancel(&serving.core, principal, upload_name(&client_id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Fetch a file. Nobody but who sees its message may.
#[utoipa::path(
    get,
    path = "/v1/files/{id}",
    tag = "files",
    params(("id" = AttachmentId, Path, description = "Its id, from a message")),
    responses((status = 200, body = FileBytes, content_type = "*/*")),
)]
pub(crate) async fn download(
    State(serving): State<Serving>,
    Path(id): Path<String>,
    asker: Asker,
) -> Result<Response, HttpError> {
    let core = &serving.core;
    let id = AttachmentId(id.parse().map_err(|_| Failure::not_found("file"))?);
    let read = core.readers.read(move |connection| {
        let stored = store::files::find(connection, id)?.ok_or_else(|| Failure::not_found("file"))?;
        let object = match stored.canned_text {
            Some(text) => canned_texts::file_object(connection, &asker.principal, text)?,
            None => (&stored).into(),
        };
        authorize(connection, &asker.principal, Action::ReadFile, object)?;
        Ok(stored)
    });
    let stored = read.await?;
    let bytes = core.files.get(&stored.file).await?;
    let attachment = stored.attachment;
    let disposition = if attachment.picture.is_some() { "inline" } else { "attachment" };
    let disposition = format!("{disposition}; filename*=UTF-8''{}", percent_encoded(&attachment.name));
    let mime = if attachment.mime.starts_with("text/") {
        format!("{}; charset=utf-8", attachment.mime)
    } else {
        attachment.mime
    };
    let value = |text: &str| {
        HeaderValue::from_str(text).map_err(|error| {
            tracing::error!(%error, "a header could not be written");
            Failure::Internal
        })
    };
    let headers = [
        (header::CONTENT_TYPE, value(&mime)?),
        (header::CONTENT_LENGTH, HeaderValue::from(attachment.size)),
        (header::CONTENT_DISPOSITION, value(&disposition)?),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=86400")),
        (header::VARY, HeaderValue::from_static("authorization")),
    ];
    Ok((headers, Body::from_stream(bytes)).into_response())
}

/// As RFC 8187 wants a file's name in a header.
fn percent_encoded(name: &str) -> String {
    name.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn tv_06_a_file_name_cannot_break_out_of_its_header() {
        assert_eq!(percent_encoded("tea \"для\" two.pdf"), "tea%20%22%D0%B4%D0%BB%D1%8F%22%20two.pdf");
        assert_eq!(percent_encoded("a\r\nb;c"), "a%0D%0Ab%3Bc");
    }
}
