//! Virtual machines.

use crate::{Accepted, Client, Error, changes::NOTHING, http::Answer};
use api::{
    Job, PageMeta, ResourceId,
    console::Console,
    machine::{MachineCreate, MachineDetail, MachineRename, MachineResize, MachineRow},
};
use reqwest::Method;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

const MACHINES: &str = "/v1/resource/virtual-machines";

/// A page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// Where in the list it is.
    pub meta: Option<PageMeta>,
}

impl Client {
    /// Asks for one machine or several; one job each, in the order of their names.
    ///
    /// A create whose answer is lost is sent again, three times in all: its idempotency key (one of
    /// its own where none is given) makes sure that nothing is made twice. Give one to repeat it
    /// after a crash as well: the same key and body give the same jobs.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn create_machines(
        &self,
        wish: &MachineCreate,
        idempotency_key: Option<&str>,
    ) -> Result<Accepted, Error> {
        self.create_machines_telling(wish, idempotency_key, |_| {})
            .await
    }

    /// The same, and tells of each lost answer after which it is sent again.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn create_machines_telling(
        &self,
        wish: &MachineCreate,
        idempotency_key: Option<&str>,
        on_lost: impl FnMut(&Error),
    ) -> Result<Accepted, Error> {
        let key = idempotency_key.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
        let to = (Method::POST, MACHINES);
        let answer: Answer<Created> = self.repeat(to, Some(wish), &key, on_lost).await?;
        Ok(Accepted {
            jobs: answer.data.0,
            retry_after: answer.retry_after,
        })
    }

    /// A page of the machines, newest first; pages count from 1, `limit` is 1 to 100.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn list_machines(&self, page: u64, limit: u64) -> Result<Page<MachineRow>, Error> {
        let path = format!("{MACHINES}?page={page}&limit={limit}");
        let answer = self.send(self.request(Method::GET, &path)).await?;
        Ok(Page {
            rows: answer.data,
            meta: answer.meta,
        })
    }

    /// All machines, page after page.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn all_machines(&self) -> Result<Vec<MachineRow>, Error> {
        self.get_all(MACHINES).await
    }

    /// One machine.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn machine(&self, id: ResourceId) -> Result<MachineDetail, Error> {
        self.get(&format!("{MACHINES}/{id}")).await
    }

    /// The last lines that a machine wrote on its serial console.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn console_tail(&self, id: ResourceId, lines: u32) -> Result<Console, Error> {
        self.get(&format!("{MACHINES}/{id}/console?tail={lines}"))
            .await
    }

    /// What it wrote after an earlier answer's cursor.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn console_after(&self, id: ResourceId, cursor: &str) -> Result<Console, Error> {
        self.get(&format!("{MACHINES}/{id}/console?after={cursor}"))
            .await
    }

    /// Gives a machine another name, at once.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn rename_machine(&self, id: ResourceId, name: &str) -> Result<MachineDetail, Error> {
        let body = MachineRename {
            name: name.to_owned(),
        };
        self.call(Method::PUT, &format!("{MACHINES}/{id}"), &body)
            .await
    }

    /// Asks for a machine to be deleted; one job.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn delete_machine(&self, id: ResourceId) -> Result<Accepted, Error> {
        let path = format!("{MACHINES}/{id}");
        self.change(Method::DELETE, &path, NOTHING).await
    }

    /// Asks for a machine to get another size; one job.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn resize_machine(&self, id: ResourceId, size: i64) -> Result<Accepted, Error> {
        let body = MachineResize {
            configuration_id: size,
        };
        let path = format!("{MACHINES}/{id}/size");
        self.change(Method::PUT, &path, Some(&body)).await
    }

    /// Turns a machine on. Answers within 50 s: `Running`, or `Starting` where it takes longer.
    ///
    /// # Errors
    /// Whatever [`Error`] names; `RESOURCE_BUSY` if its turn did not come: it has no effect then.
    pub async fn start_machine(&self, id: ResourceId) -> Result<MachineDetail, Error> {
        self.power(id, "start").await
    }

    /// Turns a machine off. Answers within 50 s: `Shutoff`, or `Stopping` where it takes longer.
    ///
    /// # Errors
    /// As [`Client::start_machine`].
    pub async fn stop_machine(&self, id: ResourceId) -> Result<MachineDetail, Error> {
        self.power(id, "stop").await
    }

    /// Turns a running machine off and on. Answers within 50 s, as [`Client::start_machine`].
    ///
    /// # Errors
    /// As [`Client::start_machine`].
    pub async fn reset_machine(&self, id: ResourceId) -> Result<MachineDetail, Error> {
        self.power(id, "reset").await
    }

    async fn power(&self, id: ResourceId, verb: &str) -> Result<MachineDetail, Error> {
        let request = self.request(Method::POST, &format!("{MACHINES}/{id}/{verb}"));
        Ok(self.send(request).await?.data)
    }
}

/// What a create is answered with: an array, or `{"jobs":[…]}` where the path ended in a slash.
pub(crate) struct Created(pub(crate) Vec<Job>);

impl<'de> Deserialize<'de> for Created {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // By hand, since an untagged enum cannot say which field of a job is wrong.
        let jobs = match Value::deserialize(deserializer)? {
            Value::Object(mut object) => object.remove("jobs").unwrap_or_default(),
            other => other,
        };
        serde_json::from_value(jobs)
            .map(Self)
            .map_err(de::Error::custom)
    }
}
