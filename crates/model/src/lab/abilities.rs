//! A driver that can do a machine's own life and no more.

use super::{Lab, operations::ask, reached};
use crate::{
    DriverAbilities, JobState, Observed, Operation,
    observed::{Ended, MachineObserved},
    render,
    resource::Status,
};
use api::{ErrorCode, JobErrorCode, ResourceId, machine::MachineStatus};

const QEMU: DriverAbilities = DriverAbilities::QEMU;

/// What every driver can do.
const OWN_LIFE: &[Operation] = &[
    Operation::VmDelete,
    Operation::VmStart,
    Operation::VmStop,
    Operation::VmReset,
    Operation::NicSetPrimary,
    Operation::NetworkDelete,
];

#[test]
fn what_the_driver_cannot_do_is_refused_and_leaves_no_trace() {
    for &operation in Operation::ALL {
        let (before, after, asked) = ask(operation, QEMU);
        if OWN_LIFE.contains(&operation) {
            asked.unwrap_or_else(|refusal| panic!("{operation:?}: {refusal:?}"));
            continue;
        }
        let refusal = asked.expect_err(operation.name());
        assert_eq!(refusal.code, ErrorCode::NotSupported, "{refusal:?}");
        assert_eq!(refusal.details.driver.as_deref(), Some("qemu"));
        assert!(refusal.message.contains("qemu"), "{}", refusal.message);
        let of = |lab: &Lab| (lab.store.resources.clone(), lab.store.jobs.clone());
        assert_eq!(of(&before), of(&after), "{operation:?}");
    }
}

#[test]
fn a_machine_may_have_the_one_interface_and_no_public_address() {
    let mut lab = Lab::new();
    let (lan, wan) = (
        lab.network("lan", "10.0.0.0/24"),
        lab.network("wan", "10.1.0.0/24"),
    );
    lab.driver = QEMU;
    let mut public = lab.machine_body(&[lan]);
    public.allocate_public_ip = Some(true);
    for (body, field) in [
        (public, "allocatePublicIp"),
        (lab.machine_body(&[lan, wan]), "networkInterfaces"),
    ] {
        let refusal = lab.ask_machine(&body).expect_err(field);
        assert_eq!(refusal.code, ErrorCode::NotSupported);
        assert_eq!(refusal.details.field.as_deref(), Some(field));
    }
    let body = lab.machine_body(&[lan]);
    lab.ask_machine(&body).expect("that is all right");
}

/// A machine on such a driver that runs.
fn running() -> (Lab, ResourceId) {
    let mut lab = Lab::new();
    lab.driver = QEMU;
    let body = lab.machine_body(&[]);
    let job = lab.ask_machine(&body).expect("it can be made");
    lab.make_defaults();
    lab.made(job);
    (lab.clone(), lab.job(job).resource)
}

fn gone(lab: &Lab, machine: ResourceId, ended: Ended) -> Observed {
    let seen = reached(&lab.resource(machine).spec);
    let seen = seen.machine().cloned().unwrap_or_default();
    Observed::Machine(MachineObserved {
        process: None,
        ended: Some(ended),
        ..seen
    })
}

fn shown(lab: &Lab, machine: ResourceId) -> (Status, Option<String>) {
    let resource = lab.resource(machine);
    let detail = render::machine_detail(resource, &lab.catalogue, lab.driver);
    let row = render::machine_row(resource, &lab.catalogue);
    assert_eq!(detail.status_reason, row.status_reason);
    assert_eq!(detail.notices.len(), 1, "{:?}", detail.notices);
    (resource.status, detail.status_reason)
}

#[test]
fn how_a_machine_ended_is_shown_and_it_can_be_started_again() {
    let died = || Ended::Died {
        reason: "It was killed.".to_owned(),
    };
    for (ended, status, words) in [
        (died(), MachineStatus::Error, "It was killed."),
        (Ended::Quietly, MachineStatus::Shutoff, "It powered off"),
    ] {
        let (mut lab, machine) = running();
        assert_eq!(
            shown(&lab, machine),
            (Status::Machine(MachineStatus::Running), None)
        );
        let seen = gone(&lab, machine, ended);
        lab.settle_as(machine, seen);
        let (is, reason) = shown(&lab, machine);
        assert_eq!(is, Status::Machine(status));
        assert!(reason.expect("it is told").starts_with(words));
        let start = lab.ask_power(Operation::VmStart, machine);
        let start = start.expect("nothing is in the way").expect("it is off");
        lab.made(start);
        assert_eq!(
            shown(&lab, machine),
            (Status::Machine(MachineStatus::Running), None)
        );
        let seen = gone(&lab, machine, died());
        lab.settle_as(machine, seen);
        let stop = lab.ask_power(Operation::VmStop, machine);
        let stop = stop.expect("nothing is in the way").expect("it died");
        lab.start(stop);
        let off = reached(&lab.resource(machine).spec);
        lab.settle_as(machine, off);
        assert_eq!(lab.state(stop), JobState::Completed);
        assert_eq!(
            shown(&lab, machine),
            (Status::Machine(MachineStatus::Shutoff), None)
        );
        let delete = lab.ask_delete(machine).expect("nothing is in the way");
        lab.made(delete);
    }
}

#[test]
fn a_start_that_comes_to_nothing_says_why() {
    let (mut lab, machine) = running();
    let reset = lab.ask_power(Operation::VmReset, machine);
    let reset = reset.expect("it runs").expect("a job");
    lab.start(reset);
    let reason = "It was killed.".to_owned();
    let seen = gone(&lab, machine, Ended::Died { reason });
    lab.settle_as(machine, seen);
    assert_eq!(lab.state(reset), JobState::Failed);
    let (code, text) = lab.error(reset).expect("it failed");
    assert_eq!(code, JobErrorCode::Died);
    assert!(text.ends_with("It was killed."), "{text}");
}
