//! When an operation has stalled: no new low of what remains within its limit.
//!
//! Measured on the steady clock, so that a jump of the wall's fails nothing. Retries, repeated
//! phases and reports are no progress; time in line and time down do not count.

use crate::{job::JobError, report::Failure};
use api::JobErrorCode;

#[derive(Clone, Debug)]
pub(super) struct Stall {
    limit_ms: u64,
    low: u64,
    since_ms: u64,
}

impl Stall {
    pub(super) fn new(limit_ms: u64, now_ms: u64) -> Self {
        Self {
            limit_ms,
            low: u64::MAX,
            since_ms: now_ms,
        }
    }

    /// Goes on from the low that an earlier process had reached.
    pub(super) fn resume(&mut self, low: u64) {
        self.low = low;
    }

    /// What it waited for is there: its time begins anew, its low stays.
    pub(super) fn begin_anew(&mut self, now_ms: u64) {
        self.since_ms = now_ms;
    }

    pub(super) fn low(&self) -> u64 {
        self.low
    }

    /// Takes what remains now; says whether it is a new low.
    pub(super) fn note(&mut self, remaining: u64, now_ms: u64) -> bool {
        if remaining >= self.low {
            return false;
        }
        self.low = remaining;
        self.since_ms = now_ms;
        true
    }

    pub(super) fn deadline_ms(&self) -> u64 {
        self.since_ms.saturating_add(self.limit_ms)
    }

    pub(super) fn is_over(&self, now_ms: u64) -> bool {
        now_ms >= self.deadline_ms()
    }

    /// What is told when the limit has passed in a phase.
    pub(super) fn failure(&self, phase: &str) -> Failure {
        let text = format!("{} in phase {phase}.", self.words());
        Failure {
            error: JobError::new(JobErrorCode::Stalled, text),
            outstanding: false,
        }
    }

    /// What is told when the limit has passed for a reason.
    pub(super) fn error(&self, why: &str) -> JobError {
        JobError::new(JobErrorCode::Stalled, format!("{}. {why}", self.words()))
    }

    fn words(&self) -> String {
        format!("No progress for {} s", self.limit_ms / 1000)
    }
}
