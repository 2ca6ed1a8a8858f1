//! Work that falls due at a time which stands in the database: it is done then, and whenever somebody says that it may
//! be due sooner. A restart loses nothing, and what fell due while no server ran is made good at the start.

use std::time::Duration;

use deskbell_protocol::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::desk::Core;
use crate::store::{Connection, Failure, Outcome};

/// However far the next deadline is, the clock may be set, and another server on this database may set a nearer one.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Looks at what is due until cancelled. `look` does it, and says when the next is due; when it fails, `failed` is
/// logged, and it is tried again. What is poked is looked at after `gather`, so that a burst of changes costs one look.
pub(crate) async fn keep<F: Future<Output = Outcome<Option<Timestamp>>>>(
    cancelled: CancellationToken,
    poked: &Notify,
    gather: Duration,
    failed: &'static str,
    look: impl Fn() -> F,
) {
    loop {
        let pause = match look().await {
            Ok(next) => next.map_or(LOOK_AGAIN, |next| until(next).min(LOOK_AGAIN)),
            Err(failure) => {
                tracing::warn!(?failure, "{failed}; it is tried again in a minute");
                LOOK_AGAIN
            }
        };
        tokio::select! {
            () = cancelled.cancelled() => return,
            () = poked.notified() => tokio::select! {
                () = cancelled.cancelled() => return,
                () = tokio::time::sleep(gather) => {}
            },
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Does what is due, a transaction at a time. When the next is.
pub(crate) async fn look<T, E, F: Future<Output = Outcome<()>>>(
    core: &Core,
    due: fn(&Connection, Timestamp, i64) -> Result<Vec<T>, E>,
    next_due: fn(&Connection) -> Result<Option<Timestamp>, E>,
    work: impl Fn() -> F,
) -> Outcome<Option<Timestamp>>
where
    Failure: From<E>,
{
    while core.readers.glance(|connection| Ok(!due(connection, crate::clock(), 1)?.is_empty())).await? {
        work().await?;
    }
    core.readers.glance(|connection| Ok(next_due(connection)?)).await
}

fn until(time: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(time.saturating_sub(crate::clock())).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn dc_01_what_is_due_is_done_at_once_and_a_failure_ends_nothing() {
        let (poked, looks) = (Notify::new(), AtomicUsize::new(0));
        let cancelled = CancellationToken::new();
        let look = || {
            let number = looks.fetch_add(1, Ordering::Relaxed);
            let (poked, cancelled) = (&poked, &cancelled);
            async move {
                match number {
                    // Due long ago.
                    0 => Ok(Some(0)),
                    1 => {
                        poked.notify_one();
                        Err(Failure::Internal)
                    }
                    2 => {
                        poked.notify_one();
                        Ok(None)
                    }
                    _ => {
                        cancelled.cancel();
                        Ok(None)
                    }
                }
            }
        };
        keep(cancelled.clone(), &poked, Duration::from_millis(1), "nothing could be done", look).await;
        assert_eq!(looks.load(Ordering::Relaxed), 4);
    }

    #[test]
    fn dc_01_what_was_due_is_not_waited_for() {
        assert_eq!(until(crate::clock() - 1), Duration::ZERO);
        assert!(until(crate::clock() + 5_000) > Duration::from_secs(4));
    }
}
