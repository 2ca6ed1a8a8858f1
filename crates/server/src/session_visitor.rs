//! A visitor's two sessions: the loader in the shop's page, which tells where the visitor is, and the messenger in
//! its frame, which talks.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deskbell_protocol::{
    Author, ByeCode, ClientFrame, Conversation, ConversationId, Cursor, Ephemeral, ErrorCode, Hello, PEEK_MAX,
    PageSeen, Seq, ServerFrame, Site, SyncMode, Timestamp, VisitorHello, VisitorId, VisitorPart, VisitorWelcome,
    Welcome,
};
use tokio::time::MissedTickBehavior;

use crate::authorize::Principal;
use crate::availability::{Notice, Told};
use crate::desk::{Core, Serving};
use crate::feed::Feed;
use crate::hub::{Audience, VisitorEvent, VisitorSeat};
use crate::limits::Bucket;
use crate::origin;
use crate::session_agent::{failed, history, open_conversation, read_on};
use crate::socket::{self, Answers, End, HEARTBEAT, Incoming, Outgoing, Received};
use crate::store::{Connection, Failure, Outcome, blocks, conversations, log, sites, visitors};
use crate::user_agent::{self, UserAgent};
use crate::visits::{self, Details};
use crate::{commands, settings, signatures, text, tokens};

/// Pages of one socket that are stored: this many at once, and then one in this time.
const PAGE_BURST: u32 = 10;
const PAGE_REFILL: Duration = Duration::from_secs(2);

/// What the handshake told of the other side.
pub(crate) struct Caller {
    pub(crate) address: IpAddr,
    /// The secret that they came with, hashed, and until when they have proved who they are, as it says.
    pub(crate) token: Option<tokens::Hash>,
    pub(crate) until: Option<Timestamp>,
    pub(crate) origin: Option<String>,
    /// The `Host` header.
    pub(crate) host: Option<String>,
    pub(crate) user_agent: String,
}

/// Somebody who was let in.
enum Opened {
    Page(Box<Page>),
    Panel(Box<Panel>, VisitorSeat),
}

/// Runs from `hello` to the end.
pub(crate) async fn run(serving: &Serving, caller: Caller, mut incoming: Incoming, outgoing: Arc<Outgoing>) -> End {
    let most = serving.core.settings.visitor_sockets_per_address;
    let Some(_address) = serving.core.hub.admit(caller.address, most) else { return End::Bye(ByeCode::Policy) };
    // Most sessions only wait, thousands of them: what it takes to let somebody in is given back before that begins,
    // and a page does not keep the room that a messenger needs.
    let opened = Box::pin(open(serving, caller, &mut incoming, &outgoing)).await;
    let end = match opened {
        Ok(Opened::Page(page)) => page.run(serving, incoming, &outgoing).await,
        Ok(Opened::Panel(panel, seat)) => Box::pin(panel.run(serving, incoming, seat)).await,
        Err(end) => Err(end),
    };
    end.unwrap_or_else(|end| end)
}

async fn open(
    serving: &Serving,
    caller: Caller,
    incoming: &mut Incoming,
    outgoing: &Arc<Outgoing>,
) -> Result<Opened, End> {
    let hello = tokio::select! {
        () = serving.stopping.cancelled() => return Err(End::Bye(ByeCode::Drain)),
        hello = incoming.hello() => hello?,
    };
    // Without a visitor's part this is an agent who has no token.
    let Hello { visitor: Some(visitor), cursor, .. } = hello else { return Err(End::Bye(ByeCode::Auth)) };
    let core = &serving.core;
    let site = enter(core, &visitor.site, caller.address).await?;
    Ok(match visitor.part {
        VisitorPart::Page => Opened::Page(Box::new(Page::open(core, &caller, &site, visitor, outgoing).await?)),
        VisitorPart::Panel => {
            let (panel, seat) = Panel::open(core, &caller, site, visitor, cursor, outgoing).await?;
            Opened::Panel(Box::new(panel), seat)
        }
    })
}

/// The site that a visitor names, if they may write from where they are. To be asked before anything is stored of them.
pub(crate) async fn enter(core: &Core, key: &str, address: IpAddr) -> Result<Site, End> {
    let read = core.readers.glance(|connection| {
        let stopped = blocks::stops_address(connection, address, crate::clock())?;
        Ok((sites::find_by_key(connection, key)?, stopped))
    });
    match read.await.map_err(failed)? {
        (None, _) => Err(End::Bye(ByeCode::Origin)),
        (Some(_), true) => Err(End::Bye(ByeCode::Blocked)),
        (Some(site), false) => Ok(site),
    }
}

