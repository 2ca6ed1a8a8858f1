//! Whom a waiting visitor rings for. What waits stands in the database; what was said of it, and what the devices said
//! to that, is known for as long as it rings.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deskbell_protocol::{AgentId, ConversationId, Ring, RingAck, RingOutcome, VisitorId};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::desk::Core;
use crate::store::rings::{self, Waiting};

/// Milliseconds of any clock that only goes forward.
pub(crate) type Millis = u64;

/// It rings anew so often.
const EVERY_MS: Millis = 10_000;
/// A device falls silent by itself after this: a round that comes late must not be heard as an end.
const LIFE_MS: Millis = 15_000;
/// Changes are gathered for so long.
const GATHER: Duration = Duration::from_millis(20);
/// After a failed look at the database.
const AGAIN: Duration = Duration::from_secs(1);

/// A ring, and the agents to whom it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) to: BTreeSet<AgentId>,
    pub(crate) ring: Ring,
}

/// What rings in one conversation.
#[derive(Debug)]
struct Ringing {
    waiting: Waiting,
    /// Rounds so far.
    rounds: u32,
    next: Millis,
    /// Whose devices ring now.
    told: BTreeSet<AgentId>,
    /// Who has seen or declined it.
    quiet: BTreeSet<AgentId>,
    /// Somebody takes it. If that comes to nothing, the next round rings for all again.
    accepted: bool,
    /// The visitor is on the site.
    here: bool,
    /// Devices that told their person, and those that did not.
    shown: BTreeSet<(AgentId, i64)>,
    suppressed: BTreeSet<(AgentId, i64)>,
}

impl Ringing {
    fn begin(waiting: Waiting, now: Millis) -> Self {
        Self {
            waiting,
            rounds: 0,
            next: now,
            told: BTreeSet::new(),
            quiet: BTreeSet::new(),
            accepted: false,
            here: false,
            shown: BTreeSet::new(),
            suppressed: BTreeSet::new(),
        }
    }

    fn call(
        &self,
        conversation: ConversationId,
        to: BTreeSet<AgentId>,
        level: u32,
        deadline_ms: Millis,
    ) -> Option<Call> {
        let Waiting { ring, number, .. } = self.waiting;
        (!to.is_empty()).then_some(Call { to, ring: Ring { ring, conversation, number, level, deadline_ms } })
    }

    /// Ends it for these.
    fn hush(&mut self, conversation: ConversationId, agents: &BTreeSet<AgentId>) -> Option<Call> {
        let over: BTreeSet<AgentId> = self.told.intersection(agents).copied().collect();
        self.told.retain(|agent| !over.contains(agent));
        self.call(conversation, over, self.rounds.saturating_sub(1), 0)
    }

    fn over(mut self, conversation: ConversationId) -> Option<Call> {
        let (rounds, shown, suppressed) = (self.rounds, self.shown.len(), self.suppressed.len());
        tracing::info!(conversation = conversation.0, rounds, shown, suppressed, "a ring is over");
        let all = self.told.clone();
        self.hush(conversation, &all)
    }
}

/// What rings. No clock, no database and no socket.
#[derive(Debug, Default)]
pub(crate) struct Rings {
    rings: BTreeMap<ConversationId, Ringing>,
}

impl Rings {
    /// Who waits in a conversation now, and whether they are there. What is to be told.
    pub(crate) fn settle(
        &mut self,
        id: ConversationId,
        waiting: Option<Waiting>,
        here: bool,
        now: Millis,
    ) -> Vec<Call> {
        let mut calls = Vec::new();
        let another = |waiting: &Waiting, ringing: &Ringing| waiting.ring != ringing.waiting.ring;
        let ends =
            self.rings.get(&id).is_some_and(|ringing| waiting.as_ref().is_none_or(|waiting| another(waiting, ringing)));
        if ends && let Some(ringing) = self.rings.remove(&id) {
            calls.extend(ringing.over(id));
        }
        let Some(waiting) = waiting else { return calls };
        let ringing = self.rings.entry(id).or_insert_with(|| Ringing::begin(waiting.clone(), now));
        if let Some(agent) = waiting.given.filter(|_| ringing.waiting.given != waiting.given) {
            // It is theirs now, which is news to them even if it rings there already, or they had declined it.
            ringing.accepted = false;
            ringing.quiet.remove(&agent);
            ringing.told.remove(&agent);
        }
        (ringing.waiting, ringing.here) = (waiting, here);
        let due = ringing.next <= now;
        if due {
            ringing.accepted = false;
        }
        let mut audience = BTreeSet::new();
        if here && !ringing.accepted {
            audience.extend(ringing.waiting.agents.difference(&ringing.quiet).copied());
        }
        let over = ringing.told.difference(&audience).copied().collect();
        calls.extend(ringing.hush(id, &over));
        if due && here {
            calls.extend(ringing.call(id, audience.clone(), ringing.rounds, LIFE_MS));
            (ringing.rounds, ringing.next) = (ringing.rounds.saturating_add(1), now.saturating_add(EVERY_MS));
        } else {
            let new = audience.difference(&ringing.told).copied().collect();
            calls.extend(ringing.call(id, new, ringing.rounds.saturating_sub(1), LIFE_MS));
        }
        ringing.told = audience;
        calls
    }

