//! Every goal from every half-made world, by every detour.

mod machine;
mod single;

use super::{Action, plan};
use crate::{
    DriverAbilities,
    observed::{DiskObserved, MachineObserved, NetworkObserved, Observed, ProcessObserved},
    spec::{DiskSpec, GpuSpec, Mac, MachineSpec, NetworkSpec, NicSpec, Power, PublicIp, Spec},
};
use api::{NicId, PublicIpId, ResourceId};
use uuid::Uuid;

/// What can do everything.
const SIM: DriverAbilities = DriverAbilities::SIM;

/// The resource that is planned for.
const SELF: ResourceId = ResourceId(Uuid::from_u128(1));

/// What an action does when it succeeds. It panics where the action could not be done: a driver
/// would refuse it.
fn apply(world: &mut Observed, action: &Action) {
    match action {
        Action::MakeVolume { size_gb } => {
            assert!(world.volume().size_gb().is_none(), "content is destroyed");
            *world = Observed::Volume(DiskObserved::Whole { size_gb: *size_gb });
        }
        Action::RemoveVolume => *world = Observed::Volume(DiskObserved::Absent),
        Action::ApplyNetwork(spec) => {
            *world = Observed::Network(NetworkObserved::Whole(spec.clone()));
        }
        Action::RemoveNetwork => *world = Observed::Network(NetworkObserved::Absent),
        Action::GrowVolume { size_gb, .. } if matches!(world, Observed::Volume(_)) => {
            let is = world.volume().size_gb().expect("only what is whole grows");
            assert!(is < *size_gb, "nothing shrinks");
            *world = Observed::Volume(DiskObserved::Whole { size_gb: *size_gb });
        }
        _ => {
            let mut machine = world.machine().cloned().unwrap_or_default();
            apply_to_machine(&mut machine, action);
            *world = Observed::Machine(machine);
        }
    }
}

fn apply_to_machine(world: &mut MachineObserved, action: &Action) {
    match action {
        Action::TakeGpus(gpus) => {
            assert!(world.gpus.is_none() && world.process.is_none());
            world.gpus = Some(gpus.clone());
        }
        Action::ReleaseGpus => world.gpus = None,
        Action::MakeDisk { size_gb, .. } => {
            assert!(world.disk.size_gb().is_none(), "content is destroyed");
            world.disk = DiskObserved::Whole { size_gb: *size_gb };
        }
        Action::GrowDisk { size_gb } => {
            assert!(world.disk.size_gb() < Some(*size_gb), "nothing shrinks");
            world.disk = DiskObserved::Whole { size_gb: *size_gb };
        }
        Action::RemoveDisk => world.disk = DiskObserved::Absent,
        Action::AttachVolume(disk) => {
            assert!(world.disks.iter().all(|is| is.slot != disk.slot));
            // A volume comes with the size that it has, not with the one that is wished.
            let size_gb = 100;
            world.disks.push(DiskSpec { size_gb, ..*disk });
        }
        Action::DetachVolume(volume) => world.disks.retain(|disk| disk.volume != *volume),
        Action::GrowVolume { volume, size_gb } => {
            let mut disks = world.disks.iter_mut();
            let disk = disks.find(|disk| disk.volume == *volume);
            let disk = disk.expect("only what is on the machine grows there");
            assert!(disk.size_gb < *size_gb, "nothing shrinks");
            disk.size_gb = *size_gb;
        }
        Action::PlugNic(nic) => {
            world.nics.retain(|is| is.id != nic.id);
            let same = |is: &&NicSpec| is.mac == nic.mac || is.address == nic.address;
            assert_eq!(world.nics.iter().find(same), None, "an address is two's");
            world.nics.push(*nic);
        }
        Action::UnplugNic(id) => world.nics.retain(|nic| nic.id != *id),
        Action::SetAddress(nic) => {
            let mut nics = world.nics.iter_mut();
            let is = nics.find(|is| is.id == nic.id).expect("plugged in");
            is.public = nic.public;
        }
        Action::Launch { boot, .. } => {
            let process = world.process;
            let completes = process.is_some_and(|is| is.boot == *boot && !is.up);
            assert!(*boot > world.launched || completes, "{boot} twice");
            assert!(world.disk.size_gb().is_some(), "it boots from its disk");
            world.process = Some(ProcessObserved {
                boot: *boot,
                up: true,
                ready: false,
            });
            world.launched = *boot;
        }
        Action::AwaitReady { boot } => {
            let process = world
                .process
                .as_mut()
                .expect("nobody waits for what is off");
            assert!(process.boot >= *boot);
            process.ready = true;
        }
        Action::Shutdown => world.process = None,
        other => panic!("{other:?} is not a machine's"),
    }
}

/// A goal, by any detour stopped after any of its actions: the plan leads there, and then nothing is
/// left to plan.
fn leads_there(goals: &[Spec], worlds: &[Observed], reached: impl Fn(&Spec, &Observed) -> bool) {
    for goal in goals {
        for start in worlds {
            for detour in goals {
                let first = plan(SIM, SELF, detour, start, false);
                let mut world = start.clone();
                for prefix in 0..=first.len() {
                    if let Some(action) = prefix.checked_sub(1).map(|last| &first[last]) {
                        apply(&mut world, action);
                    }
                    let mut end = world.clone();
                    for action in plan(SIM, SELF, goal, &end, false) {
                        apply(&mut end, &action);
                    }
                    // What was attached may be smaller than it should be, and that is seen only then.
                    for action in plan(SIM, SELF, goal, &end, false) {
                        assert!(matches!(action, Action::GrowVolume { .. }), "{action:?}");
                        apply(&mut end, &action);
                    }
                    let left = plan(SIM, SELF, goal, &end, false);
                    assert!(
                        left.is_empty(),
                        "{goal:?} from {start:?}: {end:?}: {left:?}"
                    );
                    assert!(reached(goal, &end), "{goal:?} from {start:?}: {end:?}");
                }
            }
        }
    }
}

/// An action of a plan has taken effect once it was done. Before it was done it shows none, for
/// then it would not have been planned.
fn effects_are_seen(goals: &[Spec], worlds: &[Observed]) {
    for goal in goals {
        for start in worlds {
            let mut world = start.clone();
            for action in plan(SIM, SELF, goal, start, false) {
                assert!(
                    !action.took_effect(&world) || is_seen_too_early(&action, &world),
                    "{action:?} before it in {world:?}"
                );
                apply(&mut world, &action);
                assert!(
                    action.took_effect(&world),
                    "{action:?} after it in {world:?}"
                );
            }
        }
    }
}

/// A launch that was begun is completed: the number is launched before it is.
fn is_seen_too_early(action: &Action, world: &Observed) -> bool {
    let machine = world.machine().cloned().unwrap_or_default();
    match action {
        Action::Launch { boot, .. } => machine.process.is_some_and(|is| is.boot == *boot && !is.up),
        _ => false,
    }
}
