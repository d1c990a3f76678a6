//! The kit: every operation, with every fault at every action, every write and every report; after
//! it the world equals the one before, or the one after.
//!
//! A clean run counts the places first; then one run for each place and kind, which asserts that
//! the fault struck. An operation that is not in the match below does not compile.

use crate::{
    at_rest,
    clients::Change,
    faults::{Faults, Kind, Place, Plan},
    sim::Sim,
};
use api::{ResourceId, TenantId, machine::MachineCreate, machine::MachineStatus};
use model::{
    Job, JobState, Operation,
    accept::Idempotency,
    ops,
    spec::{DiskObserved, Power},
    writes::AnswerKey,
};
use std::collections::BTreeMap;
use uuid::Uuid;

const TENANT: TenantId = TenantId(Uuid::from_u128(0xaaaa));
const KEY: Idempotency = Idempotency {
    key: AnswerKey([7; 16]),
    request: [7; 16],
};

/// What a machine is, as far as its tenant can tell.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    status: MachineStatus,
    power: Option<Power>,
    disk: DiskObserved,
    runs: bool,
    held: u64,
}

/// What became of a machine; `None`: there is none, in the store or in the world.
fn seen(sim: &Sim) -> Option<Seen> {
    let there = sim
        .world
        .machines
        .values()
        .any(|machine| !machine.is_absent());
    let Some(resource) = sim.store.resources.values().next() else {
        assert!(!there, "no record, and something in the world");
        return None;
    };
    let machine = sim.world.machine(resource.id);
    Some(Seen {
        status: resource.record.status,
        power: resource.spec.machine().map(|machine| machine.power),
        disk: machine.disk,
        runs: machine.is_running(),
        held: sim.store.used.values().sum(),
    })
}

fn machine(sim: &Sim) -> ResourceId {
    *sim.store.resources.keys().next().expect("it was prepared")
}

fn create(sim: &mut Sim) -> Option<Vec<Job>> {
    let body = MachineCreate {
        name: "web".to_owned(),
        datacenter_id: sim.catalogue.data_centers[0].id.to_string(),
        image_id: 12,
        configuration_id: 45,
        ..MachineCreate::default()
    };
    let answer = sim.accept("create", |context| {
        ops::vm_create::accept(context, TENANT, &body, Some(KEY))
    });
    answer.map(|answer| answer.expect("a good create"))
}

/// The world that an operation begins in.
fn prepared(operation: Operation, seed: u64) -> Sim {
    let mut sim = Sim::new(seed, Faults::new(Plan::Script(Vec::new())), false);
    if operation != Operation::VmCreate {
        create(&mut sim);
        sim.run();
    }
    if operation == Operation::VmStart {
        let id = machine(&sim);
        sim.change(TENANT, id, Change::Stop);
        sim.run();
    }
    sim
}

fn perform(sim: &mut Sim, operation: Operation) {
    let change = match operation {
        Operation::VmCreate => {
            create(sim);
            return;
        }
        Operation::VmDelete => Change::Delete,
        Operation::VmStart => Change::Start,
        Operation::VmStop => Change::Stop,
        Operation::VmReset => Change::Reset,
    };
    let id = machine(sim);
    sim.change(TENANT, id, change);
}

fn has_way_back(operation: Operation) -> bool {
    match operation {
        Operation::VmCreate | Operation::VmStart => true,
        Operation::VmDelete | Operation::VmStop | Operation::VmReset => false,
    }
}

/// A run of an operation in which faults strike where the script says.
struct Run {
    sim: Sim,
    before: Option<Seen>,
    /// The operation's job, if it was accepted.
    job: Option<Job>,
}

fn run(operation: Operation, seed: u64, script: Vec<(Place, u64, Kind)>) -> Run {
    let mut sim = prepared(operation, seed);
    let known = sim.store.last_number;
    let before = seen(&sim);
    sim.faults.plan = Plan::Script(script);
    sim.faults.on = true;
    sim.patient = true;
    perform(&mut sim, operation);
    sim.run();
    sim.faults.on = false;
    at_rest(&sim, false);
    let job = sim
        .store
        .jobs
        .values()
        .find(|job| job.number > known)
        .cloned();
    Run { sim, before, job }
}

