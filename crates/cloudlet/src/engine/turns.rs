//! The engine's loop: what each commit makes possible is done next.
//!
//! It learns from the commits themselves, so nothing is polled: a job that may start, a call that
//! may start, a wish to cancel. At boot, and whenever it lags behind, it asks the store once.

use super::Engine;
use crate::store::{Committed, StoreError, Turned};
use api::{HostId, JobId};
use model::{Job, JobState, course};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    task::JoinSet,
};

/// Turns that are taken at once on one host, so that they share a commit.
const TURN_BATCH: usize = 16;
/// The pause before the engine tries again when the store cannot answer.
const STORE_RETRY: Duration = Duration::from_millis(200);

/// What there is to do.
#[derive(Default)]
struct Due {
    hosts: BTreeSet<HostId>,
    calls: Vec<JobId>,
    cancels: Vec<JobId>,
    everything: bool,
}

impl Due {
    fn note(&mut self, job: &Job) {
        if job.is_synchronous() {
            if job.is_ready() {
                self.calls.push(job.id);
            }
        } else if job.is_ready() || job.state.is_final() {
            self.hosts.insert(job.host);
        }
        if job.cancel && job.state == JobState::Running {
            self.cancels.push(job.id);
        }
    }
}

pub(super) async fn run(engine: Engine, mut changes: broadcast::Receiver<Arc<Committed>>) {
    // Held while what it led to is being done: a manual clock stands still until then.
    let mut due = Due {
        everything: true,
        ..Due::default()
    };
    let mut under_way = Vec::new();
    let busy = engine.inner.clock.busy();
    let mut first = Some(busy);
    loop {
        if let Err(error) = work(&engine, &mut due).await {
            if engine.inner.stopping.is_cancelled() {
                return;
            }
            tracing::error!(%error, "the engine could not go on; it tries again");
            due.everything = true;
            tokio::select! {
                () = tokio::time::sleep(STORE_RETRY) => continue,
                () = engine.inner.stopping.cancelled() => return,
            }
        }
        under_way.clear();
        first.take();
        tokio::select! {
            change = changes.recv() => match change {
                Ok(committed) => {
                    committed.jobs.iter().for_each(|job| due.note(job));
                    under_way.push(committed);
                    while let Ok(committed) = changes.try_recv() {
                        committed.jobs.iter().for_each(|job| due.note(job));
                        under_way.push(committed);
                    }
                }
                Err(RecvError::Lagged(_)) => due.everything = true,
                Err(RecvError::Closed) => return,
            },
            () = engine.inner.stopping.cancelled() => return,
        }
    }
}

async fn work(engine: &Engine, due: &mut Due) -> Result<(), StoreError> {
    let store = engine.store();
    if due.everything {
        due.hosts.extend(engine.inner.hosts.iter().copied());
        due.calls.extend(store.pending_calls(true).await?);
        due.cancels.extend(store.cancel_wishes().await?);
        due.everything = false;
    }
    for job in due.cancels.drain(..) {
        let assignment = engine
            .run(move |context| course::cancel(context, job))
            .await?;
        engine.assign(assignment);
    }
    for job in due.calls.drain(..) {
        start_call(engine, job).await?;
    }
    while let Some(host) = due.hosts.pop_first() {
        take_turns(engine, host).await?;
    }
    Ok(())
}

/// Calls neither take nor wait for a slot.
async fn start_call(engine: &Engine, job: JobId) -> Result<(), StoreError> {
    match engine.run(move |context| course::start(context, job)).await {
        Ok(assignment) => engine.assign(assignment),
        Err(StoreError::Panicked(_)) => {
            engine
                .run(move |context| (course::fail(context, job), ()))
                .await?;
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Takes turns until the host has no slot or nobody is ready; more at once while it goes on.
async fn take_turns(engine: &Engine, host: HostId) -> Result<(), StoreError> {
    let mut batch = 1;
    loop {
        let mut turns = JoinSet::new();
        for _ in 0..batch {
            let store = engine.store().clone();
            turns.spawn(async move { store.take_turn(host).await });
        }
        let mut over = false;
        while let Some(turn) = turns.join_next().await {
            match turn {
                Ok(turn) => match turn? {
                    Some(Turned { assignment, .. }) => engine.assign(assignment),
                    None => over = true,
                },
                Err(error) => return Err(StoreError::Panicked(error.to_string())),
            }
        }
        if over {
            return Ok(());
        }
        batch = (batch * 2).min(TURN_BATCH);
    }
}
