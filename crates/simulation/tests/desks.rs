//! What the desk's store promises to sync, asked of every one there is: in a file, as a real server has it, and in
//! memory. Another store is one more line here.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use deskbell_protocol::*;
use deskbell_server::simulation::{Desk, Person};
use serde_json::Value;

const NOW: Timestamp = 1_767_225_600_000;

/// A disk: opens another server on the same store as often as it is asked.
type Disk = Box<dyn Fn() -> Desk>;

fn in_a_file() -> Disk {
    let directory = tempfile::tempdir().unwrap();
    Box::new(move || Desk::open(&directory.path().join("desk.db")).unwrap())
}

fn in_memory() -> Disk {
    static DISKS: AtomicU64 = AtomicU64::new(0);
    let name = format!("desk-{}", DISKS.fetch_add(1, Ordering::Relaxed));
    Box::new(move || Desk::in_memory(&name).unwrap())
}

/// A desk with its people: the agents Ann and Ben, and the visitors Vic and Wen.
struct Shop {
    disk: Disk,
    desk: Desk,
    ann: Person,
    ben: Person,
    vic: Person,
    wen: Person,
}

fn shop(make: fn() -> Disk) -> Shop {
    let disk = make();
    let desk = disk();
    let [ann, ben] = ["Ann", "Ben"].map(|name| Person::Agent(desk.add_agent(name, NOW).unwrap()));
    let [vic, wen] = [(); 2].map(|()| Person::Visitor(desk.add_visitor(NOW).unwrap()));
    Shop { disk, desk, ann, ben, vic, wen }
}

impl Shop {
    /// The server stops, and another one starts on what there is.
    fn restart(self) -> Self {
        // In memory there is something as long as somebody has it open.
        let desk = (self.disk)();
        Self { desk, ..self }
    }

    fn does(&self, person: Person, command: CommandFrame) -> Result<Ack, Nack> {
        self.do_together(vec![(person, command)]).remove(0)
    }

    /// Commands of one transaction.
    fn do_together(&self, group: Vec<(Person, CommandFrame)>) -> Vec<Result<Ack, Nack>> {
        let (answers, _) = self.desk.perform(group, NOW);
        answers.into_iter().map(answer).collect()
    }

    /// Vic writes, and there is a chat.
    fn chat(&self) -> ConversationId {
        self.does(self.vic, say(None, "Is it open?")).unwrap();
        let rows = self.desk.rows(self.ann).unwrap();
        let chat = rows.iter().rfind(|row| row.entity == EntityKind::Conversation);
        ConversationId(chat.unwrap().id)
    }

