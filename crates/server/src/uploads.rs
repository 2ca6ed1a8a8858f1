//! Files on their way up. A connection may break at any byte: what is durably here is kept, and the sender goes on
//! from there. Only a whole file is looked into and becomes an attachment.

use std::collections::HashMap;
use std::io::SeekFrom;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::BodyDataStream;
use deskbell_protocol::{
    AgentId, Attachment, AttachmentId, ClientId, ErrorCode, FIELD_MAX, Refusal, Timestamp, Upload, VisitorId,
};
use futures_util::StreamExt as _;
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::authorize::Principal;
use crate::desk::Core;
use crate::files;
use crate::limits::{Buckets, household};
use crate::store::uploads::{self, Key, Stored};
use crate::store::{Failure, Outcome, files as stored_files};
use crate::{accounts, text, tokens};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Requests with bytes of a file at the same time: of all agents, and as many of all visitors, so that no visitor stands
/// in an agent's way.
const RECEIVED_AT_ONCE: usize = 32;
/// Those of one agent, of one visitor, and of all visitors at one address, for whoever takes a new secret is another
/// visitor.
const OF_AGENT: usize = 16;
const OF_VISITOR: usize = 4;
const OF_ADDRESS: usize = 12;
/// Uploads of one principal that are not finished.
const UNFINISHED_MAX: i64 = 32;
/// Files that a visitor may begin at once, and then one in this time; and those that all visitors at one address may.
const BEGUN_OF_VISITOR: (u32, Duration) = (100, Duration::from_secs(60));
const BEGUN_OF_ADDRESS: (u32, Duration) = (400, Duration::from_secs(15));
/// Longest silence of a sender in the middle of a request.
const SILENCE: Duration = Duration::from_secs(30);
/// How long any request may take, and the bytes that earn it one second more: whoever sends more slowly goes on in
/// another one.
const UNHURRIED: Duration = Duration::from_secs(60);
const BYTES_A_SECOND_LEAST: u64 = 4 * 1024;

/// Who is sending right now. Of two senders of the same upload the newer one is right: the older is what a broken
/// connection left behind.
pub(crate) struct Uploads {
    receiving: Mutex<HashMap<Sender, usize>>,
    /// Files that visitors begin: what is given up or refused counts too.
    begun: Buckets<VisitorId>,
    begun_at: Buckets<IpAddr>,
    turns: Mutex<HashMap<Key, Slot>>,
}

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Sender {
    Agents,
    Agent(AgentId),
    Visitors,
    Visitor(VisitorId),
    Address(IpAddr),
}

/// As whose a request counts, each with how many there may be.
fn senders(principal: Principal, from: IpAddr) -> Vec<(Sender, usize)> {
    match principal {
        Principal::Agent(agent) => vec![(Sender::Agents, RECEIVED_AT_ONCE), (Sender::Agent(agent), OF_AGENT)],
        Principal::Visitor(visitor) => {
            let mut senders = vec![(Sender::Visitors, RECEIVED_AT_ONCE), (Sender::Visitor(visitor), OF_VISITOR)];
            senders.extend(household(from).map(|household| (Sender::Address(household), OF_ADDRESS)));
            senders
        }
        Principal::Nobody => vec![(Sender::Visitors, RECEIVED_AT_ONCE)],
    }
}

/// A place among those whose bytes are received.
struct Place<'a> {
    uploads: &'a Uploads,
    senders: Vec<(Sender, usize)>,
}

struct Slot {
    lock: Arc<tokio::sync::Mutex<()>>,
    /// Asks the newest sender so far to leave.
    leave: CancellationToken,
}

/// The right to write to one upload.
struct Turn<'a> {
    uploads: &'a Uploads,
    key: &'a Key,
    leave: CancellationToken,
    _guard: OwnedMutexGuard<()>,
}

