//! `/admin/v1/clock`: what time it is, and moving it.

use crate::http::{
    App,
    answer::Answer,
    auth::{Open, Operator},
    body::Body,
    error::ApiError,
    limits::ADVANCE_LIMIT,
};
use api::{
    Envelope, ErrorCode,
    admin::{Clock, ClockAdvance, ClockMode},
};
use axum::extract::State;

/// The server's clock.
#[utoipa::path(
    get, path = "/admin/v1/clock", tag = "Operator", operation_id = "clock.show",
    responses((status = 200, description = "The clock", body = Envelope<Clock>)),
)]
pub(in crate::http) async fn show(State(app): State<App>, _: Operator) -> Answer<Clock> {
    Answer::ok(shown(&app))
}

/// Move the manual clock; answers when all that became due has run.
#[utoipa::path(
    post, path = "/admin/v1/clock", tag = "Operator", operation_id = "clock.advance",
    request_body = ClockAdvance,
    responses((status = 200, description = "The clock", body = Envelope<Clock>)),
)]
pub(in crate::http) async fn advance(
    State(app): State<App>,
    _: Operator,
    _: Open,
    Body(body): Body<ClockAdvance>,
) -> Result<Answer<Clock>, ApiError> {
    check(&app, body.advance_seconds)?;
    match app.engine.advance(body.advance_seconds).await? {
        true => Ok(Answer::ok(shown(&app))),
        false => Err(ApiError::shutting_down()),
    }
}

fn check(app: &App, seconds: u64) -> Result<(), ApiError> {
    if seconds > ADVANCE_LIMIT {
        let text = format!("is too much at once; 0 to {ADVANCE_LIMIT} is right");
        return Err(ApiError::field("advanceSeconds", &text));
    }
    if !app.engine.clock().is_manual() {
        let text = "The clock is the machine's and cannot be moved; start the server with \
                    --clock manual";
        return Err(ApiError::new(ErrorCode::InvalidState, text));
    }
    Ok(())
}

fn shown(app: &App) -> Clock {
    let clock = app.engine.clock();
    Clock {
        now: clock.now(),
        mode: match clock.is_manual() {
            true => ClockMode::Manual,
            false => ClockMode::Real,
        },
    }
}
