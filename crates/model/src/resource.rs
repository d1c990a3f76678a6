//! A resource: the record that the API shows, and the newest spec that its host is told.

use crate::spec::{MachineObserved, Power, Spec};
use api::{DataCenterId, HostId, JobId, ResourceId, TenantId, Timestamp, machine::MachineStatus};
use serde::{Deserialize, Serialize};

/// A resource. Reads serve the record; hosts get the spec.
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
    /// What the API shows.
    pub record: MachineRecord,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its record last changed.
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
    pub observed: Option<MachineObserved>,
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

/// What the API shows of a machine, names and all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineRecord {
    /// Its name; need not be unique.
    pub name: String,
    /// What it is seen to be.
    pub status: MachineStatus,
    /// The catalogue's image.
    pub image: i64,
    /// The catalogue's size.
    pub size: i64,
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
}

impl Resource {
    /// Whether its host has reached the newest spec.
    pub fn is_settled(&self) -> bool {
        self.generation > 0 && self.settled == self.generation
    }

    /// On or off as last seen; off where nobody has looked.
    pub fn power(&self) -> Power {
        self.observed
            .as_ref()
            .map_or(Power::Off, MachineObserved::power)
    }

    /// What it is shown as when nothing is under way.
    pub fn resting_status(&self) -> MachineStatus {
        match self.power() {
            _ if self.leftover.is_some() => MachineStatus::Error,
            Power::On => MachineStatus::Running,
            Power::Off => MachineStatus::Shutoff,
        }
    }

    /// Changes what is shown; `updated_at` never goes back.
    pub fn show(&mut self, status: MachineStatus, now: Timestamp) {
        if self.record.status != status {
            self.record.status = status;
            self.updated_at = self.updated_at.max(now);
        }
    }
}
