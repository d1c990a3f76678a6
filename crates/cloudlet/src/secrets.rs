//! What a create carries apart from its job: made here, with a random salt, and its digest.
//!
//! Never logs it, nor says in an error what was sent.

use crate::{keys, ssh_keys};
use api::{Private, ssh_key::SshKey};
use model::{
    Refusal,
    secret::{Carried, Sealed, Secret, UsedKey, Wished},
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What is to be carried as wished; `stored` is the tenant's key that is named, if there is one.
pub fn carried(wished: Wished<'_>, stored: Option<SshKey>) -> Result<Carried, Refusal> {
    let mut lines = Vec::new();
    for (index, Private(sent)) in wished.public_keys.iter().enumerate() {
        let field = format!("sshPublicKeys[{index}]");
        let key = ssh_keys::read("", sent).map_err(|text| Refusal::field(&field, text))?;
        lines.push(Private(key.public_key));
    }
    let stored = stored.map(|key| {
        lines.insert(0, Private(key.public_key));
        let SshKey { id, name, .. } = key;
        UsedKey { id, name }
    });
    let secret = wished.is_something().then(|| {
        sealed(Secret {
            salt: Uuid::new_v4(),
            username: wished.username.cloned(),
            public_keys: lines,
            user_data: wished.user_data.cloned(),
            password: wished.password.cloned(),
        })
    });
    Ok(Carried {
        username: wished.username.cloned(),
        ssh_key: stored,
        secret,
    })
}

fn sealed(secret: Secret) -> Sealed {
    let digest = digest(&secret);
    Sealed { secret, digest }
}

/// SHA-256 over all of a secret, its salt included, in hexadecimal.
pub fn digest(secret: &Secret) -> String {
    let bytes = serde_json::to_vec(secret).expect("texts and an id are always JSON");
    keys::hex(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::carried;
    use api::machine::MachineCreate;
    use model::secret::Wished;

    const LINE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMANnN+uSIO69pCYufcv1HlY+pcqv1aRjgOxGCc/dPDE user@example.com";

    fn with_keys(keys: &[&str]) -> MachineCreate {
        MachineCreate {
            ssh_public_keys: Some(keys.iter().map(|&key| key.into()).collect()),
            ..MachineCreate::default()
        }
    }

    /// What is the same twice has two digests: nobody learns from them that it is.
    #[test]
    fn a_digest_tells_nothing() {
        let body = with_keys(&[LINE]);
        let digest = || {
            let carried = carried(Wished::from(&body), None).unwrap();
            carried.secret.unwrap().digest
        };
        let (first, second) = (digest(), digest());
        assert_eq!((first.len(), second.len()), (64, 64));
        assert_ne!(first, second);
    }

    #[test]
    fn a_key_that_is_none_is_named_and_not_shown() {
        let body = with_keys(&[LINE, "ssh-ed25519 AAAAmark mark@host"]);
        let refusal = carried(Wished::from(&body), None).unwrap_err();
        assert_eq!(refusal.details.field.as_deref(), Some("sshPublicKeys[1]"));
        assert!(!refusal.message.contains("mark"), "{}", refusal.message);
    }

    #[test]
    fn a_create_that_carries_nothing_has_no_secret() {
        let body = MachineCreate::default();
        let carried = carried(Wished::from(&body), None).unwrap();
        assert_eq!(carried.secret, None);
    }
}
