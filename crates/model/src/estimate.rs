//! How long operations take, learned from runs that have ended, and what that says of a job at hand.
//!
//! A guess: nothing is decided by it, and it is no part of what a job is.

use crate::{
    job::{Job, JobState},
    limits::POLL_AFTER_LIMIT,
    operation::Operation,
};
use api::Timestamp;
use std::collections::BTreeMap;

/// A new run counts as one part in so many of what is known.
const WEIGHT: u64 = 5;
/// In so many polls the time that is left is spent: a bar moves, and few polls find nothing new.
const POLLS_LEFT: u64 = 4;

/// How long a run of each operation took on average, the latest counting most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    mean_ms: BTreeMap<Operation, u64>,
}

/// When a job will probably be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The moment; not before now.
    pub at: Timestamp,
    /// Milliseconds until then.
    pub left_ms: u64,
}

/// Milliseconds from the first thing that its host began to its end; `None` where it has not completed,
/// or its host had nothing to do.
fn took(job: &Job) -> Option<u64> {
    let completed = job
        .completed_at
        .filter(|_| job.state == JobState::Completed)?;
    let began = job.phases.first()?.started_at;
    Some(millis(began, completed))
}

fn millis(from: Timestamp, to: Timestamp) -> u64 {
    let millis = to.as_millis().saturating_sub(from.as_millis());
    u64::try_from(millis).unwrap_or(0)
}

impl Durations {
    /// Takes in a job, if it has completed.
    pub fn learn(&mut self, job: &Job) {
        let Some(took) = took(job) else {
            return;
        };
        let mean = self.mean_ms.entry(job.operation).or_insert(took);
        let parts = mean.saturating_mul(WEIGHT - 1).saturating_add(took);
        *mean = parts / WEIGHT;
    }

    /// When a job will be done on which its host works; `None` where no run of its operation is known,
    /// and on the way back. Counted from when the job last moved, so that it stands still between.
    pub fn estimate(&self, job: &Job, now: Timestamp) -> Option<Estimate> {
        if job.state != JobState::Running {
            return None;
        }
        let mean_ms = *self.mean_ms.get(&job.operation)?;
        let left = u64::from(100 - job.progress.min(100));
        let left_ms = mean_ms.saturating_mul(left) / 100;
        let at = job
            .updated_at
            .plus_millis(i64::try_from(left_ms).unwrap_or(i64::MAX));
        let at = at.max(now);
        Some(Estimate {
            at,
            left_ms: millis(now, at),
        })
    }

    /// Whole seconds after which somebody who waits for a job should ask for it; `None` where nothing is
    /// known, and where it has ended.
    pub fn poll_after(&self, job: &Job, now: Timestamp) -> Option<u64> {
        let left_ms = match job.state {
            JobState::Pending => *self.mean_ms.get(&job.operation)?,
            _ => self.estimate(job, now)?.left_ms,
        };
        let seconds = left_ms.div_ceil(POLLS_LEFT * 1_000);
        Some(seconds.clamp(1, POLL_AFTER_LIMIT))
    }
}

impl Estimate {
    /// Shows it with a job: whole seconds, and none left only if it should be done by now.
    pub fn show(self, job: &mut api::Job) {
        job.estimated_completion = Some(self.at);
        job.time_remaining = Some(self.left_ms.div_ceil(1_000));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        job::{JobEvent, Phase},
        lab::{Lab, OWNER},
        ops::vm_create,
    };

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    /// A create that began at 0.
    fn running() -> Job {
        let mut lab = Lab::new();
        let body = lab.machine_body(&[]);
        let jobs = lab.run(|context| {
            vm_create::accept(context, OWNER, &body, &crate::secret::Carried::default())
        });
        let mut job = jobs.expect("accepted").remove(0);
        job.apply(JobEvent::Start, at(0));
        job.phases.push(Phase {
            generation: 1,
            name: "disk".to_owned(),
            started_at: at(0),
            ended_at: None,
            attempt: 1,
            error: None,
        });
        job
    }

    fn ended(event: JobEvent, millis: i64) -> Job {
        let mut job = running();
        job.apply(event, at(millis));
        job
    }

