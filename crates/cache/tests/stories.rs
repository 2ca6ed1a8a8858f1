//! Ann's cache: what it keeps, shows, finds and never loses. Real SQLite files.
#![allow(clippy::unwrap_used, missing_docs)]

use deskbell_cache::{Cache, CacheError, Changed, Contents, Folder, Guard, KeepLimits, Key, OpenError, OutboxState};
use deskbell_engine::Batch;
use deskbell_protocol::*;
use tempfile::TempDir;

const ANN: AgentId = AgentId(1);
const BEN: AgentId = AgentId(2);
const VIC: ContactId = ContactId(10);
const VICS_BROWSER: VisitorId = VisitorId(20);
const CHAT: ConversationId = ConversationId(100);

/// Ann's key.
fn key() -> Key {
    Key::from_bytes(&[7; 32]).unwrap()
}

/// One of the databases, as SQLite has it.
fn raw(path: &std::path::Path) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .execute_batch(&format!("PRAGMA key = \"x'{}'\"; PRAGMA cipher_hmac_algorithm = HMAC_SHA256", "07".repeat(32)))
        .unwrap();
    connection
}

struct Desk {
    cache: Cache,
    seq: i64,
    directory: TempDir,
}

fn change(seq: i64, entity: Entity) -> Change {
    Change::put(Seq(seq), &entity, None).unwrap()
}

fn vic(name: &str) -> Entity {
    Entity::Contact(Contact {
        id: VIC,
        name: name.into(),
        email: "vic@example.com".into(),
        phone: String::new(),
        notes: String::new(),
        created_at: 1,
        verified: None,
    })
}

fn browser() -> Entity {
    Entity::Visitor(Visitor {
        id: VICS_BROWSER,
        contact: VIC,
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
        pages: vec![PageView { url: "https://shop.example/checkout".into(), title: "Checkout".into(), at: 1 }],
    })
}

fn head(last_number: i64, waiting_since: Option<i64>) -> Conversation {
    Conversation {
        id: CHAT,
        kind: ConversationKind::Customer,
        contact: VIC,
        visitor: VICS_BROWSER,
        site: SiteId(1),
        state: ConversationState::Open,
        assignee: None,
        team: None,
        last_number,
        waiting_since,
        created_at: 1,
        active_at: last_number,
        visitor_read: 0,
        snoozed_until: None,
        priority: Priority::None,
        title: String::new(),
        participants: Vec::new(),
        labels: vec![],
        followers: Vec::new(),
    }
}

fn message(conversation: ConversationId, number: i64, author: Author, text: &str) -> Message {
    Message {
        id: MessageId(conversation.0 * 100_000 + number),
        conversation,
        number,
        author,
        kind: MessageKind::Reply,
        text: text.into(),
        attachments: vec![],
        client_id: None,
        created_at: number,
        edited_at: None,
        deleted_at: None,
        mentions: Vec::new(),
        article: None,
        choices: Vec::new(),
    }
}

fn from_vic(number: i64, text: &str) -> Entity {
    Entity::Message(message(CHAT, number, Author::Visitor, text))
}

impl Desk {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path(), &key()).unwrap();
        let mut desk = Self { cache, seq: 0, directory };
        // An empty snapshot gives the cache its cursor.
        desk.cache
            .apply(&Batch::SnapshotEnd {
                epoch: "e".into(),
                end: SnapshotEnd { generation: "g".into(), base: Seq(0) },
                done: vec![],
            })
            .unwrap();
        desk.delta(vec![vic("Vic"), browser()]);
        desk
    }

    fn delta(&mut self, entities: Vec<Entity>) -> Changed {
        let from = self.seq;
        let changes: Vec<Change> = entities
            .into_iter()
            .map(|entity| {
                self.seq += 1;
                change(self.seq, entity)
            })
            .collect();
        self.apply(from, changes, vec![])
    }

    fn apply(&mut self, from: i64, changes: Vec<Change>, done: Vec<ClientId>) -> Changed {
        let to = changes.iter().map(|change| change.seq.0).max().unwrap_or(from);
        let delta = Delta { from: Seq(from), to: Seq(to), changes, more: false };
        self.cache.apply(&Batch::Delta { epoch: "e".into(), delta, done }).unwrap()
    }

    fn reopen(&mut self) {
        self.cache = Cache::open(self.directory.path(), &key()).unwrap();
    }

    fn row(&self) -> deskbell_cache::ConversationRecord {
        self.cache.conversation(CHAT).unwrap().unwrap()
    }
}

fn command(bits: u128, command: Command) -> CommandFrame {
    CommandFrame { client_id: ClientId::from_bits(bits), command, if_rev: None, client_time: 5 }
}

#[test]
fn dc_02_od_15_a_chat_is_listed_read_and_still_there_after_a_restart() {
    let mut desk = Desk::new();
    let changed =
        desk.delta(vec![Entity::Conversation(head(2, Some(1))), from_vic(1, "Hola"), from_vic(2, "¿Hay alguien?")]);
    assert_eq!(changed.arrived.len(), 2, "both messages are news");
    desk.reopen();
    let rows = desk.cache.conversations(Folder::Waiting, ANN, 50).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].unread, rows[0].contact_name.as_str()), (2, "Vic"));
    assert_eq!(rows[0].preview.as_ref().unwrap().text, "¿Hay alguien?");
    let page = desk.cache.messages(CHAT, None, 50).unwrap();
    assert_eq!(page.messages.iter().map(|message| message.number).collect::<Vec<_>>(), [1, 2]);
    assert!(!page.more_here && !page.more_there, "the chat is here from its beginning");
    desk.delta(vec![Entity::ReadMark(ReadMark { conversation: CHAT, number: 2 })]);
    assert_eq!(desk.row().unread, 0, "a read mark clears the unread mark");
}

#[test]
fn the_same_delta_twice_changes_nothing_and_an_older_row_never_wins() {
    let mut desk = Desk::new();
    desk.delta(vec![Entity::Conversation(head(1, Some(1))), from_vic(1, "first")]);
    let before = desk.row();
    let again = vec![change(3, Entity::Conversation(head(1, Some(1)))), change(4, from_vic(1, "first"))];
    let changed = desk.apply(2, again, vec![]);
    assert!(changed.arrived.is_empty(), "an old message is no news");
    assert_eq!(desk.row(), before);
    desk.apply(4, vec![change(1, vic("An older name")), change(2, from_vic(1, "an older text"))], vec![]);
    assert_eq!(desk.row().contact_name, "Vic");
    assert_eq!(desk.cache.message(CHAT, 1).unwrap().unwrap().text, "first");
}

#[test]
fn dc_02_a_chat_put_off_without_a_connection_leaves_the_open_ones_at_once() {
    let mut desk = Desk::new();
    desk.delta(vec![Entity::Conversation(head(1, Some(1))), from_vic(1, "Hola")]);
    let snooze = command(1, Command::Snooze { conversation: CHAT, until: Some(900) });
    desk.cache.queue(&snooze, &[], 7).unwrap();
    desk.reopen();
    let folder = |desk: &Desk, folder| desk.cache.conversations(folder, ANN, 9).unwrap().len();
    assert_eq!(
        (folder(&desk, Folder::Open), folder(&desk, Folder::Waiting), folder(&desk, Folder::Snoozed)),
        (0, 0, 1)
    );
    assert_eq!(desk.row().conversation.snoozed_until, Some(900));
    let counts = desk.cache.counts(ANN).unwrap();
    assert_eq!((counts.open, counts.waiting, counts.snoozed), (0, 0, 1));
    // Waking it, still without a connection, brings it back with its wait.
    let wake = command(2, Command::SetState { conversation: CHAT, state: ConversationState::Open });
    desk.cache.queue(&wake, &[], 8).unwrap();
    assert_eq!((folder(&desk, Folder::Waiting), folder(&desk, Folder::Snoozed)), (1, 0));
    assert_eq!(desk.row().conversation.snoozed_until, None);
    // The desk refuses what came too late: its own state shows.
    desk.cache.discard(&wake.client_id).unwrap();
    desk.cache.refuse(&snooze.client_id, ErrorCode::Invalid).unwrap();
    assert_eq!((folder(&desk, Folder::Waiting), folder(&desk, Folder::Snoozed)), (1, 0));
}

#[test]
fn dc_02_labels_changed_without_a_connection_show_at_once_and_come_back_as_the_desk_has_them() {
    let mut desk = Desk::new();
    let labelled =
        |labels: &[&str]| Conversation { labels: labels.iter().map(|&label| label.into()).collect(), ..head(1, None) };
    desk.delta(vec![Entity::Conversation(labelled(&["Refund", "VIP"])), from_vic(1, "Hola")]);
    let change =
        command(1, Command::ChangeLabels { conversation: CHAT, add: vec!["tea".into()], remove: vec!["vip".into()] });
    desk.cache.queue(&change, &[], 7).unwrap();
    desk.reopen();
    assert_eq!(desk.row().conversation.labels, ["Refund", "tea"]);
    assert_eq!(desk.cache.labels("", 9).unwrap(), ["Refund", "tea"]);
    assert_eq!(desk.cache.labels("RE", 9).unwrap(), ["Refund"]);
    // Ben's label comes meanwhile, and Ann's change shows on top.
    desk.delta(vec![Entity::Conversation(labelled(&["new", "Refund", "VIP"]))]);
    assert_eq!(desk.row().conversation.labels, ["new", "Refund", "tea"]);
    desk.cache.refuse(&change.client_id, ErrorCode::NotFound).unwrap();
    assert_eq!(desk.row().conversation.labels, ["new", "Refund", "VIP"]);
}

