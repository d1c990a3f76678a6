//! Create a network: nothing → a network that machines can be on. A tenant's default network is made
//! by the same operation, with the first machine that names none.

use super::{
    Next, interface,
    machine::{data_center, new_resource},
    subnet,
    volume_create::take_name,
};
use crate::{
    ability::Ability,
    accept::{self, Accepted, Request},
    catalogue::DataCenter,
    claim::{self, Claim, Counter, Item, Named, Pool, no_room},
    facts::{Context, Refusal},
    job::{Job, JobError},
    limits::{DEFAULT_NAMES, NETWORK_NUMBERS},
    name,
    operation::{Definition, Operation},
    resource::{Kind, NetworkRecord, Record, Resource, Status},
    spec::{Cidr, NetworkSpec, Spec, Subnet},
    wish::{NetworkWish, Wish},
    writes::Write,
};
use api::{
    ErrorCode, ResourceId, TenantId,
    network::{NetworkCreate, NetworkSettings, NetworkStatus, NetworkType},
};
use std::net::Ipv4Addr;

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    kind: Kind::Network,
    verb: "create",
    status: Some(Status::Network(NetworkStatus::Creating)),
    creates: true,
    needs: Some(Ability::Networks),
    phases: &["network"],
    start,
    ..Definition::OTHER
};

/// Accepts it, and takes its name.
pub fn accept(context: &Context<'_>, tenant: TenantId, body: &NetworkCreate) -> Accepted<Job> {
    name::check("name", &body.name)?;
    let data_center = data_center(context, &body.datacenter_id)?;
    let settings = body.settings();
    subnet::check_form(&settings)?;
    let wish = wish(body.name.clone(), body.network_type, &settings)?;
    accept::supported(context, Operation::NetworkCreate)?;
    let mut writes = Vec::new();
    let network = new_network(
        context,
        (tenant, data_center),
        (&wish, body.network_type, false),
    );
    writes.extend(take_name(context, &network)?);
    take_blocks(&network, &wish, &mut writes);
    let (job, _) = enqueue(context, network, wish, &mut writes)?;
    Ok((writes, job))
}

/// Its addresses are taken from the acceptance on, so that no default network is laid over them.
fn take_blocks(network: &Resource, wish: &NetworkWish, writes: &mut Vec<Write>) {
    let span = wish.subnet.as_ref().map(|subnet| subnet.cidr.span());
    let blocks = span.map(|(first, last)| claim::blocks(first, last));
    for block in blocks.into_iter().flatten() {
        writes.push(Write::Claim(Claim {
            holder: network.id,
            item: Item::Block(network.tenant, block),
            amount: 1,
        }));
    }
}

fn wish(
    name: String,
    network_type: NetworkType,
    settings: &NetworkSettings,
) -> Result<NetworkWish, Refusal> {
    Ok(NetworkWish {
        name,
        description: settings.description.clone().unwrap_or_default(),
        dns: settings
            .dns_servers
            .as_ref()
            .map(|dns| dns.text())
            .unwrap_or_default(),
        subnet: subnet::subnet(network_type, settings, None)?,
    })
}

fn new_network(
    context: &Context<'_>,
    (tenant, data_center): (TenantId, &DataCenter),
    (wish, network_type, is_default): (&NetworkWish, NetworkType, bool),
) -> Resource {
    let status = Status::Network(NetworkStatus::Creating);
    let record = Record::Network(NetworkRecord {
        description: wish.description.clone(),
        network_type,
        dns: wish.dns.clone(),
        is_default,
    });
    new_resource(
        context,
        tenant,
        data_center,
        (wish.name.clone(), status, record),
    )
}

