//! The one thread that writes: all that waits goes into one commit, one sync for everybody.
//!
//! Nobody is answered before the commit is on disk. It never waits for company: groups form by
//! themselves while the one before is being synced.

use super::{
    cache::JobCache,
    keys::KeyCache,
    secrets::Scrub,
    session::{Changes, Fault, NewId, Session, told},
};
use crate::clock::Clock;
use crate::store::{
    queue::Queue,
    rows::{Committed, StoreError},
};
use crate::supply::Supply;
use api::Timestamp;
use rusqlite::{Connection, ErrorCode};
use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, broadcast, oneshot};

/// How long emptying the WAL waits for reads to end; nothing is written meanwhile.
const SCRUB_PATIENCE: Duration = Duration::from_millis(50);
/// Transactions in one commit.
const GROUP_MAX: usize = 1000;

/// Tells the time.
pub(in crate::store) type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Where the writer has time and ids from.
pub(in crate::store) struct Sources {
    /// The time.
    pub(in crate::store) now: Now,
    /// The clock that is to stand while commits are being listened to.
    pub(in crate::store) clock: Option<Clock>,
    /// Ids; version 7 unless a test makes its own.
    pub(in crate::store) new_id: Option<NewId>,
}

/// A transaction in line.
pub(super) trait Member: Send {
    /// Runs it and keeps its outcome. An error means that the group cannot go on.
    fn run(&mut self, session: &mut Session<'_>) -> rusqlite::Result<()>;
    /// Answers with the outcome kept, or with why there is none.
    fn answer(self: Box<Self>, failed: Option<StoreError>);
}

/// A transaction that some task waits for.
pub(super) struct Transaction<T, W> {
    /// What it does; again, if its group was rolled back.
    pub(super) work: W,
    /// What it came to.
    pub(super) outcome: Option<Result<T, StoreError>>,
    /// Who waits.
    pub(super) sender: oneshot::Sender<Result<T, StoreError>>,
    /// A request's place in the queue.
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

impl<T, W> Member for Transaction<T, W>
where
    T: Send,
    W: Fn(&mut Session<'_>) -> Result<T, Fault> + Send,
{
    fn run(&mut self, session: &mut Session<'_>) -> rusqlite::Result<()> {
        self.outcome = Some(match (self.work)(session) {
            Ok(outcome) => Ok(outcome),
            Err(Fault::Sql(error)) => return Err(error),
            Err(panicked @ Fault::Panicked(_)) => Err(told(panicked)),
        });
        Ok(())
    }

    fn answer(self: Box<Self>, failed: Option<StoreError>) {
        let unanswered = || Err(StoreError::Unavailable("it was not run".to_owned()));
        let outcome = match failed {
            Some(error) => Err(error),
            None => self.outcome.unwrap_or_else(unanswered),
        };
        // Whoever asked may have left; what is committed stays.
        let _ = self.sender.send(outcome);
        drop(self.permit);
    }
}

/// Everything that the thread owns.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) queue: Arc<Queue<Box<dyn Member>>>,
    pub(super) supply: Supply,
    pub(super) now: Now,
    pub(super) clock: Option<Clock>,
    pub(super) new_id: RefCell<NewId>,
    pub(super) jobs: Arc<JobCache>,
    pub(super) keys: Arc<KeyCache>,
    pub(super) changes: broadcast::Sender<Arc<Committed>>,
    pub(super) scrub: Arc<Scrub>,
    /// Commits that wrote something.
    pub(super) commits: Arc<AtomicU64>,
    /// Whether transactions are taken.
    pub(super) writable: Arc<AtomicBool>,
    /// Why nothing is written any more.
    pub(super) poisoned: Option<String>,
}

/// Why a group was not committed.
enum Failure {
    /// Nothing of it is there; each member may be tried alone.
    RolledBack(rusqlite::Error),
    /// What is on disk is not known: this process must write no more.
    Lost(String),
}

impl Writer {
    /// Commits groups until the queue is closed and empty, then closes the database.
    pub(super) fn run(mut self) {
        let _abandon = Abandon(Arc::clone(&self.queue), Arc::clone(&self.writable));
        while let Some(group) = self.queue.take(GROUP_MAX) {
            self.group(group);
        }
        if self.poisoned.is_none()
            && let Err(error) = super::checkpoint(&self.connection)
        {
            tracing::warn!(%error, "the WAL was not emptied at the end; the next start does it");
        }
        if let Err((_, error)) = self.connection.close() {
            tracing::warn!(%error, "the database did not close");
        }
    }

    pub(super) fn group(&mut self, mut group: Vec<Box<dyn Member>>) {
        match self.commit(&mut group) {
            Ok(scrub) => {
                answer(group, None);
                if scrub {
                    self.scrub();
                }
            }
            Err(Failure::Lost(reason)) => self.poison(group, reason),
            Err(Failure::RolledBack(error)) if group.len() > 1 => {
                tracing::warn!(%error, members = group.len(), "a group was rolled back; its members run alone");
                for member in group {
                    self.group(vec![member]);
                }
            }
            Err(Failure::RolledBack(error)) => {
                tracing::error!(%error, "a transaction failed");
                answer(group, Some(StoreError::Unavailable(error.to_string())));
            }
        }
    }

