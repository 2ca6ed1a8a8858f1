//! Small JSON files beside the databases: settings and the accounts. Written whole and renamed into place,
//! so that a crash leaves either the old or the new one.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use deskbell_protocol::AgentId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::events::lock;
use crate::types::{AccountId, AccountView, Settings, Theme};

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
            keep_days: 30,
            keep_megabytes: 500,
            keep_messages_days: 0,
            keep_messages_megabytes: 0,
        }
    }
}

/// Says in its directory whose account it is.
const ACCOUNT: &str = "account.json";

/// Holds the number that was given last.
const LAST: &str = "last.json";

/// An account as it is kept; its number is the name of its directory.
#[derive(Serialize, Deserialize)]
struct AccountFile {
    agent: AgentId,
    name: String,
    email: String,
    desk: String,
    address: String,
    local: bool,
    /// The desk signed this computer out; so many messages and drafts that it never got are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked: Option<i64>,
}

impl AccountFile {
    fn of(account: &AccountView) -> Self {
        let AccountView { id: _, agent, name, email, desk, address, local } = account.clone();
        Self { agent, name, email, desk, address, local, revoked: None }
    }

    fn view(self, id: AccountId) -> AccountView {
        let Self { agent, name, email, desk, address, local, revoked: _ } = self;
        AccountView { id, agent, name, email, desk, address, local }
    }
}

/// The app's directory.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    directory: PathBuf,
    /// One number is given at a time.
    numbering: Arc<Mutex<()>>,
}

impl Files {
    /// Takes the directory; it is made when first written to.
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory, numbering: Arc::default() }
    }

    /// Holds everything of one account.
    pub(crate) fn account_directory(&self, id: AccountId) -> PathBuf {
        self.accounts_directory().join(id.to_string())
    }

    fn accounts_directory(&self) -> PathBuf {
        self.directory.join("accounts")
    }

    /// Where an earlier version kept the only account.
    fn only_account(&self) -> PathBuf {
        self.directory.join("account")
    }

    /// The session's tokens as an earlier version kept them.
    pub(crate) fn old_session(&self, id: AccountId) -> PathBuf {
        self.account_directory(id).join("session.json")
    }

    /// Pictures as an earlier version kept them.
    pub(crate) fn old_pictures(&self, id: AccountId) -> PathBuf {
        self.account_directory(id).join("pictures")
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

    /// Who is signed in, in the order in which they were added. The only account of an earlier version is among
    /// them, under the number that [`Files::move_over`] gives it.
    pub(crate) fn accounts(&self) -> Vec<AccountView> {
        let mut found: Vec<AccountView> = self
            .numbers()
            .into_iter()
            .filter_map(|id| Some(read::<AccountFile>(&self.account_directory(id).join(ACCOUNT))?.view(id)))
            .collect();
        if let Some(only) = read::<AccountFile>(&self.only_account().join(ACCOUNT)) {
            found.push(only.view(self.next_account()));
        }
        found
    }

    /// Gives the only account of an earlier version its place among the others. Nothing inside it is touched.
    pub(crate) fn move_over(&self) -> std::io::Result<()> {
        let _one_at_a_time = lock(&self.numbering);
        if !self.only_account().exists() {
            return Ok(());
        }
        let id = self.take_number()?;
        std::fs::rename(self.only_account(), self.account_directory(id))
    }

    /// Takes a number that no account ever had.
    pub(crate) fn new_account(&self) -> std::io::Result<AccountId> {
        self.move_over()?;
        let _one_at_a_time = lock(&self.numbering);
        self.take_number()
    }

    fn take_number(&self) -> std::io::Result<AccountId> {
        let id = self.next_account();
        write(&self.accounts_directory().join(LAST), &id)?;
        Ok(id)
    }

    fn next_account(&self) -> AccountId {
        let last = read::<AccountId>(&self.accounts_directory().join(LAST)).map_or(0, |last| last.0);
        let taken = self.numbers().last().map_or(0, |id| id.0);
        AccountId(last.max(taken).saturating_add(1))
    }

    /// The numbers of all directories of accounts, smallest first.
    fn numbers(&self) -> Vec<AccountId> {
        let Ok(entries) = std::fs::read_dir(self.accounts_directory()) else { return Vec::new() };
        let mut numbers: Vec<AccountId> =
            entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(AccountId)).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Keeps who is signed in.
    pub(crate) fn save_account(&self, account: &AccountView) -> std::io::Result<()> {
        write(&self.account_directory(account.id).join(ACCOUNT), &AccountFile::of(account))
    }

    /// Keeps that the desk signed this computer out, and how much of it is kept.
    pub(crate) fn save_revoked(&self, account: &AccountView, kept: i64) -> std::io::Result<()> {
        let file = AccountFile { revoked: Some(kept), ..AccountFile::of(account) };
        write(&self.account_directory(account.id).join(ACCOUNT), &file)
    }

    /// What [`Files::save_revoked`] kept, until somebody signs in again.
    pub(crate) fn revoked(&self, id: AccountId) -> Option<i64> {
        read::<AccountFile>(&self.account_directory(id).join(ACCOUNT))?.revoked
    }

    /// Removes everything of one account but who it is.
    pub(crate) fn empty_account(&self, id: AccountId) -> std::io::Result<()> {
        for entry in std::fs::read_dir(self.account_directory(id))? {
            let entry = entry?;
            if entry.file_name() == ACCOUNT {
                continue;
            }
            if entry.file_type()?.is_dir() {
                std::fs::remove_dir_all(entry.path())?;
            } else {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Removes everything of one account from this computer. Whose it was goes first: what the system keeps of the rest
    /// is no account at the next start.
    pub(crate) fn remove_account(&self, id: AccountId) -> std::io::Result<()> {
        let gone = |removed: std::io::Result<()>| match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        let directory = self.account_directory(id);
        gone(std::fs::remove_file(directory.join(ACCOUNT)))?;
        gone(std::fs::remove_dir_all(directory))
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
