//! Claims against what they should be: the sum over what exists, and never beyond a limit.

use api::{ResourceId, TenantId};
use model::{
    catalogue::Catalogue,
    claim::{Item, Measure, quota_of, room_of},
    memory::Memory,
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a resource holds is what its state says.
pub fn check(store: &Memory, catalogue: &Catalogue, id: ResourceId) {
    let held: BTreeMap<Item, u64> = store
        .claims
        .range(
            (
                id,
                Item::Quota(TenantId(Uuid::nil()), Measure::VirtualMachines),
            )..,
        )
        .take_while(|((holder, _), _)| *holder == id)
        .map(|(&(_, item), &amount)| (item, amount))
        .collect();
    let mut expected = BTreeMap::new();
    if let Some(resource) = store.resources.get(&id).filter(|it| it.generation > 0) {
        let size = catalogue.size(resource.record.size).expect("sizes stay");
        expected.extend(room_of(resource.host, size));
        let given_up = resource.leftover.is_some() && resource.spec.is_absent();
        let taken_over =
            resource.spec.is_absent() && !held.keys().any(|item| matches!(item, Item::Quota(..)));
        if !given_up && !taken_over {
            expected.extend(quota_of(resource.tenant, size));
        }
    }
    assert_eq!(held, expected, "claims of {id}");
}

/// Nobody holds more than there is.
pub fn check_limits(store: &Memory, catalogue: &Catalogue) {
    for (&item, &used) in &store.used {
        let limit = match item {
            Item::Room(host, measure) => catalogue.room(host, measure),
            Item::Quota(tenant, measure) => {
                let limits = store.limits.get(&tenant).copied().unwrap_or_default();
                let limit = match measure {
                    Measure::VirtualMachines => limits.virtual_machines,
                    Measure::Vcpus => limits.vcpus,
                    Measure::MemoryGb => limits.memory_gb,
                    Measure::DiskGb => None,
                };
                limit.unwrap_or(u64::MAX)
            }
        };
        assert!(used <= limit, "{item:?}: {used} of {limit} are used");
    }
}
