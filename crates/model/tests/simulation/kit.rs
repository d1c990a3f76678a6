//! The kit: every operation, with every fault at every action, every write, every look and every
//! report; after it the world equals the one before, or the one after, and a failed job's receipt
//! is what the host has done.
//!
//! A clean run counts the places first; then one run for each place and kind, which asserts that
//! the fault struck. Of these runs a part is taken by default; `SIM_KIT=n` takes all of n seeds.

use crate::{
    at_rest,
    cases::{Case, TENANT, refused},
    delete_everything,
    faults::{Kind as Fault, Place, Plan},
    number, receipts,
    requests::{Ask, Change},
    rng::Rng,
    sim::Sim,
    witness::has_way_back,
};
use api::ResourceId;
use model::{
    Job, JobState, Kind, MachineObserved, Observed, Operation,
    accept::Idempotency,
    claim::{Item, Measure},
    observed::DiskObserved,
    resource::{Record, Status},
    spec::Spec,
    writes::AnswerKey,
};
use std::collections::{BTreeMap, BTreeSet};

const KEY: Idempotency = Idempotency {
    key: AnswerKey([7; 16]),
    request: [7; 16],
};

/// Of the runs of one seed, by default so many in a thousand are made.
const PART: u64 = 250;

/// What a resource is, as far as its tenant and its host can tell, whichever launch runs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    name: String,
    status: Status,
    record: Record,
    shown: Spec,
    found: Observed,
    held: BTreeMap<Item, u64>,
}

fn seen(sim: &Sim) -> BTreeMap<ResourceId, Seen> {
    let known = sim.store.resources.values().map(|resource| {
        let mut shown = resource.shown.clone();
        if let Spec::Machine(machine) = &mut shown {
            machine.boot = 0;
        }
        let mut found = sim.world.observe(resource.id);
        if let Observed::Machine(machine) = &mut found {
            without_numbers(machine);
        }
        let rows = sim.store.claims.iter();
        let held = rows.filter(|((holder, _), _)| *holder == resource.id);
        let held = held.map(|((_, item), &amount)| (item.clone(), amount));
        let seen = Seen {
            name: resource.name.clone(),
            status: resource.status,
            record: resource.record.clone(),
            shown,
            found,
            held: held.collect(),
        };
        (resource.id, seen)
    });
    known.collect()
}

fn without_numbers(machine: &mut MachineObserved) {
    machine.launched = 0;
    if let Some(process) = &mut machine.process {
        process.boot = 0;
    }
}

/// A disk that has grown stays so, whatever becomes of the resize that made it grow.
fn but_for_grown_disks(mut all: BTreeMap<ResourceId, Seen>) -> BTreeMap<ResourceId, Seen> {
    for seen in all.values_mut() {
        if let (Spec::Machine(spec), Observed::Machine(found)) = (&mut seen.shown, &mut seen.found)
        {
            spec.disk_gb = 0;
            found.disk = DiskObserved::Absent;
            seen.held
                .retain(|item, _| !matches!(item, Item::Room(_, Measure::DiskGb)));
        }
    }
    all
}

/// A run of an operation in which faults strike where the script says.
struct Run {
    sim: Sim,
    before: BTreeMap<ResourceId, Seen>,
    /// The operation's job, if it was accepted.
    job: Option<Job>,
}

fn run(case: Case, seed: u64, script: Vec<(Place, u64, Fault)>) -> Run {
    let mut sim = case.prepared(seed);
    let known = sim.store.last_number;
    let before = seen(&sim);
    let ask = case.ask(&sim);
    sim.faults.plan = Plan::Script(script);
    sim.faults.on = true;
    sim.send_ask(TENANT, &ask, None);
    sim.run();
    sim.faults.on = false;
    at_rest(&sim, false);
    let jobs = sim.store.jobs.values();
    let job = jobs.filter(|job| job.number > known);
    let job = job.max_by_key(|job| job.number).cloned();
    Run { sim, before, job }
}

fn clean(case: Case, seed: u64) -> (BTreeMap<Place, u64>, BTreeMap<ResourceId, Seen>) {
    let run = run(case, seed, Vec::new());
    let job = run.job.expect("it was accepted");
    assert_eq!(job.state, JobState::Completed, "{}: {job:?}", case.name());
    (run.sim.faults.passes.clone(), seen(&run.sim))
}

/// How a job may end by one fault.
fn expected(case: Case, kind: Fault, run: &Run) -> &'static [JobState] {
    let withdrawn = run.sim.faults.hit(Fault::CallWithdrawnAtBoot) > 0;
    match kind {
        // After the last effect there is nothing left to plan, whatever the error says.
        Fault::Permanent | Fault::Stall | Fault::ActorPanics | Fault::PermanentAfterEffect
            if has_way_back(case.operation) =>
        {
            &[JobState::Completed, JobState::Failed]
        }
        _ if withdrawn => &[JobState::Failed],
        _ => &[JobState::Completed],
    }
}

