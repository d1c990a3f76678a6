//! Reads of what is on disk. Another tenant's is answered like what never was.

use super::{codec, facts, sql};
use api::{HostId, JobId, ResourceId, TenantId};
use model::{Assignment, Job, Resource, claim::Item, course};
use rusqlite::{Connection, Result, params, params_from_iter};
use std::collections::BTreeMap;

/// The jobs of a tenant among these ids, in any order.
pub(in crate::store) fn jobs(
    connection: &Connection,
    tenant: TenantId,
    ids: &[JobId],
) -> Result<Vec<Job>> {
    if let [id] = ids {
        let parameters = params![id.0.as_bytes(), tenant.0.as_bytes()];
        let job = facts::row(connection, sql::JOB_OF_TENANT, parameters, codec::job)?;
        return Ok(job.into_iter().collect());
    }
    let snapshot = connection.unchecked_transaction()?;
    let mut found = Vec::with_capacity(ids.len());
    for batch in ids.chunks(sql::BATCH) {
        let mut statement = snapshot.prepare_cached(sql::JOBS_OF_TENANT)?;
        // Always as many parameters, so that the statement is prepared once.
        let last = batch.last().into_iter();
        let padded = batch.iter().chain(last.cycle()).take(sql::BATCH);
        let parameters = padded
            .map(|id| id.0.as_bytes())
            .chain([tenant.0.as_bytes()]);
        let rows = statement.query_map(params_from_iter(parameters), codec::job)?;
        for job in rows {
            found.push(job?);
        }
    }
    Ok(found)
}

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

/// A page of a tenant's resources, newest first, and how many there are in all. Page 1 is the first.
pub(in crate::store) fn resources_of(
    connection: &Connection,
    tenant: TenantId,
    page: u64,
    limit: u64,
) -> Result<(Vec<Resource>, u64)> {
    let snapshot = connection.unchecked_transaction()?;
    let tenant = tenant.0.as_bytes();
    let all = facts::row(&snapshot, sql::TALLY, [tenant], |row| row.get::<_, i64>(0))?;
    let all = all.unwrap_or(0).unsigned_abs();
    let skipped = page.saturating_sub(1).saturating_mul(limit);
    if skipped >= all {
        return Ok((Vec::new(), all));
    }
    let limit = codec::int(limit.min(all))?;
    let mut statement = snapshot.prepare_cached(sql::RESOURCES_OF_TENANT)?;
    let parameters = params![tenant, limit, codec::int(skipped)?];
    let rows = statement.query_map(parameters, codec::from_body)?;
    Ok((rows.collect::<Result<_>>()?, all))
}

/// Every resource there is.
pub(in crate::store) fn resources(connection: &Connection) -> Result<Vec<Resource>> {
    let mut statement = connection.prepare_cached(sql::ALL_RESOURCES)?;
    statement.query_map([], codec::from_body)?.collect()
}

/// The newest spec of each of a host's resources that has one.
pub(in crate::store) fn assignments(
    connection: &Connection,
    host: HostId,
) -> Result<Vec<Assignment>> {
    let snapshot = connection.unchecked_transaction()?;
    let mut statement = snapshot.prepare_cached(sql::RESOURCES_OF_HOST)?;
    let mut assignments = Vec::new();
    for resource in statement.query_map([host.0.as_bytes()], codec::from_body::<Resource>)? {
        let resource = resource?;
        // One whose create has not started: its host knows nothing of it and is told nothing.
        if resource.generation == 0 {
            continue;
        }
        let job = match resource.acting {
            Some(job) => facts::row(&snapshot, sql::JOB, [job.0.as_bytes()], codec::job)?,
            None => None,
        };
        assignments.push(course::assignment(&resource, job.as_ref()));
    }
    Ok(assignments)
}

/// Synchronous calls that are pending; those that may start, or all of them.
pub(in crate::store) fn pending_calls(
    connection: &Connection,
    ready_only: bool,
) -> Result<Vec<JobId>> {
    let sql = if ready_only {
        sql::READY_CALLS
    } else {
        sql::CALLS
    };
    ids(connection, sql)
}

/// Running jobs whose tenant wishes them cancelled.
pub(in crate::store) fn cancel_wishes(connection: &Connection) -> Result<Vec<JobId>> {
    ids(connection, sql::CANCEL_WISHES)
}

fn ids(connection: &Connection, sql: &str) -> Result<Vec<JobId>> {
    let mut statement = connection.prepare_cached(sql)?;
    let ids = statement.query_map([], |row| codec::uuid(row, 0).map(JobId))?;
    ids.collect()
}

/// How much of each item is claimed.
pub(in crate::store) fn used(
    connection: &Connection,
    items: &[Item],
) -> Result<BTreeMap<Item, u64>> {
    let snapshot = connection.unchecked_transaction()?;
    let used = |&item| Ok((item, facts::used(&snapshot, item)?));
    items.iter().map(used).collect()
}
