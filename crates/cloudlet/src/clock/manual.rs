//! The clock that an operator moves: who sleeps until when, and how much is under way.
//!
//! A sleeper that is woken is busy before it knows: the clock counts it first and wakes it then, so
//! that there is no moment in which it neither sleeps nor works.

use super::Busy;
use api::Timestamp;
use model::actor::Moment;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Notify, oneshot};

pub(super) struct Manual {
    state: Mutex<State>,
    idle: Notify,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    started: Timestamp,
    now_ms: u64,
    busy: u64,
    last_sleeper: u64,
    sleepers: BTreeMap<(u64, u64), oneshot::Sender<Busy>>,
}

/// What an advance finds when it looks.
enum Step {
    SomethingIsBusy,
    Wake(oneshot::Sender<Busy>, Busy),
    Arrived,
}

/// A sleeper; dropped, it is no longer waited for.
struct Sleeper<'a> {
    manual: &'a Manual,
    key: (u64, u64),
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        let sender = self.manual.lock().sleepers.remove(&self.key);
        drop(sender);
    }
}

impl Manual {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            state: Mutex::new(State {
                started: now,
                ..State::default()
            }),
            idle: Notify::new(),
            turn: tokio::sync::Mutex::new(()),
        }
    }

    pub(super) fn moment(&self) -> Moment {
        let state = self.lock();
        let passed = i64::try_from(state.now_ms).unwrap_or(i64::MAX);
        Moment {
            wall: state.started.plus_millis(passed),
            steady_ms: state.now_ms,
        }
    }

    /// The wall's side alone: what is measured goes on.
    pub(super) fn set(&self, now: Timestamp) {
        let mut state = self.lock();
        let passed = i64::try_from(state.now_ms).unwrap_or(i64::MAX);
        state.started = now.plus_millis(-passed);
    }

    pub(super) fn busy(this: &Arc<Self>) -> Busy {
        this.lock().busy += 1;
        Busy {
            manual: Some(Arc::clone(this)),
        }
    }

    pub(super) fn count_down(&self) {
        let mut state = self.lock();
        state.busy -= 1;
        let idle = state.busy == 0;
        drop(state);
        if idle {
            self.idle.notify_waiters();
        }
    }

    pub(super) async fn sleep_until(this: &Arc<Self>, steady_ms: u64, busy: Busy) -> Busy {
        let (sender, receiver) = oneshot::channel();
        let sleeper = {
            let mut state = this.lock();
            if steady_ms <= state.now_ms {
                return busy;
            }
            state.last_sleeper += 1;
            let key = (steady_ms, state.last_sleeper);
            state.sleepers.insert(key, sender);
            Sleeper { manual: this, key }
        };
        drop(busy);
        let busy = receiver
            .await
            .expect("a sleeper's sender is dropped by the sleeper alone");
        drop(sleeper);
        busy
    }

    pub(super) async fn advance(self: &Arc<Self>, by_ms: u64) {
        let _turn = self.turn.lock().await;
        let target_ms = self.lock().now_ms.saturating_add(by_ms);
        loop {
            let notified = self.idle.notified();
            match self.step(target_ms) {
                Step::SomethingIsBusy => notified.await,
                // One that was dropped meanwhile hands its busy back with the error.
                Step::Wake(sender, busy) => drop(sender.send(busy)),
                Step::Arrived => break,
            }
        }
    }

    /// Looks and moves in one go, so that nothing becomes busy in between unseen.
    fn step(self: &Arc<Self>, target_ms: u64) -> Step {
        let mut state = self.lock();
        if state.busy > 0 {
            return Step::SomethingIsBusy;
        }
        match state.sleepers.first_entry() {
            Some(first) if first.key().0 <= target_ms => {
                let ((at_ms, _), sender) = first.remove_entry();
                state.now_ms = state.now_ms.max(at_ms);
                state.busy += 1;
                let busy = Busy {
                    manual: Some(Arc::clone(self)),
                };
                Step::Wake(sender, busy)
            }
            _ => {
                state.now_ms = target_ms;
                Step::Arrived
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held, so what it guards is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
