//! Transaction 3: what follows from a report. Progress is written; a settled generation finishes
//! its job in the same transaction; a failed one sends it back.

use super::{
    assignment, detach, end, remove, retreat,
    settle::{Touched, judged, settle_claims, settle_disks},
};
use crate::{
    claim::Item,
    facts::Context,
    job::{Job, JobError, JobEvent, JobState, Phase},
    limits::{DONE_LIMIT, PHASE_LIMIT},
    observed::{Ended, MachineObserved},
    report::{Assignment, Done, Failure, Report, ReportState, Told},
    resource::{Kind, Leftover, Resource},
    writes::Write,
};
use api::JobErrorCode;

/// What the engine answers to a report, and what else the host is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Of the resource itself.
    pub told: Told,
    /// Of other resources whose specs followed: volumes of a machine.
    pub others: Vec<Assignment>,
}

impl From<Told> for Heard {
    fn from(told: Told) -> Self {
        Self {
            told,
            others: Vec::new(),
        }
    }
}

/// Applies a report. One for an older generation than the newest changes nothing; the answer
/// carries the newest spec all the same.
pub fn report(context: &Context<'_>, report: &Report) -> (Vec<Write>, Heard) {
    let Some(resource) = context.facts.resource(report.resource) else {
        return (Vec::new(), Told::Forget.into());
    };
    let job = resource.acting.and_then(|job| context.facts.job(job));
    if report.generation != resource.generation {
        let told = Told::Spec(assignment(&resource, job.as_ref()));
        return (Vec::new(), told.into());
    }
    let mut after = resource.clone();
    if let Some(observed) = &report.observed {
        after.observed = Some(observed.clone());
    }
    if job.is_none() && is_on_machine(context, &resource) {
        // What becomes of it follows from what its machine reports: nothing is shown before that.
        if report.state == ReportState::Settled {
            after.settled = after.generation;
        }
        return kept(&resource, after);
    }
    match (&report.state, job) {
        (ReportState::Acting, Some(job)) => acting(context, report, job, &resource, after),
        (ReportState::Acting, None) => kept(&resource, after),
        (ReportState::Settled, job) => settled(context, report, job, &resource, after),
        (ReportState::Failed(failure), Some(job)) if !resource.is_settled() => {
            let job = noted(context, report, job);
            retreat::retreat(context, job, after, failure)
        }
        (ReportState::Failed(_), _) => {
            after.show(after.error_status(), context.now);
            if let Some(leftover) = &mut after.leftover {
                leftover.retry = false;
            }
            kept(&resource, after)
        }
    }
}

/// Whether a resource is a volume that a machine holds, whatever its record says.
fn is_on_machine(context: &Context<'_>, resource: &Resource) -> bool {
    let item = Item::Attachment(resource.id);
    resource.kind() == Kind::Volume && context.facts.holder(&item).is_some()
}

fn kept(before: &Resource, after: Resource) -> (Vec<Write>, Heard) {
    let told = Told::Spec(assignment(&after, None));
    let mut writes = Vec::new();
    if &after != before {
        writes.push(Write::PutResource(Box::new(after)));
    }
    (writes, told.into())
}

fn acting(
    context: &Context<'_>,
    report: &Report,
    job: Job,
    before: &Resource,
    after: Resource,
) -> (Vec<Write>, Heard) {
    let told = Told::Spec(assignment(&after, Some(&job)));
    let noted = noted(context, report, job.clone());
    let mut writes = Vec::new();
    if noted != job {
        writes.push(Write::PutJob(Box::new(noted)));
    }
    if &after != before {
        writes.push(Write::PutResource(Box::new(after)));
    }
    (writes, told.into())
}

