//! The engine: starts jobs fairly, applies reports, answers wishes to cancel; nothing but transactions.

use crate::{
    clock::Clock,
    faults::Faults,
    store::{Store, StoreError},
};
use api::{JobId, admin::Verify};
use model::Job;
use std::time::Duration;

/// The engine; clones are the same engine.
#[derive(Clone)]
pub struct Engine {}

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

#[allow(unused_variables, clippy::unused_async)]
impl Engine {
    /// Waits for a call's job at most `patience` of real time; then, or when the server shuts down,
    /// withdraws it if it has not begun. Dropped before that (the client left), it withdraws too.
    pub async fn call(&self, job: JobId, patience: Duration) -> Result<CallEnd, StoreError> {
        unimplemented!()
    }

    /// Compares records with the world.
    pub async fn verify(&self) -> anyhow::Result<Verify> {
        unimplemented!()
    }

    /// Whether the server is shutting down: mutating requests are then answered 503.
    pub fn is_draining(&self) -> bool {
        unimplemented!()
    }

    /// Its store.
    pub fn store(&self) -> &Store {
        unimplemented!()
    }

    /// Its clock.
    pub fn clock(&self) -> &Clock {
        unimplemented!()
    }

    /// The faults that are placed.
    pub fn faults(&self) -> &Faults {
        unimplemented!()
    }
}