impl Uploads {
    pub(crate) fn new() -> Self {
        Self {
            receiving: Mutex::default(),
            begun: Buckets::new(BEGUN_OF_VISITOR.0, BEGUN_OF_VISITOR.1),
            begun_at: Buckets::new(BEGUN_OF_ADDRESS.0, BEGUN_OF_ADDRESS.1),
            turns: Mutex::default(),
        }
    }

    /// Counts a file that a visitor begins.
    fn begin(&self, visitor: VisitorId, from: IpAddr) -> Outcome<()> {
        let now = std::time::Instant::now();
        let at = household(from).map_or(Ok(()), |household| self.begun_at.take(household, now));
        at.and_then(|()| self.begun.take(visitor, now))
            .map_err(|wait| accounts::wait("Too many files at once; send more in a moment.", wait))
    }

    /// Takes a place. `None`: all of somebody's are taken.
    fn place(&self, principal: Principal, from: IpAddr) -> Option<Place<'_>> {
        let senders = senders(principal, from);
        let mut receiving = self.receiving.lock().unwrap_or_else(PoisonError::into_inner);
        if senders.iter().any(|(sender, most)| receiving.get(sender).is_some_and(|count| count >= most)) {
            return None;
        }
        for (sender, _) in &senders {
            *receiving.entry(*sender).or_default() += 1;
        }
        Some(Place { uploads: self, senders })
    }

    async fn turn<'a>(&'a self, key: &'a Key) -> Turn<'a> {
        let leave = CancellationToken::new();
        let lock = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            let slot = turns
                .entry(key.clone())
                .or_insert_with(|| Slot { lock: Arc::default(), leave: CancellationToken::new() });
            std::mem::replace(&mut slot.leave, leave.clone()).cancel();
            Arc::clone(&slot.lock)
        };
        Turn { uploads: self, key, leave, _guard: lock.lock_owned().await }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut receiving = self.uploads.receiving.lock().unwrap_or_else(PoisonError::into_inner);
        for (sender, _) in &self.senders {
            if let Some(count) = receiving.get_mut(sender) {
                *count -= 1;
                if *count == 0 {
                    receiving.remove(sender);
                }
            }
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut turns = self.uploads.turns.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's own and this turn's: nobody waits.
        if turns.get(self.key).is_some_and(|slot| Arc::strong_count(&slot.lock) <= 2) {
            turns.remove(self.key);
        }
    }
}

/// Why bytes were not taken, and where the next ones would have to begin.
#[derive(Debug)]
pub(crate) struct Denied {
    pub(crate) failure: Failure,
    pub(crate) offset: Option<i64>,
}

impl From<Failure> for Denied {
    fn from(failure: Failure) -> Self {
        Self { failure, offset: None }
    }
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Failure::from(refusal).into()
    }
}

/// The offset does not fit.
fn elsewhere(offset: i64) -> Denied {
    let refusal = Refusal::new(ErrorCode::Conflict, format!("{offset} bytes are here; go on from there."));
    Denied { failure: refusal.into(), offset: Some(offset) }
}

fn gone() -> Failure {
    Failure::not_found("upload")
}

/// What is said of a file before its bytes come.
#[derive(Clone, Debug)]
pub(crate) struct Announced {
    pub(crate) name: String,
    pub(crate) size: i64,
    pub(crate) sha256: Option<[u8; 32]>,
}

/// Bytes of a file as they come in.
pub(crate) struct Incoming {
    /// The address they come from.
    pub(crate) from: IpAddr,
    /// Where the first one belongs.
    pub(crate) offset: i64,
    /// How many are said to come.
    pub(crate) length: Option<u64>,
    pub(crate) body: BodyDataStream,
}

fn key(principal: Principal, client_id: ClientId) -> Key {
    Key { uploader: principal.key(), client_id }
}

/// Where an upload stands.
pub(crate) async fn find(core: &Core, principal: Principal, client_id: ClientId) -> Outcome<Upload> {
    let key = key(principal, client_id);
    state(core, key).await
}

