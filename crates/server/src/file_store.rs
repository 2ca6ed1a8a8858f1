//! Where the bytes of files lie: in the data directory, or in a bucket of a service that speaks S3.
//!
//! A file of the data directory itself, `bucket.toml`, names the bucket, so that the server and every command of the
//! command line look in the same place.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ClientOptions, Error, ObjectStore, ObjectStoreExt as _, RetryConfig};
use serde::Deserialize;

use crate::store::Failure;

/// The file of a data directory that names a bucket.
pub(crate) const BUCKET: &str = "bucket.toml";
/// The directory of files in a data directory.
pub(crate) const FILES: &str = "files";
/// What lies there on its way up, and is no file yet.
pub(crate) const WAITING: &str = "incoming";

/// Failed requests are made again so often.
const RETRIES: usize = 3;

/// How long a bucket may take.
#[derive(Clone, Copy)]
struct Patience {
    /// For one request that brings it something, the largest file included, or asks about one.
    request: Duration,
    /// Such a request that has failed is made again no longer than this after the first one.
    again: Duration,
    /// For the next bytes of a file that is read. How long all of it takes is the reader's concern.
    silence: Duration,
    /// A file whose bytes broke off is gone on with no longer than this after its first one.
    reading: Duration,
}

const PATIENCE: Patience = Patience {
    request: Duration::from_secs(120),
    again: Duration::from_secs(20),
    silence: Duration::from_secs(30),
    reading: Duration::from_secs(60 * 60),
};

/// A bucket, as `bucket.toml` names it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bucket {
    /// Its name.
    bucket: String,
    /// Where the service is, e.g. `https://s3.example.org`; Amazon's when nothing is said.
    endpoint: Option<String>,
    /// Its region; `us-east-1` when nothing is said.
    region: Option<String>,
    /// What the names of files begin with in the bucket.
    #[serde(default)]
    prefix: String,
    /// Who the desk is there. Without it the environment tells (`AWS_ACCESS_KEY_ID`), or the computer's own role.
    access_key: Option<String>,
    secret_key: Option<String>,
}

/// Where the bytes of files lie.
#[derive(Clone)]
pub(crate) struct FileStore {
    objects: Arc<dyn ObjectStore>,
    /// The same place, for what is read as slowly as its reader is.
    read: Arc<dyn ObjectStore>,
    /// What to call it in a sentence to an admin: a path, or the address of a bucket.
    place: String,
    is_bucket: bool,
}

/// A file that lies somewhere.
pub(crate) struct Lying {
    /// Bytes.
    pub(crate) size: u64,
    /// When it came there.
    pub(crate) since: SystemTime,
}

/// The name of a file among the others: in a shelf of its first two letters. Servers make names of letters, digits,
/// `-` and `_` alone.
fn key(file: &str) -> Key {
    Key::from_iter([file.get(..2).unwrap_or_default(), file])
}

fn unfit(place: &Path, detail: impl std::fmt::Display) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidInput, format!("{}: {detail}", place.display()))
}

/// What the system said below all that was wrapped around it.
fn system_error(error: &Error) -> Option<&std::io::Error> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

impl FileStore {
    /// The files of a data directory, or of the bucket that it names.
    ///
    /// # Errors
    /// When the directory cannot be made, or `bucket.toml` is of no use.
    pub(crate) fn open(data: &Path) -> std::io::Result<Self> {
        Self::in_bucket(data)?.map_or_else(|| Self::in_directory(data), Ok)
    }