    /// What a client has that begins at a place, or with a snapshot, and follows to the end; and how often it was sent
    /// something.
    fn follow(&self, person: Person, cursor: Option<Cursor>, mut rows: Rows) -> (Rows, Cursor) {
        let (mut session, frames) = self.desk.greet(person, cursor.clone(), NOW).unwrap();
        let mut waiting: std::collections::VecDeque<ServerFrame> = frames.into();
        let (mut epoch, mut seq) = (String::new(), cursor.map_or(Seq(0), |cursor| cursor.seq));
        loop {
            let Some(frame) = waiting.pop_front() else {
                if !session.is_behind() {
                    return (rows, Cursor { epoch, seq });
                }
                waiting.extend(session.catch_up(&self.desk, NOW).unwrap());
                continue;
            };
            match frame {
                ServerFrame::Welcome(welcome) => epoch = welcome.epoch,
                ServerFrame::Reset(_) => rows.clear(),
                ServerFrame::Snap(page) => {
                    put(&mut rows, page.rows);
                    if let Some(token) = page.next {
                        let next = SnapshotNext { generation: page.generation, token };
                        waiting.extend(session.frame(&self.desk, &ClientFrame::SnapNext(next)).unwrap());
                    }
                }
                ServerFrame::SnapEnd(end) => seq = end.base,
                ServerFrame::Delta(delta) => {
                    assert_eq!(delta.from, seq, "a delta begins where the last one has ended");
                    seq = delta.to;
                    put(&mut rows, delta.changes);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn fresh(&self, person: Person) -> (Rows, Cursor) {
        self.follow(person, None, Rows::new())
    }
}

type Rows = BTreeMap<(EntityKind, i64), Value>;

fn put(rows: &mut Rows, changes: Vec<Change>) {
    for change in changes {
        match change.data {
            Some(data) => rows.insert((change.entity, change.id), data.read().unwrap()),
            None => rows.remove(&(change.entity, change.id)),
        };
    }
}

fn message(row: &Change) -> Message {
    row.data.as_ref().unwrap().read().unwrap()
}

fn answer(frame: ServerFrame) -> Result<Ack, Nack> {
    match frame {
        ServerFrame::Ack(ack) => Ok(ack),
        ServerFrame::Nack(nack) => Err(nack),
        other => panic!("{other:?}"),
    }
}

fn frame(command: Command) -> CommandFrame {
    static NAMES: AtomicU64 = AtomicU64::new(1);
    let client_id = ClientId::from_bits(NAMES.fetch_add(1, Ordering::Relaxed).into());
    CommandFrame { client_id, command, if_rev: None, client_time: 0 }
}

fn say(conversation: Option<ConversationId>, text: &str) -> CommandFrame {
    let (kind, text) = (MessageKind::Reply, text.to_owned());
    frame(Command::Send {
        conversation,
        kind,
        text,
        attachments: vec![],
        mentions: Vec::new(),
        article: None,
        choice: None,
    })
}

fn note(conversation: ConversationId, text: &str) -> CommandFrame {
    let (kind, text) = (MessageKind::Note, text.to_owned());
    frame(Command::Send {
        conversation: Some(conversation),
        kind,
        text,
        attachments: vec![],
        mentions: Vec::new(),
        article: None,
        choice: None,
    })
}

fn texts(rows: &Rows) -> Vec<&str> {
    let mut said: Vec<&Value> =
        rows.iter().filter(|((kind, _), _)| *kind == EntityKind::Message).map(|(_, data)| data).collect();
    said.sort_by_key(|data| data["number"].as_i64());
    said.into_iter().map(|data| data["text"].as_str().unwrap()).collect()
}

/// Everything that is asked of a store.
fn suite(make: fn() -> Disk) {
    what_was_answered_is_there_for_the_next_server(shop(make));
    a_transaction_is_done_as_a_whole_or_not_at_all(shop(make));
    a_command_is_done_once_whoever_is_asked_again(shop(make));
    a_refused_command_leaves_nothing_beside_those_of_its_group(shop(make));
    from_whatever_place_one_begins_one_ends_at_the_same(shop(make));
    a_snapshot_of_many_pages_is_whole_whatever_happens_meanwhile(shop(make));
    a_place_that_the_log_does_not_have_leads_to_a_snapshot(shop(make));
    history_is_whole_and_in_order_and_keeps_its_notes_from_visitors(shop(make));
    two_servers_share_what_either_wrote(shop(make));
}

fn what_was_answered_is_there_for_the_next_server(shop: Shop) {
    let chat = shop.chat();
    let sent = say(Some(chat), "Till eight.");
    let ack = shop.does(shop.ann, sent.clone()).unwrap();
    let (rows, cursor) = shop.fresh(shop.ben);
    assert_eq!((texts(&rows), cursor.seq), (vec!["Is it open?", "Till eight."], ack.seq));
    let shop = shop.restart();
    assert_eq!(shop.fresh(shop.ben), (rows, cursor), "epoch, place and rows are the same");
    assert!(shop.desk.has_done(shop.ann, &sent.client_id).unwrap());
}

fn a_transaction_is_done_as_a_whole_or_not_at_all(shop: Shop) {
    let chat = shop.chat();
    let before = shop.fresh(shop.ann);
    let group = vec![(shop.ann, say(Some(chat), "one")), (shop.ben, say(Some(chat), "two"))];
    let left = shop.desk.die_over(group.clone(), NOW);
    assert!(left.iter().all(Option::is_none), "nobody hears of what is not durable: {left:?}");
    let shop = shop.restart();
    assert_eq!(shop.fresh(shop.ann), before);
    // Whoever had no answer asks again.
    let acks: Vec<Ack> = shop.do_together(group).into_iter().map(Result::unwrap).collect();
    assert_eq!(
        acks.iter().map(|ack| (ack.number, ack.duplicate)).collect::<Vec<_>>(),
        [(Some(2), false), (Some(3), false)]
    );
    assert_eq!(texts(&shop.fresh(shop.ann).0), ["Is it open?", "one", "two"]);
}

fn a_command_is_done_once_whoever_is_asked_again(shop: Shop) {
    let chat = shop.chat();
    let sent = say(Some(chat), "Till eight.");
    let first = shop.does(shop.ann, sent.clone()).unwrap();
    let again = |shop: &Shop| {
        let ack = shop.does(shop.ann, sent.clone()).unwrap();
        assert_eq!((ack.seq, ack.id, ack.number, ack.duplicate), (first.seq, first.id, first.number, true));
    };
    again(&shop);
    let twice = shop.do_together(vec![(shop.ann, sent.clone()), (shop.ann, sent.clone())]);
    assert!(twice.iter().all(|answer| answer.as_ref().unwrap().duplicate));
    // The same name is another command when somebody else says it.
    assert!(!shop.does(shop.ben, sent.clone()).unwrap().duplicate);
    let shop = shop.restart();
    again(&shop);
    assert_eq!(texts(&shop.fresh(shop.ann).0), ["Is it open?", "Till eight.", "Till eight."]);
}

fn a_refused_command_leaves_nothing_beside_those_of_its_group(shop: Shop) {
    let chat = shop.chat();
    let head = shop.desk.head().unwrap();
    let careful = CommandFrame {
        if_rev: Some(Seq(1)),
        ..frame(Command::SetState { conversation: chat, state: ConversationState::Closed })
    };
    let elsewhere = ConversationId(chat.0 + 1);
    let answers = shop.do_together(vec![
        (shop.ann, say(Some(chat), "one")),
        (shop.ben, careful.clone()),
        (shop.ben, say(Some(elsewhere), "nowhere")),
        (shop.ben, say(Some(chat), "two")),
    ]);
    let codes: Vec<_> = answers.iter().map(|answer| answer.as_ref().err().map(|nack| nack.code)).collect();
    assert_eq!(codes, [None, Some(ErrorCode::Conflict), Some(ErrorCode::NotFound), None]);
    assert!(answers[1].as_ref().unwrap_err().current.is_some(), "a conflict shows what is there");
    assert!(!shop.desk.has_done(shop.ben, &careful.client_id).unwrap());
    let (rows, cursor) = shop.fresh(shop.ann);
    assert_eq!(texts(&rows), ["Is it open?", "one", "two"]);
    assert!(
        cursor.seq > head && cursor.seq == answers[3].as_ref().unwrap().seq,
        "the log has no places without a change"
    );
}

fn from_whatever_place_one_begins_one_ends_at_the_same(shop: Shop) {
    let chat = shop.chat();
    let mut stands = vec![(shop.fresh(shop.ann), shop.fresh(shop.vic))];
    let message = MessageId(shop.does(shop.ann, say(Some(chat), "Till seven.")).unwrap().id.unwrap());
    let happenings = [
        (shop.ann, Command::EditMessage { conversation: chat, message, text: "Till eight.".into() }),
        (shop.ben, note(chat, "A regular").command),
        (shop.ann, Command::MarkRead { conversation: chat, number: 2 }),
        (shop.ben, Command::ChangeLabels { conversation: chat, add: vec!["tea".into()], remove: vec![] }),
        (shop.ben, Command::SetState { conversation: chat, state: ConversationState::Closed }),
        (shop.vic, say(None, "And on Sunday?").command),
        (shop.ann, Command::DeleteMessage { conversation: chat, message }),
    ];
    for (who, command) in happenings {
        stands.push((shop.fresh(shop.ann), shop.fresh(shop.vic)));
        shop.does(who, frame(command)).unwrap();
    }
    let (ann, vic) = (shop.fresh(shop.ann), shop.fresh(shop.vic));
    for ((of_ann, at_ann), (of_vic, at_vic)) in stands {
        assert_eq!(shop.follow(shop.ann, Some(at_ann.clone()), of_ann), ann, "from {at_ann:?}");
        assert_eq!(shop.follow(shop.vic, Some(at_vic.clone()), of_vic), vic, "from {at_vic:?}");
    }
    assert_eq!(texts(&shop.fresh(shop.wen).0), [] as [&str; 0], "nobody else's chat comes to a visitor");
}

fn a_snapshot_of_many_pages_is_whole_whatever_happens_meanwhile(shop: Shop) {
    let chat = shop.chat();
    for number in 0..20 {
        shop.does(shop.ann, say(Some(chat), &format!("{number} {}", "x".repeat(3_000)))).unwrap();
    }
    shop.does(shop.wen, say(None, &"y".repeat(3_000))).unwrap();
    let (mut session, mut frames) = shop.desk.greet(shop.ben, None, NOW).unwrap();
    let (mut rows, mut pages) = (Rows::new(), 0);
    while let Some(ServerFrame::Snap(page)) = frames.iter().find(|frame| matches!(frame, ServerFrame::Snap(_))).cloned()
    {
        put(&mut rows, page.rows);
        pages += 1;
        // Vic and Wen go on writing, above and below where the scan stands.
        shop.does(shop.vic, say(None, "still there?")).unwrap();
        shop.does(shop.wen, say(None, "hello?")).unwrap();
        let Some(token) = page.next else { break };
        let next = SnapshotNext { generation: page.generation, token };
        frames = session.frame(&shop.desk, &ClientFrame::SnapNext(next)).unwrap();
    }
    assert!(pages > 1, "nothing can happen between the pages of a snapshot that has but one");
    while session.is_behind() {
        for frame in session.catch_up(&shop.desk, NOW).unwrap() {
            let ServerFrame::Delta(delta) = frame else { panic!("{frame:?}") };
            put(&mut rows, delta.changes);
        }
    }
    assert_eq!(rows, shop.fresh(shop.ben).0);
}

fn a_place_that_the_log_does_not_have_leads_to_a_snapshot(shop: Shop) {
    shop.chat();
    let (_, here) = shop.fresh(shop.ann);
    let why = |shop: &Shop, cursor: &Cursor| {
        let (_, frames) = shop.desk.greet(shop.ann, Some(cursor.clone()), NOW).unwrap();
        frames.into_iter().find_map(|frame| match frame {
            ServerFrame::Reset(reset) => Some(reset.reason),
            _ => None,
        })
    };
    let elsewhere = |seq: i64, epoch: &str| Cursor { epoch: epoch.into(), seq: Seq(seq) };
    assert_eq!(why(&shop, &here), None);
    assert_eq!(why(&shop, &Cursor { seq: Seq(here.seq.0 + 1), ..here.clone() }), Some(ResetReason::Ahead));
    assert_eq!(why(&shop, &Cursor { seq: Seq(-1), ..here.clone() }), Some(ResetReason::Ahead));
    assert_eq!(why(&shop, &elsewhere(1, "another")), Some(ResetReason::Epoch));
    shop.desk.begin_another_epoch().unwrap();
    assert_eq!(why(&shop, &here), Some(ResetReason::Epoch));
    let shop = shop.restart();
    assert_eq!(why(&shop, &here), Some(ResetReason::Epoch), "and the next server knows it");
}

fn history_is_whole_and_in_order_and_keeps_its_notes_from_visitors(shop: Shop) {
    let chat = shop.chat();
    for number in 2..=30 {
        let said = if number % 3 == 0 { note(chat, "a note") } else { say(Some(chat), "a reply") };
        shop.does(shop.ann, said).unwrap();
    }
    let (mut session, _) = shop.desk.greet(shop.ben, None, NOW).unwrap();
    let (mut before, mut numbers) = (31, Vec::new());
    while before > 1 {
        let request = HistoryRequest { request: 7, conversation: chat, before, limit: 7 };
        let frame = session.frame(&shop.desk, &ClientFrame::Hist(request)).unwrap().remove(0);
        let ServerFrame::HistPage(page) = frame else { panic!("{frame:?}") };
        assert_eq!((page.request, page.to), (7, before - 1));
        let there: Vec<i64> = page.messages.iter().map(|row| message(row).number).collect();
        assert!(there.is_sorted() && there.len() <= 7, "{there:?}");
        numbers.splice(0..0, there);
        before = page.from;
    }
    assert_eq!(numbers, (1..=30).collect::<Vec<_>>());
    let request = HistoryRequest { request: 8, conversation: chat, before: 31, limit: 100 };
    for (person, expected) in [(shop.vic, 20), (shop.wen, 0)] {
        let (mut session, _) = shop.desk.greet(person, None, NOW).unwrap();
        let frame = session.frame(&shop.desk, &ClientFrame::Hist(request.clone())).unwrap().remove(0);
        let ServerFrame::HistPage(page) = frame else { panic!("{frame:?}") };
        assert_eq!(page.messages.len(), expected);
        assert!(page.messages.iter().all(|row| message(row).kind != MessageKind::Note));
    }
}

fn two_servers_share_what_either_wrote(shop: Shop) {
    let chat = shop.chat();
    let other = (shop.disk)();
    let (mut session, _) = other.greet(shop.ben, Some(shop.fresh(shop.ben).1), NOW).unwrap();
    let mut last = shop.desk.head().unwrap();
    for number in 0..6 {
        let server = if number % 2 == 0 { &shop.desk } else { &other };
        let (mut answers, _) = server.perform(vec![(shop.ann, say(Some(chat), "to and fro"))], NOW);
        let ack = answer(answers.remove(0)).unwrap();
        assert!(ack.seq > last && ack.number == Some(number + 2), "{ack:?} after {last:?}");
        last = ack.seq;
        // Nobody told this server's session: it looks by itself.
        session.fall_behind();
        let frames = session.catch_up(&other, NOW).unwrap();
        assert!(matches!(frames.as_slice(), [ServerFrame::Delta(delta)] if delta.to == last), "{frames:?}");
    }
    assert_eq!(other.head().unwrap(), shop.desk.head().unwrap());
}

#[test]
fn a_backup_of_the_desk_in_a_file_is_the_desk_as_it_was() {
    let shop = shop(in_a_file);
    let chat = shop.chat();
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("copy.db");
    let before = shop.fresh(shop.ann);
    shop.desk.back_up(&copy).unwrap();
    shop.does(shop.ann, say(Some(chat), "later")).unwrap();
    let restored = Shop { desk: Desk::open(&copy).unwrap(), ..shop };
    assert_eq!(restored.fresh(restored.ann), before);
}

#[test]
fn the_desk_in_a_file_keeps_what_a_store_promises() {
    suite(in_a_file);
}

#[test]
fn the_desk_in_memory_keeps_what_a_store_promises() {
    suite(in_memory);
}
