//! `/v1/resource/jobs`: the poll, which may wait for a change; the list; cancelling.

use super::{
    App,
    answer::Answer,
    auth::{Caller, Open},
    body::Body,
    error::ApiError,
    job_filter,
    limits::{POLL_AFTER_SECONDS, WAIT_SECONDS_LIMIT},
    params::{Params, PathId},
    repeat::{IdempotencyKey, Repeat, short_digest},
};
use crate::engine::Watch;
use api::{
    CursorPage, Envelope, Job, JobId, TenantId,
    job::{JobDetail, JobPoll, JobsNow},
};
use axum::{Json, extract::State};
use model::{Context, limits::POLL_LIMIT, ops::job_cancel};
use std::time::Duration;
use tokio::time::Instant;

/// Read up to 50 jobs in one request, at once or when one of them has changed.
///
/// An entry that names no job of this tenant is left out, UUID or not. With `waitSeconds` the answer
/// comes as soon as one of the jobs is not what it was at `since` (the last answer's `cursor` for the
/// same list; else at the request's arrival), at once if all have ended or none is known, and may come
/// earlier. Without it `Retry-After` says when to ask again, where earlier runs of the same operations
/// tell.
#[utoipa::path(
    post, path = "/v1/resource/jobs", tag = "Jobs", operation_id = "job.poll",
    request_body = JobPoll,
    responses((status = 200, description = "The jobs, in the order asked for", body = Envelope<JobsNow>)),
)]
pub(super) async fn poll(
    State(app): State<App>,
    Caller(tenant): Caller,
    Body(body): Body<JobPoll>,
) -> Result<Answer<JobsNow>, ApiError> {
    let ids = asked(&body)?;
    let Some(wait) = wait(&body)? else {
        let (now, poll_after) = now(&app, tenant, &ids).await?;
        return Ok(Answer::ok(now).poll_after(poll_after));
    };
    // Listens first and looks then, so that nothing is missed.
    match app.engine.watch(ids.clone()) {
        Some(watch) => {
            let changed = changed(&app, tenant, &ids, body.since, wait, watch);
            Ok(Answer::ok(changed.await?))
        }
        None => {
            let (now, poll_after) = now(&app, tenant, &ids).await?;
            let poll_after = poll_after.unwrap_or(POLL_AFTER_SECONDS);
            Ok(Answer::ok(now).poll_after(Some(poll_after)))
        }
    }
}

/// List jobs, newest first; synchronous calls are not listed.
///
/// `status` and `kind` may be repeated; each filter may also be sent as `filter[name]`.
#[utoipa::path(
    get, path = "/v1/resource/jobs", tag = "Jobs", operation_id = "job.list",
    params(
        ("cursor" = Option<String>, Query, description = "The `meta.nextCursor` of the page before"),
        ("limit" = Option<u64>, Query, description = "Rows on a page, 1 to 100; default 10"),
        ("status" = Option<Vec<api::JobStatus>>, Query, description = "With one of these statuses"),
        ("kind" = Option<Vec<String>>, Query, description = "Of one of these operations, e.g. `vm.create`"),
        ("resourceType" = Option<String>, Query, description = "Of this type of resource, e.g. `vm`"),
        ("resourceId" = Option<api::ResourceId>, Query, description = "Of this resource"),
        ("createdAfter" = Option<api::Timestamp>, Query, description = "Accepted later than this"),
    ),
    responses((status = 200, description = "A page", body = CursorPage<Vec<Job>>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(tenant): Caller,
    params: Params,
) -> Result<Json<CursorPage<Vec<Job>>>, ApiError> {
    let limit = usize::try_from(params.limit()?).unwrap_or(usize::MAX);
    let before = job_filter::cursor(&params)?;
    let filter = job_filter::filter(&params)?;
    let listed = app.store().listed_jobs(tenant, filter, before, limit);
    let (jobs, more) = listed.await?;
    let last = jobs.last().filter(|_| more);
    let next = last.map(|job| job_filter::cursor_after(job.id));
    let rows = jobs.iter().map(|job| app.shown(job)).collect();
    Ok(Json(CursorPage::new(rows, next)))
}

/// One job with its phases, and with what it waits for.
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
    let found = app.store().job(tenant, id).await?;
    let (job, ahead) = found.ok_or_else(|| ApiError::not_found("Job"))?;
    Ok(Answer::ok(app.shown_in_detail(&job, ahead)))
}

