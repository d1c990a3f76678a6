//! Start a virtual machine: power on, with the next boot number. A call waits for it.

use super::{Call, Next, accept_call, machine::spec_as_seen};
use crate::{
    accept::{Accepted, Request, changeable},
    facts::Context,
    job::{Job, JobError},
    operation::{Definition, Operation},
    resource::{Resource, Status},
    spec::{MachineSpec, Power, Spec},
};
use api::{ResourceId, TenantId, machine::MachineStatus};

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    verb: "start",
    synchronous: true,
    status: Some(Status::Machine(MachineStatus::Starting)),
    must_run: true,
    phases: &["boot", "ready"],
    start,
    ..Definition::MACHINE
};

/// Accepts the call; a machine that runs is as wished.
pub fn accept(context: &Context<'_>, tenant: TenantId, id: ResourceId) -> Accepted<Call> {
    let machine = changeable(context, tenant, id, Operation::VmStart)?;
    let request = Request::new(Operation::VmStart, &machine);
    accept_call(context, request, |machine| Ok(machine.power() == Power::On))
}

fn start(_: &Context<'_>, _: &Job, machine: &Resource) -> Result<Next, JobError> {
    if machine.power() == Power::On {
        return Ok(Next::Done);
    }
    let spec = MachineSpec {
        power: Power::On,
        boot: machine.last_boot + 1,
        ..spec_as_seen(machine)
    };
    Ok(Next::spec(machine, Spec::Machine(spec)))
}
