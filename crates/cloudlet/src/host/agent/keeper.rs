//! Keeps a resource's actor going: starts it, and starts it anew after a panic, once everything of
//! the one before has come to its end and the engine knows of it. What is done for a resource while
//! it has no actor is here, too. Whoever pauses here takes newer specs meanwhile: one that lay in the
//! mailbox would keep a manual clock from moving, and the pause would never end.

use super::{Letter, Shared, runner};
use crate::clock::Busy;
use api::{JobErrorCode, ResourceId};
use model::{Assignment, Report, ReportState, Told, actor::Ledger, job::JobError, report::Failure};
use std::{
    pin::pin,
    sync::{
        Arc, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{Mutex, mpsc};

/// What is told of a ledger that could not be read until the limit had passed.
const UNREAD: &str = "The host could not read its records.";

/// What outlives an actor that panics.
pub(super) struct Place {
    pub(super) inbox: Mutex<mpsc::UnboundedReceiver<Letter>>,
    /// Held by the report that is on its way: the next one leaves when it has arrived.
    pub(super) post: Arc<Mutex<()>>,
    /// Held by the action that is under way.
    pub(super) acting: Arc<Mutex<()>>,
    /// What the actor works on.
    generation: AtomicU64,
    /// From a panic until the keeper has taken note of it.
    panicked: std::sync::Mutex<Option<Busy>>,
}

impl Place {
    /// Keeps in mind what the actor works on.
    pub(super) fn works_on(&self, assignment: &Assignment) {
        self.generation
            .store(assignment.generation, Ordering::Relaxed);
    }

    /// The actor is being unwound.
    pub(super) fn panicked(&self, busy: Busy) {
        *self.last_panic() = Some(busy);
    }

    /// Sleeps for some milliseconds of the clock and takes newer specs meanwhile; nothing if the
    /// agent stops.
    async fn pause(
        &self,
        shared: &Shared,
        millis: u64,
        busy: Busy,
        newest: &mut Assignment,
    ) -> Option<Busy> {
        let mut inbox = self.inbox.lock().await;
        let mut pause = pin!(shared.pause(millis, busy));
        loop {
            tokio::select! {
                biased;
                rested = &mut pause => return rested,
                Some(letter) = inbox.recv() => {
                    // A change is seen by the look that a new actor begins with.
                    if let Some(newer) = letter.assignment
                        && newer.generation > newest.generation
                    {
                        *newest = newer;
                    }
                }
            }
        }
    }

    fn last_panic(&self) -> MutexGuard<'_, Option<Busy>> {
        self.panicked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Pauses as an actor makes them.
#[derive(Default)]
pub(super) struct BackOff {
    times: u32,
}

impl BackOff {
    /// The next pause, in milliseconds.
    pub(super) fn next_ms(&mut self) -> u64 {
        let pause = model::actor::pause_ms(self.times);
        self.times += 1;
        pause
    }
}

/// Keeps the actor of a resource until the resource is forgotten or the agent stops.
pub(super) async fn keep(
    shared: Arc<Shared>,
    mut assignment: Assignment,
    mut busy: Busy,
    inbox: mpsc::UnboundedReceiver<Letter>,
) {
    let place = Arc::new(Place {
        inbox: Mutex::new(inbox),
        post: Arc::default(),
        acting: Arc::default(),
        generation: AtomicU64::new(assignment.generation),
        panicked: std::sync::Mutex::default(),
    });
    let resource = assignment.resource;
    let mut panics = BackOff::default();
    loop {
        let run = runner::run(
            Arc::clone(&shared),
            Arc::clone(&place),
            assignment.clone(),
            busy,
        );
        match shared.tasks.spawn(run).await {
            Err(error) if error.is_panic() => {}
            Ok(()) | Err(_) => return,
        }
        tracing::error!(%resource, "the actor panicked; it is started anew");
        let held = place.last_panic().take();
        busy = held.unwrap_or_else(|| shared.clock.busy());
        // Its action was told to end when it went.
        drop(place.acting.lock().await);
        let Some((told, rested)) = confess(&shared, &place, &mut assignment, busy).await else {
            return;
        };
        let Told::Spec(newest) = told else {
            tracing::warn!(%resource, "gone, but what is left of it is unknown: kept");
            return;
        };
        if newest.generation >= assignment.generation {
            assignment = newest;
        }
        let pause = panics.next_ms();
        match place.pause(&shared, pause, rested, &mut assignment).await {
            Some(rested) => busy = rested,
            None => return,
        }
    }
}

/// Reports a panic as a permanent failure that may still have an effect.
async fn confess(
    shared: &Shared,
    place: &Place,
    newest: &mut Assignment,
    mut busy: Busy,
) -> Option<(Told, Busy)> {
    let error = JobError::new(JobErrorCode::InternalError, super::action::OWN_FAULT);
    let generation = place.generation.load(Ordering::Relaxed);
    let report = failed(newest.resource, generation, error);
    shared.takes_back_ports(newest.resource);
    let _turn = place.post.lock().await;
    let mut back_off = BackOff::default();
    loop {
        if let Some(told) = shared.engine.report(report.clone()).await {
            return Some((told, busy));
        }
        let pause = back_off.next_ms();
        busy = place.pause(shared, pause, busy, newest).await?;
    }
}

/// Reads the ledger of a resource that is about to get an actor, however long that takes; past the
/// limit of what it is assigned, the engine is told. Nothing if the agent stops first.
pub(super) async fn open(
    shared: &Shared,
    place: &Place,
    mut assignment: Assignment,
    mut busy: Busy,
) -> Option<(Assignment, Ledger, Busy)> {
    let resource = assignment.resource;
    let mut back_off = BackOff::default();
    let mut since_ms = shared.clock.moment().steady_ms;
    let mut told_of = 0;
    loop {
        match shared.driver.ledger(resource).await {
            Ok(ledger) => return Some((assignment, ledger.unwrap_or_default(), busy)),
            Err(error) => tracing::error!(%resource, "its ledger could not be read: {error:#}"),
        }
        let Assignment {
            generation,
            stall_ms,
            hold,
            ..
        } = assignment;
        let now_ms = shared.clock.moment().steady_ms;
        if now_ms >= since_ms.saturating_add(stall_ms) && told_of < generation && !hold {
            let text = format!("No progress for {} s. {UNREAD}", stall_ms / 1000);
            let error = JobError::new(JobErrorCode::Stalled, text);
            let _turn = place.post.lock().await;
            let report = shared.engine.report(failed(resource, generation, error));
            if let Some(told) = report.await {
                told_of = generation;
                if let Told::Spec(newest) = told
                    && newest.generation > generation
                {
                    assignment = newest;
                }
            }
        }
        let pause = back_off.next_ms();
        busy = place.pause(shared, pause, busy, &mut assignment).await?;
        if assignment.generation > generation {
            since_ms = shared.clock.moment().steady_ms;
            place.works_on(&assignment);
        }
    }
}

/// Forgets a resource that is gone for good, however long that takes. No mail reaches it any more.
pub(super) async fn forget(shared: &Shared, place: &Place, resource: ResourceId, mut busy: Busy) {
    shared.directory().forget(resource);
    let mut inbox = place.inbox.lock().await;
    inbox.close();
    while inbox.try_recv().is_ok() {}
    let mut back_off = BackOff::default();
    while let Err(error) = shared.driver.forget(resource).await {
        tracing::error!(%resource, "could not be forgotten: {error:#}");
        match shared.pause(back_off.next_ms(), busy).await {
            Some(rested) => busy = rested,
            None => return,
        }
    }
}

/// Asks the engine about a resource that the host keeps a ledger of and was not assigned.
///
/// The report says nothing: it is for no generation. Only what is gone for good and has left
/// nothing is forgotten; nothing is ever destroyed because it is missing from a list.
pub(super) async fn ask(shared: Arc<Shared>, resource: ResourceId, mut busy: Busy) {
    let report = bare(resource, 0, ReportState::Acting);
    let mut back_off = BackOff::default();
    let (told, _busy) = loop {
        if let Some(told) = shared.engine.report(report.clone()).await {
            break (told, busy);
        }
        match shared.pause(back_off.next_ms(), busy).await {
            Some(rested) => busy = rested,
            None => return,
        }
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

/// A failure of a resource that has no actor: whether anything still has an effect, nobody knows.
fn failed(resource: ResourceId, generation: u64, error: JobError) -> Report {
    let failure = Failure {
        error,
        outstanding: true,
    };
    bare(resource, generation, ReportState::Failed(failure))
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
        done: Vec::new(),
        observed: None,
    }
}
