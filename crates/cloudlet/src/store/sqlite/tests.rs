//! Plans of queries, migrations, and disks that fail.

use super::{
    FILE, Now, Sources, Sqlite,
    migrate::{self, Migration},
    session::{Fault, Session},
    sql,
    writer::{self, Member, Transaction, Writer},
};
use crate::store::queue::Queue;
use crate::store::{StoreError, Urgency};
use api::Timestamp;
use model::catalogue::{self, Catalogue};
use rusqlite::Connection;
use std::{cell::RefCell, sync::Arc};

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
        (sql::ENDED_JOBS, "job_completed"),
        (sql::ENDED_SINCE, "job_completed"),
        (sql::NEWEST_ENDED, "job_completed"),
        (sql::JOBS_LISTED, "job_listed"),
        (sql::JOBS_OF_KIND, "job_of_kind"),
        (sql::JOBS_OF_RESOURCE, "job_of_resource"),
        (sql::RESOURCES_OF_KIND, "resource_of_kind"),
        (sql::LEFTOVERS, "resource_leftover"),
        (sql::CLAIMS_ON_HOST, "resource_host"),
        (sql::HOLDER, "claim_exclusive"),
        (sql::GIVEN, "claim_exclusive"),
        (sql::SMALLEST_GIVEN, "claim_exclusive"),
        (sql::GREATEST_GIVEN, "claim_exclusive"),
        (sql::MACHINES_ON, "claim_exclusive"),
        (sql::ANSWERS_ALONE, "answer_alone"),
        (sql::ANSWER_ALONE_SINCE, "answer_alone"),
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
    let other = migrate::ALL.iter().map(|known| Migration {
        name: known.name,
        sql: "SELECT 1",
    });
    let other: Vec<_> = other.collect();
    let error = migrate::migrate(&mut connection, &other, Timestamp::default()).unwrap_err();
    assert!(error.to_string().contains("not the one"), "{error}");
}

#[test]
fn a_migration_is_applied_whole_or_not_at_all() {
    let mut connection = migrated();
    let known = migrate::ALL.iter().map(|known| Migration {
        name: known.name,
        sql: known.sql,
    });
    let broken = Migration {
        name: "broken",
        sql: "CREATE TABLE half (x INTEGER) STRICT; CREATE NONSENSE;",
    };
    let broken: Vec<_> = known.chain([broken]).collect();
    let error = migrate::migrate(&mut connection, &broken, Timestamp::default()).unwrap_err();
    assert!(error.to_string().contains("(broken) failed"), "{error}");
    migrate::migrate(&mut connection, migrate::ALL, Timestamp::default()).unwrap();
    assert!(connection.prepare("SELECT x FROM half").is_err());
}

/// Jobs that were accepted before the schema could list them are listed.
#[test]
fn jobs_of_an_older_schema_can_be_found() {
    let mut connection = Connection::open_in_memory().unwrap();
    migrate::migrate(&mut connection, &migrate::ALL[..1], Timestamp::default()).unwrap();
    let body = r#"{"operation":"vm.create","resource":"01930000-0000-7000-8000-0000000000ab"}"#;
    let insert = "INSERT INTO job (id, tenant, host, state, blockers, synchronous, cancel, body) \
        VALUES (x'', x'', x'', 'pending', 0, 0, 0, ?1)";
    connection.execute(insert, [body]).unwrap();
    migrate::migrate(&mut connection, migrate::ALL, Timestamp::default()).unwrap();
    let sql = "SELECT operation, resource FROM job";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, super::codec::uuid(row, 1)?));
    let (operation, resource): (String, uuid::Uuid) = connection.query_row(sql, [], read).unwrap();
    assert_eq!(operation, "vm.create");
    assert_eq!(resource.to_string(), "01930000-0000-7000-8000-0000000000ab");
}

/// Jobs that were answered before the schema knew by which answer learn it.
#[test]
fn jobs_of_an_older_schema_learn_their_answer() {
    let mut connection = Connection::open_in_memory().unwrap();
    migrate::migrate(&mut connection, &migrate::ALL[..1], Timestamp::default()).unwrap();
    for id in 1_u8..=4 {
        let insert = "INSERT INTO job (id, tenant, host, state, blockers, synchronous, cancel, body) \
            VALUES (?1, x'', x'', 'pending', 0, 0, 0, '{}')";
        connection.execute(insert, [[id; 16]]).unwrap();
    }
    for (key, jobs) in [(8_u8, [[1_u8; 16], [3; 16]].concat()), (9, vec![4; 16])] {
        let insert = "INSERT INTO answer VALUES (?1, x'', ?2, 0)";
        connection.execute(insert, ([key; 16], jobs)).unwrap();
    }
    migrate::migrate(&mut connection, migrate::ALL, Timestamp::default()).unwrap();
    let sql = "SELECT job, key FROM answered ORDER BY job";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let answers: Vec<([u8; 16], [u8; 16])> = rows.unwrap().collect::<Result<_, _>>().unwrap();
    let expected = [(1, 8), (3, 8), (4, 9)].map(|(job, key): (u8, u8)| ([job; 16], [key; 16]));
    assert_eq!(answers, expected);
    let sql = "SELECT jobs_left FROM answer ORDER BY key";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    let left: Vec<i64> = rows.collect::<Result<_, _>>().unwrap();
    assert_eq!(left, [2, 1]);
}

