//! What a create carries that nobody may read afterwards: keys, user data, a password.
//!
//! It is kept apart from the job, handed to the agent while the create is unfinished, and wiped in the
//! transaction that ends the job. A spec holds its digest alone. The digest is of a random salt as well,
//! which is wiped with it, so that nobody can find a weak password by trying them on the digest.

mod wished;

use crate::facts::Refusal;
use api::{Private, SshKeyId};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

pub use wished::Wished;

/// What is kept apart. Fields are only ever added, with defaults.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// Random; goes into the digest, and nowhere else.
    pub salt: Uuid,
    /// Whom to log in as, if not the image's own user.
    #[serde(default)]
    pub username: Option<String>,
    /// The lines for `authorized_keys`.
    #[serde(default)]
    pub public_keys: Vec<Private>,
    /// What cloud-init is to do.
    #[serde(default)]
    pub user_data: Option<Private>,
    /// The password.
    #[serde(default)]
    pub password: Option<Private>,
}

/// By hand, so that no log ever shows any of it.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A secret with its digest, as the spec of its machine has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// What is kept apart.
    pub secret: Secret,
    /// SHA-256 over all of it, in hexadecimal.
    pub digest: String,
}

/// What came with a create beside the machine itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Whom to log in as.
    pub username: Option<String>,
    /// The tenant's stored key that it names, if there is one.
    pub ssh_key: Option<UsedKey>,
    /// What is kept apart, if there is anything.
    pub secret: Option<Sealed>,
}

/// A stored key as its machine shows it, whatever becomes of the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedKey {
    /// Its id.
    pub id: SshKeyId,
    /// What it was called when the machine was made.
    pub name: String,
}

impl Carried {
    /// Refuses the name of a key that the tenant does not have.
    pub(crate) fn has_key(&self, wished: Option<&String>) -> Result<(), Refusal> {
        let text = "there is no such SSH key; GET /v1/resource/ssh-keys lists those that there are";
        match (wished, &self.ssh_key) {
            (Some(_), None) => Err(Refusal::field("sshKeyId", text)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;
    use api::machine::MachineCreate;
    use uuid::Uuid;

    #[test]
    fn no_debug_shows_any_of_it() {
        let secret = Secret {
            salt: Uuid::from_u128(7),
            username: Some("mark".to_owned()),
            public_keys: vec!["ssh-ed25519 AAAA mark".into()],
            user_data: Some("mark".into()),
            password: Some("mark".into()),
        };
        let body = MachineCreate {
            ssh_public_keys: Some(secret.public_keys.clone()),
            user_data: secret.user_data.clone(),
            password: secret.password.clone(),
            ..MachineCreate::default()
        };
        for text in [format!("{secret:#?}"), format!("{body:#?}")] {
            assert!(!text.contains("mark"), "{text}");
        }
    }
}
