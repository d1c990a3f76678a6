//! Synchronous calls: jobs in the same line, which a request waits for.
//!
//! A call that was not begun when its time is up, when its client leaves or when the server shuts
//! down is withdrawn, and then never takes effect. Acceptance and wait are one task of the engine's,
//! so that a client which leaves in between leaves nothing behind.

use super::Engine;
use crate::store::{StoreError, Urgency};
use api::JobId;
use model::{Context, Job, Refusal, Resource, accept::Accepted, course::Withdrawal, ops::Call};
use std::time::Duration;
use tokio::{sync::broadcast::error::RecvError, time::Instant};
use tokio_util::sync::CancellationToken;

/// How a synchronous call ended.
#[derive(Clone, Debug)]
pub enum CallEnd {
    /// There was nothing to do.
    AsWished(Box<Resource>),
    /// Its job has ended.
    Ended(Box<Job>),
    /// Its job goes on; the time is up.
    StillRunning(Box<Job>),
    /// It had not begun and was withdrawn; this job was in the way.
    Withdrawn(Option<JobId>),
}

impl Engine {
    /// Does a call: accepts it by `rule` and waits for its job, in all at most `patience` of real
    /// time. Then, or when the server shuts down, or when this is dropped since the client has left,
    /// it is withdrawn if it has not begun.
    pub async fn call(
        &self,
        patience: Duration,
        rule: impl Fn(&Context<'_>) -> Accepted<Call> + Send + 'static,
    ) -> Result<Result<CallEnd, Refusal>, StoreError> {
        let engine = self.clone();
        let deadline = Instant::now() + patience;
        let left = CancellationToken::new();
        let _leaves = left.clone().drop_guard();
        let call = self.inner.tasks.spawn(async move {
            let accepted = engine.inner.store.transact(Urgency::Request, rule).await?;
            match accepted {
                Err(refusal) => Ok(Err(refusal)),
                Ok(Call::AsWished(resource)) => Ok(Ok(CallEnd::AsWished(resource))),
                Ok(Call::Job(job)) => engine.wait(job.id, deadline, left).await.map(Ok),
            }
        });
        call.await
            .map_err(|error| StoreError::Panicked(error.to_string()))?
    }

    async fn wait(
        &self,
        job: JobId,
        deadline: Instant,
        left: CancellationToken,
    ) -> Result<CallEnd, StoreError> {
        let ended = tokio::select! {
            ended = self.ended(job) => Some(ended?),
            () = tokio::time::sleep_until(deadline) => None,
            () = self.inner.draining.cancelled() => None,
            () = left.cancelled() => None,
        };
        if let Some(job) = ended {
            return Ok(CallEnd::Ended(job));
        }
        Ok(match self.withdraw(job).await? {
            Withdrawal::Withdrawn(in_the_way) => CallEnd::Withdrawn(in_the_way),
            Withdrawal::TooLate(Some(job)) if job.state.is_final() => CallEnd::Ended(job),
            Withdrawal::TooLate(Some(job)) => CallEnd::StillRunning(job),
            Withdrawal::TooLate(None) => CallEnd::Withdrawn(None),
        })
    }

    /// Waits until a job has ended. Listens first and looks then, so that nothing is missed.
    async fn ended(&self, id: JobId) -> Result<Box<Job>, StoreError> {
        let mut changes = self.inner.store.changes();
        loop {
            let job = self
                .run(move |context| (Vec::new(), context.facts.job(id)))
                .await?;
            if let Some(job) = job.filter(|job| job.state.is_final()) {
                return Ok(Box::new(job));
            }
            loop {
                match changes.recv().await {
                    Ok(committed) => {
                        let job = committed.jobs.iter().rfind(|job| job.id == id);
                        if let Some(job) = job.filter(|job| job.state.is_final()) {
                            return Ok(Box::new(job.clone()));
                        }
                    }
                    Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => {
                        return Err(StoreError::Unavailable("the server is stopping".to_owned()));
                    }
                }
            }
        }
    }
}
