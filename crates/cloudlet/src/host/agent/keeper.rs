//! Keeps a resource's actor going: starts it, and starts it anew after a panic, once everything of
//! the one before has come to its end and the engine knows of it.

use super::{Letter, Shared, runner};
use crate::clock::Busy;
use api::{JobErrorCode, ResourceId};
use model::{
    Assignment, Report, ReportState, Told,
    job::JobError,
    limits::{RETRY_FIRST_MS, RETRY_LONGEST_MS},
    report::Failure,
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::{Mutex, mpsc};

/// What outlives an actor that panics.
pub(super) struct Place {
    pub(super) inbox: Mutex<mpsc::UnboundedReceiver<Letter>>,
    /// Held by the report that is on its way: the next one leaves when it has arrived.
    pub(super) post: Arc<Mutex<()>>,
    /// Held by the action that is under way.
    pub(super) acting: Arc<Mutex<()>>,
    /// What the actor works on.
    pub(super) generation: AtomicU64,
}

/// Pauses that double from [`RETRY_FIRST_MS`] to [`RETRY_LONGEST_MS`].
#[derive(Default)]
pub(super) struct BackOff {
    times: u32,
}

impl BackOff {
    /// The next pause, in milliseconds.
    pub(super) fn next_ms(&mut self) -> u64 {
        let pause = RETRY_FIRST_MS << self.times.min(16);
        self.times += 1;
        pause.min(RETRY_LONGEST_MS)
    }
}

/// Keeps the actor of a resource until the resource is forgotten or the agent stops.
pub(super) async fn keep(
    shared: Arc<Shared>,
    letter: Letter,
    inbox: mpsc::UnboundedReceiver<Letter>,
) {
    let place = Arc::new(Place {
        inbox: Mutex::new(inbox),
        post: Arc::default(),
        acting: Arc::default(),
        generation: AtomicU64::new(letter.assignment.generation),
    });
    let resource = letter.assignment.resource;
    let Letter {
        mut assignment,
        mut busy,
    } = letter;
    let mut panics = BackOff::default();
    loop {
        let run = runner::run(Arc::clone(&shared), Arc::clone(&place), assignment, busy);
        match shared.tasks.spawn(run).await {
            Err(error) if error.is_panic() => {}
            Ok(()) | Err(_) => return,
        }
        tracing::error!(%resource, "the actor panicked; it is started anew");
        busy = shared.clock.busy();
        // Its action was told to end when it went.
        drop(place.acting.lock().await);
        let Some((told, rested)) = confess(&shared, &place, resource, busy).await else {
            return;
        };
        let Told::Spec(newest) = told else {
            tracing::warn!(%resource, "gone, but what is left of it is unknown: kept");
            return;
        };
        assignment = newest;
        match shared.pause(panics.next_ms(), rested).await {
            Some(rested) => busy = rested,
            None => return,
        }
    }
}

/// Reports a panic as a permanent failure that may still have an effect.
async fn confess(
    shared: &Shared,
    place: &Place,
    resource: ResourceId,
    busy: Busy,
) -> Option<(Told, Busy)> {
    let error = JobError::new(JobErrorCode::InternalError, super::action::OWN_FAULT);
    let failure = Failure {
        error,
        outstanding: true,
    };
    let generation = place.generation.load(Ordering::Relaxed);
    let report = bare(resource, generation, ReportState::Failed(failure));
    let _turn = place.post.lock().await;
    insist(shared, report, busy).await
}

/// Asks the engine about a resource that the host keeps a ledger of and was not assigned.
///
/// The report says nothing: it is for no generation. Only what is gone for good and has left
/// nothing is forgotten; nothing is ever destroyed because it is missing from a list.
pub(super) async fn ask(shared: Arc<Shared>, resource: ResourceId, busy: Busy) {
    let report = bare(resource, 0, ReportState::Acting);
    let Some((told, _busy)) = insist(&shared, report, busy).await else {
        return;
    };
    match told {
        Told::Spec(assignment) => shared.assign(assignment),
        Told::Forget => match shared.driver.observe(resource).await {
            Ok(observed) if observed.is_absent() => {
                if let Err(error) = shared.driver.forget(resource).await {
                    tracing::warn!(%resource, "could not be forgotten: {error:#}");
                }
            }
            found => tracing::warn!(%resource, ?found, "in no record, but not gone: kept"),
        },
    }
}

/// Reports until the report is taken; nothing if the agent stops first.
async fn insist(shared: &Shared, report: Report, mut busy: Busy) -> Option<(Told, Busy)> {
    let mut back_off = BackOff::default();
    loop {
        if let Some(told) = shared.engine.report(report.clone()).await {
            return Some((told, busy));
        }
        busy = shared.pause(back_off.next_ms(), busy).await?;
    }
}

/// A report without an observation, and without a word on how far things are.
fn bare(resource: ResourceId, generation: u64, state: ReportState) -> Report {
    Report {
        resource,
        generation,
        state,
        phase: None,
        total: 0,
        remaining: u64::MAX,
        phases: Vec::new(),
        observed: None,
    }
}

/// For the runner: what an actor works on, kept where a panic cannot take it along.
impl Place {
    pub(super) fn works_on(&self, assignment: &Assignment) {
        self.generation
            .store(assignment.generation, Ordering::Relaxed);
    }
}
