//! Files of drafts and of messages that are not done.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use deskbell_cache::{Cache, Key, PIECE_BYTES};
use deskbell_engine::Batch;
use deskbell_protocol::*;

const CHAT: ConversationId = ConversationId(100);

fn key() -> Key {
    Key::from_bytes(&[7; 32]).unwrap()
}

fn reply(bits: u128, attachments: Vec<AttachmentId>) -> CommandFrame {
    let command = Command::Send {
        conversation: Some(CHAT),
        kind: MessageKind::Reply,
        text: "x".into(),
        attachments,
        mentions: Vec::new(),
        article: None,
        choice: None,
    };
    CommandFrame { client_id: ClientId::from_bits(bits), command, if_rev: None, client_time: 0 }
}

fn list(id: i64) -> Attachment {
    Attachment { id: AttachmentId(id), name: "list.csv".into(), mime: "text/csv".into(), size: 3, picture: None }
}

#[test]
fn od_35_files_that_an_earlier_version_had_uploaded_go_with_their_message_and_come_back_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let first = rusqlite::Connection::open(directory.path().join("outbox.db")).unwrap();
    first.execute_batch(include_str!("../src/schema_outbox.sql")).unwrap();
    first.pragma_update(None, "user_version", 1).unwrap();
    let frame = reply(1, vec![AttachmentId(7), AttachmentId(8)]);
    let (json, attachments) = (serde_json::to_string(&frame).unwrap(), serde_json::to_string(&[list(7), list(8)]));
    first
        .execute(
            "INSERT INTO outbox (client_id, conversation, frame, attachments, queued_at) VALUES (?1, ?2, ?3, ?4, 5)",
            rusqlite::params![frame.client_id.as_str(), CHAT.0, json, attachments.unwrap()],
        )
        .unwrap();
    drop(first);
    let cache = Cache::open(directory.path(), &key()).unwrap();
    let files = cache.files_of(&frame.client_id).unwrap();
    assert_eq!(files.iter().map(|file| file.attachment.clone().unwrap().id.0).collect::<Vec<_>>(), [7, 8]);
    assert_eq!(cache.name_files(&frame.client_id).unwrap(), Some(frame.clone()));
    let back = cache.take_back(&frame.client_id).unwrap().unwrap();
    assert_eq!(back.item.files, files);
    assert_eq!(cache.draft_files(CHAT).unwrap(), files);
}

#[test]
fn od_35_a_file_belongs_to_the_draft_until_a_message_takes_it_along_and_goes_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let cache = Cache::open(directory.path(), &key()).unwrap();
    let (one, two) = (ClientId::from_bits(1), ClientId::from_bits(2));
    let bytes: Vec<u8> = (0..PIECE_BYTES + 10).map(|at| u8::try_from(at % 251).unwrap()).collect();
    cache.add_file(CHAT, &one, "one.csv", "", &bytes).unwrap();
    cache.add_file(CHAT, &two, "two.csv", "", b"2").unwrap();
    let pieces = [cache.file_piece(&one, 0).unwrap().unwrap(), cache.file_piece(&one, 1).unwrap().unwrap()];
    assert!(pieces.concat() == bytes);
    assert_eq!(cache.file_piece(&one, 2).unwrap(), None);

    let elsewhere = Command::Send {
        conversation: Some(ConversationId(200)),
        kind: MessageKind::Reply,
        text: "x".into(),
        attachments: vec![],
        mentions: Vec::new(),
        article: None,
        choice: None,
    };
    let elsewhere = CommandFrame { command: elsewhere, ..reply(8, vec![]) };
    assert!(cache.queue(&elsewhere, std::slice::from_ref(&one), 1).is_err(), "another chat's message cannot take it");
    let frame = reply(9, vec![]);
    cache.queue(&frame, std::slice::from_ref(&one), 1).unwrap();
    assert_eq!(cache.draft_files(CHAT).unwrap().len(), 1);
    assert!(!cache.remove_file(&one).unwrap(), "the message has it");
    assert!(cache.queue(&reply(10, vec![]), std::slice::from_ref(&one), 2).is_err(), "one file, one message");
    assert_eq!(cache.outbox().unwrap().len(), 1, "and nothing of the other message stays");

    assert_eq!(cache.name_files(&frame.client_id).unwrap(), None, "the desk does not have it yet");
    cache.file_at_the_desk(&one, &list(7)).unwrap();
    let named = cache.name_files(&frame.client_id).unwrap().unwrap();
    assert_eq!(named, reply(9, vec![AttachmentId(7)]));
    assert_eq!(cache.outbox().unwrap()[0].frame, named, "on the disk, too");

    cache.discard(&frame.client_id).unwrap().unwrap();
    assert_eq!(cache.file_piece(&one, 0).unwrap(), None);
    assert!(cache.remove_file(&two).unwrap());
    assert!(cache.draft_files(CHAT).unwrap().is_empty());
}

