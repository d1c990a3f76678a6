//! The agent: one actor for each resource, run on a clock and a driver.

use super::{Engine, driver::Driver};
use crate::{clock::Clock, faults::Faults};
use api::ResourceId;
use model::{Assignment, MachineObserved};
use std::{collections::BTreeMap, sync::Arc};

/// The agent of a host; clones are the same agent.
#[derive(Clone)]
pub struct Agent {}

#[allow(unused_variables, clippy::unused_async)]
impl Agent {
    /// Starts the agent: takes up each resource that it is assigned or has a ledger of.
    pub async fn start(
        driver: Arc<dyn Driver>,
        engine: Arc<dyn Engine>,
        clock: Clock,
        faults: Faults,
        assignments: Vec<Assignment>,
    ) -> anyhow::Result<Self> {
        unimplemented!()
    }

    /// Tells it the newest spec of a resource. Never blocks.
    pub fn assign(&self, assignment: Assignment) {
        unimplemented!()
    }

    /// The world as the driver sees it now.
    pub async fn world(&self) -> anyhow::Result<BTreeMap<ResourceId, MachineObserved>> {
        unimplemented!()
    }

    /// Begins nothing new, kills what can be killed, waits until no action is out.
    pub async fn stop(&self) {
        unimplemented!()
    }
}
