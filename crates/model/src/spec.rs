//! What a resource should be, and what its host sees of it.
//!
//! A spec is what a host is to make true and nothing else: a name, a description, a label is never
//! in a spec. Everything an effect needs is in the spec before the host sees it.

use serde::{Deserialize, Serialize};

/// What a resource should be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spec {
    /// Nothing of it is left.
    #[default]
    Absent,
    /// A machine.
    Machine(MachineSpec),
}

impl Spec {
    /// The machine that should be, if any.
    pub fn machine(&self) -> Option<&MachineSpec> {
        match self {
            Self::Absent => None,
            Self::Machine(machine) => Some(machine),
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
}

impl MachineSpec {
    /// Whether it should be on.
    pub fn is_on(&self) -> bool {
        self.power == Power::On
    }
}

/// What a host sees of a machine, half-made states included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineObserved {
    /// Its disk.
    pub disk: DiskObserved,
    /// Its process, if there is one.
    #[serde(default)]
    pub process: Option<ProcessObserved>,
    /// The highest boot number ever launched, kept by the host until it may forget the machine.
    #[serde(default)]
    pub launched: u64,
}

/// A machine's disk as it is.
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

impl MachineObserved {
    /// Whether a machine is running here.
    pub fn is_running(&self) -> bool {
        self.process.is_some_and(|process| process.up)
    }

    /// Whether nothing of the machine is here.
    pub fn is_absent(&self) -> bool {
        self.disk == DiskObserved::Absent && self.process.is_none()
    }

    /// On or off, as it is.
    pub fn power(&self) -> Power {
        if self.is_running() {
            Power::On
        } else {
            Power::Off
        }
    }
}
