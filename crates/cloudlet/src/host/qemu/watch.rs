//! Watches over processes: tells when one has ended, whoever ended it.

use super::process::Process;
use api::ResourceId;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::mpsc;

/// The processes that are watched; clones are the same.
#[derive(Clone)]
pub(super) struct Watch {
    watched: Arc<Mutex<BTreeMap<ResourceId, u32>>>,
    changes: mpsc::UnboundedSender<ResourceId>,
    changed: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<ResourceId>>>,
}

impl Watch {
    pub(super) fn new() -> Self {
        let (changes, changed) = mpsc::unbounded_channel();
        Self {
            watched: Arc::default(),
            changes,
            changed: Arc::new(tokio::sync::Mutex::new(changed)),
        }
    }

    /// Watches over the process of a machine, from now on until it ends.
    pub(super) fn over(&self, resource: ResourceId, process: Process) {
        if self.watched().insert(resource, process.pid) == Some(process.pid) {
            return;
        }
        let watch = self.clone();
        tokio::spawn(async move {
            if let Err(error) = process.ended().await {
                tracing::error!("process {} cannot be watched: {error}", process.pid);
            }
            let mut watched = watch.watched();
            if watched.get(&resource) == Some(&process.pid) {
                watched.remove(&resource);
            }
            drop(watched);
            // Nobody listens when the server stops.
            let _unheard = watch.changes.send(resource);
        });
    }

    /// The next machine whose process has ended. Safe to drop.
    pub(super) async fn next(&self) -> ResourceId {
        match self.changed.lock().await.recv().await {
            Some(resource) => resource,
            None => std::future::pending().await,
        }
    }

    fn watched(&self) -> MutexGuard<'_, BTreeMap<ResourceId, u32>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