fn clean(operation: Operation, seed: u64) -> (BTreeMap<Place, u64>, Option<Seen>) {
    let run = run(operation, seed, Vec::new());
    let name = operation.definition().name;
    assert_eq!(
        run.job.map(|job| job.state),
        Some(JobState::Completed),
        "{name}"
    );
    (run.sim.faults.passes.clone(), seen(&run.sim))
}

/// How a job ends by one fault.
fn expected(operation: Operation, kind: Kind, run: &Run) -> &'static [JobState] {
    let way_back: &[JobState] = if has_way_back(operation) {
        &[JobState::Failed]
    } else {
        &[JobState::Completed]
    };
    let withdrawn = run.sim.faults.hit(Kind::CallWithdrawnAtBoot) > 0;
    match kind {
        Kind::Permanent | Kind::Stall | Kind::ActorPanics => way_back,
        // After the last effect there is nothing left to plan, whatever the error says.
        Kind::PermanentAfterEffect => &[JobState::Completed, JobState::Failed],
        _ if withdrawn => &[JobState::Failed],
        _ => &[JobState::Completed],
    }
}

fn kinds(place: Place) -> &'static [Kind] {
    match place {
        Place::Action => &[
            Kind::Transient,
            Kind::TransientAfterEffect,
            Kind::Permanent,
            Kind::PermanentAfterEffect,
            Kind::Stall,
            Kind::Slow,
            Kind::CrashInAction,
            Kind::ActorPanics,
        ],
        Place::BeforeCommit => &[Kind::CrashBeforeCommit],
        Place::AfterCommit => &[Kind::CrashAfterCommit],
        Place::BeforeSave => &[Kind::CrashBeforeSave],
        Place::AfterSave => &[Kind::CrashAfterSave],
        Place::Report => &[Kind::ReportLost, Kind::ReportDoubled, Kind::ReportLate],
        Place::Start => &[],
        Place::Save => &[Kind::SaveFails],
        Place::Look => &[Kind::SlowLook, Kind::LookFails],
        Place::Client => &[],
    }
}

#[test]
fn one_fault_anywhere_leaves_the_world_as_before_or_after() {
    let mut runs = 0;
    for &operation in Operation::ALL {
        for seed in 0..6 {
            let (passes, after) = clean(operation, seed);
            for place in passes.keys().copied() {
                for (pass, &kind) in (1..=passes[&place])
                    .flat_map(|pass| kinds(place).iter().map(move |kind| (pass, kind)))
                {
                    let name = operation.definition().name;
                    let at = format!("{name}, seed {seed}: {kind:?} at {place:?} {pass}");
                    let run = run(operation, seed, vec![(place, pass, kind)]);
                    assert_eq!(run.sim.faults.hit(kind), 1, "{at}: did not strike");
                    one_fault(operation, kind, &run, after.as_ref(), &at);
                    if kind == Kind::CrashInAction {
                        resumed(&run, pass, &at);
                    }
                    runs += 1;
                }
            }
        }
    }
    println!("{runs} runs");
}

fn one_fault(operation: Operation, kind: Kind, run: &Run, after: Option<&Seen>, at: &str) {
    let now = seen(&run.sim);
    let Some(job) = &run.job else {
        assert_eq!(kind, Kind::CrashBeforeCommit, "{at}: not accepted");
        assert_eq!(now, run.before, "{at}");
        return;
    };
    let expected = expected(operation, kind, run);
    assert!(expected.contains(&job.state), "{at}: {job:?}");
    if job.state == JobState::Completed {
        assert_eq!(now.as_ref(), after, "{at}: {job:?}");
    } else {
        assert_eq!(now, run.before, "{at}: {job:?}");
    }
}

/// Resumed, not restarted: only the action that was cut off is begun again.
fn resumed(run: &Run, action: u64, at: &str) {
    let job = run.job.as_ref().expect("it ran");
    for (number, phase) in (1..).zip(&job.phases) {
        let attempts = if number == action { 2 } else { 1 };
        assert_eq!(phase.attempt, attempts, "{at}: {phase:?}");
    }
}

