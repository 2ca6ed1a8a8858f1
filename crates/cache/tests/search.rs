//! What Ann finds on her computer, in three languages, with filters, and after an update of the app.
#![allow(clippy::unwrap_used, missing_docs)]

use deskbell_cache::{Cache, Found, KeepLimits, Key, SearchRecord};
use deskbell_engine::Batch;
use deskbell_protocol::*;
use proptest::prelude::*;
use tempfile::TempDir;

fn key() -> Key {
    Key::from_bytes(&[7; 32]).unwrap()
}

const ANN: AgentId = AgentId(1);
const BEN: AgentId = AgentId(2);
const VIC: i64 = 10;
const WEN: i64 = 11;
/// Ann's chat with Vic, and Ben's with Wen, which is over.
const CHAT: ConversationId = ConversationId(100);
const OVER: ConversationId = ConversationId(101);
const DAY: i64 = 24 * 60 * 60 * 1000;
/// Ten in the morning in UTC, which is the same day nearly everywhere, on the fourth of May 2026.
const MAY: i64 = 1_777_852_800_000 + 10 * 60 * 60 * 1000;

struct Desk {
    cache: Cache,
    seq: i64,
    directory: TempDir,
}

fn contact(id: i64, name: &str, email: &str) -> Entity {
    Entity::Contact(Contact {
        id: ContactId(id),
        name: name.into(),
        email: email.into(),
        phone: "+34 600 123".into(),
        notes: "Prefers the mornings".into(),
        created_at: 1,
        verified: None,
    })
}

fn browser(id: i64, contact: i64, pages: &[(&str, &str)]) -> Entity {
    let pages =
        pages.iter().map(|(url, title)| PageView { url: (*url).into(), title: (*title).into(), at: 1 }).collect();
    Entity::Visitor(Visitor {
        id: VisitorId(id),
        contact: ContactId(contact),
        site: SiteId(1),
        region: Region::default(),
        ip: String::new(),
        browser: "Firefox 146".into(),
        os: "Linux".into(),
        device: "desktop".into(),
        language: "es".into(),
        spoken: String::new(),
        screen: String::new(),
        referrer: String::new(),
        visits: 1,
        chats: 1,
        visit_started_at: 1,
        last_seen_at: 1,
        pages,
    })
}

fn agent(id: AgentId, name: &str) -> Entity {
    Entity::Agent(Agent::new(id, name, "team@example.com", Role::Agent))
}

fn chat(id: ConversationId, contact: i64, state: ConversationState, assignee: AgentId) -> Entity {
    Entity::Conversation(Conversation {
        id,
        kind: ConversationKind::Customer,
        contact: ContactId(contact),
        visitor: VisitorId(contact + 10),
        site: SiteId(1),
        state,
        assignee: Some(assignee),
        team: None,
        last_number: 50,
        waiting_since: None,
        created_at: 1,
        active_at: MAY,
        visitor_read: 0,
        snoozed_until: None,
        priority: Priority::None,
        title: String::new(),
        participants: Vec::new(),
        labels: vec![],
        followers: Vec::new(),
    })
}

fn said(conversation: ConversationId, number: i64, author: Author, text: &str) -> Message {
    Message {
        id: MessageId(1_000_000 + number * 10 + conversation.0 % 10),
        conversation,
        number,
        author,
        kind: MessageKind::Reply,
        text: text.into(),
        attachments: vec![],
        client_id: None,
        created_at: MAY + number * DAY,
        edited_at: None,
        deleted_at: None,
        mentions: Vec::new(),
        article: None,
        choices: Vec::new(),
    }
}

fn by(id: AgentId) -> Author {
    Author::Agent { id, name: "Team".into() }
}

fn file(name: &str, picture: bool) -> Attachment {
    Attachment {
        id: AttachmentId(name.len() as i64),
        name: name.into(),
        mime: "application/pdf".into(),
        size: 1,
        picture: picture.then_some(PictureSize { width: 1, height: 1 }),
    }
}

