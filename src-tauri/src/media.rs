//! `media://localhost/<conversation>/<attachment>`: pictures of messages for the page.
//!
//! Every scheme an app registers counts as trusted by the system's web view, so only bitmaps that the desk
//! re-encoded leave here, and each answer forbids everything a document could try.

use deskbell_api::{App, ConversationRef};
use deskbell_protocol::AttachmentId;
use tauri::http::{Method, Request, Response, StatusCode, header};
use tauri::{Manager, Runtime, UriSchemeContext, UriSchemeResponder};

/// Answers a request of the page. Other windows and other methods get nothing.
pub(crate) fn answer<R: Runtime>(
    context: UriSchemeContext<'_, R>,
    request: Request<Vec<u8>>,
    responder: UriSchemeResponder,
) {
    let id = (context.webview_label() == crate::window::MAIN && request.method() == Method::GET)
        .then(|| picture(request.uri().path()))
        .flatten();
    let Some((chat, id)) = id else { return responder.respond(refuse(StatusCode::NOT_FOUND)) };
    let app = context.app_handle().state::<App>().inner().clone();
    // Runs to its end by itself: one picture, bounded by the client's time limits.
    tauri::async_runtime::spawn(async move {
        responder.respond(match app.picture(chat.account, id).await {
            Ok(picture) => Response::builder()
                .header(header::CONTENT_TYPE, picture.mime)
                .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
                .header(header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'")
                .header(header::CACHE_CONTROL, "no-store")
                .body(picture.bytes)
                .unwrap_or_else(|_| refuse(StatusCode::INTERNAL_SERVER_ERROR)),
            Err(error) => {
                tracing::debug!(%error, %chat, %id, "no picture");
                refuse(StatusCode::NOT_FOUND)
            }
        });
    });
}

/// Which picture a path names.
fn picture(path: &str) -> Option<(ConversationRef, AttachmentId)> {
    let (conversation, id) = path.trim_start_matches('/').split_once('/')?;
    Some((conversation.parse().ok()?, AttachmentId(id.parse().ok()?)))
}

fn refuse(status: StatusCode) -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    response
}
