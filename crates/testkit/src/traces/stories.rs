//! The stories that are recorded.

use std::pin::Pin;
use std::time::Duration;

use deskbell_protocol::{Command, EntityKind, MessageId, Nack, Number, ServerFrame};

use super::names::WAIT_MS;
use super::recorder::Recorder;
use super::{Shown, Step, Trace, Who};
use crate::proxy::Way;

/// A client waits so long for an answer, in milliseconds.
const ANSWER_MS: u64 = 10_000;
/// A cursor may be behind the head for so long, in milliseconds.
const BEHIND_MS: u64 = 5_000;
/// So often a client gives a sign of life, in milliseconds.
const HEARTBEAT_MS: u64 = 15_000;
/// Messages of a conversation in a visitor's first snapshot.
const SNAPSHOT: usize = 50;
/// Messages that the messenger asks for at once.
const PAGE: u32 = 30;

/// A network may hold more than usual.
const TRIES: usize = 5;

const QUESTION: &str = "Is the teapot still there?";
const ANSWER: &str = "Yes, one is left.";
const OFFER: &str = "Shall I keep it for you?";
const ORDER: &str = "I take it.";

type Playing = Pin<Box<dyn Future<Output = Trace>>>;

/// A story, and the name of its file.
#[derive(Clone, Copy)]
pub struct Story {
    /// Of the file, without its ending.
    pub name: &'static str,
    play: fn() -> Playing,
}

impl Story {
    /// Plays it at a desk of its own.
    pub async fn play(self) -> Trace {
        (self.play)().await
    }
}

macro_rules! stories {
    ($($name:ident),* $(,)?) => {
        /// All of them.
        pub fn stories() -> Vec<Story> {
            vec![$(Story { name: stringify!($name), play: || Box::pin($name()) }),*]
        }
    };
}

stories![
    first_start,
    reconnect,
    gap,
    doubled_delta,
    restored_desk,
    snapshot_cut,
    answer_and_change,
    refusals,
    lost_delta_told_by_heartbeat,
    slow_client,
    no_answer,
    old_messages,
];

async fn first_start() -> Trace {
    let mut vic = Recorder::new().await;
    vic.starts().await;
    vic.shows(&[], &[]);
    let question = vic.writes(QUESTION);
    vic.sends(&question).await;
    vic.shows(&[], &[&question.client_id]);
    vic.hears_of().await;
    vic.shows(&[(1, QUESTION)], &[]);
    vic.ann_answers(ANSWER).await;
    vic.hears_delta().await;
    vic.shows(&[(1, QUESTION), (2, ANSWER)], &[]);
    vic.finish("A first start takes a snapshot, and goes on with deltas.")
}

async fn reconnect() -> Trace {
    let mut vic = Recorder::new().await;
    vic.starts().await;
    vic.writes_and_hears(QUESTION).await;
    vic.cut();
    vic.ann_answers(ANSWER).await;
    vic.shows(&[(1, QUESTION)], &[]);
    vic.comes_back().await;
    vic.hears_delta().await;
    vic.shows(&[(1, QUESTION), (2, ANSWER)], &[]);
    vic.finish("After a lost connection the cursor asks for what is missing, and a delta brings it.")
}

async fn gap() -> Trace {
    let mut vic = Recorder::new().await;
    vic.starts().await;
    vic.writes_and_hears(QUESTION).await;
    vic.loses_an_answer(ANSWER).await;
    vic.ann_answers(OFFER).await;
    vic.hears().await;
    vic.closes();
    vic.shows(&[(1, QUESTION)], &[]);
    vic.comes_back().await;
    vic.hears_delta().await;
    vic.shows(&[(1, QUESTION), (2, ANSWER), (3, OFFER)], &[]);
    vic.finish("A delta that does not begin at the cursor is not applied: what is missing is asked for again.")
}

async fn doubled_delta() -> Trace {
    let mut vic = Recorder::new().await;
    vic.starts().await;
    vic.writes_and_hears(QUESTION).await;
    vic.proxy.repeat(Way::ToClient, 1);
    vic.ann_answers(ANSWER).await;
    vic.hears_delta().await;
    vic.hears_delta().await;
    vic.shows(&[(1, QUESTION), (2, ANSWER)], &[]);
    vic.ann_answers(OFFER).await;
    vic.hears_delta().await;
    vic.shows(&[(1, QUESTION), (2, ANSWER), (3, OFFER)], &[]);
    vic.finish("A delta that comes twice is known again, and nobody minds.")
}

