//! Volumes and the machines that they are on.

use super::{Lab, OWNER, reached};
use crate::{
    JobState, Observed, Operation,
    claim::{Counter, Item, Limits, Measure},
    course,
    facts::Facts,
    observed::DiskObserved,
    ops,
};
use api::{ErrorCode, JobErrorCode, JobId, ResourceId};

fn refused<T: std::fmt::Debug>(outcome: Result<T, crate::Refusal>) -> ErrorCode {
    outcome.expect_err("it is refused").code
}

fn size(lab: &Lab, volume: ResourceId) -> Option<u32> {
    lab.resource(volume).volume_gb()
}

fn machine_of(lab: &Lab, volume: ResourceId) -> Option<ResourceId> {
    lab.resource(volume).volume().and_then(|it| it.machine)
}

fn quota(lab: &Lab, measure: Measure) -> u64 {
    lab.store.used(&Counter::Quota(OWNER, measure))
}

fn room(lab: &Lab) -> u64 {
    lab.store.used(&Counter::Room(lab.host(), Measure::DiskGb))
}

/// A machine with a volume on it.
fn attached() -> (Lab, ResourceId, ResourceId) {
    let mut lab = Lab::new();
    let machine = lab.machine(&[]);
    let volume = lab.volume("data");
    let attach = lab.ask_attach(volume, machine).expect("free");
    lab.made(attach);
    (lab, machine, volume)
}

/// The machine's newest spec reached, but its volume has grown to this.
fn grown(lab: &Lab, machine: ResourceId, size_gb: u32) -> Observed {
    let mut world = reached(&lab.resource(machine).spec);
    if let Observed::Machine(seen) = &mut world {
        for disk in &mut seen.disks {
            disk.size_gb = size_gb;
        }
    }
    world
}

#[test]
fn conflicts_are_told_at_once_where_nothing_waits() {
    let (mut lab, machine, volume) = attached();
    let other = lab.machine(&[]);
    let free = lab.volume("free");
    assert_eq!(
        refused(lab.ask_attach(volume, machine)),
        ErrorCode::InvalidState
    );
    assert_eq!(
        refused(lab.ask_attach(volume, other)),
        ErrorCode::VolumeAttached
    );
    assert_eq!(refused(lab.ask_delete(volume)), ErrorCode::VolumeAttached);
    assert_eq!(refused(lab.ask_detach(free)), ErrorCode::InvalidState);
    for size in [100, 50, 300, -1] {
        assert_eq!(refused(lab.ask_grow(volume, size)), ErrorCode::Validation);
    }
    for name in ["b", "c", "d", "e"] {
        let volume = lab.volume(name);
        let attach = lab.ask_attach(volume, machine).expect("room for five");
        lab.made(attach);
    }
    let refusal = lab.ask_attach(free, machine).expect_err("the sixth");
    assert_eq!(refusal.code, ErrorCode::LimitExceeded);
    assert_eq!(refusal.details.limit, Some(5));
}

#[test]
fn the_same_conflicts_behind_another_job_are_told_in_their_turn() {
    let (mut lab, machine, volume) = attached();
    let other = lab.machine(&[]);
    let claims = lab.store.claims.clone();
    let first = lab.ask_power(Operation::VmStop, machine);
    let late = [
        lab.ask_attach(volume, machine),
        lab.ask_attach(volume, other),
        lab.ask_grow(volume, 100),
        lab.ask_delete(volume),
    ];
    // A delete was accepted: what comes after it is refused at once.
    assert_eq!(refused(lab.ask_detach(volume)), ErrorCode::InvalidState);
    lab.made(first.expect("it runs").expect("a job"));
    for job in late.map(|job| job.expect("judged in its turn")) {
        assert_eq!(
            lab.finish(job),
            JobState::Failed,
            "{:?}",
            lab.job(job).operation
        );
        let code = lab.error(job).map(|it| it.0);
        assert_eq!(code, Some(JobErrorCode::InvalidState));
    }
    assert_eq!(lab.store.claims, claims);
    let detach = lab.ask_detach(volume).expect("the delete failed");
    lab.made(detach);
}

#[test]
fn operations_stand_in_the_lines_of_all_that_they_touch() {
    let mut lab = Lab::new();
    let machine = lab.machine(&[]);
    let other = lab.machine(&[]);
    let volume = lab.volume("data");
    let lines = |lab: &Lab, job: JobId| lab.job(job).lines().to_vec();
    let mut both = vec![machine, volume];
    both.sort_unstable();
    let attach = lab.ask_attach(volume, machine).expect("free");
    assert_eq!(lines(&lab, attach), both);
    // Behind the unfinished attach, all know of the machine, and a delete of it of the volume.
    let grow = lab.ask_grow(volume, 256).expect("larger");
    assert_eq!(lines(&lab, grow), both);
    let detach = lab.ask_detach(volume).expect("judged in its turn");
    assert_eq!(lines(&lab, detach), both);
    let away = lab.ask_attach(volume, other).expect("judged in its turn");
    assert_eq!(lines(&lab, away).len(), 3);
    let delete = lab.ask_delete(machine).expect("it is there");
    assert_eq!(lines(&lab, delete), both);
    assert_eq!(lab.job(delete).blockers, 2);
    let stop = lab.ask_power(Operation::VmStop, other);
    assert_eq!(lines(&lab, stop.expect("it runs").expect("a job")), [other]);
}

