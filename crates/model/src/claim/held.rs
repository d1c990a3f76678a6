//! What a resource holds for a spec: a function of its record and the spec, and of nothing else.

use super::{Item, Measure, Named, Pool};
use crate::{
    resource::{MachineRecord, NetworkRecord, Record, Resource},
    spec::{MachineSpec, NetworkSpec, Spec, VolumeSpec},
};
use std::{collections::BTreeMap, net::Ipv4Addr};

/// What a resource holds for a spec, and how much of each. For no spec it holds what it has from
/// its acceptance until it is removed: its name, its place in a team.
pub fn held(resource: &Resource, spec: &Spec) -> BTreeMap<Item, u64> {
    let mut items = BTreeMap::new();
    if let Some(name) = name(resource) {
        items.insert(name, 1);
    }
    if let Some(team) = team(resource) {
        items.insert(team, 1);
    }
    match (&resource.record, spec) {
        (Record::Machine(record), Spec::Machine(spec)) => {
            items.extend(machine(resource, record, spec));
        }
        (Record::Volume(_), Spec::Volume(spec)) => items.extend(volume(resource, *spec)),
        (Record::Network(record), Spec::Network(spec)) => {
            items.extend(network(resource, record, spec));
        }
        _ => {}
    }
    items
}

/// The name that nobody else of its tenant may have; machines may share theirs.
pub fn name(resource: &Resource) -> Option<Item> {
    let named = match resource.record {
        Record::Machine(_) => return None,
        Record::Volume(_) => Named::Volume,
        Record::Network(_) => Named::Network,
    };
    Some(Item::Name(resource.tenant, named, resource.name.clone()))
}

/// Its place in the team that it is in, so that the team stays as long as it does.
pub fn team(resource: &Resource) -> Option<Item> {
    let team = resource.team()?;
    Some(Item::Team(resource.tenant, resource.kind(), team))
}

fn machine(resource: &Resource, record: &MachineRecord, spec: &MachineSpec) -> Vec<(Item, u64)> {
    let (tenant, host) = (resource.tenant, resource.host);
    let quota = |measure, amount: u32| (Item::Quota(tenant, measure), u64::from(amount));
    let room = |measure, amount: u32| (Item::Room(host, measure), u64::from(amount));
    let mut items = vec![
        quota(Measure::Vcpus, spec.cpus),
        quota(Measure::MemoryGb, spec.memory_gb),
        room(Measure::Vcpus, spec.cpus),
        room(Measure::MemoryGb, spec.memory_gb),
        room(Measure::DiskGb, spec.disk_gb),
    ];
    match record.gpus {
        None => items.push(quota(Measure::VirtualMachines, 1)),
        Some(gpus) => items.push(quota(Measure::Gpus, gpus.count)),
    }
    if let Some(gpus) = &spec.gpus {
        let pool = Pool::Gpus(host, gpus.series);
        items.extend(gpus.slots.iter().map(|&slot| (Item::Pooled(pool, slot), 1)));
    }
    let mut public_ips = 0;
    for nic in &spec.nics {
        items.push((Item::Nic(nic.network, nic.id), 1));
        items.push((Item::mac(nic.mac), 1));
        items.extend(
            nic.address
                .map(|address| (Item::private(nic.network, address), 1)),
        );
        if let Some(public) = nic.public {
            items.push((Item::public(host, public.address), 1));
            public_ips += 1;
        }
    }
    if public_ips > 0 {
        items.push(quota(Measure::PublicIps, public_ips));
    }
    let volumes = spec.disks.iter().map(|disk| disk.volume);
    items.extend(volumes.map(|volume| (Item::Attachment(volume), 1)));
    items
}

fn volume(resource: &Resource, spec: VolumeSpec) -> Vec<(Item, u64)> {
    let size = u64::from(spec.size_gb);
    vec![
        (Item::Quota(resource.tenant, Measure::Volumes), 1),
        (Item::Quota(resource.tenant, Measure::VolumeGb), size),
        (Item::Room(resource.host, Measure::DiskGb), size),
    ]
}

fn network(resource: &Resource, record: &NetworkRecord, spec: &NetworkSpec) -> Vec<(Item, u64)> {
    let mut items = vec![(Item::Pooled(Pool::Networks, spec.number), 1)];
    if !record.is_default {
        items.push((Item::Quota(resource.tenant, Measure::Networks), 1));
    }
    if let Some(subnet) = &spec.subnet {
        let (first, last) = subnet.cidr.span();
        let blocks = blocks(first, last);
        items.extend(blocks.map(|block| (Item::Block(resource.tenant, block), 1)));
    }
    items
}

/// The /16 blocks of 10.0.0.0/8 that a range of addresses touches.
pub fn blocks(first: u32, last: u32) -> impl Iterator<Item = u8> {
    let block = |number: u32| u32::from(Ipv4Addr::new(10, 0, 0, 0)) + (number << 16);
    (0..=255_u8).filter(move |&number| {
        let start = block(u32::from(number));
        first <= start + 0xffff && start <= last
    })
}
