mod parts;

use super::{SimDriver, SimOptions, WORLD_FILE, pace};
use crate::{
    clock::Clock,
    host::driver::{Driver, Pause, Work},
};
use api::{HostId, ResourceId, Timestamp};
use model::{MachineObserved, actor::Ledger, observed::DiskObserved, plan::Action};
use std::sync::Arc;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const MACHINE: ResourceId = ResourceId(Uuid::from_u128(1));
const DISK: Action = Action::MakeDisk {
    image: 12,
    size_gb: 40,
};

const fn launch(boot: u64) -> Action {
    Action::Launch {
        boot,
        cpus: 2,
        memory_gb: 4,
    }
}

fn instant() -> (TempDir, Clock, SimDriver) {
    let data = tempfile::tempdir().unwrap();
    let clock = Clock::manual(Timestamp::from_millis(0));
    let options = SimOptions {
        speed: 0.0,
        seed: 1,
    };
    let driver = SimDriver::open(data.path(), clock.clone(), options).unwrap();
    (data, clock, driver)
}

async fn machine(driver: &SimDriver) -> MachineObserved {
    let observed = driver.observe(MACHINE).await.unwrap();
    observed.machine().cloned().unwrap_or_default()
}

fn work(clock: &Clock, generation: u64, action: Action) -> Work {
    Work {
        resource: MACHINE,
        host: HostId(Uuid::nil()),
        generation,
        action,
        secret: None,
        progress: Arc::new(|_| {}),
        kill: CancellationToken::new(),
        pause: Pause::new(clock.clone()),
    }
}

#[tokio::test]
async fn one_boot_number_is_launched_once() {
    let (_data, clock, driver) = instant();
    let act = |action| driver.act(work(&clock, 1, action));
    act(launch(1)).await.unwrap();
    assert!(act(launch(1)).await.unwrap_err().permanent);
    assert!(act(launch(2)).await.unwrap_err().permanent);
    act(Action::Shutdown).await.unwrap();
    act(Action::Shutdown).await.unwrap();
    assert!(act(launch(1)).await.unwrap_err().permanent);
    let gone = act(Action::AwaitReady { boot: 1 }).await.unwrap_err();
    assert!(!gone.permanent);
    act(launch(2)).await.unwrap();
    act(Action::AwaitReady { boot: 2 }).await.unwrap();
    let observed = machine(&driver).await;
    assert_eq!(observed.launched, 2);
    assert!(observed.process.is_some_and(|process| process.ready));
    assert_eq!(driver.referee(), [""; 0]);
}

/// It was seen only after an effect of the newer one.
#[tokio::test]
async fn an_effect_of_a_generation_that_is_no_longer_the_newest_is_seen() {
    let (_data, clock, driver) = instant();
    for generation in [1, 1, 2] {
        let ledger = Ledger {
            generation,
            ..Ledger::default()
        };
        driver.save(MACHINE, ledger).await.unwrap();
        if generation == 1 {
            driver.act(work(&clock, 1, DISK)).await.unwrap();
            driver
                .act(work(&clock, 1, Action::RemoveDisk))
                .await
                .unwrap();
        }
    }
    assert_eq!(driver.referee(), [""; 0]);
    driver.act(work(&clock, 1, DISK)).await.unwrap();
    let found = driver.referee();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("make_disk after generation 2 was taken up"));
}

#[tokio::test]
async fn killed_it_leaves_what_is_half_made_and_repeated_it_completes_it() {
    let (_data, clock, driver) = instant();
    for (action, half) in [
        (DISK, DiskObserved::Partial),
        (launch(1), DiskObserved::Whole { size_gb: 40 }),
    ] {
        let mut killed = work(&clock, 1, action.clone());
        let kill = killed.kill.clone();
        killed.progress = Arc::new(move |thousandths| {
            if thousandths > 500 {
                kill.cancel();
            }
        });
        assert!(!driver.act(killed).await.unwrap_err().permanent);
        let observed = machine(&driver).await;
        assert_eq!(observed.disk, half);
        assert!(!observed.is_running());
        driver.act(work(&clock, 1, action)).await.unwrap();
    }
    assert!(machine(&driver).await.is_running());
    assert_eq!(driver.referee(), [""; 0]);
}

