//! The one error of the edge: a closed code, a text for the client, and a cause for the log alone.

use super::limits::UNAVAILABLE_RETRY_SECONDS;
use crate::store::StoreError;
use api::{ErrorBody, ErrorCode, JobId, error::ErrorDetails};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use model::Refusal;
use std::time::Duration;

/// Why a request was not done.
#[derive(Debug)]
pub struct ApiError {
    /// The stable code, with its HTTP status.
    pub code: ErrorCode,
    /// What is wrong and what would be right.
    pub message: String,
    /// For programs.
    pub details: Box<ErrorDetails>,
    /// When to try again, where it is not the time that goes with the code.
    pub retry_after: Option<Duration>,
    /// For the log alone.
    pub cause: Option<String>,
}

impl ApiError {
    /// An error without details.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            details: Box::default(),
            retry_after: None,
            cause: None,
        }
    }

    /// A body as a whole that is not as it should be.
    pub fn body(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Validation, message)
    }

    /// A field, parameter or header that is not as it should be.
    pub fn field(field: &str, message: &str) -> Self {
        Refusal::field(field, message).into()
    }

    /// Nothing of this id is to be seen here.
    pub fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("{what} not found"))
    }

    /// The server is about to stop.
    pub fn shutting_down() -> Self {
        let text = "The server is shutting down and has not done this; try again shortly";
        Self::new(ErrorCode::ShuttingDown, text)
    }

    /// A fault of Cloudlet itself. The cause goes to the log, with the request's id.
    pub fn internal(cause: impl Into<String>) -> Self {
        let text = "Something went wrong in Cloudlet itself; its log has the cause under this \
                    answer's X-Request-Id";
        Self {
            cause: Some(cause.into()),
            ..Self::new(ErrorCode::Internal, text)
        }
    }

    /// The same with the job that it is about.
    #[must_use]
    pub fn with_job(mut self, job: Option<JobId>) -> Self {
        self.details.job_id = job;
        self
    }

    fn headers(&self, response: &mut Response) {
        let headers = response.headers_mut();
        match self.code.status() {
            401 => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            429 | 503 => {
                let seconds = self.retry_after.map(|wait| wait.as_secs().max(1));
                let seconds = seconds.unwrap_or(UNAVAILABLE_RETRY_SECONDS.into());
                headers.insert(header::RETRY_AFTER, seconds.into());
            }
            _ => {}
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self {
            details: Box::new(refusal.details),
            ..Self::new(refusal.code, refusal.message)
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let text = "The store does not answer now; try again shortly, with the same \
                    Idempotency-Key where there is one";
        match error {
            StoreError::Unavailable(cause) => Self {
                cause: Some(cause),
                ..Self::new(ErrorCode::StoreUnavailable, text)
            },
            StoreError::Panicked(cause) => Self::internal(cause),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Some(cause) = &self.cause {
            tracing::error!(code = self.code.as_str(), "request failed: {cause}");
        }
        let status =
            StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = ErrorBody {
            success: false,
            error: self.code,
            message: self.message.clone(),
            details: Some(*self.details.clone()).filter(|it| *it != ErrorDetails::default()),
        };
        let mut response = (status, Json(body)).into_response();
        self.headers(&mut response);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_status_of_its_own_table() {
        for &code in ErrorCode::ALL {
            let response = ApiError::new(code, "x").into_response();
            assert_eq!(response.status().as_u16(), code.status());
            let json = response.headers().get(header::CONTENT_TYPE);
            assert_eq!(json, Some(&HeaderValue::from_static("application/json")));
            let retry = response.headers().contains_key(header::RETRY_AFTER);
            assert_eq!(retry, matches!(code.status(), 429 | 503), "{code:?}");
        }
    }

    #[test]
    fn a_store_that_is_away_is_503_and_a_panic_500_without_its_cause() {
        let away = ApiError::from(StoreError::Unavailable("disk full".into()));
        assert_eq!(away.code, ErrorCode::StoreUnavailable);
        let panicked = ApiError::from(StoreError::Panicked("index out of bounds".into()));
        assert_eq!(panicked.code, ErrorCode::Internal);
        assert!(!away.message.contains("disk full"));
        assert!(!panicked.message.contains("bounds"));
    }
}
