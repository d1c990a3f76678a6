//! Machines: disk, process, volumes, interfaces, GPUs.

use super::{
    Action, DiskObserved, DiskSpec, GpuSpec, Mac, MachineObserved, MachineSpec, NicId, NicSpec,
    Observed, Power, ProcessObserved, PublicIp, PublicIpId, ResourceId, SELF, SIM, Spec, Uuid,
    effects_are_seen, leads_there, plan,
};
use std::net::Ipv4Addr;

fn bare(power: Power, boot: u64) -> MachineSpec {
    MachineSpec {
        image: 12,
        cpus: 2,
        memory_gb: 4,
        disk_gb: 40,
        power,
        boot,
        disks: Vec::new(),
        nics: Vec::new(),
        gpus: None,
        secret: None,
    }
}

fn disk(volume: u128, slot: u8, size_gb: u32) -> DiskSpec {
    DiskSpec {
        volume: ResourceId(Uuid::from_u128(volume)),
        slot,
        size_gb,
    }
}

fn nic(id: u128, address: u8, public: Option<u8>) -> NicSpec {
    NicSpec {
        id: NicId(Uuid::from_u128(id)),
        slot: 0,
        network: ResourceId(Uuid::from_u128(99)),
        mac: Mac(u32::try_from(id).expect("small")),
        address: Some(Ipv4Addr::new(10, 0, 0, address)),
        public: public.map(|last| PublicIp {
            id: PublicIpId(Uuid::from_u128(last.into())),
            address: Ipv4Addr::new(203, 0, 113, last),
        }),
    }
}

fn gpus(slots: &[u32]) -> GpuSpec {
    GpuSpec {
        series: 1,
        slots: slots.to_vec(),
    }
}

/// Every half-made world that a machine without parts can be in, up to boot 3.
fn bare_worlds() -> Vec<MachineObserved> {
    let disks = [
        DiskObserved::Absent,
        DiskObserved::Partial,
        DiskObserved::Whole { size_gb: 20 },
        DiskObserved::Whole { size_gb: 40 },
    ];
    let mut processes = vec![None];
    for boot in 1..=3 {
        for (up, ready) in [(false, false), (true, false), (true, true)] {
            processes.push(Some(ProcessObserved { boot, up, ready }));
        }
    }
    let mut worlds = Vec::new();
    for disk in disks {
        // Nothing runs without its disk: it is made before and removed after.
        let running =
            |process: &&Option<ProcessObserved>| process.is_none() || disk.size_gb().is_some();
        for process in processes.iter().filter(running) {
            for launched in process.map_or(0..=3, |process| process.boot..=3) {
                worlds.push(MachineObserved {
                    disk,
                    process: *process,
                    launched,
                    ..MachineObserved::default()
                });
            }
        }
    }
    worlds
}

fn observed(worlds: Vec<MachineObserved>) -> Vec<Observed> {
    let nothing = std::iter::once(Observed::Nothing);
    nothing
        .chain(worlds.into_iter().map(Observed::Machine))
        .collect()
}

fn bare_goals() -> Vec<Spec> {
    let mut goals = vec![Spec::Absent];
    for boot in 1..=3 {
        for power in [Power::On, Power::Off] {
            goals.push(Spec::Machine(bare(power, boot)));
        }
    }
    goals
}

/// Parts in every state: absent, there, there otherwise.
fn parts_worlds() -> Vec<MachineObserved> {
    let base = MachineObserved {
        disk: DiskObserved::Whole { size_gb: 40 },
        process: Some(ProcessObserved {
            boot: 1,
            up: true,
            ready: true,
        }),
        launched: 1,
        ..MachineObserved::default()
    };
    let disks = [
        vec![],
        vec![disk(7, 0, 100)],
        vec![disk(7, 1, 256), disk(8, 0, 100)],
        vec![disk(9, 0, 100)],
    ];
    let nics = [
        vec![],
        vec![nic(1, 2, None)],
        vec![nic(1, 2, Some(5)), nic(2, 3, None)],
        vec![nic(1, 3, None)],
        vec![nic(3, 2, Some(5))],
    ];
    let mut worlds = Vec::new();
    for disks in &disks {
        for nics in &nics {
            for taken in [None, Some(gpus(&[0, 1])), Some(gpus(&[2]))] {
                let world = MachineObserved {
                    disks: disks.clone(),
                    nics: nics.clone(),
                    gpus: taken.clone(),
                    ..base.clone()
                };
                let off = MachineObserved {
                    process: None,
                    ..world.clone()
                };
                // GPUs come and go with a machine that is off.
                if taken == Some(gpus(&[0, 1])) {
                    worlds.push(world);
                }
                worlds.push(off);
            }
        }
    }
    worlds
}