async fn state(core: &Core, key: Key) -> Outcome<Upload> {
    let found = core.readers.read(move |connection| {
        let stored = uploads::find(connection, &key)?.ok_or_else(gone)?;
        let attachment = match stored.attachment {
            Some(id) => stored_files::find(connection, id)?.map(|found| found.attachment),
            None => None,
        };
        Ok(Upload { offset: stored.received, size: stored.size, attachment })
    });
    found.await
}

/// Makes an upload, or finds the one of that name; takes its first bytes when none of it is here.
pub(crate) async fn create(
    core: &Core,
    stopping: &CancellationToken,
    principal: Principal,
    client_id: ClientId,
    announced: Announced,
    first: Incoming,
) -> Result<Upload, Denied> {
    let size = announced.size;
    if size < 1 {
        return Err(Refusal::invalid("size", "is 1 at least; an empty file is not taken").into());
    }
    let limits = core.live.get();
    if size > limits.file_bytes_max {
        return Err(files::too_large(limits.file_bytes_max).into());
    }
    if announced.name.chars().count() > FIELD_MAX {
        return Err(Refusal::invalid("name", &format!("has {FIELD_MAX} characters at the most")).into());
    }
    let key = key(principal, client_id);
    let quota = limits.visitor_upload_bytes_a_day;
    if let Principal::Visitor(visitor) = principal {
        let key = key.clone();
        let known = core.readers.read(move |connection| Ok(uploads::find(connection, &key)?.is_some()));
        if !known.await? {
            core.uploads.begin(visitor, first.from)?;
        }
    }
    let stored = core.writer.submit({
        let key = key.clone();
        move |write| {
            if let Some(found) = uploads::find(write.connection, &key)? {
                if found.size != announced.size || found.sha256 != announced.sha256 {
                    return Err(Refusal::invalid("client_id", "names another file").into());
                }
                return Ok(found);
            }
            let (count, promised) = uploads::unfinished(write.connection, key.uploader)?;
            if count >= UNFINISHED_MAX {
                let words = "Too many files are on their way; wait until some are done.";
                return Err(accounts::wait(words, Duration::from_secs(60)));
            }
            if let Principal::Visitor(_) = principal {
                let since = write.now - DAY_MS;
                let used = stored_files::uploaded_since(write.connection, key.uploader, since)?;
                within_quota(used.saturating_add(promised), quota)?;
            }
            let Announced { name, size, sha256 } = announced;
            let file = tokens::random_name();
            let stored = Stored { file, name: text::line(&name), size, sha256, received: 0, attachment: None };
            uploads::add(write.connection, &key, &stored, write.now)?;
            Ok(stored)
        }
    });
    let stored = stored.await?;
    let untouched = stored.received == 0 && first.length != Some(0);
    if stored.attachment.is_none() && (untouched || stored.received == size) {
        let offset = stored.received;
        // A file that is whole only waits to be looked into.
        let length = if offset == size { Some(0) } else { first.length };
        return take(core, stopping, principal, key, Incoming { offset, length, ..first }).await;
    }
    Ok(state(core, key).await?)
}

fn within_quota(used: i64, quota: i64) -> Outcome<()> {
    if used < quota {
        return Ok(());
    }
    Err(accounts::wait("That is enough for one day; send more files tomorrow.", Duration::from_secs(60 * 60)))
}

/// Takes bytes of an upload, from the place where they belong.
pub(crate) async fn append(
    core: &Core,
    stopping: &CancellationToken,
    principal: Principal,
    client_id: ClientId,
    incoming: Incoming,
) -> Result<Upload, Denied> {
    take(core, stopping, principal, key(principal, client_id), incoming).await
}