/// Two failures: there is neither a way on nor a way back. A new delete clears everything.
#[test]
fn two_failures_leave_over_what_a_delete_clears() {
    for &operation in Operation::ALL {
        let name = operation.definition().name;
        let mut left_over = 0;
        for seed in 0..6 {
            let actions = clean(operation, seed).0[&Place::Action];
            for first in 1..=actions {
                let script = [first, first + 1].map(|pass| (Place::Action, pass, Kind::Permanent));
                let mut run = run(operation, seed, script.to_vec());
                let at = format!("{name}, seed {seed}: actions {first} and {}", first + 1);
                let job = run.job.as_ref().expect("accepted");
                if run.sim.faults.hit(Kind::Permanent) < 2 {
                    assert!(has_way_back(operation), "{at}: nothing was tried again");
                    assert_eq!(seen(&run.sim), run.before, "{at}");
                    continue;
                }
                assert_eq!(job.state, JobState::Failed, "{at}");
                assert_eq!(run.sim.faults.hit(Kind::LeftOver), 1, "{at}");
                left_over += 1;
                refused_but_for_a_delete(&mut run.sim, &at);
            }
        }
        assert!(left_over > 0, "{name} never leaves anything over");
    }
}

fn refused_but_for_a_delete(sim: &mut Sim, at: &str) {
    let id = machine(sim);
    let shown = seen(sim).map(|seen| seen.status);
    assert_eq!(shown, Some(MachineStatus::Error), "{at}");
    let jobs = sim.store.jobs.len();
    for change in [Change::Start, Change::Stop, Change::Reset] {
        sim.change(TENANT, id, change);
    }
    assert_eq!(sim.store.jobs.len(), jobs, "{at}: accepted on a leftover");
    // What is left over is looked at after a restart, and left alone.
    sim.crash();
    sim.run();
    let still = seen(sim).map(|seen| seen.status);
    assert_eq!(
        still,
        Some(MachineStatus::Error),
        "{at}: nobody asked for that"
    );
    sim.change(TENANT, id, Change::Delete);
    sim.run();
    at_rest(sim, true);
}

/// A create is deleted at any moment, with and without a crash right after: one of the two wins,
/// and nothing stays.
#[test]
fn a_create_deleted_at_any_moment() {
    let mut ends = BTreeMap::new();
    for (seed, crash) in (0..8).flat_map(|seed| [(seed, false), (seed, true)]) {
        let mut end = prepared(Operation::VmCreate, seed);
        create(&mut end);
        end.run();
        let begun_ms = prepared(Operation::VmCreate, seed).now_ms;
        let job = end.store.jobs.values().next().expect("accepted");
        let ended_at = job.completed_at.expect("it ran to its end");
        let took_ms = ended_at.as_millis() - job.created_at.as_millis();
        let took_ms = u64::try_from(took_ms).expect("time moves on");
        for at_ms in (begun_ms..begun_ms + took_ms + 200).step_by(20) {
            let mut sim = prepared(Operation::VmCreate, seed);
            create(&mut sim);
            sim.run_until(at_ms);
            let id = machine(&sim);
            sim.change(TENANT, id, Change::Delete);
            if crash {
                sim.crash();
            }
            sim.run();
            at_rest(&sim, true);
            let mut jobs: Vec<_> = sim.store.jobs.values().collect();
            jobs.sort_by_key(|job| job.number);
            let states: Vec<_> = jobs.iter().map(|job| job.state).collect();
            assert_eq!(states[1], JobState::Completed, "seed {seed} at {at_ms}");
            *ends.entry(states[0].as_str()).or_insert(0) += 1;
        }
    }
    println!("creates that were deleted: {ends:?}");
    assert!(ends["failed"] > 100 && ends["completed"] > 0, "{ends:?}");
}

/// What is asked twice is done once; only a reset that is asked for twice is two resets.
#[test]
fn repeated() {
    for &operation in Operation::ALL {
        let (jobs, specs) = match operation {
            Operation::VmCreate | Operation::VmDelete => (1, 1),
            Operation::VmStart | Operation::VmStop => (2, 1),
            Operation::VmReset => (2, 2),
        };
        let name = operation.definition().name;
        let mut sim = prepared(operation, 1);
        let known = sim.store.last_number;
        sim.patient = true;
        perform(&mut sim, operation);
        perform(&mut sim, operation);
        sim.run();
        at_rest(&sim, false);
        let new = sim.store.jobs.values().filter(|job| job.number > known);
        assert_eq!(new.clone().count(), jobs, "{name}");
        assert!(
            new.clone().all(|job| job.state == JobState::Completed),
            "{name}"
        );
        assert_eq!(
            new.filter(|job| job.after.is_some()).count(),
            specs,
            "{name}"
        );
    }
}
