//! Reset a virtual machine: a new launch with the next boot number, so that a repeat after a crash
//! is seen and not done twice. A call waits for it. There is no way back, only forward.

use super::{Call, Next, accept_call, machine::spec_as_seen};
use crate::{
    accept::{Accepted, Request, changeable, too_late},
    facts::{Context, Refusal},
    job::{Job, JobError},
    operation::{Definition, Operation},
    resource::{Resource, Status},
    spec::{MachineSpec, Power, Spec},
};
use api::{ErrorCode, ResourceId, TenantId, machine::MachineStatus};

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    verb: "reset",
    synchronous: true,
    status: Some(Status::Machine(MachineStatus::Starting)),
    must_run: true,
    phases: &["shutdown", "boot", "ready"],
    start,
    ..Definition::MACHINE
};

/// Accepts the call; a machine that is off cannot be reset.
pub fn accept(context: &Context<'_>, tenant: TenantId, id: ResourceId) -> Accepted<Call> {
    let machine = changeable(context, tenant, id, Operation::VmReset)?;
    let request = Request::new(Operation::VmReset, &machine);
    accept_call(context, request, |machine| is_on(machine).map(|()| false))
}

fn start(_: &Context<'_>, _: &Job, machine: &Resource) -> Result<Next, JobError> {
    is_on(machine).map_err(|refusal| too_late(&refusal))?;
    let spec = MachineSpec {
        boot: machine.last_boot + 1,
        ..spec_as_seen(machine)
    };
    Ok(Next::spec(machine, Spec::Machine(spec)))
}

fn is_on(machine: &Resource) -> Result<(), Refusal> {
    if machine.power() == Power::On {
        return Ok(());
    }
    let text = format!(
        "{} is off; start it instead of resetting it",
        machine.words()
    );
    Err(Refusal::new(ErrorCode::InvalidState, text))
}
