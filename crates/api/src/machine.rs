//! Virtual machines: bodies and answers.

use crate::{DataCenterId, Private, ResourceId, SshKeyId, Timestamp};
use serde::{Deserialize, Serialize};

/// What a machine is seen to be. The spelling is the API's; `Stopped` is never reported, `Shutoff` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum MachineStatus {
    /// Being created.
    Provisioning,
    /// Being started or reset.
    Starting,
    /// On.
    Running,
    /// Being stopped.
    Stopping,
    /// Being given another size.
    Resizing,
    /// Off.
    Shutoff,
    /// Being deleted.
    Deleting,
    /// Something is left over that an operator must look at.
    Error,
}

impl MachineStatus {
    /// Every status.
    pub const ALL: [MachineStatus; 8] = [
        Self::Provisioning,
        Self::Starting,
        Self::Running,
        Self::Stopping,
        Self::Resizing,
        Self::Shutoff,
        Self::Deleting,
        Self::Error,
    ];

    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "Provisioning",
            Self::Starting => "Starting",
            Self::Running => "Running",
            Self::Stopping => "Stopping",
            Self::Resizing => "Resizing",
            Self::Shutoff => "Shutoff",
            Self::Deleting => "Deleting",
            Self::Error => "Error",
        }
    }
}

/// `POST /v1/resource/virtual-machines`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MachineCreate {
    /// 1 to 63 characters, `-n` of several instances included.
    pub name: String,
    /// A data centre of the catalogue, by id.
    pub datacenter_id: String,
    /// An image of the catalogue.
    pub image_id: i64,
    /// A size of the catalogue.
    pub configuration_id: i64,
    /// How many to make: 1 (the default) to 50, then named `name-1`, `name-2` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_of_instances: Option<i64>,
    /// Whether the primary interface gets a public address; its network must be a standard one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocate_public_ip: Option<bool>,
    /// 1 to 5 interfaces, exactly one of them primary; absent: one on the data centre's default network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_interfaces: Option<Vec<InterfaceCreate>>,
    /// A resource group, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<i64>,
    /// How to log in; absent: with the keys given, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_method: Option<AuthMethod>,
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
    /// With the methods `password` and `custom`: 12 to 50 ASCII characters without a space, at least one
    /// of each: upper case, lower case, digit, special. It is wiped when the job ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(
            value_type = Option<String>, format = Password, min_length = 12, max_length = 50,
            pattern = "^(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9])(?=.*[!-/:-@\\[-`{-~])[!-~]+$"
        )
    )]
    pub password: Option<Private>,
}

/// How to log in to a new machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum AuthMethod {
    /// With a key: `sshKeyId` or `sshPublicKeys`, and no password.
    SshKey,
    /// With a password, and no key.
    Password,
    /// With whatever is given; `userData` may see to it.
    Custom,
}

/// An interface of a machine that is to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct InterfaceCreate {
    /// A network in the same data centre, by id.
    pub network_id: String,
    /// Whether it is the primary one; an only one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
}

/// `PUT /v1/resource/virtual-machines/{id}/size`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MachineResize {
    /// Another size of the catalogue.
    pub configuration_id: i64,
}

/// `PUT /v1/resource/virtual-machines/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MachineRename {
    /// The new name, 1 to 63 characters.
    pub name: String,
}

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MachineRow {
    /// The machine's id.
    pub id: ResourceId,
    /// Its name.
    pub name: String,
    /// What it is seen to be.
    pub status: MachineStatus,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Its size.
    pub configuration: RowSize,
    /// Where it is.
    pub datacenter: RowDataCenter,
    /// The image it was made from.
    pub image_name: String,
    /// The primary interface's address; null until it is made, and on a custom network.
    pub primary_private_ip: Option<String>,
    /// Its public address; null: none.
    pub primary_public_ip: Option<String>,
    /// Additive: the resource group that it is in; null: none.
    #[serde(default)]
    pub team_id: Option<i64>,
    /// Additive: why it is off or in error though nobody turned it off, in a sentence; null otherwise.
    #[serde(default)]
    pub status_reason: Option<String>,
}

/// A machine's size in a list: cores, GB, GB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RowSize {
    /// Cores.
    pub cpu: u32,
    /// Memory in GB.
    pub ram: u32,
    /// Disk in GB.
    pub disk: u32,
}

/// A machine's data centre in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RowDataCenter {
    /// Its id.
    pub id: DataCenterId,
    /// Its name.
    pub name: String,
    /// Its region's name.
    pub region: String,
    /// Its country's name.
    pub country: String,
}

/// A machine in full: the nested form of the first generation and the flat form of the later
/// one, side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MachineDetail {
    /// What it is seen to be.
    pub status: MachineStatus,
    /// The nested form.
    pub virtual_machine: NestedMachine,
    /// The machine's id.
    pub id: ResourceId,
    /// Its name.
    pub name: String,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The image's name.
    pub image: String,
    /// Whom to log in as.
    pub username: String,
    /// Its size.
    pub configuration: FlatSize,
    /// Where it is.
    pub datacenter: FlatDataCenter,
    /// The stored key that its create named.
    pub ssh_key_id: Option<SshKeyId>,
    /// What that key was called then.
    pub ssh_key_name: Option<String>,
    /// 0 or 1.
    pub network_hotplug: u8,
    /// Always null for now.
    pub resource_group_id: Option<String>,
    /// Additive: the resource group that it is in; null: none.
    #[serde(default)]
    pub team_id: Option<i64>,
    /// Additive: why it is off or in error though nobody turned it off, in a sentence; null otherwise.
    #[serde(default)]
    pub status_reason: Option<String>,
    /// Additive: what to know of machines here that is not as usual, in sentences; mostly none.
    #[serde(default)]
    pub notices: Vec<String>,
}

/// The nested form of a machine; here size, data centre and image are plain names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NestedMachine {
    /// The machine's id.
    pub id: ResourceId,
    /// Its name.
    pub name: String,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The size's id.
    pub configuration_id: i64,
    /// The size's name.
    pub configuration: String,
    /// Cores.
    pub cpu: u32,
    /// Memory in GB.
    pub ram: u32,
    /// Disk in GB.
    pub disk: u32,
    /// The image's name.
    pub image: String,
    /// Whom to log in as.
    pub username: String,
    /// The data centre's id.
    pub datacenter_id: DataCenterId,
    /// The data centre's name.
    pub datacenter: String,
    /// The region's id.
    pub region_id: i64,
    /// The region's name.
    pub region: String,
    /// The country's name.
    pub country: String,
}

/// A machine's size in the flat form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FlatSize {
    /// The size's id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its code, e.g. `g-small-1`.
    pub code: String,
    /// Its category's code, e.g. `general`.
    pub category_code: String,
    /// The size's id as text.
    pub sku_id: String,
    /// Its code once more.
    pub sku_code: String,
    /// Cores.
    pub cpu: u32,
    /// Memory in GB.
    pub ram: u32,
    /// Disk in GB.
    pub disk: u32,
}

/// A machine's data centre in the flat form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FlatDataCenter {
    /// Its id.
    pub id: DataCenterId,
    /// Its name.
    pub name: String,
    /// Its region's name.
    pub region: String,
    /// Its country's abbreviation.
    pub country_abbr: String,
    /// Its country's name.
    pub country: String,
}
