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
    claim::{self, Claim, Item},
    facts::Context,
    job::{Job, JobError, JobEvent},
    limits::MACHINE_STALL_MS,
    report::{Assignment, Origin},
    resource::{Kind, Resource},
    writes::Write,
};
use api::{JobId, ResourceId};
use std::collections::BTreeSet;

/// What a host is to be told of a resource, given the job that acts on it.
pub fn assignment(resource: &Resource, job: Option<&Job>) -> Assignment {
    let held_by_leftover = resource.leftover.as_ref().is_some_and(|left| !left.retry);
    let on_machine = resource
        .volume()
        .is_some_and(|volume| volume.machine.is_some());
    Assignment {
        resource: resource.id,
        host: resource.host,
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
    if job.wish.has_secret() {
        writes.push(Write::WipeSecret(job.id));
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
    release_claimed(context, &resource, &job, writes);
    if resource.deleting == Some(id) {
        resource.deleting = None;
        writes.extend(default_again(context, &resource));
        writes.push(Write::PutResource(Box::new(resource)));
    }
    job
}

/// Gives back what a job's acceptance took and its end does not keep.
fn release_claimed(context: &Context<'_>, resource: &Resource, job: &Job, writes: &mut Vec<Write>) {
    let wished = names_in_line(context, resource, job.id);
    let own = claim::name(resource);
    for item in &job.claimed {
        if Some(item) != own.as_ref() && !wished.contains(item) {
            writes.push(Write::Unclaim {
                holder: resource.id,
                item: item.clone(),
            });
        }
    }
}

/// A name that a job was promised is free again even if the job left something over: it is nothing
/// that a host could still use.
fn release_claimed_names(
    context: &Context<'_>,
    resource: &Resource,
    job: &Job,
    writes: &mut Vec<Write>,
) {
    let mut names = job.clone();
    names.claimed.retain(|item| matches!(item, Item::Name(..)));
    release_claimed(context, resource, &names, writes);
}

/// The names that other jobs in a network's line were promised: another network must not get them
/// in between.
fn names_in_line(context: &Context<'_>, resource: &Resource, but: JobId) -> BTreeSet<Item> {
    if resource.kind() != Kind::Network {
        return BTreeSet::new();
    }
    let others = context.facts.queue(resource.id).into_iter();
    let others = others.filter(|&job| job != but);
    let claimed = others.filter_map(|job| context.facts.job(job));
    let claimed = claimed.flat_map(|job| job.claimed);
    claimed
        .filter(|item| matches!(item, Item::Name(..)))
        .collect()
}

/// A default network whose delete came to nothing is its tenant's default one again, unless another
/// has become that meanwhile.
fn default_again(context: &Context<'_>, network: &Resource) -> Option<Write> {
    let is_default = network.network().is_some_and(|record| record.is_default);
    let item = Item::Default(network.tenant, network.data_center);
    if !is_default || context.facts.holder(&item).is_some() {
        return None;
    }
    let (holder, amount) = (network.id, 1);
    Some(Write::Claim(Claim {
        holder,
        item,
        amount,
    }))
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