/// Acknowledged in this order, done in this order.
#[test]
fn a_machine_is_deleted_behind_an_unfinished_attach() {
    let mut lab = Lab::new();
    let machine = lab.machine(&[]);
    let volume = lab.volume("data");
    let attach = lab.ask_attach(volume, machine).expect("free");
    lab.start(attach);
    let delete = lab.ask_delete(machine).expect("it is there");
    let volume_delete = lab.ask_delete(volume).expect("judged in its turn");
    lab.start(delete);
    assert_eq!(
        lab.state(delete),
        JobState::Pending,
        "the attach is before it"
    );
    lab.settle(machine);
    assert_eq!(machine_of(&lab, volume), Some(machine));
    lab.made(delete);
    assert_eq!(machine_of(&lab, volume), None);
    assert!(lab.resource(volume).is_settled());
    assert_eq!(
        lab.resource(volume).deleting,
        Some(volume_delete),
        "it is kept"
    );
    lab.made(volume_delete);
    assert_eq!(quota(&lab, Measure::VolumeGb), 0);
}

#[test]
fn an_attach_to_a_machine_that_failed_fails() {
    let mut lab = Lab::new();
    let network = lab.network("lan", "10.0.0.0/24");
    let body = lab.machine_body(&[network]);
    let create = lab.ask_machine(&body).expect("good");
    let machine = lab.job(create).resource;
    let volume = lab.volume("data");
    let attach = lab.ask_attach(volume, machine).expect("it is to be");
    assert_eq!(lab.finish_back(create), JobState::Failed);
    assert_eq!(lab.finish(attach), JobState::Failed);
    assert_eq!(
        lab.error(attach).map(|it| it.0),
        Some(JobErrorCode::NotFound)
    );
    assert_eq!(machine_of(&lab, volume), None);
}

/// What grew stays grown, so it is judged by what is seen.
#[test]
fn a_resize_that_failed_after_the_volume_had_grown_completes() {
    let (mut lab, machine, volume) = attached();
    let job = lab.ask_grow(volume, 256).expect("larger");
    lab.start(job);
    let world = grown(&lab, machine, 256);
    lab.fail(machine, Some(world.clone()));
    assert_eq!(lab.state(job), JobState::Reverting);
    assert_eq!(
        size(&lab, volume),
        Some(100),
        "nothing is shown before its end"
    );
    lab.settle_as(machine, world);
    assert_eq!(lab.state(job), JobState::Completed);
    assert_eq!(size(&lab, volume), Some(256));
    assert_eq!(quota(&lab, Measure::VolumeGb), 256);
    let on = lab.resource(machine).shown.machine().expect("there");
    assert_eq!(on.disk(volume).map(|disk| disk.size_gb), Some(256));
    // And what it is then on no machine.
    let detach = lab.ask_detach(volume).expect("it is on one");
    lab.made(detach);
    let own = lab.resource(volume).spec.volume();
    assert_eq!(own.map(|own| own.size_gb), Some(256));
}

#[test]
fn a_resize_that_failed_before_that_gives_its_claims_back() {
    let (mut lab, machine, volume) = attached();
    let claims = lab.store.claims.clone();
    let job = lab.ask_grow(volume, 256).expect("larger");
    lab.start(job);
    assert_eq!(quota(&lab, Measure::VolumeGb), 256);
    let world = grown(&lab, machine, 100);
    lab.fail(machine, Some(world.clone()));
    lab.settle_as(machine, world);
    assert_eq!(lab.state(job), JobState::Failed);
    assert_eq!(lab.store.claims, claims);
    // On no machine it is the same.
    let detach = lab.ask_detach(volume).expect("it is on one");
    lab.made(detach);
    for (seen, state) in [(100, JobState::Failed), (256, JobState::Completed)] {
        let mut lab = lab.clone();
        let job = lab.ask_grow(volume, 256).expect("larger");
        lab.start(job);
        let world = Observed::Volume(DiskObserved::Whole { size_gb: seen });
        lab.fail(volume, Some(world.clone()));
        lab.settle_as(volume, world);
        assert_eq!((lab.state(job), size(&lab, volume)), (state, Some(seen)));
        assert_eq!(quota(&lab, Measure::VolumeGb), u64::from(seen));
    }
}