#[tokio::test]
async fn what_is_changed_from_outside_is_seen() {
    let (data, clock, driver) = instant();
    driver.act(work(&clock, 1, launch(1))).await.unwrap();
    let other = rusqlite::Connection::open(data.path().join(WORLD_FILE)).unwrap();
    let dies = "UPDATE thing SET observed = json_set(observed, '$.machine.process', NULL)";
    other.execute(dies, []).unwrap();
    assert_eq!(machine(&driver).await.process, None);
    let listed = driver.list().await.unwrap();
    assert_eq!(
        listed[&MACHINE]
            .as_ref()
            .unwrap()
            .machine()
            .unwrap()
            .process,
        None
    );
    other.execute("DELETE FROM thing", []).unwrap();
    assert!(driver.list().await.unwrap().is_empty());
}

fn steps(options: SimOptions, generation: u64, action: &Action) -> Vec<pace::Step> {
    pace::steps(options, 1, generation, action).collect()
}

/// A hundred million of them were made before the first was waited for.
#[test]
fn a_slow_action_is_drawn_step_by_step() {
    for speed in [1e-7, 1e-300] {
        let options = SimOptions { speed, seed: 1 };
        let mut steps = pace::steps(options, 1, 1, &DISK);
        assert!(steps.next().unwrap().after_ms > 0);
        assert_eq!(steps.next().unwrap().thousandths, 0);
    }
}

/// Ids are random, and durations followed from them.
#[tokio::test]
async fn durations_follow_from_the_seed_whatever_the_ids_are() {
    let story = async |ids: [u128; 3]| {
        let data = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::from_millis(0));
        let options = SimOptions {
            speed: 1.0,
            seed: 7,
        };
        let open = || SimDriver::open(data.path(), clock.clone(), options).unwrap();
        let [first, second, third] = ids.map(|id| ResourceId(Uuid::from_u128(id)));
        let mut driver = open();
        let mut took = Vec::new();
        for resource in [first, second] {
            driver.expect(resource);
        }
        // Forgotten and reopened: no number is given twice, and each is kept.
        driver.forget(second).await.unwrap();
        for resource in [third, first] {
            driver = open();
            let begun_ms = clock.moment().steady_ms;
            let mut work = work(&clock, 1, DISK);
            work.resource = resource;
            let act = async {
                driver.act(work).await.unwrap();
                clock.moment().steady_ms
            };
            let (ended_ms, ()) = tokio::join!(act, clock.advance(4));
            took.push(ended_ms - begun_ms);
        }
        took
    };
    assert_eq!(story([1, 2, 3]).await, story([9, 7, 8]).await);
}

#[test]
fn steps_are_many_small_uneven_and_follow_the_seed() {
    let options = SimOptions {
        speed: 1.0,
        seed: 1,
    };
    for action in &parts::every_action() {
        for generation in 1..50 {
            let steps = steps(options, generation, action);
            assert_eq!(steps, self::steps(options, generation, action));
            let mut before = 0;
            for step in &steps[..steps.len() - 1] {
                let now = step.thousandths;
                assert!(now > before && now - before <= 61, "{steps:?}");
                before = now;
            }
            assert_eq!(steps.last().map(|step| step.thousandths), Some(1000));
        }
    }
    let other = SimOptions { seed: 2, ..options };
    assert_ne!(steps(options, 1, &DISK), steps(other, 1, &DISK));
    let fast = SimOptions {
        speed: 1_000.0,
        ..options
    };
    assert!(steps(fast, 1, &DISK).iter().all(|step| step.after_ms <= 4));
}
