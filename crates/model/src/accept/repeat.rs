//! Requests that are sent again: an idempotency key is answered as it was before.
//!
//! A refusal writes nothing, so it is judged afresh; so is a call that has failed since. What is
//! remembered are the jobs, shown as they are now; what is done without a job, its store remembers.

use super::Accepted;
use crate::{
    facts::{Context, Facts, Refusal},
    job::{Job, JobState},
    ops::Call,
    writes::{Answer, AnswerKey, Write},
};
use api::{ErrorCode, JobId};

/// The idempotency key of a request, with the digest of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Tenant, method, path and key.
    pub key: AnswerKey,
    /// The body.
    pub request: [u8; 16],
}

impl Idempotency {
    /// The answer without a job that is remembered.
    pub fn answer(&self, kept: String) -> Answer {
        Answer {
            request: self.request,
            jobs: Vec::new(),
            kept: Some(kept),
        }
    }
}

/// What a request without a job did: now, or when it came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Once<T, K = T> {
    /// Now.
    Now(T),
    /// When it came before; this is what was kept of it.
    Before(K),
}

impl<T> Once<T> {
    /// What it did, whenever that was.
    pub fn either(self) -> T {
        match self {
            Self::Now(it) | Self::Before(it) => it,
        }
    }
}

/// What a request was accepted as, and can be answered with again.
pub trait Repeatable: Sized {
    /// The jobs that are remembered.
    fn jobs(&self) -> Vec<JobId>;
    /// The same answer from its jobs as they are now; `None`: it is to be judged afresh.
    fn again(jobs: Vec<Job>) -> Option<Self>;
}

impl Repeatable for () {
    fn jobs(&self) -> Vec<JobId> {
        Vec::new()
    }

    fn again(_: Vec<Job>) -> Option<Self> {
        Some(())
    }
}

impl Repeatable for Job {
    fn jobs(&self) -> Vec<JobId> {
        vec![self.id]
    }

    fn again(mut jobs: Vec<Job>) -> Option<Self> {
        jobs.pop()
    }
}

impl Repeatable for Vec<Job> {
    fn jobs(&self) -> Vec<JobId> {
        self.iter().map(|job| job.id).collect()
    }

    fn again(jobs: Vec<Job>) -> Option<Self> {
        (!jobs.is_empty()).then_some(jobs)
    }
}

impl Repeatable for Call {
    fn jobs(&self) -> Vec<JobId> {
        match self {
            Self::AsWished => Vec::new(),
            Self::Job(job) => vec![job.id],
        }
    }

    fn again(mut jobs: Vec<Job>) -> Option<Self> {
        match jobs.pop() {
            None => Some(Self::AsWished),
            Some(job) if job.state == JobState::Failed => None,
            Some(job) => Some(Self::Job(Box::new(job))),
        }
    }
}

/// Runs an accepting rule, unless its request was accepted before.
pub fn once<T: Repeatable>(
    context: &Context<'_>,
    idempotency: Option<Idempotency>,
    rule: impl FnOnce() -> Accepted<T>,
) -> Accepted<T> {
    let Some(idempotency) = idempotency else {
        return rule();
    };
    if let Some(known) = known(context.facts, idempotency)? {
        let jobs = known.jobs.iter().filter_map(|&job| context.facts.job(job));
        if let Some(again) = T::again(jobs.collect()) {
            return Ok((Vec::new(), again));
        }
    }
    let (mut writes, outcome) = rule()?;
    let answer = Answer {
        request: idempotency.request,
        jobs: outcome.jobs(),
        kept: None,
    };
    writes.push(Write::PutAnswer(idempotency.key, answer));
    Ok((writes, outcome))
}

/// Runs a rule that makes no job, unless its request came before. `kept` is what a repeat is to know.
pub fn once_without_job<T>(
    context: &Context<'_>,
    repeat: Option<(Idempotency, String)>,
    rule: impl FnOnce() -> Accepted<T>,
) -> Accepted<Once<T, String>> {
    let Some((repeat, kept)) = repeat else {
        return rule().map(|(writes, done)| (writes, Once::Now(done)));
    };
    if let Some(known) = known(context.facts, repeat)? {
        return Ok((Vec::new(), Once::Before(known.kept.unwrap_or_default())));
    }
    let (mut writes, done) = rule()?;
    let answer = repeat.answer(kept);
    writes.push(Write::PutAnswer(repeat.key, answer));
    Ok((writes, Once::Now(done)))
}

/// What the same request was answered with before; `None`: it is new.
///
/// # Errors
///
/// Another request came with this key.
pub fn known(facts: &dyn Facts, repeat: Idempotency) -> Result<Option<Answer>, Refusal> {
    let known = facts.answer(&repeat.key);
    if known
        .as_ref()
        .is_some_and(|it| it.request != repeat.request)
    {
        let text =
            "This Idempotency-Key was used with another body; take a new key for a new request";
        return Err(Refusal::new(ErrorCode::IdempotencyKeyReused, text));
    }
    Ok(known)
}
