//! SSH keys: what is sent, and what is answered.

use crate::{SshKeyId, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A kind of key that can be made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SshAlgorithm {
    /// `ed25519`.
    #[serde(rename = "ed25519")]
    Ed25519,
    /// `rsa-4096`.
    #[serde(rename = "rsa-4096")]
    Rsa4096,
    /// `rsa-2048`.
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    /// `ecdsa-p256`.
    #[serde(rename = "ecdsa-p256")]
    EcdsaP256,
}

impl SshAlgorithm {
    /// Every one, the recommended one first.
    pub const ALL: &[Self] = &[Self::Ed25519, Self::Rsa4096, Self::Rsa2048, Self::EcdsaP256];

    /// Its code as it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::Rsa4096 => "rsa-4096",
            Self::Rsa2048 => "rsa-2048",
            Self::EcdsaP256 => "ecdsa-p256",
        }
    }
}

/// A row of `GET /v1/resource/ssh-keys/algorithms`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SshAlgorithmRow {
    /// What `algorithm` takes.
    pub code: SshAlgorithm,
    /// Its name for people.
    pub display_name: String,
    /// When to choose it.
    pub description: String,
}

/// Where a key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum SshKeySource {
    /// Its owner has made it and sends the public half.
    Upload,
    /// The server makes it and answers with the private half, once.
    Generate,
}

/// `POST /v1/resource/ssh-keys`. An optional field that is empty is absent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SshKeyCreate {
    /// What it is for, 1 to 63 characters; need not be unique.
    pub name: String,
    /// Whether it is sent or made.
    #[serde(rename = "type")]
    pub source: SshKeySource,
    /// With `upload`: a line as in a `.pub` file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// With `generate`: what kind of key to make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<SshAlgorithm>,
    /// With `generate`: encrypts the private key; kept nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<String>,
}

/// By hand, so that no log ever shows a passphrase.
impl fmt::Debug for SshKeyCreate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SshKeyCreate")
            .field("name", &self.name)
            .field("source", &self.source)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// A new key: the only answer that holds its private half.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SshKeyCreated {
    /// Its id.
    pub id: SshKeyId,
    /// In OpenSSH's format, shown this once and stored nowhere; null for an upload.
    pub private_key: Option<String>,
}

/// By hand, so that no log ever shows a private key.
impl fmt::Debug for SshKeyCreated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SshKeyCreated")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A key as it is kept: its public half.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SshKey {
    /// Its id.
    pub id: SshKeyId,
    /// What it is for.
    pub name: String,
    /// One of the codes of `/algorithms`, or of a key that was sent: `rsa-3072`, `ecdsa-p384`,
    /// `ecdsa-p521`, `sk-ed25519`, `sk-ecdsa-p256`.
    pub algorithm: String,
    /// The line that goes into `authorized_keys`.
    pub public_key: String,
    /// What `ssh-keygen -l` shows: `SHA256:…`.
    pub fingerprint: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last renamed, else when it was added.
    pub updated_at: Timestamp,
}

/// `PUT /v1/resource/ssh-keys/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SshKeyRename {
    /// The new name, 1 to 63 characters.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_wire() {
        for &algorithm in SshAlgorithm::ALL {
            let wire = serde_json::to_value(algorithm).unwrap();
            assert_eq!(wire, algorithm.as_str());
        }
    }

    #[test]
    fn nothing_secret_is_shown_for_debugging() {
        let wish = SshKeyCreate {
            name: "ci".to_owned(),
            source: SshKeySource::Generate,
            public_key: None,
            algorithm: Some(SshAlgorithm::Ed25519),
            passphrase: Some("open sesame".to_owned()),
        };
        let made = SshKeyCreated {
            id: SshKeyId(uuid::Uuid::nil()),
            private_key: Some("-----BEGIN".to_owned()),
        };
        let shown = format!("{wish:?} {made:?}");
        assert!(
            shown.contains("ci") && shown.contains("00000000"),
            "{shown}"
        );
        assert!(
            !shown.contains("sesame") && !shown.contains("BEGIN"),
            "{shown}"
        );
    }
}
