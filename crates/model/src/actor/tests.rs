mod dark;
mod parts;

use super::{ActionError, ActionRecord, Actor, Effect, Event, Ledger, Moment};
use crate::{
    DriverAbilities,
    job::JobError,
    limits::{MACHINE_STALL_MS, POISON_ATTEMPTS, RETRY_FIRST_MS, RETRY_LONGEST_MS},
    observed::{DiskObserved, MachineObserved, Observed, ProcessObserved},
    plan::Action,
    report::{Assignment, ReportState},
    spec::{MachineSpec, Power, Spec},
};
use api::{JobErrorCode, ResourceId, Timestamp};
use std::collections::BTreeSet;
use uuid::Uuid;

/// What can do everything.
const SIM: DriverAbilities = DriverAbilities::SIM;

const DISK: Action = Action::MakeDisk {
    image: 12,
    size_gb: 40,
};

fn at(steady_ms: u64) -> Moment {
    Moment {
        wall: Timestamp::from_millis(0),
        steady_ms,
    }
}

fn on(boot: u64) -> Spec {
    Spec::Machine(MachineSpec {
        image: 12,
        cpus: 2,
        memory_gb: 4,
        disk_gb: 40,
        power: Power::On,
        boot,
        disks: Vec::new(),
        nics: Vec::new(),
        gpus: None,
        secret: None,
    })
}

fn assigned(generation: u64, spec: Spec) -> Assignment {
    Assignment {
        resource: ResourceId(Uuid::from_u128(1)),
        host: api::HostId(Uuid::nil()),
        generation,
        spec,
        stall_ms: MACHINE_STALL_MS,
        hold: false,
        origin: None,
    }
}

fn seen(machine: MachineObserved) -> Event {
    Event::Observed(Observed::Machine(machine), BTreeSet::new())
}

fn nothing() -> Event {
    seen(MachineObserved::default())
}

fn with_disk() -> MachineObserved {
    MachineObserved {
        disk: DiskObserved::Whole { size_gb: 40 },
        ..MachineObserved::default()
    }
}

fn running(boot: u64) -> MachineObserved {
    MachineObserved {
        process: Some(ProcessObserved {
            boot,
            up: true,
            ready: true,
        }),
        launched: boot,
        ..with_disk()
    }
}

fn failed(permanent: bool) -> Event {
    Event::Ended(Err(ActionError {
        error: JobError::new(JobErrorCode::DriverError, "It broke."),
        permanent,
    }))
}

/// Effects in a few words.
fn words(effects: &[Effect]) -> String {
    let word = |effect: &Effect| match effect {
        Effect::Save(ledger) => format!("save {}/{}", ledger.generation, ledger.settled),
        Effect::Observe => "look".to_owned(),
        Effect::Begin(action) => format!("begin {}", action.phase(&on(1))),
        Effect::Kill => "kill".to_owned(),
        Effect::Report(report) => match &report.state {
            ReportState::Acting => format!("{}: {} left", report.generation, report.remaining),
            ReportState::Settled => format!("{}: settled", report.generation),
            ReportState::Failed(failure) => {
                format!("{}: {:?}", report.generation, failure.error.code)
            }
        },
    };
    effects.iter().map(word).collect::<Vec<_>>().join(", ")
}

/// Hands an event to an actor whose saves all succeed.
fn take(actor: &mut Actor, event: Event, now: Moment) -> Vec<Effect> {
    let mut effects = actor.handle(event, now);
    let mut index = 0;
    while let Some(effect) = effects.get(index) {
        if matches!(effect, Effect::Save(_)) {
            effects.extend(actor.handle(Event::Saved, now));
        }
        index += 1;
    }
    effects
}

/// Takes a new actor through events at their times and compares what it wants done each time.
fn table(actor: &mut Actor, rows: Vec<(u64, Event, &str)>) {
    for (row, (ms, event, expected)) in rows.into_iter().enumerate() {
        let effects = take(actor, event.clone(), at(ms));
        assert_eq!(words(&effects), expected, "row {row}: {event:?} at {ms}");
    }
}

fn new(assignment: Assignment) -> Actor {
    let (actor, effects) = Actor::new(SIM, assignment, Ledger::default(), at(0));
    assert_eq!(words(&effects), "save 1/0, look");
    actor
}

#[test]
fn observe_plan_act_until_nothing_is_left() {
    let mut actor = new(assigned(1, on(1)));
    let ready = seen(running(1));
    let mut launched = running(1);
    launched.process = Some(ProcessObserved {
        boot: 1,
        up: true,
        ready: false,
    });
    let done = || Event::Ended(Ok(()));
    table(
        &mut actor,
        vec![
            (1, nothing(), "save 1/0, 1: 100000 left, begin disk"),
            (2, Event::Progress(500), "save 1/0, 1: 80000 left"),
            (2, Event::Progress(400), ""),
            (3, Event::Tick, ""),
            (4, done(), "look"),
            (5, seen(with_disk()), "save 1/0, 1: 60000 left, begin boot"),
            (6, done(), "look"),
            (7, seen(launched), "save 1/0, 1: 40000 left, begin ready"),
            (8, done(), "look"),
            (9, ready, "save 1/1, 1: settled"),
        ],
    );
    assert_eq!((actor.deadline(), actor.ledger().settled), (None, 1));
}

