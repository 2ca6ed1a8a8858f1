//! The rules of sync one by one.
#![allow(clippy::unwrap_used, missing_docs)]

use deskbell_engine::{
    Batch, DELAY_MAX_MS, Effect, Engine, Entry, Event, LAG_MS, PROBE_MS, Phase, Refused, SILENCE_MS, Standing,
    UNANSWERED_MS,
};
use deskbell_protocol::*;

fn welcome(head: i64) -> Event {
    frame(ServerFrame::Welcome(Welcome {
        session: "s".into(),
        epoch: "e".into(),
        head: Seq(head),
        server_time: 0,
        heartbeat_ms: 15_000,
        mode: SyncMode::Delta,
        agent: None,
        visitor: None,
    }))
}

fn frame(frame: ServerFrame) -> Event {
    Event::Frame(Box::new(frame))
}

fn at(seq: i64) -> Option<Cursor> {
    Some(Cursor { epoch: "e".into(), seq: Seq(seq) })
}

fn delta(from: i64, to: i64) -> Event {
    frame(ServerFrame::Delta(Delta { from: Seq(from), to: Seq(to), changes: vec![], more: false }))
}

fn reply(bits: u128, conversation: i64) -> CommandFrame {
    let conversation = Some(ConversationId(conversation));
    let command = Command::Send {
        conversation,
        kind: MessageKind::Reply,
        text: "x".into(),
        attachments: vec![],
        mentions: Vec::new(),
        article: None,
        choice: None,
    };
    CommandFrame { client_id: ClientId::from_bits(bits), command, if_rev: None, client_time: 0 }
}

/// A machine that is live at place 5.
fn live(outbox: Vec<CommandFrame>) -> Engine {
    let mut engine = Engine::new("test", at(5), outbox.into_iter().map(Entry::from));
    engine.step(0, 0, Event::Started);
    engine.step(0, 0, Event::Connected);
    engine.step(0, 0, welcome(5));
    engine
}

fn closes(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Close))
}

fn sent(effects: &[Effect]) -> Vec<u128> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send(frame) => match &**frame {
                ClientFrame::Cmd(command) => u128::from_str_radix(command.client_id.as_str(), 16).ok(),
                _ => None,
            },
            _ => None,
        })
        .collect()
}

fn applies(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Apply(_)))
}

#[test]
fn hello_carries_the_cursor_that_is_on_disk() {
    let mut engine = Engine::new("test", at(5), []);
    assert!(matches!(engine.step(0, 0, Event::Started)[0], Effect::Connect));
    let effects = engine.step(0, 0, Event::Connected);
    let Effect::Send(hello) = &effects[0] else { unreachable!("{effects:?}") };
    let ClientFrame::Hello(hello) = &**hello else { unreachable!() };
    assert_eq!(hello.cursor, at(5));
}

#[test]
fn a_delta_that_does_not_follow_the_one_before_is_never_applied() {
    let mut engine = live(vec![]);
    assert_eq!(engine.phase(), Phase::Live);
    let old = engine.step(1, 0, delta(3, 5));
    assert!(closes(&old), "one before it claimed too much: {old:?}");
    assert!(
        matches!(&old[..], [.., Effect::Apply(batch)] if matches!(**batch, Batch::Reset(_))),
        "only a snapshot tells"
    );
    let mut engine = live(vec![]);
    engine.step(1, 0, delta(5, 6));
    engine.step(1, 0, Event::Applied(at(6)));
    let twice = engine.step(1, 0, delta(5, 6));
    assert!(!applies(&twice) && !closes(&twice), "had already: {twice:?}");
    let mut engine = live(vec![]);
    let gap = engine.step(1, 0, delta(6, 7));
    assert!(!applies(&gap) && closes(&gap), "the stored cursor asks again: {gap:?}");
}

