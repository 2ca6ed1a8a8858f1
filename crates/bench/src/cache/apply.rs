//! How fast what comes is written, lists and index of words included.

use deskbell_engine::Batch;

use super::ours::{Desk, Ours};
use super::raw::rows;
use super::{Filled, Pair, Rate};
use crate::chats::{Chats, Said};
use crate::row::{Row, median};

/// Messages of a transaction when much comes at once, and when little does.
const MANY: usize = 5000;
const FEW: usize = 25;
/// Blocks in which the caches take turns.
const BLOCKS: usize = 5;
/// Of a hundred messages, those that come in small transactions: the last ones.
const FEW_PERCENT: usize = 4;

/// Messages for each second of processor time.
#[derive(Default)]
struct Rates {
    pairs: Vec<(f64, f64)>,
}

impl Rates {
    #[allow(clippy::cast_precision_loss)]
    fn block(&mut self, pair: &mut Pair, chats: &Chats, said: &[Said], batches: &[Batch], size: usize) {
        let plain = rows(chats, said, size);
        let rate = |milliseconds: f64| said.len() as f64 * 1000.0 / milliseconds;
        let ours = rate(pair.ours.apply(batches).processor);
        let raw = rate(pair.raw.insert(&plain).processor);
        self.pairs.push((ours, raw));
    }

    fn ours(&self) -> f64 {
        median(self.pairs.iter().map(|pair| pair.0).collect())
    }
}

pub(super) fn fill(chats: &Chats) -> Filled {
    let (mut encrypted, mut open) = (Pair::new(true), Pair::new(false));
    let mut desk = Desk::new(chats);
    let agents = [desk.agents()];
    encrypted.ours.apply(&agents);
    open.ours.apply(&agents);
    let (most, last) = chats.messages.split_at(chats.messages.len() * (100 - FEW_PERCENT) / 100);
    let mut told = Vec::new();
    let mut rates = Vec::new();
    for (said, size, which) in [(most, MANY, "many"), (last, FEW, "few")] {
        let (mut with, mut without) = (Rates::default(), Rates::default());
        let block = said.len().div_ceil(BLOCKS).next_multiple_of(size);
        for said in said.chunks(block) {
            eprintln!("cache: {} messages, {size} in a transaction", said.len());
            let batches = desk.deltas(said, size);
            with.block(&mut encrypted, chats, said, &batches, size);
            without.block(&mut open, chats, said, &batches, size);
        }
        rates.push(Rate { which, encrypted: with.ours(), open: without.ours() });
        let name = format!("apply, {size} in a transaction, of processor time");
        told.push(Row::higher(&name, "1/s", &with.pairs, 0.8).unencrypted(without.ours()));
    }
    Filled { encrypted, open, rows: told, rates }
}

/// Messages of a run, old and new first in turn.
const BACKFILL: usize = 50_000;

/// What it costs when the newest come first.
pub(super) fn backfill(chats: &Chats) -> Vec<Row> {
    let said = &chats.messages[..BACKFILL.min(chats.messages.len())];
    let mut pairs = Vec::new();
    let mut open = Vec::new();
    let newest: Vec<Said> = said.iter().rev().cloned().collect();
    for turn in 1..=BLOCKS {
        eprintln!("cache: newest first, {turn} of {BLOCKS}");
        let run = |is_encrypted: bool, said: &[Said]| {
            let batches = Desk::new(chats).deltas(said, MANY);
            let key = if is_encrypted { deskbell_cache::Key::random() } else { deskbell_cache::Key::absent() };
            let directory = tempfile::tempdir().unwrap();
            Ours::open(directory.path(), &key).apply(&batches).processor
        };
        pairs.push((run(true, &newest), run(true, said)));
        open.push(run(false, &newest));
    }
    let name = "newest first against oldest first, processor time";
    vec![Row::lower(name, "ms", &pairs, 1.3).unencrypted(median(open))]
}
