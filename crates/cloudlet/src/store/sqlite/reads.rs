//! Reads of jobs and of what is under way, from disk. Another tenant's is answered like what never was.

use super::{codec, facts, sql};
use api::{HostId, JobId, TenantId};
use model::{Assignment, Job, Resource, claim::Counter, course};
use rusqlite::{Connection, Result, Row, params, params_from_iter};
use std::collections::BTreeMap;
use uuid::Uuid;

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
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    by_id(&snapshot, sql::JOBS_OF_TENANT, tenant, &ids, codec::job)
}

/// A tenant's rows of these ids, a batch at a time.
pub(super) fn by_id<T>(
    connection: &Connection,
    sql: &str,
    tenant: TenantId,
    ids: &[Uuid],
    read: fn(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut found = Vec::with_capacity(ids.len());
    for batch in ids.chunks(sql::BATCH) {
        // Always as many parameters, so that the statement is prepared once.
        let last = batch.last().into_iter();
        let padded = batch.iter().chain(last.cycle()).take(sql::BATCH);
        let parameters = padded.map(Uuid::as_bytes).chain([tenant.0.as_bytes()]);
        found.extend(facts::column(
            connection,
            sql,
            params_from_iter(parameters),
            read,
        )?);
    }
    Ok(found)
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

/// How much is claimed in all.
pub(in crate::store) fn used(
    connection: &Connection,
    counters: &[Counter],
) -> Result<BTreeMap<Counter, u64>> {
    let snapshot = connection.unchecked_transaction()?;
    let used = |counter: &Counter| Ok((counter.clone(), facts::used(&snapshot, counter)?));
    counters.iter().map(used).collect()
}
