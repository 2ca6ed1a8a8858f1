//! The checker: what one agent hears of all that was written.

use std::time::Duration;

use tokio::time::Instant;

/// When which message is written, by whom. The senders do not wait for the server: whoever is late counts from when it
/// was due, so that a server which holds its senders up hides nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    pub(crate) writers: usize,
    /// The number of the first message; whatever has a smaller one was part of an earlier load.
    pub(crate) first: usize,
    /// Of all writers together.
    pub(crate) messages: usize,
    /// Between two messages.
    pub(crate) every: Duration,
    pub(crate) began: Instant,
}

/// About the mean length of a chat message, in bytes.
const TEXT_BYTES: usize = 125;

impl Schedule {
    pub(crate) fn due(&self, message: usize) -> Instant {
        self.began + self.every * u32::try_from(message).unwrap()
    }

    /// The messages of one writer, in order.
    pub(crate) fn of(&self, writer: usize) -> impl Iterator<Item = usize> + Send + use<> {
        (writer..self.messages).step_by(self.writers)
    }

    /// Its number, filled up to the length.
    pub(crate) fn text(&self, message: usize) -> String {
        format!("{} {}", self.first + message, "x".repeat(TEXT_BYTES))[..TEXT_BYTES].to_owned()
    }

    /// The message with this text; `None`: it is no part of this load.
    fn message(&self, text: &str) -> Option<usize> {
        let number: usize = text.split(' ').next()?.parse().ok()?;
        number.checked_sub(self.first).filter(|message| *message < self.messages)
    }
}

/// A message that came to an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) text: String,
    /// The server's name for it. `None`: the server has no names, and whatever comes is new.
    pub(crate) id: Option<i64>,
    /// Its place in its conversation.
    pub(crate) number: i64,
}

/// What one agent heard.
#[derive(Debug)]
pub(crate) struct Ear {
    schedule: Schedule,
    /// Of each message that was heard: its name, and how long it took from when it was due, in milliseconds.
    heard: Vec<Option<(Option<i64>, f64)>>,
    /// Of each writer: the last message, and its place.
    last: Vec<Option<(usize, i64)>>,
    pub(crate) left: usize,
    /// Messages that stand twice in a conversation, or came twice.
    pub(crate) doubled: usize,
    /// Messages that stand or came before an earlier one of their writer.
    pub(crate) disordered: usize,
}

impl Ear {
    pub(crate) fn new(schedule: Schedule) -> Self {
        Self {
            schedule,
            heard: vec![None; schedule.messages],
            last: vec![None; schedule.writers],
            left: schedule.messages,
            doubled: 0,
            disordered: 0,
        }
    }

    /// Takes a message. One that is no part of the load is not counted.
    pub(crate) fn hear(&mut self, heard: &Heard, now: Instant) {
        let Some(message) = self.schedule.message(&heard.text) else { return };
        match self.heard[message] {
            // The same message again: it has changed, or a connection began anew.
            Some((Some(id), _)) if heard.id == Some(id) => return,
            Some(_) => {
                self.doubled += 1;
                return;
            }
            None => {
                let late = now.saturating_duration_since(self.schedule.due(message));
                self.heard[message] = Some((heard.id, late.as_secs_f64() * 1000.0));
            }
        }
        self.left -= 1;
        let last = &mut self.last[message % self.schedule.writers];
        if last.is_some_and(|(before, place)| before >= message || place >= heard.number) {
            self.disordered += 1;
        }
        *last = Some((message, heard.number));
    }

    /// How long each message took that was heard, in milliseconds, in the order in which they were due.
    pub(crate) fn late(&self) -> impl Iterator<Item = f64> {
        self.heard.iter().flatten().map(|(_, late)| *late)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_millis(1);

    fn ear() -> Ear {
        Ear::new(Schedule { writers: 2, first: 10, messages: 6, every: EVERY, began: Instant::now() })
    }

    /// Takes messages: which one, its id and its place.
    fn hears(ear: &mut Ear, all: &[(usize, i64, i64)]) -> (usize, usize, usize) {
        for &(message, id, number) in all {
            let text = ear.schedule.text(message);
            ear.hear(&Heard { text, id: Some(id), number }, Instant::now());
        }
        (ear.left, ear.doubled, ear.disordered)
    }

    #[test]
    fn every_message_once_and_in_order_is_right_and_a_change_of_one_is_no_second_one() {
        let mut ear = ear();
        for text in ["hello", "9 of an earlier load", "16 of a later one"] {
            ear.hear(&Heard { text: text.to_owned(), id: Some(7), number: 9 }, Instant::now());
        }
        let counts = hears(
            &mut ear,
            &[(0, 100, 1), (1, 101, 1), (2, 102, 2), (0, 100, 1), (3, 103, 2), (4, 104, 5), (5, 105, 9)],
        );
        assert_eq!(counts, (0, 0, 0));
        assert_eq!(ear.late().count(), 6);
    }

    #[test]
    fn a_message_that_is_missing_doubled_or_out_of_place_is_found() {
        let mut ear = ear();
        assert_eq!(hears(&mut ear, &[(0, 100, 1), (0, 101, 2)]), (5, 1, 0), "stands twice");
        assert_eq!(hears(&mut ear, &[(4, 104, 4), (2, 102, 5)]), (3, 1, 1), "came after a later one");
        assert_eq!(hears(&mut ear, &[(1, 105, 8), (3, 106, 7)]), (1, 1, 2), "stands before an earlier one");
    }

    #[test]
    fn where_nothing_has_a_name_whatever_comes_twice_is_doubled() {
        let mut ear = ear();
        let nameless = Heard { text: ear.schedule.text(5), id: None, number: 1 };
        ear.hear(&nameless, Instant::now());
        ear.hear(&nameless, Instant::now());
        assert_eq!((ear.left, ear.doubled), (5, 1));
    }

    #[test]
    fn writers_take_turns_and_late_counts_from_when_a_message_was_due() {
        let mut ear = ear();
        assert_eq!(ear.schedule.of(1).collect::<Vec<_>>(), [1, 3, 5]);
        let heard = Heard { text: ear.schedule.text(3), id: Some(1), number: 1 };
        ear.hear(&heard, ear.schedule.began + 5 * EVERY);
        assert_eq!(ear.late().collect::<Vec<_>>(), [2.0]);
    }
}
