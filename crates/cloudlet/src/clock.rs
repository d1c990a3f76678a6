//! The one source of time: the machine's clock, or one that an operator moves.
//!
//! Everything that waits for time to pass in the engine, the agent and the simulator waits here, and
//! everything that works holds a [`Busy`]. So a manual clock can move from one due moment to the
//! next and answer only when all that became due has run, what follows from it included.
//!
//! Never hold a [`Busy`] while waiting for something that only time can bring, other than through
//! [`Clock::sleep_until`]: the clock would stand for ever.

mod manual;
#[cfg(test)]
mod tests;

use api::Timestamp;
use manual::Manual;
use model::actor::Moment;
use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Milliseconds in a second.
const SECOND_MS: u64 = 1_000;

/// A clock; clones are the same clock.
#[derive(Clone)]
pub struct Clock {
    source: Source,
}

#[derive(Clone)]
enum Source {
    Real { started: Instant },
    Manual(Arc<Manual>),
}

/// Work under way: while one exists a manual clock does not move. Clones count each.
pub struct Busy {
    manual: Option<Arc<Manual>>,
}

impl Clone for Busy {
    fn clone(&self) -> Self {
        self.manual
            .as_ref()
            .map_or(Self { manual: None }, Manual::busy)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(manual) = &self.manual {
            manual.count_down();
        }
    }
}

impl Clock {
    /// The machine's clock.
    pub fn real() -> Self {
        let started = Instant::now();
        Self {
            source: Source::Real { started },
        }
    }

    /// A clock that stands at `now` until it is advanced.
    pub fn manual(now: Timestamp) -> Self {
        Self {
            source: Source::Manual(Arc::new(Manual::new(now))),
        }
    }

    /// Sets a manual clock to where an earlier process left it; the machine's stays as it is.
    pub fn set(&self, now: Timestamp) {
        if let Source::Manual(manual) = &self.source {
            manual.set(now);
        }
    }

    /// Whether an operator moves it.
    pub fn is_manual(&self) -> bool {
        matches!(self.source, Source::Manual(_))
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        self.moment().wall
    }

    /// What time it is, on both clocks.
    pub fn moment(&self) -> Moment {
        match &self.source {
            Source::Real { started } => Moment {
                wall: system_time(),
                steady_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            },
            Source::Manual(manual) => manual.moment(),
        }
    }

    /// Marks work as under way until the value is dropped.
    pub fn busy(&self) -> Busy {
        match &self.source {
            Source::Real { .. } => Busy { manual: None },
            Source::Manual(manual) => Manual::busy(manual),
        }
    }

    /// Sleeps until the steady clock shows `steady_ms`; gives up `busy` meanwhile and hands a new one
    /// back, so that a manual clock moves while this sleeps and stands while its caller works.
    pub async fn sleep_until(&self, steady_ms: u64, busy: Busy) -> Busy {
        match &self.source {
            Source::Real { started } => {
                // `None` is so far away that no clock gets there.
                match started.checked_add(Duration::from_millis(steady_ms)) {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
                busy
            }
            Source::Manual(manual) => Manual::sleep_until(manual, steady_ms, busy).await,
        }
    }

    /// Moves a manual clock, from one due sleeper to the next in order of time, waiting each time
    /// until nothing is busy; then calls it a day at `now + seconds`. The machine's clock stays as
    /// it is. Dropped on its way, it leaves the clock where it has come to.
    pub async fn advance(&self, seconds: u64) {
        if let Source::Manual(manual) = &self.source {
            manual.advance(seconds.saturating_mul(SECOND_MS)).await;
        }
    }

    /// The same up to a moment; one that is past already moves nothing. One at a time.
    pub async fn advance_to(&self, moment: Timestamp) {
        if let Source::Manual(manual) = &self.source {
            let by_ms = moment.as_millis() - self.now().as_millis();
            manual.advance(u64::try_from(by_ms).unwrap_or(0)).await;
        }
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "the one place that asks the machine what time it is"
)]
fn system_time() -> Timestamp {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
