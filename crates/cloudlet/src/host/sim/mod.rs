//! The simulator: a driver that needs no privileges and no hardware, and takes believable time.
//!
//! Its world is a file of its own (`world`), which nothing but the driver's trait shows to the rest
//! of Cloudlet. It survives the process at any moment, not a power cut. How long an action takes
//! follows from the seed (`pace`); every action is killable between two steps and then leaves what
//! is half-made. It never decides what to do next: that is the planner's.

mod pace;
mod referee;
#[cfg(test)]
mod tests;
mod world;

use super::driver::{Answer, Driver, Work};
use crate::clock::Clock;
use api::{JobErrorCode, ResourceId};
use model::{
    MachineObserved,
    actor::{ActionError, Ledger},
    job::JobError,
    plan::Action,
};
use std::{collections::BTreeMap, path::Path};
use world::{Effect, World};

/// The world's file, in the server's data directory.
pub const WORLD_FILE: &str = "sim-world.db";

/// How the simulator behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SimOptions {
    /// How many times faster than believable; 0: everything is instant.
    pub speed: f64,
    /// What durations follow from.
    pub seed: u64,
}

/// The simulator.
///
/// It calls SQLite where it stands, under a lock: without syncing, a statement takes some ten
/// microseconds, less than handing it to another thread would.
pub struct SimDriver {
    world: World,
    clock: Clock,
    options: SimOptions,
}

impl SimDriver {
    /// Opens the world in a data directory, or makes an empty one.
    pub fn open(data: &Path, clock: Clock, options: SimOptions) -> anyhow::Result<Self> {
        let world = World::open(&data.join(WORLD_FILE))?;
        Ok(Self {
            world,
            clock,
            options,
        })
    }

    /// What in the log of effects should never have happened, in words.
    pub fn referee(&self) -> Vec<String> {
        match self.world.effects() {
            Ok(effects) => referee::violations(&effects),
            Err(error) => vec![format!("the log of effects cannot be read: {error:#}")],
        }
    }

    async fn run(&self, work: Work) -> Result<(), ActionError> {
        if work.kill.is_cancelled() {
            return Err(killed());
        }
        self.begin(&work)?;
        self.pass_time(&work).await?;
        self.end(&work)
    }

    /// What an action changes at its beginning: something half-made is there.
    fn begin(&self, work: &Work) -> Result<(), ActionError> {
        match work.action {
            Action::MakeDisk { .. } => self.world.begin_disk(work.resource).map_err(broken),
            Action::Launch { boot, .. } => {
                let effect = self.effect(work, "launch", Some(boot));
                let launched = self.world.begin_launch(&effect, boot).map_err(broken)?;
                launched.map_err(|why| failure(why, true))
            }
            Action::AwaitReady { .. } | Action::Shutdown | Action::RemoveDisk => Ok(()),
        }
    }

    /// Moves on in small steps until the action's time is over.
    async fn pass_time(&self, work: &Work) -> Result<(), ActionError> {
        let begun_ms = self.clock.moment().steady_ms;
        let machine = self.world.number(work.resource).map_err(broken)?;
        for step in pace::steps(self.options, machine, work.generation, work.action) {
            if self.options.speed > 0.0 {
                tokio::select! {
                    biased;
                    () = work.kill.cancelled() => return Err(killed()),
                    () = work.pause.until(begun_ms.saturating_add(step.after_ms)) => {}
                }
            }
            (work.progress)(step.thousandths);
            if work.kill.is_cancelled() {
                return Err(killed());
            }
        }
        Ok(())
    }

    /// What an action changes at its end: it is whole.
    fn end(&self, work: &Work) -> Result<(), ActionError> {
        let world = &self.world;
        match work.action {
            Action::MakeDisk { size_gb, .. } => {
                world.end_disk(&self.effect(work, "make_disk", None), size_gb)
            }
            Action::Launch { boot, .. } => world.end_launch(work.resource, boot),
            Action::AwaitReady { boot } => {
                let effect = self.effect(work, "ready", Some(boot));
                return match world.end_ready(&effect, boot).map_err(broken)? {
                    true => Ok(()),
                    false => Err(failure("The machine stopped before it was ready.", false)),
                };
            }
            Action::Shutdown => world.end_shutdown(&self.effect(work, "shutdown", None)),
            Action::RemoveDisk => world.end_remove_disk(&self.effect(work, "remove_disk", None)),
        }
        .map_err(broken)
    }

    fn effect(&self, work: &Work, action: &'static str, boot: Option<u64>) -> Effect {
        Effect {
            resource: work.resource.to_string(),
            generation: work.generation,
            action: action.to_owned(),
            boot,
            at: self.clock.now().to_string(),
        }
    }
}

impl Driver for SimDriver {
    fn list(&self) -> Answer<'_, anyhow::Result<BTreeMap<ResourceId, MachineObserved>>> {
        Box::pin(async { self.world.list() })
    }

    fn observe(&self, resource: ResourceId) -> Answer<'_, Result<MachineObserved, ActionError>> {
        Box::pin(async move { self.world.observe(resource).map_err(broken) })
    }

    fn act(&self, work: Work) -> Answer<'_, Result<(), ActionError>> {
        Box::pin(self.run(work))
    }

    fn save(&self, resource: ResourceId, ledger: Ledger) -> Answer<'_, anyhow::Result<()>> {
        Box::pin(async move {
            self.world
                .save(resource, &ledger, &self.clock.now().to_string())
        })
    }

    fn ledgers(&self) -> Answer<'_, anyhow::Result<BTreeMap<ResourceId, Ledger>>> {
        Box::pin(async { self.world.ledgers() })
    }

    fn ledger(&self, resource: ResourceId) -> Answer<'_, anyhow::Result<Option<Ledger>>> {
        Box::pin(async move { self.world.ledger(resource) })
    }

    fn expect(&self, resource: ResourceId) {
        // Where it fails here, the first action tries again.
        if let Err(error) = self.world.number(resource) {
            tracing::error!("the simulator's world: {error:#}");
        }
    }

    fn forget(&self, resource: ResourceId) -> Answer<'_, anyhow::Result<()>> {
        Box::pin(async move { self.world.forget(resource) })
    }

    fn referee(&self) -> Vec<String> {
        self.referee()
    }
}

fn failure(text: &str, permanent: bool) -> ActionError {
    ActionError {
        error: JobError::new(JobErrorCode::DriverError, text),
        permanent,
    }
}

fn killed() -> ActionError {
    failure("The action was ended early.", false)
}

/// The file could not be used: the cause is for the operator, and trying again may help.
#[allow(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn broken(error: anyhow::Error) -> ActionError {
    tracing::error!("the simulator's world: {error:#}");
    failure("The simulator could not use its world.", false)
}
