//! `chat.v1` over HTTP, for networks that block WebSockets: what a socket would bring, a request at a time.
//!
//! Nothing of a client is kept between two requests but their seat, which stays warm for a moment. The client says
//! where it stands, so a restart of the server, or another server of the same desk, loses nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deskbell_protocol::http::{PULL_HISTORY_MAX, PULL_WAIT_MAX_MS, PUSH_FRAMES_MAX, Pull, Pulled, Pushed};
use deskbell_protocol::{
    Agent, AgentId, ByeCode, ClientFrame, Cursor, Delta, Ephemeral, ErrorCode, Hello, HistoryRequest, PROTOCOL,
    Refusal, ResetReason, ServerFrame, Timestamp, VisitorId, VisitorPart, VisitorWelcome, Welcome,
};
use futures_util::future::join_all;
use serde::Deserialize;
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;

use crate::accounts::{self, Identity};
use crate::authorize::Principal;
use crate::availability::Told;
use crate::desk::{Core, Serving};
use crate::feed::Feed;
use crate::hub::{self, AgentEvent, AgentSeat, Audience, LINGER, VisitorEvent, VisitorSeat};
use crate::session_visitor::{self, Caller};
use crate::socket::{self, End, HEARTBEAT, Received};
use crate::store::{Connection, Failure, Outcome, devices, log, visitors};
use crate::{commands, routes, session_agent, tokens};

/// Bytes of frames after which an answer ends; the next request brings the rest.
const ANSWER_BYTES: usize = 64 * 1024;

/// Who asks.
pub(crate) enum Speaker {
    Agent(Identity),
    Visitor(VisitorId, Caller),
    /// A visitor who greets, or nobody.
    Stranger(Caller),
}

/// The body of `POST /v1/cmd`.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Push {
    /// At most 16 of them.
    #[schema(value_type = Vec<ClientFrame>, max_items = 16)]
    frames: Vec<serde_json::Value>,
}

/// Why there is no answer, or one that ends the connection.
enum Stop {
    End(End),
    Failure(Failure),
}

impl From<End> for Stop {
    fn from(end: End) -> Self {
        Self::End(end)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Failure(refusal.into())
    }
}

/// A news of the time of waiting.
enum News {
    /// The log may have something.
    Log,
    /// Something that is not stored, and for whom it is.
    Ephemeral(Audience, Arc<Ephemeral>),
    /// Visitors who wait, or do no more.
    Rings(Vec<ServerFrame>),
    /// Somebody came or went.
    Presence,
    /// Nothing that concerns this answer.
    Nothing,
}

/// A seat, and what is heard there.
enum Seat {
    Agent(Warm, Agent),
    Visitor(VisitorSeat),
}

impl Seat {
    async fn news(&mut self) -> Result<News, End> {
        match self {
            Self::Agent(Warm { seat: Some(seat), .. }, me) => tokio::select! {
                code = seat.ended.heard() => Err(End::Bye(code)),
                event = seat.events.recv() => match event {
                    Ok(AgentEvent::Committed(_)) | Err(RecvError::Lagged(_)) => Ok(News::Log),
                    Ok(AgentEvent::Ephemeral(audience, ephemeral)) => Ok(match *ephemeral {
                        Ephemeral::Typing { .. } | Ephemeral::Peek { .. } => News::Ephemeral(audience, ephemeral),
                        Ephemeral::Visitors { .. } | Ephemeral::Agents { .. } => News::Presence,
                        _ => News::Nothing,
                    }),
                    Ok(AgentEvent::Rings(calls)) => {
                        let mine = calls.iter().filter(|call| call.to.contains(&me.id));
                        Ok(News::Rings(mine.map(|call| ServerFrame::Ring(call.ring.clone())).collect()))
                    }
                    Err(RecvError::Closed) => Err(End::Bye(ByeCode::Drain)),
                },
            },
            Self::Agent(..) => std::future::pending().await,
            Self::Visitor(seat) => tokio::select! {
                () = seat.sent_away() => Err(End::Bye(ByeCode::Drain)),
                event = seat.news() => match event {
                    VisitorEvent::Changed(_) => Ok(News::Log),
                    VisitorEvent::Ephemeral(ephemeral) => Ok(News::Ephemeral(Audience::All, ephemeral)),
                },
            },
        }
    }
}

