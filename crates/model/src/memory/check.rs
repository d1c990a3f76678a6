//! What must hold of a store after every transaction.

use super::Memory;
use crate::{claim::Counter, facts::Facts as _, job::Job};
use std::collections::BTreeMap;

impl Memory {
    /// What must hold after every transaction; says what does not.
    pub fn check(&self) -> Result<(), String> {
        for job in self.jobs.values() {
            self.check_lines(job)?;
            let needs_secret = job.wish.has_secret() && !job.state.is_final();
            if self.secrets.contains_key(&job.id) != needs_secret {
                return Err(format!("job {} ({:?}): its secret", job.id, job.state));
            }
        }
        if let Some(job) = self.secrets.keys().find(|job| !self.jobs.contains_key(job)) {
            return Err(format!("a secret is kept for job {job}, which is gone"));
        }
        let mut sums: BTreeMap<Counter, u64> = BTreeMap::new();
        for ((holder, item), amount) in &self.claims {
            if !self.resources.contains_key(holder) {
                return Err(format!("{item:?} is held by {holder}, which is gone"));
            }
            if let Some(counter) = item.counter() {
                *sums.entry(counter).or_default() += amount;
            }
        }
        if sums != self.used {
            return Err(format!("used {:?}, the ledger says {sums:?}", self.used));
        }
        self.check_turns()
    }

    fn check_lines(&self, job: &Job) -> Result<(), String> {
        let mut blockers = 0;
        let unfinished = !job.state.is_final();
        for &key in job.lines() {
            let tickets = self.line_of(key).filter(|&(_, of)| of == job.id).count();
            if tickets != usize::from(unfinished) {
                let (id, state) = (job.id, job.state);
                return Err(format!("job {id} ({state:?}) has {tickets} tickets"));
            }
            blockers += u32::from(unfinished && self.first(key) != Some(job.id));
        }
        if job.blockers != blockers {
            let (id, has) = (job.id, job.blockers);
            return Err(format!("job {id} has {has} blockers, not {blockers}"));
        }
        Ok(())
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
