//! Whatever happens at a desk, requests bring what a socket brings.

use std::collections::{BTreeMap, BTreeSet};

use deskbell_protocol::*;
use deskbell_testkit::{ANN, AgentSocket, BEN, RequestingVisitor, Requests, TestDesk};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::computer::does;

#[derive(Clone, Debug)]
enum Deed {
    /// A visitor writes.
    Write(u8),
    /// Ben answers, with a note or a reply.
    Answer(u8, bool),
    Close(u8),
    /// Ben reads, which only he may see.
    Read(u8),
    /// The requests look for news.
    Look,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        3 => (0..3u8).prop_map(Deed::Write),
        2 => (0..3u8, any::<bool>()).prop_map(|(who, note)| Deed::Answer(who, note)),
        1 => (0..3u8).prop_map(Deed::Close),
        1 => (0..3u8).prop_map(Deed::Read),
        2 => Just(Deed::Look),
    ];
    proptest::collection::vec(deed, 1..25)
}

/// Everything that a stream of frames says, at its newest.
#[derive(Default)]
struct Picture {
    rows: BTreeMap<(String, i64), (Seq, Option<serde_json::Value>)>,
    at: Option<Seq>,
}

impl Picture {
    fn take(&mut self, frame: &ServerFrame) -> Result<(), TestCaseError> {
        match frame {
            ServerFrame::Snap(page) => self.put(&page.rows),
            ServerFrame::SnapEnd(end) => self.at = Some(end.base),
            ServerFrame::Delta(delta) => {
                prop_assert_eq!(Some(delta.from), self.at, "a delta begins where the one before has ended");
                let mut before = delta.from;
                for change in &delta.changes {
                    prop_assert!(change.seq > before && change.seq <= delta.to, "in order and within its range");
                    before = change.seq;
                }
                self.at = Some(delta.to);
                self.put(&delta.changes);
            }
            ServerFrame::Hb(beat) => {
                prop_assert!(self.at.is_none_or(|at| at <= beat.head), "nothing is newer here than there");
            }
            _ => {}
        }
        Ok(())
    }

    fn put(&mut self, changes: &[Change]) {
        for change in changes {
            let row = self.rows.entry((format!("{:?}", change.entity), change.id)).or_insert((Seq(0), None));
            if row.0 <= change.seq {
                *row = (change.seq, change.data.as_ref().map(|data| data.read().unwrap()));
            }
        }
    }
}

async fn whole(requests: &mut Requests, picture: &mut Picture, first: Vec<ServerFrame>) -> Result<(), TestCaseError> {
    let mut frames = first;
    loop {
        for frame in &frames {
            picture.take(frame)?;
        }
        let more = frames.iter().any(|frame| matches!(frame, ServerFrame::Delta(delta) if delta.more));
        if requests.page.is_none() && !more {
            return Ok(());
        }
        frames = requests.next(0).await;
    }
}

async fn plays(deeds: Vec<Deed>) -> Result<(), TestCaseError> {
    let desk = TestDesk::start().await;
    let mut ben = AgentSocket::connect(&desk, &BEN).await;
    let mut ann = AgentSocket::connect(&desk, &ANN).await;
    let mut through_socket = Picture::default();
    through_socket.put(&ann.snapshot);
    let mut requests = Requests::agent(&desk.address(), &ann.signed_in.access_token);
    let mut over_http = Picture::default();
    let first = requests.greet(None).await;
    whole(&mut requests, &mut over_http, first).await?;
    through_socket.at = over_http.at;
    let mut visitors = Vec::new();
    for _ in 0..3 {
        visitors.push((RequestingVisitor::arrive(&desk.address(), &desk.site.key).await, None));
    }
    for (number, deed) in deeds.into_iter().enumerate() {
        match deed {
            Deed::Write(who) => {
                let (visitor, chat) = &mut visitors[usize::from(who)];
                if let ServerFrame::Ack(_) = visitor.write(&format!("word {number}")).await {
                    visitor.read(&format!("word {number}")).await;
                    *chat = visitor.messages.last().map(|message| message.conversation);
                }
            }
            Deed::Answer(who, note) => {
                if let Some(chat) = visitors[usize::from(who)].1 {
                    let kind = if note { MessageKind::Note } else { MessageKind::Reply };
                    let (text, attachments) = (format!("answer {number}"), vec![]);
                    does(
                        &mut ben,
                        Command::Send {
                            conversation: Some(chat),
                            kind,
                            text,
                            attachments,
                            mentions: Vec::new(),
                            article: None,
                            choice: None,
                        },
                    )
                    .await;
                }
            }
            Deed::Close(who) => {
                if let Some(conversation) = visitors[usize::from(who)].1 {
                    does(&mut ben, Command::SetState { conversation, state: ConversationState::Closed }).await;
                }
            }
            Deed::Read(who) => {
                if let Some(conversation) = visitors[usize::from(who)].1 {
                    does(&mut ben, Command::MarkRead { conversation, number: 1 }).await;
                }
            }
            Deed::Look => {
                let frames = requests.next(0).await;
                whole(&mut requests, &mut over_http, frames).await?;
            }
        }
    }
    // Both go on until the last word. What is written down of who left may come later on one side.
    let last = RequestingVisitor::arrive(&desk.address(), &desk.site.key).await;
    let ServerFrame::Ack(ack) = last.write("the end").await else { return Err(TestCaseError::fail("refused")) };
    while over_http.at < Some(ack.seq) {
        let frames = requests.next(5_000).await;
        whole(&mut requests, &mut over_http, frames).await?;
    }
    while through_socket.at < Some(ack.seq) {
        through_socket.take(&ann.next().await)?;
    }
    let mut fresh = Picture::default();
    let first = requests.greet(None).await;
    whole(&mut requests, &mut fresh, first).await?;
    for other in [&through_socket, &fresh] {
        let rows: BTreeSet<_> = over_http.rows.keys().chain(other.rows.keys()).collect();
        for row in rows {
            let both = (over_http.rows.get(row), other.rows.get(row));
            let later = |row: Option<&(Seq, _)>| row.is_some_and(|(seq, _)| *seq > ack.seq);
            prop_assert!(both.0 == both.1 || later(both.0) || later(both.1), "{:?}: {:?}", row, both);
        }
    }
    // What a visitor has seen has no note in it.
    for (visitor, _) in &visitors {
        prop_assert!(visitor.messages.iter().all(|message| message.kind != MessageKind::Note));
    }
    Ok(())
}

#[test]
fn dc_02_requests_bring_what_a_socket_brings_whatever_happens() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = Config { cases: 8, failure_persistence: None, max_shrink_iters: 30, ..Config::default() };
    TestRunner::new(config).run(&deeds(), |deeds| runtime.block_on(plays(deeds))).unwrap();
}
