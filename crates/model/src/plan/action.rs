//! What a driver can do: each action is safe to repeat after a crash.

use crate::{
    observed::{DiskObserved, MachineObserved, NetworkObserved, Observed},
    spec::{DiskSpec, GpuSpec, NetworkSpec, NicSpec, Spec},
};
use api::{NicId, ResourceId};
use serde::{Deserialize, Serialize};

/// One thing that a driver can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Make these GPUs the machine's own.
    TakeGpus(GpuSpec),
    /// Give the machine's GPUs back.
    ReleaseGpus,
    /// Make the machine's disk from an image; what lies there half-made is replaced.
    MakeDisk {
        /// The catalogue's image.
        image: i64,
        /// GB.
        size_gb: u32,
    },
    /// Make the machine's disk larger.
    GrowDisk {
        /// GB that it has then.
        size_gb: u32,
    },
    /// Remove the machine's disk, whole or half-made.
    RemoveDisk,
    /// Put a volume on the machine.
    AttachVolume(DiskSpec),
    /// Take a volume off the machine; its content stays.
    DetachVolume(ResourceId),
    /// Plug an interface into its network, with its addresses; one that is plugged in is replaced.
    PlugNic(NicSpec),
    /// Cut an interface off: the host's side first, which is the effect.
    UnplugNic(NicId),
    /// Give an interface its public address, or take it away; open flows are cut.
    SetAddress(NicSpec),
    /// Start the machine's process for a boot number; if that number was begun, complete it.
    Launch {
        /// The boot number.
        boot: u64,
        /// Cores.
        cpus: u32,
        /// Memory in GB.
        memory_gb: u32,
    },
    /// Wait until the guest says that it is ready.
    AwaitReady {
        /// The boot number.
        boot: u64,
    },
    /// End the machine's process: ask the guest, then insist.
    Shutdown,
    /// Make a volume; what lies there half-made is replaced.
    MakeVolume {
        /// GB.
        size_gb: u32,
    },
    /// Make a volume larger, this one or one that is on this machine.
    GrowVolume {
        /// The volume.
        volume: ResourceId,
        /// GB that it has then.
        size_gb: u32,
    },
    /// Destroy a volume with its content.
    RemoveVolume,
    /// Make a network as this says, or change it to that.
    ApplyNetwork(NetworkSpec),
    /// Remove a network, whole or half-made.
    RemoveNetwork,
}

