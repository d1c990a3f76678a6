//! A resource: the record that the API shows, and the newest spec that its host is told.

use crate::{
    observed::{Ended, MachineObserved, Observed},
    secret::UsedKey,
    spec::{MachineSpec, Power, Spec},
};
use api::{
    DataCenterId, HostId, JobId, NicId, ResourceId, TenantId, Timestamp,
    machine::MachineStatus,
    network::{NetworkStatus, NetworkType},
    volume::VolumeStatus,
};
use serde::{Deserialize, Serialize};

/// A resource. Reads serve what is shown of it; hosts get the spec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Its id.
    pub id: ResourceId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The data centre that it was asked for in.
    pub data_center: DataCenterId,
    /// Where it lives.
    pub host: HostId,
    /// Its name.
    pub name: String,
    /// What it is seen to be.
    pub status: Status,
    /// What else the API shows that no host is told.
    pub record: Record,
    /// What the API shows of its spec: the one that was reached last, no unfinished job's.
    #[serde(default)]
    pub shown: Spec,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When something that is shown of it last changed.
    pub updated_at: Timestamp,
    /// The newest spec.
    pub spec: Spec,
    /// The newest spec's number; 0 while there has been none.
    pub generation: u64,
    /// The highest generation that its host has reported as reached.
    pub settled: u64,
    /// The highest boot number ever written into a spec of it.
    pub last_boot: u64,
    /// What its host last saw.
    #[serde(default)]
    pub observed: Option<Observed>,
    /// Its create, until that has ended.
    #[serde(default)]
    pub creating: Option<JobId>,
    /// Its delete, from its acceptance on.
    #[serde(default)]
    pub deleting: Option<JobId>,
    /// The job that wrote the newest generation, until that has ended.
    #[serde(default)]
    pub acting: Option<JobId>,
    /// What a job could neither finish nor put back.
    #[serde(default)]
    pub leftover: Option<Leftover>,
}

/// The kinds of resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A virtual machine.
    Vm,
    /// A machine with GPUs.
    Gpu,
    /// A volume.
    Volume,
    /// A network.
    Network,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 4] = [Self::Vm, Self::Gpu, Self::Volume, Self::Network];

    /// As a job's `resourceType` and the store have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vm => "vm",
            Self::Gpu => "gpu",
            Self::Volume => "volume",
            Self::Network => "network",
        }
    }

    /// As a sentence begins with it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Vm => "Virtual machine",
            Self::Gpu => "GPU machine",
            Self::Volume => "Volume",
            Self::Network => "Network",
        }
    }
}

/// What a resource is seen to be, in the words of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A machine.
    Machine(MachineStatus),
    /// A volume.
    Volume(VolumeStatus),
    /// A network.
    Network(NetworkStatus),
}

/// What the API shows of a resource that no host is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// A virtual machine, or one with GPUs.
    Machine(MachineRecord),
    /// A volume.
    Volume(VolumeRecord),
    /// A network.
    Network(NetworkRecord),
}

/// Of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineRecord {
    /// The catalogue's image.
    pub image: i64,
    /// The catalogue's size; a GPU machine has none.
    pub size: i64,
    /// The GPUs that were asked for.
    #[serde(default)]
    pub gpus: Option<GpuWish>,
    /// The interface that is the primary one; absent: the first.
    #[serde(default)]
    pub primary: Option<NicId>,
    /// The resource group that it was put into.
    #[serde(default)]
    pub team: Option<i64>,
    /// Whom to log in as; absent: the image's own user.
    #[serde(default)]
    pub username: Option<String>,
    /// The stored key that its create named.
    #[serde(default)]
    pub ssh_key: Option<UsedKey>,
}

/// GPUs that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuWish {
    /// The catalogue's series.
    pub series: i64,
    /// How many.
    pub count: u32,
}

/// Of a volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeRecord {
    /// The catalogue's type.
    pub volume_type: i64,
    /// The size that was asked for in GB, shown until it is made.
    pub size_gb: u32,
    /// The machine that it is on.
    pub machine: Option<ResourceId>,
    /// The resource group that it was put into.
    #[serde(default)]
    pub team: Option<i64>,
}

/// Of a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkRecord {
    /// For people.
    pub description: String,
    /// Managed or plain.
    pub network_type: NetworkType,
    /// Servers of names, letter for letter as they were given.
    pub dns: String,
    /// Whether it is its tenant's default one in its data centre.
    #[serde(default)]
    pub is_default: bool,
}

