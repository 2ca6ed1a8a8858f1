//! Prosody, a well-known server of messages, with its archive on files: what a ready-made server does with the same
//! load. It archives before it passes a message on, and does not flush the disk.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::ear::Heard;
use super::side::{Agent, Side, Writer};

/// Accounts that hear the messages, each those of some writers.
const ACCOUNTS: usize = 10;
const HOST: &str = "desk.test";
/// It listens by then.
const START: Duration = Duration::from_secs(10);

/// A running Prosody; it ends when dropped.
pub(crate) struct Prosody {
    process: Child,
    address: SocketAddr,
    _data: TempDir,
}

impl Prosody {
    /// Starts it. `None`: it is not installed.
    pub(crate) async fn start() -> Option<Self> {
        let data = tempfile::tempdir().unwrap();
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let settings = data.path().join("prosody.cfg.lua");
        let directory = data.path().display();
        let port = address.port();
        fs::write(
            &settings,
            format!(
                r#"
run_as_root = true
data_path = "{directory}"
pidfile = "{directory}/pid"
log = {{ warn = "{directory}/log" }}
modules_enabled = {{ "saslauth", "mam", "smacks" }}
modules_disabled = {{ "s2s", "offline" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "insecure"
insecure_open_authentication = "Yes please, I know what I'm doing!"
storage = {{ archive = "internal" }}
default_archive_policy = true
VirtualHost "{HOST}"
"#
            ),
        )
        .unwrap();
        let mut command = Command::new("prosody");
        command.arg("-F").arg("--config").arg(&settings).stdin(Stdio::null()).stdout(Stdio::null());
        let process = command.spawn().ok()?;
        let prosody = Self { process, address, _data: data };
        let wait = Duration::from_millis(50);
        let mut waited = Duration::ZERO;
        while TcpStream::connect(address).await.is_err() {
            assert!(waited < START, "Prosody does not listen");
            sleep(wait).await;
            waited += wait;
        }
        Some(prosody)
    }

    pub(crate) fn side(&self) -> Xmpp {
        Xmpp(self.address)
    }
}

impl Drop for Prosody {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A server of XMPP at an address.
#[derive(Clone, Copy)]
pub(crate) struct Xmpp(SocketAddr);

/// A connection. What comes is searched for what is waited for: all of it is known beforehand.
struct Stream {
    socket: TcpStream,
    /// What came and was not looked at.
    rest: String,
}

impl Xmpp {
    async fn connect(self, name: &str) -> Stream {
        let socket = TcpStream::connect(self.0).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let mut stream = Stream { socket, rest: String::new() };
        let open = format!(
            "<stream:stream to='{HOST}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
        );
        stream.say(&open).await;
        stream.until("</stream:features>").await;
        let secret = STANDARD.encode(format!("\0{name}\0secret"));
        stream.say(&format!("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{secret}</auth>")).await;
        stream.until("<success").await;
        stream.say(&open).await;
        stream.until("</stream:features>").await;
        stream.say("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>").await;
        stream.until("</iq>").await;
        stream
    }
}

impl Stream {
    async fn say(&mut self, text: &str) {
        self.socket.write_all(text.as_bytes()).await.unwrap();
    }

    /// What came before this text, which is taken as well.
    async fn until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.rest.find(end) {
                let after = self.rest.split_off(at + end.len());
                return std::mem::replace(&mut self.rest, after);
            }
            let mut bytes = [0; 8192];
            let read = self.socket.read(&mut bytes).await.unwrap();
            assert!(read > 0, "Prosody ended a connection: {}", self.rest);
            self.rest.push_str(std::str::from_utf8(&bytes[..read]).expect("all texts here are ASCII"));
        }
    }
}

pub(crate) struct XmppWriter {
    stream: Stream,
    account: usize,
}

/// All accounts together: each message comes to one of them.
pub(crate) struct XmppAgent {
    heard: mpsc::Receiver<String>,
    number: i64,
    _readers: JoinSet<()>,
}

impl Side for Xmpp {
    type Writer = XmppWriter;
    type Agent = XmppAgent;

    async fn writer(&self, number: usize) -> XmppWriter {
        let mut stream = self.connect(&format!("visitor{number}")).await;
        // Its answer to a request for an acknowledgement says that everything before is taken.
        stream.say("<enable xmlns='urn:xmpp:sm:3'/>").await;
        stream.until("<enabled").await;
        let mut writer = XmppWriter { stream, account: number % ACCOUNTS };
        writer.write("hello".to_owned()).await;
        writer
    }

    async fn agent(&self, _number: usize, _of: usize) -> XmppAgent {
        let (tell, heard) = mpsc::channel(1024);
        let mut readers = JoinSet::new();
        for account in 0..ACCOUNTS {
            let mut stream = self.connect(&format!("agent{account}")).await;
            stream.say("<presence/>").await;
            let tell = tell.clone();
            readers.spawn(async move {
                loop {
                    let text = stream.until("</body>").await;
                    let begin = text.rfind("<body>").expect("a body has a beginning") + "<body>".len();
                    let body = text[begin..text.len() - "</body>".len()].to_owned();
                    if tell.send(body).await.is_err() {
                        return;
                    }
                }
            });
        }
        XmppAgent { heard, number: 0, _readers: readers }
    }
}

impl Writer for XmppWriter {
    async fn write(&mut self, text: String) {
        let to = self.account;
        let message = format!(
            "<message to='agent{to}@{HOST}' type='chat'><body>{text}</body></message><r xmlns='urn:xmpp:sm:3'/>"
        );
        self.stream.say(&message).await;
        self.stream.until("<a ").await;
        self.stream.until(">").await;
    }
}

impl Agent for XmppAgent {
    async fn hear(&mut self) -> Vec<Heard> {
        let text = self.heard.recv().await.expect("Prosody ended");
        self.number += 1;
        vec![Heard { text, id: None, number: self.number }]
    }
}
