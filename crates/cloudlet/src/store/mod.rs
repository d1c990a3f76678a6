//! The store: runs rules in transactions, many to a commit, and serves reads.
//!
//! One writer thread takes all that waits, runs each rule on what is stored, applies its writes and
//! commits once; only then is anybody answered. A rule that refuses has written nothing. Nothing
//! here decides anything: rules live in `model`. Never mentions HTTP or hosts.

mod ids;
mod lock;
mod queue;
mod reads;
mod rows;
mod sqlite;
mod ssh_keys;
mod teams;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod tests;

pub use rows::{
    Committed, Expired, JobFilter, KeyChange, KeyRow, KeyWish, KnownKey, NewKey, NewSshKey, Owner,
    Scopes, StoreError, TenantRow, Turned, Urgency,
};

use crate::supply::Supply;
use api::{HostId, KeyId, TenantId, Timestamp};
use model::{Context, Refusal, Write, claim::Limits};
use sqlite::{Sources, Sqlite, tenants};
use std::{
    path::Path,
    sync::{Arc, atomic::Ordering::Relaxed},
};
use tokio::sync::broadcast;

/// Jobs that one transaction removes: few enough that a commit which takes them along is hardly slower.
const EXPIRY_BATCH: usize = 50;
/// Keys whose last use one transaction writes.
const USES_BATCH: usize = 50;

/// The store; clones are the same store.
#[derive(Clone)]
pub struct Store {
    sqlite: Arc<Sqlite>,
}

impl Store {
    /// Opens the store in a directory, making it or bringing it up to date; starts its writer.
    pub fn open(
        directory: &Path,
        supply: impl Into<Supply>,
        clock: crate::clock::Clock,
    ) -> anyhow::Result<Self> {
        let time = clock.clone();
        let sources = Sources {
            now: Arc::new(move || time.now()),
            clock: Some(clock),
            new_id: None,
        };
        Self::open_with(directory, supply, sources)
    }

    /// Opens it with a time and, in tests, ids of the caller's own.
    fn open_with(
        directory: &Path,
        supply: impl Into<Supply>,
        sources: Sources,
    ) -> anyhow::Result<Self> {
        let sqlite = Arc::new(Sqlite::open(directory, supply.into(), sources)?);
        Ok(Self { sqlite })
    }

