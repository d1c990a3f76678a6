//! The engine's loop: what each commit makes possible is done next.
//!
//! It learns from the commits themselves, so nothing is polled: a job that may start, a call that
//! may start, a wish to cancel. It goes round in passes: wishes and calls first, then one batch of
//! turns on each host, then what has been committed meanwhile; so a long line on one host delays
//! neither a call nor another host. At boot, and whenever it lags behind or fails, it asks the store.

use super::Engine;
use crate::store::{Committed, StoreError, Turned};
use api::{HostId, JobId};
use model::{Job, JobState, course};
use std::{collections::BTreeMap, mem, sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::{self, error::RecvError, error::TryRecvError},
    task::JoinSet,
};

/// Turns that are taken at once on one host, so that they share a commit.
const TURN_BATCH: usize = 16;
/// The pause before the engine tries again when the store cannot answer.
const STORE_RETRY: Duration = Duration::from_millis(200);

/// What there is to do.
#[derive(Default)]
struct Due {
    /// Hosts where somebody may start, with how many turns to take at once.
    hosts: BTreeMap<HostId, usize>,
    calls: Vec<JobId>,
    cancels: Vec<JobId>,
    /// Ask the store for all of these.
    everything: bool,
    /// Held until what they led to is done: a manual clock stands still until then.
    commits: Vec<Arc<Committed>>,
}

impl Due {
    fn note(&mut self, committed: Arc<Committed>) {
        for job in &committed.jobs {
            self.note_job(job);
        }
        self.commits.push(committed);
    }

    fn note_job(&mut self, job: &Job) {
        if job.is_synchronous() {
            if job.is_ready() {
                self.calls.push(job.id);
            }
        } else if job.is_ready() || job.state.is_final() {
            self.hosts.entry(job.host).or_insert(1);
        }
        if job.cancel && job.state == JobState::Running {
            self.cancels.push(job.id);
        }
    }

    fn is_empty(&self) -> bool {
        !self.everything
            && self.hosts.is_empty()
            && self.calls.is_empty()
            && self.cancels.is_empty()
    }
}

pub(super) async fn run(engine: Engine, mut changes: broadcast::Receiver<Arc<Committed>>) {
    let mut due = Due {
        everything: true,
        ..Due::default()
    };
    let mut first = Some(engine.inner.clock.busy());
    while !engine.inner.stopping.is_cancelled() {
        if let Err(error) = pass(&engine, &mut due).await {
            tracing::error!(%error, "the engine could not do all that is due; it tries again");
            due.everything = true;
            tokio::select! {
                () = tokio::time::sleep(STORE_RETRY) => {}
                () = engine.inner.stopping.cancelled() => return,
            }
        }
        take_in(&mut due, &mut changes);
        if !due.is_empty() {
            continue;
        }
        due.commits.clear();
        first.take();
        tokio::select! {
            change = changes.recv() => match change {
                Ok(committed) => due.note(committed),
                Err(RecvError::Lagged(_)) => due.everything = true,
                Err(RecvError::Closed) => return,
            },
            () = engine.inner.stopping.cancelled() => return,
        }
    }
}

/// Takes in what has been committed meanwhile, without waiting.
fn take_in(due: &mut Due, changes: &mut broadcast::Receiver<Arc<Committed>>) {
    loop {
        match changes.try_recv() {
            Ok(committed) => due.note(committed),
            Err(TryRecvError::Lagged(_)) => due.everything = true,
            Err(TryRecvError::Empty | TryRecvError::Closed) => return,
        }
    }
}

/// Does what is due, one batch of turns on each host. What fails on one host harms no other; the
/// first error is told when all else is done.
async fn pass(engine: &Engine, due: &mut Due) -> Result<(), StoreError> {
    let mut outcome = Ok(());
    if mem::take(&mut due.everything) {
        outcome = outcome.and(ask(engine, due).await);
    }
    for job in mem::take(&mut due.cancels) {
        outcome = outcome.and(cancel(engine, job).await);
    }
    for job in mem::take(&mut due.calls) {
        outcome = outcome.and(start_call(engine, job).await);
    }
    for (host, turns) in mem::take(&mut due.hosts) {
        match take_turns(engine, host, turns).await {
            Ok(true) => {
                due.hosts.insert(host, (turns * 2).min(TURN_BATCH));
            }
            Ok(false) => {}
            Err(error) => outcome = outcome.and(Err(error)),
        }
    }
    outcome
}

/// Asks the store for all that may be due, and tells the agent once more of what is under way: it
/// ignores what it knows.
async fn ask(engine: &Engine, due: &mut Due) -> Result<(), StoreError> {
    let store = engine.store();
    due.calls.extend(store.pending_calls(true).await?);
    due.cancels.extend(store.cancel_wishes().await?);
    for &host in &engine.inner.hosts {
        due.hosts.entry(host).or_insert(1);
        let assignments = store.assignments(host).await?;
        for assignment in assignments.into_iter().filter(|one| one.origin.is_some()) {
            engine.assign(Some(assignment));
        }
    }
    Ok(())
}

async fn cancel(engine: &Engine, job: JobId) -> Result<(), StoreError> {
    let cancelled = engine
        .run(move |context| course::cancel(context, job))
        .await;
    match cancelled {
        Ok(assignment) => engine.assign(assignment),
        // The create goes on as if nobody had wished otherwise; the cause is in the log.
        Err(StoreError::Panicked(_)) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Calls neither take nor wait for a slot.
async fn start_call(engine: &Engine, job: JobId) -> Result<(), StoreError> {
    match engine.run(move |context| course::start(context, job)).await {
        Ok(assignment) => engine.assign(assignment),
        Err(StoreError::Panicked(_)) => {
            let failed = engine.run(move |context| (course::fail(context, job), ()));
            failed.await?;
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Takes so many turns on a host; says whether there may be more. Whatever one of them meets, what
/// the others have started is told to the agent.
async fn take_turns(engine: &Engine, host: HostId, turns: usize) -> Result<bool, StoreError> {
    let mut taken = JoinSet::new();
    for _ in 0..turns {
        let store = engine.store().clone();
        taken.spawn(async move { store.take_turn(host).await });
    }
    let mut outcome = Ok(true);
    for turn in taken.join_all().await {
        match turn {
            Ok(Some(Turned { assignment, .. })) => engine.assign(assignment),
            Ok(None) => outcome = outcome.map(|_| false),
            Err(error) => outcome = outcome.and(Err(error)),
        }
    }
    outcome
}
