//! Whose turn it is: jobs are started fairly across tenants.
//!
//! Each host has one row for each tenant: how many of its jobs are ready, how many run, and the
//! number of its last turn. The next turn goes to the startable tenant whose last is the smallest;
//! its oldest ready job starts. Nothing is scanned: the rows are counters that move with the jobs.

use crate::{
    job::{Job, JobState},
    limits::{HOST_SLOTS, TENANT_SLOTS},
};
use api::JobId;
use serde::{Deserialize, Serialize};

/// A tenant's standing on a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Jobs that could start.
    pub ready: u32,
    /// Jobs that run.
    pub running: u32,
    /// The number of its last turn; 0 before the first.
    pub last: u64,
}

impl Turn {
    /// Whether a job of it may start, as far as its own slots go.
    pub fn is_startable(&self) -> bool {
        self.ready > 0 && self.running < TENANT_SLOTS
    }
}

/// What is ahead of a pending job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ahead {
    /// The job before it in its line.
    pub job: Option<JobId>,
    /// Jobs that run on its host.
    pub running_on_host: u32,
    /// Jobs of its tenant that run there.
    pub running_of_tenant: u32,
}

impl Ahead {
    /// What a pending job waits for, in words; `None` where its turn is about to come.
    pub fn reason(&self, job: &Job) -> Option<String> {
        let full = self.running_on_host >= HOST_SLOTS || self.running_of_tenant >= TENANT_SLOTS;
        match self.job {
            _ if job.state != JobState::Pending => None,
            Some(ahead) => Some(format!("Waits for job {ahead}")),
            None if full && !job.is_synchronous() => Some("Waits for a free slot".to_owned()),
            None => None,
        }
    }
}

/// What the change of a job does to its tenant's standing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Added to `ready`.
    pub ready: i32,
    /// Added to `running`.
    pub running: i32,
    /// Whether it took a turn, so that `last` becomes the next number.
    pub took_turn: bool,
}

/// The change between two versions of a job. Synchronous calls neither take nor wait for a slot.
pub fn change(before: Option<&Job>, after: &Job) -> Change {
    if after.is_synchronous() {
        return Change::default();
    }
    let was_ready = before.is_some_and(Job::is_ready);
    let was_running = before.is_some_and(|job| job.state.is_running());
    let is_running = after.state.is_running();
    Change {
        ready: i32::from(after.is_ready()) - i32::from(was_ready),
        running: i32::from(is_running) - i32::from(was_running),
        // A job that is refused has had its turn too: a flood of refusals delays nobody.
        took_turn: was_ready && (is_running || after.state.is_final()),
    }
}

/// Whose turn it is among the standings of one host: the startable one whose last turn is longest ago.
pub fn next<K: Copy + Ord>(standings: impl Iterator<Item = (K, Turn)>) -> Option<K> {
    standings
        .filter(|(_, turn)| turn.is_startable())
        .min_by_key(|&(tenant, turn)| (turn.last, tenant))
        .map(|(tenant, _)| tenant)
}
