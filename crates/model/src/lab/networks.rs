//! Networks: names, the default one, addresses, and who may be on them.

use super::{Lab, OTHER, OWNER, bodies::update};
use crate::{
    JobState, Kind, Operation, Resource,
    claim::{Counter, Item, Limits, Measure, Named},
    course,
    facts::Facts,
    ops,
    secret::Carried,
};
use api::{ErrorCode, JobErrorCode, JobId, ResourceId, TenantId};

fn refused<T: std::fmt::Debug>(outcome: Result<T, crate::Refusal>) -> ErrorCode {
    outcome.expect_err("it is refused").code
}

fn defaults(lab: &Lab) -> Vec<Resource> {
    let all = lab.store.resources.values();
    let networks = all.filter(|it| it.network().is_some_and(|record| record.is_default));
    networks.cloned().collect()
}

fn holder(lab: &Lab, name: &str) -> Option<ResourceId> {
    let item = Item::Name(OWNER, Named::Network, name.to_owned());
    lab.store.holder(&item)
}

fn cidr(network: &Resource) -> String {
    let spec = network.spec.network().expect("a network");
    spec.subnet.as_ref().expect("standard").cidr.to_string()
}

#[test]
fn names_are_a_tenants_own_and_free_only_after_the_delete() {
    let mut lab = Lab::new();
    let lan = lab.network("lan", "10.0.0.0/24");
    assert_eq!(
        refused(lab.ask_network("lan", "10.1.0.0/24")),
        ErrorCode::Conflict
    );
    lab.network("LAN", "10.1.0.0/24");
    let body = lab.network_body("lan", "10.0.0.0/24");
    let theirs = lab.run(|it| ops::network_create::accept(it, OTHER, &body));
    assert!(theirs.is_ok());
    let delete = lab.ask_delete(lan).expect("unused");
    assert_eq!(
        refused(lab.ask_network("lan", "10.2.0.0/24")),
        ErrorCode::Conflict
    );
    lab.start(delete);
    assert_eq!(
        refused(lab.ask_network("lan", "10.2.0.0/24")),
        ErrorCode::Conflict
    );
    lab.settle(lan);
    lab.network("lan", "10.2.0.0/24");
    let volume = lab.volume("data");
    assert_eq!(refused(lab.ask_volume("data")), ErrorCode::Conflict);
    let delete = lab.ask_delete(volume).expect("it is on no machine");
    lab.made(delete);
    lab.volume("data");
}

/// Between two calls in line nobody else gets the name that the second was promised.
#[test]
fn renames_in_line_keep_each_name_that_they_were_promised() {
    let mut lab = Lab::new();
    let lan = lab.network("a", "10.0.0.0/24");
    let away = lab.ask_rename(lan, "b").expect("free");
    let same = lab.ask_rename(lan, "b").expect("its own");
    let home = lab.ask_rename(lan, "a").expect("its own");
    for name in ["a", "b"] {
        let other = lab.ask_network(name, "10.1.0.0/24");
        assert_eq!(refused(other), ErrorCode::Conflict);
    }
    lab.made(away);
    assert_eq!(holder(&lab, "a"), Some(lan), "promised to the last call");
    // Withdrawn, the second gives back nothing that the network is called by.
    lab.step(|it| course::withdraw(it, same));
    assert_eq!(holder(&lab, "b"), Some(lan));
    lab.made(home);
    assert_eq!(lab.resource(lan).name, "a");
    assert_eq!((holder(&lab, "a"), holder(&lab, "b")), (Some(lan), None));
}

#[test]
fn a_rename_that_comes_to_nothing_gives_its_name_back() {
    for leave in [false, true] {
        let mut lab = Lab::new();
        let lan = lab.network("a", "10.0.0.0/24");
        let first = lab.ask_rename(lan, "b").expect("free");
        let second = lab.ask_rename(lan, "b").expect("its own");
        lab.step(|it| course::withdraw(it, first));
        assert_eq!(holder(&lab, "b"), Some(lan), "promised to the second call");
        if leave {
            lab.leave_over(second);
        } else {
            assert_eq!(lab.finish_back(second), JobState::Failed);
        }
        assert_eq!((holder(&lab, "a"), holder(&lab, "b")), (Some(lan), None));
    }
}

