//! The desk without sockets, threads and clocks, for simulations that decide themselves what happens when.
//!
//! Everything between a frame that came and the frames that go out is the server's own: the same store, commands,
//! group commit and [`Feed`]. Only the waiting is left out.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;

use deskbell_protocol::{
    Agent, AgentId, Assignment, Change, ClientFrame, ClientId, CommandFrame, ConversationId, Cursor, EntityKind,
    ItemEdit, ItemKind, ItemState, NewItem, Region, RingAck, Role, Seq, ServerFrame, Site, TextOwner, Timestamp,
    VisitorId, Welcome,
    http::{DeskSettings, NewCannedText},
};
use tokio::sync::oneshot;

use crate::authorize::Principal;
use crate::feed::Feed;
use crate::limits::Newcomers;
use crate::people::Actor;
use crate::rings::{Call, Rings};
use crate::settings::Settings;
use crate::store::batch::{Batches, Job, Write, ask};
use crate::store::log::{self, Committed};
use crate::store::{self, Connection, Failure, OpenError, Outcome, agents, rings, settings, sites};
use crate::user_agent::UserAgent;
use crate::visits::{self, Details};
use crate::{assignment, canned_texts, commands, items, people, sync, tokens};

/// Somebody who may connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Person {
    /// An agent.
    Agent(AgentId),
    /// A visitor.
    Visitor(VisitorId),
}

impl Person {
    fn principal(self) -> Principal {
        match self {
            Self::Agent(id) => Principal::Agent(id),
            Self::Visitor(id) => Principal::Visitor(id),
        }
    }
}

/// What one transaction changed, for those who are connected.
pub struct News(Arc<Committed>);

impl News {
    fn new(committed: Committed) -> Self {
        Self(Arc::new(committed))
    }

    /// Whether it concerns a visitor.
    pub fn concerns(&self, visitor: VisitorId) -> bool {
        self.0.visitors.contains(&visitor)
    }
}

/// A client that is connected.
pub struct Session {
    feed: Feed,
    person: Person,
    /// Transactions of this server that the session has not looked at yet.
    waiting: Vec<Arc<Committed>>,
}

/// One server on a database file. Several of them may share one file.
pub struct Desk {
    batches: Batches,
    reader: Connection,
}

/// Makes the pages of this thread's servers so small; `None`: as they are.
pub fn page_bytes(bytes: Option<usize>) {
    sync::SMALL_PAGES.set(bytes);
}

/// The answer to a job whose transaction is over.
fn answer<T>(mut answered: oneshot::Receiver<Outcome<T>>) -> Outcome<T> {
    answered.try_recv().unwrap_or(Err(Failure::Busy))
}

fn internal(failure: Failure) -> OpenError {
    OpenError::Io(std::io::Error::other(failure.into_refusal().message))
}

/// Gives somebody a prepared text.
fn prepare(write: &mut Write<'_>, owner: TextOwner) -> Outcome<()> {
    let (shortcut, title, text) = ("hello".to_owned(), "Hello".to_owned(), "Hello {visitor.name}".to_owned());
    canned_texts::put(write, NewCannedText { owner, shortcut, title, text, attachments: Vec::new() })?;
    Ok(())
}

