//! Requests that are answered with a job. Each is sent with an idempotency key of its own, so that
//! one whose answer is lost can be sent again without being done twice.

use crate::{Accepted, Client, Error, http::Answer};
use api::Job;
use reqwest::Method;
use serde::{Serialize, de::DeserializeOwned};

/// How often a request is sent whose answer is lost.
const CHANGE_ATTEMPTS: u32 = 3;

impl Client {
    /// Asks for a change that is answered with one job.
    pub(crate) async fn change(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<Accepted, Error> {
        let answer: Answer<Job> = self.repeatable(method, path, body).await?;
        Ok(Accepted {
            jobs: vec![answer.data],
            retry_after: answer.retry_after,
        })
    }

    /// Sends a request with an idempotency key, again where its answer is lost.
    pub(crate) async fn repeatable<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<Answer<T>, Error> {
        let key = uuid::Uuid::new_v4().to_string();
        self.repeat((method, path), body, &key, |_| {}).await
    }

    /// The same with a key of the caller's, telling of each lost answer after which it is sent again.
    pub(crate) async fn repeat<T: DeserializeOwned>(
        &self,
        (method, path): (Method, &str),
        body: Option<&(impl Serialize + Sync)>,
        key: &str,
        mut on_lost: impl FnMut(&Error),
    ) -> Result<Answer<T>, Error> {
        let mut sent = 1;
        loop {
            let mut request = self.request(method.clone(), path);
            request = request.header("Idempotency-Key", key);
            if let Some(body) = body {
                request = request.json(body);
            }
            match self.send(request).await {
                Err(error @ Error::Lost { .. }) if sent < CHANGE_ATTEMPTS => on_lost(&error),
                other => return other,
            }
            sent += 1;
        }
    }
}

/// No body, where a type has to be named.
pub(crate) const NOTHING: Option<&()> = None;
