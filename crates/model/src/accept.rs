//! What every acceptance has in common: finding the resource, a place in line, a new job.
//!
//! Acceptance decides names, references and conflicts that can be seen at once. Quota, capacity
//! and placement are decided when the job's turn comes ([`crate::course::start`]).

use crate::{
    facts::{Context, Refusal},
    job::{Job, JobState},
    limits::{LINE_LIMIT, SYNCHRONOUS_LIMIT},
    operation::Operation,
    resource::Resource,
    writes::{Answer, AnswerKey, Write},
};
use api::{ErrorCode, JobId, ResourceId, TenantId};

/// What an accepting rule decides: what to write, and what to answer.
pub type Accepted<T> = Result<(Vec<Write>, T), Refusal>;

/// The idempotency key of a request, with the digest of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Tenant, method, path and key.
    pub key: AnswerKey,
    /// The body.
    pub request: [u8; 16],
}

/// The jobs that a request was answered with before, as they are now.
pub fn repeated(
    context: &Context<'_>,
    idempotency: Option<Idempotency>,
) -> Result<Option<Vec<Job>>, Refusal> {
    let Some(idempotency) = idempotency else {
        return Ok(None);
    };
    let Some(Answer { request, jobs }) = context.facts.answer(&idempotency.key) else {
        return Ok(None);
    };
    if request != idempotency.request {
        return Err(Refusal::new(
            ErrorCode::IdempotencyKeyReused,
            "This Idempotency-Key was used with another body; take a new key for a new request",
        ));
    }
    Ok(Some(
        jobs.into_iter()
            .filter_map(|job| context.facts.job(job))
            .collect(),
    ))
}

/// A machine as its tenant sees it.
pub fn machine(
    context: &Context<'_>,
    tenant: TenantId,
    id: ResourceId,
) -> Result<Resource, Refusal> {
    context
        .facts
        .resource(id)
        .filter(|resource| resource.tenant == tenant)
        .ok_or_else(Refusal::no_machine)
}

/// A machine that may be changed: nothing changes it once its delete was accepted.
pub fn changeable_machine(
    context: &Context<'_>,
    tenant: TenantId,
    id: ResourceId,
) -> Result<Resource, Refusal> {
    let resource = machine(context, tenant, id)?;
    if let Some(delete) = resource.deleting {
        let text = format!("Virtual machine {} is being deleted", resource.record.name);
        return Err(Refusal::new(ErrorCode::InvalidState, text).with_job(Some(delete)));
    }
    Ok(resource)
}

/// Refuses what an open leftover forbids: everything but a delete.
pub fn without_leftover(resource: &Resource) -> Result<(), Refusal> {
    match &resource.leftover {
        None => Ok(()),
        Some(leftover) => {
            let text = format!(
                "Virtual machine {} was left over by a failed job and can only be deleted",
                resource.record.name
            );
            Err(Refusal::new(ErrorCode::InvalidState, text).with_job(Some(leftover.job)))
        }
    }
}

/// A new job at the end of its resource's line.
pub fn enqueue(
    context: &Context<'_>,
    operation: Operation,
    resource: &Resource,
    writes: &mut Vec<Write>,
) -> Result<Job, Refusal> {
    let line = context.facts.line(resource.id);
    let in_the_way = || context.facts.first(resource.id);
    let full = |limit, what| {
        let text = format!(
            "{limit} {what} wait for virtual machine {} already",
            resource.record.name
        );
        Err(Refusal::new(ErrorCode::LineFull, text)
            .with_job(in_the_way())
            .with_limit(limit))
    };
    if operation.definition().synchronous && line.synchronous >= SYNCHRONOUS_LIMIT {
        return full(SYNCHRONOUS_LIMIT, "calls");
    }
    if line.length > LINE_LIMIT && !operation.definition().removes {
        return full(LINE_LIMIT, "operations");
    }
    let job = Job {
        id: JobId((context.new_id)()),
        number: 0,
        tenant: resource.tenant,
        host: resource.host,
        operation,
        resource: resource.id,
        resource_name: resource.record.name.clone(),
        state: JobState::Pending,
        blockers: u32::from(line.length > 0),
        before: None,
        after: None,
        progress: 0,
        total: None,
        stage: "queued".to_owned(),
        error: None,
        phases: Vec::new(),
        cancel: false,
        created_at: context.now,
        updated_at: context.now,
        completed_at: None,
    };
    writes.push(Write::PutJob(Box::new(job.clone())));
    writes.push(Write::Enter {
        key: resource.id,
        job: job.id,
    });
    Ok(job)
}
