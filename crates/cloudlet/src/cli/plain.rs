//! Progress as plain lines: which are worth a line, so that a log of CI is not flooded.

use crate::cli::words;
use api::{Job, JobId};
use std::{collections::HashMap, time::Duration};

/// Between the first and the last line of a job: at most one in this time.
const QUIET_TIME: Duration = Duration::from_secs(10);

/// Decides line by line; told the time, reads no clock.
#[derive(Debug, Default)]
pub(crate) struct PlainLog {
    last: HashMap<JobId, (String, Duration)>,
}

impl PlainLog {
    /// The line for a job as it is `at` this time since the start, if it deserves one: the
    /// first, the last, and else one when the phase is another than that shown last.
    pub(crate) fn line(&mut self, job: &Job, at: Duration) -> Option<String> {
        let shown = self.last.get(&job.id);
        let worth = match shown {
            None => true,
            Some((stage, _)) if job.status.is_final() => stage != words::status(job),
            Some((stage, when)) => *stage != job.stage && at >= *when + QUIET_TIME,
        };
        if !worth {
            return None;
        }
        let stage = if job.status.is_final() {
            words::status(job).to_owned()
        } else {
            job.stage.clone()
        };
        self.last.insert(job.id, (stage, at));
        Some(text(job))
    }
}

fn text(job: &Job) -> String {
    let name = &job.resource_name;
    if job.has_failed {
        format!("{name}  failed after {}", words::took(job))
    } else if job.is_completed {
        format!("{name}  completed in {}", words::took(job))
    } else {
        let (doing, progress) = (words::doing(job), job.progress);
        match job.time_remaining {
            Some(left @ 1..) => format!("{name}  {doing}  {progress} %, about {left} s left"),
            _ => format!("{name}  {doing}  {progress} %"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::wait::tests::job;
    use api::JobStatus::{Completed, Failed, InProgress, Pending};

    #[test]
    fn first_last_and_changes_of_phase_in_peace() {
        let mut log = PlainLog::default();
        for (second, status, stage, progress, line) in [
            (0, Pending, "queued", 0, Some("web-1  waiting in line  0 %")),
            (2, InProgress, "disk", 10, None),
            (9, InProgress, "disk", 30, None),
            (
                10,
                InProgress,
                "disk",
                35,
                Some("web-1  making the disk  35 %"),
            ),
            (19, InProgress, "boot", 60, None),
            (40, InProgress, "boot", 80, Some("web-1  booting  80 %")),
            (60, InProgress, "boot", 90, None),
            (
                61,
                Completed,
                "completed",
                100,
                Some("web-1  completed in 9.4 s"),
            ),
            (62, Completed, "completed", 100, None),
        ] {
            let shown = log.line(
                &job("web-1", status, stage, progress),
                Duration::from_secs(second),
            );
            assert_eq!(shown.as_deref(), line, "at {second} s");
        }
    }

    #[test]
    fn what_is_left_is_said_where_it_is_known() {
        let mut running = job("web-1", InProgress, "boot", 80);
        for (left, end) in [
            (None, "80 %"),
            (Some(0), "80 %"),
            (Some(3), "80 %, about 3 s left"),
        ] {
            running.time_remaining = left;
            let line = text(&running);
            assert!(line.ends_with(end), "{line}");
        }
    }

    #[test]
    fn jobs_do_not_silence_each_other() {
        let mut log = PlainLog::default();
        let first = job("web-1", Failed, "failed", 40);
        let second = job("web-2", InProgress, "disk", 10);
        assert!(
            log.line(&first, Duration::ZERO)
                .is_some_and(|line| line.contains("failed after"))
        );
        assert!(log.line(&second, Duration::ZERO).is_some());
    }
}
