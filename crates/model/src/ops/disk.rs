//! What the operations of volumes share.

use crate::{
    accept,
    claim::Item,
    facts::{Context, Refusal},
    limits::DISK_LIMIT,
    resource::{Kind, Resource},
};
use api::{ErrorCode, ResourceId, TenantId};

/// The machine that a volume is on, whatever its record says: an attachment is a claim.
pub(super) fn machine_of(context: &Context<'_>, volume: &Resource) -> Option<ResourceId> {
    let holder = context.facts.holder(&Item::Attachment(volume.id));
    holder.or_else(|| volume.volume().and_then(|record| record.machine))
}

/// Refuses what a volume cannot have done to it while it is on a machine.
pub(super) fn not_attached(context: &Context<'_>, volume: &Resource) -> Result<(), Refusal> {
    let Some(machine) = machine_of(context, volume) else {
        return Ok(());
    };
    let name = context
        .facts
        .resource(machine)
        .map(|machine| machine.words());
    let name = name.unwrap_or_else(|| "a machine".to_owned());
    let text = format!("{} is attached to {name}; detach it first", volume.words());
    Err(Refusal::new(ErrorCode::VolumeAttached, text))
}

/// The machine that a body names for a volume.
pub(super) fn target(
    context: &Context<'_>,
    tenant: TenantId,
    volume: &Resource,
    id: &str,
) -> Result<Resource, Refusal> {
    const FIELD: &str = "virtualMachineId";
    let id = id.parse::<ResourceId>().ok();
    let machine = id.and_then(|id| accept::find(context, tenant, id, Kind::Vm).ok());
    let machine = machine.ok_or_else(|| {
        let text = "no virtual machine has this id; GET /v1/resource/virtual-machines lists yours";
        Refusal::field(FIELD, text)
    })?;
    if machine.host != volume.host {
        let text = format!(
            "virtual machine {} is in another data centre than the volume",
            machine.name
        );
        return Err(Refusal::field(FIELD, text));
    }
    accept::not_deleted(&machine)?;
    accept::without_leftover(&machine)?;
    Ok(machine)
}

/// Whether a volume can be put on a machine as both are now.
pub(super) fn can_attach(
    context: &Context<'_>,
    volume: &Resource,
    machine: &Resource,
) -> Result<(), Refusal> {
    if machine_of(context, volume) == Some(machine.id) {
        let text = format!("{} is on {} already", volume.words(), machine.words());
        return Err(Refusal::new(ErrorCode::InvalidState, text));
    }
    not_attached(context, volume)?;
    let count = machine
        .spec
        .machine()
        .map_or(0, |machine| machine.disks.len());
    if count < DISK_LIMIT {
        return Ok(());
    }
    let text = format!(
        "{} has {count} volumes already; {DISK_LIMIT} are the most",
        machine.words()
    );
    let limit = u32::try_from(DISK_LIMIT).unwrap_or(u32::MAX);
    Err(Refusal::new(ErrorCode::LimitExceeded, text).with_limit(limit))
}