impl Desk {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path(), &key()).unwrap();
        Self { cache, seq: 0, directory }
    }

    /// Two chats about tea, one message a day.
    fn with_two_chats() -> Self {
        let mut desk = Self::new();
        desk.delta(vec![
            agent(ANN, "Ann Müller"),
            agent(BEN, "Ben"),
            contact(VIC, "Víctor", "vic@example.com"),
            contact(WEN, "Вэнь", "wen@example.com"),
            browser(20, VIC, &[("https://shop.example/checkout", "Pay here"), ("https://shop.example/", "Tea house")]),
            browser(21, WEN, &[("https://shop.example/green", "Зелёный чай")]),
            chat(CHAT, VIC, ConversationState::Open, ANN),
            chat(OVER, WEN, ConversationState::Closed, BEN),
            Entity::Message(said(CHAT, 1, Author::Visitor, "I want my tea, see https://example.com/tea")),
            Entity::Message(said(OVER, 2, Author::Visitor, "The tea is cold")),
            Entity::Message(said(CHAT, 3, by(ANN), "Your tea is on its way")),
            Entity::Message(said(OVER, 4, by(BEN), "Hot tea comes")),
            Entity::Message(Message { kind: MessageKind::Note, ..said(CHAT, 5, by(BEN), "No more tea for Vic") }),
            Entity::Message(Message {
                attachments: vec![file("tea-receipt.pdf", false)],
                ..said(CHAT, 6, Author::Visitor, "Here")
            }),
            Entity::Message(Message {
                attachments: vec![file("cup.png", true)],
                ..said(CHAT, 7, by(ANN), "Such a tea cup?")
            }),
            Entity::Message(Message { kind: MessageKind::System, ..said(CHAT, 8, Author::Desk, "closed") }),
        ]);
        desk
    }

    fn delta(&mut self, entities: Vec<Entity>) {
        let from = self.seq;
        let changes = entities
            .iter()
            .map(|entity| {
                self.seq += 1;
                Change::put(Seq(self.seq), entity, None).unwrap()
            })
            .collect();
        self.apply(from, changes);
    }

    fn apply(&mut self, from: i64, changes: Vec<Change>) {
        let delta = Delta { from: Seq(from), to: Seq(self.seq), changes, more: false };
        self.cache.apply(&Batch::Delta { epoch: "e".into(), delta, done: vec![] }).unwrap();
    }

    fn search(&self, typed: &str) -> Vec<SearchRecord> {
        self.cache.search(typed, ANN, 50).unwrap()
    }

    /// The numbers of the messages that are found, in their order.
    fn numbers(&self, typed: &str) -> Vec<i64> {
        self.search(typed).into_iter().filter_map(|hit| hit.number).collect()
    }

    fn kinds(&self, typed: &str) -> Vec<Found> {
        self.search(typed).into_iter().map(|hit| hit.found).collect()
    }
}

