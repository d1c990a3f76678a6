//! Random walks: any operation at any time, hosts that fail as they like, operators who meddle. The
//! laboratory checks the books after every step; in the end everything can be deleted and nothing is
//! held.

use super::{Lab, OWNER, reached};
use crate::{
    JobState, Kind, Observed, Operation, Spec, course,
    observed::{DiskObserved, MachineObserved},
    ops,
};
use api::{JobId, NicId, ResourceId};

/// Walks, and steps of each.
const WALKS: u64 = 60;
const STEPS: usize = 250;

/// Enough chance for a walk (xorshift), the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let sides = u64::try_from(sides).expect("small");
        usize::try_from(self.0 % sides).expect("small")
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        (!of.is_empty()).then(|| of[self.roll(of.len())].clone())
    }
}

fn of_kind(lab: &Lab, kind: Kind) -> Vec<ResourceId> {
    let all = lab.store.resources.values();
    let all = all.filter(|it| it.kind() == kind);
    all.map(|it| it.id).collect()
}

fn acting(lab: &Lab) -> Vec<ResourceId> {
    let all = lab.store.resources.values();
    all.filter(|it| it.acting.is_some())
        .map(|it| it.id)
        .collect()
}

fn left_over(lab: &Lab) -> Vec<ResourceId> {
    let all = lab.store.resources.values();
    all.filter(|it| it.leftover.is_some())
        .map(|it| it.id)
        .collect()
}

fn ready(lab: &Lab) -> Vec<JobId> {
    let jobs = lab.store.jobs.values();
    jobs.filter(|job| job.is_ready())
        .map(|job| job.id)
        .collect()
}

/// What grew before is not smaller now.
fn never_smaller(seen: Option<&Observed>, now: Observed) -> Observed {
    let larger = |was: DiskObserved, is: DiskObserved| match (was.size_gb(), is.size_gb()) {
        (Some(was), Some(is)) => DiskObserved::Whole {
            size_gb: was.max(is),
        },
        _ => is,
    };
    match (seen, now) {
        (Some(Observed::Volume(was)), Observed::Volume(is)) => Observed::Volume(larger(*was, is)),
        (Some(Observed::Machine(was)), Observed::Machine(mut is)) => {
            is.disk = larger(was.disk, is.disk);
            for disk in &mut is.disks {
                let before = was.disk(disk.volume).map_or(0, |disk| disk.size_gb);
                disk.size_gb = disk.size_gb.max(before);
            }
            Observed::Machine(is)
        }
        (_, now) => now,
    }
}

fn end_of(lab: &Lab, id: ResourceId, spec: &Spec) -> Observed {
    never_smaller(lab.resource(id).observed.as_ref(), reached(spec))
}

/// A request of any kind; refused or not.
fn ask(lab: &mut Lab, dice: &mut Dice) {
    let machine = dice.pick(&of_kind(lab, Kind::Vm));
    let network = dice.pick(&of_kind(lab, Kind::Network));
    let volume = dice.pick(&of_kind(lab, Kind::Volume));
    let name = ["a", "b", "c", "default"][dice.roll(4)];
    match (dice.roll(12), machine, network, volume) {
        (0, ..) => {
            let wished: Vec<_> = network.into_iter().filter(|_| dice.roll(2) > 0).collect();
            let mut body = lab.machine_body(&wished);
            body.allocate_public_ip = Some(dice.roll(2) > 0);
            let _ = lab.ask_machine(&body);
        }
        (1, ..) => {
            let cidr = ["10.0.0.0/24", "10.0.0.0/29", "10.0.0.0/15", ""][dice.roll(4)];
            let _ = lab.ask_network(name, cidr);
        }
        (2, ..) => {
            let _ = lab.ask_volume(name);
        }
        (3, ..) => {
            let _ = lab.ask_gpu(1);
        }
        (4, Some(machine), Some(network), _) => {
            let _ = lab.ask_nic(machine, network);
        }
        (5, Some(machine), _, Some(volume)) => {
            let _ = lab.ask_attach(volume, machine);
        }
        (6, _, _, Some(volume)) => {
            let _ = match dice.roll(3) {
                0 => lab.ask_grow(volume, [256, 512][dice.roll(2)]),
                _ => lab.ask_detach(volume),
            };
        }
        (7, _, Some(network), _) => {
            let _ = match dice.roll(3) {
                0 => lab.ask_rename(network, name),
                _ => {
                    let mut body = super::bodies::update();
                    let cidr = ["10.0.0.0/24", "10.0.0.0/28", "10.4.0.0/16"][dice.roll(3)];
                    body.cidr_block = Some(cidr.to_owned());
                    body.name = (dice.roll(2) > 0).then(|| name.to_owned());
                    lab.ask_update(network, &body)
                }
            };
        }
        (8, Some(machine), ..) => {
            let power = [Operation::VmStart, Operation::VmStop, Operation::VmReset];
            let _ = lab.ask_power(power[dice.roll(3)], machine);
        }
        (9, Some(machine), ..) => {
            let _ = lab.ask_resize(machine, [44, 45, 46][dice.roll(3)]);
        }
        (10, Some(machine), ..) => of_nic(lab, dice, machine),
        _ => {
            let all: Vec<_> = lab.store.resources.keys().copied().collect();
            if let Some(id) = dice.pick(&all) {
                let _ = lab.ask_delete(id);
            }
        }
    }
}