    fn after(millis: &[i64]) -> Durations {
        let mut durations = Durations::default();
        for &millis in millis {
            durations.learn(&ended(JobEvent::Complete, millis));
        }
        durations
    }

    fn left(durations: &Durations, progress: u8, updated: i64, now: i64) -> Option<(i64, u64)> {
        let mut job = running();
        (job.progress, job.updated_at) = (progress, at(updated));
        let estimate = durations.estimate(&job, at(now))?;
        Some((estimate.at.as_millis(), estimate.left_ms))
    }

    #[test]
    fn the_latest_runs_count_most() {
        for (runs, mean) in [
            (&[10_000][..], 10_000),
            (&[10_000, 20_000], 12_000),
            (&[10_000, 20_000, 20_000], 13_600),
            (&[0, 0], 0),
            (&[7, 7, 7], 7),
            (&[-5], 0),
        ] {
            let found = left(&after(runs), 0, 0, 0).map(|(_, left)| left);
            assert_eq!(found, Some(mean), "{runs:?}");
        }
    }

    #[test]
    fn what_is_left_falls_with_progress_and_time_and_never_below_nothing() {
        let known = after(&[10_000]);
        for (progress, updated, now, expected) in [
            (0, 0, 0, (10_000, 10_000)),
            (0, 0, 4_000, (10_000, 6_000)),
            (50, 4_000, 4_000, (9_000, 5_000)),
            (50, 4_000, 6_500, (9_000, 2_500)),
            (99, 9_900, 9_900, (10_000, 100)),
            (50, 4_000, 60_000, (60_000, 0)),
            (50, 4_000, 0, (9_000, 9_000)),
        ] {
            let found = left(&known, progress, updated, now);
            assert_eq!(
                found,
                Some(expected),
                "{progress} % at {updated}, now {now}"
            );
        }
    }

    #[test]
    fn nothing_is_learned_from_what_failed_and_nothing_said_of_what_is_not_under_way() {
        let mut durations = Durations::default();
        durations.learn(&ended(JobEvent::Fail, 9_000));
        let mut idle = ended(JobEvent::Complete, 9_000);
        idle.phases.clear();
        durations.learn(&idle);
        durations.learn(&running());
        assert_eq!(durations, Durations::default());
        assert_eq!(left(&durations, 0, 0, 0), None);

        let known = after(&[10_000]);
        for event in [
            JobEvent::Complete,
            JobEvent::Fail,
            JobEvent::Revert,
            JobEvent::Retry,
        ] {
            let job = ended(event, 5_000);
            assert_eq!(known.estimate(&job, at(5_000)), None, "{event:?}");
            assert_eq!(known.poll_after(&job, at(5_000)), None, "{event:?}");
        }
        let mut other = running();
        other.operation = Operation::VmDelete;
        assert_eq!(known.estimate(&other, at(0)), None);
    }

    #[test]
    fn a_poll_is_due_after_whole_seconds_from_1_to_10() {
        let mut pending = running();
        pending.state = JobState::Pending;
        for (mean, seconds) in [
            (0, 1),
            (1, 1),
            (4_000, 1),
            (4_001, 2),
            (12_000, 3),
            (999_000, 10),
        ] {
            let known = after(&[mean]);
            for job in [&pending, &running()] {
                assert_eq!(known.poll_after(job, at(0)), Some(seconds), "{mean}");
            }
            assert_eq!(
                known.poll_after(&running(), at(mean)),
                Some(1),
                "{mean}, overdue"
            );
        }
        assert_eq!(Durations::default().poll_after(&pending, at(0)), None);
    }

    #[test]
    fn seconds_are_rounded_up() {
        let mut shown = crate::render::job(&running());
        for (left_ms, seconds) in [(0, 0), (1, 1), (1_000, 1), (1_001, 2)] {
            let at = at(77);
            Estimate { at, left_ms }.show(&mut shown);
            assert_eq!(shown.estimated_completion, Some(at));
            assert_eq!(shown.time_remaining, Some(seconds), "{left_ms}");
        }
    }
}
