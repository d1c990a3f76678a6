//! Everything that is on disk, as the reference store has it, for comparison.

use super::{FILE, codec};
use api::{HostId, JobId, ResourceId, TenantId};
use model::{
    claim::Item,
    memory::Memory,
    turn::Turn,
    writes::{Answer, AnswerKey},
};
use rusqlite::{Connection, OpenFlags, Row};
use std::{collections::BTreeMap, path::Path};
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

fn item(row: &Row<'_>, from: usize) -> rusqlite::Result<Item> {
    let (kind, measure): (String, String) = (row.get(from)?, row.get(from + 2)?);
    codec::item_of(&kind, row.get(from + 1)?, &measure)
}

fn answer(row: &Row<'_>) -> rusqlite::Result<(AnswerKey, Answer)> {
    let jobs: Vec<u8> = row.get(2)?;
    let ids = jobs
        .chunks(16)
        .map(|id| JobId(Uuid::from_slice(id).unwrap()));
    let answer = Answer {
        request: row.get(1)?,
        jobs: ids.collect(),
    };
    Ok((AnswerKey(row.get(0)?), answer))
}

/// Reads it all, and checks what the reference store does not have.
pub(in crate::store) fn dump(directory: &Path) -> Memory {
    let path = directory.join(FILE);
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let connection = &connection;
    let number = |row: &Row<'_>, column| row.get::<_, i64>(column).map(i64::unsigned_abs);
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
            "SELECT holder, kind, owner, measure, amount FROM claim",
            |row| {
                let holder = ResourceId(codec::uuid(row, 0)?);
                Ok(((holder, item(row, 1)?), number(row, 4)?))
            },
        ),
        used: all(
            connection,
            "SELECT kind, owner, measure, used FROM usage",
            |row| Ok((item(row, 0)?, number(row, 3)?)),
        ),
        answers: all(connection, "SELECT key, request, jobs FROM answer", answer),
        turns: all(
            connection,
            "SELECT host, tenant, ready, running, last FROM turn",
            |row| {
                let key = (HostId(codec::uuid(row, 0)?), TenantId(codec::uuid(row, 1)?));
                let turn = Turn {
                    ready: row.get(2)?,
                    running: row.get(3)?,
                    last: number(row, 4)?,
                };
                Ok((key, turn))
            },
        ),
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

    let mut tallies: BTreeMap<TenantId, u32> = BTreeMap::new();
    for resource in memory.resources.values() {
        *tallies.entry(resource.tenant).or_default() += 1;
    }
    let mut stored = all(connection, "SELECT tenant, resources FROM tally", |row| {
        Ok((TenantId(codec::uuid(row, 0)?), count(row, 1)?))
    });
    stored.retain(|_, count| *count > 0);
    assert_eq!(tallies, stored, "tallies");

    let mut answered: BTreeMap<JobId, Option<AnswerKey>> = BTreeMap::new();
    answered.extend(memory.jobs.keys().map(|&job| (job, None)));
    for (&key, answer) in &memory.answers {
        let there = answer
            .jobs
            .iter()
            .filter(|job| memory.jobs.contains_key(job));
        answered.extend(there.map(|&job| (job, Some(key))));
    }
    let stored = all(connection, "SELECT id, answer FROM job", |row| {
        let key: Option<[u8; 16]> = row.get(1)?;
        Ok((JobId(codec::uuid(row, 0)?), key.map(AnswerKey)))
    });
    assert_eq!(answered, stored, "answers of jobs");

    let columns = "SELECT id, tenant, host, state, blockers, synchronous, cancel, completed_at \
        FROM job";
    let stored = all(connection, columns, |row| {
        let id = JobId(codec::uuid(row, 0)?);
        let (tenant, host) = (codec::uuid(row, 1)?, codec::uuid(row, 2)?);
        let state: String = row.get(3)?;
        let flags: (bool, bool) = (row.get(5)?, row.get(6)?);
        let ended: Option<i64> = row.get(7)?;
        Ok((id, (tenant, host, state, count(row, 4)?, flags, ended)))
    });
    for (id, job) in &memory.jobs {
        let expected = (
            job.tenant.0,
            job.host.0,
            job.state.as_str().to_owned(),
            job.blockers,
            (job.is_synchronous(), job.cancel),
            job.completed_at.map(api::Timestamp::as_millis),
        );
        assert_eq!(stored[id], expected, "columns of job {id}");
    }
}
