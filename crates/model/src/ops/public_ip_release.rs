//! Take a network interface's public address away; open flows are cut.

use super::{Next, accept_job, interface, machine::spec_as_seen};
use crate::{
    ability::Ability,
    accept::{Accepted, Request, changeable, too_late},
    facts::{Context, Refusal},
    job::{Job, JobError},
    operation::{Definition, Operation},
    resource::Resource,
    spec::{NicSpec, PublicIp, Spec},
    wish::Wish,
};
use api::{ErrorCode, NicId, ResourceId, TenantId};
use serde_json::json;

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    verb: "release",
    needs: Some(Ability::PublicIps),
    phases: &["address"],
    start,
    ..Definition::OTHER
};

/// Accepts it.
pub fn accept(
    context: &Context<'_>,
    (tenant, id): (TenantId, ResourceId),
    nic: NicId,
) -> Accepted<Job> {
    let machine = changeable(context, tenant, id, Operation::PublicIpRelease)?;
    let known = interface::known(context, &machine, nic)?;
    let request = Request {
        wish: Wish::OfNic(nic),
        ..Request::new(Operation::PublicIpRelease, &machine)
    };
    accept_job(context, request, |_| {
        known.map_or(Ok(()), |nic| public_of(&nic).map(|_| ()))
    })
}

fn start(_: &Context<'_>, job: &Job, machine: &Resource) -> Result<Next, JobError> {
    let mut spec = spec_as_seen(machine);
    let nic = interface::of_job(&spec, job)?;
    let public = public_of(&nic).map_err(|refusal| too_late(&refusal))?;
    for other in spec.nics.iter_mut().filter(|other| other.id == nic.id) {
        other.public = None;
    }
    let result = json!({ "publicIpId": public.id, "publicIp": public.address });
    Ok(Next::spec(machine, Spec::Machine(spec)).telling(result))
}

fn public_of(nic: &NicSpec) -> Result<PublicIp, Refusal> {
    nic.public.ok_or_else(|| {
        let text = "The network interface has no public address";
        Refusal::new(ErrorCode::InvalidState, text)
    })
}
