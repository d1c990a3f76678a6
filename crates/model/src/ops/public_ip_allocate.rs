//! Give a network interface a public address of its data centre.

use super::{Next, accept_job, interface, machine::spec_as_seen};
use crate::{
    ability::Ability,
    accept::{Accepted, Request, changeable, too_late},
    facts::{Context, Refusal},
    job::{Job, JobError},
    operation::{Definition, Operation},
    resource::Resource,
    spec::{NicSpec, Spec},
    wish::Wish,
};
use api::{ErrorCode, NicId, ResourceId, TenantId};
use serde_json::json;

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    verb: "allocate",
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
    let machine = changeable(context, tenant, id, Operation::PublicIpAllocate)?;
    let known = interface::known(context, &machine, nic)?;
    let request = Request {
        wish: Wish::OfNic(nic),
        ..Request::new(Operation::PublicIpAllocate, &machine)
    };
    accept_job(context, request, |_| {
        known.map_or(Ok(()), |nic| can_have(&nic))
    })
}

fn start(context: &Context<'_>, job: &Job, machine: &Resource) -> Result<Next, JobError> {
    let mut spec = spec_as_seen(machine);
    let nic = interface::of_job(&spec, job)?;
    can_have(&nic).map_err(|refusal| too_late(&refusal))?;
    let public = interface::public_ip(context, machine)?;
    for other in spec.nics.iter_mut().filter(|other| other.id == nic.id) {
        other.public = Some(public);
    }
    let result = json!({ "publicIpId": public.id, "publicIp": public.address });
    Ok(Next::spec(machine, Spec::Machine(spec)).telling(result))
}

fn can_have(nic: &NicSpec) -> Result<(), Refusal> {
    let text = match (nic.address, nic.public) {
        (None, _) => {
            "The network interface is on a custom network, which has no public addresses".to_owned()
        }
        (_, Some(public)) => format!(
            "The network interface has the public address {} already",
            public.address
        ),
        (Some(_), None) => return Ok(()),
    };
    Err(Refusal::new(ErrorCode::InvalidState, text))
}