#[test]
fn dc_01_a_person_who_is_erased_takes_along_what_was_sent_to_them_and_what_was_not() {
    let directory = tempfile::tempdir().unwrap();
    let cache = Cache::open(directory.path(), &key()).unwrap();
    let delta = |from: i64, changes: Vec<Change>, done: Vec<ClientId>| {
        let to = Seq(from + 1);
        let delta = Delta { from: Seq(from), to, changes, more: false };
        cache.apply(&Batch::Delta { epoch: "e".into(), delta, done }).unwrap();
    };
    let other = ConversationId(200);
    cache.queue(&reply(1, vec![]), &[], 1).unwrap();
    cache.queue(&reply(2, vec![]), &[], 2).unwrap();
    delta(0, vec![], vec![ClientId::from_bits(1)]);
    for (chat, bits) in [(CHAT, 7), (other, 8)] {
        cache.save_draft(chat, "About the teapot", "", &[]).unwrap();
        cache.add_file(chat, &ClientId::from_bits(bits), "list.csv", "", b"1").unwrap();
    }
    let erase = Change {
        seq: Seq(2),
        kind: ChangeKind::Erase,
        entity: EntityKind::Conversation,
        id: CHAT.0,
        data: None,
        client_id: None,
    };
    delta(1, vec![erase], vec![ClientId::from_bits(2)]);
    assert_eq!(cache.draft(CHAT).unwrap().reply, "");
    assert!(cache.draft_files(CHAT).unwrap().is_empty());
    assert_eq!(cache.file_piece(&ClientId::from_bits(7), 0).unwrap(), None);
    assert_eq!(cache.draft(other).unwrap().reply, "About the teapot", "another chat's stays");
    assert_eq!(cache.file_piece(&ClientId::from_bits(8), 0).unwrap().unwrap(), b"1");
    // A restored desk is not told again what was said to them.
    cache.apply(&Batch::Reset(ResetReason::Epoch)).unwrap();
    assert!(cache.outbox().unwrap().is_empty());
}

#[test]
fn dc_01_what_waits_for_a_person_who_is_erased_goes_with_its_files_also_what_the_desk_refused() {
    let directory = tempfile::tempdir().unwrap();
    let cache = Cache::open(directory.path(), &key()).unwrap();
    let file = ClientId::from_bits(7);
    cache.add_file(CHAT, &file, "list.csv", "", b"1").unwrap();
    cache.queue(&reply(1, vec![]), std::slice::from_ref(&file), 1).unwrap();
    cache.refuse(&ClientId::from_bits(1), ErrorCode::TooLarge).unwrap();
    cache.queue(&reply(2, vec![]), &[], 2).unwrap();
    let to_wen = Command::MarkRead { conversation: ConversationId(200), number: 1 };
    let to_wen = CommandFrame { command: to_wen, ..reply(3, vec![]) };
    cache.queue(&to_wen, &[], 3).unwrap();
    let (seq, kind, entity) = (Seq(1), ChangeKind::Erase, EntityKind::Conversation);
    let erase = Change { seq, kind, entity, id: CHAT.0, data: None, client_id: None };
    let delta = Delta { from: Seq(0), to: Seq(1), changes: vec![erase], more: false };
    cache.apply(&Batch::Delta { epoch: "e".into(), delta, done: vec![] }).unwrap();
    let left: Vec<ClientId> = cache.outbox().unwrap().into_iter().map(|item| item.frame.client_id).collect();
    assert_eq!(left, [to_wen.client_id], "Wen's is nobody else's");
    assert_eq!(cache.file_piece(&file, 0).unwrap(), None);
    assert_eq!(cache.outbox_counts().unwrap().refused, 0);
    // The desk's answers to what was on its way come later.
    cache.acknowledge(&ClientId::from_bits(2), Seq(9)).unwrap();
    assert!(cache.refuse(&ClientId::from_bits(1), ErrorCode::NotFound).unwrap().is_none());
    assert_eq!(cache.outbox().unwrap().len(), 1);
}
