//! What the commands need of the program around them. It grows only when a command moves in that needs more.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use deskbell_attention::{Alert, Calmed, Connection, Sound, TrayState};
use deskbell_catalogue::{Catalogue, Language};
use deskbell_protocol::{SignedIn, Timestamp};
use url::Url;

use crate::keys::KeyStore;
use crate::types::{ApiError, ConversationRef, Counts};

/// A desk that runs inside this program.
#[derive(Clone, Debug)]
pub struct LocalDesk {
    /// Where it listens, e.g. `http://127.0.0.1:4791`.
    pub address: Url,
    /// Its first agent, signed in.
    pub signed_in: SignedIn,
}

/// What shows when no window does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// The tray's icon.
    pub tray: TrayState,
    /// The badge, and what the tray says.
    pub counts: Counts,
    /// Whether new messages are heard of.
    pub connection: Connection,
    /// Whether sounds are on.
    pub sounds: bool,
    /// The language of the words.
    pub language: Language,
}

/// A future of a host.
pub type HostFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The program around the commands.
pub trait Host: Send + Sync + 'static {
    /// This computer's clock, in milliseconds since the Unix epoch.
    fn now(&self) -> Timestamp;

    /// What this computer calls itself, for the desk's list of devices.
    fn device(&self) -> String;

    /// The system's language as a BCP 47 tag.
    fn language_tag(&self) -> String;

    /// Raises toast, sound and flashing window as decided. Whether the system took any of it.
    fn alert(&self, alert: Alert<ConversationRef>, words: &Catalogue) -> bool;

    /// Plays a sound again because nobody reacted.
    fn sound(&self, sound: Sound);

    /// A conversation needs no attention any more: its toast goes, and the window stops flashing when none is left.
    fn calm(&self, conversation: ConversationRef, calmed: Calmed);

    /// Shows badge, tray icon, tray menu and window title.
    fn surroundings(&self, surroundings: &Surroundings, words: &Catalogue);

    /// Opens an address that was checked, after the person agreed, in the browser.
    ///
    /// # Errors
    /// When no browser could be started.
    fn open_in_browser(&self, url: &Url) -> Result<(), ApiError>;

    /// Where files are saved.
    fn downloads(&self) -> PathBuf;

    /// The system's keychain. `None`: keys are kept in files.
    fn key_store(&self) -> Option<Arc<dyn KeyStore>>;

    /// Starts the desk inside this program, or finds it running, and signs in at it.
    fn local_desk(&self) -> HostFuture<Result<LocalDesk, ApiError>>;
}
