//! The recorded traces of `tests/traces`, replayed by the agent's half: the real engine and a real cache on disk. The
//! visitor's half replays the same files in `widget/tests/traces.test.ts`.

use std::collections::VecDeque;
use std::path::PathBuf;

use deskbell_cache::{Cache, Key, OutboxItem, OutboxState};
use deskbell_engine::{Batch, Effect, Engine, Entry, Event, Millis};
use deskbell_protocol::{
    Change, ClientFrame, ClientId, Command, CommandFrame, ConversationId, EntityKind, HistoryRequest, MessageKind,
    ServerFrame,
};
use deskbell_testkit::traces::{Shown, Step, Trace, Who};
use serde_json::Value;
use tempfile::TempDir;

/// What a trace wants done.
#[derive(Debug, PartialEq)]
enum Deed {
    Connects,
    Closes,
    Sends(Value),
}

/// An agent's computer without a network: what the driver does around the engine, one step after the other.
struct Computer {
    cache: Cache,
    engine: Engine,
    now: Millis,
    conversation: Option<ConversationId>,
    requests: u64,
    deeds: VecDeque<Deed>,
    _directory: TempDir,
}

impl Computer {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path(), &Key::from_bytes(&[7; 32]).unwrap()).unwrap();
        let (engine, deeds) = (Engine::new("trace", None, []), VecDeque::new());
        Self { cache, engine, now: 1_000_000, conversation: None, requests: 0, deeds, _directory: directory }
    }

    fn does(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.engine.step(self.now, 0, event) {
                if let Some(next) = self.carry_out(effect) {
                    events.push_front(next);
                }
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Connect => self.deeds.push_back(Deed::Connects),
            Effect::Close => self.deeds.push_back(Deed::Closes),
            Effect::Send(frame) => {
                if let ClientFrame::Cmd(command) = &*frame {
                    self.cache.mark_tried(&command.client_id).unwrap();
                }
                self.sends(&frame);
            }
            Effect::Apply(batch) => return Some(self.apply(&batch)),
            Effect::Acknowledged(id, seq, _) => self.cache.acknowledge(&id, seq).unwrap(),
            Effect::Refuse(id, code) => drop(self.cache.refuse(&id, code).unwrap()),
            Effect::Phase(_) | Effect::Ephemeral(_) => {}
            other => panic!("no trace asks for {other:?}"),
        }
        None
    }

    fn apply(&mut self, batch: &Batch) -> Event {
        self.cache.apply(batch).unwrap();
        if let Batch::Snapshot(page) = batch
            && let Some(next) = Engine::next_page(page)
        {
            self.sends(&next);
        }
        match batch {
            Batch::Reset(_) => Event::Reoffered(self.to_send()),
            _ => Event::Applied(self.cache.cursor().unwrap()),
        }
    }

    fn to_send(&self) -> Vec<Entry> {
        let waiting = self.cache.outbox().unwrap().into_iter().filter(|item| !is_refused(item));
        waiting.map(|item| Entry { tried: item.tried, ..Entry::from(item.frame) }).collect()
    }

    fn sends(&mut self, frame: &ClientFrame) {
        // What an agent has applied is told to the desk besides.
        if !matches!(frame, ClientFrame::Seen(_)) {
            self.deeds.push_back(Deed::Sends(serde_json::to_value(frame).unwrap()));
        }
    }

    fn writes(&mut self, client_id: ClientId, text: String) {
        let command = Command::Send {
            conversation: None,
            kind: MessageKind::Reply,
            text,
            attachments: vec![],
            mentions: Vec::new(),
            article: None,
            choice: None,
        };
        let frame = CommandFrame { client_id, command, if_rev: None, client_time: 0 };
        self.cache.queue(&frame, &[], 0).unwrap();
        self.does(Event::Queued(frame.into()));
    }

    fn hears(&mut self, frame: &Value) {
        let frame = ServerFrame::parse(&frame.to_string()).unwrap();
        let changes: &[Change] = match &frame {
            ServerFrame::Snap(page) => &page.rows,
            ServerFrame::Delta(delta) => &delta.changes,
            _ => &[],
        };
        let conversation = changes.iter().find(|change| change.entity == EntityKind::Conversation);
        self.conversation = conversation.map(|change| ConversationId(change.id)).or(self.conversation);
        self.does(Event::Frame(Box::new(frame)));
    }

    fn asks_for_older(&mut self) {
        self.requests += 1;
        let conversation = self.conversation.unwrap();
        let before = self.cache.oldest_known(conversation).unwrap().unwrap();
        self.sends(&ClientFrame::Hist(HistoryRequest { request: self.requests, conversation, before, limit: 100 }));
    }

    fn shown(&self) -> Shown {
        let page = self.conversation.map(|conversation| self.cache.messages(conversation, None, 1_000).unwrap());
        let messages = page.map(|page| page.messages).unwrap_or_default().into_iter();
        let (refused, waiting): (Vec<OutboxItem>, Vec<OutboxItem>) =
            self.cache.outbox().unwrap().into_iter().partition(is_refused);
        let names = |items: Vec<OutboxItem>| items.into_iter().map(|item| item.frame.client_id).collect();
        Shown {
            cursor: self.cache.cursor().unwrap(),
            messages: messages
                .map(|message| (message.number, message.deleted_at.is_none().then_some(message.text)))
                .collect(),
            waiting: names(waiting),
            refused: names(refused),
        }
    }

    /// The next deed, over signs of life that the trace does not name.
    fn must(&mut self, wanted: &Deed, place: &str) {
        let beat = |deed: &Deed| matches!(deed, Deed::Sends(frame) if frame["type"] == "hb");
        while !beat(wanted) && self.deeds.front().is_some_and(beat) {
            self.deeds.pop_front();
        }
        let done = self.deeds.pop_front();
        assert_eq!(done.map(essence).as_ref(), Some(wanted), "{place}");
    }

    fn has_done_no_more(&mut self, place: &str) {
        self.deeds.retain(|deed| !matches!(deed, Deed::Sends(frame) if frame["type"] == "hb"));
        assert_eq!(self.deeds, [], "{place}: this was not asked for");
    }
}

