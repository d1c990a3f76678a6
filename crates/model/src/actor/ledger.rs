//! What a host keeps of a resource, so that after a crash its actor goes on from there.

use super::{Actor, Effect};
use crate::{observed::Observed, plan::Action, report::Done};
use serde::{Deserialize, Serialize};

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

impl Actor {
    /// What the action that was begun last has done is seen, not heard: nobody may have heard its
    /// end, and one that failed may have done it all.
    pub(super) fn note_effect(&mut self, observed: &Observed) {
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

    pub(super) fn save_generation(&mut self, effects: &mut Vec<Effect>) {
        if self.ledger.generation < self.assignment.generation {
            // What led to a spec that was settled is no longer anybody's to tell.
            let settled = self.ledger.settled;
            self.ledger.done.retain(|done| done.generation > settled);
            self.ledger.generation = self.assignment.generation;
            effects.push(Effect::Save(self.ledger.clone()));
        }
    }

    /// Kept, so that after a crash only what goes beyond it counts as progress.
    pub(super) fn save_low(&mut self, effects: &mut Vec<Effect>) {
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
}