#[test]
fn a_newer_spec_kills_and_the_newest_is_worked_on() {
    let mut actor = new(assigned(1, on(1)));
    table(
        &mut actor,
        vec![
            (1, nothing(), "save 1/0, 1: 100000 left, begin disk"),
            (2, Event::Assigned(assigned(2, on(2))), "kill"),
            // Killed once; what stands between is never worked on.
            (3, Event::Assigned(assigned(3, Spec::Absent)), ""),
            (4, Event::Progress(900), ""),
            (5, Event::Tick, ""),
            (6, failed(true), "save 3/0, look"),
            (7, nothing(), "save 3/3, 3: settled"),
            (8, Event::Assigned(assigned(2, on(2))), ""),
        ],
    );
}

#[test]
fn an_older_generation_than_the_ledgers_is_refused() {
    let ledger = Ledger {
        generation: 4,
        settled: 3,
        ..Ledger::default()
    };
    for (generation, expected) in [(3, ""), (4, "look"), (5, "save 5/3, look")] {
        let (mut actor, effects) =
            Actor::new(SIM, assigned(generation, on(1)), ledger.clone(), at(0));
        assert_eq!(words(&effects), expected, "{generation}");
        if generation == 3 {
            let rows = vec![
                (1, Event::Tick, ""),
                (2, Event::Assigned(assigned(3, on(1))), ""),
                (
                    3,
                    Event::Assigned(assigned(5, Spec::Absent)),
                    "save 5/3, look",
                ),
            ];
            table(&mut actor, rows);
        }
    }
}

#[test]
fn it_stalls_exactly_at_the_limit() {
    let mut actor = new(assigned(1, on(1)));
    let low = 50;
    let limit = low + MACHINE_STALL_MS;
    table(
        &mut actor,
        vec![
            (1, nothing(), "save 1/0, 1: 100000 left, begin disk"),
            (low, Event::Progress(10), "save 1/0, 1: 99600 left"),
            (limit - 1, Event::Tick, ""),
        ],
    );
    assert_eq!(actor.deadline(), Some(limit));
    table(
        &mut actor,
        vec![
            (limit, Event::Tick, "kill"),
            (limit, Event::Tick, ""),
            (limit + 1, failed(false), "look"),
            (limit + 2, nothing(), "1: Stalled"),
            (limit + 3, Event::Changed, "look"),
            (limit + 4, nothing(), ""),
        ],
    );
}

/// Time down does not count, and what was reached before a restart is no progress the second time.
#[test]
fn after_a_restart_only_what_goes_beyond_the_old_low_is_progress() {
    let mut before = new(assigned(1, on(1)));
    take(&mut before, nothing(), at(1));
    take(&mut before, Event::Progress(500), at(2));
    let later = 10 * MACHINE_STALL_MS;
    let ledger = before.ledger().clone();
    let (mut actor, _) = Actor::new(SIM, assigned(1, on(1)), ledger, at(later));
    let limit = later + MACHINE_STALL_MS;
    table(
        &mut actor,
        vec![
            (later + 1, nothing(), "save 1/0, 1: 100000 left, begin disk"),
            (later + 2, Event::Progress(500), "1: 80000 left"),
            (limit - 1, Event::Tick, ""),
            (limit, Event::Tick, "kill"),
        ],
    );
}

#[test]
fn an_action_that_kills_the_server_does_not_do_so_for_ever() {
    let mut ledger = Ledger::default();
    for attempt in 1..=POISON_ATTEMPTS {
        let (mut actor, _) = Actor::new(SIM, assigned(1, on(1)), ledger, at(0));
        let effects = words(&take(&mut actor, nothing(), at(1)));
        assert!(effects.contains("begin disk"), "{attempt}: {effects}");
        ledger = actor.ledger().clone();
        let expected = ActionRecord {
            generation: 1,
            action: DISK,
            attempt,
            since_low: attempt,
            low: 100_000,
        };
        assert_eq!(ledger.action, Some(expected));
    }
    let (mut actor, _) = Actor::new(SIM, assigned(1, on(1)), ledger.clone(), at(0));
    table(&mut actor, vec![(1, nothing(), "1: Poison")]);
    // Another generation, and a new low, count anew.
    let (mut other, _) = Actor::new(SIM, assigned(2, on(2)), ledger.clone(), at(0));
    let first = "save 2/0, 2: 100000 left, begin disk";
    table(&mut other, vec![(1, nothing(), first)]);
    let (mut lower, _) = Actor::new(SIM, assigned(1, on(1)), ledger, at(0));
    let low = "save 1/0, 1: 60000 left, begin boot";
    table(&mut lower, vec![(1, seen(with_disk()), low)]);
}

