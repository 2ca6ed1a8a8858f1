//! Files that Ann's cache keeps: which of them stay, and which have to go.
#![allow(clippy::unwrap_used, missing_docs)]

use deskbell_cache::{Cache, KeepLimits, Key};
use deskbell_engine::Batch;
use deskbell_protocol::*;

const CHAT: ConversationId = ConversationId(100);
const DAY: i64 = 24 * 60 * 60 * 1000;
const ROOM: KeepLimits = KeepLimits { bytes: 1_000, unused_ms: 30 * DAY };

fn key() -> Key {
    Key::from_bytes(&[7; 32]).unwrap()
}

/// A message of Vic's with one file of the same number.
fn message(number: i64) -> Message {
    let file = Attachment {
        id: AttachmentId(number),
        name: "a.csv".into(),
        mime: "text/csv".into(),
        size: 400,
        picture: None,
    };
    Message {
        id: MessageId(number + 1_000),
        conversation: CHAT,
        number,
        author: Author::Visitor,
        kind: MessageKind::Reply,
        text: "Here".into(),
        attachments: vec![file],
        client_id: None,
        created_at: number,
        edited_at: None,
        deleted_at: None,
        mentions: Vec::new(),
        article: None,
        choices: Vec::new(),
    }
}

fn apply(cache: &Cache, from: i64, changes: Vec<Change>) {
    let to = Seq(from + i64::try_from(changes.len()).unwrap());
    let delta = Delta { from: Seq(from), to, changes, more: false };
    cache.apply(&Batch::Delta { epoch: "e".into(), delta, done: vec![] }).unwrap();
}

/// A cache with four messages, each of which has a file.
fn with_four_messages() -> (tempfile::TempDir, Cache) {
    let directory = tempfile::tempdir().unwrap();
    let cache = Cache::open(directory.path(), &key()).unwrap();
    let changes = (1..=4).map(|number| Change::put(Seq(number), &Entity::Message(message(number)), None).unwrap());
    apply(&cache, 0, changes.collect());
    (directory, cache)
}

fn keep(cache: &Cache, id: i64, now: i64) -> bool {
    cache.keep_file(AttachmentId(id), &[u8::try_from(id).unwrap(); 400], now, ROOM).unwrap()
}

fn kept(cache: &Cache) -> Vec<i64> {
    (1..=4).filter(|id| cache.has_file(AttachmentId(*id)).unwrap()).collect()
}

#[test]
fn dc_02_what_was_not_used_for_longest_makes_room_for_a_new_file() {
    let (_directory, cache) = with_four_messages();
    assert!(keep(&cache, 1, 0) && keep(&cache, 2, DAY));
    assert_eq!(cache.use_file(AttachmentId(1), 2 * DAY).unwrap(), Some(vec![1; 400]));
    assert!(keep(&cache, 3, 3 * DAY));
    assert_eq!(kept(&cache), [1, 3], "the first one was used after the second");
    assert_eq!(cache.use_file(AttachmentId(2), 3 * DAY).unwrap(), None);
    assert!(!cache.keep_file(AttachmentId(4), &[4; 1_001], 4 * DAY, ROOM).unwrap(), "there can be no room for it");
    assert_eq!(kept(&cache), [1, 3], "and nothing had to go in vain");
}

#[test]
fn dc_02_a_file_goes_when_it_was_not_used_for_the_time_allowed() {
    let (_directory, cache) = with_four_messages();
    assert!(keep(&cache, 1, 0) && keep(&cache, 2, DAY));
    cache.trim_files(30 * DAY, ROOM).unwrap();
    assert_eq!(kept(&cache), [1, 2]);
    cache.trim_files(30 * DAY + 1, ROOM).unwrap();
    assert_eq!(kept(&cache), [2]);
    cache.trim_files(30 * DAY + 1, KeepLimits { bytes: 0, ..ROOM }).unwrap();
    assert_eq!(kept(&cache), [0; 0]);
}

#[test]
fn dc_02_a_large_heap_of_files_goes_whole() {
    let (_directory, cache) = with_four_messages();
    let room = KeepLimits { bytes: 100_000_000, ..ROOM };
    let bytes = vec![1; 9 * 1024 * 1024];
    for id in 1..=4 {
        assert!(cache.keep_file(AttachmentId(id), &bytes, id, room).unwrap());
    }
    cache.trim_files(5, KeepLimits { bytes: 0, ..ROOM }).unwrap();
    assert_eq!(kept(&cache), [0; 0]);
}

#[test]
fn dc_01_the_file_of_a_message_that_is_erased_goes_with_it_and_does_not_come_back() {
    let (_directory, cache) = with_four_messages();
    assert!(keep(&cache, 1, 0) && keep(&cache, 2, 0));
    let erase = |seq: i64, id: i64| Change {
        seq: Seq(seq),
        kind: ChangeKind::Erase,
        entity: EntityKind::Message,
        id: id + 1_000,
        data: None,
        client_id: None,
    };
    apply(&cache, 4, vec![erase(5, 1), erase(6, 3)]);
    assert_eq!(kept(&cache), [2]);
    assert_eq!(cache.use_file(AttachmentId(1), 0).unwrap(), None, "its bytes neither");
    assert!(!keep(&cache, 3, 0), "it was still on its way");
    assert_eq!(cache.use_file(AttachmentId(3), 0).unwrap(), None);
}

#[test]
fn dc_02_pictures_that_an_earlier_version_kept_stay() {
    let directory = tempfile::tempdir().unwrap();
    let first = rusqlite::Connection::open(directory.path().join("cache.db")).unwrap();
    first.execute_batch(include_str!("../src/schema_cache.sql")).unwrap();
    first.execute_batch(include_str!("../src/schema_cache_picture.sql")).unwrap();
    first.execute("INSERT INTO picture (attachment, bytes) VALUES (7, x'0102')", []).unwrap();
    first.pragma_update(None, "user_version", 2).unwrap();
    drop(first);
    let cache = Cache::open(directory.path(), &key()).unwrap();
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    cache.trim_files(now, ROOM).unwrap();
    assert_eq!(cache.use_file(AttachmentId(7), now).unwrap(), Some(vec![1, 2]));
}
