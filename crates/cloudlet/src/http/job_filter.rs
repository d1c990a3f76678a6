//! What a list of jobs is asked for.

use super::{error::ApiError, json::shown, params::Params};
use crate::store::JobFilter;
use api::{JobId, JobStatus, ResourceId, Timestamp};
use model::{JobState, Kind, Operation};
use std::str::FromStr;
use uuid::Uuid;

/// The filters of a query.
pub(super) fn filter(params: &Params) -> Result<JobFilter, ApiError> {
    let statuses = each(params, "status", |text| {
        JobStatus::ALL.into_iter().find(|it| it.as_str() == text)
    });
    let statuses = statuses.map_err(|text| {
        let all = JobStatus::ALL.map(JobStatus::as_str);
        unknown("status", text, &all)
    })?;
    let kinds = each(params, "kind", Operation::from_name).map_err(|text| {
        let all = Operation::ALL.iter().map(|it| it.name());
        unknown("kind", text, &all.collect::<Vec<_>>())
    })?;
    let types = resource_types();
    let resource_type = params.one("resourceType")?;
    if let Some(text) = resource_type.filter(|text| !types.contains(text)) {
        return Err(unknown("resourceType", text, &types));
    }
    let is_asked = |operation: &Operation| {
        let of_type = |name| operation.definition().kind.as_str() == name;
        (kinds.is_empty() || kinds.contains(operation)) && resource_type.is_none_or(of_type)
    };
    let states = JobState::ALL.into_iter();
    let operations = Operation::ALL.iter().copied();
    Ok(JobFilter {
        states: states
            .filter(|state| statuses.is_empty() || statuses.contains(&state.status()))
            .collect(),
        operations: operations.filter(is_asked).collect(),
        resource: parsed(params, "resourceId", "a UUID")?.map(ResourceId),
        created_after: parsed::<Timestamp>(
            params,
            "createdAfter",
            "a time such as 2026-03-01T09:00:00.000Z",
        )?,
    })
}

/// Where the last page ended: a job's id, which whoever pages has seen.
pub(super) fn cursor(params: &Params) -> Result<Option<JobId>, ApiError> {
    let cursor = parsed::<Uuid>(params, "cursor", "the nextCursor of an answer")?;
    Ok(cursor.map(JobId))
}

/// The cursor of the page that follows this job.
pub(super) fn cursor_after(JobId(id): JobId) -> String {
    id.simple().to_string()
}

/// Every value of a parameter, or the first that is none.
fn each<'a, T>(
    params: &'a Params,
    name: &'a str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, &'a str> {
    let values = params.all(name).map(|text| read(text).ok_or(text));
    values.collect()
}

fn parsed<T: FromStr>(params: &Params, name: &str, right: &str) -> Result<Option<T>, ApiError> {
    let Some(text) = params.one(name)? else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| {
        let text = format!("must be {right}, not {}", shown(text));
        ApiError::field(name, &text)
    })
}

fn resource_types() -> Vec<&'static str> {
    Kind::ALL.map(Kind::as_str).to_vec()
}

/// A word that is none of the right ones.
pub(super) fn unknown(name: &str, text: &str, right: &[&str]) -> ApiError {
    let text = format!(
        "there is no {}; right is: {}",
        shown(text),
        right.join(", ")
    );
    ApiError::field(name, &text)
}
