//! Runs one actor: takes events to it, carries out its effects in order.
//!
//! Saving and looking are waited for; if they fail, that is an event as well, so that letters and
//! limits are never kept waiting. An action and a report are under way beside it, one of each at
//! most. It never waits for a report before it goes on. It holds a [`Busy`] while it works and gives
//! it up where it waits for the next event.

use super::{
    Letter, Shared,
    action::{End, News, Running},
    keeper::{self, Place},
    outbox::Outbox,
};
use crate::{clock::Busy, faults::Strike};
use api::ResourceId;
use model::{
    Assignment, Report, ReportState, Told,
    actor::{ActionError, Actor, Effect, Event},
    plan::Action,
};
use std::{collections::VecDeque, sync::Arc};
use tokio::{sync::mpsc, task::JoinHandle};

struct Runner {
    shared: Arc<Shared>,
    place: Arc<Place>,
    actor: Actor,
    running: Option<Running>,
    /// A fault has stalled the action: it has ended for the driver, and runs for the actor until that
    /// wants it killed. Nothing is busy with it.
    stalled: bool,
    /// The engine has said that the resource is gone for good.
    gone: bool,
    outbox: Outbox,
    sending: Option<Sending>,
    /// The network that the directory knows it to wait for.
    awaits: Option<ResourceId>,
    /// Nothing only while it waits.
    busy: Option<Busy>,
}

/// A report on its way.
struct Sending {
    report: Report,
    task: JoinHandle<Option<Told>>,
    busy: Busy,
}

enum Next {
    Stop,
    Action(News),
    Answer(Option<Told>),
    Letter(Letter),
    Time(Busy),
}

/// The agent stops, or the resource is forgotten: the runner ends.
struct Over;

/// Runs the actor of a resource until it is forgotten or the agent stops.
pub(super) async fn run(
    shared: Arc<Shared>,
    place: Arc<Place>,
    assignment: Assignment,
    busy: Busy,
) {
    place.works_on(&assignment);
    let opened = keeper::open(&shared, &place, assignment, busy).await;
    let Some((assignment, ledger, busy)) = opened else {
        return;
    };
    let mut inbox = place.inbox.lock().await;
    let now = shared.clock.moment();
    let (actor, effects) = Actor::new(shared.driver.abilities(), assignment, ledger, now);
    let mut runner = Runner {
        shared: Arc::clone(&shared),
        place: Arc::clone(&place),
        actor,
        running: None,
        stalled: false,
        gone: false,
        outbox: Outbox::default(),
        sending: None,
        awaits: None,
        busy: Some(busy),
    };
    let mut going = runner.perform(effects).await;
    while going.is_ok() {
        going = runner.turn(&mut inbox).await;
    }
    if let Some(running) = runner.running.take() {
        running.kill();
        running.ended().await;
    }
    if runner.gone {
        drop(inbox);
        let busy = runner.busy.take().unwrap_or_else(|| shared.clock.busy());
        keeper::forget(&shared, &place, runner.actor.resource(), busy).await;
    }
}

impl Drop for Runner {
    /// A manual clock stands until the keeper has taken note of a panic.
    fn drop(&mut self) {
        if let Some(network) = self.awaits {
            let resource = self.actor.resource();
            self.shared.directory().wait_no_more(resource, network);
        }
        if std::thread::panicking() {
            self.place.panicked(self.shared.clock.busy());
        }
    }
}

impl Runner {
    /// Waits for the next thing that happens and handles it.
    async fn turn(&mut self, inbox: &mut mpsc::UnboundedReceiver<Letter>) -> Result<(), Over> {
        self.place.works_on(self.actor.assignment());
        self.send();
        match self.next(inbox).await {
            Next::Stop => Err(Over),
            Next::Letter(letter) => {
                self.busy = Some(letter.busy);
                let assigned = letter.assignment.map(Event::Assigned);
                self.handle(assigned.unwrap_or(Event::Changed)).await
            }
            Next::Action(News::Moved) => {
                self.busy = Some(self.shared.clock.busy());
                self.moved().await
            }
            Next::Action(News::Ended(result)) => {
                self.busy = Some(self.shared.clock.busy());
                self.ended(result).await
            }
            Next::Answer(told) => self.answered(told).await,
            Next::Time(busy) => {
                let now_ms = self.shared.clock.moment().steady_ms;
                self.busy = Some(busy);
                match self.actor.deadline() {
                    Some(at_ms) if at_ms <= now_ms => self.handle(Event::Tick).await,
                    _ => Ok(()),
                }
            }
        }
    }

