//! How the command line reaches a desk that is served: one line of JSON there and one back, on a loopback address
//! that stands in a file of the data directory with a secret. Whoever may read that file may change the desk anyway.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use deskbell_protocol::http::{Device, Invited, NewInvitation, PasswordLink};
use deskbell_protocol::{Agent, AgentId, ErrorCode, Refusal, Role, Site};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::lock::{AGAIN, SOON};
use super::{Erased, Lock, OperationError, Person, database, make_private};
use crate::desk::Core;
use crate::people::{Actor, Which};
use crate::{Administration, Desk, Settings, tokens};

/// Longest line, in bytes.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the command line asks of a desk.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Request {
    /// Add an agent.
    AddAgent {
        /// Shown to visitors and colleagues.
        name: String,
        /// Sign-in address.
        email: String,
        /// 8 to 1000 characters.
        password: String,
        /// What they may do.
        role: Role,
    },
    /// Add a site.
    AddSite {
        /// Shown to agents.
        name: String,
        /// Whose pages may show the widget.
        origins: Vec<String>,
    },
    /// Say where an agent is signed in.
    Devices {
        /// The agent's sign-in address.
        email: String,
    },
    /// Sign an agent out.
    Revoke {
        /// The agent's sign-in address.
        email: String,
        /// Only there; otherwise everywhere.
        device: Option<i64>,
    },
    /// Take an agent's second factor away.
    ResetCode {
        /// The agent's sign-in address.
        email: String,
    },
    /// Invite somebody to be an agent.
    Invite {
        /// The sign-in address they will have.
        email: String,
        /// What they will be allowed to do.
        role: Role,
    },
    /// Make a link to a new password of an agent.
    PasswordLink {
        /// The agent's sign-in address.
        email: String,
    },
    /// Erase a person.
    Erase {
        /// Whom.
        person: Person,
    },
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "answer", content = "value", rename_all = "snake_case")]
pub enum Answer {
    /// The agent was added.
    Agent(Agent),
    /// The site was added.
    Site(Site),
    /// Where the agent is signed in.
    Devices(Vec<Device>),
    /// The devices that were signed out.
    Revoked(Vec<i64>),
    /// The agent has no second factor any more.
    CodeReset,
    /// Whoever opens the link is an agent.
    Invited(Invited),
    /// Whoever opens the link gives the agent a new password.
    PasswordLink(PasswordLink),
    /// The person was erased.
    Erased(Erased),
    /// Nothing was changed.
    Refused(Refusal),
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    secret: String,
    request: Request,
}

#[derive(Serialize, Deserialize)]
struct Address {
    address: SocketAddr,
    secret: String,
}

fn path(data: &Path) -> PathBuf {
    data.join("desk.control")
}

async fn perform(core: &Arc<Core>, request: Request) -> Answer {
    let administration = Administration::new(Arc::clone(core), Actor::command_line());
    let done = match request {
        Request::AddAgent { name, email, password, role } => {
            administration.add_agent(&name, &email, &password, role).await.map(Answer::Agent)
        }
        Request::AddSite { name, origins } => administration.add_site(&name, &origins).await.map(Answer::Site),
        Request::Devices { email } => devices(&administration, &email).await.map(Answer::Devices),
        Request::Revoke { email, device } => revoke(&administration, &email, device).await.map(Answer::Revoked),
        Request::ResetCode { email } => reset_code(&administration, &email).await.map(|()| Answer::CodeReset),
        Request::Invite { email, role } => {
            let new = NewInvitation { name: String::new(), email, role, teams: Vec::new(), sites: Vec::new() };
            administration.invite(new).await.map(Answer::Invited)
        }
        Request::PasswordLink { email } => password_link(&administration, &email).await.map(Answer::PasswordLink),
        Request::Erase { person } => administration.erase(person).await.map(Answer::Erased),
    };
    done.unwrap_or_else(Answer::Refused)
}

async fn agent(administration: &Administration, email: &str) -> Result<AgentId, Refusal> {
    let found = administration.agent_by_email(email).await?;
    found.map(|agent| agent.id).ok_or_else(|| Refusal::new(ErrorCode::NotFound, "No agent has this address."))
}

async fn devices(administration: &Administration, email: &str) -> Result<Vec<Device>, Refusal> {
    administration.devices(agent(administration, email).await?, None).await
}

async fn revoke(administration: &Administration, email: &str, device: Option<i64>) -> Result<Vec<i64>, Refusal> {
    let which = device.map_or(Which::AllBut(None), Which::Only);
    administration.revoke(agent(administration, email).await?, which).await
}

