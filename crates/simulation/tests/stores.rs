//! What the agent's store promises, asked of every one there is: in files, encrypted, as on a person's disk, and in
//! memory, where the simulation has thousands of them. What the simulation proves of one, it proves of the other.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::atomic::{AtomicU64, Ordering};

use deskbell_cache::{Cache, Key, MessageLimits, OutboxState, simulation};
use deskbell_engine::Batch;
use deskbell_protocol::*;

const CHAT: ConversationId = ConversationId(100);
const ANN: AgentId = AgentId(1);

/// A disk: opens the same store as often as it is asked.
type Disk = Box<dyn Fn() -> Cache>;

fn in_files() -> Disk {
    let directory = tempfile::tempdir().unwrap();
    Box::new(move || Cache::open(directory.path(), &Key::from_bytes(&[7; 32]).unwrap()).unwrap())
}

fn in_memory() -> Disk {
    static DISKS: AtomicU64 = AtomicU64::new(0);
    let name = format!("store-{}", DISKS.fetch_add(1, Ordering::Relaxed));
    Box::new(move || Cache::in_memory(&name).unwrap())
}

fn head(state: ConversationState, last_number: Number) -> Entity {
    Entity::Conversation(Conversation {
        id: CHAT,
        kind: ConversationKind::Customer,
        contact: ContactId(10),
        visitor: VisitorId(20),
        site: SiteId(1),
        state,
        assignee: None,
        team: None,
        last_number,
        waiting_since: None,
        created_at: 1,
        active_at: last_number,
        visitor_read: 0,
        snoozed_until: None,
        priority: Priority::None,
        title: String::new(),
        participants: Vec::new(),
        labels: vec![],
        followers: Vec::new(),
    })
}

fn message(number: Number) -> Entity {
    Entity::Message(Message {
        id: MessageId(1_000 + number),
        conversation: CHAT,
        number,
        author: Author::Agent { id: ANN, name: "Ann".into() },
        kind: MessageKind::Reply,
        text: format!("word{number}"),
        attachments: vec![],
        client_id: None,
        created_at: number,
        edited_at: None,
        deleted_at: None,
        mentions: Vec::new(),
        article: None,
        choices: Vec::new(),
    })
}

fn rows(from: i64, entities: Vec<Entity>) -> Vec<Change> {
    (from + 1..).zip(entities).map(|(seq, entity)| Change::put(Seq(seq), &entity, None).unwrap()).collect()
}

fn delta(from: i64, entities: Vec<Entity>, done: &[&ClientId]) -> Batch {
    let changes = rows(from, entities);
    let to = Seq(from + i64::try_from(changes.len()).unwrap());
    let done = done.iter().map(|id| (*id).clone()).collect();
    Batch::Delta { epoch: "e".into(), delta: Delta { from: Seq(from), to, changes, more: false }, done }
}

fn reply(bits: u128) -> CommandFrame {
    let (kind, text, attachments) = (MessageKind::Reply, format!("reply {bits}"), vec![]);
    let command = Command::Send {
        conversation: Some(CHAT),
        kind,
        text,
        attachments,
        mentions: Vec::new(),
        article: None,
        choice: None,
    };
    CommandFrame { client_id: ClientId::from_bits(bits), command, if_rev: None, client_time: 0 }
}

fn cursor(cache: &Cache) -> Option<i64> {
    cache.cursor().unwrap().map(|cursor| cursor.seq.0)
}

fn numbers(cache: &Cache) -> Vec<Number> {
    cache.messages(CHAT, None, 100).unwrap().messages.iter().map(|message| message.number).collect()
}

fn waiting(cache: &Cache) -> Vec<ClientId> {
    cache.outbox().unwrap().into_iter().map(|item| item.frame.client_id).collect()
}

/// Everything that is asked of a store.
fn suite(make: fn() -> Disk) {
    a_batch_is_here_with_its_cursor_or_not_at_all(&make());
    whoever_opens_the_store_again_has_what_was_written(&make());
    a_command_stays_until_its_change_is_here(&make());
    another_log_is_offered_what_the_old_one_had_in_order(&make());
    a_whole_snapshot_sweeps_away_what_is_not_in_it(&make());
    what_is_missing_is_known_and_filled_by_history(&make());
    what_makes_room_counts_as_never_loaded(&make());
}

fn a_batch_is_here_with_its_cursor_or_not_at_all(disk: &Disk) {
    let cache = disk();
    cache.apply(&delta(0, vec![head(ConversationState::Open, 1), message(1)], &[])).unwrap();
    let before = (cursor(&cache), cache.rows_for_test().unwrap());
    // The computer dies over the next transaction, and is switched on again.
    simulation::die_after(Some(0));
    assert!(cache.apply(&delta(2, vec![head(ConversationState::Open, 2), message(2)], &[])).is_err());
    simulation::die_after(None);
    let again = disk();
    assert_eq!((cursor(&again), again.rows_for_test().unwrap()), before);
    again.apply(&delta(2, vec![head(ConversationState::Open, 2), message(2)], &[])).unwrap();
    assert_eq!((cursor(&again), numbers(&again)), (Some(4), vec![1, 2]));
    assert_eq!(numbers(&cache), [1, 2], "whoever has it open sees what another one wrote");
}

