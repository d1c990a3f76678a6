//! Synchronous calls: jobs in line that a request waits for.

use super::{App, error::ApiError, limits::CALL_PATIENCE};
use crate::engine::CallEnd;
use api::{ErrorCode, JobErrorCode, JobId};
use model::{
    Context, Job, JobState, Kind,
    accept::{self, Accepted, Idempotency},
    ops::Call,
    render,
};

/// How far a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Called {
    /// What was wished is so, whether it had to be done or was so already.
    Reached,
    /// It is being done.
    GoesOn,
}

/// Does a call.
pub(super) async fn call(
    app: &App,
    (kind, repeat): (Kind, Option<Idempotency>),
    rule: impl Fn(&Context<'_>) -> Accepted<Call> + Send + 'static,
) -> Result<Called, ApiError> {
    let once = move |context: &Context<'_>| accept::once(context, repeat, || rule(context));
    let end = app.engine.call(CALL_PATIENCE, once).await??;
    judge(&end, kind, app.engine.is_draining())?;
    Ok(match end {
        CallEnd::Ended(_) | CallEnd::AsWished => Called::Reached,
        CallEnd::StillRunning(_) | CallEnd::Withdrawn(_) => Called::GoesOn,
    })
}

/// Whether a call's end is answered with the resource as it is, or how else.
fn judge(end: &CallEnd, kind: Kind, is_draining: bool) -> Result<(), ApiError> {
    match end {
        CallEnd::AsWished | CallEnd::StillRunning(_) => Ok(()),
        CallEnd::Ended(job) if job.state == JobState::Completed => Ok(()),
        CallEnd::Ended(job) => Err(failed(job)),
        CallEnd::Withdrawn(first) if is_draining => Err(ApiError::shutting_down().with_job(*first)),
        CallEnd::Withdrawn(first) => Err(busy(*first, kind)),
    }
}

fn busy(first: Option<JobId>, kind: Kind) -> ApiError {
    let text = format!(
        "Other jobs of this {} were not done within {} s; this call was withdrawn and has no effect",
        kind.words().to_lowercase(),
        CALL_PATIENCE.as_secs()
    );
    ApiError::new(ErrorCode::ResourceBusy, text).with_job(first)
}

fn failed(job: &Job) -> ApiError {
    let Some(error) = &job.error else {
        let cause = format!("job {} failed without an error", job.id);
        return ApiError::internal(cause).with_job(Some(job.id));
    };
    let code = match error.code {
        JobErrorCode::NotFound => ErrorCode::NotFound,
        JobErrorCode::InvalidState
        | JobErrorCode::Died
        | JobErrorCode::Cancelled
        | JobErrorCode::QuotaExceeded
        | JobErrorCode::CapacityExceeded
        | JobErrorCode::InvalidConfiguration => ErrorCode::InvalidState,
        JobErrorCode::DriverError | JobErrorCode::Stalled | JobErrorCode::Poison => {
            ErrorCode::DriverError
        }
        JobErrorCode::InternalError => ErrorCode::Internal,
    };
    ApiError::new(code, render::line(&error.text)).with_job(Some(job.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::{HostId, ResourceId, TenantId, Timestamp};
    use model::{Operation, job::JobError};
    use uuid::Uuid;

    fn job(state: JobState, error: Option<JobErrorCode>) -> Box<Job> {
        let at = Timestamp::from_millis(0);
        Box::new(Job {
            id: JobId(Uuid::from_u128(7)),
            number: 1,
            tenant: TenantId(Uuid::nil()),
            host: HostId(Uuid::nil()),
            operation: Operation::VmStart,
            resource: ResourceId(Uuid::nil()),
            acts_on: None,
            lines: Vec::new(),
            wish: model::Wish::Nothing,
            claimed: Vec::new(),
            unlisted: false,
            generation: 0,
            done: Vec::new(),
            left: Vec::new(),
            result: None,
            resource_name: "web".into(),
            state,
            blockers: 0,
            before: None,
            after: None,
            progress: 0,
            total: None,
            stage: String::new(),
            error: error.map(|code| JobError::new(code, "because")),
            phases: Vec::new(),
            cancel: false,
            created_at: at,
            updated_at: at,
            completed_at: None,
        })
    }

    #[test]
    fn how_each_end_is_answered() {
        use JobErrorCode as Job;
        let ended = |code| CallEnd::Ended(job(JobState::Failed, Some(code)));
        let other = Some(JobId(Uuid::from_u128(9)));
        let cases = [
            (CallEnd::Ended(job(JobState::Completed, None)), 200),
            (CallEnd::StillRunning(job(JobState::Running, None)), 200),
            (ended(Job::NotFound), 404),
            (ended(Job::InvalidState), 409),
            (ended(Job::Died), 409),
            (ended(Job::Cancelled), 409),
            (ended(Job::DriverError), 502),
            (ended(Job::Stalled), 502),
            (ended(Job::Poison), 502),
            (ended(Job::InternalError), 500),
            (CallEnd::Withdrawn(other), 409),
        ];
        for (end, status) in cases {
            let found = judge(&end, Kind::Vm, false).map_err(|error| error.code.status());
            assert_eq!(found.err().unwrap_or(200), status, "{end:?}");
        }
    }

    #[test]
    fn the_job_at_fault_is_named() {
        let end = CallEnd::Ended(job(JobState::Failed, Some(JobErrorCode::Stalled)));
        let error = judge(&end, Kind::Vm, false).expect_err("stalled");
        assert_eq!(error.details.job_id, Some(JobId(Uuid::from_u128(7))));
        assert_eq!(error.message, "because");
        let way = Some(JobId(Uuid::from_u128(9)));
        let busy = judge(&CallEnd::Withdrawn(way), Kind::Vm, false).expect_err("busy");
        assert_eq!(
            (busy.code, busy.details.job_id),
            (ErrorCode::ResourceBusy, way)
        );
        let drained = judge(&CallEnd::Withdrawn(way), Kind::Vm, true).expect_err("drained");
        assert_eq!(drained.code, ErrorCode::ShuttingDown);
    }
}