/// What a job could neither finish nor put back; an operator can see it, a new delete takes it over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// The job that left it.
    pub job: JobId,
    /// Since when.
    pub since: Timestamp,
    /// What could not be done, for the operator.
    pub what: String,
    /// The specs that its job had claimed for.
    #[serde(default)]
    pub touched: Vec<Spec>,
    /// Whether an operator has asked its host to try again.
    #[serde(default)]
    pub retry: bool,
}

impl Resource {
    /// What kind of resource it is.
    pub fn kind(&self) -> Kind {
        match &self.record {
            Record::Machine(machine) if machine.gpus.is_some() => Kind::Gpu,
            Record::Machine(_) => Kind::Vm,
            Record::Volume(_) => Kind::Volume,
            Record::Network(_) => Kind::Network,
        }
    }

    /// As a text names it: `Virtual machine web`.
    pub fn words(&self) -> String {
        format!("{} {}", self.kind().words(), self.name)
    }

    /// The record of a machine.
    pub fn machine(&self) -> Option<&MachineRecord> {
        match &self.record {
            Record::Machine(machine) => Some(machine),
            _ => None,
        }
    }

    /// The record of a volume.
    pub fn volume(&self) -> Option<&VolumeRecord> {
        match &self.record {
            Record::Volume(volume) => Some(volume),
            _ => None,
        }
    }

    /// The record of a network.
    pub fn network(&self) -> Option<&NetworkRecord> {
        match &self.record {
            Record::Network(network) => Some(network),
            _ => None,
        }
    }

    /// The resource group that it is in; networks are in none.
    pub fn team(&self) -> Option<i64> {
        match &self.record {
            Record::Machine(machine) => machine.team,
            Record::Volume(volume) => volume.team,
            Record::Network(_) => None,
        }
    }

    /// Whether its host has reached the newest spec.
    pub fn is_settled(&self) -> bool {
        self.generation > 0 && self.settled == self.generation
    }

    /// What its host last saw of a machine.
    pub fn seen(&self) -> Option<&MachineObserved> {
        self.observed.as_ref().and_then(Observed::machine)
    }

    /// On or off as last seen; off where nobody has looked.
    pub fn power(&self) -> Power {
        self.seen().map_or(Power::Off, MachineObserved::power)
    }

    /// How a machine that should be on came to be off.
    pub fn ended(&self) -> Option<&Ended> {
        let is_wished = self.spec.machine().is_some_and(MachineSpec::is_on);
        let seen = self.seen().filter(|seen| is_wished && !seen.is_running());
        seen.and_then(|seen| seen.ended.as_ref())
    }

    /// The interface that is shown as the primary one.
    pub fn primary(&self) -> Option<NicId> {
        let nics = &self.shown.machine()?.nics;
        let wished = self.machine().and_then(|machine| machine.primary);
        let wished = wished.filter(|&id| nics.iter().any(|nic| nic.id == id));
        wished.or_else(|| nics.first().map(|nic| nic.id))
    }

    /// GB of a volume: what was made, else what was asked for.
    pub fn volume_gb(&self) -> Option<u32> {
        let made = self.shown.volume().map(|volume| volume.size_gb);
        made.or_else(|| self.volume().map(|volume| volume.size_gb))
    }

    /// What it is shown as when nothing is under way.
    pub fn resting_status(&self) -> Status {
        if self.leftover.is_some() {
            return self.error_status();
        }
        match &self.record {
            Record::Machine(_) => Status::Machine(match self.power() {
                Power::On => MachineStatus::Running,
                Power::Off if matches!(self.ended(), Some(Ended::Died { .. })) => {
                    MachineStatus::Error
                }
                Power::Off => MachineStatus::Shutoff,
            }),
            Record::Volume(volume) => Status::Volume(match volume.machine {
                Some(_) => VolumeStatus::InUse,
                None => VolumeStatus::Available,
            }),
            Record::Network(_) => Status::Network(NetworkStatus::Active),
        }
    }

    /// What it is shown as when something is wrong that an operator must look at.
    pub fn error_status(&self) -> Status {
        match &self.record {
            Record::Machine(_) => Status::Machine(MachineStatus::Error),
            Record::Volume(_) => Status::Volume(VolumeStatus::Error),
            Record::Network(_) => Status::Network(NetworkStatus::Error),
        }
    }

    /// Changes what is shown; `updated_at` never goes back.
    pub fn show(&mut self, status: Status, now: Timestamp) {
        if self.status != status {
            self.status = status;
            self.touch(now);
        }
    }

    /// Notes that something shown has changed.
    pub fn touch(&mut self, now: Timestamp) {
        self.updated_at = self.updated_at.max(now);
    }
}