fn of_nic(lab: &mut Lab, dice: &mut Dice, machine: ResourceId) {
    let operations = [
        Operation::NicRemove,
        Operation::PublicIpAllocate,
        Operation::PublicIpRelease,
    ];
    let nics = lab.nics(machine);
    let nic: Option<NicId> = dice.pick(&nics);
    let Some(nic) = nic else { return };
    if dice.roll(4) == 0 {
        let of = (OWNER, machine);
        let _ = lab.run(|it| ops::nic_set_primary::accept(it, of, nic));
        return;
    }
    let _ = lab.ask_of_nic(operations[dice.roll(3)], machine, nic);
}

/// Something happens on a host.
fn happen(lab: &mut Lab, dice: &mut Dice, id: ResourceId) {
    let resource = lab.resource(id).clone();
    let job = resource.acting.map(|job| lab.job(job).clone());
    let specs = job.map(|job| [job.before, job.after]);
    match dice.roll(8) {
        0 => {
            // It got as far as either end, or nowhere.
            let specs = specs.into_iter().flatten().flatten().collect::<Vec<_>>();
            let seen = dice.pick(&specs).map(|spec| end_of(lab, id, &spec));
            lab.fail(id, seen);
        }
        1 => lab.fail(id, None),
        2 => {
            let mut seen = end_of(lab, id, &resource.spec);
            if let Observed::Machine(MachineObserved { process, .. }) = &mut seen {
                *process = None;
            }
            lab.settle_as(id, seen);
        }
        3 => {
            lab.step(|it| course::give_up(it, id));
        }
        _ => {
            let seen = end_of(lab, id, &resource.spec);
            lab.settle_as(id, seen);
        }
    }
}

fn meddle(lab: &mut Lab, dice: &mut Dice) {
    let jobs: Vec<JobId> = lab.store.jobs.keys().copied().collect();
    let left = dice.pick(&left_over(lab));
    match (dice.roll(5), dice.pick(&jobs), left) {
        (0, Some(job), _) => {
            let _ = lab.run(|it| ops::job_cancel::accept(it, OWNER, job));
        }
        (1, Some(job), _) => {
            lab.step(|it| course::withdraw(it, job));
        }
        (2, _, Some(left)) => {
            let _ = lab.run(|it| course::retry_leftover(it, left));
        }
        (3, _, Some(left)) => {
            let _ = lab.run(|it| course::settle_leftover(it, left));
        }
        _ => {
            // A host that comes up again tells of whatever it has.
            let all: Vec<_> = lab.store.resources.values().cloned().collect();
            if let Some(one) = dice.pick(&all).filter(|one| one.is_settled()) {
                let seen = end_of(lab, one.id, &one.spec);
                lab.settle_as(one.id, seen);
            }
        }
    }
}

fn answer_wishes(lab: &mut Lab) {
    let jobs = lab.store.jobs.values();
    let wished: Vec<_> = jobs.filter(|job| job.cancel).map(|job| job.id).collect();
    for job in wished {
        lab.step(|it| course::cancel(it, job));
    }
}

/// All that waits has its turn, all that runs ends, all that is left over is settled, but for machines
/// whose networks are not there.
fn quiet(lab: &mut Lab) {
    loop {
        answer_wishes(lab);
        if let Some(&id) = acting(lab).first() {
            let seen = end_of(lab, id, &lab.resource(id).spec);
            lab.settle_as(id, seen);
        } else if let Some(&job) = ready(lab).first() {
            lab.start(job);
        } else {
            let mut left = left_over(lab).into_iter();
            let settles = |lab: &mut Lab, id| lab.run(|it| course::settle_leftover(it, id)).is_ok();
            if !left.any(|id| settles(lab, id)) {
                return;
            }
        }
    }
}

/// One walk to its end.
fn walk(number: u64) -> Lab {
    let mut lab = Lab::new();
    let mut dice = Dice(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    for _ in 0..STEPS {
        let (ready, acting) = (dice.pick(&ready(&lab)), dice.pick(&acting(&lab)));
        match (dice.roll(8), ready, acting) {
            (0..=2, Some(job), _) => lab.start(job),
            (3..=4, _, Some(id)) => happen(&mut lab, &mut dice, id),
            (5, ..) => meddle(&mut lab, &mut dice),
            (6, ..) => answer_wishes(&mut lab),
            _ => ask(&mut lab, &mut dice),
        }
    }
    quiet(&mut lab);
    for kind in [Kind::Vm, Kind::Gpu, Kind::Volume, Kind::Network] {
        for id in of_kind(&lab, kind) {
            let delete = lab.ask_delete(id);
            assert!(delete.is_ok(), "{delete:?}");
        }
        quiet(&mut lab);
    }
    assert!(lab.store.resources.is_empty());
    assert_eq!(lab.store.claims, std::collections::BTreeMap::new());
    let mut jobs = lab.store.jobs.values();
    assert!(jobs.all(|job| job.state.is_final()));
    lab
}

#[test]
fn whatever_happens_the_books_are_right_and_all_can_be_deleted() {
    let mut ends = std::collections::HashSet::new();
    let mut fell = Vec::new();
    for number in 1..=WALKS {
        match std::panic::catch_unwind(|| walk(number)) {
            Ok(lab) => {
                let jobs = lab.store.jobs.values();
                ends.extend(jobs.map(|job| (job.operation, job.state)));
            }
            Err(_) => fell.push(number),
        }
    }
    assert!(fell.is_empty(), "these walks fell: {fell:?}");
    // They have seen each operation end either way.
    for &operation in Operation::ALL {
        for state in [JobState::Completed, JobState::Failed] {
            let seen = ends.contains(&(operation, state));
            assert!(seen, "{operation:?} {state:?}");
        }
    }
}
