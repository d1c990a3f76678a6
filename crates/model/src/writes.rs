//! What a rule may change: a closed list. A store implements these, facts and reads; no more.

use crate::{
    claim::{Claim, Item},
    job::Job,
    resource::Resource,
    secret::Secret,
};
use api::{JobId, ResourceId};
use serde::{Deserialize, Serialize};

/// One change. A rule returns a list; the store applies it in order, all or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Insert a resource or replace it.
    PutResource(Box<Resource>),
    /// Remove a resource that is gone.
    RemoveResource(ResourceId),
    /// Insert a job (the store numbers it) or replace it, keeping the counters of [`crate::turn`].
    PutJob(Box<Job>),
    /// Put a job at the end of a line. Its `blockers` were counted by the rule.
    Enter {
        /// The resource whose line it is.
        key: ResourceId,
        /// The job.
        job: JobId,
    },
    /// Take a job out of a line. If it was the first, the new first has one blocker less.
    Leave {
        /// The resource whose line it is.
        key: ResourceId,
        /// The job.
        job: JobId,
    },
    /// Hold this much of an item: sets the ledger row and moves the counter by the difference. A
    /// number of a pool is then the one that was given out last.
    Claim(Claim),
    /// Hold nothing of an item any more.
    Unclaim {
        /// Who held it.
        holder: ResourceId,
        /// What.
        item: Item,
    },
    /// Keep apart what a create carries.
    PutSecret(JobId, Secret),
    /// Wipe what is kept apart for a job: nothing of it may be left on disk.
    WipeSecret(JobId),
    /// Remember what was answered for an idempotency key.
    PutAnswer(AnswerKey, Answer),
}

/// The first 16 bytes of SHA-256 over tenant, method, path and key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AnswerKey(pub [u8; 16]);

/// What an idempotency key was answered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The first 16 bytes of SHA-256 over the body.
    pub request: [u8; 16],
    /// The jobs that were accepted, in order.
    pub jobs: Vec<JobId>,
    /// What was done without a job, as whoever did it wrote it down; never a secret.
    pub kept: Option<String>,
}