#[test]
fn dc_02_a_transfer_and_a_priority_without_a_connection_show_at_once_and_come_back_as_the_desk_has_them() {
    let mut desk = Desk::new();
    let tea =
        Team { id: TeamId(7), name: "Tea".into(), members: vec![BEN], active: true, assignment: Assignment::default() };
    let urgent = Conversation { priority: Priority::Urgent, ..head(1, None) };
    desk.delta(vec![Entity::Team(tea), Entity::Conversation(urgent), from_vic(1, "Hola")]);
    assert_eq!((desk.row().conversation.priority, desk.row().team_name), (Priority::Urgent, None));
    let assign = Command::Assign { conversation: CHAT, agent: None, team: Some(TeamId(7)), from: None };
    let calm = Command::SetPriority { conversation: CHAT, priority: Priority::None };
    let (assign, calm) = (command(1, assign), command(2, calm));
    desk.cache.queue(&assign, &[], 7).unwrap();
    desk.cache.queue(&calm, &[], 8).unwrap();
    desk.reopen();
    assert_eq!((desk.row().conversation.priority, desk.row().team_name.as_deref()), (Priority::None, Some("Tea")));
    desk.cache.refuse(&assign.client_id, ErrorCode::Conflict).unwrap();
    desk.cache.refuse(&calm.client_id, ErrorCode::Conflict).unwrap();
    assert_eq!((desk.row().conversation.priority, desk.row().conversation.team), (Priority::Urgent, None));
}

#[test]
fn tv_04_a_conversation_is_offered_to_those_who_see_its_site_and_answer() {
    let mut desk = Desk::new();
    let agent = |id: i64, role: Role| Agent::new(AgentId(id), &format!("Agent {id}"), "", role);
    let team = |id: i64, members: &[i64]| {
        Entity::Team(Team {
            id: TeamId(id),
            name: format!("Team {id}"),
            members: members.iter().copied().map(AgentId).collect(),
            active: id != 22,
            assignment: Assignment::default(),
        })
    };
    let closed = Site {
        members_only: true,
        agents: vec![AgentId(4)],
        teams: vec![TeamId(20)],
        ..Site::new(SiteId(2), "Closed", "k")
    };
    desk.delta(vec![
        Entity::Site(Site::new(SiteId(1), "Open", "o")),
        Entity::Site(closed),
        Entity::Agent(agent(1, Role::Owner)),
        Entity::Agent(agent(2, Role::Agent)),
        Entity::Agent(agent(3, Role::Agent)),
        Entity::Agent(agent(4, Role::Agent)),
        Entity::Agent(agent(5, Role::Light)),
        Entity::Agent(Agent { active: false, ..agent(6, Role::Admin) }),
        Entity::Agent(Agent { customer_facing: false, ..agent(7, Role::Owner) }),
        Entity::Agent(Agent { across_sites: true, ..agent(8, Role::Agent) }),
        team(20, &[2]),
        team(21, &[3]),
        team(22, &[1]),
    ]);
    let offered = |site: i64| {
        let found = desk.cache.answering(SiteId(site)).unwrap();
        let agents: Vec<i64> = found.agents.iter().map(|agent| agent.id.0).collect();
        (agents, found.teams.iter().map(|team| team.id.0).collect::<Vec<i64>>())
    };
    assert_eq!(offered(1), (vec![1, 2, 3, 4, 8], vec![20, 21]));
    assert_eq!(offered(2), (vec![1, 2, 4, 8], vec![20]), "its members, and those who see everything");
    assert_eq!(offered(9), (vec![], vec![]), "a site that is not there");
}

#[test]
fn dc_02_a_command_that_the_desk_had_long_done_leaves_no_trace_on_the_row() {
    let mut desk = Desk::new();
    desk.delta(vec![Entity::Conversation(head(1, Some(1))), from_vic(1, "Hola")]);
    // Offered again after a reset; the desk answers that it has it, and Vic has written since.
    let close = command(1, Command::SetState { conversation: CHAT, state: ConversationState::Closed });
    desk.cache.queue(&close, &[], 7).unwrap();
    assert_eq!(desk.row().conversation.state, ConversationState::Closed);
    desk.cache.acknowledge(&close.client_id, Seq(1)).unwrap();
    assert!(desk.cache.outbox().unwrap().is_empty());
    assert_eq!(desk.row().conversation.state, ConversationState::Open);
    assert_eq!(desk.row().conversation.waiting_since, Some(1));
}

#[test]
fn od_24_an_edited_message_is_found_by_its_new_words_and_a_deleted_one_by_none() {
    let mut desk = Desk::new();
    let mine = |text: &str| message(CHAT, 2, Author::Agent { id: ANN, name: "Ann".into() }, text);
    let file = Attachment {
        id: AttachmentId(5),
        name: "price.png".into(),
        mime: "image/png".into(),
        size: 1,
        picture: Some(PictureSize { width: 1, height: 1 }),
    };
    let with_file = Message { attachments: vec![file], ..mine("Three pots") };
    desk.delta(vec![Entity::Conversation(head(2, None)), from_vic(1, "Hola"), Entity::Message(with_file.clone())]);
    let room = KeepLimits { bytes: 1_000, unused_ms: 1 };
    assert!(desk.cache.keep_file(AttachmentId(5), b"picture", 1, room).unwrap());
    let edited = Message { text: "Four cups".into(), edited_at: Some(9), ..with_file };
    desk.delta(vec![Entity::Message(edited.clone())]);
    let hits = |desk: &Desk, text: &str| desk.cache.search(text, ANN, 9).unwrap().len();
    assert_eq!((hits(&desk, "pots"), hits(&desk, "cups"), hits(&desk, "from:me has:file")), (0, 1, 1));
    assert_eq!(desk.row().preview.unwrap().text, "Four cups");

    let deleted = Message { text: String::new(), attachments: vec![], deleted_at: Some(10), ..edited };
    desk.delta(vec![Entity::Message(deleted)]);
    assert_eq!((hits(&desk, "cups"), hits(&desk, "price"), hits(&desk, "from:me")), (0, 0, 0));
    assert_eq!(desk.row().preview.unwrap().text, "Hola", "a list shows what is still there");
    assert_eq!(desk.cache.messages(CHAT, None, 9).unwrap().messages.len(), 2, "its place stays");
    assert!(desk.cache.attachment(AttachmentId(5)).unwrap().is_none());
    assert!(!desk.cache.has_file(AttachmentId(5)).unwrap());
    // What Vic deleted nobody has to read.
    desk.delta(vec![Entity::Message(Message {
        text: String::new(),
        deleted_at: Some(11),
        ..message(CHAT, 1, Author::Visitor, "")
    })]);
    assert_eq!((desk.row().unread, desk.row().preview), (0, None));
}

#[test]
fn od_24_an_edit_without_a_connection_shows_at_once_and_goes_when_it_is_refused() {
    let mut desk = Desk::new();
    let mine = message(CHAT, 2, Author::Agent { id: ANN, name: "Ann".into() }, "Three pots");
    desk.delta(vec![Entity::Conversation(head(2, None)), from_vic(1, "Hola"), Entity::Message(mine.clone())]);
    let edit = command(1, Command::EditMessage { conversation: CHAT, message: mine.id, text: "Four cups".into() });
    let delete = command(2, Command::DeleteMessage { conversation: CHAT, message: mine.id });
    desk.cache.queue(&edit, &[], 7).unwrap();
    desk.reopen();
    let shown = |desk: &Desk| desk.cache.message(CHAT, 2).unwrap().unwrap();
    assert_eq!((shown(&desk).text.as_str(), shown(&desk).edited_at), ("Four cups", Some(7)));
    assert_eq!(desk.row().preview.unwrap().text, "Four cups");
    desk.cache.queue(&delete, &[], 8).unwrap();
    assert_eq!((shown(&desk).text.as_str(), shown(&desk).deleted_at), ("", Some(8)));
    assert_eq!(desk.row().preview.unwrap().text, "Hola");
    desk.cache.refuse(&delete.client_id, ErrorCode::Conflict).unwrap();
    desk.cache.refuse(&edit.client_id, ErrorCode::Conflict).unwrap();
    assert_eq!(shown(&desk), mine);
    assert_eq!(desk.row().preview.unwrap().text, "Three pots");
}

#[test]
fn od_24_an_edit_far_above_what_is_here_leaves_no_hole() {
    let mut desk = Desk::new();
    let mut changes = vec![Entity::Conversation(head(90, None))];
    changes.extend((60..=90).map(|number| from_vic(number, "Hola")));
    desk.delta(changes);
    assert_eq!(desk.cache.holes(&[CHAT]).unwrap(), 0);
    let edited = Message { edited_at: Some(9), ..message(CHAT, 4, Author::Visitor, "edited") };
    desk.delta(vec![Entity::Message(edited)]);
    assert_eq!(desk.cache.holes(&[CHAT]).unwrap(), 0);
    assert_eq!(desk.cache.oldest_known(CHAT).unwrap(), Some(60));
    let shown = |desk: &Desk| desk.cache.messages(CHAT, None, 200).unwrap().messages;
    assert_eq!(shown(&desk)[0].number, 60, "it is fetched with its neighbours when somebody wants to see it");
    // A page that was read on the desk before the edit and comes after it.
    let messages = (1..60).map(|number| change(number, from_vic(number, "Hola"))).collect();
    let page = HistoryPage { request: 1, conversation: CHAT, from: 1, to: 59, messages };
    desk.cache.apply(&Batch::History(page)).unwrap();
    assert_eq!((shown(&desk).len(), shown(&desk)[3].text.as_str()), (90, "edited"));
}

