//! Detach a volume from its virtual machine; its content stays. It is the machine's spec that
//! changes.

use super::{Next, accept_job, disk, machine::spec_as_seen};
use crate::{
    ability::Ability,
    accept::{Accepted, Request, changeable, too_late},
    facts::{Context, Refusal},
    job::{Job, JobError},
    lines,
    operation::{Definition, Operation},
    resource::{Kind, Resource, Status},
    spec::Spec,
};
use api::{ErrorCode, ResourceId, TenantId, volume::VolumeStatus};
use serde_json::json;

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    kind: Kind::Volume,
    verb: "detach",
    status: Some(Status::Volume(VolumeStatus::Detaching)),
    needs: Some(Ability::Volumes),
    phases: &["detach"],
    start,
    ..Definition::OTHER
};

/// Accepts it; one that is on no machine is refused where nothing waits before.
pub fn accept(context: &Context<'_>, tenant: TenantId, id: ResourceId) -> Accepted<Job> {
    let volume = changeable(context, tenant, id, Operation::VolumeDetach)?;
    let request = Request {
        lines: lines::of_volume(context, &volume),
        ..Request::new(Operation::VolumeDetach, &volume)
    };
    accept_job(context, request, |volume| {
        machine(context, volume).map(|_| ())
    })
}

fn start(context: &Context<'_>, _: &Job, volume: &Resource) -> Result<Next, JobError> {
    let machine = machine(context, volume).map_err(|refusal| too_late(&refusal))?;
    let mut spec = spec_as_seen(&machine);
    spec.disks.retain(|disk| disk.volume != volume.id);
    let result = json!({ "virtualMachineId": machine.id });
    Ok(Next::spec(&machine, Spec::Machine(spec)).telling(result))
}

fn machine(context: &Context<'_>, volume: &Resource) -> Result<Resource, Refusal> {
    let machine = disk::machine_of(context, volume);
    let machine = machine.and_then(|machine| context.facts.resource(machine));
    machine.ok_or_else(|| {
        let text = format!("{} is attached to no virtual machine", volume.words());
        Refusal::new(ErrorCode::InvalidState, text)
    })
}
