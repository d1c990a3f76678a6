//! Images of a host's own. Needs a [`Client`] with the operator's key.

use crate::{Client, Error};
use api::image::{HostImage, ImageImport};
use reqwest::Method;

const IMAGES: &str = "/admin/v1/images";

impl Client {
    /// All images, by id, those that are being brought in as well.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn host_images(&self) -> Result<Vec<HostImage>, Error> {
        self.get_all(IMAGES).await
    }

    /// One image.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn host_image(&self, id: i64) -> Result<HostImage, Error> {
        self.get(&format!("{IMAGES}/{id}")).await
    }

    /// Begins to bring an image in; [`Client::host_image`] tells how far it is.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn import_image(&self, image: &ImageImport) -> Result<HostImage, Error> {
        self.call(Method::POST, IMAGES, image).await
    }

    /// Removes an image that no machine was made from.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn remove_image(&self, id: i64) -> Result<(), Error> {
        self.send_only(self.request(Method::DELETE, &format!("{IMAGES}/{id}")))
            .await
    }
}