#[test]
fn the_default_network_is_made_once_and_stays() {
    let mut lab = Lab::new();
    lab.store.limits.insert(
        OWNER,
        Limits {
            networks: Some(0),
            ..Limits::default()
        },
    );
    let body = lab.machine_body(&[]);
    let first = lab.ask_machine(&body).expect("good");
    let second = lab.ask_machine(&body).expect("good");
    let [network] = &defaults(&lab)[..] else {
        panic!("one for both");
    };
    assert_eq!(network.name, "default");
    let create = network.creating.expect("it is being made");
    assert!(!lab.job(create).is_listed());
    assert!(lab.job(create).number < lab.job(first).number);
    lab.make_defaults();
    lab.made(first);
    assert_eq!(lab.finish_back(second), JobState::Failed);
    assert_eq!(defaults(&lab).len(), 1, "the machine failed, it stays");
    let quota = Counter::Quota(OWNER, Measure::Networks);
    assert_eq!(lab.store.used(&quota), 0);
    // Another data centre and another tenant have one of their own.
    let mut other = body.clone();
    other.datacenter_id = lab.catalogue.data_centers[1].id.to_string();
    lab.ask_machine(&other).expect("good");
    let theirs = lab.run(|it| ops::vm_create::accept(it, OTHER, &body, &Carried::default()));
    assert!(theirs.is_ok());
    let names: Vec<_> = defaults(&lab).into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["default", "default-2", "default"]);
}

/// Those of networks that are still being made count too.
#[test]
fn the_default_network_lies_beside_the_tenants_own() {
    let mut lab = Lab::new();
    lab.network("default", "10.0.0.0/15");
    lab.ask_network("waits", "10.2.7.0/24").expect("good");
    let body = lab.network_body("theirs", "10.3.0.0/16");
    let theirs = lab.run(|it| ops::network_create::accept(it, OTHER, &body));
    assert!(theirs.is_ok());
    lab.machine(&[]);
    let [network] = &defaults(&lab)[..] else {
        panic!("one");
    };
    assert_eq!(
        (network.name.as_str(), cidr(network).as_str()),
        ("default-2", "10.3.0.0/16")
    );
}

#[test]
fn after_its_delete_there_is_a_new_default_network() {
    let mut lab = Lab::new();
    let machine = lab.machine(&[]);
    let first = defaults(&lab)[0].id;
    assert_eq!(refused(lab.ask_delete(first)), ErrorCode::NetworkInUse);
    let delete = lab.ask_delete(machine).expect("there");
    lab.made(delete);
    let delete = lab.ask_delete(first).expect("unused");
    assert_eq!(lab.ask_delete(first), Ok(delete), "one delete");
    // While it goes there is a new one already, of another name.
    lab.machine(&[]);
    let names: Vec<_> = defaults(&lab).into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["default", "default-2"]);
    lab.made(delete);
    lab.machine(&[]);
    assert_eq!(defaults(&lab).len(), 1);
}

/// It was the default one no more, and a second was made beside it.
#[test]
fn a_delete_of_the_default_network_that_is_cancelled_changes_nothing() {
    let mut lab = Lab::new();
    let machine = lab.machine(&[]);
    let network = defaults(&lab)[0].id;
    let delete = lab.ask_delete(machine).expect("there");
    lab.made(delete);
    let claims = lab.store.claims.clone();
    let delete = lab.ask_delete(network).expect("unused");
    let cancelled = lab.run(|it| ops::job_cancel::accept(it, OWNER, delete));
    assert!(cancelled.is_ok());
    assert_eq!(lab.store.claims, claims);
    lab.machine(&[]);
    assert_eq!(defaults(&lab).len(), 1);
}

/// A machine is acknowledged only on a network that is to stay.
#[test]
fn nothing_comes_onto_a_network_that_goes() {
    let mut lab = Lab::new();
    let gone = lab.network("gone", "10.0.0.0/24");
    lab.ask_delete(gone).expect("unused");
    let left = lab.network("left", "10.1.0.0/24");
    let delete = lab.ask_delete(left).expect("unused");
    lab.leave_over(delete);
    let create = lab.ask_network("cancelled", "10.2.0.0/24").expect("good");
    let cancelled = lab.job(create).resource;
    lab.start(create);
    let wish = lab.run(|it| ops::job_cancel::accept(it, OWNER, create));
    assert!(wish.is_ok());
    let stays = lab.network("stays", "10.3.0.0/24");
    let machine = lab.machine(&[stays]);
    for network in [gone, left, cancelled] {
        let body = lab.machine_body(&[network]);
        assert_eq!(refused(lab.ask_machine(&body)), ErrorCode::InvalidState);
        assert_eq!(
            refused(lab.ask_nic(machine, network)),
            ErrorCode::InvalidState
        );
    }
    lab.step(|it| course::cancel(it, create));
    let body = lab.machine_body(&[cancelled]);
    assert_eq!(refused(lab.ask_machine(&body)), ErrorCode::InvalidState);
}

