//! The registry: every operation, and what is particular to each.
//!
//! Adding an operation costs a file in [`crate::ops`], a variant and a line here.

use crate::{
    facts::Context,
    job::{Job, JobError},
    limits::MACHINE_STALL_MS,
    ops::{self, Next},
    resource::Resource,
};
use api::machine::MachineStatus;
use serde::{Deserialize, Serialize};

/// An operation, named as the contracts name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Operation {
    /// Nothing → a machine that runs.
    #[serde(rename = "vm.create")]
    VmCreate,
    /// A machine → nothing.
    #[serde(rename = "vm.delete")]
    VmDelete,
    /// Power on.
    #[serde(rename = "vm.start")]
    VmStart,
    /// Power off.
    #[serde(rename = "vm.stop")]
    VmStop,
    /// A new launch.
    #[serde(rename = "vm.reset")]
    VmReset,
}

/// What is particular to an operation.
pub struct Definition {
    /// The contract's name, e.g. `vm.create`.
    pub name: &'static str,
    /// A job's `resourceType`.
    pub resource_type: &'static str,
    /// A job's `operation`: the verb alone.
    pub verb: &'static str,
    /// Whether a call waits for it and no list shows it.
    pub synchronous: bool,
    /// What the machine is shown as while the job runs.
    pub status: MachineStatus,
    /// Whether it has its effect only if the machine then runs.
    pub must_run: bool,
    /// Whether it makes its resource: then nothing of the resource is left if it fails.
    pub creates: bool,
    /// Whether it ends its resource: then it completes if that is gone, and takes a leftover over.
    pub removes: bool,
    /// The phases that its plan can have, in order.
    pub phases: &'static [&'static str],
    /// Milliseconds without a new low of what remains, then it has stalled.
    pub stall_ms: u64,
    /// The rule that decides what its resource should be next, inside the transaction of `start`.
    pub start: fn(&Context<'_>, &Job, &Resource) -> Result<Next, JobError>,
}

impl Definition {
    /// What most machine operations have in common; an operation names what is its own.
    pub const MACHINE: Definition = Definition {
        name: "",
        resource_type: "vm",
        verb: "",
        synchronous: false,
        status: MachineStatus::Running,
        must_run: false,
        creates: false,
        removes: false,
        phases: &[],
        stall_ms: MACHINE_STALL_MS,
        start: |_, _, _| Ok(Next::Done),
    };
}

impl Operation {
    /// Every operation there is.
    pub const ALL: &[Operation] = &[
        Self::VmCreate,
        Self::VmDelete,
        Self::VmStart,
        Self::VmStop,
        Self::VmReset,
    ];

    /// What is particular to it.
    pub fn definition(self) -> &'static Definition {
        match self {
            Self::VmCreate => &ops::vm_create::DEFINITION,
            Self::VmDelete => &ops::vm_delete::DEFINITION,
            Self::VmStart => &ops::vm_start::DEFINITION,
            Self::VmStop => &ops::vm_stop::DEFINITION,
            Self::VmReset => &ops::vm_reset::DEFINITION,
        }
    }

    /// The operation of a contract's name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|operation| operation.definition().name == name)
    }
}