#[test]
fn commands_of_one_conversation_go_one_by_one_and_of_others_at_once() {
    let mut engine = live(vec![]);
    assert_eq!(sent(&engine.step(1, 0, Event::Queued(reply(1, 10).into()))), [1]);
    assert!(sent(&engine.step(1, 0, Event::Queued(reply(2, 10).into()))).is_empty(), "the first is on its way");
    assert_eq!(sent(&engine.step(1, 0, Event::Queued(reply(3, 20).into()))), [3]);
    let ack = Ack { client_id: ClientId::from_bits(1), seq: Seq(6), id: None, number: None, duplicate: false };
    assert_eq!(sent(&engine.step(2, 0, frame(ServerFrame::Ack(ack)))), [2]);
    assert_eq!(engine.outbox().states().len(), 3, "an acknowledgement alone takes nothing out");
    engine.step(3, 0, delta(5, 6));
    engine.step(3, 0, Event::Applied(at(6)));
    assert_eq!(engine.outbox().states().len(), 2, "the cursor has passed the first one's change");
}

#[test]
fn what_was_on_its_way_when_the_connection_broke_is_sent_again() {
    let mut engine = live(vec![reply(1, 10)]);
    engine.step(1, 0, Event::Disconnected);
    engine.step(100_000, 0, Event::Tick);
    engine.step(100_000, 0, Event::Connected);
    assert_eq!(sent(&engine.step(100_000, 0, welcome(5))), [1]);
}

#[test]
fn a_refusal_for_good_is_for_the_person_and_a_passing_one_is_tried_again() {
    let mut engine = live(vec![]);
    engine.step(0, 0, Event::Queued(reply(1, 10).into()));
    engine.step(0, 0, Event::Queued(reply(2, 10).into()));
    let nack = |bits, code| {
        frame(ServerFrame::Nack(Nack {
            field: None,
            client_id: ClientId::from_bits(bits),
            code,
            message: String::new(),
            retry_after_ms: Some(500),
            current: None,
        }))
    };
    let later = engine.step(1, 0, nack(1, ErrorCode::Busy));
    assert!(sent(&later).is_empty(), "the second must not overtake the first: {later:?}");
    assert_eq!(sent(&engine.step(501, 0, Event::Tick)), [1]);
    let refused = engine.step(502, 0, nack(1, ErrorCode::Invalid));
    assert!(refused.iter().any(|effect| matches!(effect, Effect::Refuse(_, ErrorCode::Invalid))));
    assert_eq!(sent(&refused), [2], "the way is free for the next");
}

#[test]
fn a_silent_socket_a_stale_screen_and_a_stuck_command_all_end_the_connection() {
    let mut silent = live(vec![]);
    assert!(!closes(&silent.step(SILENCE_MS, 0, Event::Tick)));
    assert!(closes(&silent.step(SILENCE_MS + 1, 0, Event::Tick)));
    let mut stale = live(vec![]);
    let beat = || frame(ServerFrame::Hb(ServerHeartbeat { time: 0, head: Seq(9) }));
    stale.step(1_000, 0, beat());
    assert!(!closes(&stale.step(1_000 + LAG_MS, 0, Event::Tick)));
    stale.step(1_000 + LAG_MS, 0, beat());
    assert!(closes(&stale.step(1_001 + LAG_MS, 0, Event::Tick)), "another heartbeat does not excuse the lag");
    let mut stuck = live(vec![reply(1, 10)]);
    assert!(!closes(&stuck.step(UNANSWERED_MS, 0, Event::Tick)));
    assert!(closes(&stuck.step(UNANSWERED_MS + 1, 0, Event::Tick)));
}

#[test]
fn a_failed_write_is_fetched_again_from_the_cursor_on_disk() {
    let mut engine = live(vec![]);
    assert!(applies(&engine.step(1, 0, delta(5, 6))));
    assert!(closes(&engine.step(1, 0, Event::ApplyFailed(at(5)))));
    assert_eq!(engine.cursor(), at(5).as_ref());
    assert_eq!(engine.phase(), Phase::Offline);
}

