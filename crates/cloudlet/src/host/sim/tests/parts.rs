//! Volumes, networks, interfaces and GPUs in the simulator's world.

use super::{DISK, MACHINE, instant, launch, machine, work};
use crate::host::{
    driver::{Driver, Work},
    sim::{SimDriver, SimOptions, WORLD_FILE, pace},
};
use api::{HostId, NicId, PublicIpId, ResourceId};
use model::{
    MachineObserved, Observed,
    observed::{DiskObserved, NetworkObserved, ProcessObserved},
    plan::Action,
    spec::{DiskSpec, GpuSpec, Mac, NetworkSpec, NicSpec, PublicIp},
};
use std::{net::Ipv4Addr, sync::Arc};
use uuid::Uuid;

const OTHER: ResourceId = ResourceId(Uuid::from_u128(2));
const VOLUME: ResourceId = ResourceId(Uuid::from_u128(3));
const NETWORK: ResourceId = ResourceId(Uuid::from_u128(4));
/// How many actions of the story have everything of the machine there and running.
const RUNNING: usize = 14;
/// How many follow until all of it has been given back.
const GIVEN_BACK: usize = 7;

fn network(number: u32) -> NetworkSpec {
    NetworkSpec {
        number,
        subnet: None,
    }
}

fn disk(volume: ResourceId, size_gb: u32) -> DiskSpec {
    DiskSpec {
        volume,
        slot: 0,
        size_gb,
    }
}

fn attach() -> Action {
    Action::AttachVolume(disk(VOLUME, 10))
}

fn grow(size_gb: u32) -> Action {
    let volume = VOLUME;
    Action::GrowVolume { volume, size_gb }
}

fn nic(id: u8, last: u8, public: Option<u8>) -> NicSpec {
    let public = public.map(|last| PublicIp {
        id: PublicIpId(Uuid::from_u128(last.into())),
        address: Ipv4Addr::new(203, 0, 113, last),
    });
    NicSpec {
        id: NicId(Uuid::from_u128(id.into())),
        slot: id,
        network: NETWORK,
        mac: Mac(last.into()),
        address: Some(Ipv4Addr::new(10, 0, 0, last)),
        public,
    }
}

fn gpus(slots: &[u32]) -> GpuSpec {
    let slots = slots.to_vec();
    GpuSpec { series: 1, slots }
}

/// A life of everything, in an order in which nothing is refused.
fn story() -> Vec<(ResourceId, Action)> {
    let unplug = |id: u128| Action::UnplugNic(NicId(Uuid::from_u128(id)));
    vec![
        (VOLUME, Action::MakeVolume { size_gb: 10 }),
        (VOLUME, grow(12)),
        (NETWORK, Action::ApplyNetwork(network(1))),
        (NETWORK, Action::ApplyNetwork(network(2))),
        (MACHINE, Action::TakeGpus(gpus(&[1, 0]))),
        (MACHINE, DISK),
        (MACHINE, Action::GrowDisk { size_gb: 50 }),
        (MACHINE, attach()),
        (MACHINE, grow(20)),
        (MACHINE, Action::PlugNic(nic(0, 2, None))),
        (MACHINE, Action::SetAddress(nic(0, 2, Some(1)))),
        (MACHINE, Action::PlugNic(nic(1, 3, Some(2)))),
        (MACHINE, launch(1)),
        (MACHINE, Action::AwaitReady { boot: 1 }),
        (MACHINE, Action::SetAddress(nic(0, 2, None))),
        (MACHINE, Action::Shutdown),
        (MACHINE, unplug(0)),
        (MACHINE, unplug(1)),
        (MACHINE, Action::DetachVolume(VOLUME)),
        (MACHINE, Action::RemoveDisk),
        (MACHINE, Action::ReleaseGpus),
        (VOLUME, Action::RemoveVolume),
        (NETWORK, Action::RemoveNetwork),
    ]
}

