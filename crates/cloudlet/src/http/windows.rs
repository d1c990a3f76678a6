//! Fixed windows: so many requests in so long, for each of many callers, in bounded memory.
//!
//! A caller's window begins with its first request and is forgotten at its end; the next request
//! begins another. All windows are equally long, so they end in the order in which they began, and
//! what is remembered is a queue. Pure: time is passed in (docs/decisions/0012).

use model::actor::Moment;
use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

const SECOND_MS: u64 = 1_000;

/// What one request drew, and how its bucket stands after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Drawn {
    /// Requests in a window.
    pub(super) limit: u32,
    /// Those that are left of this window.
    pub(super) remaining: u32,
    /// When this window ends, in Unix seconds, rounded up.
    pub(super) reset: u64,
    /// Whole seconds until the window has ended, at least 1, where there was nothing left to draw.
    pub(super) refused_for: Option<u64>,
}

/// The windows of callers of one kind.
#[derive(Debug)]
pub(super) struct Windows<K> {
    length_ms: u64,
    /// How many are remembered; beyond it the one that began first is forgotten before its end.
    kept: usize,
    open: HashMap<K, Window>,
    /// The keys of `open`, in the order in which their windows began.
    order: VecDeque<K>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    ends_ms: u64,
    reset: u64,
    used: u32,
}

impl<K: Copy + Eq + Hash> Windows<K> {
    /// None are open yet.
    pub(super) fn new(length_ms: u64, kept: usize) -> Self {
        Self {
            length_ms,
            kept,
            open: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Counts a request of `caller`, who may make `limit` in a window. One that is refused is not counted.
    pub(super) fn draw(&mut self, caller: K, limit: u32, now: Moment) -> Drawn {
        self.forget(now.steady_ms);
        if !self.open.contains_key(&caller) {
            self.make_room();
            self.order.push_back(caller);
        }
        let fresh = Window::beginning(now, self.length_ms);
        let window = self.open.entry(caller).or_insert(fresh);
        let is_refused = window.used >= limit;
        if !is_refused {
            window.used += 1;
        }
        let left_ms = window.ends_ms.saturating_sub(now.steady_ms);
        Drawn {
            limit,
            remaining: limit.saturating_sub(window.used),
            reset: window.reset,
            refused_for: is_refused.then(|| left_ms.div_ceil(SECOND_MS).max(1)),
        }
    }

    fn make_room(&mut self) {
        if self.open.len() >= self.kept
            && let Some(oldest) = self.order.pop_front()
        {
            self.open.remove(&oldest);
        }
    }

    /// Forgets the windows that have ended.
    fn forget(&mut self, now_ms: u64) {
        while let Some(oldest) = self.order.front().copied() {
            if self.open.get(&oldest).is_some_and(|it| it.ends_ms > now_ms) {
                break;
            }
            self.order.pop_front();
            self.open.remove(&oldest);
        }
    }
}

impl Window {
    fn beginning(now: Moment, length_ms: u64) -> Self {
        let wall_ms = u64::try_from(now.wall.as_millis()).unwrap_or(0);
        Self {
            ends_ms: now.steady_ms.saturating_add(length_ms),
            reset: wall_ms.saturating_add(length_ms).div_ceil(SECOND_MS),
            used: 0,
        }
    }
}

#[cfg(test)]
#[path = "windows_tests.rs"]
mod tests;
