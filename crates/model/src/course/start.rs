//! Transaction 2: a job's turn has come. Refuse it, or claim what it needs and write the next spec.

use super::{assignment, end, refuse};
use crate::{
    claim::Item,
    facts::Context,
    job::{Job, JobError, JobEvent},
    ops::Next,
    report::Assignment,
    resource::Resource,
    spec::Spec,
    writes::Write,
};
use api::{JobErrorCode, JobId};

/// Starts a job that is first in all its lines. `None` where its host has nothing to be told:
/// refused, done at once, or not to be started any more.
pub fn start(context: &Context<'_>, id: JobId) -> (Vec<Write>, Option<Assignment>) {
    let mut writes = Vec::new();
    let Some(job) = context.facts.job(id).filter(Job::is_ready) else {
        return (writes, None);
    };
    let Some(resource) = context.facts.resource(job.resource) else {
        without_resource(context, job, &mut writes);
        return (writes, None);
    };
    if resource.leftover.is_some() && !job.operation.definition().removes {
        let text = format!(
            "Virtual machine {} was left over by a failed job.",
            resource.record.name
        );
        let error = JobError::new(JobErrorCode::InvalidState, text);
        refuse(context, job, Some(resource), error, &mut writes);
        return (writes, None);
    }
    match (job.operation.definition().start)(context, &job, &resource) {
        Err(error) => {
            refuse(context, job, Some(resource), error, &mut writes);
            (writes, None)
        }
        Ok(Next::Done) => {
            end(context, job, JobEvent::Complete, &mut writes);
            (writes, None)
        }
        Ok(Next::Spec { spec, claims }) => {
            let assignment = write_spec(context, job, resource, spec, claims, &mut writes);
            (writes, Some(assignment))
        }
    }
}

/// Fails a job whose rule panicked, so that its line moves on.
pub fn fail(context: &Context<'_>, id: JobId) -> Vec<Write> {
    let mut writes = Vec::new();
    if let Some(job) = context.facts.job(id).filter(Job::is_ready) {
        let text = "A fault of Cloudlet itself; the log has the details under this job's id.";
        let error = JobError::new(JobErrorCode::InternalError, text);
        let resource = context.facts.resource(job.resource);
        refuse(context, job, resource, error, &mut writes);
    }
    writes
}

/// The resource went while the job stood in line: that is all a delete wanted.
fn without_resource(context: &Context<'_>, mut job: Job, writes: &mut Vec<Write>) {
    if job.operation.definition().removes {
        end(context, job, JobEvent::Complete, writes);
        return;
    }
    let text = format!(
        "Virtual machine {} was gone when its turn came.",
        job.resource_name
    );
    job.error = Some(JobError::new(JobErrorCode::NotFound, text));
    end(context, job, JobEvent::Fail, writes);
}

fn write_spec(
    context: &Context<'_>,
    mut job: Job,
    mut resource: Resource,
    spec: Spec,
    claims: Vec<(Item, u64)>,
    writes: &mut Vec<Write>,
) -> Assignment {
    for (item, amount) in claims {
        let holder = resource.id;
        writes.push(Write::Claim(crate::claim::Claim {
            holder,
            item,
            amount,
        }));
    }
    job.before = Some(with_power_as_seen(&resource));
    job.after = Some(spec.clone());
    job.stage = "starting".to_owned();
    job.apply(JobEvent::Start, context.now);
    resource.acting = Some(job.id);
    resource.leftover = None;
    resource.show(job.operation.definition().status, context.now);
    raise(&mut resource, spec);
    let assignment = assignment(&resource, Some(&job));
    writes.push(Write::PutJob(Box::new(job)));
    writes.push(Write::PutResource(Box::new(resource)));
    assignment
}

/// Writes a spec as the next generation. The resource remembers the highest boot number.
pub(super) fn raise(resource: &mut Resource, spec: Spec) {
    if let Spec::Machine(machine) = &spec {
        resource.last_boot = resource.last_boot.max(machine.boot);
    }
    resource.spec = spec;
    resource.generation += 1;
}

/// Only create, start, stop and reset set power: a machine that died stays off on the way back.
fn with_power_as_seen(resource: &Resource) -> Spec {
    match resource.spec.clone() {
        Spec::Absent => Spec::Absent,
        Spec::Machine(mut machine) => {
            machine.power = resource.power();
            Spec::Machine(machine)
        }
    }
}