fn is_refused(item: &OutboxItem) -> bool {
    matches!(item.state, OutboxState::Refused(_))
}

/// What counts of a frame.
fn essence(deed: Deed) -> Deed {
    let Deed::Sends(frame) = deed else { return deed };
    let mut kept = frame.clone();
    match frame["type"].as_str() {
        Some("hello") => kept = serde_json::json!({ "type": "hello", "cursor": frame["cursor"] }),
        Some("hb") => kept = serde_json::json!({ "type": "hb" }),
        Some("cmd") => drop(kept.as_object_mut().unwrap().remove("client_time")),
        Some("hist") => drop(kept.as_object_mut().unwrap().remove("limit")),
        _ => {}
    }
    Deed::Sends(kept)
}

fn replay(computer: &mut Computer, name: &str, steps: Vec<Step>) {
    for (number, step) in steps.into_iter().enumerate() {
        let place = format!("{name}, step {}: {step:?}", number + 1);
        let wanted = match &step {
            Step::Connects => Some(Deed::Connects),
            Step::Closes => Some(Deed::Closes),
            Step::Sends(frame) => Some(essence(Deed::Sends(frame.clone()))),
            _ => None,
        };
        if let Some(wanted) = wanted {
            computer.must(&wanted, &place);
            continue;
        }
        if !matches!(step, Step::Only { .. }) {
            computer.has_done_no_more(&place);
        }
        match step {
            Step::Begins => computer.does(Event::Started),
            Step::Opened => computer.does(Event::Connected),
            Step::Hears(frame) => computer.hears(&frame),
            Step::Closed => computer.does(Event::Disconnected),
            Step::Passes(ms) => {
                computer.now += ms;
                computer.does(Event::Tick);
            }
            Step::Writes { client_id, text } => computer.writes(client_id, text),
            Step::Older => computer.asks_for_older(),
            Step::Shows(shown) => assert_eq!(computer.shown(), shown, "{place}"),
            Step::Only { who: Who::Agent, because, steps } => replay(computer, &format!("{name} ({because})"), steps),
            Step::Only { who: Who::Visitor, .. } | Step::Connects | Step::Closes | Step::Sends(_) => {}
        }
    }
    computer.has_done_no_more(name);
}

#[test]
fn an_agents_computer_does_what_every_recorded_trace_asks() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/traces");
    let mut replayed = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let trace: Trace = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let name = format!("{}: {}", path.file_stem().unwrap().display(), trace.title);
        replay(&mut Computer::new(), &name, trace.steps);
        replayed += 1;
    }
    assert!(replayed > 0, "there are traces");
}