    /// Runs a rule in a transaction and answers once it is on disk. The rule may run again.
    pub async fn transact<T: Send + 'static>(
        &self,
        urgency: Urgency,
        rule: impl Fn(&Context<'_>) -> Result<(Vec<Write>, T), Refusal> + Send + 'static,
    ) -> Result<Result<T, Refusal>, StoreError> {
        let work = move |session: &mut sqlite::session::Session<'_>| match session.decide(&rule)? {
            Ok((writes, answer)) => {
                session.apply(&writes)?;
                Ok(Ok(answer))
            }
            Err(refusal) => Ok(Err(refusal)),
        };
        self.sqlite.write(urgency, work).await
    }

    /// Starts the job whose turn it is on a host with a free slot; `None` if there is none. A job
    /// whose rule panics is failed instead.
    pub async fn take_turn(&self, host: HostId) -> Result<Option<Turned>, StoreError> {
        self.sqlite
            .write(Urgency::Engine, move |session| session.take_turn(host))
            .await
    }

    /// Removes at most [`EXPIRY_BATCH`] of the jobs that ended before this, those that ended first,
    /// with each answer that none of its jobs is left of; and as many of the answers without a job
    /// that were made before it.
    pub async fn expire(&self, ended_before: Timestamp) -> Result<Expired, StoreError> {
        self.sqlite
            .write(Urgency::Upkeep, move |session| {
                Ok(
                    if session.expire(ended_before, EXPIRY_BATCH)? == EXPIRY_BATCH {
                        Expired::More
                    } else if session.expires_later(ended_before)? {
                        Expired::Later
                    } else {
                        Expired::Nothing
                    },
                )
            })
            .await
    }

    /// Waits until the WAL may hold what was wiped.
    pub async fn scrub_due(&self) {
        self.sqlite.scrub.due().await;
    }

    /// Has the WAL emptied, behind all other work. Whether that went well, [`scrub_due`] tells.
    ///
    /// [`scrub_due`]: Self::scrub_due
    pub async fn scrub(&self) -> Result<(), StoreError> {
        self.sqlite
            .write(Urgency::Upkeep, |session| {
                session.scrub();
                Ok(())
            })
            .await
    }

    /// Places nothing new on a host from now on, or does so again.
    pub async fn drain_host(&self, host: HostId, drained: bool) -> Result<(), StoreError> {
        self.sqlite
            .write(Urgency::Request, move |session| {
                Ok(session.set_drained(host, drained)?)
            })
            .await
    }

    /// What commits change, from now on. One that lags has to read again; one that does not read
    /// at all holds a manual clock up.
    pub fn changes(&self) -> broadcast::Receiver<Arc<Committed>> {
        self.sqlite.changes.subscribe()
    }

    /// How many commits wrote something since the start; each is one sync of the disk.
    pub fn commits(&self) -> u64 {
        self.sqlite.commits.load(Relaxed)
    }

    /// Whether transactions are taken: not once the disk has failed.
    pub fn is_writable(&self) -> bool {
        self.sqlite.writable.load(Relaxed)
    }

    /// The first start, whole or not at all: tenant `default` with a key, and the operator's key.
    pub async fn create_first(&self, tenant: NewKey, operator: NewKey) -> Result<(), StoreError> {
        self.sqlite
            .write(Urgency::Request, move |session| {
                if let Some(row) = session.create_tenant("default")? {
                    let wish = KeyWish::wide("first");
                    session.create_key(Owner::Tenant(row.id), &wish, &tenant)?;
                    session.create_key(Owner::Operator, &wish, &operator)?;
                }
                Ok(())
            })
            .await
    }

    /// Makes a tenant; `None` if the name is taken.
    pub async fn create_tenant(&self, name: String) -> Result<Option<TenantRow>, StoreError> {
        self.sqlite
            .write(Urgency::Request, move |session| {
                Ok(session.create_tenant(&name)?)
            })
            .await
    }

    /// Every tenant, by name.
    pub async fn tenants(&self) -> Result<Vec<TenantRow>, StoreError> {
        self.sqlite.read(tenants::tenants).await
    }

    /// A tenant.
    pub async fn tenant(&self, id: TenantId) -> Result<Option<TenantRow>, StoreError> {
        self.sqlite
            .read(move |connection| tenants::tenant(connection, id))
            .await
    }

    /// Changes what a tenant may have; `None` if there is no such tenant.
    pub async fn set_limits(
        &self,
        id: TenantId,
        change: impl Fn(&mut Limits) + Send + 'static,
    ) -> Result<Option<TenantRow>, StoreError> {
        self.sqlite
            .write(Urgency::Request, move |session| {
                session.set_limits(id, &change)
            })
            .await
    }

    /// Refuses a tenant's keys from now on, or takes them again; `None` if there is no such tenant.
    pub async fn suspend_tenant(
        &self,
        id: TenantId,
        suspended: bool,
    ) -> Result<Option<TenantRow>, StoreError> {
        self.sqlite
            .write(Urgency::Request, move |session| {
                Ok(session.suspend_tenant(id, suspended)?)
            })
            .await
    }

    /// Keeps a key. The caller has made the secret.
    pub async fn create_key(
        &self,
        owner: Owner,
        wish: KeyWish,
        secret: NewKey,
    ) -> Result<KeyRow, StoreError> {
        self.sqlite
            .write(Urgency::Request, move |session| {
                Ok(session.create_key(owner, &wish, &secret)?)
            })
            .await
    }

    /// Changes a tenant's key; `None` if it has no such key. Once this answers, nothing opens by
    /// what the key was before.
    pub async fn change_key(
        &self,
        tenant: TenantId,
        id: KeyId,
        change: KeyChange,
    ) -> Result<Option<KeyRow>, StoreError> {
        let changed = self
            .sqlite
            .write(Urgency::Request, move |session| {
                Ok(session.change_key(tenant, id, &change)?)
            })
            .await?;
        Ok(changed.map(|key| self.with_last_use(key)))
    }

    /// Takes a tenant's key away; says whether it was there. Once this answers, it opens nothing.
    pub async fn delete_key(&self, tenant: TenantId, id: KeyId) -> Result<bool, StoreError> {
        self.sqlite
            .write(Urgency::Request, move |session| {
                Ok(session.delete_key(tenant, id)?)
            })
            .await
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

    /// Whether this is the first start: the operator has no key yet.
    pub async fn is_new(&self) -> Result<bool, StoreError> {
        self.sqlite.read(tenants::is_new).await
    }

    /// The manual clock's last time, if it was ever stored.
    pub async fn stored_clock(&self) -> Result<Option<Timestamp>, StoreError> {
        self.sqlite.read(tenants::stored_clock).await
    }

    /// Stores the manual clock's time.
    pub async fn store_clock(&self, now: Timestamp) -> Result<(), StoreError> {
        self.sqlite
            .write(
                Urgency::Engine,
                move |session| Ok(session.store_clock(now)?),
            )
            .await
    }

    /// Stops taking transactions, ends what waits, syncs and closes.
    pub async fn close(&self) {
        self.sqlite.close().await
    }
}