impl Desk {
    /// Opens a server on a file, and makes the desk when there is none.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        if !path.try_exists()? {
            store::make(path)?;
        }
        Self::connect(path)
    }

    /// Opens a server on a database in memory, which lives as long as a server on it does.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn in_memory(name: &str) -> Result<Self, OpenError> {
        Self::connect(Path::new(&format!("file:/{name}?vfs=memdb")))
    }

    fn connect(path: &Path) -> Result<Self, OpenError> {
        let batches = Batches::new(store::open(path, "Simulated")?);
        let reader = store::open(path, "Simulated")?;
        let desk = Self { batches, reader };
        if sites::ids(&desk.reader)?.is_empty() {
            desk.run(1, |write| {
                let id = write.new_id();
                let site = Site::new(id.into(), "Shop", "shop");
                sites::put(write.connection, &site)?;
                write.touch(EntityKind::Site, id)?;
                prepare(write, TextOwner::Desk)?;
                people::settle(write)
            })?;
        }
        Ok(desk)
    }

    fn run<T: Send + 'static>(
        &self,
        now: Timestamp,
        work: impl FnOnce(&mut Write<'_>) -> Outcome<T> + Send + 'static,
    ) -> Result<T, OpenError> {
        let (job, answered) = ask(work);
        self.batches.run(vec![job], now, |_| {});
        answer(answered).map_err(internal)
    }

    /// Adds an agent. The first one is an admin.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn add_agent(&self, name: &str, now: Timestamp) -> Result<AgentId, OpenError> {
        let name = name.to_owned();
        self.run(now, move |write| {
            let id = write.new_id();
            let email = format!("{id}@example.com");
            let role = if agents::ids(write.connection)?.is_empty() { Role::Admin } else { Role::Agent };
            let agent = Agent::new(id.into(), &name, &email, role);
            agents::add(write.connection, &agent, "", write.now)?;
            write.touch(EntityKind::Agent, id)?;
            people::settle(write)?;
            prepare(write, TextOwner::Agent { agent: AgentId(id) })?;
            Ok(AgentId(id))
        })
    }

    /// Lets a visitor open the messenger for the first time.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn add_visitor(&self, now: Timestamp) -> Result<VisitorId, OpenError> {
        let found = sites::find_by_key(&self.reader, "shop").map_err(internal)?;
        let site = found.ok_or_else(|| internal(Failure::not_found("site")))?;
        let details = Details {
            from: IpAddr::V6(Ipv6Addr::LOCALHOST),
            region: Region::default(),
            ip: String::new(),
            user_agent: UserAgent::default(),
            language: "en".to_owned(),
            spoken: None,
            screen: "1x1".to_owned(),
        };
        let token = tokens::hash(&tokens::secret());
        self.run(now, move |write| {
            let brought = visits::Brought { token: None, fresh: &token, presence: None, signed: None };
            Ok(visits::panel_opened(write, &site, brought, &details, &Newcomers::new(0))?.visitor)
        })
    }

    /// The newest place of the log.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn head(&self) -> Result<Seq, OpenError> {
        Ok(log::desk(&self.reader)?.head)
    }

    /// Makes the log another one, as restoring a backup does.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn begin_another_epoch(&self) -> Result<(), OpenError> {
        self.run(1, |write| Ok(log::begin_another_epoch(write.connection)?))
    }

    /// Copies the desk as it is now into a new file.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn back_up(&self, file: &Path) -> Result<(), OpenError> {
        Ok(self.reader.copy_to(file)?)
    }

    /// Answers `hello`.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn greet(
        &self,
        person: Person,
        cursor: Option<Cursor>,
        now: Timestamp,
    ) -> Result<(Session, Vec<ServerFrame>), OpenError> {
        // As every read of the server: all of it sees one state.
        let reader = self.reader.look()?;
        let desk = log::desk(&reader)?;
        let mut feed = Feed::new(person.principal());
        let (mode, reset) = feed.begin(&desk, cursor, now);
        let mut frames = vec![ServerFrame::Welcome(Welcome {
            session: String::new(),
            epoch: desk.epoch,
            head: desk.head,
            server_time: now,
            heartbeat_ms: 15_000,
            mode,
            agent: None,
            visitor: None,
        })];
        frames.extend(feed.open(&reader, reset).map_err(internal)?);
        Ok((Session { feed, person, waiting: Vec::new() }, frames))
    }

    /// Does commands in one transaction. An answer for each, and what they changed together.
    pub fn perform(&self, group: Vec<(Person, CommandFrame)>, now: Timestamp) -> (Vec<ServerFrame>, Option<News>) {
        let mut jobs: Vec<Box<dyn Job>> = Vec::with_capacity(group.len());
        let mut asked = Vec::with_capacity(group.len());
        for (person, command) in group {
            let client_id = command.client_id.clone();
            let principal = person.principal();
            let (job, answered) = ask(move |write| Ok(commands::perform(write, principal, command)?.0));
            jobs.push(job);
            asked.push((client_id, answered));
        }
        let news = self.batches.run(jobs, now, News::new);
        let answers = asked.into_iter().map(|(client_id, answered)| match answer(answered) {
            Ok(ack) => ServerFrame::Ack(ack),
            Err(failure) => ServerFrame::Nack(commands::nack(client_id, failure)),
        });
        (answers.collect(), news)
    }

    /// Opens the snoozed conversations whose time has come, as a server does by itself. What changed.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn wake(&self, now: Timestamp) -> Result<Option<News>, OpenError> {
        let (job, answered) = ask(|write| commands::wake_due(write, i64::MAX));
        let news = self.batches.run(vec![job], now, News::new);
        answer(answered).map_err(internal)?;
        Ok(news)
    }

    /// Makes a task about a conversation, which is about nothing else then, or turns the one that it is about. Nothing
    /// becomes of what the desk refuses. What changed.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn task(&self, about: ConversationId, anew: bool, now: Timestamp) -> Result<Option<News>, OpenError> {
        let (job, answered) = ask(move |write| {
            let actor = Actor::desk();
            let known = store::items::of_conversation(write.connection, about)?.filter(|_| !anew);
            let done = match known {
                Some(id) => {
                    let closed =
                        store::items::find(write.connection, id)?.is_some_and(|it| it.state == ItemState::Closed);
                    let state = Some(if closed { ItemState::Open } else { ItemState::Closed });
                    items::edit(write, &actor, id, ItemEdit { state, ..ItemEdit::default() })
                }
                None => items::add(
                    write,
                    &actor,
                    NewItem {
                        kind: ItemKind::Task,
                        title: format!("about {about}"),
                        description: String::new(),
                        assignee: None,
                        project: None,
                        conversation: Some(about),
                    },
                ),
            };
            done.map(drop)
        });
        let news = self.batches.run(vec![job], now, News::new);
        match answer(answered) {
            Ok(()) | Err(Failure::Refused(_)) => Ok(news),
            Err(failure) => Err(internal(failure)),
        }
    }

    /// Gives conversations of no team to agents by this rule from now on.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn assign_by(&self, assignment: Assignment) -> Result<(), OpenError> {
        self.run(1, move |write| {
            let first = Settings::default().first();
            settings::begin(write.connection, &first)?;
            Ok(settings::put(write.connection, &DeskSettings { assignment, ..first })?)
        })
    }

    /// Gives conversations that wait to those who are there, and takes back what nobody has answered, as a server does
    /// by itself. What changed.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn give(&self, online: BTreeSet<AgentId>, now: Timestamp) -> Result<Option<News>, OpenError> {
        let (job, answered) = ask(move |write| {
            assignment::take_back(write, i64::MAX)?;
            let waiting = assignment::givable(write.connection, &online, usize::MAX)?;
            assignment::give_all(write, &waiting, &online)
        });
        let news = self.batches.run(vec![job], now, News::new);
        answer(answered).map_err(internal)?;
        Ok(news)
    }

    /// Begins commands in one transaction, and dies when it is to be made durable. The answers that had left by
    /// then.
    pub fn die_over(&self, group: Vec<(Person, CommandFrame)>, now: Timestamp) -> Vec<Option<ServerFrame>> {
        self.batches.die_at_commit();
        let (answers, _) = self.perform(group, now);
        answers.into_iter().map(|answer| matches!(answer, ServerFrame::Ack(_)).then_some(answer)).collect()
    }

    /// Every row that a person may see, as it is now.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn rows(&self, person: Person) -> Result<Vec<Change>, OpenError> {
        let (mut rows, mut from) = (Vec::new(), Seq(0));
        let reader = self.reader.look()?;
        loop {
            let delta = sync::delta(&reader, &person.principal(), from).map_err(internal)?;
            let delta = delta.ok_or_else(|| internal(Failure::not_found("place in the log")))?;
            rows.extend(delta.changes);
            if !delta.more {
                return Ok(rows);
            }
            from = delta.to;
        }
    }

    /// Whether a command was done.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn has_done(&self, person: Person, id: &ClientId) -> Result<bool, OpenError> {
        Ok(log::find_command(&self.reader, person.principal().key(), id)?.is_some())
    }
}