#[test]
fn an_expired_token_is_renewed_once_and_an_expired_session_waits_for_the_person() {
    let mut engine = Engine::new("test", at(5), [reply(1, 10).into()]);
    engine.step(0, 0, Event::Started);
    assert!(matches!(engine.step(0, 0, Event::Refused(Refused::Token))[..], [Effect::Renew]));
    assert!(matches!(engine.step(0, 0, Event::Renewed)[..], [Effect::Connect]));
    assert!(!matches!(engine.step(0, 0, Event::Refused(Refused::Token))[..], [Effect::Renew]), "no endless renewing");
    engine.step(0, 0, Event::Refused(Refused::Session));
    assert_eq!(engine.phase(), Phase::Expired);
    assert!(engine.step(1_000_000, 0, Event::Tick).is_empty(), "no knocking at a closed door");
    assert_eq!(engine.outbox().states().len(), 1, "what was written is kept");
}

#[test]
fn a_device_that_was_signed_out_from_elsewhere_renews_nothing_and_knocks_no_more() {
    let mut told = live(vec![]);
    let bye = ServerFrame::Bye(Bye { code: ByeCode::Revoked, retry_after_ms: 40_000 });
    assert!(closes(&told.step(1, 0, frame(bye))));
    let mut refused = Engine::new("test", at(5), [reply(1, 10).into()]);
    refused.step(0, 0, Event::Started);
    refused.step(0, 0, Event::Refused(Refused::Token));
    refused.step(0, 0, Event::Refused(Refused::Revoked));
    for engine in [&mut told, &mut refused] {
        assert_eq!(engine.phase(), Phase::Revoked);
        for event in [Event::Tick, Event::RetryNow] {
            assert!(engine.step(1_000_000, 0, event).is_empty());
        }
    }
    assert_eq!(refused.outbox().states().len(), 1, "what was written is kept");
}

#[test]
fn a_snapshot_is_taken_page_by_page_and_ends_with_its_cursor() {
    let mut engine = Engine::new("test", None, []);
    engine.step(0, 0, Event::Started);
    engine.step(0, 0, Event::Connected);
    engine.step(0, 0, welcome(7));
    assert_eq!(engine.phase(), Phase::Syncing);
    let page = SnapshotPage { generation: "g".into(), base: Seq(7), rows: vec![], next: Some("2".into()) };
    assert!(matches!(Engine::next_page(&page), Some(ClientFrame::SnapNext(next)) if next.token == "2"));
    assert!(applies(&engine.step(1, 0, frame(ServerFrame::Snap(page)))));
    engine.step(1, 0, Event::Applied(None));
    let last = SnapshotPage { generation: "g".into(), base: Seq(7), rows: vec![], next: None };
    assert!(applies(&engine.step(2, 0, frame(ServerFrame::Snap(last)))));
    engine.step(2, 0, Event::Applied(None));
    let end = SnapshotEnd { generation: "g".into(), base: Seq(7) };
    let effects = engine.step(2, 0, frame(ServerFrame::SnapEnd(end)));
    assert!(matches!(&effects[0], Effect::Apply(batch) if matches!(**batch, Batch::SnapshotEnd { .. })));
    engine.step(2, 0, Event::Applied(at(7)));
    assert_eq!(engine.phase(), Phase::Live);
}

#[test]
fn a_token_that_expires_again_before_the_desk_answers_is_renewed_again() {
    let mut engine = Engine::new("test", at(5), []);
    engine.step(0, 0, Event::Started);
    engine.step(0, 0, Event::Refused(Refused::Token));
    engine.step(0, 0, Event::Renewed);
    engine.step(0, 0, Event::Refused(Refused::Token));
    engine.step(1_000_000, 0, Event::Tick);
    let effects = engine.step(1_000_000, 0, Event::Refused(Refused::Token));
    assert!(matches!(effects[..], [Effect::Renew]), "{effects:?}");
}

#[test]
fn a_snapshot_without_its_last_page_is_never_taken_for_whole() {
    for pages in [vec![], vec![Some("2".to_owned())]] {
        let mut engine = Engine::new("test", None, []);
        engine.step(0, 0, Event::Started);
        engine.step(0, 0, Event::Connected);
        engine.step(0, 0, welcome(7));
        for next in pages {
            let page = SnapshotPage { generation: "g".into(), base: Seq(7), rows: vec![], next };
            engine.step(1, 0, frame(ServerFrame::Snap(page)));
            engine.step(1, 0, Event::Applied(None));
        }
        let end = SnapshotEnd { generation: "g".into(), base: Seq(7) };
        let effects = engine.step(2, 0, frame(ServerFrame::SnapEnd(end)));
        assert!(!applies(&effects), "{effects:?}");
        assert_eq!(engine.phase(), Phase::Offline, "it is asked for again");
    }
}

