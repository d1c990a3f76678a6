//! A few read-only connections for reads, beside the writer.
//!
//! A read runs to its end on one thread, so no snapshot is held across an await: one that stays open
//! would keep the WAL from being emptied.

use crate::store::rows::StoreError;
use rusqlite::{Connection, OpenFlags};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};
use tokio::sync::Semaphore;

/// Reads at the same time.
const READERS: u32 = 4;

/// The read-only connections.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            idle: Mutex::new(Vec::new()),
            permits: Arc::new(Semaphore::new(READERS as usize)),
        }
    }

    /// Runs a read on a connection of its own.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| StoreError::Unavailable("it is closed".to_owned()))?;
        let readers = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || {
            let outcome = readers.run(work);
            drop(permit);
            outcome
        });
        let outcome = read
            .await
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        outcome.map_err(|error| {
            tracing::error!(%error, "a read failed");
            StoreError::Unavailable(error.to_string())
        })
    }

    fn run<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.path)?,
        };
        let outcome = work(&connection)?;
        self.idle().push(connection);
        Ok(outcome)
    }

    /// Waits for reads under way, lets none in any more and closes the connections.
    pub(super) async fn close(&self) {
        let all = self.permits.acquire_many(READERS).await;
        self.permits.close();
        self.idle().clear();
        drop(all);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().expect("nobody panics while holding it")
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_prepared_statement_cache_capacity(super::STATEMENTS);
    connection.execute_batch("PRAGMA cache_size = -16384; PRAGMA busy_timeout = 5000;")?;
    Ok(connection)
}
