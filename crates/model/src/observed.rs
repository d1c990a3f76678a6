//! What a host sees of a resource, half-made states included.

use crate::spec::{DiskSpec, GpuSpec, NetworkSpec, NicSpec, Power};
use api::{NicId, ResourceId};
use serde::{Deserialize, Serialize};

/// What a host sees of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observed {
    /// Nothing that was ever there.
    #[default]
    Nothing,
    /// A machine, or what is left of one.
    Machine(MachineObserved),
    /// A volume's content.
    Volume(DiskObserved),
    /// A network.
    Network(NetworkObserved),
}

/// What a host sees of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineObserved {
    /// Its own disk.
    pub disk: DiskObserved,
    /// Its process, if there is one.
    #[serde(default)]
    pub process: Option<ProcessObserved>,
    /// The highest boot number ever launched, kept by the host until it may forget the machine.
    #[serde(default)]
    pub launched: u64,
    /// The volumes that are on it, with the size that they really have.
    #[serde(default)]
    pub disks: Vec<DiskSpec>,
    /// The interfaces that are plugged in.
    #[serde(default)]
    pub nics: Vec<NicSpec>,
    /// The GPUs that are its own.
    #[serde(default)]
    pub gpus: Option<GpuSpec>,
    /// How its process came to be gone, where it had one and that is known.
    #[serde(default)]
    pub ended: Option<Ended>,
}

/// How a machine's process came to be gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// In order: the guest powered off, or its host was started anew.
    Quietly,
    /// By itself and not in order.
    Died {
        /// For the tenant, one sentence.
        reason: String,
    },
}

/// A disk as it is, a machine's own or a volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskObserved {
    /// There is none.
    #[default]
    Absent,
    /// Something half-made lies there.
    Partial,
    /// It is there, this many GB large.
    Whole {
        /// GB.
        size_gb: u32,
    },
}

impl DiskObserved {
    /// GB, where it is whole.
    pub fn size_gb(self) -> Option<u32> {
        match self {
            Self::Whole { size_gb } => Some(size_gb),
            Self::Absent | Self::Partial => None,
        }
    }
}

/// A machine's process as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessObserved {
    /// The boot number it was launched for.
    pub boot: u64,
    /// Whether its launch is complete; if not, launching again for this number completes it.
    pub up: bool,
    /// Whether the guest has said that it is ready.
    pub ready: bool,
}

/// A network as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkObserved {
    /// There is none.
    #[default]
    Absent,
    /// Something half-made is there.
    Partial,
    /// It is there, as this says.
    Whole(NetworkSpec),
}

impl Observed {
    /// The machine, if one was ever there.
    pub fn machine(&self) -> Option<&MachineObserved> {
        match self {
            Self::Machine(machine) => Some(machine),
            _ => None,
        }
    }

    /// The volume's content.
    pub fn volume(&self) -> DiskObserved {
        match self {
            Self::Volume(disk) => *disk,
            _ => DiskObserved::Absent,
        }
    }

    /// The network.
    pub fn network(&self) -> NetworkObserved {
        match self {
            Self::Network(network) => network.clone(),
            _ => NetworkObserved::Absent,
        }
    }

    /// Whether nothing of the resource is here.
    pub fn is_absent(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Machine(machine) => machine.is_absent(),
            Self::Volume(disk) => *disk == DiskObserved::Absent,
            Self::Network(network) => *network == NetworkObserved::Absent,
        }
    }
}

impl MachineObserved {
    /// Whether a machine is running here.
    pub fn is_running(&self) -> bool {
        self.process.is_some_and(|process| process.up)
    }

    /// Whether nothing of the machine is here.
    pub fn is_absent(&self) -> bool {
        self.disk == DiskObserved::Absent
            && self.process.is_none()
            && self.disks.is_empty()
            && self.nics.is_empty()
            && self.gpus.is_none()
    }

    /// On or off, as it is.
    pub fn power(&self) -> Power {
        if self.is_running() {
            Power::On
        } else {
            Power::Off
        }
    }

    /// An interface that is plugged in.
    pub fn nic(&self, id: NicId) -> Option<&NicSpec> {
        self.nics.iter().find(|nic| nic.id == id)
    }

    /// A volume that is on it.
    pub fn disk(&self, volume: ResourceId) -> Option<&DiskSpec> {
        self.disks.iter().find(|disk| disk.volume == volume)
    }
}