fn open(directory: &std::path::Path) -> Sqlite {
    let catalogue = Arc::new(Catalogue::parse(catalogue::DEFAULT).unwrap());
    let sources = Sources {
        now: Arc::new(Timestamp::default),
        clock: None,
        new_id: None,
    };
    Sqlite::open(directory, catalogue.into(), sources).unwrap()
}

/// Sets how many pages the database may have: the disk is full, or not any more.
async fn set_pages(sqlite: &Sqlite, most: i64) {
    let set = move |session: &mut Session<'_>| {
        let sql = format!("PRAGMA max_page_count = {most}");
        let connection = session.connection;
        connection.query_row(&sql, [], |_| Ok(()))?;
        Ok(())
    };
    sqlite.write(Urgency::Engine, set).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_and_is_got_over() {
    let directory = tempfile::tempdir().unwrap();
    let sqlite = open(directory.path());
    set_pages(&sqlite, 1).await;
    let name = "x".repeat(100_000);
    let create = move |session: &mut Session<'_>| Ok(session.create_tenant(&name)?);
    let refused = sqlite.write(Urgency::Request, create.clone()).await;
    let Err(StoreError::Unavailable(text)) = refused else {
        panic!("{refused:?}");
    };
    assert!(text.contains("full"), "{text}");
    set_pages(&sqlite, 1_000_000).await;
    assert!(
        sqlite
            .write(Urgency::Request, create)
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(sqlite.read(super::tenants::tenants).await.unwrap().len(), 1);
}

/// SQLite rolls back by itself on some errors; the group must notice.
#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_has_happened_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let sqlite = open(directory.path());
    let roll_back = |session: &mut Session<'_>| -> Result<(), Fault> {
        session.create_tenant("a")?;
        session.execute("ROLLBACK", [])?;
        Err(Fault::Sql(rusqlite::Error::InvalidQuery))
    };
    assert!(sqlite.write(Urgency::Request, roll_back).await.is_err());
    let create = |session: &mut Session<'_>| Ok(session.create_tenant("a")?);
    assert!(
        sqlite
            .write(Urgency::Request, create)
            .await
            .unwrap()
            .is_some()
    );
}

/// What is on disk is not known after a failed sync: nothing is written until a restart.
#[test]
fn after_a_failed_sync_nothing_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    let now: Now = Arc::new(Timestamp::default);
    let queue = Arc::new(Queue::new());
    let mut writer = Writer {
        connection: super::open(&path, &now).unwrap(),
        queue: Arc::clone(&queue),
        supply: Arc::new(Catalogue::parse(catalogue::DEFAULT).unwrap()).into(),
        now,
        clock: None,
        new_id: RefCell::new(Box::new(|_| uuid::Uuid::nil())),
        jobs: Arc::new(super::cache::new()),
        keys: Arc::new(super::keys::KeyCache::new()),
        changes: super::broadcast::channel(1).0,
        scrub: Arc::new(super::Scrub::new()),
        commits: Arc::default(),
        writable: Arc::default(),
        poisoned: None,
    };
    let member = || {
        let (sender, receiver) = super::oneshot::channel();
        let transaction = Transaction {
            work: |session: &mut Session<'_>| Ok(session.create_tenant("a")?),
            outcome: None,
            sender,
            permit: None,
        };
        (Box::new(transaction) as Box<dyn Member>, receiver)
    };
    let sync = rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC),
        None,
    );
    assert!(writer::is_io(&sync));
    let (one, mut first) = member();
    writer.poison(vec![one], sync.to_string());
    let (another, mut second) = member();
    writer.group(vec![another]);
    for answer in [&mut first, &mut second] {
        let answer = answer.try_recv().unwrap();
        assert!(
            matches!(answer, Err(StoreError::Unavailable(_))),
            "{answer:?}"
        );
    }
    let tenants = super::tenants::tenants(&writer.connection).unwrap();
    assert_eq!(tenants, []);
}
