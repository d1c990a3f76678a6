//! Add a network interface to a virtual machine, running or not.

use super::{Next, interface, machine::spec_as_seen};
use crate::{
    ability::Ability,
    accept::{self, Accepted, Request, changeable},
    claim::Claim,
    facts::Context,
    job::{Job, JobError},
    operation::{Definition, Operation},
    resource::Resource,
    spec::Spec,
    wish::{NicWish, Wish},
    writes::Write,
};
use api::{NicId, ResourceId, TenantId, network::InterfaceAdd};
use serde_json::json;

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    verb: "add",
    needs: Some(Ability::Networks),
    phases: &["network"],
    start,
    ..Definition::OTHER
};

/// Accepts it and takes the interface's place on the network, so that the network stays.
pub fn accept(
    context: &Context<'_>,
    (tenant, id): (TenantId, ResourceId),
    body: &InterfaceAdd,
) -> Accepted<Job> {
    let machine = changeable(context, tenant, id, Operation::NicAdd)?;
    let of = (tenant, machine.host);
    let network = interface::network(context, of, "networkId", &body.network_id)?;
    accept::without_leftover(&machine)?;
    interface::check_limit(context, &machine)?;
    let wish = NicWish {
        id: NicId((context.new_id)()),
        network: network.id,
    };
    let item = interface::place(wish);
    let mut writes = vec![Write::Claim(Claim {
        holder: machine.id,
        item: item.clone(),
        amount: 1,
    })];
    let request = Request {
        wish: Wish::Nic(wish),
        claimed: vec![item],
        ..Request::new(Operation::NicAdd, &machine)
    };
    let job = request.enqueue(context, &mut writes)?;
    Ok((writes, job))
}

fn start(context: &Context<'_>, job: &Job, machine: &Resource) -> Result<Next, JobError> {
    let Wish::Nic(wish) = job.wish else {
        return Ok(Next::Done);
    };
    let mut spec = spec_as_seen(machine);
    let slots: Vec<u8> = spec.nics.iter().map(|nic| nic.slot).collect();
    spec.nics
        .extend(interface::make(context, machine, &[wish], &slots)?);
    let result = json!({ "networkInterfaceId": wish.id });
    Ok(Next::spec(machine, Spec::Machine(spec)).telling(result))
}
