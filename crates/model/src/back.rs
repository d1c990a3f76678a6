//! The way back: one pure function for every operation, by class of field.
//!
//! Plain fields take the value before. Where something cannot be taken back (a machine is gone, a
//! machine was switched off or started anew) the job goes forward once more instead.

use crate::spec::{MachineObserved, MachineSpec, Power, Spec};

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
    pub observed: Option<&'a MachineObserved>,
    /// Whether an action may still have an effect.
    pub outstanding: bool,
    /// The highest boot number ever written into a spec of the machine.
    pub last_boot: u64,
}

impl Standing<'_> {
    /// Nothing had happened: the machine still runs for this boot number, and no action is out.
    fn still_runs(&self, boot: u64) -> bool {
        let process = self.observed.and_then(|observed| observed.process);
        !self.outstanding && process.is_some_and(|process| process.up && process.boot == boot)
    }
}

/// The spec that a job retreats to.
pub fn back(before: &Spec, after: &Spec, standing: Standing<'_>) -> Retreat {
    match (before, after) {
        (_, Spec::Absent) => Retreat::Forward(Spec::Absent),
        (Spec::Absent, Spec::Machine(_)) => Retreat::Back(Spec::Absent),
        (Spec::Machine(before), Spec::Machine(after)) => {
            if has_way_back(before, after) {
                Retreat::Back(Spec::Machine(put_back(before, standing)))
            } else {
                let boot = next_boot(after, standing);
                Retreat::Forward(Spec::Machine(MachineSpec {
                    boot,
                    ..after.clone()
                }))
            }
        }
    }
}

/// Switching off and a new launch by itself cannot be taken back; switching on can.
fn has_way_back(before: &MachineSpec, after: &MachineSpec) -> bool {
    match (before.power, after.power) {
        (Power::On, Power::Off) => false,
        (Power::Off, _) => true,
        (Power::On, Power::On) => {
            let size = |machine: &MachineSpec| (machine.cpus, machine.memory_gb, machine.disk_gb);
            size(before) != size(after)
        }
    }
}

/// The machine as before; launched anew, unless it still runs untouched.
fn put_back(before: &MachineSpec, standing: Standing<'_>) -> MachineSpec {
    let boot = if standing.still_runs(before.boot) {
        before.boot
    } else {
        next_boot(before, standing)
    };
    MachineSpec {
        boot,
        ..before.clone()
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
    use crate::spec::{MachineObserved, MachineSpec, Power, ProcessObserved, Spec};

    fn machine(power: Power, boot: u64, cpus: u32) -> Spec {
        Spec::Machine(MachineSpec {
            image: 12,
            cpus,
            memory_gb: 4,
            disk_gb: 40,
            power,
            boot,
        })
    }

    fn running(boot: u64) -> MachineObserved {
        MachineObserved {
            process: Some(ProcessObserved {
                boot,
                up: true,
                ready: true,
            }),
            launched: boot,
            ..MachineObserved::default()
        }
    }

    const NOTHING: Standing<'_> = Standing {
        observed: None,
        outstanding: false,
        last_boot: 2,
    };

    #[test]
    fn table() {
        let (on, off) = (Power::On, Power::Off);
        let forward = |spec| Retreat::Forward(spec);
        let cases = [
            (
                "create",
                Spec::Absent,
                machine(on, 1, 2),
                Retreat::Back(Spec::Absent),
            ),
            (
                "delete",
                machine(on, 1, 2),
                Spec::Absent,
                forward(Spec::Absent),
            ),
            (
                "start",
                machine(off, 1, 2),
                machine(on, 2, 2),
                Retreat::Back(machine(off, 1, 2)),
            ),
            (
                "stop",
                machine(on, 1, 2),
                machine(off, 1, 2),
                forward(machine(off, 1, 2)),
            ),
            (
                "reset",
                machine(on, 1, 2),
                machine(on, 2, 2),
                forward(machine(on, 3, 2)),
            ),
        ];
        for (name, before, after, expected) in cases {
            assert_eq!(back(&before, &after, NOTHING), expected, "{name}");
        }
    }

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
