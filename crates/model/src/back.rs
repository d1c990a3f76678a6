//! The way back: one pure function for every operation, by class of field.
//!
//! Plain fields take the value before. Sizes that grew stay grown. Where something cannot be taken
//! back (a resource is gone, a machine was switched off or started anew, an interface was cut off)
//! the job goes forward once more instead.

use crate::{
    observed::{MachineObserved, Observed},
    spec::{DiskSpec, MachineSpec, Power, Spec, VolumeSpec},
};

/// What a job that cannot go on is to do; either way a new generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retreat {
    /// Make this true: the spec before.
    Back(Spec),
    /// There is no way back; make this true: the spec after, once more.
    Forward(Spec),
}

/// What the failed attempt left, as far as the way back depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// What was seen after the failure, if anybody could look.
    pub observed: Option<&'a Observed>,
    /// Whether an action may still have an effect.
    pub outstanding: bool,
    /// The highest boot number ever written into a spec of the machine.
    pub last_boot: u64,
}

impl Standing<'_> {
    fn machine(&self) -> Option<&MachineObserved> {
        self.observed.and_then(Observed::machine)
    }

    /// Nothing had happened: the machine still runs for this boot number, and no action is out.
    fn still_runs(&self, boot: u64) -> bool {
        let process = self.machine().and_then(|machine| machine.process);
        !self.outstanding && process.is_some_and(|process| process.up && process.boot == boot)
    }
}

/// The spec that a job retreats to.
pub fn back(before: &Spec, after: &Spec, standing: Standing<'_>) -> Retreat {
    match (before, after) {
        (_, Spec::Absent) => Retreat::Forward(Spec::Absent),
        (Spec::Machine(before), Spec::Machine(after)) => {
            if has_way_back(before, after) {
                Retreat::Back(Spec::Machine(put_back(before, after, standing)))
            } else {
                Retreat::Forward(Spec::Machine(once_more(before, after, standing)))
            }
        }
        (Spec::Volume(before), Spec::Volume(_)) => {
            let seen = standing.observed.and_then(|seen| seen.volume().size_gb());
            let size_gb = before.size_gb.max(seen.unwrap_or(0));
            Retreat::Back(Spec::Volume(VolumeSpec { size_gb }))
        }
        (before, _) => Retreat::Back(before.clone()),
    }
}

/// Switching off, a new launch by itself and cutting off an interface cannot be taken back.
fn has_way_back(before: &MachineSpec, after: &MachineSpec) -> bool {
    if (before.power, after.power) == (Power::On, Power::Off) {
        return false;
    }
    if before.nics.iter().any(|nic| after.nic(nic.id).is_none()) {
        return false;
    }
    let launched_only = MachineSpec {
        boot: after.boot,
        ..before.clone()
    };
    after.boot == before.boot || launched_only != *after
}

/// The machine as before; launched anew if it was to be, unless it still runs untouched.
fn put_back(before: &MachineSpec, after: &MachineSpec, standing: Standing<'_>) -> MachineSpec {
    let boot = if before.boot == after.boot || standing.still_runs(before.boot) {
        before.boot
    } else {
        next_boot(before, standing)
    };
    let seen = standing.machine();
    let own = seen.and_then(|seen| seen.disk.size_gb()).unwrap_or(0);
    let grown = |disk: &DiskSpec| {
        let is = seen.and_then(|seen| seen.disk(disk.volume));
        let size_gb = disk.size_gb.max(is.map_or(0, |is| is.size_gb));
        DiskSpec { size_gb, ..*disk }
    };
    MachineSpec {
        boot,
        disk_gb: before.disk_gb.max(own),
        disks: before.disks.iter().map(grown).collect(),
        ..before.clone()
    }
}

fn once_more(before: &MachineSpec, after: &MachineSpec, standing: Standing<'_>) -> MachineSpec {
    let boot = if before.boot == after.boot {
        after.boot
    } else {
        next_boot(after, standing)
    };
    MachineSpec {
        boot,
        ..after.clone()
    }
}

