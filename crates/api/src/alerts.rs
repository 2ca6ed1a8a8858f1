//! From what happens at the desks to what the page and the person are told.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use deskbell_attention::{Arrival, Preferences, Reason, Situation};
use deskbell_cache::{Cache, CacheError, Changed, ConversationRecord};
use deskbell_client::ClientEvent;
use deskbell_protocol::{
    AgentId, Author, ConversationId, ConversationState, Message, MessageKind, Number, Ring, RingAck, RingOutcome, Role,
    Suppressed, TeamId, Timestamp,
};
use tokio::sync::mpsc;

use crate::app::{App, Session};
use crate::events::lock;
use crate::types::{AccountId, AppEvent, ConversationRef, Settings};
use crate::{merged, views};

/// The code of the desk's own message when a visitor's message reopens a conversation.
const REOPENED: &str = "reopened";

/// What rings here by itself, because the message came first, ends after so long unless the desk rings as well.
const OWN_RING_MS: Timestamp = 15_000;

/// A visitor counts as there for so long after their last sign. Of one who wrote within that time presence may not be
/// here yet.
const LEAVES_AFTER_MS: Timestamp = 10_000;

/// So many rings wait for their changes. One more is heard with the desk's next round.
const EARLY_RINGS_MAX: usize = 100;

/// Rings that have overtaken the changes for which they ring, one a conversation. The session's pump owns them.
type EarlyRings = BTreeMap<ConversationId, Awaited>;

/// A ring of the desk.
#[derive(Debug)]
struct Awaited {
    ring: Ring,
    /// The desk rings for it until then, by this computer's clock.
    until: Timestamp,
}

/// What a ring comes to on this computer.
#[derive(Clone, Copy, Debug)]
enum Heard {
    /// The desk is told so.
    Told(RingOutcome),
    /// Nothing rings, and there is nothing to tell.
    Quiet,
    /// By what is here so far there is nothing to ring for.
    Early,
}

/// An alert that is up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raised {
    /// What the desk is told of it when it rings.
    outcome: RingOutcome,
    /// It rings until then, by this computer's clock, unless the desk rings once more. `None`: it does not ring.
    until: Option<Timestamp>,
    /// The desk has given the chat to the person: that it is theirs does not end the ring.
    given: bool,
    /// The newest message that it told of.
    number: Number,
    /// That is the line by which a flow handed over: nothing of it is unread.
    line: bool,
}

