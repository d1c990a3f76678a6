//! What an actor may do only once its ledger is kept, and what it does while its driver can neither
//! look nor save: it waits, looks again, and is under the limit of its operation all the while.
//!
//! Only two saves are waited for: before an action begins, and before a generation is called
//! settled. Both keep the whole ledger, so that one of a generation or of a low that failed in between
//! costs nothing.

use super::{
    ActionError, ActionRecord, Actor, Effect, Ledger, Moment, Phase, Stage, Stall, acting::pause_ms,
};
use crate::{
    plan::Action,
    report::{Failure, ReportState},
};

/// What is told of a ledger that could not be kept until the limit had passed.
const UNSAVED: &str = "The host could not keep its records.";

impl Actor {
    pub(super) fn begin(&mut self, action: Action, effects: &mut Vec<Effect>) {
        let generation = self.assignment.generation;
        let again = self
            .ledger
            .action
            .as_ref()
            .filter(|record| record.generation == generation && record.action == action);
        let record = ActionRecord {
            generation,
            action: action.clone(),
            attempt: again.map_or(1, |record| record.attempt + 1),
            since_low: self.since_low + 1,
            low: self.stall.low(),
        };
        let ledger = Ledger {
            action: Some(record),
            ..self.ledger.clone()
        };
        self.record(ledger, Some(action), effects);
    }

    pub(super) fn settle(&mut self, effects: &mut Vec<Effect>) {
        if self.is_settled() {
            return self.rest_settled(effects);
        }
        let ledger = Ledger {
            settled: self.assignment.generation,
            ..self.ledger.clone()
        };
        self.record(ledger, None, effects);
    }

    fn record(&mut self, ledger: Ledger, begins: Option<Action>, effects: &mut Vec<Effect>) {
        effects.push(Effect::Save(ledger.clone()));
        self.stage = Stage::Recording { ledger, begins };
    }

    pub(super) fn saved(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let Stage::Recording { ledger, begins } = &mut self.stage else {
            return;
        };
        let begins = begins.take();
        self.ledger = std::mem::take(ledger);
        if self.newer.is_some() {
            self.take_newer(now, effects);
            return self.look(effects);
        }
        self.in_vain = 0;
        match begins {
            Some(action) => self.act(action, now, effects),
            None => self.rest_settled(effects),
        }
    }

    fn act(&mut self, action: Action, now: Moment, effects: &mut Vec<Effect>) {
        if let Some(record) = &self.ledger.action {
            self.since_low = record.since_low;
            let attempt = record.attempt;
            self.note_phase(&action, attempt, now);
        }
        self.stage = Stage::Acting {
            action: action.clone(),
            thousandths: 0,
            killed: false,
        };
        effects.push(Effect::Report(self.report(ReportState::Acting)));
        effects.push(Effect::Begin(action));
    }

    fn note_phase(&mut self, action: &Action, attempt: u32, now: Moment) {
        let generation = self.assignment.generation;
        let name = action.phase(&self.assignment.spec);
        if let Some(phase) = self.phases.iter_mut().find(|phase| phase.name == name) {
            phase.attempt = phase.attempt.max(attempt);
            phase.ended_at = None;
            return;
        }
        self.phases.push(Phase {
            generation,
            name: name.to_owned(),
            started_at: now.wall,
            ended_at: None,
            attempt,
            error: None,
        });
    }

    fn rest_settled(&mut self, effects: &mut Vec<Effect>) {
        self.stage = Stage::Resting;
        self.failure = None;
        self.given_up = None;
        self.in_vain = 0;
        effects.push(Effect::Report(self.report(ReportState::Settled)));
    }

    pub(super) fn unsaved(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        if !matches!(self.stage, Stage::Recording { .. }) {
            return;
        }
        if self.newer.is_some() {
            self.take_newer(now, effects);
            return self.look(effects);
        }
        self.wait_to_look(UNSAVED, now, effects);
    }

    pub(super) fn blind(&mut self, error: &ActionError, now: Moment, effects: &mut Vec<Effect>) {
        self.looking = false;
        self.look_again = false;
        match self.stage {
            Stage::Observing => {}
            // Its own limit was over long ago: the look has one of its own.
            Stage::Resting if self.is_settled() => {
                self.stall = Stall::new(self.limit_ms(), now.steady_ms);
            }
            _ => return,
        }
        self.seen = None;
        self.wait_to_look(&error.error.text, now, effects);
    }

    /// Past the limit it says so, once, and goes on looking: what is seen then may be settled, and
    /// a newer spec may come.
    fn wait_to_look(&mut self, why: &str, now: Moment, effects: &mut Vec<Effect>) {
        let until_ms = now.steady_ms + pause_ms(self.in_vain);
        self.in_vain += 1;
        // It looks again in any case: a network that opens must not make it look without a pause.
        self.awaits = None;
        self.stage = Stage::Waiting { until_ms };
        if self.given_up.is_some() || !self.stall.is_over(now.steady_ms) {
            return;
        }
        let failure = self.failure.take();
        let failure = Failure {
            error: failure.map_or_else(|| self.stall.error(why), |failure| failure.error),
            // What the world is like, nobody knows.
            outstanding: true,
        };
        self.given_up = Some(failure.clone());
        if !self.assignment.hold {
            effects.push(Effect::Report(self.report(ReportState::Failed(failure))));
        }
    }
}
