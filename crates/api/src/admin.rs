//! The operator's API under `/admin/v1`: tenants, keys, quotas, faults, clock, verify.

use crate::{
    DataCenterId, FaultId, HostId, JobErrorCode, JobId, KeyId, ResourceId, TenantId, Timestamp,
};
use serde::{Deserialize, Serialize};

/// `POST /admin/v1/tenants`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TenantCreate {
    /// 1 to 63 characters; unique.
    pub name: String,
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name.
    pub name: String,
    /// Whether its keys are refused for now.
    pub suspended: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// What it may have and what it has.
    pub quotas: Quotas,
}

/// Every quota of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Quotas {
    /// Machines.
    pub virtual_machines: Quota,
    /// Cores of all machines.
    pub vcpus: Quota,
    /// Memory of all machines, in GB.
    pub memory_gb: Quota,
    /// Volumes.
    pub volumes: Quota,
    /// Size of all volumes, in GB.
    pub volume_gb: Quota,
    /// Networks.
    pub networks: Quota,
    /// Public addresses.
    pub public_ips: Quota,
    /// GPUs.
    pub gpus: Quota,
}

/// One quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Quota {
    /// The limit; null is unlimited.
    pub limit: Option<u64>,
    /// What is used of it.
    pub used: u64,
}

/// `PUT /admin/v1/tenants/{id}/quotas`: a key that is absent stays, null lifts the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct QuotaChange {
    /// Machines.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub virtual_machines: Option<Option<u64>>,
    /// Cores.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub vcpus: Option<Option<u64>>,
    /// Memory in GB.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub memory_gb: Option<Option<u64>>,
    /// Volumes.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub volumes: Option<Option<u64>>,
    /// Size of all volumes in GB.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub volume_gb: Option<Option<u64>>,
    /// Networks.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub networks: Option<Option<u64>>,
    /// Public addresses.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub public_ips: Option<Option<u64>>,
    /// GPUs.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub gpus: Option<Option<u64>>,
}

/// Tells "null" (lift the limit) from "absent" (leave it).
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<u64>>, D::Error> {
    Option::<u64>::deserialize(deserializer).map(Some)
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Requests that change nothing.
    Read,
    /// Requests that change something.
    Write,
}

impl Scope {
    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// `POST /admin/v1/tenants/{id}/keys`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeyCreate {
    /// What it is for, 1 to 63 characters.
    pub name: String,
    /// What it may do; absent or null: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    pub scopes: Option<Vec<Scope>>,
    /// 7, 30, 60, 90, 180 or 365; absent or null: it does not expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::keys::days))]
    pub expires_in_days: Option<i64>,
    /// Requests in a window, 1 to 1,000,000; absent or null: the server's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000))]
    pub rate_limit_max: Option<i64>,
}

/// A key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeyRow {
    /// Its id.
    pub id: KeyId,
    /// What it is for.
    pub name: String,
    /// Its first characters, prefix included, to tell keys apart.
    pub start: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Whether it is refused for now.
    pub suspended: bool,
    /// Requests in a window; null is the server's default.
    pub rate_limit_max: Option<u32>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused; null is never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used; null is never.
    pub last_used_at: Option<Timestamp>,
}

/// A new key, or one with a new secret: the only answer that holds the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyCreated {
    /// The secret, shown this once.
    pub key: String,
    /// The rest.
    #[serde(flatten)]
    pub row: KeyRow,
}

/// What a fault does: to an action of a job, or to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The action ends with an error.
    Fail,
    /// The action stops and never ends by itself.
    Stall,
    /// The action takes longer; with `delaySeconds` the answer to a request comes later.
    Slow,
    /// The request is refused with a status of choice and has no effect.
    Http,
    /// The request is carried out, and its connection is closed without an answer.
    Drop,
}

impl FaultKind {
    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Stall => "stall",
            Self::Slow => "slow",
            Self::Http => "http",
            Self::Drop => "drop",
        }
    }
}

