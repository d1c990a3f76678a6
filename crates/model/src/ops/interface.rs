//! What the operations of network interfaces share: finding them, places and addresses.

use crate::{
    accept,
    catalogue::Catalogue,
    claim::{Item, Pool, no_room},
    facts::{Context, Refusal},
    job::{Job, JobError, JobState},
    limits::NIC_LIMIT,
    operation::Operation,
    resource::{Kind, Resource},
    spec::{Mac, MachineSpec, NicSpec, PublicIp, Subnet},
    wish::{NicWish, Wish},
};
use api::{ErrorCode, HostId, JobErrorCode, NicId, PublicIpId, ResourceId, TenantId};
use std::net::Ipv4Addr;

/// A network that a new interface may be on, named in a field of a body.
pub(super) fn network(
    context: &Context<'_>,
    machine: (TenantId, HostId),
    field: &str,
    id: &str,
) -> Result<Resource, Refusal> {
    let (tenant, host) = machine;
    let id = id.parse::<ResourceId>().ok();
    let network = id.and_then(|id| accept::find(context, tenant, id, Kind::Network).ok());
    let network = network.ok_or_else(|| {
        let text = "no network has this id; GET /v1/resource/networks lists yours";
        Refusal::field(field, text)
    })?;
    if network.host != host {
        let text = format!(
            "network {} is in another data centre; a machine is on networks of its own",
            network.name
        );
        return Err(Refusal::field(field, text));
    }
    usable(context, &network)?;
    Ok(network)
}

/// Refuses a network that is on its way out: deleted, left over, or its create put back.
pub(super) fn usable(context: &Context<'_>, network: &Resource) -> Result<(), Refusal> {
    accept::not_deleted(network)?;
    accept::without_leftover(network)?;
    let create = network.creating.and_then(|job| context.facts.job(job));
    let Some(create) = create.filter(|job| job.cancel || job.state == JobState::Reverting) else {
        return Ok(());
    };
    let text = format!("{} is being taken back", network.words());
    Err(Refusal::new(ErrorCode::InvalidState, text).with_job(Some(create.id)))
}

/// An interface of a machine that is shown, or is going to be.
pub(super) fn known(
    context: &Context<'_>,
    machine: &Resource,
    id: NicId,
) -> Result<Option<NicSpec>, Refusal> {
    let shown = machine.shown.machine().and_then(|machine| machine.nic(id));
    if let Some(nic) = shown {
        return Ok(Some(*nic));
    }
    match planned(context, machine).contains(&id) {
        true => Ok(None),
        false => Err(not_found()),
    }
}

/// No interface of the machine has this id.
pub(super) fn not_found() -> Refusal {
    Refusal::new(ErrorCode::NotFound, "Network interface not found")
}

/// The interfaces that unfinished jobs are to add.
pub(super) fn planned(context: &Context<'_>, machine: &Resource) -> Vec<NicId> {
    let jobs = context.facts.queue(machine.id).into_iter();
    let jobs = jobs.filter_map(|job| context.facts.job(job));
    jobs.flat_map(|job| match job.wish {
        Wish::Nic(nic) if job.operation == Operation::NicAdd => vec![nic.id],
        Wish::Machine(wish) => wish.nics.iter().map(|nic| nic.id).collect(),
        _ => Vec::new(),
    })
    .collect()
}

/// Refuses a sixth interface; planned ones count.
pub(super) fn check_limit(context: &Context<'_>, machine: &Resource) -> Result<(), Refusal> {
    let mut ids = planned(context, machine);
    let shown = machine
        .shown
        .machine()
        .map_or(&[][..], |machine| &machine.nics);
    ids.extend(shown.iter().map(|nic| nic.id));
    ids.sort_unstable();
    ids.dedup();
    if ids.len() < NIC_LIMIT {
        return Ok(());
    }
    let text = format!(
        "{} has {} network interfaces already, planned ones included; {NIC_LIMIT} are the most",
        machine.words(),
        ids.len()
    );
    let limit = u32::try_from(NIC_LIMIT).unwrap_or(u32::MAX);
    Err(Refusal::new(ErrorCode::LimitExceeded, text).with_limit(limit))
}