#[test]
fn od_16_every_filter_narrows_what_is_found_newest_first() {
    let desk = Desk::with_two_chats();
    assert_eq!(desk.numbers("tea"), [7, 6, 5, 4, 3, 2, 1]);
    for (typed, expected) in [
        ("tea from:visitor", vec![6, 2, 1]),
        ("tea from:me", vec![7, 3]),
        ("tea from:ben", vec![5, 4]),
        ("tea from:muller", vec![7, 3]),
        ("tea from:victor", vec![6, 1]),
        ("tea from:вэнь", vec![2]),
        ("tea from:nobody", vec![]),
        ("tea to:visitor", vec![7, 4, 3]),
        ("tea to:me", vec![6, 1]),
        ("tea to:ben", vec![2]),
        ("tea to:victor", vec![7, 3]),
        ("tea in:open", vec![7, 6, 5, 3, 1]),
        ("tea in:closed", vec![4, 2]),
        ("tea in:mine", vec![7, 6, 5, 3, 1]),
        ("tea in:notes", vec![5]),
        ("tea page:checkout", vec![7, 6, 5, 3, 1]),
        ("tea page:зеленый", vec![4, 2]),
        ("tea page:nowhere", vec![]),
        ("has:file", vec![7, 6]),
        ("has:picture", vec![7]),
        ("has:link", vec![1]),
        ("has:note", vec![5]),
        ("tea before:2026-05-08", vec![3, 2, 1]),
        ("tea after:2026-05-08", vec![7, 6, 5, 4]),
        ("tea after:2026-05-06 before:2026-05-08", vec![3, 2]),
        ("tea after:2026-05", vec![7, 6, 5, 4, 3, 2, 1]),
        ("tea before:2026-05", vec![]),
        ("tea after:2027", vec![]),
        ("after:2026-05-10", vec![7, 6]),
        ("in:closed", vec![4, 2]),
        ("from:me to:visitor has:picture in:open \"tea cup\"", vec![7]),
        ("\"tea cup\"", vec![7]),
        ("\"cup tea\"", vec![]),
        ("tag:tea", vec![]),
    ] {
        assert_eq!(desk.numbers(typed), expected, "{typed}");
    }
    // An edit on its way counts: Ann has closed her chat, and the desk does not know yet.
    let close = Command::SetState { conversation: CHAT, state: ConversationState::Closed };
    let frame = CommandFrame { client_id: ClientId::from_bits(1), command: close, if_rev: None, client_time: 5 };
    desk.cache.queue(&frame, &[], 1).unwrap();
    assert_eq!(desk.numbers("tea in:open"), [] as [i64; 0]);
}

#[test]
fn od_16_a_hit_says_what_it_is_and_shows_the_match_as_it_was_written() {
    let desk = Desk::with_two_chats();
    assert_eq!(desk.kinds("receipt"), [Found::File]);
    assert_eq!(desk.search("receipt")[0].snippet, ["Here tea-", "receipt", ".pdf"]);
    assert_eq!(desk.kinds("no more"), [Found::Note]);
    assert_eq!(desk.kinds("cold"), [Found::Message]);
    assert_eq!(desk.search("its wa")[0].snippet, ["Your tea is on ", "its", " ", "way"]);
    let hit = &desk.search("victor")[0];
    assert_eq!((hit.found, hit.number, &hit.snippet), (Found::Person, None, &vec![String::new(), "Víctor".into()]));
    assert_eq!(desk.search("vic@exam")[0].snippet, ["", "vic@example", ".com"]);
    assert_eq!(desk.search("600 123")[0].found, Found::Person);
    assert_eq!(desk.search("mornings").len(), 2);
    assert_eq!(desk.search("closed"), [], "what the desk itself says is not found");
    assert_eq!(desk.search("facets"), []);
    assert_eq!(desk.search("byvisitor"), [], "nor what the index calls it");
}

#[test]
fn dk_06_dk_09_a_person_is_found_by_the_pages_they_saw() {
    let mut desk = Desk::with_two_chats();
    let hits = desk.search("shop.example/checkout");
    assert_eq!(hits.len(), 1);
    assert_eq!((hits[0].found, hits[0].conversation), (Found::Page, CHAT));
    assert_eq!(hits[0].snippet, ["Pay here https://", "shop.example/checkout"], "the page that matched, of two");
    assert_eq!(desk.search("зелен")[0].snippet, ["", "Зелёный", " чай https://shop.example/green"]);
    // Without a word, the person comes and all their messages.
    assert_eq!(desk.kinds("page:checkout").iter().filter(|found| **found == Found::Page).count(), 1);
    // Words of messages come before pages: a shop of tea has tea in all its titles.
    assert_eq!(*desk.kinds("tea").last().unwrap(), Found::Page);
    // The next page takes the place of the oldest, and is found at once.
    desk.delta(vec![browser(20, VIC, &[("https://shop.example/returns", "Send it back")])]);
    assert_eq!(desk.search("page:checkout"), []);
    assert_eq!(desk.kinds("returns"), [Found::Page]);
    // With the browser its pages are forgotten, and with the person all of them.
    desk.seq += 1;
    let gone = |kind, id, seq| Change {
        seq: Seq(seq),
        kind: ChangeKind::Forget,
        entity: kind,
        id,
        data: None,
        client_id: None,
    };
    desk.apply(desk.seq - 1, vec![gone(EntityKind::Visitor, 20, desk.seq)]);
    assert_eq!(desk.search("returns"), []);
    assert_eq!(desk.kinds("victor"), [Found::Person]);
    desk.seq += 1;
    desk.apply(desk.seq - 1, vec![gone(EntityKind::Contact, VIC, desk.seq)]);
    assert_eq!(desk.search("victor"), []);
}

