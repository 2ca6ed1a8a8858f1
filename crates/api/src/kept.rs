//! Files and messages on this computer, within what the person allows. Files of the chats that are read are fetched
//! once, so that they are shown and saved without a connection.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use deskbell_cache::{Cache, CacheError, KeepLimits, MessageLimits};
use deskbell_client::{ClientError, SyncState};
use deskbell_protocol::{Attachment, AttachmentId, ConversationId};
use tokio::sync::{Notify, mpsc};

use crate::app::{App, Session};
use crate::events::lock;
use crate::types::{AccountId, ApiError, Settings};

/// Largest file that is fetched before anybody asks for it, in bytes.
const UNASKED_BYTES_MAX: i64 = 5 * 1024 * 1024;
/// Files that wait to be fetched. What finds no place is wanted again when its chat is read again.
const WAITING_MAX: usize = 256;
/// Files that are remembered as fetched or refused.
const REMEMBERED_MAX: usize = 10_000;
/// Tries to fetch a file while the connection says that it is there, and the longest pause between two of them.
const TRIES_MAX: u32 = 5;
const AGAIN: Duration = Duration::from_secs(30);
/// Unused files are looked for so often.
const TRIM_EVERY: Duration = Duration::from_secs(60 * 60);
/// Messages are looked at for the first time so long after the start, which has better things to do.
const FIRST_TRIM: Duration = Duration::from_secs(60);
/// Longest time and largest room that can be chosen.
const DAYS_MAX: u32 = 3_650;
const MEGABYTES_MAX: u32 = 100_000;

/// A file that is not on this computer, and whose it is.
pub(crate) struct Away {
    conversation: ConversationId,
    file: AttachmentId,
}

/// Files of one account that are to be fetched.
#[derive(Clone)]
pub(crate) struct Wanted {
    sender: mpsc::Sender<Away>,
    /// Nothing is fetched twice in a run unasked, whatever became of it: what does not fit would come and go for ever.
    asked: Arc<Mutex<HashSet<AttachmentId>>>,
    /// The connection may be another one now.
    pub(crate) moved: Arc<Notify>,
    /// The person has chosen how many messages are kept.
    pub(crate) trim: Arc<Notify>,
}

impl Wanted {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Away>) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        (Self { sender, asked: Arc::default(), moved: Arc::default(), trim: Arc::default() }, receiver)
    }

    /// Files of messages that are read now.
    pub(crate) fn want(&self, conversation: ConversationId, files: Vec<&Attachment>) {
        let mut asked = lock(&self.asked);
        if asked.len() > REMEMBERED_MAX {
            asked.clear();
        }
        for file in files.into_iter().filter(|file| file.size <= UNASKED_BYTES_MAX) {
            let away = Away { conversation, file: file.id };
            if !asked.contains(&file.id) && self.sender.try_send(away).is_ok() {
                asked.insert(file.id);
            }
        }
    }
}

/// Which files are on this computer, and which are not.
pub(crate) fn sorted<'a>(
    cache: &Cache,
    files: impl Iterator<Item = &'a Attachment>,
) -> Result<(Vec<AttachmentId>, Vec<&'a Attachment>), CacheError> {
    let (mut kept, mut away) = (Vec::new(), Vec::new());
    for file in files {
        if cache.has_file(file.id)? {
            kept.push(file.id);
        } else {
            away.push(file);
        }
    }
    Ok((kept, away))
}

/// What the settings allow to be kept.
pub(crate) fn limits(settings: &Settings) -> KeepLimits {
    KeepLimits {
        bytes: i64::from(settings.keep_megabytes.min(MEGABYTES_MAX)) * 1_000_000,
        unused_ms: i64::from(settings.keep_days.clamp(1, DAYS_MAX)) * 24 * 60 * 60 * 1000,
    }
}

/// What the settings allow messages.
pub(crate) fn message_limits(settings: &Settings) -> MessageLimits {
    let Settings { keep_messages_days: days, keep_messages_megabytes: megabytes, .. } = settings;
    MessageLimits {
        bytes: (*megabytes > 0).then(|| i64::from((*megabytes).min(MEGABYTES_MAX)) * 1_000_000),
        unused_ms: (*days > 0).then(|| i64::from((*days).min(DAYS_MAX)) * 24 * 60 * 60 * 1000),
    }
}

