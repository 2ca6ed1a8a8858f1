//! Plays a visitor by the letter of the protocol, and writes down every step.

use std::time::Duration;

use deskbell_protocol::{
    Ack, Bye, ByeCode, ClientFrame, ClientHeartbeat, ClientId, Command, CommandFrame, ConversationId, Cursor, Delta,
    EntityKind, Hello, HistoryRequest, MessageId, MessageKind, Nack, Number, PROTOCOL, Seq, ServerFrame, SnapshotEnd,
    SnapshotNext, SnapshotPage, VisitorHello, VisitorPart, Welcome,
};
use serde_json::Value;
use tokio::time::timeout;

use super::{Shown, Step, Trace, Who, names};
use crate::proxy::{FaultProxy, Way};
use crate::socket::{self, PATIENCE, Socket};
use crate::{ANN, AgentSocket, TestDesk, visitor};

/// The first pause before a client connects again is never longer when it draws the least, in milliseconds.
const PAUSE_MS: u64 = 500;
/// Pages of history, none of which is read, that are more than networks and queues hold.
const UNREAD_PAGES: u64 = 400;
/// How long none of them is read: the desk gives up within, and goes on trying to say so for longer.
const UNREAD: Duration = Duration::from_secs(1);

/// Vic at a desk where Ann answers.
pub(super) struct Recorder {
    pub(super) desk: TestDesk,
    pub(super) proxy: FaultProxy,
    ann: AgentSocket,
    socket: Option<Socket>,
    token: Option<String>,
    /// What a client that keeps to the protocol has.
    cursor: Option<Cursor>,
    epoch: String,
    conversation: Option<ConversationId>,
    commands: u128,
    requests: u64,
    steps: Vec<Step>,
}

impl Recorder {
    pub(super) async fn new() -> Self {
        let desk = TestDesk::start().await;
        let proxy = FaultProxy::start(desk.socket_address()).await.unwrap();
        let ann = AgentSocket::connect(&desk, &ANN).await;
        Self {
            desk,
            proxy,
            ann,
            socket: None,
            token: None,
            cursor: None,
            epoch: String::new(),
            conversation: None,
            commands: 0,
            requests: 0,
            steps: Vec::new(),
        }
    }

    pub(super) fn finish(mut self, title: &str) -> Trace {
        names::make_plain(&mut self.steps);
        Trace { title: title.to_owned(), steps: self.steps }
    }

