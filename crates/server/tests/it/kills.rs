//! The real program under load, killed again and again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::path::Path;

use deskbell_protocol::*;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::crash::{make, serve, sign_in};
use crate::desk::*;

/// How often the program is killed where everything is tested, and on a desk where somebody waits.
const MANY: usize = 20;
const FEW: usize = 4;
/// The most answers that are heard before the program is killed.
const ANSWERS_MAX: usize = 150;
/// Rounds for which one access token is good.
const ROUNDS_OF_A_TOKEN: usize = 50;

/// Somebody who writes without end, and offers again whatever has no answer.
struct Writer {
    name: String,
    /// An agent's access token.
    agent: Option<String>,
    visitor: Option<VisitorHello>,
    conversation: Option<ConversationId>,
    /// Messages on their way at once.
    window: usize,
    written: Vec<String>,
    /// Without an answer, oldest first.
    waiting: VecDeque<CommandFrame>,
    /// What the desk has promised, and the process that did.
    acknowledged: Vec<(String, u32)>,
}

impl Writer {
    fn new(name: String, conversation: Option<ConversationId>, visitor: Option<VisitorHello>) -> Self {
        // Only one at a time keeps its order when it is refused for the moment, as visitors' are.
        let window = if visitor.is_some() { 1 } else { 8 };
        let (agent, written) = (None, Vec::new());
        Self { name, agent, visitor, conversation, window, written, waiting: VecDeque::new(), acknowledged: vec![] }
    }

    async fn greeted(&self, address: SocketAddr) -> Option<Client> {
        let own = format!("http://{address}");
        let origin = self.visitor.is_some().then_some(own.as_str());
        let mut client = Client::try_open(address, self.agent.as_deref(), origin).await.ok()?;
        let (visitor, app) = (self.visitor.clone(), "test".to_owned());
        let hello = ClientFrame::Hello(Hello { protocol: PROTOCOL, app, cursor: None, visitor });
        client.try_send(&hello).await.then_some(client)
    }

    /// Writes until the connection ends, or, with `more` false, until nothing waits.
    async fn write(&mut self, address: SocketAddr, process: u32, more: bool, heard: &mpsc::UnboundedSender<()>) {
        let Some(mut client) = self.greeted(address).await else { return };
        let mut sent = 0;
        loop {
            while sent < self.window {
                if sent == self.waiting.len() {
                    if !more {
                        break;
                    }
                    let text = format!("{} {}", self.name, self.written.len());
                    self.waiting.push_back(reply(self.conversation, &text));
                    self.written.push(text);
                }
                if !client.try_send(&ClientFrame::Cmd(self.waiting[sent].clone())).await {
                    return;
                }
                sent += 1;
            }
            if self.waiting.is_empty() {
                return;
            }
            match client.next().await {
                None => return,
                Some(ServerFrame::Ack(ack)) => {
                    let place = self.waiting.iter().position(|frame| frame.client_id == ack.client_id);
                    let frame = self.waiting.remove(place.expect("an answer to something")).unwrap();
                    let Command::Send { text, .. } = frame.command else { unreachable!("only messages are written") };
                    self.acknowledged.push((text, process));
                    sent -= 1;
                    // Nobody listens after the kill.
                    heard.send(()).ok();
                }
                Some(ServerFrame::Nack(nack)) => {
                    assert!(!nack.code.is_permanent() && self.visitor.is_some(), "{}: {nack:?}", self.name);
                    return;
                }
                Some(_) => {}
            }
        }
    }
}

/// Looks into a copy of the files: what was promised is there once, and no number is left out.
fn look(data: &Path, writers: &[Writer]) {
    let copy = tempfile::tempdir().unwrap();
    for ending in ["", "-wal"] {
        let name = format!("desk.db{ending}");
        if data.join(&name).exists() {
            std::fs::copy(data.join(&name), copy.path().join(&name)).unwrap();
        }
    }
    let database = rusqlite::Connection::open(copy.path().join("desk.db")).unwrap();
    let verdict: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
    let mut statement =
        database.prepare("SELECT conversation, number, text FROM message ORDER BY conversation, number").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let stored: Vec<(i64, Number, String)> = rows.map(Result::unwrap).collect();
    let mut last: HashMap<i64, Number> = HashMap::new();
    for (conversation, number, text) in &stored {
        let before = last.insert(*conversation, *number).unwrap_or(0);
        assert_eq!(*number, before + 1, "before {text:?}");
    }
    let texts: HashSet<&str> = stored.iter().map(|(.., text)| text.as_str()).collect();
    assert_eq!(texts.len(), stored.len(), "something stands there twice");
    for writer in writers {
        for (text, process) in &writer.acknowledged {
            assert!(texts.contains(text.as_str()), "{text:?} was acknowledged by process {process} and is lost");
        }
        let begin = format!("{} ", writer.name);
        let there: Vec<&str> =
            stored.iter().map(|(.., text)| text.as_str()).filter(|text| text.starts_with(&begin)).collect();
        assert_eq!(there, writer.written[..there.len()], "the order of {}", writer.name);
        if writer.waiting.is_empty() {
            assert_eq!(there.len(), writer.written.len(), "{}", writer.name);
        }
    }
}

