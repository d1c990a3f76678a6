//! A machine's console, read from its host.

use super::Engine;
pub use crate::host::console::{Part, Text};
use anyhow::Context as _;
use api::ResourceId;

impl Engine {
    /// A part of what a machine wrote on its serial console; nothing where machines have none.
    pub async fn console(&self, machine: ResourceId, part: Part) -> anyhow::Result<Option<Text>> {
        let agent = self.inner.agent.get();
        let agent = agent.context("the agent has not started")?;
        agent.console(machine, part).await
    }
}
