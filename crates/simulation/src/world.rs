//! The run of one seed.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use deskbell_engine::Event;
use deskbell_protocol::{
    AgentId, Assignment, AssignmentRule, Author, ClientFrame, ClientId, Command, CommandFrame, ConversationState,
    ErrorCode, Message, MessageKind, Nack, Priority, Seq, ServerFrame,
};
use deskbell_server::simulation::{Calls, Desk, News, Person, Ringer, Session, page_bytes};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

use crate::check;
use crate::computer::{Computer, Wish};
use crate::network::{Millis, Way, Wire};

/// Who takes part, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    /// Agents.
    pub agents: usize,
    /// Visitors.
    pub visitors: usize,
    /// Servers on one database.
    pub servers: usize,
    /// Things that happen before it becomes quiet.
    pub acts: usize,
    /// The desk may be restored from a backup.
    pub restores: bool,
}

impl Default for Story {
    fn default() -> Self {
        Self { agents: 3, visitors: 5, servers: 2, acts: 200, restores: true }
    }
}

/// What went wrong with a seed.
#[derive(Debug)]
pub struct Failure {
    /// The seed; running it again shows the same.
    pub seed: u64,
    /// What is not as it must be.
    pub what: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "seed {}: {}", self.seed, self.what)
    }
}

/// Ten years in milliseconds: how far a clock may be off.
const SKEW: i64 = 10 * 365 * 24 * 3_600_000;
/// The desk's clock at the beginning: 2026-01-01.
const BEGINNING: i64 = 1_767_225_600_000;
/// A server's sign of life, and its look at what the others wrote.
const BEAT: Millis = 15_000;
const POLL: Millis = 2_000;
/// A client's tick.
const TICK: Millis = 500;
/// How long it takes at most until everything is equal, once everything works: a dead connection is noticed, the
/// longest wait passes, and a lost frame is noticed once more.
const QUIET: Millis = 150_000;

/// One server: its hold on the database, and who is connected to it. `None` while it is down.
struct Server {
    desk: Option<Desk>,
    sessions: Vec<(usize, Session)>,
    ringer: Ringer,
    /// The wall clock's error.
    skew: i64,
    beat_at: Millis,
    poll_at: Millis,
    up_at: Millis,
}

pub(crate) struct World {
    random: Xoshiro256PlusPlus,
    pub(crate) now: Millis,
    file: PathBuf,
    backup: Option<PathBuf>,
    pub(crate) restored: bool,
    servers: Vec<Server>,
    pub(crate) computers: Vec<Computer>,
    /// Where the changes of commands stand in the log, as far as they were answered.
    pub(crate) places: HashMap<ClientId, Seq>,
    names: u128,
    /// Frames may be lost, doubled and swapped.
    foul: bool,
    restores: bool,
    /// Servers open snoozed conversations at their time.
    wakes: bool,
}

/// Plays a seed from beginning to end.
///
/// # Errors
/// What is not as it must be, with the seed.
pub fn run(seed: u64, story: Story) -> Result<(), Failure> {
    let played = catch_unwind(AssertUnwindSafe(|| play(seed, story)));
    let what = match played {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(what)) => what,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
        }
    };
    Err(Failure { seed, what })
}

