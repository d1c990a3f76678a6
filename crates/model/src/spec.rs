//! What a resource should be.
//!
//! A spec is what a host is to make true and nothing else: a name, a description, a label is never
//! in a spec. Everything an effect needs is in the spec before the host sees it. What a host sees
//! is [`crate::observed`].

use api::{NicId, PublicIpId, ResourceId};
use serde::{Deserialize, Serialize};
use std::{fmt, net::Ipv4Addr};

/// What a resource should be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spec {
    /// Nothing of it is left.
    #[default]
    Absent,
    /// A machine.
    Machine(MachineSpec),
    /// A volume that is on no machine; one that is on a machine is the machine's.
    Volume(VolumeSpec),
    /// A network.
    Network(NetworkSpec),
}

impl Spec {
    /// The machine that should be, if any.
    pub fn machine(&self) -> Option<&MachineSpec> {
        match self {
            Self::Machine(machine) => Some(machine),
            _ => None,
        }
    }

    /// The volume that should be, if any.
    pub fn volume(&self) -> Option<VolumeSpec> {
        match self {
            Self::Volume(volume) => Some(*volume),
            _ => None,
        }
    }

    /// The network that should be, if any.
    pub fn network(&self) -> Option<&NetworkSpec> {
        match self {
            Self::Network(network) => Some(network),
            _ => None,
        }
    }

    /// Whether nothing should be left.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// Whether a machine should be on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    /// It runs.
    On,
    /// It has a disk and no process.
    Off,
}

/// What a machine should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineSpec {
    /// The catalogue's image that its disk was made from.
    pub image: i64,
    /// Cores.
    pub cpus: u32,
    /// Memory in GB.
    pub memory_gb: u32,
    /// Disk in GB.
    pub disk_gb: u32,
    /// On or off.
    pub power: Power,
    /// The number of the launch that should be running. A launch happens at most once for each
    /// number, so that a repeat after a crash is seen and not done twice.
    pub boot: u64,
    /// Its volumes, by slot.
    #[serde(default)]
    pub disks: Vec<DiskSpec>,
    /// Its network interfaces, by slot.
    #[serde(default)]
    pub nics: Vec<NicSpec>,
    /// Its GPUs.
    #[serde(default)]
    pub gpus: Option<GpuSpec>,
    /// The digest of what its create carried apart from the job: keys, user data, a password.
    #[serde(default)]
    pub secret: Option<String>,
}

impl MachineSpec {
    /// Whether it should be on.
    pub fn is_on(&self) -> bool {
        self.power == Power::On
    }

    /// An interface of it.
    pub fn nic(&self, id: NicId) -> Option<&NicSpec> {
        self.nics.iter().find(|nic| nic.id == id)
    }

    /// A volume of it.
    pub fn disk(&self, volume: ResourceId) -> Option<&DiskSpec> {
        self.disks.iter().find(|disk| disk.volume == volume)
    }
}

/// A volume on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSpec {
    /// The volume.
    pub volume: ResourceId,
    /// Which of the machine's slots it is in, from 0.
    pub slot: u8,
    /// GB.
    pub size_gb: u32,
}

/// A network interface of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NicSpec {
    /// Its id.
    pub id: NicId,
    /// Which of the machine's slots it is in, from 0.
    pub slot: u8,
    /// The network that it is on.
    pub network: ResourceId,
    /// Its hardware address.
    pub mac: Mac,
    /// Its private address; a custom network gives none.
    pub address: Option<Ipv4Addr>,
    /// Its public address.
    pub public: Option<PublicIp>,
}

/// A hardware address, as its number: 02:00 and the four bytes of the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mac(pub u32);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0.to_be_bytes();
        write!(f, "02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
    }
}

/// A public address that was given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicIp {
    /// The id that the API shows of it.
    pub id: PublicIpId,
    /// The address.
    pub address: Ipv4Addr,
}

/// GPUs of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuSpec {
    /// The catalogue's series.
    pub series: i64,
    /// Which of its host's GPUs of that series, from 0.
    pub slots: Vec<u32>,
}

/// What a volume should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeSpec {
    /// GB. It grows and never shrinks.
    pub size_gb: u32,
}

/// What a network should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkSpec {
    /// Its number: no two networks of an installation have the same.
    pub number: u32,
    /// What it gives to machines; a custom network is plain layer 2 and gives nothing.
    pub subnet: Option<Subnet>,
}

/// The addresses of a standard network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// Addresses and mask.
    pub cidr: Cidr,
    /// The gateway, inside of it.
    pub gateway: Ipv4Addr,
    /// The first address that machines are given.
    pub first: Ipv4Addr,
    /// The last one.
    pub last: Ipv4Addr,
    /// Whether machines reach the outside by the gateway's address.
    pub snat: bool,
    /// Whether addresses are handed out by DHCP.
    pub dhcp: bool,
    /// Whether DHCP names the gateway as default route.
    pub default_route: bool,
    /// Whether DHCP names the servers of names.
    pub serve_dns: bool,
    /// Servers of names.
    pub dns: Vec<Ipv4Addr>,
}

impl Subnet {
    /// The numbers of the addresses that machines are given, without the gateway's.
    pub fn ranges(&self) -> Vec<(u32, u32)> {
        let (first, last) = (u32::from(self.first), u32::from(self.last));
        let gateway = u32::from(self.gateway);
        if !(first..=last).contains(&gateway) {
            return vec![(first, last)];
        }
        let before = (first < gateway).then(|| (first, gateway - 1));
        let after = (gateway < last).then(|| (gateway + 1, last));
        before.into_iter().chain(after).collect()
    }
}

/// A range of addresses: the network address and the length of its mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cidr {
    /// The network address.
    pub network: Ipv4Addr,
    /// The length of the mask, 0 to 32.
    pub prefix: u8,
}

impl Cidr {
    /// The first and the last address, as numbers.
    pub fn span(self) -> (u32, u32) {
        let first = u32::from(self.network);
        let hosts = u32::MAX.checked_shr(u32::from(self.prefix)).unwrap_or(0);
        (first, first | hosts)
    }

    /// Whether an address lies inside.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        let (first, last) = self.span();
        (first..=last).contains(&u32::from(address))
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}
