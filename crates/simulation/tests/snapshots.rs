//! A snapshot is a scan in pages, and the desk goes on meanwhile. Whatever happens between whichever two pages, the
//! snapshot and the deltas after it give what a fresh look gives.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;

use deskbell_cache::{Cache, Key};
use deskbell_engine::Batch;
use deskbell_protocol::*;
use deskbell_server::simulation::{Desk, Person, Session};
use serde_json::Value;

const NOW: i64 = 1_767_225_600_000;
/// Enough, with long messages, for a snapshot of several pages.
const VISITORS: usize = 12;
const LONG: usize = 3_000;

struct Shop {
    desk: Desk,
    directory: tempfile::TempDir,
    ann: AgentId,
    ben: AgentId,
    visitors: Vec<VisitorId>,
    chats: Vec<ConversationId>,
    contacts: Vec<ContactId>,
    names: u128,
}

impl Shop {
    fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let desk = Desk::open(&directory.path().join("desk.db")).unwrap();
        let ann = desk.add_agent("Ann", NOW).unwrap();
        let ben = desk.add_agent("Ben", NOW).unwrap();
        let visitors = (0..VISITORS).map(|_| desk.add_visitor(NOW).unwrap()).collect();
        let mut shop = Self { desk, directory, ann, ben, visitors, chats: vec![], contacts: vec![], names: 0 };
        for visitor in shop.visitors.clone() {
            let wrote = shop.does(Person::Visitor(visitor), say(None, MessageKind::Reply, &"x".repeat(LONG)));
            assert!(matches!(wrote, ServerFrame::Ack(_)), "{wrote:?}");
        }
        for row in shop.desk.rows(Person::Agent(ann)).unwrap() {
            if row.entity == EntityKind::Conversation {
                shop.chats.push(ConversationId(row.id));
                shop.contacts.push(ContactId(carried(&row).unwrap()["contact"].as_i64().unwrap()));
            }
        }
        assert_eq!(shop.chats.len(), VISITORS);
        shop
    }

    /// The message that a command made.
    fn wrote(&mut self, person: Person, command: Command) -> MessageId {
        match self.does(person, command) {
            ServerFrame::Ack(ack) => MessageId(ack.id.unwrap()),
            other => panic!("{other:?}"),
        }
    }

    fn does(&mut self, person: Person, command: Command) -> ServerFrame {
        self.names += 1;
        let client_id = ClientId::from_bits(self.names);
        let frame = CommandFrame { client_id, command, if_rev: None, client_time: 0 };
        let (mut answers, _news) = self.desk.perform(vec![(person, frame)], NOW + 1_000);
        answers.remove(0)
    }
}

fn say(conversation: Option<ConversationId>, kind: MessageKind, text: &str) -> Command {
    Command::Send {
        conversation,
        kind,
        text: text.into(),
        attachments: vec![],
        mentions: Vec::new(),
        article: None,
        choice: None,
    }
}