#[test]
fn dc_01_a_person_who_is_erased_leaves_neither_words_nor_pictures() {
    let mut desk = Desk::with_two_chats();
    let picture = file("cup.png", true);
    let sent = Message { attachments: vec![picture.clone()], ..said(CHAT, 30, Author::Visitor, "marmalade") };
    desk.delta(vec![Entity::Message(sent)]);
    let room = KeepLimits { bytes: 1_000, unused_ms: DAY };
    assert!(desk.cache.keep_file(picture.id, b"a cup", MAY, room).unwrap());
    assert_eq!(desk.search("marmalade").len(), 1);
    desk.seq += 1;
    let kind = ChangeKind::Erase;
    let erased =
        Change { seq: Seq(desk.seq), kind, entity: EntityKind::Conversation, id: CHAT.0, data: None, client_id: None };
    desk.apply(desk.seq - 1, vec![erased]);
    assert_eq!(desk.search("marmalade"), []);
    assert_eq!(desk.cache.use_file(picture.id, MAY).unwrap(), None);
}

#[test]
fn od_16_marks_of_letters_make_no_difference_in_three_languages() {
    let mut desk = Desk::with_two_chats();
    let texts = [
        "¿Dónde está mi camión? Mañana vuelvo",
        "The naïve café owner’s résumé",
        "Ещё одна ёлка и чёрный чай",
        "е\u{308}жик пьёт чаи\u{306}",
        "Їжак і ґава",
    ];
    desk.delta(texts.iter().zip(20..).map(|(text, n)| Entity::Message(said(CHAT, n, Author::Visitor, text))).collect());
    for (typed, expected) in [
        ("donde camion manana", vec![20]),
        ("DÓNDE", vec![20]),
        ("naive cafe resume", vec![21]),
        ("еще елка", vec![22]),
        ("ЁЛКА", vec![22]),
        ("чай", vec![23, 22]),
        ("чаи", vec![23, 22]),
        ("ежик", vec![23]),
        ("ёжик", vec![23]),
        ("іжак гава", vec![24]),
        ("\"чёрный чай\"", vec![22]),
        ("\"черныи чаи\"", vec![22]),
    ] {
        assert_eq!(desk.numbers(typed), expected, "{typed}");
    }
    assert_eq!(desk.search("елка")[0].snippet, ["Ещё одна ", "ёлка", " и чёрный чай"], "as it was written");
}

#[test]
fn od_16_the_limit_holds_and_the_order_is_the_same_every_time() {
    let mut desk = Desk::with_two_chats();
    desk.delta((20..40).map(|n| Entity::Message(said(CHAT, n, Author::Visitor, "more and more"))).collect());
    let all = desk.numbers("more");
    assert_eq!(all.first(), Some(&39));
    assert!(all.is_sorted_by(|a, b| a > b), "{all:?}");
    for limit in [1, 3, 7] {
        let some: Vec<i64> =
            desk.cache.search("more", ANN, limit).unwrap().into_iter().filter_map(|hit| hit.number).collect();
        assert_eq!(some, all[..limit as usize]);
    }
    assert_eq!(desk.cache.search("tea", ANN, 3).unwrap().len(), 3);
}