/// Lets everybody write at once, until so many answers were heard and the program is killed.
async fn round(data: &Path, writers: Vec<Writer>, answers: Option<usize>, token: &mut Option<String>) -> Vec<Writer> {
    let (mut process, address) = serve(data.to_str().unwrap());
    if token.is_none() {
        *token = Some(sign_in(address).await.access_token);
    }
    let (heard, mut hears) = mpsc::unbounded_channel();
    let pid = process.id();
    let mut writing = JoinSet::new();
    let count = writers.len();
    for (place, mut writer) in writers.into_iter().enumerate() {
        let heard = heard.clone();
        if writer.visitor.is_none() {
            writer.agent.clone_from(token);
        }
        writing.spawn(async move {
            writer.write(address, pid, answers.is_some(), &heard).await;
            (place, writer)
        });
    }
    drop(heard);
    let mut back: Vec<Option<Writer>> = (0..count).map(|_| None).collect();
    if let Some(answers) = answers {
        for _ in 0..answers {
            assert!(hears.recv().await.is_some(), "the program ended by itself");
        }
        // Killed, not stopped: nothing is flushed that was not flushed before.
        assert!(process.try_wait().unwrap().is_none(), "the program ended by itself");
        process.kill().unwrap();
    }
    while let Some(ended) = writing.join_next().await {
        let (place, writer) = ended.unwrap();
        back[place] = Some(writer);
    }
    if answers.is_none() {
        process.kill().unwrap();
    }
    process.wait().unwrap();
    back.into_iter().map(Option::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn dc_01_a_server_that_is_killed_under_load_keeps_what_it_has_acknowledged() {
    let rounds = match std::env::var("DESKBELL_SERVER_KILLS") {
        Ok(text) => text.parse().unwrap(),
        Err(_) if std::env::var_os("CI").is_some() => MANY,
        Err(_) => FEW,
    };
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("desk");
    let site = make(&data);
    let (mut process, address) = serve(data.to_str().unwrap());
    let mut writers = Vec::new();
    for name in ["Vic", "Wen"] {
        let (part, language, screen) = (VisitorPart::Panel, String::new(), String::new());
        let mut hello = VisitorHello {
            site: site.clone(),
            part,
            token: None,
            presence: None,
            page: None,
            language,
            screen,
            spoken: None,
            identity: None,
        };
        let mut client = Client::open(address, None, Some(&format!("http://{address}"))).await;
        client.hello(None, Some(hello.clone())).await;
        hello.token = client.welcome().await.visitor.unwrap().token;
        client.snapshot().await;
        client.command(&reply(None, &format!("Hello from {name}"))).await.unwrap();
        writers.push(Writer::new(name.to_owned(), None, Some(hello)));
    }
    let mut token = Some(sign_in(address).await.access_token);
    let mut ann = Client::agent(address, token.as_deref().unwrap(), None).await;
    ann.welcome().await;
    let rows = ann.snapshot().await;
    let chats = rows.iter().filter_map(|change| match decode(change) {
        Some(Entity::Conversation(conversation)) => Some(conversation.id),
        _ => None,
    });
    for (place, chat) in chats.cycle().take(4).enumerate() {
        writers.push(Writer::new(format!("Ann's computer {place}"), Some(chat), None));
    }
    process.kill().unwrap();
    process.wait().unwrap();

    for number in 0..rounds {
        if number % ROUNDS_OF_A_TOKEN == ROUNDS_OF_A_TOKEN - 1 {
            token = None;
        }
        writers = round(&data, writers, Some(rand::random_range(1..=ANSWERS_MAX)), &mut token).await;
        look(&data, &writers);
    }
    while writers.iter().any(|writer| !writer.waiting.is_empty()) {
        writers = round(&data, writers, None, &mut token).await;
    }
    look(&data, &writers);
    let written: usize = writers.iter().map(|writer| writer.written.len()).sum();
    let processes: HashSet<u32> = writers.iter().flat_map(|writer| &writer.acknowledged).map(|(_, pid)| *pid).collect();
    println!("{rounds} kills, {written} messages, acknowledged by {} processes", processes.len());
}
