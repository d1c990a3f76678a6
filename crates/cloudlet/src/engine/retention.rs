//! Removes jobs that ended long enough ago, a small batch at a time, behind all other work.
//!
//! While there is nothing that will go it waits for that instead of for time: a manual clock that is
//! moved by years does not stop every few minutes for nothing.

use super::Engine;
use crate::{
    clock::Busy,
    store::{Committed, Expired},
};
use model::limits::RETENTION_MS;
use std::sync::Arc;
use tokio::sync::broadcast;

/// Milliseconds between two sweeps: a job is gone this much after its time, at the latest.
const SWEEP_INTERVAL_MS: u64 = 10 * 60 * 1_000;
/// Milliseconds between two batches of a sweep, so that whoever else writes hardly notices; a thousand
/// jobs a second still go.
const EXPIRY_INTERVAL_MS: u64 = 50;

/// Sweeps until the engine stops. Busy from the start, so that a manual clock waits for the first.
pub(super) async fn run(engine: Engine, busy: Busy) {
    tokio::select! {
        () = sweep(&engine, busy) => {}
        () = engine.inner.stopping.cancelled() => {}
    }
}

async fn sweep(engine: &Engine, mut busy: Busy) {
    let clock = engine.clock();
    loop {
        // Listens first and looks then, so that nothing is missed.
        let mut changes = engine.store().changes();
        let ended_before = clock.now().plus_millis(-RETENTION_MS);
        let pause = match engine.store().expire(ended_before).await {
            Ok(Expired::More) => EXPIRY_INTERVAL_MS,
            Ok(Expired::Later) => SWEEP_INTERVAL_MS,
            Ok(Expired::Nothing) => {
                drop(busy);
                busy = one_expires(engine, &mut changes).await;
                SWEEP_INTERVAL_MS
            }
            Err(error) => {
                tracing::warn!(%error, "old jobs were not removed; the next sweep does it");
                SWEEP_INTERVAL_MS
            }
        };
        // What nobody reads would hold a manual clock up.
        drop(changes);
        let next = clock.moment().steady_ms.saturating_add(pause);
        busy = clock.sleep_until(next, busy).await;
    }
}

/// Waits until a job has ended, or an answer without a job was made. The commit that says so is held
/// until this is busy itself, so that a manual clock does not slip by in between.
async fn one_expires(engine: &Engine, changes: &mut broadcast::Receiver<Arc<Committed>>) -> Busy {
    loop {
        match changes.recv().await {
            Ok(committed) if !committed.expires => {}
            // One that lags does not know: it looks again.
            Ok(_) | Err(_) => return engine.clock().busy(),
        }
    }
}