async fn restored_desk() -> Trace {
    const AT_ONCE: &str = "An agent's app offers the last week as soon as it knows of another log, and the desk tells \
                           by the names what it has. A messenger first looks into its one conversation.";
    let mut vic = Recorder::new().await;
    vic.starts().await;
    let directory = tempfile::tempdir().unwrap();
    let backup = directory.path().join("monday.db");
    vic.desk.back_up(&backup).await;
    let question = vic.writes_and_hears(QUESTION).await;
    let order = vic.writes_and_hears(ORDER).await;
    vic.ann_answers("It is yours.").await;
    vic.hears_delta().await;
    vic.shows(&[(1, QUESTION), (2, ORDER), (3, "It is yours.")], &[]);
    vic.desk.stop().await;
    vic.hears_at_last(|frame| matches!(frame, ServerFrame::Bye(_))).await;
    vic.closes();
    vic.restores(&backup).await;
    vic.passes(WAIT_MS);
    vic.connects();
    let thanks = vic.writes("Thank you!");
    vic.opens().await;
    vic.hears_reset().await;
    let offers = |who: Who| (who, AT_ONCE, vec![Recorder::sending(&question)]);
    vic.only(offers(Who::Agent));
    // What was acknowledged by the other log is still known when the next connection begins without a cursor.
    vic.cut();
    vic.comes_back().await;
    vic.only(offers(Who::Agent));
    vic.takes_snapshot().await;
    vic.only(offers(Who::Visitor));
    vic.shows(&[], &[&question.client_id, &order.client_id, &thanks.client_id]);
    // The oldest first, and each when the desk has the one before.
    vic.has_sent(&question).await;
    for next in [&order, &thanks] {
        let (ack, delta) = vic.answer_and_change().await;
        vic.now_hears(&ack);
        vic.sends(next).await;
        vic.now_hears(&delta);
    }
    vic.hears_of().await;
    vic.shows(&[(1, QUESTION), (2, ORDER), (3, "Thank you!")], &[]);
    vic.finish("A desk restored from a backup is offered again what it lost, in order and before anything newer.")
}

async fn snapshot_cut() -> Trace {
    let mut vic = Recorder::new().await;
    // Long enough for more than one page.
    let said = vic.has_heard(SNAPSHOT, &"A long answer. ".repeat(150)).await;
    let all = shown(&said);
    vic.begins().await;
    let page = vic.takes_page().await;
    let first = page.rows.iter().filter(|row| row.entity == EntityKind::Message).count();
    assert!(first > 0 && first < all.len(), "the first page has a part of all, and not {first}");
    vic.cut();
    let here = Step::Shows(vic.shown(&all[..first], &[]));
    let nothing = Step::Shows(vic.shown(&[], &[]));
    vic.only((Who::Agent, "An agent has years to load, and reads what is here while the rest comes.", vec![here]));
    vic.only((Who::Visitor, "A visitor has one conversation, and sees it whole or not at all.", vec![nothing]));
    vic.comes_back().await;
    vic.takes_snapshot().await;
    vic.shows(&all, &[]);
    vic.finish("A snapshot that was cut in the middle is not taken for whole, and the next connection takes it anew.")
}

async fn answer_and_change() -> Trace {
    let mut vic = Recorder::new().await;
    vic.starts().await;
    let question = vic.writes(QUESTION);
    vic.sends(&question).await;
    let before = vic.shown(&[], &[&question.client_id]);
    let (ack, delta) = vic.answer_and_change().await;
    vic.now_hears(&ack);
    vic.shows_all(before);
    vic.now_hears(&delta);
    vic.shows(&[(1, QUESTION)], &[]);
    let order = vic.writes(ORDER);
    vic.sends(&order).await;
    let (ack, delta) = vic.answer_and_change().await;
    vic.now_hears(&delta);
    vic.shows(&[(1, QUESTION), (2, ORDER)], &[]);
    vic.now_hears(&ack);
    vic.shows(&[(1, QUESTION), (2, ORDER)], &[]);
    vic.finish("Answer first or change first: a message leaves the outbox with the change, and with nothing else.")
}

async fn refusals() -> Trace {
    let mut vic = Recorder::new().await;
    vic.starts().await;
    let blank = vic.writes("");
    vic.sends(&blank).await;
    vic.hears().await;
    let refused = Shown { refused: vec![blank.client_id.clone()], ..vic.shown(&[], &[]) };
    vic.shows_all(refused.clone());
    vic.exhausts_patience().await;
    let question = vic.writes(QUESTION);
    vic.sends(&question).await;
    let ServerFrame::Nack(Nack { retry_after_ms: Some(wait), .. }) = vic.hears().await else {
        panic!("whoever says too much is told to wait")
    };
    vic.shows_all(Shown { waiting: vec![question.client_id.clone()], ..refused.clone() });
    vic.passes(WAIT_MS - 1);
    vic.passes(1);
    // What the desk asks for; a trace has a round number in its place.
    tokio::time::sleep(Duration::from_millis(wait)).await;
    vic.sends(&question).await;
    vic.hears_of().await;
    vic.shows_all(Shown { refused: refused.refused, ..vic.shown(&[(1, QUESTION)], &[]) });
    vic.finish(
        "What is refused for good holds nothing up; what is refused for now goes again, and not earlier than asked.",
    )
}

