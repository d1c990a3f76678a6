//! An agent's actor for one resource, as a pure state machine: observe → plan → act → report.
//!
//! ```text
//!            assigned             something to record         saved
//!   ┌──────► Observing ──────────────────────► Recording ────────────► Acting
//!   │          ▲   │                               │                     │
//!   │     time │   │ must wait                     │ saved: settled      │ ended
//!   │          │   ▼                               ▼                     ▼
//!   │        Waiting                            Resting             Observing
//!   │                                              │
//!   └───────────────── assigned, changed ──────────┘
//! ```
//!
//! A driver that cannot look, or cannot keep the ledger, makes it wait and look again (`record`).
//!
//! It owns no thread, no clock and no driver: events come in with the time they happened, effects
//! go out. `cloudlet`'s host runs it on real time, the simulation on simulated time.
//!
//! **Invariants.** It never works on a generation between the one at hand and the newest. It never
//! walks away from an action: a newer spec waits until the action has ended, or kills it where the
//! driver can. It begins nothing and calls nothing settled that was not saved. It never acts for a
//! generation older than the ledger has seen. Of what is settled it heals what may be applied again, and
//! starts no process and makes no disk anew.

mod record;
mod stall;
#[cfg(test)]
mod tests;

use crate::{
    ability::DriverAbilities,
    job::{JobError, Phase},
    limits::{POISON_ATTEMPTS, RETRY_FIRST_MS, RETRY_LONGEST_MS},
    observed::Observed,
    plan::{Action, plan},
    report::{Assignment, Done, Failure, Report, ReportState},
    spec::MachineSpec,
};
use api::{JobErrorCode, ResourceId, Timestamp};
use serde::{Deserialize, Serialize};
use stall::Stall;
use std::collections::BTreeSet;

/// A moment on both clocks: the wall's for what people read, the steady one for what is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// For people.
    pub wall: Timestamp,
    /// Milliseconds; never goes back.
    pub steady_ms: u64,
}

/// What the host keeps durably of a resource until the engine says forget.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// The highest generation, written before its first action.
    pub generation: u64,
    /// The generation last settled.
    pub settled: u64,
    /// The action that was begun last: one record, the end of one being the start of the next.
    #[serde(default)]
    pub action: Option<ActionRecord>,
    /// The actions that took effect since a generation was last settled, oldest first.
    #[serde(default)]
    pub done: Vec<Done>,
}

/// The action that was begun last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRecord {
    /// For which generation.
    pub generation: u64,
    /// Which action.
    pub action: Action,
    /// How often this very action was begun for this generation.
    pub attempt: u32,
    /// Actions begun since the last new low of what remains.
    pub since_low: u32,
    /// That low.
    pub low: u64,
}

/// What happens to an actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The engine's newest spec.
    Assigned(Assignment),
    /// The driver has looked; of the networks that the spec names, these hand out ports.
    Observed(Observed, BTreeSet<ResourceId>),
    /// The driver could not look.
    Blind(ActionError),
    /// The ledger is kept.
    Saved,
    /// The ledger could not be kept.
    Unsaved,
    /// The running action is this far, in thousandths.
    Progress(u16),
    /// The running action has ended.
    Ended(Result<(), ActionError>),
    /// The world of a resource at rest may have changed.
    Changed,
    /// The time of [`Actor::deadline`] has come.
    Tick,
}

/// Why an action ended without its effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionError {
    /// For the tenant.
    pub error: JobError,
    /// Whether trying again is no use.
    pub permanent: bool,
}

/// What an actor wants done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Keep this durably; [`Event::Saved`] or [`Event::Unsaved`] answers before anything else
    /// happens.
    Save(Ledger),
    /// Look at the world; [`Event::Observed`] or [`Event::Blind`] answers. One look at most is
    /// under way.
    Observe,
    /// Begin an action; [`Event::Progress`] and [`Event::Ended`] answer.
    Begin(Action),
    /// End the running action now; [`Event::Ended`] answers.
    Kill,
    /// Tell the engine.
    Report(Report),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Observing,
    /// What begins, or that it is settled, is being saved.
    Recording {
        ledger: Ledger,
        begins: Option<Action>,
    },
    Acting {
        action: Action,
        thousandths: u16,
        killed: bool,
    },
    Waiting {
        until_ms: u64,
    },
    Resting,
}

