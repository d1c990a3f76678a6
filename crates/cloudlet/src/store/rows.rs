//! What the store tells and is told, beside the model's own types.

use crate::clock::Busy;
use api::{JobId, KeyId, ResourceId, TenantId, Timestamp, admin::Scope};
use model::{Assignment, Job, JobState, Operation, claim::Limits};

/// Why the store could not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot write or read now. Nothing of the transaction is there, unless the disk itself
    /// failed while it was committed: then only a restart can tell.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// A rule panicked; its transaction was not applied. The cause is in the log.
    #[error("a rule panicked: {0}")]
    Panicked(String),
}

/// In which order waiting transactions run: the engine's before acceptances, so that a flood
/// starves no report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Start, report, retreat, finish.
    Engine,
    /// Requests.
    Request,
    /// What nobody waits for: after all the others, one to a commit.
    Upkeep,
}

/// What a commit changed, as far as anybody waits for it.
#[derive(Clone)]
pub struct Committed {
    /// The jobs as they are now.
    pub jobs: Vec<Job>,
    /// Whether it left something that goes when it is old: a job that has ended, an answer without
    /// a job.
    pub expires: bool,
    /// A manual clock stands until every listener has let this go: what follows from a commit
    /// happens at the commit's time.
    #[allow(dead_code, reason = "held, not read")]
    pub(super) busy: Option<Busy>,
}

/// Which jobs a list shows; never those of synchronous calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFilter {
    /// In these states.
    pub states: Vec<JobState>,
    /// Of these operations.
    pub operations: Vec<Operation>,
    /// Of this resource.
    pub resource: Option<ResourceId>,
    /// Accepted later than this.
    pub created_after: Option<Timestamp>,
}

impl Default for JobFilter {
    /// All of them.
    fn default() -> Self {
        Self {
            states: JobState::ALL.to_vec(),
            operations: Operation::ALL.to_vec(),
            resource: None,
            created_after: None,
        }
    }
}

/// What is left after a batch of old jobs and answers was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expired {
    /// Perhaps more that are to go now.
    More,
    /// None that is to go now, but some that will once they are old enough.
    Later,
    /// No job that has ended, no answer without a job.
    Nothing,
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

/// What is kept of a secret that was just made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// Its first characters.
    pub start: String,
    /// SHA-256 of the whole key text.
    pub digest: [u8; 32],
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes {
    /// Requests that change nothing.
    pub read: bool,
    /// Requests that change something.
    pub write: bool,
}

impl Scopes {
    /// Everything.
    pub const ALL: Self = Self {
        read: true,
        write: true,
    };

    /// Whether it may do this.
    pub fn has(self, scope: Scope) -> bool {
        match scope {
            Scope::Read => self.read,
            Scope::Write => self.write,
        }
    }
}

/// What a key is meant to be, whatever its secret.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyWish {
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Days that a secret of it is good for; for ever where there is none.
    pub days: Option<u16>,
    /// Requests in a window; the default where there is none.
    pub rate_limit: Option<u32>,
}

impl KeyWish {
    /// One that may do everything for ever.
    pub fn wide(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            scopes: Scopes::ALL,
            days: None,
            rate_limit: None,
        }
    }
}

/// A key as stored: its secret is not, only its SHA-256.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyRow {
    /// Its public id.
    pub id: KeyId,
    /// Whose it is.
    pub owner: Owner,
    /// What it is meant to be.
    pub wish: KeyWish,
    /// Its first characters.
    pub start: String,
    /// SHA-256 of the whole key text.
    pub digest: [u8; 32],
    /// Whether it is refused for now.
    pub suspended: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub used_at: Option<Timestamp>,
}

/// A change of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// Whether it is refused for now.
    Suspended(bool),
    /// A new secret, which lasts as long as a new key's.
    Secret(NewKey),
}

/// A key that somebody has shown, as far as its request is concerned.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownKey {
    /// The key.
    pub row: KeyRow,
    /// Whether its tenant's keys are refused for now.
    pub tenant_suspended: bool,
}

impl KnownKey {
    /// Whether it opens anything at all at this time.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        let has_expired = self.row.expires_at.is_some_and(|end| now >= end);
        !self.row.suspended && !has_expired
    }
}

/// A turn that was taken: this job was started (or refused), and its host is to be told this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turned {
    /// The job.
    pub job: JobId,
    /// What its host is to be told, if anything.
    pub assignment: Option<Assignment>,
}

/// An SSH key that is to be kept: its public half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSshKey {
    /// What it is for.
    pub name: String,
    /// Its algorithm's code.
    pub algorithm: String,
    /// The line that goes into `authorized_keys`.
    pub public_key: String,
    /// `SHA256:…`.
    pub fingerprint: String,
}
