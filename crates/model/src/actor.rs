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

mod acting;
mod decide;
mod event;
mod generation;
mod ledger;
mod progress;
mod record;
mod stall;
#[cfg(test)]
mod tests;

use crate::{
    ability::DriverAbilities,
    job::Phase,
    observed::Observed,
    plan::Action,
    report::{Assignment, Failure},
};
use api::ResourceId;
use generation::limit_ms;
use stall::Stall;

pub use acting::pause_ms;
pub use event::{ActionError, Effect, Event, Moment};
pub use ledger::{ActionRecord, Ledger};

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
}
