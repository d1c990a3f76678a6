//! A job's course once it is accepted, the same for every operation: start, report, retreat, end.
//!
//! Each function here is one transaction of the engine: facts in, writes out. Two replicas that try
//! the same step both run the rule; the second finds it done and writes nothing.

mod cancelled;
mod report;
mod retreat;
mod start;
mod withdraw;

pub(crate) use cancelled::{CancelledBy, wish_cancelled};
pub use report::report;
pub use retreat::{cancel, give_up};
pub use start::{fail, start};
pub use withdraw::{Withdrawal, withdraw};

use crate::{
    claim::Item,
    facts::Context,
    job::{Job, JobError, JobEvent},
    limits::MACHINE_STALL_MS,
    report::{Assignment, Origin},
    resource::Resource,
    writes::Write,
};
use api::ResourceId;

/// What a host is to be told of a resource, given the job that acts on it.
pub fn assignment(resource: &Resource, job: Option<&Job>) -> Assignment {
    Assignment {
        resource: resource.id,
        generation: resource.generation,
        spec: resource.spec.clone(),
        stall_ms: job.map_or(MACHINE_STALL_MS, |job| job.operation.definition().stall_ms),
        hold: job.is_none() && resource.leftover.is_some(),
        origin: job.map(|job| Origin {
            tenant: job.tenant,
            operation: job.operation,
        }),
    }
}

/// Ends a job: its last state, and its place in line given up.
fn end(context: &Context<'_>, mut job: Job, event: JobEvent, writes: &mut Vec<Write>) -> Job {
    job.apply(event, context.now);
    job.cancel = false;
    // A phase whose host could not tell its end any more ended with the job at the latest.
    for phase in &mut job.phases {
        phase.ended_at = phase.ended_at.or(job.completed_at);
    }
    job.blockers = 0;
    if event == JobEvent::Complete {
        job.error = None;
    }
    let (key, id) = (job.resource, job.id);
    writes.push(Write::PutJob(Box::new(job.clone())));
    writes.push(Write::Leave { key, job: id });
    job
}

/// Ends a job that never started. A create leaves nothing: its resource goes with it.
pub(crate) fn refuse(
    context: &Context<'_>,
    mut job: Job,
    resource: Option<Resource>,
    error: JobError,
    writes: &mut Vec<Write>,
) -> Job {
    let id = job.id;
    job.error = Some(error);
    let job = end(context, job, JobEvent::Fail, writes);
    let Some(mut resource) = resource else {
        return job;
    };
    if resource.creating == Some(id) {
        remove(context, resource.id, writes);
    } else if resource.deleting == Some(id) {
        resource.deleting = None;
        writes.push(Write::PutResource(Box::new(resource)));
    }
    job
}

/// Removes a resource with everything that it holds.
fn remove(context: &Context<'_>, id: ResourceId, writes: &mut Vec<Write>) {
    release(context, id, |_| true, writes);
    writes.push(Write::RemoveResource(id));
}

/// Gives back what a resource holds of some items.
fn release(
    context: &Context<'_>,
    holder: ResourceId,
    which: fn(Item) -> bool,
    writes: &mut Vec<Write>,
) {
    for claim in context.facts.claims(holder) {
        if which(claim.item) {
            writes.push(Write::Unclaim {
                holder,
                item: claim.item,
            });
        }
    }
}

/// What a leftover still counts for in its tenant's quota: what its newest spec needs.
fn release_quota_of_leftover(context: &Context<'_>, resource: &Resource, writes: &mut Vec<Write>) {
    if resource.spec.is_absent() {
        release(
            context,
            resource.id,
            |item| matches!(item, Item::Quota(..)),
            writes,
        );
    }
}

/// A resource is no longer acted on by a job that has ended.
fn detach(resource: &mut Resource, job: &Job) {
    for place in [
        &mut resource.creating,
        &mut resource.deleting,
        &mut resource.acting,
    ] {
        if *place == Some(job.id) {
            *place = None;
        }
    }
}
