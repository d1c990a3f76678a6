//! Faults that strike requests: judged when it is known who asks for what, carried out at the door.
//!
//! The place of the judgement in the order of errors is after 404, 405, 401, 403 and 429, before all
//! else: the extractors of callers ask here, so no handler that knows its caller can forget to. What
//! refuses a request is an error like any other; what befalls its answer is left with the request, and
//! the front door sees to it when the answer is there, so that all of it was done.

use super::{App, error::ApiError, listen::Unanswered};
use crate::faults::requests::{Asked, Strike};
use api::{ErrorCode, TenantId};
use axum::{extract::MatchedPath, http::request::Parts, response::Response};
use model::render;
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

/// What is to become of a request's answer; clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Fate(Arc<OnceLock<Strike>>);

/// Whether a fault refuses this request of a tenant's key, or of the operator's where there is none.
pub(super) fn judge(app: &App, parts: &Parts, tenant: Option<TenantId>) -> Result<(), ApiError> {
    let route = parts.extensions.get::<MatchedPath>();
    route.map_or(Ok(()), |route| {
        judge_route(app, parts, route.as_str(), tenant)
    })
}

/// The same for a page that takes no key: its path is its route.
pub(super) fn judge_page(app: &App, parts: &Parts) -> Result<(), ApiError> {
    judge_route(app, parts, parts.uri.path(), None)
}

fn judge_route(
    app: &App,
    parts: &Parts,
    route: &str,
    tenant: Option<TenantId>,
) -> Result<(), ApiError> {
    let Some(operation) = app.operations.find(&parts.method, route) else {
        return Ok(());
    };
    let struck = app.engine.faults().strike_request(Asked {
        operation: &operation.name,
        by_name_only: operation.by_name_only,
        tenant,
    });
    match struck {
        None => Ok(()),
        Some(Strike::Refuse { status, text }) => Err(refusal(status, &text)),
        Some(late) => {
            if let Some(fate) = parts.extensions.get::<Fate>() {
                // A request is judged once.
                let _ = fate.0.set(late);
            }
            Ok(())
        }
    }
}

impl Fate {
    /// The answer as its client is to get it, or marked as one that it does not get.
    pub(super) async fn meet(self, app: &App, mut answer: Response) -> Response {
        match self.0.get() {
            Some(Strike::Delay(delay)) => wait(app, *delay).await,
            Some(Strike::Drop) => {
                answer.extensions_mut().insert(Unanswered);
            }
            Some(Strike::Refuse { .. }) | None => {}
        }
        answer
    }
}

/// Real time, whatever the clock. Ends with the server's draining; and with the client, since nobody
/// polls this any more when it has left.
async fn wait(app: &App, delay: Duration) {
    tokio::select! {
        () = tokio::time::sleep(delay) => {}
        () = app.engine.drained() => {}
    }
}

fn refusal(status: u16, text: &str) -> ApiError {
    // Only such a status is taken when the fault is placed.
    let code = code_of(status).unwrap_or(ErrorCode::Internal);
    ApiError::new(code, render::line(text))
}

/// The code that goes with a status: the plainest where there are several.
pub(super) fn code_of(status: u16) -> Option<ErrorCode> {
    if status == ErrorCode::StoreUnavailable.status() {
        // Shutting down would be one that comes with a closed door soon after.
        return Some(ErrorCode::StoreUnavailable);
    }
    let mut all = ErrorCode::ALL.iter();
    all.find(|code| code.status() == status).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_the_plainest_of_its_codes() {
        for (status, code) in [
            (400, Some(ErrorCode::Validation)),
            (409, Some(ErrorCode::Conflict)),
            (429, Some(ErrorCode::RateLimitExceeded)),
            (500, Some(ErrorCode::Internal)),
            (503, Some(ErrorCode::StoreUnavailable)),
            (418, None),
            (200, None),
        ] {
            assert_eq!(code_of(status), code, "{status}");
        }
    }
}
