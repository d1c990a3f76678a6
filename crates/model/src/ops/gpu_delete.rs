//! Delete a machine with GPUs: whatever it is → nothing; its GPUs are free again.

use super::{accept_delete, own_line, vm_delete};
use crate::{
    ability::Ability,
    accept::Accepted,
    facts::Context,
    job::Job,
    operation::{Definition, Operation},
    resource::Kind,
};
use api::{ResourceId, TenantId};

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    kind: Kind::Gpu,
    needs: Some(Ability::Gpus),
    ..vm_delete::DEFINITION
};

/// Accepts it.
pub fn accept(context: &Context<'_>, tenant: TenantId, id: ResourceId) -> Accepted<Job> {
    accept_delete(
        context,
        Operation::GpuDelete,
        (tenant, id),
        own_line,
        |_| Ok(()),
    )
}
