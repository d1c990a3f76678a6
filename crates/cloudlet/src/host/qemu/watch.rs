//! Watches over processes: tells when one has ended, whoever ended it, and keeps its console from
//! growing without end.

use super::{console, folder::Folder, process::Process};
use api::ResourceId;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

/// How often it is looked whether a console has grown too large.
const CUT_INTERVAL: Duration = Duration::from_secs(10);

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
    pub(super) fn over(&self, resource: ResourceId, process: Process, folder: Folder) {
        if self.watched().insert(resource, process.pid) == Some(process.pid) {
            return;
        }
        let watch = self.clone();
        tokio::spawn(async move {
            while let Err(_elapsed) = timeout(CUT_INTERVAL, end(&process)).await {
                if let Err(error) = folder.on_disk(console::cut).await {
                    tracing::error!("the console of {resource} cannot be cut: {error}");
                }
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

/// A process that cannot be watched, for want of descriptors say, has not ended for that.
async fn end(process: &Process) {
    while let Err(error) = process.ended().await {
        tracing::error!("process {} cannot be watched: {error}", process.pid);
        sleep(CUT_INTERVAL).await;
    }
}
