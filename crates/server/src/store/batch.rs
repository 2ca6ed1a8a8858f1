//! Group commit: up to a batch of jobs in one transaction, each in a savepoint of its own.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use deskbell_protocol::planted::{Bug, is_planted};
use deskbell_protocol::{ChangeKind, ClientId, ConversationId, EntityKind, Seq, Timestamp};
use tokio::sync::oneshot;

use super::database::{Connection, Step};
use super::log::{self, Committed, Logged, Place};
use super::{Failure, Outcome, conversations, entities, participants};
use crate::authorize::Principal;

/// Milliseconds from the Unix epoch to 2024-01-01, where ids begin.
const ID_EPOCH: i64 = 1_704_067_200_000;
/// Ids of one millisecond.
const ID_COUNTER_BITS: u32 = 12;

/// What is made at a time or later has this id or a larger one.
pub(crate) fn first_id_at(time: Timestamp) -> i64 {
    // Before and far behind the ids' own time there is nothing to tell apart.
    (time.clamp(ID_EPOCH, ID_EPOCH + (1 << 41)) - ID_EPOCH) << ID_COUNTER_BITS
}

/// When the thing with this id was made.
pub(crate) fn time_of(id: i64) -> Timestamp {
    (id >> ID_COUNTER_BITS) + ID_EPOCH
}

/// Makes ids: 41 bits of milliseconds and 12 bits of counter. Never repeats and never decreases, also when
/// the clock is set back, because it goes on from the largest id given out.
#[derive(Clone, Copy, Debug)]
struct Ids {
    last: i64,
}

impl Ids {
    fn next(&mut self, now: Timestamp) -> i64 {
        self.last = first_id_at(now).max(self.last + 1);
        self.last
    }
}

/// A piece of work for the writer. Its asker is told once the commit is durable or has failed.
pub(crate) trait Job: Send {
    /// Does the work. False: its changes are rolled back.
    fn run(&mut self, write: &mut Write<'_>) -> bool;
    /// Tells the asker.
    fn finish(self: Box<Self>, commit: Outcome<()>);
}

struct Asked<T, F> {
    work: Option<F>,
    result: Option<Outcome<T>>,
    answer: oneshot::Sender<Outcome<T>>,
}

impl<T: Send, F: FnOnce(&mut Write<'_>) -> Outcome<T> + Send> Job for Asked<T, F> {
    fn run(&mut self, write: &mut Write<'_>) -> bool {
        let Some(work) = self.work.take() else { return false };
        let result = work(write);
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn finish(self: Box<Self>, commit: Outcome<()>) {
        let result = match (self.result, commit) {
            (Some(Err(failure)), _) | (_, Err(failure)) => Err(failure),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(Failure::Busy),
        };
        // An asker that has gone away has no use for the answer.
        let _ = self.answer.send(result);
    }
}

/// Makes a job of work. The answer is there once the transaction is over.
pub(crate) fn ask<T: Send + 'static>(
    work: impl FnOnce(&mut Write<'_>) -> Outcome<T> + Send + 'static,
) -> (Box<dyn Job>, oneshot::Receiver<Outcome<T>>) {
    let (answer, answered) = oneshot::channel();
    (Box::new(Asked { work: Some(work), result: None, answer }), answered)
}

/// What follows from work outside the database.
type Effect = Box<dyn FnOnce() + Send>;

/// What a job may do: read and write rows, make ids, and tell the log.
pub(crate) struct Write<'a> {
    pub(crate) connection: &'a Connection,
    /// The server's clock at the start of the batch.
    pub(crate) now: Timestamp,
    ids: &'a mut Ids,
    head: &'a mut Seq,
    touched: HashSet<(EntityKind, i64, i64)>,
    cause: Option<((i64, i64), ClientId)>,
    effects: Vec<Effect>,
}

impl Write<'_> {
    pub(crate) fn new_id(&mut self) -> i64 {
        self.ids.next(self.now)
    }

    /// Has something follow as soon as this work is durable and before its asker is told, whatever became of the asker:
    /// who waits for an answer is gone when their connection breaks. It runs on the writer's thread, so it is short, and
    /// holds nothing that waits for this thread when it is dropped, as the desk does.
    pub(crate) fn then(&mut self, effect: impl FnOnce() + Send + 'static) {
        self.effects.push(Box::new(effect));
    }

    /// The log's newest place, this job's changes included.
    pub(crate) fn head(&self) -> Seq {
        *self.head
    }

