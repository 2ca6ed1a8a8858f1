//! Brings the files of a message to the desk, piece by piece, from wherever they are.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deskbell_cache::{Cache, CacheError, FileRecord, PIECE_BYTES};
use deskbell_engine::Millis;
use deskbell_protocol::{Attachment, ClientId, CommandFrame, ErrorCode, Upload};
use tokio::sync::mpsc;

use crate::client::{Shared, lock};
use crate::error::ClientError;
use crate::http::{Authorised, Pieces};

/// Progress is told so often at the most.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// A file that the desk forgets so often in a row is left for later.
const STARTS_MAX: u32 = 3;
/// So are bytes that it counts no further so often in a row.
const STALLS_MAX: u32 = 3;

/// Why the files are not at the desk.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// Another try may help, after so long at least.
    Later(Millis),
    /// The desk refuses one of them for good.
    Refused(ErrorCode),
    /// The message is gone.
    Gone,
}

impl From<ClientError> for Stopped {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(refusal) if refusal.code.is_permanent() => Self::Refused(refusal.code),
            ClientError::Refused(refusal) => Self::Later(refusal.retry_after_ms.unwrap_or(0)),
            ClientError::TooManyAttempts { retry_after_ms } => Self::Later(retry_after_ms),
            error => {
                tracing::info!(%error, "a file could not be brought to the desk yet");
                Self::Later(0)
            }
        }
    }
}

/// What a message's files are brought with.
pub(crate) struct Carrier {
    pub(crate) cache: Cache,
    pub(crate) http: Arc<Authorised>,
    pub(crate) shared: Arc<Shared>,
    /// Hears whose files came further. Left out when too much is waiting: the next one says as much.
    pub(crate) progress: mpsc::Sender<ClientId>,
}

impl Carrier {
    /// Brings all files of a message. Returns the command as it names them.
    pub(crate) async fn bring(&self, message: &ClientId) -> Result<CommandFrame, Stopped> {
        let id = message.clone();
        for file in self.read(move |cache| cache.files_of(&id)).await? {
            let attachment = match self.carry(message, &file).await {
                Ok(Some(attachment)) => attachment,
                // It has no bytes here: an earlier version of the app brought it.
                Ok(None) => continue,
                Err(Stopped::Refused(code)) => {
                    let id = file.id.clone();
                    self.read(move |cache| cache.refuse_file(&id, code)).await?;
                    return Err(Stopped::Refused(code));
                }
                Err(other) => return Err(other),
            };
            let id = file.id.clone();
            self.read(move |cache| cache.file_at_the_desk(&id, &attachment)).await?;
        }
        let id = message.clone();
        let (frame, files) = self.read(move |cache| Ok((cache.name_files(&id)?, cache.files_of(&id)?))).await?;
        let mut uploads = lock(&self.shared.uploads);
        for file in files {
            uploads.remove(&file.id);
        }
        frame.ok_or(Stopped::Gone)
    }

    async fn carry(&self, message: &ClientId, file: &FileRecord) -> Result<Option<Attachment>, Stopped> {
        if self.piece(file, 0).await?.is_none() && file.attachment.is_some() {
            return Ok(None);
        }
        let mut told: Option<Instant> = None;
        for _ in 0..STARTS_MAX {
            let mut at = self.http.create_upload(file).await?;
            let mut stalls = 0;
            loop {
                lock(&self.shared.uploads).insert(file.id.clone(), at.offset);
                if told.is_none_or(|told| told.elapsed() > TELL_EVERY) {
                    told = Some(Instant::now());
                    self.progress.try_send(message.clone()).ok();
                }
                if let Some(attachment) = at.attachment {
                    return Ok(Some(attachment));
                }
                let next = match self.http.append(&file.id, at.offset, self.rest_of_piece(file, &at).await?).await? {
                    Pieces::Taken(upload) | Pieces::Elsewhere(upload) => upload,
                    Pieces::Forgotten => break,
                };
                stalls = if next.offset > at.offset { 0 } else { stalls + 1 };
                if stalls > STALLS_MAX {
                    return Err(Stopped::Later(0));
                }
                at = next;
            }
        }
        Err(Stopped::Later(0))
    }

    /// The bytes from where the desk is to the end of that piece. Nothing is left when the desk has them all.
    async fn rest_of_piece(&self, file: &FileRecord, at: &Upload) -> Result<Vec<u8>, Stopped> {
        let offset = usize::try_from(at.offset).map_err(|_| Stopped::Later(0))?;
        let number = i64::try_from(offset / PIECE_BYTES).map_err(|_| Stopped::Later(0))?;
        let piece = self.piece(file, number).await?.unwrap_or_default();
        Ok(piece.get(offset % PIECE_BYTES..).unwrap_or_default().to_vec())
    }

    async fn piece(&self, file: &FileRecord, number: i64) -> Result<Option<Vec<u8>>, Stopped> {
        let id = file.id.clone();
        self.read(move |cache| cache.file_piece(&id, number)).await
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Cache) -> Result<T, CacheError> + Send + 'static,
    ) -> Result<T, Stopped> {
        let cache = self.cache.clone();
        let done = tokio::task::spawn_blocking(move || work(&cache)).await.map_err(ClientError::from)?;
        Ok(done.map_err(ClientError::from)?)
    }
}