#[test]
fn dc_02_a_command_survives_a_restart_and_shows_at_once() {
    let mut desk = Desk::new();
    desk.delta(vec![Entity::Conversation(head(1, Some(1))), from_vic(1, "Hola")]);
    let close = command(1, Command::SetState { conversation: CHAT, state: ConversationState::Closed });
    let assign = command(2, Command::Assign { conversation: CHAT, agent: Some(ANN), team: None, from: None });
    desk.cache.queue(&close, &[], 7).unwrap();
    desk.cache.queue(&assign, &[], 8).unwrap();
    desk.cache.queue(&assign, &[], 9).unwrap();
    desk.reopen();
    assert_eq!(desk.row().conversation.state, ConversationState::Closed);
    assert_eq!(desk.row().conversation.assignee, Some(ANN));
    assert_eq!(desk.cache.conversations(Folder::Closed, ANN, 9).unwrap().len(), 1);
    assert_eq!(desk.cache.counts(ANN).unwrap().open, 0);
    let names: Vec<ClientId> = desk.cache.outbox().unwrap().into_iter().map(|item| item.frame.client_id).collect();
    assert_eq!(names, [close.client_id.clone(), assign.client_id.clone()], "in order, each once");
    // News of the server's own does not undo what is still on its way.
    desk.delta(vec![Entity::Conversation(Conversation { assignee: Some(BEN), ..head(1, Some(1)) })]);
    assert_eq!(desk.row().conversation.assignee, Some(ANN));
    // The server has done the first one: it leaves, and the second one still shows.
    let seq = desk.seq + 1;
    let closed =
        Conversation { state: ConversationState::Closed, assignee: Some(BEN), waiting_since: None, ..head(1, None) };
    desk.apply(desk.seq, vec![change(seq, Entity::Conversation(closed))], vec![close.client_id]);
    assert_eq!(desk.cache.outbox_counts().unwrap().unsent, 1);
    assert_eq!(desk.row().conversation.assignee, Some(ANN));
    // The server refuses the second one: its own state shows again, and the refusal waits for Ann.
    desk.cache.refuse(&assign.client_id, ErrorCode::Conflict).unwrap();
    assert_eq!(desk.row().conversation.assignee, Some(BEN));
    assert!(desk.row().refused);
    assert!(matches!(desk.cache.outbox().unwrap()[0].state, OutboxState::Refused(ErrorCode::Conflict)));
    desk.cache.discard(&assign.client_id).unwrap();
    assert!(!desk.row().refused);
}

#[test]
fn od_24_the_list_shows_what_ann_wrote_before_the_desk_has_it_and_not_what_it_refused_or_she_has_to_decide() {
    let mut desk = Desk::new();
    desk.cache.belongs_to(ANN).unwrap();
    desk.delta(vec![Entity::Conversation(head(1, None)), from_vic(1, "Hola")]);
    let shown = |desk: &Desk| desk.row().preview.unwrap();
    let (first, second) = (command(1, reply("Good  morning,\nVic")), command(2, reply("What can I do for you?")));
    desk.cache.queue(&first, &[], 5).unwrap();
    desk.reopen();
    assert_eq!(shown(&desk).text, "Good morning, Vic");
    assert!(matches!(shown(&desk).author, Author::Agent { id: ANN, .. }), "{:?}", shown(&desk));
    desk.cache.queue(&second, &[], 6).unwrap();
    assert_eq!(shown(&desk).text, "What can I do for you?");
    desk.cache.hold(&second.client_id).unwrap();
    assert_eq!(shown(&desk).text, "Good morning, Vic", "what is held is not on its way");
    desk.cache.refuse(&first.client_id, ErrorCode::TooLarge).unwrap();
    assert_eq!(shown(&desk).text, "Hola");
    desk.cache.retry(&first.client_id).unwrap();
    assert_eq!(shown(&desk).text, "Good morning, Vic");
    let said = message(CHAT, 2, Author::Agent { id: ANN, name: "Ann".into() }, "Good morning, Vic");
    desk.seq += 1;
    desk.apply(desk.seq - 1, vec![change(desk.seq, Entity::Message(said))], vec![first.client_id]);
    desk.delta(vec![Entity::Conversation(head(3, None)), from_vic(3, "Teapots")]);
    assert_eq!(shown(&desk).text, "Teapots", "the desk has hers, and Vic wrote after it");
}

#[test]
fn an_acknowledged_command_leaves_once_the_cursor_has_passed_it() {
    let mut desk = Desk::new();
    desk.delta(vec![Entity::Conversation(head(0, None))]);
    let note = |bits| {
        command(
            bits,
            Command::Send {
                conversation: Some(CHAT),
                kind: MessageKind::Note,
                text: "x".into(),
                attachments: vec![],
                mentions: Vec::new(),
                article: None,
                choice: None,
            },
        )
    };
    desk.cache.queue(&note(1), &[], 1).unwrap();
    desk.cache.queue(&note(2), &[], 1).unwrap();
    desk.cache.acknowledge(&note(1).client_id, Seq(desk.seq)).unwrap();
    desk.cache.acknowledge(&note(2).client_id, Seq(desk.seq + 1)).unwrap();
    let left = desk.cache.outbox().unwrap();
    assert_eq!(left.len(), 1, "the first is over, the second waits for its change");
    assert_eq!(left[0].state, OutboxState::Acked { seq: Seq(desk.seq + 1) });
    assert_eq!(desk.cache.outbox_counts().unwrap().unsent, 0, "it is at the desk");
}

#[test]
fn dc_02_a_hole_in_the_history_is_seen_and_filled() {
    let mut desk = Desk::new();
    desk.delta(vec![Entity::Conversation(head(10, None)), from_vic(9, "nine"), from_vic(10, "ten")]);
    let page = desk.cache.messages(CHAT, None, 50).unwrap();
    assert_eq!(page.messages.len(), 2);
    assert!(page.more_there && !page.more_here, "one to eight are at the desk only");
    assert_eq!(desk.cache.oldest_known(CHAT).unwrap(), Some(9));
    let messages = (1..=8).map(|number| change(1, from_vic(number, "older"))).collect();
    let history = HistoryPage { request: 1, conversation: CHAT, from: 1, to: 8, messages };
    let changed = desk.cache.apply(&Batch::History(history)).unwrap();
    assert!(changed.arrived.is_empty(), "history is no news");
    let page = desk.cache.messages(CHAT, None, 4).unwrap();
    assert_eq!(page.messages.first().unwrap().number, 7);
    assert!(page.more_here && !page.more_there);
    let older = desk.cache.messages(CHAT, Some(7), 50).unwrap();
    assert_eq!(older.messages.len(), 6);
    assert!(!older.more_here && !older.more_there);
}

#[test]
fn a_snapshot_replaces_what_is_gone_and_keeps_outbox_and_drafts() {
    let mut desk = Desk::new();
    desk.delta(vec![Entity::Conversation(head(1, None)), from_vic(1, "Hola")]);
    desk.cache.save_draft(CHAT, "half a sent", "", &[]).unwrap();
    desk.cache.queue(&command(1, Command::MarkRead { conversation: CHAT, number: 1 }), &[], 1).unwrap();
    desk.cache.apply(&Batch::Reset(ResetReason::Epoch)).unwrap();
    assert_eq!(desk.cache.cursor().unwrap(), None);
    assert!(desk.cache.conversation(CHAT).unwrap().is_some(), "the old screen stays until the new one is whole");
    let other = Conversation { id: ConversationId(200), ..head(0, None) };
    let rows = vec![change(1, vic("Vic")), change(2, browser()), change(3, Entity::Conversation(other))];
    desk.cache
        .apply(&Batch::Snapshot(SnapshotPage { generation: "new".into(), base: Seq(3), rows, next: None }))
        .unwrap();
    let end = SnapshotEnd { generation: "new".into(), base: Seq(3) };
    desk.cache.apply(&Batch::SnapshotEnd { epoch: "f".into(), end, done: vec![] }).unwrap();
    assert_eq!(desk.cache.cursor().unwrap(), Some(Cursor { epoch: "f".into(), seq: Seq(3) }));
    assert!(desk.cache.conversation(CHAT).unwrap().is_none(), "what the desk no longer has is gone");
    assert!(desk.cache.conversation(ConversationId(200)).unwrap().is_some());
    assert_eq!(desk.cache.draft(CHAT).unwrap().reply, "half a sent");
    assert_eq!(desk.cache.outbox().unwrap().len(), 1);
}

#[test]
fn a_row_of_a_newer_desk_is_skipped_and_the_cursor_moves_on() {
    let mut desk = Desk::new();
    let strange = Change {
        seq: Seq(3),
        kind: ChangeKind::Put,
        entity: EntityKind::Unknown,
        id: 1,
        data: EntityData::of(&serde_json::json!({ "new": true })).ok(),
        client_id: None,
    };
    let broken = Change {
        entity: EntityKind::Contact,
        data: EntityData::of(&serde_json::json!({ "id": "x" })).ok(),
        ..strange.clone()
    };
    desk.apply(2, vec![strange, broken], vec![]);
    assert_eq!(desk.cache.cursor().unwrap().unwrap().seq, Seq(3));
}

