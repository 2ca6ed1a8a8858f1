//! Messages that make room in Ann's cache: which of them go, which stay, and how what went is loaded again.
#![allow(clippy::unwrap_used, missing_docs)]

use deskbell_cache::{Cache, Folder, Key, MessageLimits};
use deskbell_engine::Batch;
use deskbell_protocol::*;

const ANN: AgentId = AgentId(1);
const VIC: VisitorId = VisitorId(20);
const HOUR: i64 = 60 * 60 * 1000;
const DAY: i64 = 24 * HOUR;
const NOW: i64 = 1_000 * DAY;
const A_YEAR: MessageLimits = MessageLimits { bytes: None, unused_ms: Some(365 * DAY) };
const NO_ROOM: MessageLimits = MessageLimits { bytes: Some(0), unused_ms: None };

struct Desk {
    cache: Cache,
    seq: i64,
    directory: tempfile::TempDir,
}

fn message(chat: ConversationId, number: i64, text: &str) -> Message {
    Message {
        id: MessageId(chat.0 * 1_000 + number),
        conversation: chat,
        number,
        author: Author::Agent { id: ANN, name: "Ann".into() },
        kind: MessageKind::Reply,
        text: text.into(),
        attachments: vec![],
        client_id: None,
        created_at: number,
        edited_at: None,
        deleted_at: None,
        mentions: Vec::new(),
        article: None,
        choices: Vec::new(),
    }
}

fn head(chat: ConversationId, state: ConversationState, last_number: i64, active_at: i64) -> Entity {
    Entity::Conversation(Conversation {
        id: chat,
        kind: ConversationKind::Customer,
        contact: ContactId(10),
        visitor: VIC,
        site: SiteId(1),
        state,
        assignee: None,
        team: None,
        last_number,
        waiting_since: None,
        created_at: 1,
        active_at,
        visitor_read: 0,
        snoozed_until: None,
        priority: Priority::None,
        title: String::new(),
        participants: Vec::new(),
        labels: vec![],
        followers: Vec::new(),
    })
}

impl Desk {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path(), &Key::from_bytes(&[7; 32]).unwrap()).unwrap();
        let end = SnapshotEnd { generation: "g".into(), base: Seq(0) };
        cache.apply(&Batch::SnapshotEnd { epoch: "e".into(), end, done: vec![] }).unwrap();
        Self { cache, seq: 0, directory }
    }

    fn hears(&mut self, entities: Vec<Entity>) {
        let from = Seq(self.seq);
        let change = |entity: Entity| {
            self.seq += 1;
            Change::put(Seq(self.seq), &entity, None).unwrap()
        };
        let changes: Vec<Change> = entities.into_iter().map(change).collect();
        let delta = Delta { from, to: Seq(self.seq), changes, more: false };
        self.cache.apply(&Batch::Delta { epoch: "e".into(), delta, done: vec![] }).unwrap();
    }

    /// A conversation with as many messages, last active so many days ago.
    fn chat(&mut self, id: i64, state: ConversationState, messages: i64, days_ago: i64) -> ConversationId {
        let chat = ConversationId(id);
        let texts =
            (1..=messages).map(|number| Entity::Message(message(chat, number, &format!("word{number} of {id}"))));
        let all = std::iter::once(head(chat, state, messages, NOW - days_ago * DAY)).chain(texts);
        self.hears(all.collect());
        chat
    }

    fn numbers(&self, chat: ConversationId) -> Vec<i64> {
        self.cache.messages(chat, None, 1_000).unwrap().messages.iter().map(|message| message.number).collect()
    }

    fn found(&self, word: &str) -> usize {
        self.cache.search(word, ANN, 10).unwrap().len()
    }

    fn history(&self, chat: ConversationId, from: i64, to: i64) {
        let row = |number| {
            let entity = Entity::Message(message(chat, number, &format!("word{number} of {}", chat.0)));
            Change::put(Seq(1), &entity, None).unwrap()
        };
        let page = HistoryPage { request: 1, conversation: chat, from, to, messages: (from..=to).map(row).collect() };
        self.cache.apply(&Batch::History(page)).unwrap();
    }
}

#[test]
fn dc_02_a_closed_chat_that_nobody_used_for_the_time_allowed_keeps_its_newest_words_alone() {
    let mut desk = Desk::new();
    let old = desk.chat(1, ConversationState::Closed, 450, 400);
    let young = desk.chat(2, ConversationState::Closed, 40, 300);
    let before = desk.cache.conversation(old).unwrap();
    let made = desk.cache.trim_messages(NOW, A_YEAR).unwrap();
    assert_eq!((made.messages, made.more, made.given_back), (449, false, true));
    assert_eq!(desk.numbers(old), [450]);
    assert_eq!(desk.numbers(young).len(), 40);
    assert_eq!(desk.cache.conversation(old).unwrap(), before, "the list shows what it showed");
    assert_eq!((desk.found("word17"), desk.found("word450")), (1, 1), "what went is found by the desk alone");
    // What is missing is what was never loaded: it is fetched by whoever reads there, and no hole.
    let page = desk.cache.messages(old, None, 50).unwrap();
    assert!(page.more_there && !page.more_here);
    assert_eq!((desk.cache.holes(&[old]).unwrap(), desk.cache.hole_for_test().unwrap()), (0, None));
    desk.history(old, 351, 449);
    assert_eq!(desk.numbers(old).len(), 100);
    assert_eq!((desk.cache.holes(&[old]).unwrap(), desk.cache.hole_for_test().unwrap()), (0, None));
}