/// The quota goes by the newest spec, the host's room by what may be there; the machine's volume
/// takes no part in anything until the leftover is closed.
#[test]
fn a_resize_on_a_machine_that_is_left_over() {
    for seen in [100, 256] {
        let (mut lab, machine, volume) = attached();
        let before = (quota(&lab, Measure::VolumeGb), room(&lab));
        let job = lab.ask_grow(volume, 256).expect("larger");
        lab.start(job);
        let world = grown(&lab, machine, seen);
        lab.fail(machine, Some(world.clone()));
        lab.fail(machine, Some(world.clone()));
        assert_eq!(lab.state(job), JobState::Failed);
        assert_eq!(quota(&lab, Measure::VolumeGb), u64::from(seen));
        assert_eq!(room(&lab), before.1 + 156, "the larger of both");
        let refusals = [lab.ask_grow(volume, 512), lab.ask_detach(volume)];
        assert_eq!(refusals.map(refused), [ErrorCode::InvalidState; 2]);
        assert_eq!(refused(lab.ask_delete(volume)), ErrorCode::VolumeAttached);
        lab.settle_as(machine, world);
        assert!(lab.resource(machine).leftover.is_none());
        assert_eq!(size(&lab, volume), Some(seen));
        let extra = u64::from(seen) - 100;
        let after = (quota(&lab, Measure::VolumeGb), room(&lab));
        assert_eq!(after, (before.0 + extra, before.1 + extra));
        let detach = lab.ask_detach(volume).expect("it is closed");
        lab.made(detach);
    }
}

/// A host that comes up again tells of every volume, of one that grows on its machine too.
#[test]
fn what_a_volume_says_of_itself_while_it_is_on_a_machine_shows_nothing() {
    let (mut lab, machine, volume) = attached();
    let job = lab.ask_grow(volume, 256).expect("larger");
    lab.start(job);
    let before = lab.resource(volume).clone();
    lab.settle_as(
        volume,
        Observed::Volume(DiskObserved::Whole { size_gb: 256 }),
    );
    let after = lab.resource(volume).clone();
    assert_eq!((after.status, after.shown), (before.status, before.shown));
    assert_eq!(after.spec, before.spec);
    lab.settle(machine);
    assert_eq!(lab.state(job), JobState::Completed);
    assert_eq!(size(&lab, volume), Some(256));
}

/// An attach that was left over: the volume is in use, whatever its record says.
#[test]
fn a_leftover_keeps_its_attachment() {
    let mut lab = Lab::new();
    let machine = lab.machine(&[]);
    let volume = lab.volume("data");
    let attach = lab.ask_attach(volume, machine).expect("free");
    let acted = lab.leave_over(attach);
    assert_eq!(acted, machine);
    assert_eq!(machine_of(&lab, volume), None);
    let holder = lab.store.holder(&Item::Attachment(volume));
    assert_eq!(holder, Some(machine));
    assert_eq!(refused(lab.ask_delete(volume)), ErrorCode::VolumeAttached);
    let delete = lab.ask_delete(machine).expect("taken over");
    assert_eq!(lab.job(delete).lines().len(), 2, "the volume's too");
    lab.made(delete);
    let delete = lab.ask_delete(volume).expect("free again");
    lab.made(delete);
    assert!(!lab.store.resources.contains_key(&volume));
}

#[test]
fn quotas_say_what_was_asked_and_what_the_limit_is() {
    let mut lab = Lab::new();
    let limits = Limits {
        virtual_machines: Some(1),
        vcpus: Some(4),
        volumes: Some(2),
        volume_gb: Some(300),
        public_ips: Some(0),
        gpus: Some(1),
        ..Limits::default()
    };
    let machine = lab.machine(&[]);
    lab.store.limits.insert(OWNER, limits);
    let volume = lab.volume("data");
    let claims = lab.store.claims.clone();
    let body = lab.machine_body(&[]);
    let nic = lab.nics(machine)[0];
    let asked = [
        lab.ask_machine(&body),
        lab.ask_resize(machine, 47),
        lab.ask_grow(volume, 512),
        lab.ask_of_nic(Operation::PublicIpAllocate, machine, nic),
        lab.ask_gpu(2),
    ];
    let texts = asked.map(|job| {
        let job = job.expect("seen in its turn");
        assert_eq!(lab.finish(job), JobState::Failed);
        let (code, text) = lab.error(job).expect("refused");
        assert_eq!(code, JobErrorCode::QuotaExceeded);
        text.to_owned()
    });
    let expected = [
        "Quota exceeded for virtual machines: asked 1, in use 1, limit 1.",
        "Quota exceeded for vCPUs: asked 6, in use 2, limit 4.",
        "Quota exceeded for volumes in GB: asked 412, in use 100, limit 300.",
        "Quota exceeded for public IPs: asked 1, in use 0, limit 0.",
        "Quota exceeded for vCPUs: asked 32, in use 2, limit 4.",
    ];
    assert_eq!(texts, expected);
    assert_eq!(lab.store.claims, claims);
}

