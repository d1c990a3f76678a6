//! Networks.

use super::{
    Where,
    machine::{private_ip, public_ip},
};
use crate::{
    catalogue::Catalogue,
    resource::{Resource, Status},
    spec::Subnet,
};
use api::network::{
    AllocationPool, NetworkDetail, NetworkMachine, NetworkStatus, NetworkType, Place,
};
use std::net::Ipv4Addr;

/// A network in full, `machines` being those that are shown on it.
pub fn network_detail(
    network: &Resource,
    machines: &[Resource],
    catalogue: &Catalogue,
) -> NetworkDetail {
    let place = Where::of(network, catalogue);
    let record = network.network();
    let spec = network.shown.network();
    let subnet = spec.and_then(|spec| spec.subnet.as_ref());
    let connected = network_machines(network, machines).len();
    NetworkDetail {
        id: network.id,
        name: network.name.clone(),
        description: record
            .map(|record| record.description.clone())
            .unwrap_or_default(),
        created_at: network.created_at,
        updated_at: network.updated_at,
        snat: subnet.is_some_and(|subnet| subnet.snat).to_string(),
        cidr_block: subnet
            .map(|subnet| subnet.cidr.to_string())
            .unwrap_or_default(),
        gateway_ip: subnet
            .map(|subnet| subnet.gateway.to_string())
            .unwrap_or_default(),
        connected_vms: connected.to_string(),
        network_type: record.map_or(NetworkType::Custom, |record| record.network_type),
        country: Place {
            id: place.country_id(),
            name: place.country().to_owned(),
        },
        region: Place {
            id: place.region_id(),
            name: place.region().to_owned(),
        },
        datacenter: place.flat(network),
        dns_nameservers: record.map(|record| record.dns.clone()).unwrap_or_default(),
        allocation_pools: subnet.map(pools).unwrap_or_default(),
        status: match network.status {
            Status::Network(status) => status,
            Status::Machine(_) | Status::Volume(_) => NetworkStatus::Error,
        },
        is_default: record.is_some_and(|record| record.is_default),
    }
}

fn pools(subnet: &Subnet) -> Vec<AllocationPool> {
    let text = |number| Ipv4Addr::from(number).to_string();
    let pool = |(first, last)| AllocationPool {
        start: text(first),
        end: text(last),
    };
    subnet.ranges().into_iter().map(pool).collect()
}

/// The machines that are shown on a network, once for each interface there.
pub fn network_machines(network: &Resource, machines: &[Resource]) -> Vec<NetworkMachine> {
    let rows = machines.iter().flat_map(|machine| {
        let nics = machine
            .shown
            .machine()
            .map_or(&[][..], |machine| &machine.nics);
        let here = nics.iter().filter(|nic| nic.network == network.id);
        here.map(|nic| NetworkMachine {
            id: machine.id,
            name: machine.name.clone(),
            machine_id: machine.id,
            public_ip: public_ip(nic),
            private_ip: private_ip(nic),
            network_id: network.id,
        })
    });
    rows.collect()
}
