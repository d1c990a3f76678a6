//! Everything that is on disk, as the reference store has it, for comparison.

use super::{FILE, codec, items};
use api::{HostId, JobId, ResourceId, TenantId};
use model::{
    claim::{Counter, Pool},
    memory::Memory,
    turn::Turn,
    writes::{Answer, AnswerKey},
};
use rusqlite::{Connection, OpenFlags, Row};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};
use uuid::Uuid;

fn all<K: Ord, V>(
    connection: &Connection,
    sql: &str,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<(K, V)>,
) -> BTreeMap<K, V> {
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], read).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::unsigned_abs)
}

fn turn(row: &Row<'_>) -> rusqlite::Result<((HostId, TenantId), Turn)> {
    let key = (HostId(codec::uuid(row, 0)?), TenantId(codec::uuid(row, 1)?));
    let turn = Turn {
        ready: row.get(2)?,
        running: row.get(3)?,
        last: number(row, 4)?,
    };
    Ok((key, turn))
}

fn counter(row: &Row<'_>) -> rusqlite::Result<Counter> {
    let kind = row.get_ref(0)?.as_str()?;
    if kind == "nic" {
        return Ok(Counter::Nics(ResourceId(codec::uuid(row, 1)?)));
    }
    let item = items::item_of(row, 0)?;
    Ok(item.counter().unwrap())
}

fn pool(row: &Row<'_>) -> rusqlite::Result<(Pool, u32)> {
    let (kind, detail) = (row.get_ref(0)?.as_str()?, row.get_ref(2)?.as_str()?);
    let pool = items::pool_of(kind, codec::uuid(row, 1)?, detail);
    Ok((pool.unwrap(), row.get(3)?))
}

fn answer(row: &Row<'_>) -> rusqlite::Result<(AnswerKey, Answer)> {
    let jobs: Vec<u8> = row.get(2)?;
    let ids = jobs
        .chunks(16)
        .map(|id| JobId(Uuid::from_slice(id).unwrap()));
    let answer = Answer {
        request: row.get(1)?,
        jobs: ids.collect(),
        kept: row.get(3)?,
    };
    Ok((AnswerKey(row.get(0)?), answer))
}

fn drained(connection: &Connection) -> BTreeSet<HostId> {
    let hosts = all(connection, "SELECT id, drained FROM host", |row| {
        Ok((HostId(codec::uuid(row, 0)?), row.get::<_, bool>(1)?))
    });
    let drained = hosts.into_iter().filter(|(_, drained)| *drained);
    drained.map(|(host, _)| host).collect()
}

fn teams(connection: &Connection) -> BTreeSet<(TenantId, i64)> {
    let teams = all(connection, "SELECT tenant, id FROM team", |row| {
        Ok(((TenantId(codec::uuid(row, 0)?), row.get(1)?), ()))
    });
    teams.into_keys().collect()
}

/// Reads it all, and checks what the reference store does not have.
pub(in crate::store) fn dump(directory: &Path) -> Memory {
    let path = directory.join(FILE);
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let connection = &connection;
    let mut memory = Memory {
        jobs: all(connection, "SELECT number, body FROM job", |row| {
            codec::job(row).map(|job| (job.id, job))
        }),
        resources: all(connection, "SELECT body FROM resource", |row| {
            codec::from_body::<model::Resource>(row).map(|resource| (resource.id, resource))
        }),
        tickets: all(connection, "SELECT key, number, job FROM ticket", |row| {
            let key = ResourceId(codec::uuid(row, 0)?);
            Ok(((key, number(row, 1)?), JobId(codec::uuid(row, 2)?)))
        }),
        claims: all(
            connection,
            "SELECT holder, kind, owner, detail, number, amount FROM claim",
            |row| {
                let holder = ResourceId(codec::uuid(row, 0)?);
                Ok(((holder, items::item_of(row, 1)?), number(row, 5)?))
            },
        ),
        used: all(
            connection,
            "SELECT kind, owner, detail, number, used FROM usage",
            |row| Ok((counter(row)?, number(row, 4)?)),
        ),
        last_given: all(
            connection,
            "SELECT kind, owner, detail, last FROM pool",
            pool,
        ),
        drained: drained(connection),
        secrets: all(connection, "SELECT body, job FROM secret", |row| {
            Ok((JobId(codec::uuid(row, 1)?), codec::from_body(row)?))
        }),
        answers: all(
            connection,
            "SELECT key, request, jobs, kept FROM answer",
            answer,
        ),
        turns: all(
            connection,
            "SELECT host, tenant, ready, running, last FROM turn",
            turn,
        ),
        teams: teams(connection),
        limits: all(connection, "SELECT id, limits FROM tenant", |row| {
            let limits: String = row.get(1)?;
            Ok((TenantId(codec::uuid(row, 0)?), codec::value(&limits)?))
        }),
        ..Memory::default()
    };
    memory.last_number = memory
        .jobs
        .values()
        .map(|job| job.number)
        .max()
        .unwrap_or(0);
    memory.last_turn = memory
        .turns
        .values()
        .map(|turn| turn.last)
        .max()
        .unwrap_or(0);
    check(connection, &memory);
    memory
}

