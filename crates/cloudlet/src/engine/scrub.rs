//! Has the WAL emptied after secrets were wiped, so that nothing of them is left on disk.
//!
//! Wiping is part of the transaction that ends a job; what was written before still stands in the WAL.
//! Real time, whatever the clock shows: a disk that is looked at knows no other. A server that stops
//! empties the WAL by itself, one that starts does so before it answers.

use super::Engine;
use std::time::Duration;

/// How long the WAL may hold what was wiped before it is emptied, and how long until it is tried again:
/// many ends share one, and a server without any has none.
const SCRUB_INTERVAL: Duration = Duration::from_secs(2);

/// Waits for something to be wiped, until the engine stops.
pub(super) async fn run(engine: Engine) {
    tokio::select! {
        () = scrub(&engine) => {}
        () = engine.inner.stopping.cancelled() => {}
    }
}

async fn scrub(engine: &Engine) {
    loop {
        engine.store().scrub_due().await;
        tokio::time::sleep(SCRUB_INTERVAL).await;
        if let Err(error) = engine.store().scrub().await {
            tracing::warn!(%error, "what was wiped may still be in the WAL; it is tried again");
        }
    }
}
