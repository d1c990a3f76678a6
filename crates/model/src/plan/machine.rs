//! The plan of a machine: off if it must be, then its parts in order, then on.

use super::Action;
use crate::{
    observed::{DiskObserved, MachineObserved, ProcessObserved},
    spec::{MachineSpec, NicSpec},
};

/// To nothing. The content of its volumes is never touched.
pub(super) fn remove(seen: &MachineObserved) -> Vec<Action> {
    let mut actions = Vec::new();
    if seen.process.is_some() {
        actions.push(Action::Shutdown);
    }
    actions.extend(seen.nics.iter().map(|nic| Action::UnplugNic(nic.id)));
    actions.extend(
        seen.disks
            .iter()
            .map(|disk| Action::DetachVolume(disk.volume)),
    );
    if seen.disk != DiskObserved::Absent {
        actions.push(Action::RemoveDisk);
    }
    if seen.gpus.is_some() {
        actions.push(Action::ReleaseGpus);
    }
    actions
}

/// To what should be.
pub(super) fn reach(desired: &MachineSpec, seen: &MachineObserved) -> Vec<Action> {
    let running_on = seen
        .process
        .filter(|process| desired.is_on() && process.boot >= desired.boot);
    let mut actions = Vec::new();
    if seen.process.is_some() && running_on.is_none() {
        actions.push(Action::Shutdown);
    }
    actions.extend(gpus(desired, seen));
    actions.extend(disk(desired, seen));
    actions.extend(volumes(desired, seen));
    actions.extend(growths(desired, seen));
    actions.extend(interfaces(desired, seen));
    actions.extend(power(desired, seen, running_on));
    actions
}

/// What is applied again once the spec was reached: no process, no disk content.
pub(super) fn heal(desired: &MachineSpec, seen: &MachineObserved) -> Vec<Action> {
    let mut actions = gpus(desired, seen);
    actions.extend(volumes(desired, seen));
    actions.extend(interfaces(desired, seen));
    actions
}

fn gpus(desired: &MachineSpec, seen: &MachineObserved) -> Vec<Action> {
    if desired.gpus == seen.gpus {
        return Vec::new();
    }
    let release = seen.gpus.as_ref().map(|_| Action::ReleaseGpus);
    let take = desired.gpus.clone().map(Action::TakeGpus);
    release.into_iter().chain(take).collect()
}

fn disk(desired: &MachineSpec, seen: &MachineObserved) -> Option<Action> {
    let size_gb = desired.disk_gb;
    match seen.disk {
        DiskObserved::Whole { size_gb: is } if is < size_gb => Some(Action::GrowDisk { size_gb }),
        DiskObserved::Whole { .. } => None,
        DiskObserved::Absent | DiskObserved::Partial => Some(Action::MakeDisk {
            image: desired.image,
            size_gb,
        }),
    }
}

/// A volume that sits in another slot than it should is taken out first.
fn volumes(desired: &MachineSpec, seen: &MachineObserved) -> Vec<Action> {
    let slot = |machine: &MachineObserved, volume| machine.disk(volume).map(|disk| disk.slot);
    let leave = seen
        .disks
        .iter()
        .filter(|disk| desired.disk(disk.volume).map(|wished| wished.slot) != Some(disk.slot));
    let come = desired
        .disks
        .iter()
        .filter(|disk| slot(seen, disk.volume) != Some(disk.slot));
    let leave = leave.map(|disk| Action::DetachVolume(disk.volume));
    leave
        .chain(come.map(|disk| Action::AttachVolume(*disk)))
        .collect()
}

fn growths(desired: &MachineSpec, seen: &MachineObserved) -> Vec<Action> {
    let short = desired.disks.iter().filter(|disk| {
        let is = seen.disk(disk.volume).map(|disk| disk.size_gb);
        is.is_some_and(|is| is < disk.size_gb)
    });
    let grow = short.map(|disk| Action::GrowVolume {
        volume: disk.volume,
        size_gb: disk.size_gb,
    });
    grow.collect()
}

/// All that is cut off first, then what is plugged in, then addresses: one address is never two's.
fn interfaces(desired: &MachineSpec, seen: &MachineObserved) -> Vec<Action> {
    let wired = |nic: &NicSpec| NicSpec {
        public: None,
        ..*nic
    };
    let same = |a: &NicSpec, b: &NicSpec| wired(a) == wired(b);
    let mut actions = Vec::new();
    for nic in &seen.nics {
        if !desired.nic(nic.id).is_some_and(|wished| same(wished, nic)) {
            actions.push(Action::UnplugNic(nic.id));
        }
    }
    for nic in &desired.nics {
        if !seen.nic(nic.id).is_some_and(|is| same(is, nic)) {
            actions.push(Action::PlugNic(*nic));
        }
    }
    for nic in &desired.nics {
        if seen
            .nic(nic.id)
            .is_some_and(|is| same(is, nic) && is.public != nic.public)
        {
            actions.push(Action::SetAddress(*nic));
        }
    }
    actions
}

fn power(
    desired: &MachineSpec,
    seen: &MachineObserved,
    running_on: Option<ProcessObserved>,
) -> Vec<Action> {
    let launch = |boot| Action::Launch {
        boot,
        cpus: desired.cpus,
        memory_gb: desired.memory_gb,
    };
    let ready = |boot| Action::AwaitReady { boot };
    match running_on {
        Some(ProcessObserved {
            boot, up: false, ..
        }) => vec![launch(boot), ready(boot)],
        Some(ProcessObserved {
            boot, ready: false, ..
        }) => vec![ready(boot)],
        Some(_) => Vec::new(),
        // It was launched for this number and died since: nothing boots twice for one number.
        None if !desired.is_on() || seen.launched >= desired.boot => Vec::new(),
        None => vec![launch(desired.boot), ready(desired.boot)],
    }
}