pub(super) fn every_action() -> Vec<Action> {
    story().into_iter().map(|(_, action)| action).collect()
}

fn of(work: Work, resource: ResourceId) -> Work {
    Work { resource, ..work }
}

/// Killed at its first step.
fn cut_short(mut work: Work) -> Work {
    let kill = work.kill.clone();
    work.progress = Arc::new(move |_| kill.cancel());
    work
}

fn log(driver: &SimDriver) -> usize {
    driver.world.effects().unwrap().len()
}

#[tokio::test]
async fn every_action_has_its_effect_once_and_is_safe_to_repeat() {
    let (_data, clock, driver) = instant();
    for (resource, action) in story() {
        let work = || of(work(&clock, 1, action.clone()), resource);
        let before = log(&driver);
        let killed = driver.act(cut_short(work())).await.unwrap_err();
        assert!(!killed.permanent);
        let observed = driver.observe(resource).await.unwrap();
        // A launch for a number cannot be undone, so it is the beginning that counts.
        let is_launch = matches!(action, Action::Launch { .. });
        assert_eq!(action.took_effect(&observed), is_launch, "{action:?}");

        driver.act(work()).await.unwrap();
        let observed = driver.observe(resource).await.unwrap();
        assert!(action.took_effect(&observed), "{action:?}: {observed:?}");
        assert_eq!(log(&driver), before + 1, "{action:?}");
        // Only a plan that is wrong has these done again, and that is to be seen.
        if matches!(action.word(), "make_disk" | "launch" | "ready") {
            continue;
        }
        driver.act(work()).await.unwrap();
        let again = driver.observe(resource).await.unwrap();
        assert_eq!(again, observed, "{action:?}");
        assert_eq!(log(&driver), before + 1, "{action:?}");
    }
    let world = driver.list().await.unwrap();
    assert!(
        world.values().flatten().all(Observed::is_absent),
        "{world:?}"
    );
    assert_eq!(driver.referee(), [""; 0]);
}

#[tokio::test]
async fn what_is_half_made_is_seen() {
    let (_data, clock, driver) = instant();
    for (resource, action, half) in [
        (
            VOLUME,
            Action::MakeVolume { size_gb: 10 },
            Observed::Volume(DiskObserved::Partial),
        ),
        (
            NETWORK,
            Action::ApplyNetwork(network(1)),
            Observed::Network(NetworkObserved::Partial),
        ),
    ] {
        let killed = cut_short(of(work(&clock, 1, action), resource));
        driver.act(killed).await.unwrap_err();
        assert_eq!(driver.observe(resource).await.unwrap(), half);
        assert_eq!(driver.list().await.unwrap()[&resource], Ok(half));
    }
}

#[tokio::test]
async fn everything_of_a_machine_is_seen_and_a_volume_has_one_size() {
    let (data, clock, driver) = instant();
    for (resource, action) in story().into_iter().take(RUNNING) {
        let work = of(work(&clock, 1, action), resource);
        driver.act(work).await.unwrap();
    }
    let process = ProcessObserved {
        boot: 1,
        up: true,
        ready: true,
    };
    let seen = MachineObserved {
        disk: DiskObserved::Whole { size_gb: 50 },
        process: Some(process),
        launched: 1,
        disks: vec![disk(VOLUME, 20)],
        nics: vec![nic(0, 2, Some(1)), nic(1, 3, Some(2))],
        gpus: Some(gpus(&[1, 0])),
        ended: None,
    };
    assert_eq!(machine(&driver).await, seen);
    let world = driver.list().await.unwrap();
    assert_eq!(world[&MACHINE], Ok(Observed::Machine(seen)));
    assert_eq!(
        world[&VOLUME].as_ref().unwrap().volume().size_gb(),
        Some(20)
    );
    let whole = NetworkObserved::Whole(network(2));
    assert_eq!(world[&NETWORK].as_ref().unwrap().network(), whole);

    let other = rusqlite::Connection::open(data.path().join(WORLD_FILE)).unwrap();
    let grows = "UPDATE thing SET observed = json_set(observed, '$.volume.whole.size_gb', 30)
        WHERE resource = ?1";
    other.execute(grows, [VOLUME.to_string()]).unwrap();
    assert_eq!(machine(&driver).await.disks, [disk(VOLUME, 30)]);
    let itself = driver.observe(VOLUME).await.unwrap();
    assert_eq!(itself.volume().size_gb(), Some(30));
}

