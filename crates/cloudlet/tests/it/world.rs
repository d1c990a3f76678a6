//! Looking into the files of a server from outside, as an operator with a shell could.

use rusqlite::Connection;
use std::{collections::BTreeMap, path::Path, time::Duration};

/// Takes one machine away from the simulator's world and puts a stranger in its place.
pub(crate) fn swap_machine(world: &Path, known: &str, stranger: &str) {
    let connection = Connection::open(world).unwrap();
    let update = "UPDATE thing SET resource = ?1 WHERE resource = ?2";
    let changed = connection.execute(update, (stranger, known)).unwrap();
    assert_eq!(changed, 1, "the machine is in the simulator's world");
    for part in ["nic", "attachment", "gpu"] {
        let update = format!("UPDATE {part} SET machine = ?1 WHERE machine = ?2");
        connection.execute(&update, (stranger, known)).unwrap();
    }
}

/// The effects made on a machine, in order, by the name of their action.
pub(crate) fn effects(world: &Path, machine: &str) -> Vec<String> {
    let connection = Connection::open(world).unwrap();
    let mut rows = connection
        .prepare(
            "SELECT action FROM effect WHERE resource = ?1 AND action <> 'taken' ORDER BY number",
        )
        .unwrap();
    rows.query_map([machine], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

/// Waits until so many jobs stand in line in all, the creates of default networks apart.
pub(crate) async fn line_grows_to(store: &Path, length: i64) {
    line_is(store, |standing| standing >= length).await;
}

/// Waits until no more jobs stand in line in all.
pub(crate) async fn line_shrinks_to(store: &Path, length: i64) {
    line_is(store, |standing| standing <= length).await;
}

const STANDING: &str = "SELECT count(*) FROM ticket JOIN job USING (number)
    WHERE job.listed = 1 OR job.synchronous = 1";

async fn line_is(store: &Path, wanted: impl Fn(i64) -> bool) {
    for _ in 0..2_000 {
        let connection =
            Connection::open_with_flags(store, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let standing: i64 = connection
            .query_row(STANDING, [], |row| row.get(0))
            .unwrap();
        if wanted(standing) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("the line never had the length that was waited for");
}

/// How much a store holds.
#[derive(Debug)]
pub(crate) struct Size {
    pub(crate) jobs: usize,
    pub(crate) answers: usize,
    pub(crate) pages: usize,
}

/// Measures a store that may be in use.
pub(crate) fn size(store: &Path) -> Size {
    let connection =
        Connection::open_with_flags(store, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let number = |sql: &str| {
        let number: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        usize::try_from(number).unwrap()
    };
    Size {
        jobs: number("SELECT count(*) FROM job"),
        answers: number("SELECT count(*) FROM answer"),
        pages: number("PRAGMA page_count"),
    }
}

/// Moves the clock that a server which is not running will go on from.
pub(crate) fn set_clock_on(store: &Path, millis: i64) {
    let connection = Connection::open(store).unwrap();
    let changed = connection
        .execute(
            "UPDATE meta SET value = value + ?1 WHERE name = 'clock'",
            [millis],
        )
        .unwrap();
    assert_eq!(changed, 1, "the clock is stored");
}

/// Every row of every table of a store that may be in use, but for what moves by itself: when a key
/// was last used, and SQLite's own.
pub(crate) fn dump(store: &Path) -> BTreeMap<String, Vec<String>> {
    let connection =
        Connection::open_with_flags(store, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let texts = |sql: &str| -> Vec<String> {
        let mut rows = connection.prepare(sql).unwrap();
        let rows = rows.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    // One moment for all tables.
    connection.execute_batch("BEGIN").unwrap();
    let tables = texts(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' \
         ORDER BY name",
    );
    let rows = tables.into_iter().map(|table| {
        let columns = texts(&format!(
            "SELECT 'quote(' || name || ')' FROM pragma_table_info('{table}') \
             WHERE name <> 'used_at'"
        ));
        let columns = columns.join(" || ' ' || ");
        let rows = texts(&format!("SELECT {columns} FROM {table} ORDER BY 1"));
        (table, rows)
    });
    rows.collect()
}

/// A dump once nothing moves by itself: what is in line has begun, as far as a manual clock lets it.
pub(crate) async fn still(store: &Path) -> BTreeMap<String, Vec<String>> {
    let (mut before, mut alike) = (dump(store), 0);
    while !before["ticket"].is_empty() && alike < 10 {
        tokio::time::sleep(Duration::from_millis(30)).await;
        let after = dump(store);
        alike = if before == after { alike + 1 } else { 0 };
        before = after;
    }
    before
}

/// That two dumps are the same; says which rows are not.
#[track_caller]
pub(crate) fn same(
    before: &BTreeMap<String, Vec<String>>,
    after: &BTreeMap<String, Vec<String>>,
    what: &str,
) {
    for (table, rows) in before {
        let now = &after[table];
        let gone: Vec<_> = rows.iter().filter(|row| !now.contains(row)).collect();
        let new: Vec<_> = now.iter().filter(|row| !rows.contains(row)).collect();
        assert_eq!(
            rows, now,
            "{what}: table {table}: {gone:#?} became {new:#?}"
        );
    }
}

/// That every counter is the sum of the ledger's rows for it, as far as the two count the same.
pub(crate) fn ledger_adds_up(store: &Path) {
    let connection = Connection::open(store).unwrap();
    let wrong: i64 = connection
        .query_row(
            "SELECT count(*) FROM usage WHERE kind IN ('quota', 'room') AND used <> (
                 SELECT coalesce(sum(amount), 0) FROM claim WHERE claim.kind = usage.kind
                 AND claim.owner = usage.owner AND claim.detail = usage.detail)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(wrong, 0, "counters that are not the sum of what is claimed");
    let orphans: i64 = connection
        .query_row(
            "SELECT count(*) FROM claim WHERE holder NOT IN (SELECT id FROM resource)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(orphans, 0, "claims of what is gone");
}

/// That what jobs did to each resource, they did in the order in which they were accepted: a later
/// job has a later generation, and the effects of the world are in the order of generations.
pub(crate) fn effects_are_in_order(store: &Path, world: &Path) {
    let connection = Connection::open(store).unwrap();
    let sql = "SELECT coalesce(body ->> '$.acts_on', body ->> '$.resource'), \
               body ->> '$.generation', number FROM job \
               WHERE body ->> '$.generation' > 0 ORDER BY number";
    let rows = |connection: &Connection, sql: &str| -> Vec<(String, i64, i64)> {
        let mut rows = connection.prepare(sql).unwrap();
        let rows = rows
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    for (resource, generation, number) in rows(&connection, sql) {
        let before = last.insert(resource.clone(), generation).unwrap_or(0);
        assert!(
            before < generation,
            "job {number} on {resource}: {generation} after {before}"
        );
    }
    let world = Connection::open(world).unwrap();
    let sql = "SELECT resource, generation, number FROM effect ORDER BY number";
    let (effects, mut last) = (rows(&world, sql), BTreeMap::<String, i64>::new());
    assert!(effects.len() > 50, "only {} effects", effects.len());
    for (resource, generation, number) in effects {
        let before = last.insert(resource.clone(), generation).unwrap_or(0);
        assert!(
            before <= generation,
            "effect {number} on {resource}: {generation} after {before}"
        );
    }
}
