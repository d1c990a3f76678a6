//! The middle of the loop: what is seen decides what is done.

use super::{Actor, Effect, Moment, Stage, Stall, acting::pause_ms};
use crate::{
    job::JobError,
    limits::POISON_ATTEMPTS,
    observed::Observed,
    plan::{Action, plan},
    report::{Assignment, Failure, ReportState},
};
use api::{JobErrorCode, ResourceId};
use std::collections::BTreeSet;

impl Actor {
    pub(super) fn observed(
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
    pub(super) fn watched(
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

    pub(super) fn plan(&self, observed: &Observed) -> Vec<Action> {
        let Assignment { resource, spec, .. } = &self.assignment;
        plan(self.driver, *resource, spec, observed, self.is_settled())
    }

    pub(super) fn is_settled(&self) -> bool {
        self.ledger.settled == self.assignment.generation
    }

    /// The middle of the loop: what is seen decides what is done.
    pub(super) fn decide(
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
    pub(super) fn fail(&mut self, failure: Failure, now: Moment, effects: &mut Vec<Effect>) {
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
}
