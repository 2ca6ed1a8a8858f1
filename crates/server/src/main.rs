//! `deskbell-server`: makes, sets up and serves a desk.

use std::io::{IsTerminal as _, Read as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Parser, Subcommand};
use deskbell_protocol::http::Device;
use deskbell_protocol::{Role, Timestamp};
use deskbell_server::operations::{self, Answer, BackedUp, Erased, Export, Finding, Format, Person, Request, Restored};
use deskbell_server::{Configuration, ConfigurationError, Desk, LogFormat, Provider, Settings};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Where a server listens that is told nothing.
const LISTEN: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 4791));

/// The desk server: visitors write, agents answer.
/// Rust and SQLite both take their memory from it: thousands of small pieces for each message, from several threads.
#[cfg(target_os = "linux")]
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "deskbell-server", version, about)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Make a new desk.
    Init {
        #[command(flatten)]
        data: Data,
        /// The desk's name, shown to agents and visitors.
        #[arg(long)]
        name: String,
        /// Language of the prepared texts: en, es or ru.
        #[arg(long, default_value = "en")]
        language: String,
    },
    /// Serve the desk until the process is told to stop.
    Serve(Box<Serve>),
    /// Copy the desk with its files into one new file, also while it is served.
    Backup {
        #[command(flatten)]
        data: Data,
        /// The file to write.
        file: PathBuf,
    },
    /// Make a desk of a backup. Agents and visitors then send again what they wrote since.
    Restore {
        #[command(flatten)]
        data: Data,
        /// The file that `backup` wrote.
        file: PathBuf,
        /// Replace the desk that is there; it is set aside first.
        #[arg(long)]
        force: bool,
    },
    /// Write all that is known of one person into a new directory.
    Export {
        #[command(flatten)]
        data: Data,
        #[command(flatten)]
        who: Who,
        /// The directory to make.
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        /// Also write the messages as a table for a spreadsheet.
        #[arg(long)]
        csv: bool,
    },
    /// Erase one person for good: here, on every agent's computer, and in what is restored over this desk later.
    Erase {
        #[command(flatten)]
        data: Data,
        #[command(flatten)]
        who: Who,
    },
    /// Look the desk over and say what to do. Ends with an error when data are wrong.
    Doctor {
        #[command(flatten)]
        data: Data,
        /// Mend what is safe to mend: make a wrong search index anew, and remove files that belong to no message.
        #[arg(long)]
        repair: bool,
    },
    /// Change who answers.
    Agent {
        #[command(subcommand)]
        task: AgentTask,
    },
    /// Change where the widget may stand.
    Site {
        #[command(subcommand)]
        task: SiteTask,
    },
}

/// Where the process runs and what it is told. The command line wins over the environment, and that over the file.
#[derive(clap::Args)]
struct Serve {
    /// A file with the settings that are not given otherwise, in TOML.
    #[arg(long, env = "DESKBELL_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data directory.
    #[arg(long, env = "DESKBELL_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where to listen; 127.0.0.1:4791 when nothing is said. TLS is the business of a proxy in front.
    #[arg(long, env = "DESKBELL_LISTEN")]
    listen: Option<SocketAddr>,
    /// Network of a proxy whose X-Forwarded-For is believed; may be repeated, or be several with commas.
    #[arg(long = "trusted-proxy", env = "DESKBELL_TRUSTED_PROXIES", value_name = "NETWORK", value_delimiter = ',')]
    trusted_proxies: Option<Vec<ipnet::IpNet>>,
    /// The origin under which browsers reach the server, when a proxy changes the Host header.
    #[arg(long, env = "DESKBELL_PUBLIC_ORIGIN", value_name = "ORIGIN")]
    public_origin: Option<String>,
    /// A city-level database in MaxMind's format.
    #[arg(long, env = "DESKBELL_GEO_DATABASE", value_name = "FILE")]
    geo_database: Option<PathBuf>,
    /// Network besides the internet to which webhooks may lead, also without TLS; may be repeated, or be several with commas.
    #[arg(long = "webhook-network", env = "DESKBELL_WEBHOOK_NETWORKS", value_name = "NETWORK", value_delimiter = ',')]
    webhook_networks: Option<Vec<ipnet::IpNet>>,
    /// Where to serve numbers to Prometheus; nowhere when nothing is said. Whoever reaches it may read them.
    #[arg(long, env = "DESKBELL_METRICS_LISTEN", value_name = "ADDRESS")]
    metrics_listen: Option<SocketAddr>,
    /// Most sockets of visitors from one address, or one household's network of IPv6; 100 when nothing is said.
    #[arg(long, env = "DESKBELL_VISITOR_SOCKETS_PER_ADDRESS", value_name = "NUMBER")]
    visitor_sockets_per_address: Option<NonZeroUsize>,
    /// Most visitors from there in an hour whom the desk has never met; 600 when nothing is said.
    #[arg(long, env = "DESKBELL_NEW_VISITORS_PER_ADDRESS", value_name = "NUMBER")]
    new_visitors_per_address: Option<NonZeroU32>,
    /// What a line of the log is: text for people, or JSON for programs.
    #[arg(long, env = "DESKBELL_LOG_FORMAT", value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

impl Serve {
    /// What stands in the file, if there is one.
    fn file(&self) -> Result<Configuration, ConfigurationError> {
        Ok(self.config.as_deref().map(Configuration::read).transpose()?.unwrap_or_default())
    }

