//! Small JSON files beside the databases: settings and the account. Written whole and renamed into place,
//! so that a crash leaves either the old or the new one.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::types::{AccountView, Settings, Theme};

impl Default for Settings {
    fn default() -> Self {
        Self {
            language: None,
            theme: Theme::System,
            toasts: true,
            sounds: true,
            flash: true,
            hide_text: false,
            open_boxes: false,
            single_keys: true,
            undo_send: true,
        }
    }
}

/// The app's directory.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    directory: PathBuf,
}

impl Files {
    /// Takes the directory; it is made when first written to.
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Holds everything of the signed-in account.
    pub(crate) fn account_directory(&self) -> PathBuf {
        self.directory.join("account")
    }

    /// The session's tokens as an earlier version kept them.
    pub(crate) fn old_session(&self) -> PathBuf {
        self.account_directory().join("session.json")
    }

    /// Pictures as an earlier version kept them.
    pub(crate) fn old_pictures(&self) -> PathBuf {
        self.account_directory().join("pictures")
    }

    /// What the person chose. An unreadable file counts as nothing chosen.
    pub(crate) fn settings(&self) -> Settings {
        read(&self.directory.join("settings.json")).unwrap_or_default()
    }

    /// Whether the person ever chose anything.
    pub(crate) fn has_settings(&self) -> bool {
        self.directory.join("settings.json").exists()
    }

    /// Keeps what the person chose.
    pub(crate) fn save_settings(&self, settings: &Settings) -> std::io::Result<()> {
        write(&self.directory.join("settings.json"), settings)
    }

    /// Who is signed in.
    pub(crate) fn account(&self) -> Option<AccountView> {
        read(&self.account_directory().join("account.json"))
    }

    /// Keeps who is signed in.
    pub(crate) fn save_account(&self, account: &AccountView) -> std::io::Result<()> {
        write(&self.account_directory().join("account.json"), account)
    }

    /// Removes everything of the account from this computer.
    pub(crate) fn remove_account(&self) -> std::io::Result<()> {
        match std::fs::remove_dir_all(self.account_directory()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Makes a directory that only this user may look into. One that exists stays as it is.
///
/// # Errors
/// When the system refuses.
pub fn make_private(directory: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(directory)
}

pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let bytes = std::fs::read(path).ok()?;
    serde_json::from_slice(&bytes)
        .map_err(|error| tracing::warn!(file = %path.display(), %error, "unreadable, ignored"))
        .ok()
}

pub(crate) fn write<T: Serialize>(path: &Path, value: &T) -> std::io::Result<()> {
    write_private(path, &serde_json::to_vec_pretty(value)?)
}

/// Writes a file that only this user can read.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    make_private(directory)?;
    let fresh = path.with_extension("new");
    // One that was left behind may have been made for others to read.
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(fresh, path)
}
