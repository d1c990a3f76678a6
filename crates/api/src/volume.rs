//! Volumes: bodies and answers.

use crate::{ResourceId, Timestamp, machine::FlatDataCenter};
use serde::{Deserialize, Serialize};

/// What a volume is seen to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum VolumeStatus {
    /// Being created.
    Creating,
    /// On no machine.
    Available,
    /// Being attached.
    Attaching,
    /// On a machine.
    InUse,
    /// Being detached.
    Detaching,
    /// Being made larger.
    Resizing,
    /// Being deleted.
    Deleting,
    /// Something is left over that an operator must look at.
    Error,
}

impl VolumeStatus {
    /// Every status.
    pub const ALL: [VolumeStatus; 8] = [
        Self::Creating,
        Self::Available,
        Self::Attaching,
        Self::InUse,
        Self::Detaching,
        Self::Resizing,
        Self::Deleting,
        Self::Error,
    ];

    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Available => "Available",
            Self::Attaching => "Attaching",
            Self::InUse => "InUse",
            Self::Detaching => "Detaching",
            Self::Resizing => "Resizing",
            Self::Deleting => "Deleting",
            Self::Error => "Error",
        }
    }
}

/// `POST /v1/resource/volumes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct VolumeCreate {
    /// 1 to 63 characters; no other volume of yours has it.
    pub name: String,
    /// A data centre of the catalogue, by id.
    pub datacenter_id: String,
    /// A type of the catalogue: 1 is SSD, 2 is NVMe.
    pub volume_type_id: i64,
    /// A size of that type.
    pub volume_size_id: i64,
    /// The same size in GB.
    pub size_gb: i64,
    /// A resource group, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<i64>,
}

/// `PUT /v1/resource/volumes/{id}/attach`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct VolumeAttach {
    /// A machine in the same data centre, by id.
    pub virtual_machine_id: String,
}

/// `PUT /v1/resource/volumes/{id}/resize`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct VolumeResize {
    /// A larger size of the volume's type, in GB.
    pub new_size_gb: i64,
}

/// A volume, in the list and by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct VolumeDetail {
    /// Its id.
    pub id: ResourceId,
    /// Its name.
    pub name: String,
    /// GB.
    pub size_gb: u32,
    /// The catalogue's size of that many GB; null if there is none any more.
    pub volume_size_id: Option<i64>,
    /// Its type.
    pub volume_type: VolumeTypeOf,
    /// Where it is.
    pub datacenter: FlatDataCenter,
    /// The machine that it is on; null: none.
    pub virtual_machine_id: Option<ResourceId>,
    /// That machine's name.
    pub virtual_machine_name: Option<String>,
    /// What it is seen to be.
    pub status: VolumeStatus,
    /// The resource group that it is in.
    pub team_id: Option<i64>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The type of a volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VolumeTypeOf {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// For people.
    pub description: String,
}
