//! Changes of the computer's network: a connection that looks alive may be dead since.

use std::io;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use if_watch::tokio::IfWatcher;

use crate::app::App;

/// A change is over when nothing more has happened for so long: addresses come and go one by one.
const SETTLES: Duration = Duration::from_secs(1);

impl App {
    /// Tells every desk's connection when the computer's network has changed. Ends with the app. Where the system
    /// does not tell, heartbeats find a dead connection later.
    pub(crate) async fn watch_network(self) {
        let watcher = match IfWatcher::new() {
            Ok(watcher) => watcher,
            Err(error) => {
                tracing::info!(%error, "changes of the network are not told");
                return;
            }
        };
        let stop = self.inner.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = tell_changes(watcher, || self.network_changed()) => {}
        }
    }

    fn network_changed(&self) {
        tracing::info!("the network has changed");
        for session in self.sessions(None).unwrap_or_default() {
            session.client.network_changed();
        }
    }
}

/// Tells once of everything that happens together. What is told first is how the network is now. Ends with the events,
/// or with the first that cannot be read: no other comes after it.
async fn tell_changes<T>(mut events: impl Stream<Item = io::Result<T>> + Unpin, mut tell: impl FnMut()) {
    let mut known = false;
    let mut next = events.next().await;
    while let Some(Ok(_)) = next {
        next = match tokio::time::timeout(SETTLES, events.next()).await {
            Ok(event) => event,
            Err(_) => {
                if std::mem::replace(&mut known, true) {
                    tell();
                }
                events.next().await
            }
        };
    }
    if let Some(Err(error)) = next {
        tracing::warn!(%error, "changes of the network are not told any more");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn dc_02_what_changes_together_is_told_once_and_how_it_is_at_first_not_at_all() {
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        let events = Box::pin(futures_util::stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|event| (event, receiver))
        }));
        let told = Rc::new(Cell::new(0));
        let count = Rc::clone(&told);
        let telling = tell_changes(events, move || count.set(count.get() + 1));
        let story = async {
            sender.send(Ok(())).unwrap();
            sender.send(Ok(())).unwrap();
            tokio::time::sleep(2 * SETTLES).await;
            assert_eq!(told.get(), 0, "nothing has changed");
            for _ in 0..3 {
                sender.send(Ok(())).unwrap();
                tokio::time::sleep(SETTLES / 2).await;
            }
            assert_eq!(told.get(), 0, "it changes still");
            tokio::time::sleep(SETTLES).await;
            assert_eq!(told.get(), 1);
            sender.send(Err(io::Error::other("the system says no more"))).unwrap();
            sender.send(Ok(())).ok();
            tokio::time::sleep(2 * SETTLES).await;
            assert_eq!(told.get(), 1);
        };
        tokio::join!(telling, story);
    }
}
