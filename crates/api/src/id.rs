//! One id type for each kind of thing, so that a job's id is never passed where a machine's is meant.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        ///
        /// A UUID; made by the server it is version 7, so ids sort by the time they were made.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            /// Takes the usual text form, in either case.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map($name)
            }
        }
    )*};
}

id! {
    /// A tenant: whoever owns machines, jobs and keys.
    TenantId,
    /// An API key's public id (never its secret).
    KeyId,
    /// A job.
    JobId,
    /// A machine, a volume or a network.
    ResourceId,
    /// A network interface of a machine.
    NicId,
    /// A public address that was given out.
    PublicIpId,
    /// A data centre of the catalogue.
    DataCenterId,
    /// A host: the Linux box (or the simulator) that resources live on.
    HostId,
    /// A tenant's SSH key.
    SshKeyId,
    /// A fault placed by an operator.
    FaultId,
}
