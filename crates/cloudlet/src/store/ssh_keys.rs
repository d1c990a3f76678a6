//! SSH keys, in the store's own words.

use super::{
    Done, NewSshKey, Store, StoreError,
    sqlite::{
        session::Session,
        ssh_keys::{all, count, one},
    },
};
use api::{SshKeyId, TenantId, ssh_key::SshKey};
use model::accept::Idempotency;

impl Store {
    /// Keeps a key; `None` if the tenant has `limit` of them already.
    pub async fn create_ssh_key(
        &self,
        tenant: TenantId,
        key: NewSshKey,
        limit: u64,
        repeat: Option<Idempotency>,
    ) -> Result<Done<SshKey, SshKeyId>, StoreError> {
        let work =
            move |session: &mut Session<'_>| Ok(Ok(session.create_ssh_key(tenant, &key, limit)?));
        self.once(repeat, work, |key| key.id).await
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
        repeat: Option<Idempotency>,
    ) -> Result<Done<SshKey, ()>, StoreError> {
        let work =
            move |session: &mut Session<'_>| Ok(Ok(session.rename_ssh_key(tenant, id, &name)?));
        self.once(repeat, work, |_| ()).await
    }

    /// Takes a key away; `None` if the tenant has no such key.
    pub async fn delete_ssh_key(
        &self,
        tenant: TenantId,
        id: SshKeyId,
        repeat: Option<Idempotency>,
    ) -> Result<Done<()>, StoreError> {
        let work = move |session: &mut Session<'_>| {
            let was_there = session.delete_ssh_key(tenant, id)?;
            Ok(Ok(was_there.then_some(())))
        };
        self.once(repeat, work, |()| ()).await
    }
}
