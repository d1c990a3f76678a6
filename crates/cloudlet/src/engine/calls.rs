//! Synchronous calls: jobs in the same line, which a request waits for.
//!
//! A call that was not begun when its time is up, when its client leaves or when the server shuts
//! down is withdrawn, and then never takes effect.

use super::Engine;
use crate::store::StoreError;
use api::JobId;
use model::{Job, course::Withdrawal};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;

/// How a synchronous call ended.
#[derive(Clone, Debug)]
pub enum CallEnd {
    /// Its job has ended.
    Ended(Box<Job>),
    /// Its job goes on; the time is up.
    StillRunning(Box<Job>),
    /// It had not begun and was withdrawn; this job was in the way.
    Withdrawn(Option<JobId>),
}

impl Engine {
    /// Waits for a call's job at most `patience` of real time; then, or when the server shuts down,
    /// withdraws it if it has not begun. Dropped before that (the client left), it withdraws too.
    pub async fn call(&self, job: JobId, patience: Duration) -> Result<CallEnd, StoreError> {
        let mut guard = WithdrawOnDrop {
            engine: self,
            job: Some(job),
        };
        let ended = tokio::select! {
            ended = self.ended(job) => Some(ended?),
            () = tokio::time::sleep(patience) => None,
            () = self.inner.draining.cancelled() => None,
        };
        guard.job = None;
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

/// Withdraws the call when the request that waits for it goes away.
struct WithdrawOnDrop<'a> {
    engine: &'a Engine,
    job: Option<JobId>,
}

impl Drop for WithdrawOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(job) = self.job {
            let engine = self.engine.clone();
            self.engine.inner.tasks.spawn(async move {
                if let Err(error) = engine.withdraw(job).await {
                    tracing::warn!(%job, %error, "a call whose client left could not be withdrawn");
                }
            });
        }
    }
}