#[test]
fn od_16_search_finds_every_word_in_three_languages_and_nothing_breaks_it() {
    let mut desk = Desk::new();
    let words = ["pago", "Café", "canción", "заказ", "Ёлка", "доставка", "refund", "order", "naïve", "señor"];
    let texts: Vec<String> =
        (1..=2000).map(|n| format!("{} {} {}", words[n % 10], words[(n / 10) % 10], words[(n / 100) % 10])).collect();
    desk.delta(vec![Entity::Conversation(head(2000, None))]);
    for (at, chunk) in texts.chunks(250).enumerate() {
        desk.delta(chunk.iter().enumerate().map(|(n, text)| from_vic((at * 250 + n + 1) as i64, text)).collect());
    }
    // Every hit of a table scan is found, newest first.
    for (typed, plain) in [
        ("cafe", "Café"),
        ("cancion", "canción"),
        ("SENOR", "señor"),
        ("зак", "заказ"),
        ("refund", "refund"),
        ("дост", "доставка"),
    ] {
        let expected: Vec<i64> = texts
            .iter()
            .enumerate()
            .filter(|(_, text)| text.contains(plain))
            .map(|(n, _)| n as i64 + 1)
            .rev()
            .take(50)
            .collect();
        let found: Vec<i64> =
            desk.cache.search(typed, ANN, 50).unwrap().into_iter().filter_map(|hit| hit.number).collect();
        assert_eq!(found, expected, "{typed}");
    }
    let hit = &desk.cache.search("refund", ANN, 1).unwrap()[0];
    assert!(hit.snippet.iter().skip(1).step_by(2).all(|piece| piece == "refund"), "{:?}", hit.snippet);
    // People are found by name and address.
    assert_eq!(desk.cache.search("vic@exam", ANN, 5).unwrap()[0].number, None);
    for hostile in [
        "\"",
        "*",
        "a OR b",
        "NEAR(",
        "-x",
        "^",
        "words:",
        "(((",
        "'; DROP TABLE message; --",
        "\u{0}",
        "   ",
        "{}[]",
        "%_",
    ] {
        desk.cache.search(hostile, ANN, 5).unwrap();
    }
}

#[test]
fn dk_06_dk_07_what_is_known_of_a_person_shows_the_edit_that_is_on_its_way() {
    let mut desk = Desk::new();
    let edit = Command::EditContact {
        contact: VIC,
        name: "Victoria".into(),
        email: "v@example.com".into(),
        phone: "1".into(),
        notes: "Prefers Spanish".into(),
    };
    desk.cache.queue(&command(1, edit), &[], 1).unwrap();
    desk.reopen();
    let contact = desk.cache.contact(VIC).unwrap().unwrap();
    assert_eq!((contact.name.as_str(), contact.notes.as_str()), ("Victoria", "Prefers Spanish"));
}

fn canned(id: i64, owner: TextOwner, (shortcut, title, text): (&str, &str, &str), uses: i64) -> Entity {
    let (shortcut, title, text) = (shortcut.to_owned(), title.to_owned(), text.to_owned());
    Entity::CannedText(CannedText { id: CannedTextId(id), owner, shortcut, title, text, uses, attachments: Vec::new() })
}

#[test]
fn tv_05_canned_texts_are_found_by_the_beginnings_of_words_and_the_most_used_come_first() {
    let mut desk = Desk::new();
    let mine = TextOwner::Agent { agent: AgentId(1) };
    desk.delta(vec![
        canned(1, TextOwner::Desk, ("adiós", "Goodbye", "We hope it helped"), 0),
        canned(2, TextOwner::Desk, ("help", "Question", "How can I help?"), 2),
        canned(3, mine, ("x", "Ёлка", "Nada para el niño"), 7),
        canned(4, mine, ("helper", "Question", "A colleague will help"), 3),
    ]);
    let found = |typed: &str| -> Vec<i64> {
        desk.cache.canned_texts(typed, 9).unwrap().into_iter().map(|text| text.id.0).collect()
    };
    assert_eq!(found("HELP"), [4, 2, 1], "a shortcut comes before a text, however often it is used");
    assert_eq!(found("adio"), [1]);
    assert_eq!(found("NINO"), [3]);
    assert_eq!(found("елк"), [3]);
    assert_eq!(found("will coll"), [4], "each word begins one, in any order");
    assert_eq!(found("elp"), Vec::<i64>::new(), "no word begins so");
    assert_eq!(found("?"), Vec::<i64>::new());
    assert_eq!(found(""), [3, 4, 2, 1]);
}

#[test]
fn tv_05_a_text_that_one_may_see_no_more_is_forgotten() {
    let mut desk = Desk::new();
    let team = TextOwner::Team { team: TeamId(5) };
    desk.delta(vec![
        canned(1, team, ("refund", "Refund", "The secret rules"), 0),
        canned(2, TextOwner::Desk, ("hello", "Hello", "Hello"), 0),
    ]);
    let ends = [(1, ChangeKind::Forget), (2, ChangeKind::Delete)].map(|(id, kind)| Change {
        seq: Seq(desk.seq + id),
        kind,
        entity: EntityKind::CannedText,
        id,
        data: None,
        client_id: None,
    });
    let changed = desk.apply(desk.seq, ends.to_vec(), vec![]);
    assert!(changed.canned_texts, "the picker is told");
    assert!(desk.cache.canned_texts("", 9).unwrap().is_empty());
}

/// A ticket about Vic, or a task that is only about some of her conversations.
fn item(number: i64, kind: ItemKind, state: ItemState, conversations: &[ConversationId]) -> Item {
    Item {
        id: ItemId(500 + number),
        number,
        kind,
        state,
        title: format!("item {number}"),
        description: String::new(),
        assignee: Some(BEN),
        project: None,
        site: Some(SiteId(1)),
        contact: (kind == ItemKind::Ticket).then_some(VIC),
        followers: Vec::new(),
        conversations: conversations.to_vec(),
        created_by: Some(ANN),
        created_at: 1,
        changed_at: 1,
        rev: 1,
    }
}

#[test]
fn od_18_the_tickets_and_tasks_of_a_person_are_read_offline_those_to_be_done_first() {
    let mut desk = Desk::new();
    desk.delta(vec![Entity::Conversation(head(1, None)), from_vic(1, "The lid is broken")]);
    let done = item(1, ItemKind::Ticket, ItemState::Closed, &[]);
    let task = item(2, ItemKind::Task, ItemState::InProgress, &[CHAT]);
    let ticket = item(3, ItemKind::Ticket, ItemState::Open, &[]);
    let other =
        Item { contact: Some(ContactId(77)), ..item(4, ItemKind::Ticket, ItemState::Open, &[ConversationId(7)]) };
    let changed = desk.delta([&done, &task, &ticket, &other].map(|item| Entity::Item(item.clone())).to_vec());
    assert!(changed.visitors && changed.conversations.contains(&CHAT), "the panel is told");
    let numbers = |desk: &Desk| -> Vec<i64> {
        desk.cache.items_of(VIC, 9).unwrap().into_iter().map(|item| item.number).collect()
    };
    assert_eq!(numbers(&desk), [3, 2, 1]);
    assert_eq!(desk.cache.items_of(VIC, 1).unwrap(), std::slice::from_ref(&ticket));

    // The chat is now about a ticket of hers, which still stands there once.
    desk.delta(vec![
        Entity::Item(Item { conversations: vec![], ..task.clone() }),
        Entity::Item(Item { conversations: vec![CHAT], ..ticket.clone() }),
    ]);
    assert_eq!(numbers(&desk), [3, 1]);
    // Told in the other order, it comes to the same.
    desk.delta(vec![
        Entity::Item(Item { conversations: vec![CHAT], ..task.clone() }),
        Entity::Item(Item { conversations: vec![], ..ticket }),
    ]);
    assert_eq!(numbers(&desk), [3, 2, 1]);
    desk.reopen();
    assert_eq!(numbers(&desk), [3, 2, 1]);

    let gone = Change {
        seq: Seq(desk.seq + 1),
        kind: ChangeKind::Forget,
        entity: EntityKind::Item,
        id: task.id.0,
        data: None,
        client_id: None,
    };
    let changed = desk.apply(desk.seq, vec![gone], vec![]);
    assert!(changed.conversations.contains(&CHAT));
    assert_eq!(numbers(&desk), [3, 1]);
}

#[test]
fn a_database_of_a_newer_app_is_refused_and_not_touched() {
    for name in ["cache.db", "outbox.db"] {
        let desk = Desk::new();
        let path = desk.directory.path().join(name);
        drop(desk.cache);
        raw(&path).pragma_update(None, "user_version", 99).unwrap();
        let before = std::fs::read(&path).unwrap();
        let refused = Cache::open(desk.directory.path(), &key()).err().unwrap();
        assert!(matches!(refused, OpenError::Newer { found: 99, .. }), "{refused:?}");
        assert_eq!(std::fs::read(&path).unwrap(), before, "{name} is as it was");
    }
}

#[test]
fn a_damaged_cache_is_set_aside_and_the_outbox_survives() {
    let mut desk = Desk::new();
    desk.cache.save_draft(CHAT, "keep me", "", &[]).unwrap();
    let directory = desk.directory.path().to_owned();
    drop(std::mem::replace(&mut desk.cache, Cache::open(tempfile::tempdir().unwrap().path(), &key()).unwrap()));
    for ending in ["-wal", "-shm"] {
        std::fs::remove_file(directory.join(format!("cache.db{ending}"))).ok();
    }
    std::fs::write(directory.join("cache.db"), vec![7_u8; 8192]).unwrap();
    let cache = Cache::open(&directory, &key()).unwrap();
    assert_eq!(cache.cursor().unwrap(), None, "a new cache asks for a snapshot");
    assert_eq!(cache.draft(CHAT).unwrap().reply, "keep me");
    let names: Vec<String> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert!(names.iter().any(|name| name.starts_with("cache.db.orphan-")), "{names:?}");
}

