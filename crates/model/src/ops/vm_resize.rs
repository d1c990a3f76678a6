//! Resize a virtual machine: another size of the catalogue. A running machine is started anew; the
//! disk grows where the size has a larger one, and never shrinks.

use super::{
    Next, accept_job,
    machine::{size, spec_as_seen, words},
    vm_create::fits,
};
use crate::{
    ability::Ability,
    accept::{Accepted, Request, changeable, too_late},
    facts::{Context, Refusal},
    job::{Job, JobError},
    operation::{Definition, Operation},
    resource::{Record, Resource, Status},
    spec::{MachineSpec, Spec},
    wish::Wish,
};
use api::{
    JobErrorCode, ResourceId, TenantId,
    machine::{MachineResize, MachineStatus},
};

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    verb: "resize",
    status: Some(Status::Machine(MachineStatus::Resizing)),
    needs: Some(Ability::Resize),
    phases: &["shutdown", "resize", "boot", "ready"],
    start,
    completed,
    ..Definition::MACHINE
};

/// Accepts it; the size that the machine has already is refused where nothing waits before.
pub fn accept(
    context: &Context<'_>,
    (tenant, id): (TenantId, ResourceId),
    body: &MachineResize,
) -> Accepted<Job> {
    let size = size(context, body.configuration_id)?;
    let machine = changeable(context, tenant, id, Operation::VmResize)?;
    let request = Request {
        wish: Wish::Size(size.id),
        ..Request::new(Operation::VmResize, &machine)
    };
    accept_job(context, request, |machine| other_size(machine, size.id))
}

fn other_size(machine: &Resource, size: i64) -> Result<(), Refusal> {
    if machine.machine().is_none_or(|record| record.size != size) {
        return Ok(());
    }
    let text = format!("{} has this size already; name another", machine.words());
    Err(Refusal::field("configurationId", text))
}

fn start(context: &Context<'_>, job: &Job, machine: &Resource) -> Result<Next, JobError> {
    let Wish::Size(id) = job.wish else {
        return Ok(Next::Done);
    };
    other_size(machine, id).map_err(|refusal| too_late(&refusal))?;
    let size = context.catalogue.size(id).ok_or_else(|| {
        let text = format!("There is no configuration {id} in the catalogue any more.");
        JobError::new(JobErrorCode::InvalidConfiguration, text)
    })?;
    let before = spec_as_seen(machine);
    if let Some(image) = context.catalogue.image(before.image) {
        fits(image, size)?;
    }
    let boot = if before.is_on() {
        machine.last_boot + 1
    } else {
        before.boot
    };
    let spec = MachineSpec {
        cpus: size.cpu,
        memory_gb: size.memory_gb,
        disk_gb: size.disk_gb.max(before.disk_gb),
        boot,
        ..before
    };
    Ok(Next::spec(machine, Spec::Machine(spec)).asking(words(size)))
}

fn completed(job: &Job, machine: &mut Resource) {
    if let (Wish::Size(size), Record::Machine(record)) = (&job.wish, &mut machine.record) {
        record.size = *size;
    }
}
