//! `/admin/v1/faults`: failures on demand.

use crate::http::{
    App,
    answer::Answer,
    auth::{Open, Operator},
    body::Body,
    error::ApiError,
    json,
    params::PathId,
};
use api::{
    Envelope, ErrorCode, FaultId,
    admin::{Fault, FaultCreate},
};
use axum::{extract::State, http::StatusCode};
use model::{Operation, render};

/// What stands for every operation.
const ANY: &str = "*";
/// The progress of a job that is all but done.
const MOST_PERCENT: u8 = 99;

/// Place a fault; it strikes the first match after this.
#[utoipa::path(
    post, path = "/admin/v1/faults", tag = "Operator", operation_id = "fault.create",
    request_body = FaultCreate,
    responses((status = 201, description = "The fault", body = Envelope<Fault>)),
)]
pub(in crate::http) async fn create(
    State(app): State<App>,
    _: Operator,
    _: Open,
    Body(body): Body<FaultCreate>,
) -> Result<Answer<Fault>, ApiError> {
    check(&body)?;
    allowed(&app)?;
    Ok(Answer::created(app.engine.faults().place(body)))
}

/// List faults with how often each struck.
#[utoipa::path(
    get, path = "/admin/v1/faults", tag = "Operator", operation_id = "fault.list",
    responses((status = 200, description = "The faults", body = Envelope<Vec<Fault>>)),
)]
pub(in crate::http) async fn list(State(app): State<App>, _: Operator) -> Answer<Vec<Fault>> {
    Answer::ok(app.engine.faults().list())
}

/// Take all faults away.
#[utoipa::path(
    delete, path = "/admin/v1/faults", tag = "Operator", operation_id = "fault.clear",
    responses((status = 204, description = "They are gone")),
)]
pub(in crate::http) async fn clear(State(app): State<App>, _: Operator, _: Open) -> StatusCode {
    app.engine.faults().clear();
    StatusCode::NO_CONTENT
}

/// Take a fault away.
#[utoipa::path(
    delete, path = "/admin/v1/faults/{id}", tag = "Operator", operation_id = "fault.delete",
    params(("id" = FaultId, Path)),
    responses((status = 204, description = "It is gone")),
)]
pub(in crate::http) async fn delete(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathId(id): PathId<FaultId>,
) -> Result<StatusCode, ApiError> {
    if app.engine.faults().remove(id) {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ApiError::not_found("Fault"))
}

fn allowed(app: &App) -> Result<(), ApiError> {
    if app.faults_allowed {
        return Ok(());
    }
    let text = "Faults would strike real machines here; start the server with --allow-faults";
    Err(ApiError::new(ErrorCode::Forbidden, text))
}

fn check(fault: &FaultCreate) -> Result<(), ApiError> {
    let operations = operations(&fault.operation)?;
    if let Some(phase) = &fault.at_phase {
        check_phase(phase, &operations)?;
    }
    if fault
        .at_percent
        .is_some_and(|percent| percent > MOST_PERCENT)
    {
        let text = format!(
            "must be a whole number from 0 to {MOST_PERCENT}; {MOST_PERCENT} is the most that a job \
             under way shows"
        );
        return Err(ApiError::field("atPercent", &text));
    }
    if let Some(error) = &fault.error
        && render::line(error).is_empty()
    {
        let text = "says nothing; a job that failed says why. Leave it out for a text of ours";
        return Err(ApiError::field("error", text));
    }
    if fault.times == Some(0) {
        return Err(ApiError::field(
            "times",
            "must be at least 1; leave it out for once",
        ));
    }
    let chance = fault.probability.unwrap_or(1.0);
    if !(0.0..=1.0).contains(&chance) {
        return Err(ApiError::field(
            "probability",
            "must be a number from 0 to 1",
        ));
    }
    Ok(())
}

fn operations(name: &str) -> Result<Vec<Operation>, ApiError> {
    if name == ANY {
        return Ok(Operation::ALL.to_vec());
    }
    let found = Operation::from_name(name).map(|operation| vec![operation]);
    found.ok_or_else(|| {
        let all = Operation::ALL.iter().map(|it| it.name());
        let all: Vec<_> = all.chain([ANY]).collect();
        let text = format!(
            "there is no operation {}. There are: {}",
            json::shown(name),
            all.join(", ")
        );
        ApiError::field("operation", &text)
    })
}

fn check_phase(phase: &str, operations: &[Operation]) -> Result<(), ApiError> {
    let mut all: Vec<&str> = Vec::new();
    for known in operations.iter().flat_map(|it| it.definition().phases) {
        if !all.contains(known) {
            all.push(known);
        }
    }
    if all.contains(&phase) {
        return Ok(());
    }
    let text = format!(
        "there is no phase {} here. There are: {}",
        json::shown(phase),
        all.join(", ")
    );
    Err(ApiError::field("atPhase", &text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> Option<String> {
        let fault = json::parse(body.as_bytes()).unwrap();
        check(&fault).err().and_then(|error| error.details.field)
    }

    #[test]
    fn what_a_fault_may_be() {
        for (body, field) in [
            (r#"{"operation":"*","kind":"fail"}"#, None),
            (
                r#"{"operation":"vm.create","kind":"stall","atPhase":"boot","atPercent":99,"probability":0.5}"#,
                None,
            ),
            (
                r#"{"operation":"vm.creat","kind":"fail"}"#,
                Some("operation"),
            ),
            (
                r#"{"operation":"vm.create","kind":"fail","atPhase":"shutdown"}"#,
                Some("atPhase"),
            ),
            (
                r#"{"operation":"*","kind":"fail","atPhase":"lunch"}"#,
                Some("atPhase"),
            ),
            (
                r#"{"operation":"*","kind":"fail","atPercent":100}"#,
                Some("atPercent"),
            ),
            (
                r#"{"operation":"*","kind":"fail","error":" "}"#,
                Some("error"),
            ),
            (
                r#"{"operation":"*","kind":"fail","times":0}"#,
                Some("times"),
            ),
            (
                r#"{"operation":"*","kind":"fail","probability":1.5}"#,
                Some("probability"),
            ),
        ] {
            assert_eq!(refused(body).as_deref(), field, "{body}");
        }
    }
}