#[tokio::test]
async fn what_another_has_is_refused_until_it_is_given_back() {
    let (_data, clock, driver) = instant();
    let act = |resource, action| driver.act(of(work(&clock, 1, action), resource));
    for (resource, action) in story().into_iter().take(RUNNING) {
        act(resource, action).await.unwrap();
    }
    let mac = NicSpec {
        mac: Mac(2),
        ..nic(7, 9, None)
    };
    let address = NicSpec {
        mac: Mac(9),
        ..nic(7, 2, None)
    };
    act(OTHER, Action::PlugNic(nic(8, 8, None))).await.unwrap();
    for (action, why) in [
        (attach(), "The volume is on another machine."),
        (grow(40), "The volume is not on the machine."),
        (Action::PlugNic(mac), "has that hardware address."),
        (Action::PlugNic(address), "of the network has that address."),
        (
            Action::PlugNic(nic(7, 9, Some(1))),
            "has that public address.",
        ),
        (
            Action::SetAddress(nic(8, 8, Some(1))),
            "has that public address.",
        ),
        (Action::SetAddress(nic(0, 2, None)), "is not plugged in."),
        (Action::TakeGpus(gpus(&[2, 1])), "has one of these GPUs."),
        (Action::GrowDisk { size_gb: 60 }, "The machine has no disk."),
    ] {
        let refused = act(OTHER, action).await.unwrap_err();
        assert!(refused.error.text.ends_with(why), "{refused:?}");
        assert!(!refused.permanent);
    }
    // Another host has GPUs and public addresses of its own.
    for action in [
        Action::TakeGpus(gpus(&[2, 1])),
        Action::PlugNic(nic(7, 9, Some(1))),
    ] {
        let elsewhere = Work {
            host: HostId(Uuid::from_u128(1)),
            ..of(work(&clock, 1, action), OTHER)
        };
        driver.act(elsewhere).await.unwrap();
    }
    let gives_back = story().into_iter().skip(RUNNING).take(GIVEN_BACK);
    for (resource, action) in gives_back {
        act(resource, action).await.unwrap();
    }
    for action in [attach(), grow(40), Action::PlugNic(mac)] {
        act(OTHER, action).await.unwrap();
    }
    assert_eq!(driver.referee(), [""; 0]);
}

#[tokio::test]
async fn a_volume_is_attached_when_it_is_there_and_its_slot_is_free() {
    let (_data, clock, driver) = instant();
    let act = |resource, action| driver.act(of(work(&clock, 1, action), resource));
    let missing = act(MACHINE, attach()).await.unwrap_err();
    assert_eq!(missing.error.text, "The volume is not there.");
    for volume in [VOLUME, OTHER] {
        let make = Action::MakeVolume { size_gb: 10 };
        act(volume, make).await.unwrap();
    }
    act(MACHINE, attach()).await.unwrap();
    let second = Action::AttachVolume(disk(OTHER, 10));
    let taken = act(MACHINE, second).await.unwrap_err();
    let why = "Another volume is in that slot of the machine.";
    assert_eq!(taken.error.text, why);
    assert_eq!(driver.referee(), [""; 0]);
}

