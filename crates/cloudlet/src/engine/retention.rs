//! Removes jobs that ended long enough ago, a small batch at a time, behind all other work.

use super::Engine;
use crate::clock::Busy;
use model::limits::RETENTION_MS;

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
        let now = clock.moment();
        let ended_before = now.wall.plus_millis(-RETENTION_MS);
        let pause = match engine.store().expire(ended_before).await {
            Ok(true) => EXPIRY_INTERVAL_MS,
            Ok(false) => SWEEP_INTERVAL_MS,
            Err(error) => {
                tracing::warn!(%error, "old jobs were not removed; the next sweep does it");
                SWEEP_INTERVAL_MS
            }
        };
        busy = clock.sleep_until(now.steady_ms + pause, busy).await;
    }
}