#[test]
fn another_log_gets_what_the_old_one_acknowledged_once_more_and_in_order() {
    let (earlier, later) = (reply(1, 10), reply(2, 10));
    let mut engine = Engine::new("test", at(5), [later.clone().into()]);
    engine.step(0, 0, Event::Started);
    engine.step(0, 0, Event::Connected);
    let other = Welcome {
        session: "s".into(),
        epoch: "another".into(),
        head: Seq(3),
        server_time: 0,
        heartbeat_ms: 15_000,
        mode: SyncMode::Snapshot,
        agent: None,
        visitor: None,
    };
    let effects = engine.step(1, 0, frame(ServerFrame::Welcome(other)));
    assert!(sent(&effects).is_empty(), "nothing may overtake what is offered again");
    engine.step(2, 0, frame(ServerFrame::Reset(Reset { reason: ResetReason::Epoch })));
    let effects = engine.step(2, 0, Event::Reoffered(vec![earlier.into(), later.into()]));
    assert_eq!(sent(&effects), [1], "one at a time, the oldest first");
    let ack = Ack { client_id: ClientId::from_bits(1), seq: Seq(4), id: None, number: None, duplicate: false };
    assert_eq!(sent(&engine.step(3, 0, frame(ServerFrame::Ack(ack)))), [2]);
}

/// A reply that is kept back for a moment.
fn delayed(bits: u128, conversation: i64, delay_ms: u64) -> Entry {
    Entry { delay_ms, ..reply(bits, conversation).into() }
}

/// A reply that can be compared with what others wrote.
fn guarded(bits: u128, conversation: i64) -> Entry {
    Entry { guarded: true, ..reply(bits, conversation).into() }
}

fn compares(effects: &[Effect]) -> Vec<ClientId> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Compare(id, _) => Some(id.clone()),
            _ => None,
        })
        .collect()
}

fn standing(engine: &Engine, now: u64, bits: u128) -> Standing {
    engine.outbox().standings(now)[&ClientId::from_bits(bits)]
}

#[test]
fn a_reply_that_is_kept_back_goes_when_its_moment_is_over_and_holds_up_nobody_else() {
    let mut engine = live(vec![]);
    assert!(sent(&engine.step(1_000, 0, Event::Queued(delayed(1, 10, 5_000)))).is_empty());
    assert_eq!(standing(&engine, 1_000, 1), Standing::Delayed);
    assert!(sent(&engine.step(1_001, 0, Event::Queued(reply(2, 10).into()))).is_empty(), "the order is kept");
    assert_eq!(sent(&engine.step(1_002, 0, Event::Queued(reply(3, 20).into()))), [3], "another conversation goes on");
    assert!(sent(&engine.step(5_999, 0, Event::Tick)).is_empty());
    assert_eq!(sent(&engine.step(6_000, 0, Event::Tick)), [1]);
    assert_eq!(standing(&engine, 6_000, 1), Standing::Sending);
}

#[test]
fn no_clock_keeps_a_reply_back_for_long_neither_when_it_is_queued_nor_after_a_start() {
    let years = 100 * 365 * 24 * 60 * 60 * 1000;
    let mut engine = live(vec![]);
    engine.step(1_000, 0, Event::Queued(delayed(1, 10, years)));
    assert_eq!(sent(&engine.step(1_000 + DELAY_MAX_MS, 0, Event::Tick)), [1]);

    let mut engine = Engine::new("test", at(5), [delayed(1, 10, years)]);
    engine.step(50_000, 0, Event::Started);
    engine.step(50_000, 0, Event::Connected);
    assert!(sent(&engine.step(50_000, 0, welcome(5))).is_empty(), "it waits from the start on");
    assert_eq!(sent(&engine.step(50_000 + DELAY_MAX_MS, 0, Event::Tick)), [1]);
}

