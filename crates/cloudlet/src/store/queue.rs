//! Where transactions wait for the writer: the engine's first, then requests, then one of upkeep.
//!
//! Requests are bounded by permits that they hold until they are answered; the engine is bounded by
//! the slots of its hosts; upkeep is one task, which waits for each before the next.

use super::{StoreError, Urgency};
use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard},
};

/// Transactions in line, oldest first, until the writer takes them.
pub(super) struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    changed: Condvar,
}

struct Waiting<T> {
    engine: VecDeque<T>,
    requests: VecDeque<T>,
    upkeep: VecDeque<T>,
    closed: bool,
}

impl<T> Waiting<T> {
    fn is_empty(&self) -> bool {
        self.engine.is_empty() && self.requests.is_empty() && self.upkeep.is_empty()
    }
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self {
            waiting: Mutex::new(Waiting {
                engine: VecDeque::new(),
                requests: VecDeque::new(),
                upkeep: VecDeque::new(),
                closed: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Puts one at the end; refused once closed.
    pub(super) fn push(&self, urgency: Urgency, item: T) -> Result<(), StoreError> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(StoreError::Unavailable("it is closed".to_owned()));
        }
        match urgency {
            Urgency::Engine => waiting.engine.push_back(item),
            Urgency::Request => waiting.requests.push_back(item),
            Urgency::Upkeep => waiting.upkeep.push_back(item),
        }
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for the next group, at most this many and one of upkeep, which comes last but always
    /// comes: a flood of requests must not fill the disk. `None` once it is closed and empty.
    pub(super) fn take(&self, most: usize) -> Option<Vec<T>> {
        let mut waiting = self.lock();
        while waiting.is_empty() {
            if waiting.closed {
                return None;
            }
            waiting = self
                .changed
                .wait(waiting)
                .expect("nobody panics while holding it");
        }
        let urgent = waiting.engine.len().min(most);
        let rest = waiting.requests.len().min(most - urgent);
        let mut group: Vec<T> = waiting.engine.drain(..urgent).collect();
        group.extend(waiting.requests.drain(..rest));
        group.extend(waiting.upkeep.pop_front());
        Some(group)
    }

    /// Lets nothing in any more; what waits is still taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Lets nothing in any more and drops what waits.
    pub(super) fn abandon(&self) {
        let mut waiting = self.lock();
        waiting.closed = true;
        let dropped = (
            std::mem::take(&mut waiting.engine),
            std::mem::take(&mut waiting.requests),
            std::mem::take(&mut waiting.upkeep),
        );
        drop(waiting);
        drop(dropped);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let waiting = self.lock();
        waiting.engine.len() + waiting.requests.len() + waiting.upkeep.len()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().expect("nobody panics while holding it")
    }
}

#[cfg(test)]
mod tests {
    use super::{Queue, Urgency};

    #[test]
    fn the_engine_goes_first_and_upkeep_last_but_one_in_every_group() {
        let queue = Queue::new();
        for (urgency, item) in [
            (Urgency::Upkeep, 5),
            (Urgency::Request, 1),
            (Urgency::Upkeep, 6),
            (Urgency::Engine, 2),
            (Urgency::Request, 3),
            (Urgency::Engine, 4),
        ] {
            queue.push(urgency, item).unwrap();
        }
        assert_eq!(queue.take(3), Some(vec![2, 4, 1, 5]));
        queue.close();
        assert!(queue.push(Urgency::Engine, 7).is_err());
        assert_eq!(queue.take(3), Some(vec![3, 6]));
        assert_eq!(queue.take(3), None);
    }
}
