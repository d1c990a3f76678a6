//! Reading the world.

use anyhow::Context as _;
use api::ResourceId;
use model::{
    MachineObserved, Observed,
    spec::{DiskSpec, GpuSpec, Mac, NicSpec, PublicIp},
};
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use std::collections::BTreeMap;

const NICS: &str = "SELECT machine, nic, slot, network, mac, address, public, public_address \
                    FROM nic";
/// A volume's size is looked up where it stands; one that is gone has none.
const DISKS: &str = "SELECT machine, volume, slot, \
                     coalesce(json_extract(observed, '$.volume.whole.size_gb'), 0) \
                     FROM attachment LEFT JOIN thing ON resource = volume";
const GPUS: &str = "SELECT machine, series, slot FROM gpu";

pub(super) fn list(world: &Connection) -> anyhow::Result<BTreeMap<ResourceId, Observed>> {
    let mut found = BTreeMap::new();
    let mut statement = world.prepare_cached("SELECT resource, observed FROM thing")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let resource = id(row, 0)?;
        found.insert(resource, thing(resource, &row.get::<_, String>(1)?)?);
    }
    for (resource, parts) in parts(world, None)? {
        add(found.entry(resource).or_default(), parts);
    }
    Ok(found)
}

pub(super) fn observe(world: &Connection, resource: ResourceId) -> anyhow::Result<Observed> {
    let mut observed = own(world, resource)?;
    if let Some(parts) = parts(world, Some(resource))?.remove(&resource) {
        add(&mut observed, parts);
    }
    Ok(observed)
}

/// What stands in a resource's own row.
pub(super) fn own(world: &Connection, resource: ResourceId) -> anyhow::Result<Observed> {
    let select = "SELECT observed FROM thing WHERE resource = ?1";
    let mut statement = world.prepare_cached(select)?;
    let text: Option<String> = statement
        .query_row([resource.to_string()], |row| row.get(0))
        .optional()?;
    text.map_or(Ok(Observed::Nothing), |text| thing(resource, &text))
}

fn thing(resource: ResourceId, text: &str) -> anyhow::Result<Observed> {
    serde_json::from_str(text).with_context(|| format!("what is there of {resource}"))
}

/// Adds a machine's parts to what stands in its own row; they may be all that is left of it.
fn add(observed: &mut Observed, parts: MachineObserved) {
    let own = observed.machine().cloned().unwrap_or_default();
    *observed = Observed::Machine(MachineObserved {
        disk: own.disk,
        process: own.process,
        launched: own.launched,
        ..parts
    });
}

/// The interfaces, volumes and GPUs of one machine or of every one that has any.
fn parts(
    world: &Connection,
    only: Option<ResourceId>,
) -> anyhow::Result<BTreeMap<ResourceId, MachineObserved>> {
    let mut found: BTreeMap<ResourceId, MachineObserved> = BTreeMap::new();
    each(world, NICS, "slot", only, |machine, row| {
        found.entry(machine).or_default().nics.push(nic(row)?);
        Ok(())
    })?;
    each(world, DISKS, "slot", only, |machine, row| {
        found.entry(machine).or_default().disks.push(DiskSpec {
            volume: id(row, 1)?,
            slot: row.get(2)?,
            size_gb: row.get(3)?,
        });
        Ok(())
    })?;
    each(world, GPUS, "place", only, |machine, row| {
        let (series, slot) = (row.get(1)?, row.get(2)?);
        let gpus = &mut found.entry(machine).or_default().gpus;
        let slots = Vec::new();
        let gpus = gpus.get_or_insert(GpuSpec { series, slots });
        gpus.slots.push(slot);
        Ok(())
    })?;
    Ok(found)
}

fn each(
    world: &Connection,
    select: &str,
    order: &str,
    only: Option<ResourceId>,
    mut take: impl FnMut(ResourceId, &Row<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let condition = only.map_or("", |_| "WHERE machine = ?1");
    let sql = format!("{select} {condition} ORDER BY machine, {order}");
    let mut statement = world.prepare_cached(&sql)?;
    let only = only.map(|resource| resource.to_string());
    let mut rows = statement.query(params_from_iter(only))?;
    while let Some(row) = rows.next()? {
        take(id(row, 0)?, row)?;
    }
    Ok(())
}

fn nic(row: &Row<'_>) -> anyhow::Result<NicSpec> {
    let text = |column| row.get::<_, Option<String>>(column);
    let public = match (text(6)?, text(7)?) {
        (Some(id), Some(address)) => Some(PublicIp {
            id: id.parse()?,
            address: address.parse()?,
        }),
        _ => None,
    };
    Ok(NicSpec {
        id: row.get_ref(1)?.as_str()?.parse()?,
        slot: row.get(2)?,
        network: id(row, 3)?,
        mac: Mac(row.get(4)?),
        address: text(5)?.map(|address| address.parse()).transpose()?,
        public,
    })
}

fn id(row: &Row<'_>, column: usize) -> anyhow::Result<ResourceId> {
    Ok(row.get_ref(column)?.as_str()?.parse()?)
}