#[test]
fn what_was_on_its_way_can_never_be_taken_back() {
    let mut engine = live(vec![]);
    engine.step(0, 0, Event::Queued(delayed(1, 10, 5_000)));
    assert!(engine.outbox().can_be_taken_back(&ClientId::from_bits(1)));
    engine.step(5_000, 0, Event::Tick);
    assert!(!engine.outbox().can_be_taken_back(&ClientId::from_bits(1)), "the visitor may have it");
    engine.step(5_001, 0, Event::Disconnected);
    assert_eq!(standing(&engine, 5_001, 1), Standing::Retrying);
    assert!(!engine.outbox().can_be_taken_back(&ClientId::from_bits(1)), "it may have arrived");

    let tried = Entry { tried: true, ..reply(2, 20).into() };
    let engine = Engine::new("test", at(5), [tried, reply(3, 30).into()]);
    assert!(!engine.outbox().can_be_taken_back(&ClientId::from_bits(2)), "an earlier run may have sent it");
    assert!(engine.outbox().can_be_taken_back(&ClientId::from_bits(3)));
}

#[test]
fn a_program_that_ends_keeps_nothing_back() {
    let mut engine = live(vec![]);
    engine.step(0, 0, Event::Queued(delayed(1, 10, 5_000)));
    assert_eq!(sent(&engine.step(1, 0, Event::Ending)), [1]);
}

#[test]
fn a_reply_written_offline_waits_for_the_whole_log_and_is_compared_before_it_goes() {
    let mut engine = Engine::new("test", at(5), []);
    engine.step(0, 0, Event::Started);
    engine.step(0, 0, Event::Queued(guarded(1, 10)));
    engine.step(0, 0, Event::Queued(reply(2, 20).into()));
    engine.step(0, 0, Event::Connected);
    let effects = engine.step(0, 0, welcome(9));
    assert_eq!(sent(&effects), [2], "what needs no comparison does not wait");
    assert!(compares(&effects).is_empty(), "four changes are missing");
    engine.step(1, 0, delta(5, 8));
    assert!(compares(&engine.step(1, 0, Event::Applied(at(8)))).is_empty(), "one is still missing");
    engine.step(2, 0, delta(8, 9));
    assert_eq!(compares(&engine.step(2, 0, Event::Applied(at(9)))), [ClientId::from_bits(1)]);
    assert!(compares(&engine.step(3, 0, Event::Tick)).is_empty(), "once is enough");
    assert_eq!(sent(&engine.step(3, 0, Event::Compared(ClientId::from_bits(1), false))), [1]);
}

#[test]
fn a_reply_that_somebody_forestalled_is_held_until_the_person_lets_it_go_and_holds_up_only_its_conversation() {
    let mut engine = Engine::new("test", at(5), [guarded(1, 10), reply(2, 10).into(), reply(3, 20).into()]);
    engine.step(0, 0, Event::Started);
    engine.step(0, 0, Event::Connected);
    let effects = engine.step(0, 0, welcome(5));
    assert_eq!((sent(&effects), compares(&effects)), (vec![3], vec![ClientId::from_bits(1)]));
    let effects = engine.step(1, 0, Event::Compared(ClientId::from_bits(1), true));
    assert!(matches!(&effects[..], [Effect::Hold(id)] if *id == ClientId::from_bits(1)), "{effects:?}");
    assert_eq!(standing(&engine, 1, 1), Standing::Held);
    assert!(sent(&engine.step(9_000, 0, Event::Tick)).is_empty(), "it waits for the person alone");
    assert!(engine.outbox().can_be_taken_back(&ClientId::from_bits(1)));

    let mut other = engine.clone();
    assert_eq!(sent(&other.step(9_001, 0, Event::Discarded(ClientId::from_bits(1)))), [2]);

    engine.step(9_001, 0, Event::Disconnected);
    assert_eq!(standing(&engine, 9_001, 1), Standing::Held, "a new connection decides nothing");
    engine.step(200_000, 0, Event::Tick);
    engine.step(200_000, 0, Event::Connected);
    engine.step(200_000, 0, welcome(5));
    assert_eq!(sent(&engine.step(200_001, 0, Event::Queued(guarded(1, 10)))), [1], "let go, without another question");
}

