//! A tenant's own keys.

use crate::{Client, Error};
use api::{
    KeyId,
    keys::{ApiKeyInfo, AuthCheck, OwnKeyCreate, OwnKeyCreated},
};
use reqwest::Method;

const KEYS: &str = "/v1/auth/api-keys/me";
const CHECK: &str = "/v1/auth/check";

impl Client {
    /// Who this client's key says that it is, and what it may do.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn check_key(&self) -> Result<AuthCheck, Error> {
        self.get(CHECK).await
    }

    /// The tenant's own keys, without their secrets.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn own_keys(&self) -> Result<Vec<ApiKeyInfo>, Error> {
        self.get_all(KEYS).await
    }

    /// One of the tenant's own keys.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn own_key(&self, id: KeyId) -> Result<ApiKeyInfo, Error> {
        self.get(&format!("{KEYS}/{id}")).await
    }

    /// Makes a key for the same tenant. Its secret is in this answer and nowhere else, ever.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn create_own_key(&self, key: &OwnKeyCreate) -> Result<OwnKeyCreated, Error> {
        self.call(Method::POST, KEYS, key).await
    }

    /// Gives a key a new secret; the old one opens nothing any more.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn rotate_own_key(&self, id: KeyId) -> Result<OwnKeyCreated, Error> {
        self.post(&format!("{KEYS}/{id}/rotate")).await
    }

    /// Has a key refused until it is reactivated.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn suspend_own_key(&self, id: KeyId) -> Result<ApiKeyInfo, Error> {
        self.post(&format!("{KEYS}/{id}/suspend")).await
    }

    /// Has a suspended key taken again.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn reactivate_own_key(&self, id: KeyId) -> Result<ApiKeyInfo, Error> {
        self.post(&format!("{KEYS}/{id}/reactivate")).await
    }

    /// Takes a key away, at once and for ever.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn revoke_own_key(&self, id: KeyId) -> Result<(), Error> {
        let path = format!("{KEYS}/{id}");
        self.send_only(self.request(Method::DELETE, &path)).await
    }
}
