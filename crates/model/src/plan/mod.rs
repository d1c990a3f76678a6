//! What to do next: (desired, observed) → actions.
//!
//! Total: any desired spec against any half-made world yields actions that lead there, or none.
//! That is where the undo code of other designs went. The driver sees actions, never specs.

mod action;
mod machine;

pub use action::Action;

use crate::{
    ability::{Ability, DriverAbilities},
    observed::{DiskObserved, MachineObserved, NetworkObserved, Observed},
    spec::{NetworkSpec, Spec, VolumeSpec},
};
use api::ResourceId;

/// The actions that lead a resource from what is observed to what is desired, in order.
///
/// `settled` says that this desired spec was reached once. From then on no process is started or
/// stopped and no disk content made or destroyed by itself: a machine that died is shown as
/// stopped. Everything else (networks, ports, addresses) is applied again, so that a host heals.
pub fn plan(
    driver: DriverAbilities,
    resource: ResourceId,
    desired: &Spec,
    observed: &Observed,
    settled: bool,
) -> Vec<Action> {
    let nothing = MachineObserved::default();
    match (desired, observed) {
        (Spec::Absent, _) if settled => Vec::new(),
        (Spec::Absent, Observed::Nothing) => Vec::new(),
        (Spec::Absent, Observed::Machine(machine)) => machine::remove(machine),
        (Spec::Absent, Observed::Volume(disk)) => remove_volume(*disk),
        (Spec::Absent, Observed::Network(network)) => remove_network(network),
        (Spec::Machine(machine), _) => {
            let seen = observed.machine().unwrap_or(&nothing);
            if settled {
                machine::heal(machine, seen)
            } else {
                machine::reach(machine, seen)
            }
        }
        (Spec::Volume(_), _) if settled => Vec::new(),
        (Spec::Volume(volume), _) => reach_volume(resource, *volume, observed.volume()),
        // Nothing to do is all that such a driver does for it: it is settled at once.
        (Spec::Network(_), _) if !driver.can(Ability::Networks) => Vec::new(),
        (Spec::Network(network), _) => apply_network(network, &observed.network()),
    }
}

fn reach_volume(volume: ResourceId, desired: VolumeSpec, seen: DiskObserved) -> Vec<Action> {
    let size_gb = desired.size_gb;
    match seen {
        DiskObserved::Absent | DiskObserved::Partial => vec![Action::MakeVolume { size_gb }],
        DiskObserved::Whole { size_gb: is } if is < size_gb => {
            vec![Action::GrowVolume { volume, size_gb }]
        }
        DiskObserved::Whole { .. } => Vec::new(),
    }
}

fn remove_volume(seen: DiskObserved) -> Vec<Action> {
    match seen {
        DiskObserved::Absent => Vec::new(),
        DiskObserved::Partial | DiskObserved::Whole { .. } => vec![Action::RemoveVolume],
    }
}

fn apply_network(desired: &NetworkSpec, seen: &NetworkObserved) -> Vec<Action> {
    match seen {
        NetworkObserved::Whole(is) if is == desired => Vec::new(),
        _ => vec![Action::ApplyNetwork(desired.clone())],
    }
}

fn remove_network(seen: &NetworkObserved) -> Vec<Action> {
    match seen {
        NetworkObserved::Absent => Vec::new(),
        NetworkObserved::Partial | NetworkObserved::Whole(_) => vec![Action::RemoveNetwork],
    }
}

#[cfg(test)]
mod tests;
