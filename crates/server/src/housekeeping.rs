//! What happens by itself: snoozed conversations open at their time; what nobody needs any more goes, which is expired
//! tokens and invitations, files that were uploaded and never sent, those of deleted messages, and uploads that nobody goes on with.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::commands;
use crate::desk::Core;
use crate::store::{Outcome, blocks, conversations, devices, files, links, webhooks};
use crate::uploads;

/// The first time comes late, so that starting is not slowed down.
const FIRST: Duration = Duration::from_secs(60);
const EVERY: Duration = Duration::from_secs(60 * 60);
/// A file, and an upload in the middle, may lie this long, in milliseconds.
const LOOSE_MS: i64 = 24 * 60 * 60 * 1000;

/// Deliveries to webhooks can be repeated for so long, in milliseconds.
const DELIVERIES_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// Most of them that go at once; the others go within the next hours.
const DELIVERIES_AT_ONCE: i64 = 10_000;

/// Conversations opened in one transaction.
const WOKEN_AT_ONCE: i64 = 64;
/// However far the next one is, the clock may be set, and another server on this database may put one off for less.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Opens snoozed conversations at their time, until cancelled. The times stand in the database alone, so that those
/// which passed while no server ran are made good at the start.
pub(crate) async fn wake(core: Arc<Core>, cancelled: CancellationToken) {
    loop {
        let pause = match wake_once(&core).await {
            Ok(pause) => pause,
            Err(failure) => {
                tracing::warn!(?failure, "snoozed conversations could not be opened; it is tried again in a minute");
                LOOK_AGAIN
            }
        };
        tokio::select! {
            () = cancelled.cancelled() => return,
            () = core.snoozed.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Opens what is due. How long the next one has to wait.
async fn wake_once(core: &Core) -> Outcome<Duration> {
    while core.writer.submit(|write| commands::wake_due(write, WOKEN_AT_ONCE)).await? > 0 {
        core.told.ring();
    }
    let next = core.readers.read(|connection| Ok(conversations::next_due(connection)?)).await?;
    let wait = next.map(|next| u64::try_from(next.saturating_sub(crate::clock())).unwrap_or(0));
    Ok(wait.map_or(LOOK_AGAIN, |wait| Duration::from_millis(wait).min(LOOK_AGAIN)))
}

/// Clears until cancelled.
pub(crate) async fn run(core: Arc<Core>, cancelled: CancellationToken) {
    let mut due = Instant::now() + FIRST;
    loop {
        let cleared = tokio::select! {
            () = cancelled.cancelled() => return,
            () = core.deleted.notified() => remove_deleted(&core).await,
            () = tokio::time::sleep_until(due) => {
                due = Instant::now() + EVERY;
                clear(&core, crate::clock() - LOOSE_MS).await
            }
        };
        if let Err(failure) = cleared {
            tracing::warn!(?failure, "housekeeping failed; it tries again within an hour");
        }
    }
}

/// Clears once. Files that were uploaded before `loose_before` and not sent go, and uploads that
/// were last touched before it.
pub(crate) async fn clear(core: &Core, loose_before: i64) -> Outcome<()> {
    let expired = core.writer.submit(|write| {
        links::drop_expired_invitations(write.connection, write.now)?;
        blocks::drop_expired(write.connection, write.now)?;
        webhooks::drop_old(write.connection, write.now - DELIVERIES_MS, DELIVERIES_AT_ONCE)?;
        Ok(devices::drop_expired_tokens(write.connection, write.now)?)
    });
    expired.await?;
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
    remove_deleted(core).await?;
    uploads::clear(core, loose_before).await
}

/// Removes the bytes of files of deleted messages. Their rows went with the message; a crash in between leaves the names.
async fn remove_deleted(core: &Core) -> Outcome<()> {
    for file in core.readers.read(|connection| Ok(files::removed(connection)?)).await? {
        core.files.remove(&file).await;
        core.writer.submit(move |write| Ok(files::forget_removed(write.connection, &file)?)).await?;
    }
    Ok(())
}
