//! Where the session's tokens are kept.

use std::io;
use std::path::Path;

use deskbell_cache::{Cache, CacheError};
use deskbell_protocol::SignedIn;

/// Keeps a session over restarts.
pub trait TokenStore: Send + Sync {
    /// The session, if there is one.
    fn load(&self) -> Option<SignedIn>;

    /// Keeps a session in the place of the one before.
    ///
    /// # Errors
    /// When it could not be kept; the one before is still there then.
    fn save(&self, signed_in: &SignedIn) -> io::Result<()>;

    /// Forgets the session.
    fn clear(&self);
}

/// Among an account's settings, which are encrypted.
pub struct CacheTokenStore {
    cache: Cache,
}

/// The setting's name.
const SESSION: &str = "session";

impl CacheTokenStore {
    /// A store in these databases.
    pub fn new(cache: Cache) -> Self {
        Self { cache }
    }

    /// Takes the session over from the file in which an earlier version kept it in clear text.
    ///
    /// # Errors
    /// When it could not be kept, or the file could not be removed.
    pub fn take_over(&self, file: &Path) -> io::Result<()> {
        let bytes = match std::fs::read(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            read => read?,
        };
        match serde_json::from_slice(&bytes) {
            // One that is kept already is newer: the file was left behind by a crash.
            Ok(signed_in) if self.load().is_none() => self.save(&signed_in)?,
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the session's file cannot be read"),
        }
        std::fs::remove_file(file)
    }
}

impl TokenStore for CacheTokenStore {
    fn load(&self) -> Option<SignedIn> {
        let kept = self.cache.setting(SESSION).map_err(|error| tracing::error!(%error, "no session can be read"));
        let text = kept.ok().flatten().filter(|text| !text.is_empty())?;
        serde_json::from_str(&text).map_err(|error| tracing::warn!(%error, "the session cannot be read")).ok()
    }

    fn save(&self, signed_in: &SignedIn) -> io::Result<()> {
        let text = serde_json::to_string(signed_in)?;
        self.cache.save_setting(SESSION, &text).map_err(|error| match error {
            CacheError::DiskFull => io::ErrorKind::StorageFull.into(),
            other => io::Error::other(other),
        })
    }

    fn clear(&self) {
        if let Err(error) = self.cache.save_setting(SESSION, "") {
            tracing::warn!(%error, "the session could not be forgotten");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use deskbell_cache::Key;
    use deskbell_protocol::{Agent, AgentId, Role};

    use super::*;

    fn ann() -> SignedIn {
        SignedIn {
            access_token: "a".into(),
            refresh_token: "r".into(),
            expires_in_s: 900,
            agent: Agent::new(AgentId(1), "Ann", "ann@desk.test", Role::Agent),
            desk: "Desk".into(),
        }
    }

    fn store(directory: &Path) -> CacheTokenStore {
        CacheTokenStore::new(Cache::open(directory, &Key::from_bytes(&[7; 32]).unwrap()).unwrap())
    }

    #[test]
    fn a_session_is_kept_over_a_restart_and_forgotten_when_it_ends() {
        let directory = tempfile::tempdir().unwrap();
        assert!(store(directory.path()).load().is_none());
        store(directory.path()).save(&ann()).unwrap();
        assert_eq!(store(directory.path()).load(), Some(ann()));
        store(directory.path()).clear();
        assert!(store(directory.path()).load().is_none());
    }

    #[test]
    fn a_session_in_clear_text_is_taken_over_once() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("session.json");
        std::fs::write(&file, serde_json::to_vec(&ann()).unwrap()).unwrap();
        let store = store(directory.path());
        store.take_over(&file).unwrap();
        assert_eq!(store.load(), Some(ann()));
        assert!(!file.exists());
        // The file again, as a crash before its end leaves it: the newer session stays.
        let newer = SignedIn { refresh_token: "newer".into(), ..ann() };
        store.save(&newer).unwrap();
        std::fs::write(&file, serde_json::to_vec(&ann()).unwrap()).unwrap();
        store.take_over(&file).unwrap();
        assert_eq!(store.load(), Some(newer));
        store.take_over(&file).unwrap();
    }
}