/// Whatever needs a launch gets a number that was never launched.
fn next_boot(machine: &MachineSpec, standing: Standing<'_>) -> u64 {
    if machine.is_on() {
        standing.last_boot + 1
    } else {
        machine.boot
    }
}

#[cfg(test)]
mod tests {
    use super::{Retreat, Standing, back};
    use crate::{
        Operation,
        observed::{DiskObserved, MachineObserved, Observed, ProcessObserved},
        spec::{
            DiskSpec, Mac, MachineSpec, NetworkSpec, NicSpec, Power, PublicIp, Spec, VolumeSpec,
        },
    };
    use api::{NicId, PublicIpId, ResourceId};
    use std::net::Ipv4Addr;
    use uuid::Uuid;

    fn machine(power: Power, boot: u64, cpus: u32) -> Spec {
        Spec::Machine(MachineSpec {
            image: 12,
            cpus,
            memory_gb: 4,
            disk_gb: 40,
            power,
            boot,
            disks: Vec::new(),
            nics: Vec::new(),
            gpus: None,
            secret: None,
        })
    }

    fn running(boot: u64) -> Observed {
        Observed::Machine(MachineObserved {
            process: Some(ProcessObserved {
                boot,
                up: true,
                ready: true,
            }),
            launched: boot,
            ..MachineObserved::default()
        })
    }

    fn with(spec: Spec, set: impl FnOnce(&mut MachineSpec)) -> Spec {
        match spec {
            Spec::Machine(mut machine) => {
                set(&mut machine);
                Spec::Machine(machine)
            }
            other => other,
        }
    }

    fn nic(public: bool) -> NicSpec {
        let address = Ipv4Addr::new(203, 0, 113, 1);
        NicSpec {
            id: NicId(Uuid::from_u128(1)),
            slot: 0,
            network: ResourceId(Uuid::from_u128(2)),
            mac: Mac(1),
            address: Some(Ipv4Addr::new(10, 0, 0, 2)),
            public: public.then_some(PublicIp {
                id: PublicIpId(Uuid::from_u128(3)),
                address,
            }),
        }
    }

    fn disk(size_gb: u32) -> DiskSpec {
        DiskSpec {
            volume: ResourceId(Uuid::from_u128(4)),
            slot: 0,
            size_gb,
        }
    }

    /// Before and after of every operation that acts.
    fn change(operation: Operation) -> (Spec, Spec) {
        let (on, off) = (Power::On, Power::Off);
        let bare = || machine(on, 1, 2);
        let nics = |nics: Vec<NicSpec>| with(bare(), |it| it.nics = nics);
        let disks = |disks: Vec<DiskSpec>| with(bare(), |it| it.disks = disks);
        let volume = |size_gb| Spec::Volume(VolumeSpec { size_gb });
        let network = |number| {
            Spec::Network(NetworkSpec {
                number,
                subnet: None,
            })
        };
        match operation {
            Operation::VmCreate | Operation::GpuCreate => (Spec::Absent, bare()),
            Operation::VmDelete | Operation::GpuDelete => (bare(), Spec::Absent),
            Operation::VmResize => (bare(), machine(on, 2, 4)),
            Operation::VmStart => (machine(off, 1, 2), machine(on, 2, 2)),
            Operation::VmStop => (bare(), machine(off, 1, 2)),
            Operation::VmReset => (bare(), machine(on, 2, 2)),
            Operation::NicAdd => (bare(), nics(vec![nic(false)])),
            Operation::NicRemove => (nics(vec![nic(false)]), bare()),
            Operation::NicSetPrimary => (bare(), bare()),
            Operation::PublicIpAllocate => (nics(vec![nic(false)]), nics(vec![nic(true)])),
            Operation::PublicIpRelease => (nics(vec![nic(true)]), nics(vec![nic(false)])),
            Operation::VolumeCreate => (Spec::Absent, volume(100)),
            Operation::VolumeDelete => (volume(100), Spec::Absent),
            Operation::VolumeAttach => (bare(), disks(vec![disk(100)])),
            Operation::VolumeDetach => (disks(vec![disk(100)]), bare()),
            Operation::VolumeResize => (disks(vec![disk(100)]), disks(vec![disk(256)])),
            Operation::NetworkCreate => (Spec::Absent, network(1)),
            Operation::NetworkUpdate => (network(1), network(2)),
            Operation::NetworkDelete => (network(1), Spec::Absent),
        }
    }

