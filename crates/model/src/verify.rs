//! Records against the world: what differs, and what is still unsettled.

use crate::{
    ability::{Ability, DriverAbilities},
    observed::{DiskObserved, MachineObserved, NetworkObserved, Observed},
    resource::Resource,
    spec::{MachineSpec, Power, Spec, VolumeSpec},
};
use api::{
    ResourceId,
    admin::{Difference, Verify},
};
use std::collections::BTreeMap;

/// Compares the newest settled specs with what the driver's world holds, both ways.
pub fn verify(
    driver: DriverAbilities,
    records: &[Resource],
    world: &BTreeMap<ResourceId, Observed>,
) -> Verify {
    let mut result = Verify::default();
    let known: BTreeMap<_, _> = records.iter().map(|one| (one.id, one)).collect();
    for &resource in known.values() {
        let entry = |what: String| Difference {
            kind: resource.kind().as_str().to_owned(),
            id: resource.id.to_string(),
            what: format!("{} {what}", resource.name),
        };
        if let Some(leftover) = &resource.leftover {
            let what = format!("is left over: {}", leftover.what);
            result.pending.push(entry(what));
        } else if !resource.is_settled() {
            result.pending.push(entry("is not settled yet".to_owned()));
        } else {
            let found = world.get(&resource.id).cloned().unwrap_or_default();
            let differences = differences(driver, resource, &found, &known);
            result
                .differences
                .extend(differences.into_iter().map(entry));
        }
    }
    for (&id, found) in world {
        if !known.contains_key(&id) && !found.is_absent() {
            let kind = match found {
                Observed::Volume(_) => "volume",
                Observed::Network(_) => "network",
                Observed::Machine(_) | Observed::Nothing => "vm",
            };
            result.differences.push(Difference {
                kind: kind.to_owned(),
                id: id.to_string(),
                what: "is in the world but in no record".to_owned(),
            });
        }
    }
    result.differences.extend(doubled(world));
    result
}

fn differences(
    driver: DriverAbilities,
    resource: &Resource,
    found: &Observed,
    known: &BTreeMap<ResourceId, &Resource>,
) -> Vec<String> {
    match &resource.spec {
        Spec::Absent => Vec::new(),
        Spec::Machine(spec) => {
            let nothing = MachineObserved::default();
            let found = found.machine().unwrap_or(&nothing);
            let mut differences = machine_differences(resource, spec, found);
            differences.extend(parts(spec, found));
            differences
        }
        Spec::Volume(spec) => volume_differences(resource, *spec, found.volume(), known),
        Spec::Network(spec) => match found.network() {
            NetworkObserved::Whole(is) if is == *spec => Vec::new(),
            NetworkObserved::Whole(_) => vec!["is not as it should be".to_owned()],
            NetworkObserved::Partial => vec!["is half-made".to_owned()],
            NetworkObserved::Absent if !driver.can(Ability::Networks) => Vec::new(),
            NetworkObserved::Absent => vec!["is not there".to_owned()],
        },
    }
}

fn disk_difference(found: DiskObserved, size_gb: u32) -> Option<String> {
    match found {
        DiskObserved::Whole { size_gb: is } if is == size_gb => None,
        DiskObserved::Whole { size_gb: is } => Some(format!(
            "has a disk of {is} GB and should have {size_gb} GB"
        )),
        DiskObserved::Partial => Some("has a half-made disk".to_owned()),
        DiskObserved::Absent => Some("has no disk".to_owned()),
    }
}

fn machine_differences(
    resource: &Resource,
    machine: &MachineSpec,
    found: &MachineObserved,
) -> Vec<String> {
    let mut differences = Vec::new();
    differences.extend(disk_difference(found.disk, machine.disk_gb));
    if found.power() != resource.power() {
        let word = |on: bool| if on { "on" } else { "off" };
        let shown = word(resource.power() == Power::On);
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

/// Interfaces, volumes and GPUs, both ways.
fn parts(machine: &MachineSpec, found: &MachineObserved) -> Vec<String> {
    let mut differences = Vec::new();
    for nic in &machine.nics {
        match found.nic(nic.id) {
            Some(is) if is == nic => {}
            Some(_) => differences.push(format!("has interface {} otherwise", nic.id)),
            None => differences.push(format!("lacks interface {}", nic.id)),
        }
    }
    for disk in &machine.disks {
        match found.disk(disk.volume) {
            Some(is) if is == disk => {}
            Some(_) => differences.push(format!("has volume {} otherwise", disk.volume)),
            None => differences.push(format!("lacks volume {}", disk.volume)),
        }
    }
    let strange = found
        .nics
        .iter()
        .filter(|nic| machine.nic(nic.id).is_none());
    differences.extend(strange.map(|nic| format!("has interface {} besides", nic.id)));
    let strange = found
        .disks
        .iter()
        .filter(|disk| machine.disk(disk.volume).is_none());
    differences.extend(strange.map(|disk| format!("has volume {} besides", disk.volume)));
    if found.gpus != machine.gpus {
        differences.push("has other GPUs than it should".to_owned());
    }
    differences
}

fn volume_differences(
    resource: &Resource,
    spec: VolumeSpec,
    found: DiskObserved,
    known: &BTreeMap<ResourceId, &Resource>,
) -> Vec<String> {
    let mut differences: Vec<String> = disk_difference(found, spec.size_gb).into_iter().collect();
    let machine = resource.volume().and_then(|record| record.machine);
    if let Some(machine) = machine {
        let on = known
            .get(&machine)
            .and_then(|machine| machine.shown.machine());
        if on.is_none_or(|on| on.disk(resource.id).is_none()) {
            differences.push(format!("is shown on machine {machine}, which lacks it"));
        }
    }
    differences
}

/// What two machines have of which there is one: a hardware address, an address, a volume, a GPU.
fn doubled(world: &BTreeMap<ResourceId, Observed>) -> Vec<Difference> {
    let mut owners: BTreeMap<String, ResourceId> = BTreeMap::new();
    let mut doubled = Vec::new();
    for (&id, found) in world {
        let Some(machine) = found.machine() else {
            continue;
        };
        for what in singular(machine) {
            if let Some(other) = owners.insert(what.clone(), id) {
                doubled.push(Difference {
                    kind: "vm".to_owned(),
                    id: id.to_string(),
                    what: format!("has {what}, which {other} has too"),
                });
            }
        }
    }
    doubled
}

fn singular(machine: &MachineObserved) -> Vec<String> {
    let mut things = Vec::new();
    for nic in &machine.nics {
        things.push(format!("hardware address {}", nic.mac));
        let address = nic.address.iter();
        things.extend(address.map(|address| format!("address {address} on {}", nic.network)));
        things.extend(
            nic.public
                .iter()
                .map(|public| format!("address {}", public.address)),
        );
    }
    things.extend(
        machine
            .disks
            .iter()
            .map(|disk| format!("volume {}", disk.volume)),
    );
    things
}
