//! Faults that an operator has placed: which action of which job they strike, and when.
//!
//! They strike between the agent and the driver, so they work with any driver. Kept in memory: a
//! restart clears them.

use api::{
    FaultId,
    admin::{Fault, FaultCreate, FaultKind},
};
use model::{actor::ActionError, report::Origin};

/// All faults that are placed; clones are the same set.
#[derive(Clone, Default)]
pub struct Faults {}

/// What strikes a running action.
#[derive(Clone, Debug, PartialEq)]
pub enum Strike {
    /// It ends with this error.
    Fail(ActionError),
    /// It stops and never ends by itself.
    Stall,
}

impl Faults {
    /// Places a fault; it strikes the first match after this.
    pub fn place(&self, _fault: FaultCreate) -> Fault {
        let _ = FaultKind::Fail;
        unimplemented!()
    }

    /// Every fault with its hits.
    pub fn list(&self) -> Vec<Fault> {
        unimplemented!()
    }

    /// Takes one away; says whether it was there.
    pub fn remove(&self, _id: FaultId) -> bool {
        unimplemented!()
    }

    /// Takes all away.
    pub fn clear(&self) {
        unimplemented!()
    }

    /// What strikes an action of this origin in this phase, its job at this percentage. Asked when an
    /// action begins and each time that it tells how far it is; a strike is counted.
    pub fn strike(&self, _origin: Origin, _phase: &str, _percent: u64) -> Option<Strike> {
        unimplemented!()
    }
}
