//! Every operation, through each of its ends.

use super::{Lab, bodies::update, reached};
use crate::{
    DriverAbilities, Job, JobState, Kind, Operation, Refusal, Spec,
    claim::{Item, Measure, Pool},
    course,
    facts::Facts,
    render,
    resource::Status,
};
use api::{
    ErrorCode, JobErrorCode, JobId, ResourceId, machine::MachineStatus, network::NetworkStatus,
    volume::VolumeStatus,
};

/// An operation that was accepted, on a world that is ready for it.
struct Scene {
    /// Before it was accepted.
    before: Lab,
    lab: Lab,
    job: JobId,
}

fn scene(operation: Operation) -> Scene {
    let (before, lab, job) = ask(operation, DriverAbilities::SIM);
    let job = job.expect("all is ready for it");
    Scene { before, lab, job }
}

/// Asks for an operation on a world that is ready for it, where the driver can do no more than this:
/// the world before and after, and what came of it.
pub(super) fn ask(
    operation: Operation,
    driver: DriverAbilities,
) -> (Lab, Lab, Result<JobId, Refusal>) {
    let mut lab = Lab::new();
    let lan = lab.network("lan", "10.0.0.0/24");
    let wan = lab.network("wan", "10.1.0.0/24");
    let machine = lab.machine(&[lan, wan]);
    let volume = lab.volume("data");
    let attached = lab.volume("logs");
    let attach = lab.ask_attach(attached, machine).expect("free");
    lab.made(attach);
    let empty = lab.network("empty", "10.2.0.0/24");
    let nics = lab.nics(machine);
    match operation {
        Operation::VmStart => {
            let stop = lab.ask_power(Operation::VmStop, machine);
            lab.made(stop.expect("it runs").expect("a job"));
        }
        Operation::PublicIpRelease => {
            let give = lab.ask_of_nic(Operation::PublicIpAllocate, machine, nics[0]);
            lab.made(give.expect("it has none"));
        }
        Operation::GpuCreate => {
            let other = lab.machine(&[]);
            let delete = lab.ask_delete(other).expect("it is there");
            lab.made(delete);
        }
        _ => {}
    }
    let gpu = (operation == Operation::GpuDelete).then(|| {
        let job = lab.ask_gpu(2).expect("there are 8");
        lab.make_defaults();
        lab.made(job)
    });
    lab.driver = driver;
    let before = lab.clone();
    let job = match operation {
        Operation::VmCreate => {
            let mut body = lab.machine_body(&[lan, wan]);
            body.allocate_public_ip = Some(true);
            lab.ask_machine(&body)
        }
        Operation::VmDelete => lab.ask_delete(machine),
        Operation::VmResize => lab.ask_resize(machine, 46),
        Operation::VmStart | Operation::VmStop | Operation::VmReset => {
            let call = lab.ask_power(operation, machine);
            call.map(|job| job.expect("it is not as wished"))
        }
        Operation::NicAdd => lab.ask_nic(machine, empty),
        Operation::NicRemove | Operation::NicSetPrimary => {
            lab.ask_of_nic(operation, machine, nics[1])
        }
        Operation::PublicIpAllocate | Operation::PublicIpRelease => {
            lab.ask_of_nic(operation, machine, nics[0])
        }
        Operation::GpuCreate => lab.ask_gpu(2),
        Operation::GpuDelete => lab.ask_delete(gpu.expect("made above")),
        Operation::VolumeCreate => lab.ask_volume("new"),
        Operation::VolumeDelete => lab.ask_delete(volume),
        Operation::VolumeAttach => lab.ask_attach(volume, machine),
        Operation::VolumeDetach => lab.ask_detach(attached),
        Operation::VolumeResize => lab.ask_grow(attached, 256),
        Operation::NetworkCreate => lab.ask_network("new", "10.9.0.0/16"),
        Operation::NetworkUpdate => {
            let mut body = update();
            body.name = Some("renamed".to_owned());
            body.cidr_block = Some("10.3.0.0/24".to_owned());
            lab.ask_update(empty, &body)
        }
        Operation::NetworkDelete => lab.ask_delete(empty),
    };
    (before, lab, job)
}

fn acting() -> impl Iterator<Item = Operation> {
    let all = Operation::ALL.iter().copied();
    all.filter(|operation| *operation != Operation::NicSetPrimary)
}

/// Goes forward instead of back.
fn is_one_way(operation: Operation) -> bool {
    let one_way = [Operation::VmStop, Operation::VmReset, Operation::NicRemove];
    operation.definition().removes || one_way.contains(&operation)
}

/// What is shown, without when and how often.
fn shown(lab: &Lab) -> Vec<(ResourceId, String, Status, Spec, crate::resource::Record)> {
    let all = lab.store.resources.values().cloned();
    let shown = all.map(|it| (it.id, it.name, it.status, it.shown, it.record));
    shown.collect()
}

