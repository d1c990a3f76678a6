//! Idempotency keys.

use super::{Lab, OWNER};
use crate::{
    JobState,
    accept::{Idempotency, once},
    course,
    ops::{self, Call},
    resource::Kind,
    secret::Carried,
    writes::AnswerKey,
};
use api::{ErrorCode, ResourceId, machine::MachineRename};

fn key(key: u8, request: u8) -> Option<Idempotency> {
    Some(Idempotency {
        key: AnswerKey([key; 16]),
        request: [request; 16],
    })
}

fn stop(lab: &mut Lab, machine: ResourceId, with: Option<Idempotency>) -> Call {
    let call = lab.run(|it| once(it, with, || ops::vm_stop::accept(it, OWNER, machine)));
    call.expect("a good call")
}

#[test]
fn the_same_key_is_answered_with_the_same_jobs_as_they_are_now() {
    let mut lab = Lab::new();
    let mut body = lab.machine_body(&[]);
    body.number_of_instances = Some(3);
    let accept = |lab: &mut Lab, with| {
        lab.run(|it| {
            once(it, with, || {
                ops::vm_create::accept(it, OWNER, &body, &Carried::default())
            })
        })
    };
    let first = accept(&mut lab, key(1, 1)).expect("good");
    lab.make_defaults();
    lab.made(first[0].id);
    let store = lab.store.clone();
    let again = accept(&mut lab, key(1, 1)).expect("known");
    assert_eq!(lab.store, store, "nothing was written");
    let ids = |jobs: &[crate::Job]| jobs.iter().map(|job| job.id).collect::<Vec<_>>();
    assert_eq!(ids(&again), ids(&first));
    assert_eq!(again[0].state, JobState::Completed);
    let other = accept(&mut lab, key(1, 2)).expect_err("another body");
    assert_eq!(other.code, ErrorCode::IdempotencyKeyReused);
    let second = accept(&mut lab, key(2, 1)).expect("another key");
    assert_ne!(ids(&second), ids(&first));
}

#[test]
fn a_refusal_is_judged_afresh() {
    let mut lab = Lab::new();
    let accept = |lab: &mut Lab| {
        let body = lab.network_body("lan", "10.0.0.0/24");
        lab.run(|it| {
            once(it, key(1, 1), || {
                ops::network_create::accept(it, OWNER, &body)
            })
        })
    };
    let lan = lab.network("lan", "10.0.0.0/24");
    assert_eq!(
        accept(&mut lab).map_err(|it| it.code),
        Err(ErrorCode::Conflict)
    );
    assert!(lab.store.answers.is_empty());
    let delete = lab.ask_delete(lan).expect("unused");
    lab.made(delete);
    assert!(accept(&mut lab).is_ok());
}

#[test]
fn a_call_that_failed_is_judged_afresh_and_one_that_was_as_wished_stays_so() {
    let mut lab = Lab::new();
    let machine = lab.machine(&[]);
    let Call::Job(first) = stop(&mut lab, machine, key(1, 1)) else {
        panic!("it runs");
    };
    let Call::Job(again) = stop(&mut lab, machine, key(1, 1)) else {
        panic!("it is still under way");
    };
    assert_eq!(again.id, first.id);
    lab.step(|it| course::withdraw(it, first.id));
    let Call::Job(second) = stop(&mut lab, machine, key(1, 1)) else {
        panic!("it runs still");
    };
    assert_ne!(second.id, first.id);
    lab.made(second.id);
    assert_eq!(stop(&mut lab, machine, key(2, 1)), Call::AsWished);
    let started = lab.ask_power(crate::Operation::VmStart, machine);
    lab.made(started.expect("off").expect("a job"));
    assert_eq!(stop(&mut lab, machine, key(2, 1)), Call::AsWished);
}

#[test]
fn a_change_without_a_job_is_done_once() {
    let mut lab = Lab::new();
    let machine = lab.machine(&[]);
    let rename = |lab: &mut Lab, name: &str, with| {
        let body = MachineRename {
            name: name.to_owned(),
        };
        let of = (OWNER, machine, Kind::Vm);
        lab.run(|it| once(it, with, || ops::vm_rename::accept(it, of, &body)))
    };
    assert_eq!(rename(&mut lab, "a", key(1, 1)), Ok(()));
    assert_eq!(rename(&mut lab, "b", None), Ok(()));
    assert_eq!(rename(&mut lab, "a", key(1, 1)), Ok(()));
    assert_eq!(lab.resource(machine).name, "b");
}
