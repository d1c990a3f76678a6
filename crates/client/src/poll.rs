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
    pace: Option<Pace>,
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

    /// At this pace and no faster, also where the server holds polls.
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = Some(pace);
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
    /// The first error of `poll` that is not transient; with time up and no job ever seen, also one that is.
    pub async fn run<F>(
        self,
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
        let mut waiting = Waiting::new(ids, self.pace);
        let mut wait = self.first;
        loop {
            let last = pause(wait, end).await;
            let patience = match end {
                Some(end) if !last => POLL_TIMEOUT.min(end.duration_since(Instant::now())),
                _ => POLL_TIMEOUT,
            };
            let ask = waiting.ask(end);
            let was_held = ask.hold.is_some();
            let result = match timeout(patience, poll(ask)).await {
                Ok(result) => result,
                // Time is up, that is all: the last poll says how the jobs are.
                Err(_) if patience < POLL_TIMEOUT => continue,
                Err(_) => Err(Error::Lost {
                    url: "the server".into(),
                    why: format!("no answer to a poll within {} s", patience.as_secs()),
                }),
            };
            wait = match result {
                Ok(polled) => waiting.answered(polled, was_held, &mut on_event),
                Err(error) if error.is_transient() && !(last && waiting.seen.is_empty()) => {
                    on_event(Event::Trouble(&error));
                    waiting.pace.after_poll(error.retry_after())
                }
                Err(error) => return Err(error),
            };
            if waiting.open.is_empty() || last {
                return Ok(waiting.outcome());
            }
        }
    }
}

/// What is known during a wait.
struct Waiting {
    /// All that is asked for, each once.
    asked: Vec<JobId>,
    /// What is known to have not ended.
    open: Vec<JobId>,
    seen: HashMap<JobId, Job>,
    unknown: Vec<JobId>,
    /// What the last answer can be continued with, as long as the same jobs are asked for.
    cursor: Option<String>,
    pace: Pace,
    /// Where the server holds polls.
    live: Pace,
}

impl Waiting {
    fn new(ids: &[JobId], pace: Option<Pace>) -> Self {
        let mut asked: Vec<JobId> = Vec::new();
        for id in ids {
            if !asked.contains(id) {
                asked.push(*id);
            }
        }
        Self {
            open: asked.clone(),
            asked,
            seen: HashMap::new(),
            unknown: Vec::new(),
            cursor: None,
            pace: pace.clone().unwrap_or_default(),
            live: pace.unwrap_or_else(Pace::live),
        }
    }

    fn ask(&mut self, end: Option<Instant>) -> Ask {
        Ask {
            ids: self.open.clone(),
            hold: self.cursor.take().and_then(|since| hold(since, end)),
        }
    }

    /// Takes an answer in; how long to wait until the next poll.
    fn answered(
        &mut self,
        polled: Polled,
        was_held: bool,
        on_event: &mut impl FnMut(Event<'_>),
    ) -> Duration {
        let before = self.open.len();
        let unknown = take_unknown(&mut self.open, &polled.jobs);
        self.unknown.extend(unknown);
        note(&mut self.seen, polled.jobs, on_event);
        let seen = &self.seen;
        let has_ended = |id: &JobId| seen.get(id).is_some_and(|job| job.status.is_final());
        self.open.retain(|id| !has_ended(id));
        let hint = polled.retry_after;
        match polled.cursor {
            // It would not hold this one: whoever is held is told nothing else.
            Some(_) if was_held && hint.is_some() => self.pace.after_poll(hint),
            Some(cursor) => {
                self.cursor = Some(cursor).filter(|_| self.open.len() == before);
                self.live.after_poll(None)
            }
            None => self.pace.after_poll(hint),
        }
    }

    fn outcome(mut self) -> Outcome {
        let jobs = self.asked.iter().filter_map(|id| self.seen.remove(id));
        Outcome {
            jobs: jobs.collect(),
            running: self.open,
            unknown: self.unknown,
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

/// For as long as there is time, with a second for the answer; not at all where there is less.
fn hold(since: String, end: Option<Instant>) -> Option<Hold> {
    let left = end.map_or(LONGEST_HOLD, |end| end.duration_since(Instant::now()));
    let left = left.saturating_sub(Duration::from_secs(1));
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
