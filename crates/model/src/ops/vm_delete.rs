//! Delete a virtual machine: whatever it is → nothing. There is no way back, only forward.

use super::{Next, accept_delete};
use crate::{
    accept::Accepted,
    facts::Context,
    job::{Job, JobError},
    lines,
    operation::{Definition, Operation},
    resource::{Resource, Status},
    spec::Spec,
};
use api::{ResourceId, TenantId, machine::MachineStatus};

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    verb: "delete",
    status: Some(Status::Machine(MachineStatus::Deleting)),
    removes: true,
    phases: &["shutdown", "network", "disk"],
    start,
    ..Definition::MACHINE
};

/// Accepts a delete, in the lines of its volumes too: they are taken off and stay.
pub fn accept(context: &Context<'_>, tenant: TenantId, id: ResourceId) -> Accepted<Job> {
    let operation = Operation::VmDelete;
    accept_delete(context, operation, (tenant, id), lines::of_machine, |_| {
        Ok(())
    })
}

/// Its turn has come. A leftover is taken over.
pub(super) fn start(_: &Context<'_>, _: &Job, machine: &Resource) -> Result<Next, JobError> {
    Ok(Next::spec(machine, Spec::Absent))
}
