//! The store on SQLite: one writer thread, a few readers, one file in the data directory.
//!
//! Everything that SQLite is asked stands below here and goes through the statements of [`sql`].
//! Decides nothing: rules are run, their writes applied.

mod apply;
mod cache;
pub(super) mod codec;
mod expire;
pub(super) mod facts;
mod items;
mod keys;
pub(super) mod lists;
mod migrate;
mod pools;
mod readers;
pub(super) mod reads;
pub(super) mod resources;
pub(super) mod secrets;
pub(super) mod session;
mod sql;
pub(super) mod ssh_keys;
pub(super) mod teams;
pub(super) mod tenants;
mod turns;
mod writer;

#[cfg(test)]
pub(super) mod dump;
#[cfg(test)]
mod older;
#[cfg(test)]
mod tests;

use super::{
    ids::Ids,
    lock::{self, DirectoryLock},
    queue::Queue,
    rows::{Committed, StoreError, Urgency},
};
use crate::supply::Supply;
use anyhow::Context;
use cache::JobCache;
use keys::KeyCache;
use readers::Readers;
use rusqlite::{Connection, OpenFlags};
use secrets::Scrub;
use session::{Fault, NewId, Session};
use std::{
    cell::RefCell,
    mem::ManuallyDrop,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64},
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::sync::{Semaphore, broadcast, oneshot};
use uuid::Uuid;
use writer::{Member, Transaction, Writer};
pub(super) use writer::{Now, Sources};

/// The database's name in the data directory.
pub(super) const FILE: &str = "cloudlet.db";
/// Statements kept prepared by each connection: more than there are.
const STATEMENTS: usize = 128;
/// How long a statement waits for another connection.
const BUSY_PATIENCE: Duration = Duration::from_secs(5);
/// Requests that may wait for the writer; further ones wait for a place.
const REQUESTS_WAITING: usize = 4096;
/// Commits that a listener may lag behind.
const CHANGES_KEPT: usize = 4096;

/// An open database.
pub(super) struct Sqlite {
    queue: Arc<Queue<Box<dyn Member>>>,
    requests: Arc<Semaphore>,
    readers: Arc<Readers>,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Jobs, for polls.
    pub(super) jobs: Arc<JobCache>,
    /// Keys, for every request.
    pub(super) keys: Arc<KeyCache>,
    /// What commits change.
    pub(super) changes: broadcast::Sender<Arc<Committed>>,
    /// Whether the WAL may hold what was wiped.
    pub(super) scrub: Arc<Scrub>,
    /// Commits that wrote something, since the start.
    pub(super) commits: Arc<AtomicU64>,
    /// Whether the writer takes transactions.
    pub(super) writable: Arc<AtomicBool>,
}