/// What a server rings.
#[derive(Default)]
pub struct Ringer(Rings);

/// What a server tells whom of those who wait.
pub struct Calls(Vec<Call>);

impl Ringer {
    /// Looks who waits now. All visitors are there. `millis` is of a clock that only goes forward.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn look(&mut self, desk: &Desk, millis: u64) -> Result<Calls, OpenError> {
        let reader = desk.reader.look()?;
        let mut ids: BTreeSet<ConversationId> = self.0.all().collect();
        ids.extend(rings::all(&reader)?);
        let mut calls = Vec::new();
        for id in ids {
            let waiting = rings::waiting(&reader, id).map_err(internal)?;
            calls.extend(self.0.settle(id, waiting, true, millis));
        }
        Ok(Calls(calls))
    }

    /// An agent's device says what became of a ring.
    pub fn acknowledge(&mut self, person: Person, ack: &RingAck) -> Calls {
        match person {
            Person::Agent(agent) => Calls(self.0.acknowledge(agent, 0, ack).into_iter().collect()),
            Person::Visitor(_) => Calls(Vec::new()),
        }
    }
}

impl Calls {
    /// What one of the sessions of a person is told.
    pub fn of(&self, person: Person) -> Vec<ServerFrame> {
        let Person::Agent(agent) = person else { return Vec::new() };
        let mine = self.0.iter().filter(|call| call.to.contains(&agent));
        mine.map(|call| ServerFrame::Ring(call.ring.clone())).collect()
    }
}

