//! A database that an older Cloudlet has left is read, and goes on.

use super::{FILE, Sources, Sqlite, dump::dump, migrate, reads, resources};
use api::{HostId, ResourceId, TenantId, Timestamp, machine::MachineStatus};
use model::{
    Kind, Observed, Resource, Spec,
    catalogue::{self, Catalogue},
    claim::{Counter, Measure},
    observed::DiskObserved,
    resource::Status,
};
use rusqlite::Connection;
use std::{path::Path, sync::Arc};
use uuid::{Uuid, uuid};

const TENANT: TenantId = TenantId(uuid!("01930000-0000-7000-8000-000000000001"));
const HOST: HostId = HostId(uuid!("6f1c0e5e-0000-4000-8000-000000000001"));

fn resource(last: u8) -> ResourceId {
    let mut bytes = TENANT.0.into_bytes();
    bytes[15] = last;
    ResourceId(Uuid::from_bytes(bytes))
}

/// Writes what the older one has left.
fn leave(directory: &Path) {
    let mut connection = Connection::open(directory.join(FILE)).unwrap();
    migrate::migrate(&mut connection, &migrate::ALL[..4], Timestamp::default()).unwrap();
    connection.execute_batch(include_str!("older.sql")).unwrap();
}

fn open(directory: &Path) -> Sqlite {
    let sources = Sources {
        now: Arc::new(Timestamp::default),
        clock: None,
        new_id: None,
    };
    let catalogue = Arc::new(Catalogue::parse(catalogue::DEFAULT).unwrap());
    Sqlite::open(directory, catalogue.into(), sources).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_of_a_release_before_are_read_as_they_were() {
    let directory = tempfile::tempdir().unwrap();
    leave(directory.path());
    let sqlite = open(directory.path());
    let all = sqlite.read(|connection| resources::page(connection, (TENANT, Kind::Vm), 1, 9));
    let (machines, count) = all.await.unwrap();
    assert_eq!(count, 4);
    let [waits, left, stopping, settled] = &machines[..] else {
        panic!("four machines");
    };
    let status = |one: &Resource| match one.status {
        Status::Machine(status) => status,
        _ => panic!("{one:?}"),
    };

    assert_eq!(settled.name, "w\"\u{e4}\\b");
    assert_eq!(status(settled), MachineStatus::Running);
    assert_eq!(settled.shown, settled.spec);
    let machine = settled.machine().unwrap();
    assert_eq!((machine.image, machine.size), (12, 44));
    assert!(settled.seen().unwrap().is_running());

    assert_eq!(status(stopping), MachineStatus::Stopping);
    assert!(
        stopping.shown.machine().unwrap().is_on(),
        "as before its stop"
    );
    assert!(!stopping.spec.machine().unwrap().is_on());

    assert_eq!(left.shown, Spec::Absent);
    let Some(Observed::Machine(seen)) = &left.observed else {
        panic!("{left:?}");
    };
    assert_eq!(seen.disk, DiskObserved::Partial);
    assert_eq!(
        (waits.shown.clone(), &waits.observed),
        (Spec::Absent, &None)
    );

    let leftovers = sqlite.read(resources::leftovers).await.unwrap();
    assert_eq!(leftovers.iter().collect::<Vec<_>>(), [left]);
    let counters = [
        Counter::Quota(TENANT, Measure::Vcpus),
        Counter::Room(HOST, Measure::DiskGb),
        Counter::Quota(TENANT, Measure::MemoryGb),
    ];
    let used = sqlite.read(move |connection| reads::used(connection, &counters));
    let used: Vec<u64> = used.await.unwrap().into_values().collect();
    assert_eq!(used, [2, 0, 10]);
    sqlite.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_of_a_release_before_is_sound() {
    let directory = tempfile::tempdir().unwrap();
    leave(directory.path());
    let sqlite = open(directory.path());
    // It compares every column with its body.
    let stored = dump(directory.path());
    assert_eq!(stored.check(), Ok(()));
    let stop = stored
        .jobs
        .values()
        .find(|job| job.resource == resource(0xa2));
    assert_eq!(stop.unwrap().generation, 2, "it is tried a second time");
    let [answer] = &stored.answers.values().collect::<Vec<_>>()[..] else {
        panic!("one answer");
    };
    assert_eq!(answer.jobs.len(), 2);
    sqlite.close().await;
}