/// Reads what a visitor is welcomed with, unless they may not write, or the secret of their messenger opens nothing any
/// more, which ends their session. To be asked once the seat is taken: whoever is concerned after that is sent away from it.
pub(crate) async fn let_in<T>(
    core: &Core,
    address: IpAddr,
    visitor: VisitorId,
    token: Option<&tokens::Hash>,
    read: impl FnOnce(&Connection) -> Outcome<T>,
) -> Result<T, End> {
    let read = core.readers.glance(|connection| {
        let now = crate::clock();
        if blocks::stops(connection, address, visitor, now)? {
            return Ok(Err(ByeCode::Blocked));
        }
        if let Some(token) = token
            && visitors::find_by_token(connection, token, now)?.is_none_or(|bearer| bearer.visitor != visitor)
        {
            return Ok(Err(ByeCode::Drain));
        }
        read(connection).map(Ok)
    });
    read.await.map_err(failed)?.map_err(End::Bye)
}

/// Why nobody was let in. Where too many new visitors come from one place, they are to come back later.
fn turned_away(core: &Core, failure: Failure) -> End {
    match failure {
        Failure::Refused(refused) if refused.refusal.code == ErrorCode::TooManyAttempts => {
            core.hub.metrics.error(ErrorCode::TooManyAttempts);
            End::Bye(ByeCode::Policy)
        }
        other => failed(other),
    }
}

/// The language in which the desk itself speaks to a visitor.
pub(crate) fn spoken_to(hello: &VisitorHello) -> &str {
    hello.spoken.as_deref().filter(|spoken| !spoken.is_empty()).unwrap_or(&hello.language)
}

fn details(core: &Core, caller: &Caller, hello: &VisitorHello) -> Details {
    let user_agent: UserAgent = user_agent::parse(&caller.user_agent);
    let region = core.geo.region(caller.address);
    let ip = settings::form(core.live.get().store_ip, caller.address.to_canonical());
    Details::new(caller.address, region, ip, user_agent, hello)
}

/// The loader's name for the browser, hashed. Nothing but 32 hexadecimal digits will do.
fn presence(name: Option<&str>) -> Option<tokens::Hash> {
    let name = name?;
    let valid = name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    valid.then(|| tokens::hash(&name.to_ascii_lowercase()))
}

pub(crate) fn welcome(core: &Core, epoch: String, head: Seq, mode: SyncMode, visitor: VisitorWelcome) -> ServerFrame {
    ServerFrame::Welcome(Welcome {
        session: tokens::random_name(),
        epoch,
        head,
        server_time: crate::clock(),
        heartbeat_ms: HEARTBEAT.as_millis().try_into().unwrap_or_default(),
        mode,
        agent: None,
        visitor: Some(VisitorWelcome { desk: core.name(), ..visitor }),
    })
}

/// What a visitor is welcomed with; the desk's name comes with the welcome.
pub(crate) fn greeting(
    told: &Notice,
    token: Option<String>,
    (conversation, unread): (Option<ConversationId>, i64),
) -> VisitorWelcome {
    let Notice { online, back_at, texts, forms, peek } = told.clone();
    VisitorWelcome { token, conversation, desk: String::new(), online, back_at, texts, forms, peek, unread }
}

/// A visitor's conversation, and how many replies in it they have not seen.
pub(crate) fn talk(connection: &Connection, visitor: VisitorId) -> Outcome<(Option<ConversationId>, i64)> {
    Ok(match conversations::latest_of_visitor(connection, visitor)? {
        Some(conversation) => (Some(conversation.id), conversations::unread_by_visitor(connection, &conversation)?),
        None => (None, 0),
    })
}

/// Waits for what ends a session, whatever its visitor does. Begun once for a session: these would be entered into lists
/// that sessions share, and taken out, with each event.
async fn over(serving: &Serving, sent_away: impl Future<Output = ()>, outgoing: &Outgoing) -> End {
    tokio::select! {
        () = serving.stopping.cancelled() => End::Bye(ByeCode::Drain),
        () = sent_away => End::Bye(ByeCode::Drain),
        () = outgoing.dead() => End::Closed,
    }
}

