//! How the model's values stand in columns. No decisions, no queries.

use model::Job;
use rusqlite::{Error, Result, types::Type};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

/// What is stored, or is to be stored, cannot be: the transaction is thrown away.
pub(super) fn broken(what: impl Into<String>) -> Error {
    Error::ToSqlConversionFailure(what.into().into())
}

/// A number as SQLite keeps it.
pub(super) fn int(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| broken(format!("{value} is too large to be stored")))
}

/// A value as its body.
pub(in crate::store) fn body<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::ToSqlConversionFailure(error.into()))
}

/// A body as its value.
pub(in crate::store) fn value<T: DeserializeOwned>(body: &str) -> Result<T> {
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
