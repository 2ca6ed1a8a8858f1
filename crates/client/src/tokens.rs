//! Where the session's tokens are kept.

use std::io::{self, Write as _};
use std::path::PathBuf;

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

/// A file that only this user can read.
pub struct FileTokenStore {
    path: PathBuf,
}

impl FileTokenStore {
    /// A store in this file.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl TokenStore for FileTokenStore {
    fn load(&self) -> Option<SignedIn> {
        let bytes = std::fs::read(&self.path).ok()?;
        serde_json::from_slice(&bytes).map_err(|error| tracing::warn!(%error, "the session's file cannot be read")).ok()
    }

    fn save(&self, signed_in: &SignedIn) -> io::Result<()> {
        if let Some(directory) = self.path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let fresh = self.path.with_extension("new");
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut file = options.open(&fresh)?;
        file.write_all(&serde_json::to_vec(signed_in)?)?;
        file.sync_all()?;
        std::fs::rename(fresh, &self.path)
    }

    fn clear(&self) {
        if let Err(error) = std::fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the session's file could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use deskbell_protocol::{Agent, AgentId, Role};

    use super::*;

    #[test]
    fn a_session_is_kept_for_this_user_alone() {
        let directory = tempfile::tempdir().unwrap();
        let store = FileTokenStore::new(directory.path().join("account/session.json"));
        assert!(store.load().is_none());
        let ann = SignedIn {
            access_token: "a".into(),
            refresh_token: "r".into(),
            expires_in_s: 900,
            agent: Agent { id: AgentId(1), name: "Ann".into(), email: "ann@desk.test".into(), role: Role::Agent },
            desk: "Desk".into(),
        };
        store.save(&ann).unwrap();
        assert_eq!(store.load(), Some(ann));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&store.path).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "nobody else may read it");
        }
        store.clear();
        assert!(store.load().is_none());
    }
}