/// An agent's seat that outlives its request for a moment: between two of them the agent is still there.
struct Warm {
    seat: Option<AgentSeat>,
    serving: Serving,
}

impl Drop for Warm {
    fn drop(&mut self) {
        let (Some(seat), Ok(runtime)) = (self.seat.take(), tokio::runtime::Handle::try_current()) else { return };
        let stopping = self.serving.stopping.clone();
        // Task: keeps a seat warm. Owned by the tracker, which the server waits for.
        self.serving.tasks.spawn_on(
            async move {
                tokio::time::timeout(LINGER, stopping.cancelled()).await.ok();
                drop(seat);
            },
            &runtime,
        );
    }
}

/// What an answer is made of.
struct Answer {
    core: Arc<Core>,
    principal: Principal,
    feed: Feed,
    frames: Vec<ServerFrame>,
    bytes: usize,
    /// There is something worth an answer at once.
    news: bool,
    /// What a visitor is told of the desk.
    told: Option<Told>,
    /// When the proof of who a visitor is ends.
    until: Option<Timestamp>,
}

impl Answer {
    fn new(core: &Arc<Core>, principal: Principal) -> Self {
        let core = Arc::clone(core);
        let (feed, frames) = (Feed::new(principal), Vec::new());
        Self { core, principal, feed, frames, bytes: 0, news: false, told: None, until: None }
    }

    fn push(&mut self, frame: ServerFrame) {
        self.bytes += frame.to_text().len();
        self.frames.push(frame);
    }

