//! "Try it on this computer": a desk server inside the app's own process.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use deskbell_api::LocalDesk;
use deskbell_api::types::{ApiError, ApiErrorCode};
use deskbell_protocol::{Agent, Role};
use deskbell_server::{Desk, OpenError, Settings, StoreIp};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

/// Tried first, so that a page which carries the widget finds the desk again after a restart.
const PORT: u16 = 4791;
/// The first agent's address; it never receives mail.
const EMAIL: &str = "you@this.computer";

/// What a page needs to carry the widget, written beside the data for people and for `cargo xtask demo`.
#[derive(Serialize)]
struct Announcement<'a> {
    address: &'a str,
    site: &'a str,
}

struct Running {
    desk: Desk,
    agent: Agent,
    address: Url,
}

/// Runs the desk inside the app, at most once.
pub(crate) struct LocalDeskRunner {
    data: PathBuf,
    allow_origins: Vec<String>,
    running: Mutex<Option<Running>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl LocalDeskRunner {
    /// A desk with its data under `data/desk`, whose widget may also stand on pages of `allow_origins`.
    pub(crate) fn new(data: PathBuf, allow_origins: Vec<String>) -> Self {
        Self {
            data,
            allow_origins,
            running: Mutex::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    /// The app's directory.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// Starts the desk, or finds it running, and signs its first agent in.
    pub(crate) async fn start(&self) -> Result<LocalDesk, ApiError> {
        let mut running = self.running.lock().await;
        let desk = match running.take() {
            Some(desk) => desk,
            None => self.open().await?,
        };
        let signed_in = desk.desk.administer().sign_in_locally(desk.agent.id, "this computer").await;
        let address = desk.address.clone();
        *running = Some(desk);
        Ok(LocalDesk { address, signed_in: signed_in.map_err(ApiError::internal)? })
    }

    /// Ends the desk; everything it acknowledged is on disk.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    async fn open(&self) -> Result<Running, ApiError> {
        let directory = self.data.join("desk");
        let settings = Settings {
            data: directory.clone(),
            // Nobody but this computer's own agent ever sees these addresses.
            store_ip: StoreIp::Whole,
            ..Settings::default()
        };
        let desk = tokio::task::spawn_blocking(move || Desk::open(settings))
            .await
            .map_err(ApiError::internal)?
            .map_err(explain)?;
        let administration = desk.administer();
        let agent = match administration.agent_by_email(EMAIL).await.map_err(ApiError::internal)? {
            Some(agent) => agent,
            None => {
                administration.seed(&sys_locale::get_locale().unwrap_or_default()).await.map_err(ApiError::internal)?;
                // Nobody signs in with this password: the app signs its agent in by itself.
                let password = administration.random_password();
                administration
                    .add_agent(&user_name(), EMAIL, &password, Role::Owner)
                    .await
                    .map_err(ApiError::internal)?
            }
        };
        let listener = bind(&directory).await?;
        let address = format!("http://{}", listener.local_addr()?);
        let site = match administration.sites().await.map_err(ApiError::internal)?.into_iter().next() {
            Some(site) => site,
            None => administration.add_site("My site", &[]).await.map_err(ApiError::internal)?,
        };
        let mut origins = site.origins.clone();
        origins.extend(self.allow_origins.iter().filter(|origin| !site.origins.contains(origin)).cloned());
        if origins != site.origins {
            administration.set_site_origins(site.id, &origins).await.map_err(ApiError::internal)?;
        }
        let announcement =
            serde_json::to_vec(&Announcement { address: &address, site: &site.key }).map_err(ApiError::internal)?;
        let serving = desk.clone();
        let stop = self.stop.clone();
        // The server is owned by the tracker and ends with the app.
        self.tasks.spawn(async move {
            if let Err(error) = serving.serve(listener, stop).await {
                tracing::error!(%error, "the desk inside the app ended");
            }
        });
        std::fs::write(self.data.join("local-desk.json"), announcement)?;
        let address = Url::parse(&address).map_err(ApiError::internal)?;
        Ok(Running { desk, agent, address })
    }
}

/// Listens on the port of last time, the usual one, or any free one.
async fn bind(directory: &Path) -> Result<TcpListener, ApiError> {
    let kept = directory.join("port");
    let last = std::fs::read_to_string(&kept).ok().and_then(|text| text.trim().parse::<u16>().ok());
    for port in [last.unwrap_or(PORT), PORT, 0] {
        if let Ok(listener) = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await {
            std::fs::write(&kept, listener.local_addr()?.port().to_string())?;
            return Ok(listener);
        }
    }
    Err(ApiError::new(ApiErrorCode::Internal, "no port on 127.0.0.1 is free"))
}

fn explain(error: OpenError) -> ApiError {
    let code = match &error {
        OpenError::Newer { .. } => ApiErrorCode::NewerDatabase,
        OpenError::Damaged { .. } => ApiErrorCode::DamagedDatabase,
        OpenError::DiskFull => ApiErrorCode::DiskFull,
        OpenError::Io(_) => ApiErrorCode::Internal,
    };
    ApiError::new(code, error.to_string())
}

/// What this computer calls its user; visitors see it beside the answers.
fn user_name() -> String {
    let name = ["USER", "USERNAME", "LOGNAME"].iter().find_map(|key| std::env::var(key).ok()).unwrap_or_default();
    let mut letters = name.trim().chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).take(60).collect(),
        None => "Ann".to_owned(),
    }
}
