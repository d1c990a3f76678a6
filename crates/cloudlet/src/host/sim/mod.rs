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

use super::driver::{Answer, Driver, Sightings, Work};
use crate::{clock::Clock, secrets};
use api::ResourceId;
use model::{
    DriverAbilities, Observed,
    actor::{ActionError, Ledger},
    secret::Sealed,
};
use std::{collections::BTreeMap, path::Path};
use world::{Deed, Refusal, World};

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
            return Err(ActionError::killed());
        }
        // A guest would be given it; here nothing is kept of it.
        if let Some(Sealed { secret, digest }) = &work.secret
            && secrets::digest(secret) != *digest
        {
            let text = "What the create carries is not what its spec says.";
            return Err(ActionError::permanent(text));
        }
        self.world
            .begin(&self.deed(&work))
            .map_err(broken)?
            .map_err(refused)?;
        self.pass_time(&work).await?;
        self.world
            .end(&self.deed(&work))
            .map_err(broken)?
            .map_err(refused)
    }

    /// Moves on in small steps until the action's time is over.
    async fn pass_time(&self, work: &Work) -> Result<(), ActionError> {
        let begun_ms = self.clock.moment().steady_ms;
        let resource = self.world.number(work.resource).map_err(broken)?;
        for step in pace::steps(self.options, resource, work.generation, &work.action) {
            if self.options.speed > 0.0 {
                tokio::select! {
                    biased;
                    () = work.kill.cancelled() => return Err(ActionError::killed()),
                    () = work.pause.until(begun_ms.saturating_add(step.after_ms)) => {}
                }
            }
            (work.progress)(step.thousandths);
            if work.kill.is_cancelled() {
                return Err(ActionError::killed());
            }
        }
        Ok(())
    }

    fn deed<'a>(&self, work: &'a Work) -> Deed<'a> {
        Deed {
            resource: work.resource,
            host: work.host,
            generation: work.generation,
            action: &work.action,
            at: self.clock.now().to_string(),
        }
    }
}

impl Driver for SimDriver {
    fn abilities(&self) -> DriverAbilities {
        DriverAbilities::SIM
    }

    fn list(&self) -> Answer<'_, anyhow::Result<Sightings>> {
        Box::pin(async {
            let all = self.world.list()?.into_iter();
            Ok(all.map(|(id, observed)| (id, Ok(observed))).collect())
        })
    }

    fn observe(&self, resource: ResourceId) -> Answer<'_, Result<Observed, ActionError>> {
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

fn refused(Refusal { text, permanent }: Refusal) -> ActionError {
    match permanent {
        true => ActionError::permanent(text),
        false => ActionError::transient(text),
    }
}

/// The file could not be used: the cause is for the operator, and trying again may help.
#[allow(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn broken(error: anyhow::Error) -> ActionError {
    tracing::error!("the simulator's world: {error:#}");
    ActionError::transient("The simulator could not use its world.")
}
