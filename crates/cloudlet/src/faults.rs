//! Faults that an operator has placed: which action of which job, or which request, they strike.
//!
//! Those of jobs strike between the agent and the driver, so they work with any driver; those of
//! [`requests`] at the front door. Kept in memory: a restart clears them. Which match is struck is drawn
//! from a seed: the same run strikes the same.

pub mod requests;

use api::{
    FaultId, JobErrorCode,
    admin::{Fault, FaultCreate, FaultKind},
};
use model::{actor::ActionError, job::JobError, report::Origin};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What a failed action says where the fault gives no text.
const DEFAULT_TEXT: &str = "Fault placed by an operator.";
/// How many times as long a slow action takes where the fault does not say.
const DEFAULT_FACTOR: f64 = 10.0;

/// All faults that are placed; clones are the same set.
#[derive(Clone)]
pub struct Faults {
    placed: Arc<Mutex<Placed>>,
}

struct Placed {
    faults: Vec<Fault>,
    random: StdRng,
}

/// What strikes a running action.
#[derive(Clone, Debug, PartialEq)]
pub enum Strike {
    /// It ends with this error.
    Fail(ActionError),
    /// It stops and never ends by itself.
    Stall,
    /// What is left of it takes so many times as long.
    Slow(f64),
}

/// Watches one action from its beginning to its end: each fault has one chance at it.
pub struct Watch {
    faults: Faults,
    origin: Origin,
    phase: String,
    drawn: BTreeSet<FaultId>,
}

impl Default for Faults {
    fn default() -> Self {
        Self::seeded(0)
    }
}

impl Faults {
    /// No faults yet; which matches are struck follows from `seed`.
    pub fn seeded(seed: u64) -> Self {
        let placed = Placed {
            faults: Vec::new(),
            random: StdRng::seed_from_u64(seed),
        };
        Self {
            placed: Arc::new(Mutex::new(placed)),
        }
    }

    /// Places a fault; it strikes the first match after this.
    pub fn place(&self, fault: FaultCreate) -> Fault {
        let mut placed = self.lock();
        let id = uuid::Builder::from_random_bytes(placed.random.random()).into_uuid();
        let fault = Fault {
            id: FaultId(id),
            fault,
            hits: 0,
        };
        placed.faults.push(fault.clone());
        fault
    }

    /// Every fault with its hits, in the order in which they were placed.
    pub fn list(&self) -> Vec<Fault> {
        self.lock().faults.clone()
    }

    /// Takes one away; says whether it was there.
    pub fn remove(&self, id: FaultId) -> bool {
        let faults = &mut self.lock().faults;
        let before = faults.len();
        faults.retain(|fault| fault.id != id);
        faults.len() < before
    }

    /// Takes all away.
    pub fn clear(&self) {
        self.lock().faults.clear();
    }

    /// Watches an action of this origin in this phase.
    pub fn watch(&self, origin: Origin, phase: &str) -> Watch {
        Watch {
            faults: self.clone(),
            origin,
            phase: phase.to_owned(),
            drawn: BTreeSet::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Placed> {
        // Nothing panics while it is held, so what it guards is whole.
        self.placed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// What strikes the action, its job at this percentage. Asked when the action begins and each
    /// time that it tells how far it is; a strike is counted.
    pub fn strike(&mut self, percent: u64) -> Option<Strike> {
        let Placed { faults, random } = &mut *self.faults.lock();
        for fault in faults {
            if !matches(&fault.fault, self.origin, &self.phase, percent)
                || is_spent(fault)
                || !self.drawn.insert(fault.id)
                || !draws(fault, random)
            {
                continue;
            }
            fault.hits += 1;
            if let Some(strike) = strike(&fault.fault) {
                return Some(strike);
            }
        }
        None
    }
}

fn is_spent(fault: &Fault) -> bool {
    fault.hits >= fault.fault.times.unwrap_or(1)
}

/// Whether a match is struck, by its chance. What is no number strikes never.
fn draws(fault: &Fault, random: &mut StdRng) -> bool {
    let chance = fault.fault.probability.unwrap_or(1.0).clamp(0.0, 1.0);
    !chance.is_nan() && random.random_bool(chance)
}

fn matches(fault: &FaultCreate, origin: Origin, phase: &str, percent: u64) -> bool {
    !fault.strikes_requests()
        && (fault.operation == "*" || fault.operation == origin.operation.name())
        && fault.tenant_id.is_none_or(|tenant| tenant == origin.tenant)
        && fault.at_phase.as_ref().is_none_or(|at| at == phase)
        && fault.at_percent.is_none_or(|at| percent >= u64::from(at))
}

/// Nothing for the kinds that strike requests, which never get here.
fn strike(fault: &FaultCreate) -> Option<Strike> {
    match fault.kind {
        FaultKind::Stall => Some(Strike::Stall),
        FaultKind::Fail => {
            let code = fault.error_code.unwrap_or(JobErrorCode::DriverError);
            let text = fault.error.as_deref().unwrap_or(DEFAULT_TEXT);
            Some(Strike::Fail(ActionError {
                error: JobError::new(code, text),
                permanent: fault.permanent.unwrap_or(true),
            }))
        }
        FaultKind::Slow => Some(Strike::Slow(fault.factor.unwrap_or(DEFAULT_FACTOR))),
        FaultKind::Http | FaultKind::Drop => None,
    }
}

#[cfg(test)]
mod tests;
