//! What a driver is: something that can look at the world and act on it, one resource at a time.

use api::ResourceId;
use model::{
    MachineObserved,
    actor::{ActionError, Ledger},
    plan::Action,
};
use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc};
use tokio_util::sync::CancellationToken;

/// A future that a driver returns.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A driver. It sees actions, never specs.
///
/// Every action is safe to repeat: after a crash it may be begun again on whatever it left.
pub trait Driver: Send + Sync + 'static {
    /// Everything of ours in the world, read afresh.
    fn list(&self) -> Answer<'_, anyhow::Result<BTreeMap<ResourceId, MachineObserved>>>;

    /// What there is of one resource, read afresh.
    fn observe(&self, resource: ResourceId) -> Answer<'_, Result<MachineObserved, ActionError>>;

    /// Does one action. Tells how far it is in thousandths through `progress`; ends early, with
    /// whatever half-made state that leaves, when `kill` is cancelled.
    fn act(&self, work: Work) -> Answer<'_, Result<(), ActionError>>;

    /// Keeps a resource's ledger durably (as durably as this driver's world).
    fn save(&self, resource: ResourceId, ledger: Ledger) -> Answer<'_, anyhow::Result<()>>;

    /// Every ledger that is kept.
    fn ledgers(&self) -> Answer<'_, anyhow::Result<BTreeMap<ResourceId, Ledger>>>;

    /// Drops what is kept of a resource that is gone for good.
    fn forget(&self, resource: ResourceId) -> Answer<'_, anyhow::Result<()>>;
}

/// One action to do.
pub struct Work {
    /// On what.
    pub resource: ResourceId,
    /// For which generation (for the log of effects).
    pub generation: u64,
    /// What.
    pub action: Action,
    /// Told how far it is, in thousandths.
    pub progress: Arc<dyn Fn(u16) + Send + Sync>,
    /// Cancelled when the action is to end now.
    pub kill: CancellationToken,
}
