//! Requests of the server to addresses that people gave it. They go to the internet and to nothing else: a name is
//! looked up once, every address it has is judged, and the connection is made to exactly those addresses. No redirect is
//! followed, no proxy of the environment is asked, and no answer is read without end.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ipnet::IpNet;
use reqwest::Response;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::HeaderMap;
use url::{Host, Url};

/// Until somebody answers the call.
const CONNECT: Duration = Duration::from_secs(5);
/// Until the answer is there.
const TOTAL: Duration = Duration::from_secs(10);
/// Most of an answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 1024;
/// Longest address, in bytes.
const URL_BYTES_MAX: usize = 2_048;

/// Blocks of IPv4 that are not the internet (RFC 6890 and what was added to its registry).
const CLOSED_V4: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),       // "this network"
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // shared by customers of one provider
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // this computer
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local, and what clouds tell their machines
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // assigned to protocols
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // 6to4 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved, and broadcast
];

/// The part of IPv6 that is given out to the internet. Everything else is closed: this computer, unique local and
/// link-local addresses, multicast, addresses with an IPv4 address in them, NAT64.
const OPEN_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Blocks of that part which are not the internet.
const CLOSED_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // assigned to protocols; Teredo, ORCHID
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4, which holds an IPv4 address
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

fn in_v4((network, length): (Ipv4Addr, u8), address: Ipv4Addr) -> bool {
    let shift = 32 - u32::from(length);
    network.to_bits().checked_shr(shift) == address.to_bits().checked_shr(shift)
}

fn in_v6((network, length): (Ipv6Addr, u8), address: Ipv6Addr) -> bool {
    let shift = 128 - u32::from(length);
    network.to_bits().checked_shr(shift) == address.to_bits().checked_shr(shift)
}

/// Whether an address is one of the internet.
fn is_open(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !CLOSED_V4.iter().any(|block| in_v4(*block, address)),
        IpAddr::V6(address) => in_v6(OPEN_V6, address) && !CLOSED_V6.iter().any(|block| in_v6(*block, address)),
    }
}

fn is_of_the_internet(name: &str) -> bool {
    name.contains('.') && !name.ends_with(".localhost")
}

/// A future of a lookup.
pub type LookupFuture = Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>>;

/// Finds the addresses of a name.
pub trait Lookup: std::fmt::Debug + Send + Sync {
    /// All addresses of a name.
    fn lookup(&self, name: &str) -> LookupFuture;
}

/// The lookup of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: &str) -> LookupFuture {
        let name = name.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|found| found.ip()).collect()) })
    }
}

/// Why an address is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadTarget {
    #[error("must be an address such as https://example.com/deskbell")]
    Malformed,
    #[error("must begin with https://")]
    Scheme,
    #[error("must not hold a name or a password")]
    Credentials,
    #[error("must be on the internet, or in a network that the server's configuration allows")]
    Closed,
}

/// Which addresses may be asked.
#[derive(Clone, Debug)]
struct Gate {
    lookup: Arc<dyn Lookup>,
    /// Networks that the owner of the server opened.
    opened: Arc<[IpNet]>,
    /// Only those: without TLS, for what stays at home.
    home: bool,
}

impl Gate {
    fn passes(&self, address: IpAddr) -> bool {
        // An IPv4 address in the clothes of IPv6 reaches the same computer.
        let address = address.to_canonical();
        self.opened.iter().any(|network| network.contains(&address)) || (!self.home && is_open(address))
    }
}