    /// Whose command makes the changes from here on.
    pub(crate) fn caused_by(&mut self, principal: &Principal, client_id: &ClientId) {
        self.cause = Some((principal.key(), client_id.clone()));
    }

    /// Says that an entity changed. Its state is read when all jobs of the batch are done.
    pub(crate) fn touch(&mut self, entity: EntityKind, id: i64) -> Outcome<()> {
        self.record(entity, id, log::EVERYBODY, ChangeKind::Put, None)
    }

    /// Says that an entity changed which the conversation's visitor may be shown.
    pub(crate) fn touch_in(&mut self, entity: EntityKind, id: i64, conversation: ConversationId) -> Outcome<()> {
        self.record(entity, id, log::EVERYBODY, ChangeKind::Put, Some(conversation))
    }

    /// Says that an entity changed, and that it comes after all that was said so far.
    pub(crate) fn touch_last(
        &mut self,
        entity: EntityKind,
        id: i64,
        conversation: Option<ConversationId>,
    ) -> Outcome<()> {
        self.touched.remove(&(entity, id, log::EVERYBODY));
        self.record(entity, id, log::EVERYBODY, ChangeKind::Put, conversation)
    }

    /// Says that an entity changed which one agent alone may see.
    pub(crate) fn touch_for(&mut self, entity: EntityKind, id: i64, agent: i64) -> Outcome<()> {
        self.record(entity, id, agent, ChangeKind::Put, None)
    }

    /// Says that one agent may see an entity no more, nor what belongs to it.
    pub(crate) fn forget(&mut self, entity: EntityKind, id: i64, agent: i64) -> Outcome<()> {
        self.record(entity, id, agent, ChangeKind::Forget, None)
    }

    /// Says that one agent may see an entity from now on, and what belongs to it.
    pub(crate) fn show(&mut self, entity: EntityKind, id: i64, agent: i64) -> Outcome<()> {
        self.record(entity, id, agent, ChangeKind::Show, None)
    }

    /// Says that an entity is gone, to all who may have it.
    pub(crate) fn gone(&mut self, entity: EntityKind, id: i64) -> Outcome<()> {
        self.end(entity, id, ChangeKind::Delete)
    }

    /// Says that an entity was erased, to all who may have it.
    pub(crate) fn erased(&mut self, entity: EntityKind, id: i64) -> Outcome<()> {
        self.end(entity, id, ChangeKind::Erase)
    }

    fn end(&mut self, entity: EntityKind, id: i64, kind: ChangeKind) -> Outcome<()> {
        for audience in log::audiences(self.connection, entity, id)? {
            self.touched.remove(&(entity, id, audience));
            self.record(entity, id, audience, kind, None)?;
        }
        Ok(())
    }

    fn record(
        &mut self,
        entity: EntityKind,
        id: i64,
        audience: i64,
        kind: ChangeKind,
        conversation: Option<ConversationId>,
    ) -> Outcome<()> {
        if !self.touched.insert((entity, id, audience)) {
            return Ok(());
        }
        self.head.0 += 1;
        let (sender, client_id) = self.cause.clone().unzip();
        let before = match kind {
            // Of what is gone, only the log knows where it was.
            ChangeKind::Delete | ChangeKind::Erase => log::place(self.connection, entity, id, audience)?,
            _ => None,
        };
        let site = match before {
            Some(before) => before.site,
            None => entities::site_of(self.connection, entity, id)?,
        };
        log::put(
            self.connection,
            &Place { seq: *self.head, entity, id, audience, kind, sender, client_id, conversation, site },
        )?;
        Ok(())
    }
}

/// The writing connection.
pub(crate) struct Batches {
    connection: Connection,
    /// The server dies instead of the next commit.
    #[cfg(feature = "simulation")]
    dies: std::cell::Cell<bool>,
}

impl Batches {
    pub(crate) fn new(connection: Connection) -> Self {
        Self {
            connection,
            #[cfg(feature = "simulation")]
            dies: std::cell::Cell::new(false),
        }
    }

    /// Lets the server die at the very moment of the next commit.
    #[cfg(feature = "simulation")]
    pub(crate) fn die_at_commit(&self) {
        self.dies.set(true);
    }

    fn commit(&self) -> Outcome<()> {
        #[cfg(feature = "simulation")]
        if self.dies.take() {
            return Err(Failure::Busy);
        }
        Ok(self.connection.step(Step::Commit)?)
    }