/// Every file of a directory that keeps data, with its bytes. What SQLite shares between programs keeps none.
fn files(directory: &std::path::Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).unwrap()))
        .filter(|(name, _)| !name.ends_with("-shm"))
        .collect()
}

/// A directory as a power cut leaves it: the newest changes stand in the logs only.
fn after_a_power_cut(desk: &Desk) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for (name, bytes) in files(desk.directory.path()) {
        std::fs::write(copy.path().join(name), bytes).unwrap();
    }
    copy
}

#[test]
fn no_word_of_a_chat_can_be_read_in_the_files() {
    let mut desk = Desk::new();
    desk.delta(vec![Entity::Conversation(head(1, None)), from_vic(1, "the secret marmalade")]);
    desk.cache.save_draft(CHAT, "marmalade again", "", &[]).unwrap();
    let file =
        Attachment { id: AttachmentId(5), name: "a.png".into(), mime: "image/png".into(), size: 22, picture: None };
    let sent = message(CHAT, 2, Author::Visitor, "with a picture");
    desk.delta(vec![Entity::Message(Message { attachments: vec![file], ..sent })]);
    let room = KeepLimits { bytes: 1_000, unused_ms: 1 };
    assert!(desk.cache.keep_file(AttachmentId(5), b"a picture of marmalade", 1, room).unwrap());
    assert_eq!(desk.cache.use_file(AttachmentId(5), 1).unwrap().unwrap(), b"a picture of marmalade");
    assert_eq!(desk.cache.use_file(AttachmentId(6), 1).unwrap(), None);
    let reads_clear_text = |when: &str| {
        let files = files(desk.directory.path());
        for (name, bytes) in &files {
            let holds = |text: &[u8]| bytes.windows(text.len()).any(|piece| piece == text);
            for text in ["SQLite format 3", "marmalade", "vic@example", "CREATE TABLE"] {
                assert!(!holds(text.as_bytes()), "{text} stands in {name} {when}");
            }
        }
        files
    };
    let running = reads_clear_text("while the app runs");
    assert!(running["cache.db-wal"].len() > 4096 && running["outbox.db-wal"].len() > 4096, "the logs hold it");
    drop(desk.cache);
    assert!(reads_clear_text("afterwards")["cache.db"].len() > 4096);
    assert_eq!(Cache::found(desk.directory.path()).unwrap(), Contents::Encrypted);
    let cache = Cache::open(desk.directory.path(), &key()).unwrap();
    assert_eq!(cache.search("marma", ANN, 10).unwrap().len(), 1, "whoever has the key can search it");
}

#[test]
fn a_wrong_key_is_refused_and_touches_nothing() {
    let desk = Desk::new();
    desk.cache.save_draft(CHAT, "keep me", "", &[]).unwrap();
    for missing in ["", "outbox.db", "cache.db"] {
        let directory = after_a_power_cut(&desk);
        for ending in ["", "-wal"] {
            std::fs::remove_file(directory.path().join(format!("{missing}{ending}"))).ok();
        }
        let before = files(directory.path());
        let refused = Cache::open(directory.path(), &Key::random()).err().unwrap();
        assert!(matches!(refused, OpenError::Undecryptable { .. }), "{refused:?}");
        assert_eq!(files(directory.path()), before, "without {missing:?}");
        Cache::open(directory.path(), &key()).unwrap();
    }
}

#[test]
fn a_damaged_outbox_is_told_from_a_wrong_key_by_the_cache() {
    let desk = Desk::new();
    let directory = after_a_power_cut(&desk);
    std::fs::remove_file(directory.path().join("outbox.db-wal")).ok();
    std::fs::write(directory.path().join("outbox.db"), vec![7_u8; 8192]).unwrap();
    let refused = Cache::open(directory.path(), &key()).err().unwrap();
    assert!(matches!(refused, OpenError::Damaged { .. }), "{refused:?}");
}

#[test]
fn databases_are_set_aside_whole_and_deleted_never() {
    let desk = Desk::new();
    desk.cache.save_draft(CHAT, "keep me", "", &[]).unwrap();
    let directory = after_a_power_cut(&desk);
    let before: Vec<Vec<u8>> = files(directory.path()).into_values().collect();
    let renamed = Cache::set_aside(directory.path()).unwrap();
    let after: Vec<Vec<u8>> = files(directory.path()).into_values().collect();
    assert_eq!(before, after);
    assert!(renamed.iter().all(|path| path.to_string_lossy().contains(".orphan-")), "{renamed:?}");
    assert_eq!(Cache::found(directory.path()).unwrap(), Contents::Nothing);
    Cache::open(directory.path(), &Key::random()).unwrap();
}

#[test]
fn a_full_disk_says_so_and_loses_nothing() {
    let desk = Desk::new();
    desk.cache.save_draft(CHAT, "safe", "", &[]).unwrap();
    desk.cache.limit_for_test(1);
    let refused = desk.cache.save_setting("big", &"x".repeat(4_000_000)).unwrap_err();
    assert!(matches!(refused, CacheError::DiskFull), "{refused:?}");
    assert_eq!(desk.cache.draft(CHAT).unwrap().reply, "safe");
}

#[test]
fn the_schema_page_shows_what_is_on_disk() {
    let desk = Desk::new();
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schema.sql")).unwrap();
    let written = rusqlite::Connection::open_in_memory().unwrap();
    written.execute_batch(&page).unwrap();
    let mut real = schema(&raw(&desk.directory.path().join("cache.db")));
    real.extend(schema(&raw(&desk.directory.path().join("outbox.db"))));
    assert_eq!(schema(&written), real);
}

fn schema(connection: &rusqlite::Connection) -> std::collections::BTreeSet<String> {
    let mut statement = connection.prepare("SELECT coalesce(sql, name) FROM sqlite_master").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn after_a_restored_backup_the_new_log_wins_and_nothing_of_the_old_one_returns() {
    let mut desk = Desk::new();
    desk.seq = 5_000;
    desk.delta(vec![Entity::Conversation(head(3, None)), from_vic(1, "one"), from_vic(2, "two"), from_vic(3, "three")]);
    let send = Command::Send {
        conversation: Some(CHAT),
        kind: MessageKind::Note,
        text: "x".into(),
        attachments: vec![],
        mentions: Vec::new(),
        article: None,
        choice: None,
    };
    let sent = command(9, send);
    desk.cache.queue(&sent, &[], 1).unwrap();
    desk.cache.acknowledge(&sent.client_id, Seq(9_000)).unwrap();
    desk.cache.apply(&Batch::Reset(ResetReason::Epoch)).unwrap();
    assert_eq!(desk.cache.outbox().unwrap()[0].state, OutboxState::Queued, "it is offered to the new log");
    // In the restored log the second message is another one, and there is no third.
    let mut other = message(CHAT, 2, Author::Visitor, "another two");
    other.id = MessageId(77);
    let rows = vec![
        change(1, vic("Vic of the backup")),
        change(2, browser()),
        change(3, Entity::Conversation(head(2, None))),
        change(4, from_vic(1, "one")),
        change(5, Entity::Message(other)),
    ];
    desk.cache
        .apply(&Batch::Snapshot(SnapshotPage { generation: "n".into(), base: Seq(5), rows, next: None }))
        .unwrap();
    let end = SnapshotEnd { generation: "n".into(), base: Seq(5) };
    desk.cache.apply(&Batch::SnapshotEnd { epoch: "f".into(), end, done: vec![] }).unwrap();
    assert_eq!(desk.row().contact_name, "Vic of the backup");
    let page = desk.cache.messages(CHAT, None, 50).unwrap();
    let texts: Vec<&str> = page.messages.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(texts, ["one", "another two"]);
    assert!(!page.more_here && !page.more_there);
    assert!(desk.cache.search("three", ANN, 5).unwrap().is_empty(), "what is gone is not found");
}

#[test]
fn od_16_a_russian_word_is_found_however_it_is_spelt() {
    let mut desk = Desk::new();
    desk.delta(vec![Entity::Conversation(head(2, None)), from_vic(1, "Ёлка стоит"), from_vic(2, "новая елка")]);
    for typed in ["елка", "ёлка", "ЁЛ"] {
        assert_eq!(desk.cache.search(typed, ANN, 5).unwrap().len(), 2, "{typed}");
    }
}

#[test]
fn an_empty_chat_has_nothing_older() {
    let mut desk = Desk::new();
    desk.delta(vec![Entity::Conversation(head(0, None))]);
    assert_eq!(desk.cache.messages(CHAT, None, 5).unwrap(), deskbell_cache::MessagePage::default());
}

fn reset(desk: &Desk) {
    desk.cache.apply(&Batch::Reset(ResetReason::Epoch)).unwrap();
}

fn texts(items: &[deskbell_cache::OutboxItem]) -> Vec<String> {
    let text = |item: &deskbell_cache::OutboxItem| match &item.frame.command {
        Command::Send { text, .. } => text.clone(),
        other => format!("{other:?}"),
    };
    items.iter().map(text).collect()
}

fn reply(text: &str) -> Command {
    Command::Send {
        conversation: Some(CHAT),
        kind: MessageKind::Reply,
        text: text.into(),
        attachments: vec![],
        mentions: Vec::new(),
        article: None,
        choice: None,
    }
}

#[test]
fn dc_02_a_desk_restored_from_a_backup_is_offered_the_messages_of_the_last_week_again() {
    let mut desk = Desk::new();
    desk.delta(vec![Entity::Conversation(head(0, None))]);
    let frames: Vec<CommandFrame> = (1..=2).map(|bits| command(bits, reply(&format!("done {bits}")))).collect();
    for frame in &frames {
        desk.cache.queue(frame, &[], 5).unwrap();
    }
    let closing = command(3, Command::SetState { conversation: CHAT, state: ConversationState::Closed });
    desk.cache.queue(&closing, &[], 6).unwrap();
    let all: Vec<ClientId> = frames.iter().chain([&closing]).map(|frame| frame.client_id.clone()).collect();
    let over = Delta { from: Seq(desk.seq), to: Seq(desk.seq + 1), changes: vec![], more: false };
    desk.cache.apply(&Batch::Delta { epoch: "e".into(), delta: over, done: all }).unwrap();
    assert!(desk.cache.outbox().unwrap().is_empty());
    desk.cache.queue(&command(4, reply("waits")), &[], 7).unwrap();

    reset(&desk);
    let cache = Cache::open(desk.directory.path(), &key()).unwrap();
    assert_eq!(texts(&cache.outbox().unwrap()), ["done 1", "done 2", "waits"], "in order, and no old state comes back");
    // The same reset once more, after a crash in the middle of the first one.
    reset(&desk);
    assert_eq!(cache.outbox().unwrap().len(), 3);
}

#[test]
fn dc_02_an_outbox_of_the_first_version_is_carried_over_and_half_a_migration_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("outbox.db");
    let first = rusqlite::Connection::open(&path).unwrap();
    first.execute_batch(include_str!("../src/schema_outbox.sql")).unwrap();
    first.pragma_update(None, "user_version", 1).unwrap();
    let frame = command(1, reply("written before the update"));
    first
        .execute(
            "INSERT INTO outbox (client_id, conversation, frame, queued_at) VALUES (?1, ?2, ?3, 5)",
            rusqlite::params![frame.client_id.as_str(), CHAT.0, serde_json::to_string(&frame).unwrap()],
        )
        .unwrap();
    // Whatever a step leaves behind when it breaks off, it is rolled back: the version and the tables move together.
    let step = "BEGIN IMMEDIATE; CREATE TABLE sent (position INTEGER PRIMARY KEY) STRICT;";
    let crashing = rusqlite::Connection::open(&path).unwrap();
    crashing.execute_batch(step).unwrap();
    drop(crashing);
    drop(first);
    let cache = Cache::open(directory.path(), &key()).unwrap();
    assert_eq!(texts(&cache.outbox().unwrap()), ["written before the update"]);
    cache.acknowledge(&frame.client_id, Seq(3)).unwrap();
    assert_eq!(cache.outbox().unwrap()[0].state, OutboxState::Acked { seq: Seq(3) });
}

