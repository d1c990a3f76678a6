//! Writes when keys were last used: what a minute brought, behind all other work.

use super::Engine;

/// Milliseconds from a use until it is written, so that a key costs one write a minute at most.
const USE_WRITE_INTERVAL_MS: u64 = 60_000;

/// Writes until the engine stops; what is noted then is written at the end.
pub(super) async fn run(engine: Engine) {
    tokio::select! {
        () = minutes(&engine) => {}
        () = engine.inner.stopping.cancelled() => write(&engine).await,
    }
}

async fn minutes(engine: &Engine) {
    let clock = engine.clock();
    loop {
        // Nothing is busy here: a manual clock does not wait for somebody to use a key.
        engine.store().key_used().await;
        let next = clock
            .moment()
            .steady_ms
            .saturating_add(USE_WRITE_INTERVAL_MS);
        let busy = clock.sleep_until(next, clock.busy()).await;
        write(engine).await;
        drop(busy);
    }
}

async fn write(engine: &Engine) {
    if let Err(error) = engine.store().write_uses().await {
        tracing::warn!(%error, "when keys were last used was not stored; it is tried again");
    }
}