async fn take(
    core: &Core,
    stopping: &CancellationToken,
    principal: Principal,
    key: Key,
    Incoming { from, offset, length, body }: Incoming,
) -> Result<Upload, Denied> {
    let _place = core.uploads.place(principal, from).ok_or(Failure::Busy)?;
    let turn = core.uploads.turn(&key).await;
    let upload = {
        let key = key.clone();
        core.readers.read(move |connection| uploads::find(connection, &key)?.ok_or_else(gone)).await?
    };
    if upload.attachment.is_some() {
        return Ok(state(core, key.clone()).await?);
    }
    let path = core.files.incoming(&upload.file);
    let mut file = tokio::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .await
        .map_err(|error| files::io_failure(&error))?;
    let on_disk = file.metadata().await.map_err(|error| files::io_failure(&error))?.len();
    let here = upload.received.min(i64::try_from(on_disk).unwrap_or(i64::MAX));
    if here < upload.received {
        // A disk that lost what it said it had.
        note(core, &key, &upload.file, here).await?;
    }
    if offset != here {
        return Err(elsewhere(here));
    }
    let room = u64::try_from(upload.size.saturating_sub(here)).unwrap_or(0);
    if length.is_some_and(|length| length > room) {
        return Err(beyond());
    }
    file.seek(SeekFrom::Start(u64::try_from(here).unwrap_or(0))).await.map_err(|error| files::io_failure(&error))?;
    let (written, ended) =
        if length == Some(0) { (0, Ok(())) } else { write(&mut file, body, room, stopping, &turn.leave).await };
    let here = here.saturating_add(i64::try_from(written).unwrap_or(i64::MAX));
    if written > 0 {
        file.flush().await.map_err(|error| files::io_failure(&error))?;
        file.sync_all().await.map_err(|error| files::io_failure(&error))?;
        note(core, &key, &upload.file, here).await?;
    }
    match ended {
        Ok(()) => {}
        Err(Ended::Replaced) => return Err(elsewhere(here)),
        Err(Ended::Beyond) => return Err(beyond()),
        Err(Ended::Failed(failure)) => return Err(Denied { failure, offset: Some(here) }),
    }
    let attachment = if here == upload.size { Some(finish(core, &key, &upload).await?) } else { None };
    Ok(Upload { offset: here, size: upload.size, attachment })
}

fn beyond() -> Denied {
    Refusal::invalid("body", "holds more than the upload was said to have").into()
}

/// Notes how far a file has come.
async fn note(core: &Core, key: &Key, file: &str, offset: i64) -> Outcome<()> {
    let key = key.clone();
    let noted = core.writer.submit(move |write| Ok(uploads::received(write.connection, &key, offset, write.now)?));
    if noted.await? {
        return Ok(());
    }
    // Whoever sends it was erased meanwhile, and may have written this after all else of theirs was gone.
    core.files.remove_incoming(file).await;
    Err(gone())
}

/// Why bytes stopped coming before the end of a request.
enum Ended {
    /// The same upload goes on in another request.
    Replaced,
    /// More came than there is room for.
    Beyond,
    Failed(Failure),
}

/// Writes what comes. The bytes that were written count in any case.
async fn write(
    file: &mut tokio::fs::File,
    mut body: BodyDataStream,
    room: u64,
    stopping: &CancellationToken,
    leave: &CancellationToken,
) -> (u64, Result<(), Ended>) {
    let mut written = 0_u64;
    let begun = Instant::now();
    loop {
        let end = begun + UNHURRIED + Duration::from_secs(written / BYTES_A_SECOND_LEAST);
        let chunk = tokio::select! {
            biased;
            () = leave.cancelled() => return (written, Err(Ended::Replaced)),
            () = stopping.cancelled() => return (written, Err(Ended::Failed(Failure::Busy))),
            chunk = tokio::time::timeout_at(end.min(Instant::now() + SILENCE), body.next()) => chunk,
        };
        let chunk = match chunk {
            Ok(Some(Ok(chunk))) => chunk,
            Ok(None) => return (written, Ok(())),
            Ok(Some(Err(error))) => {
                tracing::debug!(%error, "an upload was cut off");
                return (written, Err(Ended::Failed(Failure::Busy)));
            }
            Err(_) => {
                tracing::debug!("an upload fell silent, or was too slow");
                return (written, Err(Ended::Failed(Failure::Busy)));
            }
        };
        let after = written.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if after > room {
            return (written, Err(Ended::Beyond));
        }
        if let Err(error) = file.write_all(&chunk).await {
            return (written, Err(Ended::Failed(files::io_failure(&error))));
        }
        written = after;
    }
}

