//! What was written becomes findable a moment later, many messages at once: to keep an index of words whole costs a
//! commit more than the message itself. Whoever searches finds all that was there when they asked.

use std::sync::Arc;
use std::time::Duration;

use deskbell_protocol::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::deadlines;
use crate::desk::Core;
use crate::store::{Outcome, log, search};

/// How long is waited for more.
const GATHER: Duration = Duration::from_millis(500);

/// Messages and pages of one commit: so few that nobody's message waits for them for long.
const AT_ONCE: usize = 32;

/// Makes findable what was written, until cancelled.
pub(crate) async fn run(core: Arc<Core>, cancelled: CancellationToken) {
    let failed = "what was written could not be made findable";
    deadlines::keep(cancelled, &core.hub.unfindable, GATHER, failed, || look(&core)).await;
}

async fn look(core: &Core) -> Outcome<Option<Timestamp>> {
    settle(core).await?;
    Ok(None)
}

/// Makes findable all that is written by now.
pub(crate) async fn settle(core: &Core) -> Outcome<()> {
    let last = core.readers.glance(|connection| Ok(log::desk(connection)?.last_id)).await?;
    while core.readers.glance(|connection| Ok(search::is_behind(connection, last)?)).await? {
        core.writer.submit(|write| Ok(search::catch_up(write.connection, AT_ONCE)?)).await?;
    }
    Ok(())
}
