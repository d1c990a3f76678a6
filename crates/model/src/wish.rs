//! What a job was asked for, beyond what its operation says: kept with the job from its acceptance,
//! and read by the operation when its turn comes.

use crate::spec::Subnet;
use api::{NicId, ResourceId, network::NetworkUpdate};
use serde::{Deserialize, Serialize};

/// What was asked for. Fields are only ever added, with defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// The operation says it all.
    #[default]
    Nothing,
    /// A new machine.
    Machine(MachineWish),
    /// A size of the catalogue.
    Size(i64),
    /// A new interface.
    Nic(NicWish),
    /// An interface that there is.
    OfNic(NicId),
    /// The machine that a volume is to be on.
    Attach(ResourceId),
    /// The size of a volume in GB.
    GrowTo(u32),
    /// What a new network is to be.
    Network(NetworkWish),
    /// What is to be otherwise of a network, as it was sent.
    NetworkUpdate(Box<NetworkUpdate>),
}

impl Wish {
    /// Whether something is kept apart for it until its job ends.
    pub fn has_secret(&self) -> bool {
        matches!(self, Self::Machine(machine) if machine.secret.is_some())
    }
}

/// What a new machine is to have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineWish {
    /// Its interfaces, by slot.
    pub nics: Vec<NicWish>,
    /// A public address for the primary one.
    #[serde(default)]
    pub public_ip: bool,
    /// The digest of what is kept apart.
    #[serde(default)]
    pub secret: Option<String>,
}

/// A new interface: its id and its place on the network are claimed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NicWish {
    /// Its id.
    pub id: NicId,
    /// The network.
    pub network: ResourceId,
}

/// What a network is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkWish {
    /// Its name.
    pub name: String,
    /// For people.
    pub description: String,
    /// Servers of names, letter for letter.
    pub dns: String,
    /// Its addresses, where it is a standard one.
    pub subnet: Option<Subnet>,
}
