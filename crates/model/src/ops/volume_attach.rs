//! Attach a volume to a virtual machine of its data centre, running or not. It is the machine's spec
//! that changes.

use super::{Next, disk, machine::spec_as_seen};
use crate::{
    ability::Ability,
    accept::{self, Accepted, Request, changeable, too_late},
    facts::Context,
    job::{Job, JobError},
    lines,
    operation::{Definition, Operation},
    resource::{Kind, Resource, Status},
    spec::{DiskSpec, Spec},
    wish::Wish,
};
use api::{
    JobErrorCode, ResourceId, TenantId,
    volume::{VolumeAttach, VolumeStatus},
};
use serde_json::json;

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    kind: Kind::Volume,
    verb: "attach",
    status: Some(Status::Volume(VolumeStatus::Attaching)),
    needs: Some(Ability::Volumes),
    phases: &["attach"],
    start,
    ..Definition::OTHER
};

/// Accepts it, in the lines of the volume, of the machine, and of all that the volume is on.
pub fn accept(
    context: &Context<'_>,
    (tenant, id): (TenantId, ResourceId),
    body: &VolumeAttach,
) -> Accepted<Job> {
    let volume = changeable(context, tenant, id, Operation::VolumeAttach)?;
    accept::without_leftover(&volume)?;
    let machine = disk::target(context, tenant, &volume, &body.virtual_machine_id)?;
    let mut lines = lines::of_volume(context, &volume);
    lines.insert(machine.id);
    let request = Request {
        lines,
        wish: Wish::Attach(machine.id),
        ..Request::new(Operation::VolumeAttach, &volume)
    };
    if request.is_alone(context) {
        disk::can_attach(context, &volume, &machine)?;
    }
    let mut writes = Vec::new();
    let job = request.enqueue(context, &mut writes)?;
    Ok((writes, job))
}

fn start(context: &Context<'_>, job: &Job, volume: &Resource) -> Result<Next, JobError> {
    let Wish::Attach(machine) = job.wish else {
        return Ok(Next::Done);
    };
    let machine = context.facts.resource(machine).ok_or_else(|| {
        let text = "The virtual machine was gone when its turn came.";
        JobError::new(JobErrorCode::NotFound, text)
    })?;
    disk::can_attach(context, volume, &machine).map_err(|refusal| too_late(&refusal))?;
    let mut spec = spec_as_seen(&machine);
    let mut slots = 0..=u8::MAX;
    let free = slots.find(|slot| spec.disks.iter().all(|disk| disk.slot != *slot));
    spec.disks.push(DiskSpec {
        volume: volume.id,
        slot: free.unwrap_or(u8::MAX),
        size_gb: volume.volume_gb().unwrap_or(0),
    });
    let result = json!({ "virtualMachineId": machine.id });
    Ok(Next::spec(&machine, Spec::Machine(spec)).telling(result))
}
