//! A desk that is open, and its server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use axum::handler::HandlerWithoutStateExt as _;
use axum::http::Method;
use axum::serve::ListenerExt as _;
use deskbell_protocol::VisitorId;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::administration::Administration;
use crate::authorize::Action;
use crate::availability::Availability;
use crate::files::Files;
use crate::geo::Geo;
use crate::hub::Hub;
use crate::limits::{Buckets, Newcomers, SignInGuard};
use crate::live::Live;
use crate::oidc::Oidc;
use crate::operations::{self, Lock, OperationError};
use crate::outbound::Outbound;
use crate::people::Actor;
use crate::routes::Routes;
use crate::settings::Settings;
use crate::store::{self, OpenError, Readers};
use crate::tokens::Passwords;
use crate::uploads::Uploads;
use crate::writer::Writer;
use crate::{
    assignment, auto_answers, availability, delivery, findable, flows, housekeeping, http, live, metrics, origin,
    presence, rings, routing,
};

/// A visitor may send this many messages at once, and then one in this time.
const VISITOR_BURST: u32 = 8;
const VISITOR_REFILL: Duration = Duration::from_secs(3);

/// Typing that is passed on of one person: so often at once, and then once in this time.
const TYPING_BURST: u32 = 10;
const TYPING_REFILL: Duration = Duration::from_millis(500);

/// Frames that a client may send at once, and then each second: generous for agents, who may have an outbox to send.
pub(crate) const AGENT_FRAMES: (u32, u32) = (2_000, 200);
pub(crate) const VISITOR_FRAMES: (u32, u32) = (200, 20);

/// How long running requests and sockets may take to end.
const DRAIN: Duration = Duration::from_secs(10);

/// What all rooms of one desk share.
pub(crate) struct Core {
    pub(crate) settings: Settings,
    /// What its owners decide while it is served.
    pub(crate) live: Arc<Live>,
    /// Whether it is online for whom, and what it says of that.
    pub(crate) availability: Arc<Availability>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) writer: Arc<Writer>,
    pub(crate) readers: Readers,
    pub(crate) passwords: Passwords,
    pub(crate) sign_ins: SignInGuard,
    /// Where agents may sign in besides.
    pub(crate) oidc: Option<Oidc>,
    pub(crate) visitor_messages: Buckets<VisitorId>,
    /// Signs of typing that are passed on, by who types.
    pub(crate) typing: Buckets<(i64, i64)>,
    /// Requests and frames over HTTP, by device.
    pub(crate) agent_frames: Buckets<i64>,
    /// Likewise, by visitor.
    pub(crate) visitor_frames: Buckets<VisitorId>,
    pub(crate) newcomers: Arc<Newcomers>,
    pub(crate) geo: Geo,
    pub(crate) files: Files,
    pub(crate) uploads: Uploads,
    /// Asks addresses that people gave.
    pub(crate) outbound: Outbound,
    /// Whether words of somebody who was erased may still stand in the database's log.
    pub(crate) erased_in_log: AtomicBool,
}

