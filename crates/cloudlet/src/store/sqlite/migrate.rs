//! Brings a database up to date: numbered files, forward only, each applied once.
//!
//! What was applied is recorded with its checksum, so that neither a changed file nor a database of
//! a newer Cloudlet is taken for this one's.

use anyhow::{Context, bail};
use api::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};
use sha2::{Digest, Sha256};

/// A migration: its name and what it does; its number is its place, from 1.
pub(super) struct Migration {
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
}

/// Every migration there is.
pub(super) const ALL: &[Migration] = &[
    Migration {
        name: "first",
        sql: include_str!("../../../migrations/sqlite/0001_first.sql"),
    },
    Migration {
        name: "retention",
        sql: include_str!("../../../migrations/sqlite/0002_retention.sql"),
    },
    Migration {
        name: "job list",
        sql: include_str!("../../../migrations/sqlite/0003_job_list.sql"),
    },
    Migration {
        name: "keys",
        sql: include_str!("../../../migrations/sqlite/0004_keys.sql"),
    },
    Migration {
        name: "resources",
        sql: include_str!("../../../migrations/sqlite/0005_resources.sql"),
    },
    Migration {
        name: "ssh keys",
        sql: include_str!("../../../migrations/sqlite/0006_ssh_keys.sql"),
    },
    Migration {
        name: "teams",
        sql: include_str!("../../../migrations/sqlite/0007_teams.sql"),
    },
    Migration {
        name: "secrets",
        sql: include_str!("../../../migrations/sqlite/0008_secrets.sql"),
    },
    Migration {
        name: "kept answers",
        sql: include_str!("../../../migrations/sqlite/0009_kept_answers.sql"),
    },
];

const TABLE: &str = "CREATE TABLE IF NOT EXISTS migration (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum BLOB NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT";

/// Applies what is missing, each in a transaction of its own.
pub(super) fn migrate(
    connection: &mut Connection,
    migrations: &[Migration],
    now: Timestamp,
) -> anyhow::Result<()> {
    connection.execute_batch(TABLE)?;
    let applied = applied(connection)?;
    if applied.len() > migrations.len() {
        bail!(
            "this data directory was written by a newer Cloudlet (schema {}, this one knows {}); \
             use that or a newer one",
            applied.len(),
            migrations.len()
        );
    }
    for (index, migration) in migrations.iter().enumerate() {
        let (number, checksum) = (index + 1, checksum(migration.sql));
        match applied.get(index) {
            Some(known) if *known == checksum => {}
            Some(_) => bail!(
                "migration {number} ({}) is not the one that was applied to this data directory",
                migration.name
            ),
            None => apply(connection, migration, number, &checksum, now)
                .with_context(|| format!("migration {number} ({}) failed", migration.name))?,
        }
    }
    Ok(())
}

/// Checksums in order; numbers have no gap, since each is applied after the one before.
fn applied(connection: &Connection) -> rusqlite::Result<Vec<[u8; 32]>> {
    let mut statement = connection.prepare("SELECT checksum FROM migration ORDER BY number")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

fn apply(
    connection: &mut Connection,
    migration: &Migration,
    number: usize,
    checksum: &[u8; 32],
    now: Timestamp,
) -> anyhow::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(migration.sql)?;
    transaction.execute(
        "INSERT INTO migration (number, name, checksum, applied_at) VALUES (?1, ?2, ?3, ?4)",
        params![
            i64::try_from(number)?,
            migration.name,
            checksum,
            now.as_millis()
        ],
    )?;
    transaction.commit()?;
    tracing::debug!(
        number,
        name = migration.name,
        "the schema was brought up to date"
    );
    Ok(())
}

fn checksum(sql: &str) -> [u8; 32] {
    Sha256::digest(sql.as_bytes()).into()
}
