//! What is read, against what the reference store has: lists, pages, places on networks, shares.

use super::Pair;
use crate::store::JobFilter;
use api::{HostId, ResourceId, TenantId};
use model::{
    Job, JobState, Kind, Operation, Resource,
    claim::{Counter, Item, Pool},
    turn::Ahead,
};
use rand::RngExt;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

impl Pair {
    pub(super) async fn compare_reads(&self) {
        let calls = self.store.pending_calls(true).await.unwrap();
        let mut expected = self.memory.ready_calls();
        expected.sort_by_key(|job| self.memory.jobs[job].number);
        assert_eq!(calls, expected);
        let everything: BTreeSet<_> = self.memory.resources.keys().copied().collect();
        for &tenant in &self.tenants {
            let mut ids: Vec<_> = self.memory.jobs.keys().copied().collect();
            ids.reverse();
            let all = ids.iter().map(|id| &self.memory.jobs[id]);
            let expected: Vec<_> = all.filter(|job| job.tenant == tenant).cloned().collect();
            let twice = ids.iter().chain(&ids).copied().collect();
            assert_eq!(self.store.jobs(tenant, twice).await.unwrap(), expected);

            let found = self.store.resources_by_id(tenant, everything.clone()).await;
            let mut found = found.unwrap();
            found.sort_by_key(|one| one.id);
            assert_eq!(found, self.resources(|one| one.tenant == tenant));
        }
        let found = self.store.leftovers().await.unwrap();
        assert_eq!(found, self.resources(|one| one.leftover.is_some()));
    }

    /// The resources that are so, oldest first.
    fn resources(&self, is_so: impl Fn(&Resource) -> bool) -> Vec<Resource> {
        let all = self.memory.resources.values();
        all.filter(|one| is_so(one)).cloned().collect()
    }

    /// Reads of a tenant and of its host that a request leads to.
    pub(super) async fn read(&mut self, tenant: TenantId) {
        for kind in Kind::ALL {
            let mut expected = self.resources(|one| one.tenant == tenant && one.kind() == kind);
            expected.reverse();
            let all = expected.len() as u64;
            let found = self.store.resources_of(tenant, kind).await.unwrap();
            assert_eq!(found, expected);
            let page = self.store.page_of(tenant, kind, 2, 2).await.unwrap();
            let expected: Vec<_> = expected.into_iter().skip(2).take(2).collect();
            assert_eq!(page, (expected, all));
        }
        for network in self.resources(|one| one.kind() == Kind::Network) {
            let claims = self.memory.claims.keys();
            let places =
                claims.filter(|(_, item)| matches!(item, Item::Nic(of, _) if *of == network.id));
            let holders: BTreeSet<ResourceId> = places.map(|&(holder, _)| holder).collect();
            let expected = self.resources(|one| one.tenant == tenant && holders.contains(&one.id));
            let found = self.store.machines_on(tenant, network.id).await.unwrap();
            assert_eq!(found, expected);
        }
        let mut gpus = BTreeMap::new();
        for data_center in &self.catalogue.data_centers {
            self.shares(data_center.host_id(), &mut gpus).await;
        }
        assert_eq!(self.store.gpus_used().await.unwrap(), gpus);
    }

    async fn shares(&self, host: HostId, gpus: &mut BTreeMap<(HostId, i64), u64>) {
        let mut expected: BTreeMap<(TenantId, Counter), u64> = BTreeMap::new();
        for ((holder, item), amount) in &self.memory.claims {
            let counter = item.counter();
            let Some(counter) = counter.filter(|counter| is_of_host(counter, host)) else {
                continue;
            };
            if let Counter::Pool(Pool::Gpus(_, series)) = counter {
                *gpus.entry((host, series)).or_default() += amount;
            }
            let tenant = self.memory.resources[holder].tenant;
            *expected.entry((tenant, counter)).or_default() += amount;
        }
        let found = self.store.used_by_tenant(host).await.unwrap();
        let found: BTreeMap<_, _> = found
            .into_iter()
            .map(|(tenant, counter, used)| ((tenant, counter), used))
            .collect();
        assert_eq!(found, expected);
        let drained = self.store.is_drained(host).await.unwrap();
        assert_eq!(drained, self.memory.drained.contains(&host));
    }

    /// Some list of jobs, read page by page.
    pub(super) async fn list(&mut self, tenant: TenantId) {
        let mut filter = JobFilter::default();
        if self.random.random_bool(0.5) {
            filter.states.retain(|_| self.random.random_bool(0.5));
        }
        if self.random.random_bool(0.5) {
            let operations = [Operation::VmDelete, Operation::VmStop];
            filter.operations = operations.to_vec();
        }
        filter.resource = self.random.random_bool(0.3).then(|| self.resource());
        let of_tenant = |job: &&Job| job.tenant == tenant && job.is_listed();
        let fits = |job: &&Job| {
            filter.states.contains(&job.state)
                && filter.operations.contains(&job.operation)
                && filter.resource.is_none_or(|id| id == job.resource)
        };
        let jobs = self.memory.jobs.values().filter(of_tenant).filter(fits);
        let mut expected: Vec<Job> = jobs.cloned().collect();
        expected.sort_by_key(|job| Reverse(job.number));
        let limit = self.random.random_range(1..6);
        let (mut found, mut last) = (Vec::new(), None);
        loop {
            let page = self.store.listed_jobs(tenant, filter.clone(), last, limit);
            let (jobs, more) = page.await.unwrap();
            assert!(jobs.len() == limit || !more);
            last = jobs.last().map(|job| job.id);
            found.extend(jobs);
            if !more {
                break;
            }
        }
        assert_eq!(found, expected);
    }

    /// Some job, with what is ahead of it.
    pub(super) async fn wait_of_job(&mut self, tenant: TenantId) {
        let job = self.job();
        let known = self.memory.jobs.get(&job);
        let known = known.filter(|job| job.tenant == tenant).cloned();
        let found = self.store.job(tenant, job).await.unwrap();
        assert_eq!(found.as_ref().map(|(job, _)| job), known.as_ref());
        let Some(job) = known.filter(|job| job.state == JobState::Pending) else {
            assert!(found.is_none_or(|(_, ahead)| ahead.is_none()));
            return;
        };
        let before = |key: &ResourceId| {
            let mut line = self.memory.tickets.range((*key, 0)..(*key, job.number));
            line.next_back().map(|(_, &job)| job)
        };
        let blocking = job.lines().iter().find_map(before);
        assert_eq!(blocking.is_some(), job.blockers > 0);
        let running =
            |of: &&Job| of.host == job.host && of.state.is_running() && !of.is_synchronous();
        let running: Vec<_> = self.memory.jobs.values().filter(running).collect();
        let of_tenant = running.iter().filter(|of| of.tenant == tenant).count();
        let expected = Ahead {
            job: blocking,
            running_on_host: u32::try_from(running.len()).unwrap(),
            running_of_tenant: u32::try_from(of_tenant).unwrap(),
        };
        assert_eq!(found.unwrap().1, Some(expected));
    }
}

fn is_of_host(counter: &Counter, host: HostId) -> bool {
    match counter {
        Counter::Room(of, _) | Counter::Pool(Pool::Public(of) | Pool::Gpus(of, _)) => *of == host,
        _ => false,
    }
}