#[test]
fn dc_02_whatever_is_open_or_put_off_or_waits_to_be_sent_keeps_all_it_has() {
    let mut desk = Desk::new();
    let kept = [
        desk.chat(1, ConversationState::Open, 5, 900),
        desk.chat(2, ConversationState::Snoozed, 5, 900),
        desk.chat(3, ConversationState::Closed, 5, 900),
        desk.chat(4, ConversationState::Closed, 5, 900),
        desk.chat(5, ConversationState::Closed, 5, 900),
    ];
    desk.cache.save_draft(kept[2], "half a sen", "", &[]).unwrap();
    let command = Command::Send {
        conversation: Some(kept[3]),
        kind: MessageKind::Reply,
        text: "We have it again.".into(),
        attachments: vec![],
        mentions: Vec::new(),
        article: None,
        choice: None,
    };
    let frame = CommandFrame { client_id: ClientId::from_bits(1), command, if_rev: None, client_time: 0 };
    desk.cache.queue(&frame, &[], 0).unwrap();
    // Vic wrote, and nobody has read it.
    let mut unread = message(kept[4], 6, "Hello?");
    unread.author = Author::Visitor;
    desk.hears(vec![head(kept[4], ConversationState::Closed, 6, NOW - 900 * DAY), Entity::Message(unread)]);
    let gone = desk.chat(6, ConversationState::Closed, 5, 800);
    for limits in [A_YEAR, NO_ROOM] {
        desk.cache.trim_messages(NOW, limits).unwrap();
    }
    for chat in kept {
        assert!(desk.numbers(chat).len() >= 5, "{chat:?} has lost something");
    }
    assert_eq!(desk.numbers(gone), [5]);
    assert_eq!(desk.cache.draft(kept[2]).unwrap().reply, "half a sen");
    assert_eq!(desk.cache.outbox().unwrap().len(), 1);
}

#[test]
fn dc_02_when_there_is_no_room_the_chats_that_were_not_used_for_longest_go_first() {
    let mut desk = Desk::new();
    let text = "a long answer ".repeat(100);
    for (id, days_ago) in [(1, 30), (2, 90), (3, 60)] {
        let chat = desk.chat(id, ConversationState::Closed, 0, days_ago);
        desk.hears((1..=300).map(|number| Entity::Message(message(chat, number, &text))).collect());
        desk.hears(vec![head(chat, ConversationState::Closed, 300, NOW - days_ago * DAY)]);
    }
    let [first, second, third] = [1, 2, 3].map(ConversationId);
    // The oldest of them is read again.
    desk.cache.use_conversation(second, NOW - 2 * HOUR).unwrap();
    let full = desk.cache.bytes_of_messages().unwrap();
    let limits = MessageLimits { bytes: Some(full * 4 / 5), unused_ms: None };
    desk.cache.trim_messages(NOW, limits).unwrap();
    assert!(desk.cache.bytes_of_messages().unwrap() <= full * 4 / 5);
    assert!(desk.numbers(third).len() < 300, "nobody used it for two months");
    assert_eq!((desk.numbers(first).len(), desk.numbers(second).len()), (300, 300));
    // Less room still: the one that is being read is left alone.
    desk.cache.use_conversation(first, NOW).unwrap();
    desk.cache.trim_messages(NOW, NO_ROOM).unwrap();
    assert_eq!([first, second, third].map(|chat| desk.numbers(chat).len()), [300, 1, 1]);
    // And the disk has it back.
    let path = desk.directory.path().join("cache.db");
    let Desk { cache, directory, .. } = desk;
    drop(cache);
    let size = i64::try_from(std::fs::metadata(path).unwrap().len()).unwrap();
    assert!(size < full / 2, "{size} of {full} bytes");
    drop(directory);
}

#[test]
fn dc_02_a_chat_that_made_room_goes_on_without_a_hole_and_makes_room_again() {
    let mut desk = Desk::new();
    let chat = desk.chat(1, ConversationState::Closed, 20, 400);
    desk.cache.trim_messages(NOW, A_YEAR).unwrap();
    // An old message is edited. Nobody has it here, and its place is no island.
    let edited = Message { edited_at: Some(NOW), ..message(chat, 7, "corrected") };
    desk.hears(vec![Entity::Message(edited)]);
    assert_eq!((desk.numbers(chat), desk.cache.holes(&[chat]).unwrap()), (vec![20], 0));
    // Vic comes back, and Ann answers.
    desk.hears(vec![
        Entity::Message(message(chat, 21, "again")),
        Entity::Message(message(chat, 22, "welcome back")),
        head(chat, ConversationState::Open, 22, NOW),
    ]);
    assert_eq!((desk.numbers(chat), desk.cache.holes(&[chat]).unwrap()), (vec![20, 21, 22], 0));
    assert_eq!(desk.cache.conversations(Folder::Open, ANN, 10).unwrap().len(), 1);
    desk.hears(vec![head(chat, ConversationState::Closed, 22, NOW)]);
    let later = NOW + 400 * DAY;
    assert_eq!(desk.cache.trim_messages(later, A_YEAR).unwrap().messages, 3, "the edited one lay apart");
    assert_eq!(desk.numbers(chat), [22]);
    assert_eq!(desk.cache.trim_messages(later, A_YEAR).unwrap().messages, 0, "and there is nothing left to do");
}

#[test]
fn dc_02_without_limits_everything_stays() {
    let mut desk = Desk::new();
    let chat = desk.chat(1, ConversationState::Closed, 30, 900);
    assert_eq!(desk.cache.trim_messages(NOW, MessageLimits::default()).unwrap().messages, 0);
    assert_eq!(desk.numbers(chat).len(), 30);
}
