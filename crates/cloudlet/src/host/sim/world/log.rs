//! The log of effects: every change of the world, in the transaction that makes it. Append only.

use super::integer;
use api::{NicId, ResourceId};
use model::spec::{GpuSpec, NicSpec};
use rusqlite::{Connection, Transaction, params};
use serde::{Deserialize, Serialize};

/// What stands in the log where a generation was taken up, before any effect of it.
pub(in crate::host::sim) const TAKEN: &str = "taken";

/// One effect that was made, or a generation that was taken up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::host::sim) struct Effect {
    pub(in crate::host::sim) resource: String,
    pub(in crate::host::sim) host: String,
    pub(in crate::host::sim) generation: u64,
    pub(in crate::host::sim) action: String,
    pub(in crate::host::sim) boot: Option<u64>,
    pub(in crate::host::sim) subject: Option<Subject>,
    pub(in crate::host::sim) at: String,
}

/// What an effect was about, besides the resource that it happened to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::host::sim) enum Subject {
    /// An interface with all that it has from now on.
    Nic(NicSpec),
    /// An interface that is cut off.
    Interface(NicId),
    /// A volume.
    Volume(ResourceId),
    /// GPUs of the host.
    Gpus(GpuSpec),
}

pub(super) fn append(world: &Transaction<'_>, effect: &Effect) -> anyhow::Result<()> {
    let insert = "INSERT INTO effect (resource, generation, action, boot, at, host, subject) \
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let subject = effect.subject.as_ref().map(serde_json::to_string);
    world.prepare_cached(insert)?.execute(params![
        effect.resource,
        integer(effect.generation),
        effect.action,
        effect.boot.map(integer),
        effect.at,
        effect.host,
        subject.transpose()?,
    ])?;
    Ok(())
}

/// A generation was taken up.
pub(super) fn taken(
    world: &Transaction<'_>,
    resource: ResourceId,
    generation: u64,
    at: &str,
) -> anyhow::Result<()> {
    let taken = Effect {
        resource: resource.to_string(),
        host: String::new(),
        generation,
        action: TAKEN.to_owned(),
        boot: None,
        subject: None,
        at: at.to_owned(),
    };
    append(world, &taken)
}

pub(super) fn read(connection: &Connection) -> anyhow::Result<Vec<Effect>> {
    let select = "SELECT resource, generation, action, boot, at, host, subject \
                  FROM effect ORDER BY number";
    let mut statement = connection.prepare_cached(select)?;
    let mut rows = statement.query([])?;
    let mut effects = Vec::new();
    while let Some(row) = rows.next()? {
        let subject: Option<String> = row.get(6)?;
        effects.push(Effect {
            resource: row.get(0)?,
            host: row.get(5)?,
            generation: row.get::<_, i64>(1)?.unsigned_abs(),
            action: row.get(2)?,
            boot: row.get::<_, Option<i64>>(3)?.map(i64::unsigned_abs),
            subject: subject
                .map(|text| serde_json::from_str(&text))
                .transpose()?,
            at: row.get(4)?,
        });
    }
    Ok(effects)
}