    /// A device of an agent says what became of a ring. What is to be told.
    pub(crate) fn acknowledge(&mut self, agent: AgentId, device: i64, ack: &RingAck) -> Option<Call> {
        let found = self.rings.iter_mut().find(|(_, ringing)| ringing.waiting.ring == ack.ring);
        let (id, ringing) = found.filter(|(_, ringing)| ringing.waiting.agents.contains(&agent))?;
        match ack.outcome {
            RingOutcome::Shown => {
                ringing.shown.insert((agent, device));
                None
            }
            RingOutcome::Suppressed { .. } => {
                ringing.suppressed.insert((agent, device));
                None
            }
            RingOutcome::Seen | RingOutcome::Declined => {
                ringing.quiet.insert(agent);
                ringing.hush(*id, &[agent].into())
            }
            RingOutcome::Accepted => {
                ringing.accepted = true;
                let all = ringing.told.clone();
                ringing.hush(*id, &all)
            }
            RingOutcome::Unknown => None,
        }
    }

    /// Conversations whose next round is due.
    pub(crate) fn due(&self, now: Millis) -> impl Iterator<Item = ConversationId> {
        self.rings.iter().filter(move |(_, ringing)| ringing.here && ringing.next <= now).map(|(id, _)| *id)
    }

    /// Conversations that ring, or would if their visitors were there.
    #[cfg(any(test, feature = "simulation"))]
    pub(crate) fn all(&self) -> impl Iterator<Item = ConversationId> {
        self.rings.keys().copied()
    }

    fn next(&self) -> Option<Millis> {
        self.rings.values().filter(|ringing| ringing.here).map(|ringing| ringing.next).min()
    }

    fn of_visitor(&self, visitor: VisitorId) -> impl Iterator<Item = ConversationId> {
        self.rings.iter().filter(move |(_, ringing)| ringing.waiting.visitor == visitor).map(|(id, _)| *id)
    }
}

#[derive(Default)]
struct State {
    rings: Rings,
    /// To be looked at.
    stirred: HashSet<ConversationId>,
}

/// The rings of a server.
pub(crate) struct Ringer {
    began: Instant,
    state: Mutex<State>,
    poked: Notify,
}

impl Ringer {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), state: Mutex::default(), poked: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Millis {
        Millis::try_from(self.began.elapsed().as_millis()).unwrap_or(Millis::MAX)
    }

    /// Something of these conversations has changed.
    pub(crate) fn stir(&self, conversations: impl IntoIterator<Item = ConversationId>) {
        let mut state = self.state();
        let before = state.stirred.len();
        state.stirred.extend(conversations);
        if state.stirred.len() > before {
            drop(state);
            self.poked.notify_one();
        }
    }

    /// These visitors came or went.
    pub(crate) fn stir_of(&self, visitors: impl IntoIterator<Item = VisitorId>) {
        let concerned: Vec<ConversationId> = {
            let state = self.state();
            visitors.into_iter().flat_map(|visitor| state.rings.of_visitor(visitor).collect::<Vec<_>>()).collect()
        };
        self.stir(concerned);
    }

    /// A device of an agent says what became of a ring. What is to be told.
    pub(crate) fn acknowledge(&self, agent: AgentId, device: i64, ack: &RingAck) -> Option<Call> {
        self.state().rings.acknowledge(agent, device, ack)
    }

    fn take(&self) -> Vec<ConversationId> {
        let now = self.now();
        let mut state = self.state();
        let mut taken = std::mem::take(&mut state.stirred);
        taken.extend(state.rings.due(now));
        taken.into_iter().collect()
    }
}

