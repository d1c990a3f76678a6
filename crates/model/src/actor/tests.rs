use super::{Actor, Event, Ledger, Moment};
use crate::{report::Assignment, spec::Spec};
use api::{ResourceId, Timestamp};
use uuid::Uuid;

fn absent(generation: u64) -> Assignment {
    Assignment {
        resource: ResourceId(Uuid::from_u128(1)),
        generation,
        spec: Spec::Absent,
        stall_ms: 120_000,
        hold: false,
        origin: None,
    }
}

#[test]
fn an_engine_that_fell_behind_the_ledger_is_refused_until_it_has_caught_up() {
    let now = Moment {
        wall: Timestamp::from_millis(0),
        steady_ms: 0,
    };
    let ledger = Ledger {
        generation: 7,
        ..Ledger::default()
    };
    let (mut actor, effects) = Actor::new(absent(5), ledger, now);
    assert!(effects.is_empty());
    assert!(actor.handle(Event::Assigned(absent(6)), now).is_empty());
    assert!(!actor.handle(Event::Assigned(absent(7)), now).is_empty());
}