/// Waits until a proof of who somebody is has ended.
pub(crate) async fn unproved(until: Option<Timestamp>) {
    let Some(until) = until else { return std::future::pending().await };
    let left = u64::try_from(until.saturating_sub(crate::clock())).unwrap_or_default();
    tokio::time::sleep(Duration::from_millis(left)).await;
}

/// A regular sign of life.
fn beats() -> tokio::time::Interval {
    let mut beat = tokio::time::interval_at(tokio::time::Instant::now() + HEARTBEAT, HEARTBEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat
}

/// The loader's session. It sees no message.
struct Page {
    seat: VisitorSeat,
    told: Told,
    /// Replies that the visitor has not seen.
    unread: i64,
    current: Option<PageSeen>,
    pages: Bucket,
    /// The log's head when it came, which a page does not follow.
    head: Seq,
    /// The browser's name.
    name: tokens::Hash,
}

impl Page {
    async fn open(
        core: &Core,
        caller: &Caller,
        site: &Site,
        hello: VisitorHello,
        outgoing: &Outgoing,
    ) -> Result<Self, End> {
        if !caller.origin.as_deref().is_some_and(|origin| origin::allowed(origin, &site.origins)) {
            return Err(End::Bye(ByeCode::Origin));
        }
        let name = presence(hello.presence.as_deref()).ok_or(End::Bye(ByeCode::Policy))?;
        let details = details(core, caller, &hello);
        let visible = hello.page.as_ref().is_none_or(|page| page.visible);
        let opened = {
            let (site, first, newcomers) = (site.clone(), hello.page.clone(), Arc::clone(&core.newcomers));
            core.writer
                .submit(move |write| visits::page_opened(write, &site, &name, &details, first.as_ref(), &newcomers))
        };
        let visitor = opened.await.map_err(|failure| turned_away(core, failure))?;
        let seat = core.hub.seat_visitor(visitor, site.id, Some(name), visible, caller.address);
        let welcomed = let_in(core, caller.address, seat.visitor(), None, move |connection| {
            let owner = visitors::find_by_presence(connection, &name, crate::clock())?;
            let unread = owner.map_or(Ok(0), |owner| talk(connection, owner).map(|(_, unread)| unread))?;
            Ok((log::desk(connection)?, owner, unread))
        });
        let (desk, owner, unread) = welcomed.await?;
        // The browser's name may lead to nobody by now, who begins anew.
        let owner = owner.ok_or(End::Bye(ByeCode::Drain))?;
        // The messenger may have joined the two before this page had its seat.
        if owner != seat.visitor() {
            core.hub.move_pages(seat.visitor(), owner, &name);
        }
        let told = core.availability.told(&core.hub, site.id, None);
        let greeting = greeting(told.now(), None, (None, unread));
        outgoing.send(&welcome(core, desk.epoch, desk.head, SyncMode::Delta, greeting))?;
        let pages = Bucket::new(PAGE_BURST, PAGE_REFILL, Instant::now());
        Ok(Self { seat, told, unread, current: hello.page, pages, head: desk.head, name })
    }

    async fn run(
        mut self: Box<Self>,
        serving: &Serving,
        mut incoming: Incoming,
        outgoing: &Outgoing,
    ) -> Result<End, End> {
        let core = &serving.core;
        let mut beat = beats();
        let over = over(serving, self.seat.sent_away(), outgoing);
        tokio::pin!(over);
        loop {
            tokio::select! {
                end = &mut over => return Ok(end),
                received = incoming.next() => match received {
                    Received::Frame(frame) => {
                        if let ClientFrame::Eph(Ephemeral::Page { page }) = *frame {
                            self.see(core, page).await;
                        }
                    }
                    Received::Unreadable(client_id, reason) => {
                        outgoing.send(&socket::unreadable(client_id, &reason))?;
                    }
                    Received::End(end) => return Ok(end),
                },
                () = self.seat.changed() => {
                    // Where a proof has ended, the page belongs to somebody unknown, and begins anew as them.
                    let Some(count) = self.unread_if_still_theirs(core).await? else {
                        return Ok(End::Bye(ByeCode::Drain));
                    };
                    if count != std::mem::replace(&mut self.unread, count) {
                        outgoing.send(&ServerFrame::Eph(Ephemeral::Unread { count }))?;
                    }
                }
                changed = self.told.changed() => outgoing.send(&ServerFrame::Eph(changed))?,
                _ = beat.tick() => outgoing.send(&socket::heartbeat(self.head))?,
            }
        }
    }

    /// Replies that the visitor has not seen. `None`: the page is not theirs any more.
    async fn unread_if_still_theirs(&self, core: &Core) -> Result<Option<i64>, End> {
        let (name, visitor) = (self.name, self.seat.visitor());
        let read = core.readers.glance(|connection| {
            let owner = visitors::find_by_presence(connection, &name, crate::clock())?;
            if owner == Some(visitor) { Ok(Some(talk(connection, visitor)?.1)) } else { Ok(None) }
        });
        read.await.map_err(failed)
    }

    /// Stores the page on screen, when it is another one.
    async fn see(&mut self, core: &Core, page: PageSeen) {
        self.seat.set_visible(page.visible);
        let same = self.current.as_ref().is_some_and(|current| current.url == page.url && current.title == page.title);
        if same || self.pages.take(Instant::now()).is_err() {
            return;
        }
        self.current = Some(page.clone());
        let visitor = self.seat.visitor();
        let stored = core.writer.submit(move |write| visits::page_changed(write, visitor, &page));
        if let Err(failure) = stored.await {
            tracing::warn!(?failure, "a page view was not stored");
        }
    }
}

/// Lets a messenger in: whose it is, and the secret that is theirs if it is new.
pub(crate) async fn open_panel(
    core: &Core,
    caller: &Caller,
    site: Site,
    hello: &VisitorHello,
) -> Result<(visits::Arrived, String), End> {
    if !origin::is_own(caller.origin.as_deref(), caller.host.as_deref(), core.settings.public_origin.as_deref()) {
        return Err(End::Bye(ByeCode::Origin));
    }
    let signed = match hello.identity.clone() {
        Some(identity) => {
            let (site, now) = (site.clone(), crate::clock());
            let read = core.readers.read(move |connection| signatures::read(connection, &site, &identity, now));
            // Who says more of themselves than the shop has signed is nobody.
            Some(read.await.map_err(failed)?.ok_or(End::Bye(ByeCode::Identity))?)
        }
        None => None,
    };
    let name = presence(hello.presence.as_deref());
    let details = details(core, caller, hello);
    let token = hello.token.as_deref().map(tokens::hash);
    let fresh = tokens::secret();
    let fresh_hash = tokens::hash(&fresh);
    let (hub, newcomers) = (Arc::clone(&core.hub), Arc::clone(&core.newcomers));
    let opened = core.writer.submit(move |write| {
        let (token, fresh, presence, signed) = (token.as_ref(), &fresh_hash, name.as_ref(), signed.as_ref());
        let bearer = match (site.signed_only, signed, token) {
            (true, None, Some(token)) => visitors::find_by_token(write.connection, token, write.now)?,
            _ => None,
        };
        // Nothing is stored of whoever has to say who they are, and does not.
        if site.signed_only && signed.is_none() && bearer.is_none() {
            return Ok(None);
        }
        let brought = visits::Brought { token, fresh, presence, signed };
        let mut arrived = visits::panel_opened(write, &site, brought, &details, &newcomers)?;
        let (visitor, unproved) = (arrived.visitor, std::mem::take(&mut arrived.unproved));
        let moved = arrived.moved_from.zip(name);
        if moved.is_some() || !unproved.is_empty() {
            write.then(move || {
                hub.send_away(|visitor, _, _| unproved.contains(&visitor));
                if let Some((from, name)) = moved {
                    hub.move_pages(from, visitor, &name);
                }
            });
        }
        Ok(Some(arrived))
    });
    let arrived = opened.await.map_err(|failure| turned_away(core, failure))?;
    Ok((arrived.ok_or(End::Bye(ByeCode::Identity))?, fresh))
}

/// The messenger's session.
struct Panel {
    core: Arc<Core>,
    outgoing: Arc<Outgoing>,
    principal: Principal,
    visitor: VisitorId,
    answers: Answers,
    feed: Feed,
    told: Told,
    /// When the proof of who they are ends.
    until: Option<Timestamp>,
}

impl Panel {
    async fn open(
        core: &Arc<Core>,
        caller: &Caller,
        site: Site,
        hello: VisitorHello,
        cursor: Option<Cursor>,
        outgoing: &Arc<Outgoing>,
    ) -> Result<(Self, VisitorSeat), End> {
        let site_id = site.id;
        let (arrived, fresh) = open_panel(core, caller, site, &hello).await?;
        // Seated before the head is read: what is committed from here on is heard.
        let seat = core.hub.seat_visitor(arrived.visitor, site_id, None, true, caller.address);
        let visitor = arrived.visitor;
        let welcomed = let_in(core, caller.address, visitor, Some(&arrived.token), move |connection| {
            Ok((log::desk(connection)?, talk(connection, visitor)?))
        });
        let (desk, talk) = welcomed.await?;
        let mut panel = Self {
            outgoing: Arc::clone(outgoing),
            principal: Principal::Visitor(arrived.visitor),
            visitor: arrived.visitor,
            answers: Answers::new(),
            feed: Feed::new(Principal::Visitor(arrived.visitor)),
            told: core.availability.told(&core.hub, site_id, Some(spoken_to(&hello))),
            core: Arc::clone(core),
            until: arrived.until,
        };
        let cursor = cursor.filter(|_| !arrived.token_is_new);
        panel.welcome(&desk, cursor, arrived.token_is_new.then_some(fresh), talk).await?;
        Ok((panel, seat))
    }

    async fn welcome(
        &mut self,
        desk: &log::Desk,
        cursor: Option<Cursor>,
        token: Option<String>,
        talk: (Option<ConversationId>, i64),
    ) -> Result<(), End> {
        let (mode, reset) = self.feed.begin(desk, cursor, crate::clock());
        let greeting = greeting(self.told.now(), token, talk);
        self.outgoing.send(&welcome(&self.core, desk.epoch.clone(), desk.head, mode, greeting))?;
        self.read(move |feed, connection| feed.open(connection, reset)).await
    }

    /// Reads on in the log, and sends what that gives.
    async fn read(
        &mut self,
        read: impl FnOnce(&mut Feed, &Connection) -> Outcome<Vec<ServerFrame>> + Send + 'static,
    ) -> Result<(), End> {
        read_on(&self.core, &mut self.feed, self.principal, &self.outgoing, read).await
    }

    async fn run(
        mut self: Box<Self>,
        serving: &Serving,
        mut incoming: Incoming,
        mut seat: VisitorSeat,
    ) -> Result<End, End> {
        let mut beat = beats();
        let outgoing = Arc::clone(&self.outgoing);
        let (over, unproved) = (over(serving, seat.sent_away(), &outgoing), unproved(self.until));
        tokio::pin!(over, unproved);
        loop {
            let catching_up = self.feed.is_behind();
            tokio::select! {
                end = &mut over => return Ok(end),
                () = &mut unproved => return Ok(End::Bye(ByeCode::Identity)),
                received = incoming.next(), if self.answers.have_room() => match received {
                    Received::Frame(frame) => self.frame(*frame).await?,
                    Received::Unreadable(client_id, reason) => self.outgoing.send(&socket::unreadable(client_id, &reason))?,
                    Received::End(end) => return Ok(end),
                },
                answer = self.answers.next() => {
                    let answer = answer?;
                    self.outgoing.send(&answer)?;
                    if let ServerFrame::Ack(ack) = answer
                        && let Some(frame) = self.feed.acknowledged(&ack)
                    {
                        self.outgoing.send(&frame)?;
                    }
                }
                event = seat.news() => match event {
                    VisitorEvent::Changed(to) => self.feed.changed(to),
                    VisitorEvent::Ephemeral(ephemeral) => self.outgoing.offer(&ephemeral),
                },
                () = self.outgoing.room(), if catching_up => {
                    let read = self.core.readers.glance(|connection| self.feed.catch_up(connection, crate::clock()));
                    for frame in read.await.map_err(failed)? {
                        self.outgoing.send(&frame)?;
                    }
                }
                changed = self.told.changed() => self.outgoing.send(&ServerFrame::Eph(changed))?,
                // The head told to a visitor is where the session stands: the rest of the log is not theirs.
                _ = beat.tick() => self.outgoing.send(&socket::heartbeat(self.feed.head()))?,
            }
        }
    }

    async fn frame(&mut self, frame: ClientFrame) -> Result<(), End> {
        match frame {
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
                let (core, principal) = (Arc::clone(&self.core), self.principal);
                self.answers.push(async move { history(&core, principal, request).await });
            }
            ClientFrame::Eph(Ephemeral::Typing { typing, ttl_ms, .. }) => {
                self::typing(&self.core, self.visitor, typing, ttl_ms).await;
            }
            ClientFrame::Eph(Ephemeral::Peek { text, .. }) => peek(&self.core, self.visitor, &text).await,
            ClientFrame::Hb(_) => self.outgoing.send(&socket::heartbeat(self.feed.head()))?,
            ClientFrame::Eph(_) | ClientFrame::Seen(_) | ClientFrame::RingAck(_) => {}
        }
        Ok(())
    }
}

