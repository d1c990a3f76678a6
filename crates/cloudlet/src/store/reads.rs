//! What the store answers without changing anything: jobs, resources, what is used.

use super::{
    JobFilter, Store, StoreError,
    sqlite::{facts, lists, reads, resources, secrets},
};
use api::{HostId, JobId, ResourceId, TenantId};
use model::{
    Assignment, Job, JobState, Kind, Resource, claim::Counter, secret::Secret, turn::Ahead,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

impl Store {
    /// The jobs of a tenant among these ids, in the order asked for, each once.
    pub async fn jobs(&self, tenant: TenantId, ids: Vec<JobId>) -> Result<Vec<Job>, StoreError> {
        let (mut known, mut unknown) = (HashMap::new(), Vec::new());
        let mut seen = HashSet::new();
        let asked: Vec<_> = ids.into_iter().filter(|&id| seen.insert(id)).collect();
        for &id in &asked {
            match self.sqlite.jobs.get(&id) {
                Some(job) => drop(known.insert(id, job)),
                None => unknown.push(id),
            }
        }
        known.retain(|_, job| job.tenant == tenant);
        if !unknown.is_empty() {
            let read = self
                .sqlite
                .read(move |connection| reads::jobs(connection, tenant, &unknown))
                .await?;
            known.extend(read.into_iter().map(|job| (job.id, Arc::new(job))));
        }
        let found = asked.iter().filter_map(|id| known.remove(id));
        Ok(found.map(Arc::unwrap_or_clone).collect())
    }

    /// A tenant's jobs that were accepted before this one, newest first, at most `limit`, and
    /// whether more follow. Without `before` it begins with the newest.
    pub async fn listed_jobs(
        &self,
        tenant: TenantId,
        filter: JobFilter,
        before: Option<JobId>,
        limit: usize,
    ) -> Result<(Vec<Job>, bool), StoreError> {
        self.sqlite
            .read(move |connection| lists::jobs(connection, tenant, &filter, before, limit))
            .await
    }

    /// The jobs that ended last, of whichever tenant, the last one first.
    pub async fn newest_ended(&self, limit: u32) -> Result<Vec<Job>, StoreError> {
        self.sqlite
            .read(move |connection| lists::newest_ended(connection, limit))
            .await
    }

    /// A job of a tenant, and what is ahead of it if it is pending.
    pub async fn job(
        &self,
        tenant: TenantId,
        id: JobId,
    ) -> Result<Option<(Job, Option<Ahead>)>, StoreError> {
        let known = self.jobs(tenant, vec![id]).await?.pop();
        match known {
            Some(job) if job.state == JobState::Pending => {
                self.sqlite
                    .read(move |connection| lists::pending(connection, tenant, id))
                    .await
            }
            known => Ok(known.map(|job| (job, None))),
        }
    }

    /// What is kept apart for the unfinished create of a resource, if this is the generation that it
    /// works on.
    pub async fn secret(
        &self,
        id: ResourceId,
        generation: u64,
    ) -> Result<Option<Secret>, StoreError> {
        self.sqlite
            .read(move |connection| secrets::secret(connection, id, generation))
            .await
    }

    /// A resource of a tenant, of whatever kind.
    pub async fn resource(
        &self,
        tenant: TenantId,
        id: ResourceId,
    ) -> Result<Option<Resource>, StoreError> {
        self.sqlite
            .read(move |connection| resources::resource(connection, tenant, id))
            .await
    }

    /// The resources of a tenant among these ids, in any order.
    pub async fn resources_by_id(
        &self,
        tenant: TenantId,
        ids: BTreeSet<ResourceId>,
    ) -> Result<Vec<Resource>, StoreError> {
        self.sqlite
            .read(move |connection| resources::by_id(connection, tenant, &ids))
            .await
    }

    /// A page of a tenant's resources of a kind, newest first, and how many there are in all; page 1
    /// is first.
    pub async fn page_of(
        &self,
        tenant: TenantId,
        kind: Kind,
        page: u64,
        limit: u64,
    ) -> Result<(Vec<Resource>, u64), StoreError> {
        self.sqlite
            .read(move |connection| resources::page(connection, (tenant, kind), page, limit))
            .await
    }

    /// All of a tenant's resources of a kind, newest first.
    pub async fn resources_of(
        &self,
        tenant: TenantId,
        kind: Kind,
    ) -> Result<Vec<Resource>, StoreError> {
        self.sqlite
            .read(move |connection| resources::of_kind(connection, tenant, kind))
            .await
    }

    /// The machines of a tenant that have a place on a network, planned ones too; oldest first.
    pub async fn machines_on(
        &self,
        tenant: TenantId,
        network: ResourceId,
    ) -> Result<Vec<Resource>, StoreError> {
        self.sqlite
            .read(move |connection| resources::machines_on(connection, tenant, network))
            .await
    }

    /// Every resource there is, for `verify`.
    pub async fn resources(&self) -> Result<Vec<Resource>, StoreError> {
        self.sqlite.read(resources::all).await
    }

    /// The resources with an open leftover, for operators.
    pub async fn leftovers(&self) -> Result<Vec<Resource>, StoreError> {
        self.sqlite.read(resources::leftovers).await
    }

    /// Whether nothing new is placed on a host.
    pub async fn is_drained(&self, host: HostId) -> Result<bool, StoreError> {
        self.sqlite
            .read(move |connection| facts::is_drained(connection, host))
            .await
    }

    /// What each tenant holds of a host's room and of its pools.
    pub async fn used_by_tenant(
        &self,
        host: HostId,
    ) -> Result<Vec<(TenantId, Counter, u64)>, StoreError> {
        self.sqlite
            .read(move |connection| resources::used_by_tenant(connection, host))
            .await
    }

    /// How many GPUs of each series are given out on each host.
    pub async fn gpus_used(&self) -> Result<BTreeMap<(HostId, i64), u64>, StoreError> {
        self.sqlite.read(resources::gpus_used).await
    }

    /// What a host is to be told when it starts: the newest spec of each of its resources.
    pub async fn assignments(&self, host: HostId) -> Result<Vec<Assignment>, StoreError> {
        self.sqlite
            .read(move |connection| reads::assignments(connection, host))
            .await
    }

    /// Synchronous calls that are pending; those that may start, or all of them.
    pub async fn pending_calls(&self, ready_only: bool) -> Result<Vec<JobId>, StoreError> {
        self.sqlite
            .read(move |connection| reads::pending_calls(connection, ready_only))
            .await
    }

    /// Running jobs whose tenant wishes them cancelled.
    pub async fn cancel_wishes(&self) -> Result<Vec<JobId>, StoreError> {
        self.sqlite.read(reads::cancel_wishes).await
    }

    /// How much is claimed in all.
    pub async fn used(&self, counters: Vec<Counter>) -> Result<BTreeMap<Counter, u64>, StoreError> {
        self.sqlite
            .read(move |connection| reads::used(connection, &counters))
            .await
    }
}
