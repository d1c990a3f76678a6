use super::{super::world::TAKEN, Effect, Subject, violations};
use api::{NicId, PublicIpId, ResourceId};
use model::spec::{GpuSpec, Mac, NicSpec, PublicIp};
use std::net::Ipv4Addr;
use uuid::Uuid;

const NETWORK: ResourceId = ResourceId(Uuid::from_u128(9));
const VOLUME: ResourceId = ResourceId(Uuid::from_u128(8));

fn of(resource: &str, generation: u64, action: &str, subject: Option<Subject>) -> Effect {
    Effect {
        resource: resource.to_owned(),
        host: "h".to_owned(),
        generation,
        action: action.to_owned(),
        boot: None,
        subject,
        at: "now".to_owned(),
    }
}

fn effect(generation: u64, action: &str, boot: Option<u64>) -> Effect {
    Effect {
        boot,
        ..of("m", generation, action, None)
    }
}

fn nic(id: u128, last: u8, public: Option<u8>) -> NicSpec {
    let public = public.map(|last| PublicIp {
        id: PublicIpId(Uuid::from_u128(last.into())),
        address: Ipv4Addr::new(203, 0, 113, last),
    });
    NicSpec {
        id: NicId(Uuid::from_u128(id)),
        slot: 0,
        network: NETWORK,
        mac: Mac(last.into()),
        address: Some(Ipv4Addr::new(10, 0, 0, last)),
        public,
    }
}

fn plug(machine: &str, nic: NicSpec) -> Effect {
    of(machine, 1, "plug_nic", Some(Subject::Nic(nic)))
}

fn address(machine: &str, nic: NicSpec) -> Effect {
    of(machine, 1, "set_address", Some(Subject::Nic(nic)))
}

fn unplug(machine: &str, nic: NicSpec) -> Effect {
    of(machine, 1, "unplug_nic", Some(Subject::Interface(nic.id)))
}

fn volume(resource: &str, action: &str) -> Effect {
    of(resource, 1, action, Some(Subject::Volume(VOLUME)))
}

fn gpus(machine: &str, host: &str, slots: &[u32]) -> Effect {
    let gpus = GpuSpec {
        series: 1,
        slots: slots.to_vec(),
    };
    Effect {
        host: host.to_owned(),
        ..of(machine, 1, "take_gpus", Some(Subject::Gpus(gpus)))
    }
}

fn network(action: &str) -> Effect {
    of(&NETWORK.to_string(), 1, action, None)
}

fn check(log: &[Effect], words: &str) {
    let found = violations(log);
    assert_eq!(found.len(), 1, "{words}: {found:?}");
    assert!(found[0].contains(words), "{words}: {found:?}");
}

#[test]
fn an_honest_log_of_a_machine_passes() {
    let log = [
        effect(1, TAKEN, None),
        effect(1, "make_disk", None),
        effect(1, "launch", Some(1)),
        effect(1, "ready", Some(1)),
        effect(2, "shutdown", None),
        effect(2, "launch", Some(2)),
        effect(3, "remove_disk", None),
        effect(3, "make_disk", None),
    ];
    assert_eq!(violations(&log), [""; 0]);
}

/// Everything goes from one machine to the other, with a change of the address in between.
#[test]
fn what_is_given_back_may_be_given_to_another() {
    let itself = VOLUME.to_string();
    let mut log = vec![network("apply_network"), volume(&itself, "make_volume")];
    for machine in ["m", "n"] {
        log.extend([
            gpus(machine, "h", &[0, 1]),
            volume(machine, "attach_volume"),
            volume(machine, "grow_volume"),
            plug(machine, nic(1, 2, None)),
            plug(machine, nic(1, 2, None)),
            address(machine, nic(1, 2, Some(1))),
            address(machine, nic(1, 2, Some(2))),
            plug(machine, nic(2, 3, Some(1))),
            unplug(machine, nic(1, 2, None)),
            unplug(machine, nic(2, 3, None)),
            volume(machine, "detach_volume"),
            of(machine, 1, "release_gpus", None),
        ]);
    }
    // Hosts have GPUs and public addresses of their own.
    log.extend([gpus("m", "h", &[0]), gpus("n", "other", &[0])]);
    log.extend([
        volume(&itself, "grow_volume"),
        volume(&itself, "remove_volume"),
    ]);
    log.push(network("remove_network"));
    assert_eq!(violations(&log), [""; 0]);
}

#[test]
fn each_violation_of_a_number_is_named() {
    for (log, words) in [
        (
            [effect(1, "launch", Some(1)), effect(2, "launch", Some(1))],
            "a second launch for boot 1",
        ),
        (
            [effect(2, "shutdown", None), effect(1, "make_disk", None)],
            "make_disk after generation 2 was taken up",
        ),
        (
            [effect(2, TAKEN, None), effect(1, "make_disk", None)],
            "make_disk after generation 2 was taken up",
        ),
        (
            [effect(1, "make_disk", None), effect(1, "make_disk", None)],
            "a disk made twice",
        ),
        (
            [
                effect(1, "make_volume", None),
                effect(1, "make_volume", None),
            ],
            "a disk made twice",
        ),
    ] {
        check(&log, words);
    }
}

#[test]
fn whatever_is_given_twice_is_named() {
    let mut same_mac = nic(2, 3, None);
    same_mac.mac = nic(1, 2, None).mac;
    let mut same_address = nic(2, 3, None);
    same_address.address = nic(1, 2, None).address;
    for (first, second, words) in [
        (
            plug("m", nic(1, 2, None)),
            plug("n", same_mac),
            "hardware address 02:00",
        ),
        (
            plug("m", nic(1, 2, None)),
            plug("n", same_address),
            "address 10.0.0.2 on",
        ),
        // Two interfaces of one machine.
        (
            plug("m", nic(1, 2, None)),
            plug("m", same_address),
            "address 10.0.0.2 on",
        ),
        (
            plug("m", nic(1, 2, Some(1))),
            plug("n", nic(2, 3, Some(1))),
            "address 203.0.113.1 of host h given, which m has",
        ),
        (
            plug("m", nic(1, 2, Some(1))),
            address("n", nic(2, 3, Some(1))),
            "address 203.0.113.1 of host h given, which m has",
        ),
        (
            gpus("m", "h", &[0, 1]),
            gpus("n", "h", &[1, 2]),
            "GPU 1 of series 1 of host h",
        ),
        (
            volume("m", "attach_volume"),
            volume("n", "attach_volume"),
            "given, which m has",
        ),
    ] {
        check(&[network("apply_network"), first, second], words);
    }
}

#[test]
fn a_volume_is_its_machines_alone_and_a_network_its_ports() {
    let itself = VOLUME.to_string();
    let attached = volume("m", "attach_volume");
    let plugged = plug("m", nic(1, 2, None));
    for (log, words) in [
        (
            vec![attached.clone(), volume(&itself, "grow_volume")],
            "made larger while it is on m",
        ),
        (
            vec![attached.clone(), volume("n", "grow_volume")],
            "made larger while it is on m",
        ),
        (
            vec![volume("n", "grow_volume")],
            "by a machine that lacks it",
        ),
        (
            vec![attached, volume(&itself, "remove_volume")],
            "removed while it is on m",
        ),
        (vec![plugged.clone()], "which is not there"),
        (
            vec![
                network("apply_network"),
                network("remove_network"),
                plugged.clone(),
            ],
            "which is not there",
        ),
        (
            vec![network("apply_network"), plugged, network("remove_network")],
            "removed while m has a port on it",
        ),
    ] {
        check(&log, words);
    }
}
