//! Drivers that cannot look, save, read or forget, and one that tells of a death.

use super::lab::{Lab, RESOURCE, absent, create, machine_is_up, sim};
use crate::{
    clock::Clock,
    host::{
        driver::{Answer, Driver, Sightings, Work},
        sim::{SimDriver, WORLD_FILE},
    },
};
use api::{JobErrorCode, ResourceId, Timestamp};
use model::{
    Observed, ReportState,
    actor::{ActionError, Ledger},
    job::JobError,
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio::sync::Notify;

/// The simulator behind a driver that fails as often as each number says.
#[derive(Default)]
struct Failing {
    looks: AtomicU32,
    saves: AtomicU32,
    reads: AtomicU32,
    forgets: AtomicU32,
    /// The resource dies by itself.
    died: Notify,
}

struct Front {
    driver: Arc<SimDriver>,
    failing: Arc<Failing>,
}

fn fails(left: &AtomicU32) -> bool {
    let less = |left: u32| left.checked_sub(1);
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
        .is_ok()
}

fn broken<T: Send + 'static>() -> Answer<'static, anyhow::Result<T>> {
    Box::pin(async { anyhow::bail!("as this test wants it") })
}

impl Driver for Front {
    fn abilities(&self) -> model::DriverAbilities {
        self.driver.abilities()
    }

    fn list(&self) -> Answer<'_, anyhow::Result<Sightings>> {
        self.driver.list()
    }

    fn observe(&self, resource: ResourceId) -> Answer<'_, Result<Observed, ActionError>> {
        if fails(&self.failing.looks) {
            let error = JobError::new(JobErrorCode::DriverError, "It is dark.");
            let permanent = false;
            return Box::pin(async move { Err(ActionError { error, permanent }) });
        }
        self.driver.observe(resource)
    }

    fn act(&self, work: Work) -> Answer<'_, Result<(), ActionError>> {
        self.driver.act(work)
    }

    fn save(&self, resource: ResourceId, ledger: Ledger) -> Answer<'_, anyhow::Result<()>> {
        if fails(&self.failing.saves) {
            return broken();
        }
        self.driver.save(resource, ledger)
    }

    fn ledgers(&self) -> Answer<'_, anyhow::Result<BTreeMap<ResourceId, Ledger>>> {
        self.driver.ledgers()
    }

    fn ledger(&self, resource: ResourceId) -> Answer<'_, anyhow::Result<Option<Ledger>>> {
        if fails(&self.failing.reads) {
            return broken();
        }
        self.driver.ledger(resource)
    }

    fn forget(&self, resource: ResourceId) -> Answer<'_, anyhow::Result<()>> {
        if fails(&self.failing.forgets) {
            return broken();
        }
        self.driver.forget(resource)
    }

    fn changed(&self) -> Answer<'_, ResourceId> {
        Box::pin(async {
            self.failing.died.notified().await;
            RESOURCE
        })
    }
}

async fn lab(speed: f64) -> (Lab, Arc<Failing>) {
    let clock = Clock::manual(Timestamp::from_millis(0));
    let data = tempfile::tempdir().unwrap();
    let driver = sim(data.path(), &clock, speed);
    let failing = Arc::new(Failing::default());
    let front = Arc::new(Front {
        driver: driver.clone(),
        failing: failing.clone(),
    });
    let lab = Lab::with(data, clock, driver, front, Vec::new()).await;
    (lab, failing)
}

/// Each of what can fail, as the number of times that it does.
fn each(failing: &Failing) -> [&AtomicU32; 3] {
    [&failing.looks, &failing.saves, &failing.reads]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_three_times_is_done_the_fourth_time() {
    for which in 0..3 {
        let (lab, failing) = lab(1.0).await;
        each(&failing)[which].store(3, Ordering::Relaxed);
        lab.assign(create(1));
        lab.clock.advance(20).await;
        let last = lab.desk.last();
        assert_eq!(last.report.state, ReportState::Settled, "{which}");
        assert!(machine_is_up(&last.report, 1));
        assert_eq!(lab.desk.failure(), None);
        assert_eq!(lab.effects(), ["make_disk", "launch", "ready"]);
    }
}

/// A look in the midst of it all: the action before had just ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn between_two_actions_too() {
    for which in 0..2 {
        let (lab, failing) = lab(1.0).await;
        lab.assign(create(1));
        lab.clock.advance(1).await;
        each(&failing)[which].store(3, Ordering::Relaxed);
        lab.clock.advance(20).await;
        assert!(machine_is_up(&lab.desk.last().report, 1), "{which}");
        let attempts = lab.desk.last().report.phases;
        assert!(attempts.iter().all(|phase| phase.attempt == 1));
        assert_eq!(lab.effects(), ["make_disk", "launch", "ready"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_for_ever_fails_the_job_at_its_limit_and_takes_newer_specs() {
    for which in 0..3 {
        let (lab, failing) = lab(1.0).await;
        each(&failing)[which].store(u32::MAX, Ordering::Relaxed);
        lab.assign(create(1));
        lab.clock.advance(119).await;
        assert_eq!(lab.desk.failure(), None);
        lab.clock.advance(9).await;
        let (at_ms, failure) = lab.desk.failure().expect("a failure");
        assert!((120_000..=128_000).contains(&at_ms), "{which}: {at_ms}");
        assert_eq!(failure.error.code, JobErrorCode::Stalled);
        // Where nothing could begin and it was seen, nothing is out.
        assert_eq!(failure.outstanding, which != 1);
        assert_eq!(lab.effects(), [""; 0]);

        // It ends by a newer spec, told while it is still dark.
        lab.assign(absent(2));
        lab.clock.advance(10).await;
        each(&failing)[which].store(0, Ordering::Relaxed);
        lab.clock.advance(10).await;
        let last = lab.desk.last().report;
        assert_eq!((last.generation, last.state), (2, ReportState::Settled));
        assert!(lab.ledgers().await.is_empty());
        let failures = lab.desk.reports().into_iter();
        let failures = failures.filter(|e| matches!(e.report.state, ReportState::Failed(_)));
        assert_eq!(failures.count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_forgotten_keeps_no_clock_from_moving() {
    let (lab, failing) = lab(0.0).await;
    failing.forgets.store(3, Ordering::Relaxed);
    lab.assign(create(1));
    lab.idle().await;
    lab.assign(absent(2));
    lab.idle().await;
    assert_eq!(lab.ledgers().await.len(), 1);
    // One that was on its way.
    lab.agent.assign(create(1));
    lab.clock.advance(10).await;
    assert!(lab.ledgers().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_dies_by_itself_is_shown_and_left_alone() {
    let (lab, failing) = lab(0.0).await;
    lab.assign(create(1));
    lab.idle().await;
    assert!(machine_is_up(&lab.desk.last().report, 1));
    lab.desk.settled.notified().await;
    let world = rusqlite::Connection::open(lab.data.path().join(WORLD_FILE)).unwrap();
    let dies = "UPDATE thing SET observed = json_set(observed, '$.machine.process', NULL)";
    world.execute(dies, []).unwrap();
    failing.died.notify_one();
    lab.desk.settled.notified().await;
    lab.clock.advance(60).await;
    let last = lab.desk.last().report;
    assert_eq!((last.generation, last.state), (1, ReportState::Settled));
    let observed = last.observed.expect("looked at");
    assert_eq!(observed.machine().unwrap().process, None);
    assert_eq!(lab.effects(), ["make_disk", "launch", "ready"]);
}
