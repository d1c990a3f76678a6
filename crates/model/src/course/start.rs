//! Transaction 2: a job's turn has come. Refuse it, or claim what it needs and write the next spec.

use super::{assignment, end, refuse};
use crate::{
    claim,
    facts::Context,
    job::{Job, JobError, JobEvent},
    ops::{Change, Next},
    report::Assignment,
    resource::{Kind, Resource},
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
    match begin(context, &job, &resource, &mut writes) {
        Err(error) => {
            writes.clear();
            refuse(context, job, Some(resource), error, &mut writes);
            (writes, None)
        }
        Ok(None) => {
            end(context, job, JobEvent::Complete, &mut writes);
            (writes, None)
        }
        Ok(Some(assignment)) => (writes, Some(assignment)),
    }
}

/// What follows from the operation's own rule; `None`: it is done.
fn begin(
    context: &Context<'_>,
    job: &Job,
    resource: &Resource,
    writes: &mut Vec<Write>,
) -> Result<Option<Assignment>, JobError> {
    without_leftover(context, job)?;
    match (job.operation.definition().start)(context, job, resource)? {
        Next::Done => Ok(None),
        Next::Record(resource) => {
            writes.push(Write::PutResource(resource));
            Ok(None)
        }
        Next::Spec(change) => write_spec(context, job.clone(), resource, *change, writes).map(Some),
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
    let definition = job.operation.definition();
    if definition.removes {
        end(context, job, JobEvent::Complete, writes);
        return;
    }
    let (kind, name) = (definition.kind.words(), &job.resource_name);
    let text = format!("{kind} {name} was gone when its turn came.");
    job.error = Some(JobError::new(JobErrorCode::NotFound, text));
    end(context, job, JobEvent::Fail, writes);
}

/// Nothing starts on what was left over, but for a delete of that very resource.
fn without_leftover(context: &Context<'_>, job: &Job) -> Result<(), JobError> {
    let removes = job.operation.definition().removes;
    for &key in job.lines() {
        if removes && key == job.resource {
            continue;
        }
        let resource = context.facts.resource(key);
        if let Some(resource) = resource.filter(|resource| resource.leftover.is_some()) {
            let text = format!("{} was left over by a failed job.", resource.words());
            return Err(JobError::new(JobErrorCode::InvalidState, text));
        }
    }
    Ok(())
}

fn write_spec(
    context: &Context<'_>,
    mut job: Job,
    subject: &Resource,
    change: Change,
    writes: &mut Vec<Write>,
) -> Result<Assignment, JobError> {
    let Change {
        on: mut acted,
        spec,
        asked,
        also,
        result,
    } = change;
    let definition = job.operation.definition();
    let is_placed = definition.creates && acted.kind() != Kind::Network;
    if is_placed && context.facts.is_drained(acted.host) {
        return Err(claim::no_room(context, &acted, &asked));
    }
    let before = with_power_as_seen(&acted);
    claim::raise(context, &acted, (&before, &spec), &asked, writes)?;
    if let Some((other, spec)) = also {
        claim::raise(context, &other, (&other.spec, &spec), &asked, writes)?;
    }
    job.before = Some(before);
    job.after = Some(spec.clone());
    job.generation = acted.generation + 1;
    job.acts_on = (acted.id != job.resource).then_some(acted.id);
    job.result = result;
    job.stage = "starting".to_owned();
    job.apply(JobEvent::Start, context.now);
    acted.acting = Some(job.id);
    acted.leftover = None;
    raise(&mut acted, spec);
    if let Some(status) = definition.status {
        if acted.id == job.resource {
            acted.show(status, context.now);
        } else {
            let mut subject = subject.clone();
            subject.show(status, context.now);
            writes.push(Write::PutResource(Box::new(subject)));
        }
    }
    let assignment = assignment(&acted, Some(&job));
    writes.push(Write::PutJob(Box::new(job)));
    writes.push(Write::PutResource(Box::new(acted)));
    Ok(assignment)
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
pub(crate) fn with_power_as_seen(resource: &Resource) -> Spec {
    match resource.spec.clone() {
        Spec::Machine(mut machine) => {
            machine.power = resource.power();
            Spec::Machine(machine)
        }
        other => other,
    }
}
