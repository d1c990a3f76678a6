//! What has taken effect is told, whoever heard of its end, and is not done again.

use super::lab::{Desk, RESOURCE, effects, full, gone, machine_is_up, network, sim, volume};
use crate::{
    clock::Clock,
    faults::Faults,
    host::{
        agent::Agent,
        driver::{Answer, Driver, Sightings, Work},
        sim::SimDriver,
    },
};
use api::{ResourceId, Timestamp};
use model::{
    Assignment, Observed, ReportState,
    actor::{ActionError, Ledger},
    report::Done,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

/// The simulator behind a driver of whose n-th action of the machine nobody hears the end.
struct Silent {
    driver: Arc<SimDriver>,
    acts: AtomicU32,
    silent: u32,
}

impl Driver for Silent {
    fn abilities(&self) -> model::DriverAbilities {
        self.driver.abilities()
    }

    fn list(&self) -> Answer<'_, anyhow::Result<Sightings>> {
        self.driver.list()
    }

    fn observe(&self, resource: ResourceId) -> Answer<'_, Result<Observed, ActionError>> {
        self.driver.observe(resource)
    }

    fn act(&self, work: Work) -> Answer<'_, Result<(), ActionError>> {
        let is_machine = work.resource == RESOURCE;
        let number = self
            .acts
            .fetch_add(u32::from(is_machine), Ordering::Relaxed)
            + 1;
        Box::pin(async move {
            let pause = work.pause.clone();
            let ended = self.driver.act(work).await;
            if is_machine && number == self.silent {
                pause.until(u64::MAX).await;
            }
            ended
        })
    }

    fn save(&self, resource: ResourceId, ledger: Ledger) -> Answer<'_, anyhow::Result<()>> {
        self.driver.save(resource, ledger)
    }

    fn ledgers(&self) -> Answer<'_, anyhow::Result<BTreeMap<ResourceId, Ledger>>> {
        self.driver.ledgers()
    }

    fn ledger(&self, resource: ResourceId) -> Answer<'_, anyhow::Result<Option<Ledger>>> {
        self.driver.ledger(resource)
    }

    fn forget(&self, resource: ResourceId) -> Answer<'_, anyhow::Result<()>> {
        self.driver.forget(resource)
    }
}

/// A process's life, ended like `kill -9` would; the n-th action of the machine is not heard of.
fn live(data: &Path, assignments: &[Assignment], silent: u32, seconds: u64) -> Arc<Desk> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let clock = Clock::manual(Timestamp::from_millis(0));
        let desk = Desk::new(&clock);
        for assignment in assignments {
            desk.knows(assignment.clone());
        }
        let front = Silent {
            driver: sim(data, &clock, 1.0),
            acts: AtomicU32::new(0),
            silent,
        };
        let start = Agent::start(
            Arc::new(front),
            desk.clone(),
            clock.clone(),
            Faults::default(),
            assignments.to_vec(),
        );
        let _agent = start.await.unwrap();
        clock.advance(seconds).await;
        desk
    })
}

/// What the newest report of the machine says that was done.
fn done(desk: &Desk) -> Vec<(u64, &'static str)> {
    let word = |done: &Done| (done.generation, done.action.word());
    let last = desk.last_of(RESOURCE).expect("a report");
    last.done.iter().map(word).collect()
}

fn is_up(desk: &Desk) -> bool {
    let last = desk.last_of(RESOURCE);
    last.is_some_and(|report| machine_is_up(&report, 1))
}

/// The volume and the network first: nothing of the machine is refused then.
fn with_its_parts(data: &Path) -> Vec<Assignment> {
    let assignments = vec![volume(1, 10), network(1, 0)];
    let desk = live(data, &assignments, 0, 10);
    assert_eq!(desk.last().report.state, ReportState::Settled);
    assignments
}

#[test]
fn each_action_whose_end_nobody_heard_is_told_once_and_not_done_again() {
    let words = [
        "take_gpus",
        "make_disk",
        "attach_volume",
        "grow_volume",
        "plug_nic",
        "launch",
        "ready",
    ];
    let data = tempfile::tempdir().unwrap();
    let mut assignments = with_its_parts(data.path());
    let before = effects(data.path()).len();
    assignments.push(full(1));
    for _ in &words {
        let desk = live(data.path(), &assignments, 1, 30);
        assert!(!is_up(&desk));
    }
    let desk = live(data.path(), &assignments, 0, 30);
    let told = done(&desk);
    assert_eq!(told, words.map(|word| (1, word)));
    assert_eq!(effects(data.path())[before..], words);
    assert!(is_up(&desk));

    let words = [
        "shutdown",
        "unplug_nic",
        "detach_volume",
        "remove_disk",
        "release_gpus",
    ];
    let before = effects(data.path()).len();
    assignments[2] = gone(2, full(1));
    for _ in &words {
        live(data.path(), &assignments, 1, 30);
    }
    let desk = live(data.path(), &assignments, 0, 30);
    assert_eq!(effects(data.path())[before..], words);
    assert_eq!(done(&desk), words.map(|word| (2, word)));
    let clock = Clock::manual(Timestamp::from_millis(0));
    assert_eq!(sim(data.path(), &clock, 1.0).referee(), [""; 0]);
}

/// Each action is cut short somewhere, and begun again on what it left.
#[test]
fn whatever_the_moments_of_the_crashes_all_parts_come_and_go_once() {
    for seed in 0..6 {
        let data = tempfile::tempdir().unwrap();
        let mut random = StdRng::seed_from_u64(seed);
        let there = [volume(1, 10), network(1, 0), full(1)];
        let left = there.clone().map(|assignment| gone(2, assignment));
        // The machine goes first, as the lines see to it.
        let machine_left = [volume(1, 10), network(1, 0), gone(2, full(1))];
        for assignments in [&there, &machine_left, &left] {
            for _ in 0..8 {
                live(data.path(), assignments, 0, random.random_range(0..=2));
            }
            let desk = live(data.path(), assignments, 0, 120);
            for assignment in assignments {
                let last = desk.last_of(assignment.resource);
                // What is gone already is told of no more.
                let settled = last
                    .as_ref()
                    .is_none_or(|it| it.state == ReportState::Settled);
                assert!(settled, "seed {seed}: {last:?}");
            }
        }
        let clock = Clock::manual(Timestamp::from_millis(0));
        let driver = sim(data.path(), &clock, 1.0);
        assert_eq!(driver.referee(), [""; 0], "seed {seed}");
        let made = effects(data.path());
        for word in [
            "attach_volume",
            "detach_volume",
            "plug_nic",
            "unplug_nic",
            "take_gpus",
        ] {
            let times = made.iter().filter(|made| *made == word).count();
            assert_eq!(times, 1, "seed {seed}: {word} of {made:?}");
        }
    }
}
