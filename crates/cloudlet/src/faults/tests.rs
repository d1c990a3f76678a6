use super::{Faults, Strike, Watch};
use api::{
    JobErrorCode, TenantId,
    admin::{FaultCreate, FaultKind},
};
use model::{operation::Operation, report::Origin};
use uuid::Uuid;

fn fault(operation: &str, kind: FaultKind) -> FaultCreate {
    FaultCreate::new(operation, kind)
}

fn watch(faults: &Faults, phase: &str) -> Watch {
    let origin = Origin {
        tenant: TenantId(Uuid::from_u128(7)),
        operation: Operation::VmCreate,
    };
    faults.watch(origin, phase)
}

#[test]
fn without_a_place_it_strikes_the_first_action_once() {
    let faults = Faults::default();
    faults.place(fault("vm.create", FaultKind::Fail));
    let Some(Strike::Fail(error)) = watch(&faults, "disk").strike(0) else {
        panic!("no strike");
    };
    assert!(error.permanent);
    assert_eq!(error.error.code, JobErrorCode::DriverError);
    assert_eq!(error.error.text, "Fault placed by an operator.");
    assert_eq!(watch(&faults, "disk").strike(0), None);
    assert_eq!(faults.list()[0].hits, 1);
    assert_eq!(faults.list()[0].fault, fault("vm.create", FaultKind::Fail));
}

#[test]
fn every_condition_must_hold() {
    let everything = FaultCreate {
        at_phase: Some("boot".to_owned()),
        at_percent: Some(50),
        ..fault("*", FaultKind::Stall)
    };
    let other_tenant = Some(TenantId(Uuid::from_u128(8)));
    for (placed, phase, percent, strikes) in [
        (everything.clone(), "boot", 50, true),
        (everything.clone(), "boot", 49, false),
        (everything.clone(), "ready", 60, false),
        (fault("vm.delete", FaultKind::Stall), "boot", 50, false),
        (
            FaultCreate {
                tenant_id: other_tenant,
                ..everything.clone()
            },
            "boot",
            50,
            false,
        ),
        (
            FaultCreate {
                probability: Some(0.0),
                ..everything.clone()
            },
            "boot",
            50,
            false,
        ),
        (
            FaultCreate {
                probability: Some(f64::NAN),
                ..everything.clone()
            },
            "boot",
            50,
            false,
        ),
        (
            FaultCreate {
                times: Some(0),
                ..everything
            },
            "boot",
            50,
            false,
        ),
    ] {
        let faults = Faults::default();
        faults.place(placed.clone());
        let struck = watch(&faults, phase).strike(percent);
        assert_eq!(struck == Some(Strike::Stall), strikes, "{placed:?}");
    }
}

#[test]
fn the_chance_is_drawn_once_for_each_action_and_follows_the_seed() {
    let struck = |seed| -> Vec<bool> {
        let faults = Faults::seeded(seed);
        faults.place(FaultCreate {
            probability: Some(0.5),
            times: Some(1_000),
            ..fault("*", FaultKind::Stall)
        });
        let any = |mut watch: Watch| (0..100).any(|percent| watch.strike(percent).is_some());
        (0..100).map(|_| any(watch(&faults, "disk"))).collect()
    };
    let hits = struck(1).iter().filter(|hit| **hit).count();
    assert!((25..75).contains(&hits), "{hits}");
    assert_eq!(struck(1), struck(1));
    assert_ne!(struck(1), struck(2));
}

#[test]
fn faults_are_listed_and_taken_away() {
    let faults = Faults::default();
    let first = faults.place(fault("*", FaultKind::Fail));
    let second = faults.place(fault("*", FaultKind::Stall));
    assert_eq!(faults.list(), [first.clone(), second]);
    assert!(faults.remove(first.id) && !faults.remove(first.id));
    faults.clear();
    assert!(faults.list().is_empty());
}

#[test]
fn what_strikes_requests_strikes_no_job_and_the_reverse() {
    let faults = Faults::default();
    faults.place(fault("*", FaultKind::Http));
    faults.place(fault("*", FaultKind::Drop));
    faults.place(FaultCreate {
        delay_seconds: Some(1.0),
        ..fault("*", FaultKind::Slow)
    });
    assert_eq!(watch(&faults, "disk").strike(0), None);
    faults.place(fault("*", FaultKind::Slow));
    assert_eq!(watch(&faults, "disk").strike(0), Some(Strike::Slow(10.0)));
}
