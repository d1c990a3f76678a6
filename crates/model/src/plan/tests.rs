use super::{Action, plan};
use crate::spec::{DiskObserved, MachineObserved, MachineSpec, Power, ProcessObserved, Spec};

fn spec(power: Power, boot: u64) -> Spec {
    Spec::Machine(MachineSpec {
        image: 12,
        cpus: 2,
        memory_gb: 4,
        disk_gb: 40,
        power,
        boot,
    })
}

/// Every half-made world that a machine can be in, up to boot 3.
fn worlds() -> Vec<MachineObserved> {
    let disks = [
        DiskObserved::Absent,
        DiskObserved::Partial,
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
        for process in &processes {
            for launched in process.map_or(0..=3, |process| process.boot..=3) {
                worlds.push(MachineObserved {
                    disk,
                    process: *process,
                    launched,
                });
            }
        }
    }
    worlds
}

/// What an action does when it succeeds.
fn apply(world: &mut MachineObserved, action: Action) {
    match action {
        Action::MakeDisk { size_gb, .. } => world.disk = DiskObserved::Whole { size_gb },
        Action::RemoveDisk => world.disk = DiskObserved::Absent,
        Action::Shutdown => world.process = None,
        Action::Launch { boot, .. } => {
            assert!(
                boot > world.launched || world.process.is_some_and(|p| p.boot == boot && !p.up)
            );
            world.process = Some(ProcessObserved {
                boot,
                up: true,
                ready: false,
            });
            world.launched = boot;
        }
        Action::AwaitReady { boot } => {
            let process = world
                .process
                .as_mut()
                .expect("nobody waits for a machine that is off");
            assert!(process.boot >= boot);
            process.ready = true;
        }
    }
}

fn reached(desired: &Spec, world: &MachineObserved) -> bool {
    match desired {
        Spec::Absent => world.is_absent(),
        Spec::Machine(machine) => {
            let whole = matches!(world.disk, DiskObserved::Whole { .. });
            let ready = world
                .process
                .is_some_and(|process| process.up && process.ready);
            // A machine that was launched for this number and died has nothing left to plan.
            let died = machine.is_on() && world.process.is_none() && world.launched >= machine.boot;
            let running_elsewhere = world
                .process
                .is_some_and(|process| process.boot >= machine.boot);
            match machine.power {
                Power::Off => whole && world.process.is_none(),
                Power::On => (whole && (ready || died)) || (ready && running_elsewhere),
            }
        }
    }
}

/// Any desired against any half-made world: following the plan, stopped after any prefix and
/// planned anew, ends in the desired world, and then there is nothing left to plan.
#[test]
fn total_from_every_world_and_after_every_prefix() {
    let mut desired = vec![Spec::Absent];
    for boot in 1..=3 {
        desired.extend([spec(Power::On, boot), spec(Power::Off, boot)]);
    }
    for goal in &desired {
        for start in worlds() {
            for detour in &desired {
                let first = plan(detour, &start, false);
                for prefix in 0..=first.len() {
                    let mut world = start.clone();
                    for action in &first[..prefix] {
                        apply(&mut world, *action);
                    }
                    for action in plan(goal, &world, false) {
                        apply(&mut world, action);
                    }
                    assert!(
                        plan(goal, &world, false).is_empty(),
                        "{goal:?} from {start:?}: {world:?}"
                    );
                    assert!(reached(goal, &world), "{goal:?} from {start:?}: {world:?}");
                }
            }
        }
    }
}

#[test]
fn a_settled_machine_is_only_watched() {
    for world in worlds() {
        assert!(plan(&spec(Power::On, 3), &world, true).is_empty());
        assert!(plan(&Spec::Absent, &world, true).is_empty());
    }
}
