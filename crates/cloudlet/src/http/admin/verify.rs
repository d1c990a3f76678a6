//! `/admin/v1/verify`: records against the world.

use crate::http::{App, answer::Answer, auth::Operator, error::ApiError};
use api::{Envelope, ErrorCode, admin::Verify};
use axum::extract::State;

/// Compare the records with the driver's world.
#[utoipa::path(
    get, path = "/admin/v1/verify", tag = "Operator", operation_id = "verify",
    responses((status = 200, description = "What differs, and what is unsettled", body = Envelope<Verify>)),
)]
pub(in crate::http) async fn show(
    State(app): State<App>,
    _: Operator,
) -> Result<Answer<Verify>, ApiError> {
    app.engine.verify().await.map(Answer::ok).map_err(|cause| {
        let text = "The driver's world cannot be read now; the log has the cause";
        ApiError {
            cause: Some(format!("{cause:#}")),
            ..ApiError::new(ErrorCode::DriverError, text)
        }
    })
}
