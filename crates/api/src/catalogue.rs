//! The catalogue's reads: data centres, regions, countries, images, sizes.

use crate::DataCenterId;
use serde::{Deserialize, Serialize};

/// A data centre.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DataCenterRow {
    /// Its id.
    pub id: DataCenterId,
    /// Its name.
    pub name: String,
    /// Its region's id.
    pub region_id: i64,
    /// Its region's name.
    pub region_name: String,
    /// Its country's id.
    pub country_id: i64,
    /// Its country's name.
    pub country_name: String,
    /// Its country's abbreviation, e.g. `US`.
    pub country_abbreviation: String,
}

/// A region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RegionRow {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its country's id.
    pub country_id: i64,
    /// Its country's name.
    pub country_name: String,
    /// Its country's abbreviation.
    pub country_abbreviation: String,
}

/// A country.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CountryRow {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
}

/// An image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImageRow {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
}

/// A size, in the flat list that `?imageId=` selects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SizeRow {
    /// Its id: a machine's `configurationId`.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Cores.
    pub cpu: u32,
    /// Memory in GB.
    pub ram: u32,
    /// Disk in GB.
    pub disk: u32,
}

/// Sizes by category, where no `imageId` is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SizeCatalogue {
    /// The data centre asked about.
    pub datacenter_id: DataCenterId,
    /// Its categories, each with its sizes in both later forms.
    pub categories: Vec<SizeCategory>,
}

/// A category of sizes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SizeCategory {
    /// Its code, e.g. `general`.
    pub code: String,
    /// Its name, e.g. `General`.
    pub name: String,
    /// The form of provider 0.2: one tier for each size.
    pub tiers: Vec<SizeTier>,
    /// The form of provider 1.x.
    pub sizes: Vec<SkuRow>,
}

/// A tier: a named size with its configurations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SizeTier {
    /// The size's id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its code.
    pub code: String,
    /// What it can be had as.
    pub configurations: Vec<TierConfiguration>,
}

/// One configuration of a tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TierConfiguration {
    /// A machine's `configurationId`.
    pub configuration_id: i64,
    /// Cores.
    pub cpu: TierCpu,
    /// Memory.
    pub memory: TierGigabytes,
    /// Disk.
    pub disk: TierGigabytes,
}

/// Cores of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TierCpu {
    /// The number of cores once more, as an id.
    pub id: i64,
    /// Cores.
    pub cores: u32,
    /// For people, e.g. `2 vCPU`.
    pub display_name: String,
}

/// Memory or disk of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TierGigabytes {
    /// The size once more, as an id.
    pub id: i64,
    /// GB.
    pub size_gb: u32,
    /// For people, e.g. `4 GB`.
    pub display_name: String,
}

/// A size in the form of provider 1.x.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SkuRow {
    /// The size's id as text.
    pub sku_id: String,
    /// Its name.
    pub name: String,
    /// Its code.
    pub sku_code: String,
    /// Cores.
    pub cpu: u32,
    /// Memory in GB.
    pub ram: u32,
    /// Disk in GB.
    pub disk: u32,
}

/// The sizes of volumes in a data centre, by type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct VolumeSizes {
    /// The data centre.
    pub datacenter_id: DataCenterId,
    /// The types, each with its sizes.
    pub volume_types: Vec<VolumeTypeRow>,
}

/// A type of volumes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct VolumeTypeRow {
    /// Its id: 1 is SSD, 2 is NVMe.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// For people.
    pub description: String,
    /// What there is.
    pub available_sizes: Vec<VolumeSizeRow>,
}

/// A size of volumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct VolumeSizeRow {
    /// Its id.
    pub id: i64,
    /// GB.
    pub size_gb: u32,
}
