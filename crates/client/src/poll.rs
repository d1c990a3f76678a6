//! Waiting for jobs: poll, tell of changes, wait, until all have ended or time is up.
//!
//! A server that gives cursors holds each poll until something has changed, so that a change is seen at
//! once; any other is polled at a pace.
//!
//! Knows nothing of HTTP: the poll is passed in, so that the tests run on virtual time.

use crate::{Error, Pace, Polled};
use api::{Job, JobId};
use std::{collections::HashMap, time::Duration};
use tokio::time::{Instant, sleep_until, timeout};

/// How long one poll may take before it counts as lost and is tried again.
const POLL_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a server is asked to hold a poll: well below that.
const LONGEST_HOLD: Duration = Duration::from_secs(8);
/// The least between two polls that a server holds: four a second are live, and far from any limit.
const HELD_PAUSE: Duration = Duration::from_millis(250);

/// One poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The jobs asked for.
    pub ids: Vec<JobId>,
    /// Where the server can do so: to be answered once one of them has changed.
    pub hold: Option<Hold>,
}

/// What a poll waits for on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// A change since the answer with this cursor.
    pub since: String,
    /// So many seconds at most.
    pub seconds: u64,
}

/// How to wait: at what pace, and for how long at most.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    pace: Pace,
    limit: Option<Duration>,
    first: Duration,
}

/// What happens during a wait.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A job was seen for the first time, or is not what it was when last seen.
    Changed(&'a Job),
    /// A poll failed for a reason that may pass; it will be tried again.
    Trouble(&'a Error),
}

/// How a wait ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The jobs as last seen, in the order asked for.
    pub jobs: Vec<Job>,
    /// Those that had not ended when time was up.
    pub running: Vec<JobId>,
    /// Ids that name no job of this tenant: mistyped, another's, or long ended and removed.
    pub unknown: Vec<JobId>,
}

impl Outcome {
    /// Whether every job asked for is known and completed.
    pub fn all_completed(&self) -> bool {
        self.running.is_empty()
            && self.unknown.is_empty()
            && self.jobs.iter().all(|job| !job.has_failed)
    }

    /// The jobs that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(|job| job.has_failed)
    }
}

impl Watch {
    /// At the default pace, without a limit of time.
    pub fn new() -> Self {
        Self::default()
    }

    /// At another pace.
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Gives up waiting after this long; the jobs go on.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Polls first after this long, e.g. the `Retry-After` of the 202, instead of at once.
    #[must_use]
    pub fn first(mut self, wait: Option<Duration>) -> Self {
        self.first = wait.unwrap_or_default();
        self
    }

    /// Runs the wait over any way to poll. The last poll is made when the limit is reached.
    ///
    /// # Errors
    /// The first error of `poll` that is not transient; with time up, also one that is.
    pub async fn run<F>(
        mut self,
        ids: &[JobId],
        poll: impl Fn(Ask) -> F,
        mut on_event: impl FnMut(Event<'_>),
    ) -> Result<Outcome, Error>
    where
        F: Future<Output = Result<Polled, Error>>,
    {
        let end = self
            .limit
            .and_then(|limit| Instant::now().checked_add(limit));
        let mut seen: HashMap<JobId, Job> = HashMap::new();
        let mut open: Vec<JobId> = Vec::new();
        for id in ids {
            if !open.contains(id) {
                open.push(*id);
            }
        }
        let asked = open.clone();
        let mut unknown = Vec::new();
        let mut wait = self.first;
        // What the last answer can be continued with, as long as the same jobs are asked for.
        let mut cursor: Option<String> = None;
        loop {
            let last = pause(wait, end).await;
            let hold = cursor.take().and_then(|since| hold(since, end));
            let ids = open.clone();
            let result = match timeout(POLL_TIMEOUT, poll(Ask { ids, hold })).await {
                Ok(result) => result,
                Err(_) => Err(Error::Lost {
                    url: "the server".into(),
                    why: format!("no answer to a poll within {} s", POLL_TIMEOUT.as_secs()),
                }),
            };
            let hint = match result {
                Ok(polled) => {
                    let before = open.len();
                    unknown.extend(take_unknown(&mut open, &polled.jobs));
                    note(&mut seen, polled.jobs, &mut on_event);
                    open.retain(|id| !seen.get(id).is_some_and(|job| job.status.is_final()));
                    let is_live = polled.cursor.is_some();
                    cursor = polled.cursor.filter(|_| open.len() == before);
                    if is_live {
                        Some(HELD_PAUSE)
                    } else {
                        polled.retry_after
                    }
                }
                Err(error) if error.is_transient() && !(last && seen.is_empty()) => {
                    on_event(Event::Trouble(&error));
                    error.retry_after()
                }
                Err(error) => return Err(error),
            };
            if open.is_empty() || last {
                let jobs = asked.iter().filter_map(|id| seen.remove(id)).collect();
                return Ok(Outcome {
                    jobs,
                    running: open,
                    unknown,
                });
            }
            wait = self.pace.after_poll(hint);
        }
    }
}

/// Waits, though not beyond the end; says whether the end was reached.
async fn pause(wait: Duration, end: Option<Instant>) -> bool {
    let now = Instant::now();
    let until = now + wait;
    match end {
        Some(end) if until >= end => {
            sleep_until(end).await;
            true
        }
        _ => {
            sleep_until(until).await;
            false
        }
    }
}

/// For as long as there is time; not at all where less than a second is left.
fn hold(since: String, end: Option<Instant>) -> Option<Hold> {
    let left = end.map_or(LONGEST_HOLD, |end| end.duration_since(Instant::now()));
    let seconds = left.min(LONGEST_HOLD).as_secs();
    (seconds > 0).then_some(Hold { since, seconds })
}

fn take_unknown(open: &mut Vec<JobId>, answered: &[Job]) -> Vec<JobId> {
    let known = |id: &JobId| answered.iter().any(|job| job.id == *id);
    let unknown = open.iter().filter(|id| !known(id)).copied().collect();
    open.retain(known);
    unknown
}

fn note(seen: &mut HashMap<JobId, Job>, jobs: Vec<Job>, on_event: &mut impl FnMut(Event<'_>)) {
    for job in jobs {
        if !seen.get(&job.id).is_some_and(|known| is_same(known, &job)) {
            on_event(Event::Changed(&job));
        }
        seen.insert(job.id, job);
    }
}

/// Whether a job has not moved. What is said to be left changes by itself, with every second.
fn is_same(known: &Job, job: &Job) -> bool {
    let as_estimated = Job {
        estimated_completion: job.estimated_completion,
        time_remaining: job.time_remaining,
        ..known.clone()
    };
    as_estimated == *job
}

#[cfg(test)]
#[path = "poll_tests.rs"]
mod tests;
