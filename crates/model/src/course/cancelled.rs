//! Who wished a job cancelled, in words. The wish is kept as the job's error, which nobody is shown
//! unless the job fails by it.

use crate::job::{Job, JobError};
use api::JobErrorCode;

/// Who wishes a job cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CancelledBy {
    /// A delete of its resource.
    Delete,
    /// Its tenant.
    Request,
}

impl CancelledBy {
    /// As the job says it once it has failed.
    pub(crate) fn error(self) -> JobError {
        let text = match self {
            Self::Delete => "Cancelled by a delete.",
            Self::Request => "Cancelled on request.",
        };
        JobError::new(JobErrorCode::Cancelled, text)
    }
}

/// Notes the wish with a job that runs; the first wish stays.
pub(crate) fn wish_cancelled(job: &mut Job, by: CancelledBy) {
    job.cancel = true;
    job.error.get_or_insert_with(|| by.error());
}

/// Why a job that was wished cancelled goes back. Where an older release kept the wish, it was a
/// delete's.
pub(super) fn why(job: &Job) -> JobError {
    let error = job.error.clone();
    error.unwrap_or_else(|| CancelledBy::Delete.error())
}
