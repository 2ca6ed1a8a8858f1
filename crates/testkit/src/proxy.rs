//! A bad network between a client and a desk.
//!
//! The proxy passes TCP connections on. On WebSockets it acts on whole frames, so that a lost frame is a lost
//! delta and not a broken stream; on other connections it acts on whatever bytes arrive together.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Longest head of an HTTP request or answer, in bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Bytes read at once where there are no frames.
const CHUNK_BYTES: usize = 16 * 1024;

/// Which way something travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client to the desk.
    ToDesk,
    /// From the desk to the client.
    ToClient,
}

/// What the network does to one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Weather {
    #[default]
    Fine,
    Slow(Duration),
    Frozen,
}

/// One way of all connections.
struct Line {
    weather: watch::Sender<Weather>,
    /// Frames yet to be lost.
    to_lose: AtomicU64,
    /// Frames yet to arrive twice.
    to_repeat: AtomicU64,
    /// Bytes of frames that still pass before a connection is cut. `None`: no cut is planned.
    bytes_to_cut: Mutex<Option<u64>>,
    /// Frames and bytes of frames that have passed.
    frames: AtomicU64,
    bytes: AtomicU64,
}

impl Line {
    fn new() -> Self {
        Self {
            weather: watch::Sender::new(Weather::Fine),
            to_lose: AtomicU64::new(0),
            to_repeat: AtomicU64::new(0),
            bytes_to_cut: Mutex::default(),
            frames: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    /// Waits as long as the weather says. Frozen ends when the weather changes.
    async fn wait(&self) {
        let mut weather = self.weather.subscribe();
        let now = *weather.borrow_and_update();
        match now {
            Weather::Fine => {}
            Weather::Slow(delay) => tokio::time::sleep(delay).await,
            // The sender lives as long as the proxy, so this ends with a change.
            Weather::Frozen => drop(weather.wait_for(|weather| *weather != Weather::Frozen).await),
        }
    }

    /// Passes a frame on, or what the faults leave of it. An error cuts the connection.
    async fn pass_frame(&self, frame: &[u8], to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        if take_one(&self.to_lose) {
            return Ok(());
        }
        let times = if take_one(&self.to_repeat) { 2 } else { 1 };
        for _ in 0..times {
            let (passes, cut) = self.before_the_cut(frame);
            to.write_all(passes).await?;
            self.bytes.fetch_add(passes.len() as u64, Ordering::Relaxed);
            if cut {
                to.shutdown().await?;
                return Err(io::Error::other("cut in the middle"));
            }
            self.frames.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// How much of a frame passes, and whether the connection is cut then. A planned cut is used up by one
    /// connection.
    fn before_the_cut<'a>(&self, frame: &'a [u8]) -> (&'a [u8], bool) {
        let mut planned = lock(&self.bytes_to_cut);
        let Some(left) = *planned else { return (frame, false) };
        let size = frame.len() as u64;
        if left > size {
            *planned = Some(left - size);
            return (frame, false);
        }
        *planned = None;
        (frame.get(..usize::try_from(left).unwrap_or(usize::MAX)).unwrap_or(frame), true)
    }
}

/// Takes one of what is left, if anything is.
fn take_one(left: &AtomicU64) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What ends the connections of now; replaced for what comes later.
#[derive(Clone, Default)]
struct Ends {
    /// Cancelled to cut them.
    cut: CancellationToken,
    /// Cancelled to let them fall silent.
    silent: CancellationToken,
}

struct Network {
    desk: SocketAddr,
    to_desk: Line,
    to_client: Line,
    refusing: AtomicBool,
    /// Requests for a WebSocket are answered as by a company's gateway that knows none.
    no_sockets: AtomicBool,
    connections: Mutex<Ends>,
    /// How many there have been.
    count: AtomicU64,
}

impl Network {
    fn line(&self, way: Way) -> &Line {
        match way {
            Way::ToDesk => &self.to_desk,
            Way::ToClient => &self.to_client,
        }
    }
}

/// A proxy in front of a desk. It ends when dropped.
pub struct FaultProxy {
    address: SocketAddr,
    network: Arc<Network>,
    stop: CancellationToken,
}

impl FaultProxy {
    /// Listens on a free port of this computer and passes on to `desk`.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(desk: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let network = Arc::new(Network {
            desk,
            to_desk: Line::new(),
            to_client: Line::new(),
            refusing: AtomicBool::new(false),
            count: AtomicU64::new(0),
            no_sockets: AtomicBool::new(false),
            connections: Mutex::default(),
        });
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        // Owned by the proxy: every task below watches its token, and the connections' tasks are tracked.
        tasks.clone().spawn(stop.clone().run_until_cancelled_owned(accept(
            listener,
            Arc::clone(&network),
            tasks,
            stop.clone(),
        )));
        Ok(Self { address, network, stop })
    }

