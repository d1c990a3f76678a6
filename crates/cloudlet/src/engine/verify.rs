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
        let mut unseen = BTreeSet::new();
        let mut seen = BTreeMap::new();
        for (id, look) in world {
            match look {
                Ok(observed) => drop(seen.insert(id, observed)),
                Err(_) => drop(unseen.insert(id)),
            }
        }
        // What came while it looked is in no record of before, and is no stranger either.
        let is_still = |id: &ResourceId| {
            !changing.contains(id) && (compared.contains(id) || !after.contains_key(id))
        };
        seen.retain(|id, _| is_still(id));
        let (dark, steady): (Vec<Resource>, Vec<Resource>) = steady
            .into_iter()
            .partition(|resource| unseen.contains(&resource.id));
        let mut result = verify::verify(agent.abilities(), &steady, &seen);
        let why = "cannot be looked at, as the server's log says";
        for id in unseen.iter().filter(|id| !after.contains_key(id)) {
            let what = format!("is in no record and {why}");
            let (kind, id) = ("vm".to_owned(), id.to_string());
            result.differences.push(Difference { kind, id, what });
        }
        let dark = dark.iter().map(|resource| difference(resource, why));
        result.differences.extend(dark);
        let moved = moved
            .iter()
            .map(|resource| difference(resource, "is changing"));
        result.pending.extend(moved);
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

fn difference(resource: &Resource, what: &str) -> Difference {
    Difference {
        kind: resource.kind().as_str().to_owned(),
        id: resource.id.to_string(),
        what: format!("{} {what}", resource.name),
    }
}
