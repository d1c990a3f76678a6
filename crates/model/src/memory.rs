//! The store as plain maps: the reference that other stores are compared with, and what the
//! simulation runs on. It has no logic of its own beyond the ledger, the lines and the turns.

mod check;

use crate::{
    ability::DriverAbilities,
    catalogue::Catalogue,
    claim::{Claim, Counter, Item, Limits, Pool},
    facts::{Context, Facts, Line},
    job::Job,
    resource::Resource,
    secret::Secret,
    turn::{self, Turn},
    writes::{Answer, AnswerKey, Write},
};
use api::{HostId, JobId, ResourceId, TenantId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Everything that is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Jobs.
    pub jobs: BTreeMap<JobId, Job>,
    /// Resources.
    pub resources: BTreeMap<ResourceId, Resource>,
    /// Who stands in which line, by number.
    pub tickets: BTreeMap<(ResourceId, u64), JobId>,
    /// What is held.
    pub claims: BTreeMap<(ResourceId, Item), u64>,
    /// How much is held in all; what nobody holds has no entry.
    pub used: BTreeMap<Counter, u64>,
    /// The number of each pool that was given out last.
    pub last_given: BTreeMap<Pool, u32>,
    /// Hosts on which nothing new is placed.
    pub drained: BTreeSet<HostId>,
    /// What is kept apart for creates that have not ended.
    pub secrets: BTreeMap<JobId, Secret>,
    /// Remembered answers.
    pub answers: BTreeMap<AnswerKey, Answer>,
    /// Standings.
    pub turns: BTreeMap<(HostId, TenantId), Turn>,
    /// Teams, by their tenants.
    pub teams: BTreeSet<(TenantId, i64)>,
    /// Limits.
    pub limits: BTreeMap<TenantId, Limits>,
    /// The greatest number of a job; the next one's is the one after.
    pub last_number: u64,
    /// The number of the last turn taken.
    pub last_turn: u64,
    /// The last id made.
    pub last_id: u128,
}

impl Facts for Memory {
    fn job(&self, id: JobId) -> Option<Job> {
        self.jobs.get(&id).cloned()
    }

    fn resource(&self, id: ResourceId) -> Option<Resource> {
        self.resources.get(&id).cloned()
    }

    fn line(&self, key: ResourceId) -> Line {
        self.line_of(key)
            .fold(Line::default(), |line, (_, job)| Line {
                length: line.length + 1,
                synchronous: line.synchronous + u32::from(self.jobs[&job].is_synchronous()),
            })
    }

    fn first(&self, key: ResourceId) -> Option<JobId> {
        self.line_of(key).next().map(|(_, job)| job)
    }

    fn queue(&self, key: ResourceId) -> Vec<JobId> {
        self.line_of(key).map(|(_, job)| job).collect()
    }

    fn limits(&self, tenant: TenantId) -> Limits {
        self.limits.get(&tenant).copied().unwrap_or_default()
    }

    fn used(&self, counter: &Counter) -> u64 {
        self.used.get(counter).copied().unwrap_or(0)
    }

    fn holder(&self, item: &Item) -> Option<ResourceId> {
        let mut rows = self.claims.keys().filter(|(_, of)| of == item);
        rows.next().map(|&(holder, _)| holder)
    }

    fn free(&self, pool: Pool, ranges: &[(u32, u32)], count: usize) -> Vec<u32> {
        let taken: BTreeSet<u32> = self.given(pool).collect();
        let last = self.last_given.get(&pool).copied();
        let is_after = |number: &u32| last.is_none_or(|last| *number > last);
        let numbers = || ranges.iter().flat_map(|&(first, last)| first..=last);
        let free = |number: &u32| !taken.contains(number);
        let ahead = numbers().filter(is_after).filter(free);
        let behind = numbers().filter(|number| !is_after(number)).filter(free);
        ahead.chain(behind).take(count).collect()
    }

    fn span(&self, pool: Pool) -> Option<(u32, u32)> {
        Some((self.given(pool).min()?, self.given(pool).max()?))
    }

    fn is_drained(&self, host: HostId) -> bool {
        self.drained.contains(&host)
    }

    fn has_team(&self, tenant: TenantId, team: i64) -> bool {
        self.teams.contains(&(tenant, team))
    }

    fn claims(&self, holder: ResourceId) -> Vec<Claim> {
        let rows = self.claims.iter().filter(|((of, _), _)| *of == holder);
        rows.map(|((_, item), &amount)| Claim {
            holder,
            item: item.clone(),
            amount,
        })
        .collect()
    }

    fn answer(&self, key: &AnswerKey) -> Option<Answer> {
        self.answers.get(key).cloned()
    }
}