/// The open conversation in which a visitor writes, if they may be seen writing now: as often as one may. A visitor has
/// one conversation, so which one they name is of no interest.
async fn writes_in(core: &Core, visitor: VisitorId) -> Option<Conversation> {
    let principal = Principal::Visitor(visitor);
    core.typing.take(principal.key(), Instant::now()).ok()?;
    let read = core.readers.read(move |connection| -> Outcome<_> {
        let Some(found) = conversations::latest_of_visitor(connection, visitor)? else { return Ok(None) };
        open_conversation(connection, principal, found.id).map(Some)
    });
    read.await.ok().flatten()
}

/// Passes on that a visitor is typing.
pub(crate) async fn typing(core: &Core, visitor: VisitorId, typing: bool, ttl_ms: u32) {
    let Some(found) = writes_in(core, visitor).await else { return };
    let ttl_ms = ttl_ms.min(socket::TYPING_TTL_MAX_MS);
    let (conversation, author) = (Some(found.id), Some(Author::Visitor));
    let told = Arc::new(Ephemeral::Typing { conversation, author, typing, ttl_ms });
    core.hub.tell_agents(Audience::seeing(found, None), told);
}

/// Passes on what a visitor is writing, where the site has it so: to whoever has their conversation, or to all who may
/// answer it while nobody has. It is kept nowhere.
pub(crate) async fn peek(core: &Core, visitor: VisitorId, text: &str) {
    if !core.availability.peeks_anywhere() {
        return;
    }
    let Some(found) = writes_in(core, visitor).await else { return };
    if core.availability.peeks(found.site) {
        let text = text::lines(text).chars().take(PEEK_MAX).collect();
        let told = Ephemeral::Peek { conversation: Some(found.id), text };
        let audience = Audience::Answering { holder: found.assignee, site: found.site };
        core.hub.tell_agents(audience, Arc::new(told));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::operations::{self, Person};
    use crate::people::Actor;
    use crate::{Desk, Settings};

    #[tokio::test]
    async fn od_37_a_messenger_whose_secret_was_shut_before_it_had_its_seat_is_sent_away_from_it() {
        let directory = tempfile::tempdir().unwrap();
        let desk = Desk::open(Settings { data: directory.path().to_owned(), ..Settings::default() }).unwrap();
        let core = desk.core();
        let site = desk.administer().add_site("Shop", &["https://shop.example".to_owned()]).await.unwrap();
        let caller = Caller {
            address: "127.0.0.1".parse().unwrap(),
            token: None,
            until: None,
            origin: Some("https://desk.example".to_owned()),
            host: Some("desk.example".to_owned()),
            user_agent: String::new(),
        };
        let hello = VisitorHello {
            site: site.key.clone(),
            part: VisitorPart::Panel,
            token: None,
            presence: None,
            page: None,
            language: "en".to_owned(),
            screen: String::new(),
            spoken: None,
            identity: None,
        };
        let Ok((vic, _)) = open_panel(core, &caller, site.clone(), &hello).await else { unreachable!() };
        let enters = || let_in(core, caller.address, vic.visitor, Some(&vic.token), |_| Ok(()));
        assert!(enters().await.is_ok());
        // Vic is erased while the messenger is on its way to its seat.
        operations::erase(core, Person::Visitor(vic.visitor), Actor::command_line()).await.unwrap();
        let _seat = core.hub.seat_visitor(vic.visitor, site.id, None, true, caller.address);
        assert!(matches!(enters().await, Err(End::Bye(ByeCode::Drain))), "the seat stays somebody's who is gone");
    }
}
