//! Whose turn it is, by index, and the standings that move with the jobs.

use super::{
    facts,
    session::{Fault, Session},
    sql,
};
use crate::store::rows::Turned;
use api::{HostId, JobId, TenantId};
use model::{
    Job, course,
    limits::{HOST_SLOTS, TENANT_SLOTS},
    turn::Change,
};
use rusqlite::{Result, params};

/// The number stands in an index, where it cannot be a parameter.
const _: () = assert!(TENANT_SLOTS == 16, "turn_startable needs a migration");

/// The counter of turns taken.
const TURNS: &str = "turns";

impl Session<'_> {
    /// Starts the job whose turn it is; one whose rule panics is failed instead.
    pub(in crate::store) fn take_turn(
        &mut self,
        host: HostId,
    ) -> std::result::Result<Option<Turned>, Fault> {
        let Some(job) = self.next_turn(host)? else {
            return Ok(None);
        };
        let (writes, assignment) = match self.decide(|context| course::start(context, job)) {
            Ok(started) => started,
            Err(Fault::Panicked(text)) => {
                tracing::error!(%job, panic = text, "the job fails, since its start panicked");
                (self.decide(|context| course::fail(context, job))?, None)
            }
            Err(fault) => return Err(fault),
        };
        self.apply(&writes)?;
        Ok(Some(Turned { job, assignment }))
    }

    fn next_turn(&self, host: HostId) -> Result<Option<JobId>> {
        let host = host.0.as_bytes();
        let running = facts::row(self.connection, sql::HOST_RUNNING, [host], |row| {
            row.get::<_, u32>(0)
        })?;
        if running.unwrap_or(0) >= HOST_SLOTS {
            return Ok(None);
        }
        let tenant = facts::row(self.connection, sql::NEXT_TENANT, [host], |row| {
            super::codec::uuid(row, 0).map(TenantId)
        })?;
        let Some(tenant) = tenant else {
            return Ok(None);
        };
        let parameters = params![host, tenant.0.as_bytes()];
        facts::row(self.connection, sql::NEXT_JOB, parameters, |row| {
            super::codec::uuid(row, 0).map(JobId)
        })
    }

    /// Moves the standings with a job.
    pub(super) fn stand(&self, job: &Job, change: Change) -> Result<()> {
        if change == Change::default() {
            return Ok(());
        }
        let host = job.host.0.as_bytes();
        if change.running != 0 {
            let counter = (sql::UPDATE_HOST, sql::INSERT_HOST);
            self.count(counter, params![host, change.running])?;
        }
        let last: i64 = if change.took_turn {
            let mut statement = self.connection.prepare_cached(sql::NEXT_NUMBER)?;
            statement.query_row([TURNS], |row| row.get(0))?
        } else {
            0
        };
        self.count(
            (sql::UPDATE_TURN, sql::INSERT_TURN),
            params![
                host,
                job.tenant.0.as_bytes(),
                change.ready,
                change.running,
                last
            ],
        )
    }
}