/// The job with what a report says of phases, stage and progress. Progress never falls, is held on
/// the way back, and reaches 99 at most before the end.
fn noted(context: &Context<'_>, report: &Report, mut job: Job) -> Job {
    merge_phases(&mut job.phases, &report.phases);
    merge_done(&mut job, &report.done);
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

/// What took effect before the job began is not the job's.
fn merge_done(job: &mut Job, reported: &[Done]) {
    for done in reported {
        let is_its_own = done.generation >= job.generation;
        if is_its_own && !job.done.contains(done) && job.done.len() < DONE_LIMIT {
            job.done.push(done.clone());
        }
    }
}

fn settled(
    context: &Context<'_>,
    report: &Report,
    job: Option<Job>,
    before: &Resource,
    mut after: Resource,
) -> (Vec<Write>, Heard) {
    after.settled = after.generation;
    after.spec = judged(&after.spec, after.observed.as_ref());
    let Some(job) = job else {
        return watched(context, before, after);
    };
    let job = noted(context, report, job);
    let died = died(&job, &after);
    let definition = job.operation.definition();
    if let Some(error) = died.clone()
        && definition.creates
        && job.state == JobState::Running
    {
        let failure = Failure {
            error,
            outstanding: false,
        };
        return retreat::retreat(context, job, after, &failure);
    }
    let by_itself = died.is_none() && job.state != JobState::Reverting;
    let complete = (definition.reached)(&job, &after).unwrap_or(by_itself);
    detach(&mut after, &job);
    if complete && after.id == job.resource {
        (definition.completed)(&job, &mut after);
    }
    let touched: Vec<_> = job.before.iter().chain(&job.after).cloned().collect();
    let mut writes = Vec::new();
    let touched = Touched {
        job: job.id,
        specs: &touched,
        claimed: &job.claimed,
    };
    let heard = rest(context, before, after, touched, &mut writes);
    let event = if complete {
        JobEvent::Complete
    } else {
        JobEvent::Fail
    };
    let error = died.or_else(|| job.error.clone());
    end(context, Job { error, ..job }, event, &mut writes);
    (writes, heard)
}

/// A spec was reached and nothing is under way: what is shown, held and told of it.
pub(super) fn rest(
    context: &Context<'_>,
    before: &Resource,
    mut after: Resource,
    touched: Touched<'_>,
    writes: &mut Vec<Write>,
) -> Heard {
    after.shown = after.spec.clone();
    let others = settle_disks(context, before, &after, writes);
    if after.spec.is_absent() {
        remove(context, after.id, writes);
        let told = Told::Forget;
        return Heard { told, others };
    }
    settle_claims(context, before, &after, touched, writes);
    after.show(after.resting_status(), context.now);
    if after.shown != before.shown || after.record != before.record || after.name != before.name {
        after.touch(context.now);
    }
    let told = Told::Spec(assignment(&after, None));
    if &after != before {
        writes.push(Write::PutResource(Box::new(after)));
    }
    Heard { told, others }
}

/// Create, start and reset have their effect only if the machine then runs.
fn died(job: &Job, resource: &Resource) -> Option<JobError> {
    let must_run = job.operation.definition().must_run
        && job.state != JobState::Reverting
        && resource
            .spec
            .machine()
            .is_some_and(|machine| machine.is_on());
    if !must_run || resource.seen().is_some_and(MachineObserved::is_running) {
        return None;
    }
    let mut text = format!(
        "{} stopped by itself while it was being started.",
        resource.words()
    );
    if let Some(Ended::Died { reason }) = resource.ended() {
        text = format!("{text} {reason}");
    }
    Some(JobError::new(JobErrorCode::Died, text))
}

/// No job is under way: show what is seen, and close a leftover that has come to its end.
fn watched(context: &Context<'_>, before: &Resource, mut after: Resource) -> (Vec<Write>, Heard) {
    let leftover = after.leftover.take();
    let touched = leftover.as_ref().map_or(Touched::NOTHING, of_leftover);
    let mut writes = Vec::new();
    let heard = rest(context, before, after, touched, &mut writes);
    (writes, heard)
}

/// What the job that left something over had claimed for.
pub(super) fn of_leftover(leftover: &Leftover) -> Touched<'_> {
    Touched {
        job: leftover.job,
        specs: &leftover.touched,
        claimed: &[],
    }
}