impl Sqlite {
    /// Opens the database of a directory and starts its writer.
    pub(super) fn open(
        directory: &Path,
        supply: Supply,
        Sources { now, clock, new_id }: Sources,
    ) -> anyhow::Result<Self> {
        let lock = lock::lock(directory)?;
        let path = directory.join(FILE);
        let connection = open(&path, &now)
            .with_context(|| format!("cannot open the database {}", path.display()))?;
        let new_id = match new_id {
            Some(new_id) => new_id,
            None => version_7(&connection)?,
        };
        let queue = Arc::new(Queue::new());
        let jobs = Arc::new(cache::new());
        let keys = Arc::new(KeyCache::new());
        let scrub = Arc::new(Scrub::new());
        let commits = Arc::default();
        let writable = Arc::new(AtomicBool::new(true));
        let (changes, _) = broadcast::channel(CHANGES_KEPT);
        let writer = Writer {
            connection,
            queue: Arc::clone(&queue),
            supply,
            now,
            clock,
            new_id: RefCell::new(new_id),
            jobs: Arc::clone(&jobs),
            keys: Arc::clone(&keys),
            changes: changes.clone(),
            scrub: Arc::clone(&scrub),
            commits: Arc::clone(&commits),
            writable: Arc::clone(&writable),
            poisoned: None,
        };
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || hold(lock, writer))
            .context("cannot start the writer's thread")?;
        Ok(Self {
            queue,
            requests: Arc::new(Semaphore::new(REQUESTS_WAITING)),
            readers: Arc::new(Readers::new(&path)),
            writer: Mutex::new(Some(writer)),
            jobs,
            keys,
            changes,
            scrub,
            commits,
            writable,
        })
    }

    /// Has the writer do this in a transaction; answers once it is on disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        urgency: Urgency,
        work: impl Fn(&mut Session<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let closed = |_| StoreError::Unavailable("it is closed".to_owned());
        let permit = match urgency {
            Urgency::Engine | Urgency::Upkeep => None,
            Urgency::Request => {
                let permit = Arc::clone(&self.requests).acquire_owned().await;
                Some(permit.map_err(closed)?)
            }
        };
        let (sender, receiver) = oneshot::channel();
        let transaction = Transaction {
            work,
            outcome: None,
            sender,
            permit,
        };
        self.queue.push(urgency, Box::new(transaction))?;
        let ended = |_| StoreError::Unavailable("its writer has ended".to_owned());
        receiver.await.map_err(ended)?
    }

    /// Reads what is on disk.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.read(work).await
    }

    /// Ends what waits, then closes. The readers go first: the last connection empties the WAL.
    pub(super) async fn close(&self) {
        self.queue.close();
        self.readers.close().await;
        let writer = self.take_writer();
        if let Some(writer) = writer {
            let ended = tokio::task::spawn_blocking(move || writer.join()).await;
            if !matches!(ended, Ok(Ok(()))) {
                tracing::error!("the store's writer did not end well");
            }
        }
    }

    /// Transactions that the writer has not taken yet.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    fn take_writer(&self) -> Option<JoinHandle<()>> {
        self.writer
            .lock()
            .expect("nobody panics while holding it")
            .take()
    }
}

/// Dropped without being closed: the writer ends what waits and lets the directory go.
impl Drop for Sqlite {
    fn drop(&mut self) {
        self.queue.close();
        let writer = self.take_writer();
        // A transaction may own the last clone; then this runs on the writer's own thread.
        let own = |writer: &JoinHandle<()>| writer.thread().id() == std::thread::current().id();
        if let Some(writer) = writer.filter(|writer| !own(writer)) {
            let _ = writer.join();
        }
    }
}

/// The lock on the directory outlives the database's connection, and a panic of the writer: until
/// this process has ended nobody else may write here.
fn hold(lock: DirectoryLock, writer: Writer) {
    let lock = ManuallyDrop::new(lock);
    writer.run();
    drop(ManuallyDrop::into_inner(lock));
}

fn open(path: &Path, now: &Now) -> anyhow::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(BUSY_PATIENCE)?;
    // `secure_delete`: what is deleted is overwritten, freed pages included.
    connection.execute_batch(
        "PRAGMA secure_delete = ON;
         PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = 4000;
         PRAGMA cache_size = -16384;
         PRAGMA temp_store = MEMORY;
         PRAGMA foreign_keys = OFF;",
    )?;
    // Where a file system cannot share memory, SQLite stays with another mode and says so.
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    anyhow::ensure!(mode == "wal", "the file system does not allow a WAL");
    // After a crash SQLite takes frames that were written but never synced: sync them before
    // anybody is shown what they say.
    checkpoint(&connection)?;
    migrate::migrate(&mut connection, migrate::ALL, now())?;
    Ok(connection)
}

/// Syncs the WAL, copies it into the database, syncs that and empties the WAL.
fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        match row.get(0)? {
            0 => Ok(()),
            1.. => Err(codec::broken("somebody else reads or writes the database")),
            negative => Err(codec::broken(format!("the checkpoint answered {negative}"))),
        }
    })
}

/// Ids that go on above the greatest one stored.
fn version_7(connection: &Connection) -> anyhow::Result<NewId> {
    let greatest: Option<[u8; 16]> =
        connection.query_row(sql::GREATEST_ID, [], |row| row.get(0))?;
    let mut ids = Ids::after(greatest.map_or(Uuid::nil(), Uuid::from_bytes));
    Ok(Box::new(move |now| ids.next(now)))
}
