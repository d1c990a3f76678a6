//! What a machine has besides its disk and its process: volumes, interfaces, GPUs. Each has its
//! effect at the end, all at once; whether it may is asked at the beginning, too.

use super::change::{Deed, not_now, volume};
use super::log::Subject;
use api::{NicId, ResourceId};
use model::{
    plan::Action,
    spec::{DiskSpec, GpuSpec, NicSpec},
};
use rusqlite::{OptionalExtension, Params, Transaction, params};

type Outcome = anyhow::Result<Result<(), super::Refusal>>;

/// Whether the world lets it have its effect, as things are now.
pub(super) fn allow(world: &Transaction<'_>, deed: &Deed<'_>) -> Outcome {
    match deed.action {
        Action::AttachVolume(disk) => allow_volume(world, deed, disk),
        Action::PlugNic(nic) => allow_nic(world, deed, nic),
        Action::SetAddress(nic) => allow_address(world, deed, nic),
        Action::TakeGpus(gpus) => allow_gpus(world, deed, gpus),
        _ => Ok(Ok(())),
    }
}

pub(super) fn end(world: &Transaction<'_>, deed: &Deed<'_>) -> Outcome {
    if let Err(refusal) = allow(world, deed)? {
        return Ok(Err(refusal));
    }
    let subject = match deed.action {
        Action::AttachVolume(disk) => attach(world, deed, disk)?,
        Action::DetachVolume(volume) => detach(world, deed, *volume)?,
        Action::PlugNic(nic) => plug(world, deed, nic)?,
        Action::UnplugNic(nic) => unplug(world, deed, *nic)?,
        Action::SetAddress(nic) => set_address(world, nic)?,
        Action::TakeGpus(gpus) => take(world, deed, gpus)?,
        Action::ReleaseGpus => release(world, deed)?,
        _ => None,
    };
    if let Some(subject) = subject {
        deed.note(world, Some(subject))?;
    }
    Ok(Ok(()))
}

/// The machine that a volume is on.
pub(super) fn machine_of(
    world: &Transaction<'_>,
    volume: ResourceId,
) -> anyhow::Result<Option<ResourceId>> {
    let select = "SELECT machine FROM attachment WHERE volume = ?1";
    let mut statement = world.prepare_cached(select)?;
    let machine: Option<String> = statement
        .query_row([volume.to_string()], |row| row.get(0))
        .optional()?;
    Ok(machine.map(|machine| machine.parse()).transpose()?)
}

fn allow_volume(world: &Transaction<'_>, deed: &Deed<'_>, disk: &DiskSpec) -> Outcome {
    if machine_of(world, disk.volume)?.is_some_and(|machine| machine != deed.resource) {
        return not_now("The volume is on another machine.");
    }
    if volume(world, disk.volume)?.size_gb().is_none() {
        return not_now("The volume is not there.");
    }
    let taken = "SELECT 1 FROM attachment WHERE machine = ?1 AND slot = ?2 AND volume <> ?3";
    let of = params![
        deed.resource.to_string(),
        disk.slot,
        disk.volume.to_string()
    ];
    if exists(world, taken, of)? {
        return not_now("Another volume is in that slot of the machine.");
    }
    Ok(Ok(()))
}

fn allow_nic(world: &Transaction<'_>, deed: &Deed<'_>, nic: &NicSpec) -> Outcome {
    let (id, network) = (nic.id.to_string(), nic.network.to_string());
    let address = nic.address.map(|address| address.to_string());
    let mac = "SELECT 1 FROM nic WHERE network = ?1 AND mac = ?2 AND nic <> ?3";
    if exists(world, mac, params![network, nic.mac.0, id])? {
        return not_now("Another interface of the network has that hardware address.");
    }
    let private = "SELECT 1 FROM nic WHERE network = ?1 AND address = ?2 AND nic <> ?3";
    if exists(world, private, params![network, address, id])? {
        return not_now("Another interface of the network has that address.");
    }
    allow_public(world, deed, nic)
}

fn allow_public(world: &Transaction<'_>, deed: &Deed<'_>, nic: &NicSpec) -> Outcome {
    let public = nic.public.map(|public| public.address.to_string());
    let taken = "SELECT 1 FROM nic WHERE host = ?1 AND public_address = ?2 AND nic <> ?3";
    let of = params![deed.host.to_string(), public, nic.id.to_string()];
    if exists(world, taken, of)? {
        return not_now("Another interface has that public address.");
    }
    Ok(Ok(()))
}

fn allow_address(world: &Transaction<'_>, deed: &Deed<'_>, nic: &NicSpec) -> Outcome {
    let plugged = "SELECT 1 FROM nic WHERE nic = ?1 AND machine = ?2";
    let of = params![nic.id.to_string(), deed.resource.to_string()];
    if !exists(world, plugged, of)? {
        return not_now("The interface is not plugged in.");
    }
    allow_public(world, deed, nic)
}

fn allow_gpus(world: &Transaction<'_>, deed: &Deed<'_>, gpus: &GpuSpec) -> Outcome {
    let taken = "SELECT 1 FROM gpu WHERE host = ?1 AND series = ?2 AND slot = ?3 AND machine <> ?4";
    let (host, machine) = (deed.host.to_string(), deed.resource.to_string());
    for slot in &gpus.slots {
        if exists(world, taken, params![host, gpus.series, slot, machine])? {
            return not_now("Another machine has one of these GPUs.");
        }
    }
    Ok(Ok(()))
}