    pub(super) fn poison(&mut self, group: Vec<Box<dyn Member>>, reason: String) {
        if self.poisoned.is_none() {
            tracing::error!(
                reason,
                "the disk failed; nothing is written until a restart"
            );
            self.poisoned = Some(reason.clone());
            self.writable.store(false, Relaxed);
        }
        answer(group, Some(StoreError::Unavailable(reason)));
    }

    /// Says whether the WAL is to be emptied.
    fn commit(&self, group: &mut [Box<dyn Member>]) -> Result<bool, Failure> {
        if let Some(reason) = &self.poisoned {
            return Err(Failure::Lost(reason.clone()));
        }
        let rows_before = self.connection.total_changes();
        let changes = self.run_all(group).map_err(|error| self.roll_back(error))?;
        // A poll must not show less than what an earlier read has shown: from here until the new
        // version is in memory it is answered from disk.
        let written = changes.jobs.iter().map(|job| &job.id);
        for job in written.chain(&changes.removed) {
            self.jobs.remove(job);
        }
        let keys = changes.keys.then(|| self.keys.changing());
        let committed = self.execute("COMMIT");
        drop(keys);
        committed.map_err(|error| {
            if is_io(&error) {
                Failure::Lost(error.to_string())
            } else {
                self.roll_back(error)
            }
        })?;
        if self.connection.total_changes() != rows_before {
            self.commits.fetch_add(1, Relaxed);
        }
        if changes.wiped {
            self.scrub.is_due();
        }
        let scrub = changes.scrub;
        self.publish(changes);
        Ok(scrub)
    }

    fn run_all(&self, group: &mut [Box<dyn Member>]) -> rusqlite::Result<Changes> {
        self.execute("BEGIN IMMEDIATE")?;
        let rows_before = self.connection.total_changes();
        let (catalogue, driver) = (self.supply.catalogue(), self.supply.driver());
        let mut session = Session::new(&self.connection, (&catalogue, driver), &self.new_id);
        for member in group {
            session.now = (self.now)();
            member.run(&mut session)?;
        }
        // A manual clock goes on from no earlier than any time that a commit holds.
        let is_manual = self.clock.as_ref().is_some_and(Clock::is_manual);
        if is_manual && self.connection.total_changes() != rows_before {
            session.store_clock((self.now)())?;
        }
        Ok(session.into_changes())
    }

    /// Empties the WAL, so that nothing is left of what was wiped. Readers are in the way for
    /// milliseconds; whoever asked sees that it is still due and asks again.
    fn scrub(&self) {
        let timeout = |patience| self.connection.busy_timeout(patience);
        let scrubbed = timeout(SCRUB_PATIENCE)
            .and_then(|()| super::checkpoint(&self.connection))
            .and_then(|()| timeout(super::BUSY_PATIENCE));
        match scrubbed {
            Ok(()) => self.scrub.is_done(),
            Err(error) => {
                tracing::debug!(%error, "the WAL was not emptied; it is tried again");
                let restored = timeout(super::BUSY_PATIENCE);
                debug_assert!(restored.is_ok(), "setting it cannot fail");
            }
        }
    }

    /// SQLite may have rolled back by itself.
    fn roll_back(&self, error: rusqlite::Error) -> Failure {
        // A large transaction may have reached the WAL before it was given up.
        self.scrub.is_due();
        if self.connection.is_autocommit() {
            return Failure::RolledBack(error);
        }
        match self.execute("ROLLBACK") {
            Ok(()) => Failure::RolledBack(error),
            Err(second) => Failure::Lost(format!("{error}; rolling back: {second}")),
        }
    }

    fn publish(&self, changes: Changes) {
        let Changes { jobs, removed, .. } = changes;
        let expires = changes.answers_alone || jobs.iter().any(|job| job.state.is_final());
        if jobs.is_empty() && !expires {
            return;
        }
        for job in jobs.iter().filter(|job| !removed.contains(&job.id)) {
            self.jobs.insert(job.id, Arc::new(job.clone()));
        }
        let committed = Committed {
            jobs,
            expires,
            busy: self.clock.as_ref().map(Clock::busy),
        };
        // Nobody may be listening.
        let _ = self.changes.send(Arc::new(committed));
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}

/// Whoever waits when the thread ends, even by a panic, is told so.
struct Abandon(Arc<Queue<Box<dyn Member>>>, Arc<AtomicBool>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.1.store(false, Relaxed);
        self.0.abandon();
    }
}

fn answer(group: Vec<Box<dyn Member>>, failed: Option<StoreError>) {
    for member in group {
        member.answer(failed.clone());
    }
}

/// After a failed sync the kernel may have dropped what was to be written.
pub(super) fn is_io(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}