fn enqueue(
    context: &Context<'_>,
    mut network: Resource,
    wish: NetworkWish,
    writes: &mut Vec<Write>,
) -> Result<(Job, ResourceId), Refusal> {
    let is_default = network.network().is_some_and(|record| record.is_default);
    let request = Request {
        wish: Wish::Network(wish),
        unlisted: is_default,
        // A driver that makes no networks has nothing to do for it, and every machine is on one.
        needs: DEFINITION.needs.filter(|_| !is_default),
        ..Request::new(Operation::NetworkCreate, &network)
    };
    let job = request.enqueue(context, writes)?;
    network.creating = Some(job.id);
    let id = network.id;
    writes.push(Write::PutResource(Box::new(network)));
    Ok((job, id))
}

/// The default network of a tenant in a data centre; where there is none it is made, by a job of its
/// own that is accepted before the machine's and that no list shows.
pub(super) fn default_network(
    context: &Context<'_>,
    tenant: TenantId,
    data_center: &DataCenter,
    writes: &mut Vec<Write>,
) -> Result<ResourceId, Refusal> {
    let item = Item::Default(tenant, data_center.id);
    let known = context.facts.holder(&item);
    if let Some(network) = known.and_then(|network| context.facts.resource(network)) {
        interface::usable(context, &network)?;
        return Ok(network.id);
    }
    let block = free_block(context, tenant)?;
    let cidr = Cidr {
        network: Ipv4Addr::new(10, block, 0, 0),
        prefix: 16,
    };
    let settings = NetworkSettings {
        cidr_block: Some(cidr.to_string()),
        ..NetworkSettings::default()
    };
    let wish = wish(
        default_name(context, tenant)?,
        NetworkType::Standard,
        &settings,
    )?;
    let network = new_network(
        context,
        (tenant, data_center),
        (&wish, NetworkType::Standard, true),
    );
    let holder = network.id;
    for item in [
        Some(item),
        claim::name(&network),
        Some(Item::Block(tenant, block)),
    ] {
        let claim = item.map(|item| Claim {
            holder,
            item,
            amount: 1,
        });
        writes.extend(claim.map(Write::Claim));
    }
    enqueue(context, network, wish, writes).map(|(_, id)| id)
}

/// A /16 in which the tenant has no network yet.
fn free_block(context: &Context<'_>, tenant: TenantId) -> Result<u8, Refusal> {
    let is_free = |block: &u8| context.facts.used(&Counter::Block(tenant, *block)) == 0;
    (0..=u8::MAX).find(is_free).ok_or_else(|| {
        let text = "Your networks fill all of 10.0.0.0/8, so there is no room for a default one; \
            name a network of yours in networkInterfaces";
        Refusal::new(ErrorCode::CapacityExceeded, text)
    })
}

/// `default`, or `default-2` … where the tenant has a network of that name.
fn default_name(context: &Context<'_>, tenant: TenantId) -> Result<String, Refusal> {
    let names = (1..=DEFAULT_NAMES).map(|number| match number {
        1 => "default".to_owned(),
        _ => format!("default-{number}"),
    });
    let is_free = |name: &String| {
        let item = Item::Name(tenant, Named::Network, name.clone());
        context.facts.holder(&item).is_none()
    };
    names.into_iter().find(is_free).ok_or_else(|| {
        let text = "default to default-1000 are names of networks of yours; name one of them in \
            networkInterfaces";
        Refusal::new(ErrorCode::Conflict, text)
    })
}

fn start(context: &Context<'_>, job: &Job, network: &Resource) -> Result<Next, JobError> {
    let Wish::Network(wish) = &job.wish else {
        return Ok(Next::Done);
    };
    let number = context.facts.free(Pool::Networks, &[NETWORK_NUMBERS], 1);
    let asked = "another network";
    let &number = number
        .first()
        .ok_or_else(|| no_room(context, network, asked))?;
    let spec = spec(number, wish.subnet.clone());
    Ok(Next::spec(network, spec).asking(asked))
}

fn spec(number: u32, subnet: Option<Subnet>) -> Spec {
    Spec::Network(NetworkSpec { number, subnet })
}
