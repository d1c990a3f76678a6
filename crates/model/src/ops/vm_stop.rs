//! Stop a virtual machine: power off. A call waits for it. There is no way back, only forward.

use super::{Call, Next, accept_call, machine_spec};
use crate::{
    accept::Accepted,
    facts::Context,
    job::{Job, JobError},
    operation::{Definition, Operation},
    resource::Resource,
    spec::{MachineSpec, Power, Spec},
};
use api::{ResourceId, TenantId, machine::MachineStatus};

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    name: "vm.stop",
    verb: "stop",
    synchronous: true,
    status: MachineStatus::Stopping,
    phases: &["shutdown"],
    start,
    ..Definition::MACHINE
};

/// Accepts the call; a machine that is off is as wished.
pub fn accept(context: &Context<'_>, tenant: TenantId, id: ResourceId) -> Accepted<Call> {
    accept_call(context, tenant, id, Operation::VmStop, |resource| {
        Ok(resource.power() == Power::Off)
    })
}

fn start(_: &Context<'_>, _: &Job, resource: &Resource) -> Result<Next, JobError> {
    if resource.power() == Power::Off {
        return Ok(Next::Done);
    }
    let spec = MachineSpec {
        power: Power::Off,
        ..machine_spec(resource)
    };
    Ok(Next::Spec {
        spec: Spec::Machine(spec),
        claims: Vec::new(),
    })
}
