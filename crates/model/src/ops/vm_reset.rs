//! Reset a virtual machine: a new launch with the next boot number, so that a repeat after a crash
//! is seen and not done twice. A call waits for it. There is no way back, only forward.

use super::{Call, Next, accept_call, machine_spec};
use crate::{
    accept::Accepted,
    facts::{Context, Refusal},
    job::{Job, JobError},
    operation::{Definition, Operation},
    resource::Resource,
    spec::{MachineSpec, Power, Spec},
};
use api::{ErrorCode, JobErrorCode, ResourceId, TenantId, machine::MachineStatus};

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    name: "vm.reset",
    verb: "reset",
    synchronous: true,
    status: MachineStatus::Starting,
    must_run: true,
    phases: &["shutdown", "boot", "ready"],
    start,
    ..Definition::MACHINE
};

/// Accepts the call; a machine that is off cannot be reset.
pub fn accept(context: &Context<'_>, tenant: TenantId, id: ResourceId) -> Accepted<Call> {
    accept_call(
        context,
        tenant,
        id,
        Operation::VmReset,
        |resource| match resource.power() {
            Power::On => Ok(false),
            Power::Off => Err(Refusal::new(ErrorCode::InvalidState, is_off(resource))),
        },
    )
}

fn start(_: &Context<'_>, _: &Job, resource: &Resource) -> Result<Next, JobError> {
    if resource.power() == Power::Off {
        return Err(JobError::new(JobErrorCode::InvalidState, is_off(resource)));
    }
    let spec = MachineSpec {
        boot: resource.last_boot + 1,
        ..machine_spec(resource)
    };
    Ok(Next::Spec {
        spec: Spec::Machine(spec),
        claims: Vec::new(),
    })
}

fn is_off(resource: &Resource) -> String {
    format!(
        "Virtual machine {} is off; start it instead of resetting it",
        resource.record.name
    )
}
