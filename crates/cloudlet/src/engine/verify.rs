//! Records against the world, both read afresh.

use super::Engine;
use anyhow::Context as _;
use api::{
    ResourceId,
    admin::{Difference, Verify},
};
use model::{Resource, verify};
use std::collections::{BTreeMap, BTreeSet};

impl Engine {
    /// Compares records with the world. What changed while it looked is under way, not different.
    pub async fn verify(&self) -> anyhow::Result<Verify> {
        let agent = self
            .inner
            .agent
            .get()
            .context("the agent has not started")?;
        let before = self.inner.store.resources().await?;
        let world = agent.world().await?;
        let after: BTreeMap<_, _> = self
            .inner
            .store
            .resources()
            .await?
            .into_iter()
            .map(|resource| (resource.id, resource))
            .collect();
        let (steady, moved): (Vec<Resource>, Vec<Resource>) = before
            .into_iter()
            .partition(|resource| after.get(&resource.id) == Some(resource));
        let ids = |resources: &[Resource]| -> BTreeSet<ResourceId> {
            resources.iter().map(|resource| resource.id).collect()
        };
        let (compared, changing) = (ids(&steady), ids(&moved));
        // What came while it looked is in no record of before, and is no stranger either.
        let (world, unseen): (BTreeMap<_, _>, BTreeMap<_, _>) =
            world.into_iter().partition(|(_, seen)| seen.is_ok());
        let world = world
            .into_iter()
            .filter_map(|(id, seen)| Some((id, seen.ok()?)));
        let is_still = |id: &ResourceId| {
            !changing.contains(id) && (compared.contains(id) || !after.contains_key(id))
        };
        let still: BTreeMap<_, _> = world.filter(|(id, _)| is_still(id)).collect();
        let (steady, dark): (Vec<Resource>, Vec<Resource>) = steady
            .into_iter()
            .partition(|resource| !unseen.contains_key(&resource.id));
        let mut result = verify::verify(agent.abilities(), &steady, &still);
        for resource in dark {
            result.differences.push(Difference {
                kind: resource.kind().as_str().to_owned(),
                id: resource.id.to_string(),
                what: format!(
                    "{} cannot be looked at, as the server's log says",
                    resource.name
                ),
            });
        }
        for resource in moved {
            let what = format!("{} is changing", resource.name);
            result.pending.push(Difference {
                kind: resource.kind().as_str().to_owned(),
                id: resource.id.to_string(),
                what,
            });
        }
        for what in agent.referee() {
            result.differences.push(Difference {
                kind: "effect".to_owned(),
                id: String::new(),
                what,
            });
        }
        Ok(result)
    }
}
