//! Synchronous calls: jobs in the same line, which a request waits for.
//!
//! A call that was not begun when its time is up, when its client leaves or when the server shuts
//! down is withdrawn, and then never takes effect. Acceptance and wait are one task of the engine's,
//! so that a client which leaves in between leaves nothing behind.

use super::Engine;
use crate::store::{StoreError, Urgency};
use api::JobId;
use model::{Context, Job, Refusal, accept::Accepted, course::Withdrawal, ops::Call};
use std::time::Duration;
use tokio::{sync::broadcast::error::RecvError, time::Instant};
use tokio_util::sync::CancellationToken;

/// How a synchronous call ended.
#[derive(Clone, Debug)]
pub enum CallEnd {
    /// There was nothing to do.
    AsWished,
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
                Ok(Call::AsWished) => Ok(Ok(CallEnd::AsWished)),
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

    /// Waits for a job that is never withdrawn, at most `patience` of real time or until the server
    /// shuts down; `None`: it goes on.
    pub async fn ended_within(
        &self,
        job: JobId,
        patience: Duration,
    ) -> Result<Option<Box<Job>>, StoreError> {
        tokio::select! {
            ended = self.ended(job) => ended.map(Some),
            () = tokio::time::sleep(patience) => Ok(None),
            () = self.inner.draining.cancelled() => Ok(None),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Clock,
        faults::Faults,
        host::sim::{SimDriver, SimOptions},
        store::Store,
    };
    use api::{TenantId, Timestamp, machine::MachineCreate};
    use model::{
        catalogue::{self, Catalogue},
        ops::{vm_create, vm_stop},
        secret::Carried,
    };
    use std::sync::Arc;
    use uuid::Uuid;

    /// A call whose time is up before its turn is withdrawn, names the job in the way, and has no
    /// effect when that is done.
    #[tokio::test]
    async fn out_of_time_it_is_withdrawn() {
        let directory = tempfile::tempdir().unwrap();
        let catalogue = Arc::new(Catalogue::parse(catalogue::DEFAULT).unwrap());
        let clock = Clock::manual(Timestamp::from_millis(1_780_000_000_000));
        let store = Store::open(directory.path(), catalogue.clone(), clock.clone()).unwrap();
        let engine = Engine::new(store, clock.clone(), Faults::default(), &catalogue);
        let options = SimOptions {
            speed: 1.0,
            seed: 1,
        };
        let driver = SimDriver::open(directory.path(), clock, options).unwrap();
        engine.start(Arc::new(driver)).await.unwrap();
        let tenant = TenantId(Uuid::from_u128(1));
        let body = MachineCreate {
            name: "busy".to_owned(),
            datacenter_id: catalogue.data_centers[0].id.to_string(),
            image_id: 12,
            configuration_id: 45,
            ..MachineCreate::default()
        };
        let create = move |context: &Context<'_>| {
            vm_create::accept(context, tenant, &body, &Carried::default())
        };
        let jobs = engine
            .store()
            .transact(Urgency::Request, create)
            .await
            .unwrap()
            .unwrap();
        let machine = jobs[0].resource;
        let stop = move |context: &Context<'_>| vm_stop::accept(context, tenant, machine);
        let end = engine
            .call(Duration::from_millis(50), stop)
            .await
            .unwrap()
            .unwrap();
        assert!(
            matches!(end, CallEnd::Withdrawn(Some(first)) if first == jobs[0].id),
            "{end:?}"
        );
        assert!(engine.advance(60, None).await.unwrap().unwrap());
        let machine = engine
            .store()
            .resource(tenant, machine)
            .await
            .unwrap()
            .unwrap();
        let running = model::resource::Status::Machine(api::machine::MachineStatus::Running);
        assert_eq!(machine.status, running);
        engine.stop_agent().await;
        engine.stop().await;
    }
}
