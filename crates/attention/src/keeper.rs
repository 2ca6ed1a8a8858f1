//! What still wants somebody's attention.

use std::collections::BTreeMap;

use deskbell_protocol::Timestamp;

use crate::decision::{Alert, Flash, Preferences, Sound, ToastKind};

/// A new chat rings again after so many milliseconds.
pub const REPEAT_MS: i64 = 10_000;

/// Two messages of one conversation within so many milliseconds make one sound.
pub const SAME_SOUND_MS: i64 = 2_000;

/// A conversation that wants attention.
#[derive(Clone, Copy, Debug)]
struct Demand {
    rings: bool,
    /// When it was last heard. `None`: never, because sounds were off.
    heard_at: Option<Timestamp>,
}

impl Demand {
    /// Milliseconds until it may be heard again.
    fn wait(self, now: Timestamp) -> i64 {
        self.heard_at.map_or(0, |heard_at| REPEAT_MS.saturating_sub(elapsed(heard_at, now)).max(0))
    }
}

/// What is left after a conversation went quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calmed {
    /// Other conversations still ring, so the window goes on flashing.
    pub others_ring: bool,
    /// Other conversations still want attention, ringing or not.
    pub others_want_attention: bool,
}

/// Remembers which conversations, of whatever desk, want attention and when to ring again. One entry for each conversation, so it
/// never outgrows the list of open ones.
///
/// Times are milliseconds of this computer's clock. A clock that is set back makes a ring come early, never late.
#[derive(Debug)]
pub struct AlertKeeper<C> {
    demands: BTreeMap<C, Demand>,
}

impl<C> Default for AlertKeeper<C> {
    fn default() -> Self {
        Self { demands: BTreeMap::new() }
    }
}

impl<C: Copy + Ord> AlertKeeper<C> {
    /// Takes note of an alert and returns it as it should be raised: what follows quickly in the same
    /// conversation is not heard twice, and a chat that rings already stays "new" until somebody takes it.
    ///
    /// The first message of a new chat always passes unchanged, and so does an alert that is quiet for a reason.
    pub fn raise(&mut self, mut alert: Alert<C>, now: Timestamp) -> Alert<C> {
        if alert.why_quiet.is_some() && !alert.rings {
            return alert;
        }
        let before = self.demands.get(&alert.conversation).copied();
        if let Some(before) = before
            && (before.rings || !alert.rings)
        {
            if before.rings && !alert.rings {
                alert.rings = true;
                // Who mentions me says so, also while the chat goes on ringing.
                if let Some(toast) = alert.toast.as_mut().filter(|toast| toast.kind == ToastKind::Message) {
                    toast.kind = ToastKind::NewChat;
                }
                if alert.flash != Flash::None {
                    alert.flash = Flash::Critical;
                }
            }
            if before.heard_at.is_some_and(|heard_at| elapsed(heard_at, now) < SAME_SOUND_MS) {
                alert.sound = None;
            }
        }
        let heard_at = alert.sound.map(|_| now).or(before.and_then(|before| before.heard_at));
        self.demands.insert(alert.conversation, Demand { rings: alert.rings, heard_at });
        alert
    }

    /// A conversation was read, taken, answered or closed, or its visitor left. `None`: it wanted nothing.
    pub fn calm(&mut self, conversation: C) -> Option<Calmed> {
        self.demands.remove(&conversation)?;
        Some(Calmed { others_ring: self.ringing().next().is_some(), others_want_attention: !self.demands.is_empty() })
    }

    /// The sound to repeat now, if it is time and sounds are on. Chats that ring at once ring together.
    pub fn due(&mut self, now: Timestamp, preferences: &Preferences) -> Option<Sound> {
        let due = preferences.sounds && self.demands.values().any(|demand| demand.rings && demand.wait(now) == 0);
        if !due {
            return None;
        }
        for demand in self.demands.values_mut().filter(|demand| demand.rings) {
            demand.heard_at = Some(now);
        }
        Some(Sound::Ring)
    }

