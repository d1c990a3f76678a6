//! Drivers that cannot look, or cannot save.

use super::{assigned, at, failed, new, nothing, on, running, seen, table, words};
use crate::{
    actor::{ActionError, Effect, Event},
    job::JobError,
    limits::{MACHINE_STALL_MS, POISON_ATTEMPTS, RETRY_FIRST_MS},
    report::{Assignment, ReportState},
    spec::Spec,
};
use api::JobErrorCode;

fn blind() -> Event {
    Event::Blind(ActionError {
        error: JobError::new(JobErrorCode::DriverError, "It is dark."),
        permanent: false,
    })
}

#[test]
fn who_cannot_see_waits_and_looks_again() {
    let mut actor = new(assigned(1, on(1)));
    let mut now = 1;
    for pause in [1, 2, 4].map(|factor| factor * RETRY_FIRST_MS) {
        table(&mut actor, vec![(now, blind(), "")]);
        now += pause;
        assert_eq!(actor.deadline(), Some(now));
        table(
            &mut actor,
            vec![(now - 1, Event::Tick, ""), (now, Event::Tick, "look")],
        );
    }
    let first = "save 1/0, 1: 100000 left, begin disk";
    table(&mut actor, vec![(now, nothing(), first)]);
}

/// It was kept for ever, with its line.
#[test]
fn who_never_sees_fails_at_the_limit_and_goes_on_looking() {
    let late = MACHINE_STALL_MS;
    let mut actor = new(assigned(1, on(1)));
    table(
        &mut actor,
        vec![(late - 1, blind(), ""), (late, Event::Tick, "look")],
    );
    let effects = actor.handle(blind(), at(late));
    let [Effect::Report(report)] = &effects[..] else {
        panic!("{effects:?}");
    };
    let ReportState::Failed(failure) = &report.state else {
        panic!("{report:?}");
    };
    assert_eq!(failure.error.code, JobErrorCode::Stalled);
    assert_eq!(failure.error.text, "No progress for 120 s. It is dark.");
    assert!(failure.outstanding && report.observed.is_none());
    let next = actor.deadline().unwrap();
    assert!(next > late);
    table(
        &mut actor,
        vec![
            (next, Event::Tick, "look"),
            // Told once.
            (next, blind(), ""),
            // A newer spec has its whole limit.
            (
                next,
                Event::Assigned(assigned(2, Spec::Absent)),
                "save 2/0, look",
            ),
            (next + 1, blind(), ""),
            (next + 501, Event::Tick, "look"),
            (next + 502, nothing(), "save 2/2, 2: settled"),
        ],
    );
}

#[test]
fn what_is_seen_after_that_is_told() {
    let late = MACHINE_STALL_MS;
    let given_up = |assignment: Assignment, told: &str| {
        let mut actor = new(assignment);
        table(
            &mut actor,
            vec![(late, blind(), told), (2 * late, Event::Tick, "look")],
        );
        actor
    };
    let mut settles = given_up(assigned(1, on(1)), "1: Stalled");
    let ready = seen(running(1));
    table(
        &mut settles,
        vec![(2 * late, ready, "save 1/1, 1: settled")],
    );
    // What is not settled then has failed, as was told.
    let mut fails = given_up(assigned(1, on(1)), "1: Stalled");
    table(
        &mut fails,
        vec![
            (2 * late, nothing(), "1: Stalled"),
            (3 * late, Event::Tick, ""),
        ],
    );
    // What is on hold was not to be done.
    let hold = Assignment {
        hold: true,
        ..assigned(1, on(1))
    };
    let mut held = given_up(hold, "");
    table(&mut held, vec![(2 * late, nothing(), "")]);
    assert_eq!(held.deadline(), None);
}

#[test]
fn the_error_of_an_action_is_told_even_if_nobody_sees_what_it_left() {
    let mut actor = new(assigned(1, on(1)));
    let first = "save 1/0, 1: 100000 left, begin disk";
    let late = 1 + MACHINE_STALL_MS;
    table(
        &mut actor,
        vec![
            (1, nothing(), first),
            (2, failed(true), "look"),
            (3, blind(), ""),
            (late, Event::Tick, "look"),
            (late, blind(), "1: DriverError"),
        ],
    );
}

#[test]
fn a_settled_machine_that_nobody_sees_is_looked_at_again_in_its_own_time() {
    let mut actor = new(assigned(1, on(1)));
    let late = 10 * MACHINE_STALL_MS;
    table(
        &mut actor,
        vec![
            (1, seen(running(1)), "save 1/1, 1: settled"),
            (late, Event::Changed, "look"),
            (late, blind(), ""),
            (late + RETRY_FIRST_MS, Event::Tick, "look"),
            (late + RETRY_FIRST_MS, seen(running(1)), "1: settled"),
        ],
    );
}

#[test]
fn nothing_begins_and_nothing_is_settled_that_was_not_saved() {
    let mut actor = new(assigned(1, on(1)));
    let mut now = 1;
    // More often than an action may be begun: none was.
    for _ in 0..=POISON_ATTEMPTS {
        assert_eq!(words(&actor.handle(nothing(), at(now))), "save 1/0");
        assert_eq!(words(&actor.handle(Event::Unsaved, at(now))), "");
        assert_eq!(actor.ledger().action, None);
        now = actor.deadline().unwrap();
        assert_eq!(words(&actor.handle(Event::Tick, at(now))), "look");
    }
    let first = "save 1/0, 1: 100000 left, begin disk";
    table(
        &mut actor,
        vec![(now, nothing(), first), (now, Event::Ended(Ok(())), "look")],
    );
    assert_eq!(
        actor.ledger().action.as_ref().map(|record| record.attempt),
        Some(1)
    );
    let ready = || seen(running(1));
    assert_eq!(words(&actor.handle(ready(), at(now))), "save 1/1");
    assert_eq!(words(&actor.handle(Event::Unsaved, at(now))), "");
    assert_eq!(actor.ledger().settled, 0);
    // Past the limit it says so once; a newer spec, or a save that succeeds, ends it.
    let late = now + MACHINE_STALL_MS;
    table(&mut actor, vec![(late, Event::Tick, "look")]);
    assert_eq!(words(&actor.handle(ready(), at(late))), "save 1/1");
    assert_eq!(words(&actor.handle(Event::Unsaved, at(late))), "1: Stalled");
    assert!(actor.deadline().unwrap() > late);
    table(
        &mut actor,
        vec![
            (2 * late, Event::Tick, "look"),
            (2 * late, ready(), "save 1/1, 1: settled"),
        ],
    );
}

#[test]
fn a_newer_spec_is_taken_where_nothing_could_be_saved() {
    let mut actor = new(assigned(1, on(1)));
    actor.handle(nothing(), at(1));
    actor.handle(Event::Unsaved, at(1));
    table(
        &mut actor,
        vec![
            (
                2,
                Event::Assigned(assigned(2, Spec::Absent)),
                "save 2/0, look",
            ),
            (3, nothing(), "save 2/2, 2: settled"),
        ],
    );
}