fn kinds(place: Place) -> &'static [Fault] {
    match place {
        Place::Action => &[
            Fault::Transient,
            Fault::TransientAfterEffect,
            Fault::Permanent,
            Fault::PermanentAfterEffect,
            Fault::Stall,
            Fault::Slow,
            Fault::CrashInAction,
            Fault::ActorPanics,
        ],
        Place::BeforeCommit => &[Fault::CrashBeforeCommit],
        Place::AfterCommit => &[Fault::CrashAfterCommit],
        Place::BeforeSave => &[Fault::CrashBeforeSave],
        Place::AfterSave => &[Fault::CrashAfterSave],
        Place::Report => &[Fault::ReportLost, Fault::ReportDoubled, Fault::ReportLate],
        Place::Save => &[Fault::SaveFails],
        Place::Look => &[Fault::SlowLook, Fault::LookFails],
        Place::Start | Place::Client => &[],
    }
}

/// The seeds that are tried, and of the runs of each how many in a thousand.
fn extent() -> (u64, u64) {
    number("SIM_KIT").map_or((2, PART), |seeds| (seeds, 1_000))
}

#[test]
fn one_fault_anywhere_leaves_the_world_as_before_or_after() {
    let (seeds, part) = extent();
    let mut ends: BTreeMap<(Operation, &'static str), u64> = BTreeMap::new();
    let mut back = 0;
    let mut rng = Rng::new(seeds);
    for (case, seed) in Case::all()
        .into_iter()
        .flat_map(|case| (0..seeds).map(move |seed| (case, seed)))
    {
        let (passes, after) = clean(case, seed);
        let places = passes.iter().flat_map(|(&place, &count)| {
            let kinds = move |pass| kinds(place).iter().map(move |&kind| (place, pass, kind));
            (1..=count).flat_map(kinds)
        });
        for (place, pass, kind) in places {
            if !rng.chance(part) {
                continue;
            }
            let at = format!("{}, seed {seed}: {kind:?} at {place:?} {pass}", case.name());
            let run = run(case, seed, vec![(place, pass, kind)]);
            assert_eq!(run.sim.faults.hit(kind), 1, "{at}: did not strike");
            one_fault(case, kind, &run, &after, &at);
            if kind == Fault::CrashInAction {
                resumed(&run, &at);
            }
            back += run.sim.faults.hit(Fault::CompletedOnTheWayBack);
            if let Some(job) = run.job {
                *ends
                    .entry((case.operation, job.state.as_str()))
                    .or_default() += 1;
            }
        }
    }
    println!("{} runs: {ends:?}", ends.values().sum::<u64>());
    if part < 1_000 {
        return;
    }
    for &operation in Operation::ALL {
        let fails = has_way_back(operation) && operation != Operation::NicSetPrimary;
        let failed = ends.contains_key(&(operation, "failed"));
        assert!(failed || !fails, "{} never fails", operation.name());
    }
    assert!(back > 0, "nothing completes on its way back");
}

fn one_fault(case: Case, kind: Fault, run: &Run, after: &BTreeMap<ResourceId, Seen>, at: &str) {
    let now = seen(&run.sim);
    let Some(job) = &run.job else {
        assert_eq!(kind, Fault::CrashBeforeCommit, "{at}: not accepted");
        assert_eq!(now, run.before, "{at}");
        return;
    };
    let expected = expected(case, kind, run);
    assert!(expected.contains(&job.state), "{at}: {job:?}");
    if job.state == JobState::Completed {
        assert_eq!(&now, after, "{at}: {job:?}");
        return;
    }
    as_before(case, now, run, at);
    receipts::check(&run.sim, job, at);
}

fn as_before(case: Case, now: BTreeMap<ResourceId, Seen>, run: &Run, at: &str) {
    let before = run.before.clone();
    if case.operation == Operation::VmResize {
        let (now, before) = (but_for_grown_disks(now), but_for_grown_disks(before));
        assert_eq!(now, before, "{at}: {:?}", run.job);
    } else {
        assert_eq!(now, before, "{at}: {:?}", run.job);
    }
}

/// Resumed, not restarted: at most the action that was cut off is begun again.
fn resumed(run: &Run, at: &str) {
    let job = run.job.as_ref().expect("it ran");
    let begun = run.sim.world.referee.begun.iter();
    let its_own = begun.filter(|it| it.resource == job.acted() && it.generation >= job.generation);
    let actions: Vec<_> = its_own.map(|it| &it.action).collect();
    let again = (0..actions.len()).filter(|&index| actions[..index].contains(&actions[index]));
    assert!(again.count() <= 1, "{at}: {actions:?}");
}

/// How what is left over is cleared.
#[derive(Clone, Copy, Debug)]
enum Broom {
    Delete,
    Retry,
    ByHand,
}

/// Two failures: there is neither a way on nor a way back.
#[test]
fn two_failures_leave_over_what_a_delete_or_an_operator_clears() {
    let (seeds, part) = extent();
    let mut rng = Rng::new(seeds);
    let mut leave_over = BTreeSet::new();
    for case in Case::all() {
        let mut left_over = 0;
        // Whether half an action is there when it fails, chance decides: some seeds more.
        for seed in 0..seeds.max(10) {
            if left_over > 2 && seed >= seeds {
                break;
            }
            let actions = clean(case, seed).0.get(&Place::Action).copied();
            for first in 1..=actions.unwrap_or(0) {
                for broom in [Broom::Delete, Broom::Retry, Broom::ByHand] {
                    if left_over > 2 && !rng.chance(part) {
                        continue;
                    }
                    left_over += u64::from(two_failures(case, seed, first, broom));
                }
            }
        }
        if left_over > 0 {
            leave_over.insert(case.operation);
        }
    }
    // What is done at one stroke is either done or not, so that nothing of it can be left over.
    let in_steps = |operation: &Operation| {
        let definition = operation.definition();
        definition.creates
            || definition.removes
            || definition.kind == Kind::Vm && definition.must_run
    };
    let missed = Operation::ALL.iter().filter(|it| in_steps(it));
    let missed: Vec<_> = missed.filter(|it| !leave_over.contains(it)).collect();
    assert!(missed.is_empty(), "leave nothing over: {missed:?}");
}

/// Says whether something was left over.
fn two_failures(case: Case, seed: u64, first: u64, broom: Broom) -> bool {
    let script = [first, first + 1].map(|pass| (Place::Action, pass, Fault::Permanent));
    let mut run = run(case, seed, script.to_vec());
    let at = format!(
        "{}, seed {seed}: actions {first} and {}, then {broom:?}",
        case.name(),
        first + 1
    );
    let job = run.job.clone().expect("it was accepted");
    if run.sim.faults.hit(Fault::LeftOver) == 0 {
        // What failed did so only once, or was done all the same.
        let once = run.sim.faults.hit(Fault::Permanent) < 2 || job.state == JobState::Completed;
        assert!(once, "{at}: {job:?}");
        return false;
    }
    assert_eq!(job.state, JobState::Failed, "{at}");
    receipts::check(&run.sim, &job, &at);
    let sim = &mut run.sim;
    let kind = sim.store.resources[&job.acted()].kind();
    refused_but_for_a_delete(sim, job.acted(), &at);
    match broom {
        Broom::Delete => {
            sim.change(TENANT, job.acted(), Change::Delete(kind));
        }
        Broom::Retry => sim.retry_leftover(job.acted()),
        Broom::ByHand => sim.settle_leftover(job.acted()),
    }
    sim.run();
    at_rest(sim, false);
    let left = sim
        .store
        .resources
        .values()
        .find(|it| it.leftover.is_some());
    // A network that machines are on is deleted after them.
    let after_others = matches!(broom, Broom::Delete) && kind == Kind::Network;
    assert!(
        left.is_none() || after_others,
        "{at}: is still left over: {left:?}"
    );
    if let (Broom::Retry, true) = (broom, has_way_back(case.operation)) {
        let now = seen(sim);
        as_before_or_grown(case, now, &run, &at);
    }
    for _ in 0..3 {
        delete_everything(&mut run.sim);
        run.sim.run();
    }
    at_rest(&run.sim, true);
    true
}

/// Tried again, a way back leads back; a volume that has grown stays so.
fn as_before_or_grown(case: Case, now: BTreeMap<ResourceId, Seen>, run: &Run, at: &str) {
    if case.operation != Operation::VolumeResize {
        as_before(case, now, run, at);
    }
}

fn refused_but_for_a_delete(sim: &mut Sim, id: ResourceId, at: &str) {
    let resource = sim.store.resources[&id].clone();
    assert_eq!(resource.status, resource.error_status(), "{at}");
    let jobs = sim.store.jobs.len();
    for change in refused(sim, resource.kind()) {
        sim.send_ask(TENANT, &Ask::Change(id, change), None);
    }
    assert_eq!(sim.store.jobs.len(), jobs, "{at}: accepted on a leftover");
    // What is left over is looked at after a restart, and left alone.
    let effects = sim.world.referee.log.len();
    sim.crash();
    sim.run();
    let of_it = sim.world.referee.log[effects..].iter();
    let of_it: Vec<_> = of_it.filter(|it| it.resource == id).collect();
    assert!(of_it.is_empty(), "{at}: nobody asked for {of_it:?}");
    let status = sim.store.resources[&id].status;
    assert_eq!(status, resource.error_status(), "{at}");
}

/// A create is deleted at any moment, with and without a crash right after: one of the two wins,
/// and nothing stays.
#[test]
fn a_create_deleted_at_any_moment() {
    let (seeds, part) = extent();
    let mut ends = BTreeMap::new();
    let creates = |case: &Case| case.operation.definition().creates;
    for case in Case::all().into_iter().filter(creates) {
        for (seed, crash) in (0..seeds).flat_map(|seed| [(seed, false), (seed, true)]) {
            let end = run(case, seed, Vec::new());
            let job = end.job.expect("it was accepted");
            let begun_ms = case.prepared(seed).now_ms;
            let ended_at = job.completed_at.expect("it ran to its end");
            let took_ms = ended_at.as_millis() - job.created_at.as_millis();
            let took_ms = u64::try_from(took_ms).expect("time moves on");
            let step = usize::try_from(20_000 / part).expect("small");
            for at_ms in (begun_ms..begun_ms + took_ms + 200).step_by(step) {
                let at = format!("{}, seed {seed} at {at_ms}", case.name());
                let how = deleted_at(case, seed, (at_ms, crash), &at);
                *ends.entry((case.operation, how)).or_insert(0) += 1;
            }
        }
    }
    println!("creates that were deleted: {ends:?}");
    for &operation in Operation::ALL {
        if operation.definition().creates {
            assert!(ends[&(operation, "failed")] > 0, "{ends:?}");
            assert!(ends[&(operation, "completed")] > 0, "{ends:?}");
        }
    }
}

fn deleted_at(case: Case, seed: u64, (at_ms, crash): (u64, bool), at: &str) -> &'static str {
    let mut sim = case.prepared(seed);
    let before = seen(&sim);
    let known = sim.store.last_number;
    let ask = case.ask(&sim);
    let answer = sim.send_ask(TENANT, &ask, None);
    let job = answer.expect("nobody was killed").expect("a good create");
    sim.run_until(at_ms);
    let id = job[0].resource;
    let change = Change::Delete(case.operation.definition().kind);
    sim.change(TENANT, id, change);
    if crash {
        sim.crash();
    }
    sim.run();
    at_rest(&sim, false);
    assert_eq!(seen(&sim), before, "{at}");
    let mut jobs: Vec<_> = sim.store.jobs.values().collect();
    jobs.retain(|job| job.number > known);
    jobs.sort_by_key(|job| job.number);
    let states: Vec<_> = jobs.iter().map(|job| job.state).collect();
    assert_eq!(states[1], JobState::Completed, "{at}");
    states[0].as_str()
}

