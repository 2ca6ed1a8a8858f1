//! An agent's session: everything the desk knows, kept up to date.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use deskbell_protocol::{
    Agent, Author, ByeCode, ClientFrame, Conversation, ConversationId, ConversationState, Cursor, Ephemeral, Hello,
    HistoryRequest, ServerFrame, Welcome,
};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::MissedTickBehavior;

use crate::accounts::Identity;
use crate::authorize::{Action, Principal, authorize};
use crate::desk::{Core, Serving};
use crate::feed::Feed;
use crate::hub::{self, AgentEvent, AgentSeat, Audience, News};
use crate::rings::Call;
use crate::socket::{self, Answers, End, HEARTBEAT, Incoming, Outgoing, Received};
use crate::store::{Connection, Failure, Outcome, conversations, devices, log};
use crate::sync;
use crate::{accounts, commands, tokens};

/// Frames about presence that may wait before the whole list is taken instead.
const PRESENCE_BACKLOG: usize = 64;

/// Commits that are told in one delta at most.
const COMMITS_AT_ONCE: usize = 64;

struct Session {
    core: Arc<Core>,
    identity: Identity,
    principal: Principal,
    outgoing: Arc<Outgoing>,
    answers: Answers,
    feed: Feed,
    /// What waits to be said about who is there. Unlike typing it may not be lost.
    presence: VecDeque<Ephemeral>,
    /// How many of these are the list that a session begins with, and go before what is read of the log: what a visitor
    /// wrote rings unless it is known that they have left. No others do, or comings and goings would hold the log up.
    listed: usize,
}

/// Runs from `hello` to the end.
pub(crate) async fn run(
    serving: &Serving,
    identity: Identity,
    address: IpAddr,
    mut incoming: Incoming,
    outgoing: Arc<Outgoing>,
) -> End {
    let hello = tokio::select! {
        () = serving.stopping.cancelled() => return End::Bye(ByeCode::Drain),
        hello = incoming.hello() => match hello {
            Ok(hello) => hello,
            Err(end) => return end,
        },
    };
    let core = Arc::clone(&serving.core);
    // Seated before the head is read: what is committed from here on is heard.
    let seat = core.hub.seat_agent(identity.agent.id, identity.device);
    let principal = Principal::Agent(identity.agent.id);
    let session = Session {
        core,
        principal,
        identity,
        outgoing,
        answers: Answers::new(),
        feed: Feed::new(principal),
        presence: VecDeque::new(),
        listed: 0,
    };
    let device = session.identity.device;
    accounts::seen(&serving.core, device, address).await;
    let end = session.run(serving, hello, incoming, seat).await.unwrap_or_else(|end| end);
    accounts::seen(&serving.core, device, address).await;
    end
}

/// A failed read ends the session; the client comes back and reads again.
pub(crate) fn failed(failure: Failure) -> End {
    tracing::error!(?failure, "a session could not go on");
    End::Bye(ByeCode::Drain)
}