/// The actor.
#[derive(Clone, Debug)]
pub struct Actor {
    driver: DriverAbilities,
    assignment: Assignment,
    newer: Option<Assignment>,
    ledger: Ledger,
    stage: Stage,
    actions: Vec<Action>,
    total: Option<u64>,
    stall: Stall,
    since_low: u32,
    failure: Option<Failure>,
    retry_at_ms: Option<u64>,
    retries: u32,
    phases: Vec<Phase>,
    seen: Option<Observed>,
    /// The network that it waits for: no action is out, and a change of it wakes the actor.
    awaits: Option<ResourceId>,
    looking: bool,
    look_again: bool,
    /// Looks and saves in a row that led to nothing.
    in_vain: u32,
    /// What was told when the limit had passed without a sight of the world.
    given_up: Option<Failure>,
}

/// Milliseconds without a new low of what remains, then it has stalled.
fn limit_ms(driver: DriverAbilities, assignment: &Assignment) -> u64 {
    let Assignment { spec, stall_ms, .. } = assignment;
    let boots = spec.machine().is_some_and(MachineSpec::is_on);
    if boots {
        driver.boot_stall_ms.max(*stall_ms)
    } else {
        *stall_ms
    }
}

impl Actor {
    /// An actor for a resource, from what the engine says and what the host has kept.
    pub fn new(
        driver: DriverAbilities,
        assignment: Assignment,
        ledger: Ledger,
        now: Moment,
    ) -> (Self, Vec<Effect>) {
        let mut actor = Self {
            stall: Stall::new(limit_ms(driver, &assignment), now.steady_ms),
            driver,
            assignment,
            newer: None,
            ledger,
            stage: Stage::Resting,
            actions: Vec::new(),
            total: None,
            since_low: 0,
            failure: None,
            retry_at_ms: None,
            retries: 0,
            phases: Vec::new(),
            seen: None,
            awaits: None,
            looking: false,
            look_again: false,
            in_vain: 0,
            given_up: None,
        };
        let mut effects = Vec::new();
        if actor.assignment.generation >= actor.ledger.generation {
            actor.begin_generation(now, &mut effects);
        }
        (actor, effects)
    }

    fn limit_ms(&self) -> u64 {
        limit_ms(self.driver, &self.assignment)
    }

    /// The resource.
    pub fn resource(&self) -> ResourceId {
        self.assignment.resource
    }

    /// What it works on.
    pub fn assignment(&self) -> &Assignment {
        &self.assignment
    }