    /// The files that lie in a data directory, whatever else it names.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub(crate) fn in_directory(data: &Path) -> std::io::Result<Self> {
        let directory = data.join(FILES);
        std::fs::create_dir_all(&directory)?;
        // A message that names the file is only acknowledged when both are on the disk.
        let objects = LocalFileSystem::new_with_prefix(&directory).map_err(std::io::Error::other)?.with_fsync(true);
        let objects: Arc<dyn ObjectStore> = Arc::new(objects);
        Ok(Self { read: Arc::clone(&objects), objects, place: directory.display().to_string(), is_bucket: false })
    }

    /// The bucket that a data directory names, if it does.
    ///
    /// # Errors
    /// When `bucket.toml` is of no use, with the line and the key.
    pub(crate) fn in_bucket(data: &Path) -> std::io::Result<Option<Self>> {
        Self::in_patient_bucket(data, PATIENCE)
    }

    fn in_patient_bucket(data: &Path, patience: Patience) -> std::io::Result<Option<Self>> {
        let path = data.join(BUCKET);
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|error| unfit(&path, error))?,
        };
        let Bucket { bucket, endpoint, region, prefix, access_key, secret_key } =
            toml::from_str(&text).map_err(|error| unfit(&path, error))?;
        // Whoever named a provider before has named this one.
        rustls::crypto::ring::default_provider().install_default().ok();
        let insecure = endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        let options = ClientOptions::new().with_allow_http(insecure);
        let mut builder =
            AmazonS3Builder::from_env().with_bucket_name(&bucket).with_region(region.as_deref().unwrap_or("us-east-1"));
        if let Some(endpoint) = endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(access_key) = access_key {
            builder = builder.with_access_key_id(access_key);
        }
        if let Some(secret_key) = secret_key {
            builder = builder.with_secret_access_key(secret_key);
        }
        let connect = |options: ClientOptions, retry_timeout| -> std::io::Result<Arc<dyn ObjectStore>> {
            let retry = RetryConfig { backoff: BackoffConfig::default(), max_retries: RETRIES, retry_timeout };
            let bucket = builder.clone().with_client_options(options).with_retry(retry).build();
            Ok(Arc::new(PrefixStore::new(bucket.map_err(|error| unfit(&path, error))?, prefix.as_str())))
        };
        let objects = connect(options.clone().with_timeout(patience.request), patience.again)?;
        // A time for the whole request would cut off whoever reads slowly.
        let patient = options.with_timeout_disabled().with_read_timeout(patience.silence);
        let read = connect(patient, patience.reading)?;
        let place = format!("s3://{}", [bucket.as_str(), prefix.trim_matches('/')].join("/"));
        Ok(Some(Self { objects, read, place, is_bucket: true }))
    }

    /// What to call a file in a sentence to an admin.
    pub(crate) fn name(&self, file: &str) -> String {
        format!("{}/{}", self.place.trim_end_matches('/'), key(file))
    }

    /// What an asker is told of a failure here.
    pub(crate) fn failure(&self, error: &Error) -> Failure {
        tracing::error!(%error, place = self.place, "a file could not be read or written");
        match system_error(error).map(std::io::Error::kind) {
            Some(std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded) => Failure::DiskFull,
            // A service that is away may be back in a moment; a disk is not.
            _ if self.is_bucket => Failure::Busy,
            _ => Failure::Internal,
        }
    }

    /// Stores a file for good: it is there after a power cut.
    pub(crate) async fn put(&self, file: &str, bytes: Vec<u8>) -> Result<(), Error> {
        self.objects.put(&key(file), bytes.into()).await.map(|_| ())
    }

    /// The bytes of a file as they come; `None`: there is no such file.
    pub(crate) async fn get(&self, file: &str) -> Result<Option<BoxStream<'static, Result<Bytes, Error>>>, Error> {
        there(self.read.get(&key(file)).await.map(|found| found.into_stream()))
    }

    /// The bytes of a file at once.
    pub(crate) async fn read(&self, file: &str) -> Result<Option<Bytes>, Error> {
        let found = there(self.read.get(&key(file)).await)?;
        match found {
            Some(found) => there(found.bytes().await),
            None => Ok(None),
        }
    }

    /// Removes a file, if it is there.
    pub(crate) async fn remove(&self, file: &str) -> Result<(), Error> {
        there(self.objects.delete(&key(file)).await).map(|_| ())
    }

    /// One file; `None`: there is none of that name.
    pub(crate) async fn find(&self, file: &str) -> Result<Option<Lying>, Error> {
        Ok(there(self.objects.head(&key(file)).await)?.map(|about| Lying::from(&about)))
    }

    /// All files, by their names.
    pub(crate) fn all(&self) -> BoxStream<'_, Result<(String, Lying), Error>> {
        let files = self.objects.list(None).try_filter_map(async |about| {
            let mut parts = about.location.parts();
            let (shelf, file, more) = (parts.next(), parts.next(), parts.next());
            Ok(match (shelf, file, more) {
                (Some(shelf), Some(file), None) if shelf.as_ref() != WAITING => {
                    Some((file.as_ref().to_owned(), Lying::from(&about)))
                }
                _ => None,
            })
        });
        files.boxed()
    }
}

