//! SSH keys.

use crate::{Client, Error};
use api::{
    SshKeyId,
    ssh_key::{
        SshAlgorithm, SshAlgorithmRow, SshKey, SshKeyCreate, SshKeyCreated, SshKeyRename,
        SshKeySource,
    },
};
use reqwest::Method;

const SSH_KEYS: &str = "/v1/resource/ssh-keys";

impl Client {
    /// The kinds of keys that the server makes, the recommended one first.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn ssh_algorithms(&self) -> Result<Vec<SshAlgorithmRow>, Error> {
        self.get(&format!("{SSH_KEYS}/algorithms")).await
    }

    /// All SSH keys, newest first.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn ssh_keys(&self) -> Result<Vec<SshKey>, Error> {
        self.get_all(SSH_KEYS).await
    }

    /// One SSH key.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn ssh_key(&self, id: SshKeyId) -> Result<SshKey, Error> {
        self.get(&format!("{SSH_KEYS}/{id}")).await
    }

    /// Has a public key kept: a line as in a `.pub` file.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn upload_ssh_key(&self, name: &str, line: &str) -> Result<SshKeyCreated, Error> {
        let body = SshKeyCreate {
            name: name.to_owned(),
            source: SshKeySource::Upload,
            public_key: Some(line.to_owned()),
            algorithm: None,
            passphrase: None,
        };
        self.call(Method::POST, SSH_KEYS, &body).await
    }

    /// Has a pair made. Its private key is in this answer and nowhere else, ever.
    ///
    /// # Errors
    /// Whatever [`Error`] names; `RESOURCE_BUSY` if its turn did not come within 50 s.
    pub async fn generate_ssh_key(
        &self,
        name: &str,
        algorithm: SshAlgorithm,
        passphrase: Option<&str>,
    ) -> Result<SshKeyCreated, Error> {
        let body = SshKeyCreate {
            name: name.to_owned(),
            source: SshKeySource::Generate,
            public_key: None,
            algorithm: Some(algorithm),
            passphrase: passphrase.map(str::to_owned),
        };
        self.call(Method::POST, SSH_KEYS, &body).await
    }

    /// Gives a key another name.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn rename_ssh_key(&self, id: SshKeyId, name: &str) -> Result<SshKey, Error> {
        let body = SshKeyRename {
            name: name.to_owned(),
        };
        self.call(Method::PUT, &format!("{SSH_KEYS}/{id}"), &body)
            .await
    }

    /// Deletes a key.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn delete_ssh_key(&self, id: SshKeyId) -> Result<(), Error> {
        let path = format!("{SSH_KEYS}/{id}");
        self.send_only(self.request(Method::DELETE, &path)).await
    }
}