async fn lost_delta_told_by_heartbeat() -> Trace {
    let mut vic = Recorder::new().await;
    vic.starts().await;
    vic.writes_and_hears(QUESTION).await;
    vic.loses_an_answer(ANSWER).await;
    vic.passes(HEARTBEAT_MS);
    vic.beats().await;
    vic.passes(BEHIND_MS);
    vic.shows(&[(1, QUESTION)], &[]);
    vic.passes(1);
    vic.closes();
    vic.comes_back().await;
    vic.hears_delta().await;
    vic.shows(&[(1, QUESTION), (2, ANSWER)], &[]);
    vic.finish("A cursor that stays behind the head of a heartbeat for five seconds has lost a delta: hello again.")
}

async fn slow_client() -> Trace {
    for _ in 0..TRIES {
        if let Some(trace) = try_slow_client().await {
            return trace;
        }
    }
    panic!("the desk never found Vic too slow")
}

async fn try_slow_client() -> Option<Trace> {
    let mut vic = Recorder::new().await;
    let said = vic.has_heard(5, &"A long answer. ".repeat(600)).await;
    vic.starts().await;
    vic.shows(&shown(&said), &[]);
    vic.is_ended_as_slow().await?;
    vic.closes();
    vic.ann_answers(OFFER).await;
    vic.passes(WAIT_MS - 1);
    vic.passes(1);
    vic.connects();
    vic.opens().await;
    vic.hears_delta().await;
    let all: Vec<(Number, &str)> = shown(&said).into_iter().chain([(6, OFFER)]).collect();
    vic.shows(&all, &[]);
    Some(
        vic.finish(
            "Whoever is ended as too slow comes back when the desk says, and not earlier, with the same cursor.",
        ),
    )
}

async fn no_answer() -> Trace {
    let mut vic = Recorder::new().await;
    vic.starts().await;
    vic.proxy.lose(Way::ToDesk, 1);
    let question = vic.writes(QUESTION);
    vic.sends(&question).await;
    vic.passes(ANSWER_MS);
    vic.shows(&[], &[&question.client_id]);
    vic.passes(1);
    vic.closes();
    vic.comes_back().await;
    vic.sends_while_catching_up(&question).await;
    vic.hears_of().await;
    vic.shows(&[(1, QUESTION)], &[]);
    // This one arrives, and neither the answer nor the change comes back.
    vic.proxy.lose(Way::ToClient, 2);
    let order = vic.writes(ORDER);
    vic.sends(&order).await;
    vic.proxy.has_lost(Way::ToClient).await;
    vic.passes(ANSWER_MS);
    vic.passes(1);
    vic.closes();
    vic.comes_back().await;
    vic.sends_while_catching_up(&order).await;
    vic.shows(&[(1, QUESTION), (2, ORDER)], &[]);
    vic.hears().await;
    vic.shows(&[(1, QUESTION), (2, ORDER)], &[]);
    vic.finish("A message without an answer for ten seconds goes again under its own name, and is there once.")
}

async fn old_messages() -> Trace {
    let mut vic = Recorder::new().await;
    let said = vic.has_heard(SNAPSHOT + 5, "").await;
    let mut all = shown(&said);
    vic.starts().await;
    vic.shows(&all[5..], &[]);
    for (number, text) in [(50, "It was sold."), (3, "We open at ten.")] {
        let message = said[number - 1].0;
        vic.ann(|conversation| Command::EditMessage { conversation, message, text: text.to_owned() }).await;
        vic.hears_delta().await;
        all[number - 1].1 = text;
    }
    let message = said[51].0;
    vic.ann(|conversation| Command::DeleteMessage { conversation, message }).await;
    vic.hears_delta().await;
    let with_a_gap = |mut shown: Shown| {
        shown.messages.iter_mut().filter(|(number, _)| *number == 52).for_each(|(_, text)| *text = None);
        shown
    };
    vic.shows_all(with_a_gap(vic.shown(&all[5..], &[])));
    vic.asks_for_older(6, PAGE).await;
    vic.shows_all(with_a_gap(vic.shown(&all, &[])));
    vic.finish("An edit and a deletion reach what is on screen; what is further up comes as it is then, without a gap.")
}

/// What was said, as a screen shows it.
fn shown(said: &[(MessageId, String)]) -> Vec<(Number, &str)> {
    (1..).zip(said.iter().map(|(_, text)| text.as_str())).collect()
}
