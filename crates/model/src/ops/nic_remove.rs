//! Remove a network interface, but not the primary one. The host's side is cut first, so there is
//! no way back, only forward.

use super::{Next, accept_job, interface, machine::spec_as_seen};
use crate::{
    ability::Ability,
    accept::{Accepted, Request, changeable, too_late},
    facts::{Context, Refusal},
    job::{Job, JobError},
    operation::{Definition, Operation},
    resource::Resource,
    spec::Spec,
    wish::Wish,
};
use api::{ErrorCode, NicId, ResourceId, TenantId};
use serde_json::json;

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    verb: "remove",
    needs: Some(Ability::Networks),
    phases: &["network"],
    start,
    ..Definition::OTHER
};

/// Accepts it.
pub fn accept(
    context: &Context<'_>,
    (tenant, id): (TenantId, ResourceId),
    nic: NicId,
) -> Accepted<Job> {
    let machine = changeable(context, tenant, id, Operation::NicRemove)?;
    interface::known(context, &machine, nic)?;
    let request = Request {
        wish: Wish::OfNic(nic),
        ..Request::new(Operation::NicRemove, &machine)
    };
    accept_job(context, request, |machine| not_primary(machine, nic))
}

fn start(_: &Context<'_>, job: &Job, machine: &Resource) -> Result<Next, JobError> {
    let mut spec = spec_as_seen(machine);
    let nic = interface::of_job(&spec, job)?;
    not_primary(machine, nic.id).map_err(|refusal| too_late(&refusal))?;
    spec.nics.retain(|other| other.id != nic.id);
    let result = json!({ "networkInterfaceId": nic.id });
    Ok(Next::spec(machine, Spec::Machine(spec)).telling(result))
}

fn not_primary(machine: &Resource, nic: NicId) -> Result<(), Refusal> {
    if machine.primary() != Some(nic) {
        return Ok(());
    }
    let text = "The primary network interface cannot be removed; make another one primary first";
    Err(Refusal::new(ErrorCode::InvalidState, text))
}