impl Resolve for Gate {
    fn resolve(&self, name: Name) -> Resolving {
        let gate = self.clone();
        Box::pin(async move {
            let found = gate.lookup.lookup(name.as_str()).await?;
            // One closed address among open ones is no mistake of anybody honest.
            if found.is_empty() || !found.iter().all(|address| gate.passes(*address)) {
                return Err(BadTarget::Closed.into());
            }
            let found: Vec<SocketAddr> = found.into_iter().map(|address| SocketAddr::new(address, 0)).collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Asks addresses that people gave.
#[derive(Debug)]
pub(crate) struct Outbound {
    tls: Way,
    plain: Way,
}

/// Whom one of the clients may ask.
#[derive(Debug)]
struct Way {
    gate: Gate,
    /// Made when it is needed: it reads all root certificates of the computer.
    client: OnceLock<reqwest::Client>,
}

impl Way {
    fn client(&self) -> reqwest::Result<&reqwest::Client> {
        match self.client.get() {
            Some(client) => Ok(client),
            None => client(&self.gate).map(|client| self.client.get_or_init(|| client)),
        }
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The beginning of it.
    pub(crate) text: String,
}

fn client(gate: &Gate) -> reqwest::Result<reqwest::Client> {
    // Another part of the program may have chosen the cryptography already; either choice is fine.
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder()
        .user_agent(concat!("deskbell/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(Arc::new(gate.clone()))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT)
        .timeout(TOTAL)
        // A connection that stays open would outlive the judgement about its address.
        .pool_max_idle_per_host(0)
        .build()
}

impl Outbound {
    pub(crate) fn new(lookup: &Arc<dyn Lookup>, opened: &[IpNet]) -> Self {
        let gate = |home| Gate { lookup: Arc::clone(lookup), opened: opened.into(), home };
        let way = |home| Way { gate: gate(home), client: OnceLock::new() };
        Self { tls: way(false), plain: way(true) }
    }

    fn way(&self, target: &Url) -> Result<&Way, BadTarget> {
        match target.scheme() {
            "https" => Ok(&self.tls),
            "http" if !self.plain.gate.opened.is_empty() => Ok(&self.plain),
            _ => Err(BadTarget::Scheme),
        }
    }

    /// Reads an address, and judges all of it that can be judged without a lookup.
    pub(crate) fn read(&self, text: &str) -> Result<Url, BadTarget> {
        let target = Url::parse(text.trim()).map_err(|_| BadTarget::Malformed)?;
        let gate = &self.way(&target)?.gate;
        if target.as_str().len() > URL_BYTES_MAX {
            return Err(BadTarget::Malformed);
        }
        if !target.username().is_empty() || target.password().is_some() {
            return Err(BadTarget::Credentials);
        }
        let passes = match target.host() {
            Some(Host::Ipv4(address)) => gate.passes(address.into()),
            Some(Host::Ipv6(address)) => gate.passes(address.into()),
            // Names without a dot are names of this network. What the others are is known when they are looked up.
            Some(Host::Domain(name)) => !gate.opened.is_empty() || is_of_the_internet(name.trim_end_matches('.')),
            None => return Err(BadTarget::Malformed),
        };
        if passes { Ok(target) } else { Err(BadTarget::Closed) }
    }

    /// Sends a body, and reads the beginning of the answer.
    ///
    /// # Errors
    /// In words for whoever set the address up; they tell nothing of the networks around this computer.
    pub(crate) async fn post(&self, target: &str, headers: HeaderMap, body: String) -> Result<Answer, String> {
        // Judged again each time: the configuration may have been changed since it was written down, and addresses in
        // numbers are never looked up.
        let target = self.read(target).map_err(|bad| bad.to_string())?;
        let client = self.way(&target).map_err(|bad| bad.to_string())?.client().map_err(|error| {
            tracing::error!(%error, "requests to other servers cannot be made");
            "the desk cannot make requests; its log says why".to_owned()
        })?;
        let response = client.post(target).headers(headers).body(body).send().await.map_err(|error| words(&error))?;
        Ok(Answer { status: response.status().as_u16(), text: beginning(response).await })
    }
}

/// Why there was no answer, without the system's own words.
fn words(error: &reqwest::Error) -> String {
    let closed = std::iter::successors(std::error::Error::source(error), |error| error.source())
        .any(|error| error.downcast_ref::<BadTarget>().is_some());
    match error {
        _ if closed => BadTarget::Closed.to_string(),
        error if error.is_timeout() => "no answer in time".to_owned(),
        error if error.is_connect() => "no connection".to_owned(),
        _ => "the connection broke".to_owned(),
    }
}

async fn beginning(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_BYTES_MAX {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    bytes.truncate(ANSWER_BYTES_MAX);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests;