fn attach(
    world: &Transaction<'_>,
    deed: &Deed<'_>,
    disk: &DiskSpec,
) -> anyhow::Result<Option<Subject>> {
    let write = "INSERT INTO attachment (volume, machine, slot) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (volume) DO UPDATE SET slot = ?3 WHERE slot <> ?3";
    let (volume, machine) = (disk.volume.to_string(), deed.resource.to_string());
    let changed = execute(world, write, params![volume, machine, disk.slot])?;
    Ok(changed.then_some(Subject::Volume(disk.volume)))
}

fn detach(
    world: &Transaction<'_>,
    deed: &Deed<'_>,
    volume: ResourceId,
) -> anyhow::Result<Option<Subject>> {
    let delete = "DELETE FROM attachment WHERE volume = ?1 AND machine = ?2";
    let of = params![volume.to_string(), deed.resource.to_string()];
    Ok(execute(world, delete, of)?.then_some(Subject::Volume(volume)))
}

fn plug(
    world: &Transaction<'_>,
    deed: &Deed<'_>,
    nic: &NicSpec,
) -> anyhow::Result<Option<Subject>> {
    // Nothing of it is different: it is left alone.
    let same = "SELECT 1 FROM nic WHERE nic = ?1 AND machine = ?2 AND host = ?3 AND slot = ?4 \
                AND network = ?5 AND mac = ?6 AND address IS ?7 \
                AND public IS ?8 AND public_address IS ?9";
    let replace = "INSERT OR REPLACE INTO nic (nic, machine, host, slot, network, mac, address, \
                   public, public_address) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let public = nic.public;
    let columns = params![
        nic.id.to_string(),
        deed.resource.to_string(),
        deed.host.to_string(),
        nic.slot,
        nic.network.to_string(),
        nic.mac.0,
        nic.address.map(|address| address.to_string()),
        public.map(|public| public.id.to_string()),
        public.map(|public| public.address.to_string()),
    ];
    if exists(world, same, columns)? {
        return Ok(None);
    }
    execute(world, replace, columns)?;
    Ok(Some(Subject::Nic(*nic)))
}

fn unplug(world: &Transaction<'_>, deed: &Deed<'_>, nic: NicId) -> anyhow::Result<Option<Subject>> {
    let delete = "DELETE FROM nic WHERE nic = ?1 AND machine = ?2";
    let of = params![nic.to_string(), deed.resource.to_string()];
    Ok(execute(world, delete, of)?.then_some(Subject::Interface(nic)))
}

fn set_address(world: &Transaction<'_>, nic: &NicSpec) -> anyhow::Result<Option<Subject>> {
    let update = "UPDATE nic SET public = ?2, public_address = ?3 \
                  WHERE nic = ?1 AND (public IS NOT ?2 OR public_address IS NOT ?3)";
    let public = nic.public;
    let columns = params![
        nic.id.to_string(),
        public.map(|public| public.id.to_string()),
        public.map(|public| public.address.to_string()),
    ];
    Ok(execute(world, update, columns)?.then_some(Subject::Nic(*nic)))
}

fn take(
    world: &Transaction<'_>,
    deed: &Deed<'_>,
    gpus: &GpuSpec,
) -> anyhow::Result<Option<Subject>> {
    if has(world, deed.resource)?.as_ref() == Some(gpus) {
        return Ok(None);
    }
    let (host, machine) = (deed.host.to_string(), deed.resource.to_string());
    execute(world, "DELETE FROM gpu WHERE machine = ?1", [&machine])?;
    let insert = "INSERT INTO gpu (host, series, slot, machine, place) VALUES (?1, ?2, ?3, ?4, ?5)";
    for (place, slot) in (0_u32..).zip(&gpus.slots) {
        let columns = params![host, gpus.series, slot, machine, place];
        execute(world, insert, columns)?;
    }
    Ok(Some(Subject::Gpus(gpus.clone())))
}

fn release(world: &Transaction<'_>, deed: &Deed<'_>) -> anyhow::Result<Option<Subject>> {
    let gpus = has(world, deed.resource)?;
    let delete = "DELETE FROM gpu WHERE machine = ?1";
    execute(world, delete, [deed.resource.to_string()])?;
    Ok(gpus.map(Subject::Gpus))
}

/// The GPUs that a machine has.
fn has(world: &Transaction<'_>, machine: ResourceId) -> anyhow::Result<Option<GpuSpec>> {
    let observed = super::look::observe(world, machine)?;
    Ok(observed.machine().and_then(|machine| machine.gpus.clone()))
}

fn exists(world: &Transaction<'_>, select: &str, of: impl Params) -> rusqlite::Result<bool> {
    world.prepare_cached(select)?.exists(of)
}

/// Says whether a row has changed.
fn execute(world: &Transaction<'_>, sql: &str, of: impl Params) -> rusqlite::Result<bool> {
    Ok(world.prepare_cached(sql)?.execute(of)? > 0)
}