#[test]
fn a_reply_held_in_an_earlier_run_stays_held() {
    let held = Entry { held: true, ..guarded(1, 10) };
    let mut engine = Engine::new("test", at(5), [held]);
    engine.step(0, 0, Event::Started);
    engine.step(0, 0, Event::Connected);
    let effects = engine.step(0, 0, welcome(5));
    assert!(sent(&effects).is_empty() && compares(&effects).is_empty());
}

#[test]
fn a_reply_written_while_live_is_not_compared_unless_the_connection_broke_before_it_went() {
    let mut engine = live(vec![]);
    assert_eq!(sent(&engine.step(0, 0, Event::Queued(guarded(1, 10)))), [1]);
    engine.step(0, 0, Event::Queued(Entry { delay_ms: 5_000, ..guarded(2, 20) }));
    engine.step(1, 0, Event::Disconnected);
    engine.step(100_000, 0, Event::Tick);
    engine.step(100_000, 0, Event::Connected);
    let effects = engine.step(100_000, 0, welcome(5));
    assert_eq!(sent(&effects), [1], "what may have arrived already is not asked about");
    assert_eq!(compares(&effects), [ClientId::from_bits(2)]);
}

/// A reply with files.
fn with_files(bits: u128, conversation: i64) -> Entry {
    Entry { files: true, ..reply(bits, conversation).into() }
}

/// The same when the desk has its files.
fn uploaded(bits: u128, conversation: i64) -> Event {
    let mut frame = reply(bits, conversation);
    if let Command::Send { attachments, .. } = &mut frame.command {
        attachments.push(AttachmentId(77));
    }
    Event::Uploaded(Box::new(frame))
}

fn uploads(effects: &[Effect]) -> Vec<u128> {
    let id = |effect: &Effect| match effect {
        Effect::Upload(id) => u128::from_str_radix(id.as_str(), 16).ok(),
        _ => None,
    };
    effects.iter().filter_map(id).collect()
}

#[test]
fn od_35_a_message_waits_for_its_files_and_holds_up_only_its_conversation() {
    let mut engine = live(vec![]);
    let effects = engine.step(1, 0, Event::Queued(with_files(1, 10)));
    assert_eq!((uploads(&effects), sent(&effects)), (vec![1], vec![]));
    assert_eq!(standing(&engine, 1, 1), Standing::Uploading);
    assert!(sent(&engine.step(2, 0, Event::Queued(reply(2, 10).into()))).is_empty(), "the order is kept");
    assert_eq!(sent(&engine.step(3, 0, Event::Queued(reply(3, 20).into()))), [3], "another conversation goes on");
    let ack = Ack { client_id: ClientId::from_bits(3), seq: Seq(5), id: None, number: None, duplicate: false };
    engine.step(4, 0, frame(ServerFrame::Ack(ack)));
    engine.step(59_998, 0, frame(ServerFrame::Hb(ServerHeartbeat { head: Seq(5), time: 0 })));
    let effects = engine.step(59_999, 0, Event::Tick);
    assert!(uploads(&effects).is_empty() && !closes(&effects), "a long upload is no stuck command");
    let effects = engine.step(60_001, 0, uploaded(1, 10));
    assert_eq!(sent(&effects), [1]);
    let named = effects.iter().any(|effect| {
        matches!(effect, Effect::Send(frame) if matches!(&**frame,
            ClientFrame::Cmd(CommandFrame { command: Command::Send { attachments, .. }, .. }) if *attachments == [AttachmentId(77)]))
    });
    assert!(named, "it names the files that the desk has now");
}

