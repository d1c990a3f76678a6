//! Machines on networks: waiting for them, and healing.

use super::{SIM, assigned, at, new, on, running, seen, table, words};
use crate::{
    actor::{Actor, Event},
    limits::MACHINE_STALL_MS,
    observed::{MachineObserved, Observed, ProcessObserved},
    plan::Action,
    report::Done,
    spec::{Mac, NicSpec, Spec},
};
use api::{NicId, ResourceId};
use std::{collections::BTreeSet, net::Ipv4Addr};
use uuid::Uuid;

const NETWORK: ResourceId = ResourceId(Uuid::from_u128(7));

const NIC: NicSpec = NicSpec {
    id: NicId(Uuid::from_u128(8)),
    slot: 0,
    network: NETWORK,
    mac: Mac(1),
    address: Some(Ipv4Addr::new(10, 0, 0, 2)),
    public: None,
};

fn networked(boot: u64) -> Spec {
    match on(boot) {
        Spec::Machine(mut machine) => {
            machine.nics.push(NIC);
            Spec::Machine(machine)
        }
        other => other,
    }
}

/// A look, while the network hands out ports.
fn ready(machine: MachineObserved) -> Event {
    Event::Observed(Observed::Machine(machine), BTreeSet::from([NETWORK]))
}

fn plugged(boot: u64) -> MachineObserved {
    MachineObserved {
        nics: vec![NIC],
        ..running(boot)
    }
}

fn off() -> MachineObserved {
    MachineObserved {
        process: None,
        launched: 0,
        ..running(1)
    }
}

fn waiting() -> Actor {
    let mut actor = new(assigned(1, networked(1)));
    assert_eq!(actor.networks().collect::<Vec<_>>(), [NETWORK]);
    table(&mut actor, vec![(1, seen(off()), "")]);
    assert_eq!(actor.awaits(), Some(NETWORK));
    assert_eq!(actor.deadline(), Some(1 + MACHINE_STALL_MS));
    actor
}

#[test]
fn it_waits_for_its_network_and_goes_on_when_that_is_there() {
    let mut actor = waiting();
    table(
        &mut actor,
        vec![
            (2, Event::Changed, "look"),
            (3, seen(off()), ""),
            (4, Event::Changed, "look"),
            (5, ready(off()), "save 1/0, 1: 70000 left, begin network"),
            (6, Event::Changed, ""),
        ],
    );
    assert_eq!(actor.awaits(), None);
    let limit = "what is left has its whole time";
    assert_eq!(actor.deadline(), Some(5 + MACHINE_STALL_MS), "{limit}");
    let attempt = actor.ledger().action.as_ref().map(|record| record.attempt);
    assert_eq!(attempt, Some(1), "a wait is no attempt");
}

/// No action is out: there is nothing to kill, and a newer spec is taken at once.
#[test]
fn a_wait_is_given_up_at_the_limit_or_for_a_newer_spec() {
    let limit = 1 + MACHINE_STALL_MS;
    let mut late = waiting();
    table(
        &mut late,
        vec![
            (limit - 1, Event::Tick, ""),
            (limit, Event::Tick, "look"),
            (limit, seen(off()), "1: Stalled"),
        ],
    );
    let mut newer = waiting();
    let absent = Event::Assigned(assigned(2, Spec::Absent));
    table(&mut newer, vec![(2, absent, "save 2/0, look")]);
    assert_eq!(newer.awaits(), None);
}

/// It was killed at once: the limit of what it had settled long ago was over.
#[test]
fn what_is_lost_of_a_settled_machine_is_put_back_in_its_own_time() {
    let mut actor = new(assigned(1, networked(1)));
    let late = 10 * MACHINE_STALL_MS;
    let mut up = plugged(1);
    up.process = up.process.map(|process| ProcessObserved {
        ready: false,
        ..process
    });
    table(
        &mut actor,
        vec![
            (1, ready(up), "save 1/0, 1: 40000 left, begin ready"),
            // A lower low than all that is to be healed.
            (2, Event::Progress(990), "save 1/0, 1: 400 left"),
            (3, Event::Ended(Ok(())), "look"),
            (4, ready(plugged(1)), "save 1/1, 1: settled"),
            (late, Event::Changed, "look"),
            (
                late,
                ready(running(1)),
                "save 1/1, 1: 10000 left, begin network",
            ),
            (late + 1, Event::Tick, ""),
        ],
    );
    assert_eq!(actor.deadline(), Some(late + MACHINE_STALL_MS));
    table(
        &mut actor,
        vec![
            (late + 2, Event::Ended(Ok(())), "look"),
            (late + 3, ready(plugged(1)), "1: settled"),
        ],
    );
}

#[test]
fn what_took_effect_is_told_until_a_newer_spec_was_reached() {
    let mut actor = new(assigned(1, networked(1)));
    let begin = "save 1/0, 1: 70000 left, begin network";
    let mut dark = off();
    table(&mut actor, vec![(1, ready(off()), begin)]);
    dark.nics = vec![NIC];
    // Nobody heard the end of it: what is seen counts.
    let (mut again, effects) = Actor::new(
        SIM,
        assigned(1, networked(1)),
        actor.ledger().clone(),
        at(0),
    );
    assert_eq!(words(&effects), "look");
    let next = "save 1/0, 1: 60000 left, begin boot";
    table(&mut again, vec![(1, ready(dark), next)]);
    let done = Done {
        generation: 1,
        action: Action::PlugNic(NIC),
    };
    assert_eq!(again.ledger().done, [done]);
}