    /// Whatever is under way keeps its own [`Busy`] until it is taken note of.
    async fn next(&mut self, inbox: &mut mpsc::UnboundedReceiver<Letter>) -> Next {
        let may_send_at = self.outbox.due_ms().filter(|_| self.sending.is_none());
        let wake_at = self.actor.deadline().into_iter().chain(may_send_at).min();
        let busy = self.busy.take();
        let (shared, sending) = (&self.shared, &mut self.sending);
        let time = async {
            match (wake_at, busy) {
                (Some(at_ms), Some(busy)) => shared.clock.sleep_until(at_ms, busy).await,
                (_, busy) => {
                    drop(busy);
                    std::future::pending().await
                }
            }
        };
        let answer = async {
            match sending {
                // A panic of the engine's is no answer.
                Some(sending) => (&mut sending.task).await.unwrap_or(None),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => Next::Stop,
            news = Running::next(&mut self.running) => Next::Action(news),
            told = answer => Next::Answer(told),
            letter = inbox.recv() => letter.map_or(Next::Stop, Next::Letter),
            busy = time => Next::Time(busy),
        }
    }

    async fn handle(&mut self, event: Event) -> Result<(), Over> {
        let effects = self.actor.handle(event, self.shared.clock.moment());
        self.perform(effects).await
    }

    async fn perform(&mut self, effects: Vec<Effect>) -> Result<(), Over> {
        let resource = self.actor.resource();
        let mut effects = VecDeque::from(effects);
        loop {
            let Some(effect) = effects.pop_front() else {
                if !self.need_not_wait() {
                    return Ok(());
                }
                let now = self.shared.clock.moment();
                effects.extend(self.actor.handle(Event::Changed, now));
                continue;
            };
            let driver = &self.shared.driver;
            let event = match effect {
                Effect::Save(ledger) => Some(match driver.save(resource, ledger).await {
                    Ok(()) => Event::Saved,
                    Err(error) => {
                        tracing::error!(%resource, "its ledger could not be saved: {error:#}");
                        Event::Unsaved
                    }
                }),
                Effect::Observe => Some(match driver.observe(resource).await {
                    Ok(observed) => {
                        let ready = self.shared.ready(self.actor.networks());
                        Event::Observed(observed, ready)
                    }
                    Err(error) => {
                        tracing::error!(%resource, "could not be looked at: {}", error.error.text);
                        Event::Blind(error)
                    }
                }),
                Effect::Begin(_) if self.shared.stop.is_cancelled() => return Err(Over),
                Effect::Begin(action) => self.begin(action),
                Effect::Kill => self.kill(),
                Effect::Report(report) => {
                    if let ReportState::Failed(_) = report.state {
                        self.shared.takes_back_ports(resource);
                    }
                    self.outbox.put(report);
                    self.send();
                    None
                }
            };
            if let Some(event) = event {
                let now = self.shared.clock.moment();
                effects.extend(self.actor.handle(event, now));
            }
        }
    }

    /// Has itself woken when the network that its actor waits for hands out ports; says whether it
    /// does so already.
    fn need_not_wait(&mut self) -> bool {
        let awaits = self.actor.awaits();
        if awaits.is_none() && self.awaits.is_none() {
            return false;
        }
        let resource = self.actor.resource();
        let mut directory = self.shared.directory();
        if let Some(before) = self.awaits.filter(|_| self.awaits != awaits) {
            directory.wait_no_more(resource, before);
        }
        self.awaits = awaits;
        awaits.is_some_and(|network| directory.wait(resource, network))
    }

    fn begin(&mut self, action: Action) -> Option<Event> {
        let faults = &self.shared.faults;
        let Assignment { origin, spec, .. } = self.actor.assignment();
        let mut watch = origin.map(|origin| faults.watch(origin, action.phase(spec)));
        let percent = self.actor.percent();
        let struck = watch.as_mut().and_then(|watch| watch.strike(percent));
        if struck.is_some() {
            self.outbox.hurry();
        }
        let slowed = match struck {
            Some(Strike::Fail(error)) => return Some(Event::Ended(Err(error))),
            Some(Strike::Stall) => {
                self.stalled = true;
                return None;
            }
            Some(Strike::Slow(factor)) => Some(factor),
            None => None,
        };
        let Self {
            shared,
            place,
            actor,
            ..
        } = self;
        self.running = Some(Running::begin(shared, place, actor, action, watch, slowed));
        None
    }

    fn kill(&mut self) -> Option<Event> {
        if let Some(running) = &self.running {
            running.kill();
            return None;
        }
        self.stalled = false;
        Some(Event::Ended(Err(ActionError::killed())))
    }

    async fn moved(&mut self) -> Result<(), Over> {
        let latest = self.running.as_ref().map(Running::latest);
        let Some((Some(thousandths), struck)) = latest else {
            return Ok(());
        };
        self.progressed(thousandths, struck).await
    }

    /// The value at which a fault struck is seen, whatever follows.
    async fn progressed(&mut self, thousandths: u16, struck: bool) -> Result<(), Over> {
        let effects = self
            .actor
            .handle(Event::Progress(thousandths), self.shared.clock.moment());
        let reports = effects.iter().any(|e| matches!(e, Effect::Report(_)));
        self.perform(effects).await?;
        if struck && reports {
            self.outbox.hurry();
            self.send();
        }
        Ok(())
    }

    async fn ended(&mut self, result: Result<(), ActionError>) -> Result<(), Over> {
        let Some(running) = self.running.take() else {
            return Ok(());
        };
        let End { latest, struck } = running.end();
        // What an action told last is of no interest once it has done what it should.
        if let Some(thousandths) = latest.filter(|_| struck.is_some() || result.is_err()) {
            self.progressed(thousandths, struck.is_some()).await?;
        }
        let result = match struck {
            Some(Strike::Stall) => {
                self.stalled = true;
                return Ok(());
            }
            Some(Strike::Fail(error)) => Err(error),
            Some(Strike::Slow(_)) | None => result,
        };
        drop(running);
        self.handle(Event::Ended(result)).await
    }

    /// Sends the next report if there is one, it may leave, and none is on its way.
    fn send(&mut self) {
        if self.sending.is_some() {
            return;
        }
        let now = self.shared.clock.moment();
        let Some(report) = self.outbox.take(now.steady_ms) else {
            return;
        };
        let turn = Arc::clone(&self.place.post).try_lock_owned();
        let turn = turn.expect("one report is sent when the one before has been answered");
        let (engine, letter) = (Arc::clone(&self.shared.engine), report.clone());
        let task = self.shared.tasks.spawn(async move {
            let _turn = turn;
            engine.report(letter).await
        });
        self.sending = Some(Sending {
            report,
            task,
            busy: self.shared.clock.busy(),
        });
    }

    async fn answered(&mut self, told: Option<Told>) -> Result<(), Over> {
        let Some(Sending { report, busy, .. }) = self.sending.take() else {
            return Ok(());
        };
        self.busy = Some(busy.clone());
        let Some(told) = told else {
            let now_ms = self.shared.clock.moment().steady_ms;
            self.outbox.refused(report, now_ms);
            return Ok(());
        };
        self.outbox.stored();
        match told {
            Told::Spec(assignment) => {
                let is_newest = self.outbox.due_ms().is_none();
                self.shared.stored(&report, &assignment, is_newest, &busy);
                self.handle(Event::Assigned(assignment)).await
            }
            Told::Forget => self.forget(),
        }
    }

    /// Only what is gone on an explicit word, and reported so, is forgotten.
    fn forget(&mut self) -> Result<(), Over> {
        let (assignment, ledger) = (self.actor.assignment(), self.actor.ledger());
        let resource = assignment.resource;
        let is_gone = assignment.spec.is_absent() && ledger.settled == assignment.generation;
        if !is_gone || self.running.is_some() {
            tracing::warn!(%resource, "in no record, but was never told to go: kept");
            return Ok(());
        }
        self.gone = true;
        Err(Over)
    }
}
