//! Stop a virtual machine: power off. A call waits for it. There is no way back, only forward.

use super::{Call, Next, accept_call, machine::spec_as_seen};
use crate::{
    accept::{Accepted, Request, changeable},
    facts::Context,
    job::{Job, JobError},
    observed::Ended,
    operation::{Definition, Operation},
    resource::{Resource, Status},
    spec::{MachineSpec, Power, Spec},
};
use api::{ResourceId, TenantId, machine::MachineStatus};

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    verb: "stop",
    synchronous: true,
    status: Some(Status::Machine(MachineStatus::Stopping)),
    phases: &["shutdown"],
    start,
    ..Definition::MACHINE
};

/// Accepts the call; a machine that is off is as wished.
pub fn accept(context: &Context<'_>, tenant: TenantId, id: ResourceId) -> Accepted<Call> {
    let machine = changeable(context, tenant, id, Operation::VmStop)?;
    let request = Request::new(Operation::VmStop, &machine);
    accept_call(context, request, |machine| Ok(is_off(machine)))
}

/// One that died is off against its spec, and shown in error: a stop makes that right.
fn is_off(machine: &Resource) -> bool {
    machine.power() == Power::Off && !matches!(machine.ended(), Some(Ended::Died { .. }))
}

fn start(_: &Context<'_>, _: &Job, machine: &Resource) -> Result<Next, JobError> {
    if is_off(machine) {
        return Ok(Next::Done);
    }
    let spec = MachineSpec {
        power: Power::Off,
        ..spec_as_seen(machine)
    };
    Ok(Next::spec(machine, Spec::Machine(spec)))
}
