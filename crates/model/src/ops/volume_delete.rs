//! Delete a volume that is on no machine, with its content. There is no way back, only forward.

use super::{Next, accept_delete, disk};
use crate::{
    ability::Ability,
    accept::{Accepted, too_late},
    facts::Context,
    job::{Job, JobError},
    lines,
    operation::{Definition, Operation},
    resource::{Kind, Resource, Status},
    spec::Spec,
};
use api::{ResourceId, TenantId, volume::VolumeStatus};

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    kind: Kind::Volume,
    verb: "delete",
    status: Some(Status::Volume(VolumeStatus::Deleting)),
    removes: true,
    needs: Some(Ability::Volumes),
    phases: &["disk"],
    start,
    ..Definition::OTHER
};

/// Accepts it; an attached one is refused where nothing waits before.
pub fn accept(context: &Context<'_>, tenant: TenantId, id: ResourceId) -> Accepted<Job> {
    let operation = Operation::VolumeDelete;
    accept_delete(
        context,
        operation,
        (tenant, id),
        lines::of_volume,
        |volume| disk::not_attached(context, volume),
    )
}

fn start(context: &Context<'_>, _: &Job, volume: &Resource) -> Result<Next, JobError> {
    disk::not_attached(context, volume).map_err(|refusal| too_late(&refusal))?;
    Ok(Next::spec(volume, Spec::Absent))
}
