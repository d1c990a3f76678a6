//! Networks and network interfaces: bodies and answers.

use crate::{NicId, PublicIpId, ResourceId, Timestamp, machine::FlatDataCenter};
use serde::{Deserialize, Serialize};

/// What a network is seen to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum NetworkStatus {
    /// Being created.
    Creating,
    /// Machines can be on it.
    Active,
    /// Being changed.
    Updating,
    /// Being deleted.
    Deleting,
    /// Something is left over that an operator must look at.
    Error,
}

/// Managed in full, or plain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum NetworkType {
    /// Addresses, a gateway and public addresses.
    Standard,
    /// Plain layer 2: no addresses, no gateway.
    Custom,
}

impl NetworkType {
    /// Every type.
    pub const ALL: [NetworkType; 2] = [Self::Standard, Self::Custom];

    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Custom => "custom",
        }
    }
}

/// The bodies that say what a network is to be have these fields in common; they are written out in
/// each, so that an error names its field.
macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident { $($own:tt)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            $($own)*
            /// At most 500 characters.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub description: Option<String>,
            /// Network address and mask, e.g. `10.0.0.0/24`; a standard network needs it.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub cidr_block: Option<String>,
            /// Whether machines reach the outside through the gateway; default true.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub snat_enabled: Option<bool>,
            /// Whether addresses are handed out by DHCP; default true.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub dhcp_server_enabled: Option<bool>,
            /// Whether DHCP names the gateway as default route; default true.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub default_route_enabled: Option<bool>,
            /// Whether DHCP names the servers of names; default true.
            #[serde(
                rename = "serveDNSServersEnabled",
                default,
                skip_serializing_if = "Option::is_none"
            )]
            pub serve_dns_servers_enabled: Option<bool>,
            /// The first address that machines are given, inside the block.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub dhcp_start_address: Option<String>,
            /// The last one.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub dhcp_end_address: Option<String>,
            /// The gateway; the first host of the block where this lies outside of it.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub default_route: Option<String>,
            /// Servers of names: a list, or one text with commas between them.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub dns_servers: Option<DnsServers>,
        }

        impl $name {
            /// What it says beside name and type.
            pub fn settings(&self) -> NetworkSettings {
                NetworkSettings {
                    description: self.description.clone(),
                    cidr_block: self.cidr_block.clone(),
                    snat_enabled: self.snat_enabled,
                    dhcp_server_enabled: self.dhcp_server_enabled,
                    default_route_enabled: self.default_route_enabled,
                    serve_dns_servers_enabled: self.serve_dns_servers_enabled,
                    dhcp_start_address: self.dhcp_start_address.clone(),
                    dhcp_end_address: self.dhcp_end_address.clone(),
                    default_route: self.default_route.clone(),
                    dns_servers: self.dns_servers.clone(),
                }
            }
        }
    )*};
}

bodies! {
    /// `POST /v1/resource/networks`.
    NetworkCreate {
        /// 1 to 63 characters; no other network of yours has it.
        pub name: String,
        /// A data centre of the catalogue, by id.
        pub datacenter_id: String,
        /// `standard` or `custom`.
        pub network_type: NetworkType,
    }
    /// `PUT /v1/resource/networks/{id}`: what is absent stays.
    NetworkUpdate {
        /// 1 to 63 characters; no other network of yours has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub name: Option<String>,
        /// The type that it has: it cannot be changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub network_type: Option<NetworkType>,
    }
}

/// What may be said of a network beside its name and type. An empty text counts as absent; a custom
/// network has a description and nothing else of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkSettings {
    /// At most 500 characters.
    pub description: Option<String>,
    /// Network address and mask.
    pub cidr_block: Option<String>,
    /// Whether machines reach the outside through the gateway.
    pub snat_enabled: Option<bool>,
    /// Whether addresses are handed out by DHCP.
    pub dhcp_server_enabled: Option<bool>,
    /// Whether DHCP names the gateway as default route.
    pub default_route_enabled: Option<bool>,
    /// Whether DHCP names the servers of names.
    pub serve_dns_servers_enabled: Option<bool>,
    /// The first address that machines are given.
    pub dhcp_start_address: Option<String>,
    /// The last one.
    pub dhcp_end_address: Option<String>,
    /// The gateway.
    pub default_route: Option<String>,
    /// Servers of names.
    pub dns_servers: Option<DnsServers>,
}

/// Servers of names, in either form that clients send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged, expecting = "expected a list of strings")]
pub enum DnsServers {
    /// `"8.8.8.8, 1.1.1.1"`.
    Text(String),
    /// `["8.8.8.8", "1.1.1.1"]`.
    List(Vec<String>),
}

impl DnsServers {
    /// As it is shown: letter for letter, a list with commas between.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::List(list) => list.join(", "),
        }
    }
}

/// `POST /v1/resource/virtual-machines/{id}/network-interfaces`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct InterfaceAdd {
    /// A network in the machine's data centre, by id.
    pub network_id: String,
}

/// `PUT /v1/resource/virtual-machines/{id}/network-interfaces/{nicId}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct InterfaceUpdate {
    /// Always true: make it the primary one.
    pub set_primary: bool,
}

/// An interface of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct InterfaceRow {
    /// Its id.
    pub id: NicId,
    /// Its slot, from 0.
    pub network_interface: u8,
    /// 1 for the primary one, else 0.
    pub is_primary: u8,
    /// Its public address; null: it has none.
    pub public_ip: Option<String>,
    /// The id of that; null with it.
    pub public_ip_id: Option<PublicIpId>,
    /// Its private address; null on a custom network.
    pub private_ip: Option<String>,
    /// The network's name.
    pub network_name: String,
    /// The network.
    pub network_id: ResourceId,
    /// The network's block; null on a custom network.
    pub cidr_block: Option<String>,
    /// The network's gateway; null on a custom network.
    pub gateway_ip: Option<String>,
    /// The network's type.
    pub network_type: NetworkType,
    /// Additive: its hardware address.
    pub mac_address: String,
}

/// A network, in the list and by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NetworkDetail {
    /// Its id.
    pub id: ResourceId,
    /// Its name.
    pub name: String,
    /// What was said of it.
    pub description: String,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// `"true"` or `"false"`: whether machines reach the outside through the gateway.
    pub snat: String,
    /// Its block; empty on a custom network.
    pub cidr_block: String,
    /// Its gateway; empty on a custom network.
    pub gateway_ip: String,
    /// How many machines are on it, as text.
    pub connected_vms: String,
    /// `standard` or `custom`.
    pub network_type: NetworkType,
    /// Where it is.
    pub country: Place,
    /// Where it is.
    pub region: Place,
    /// Where it is.
    pub datacenter: FlatDataCenter,
    /// Servers of names, letter for letter as they were given.
    pub dns_nameservers: String,
    /// The addresses that machines are given; none on a custom network.
    pub allocation_pools: Vec<AllocationPool>,
    /// Additive: what it is seen to be.
    pub status: NetworkStatus,
    /// Additive: whether it is the data centre's default one.
    pub is_default: bool,
}

/// A country or a region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Place {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
}

/// Addresses that machines are given, the last one included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AllocationPool {
    /// The first.
    pub start: String,
    /// The last.
    pub end: String,
}

/// A machine on a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NetworkMachine {
    /// The machine.
    pub id: ResourceId,
    /// Its name.
    pub name: String,
    /// The machine once more.
    pub machine_id: ResourceId,
    /// The public address of its interface there; null: it has none.
    pub public_ip: Option<String>,
    /// The private one; null on a custom network.
    pub private_ip: Option<String>,
    /// The network.
    pub network_id: ResourceId,
}
