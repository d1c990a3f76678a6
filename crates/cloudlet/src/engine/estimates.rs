//! How long operations take: learned from the commits, at start from what is stored; kept in memory, so
//! that no poll costs a read more.

use super::Engine;
use crate::store::{Committed, StoreError};
use api::Timestamp;
use model::{
    Job,
    estimate::{Durations, Estimate},
};
use std::sync::{Arc, MutexGuard, PoisonError};
use tokio::sync::broadcast::{self, error::RecvError};

/// Jobs that ended last from which is learned at start.
const ESTIMATE_SEED: u32 = 500;

impl Engine {
    /// When a job will probably be done; `None` where nobody knows.
    pub fn estimate(&self, job: &Job) -> Option<Estimate> {
        self.durations().estimate(job, self.now())
    }

    /// Whole seconds after which whoever waits for these jobs should ask for them: for the one that
    /// changes first. `None` where nothing is known.
    pub fn poll_after<'a>(&self, jobs: impl IntoIterator<Item = &'a Job>) -> Option<u64> {
        let (durations, now) = (self.durations(), self.now());
        let due = jobs.into_iter();
        due.filter_map(|job| durations.poll_after(job, now)).min()
    }

    /// Learns from the jobs that ended last, the newest at the end.
    pub(super) async fn learn_from_stored(&self) -> Result<(), StoreError> {
        let ended = self.store().newest_ended(ESTIMATE_SEED).await?;
        let mut durations = self.durations();
        ended.iter().rev().for_each(|job| durations.learn(job));
        Ok(())
    }

    fn durations(&self) -> MutexGuard<'_, Durations> {
        let durations = self.inner.durations.lock();
        // Whatever a panic left of it is a mean like another: no poll fails for an estimate.
        durations.unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.clock().now()
    }
}

/// Learns until the engine stops. What it misses where it lags, it does without.
pub(super) async fn run(engine: Engine, mut changes: broadcast::Receiver<Arc<Committed>>) {
    loop {
        tokio::select! {
            change = changes.recv() => match change {
                Ok(committed) => {
                    let mut durations = engine.durations();
                    let ended = committed.jobs.iter().filter(|job| job.state.is_final());
                    ended.for_each(|job| durations.learn(job));
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
            () = engine.inner.stopping.cancelled() => return,
        }
    }
}
