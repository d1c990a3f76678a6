//! Synchronous calls: start, stop and reset are jobs that a request waits for.

use super::{App, answer::Answer, error::ApiError, limits::CALL_PATIENCE, virtual_machines};
use crate::engine::CallEnd;
use api::machine::{MachineDetail, MachineStatus};
use api::{ErrorCode, JobErrorCode, JobId, ResourceId, TenantId};
use model::{Context, Job, JobState, Operation, Refusal, accept::Accepted, ops::Call, render};

/// An accepting rule of a call.
pub(super) type Rule = fn(&Context<'_>, TenantId, ResourceId) -> Accepted<Call>;

/// Does a call and answers with the machine.
pub(super) async fn call(
    app: &App,
    tenant: TenantId,
    id: ResourceId,
    rule: Rule,
) -> Result<Answer<MachineDetail>, ApiError> {
    let called = app
        .engine
        .call(CALL_PATIENCE, move |context| rule(context, tenant, id));
    let end = called.await??;
    if let CallEnd::AsWished(machine) = end {
        return Ok(Answer::ok(render::machine_detail(&machine, &app.catalogue)));
    }
    judge(&end, app.engine.is_draining())?;
    let mut machine = virtual_machines::detail(app, tenant, id).await?;
    if let Some(status) = reached(&end) {
        machine.status = status;
    }
    Ok(Answer::ok(machine))
}

/// What a call that completed has reached. The machine may be on its way elsewhere already, for the
/// next in line; that is not what this caller asked about.
fn reached(end: &CallEnd) -> Option<MachineStatus> {
    match end {
        CallEnd::Ended(job) if job.state == JobState::Completed => match job.operation {
            Operation::VmStart | Operation::VmReset => Some(MachineStatus::Running),
            Operation::VmStop => Some(MachineStatus::Shutoff),
            Operation::VmCreate | Operation::VmDelete => None,
        },
        _ => None,
    }
}

/// Whether a call's end is answered with the machine as it is, or how else.
fn judge(end: &CallEnd, is_draining: bool) -> Result<(), ApiError> {
    match end {
        CallEnd::AsWished(_) | CallEnd::StillRunning(_) => Ok(()),
        CallEnd::Ended(job) if job.state == JobState::Completed => Ok(()),
        CallEnd::Ended(job) => Err(failed(job)),
        CallEnd::Withdrawn(first) if is_draining => Err(ApiError::shutting_down().with_job(*first)),
        CallEnd::Withdrawn(first) => Err(busy(*first)),
    }
}

fn busy(first: Option<JobId>) -> ApiError {
    let text = format!(
        "Other jobs of this virtual machine were not done within {} s; this call was withdrawn and \
         has no effect",
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
        JobErrorCode::NotFound => return Refusal::no_machine().into(),
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
    use api::{HostId, Timestamp};
    use model::job::JobError;
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
            let found = judge(&end, false).map_err(|error| error.code.status());
            assert_eq!(found.err().unwrap_or(200), status, "{end:?}");
        }
    }

    #[test]
    fn what_a_completed_call_has_reached() {
        let ended = |operation| {
            let mut job = job(JobState::Completed, None);
            job.operation = operation;
            reached(&CallEnd::Ended(job))
        };
        assert_eq!(ended(Operation::VmStart), Some(MachineStatus::Running));
        assert_eq!(ended(Operation::VmReset), Some(MachineStatus::Running));
        assert_eq!(ended(Operation::VmStop), Some(MachineStatus::Shutoff));
        let goes_on = CallEnd::StillRunning(job(JobState::Running, None));
        assert_eq!(reached(&goes_on), None);
    }

    #[test]
    fn the_job_at_fault_is_named() {
        let end = CallEnd::Ended(job(JobState::Failed, Some(JobErrorCode::Stalled)));
        let error = judge(&end, false).expect_err("stalled");
        assert_eq!(error.details.job_id, Some(JobId(Uuid::from_u128(7))));
        assert_eq!(error.message, "because");
        let way = Some(JobId(Uuid::from_u128(9)));
        let busy = judge(&CallEnd::Withdrawn(way), false).expect_err("busy");
        assert_eq!(
            (busy.code, busy.details.job_id),
            (ErrorCode::ResourceBusy, way)
        );
        let drained = judge(&CallEnd::Withdrawn(way), true).expect_err("drained");
        assert_eq!(drained.code, ErrorCode::ShuttingDown);
    }
}
