//! What the answers of a keychain lead to.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::sync::Mutex;

use super::*;

const PATIENCE: Duration = Duration::from_millis(200);

fn key(bits: u8) -> Key {
    Key::from_bytes(&[bits; 32]).unwrap()
}

/// A keychain of a mood.
#[derive(Default)]
struct Keychain {
    held: Mutex<HashMap<String, Key>>,
    refusal: Mutex<Option<KeyRefusal>>,
    hangs: bool,
}

impl KeyStore for Keychain {
    fn find(&self, name: &str) -> KeyAnswer {
        if self.hangs {
            std::thread::sleep(Duration::from_secs(5));
        }
        match *self.refusal.lock().unwrap() {
            Some(KeyRefusal::Locked) => KeyAnswer::Locked,
            Some(KeyRefusal::Unavailable) => KeyAnswer::Unavailable,
            None => self.held.lock().unwrap().get(name).cloned().map_or(KeyAnswer::Missing, KeyAnswer::Found),
        }
    }

    fn keep(&self, name: &str, key: &Key) -> Result<(), KeyRefusal> {
        if let Some(refusal) = *self.refusal.lock().unwrap() {
            return Err(refusal);
        }
        self.held.lock().unwrap().insert(name.to_owned(), key.clone());
        Ok(())
    }

    fn forget(&self, name: &str) {
        self.held.lock().unwrap().remove(name);
    }
}

#[test]
fn databases_that_take_a_key_never_get_another_one_by_themselves() {
    let found = || Some(KeyAnswer::Found(key(1)));
    for databases in [Contents::Nothing, Contents::Plaintext, Contents::Encrypted] {
        assert_eq!(decide(databases, found()), Decision::Open(key(1)));
        assert_eq!(decide(databases, Some(KeyAnswer::Locked)), Decision::Locked);
        assert_eq!(decide(databases, Some(KeyAnswer::Unavailable)), Decision::Locked);
    }
    for answer in [None, Some(KeyAnswer::Missing)] {
        assert_eq!(decide(Contents::Encrypted, answer.clone()), Decision::Undecryptable);
        assert_eq!(decide(Contents::Plaintext, answer.clone()), Decision::Make);
        assert_eq!(decide(Contents::Nothing, answer), Decision::Make);
    }
}

#[tokio::test]
async fn a_key_goes_into_the_keychain_and_never_into_a_file_beside_it() {
    let directory = tempfile::tempdir().unwrap();
    let keychain = Arc::new(Keychain::default());
    let keys = Keys::new(directory.path().to_owned(), Some(keychain.clone()));
    let made = keys.make(PATIENCE).await.unwrap();
    assert_eq!(keys.place(), Some(KeyPlace::Keychain));
    assert_eq!(keys.find(Contents::Encrypted, PATIENCE).await, Decision::Open(made));
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        assert_eq!(entry.unwrap().file_name(), "key.json");
    }
    for (refusal, decision) in [(KeyRefusal::Locked, Decision::Locked), (KeyRefusal::Unavailable, Decision::Locked)] {
        *keychain.refusal.lock().unwrap() = Some(refusal);
        assert_eq!(keys.find(Contents::Encrypted, PATIENCE).await, decision);
    }
    *keychain.refusal.lock().unwrap() = None;
    keys.forget(PATIENCE).await;
    assert!(keychain.held.lock().unwrap().is_empty());
    assert_eq!(keys.find(Contents::Encrypted, PATIENCE).await, Decision::Undecryptable);
}

#[tokio::test]
async fn two_directories_have_two_keys_in_one_keychain() {
    let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let keychain = Arc::new(Keychain::default());
    for directory in &directories {
        Keys::new(directory.path().to_owned(), Some(keychain.clone())).make(PATIENCE).await.unwrap();
    }
    let held = keychain.held.lock().unwrap();
    let mut keys = held.values();
    assert_eq!(held.len(), 2);
    assert_ne!(keys.next(), keys.next());
}

#[tokio::test]
async fn without_a_keychain_the_key_is_in_a_file_for_this_user_alone() {
    let useless = Arc::new(Keychain { refusal: Mutex::new(Some(KeyRefusal::Unavailable)), ..Keychain::default() });
    for store in [None, Some(useless as Arc<dyn KeyStore>)] {
        let directory = tempfile::tempdir().unwrap();
        let keys = Keys::new(directory.path().to_owned(), store);
        let made = keys.make(PATIENCE).await.unwrap();
        assert_eq!(keys.place(), Some(KeyPlace::File));
        assert_eq!(keys.find(Contents::Encrypted, PATIENCE).await, Decision::Open(made));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(directory.path().join("key")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        keys.set_aside(".orphan-1").unwrap();
        assert_eq!(keys.place(), None);
        assert!(directory.path().join("key.orphan-1").exists() && directory.path().join("key.json.orphan-1").exists());
    }
}

#[tokio::test]
async fn a_locked_keychain_is_no_reason_for_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let locked = Keychain { refusal: Mutex::new(Some(KeyRefusal::Locked)), ..Keychain::default() };
    let keys = Keys::new(directory.path().to_owned(), Some(Arc::new(locked)));
    assert_eq!(keys.make(PATIENCE).await.unwrap_err().code, ApiErrorCode::KeychainLocked);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_keychain_that_hangs_counts_as_locked() {
    let directory = tempfile::tempdir().unwrap();
    let before = Keys::new(directory.path().to_owned(), Some(Arc::new(Keychain::default())));
    before.make(PATIENCE).await.unwrap();
    let hanging = Keychain { hangs: true, ..Keychain::default() };
    let keys = Keys::new(directory.path().to_owned(), Some(Arc::new(hanging)));
    assert_eq!(keys.find(Contents::Encrypted, PATIENCE).await, Decision::Locked);
}
