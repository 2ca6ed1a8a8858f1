//! Tells webhooks what waits for them: each its own in order, at least once, and later again when it does not arrive.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deskbell_protocol::Timestamp;
use hmac::{Hmac, Mac as _};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use sha2::Sha256;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::desk::Core;
use crate::outbound::Answer;
use crate::store::Outcome;
use crate::store::webhooks::{self, Next};
use crate::webhooks::switch_off;

/// The first pause after a try that failed; each further one is twice as long.
const PAUSE_FIRST_MS: u64 = 2_000;
/// The longest pause.
const PAUSE_MAX_MS: u64 = 60 * 60 * 1000;
/// An address at which nothing arrives for so long is told nothing any more.
const FAILING_MAX_MS: Timestamp = 3 * 24 * 60 * 60 * 1000;
/// Looks again after so long when nobody said that something waits.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

const SIGNATURE: HeaderName = HeaderName::from_static("deskbell-signature");
const TIMESTAMP: HeaderName = HeaderName::from_static("deskbell-timestamp");
const DELIVERY: HeaderName = HeaderName::from_static("deskbell-delivery");
const EVENT: HeaderName = HeaderName::from_static("deskbell-event");

/// How long to wait after so many tries that failed. `random`, from 0 to 1, spreads it over the second half, so that
/// addresses which failed together are not tried together.
fn pause_ms(attempts: u32, random: f64) -> Timestamp {
    let whole = PAUSE_FIRST_MS.saturating_mul(1 << attempts.saturating_sub(1).min(20)).min(PAUSE_MAX_MS);
    let half = whole / 2;
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]
    let spread = (half as f64 * random.clamp(0.0, 1.0)) as u64;
    Timestamp::try_from(half + spread).unwrap_or(Timestamp::MAX)
}

/// HMAC-SHA256 of the time, a dot and the body, in hexadecimal digits.
fn signature(secret: &str, seconds: i64, body: &str) -> String {
    // HMAC takes a key of any length.
    let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    hmac.update(format!("{seconds}.{body}").as_bytes());
    hmac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn headers(next: &Next, seconds: i64) -> HeaderMap {
    let text = |text: String| HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""));
    HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (TIMESTAMP, text(seconds.to_string())),
        (SIGNATURE, text(format!("v1={}", signature(&next.secret, seconds, &next.body)))),
        (DELIVERY, text(next.delivery.to_string())),
        (EVENT, text(next.event.clone())),
    ])
}

/// Tries a delivery once, and writes down what came of it. Says which webhook it was.
async fn deliver(core: Arc<Core>, next: Next) -> i64 {
    let Next { delivery, webhook, attempts, .. } = next;
    let answer = core.outbound.post(&next.url, headers(&next, crate::clock() / 1000), next.body).await;
    let pause = pause_ms(attempts + 1, rand::random());
    let written = core.writer.submit(move |write| {
        let (status, text) = match &answer {
            Ok(Answer { status, text }) => (Some(*status), text.as_str()),
            Err(words) => (None, words.as_str()),
        };
        if let Some(status @ 200..300) = status {
            return Ok(webhooks::arrived(write.connection, webhook, delivery, status, text)?);
        }
        webhooks::failed(write.connection, (webhook, delivery), (status, text), write.now, write.now + pause)?;
        let since = webhooks::find(write.connection, webhook)?.and_then(|webhook| webhook.failing_since);
        if since.is_some_and(|since| write.now - since > FAILING_MAX_MS) {
            switch_off(write, webhook, "nothing arrived for three days")?;
        }
        Ok(())
    });
    if let Err(failure) = written.await {
        tracing::warn!(?failure, webhook, "what came of a delivery could not be written down; it is tried again");
    }
    webhook
}

/// Wakes the deliverer. Nobody is woken as long as there are no webhooks.
#[derive(Default)]
pub(crate) struct Bell(Notify, AtomicBool);

impl Bell {
    /// Something was done that webhooks may be told of.
    pub(crate) fn ring(&self) {
        if self.1.load(Ordering::Relaxed) {
            self.0.notify_one();
        }
    }

    /// Webhooks were changed.
    pub(crate) fn look(&self) {
        self.0.notify_one();
    }
}

/// What is due, and for how long nothing else is.
async fn due(core: &Core, busy: &HashSet<i64>) -> Outcome<(Vec<Next>, Duration)> {
    let now = crate::clock();
    // Before the queues are read: what is queued after this rings.
    core.hub.told.1.store(core.readers.read(|connection| Ok(webhooks::is_any(connection)?)).await?, Ordering::Relaxed);
    let next = core.readers.read(|connection| Ok(webhooks::next(connection)?)).await?;
    let idle = next.into_iter().filter(|next| !busy.contains(&next.webhook));
    let (due, later): (Vec<_>, Vec<_>) = idle.partition(|next| next.next_at <= now);
    let wait = later.iter().map(|next| Duration::from_millis(next.next_at.saturating_sub(now).unsigned_abs())).min();
    Ok((due, wait.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN)))
}

/// Delivers until `cancelled`. What was under way then is delivered again at the next start.
pub(crate) async fn run(core: Arc<Core>, cancelled: CancellationToken) {
    let mut under_way = JoinSet::new();
    let mut busy = HashSet::new();
    loop {
        let wait = match due(&core, &busy).await {
            Ok((due, wait)) => {
                for next in due {
                    busy.insert(next.webhook);
                    // Task: tries one delivery; ends with this set.
                    under_way.spawn(deliver(Arc::clone(&core), next));
                }
                wait
            }
            Err(failure) => {
                tracing::warn!(?failure, "what waits for webhooks could not be read");
                LOOK_AGAIN
            }
        };
        tokio::select! {
            () = cancelled.cancelled() => return,
            Some(done) = under_way.join_next() => match done {
                Ok(webhook) => { busy.remove(&webhook); }
                // Which one it was is not known: all are looked at again once the others are done.
                Err(error) => {
                    tracing::error!(%error, "a delivery broke off");
                    under_way.abort_all();
                    while under_way.join_next().await.is_some() {}
                    busy.clear();
                }
            },
            () = core.hub.told.0.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_hour_and_no_two_addresses_wait_alike() {
        assert_eq!((pause_ms(1, 0.0), pause_ms(1, 1.0)), (1_000, 2_000));
        assert_eq!((pause_ms(2, 0.0), pause_ms(2, 1.0)), (2_000, 4_000));
        assert_eq!(pause_ms(12, 1.0), 60 * 60 * 1000);
        assert_eq!((pause_ms(u32::MAX, 0.0), pause_ms(0, 0.5)), (30 * 60 * 1000, 1_500));
    }

    #[test]
    fn the_signature_is_the_one_that_openssl_makes() {
        // printf '%s' '1770000000.{"id":1}' | openssl dgst -sha256 -hmac 'a secret'
        let expected = "0994e544748f8a77194439471e406bd6ee011feb56dea8b4ba90b612ef2f0370";
        assert_eq!(signature("a secret", 1_770_000_000, "{\"id\":1}"), expected);
    }
}
