//! Start a virtual machine: power on, with the next boot number. A call waits for it.

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
    name: "vm.start",
    verb: "start",
    synchronous: true,
    status: MachineStatus::Starting,
    must_run: true,
    phases: &["boot", "ready"],
    start,
    ..Definition::MACHINE
};

/// Accepts the call; a machine that runs is as wished.
pub fn accept(context: &Context<'_>, tenant: TenantId, id: ResourceId) -> Accepted<Call> {
    accept_call(context, tenant, id, Operation::VmStart, |resource| {
        Ok(resource.power() == Power::On)
    })
}

fn start(_: &Context<'_>, _: &Job, resource: &Resource) -> Result<Next, JobError> {
    if resource.power() == Power::On {
        return Ok(Next::Done);
    }
    let machine = machine_spec(resource);
    let spec = MachineSpec {
        power: Power::On,
        boot: resource.last_boot + 1,
        ..machine
    };
    Ok(Next::Spec {
        spec: Spec::Machine(spec),
        claims: Vec::new(),
    })
}