#[test]
fn a_desk_that_gives_an_id_out_again_after_a_restore_leaves_no_hole() {
    let other = ConversationId(200);
    let mut desk = Desk::new();
    desk.delta(vec![Entity::Conversation(head(2, None)), from_vic(1, "one"), from_vic(2, "two")]);
    reset(&desk);
    // In the new log, the message that was the second here is the first of another chat.
    let moved = Message {
        conversation: other,
        number: 1,
        text: "elsewhere".into(),
        ..message(CHAT, 2, Author::Visitor, "two")
    };
    let rows = vec![
        change(1, vic("Vic")),
        change(2, browser()),
        change(3, Entity::Conversation(head(1, None))),
        change(4, from_vic(1, "one")),
        change(5, Entity::Conversation(Conversation { id: other, ..head(1, None) })),
        change(6, Entity::Message(moved)),
    ];
    let page = SnapshotPage { generation: "h".into(), base: Seq(6), rows, next: None };
    desk.cache.apply(&Batch::Snapshot(page)).unwrap();
    let end = SnapshotEnd { generation: "h".into(), base: Seq(6) };
    desk.cache.apply(&Batch::SnapshotEnd { epoch: "f".into(), end, done: vec![] }).unwrap();
    let shown = |id| {
        let page = desk.cache.messages(id, None, 10).unwrap();
        page.messages.into_iter().map(|message| message.text).collect::<Vec<_>>()
    };
    assert_eq!(shown(CHAT), ["one"]);
    assert_eq!(shown(other), ["elsewhere"]);
    // The number that moved away is known to be missing, and shown when it comes.
    desk.cache
        .apply(&Batch::Delta {
            epoch: "f".into(),
            delta: Delta {
                from: Seq(6),
                to: Seq(8),
                changes: vec![
                    change(
                        7,
                        Entity::Message(Message { id: MessageId(77), ..message(CHAT, 2, Author::Visitor, "new") }),
                    ),
                    change(8, Entity::Conversation(head(2, None))),
                ],
                more: false,
            },
            done: vec![],
        })
        .unwrap();
    assert_eq!(shown(CHAT), ["one", "new"]);
}

#[test]
fn a_snapshot_that_broke_off_never_outweighs_the_next_one_of_another_log() {
    let desk = Desk::new();
    reset(&desk);
    let page = |generation: &str, seq: i64, name: &str| {
        let rows = vec![change(seq, vic(name)), change(seq, browser())];
        Batch::Snapshot(SnapshotPage { generation: generation.into(), base: Seq(seq), rows, next: None })
    };
    desk.cache.apply(&page("h", 900, "of a log that was replaced")).unwrap();
    desk.cache.apply(&page("i", 3, "Vic")).unwrap();
    let end = SnapshotEnd { generation: "i".into(), base: Seq(3) };
    desk.cache.apply(&Batch::SnapshotEnd { epoch: "f".into(), end, done: vec![] }).unwrap();
    assert_eq!(desk.cache.contact(VIC).unwrap().unwrap().name, "Vic");
}

/// A message of an agent.
fn from_agent(id: AgentId, number: i64, kind: MessageKind) -> Entity {
    let Entity::Message(mut message) = from_vic(number, "an answer") else { unreachable!() };
    (message.author, message.kind) = (Author::Agent { id, name: "Somebody".into() }, kind);
    Entity::Message(message)
}

#[test]
fn a_reply_taken_back_stands_before_the_unsent_text_and_is_gone_from_the_outbox() {
    let mut desk = Desk::new();
    desk.delta(vec![Entity::Conversation(head(1, Some(5))), from_vic(1, "Hello")]);
    let frame = command(1, reply("Too fast"));
    let guard = Guard { hold_until: Some(5_010), seen: Some(1) };
    desk.cache.queue_guarded(&frame, &[], 10, guard).unwrap();
    assert_eq!(desk.cache.outbox().unwrap()[0].guard, guard);
    let record = desk.cache.conversation(CHAT).unwrap().unwrap();
    assert_eq!(record.conversation.waiting_since, None, "answered, it seems");
    assert!(record.waits, "the desk has no answer yet, and what Vic writes now is news");
    desk.cache.save_draft(CHAT, "and typed on", "", &[]).unwrap();

    let back = desk.cache.take_back(&frame.client_id).unwrap().unwrap();
    assert_eq!(back.draft.reply, "Too fast\nand typed on");
    let cache = Cache::open(desk.directory.path(), &key()).unwrap();
    assert_eq!(cache.draft(CHAT).unwrap().reply, "Too fast\nand typed on");
    assert!(cache.outbox().unwrap().is_empty());
    assert_eq!(cache.conversation(CHAT).unwrap().unwrap().conversation.waiting_since, Some(5), "Vic waits again");
    assert_eq!(cache.take_back(&frame.client_id).unwrap(), None, "once only");
}

