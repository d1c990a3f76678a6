//! Jobs: the batch poll and one job in detail.

use crate::{Client, Error, Event, Outcome, Watch, http::Answer};
use api::{
    Job, JobId,
    job::{JobDetail, JobList, JobPoll},
};
use reqwest::Method;
use std::time::Duration;

const JOBS: &str = "/v1/resource/jobs";

/// How many jobs one request may ask for.
pub const POLL_BATCH: usize = 50;

/// What a request that takes time is answered with.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// The jobs: pending, on disk, certain to end.
    pub jobs: Vec<Job>,
    /// When the server proposes to be polled first.
    pub retry_after: Option<Duration>,
}

impl Accepted {
    /// The jobs' ids: all that is needed to ask again, from anywhere, later.
    pub fn ids(&self) -> Vec<JobId> {
        self.jobs.iter().map(|job| job.id).collect()
    }
}

/// The answer to a poll.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Polled {
    /// The jobs in the order asked for; what names no job of this tenant is left out.
    pub jobs: Vec<Job>,
    /// When the server asks to be polled next.
    pub retry_after: Option<Duration>,
}

impl Client {
    /// Reads any number of jobs, up to [`POLL_BATCH`] in a request.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn poll(&self, ids: &[JobId]) -> Result<Polled, Error> {
        let mut polled = Polled::default();
        for batch in ids.chunks(POLL_BATCH) {
            let body = JobPoll {
                job_ids: batch.iter().map(JobId::to_string).collect(),
            };
            let request = self.request(Method::POST, JOBS).json(&body);
            let Answer {
                data, retry_after, ..
            } = self.send::<JobList>(request).await?;
            polled.jobs.extend(data.jobs);
            polled.retry_after = polled.retry_after.max(retry_after);
        }
        Ok(polled)
    }

    /// One job with its phases.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn job(&self, id: JobId) -> Result<JobDetail, Error> {
        self.get(&format!("{JOBS}/{id}")).await
    }

    /// Polls jobs until all have ended or the watch's limit is over, and tells of each change.
    ///
    /// Dropping the future stops the waiting, never the jobs.
    ///
    /// # Errors
    /// Only what asking again cannot mend, such as a key that is refused.
    pub async fn wait(
        &self,
        ids: &[JobId],
        watch: Watch,
        on_event: impl FnMut(Event<'_>),
    ) -> Result<Outcome, Error> {
        // A clone for each poll, and no async closure, so that the future can be spawned.
        let poll = |open: Vec<JobId>| {
            let client = self.clone();
            async move { client.poll(&open).await }
        };
        watch.run(ids, poll, on_event).await
    }
}
