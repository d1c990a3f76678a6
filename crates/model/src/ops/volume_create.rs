//! Create a volume: nothing → a volume on no machine.

use super::{
    Next,
    machine::{data_center, join_team, new_resource, team, unknown},
};
use crate::{
    ability::Ability,
    accept::{self, Accepted, Request},
    catalogue::VolumeType,
    claim::{self, Claim, Item},
    facts::{Context, Refusal},
    job::{Job, JobError},
    name,
    operation::{Definition, Operation},
    resource::{Kind, Record, Resource, Status, VolumeRecord},
    spec::{Spec, VolumeSpec},
    writes::Write,
};
use api::{
    ErrorCode, TenantId,
    volume::{VolumeCreate, VolumeStatus},
};

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    kind: Kind::Volume,
    verb: "create",
    status: Some(Status::Volume(VolumeStatus::Creating)),
    creates: true,
    needs: Some(Ability::Volumes),
    phases: &["disk"],
    start,
    ..Definition::OTHER
};

/// Accepts it, and takes its name.
pub fn accept(context: &Context<'_>, tenant: TenantId, body: &VolumeCreate) -> Accepted<Job> {
    name::check("name", &body.name)?;
    let data_center = data_center(context, &body.datacenter_id)?;
    // A host without volumes has no types of them either.
    accept::supported(context, Operation::VolumeCreate)?;
    let volume_type = volume_type(context, body.volume_type_id)?;
    let size_gb = size(volume_type, body)?;
    let team = team(context, tenant, body.team_id)?;
    let status = Status::Volume(VolumeStatus::Creating);
    let record = Record::Volume(VolumeRecord {
        volume_type: volume_type.id,
        size_gb,
        machine: None,
        team,
    });
    let seed = (body.name.clone(), status, record);
    let mut volume = new_resource(context, tenant, data_center, seed);
    let mut writes = take_name(context, &volume)?;
    let job = Request::new(Operation::VolumeCreate, &volume).enqueue(context, &mut writes)?;
    volume.creating = Some(job.id);
    join_team(&volume, &mut writes);
    writes.push(Write::PutResource(Box::new(volume)));
    Ok((writes, job))
}

/// Claims a resource's name, which nobody else of its tenant has.
pub(super) fn take_name(context: &Context<'_>, resource: &Resource) -> Result<Vec<Write>, Refusal> {
    let Some(item) = claim::name(resource) else {
        return Ok(Vec::new());
    };
    free_name(context, resource, &item)?;
    Ok(vec![Write::Claim(Claim {
        holder: resource.id,
        item,
        amount: 1,
    })])
}

/// Refuses a name that another resource of the tenant has.
pub(super) fn free_name(
    context: &Context<'_>,
    resource: &Resource,
    item: &Item,
) -> Result<(), Refusal> {
    match context.facts.holder(item) {
        Some(other) if other != resource.id => {
            let kind = resource.kind().words().to_lowercase();
            let text = format!(
                "name: you have a {kind} {} already; take another name",
                resource.name
            );
            let mut refusal = Refusal::new(ErrorCode::Conflict, text);
            refusal.details.field = Some("name".to_owned());
            Err(refusal)
        }
        _ => Ok(()),
    }
}

fn start(_: &Context<'_>, _: &Job, volume: &Resource) -> Result<Next, JobError> {
    let size_gb = volume.volume_gb().unwrap_or(0);
    let next = Next::spec(volume, Spec::Volume(VolumeSpec { size_gb }));
    Ok(next.asking(words(size_gb)))
}

/// What there is no room for.
pub(super) fn words(size_gb: u32) -> String {
    format!("a volume of {size_gb} GB")
}

fn volume_type<'a>(context: &Context<'a>, id: i64) -> Result<&'a VolumeType, Refusal> {
    let types = &context.catalogue.volume_types;
    types.iter().find(|one| one.id == id).ok_or_else(|| {
        let list = types.iter().map(|one| format!("{} ({})", one.id, one.name));
        unknown(
            "volumeTypeId",
            &format!("there is no volume type {id}"),
            list,
        )
    })
}

fn size(volume_type: &VolumeType, body: &VolumeCreate) -> Result<u32, Refusal> {
    let sizes = &volume_type.sizes;
    let found = sizes.iter().find(|size| size.id == body.volume_size_id);
    let size = found.ok_or_else(|| {
        let list = sizes
            .iter()
            .map(|size| format!("{} ({} GB)", size.id, size.size_gb));
        let what = format!("{} has no size {}", volume_type.name, body.volume_size_id);
        unknown("volumeSizeId", &what, list)
    })?;
    if i64::from(size.size_gb) == body.size_gb {
        return Ok(size.size_gb);
    }
    let text = format!(
        "is {}, but volumeSizeId {} is of {} GB; they must agree",
        body.size_gb, size.id, size.size_gb
    );
    Err(Refusal::field("sizeGb", text))
}
