//! What is on screen first: lists, a conversation, the numbers beside the folders.

use std::fs::File;

use deskbell_cache::{Cache, Folder};
use deskbell_protocol::ConversationId;
use rusqlite::Connection;
use rustix::fs::{Advice, fadvise};

use super::Pair;
use super::ours::ME;
use crate::chats::Chats;
use crate::row::{Row, median, quantile, sorted};
use crate::timing::{Took, timed};

const ROUNDS: usize = 1000;
const PAIRS: usize = 5;
/// Rows of a list, and messages of an opened conversation.
const PAGE: u32 = 50;
/// Starts from a cold file.
const STARTS: usize = 5;

/// All that a list row shows, in one statement.
const RAW_LIST: &[&str] =
    &["SELECT conversation.data, state, assignee, waiting_since, my_read, unread, preview, contact.data, agent.data
    FROM conversation
    LEFT JOIN entity AS contact ON contact.kind = 'contact' AND contact.id = conversation.contact
    LEFT JOIN entity AS agent ON agent.kind = 'agent' AND agent.id = conversation.assignee
    WHERE state = 'open' ORDER BY active_at DESC, conversation.id DESC LIMIT 50"];
const RAW_MESSAGES: &[&str] = &["SELECT data FROM message WHERE conversation = ?1 ORDER BY number DESC LIMIT 50"];
const RAW_NUMBERS: &[&str] = &[
    "SELECT count(*) FROM conversation WHERE state = 'open'",
    "SELECT count(*) FROM conversation WHERE state = 'closed'",
    "SELECT count(*) FROM conversation WHERE state = 'open' AND assignee = 1",
    "SELECT count(*), min(waiting_since) FROM conversation INDEXED BY conversation_waiting
        WHERE state = 'open' AND waiting_since IS NOT NULL",
    "SELECT count(*) FROM conversation INDEXED BY conversation_unread WHERE state = 'open' AND unread > 0",
];

pub(super) fn measure(chats: &Chats, encrypted: &mut Pair, open: &mut Pair) -> Vec<Row> {
    let ids: Vec<ConversationId> = (0..ROUNDS)
        .map(|round| ConversationId(chats.messages[round * 997 % chats.messages.len()].conversation))
        .collect();
    let list =
        |cache: &Cache, _: ConversationId| assert_eq!(cache.conversations(Folder::Open, ME, PAGE).unwrap().len(), 50);
    let thread = |cache: &Cache, id| assert!(!cache.messages(id, None, PAGE).unwrap().messages.is_empty());
    let unread = |cache: &Cache, _: ConversationId| assert!(cache.counts(ME).unwrap().unread > 0);
    let mut rows = Vec::new();
    for (name, ours, raw) in [
        ("50 newest open conversations", &list as &dyn Fn(&Cache, ConversationId), RAW_LIST),
        ("open a conversation, last 50", &thread, RAW_MESSAGES),
        ("unread and numbers of all folders", &unread, RAW_NUMBERS),
    ] {
        eprintln!("cache: {name}");
        let mut pairs = Vec::new();
        let mut worst = (Vec::new(), Vec::new());
        for _ in 0..PAIRS {
            let with = rounds(&ids, |id| ours(&encrypted.ours.cache, id));
            let plain = rounds(&ids, |id| read(&encrypted.raw.connection, raw, id));
            let without = rounds(&ids, |id| ours(&open.ours.cache, id));
            pairs.push((quantile(&with, 0.5), quantile(&plain, 0.5)));
            worst.0.push(quantile(&with, 0.99));
            worst.1.push(quantile(&without, 0.99));
        }
        rows.push(Row::lower(&format!("{name}, p50"), "ms", &pairs, 3.0));
        rows.push(Row::within(&format!("{name}, p99"), "ms", median(worst.0), 1.0).unencrypted(median(worst.1)));
    }
    rows.extend(start(encrypted, open));
    rows
}

/// Processor time of each, in order.
fn rounds(ids: &[ConversationId], mut ask: impl FnMut(ConversationId)) -> Vec<f64> {
    sorted(ids.iter().map(|id| timed(|| ask(*id)).1.processor).collect())
}

fn read(connection: &Connection, statements: &[&str], id: ConversationId) {
    for sql in statements {
        read_one(connection, sql, id);
    }
}

fn read_one(connection: &Connection, sql: &str, id: ConversationId) {
    let mut statement = connection.prepare_cached(sql).unwrap();
    let columns = statement.column_count();
    let with_id = statement.parameter_count() == 1;
    let mut rows = if with_id { statement.query([id.0]) } else { statement.query([]) }.unwrap();
    while let Some(row) = rows.next().unwrap() {
        for column in 0..columns {
            std::hint::black_box(row.get_ref(column).unwrap());
        }
    }
}

/// From a file of which the system holds nothing in memory to the first list.
fn start(encrypted: &mut Pair, open: &mut Pair) -> Vec<Row> {
    let cold = |pair: &mut Pair| -> Took {
        let directory = pair.directory.path().join("ours");
        let waiting = tempfile::tempdir().unwrap();
        // The log goes into the file when the last connection goes.
        pair.ours = super::Ours::open(waiting.path(), &pair.key);
        for name in ["cache.db", "outbox.db"] {
            let file = File::open(directory.join(name)).unwrap();
            file.sync_all().unwrap();
            fadvise(&file, 0, None, Advice::DontNeed).unwrap();
        }
        let (cache, took) = timed(|| {
            let cache = Cache::open(&directory, &pair.key).unwrap();
            assert_eq!(cache.conversations(Folder::Open, ME, PAGE).unwrap().len(), 50);
            cache.counts(ME).unwrap();
            cache
        });
        drop(cache);
        pair.ours = super::Ours::open(&directory, &pair.key);
        took
    };
    let with: Vec<Took> = (0..STARTS).map(|_| cold(encrypted)).collect();
    let without: Vec<Took> = (0..STARTS).map(|_| cold(open)).collect();
    let of = |took: &[Took], value: fn(&Took) -> f64| median(took.iter().map(value).collect());
    vec![
        Row::within("cold file to first list, processor time", "ms", of(&with, |took| took.processor), 50.0)
            .unencrypted(of(&without, |took| took.processor)),
        Row::told("cold file to first list, on the wall", "ms", of(&with, |took| took.wall))
            .unencrypted(of(&without, |took| took.wall)),
    ]
}
