//! The way back, or forward once more; and where neither leads, a leftover.

use super::{assignment, cancelled, leftover, report::Heard, start::raise};
use crate::{
    back::{Retreat, Standing, back},
    facts::Context,
    job::{Job, JobEvent, JobState},
    report::{Assignment, Failure, Told},
    resource::Resource,
    writes::Write,
};
use api::JobId;

/// What follows when a job cannot go on: the first time a new generation that leads back (or
/// forward once more), the second time a leftover.
pub(super) fn retreat(
    context: &Context<'_>,
    mut job: Job,
    mut resource: Resource,
    failure: &Failure,
) -> (Vec<Write>, Heard) {
    if job.state != JobState::Running {
        return leftover::leave_over(context, job, resource, failure);
    }
    let standing = Standing {
        observed: resource.observed.as_ref(),
        outstanding: failure.outstanding,
        last_boot: resource.last_boot,
    };
    let before = job.before.clone().unwrap_or_default();
    let after = job.after.clone().unwrap_or_default();
    let spec = match back(&before, &after, standing) {
        Retreat::Back(spec) => {
            job.apply(JobEvent::Revert, context.now);
            job.stage = "reverting".to_owned();
            job.touch(context.now);
            spec
        }
        Retreat::Forward(spec) => {
            job.apply(JobEvent::Retry, context.now);
            job.total = None;
            spec
        }
    };
    job.error = Some(failure.error.clone());
    raise(&mut resource, spec);
    let told = Told::Spec(assignment(&resource, Some(&job)));
    let writes = vec![
        Write::PutJob(Box::new(job)),
        Write::PutResource(Box::new(resource)),
    ];
    (writes, told.into())
}

/// Answers the wish to cancel a create that runs. One that has settled before has won.
pub fn cancel(context: &Context<'_>, id: JobId) -> (Vec<Write>, Option<Assignment>) {
    let wished = |job: &Job| {
        job.cancel && job.state == JobState::Running && job.operation.definition().creates
    };
    let job = context.facts.job(id).filter(wished);
    let resource = job
        .as_ref()
        .and_then(|job| context.facts.resource(job.acted()));
    let (Some(job), Some(resource)) = (job, resource) else {
        return (Vec::new(), None);
    };
    let failure = Failure {
        error: cancelled::why(&job),
        outstanding: true,
    };
    let (writes, heard) = retreat(context, job, resource, &failure);
    match heard.told {
        Told::Spec(assignment) => (writes, Some(assignment)),
        Told::Forget => (writes, None),
    }
}
