//! `/admin/v1/faults`: failures on demand.

use super::fault_wish;
use crate::http::{
    App,
    answer::Answer,
    auth::{Open, Operator},
    body::Body,
    error::ApiError,
    params::PathId,
    repeat::{IdempotencyKey, Repeat},
};
use api::{
    Envelope, ErrorCode, FaultId,
    admin::{Fault, FaultCreate},
};
use axum::{extract::State, http::StatusCode};

/// Place a fault; it strikes the first match after this: an action of a job, or a request.
///
/// Requests are struck after 401, 403 and 429. A request that `http` refuses has no effect; one that
/// `drop` strikes is carried out. A restart takes faults away, and forgets their `Idempotency-Key`s. `*`
/// passes by `/admin/v1/faults` and what needs no key.
#[utoipa::path(
    post, path = "/admin/v1/faults", tag = "Operator", operation_id = "fault.create",
    request_body = FaultCreate,
    params(IdempotencyKey),
    responses((status = 201, description = "The fault", body = Envelope<Fault>)),
)]
pub(in crate::http) async fn create(
    State(app): State<App>,
    _: Operator,
    _: Open,
    repeat: Repeat,
    Body(body): Body<FaultCreate>,
) -> Result<Answer<Fault>, ApiError> {
    fault_wish::check(&body, &app.operations)?;
    allowed(&app)?;
    let (repeat, faults) = (repeat.of_process(app.process), app.engine.faults().clone());
    let place = async move { Ok(faults.place(body)) };
    app.once_apart(repeat, place).await.map(Answer::created)
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
    params(IdempotencyKey),
    responses((status = 204, description = "They are gone")),
)]
pub(in crate::http) async fn clear(
    State(app): State<App>,
    _: Operator,
    _: Open,
    repeat: Repeat,
) -> Result<StatusCode, ApiError> {
    let (repeat, faults) = (repeat.of_process(app.process), app.engine.faults().clone());
    let clear = async move {
        faults.clear();
        Ok(())
    };
    app.once_apart(repeat, clear).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a fault away.
#[utoipa::path(
    delete, path = "/admin/v1/faults/{id}", tag = "Operator", operation_id = "fault.delete",
    params(("id" = FaultId, Path), IdempotencyKey),
    responses((status = 204, description = "It is gone")),
)]
pub(in crate::http) async fn delete(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathId(id): PathId<FaultId>,
    repeat: Repeat,
) -> Result<StatusCode, ApiError> {
    let (repeat, faults) = (repeat.of_process(app.process), app.engine.faults().clone());
    let remove = async move {
        let was_there = faults.remove(id).then_some(());
        was_there.ok_or_else(|| ApiError::not_found("Fault"))
    };
    app.once_apart(repeat, remove).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn allowed(app: &App) -> Result<(), ApiError> {
    if app.faults_allowed {
        return Ok(());
    }
    let text = "Faults would strike real machines here; start the server with --allow-faults";
    Err(ApiError::new(ErrorCode::Forbidden, text))
}
