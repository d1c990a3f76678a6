//! Applies a rule's writes in order: the ledger with its counters, the lines, the turns.
//!
//! Says what `model::memory` says, row for row; a test compares the two. Decides nothing.

use super::{codec, facts, items, session::Session, sql};
use api::{JobId, ResourceId, Timestamp};
use model::{
    Job, Resource, Write,
    claim::{Claim, Item, Pool},
    turn,
    writes::{Answer, AnswerKey},
};
use rusqlite::{Result, params};

impl Session<'_> {
    /// Applies writes in order.
    pub(in crate::store) fn apply(&mut self, writes: &[Write]) -> Result<()> {
        for write in writes {
            match write {
                Write::PutResource(resource) => self.put_resource(resource)?,
                Write::RemoveResource(id) => self.remove_resource(*id)?,
                Write::PutJob(job) => self.put_job(job)?,
                Write::Enter { key, job } => self.enter(*key, *job)?,
                Write::Leave { key, job } => self.leave(*key, *job)?,
                Write::Claim(Claim {
                    holder,
                    item,
                    amount,
                }) => self.hold(*holder, item, *amount)?,
                Write::Unclaim { holder, item } => self.hold(*holder, item, 0)?,
                Write::PutSecret(job, secret) => self.put_secret(*job, secret)?,
                Write::WipeSecret(job) => self.wipe_secret(*job)?,
                Write::PutAnswer(key, answer) => self.put_answer(*key, answer, self.now)?,
            }
        }
        Ok(())
    }

    fn put_resource(&mut self, resource: &Resource) -> Result<()> {
        let (id, body) = (resource.id.0.as_bytes(), codec::body(resource)?);
        let (name, leftover) = (&resource.name, resource.leftover.is_some());
        if self.execute(sql::UPDATE_RESOURCE, params![id, body, name, leftover])? > 0 {
            return Ok(());
        }
        let tenant = resource.tenant.0.as_bytes();
        let (host, data_center) = (resource.host.0, resource.data_center.0);
        let kind = resource.kind().as_str();
        let parameters = params![
            id,
            body,
            name,
            leftover,
            tenant,
            host.as_bytes(),
            kind,
            data_center.as_bytes(),
        ];
        self.execute(sql::INSERT_RESOURCE, parameters)?;
        self.tally(tenant, kind, 1)
    }

    fn remove_resource(&mut self, id: ResourceId) -> Result<()> {
        let removed = facts::row(
            self.connection,
            sql::DELETE_RESOURCE,
            [id.0.as_bytes()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let pool = items::pool(Pool::Private(id));
        let pool = params![pool.kind, pool.owner, pool.detail];
        self.execute(sql::DELETE_POOL, pool)?;
        let removed: Option<([u8; 16], String)> = removed;
        removed.map_or(Ok(()), |(tenant, kind)| self.tally(&tenant, &kind, -1))
    }

    fn tally(&self, tenant: &[u8; 16], kind: &str, change: i64) -> Result<()> {
        self.count(
            (sql::UPDATE_TALLY, sql::INSERT_TALLY),
            params![tenant, kind, change],
        )
    }

    /// Moves a counter, or makes it. The insert alone would check the change as if it were the sum.
    pub(super) fn count(
        &self,
        (update, insert): (&str, &str),
        parameters: &[&dyn rusqlite::ToSql],
    ) -> Result<()> {
        if self.execute(update, parameters)? == 0 {
            self.execute(insert, parameters)?;
        }
        Ok(())
    }

    fn put_job(&mut self, job: &Job) -> Result<()> {
        let before = self.job(job.id)?;
        let mut job = job.clone();
        match &before {
            Some(before) => {
                job.number = before.number;
                self.update_job(before, &job)?;
            }
            None => job.number = self.insert_job(&job)?,
        }
        self.stand(&job, turn::change(before.as_ref(), &job))?;
        self.note(job);
        Ok(())
    }

    fn insert_job(&self, job: &Job) -> Result<u64> {
        let parameters = params![
            job.id.0.as_bytes(),
            job.tenant.0.as_bytes(),
            job.host.0.as_bytes(),
            job.is_synchronous(),
            job.state.as_str(),
            job.blockers,
            job.cancel,
            job.completed_at.map(api::Timestamp::as_millis),
            codec::body(job)?,
            job.operation.name(),
            job.resource.0.as_bytes(),
            job.is_listed(),
        ];
        self.execute(sql::INSERT_JOB, parameters)?;
        Ok(self.connection.last_insert_rowid().unsigned_abs())
    }

    fn update_job(&self, before: &Job, job: &Job) -> Result<()> {
        let found_by = |job: &Job| (job.state, job.blockers, job.cancel, job.completed_at);
        let (number, body) = (codec::int(job.number)?, codec::body(job)?);
        if found_by(before) == found_by(job) {
            // Progress: naming an indexed column would rewrite its index for nothing.
            self.execute(sql::UPDATE_JOB_BODY, params![number, body])?;
            return Ok(());
        }
        let parameters = params![
            number,
            job.state.as_str(),
            job.blockers,
            job.cancel,
            job.completed_at.map(api::Timestamp::as_millis),
            body,
        ];
        self.execute(sql::UPDATE_JOB, parameters)?;
        Ok(())
    }

    fn place(&self, job: JobId) -> Result<(i64, bool)> {
        let place = facts::row(self.connection, sql::JOB_PLACE, [job.0.as_bytes()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        place.ok_or_else(|| codec::broken(format!("job {job} stands in a line but is not there")))
    }

    fn enter(&self, key: ResourceId, job: JobId) -> Result<()> {
        let (number, synchronous) = self.place(job)?;
        let key = key.0.as_bytes();
        self.execute(sql::INSERT_TICKET, params![key, number, job.0.as_bytes()])?;
        self.execute(sql::ENTER_LINE, params![key, synchronous])?;
        Ok(())
    }

    fn leave(&mut self, key: ResourceId, job: JobId) -> Result<()> {
        let was_first = self.first(key)? == Some(job);
        let (number, synchronous) = self.place(job)?;
        let bytes = key.0.as_bytes();
        if self.execute(sql::DELETE_TICKET, params![bytes, number])? > 0 {
            self.execute(sql::LEAVE_LINE, params![bytes, synchronous])?;
            self.execute(sql::END_LINE, params![bytes])?;
        }
        let first = match self.first(key)? {
            Some(first) if was_first => self.job(first)?,
            _ => None,
        };
        let Some(mut first) = first else {
            return Ok(());
        };
        let blockers = first.blockers.checked_sub(1);
        first.blockers =
            blockers.ok_or_else(|| codec::broken(format!("job {} had no blocker", first.id)))?;
        self.put_job(&first)
    }

    fn first(&self, key: ResourceId) -> Result<Option<JobId>> {
        facts::row(self.connection, sql::FIRST, [key.0.as_bytes()], |row| {
            codec::uuid(row, 0).map(JobId)
        })
    }

    fn hold(&self, holder: ResourceId, item: &Item, amount: u64) -> Result<()> {
        let (of, holder) = (items::item(item), holder.0.as_bytes());
        let row = params![of.kind, of.owner, of.detail, of.number, holder];
        let held = facts::row(self.connection, sql::HELD, row, |row| row.get(0))?;
        let (held, amount): (i64, i64) = (held.unwrap_or(0), codec::int(amount)?);
        if amount == held {
            return Ok(());
        }
        if amount > 0 {
            let exclusive = item.is_exclusive();
            let more = params![amount, exclusive];
            let row: Vec<&dyn rusqlite::ToSql> = row.iter().chain(more).copied().collect();
            self.execute(sql::HOLD, &row[..])?;
        } else {
            self.execute(sql::LET_GO, row)?;
        }
        if matches!(item, Item::Pooled(..)) && amount > held {
            let last = params![of.kind, of.owner, of.detail, of.number];
            self.execute(sql::SET_LAST_GIVEN, last)?;
        }
        self.use_more(item, amount - held)
    }

    /// Moves what an item counts towards.
    fn use_more(&self, item: &Item, change: i64) -> Result<()> {
        let Some(counter) = item.counter() else {
            return Ok(());
        };
        let of = items::counter(&counter);
        self.count(
            (sql::UPDATE_USAGE, sql::INSERT_USAGE),
            params![of.kind, of.owner, of.detail, of.number, change],
        )?;
        if change < 0 {
            let row = params![of.kind, of.owner, of.detail, of.number];
            self.execute(sql::END_USAGE, row)?;
        }
        Ok(())
    }

    /// Remembers an answer that was made at a time.
    pub(in crate::store) fn put_answer(
        &mut self,
        AnswerKey(key): AnswerKey,
        answer: &Answer,
        made: Timestamp,
    ) -> Result<()> {
        let before = facts::row(self.connection, sql::ANSWERED_JOBS, [key], |row| {
            row.get::<_, Vec<u8>>(0)
        })?;
        for job in before.unwrap_or_default().chunks_exact(16) {
            self.execute(sql::DELETE_ANSWERED, params![job, key])?;
        }
        let mut left = 0;
        for job in &answer.jobs {
            left += self.execute(sql::INSERT_ANSWERED, params![job.0.as_bytes(), key])?;
        }
        let jobs: Vec<u8> = answer
            .jobs
            .iter()
            .flat_map(|job| job.0.into_bytes())
            .collect();
        if left == 0 {
            self.note_answer_alone();
        }
        let (request, now) = (answer.request, made.as_millis());
        let left = i64::try_from(left).unwrap_or(i64::MAX);
        let parameters = params![key, request, jobs, now, left, answer.kept];
        self.execute(sql::PUT_ANSWER, parameters)?;
        Ok(())
    }
}
