//! The list of a tenant's jobs, page by page, and what is ahead of one that waits.
//!
//! A page is read from a few ranges of an index, each in the order of the list, and put together.

use super::{codec, facts, sql};
use crate::store::rows::JobFilter;
use api::{JobId, TenantId, Timestamp};
use model::{Job, JobState, Operation, turn::Ahead};
use rusqlite::{Connection, Result, ToSql, params};

/// Jobs accepted before this one, newest first, at most `limit`; and whether more follow.
pub(in crate::store) fn jobs(
    connection: &Connection,
    tenant: TenantId,
    filter: &JobFilter,
    before: Option<JobId>,
    limit: usize,
) -> Result<(Vec<Job>, bool)> {
    let snapshot = connection.unchecked_transaction()?;
    let part = Part {
        connection: &snapshot,
        tenant,
        filter,
        // Also where the job has been removed meanwhile: ids ascend as numbers do.
        before: match before {
            Some(id) => number_from(&snapshot, id.0.as_u128())?,
            None => i64::MAX,
        },
        from: match filter.created_after {
            Some(time) => number_from(&snapshot, first_id_after(time))?,
            None => 0,
        },
        enough: limit + 1,
    };
    let mut found = part.all()?;
    found.sort_unstable_by_key(|job| std::cmp::Reverse(job.number));
    let more = found.len() > limit;
    found.truncate(limit);
    Ok((found, more))
}

/// The jobs that ended last, of whichever tenant, the last one first.
pub(in crate::store) fn newest_ended(connection: &Connection, limit: u32) -> Result<Vec<Job>> {
    facts::column(connection, sql::NEWEST_ENDED, [limit], codec::job)
}

/// The number of the first job with this id or a greater one; beyond all of them if there is none.
fn number_from(connection: &Connection, id: u128) -> Result<i64> {
    let id = id.to_be_bytes();
    let number = facts::row(connection, sql::NUMBER_FROM_ID, [id], |row| row.get(0))?;
    Ok(number.unwrap_or(i64::MAX))
}

/// No job that was accepted later has a smaller id: an id begins with the milliseconds of the latest
/// time that the store had seen.
fn first_id_after(time: Timestamp) -> u128 {
    let millis = time.as_millis().saturating_add(1).clamp(0, (1 << 48) - 1);
    u128::from(millis.unsigned_abs()) << 80
}

/// What is read from each range.
struct Part<'a> {
    connection: &'a Connection,
    tenant: TenantId,
    filter: &'a JobFilter,
    before: i64,
    from: i64,
    enough: usize,
}

impl Part<'_> {
    /// The newest of each range, as many as a page may need.
    fn all(&self) -> Result<Vec<Job>> {
        let operations = || self.filter.operations.iter();
        let listed = |it: &&Operation| !it.definition().synchronous;
        if let Some(resource) = self.filter.resource {
            return self.range(sql::JOBS_OF_RESOURCE, &[resource.0.as_bytes()]);
        }
        let has_all_states = self.filter.states.len() == JobState::ALL.len();
        if has_all_states && operations().count() == Operation::ALL.len() {
            return self.range(sql::JOBS_LISTED, &[]);
        }
        let mut found = Vec::new();
        for operation in operations().filter(listed) {
            for state in &self.filter.states {
                let name = operation.name();
                found.extend(self.range(sql::JOBS_OF_KIND, &[&name, &state.as_str()])?);
            }
        }
        Ok(found)
    }

    /// Goes on only where the filter has let some through that the range did not know to leave out:
    /// those of one resource, or accepted while the clock had gone back.
    fn range(&self, sql: &str, which: &[&dyn ToSql]) -> Result<Vec<Job>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut found = Vec::new();
        let mut before = self.before;
        loop {
            let tenant = self.tenant.0.as_bytes();
            let enough = i64::try_from(self.enough).unwrap_or(i64::MAX);
            let common = params![tenant, before, self.from, enough];
            let parameters: Vec<&dyn ToSql> = common.iter().chain(which).copied().collect();
            let rows = statement.query_map(&parameters[..], codec::job)?;
            let rows: Vec<Job> = rows.collect::<Result<_>>()?;
            let last = rows.last().map(|job| job.number);
            let is_full = rows.len() == self.enough;
            found.extend(rows.into_iter().filter(|job| self.fits(job)));
            match last {
                Some(last) if is_full && found.len() < self.enough => before = codec::int(last)?,
                _ => return Ok(found),
            }
        }
    }

    fn fits(&self, job: &Job) -> bool {
        let filter = self.filter;
        let later = |time| job.created_at > time;
        filter.states.contains(&job.state)
            && filter.operations.contains(&job.operation)
            && filter.created_after.is_none_or(later)
    }
}

/// A job with what is ahead of it, if it is still pending.
pub(in crate::store) fn pending(
    connection: &Connection,
    tenant: TenantId,
    id: JobId,
) -> Result<Option<(Job, Option<Ahead>)>> {
    let snapshot = connection.unchecked_transaction()?;
    let parameters = params![id.0.as_bytes(), tenant.0.as_bytes()];
    let Some(job) = facts::row(&snapshot, sql::JOB_OF_TENANT, parameters, codec::job)? else {
        return Ok(None);
    };
    if job.state != JobState::Pending {
        return Ok(Some((job, None)));
    }
    let mut blocking = None;
    for key in job.lines() {
        let place = params![key.0.as_bytes(), codec::int(job.number)?];
        blocking = facts::row(&snapshot, sql::AHEAD, place, |row| {
            codec::uuid(row, 0).map(JobId)
        })?;
        if blocking.is_some() {
            break;
        }
    }
    let host = job.host.0.as_bytes();
    let tenant = params![host, job.tenant.0.as_bytes()];
    let count = |row: &rusqlite::Row<'_>| row.get::<_, u32>(0);
    let ahead = Ahead {
        job: blocking,
        running_on_host: facts::row(&snapshot, sql::HOST_RUNNING, [host], count)?.unwrap_or(0),
        running_of_tenant: facts::row(&snapshot, sql::RUNNING_OF_TENANT, tenant, count)?
            .unwrap_or(0),
    };
    Ok(Some((job, Some(ahead))))
}
