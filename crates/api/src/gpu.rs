//! GPU machines: bodies and answers.

use crate::{
    DataCenterId, Private, ResourceId, SshKeyId, Timestamp,
    machine::{FlatDataCenter, MachineStatus},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `POST /v1/resource/gpu`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GpuCreate {
    /// 1 to 63 characters.
    pub name: String,
    /// A data centre of the catalogue, by id.
    pub datacenter_id: String,
    /// A series of GPUs of the catalogue.
    pub series_id: i64,
    /// How many: 1, 2, 4 or 8.
    pub gpu_count: i64,
    /// An image of the catalogue; absent: the first that fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_id: Option<i64>,
    /// A resource group, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<i64>,
    /// A stored SSH key (`/v1/resource/ssh-keys`), by id: its public half is put on the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_key_id: Option<String>,
    /// Public keys to put on the machine beside it, each a line of a `.pub` file; at most 16. They are
    /// wiped when the job ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<String>>, max_items = 16))]
    pub ssh_public_keys: Option<Vec<Private>>,
    /// Whom to log in as; absent: the image's own user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 32, pattern = "^[a-z_][a-z0-9_-]*$")
    )]
    pub username: Option<String>,
    /// What cloud-init is to do, at most 64 KiB. It is wiped when the job ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub user_data: Option<Private>,
}

/// A GPU machine, in the list and by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GpuDetail {
    /// Its id.
    pub id: ResourceId,
    /// Its name.
    pub name: String,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Always null: what is deleted is not listed.
    pub deleted_at: Option<Timestamp>,
    /// What it is seen to be.
    pub status: MachineStatus,
    /// What it has.
    pub configuration: GpuConfiguration,
    /// Its address; null until it is made.
    pub ip: Option<String>,
    /// Where it is.
    pub datacenter: FlatDataCenter,
    /// Always null for now.
    pub resource_group_id: Option<String>,
    /// Always null for now.
    pub resource_group_name: Option<String>,
    /// The image's name.
    pub image: String,
    /// Always null: no notebook is served.
    pub jupyter_url: Option<String>,
    /// Whom to log in as.
    pub username: String,
    /// The stored key that its create named.
    pub ssh_key_id: Option<SshKeyId>,
    /// What that key was called then.
    pub ssh_key_name: Option<String>,
    /// Always false: none are stored.
    pub has_stored_credentials: bool,
    /// Additive: the resource group that it is in; null: none.
    #[serde(default)]
    pub team_id: Option<i64>,
}

/// What a GPU machine has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GpuConfiguration {
    /// The series' name.
    pub name: String,
    /// The series' code.
    pub code: String,
    /// GPUs.
    pub gpu_count: u32,
    /// Cores.
    pub cpu: u32,
    /// Memory in GB.
    pub ram: u32,
    /// Disk in GB.
    pub disk: u32,
    /// The series' id as text.
    pub sku_id: String,
    /// The series' code once more.
    pub sku_code: String,
}

/// A series of GPUs and where it can be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GpuInventoryRow {
    /// The series' id.
    pub series_id: i64,
    /// Its name.
    pub series_name: String,
    /// Its code.
    pub series_code: String,
    /// By data centre.
    pub availability: Vec<GpuAvailability>,
}

/// What a data centre has of a series now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GpuAvailability {
    /// The data centre.
    pub datacenter_id: DataCenterId,
    /// Its name.
    pub datacenter_name: String,
    /// For `"1"`, `"2"`, `"4"` and `"8"` GPUs: whether a machine with so many could be made now.
    pub gpu_counts: BTreeMap<String, GpuAvailable>,
}

/// Whether a machine with so many GPUs could be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GpuAvailable {
    /// It could.
    pub available: bool,
}
