//! Hosts: the agent that makes the world match the newest specs, and the drivers that it acts with.
//!
//! The agent reaches the engine through one small trait, [`Engine`]; it never sees the store.

pub mod agent;
pub mod driver;
pub mod sim;

use model::{Report, Told};
use std::{future::Future, pin::Pin};

/// What an agent needs of the engine: somewhere to report to. `None` means try again later.
pub trait Engine: Send + Sync + 'static {
    /// Takes a report; the answer carries the newest spec.
    fn report(&self, report: Report) -> Pin<Box<dyn Future<Output = Option<Told>> + Send + '_>>;
}
