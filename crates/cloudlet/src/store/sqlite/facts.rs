//! What a rule may know, asked for lazily inside the transaction that will apply its writes.
//!
//! Facts are infallible for rules: the first error is remembered, everything after it is answered
//! with nothing, and the session throws the rule's outcome away.

use super::{codec, items, pools, sql};
use api::{HostId, JobId, ResourceId, TenantId};
use model::{
    Facts, Job, Resource,
    claim::{Claim, Counter, Item, Limits, Pool},
    facts::Line,
    writes::{Answer, AnswerKey},
};
use rusqlite::{Connection, OptionalExtension, Params, Result, Row, params};
use std::cell::RefCell;
use uuid::Uuid;

/// Facts over a connection.
pub(in crate::store) struct SqlFacts<'a> {
    connection: &'a Connection,
    error: RefCell<Option<rusqlite::Error>>,
}

impl<'a> SqlFacts<'a> {
    pub(in crate::store) fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            error: RefCell::new(None),
        }
    }

    /// The first error, if there was one.
    pub(in crate::store) fn into_error(self) -> Option<rusqlite::Error> {
        self.error.into_inner()
    }

    fn ask<T: Default>(&self, question: impl FnOnce(&Connection) -> Result<T>) -> T {
        if self.error.borrow().is_some() {
            return T::default();
        }
        question(self.connection).unwrap_or_else(|error| {
            *self.error.borrow_mut() = Some(error);
            T::default()
        })
    }

    fn ask_row<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Option<T> {
        self.ask(|connection| row(connection, sql, parameters, read))
    }
}

/// The one row of a query, if there is one.
pub(super) fn row<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    connection
        .prepare_cached(sql)?
        .query_row(parameters, read)
        .optional()
}

/// The one column of all rows of a query.
pub(super) fn column<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_map(parameters, read)?.collect()
}

/// How much is claimed in all.
pub(super) fn used(connection: &Connection, counter: &Counter) -> Result<u64> {
    let of = items::counter(counter);
    let parameters = params![of.kind, of.owner, of.detail, of.number];
    let used = row(connection, sql::USED, parameters, |row| {
        row.get::<_, i64>(0)
    })?;
    Ok(used.unwrap_or(0).unsigned_abs())
}

/// Whether nothing new is placed on a host.
pub(in crate::store) fn is_drained(connection: &Connection, host: HostId) -> Result<bool> {
    let host = [host.0.as_bytes()];
    let drained = row(connection, sql::IS_DRAINED, host, |row| row.get(0))?;
    Ok(drained.unwrap_or(false))
}

impl Facts for SqlFacts<'_> {
    fn job(&self, id: JobId) -> Option<Job> {
        self.ask_row(sql::JOB, [id.0.as_bytes()], codec::job)
    }

    fn resource(&self, id: ResourceId) -> Option<Resource> {
        self.ask_row(sql::RESOURCE, [id.0.as_bytes()], codec::from_body)
    }

    fn line(&self, key: ResourceId) -> Line {
        let line = self.ask_row(sql::LINE, [key.0.as_bytes()], |row| {
            Ok(Line {
                length: row.get(0)?,
                synchronous: row.get(1)?,
            })
        });
        line.unwrap_or_default()
    }

    fn first(&self, key: ResourceId) -> Option<JobId> {
        self.ask_row(sql::FIRST, [key.0.as_bytes()], |row| {
            codec::uuid(row, 0).map(JobId)
        })
    }

    fn queue(&self, key: ResourceId) -> Vec<JobId> {
        self.ask(|connection| {
            column(connection, sql::QUEUE, [key.0.as_bytes()], |row| {
                codec::uuid(row, 0).map(JobId)
            })
        })
    }

    fn limits(&self, tenant: TenantId) -> Limits {
        let limits = self.ask_row(sql::LIMITS, [tenant.0.as_bytes()], codec::from_body);
        limits.unwrap_or_default()
    }

    fn used(&self, counter: &Counter) -> u64 {
        self.ask(|connection| used(connection, counter))
    }

    fn holder(&self, item: &Item) -> Option<ResourceId> {
        let of = items::item(item);
        let parameters = params![of.kind, of.owner, of.detail, of.number];
        self.ask_row(sql::HOLDER, parameters, |row| {
            codec::uuid(row, 0).map(ResourceId)
        })
    }

    fn free(&self, pool: Pool, ranges: &[(u32, u32)], count: usize) -> Vec<u32> {
        self.ask(|connection| pools::free(connection, pool, ranges, count))
    }

    fn span(&self, pool: Pool) -> Option<(u32, u32)> {
        self.ask(|connection| pools::span(connection, pool))
    }

    fn is_drained(&self, host: HostId) -> bool {
        self.ask(|connection| is_drained(connection, host))
    }

    fn has_team(&self, tenant: TenantId, team: i64) -> bool {
        let parameters = params![team, tenant.0.as_bytes()];
        self.ask_row(sql::HAS_TEAM, parameters, |_| Ok(()))
            .is_some()
    }

    fn claims(&self, holder: ResourceId) -> Vec<Claim> {
        let mut claims = self.ask(|connection| claims(connection, holder));
        // The same order from every store, so that rules write the same.
        claims.sort();
        claims
    }

    fn answer(&self, key: &AnswerKey) -> Option<Answer> {
        self.ask_row(sql::ANSWER, [key.0], |row| {
            let jobs = row.get_ref(1)?.as_blob()?;
            let ids = jobs.chunks_exact(16).filter_map(|id| id.try_into().ok());
            Ok(Answer {
                request: row.get(0)?,
                jobs: ids.map(|id| JobId(Uuid::from_bytes(id))).collect(),
                kept: row.get(2)?,
            })
        })
    }
}

fn claims(connection: &Connection, holder: ResourceId) -> Result<Vec<Claim>> {
    column(connection, sql::CLAIMS, [holder.0.as_bytes()], |row| {
        Ok(Claim {
            holder,
            item: items::item_of(row, 0)?,
            amount: row.get::<_, i64>(4)?.unsigned_abs(),
        })
    })
}
