//! Writers and agents who are connected, and what they do at a given time.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::iter;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::ear::{Ear, Schedule};
use super::side::{Agent as _, Side, Writer as _};

/// Connections that are made at the same time.
pub(crate) const AT_ONCE: usize = 64;
/// From the setting of the stage to the first message.
const PAUSE: Duration = Duration::from_millis(500);
/// A message that has not come so long after the last one was due is lost.
const GRACE: Duration = Duration::from_secs(60);

/// Connected people.
pub(crate) struct Stage<S: Side> {
    writers: Vec<S::Writer>,
    agents: Vec<S::Agent>,
    /// Messages so far.
    messages: usize,
}

impl<S: Side> Stage<S> {
    pub(crate) async fn set(side: &S, writers: usize, agents: usize) -> Self {
        let agents = iter(0..agents).map(|number| side.agent(number, agents)).buffer_unordered(AT_ONCE).collect().await;
        let writers = iter(0..writers).map(|number| side.writer(number)).buffer_unordered(AT_ONCE).collect().await;
        Self { writers, agents, messages: 0 }
    }

    /// Writes so many messages in this time, and says what each agent heard. Then everybody rests.
    pub(crate) async fn play(&mut self, messages: usize, time: Duration) -> Vec<Ear> {
        let every = time / u32::try_from(messages).unwrap();
        let (writers, first, began) = (self.writers.len(), self.messages, Instant::now() + PAUSE);
        let schedule = Schedule { writers, first, messages, every, began };
        self.messages += messages;
        let writing = self.begin_writing(schedule);
        let mut listening = JoinSet::new();
        for mut agent in self.agents.drain(..) {
            listening.spawn(async move {
                let (mut ear, end) = (Ear::new(schedule), schedule.due(messages) + GRACE);
                while ear.left > 0 {
                    let Ok(all) = timeout_at(end, agent.hear()).await else { break };
                    let now = Instant::now();
                    all.iter().for_each(|heard| ear.hear(heard, now));
                }
                (agent, ear)
            });
        }
        self.writers = writing.join_all().await;
        let (agents, ears) = listening.join_all().await.into_iter().unzip();
        self.agents = agents;
        ears
    }

    /// Has every writer write so many messages, each as soon as the one before is durable. How many a second that were.
    pub(crate) async fn burst(&mut self, each: usize) -> f64 {
        let messages = self.writers.len() * each;
        // No part of what is played later.
        let schedule = Schedule {
            writers: self.writers.len(),
            first: self.messages,
            messages,
            every: Duration::ZERO,
            began: Instant::now(),
        };
        self.messages += messages;
        let writing = self.begin_writing(schedule);
        self.writers = writing.join_all().await;
        #[allow(clippy::cast_precision_loss, reason = "some ten thousands")]
        let messages = messages as f64;
        messages / schedule.began.elapsed().as_secs_f64()
    }

    /// Has every writer write their part, each message when it is due, or as soon as the one before is durable if that
    /// is later. All of them end when the schedule does.
    fn begin_writing(&mut self, schedule: Schedule) -> JoinSet<S::Writer> {
        let mut writing = JoinSet::new();
        for (number, mut writer) in self.writers.drain(..).enumerate() {
            writing.spawn(async move {
                for message in schedule.of(number) {
                    writer.rest(schedule.due(message)).await;
                    writer.write(schedule.text(message)).await;
                }
                writer.rest(schedule.due(schedule.messages)).await;
                writer
            });
        }
        writing
    }

    /// Keeps all connections until then.
    pub(crate) async fn rest(&mut self, until: Instant) {
        let writers = self.writers.iter_mut().map(|writer| writer.rest(until));
        let agents = self.agents.iter_mut().map(async |agent| while timeout_at(until, agent.hear()).await.is_ok() {});
        let both = (futures_util::future::join_all(writers), futures_util::future::join_all(agents));
        tokio::join!(both.0, both.1, sleep_until(until));
    }
}