#[test]
fn a_network_with_planned_interfaces_is_neither_deleted_nor_cancelled() {
    let mut lab = Lab::new();
    let create = lab.ask_network("lan", "10.0.0.0/24").expect("good");
    let lan = lab.job(create).resource;
    let body = lab.machine_body(&[lan]);
    let machine = lab.ask_machine(&body).expect("good");
    for _ in 0..2 {
        let cancel = lab.run(|it| ops::job_cancel::accept(it, OWNER, create));
        assert_eq!(refused(cancel), ErrorCode::TooLate);
        assert_eq!(refused(lab.ask_delete(lan)), ErrorCode::NetworkInUse);
        lab.start(create);
    }
    // It fails all the same; the machine is then told, and leaves nothing.
    lab.fail(lan, None);
    lab.start(machine);
    assert_eq!(lab.state(machine), JobState::Failed, "it is on its way out");
    lab.settle(lan);
    assert_eq!(
        lab.error(machine).map(|it| it.0),
        Some(JobErrorCode::NotFound)
    );
    assert!(lab.store.claims.is_empty() && lab.store.resources.is_empty());
}

#[test]
fn a_machine_that_waits_for_a_network_that_fails_is_put_back() {
    let mut lab = Lab::new();
    let create = lab.ask_network("lan", "10.0.0.0/24").expect("good");
    let lan = lab.job(create).resource;
    let body = lab.machine_body(&[lan]);
    let job = lab.ask_machine(&body).expect("good");
    let machine = lab.job(job).resource;
    lab.start(create);
    lab.start(job);
    lab.fail(lan, None);
    lab.settle(lan);
    assert!(!lab.store.resources.contains_key(&lan));
    lab.fail(machine, None);
    lab.settle(machine);
    assert!(lab.store.claims.is_empty() && lab.store.resources.is_empty());
}

/// The machine's interface stays on it for as long as its host may still use it.
#[test]
fn a_network_outlives_the_leftovers_on_it() {
    let mut lab = Lab::new();
    let lan = lab.network("lan", "10.0.0.0/24");
    let body = lab.machine_body(&[lan]);
    let job = lab.ask_machine(&body).expect("good");
    let machine = lab.leave_over(job);
    assert_eq!(refused(lab.ask_delete(lan)), ErrorCode::NetworkInUse);
    let delete = lab.ask_delete(machine).expect("taken over");
    lab.made(delete);
    let delete = lab.ask_delete(lan).expect("unused");
    lab.made(delete);
    assert!(lab.store.claims.is_empty());
}

#[test]
fn a_network_without_a_free_address_says_so() {
    let mut lab = Lab::new();
    let lan = lab.network("lan", "10.0.0.0/30");
    let machine = lab.machine(&[lan]);
    let claims = lab.store.claims.clone();
    let body = lab.machine_body(&[lan]);
    let second = lab.ask_machine(&body).expect("seen when its turn comes");
    assert_eq!(lab.finish(second), JobState::Failed);
    let expected = (
        JobErrorCode::CapacityExceeded,
        "Network lan has no free address left.",
    );
    assert_eq!(lab.error(second), Some(expected));
    let third = lab.ask_nic(machine, lan).expect("seen when its turn comes");
    assert_eq!(lab.finish(third), JobState::Failed);
    assert_eq!(lab.error(third), Some(expected));
    assert_eq!(lab.store.claims, claims);
}