    async fn read<T: Send + 'static>(
        &mut self,
        read: impl FnOnce(&mut Feed, &Connection) -> Outcome<T> + Send + 'static,
    ) -> Outcome<T> {
        let mut feed = std::mem::replace(&mut self.feed, Feed::new(self.principal));
        let done = self.core.readers.read(move |connection| {
            let found = read(&mut feed, connection)?;
            Ok((feed, found))
        });
        let (feed, found) = done.await?;
        self.feed = feed;
        Ok(found)
    }

    /// Begins where the client stands, or with a snapshot.
    async fn greet(
        &mut self,
        cursor: Option<Cursor>,
        agent: Option<AgentId>,
        visitor: Option<VisitorWelcome>,
    ) -> Result<(), Stop> {
        let desk = self.core.readers.read(|connection| Ok(log::desk(connection)?)).await?;
        let (mode, reset) = self.feed.begin(&desk, cursor, crate::clock());
        self.push(ServerFrame::Welcome(Welcome {
            session: tokens::random_name(),
            epoch: desk.epoch,
            head: desk.head,
            server_time: crate::clock(),
            heartbeat_ms: HEARTBEAT.as_millis().try_into().unwrap_or_default(),
            mode,
            agent,
            visitor,
        }));
        self.news = true;
        self.open(reset).await
    }

    /// Goes on where the last answer has ended.
    async fn resume(&mut self, pull: &Pull) -> Result<(), Stop> {
        let desk = self.core.readers.read(|connection| Ok(log::desk(connection)?)).await?;
        if !self.feed.resume(&desk, pull.cursor.as_ref(), pull.snapshot.as_ref(), crate::clock()) {
            // Only a greeting tells what became of the log.
            return Err(End::Bye(ByeCode::Drain).into());
        }
        self.news = self.feed.is_in_a_snapshot();
        self.open(None).await
    }

    async fn open(&mut self, reset: Option<ResetReason>) -> Result<(), Stop> {
        for frame in self.read(move |feed, connection| feed.open(connection, reset)).await? {
            self.push(frame);
        }
        Ok(())
    }

    /// What comes next in the log, as far as one answer holds it.
    async fn catch_up(&mut self) -> Result<(), Stop> {
        while self.feed.is_behind() && self.bytes < ANSWER_BYTES {
            for frame in self.read(|feed, connection| feed.catch_up(connection, crate::clock())).await? {
                self.follow(frame);
            }
        }
        Ok(())
    }

    /// Adds a delta. One that only moved the cursor is no news, and grows into the next.
    fn follow(&mut self, frame: ServerFrame) {
        let ServerFrame::Delta(mut delta) = frame else {
            // The agent may see more than before, and a snapshot begins.
            self.news = true;
            return self.push(frame);
        };
        if let Some(ServerFrame::Delta(Delta { from, changes, .. })) = self.frames.last()
            && changes.is_empty()
        {
            delta.from = *from;
            self.frames.pop();
        }
        self.news |= !delta.changes.is_empty() || delta.more;
        self.push(ServerFrame::Delta(delta));
    }

    async fn history(&mut self, requests: &[HistoryRequest]) -> Result<(), Stop> {
        for request in requests {
            let page = session_agent::history(&self.core, self.principal, request.clone()).await?;
            self.push(page);
            self.news = true;
        }
        Ok(())
    }

    /// Waits until there is something to tell.
    async fn wait(&mut self, serving: &Serving, seat: &mut Seat, pull: &Pull) -> Result<(), Stop> {
        let deadline = tokio::time::Instant::now() + Duration::from_millis(pull.wait_ms.min(PULL_WAIT_MAX_MS));
        let known = pull.presence.as_deref();
        let unproved = session_visitor::unproved(self.until);
        tokio::pin!(unproved);
        while !self.news {
            let news = tokio::select! {
                () = serving.stopping.cancelled() => return Err(End::Bye(ByeCode::Drain).into()),
                () = tokio::time::sleep_until(deadline) => return Ok(()),
                () = &mut unproved => return Err(End::Bye(ByeCode::Identity).into()),
                news = seat.news() => news?,
                () = changed(&mut self.told) => News::Presence,
            };
            match news {
                News::Log => {
                    self.feed.fall_behind();
                    self.catch_up().await?;
                }
                News::Ephemeral(audience, _) if !self.feed.is_among(&audience) => {}
                News::Ephemeral(_, ephemeral) => {
                    self.push(ServerFrame::Eph(Arc::unwrap_or_clone(ephemeral)));
                    self.news = true;
                }
                News::Rings(rings) => {
                    self.news |= !rings.is_empty();
                    rings.into_iter().for_each(|ring| self.push(ring));
                }
                News::Presence => self.news = known.is_some_and(|known| self.present().1 != known),
                News::Nothing => {}
            }
        }
        Ok(())
    }

    /// Who is there, and a name for it.
    fn present(&self) -> (Vec<ServerFrame>, String) {
        let frames: Vec<ServerFrame> = match self.principal {
            Principal::Agent(_) => {
                let mut told = self.core.hub.everybody(|site| self.feed.sees(site));
                told.push(self.core.hub.agents());
                told.into_iter().map(ServerFrame::Eph).collect()
            }
            Principal::Visitor(_) | Principal::Nobody => {
                self.told.iter().map(|told| ServerFrame::Eph(told.now().frame())).collect()
            }
        };
        let text: String = frames.iter().map(ServerFrame::to_text).collect();
        let name = tokens::hash(&text).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        (frames, name)
    }

    /// Who is there, for who asks and does not know it yet.
    fn presence(&mut self, known: Option<&str>) -> Option<String> {
        let known = known?;
        let (told, name) = self.present();
        if name != known {
            self.frames.extend(told);
        }
        Some(name)
    }
}

/// What a socket would bring from here on: at once, or as soon as there is something.
pub(crate) async fn pull(serving: &Serving, speaker: Speaker, pull: Pull) -> Outcome<Pulled> {
    if pull.history.len() > PULL_HISTORY_MAX {
        return Err(Refusal::invalid("history", &format!("has {PULL_HISTORY_MAX} requests at the most")).into());
    }
    if pull.hello.as_ref().is_some_and(|hello| hello.protocol != PROTOCOL) {
        return Ok(ended(ByeCode::Version));
    }
    let answered = match speaker {
        Speaker::Agent(identity) => agent(serving, identity, &pull).await,
        Speaker::Visitor(visitor, caller) => visitor_again(serving, visitor, &caller, &pull).await,
        Speaker::Stranger(caller) => stranger(serving, &caller, &pull).await,
    };
    match answered {
        Ok(pulled) => Ok(pulled),
        Err(Stop::End(End::Bye(code))) => Ok(ended(code)),
        Err(Stop::End(End::Closed | End::Slow)) => Ok(ended(ByeCode::Drain)),
        Err(Stop::Failure(failure)) => Err(failure),
    }
}