impl Session {
    async fn run(
        mut self,
        serving: &Serving,
        hello: Hello,
        mut incoming: Incoming,
        mut seat: AgentSeat,
    ) -> Result<End, End> {
        self.welcome(hello.cursor).await?;
        let mut beat = tokio::time::interval_at(tokio::time::Instant::now() + HEARTBEAT, HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let AgentSeat { events, ended, .. } = &mut seat;
        let outgoing = Arc::clone(&self.outgoing);
        // Begun once: these would be entered into lists that sessions share, and taken out, with each event.
        let over = async {
            tokio::select! {
                () = serving.stopping.cancelled() => End::Bye(ByeCode::Drain),
                code = ended.heard() => End::Bye(code),
                () = outgoing.dead() => End::Closed,
            }
        };
        tokio::pin!(over);
        loop {
            let catching_up = self.feed.is_behind();
            tokio::select! {
                end = &mut over => return Ok(end),
                received = incoming.next(), if self.answers.have_room() => match received {
                    Received::Frame(frame) => self.frame(*frame).await?,
                    Received::Unreadable(client_id, reason) => self.outgoing.send(&socket::unreadable(client_id, &reason))?,
                    Received::End(end) => return Ok(end),
                },
                answer = self.answers.next() => self.answer(&answer?)?,
                event = events.recv() => self.hear(event, events)?,
                () = self.outgoing.room(), if catching_up || !self.presence.is_empty() => {
                    if let Some(ephemeral) = self.presence.pop_front() {
                        self.listed = self.listed.saturating_sub(1);
                        self.outgoing.send(&ServerFrame::Eph(ephemeral))?;
                    }
                    // A newer list in its place may be shorter.
                    if catching_up && (self.listed == 0 || self.presence.is_empty()) {
                        let now = crate::clock();
                        self.read(move |feed, connection| feed.catch_up(connection, now)).await?;
                        if self.feed.has_new_rights() {
                            self.present();
                        }
                    }
                }
                _ = beat.tick() => self.beat()?,
            }
        }
    }

    async fn welcome(&mut self, cursor: Option<Cursor>) -> Result<(), End> {
        let device = self.identity.device;
        let read =
            self.core.readers.read(move |connection| Ok((log::desk(connection)?, devices::ended(connection, device)?)));
        let (desk, ended) = read.await.map_err(failed)?;
        // The device may have been signed out after the handshake and before its seat could hear of it.
        if let Some(how) = ended {
            return Err(End::Bye(hub::bye(how)));
        }
        let (mode, reset) = self.feed.begin(&desk, cursor, crate::clock());
        self.outgoing.send(&ServerFrame::Welcome(Welcome {
            session: tokens::random_name(),
            epoch: desk.epoch,
            head: desk.head,
            server_time: crate::clock(),
            heartbeat_ms: HEARTBEAT.as_millis().try_into().unwrap_or_default(),
            mode,
            agent: Some(self.identity.agent.id),
            visitor: None,
        }))?;
        self.read(move |feed, connection| feed.open(connection, reset)).await?;
        self.feed.has_new_rights();
        self.present();
        self.listed = self.presence.len();
        Ok(())
    }

    /// Reads on in the log, and sends what that gives.
    async fn read(
        &mut self,
        read: impl FnOnce(&mut Feed, &Connection) -> Outcome<Vec<ServerFrame>> + Send + 'static,
    ) -> Result<(), End> {
        read_on(&self.core, &mut self.feed, self.principal, &self.outgoing, read).await
    }

    /// Says anew who is there now.
    fn present(&mut self) {
        self.presence = self.core.hub.everybody(|site| self.feed.sees(site)).into();
        self.presence.push_back(self.core.hub.agents());
    }

    /// Passes on what is not stored. Signs of typing are dropped when there is no room, presence waits.
    fn tell(&mut self, ephemeral: &Ephemeral) -> Result<(), End> {
        if let Ephemeral::Typing { .. } = ephemeral {
            self.outgoing.offer(ephemeral);
        } else if self.presence.is_empty() && self.outgoing.has_room() {
            self.outgoing.send(&ServerFrame::Eph(ephemeral.clone()))?;
        } else if self.presence.len() < PRESENCE_BACKLOG {
            self.presence.push_back(ephemeral.clone());
        } else {
            self.present();
        }
        Ok(())
    }

    /// Rings, or falls silent. Without room it is left out: it comes again, or ends by itself.
    fn ring(&self, calls: &[Call]) -> Result<(), End> {
        for call in calls.iter().filter(|call| call.to.contains(&self.identity.agent.id)) {
            if self.outgoing.has_room() {
                self.outgoing.send(&ServerFrame::Ring(call.ring.clone()))?;
            }
        }
        Ok(())
    }

    /// Takes what happened, and whatever else waits: of commits that have gathered the client is told in one delta.
    fn hear(
        &mut self,
        first: Result<AgentEvent, RecvError>,
        events: &mut broadcast::Receiver<AgentEvent>,
    ) -> Result<(), End> {
        let mut commits: Vec<Arc<News>> = Vec::new();
        let mut next = Some(first);
        while let Some(event) = next {
            match event {
                Ok(AgentEvent::Committed(committed)) => commits.push(committed),
                // Commits come first: a ring follows the chat that rings.
                Ok(AgentEvent::Ephemeral(audience, ephemeral)) => {
                    self.committed(&std::mem::take(&mut commits))?;
                    if self.feed.is_among(&audience) {
                        self.tell(&ephemeral)?;
                    }
                }
                Ok(AgentEvent::Rings(calls)) => {
                    self.committed(&std::mem::take(&mut commits))?;
                    self.ring(&calls)?;
                }
                Err(RecvError::Lagged(_)) => {
                    self.feed.fall_behind();
                    self.present();
                }
                Err(RecvError::Closed) => return Err(End::Closed),
            }
            if commits.len() == COMMITS_AT_ONCE {
                break;
            }
            next = match events.try_recv() {
                Ok(event) => Some(Ok(event)),
                Err(TryRecvError::Lagged(missed)) => Some(Err(RecvError::Lagged(missed))),
                // Closed is heard when it is next waited for.
                Err(TryRecvError::Empty | TryRecvError::Closed) => None,
            };
        }
        self.committed(&commits)
    }

    fn committed(&mut self, commits: &[Arc<News>]) -> Result<(), End> {
        let committed = commits.iter().map(|news| &news.committed);
        for frame in self.feed.committed(committed, self.outgoing.has_room()) {
            match (commits, frame) {
                ([news], ServerFrame::Delta(delta)) => self.outgoing.send_delta(news, delta)?,
                (_, frame) => self.outgoing.send(&frame)?,
            }
        }
        Ok(())
    }

    fn answer(&mut self, answer: &ServerFrame) -> Result<(), End> {
        self.outgoing.send(answer)?;
        if let ServerFrame::Ack(ack) = answer
            && let Some(frame) = self.feed.acknowledged(ack)
        {
            self.outgoing.send(&frame)?;
        }
        Ok(())
    }

    fn beat(&mut self) -> Result<(), End> {
        if let Some(frame) = self.feed.move_cursor() {
            self.outgoing.send(&frame)?;
        }
        self.outgoing.send(&socket::heartbeat(self.feed.head()))?;
        Ok(())
    }

    async fn frame(&mut self, frame: ClientFrame) -> Result<(), End> {
        match frame {
            // A second greeting has no meaning.
            ClientFrame::Hello(_) => return Err(End::Bye(ByeCode::Policy)),
            ClientFrame::SnapNext(next) => {
                if self.feed.expects(&next) {
                    self.read(Feed::snapshot_page).await?;
                }
            }
            ClientFrame::Cmd(command) => {
                let done = commands::submit(&self.core, self.principal, command);
                self.answers.push(async move { Ok(done.await) });
            }
            ClientFrame::Hist(request) => {
                let principal = self.principal;
                let core = Arc::clone(&self.core);
                self.answers.push(async move { history(&core, principal, request).await });
            }
            ClientFrame::Eph(Ephemeral::Typing { conversation: Some(conversation), typing, ttl_ms, .. }) => {
                self::typing(&self.core, &self.identity.agent, conversation, typing, ttl_ms).await;
            }
            ClientFrame::RingAck(ack) => {
                let Identity { agent, device, .. } = &self.identity;
                self.core.hub.acknowledge_ring(agent.id, *device, &ack);
            }
            // Whoever asks for a sign of life waits for it.
            ClientFrame::Hb(_) => self.beat()?,
            ClientFrame::Eph(_) | ClientFrame::Seen(_) => {}
        }
        Ok(())
    }
}

/// Passes on that an agent is typing, as often as one may.
pub(crate) async fn typing(core: &Core, agent: &Agent, conversation: ConversationId, typing: bool, ttl_ms: u32) {
    let principal = Principal::Agent(agent.id);
    if core.typing.take(principal.key(), std::time::Instant::now()).is_err() {
        return;
    }
    let found = core.readers.read(move |connection| open_conversation(connection, principal, conversation)).await;
    let Ok(found) = found else { return };
    let told = Arc::new(Ephemeral::Typing {
        conversation: Some(conversation),
        author: Some(Author::Agent { id: agent.id, name: agent.name.clone() }),
        typing,
        ttl_ms: ttl_ms.min(socket::TYPING_TTL_MAX_MS),
    });
    core.hub.tell_visitor(found.visitor, &told);
    core.hub.tell_agents(Audience::seeing(found, Some(agent.id)), told);
}

/// Lets a feed read the log on a reader's thread, and sends what that gives.
pub(crate) async fn read_on(
    core: &Core,
    feed: &mut Feed,
    principal: Principal,
    outgoing: &Outgoing,
    read: impl FnOnce(&mut Feed, &Connection) -> Outcome<Vec<ServerFrame>> + Send + 'static,
) -> Result<(), End> {
    let mut taken = std::mem::replace(feed, Feed::new(principal));
    let done = core.readers.read(move |connection| {
        let frames = read(&mut taken, connection)?;
        Ok((taken, frames))
    });
    // After a failure the session ends, and its feed with it.
    let (taken, frames) = done.await.map_err(failed)?;
    *feed = taken;
    for frame in frames {
        outgoing.send(&frame)?;
    }
    Ok(())
}

/// A conversation with a visitor in which somebody may type now.
pub(crate) fn open_conversation(
    connection: &Connection,
    principal: Principal,
    id: ConversationId,
) -> Outcome<Conversation> {
    let found = conversations::find(connection, id)?.ok_or_else(|| Failure::not_found("conversation"))?;
    authorize(connection, &principal, Action::Reply, &found)?;
    if found.is_internal() || found.state == ConversationState::Closed {
        return Err(Failure::not_found("open conversation"));
    }
    Ok(found)
}

/// A page of history as a frame.
pub(crate) async fn history(core: &Core, principal: Principal, request: HistoryRequest) -> Result<ServerFrame, End> {
    let page = core.readers.read(move |connection| sync::history(connection, &principal, &request)).await;
    page.map(ServerFrame::HistPage).map_err(failed)
}