#[test]
fn what_was_on_its_way_is_known_to_the_next_run() {
    let desk = Desk::new();
    let frames = [command(1, reply("sent")), command(2, reply("not yet"))];
    for frame in &frames {
        desk.cache.queue(frame, &[], 1).unwrap();
    }
    desk.cache.mark_tried(&frames[0].client_id).unwrap();
    let outbox = Cache::open(desk.directory.path(), &key()).unwrap().outbox().unwrap();
    assert_eq!(outbox.iter().map(|item| item.tried).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn only_another_agents_words_after_what_was_on_screen_count_as_an_answer() {
    let mut desk = Desk::new();
    let ann = Some(ANN);
    let frame = command(1, reply("written offline"));
    desk.delta(vec![Entity::Conversation(head(2, None)), from_vic(1, "Hello"), from_agent(BEN, 2, MessageKind::Reply)]);
    desk.cache.queue_guarded(&frame, &[], 1, Guard { hold_until: None, seen: Some(2) }).unwrap();
    let answered = |desk: &Desk| desk.cache.was_answered_meanwhile(&frame.client_id, ann).unwrap();
    assert!(!answered(&desk), "that was on screen");
    let Entity::Message(automatic) = from_vic(6, "Somebody will be with you soon") else { unreachable!() };
    desk.delta(vec![
        from_vic(3, "Anybody?"),
        from_agent(ANN, 4, MessageKind::Reply),
        from_agent(BEN, 5, MessageKind::System),
        Entity::Message(Message { author: Author::Desk, ..automatic }),
    ]);
    assert!(!answered(&desk), "a visitor, Ann herself and the desk, also where it answers by itself, are nobody else");
    desk.delta(vec![from_agent(BEN, 7, MessageKind::Reply)]);
    assert!(answered(&desk));

    desk.cache.hold(&frame.client_id).unwrap();
    let cache = Cache::open(desk.directory.path(), &key()).unwrap();
    assert_eq!(cache.outbox().unwrap()[0].state, OutboxState::Held, "another run asks, too");
    let counts = cache.outbox_counts().unwrap();
    assert_eq!((counts.unsent, counts.held), (0, 1));
    assert!(cache.conversation(CHAT).unwrap().unwrap().held);
    let item = cache.retry(&frame.client_id).unwrap().unwrap();
    assert_eq!((item.state, item.guard), (OutboxState::Queued, Guard::default()), "nobody asks again");
}

#[test]
fn a_hole_is_what_is_missing_between_or_above_what_is_here() {
    let mut desk = Desk::new();
    desk.delta(vec![Entity::Conversation(head(9, None)), from_vic(8, "eight"), from_vic(9, "nine")]);
    assert_eq!(desk.cache.holes(&[CHAT]).unwrap(), 0, "older messages wait on the desk until somebody asks");
    desk.delta(vec![from_vic(4, "four")]);
    assert_eq!(desk.cache.holes(&[CHAT]).unwrap(), 1);
    assert_eq!(desk.cache.holes(&[]).unwrap(), 0);
}

/// What colleagues say among themselves: Ann and Ben directly, and a group with Cid.
fn among_us(id: i64, title: &str, participants: &[i64], last_number: i64) -> Conversation {
    Conversation {
        id: ConversationId(id),
        kind: ConversationKind::Internal,
        contact: ContactId(0),
        visitor: VisitorId(0),
        site: SiteId(0),
        title: title.to_owned(),
        participants: participants.iter().map(|id| AgentId(*id)).collect(),
        ..head(last_number, None)
    }
}

fn said_by(conversation: i64, number: i64, agent: i64, text: &str) -> Entity {
    let author = Author::Agent { id: AgentId(agent), name: "An agent".into() };
    let message = message(ConversationId(conversation), number, author, text);
    Entity::Message(Message { kind: MessageKind::Note, ..message })
}

#[test]
fn od_28_conversations_among_the_team_have_a_folder_of_their_own_and_are_no_customers() {
    let mut desk = Desk::new();
    let ben = Agent::new(AgentId(2), "Ben", "ben@desk.example", Role::Agent);
    let mark = ReadMark { conversation: ConversationId(501), number: 1 };
    let changed = desk.delta(vec![
        Entity::Agent(ben),
        Entity::Conversation(among_us(500, "", &[1, 2], 2)),
        said_by(500, 1, 1, "Have you seen the teapots?"),
        said_by(500, 2, 2, "Which of them?"),
        Entity::Conversation(among_us(501, "Returns", &[1, 2, 3], 1)),
        said_by(501, 1, 1, "Forty came back"),
        Entity::ReadMark(mark),
        Entity::Conversation(head(1, Some(1))),
        from_vic(1, "Hola"),
    ]);
    assert_eq!(changed.arrived.len(), 4, "what colleagues write is news");
    desk.reopen();
    let rows = desk.cache.conversations(Folder::Team, ANN, 50).unwrap();
    let shown: Vec<_> = rows.iter().map(|row| (row.internal_name(ANN), row.unread)).collect();
    assert_eq!(shown, [("Ben", 2), ("Returns", 0)], "Ann wrote one of the two; her mark is not here yet");
    assert_eq!(rows[0].preview.as_ref().unwrap().text, "Which of them?");
    let counts = desk.cache.counts(ANN).unwrap();
    assert_eq!((counts.open, counts.unread, counts.team, counts.team_unread), (1, 1, 2, 1));
    for folder in [Folder::Open, Folder::Waiting, Folder::Mine, Folder::Closed, Folder::Snoozed] {
        let rows = desk.cache.conversations(folder, ANN, 50).unwrap();
        assert!(rows.iter().all(|row| row.conversation.id == CHAT), "{folder:?}");
    }
    let found = desk.cache.search("teapots", ANN, 10).unwrap();
    assert_eq!(found.iter().map(|hit| hit.contact_name.as_str()).collect::<Vec<_>>(), ["Ben"]);
    let read = Command::MarkRead { conversation: ConversationId(500), number: 2 };
    desk.cache.queue(&command(1, read), &[], 5).unwrap();
    assert_eq!(desk.cache.counts(ANN).unwrap().team_unread, 0);
}

#[test]
fn od_17_what_is_forgotten_takes_its_words_and_its_mark_along_and_may_be_shown_again() {
    let mut desk = Desk::new();
    desk.delta(vec![
        Entity::Conversation(among_us(501, "Returns", &[1, 2], 40)),
        said_by(501, 1, 2, "Forty came back"),
        said_by(501, 40, 2, "Cracked"),
        Entity::ReadMark(ReadMark { conversation: ConversationId(501), number: 40 }),
    ]);
    let forget = |seq| Change {
        seq: Seq(seq),
        kind: ChangeKind::Forget,
        entity: EntityKind::Conversation,
        id: 501,
        data: None,
        client_id: None,
    };
    let at = desk.seq;
    desk.apply(at, vec![forget(at + 1)], vec![]);
    assert!(desk.cache.conversations(Folder::Team, ANN, 50).unwrap().is_empty());
    assert!(desk.cache.search("cracked", ANN, 10).unwrap().is_empty());
    // Added again in one delta: what was there of the earlier time, then the order to forget it, then what is now.
    let put = |seq, entity: &Entity| Change::put(Seq(seq), entity, None).unwrap();
    let changes = vec![
        put(at + 2, &said_by(501, 40, 2, "Cracked")),
        forget(at + 3),
        put(at + 4, &Entity::Conversation(among_us(501, "Returns", &[1, 2], 41))),
        put(at + 5, &said_by(501, 41, 2, "Welcome back")),
    ];
    desk.apply(at + 1, changes, vec![]);
    let rows = desk.cache.conversations(Folder::Team, ANN, 50).unwrap();
    assert_eq!((rows[0].unread, rows[0].my_read), (1, 0));
    let page = desk.cache.messages(ConversationId(501), None, 50).unwrap();
    assert_eq!(page.messages.iter().map(|message| message.number).collect::<Vec<_>>(), [41]);
    assert!(page.more_there, "what was written before is at the desk");
}

/// A note of Ben's.
fn noted(number: i64, text: &str, mentions: &[AgentId]) -> Entity {
    let author = Author::Agent { id: BEN, name: "Ben".into() };
    let message = message(CHAT, number, author, text);
    Entity::Message(Message { kind: MessageKind::Note, mentions: mentions.to_vec(), ..message })
}

#[test]
fn od_05_what_ann_follows_is_hers_though_ben_answers_it() {
    let mut desk = Desk::new();
    desk.cache.belongs_to(ANN).unwrap();
    let bens = |followers: &[AgentId]| Conversation {
        assignee: Some(BEN),
        followers: followers.to_vec(),
        active_at: 7,
        ..head(2, None)
    };
    let hers = Conversation { id: ConversationId(101), assignee: Some(ANN), active_at: 5, ..head(0, None) };
    let both = Conversation { id: ConversationId(102), followers: vec![ANN], active_at: 9, ..hers.clone() };
    desk.delta(vec![
        Entity::Agent(Agent::new(ANN, "Ann", "ann@desk.example", Role::Owner)),
        Entity::Conversation(bens(&[ANN])),
        Entity::Conversation(hers),
        Entity::Conversation(both),
    ]);
    let mine = |desk: &Desk, limit| -> Vec<i64> {
        let rows = desk.cache.conversations(Folder::Mine, ANN, limit).unwrap();
        rows.iter().map(|row| row.conversation.id.0).collect()
    };
    assert_eq!(mine(&desk, 9), [102, CHAT.0, 101], "the newest first, each once");
    assert_eq!(mine(&desk, 2), [102, CHAT.0]);
    assert_eq!(desk.cache.counts(ANN).unwrap().mine, 3);
    desk.reopen();
    let row = desk.row();
    assert!(row.followed && row.followers == [(ANN, "Ann".to_owned())], "{row:?}");

    // What she says shows at once, also without a connection; a refusal takes it back.
    let unfollow = command(1, Command::Follow { conversation: CHAT, following: false });
    desk.cache.queue(&unfollow, &[], 5).unwrap();
    assert_eq!((mine(&desk, 9), desk.row().followers.len()), (vec![102, 101], 0));
    desk.cache.refuse(&unfollow.client_id, ErrorCode::Conflict).unwrap();
    assert_eq!(mine(&desk, 9), [102, CHAT.0, 101]);
    desk.delta(vec![Entity::Conversation(bens(&[BEN]))]);
    let follow = command(2, Command::Follow { conversation: CHAT, following: true });
    assert_eq!(mine(&desk, 9), [102, 101]);
    desk.cache.queue(&follow, &[], 6).unwrap();
    assert_eq!(desk.row().conversation.followers, [ANN, BEN]);
}

#[test]
fn od_27_a_note_that_mentions_ann_is_news_to_her_and_one_that_mentions_ben_is_not() {
    let mut desk = Desk::new();
    desk.cache.belongs_to(ANN).unwrap();
    let changed = desk.delta(vec![
        Entity::Conversation(head(3, None)),
        noted(1, "Nobody", &[]),
        noted(2, "@Ben", &[BEN]),
        noted(3, "@Ann and @Ben", &[ANN, BEN]),
    ]);
    let arrived: Vec<i64> = changed.arrived.iter().map(|message| message.number).collect();
    assert_eq!((arrived, desk.row().unread), (vec![3], 1));
    assert_eq!(desk.cache.counts(ANN).unwrap().unread, 1);
    desk.cache.queue(&command(1, Command::MarkRead { conversation: CHAT, number: 3 }), &[], 5).unwrap();
    assert_eq!(desk.row().unread, 0);
    // What is taken back is no news any more.
    desk.delta(vec![Entity::Conversation(head(4, None)), noted(4, "@Ann!", &[ANN])]);
    assert_eq!(desk.row().unread, 1);
    let author = Author::Agent { id: BEN, name: "Ben".into() };
    let gone = Message { kind: MessageKind::Note, deleted_at: Some(9), ..message(CHAT, 4, author, "") };
    desk.delta(vec![Entity::Message(gone)]);
    assert_eq!(desk.row().unread, 0);
}

#[test]
fn od_27_a_mention_in_a_chat_that_is_closed_or_put_off_is_anns_until_she_reads_it() {
    for (state, until) in [(ConversationState::Closed, None), (ConversationState::Snoozed, Some(99))] {
        let mut desk = Desk::new();
        desk.cache.belongs_to(ANN).unwrap();
        let bens = |last| Conversation { state, snoozed_until: until, assignee: Some(BEN), ..head(last, None) };
        let shown = |desk: &Desk| {
            let counts = desk.cache.counts(ANN).unwrap();
            let rows = desk.cache.conversations(Folder::Mine, ANN, 9).unwrap();
            assert_eq!(counts.mine, i64::try_from(rows.len()).unwrap());
            (rows.iter().map(|row| (row.conversation.state, row.unread)).collect::<Vec<_>>(), counts.unread)
        };
        // What a visitor said last before Ben was done with it is none of Ann's.
        desk.delta(vec![Entity::Conversation(bens(2)), from_vic(1, "Thanks"), noted(2, "Nobody", &[])]);
        assert_eq!(shown(&desk), (vec![], 0));
        desk.delta(vec![Entity::Conversation(bens(3)), noted(3, "@Ann, what was that?", &[ANN])]);
        assert_eq!(shown(&desk), (vec![(state, 2)], 1));
        desk.reopen();
        assert_eq!(shown(&desk), (vec![(state, 2)], 1), "also after a restart");
        // Once, wherever else it stands.
        desk.delta(vec![Entity::Conversation(Conversation { followers: vec![ANN], ..head(3, None) })]);
        assert_eq!(shown(&desk), (vec![(ConversationState::Open, 2)], 1));
        desk.delta(vec![Entity::Conversation(bens(3))]);
        desk.cache.queue(&command(1, Command::MarkRead { conversation: CHAT, number: 3 }), &[], 5).unwrap();
        assert_eq!(shown(&desk), (vec![], 0), "she has read it");
    }
}

#[test]
fn od_27_an_unsent_note_keeps_whom_it_mentions_and_one_taken_back_brings_them_along() {
    let mut desk = Desk::new();
    desk.cache.save_draft(CHAT, "", "@Ben, look", &[BEN]).unwrap();
    desk.reopen();
    let draft = desk.cache.draft(CHAT).unwrap();
    assert_eq!((draft.note.as_str(), draft.mentions), ("@Ben, look", vec![BEN]));
    let note = Command::Send {
        conversation: Some(CHAT),
        kind: MessageKind::Note,
        text: "@Cid".into(),
        attachments: vec![],
        mentions: vec![AgentId(3), BEN],
        article: None,
        choice: None,
    };
    let frame = command(1, note);
    desk.cache.queue(&frame, &[], 5).unwrap();
    let back = desk.cache.take_back(&frame.client_id).unwrap().unwrap().draft;
    assert_eq!((back.note.as_str(), back.mentions), ("@Cid\n@Ben, look", vec![AgentId(3), BEN]));
}

#[test]
fn tv_06_an_article_that_was_sent_is_kept_is_found_by_its_title_and_stands_in_the_list() {
    let mut desk = Desk::new();
    desk.cache.belongs_to(ANN).unwrap();
    let card = ArticleCard {
        id: ArticleId(9),
        title: "Devoluciones".into(),
        summary: "Dentro de 30 días.".into(),
        language: "es".into(),
    };
    let author = Author::Agent { id: BEN, name: "Ben".into() };
    let sent = Message { article: Some(card.clone()), ..message(CHAT, 2, author, "") };
    desk.delta(vec![Entity::Conversation(head(2, None)), from_vic(1, "How?"), Entity::Message(sent.clone())]);
    desk.reopen();
    let page = desk.cache.messages(CHAT, None, 50).unwrap();
    assert_eq!(page.messages.last().unwrap().article, Some(card));
    assert_eq!(desk.row().preview.unwrap().text, "Devoluciones");
    let found = |desk: &Desk| desk.cache.search("devol", ANN, 9).unwrap().len();
    assert_eq!(found(&desk), 1);
    // Deleted, it shows nothing at once, also without a connection.
    let delete = command(1, Command::DeleteMessage { conversation: CHAT, message: sent.id });
    desk.cache.queue(&delete, &[], 5).unwrap();
    assert_eq!(desk.row().preview.unwrap().text, "How?");
    desk.delta(vec![Entity::Message(Message { article: None, deleted_at: Some(9), ..sent })]);
    assert_eq!(found(&desk), 0);
}

#[test]
fn dc_02_a_message_that_is_queued_is_unsent_text_no_more() {
    let mut desk = Desk::new();
    desk.delta(vec![Entity::Conversation(head(1, Some(5)))]);
    desk.cache.save_draft(CHAT, "Yes, three. Which", "for Ben", &[]).unwrap();
    desk.cache.queue(&command(1, reply("Yes, three.")), &[], 10).unwrap();
    // The power goes before the page has said what is left.
    desk.reopen();
    assert_eq!(texts(&desk.cache.outbox().unwrap()), ["Yes, three."]);
    let left = desk.cache.draft(CHAT).unwrap();
    assert_eq!((left.reply.as_str(), left.note.as_str()), (" Which", "for Ben"), "what was typed on is the next one");
    desk.cache.queue(&command(1, reply("Yes, three.")), &[], 10).unwrap();
    desk.cache.queue(&command(2, reply("Blue")), &[], 11).unwrap();
    assert_eq!(desk.cache.draft(CHAT).unwrap(), left, "another text takes nothing along");
    let note = command(
        3,
        Command::Send {
            conversation: Some(CHAT),
            kind: MessageKind::Note,
            text: "for Ben".into(),
            attachments: vec![],
            mentions: vec![],
            article: None,
            choice: None,
        },
    );
    desk.cache.queue(&note, &[], 12).unwrap();
    assert_eq!(desk.cache.draft(CHAT).unwrap().note, "");
}

#[test]
fn what_nobody_wrote_waits_for_nobody_when_it_is_refused() {
    let mut desk = Desk::new();
    desk.delta(vec![Entity::Conversation(head(1, None))]);
    let known = Command::EditContact {
        contact: VIC,
        name: "Vic".into(),
        email: String::new(),
        phone: String::new(),
        notes: "Likes blue".into(),
    };
    let commands = [
        Command::MarkRead { conversation: CHAT, number: 1 },
        Command::Follow { conversation: CHAT, following: true },
        Command::UseCannedText { text: CannedTextId(7) },
        known.clone(),
        reply("Hello"),
    ];
    for (bits, refused) in (1..).zip(commands) {
        let frame = command(bits, refused);
        desk.cache.queue(&frame, &[], 5).unwrap();
        desk.cache.refuse(&frame.client_id, ErrorCode::Invalid).unwrap();
    }
    assert_eq!(desk.cache.outbox_counts().unwrap().refused, 2, "a person wrote two of them");
    assert_eq!(desk.cache.undelivered().unwrap(), 2);
    // Of somebody who is not here there is nowhere to show it.
    for (bits, contact, code) in [(11, ContactId(99), ErrorCode::Invalid), (12, VIC, ErrorCode::NotFound)] {
        let Command::EditContact { name, email, phone, notes, .. } = known.clone() else { unreachable!() };
        let frame = command(bits, Command::EditContact { contact, name, email, phone, notes });
        desk.cache.queue(&frame, &[], 5).unwrap();
        desk.cache.refuse(&frame.client_id, code).unwrap();
    }
    assert_eq!(desk.cache.outbox_counts().unwrap().refused, 2);
}

#[test]
fn a_snapshot_that_leaves_out_more_than_one_step_removes_is_whole_without_a_hole() {
    let mut desk = Desk::new();
    let long = 1_300;
    desk.delta(vec![Entity::Conversation(head(long, None))]);
    desk.delta((1..=long).map(|number| from_vic(number, &format!("word{number}"))).collect());
    assert_eq!(desk.cache.search("word7", ANN, 1).unwrap().len(), 1);
    let newest: Vec<Change> = (long - 29..=long).map(|n| change(desk.seq + n, from_vic(n, "newest"))).collect();
    let (generation, base) = ("n".to_owned(), Seq(desk.seq + 5_000));
    let mut rows = vec![change(desk.seq + 1, vic("Vic")), change(desk.seq + 2, browser())];
    rows.push(change(desk.seq + 3, Entity::Conversation(head(long, None))));
    rows.extend(newest);
    desk.cache.apply(&Batch::Reset(ResetReason::Rights)).unwrap();
    let page = SnapshotPage { generation: generation.clone(), base, rows, next: None };
    desk.cache.apply(&Batch::Snapshot(page)).unwrap();
    assert_eq!(desk.cache.messages(CHAT, None, 5_000).unwrap().messages.len(), 1_300, "all is read meanwhile");
    let end = SnapshotEnd { generation, base };
    desk.cache.apply(&Batch::SnapshotEnd { epoch: "e".into(), end, done: vec![] }).unwrap();
    let left = desk.cache.messages(CHAT, None, 5_000).unwrap();
    assert_eq!((left.messages.len(), left.more_there), (30, true), "what is older is fetched when it is read");
    assert_eq!(desk.cache.hole_for_test().unwrap(), None);
    assert!(desk.cache.search("word7", ANN, 1).unwrap().is_empty(), "nor is it found here");
}
