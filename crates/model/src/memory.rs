//! The store as plain maps: the reference that other stores are compared with, and what the
//! simulation runs on. It has no logic of its own beyond the ledger, the lines and the turns.

use crate::{
    catalogue::Catalogue,
    claim::{Claim, Item, Limits},
    facts::{Context, Facts, Line},
    job::Job,
    resource::Resource,
    turn::{self, Turn},
    writes::{Answer, AnswerKey, Write},
};
use api::{HostId, JobId, ResourceId, TenantId, Timestamp};
use std::collections::BTreeMap;
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
    /// How much of each item is held in all.
    pub used: BTreeMap<Item, u64>,
    /// Remembered answers.
    pub answers: BTreeMap<AnswerKey, Answer>,
    /// Standings.
    pub turns: BTreeMap<(HostId, TenantId), Turn>,
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

    fn limits(&self, tenant: TenantId) -> Limits {
        self.limits.get(&tenant).copied().unwrap_or_default()
    }

    fn used(&self, item: Item) -> u64 {
        self.used.get(&item).copied().unwrap_or(0)
    }

    fn claims(&self, holder: ResourceId) -> Vec<Claim> {
        let range = self.claims.iter().filter(|((of, _), _)| *of == holder);
        range
            .map(|(&(holder, item), &amount)| Claim {
                holder,
                item,
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
        catalogue: &Catalogue,
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
            }) => self.hold(*holder, *item, *amount),
            Write::Unclaim { holder, item } => self.hold(*holder, *item, 0),
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
    /// answer that none of its jobs is left of. Says how many.
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

    fn hold(&mut self, holder: ResourceId, item: Item, amount: u64) {
        let held = self.claims.remove(&(holder, item)).unwrap_or(0);
        if amount > 0 {
            self.claims.insert((holder, item), amount);
        }
        let used = self.used.entry(item).or_default();
        *used = *used - held + amount;
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

    /// What must hold after every transaction; says what does not.
    pub fn check(&self) -> Result<(), String> {
        for job in self.jobs.values() {
            let tickets = self
                .line_of(job.resource)
                .filter(|&(_, of)| of == job.id)
                .count();
            if tickets != usize::from(!job.state.is_final()) {
                return Err(format!(
                    "job {} ({:?}) has {tickets} tickets",
                    job.id, job.state
                ));
            }
            let blockers =
                u32::from(!job.state.is_final() && self.first(job.resource) != Some(job.id));
            if job.blockers != blockers {
                return Err(format!(
                    "job {} has {} blockers, not {blockers}",
                    job.id, job.blockers
                ));
            }
        }
        for (&item, &used) in &self.used {
            let sum: u64 = self
                .claims
                .iter()
                .filter(|((_, of), _)| *of == item)
                .map(|(_, amount)| amount)
                .sum();
            if sum != used {
                return Err(format!("{item:?}: used {used}, the ledger says {sum}"));
            }
        }
        for &(holder, item) in self.claims.keys() {
            if !self.resources.contains_key(&holder) {
                return Err(format!("{item:?} is held by {holder}, which is gone"));
            }
        }
        self.check_turns()
    }

    fn check_turns(&self) -> Result<(), String> {
        for (&(host, tenant), turn) in &self.turns {
            let of = |job: &&Job| job.host == host && job.tenant == tenant && !job.is_synchronous();
            let jobs = || self.jobs.values().filter(of);
            let ready = jobs().filter(|job| job.is_ready()).count();
            let running = jobs().filter(|job| job.state.is_running()).count();
            if (turn.ready as usize, turn.running as usize) != (ready, running) {
                return Err(format!(
                    "standing {turn:?}: really {ready} ready, {running} running"
                ));
            }
        }
        Ok(())
    }
}