impl Action {
    /// The phase that a job is in while this action runs towards a spec.
    /// Deleting a machine lets go of what it has as part of removing its disk.
    pub fn phase(&self, desired: &Spec) -> &'static str {
        match self {
            Self::DetachVolume(_) | Self::ReleaseGpus if desired.is_absent() => "disk",
            Self::TakeGpus(_) | Self::ReleaseGpus => "gpu",
            Self::MakeDisk { .. }
            | Self::RemoveDisk
            | Self::MakeVolume { .. }
            | Self::RemoveVolume => "disk",
            Self::GrowDisk { .. } | Self::GrowVolume { .. } => "resize",
            Self::AttachVolume(_) => "attach",
            Self::DetachVolume(_) => "detach",
            Self::PlugNic(_) | Self::UnplugNic(_) | Self::ApplyNetwork(_) | Self::RemoveNetwork => {
                "network"
            }
            Self::SetAddress(_) => "address",
            Self::Launch { .. } => "boot",
            Self::AwaitReady { .. } => "ready",
            Self::Shutdown => "shutdown",
        }
    }

    /// What part of a job's progress this action is, relative to the others.
    pub fn weight(&self) -> u64 {
        match self {
            Self::MakeDisk { .. } | Self::AwaitReady { .. } | Self::MakeVolume { .. } => 40,
            Self::GrowDisk { .. } | Self::GrowVolume { .. } | Self::Shutdown => 30,
            Self::Launch { .. }
            | Self::TakeGpus(_)
            | Self::AttachVolume(_)
            | Self::DetachVolume(_)
            | Self::ApplyNetwork(_)
            | Self::RemoveVolume => 20,
            Self::RemoveDisk
            | Self::ReleaseGpus
            | Self::PlugNic(_)
            | Self::UnplugNic(_)
            | Self::SetAddress(_)
            | Self::RemoveNetwork => 10,
        }
    }

    /// The network that must be settled before this can begin.
    pub fn needs(&self) -> Option<ResourceId> {
        match self {
            Self::PlugNic(nic) => Some(nic.network),
            _ => None,
        }
    }

    /// A word for the kind of action, for logs and seeds; it never changes.
    pub fn word(&self) -> &'static str {
        match self {
            Self::TakeGpus(_) => "take_gpus",
            Self::ReleaseGpus => "release_gpus",
            Self::MakeDisk { .. } => "make_disk",
            Self::GrowDisk { .. } => "grow_disk",
            Self::RemoveDisk => "remove_disk",
            Self::AttachVolume(_) => "attach_volume",
            Self::DetachVolume(_) => "detach_volume",
            Self::PlugNic(_) => "plug_nic",
            Self::UnplugNic(_) => "unplug_nic",
            Self::SetAddress(_) => "set_address",
            Self::Launch { .. } => "launch",
            Self::AwaitReady { .. } => "ready",
            Self::Shutdown => "shutdown",
            Self::MakeVolume { .. } => "make_volume",
            Self::GrowVolume { .. } => "grow_volume",
            Self::RemoveVolume => "remove_volume",
            Self::ApplyNetwork(_) => "apply_network",
            Self::RemoveNetwork => "remove_network",
        }
    }

    /// Whether the world shows this action's effect. It is how the host knows what an action did
    /// whose end nobody heard of, and an action that ended in an error may have done it all.
    pub fn took_effect(&self, observed: &Observed) -> bool {
        match self {
            Self::MakeVolume { .. } => observed.volume().size_gb().is_some(),
            Self::GrowVolume { volume, size_gb } => match observed {
                Observed::Machine(machine) => machine
                    .disk(*volume)
                    .is_some_and(|disk| disk.size_gb >= *size_gb),
                _ => observed
                    .volume()
                    .size_gb()
                    .is_some_and(|size| size >= *size_gb),
            },
            Self::RemoveVolume => observed.volume() == DiskObserved::Absent,
            Self::ApplyNetwork(spec) => observed.network() == NetworkObserved::Whole(spec.clone()),
            Self::RemoveNetwork => observed.network() == NetworkObserved::Absent,
            _ => self.took_effect_on_machine(observed),
        }
    }

    fn took_effect_on_machine(&self, observed: &Observed) -> bool {
        let nothing = MachineObserved::default();
        let machine = observed.machine().unwrap_or(&nothing);
        match self {
            Self::TakeGpus(gpus) => machine.gpus.as_ref() == Some(gpus),
            Self::ReleaseGpus => machine.gpus.is_none(),
            Self::MakeDisk { .. } => machine.disk.size_gb().is_some(),
            Self::GrowDisk { size_gb } => machine.disk.size_gb() >= Some(*size_gb),
            Self::RemoveDisk => machine.disk == DiskObserved::Absent,
            Self::AttachVolume(disk) => machine.disk(disk.volume).is_some(),
            Self::DetachVolume(volume) => machine.disk(*volume).is_none(),
            Self::PlugNic(nic) => machine.nic(nic.id).is_some(),
            Self::UnplugNic(nic) => machine.nic(*nic).is_none(),
            Self::SetAddress(nic) => machine.nic(nic.id) == Some(nic),
            Self::Launch { boot, .. } => machine.launched >= *boot,
            Self::AwaitReady { boot } => machine
                .process
                .is_some_and(|process| process.boot >= *boot && process.ready),
            Self::Shutdown => machine.process.is_none(),
            _ => false,
        }
    }
}
