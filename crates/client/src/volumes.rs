//! Volumes.

use crate::{Accepted, Client, Error, changes::NOTHING};
use api::{
    ResourceId,
    volume::{VolumeAttach, VolumeCreate, VolumeDetail, VolumeResize},
};
use reqwest::Method;

const VOLUMES: &str = "/v1/resource/volumes";

impl Client {
    /// All volumes, page after page.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn volumes(&self) -> Result<Vec<VolumeDetail>, Error> {
        self.get_all(VOLUMES).await
    }

    /// One volume.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn volume(&self, id: ResourceId) -> Result<VolumeDetail, Error> {
        self.get(&format!("{VOLUMES}/{id}")).await
    }

    /// Asks for a volume; one job.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn create_volume(&self, wish: &VolumeCreate) -> Result<Accepted, Error> {
        self.change(Method::POST, VOLUMES, Some(wish)).await
    }

    /// Asks for a volume to be destroyed with its content; one job.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn delete_volume(&self, id: ResourceId) -> Result<Accepted, Error> {
        let path = format!("{VOLUMES}/{id}");
        self.change(Method::DELETE, &path, NOTHING).await
    }

    /// Asks for a volume to be put on a machine; one job.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn attach_volume(
        &self,
        id: ResourceId,
        machine: ResourceId,
    ) -> Result<Accepted, Error> {
        let body = VolumeAttach {
            virtual_machine_id: machine.to_string(),
        };
        let path = format!("{VOLUMES}/{id}/attach");
        self.change(Method::PUT, &path, Some(&body)).await
    }

    /// Asks for a volume to be taken off its machine; one job.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn detach_volume(&self, id: ResourceId) -> Result<Accepted, Error> {
        let path = format!("{VOLUMES}/{id}/detach");
        self.change(Method::PUT, &path, NOTHING).await
    }

    /// Asks for a volume to be made larger; one job.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn resize_volume(&self, id: ResourceId, size_gb: i64) -> Result<Accepted, Error> {
        let body = VolumeResize {
            new_size_gb: size_gb,
        };
        let path = format!("{VOLUMES}/{id}/resize");
        self.change(Method::PUT, &path, Some(&body)).await
    }
}
