//! The product's cache, and what the desk would send to it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use deskbell_cache::{Cache, Key};
use deskbell_engine::Batch;
use deskbell_protocol::{
    Agent, AgentId, Author, Change, Contact, ContactId, Conversation, ConversationId, ConversationKind,
    ConversationState, Delta, Entity, Message, MessageId, MessageKind, PageView, Priority, Region, Role, Seq, SiteId,
    SnapshotPage, Visitor, VisitorId,
};

use crate::chats::{AGENTS, Chats, Language, Said, index_of};
use crate::timing::{Took, timed};

/// Who looks at the cache.
pub(crate) const ME: AgentId = AgentId(1);
pub(crate) const EPOCH: &str = "measured";

/// A cache with the place it has reached.
pub(crate) struct Ours {
    pub(crate) cache: Cache,
}

impl Ours {
    pub(crate) fn open(directory: &Path, key: &Key) -> Self {
        Self { cache: Cache::open(directory, key).unwrap() }
    }

    /// Applies what came, one transaction for each.
    pub(crate) fn apply(&self, batches: &[Batch]) -> Took {
        timed(|| {
            for batch in batches {
                self.cache.apply(batch).unwrap();
            }
        })
        .1
    }
}

/// What the desk says, in the order of its log.
pub(crate) struct Desk<'a> {
    chats: &'a Chats,
    seq: i64,
    known: BTreeSet<i64>,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(chats: &'a Chats) -> Self {
        Self { chats, seq: 0, known: BTreeSet::new() }
    }

    fn change(&mut self, entity: &Entity) -> Change {
        self.seq += 1;
        Change::put(Seq(self.seq), entity, None).unwrap()
    }

    /// The agents of the desk.
    pub(crate) fn agents(&mut self) -> Batch {
        let agents: Vec<Entity> = (1..=AGENTS)
            .map(|id| {
                let (name, email) = (format!("Agent {id}"), format!("agent{id}@example.com"));
                Entity::Agent(Agent::new(AgentId(id), &name, &email, Role::Agent))
            })
            .collect();
        let from = self.seq;
        let changes = agents.iter().map(|agent| self.change(agent)).collect();
        delta(from, self.seq, changes)
    }

    /// Messages as deltas of so many, each with the heads of its conversations as they are at its end.
    pub(crate) fn deltas(&mut self, said: &[Said], size: usize) -> Vec<Batch> {
        said.chunks(size)
            .map(|said| {
                let from = self.seq;
                let changes = self.changes(said);
                delta(from, self.seq, changes)
            })
            .collect()
    }

    /// The changes of messages, their conversations and new people.
    pub(crate) fn changes(&mut self, said: &[Said]) -> Vec<Change> {
        let mut changes = Vec::with_capacity(said.len() + said.len() / 4);
        for one in said {
            if self.known.insert(one.conversation) {
                for entity in people(self.chats, one) {
                    changes.push(self.change(&entity));
                }
            }
            changes.push(self.change(&Entity::Message(message(one))));
        }
        for last in last_of_each(said) {
            changes.push(self.change(&Entity::Conversation(head(self.chats, last))));
        }
        changes
    }

    /// The pages of a snapshot, newest conversations first, as many bytes in each as the desk sends.
    pub(crate) fn snapshot(&mut self, generation: &str) -> Vec<Batch> {
        const PAGE_BYTES: usize = 48 * 1024;
        let mut of_each: BTreeMap<i64, Vec<Said>> = BTreeMap::new();
        for said in &self.chats.messages {
            of_each.entry(said.conversation).or_default().push(said.clone());
        }
        let mut pages = Vec::new();
        let (mut rows, mut bytes) = (Vec::new(), 0);
        for said in of_each.values().rev() {
            for change in self.changes(said) {
                let size = change.data.as_ref().map_or(0, |data| data.as_str().len()) + 100;
                if bytes + size > PAGE_BYTES {
                    pages.push(page(generation, std::mem::take(&mut rows)));
                    bytes = 0;
                }
                bytes += size;
                rows.push(change);
            }
        }
        pages.push(page(generation, rows));
        pages
    }
}

