//! The store: runs rules in transactions, many to a commit, and serves reads.
//!
//! One writer thread takes all that waits, runs each rule on what is stored, applies its writes and
//! commits once; only then is anybody answered. A rule that refuses has written nothing. Nothing
//! here decides anything: rules live in `model`. Never mentions HTTP or hosts.

mod ids;
mod keys;
mod lock;
mod once;
mod queue;
mod reads;
mod rows;
mod sqlite;
mod ssh_keys;
mod teams;
mod tenants;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod tests;

pub use once::Done;
pub use rows::{
    Committed, Expired, JobFilter, KeyChange, KeyRow, KeyWish, KnownKey, NewKey, NewSshKey, Owner,
    Scopes, StoreError, TenantRow, Turned, Urgency,
};

use crate::supply::Supply;
use api::{HostId, Timestamp};
use model::{Context, Refusal, Write, accept::Idempotency};
use sqlite::{Sources, Sqlite, session::Session, tenants::stored_clock};
use std::{
    path::Path,
    sync::{Arc, atomic::Ordering::Relaxed},
};
use tokio::sync::broadcast;

/// Jobs that one transaction removes: few enough that a commit which takes them along is hardly slower.
const EXPIRY_BATCH: usize = 50;

/// The store; clones are the same store.
#[derive(Clone)]
pub struct Store {
    sqlite: Arc<Sqlite>,
}

impl Store {
    /// Opens the store in a directory, making it or bringing it up to date; starts its writer.
    pub fn open(
        directory: &Path,
        supply: impl Into<Supply>,
        clock: crate::clock::Clock,
    ) -> anyhow::Result<Self> {
        let time = clock.clone();
        let sources = Sources {
            now: Arc::new(move || time.now()),
            clock: Some(clock),
            new_id: None,
        };
        Self::open_with(directory, supply, sources)
    }

    /// Opens it with a time and, in tests, ids of the caller's own.
    fn open_with(
        directory: &Path,
        supply: impl Into<Supply>,
        sources: Sources,
    ) -> anyhow::Result<Self> {
        let sqlite = Arc::new(Sqlite::open(directory, supply.into(), sources)?);
        Ok(Self { sqlite })
    }

    /// Runs a rule in a transaction and answers once it is on disk. The rule may run again.
    pub async fn transact<T: Send + 'static>(
        &self,
        urgency: Urgency,
        rule: impl Fn(&Context<'_>) -> Result<(Vec<Write>, T), Refusal> + Send + 'static,
    ) -> Result<Result<T, Refusal>, StoreError> {
        let work = move |session: &mut Session<'_>| match session.decide(&rule)? {
            Ok((writes, answer)) => {
                session.apply(&writes)?;
                Ok(Ok(answer))
            }
            Err(refusal) => Ok(Err(refusal)),
        };
        self.sqlite.write(urgency, work).await
    }

    /// Starts the job whose turn it is on a host with a free slot; `None` if there is none. A job
    /// whose rule panics is failed instead.
    pub async fn take_turn(&self, host: HostId) -> Result<Option<Turned>, StoreError> {
        self.sqlite
            .write(Urgency::Engine, move |session| session.take_turn(host))
            .await
    }

    /// Removes at most [`EXPIRY_BATCH`] of the jobs that ended before this, those that ended first,
    /// with each answer that none of its jobs is left of; and as many of the answers without a job
    /// that were made before it.
    pub async fn expire(&self, ended_before: Timestamp) -> Result<Expired, StoreError> {
        self.sqlite
            .write(Urgency::Upkeep, move |session| {
                Ok(
                    if session.expire(ended_before, EXPIRY_BATCH)? == EXPIRY_BATCH {
                        Expired::More
                    } else if session.expires_later(ended_before)? {
                        Expired::Later
                    } else {
                        Expired::Nothing
                    },
                )
            })
            .await
    }

    /// Waits until the WAL may hold what was wiped.
    pub async fn scrub_due(&self) {
        self.sqlite.scrub.due().await;
    }

    /// Has the WAL emptied, behind all other work. Whether that went well, [`scrub_due`] tells.
    ///
    /// [`scrub_due`]: Self::scrub_due
    pub async fn scrub(&self) -> Result<(), StoreError> {
        self.sqlite
            .write(Urgency::Upkeep, |session| {
                session.scrub();
                Ok(())
            })
            .await
    }

    /// Places nothing new on a host from now on, or does so again.
    pub async fn drain_host(
        &self,
        host: HostId,
        drained: bool,
        repeat: Option<Idempotency>,
    ) -> Result<Done<()>, StoreError> {
        let work = move |session: &mut Session<'_>| {
            session.set_drained(host, drained)?;
            Ok(Ok(Some(())))
        };
        self.once(repeat, work, |()| ()).await
    }

    /// What commits change, from now on. One that lags has to read again; one that does not read
    /// at all holds a manual clock up.
    pub fn changes(&self) -> broadcast::Receiver<Arc<Committed>> {
        self.sqlite.changes.subscribe()
    }

    /// How many commits wrote something since the start; each is one sync of the disk.
    pub fn commits(&self) -> u64 {
        self.sqlite.commits.load(Relaxed)
    }

    /// Whether transactions are taken: not once the disk has failed.
    pub fn is_writable(&self) -> bool {
        self.sqlite.writable.load(Relaxed)
    }

    /// The manual clock's last time, if it was ever stored.
    pub async fn stored_clock(&self) -> Result<Option<Timestamp>, StoreError> {
        self.sqlite.read(stored_clock).await
    }

    /// Stores the manual clock's time.
    pub async fn store_clock(&self, now: Timestamp) -> Result<(), StoreError> {
        self.clock_arrives(now, false).await
    }

    /// The same; says whether the clock has come to where an answer is kept from.
    pub async fn clock_arrives(&self, now: Timestamp, answered: bool) -> Result<(), StoreError> {
        let work = move |session: &mut Session<'_>| {
            session.store_clock(now)?;
            if answered {
                session.note_answer_alone();
            }
            Ok(())
        };
        self.sqlite.write(Urgency::Engine, work).await
    }

    /// Stops taking transactions, ends what waits, syncs and closes.
    pub async fn close(&self) {
        self.sqlite.close().await
    }
}
