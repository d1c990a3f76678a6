//! Transaction 3: what follows from a report. Progress is written; a settled generation finishes
//! its job in the same transaction; a failed one sends it back.

use super::{assignment, detach, end, remove, retreat};
use crate::{
    facts::Context,
    job::{Job, JobError, JobEvent, JobState, Phase},
    limits::PHASE_LIMIT,
    report::{Failure, Report, ReportState, Told},
    resource::Resource,
    writes::Write,
};
use api::{JobErrorCode, machine::MachineStatus};

/// Applies a report. One for an older generation than the newest changes nothing; the answer
/// carries the newest spec all the same.
pub fn report(context: &Context<'_>, report: &Report) -> (Vec<Write>, Told) {
    let Some(resource) = context.facts.resource(report.resource) else {
        return (Vec::new(), Told::Forget);
    };
    let job = resource.acting.and_then(|job| context.facts.job(job));
    if report.generation != resource.generation {
        return (Vec::new(), Told::Spec(assignment(&resource, job.as_ref())));
    }
    let mut writes = Vec::new();
    let mut after = resource.clone();
    if let Some(observed) = &report.observed {
        after.observed = Some(observed.clone());
    }
    let told = match (&report.state, job) {
        (ReportState::Acting, Some(job)) => {
            acting(context, report, job, after.clone(), &mut writes)
        }
        (ReportState::Acting, None) => Told::Spec(assignment(&after, None)),
        (ReportState::Settled, job) => {
            after.settled = after.generation;
            return settled(context, report, job, &resource, after);
        }
        (ReportState::Failed(failure), Some(job)) if !resource.is_settled() => {
            let job = noted(context, report, job);
            return retreat::retreat(context, job, after, failure);
        }
        (ReportState::Failed(_), _) => {
            after.show(MachineStatus::Error, context.now);
            Told::Spec(assignment(&after, None))
        }
    };
    if after != resource {
        writes.push(Write::PutResource(Box::new(after)));
    }
    (writes, told)
}

fn acting(
    context: &Context<'_>,
    report: &Report,
    job: Job,
    after: Resource,
    writes: &mut Vec<Write>,
) -> Told {
    let told = Told::Spec(assignment(&after, Some(&job)));
    let noted = noted(context, report, job.clone());
    if noted != job {
        writes.push(Write::PutJob(Box::new(noted)));
    }
    told
}

/// The job with what a report says of phases, stage and progress. Progress never falls, is held on
/// the way back, and reaches 99 at most before the end.
fn noted(context: &Context<'_>, report: &Report, mut job: Job) -> Job {
    merge_phases(&mut job.phases, &report.phases);
    let shown = (job.progress, job.stage.clone());
    if job.state == JobState::Reverting {
        job.stage = "reverting".to_owned();
    } else {
        if let Some(phase) = &report.phase {
            job.stage.clone_from(phase);
        }
        let total = *job.total.get_or_insert(report.total);
        job.progress = job.progress.max(percent(total, report.remaining));
    }
    if shown != (job.progress, job.stage.clone()) {
        job.touch(context.now);
    }
    job
}

/// `min(99, floor(99 · (1 − remaining / total)))`.
fn percent(total: u64, remaining: u64) -> u8 {
    let done = total.saturating_sub(remaining);
    let percent = (99 * done).checked_div(total).unwrap_or(0);
    u8::try_from(percent.min(99)).unwrap_or(99)
}

/// A phase is known by its generation and name; what was known before a restart is kept.
fn merge_phases(known: &mut Vec<Phase>, reported: &[Phase]) {
    for phase in reported {
        let same = |other: &Phase| other.generation == phase.generation && other.name == phase.name;
        match known.iter().position(same) {
            Some(index) => {
                let entry = &mut known[index];
                entry.ended_at = phase.ended_at;
                entry.attempt = entry.attempt.max(phase.attempt);
                if phase.error.is_some() {
                    entry.error.clone_from(&phase.error);
                }
            }
            None if known.len() < PHASE_LIMIT => known.push(phase.clone()),
            None => {}
        }
    }
}

fn settled(
    context: &Context<'_>,
    report: &Report,
    job: Option<Job>,
    before: &Resource,
    mut after: Resource,
) -> (Vec<Write>, Told) {
    let mut writes = Vec::new();
    let Some(job) = job else {
        return watched(context, before, after);
    };
    let job = noted(context, report, job);
    let died = died(&job, &after);
    if let Some(error) = died
        .clone()
        .filter(|_| job.operation.definition().creates && job.state == JobState::Running)
    {
        return retreat::retreat(
            context,
            job,
            after,
            &Failure {
                error,
                outstanding: false,
            },
        );
    }
    let complete = died.is_none() && job.state != JobState::Reverting;
    detach(&mut after, &job);
    let id = after.id;
    if after.spec.is_absent() {
        remove(context, id, &mut writes);
    } else {
        after.show(after.resting_status(), context.now);
        writes.push(Write::PutResource(Box::new(after.clone())));
    }
    let event = if complete {
        JobEvent::Complete
    } else {
        JobEvent::Fail
    };
    let error = died.or_else(|| job.error.clone());
    end(context, Job { error, ..job }, event, &mut writes);
    let told = if after.spec.is_absent() {
        Told::Forget
    } else {
        Told::Spec(assignment(&after, None))
    };
    (writes, told)
}

/// Create, start and reset have their effect only if the machine then runs.
fn died(job: &Job, resource: &Resource) -> Option<JobError> {
    let must_run = job.operation.definition().must_run
        && job.state != JobState::Reverting
        && resource
            .spec
            .machine()
            .is_some_and(|machine| machine.is_on());
    let runs = resource
        .observed
        .as_ref()
        .is_some_and(|observed| observed.is_running());
    if !must_run || runs {
        return None;
    }
    let text = format!(
        "Virtual machine {} stopped by itself while it was being started.",
        resource.record.name
    );
    Some(JobError::new(JobErrorCode::Died, text))
}

/// No job is under way: show what is seen, and close a leftover that has come to its end.
fn watched(context: &Context<'_>, before: &Resource, mut after: Resource) -> (Vec<Write>, Told) {
    let mut writes = Vec::new();
    if after.leftover.is_some() && after.spec.is_absent() {
        remove(context, after.id, &mut writes);
        return (writes, Told::Forget);
    }
    after.leftover = None;
    after.show(after.resting_status(), context.now);
    if &after != before {
        writes.push(Write::PutResource(Box::new(after.clone())));
    }
    (writes, Told::Spec(assignment(&after, None)))
}
