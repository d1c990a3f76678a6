//! Removes jobs that ended long ago. An answer goes with the last of its jobs: until then a repeat of
//! its request is still answered with those that are left.

use super::{codec, facts, session::Session, sql};
use api::{JobId, Timestamp};
use rusqlite::{Result, params};
use std::collections::BTreeSet;

/// A job that may go.
struct Ended {
    number: i64,
    id: JobId,
    answer: Option<[u8; 16]>,
}

impl Session<'_> {
    /// Removes at most so many of the jobs that ended before this, those that ended first. Says how
    /// many.
    pub(in crate::store) fn expire(
        &mut self,
        ended_before: Timestamp,
        most: usize,
    ) -> Result<usize> {
        let ended = self.ended(ended_before, most)?;
        for job in &ended {
            self.execute(sql::DELETE_JOB, [job.number])?;
            self.forget(job.id);
        }
        let answers: BTreeSet<_> = ended.iter().filter_map(|job| job.answer).collect();
        for answer in answers {
            if !self.is_any_left(&answer)? {
                self.execute(sql::DELETE_ANSWER, [answer])?;
            }
        }
        Ok(ended.len())
    }

    /// Whether there is a job that ended at this time or later.
    pub(in crate::store) fn has_ended_since(&self, time: Timestamp) -> Result<bool> {
        let parameters = [time.as_millis()];
        let ended = facts::row(self.connection, sql::ENDED_SINCE, parameters, |_| Ok(()))?;
        Ok(ended.is_some())
    }

    fn ended(&self, before: Timestamp, most: usize) -> Result<Vec<Ended>> {
        let mut statement = self.connection.prepare_cached(sql::ENDED_JOBS)?;
        let parameters = params![before.as_millis(), i64::try_from(most).unwrap_or(i64::MAX)];
        let ended = statement.query_map(parameters, |row| {
            Ok(Ended {
                number: row.get(0)?,
                id: codec::uuid(row, 1).map(JobId)?,
                answer: row.get(2)?,
            })
        })?;
        ended.collect()
    }

    /// Whether one of an answer's jobs is still there; the last is the likeliest.
    fn is_any_left(&self, answer: &[u8; 16]) -> Result<bool> {
        let jobs = facts::row(self.connection, sql::ANSWER, [answer], |row| {
            row.get::<_, Vec<u8>>(1)
        })?;
        let jobs = jobs.unwrap_or_default();
        for id in jobs.chunks_exact(16).rev() {
            let place = facts::row(self.connection, sql::JOB_PLACE, [id], |_| Ok(()))?;
            if place.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