/// `POST /admin/v1/faults`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FaultCreate {
    /// An operation's name, e.g. `vm.create`, or `*` for any. Where requests are struck: any
    /// `operationId` of this document, e.g. `job.poll`.
    pub operation: String,
    /// Only jobs, or requests with keys, of this tenant; absent: of any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// What it does.
    pub kind: FaultKind,
    /// Only in this phase, e.g. `boot`; absent: in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_phase: Option<String>,
    /// Strikes at the first progress of the job at or above this; absent: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(maximum = 99))]
    pub at_percent: Option<u8>,
    /// The job's error text, or the message of a refused request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The job's error code; absent: `DRIVER_ERROR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<JobErrorCode>,
    /// Whether trying again is no use (the default), so that the job goes back at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permanent: Option<bool>,
    /// `http`: the status that the request is refused with; absent: 503.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// `slow`: the request's answer comes so many seconds later, in real time, at most 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_seconds: Option<f64>,
    /// `slow`, of a job: the action takes so many times as long from there on; absent: 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// How often it strikes; absent: once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u64>, minimum = 1, maximum = 4_294_967_295u32))]
    pub times: Option<u32>,
    /// The chance, 0 to 1, that a match is struck; absent: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1))]
    pub probability: Option<f64>,
}

impl FaultCreate {
    /// One that says nothing but what it does to what.
    pub fn new(operation: impl Into<String>, kind: FaultKind) -> Self {
        Self {
            operation: operation.into(),
            tenant_id: None,
            kind,
            at_phase: None,
            at_percent: None,
            error: None,
            error_code: None,
            permanent: None,
            status: None,
            delay_seconds: None,
            factor: None,
            times: None,
            probability: None,
        }
    }

    /// Whether it strikes requests, not jobs.
    pub const fn strikes_requests(&self) -> bool {
        match self.kind {
            FaultKind::Http | FaultKind::Drop => true,
            FaultKind::Slow => self.delay_seconds.is_some(),
            FaultKind::Fail | FaultKind::Stall => false,
        }
    }
}

/// A fault, with how often it struck.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Fault {
    /// Its id.
    pub id: FaultId,
    /// What was asked for.
    #[serde(flatten)]
    pub fault: FaultCreate,
    /// How often it struck.
    pub hits: u32,
}

/// Which clock the server runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ClockMode {
    /// The machine's.
    Real,
    /// Moved by `POST /admin/v1/clock` only.
    Manual,
}

/// The server's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Clock {
    /// What time it is there.
    pub now: Timestamp,
    /// Which clock it is.
    pub mode: ClockMode,
}

/// `POST /admin/v1/clock`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ClockAdvance {
    /// Seconds to move forward; fractions allowed by no client so far, so whole.
    #[cfg_attr(feature = "openapi", schema(maximum = 315_360_000))]
    pub advance_seconds: u64,
}

/// `GET /admin/v1/verify`: records against the world.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Verify {
    /// Where the world is not what the settled specs say.
    pub differences: Vec<Difference>,
    /// What is under way or left over, and so not compared.
    pub pending: Vec<Difference>,
}

/// One entry of [`Verify`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Difference {
    /// The kind of thing, e.g. `vm`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// What differs, in words.
    pub what: String,
}

/// A host: the box that a data centre's resources live on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Host {
    /// Its id.
    pub id: HostId,
    /// Its data centre.
    pub datacenter_id: DataCenterId,
    /// Its data centre's name.
    pub datacenter_name: String,
    /// Whether nothing new is placed on it.
    pub drained: bool,
    /// What it has and what is given out of it.
    pub room: HostRoom,
    /// By whom: each tenant that has something there.
    pub tenants: Vec<HostShare>,
}

/// What a host has, and what is given out of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct HostRoom {
    /// Cores, overcommit included.
    pub vcpus: Quota,
    /// Memory in GB.
    pub memory_gb: Quota,
    /// Disk in GB, machines' and volumes'.
    pub disk_gb: Quota,
    /// Public addresses.
    pub public_ips: Quota,
    /// GPUs of every series.
    pub gpus: Quota,
}

/// What a tenant has of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct HostShare {
    /// The tenant.
    pub tenant_id: TenantId,
    /// Cores.
    pub vcpus: u64,
    /// Memory in GB.
    pub memory_gb: u64,
    /// Disk in GB.
    pub disk_gb: u64,
    /// Public addresses.
    pub public_ips: u64,
    /// GPUs.
    pub gpus: u64,
}

/// What a job could neither finish nor put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Leftover {
    /// The resource: its id is the leftover's.
    pub id: ResourceId,
    /// `vm`, `gpu`, `volume` or `network`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Where it is.
    pub host_id: HostId,
    /// The job that left it.
    pub job_id: JobId,
    /// Since when.
    pub since: Timestamp,
    /// What could not be done.
    pub what: String,
    /// Whether its host tries again now.
    pub retrying: bool,
}
