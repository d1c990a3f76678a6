//! Machines with GPUs.

use crate::{Accepted, Client, Error, changes::NOTHING, http::Answer, machines::Created};
use api::{
    ResourceId,
    gpu::{GpuCreate, GpuDetail, GpuInventoryRow},
    machine::MachineRename,
};
use reqwest::Method;

const GPUS: &str = "/v1/resource/gpu";

impl Client {
    /// All GPU machines, page after page.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn gpu_machines(&self) -> Result<Vec<GpuDetail>, Error> {
        self.get_all(GPUS).await
    }

    /// One GPU machine.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn gpu_machine(&self, id: ResourceId) -> Result<GpuDetail, Error> {
        self.get(&format!("{GPUS}/{id}")).await
    }

    /// What there is of GPUs now.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn gpu_inventory(&self) -> Result<Vec<GpuInventoryRow>, Error> {
        self.get(&format!("{GPUS}/inventory")).await
    }

    /// Asks for a GPU machine; one job.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn create_gpu_machine(&self, wish: &GpuCreate) -> Result<Accepted, Error> {
        let answer: Answer<Created> = self.repeatable(Method::POST, GPUS, Some(wish)).await?;
        Ok(Accepted {
            jobs: answer.data.0,
            retry_after: answer.retry_after,
        })
    }

    /// Gives a GPU machine another name, at once.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn rename_gpu_machine(&self, id: ResourceId, name: &str) -> Result<GpuDetail, Error> {
        let body = MachineRename {
            name: name.to_owned(),
        };
        self.call(Method::PUT, &format!("{GPUS}/{id}"), &body).await
    }

    /// Asks for a GPU machine to be deleted; one job.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn delete_gpu_machine(&self, id: ResourceId) -> Result<Accepted, Error> {
        let path = format!("{GPUS}/{id}");
        self.change(Method::DELETE, &path, NOTHING).await
    }
}
