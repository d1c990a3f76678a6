//! What an actor still has to tell the engine, and when it may.
//!
//! Reports are states: the newest replaces the one before while that waits. An end or another
//! generation leaves at once, a phase and progress each at most once in an interval, so that an
//! operation that takes no time costs the store few commits. Pure: no task, no clock.

use super::keeper::BackOff;
use model::{Report, ReportState, limits::PROGRESS_WRITE_INTERVAL_MS};
use std::collections::VecDeque;

/// Milliseconds for which a report of a phase waits after the one before: long enough that phases
/// which take no time are skipped, short enough that nobody sees it.
const PHASE_WRITE_INTERVAL_MS: u64 = 20;

#[derive(Default)]
pub(super) struct Outbox {
    /// The newest last; all before it must be sent.
    waiting: VecDeque<Waiting>,
    sent: Option<Sent>,
    not_before_ms: u64,
    back_off: BackOff,
}

struct Waiting {
    report: Report,
    must_be_sent: bool,
}

struct Sent {
    generation: u64,
    phase: Option<String>,
    must_be_sent: bool,
    at_ms: u64,
}

impl Outbox {
    /// Takes the newest report.
    pub(super) fn put(&mut self, report: Report) {
        if self.waiting.back().is_some_and(|last| !last.must_be_sent) {
            self.waiting.pop_back();
        }
        self.waiting.push_back(Waiting {
            report,
            must_be_sent: false,
        });
    }

    /// The newest report is to be seen, whatever follows it.
    pub(super) fn hurry(&mut self) {
        if let Some(last) = self.waiting.back_mut() {
            last.must_be_sent = true;
        }
    }

    /// When the next report may leave, if there is one.
    pub(super) fn due_ms(&self) -> Option<u64> {
        let next = self.waiting.front()?;
        let same_generation = |sent: &&Sent| next.report.generation == sent.generation;
        let due = match self.sent.as_ref().filter(same_generation) {
            Some(sent) if next.report.state == ReportState::Acting && !next.must_be_sent => {
                let is_progress = next.report.phase == sent.phase;
                let interval = if is_progress {
                    PROGRESS_WRITE_INTERVAL_MS
                } else {
                    PHASE_WRITE_INTERVAL_MS
                };
                sent.at_ms + interval
            }
            _ => 0,
        };
        Some(due.max(self.not_before_ms))
    }

    /// The next report, if it may leave now.
    pub(super) fn take(&mut self, now_ms: u64) -> Option<Report> {
        if self.due_ms()? > now_ms {
            return None;
        }
        let Waiting {
            report,
            must_be_sent,
        } = self.waiting.pop_front()?;
        self.sent = Some(Sent {
            generation: report.generation,
            phase: report.phase.clone(),
            must_be_sent,
            at_ms: now_ms,
        });
        Some(report)
    }

    /// The last report was stored.
    pub(super) fn stored(&mut self) {
        self.back_off = BackOff::default();
    }

    /// The last report was not taken: the newest is sent after a pause, and before it what is to be
    /// seen, whatever follows.
    pub(super) fn refused(&mut self, report: Report, now_ms: u64) {
        let must_be_sent = self.sent.take().is_some_and(|sent| sent.must_be_sent);
        self.not_before_ms = now_ms + self.back_off.next_ms();
        if must_be_sent || self.waiting.is_empty() {
            self.waiting.push_front(Waiting {
                report,
                must_be_sent,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Outbox;
    use api::ResourceId;
    use model::{Report, ReportState};
    use uuid::Uuid;

    fn report(phase: &str, remaining: u64) -> Report {
        Report {
            resource: ResourceId(Uuid::nil()),
            generation: 1,
            state: ReportState::Acting,
            phase: Some(phase.to_owned()),
            total: 100,
            remaining,
            phases: Vec::new(),
            done: Vec::new(),
            observed: None,
        }
    }

    #[test]
    fn progress_waits_for_its_interval_and_the_newest_is_sent() {
        let mut outbox = Outbox::default();
        outbox.put(report("disk", 100));
        assert_eq!(outbox.take(1_000), Some(report("disk", 100)));
        outbox.put(report("disk", 90));
        assert_eq!(outbox.take(1_100), None);
        outbox.put(report("disk", 80));
        assert_eq!(outbox.due_ms(), Some(1_250));
        assert_eq!(outbox.take(1_250), Some(report("disk", 80)));
        assert_eq!(outbox.due_ms(), None);
    }

    #[test]
    fn news_replaces_progress_and_an_end_leaves_at_once() {
        let mut outbox = Outbox::default();
        outbox.put(report("disk", 100));
        outbox.take(1_000);
        outbox.put(report("disk", 90));
        outbox.put(report("boot", 80));
        assert_eq!(outbox.take(1_001), None);
        assert_eq!(outbox.take(1_020), Some(report("boot", 80)));
        outbox.put(report("ready", 40));
        let settled = Report {
            state: ReportState::Settled,
            ..report("ready", 0)
        };
        outbox.put(settled.clone());
        assert_eq!(outbox.take(1_021), Some(settled));
        assert_eq!(outbox.take(9_000), None);
    }

    #[test]
    fn what_must_be_seen_is_sent_before_what_follows() {
        let mut outbox = Outbox::default();
        outbox.put(report("disk", 100));
        outbox.take(1_000);
        outbox.put(report("disk", 90));
        outbox.hurry();
        outbox.put(report("disk", 80));
        outbox.put(report("boot", 70));
        assert_eq!(outbox.take(1_001), Some(report("disk", 90)));
        assert_eq!(outbox.take(1_021), Some(report("boot", 70)));
    }

    /// The value at which a fault had struck was never shown.
    #[test]
    fn refused_what_must_be_seen_is_still_sent_before_what_follows() {
        let mut outbox = Outbox::default();
        outbox.put(report("disk", 90));
        outbox.hurry();
        let struck = outbox.take(0).unwrap();
        outbox.put(report("boot", 80));
        for at_ms in [0, 500] {
            outbox.refused(struck.clone(), at_ms);
            outbox.put(report("boot", 70));
            assert_eq!(outbox.take(at_ms + 499), None);
            assert_eq!(outbox.take(at_ms + 1_000), Some(report("disk", 90)));
        }
        outbox.stored();
        assert_eq!(outbox.take(9_000), Some(report("boot", 70)));
    }

    #[test]
    fn refused_it_is_tried_again_ever_later_with_the_newest() {
        let mut outbox = Outbox::default();
        outbox.put(report("disk", 100));
        let refused = outbox.take(0).unwrap();
        outbox.refused(refused, 0);
        assert_eq!(outbox.due_ms(), Some(500));
        outbox.put(report("disk", 90));
        let newest = outbox.take(500).unwrap();
        assert_eq!(newest, report("disk", 90));
        outbox.refused(newest, 500);
        assert_eq!(outbox.due_ms(), Some(1_500));
        outbox.take(1_500).unwrap();
        outbox.stored();
        outbox.put(report("boot", 80));
        assert_eq!(outbox.due_ms(), Some(1_520));
    }
}