    /// Where clients reach the desk through this proxy, e.g. `http://127.0.0.1:40123`.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything passes at once again, and new connections are taken.
    pub fn heal(&self) {
        for way in [Way::ToDesk, Way::ToClient] {
            let line = self.network.line(way);
            line.to_lose.store(0, Ordering::Relaxed);
            line.to_repeat.store(0, Ordering::Relaxed);
            *lock(&line.bytes_to_cut) = None;
            self.set(way, Weather::Fine);
        }
        self.network.refusing.store(false, Ordering::Relaxed);
    }

    /// Loses the next `count` WebSocket frames of one way; the connection stays.
    pub fn lose(&self, way: Way, count: u64) {
        self.network.line(way).to_lose.store(count, Ordering::Relaxed);
    }

    /// Waits until everything that [`Self::lose`] was to lose is lost.
    pub async fn has_lost(&self, way: Way) {
        while self.network.line(way).to_lose.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Lets the next `count` WebSocket frames of one way arrive twice.
    pub fn repeat(&self, way: Way, count: u64) {
        self.network.line(way).to_repeat.store(count, Ordering::Relaxed);
    }

    /// Cuts a connection, once, when `bytes` more bytes of WebSocket frames have passed one way: mostly in the
    /// middle of a frame. Handshakes and other requests do not count.
    pub fn cut_after(&self, way: Way, bytes: u64) {
        *lock(&self.network.line(way).bytes_to_cut) = Some(bytes);
    }

    /// Whether a cut of [`Self::cut_after`] is still to come.
    pub fn cut_is_planned(&self, way: Way) -> bool {
        lock(&self.network.line(way).bytes_to_cut).is_some()
    }

    /// Every frame of one way takes so much longer, one after the other.
    pub fn slow(&self, way: Way, delay: Duration) {
        self.set(way, Weather::Slow(delay));
    }

    /// Nothing passes one way, nothing is lost, and nobody is told, until the network heals.
    pub fn freeze(&self, way: Way) {
        self.set(way, Weather::Frozen);
    }

    /// Cuts every connection that there is.
    pub fn cut(&self) {
        std::mem::take(&mut *lock(&self.network.connections)).cut.cancel();
    }

    /// Every connection that there is falls silent for good, both ways, and nobody is told, not even of an end: as
    /// when a router forgets a connection, or a computer at the other end loses its power. What was on its way is
    /// lost. New connections pass.
    pub fn silence(&self) {
        std::mem::take(&mut *lock(&self.network.connections)).silent.cancel();
    }

    /// Ends new connections as soon as they come, until the network heals.
    pub fn refuse(&self) {
        self.network.refusing.store(true, Ordering::Relaxed);
    }

    /// Refuses new WebSockets, until [`Self::allow_sockets`]: other requests pass. Healing does not change that, for
    /// it is how the network was built.
    pub fn refuse_sockets(&self) {
        self.network.no_sockets.store(true, Ordering::Relaxed);
    }

    /// Lets WebSockets pass again.
    pub fn allow_sockets(&self) {
        self.network.no_sockets.store(false, Ordering::Relaxed);
    }

    /// Connections that were let in so far.
    pub fn connections(&self) -> u64 {
        self.network.count.load(Ordering::Relaxed)
    }

    /// WebSocket frames that have passed one way.
    pub fn passed(&self, way: Way) -> u64 {
        self.network.line(way).frames.load(Ordering::Relaxed)
    }

    /// Bytes of WebSocket frames that have passed one way.
    pub fn bytes_passed(&self, way: Way) -> u64 {
        self.network.line(way).bytes.load(Ordering::Relaxed)
    }

    fn set(&self, way: Way, weather: Weather) {
        self.network.line(way).weather.send_replace(weather);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn accept(listener: TcpListener, network: Arc<Network>, tasks: TaskTracker, stop: CancellationToken) {
    loop {
        let client = match listener.accept().await {
            Ok((client, _)) => client,
            Err(error) => {
                tracing::warn!(%error, "the proxy could not take a connection");
                continue;
            }
        };
        if network.refusing.load(Ordering::Relaxed) {
            continue;
        }
        network.count.fetch_add(1, Ordering::Relaxed);
        let ends = lock(&network.connections).clone();
        let network = Arc::clone(&network);
        let stop = stop.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = ends.cut.cancelled() => {}
                passed = pass(client, &network, &ends.silent) => if let Err(error) = passed {
                    tracing::debug!(%error, "a connection through the proxy ended");
                },
            }
        });
    }
}

