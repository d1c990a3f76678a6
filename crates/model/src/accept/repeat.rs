//! Requests that are sent again: an idempotency key is answered as it was before.
//!
//! A refusal writes nothing, so it is judged afresh; so is a call that has failed since. What is
//! remembered are the jobs, shown as they are now.

use super::Accepted;
use crate::{
    facts::{Context, Refusal},
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
    let Some(Idempotency { key, request }) = idempotency else {
        return rule();
    };
    if let Some(known) = context.facts.answer(&key) {
        if known.request != request {
            let text = "This Idempotency-Key was used with another body; take a new key for a new \
                request";
            return Err(Refusal::new(ErrorCode::IdempotencyKeyReused, text));
        }
        let jobs = known.jobs.iter().filter_map(|&job| context.facts.job(job));
        if let Some(again) = T::again(jobs.collect()) {
            return Ok((Vec::new(), again));
        }
    }
    let (mut writes, outcome) = rule()?;
    let jobs = outcome.jobs();
    writes.push(Write::PutAnswer(key, Answer { request, jobs }));
    Ok((writes, outcome))
}
