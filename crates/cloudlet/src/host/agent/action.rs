//! The action that is under way, and the faults that strike it.
//!
//! A fault is judged inside the driver's own call that tells progress: the action is killed before it
//! can take another step, however fast it is.

use super::{Shared, keeper::Place};
use crate::{
    clock::{Busy, Clock},
    faults::{Strike, Watch},
    host::driver::{Pause, Work},
};
use api::JobErrorCode;
use model::{
    Assignment,
    actor::{ActionError, Actor, Event},
    job::JobError,
    plan::Action,
    secret::Sealed,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::{sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// What a tenant reads when Cloudlet itself is at fault.
pub(super) const OWN_FAULT: &str = "A fault of Cloudlet itself ended the operation.";

/// The digest of what the driver needs for this action beside the action itself: a create's, for what
/// makes a guest of its machine.
fn digest(assignment: &Assignment, action: &Action) -> Option<String> {
    let origin = assignment.origin?;
    let makes_guest = matches!(action, Action::MakeDisk { .. } | Action::Launch { .. });
    let is_create = origin.operation.definition().creates;
    let machine = assignment.spec.machine()?;
    machine.secret.clone().filter(|_| makes_guest && is_create)
}

/// The engine could not tell now, or the create has ended meanwhile and something newer is on its way.
fn not_told() -> ActionError {
    let text = "What the create carries could not be read.";
    ActionError {
        error: JobError::new(JobErrorCode::InternalError, text),
        permanent: false,
    }
}

/// An action under way. Dropped, it is told to end.
pub(super) struct Running {
    task: JoinHandle<Result<(), ActionError>>,
    run: Arc<Run>,
}

/// What a running action tells.
pub(super) enum News {
    /// How far it is.
    Moved,
    /// It has ended.
    Ended(Result<(), ActionError>),
}

/// How far an action is, shared with the driver's call.
struct Run {
    state: Mutex<State>,
    moved: Notify,
    clock: Clock,
    begun_ms: u64,
    pause: Pause,
    kill: CancellationToken,
}

struct State {
    /// The actor as it was when the action began: it knows the job's percentage.
    actor: Actor,
    watch: Option<Watch>,
    latest: Option<u16>,
    struck: Option<Strike>,
    killed: bool,
    /// Until the newest progress is taken note of.
    busy: Option<Busy>,
}

/// How an action that has ended is to be taken.
pub(super) struct End {
    /// Progress that nobody has taken note of.
    pub(super) latest: Option<u16>,
    /// What struck it, unless it was killed since.
    pub(super) struck: Option<Strike>,
}

impl Running {
    /// Begins an action that `actor` wants, `slowed` by a fault from the first.
    pub(super) fn begin(
        shared: &Shared,
        place: &Place,
        actor: &Actor,
        action: Action,
        watch: Option<Watch>,
        slowed: Option<f64>,
    ) -> Self {
        let run = Arc::new(Run::new(shared, actor, watch));
        if let Some(factor) = slowed {
            run.pause.slow_down(factor);
        }
        let tell = Arc::clone(&run);
        let mut work = Work {
            resource: actor.resource(),
            host: actor.assignment().host,
            generation: actor.assignment().generation,
            action,
            secret: None,
            progress: Arc::new(move |thousandths| tell.progress(thousandths)),
            kill: run.kill.clone(),
            pause: run.pause.clone(),
        };
        let acting = Arc::clone(&place.acting).try_lock_owned();
        let acting = acting.expect("an actor begins an action when the one before has ended");
        let (driver, engine) = (Arc::clone(&shared.driver), Arc::clone(&shared.engine));
        let digest = digest(actor.assignment(), &work.action);
        let task = shared.tasks.spawn(async move {
            let _acting = acting;
            if let Some(digest) = digest {
                let secret = engine.secret(work.resource, work.generation).await;
                let secret = secret.ok_or_else(not_told)?;
                work.secret = Some(Sealed { secret, digest });
            }
            driver.act(work).await
        });
        Self { task, run }
    }

    /// What it tells next. Safe to drop.
    pub(super) async fn next(running: &mut Option<Self>) -> News {
        let Some(Self { task, run }) = running else {
            return std::future::pending().await;
        };
        tokio::select! {
            biased;
            ended = task => News::Ended(ended.unwrap_or_else(|error| {
                tracing::error!("an action ended by a fault of its own: {error}");
                let error = JobError::new(JobErrorCode::InternalError, OWN_FAULT);
                Err(ActionError { error, permanent: true })
            })),
            () = run.moved.notified() => News::Moved,
        }
    }

    /// The newest progress, and whether a fault has struck there.
    pub(super) fn latest(&self) -> (Option<u16>, bool) {
        let mut state = self.run.state();
        drop(state.busy.take());
        (state.latest.take(), state.struck.is_some())
    }

    /// Tells it to end.
    pub(super) fn kill(&self) {
        self.run.state().killed = true;
        self.run.end();
    }

    /// Waits for the end of one that was killed, whatever it is.
    pub(super) async fn ended(mut self) {
        // The agent stops: nobody asks how it went.
        drop((&mut self.task).await);
    }

    /// What is to be made of its end.
    pub(super) fn end(&self) -> End {
        let mut state = self.run.state();
        let struck = state.struck.take();
        End {
            latest: state.latest.take(),
            struck: struck.filter(|strike| !state.killed || *strike != Strike::Stall),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.run.end();
    }
}

impl Run {
    fn new(shared: &Shared, actor: &Actor, watch: Option<Watch>) -> Self {
        let state = State {
            actor: actor.clone(),
            watch,
            latest: None,
            struck: None,
            killed: false,
            busy: None,
        };
        Self {
            state: Mutex::new(state),
            moved: Notify::new(),
            clock: shared.clock.clone(),
            begun_ms: shared.clock.moment().steady_ms,
            pause: Pause::new(shared.clock.clone()),
            kill: CancellationToken::new(),
        }
    }

    fn progress(&self, thousandths: u16) {
        let mut state = self.state();
        if state.struck.is_some() {
            return;
        }
        let now = self.clock.moment();
        let State {
            actor,
            watch,
            struck,
            ..
        } = &mut *state;
        if let Some(watch) = watch {
            // Only its percentage is asked for; what it would like done is done by the real one.
            drop(actor.handle(Event::Progress(thousandths), now));
            *struck = match watch.strike(actor.percent()) {
                // It goes on, only later.
                Some(Strike::Slow(factor)) => {
                    self.pause.slow_down(factor);
                    None
                }
                ends => ends,
            };
        }
        if state.struck.is_some() {
            self.end();
        }
        state.latest = Some(thousandths);
        // Where everything is instant, the end is told before anybody could have seen this.
        if state.struck.is_none() && now.steady_ms == self.begun_ms {
            return;
        }
        state.busy = Some(self.clock.busy());
        drop(state);
        self.moved.notify_one();
    }

    fn end(&self) {
        self.pause.end();
        self.kill.cancel();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Should the actor's copy panic in here, the action does, and is reported so.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
