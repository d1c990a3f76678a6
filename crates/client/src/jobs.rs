//! Jobs: the batch poll, one job in detail, the list, and cancelling.

use crate::{Ask, Client, Error, Event, Hold, Outcome, Watch, http::Answer};
use api::{
    CursorPage, Job, JobId, JobStatus, ResourceId, Timestamp,
    job::{JobDetail, JobPoll, JobsNow},
};
use reqwest::{Method, Url};
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
    /// What a poll for the same jobs can go on from, if the server can hold it until there is a change.
    pub cursor: Option<String>,
}

/// Which jobs a list shows; where nothing is asked for, all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// With one of these statuses.
    pub status: Vec<JobStatus>,
    /// Of one of these operations, e.g. `vm.create`.
    pub kind: Vec<String>,
    /// Of this kind of resource, e.g. `vm`.
    pub resource_type: Option<String>,
    /// Of this resource.
    pub resource: Option<ResourceId>,
    /// Accepted later than this.
    pub created_after: Option<Timestamp>,
}

/// A page of the list of jobs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobPage {
    /// Its jobs, newest first.
    pub jobs: Vec<Job>,
    /// Where the next page begins; `None` on the last.
    pub next_cursor: Option<String>,
}

impl JobFilter {
    fn path(&self, cursor: Option<&str>, limit: usize) -> Result<String, Error> {
        let mut words = Vec::new();
        for status in &self.status {
            words.push(("status", status.as_str().to_owned()));
        }
        for kind in &self.kind {
            words.push(("kind", kind.clone()));
        }
        let texts = [
            ("resourceType", self.resource_type.clone()),
            ("resourceId", self.resource.map(|id| id.to_string())),
            ("createdAfter", self.created_after.map(|it| it.to_string())),
            ("cursor", cursor.map(str::to_owned)),
            ("limit", Some(limit.to_string())),
        ];
        let given = texts.into_iter().filter_map(|(name, it)| Some((name, it?)));
        words.extend(given);
        // Only for its form of a query.
        let url = Url::parse_with_params("http://server/", &words);
        let url = url.map_err(|error| Error::Setup(error.to_string()))?;
        Ok(format!("{JOBS}?{}", url.query().unwrap_or_default()))
    }
}

impl Client {
    /// Reads any number of jobs, up to [`POLL_BATCH`] in a request.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn poll(&self, ids: &[JobId]) -> Result<Polled, Error> {
        let mut polled = Polled::default();
        for batch in ids.chunks(POLL_BATCH) {
            let one = self.poll_batch(batch, None).await?;
            polled.jobs.extend(one.jobs);
            polled.retry_after = polled.retry_after.max(one.retry_after);
            // A cursor is of one request's jobs.
            polled.cursor = one.cursor.filter(|_| ids.len() <= POLL_BATCH);
        }
        Ok(polled)
    }

    async fn poll_batch(&self, ids: &[JobId], hold: Option<Hold>) -> Result<Polled, Error> {
        let (since, wait_seconds) = hold.map(|it| (it.since, it.seconds)).unzip();
        let body = JobPoll {
            job_ids: ids.iter().map(JobId::to_string).collect(),
            wait_seconds,
            since,
        };
        let request = self.request(Method::POST, JOBS).json(&body);
        let answer: Answer<JobsNow> = self.send(request).await?;
        let JobsNow { jobs, cursor } = answer.data;
        Ok(Polled {
            jobs,
            retry_after: answer.retry_after,
            cursor: Some(cursor).filter(|cursor| !cursor.is_empty()),
        })
    }

    /// One job with its phases.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn job(&self, id: JobId) -> Result<JobDetail, Error> {
        self.get(&format!("{JOBS}/{id}")).await
    }

    /// A page of the jobs, newest first; synchronous calls are not listed. `limit` is 1 to 100; the
    /// page's `next_cursor` reads on.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn list_jobs(
        &self,
        filter: &JobFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<JobPage, Error> {
        let path = filter.path(cursor, limit)?;
        let request = self.request(Method::GET, &path);
        let page: CursorPage<Vec<Job>> = self.read(request).await?.0;
        Ok(JobPage {
            jobs: page.data,
            next_cursor: page.meta.next_cursor,
        })
    }

    /// Cancels a job that waits, or has a create that runs put back; answers with the job as it is
    /// then.
    ///
    /// # Errors
    /// Whatever [`Error`] names; `TOO_LATE` if it cannot be cancelled any more.
    pub async fn cancel_job(&self, id: JobId) -> Result<Job, Error> {
        let request = self.request(Method::POST, &format!("{JOBS}/{id}/cancel"));
        Ok(self.send(request).await?.data)
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
        let poll = |ask: Ask| {
            let client = self.clone();
            async move {
                match ask.hold {
                    None => client.poll(&ask.ids).await,
                    hold => client.poll_batch(&ask.ids, hold).await,
                }
            }
        };
        watch.run(ids, poll, on_event).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_as_a_query() {
        let filter = JobFilter {
            status: vec![JobStatus::Pending, JobStatus::InProgress],
            kind: vec!["vm.create&x".into()],
            created_after: Some(Timestamp::from_millis(0)),
            ..JobFilter::default()
        };
        let expected = "/v1/resource/jobs?status=pending&status=in_progress&kind=vm.create%26x\
                        &createdAfter=1970-01-01T00%3A00%3A00.000Z&cursor=ab&limit=7";
        assert_eq!(filter.path(Some("ab"), 7).unwrap(), expected);
        let all = JobFilter::default().path(None, 10).unwrap();
        assert_eq!(all, "/v1/resource/jobs?limit=10");
    }
}
