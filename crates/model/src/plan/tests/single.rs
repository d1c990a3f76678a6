//! Volumes and networks: one thing each, there or not.

use super::{
    Action, DiskObserved, NetworkObserved, NetworkSpec, Observed, SELF, SIM, Spec,
    effects_are_seen, leads_there, plan,
};
use crate::spec::VolumeSpec;

fn volumes() -> (Vec<Spec>, Vec<Observed>) {
    let volume = |size_gb| Spec::Volume(VolumeSpec { size_gb });
    let disks = [
        DiskObserved::Absent,
        DiskObserved::Partial,
        DiskObserved::Whole { size_gb: 100 },
        DiskObserved::Whole { size_gb: 256 },
    ];
    let worlds = disks.map(Observed::Volume).into_iter();
    (
        vec![Spec::Absent, volume(100), volume(256)],
        std::iter::once(Observed::Nothing).chain(worlds).collect(),
    )
}

fn networks() -> (Vec<Spec>, Vec<Observed>) {
    let network = |number| NetworkSpec {
        number,
        subnet: None,
    };
    let worlds = [
        NetworkObserved::Absent,
        NetworkObserved::Partial,
        NetworkObserved::Whole(network(1)),
        NetworkObserved::Whole(network(2)),
    ];
    let goals = vec![
        Spec::Absent,
        Spec::Network(network(1)),
        Spec::Network(network(2)),
    ];
    let worlds = worlds.into_iter().map(Observed::Network);
    (
        goals,
        std::iter::once(Observed::Nothing).chain(worlds).collect(),
    )
}

fn reached(goal: &Spec, world: &Observed) -> bool {
    match goal {
        Spec::Absent => world.is_absent(),
        Spec::Volume(volume) => world.volume().size_gb() >= Some(volume.size_gb),
        Spec::Network(network) => world.network() == NetworkObserved::Whole(network.clone()),
        Spec::Machine(_) => false,
    }
}

#[test]
fn a_volume_is_reached_from_every_world_and_never_shrinks() {
    let (goals, worlds) = volumes();
    leads_there(&goals, &worlds, reached);
    effects_are_seen(&goals, &worlds);
}

#[test]
fn a_network_is_reached_from_every_world() {
    let (goals, worlds) = networks();
    leads_there(&goals, &worlds, reached);
    effects_are_seen(&goals, &worlds);
}

/// The content of a volume that was lost is not made anew, a network is.
#[test]
fn a_settled_network_heals_and_a_settled_volume_does_not() {
    let (goals, worlds) = volumes();
    for goal in &goals {
        for world in &worlds {
            assert_eq!(plan(SIM, SELF, goal, world, true), []);
        }
    }
    let (goals, worlds) = networks();
    for goal in &goals {
        for world in &worlds {
            let found = plan(SIM, SELF, goal, world, true);
            let expected: Vec<Action> = match goal {
                Spec::Network(network) if !reached(goal, world) => {
                    vec![Action::ApplyNetwork(network.clone())]
                }
                _ => Vec::new(),
            };
            assert_eq!(found, expected);
        }
    }
}
