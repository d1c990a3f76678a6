//! What to do next: (desired, observed) → actions.
//!
//! Total: any desired spec against any half-made world yields actions that lead there, or none.
//! That is where the undo code of other designs went. The driver sees actions, never specs.

use crate::spec::{DiskObserved, MachineObserved, MachineSpec, Spec};
use serde::{Deserialize, Serialize};

/// One thing that a driver can do; safe to repeat after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Make the machine's disk from an image; what lies there half-made is replaced.
    MakeDisk {
        /// The catalogue's image.
        image: i64,
        /// GB.
        size_gb: u32,
    },
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
    /// Remove the machine's disk, whole or half-made.
    RemoveDisk,
}

impl Action {
    /// The phase that a job is in while this action runs (engine.md section 4).
    pub fn phase(self) -> &'static str {
        match self {
            Self::MakeDisk { .. } | Self::RemoveDisk => "disk",
            Self::Launch { .. } => "boot",
            Self::AwaitReady { .. } => "ready",
            Self::Shutdown => "shutdown",
        }
    }

    /// What part of a job's progress this action is, relative to the others.
    pub fn weight(self) -> u64 {
        match self {
            Self::MakeDisk { .. } => 40,
            Self::Launch { .. } => 20,
            Self::AwaitReady { .. } => 40,
            Self::Shutdown => 30,
            Self::RemoveDisk => 10,
        }
    }
}

/// The actions that lead from what is observed to what is desired, in order.
///
/// `settled` says that this desired spec was reached once. From then on a machine is only watched:
/// one that died is shown as stopped, nothing boots by itself, no disk is made or destroyed.
pub fn plan(desired: &Spec, observed: &MachineObserved, settled: bool) -> Vec<Action> {
    if settled {
        return Vec::new();
    }
    match desired {
        Spec::Absent => remove(observed),
        Spec::Machine(machine) if machine.is_on() => run(machine, observed),
        Spec::Machine(machine) => rest(machine, observed),
    }
}

fn remove(observed: &MachineObserved) -> Vec<Action> {
    let mut actions = Vec::new();
    if observed.process.is_some() {
        actions.push(Action::Shutdown);
    }
    if observed.disk != DiskObserved::Absent {
        actions.push(Action::RemoveDisk);
    }
    actions
}

fn rest(machine: &MachineSpec, observed: &MachineObserved) -> Vec<Action> {
    let mut actions = Vec::new();
    if observed.process.is_some() {
        actions.push(Action::Shutdown);
    }
    actions.extend(make_disk(machine, observed));
    actions
}

fn run(machine: &MachineSpec, observed: &MachineObserved) -> Vec<Action> {
    let launch = |boot| Action::Launch {
        boot,
        cpus: machine.cpus,
        memory_gb: machine.memory_gb,
    };
    let ready = |boot| Action::AwaitReady { boot };
    match observed.process {
        Some(process) if process.boot >= machine.boot => match (process.up, process.ready) {
            (false, _) => vec![launch(process.boot), ready(process.boot)],
            (true, false) => vec![ready(process.boot)],
            (true, true) => Vec::new(),
        },
        // It was launched for this number and died since: nothing boots twice for one number.
        _ if observed.launched >= machine.boot => rest(machine, observed),
        _ => {
            let mut actions = rest(machine, observed);
            actions.extend([launch(machine.boot), ready(machine.boot)]);
            actions
        }
    }
}

fn make_disk(machine: &MachineSpec, observed: &MachineObserved) -> Option<Action> {
    match observed.disk {
        DiskObserved::Whole { .. } => None,
        DiskObserved::Absent | DiskObserved::Partial => Some(Action::MakeDisk {
            image: machine.image,
            size_gb: machine.disk_gb,
        }),
    }
}

#[cfg(test)]
mod tests;
