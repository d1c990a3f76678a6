//! How far the present generation is, and what the engine is told of it.

use super::{Actor, Moment, Stage};
use crate::report::{Report, ReportState};

impl Actor {
    /// How far the present generation is, 0 to 99, as its reports will say.
    pub fn percent(&self) -> u64 {
        let total = self.total.unwrap_or(0);
        let done = total.saturating_sub(self.remaining());
        (99 * done).checked_div(total).unwrap_or(0)
    }

    /// A new low of what remains is progress: the stall's clock and the count of attempts begin anew.
    pub(super) fn note_low(&mut self, now: Moment) -> bool {
        let remaining = self.remaining();
        self.total.get_or_insert(remaining);
        let lower = self.stall.note(remaining, now.steady_ms);
        if lower {
            self.since_low = 0;
        }
        lower
    }

    /// What the present plan is worth, in thousandths of weights.
    pub(super) fn remaining(&self) -> u64 {
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

    pub(super) fn report(&self, state: ReportState) -> Report {
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