/// Looks into a whole file and gives it a place of its own. One that is refused is forgotten.
async fn finish(core: &Core, key: &Key, upload: &Stored) -> Outcome<Attachment> {
    let examined = match core.files.examine(&upload.file, upload.name.clone(), upload.sha256).await {
        Err(Failure::Refused(refused)) => {
            forget(core, key).await?;
            return Err(Failure::Refused(refused));
        }
        other => other?,
    };
    let file = upload.file.clone();
    let stored = core.writer.submit({
        let (key, hub) = (key.clone(), Arc::clone(&core.hub));
        move |write| {
            let attachment = Attachment {
                id: AttachmentId(write.new_id()),
                name: examined.name,
                mime: examined.mime.to_owned(),
                size: examined.size,
                picture: examined.picture,
            };
            stored_files::add(write.connection, &attachment, key.uploader, &file, write.now)?;
            if uploads::finished(write.connection, &key, attachment.id, write.now)? {
                return Ok(Some(attachment));
            }
            // It was given up while it was looked into.
            stored_files::drop(write.connection, attachment.id)?;
            write.then(move || hub.deleted.notify_one());
            Ok(None)
        }
    });
    let attachment = stored.await?;
    core.files.remove_incoming(&upload.file).await;
    attachment.ok_or_else(gone)
}

/// Gives up an upload, and the file that became of it unless it was sent.
pub(crate) async fn cancel(core: &Core, principal: Principal, client_id: ClientId) -> Outcome<()> {
    let key = key(principal, client_id);
    let _turn = core.uploads.turn(&key).await;
    forget(core, &key).await
}

async fn forget(core: &Core, key: &Key) -> Outcome<()> {
    let (key, hub) = (key.clone(), Arc::clone(&core.hub));
    let removed = core.writer.submit(move |write| {
        let Some(upload) = uploads::find(write.connection, &key)? else { return Ok(None) };
        uploads::drop(write.connection, &key)?;
        match upload.attachment {
            // What was sent stays.
            Some(id) => stored_files::drop(write.connection, id)?,
            None => stored_files::remove_later(write.connection, &upload.file)?,
        }
        write.then(move || hub.deleted.notify_one());
        Ok(Some(upload.file))
    });
    if let Some(file) = removed.await? {
        core.files.remove_incoming(&file).await;
    }
    Ok(())
}

