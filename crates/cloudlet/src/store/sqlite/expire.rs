//! Removes jobs that ended long ago. An answer goes with the last of its jobs: until then a repeat of
//! its request is still answered with those that are left. One that has no job goes when it is as old.

use super::{codec, facts, session::Session, sql};
use api::{JobId, Timestamp};
use rusqlite::{Result, Row, params};

/// A job that may go.
struct Ended {
    number: i64,
    id: JobId,
}

impl Session<'_> {
    /// Removes at most so many of the jobs that ended before this, those that ended first, and at
    /// most so many of the answers without a job that were made before it. Says how many of that
    /// of which there were more.
    pub(in crate::store) fn expire(&mut self, before: Timestamp, most: usize) -> Result<usize> {
        let ended = self.ended(before, most)?;
        for job in &ended {
            self.execute(sql::DELETE_JOB, [job.number])?;
            self.forget(job.id);
            let id = [job.id.0.as_bytes()];
            let answers = facts::column(self.connection, sql::ANSWERS_OF_JOB, id, key)?;
            for key in answers {
                self.execute(sql::LESS_JOBS_LEFT, [key])?;
                self.execute(sql::DELETE_ANSWER, [key])?;
            }
        }
        let parameters = params![before.as_millis(), limit(most)];
        let alone = facts::column(self.connection, sql::ANSWERS_ALONE, parameters, key)?;
        for key in &alone {
            self.execute(sql::DELETE_ANSWER, [key])?;
        }
        Ok(ended.len().max(alone.len()))
    }

    /// Whether there is a job that ended at this time or later, or an answer without a job that was
    /// made then. One that is kept from a time that has not come yet, where a manual clock is on its way
    /// to, is told of when it has.
    pub(in crate::store) fn expires_later(&self, time: Timestamp) -> Result<bool> {
        let (since, now) = (time.as_millis(), self.now.as_millis());
        let is_there = |sql, parameters: &[i64]| -> Result<bool> {
            let parameters = rusqlite::params_from_iter(parameters);
            Ok(facts::row(self.connection, sql, parameters, |_| Ok(()))?.is_some())
        };
        Ok(is_there(sql::ENDED_SINCE, &[since])?
            || is_there(sql::ANSWER_ALONE_SINCE, &[since, now])?)
    }

    fn ended(&self, before: Timestamp, most: usize) -> Result<Vec<Ended>> {
        let parameters = params![before.as_millis(), limit(most)];
        facts::column(self.connection, sql::ENDED_JOBS, parameters, |row| {
            Ok(Ended {
                number: row.get(0)?,
                id: codec::uuid(row, 1).map(JobId)?,
            })
        })
    }
}

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// The key of an answer.
fn key(row: &Row<'_>) -> Result<[u8; 16]> {
    row.get(0)
}