#[test]
fn a_change_spares_the_addresses_of_machines() {
    let mut lab = Lab::new();
    let lan = lab.network("lan", "10.0.0.0/24");
    // .2 and .3
    lab.machine(&[lan]);
    lab.machine(&[lan]);
    let change = |cidr: &str, gateway: &str| {
        let mut body = update();
        body.cidr_block = Some(cidr.to_owned());
        body.default_route = Some(gateway.to_owned());
        body
    };
    let cases = [
        ("10.0.0.0/16", "", None),
        ("10.0.1.0/24", "", Some("cidrBlock")),
        // .3 would be the broadcast address.
        ("10.0.0.0/30", "", Some("cidrBlock")),
        ("10.0.0.0/24", "10.0.0.3", Some("defaultRoute")),
        ("10.0.0.0/24", "10.0.0.4", None),
    ];
    for (cidr, gateway, field) in cases {
        let mut lab = lab.clone();
        let outcome = lab.ask_update(lan, &change(cidr, gateway));
        match field {
            None => assert!(outcome.is_ok(), "{cidr} {gateway}: {outcome:?}"),
            Some(field) => {
                let refusal = outcome.expect_err(cidr);
                assert_eq!(refusal.code, ErrorCode::NetworkInUse, "{cidr}");
                assert_eq!(refusal.details.field.as_deref(), Some(field));
            }
        }
    }
    // What has no form is said at once, whatever waits.
    let rename = lab.ask_rename(lan, "lan-2").expect("free");
    let nonsense = lab.ask_update(lan, &change("ten", ""));
    assert_eq!(refused(nonsense), ErrorCode::Validation);
    let conflict = lab.ask_update(lan, &change("10.0.1.0/24", ""));
    let conflict = conflict.expect("judged when its turn comes");
    lab.made(rename);
    assert_eq!(lab.finish(conflict), JobState::Failed);
    assert_eq!(
        lab.error(conflict).map(|it| it.0),
        Some(JobErrorCode::InvalidState)
    );
}

/// The change may be put back: an address given out meanwhile is then right too.
#[test]
fn what_is_given_out_during_a_change_is_right_after_its_way_back() {
    let mut lab = Lab::new();
    let lan = lab.network("lan", "10.0.0.0/24");
    let mut body = update();
    body.cidr_block = Some("10.0.0.0/16".to_owned());
    let change = lab.ask_update(lan, &body).expect("nothing is on it");
    lab.start(change);
    // The last one given out lies far off.
    let pool = crate::claim::Pool::Private(lan);
    lab.store.last_given.insert(pool, 0x0a00_7000);
    let machine = lab.machine(&[lan]);
    lab.fail(lan, None);
    lab.settle(lan);
    let spec = lab.resource(lan).spec.network().expect("there").clone();
    let subnet = spec.subnet.expect("standard");
    let nic = lab.resource(machine).spec.machine().expect("there").nics[0];
    let address = nic.address.expect("standard");
    assert!(
        subnet.cidr.contains(address),
        "{address} in {}",
        subnet.cidr
    );
}

#[test]
fn limits_of_interfaces_count_planned_ones() {
    let mut lab = Lab::new();
    let lan = lab.network("lan", "10.0.0.0/24");
    let machine = lab.machine(&[lan]);
    let jobs: Vec<JobId> = (0..4)
        .map(|_| lab.ask_nic(machine, lan).expect("room for five"))
        .collect();
    let refusal = lab.ask_nic(machine, lan).expect_err("the sixth");
    assert_eq!(refusal.code, ErrorCode::LimitExceeded);
    assert_eq!(refusal.details.limit, Some(5));
    for job in jobs {
        lab.made(job);
    }
    assert_eq!(refused(lab.ask_nic(machine, lan)), ErrorCode::LimitExceeded);
    let nics = lab.nics(machine);
    let slots = |lab: &Lab| {
        let machine = lab.resource(machine).shown.machine().expect("there");
        let mut slots: Vec<_> = machine.nics.iter().map(|nic| nic.slot).collect();
        slots.sort_unstable();
        slots
    };
    assert_eq!(slots(&lab), [0, 1, 2, 3, 4]);
    let remove = lab.ask_of_nic(Operation::NicRemove, machine, nics[2]);
    lab.made(remove.expect("not primary"));
    let add = lab.ask_nic(machine, lan).expect("room again");
    lab.made(add);
    assert_eq!(slots(&lab), [0, 1, 2, 3, 4]);
}