/// What is asked twice with one key is done once and answered alike; only a reset that is asked for
/// twice without one is two resets.
#[test]
fn repeated() {
    for case in Case::all() {
        let name = case.name();
        let mut sim = case.prepared(1);
        let known = sim.store.last_number;
        let ask = case.ask(&sim);
        let [first, again] = [(); 2].map(|()| {
            let jobs = sim.send_ask(TENANT, &ask, Some(KEY));
            let jobs = jobs.expect("nobody was killed").expect("it is right");
            jobs.iter().map(|job| job.id).collect::<Vec<_>>()
        });
        assert_eq!(first, again, "{name}");
        sim.run();
        let late = sim.send_ask(TENANT, &ask, Some(KEY));
        let late = late.expect("nobody was killed").expect("it was accepted");
        assert!(
            late.iter().all(|job| job.state == JobState::Completed),
            "{name}: {late:?}"
        );
        at_rest(&sim, false);
        let new = sim.store.jobs.values().filter(|job| job.number > known);
        assert_eq!(new.count(), 1, "{name}");
    }
    for (operation, specs) in [
        (Operation::VmStart, 1),
        (Operation::VmStop, 1),
        (Operation::VmReset, 2),
    ] {
        let case = Case {
            operation,
            world: "",
        };
        let mut sim = case.prepared(1);
        let known = sim.store.last_number;
        let ask = case.ask(&sim);
        for _ in 0..2 {
            sim.send_ask(TENANT, &ask, None);
        }
        sim.run();
        at_rest(&sim, false);
        let new = sim.store.jobs.values().filter(|job| job.number > known);
        let written = new.filter(|job| job.after.is_some()).count();
        assert_eq!(written, specs, "{}", operation.name());
    }
}