fn parts_goals() -> Vec<Spec> {
    let mut goals = vec![Spec::Absent];
    let disks = [
        vec![],
        vec![disk(7, 0, 256)],
        vec![disk(7, 0, 100), disk(8, 1, 100)],
    ];
    let nics = [
        vec![],
        vec![nic(1, 2, Some(5))],
        vec![nic(1, 2, None), nic(2, 3, Some(5))],
    ];
    for disks in &disks {
        for nics in &nics {
            for power in [Power::On, Power::Off] {
                goals.push(Spec::Machine(MachineSpec {
                    disks: disks.clone(),
                    nics: nics.clone(),
                    gpus: Some(gpus(&[0, 1])),
                    ..bare(power, 2)
                }));
            }
        }
    }
    goals
}

fn reached(goal: &Spec, world: &Observed) -> bool {
    let Spec::Machine(goal) = goal else {
        return world.is_absent();
    };
    let Some(world) = world.machine() else {
        return false;
    };
    let ready = |is: ProcessObserved| is.up && is.ready && is.boot >= goal.boot;
    // A machine that was launched for this number and died has nothing left to plan.
    let died = world.process.is_none() && world.launched >= goal.boot;
    let power = match goal.power {
        Power::Off => world.process.is_none(),
        Power::On => died || world.process.is_some_and(ready),
    };
    let mut nics = world.nics.clone();
    nics.sort_unstable_by_key(|nic| nic.id);
    let mut disks = world.disks.clone();
    disks.sort_unstable_by_key(|disk| disk.volume);
    let wished = |is: &DiskSpec| {
        let goal = goal.disk(is.volume);
        goal.is_some_and(|goal| goal.slot == is.slot && is.size_gb >= goal.size_gb)
    };
    power
        && world.disk.size_gb() >= Some(goal.disk_gb)
        && nics == goal.nics
        && disks.len() == goal.disks.len()
        && disks.iter().all(wished)
        && world.gpus == goal.gpus
}

#[test]
fn a_machine_is_reached_from_every_world_and_after_every_prefix() {
    leads_there(&bare_goals(), &observed(bare_worlds()), reached);
}

#[test]
fn its_parts_are_reached_from_every_world_and_after_every_prefix() {
    leads_there(&parts_goals(), &observed(parts_worlds()), reached);
}

#[test]
fn what_an_action_did_is_seen() {
    effects_are_seen(&bare_goals(), &observed(bare_worlds()));
    effects_are_seen(&parts_goals(), &observed(parts_worlds()));
}

#[test]
fn a_settled_machine_is_only_watched() {
    for world in observed(bare_worlds()) {
        let spec = Spec::Machine(bare(Power::On, 3));
        assert!(plan(SIM, SELF, &spec, &world, true).is_empty());
        assert!(plan(SIM, SELF, &Spec::Absent, &world, true).is_empty());
    }
}

/// Ports, addresses and volumes come back by themselves; process and content do not.
#[test]
fn what_heals_touches_neither_process_nor_content() {
    for world in observed(parts_worlds()) {
        for goal in parts_goals() {
            for action in plan(SIM, SELF, &goal, &world, true) {
                let heals = matches!(
                    action,
                    Action::TakeGpus(_)
                        | Action::ReleaseGpus
                        | Action::AttachVolume(_)
                        | Action::DetachVolume(_)
                        | Action::PlugNic(_)
                        | Action::UnplugNic(_)
                        | Action::SetAddress(_)
                );
                assert!(heals, "{action:?} for {goal:?} in {world:?}");
            }
        }
    }
}