    /// When [`AlertKeeper::due`] has something to say next, as long as nothing changes and sounds are on; never
    /// later than [`REPEAT_MS`] from now. `None`: nothing rings.
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let rings = self.demands.values().filter(|demand| demand.rings);
        rings.map(|demand| now.saturating_add(demand.wait(now))).min()
    }

    /// Conversations that ring, oldest conversation first.
    pub fn ringing(&self) -> impl Iterator<Item = C> {
        self.demands.iter().filter(|(_, demand)| demand.rings).map(|(&conversation, _)| conversation)
    }

    /// Conversations that want attention, ringing or not, oldest conversation first.
    pub fn wanting(&self) -> impl Iterator<Item = C> {
        self.demands.keys().copied()
    }
}

/// Time since then; for ever when the clock was set back in between.
fn elapsed(then: Timestamp, now: Timestamp) -> i64 {
    if now < then { i64::MAX } else { now.saturating_sub(then) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use deskbell_protocol::{AgentId, ConversationId};

    use super::*;
    use crate::decision::{Arrival, Situation, decide};

    const ANN: AgentId = AgentId(1);
    const VICS: ConversationId = ConversationId(10);
    const WENS: ConversationId = ConversationId(20);
    const ALL: Preferences = Preferences { toasts: true, sounds: true, flash: true, hide_text: false };

    fn writes(conversation: ConversationId, number: i64, assignee: Option<AgentId>) -> Alert<ConversationId> {
        let situation = Situation { focused: None, preferences: ALL, me: ANN };
        let arrival = Arrival {
            conversation,
            message_number: number,
            first_of_conversation: number == 1,
            reopened: false,
            waits: true,
            given: false,
            assignee,
            desk: None,
            takes_part: false,
            mentions_me: false,
            internal: false,
            group: None,
            name: "Vic".into(),
            text: format!("message {number}"),
            file: None,
        };
        decide(&situation, &arrival)
    }

    #[test]
    fn od_27_a_mention_in_a_chat_that_rings_is_told_as_one_and_the_ring_goes_on() {
        let mut keeper = AlertKeeper::default();
        keeper.raise(writes(VICS, 1, None), 1_000);
        let mut mention = writes(VICS, 2, Some(ANN));
        mention.toast.as_mut().unwrap().kind = ToastKind::Mention;
        let told = keeper.raise(mention, 5_000);
        assert_eq!((told.toast.unwrap().kind, told.rings), (ToastKind::Mention, true));
        assert_eq!(keeper.raise(writes(VICS, 3, Some(ANN)), 9_000).toast.unwrap().kind, ToastKind::NewChat);
    }

    #[test]
    fn tv_01_od_42_a_new_chat_rings_every_ten_seconds_until_it_is_taken() {
        let mut keeper = AlertKeeper::default();
        assert_eq!(keeper.raise(writes(VICS, 1, None), 1_000).sound, Some(Sound::Ring), "at once");
        assert_eq!(keeper.next_due(4_000), Some(11_000));
        assert_eq!(keeper.due(10_999, &ALL), None);
        assert_eq!(keeper.due(11_000, &ALL), Some(Sound::Ring));
        assert_eq!(keeper.due(11_001, &ALL), None, "once each time");
        assert_eq!(keeper.due(21_000, &ALL), Some(Sound::Ring));
        assert_eq!(keeper.calm(VICS), Some(Calmed { others_ring: false, others_want_attention: false }));
        assert_eq!((keeper.due(99_000, &ALL), keeper.next_due(99_000)), (None, None));
        assert_eq!(keeper.calm(VICS), None, "it is quiet already");
    }

    #[test]
    fn tv_01_two_new_chats_ring_together_and_one_goes_on_when_the_other_is_taken() {
        let mut keeper = AlertKeeper::default();
        keeper.raise(writes(VICS, 1, None), 0);
        keeper.raise(writes(WENS, 1, None), 4_000);
        assert_eq!(keeper.due(10_000, &ALL), Some(Sound::Ring));
        assert_eq!(keeper.due(14_000, &ALL), None, "Wen's chat was heard with Vic's");
        assert_eq!(keeper.calm(VICS), Some(Calmed { others_ring: true, others_want_attention: true }));
        assert_eq!(keeper.ringing().collect::<Vec<_>>(), [WENS]);
        assert_eq!(keeper.due(20_000, &ALL), Some(Sound::Ring));
    }

    #[test]
    fn od_42_a_message_in_my_own_chat_is_heard_once_and_not_repeated() {
        let mut keeper = AlertKeeper::default();
        assert_eq!(keeper.raise(writes(VICS, 2, Some(ANN)), 0).sound, Some(Sound::Message));
        assert_eq!((keeper.next_due(0), keeper.due(60_000, &ALL)), (None, None));
        assert_eq!(keeper.wanting().collect::<Vec<_>>(), [VICS], "the window flashes until it is read");
        assert!(keeper.calm(VICS).is_some());
    }

    #[test]
    fn od_51_five_quick_lines_make_one_sound_and_one_toast_that_is_replaced() {
        let mut keeper = AlertKeeper::default();
        let sounds: Vec<_> = (2..7).map(|number| keeper.raise(writes(VICS, number, Some(ANN)), number * 300)).collect();
        assert_eq!(sounds.iter().filter(|alert| alert.sound.is_some()).count(), 1);
        for alert in &sounds {
            let toast = alert.toast.as_ref().unwrap();
            assert!(toast.replaces && toast.conversation == VICS);
        }
        assert_eq!(
            keeper.raise(writes(VICS, 7, Some(ANN)), 9_000).sound,
            Some(Sound::Message),
            "later it is news again"
        );
    }

    #[test]
    fn tv_01_a_chat_that_rings_stays_new_while_its_visitor_writes_on() {
        let mut keeper = AlertKeeper::default();
        keeper.raise(writes(VICS, 1, None), 0);
        let more = keeper.raise(writes(VICS, 2, None), 1_000);
        let toast = more.toast.unwrap();
        assert_eq!((toast.kind, toast.body.as_deref()), (ToastKind::NewChat, Some("message 2")));
        assert_eq!((more.flash, more.sound), (Flash::Critical, None), "its ring was heard a second ago");
        let quickly_again = keeper.raise(Alert { message_number: 3, ..writes(VICS, 1, None) }, 1_500);
        assert_eq!((quickly_again.rings, quickly_again.sound), (true, None), "three quick lines are one ring");
        assert_eq!(keeper.due(10_000, &ALL), Some(Sound::Ring), "and comes again in time");
    }

    #[test]
    fn od_51_the_first_message_of_another_new_chat_is_never_swallowed() {
        let mut keeper = AlertKeeper::default();
        keeper.raise(writes(VICS, 1, None), 0);
        let wens = writes(WENS, 1, None);
        assert_eq!(keeper.raise(wens.clone(), 1), wens);
    }

    #[test]
    fn od_42_muted_is_silent_and_unmuted_rings_at_once() {
        let mut keeper = AlertKeeper::default();
        let muted = Preferences { sounds: false, ..ALL };
        let mut alert = writes(VICS, 1, None);
        alert.sound = None;
        keeper.raise(alert, 0);
        assert_eq!(keeper.due(60_000, &muted), None);
        assert_eq!(keeper.due(60_001, &ALL), Some(Sound::Ring), "the visitor is still waiting");
    }

    #[test]
    fn tv_01_a_clock_set_back_by_an_hour_does_not_silence_a_waiting_chat() {
        let mut keeper = AlertKeeper::default();
        keeper.raise(writes(VICS, 1, None), 7_200_000);
        assert_eq!(keeper.next_due(3_600_000), Some(3_600_000));
        assert_eq!(keeper.due(3_600_000, &ALL), Some(Sound::Ring));
        assert_eq!(keeper.due(3_600_001, &ALL), None);
        assert_eq!(keeper.due(3_610_000, &ALL), Some(Sound::Ring));
    }

    #[test]
    fn od_51_an_alert_that_is_quiet_for_a_reason_leaves_no_trace() {
        let mut keeper = AlertKeeper::default();
        keeper.raise(writes(VICS, 2, Some(AgentId(2))), 0);
        assert_eq!(keeper.wanting().count(), 0);
    }

    #[test]
    fn two_desks_that_give_a_chat_the_same_number_ring_apart() {
        let mut keeper = AlertKeeper::default();
        for desk in [1, 2] {
            let Alert { message_number, rings, sound, flash, why_quiet, .. } = writes(VICS, 1, None);
            let conversation = (desk, VICS);
            let alert = Alert { conversation, message_number, rings, toast: None, sound, flash, why_quiet };
            assert_eq!(keeper.raise(alert, desk).sound, Some(Sound::Ring), "neither is a repetition of the other");
        }
        assert_eq!(keeper.calm((1, VICS)), Some(Calmed { others_ring: true, others_want_attention: true }));
        assert_eq!(keeper.ringing().collect::<Vec<_>>(), [(2, VICS)]);
    }
}
