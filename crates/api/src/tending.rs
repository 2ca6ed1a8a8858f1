//! Work on an account's cache that nobody waits for.

use std::time::Duration;

use crate::app::{App, Session};

/// From the start of the app, which this must not slow down, and from one time to the next.
const EVERY: Duration = Duration::from_secs(5 * 60);
/// Between two steps, so that whatever comes from the desk goes first.
const PAUSE: Duration = Duration::from_millis(50);

impl App {
    /// Keeps the cache of an account quick, until its session ends.
    pub(crate) async fn tend(self, session: Session) {
        let tend = async {
            loop {
                tokio::time::sleep(EVERY).await;
                while self.tend_words(&session).await {
                    tokio::time::sleep(PAUSE).await;
                }
            }
        };
        tokio::select! {
            () = session.stop.cancelled() => {}
            () = tend => {}
        }
    }

    /// A step. True when there is more to do.
    async fn tend_words(&self, session: &Session) -> bool {
        let cache = session.cache.clone();
        self.blocking(move || cache.tend_words()).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the indexes of words could not be tended");
            false
        })
    }
}
