//! The registry: every operation, and what is particular to each.
//!
//! Adding an operation costs a file in [`crate::ops`], a variant and a line here.

use crate::{
    ability::Ability,
    facts::Context,
    job::{Job, JobError},
    limits::{MACHINE_STALL_MS, OTHER_STALL_MS},
    ops::{self, Next},
    resource::{Kind, Resource, Status},
};
use serde::{Deserialize, Serialize};

macro_rules! operations {
    ($($(#[$doc:meta])* $variant:ident = $name:literal in $file:ident;)*) => {
        /// An operation, named as the contracts name it.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        pub enum Operation {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl Operation {
            /// Every operation there is.
            pub const ALL: &[Operation] = &[$(Self::$variant,)*];

            /// The contract's name, e.g. `vm.create`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What is particular to it.
            pub fn definition(self) -> &'static Definition {
                match self {
                    $(Self::$variant => &ops::$file::DEFINITION,)*
                }
            }
        }
    };
}

operations! {
    /// Nothing → a machine that runs.
    VmCreate = "vm.create" in vm_create;
    /// A machine → nothing.
    VmDelete = "vm.delete" in vm_delete;
    /// Another size.
    VmResize = "vm.resize" in vm_resize;
    /// Power on.
    VmStart = "vm.start" in vm_start;
    /// Power off.
    VmStop = "vm.stop" in vm_stop;
    /// A new launch.
    VmReset = "vm.reset" in vm_reset;
    /// One interface more.
    NicAdd = "nic.add" in nic_add;
    /// One interface less.
    NicRemove = "nic.remove" in nic_remove;
    /// Another interface first.
    NicSetPrimary = "nic.set_primary" in nic_set_primary;
    /// A public address for an interface.
    PublicIpAllocate = "public_ip.allocate" in public_ip_allocate;
    /// An interface without its public address.
    PublicIpRelease = "public_ip.release" in public_ip_release;
    /// Nothing → a machine with GPUs that runs.
    GpuCreate = "gpu.create" in gpu_create;
    /// A machine with GPUs → nothing.
    GpuDelete = "gpu.delete" in gpu_delete;
    /// Nothing → a volume.
    VolumeCreate = "volume.create" in volume_create;
    /// A volume → nothing.
    VolumeDelete = "volume.delete" in volume_delete;
    /// A volume on a machine.
    VolumeAttach = "volume.attach" in volume_attach;
    /// A volume off its machine.
    VolumeDetach = "volume.detach" in volume_detach;
    /// A larger volume.
    VolumeResize = "volume.resize" in volume_resize;
    /// Nothing → a network.
    NetworkCreate = "network.create" in network_create;
    /// A network that is otherwise.
    NetworkUpdate = "network.update" in network_update;
    /// A network → nothing.
    NetworkDelete = "network.delete" in network_delete;
}

/// What is particular to an operation.
pub struct Definition {
    /// What it is about: a job's `resourceType`.
    pub kind: Kind,
    /// A job's `operation`: the verb alone.
    pub verb: &'static str,
    /// Whether a call waits for it and no list shows it.
    pub synchronous: bool,
    /// What its resource is shown as while the job runs; absent: as before.
    pub status: Option<Status>,
    /// Whether it has its effect only if the machine then runs.
    pub must_run: bool,
    /// Whether it makes its resource: then nothing of the resource is left if it fails.
    pub creates: bool,
    /// Whether it ends its resource: then it completes if that is gone, and takes a leftover over.
    pub removes: bool,
    /// What of the driver's it needs beyond a machine's own life.
    pub needs: Option<Ability>,
    /// The phases that its plan can have, in order.
    pub phases: &'static [&'static str],
    /// Milliseconds without a new low of what remains, then it has stalled.
    pub stall_ms: u64,
    /// The rule that decides what a resource should be next, inside the transaction of `start`.
    pub start: fn(&Context<'_>, &Job, &Resource) -> Result<Next, JobError>,
    /// What else changes of its resource's record once it has completed.
    pub completed: fn(&Job, &mut Resource),
    /// Whether it has completed, where that is judged by what was seen and not by how it went.
    pub reached: fn(&Job, &Resource) -> Option<bool>,
}

impl Definition {
    /// What most machine operations have in common; an operation names what is its own.
    pub const MACHINE: Definition = Definition {
        kind: Kind::Vm,
        verb: "",
        synchronous: false,
        status: None,
        must_run: false,
        creates: false,
        removes: false,
        needs: None,
        phases: &[],
        stall_ms: MACHINE_STALL_MS,
        start: |_, _, _| Ok(Next::Done),
        completed: |_, _| {},
        reached: |_, _| None,
    };

    /// What most operations have in common that start no machine.
    pub const OTHER: Definition = Definition {
        stall_ms: OTHER_STALL_MS,
        ..Self::MACHINE
    };
}

impl Operation {
    /// The operation of a contract's name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|operation| operation.name() == name)
    }
}
