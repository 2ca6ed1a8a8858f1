//! A snapshot into an empty cache, while somebody reads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use deskbell_cache::{Cache, Folder, Key};
use deskbell_engine::Batch;
use deskbell_protocol::{Seq, SnapshotEnd};

use super::ours::{Desk, EPOCH, ME, Ours};
use crate::chats::Chats;
use crate::row::{Row, median};
use crate::timing::processor;

const MESSAGES: usize = 200_000;
const RUNS: usize = 3;

struct Run {
    /// Processor time of the writer until the list is what it will be, in milliseconds.
    list: f64,
    /// Until everything is here.
    whole: f64,
    /// What one who reads the list all the while waited for longest, on the wall, in milliseconds.
    longest_read: f64,
}

pub(super) fn measure() -> Vec<Row> {
    let chats = Chats::new(MESSAGES);
    let mut desk = Desk::new(&chats);
    let mut pages = vec![desk.agents()];
    pages.extend(desk.snapshot("first"));
    let run = |key: Key| -> Run {
        eprintln!("cache: {MESSAGES} messages by snapshot");
        resync(&pages, &key)
    };
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        with.push(run(Key::random()));
        without.push(run(Key::absent()));
    }
    let row = |name: &str, value: fn(&Run) -> f64, goal: f64| {
        let of = |runs: &[Run]| median(runs.iter().map(value).collect());
        Row::within(name, "ms", of(&with), goal).unencrypted(of(&without))
    };
    vec![
        row("200,000 messages by snapshot, to a usable list, processor time", |run| run.list, 3000.0),
        row("200,000 messages by snapshot, whole, processor time", |run| run.whole, 60_000.0),
        row("longest wait of a reader meanwhile, on the wall", |run| run.longest_read, 50.0),
    ]
}

fn resync(pages: &[Batch], key: &Key) -> Run {
    let directory = tempfile::tempdir().unwrap();
    let ours = Ours::open(directory.path(), key);
    let over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let reader = threads.spawn(|| {
            let mut longest = 0.0_f64;
            while !over.load(Ordering::Relaxed) {
                let began = Instant::now();
                ours.cache.conversations(Folder::Open, ME, 50).unwrap();
                longest = longest.max(began.elapsed().as_secs_f64() * 1000.0);
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            longest
        });
        let began = processor();
        let spent = || (processor() - began).as_secs_f64() * 1000.0;
        let mut list = None;
        for page in pages {
            ours.apply(std::slice::from_ref(page));
            if list.is_none() && is_usable(&ours.cache) {
                list = Some(spent());
            }
        }
        let end = SnapshotEnd { generation: "first".into(), base: Seq(1) };
        ours.apply(&[Batch::SnapshotEnd { epoch: EPOCH.into(), end, done: Vec::new() }]);
        let whole = spent();
        over.store(true, Ordering::Relaxed);
        Run { list: list.unwrap(), whole, longest_read: reader.join().unwrap() }
    })
}

/// A full list with what every row shows.
fn is_usable(cache: &Cache) -> bool {
    let list = cache.conversations(Folder::Open, ME, 50).unwrap();
    list.len() == 50 && list.iter().all(|row| row.preview.is_some() && !row.contact_name.is_empty())
}
