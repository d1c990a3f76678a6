//! Jobs as answers show them: with the time that is probably left.

use super::{App, answer::Answer};
use model::{Job, render, turn::Ahead};

impl App {
    /// A job as it is now.
    pub(super) fn shown(&self, job: &Job) -> api::Job {
        self.estimated(render::job(job), job)
    }

    /// The same with its phases.
    pub(super) fn shown_in_detail(&self, job: &Job, ahead: Option<Ahead>) -> api::job::JobDetail {
        let detail = render::job_detail(job, ahead);
        api::job::JobDetail {
            job: self.estimated(detail.job, job),
            ..detail
        }
    }

    /// 202 with the one job.
    pub(super) fn accepted(&self, job: &Job) -> Answer<api::Job> {
        Answer::accepted(self.shown(job), &[job.id], self.engine.poll_after([job]))
    }

    fn estimated(&self, mut shown: api::Job, job: &Job) -> api::Job {
        if let Some(estimate) = self.engine.estimate(job) {
            estimate.show(&mut shown);
        }
        shown
    }
}
