//! A desk with two agents and a shop.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use deskbell_protocol::{Agent, Role, Site};
use deskbell_server::{Desk, Settings, Which, operations};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::provider::TestProvider;

/// Somebody who answers.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// Name.
    pub name: &'static str,
    /// Sign-in address.
    pub email: &'static str,
    /// Password.
    pub password: &'static str,
}

/// Ann runs the desk.
pub const ANN: Person = Person { name: "Ann", email: "ann@desk.test", password: "correct horse battery staple" };

/// Ben answers.
pub const BEN: Person = Person { name: "Ben", email: "ben@desk.test", password: "hunter of lost umbrellas" };

/// A server that runs in this process. It ends when dropped; its data go with it.
pub struct TestDesk {
    /// The desk itself, to look into or to administer.
    pub desk: Desk,
    /// Ann, as the desk knows her.
    pub ann: Agent,
    /// Ben, as the desk knows him.
    pub ben: Agent,
    /// The shop.
    pub site: Site,
    /// The origin of the shop's pages.
    pub origin: String,
    address: SocketAddr,
    data: TempDir,
    settings: Settings,
    running: Option<Running>,
}

struct Running {
    stop: CancellationToken,
    server: JoinHandle<()>,
}

impl TestDesk {
    /// A new desk for a shop at `http://shop.test`.
    pub async fn start() -> Self {
        Self::for_shop("http://shop.test").await
    }

    /// A new desk for a shop whose pages have this origin.
    pub async fn for_shop(origin: &str) -> Self {
        Self::start_with(origin, |_, _| {}).await
    }

    /// A new desk whose agents may also sign in at an identity provider.
    pub async fn at_provider(provider: &TestProvider) -> Self {
        Self::start_with("http://shop.test", |settings, address| {
            settings.provider = Some(provider.settings());
            settings.public_origin = Some(format!("http://{address}"));
        })
        .await
    }

    async fn start_with(origin: &str, decide: impl FnOnce(&mut Settings, SocketAddr)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut settings =
            Settings { data: data.path().to_owned(), desk: "Test Desk".to_owned(), ..Settings::default() };
        decide(&mut settings, address);
        let desk = open(&settings).await;
        let administration = desk.administer();
        administration.seed("en").await.unwrap();
        let ann = administration.add_agent(ANN.name, ANN.email, ANN.password, Role::Owner).await.unwrap();
        let ben = administration.add_agent(BEN.name, BEN.email, BEN.password, Role::Agent).await.unwrap();
        let site = administration.add_site("Shop", &[origin.to_owned()]).await.unwrap();
        let running = Some(serve(&desk, listener));
        Self { desk, ann, ben, site, origin: origin.to_owned(), address, data, settings, running }
    }

    /// Where agents and pages reach the desk, e.g. `http://127.0.0.1:40123`.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The same, for a proxy in front.
    pub fn socket_address(&self) -> SocketAddr {
        self.address
    }

    /// The desk's directory.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Stops serving, as an administrator would: what was taken is on disk, and clients are told to come back.
    pub async fn stop(&mut self) {
        if let Some(Running { stop, server }) = self.running.take() {
            stop.cancel();
            server.await.unwrap();
        }
    }

    /// Serves the same data at the same address again.
    pub async fn start_again(&mut self) {
        self.stop().await;
        self.desk = open(&self.settings).await;
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.running = Some(serve(&self.desk, listener));
    }

    /// A backup of the desk as it is now, in a file of this name.
    pub async fn back_up(&self, to: &Path) {
        operations::back_up(self.data.path(), to).await.unwrap();
    }

    /// Becomes what it was when a backup was made, and serves that at the same address.
    pub async fn restore(&mut self, backup: &Path) {
        self.stop().await;
        operations::restore(backup, self.data.path(), true).await.unwrap();
        self.start_again().await;
    }

    /// Signs an agent out on all computers. On how many.
    pub async fn sign_out_everywhere(&self, who: &Agent) -> usize {
        self.desk.administer().revoke(who.id, Which::AllBut(None)).await.unwrap().len()
    }

    /// Another desk with a copy of the data: the same people and conversations under the same ids, which
    /// then go their own ways.
    pub async fn twin(&mut self) -> Self {
        self.stop().await;
        let data = tempfile::tempdir().unwrap();
        copy(self.data.path(), data.path());
        self.start_again().await;
        let settings = Settings { data: data.path().to_owned(), ..self.settings.clone() };
        let desk = open(&settings).await;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let running = Some(serve(&desk, listener));
        let (ann, ben, site, origin) = (self.ann.clone(), self.ben.clone(), self.site.clone(), self.origin.clone());
        Self { desk, ann, ben, site, origin, address, data, settings, running }
    }
}

/// Copies a directory and everything in it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let copied = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &copied);
        } else {
            std::fs::copy(entry.path(), copied).unwrap();
        }
    }
}

impl Drop for TestDesk {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.stop.cancel();
        }
    }
}

async fn open(settings: &Settings) -> Desk {
    let settings = settings.clone();
    tokio::task::spawn_blocking(move || Desk::open(settings)).await.unwrap().unwrap()
}

fn serve(desk: &Desk, listener: TcpListener) -> Running {
    let (desk, stop) = (desk.clone(), CancellationToken::new());
    let stopped = stop.clone();
    // Owned by the desk of the test, which cancels it.
    let server = TaskTracker::new().spawn(async move { desk.serve(listener, stopped).await.unwrap() });
    Running { stop, server }
}
