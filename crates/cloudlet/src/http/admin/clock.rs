//! `/admin/v1/clock`: what time it is, and moving it.

use crate::http::{
    App,
    answer::Answer,
    auth::{Open, Operator},
    body::Body,
    error::ApiError,
    limits::{ADVANCE_LIMIT, CLOCK_END},
    repeat::{IdempotencyKey, Repeat},
};
use api::{
    Envelope, ErrorCode, Timestamp,
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

/// Move the manual clock; answers when all that became due has run. A repeat with the same
/// `Idempotency-Key` moves it no further than the first was to.
#[utoipa::path(
    post, path = "/admin/v1/clock", tag = "Operator", operation_id = "clock.advance",
    request_body = ClockAdvance,
    params(IdempotencyKey),
    responses((status = 200, description = "The clock", body = Envelope<Clock>)),
)]
pub(in crate::http) async fn advance(
    State(app): State<App>,
    _: Operator,
    _: Open,
    repeat: Repeat,
    Body(body): Body<ClockAdvance>,
) -> Result<Answer<Clock>, ApiError> {
    let (seconds, repeat) = (body.advance_seconds, repeat.of_operator());
    check(&app, seconds)?;
    let before: Option<Timestamp> = app.before(repeat).await?;
    if before.is_none() && !is_in_calendar(app.engine.clock().now(), seconds) {
        let text = format!("would take the clock beyond {CLOCK_END}; less is right");
        return Err(ApiError::field("advanceSeconds", &text));
    }
    match app.engine.advance(seconds, repeat).await?? {
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

fn is_in_calendar(now: Timestamp, seconds: u64) -> bool {
    let millis = i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX);
    now.plus_millis(millis) <= CLOCK_END
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_ends_where_times_can_still_be_written() {
        assert_eq!(CLOCK_END.to_string(), "9999-12-30T00:00:00.000Z");
        let before = CLOCK_END.plus_millis(-10_000);
        assert!(is_in_calendar(before, 10) && !is_in_calendar(before, 11));
        assert!(!is_in_calendar(before, u64::MAX) && is_in_calendar(CLOCK_END, 0));
    }
}