impl App {
    /// A file of a message, from this computer if it is kept, and kept if it is not.
    pub(crate) async fn file_bytes(&self, account: AccountId, id: AttachmentId) -> Result<Vec<u8>, ApiError> {
        let now = self.host().now();
        if let Some(bytes) = self.read(account, move |session| Ok(session.cache.use_file(id, now)?)).await? {
            return Ok(bytes);
        }
        let session = self.session(account)?;
        let bytes = session.client.download(id).await?;
        let copy = bytes.clone();
        let limits = limits(&self.settings());
        // A full disk costs only the next fetch.
        if let Err(error) =
            self.read(account, move |session| Ok(session.cache.keep_file(id, &copy, now, limits)?)).await
        {
            tracing::warn!(%error, "a file could not be kept");
        }
        Ok(bytes)
    }

    /// Fetches what is wanted, one file after the other, and removes what is over the limits, until the session ends.
    pub(crate) async fn keep_files(self, session: Session, mut wanted: mpsc::Receiver<Away>) {
        let trim = async {
            let mut every = tokio::time::interval(TRIM_EVERY);
            loop {
                every.tick().await;
                self.trim_files(&session).await;
            }
        };
        let messages = async {
            let mut every = tokio::time::interval_at(tokio::time::Instant::now() + FIRST_TRIM, TRIM_EVERY);
            loop {
                tokio::select! {
                    _ = every.tick() => {}
                    () = session.wanted.trim.notified() => {}
                }
                self.trim_messages(&session).await;
            }
        };
        let fetch = async {
            while let Some(away) = wanted.recv().await {
                self.fetch(&session, &away).await;
            }
        };
        tokio::select! {
            () = session.stop.cancelled() => {}
            ((), (), ()) = async { tokio::join!(trim, messages, fetch) } => {}
        }
    }

    async fn fetch(&self, session: &Session, away: &Away) {
        let id = away.file;
        let cache = session.cache.clone();
        if limits(&self.settings()).bytes == 0 || self.blocking(move || cache.has_file(id)).await.unwrap_or(true) {
            return;
        }
        for _ in 0..TRIES_MAX {
            while session.client.status().state != SyncState::Live {
                session.wanted.moved.notified().await;
            }
            match session.client.download(id).await {
                Ok(bytes) => {
                    // The person may have chosen anew meanwhile.
                    let (cache, now, limits) = (session.cache.clone(), self.host().now(), limits(&self.settings()));
                    match self.blocking(move || cache.keep_file(id, &bytes, now, limits)).await {
                        Ok(true) => self.tell_changed(session.chat(away.conversation)),
                        Ok(false) => {}
                        Err(error) => tracing::warn!(%error, "a file could not be kept"),
                    }
                    return;
                }
                // The connection that was lost is not noticed at once; one that was not lost works again.
                Err(ClientError::Offline) => {
                    tokio::time::timeout(AGAIN, session.wanted.moved.notified()).await.ok();
                }
                Err(error) => {
                    tracing::info!(%error, "a file was not fetched");
                    return;
                }
            }
        }
    }

    /// Removes what is over the limits of an account.
    pub(crate) async fn trim_files(&self, session: &Session) {
        let (cache, now, limits) = (session.cache.clone(), self.host().now(), limits(&self.settings()));
        if let Err(error) = self.blocking(move || cache.trim_files(now, limits)).await {
            tracing::warn!(%error, "files over the limits could not be removed");
        }
    }

    /// Removes messages that are over the limits of an account, in runs between which everything else has its turn.
    async fn trim_messages(&self, session: &Session) {
        loop {
            let (cache, now, limits) = (session.cache.clone(), self.host().now(), message_limits(&self.settings()));
            match self.blocking(move || cache.trim_messages(now, limits)).await {
                Ok(made) => {
                    if made.messages > 0 {
                        tracing::info!(made.messages, made.given_back, "messages made room");
                    }
                    if !made.more {
                        return;
                    }
                }
                Err(error) => return tracing::warn!(%error, "messages over the limits could not be removed"),
            }
        }
    }

    /// Does work on a cache where it may block.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, CacheError> + Send + 'static,
    ) -> Result<T, ApiError> {
        Ok(self.inner.tasks.spawn_blocking(work).await.map_err(ApiError::internal)??)
    }
}