/// Forgets uploads that nobody has gone on with since a time, and what crashes left in the waiting place.
pub(crate) async fn clear(core: &Core, since: Timestamp) -> Outcome<()> {
    loop {
        let quiet = core.writer.submit(move |write| {
            let quiet = uploads::quiet_since(write.connection, since)?;
            for upload in &quiet {
                uploads::drop(write.connection, &upload.key)?;
                if !upload.is_finished {
                    // A crash between a file's arrival and its row leaves one.
                    stored_files::remove_later(write.connection, &upload.file)?;
                }
            }
            Ok(quiet)
        });
        let quiet = quiet.await?;
        if quiet.is_empty() {
            break;
        }
        for upload in quiet {
            core.files.remove_incoming(&upload.file).await;
        }
    }
    for file in core.files.strays().await {
        let name = file.clone();
        if !core.readers.read(move |connection| Ok(uploads::is_known(connection, &name)?)).await? {
            core.files.remove_incoming(&file).await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::body::Body;
    use deskbell_protocol::AgentId;

    use super::*;
    use crate::store::canned_texts;
    use crate::{Desk, Settings, housekeeping};

    const ANN: Principal = Principal::Agent(AgentId(1));

    fn incoming(offset: i64, body: Body) -> Incoming {
        Incoming { from: [127, 0, 0, 1].into(), offset, length: None, body: body.into_data_stream() }
    }

    async fn begin(core: &Core, bytes: &'static str, size: i64) -> (ClientId, Upload) {
        let id = ClientId::from_bits(rand::random());
        let announced = Announced { name: "list.csv".to_owned(), size, sha256: None };
        let first = incoming(0, Body::from(bytes));
        let upload = create(core, &CancellationToken::new(), ANN, id.clone(), announced, first).await.unwrap();
        (id, upload)
    }

    #[tokio::test]
    async fn od_35_what_nobody_goes_on_with_is_cleared_away_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings { data: directory.path().to_owned(), ..Settings::default() };
        let desk = Desk::open(settings).unwrap();
        let core = desk.core();
        let (half, at) = begin(core, "1,2", 6).await;
        assert_eq!((at.offset, at.attachment), (3, None));
        let (whole, at) = begin(core, "1,2,3\n", 6).await;
        let attachment = at.attachment.unwrap().id;
        // A crash between two steps left this.
        let stray = core.files.incoming("stray");
        std::fs::write(&stray, "x").unwrap();
        // A prepared text has another one.
        let (_, at) = begin(core, "1,2,3\n", 6).await;
        let kept = at.attachment.unwrap().id;
        desk.administer().seed("en").await.unwrap();
        let given = core.writer.submit(move |write| {
            let text = canned_texts::ids(write.connection)?[0];
            Ok(stored_files::attach_to_canned_text(write.connection, kept, text.into(), ANN.key())?)
        });
        assert!(given.await.unwrap());
        let waiting = || std::fs::read_dir(directory.path().join("files/incoming")).unwrap().count();
        assert_eq!(waiting(), 2);

        // Nothing is old yet.
        housekeeping::clear(core, 0).await.unwrap();
        assert_eq!(waiting(), 2);
        assert_eq!(find(core, ANN, half.clone()).await.unwrap().offset, 3);

        let long_ago = std::time::SystemTime::now() - Duration::from_secs(2 * 60 * 60);
        std::fs::File::options().write(true).open(&stray).unwrap().set_modified(long_ago).unwrap();
        housekeeping::clear(core, i64::MAX).await.unwrap();
        assert_eq!(waiting(), 0);
        for id in [half, whole] {
            assert_eq!(find(core, ANN, id).await.unwrap_err().into_refusal().code, ErrorCode::NotFound);
        }
        let loose = core.readers.read(move |connection| Ok(stored_files::find(connection, attachment)?)).await.unwrap();
        assert!(loose.is_none(), "a file that was never sent stays");
        let found = core.readers.read(move |connection| Ok(stored_files::find(connection, kept)?)).await.unwrap();
        assert!(core.files.get(&found.unwrap().file).await.is_ok(), "a prepared text lost its file");
    }

    #[tokio::test]
    async fn od_35_bytes_that_the_disk_lost_are_asked_for_again() {
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings { data: directory.path().to_owned(), ..Settings::default() };
        let desk = Desk::open(settings).unwrap();
        let core = desk.core();
        let (id, _) = begin(core, "1,2,3", 6).await;
        let name = {
            let key = key(ANN, id.clone());
            core.readers.read(move |connection| Ok(uploads::find(connection, &key)?)).await.unwrap().unwrap().file
        };
        std::fs::File::options().write(true).open(core.files.incoming(&name)).unwrap().set_len(2).unwrap();
        let rest = |offset, bytes: &'static str| incoming(offset, Body::from(bytes));
        let stop = CancellationToken::new();
        let denied = append(core, &stop, ANN, id.clone(), rest(5, "\n")).await.unwrap_err();
        assert_eq!(denied.offset, Some(2));
        assert_eq!(find(core, ANN, id.clone()).await.unwrap().offset, 2);
        let done = append(core, &stop, ANN, id, rest(2, "2,3\n")).await.unwrap();
        assert_eq!(done.attachment.unwrap().size, 6);
    }

    #[test]
    fn od_35_visitors_never_take_the_places_of_agents_nor_all_at_one_address_those_of_the_others() {
        let uploads = Uploads::new();
        let visitor = |id, from: &str| uploads.place(Principal::Visitor(VisitorId(id)), from.parse().unwrap());
        let at = |network: &str, most: i64| (0..most).map(|id| visitor(id, network)).collect::<Vec<_>>();
        let taken = |places: &[Option<Place<'_>>]| places.iter().flatten().count();
        // Whoever takes a new secret for each file is still at one address, or in one household.
        let first = at("203.0.113.9", 20);
        assert_eq!(taken(&first), OF_ADDRESS);
        let second: Vec<_> = (100..120).map(|id| visitor(id, &format!("2001:db8:0:7::{id}"))).collect();
        assert_eq!(taken(&second), OF_ADDRESS);
        let others = at("198.51.100.1", 20);
        assert_eq!(taken(&others), RECEIVED_AT_ONCE - 2 * OF_ADDRESS, "all visitors together");
        let from = "203.0.113.9".parse().unwrap();
        let agents: Vec<_> = (0..60).map(|id| uploads.place(Principal::Agent(AgentId(id / 20)), from)).collect();
        assert_eq!(taken(&agents[..20]), OF_AGENT);
        assert_eq!(taken(&agents), RECEIVED_AT_ONCE);
        drop((first, second, others, agents));
        assert!(uploads.receiving.lock().unwrap().is_empty());
        // A desk behind a proxy of its own computer that tells no addresses knows none.
        assert_eq!(taken(&at("127.0.0.1", 20)), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn od_35_whoever_sends_next_to_nothing_gives_the_place_back_and_whoever_is_slow_sends_all() {
        let directory = tempfile::tempdir().unwrap();
        let desk = Desk::open(Settings { data: directory.path().to_owned(), ..Settings::default() }).unwrap();
        let core = desk.core();
        let (stop, begun) = (CancellationToken::new(), Instant::now());
        let dripping = |bytes: usize| {
            futures_util::stream::unfold((), move |()| async move {
                tokio::time::sleep(Duration::from_secs(20)).await;
                Some((Ok::<_, std::io::Error>(vec![b'1'; bytes]), ()))
            })
        };
        let (id, _) = begin(core, "1", 1_000_000).await;
        let denied = append(core, &stop, ANN, id, incoming(1, Body::from_stream(dripping(1)))).await.unwrap_err();
        // What has come counts.
        assert!(denied.offset.is_some_and(|offset| (3..=5).contains(&offset)), "{denied:?}");
        assert!(begun.elapsed() < Duration::from_secs(90), "{:?}", begun.elapsed());
        // Five kilobytes a second.
        let (id, _) = begin(core, "1", 1_000_001).await;
        let body = Body::from_stream(dripping(100_000).take(10));
        let done = append(core, &stop, ANN, id, incoming(1, body)).await.unwrap();
        assert!(done.attachment.is_some());
    }

    #[tokio::test]
    async fn od_35_however_many_nobody_goes_on_with_all_are_cleared_away_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let desk = Desk::open(Settings { data: directory.path().to_owned(), ..Settings::default() }).unwrap();
        let core = desk.core();
        let added = core.writer.submit(|write| {
            for _ in 0..1_500 {
                let (file, name) = (tokens::random_name(), "list.csv".to_owned());
                let stored = Stored { file, name, size: 9, sha256: None, received: 0, attachment: None };
                uploads::add(write.connection, &key(ANN, ClientId::from_bits(rand::random())), &stored, write.now)?;
            }
            Ok(())
        });
        added.await.unwrap();
        housekeeping::clear(core, i64::MAX).await.unwrap();
        let left = core.readers.read(|connection| {
            Ok((uploads::unfinished(connection, ANN.key())?, stored_files::removed(connection, "")?.len()))
        });
        assert_eq!(left.await.unwrap(), ((0, 0), 0));
    }
}