#[test]
fn what_is_accepted_is_pending_and_tells_nothing_yet() {
    for &operation in Operation::ALL {
        let Scene { before, lab, job } = scene(operation);
        let poll = render::job(lab.job(job));
        assert_eq!(poll.kind, operation.name());
        assert_eq!(
            (poll.progress, poll.resource_id),
            (0, None),
            "{operation:?}"
        );
        assert_eq!(poll.result, None);
        let mut after = shown(&lab);
        if operation.definition().creates {
            after.retain(|it| it.0 != lab.job(job).resource);
        }
        assert_eq!(after, shown(&before), "{operation:?}");
        assert_eq!(lab.job(job).is_listed(), !lab.job(job).is_synchronous());
    }
}

#[test]
fn while_it_runs_only_the_status_has_changed() {
    for operation in acting() {
        let Scene {
            before,
            mut lab,
            job,
        } = scene(operation);
        lab.start(job);
        assert_eq!(lab.state(job), JobState::Running, "{operation:?}");
        let id = lab.job(job).resource;
        let found = lab.resource(id).status;
        if let Some(expected) = operation.definition().status {
            assert_eq!(found, expected, "{operation:?}");
        }
        let strip = |lab: &Lab| {
            let mut all = shown(lab);
            all.retain(|it| before.store.resources.contains_key(&it.0));
            let of = |it: (ResourceId, String, Status, Spec, crate::resource::Record)| {
                (it.0, it.1, it.3, it.4)
            };
            all.into_iter().map(of).collect::<Vec<_>>()
        };
        assert_eq!(strip(&lab), strip(&before), "{operation:?}");
    }
}

#[test]
fn what_completes_tells_its_resource_and_its_result() {
    for &operation in Operation::ALL {
        let Scene { mut lab, job, .. } = scene(operation);
        assert_eq!(lab.finish(job), JobState::Completed, "{operation:?}");
        let made = lab.job(job).clone();
        let poll = render::job(&made);
        let removes = operation.definition().removes;
        assert_eq!(poll.resource_id.is_none(), removes, "{operation:?}");
        assert_eq!((poll.progress, poll.error), (100, None));
        let gone = !lab.store.resources.contains_key(&made.resource);
        assert_eq!(gone, removes, "{operation:?}");
        let keys = match operation {
            Operation::NicAdd | Operation::NicRemove => vec!["networkInterfaceId"],
            Operation::PublicIpAllocate | Operation::PublicIpRelease => {
                vec!["publicIp", "publicIpId"]
            }
            Operation::VolumeAttach | Operation::VolumeDetach => vec!["virtualMachineId"],
            _ => vec![],
        };
        let result = poll.result.unwrap_or_default();
        let found: Vec<_> = result.as_object().into_iter().flatten().collect();
        let found: Vec<_> = found.into_iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(found, keys, "{operation:?}");
        if !gone {
            let expected = lab.resource(made.resource).resting_status();
            assert_eq!(lab.resource(made.resource).status, expected);
        }
    }
}

#[test]
fn what_fails_once_leaves_everything_as_it_was_or_goes_forward() {
    for operation in acting() {
        let Scene {
            before,
            mut lab,
            job,
        } = scene(operation);
        let state = lab.finish_back(job);
        if is_one_way(operation) {
            assert_eq!(state, JobState::Completed, "{operation:?}");
            continue;
        }
        assert_eq!(state, JobState::Failed, "{operation:?}");
        let expected = Some((JobErrorCode::DriverError, "It broke."));
        assert_eq!(lab.error(job), expected, "{operation:?}");
        assert_eq!(lab.store.claims, before.store.claims, "{operation:?}");
        assert_eq!(shown(&lab), shown(&before), "{operation:?}");
        assert_eq!(render::job(lab.job(job)).resource_id, None);
    }
}

/// Everything that a host may still use stays claimed; of the quota only what the newest spec needs.
#[test]
fn what_fails_twice_is_left_over_and_keeps_what_a_host_may_use() {
    for operation in acting() {
        let Scene { mut lab, job, .. } = scene(operation);
        lab.start(job);
        let physical = |lab: &Lab| {
            let mut claims = lab.store.claims.clone();
            claims.retain(|(_, item), _| !matches!(item, Item::Quota(..) | Item::Name(..)));
            claims
        };
        let running = physical(&lab);
        let acted = lab.job(job).acted();
        lab.fail(acted, None);
        lab.fail(acted, None);
        assert_eq!(lab.state(job), JobState::Failed, "{operation:?}");
        assert_eq!(physical(&lab), running, "{operation:?}");
        let text = lab.error(job).expect("it failed").1.to_owned();
        assert!(text.starts_with("Left over: "), "{text}");
        let left = lab.resource(acted).clone();
        assert_eq!(left.status, left.error_status(), "{operation:?}");
        let needs = crate::claim::held(&left, &left.spec);
        for claim in lab.store.claims(acted) {
            if matches!(claim.item, Item::Quota(..)) {
                assert_eq!(needs.get(&claim.item), Some(&claim.amount), "{operation:?}");
            }
        }
    }
}