impl Desk {
    /// Conversations that ring for an agent.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn ringing(&self, agent: AgentId) -> Result<BTreeSet<ConversationId>, OpenError> {
        let reader = self.reader.look()?;
        let mut ringing = BTreeSet::new();
        for id in rings::all(&reader)? {
            let waiting = rings::waiting(&reader, id).map_err(internal)?;
            if waiting.is_some_and(|waiting| waiting.agents.contains(&agent)) {
                ringing.insert(id);
            }
        }
        Ok(ringing)
    }
}

impl Session {
    /// Whose session it is.
    pub fn person(&self) -> Person {
        self.person
    }

    /// Hears of a transaction of this server. An agent's session looks at it when it comes to it, with
    /// [`Session::look`].
    pub fn hear(&mut self, news: &News) {
        match self.person {
            Person::Agent(_) => self.waiting.push(Arc::clone(&news.0)),
            Person::Visitor(visitor) if news.concerns(visitor) => self.feed.fall_behind(),
            Person::Visitor(_) => {}
        }
    }

    /// What all that was heard means for the client.
    pub fn look(&mut self) -> Vec<ServerFrame> {
        let waiting = std::mem::take(&mut self.waiting);
        self.feed.committed(waiting.iter().map(Arc::as_ref), true)
    }

    /// Another server has written, or something was missed.
    pub fn fall_behind(&mut self) {
        self.feed.fall_behind();
    }

    /// What follows an answer that was sent.
    pub fn answered(&mut self, answer: &ServerFrame) -> Vec<ServerFrame> {
        match answer {
            ServerFrame::Ack(ack) => self.feed.acknowledged(ack).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// Whether the log has to be read now.
    pub fn is_behind(&self) -> bool {
        self.feed.is_behind()
    }

    /// Reads on in the log.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn catch_up(&mut self, desk: &Desk, now: Timestamp) -> Result<Vec<ServerFrame>, OpenError> {
        let reader = desk.reader.look()?;
        self.feed.catch_up(&reader, now).map_err(internal)
    }

    /// Answers anything but `hello` and commands.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn frame(&mut self, desk: &Desk, frame: &ClientFrame) -> Result<Vec<ServerFrame>, OpenError> {
        let reader = desk.reader.look()?;
        Ok(match frame {
            ClientFrame::Hb(_) => self.beat(),
            ClientFrame::SnapNext(next) if self.feed.expects(next) => {
                self.feed.snapshot_page(&reader).map_err(internal)?
            }
            ClientFrame::Hist(request) => {
                let page = sync::history(&reader, &self.person.principal(), request).map_err(internal)?;
                vec![ServerFrame::HistPage(page)]
            }
            _ => Vec::new(),
        })
    }

    /// The regular sign of life.
    pub fn beat(&mut self) -> Vec<ServerFrame> {
        let mut frames: Vec<ServerFrame> = self.feed.move_cursor().into_iter().collect();
        frames.push(crate::socket::heartbeat(self.feed.head()));
        frames
    }
}
