//! SSH keys: what is taken for a public key, and how a pair is made.
//!
//! Never stores, logs or prints a private key, nor says in an error what was sent.

use crate::store::NewSshKey;
use api::ssh_key::SshAlgorithm;
use ssh_key::{
    Algorithm, EcdsaCurve, HashAlg, LineEnding, PrivateKey, PublicKey,
    private::{KeypairData, RsaKeypair},
    public::{KeyData, RsaPublicKey},
};

/// Bytes of a public key as it is sent.
pub const PUBLIC_KEY_LIMIT: usize = 16 * 1024;
/// Bits of an RSA key: fewer are refused by sshd or soon will be.
const LEAST_RSA_BITS: usize = 2048;
/// Bits of an RSA key: more are refused by OpenSSH.
const RSA_BITS_MAX: usize = 16_384;
/// What would be right.
const RIGHT: &str = "a line of a .pub file such as 'ssh-ed25519 AAAA… comment' is right";

/// A pair that was made here.
pub struct Pair {
    /// What is kept.
    pub kept: NewSshKey,
    /// OpenSSH's format; for its owner alone.
    pub private: String,
}

/// A public key that was sent, if it is one: the text says what is wrong and what would be right.
pub fn read(name: &str, sent: &str) -> Result<NewSshKey, String> {
    if sent.len() > PUBLIC_KEY_LIMIT {
        let bytes = sent.len();
        return Err(format!(
            "has {bytes} bytes; at most {PUBLIC_KEY_LIMIT} are right"
        ));
    }
    let line = sent.trim();
    if line.contains("PRIVATE KEY-----") {
        return Err(
            "is a private key; never send one, the line of its .pub file is right".to_owned(),
        );
    }
    // A second line in authorized_keys would be a second key.
    if line.contains(|character: char| character.is_control()) {
        return Err(format!(
            "has a line break or another control character; {RIGHT}"
        ));
    }
    let key = PublicKey::from_openssh(line)
        .map_err(|_| format!("is no public key in OpenSSH's format; {RIGHT}"))?;
    Ok(NewSshKey {
        name: name.to_owned(),
        algorithm: code(key.key_data())?,
        fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
        public_key: line.to_owned(),
    })
}

/// Makes a pair. Takes seconds for a long RSA key: never call it where others wait for the thread.
pub fn make(
    name: &str,
    algorithm: SshAlgorithm,
    passphrase: Option<&str>,
) -> Result<Pair, ssh_key::Error> {
    let mut key = match algorithm {
        SshAlgorithm::Ed25519 => PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519)?,
        SshAlgorithm::EcdsaP256 => {
            let curve = EcdsaCurve::NistP256;
            PrivateKey::random(&mut rand::rng(), Algorithm::Ecdsa { curve })?
        }
        SshAlgorithm::Rsa2048 => rsa(2048)?,
        SshAlgorithm::Rsa4096 => rsa(4096)?,
    };
    key.set_comment(name);
    let kept = NewSshKey {
        name: name.to_owned(),
        algorithm: algorithm.as_str().to_owned(),
        public_key: key.public_key().to_openssh()?,
        fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
    };
    if let Some(passphrase) = passphrase {
        key = key.encrypt(&mut rand::rng(), passphrase)?;
    }
    let private = key.to_openssh(LineEnding::LF)?.to_string();
    Ok(Pair { kept, private })
}

fn rsa(bits: usize) -> Result<PrivateKey, ssh_key::Error> {
    let pair = RsaKeypair::random(&mut rand::rng(), bits)?;
    PrivateKey::new(KeypairData::from(pair), "")
}

/// The code of a key's algorithm, if OpenSSH takes such keys today.
fn code(key: &KeyData) -> Result<String, String> {
    let code = match key {
        KeyData::Ed25519(_) => "ed25519",
        KeyData::SkEd25519(_) => "sk-ed25519",
        KeyData::SkEcdsaSha2NistP256(_) => "sk-ecdsa-p256",
        KeyData::Ecdsa(key) => match key.curve() {
            EcdsaCurve::NistP256 => "ecdsa-p256",
            EcdsaCurve::NistP384 => "ecdsa-p384",
            EcdsaCurve::NistP521 => "ecdsa-p521",
        },
        KeyData::Rsa(key) => return rsa_code(key),
        _ => {
            return Err(
                "is of a kind that is not taken; ed25519, RSA and ECDSA keys, also those of a \
                 security key, are right"
                    .to_owned(),
            );
        }
    };
    Ok(code.to_owned())
}

fn rsa_code(key: &RsaPublicKey) -> Result<String, String> {
    let modulus = key.n().as_positive_bytes().unwrap_or_default();
    let leading = modulus.first().map_or(0, |byte| byte.leading_zeros());
    let bits = modulus.len() * 8 - usize::try_from(leading).unwrap_or(0);
    if !(LEAST_RSA_BITS..=RSA_BITS_MAX).contains(&bits) {
        return Err(format!(
            "is an RSA key of {bits} bits; {LEAST_RSA_BITS} to {RSA_BITS_MAX} are right"
        ));
    }
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    let exponent = key.e().as_positive_bytes().unwrap_or_default();
    if !is_odd(modulus) || !is_odd(exponent) || exponent == [1] {
        return Err(format!(
            "is an RSA key with numbers that no such key has; {RIGHT}"
        ));
    }
    Ok(format!("rsa-{bits}"))
}

#[cfg(test)]
#[path = "ssh_keys_tests.rs"]
mod tests;
