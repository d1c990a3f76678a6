//! The engine: starts jobs fairly, applies reports, answers wishes to cancel. Nothing but short
//! transactions, each a rule of `model`; it holds no lock and no lease: of two that try the same step
//! one wins, and the other sees it. Its start alone presumes that no other runs on this store, which the
//! lock of the data directory sees to: it withdraws the calls that nobody waits for any more.
//!
//! It never calls a driver. What a host is to be told goes to its agent after the commit.

mod calls;
pub mod console;
mod estimates;
mod leftovers;
mod retention;
mod scrub;
mod turns;
mod uses;
mod verify;
mod watch;

pub use calls::CallEnd;
pub use watch::Watch;

use crate::{
    clock::Clock,
    faults::Faults,
    host::{self, agent::Agent, driver::Driver},
    store::{Store, StoreError, Urgency},
};
use api::{HostId, JobId, ResourceId};
use model::{
    Assignment, Context, Refusal, Report, Told, Write,
    accept::Idempotency,
    catalogue::Catalogue,
    course::{self, Heard},
    estimate::Durations,
    secret::Secret,
};
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, OnceLock},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The engine; clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    clock: Clock,
    faults: Faults,
    hosts: Vec<HostId>,
    agent: OnceLock<Agent>,
    draining: CancellationToken,
    stopping: CancellationToken,
    tasks: TaskTracker,
    watchers: Arc<watch::Watchers>,
    durations: Mutex<Durations>,
    /// Held while the manual clock is moved.
    advancing: tokio::sync::Mutex<()>,
}

impl Engine {
    /// An engine on a store, not yet running.
    pub fn new(store: Store, clock: Clock, faults: Faults, catalogue: &Catalogue) -> Self {
        let hosts = catalogue
            .data_centers
            .iter()
            .map(|data_center| data_center.host_id());
        Self {
            inner: Arc::new(Inner {
                store,
                clock,
                faults,
                hosts: hosts.collect(),
                agent: OnceLock::new(),
                draining: CancellationToken::new(),
                stopping: CancellationToken::new(),
                tasks: TaskTracker::new(),
                watchers: Arc::new(watch::Watchers::new()),
                durations: Mutex::default(),
                advancing: tokio::sync::Mutex::default(),
            }),
        }
    }

    /// Takes up what an earlier process left, starts the agent, then starts jobs.
    pub async fn start(&self, driver: Arc<dyn Driver>) -> anyhow::Result<()> {
        let changes = self.inner.store.changes();
        let watched = self.inner.store.changes();
        self.inner.tasks.spawn(watch::run(self.clone(), watched));
        self.learn_from_stored().await?;
        let learned = self.inner.store.changes();
        self.inner
            .tasks
            .spawn(estimates::run(self.clone(), learned));
        self.check_hosts().await?;
        self.withdraw_calls_of_earlier_process().await?;
        let mut assignments = Vec::new();
        for &host in &self.inner.hosts {
            assignments.extend(self.inner.store.assignments(host).await?);
        }
        let (clock, faults) = (self.inner.clock.clone(), self.inner.faults.clone());
        let link: Arc<dyn host::Engine> = Arc::new(self.clone());
        let agent = Agent::start(driver, link, clock, faults, assignments).await?;
        if self.inner.agent.set(agent).is_err() {
            anyhow::bail!("the engine was started twice");
        }
        self.inner.tasks.spawn(turns::run(self.clone(), changes));
        self.inner.tasks.spawn(uses::run(self.clone()));
        self.inner.tasks.spawn(scrub::run(self.clone()));
        let busy = self.inner.clock.busy();
        self.inner.tasks.spawn(retention::run(self.clone(), busy));
        Ok(())
    }

    /// Refuses what is new from now on, and ends the calls that wait.
    pub fn drain(&self) {
        self.inner.draining.cancel();
    }

    /// Ends the agent's actions, to be done again at the next start.
    pub async fn stop_agent(&self) {
        if let Some(agent) = self.inner.agent.get() {
            agent.stop().await;
        }
    }

    /// Ends the engine's own work and closes the store.
    pub async fn stop(&self) {
        self.drain();
        self.inner.stopping.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
        self.inner.store.close().await;
    }

