//! The way back, or forward once more; and where neither leads, a leftover.

use super::{assignment, cancelled, detach, end, release_quota_of_leftover, start::raise};
use crate::{
    back::{Retreat, Standing, back},
    facts::Context,
    job::{Job, JobError, JobEvent, JobState},
    report::{Assignment, Failure, Told},
    resource::{Leftover, Resource},
    writes::Write,
};
use api::{JobErrorCode, JobId, ResourceId, machine::MachineStatus};

/// What follows when a job cannot go on: the first time a new generation that leads back (or
/// forward once more), the second time a leftover.
pub(super) fn retreat(
    context: &Context<'_>,
    mut job: Job,
    mut resource: Resource,
    failure: &Failure,
) -> (Vec<Write>, Told) {
    if job.state != JobState::Running {
        return leave_over(context, job, resource, failure);
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
    (
        vec![
            Write::PutJob(Box::new(job)),
            Write::PutResource(Box::new(resource)),
        ],
        told,
    )
}

/// Neither finished nor put back: the job fails and names what is left, the line moves on.
fn leave_over(
    context: &Context<'_>,
    mut job: Job,
    mut resource: Resource,
    failure: &Failure,
) -> (Vec<Write>, Told) {
    let mut writes = Vec::new();
    let cause = job.error.take().unwrap_or_else(|| failure.error.clone());
    let name = &resource.record.name;
    // What is left stands first: a long cause is cut, this is not.
    let text = format!(
        "Left over: virtual machine {name} ({}); delete it to try again. {} {}",
        resource.id, cause.text, failure.error.text
    );
    job.error = Some(JobError::new(cause.code, text));
    detach(&mut resource, &job);
    resource.leftover = Some(Leftover {
        job: job.id,
        since: context.now,
        what: failure.error.text.clone(),
    });
    resource.show(MachineStatus::Error, context.now);
    release_quota_of_leftover(context, &resource, &mut writes);
    let told = Told::Spec(assignment(&resource, None));
    writes.push(Write::PutResource(Box::new(resource)));
    end(context, job, JobEvent::Fail, &mut writes);
    (writes, told)
}

/// Ends a job whose course panicked: what there is of its resource is left over.
pub fn give_up(context: &Context<'_>, id: ResourceId) -> (Vec<Write>, Option<Told>) {
    let resource = context.facts.resource(id);
    let acting = resource.as_ref().and_then(|resource| resource.acting);
    let job = acting.and_then(|job| context.facts.job(job));
    let (Some(resource), Some(mut job)) = (resource, job) else {
        return (Vec::new(), None);
    };
    if job.state == JobState::Running {
        // A wish to cancel is not why it ends.
        job.error = None;
    }
    let text = "A fault of Cloudlet itself; the log has the details under this job's id.";
    let failure = Failure {
        error: JobError::new(JobErrorCode::InternalError, text),
        outstanding: true,
    };
    let (writes, told) = leave_over(context, job, resource, &failure);
    (writes, Some(told))
}

/// Answers the wish to cancel a create that runs. One that has settled before has won.
pub fn cancel(context: &Context<'_>, id: JobId) -> (Vec<Write>, Option<Assignment>) {
    let wished = |job: &Job| {
        job.cancel && job.state == JobState::Running && job.operation.definition().creates
    };
    let job = context.facts.job(id).filter(wished);
    let resource = job
        .as_ref()
        .and_then(|job| context.facts.resource(job.resource));
    let (Some(job), Some(resource)) = (job, resource) else {
        return (Vec::new(), None);
    };
    let error = cancelled::why(&job);
    match retreat(
        context,
        job,
        resource,
        &Failure {
            error,
            outstanding: true,
        },
    ) {
        (writes, Told::Spec(assignment)) => (writes, Some(assignment)),
        (writes, Told::Forget) => (writes, None),
    }
}