impl From<&object_store::ObjectMeta> for Lying {
    fn from(about: &object_store::ObjectMeta) -> Self {
        Self { size: about.size, since: about.last_modified.into() }
    }
}

fn there<T>(asked: Result<T, Error>) -> Result<Option<T>, Error> {
    match asked {
        Err(Error::NotFound { .. }) => Ok(None),
        other => other.map(Some),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;

    use super::*;

    /// A bucket that answers each request with some of ten bytes, one at a time with a pause behind each, and falls silent
    /// then. It ends when dropped.
    async fn slow_bucket(data: &Path, bytes: usize) -> JoinSet<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let named = format!("bucket = \"tea\"\nendpoint = \"{endpoint}\"\naccess_key = \"a\"\nsecret_key = \"b\"\n");
        std::fs::write(data.join(BUCKET), named).unwrap();
        let mut running = JoinSet::new();
        running.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut socket, _)) = listener.accept().await {
                connections.spawn(async move {
                    let asked = socket.read(&mut [0; 8192]).await.unwrap();
                    assert!(asked > 0);
                    let head = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\netag: \"tea\"\r\n\
                        last-modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";
                    socket.write_all(head.as_bytes()).await.unwrap();
                    for _ in 0..bytes {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        if socket.write_all(b"t").await.is_err() {
                            return;
                        }
                    }
                    std::future::pending::<()>().await;
                });
            }
        });
        running
    }

    #[tokio::test]
    async fn tv_06_a_file_in_a_bucket_is_read_as_slowly_as_its_reader_is_and_one_that_stops_coming_is_not_waited_for() {
        let (brief, silence) = (Duration::from_millis(300), Duration::from_millis(500));
        let patience = Patience { request: brief, again: brief, silence, reading: brief };
        for (bytes, whole) in [(10, true), (5, false)] {
            let data = tempfile::tempdir().unwrap();
            let _bucket = slow_bucket(data.path(), bytes).await;
            let store = FileStore::in_patient_bucket(data.path(), patience).unwrap().unwrap();
            let stream = store.get("tea-1").await.unwrap().unwrap();
            let read = tokio::time::timeout(Duration::from_secs(20), stream.try_collect::<Vec<_>>()).await.unwrap();
            assert_eq!(read.is_ok_and(|read| read.concat() == b"t".repeat(10)), whole, "{bytes}");
        }
    }

    #[tokio::test]
    async fn tv_06_files_lie_in_shelves_and_what_is_on_its_way_is_none_of_them() {
        let data = tempfile::tempdir().unwrap();
        let store = FileStore::open(data.path()).unwrap();
        store.put("tea-1", b"tea".to_vec()).await.unwrap();
        assert_eq!(std::fs::read(data.path().join("files/te/tea-1")).unwrap(), b"tea");
        std::fs::create_dir_all(data.path().join("files/incoming")).unwrap();
        std::fs::write(data.path().join("files/incoming/half"), b"te").unwrap();

        let all: Vec<_> = store.all().map_ok(|(name, lying)| (name, lying.size)).try_collect().await.unwrap();
        assert_eq!(all, [("tea-1".to_owned(), 3)]);
        assert_eq!(store.read("tea-1").await.unwrap().unwrap(), b"tea".as_slice());
        store.remove("tea-1").await.unwrap();
        store.remove("tea-1").await.unwrap();
        assert!(store.read("tea-1").await.unwrap().is_none());
        assert!(store.find("tea-1").await.unwrap().is_none());
    }

    #[test]
    fn tv_06_a_bucket_that_is_named_badly_is_refused_with_the_line() {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join(BUCKET), "bucket = \"tea\"\nbukket = 1\n").unwrap();
        let error = FileStore::open(data.path()).err().unwrap().to_string();
        assert!(error.contains("bucket.toml") && error.contains("line 2"), "{error}");
    }

    #[test]
    fn tv_06_a_full_disk_is_told_as_one() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let error = Error::Generic { store: "LocalFileSystem", source: Box::new(full) };
        let data = tempfile::tempdir().unwrap();
        let store = FileStore::open(data.path()).unwrap();
        assert!(matches!(store.failure(&error), Failure::DiskFull));
        let other = Error::Generic { store: "LocalFileSystem", source: "a fault".into() };
        assert!(matches!(store.failure(&other), Failure::Internal));
    }
}