/// New interfaces for a machine, with all that their effect needs. `slots` are those in use.
pub(super) fn make(
    context: &Context<'_>,
    machine: &Resource,
    wishes: &[NicWish],
    slots: &[u8],
) -> Result<Vec<NicSpec>, JobError> {
    let macs = context
        .facts
        .free(Pool::Macs, &[(1, u32::MAX)], wishes.len());
    let free_slots = (0..=u8::MAX).filter(|slot| !slots.contains(slot));
    let mut nics: Vec<NicSpec> = Vec::new();
    for ((wish, mac), slot) in wishes.iter().zip(macs).zip(free_slots) {
        let taken = nics
            .iter()
            .filter(|nic| nic.network == wish.network)
            .count();
        nics.push(NicSpec {
            id: wish.id,
            slot,
            network: wish.network,
            mac: Mac(mac),
            address: address(context, wish.network, taken)?,
            public: None,
        });
    }
    if nics.len() == wishes.len() {
        Ok(nics)
    } else {
        Err(no_room(context, machine, "another network interface"))
    }
}

/// The next free address of a network, after so many that are taken in this very transaction.
fn address(
    context: &Context<'_>,
    network: ResourceId,
    taken: usize,
) -> Result<Option<Ipv4Addr>, JobError> {
    let gone = || {
        JobError::new(
            JobErrorCode::NotFound,
            "Its network was gone when its turn came.",
        )
    };
    let network = context.facts.resource(network).ok_or_else(gone)?;
    if network.generation > 0 && network.spec.is_absent() && network.leftover.is_none() {
        return Err(gone());
    }
    if network.leftover.is_some() {
        let text = format!("{} was left over by a failed job.", network.words());
        return Err(JobError::new(JobErrorCode::InvalidState, text));
    }
    let Some(subnet) = subnet(context, &network) else {
        return Ok(None);
    };
    let pool = Pool::Private(network.id);
    let free = context
        .facts
        .free(pool, &ranges(&network, &subnet), taken + 1);
    match free.get(taken) {
        Some(&address) => Ok(Some(Ipv4Addr::from(address))),
        None => {
            let text = format!("{} has no free address left.", network.words());
            Err(JobError::new(JobErrorCode::CapacityExceeded, text))
        }
    }
}

/// While a network is being changed, what it gives out is right before the change and after it: the
/// change may be put back.
fn ranges(network: &Resource, subnet: &Subnet) -> Vec<(u32, u32)> {
    let ranges = subnet.ranges();
    let shown = network.shown.network();
    match shown.and_then(|shown| shown.subnet.as_ref()) {
        Some(shown) if shown != subnet => common(&ranges, &shown.ranges()),
        _ => ranges,
    }
}

fn common(these: &[(u32, u32)], those: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let pairs = these
        .iter()
        .flat_map(|this| those.iter().map(move |that| (this, that)));
    let both = pairs.map(|(this, that)| (this.0.max(that.0), this.1.min(that.1)));
    both.filter(|(first, last)| first <= last).collect()
}

/// The addresses of a network: those of its newest spec, else those it was asked for.
pub(super) fn subnet(context: &Context<'_>, network: &Resource) -> Option<Subnet> {
    if let Some(spec) = network.spec.network() {
        return spec.subnet.clone();
    }
    let create = network.creating.and_then(|job| context.facts.job(job))?;
    match create.wish {
        Wish::Network(wish) => wish.subnet,
        _ => None,
    }
}

/// A public address for an interface of a machine.
pub(super) fn public_ip(context: &Context<'_>, machine: &Resource) -> Result<PublicIp, JobError> {
    let ranges = public_ranges(context.catalogue, machine.host);
    let free = context.facts.free(Pool::Public(machine.host), &ranges, 1);
    let Some(&address) = free.first() else {
        return Err(no_room(context, machine, "another public address"));
    };
    Ok(PublicIp {
        id: PublicIpId((context.new_id)()),
        address: Ipv4Addr::from(address),
    })
}

fn public_ranges(catalogue: &Catalogue, host: HostId) -> Vec<(u32, u32)> {
    let mut data_centers = catalogue.data_centers.iter();
    let data_center = data_centers.find(|data_center| data_center.host_id() == host);
    data_center.map_or_else(Vec::new, |data_center| data_center.public_ranges())
}

/// The interface that a job is about, in a machine's spec; gone when its turn came, it is not found.
pub(super) fn of_job(machine: &MachineSpec, job: &Job) -> Result<NicSpec, JobError> {
    let nic = match job.wish {
        Wish::OfNic(id) => machine.nic(id),
        _ => None,
    };
    let text = "The network interface was gone when its turn came.";
    nic.copied()
        .ok_or_else(|| JobError::new(JobErrorCode::NotFound, text))
}

/// The claims that an interface takes when it is accepted.
pub(super) fn place(wish: NicWish) -> Item {
    Item::Nic(wish.network, wish.id)
}
