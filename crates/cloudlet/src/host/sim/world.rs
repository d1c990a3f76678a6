//! The simulator's world: machines, volumes and networks, what the host keeps of them, and the log
//! of every effect, in one SQLite file.
//!
//! Every call reads the file afresh and writes in one transaction of its own; nothing is cached, so
//! whoever else edits the file is seen. It is not synced: it outlives the process, not a power cut.
//! `tables` is what the file looks like, `look` reads it, `change` and `parts` are
//! what actions do to it, `log` is the log.

mod change;
mod log;
mod look;
mod parts;
mod tables;

use anyhow::Context as _;
use api::ResourceId;
use model::{Observed, actor::Ledger};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

pub(super) use change::{Deed, Refusal};
#[cfg(test)]
pub(super) use log::TAKEN;
pub(super) use log::{Effect, Subject};

pub(super) struct World {
    connection: Mutex<Connection>,
}

impl World {
    pub(super) fn open(file: &Path) -> anyhow::Result<Self> {
        let connection = tables::open(file)
            .with_context(|| format!("opening the simulator's world {}", file.display()))?;
        Ok(Self {
            connection: Mutex::new(connection),
        })
    }

    pub(super) fn list(&self) -> anyhow::Result<BTreeMap<ResourceId, Observed>> {
        let mut connection = self.lock();
        let world = connection.transaction()?;
        look::list(&world)
    }

    pub(super) fn observe(&self, resource: ResourceId) -> anyhow::Result<Observed> {
        let mut connection = self.lock();
        let world = connection.transaction()?;
        look::observe(&world, resource)
    }

    /// What an action changes at its beginning: something half-made is there. The outer error is
    /// the file's.
    pub(super) fn begin(&self, deed: &Deed<'_>) -> anyhow::Result<Result<(), Refusal>> {
        self.write(|world| change::begin(world, deed))
    }

    /// What an action changes at its end: it is whole. The outer error is the file's.
    pub(super) fn end(&self, deed: &Deed<'_>) -> anyhow::Result<Result<(), Refusal>> {
        self.write(|world| change::end(world, deed))
    }

    /// Keeps a ledger; a generation that is taken up by it stands in the log.
    pub(super) fn save(
        &self,
        resource: ResourceId,
        ledger: &Ledger,
        at: &str,
    ) -> anyhow::Result<()> {
        let text = serde_json::to_string(ledger)?;
        let before = self.ledger(resource)?.map_or(0, |before| before.generation);
        self.write(|world| {
            let insert = "INSERT OR REPLACE INTO ledger (resource, ledger) VALUES (?1, ?2)";
            world
                .prepare_cached(insert)?
                .execute(params![resource.to_string(), text])?;
            if ledger.generation > before {
                log::taken(world, resource, ledger.generation, at)?;
            }
            Ok(())
        })
    }

    /// The number of a resource: given when it is first asked for, and never to another.
    pub(super) fn number(&self, resource: ResourceId) -> anyhow::Result<u64> {
        let resource = resource.to_string();
        self.write(|world| {
            let select = "SELECT number FROM number WHERE resource = ?1";
            let mut known = world.prepare_cached(select)?;
            if let Some(number) = known.query_row([&resource], |row| row.get(0)).optional()? {
                return Ok(number);
            }
            let insert = "INSERT INTO number (resource) VALUES (?1)";
            world.prepare_cached(insert)?.execute([&resource])?;
            Ok(world.last_insert_rowid())
        })
        .map(i64::unsigned_abs)
    }

    pub(super) fn ledger(&self, resource: ResourceId) -> anyhow::Result<Option<Ledger>> {
        let connection = self.lock();
        let mut statement =
            connection.prepare_cached("SELECT ledger FROM ledger WHERE resource = ?1")?;
        let text = statement.query_row([resource.to_string()], |row| row.get::<_, String>(0));
        let text = text.optional()?;
        text.map(|text| {
            serde_json::from_str(&text).with_context(|| format!("the ledger of {resource}"))
        })
        .transpose()
    }

    pub(super) fn ledgers(&self) -> anyhow::Result<BTreeMap<ResourceId, Ledger>> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT resource, ledger FROM ledger")?;
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        rows.map(|row| {
            let (resource, ledger) = row?;
            let ledger = serde_json::from_str(&ledger)
                .with_context(|| format!("the ledger of {resource}"))?;
            Ok((resource.parse()?, ledger))
        })
        .collect()
    }

    pub(super) fn forget(&self, resource: ResourceId) -> anyhow::Result<()> {
        let resource = resource.to_string();
        self.write(|world| {
            for table in ["thing", "ledger", "number"] {
                let delete = format!("DELETE FROM {table} WHERE resource = ?1");
                world.prepare_cached(&delete)?.execute([&resource])?;
            }
            Ok(())
        })
    }

    pub(super) fn effects(&self) -> anyhow::Result<Vec<Effect>> {
        log::read(&self.lock())
    }

    fn write<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let mut connection = self.lock();
        // Immediate: it reads before it writes, and must not find the file changed in between.
        let transaction =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let result = change(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic cut short was rolled back when it was dropped.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// SQLite's integers are signed; no number here gets near the end of either.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