/// Cancel a job.
///
/// One that is pending ends at once. A create that is in progress is put back and then ends. Both end
/// as `failed` with `CANCELLED`; but a create that was done in the very moment of the wish ends as
/// `completed`, so poll the job until it has ended. Whatever else is in progress, or has ended, is answered 409 `TOO_LATE`.
#[utoipa::path(
    post, path = "/v1/resource/jobs/{id}/cancel", tag = "Jobs", operation_id = "job.cancel",
    params(("id" = JobId, Path), IdempotencyKey),
    responses((status = 200, description = "The job as it is now", body = Envelope<Job>)),
)]
pub(super) async fn cancel(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<JobId>,
    repeat: Repeat,
) -> Result<Answer<Job>, ApiError> {
    let rule = move |context: &Context<'_>| job_cancel::accept(context, tenant, id);
    let job = app.accept(repeat.of(tenant), rule).await?;
    Ok(Answer::ok(app.shown(&job)))
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

/// How long a poll is to wait at most.
fn wait(poll: &JobPoll) -> Result<Option<Duration>, ApiError> {
    match poll.wait_seconds {
        None | Some(0) => Ok(None),
        Some(seconds @ 1..=WAIT_SECONDS_LIMIT) => Ok(Some(Duration::from_secs(seconds))),
        Some(seconds) => {
            let text = format!("is {seconds}; 0 to {WAIT_SECONDS_LIMIT} are right");
            Err(ApiError::field("waitSeconds", &text))
        }
    }
}

/// The jobs as they are on disk, and when to ask for them again, where that is known.
async fn now(
    app: &App,
    tenant: TenantId,
    ids: &[JobId],
) -> Result<(JobsNow, Option<u64>), ApiError> {
    let jobs = app.store().jobs(tenant, ids.to_vec()).await?;
    let poll_after = app.engine.poll_after(&jobs);
    let jobs: Vec<_> = jobs.iter().map(|job| app.shown(job)).collect();
    let cursor = cursor(&jobs);
    Ok((JobsNow { jobs, cursor }, poll_after))
}

/// The same, once it is not what it was; or when time is up, or nothing more can change. Real time,
/// whatever the clock.
async fn changed(
    app: &App,
    tenant: TenantId,
    ids: &[JobId],
    since: Option<String>,
    wait: Duration,
    watch: Watch,
) -> Result<JobsNow, ApiError> {
    let deadline = Instant::now() + wait;
    let (mut found, _) = now(app, tenant, ids).await?;
    let since = since.unwrap_or_else(|| found.cursor.clone());
    while found.cursor == since && found.jobs.iter().any(|job| !job.status.is_final()) {
        tokio::select! {
            () = watch.changed() => (found, _) = now(app, tenant, ids).await?,
            () = tokio::time::sleep_until(deadline) => break,
            () = app.engine.drained() => break,
        }
    }
    Ok(found)
}

/// A digest of what is shown of some jobs, estimates apart, in any order: the same again only if none has moved, since a
/// job never goes back to what it was. Nothing has to be kept for it, so it outlives a restart.
fn cursor(jobs: &[Job]) -> String {
    let mut parts: Vec<_> = jobs
        .iter()
        .map(|job| {
            let Job {
                id,
                status,
                progress,
                stage,
                updated_at,
                ..
            } = job;
            let (status, updated) = (status.as_str(), updated_at.as_millis());
            format!("{id} {status} {progress} {updated} {stage}")
        })
        .collect();
    parts.sort_unstable();
    let parts: Vec<_> = parts.iter().map(String::as_bytes).collect();
    format!("{:032x}", u128::from_be_bytes(short_digest(&parts)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(ids: &[&str]) -> Result<Vec<String>, ApiError> {
        let job_ids = ids.iter().map(|id| (*id).to_owned()).collect();
        let ids = asked(&JobPoll {
            job_ids,
            wait_seconds: None,
            since: None,
        })?;
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
