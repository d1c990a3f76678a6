//! What the world's file looks like, and what becomes of one that an older release has written.
//!
//! What may be had by one alone stands in a table of its own, once: a volume's size in the volume's
//! row, whoever has it; an interface, a volume's place, a GPU each in a row that names its machine.

use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::{path::Path, time::Duration};

/// How long a statement waits for another process that writes the file.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS thing (      -- a machine, a volume or a network
    resource TEXT PRIMARY KEY,
    observed TEXT NOT NULL              -- model::Observed; a machine's other parts stand below
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attachment ( -- a volume on a machine
    volume TEXT PRIMARY KEY,
    machine TEXT NOT NULL,
    slot INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS attachment_of ON attachment (machine);
CREATE TABLE IF NOT EXISTS nic (        -- an interface that is plugged in
    nic TEXT PRIMARY KEY,
    machine TEXT NOT NULL,
    host TEXT NOT NULL,
    slot INTEGER NOT NULL,
    network TEXT NOT NULL,
    mac INTEGER NOT NULL,
    address TEXT,
    public TEXT,                        -- id of its public address
    public_address TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS nic_of ON nic (machine);
CREATE INDEX IF NOT EXISTS nic_mac ON nic (network, mac);
CREATE INDEX IF NOT EXISTS nic_address ON nic (network, address);
CREATE INDEX IF NOT EXISTS nic_public ON nic (host, public_address);
CREATE TABLE IF NOT EXISTS gpu (        -- a host's GPU that a machine has
    host TEXT NOT NULL,
    series INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    machine TEXT NOT NULL,
    place INTEGER NOT NULL,             -- the how manieth of the machine's
    PRIMARY KEY (host, series, slot)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS gpu_of ON gpu (machine);
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
    at TEXT NOT NULL,
    host TEXT NOT NULL DEFAULT '',
    subject TEXT                        -- what it was about besides the resource
);";

/// Until there were volumes and networks, a machine was a row of columns.
const TAKE_OVER_MACHINES: &str = "
INSERT INTO thing (resource, observed)
SELECT resource, json_object('machine', json_object(
    'disk', CASE disk
        WHEN 'whole' THEN json_object('whole', json_object('size_gb', disk_gb))
        ELSE disk END,
    'process', CASE WHEN boot IS NULL THEN NULL ELSE json_object(
        'boot', boot,
        'up', json(CASE WHEN up THEN 'true' ELSE 'false' END),
        'ready', json(CASE WHEN ready THEN 'true' ELSE 'false' END)) END,
    'launched', launched))
FROM machine;
DROP TABLE machine;";

const TAKE_OVER_EFFECTS: &str = "
ALTER TABLE effect ADD COLUMN host TEXT NOT NULL DEFAULT '';
ALTER TABLE effect ADD COLUMN subject TEXT;";

pub(super) fn open(file: &Path) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open(file)?;
    connection.busy_timeout(LOCK_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    let world = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    world.execute_batch(TABLES)?;
    if has(&world, "table_list", "machine")? {
        world.execute_batch(TAKE_OVER_MACHINES)?;
    }
    if !has(&world, "table_info('effect')", "subject")? {
        world.execute_batch(TAKE_OVER_EFFECTS)?;
    }
    world.commit()?;
    Ok(connection)
}

/// Whether a table, or a column of one, is there.
fn has(world: &Transaction<'_>, list: &str, name: &str) -> rusqlite::Result<bool> {
    let mut statement = world.prepare(&format!("PRAGMA {list}"))?;
    let column = statement.column_index("name")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if row.get_ref(column)?.as_str()? == name {
            return Ok(true);
        }
    }
    Ok(false)
}