/// The tables as the first version of the app made them, with one chat in them.
fn an_old_cache(directory: &std::path::Path) {
    let old = rusqlite::Connection::open(directory.join("cache.db")).unwrap();
    old.execute_batch(include_str!("../src/schema_cache.sql")).unwrap();
    let put = |kind: &str, entity: &Entity| {
        let (_, id, data) = entity.encode().unwrap();
        old.execute(
            "INSERT INTO entity (kind, id, rev, data) VALUES (?1, ?2, 1, ?3)",
            rusqlite::params![kind, id, data.as_str()],
        )
        .unwrap();
    };
    put("agent", &agent(ANN, "Ann"));
    put("contact", &contact(VIC, "Víctor", "vic@example.com"));
    put("visitor", &browser(20, VIC, &[("https://shop.example/checkout", "Pay here")]));
    let (_, id, data) = chat(CHAT, VIC, ConversationState::Open, ANN).encode().unwrap();
    old.execute(
        "INSERT INTO conversation (id, rev, data, contact, visitor, created_at, active_at, state, assignee)
         VALUES (?1, 1, ?2, ?3, 20, 1, 1, 'open', 1)",
        rusqlite::params![id, data.as_str(), VIC],
    )
    .unwrap();
    for message in [said(CHAT, 1, Author::Visitor, "Ёлка, https://example.com"), said(CHAT, 2, by(ANN), "Чай")] {
        let data = serde_json::to_string(&message).unwrap();
        old.execute(
            "INSERT INTO message (id, conversation, number, rev, by_visitor, data, words) VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6)",
            rusqlite::params![
                message.id.0,
                message.conversation.0,
                message.number,
                message.author == Author::Visitor,
                data,
                message.text
            ],
        )
        .unwrap();
        old.execute(
            "INSERT INTO message_words (rowid, words) VALUES (?1, ?2)",
            rusqlite::params![message.id.0, message.text],
        )
        .unwrap();
    }
    old.execute(
        "INSERT INTO message (id, conversation, number, rev, by_visitor, data, words) VALUES (9, 1, 1, 1, 0, 'x', '')",
        [],
    )
    .unwrap();
    old.execute("INSERT INTO coverage (conversation, first, last) VALUES (?1, 1, 2)", [CHAT.0]).unwrap();
    old.execute("INSERT INTO meta (key, value) VALUES ('epoch', 'e'), ('seq', '4')", []).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
}

#[test]
fn dc_02_the_cache_of_an_older_app_is_carried_over_and_all_of_it_is_found() {
    let directory = tempfile::tempdir().unwrap();
    an_old_cache(directory.path());
    let cache = Cache::open(directory.path(), &key()).unwrap();
    let mut desk = Desk { cache, seq: 4, directory };
    assert_eq!(desk.cache.cursor().unwrap(), Some(Cursor { epoch: "e".into(), seq: Seq(4) }), "nothing comes again");
    assert_eq!(desk.cache.messages(CHAT, None, 9).unwrap().messages.len(), 2);
    for (typed, expected) in [
        ("елка", vec![1]),
        ("чай from:ann", vec![2]),
        ("has:link", vec![1]),
        ("to:me", vec![1]),
        ("after:2026-05-06", vec![2]),
        ("page:checkout", vec![2, 1]),
    ] {
        assert_eq!(desk.numbers(typed), expected, "{typed}");
    }
    assert_eq!(desk.kinds("checkout"), [Found::Page]);
    assert_eq!(desk.kinds("victor"), [Found::Person]);
    // What was carried over can be replaced and removed like everything else.
    desk.delta(vec![Entity::Message(said(CHAT, 1, Author::Visitor, "Something else"))]);
    assert_eq!(desk.search("елка"), []);
    desk.cache = Cache::open(desk.directory.path(), &key()).unwrap();
    assert_eq!(desk.numbers("something"), [1]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn od_16_whatever_is_typed_is_no_error_and_reaches_no_other_column(typed in prop::collection::vec(
        prop_oneof![
            prop::sample::select(vec![
                "from:", "to:", "in:", "page:", "has:", "before:", "\"", "«", "*", "(", ")", "{", "}", " ", "NEAR(", "AND",
                "OR", "NOT", "^", "-", "+", ":", "facets:", "words", "me", "tea", "2026", "\u{0}", "'", ";", "--", "a\u{301}",
            ]).prop_map(str::to_owned),
            ".{0,4}",
        ],
        0..10,
    )) {
        let typed = typed.concat();
        thread_local!(static DESK: Desk = Desk::with_two_chats());
        DESK.with(|desk| {
            prop_assert!(desk.cache.search(&typed, ANN, 5).is_ok(), "{}", typed);
            // A phrase is found in no message that does not hold its words.
            let phrase: String = typed.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == ' ').collect();
            for hit in desk.search(&format!("\"{phrase} byvisitor\"")) {
                prop_assert!(hit.snippet.concat().contains("byvisitor"), "{}", typed);
            }
            Ok(())
        })?;
    }
}

