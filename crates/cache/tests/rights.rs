//! A site that Ann may see no more leaves her computer with all that is on it.
#![allow(clippy::unwrap_used, missing_docs)]

use deskbell_cache::{Cache, Folder, KeepLimits, Key};
use deskbell_engine::Batch;
use deskbell_protocol::*;

const BASE: i64 = 0;

/// A shop with a visitor who wrote and sent a picture.
fn shop(number: i64) -> Vec<Entity> {
    let (site, contact, visitor) = (SiteId(number), ContactId(number + 10), VisitorId(number + 20));
    let picture = Attachment {
        id: AttachmentId(number + 50),
        name: format!("teapot{number}.png"),
        mime: "image/png".into(),
        size: 3,
        picture: Some(PictureSize { width: 1, height: 1 }),
    };
    vec![
        Entity::Site(Site::new(site, "Shop", "key")),
        Entity::Contact(Contact {
            id: contact,
            name: format!("Victor{number}"),
            email: String::new(),
            phone: String::new(),
            notes: String::new(),
            created_at: 1,
            verified: None,
        }),
        Entity::Visitor(
            serde_json::from_value(serde_json::json!({
                "id": visitor, "contact": contact, "site": site, "region": {"country": null, "city": null, "local": true},
                "ip": "", "browser": "", "os": "", "device": "", "language": "", "screen": "", "referrer": "",
                "visits": 1, "chats": 1, "visit_started_at": 1, "last_seen_at": 1, "pages": []
            }))
            .unwrap(),
        ),
        Entity::Conversation(
            serde_json::from_value(serde_json::json!({
                "id": number + 30, "kind": "customer", "contact": contact, "visitor": visitor, "site": site,
                "state": "open", "assignee": null, "last_number": 1, "waiting_since": 1, "created_at": 1, "active_at": 1,
                "visitor_read": 0
            }))
            .unwrap(),
        ),
        Entity::Message(Message {
            id: MessageId(number + 40),
            conversation: ConversationId(number + 30),
            number: 1,
            author: Author::Visitor,
            kind: MessageKind::Reply,
            text: format!("secret{number}"),
            attachments: vec![picture],
            client_id: None,
            created_at: 1,
            edited_at: None,
            deleted_at: None,
            mentions: Vec::new(),
            article: None,
            choices: Vec::new(),
        }),
        Entity::ReadMark(ReadMark { conversation: ConversationId(number + 30), number: 1 }),
        Entity::Item(
            serde_json::from_value(serde_json::json!({
                "id": number + 60, "number": number, "kind": "task", "state": "open", "title": "Post it", "description": "",
                "assignee": null, "project": null, "site": site, "contact": null, "followers": [],
                "conversations": [number + 30], "created_by": null, "created_at": 1, "changed_at": 1, "rev": 1
            }))
            .unwrap(),
        ),
    ]
}

fn delta(cache: &Cache, from: i64, changes: Vec<Change>) -> i64 {
    let to = from + i64::try_from(changes.len()).unwrap();
    let delta = Delta { from: Seq(from), to: Seq(to), changes, more: false };
    cache.apply(&Batch::Delta { epoch: "e".into(), delta, done: vec![] }).unwrap();
    to
}

#[test]
fn od_49_a_site_that_is_forgotten_takes_its_conversations_people_files_and_search_entries_along() {
    let directory = tempfile::tempdir().unwrap();
    let key = Key::from_bytes(&[7; 32]).unwrap();
    let cache = Cache::open(directory.path(), &key).unwrap();
    let end = SnapshotEnd { generation: "g".into(), base: Seq(BASE) };
    cache.apply(&Batch::SnapshotEnd { epoch: "e".into(), end, done: vec![] }).unwrap();
    let entities: Vec<Entity> = [shop(1000), shop(2000)].into_iter().flatten().collect();
    let changes = (1..).zip(&entities).map(|(seq, entity)| Change::put(Seq(seq), entity, None).unwrap()).collect();
    let at = delta(&cache, BASE, changes);
    let room = KeepLimits { bytes: 100, unused_ms: 1 };
    for number in [1000, 2000] {
        assert!(cache.keep_file(AttachmentId(number + 50), b"png", 1, room).unwrap());
    }
    let forget = Change {
        seq: Seq(at + 1),
        kind: ChangeKind::Forget,
        entity: EntityKind::Site,
        id: 1000,
        data: None,
        client_id: None,
    };
    delta(&cache, at, vec![forget]);

    let rows = cache.conversations(Folder::Open, AgentId(1), 10).unwrap();
    assert_eq!(rows.iter().map(|row| row.conversation.id.0).collect::<Vec<_>>(), [2030]);
    assert_eq!(cache.use_file(AttachmentId(1050), 1).unwrap(), None);
    assert!(cache.use_file(AttachmentId(2050), 1).unwrap().is_some());
    // Nothing of it is left in any table, index or free page in the search's reach: the bytes themselves tell.
    drop(cache);
    let raw = rusqlite::Connection::open(directory.path().join("cache.db")).unwrap();
    raw.execute_batch(&format!("PRAGMA key = \"x'{}'\"; PRAGMA cipher_hmac_algorithm = HMAC_SHA256", "07".repeat(32)))
        .unwrap();
    let tables =
        ["entity", "conversation", "message", "coverage", "attachment", "kept", "kept_bytes", "item_conversation"];
    for table in tables {
        let left: i64 = raw.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        let expected = if table == "entity" { 5 } else { 1 };
        assert_eq!(left, expected, "{table}");
    }
    for (table, word) in [("message_words", "secret"), ("message_words", "teapot"), ("person_words", "victor")] {
        let found = |number: i64| -> i64 {
            let sql = format!("SELECT count(*) FROM {table} WHERE {table} MATCH '{word}{number}*'");
            raw.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        assert_eq!((found(1000), found(2000)), (0, 1), "{table} {word}");
    }
}
