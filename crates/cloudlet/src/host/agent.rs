//! The agent: one actor for each resource, run on a clock and a driver.
//!
//! `keeper` keeps a resource's actor going, `runner` takes events to it and carries out what it
//! wants done, `action` is the one action under way, `outbox` what is still to be told, `directory`
//! what actors know of each other: which networks hand out ports. What to do is decided by the actor alone (`model::actor`); what is known of jobs is decided by the engine.

mod action;
mod directory;
mod keeper;
mod outbox;
mod runner;
#[cfg(test)]
mod tests;

use super::{
    Engine,
    console::{Part, Text},
    driver::{Driver, Sightings},
};
use crate::{
    clock::{Busy, Clock},
    faults::Faults,
};
use api::ResourceId;
use directory::Directory;
use model::{Assignment, DriverAbilities, Report, ReportState};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long [`Agent::stop`] waits, in real time, for what is under way to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(4);

/// The agent of a host; clones are the same agent.
#[derive(Clone)]
pub struct Agent {
    shared: Arc<Shared>,
}

/// What every part of an agent works with.
struct Shared {
    driver: Arc<dyn Driver>,
    engine: Arc<dyn Engine>,
    clock: Clock,
    faults: Faults,
    tasks: TaskTracker,
    stop: CancellationToken,
    directory: Mutex<Directory>,
}

/// On its way to a resource's actor. There are as many as the engine has written specs, and as the
/// driver has told of changes.
struct Letter {
    /// The newest spec; nothing: the world has changed.
    assignment: Option<Assignment>,
    busy: Busy,
}

impl Letter {
    fn changed(busy: Busy) -> Self {
        let assignment = None;
        Self { assignment, busy }
    }
}

impl Agent {
    /// Starts the agent: takes up each resource that it is assigned or has a ledger of.
    pub async fn start(
        driver: Arc<dyn Driver>,
        engine: Arc<dyn Engine>,
        clock: Clock,
        faults: Faults,
        assignments: Vec<Assignment>,
    ) -> anyhow::Result<Self> {
        let mut unassigned = driver.ledgers().await?;
        let shared = Arc::new(Shared {
            driver,
            engine,
            clock,
            faults,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            directory: Mutex::default(),
        });
        for assignment in assignments {
            unassigned.remove(&assignment.resource);
            shared.assign(assignment);
        }
        shared.tasks.spawn(watch(Arc::clone(&shared)));
        for resource in unassigned.into_keys() {
            let ask = keeper::ask(Arc::clone(&shared), resource, shared.clock.busy());
            shared.tasks.spawn(ask);
        }
        Ok(Self { shared })
    }

    /// Tells it the newest spec of a resource. Never blocks.
    pub fn assign(&self, assignment: Assignment) {
        self.shared.assign(assignment);
    }

    /// What its driver can do.
    pub fn abilities(&self) -> DriverAbilities {
        self.shared.driver.abilities()
    }

    /// The world as the driver sees it now.
    pub async fn world(&self) -> anyhow::Result<Sightings> {
        self.shared.driver.list().await
    }

    /// A part of what a machine wrote on its serial console; nothing where machines have none.
    pub async fn console(&self, machine: ResourceId, part: Part) -> anyhow::Result<Option<Text>> {
        self.shared.driver.console(machine, part).await
    }

    /// What in the driver's log of effects should never have happened, in words.
    pub fn referee(&self) -> Vec<String> {
        self.shared.driver.referee()
    }

    /// Begins nothing new, kills what can be killed, waits until no action is out.
    pub async fn stop(&self) {
        let Shared { stop, tasks, .. } = &*self.shared;
        stop.cancel();
        tasks.close();
        if tokio::time::timeout(STOP_TIMEOUT, tasks.wait())
            .await
            .is_err()
        {
            let left = tasks.len();
            tracing::error!("the agent stops with {left} tasks still under way");
        }
    }
}

impl Shared {
    fn assign(self: &Arc<Self>, assignment: Assignment) {
        // Generation 0: nothing was ever to be made true.
        if assignment.generation == 0 || self.stop.is_cancelled() {
            return;
        }
        let (resource, busy) = (assignment.resource, self.clock.busy());
        let mut directory = self.directory();
        let entered = directory.enter(resource);
        directory.heard(resource, assignment.generation);
        let Some(inbox) = entered else {
            let assignment = Some(assignment);
            return directory.send(resource, Letter { assignment, busy });
        };
        drop(directory);
        self.driver.expect(resource);
        let keep = keeper::keep(Arc::clone(self), assignment, busy, inbox);
        self.tasks.spawn(keep);
    }

    /// The driver says that the world of a resource may have changed.
    fn changed(&self, resource: ResourceId) {
        let letter = Letter::changed(self.clock.busy());
        self.directory().send(resource, letter);
    }

    /// Which of these networks hand out ports.
    fn ready(&self, networks: impl Iterator<Item = ResourceId>) -> BTreeSet<ResourceId> {
        let directory = self.directory();
        networks
            .filter(|network| directory.is_open(*network))
            .collect()
    }

    /// The engine has taken a report and answered with a spec. A network that has settled hands out
    /// ports from now on, unless there is something newer to tell of it or to do for it.
    fn stored(&self, report: &Report, told: &Assignment, is_newest: bool, busy: &Busy) {
        let (resource, generation) = (report.resource, told.generation);
        let mut directory = self.directory();
        directory.heard(resource, generation);
        if report.state == ReportState::Settled
            && report.generation == generation
            && told.spec.network().is_some()
            && is_newest
        {
            directory.open(resource, generation, busy);
        }
    }

    /// A network has failed: it hands out no ports until it has settled.
    fn takes_back_ports(&self, network: ResourceId) {
        self.directory().close(network);
    }

    fn directory(&self) -> MutexGuard<'_, Directory> {
        // Nothing panics while it is held, so what it guards is whole.
        self.directory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps for some milliseconds of the clock; nothing if the agent stops meanwhile.
    async fn pause(&self, millis: u64, busy: Busy) -> Option<Busy> {
        let until = self.clock.moment().steady_ms.saturating_add(millis);
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            busy = self.clock.sleep_until(until, busy) => Some(busy),
        }
    }
}

/// Hands on what the driver tells of changes, until the agent stops.
async fn watch(shared: Arc<Shared>) {
    loop {
        let resource = tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            resource = shared.driver.changed() => resource,
        };
        shared.changed(resource);
    }
}
