//! One file for each operation: what it is accepted for, and what its resource should be next.
//!
//! The rest of a job's life is the same for all of them and lives in [`crate::course`]; the way
//! back is [`crate::back`]. What operations share stands in [`machine`], [`interface`], [`disk`] and
//! [`subnet`].

pub mod disk;
pub mod gpu_create;
pub mod gpu_delete;
pub mod interface;
pub mod job_cancel;
pub mod machine;
pub mod network_create;
pub mod network_delete;
pub mod network_update;
pub mod nic_add;
pub mod nic_remove;
pub mod nic_set_primary;
pub mod public_ip_allocate;
pub mod public_ip_release;
pub mod subnet;
pub mod vm_create;
pub mod vm_delete;
pub mod vm_rename;
pub mod vm_reset;
pub mod vm_resize;
pub mod vm_start;
pub mod vm_stop;
pub mod volume_attach;
pub mod volume_create;
pub mod volume_delete;
pub mod volume_detach;
pub mod volume_resize;

use crate::{
    accept::{self, Accepted, Request},
    course::{self, CancelledBy},
    facts::{Context, Refusal},
    job::{Job, JobState},
    operation::Operation,
    resource::Resource,
    spec::Spec,
    writes::Write,
};
use api::{ResourceId, TenantId};
use std::collections::BTreeSet;

/// What an operation decides when its turn has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// A host is to make a spec true; what it needs is claimed first.
    Spec(Box<Change>),
    /// The record changes, and nothing else: it is done.
    Record(Box<Resource>),
    /// There is nothing to do: it is as wished.
    Done,
}

/// The change of a resource's spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The resource whose spec it is; for a volume on a machine, the machine.
    pub on: Resource,
    /// The spec after.
    pub spec: Spec,
    /// What there is no room for, in words, if there is none.
    pub asked: String,
    /// Another resource that claims too, with its spec after: a volume that grows on a machine.
    pub also: Option<(Resource, Spec)>,
    /// What the job has to tell once it has completed.
    pub result: Option<serde_json::Value>,
}

impl Next {
    /// The change of a resource's spec, with nothing else to it.
    pub fn spec(on: &Resource, spec: Spec) -> Self {
        Self::Spec(Box::new(Change {
            on: on.clone(),
            spec,
            asked: String::new(),
            also: None,
            result: None,
        }))
    }

    /// The same, saying what there is no room for.
    pub fn asking(self, asked: impl Into<String>) -> Self {
        self.with(|change| change.asked = asked.into())
    }

    /// The same, with something to tell.
    pub fn telling(self, result: serde_json::Value) -> Self {
        self.with(|change| change.result = Some(result))
    }

    /// The same, with another resource that claims too.
    pub fn with_claims_of(self, other: Resource, spec: Spec) -> Self {
        self.with(|change| change.also = Some((other, spec)))
    }

    fn with(mut self, set: impl FnOnce(&mut Change)) -> Self {
        if let Self::Spec(change) = &mut self {
            set(change);
        }
        self
    }
}

/// What a synchronous call was accepted as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// It is as wished; nothing was written.
    AsWished,
    /// A job in line; the call waits for it.
    Job(Box<Job>),
}

/// Accepts a call. A conflict with the state is answered at once when nothing waits before it;
/// otherwise it is judged when its turn comes. `judge` says whether all is as wished already.
pub fn accept_call(
    context: &Context<'_>,
    request: Request<'_>,
    judge: impl FnOnce(&Resource) -> Result<bool, Refusal>,
) -> Accepted<Call> {
    accept::without_leftover(request.resource)?;
    if request.is_alone(context) && judge(request.resource)? {
        return Ok((Vec::new(), Call::AsWished));
    }
    let mut writes = Vec::new();
    let job = request.enqueue(context, &mut writes)?;
    Ok((writes, Call::Job(Box::new(job))))
}

/// Accepts a job, with the conflicts that can be seen at once.
pub fn accept_job(
    context: &Context<'_>,
    request: Request<'_>,
    judge: impl FnOnce(&Resource) -> Result<(), Refusal>,
) -> Accepted<Job> {
    for &key in &request.lines {
        let resource = context.facts.resource(key);
        resource.map_or(Ok(()), |resource| accept::without_leftover(&resource))?;
    }
    if request.is_alone(context) {
        judge(request.resource)?;
    }
    let mut writes = Vec::new();
    let job = request.enqueue(context, &mut writes)?;
    Ok((writes, job))
}

/// Accepts a delete; one that is under way already is answered once more.
///
/// An unfinished create of the resource is cancelled if nothing stands between the two in line;
/// else what was acknowledged in between would find nothing.
pub fn accept_delete(
    context: &Context<'_>,
    operation: Operation,
    (tenant, id): (TenantId, ResourceId),
    lines: impl FnOnce(&Context<'_>, &Resource) -> BTreeSet<ResourceId>,
    judge: impl FnOnce(&Resource) -> Result<(), Refusal>,
) -> Accepted<Job> {
    let mut resource = accept::find(context, tenant, id, operation.definition().kind)?;
    accept::supported(context, operation)?;
    let delete = resource
        .deleting
        .and_then(|delete| context.facts.job(delete));
    if let Some(job) = delete {
        return Ok((Vec::new(), job));
    }
    let mut writes = Vec::new();
    let request = Request {
        lines: lines(context, &resource),
        ..Request::new(operation, &resource)
    };
    let of_create = |id| resource.creating == Some(id);
    let waits = context.facts.queue(id);
    let create = waits
        .first()
        .copied()
        .filter(|&first| of_create(first) && waits.len() == 1);
    // What is under way decides: judged when its turn comes.
    if waits.is_empty() || create.is_some() {
        judge(&resource)?;
    }
    let job = request.enqueue(context, &mut writes)?;
    match create.and_then(|create| context.facts.job(create)) {
        Some(create) if create.state == JobState::Pending => {
            let error = CancelledBy::Delete.error();
            course::refuse(context, create, Some(resource), error, &mut writes);
            return Ok((writes, job));
        }
        Some(mut create) => {
            course::wish_cancelled(&mut create, CancelledBy::Delete);
            writes.push(Write::PutJob(Box::new(create)));
        }
        None => {}
    }
    resource.deleting = Some(job.id);
    writes.push(Write::PutResource(Box::new(resource)));
    Ok((writes, job))
}

/// Only itself stands in line.
fn own_line(_: &Context<'_>, resource: &Resource) -> BTreeSet<ResourceId> {
    BTreeSet::from([resource.id])
}
