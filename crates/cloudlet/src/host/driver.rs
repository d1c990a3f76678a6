//! What a driver is: something that can look at the world and act on it, one resource at a time.

use super::console::{Part, Text};
use crate::clock::{Busy, Clock};
use api::{HostId, ResourceId};
use model::{
    DriverAbilities, Observed,
    actor::{ActionError, Ledger},
    plan::Action,
    secret::Sealed,
};
use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// A future that a driver returns.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Everything of ours in the world, or why a part of it cannot be seen.
pub type Sightings = BTreeMap<ResourceId, Result<Observed, ActionError>>;

/// A driver. It sees actions, never specs.
///
/// Every action is safe to repeat: after a crash it may be begun again on whatever it left.
pub trait Driver: Send + Sync + 'static {
    /// Its name and what it can do; always the same. What it cannot do it is never given to do.
    fn abilities(&self) -> DriverAbilities;

    /// Everything of ours in the world, read afresh. What cannot be seen hides nothing else.
    fn list(&self) -> Answer<'_, anyhow::Result<Sightings>>;

    /// What there is of one resource, read afresh.
    fn observe(&self, resource: ResourceId) -> Answer<'_, Result<Observed, ActionError>>;

    /// Does one action. Tells how far it is in thousandths through `progress`; ends early, with
    /// whatever half-made state that leaves, when `kill` is cancelled.
    fn act(&self, work: Work) -> Answer<'_, Result<(), ActionError>>;

    /// Keeps a resource's ledger durably (as durably as this driver's world).
    fn save(&self, resource: ResourceId, ledger: Ledger) -> Answer<'_, anyhow::Result<()>>;

    /// Every ledger that is kept and can be read; one that cannot is asked for again by its id.
    fn ledgers(&self) -> Answer<'_, anyhow::Result<BTreeMap<ResourceId, Ledger>>>;

    /// The ledger of one resource, if one is kept.
    fn ledger(&self, resource: ResourceId) -> Answer<'_, anyhow::Result<Option<Ledger>>>;

    /// Drops what is kept of a resource that is gone for good.
    fn forget(&self, resource: ResourceId) -> Answer<'_, anyhow::Result<()>>;

    /// The next resource whose world may have changed without an action. Safe to drop; a change that
    /// nobody waits for may not be lost.
    fn changed(&self) -> Answer<'_, ResourceId> {
        Box::pin(std::future::pending())
    }

    /// A part of what a machine wrote on its serial console; nothing where machines have none.
    fn console(&self, _: ResourceId, _: Part) -> Answer<'_, anyhow::Result<Option<Text>>> {
        Box::pin(async { Ok(None) })
    }

    /// A resource is about to be looked at and acted on, maybe for the first time. Called in the
    /// order in which the engine assigns them, and in no other's way: never waits.
    fn expect(&self, _resource: ResourceId) {}

    /// What in the log of effects should never have happened, in words; only a world that keeps
    /// such a log can tell.
    fn referee(&self) -> Vec<String> {
        Vec::new()
    }
}

/// One action to do.
pub struct Work {
    /// On what.
    pub resource: ResourceId,
    /// On which host, where one driver serves several: what a host has but once is told apart by it.
    pub host: HostId,
    /// For which generation (for the log of effects).
    pub generation: u64,
    /// What.
    pub action: Action,
    /// What the create carries that this is part of, for the actions that make a guest of it; with
    /// the digest that the spec has. It is kept nowhere.
    pub secret: Option<Sealed>,
    /// Told how far it is, in thousandths.
    pub progress: Arc<dyn Fn(u16) + Send + Sync>,
    /// Cancelled when the action is to end now.
    pub kill: CancellationToken,
    /// Where the driver waits for time to pass.
    pub pause: Pause,
}

/// Where an action waits for time to pass; clones are the same place.
///
/// It holds the action's [`Busy`] while the action works and gives it up while it waits. Whoever
/// began the action holds a clone until it has taken note of the end, so that a manual clock never
/// moves between the two.
#[derive(Clone)]
pub struct Pause {
    clock: Clock,
    held: Arc<Mutex<Held>>,
}

struct Held {
    working: Option<Busy>,
    ending: Option<Busy>,
    slow: Option<Slow>,
}

/// Since when waits take how many times as long.
struct Slow {
    since_ms: u64,
    factor: f64,
}

impl Pause {
    /// For an action that begins now.
    pub fn new(clock: Clock) -> Self {
        let held = Arc::new(Mutex::new(Held {
            working: Some(clock.busy()),
            ending: None,
            slow: None,
        }));
        Self { clock, held }
    }

    /// From now on whatever is waited for takes so many times as long. What slowed it first counts.
    pub fn slow_down(&self, factor: f64) {
        let since_ms = self.clock.moment().steady_ms;
        let slow = Slow { since_ms, factor };
        self.held().slow.get_or_insert(slow);
    }

    /// Waits until the steady clock shows `steady_ms`, or later if it is slowed down. Dropped on its way, it leaves the action
    /// counted as waiting, unless its [end](Pause::end) was announced.
    pub async fn until(&self, steady_ms: u64) {
        let (working, steady_ms) = {
            let mut held = self.held();
            let stretched = held.slow.as_ref().map(|slow| slow.stretch(steady_ms));
            (held.working.take(), stretched.unwrap_or(steady_ms))
        };
        let busy = working.unwrap_or_else(|| self.clock.busy());
        let busy = self.clock.sleep_until(steady_ms, busy).await;
        self.held().working = Some(busy);
    }

    /// Announces that the action is about to end: from now on it counts as working, even while it
    /// waits. Called before it is killed.
    pub fn end(&self) {
        let busy = self.clock.busy();
        self.held().ending.get_or_insert(busy);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Nothing panics while it is held, so what it guards is whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slow {
    /// When that is due which would be due at `steady_ms`.
    fn stretch(&self, steady_ms: u64) -> u64 {
        let rest = Duration::from_millis(steady_ms.saturating_sub(self.since_ms));
        let rest = Duration::try_from_secs_f64(rest.as_secs_f64() * self.factor);
        let rest_ms = rest.map_or(u64::MAX, |rest| {
            u64::try_from(rest.as_millis()).unwrap_or(u64::MAX)
        });
        steady_ms.min(self.since_ms).saturating_add(rest_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_stretched_and_what_is_past_is_not() {
        let slow = |factor| Slow {
            since_ms: 1_000,
            factor,
        };
        for (factor, due, stretched) in [
            (10.0, 1_500, 6_000),
            (10.0, 1_000, 1_000),
            (10.0, 400, 400),
            (1.5, 3_000, 4_000),
            (1e300, 2_000, u64::MAX),
        ] {
            assert_eq!(slow(factor).stretch(due), stretched, "{factor} {due}");
        }
    }
}
