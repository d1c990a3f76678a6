//! Rename a machine, with GPUs or without: the record alone, at once, in no line.

use crate::{
    accept::{Accepted, find, not_deleted},
    facts::Context,
    name,
    resource::Kind,
    writes::Write,
};
use api::{ResourceId, TenantId, machine::MachineRename};

/// Gives the machine its new name.
pub fn accept(
    context: &Context<'_>,
    (tenant, id, kind): (TenantId, ResourceId, Kind),
    body: &MachineRename,
) -> Accepted<()> {
    name::check("name", &body.name)?;
    let mut machine = find(context, tenant, id, kind)?;
    not_deleted(&machine)?;
    if machine.name == body.name {
        return Ok((Vec::new(), ()));
    }
    machine.name.clone_from(&body.name);
    machine.touch(context.now);
    Ok((vec![Write::PutResource(Box::new(machine))], ()))
}
