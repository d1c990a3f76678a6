//! Delete a virtual machine: whatever it is → nothing. There is no way back, only forward.

use super::Next;
use crate::{
    accept::{self, Accepted},
    course::{self, CancelledBy},
    facts::Context,
    job::{Job, JobError, JobState},
    operation::{Definition, Operation},
    resource::Resource,
    spec::Spec,
    writes::Write,
};
use api::{ResourceId, TenantId, machine::MachineStatus};

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    name: "vm.delete",
    verb: "delete",
    status: MachineStatus::Deleting,
    removes: true,
    phases: &["shutdown", "disk"],
    start,
    ..Definition::MACHINE
};

/// Accepts a delete; one that is under way already is answered once more.
///
/// An unfinished create of the machine is cancelled if nothing stands between the two in line;
/// else what was acknowledged in between would find nothing.
pub fn accept(context: &Context<'_>, tenant: TenantId, id: ResourceId) -> Accepted<Job> {
    let mut resource = accept::machine(context, tenant, id)?;
    if let Some(job) = resource
        .deleting
        .and_then(|delete| context.facts.job(delete))
    {
        return Ok((Vec::new(), job));
    }
    let mut writes = Vec::new();
    let job = accept::enqueue(context, Operation::VmDelete, &resource, &mut writes)?;
    let alone = context.facts.line(id).length == 1;
    let create = resource
        .creating
        .filter(|_| alone)
        .and_then(|create| context.facts.job(create));
    match create {
        Some(create) if create.state == JobState::Pending => {
            let error = CancelledBy::Delete.error();
            course::refuse(context, create, Some(resource), error, &mut writes);
        }
        Some(mut create) => {
            course::wish_cancelled(&mut create, CancelledBy::Delete);
            writes.push(Write::PutJob(Box::new(create)));
            resource.deleting = Some(job.id);
            writes.push(Write::PutResource(Box::new(resource)));
        }
        None => {
            resource.deleting = Some(job.id);
            writes.push(Write::PutResource(Box::new(resource)));
        }
    }
    Ok((writes, job))
}

/// Its turn has come. A leftover is taken over.
fn start(_: &Context<'_>, _: &Job, _: &Resource) -> Result<Next, JobError> {
    Ok(Next::Spec {
        spec: Spec::Absent,
        claims: Vec::new(),
    })
}