#[test]
fn od_35_files_that_do_not_come_through_are_tried_again_with_longer_and_longer_pauses() {
    let mut engine = live(vec![]);
    engine.step(0, 0, Event::Queued(with_files(1, 10)));
    let mut now = 0;
    let mut pauses = Vec::new();
    for _ in 0..7 {
        let failed = now;
        engine.step(now, 0, Event::UploadFailed(ClientId::from_bits(1), 0));
        assert_eq!(standing(&engine, now, 1), Standing::Uploading, "nothing that the person could do anything about");
        while uploads(&engine.step(now, 0, Event::Tick)).is_empty() {
            engine.step(now, 0, frame(ServerFrame::Hb(ServerHeartbeat { head: Seq(5), time: 0 })));
            now += 500;
        }
        pauses.push(now - failed);
    }
    assert_eq!(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    // What the desk asks for counts, too.
    engine.step(now, 0, Event::UploadFailed(ClientId::from_bits(1), 31_000));
    engine.step(now + 30_500, 0, frame(ServerFrame::Hb(ServerHeartbeat { head: Seq(5), time: 0 })));
    assert!(uploads(&engine.step(now + 30_500, 0, Event::Tick)).is_empty());
    assert_eq!(uploads(&engine.step(now + 31_000, 0, Event::Tick)), [1]);
}

#[test]
fn od_35_after_a_broken_connection_the_desk_is_asked_for_the_files_again_even_if_it_had_them() {
    let mut engine = live(vec![]);
    engine.step(1, 0, Event::Queued(with_files(1, 10)));
    engine.step(2, 0, Event::Disconnected);
    assert!(sent(&engine.step(3, 0, uploaded(1, 10))).is_empty(), "nobody can be told");
    engine.step(4, 0, Event::RetryNow);
    engine.step(4, 0, Event::Connected);
    let effects = engine.step(4, 0, welcome(5));
    assert_eq!((uploads(&effects), sent(&effects)), (vec![1], vec![]), "they may be gone from the desk since");
    assert_eq!(sent(&engine.step(5, 0, uploaded(1, 10))), [1]);
    // And when it was on its way already.
    engine.step(6, 0, Event::Disconnected);
    engine.step(7, 0, Event::RetryNow);
    engine.step(7, 0, Event::Connected);
    let effects = engine.step(7, 0, welcome(5));
    assert_eq!((uploads(&effects), sent(&effects)), (vec![1], vec![]));
    assert_eq!(sent(&engine.step(8, 0, uploaded(1, 10))), [1]);
}

#[test]
fn od_35_a_refused_file_refuses_its_message_and_the_next_one_goes_on() {
    let mut engine = live(vec![]);
    engine.step(1, 0, Event::Queued(with_files(1, 10)));
    engine.step(1, 0, Event::Queued(reply(2, 10).into()));
    let effects = engine.step(2, 0, Event::UploadRefused(ClientId::from_bits(1), ErrorCode::UnsupportedType));
    let refused = |effect: &Effect| matches!(effect, Effect::Refuse(id, ErrorCode::UnsupportedType) if *id == ClientId::from_bits(1));
    assert!(effects.iter().any(refused), "{effects:?}");
    assert_eq!(sent(&effects), [2]);
    // The person tries again.
    assert_eq!(uploads(&engine.step(3, 0, Event::Queued(with_files(1, 30)))), [1]);
}

#[test]
fn od_35_a_message_can_be_taken_back_while_its_files_go_up_and_only_a_few_go_up_at_once() {
    let mut engine = live(vec![]);
    for bits in 1..=5 {
        engine.step(1, 0, Event::Queued(with_files(bits, i64::try_from(bits).unwrap() * 10)));
    }
    let uploading =
        |engine: &Engine| engine.outbox().standings(1).values().filter(|at| **at == Standing::Uploading).count();
    assert_eq!(uploading(&engine), deskbell_engine::UPLOADS_MAX);
    assert!(engine.outbox().can_be_taken_back(&ClientId::from_bits(1)));
    assert_eq!(uploads(&engine.step(2, 0, Event::Discarded(ClientId::from_bits(1)))), [3], "the next in line");
    assert_eq!(uploads(&engine.step(3, 0, uploaded(2, 20))), [4]);
    assert!(!engine.outbox().can_be_taken_back(&ClientId::from_bits(2)), "it is on its way");
}

#[test]
fn od_35_a_guarded_message_is_compared_after_its_files_are_up() {
    let mut engine = Engine::new("test", at(5), [Entry { guarded: true, ..with_files(1, 10) }]);
    engine.step(0, 0, Event::Started);
    engine.step(0, 0, Event::Connected);
    let effects = engine.step(0, 0, welcome(5));
    assert_eq!((uploads(&effects), compares(&effects).len()), (vec![1], 0));
    let effects = engine.step(1, 0, uploaded(1, 10));
    assert_eq!((sent(&effects), compares(&effects).len()), (vec![], 1));
    assert_eq!(sent(&engine.step(2, 0, Event::Compared(ClientId::from_bits(1), false))), [1]);
}

#[test]
fn dc_02_after_a_change_of_the_network_a_link_that_answers_stays_and_one_that_does_not_goes_at_once() {
    let probes = |effects: &[Effect]| effects.iter().any(|effect| matches!(effect, Effect::Probe));
    let connects = |effects: &[Effect]| effects.iter().any(|effect| matches!(effect, Effect::Connect));
    let mut engine = live(vec![]);
    let effects = engine.step(10, 0, Event::NetworkChanged);
    assert!(probes(&effects) && !closes(&effects), "{effects:?}");
    engine.step(500, 0, frame(ServerFrame::Hb(ServerHeartbeat { head: Seq(5), time: 0 })));
    assert!(!closes(&engine.step(500 + PROBE_MS, 0, Event::Tick)), "it answered");
    engine.step(20_000, 0, Event::NetworkChanged);
    // A network that changes again and again gives a dead link no more time.
    engine.step(20_000 + PROBE_MS, 0, Event::NetworkChanged);
    let effects = engine.step(20_001 + PROBE_MS, 0, Event::Tick);
    assert!(closes(&effects) && connects(&effects), "no waiting: {effects:?}");
    let effects = engine.step(24_000, 0, Event::NetworkChanged);
    assert!(closes(&effects) && connects(&effects), "it began on the network that was: {effects:?}");
    engine.step(24_001, 0, Event::Disconnected);
    assert!(connects(&engine.step(24_002, 0, Event::NetworkChanged)), "the wait is over");
}

#[test]
fn a_reset_on_a_living_connection_is_catching_up_and_a_reply_written_meanwhile_is_compared() {
    let mut engine = live(vec![]);
    engine.step(1, 0, frame(ServerFrame::Reset(Reset { reason: ResetReason::Rights })));
    assert_eq!(engine.phase(), Phase::Syncing, "what is on screen is not all there is");
    engine.step(1, 0, Event::Reoffered(vec![]));
    let effects = engine.step(2, 0, Event::Queued(guarded(1, 10)));
    assert!(sent(&effects).is_empty() && compares(&effects).is_empty(), "nobody knows yet what the desk has");
    let page = SnapshotPage { generation: "g".into(), base: Seq(7), rows: vec![], next: None };
    engine.step(3, 0, frame(ServerFrame::Snap(page)));
    engine.step(3, 0, Event::Applied(None));
    engine.step(4, 0, frame(ServerFrame::SnapEnd(SnapshotEnd { generation: "g".into(), base: Seq(7) })));
    let effects = engine.step(4, 0, Event::Applied(at(7)));
    assert_eq!((engine.phase(), compares(&effects)), (Phase::Live, vec![ClientId::from_bits(1)]));
}

#[test]
fn a_reply_that_is_written_while_something_is_missing_is_compared() {
    let mut engine = live(vec![]);
    engine.step(1, 0, frame(ServerFrame::Hb(ServerHeartbeat { head: Seq(6), time: 0 })));
    assert!(sent(&engine.step(2, 0, Event::Queued(guarded(1, 10)))).is_empty(), "a colleague may have answered");
    engine.step(3, 0, delta(5, 6));
    assert_eq!(compares(&engine.step(3, 0, Event::Applied(at(6)))), [ClientId::from_bits(1)]);
}
