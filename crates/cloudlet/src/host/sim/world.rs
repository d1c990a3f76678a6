//! The simulator's world: machines, what the host keeps of them, and the log of every effect, in one
//! SQLite file.
//!
//! Every call reads the file afresh and writes in one transaction of its own; nothing is cached, so
//! whoever else edits the file is seen. It is not synced: it outlives the process, not a power cut.

use anyhow::Context as _;
use api::ResourceId;
use model::{
    MachineObserved,
    actor::Ledger,
    spec::{DiskObserved, ProcessObserved},
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long a statement waits for another process that writes the file.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS machine (
    resource TEXT PRIMARY KEY,
    disk TEXT NOT NULL DEFAULT 'absent' CHECK (disk IN ('absent', 'partial', 'whole')),
    disk_gb INTEGER NOT NULL DEFAULT 0,
    boot INTEGER,                       -- of the process; null: there is none
    up INTEGER NOT NULL DEFAULT 0,
    ready INTEGER NOT NULL DEFAULT 0,
    launched INTEGER NOT NULL DEFAULT 0 -- the highest boot ever launched
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledger (
    resource TEXT PRIMARY KEY,
    ledger TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS number (     -- of each resource, in the order in which they came
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    resource TEXT NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS effect (     -- append only
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    resource TEXT NOT NULL,
    generation INTEGER NOT NULL,
    action TEXT NOT NULL,
    boot INTEGER,
    at TEXT NOT NULL
);";

const SELECT_MACHINE: &str =
    "SELECT resource, disk, disk_gb, boot, up, ready, launched FROM machine";

pub(super) struct World {
    connection: Mutex<Connection>,
}

/// What stands in the log where a generation was taken up, before any effect of it.
pub(super) const TAKEN: &str = "taken";

/// One effect that was made, or a generation that was taken up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Effect {
    pub(super) resource: String,
    pub(super) generation: u64,
    pub(super) action: String,
    pub(super) boot: Option<u64>,
    pub(super) at: String,
}

impl World {
    pub(super) fn open(file: &Path) -> anyhow::Result<Self> {
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open(file)?;
            connection.busy_timeout(LOCK_TIMEOUT)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "OFF")?;
            connection.execute_batch(TABLES)?;
            Ok(connection)
        };
        let connection =
            open().with_context(|| format!("opening the simulator's world {}", file.display()))?;
        Ok(Self {
            connection: Mutex::new(connection),
        })
    }

    pub(super) fn list(&self) -> anyhow::Result<BTreeMap<ResourceId, MachineObserved>> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(SELECT_MACHINE)?;
        let rows = statement.query_map([], machine)?;
        rows.map(|row| {
            let (resource, observed) = row?;
            Ok((resource.parse()?, observed))
        })
        .collect()
    }

    pub(super) fn observe(&self, resource: ResourceId) -> anyhow::Result<MachineObserved> {
        let connection = self.lock();
        Ok(find(&connection, &resource.to_string())?)
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
        let resource = resource.to_string();
        self.write(|world| {
            let insert = "INSERT OR REPLACE INTO ledger (resource, ledger) VALUES (?1, ?2)";
            world
                .prepare_cached(insert)?
                .execute(params![resource, text])?;
            if ledger.generation <= before {
                return Ok(());
            }
            let taken = Effect {
                resource,
                generation: ledger.generation,
                action: TAKEN.to_owned(),
                boot: None,
                at: at.to_owned(),
            };
            log(world, &taken)
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
            world.execute("DELETE FROM machine WHERE resource = ?1", [&resource])?;
            world.execute("DELETE FROM ledger WHERE resource = ?1", [&resource])?;
            world.execute("DELETE FROM number WHERE resource = ?1", [&resource])?;
            Ok(())
        })
    }

    pub(super) fn effects(&self) -> anyhow::Result<Vec<Effect>> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT resource, generation, action, boot, at FROM effect ORDER BY number",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(Effect {
                resource: row.get(0)?,
                generation: row.get::<_, i64>(1)?.unsigned_abs(),
                action: row.get(2)?,
                boot: row.get::<_, Option<i64>>(3)?.map(i64::unsigned_abs),
                at: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(super) fn begin_disk(&self, resource: ResourceId) -> anyhow::Result<()> {
        let resource = resource.to_string();
        self.write(|world| set(world, &resource, "disk = 'partial', disk_gb = 0"))
    }

    pub(super) fn end_disk(&self, effect: &Effect, size_gb: u32) -> anyhow::Result<()> {
        self.write(|world| {
            let whole = format!("disk = 'whole', disk_gb = {size_gb}");
            set(world, &effect.resource, &whole)?;
            log(world, effect)
        })
    }

    /// Starts the process of a boot number, at most once for each number; or takes up the one whose
    /// launch for that very number is not complete. The outer error is the file's.
    pub(super) fn begin_launch(
        &self,
        effect: &Effect,
        boot: u64,
    ) -> anyhow::Result<Result<(), &'static str>> {
        self.write(|world| {
            let found = find(world, &effect.resource)?;
            match found.process {
                Some(process) if process.boot == boot && !process.up => return Ok(Ok(())),
                Some(_) => return Ok(Err("The machine already has a process.")),
                None if boot <= found.launched => {
                    return Ok(Err(
                        "The machine was already launched for this boot number.",
                    ));
                }
                None => {}
            }
            let launched = format!("boot = {boot}, up = 0, ready = 0, launched = {boot}");
            set(world, &effect.resource, &launched)?;
            log(world, effect)?;
            Ok(Ok(()))
        })
    }

    /// A process that died meanwhile stays dead: whoever waits for it will see.
    pub(super) fn end_launch(&self, resource: ResourceId, boot: u64) -> anyhow::Result<()> {
        let resource = resource.to_string();
        self.write(|world| {
            let sql = "UPDATE machine SET up = 1 WHERE resource = ?1 AND boot = ?2";
            world
                .prepare_cached(sql)?
                .execute(params![resource, integer(boot)])?;
            Ok(())
        })
    }

    /// Says whether the process is there to be ready.
    pub(super) fn end_ready(&self, effect: &Effect, boot: u64) -> anyhow::Result<bool> {
        self.write(|world| {
            let process = find(world, &effect.resource)?.process;
            if !process.is_some_and(|process| process.boot == boot && process.up) {
                return Ok(false);
            }
            set(world, &effect.resource, "ready = 1")?;
            log(world, effect)?;
            Ok(true)
        })
    }

    pub(super) fn end_shutdown(&self, effect: &Effect) -> anyhow::Result<()> {
        self.write(|world| {
            if find(world, &effect.resource)?.process.is_some() {
                set(world, &effect.resource, "boot = NULL, up = 0, ready = 0")?;
                log(world, effect)?;
            }
            Ok(())
        })
    }

    pub(super) fn end_remove_disk(&self, effect: &Effect) -> anyhow::Result<()> {
        self.write(|world| {
            if find(world, &effect.resource)?.disk != DiskObserved::Absent {
                set(world, &effect.resource, "disk = 'absent', disk_gb = 0")?;
                log(world, effect)?;
            }
            Ok(())
        })
    }

    fn write<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
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

