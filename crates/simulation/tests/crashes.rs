//! Programs that die between two files.
#![allow(clippy::unwrap_used, missing_docs)]

use deskbell_cache::{Cache, OutboxState, simulation};
use deskbell_engine::Batch;
use deskbell_protocol::{
    AgentId, Change, ClientId, Command, CommandFrame, ContactId, Conversation, ConversationId, ConversationKind,
    ConversationState, Delta, Entity, ErrorCode, Priority, Seq, SiteId, VisitorId,
};

const ANN: AgentId = AgentId(1);
const CHAT: ConversationId = ConversationId(100);

/// Ann's computer, on which a chat that nobody has taken shows as hers, because her command is on its way.
fn computer(disk: &str) -> (Cache, ClientId) {
    let cache = Cache::in_memory(disk).unwrap();
    let head = Conversation {
        id: CHAT,
        kind: ConversationKind::Customer,
        contact: ContactId(10),
        visitor: VisitorId(20),
        site: SiteId(1),
        state: ConversationState::Open,
        assignee: None,
        team: None,
        last_number: 0,
        waiting_since: None,
        created_at: 1,
        active_at: 1,
        visitor_read: 0,
        snoozed_until: None,
        priority: Priority::None,
        title: String::new(),
        participants: Vec::new(),
        labels: vec![],
        followers: Vec::new(),
    };
    let changes = vec![Change::put(Seq(1), &Entity::Conversation(head), None).unwrap()];
    let delta = Delta { from: Seq(0), to: Seq(1), changes, more: false };
    cache.apply(&Batch::Delta { epoch: "here".into(), delta, done: vec![] }).unwrap();
    let client_id = ClientId::from_bits(1);
    let command = Command::Assign { conversation: CHAT, agent: Some(ANN), team: None, from: None };
    let frame = CommandFrame { client_id: client_id.clone(), command, if_rev: None, client_time: 1 };
    cache.queue(&frame, &[], 1).unwrap();
    assert_eq!(assignee(&cache), Some(ANN));
    (cache, client_id)
}

fn assignee(cache: &Cache) -> Option<AgentId> {
    cache.conversation(CHAT).unwrap().unwrap().conversation.assignee
}

#[test]
fn dc_02_a_command_that_left_shows_no_more_wherever_the_program_died() {
    type Leave = fn(&Cache, &ClientId) -> bool;
    let ways: [(&str, Leave); 3] = [
        ("refused", |cache, id| cache.refuse(id, ErrorCode::Conflict).is_ok()),
        ("done before", |cache, id| cache.acknowledge(id, Seq(1)).is_ok()),
        ("discarded", |cache, id| cache.discard(id).is_ok()),
    ];
    for (way, leave) in ways {
        let mut deaths = 0;
        loop {
            let disk = format!("{way} after {deaths}");
            // The disk lives as long as somebody has it open.
            let (before, id) = computer(&disk);
            simulation::die_after(Some(deaths));
            leave(&before, &id);
            let died = simulation::left() == Some(0);
            simulation::die_after(None);
            let after = Cache::in_memory(&disk).unwrap();
            let waits = after.outbox().unwrap().iter().any(|item| item.state == OutboxState::Queued);
            assert!(waits || assignee(&after).is_none(), "{way}, and dead after {deaths} transactions");
            if !died {
                assert!(!waits, "{way}");
                break;
            }
            deaths += 1;
        }
        assert!(deaths > 1, "{way}");
    }
}
