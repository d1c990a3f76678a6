//! Turning to a spec: the first, or a newer one, with the operation's limit anew.

use super::{Actor, Effect, Moment, Stage, Stall};
use crate::{ability::DriverAbilities, report::Assignment, spec::MachineSpec};

/// Milliseconds without a new low of what remains, then it has stalled.
pub(super) fn limit_ms(driver: DriverAbilities, assignment: &Assignment) -> u64 {
    let Assignment { spec, stall_ms, .. } = assignment;
    let boots = spec.machine().is_some_and(MachineSpec::is_on);
    if boots {
        driver.boot_stall_ms.max(*stall_ms)
    } else {
        *stall_ms
    }
}

impl Actor {
    pub(super) fn limit_ms(&self) -> u64 {
        limit_ms(self.driver, &self.assignment)
    }

    pub(super) fn assigned(
        &mut self,
        assignment: Assignment,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) {
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

    /// Turns to the newest spec, if there is a newer one.
    pub(super) fn take_newer(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        if let Some(newer) = self.newer.take() {
            self.assignment = newer;
            self.stage = Stage::Observing;
            self.renew(now);
            self.save_generation(effects);
        }
    }

    pub(super) fn begin_generation(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        self.stage = Stage::Observing;
        self.renew(now);
        self.save_generation(effects);
        self.look(effects);
    }

    /// Forgets what belonged to the generation before; after a restart goes on from the ledger.
    pub(super) fn renew(&mut self, now: Moment) {
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
}
