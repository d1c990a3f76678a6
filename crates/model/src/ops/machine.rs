//! What the operations of machines share.

use crate::{
    catalogue::{DataCenter, Image, Size},
    claim::{self, Claim},
    course,
    facts::{Context, Refusal},
    resource::{MachineRecord, Record, Resource, Status},
    spec::{MachineSpec, Spec},
    writes::Write,
};
use api::{DataCenterId, ResourceId, TenantId, machine::MachineStatus};

/// Characters of a client's text that a refusal repeats.
const SEEN_CHARS: usize = 64;

/// A new resource that has no spec yet.
pub(super) fn new_resource(
    context: &Context<'_>,
    tenant: TenantId,
    data_center: &DataCenter,
    (name, status, record): (String, Status, Record),
) -> Resource {
    Resource {
        id: ResourceId((context.new_id)()),
        tenant,
        data_center: data_center.id,
        host: data_center.host_id(),
        name,
        status,
        record,
        shown: Spec::Absent,
        created_at: context.now,
        updated_at: context.now,
        spec: Spec::Absent,
        generation: 0,
        settled: 0,
        last_boot: 0,
        observed: None,
        creating: None,
        deleting: None,
        acting: None,
        leftover: None,
    }
}

/// A new machine.
pub(super) fn new_machine(
    context: &Context<'_>,
    tenant: TenantId,
    data_center: &DataCenter,
    (name, record): (String, MachineRecord),
) -> Resource {
    let status = Status::Machine(MachineStatus::Provisioning);
    let record = Record::Machine(record);
    new_resource(context, tenant, data_center, (name, status, record))
}

/// The machine's spec, with its power as it was last seen; a job that changes a machine starts only
/// on one that has been made.
pub(super) fn spec_as_seen(resource: &Resource) -> MachineSpec {
    match course::with_power_as_seen(resource) {
        Spec::Machine(machine) => machine,
        _ => unreachable!("a machine whose create has ended has a spec"),
    }
}

/// Example programs carry placeholders such as `dc-uuid`, so the refusal lists what there is.
pub(super) fn data_center<'a>(context: &Context<'a>, id: &str) -> Result<&'a DataCenter, Refusal> {
    let id_of = id.parse::<DataCenterId>().ok();
    let found = id_of.and_then(|id| context.catalogue.data_center(id));
    found.ok_or_else(|| {
        let all = context.catalogue.data_centers.iter();
        let list: Vec<_> = all.map(|dc| format!("{} ({})", dc.name, dc.id)).collect();
        let shown: String = id
            .chars()
            .filter(|character| !character.is_control())
            .take(SEEN_CHARS)
            .collect();
        let text = format!(
            "no data centre has the id '{shown}'. There are: {}",
            list.join(", ")
        );
        Refusal::field("datacenterId", text)
    })
}

/// An image of the catalogue.
pub(super) fn image<'a>(context: &Context<'a>, id: i64) -> Result<&'a Image, Refusal> {
    context.catalogue.image(id).ok_or_else(|| {
        let all = context.catalogue.images.iter();
        let list = all.map(|image| format!("{} ({})", image.id, image.name));
        unknown("imageId", &format!("there is no image {id}"), list)
    })
}

/// A size of the catalogue.
pub(super) fn size<'a>(context: &Context<'a>, id: i64) -> Result<&'a Size, Refusal> {
    context.catalogue.size(id).ok_or_else(|| {
        let all = context.catalogue.sizes.iter();
        let list = all.map(|size| format!("{} ({})", size.id, size.name));
        unknown(
            "configurationId",
            &format!("there is no configuration {id}"),
            list,
        )
    })
}

/// The team that something is to be in: one of its tenant's. Absent and 0 are none; another tenant's
/// is refused like one that never was.
pub(super) fn team(
    context: &Context<'_>,
    tenant: TenantId,
    wished: Option<i64>,
) -> Result<Option<i64>, Refusal> {
    let Some(team) = wished.filter(|&team| team != 0) else {
        return Ok(None);
    };
    if !context.facts.has_team(tenant, team) {
        let text = format!("there is no team {team}; the id of a team, or 0 for none, is right");
        return Err(Refusal::field("teamId", text));
    }
    Ok(Some(team))
}

/// Takes a new resource's place in its team.
pub(super) fn join_team(resource: &Resource, writes: &mut Vec<Write>) {
    let claim = claim::team(resource).map(|item| Claim {
        holder: resource.id,
        item,
        amount: 1,
    });
    writes.extend(claim.map(Write::Claim));
}

/// A refusal of a field that names nothing there is, with all there is.
pub(super) fn unknown(field: &str, what: &str, list: impl Iterator<Item = String>) -> Refusal {
    let list: Vec<_> = list.collect();
    Refusal::field(field, format!("{what}. There are: {}", list.join(", ")))
}

/// A size in words, for what there is no room for.
pub(super) fn words(size: &Size) -> String {
    format!("{} ({} vCPUs, {} GB)", size.name, size.cpu, size.memory_gb)
}