/// It is not refused, so that a plan that is wrong comes to light.
#[tokio::test]
async fn the_referee_sees_what_is_not_refused() {
    let (_data, clock, driver) = instant();
    for (resource, action) in [
        (MACHINE, Action::PlugNic(nic(0, 2, None))),
        (VOLUME, Action::MakeVolume { size_gb: 10 }),
        (MACHINE, attach()),
        (VOLUME, grow(20)),
        (VOLUME, Action::RemoveVolume),
    ] {
        let work = of(work(&clock, 1, action), resource);
        driver.act(work).await.unwrap();
    }
    let found = driver.referee();
    let words = ["which is not there", "made larger", "removed"];
    assert_eq!(found.len(), words.len(), "{found:?}");
    for (what, words) in found.iter().zip(words) {
        assert!(what.contains(words), "{found:?}");
    }
}

#[tokio::test]
async fn a_file_of_an_older_release_is_taken_over() {
    let (data, clock, driver) = instant();
    drop(driver);
    let file = data.path().join(WORLD_FILE);
    std::fs::remove_file(&file).unwrap();
    let old = rusqlite::Connection::open(&file).unwrap();
    let tables = "
        CREATE TABLE machine (resource TEXT PRIMARY KEY, disk TEXT NOT NULL DEFAULT 'absent',
            disk_gb INTEGER NOT NULL DEFAULT 0, boot INTEGER, up INTEGER NOT NULL DEFAULT 0,
            ready INTEGER NOT NULL DEFAULT 0, launched INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
        CREATE TABLE effect (number INTEGER PRIMARY KEY AUTOINCREMENT, resource TEXT NOT NULL,
            generation INTEGER NOT NULL, action TEXT NOT NULL, boot INTEGER, at TEXT NOT NULL);
        INSERT INTO effect (resource, generation, action, boot, at)
            VALUES ('00000000-0000-0000-0000-000000000001', 1, 'launch', 3, 'then');";
    old.execute_batch(tables).unwrap();
    for (resource, columns) in [
        (MACHINE, "'whole', 40, 3, 1, 0, 3"),
        (OTHER, "'partial', 0, NULL, 0, 0, 0"),
    ] {
        let insert = format!("INSERT INTO machine VALUES ('{resource}', {columns})");
        old.execute(&insert, []).unwrap();
    }
    drop(old);
    let process = ProcessObserved {
        boot: 3,
        up: true,
        ready: false,
    };
    let whole = Observed::Machine(MachineObserved {
        disk: DiskObserved::Whole { size_gb: 40 },
        process: Some(process),
        launched: 3,
        ..MachineObserved::default()
    });
    let partial = Observed::Machine(MachineObserved {
        disk: DiskObserved::Partial,
        ..MachineObserved::default()
    });
    let expected = [(MACHINE, Ok(whole)), (OTHER, Ok(partial))]
        .into_iter()
        .collect();
    let options = SimOptions {
        speed: 0.0,
        seed: 1,
    };
    for _ in 0..2 {
        let driver = SimDriver::open(data.path(), clock.clone(), options).unwrap();
        assert_eq!(driver.list().await.unwrap(), expected);
        assert_eq!(log(&driver), 1);
        assert_eq!(driver.referee(), [""; 0]);
    }
}

#[test]
fn each_action_takes_a_believable_time() {
    let options = SimOptions {
        speed: 1.0,
        seed: 3,
    };
    for action in every_action() {
        let range = match action.word() {
            "attach_volume" | "detach_volume" => 1_000..=2_500,
            "apply_network" | "take_gpus" => 1_000..=2_000,
            "make_volume" => 2_000..=4_000,
            "grow_disk" | "grow_volume" => 1_500..=3_000,
            "plug_nic" | "unplug_nic" | "set_address" => 500..=1_500,
            _ => continue,
        };
        for resource in 1..50 {
            let last = pace::steps(options, resource, 1, &action).last();
            let took_ms = last.map(|step| step.after_ms).unwrap();
            assert!(range.contains(&took_ms), "{action:?}: {took_ms}");
        }
    }
}
