//! The demo shop: a few pages that carry the messenger of a desk, under a strict policy.
//!
//! In the pages, `{{desk}}` stands for the desk's address and `{{site}}` for the site's key.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use clap::Parser;

#[derive(Parser)]
#[command(about)]
struct Arguments {
    /// Where to listen; port 0 takes a free one. The address is printed.
    #[arg(long, default_value = "127.0.0.1:4792")]
    listen: SocketAddr,
    /// The desk's address, e.g. `http://127.0.0.1:4791`.
    #[arg(long)]
    desk: String,
    /// The site's public key.
    #[arg(long)]
    site: String,
    /// The directory of the pages.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shop"))]
    pages: PathBuf,
}

struct Page {
    mime: &'static str,
    bytes: Vec<u8>,
}

struct Shop {
    /// By path, e.g. `/tea.html`.
    pages: HashMap<String, Page>,
    policy: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let desk = arguments.desk.trim_end_matches('/').to_owned();
    let mut pages = HashMap::new();
    read(&arguments.pages, "", &desk, &arguments.site, &mut pages)?;
    if !pages.contains_key("/index.html") {
        return Err(io::Error::other(format!("{} holds no index.html", arguments.pages.display())));
    }
    let shop = Arc::new(Shop { pages, policy: policy(&desk) });
    let listener = tokio::net::TcpListener::bind(arguments.listen).await?;
    println!("{}", serde_json::json!({ "listening": format!("http://{}", listener.local_addr()?) }));
    axum::serve(listener, Router::new().fallback(answer).with_state(shop)).await
}

/// What a careful shop would send: nothing but its own, and the desk where the messenger needs it.
fn policy(desk: &str) -> String {
    let socket = desk.replacen("http", "ws", 1);
    format!(
        "default-src 'self'; script-src 'self' {desk}; frame-src {desk}; connect-src {desk} {socket}; \
         style-src 'self'; img-src 'self' data:"
    )
}

/// Takes every file of the directory into memory; nothing else can ever be asked for.
fn read(directory: &Path, prefix: &str, desk: &str, site: &str, pages: &mut HashMap<String, Page>) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let path = format!("{prefix}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read(&entry.path(), &path, desk, site, pages)?;
            continue;
        }
        let Some(mime) = mime(&path) else { continue };
        let mut bytes = std::fs::read(entry.path())?;
        if mime.starts_with("text/html") {
            bytes = String::from_utf8_lossy(&bytes).replace("{{desk}}", desk).replace("{{site}}", site).into_bytes();
        }
        pages.insert(path, Page { mime, bytes });
    }
    Ok(())
}

fn mime(path: &str) -> Option<&'static str> {
    Some(match path.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        _ => return None,
    })
}

async fn answer(State(shop): State<Arc<Shop>>, uri: Uri) -> Response {
    let path = uri.path().trim_end_matches('/');
    let found = [path.to_owned(), format!("{path}.html"), format!("{path}/index.html")]
        .iter()
        .find_map(|path| shop.pages.get(path));
    let Some(page) = found else { return (StatusCode::NOT_FOUND, "The shop has no such page.").into_response() };
    let headers = [(header::CONTENT_TYPE, page.mime), (header::CACHE_CONTROL, "no-store")];
    let policy = [(header::CONTENT_SECURITY_POLICY, shop.policy.clone())];
    (headers, policy, page.bytes.clone()).into_response()
}
