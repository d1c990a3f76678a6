//! `/admin/v1`: the operator's API. Every handler here takes the operator's key.

pub(super) mod clock;
mod fault_wish;
pub(super) mod faults;
pub(super) mod hosts;
pub(super) mod images;
pub(super) mod keys;
pub(super) mod leftovers;
mod quotas;
pub(super) mod tenants;
pub(super) mod verify;