/// What is derived: lines, hosts, tallies, and the columns beside the bodies.
fn check(connection: &Connection, memory: &Memory) {
    let count = |row: &Row<'_>, column| row.get::<_, u32>(column);
    let mut lines: BTreeMap<ResourceId, (u32, u32)> = BTreeMap::new();
    for ((key, _), job) in &memory.tickets {
        let line = lines.entry(*key).or_default();
        line.0 += 1;
        line.1 += u32::from(memory.jobs[job].is_synchronous());
    }
    let stored = all(
        connection,
        "SELECT key, length, synchronous FROM line",
        |row| {
            let key = ResourceId(codec::uuid(row, 0)?);
            Ok((key, (count(row, 1)?, count(row, 2)?)))
        },
    );
    assert_eq!(lines, stored, "lines");

    let mut running: BTreeMap<HostId, u32> = BTreeMap::new();
    for ((host, _), turn) in &memory.turns {
        *running.entry(*host).or_default() += turn.running;
    }
    let mut stored = all(connection, "SELECT id, running FROM host", |row| {
        Ok((HostId(codec::uuid(row, 0)?), count(row, 1)?))
    });
    running.retain(|_, count| *count > 0);
    stored.retain(|_, count| *count > 0);
    assert_eq!(running, stored, "slots of hosts");

    check_resources(connection, memory);
    check_answers(connection, memory);
    check_jobs(connection, memory);
}

/// How many there are of each kind, and what they are found by.
fn check_resources(connection: &Connection, memory: &Memory) {
    let mut tallies: BTreeMap<(TenantId, String), u32> = BTreeMap::new();
    for resource in memory.resources.values() {
        let kind = resource.kind().as_str().to_owned();
        *tallies.entry((resource.tenant, kind)).or_default() += 1;
    }
    let sql = "SELECT tenant, kind, resources FROM tally WHERE resources > 0";
    let stored = all(connection, sql, |row| {
        Ok(((TenantId(codec::uuid(row, 0)?), row.get(1)?), row.get(2)?))
    });
    assert_eq!(tallies, stored, "tallies");

    let columns = "SELECT id, tenant, host, kind, name, data_center, leftover FROM resource";
    let stored = all(connection, columns, |row| {
        let uuids = [1, 2, 5].map(|column| codec::uuid(row, column));
        let [tenant, host, data_center] = uuids;
        let places = (tenant?, host?, data_center?);
        let words: (String, String) = (row.get(3)?, row.get(4)?);
        let leftover: bool = row.get(6)?;
        Ok((ResourceId(codec::uuid(row, 0)?), (places, words, leftover)))
    });
    let expected = memory.resources.values().map(|one| {
        let places = (one.tenant.0, one.host.0, one.data_center.0);
        let words = (one.kind().as_str().to_owned(), one.name.clone());
        (one.id, (places, words, one.leftover.is_some()))
    });
    assert_eq!(stored, expected.collect(), "columns of resources");

    let exclusive = "SELECT holder, kind, owner, detail, number, exclusive FROM claim";
    let stored = all(connection, exclusive, |row| {
        let holder = ResourceId(codec::uuid(row, 0)?);
        Ok(((holder, items::item_of(row, 1)?), row.get::<_, bool>(5)?))
    });
    let expected = memory.claims.keys().cloned();
    let expected = expected.map(|key| (key.clone(), key.1.is_exclusive()));
    assert_eq!(stored, expected.collect(), "exclusive items");
}

/// Which answers a job is part of, and how many jobs an answer has left.
fn check_answers(connection: &Connection, memory: &Memory) {
    let mut parts: BTreeMap<(JobId, AnswerKey), ()> = BTreeMap::new();
    let mut left: BTreeMap<AnswerKey, u64> = BTreeMap::new();
    for (&key, answer) in &memory.answers {
        let jobs = answer.jobs.iter();
        let there: BTreeSet<_> = jobs.filter(|job| memory.jobs.contains_key(job)).collect();
        left.insert(key, there.len() as u64);
        parts.extend(there.into_iter().map(|&job| ((job, key), ())));
    }
    let stored = all(connection, "SELECT job, key FROM answered", |row| {
        let key = AnswerKey(row.get(1)?);
        Ok(((JobId(codec::uuid(row, 0)?), key), ()))
    });
    assert_eq!(parts, stored, "answers of jobs");
    let stored = all(connection, "SELECT key, jobs_left FROM answer", |row| {
        Ok((AnswerKey(row.get(0)?), number(row, 1)?))
    });
    assert_eq!(left, stored, "jobs that answers have left");
}

/// What jobs are found by.
fn check_jobs(connection: &Connection, memory: &Memory) {
    let columns = "SELECT id, tenant, host, state, blockers, synchronous, cancel, completed_at, \
        listed, operation, resource FROM job";
    let stored = all(connection, columns, |row| {
        let id = JobId(codec::uuid(row, 0)?);
        let (tenant, host) = (codec::uuid(row, 1)?, codec::uuid(row, 2)?);
        let state: String = row.get(3)?;
        let blockers: u32 = row.get(4)?;
        let flags: (bool, bool, bool) = (row.get(5)?, row.get(6)?, row.get(8)?);
        let ended: Option<i64> = row.get(7)?;
        let about: (String, _) = (row.get(9)?, codec::uuid(row, 10)?);
        Ok((id, (tenant, host, state, blockers, flags, ended, about)))
    });
    for (id, job) in &memory.jobs {
        let expected = (
            job.tenant.0,
            job.host.0,
            job.state.as_str().to_owned(),
            job.blockers,
            (job.is_synchronous(), job.cancel, job.is_listed()),
            job.completed_at.map(api::Timestamp::as_millis),
            (job.operation.name().to_owned(), job.resource.0),
        );
        assert_eq!(stored[id], expected, "columns of job {id}");
    }
}