#[test]
fn pools_run_out_with_the_name_of_the_data_centre() {
    let mut lab = Lab::new();
    lab.catalogue.data_centers[0].public_ips = vec!["203.0.113.7".to_owned()];
    let lan = lab.network("lan", "10.0.0.0/24");
    let mut body = lab.machine_body(&[lan]);
    body.allocate_public_ip = Some(true);
    let first = lab.ask_machine(&body).expect("good");
    let first = lab.made(first);
    let claims = lab.store.claims.clone();
    let second = lab.ask_machine(&body).expect("seen in its turn");
    assert_eq!(lab.finish(second), JobState::Failed);
    let text = "Data centre Lab A has no room for another public address.";
    let expected = Some((JobErrorCode::CapacityExceeded, text));
    assert_eq!(lab.error(second), expected);
    assert_eq!(lab.store.claims, claims);
    let delete = lab.ask_delete(first).expect("there");
    lab.made(delete);
    let third = lab.ask_machine(&body).expect("good");
    lab.made(third);
    // GPUs: visibly sold out is said at once, else in its turn.
    lab.catalogue.data_centers[0].host.memory_gb = 4096;
    let eight = lab.ask_gpu(8).expect("there are 8");
    let one = lab.ask_gpu(1).expect("none is taken yet");
    lab.make_defaults();
    lab.made(eight);
    assert_eq!(lab.finish(one), JobState::Failed);
    let text = "Data centre Lab A has no room for 1 NVIDIA H100 (16 vCPUs, 128 GB).";
    let expected = Some((JobErrorCode::CapacityExceeded, text));
    assert_eq!(lab.error(one), expected);
    assert_eq!(refused(lab.ask_gpu(1)), ErrorCode::CapacityExceeded);
    lab.store.limits.insert(
        OWNER,
        Limits {
            gpus: Some(0),
            ..Limits::default()
        },
    );
    assert_eq!(refused(lab.ask_gpu(1)), ErrorCode::GpuNotEnabled);
}

#[test]
fn a_size_that_the_machine_has_by_then_is_refused_in_its_turn() {
    let mut lab = Lab::new();
    let machine = lab.machine(&[]);
    assert_eq!(refused(lab.ask_resize(machine, 45)), ErrorCode::Validation);
    let first = lab.ask_resize(machine, 46).expect("another");
    let second = lab.ask_resize(machine, 46).expect("judged in its turn");
    lab.made(first);
    let boot = lab.resource(machine).last_boot;
    assert_eq!(lab.finish(second), JobState::Failed);
    let code = lab.error(second).map(|it| it.0);
    assert_eq!(code, Some(JobErrorCode::InvalidState));
    assert_eq!(
        lab.resource(machine).last_boot,
        boot,
        "it was not started anew"
    );
}

/// The tenant's own limits of a line: a delete is always admitted.
#[test]
fn a_full_line_takes_deletes_only() {
    let mut lab = Lab::new();
    let machine = lab.machine(&[]);
    let mut last = Ok(JobId(uuid::Uuid::nil()));
    for _ in 0..65 {
        last = lab.ask_resize(machine, 46);
        assert!(last.is_ok());
    }
    let refusal = lab.ask_resize(machine, 46).expect_err("64 wait");
    assert_eq!(refusal.code, ErrorCode::LineFull);
    assert_eq!(refusal.details.limit, Some(64));
    let volume = lab.volume("data");
    assert_eq!(
        refused(lab.ask_attach(volume, machine)),
        ErrorCode::LineFull
    );
    assert!(lab.ask_delete(machine).is_ok());
    let last = last.expect("asked above");
    let cancelled = lab.run(|it| ops::job_cancel::accept(it, OWNER, last));
    assert!(cancelled.is_ok_and(|job| job.state == JobState::Failed));
}

#[test]
fn a_panic_leaves_over_what_there_is() {
    let (mut lab, machine, volume) = attached();
    let detach = lab.ask_detach(volume).expect("it is on one");
    lab.start(detach);
    lab.step(|it| course::give_up(it, machine));
    assert_eq!(lab.state(detach), JobState::Failed);
    let code = lab.error(detach).map(|it| it.0);
    assert_eq!(code, Some(JobErrorCode::InternalError));
    assert_eq!(lab.store.holder(&Item::Attachment(volume)), Some(machine));
    lab.settle(machine);
    assert!(lab.resource(machine).leftover.is_none());
    assert_eq!(lab.store.holder(&Item::Attachment(volume)), None);
}