fn find(connection: &Connection, resource: &str) -> rusqlite::Result<MachineObserved> {
    let sql = format!("{SELECT_MACHINE} WHERE resource = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_row([resource], machine).optional()?;
    Ok(found.map(|(_, observed)| observed).unwrap_or_default())
}

/// Sets columns of a machine, whose row may not be there yet.
fn set(world: &Transaction<'_>, resource: &str, columns: &str) -> rusqlite::Result<()> {
    let insert = "INSERT OR IGNORE INTO machine (resource) VALUES (?1)";
    world.prepare_cached(insert)?.execute([resource])?;
    let update = format!("UPDATE machine SET {columns} WHERE resource = ?1");
    world.execute(&update, [resource])?;
    Ok(())
}

fn log(world: &Transaction<'_>, effect: &Effect) -> rusqlite::Result<()> {
    let insert =
        "INSERT INTO effect (resource, generation, action, boot, at) VALUES (?1, ?2, ?3, ?4, ?5)";
    world.prepare_cached(insert)?.execute(params![
        effect.resource,
        integer(effect.generation),
        effect.action,
        effect.boot.map(integer),
        effect.at
    ])?;
    Ok(())
}

fn machine(row: &Row<'_>) -> rusqlite::Result<(String, MachineObserved)> {
    let disk = match row.get_ref(1)?.as_str()? {
        "whole" => DiskObserved::Whole {
            size_gb: row.get(2)?,
        },
        "partial" => DiskObserved::Partial,
        _ => DiskObserved::Absent,
    };
    let (up, ready) = (row.get(4)?, row.get(5)?);
    let process = row.get::<_, Option<i64>>(3)?.map(|boot| ProcessObserved {
        boot: boot.unsigned_abs(),
        up,
        ready,
    });
    let observed = MachineObserved {
        disk,
        process,
        launched: row.get::<_, i64>(6)?.unsigned_abs(),
    };
    Ok((row.get(0)?, observed))
}

/// SQLite's integers are signed; no number here gets near the end of either.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
