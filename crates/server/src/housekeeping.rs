//! Clears away what nobody needs any more: expired tokens, files that were uploaded and never sent, and uploads
//! that nobody goes on with.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::desk::Core;
use crate::store::{Outcome, agents, files};
use crate::uploads;

/// The first time comes late, so that starting is not slowed down.
const FIRST: Duration = Duration::from_secs(60);
const EVERY: Duration = Duration::from_secs(60 * 60);
/// A file, and an upload in the middle, may lie this long, in milliseconds.
const LOOSE_MS: i64 = 24 * 60 * 60 * 1000;

/// Runs until cancelled.
pub(crate) async fn run(core: Arc<Core>, cancelled: CancellationToken) {
    let mut pause = FIRST;
    loop {
        tokio::select! {
            () = cancelled.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = EVERY;
        if let Err(failure) = clear(&core, crate::clock() - LOOSE_MS).await {
            tracing::warn!(?failure, "housekeeping failed; it tries again in an hour");
        }
    }
}

/// Clears once. Files that were uploaded before `loose_before` and not sent go, and uploads that
/// were last touched before it.
pub(crate) async fn clear(core: &Core, loose_before: i64) -> Outcome<()> {
    core.writer.submit(|write| Ok(agents::drop_expired_tokens(write.connection, write.now)?)).await?;
    let gone = core.writer.submit(move |write| {
        let mut gone = Vec::new();
        for (id, file) in files::loose_before(write.connection, loose_before)? {
            if files::drop(write.connection, id)? {
                gone.push(file);
            }
        }
        Ok(gone)
    });
    for file in gone.await? {
        core.files.remove(&file).await;
    }
    uploads::clear(core, loose_before).await
}
