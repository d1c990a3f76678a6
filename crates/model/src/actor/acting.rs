//! What becomes of an action that is under way, and of the time that passes.

use super::{ActionError, Actor, Effect, Moment, Stage};
use crate::{
    limits::{RETRY_FIRST_MS, RETRY_LONGEST_MS},
    report::{Failure, ReportState},
};

impl Actor {
    pub(super) fn progressed(&mut self, now_at: u16, now: Moment, effects: &mut Vec<Effect>) {
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

    pub(super) fn ended(
        &mut self,
        result: Result<(), ActionError>,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) {
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
    pub(super) fn retry_or_fail(&mut self, error: ActionError, now: Moment) {
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

    pub(super) fn tick(&mut self, now: Moment, effects: &mut Vec<Effect>) {
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
}

/// The pause after so many failures in a row.
pub fn pause_ms(times: u32) -> u64 {
    (RETRY_FIRST_MS << times.min(16)).min(RETRY_LONGEST_MS)
}
