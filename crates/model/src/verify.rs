//! Records against the world: what differs, and what is still unsettled.

use crate::{
    resource::Resource,
    spec::{DiskObserved, MachineObserved, MachineSpec, Spec},
};
use api::{
    ResourceId,
    admin::{Difference, Verify},
};
use std::collections::{BTreeMap, BTreeSet};

/// Compares the newest settled specs with what the driver's world holds, both ways.
pub fn verify(records: &[Resource], world: &BTreeMap<ResourceId, MachineObserved>) -> Verify {
    let mut result = Verify::default();
    let entry = |id: ResourceId, what: String| Difference {
        kind: "vm".to_owned(),
        id: id.to_string(),
        what,
    };
    for resource in records {
        let name = &resource.record.name;
        if let Some(leftover) = &resource.leftover {
            let what = format!("{name} is left over: {}", leftover.what);
            result.pending.push(entry(resource.id, what));
        } else if !resource.is_settled() {
            result
                .pending
                .push(entry(resource.id, format!("{name} is not settled yet")));
        } else if let Spec::Machine(machine) = &resource.spec {
            let found = world.get(&resource.id).cloned().unwrap_or_default();
            for what in machine_differences(resource, machine, &found) {
                result
                    .differences
                    .push(entry(resource.id, format!("{name} {what}")));
            }
        }
    }
    let known: BTreeSet<_> = records.iter().map(|resource| resource.id).collect();
    for (&id, found) in world {
        if !known.contains(&id) && !found.is_absent() {
            result
                .differences
                .push(entry(id, "is in the world but in no record".to_owned()));
        }
    }
    result
}

fn machine_differences(
    resource: &Resource,
    machine: &MachineSpec,
    found: &MachineObserved,
) -> Vec<String> {
    let mut differences = Vec::new();
    match found.disk {
        DiskObserved::Whole { size_gb } if size_gb == machine.disk_gb => {}
        DiskObserved::Whole { size_gb } => {
            differences.push(format!(
                "has a disk of {size_gb} GB and should have {} GB",
                machine.disk_gb
            ));
        }
        DiskObserved::Partial => differences.push("has a half-made disk".to_owned()),
        DiskObserved::Absent => differences.push("has no disk".to_owned()),
    }
    if found.power() != resource.power() {
        let word = |on: bool| if on { "on" } else { "off" };
        let shown = word(resource.power() == crate::spec::Power::On);
        differences.push(format!(
            "is {} and is shown as {shown}",
            word(found.is_running())
        ));
    }
    if let Some(process) = found.process.filter(|_| machine.is_on())
        && process.boot != machine.boot
    {
        differences.push(format!(
            "runs boot {} and should run boot {}",
            process.boot, machine.boot
        ));
    }
    if found.is_running() && !machine.is_on() {
        differences.push("runs and should be off".to_owned());
    }
    differences
}
