//! The key that both databases are encrypted with.

use std::fmt;

use zeroize::Zeroizing;

/// How long a key is.
const BYTES: usize = 32;

/// 256 random bits. They are overwritten when the key is dropped, and no log shows them.
#[derive(Clone)]
pub struct Key {
    bits: Zeroizing<[u8; BYTES]>,
    #[cfg(feature = "measurement")]
    is_absent: bool,
}

impl Key {
    fn of(bits: Zeroizing<[u8; BYTES]>) -> Self {
        Self {
            bits,
            #[cfg(feature = "measurement")]
            is_absent: false,
        }
    }

    /// No key: what is made with it lies open. It exists to measure the price of encryption, and only where the
    /// feature `measurement` is asked for, which no part of the product does.
    #[cfg(feature = "measurement")]
    pub fn absent() -> Self {
        Self { is_absent: true, ..Self::of(Zeroizing::new([0; BYTES])) }
    }

    /// Whether databases are encrypted with it: always, in the product.
    pub(crate) fn encrypts(&self) -> bool {
        #[cfg(feature = "measurement")]
        return !self.is_absent;
        #[cfg(not(feature = "measurement"))]
        true
    }

    /// A new one.
    pub fn random() -> Self {
        Self::of(Zeroizing::new(rand::random()))
    }

    /// One that was kept. `None` when these bytes are too few or too many for a key.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; BYTES]);
        if bytes.len() != BYTES {
            return None;
        }
        key.copy_from_slice(bytes);
        Some(Self::of(key))
    }

    /// What is to be kept, in a place that only this person can read.
    pub fn bytes(&self) -> &[u8] {
        &*self.bits
    }

    /// The key itself rather than a password to derive one from, as an SQL string.
    pub(crate) fn literal(&self) -> Zeroizing<String> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        // As long as it gets, so that it never moves and leaves a copy behind.
        let mut literal = Zeroizing::new(String::with_capacity(2 * BYTES + 7));
        literal.push_str("'x''");
        for byte in self.bits.iter() {
            literal.push(char::from(DIGITS[usize::from(byte >> 4)]));
            literal.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        literal.push_str("'''");
        literal
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key")
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}

impl Eq for Key {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_key_is_kept_whole_and_shown_to_nobody() {
        let key = Key::from_bytes(&[0xab; 32]).unwrap();
        assert_eq!(Key::from_bytes(key.bytes()), Some(key.clone()));
        assert_eq!(format!("{key:?}"), "Key");
        assert_eq!(*key.literal(), format!("'x''{}'''", "ab".repeat(32)));
        assert_eq!(Key::from_bytes(&[1; 31]), None);
        assert_eq!(Key::from_bytes(&[1; 33]), None);
        assert_ne!(Key::random(), Key::random());
    }
}
