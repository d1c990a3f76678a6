//! The store: runs rules in transactions, many to a commit, and serves reads.
//!
//! One writer thread takes all that waits, runs each rule on what is stored, applies its writes and
//! commits once; only then is anybody answered. A rule that refuses has written nothing. Nothing
//! here decides anything: rules live in `model`. Never mentions HTTP or hosts.

use api::{HostId, JobId, KeyId, ResourceId, TenantId, Timestamp};
use model::{
    Assignment, Context, Job, Refusal, Resource, Write,
    catalogue::Catalogue,
    claim::{Item, Limits},
};
use std::{collections::BTreeMap, path::Path, sync::Arc};
use tokio::sync::broadcast;

/// The store; clones are the same store.
#[derive(Clone)]
pub struct Store {}

/// Why the store could not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot write or read now; nothing of the transaction is there.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// A rule panicked; its transaction was not applied. The cause is in the log.
    #[error("a rule panicked: {0}")]
    Panicked(String),
}

/// In which order a group of waiting transactions runs: the engine's before acceptances, so that a
/// flood starves no report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Start, report, retreat, finish.
    Engine,
    /// Requests.
    Request,
}

/// What a commit changed, as far as anybody waits for it.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The jobs as they are now.
    pub jobs: Vec<Job>,
}

/// A tenant as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantRow {
    /// Its id.
    pub id: TenantId,
    /// Its name, unique.
    pub name: String,
    /// Whether its keys are refused for now.
    pub suspended: bool,
    /// What it may have.
    pub limits: Limits,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The operator.
    Operator,
    /// A tenant.
    Tenant(TenantId),
}

/// A key as stored: its secret is not, only its SHA-256.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyRow {
    /// Its public id.
    pub id: KeyId,
    /// Whose it is.
    pub owner: Owner,
    /// What it is for.
    pub name: String,
    /// Its first characters.
    pub start: String,
    /// SHA-256 of the whole key text.
    pub digest: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
}

/// A turn that was taken: this job was started (or refused), and its host is to be told this.
#[derive(Clone, Debug)]
pub struct Turned {
    /// The job.
    pub job: JobId,
    /// What its host is to be told, if anything.
    pub assignment: Option<Assignment>,
}

#[allow(unused_variables, clippy::unused_async)]
impl Store {
    /// Opens the store in a directory, making it or bringing it up to date; starts its writer.
    pub fn open(
        directory: &Path,
        catalogue: Arc<Catalogue>,
        clock: crate::clock::Clock,
    ) -> anyhow::Result<Self> {
        unimplemented!()
    }

    /// Runs a rule in a transaction and answers once it is on disk. The rule may run again.
    pub async fn transact<T: Send + 'static>(
        &self,
        urgency: Urgency,
        rule: impl Fn(&Context<'_>) -> Result<(Vec<Write>, T), Refusal> + Send + 'static,
    ) -> Result<Result<T, Refusal>, StoreError> {
        unimplemented!()
    }

    /// Starts the job whose turn it is on a host with a free slot; `None` if there is none. A job
    /// whose rule panics is failed instead.
    pub async fn take_turn(&self, host: HostId) -> Result<Option<Turned>, StoreError> {
        unimplemented!()
    }

    /// What commits change, from now on. One that lags has to read again.
    pub fn changes(&self) -> broadcast::Receiver<Arc<Committed>> {
        unimplemented!()
    }

    /// The jobs of a tenant among these ids, in the order asked for, each once.
    pub async fn jobs(&self, tenant: TenantId, ids: Vec<JobId>) -> Result<Vec<Job>, StoreError> {
        unimplemented!()
    }

    /// A machine of a tenant.
    pub async fn machine(
        &self,
        tenant: TenantId,
        id: ResourceId,
    ) -> Result<Option<Resource>, StoreError> {
        unimplemented!()
    }

    /// A page of a tenant's machines, newest first, and how many there are in all.
    pub async fn machines(
        &self,
        tenant: TenantId,
        page: u64,
        limit: u64,
    ) -> Result<(Vec<Resource>, u64), StoreError> {
        unimplemented!()
    }

    /// Every resource there is, for `verify`.
    pub async fn resources(&self) -> Result<Vec<Resource>, StoreError> {
        unimplemented!()
    }

    /// What a host is to be told when it starts: the newest spec of each of its resources.
    pub async fn assignments(&self, host: HostId) -> Result<Vec<Assignment>, StoreError> {
        unimplemented!()
    }

    /// Synchronous calls that are pending; those that may start, or all of them.
    pub async fn pending_calls(&self, ready_only: bool) -> Result<Vec<JobId>, StoreError> {
        unimplemented!()
    }

    /// Running jobs whose tenant wishes them cancelled.
    pub async fn cancel_wishes(&self) -> Result<Vec<JobId>, StoreError> {
        unimplemented!()
    }

    /// How much of each item is claimed.
    pub async fn used(&self, items: Vec<Item>) -> Result<BTreeMap<Item, u64>, StoreError> {
        unimplemented!()
    }

    /// Makes a tenant; `None` if the name is taken.
    pub async fn create_tenant(&self, name: String) -> Result<Option<TenantRow>, StoreError> {
        unimplemented!()
    }

    /// Every tenant, by name.
    pub async fn tenants(&self) -> Result<Vec<TenantRow>, StoreError> {
        unimplemented!()
    }

    /// A tenant.
    pub async fn tenant(&self, id: TenantId) -> Result<Option<TenantRow>, StoreError> {
        unimplemented!()
    }

    /// Changes what a tenant may have; `None` if there is no such tenant.
    pub async fn set_limits(
        &self,
        id: TenantId,
        change: impl Fn(&mut Limits) + Send + 'static,
    ) -> Result<Option<TenantRow>, StoreError> {
        unimplemented!()
    }

    /// Keeps a key. The caller has made the secret.
    pub async fn create_key(
        &self,
        owner: Owner,
        name: String,
        start: String,
        digest: [u8; 32],
    ) -> Result<KeyRow, StoreError> {
        unimplemented!()
    }

    /// A tenant's keys, oldest first.
    pub async fn keys(&self, tenant: TenantId) -> Result<Vec<KeyRow>, StoreError> {
        unimplemented!()
    }

    /// The key of a digest. Served from memory after the first time.
    pub async fn key(&self, digest: [u8; 32]) -> Result<Option<KeyRow>, StoreError> {
        unimplemented!()
    }

    /// Whether there is a key of this owner already (first start).
    pub async fn is_new(&self) -> Result<bool, StoreError> {
        unimplemented!()
    }

    /// The manual clock's last time, if it was ever stored.
    pub async fn stored_clock(&self) -> Result<Option<Timestamp>, StoreError> {
        unimplemented!()
    }

    /// Stores the manual clock's time.
    pub async fn store_clock(&self, now: Timestamp) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Stops taking transactions, ends what waits, syncs and closes.
    pub async fn close(&self) {
        unimplemented!()
    }
}
