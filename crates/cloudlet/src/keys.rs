//! API keys: how a secret looks, how one is made, and what is stored instead of it.
//!
//! A key is `gpcn_` and letters and digits. Only its SHA-256 is ever stored or compared.

use rand::distr::{Alphanumeric, SampleString};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// What every key begins with.
pub const PREFIX: &str = "gpcn_";
/// Letters and digits of a key that is made here: 190 bits.
const MADE_CHARS: usize = 32;
/// Letters and digits that a key given by hand has at least.
const LEAST_CHARS: usize = 27;
/// Letters and digits that are shown of a key, to tell keys apart.
const SHOWN_CHARS: usize = 8;

/// A new secret.
pub fn new_key() -> String {
    let mut key = PREFIX.to_owned();
    Alphanumeric.append_string(&mut rand::rng(), &mut key, MADE_CHARS);
    key
}

/// What is stored of a key, and what it is looked up by.
pub fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// Bytes as they are shown.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A key's first characters, prefix included.
pub fn start(key: &str) -> String {
    key.chars().take(PREFIX.len() + SHOWN_CHARS).collect()
}

/// Whether a text could be a key: `gpcn_` and at least 27 letters and digits.
pub fn is_wellformed(key: &str) -> bool {
    key.strip_prefix(PREFIX).is_some_and(|rest| {
        rest.len() >= LEAST_CHARS && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_wellformed_and_new() {
        let key = new_key();
        assert!(is_wellformed(&key), "{key}");
        assert_eq!(key.len(), 37);
        assert_eq!(start(&key), key[..13]);
        assert_ne!(key, new_key());
        assert_ne!(digest(&key), digest(&new_key()));
    }

    #[test]
    fn what_a_key_given_by_hand_must_look_like() {
        for (key, fine) in [
            ("gpcn_aaaaaaaaaaaaaaaaaaaaaaaaaaa", true),
            ("gpcn_aaaaaaaaaaaaaaaaaaaaaaaaaa", false),
            ("gpcn_aaaaaaaaaaaaaaaaaaaaaaaaa-a", false),
            ("GPCN_aaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(is_wellformed(key), fine, "{key}");
        }
    }
}
