//! Make a volume larger, on a machine or off it. What has grown stays grown, so it is judged by the
//! size that is seen in the end, however it went.

use super::{Next, accept_job, disk, machine::spec_as_seen, volume_create::words};
use crate::{
    ability::Ability,
    accept::{Accepted, Request, changeable, too_late},
    facts::{Context, Refusal},
    job::{Job, JobError},
    lines,
    operation::{Definition, Operation},
    resource::{Kind, Resource, Status},
    spec::{Spec, VolumeSpec},
    wish::Wish,
};
use api::{
    ResourceId, TenantId,
    volume::{VolumeResize, VolumeStatus},
};

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    kind: Kind::Volume,
    verb: "resize",
    status: Some(Status::Volume(VolumeStatus::Resizing)),
    needs: Some(Ability::Volumes),
    phases: &["resize"],
    start,
    reached,
    ..Definition::OTHER
};

/// Accepts a larger size of the volume's type.
pub fn accept(
    context: &Context<'_>,
    (tenant, id): (TenantId, ResourceId),
    body: &VolumeResize,
) -> Accepted<Job> {
    let volume = changeable(context, tenant, id, Operation::VolumeResize)?;
    let size_gb = on_offer(context, &volume, body.new_size_gb)?;
    let request = Request {
        lines: lines::of_volume(context, &volume),
        wish: Wish::GrowTo(size_gb),
        ..Request::new(Operation::VolumeResize, &volume)
    };
    accept_job(context, request, |volume| larger(volume, size_gb))
}

fn start(context: &Context<'_>, job: &Job, volume: &Resource) -> Result<Next, JobError> {
    let Wish::GrowTo(size_gb) = job.wish else {
        return Ok(Next::Done);
    };
    larger(volume, size_gb).map_err(|refusal| too_late(&refusal))?;
    let own = Spec::Volume(VolumeSpec { size_gb });
    let machine = disk::machine_of(context, volume);
    let Some(machine) = machine.and_then(|machine| context.facts.resource(machine)) else {
        return Ok(Next::spec(volume, own).asking(words(size_gb)));
    };
    let mut spec = spec_as_seen(&machine);
    for disk in spec
        .disks
        .iter_mut()
        .filter(|disk| disk.volume == volume.id)
    {
        disk.size_gb = size_gb;
    }
    let next = Next::spec(&machine, Spec::Machine(spec));
    Ok(next
        .asking(words(size_gb))
        .with_claims_of(volume.clone(), own))
}

/// Of the volume itself, or of the machine that it is on.
fn reached(job: &Job, acted: &Resource) -> Option<bool> {
    let Wish::GrowTo(size_gb) = job.wish else {
        return None;
    };
    let on_machine = acted
        .spec
        .machine()
        .and_then(|machine| machine.disk(job.resource));
    let is = on_machine.map(|disk| disk.size_gb);
    let is = is.or_else(|| acted.spec.volume().map(|volume| volume.size_gb));
    Some(is.is_some_and(|is| is >= size_gb))
}

fn on_offer(context: &Context<'_>, volume: &Resource, wished: i64) -> Result<u32, Refusal> {
    let id = volume.volume().map(|record| record.volume_type);
    let mut types = context.catalogue.volume_types.iter();
    let sizes = types
        .find(|one| Some(one.id) == id)
        .map(|one| &one.sizes[..]);
    let sizes = sizes.unwrap_or_default();
    let found = sizes.iter().find(|size| i64::from(size.size_gb) == wished);
    found.map(|size| size.size_gb).ok_or_else(|| {
        let all: Vec<_> = sizes.iter().map(|size| size.size_gb.to_string()).collect();
        let text = format!(
            "{wished} GB is not on offer; there are: {} GB",
            all.join(", ")
        );
        Refusal::field("newSizeGb", text)
    })
}

fn larger(volume: &Resource, size_gb: u32) -> Result<(), Refusal> {
    let is = volume.volume_gb().unwrap_or(0);
    if size_gb > is {
        return Ok(());
    }
    let text = format!("{} has {is} GB; a volume only grows", volume.words());
    Err(Refusal::field("newSizeGb", text))
}