/// Passes one connection on until either side ends it. A silent one stays open and reads nothing more, so that
/// neither side learns of the other's end.
async fn pass(client: TcpStream, network: &Network, silent: &CancellationToken) -> io::Result<()> {
    let desk = TcpStream::connect(network.desk).await?;
    for stream in [&client, &desk] {
        stream.set_nodelay(true)?;
    }
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_desk, mut to_desk) = desk.into_split();
    let request = read_head(&mut from_client).await?;
    if asks_for_a_websocket(&request) && network.no_sockets.load(Ordering::Relaxed) {
        to_client.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await?;
        return to_client.shutdown().await;
    }
    network.to_desk.wait().await;
    to_desk.write_all(&request).await?;
    let mut framed = false;
    if asks_for_a_websocket(&request) {
        let answer = read_head(&mut from_desk).await?;
        framed = answer.starts_with(b"HTTP/1.1 101");
        network.to_client.wait().await;
        to_client.write_all(&answer).await?;
    }
    tokio::select! {
        ended = carry(&mut from_client, &mut to_desk, network, Way::ToDesk, framed) => ended,
        ended = carry(&mut from_desk, &mut to_client, network, Way::ToClient, framed) => ended,
        () = silent.cancelled() => std::future::pending().await,
    }
}

fn asks_for_a_websocket(head: &[u8]) -> bool {
    String::from_utf8_lossy(head).to_ascii_lowercase().contains("\r\nupgrade: websocket")
}

/// Reads up to the empty line, a byte at a time, so that nothing after it is taken.
async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(1024);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= HEAD_BYTES_MAX {
            return Err(io::Error::other("a head without an end"));
        }
        head.push(stream.read_u8().await?);
    }
    Ok(head)
}

async fn carry(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    network: &Network,
    way: Way,
    framed: bool,
) -> io::Result<()> {
    let line = network.line(way);
    loop {
        let piece = if framed { read_frame(from).await? } else { read_chunk(from).await? };
        line.wait().await;
        if framed { line.pass_frame(&piece, to).await? } else { to.write_all(&piece).await? }
    }
}

async fn read_chunk(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let read = stream.read(&mut chunk).await?;
    if read == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    chunk.truncate(read);
    Ok(chunk)
}