/// Waits until a visitor is to be told something else of the desk. Agents have other news of it.
async fn changed(told: &mut Option<Told>) {
    match told {
        Some(told) => drop(told.changed().await),
        None => std::future::pending().await,
    }
}

fn ended(code: ByeCode) -> Pulled {
    Pulled { frames: vec![socket::bye(code)], presence: None }
}

async fn agent(serving: &Serving, identity: Identity, pull: &Pull) -> Result<Pulled, Stop> {
    let core = &serving.core;
    let Identity { agent, device, .. } = identity;
    core.agent_frames.take(device, Instant::now()).map_err(too_many)?;
    // Seated before the head is read: what is committed from here on is heard.
    let seat = core.hub.seat_agent(agent.id, device);
    let mut seat = Seat::Agent(Warm { seat: Some(seat), serving: serving.clone() }, agent.clone());
    // The device may have been signed out after its token was looked at and before its seat could hear of it.
    if let Some(how) = core.readers.read(move |connection| Ok(devices::ended(connection, device)?)).await? {
        return Err(End::Bye(hub::bye(how)).into());
    }
    let mut answer = Answer::new(core, Principal::Agent(agent.id));
    match &pull.hello {
        Some(hello) => answer.greet(hello.cursor.clone(), Some(agent.id), None).await?,
        None => answer.resume(pull).await?,
    }
    finish(serving, answer, &mut seat, pull).await
}

async fn stranger(serving: &Serving, caller: &Caller, pull: &Pull) -> Result<Pulled, Stop> {
    let core = &serving.core;
    let greeting = pull.hello.as_ref().and_then(|hello| hello.visitor.as_ref().map(|visitor| (hello, visitor)));
    let Some((Hello { cursor, .. }, hello)) = greeting else { return Err(End::Bye(ByeCode::Auth).into()) };
    // The loader tells where the visitor is, which is worth no request of its own.
    if hello.part != VisitorPart::Panel {
        return Err(End::Bye(ByeCode::Policy).into());
    }
    let _address = admit(core, caller)?;
    let site = session_visitor::enter(core, &hello.site, caller.address).await?;
    let site_id = site.id;
    let (arrived, fresh) = session_visitor::open_panel(core, caller, site, hello).await?;
    core.visitor_frames.take(arrived.visitor, Instant::now()).map_err(too_many)?;
    let mut seat = Seat::Visitor(core.hub.seat_visitor(arrived.visitor, site_id, None, true, caller.address));
    let visitor = arrived.visitor;
    let token = Some(&arrived.token);
    let welcomed = session_visitor::let_in(core, caller.address, visitor, token, move |connection| {
        session_visitor::talk(connection, visitor)
    });
    let talk = welcomed.await?;
    let told = core.availability.told(&core.hub, site_id, Some(session_visitor::spoken_to(hello)));
    let greeting = session_visitor::greeting(told.now(), arrived.token_is_new.then_some(fresh), talk);
    let greeting = VisitorWelcome { desk: core.name(), ..greeting };
    let until = arrived.until;
    let mut answer = Answer { told: Some(told), until, ..Answer::new(core, Principal::Visitor(arrived.visitor)) };
    // A cursor of another visitor is of no use.
    let cursor = cursor.clone().filter(|_| !arrived.token_is_new);
    answer.greet(cursor, None, Some(greeting)).await?;
    finish(serving, answer, &mut seat, pull).await
}

async fn visitor_again(serving: &Serving, visitor: VisitorId, caller: &Caller, pull: &Pull) -> Result<Pulled, Stop> {
    let core = &serving.core;
    let _address = admit(core, caller)?;
    core.visitor_frames.take(visitor, Instant::now()).map_err(too_many)?;
    if pull.hello.is_some() {
        return Err(Refusal::invalid("hello", "a visitor greets without the header, with the token inside").into());
    }
    let found = core.readers.read(move |connection| {
        let site = visitors::site_of(connection, visitor)?;
        Ok(site.zip(visitors::spoken_to(connection, visitor)?))
    });
    let (site, language) = found.await?.ok_or(End::Bye(ByeCode::Drain))?;
    let mut seat = Seat::Visitor(core.hub.seat_visitor(visitor, site, None, true, caller.address));
    session_visitor::let_in(core, caller.address, visitor, caller.token.as_ref(), |_| Ok(())).await?;
    let told = core.availability.told(&core.hub, site, Some(&language));
    let until = caller.until;
    let mut answer = Answer { told: Some(told), until, ..Answer::new(core, Principal::Visitor(visitor)) };
    answer.resume(pull).await?;
    finish(serving, answer, &mut seat, pull).await
}

