//! Claims: what a resource holds of a tenant's quota and of its host's room.
//!
//! One mechanism: a ledger row (holder, item, amount) and a counter (item, used) that the store
//! changes together. A row can be neither doubled nor released twice, so the counter is always the
//! sum of the rows. Claims are held at the larger of before and after until the job has ended.

use crate::{catalogue::Size, facts::Context, job::JobError};
use api::{HostId, JobErrorCode, ResourceId, TenantId};
use serde::{Deserialize, Serialize};

/// What can be measured out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Machines.
    VirtualMachines,
    /// Cores.
    Vcpus,
    /// Memory in GB.
    MemoryGb,
    /// Disk in GB.
    DiskGb,
}

impl Measure {
    /// As an error text names it.
    pub fn words(self) -> &'static str {
        match self {
            Self::VirtualMachines => "virtual machines",
            Self::Vcpus => "vCPUs",
            Self::MemoryGb => "memory in GB",
            Self::DiskGb => "disk in GB",
        }
    }

    /// As it stands in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VirtualMachines => "virtual_machines",
            Self::Vcpus => "vcpus",
            Self::MemoryGb => "memory_gb",
            Self::DiskGb => "disk_gb",
        }
    }
}

/// What is claimed: a share of a tenant's quota, or of a host's room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// Of a tenant's quota.
    Quota(TenantId, Measure),
    /// Of a host's room.
    Room(HostId, Measure),
}

/// A ledger row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Claim {
    /// The resource that holds it.
    pub holder: ResourceId,
    /// What it holds.
    pub item: Item,
    /// How much.
    pub amount: u64,
}

/// The limits of a tenant; `None` is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Machines.
    pub virtual_machines: Option<u64>,
    /// Cores.
    pub vcpus: Option<u64>,
    /// Memory in GB.
    pub memory_gb: Option<u64>,
    /// Volumes.
    pub volumes: Option<u64>,
    /// Size of all volumes in GB.
    pub volume_gb: Option<u64>,
    /// Networks.
    pub networks: Option<u64>,
    /// Public addresses.
    pub public_ips: Option<u64>,
    /// GPUs.
    pub gpus: Option<u64>,
}

/// What a machine of a size takes of its tenant's quota.
pub fn quota_of(tenant: TenantId, size: &Size) -> [(Item, u64); 3] {
    [
        (Item::Quota(tenant, Measure::VirtualMachines), 1),
        (Item::Quota(tenant, Measure::Vcpus), u64::from(size.cpu)),
        (
            Item::Quota(tenant, Measure::MemoryGb),
            u64::from(size.memory_gb),
        ),
    ]
}

/// What a machine of a size takes of its host's room.
pub fn room_of(host: HostId, size: &Size) -> [(Item, u64); 3] {
    [
        (Item::Room(host, Measure::Vcpus), u64::from(size.cpu)),
        (
            Item::Room(host, Measure::MemoryGb),
            u64::from(size.memory_gb),
        ),
        (Item::Room(host, Measure::DiskGb), u64::from(size.disk_gb)),
    ]
}

/// Whether a tenant's quota has room for what is asked.
pub fn check_quota(
    context: &Context<'_>,
    tenant: TenantId,
    asked: &[(Item, u64)],
) -> Result<(), JobError> {
    let limits = context.facts.limits(tenant);
    for &(item, amount) in asked {
        let Item::Quota(_, measure) = item else {
            continue;
        };
        let limit = match measure {
            Measure::VirtualMachines => limits.virtual_machines,
            Measure::Vcpus => limits.vcpus,
            Measure::MemoryGb => limits.memory_gb,
            Measure::DiskGb => None,
        };
        let used = context.facts.used(item);
        if let Some(limit) = limit.filter(|&limit| used.saturating_add(amount) > limit) {
            let text = format!(
                "Quota exceeded for {}: asked {amount}, in use {used}, limit {limit}.",
                measure.words()
            );
            return Err(JobError::new(JobErrorCode::QuotaExceeded, text));
        }
    }
    Ok(())
}

/// Whether a host has room for what is asked; never says what is left, which would tell of others.
pub fn has_room(context: &Context<'_>, asked: &[(Item, u64)]) -> bool {
    asked.iter().all(|&(item, amount)| {
        let Item::Room(host, measure) = item else {
            return true;
        };
        let room = context.catalogue.room(host, measure);
        context.facts.used(item).saturating_add(amount) <= room
    })
}
