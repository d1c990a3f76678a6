//! `/v1/resource/jobs`: the poll.

use super::{App, answer::Answer, auth::Caller, body::Body, error::ApiError, params::PathId};
use api::{
    Envelope, JobId,
    job::{JobDetail, JobList, JobPoll},
};
use axum::extract::State;
use model::{limits::POLL_LIMIT, render};

/// Read up to 50 jobs in one request.
///
/// An entry that names no job of this tenant is left out, UUID or not.
#[utoipa::path(
    post, path = "/v1/resource/jobs", tag = "Jobs", operation_id = "job.poll",
    request_body = JobPoll,
    responses((status = 200, description = "The jobs, in the order asked for", body = Envelope<JobList>)),
)]
pub(super) async fn poll(
    State(app): State<App>,
    Caller(tenant): Caller,
    Body(body): Body<JobPoll>,
) -> Result<Answer<JobList>, ApiError> {
    let jobs = app.store().jobs(tenant, asked(&body)?).await?;
    let jobs = jobs.iter().map(render::job).collect();
    Ok(Answer::ok(JobList { jobs }))
}

/// One job with its phases.
#[utoipa::path(
    get, path = "/v1/resource/jobs/{id}", tag = "Jobs", operation_id = "job.show",
    params(("id" = JobId, Path)),
    responses((status = 200, description = "The job", body = Envelope<JobDetail>)),
)]
pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    PathId(id): PathId<JobId>,
) -> Result<Answer<JobDetail>, ApiError> {
    let jobs = app.store().jobs(tenant, vec![id]).await?;
    let job = jobs.first().ok_or_else(|| ApiError::not_found("Job"))?;
    Ok(Answer::ok(render::job_detail(job)))
}

/// The ids of a poll: each once, at its first place, and none that is no UUID.
fn asked(poll: &JobPoll) -> Result<Vec<JobId>, ApiError> {
    let count = poll.job_ids.len();
    if !(1..=POLL_LIMIT).contains(&count) {
        let text = format!("has {count} ids; 1 to {POLL_LIMIT} are right");
        return Err(ApiError::field("jobIds", &text));
    }
    let mut ids = Vec::with_capacity(count);
    for id in poll.job_ids.iter().filter_map(|text| text.parse().ok()) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(ids: &[&str]) -> Result<Vec<String>, ApiError> {
        let job_ids = ids.iter().map(|id| (*id).to_owned()).collect();
        let ids = asked(&JobPoll { job_ids })?;
        Ok(ids.iter().map(JobId::to_string).collect())
    }

    #[test]
    fn ids_once_in_any_case_and_what_is_none_left_out() {
        let (a, b) = (
            "0193e1a0-0000-7000-8000-00000000000a",
            "0193e1a0-0000-7000-8000-00000000000b",
        );
        let upper = a.to_uppercase();
        assert_eq!(poll(&[b, "x", "", &upper, b, a]).unwrap(), [b, a]);
        assert_eq!(poll(&["x"]).unwrap(), [""; 0]);
        assert_eq!(poll(&[a; 50]).unwrap(), [a]);
        for wrong in [&[][..], &[a; 51]] {
            let error = poll(wrong).expect_err("0 or 51");
            assert_eq!(error.details.field.as_deref(), Some("jobIds"));
        }
    }
}
