//! The key of the databases on this computer: where it is kept, and what its absence means.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use deskbell_cache::{Contents, Key};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::store;
use crate::types::{ApiError, ApiErrorCode, KeyPlace};

/// What a keychain answers when it is asked for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyAnswer {
    /// Here it is.
    Found(Key),
    /// It is open, and there is no such key.
    Missing,
    /// It does not open, or only when somebody unlocks it.
    Locked,
    /// This computer has none, or none that answers.
    Unavailable,
}

/// Why a keychain did not keep a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRefusal {
    /// It does not open, or only when somebody unlocks it.
    Locked,
    /// This computer has none, or none that answers.
    Unavailable,
}

/// The system's keychain. Its functions block, for as long as the system asks a person for a password.
pub trait KeyStore: Send + Sync + 'static {
    /// Looks for a key.
    fn find(&self, name: &str) -> KeyAnswer;

    /// Keeps a key. Whether a keychain is of any use shows only here: some say that they are there, and take nothing.
    ///
    /// # Errors
    /// When it was not kept.
    fn keep(&self, name: &str, key: &Key) -> Result<(), KeyRefusal>;

    /// Forgets a key, if it can be done.
    fn forget(&self, name: &str);
}

/// What is to be done about a directory's databases.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Open them, or make them, with this key.
    Open(Key),
    /// There is nothing that another key would lock out: make one.
    Make,
    /// Wait until the keychain answers.
    Locked,
    /// The key is gone for good. Only a person may decide to begin anew.
    Undecryptable,
}

/// Decides, from what the directory holds and what the place of the key answered. `None`: no key was ever made.
pub(crate) fn decide(databases: Contents, answer: Option<KeyAnswer>) -> Decision {
    match (databases, answer) {
        (_, Some(KeyAnswer::Found(key))) => Decision::Open(key),
        // A keychain that is not there today may be there tomorrow. Another key would not open what is there.
        (_, Some(KeyAnswer::Locked | KeyAnswer::Unavailable)) => Decision::Locked,
        (Contents::Encrypted, None | Some(KeyAnswer::Missing)) => Decision::Undecryptable,
        (Contents::Nothing | Contents::Plaintext, None | Some(KeyAnswer::Missing)) => Decision::Make,
    }
}

/// Where the key of a directory is. Directories share no key, so each has a name of its own in the keychain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    name: String,
    place: KeyPlace,
}

/// The key of one account's directory.
pub(crate) struct Keys {
    directory: PathBuf,
    store: Option<Arc<dyn KeyStore>>,
}

impl Keys {
    /// Takes the account's directory, and the keychain if there is one.
    pub(crate) fn new(directory: PathBuf, store: Option<Arc<dyn KeyStore>>) -> Self {
        Self { directory, store }
    }

    /// Where the key is; `None` before there is one.
    pub(crate) fn place(&self) -> Option<KeyPlace> {
        self.record().map(|record| record.place)
    }

    /// Asks the place of the key, and no other, so that a key in the keychain never turns into one in a file.
    pub(crate) async fn find(&self, databases: Contents, patience: Duration) -> Decision {
        let answer = match self.record() {
            None => None,
            Some(Record { place: KeyPlace::File, .. }) => Some(read_key(&self.file())),
            Some(Record { place: KeyPlace::Keychain, name }) => Some(match self.store.clone() {
                Some(store) => ask(patience, move || store.find(&name)).await.unwrap_or(KeyAnswer::Locked),
                None => KeyAnswer::Unavailable,
            }),
        };
        decide(databases, answer)
    }

    /// Makes a key and keeps it: in the keychain, or in a file where there is none. It is read again before anything
    /// is written with it.
    pub(crate) async fn make(&self, patience: Duration) -> Result<Key, ApiError> {
        let key = Key::random();
        let name = format!("{:032x}", rand::random::<u128>());
        let place = match self.store.clone() {
            None => KeyPlace::File,
            Some(store) => {
                let (copy, named) = (key.clone(), name.clone());
                let kept = ask(patience, move || {
                    store.keep(&named, &copy)?;
                    match store.find(&named) {
                        KeyAnswer::Found(found) if found == copy => Ok(()),
                        KeyAnswer::Locked => Err(KeyRefusal::Locked),
                        _ => Err(KeyRefusal::Unavailable),
                    }
                });
                match kept.await.unwrap_or(Err(KeyRefusal::Locked)) {
                    Ok(()) => KeyPlace::Keychain,
                    Err(KeyRefusal::Locked) => return Err(locked()),
                    Err(KeyRefusal::Unavailable) => KeyPlace::File,
                }
            }
        };
        if place == KeyPlace::File {
            store::write_private(&self.file(), key.bytes())?;
            if read_key(&self.file()) != KeyAnswer::Found(key.clone()) {
                return Err(ApiError::internal("the key was not kept"));
            }
        }
        store::write(&self.record_file(), &Record { name, place })?;
        Ok(key)
    }

    /// Renames what is known of the key, beside the databases that were set aside. Nothing is deleted.
    pub(crate) fn set_aside(&self, ending: &str) -> std::io::Result<()> {
        for path in [self.file(), self.record_file()] {
            if path.exists() {
                let mut name = path.clone().into_os_string();
                name.push(ending);
                std::fs::rename(&path, name)?;
            }
        }
        Ok(())
    }

    /// Forgets the key in the keychain, once nothing needs it any more. A file goes with its directory.
    pub(crate) async fn forget(&self, patience: Duration) {
        let Some(Record { place: KeyPlace::Keychain, name }) = self.record() else { return };
        let Some(store) = self.store.clone() else { return };
        if ask(patience, move || store.forget(&name)).await.is_none() {
            tracing::warn!("the keychain still holds a key that opens nothing any more");
        }
    }

    fn record(&self) -> Option<Record> {
        store::read(&self.record_file())
    }

    fn record_file(&self) -> PathBuf {
        self.directory.join("key.json")
    }

    fn file(&self) -> PathBuf {
        self.directory.join("key")
    }
}

/// The key cannot be had now.
pub(crate) fn locked() -> ApiError {
    ApiError::new(ApiErrorCode::KeychainLocked, "the keychain is locked, or does not answer")
}

fn read_key(path: &Path) -> KeyAnswer {
    match std::fs::read(path).map(Zeroizing::new) {
        Ok(bytes) => Key::from_bytes(&bytes).map_or(KeyAnswer::Missing, KeyAnswer::Found),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => KeyAnswer::Missing,
        Err(error) => {
            tracing::error!(%error, "the key's file cannot be read");
            KeyAnswer::Unavailable
        }
    }
}

/// Asks a question that a person may have to answer. `None`: not within this time.
async fn ask<T: Send + 'static>(patience: Duration, question: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (answer, answered) = tokio::sync::oneshot::channel();
    // A thread rather than a task: the system's own window may stay open for ever, and the app must end all the same.
    let started = std::thread::Builder::new().name("keychain".into()).spawn(move || {
        if answer.send(question()).is_err() {
            tracing::info!("the keychain answered too late");
        }
    });
    if let Err(error) = started {
        tracing::error!(%error, "the keychain cannot be asked");
        return None;
    }
    tokio::time::timeout(patience, answered).await.ok()?.ok()
}

#[cfg(test)]
mod tests;