/// Everything that can happen to a desk; `at` chooses the chat.
type Happening = (&'static str, fn(&mut Shop, usize));

const HAPPENINGS: &[Happening] = &[
    ("a visitor writes", |shop, at| {
        let visitor = shop.visitors[at];
        shop.does(Person::Visitor(visitor), say(None, MessageKind::Reply, "still there?"));
    }),
    ("Ben replies", |shop, at| {
        let (ben, chat) = (Person::Agent(shop.ben), shop.chats[at]);
        shop.does(ben, say(Some(chat), MessageKind::Reply, "yes"));
    }),
    ("Ann leaves a note", |shop, at| {
        let (ann, chat) = (Person::Agent(shop.ann), shop.chats[at]);
        shop.does(ann, say(Some(chat), MessageKind::Note, "a regular"));
    }),
    ("Ann reads", |shop, at| {
        let (ann, conversation) = (Person::Agent(shop.ann), shop.chats[at]);
        shop.does(ann, Command::MarkRead { conversation, number: 1 });
    }),
    ("Ben reads", |shop, at| {
        let (ben, conversation) = (Person::Agent(shop.ben), shop.chats[at]);
        shop.does(ben, Command::MarkRead { conversation, number: 1 });
    }),
    ("Ben takes it", |shop, at| {
        let (ben, conversation) = (shop.ben, shop.chats[at]);
        shop.does(Person::Agent(ben), Command::Assign { conversation, agent: Some(ben), team: None, from: None });
    }),
    ("Ann gives it back", |shop, at| {
        let (ann, conversation) = (shop.ann, shop.chats[at]);
        shop.does(Person::Agent(ann), Command::Assign { conversation, agent: None, team: None, from: None });
    }),
    ("Ann closes it", |shop, at| {
        let (ann, conversation) = (Person::Agent(shop.ann), shop.chats[at]);
        shop.does(ann, Command::SetState { conversation, state: ConversationState::Closed });
    }),
    ("the visitor opens it again", |shop, at| {
        let (ann, conversation, visitor) = (Person::Agent(shop.ann), shop.chats[at], shop.visitors[at]);
        shop.does(ann, Command::SetState { conversation, state: ConversationState::Closed });
        shop.does(Person::Visitor(visitor), say(None, MessageKind::Reply, "one more thing"));
    }),
    ("Ann puts it off", |shop, at| {
        let (ann, conversation) = (Person::Agent(shop.ann), shop.chats[at]);
        shop.does(ann, Command::Snooze { conversation, until: None });
    }),
    ("the desk wakes it", |shop, at| {
        let (ann, conversation) = (Person::Agent(shop.ann), shop.chats[at]);
        shop.does(ann, Command::Snooze { conversation, until: Some(NOW + 2_000) });
        shop.desk.wake(NOW + 2_000).unwrap();
    }),
    ("Ben labels it", |shop, at| {
        let (ben, conversation) = (Person::Agent(shop.ben), shop.chats[at]);
        shop.does(ben, Command::ChangeLabels { conversation, add: vec!["refund".into()], remove: vec![] });
    }),
    ("Ben edits what he wrote", |shop, at| {
        let (ben, chat) = (Person::Agent(shop.ben), shop.chats[at]);
        let message = shop.wrote(ben, say(Some(chat), MessageKind::Reply, "yse"));
        let edit = Command::EditMessage { conversation: chat, message, text: "yes".into() };
        assert!(matches!(shop.does(ben, edit), ServerFrame::Ack(_)));
    }),
    ("Ben deletes his note", |shop, at| {
        let (ben, chat) = (Person::Agent(shop.ben), shop.chats[at]);
        let message = shop.wrote(ben, say(Some(chat), MessageKind::Note, "a regular?"));
        assert!(matches!(shop.does(ben, Command::DeleteMessage { conversation: chat, message }), ServerFrame::Ack(_)));
    }),
    ("Ann deletes the first thing that the visitor wrote", |shop, at| {
        let (ann, chat) = (Person::Agent(shop.ann), shop.chats[at]);
        let rows = shop.desk.rows(ann).unwrap().into_iter().filter(|row| row.entity == EntityKind::Message);
        let first = |data: Value| data["conversation"] == chat.0 && data["number"] == 1;
        let first = rows.filter(|row| carried(row).is_some_and(first)).map(|row| MessageId(row.id)).next().unwrap();
        let delete = Command::DeleteMessage { conversation: chat, message: first };
        assert!(matches!(shop.does(ann, delete), ServerFrame::Ack(_)));
    }),
    ("Ben learns the name", |shop, at| {
        let (ben, contact) = (Person::Agent(shop.ben), shop.contacts[at]);
        let (name, email) = ("Wen".into(), "wen@example.com".into());
        shop.does(ben, Command::EditContact { contact, name, email, phone: String::new(), notes: String::new() });
    }),
    ("somebody comes", |shop, _| {
        shop.desk.add_visitor(NOW + 1_000).unwrap();
    }),
    ("somebody comes and writes", |shop, _| {
        let visitor = shop.desk.add_visitor(NOW + 1_000).unwrap();
        shop.does(Person::Visitor(visitor), say(None, MessageKind::Reply, "hello"));
    }),
    ("a colleague joins", |shop, _| {
        shop.desk.add_agent("Zoe", NOW + 1_000).unwrap();
    }),
];

/// Takes a snapshot, lets something happen after so many pages, and returns what is on screen then.
fn look(shop: &mut Shop, person: Person, after: usize, happens: &mut dyn FnMut(&mut Shop)) -> (Rows, usize) {
    let cache = Cache::open(&shop.directory.path().join("screen"), &Key::from_bytes(&[7; 32]).unwrap()).unwrap();
    let (mut session, frames): (Session, Vec<ServerFrame>) = shop.desk.greet(person, None, NOW + 500).unwrap();
    let mut waiting: std::collections::VecDeque<ServerFrame> = frames.into();
    let (mut pages, mut epoch) = (0, String::new());
    loop {
        let Some(frame) = waiting.pop_front() else {
            assert!(session.is_behind(), "the snapshot never ended");
            waiting.extend(session.catch_up(&shop.desk, 1).unwrap());
            if waiting.is_empty() {
                break;
            }
            continue;
        };
        match frame {
            ServerFrame::Welcome(welcome) => epoch = welcome.epoch,
            ServerFrame::Snap(page) => {
                pages += 1;
                let next = deskbell_engine::Engine::next_page(&page);
                cache.apply(&Batch::Snapshot(page)).unwrap();
                if pages == after {
                    happens(shop);
                }
                if let Some(next) = next {
                    waiting.extend(session.frame(&shop.desk, &next).unwrap());
                }
            }
            ServerFrame::SnapEnd(end) => {
                cache.apply(&Batch::SnapshotEnd { epoch: epoch.clone(), end, done: vec![] }).unwrap();
            }
            ServerFrame::Delta(delta) => {
                let more = delta.more;
                cache.apply(&Batch::Delta { epoch: epoch.clone(), delta, done: vec![] }).unwrap();
                if !more && !session.is_behind() {
                    break;
                }
            }
            other => panic!("{other:?}"),
        }
    }
    let rows = rows(&cache);
    drop(cache);
    std::fs::remove_dir_all(shop.directory.path().join("screen")).unwrap();
    (rows, pages)
}

/// What a row carries.
fn carried(row: &Change) -> Option<Value> {
    row.data.as_ref().map(|data| data.read().unwrap())
}

type Rows = BTreeMap<(String, i64), Value>;

fn rows(cache: &Cache) -> Rows {
    cache.rows_for_test().unwrap().into_iter().map(|(kind, id, _, data)| ((format!("{kind:?}"), id), data)).collect()
}

/// Two screens are the same, but for messages so old that a fresh look leaves them at the desk.
fn same(shop: &Shop, seen: &Rows, fresh: &Rows, when: &str) {
    for (key, data) in fresh {
        assert_eq!(seen.get(key), Some(data), "{when}: {key:?}");
    }
    for (key, data) in seen.iter().filter(|(key, _)| !fresh.contains_key(*key)) {
        assert_eq!(key.0, "Message", "{when}: {key:?} is there no more");
        let truth = shop.desk.rows(Person::Agent(shop.ann)).unwrap();
        let there = truth.iter().find(|row| row.entity == EntityKind::Message && row.id == key.1);
        assert_eq!(there.and_then(carried).as_ref(), Some(data), "{when}: {key:?}");
        let newer = fresh.values().filter(|row| row["conversation"] == data["conversation"] && row["number"].is_i64());
        assert!(newer.count() >= 30, "{when}: {key:?} is not old");
    }
}

#[test]
fn dc_01_whatever_happens_between_two_pages_a_snapshot_ends_as_a_fresh_look() {
    let mut shop = Shop::open();
    let ann = Person::Agent(shop.ann);
    let (_, pages) = look(&mut shop, ann, usize::MAX, &mut |_| {});
    assert!(pages >= 2, "nothing can happen between the pages of a snapshot that has but one");
    for (name, happening) in HAPPENINGS {
        for after in 1..=pages {
            // In the first chat of the scan, in the last, and in one between.
            for at in [0, VISITORS / 2, VISITORS - 1] {
                let (seen, _) = look(&mut shop, ann, after, &mut |shop| happening(shop, at));
                let (fresh, _) = look(&mut shop, ann, usize::MAX, &mut |_| {});
                same(&shop, &seen, &fresh, &format!("{name}, in chat {at}, after page {after} of {pages}"));
            }
        }
    }
}

#[test]
fn a_conversation_that_was_due_while_no_server_ran_opens_when_one_starts() {
    let mut shop = Shop::open();
    let (ann, conversation) = (Person::Agent(shop.ann), shop.chats[0]);
    let put_off = |until| Command::Snooze { conversation, until };
    let refused = |answer: ServerFrame| match answer {
        ServerFrame::Nack(nack) => (nack.code, nack.message),
        other => panic!("{other:?}"),
    };
    // The shop's commands are done a second later.
    let (code, why) = refused(shop.does(ann, put_off(Some(NOW + 1_000))));
    assert!(code == ErrorCode::Invalid && why.contains("until") && why.contains("future"), "{why}");
    let (code, why) = refused(shop.does(ann, put_off(Some(NOW + 1_001 + SNOOZE_MAX_MS))));
    assert!(code == ErrorCode::Invalid && why.contains("until") && why.contains("year"), "{why}");
    let state = |desk: &Desk, person| {
        let rows = desk.rows(person).unwrap();
        let found = rows.into_iter().find(|row| row.entity == EntityKind::Conversation && row.id == conversation.0);
        let head: Conversation = found.unwrap().data.unwrap().read().unwrap();
        (head.state, head.snoozed_until)
    };
    assert!(matches!(shop.does(ann, put_off(Some(NOW + 5_000))), ServerFrame::Ack(_)));
    assert_eq!(state(&shop.desk, ann), (ConversationState::Snoozed, Some(NOW + 5_000)));
    let vic = Person::Visitor(shop.visitors[0]);
    assert_eq!(state(&shop.desk, vic), (ConversationState::Open, None), "a visitor hears nothing of it");

    let Shop { desk, directory, .. } = shop;
    drop(desk);
    let desk = Desk::open(&directory.path().join("desk.db")).unwrap();
    assert!(desk.wake(NOW + 4_999).unwrap().is_none(), "it is not due");
    assert!(desk.wake(NOW + 60_000).unwrap().is_some());
    assert_eq!(state(&desk, ann), (ConversationState::Open, None));
    let said = |person| -> Vec<String> {
        let rows = desk.rows(person).unwrap().into_iter();
        let messages = rows.filter(|row| row.entity == EntityKind::Message).filter_map(|row| carried(&row));
        let messages = messages.filter(|data| data["kind"] == "system" && data["conversation"] == conversation.0);
        messages.map(|data| data["text"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(said(ann), ["snoozed", "woken"]);
    assert!(said(vic).is_empty());
}

#[test]
fn dc_01_two_things_that_happen_at_two_places_of_a_snapshot_are_both_there_at_its_end() {
    let mut shop = Shop::open();
    let ann = Person::Agent(shop.ann);
    for (first, one) in HAPPENINGS {
        for (second, other) in HAPPENINGS {
            let (seen, _) = look(&mut shop, ann, 1, &mut |shop| {
                one(shop, 0);
                other(shop, VISITORS - 1);
                other(shop, 0);
            });
            let (fresh, _) = look(&mut shop, ann, usize::MAX, &mut |_| {});
            same(&shop, &seen, &fresh, &format!("{first}, then {second}"));
        }
    }
}
