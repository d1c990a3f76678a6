//! Successes: the envelope, its status, and the headers of a 202.

use super::limits::POLL_AFTER_SECONDS;
use api::{Envelope, JobId, PageMeta};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use model::render;
use serde::Serialize;

/// A success.
#[derive(Debug)]
pub(super) struct Answer<T> {
    status: StatusCode,
    job: Option<JobId>,
    poll_later: bool,
    envelope: Envelope<T>,
}

impl<T> Answer<T> {
    /// 200.
    pub(super) fn ok(data: T) -> Self {
        Self {
            status: StatusCode::OK,
            job: None,
            poll_later: false,
            envelope: Envelope::new(data),
        }
    }

    /// 200 with a page of a list.
    pub(super) fn page(data: T, meta: PageMeta) -> Self {
        Self {
            status: StatusCode::OK,
            job: None,
            poll_later: false,
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

    /// 202: on disk, and going to be done. `Location` where there is one job.
    pub(super) fn accepted(data: T, jobs: &[JobId]) -> Self {
        Self {
            status: StatusCode::ACCEPTED,
            job: match jobs {
                [one] => Some(*one),
                _ => None,
            },
            poll_later: true,
            ..Self::ok(data)
        }
    }

    /// The same, with the wish to be asked again only after a while.
    pub(super) fn poll_later(self) -> Self {
        Self {
            poll_later: true,
            ..self
        }
    }
}

impl Answer<api::Job> {
    /// 202 with the one job.
    pub(super) fn job(job: &model::Job) -> Self {
        Self::accepted(render::job(job), &[job.id])
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.envelope)).into_response();
        let headers = response.headers_mut();
        if self.poll_later {
            headers.insert(header::RETRY_AFTER, POLL_AFTER_SECONDS.into());
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
        let one = Answer::accepted((), &jobs[..1]).into_response();
        assert_eq!(one.status(), 202);
        assert_eq!(one.headers()["retry-after"], "2");
        let place = "/v1/resource/jobs/00000000-0000-0000-0000-000000000001";
        assert_eq!(one.headers()["location"], place);
        let two = Answer::accepted((), &jobs).into_response();
        assert!(!two.headers().contains_key("location"));
        let plain = Answer::ok(()).into_response();
        assert!(!plain.headers().contains_key("retry-after"));
        let later = Answer::ok(()).poll_later().into_response();
        assert_eq!(later.headers()["retry-after"], "2");
    }
}
