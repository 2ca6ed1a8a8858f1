//! The system's keychain, as the app asks for it: the Secret Service on Linux, Keychain on macOS, the Credential
//! Manager on Windows.
//!
//! On Linux it is never the kernel's own key ring, which forgets everything when the computer is switched off.

use std::collections::HashMap;
use std::sync::Arc;

use deskbell_api::{Key, KeyAnswer, KeyRefusal, KeyStore};
use keyring_core::api::CredentialStore;
use keyring_core::{Entry, Error};

/// Under which name the keychain files all keys of this program.
const SERVICE: &str = "app.deskbell.Deskbell";

/// The keychain of the person who is logged in.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemKeychain;

impl KeyStore for SystemKeychain {
    fn find(&self, name: &str) -> KeyAnswer {
        let found = match entry(name).map(|entry| entry.get_secret()) {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "no keychain answers");
                return KeyAnswer::Unavailable;
            }
        };
        match found {
            Ok(secret) => Key::from_bytes(&secret).map_or(KeyAnswer::Missing, KeyAnswer::Found),
            Err(Error::NoEntry) => KeyAnswer::Missing,
            Err(error) => {
                tracing::warn!(%error, "the keychain does not give the key");
                match refusal(&error) {
                    KeyRefusal::Locked => KeyAnswer::Locked,
                    KeyRefusal::Unavailable => KeyAnswer::Unavailable,
                }
            }
        }
    }

    fn keep(&self, name: &str, key: &Key) -> Result<(), KeyRefusal> {
        let entry = entry(name).map_err(|error| {
            tracing::info!(%error, "no keychain answers");
            KeyRefusal::Unavailable
        })?;
        entry.set_secret(key.bytes()).map_err(|error| {
            tracing::warn!(%error, "the keychain does not take the key");
            refusal(&error)
        })
    }

    fn forget(&self, name: &str) {
        match entry(name).and_then(|entry| entry.delete_credential()) {
            Ok(()) | Err(Error::NoEntry) => {}
            Err(error) => tracing::warn!(%error, "the keychain still holds a key"),
        }
    }
}

/// The place of a key. The store is asked for anew each time, because the one of last time may have ended.
fn entry(name: &str) -> Result<Entry, Error> {
    store()?.build(SERVICE, name, modifiers().as_ref())
}

#[cfg(target_os = "linux")]
fn store() -> Result<Arc<CredentialStore>, Error> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
fn store() -> Result<Arc<CredentialStore>, Error> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(target_os = "windows")]
fn store() -> Result<Arc<CredentialStore>, Error> {
    Ok(windows_native_keyring_store::Store::new()?)
}

#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "windows")))]
fn store() -> Result<Arc<CredentialStore>, Error> {
    Err(Error::NoDefaultStore)
}

/// What else the keychain is told: on Linux, what its own window calls the key; on Windows, that the key stays on this
/// computer, where the databases are.
fn modifiers() -> Option<HashMap<&'static str, &'static str>> {
    if cfg!(target_os = "linux") {
        Some(HashMap::from([("label", "Deskbell")]))
    } else if cfg!(target_os = "windows") {
        Some(HashMap::from([("persistence", "Local")]))
    } else {
        None
    }
}

/// Whether somebody could unlock it.
fn refusal(error: &Error) -> KeyRefusal {
    match error {
        Error::NoStorageAccess(reason) if is_absent(&**reason) => KeyRefusal::Unavailable,
        Error::NoStorageAccess(_) => KeyRefusal::Locked,
        _ => KeyRefusal::Unavailable,
    }
}

/// Whether there is nothing to unlock: a service that runs, and keeps no collection of keys for this person.
fn is_absent(reason: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    #[cfg(target_os = "linux")]
    return matches!(reason.downcast_ref(), Some(secret_service::Error::NoResult));
    #[cfg(not(target_os = "linux"))]
    {
        let _ = reason;
        false
    }
}