#[test]
fn an_empty_plan_is_settled_whatever_the_error_said() {
    for permanent in [true, false] {
        let mut actor = new(assigned(1, on(1)));
        let ready = seen(running(1));
        table(
            &mut actor,
            vec![
                (1, nothing(), "save 1/0, 1: 100000 left, begin disk"),
                (2, failed(permanent), "look"),
                (3, ready, "save 1/1, 1: settled"),
            ],
        );
    }
}

#[test]
fn a_permanent_error_is_told_and_nothing_follows() {
    let mut actor = new(assigned(1, on(1)));
    table(
        &mut actor,
        vec![
            (1, nothing(), "save 1/0, 1: 100000 left, begin disk"),
            (2, failed(true), "look"),
            (3, nothing(), "1: DriverError"),
            (4, Event::Tick, ""),
            (
                5,
                Event::Assigned(assigned(2, Spec::Absent)),
                "save 2/0, look",
            ),
        ],
    );
}

#[test]
fn transient_errors_are_tried_again_with_longer_pauses() {
    let mut actor = new(assigned(1, on(1)));
    let mut now = 1;
    for pause in [1, 2, 4, 8, 16, 16].map(|factor| factor * RETRY_FIRST_MS) {
        assert!(words(&take(&mut actor, nothing(), at(now))).contains("begin disk"));
        assert_eq!(words(&take(&mut actor, failed(false), at(now))), "look");
        assert_eq!(words(&take(&mut actor, nothing(), at(now))), "");
        now += pause;
        assert_eq!(actor.deadline(), Some(now), "{pause}");
        assert_eq!(words(&take(&mut actor, Event::Tick, at(now - 1))), "");
        assert_eq!(words(&take(&mut actor, Event::Tick, at(now))), "look");
    }
    assert_eq!(16 * RETRY_FIRST_MS, RETRY_LONGEST_MS);
}

#[test]
fn a_settled_machine_is_only_watched() {
    let mut actor = new(assigned(1, on(1)));
    let dead = || MachineObserved {
        process: None,
        ..running(1)
    };
    table(
        &mut actor,
        vec![
            (1, seen(running(1)), "save 1/1, 1: settled"),
            (2, Event::Changed, "look"),
            (3, seen(running(1)), ""),
            (4, Event::Changed, "look"),
            (5, seen(dead()), "1: settled"),
            (6, Event::Changed, "look"),
            (7, nothing(), "1: settled"),
        ],
    );
    // Neither does a new actor boot it, or make its disk.
    let (mut again, effects) = Actor::new(SIM, assigned(1, on(1)), actor.ledger().clone(), at(0));
    assert_eq!(words(&effects), "look");
    table(&mut again, vec![(1, nothing(), "1: settled")]);
}

#[test]
fn what_is_on_hold_is_looked_at_and_left_alone() {
    let hold = || Assignment {
        hold: true,
        ..assigned(1, on(1))
    };
    let mut actor = new(hold());
    table(&mut actor, vec![(1, nothing(), ""), (2, Event::Tick, "")]);
    assert_eq!(actor.deadline(), None);
    // Where nothing is left to do, the leftover can be closed.
    let mut done = new(hold());
    let ready = seen(running(1));
    table(&mut done, vec![(1, ready, "save 1/1, 1: settled")]);
}

/// A machine that died while it was looked at was shown as running for ever.
#[test]
fn a_change_during_a_look_is_looked_at_again() {
    let mut actor = new(assigned(1, on(1)));
    table(
        &mut actor,
        vec![
            (1, Event::Changed, ""),
            (2, seen(running(1)), "look"),
            (3, seen(running(1)), "save 1/1, 1: settled"),
            (4, Event::Changed, "look"),
            (5, Event::Changed, ""),
            (6, seen(running(1)), "look"),
            (7, seen(running(1)), ""),
        ],
    );
}

/// With two looks under way, the older answer could come after an action.
#[test]
fn one_look_at_a_time() {
    let mut actor = new(assigned(1, on(1)));
    let reset = || Event::Assigned(assigned(2, on(2)));
    table(
        &mut actor,
        vec![
            (1, seen(running(1)), "save 1/1, 1: settled"),
            (2, Event::Changed, "look"),
            (3, reset(), "save 2/1"),
            (
                4,
                seen(running(1)),
                "save 2/1, 2: 90000 left, begin shutdown",
            ),
        ],
    );
}

#[test]
fn an_engine_that_fell_behind_the_ledger_is_refused_until_it_has_caught_up() {
    let ledger = Ledger {
        generation: 7,
        ..Ledger::default()
    };
    let (mut actor, effects) = Actor::new(SIM, assigned(5, Spec::Absent), ledger, at(0));
    assert_eq!(words(&effects), "");
    table(
        &mut actor,
        vec![
            (0, Event::Assigned(assigned(6, Spec::Absent)), ""),
            (0, Event::Assigned(assigned(7, Spec::Absent)), "look"),
        ],
    );
}
