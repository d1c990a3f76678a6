//! Looking into the files of a server from outside, as an operator with a shell could.

use rusqlite::Connection;
use std::{path::Path, time::Duration};

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

/// Waits until so many jobs stand in line in all.
pub(crate) async fn line_grows_to(store: &Path, length: i64) {
    line_is(store, |standing| standing >= length).await;
}

/// Waits until no more jobs stand in line in all.
pub(crate) async fn line_shrinks_to(store: &Path, length: i64) {
    line_is(store, |standing| standing <= length).await;
}

async fn line_is(store: &Path, wanted: impl Fn(i64) -> bool) {
    for _ in 0..2_000 {
        let connection =
            Connection::open_with_flags(store, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let standing: i64 = connection
            .query_row("SELECT count(*) FROM ticket", [], |row| row.get(0))
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
