//! What a rule may ask for, and how it says no.
//!
//! A rule is a plain function of a [`Context`]. It asks for facts lazily; each store answers from
//! where it keeps them, inside the transaction that will apply the rule's writes, and may run the
//! rule again. A store that cannot answer remembers why and throws the rule's outcome away, so
//! rules need not carry database errors.

use crate::{
    ability::DriverAbilities,
    catalogue::Catalogue,
    claim::{Claim, Counter, Item, Limits, Pool},
    job::Job,
    resource::{Kind, Resource},
    writes::{Answer, AnswerKey},
};
use api::{ErrorCode, HostId, JobId, ResourceId, TenantId, Timestamp, error::ErrorDetails};
use uuid::Uuid;

/// What a rule may know.
pub trait Facts {
    /// A job.
    fn job(&self, id: JobId) -> Option<Job>;
    /// A resource.
    fn resource(&self, id: ResourceId) -> Option<Resource>;
    /// How many stand in the line of a resource.
    fn line(&self, key: ResourceId) -> Line;
    /// The job that is first in the line of a resource.
    fn first(&self, key: ResourceId) -> Option<JobId>;
    /// Who stands in the line of a resource, the first first. There are as many as the limits allow.
    fn queue(&self, key: ResourceId) -> Vec<JobId>;
    /// The limits of a tenant.
    fn limits(&self, tenant: TenantId) -> Limits;
    /// How much is claimed in all.
    fn used(&self, counter: &Counter) -> u64;
    /// Who holds an exclusive item.
    fn holder(&self, item: &Item) -> Option<ResourceId>;
    /// So many numbers of a pool that nobody holds, at most: from these ranges, ascending, going on
    /// after the one that was given out last.
    fn free(&self, pool: Pool, ranges: &[(u32, u32)], count: usize) -> Vec<u32>;
    /// The smallest and the greatest number of a pool that somebody holds.
    fn span(&self, pool: Pool) -> Option<(u32, u32)>;
    /// Whether nothing new is to be placed on a host.
    fn is_drained(&self, host: HostId) -> bool;
    /// Whether a tenant has a team.
    fn has_team(&self, tenant: TenantId, team: i64) -> bool;
    /// What a resource has claimed.
    fn claims(&self, holder: ResourceId) -> Vec<Claim>;
    /// The answer remembered for an idempotency key.
    fn answer(&self, key: &AnswerKey) -> Option<Answer>;
}

/// How many jobs stand in a line, the first included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// All of them.
    pub length: u32,
    /// Those that a call waits for.
    pub synchronous: u32,
}

/// Everything a rule is a function of, beside its own arguments.
pub struct Context<'a> {
    /// What is so.
    pub facts: &'a dyn Facts,
    /// What time it is.
    pub now: Timestamp,
    /// Makes new ids, in ascending order.
    pub new_id: &'a dyn Fn() -> Uuid,
    /// What can be had.
    pub catalogue: &'a Catalogue,
    /// What makes specs true, and how much of that it can do.
    pub driver: DriverAbilities,
}

/// A rule's no. It has written nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The stable code, with its HTTP status.
    pub code: ErrorCode,
    /// What is wrong and what would be right.
    pub message: String,
    /// For programs.
    pub details: ErrorDetails,
}

impl Refusal {
    /// A refusal without details.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            details: ErrorDetails::default(),
        }
    }

    /// A field of the body that is not as it should be.
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        let mut refusal = Self::new(
            ErrorCode::Validation,
            format!("{field}: {}", message.into()),
        );
        refusal.details.field = Some(field.to_owned());
        refusal
    }

    /// Nothing of this id is to be seen by this tenant: whether it never was or is another's.
    pub fn not_found(kind: Kind) -> Self {
        Self::new(ErrorCode::NotFound, format!("{} not found", kind.words()))
    }

    /// The same with the job that is in the way.
    pub fn with_job(mut self, job: Option<JobId>) -> Self {
        self.details.job_id = job;
        self
    }

    /// The same with the limit that was hit.
    pub fn with_limit(mut self, limit: u32) -> Self {
        self.details.limit = Some(u64::from(limit));
        self
    }
}