fn play(seed: u64, story: Story) -> Result<(), String> {
    // Memory as a disk, where there is one: a crash of a program loses nothing that was written to a file.
    let memory = Path::new("/dev/shm");
    let directory = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let directory = directory.map_err(|error| error.to_string())?;
    let mut world = World::new(seed, story, directory.path())?;
    for _ in 0..story.acts {
        world.act()?;
        let passes = world.random.random_range(0..1_500);
        world.pass(passes)?;
    }
    world.heal()?;
    let quiet_from = world.now;
    while world.now < quiet_from + QUIET && !world.is_settled()? {
        world.pass(5_000)?;
    }
    // A server whose clock is behind may only just have put off what is due by the others' clocks: they look in a moment.
    world.pass(3 * POLL)?;
    // Whatever is due later is not part of the story.
    world.wakes = false;
    check::nothing_is_overdue(&world)?;
    // Nobody tells a visitor's session of the last change when the poke was lost: it looks by itself in a moment.
    world.pass(2 * POLL)?;
    check::everything(&world, world.desk()?)?;
    // What was said of a ring while things happened is over with the round, and what is not said again with its life.
    world.pass(30_000)?;
    check::rings(&world, world.desk()?)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl World {
    fn new(seed: u64, story: Story, directory: &Path) -> Result<Self, String> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let file = directory.join("desk.db");
        let first = Desk::open(&file).map_err(text)?;
        let mut computers = Vec::new();
        for number in 0..story.agents {
            let id = first.add_agent(&format!("Agent {number}"), BEGINNING).map_err(text)?;
            computers.push(Computer::new(Person::Agent(id)));
        }
        for _ in 0..story.visitors {
            let id = first.add_visitor(BEGINNING).map_err(text)?;
            computers.push(Computer::new(Person::Visitor(id)));
        }
        // Little is enough for a snapshot of many pages then.
        page_bytes(random.random_bool(0.5).then_some(2_000));
        let foul = random.random_bool(0.5);
        let mut world = Self {
            random,
            now: 0,
            file,
            backup: None,
            restored: false,
            servers: Vec::new(),
            computers,
            places: HashMap::new(),
            names: 0,
            foul,
            restores: story.restores,
            wakes: true,
        };
        if world.random.random_bool(0.3) {
            let rule = [AssignmentRule::LeastBusy, AssignmentRule::RoundRobin][world.random.random_range(0..2)];
            let back_after_s = [0, 10, 60][world.random.random_range(0..3)];
            let capacity = world.random.random_range(1..4);
            first.assign_by(Assignment { rule, capacity, back_after_s }).map_err(text)?;
        }
        let mut desk = Some(first);
        for _ in 0..story.servers {
            let desk = match desk.take() {
                Some(desk) => desk,
                None => Desk::open(&world.file).map_err(text)?,
            };
            world.servers.push(Server {
                desk: Some(desk),
                sessions: Vec::new(),
                ringer: Ringer::default(),
                skew: 0,
                beat_at: BEAT,
                poll_at: POLL,
                up_at: 0,
            });
        }
        for who in 0..world.computers.len() {
            let chance = world.random.random();
            world.computers[who].step(0, chance, Event::Started);
        }
        world.settle_wishes();
        Ok(world)
    }

    /// The desk as the first server has it.
    pub(crate) fn desk(&self) -> Result<&Desk, String> {
        Ok(self.servers[0].desk.as_ref().ok_or("the server is down")?)
    }

    fn name(&mut self) -> u128 {
        self.names += 1;
        self.names
    }

    fn wall(&self, server: usize) -> i64 {
        BEGINNING + i64::try_from(self.now).unwrap_or_default() + self.servers[server].skew
    }

    /// Something happens.
    fn act(&mut self) -> Result<(), String> {
        let who = self.random.random_range(0..self.computers.len());
        let server = self.random.random_range(0..self.servers.len());
        let at = self.random.random_range(0..64);
        let awhile = self.random.random_range(1_000..60_000);
        match self.random.random_range(0..100) {
            0..60 => self.person_acts(who),
            60..62 => self.tasks(server)?,
            62..66 => self.cut(who),
            66..70 => {
                // Half-open: nothing arrives any more, and nobody is told.
                let until = self.now + awhile;
                if let Some(wire) = &mut self.computers[who].wire {
                    (wire.up.stuck_until, wire.down.stuck_until) = (until, until);
                }
            }
            70..73 => {
                let until = self.now + awhile;
                if let Some(wire) = &mut self.computers[who].wire {
                    wire.up.stuck_until = until;
                }
            }
            73..76 => {
                let until = self.now + awhile;
                if let Some(wire) = &mut self.computers[who].wire {
                    wire.down.stuck_until = until;
                }
            }
            76..82 if self.foul => {
                let kind = self.random.random_range(0..6);
                if let Some(wire) = &mut self.computers[who].wire {
                    match kind {
                        0 => wire.up.lose(at),
                        1 => wire.down.lose(at),
                        2 => wire.up.double(at),
                        3 => wire.down.double(at),
                        4 => wire.up.swap(at),
                        _ => wire.down.swap(at),
                    }
                }
            }
            76..82 => {}
            82..87 => {
                // At once, or in the middle of what it does next.
                if self.random.random() {
                    self.computers[who].dies_after = Some(self.random.random_range(1..8));
                } else {
                    self.crash(who);
                }
            }
            87..90 => self.stop_server(server, awhile / 4),
            90..93 => self.computers[who].asleep_until = self.now + awhile,
            93..95 => {
                let chance = self.random.random();
                let now = self.now;
                let event = if chance % 2 == 0 { Event::RetryNow } else { Event::NetworkChanged };
                self.computers[who].step(now, chance, event);
            }
            95..97 => self.servers[server].skew = self.random.random_range(-SKEW..SKEW),
            97..99 => self.back_up()?,
            _ if self.restores => self.restore()?,
            _ => {}
        }
        self.settle_wishes();
        Ok(())
    }

    /// Somebody makes a task of a conversation, or does one, on a server's own pages.
    fn tasks(&mut self, index: usize) -> Result<(), String> {
        let (wall, anew) = (self.wall(index), self.random.random());
        let agents = self.computers.iter().filter(|computer| matches!(computer.person, Person::Agent(_)));
        let seen: Vec<_> = agents.flat_map(|computer| check::conversations(computer.cache())).collect();
        let Some(desk) = &self.servers[index].desk else { return Ok(()) };
        if seen.is_empty() {
            return Ok(());
        }
        let about = seen[self.random.random_range(0..seen.len())].0.id;
        let news = desk.task(about, anew, wall).map_err(text)?;
        self.tell(index, news.as_ref());
        Ok(())
    }

    fn person_acts(&mut self, who: usize) {
        let (now, chance, bits) = (self.now, self.random.random(), self.name());
        let text = format!("message {bits}");
        if let Person::Visitor(_) = self.computers[who].person {
            let command = Command::Send {
                conversation: None,
                kind: MessageKind::Reply,
                text,
                attachments: vec![],
                mentions: Vec::new(),
                article: None,
                choice: None,
            };
            return self.computers[who].queue(now, chance, command, None, bits);
        }
        let Person::Agent(me) = self.computers[who].person else { return };
        if self.random.random_bool(0.04) {
            // Two of them may begin at once; a title makes it a group.
            let title = if self.random.random() { String::new() } else { format!("Group {bits}") };
            let agents = vec![self.colleague()];
            let command = Command::StartInternal { agents, title, text };
            return self.computers[who].queue(now, chance, command, None, bits);
        }
        // Agents act on what they see.
        let seen = check::conversations(self.computers[who].cache());
        if seen.is_empty() {
            return;
        }
        let (conversation, rev) = seen[self.random.random_range(0..seen.len())].clone();
        let id = conversation.id;
        let kind = if conversation.is_internal() { MessageKind::Note } else { MessageKind::Reply };
        let careful = self.random.random_bool(0.5);
        let (command, if_rev) = match self.random.random_range(0..22) {
            0..4 => (
                Command::Send {
                    conversation: Some(id),
                    kind,
                    text,
                    attachments: vec![],
                    mentions: Vec::new(),
                    article: None,
                    choice: None,
                },
                None,
            ),
            4 => {
                // Some do not see it: the desk refuses to mention them.
                let mentions = if self.random.random() { vec![self.colleague()] } else { Vec::new() };
                let kind = MessageKind::Note;
                (
                    Command::Send {
                        conversation: Some(id),
                        kind,
                        text,
                        attachments: vec![],
                        mentions,
                        article: None,
                        choice: None,
                    },
                    None,
                )
            }
            5 => {
                // Whoever has scrolled up sees older ones.
                let number = self.random.random_range(0..=conversation.last_number);
                (Command::MarkRead { conversation: id, number }, None)
            }
            6 => {
                let from = self.random.random_bool(0.5).then(|| conversation.holder());
                (Command::Assign { conversation: id, agent: Some(me), team: None, from }, careful.then_some(rev))
            }
            7 => {
                let state = match conversation.state {
                    ConversationState::Closed | ConversationState::Snoozed => ConversationState::Open,
                    ConversationState::Open => ConversationState::Closed,
                };
                (Command::SetState { conversation: id, state }, careful.then_some(rev))
            }
            8 | 9 => {
                // By the clock of a server, which the other one may not share; some times have passed before they come.
                let server = self.random.random_range(0..self.servers.len());
                let wall = self.wall(server);
                let ahead = self.random.random_range(-1_000..60_000);
                let until = self.random.random_bool(0.7).then_some(wall + ahead);
                (Command::Snooze { conversation: id, until }, careful.then_some(rev))
            }
            10 | 11 => {
                // A few labels, so that agents meet on them; some in another spelling.
                let label = |bits: u32| format!("{} {}", ["Label", "label"][(bits % 2) as usize], bits % 30);
                let add = (0..self.random.random_range(0..3)).map(|_| label(self.random.random())).collect();
                let remove = (0..self.random.random_range(0..2)).map(|_| label(self.random.random())).collect();
                (Command::ChangeLabels { conversation: id, add, remove }, None)
            }
            12..15 => {
                // Mostly of one's own; the rest is for an admin to delete, and refused of others.
                let page = self.computers[who].cache().messages(id, None, 50).unwrap_or_default();
                let mine = |message: &Message| matches!(message.author, Author::Agent { id, .. } if id == me);
                let chosen = page.messages.iter().zip(&page.revs).filter(|(message, _)| mine(message) || bits % 5 == 0);
                let chosen: Vec<_> = chosen.collect();
                if chosen.is_empty() {
                    return;
                }
                let (message, rev) = chosen[self.random.random_range(0..chosen.len())];
                let text = format!("edited {bits}");
                let command = match self.random.random_range(0..3) {
                    0 => Command::DeleteMessage { conversation: id, message: message.id },
                    _ => Command::EditMessage { conversation: id, message: message.id, text },
                };
                (command, careful.then_some(*rev))
            }
            15 => (
                Command::EditContact {
                    contact: conversation.contact,
                    name: text,
                    email: String::new(),
                    phone: String::new(),
                    notes: String::new(),
                },
                None,
            ),
            17 => {
                let all = [Priority::None, Priority::Low, Priority::Medium, Priority::High, Priority::Urgent];
                let priority = all[self.random.random_range(0..all.len())];
                (Command::SetPriority { conversation: id, priority }, careful.then_some(rev))
            }
            16 => {
                let texts = self.computers[who].cache().canned_texts("", 9).unwrap_or_default();
                let Some(text) = texts.get(bits as usize % texts.len().max(1)) else { return };
                (Command::UseCannedText { text: text.id }, None)
            }
            18 | 19 => {
                let (add, remove) = match self.random.random_range(0..3) {
                    0 => (vec![self.colleague()], vec![]),
                    1 if conversation.is_internal() => (vec![], vec![me]),
                    1 => (vec![], vec![self.colleague()]),
                    _ => (vec![self.colleague(), self.colleague()], vec![]),
                };
                (Command::ChangeParticipants { conversation: id, add, remove }, careful.then_some(rev))
            }
            20 => {
                let following = !conversation.followers.contains(&me);
                (Command::Follow { conversation: id, following }, careful.then_some(rev))
            }
            _ => return self.computers[who].ask_history(id, conversation.last_number),
        };
        self.computers[who].queue(now, chance, command, if_rev, bits);
    }

    /// One of the agents, who may be oneself.
    fn colleague(&mut self) -> AgentId {
        let agents = self.computers.iter().filter_map(|computer| match computer.person {
            Person::Agent(id) => Some(id),
            Person::Visitor(_) => None,
        });
        let agents: Vec<AgentId> = agents.collect();
        agents[self.random.random_range(0..agents.len())]
    }

    /// Both ends hear that the connection is gone.
    fn cut(&mut self, who: usize) {
        if self.computers[who].wire.is_none() {
            return;
        }
        self.hang_up(who);
        self.computers[who].wire = None;
        let (now, chance) = (self.now, self.random.random());
        self.computers[who].step(now, chance, Event::Disconnected);
    }

    fn crash(&mut self, who: usize) {
        let (now, chance) = (self.now, self.random.random());
        self.hang_up(who);
        self.computers[who].crash(now, chance);
    }

    /// The server forgets a computer's session.
    fn hang_up(&mut self, who: usize) {
        for server in &mut self.servers {
            server.sessions.retain(|(whose, _)| *whose != who);
        }
    }

    fn stop_server(&mut self, server: usize, down_for: Millis) {
        self.servers[server].desk = None;
        self.servers[server].sessions.clear();
        self.servers[server].ringer = Ringer::default();
        self.servers[server].up_at = self.now + down_for;
        for computer in &mut self.computers {
            if let Some(wire) = &mut computer.wire
                && wire.server == server
            {
                wire.hung_up = true;
            }
        }
    }

    fn back_up(&mut self) -> Result<(), String> {
        let Some(desk) = self.servers.iter().find_map(|server| server.desk.as_ref()) else { return Ok(()) };
        let file = self.file.with_extension("backup");
        if file.exists() {
            std::fs::remove_file(&file).map_err(text)?;
        }
        desk.back_up(&file).map_err(text)?;
        self.backup = Some(file);
        Ok(())
    }

    /// All servers stop, the desk becomes what it was, in another epoch, and the servers start again.
    fn restore(&mut self) -> Result<(), String> {
        let Some(backup) = self.backup.take() else { return Ok(()) };
        for server in 0..self.servers.len() {
            self.stop_server(server, 1_000);
        }
        for ending in ["", "-wal", "-shm"] {
            let file = PathBuf::from(format!("{}{ending}", self.file.display()));
            if file.exists() {
                std::fs::remove_file(file).map_err(text)?;
            }
        }
        std::fs::rename(&backup, &self.file).map_err(text)?;
        let desk = Desk::open(&self.file).map_err(text)?;
        desk.begin_another_epoch().map_err(text)?;
        self.restored = true;
        // Agents' messages are offered again. Whatever else was promised since the backup is gone with the old desk.
        for computer in &mut self.computers {
            // What the old desk had said and nobody heard is never heard.
            if let Some(wire) = &mut computer.wire {
                wire.down = Way::default();
            }
            let waiting = check::outbox_names(computer.cache());
            let person = computer.person;
            let mut kept = Vec::new();
            for frame in computer.queued.drain(..) {
                let message = matches!(frame.command, Command::Send { .. }) && matches!(person, Person::Agent(_));
                if message
                    || waiting.contains(&frame.client_id)
                    || desk.has_done(person, &frame.client_id).map_err(text)?
                {
                    kept.push(frame);
                }
            }
            computer.queued = kept;
        }
        Ok(())
    }

    /// Everything works again from here on.
    fn heal(&mut self) -> Result<(), String> {
        let now = self.now;
        for server in &mut self.servers {
            server.up_at = now;
        }
        self.foul = false;
        for computer in &mut self.computers {
            computer.dies_after = None;
            computer.accepts = false;
            computer.asleep_until = now;
            if let Some(wire) = &mut computer.wire {
                wire.up.heal();
                wire.down.heal();
            }
        }
        self.pass(1)
    }

    /// Time passes, and what is due happens.
    fn pass(&mut self, millis: Millis) -> Result<(), String> {
        let end = self.now + millis;
        loop {
            self.deliver()?;
            let next = self.next_moment().clamp(self.now + 1, end.max(self.now + 1));
            if next > end {
                self.now = end;
                return Ok(());
            }
            self.now = next;
            if self.now == end {
                return self.deliver();
            }
        }
    }

    /// When something is due next.
    fn next_moment(&self) -> Millis {
        let mut next = Millis::MAX;
        for server in &self.servers {
            next = next.min(if server.desk.is_some() { server.beat_at.min(server.poll_at) } else { server.up_at });
        }
        for computer in &self.computers {
            let mut due = computer.ticked_at + TICK;
            if let Some(wire) = &computer.wire {
                for moment in [wire.up.next(), wire.down.next()].into_iter().flatten() {
                    due = due.min(moment);
                }
            }
            if let Some(moment) = computer.connects_at {
                due = due.min(moment);
            }
            next = next.min(due.max(computer.asleep_until));
        }
        next
    }

    fn deliver(&mut self) -> Result<(), String> {
        self.start_servers()?;
        self.connect()?;
        self.go_up()?;
        self.catch_up()?;
        self.go_down();
        self.tick();
        Ok(())
    }

    fn start_servers(&mut self) -> Result<(), String> {
        for index in 0..self.servers.len() {
            if self.servers[index].desk.is_none() && self.servers[index].up_at <= self.now {
                self.servers[index].desk = Some(Desk::open(&self.file).map_err(text)?);
                (self.servers[index].beat_at, self.servers[index].poll_at) = (self.now + BEAT, self.now + POLL);
            }
        }
        Ok(())
    }

    fn connect(&mut self) -> Result<(), String> {
        for who in 0..self.computers.len() {
            let computer = &mut self.computers[who];
            if computer.asleep_until > self.now || computer.connects_at.is_none_or(|time| time > self.now) {
                continue;
            }
            computer.connects_at = None;
            let server = self.random.random_range(0..self.servers.len());
            let event = if self.servers[server].desk.is_some() {
                self.computers[who].wire = Some(Wire::to(server));
                Event::Connected
            } else {
                Event::Disconnected
            };
            let (now, chance) = (self.now, self.random.random());
            self.computers[who].step(now, chance, event);
            self.settle_wishes();
        }
        Ok(())
    }

    /// Carries out what computers want of the network.
    fn settle_wishes(&mut self) {
        for who in 0..self.computers.len() {
            if self.computers[who].is_dead() {
                self.crash(who);
            }
            for wish in std::mem::take(&mut self.computers[who].wishes) {
                match wish {
                    Wish::Close => {
                        self.hang_up(who);
                        self.computers[who].wire = None;
                        self.computers[who].connects_at = None;
                    }
                    Wish::Connect => {
                        self.hang_up(who);
                        self.computers[who].wire = None;
                        let takes = self.random.random_range(1..400);
                        self.computers[who].connects_at = Some(self.now + takes);
                    }
                }
            }
            let frames = std::mem::take(&mut self.computers[who].outgoing);
            for frame in frames {
                let arrives = self.now + self.random.random_range(1..120);
                if let Some(wire) = &mut self.computers[who].wire {
                    wire.up.send(arrives, frame);
                }
            }
        }
    }

    /// Frames arrive at the servers. Commands that arrive together are done in one transaction.
    fn go_up(&mut self) -> Result<(), String> {
        for index in 0..self.servers.len() {
            let mut group: Vec<(usize, CommandFrame)> = Vec::new();
            for who in 0..self.computers.len() {
                loop {
                    let now = self.now;
                    let Some(wire) = &mut self.computers[who].wire else { break };
                    if wire.server != index || wire.hung_up {
                        break;
                    }
                    let Some(frame) = wire.up.take(now) else { break };
                    self.arrive(index, who, frame, &mut group)?;
                }
            }
            if !group.is_empty() {
                self.perform(index, group);
                self.look_who_waits(index)?;
            }
        }
        Ok(())
    }

    fn arrive(
        &mut self,
        index: usize,
        who: usize,
        frame: ClientFrame,
        group: &mut Vec<(usize, CommandFrame)>,
    ) -> Result<(), String> {
        let wall = self.wall(index);
        let person = self.computers[who].person;
        let server = &mut self.servers[index];
        let Some(desk) = &server.desk else { return Ok(()) };
        let at = server.sessions.iter().position(|(whose, _)| *whose == who);
        let frames = match (frame, at) {
            (ClientFrame::Hello(hello), None) => {
                let (session, frames) = desk.greet(person, hello.cursor, wall).map_err(text)?;
                server.sessions.push((who, session));
                frames
            }
            // A second greeting, or anything before the first one, ends the connection.
            (ClientFrame::Hello(_), Some(_)) | (_, None) => {
                self.hang_up(who);
                if let Some(wire) = &mut self.computers[who].wire {
                    wire.hung_up = true;
                }
                return Ok(());
            }
            (ClientFrame::RingAck(ack), Some(_)) => {
                let calls = server.ringer.acknowledge(person, &ack);
                self.ring(index, &calls);
                return Ok(());
            }
            (ClientFrame::Cmd(command), Some(_)) => {
                group.push((who, command));
                return Ok(());
            }
            (frame, Some(at)) => server.sessions[at].1.frame(desk, &frame).map_err(text)?,
        };
        self.send_down(who, frames);
        Ok(())
    }

    /// One transaction. The server may die over it, or after it and before anybody hears of it.
    fn perform(&mut self, index: usize, group: Vec<(usize, CommandFrame)>) {
        let wall = self.wall(index);
        let fate = self.random.random_range(0..400);
        // A queue that is full refuses one command and takes the next.
        let (refused, group): (Vec<_>, Vec<_>) = group.into_iter().partition(|_| self.random.random_ratio(1, 40));
        for (who, command) in refused {
            let (code, message, retry_after_ms) = (ErrorCode::Busy, String::new(), Some(1_000));
            let nack = Nack { client_id: command.client_id, code, message, field: None, retry_after_ms, current: None };
            self.send_down(who, vec![ServerFrame::Nack(nack)]);
        }
        let asked: Vec<usize> = group.iter().map(|(who, _)| *who).collect();
        let group = group.into_iter().map(|(who, command)| (self.computers[who].person, command)).collect();
        let Some(desk) = &self.servers[index].desk else { return };
        if fate == 0 {
            let left = desk.die_over(group, wall);
            for (who, answer) in asked.into_iter().zip(left) {
                self.send_down(who, answer.into_iter().collect());
            }
            return self.stop_server(index, 2_000);
        }
        let (answers, news) = desk.perform(group, wall);
        for answer in &answers {
            if let ServerFrame::Ack(ack) = answer {
                self.places.insert(ack.client_id.clone(), ack.seq);
            }
        }
        if fate == 1 {
            return self.stop_server(index, 2_000);
        }
        // Some hear of a change before its asker has the answer, some after.
        let first = self.random.random_bool(0.5);
        if first {
            self.tell(index, news.as_ref());
        }
        for (who, answer) in asked.into_iter().zip(answers) {
            let session = self.servers[index].sessions.iter_mut().find(|(whose, _)| *whose == who);
            let mut frames = vec![answer];
            if let Some((_, session)) = session {
                let more = session.answered(&frames[0]);
                frames.extend(more);
            }
            self.send_down(who, frames);
        }
        if !first {
            self.tell(index, news.as_ref());
        }
    }

    fn tell(&mut self, index: usize, news: Option<&News>) {
        let Some(news) = news else { return };
        let mut heard = Vec::new();
        for (who, session) in &mut self.servers[index].sessions {
            session.hear(news);
            // A session that is busy looks at several at once.
            if self.random.random_bool(0.7) {
                heard.push((*who, session.look()));
            }
        }
        for (who, frames) in heard {
            self.send_down(who, frames);
        }
        // The others are poked, and the poke may be lost.
        for other in 0..self.servers.len() {
            if other != index && self.random.random_bool(0.8) {
                for (_, session) in &mut self.servers[other].sessions {
                    session.fall_behind();
                }
            }
        }
    }

    /// Tells the agents of a server who waits.
    fn ring(&mut self, index: usize, calls: &Calls) {
        let heard: Vec<_> =
            self.servers[index].sessions.iter().map(|(who, session)| (*who, calls.of(session.person()))).collect();
        for (who, frames) in heard {
            self.send_down(who, frames);
        }
    }

    fn look_who_waits(&mut self, index: usize) -> Result<(), String> {
        let server = &mut self.servers[index];
        let Some(desk) = &server.desk else { return Ok(()) };
        let calls = server.ringer.look(desk, self.now).map_err(text)?;
        self.ring(index, &calls);
        Ok(())
    }

    fn send_down(&mut self, who: usize, frames: Vec<ServerFrame>) {
        for frame in frames {
            let arrives = self.now + self.random.random_range(1..120);
            if let Some(wire) = &mut self.computers[who].wire {
                wire.down.send(arrives, frame);
            }
        }
    }

    /// The desk opens what was put off until now, by this server's clock.
    fn wake(&mut self, index: usize) -> Result<(), String> {
        let wall = self.wall(index);
        let Some(desk) = &self.servers[index].desk else { return Ok(()) };
        let news = desk.wake(wall).map_err(text)?;
        self.tell(index, news.as_ref());
        Ok(())
    }

    /// The desk gives what waits to the agents whom this server sees.
    fn give(&mut self, index: usize) -> Result<(), String> {
        let wall = self.wall(index);
        let server = &self.servers[index];
        let Some(desk) = &server.desk else { return Ok(()) };
        let agents = server.sessions.iter().filter_map(|(_, session)| match session.person() {
            Person::Agent(agent) => Some(agent),
            Person::Visitor(_) => None,
        });
        let news = desk.give(agents.collect(), wall).map_err(text)?;
        self.tell(index, news.as_ref());
        Ok(())
    }

    /// What was put off until then, by the fastest clock of a server, is open now.
    pub(crate) fn latest_wake(&self) -> i64 {
        let walls = (0..self.servers.len()).map(|server| self.wall(server));
        walls.max().unwrap_or_default() - i64::try_from(2 * POLL).unwrap_or_default()
    }

    /// Sessions that have missed something read the log; servers give their signs of life.
    fn catch_up(&mut self) -> Result<(), String> {
        for index in 0..self.servers.len() {
            let now = self.now;
            let wall = self.wall(index);
            let mut out = Vec::new();
            let server = &mut self.servers[index];
            let Some(desk) = &server.desk else { continue };
            let polls = server.poll_at <= now;
            let beats = server.beat_at <= now;
            for (who, session) in &mut server.sessions {
                out.push((*who, session.look()));
                if polls {
                    session.fall_behind();
                }
                // A few frames at a time, as a socket takes them.
                for _ in 0..4 {
                    if session.is_behind() {
                        out.push((*who, session.catch_up(desk, wall).map_err(text)?));
                    }
                }
                if beats {
                    out.push((*who, session.beat()));
                }
            }
            if polls {
                server.poll_at = now + POLL;
            }
            if beats {
                server.beat_at = now + BEAT;
            }
            for (who, frames) in out {
                self.send_down(who, frames);
            }
            if polls && self.wakes {
                self.wake(index)?;
                self.give(index)?;
            }
            if polls {
                self.look_who_waits(index)?;
            }
        }
        Ok(())
    }

    /// Frames arrive at the computers that are awake.
    fn go_down(&mut self) {
        for who in 0..self.computers.len() {
            loop {
                let now = self.now;
                if self.computers[who].asleep_until > now {
                    break;
                }
                let Some(wire) = &mut self.computers[who].wire else { break };
                let chance = self.random.random();
                if let Some(frame) = wire.down.take(now) {
                    self.computers[who].step(now, chance, Event::Frame(Box::new(frame)));
                } else if wire.hung_up && wire.down.next().is_none() {
                    self.computers[who].wire = None;
                    self.computers[who].step(now, chance, Event::Disconnected);
                } else {
                    break;
                }
                self.settle_wishes();
            }
        }
    }

    fn tick(&mut self) {
        for who in 0..self.computers.len() {
            let now = self.now;
            if self.computers[who].asleep_until <= now && self.computers[who].ticked_at + TICK <= now {
                self.computers[who].ticked_at = now;
                let chance = self.random.random();
                self.computers[who].step(now, chance, Event::Tick);
            }
        }
        self.settle_wishes();
    }

    /// Whether nothing is left to be done.
    fn is_settled(&self) -> Result<bool, String> {
        let Some(desk) = &self.servers[0].desk else { return Ok(false) };
        let head = desk.head().map_err(text)?;
        Ok(self.computers.iter().all(|computer| {
            let there = check::cursor(computer.cache())
                .is_some_and(|at| at == head || (matches!(computer.person, Person::Visitor(_)) && computer.is_live()));
            there && computer.unsent() == 0 && computer.is_live()
        }))
    }
}