/// What one run of the server shares.
#[derive(Clone)]
pub(crate) struct Serving {
    pub(crate) core: Arc<Core>,
    pub(crate) stopping: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

/// A desk that is open. Clones are the same desk; it closes when the last one is gone.
#[derive(Clone)]
pub struct Desk {
    core: Arc<Core>,
}

/// Why the server ended against its will.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener failed.
    #[error("the server cannot accept connections: {0}")]
    Io(#[from] std::io::Error),
    /// The database's thread ended; the log says why.
    #[error("the server can no longer write; its log says why")]
    Writer,
    /// Another process has the desk.
    #[error(transparent)]
    InUse(#[from] OperationError),
}

/// Makes a directory into which nobody else of this computer may look. One that exists stays as it is.
fn make_private_directory(path: &std::path::Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

impl Desk {
    /// Opens the desk of a data directory, or makes one. Blocks on the disk.
    ///
    /// # Errors
    /// [`OpenError`]; a database that is newer or damaged is left as it was.
    pub fn open(settings: Settings) -> Result<Self, OpenError> {
        if let Some(public) = &settings.public_origin
            && origin::normalise(public).is_none()
        {
            let words = format!("public_origin {public:?} is not an origin such as https://chat.shop.example");
            return Err(OpenError::Io(std::io::Error::new(std::io::ErrorKind::InvalidInput, words)));
        }
        let oidc = match settings.provider.clone() {
            Some(provider) => Some(Oidc::open(provider, settings.public_origin.as_deref()).map_err(|error| {
                OpenError::Io(std::io::Error::new(std::io::ErrorKind::InvalidInput, error.to_string()))
            })?),
            None => None,
        };
        let geo = Geo::open(settings.geo_database.as_deref())?;
        make_private_directory(&settings.data)?;
        let path: PathBuf = settings.data.join("desk.db");
        let connection = store::open(&path, &settings.desk)?;
        let files = Files::open(&settings.data)?;
        let outbound = Outbound::new(&settings.lookup, &settings.webhook_networks);
        store::settings::begin(&connection, &settings.first())?;
        let live = Arc::new(Live::new(store::settings::find(&connection)?));
        let hub = Hub::new();
        let newcomers = Arc::new(Newcomers::new(settings.new_visitors_per_address));
        let availability = Availability::open(&connection, live.get(), &hub)
            .map_err(|failure| OpenError::Io(std::io::Error::other(failure.into_refusal().message)))?;
        let availability = Arc::new(availability);
        let readers = Readers::open(&path)?;
        let writer = Arc::new(Writer::start(connection, Arc::clone(&hub))?);
        Ok(Self {
            core: Arc::new(Core {
                settings,
                live,
                availability,
                hub,
                writer,
                readers,
                passwords: Passwords::new(),
                sign_ins: SignInGuard::new(),
                oidc,
                visitor_messages: Buckets::new(VISITOR_BURST, VISITOR_REFILL),
                typing: Buckets::new(TYPING_BURST, TYPING_REFILL),
                agent_frames: Buckets::new(AGENT_FRAMES.0, Duration::from_secs(1) / AGENT_FRAMES.1),
                visitor_frames: Buckets::new(VISITOR_FRAMES.0, Duration::from_secs(1) / VISITOR_FRAMES.1),
                newcomers,
                geo,
                files,
                uploads: Uploads::new(),
                outbound,
                // A server that was killed in the middle of an erasure says nothing of it.
                erased_in_log: AtomicBool::new(true),
            }),
        })
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// The desk's name.
    pub fn name(&self) -> String {
        self.core.name()
    }

    /// Changes agents, sites and texts.
    pub fn administer(&self) -> Administration {
        Administration::new(Arc::clone(&self.core), Actor::command_line())
    }

    /// Every route of the server: its method, its address and what it asks for.
    pub fn routes(&self) -> Vec<(Method, String, Action)> {
        let serving =
            Serving { core: Arc::clone(&self.core), stopping: CancellationToken::new(), tasks: TaskTracker::new() };
        http::declared(Routes::new(serving)).declared().to_vec()
    }

    /// Serves the desk's numbers to Prometheus, to whoever reaches the listener and under every address, until
    /// `shutdown`. They tell nothing of anybody, and still are for the own network alone.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve_metrics(&self, listener: TcpListener, shutdown: CancellationToken) -> std::io::Result<()> {
        let core = Arc::clone(&self.core);
        let page = move || metrics::page(Arc::clone(&core));
        axum::serve(listener, page.into_make_service()).with_graceful_shutdown(shutdown.cancelled_owned()).await
    }

    /// Serves agents and visitors until `shutdown`, and ends when all sockets are closed and all work is stored.
    /// Dropping the future ends the sockets too.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn serve(&self, listener: TcpListener, shutdown: CancellationToken) -> Result<(), ServeError> {
        let _lock = Lock::take_soon(&self.core.settings.data).await?;
        let stopping = shutdown.child_token();
        // Also when this future is dropped, sockets and tasks end.
        let _stop = stopping.clone().drop_guard();
        let tasks = TaskTracker::new();
        let serving = Serving { core: Arc::clone(&self.core), stopping: stopping.clone(), tasks: tasks.clone() };

        // Task: tells agents who comes and goes.
        tasks.spawn(presence::run(Arc::clone(&self.core.hub), Arc::clone(&self.core.writer), stopping.clone()));
        // Task: rings for visitors who wait.
        tasks.spawn(rings::run(Arc::clone(&self.core), stopping.clone()));
        // Task: gives conversations to agents, and takes back what nobody answers.
        tasks.spawn(assignment::run(Arc::clone(&self.core), stopping.clone()));
        // Task: answers where no agent has in time.
        tasks.spawn(auto_answers::run(Arc::clone(&self.core), stopping.clone()));
        // Task: lets flows hand over what visitors do not answer.
        tasks.spawn(flows::run(Arc::clone(&self.core), stopping.clone()));
        // Task: gives to everybody what no agent of a team has taken in time.
        tasks.spawn(routing::run(Arc::clone(&self.core), stopping.clone()));
        // Task: makes findable what was written.
        tasks.spawn(findable::run(Arc::clone(&self.core), stopping.clone()));
        // Task: opens and closes the desk by its hours.
        tasks.spawn(availability::run(Arc::clone(&self.core), stopping.clone()));
        // Task: opens snoozed conversations at their time.
        tasks.spawn(housekeeping::wake(Arc::clone(&self.core), stopping.clone()));
        // Task: clears away what nobody needs any more.
        tasks.spawn(housekeeping::run(Arc::clone(&self.core), stopping.clone()));

        // Task: tells webhooks what waits for them.
        tasks.spawn(delivery::run(Arc::clone(&self.core), stopping.clone()));

        // Task: brings what was kept into line with the settings.
        tasks.spawn(live::run(Arc::clone(&self.core), stopping.clone()));

        if self.core.settings.command_line {
            // Task: answers the command line.
            tasks.spawn(operations::serve_control(Arc::clone(&self.core), tasks.clone(), stopping.clone()));
        }

        let writer_ended = self.core.writer.ended().clone();
        let service = http::router(serving).into_make_service_with_connect_info::<SocketAddr>();
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a socket keeps its delay");
            }
        });
        let server = axum::serve(listener, service).with_graceful_shutdown({
            let stopping = stopping.clone();
            async move { stopping.cancelled().await }
        });
        let mut server = std::pin::pin!(server.into_future());
        let result = tokio::select! {
            served = &mut server => served.map_err(ServeError::from),
            () = writer_ended.cancelled() => Err(ServeError::Writer),
            () = stopping.cancelled() => match tokio::time::timeout(DRAIN, &mut server).await {
                Ok(served) => served.map_err(ServeError::from),
                Err(_) => {
                    tracing::warn!("some requests did not end in time");
                    Ok(())
                }
            },
        };
        stopping.cancel();
        tasks.close();
        if tokio::time::timeout(DRAIN, tasks.wait()).await.is_err() {
            tracing::warn!(left = tasks.len(), "some tasks did not end in time");
        }
        result
    }
}
