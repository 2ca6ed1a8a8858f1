//! What waits for another program, such as the system's notification service, is done on a thread of its own: a program that
//! does not answer must not stop the app.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

/// Jobs that wait; further ones are left out.
const JOBS: usize = 64;

type Job = Box<dyn FnOnce() + Send>;

/// Does jobs one after the other.
pub(crate) struct Apart {
    jobs: SyncSender<Job>,
    /// How long an answer is waited for.
    patience: Duration,
    /// A job took longer than that, and is not done.
    is_stuck: Arc<AtomicBool>,
}

impl Apart {
    /// Starts the thread. It ends when this value is dropped and the last job is done.
    pub(crate) fn start(patience: Duration) -> Self {
        let (jobs, orders) = sync_channel(JOBS);
        let thread = std::thread::Builder::new().name("apart".into()).spawn(move || work(&orders));
        if let Err(error) = thread {
            tracing::error!(%error, "no toasts: the thread could not be started");
        }
        Self { jobs, patience, is_stuck: Arc::default() }
    }

    /// Has a job done after those before it. False: it never will be.
    pub(crate) fn tell(&self, job: impl FnOnce() + Send + 'static) -> bool {
        let is_stuck = Arc::clone(&self.is_stuck);
        let job = move || {
            job();
            is_stuck.store(false, Ordering::Relaxed);
        };
        let refused = self.jobs.try_send(Box::new(job));
        match &refused {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => tracing::warn!("left out: too much waits for the notification service"),
            Err(TrySendError::Disconnected(_)) => tracing::error!("no toasts: the thread has ended"),
        }
        refused.is_ok()
    }

    /// Has a job done likewise, and waits for what comes of it. `None`: it is not known by now, and is not waited for any
    /// longer, nor is what comes after it until something is done again.
    pub(crate) fn ask<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (say, answer) = sync_channel(1);
        let was_stuck = self.is_stuck.load(Ordering::Relaxed);
        // What comes too late is heard by nobody.
        let told = self.tell(move || drop(say.send(job())));
        if !told || was_stuck {
            return None;
        }
        let answer = tokio::task::block_in_place(|| answer.recv_timeout(self.patience)).ok();
        if answer.is_none() {
            tracing::warn!("the notification service does not answer");
            self.is_stuck.store(true, Ordering::Relaxed);
        }
        answer
    }
}

fn work(orders: &Receiver<Job>) {
    while let Ok(job) = orders.recv() {
        job();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::mpsc::channel;
    use std::time::Instant;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_service_that_does_not_answer_is_waited_for_once_and_what_was_told_meanwhile_is_done_in_its_order() {
        let patience = Duration::from_millis(200);
        let apart = Apart::start(patience);
        assert_eq!(apart.ask(|| 1), Some(1));

        let (go_on, held) = channel::<()>();
        let (done, order) = channel();
        let say = |number| {
            let done = done.clone();
            move || done.send(number).unwrap()
        };
        assert_eq!(apart.ask(move || held.recv().is_ok()), None, "it is given up");
        let begun = Instant::now();
        for number in 2..50 {
            assert_eq!(apart.ask(say(number)), None, "nobody answers yet");
        }
        assert!(begun.elapsed() < 10 * patience, "the others are not waited for, each by itself");
        assert!(apart.tell(say(50)));
        go_on.send(()).unwrap();
        assert_eq!(order.iter().take(49).collect::<Vec<_>>(), (2..=50).collect::<Vec<_>>());
        assert_eq!(apart.ask(|| 51), Some(51), "it answers again");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_waits_for_a_service_that_never_answers_does_not_pile_up() {
        let apart = Apart::start(Duration::from_millis(10));
        let (_go_on, held) = channel::<()>();
        assert_eq!(apart.ask(move || held.recv().is_ok()), None);
        let taken = (0..2 * JOBS).filter(|_| apart.tell(|| {})).count();
        assert_eq!(taken, JOBS);
    }
}
