//! A job's course once it is accepted, the same for every operation: start, report, retreat, end.
//!
//! Each function here is one transaction of the engine: facts in, writes out. Two replicas that try
//! the same step both run the rule; the second finds it done and writes nothing.

mod cancelled;
mod leftover;
mod report;
mod retreat;
mod settle;
mod start;
mod withdraw;

pub(crate) use cancelled::{CancelledBy, wish_cancelled};
pub use leftover::{give_up, retry_leftover, settle_leftover};
pub use report::{Heard, report};
pub use retreat::cancel;
pub(crate) use start::with_power_as_seen;
pub use start::{fail, start};
pub use withdraw::{Withdrawal, withdraw};

use crate::{
    claim::held,
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
    let held_by_leftover = resource.leftover.as_ref().is_some_and(|left| !left.retry);
    let on_machine = resource
        .volume()
        .is_some_and(|volume| volume.machine.is_some());
    Assignment {
        resource: resource.id,
        generation: resource.generation,
        spec: resource.spec.clone(),
        stall_ms: job.map_or(MACHINE_STALL_MS, |job| job.operation.definition().stall_ms),
        hold: job.is_none() && (held_by_leftover || on_machine),
        origin: job.map(|job| Origin {
            tenant: job.tenant,
            operation: job.operation,
        }),
    }
}

/// Ends a job: its last state, and its places in line given up.
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
    writes.push(Write::PutJob(Box::new(job.clone())));
    for &key in job.lines() {
        writes.push(Write::Leave { key, job: job.id });
    }
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
        return job;
    }
    // A name may be its own already, or wished for by another job too.
    let mut keep = settle::claimed_in_line(context, &resource, Some(id));
    keep.extend(held(&resource, &resource.shown).into_keys());
    for item in job.claimed.iter().filter(|item| !keep.contains(item)) {
        writes.push(Write::Unclaim {
            holder: resource.id,
            item: item.clone(),
        });
    }
    if resource.deleting == Some(id) {
        resource.deleting = None;
        writes.push(Write::PutResource(Box::new(resource)));
    }
    job
}

/// Removes a resource with everything that it holds.
fn remove(context: &Context<'_>, id: ResourceId, writes: &mut Vec<Write>) {
    for claim in context.facts.claims(id) {
        writes.push(Write::Unclaim {
            holder: id,
            item: claim.item,
        });
    }
    writes.push(Write::RemoveResource(id));
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