fn whoever_opens_the_store_again_has_what_was_written(disk: &Disk) {
    let first = disk();
    first.apply(&delta(0, vec![head(ConversationState::Open, 1), message(1)], &[])).unwrap();
    first.save_draft(CHAT, "half a sen", "a note", &[]).unwrap();
    first.save_setting("boxes", "[]").unwrap();
    first.queue(&reply(1), &[], 5).unwrap();
    let second = disk();
    drop(first);
    assert_eq!((cursor(&second), numbers(&second)), (Some(2), vec![1]));
    let draft = second.draft(CHAT).unwrap();
    assert_eq!((draft.reply.as_str(), draft.note.as_str()), ("half a sen", "a note"));
    assert_eq!(second.setting("boxes").unwrap().as_deref(), Some("[]"));
    assert_eq!(waiting(&second), [reply(1).client_id]);
    assert_eq!(second.search("word1", ANN, 5).unwrap().len(), 1);
}

fn a_command_stays_until_its_change_is_here(disk: &Disk) {
    let cache = disk();
    let (one, two, three) = (reply(1), reply(2), reply(3));
    for frame in [&one, &two, &three] {
        cache.queue(frame, &[], 0).unwrap();
    }
    cache.queue(&two, &[], 0).unwrap();
    assert_eq!(waiting(&cache), [&one, &two, &three].map(|frame| frame.client_id.clone()), "each once, in order");
    cache.acknowledge(&one.client_id, Seq(2)).unwrap();
    cache.refuse(&two.client_id, ErrorCode::TooLarge).unwrap();
    let states: Vec<OutboxState> = cache.outbox().unwrap().into_iter().map(|item| item.state).collect();
    let acked = OutboxState::Acked { seq: Seq(2) };
    assert_eq!(states, [acked, OutboxState::Refused(ErrorCode::TooLarge), OutboxState::Queued]);
    cache.apply(&delta(0, vec![head(ConversationState::Open, 1), message(1)], &[&one.client_id])).unwrap();
    assert_eq!(waiting(&cache), [two.client_id.clone(), three.client_id.clone()]);
    cache.retry(&two.client_id).unwrap();
    cache.discard(&three.client_id).unwrap();
    assert_eq!(cache.outbox().unwrap().iter().map(|item| item.state).collect::<Vec<_>>(), [OutboxState::Queued]);
}

fn another_log_is_offered_what_the_old_one_had_in_order(disk: &Disk) {
    let cache = disk();
    let (one, two, three) = (reply(1), reply(2), reply(3));
    for (seq, frame) in [(1, &one), (2, &two)] {
        cache.queue(frame, &[], 0).unwrap();
        cache.acknowledge(&frame.client_id, Seq(seq)).unwrap();
    }
    let done = delta(0, vec![head(ConversationState::Open, 1), message(1)], &[&one.client_id, &two.client_id]);
    cache.apply(&done).unwrap();
    assert_eq!(waiting(&cache), []);
    cache.queue(&three, &[], 0).unwrap();
    cache.apply(&Batch::Reset(ResetReason::Epoch)).unwrap();
    assert_eq!(cursor(&cache), None);
    assert_eq!(waiting(&cache), [one, two, three].map(|frame| frame.client_id));
}

fn a_whole_snapshot_sweeps_away_what_is_not_in_it(disk: &Disk) {
    let cache = disk();
    cache.apply(&delta(0, vec![head(ConversationState::Open, 2), message(1), message(2)], &[])).unwrap();
    cache.apply(&Batch::Reset(ResetReason::Epoch)).unwrap();
    let page = |next: Option<&str>, entities| {
        let next = next.map(str::to_owned);
        Batch::Snapshot(SnapshotPage { generation: "g".into(), base: Seq(9), rows: rows(0, entities), next })
    };
    cache.apply(&page(Some("more"), vec![head(ConversationState::Open, 1)])).unwrap();
    cache.apply(&page(None, vec![message(1)])).unwrap();
    assert_eq!(cursor(&cache), None, "nobody is up to date before the end");
    let end = SnapshotEnd { generation: "g".into(), base: Seq(9) };
    cache.apply(&Batch::SnapshotEnd { epoch: "f".into(), end, done: vec![] }).unwrap();
    assert_eq!((cursor(&cache), numbers(&cache)), (Some(9), vec![1]));
    assert_eq!(cache.search("word2", ANN, 5).unwrap(), []);
}

fn what_is_missing_is_known_and_filled_by_history(disk: &Disk) {
    let cache = disk();
    cache.apply(&delta(0, vec![head(ConversationState::Open, 9), message(1), message(8), message(9)], &[])).unwrap();
    assert_eq!((numbers(&cache), cache.holes(&[CHAT]).unwrap()), (vec![8, 9], 1));
    assert!(cache.messages(CHAT, None, 100).unwrap().more_there);
    let messages = rows(0, (2..=7).map(message).collect());
    cache.apply(&Batch::History(HistoryPage { request: 1, conversation: CHAT, from: 2, to: 7, messages })).unwrap();
    assert_eq!((numbers(&cache), cache.holes(&[CHAT]).unwrap()), ((1..=9).collect(), 0));
}

fn what_makes_room_counts_as_never_loaded(disk: &Disk) {
    let cache = disk();
    let all = std::iter::once(head(ConversationState::Closed, 9)).chain((1..=9).map(message));
    cache.apply(&delta(0, all.collect(), &[])).unwrap();
    let limits = MessageLimits { bytes: Some(0), unused_ms: None };
    let made = cache.trim_messages(1_000_000_000, limits).unwrap();
    assert_eq!((made.messages, made.given_back), (8, true));
    let page = cache.messages(CHAT, None, 100).unwrap();
    assert!(page.more_there && cache.holes(&[CHAT]).unwrap() == 0);
    assert_eq!(numbers(&cache), [9]);
}

#[test]
fn the_store_in_files_keeps_what_a_store_promises() {
    suite(in_files);
}

#[test]
fn the_store_in_memory_keeps_what_a_store_promises() {
    suite(in_memory);
}
