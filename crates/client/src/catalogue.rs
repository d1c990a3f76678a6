//! The catalogue: what can be had, and where.

use crate::{Client, Error};
use api::{
    DataCenterId,
    catalogue::{DataCenterRow, ImageRow, SizeRow, VolumeSizes},
};

const DATA_CENTERS: &str = "/v1/resource/data-centers";

impl Client {
    /// All data centres; the first is the default one.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn data_centers(&self) -> Result<Vec<DataCenterRow>, Error> {
        self.get_all(DATA_CENTERS).await
    }

    /// The images of a data centre.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn images(&self, place: DataCenterId) -> Result<Vec<ImageRow>, Error> {
        self.get(&format!("{DATA_CENTERS}/{place}/virtual-machine-images"))
            .await
    }

    /// The sizes that go with an image in a data centre.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn sizes(&self, place: DataCenterId, image: i64) -> Result<Vec<SizeRow>, Error> {
        self.get(&format!(
            "{DATA_CENTERS}/{place}/virtual-machine-sizes?imageId={image}"
        ))
        .await
    }

    /// The sizes of volumes in a data centre, by type.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn volume_sizes(&self, place: DataCenterId) -> Result<VolumeSizes, Error> {
        self.get(&format!("{DATA_CENTERS}/{place}/volume-sizes"))
            .await
    }
}
