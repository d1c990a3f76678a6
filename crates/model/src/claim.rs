//! Claims: what a resource holds of quotas, of its host, of pools of addresses, of names.
//!
//! One mechanism: a ledger row (holder, item, amount) and a counter (what it counts towards, used)
//! that the store changes together. A row can be neither doubled nor released twice, so the counter
//! is always the sum of its rows; of an exclusive item there is one row at most. What a spec needs
//! is [`held()`], so claims follow from specs: they are held at the larger of before and after until
//! the job has ended.

mod held;
mod room;

pub use held::{blocks, held, name, team};
pub use room::{check, no_room, raise};

use crate::{resource::Kind, spec::Mac};
use api::{DataCenterId, HostId, NicId, ResourceId, TenantId};
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// What can be measured out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Machines without GPUs.
    VirtualMachines,
    /// Cores.
    Vcpus,
    /// Memory in GB.
    MemoryGb,
    /// Disk in GB, machines' and volumes'.
    DiskGb,
    /// Volumes.
    Volumes,
    /// Size of volumes in GB.
    VolumeGb,
    /// Networks, the default ones apart.
    Networks,
    /// Public addresses.
    PublicIps,
    /// GPUs.
    Gpus,
}

impl Measure {
    /// Every measure.
    pub const ALL: [Measure; 9] = [
        Self::VirtualMachines,
        Self::Vcpus,
        Self::MemoryGb,
        Self::DiskGb,
        Self::Volumes,
        Self::VolumeGb,
        Self::Networks,
        Self::PublicIps,
        Self::Gpus,
    ];

    /// As an error text names it.
    pub fn words(self) -> &'static str {
        match self {
            Self::VirtualMachines => "virtual machines",
            Self::Vcpus => "vCPUs",
            Self::MemoryGb => "memory in GB",
            Self::DiskGb => "disk in GB",
            Self::Volumes => "volumes",
            Self::VolumeGb => "volumes in GB",
            Self::Networks => "networks",
            Self::PublicIps => "public IPs",
            Self::Gpus => "GPUs",
        }
    }

    /// As it stands in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VirtualMachines => "virtual_machines",
            Self::Vcpus => "vcpus",
            Self::MemoryGb => "memory_gb",
            Self::DiskGb => "disk_gb",
            Self::Volumes => "volumes",
            Self::VolumeGb => "volume_gb",
            Self::Networks => "networks",
            Self::PublicIps => "public_ips",
            Self::Gpus => "gpus",
        }
    }
}

/// A pool of numbers, each of which is given to one holder at a time. The next one given out is the
/// one after the last, so that a number given back is not given out again at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pool {
    /// Addresses of a network, as numbers.
    Private(ResourceId),
    /// Public addresses of a host, as numbers.
    Public(HostId),
    /// A host's GPUs of a series, from 0.
    Gpus(HostId, i64),
    /// Numbers of networks, for the whole installation.
    Networks,
    /// Hardware addresses, for the whole installation.
    Macs,
}

/// Names that are unique among a tenant's resources of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Named {
    /// Volumes.
    Volume,
    /// Networks.
    Network,
}

/// What is claimed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// Of a tenant's quota, so much.
    Quota(TenantId, Measure),
    /// Of a host's room, so much.
    Room(HostId, Measure),
    /// A /16 of 10.0.0.0/8 in which a tenant has a network.
    Block(TenantId, u8),
    /// A number of a pool; exclusive.
    Pooled(Pool, u32),
    /// A place on a network for an interface; exclusive.
    Nic(ResourceId, NicId),
    /// A volume, by the machine that it is on; exclusive.
    Attachment(ResourceId),
    /// A name; exclusive.
    Name(TenantId, Named, String),
    /// To be a tenant's default network in a data centre; exclusive.
    Default(TenantId, DataCenterId),
    /// To be in a team, as a resource of this kind.
    Team(TenantId, Kind, i64),
}

/// What rows are summed up by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counter {
    /// Of a tenant's quota.
    Quota(TenantId, Measure),
    /// Of a host's room.
    Room(HostId, Measure),
    /// Networks of a tenant in a /16.
    Block(TenantId, u8),
    /// Numbers given out of a pool.
    Pool(Pool),
    /// Interfaces on a network, planned ones too.
    Nics(ResourceId),
    /// Resources of a kind in a team.
    Team(TenantId, Kind, i64),
}

impl Item {
    /// A private address.
    pub fn private(network: ResourceId, address: Ipv4Addr) -> Self {
        Self::Pooled(Pool::Private(network), u32::from(address))
    }

    /// A public address.
    pub fn public(host: HostId, address: Ipv4Addr) -> Self {
        Self::Pooled(Pool::Public(host), u32::from(address))
    }

    /// A hardware address.
    pub fn mac(mac: Mac) -> Self {
        Self::Pooled(Pool::Macs, mac.0)
    }

    /// What a row of it counts towards, if anything is counted.
    pub fn counter(&self) -> Option<Counter> {
        match *self {
            Self::Quota(tenant, measure) => Some(Counter::Quota(tenant, measure)),
            Self::Room(host, measure) => Some(Counter::Room(host, measure)),
            Self::Block(tenant, block) => Some(Counter::Block(tenant, block)),
            Self::Pooled(pool, _) => Some(Counter::Pool(pool)),
            Self::Nic(network, _) => Some(Counter::Nics(network)),
            Self::Team(tenant, kind, team) => Some(Counter::Team(tenant, kind, team)),
            Self::Attachment(_) | Self::Name(..) | Self::Default(..) => None,
        }
    }

    /// Whether one holder at most can have it.
    pub fn is_exclusive(&self) -> bool {
        !matches!(
            self,
            Self::Quota(..) | Self::Room(..) | Self::Block(..) | Self::Team(..)
        )
    }
}

/// A ledger row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Claim {
    /// The resource that holds it.
    pub holder: ResourceId,
    /// What it holds.
    pub item: Item,
    /// How much.
    pub amount: u64,
}

/// The limits of a tenant; `None` is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Machines.
    pub virtual_machines: Option<u64>,
    /// Cores.
    pub vcpus: Option<u64>,
    /// Memory in GB.
    pub memory_gb: Option<u64>,
    /// Volumes.
    pub volumes: Option<u64>,
    /// Size of all volumes in GB.
    pub volume_gb: Option<u64>,
    /// Networks.
    pub networks: Option<u64>,
    /// Public addresses.
    pub public_ips: Option<u64>,
    /// GPUs.
    pub gpus: Option<u64>,
}

impl Limits {
    /// The limit of a measure.
    pub fn of(&self, measure: Measure) -> Option<u64> {
        match measure {
            Measure::VirtualMachines => self.virtual_machines,
            Measure::Vcpus => self.vcpus,
            Measure::MemoryGb => self.memory_gb,
            Measure::DiskGb => None,
            Measure::Volumes => self.volumes,
            Measure::VolumeGb => self.volume_gb,
            Measure::Networks => self.networks,
            Measure::PublicIps => self.public_ips,
            Measure::Gpus => self.gpus,
        }
    }
}