async fn reset_code(administration: &Administration, email: &str) -> Result<(), Refusal> {
    administration.reset_second_factor(agent(administration, email).await?).await
}

async fn password_link(administration: &Administration, email: &str) -> Result<PasswordLink, Refusal> {
    administration.password_link(agent(administration, email).await?).await
}

/// Has a desk changed, by the server that has it, or by this process when none has. Blocks.
///
/// # Errors
/// [`OperationError`]; `Refused` with the desk's own words.
pub async fn ask(data: &Path, request: Request) -> Result<Answer, OperationError> {
    database(data)?;
    let answer = match Lock::take(data) {
        Ok(_lock) => {
            let desk = Desk::open(Settings { data: data.to_owned(), ..Settings::default() })?;
            perform(desk.core(), request).await
        }
        Err(OperationError::InUse(_)) => {
            let silent = |_| OperationError::Silent(data.display().to_string());
            let until = Instant::now() + SOON;
            let reached = loop {
                match reach(data) {
                    // A server that has just begun is about to say where it is.
                    Err(_) if Instant::now() < until => tokio::time::sleep(AGAIN).await,
                    reached => break reached,
                }
            };
            let (stream, secret) = reached.map_err(silent)?;
            over_the_wire(stream, secret, request).map_err(silent)?
        }
        Err(error) => return Err(error),
    };
    match answer {
        Answer::Refused(refusal) => Err(OperationError::Refused(refusal.message)),
        answer => Ok(answer),
    }
}

/// The server that has a desk, and the secret it wants to hear.
fn reach(data: &Path) -> std::io::Result<(TcpStream, String)> {
    let Address { address, secret } = serde_json::from_slice(&std::fs::read(path(data))?)?;
    Ok((TcpStream::connect_timeout(&address, PATIENCE)?, secret))
}

fn over_the_wire(mut stream: TcpStream, secret: String, request: Request) -> std::io::Result<Answer> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let envelope = Envelope { secret, request };
    stream.write_all(format!("{}\n", serde_json::to_string(&envelope)?).as_bytes())?;
    let mut line = String::new();
    // An answer may name every file that was removed.
    BufReader::new(stream.take(64 * LINE_BYTES_MAX)).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

/// The file with the address, which goes when the server ends.
struct Announced(PathBuf);

impl Drop for Announced {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!(%error, "the address of the command line was left behind");
        }
    }
}

fn announce(data: &Path, address: &Address) -> Result<Announced, OperationError> {
    let path = path(data);
    let write = |text: &str| std::fs::write(&path, text).map_err(OperationError::io(&path));
    // Private before the secret is in it, also when an old one was left by a crash.
    write("")?;
    make_private(&path)?;
    write(&serde_json::to_string(address).unwrap_or_default())?;
    Ok(Announced(path))
}

/// Answers the command line until cancelled.
pub(crate) async fn serve(core: Arc<Core>, tasks: TaskTracker, cancelled: CancellationToken) {
    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await {
        Ok(listener) => listener,
        Err(error) => return tracing::warn!(%error, "the command line cannot reach this server"),
    };
    let Ok(address) = listener.local_addr() else { return };
    let secret = tokens::secret();
    let hash = tokens::hash(&secret);
    let announced = match announce(&core.settings.data, &Address { address, secret }) {
        Ok(announced) => announced,
        Err(error) => return tracing::warn!(%error, "the command line cannot reach this server"),
    };
    loop {
        let stream = tokio::select! {
            () = cancelled.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
        };
        let core = Arc::clone(&core);
        // Task: one request; the server waits for it when it stops.
        tasks.spawn(async move {
            if let Ok(Err(error)) = tokio::time::timeout(PATIENCE, answer(&core, &hash, stream)).await {
                tracing::debug!(%error, "a request of the command line was cut off");
            }
        });
    }
    drop(announced);
}

async fn answer(core: &Arc<Core>, secret: &tokens::Hash, mut stream: tokio::net::TcpStream) -> std::io::Result<()> {
    let (reading, mut writing) = stream.split();
    let mut line = String::new();
    tokio::io::BufReader::new(reading.take(LINE_BYTES_MAX)).read_line(&mut line).await?;
    let envelope: Option<Envelope> = serde_json::from_str(&line).ok();
    let answer = match envelope.filter(|envelope| tokens::hash(&envelope.secret) == *secret) {
        Some(Envelope { request, .. }) => perform(core, request).await,
        None => Answer::Refused(Refusal::new(
            ErrorCode::Expired,
            "The server has started anew, or is of another version; try again with its own program.",
        )),
    };
    writing.write_all(format!("{}\n", serde_json::to_string(&answer)?).as_bytes()).await
}