    fn note(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Steps of one client alone.
    pub(super) fn only(&mut self, (who, because, steps): (Who, &str, Vec<Step>)) {
        self.note(Step::Only { who, because: because.to_owned(), steps });
    }

    /// The program begins, and takes its first snapshot.
    pub(super) async fn starts(&mut self) {
        self.begins().await;
        self.takes_snapshot().await;
    }

    /// The program begins, and is greeted.
    pub(super) async fn begins(&mut self) {
        self.note(Step::Begins);
        self.connects();
        self.opens().await;
    }

    /// The connection is made, and greeted with the cursor.
    pub(super) async fn opens(&mut self) -> Welcome {
        let address = self.proxy.address();
        self.socket = Some(visitor::connect(&address, &address).await);
        self.note(Step::Opened);
        let hello = VisitorHello {
            site: self.desk.site.key.clone(),
            part: VisitorPart::Panel,
            token: self.token.clone(),
            presence: None,
            page: None,
            language: "en".to_owned(),
            screen: "1920×1080".to_owned(),
            spoken: None,
            identity: None,
        };
        let (app, cursor) = ("trace".to_owned(), self.cursor.clone());
        self.say(ClientFrame::Hello(Hello { protocol: PROTOCOL, app, cursor, visitor: Some(hello) })).await;
        let ServerFrame::Welcome(welcome) = self.hears().await else { panic!("a welcome comes first") };
        let fresh = welcome.visitor.clone().and_then(|told| told.token);
        self.token = fresh.or_else(|| self.token.take());
        self.epoch.clone_from(&welcome.epoch);
        welcome
    }

    /// The first pause passes, and another connection is asked for.
    pub(super) fn connects_again(&mut self) {
        self.passes(PAUSE_MS);
        self.connects();
    }

    /// The client asks for a connection.
    pub(super) fn connects(&mut self) {
        self.note(Step::Connects);
    }

    /// A lost connection is made again after the first pause.
    pub(super) async fn comes_back(&mut self) -> Welcome {
        self.connects_again();
        self.opens().await
    }

    /// Page by page to its end.
    pub(super) async fn takes_snapshot(&mut self) {
        while self.takes_page().await.next.is_some() {}
        let ServerFrame::SnapEnd(SnapshotEnd { base, .. }) = self.hears().await else { panic!("the end comes last") };
        self.reached(base);
    }

    /// The cursor is of no use.
    pub(super) async fn hears_reset(&mut self) {
        let ServerFrame::Reset(_) = self.hears().await else { panic!("a reset comes") };
        self.cursor = None;
    }

    /// One page, and asks for the next if there is one.
    pub(super) async fn takes_page(&mut self) -> SnapshotPage {
        let frame = self.hears().await;
        let ServerFrame::Snap(page) = frame else { panic!("a page of the snapshot comes, and not {frame:?}") };
        if let Some(token) = page.next.clone() {
            let generation = page.generation.clone();
            self.say(ClientFrame::SnapNext(SnapshotNext { generation, token })).await;
        }
        page
    }

    /// The cursor of a client that has applied everything up to here.
    fn reached(&mut self, seq: Seq) {
        self.cursor = Some(Cursor { epoch: self.epoch.clone(), seq });
    }

    /// Vic writes. Whether it is sent now is the story's.
    pub(super) fn writes(&mut self, text: &str) -> CommandFrame {
        let frame = self.command(reply(None, text));
        self.note(Step::Writes { client_id: frame.client_id.clone(), text: text.to_owned() });
        frame
    }

    /// A command goes to the desk.
    pub(super) async fn sends(&mut self, command: &CommandFrame) {
        self.say(ClientFrame::Cmd(command.clone())).await;
    }

    /// A command goes to the desk, and the trace has said so.
    pub(super) async fn has_sent(&mut self, command: &CommandFrame) {
        self.say_silently(&ClientFrame::Cmd(command.clone())).await;
    }

    /// The step of a command that goes to the desk.
    pub(super) fn sending(command: &CommandFrame) -> Step {
        Step::Sends(serde_json::to_value(ClientFrame::Cmd(command.clone())).unwrap())
    }

    /// A command goes to the desk as soon as the client is greeted, and arrives there when the client has caught up.
    /// The two would race otherwise.
    pub(super) async fn sends_while_catching_up(&mut self, command: &CommandFrame) {
        self.note(Self::sending(command));
        self.hears_delta().await;
        self.has_sent(command).await;
    }

    /// Vic writes, the desk answers, and the change comes.
    pub(super) async fn writes_and_hears(&mut self, text: &str) -> CommandFrame {
        let command = self.writes(text);
        self.sends(&command).await;
        self.hears_of().await;
        command
    }

    /// The answer to a command, and then its change. A session sends each when it is ready, and a story has one order.
    pub(super) async fn hears_of(&mut self) {
        let (ack, delta) = self.answer_and_change().await;
        self.now_hears(&ack);
        self.now_hears(&delta);
    }

    /// The answer to a command and its change, for a story that has something to say between the two.
    pub(super) async fn answer_and_change(&mut self) -> (ServerFrame, ServerFrame) {
        let (one, other) = (self.next().await, self.next().await);
        let (ack, delta) = if matches!(one, ServerFrame::Ack(_)) { (one, other) } else { (other, one) };
        let (ServerFrame::Ack(_), ServerFrame::Delta(change)) = (&ack, &delta) else {
            panic!("an answer and a change come, and not {ack:?} and {delta:?}")
        };
        self.applies(change);
        (ack, delta)
    }

    /// A frame that came before reaches the client now.
    pub(super) fn now_hears(&mut self, frame: &ServerFrame) {
        self.note(Step::Hears(value(frame)));
    }

    /// A delta that fits.
    pub(super) async fn hears_delta(&mut self) -> ServerFrame {
        let frame = self.hears().await;
        let ServerFrame::Delta(delta) = &frame else { panic!("a delta comes, and not {frame:?}") };
        self.applies(delta);
        frame
    }

    /// A frame that moves no cursor.
    pub(super) async fn hears(&mut self) -> ServerFrame {
        let frame = self.next().await;
        self.note(Step::Hears(value(&frame)));
        frame
    }

    pub(super) async fn asks_for_older(&mut self, before: Number, limit: u32) {
        self.requests += 1;
        self.note(Step::Older);
        let (request, conversation) = (self.requests, self.conversation.unwrap());
        self.say(ClientFrame::Hist(HistoryRequest { request, conversation, before, limit })).await;
        let ServerFrame::HistPage(_) = self.hears().await else { panic!("older messages come") };
    }

    /// A sign of life, and the desk's.
    pub(super) async fn beats(&mut self) {
        self.say(ClientFrame::Hb(ClientHeartbeat { time: socket::now() })).await;
        self.hears_at_last(|frame| matches!(frame, ServerFrame::Hb(_))).await;
    }

    /// Passes over everything, which belongs to no trace, until a frame fits.
    pub(super) async fn hears_at_last(&mut self, fits: impl Fn(&ServerFrame) -> bool) {
        let frame = loop {
            let frame = self.any().await;
            if fits(&frame) {
                break frame;
            }
        };
        self.note(Step::Hears(value(&frame)));
    }

    /// The client leaves the connection.
    pub(super) fn closes(&mut self) {
        self.note(Step::Closes);
        self.socket = None;
    }

    /// The network ends the connection.
    pub(super) fn cut(&mut self) {
        self.proxy.cut();
        self.note(Step::Closed);
        self.socket = None;
    }

    pub(super) fn passes(&mut self, ms: u64) {
        self.note(Step::Passes(ms));
    }

    /// What is to be seen, beside the cursor.
    pub(super) fn shown(&self, messages: &[(Number, &str)], waiting: &[&ClientId]) -> Shown {
        Shown {
            cursor: self.cursor.clone(),
            messages: messages.iter().map(|(number, text)| (*number, Some(names::short(text)))).collect(),
            waiting: waiting.iter().map(|id| (*id).clone()).collect(),
            refused: Vec::new(),
        }
    }

    pub(super) fn shows(&mut self, messages: &[(Number, &str)], waiting: &[&ClientId]) {
        self.shows_all(self.shown(messages, waiting));
    }

    pub(super) fn shows_all(&mut self, shown: Shown) {
        self.note(Step::Shows(shown));
    }

    /// Ann does something, and the desk has it.
    pub(super) async fn ann(&mut self, command: impl FnOnce(ConversationId) -> Command) -> Ack {
        let frame = self.command(command(self.conversation.unwrap()));
        self.ann.say(&ClientFrame::Cmd(frame.clone())).await;
        loop {
            match self.ann.next().await {
                ServerFrame::Ack(ack) if ack.client_id == frame.client_id => return ack,
                ServerFrame::Nack(nack) => panic!("Ann was refused: {nack:?}"),
                _ => {}
            }
        }
    }

    /// Ann answers.
    pub(super) async fn ann_answers(&mut self, text: &str) -> Ack {
        self.ann(|conversation| reply(Some(conversation), text)).await
    }

    /// The desk, which has ended, becomes what it was when `backup` was made, and is there again.
    pub(super) async fn restores(&mut self, backup: &std::path::Path) {
        self.desk.restore(backup).await;
        self.ann = AgentSocket::connect(&self.desk, &ANN).await;
    }

    /// Before the client begins: Vic asked, and Ann told him so much, one message after the other. What was said.
    pub(super) async fn has_heard(&mut self, messages: usize, long: &str) -> Vec<(MessageId, String)> {
        self.starts().await;
        let question = self.command(reply(None, "1. Hello?"));
        self.sends(&question).await;
        let (ServerFrame::Ack(Ack { id: Some(id), .. }), _) = self.answer_and_change().await else {
            panic!("a message has an id")
        };
        let mut said = vec![(MessageId(id), "1. Hello?".to_owned())];
        for number in 2..=messages {
            let text = format!("{number}. {long}");
            let id = self.ann_answers(&text).await.id.unwrap();
            said.push((MessageId(id), text));
        }
        // The client itself begins with nothing.
        self.steps.clear();
        (self.socket, self.cursor) = (None, None);
        said
    }

    /// Ann answers, and the network loses it.
    pub(super) async fn loses_an_answer(&mut self, text: &str) {
        self.proxy.lose(Way::ToClient, 1);
        self.ann_answers(text).await;
        self.proxy.has_lost(Way::ToClient).await;
    }

    /// Says so much beside the trace that the desk wants to hear nothing more for a while.
    pub(super) async fn exhausts_patience(&mut self) {
        loop {
            let blank = self.command(reply(None, ""));
            self.say_silently(&ClientFrame::Cmd(blank)).await;
            // Long enough for what the story does next.
            if let ServerFrame::Nack(Nack { retry_after_ms: Some(1_500..), .. }) = self.next().await {
                return;
            }
        }
    }

    /// Asks for more, beside the trace, than networks and queues hold, takes nothing for a while, and then hears why
    /// the desk has given up. `None`: the network held more than usual, or the desk said it too late to be heard.
    pub(super) async fn is_ended_as_slow(&mut self) -> Option<()> {
        let (conversation, before, limit) = (self.conversation?, Number::MAX, 100);
        for request in 1..=UNREAD_PAGES {
            self.say_silently(&ClientFrame::Hist(HistoryRequest { request, conversation, before, limit })).await;
        }
        tokio::time::sleep(UNREAD).await;
        loop {
            match timeout(PATIENCE, socket::try_next(self.socket.as_mut()?)).await.ok()?? {
                bye @ ServerFrame::Bye(Bye { code: ByeCode::Slow, .. }) => {
                    self.note(Step::Hears(value(&bye)));
                    return Some(());
                }
                ServerFrame::HistPage(page) if page.request == UNREAD_PAGES => return None,
                _ => {}
            }
        }
    }

    /// Sends what belongs to no trace.
    async fn say_silently(&mut self, frame: &ClientFrame) {
        socket::say(self.socket.as_mut().unwrap(), frame).await;
    }

    fn command(&mut self, command: Command) -> CommandFrame {
        self.commands += 1;
        CommandFrame {
            client_id: ClientId::from_bits(self.commands),
            command,
            if_rev: None,
            client_time: socket::now(),
        }
    }

    async fn say(&mut self, frame: ClientFrame) {
        self.note(Step::Sends(serde_json::to_value(&frame).unwrap()));
        self.say_silently(&frame).await;
    }

    /// The next frame that is more than a sign of life or of presence.
    async fn next(&mut self) -> ServerFrame {
        loop {
            let frame = self.any().await;
            if !matches!(frame, ServerFrame::Eph(_) | ServerFrame::Hb(_)) {
                return frame;
            }
        }
    }

    async fn any(&mut self) -> ServerFrame {
        timeout(PATIENCE, socket::next(self.socket.as_mut().unwrap(), "Vic")).await.expect("Vic heard nothing")
    }

    fn applies(&mut self, delta: &Delta) {
        let conversation = delta.changes.iter().find(|change| change.entity == EntityKind::Conversation);
        self.conversation = conversation.map(|change| ConversationId(change.id)).or(self.conversation);
        self.reached(delta.to);
    }
}

pub(super) fn reply(conversation: Option<ConversationId>, text: &str) -> Command {
    Command::Send {
        conversation,
        kind: MessageKind::Reply,
        text: text.to_owned(),
        attachments: Vec::new(),
        mentions: Vec::new(),
        article: None,
        choice: None,
    }
}

fn value(frame: &ServerFrame) -> Value {
    serde_json::to_value(frame).unwrap()
}
