//! The one writer: a thread that owns the writing connection and commits in groups.
//!
//! While one commit waits for the disk, the next group gathers in the queue; so a quiet desk commits each command
//! at once and a busy one up to 64 of them together, without any timer.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::hub::Hub;
use crate::store::batch::{Batches, Job, Write, ask};
use crate::store::{Connection, Failure, OpenError, Outcome};

/// Most jobs of one transaction.
const GROUP: usize = 64;

/// Most jobs that wait. Beyond that the answer is `busy`.
const QUEUE: usize = 4096;

/// Hands work to the writer's thread. The thread ends when the last handle is gone, after its queue is done.
pub(crate) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    ended: CancellationToken,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(connection: Connection, hub: Arc<Hub>) -> Result<Self, OpenError> {
        let batches = Batches::new(connection);
        let (queue, jobs) = mpsc::channel(QUEUE);
        let ended = CancellationToken::new();
        let guard = ended.clone().drop_guard();
        let thread = std::thread::Builder::new()
            .name("deskbell-writer".to_owned())
            .spawn(move || run(batches, jobs, &hub, guard))?;
        Ok(Self { queue: Some(queue), thread: Mutex::new(Some(thread)), ended })
    }

    /// Queues work at once, in the order of calls; the answer comes after the commit.
    pub(crate) fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Write<'_>) -> Outcome<T> + Send + 'static,
    ) -> impl Future<Output = Outcome<T>> + Send + 'static {
        let (job, answered) = ask(work);
        let queued = match &self.queue {
            Some(queue) => queue.try_send(job).is_ok(),
            None => false,
        };
        async move {
            if !queued {
                return Err(Failure::Busy);
            }
            answered.await.unwrap_or(Err(Failure::Busy))
        }
    }

    /// How many jobs wait.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }

    /// Done when the thread has ended, which is a fault while the server runs.
    pub(crate) fn ended(&self) -> &CancellationToken {
        &self.ended
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // The thread holds the hub, never the writer, so it is not joining itself here.
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the writer's thread had panicked");
        }
    }
}

fn run(batches: Batches, mut queue: mpsc::Receiver<Box<dyn Job>>, hub: &Hub, ended: DropGuard) {
    while let Some(first) = queue.blocking_recv() {
        let mut jobs = vec![first];
        while jobs.len() < GROUP {
            match queue.try_recv() {
                Ok(job) => jobs.push(job),
                Err(_) => break,
            }
        }
        let (number, begun) = (jobs.len(), Instant::now());
        let news = batches.run(jobs, crate::clock(), |committed| hub.publish(committed));
        // After the answers: whoever wrote is woken once, by both.
        if let Some(news) = news {
            hub.tell_visitors(&news.committed);
        }
        hub.metrics.commit(number, begun.elapsed());
    }
    drop(batches);
    drop(ended);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use deskbell_protocol::{EntityKind, ErrorCode, VisitorId};

    use super::*;
    use crate::store::database::params;
    use crate::store::{self, log, sites};

    fn site(write: &mut Write<'_>, name: &str) -> Outcome<()> {
        let id = write.new_id();
        let site = deskbell_protocol::Site::new(id.into(), name, &id.to_string());
        sites::put(write.connection, &site)?;
        write.touch(EntityKind::Site, id)
    }

    #[tokio::test]
    async fn dc_01_a_full_disk_refuses_the_command_and_keeps_what_was_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("desk.db");
        let connection = store::open(&path, "Shop").unwrap();
        let writer = Writer::start(connection, Hub::new()).unwrap();
        writer.submit(|write| site(write, "first")).await.unwrap();
        let pages: i64 = writer
            .submit(|write| {
                let pages: i64 = write.connection.one("PRAGMA page_count", params![], |row| row.get(0))?;
                // From here on the database may not grow, which to SQLite is a full disk.
                write.connection.change(&format!("PRAGMA max_page_count = {pages}"), params![])?;
                Ok(pages)
            })
            .await
            .unwrap();
        let failure = writer.submit(|write| site(write, &"x".repeat(200_000))).await.unwrap_err();
        assert_eq!(failure.into_refusal().code, ErrorCode::DiskFull);
        writer
            .submit(move |write| {
                Ok(write.connection.change(&format!("PRAGMA max_page_count = {}", pages * 100), params![])?)
            })
            .await
            .unwrap();
        writer.submit(|write| site(write, "second")).await.unwrap();
        drop(writer);
        let connection = store::open(&path, "Shop").unwrap();
        assert_eq!(sites::ids(&connection).unwrap().len(), 2);
        assert_eq!(log::desk(&connection).unwrap().head.0, 2, "the log has a hole");
    }

    #[tokio::test]
    async fn dc_01_a_refused_command_leaves_no_trace_beside_those_of_its_group() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("desk.db");
        let writer = Writer::start(store::open(&path, "Shop").unwrap(), Hub::new()).unwrap();
        let answers: Vec<_> = (0..200)
            .map(|number| {
                writer.submit(move |write| {
                    site(write, "Shop")?;
                    if number % 3 == 0 { Err(Failure::not_found("thing")) } else { Ok(VisitorId(number)) }
                })
            })
            .collect();
        let mut done = 0;
        for (number, answer) in (0_i64..).zip(answers) {
            match answer.await {
                Ok(id) => {
                    assert_eq!(id.0, number);
                    done += 1;
                }
                Err(_) => assert_eq!(number % 3, 0),
            }
        }
        drop(writer);
        let connection = store::open(&path, "Shop").unwrap();
        assert_eq!(done, 133);
        assert_eq!(sites::ids(&connection).unwrap().len(), 133);
        assert_eq!(log::desk(&connection).unwrap().head.0, 133, "places in the log are dense");
    }
}
