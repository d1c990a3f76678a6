//! How the model's values stand in columns. No decisions, no queries.

use api::{HostId, TenantId};
use model::{
    Job,
    claim::{Item, Measure},
};
use rusqlite::{Error, Result, types::Type};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

const MEASURES: [Measure; 4] = [
    Measure::VirtualMachines,
    Measure::Vcpus,
    Measure::MemoryGb,
    Measure::DiskGb,
];

/// What is stored, or is to be stored, cannot be: the transaction is thrown away.
pub(super) fn broken(what: impl Into<String>) -> Error {
    Error::ToSqlConversionFailure(what.into().into())
}

/// A number as SQLite keeps it.
pub(super) fn int(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| broken(format!("{value} is too large to be stored")))
}

/// A value as its body.
pub(super) fn body<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::ToSqlConversionFailure(error.into()))
}

/// A body as its value.
pub(super) fn value<T: DeserializeOwned>(body: &str) -> Result<T> {
    serde_json::from_str(body)
        .map_err(|error| Error::FromSqlConversionFailure(0, Type::Text, error.into()))
}

/// A job from `number, body`: its body was written before it had a number.
pub(super) fn job(row: &rusqlite::Row<'_>) -> Result<Job> {
    let number: i64 = row.get(0)?;
    let job: Job = value(row.get_ref(1)?.as_str()?)?;
    Ok(Job {
        number: number.unsigned_abs(),
        ..job
    })
}

/// A value from the one column `body`.
pub(super) fn from_body<T: DeserializeOwned>(row: &rusqlite::Row<'_>) -> Result<T> {
    value(row.get_ref(0)?.as_str()?)
}

/// An id's bytes in a column.
pub(super) fn uuid(row: &rusqlite::Row<'_>, column: usize) -> Result<Uuid> {
    row.get(column).map(Uuid::from_bytes)
}

/// An item as `kind, owner, measure`.
pub(super) fn item(item: Item) -> (&'static str, [u8; 16], &'static str) {
    match item {
        Item::Quota(tenant, measure) => ("quota", tenant.0.into_bytes(), measure.as_str()),
        Item::Room(host, measure) => ("room", host.0.into_bytes(), measure.as_str()),
    }
}

/// `kind, owner, measure` as an item.
pub(super) fn item_of(kind: &str, owner: [u8; 16], measure: &str) -> Result<Item> {
    let owner = Uuid::from_bytes(owner);
    let known = MEASURES.into_iter().find(|known| known.as_str() == measure);
    match (kind, known) {
        ("quota", Some(measure)) => Ok(Item::Quota(TenantId(owner), measure)),
        ("room", Some(measure)) => Ok(Item::Room(HostId(owner), measure)),
        _ => Err(broken(format!("no item is {kind}/{measure}"))),
    }
}
