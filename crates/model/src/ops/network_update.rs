//! Change a network: its name, what it says, its addresses. A call waits for it.

use super::{Call, Next, subnet, volume_create::free_name};
use crate::{
    ability::Ability,
    accept::{self, Accepted, Request, changeable, too_late},
    claim::{self, Claim, Counter, Item, Pool},
    facts::{Context, Refusal},
    job::{Job, JobError},
    name,
    operation::{Definition, Operation},
    resource::{Kind, Record, Resource, Status},
    spec::{NetworkSpec, Spec, Subnet},
    wish::Wish,
    writes::Write,
};
use api::{
    ErrorCode, ResourceId, TenantId,
    network::{NetworkStatus, NetworkUpdate},
};

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    kind: Kind::Network,
    verb: "update",
    synchronous: true,
    status: Some(Status::Network(NetworkStatus::Updating)),
    needs: Some(Ability::Networks),
    phases: &["network"],
    start,
    completed,
    ..Definition::OTHER
};

/// Accepts the call, and takes a new name at once: nobody else can have it meanwhile.
pub fn accept(
    context: &Context<'_>,
    (tenant, id): (TenantId, ResourceId),
    body: &NetworkUpdate,
) -> Accepted<Call> {
    if let Some(name) = &body.name {
        name::check("name", name)?;
    }
    subnet::check_form(&body.settings())?;
    let network = changeable(context, tenant, id, Operation::NetworkUpdate)?;
    accept::without_leftover(&network)?;
    let mut writes = Vec::new();
    let claimed = take_new_name(context, &network, body, &mut writes)?;
    let request = Request {
        wish: Wish::NetworkUpdate(Box::new(body.clone())),
        claimed,
        ..Request::new(Operation::NetworkUpdate, &network)
    };
    if request.is_alone(context) {
        after(context, &network, body)?;
    }
    let job = request.enqueue(context, &mut writes)?;
    Ok((writes, Call::Job(Box::new(job))))
}

fn take_new_name(
    context: &Context<'_>,
    network: &Resource,
    body: &NetworkUpdate,
    writes: &mut Vec<Write>,
) -> Result<Vec<Item>, Refusal> {
    let Some(name) = &body.name else {
        return Ok(Vec::new());
    };
    let renamed = Resource {
        name: name.clone(),
        ..network.clone()
    };
    let Some(item) = claim::name(&renamed) else {
        return Ok(Vec::new());
    };
    free_name(context, &renamed, &item)?;
    // A name that it has already may be one that another call in line is to give up.
    if context.facts.holder(&item).is_none() {
        writes.push(Write::Claim(Claim {
            holder: network.id,
            item: item.clone(),
            amount: 1,
        }));
    }
    Ok(vec![item])
}

fn start(context: &Context<'_>, job: &Job, network: &Resource) -> Result<Next, JobError> {
    let Wish::NetworkUpdate(body) = &job.wish else {
        return Ok(Next::Done);
    };
    let spec = after(context, network, body).map_err(|refusal| too_late(&refusal))?;
    Ok(Next::spec(network, Spec::Network(spec)))
}

/// The spec after; refused where an interface on the network would lose its address.
fn after(
    context: &Context<'_>,
    network: &Resource,
    body: &NetworkUpdate,
) -> Result<NetworkSpec, Refusal> {
    let (Some(record), Some(spec)) = (network.network(), network.spec.network()) else {
        return Err(Refusal::not_found(Kind::Network));
    };
    if body
        .network_type
        .is_some_and(|wished| wished != record.network_type)
    {
        let text = "networkType: a network keeps its type; make another one";
        return Err(in_use("networkType", text));
    }
    let has = spec.subnet.as_ref();
    let subnet = subnet::subnet(record.network_type, &body.settings(), has)?;
    if let Some(subnet) = subnet.as_ref().filter(|subnet| Some(*subnet) != has) {
        spares(context, network.id, subnet)?;
    }
    Ok(NetworkSpec {
        subnet,
        ..spec.clone()
    })
}

/// Every address that an interface has stays inside, and none of them becomes the gateway's.
fn spares(context: &Context<'_>, network: ResourceId, subnet: &Subnet) -> Result<(), Refusal> {
    if context.facts.used(&Counter::Nics(network)) == 0 {
        return Ok(());
    }
    let (first, last) = subnet::hosts(subnet.cidr);
    let span = context.facts.span(Pool::Private(network));
    if span.is_some_and(|(least, most)| least < first || last < most) {
        let text = format!(
            "cidrBlock: {} leaves out addresses of machines on it",
            subnet.cidr
        );
        return Err(in_use("cidrBlock", &text));
    }
    let gateway = Item::private(network, subnet.gateway);
    if context.facts.holder(&gateway).is_some() {
        let text = format!("defaultRoute: a machine has the address {}", subnet.gateway);
        return Err(in_use("defaultRoute", &text));
    }
    Ok(())
}

fn in_use(field: &str, text: &str) -> Refusal {
    let mut refusal = Refusal::new(ErrorCode::NetworkInUse, text);
    refusal.details.field = Some(field.to_owned());
    refusal
}

fn completed(job: &Job, network: &mut Resource) {
    let (Wish::NetworkUpdate(body), Record::Network(record)) = (&job.wish, &mut network.record)
    else {
        return;
    };
    if let Some(name) = &body.name {
        network.name.clone_from(name);
    }
    if let Some(description) = &body.description {
        record.description.clone_from(description);
    }
    if let Some(dns) = &body.dns_servers {
        record.dns = dns.text();
    }
}
