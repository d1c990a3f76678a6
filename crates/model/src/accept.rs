//! What every acceptance has in common: finding the resource, a place in line, a new job.
//!
//! Acceptance decides names, references and conflicts that can be seen at once. Quota, capacity
//! and placement are decided when the job's turn comes ([`crate::course::start`]).

mod repeat;

pub use repeat::{Idempotency, Once, Repeatable, known, once, once_without_job};

use crate::{
    ability::Ability,
    claim::Item,
    facts::{Context, Refusal},
    job::{Job, JobError, JobState},
    limits::{LINE_LIMIT, SYNCHRONOUS_LIMIT},
    operation::Operation,
    resource::{Kind, Resource},
    wish::Wish,
    writes::Write,
};
use api::{ErrorCode, JobErrorCode, JobId, ResourceId, TenantId};
use std::collections::BTreeSet;

/// What an accepting rule decides: what to write, and what to answer.
pub type Accepted<T> = Result<(Vec<Write>, T), Refusal>;

/// A resource of a kind as its tenant sees it.
pub fn find(
    context: &Context<'_>,
    tenant: TenantId,
    id: ResourceId,
    kind: Kind,
) -> Result<Resource, Refusal> {
    context
        .facts
        .resource(id)
        .filter(|resource| resource.tenant == tenant && resource.kind() == kind)
        .ok_or_else(|| Refusal::not_found(kind))
}

/// A resource that an operation may change: the driver can do that, and nothing changes it once its
/// delete was accepted.
pub fn changeable(
    context: &Context<'_>,
    tenant: TenantId,
    id: ResourceId,
    operation: Operation,
) -> Result<Resource, Refusal> {
    let resource = find(context, tenant, id, operation.definition().kind)?;
    supported(context, operation)?;
    not_deleted(&resource)?;
    Ok(resource)
}

/// Refuses an operation that the driver cannot do. Each one is judged by this where it is put in line
/// ([`Request::enqueue`]); sooner where another refusal would mislead.
pub fn supported(context: &Context<'_>, operation: Operation) -> Result<(), Refusal> {
    let needs = operation.definition().needs;
    needs.map_or(Ok(()), |ability| context.driver.require(ability))
}

/// Refuses what comes after an accepted delete.
pub fn not_deleted(resource: &Resource) -> Result<(), Refusal> {
    let Some(delete) = resource.deleting else {
        return Ok(());
    };
    let text = format!("{} is being deleted", resource.words());
    Err(Refusal::new(ErrorCode::InvalidState, text).with_job(Some(delete)))
}

/// Refuses what an open leftover forbids: everything but a delete.
pub fn without_leftover(resource: &Resource) -> Result<(), Refusal> {
    match &resource.leftover {
        None => Ok(()),
        Some(leftover) => {
            let text = format!(
                "{} was left over by a failed job and can only be deleted",
                resource.words()
            );
            Err(Refusal::new(ErrorCode::InvalidState, text).with_job(Some(leftover.job)))
        }
    }
}

/// A refusal as the error of a job whose turn came too late.
pub fn too_late(refusal: &Refusal) -> JobError {
    let code = match refusal.code {
        ErrorCode::NotFound => JobErrorCode::NotFound,
        _ => JobErrorCode::InvalidState,
    };
    JobError::new(code, format!("{}.", refusal.message))
}

/// A job that is to be made.
pub struct Request<'a> {
    /// What it does.
    pub operation: Operation,
    /// What it is about.
    pub resource: &'a Resource,
    /// In whose lines it stands.
    pub lines: BTreeSet<ResourceId>,
    /// What was asked for.
    pub wish: Wish,
    /// What its resource has claimed for it; the writes are the caller's.
    pub claimed: Vec<Item>,
    /// Whether lists leave it out.
    pub unlisted: bool,
    /// What of the driver's it needs: what its operation does, unless a plan of nothing is enough.
    pub needs: Option<Ability>,
}

impl<'a> Request<'a> {
    /// A job in its resource's own line.
    pub fn new(operation: Operation, resource: &'a Resource) -> Self {
        Self {
            operation,
            resource,
            lines: BTreeSet::from([resource.id]),
            wish: Wish::Nothing,
            claimed: Vec::new(),
            unlisted: false,
            needs: operation.definition().needs,
        }
    }

    /// Whether nobody stands in any of its lines.
    pub fn is_alone(&self, context: &Context<'_>) -> bool {
        let mut lengths = self.lines.iter().map(|&key| context.facts.line(key).length);
        lengths.all(|length| length == 0)
    }

    /// Puts it at the end of its lines; refused where the driver cannot do it.
    pub fn enqueue(self, context: &Context<'_>, writes: &mut Vec<Write>) -> Result<Job, Refusal> {
        if let Some(ability) = self.needs {
            context.driver.require(ability)?;
        }
        let mut blockers = 0;
        for &key in &self.lines {
            self.check_room(context, key)?;
            blockers += u32::from(context.facts.line(key).length > 0);
        }
        let job = self.job(context, blockers);
        writes.push(Write::PutJob(Box::new(job.clone())));
        for &key in job.lines() {
            writes.push(Write::Enter { key, job: job.id });
        }
        Ok(job)
    }

    fn check_room(&self, context: &Context<'_>, key: ResourceId) -> Result<(), Refusal> {
        let line = context.facts.line(key);
        let definition = self.operation.definition();
        let full = |limit: u32, what: &str| {
            let whose = context.facts.resource(key).map(|resource| resource.words());
            let whose = whose.unwrap_or_else(|| self.resource.words());
            let text = format!("{limit} {what} wait for {whose} already");
            Err(Refusal::new(ErrorCode::LineFull, text)
                .with_job(context.facts.first(key))
                .with_limit(limit))
        };
        if definition.synchronous && line.synchronous >= SYNCHRONOUS_LIMIT {
            return full(SYNCHRONOUS_LIMIT, "calls");
        }
        if line.length > LINE_LIMIT && !definition.removes {
            return full(LINE_LIMIT, "operations");
        }
        Ok(())
    }

    fn job(self, context: &Context<'_>, blockers: u32) -> Job {
        let resource = self.resource;
        let only_its_own = self.lines.len() == 1 && self.lines.contains(&resource.id);
        Job {
            id: JobId((context.new_id)()),
            number: 0,
            tenant: resource.tenant,
            host: resource.host,
            operation: self.operation,
            resource: resource.id,
            acts_on: None,
            lines: match only_its_own {
                true => Vec::new(),
                false => self.lines.into_iter().collect(),
            },
            wish: self.wish,
            claimed: self.claimed,
            unlisted: self.unlisted,
            resource_name: resource.name.clone(),
            state: JobState::Pending,
            blockers,
            before: None,
            after: None,
            generation: 0,
            done: Vec::new(),
            left: Vec::new(),
            result: None,
            progress: 0,
            total: None,
            stage: "queued".to_owned(),
            error: None,
            phases: Vec::new(),
            cancel: false,
            created_at: context.now,
            updated_at: context.now,
            completed_at: None,
        }
    }
}