/// However it is closed, nothing is held that no spec needs (the laboratory checks), and a delete
/// takes it over.
#[test]
fn a_leftover_is_tried_again_settled_or_deleted() {
    for operation in acting() {
        let Scene {
            before,
            mut lab,
            job,
        } = scene(operation);
        let acted = lab.leave_over(job);
        let mut tried = lab.clone();
        let again = tried.run(|it| course::retry_leftover(it, acted));
        assert!(again.is_ok_and(|assignment| !assignment.hold));
        tried.settle(acted);
        let mut settled = lab.clone();
        settled
            .run(|it| course::settle_leftover(it, acted))
            .expect("it is open");
        for (how, after) in [("tried", &tried), ("settled", &settled)] {
            let left = after.store.resources.get(&acted);
            assert!(
                left.is_none_or(|it| it.leftover.is_none()),
                "{operation:?} {how}"
            );
            assert_eq!(after.state(job), JobState::Failed, "{operation:?} {how}");
            if !is_one_way(operation) {
                assert_eq!(
                    after.store.claims, before.store.claims,
                    "{operation:?} {how}"
                );
            }
        }
        // Nothing else may act on it.
        if lab.resource(acted).kind() == Kind::Vm {
            let refused = lab.ask_resize(acted, 47).map_err(|refusal| refusal.code);
            assert_eq!(refused, Err(ErrorCode::InvalidState));
        }
        let Ok(delete) = lab.ask_delete(acted) else {
            assert_eq!(lab.resource(acted).kind(), Kind::Network, "{operation:?}");
            continue;
        };
        lab.made(delete);
        let mut holders = lab.store.claims.keys().map(|(holder, _)| *holder);
        assert!(holders.all(|holder| holder != acted), "{operation:?}");
    }
}

/// One that is cancelled while it runs leaves nothing, with all that it had claimed.
#[test]
fn a_create_that_is_cancelled_while_it_runs() {
    for operation in acting().filter(|operation| operation.definition().creates) {
        let Scene {
            before,
            mut lab,
            job,
        } = scene(operation);
        lab.start(job);
        let owner = super::OWNER;
        let wish = lab.run(|it| crate::ops::job_cancel::accept(it, owner, job));
        assert!(wish.is_ok_and(|job: Job| job.cancel), "{operation:?}");
        lab.step(|it| course::cancel(it, job));
        let made = lab.job(job).resource;
        lab.settle(made);
        let expected = Some((JobErrorCode::Cancelled, "Cancelled on request."));
        assert_eq!(lab.error(job), expected, "{operation:?}");
        assert_eq!(lab.store.claims, before.store.claims, "{operation:?}");
    }
}

/// A host that is drained takes nothing new, and everything else goes on.
#[test]
fn a_drained_host_takes_nothing_new() {
    for operation in acting() {
        let Scene {
            before,
            mut lab,
            job,
        } = scene(operation);
        lab.store.drained.insert(lab.host());
        let state = lab.finish(job);
        let placed = operation.definition().creates && operation != Operation::NetworkCreate;
        if !placed {
            assert_eq!(state, JobState::Completed, "{operation:?}");
            continue;
        }
        let (code, text) = lab.error(job).expect("refused");
        assert_eq!(code, JobErrorCode::CapacityExceeded);
        assert!(
            text.starts_with("Data centre Lab A has no room for "),
            "{text}"
        );
        assert_eq!(lab.store.claims, before.store.claims, "{operation:?}");
    }
}

/// Statuses of what is at rest.
#[test]
fn what_is_at_rest_is_shown_so() {
    let mut lab = Lab::new();
    let machine = lab.machine(&[]);
    let volume = lab.volume("data");
    let running = Status::Machine(MachineStatus::Running);
    let free = Status::Volume(VolumeStatus::Available);
    assert_eq!(lab.resource(machine).status, running);
    assert_eq!(lab.resource(volume).status, free);
    let attach = lab.ask_attach(volume, machine).expect("free");
    lab.made(attach);
    let used = Status::Volume(VolumeStatus::InUse);
    assert_eq!(lab.resource(volume).status, used);
    let mut networks = lab.store.resources.values();
    let network = networks.find(|it| it.kind() == Kind::Network);
    let network = network.expect("the default one").clone();
    assert_eq!(network.status, Status::Network(NetworkStatus::Active));
    // It died: shown as off, its claims stay.
    let mut dead = reached(&lab.resource(machine).spec);
    if let crate::Observed::Machine(seen) = &mut dead {
        seen.process = None;
    }
    let claims = lab.store.claims.clone();
    lab.settle_as(machine, dead);
    let off = Status::Machine(MachineStatus::Shutoff);
    assert_eq!(lab.resource(machine).status, off);
    assert_eq!(lab.store.claims, claims);
    let used = |item: Measure| {
        let counter = crate::claim::Counter::Room(lab.host(), item);
        lab.store.used(&counter)
    };
    assert_eq!(used(Measure::Vcpus), 2);
    let macs = crate::claim::Counter::Pool(Pool::Macs);
    assert_eq!(lab.store.used(&macs), 1);
}