/// Rings until cancelled.
pub(crate) async fn run(core: Arc<Core>, cancelled: CancellationToken) {
    let ringer = &core.hub.ringer;
    // What has waited since before the start.
    match core.readers.read(|connection| Ok(rings::all(connection)?)).await {
        Ok(waiting) => ringer.stir(waiting),
        Err(failure) => tracing::warn!(?failure, "who has waited since before the start does not ring"),
    }
    loop {
        let next = ringer.state().rings.next().map(|next| ringer.began + Duration::from_millis(next));
        let due = async {
            match next {
                Some(next) => tokio::time::sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = cancelled.cancelled() => return,
            () = ringer.poked.notified() => tokio::time::sleep(GATHER).await,
            () = due => {}
        }
        let stirred = ringer.take();
        let ids = stirred.clone();
        let found = core.readers.read(move |connection| {
            ids.into_iter().map(|id| Ok((id, rings::waiting(connection, id)?))).collect::<Result<Vec<_>, _>>()
        });
        match found.await {
            Ok(found) => {
                let now = ringer.now();
                let settled = found.into_iter().flat_map(|(id, waiting)| {
                    let here = waiting.as_ref().is_some_and(|waiting| core.hub.is_here(waiting.visitor));
                    ringer.state().rings.settle(id, waiting, here, now)
                });
                core.hub.ring(settled.collect());
            }
            Err(failure) => {
                tracing::warn!(?failure, "who waits could not be read; it is tried again in a second");
                tokio::time::sleep(AGAIN).await;
                ringer.stir(stirred);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use deskbell_protocol::{MessageId, Suppressed};

    use super::*;

    const ANN: AgentId = AgentId(1);
    const BEN: AgentId = AgentId(2);
    const CHAT: ConversationId = ConversationId(100);

    fn vic(agents: &[AgentId]) -> Option<Waiting> {
        Some(Waiting {
            ring: MessageId(7),
            number: 1,
            visitor: VisitorId(20),
            given: None,
            agents: agents.iter().copied().collect(),
        })
    }

    fn says(outcome: RingOutcome) -> RingAck {
        RingAck { ring: MessageId(7), outcome }
    }

    /// To whom it rings, how often it has, and for how long.
    fn told(calls: impl IntoIterator<Item = Call>) -> Vec<(Vec<AgentId>, u32, Millis)> {
        let told = calls.into_iter().map(|Call { to, ring }| (to.into_iter().collect(), ring.level, ring.deadline_ms));
        told.collect()
    }

    #[test]
    fn tv_01_it_rings_for_all_every_ten_seconds_and_ends_when_somebody_takes_the_chat() {
        let mut rings = Rings::default();
        let all = vec![ANN, BEN];
        assert_eq!(told(rings.settle(CHAT, vic(&[ANN, BEN]), true, 0)), [(all.clone(), 0, LIFE_MS)]);
        assert_eq!(told(rings.settle(CHAT, vic(&[ANN, BEN]), true, 9_999)), [], "once a round");
        assert_eq!((rings.due(9_999).count(), rings.due(10_000).count()), (0, 1));
        assert_eq!(told(rings.settle(CHAT, vic(&[ANN, BEN]), true, 10_000)), [(all.clone(), 1, LIFE_MS)]);
        assert_eq!(told(rings.settle(CHAT, None, true, 12_000)), [(all, 1, 0)]);
        assert_eq!((rings.all().count(), rings.next()), (0, None));
    }

    #[test]
    fn tv_01_who_has_read_it_or_lost_the_right_is_silent_and_who_comes_rings_at_once() {
        let mut rings = Rings::default();
        rings.settle(CHAT, vic(&[ANN]), true, 0);
        assert_eq!(told(rings.settle(CHAT, vic(&[BEN]), true, 1_000)), [(vec![ANN], 0, 0), (vec![BEN], 0, LIFE_MS)]);
    }

    #[test]
    fn tv_01_who_has_seen_or_declined_it_is_silent_and_the_others_ring_on() {
        let mut rings = Rings::default();
        rings.settle(CHAT, vic(&[ANN, BEN]), true, 0);
        assert_eq!(told(rings.acknowledge(ANN, 1, &says(RingOutcome::Seen))), [(vec![ANN], 0, 0)]);
        assert_eq!(told(rings.acknowledge(ANN, 2, &says(RingOutcome::Declined))), [], "she is silent already");
        assert_eq!(told(rings.settle(CHAT, vic(&[ANN, BEN]), true, 10_000)), [(vec![BEN], 1, LIFE_MS)]);
        let suppressed = RingOutcome::Suppressed { reason: Suppressed::SwitchedOff };
        for outcome in [RingOutcome::Shown, suppressed, RingOutcome::Unknown] {
            assert_eq!(told(rings.acknowledge(BEN, 3, &says(outcome))), []);
        }
        assert_eq!(told(rings.acknowledge(AgentId(9), 4, &says(RingOutcome::Accepted))), [], "nobody asked them");
    }

    #[test]
    fn tv_01_who_accepts_silences_all_until_the_next_round_if_nothing_comes_of_it() {
        let mut rings = Rings::default();
        rings.settle(CHAT, vic(&[ANN, BEN]), true, 0);
        assert_eq!(told(rings.acknowledge(BEN, 1, &says(RingOutcome::Accepted))), [(vec![ANN, BEN], 0, 0)]);
        assert_eq!(told(rings.settle(CHAT, vic(&[ANN, BEN]), true, 5_000)), []);
        assert_eq!(told(rings.settle(CHAT, vic(&[ANN, BEN]), true, 10_000)), [(vec![ANN, BEN], 1, LIFE_MS)]);
    }

    #[test]
    fn tv_03_what_is_given_to_somebody_rings_there_anew_and_nowhere_else() {
        let mut rings = Rings::default();
        rings.settle(CHAT, vic(&[ANN, BEN]), true, 0);
        rings.acknowledge(ANN, 1, &says(RingOutcome::Declined));
        let given = |agent: AgentId| vic(&[agent]).map(|waiting| Waiting { given: Some(agent), ..waiting });
        let to_ann = told(rings.settle(CHAT, given(ANN), true, 1_000));
        assert_eq!(to_ann, [(vec![BEN], 0, 0), (vec![ANN], 0, LIFE_MS)], "hers now, whatever she said before");
        assert_eq!(told(rings.settle(CHAT, given(ANN), true, 2_000)), [], "told once");
        assert_eq!(told(rings.settle(CHAT, given(BEN), true, 3_000)), [(vec![ANN], 0, 0), (vec![BEN], 0, LIFE_MS)]);
        assert_eq!(told(rings.settle(CHAT, vic(&[ANN, BEN]), true, 4_000)), [(vec![ANN], 0, LIFE_MS)], "for all again");
    }

    #[test]
    fn tv_01_it_rings_while_the_visitor_is_there() {
        let mut rings = Rings::default();
        assert_eq!(told(rings.settle(CHAT, vic(&[ANN]), false, 0)), []);
        assert_eq!((rings.next(), rings.of_visitor(VisitorId(20)).count()), (None, 1));
        assert_eq!(told(rings.settle(CHAT, vic(&[ANN]), true, 3_000)), [(vec![ANN], 0, LIFE_MS)]);
        assert_eq!(told(rings.settle(CHAT, vic(&[ANN]), false, 5_000)), [(vec![ANN], 0, 0)]);
        let back = told(rings.settle(CHAT, vic(&[ANN]), true, 6_000));
        assert_eq!(back, [(vec![ANN], 0, LIFE_MS)], "before the round is due");
    }

    #[test]
    fn tv_01_a_visitor_who_comes_back_later_rings_anew_for_those_who_had_declined() {
        let mut rings = Rings::default();
        rings.settle(CHAT, vic(&[ANN]), true, 0);
        rings.acknowledge(ANN, 1, &says(RingOutcome::Declined));
        let again = vic(&[ANN]).map(|waiting| Waiting { ring: MessageId(9), number: 5, ..waiting });
        assert_eq!(told(rings.settle(CHAT, again, true, 1_000)), [(vec![ANN], 0, LIFE_MS)]);
    }
}
