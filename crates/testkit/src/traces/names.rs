//! Plain values for what a run draws by chance.

use std::collections::{BTreeMap, BTreeSet};

use deskbell_protocol::Cursor;
use serde_json::Value;

use super::Step;

/// Every time.
const NOON: i64 = 1_700_000_000_000;
/// Every wait that a server draws at random, or that depends on the moment, in milliseconds.
pub(super) const WAIT_MS: u64 = 3_000;
/// The first id.
const FIRST_ID: i64 = 101;
/// Longer texts are cut: they are long to fill pages, and nothing else.
const TEXT_MAX: usize = 60;

/// What a text is in a trace.
pub(super) fn short(text: &str) -> String {
    if text.chars().count() <= TEXT_MAX {
        return text.to_owned();
    }
    text.chars().take(TEXT_MAX).chain(['…']).collect()
}

/// Replaces what is chance in the frames of all steps. Ids and places in the log keep their order.
pub(super) fn make_plain(steps: &mut [Step]) {
    let mut names = Names::default();
    each_frame(steps, &mut |frame| names.collect(frame));
    names.number();
    each_frame(steps, &mut |frame| names.replace(frame));
    each_cursor(steps, &mut |cursor| {
        cursor.epoch = names.epoch(&cursor.epoch);
        cursor.seq.0 = names.places.get(&cursor.seq.0).copied().unwrap_or(cursor.seq.0);
    });
}

fn each_frame(steps: &mut [Step], act: &mut impl FnMut(&mut Value)) {
    for step in steps {
        match step {
            Step::Hears(frame) | Step::Sends(frame) => act(frame),
            Step::Only { steps, .. } => each_frame(steps, act),
            _ => {}
        }
    }
}

fn each_cursor(steps: &mut [Step], act: &mut impl FnMut(&mut Cursor)) {
    for step in steps {
        match step {
            Step::Shows(shown) => shown.cursor.iter_mut().for_each(&mut *act),
            Step::Only { steps, .. } => each_cursor(steps, act),
            _ => {}
        }
    }
}

#[derive(Default)]
struct Names {
    ids: BTreeSet<i64>,
    seqs: BTreeSet<i64>,
    plain_ids: BTreeMap<i64, i64>,
    places: BTreeMap<i64, i64>,
    epochs: Vec<String>,
    generations: Vec<String>,
}

/// What a number or a string of a frame is.
enum Meaning {
    Id,
    Place,
    Time,
    Wait,
    Epoch,
    Generation,
    /// A secret, or the name of a connection.
    Secret(&'static str),
    Text,
    Itself,
}

fn meaning(frame: &str, key: &str, value: &Value) -> Meaning {
    match (key, value) {
        ("id" | "conversation" | "contact" | "visitor" | "site" | "assignee" | "team", Value::Number(_)) => Meaning::Id,
        ("seq" | "head" | "base", _) => Meaning::Place,
        ("from" | "to", _) if frame == "delta" => Meaning::Place,
        ("retry_after_ms", Value::Number(_)) => Meaning::Wait,
        ("epoch", _) => Meaning::Epoch,
        ("generation", _) => Meaning::Generation,
        ("session", _) => Meaning::Secret("session"),
        ("site", Value::String(_)) => Meaning::Secret("the-shop"),
        ("token", Value::String(_)) if frame != "snap_next" => Meaning::Secret("vics-secret"),
        ("text", _) => Meaning::Text,
        (key, Value::Number(_)) if key.ends_with("_at") || key.ends_with("time") || key.ends_with("_since") => {
            Meaning::Time
        }
        _ => Meaning::Itself,
    }
}

/// Calls `act` for every value of a frame that stands under a key.
fn walk(frame: &str, value: &mut Value, act: &mut impl FnMut(Meaning, &mut Value)) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::Object(_) | Value::Array(_) => walk(frame, value, act),
                    _ => act(meaning(frame, key, value), value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| walk(frame, value, act)),
        _ => {}
    }
}

fn kind(frame: &Value) -> String {
    frame.get("type").and_then(Value::as_str).unwrap_or_default().to_owned()
}

impl Names {
    fn collect(&mut self, frame: &mut Value) {
        walk(&kind(frame), frame, &mut |meaning, value| match (meaning, value.as_i64(), value.as_str()) {
            (Meaning::Id, Some(id), _) => drop(self.ids.insert(id)),
            (Meaning::Place, Some(seq), _) => drop(self.seqs.insert(seq)),
            (Meaning::Epoch, _, Some(epoch)) => remember(&mut self.epochs, epoch),
            (Meaning::Generation, _, Some(generation)) => remember(&mut self.generations, generation),
            _ => {}
        });
    }

    fn number(&mut self) {
        self.plain_ids = self.ids.iter().copied().zip(FIRST_ID..).collect();
        self.places = self.seqs.iter().copied().zip(1..).collect();
    }

    fn epoch(&self, epoch: &str) -> String {
        name("epoch", &self.epochs, epoch)
    }

    fn replace(&self, frame: &mut Value) {
        walk(&kind(frame), frame, &mut |meaning, value| {
            let plain = match (meaning, value.as_i64(), value.as_str()) {
                (Meaning::Id, Some(id), _) => self.plain_ids.get(&id).copied().into(),
                (Meaning::Place, Some(seq), _) => self.places.get(&seq).copied().into(),
                (Meaning::Time, Some(_), _) => NOON.into(),
                (Meaning::Wait, Some(_), _) => WAIT_MS.into(),
                (Meaning::Epoch, _, Some(epoch)) => self.epoch(epoch).into(),
                (Meaning::Generation, _, Some(generation)) => name("snapshot", &self.generations, generation).into(),
                (Meaning::Secret(plain), _, Some(_)) => plain.into(),
                (Meaning::Text, _, Some(text)) => short(text).into(),
                _ => return,
            };
            *value = plain;
        });
    }
}

fn remember(known: &mut Vec<String>, value: &str) {
    if !known.iter().any(|known| known == value) {
        known.push(value.to_owned());
    }
}

fn name(word: &str, known: &[String], value: &str) -> String {
    let place = known.iter().position(|known| known == value).map_or(0, |place| place + 1);
    format!("{word}-{place}")
}