impl App {
    /// Hands the client's events to the pages and raises alerts, until the session ends.
    pub(crate) async fn pump(self, session: Session, mut events: mpsc::Receiver<ClientEvent>) {
        let mut early = EarlyRings::new();
        let mut repeat = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                () = session.stop.cancelled() => return,
                event = events.recv() => match event {
                    Some(event) => self.take(&session, event, &mut early).await,
                    None => return,
                },
                _ = repeat.tick() => {
                    let now = self.host().now();
                    early.retain(|_, awaited| awaited.until >= now);
                    self.end_late_rings(&session);
                    let due = lock(&self.inner.keeper).due(now, &preferences(&self.settings()));
                    if let Some(sound) = due {
                        self.host().sound(sound);
                    }
                }
            }
        }
    }

    async fn take(&self, session: &Session, event: ClientEvent, early: &mut EarlyRings) {
        match event {
            ClientEvent::Changed(Changed { conversations, visitors, canned_texts, .. }) => {
                let changed: Vec<ConversationRef> = conversations.into_iter().map(|id| session.chat(id)).collect();
                let awaited: Vec<Awaited> = changed.iter().filter_map(|chat| early.remove(&chat.id)).collect();
                self.calm(session, &changed, false).await;
                for ring in awaited {
                    self.ring(session, ring, early).await;
                }
                self.publish(&AppEvent::Changed { conversations: changed, visitors, canned_texts });
                self.refresh_surroundings().await;
            }
            ClientEvent::Sync(_) => {
                session.wanted.moved.notify_one();
                let accounts = self.syncs();
                self.publish(&AppEvent::Sync { sync: merged::worst(&accounts), accounts });
                self.refresh_surroundings().await;
                if session.client.status().state == deskbell_client::SyncState::Revoked {
                    // Not here: this ends with the session.
                    let (app, id) = (self.clone(), session.account.id);
                    self.spawn(async move {
                        if let Err(error) = app.wipe(id).await {
                            tracing::error!(%id, %error, "not all was deleted; it is tried again at the next start");
                        }
                    });
                }
            }
            ClientEvent::Presence => {
                let ringing: Vec<ConversationRef> = lock(&self.inner.keeper).ringing().collect();
                self.calm(session, &ringing, true).await;
                self.publish(&AppEvent::Changed { conversations: vec![], visitors: true, canned_texts: false });
            }
            ClientEvent::Typing(conversation) => {
                self.publish(&AppEvent::Changed {
                    conversations: vec![session.chat(conversation)],
                    visitors: false,
                    canned_texts: false,
                });
            }
            ClientEvent::Ring(ring) => {
                let life = Timestamp::try_from(ring.deadline_ms).unwrap_or(0);
                let until = self.host().now().saturating_add(life);
                early.remove(&ring.conversation);
                self.ring(session, Awaited { ring, until }, early).await;
            }
            ClientEvent::Arrived(messages) => self.arrive(session, messages).await,
        }
    }

    /// Raises an alert for every conversation in which a visitor wrote, a colleague among the team, or somebody who mentions
    /// me, once each: of a mention before anything else.
    async fn arrive(&self, session: &Session, messages: Vec<Message>) {
        let mut newest: HashMap<ConversationId, (Message, i64)> = HashMap::new();
        let me = session.account.agent;
        let by_others = |message: &Message| !matches!(message.author, Author::Agent { id, .. } if id == me);
        for message in messages.into_iter().filter(by_others) {
            let before = newest.remove(&message.conversation);
            let news = before.as_ref().map_or(1, |(_, news)| news + 1);
            let message = match before {
                Some((before, _)) if before.mentions.contains(&me) && !message.mentions.contains(&me) => before,
                _ => message,
            };
            newest.insert(message.conversation, (message, news));
        }
        for (message, news) in newest.into_values() {
            let cache = session.cache.clone();
            let id = message.conversation;
            let number = message.number;
            let found = tokio::task::spawn_blocking(move || {
                let Some(record) = cache.conversation(id)? else { return Ok(None) };
                let before = cache.message(id, number - 1)?;
                let is_rung_for = is_rung_for(&cache, me, record.conversation.team)?;
                Ok::<_, CacheError>(Some((record, before, is_rung_for)))
            });
            let (record, before, is_rung_for) = match found.await {
                Ok(Ok(Some(found))) => found,
                Ok(Ok(None)) => continue,
                Ok(Err(error)) => {
                    tracing::error!(%error, "no alert: the conversation could not be read");
                    continue;
                }
                Err(error) => {
                    tracing::error!(%error, "no alert: the reader failed");
                    continue;
                }
            };
            let age = session.client.desk_time().saturating_sub(message.created_at);
            if age > views::ALERT_AGE_MAX || record.my_read >= message.number {
                continue;
            }
            // The desk's ring may have waited for this message, and told of it the moment before.
            if self.raised(session.chat(id)).is_some_and(|raised| raised.number >= number) {
                continue;
            }
            // Nothing was read, and nothing is unread but what came just now.
            let first_of_conversation = record.my_read == 0 && record.unread <= news;
            let reopened = before.is_some_and(|before| before.kind == MessageKind::System && before.text == REOPENED);
            let left = age > LEAVES_AFTER_MS && session.client.has_left(record.conversation.visitor);
            let may_ring = is_rung_for && !left;
            self.raise(session, &record, message, first_of_conversation && may_ring, reopened && may_ring, false);
        }
    }

    /// Raises an alert for a message. What became of it.
    fn raise(
        &self,
        session: &Session,
        record: &ConversationRecord,
        message: Message,
        first_of_conversation: bool,
        reopened: bool,
        given: bool,
    ) -> Option<RingOutcome> {
        let settings = self.settings();
        let conversation = session.chat(message.conversation);
        let (number, line) = (message.number, message.kind == MessageKind::System);
        let situation = Situation {
            focused: *lock(&self.inner.focus),
            preferences: preferences(&settings),
            me: session.account.agent,
        };
        let arrival = Arrival {
            conversation,
            desk: self.desk_to_name(session),
            message_number: message.number,
            first_of_conversation,
            reopened,
            assignee: record.conversation.assignee,
            waits: record.waits,
            given,
            takes_part: record.conversation.participants.contains(&session.account.agent) || record.followed,
            mentions_me: message.mentions.contains(&session.account.agent),
            internal: record.conversation.is_internal(),
            group: if record.conversation.is_internal() {
                Some(record.conversation.title.clone()).filter(|title| !title.is_empty())
            } else {
                // Where a colleague wrote, the visitor's name says which chat it is.
                matches!(message.author, Author::Agent { .. }).then(|| self.name_of(record))
            },
            name: match &message.author {
                Author::Agent { name, .. } => name.clone(),
                Author::Visitor | Author::Desk => self.name_of(record),
            },
            // What the desk itself says is a code.
            text: if line { String::new() } else { message.text },
            file: message.attachments.first().map(|attachment| attachment.name.clone()),
        };
        let alert = deskbell_attention::decide(&situation, &arrival);
        let alert = lock(&self.inner.keeper).raise(alert, self.host().now());
        let (quiet, rings) = (alert.why_quiet, alert.rings);
        let taken = self.host().alert(alert, &self.catalogue());
        let outcome = match quiet {
            Some(Reason::OnScreen) => Some(RingOutcome::Seen),
            Some(Reason::AssignedToColleague | Reason::NobodyWaits) => None,
            Some(Reason::SwitchedOff) => Some(RingOutcome::Suppressed { reason: Suppressed::SwitchedOff }),
            None if taken => Some(RingOutcome::Shown),
            None => Some(RingOutcome::Suppressed { reason: Suppressed::Failed }),
        };
        if let Some(outcome) = outcome.filter(|outcome| *outcome != RingOutcome::Seen) {
            let mut raised = lock(&self.inner.raised);
            // What a visitor adds takes no chat that was given, and rings still.
            let given = given || rings && raised.get(&conversation).is_some_and(|before| before.given);
            let until = rings.then(|| self.host().now().saturating_add(OWN_RING_MS));
            raised.insert(conversation, Raised { outcome, until, given, number, line });
        }
        // Whoever hears of it finds the alert up.
        if rings {
            self.publish(&AppEvent::Ring { conversations: vec![conversation] });
        }
        outcome
    }

    /// The desk rings for a visitor who waits, or does no more. What rings here already is only told, and what there is
    /// nothing to ring for yet waits for the next change of its conversation.
    async fn ring(&self, session: &Session, awaited: Awaited, early: &mut EarlyRings) {
        let Awaited { ring, until } = &awaited;
        let chat = session.chat(ring.conversation);
        let raised = self.raised(chat);
        if ring.deadline_ms == 0 {
            if raised.is_some() {
                self.end_alert(chat);
            }
            return;
        }
        let heard = match raised {
            Some(raised) => Heard::Told(raised.outcome),
            None => self.ring_anew(session, ring).await,
        };
        if let Some(raised) = lock(&self.inner.raised).get_mut(&chat) {
            raised.until = Some(*until);
        }
        match heard {
            Heard::Told(outcome) => session.client.acknowledge_ring(RingAck { ring: ring.ring, outcome }),
            Heard::Quiet => {}
            Heard::Early if early.len() < EARLY_RINGS_MAX => drop(early.insert(ring.conversation, awaited)),
            Heard::Early => {}
        }
    }

    /// What became of the alert by which a conversation rings.
    fn raised(&self, chat: ConversationRef) -> Option<Raised> {
        let rings = lock(&self.inner.keeper).ringing().any(|ringing| ringing == chat);
        lock(&self.inner.raised).get(&chat).copied().filter(|_| rings)
    }

    /// Rings for what this computer did not hear of as news, such as a chat that waited before the app was started.
    async fn ring_anew(&self, session: &Session, ring: &Ring) -> Heard {
        let (cache, id, number) = (session.cache.clone(), ring.conversation, ring.number);
        let found = tokio::task::spawn_blocking(move || {
            Ok::<_, CacheError>(cache.conversation(id)?.zip(cache.message(id, number)?))
        });
        let (record, message) = match found.await {
            Ok(Ok(Some(found))) => found,
            Ok(Ok(None)) => return Heard::Early,
            Ok(Err(error)) => {
                tracing::error!(%error, "no ring: the conversation could not be read");
                return Heard::Quiet;
            }
            Err(error) => {
                tracing::error!(%error, "no ring: the reader failed");
                return Heard::Quiet;
            }
        };
        if record.my_read >= number {
            return Heard::Told(RingOutcome::Seen);
        }
        // What is mine rings only if the desk gave it to me.
        let assignee = record.conversation.assignee;
        let taken = assignee.is_some_and(|agent| agent != session.account.agent);
        if record.conversation.state != ConversationState::Open || taken {
            return Heard::Early;
        }
        self.raise(session, &record, message, true, false, assignee.is_some()).map_or(Heard::Quiet, Heard::Told)
    }

    /// A ring that comes no more is over. Without a connection nobody knows, and it goes on.
    fn end_late_rings(&self, session: &Session) {
        if session.client.status().state != deskbell_client::SyncState::Live {
            return;
        }
        let now = self.host().now();
        let late: Vec<ConversationRef> = lock(&self.inner.raised)
            .iter()
            .filter(|(chat, raised)| {
                chat.account == session.account.id && raised.until.is_some_and(|until| until < now)
            })
            .map(|(chat, _)| *chat)
            .collect();
        for chat in late {
            self.end_alert(chat);
        }
    }

    /// Ends the alerts of conversations that were read, taken or closed. A ring ends with whoever takes, answers or puts
    /// off the chat and when the visitor leaves; a message in a chat of mine wants attention until I have read it.
    ///
    /// Who left is judged only when presence is news: of a visitor who came just now, a change is heard before their presence.
    async fn calm(&self, session: &Session, conversations: &[ConversationRef], presence_is_news: bool) {
        let (wanting, ringing): (Vec<ConversationRef>, Vec<ConversationRef>) = {
            let keeper = lock(&self.inner.keeper);
            (keeper.wanting().collect(), keeper.ringing().collect())
        };
        let raised = lock(&self.inner.raised).clone();
        let of_session = conversations.iter().filter(|chat| chat.account == session.account.id);
        for &chat in of_session.filter(|chat| wanting.contains(chat)) {
            let (cache, id) = (session.cache.clone(), chat.id);
            let over = match tokio::task::spawn_blocking(move || cache.conversation(id)).await {
                Ok(Ok(Some(record))) => {
                    let head = &record.conversation;
                    let me = session.account.agent;
                    let rings = ringing.contains(&chat);
                    let raised = raised.get(&chat);
                    let given = raised.is_some_and(|raised| raised.given);
                    let line = raised.filter(|raised| raised.line);
                    let read = line.map_or(record.unread == 0, |line| record.my_read >= line.number);
                    // What I follow or take part in is news until I have read it, whoever answers.
                    let anyway = !rings && (record.followed || head.participants.contains(&me));
                    let taken = head.assignee.is_some_and(|agent| (agent != me && !anyway) || (rings && !given));
                    // Without a connection nobody knows who left, and a ring goes on.
                    let left = presence_is_news && rings && session.client.has_left(head.visitor);
                    let answered = rings && (!record.waits || head.state != ConversationState::Open);
                    // Whoever asks me something in a chat that is done still waits for me.
                    let done = head.state == ConversationState::Closed && (rings || record.unread_to_me == 0);
                    read || done || taken || answered || left
                }
                Ok(Ok(None)) => true,
                Ok(Err(error)) => {
                    tracing::error!(%error, "an alert goes on: the conversation could not be read");
                    false
                }
                Err(error) => {
                    tracing::error!(%error, "an alert goes on: the reader failed");
                    false
                }
            };
            if over {
                self.end_alert(chat);
            }
        }
    }

    /// Ends the alerts of an account that is no more.
    pub(crate) fn calm_all(&self, account: AccountId) {
        let wanting: Vec<ConversationRef> = lock(&self.inner.keeper).wanting().collect();
        for chat in wanting.into_iter().filter(|chat| chat.account == account) {
            self.end_alert(chat);
        }
    }

    fn end_alert(&self, chat: ConversationRef) {
        lock(&self.inner.raised).remove(&chat);
        let calmed = lock(&self.inner.keeper).calm(chat);
        if let Some(calmed) = calmed {
            self.host().calm(chat, calmed);
        }
    }

    /// The desk's name, when there is more than one to tell apart.
    fn desk_to_name(&self, session: &Session) -> Option<String> {
        (lock(&self.inner.accounts).len() > 1).then(|| session.account.desk.clone())
    }

    fn name_of(&self, record: &ConversationRecord) -> String {
        match record.contact_name.as_str() {
            "" => self.catalogue().visitor_numbered(record.visitor_number),
            name => name.to_owned(),
        }
    }
}

impl Session {
    /// How this app names one of this account's conversations.
    pub(crate) fn chat(&self, id: ConversationId) -> ConversationRef {
        ConversationRef::new(self.account.id, id)
    }
}

/// Whether the desk rings for an agent where this team has the conversation, or none: for those who answer visitors, and
/// of a team for its members.
fn is_rung_for(cache: &Cache, me: AgentId, team: Option<TeamId>) -> Result<bool, CacheError> {
    if cache.agent(me)?.is_none_or(|me| me.role == Role::Light) {
        return Ok(false);
    }
    let Some(team) = team else { return Ok(true) };
    Ok(cache.team(team)?.is_some_and(|team| team.members.contains(&me)))
}

fn preferences(settings: &Settings) -> Preferences {
    Preferences {
        toasts: settings.toasts,
        sounds: settings.sounds,
        flash: settings.flash,
        hide_text: settings.hide_text,
    }
}
