//! Requests that wait for a job to change, each woken by the commits that touch one of its jobs.
//!
//! One task reads the commits for all of them: a commit costs the same however many wait, and whoever
//! leaves is forgotten with the value that it holds.

use super::Engine;
use crate::store::Committed;
use api::JobId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::{
    Notify, OwnedSemaphorePermit, Semaphore,
    broadcast::{self, error::RecvError},
};

/// Polls that may wait for a change at once; further ones are answered without waiting.
const POLLS_WAITING: usize = 1024;

/// Who waits for which job.
pub(super) struct Watchers {
    by_job: Mutex<HashMap<JobId, Vec<Arc<Notify>>>>,
    places: Arc<Semaphore>,
}

impl Watchers {
    pub(super) fn new() -> Self {
        Self {
            by_job: Mutex::default(),
            places: Arc::new(Semaphore::new(POLLS_WAITING)),
        }
    }

    fn watch(self: &Arc<Self>, jobs: Vec<JobId>) -> Option<Watch> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let changed = Arc::new(Notify::new());
        let mut by_job = self.by_job();
        for &job in &jobs {
            by_job.entry(job).or_default().push(Arc::clone(&changed));
        }
        drop(by_job);
        Some(Watch {
            jobs,
            changed,
            watchers: Arc::clone(self),
            _place: place,
        })
    }

    fn committed(&self, committed: &Committed) {
        let by_job = self.by_job();
        let waiting = committed.jobs.iter().filter_map(|job| by_job.get(&job.id));
        waiting.flatten().for_each(|changed| changed.notify_one());
    }

    fn wake_all(&self) {
        let by_job = self.by_job();
        by_job.values().flatten().for_each(|it| it.notify_one());
    }

    fn by_job(&self) -> MutexGuard<'_, HashMap<JobId, Vec<Arc<Notify>>>> {
        self.by_job.lock().expect("nobody panics while holding it")
    }
}

/// A place among those who wait; given up when this is dropped.
pub struct Watch {
    jobs: Vec<JobId>,
    changed: Arc<Notify>,
    watchers: Arc<Watchers>,
    _place: OwnedSemaphorePermit,
}

impl Watch {
    /// Waits until one of the jobs may have changed since this was made, or since the last time.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut by_job = self.watchers.by_job();
        for job in &self.jobs {
            let Some(waiting) = by_job.get_mut(job) else {
                continue;
            };
            waiting.retain(|other| !Arc::ptr_eq(other, &self.changed));
            if waiting.is_empty() {
                by_job.remove(job);
            }
        }
    }
}

impl Engine {
    /// Listens for changes of these jobs; `None` where too many do already.
    pub fn watch(&self, jobs: Vec<JobId>) -> Option<Watch> {
        self.inner.watchers.watch(jobs)
    }

    /// Waits until the server begins to shut down.
    pub async fn drained(&self) {
        self.inner.draining.cancelled().await;
    }
}

pub(super) async fn run(engine: Engine, mut changes: broadcast::Receiver<Arc<Committed>>) {
    loop {
        tokio::select! {
            change = changes.recv() => match change {
                Ok(committed) => engine.inner.watchers.committed(&committed),
                Err(RecvError::Lagged(_)) => engine.inner.watchers.wake_all(),
                Err(RecvError::Closed) => return,
            },
            () = engine.inner.stopping.cancelled() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[tokio::test]
    async fn who_leaves_is_forgotten_and_places_are_bounded() {
        let watchers = Arc::new(Watchers::new());
        let jobs: Vec<_> = (0..2).map(|id| JobId(Uuid::from_u128(id))).collect();
        let mut all: Vec<_> = (0..POLLS_WAITING)
            .map(|_| watchers.watch(jobs.clone()).unwrap())
            .collect();
        assert!(watchers.watch(jobs.clone()).is_none());
        watchers.wake_all();
        all[0].changed().await;
        all.pop();
        all.push(watchers.watch(jobs[..1].to_vec()).unwrap());
        assert_eq!(watchers.by_job()[&jobs[1]].len(), POLLS_WAITING - 1);
        drop(all);
        assert!(watchers.by_job().is_empty());
        assert_eq!(watchers.places.available_permits(), POLLS_WAITING);
    }
}