    /// The identity provider of the file, with the secret that the environment has. There is no argument for it: other
    /// people on this computer can read those.
    fn provider(file: Option<Provider>) -> Option<Provider> {
        let secret = std::env::var("DESKBELL_PROVIDER_SECRET").ok();
        file.map(|provider| Provider { client_secret: secret.or(provider.client_secret), ..provider })
    }

    /// Where to listen, where for Prometheus, and the settings.
    fn settings(self) -> Result<(SocketAddr, Option<SocketAddr>, Settings), Failed> {
        let file = self.file()?;
        let data =
            self.data.or(file.data).ok_or("say where the desk is, with --data DIR or in the file of --config")?;
        let otherwise = Settings::default();
        let sockets = self.visitor_sockets_per_address.or(file.visitor_sockets_per_address);
        let new_visitors = self.new_visitors_per_address.or(file.new_visitors_per_address);
        let settings = Settings {
            data,
            trusted_proxies: self.trusted_proxies.or(file.trusted_proxies).unwrap_or_default(),
            geo_database: self.geo_database.or(file.geo_database),
            public_origin: self.public_origin.or(file.public_origin),
            provider: Self::provider(file.provider),
            webhook_networks: self.webhook_networks.or(file.webhook_networks).unwrap_or_default(),
            command_line: true,
            visitor_sockets_per_address: sockets.map_or(otherwise.visitor_sockets_per_address, NonZeroUsize::get),
            new_visitors_per_address: new_visitors.map_or(otherwise.new_visitors_per_address, NonZeroU32::get),
            ..otherwise
        };
        let metrics = self.metrics_listen.or(file.metrics_listen);
        Ok((self.listen.or(file.listen).unwrap_or(LISTEN), metrics, settings))
    }
}

#[derive(Subcommand)]
enum AgentTask {
    /// Add an agent. The password is read from standard input, or from a file.
    Add {
        #[command(flatten)]
        data: Data,
        /// Shown to visitors and colleagues.
        #[arg(long)]
        name: String,
        /// Sign-in address; never shown to visitors.
        #[arg(long)]
        email: String,
        /// May change the desk itself.
        #[arg(long)]
        admin: bool,
        /// A file whose first line is the password.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Say where an agent is signed in.
    Devices {
        #[command(flatten)]
        data: Data,
        /// The agent's sign-in address.
        #[arg(long)]
        email: String,
    },
    /// Sign an agent out. The computer forgets the desk's conversations as soon as it hears of it.
    Revoke {
        #[command(flatten)]
        data: Data,
        /// The agent's sign-in address.
        #[arg(long)]
        email: String,
        #[command(flatten)]
        which: Devices,
    },
    /// Make a link that makes whoever opens it an agent. It works once, for seven days.
    Invite {
        #[command(flatten)]
        data: Data,
        /// The sign-in address they will have.
        #[arg(long)]
        email: String,
        /// May change the desk itself.
        #[arg(long)]
        admin: bool,
    },
    /// Make a link with which an agent sets a new password. It works once, for an hour.
    PasswordLink {
        #[command(flatten)]
        data: Data,
        /// The agent's sign-in address.
        #[arg(long)]
        email: String,
    },
    /// Take away the second factor of an agent who lost the app and the recovery codes.
    ResetCode {
        #[command(flatten)]
        data: Data,
        /// The agent's sign-in address.
        #[arg(long)]
        email: String,
    },
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Devices {
    /// Only this device, by the id that `devices` prints.
    #[arg(long, value_name = "ID")]
    device: Option<i64>,
    /// Everywhere.
    #[arg(long)]
    all: bool,
}

#[derive(Subcommand)]
enum SiteTask {
    /// Add a site, and print its key and the snippet for its pages.
    Add {
        #[command(flatten)]
        data: Data,
        /// Shown to agents.
        #[arg(long)]
        name: String,
        /// Origin whose pages may show the widget, e.g. https://shop.example; may be repeated.
        #[arg(long = "origin", value_name = "ORIGIN", required = true)]
        origins: Vec<String>,
    },
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Who {
    /// A browser, by its id.
    #[arg(long, value_name = "ID")]
    visitor: Option<i64>,
    /// A person, by their id.
    #[arg(long, value_name = "ID")]
    contact: Option<i64>,
    /// A person, by their address.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
}

impl Who {
    fn person(self) -> Person {
        match self {
            Self { visitor: Some(id), .. } => Person::Visitor(id.into()),
            Self { contact: Some(id), .. } => Person::Contact(id.into()),
            Self { email, .. } => Person::Email(email.unwrap_or_default()),
        }
    }
}

#[derive(clap::Args)]
struct Data {
    /// The data directory.
    #[arg(long = "data", value_name = "DIR")]
    directory: PathBuf,
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let task = Arguments::parse().task;
    let log_format = match &task {
        // A file that cannot be read is told of when it is read again.
        Task::Serve(serve) => serve.log_format.or_else(|| serve.file().ok()?.log_format).unwrap_or_default(),
        _ => LogFormat::default(),
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match log_format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => log.json().init(),
    }
    match run(task).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("deskbell-server: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Opens a desk that `init` has made.
fn open(settings: Settings) -> Result<Desk, Failed> {
    if !settings.data.join("desk.db").try_exists()? {
        let directory = settings.data.display();
        return Err(format!(
            "there is no desk in {directory}; make one with: deskbell-server init --data {directory} --name NAME"
        )
        .into());
    }
    Ok(Desk::open(settings)?)
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Failed> {
    Ok(TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))?)
}

async fn run(task: Task) -> Result<(), Failed> {
    match task {
        Task::Init { data, name, language } => {
            let desk = Desk::open(Settings { data: data.directory.clone(), desk: name, ..Settings::default() })?;
            desk.administer().seed(&language).await?;
            println!("The desk {:?} is in {}.", desk.name(), data.directory.display());
        }
        Task::Serve(serve) => {
            let (listen, metrics, settings) = serve.settings()?;
            let desk = open(settings)?;
            let listener = bind(listen).await?;
            println!("Listening on http://{}", listener.local_addr()?);
            let shutdown = CancellationToken::new();
            let mut tasks = JoinSet::new();
            if let Some(address) = metrics {
                let (listener, desk, shutdown) = (bind(address).await?, desk.clone(), shutdown.clone());
                println!("Metrics on http://{}/metrics", listener.local_addr()?);
                // Task: answers Prometheus; ends with the server.
                tasks.spawn(async move {
                    if let Err(error) = desk.serve_metrics(listener, shutdown).await {
                        tracing::error!(%error, "the metrics are served no more");
                    }
                });
            }
            let serving = desk.serve(listener, shutdown.clone());
            tokio::pin!(serving);
            tokio::select! {
                ended = &mut serving => ended?,
                () = told_to_stop() => {
                    tracing::info!("stopping");
                    shutdown.cancel();
                    serving.await?;
                }
            }
        }
        Task::Backup { data, file } => {
            let BackedUp { files, missing, bytes } = operations::back_up(&data.directory, &file).await?;
            println!(
                "{} has the desk with {files} files, {bytes} bytes. It was read again and is whole.",
                file.display()
            );
            if missing > 0 {
                eprintln!("{missing} files were missing on the disk; `deskbell-server doctor` names them.");
            }
        }
        Task::Restore { data, file, force } => {
            let Restored { files, aside } = operations::restore(&file, &data.directory, force).await?;
            println!("The desk in {} is what {} had, with {files} files.", data.directory.display(), file.display());
            if let Some(aside) = aside {
                println!("The desk that was there is in {}; delete it when you do not need it.", aside.display());
            }
        }
        Task::Export { data, who, to, csv } => {
            let format = if csv { Format::Csv } else { Format::Json };
            let Export { messages, files, missing } =
                operations::export(&data.directory, &who.person(), &to, format).await?;
            println!("{} has {messages} messages and {files} files.", to.display());
            if missing > 0 {
                eprintln!("{missing} files were missing on the disk; `deskbell-server doctor` names them.");
            }
        }
        Task::Erase { data, who } => {
            let request = Request::Erase { person: who.person() };
            if let Answer::Erased(Erased { visitors, conversations, messages, files, .. }) =
                operations::ask(&data.directory, request).await?
            {
                let files = files.len();
                println!(
                    "Erased: {visitors} browsers, {conversations} conversations, {messages} messages, {files} files."
                );
                println!("Backups still have them; a restore over this desk erases them again.");
            }
        }
        Task::Doctor { data, repair } => {
            let diagnosis = operations::examine(&data.directory, repair).await?;
            const MEGABYTE: u64 = 1024 * 1024;
            let (taken, free) = (diagnosis.database_bytes.div_ceil(MEGABYTE), diagnosis.free_bytes / MEGABYTE);
            println!("The database takes {taken} MB, and {free} MB are free on its disk.");
            diagnosis.mended.iter().for_each(|sentence| println!("Mended: {sentence}"));
            for Finding { fault, sentence } in &diagnosis.findings {
                println!("{}: {sentence}", if *fault { "Fault" } else { "Advice" });
            }
            if !diagnosis.is_sound() {
                return Err("the desk is not sound; the sentences above say what to do".into());
            }
            println!("The desk is sound.");
        }
        Task::Agent { task: AgentTask::Add { data, name, email, admin, password_file } } => {
            let password = password(password_file.as_deref())?;
            let role = if admin { Role::Admin } else { Role::Agent };
            let request = Request::AddAgent { name, email, password, role };
            if let Answer::Agent(agent) = operations::ask(&data.directory, request).await? {
                println!("{} can sign in as {}.", agent.name, agent.email);
            }
        }
        Task::Agent { task: AgentTask::Devices { data, email } } => {
            if let Answer::Devices(devices) = operations::ask(&data.directory, Request::Devices { email }).await? {
                devices.iter().for_each(|device| println!("{}", line(device)));
            }
        }
        Task::Agent { task: AgentTask::Revoke { data, email, which } } => {
            let request = Request::Revoke { email, device: which.device };
            if let Answer::Revoked(devices) = operations::ask(&data.directory, request).await? {
                println!("Signed out: {} devices.", devices.len());
            }
        }
        Task::Agent { task: AgentTask::Invite { data, email, admin } } => {
            let request = Request::Invite { email, role: if admin { Role::Admin } else { Role::Agent } };
            if let Answer::Invited(invited) = operations::ask(&data.directory, request).await? {
                println!("Hand this on to {}: {}", invited.invitation.email, whole(&invited.link));
            }
        }
        Task::Agent { task: AgentTask::PasswordLink { data, email } } => {
            let request = Request::PasswordLink { email: email.clone() };
            if let Answer::PasswordLink(made) = operations::ask(&data.directory, request).await? {
                println!("Hand this on to {email}: {}", whole(&made.link));
            }
        }
        Task::Agent { task: AgentTask::ResetCode { data, email } } => {
            operations::ask(&data.directory, Request::ResetCode { email: email.clone() }).await?;
            println!("{email} signs in with the password alone.");
        }
        Task::Site { task: SiteTask::Add { data, name, origins } } => {
            if let Answer::Site(site) = operations::ask(&data.directory, Request::AddSite { name, origins }).await? {
                println!("Key: {}", site.key);
                println!("Put this before </body> of every page, with the server's own address:");
                println!("<script src=\"https://YOUR-SERVER/w/loader.js\" data-site=\"{}\" async></script>", site.key);
            }
        }
    }
    Ok(())
}

/// A link as it is handed on; without a public origin the desk does not know its own address.
fn whole(link: &str) -> String {
    if link.starts_with('/') { format!("https://YOUR-SERVER{link}") } else { link.to_owned() }
}

/// A device on a line, with tabs between its fields.
fn line(device: &Device) -> String {
    let place = match (&device.region.city, &device.region.country) {
        _ if device.region.local => "local network".to_owned(),
        (Some(city), Some(country)) => format!("{city}, {country}"),
        (None, Some(country)) => country.clone(),
        _ => "unknown place".to_owned(),
    };
    let seen = if device.online { "connected now".to_owned() } else { ago(device.last_seen_at) };
    let known = |text: &str| if text.is_empty() { "-".to_owned() } else { text.replace(char::is_control, " ") };
    [device.id.to_string(), known(&device.name), known(&device.system), place, seen].join("\t")
}

/// How long ago a moment was, roughly.
fn ago(moment: Timestamp) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let minutes = now.saturating_sub(u128::try_from(moment).unwrap_or(0)) / 60_000;
    match minutes {
        0..120 => format!("seen {minutes} minutes ago"),
        120..2_880 => format!("seen {} hours ago", minutes / 60),
        _ => format!("seen {} days ago", minutes / 1_440),
    }
}

/// The first line of the file or of standard input.
fn password(file: Option<&Path>) -> Result<String, Failed> {
    let text = match file {
        Some(file) => std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?,
        None => {
            let mut text = String::new();
            std::io::stdin().take(64 * 1024).read_to_string(&mut text)?;
            text
        }
    };
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

#[cfg(unix)]
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return interrupted().await };
    tokio::select! {
        _ = terminated.recv() => {}
        () = interrupted() => {}
    }
}

#[cfg(not(unix))]
async fn told_to_stop() {
    interrupted().await;
}

async fn interrupted() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::error!(%error, "Ctrl+C cannot be heard");
        std::future::pending::<()>().await;
    }
}