async fn finish(serving: &Serving, mut answer: Answer, seat: &mut Seat, pull: &Pull) -> Result<Pulled, Stop> {
    let known = pull.presence.as_deref();
    // Before what was missed: nothing rings for a visitor who is known to have left.
    let greeted = pull.hello.as_ref().and_then(|_| answer.presence(known));
    answer.history(&pull.history).await?;
    answer.catch_up().await?;
    answer.wait(serving, seat, pull).await?;
    let presence = greeted.or_else(|| answer.presence(known));
    let head = answer.feed.head();
    answer.frames.push(socket::heartbeat(head));
    Ok(Pulled { frames: answer.frames, presence })
}

fn admit(core: &Core, caller: &Caller) -> Result<crate::hub::AddressSeat, Stop> {
    let most = core.settings.visitor_sockets_per_address;
    core.hub.admit(caller.address, most).ok_or_else(|| End::Bye(ByeCode::Policy).into())
}

fn too_many(wait: Duration) -> Failure {
    accounts::wait("Too many requests at once; try again in a moment.", wait)
}

/// Does what a few frames say: an answer for each command, in their order.
pub(crate) async fn push(core: &Arc<Core>, speaker: Speaker, Push { frames }: Push) -> Outcome<Pushed> {
    if frames.len() > PUSH_FRAMES_MAX {
        return Err(Refusal::invalid("frames", &format!("has {PUSH_FRAMES_MAX} at the most")).into());
    }
    let (principal, agent, _address) = match speaker {
        Speaker::Agent(identity) => {
            (Principal::Agent(identity.agent.id), Some((identity.agent, identity.device)), None)
        }
        Speaker::Visitor(visitor, caller) => {
            let most = core.settings.visitor_sockets_per_address;
            let seat = core.hub.admit(caller.address, most).ok_or(Failure::Busy)?;
            routes::stop(core, caller.address, visitor).await?;
            (Principal::Visitor(visitor), None, Some(seat))
        }
        Speaker::Stranger(_) => {
            return Err(Refusal::new(ErrorCode::Expired, "Commands need a token; sign in or greet first.").into());
        }
    };
    let mut answers: Vec<futures_util::future::BoxFuture<'static, ServerFrame>> = Vec::new();
    for frame in frames {
        match (principal, &agent) {
            (_, Some((_, device))) => core.agent_frames.take(*device, Instant::now()),
            (Principal::Visitor(visitor), _) => core.visitor_frames.take(visitor, Instant::now()),
            (Principal::Agent(_) | Principal::Nobody, _) => Ok(()),
        }
        .map_err(too_many)?;
        match socket::read(&frame.to_string()) {
            Some(Received::Frame(frame)) => match *frame {
                ClientFrame::Cmd(command) => answers.push(Box::pin(commands::submit(core, principal, command))),
                ClientFrame::RingAck(ack) => {
                    if let Some((agent, device)) = &agent {
                        core.hub.acknowledge_ring(agent.id, *device, &ack);
                    }
                }
                ClientFrame::Eph(Ephemeral::Typing { conversation, typing, ttl_ms, .. }) => {
                    match (principal, &agent, conversation) {
                        (Principal::Visitor(visitor), ..) => {
                            session_visitor::typing(core, visitor, typing, ttl_ms).await;
                        }
                        (_, Some((agent, _)), Some(conversation)) => {
                            session_agent::typing(core, agent, conversation, typing, ttl_ms).await;
                        }
                        _ => {}
                    }
                }
                ClientFrame::Eph(Ephemeral::Peek { text, .. }) => {
                    if let Principal::Visitor(visitor) = principal {
                        session_visitor::peek(core, visitor, &text).await;
                    }
                }
                _ => {}
            },
            Some(Received::Unreadable(client_id, reason)) => {
                let answer = socket::unreadable(client_id, &reason);
                answers.push(Box::pin(std::future::ready(answer)));
            }
            Some(Received::End(_)) | None => {}
        }
    }
    Ok(Pushed { frames: join_all(answers).await })
}
