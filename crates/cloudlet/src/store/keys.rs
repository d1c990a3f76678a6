//! API keys, in the store's own words.

use super::{
    Done, KeyChange, KeyRow, KeyWish, KnownKey, NewKey, Owner, Store, StoreError, Urgency,
    sqlite::{session::Session, tenants},
};
use api::{KeyId, TenantId, Timestamp};
use model::accept::Idempotency;
use std::sync::Arc;

/// Keys whose last use one transaction writes.
const USES_BATCH: usize = 50;

impl Store {
    /// Keeps a key; `None` if its owner has `limit` of them already. The caller has made the secret.
    pub async fn create_key(
        &self,
        owner: Owner,
        wish: KeyWish,
        secret: NewKey,
        limit: u64,
        repeat: Option<Idempotency>,
    ) -> Result<Done<KeyRow, KeyId>, StoreError> {
        let work = move |session: &mut Session<'_>| {
            let has_room = session.count_keys(owner)? < limit;
            let make = || session.create_key(owner, &wish, &secret);
            Ok(Ok(has_room.then(make).transpose()?))
        };
        self.once(repeat, work, |row| row.id).await
    }

    /// Changes a tenant's key; `None` if it has no such key. Once this answers, nothing opens by
    /// what the key was before.
    pub async fn change_key(
        &self,
        tenant: TenantId,
        id: KeyId,
        change: KeyChange,
        repeat: Option<Idempotency>,
    ) -> Result<Done<KeyRow, ()>, StoreError> {
        let work =
            move |session: &mut Session<'_>| Ok(Ok(session.change_key(tenant, id, &change)?));
        self.once(repeat, work, |_| ()).await
    }

    /// Takes a tenant's key away; `None` if it has no such key. Once this answers, it opens nothing.
    pub async fn delete_key(
        &self,
        tenant: TenantId,
        id: KeyId,
        repeat: Option<Idempotency>,
    ) -> Result<Done<()>, StoreError> {
        let work = move |session: &mut Session<'_>| {
            let was_there = session.delete_key(tenant, id)?;
            Ok(Ok(was_there.then_some(())))
        };
        self.once(repeat, work, |()| ()).await
    }

    /// A tenant's keys, oldest first.
    pub async fn keys(&self, tenant: TenantId) -> Result<Vec<KeyRow>, StoreError> {
        let keys = self
            .sqlite
            .read(move |connection| tenants::keys(connection, tenant))
            .await?;
        Ok(keys
            .into_iter()
            .map(|key| self.with_last_use(key))
            .collect())
    }

    /// A tenant's key.
    pub async fn key_of(&self, tenant: TenantId, id: KeyId) -> Result<Option<KeyRow>, StoreError> {
        let key = self
            .sqlite
            .read(move |connection| tenants::key_of(connection, tenant, id))
            .await?;
        Ok(key.map(|key| self.with_last_use(key)))
    }

    /// The key of a digest. Served from memory until any key or any tenant's standing changes.
    pub async fn key(&self, digest: [u8; 32]) -> Result<Option<Arc<KnownKey>>, StoreError> {
        if let Some(key) = self.sqlite.keys.get(&digest) {
            return Ok(Some(key));
        }
        let epoch = self.sqlite.keys.epoch();
        let key = self
            .sqlite
            .read(move |connection| tenants::key(connection, digest))
            .await?;
        let key = key.map(Arc::new);
        if let Some(key) = &key {
            self.sqlite.keys.keep(epoch, key);
        }
        Ok(key)
    }

    /// Remembers that a key was used; [`write_uses`](Self::write_uses) puts it on disk.
    pub fn note_use(&self, key: KeyId, now: Timestamp) {
        self.sqlite.keys.note_use(key, now);
    }

    /// Waits until some use of a key is not on disk.
    pub async fn key_used(&self) {
        self.sqlite.keys.used().await;
    }

    /// Writes when keys were last used, behind all other work.
    pub async fn write_uses(&self) -> Result<(), StoreError> {
        for batch in self.sqlite.keys.unwritten().chunks(USES_BATCH) {
            let uses = batch.to_vec();
            self.sqlite
                .write(Urgency::Upkeep, move |session| Ok(session.use_keys(&uses)?))
                .await?;
            self.sqlite.keys.written(batch);
        }
        Ok(())
    }

    fn with_last_use(&self, mut key: KeyRow) -> KeyRow {
        key.used_at = self.sqlite.keys.last_use(key.id).max(key.used_at);
        key
    }
}