    /// Moves the manual clock and stores where it stands, also if whoever asked has left. Says
    /// whether it got there before the server began to shut down. What is remembered is where it was
    /// to go: a repeat goes on to there and no further.
    pub async fn advance(
        &self,
        seconds: u64,
        repeat: Option<Idempotency>,
    ) -> Result<Result<bool, Refusal>, StoreError> {
        let engine = self.clone();
        let moved = self.inner.tasks.spawn(async move {
            let inner = &engine.inner;
            let _turn = inner.advancing.lock().await;
            let by_ms = i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX);
            let mut target = inner.clock.now().plus_millis(by_ms);
            if let Some(repeat) = repeat {
                // Kept from when it arrives: the move itself may be longer than answers are kept.
                match inner.store.remember(repeat, target, Some(target)).await? {
                    Ok(remembered) => target = remembered.either(),
                    Err(refusal) => return Ok(Err(refusal)),
                }
            }
            let arrived = tokio::select! {
                () = inner.clock.advance_to(target) => true,
                () = inner.draining.cancelled() => false,
            };
            let now = inner.clock.now();
            let stored = inner.store.clock_arrives(now, repeat.is_some());
            stored.await.map(|()| Ok(arrived))
        });
        moved
            .await
            .map_err(|error| StoreError::Panicked(error.to_string()))?
    }

    /// Whether the server is shutting down: mutating requests are then answered 503.
    pub fn is_draining(&self) -> bool {
        self.inner.draining.is_cancelled()
    }

    /// Its store.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Its clock.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The faults that are placed.
    pub fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    /// Runs one of the engine's own rules, which never refuse.
    async fn run<T: Send + 'static>(
        &self,
        rule: impl Fn(&Context<'_>) -> (Vec<Write>, T) + Send + 'static,
    ) -> Result<T, StoreError> {
        let decided = self
            .inner
            .store
            .transact(Urgency::Engine, move |context| Ok(rule(context)));
        decided.await?.map_err(|refusal| {
            StoreError::Panicked(format!("an engine rule refused: {}", refusal.message))
        })
    }

    /// Tells the agent of all else that followed from a report, and says what to answer it.
    fn tell(&self, heard: Heard) -> Told {
        for assignment in heard.others {
            self.assign(Some(assignment));
        }
        heard.told
    }

    /// Tells the agent, once the transaction that wrote the spec is on disk.
    fn assign(&self, assignment: Option<Assignment>) {
        if let (Some(assignment), Some(agent)) = (assignment, self.inner.agent.get()) {
            agent.assign(assignment);
        }
    }

    /// A data centre that went from the catalogue would leave its jobs without an end.
    async fn check_hosts(&self) -> anyhow::Result<()> {
        let resources = self.inner.store.resources().await?;
        let gone = resources
            .iter()
            .find(|one| !self.inner.hosts.contains(&one.host));
        if let Some(resource) = gone {
            anyhow::bail!(
                "the catalogue has no data centre {}, but {} lives there: put it back",
                resource.data_center,
                resource.words()
            );
        }
        Ok(())
    }

    /// A call whose client left, or that was answered 409, must not take effect after a restart.
    async fn withdraw_calls_of_earlier_process(&self) -> Result<(), StoreError> {
        for job in self.inner.store.pending_calls(false).await? {
            self.withdraw(job).await?;
        }
        Ok(())
    }

    async fn withdraw(&self, job: JobId) -> Result<course::Withdrawal, StoreError> {
        self.run(move |context| course::withdraw(context, job))
            .await
    }
}

impl host::Engine for Engine {
    fn report(&self, report: Report) -> Pin<Box<dyn Future<Output = Option<Told>> + Send + '_>> {
        Box::pin(async move {
            let resource = report.resource;
            let heard = self.run(move |context| course::report(context, &report));
            match heard.await {
                Ok(heard) => Some(self.tell(heard)),
                // Trying again would panic again: the job ends, so that its line moves on.
                Err(StoreError::Panicked(_)) => {
                    let given_up = self.run(move |context| course::give_up(context, resource));
                    let heard = given_up.await.ok().flatten();
                    heard.map(|heard| self.tell(heard))
                }
                Err(error) => {
                    tracing::warn!(%resource, %error, "a report could not be stored; it is sent again");
                    None
                }
            }
        })
    }
    fn secret(
        &self,
        resource: ResourceId,
        generation: u64,
    ) -> Pin<Box<dyn Future<Output = Option<Secret>> + Send + '_>> {
        Box::pin(async move {
            let found = self.inner.store.secret(resource, generation).await;
            found.unwrap_or_else(|error| {
                tracing::warn!(%resource, %error, "what its create carries could not be read");
                None
            })
        })
    }
}
