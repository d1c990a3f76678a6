//! SSH keys, in the store's own words.

use super::{
    NewSshKey, Store, StoreError, Urgency,
    sqlite::ssh_keys::{all, count, one},
};
use api::{SshKeyId, TenantId, ssh_key::SshKey};

impl Store {
    /// Keeps a key; `None` if the tenant has `limit` of them already.
    pub async fn create_ssh_key(
        &self,
        tenant: TenantId,
        key: NewSshKey,
        limit: u64,
    ) -> Result<Option<SshKey>, StoreError> {
        self.sqlite
            .write(Urgency::Request, move |session| {
                Ok(session.create_ssh_key(tenant, &key, limit)?)
            })
            .await
    }

    /// A tenant's keys, oldest first.
    pub async fn ssh_keys(&self, tenant: TenantId) -> Result<Vec<SshKey>, StoreError> {
        self.sqlite
            .read(move |connection| all(connection, tenant))
            .await
    }

    /// How many keys a tenant has.
    pub async fn count_ssh_keys(&self, tenant: TenantId) -> Result<u64, StoreError> {
        self.sqlite
            .read(move |connection| count(connection, tenant))
            .await
    }

    /// A tenant's key.
    pub async fn ssh_key(
        &self,
        tenant: TenantId,
        id: SshKeyId,
    ) -> Result<Option<SshKey>, StoreError> {
        self.sqlite
            .read(move |connection| one(connection, tenant, id))
            .await
    }

    /// Gives a key another name; `None` if the tenant has no such key.
    pub async fn rename_ssh_key(
        &self,
        tenant: TenantId,
        id: SshKeyId,
        name: String,
    ) -> Result<Option<SshKey>, StoreError> {
        self.sqlite
            .write(Urgency::Request, move |session| {
                Ok(session.rename_ssh_key(tenant, id, &name)?)
            })
            .await
    }

    /// Takes a key away; says whether it was there.
    pub async fn delete_ssh_key(&self, tenant: TenantId, id: SshKeyId) -> Result<bool, StoreError> {
        self.sqlite
            .write(Urgency::Request, move |session| {
                Ok(session.delete_ssh_key(tenant, id)?)
            })
            .await
    }
}