    /// The last column of the table of operations.
    #[test]
    fn every_operation() {
        for &operation in Operation::ALL {
            let (before, after) = change(operation);
            let expected = match operation {
                Operation::VmDelete
                | Operation::GpuDelete
                | Operation::VolumeDelete
                | Operation::NetworkDelete
                | Operation::VmStop
                | Operation::NicRemove => Retreat::Forward(after.clone()),
                Operation::VmReset => Retreat::Forward(machine(Power::On, 3, 2)),
                // Nobody has seen whether it runs still: a launch with a number of its own.
                Operation::VmResize => Retreat::Back(machine(Power::On, 3, 2)),
                _ => Retreat::Back(before.clone()),
            };
            assert_eq!(back(&before, &after, NOTHING), expected, "{operation:?}");
        }
    }

    /// Sizes that grew stay grown, wherever the volume is.
    #[test]
    fn what_grew_stays_grown() {
        let (before, after) = change(Operation::VolumeResize);
        for (seen, stays) in [(100, 100), (256, 256)] {
            let on_machine = Observed::Machine(MachineObserved {
                disk: DiskObserved::Whole { size_gb: 80 },
                disks: vec![disk(seen)],
                ..MachineObserved::default()
            });
            let standing = Standing {
                observed: Some(&on_machine),
                ..NOTHING
            };
            let expected = with(before.clone(), |it| {
                it.disk_gb = 80;
                it.disks = vec![disk(stays)];
            });
            assert_eq!(back(&before, &after, standing), Retreat::Back(expected));
            let alone = Observed::Volume(DiskObserved::Whole { size_gb: seen });
            let standing = Standing {
                observed: Some(&alone),
                ..NOTHING
            };
            let volume = |size_gb| Spec::Volume(VolumeSpec { size_gb });
            let found = back(&volume(100), &volume(256), standing);
            assert_eq!(found, Retreat::Back(volume(stays)));
        }
    }

    const NOTHING: Standing<'_> = Standing {
        observed: None,
        outstanding: false,
        last_boot: 2,
    };

    /// A boot number is kept only if nothing had happened and nothing can happen any more.
    #[test]
    fn the_boot_number_of_the_way_back() {
        let (before, after) = (machine(Power::On, 1, 2), machine(Power::On, 2, 4));
        let one = running(1);
        let untouched = Standing {
            observed: Some(&one),
            ..NOTHING
        };
        let outstanding = Standing {
            outstanding: true,
            ..untouched
        };
        let cases = [
            ("untouched", untouched, 1),
            ("shut down", NOTHING, 3),
            ("action out", outstanding, 3),
        ];
        for (name, standing, boot) in cases {
            let expected = Retreat::Back(machine(Power::On, boot, 2));
            assert_eq!(back(&before, &after, standing), expected, "{name}");
        }
    }

    /// Forward once more means a launch once more, also where the failed one is still up.
    #[test]
    fn a_second_try_forward_is_a_new_launch() {
        let (before, after) = (machine(Power::On, 1, 2), machine(Power::On, 2, 2));
        let two = running(2);
        let wedged = Standing {
            observed: Some(&two),
            ..NOTHING
        };
        let expected = Retreat::Forward(machine(Power::On, 3, 2));
        assert_eq!(back(&before, &after, wedged), expected);
    }
}
