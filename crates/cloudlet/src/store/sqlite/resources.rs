//! Reads of resources from disk. Another tenant's is answered like what never was.

use super::{codec, facts, items, reads, session::Session, sql};
use api::{HostId, ResourceId, TenantId};
use model::{
    Kind, Resource,
    claim::{Counter, Pool},
};
use rusqlite::{Connection, Result, Row, params};
use std::collections::{BTreeMap, BTreeSet};

/// A resource of a tenant.
pub(in crate::store) fn resource(
    connection: &Connection,
    tenant: TenantId,
    id: ResourceId,
) -> Result<Option<Resource>> {
    let parameters = params![id.0.as_bytes(), tenant.0.as_bytes()];
    facts::row(
        connection,
        sql::RESOURCE_OF_TENANT,
        parameters,
        codec::from_body,
    )
}

/// A page of a tenant's resources of a kind, newest first, and how many there are in all. Page 1 is
/// the first.
pub(in crate::store) fn page(
    connection: &Connection,
    (tenant, kind): (TenantId, Kind),
    page: u64,
    limit: u64,
) -> Result<(Vec<Resource>, u64)> {
    let snapshot = connection.unchecked_transaction()?;
    let (tenant, kind) = (tenant.0.as_bytes(), kind.as_str());
    let tally = params![tenant, kind];
    let all = facts::row(&snapshot, sql::TALLY, tally, |row| row.get::<_, i64>(0))?;
    let all = all.unwrap_or(0).unsigned_abs();
    let skipped = page.saturating_sub(1).saturating_mul(limit);
    if skipped >= all {
        return Ok((Vec::new(), all));
    }
    let (limit, skipped) = (codec::int(limit.min(all))?, codec::int(skipped)?);
    let parameters = params![tenant, kind, limit, skipped];
    Ok((bodies(&snapshot, sql::RESOURCES_OF_KIND, parameters)?, all))
}

/// All of a tenant's resources of a kind, newest first.
pub(in crate::store) fn of_kind(
    connection: &Connection,
    tenant: TenantId,
    kind: Kind,
) -> Result<Vec<Resource>> {
    let parameters = params![tenant.0.as_bytes(), kind.as_str(), i64::MAX, 0];
    bodies(connection, sql::RESOURCES_OF_KIND, parameters)
}

/// The resources of a tenant among these ids, in any order.
pub(in crate::store) fn by_id(
    connection: &Connection,
    tenant: TenantId,
    ids: &BTreeSet<ResourceId>,
) -> Result<Vec<Resource>> {
    let snapshot = connection.unchecked_transaction()?;
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    reads::by_id(
        &snapshot,
        sql::RESOURCES_BY_ID,
        tenant,
        &ids,
        codec::from_body,
    )
}

/// The machines of a tenant that hold a place on a network, each once, oldest first.
pub(in crate::store) fn machines_on(
    connection: &Connection,
    tenant: TenantId,
    network: ResourceId,
) -> Result<Vec<Resource>> {
    let parameters = params![network.0.as_bytes(), tenant.0.as_bytes()];
    let machines = bodies(connection, sql::MACHINES_ON, parameters)?.into_iter();
    let each_once: BTreeMap<_, _> = machines.map(|machine| (machine.id, machine)).collect();
    Ok(each_once.into_values().collect())
}

/// What jobs could neither finish nor put back.
pub(in crate::store) fn leftovers(connection: &Connection) -> Result<Vec<Resource>> {
    bodies(connection, sql::LEFTOVERS, [])
}

/// Every resource there is.
pub(in crate::store) fn all(connection: &Connection) -> Result<Vec<Resource>> {
    bodies(connection, sql::ALL_RESOURCES, [])
}

/// How many GPUs of each series are given out on each host.
pub(in crate::store) fn gpus_used(connection: &Connection) -> Result<BTreeMap<(HostId, i64), u64>> {
    let rows = facts::column(connection, sql::GPUS_USED, [], |row| {
        let (owner, detail) = (codec::uuid(row, 0)?, row.get_ref(1)?);
        match items::pool_of("gpu", owner, detail.as_str()?) {
            Some(Pool::Gpus(host, series)) => Ok(((host, series), amount(row, 2)?)),
            _ => Err(codec::broken("a series of GPUs is no number")),
        }
    })?;
    Ok(rows.into_iter().collect())
}

/// What each tenant holds of a host's room and of its pools.
pub(in crate::store) fn used_by_tenant(
    connection: &Connection,
    host: HostId,
) -> Result<Vec<(TenantId, Counter, u64)>> {
    let mut sums: BTreeMap<(TenantId, Counter), u64> = BTreeMap::new();
    let mut statement = connection.prepare_cached(sql::CLAIMS_ON_HOST)?;
    let mut rows = statement.query([host.0.as_bytes()])?;
    while let Some(row) = rows.next()? {
        let tenant = TenantId(codec::uuid(row, 0)?);
        if let Some(counter) = items::item_of(row, 1)?.counter() {
            *sums.entry((tenant, counter)).or_default() += amount(row, 5)?;
        }
    }
    let sums = sums.into_iter();
    Ok(sums
        .map(|((of, counter), used)| (of, counter, used))
        .collect())
}

fn amount(row: &Row<'_>, column: usize) -> Result<u64> {
    row.get::<_, i64>(column).map(i64::unsigned_abs)
}

fn bodies(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<Resource>> {
    facts::column(connection, sql, parameters, codec::from_body)
}

impl Session<'_> {
    /// Places nothing new on a host from now on, or does so again.
    pub(in crate::store) fn set_drained(&self, host: HostId, drained: bool) -> Result<()> {
        self.execute(sql::SET_DRAINED, params![host.0.as_bytes(), drained])?;
        Ok(())
    }
}