    /// What its host keeps.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The networks that its spec names: a look asks which of them hand out ports.
    pub fn networks(&self) -> impl Iterator<Item = ResourceId> + '_ {
        let nics = self
            .assignment
            .spec
            .machine()
            .map_or(&[][..], |machine| &machine.nics);
        nics.iter().map(|nic| nic.network)
    }

    /// The network whose ports it waits for: [`Event::Changed`] when it hands them out.
    pub fn awaits(&self) -> Option<ResourceId> {
        self.awaits
    }

    /// When [`Event::Tick`] is wanted, in steady milliseconds.
    pub fn deadline(&self) -> Option<u64> {
        match self.stage {
            Stage::Acting { killed: true, .. }
            | Stage::Observing
            | Stage::Recording { .. }
            | Stage::Resting => None,
            Stage::Acting { .. } => self.failure.is_none().then(|| self.stall.deadline_ms()),
            Stage::Waiting { until_ms } if self.given_up.is_some() => Some(until_ms),
            Stage::Waiting { until_ms } => Some(until_ms.min(self.stall.deadline_ms())),
        }
    }

    /// How far the present generation is, 0 to 99, as its reports will say.
    pub fn percent(&self) -> u64 {
        let total = self.total.unwrap_or(0);
        let done = total.saturating_sub(self.remaining());
        (99 * done).checked_div(total).unwrap_or(0)
    }

    /// Takes an event and says what is to be done.
    pub fn handle(&mut self, event: Event, now: Moment) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Assigned(assignment) => self.assigned(assignment, now, &mut effects),
            Event::Observed(observed, ready) => self.observed(observed, &ready, now, &mut effects),
            Event::Blind(error) => self.blind(&error, now, &mut effects),
            Event::Saved => self.saved(now, &mut effects),
            Event::Unsaved => self.unsaved(now, &mut effects),
            Event::Progress(thousandths) => self.progressed(thousandths, now, &mut effects),
            Event::Ended(result) => self.ended(result, now, &mut effects),
            Event::Changed => self.changed(&mut effects),
            Event::Tick => self.tick(now, &mut effects),
        }
        effects
    }

    fn assigned(&mut self, assignment: Assignment, now: Moment, effects: &mut Vec<Effect>) {
        let newest = self.newer.as_ref().unwrap_or(&self.assignment);
        if assignment.generation <= newest.generation
            || assignment.generation < self.ledger.generation
        {
            return;
        }
        self.newer = Some(assignment);
        match &mut self.stage {
            Stage::Acting { killed, .. } => {
                if !*killed {
                    *killed = true;
                    effects.push(Effect::Kill);
                }
            }
            Stage::Recording { .. } => {}
            // The look that is under way will be used for the newest spec.
            Stage::Observing | Stage::Waiting { .. } | Stage::Resting => {
                self.take_newer(now, effects);
                self.look(effects);
            }
        }
    }

    /// Asks for a look unless one is under way: of two answers the older could come last.
    fn look(&mut self, effects: &mut Vec<Effect>) {
        if !self.looking {
            self.looking = true;
            effects.push(Effect::Observe);
        }
    }

    /// What is seen by a look under way may be from before the change. An action or a pause is
    /// followed by a look in any case.
    fn changed(&mut self, effects: &mut Vec<Effect>) {
        match self.stage {
            Stage::Observing | Stage::Resting => {
                self.look_again = self.looking;
                self.look(effects);
            }
            Stage::Waiting { .. } if self.awaits.is_some() => {
                self.stage = Stage::Observing;
                self.look(effects);
            }
            Stage::Recording { .. } | Stage::Acting { .. } | Stage::Waiting { .. } => {}
        }
    }

    /// Turns to the newest spec, if there is a newer one.
    fn take_newer(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        if let Some(newer) = self.newer.take() {
            self.assignment = newer;
            self.stage = Stage::Observing;
            self.renew(now);
            self.save_generation(effects);
        }
    }

    fn begin_generation(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        self.stage = Stage::Observing;
        self.renew(now);
        self.save_generation(effects);
        self.look(effects);
    }

    fn save_generation(&mut self, effects: &mut Vec<Effect>) {
        if self.ledger.generation < self.assignment.generation {
            // What led to a spec that was settled is no longer anybody's to tell.
            let settled = self.ledger.settled;
            self.ledger.done.retain(|done| done.generation > settled);
            self.ledger.generation = self.assignment.generation;
            effects.push(Effect::Save(self.ledger.clone()));
        }
    }

    /// Forgets what belonged to the generation before; after a restart goes on from the ledger.
    fn renew(&mut self, now: Moment) {
        let record = self.ledger.action.as_ref();
        let record = record.filter(|record| record.generation == self.assignment.generation);
        self.stall = Stall::new(self.limit_ms(), now.steady_ms);
        if let Some(record) = record {
            self.stall.resume(record.low);
        }
        self.since_low = record.map_or(0, |record| record.since_low);
        self.total = None;
        self.failure = None;
        self.retry_at_ms = None;
        self.retries = 0;
        self.in_vain = 0;
        self.given_up = None;
        self.awaits = None;
        self.phases.clear();
        self.actions.clear();
    }

    fn observed(
        &mut self,
        observed: Observed,
        ready: &BTreeSet<ResourceId>,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) {
        self.looking = false;
        if std::mem::take(&mut self.look_again) {
            return self.look(effects);
        }
        match self.stage {
            Stage::Resting => self.watched(observed, ready, now, effects),
            Stage::Observing => self.decide(observed, ready, now, effects),
            Stage::Recording { .. } | Stage::Acting { .. } | Stage::Waiting { .. } => {}
        }
    }

    /// At rest: tell the engine if the world has changed, and heal what may be applied again.
    fn watched(
        &mut self,
        observed: Observed,
        ready: &BTreeSet<ResourceId>,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) {
        if !self.is_settled() {
            return;
        }
        if !self.plan(&observed).is_empty() {
            // Its own limit was over long ago: what is healed has one of its own.
            self.stall = Stall::new(self.limit_ms(), now.steady_ms);
            self.since_low = 0;
            self.stage = Stage::Observing;
            return self.decide(observed, ready, now, effects);
        }
        if self.seen.as_ref() != Some(&observed) {
            self.seen = Some(observed);
            effects.push(Effect::Report(self.report(ReportState::Settled)));
        }
    }

    fn plan(&self, observed: &Observed) -> Vec<Action> {
        let Assignment { resource, spec, .. } = &self.assignment;
        plan(self.driver, *resource, spec, observed, self.is_settled())
    }

    /// What the action that was begun last has done is seen, not heard: nobody may have heard its
    /// end, and one that failed may have done it all.
    fn note_effect(&mut self, observed: &Observed) {
        let Some(record) = &self.ledger.action else {
            return;
        };
        let done = Done {
            generation: record.generation,
            action: record.action.clone(),
        };
        let is_open = record.generation > self.ledger.settled;
        if is_open && record.action.took_effect(observed) && self.ledger.done.last() != Some(&done)
        {
            self.ledger.done.push(done);
        }
    }

    fn is_settled(&self) -> bool {
        self.ledger.settled == self.assignment.generation
    }

    /// The middle of the loop: what is seen decides what is done.
    fn decide(
        &mut self,
        observed: Observed,
        ready: &BTreeSet<ResourceId>,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) {
        self.note_effect(&observed);
        self.actions = self.plan(&observed);
        let awaited = self.awaits.take();
        self.seen = Some(observed);
        let Some(action) = self.actions.first().cloned() else {
            return self.settle(effects);
        };
        if self.assignment.hold {
            self.stage = Stage::Resting;
            return;
        }
        if let Some(failure) = self.failure.take().or_else(|| self.given_up.take()) {
            return self.fail(failure, now, effects);
        }
        self.note_low(now);
        if let Some(network) = action.needs().filter(|network| !ready.contains(network)) {
            // No action: it may be given up, and it is no attempt.
            self.awaits = Some(network);
            self.stage = Stage::Waiting { until_ms: u64::MAX };
            return;
        }
        if awaited.is_some() {
            // It has come: what is left has its whole time.
            self.stall.begin_anew(now.steady_ms);
        }
        if let Some(until_ms) = self.retry_at_ms.filter(|&at| at > now.steady_ms) {
            self.stage = Stage::Waiting { until_ms };
            return;
        }
        self.retry_at_ms = None;
        if self.since_low >= POISON_ATTEMPTS {
            let text = format!(
                "Given up in phase {} after {POISON_ATTEMPTS} attempts.",
                action.phase(&self.assignment.spec)
            );
            let error = JobError::new(JobErrorCode::Poison, text);
            let failure = Failure {
                error,
                outstanding: false,
            };
            return self.fail(failure, now, effects);
        }
        self.begin(action, effects);
    }

    /// What was settled once is tried again, later and later; what never was waits to be told.
    fn fail(&mut self, failure: Failure, now: Moment, effects: &mut Vec<Effect>) {
        self.stage = Stage::Resting;
        if self.is_settled() {
            let until_ms = now.steady_ms + pause_ms(self.retries);
            self.retries += 1;
            self.since_low = 0;
            self.stall = Stall::new(self.limit_ms(), now.steady_ms);
            self.stage = Stage::Waiting { until_ms };
        }
        effects.push(Effect::Report(self.report(ReportState::Failed(failure))));
    }

    fn progressed(&mut self, now_at: u16, now: Moment, effects: &mut Vec<Effect>) {
        let Stage::Acting {
            thousandths,
            killed: false,
            ..
        } = &mut self.stage
        else {
            return;
        };
        let now_at = now_at.min(1000);
        if now_at <= *thousandths {
            return;
        }
        *thousandths = now_at;
        if self.note_low(now) {
            self.save_low(effects);
        }
        effects.push(Effect::Report(self.report(ReportState::Acting)));
    }

    fn ended(&mut self, result: Result<(), ActionError>, now: Moment, effects: &mut Vec<Effect>) {
        let Stage::Acting { action, .. } = &self.stage else {
            return;
        };
        let name = action.phase(&self.assignment.spec);
        if let Some(phase) = self.phases.iter_mut().find(|phase| phase.name == name) {
            phase.ended_at = Some(now.wall);
            if let Err(error) = &result {
                phase.error = Some(error.error.text.clone());
            }
        }
        self.stage = Stage::Observing;
        if self.newer.is_some() {
            self.take_newer(now, effects);
        } else if let Err(error) = result {
            self.retry_or_fail(error, now);
        } else {
            self.retries = 0;
        }
        self.look(effects);
    }

    /// Whatever the error says, the world is looked at before anything follows from it.
    fn retry_or_fail(&mut self, error: ActionError, now: Moment) {
        if self.failure.is_some() {
            // Killed since it had stalled: that is what is to be told.
        } else if error.permanent {
            self.failure = Some(Failure {
                error: error.error,
                outstanding: false,
            });
        } else {
            self.retry_at_ms = Some(now.steady_ms + pause_ms(self.retries));
            self.retries += 1;
        }
    }

    fn tick(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        match &mut self.stage {
            Stage::Acting { action, killed, .. }
                if !*killed && self.stall.is_over(now.steady_ms) =>
            {
                let phase = action.phase(&self.assignment.spec);
                self.failure.get_or_insert(self.stall.failure(phase));
                *killed = true;
                effects.push(Effect::Kill);
            }
            Stage::Waiting { .. }
                if self.given_up.is_none() && self.stall.is_over(now.steady_ms) =>
            {
                if let Some(action) = self.actions.first() {
                    let phase = action.phase(&self.assignment.spec);
                    self.failure.get_or_insert(self.stall.failure(phase));
                }
                self.stage = Stage::Observing;
                self.look(effects);
            }
            Stage::Waiting { until_ms } if *until_ms <= now.steady_ms => {
                self.stage = Stage::Observing;
                self.look(effects);
            }
            _ => {}
        }
    }

    /// A new low of what remains is progress: the stall's clock and the count of attempts begin anew.
    fn note_low(&mut self, now: Moment) -> bool {
        let remaining = self.remaining();
        self.total.get_or_insert(remaining);
        let lower = self.stall.note(remaining, now.steady_ms);
        if lower {
            self.since_low = 0;
        }
        lower
    }

    /// Kept, so that after a crash only what goes beyond it counts as progress.
    fn save_low(&mut self, effects: &mut Vec<Effect>) {
        let (since_low, low) = (self.since_low, self.stall.low());
        if let Some(record) = &mut self.ledger.action {
            *record = ActionRecord {
                since_low,
                low,
                ..record.clone()
            };
            effects.push(Effect::Save(self.ledger.clone()));
        }
    }

    /// What the present plan is worth, in thousandths of weights.
    fn remaining(&self) -> u64 {
        let whole: u64 = self
            .actions
            .iter()
            .map(|action| action.weight() * 1000)
            .sum();
        match &self.stage {
            Stage::Acting {
                action,
                thousandths,
                ..
            } => whole.saturating_sub(action.weight() * u64::from(*thousandths)),
            _ => whole,
        }
    }

    fn report(&self, state: ReportState) -> Report {
        let phase = match &self.stage {
            Stage::Acting { action, .. } => Some(action.phase(&self.assignment.spec).to_owned()),
            _ => None,
        };
        // While it acts, what was seen last is already out of date.
        let observed = if state == ReportState::Acting {
            None
        } else {
            self.seen.clone()
        };
        Report {
            resource: self.assignment.resource,
            generation: self.assignment.generation,
            state,
            phase,
            total: self.total.unwrap_or(0),
            remaining: self.remaining(),
            phases: self.phases.clone(),
            done: self.ledger.done.clone(),
            observed,
        }
    }
}

/// The pause after so many failures in a row.
fn pause_ms(times: u32) -> u64 {
    (RETRY_FIRST_MS << times.min(16)).min(RETRY_LONGEST_MS)
}