#[test]
fn what_is_asked_of_an_interface_is_judged_at_once_or_in_its_turn() {
    let mut lab = Lab::new();
    let lan = lab.network("lan", "10.0.0.0/24");
    let plain = lab.network("plain", "");
    let machine = lab.machine(&[lan, plain]);
    let nics = lab.nics(machine);
    let primary = lab.ask_of_nic(Operation::NicRemove, machine, nics[0]);
    assert_eq!(refused(primary), ErrorCode::InvalidState);
    let cases = [
        (Operation::PublicIpRelease, nics[0]),
        (Operation::PublicIpAllocate, nics[1]),
    ];
    for (operation, nic) in cases {
        let outcome = lab.ask_of_nic(operation, machine, nic);
        assert_eq!(refused(outcome), ErrorCode::InvalidState, "{operation:?}");
    }
    let unknown = lab.ask_of_nic(Operation::NicRemove, machine, api::NicId(plain.0));
    assert_eq!(refused(unknown), ErrorCode::NotFound);
    // The same behind another job.
    let claims = lab.store.claims.clone();
    let give = lab.ask_of_nic(Operation::PublicIpAllocate, machine, nics[0]);
    let give = give.expect("it has none");
    let late = [
        (Operation::NicRemove, nics[0], JobErrorCode::InvalidState),
        (
            Operation::PublicIpAllocate,
            nics[0],
            JobErrorCode::InvalidState,
        ),
        (
            Operation::PublicIpAllocate,
            nics[1],
            JobErrorCode::InvalidState,
        ),
    ];
    let late = late.map(|(operation, nic, code)| {
        let job = lab.ask_of_nic(operation, machine, nic);
        (job.expect("judged in its turn"), code)
    });
    let take = lab.ask_of_nic(Operation::PublicIpRelease, machine, nics[0]);
    lab.made(give);
    for (job, code) in late {
        assert_eq!(lab.finish(job), JobState::Failed);
        assert_eq!(lab.error(job).map(|it| it.0), Some(code));
    }
    lab.made(take.expect("it has one by then"));
    assert_eq!(lab.store.claims, claims);
    // An interface that is not there yet can be spoken of, and may never come.
    let add = lab.ask_nic(machine, lan).expect("room");
    let crate::Wish::Nic(planned) = lab.job(add).wish else {
        panic!("an interface");
    };
    let give = lab.ask_of_nic(Operation::PublicIpAllocate, machine, planned.id);
    assert_eq!(lab.finish_back(add), JobState::Failed);
    let give = give.expect("planned");
    assert_eq!(lab.finish(give), JobState::Failed);
    assert_eq!(lab.error(give).map(|it| it.0), Some(JobErrorCode::NotFound));
    assert_eq!(lab.store.claims, claims);
}

#[test]
fn another_interface_becomes_the_primary_one() {
    let mut lab = Lab::new();
    let lan = lab.network("lan", "10.0.0.0/24");
    let wan = lab.network("wan", "10.1.0.0/24");
    let machine = lab.machine(&[lan, wan]);
    let nics = lab.nics(machine);
    assert_eq!(lab.resource(machine).primary(), Some(nics[0]));
    let of = (OWNER, machine);
    let same = lab.run(|it| ops::nic_set_primary::accept(it, of, nics[0]));
    assert_eq!(same, Ok(ops::Call::AsWished));
    let generation = lab.resource(machine).generation;
    let other = lab.ask_of_nic(Operation::NicSetPrimary, machine, nics[1]);
    lab.made(other.expect("it is there"));
    assert_eq!(lab.resource(machine).primary(), Some(nics[1]));
    assert_eq!(
        lab.resource(machine).generation,
        generation,
        "no host is told"
    );
    let remove = lab.ask_of_nic(Operation::NicRemove, machine, nics[0]);
    lab.made(remove.expect("not primary any more"));
    assert_eq!(lab.nics(machine), [nics[1]]);
}

#[test]
fn what_belongs_to_another_was_never_there() {
    let mut lab = Lab::new();
    let lan = lab.network("lan", "10.0.0.0/24");
    let body = lab.machine_body(&[lan]);
    let named = lab.run(|it| ops::vm_create::accept(it, OTHER, &body, &Carried::default()));
    let refusal = named.expect_err("a foreign network");
    assert_eq!(refusal.code, ErrorCode::Validation);
    let field = refusal.details.field.as_deref();
    assert_eq!(field, Some("networkInterfaces[0].networkId"));
    let machine = lab.machine(&[lan]);
    let unknown = ResourceId(uuid::Uuid::from_u128(1 << 100));
    let delete =
        |lab: &mut Lab, tenant: TenantId, id| lab.run(|it| ops::vm_delete::accept(it, tenant, id));
    let theirs = delete(&mut lab, OTHER, machine);
    assert_eq!(theirs, delete(&mut lab, OWNER, unknown));
    // A network is no machine, and a machine with GPUs is none either.
    assert_eq!(theirs, delete(&mut lab, OWNER, lan));
    let gpu = lab.ask_gpu(1).expect("there are 8");
    let gpu = lab.job(gpu).resource;
    assert_eq!(lab.resource(gpu).kind(), Kind::Gpu);
    assert_eq!(theirs, delete(&mut lab, OWNER, gpu));
}
