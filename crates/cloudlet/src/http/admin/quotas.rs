//! Quotas between the wire and the store: what is changed, and what is used.

use crate::http::{error::ApiError, limits::QUOTA_LIMIT};
use api::{
    TenantId,
    admin::{Quota, QuotaChange, Quotas},
};
use model::claim::{Counter, Limits, Measure};
use std::collections::BTreeMap;

/// Refuses a limit that could not be kept.
pub(super) fn check(change: &QuotaChange) -> Result<(), ApiError> {
    let fields = [
        ("virtualMachines", change.virtual_machines),
        ("vcpus", change.vcpus),
        ("memoryGb", change.memory_gb),
        ("volumes", change.volumes),
        ("volumeGb", change.volume_gb),
        ("networks", change.networks),
        ("publicIps", change.public_ips),
        ("gpus", change.gpus),
    ];
    for (field, value) in fields {
        if value.flatten().is_some_and(|limit| limit > QUOTA_LIMIT) {
            let text =
                format!("is too large; at most {QUOTA_LIMIT}, or null for no limit, is right");
            return Err(ApiError::field(field, &text));
        }
    }
    Ok(())
}

/// Changes what is named.
pub(super) fn apply(change: &QuotaChange, limits: &mut Limits) {
    for (new, limit) in [
        (change.virtual_machines, &mut limits.virtual_machines),
        (change.vcpus, &mut limits.vcpus),
        (change.memory_gb, &mut limits.memory_gb),
        (change.volumes, &mut limits.volumes),
        (change.volume_gb, &mut limits.volume_gb),
        (change.networks, &mut limits.networks),
        (change.public_ips, &mut limits.public_ips),
        (change.gpus, &mut limits.gpus),
    ] {
        if let Some(new) = new {
            *limit = new;
        }
    }
}

/// What a tenant's quota is counted by.
pub(super) fn counters(tenant: TenantId) -> Vec<Counter> {
    let of = |measure| Counter::Quota(tenant, measure);
    Measure::ALL.into_iter().map(of).collect()
}

/// Limits with what is used.
pub(super) fn shown(tenant: TenantId, limits: &Limits, used: &BTreeMap<Counter, u64>) -> Quotas {
    let quota = |measure| Quota {
        limit: limits.of(measure),
        used: used
            .get(&Counter::Quota(tenant, measure))
            .copied()
            .unwrap_or(0),
    };
    Quotas {
        virtual_machines: quota(Measure::VirtualMachines),
        vcpus: quota(Measure::Vcpus),
        memory_gb: quota(Measure::MemoryGb),
        volumes: quota(Measure::Volumes),
        volume_gb: quota(Measure::VolumeGb),
        networks: quota(Measure::Networks),
        public_ips: quota(Measure::PublicIps),
        gpus: quota(Measure::Gpus),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_stays_and_null_lifts() {
        let mut limits = Limits {
            vcpus: Some(4),
            gpus: Some(1),
            ..Limits::default()
        };
        let change = QuotaChange {
            vcpus: Some(None),
            memory_gb: Some(Some(0)),
            ..QuotaChange::default()
        };
        apply(&change, &mut limits);
        let seen = (limits.vcpus, limits.gpus, limits.memory_gb);
        assert_eq!(seen, (None, Some(1), Some(0)));
    }

    #[test]
    fn too_large_is_named() {
        let change = QuotaChange {
            networks: Some(Some(u64::MAX)),
            ..QuotaChange::default()
        };
        let error = check(&change).expect_err("too large");
        assert_eq!(error.details.field.as_deref(), Some("networks"));
    }

    #[test]
    fn used_is_of_this_tenant() {
        let [a, b] = [1, 2].map(|n| TenantId(uuid::Uuid::from_u128(n)));
        let used = BTreeMap::from([
            (Counter::Quota(a, Measure::Vcpus), 6),
            (Counter::Quota(b, Measure::Vcpus), 9),
        ]);
        let quotas = shown(a, &Limits::default(), &used);
        assert_eq!((quotas.vcpus.used, quotas.memory_gb.used), (6, 0));
    }
}
