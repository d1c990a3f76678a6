//! Taking back a synchronous call that has not begun: it then never takes effect.

use super::refuse;
use crate::{
    facts::Context,
    job::{Job, JobError, JobState},
    writes::Write,
};
use api::{JobErrorCode, JobId};

/// What became of a wish to withdraw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withdrawal {
    /// Withdrawn; it had not begun. This job was in the way.
    Withdrawn(Option<JobId>),
    /// It has begun or ended: here is the job as it is.
    TooLate(Option<Box<Job>>),
}

/// Withdraws a call's job if it is still pending. `start` is a transaction on the same job, so one
/// of the two wins.
pub fn withdraw(context: &Context<'_>, id: JobId) -> (Vec<Write>, Withdrawal) {
    let job = context.facts.job(id);
    match job {
        Some(job) if job.state == JobState::Pending && job.is_synchronous() => {
            let first = context
                .facts
                .first(job.resource)
                .filter(|first| *first != id);
            let error = JobError::new(JobErrorCode::Cancelled, "Withdrawn before it began.");
            let resource = context.facts.resource(job.resource);
            let mut writes = Vec::new();
            refuse(context, job, resource, error, &mut writes);
            (writes, Withdrawal::Withdrawn(first))
        }
        other => (Vec::new(), Withdrawal::TooLate(other.map(Box::new))),
    }
}