pub(crate) fn delta(from: i64, to: i64, changes: Vec<Change>) -> Batch {
    let delta = Delta { from: Seq(from), to: Seq(to), changes, more: false };
    Batch::Delta { epoch: EPOCH.into(), delta, done: Vec::new() }
}

fn page(generation: &str, rows: Vec<Change>) -> Batch {
    Batch::Snapshot(SnapshotPage { generation: generation.to_owned(), base: Seq(0), rows, next: None })
}

/// The newest message of each conversation among these.
pub(crate) fn last_of_each(said: &[Said]) -> Vec<&Said> {
    let mut last: BTreeMap<i64, &Said> = BTreeMap::new();
    for one in said {
        let newest = last.entry(one.conversation).or_insert(one);
        if newest.number < one.number {
            *newest = one;
        }
    }
    last.into_values().collect()
}

pub(crate) fn message(said: &Said) -> Message {
    let author = match said.agent {
        Some(id) => Author::Agent { id: AgentId(id), name: format!("Agent {id}") },
        None => Author::Visitor,
    };
    Message {
        id: MessageId(said.id),
        conversation: ConversationId(said.conversation),
        number: said.number,
        author,
        kind: MessageKind::Reply,
        text: said.text.clone(),
        attachments: Vec::new(),
        client_id: None,
        created_at: said.at,
        edited_at: None,
        deleted_at: None,
        mentions: Vec::new(),
        article: None,
        choices: Vec::new(),
    }
}

/// A conversation whose newest message this is.
pub(crate) fn head(chats: &Chats, last: &Said) -> Conversation {
    let open = chats.is_open(last.conversation);
    Conversation {
        id: ConversationId(last.conversation),
        kind: ConversationKind::Customer,
        contact: ContactId(last.conversation),
        visitor: VisitorId(last.conversation),
        site: SiteId(1),
        state: if open { ConversationState::Open } else { ConversationState::Closed },
        assignee: Some(AgentId(last.conversation % AGENTS + 1)),
        last_number: last.number,
        waiting_since: (open && last.agent.is_none()).then_some(last.at),
        created_at: last.at,
        active_at: last.at,
        visitor_read: 0,
        snoozed_until: None,
        priority: Priority::None,
        title: String::new(),
        participants: Vec::new(),
        team: None,
        labels: Vec::new(),
        followers: Vec::new(),
    }
}

/// The person of a conversation, and their browser.
pub(crate) fn people(chats: &Chats, said: &Said) -> [Entity; 2] {
    let index = index_of(said.conversation);
    let Language { words, .. } = &chats.languages[index % chats.languages.len()];
    let word = |step: usize| words[(1000 + index * 7 + step * 31) % words.len()].as_str();
    let pages = (0..3)
        .map(|page| PageView {
            url: format!("https://shop.example/{}/{}", word(page + 5), word(page + 6)),
            title: format!("{} {}", word(page + 5), word(page + 7)),
            at: said.at,
        })
        .collect();
    let contact = Contact {
        id: ContactId(said.conversation),
        name: format!("{} {}", word(1), word(2)),
        email: format!("visitor{index}@mail.example"),
        phone: String::new(),
        notes: String::new(),
        created_at: said.at,
        verified: None,
    };
    let visitor = Visitor {
        id: VisitorId(said.conversation),
        contact: ContactId(said.conversation),
        site: SiteId(1),
        region: Region::default(),
        ip: String::new(),
        browser: "Firefox 146".into(),
        os: "Windows 11".into(),
        device: "desktop".into(),
        language: "en".into(),
        spoken: String::new(),
        screen: "1920×1080".into(),
        referrer: String::new(),
        visits: 1,
        chats: 1,
        visit_started_at: said.at,
        last_seen_at: said.at,
        pages,
    };
    [Entity::Contact(contact), Entity::Visitor(visitor)]
}
