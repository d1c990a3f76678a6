//! Rename a virtual machine: the record alone, at once, in no line.

use crate::{
    accept::{self, Accepted},
    facts::Context,
    name,
    resource::Resource,
    writes::Write,
};
use api::{ResourceId, TenantId, machine::MachineRename};

/// Gives the machine its new name.
pub fn accept(
    context: &Context<'_>,
    tenant: TenantId,
    id: ResourceId,
    body: &MachineRename,
) -> Accepted<Resource> {
    name::check("name", &body.name)?;
    let mut resource = accept::changeable_machine(context, tenant, id)?;
    if resource.record.name == body.name {
        return Ok((Vec::new(), resource));
    }
    resource.record.name.clone_from(&body.name);
    resource.updated_at = resource.updated_at.max(context.now);
    Ok((
        vec![Write::PutResource(Box::new(resource.clone()))],
        resource,
    ))
}
