//! The one source of time: the machine's clock, or one that an operator moves.
//!
//! Everything that waits for time to pass in the engine, the agent and the simulator waits here, and
//! everything that works holds a [`Busy`]. So a manual clock can move from one due moment to the
//! next and answer only when all that became due has run, what follows from it included.

use api::Timestamp;
use model::actor::Moment;

/// A clock; clones are the same clock.
#[derive(Clone)]
pub struct Clock {}

/// Work under way: while one exists a manual clock does not move. Clones count each.
#[derive(Clone)]
pub struct Busy {}

impl Clock {
    /// The machine's clock.
    pub fn real() -> Self {
        unimplemented!()
    }

    /// A clock that stands at `now` until it is advanced.
    pub fn manual(_now: Timestamp) -> Self {
        unimplemented!()
    }

    /// Whether an operator moves it.
    pub fn is_manual(&self) -> bool {
        unimplemented!()
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        unimplemented!()
    }

    /// What time it is, on both clocks.
    pub fn moment(&self) -> Moment {
        unimplemented!()
    }

    /// Marks work as under way until the value is dropped.
    pub fn busy(&self) -> Busy {
        unimplemented!()
    }

    /// Sleeps until the steady clock shows `steady_ms`; gives up `busy` meanwhile and hands a new one
    /// back, so that a manual clock moves while this sleeps and stands while its caller works.
    pub async fn sleep_until(&self, _steady_ms: u64, _busy: Busy) -> Busy {
        unimplemented!()
    }

    /// Moves a manual clock, from one due sleeper to the next in order of time, waiting each time
    /// until nothing is busy; then calls it a day at `now + seconds`.
    pub async fn advance(&self, _seconds: u64) {
        unimplemented!()
    }
}