impl Memory {
    /// Runs a rule on what is stored now; applies nothing.
    pub fn decide<T>(
        &self,
        (catalogue, driver): (&Catalogue, DriverAbilities),
        now: Timestamp,
        rule: impl FnOnce(&Context<'_>) -> T,
    ) -> (T, u128) {
        let last = std::cell::Cell::new(self.last_id);
        let new_id = || {
            last.set(last.get() + 1);
            Uuid::from_u128(last.get())
        };
        let outcome = rule(&Context {
            facts: self,
            now,
            new_id: &new_id,
            catalogue,
            driver,
        });
        (outcome, last.get())
    }

    /// Applies a rule's writes in order.
    pub fn apply(&mut self, writes: &[Write]) {
        for write in writes {
            self.apply_one(write);
        }
    }

    fn apply_one(&mut self, write: &Write) {
        match write {
            Write::PutResource(resource) => {
                self.resources
                    .insert(resource.id, Resource::clone(resource));
            }
            Write::RemoveResource(id) => {
                self.resources.remove(id);
                self.last_given.remove(&Pool::Private(*id));
            }
            Write::PutJob(job) => self.put_job(Job::clone(job)),
            Write::Enter { key, job } => {
                let number = self.jobs[job].number;
                self.tickets.insert((*key, number), *job);
            }
            Write::Leave { key, job } => self.leave(*key, *job),
            Write::Claim(Claim {
                holder,
                item,
                amount,
            }) => self.hold(*holder, item, *amount),
            Write::Unclaim { holder, item } => self.hold(*holder, item, 0),
            Write::PutSecret(job, secret) => {
                self.secrets.insert(*job, secret.clone());
            }
            Write::WipeSecret(job) => {
                self.secrets.remove(job);
            }
            Write::PutAnswer(key, answer) => {
                self.answers.insert(*key, answer.clone());
            }
        }
    }

    fn put_job(&mut self, mut job: Job) {
        let before = self.jobs.get(&job.id);
        match before {
            Some(before) => job.number = before.number,
            None => {
                self.last_number += 1;
                job.number = self.last_number;
            }
        }
        let change = turn::change(before, &job);
        let turn = self.turns.entry((job.host, job.tenant)).or_default();
        turn.ready = turn
            .ready
            .checked_add_signed(change.ready)
            .expect("ready never falls below 0");
        turn.running = turn
            .running
            .checked_add_signed(change.running)
            .expect("running never falls below 0");
        if change.took_turn {
            self.last_turn += 1;
            turn.last = self.last_turn;
        }
        self.jobs.insert(job.id, job);
    }

    /// Removes at most so many of the jobs that ended before this, those that ended first, with each
    /// answer that none of its jobs is left of. Says how many. An answer without a job, which a store
    /// keeps for a day, is not remembered beyond this.
    pub fn expire(&mut self, ended_before: Timestamp, most: usize) -> usize {
        let ended = self.jobs.values().filter_map(|job| {
            let at = job.completed_at.filter(|at| *at < ended_before)?;
            Some((at, job.number, job.id))
        });
        let mut ended: Vec<_> = ended.collect();
        ended.sort_unstable();
        ended.truncate(most);
        for (.., job) in &ended {
            self.jobs.remove(job);
        }
        let jobs = &self.jobs;
        self.answers
            .retain(|_, answer| answer.jobs.iter().any(|job| jobs.contains_key(job)));
        let numbers = self.jobs.values().map(|job| job.number);
        self.last_number = numbers.max().unwrap_or(0);
        ended.len()
    }

    fn leave(&mut self, key: ResourceId, job: JobId) {
        let was_first = self.first(key) == Some(job);
        let number = self.jobs[&job].number;
        self.tickets.remove(&(key, number));
        if let Some(mut first) = self
            .first(key)
            .filter(|_| was_first)
            .and_then(|first| self.job(first))
        {
            first.blockers -= 1;
            self.put_job(first);
        }
    }

    fn hold(&mut self, holder: ResourceId, item: &Item, amount: u64) {
        let key = (holder, item.clone());
        let held = self.claims.remove(&key).unwrap_or(0);
        if amount > 0 {
            if item.is_exclusive() {
                assert_eq!(self.holder(item), None, "{item:?} is held by another");
            }
            self.claims.insert(key, amount);
        }
        if let (Item::Pooled(pool, number), true) = (item, amount > held) {
            self.last_given.insert(*pool, *number);
        }
        let Some(counter) = item.counter() else {
            return;
        };
        let used = self.used(&counter) - held + amount;
        if used == 0 {
            self.used.remove(&counter);
        } else {
            self.used.insert(counter, used);
        }
    }

    /// The numbers of a pool that somebody holds.
    fn given(&self, pool: Pool) -> impl Iterator<Item = u32> + '_ {
        self.claims.keys().filter_map(move |(_, item)| match item {
            Item::Pooled(of, number) if *of == pool => Some(*number),
            _ => None,
        })
    }

    fn line_of(&self, key: ResourceId) -> impl Iterator<Item = (u64, JobId)> + '_ {
        self.tickets
            .range((key, 0)..=(key, u64::MAX))
            .map(|(&(_, number), &job)| (number, job))
    }

    /// Whose turn it is on a host that has a slot free: the oldest ready job of the tenant that has
    /// waited longest.
    pub fn next_turn(&self, host: HostId) -> Option<JobId> {
        let standings = self.turns.iter().filter(|((of, _), _)| *of == host);
        let tenant = turn::next(standings.map(|(&(_, tenant), &turn)| (tenant, turn)))?;
        let ready = self.jobs.values().filter(|job| {
            job.host == host && job.tenant == tenant && job.is_ready() && !job.is_synchronous()
        });
        ready.min_by_key(|job| job.number).map(|job| job.id)
    }

    /// The calls that may start at once.
    pub fn ready_calls(&self) -> Vec<JobId> {
        let ready = self
            .jobs
            .values()
            .filter(|job| job.is_ready() && job.is_synchronous());
        ready.map(|job| job.id).collect()
    }
}