#[test]
fn od_16_tag_finds_what_is_said_in_labelled_chats_also_while_the_label_is_on_its_way() {
    let desk = Desk::with_two_chats();
    let label = |number: u128, conversation, label: &str| CommandFrame {
        client_id: ClientId::from_bits(number),
        command: Command::ChangeLabels { conversation, add: vec![label.into()], remove: vec![] },
        if_rev: None,
        client_time: 0,
    };
    desk.cache.queue(&label(1, CHAT, "Refund"), &[], 1).unwrap();
    desk.cache.queue(&label(2, CHAT, "Новая ёлка"), &[], 1).unwrap();
    desk.cache.queue(&label(3, OVER, "refused"), &[], 1).unwrap();
    let chats = |typed: &str| {
        let mut chats: Vec<ConversationId> =
            desk.cache.search(typed, ANN, 50).unwrap().into_iter().map(|hit| hit.conversation).collect();
        chats.sort();
        chats.dedup();
        chats
    };
    assert_eq!(chats("tag:REFUND tea"), [CHAT]);
    assert_eq!(chats("tag:ref"), [CHAT, OVER], "a label that is not typed to its end");
    assert_eq!(chats("tag:\"новая елка\""), [CHAT]);
    assert_eq!(chats("tag:refund tag:refused"), [], "both must be there");
    assert_eq!(chats("tag:nothing"), []);
    desk.cache.discard(&ClientId::from_bits(1)).unwrap();
    assert_eq!(chats("tag:refund"), []);
}

/// Letters as the index compares them.
fn plain(text: &str) -> String {
    deskbell_search::fold(text).to_lowercase().replace(|letter: char| !letter.is_alphanumeric(), " ")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn od_16_what_is_found_is_what_a_look_at_every_message_finds(
        // Pieces so short that words share their beginnings, in rising and falling order of the batches.
        said in prop::collection::vec(prop::collection::vec("[abж]{1,3}", 1..6), 1..80),
        asked in prop::collection::vec(prop::collection::vec("[abж]{1,3}", 1..3), 1..8),
        batch in 1_usize..40,
        newest_first in any::<bool>(),
    ) {
        let mut desk = Desk::new();
        desk.delta(vec![agent(ANN, "Ann"), contact(VIC, "Vic", ""), chat(CHAT, VIC, ConversationState::Open, ANN)]);
        let texts: Vec<String> = said.iter().map(|words| words.join(" ")).collect();
        let mut messages: Vec<Entity> = texts
            .iter()
            .zip(1..)
            .map(|(text, number)| Entity::Message(said_at(number, text)))
            .collect();
        if newest_first {
            messages.reverse();
        }
        for (part, turn) in messages.chunks(batch).zip(0..) {
            desk.delta(part.to_vec());
            if turn % 3 == 1 {
                while desk.cache.tend_words().unwrap() {}
            }
        }
        for words in &asked {
            let (last, whole) = words.split_last().unwrap();
            let expected: Vec<i64> = (1..)
                .zip(&texts)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .filter(|(_, text)| {
                    let text = format!(" {} ", plain(text));
                    // A lone letter is the beginning of no word.
                    let end = if last.chars().count() == 1 { " " } else { "" };
                    text.contains(&format!(" {}{end}", plain(last)))
                        && whole.iter().all(|word| text.contains(&format!(" {} ", plain(word))))
                })
                .map(|(number, _)| number)
                .take(50)
                .collect();
            prop_assert_eq!(desk.numbers(&words.join(" ")), expected, "{:?}", words);
        }
    }
}

fn said_at(number: i64, text: &str) -> Message {
    said(CHAT, number, Author::Visitor, text)
}
