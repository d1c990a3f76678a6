//! Plans of queries and migrations.

use super::{
    migrate::{self, Migration},
    sql,
};
use api::Timestamp;
use rusqlite::Connection;

fn migrated() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    migrate::migrate(&mut connection, migrate::ALL, Timestamp::default()).unwrap();
    connection
}

fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap();
    let nothing = vec![rusqlite::types::Null; statement.parameter_count()];
    let rows = statement.query_map(rusqlite::params_from_iter(nothing), |row| row.get(3));
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn no_hot_statement_walks_over_a_table() {
    let connection = migrated();
    for sql in sql::HOT {
        for step in plan(&connection, sql) {
            assert!(!step.starts_with("SCAN"), "{sql}\n  {step}");
            assert!(!step.contains("TEMP B-TREE"), "{sql}\n  {step}");
        }
    }
}

#[test]
fn partial_indexes_are_used() {
    let connection = migrated();
    for (sql, index) in [
        (sql::NEXT_TENANT, "turn_startable"),
        (sql::NEXT_JOB, "job_ready"),
        (sql::CALLS, "job_call"),
        (sql::READY_CALLS, "job_call"),
        (sql::CANCEL_WISHES, "job_cancel"),
        (sql::RESOURCES_OF_TENANT, "resource_tenant"),
        (sql::KEYS, "api_key_owner"),
    ] {
        let plan = plan(&connection, sql).join("\n");
        assert!(plan.contains(index), "{sql}\n  {plan}");
    }
}

#[test]
fn migrating_twice_changes_nothing() {
    let mut connection = migrated();
    migrate::migrate(&mut connection, migrate::ALL, Timestamp::default()).unwrap();
}

#[test]
fn a_newer_or_another_schema_is_refused() {
    let mut connection = migrated();
    let insert = "INSERT INTO migration VALUES (1000, 'later', zeroblob(32), 0)";
    connection.execute(insert, []).unwrap();
    let error = migrate::migrate(&mut connection, migrate::ALL, Timestamp::default()).unwrap_err();
    assert!(error.to_string().contains("newer Cloudlet"), "{error}");

    let mut connection = migrated();
    let other = [Migration {
        name: "first",
        sql: "SELECT 1",
    }];
    let error = migrate::migrate(&mut connection, &other, Timestamp::default()).unwrap_err();
    assert!(error.to_string().contains("not the one"), "{error}");
}

#[test]
fn a_migration_is_applied_whole_or_not_at_all() {
    let mut connection = migrated();
    let first = migrate::ALL.first().unwrap();
    let broken = [
        Migration {
            name: first.name,
            sql: first.sql,
        },
        Migration {
            name: "broken",
            sql: "CREATE TABLE half (x INTEGER) STRICT; CREATE NONSENSE;",
        },
    ];
    assert!(migrate::migrate(&mut connection, &broken, Timestamp::default()).is_err());
    migrate::migrate(&mut connection, migrate::ALL, Timestamp::default()).unwrap();
    assert!(connection.prepare("SELECT x FROM half").is_err());
}
