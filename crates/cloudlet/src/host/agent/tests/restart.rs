//! What survives: a crash of the process, a panic of an actor, an engine that fell behind.

use super::lab::{Desk, Entry, Lab, RESOURCE, absent, create, effects, machine_is_up, of, sim};
use crate::{
    clock::Clock,
    faults::Faults,
    host::{
        agent::Agent,
        driver::{Answer, Driver, Sightings, Work},
        sim::SimDriver,
    },
};
use api::{JobErrorCode, ResourceId, Timestamp};
use model::{
    Assignment, Observed, ReportState,
    actor::{ActionError, Ledger},
    limits::RETRY_FIRST_MS,
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

/// Runs a process's life in a runtime of its own, and ends it like `kill -9` would.
fn live(
    data: &Path,
    started: Timestamp,
    assignments: Vec<Assignment>,
    seconds: u64,
) -> (Arc<Desk>, Timestamp) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let clock = Clock::manual(started);
        let (driver, desk) = (sim(data, &clock, 1.0), Desk::new(&clock));
        for assignment in &assignments {
            desk.knows(assignment.clone());
        }
        let start = Agent::start(
            driver,
            desk.clone(),
            clock.clone(),
            Faults::default(),
            assignments,
        );
        let _agent = start.await.unwrap();
        clock.advance(seconds).await;
        (desk, clock.now())
    })
}

#[test]
fn after_a_crash_in_the_third_action_the_first_two_are_not_begun_again() {
    let data = tempfile::tempdir().unwrap();
    let mut seconds = 1;
    let mut now = Timestamp::from_millis(1_000_000);
    // Second by second, so that there are several crashes before it gets that far as well.
    let desk = loop {
        let (desk, then) = live(data.path(), now, vec![create(1)], seconds);
        now = then;
        if desk.phases().last().is_some_and(|phase| phase == "ready") {
            break desk;
        }
        seconds += 1;
    };
    assert_ne!(desk.last().report.state, ReportState::Settled);
    let made = effects(data.path());
    assert_eq!(made, ["make_disk", "launch"]);

    let (desk, _) = live(data.path(), now, vec![create(1)], 10);
    let last = desk.last().report;
    assert!(last.state == ReportState::Settled && machine_is_up(&last, 1));
    let phases: Vec<_> = last
        .phases
        .iter()
        .map(|p| (p.name.as_str(), p.attempt))
        .collect();
    assert_eq!(phases, [("ready", 2)]);
    assert_eq!(effects(data.path()), ["make_disk", "launch", "ready"]);
    let clock = Clock::manual(now);
    assert_eq!(sim(data.path(), &clock, 1.0).referee(), [""; 0]);
}

