//! Successes: the envelope, its status, and the headers of a 202.

use super::limits::POLL_AFTER_SECONDS;
use api::{Envelope, JobId, PageMeta};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// A success.
#[derive(Debug)]
pub(super) struct Answer<T> {
    status: StatusCode,
    job: Option<JobId>,
    poll_after: Option<u64>,
    envelope: Envelope<T>,
}

impl<T> Answer<T> {
    /// 200.
    pub(super) fn ok(data: T) -> Self {
        Self {
            status: StatusCode::OK,
            job: None,
            poll_after: None,
            envelope: Envelope::new(data),
        }
    }

    /// 200 with a page of a list.
    pub(super) fn page(data: T, meta: PageMeta) -> Self {
        Self {
            status: StatusCode::OK,
            job: None,
            poll_after: None,
            envelope: Envelope::page(data, meta),
        }
    }

    /// 201: made at once.
    pub(super) fn created(data: T) -> Self {
        Self {
            status: StatusCode::CREATED,
            ..Self::ok(data)
        }
    }

    /// 202 without a job: begun, and told of where the answer says.
    pub(super) fn begun(data: T) -> Self {
        Self {
            status: StatusCode::ACCEPTED,
            ..Self::ok(data)
        }
    }

    /// 202: on disk, and going to be done. `Location` where there is one job. Says when to poll first.
    pub(super) fn accepted(data: T, jobs: &[JobId], poll_after: Option<u64>) -> Self {
        Self {
            status: StatusCode::ACCEPTED,
            job: match jobs {
                [one] => Some(*one),
                _ => None,
            },
            poll_after: Some(poll_after.unwrap_or(POLL_AFTER_SECONDS)),
            ..Self::ok(data)
        }
    }

    /// The same, with the wish to be asked again only after so many seconds, if they are known.
    pub(super) fn poll_after(self, seconds: Option<u64>) -> Self {
        Self {
            poll_after: seconds,
            ..self
        }
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.envelope)).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.poll_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(job) = self.job
            && let Ok(place) = HeaderValue::try_from(format!("/v1/resource/jobs/{job}"))
        {
            headers.insert(header::LOCATION, place);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_202_says_when_to_poll_and_where_if_there_is_one_job() {
        let jobs = [JobId(uuid::Uuid::from_u128(1)), JobId(uuid::Uuid::nil())];
        let one = Answer::accepted((), &jobs[..1], None).into_response();
        assert_eq!(one.status(), 202);
        assert_eq!(one.headers()["retry-after"], "2");
        let place = "/v1/resource/jobs/00000000-0000-0000-0000-000000000001";
        assert_eq!(one.headers()["location"], place);
        let two = Answer::accepted((), &jobs, Some(7)).into_response();
        assert_eq!(two.headers()["retry-after"], "7");
        assert!(!two.headers().contains_key("location"));
        let plain = Answer::ok(()).into_response();
        assert!(!plain.headers().contains_key("retry-after"));
        let later = Answer::ok(()).poll_after(Some(3)).into_response();
        assert_eq!(later.headers()["retry-after"], "3");
    }
}
