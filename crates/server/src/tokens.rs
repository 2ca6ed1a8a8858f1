//! Secrets: opaque tokens, of which only the SHA-256 is kept, and passwords, of which only the argon2id hash is kept.

use std::sync::Arc;

use argon2::password_hash::SaltString;
use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use crate::store::{Failure, Outcome};

/// The SHA-256 of a token or of a presence name.
pub(crate) type Hash = [u8; 32];

/// A new secret of 256 random bits.
pub(crate) fn secret() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// What is stored of a secret.
pub(crate) fn hash(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}

/// Letters of recovery codes: none of them looks like another one.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A code of 80 random bits that people can copy from paper, e.g. `k3fq-7xsp-…`.
pub(crate) fn recovery_code() -> String {
    grouped(rand::random::<[u8; 16]>())
}

/// A code of 40 random bits that people can compare on two screens, e.g. `k3fq-7xsp`.
pub(crate) fn short_code() -> String {
    grouped(rand::random::<[u8; 8]>())
}

fn grouped<const N: usize>(bytes: [u8; N]) -> String {
    let letters = bytes.map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-")
}

/// A name of 128 random bits, as 32 hexadecimal digits.
pub(crate) fn random_name() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// Memory of one hash in KiB, passes and lanes.
const COST: (u32, u32, u32) = (64 * 1024, 3, 1);

/// Hashes of passwords made at the same time. Each takes 64 MiB, so a flood of sign-ins must not start more.
const AT_ONCE: usize = 2;

/// Makes and checks password hashes.
#[derive(Clone)]
pub(crate) struct Passwords {
    free: Arc<Semaphore>,
}

fn hasher() -> Outcome<Argon2<'static>> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).map_err(|error| {
        tracing::error!(%error, "argon2 parameters");
        Failure::Internal
    })?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn make(password: &str) -> Outcome<String> {
    let refused = |error: argon2::password_hash::Error| {
        tracing::error!(%error, "a password could not be hashed");
        Failure::Internal
    };
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>()).map_err(refused)?;
    Ok(hasher()?.hash_password(password.as_bytes(), &salt).map_err(refused)?.to_string())
}

/// A hash nobody knows the password of: an unknown address costs the same time as a wrong password.
pub(crate) const NOBODY: &str =
    "$argon2id$v=19$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl Passwords {
    pub(crate) fn new() -> Self {
        Self { free: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Outcome<T> + Send + 'static) -> Outcome<T> {
        let permit = Arc::clone(&self.free).acquire_owned().await.map_err(|_| Failure::Busy)?;
        let task = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        task.await.unwrap_or_else(|error| {
            tracing::error!(%error, "hashing a password failed");
            Err(Failure::Internal)
        })
    }

    /// The hash to store.
    pub(crate) async fn hash(&self, password: String) -> Outcome<String> {
        self.run(move || make(&password)).await
    }

    /// Whether the password fits. `None` is never fitted, after the same time.
    pub(crate) async fn verify(&self, password: String, stored: Option<String>) -> Outcome<bool> {
        self.run(move || {
            let known = stored.is_some();
            let parsed = PasswordHash::new(stored.as_deref().unwrap_or(NOBODY)).map_err(|error| {
                tracing::error!(%error, "a stored password hash is malformed");
                Failure::Internal
            })?;
            Ok(hasher()?.verify_password(password.as_bytes(), &parsed).is_ok() && known)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn dk_01_a_password_fits_only_its_own_hash() {
        let passwords = Passwords::new();
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=65536,t=3,p=1$"), "{hash}");
        assert!(passwords.verify("correct horse".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("wrong horse".into(), Some(hash)).await.unwrap());
        assert!(!passwords.verify("correct horse".into(), None).await.unwrap());
    }

    #[test]
    fn dk_01_secrets_have_256_bits_and_differ() {
        assert_eq!(secret().len(), 43);
        assert_ne!(secret(), secret());
    }
}