/// Machines on their way there and back, with newer specs and crashes anywhere in between.
#[test]
fn whatever_the_moments_of_the_crashes_nothing_happens_twice() {
    for seed in 0..8 {
        let data = tempfile::tempdir().unwrap();
        let mut random = StdRng::seed_from_u64(seed);
        let mut now = Timestamp::from_millis(0);
        let mut assignments: Vec<_> = (1..=6).map(|number| of(number, create(1))).collect();
        for _ in 0..8 {
            let seconds = random.random_range(0..=4);
            (_, now) = live(data.path(), now, assignments.clone(), seconds);
            for assignment in &mut assignments {
                if random.random_bool(0.2) {
                    // There is no way from absent back to a machine: its boot numbers are forgotten.
                    let goes = assignment.spec.is_absent() || random.random_bool(0.5);
                    let next = if goes { absent } else { create };
                    let number = assignment.resource.0.as_u128();
                    *assignment = of(number, next(assignment.generation + 1));
                }
            }
        }
        let count = assignments.len();
        let (desk, _) = live(data.path(), now, assignments, 60);
        let settled = |entry: &&Entry| entry.report.state == ReportState::Settled;
        let settled = desk.reports().iter().filter(settled).count();
        assert_eq!(settled, count, "seed {seed}");
        let driver = sim(data.path(), &Clock::manual(now), 1.0);
        assert_eq!(driver.referee(), [""; 0], "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_fell_behind_the_ledger_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let clock = Clock::manual(Timestamp::from_millis(0));
    let driver = sim(data.path(), &clock, 0.0);
    let ledger = Ledger {
        generation: 5,
        ..Ledger::default()
    };
    driver.save(RESOURCE, ledger.clone()).await.unwrap();
    let lab = Lab::with(data, clock, driver.clone(), driver, vec![create(3)]).await;
    lab.assign(create(4));
    lab.idle().await;
    assert_eq!(lab.effects(), [""; 0]);
    assert_eq!(lab.ledgers().await[&RESOURCE], ledger);
    lab.assign(create(5));
    lab.idle().await;
    assert_eq!(lab.effects(), ["make_disk", "launch", "ready"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_no_record_is_forgotten_only_if_nothing_is_left_of_it() {
    let data = tempfile::tempdir().unwrap();
    let clock = Clock::manual(Timestamp::from_millis(0));
    let driver = sim(data.path(), &clock, 0.0);
    let lab = Lab::with(data, clock, driver.clone(), driver, Vec::new()).await;
    lab.assign(create(1));
    lab.idle().await;
    lab.agent.stop().await;
    let gone = of(2, create(1)).resource;
    lab.driver.save(gone, Ledger::default()).await.unwrap();
    let start = Agent::start(
        lab.driver.clone(),
        Desk::new(&lab.clock),
        lab.clock.clone(),
        Faults::default(),
        Vec::new(),
    );
    let _agent = start.await.unwrap();
    lab.idle().await;
    assert_eq!(
        lab.ledgers().await.into_keys().collect::<Vec<_>>(),
        [RESOURCE]
    );
    let world = lab.driver.list().await.unwrap();
    assert!(
        world[&RESOURCE]
            .as_ref()
            .unwrap()
            .machine()
            .unwrap()
            .is_running()
    );
}

/// The simulator behind a driver that panics.
struct Panicking {
    driver: Arc<SimDriver>,
    saves: AtomicU32,
    in_save: u32,
    acts: AtomicU32,
    in_act: u32,
}

impl Driver for Panicking {
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
        let number = self.acts.fetch_add(1, Ordering::Relaxed) + 1;
        assert_ne!(number, self.in_act, "a panic that this test wants");
        self.driver.act(work)
    }

    fn save(&self, resource: ResourceId, ledger: Ledger) -> Answer<'_, anyhow::Result<()>> {
        let number = self.saves.fetch_add(1, Ordering::Relaxed) + 1;
        assert_ne!(number, self.in_save, "a panic that this test wants");
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

async fn panicking(in_save: u32, in_act: u32) -> Lab {
    let clock = Clock::manual(Timestamp::from_millis(0));
    let data = tempfile::tempdir().unwrap();
    let driver = sim(data.path(), &clock, 1.0);
    let front = Arc::new(Panicking {
        driver: driver.clone(),
        saves: AtomicU32::new(0),
        in_save,
        acts: AtomicU32::new(0),
        in_act,
    });
    Lab::with(data, clock, driver, front, Vec::new()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_action_that_panics_has_failed_for_good() {
    let lab = panicking(0, 2).await;
    lab.assign(create(1));
    lab.clock.advance(10).await;
    let (_, failure) = lab.desk.failure().expect("a failure");
    assert_eq!(failure.error.code, JobErrorCode::InternalError);
    assert!(!failure.outstanding);
    assert_eq!(lab.effects(), ["make_disk"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_actor_that_panics_is_told_of_and_started_anew_on_the_newest_spec() {
    // In the midst of the first action: its progress is being saved.
    let lab = panicking(8, 0).await;
    lab.desk.goes_back_by(absent(2));
    lab.assign(create(1));
    lab.clock.advance(10).await;
    let (_, failure) = lab.desk.failure().expect("a failure");
    assert_eq!(failure.error.code, JobErrorCode::InternalError);
    assert!(failure.outstanding);
    let last = lab.desk.last().report;
    assert_eq!((last.generation, last.state), (2, ReportState::Settled));
    assert_eq!(lab.effects(), ["remove_disk"]);
    assert!(lab.ledgers().await.is_empty());
}

/// In the pause before the new actor, it lay in the mailbox and stopped the clock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_spec_in_the_pause_after_a_panic_is_taken() {
    let lab = panicking(8, 0).await;
    lab.assign(create(1));
    let failed_ms = loop {
        lab.clock.advance(1).await;
        if let Some((at_ms, _)) = lab.desk.failure() {
            break at_ms;
        }
    };
    let now_ms = lab.clock.moment().steady_ms;
    assert!(now_ms < failed_ms + RETRY_FIRST_MS, "no pause any more");
    lab.assign(absent(2));
    lab.clock.advance(10).await;
    let last = lab.desk.last().report;
    assert_eq!((last.generation, last.state), (2, ReportState::Settled));
}
