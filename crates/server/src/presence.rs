//! Tells agents who comes and goes, gathered over short moments.

use std::sync::Arc;
use std::time::Duration;

use deskbell_protocol::EntityKind;
use tokio_util::sync::CancellationToken;

use crate::hub::{Audience, Hub, in_frames};
use crate::store::visitors;
use crate::writer::Writer;

/// News is gathered for this long: a visitor is seen at once, and a hundred of them come in one frame.
const GATHER: Duration = Duration::from_millis(300);

/// Runs until cancelled.
pub(crate) async fn run(hub: Arc<Hub>, writer: Arc<Writer>, cancelled: CancellationToken) {
    loop {
        tokio::select! {
            () = cancelled.cancelled() => return,
            () = hub.until_stirred() => {}
        }
        tokio::select! {
            () = cancelled.cancelled() => return,
            () = tokio::time::sleep(GATHER) => {}
        }
        let stir = hub.take_stir();
        let sites = stir.sites.values();
        let stirred = sites.flat_map(|stir| stir.online.iter().map(|it| it.visitor).chain(stir.gone.iter().copied()));
        hub.ringer.stir_of(stirred);
        for (site, stir) in &stir.sites {
            for frame in in_frames(false, &stir.online, &stir.gone) {
                hub.tell_agents(Audience::Site(*site), Arc::new(frame));
            }
        }
        if stir.agents {
            hub.tell_agents(Audience::All, Arc::new(hub.agents()));
        }
        let gone: Vec<_> = stir.sites.into_values().flat_map(|stir| stir.gone).collect();
        if !gone.is_empty() {
            let stored = writer.submit(move |write| {
                for visitor in gone {
                    if visitors::seen(write.connection, visitor, write.now)? {
                        write.touch(EntityKind::Visitor, visitor.0)?;
                    }
                }
                Ok(())
            });
            if let Err(failure) = stored.await {
                tracing::warn!(?failure, "the time of visitors' leaving was not stored");
            }
        }
    }
}