/// Reads one frame of RFC 6455, section 5.2, as it stands on the wire.
async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 2];
    stream.read_exact(&mut frame).await?;
    let masked = frame[1] & 0x80 != 0;
    let length = match frame[1] & 0x7f {
        126 => read_length(stream, &mut frame, 2).await?,
        127 => read_length(stream, &mut frame, 8).await?,
        short => u64::from(short),
    };
    let rest = length + if masked { 4 } else { 0 };
    if stream.take(rest).read_to_end(&mut frame).await? as u64 != rest {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(frame)
}

async fn read_length(stream: &mut (impl AsyncRead + Unpin), frame: &mut Vec<u8>, bytes: usize) -> io::Result<u64> {
    let mut length = 0;
    for _ in 0..bytes {
        let byte = stream.read_u8().await?;
        frame.push(byte);
        length = length << 8 | u64::from(byte);
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use axum::Router;
    use axum::extract::WebSocketUpgrade;
    use axum::routing::get;
    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio::time::timeout;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

    use super::*;
    use crate::PATIENCE;

    type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

    /// A server that repeats every frame, and a proxy before it. The guard ends both.
    async fn echo() -> (FaultProxy, tokio::task::JoinSet<()>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let socket = |upgrade: WebSocketUpgrade| async {
            upgrade.on_upgrade(|mut socket| async move {
                while let Some(Ok(message)) = socket.recv().await {
                    if socket.send(message).await.is_err() {
                        break;
                    }
                }
            })
        };
        let routes = Router::new().route("/socket", get(socket)).route("/", get(|| async { "hello" }));
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        (FaultProxy::start(address).await.unwrap(), tasks)
    }

    async fn connect(proxy: &FaultProxy) -> Socket {
        let address = format!("{}/socket", proxy.address().replace("http", "ws"));
        connect_async(address).await.unwrap().0
    }

    async fn say(socket: &mut Socket, text: &str) {
        socket.send(Message::text(text)).await.unwrap();
    }

    /// What comes back.
    async fn heard(socket: &mut Socket) -> String {
        match timeout(PATIENCE, socket.next()).await {
            Ok(Some(Ok(message))) => message.into_text().unwrap().to_string(),
            other => panic!("nothing comes back: {other:?}"),
        }
    }

    /// Nothing comes back, as far as may be waited for that.
    async fn hears_nothing(socket: &mut Socket) {
        let heard = timeout(Duration::from_millis(300), socket.next()).await;
        assert!(heard.is_err(), "{heard:?}");
    }

    #[tokio::test]
    async fn a_healthy_network_passes_frames_of_every_size() {
        let (proxy, _server) = echo().await;
        let mut socket = connect(&proxy).await;
        for length in [0, 1, 125, 126, 65_535, 65_536, 100_000] {
            let text = "x".repeat(length);
            say(&mut socket, &text).await;
            assert_eq!(heard(&mut socket).await, text, "{length} bytes");
        }
        assert_eq!((proxy.passed(Way::ToDesk), proxy.passed(Way::ToClient)), (7, 7));
    }

    #[tokio::test]
    async fn plain_requests_pass_too() {
        let (proxy, _server) = echo().await;
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: desk\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("hello"), "{answer}");
    }

    #[tokio::test]
    async fn lost_frames_are_lost_and_the_connection_stays() {
        let (proxy, _server) = echo().await;
        let mut socket = connect(&proxy).await;
        proxy.lose(Way::ToClient, 1);
        say(&mut socket, "one").await;
        say(&mut socket, "two").await;
        assert_eq!(heard(&mut socket).await, "two");
    }

    #[tokio::test]
    async fn repeated_frames_arrive_twice() {
        let (proxy, _server) = echo().await;
        let mut socket = connect(&proxy).await;
        proxy.repeat(Way::ToDesk, 1);
        say(&mut socket, "one").await;
        say(&mut socket, "two").await;
        for expected in ["one", "one", "two"] {
            assert_eq!(heard(&mut socket).await, expected);
        }
    }

    #[tokio::test]
    async fn a_planned_cut_comes_at_its_byte_and_once() {
        let (proxy, _server) = echo().await;
        let mut socket = connect(&proxy).await;
        // A frame to the client has two bytes before its text.
        proxy.cut_after(Way::ToClient, 5 + 4);
        say(&mut socket, "one").await;
        assert_eq!(heard(&mut socket).await, "one");
        say(&mut socket, "two").await;
        let ended = timeout(PATIENCE, socket.next()).await.unwrap();
        assert!(!matches!(ended, Some(Ok(_))), "{ended:?}");
        assert_eq!(proxy.bytes_passed(Way::ToClient), 9);
        let mut socket = connect(&proxy).await;
        say(&mut socket, "three").await;
        assert_eq!(heard(&mut socket).await, "three");
    }

    #[tokio::test]
    async fn a_silent_connection_tells_nobody_and_new_ones_pass() {
        let (proxy, _server) = echo().await;
        let mut socket = connect(&proxy).await;
        proxy.silence();
        say(&mut socket, "one").await;
        hears_nothing(&mut socket).await;
        // What is forgotten does not come back.
        proxy.heal();
        hears_nothing(&mut socket).await;
        let mut again = connect(&proxy).await;
        say(&mut again, "two").await;
        assert_eq!(heard(&mut again).await, "two");
    }

    #[tokio::test]
    async fn a_frozen_way_keeps_everything_until_it_heals() {
        let (proxy, _server) = echo().await;
        let mut socket = connect(&proxy).await;
        proxy.freeze(Way::ToClient);
        say(&mut socket, "one").await;
        hears_nothing(&mut socket).await;
        assert_eq!(proxy.passed(Way::ToDesk), 1, "the other way is open");
        proxy.heal();
        assert_eq!(heard(&mut socket).await, "one");
    }

    #[tokio::test]
    async fn a_slow_way_takes_its_time() {
        let (proxy, _server) = echo().await;
        let mut socket = connect(&proxy).await;
        proxy.slow(Way::ToDesk, Duration::from_millis(120));
        let began = std::time::Instant::now();
        say(&mut socket, "one").await;
        assert_eq!(heard(&mut socket).await, "one");
        assert!(began.elapsed() >= Duration::from_millis(120));
    }

    #[tokio::test]
    async fn a_network_without_sockets_answers_with_something_else_and_lets_requests_pass() {
        let (proxy, _server) = echo().await;
        proxy.refuse_sockets();
        let address = format!("{}/socket", proxy.address().replace("http", "ws"));
        let refused = connect_async(&address).await.unwrap_err();
        assert!(matches!(&refused, tokio_tungstenite::tungstenite::Error::Http(answer) if answer.status() == 403));
        let mut plain = TcpStream::connect(proxy.address().trim_start_matches("http://")).await.unwrap();
        plain.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        plain.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("hello"), "{answer}");
        proxy.allow_sockets();
        assert!(connect_async(&address).await.is_ok());
    }

    #[tokio::test]
    async fn a_cut_ends_what_is_connected_and_new_connections_are_taken_unless_refused() {
        let (proxy, _server) = echo().await;
        let mut socket = connect(&proxy).await;
        proxy.cut();
        let ended = timeout(PATIENCE, socket.next()).await.unwrap();
        assert!(!matches!(ended, Some(Ok(_))), "{ended:?}");
        let mut socket = connect(&proxy).await;
        say(&mut socket, "again").await;
        assert_eq!(heard(&mut socket).await, "again");
        proxy.refuse();
        let address = format!("{}/socket", proxy.address().replace("http", "ws"));
        assert!(connect_async(&address).await.is_err());
        proxy.heal();
        assert!(connect_async(&address).await.is_ok());
    }
}
