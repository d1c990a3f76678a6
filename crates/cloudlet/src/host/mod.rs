//! Hosts: the agent that makes the world match the newest specs, and the drivers that it acts with.
//!
//! The agent reaches the engine through one small trait, [`Engine`]; it never sees the store.

pub mod agent;
pub mod console;
pub mod driver;
pub mod qemu;
pub mod sim;

use api::ResourceId;
use model::{Report, Told, secret::Secret};
use std::{future::Future, pin::Pin};

/// What an agent needs of the engine: somewhere to report to, and what creates carry.
pub trait Engine: Send + Sync + 'static {
    /// Takes a report; the answer carries the newest spec. `None` means try again later.
    fn report(&self, report: Report) -> Pin<Box<dyn Future<Output = Option<Told>> + Send + '_>>;

    /// What the unfinished create of a resource carries, while this generation is what it works on.
    /// `None`: there is nothing, or it cannot be told now.
    fn secret(
        &self,
        resource: ResourceId,
        generation: u64,
    ) -> Pin<Box<dyn Future<Output = Option<Secret>> + Send + '_>>;
}
