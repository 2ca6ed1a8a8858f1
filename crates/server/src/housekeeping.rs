//! What happens by itself: snoozed conversations open at their time; what nobody needs any more goes, which is expired
//! tokens and invitations, files that were uploaded and never sent, those of deleted messages, uploads that nobody goes on
//! with, and what of erased people stands in the database's log.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use deskbell_protocol::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::desk::Core;
use crate::store::batch::Write;
use crate::store::{Outcome, blocks, conversations, devices, files, links, signatures, webhooks};
use crate::{commands, deadlines, operations, uploads};

/// The first time comes late, so that starting is not slowed down. As soon comes the next one while the database's log may
/// hold words of somebody who was erased.
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
/// Opens snoozed conversations at their time, until cancelled.
pub(crate) async fn wake(core: Arc<Core>, cancelled: CancellationToken) {
    let failed = "snoozed conversations could not be opened";
    deadlines::keep(cancelled, &core.hub.snoozed, Duration::ZERO, failed, || wake_once(&core)).await;
}

/// Opens what is due. When the next one is.
async fn wake_once(core: &Core) -> Outcome<Option<Timestamp>> {
    deadlines::look(core, conversations::due, conversations::next_due, || {
        core.writer.submit(|write| commands::wake_due(write, WOKEN_AT_ONCE))
    })
    .await
}

/// Clears until cancelled, at any point: what is to go is known by its name until it is gone.
pub(crate) async fn run(core: Arc<Core>, cancelled: CancellationToken) {
    cancelled.run_until_cancelled(keep_clear(&core)).await;
}

async fn keep_clear(core: &Core) {
    let mut due = Instant::now() + FIRST;
    loop {
        let cleared = tokio::select! {
            () = core.hub.deleted.notified() => {
                remove_files(core).await;
                if core.erased_in_log.load(Ordering::Acquire) {
                    due = due.min(Instant::now() + FIRST);
                }
                continue;
            }
            () = tokio::time::sleep_until(due) => clear(core, crate::clock() - LOOSE_MS).await,
        };
        due = Instant::now() + if core.erased_in_log.load(Ordering::Acquire) { FIRST } else { EVERY };
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
        signatures::drop_expired(write.connection, write.now)?;
        webhooks::drop_old(write.connection, write.now - DELIVERIES_MS, DELIVERIES_AT_ONCE)?;
        Ok(devices::drop_expired_tokens(write.connection, write.now)?)
    });
    expired.await?;
    let drop_some = move |write: &mut Write<'_>| {
        let loose = files::loose_before(write.connection, loose_before)?;
        for id in &loose {
            files::drop(write.connection, *id)?;
        }
        Ok(!loose.is_empty())
    };
    while core.writer.submit(drop_some).await? {}
    let cleared = uploads::clear(core, loose_before).await;
    remove_files(core).await;
    if core.erased_in_log.load(Ordering::Acquire) {
        operations::empty_log(core).await;
    }
    cleared
}

/// Removes the bytes of files that are to go. Their rows went before; what cannot be removed now keeps its name until the
/// next time, which is the concern of nobody who asked for something else.
async fn remove_files(core: &Core) {
    if let Err(failure) = remove_noted(core).await {
        tracing::warn!(?failure, "not all files that are to go could be removed; it is tried again within an hour");
    }
}

/// Tries all of them. The last failure.
async fn remove_noted(core: &Core) -> Outcome<()> {
    let (mut all, mut after) = (Ok(()), String::new());
    loop {
        let noted = core.readers.read(move |connection| Ok(files::removed(connection, &after)?)).await?;
        let Some(last) = noted.last() else { return all };
        all = remove(core, &noted).await.and(all);
        after = last.clone();
    }
}

/// Removes the bytes of these files, and then their names. Tries all of them; the last failure.
pub(crate) async fn remove(core: &Core, names: &[String]) -> Outcome<()> {
    let (mut all, mut gone) = (Ok(()), Vec::new());
    for file in names {
        match core.files.remove(file).await {
            Ok(()) => gone.push(file.clone()),
            Err(failure) => all = Err(failure),
        }
    }
    if !gone.is_empty() {
        let forgotten = core.writer.submit(move |write| {
            for file in &gone {
                files::forget_removed(write.connection, file)?;
            }
            Ok(())
        });
        forgotten.await?;
    }
    all
}