    /// Runs the jobs in one transaction. Askers are told after the commit, after `publish`, whose word is given back if
    /// anything changed, and after what follows from their work; when the commit fails, all of them are told so, nothing
    /// is stored, and nothing follows.
    pub(crate) fn run<T>(
        &self,
        mut jobs: Vec<Box<dyn Job>>,
        now: Timestamp,
        publish: impl FnOnce(Committed) -> T,
    ) -> Option<T> {
        let worked = self.work(&mut jobs, now);
        if is_planted(Bug::AckBeforeCommit) && worked.is_ok() {
            jobs.drain(..).for_each(|job| job.finish(Ok(())));
        }
        let result = worked.and_then(|worked| self.commit().map(|()| worked));
        let (outcome, published) = match result {
            Ok((committed, effects)) => {
                let published = (committed.to > committed.from).then(|| publish(committed));
                effects.into_iter().for_each(|effect| effect());
                (Ok(()), published)
            }
            Err(failure) => {
                if self.connection.is_in_transaction()
                    && let Err(error) = self.connection.step(Step::GiveUp)
                {
                    tracing::error!(%error, "a failed transaction could not be rolled back");
                }
                (Err(failure), None)
            }
        };
        for job in jobs {
            job.finish(outcome.clone());
        }
        published
    }

    fn work(&self, jobs: &mut [Box<dyn Job>], now: Timestamp) -> Outcome<(Committed, Vec<Effect>)> {
        self.connection.step(Step::BeginWriting)?;
        // The counters are read anew each time, so that a second process, which adds an agent from the command line
        // say, can never make the log repeat a place.
        let desk = log::desk(&self.connection)?;
        let from = desk.head;
        let mut head = from;
        let mut ids = Ids { last: desk.last_id };
        let (mut touched, mut effects) = (BTreeSet::new(), Vec::new());
        for job in jobs {
            self.connection.step(Step::BeginPart)?;
            let before = head;
            let mut write = Write {
                connection: &self.connection,
                now,
                ids: &mut ids,
                head: &mut head,
                touched: HashSet::new(),
                cause: None,
                effects: Vec::new(),
            };
            let keep = job.run(&mut write);
            let Write { touched: of_job, effects: follow, .. } = write;
            if !self.connection.is_in_transaction() {
                // The database gave up the whole transaction, as it may when the disk is full.
                return Err(Failure::DiskFull);
            }
            if keep {
                self.connection.step(Step::KeepPart)?;
                touched.extend(of_job);
                effects.extend(follow);
            } else {
                self.connection.step(Step::GiveUpPart)?;
                // Ids may stay spent; places in the log may not, or the log would have a hole.
                head = before;
            }
        }
        log::move_head(&self.connection, head, ids.last)?;
        Ok((self.collect(from, head, touched)?, effects))
    }

    /// Reads the state that the touched entities have at the end of the transaction.
    fn collect(&self, from: Seq, to: Seq, touched: BTreeSet<(EntityKind, i64, i64)>) -> Outcome<Committed> {
        let mut changes = Vec::with_capacity(touched.len());
        let mut conversations = HashSet::new();
        for (entity, id, audience) in touched {
            if let Some(place) = log::place(&self.connection, entity, id, audience)? {
                conversations.extend(place.conversation);
                let participants = participants::seeing(&self.connection, entity, id, audience)?;
                changes.push(Arc::new(Logged { participants, ..place.with_state(&self.connection)? }));
            }
        }
        changes.sort_by_key(|logged| logged.change.seq);
        let mut visitors = Vec::with_capacity(conversations.len());
        for conversation in conversations {
            visitors.extend(conversations::visitor_of(&self.connection, conversation)?);
        }
        Ok(Committed { from, to, changes, visitors })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dc_01_ids_grow_when_the_clock_is_set_back_and_stay_exact_in_javascript() {
        let mut ids = Ids { last: 0 };
        let now = ID_EPOCH + 3 * 365 * 24 * 3_600_000;
        let mut last = 0;
        for clock in [now, now, now - 10_000_000, 0, now + 1, now] {
            let id = ids.next(clock);
            assert!(id > last, "{id} after {last}");
            last = id;
        }
        let far = ids.next(ID_EPOCH + 60 * 365 * 24 * 3_600_000);
        assert!(far < 1 << 53, "{far}");
    }
}
