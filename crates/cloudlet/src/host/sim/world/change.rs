//! What actions do to the world: what is half-made at the beginning, whole at the end.
//!
//! Each is safe to repeat: what is there already is left alone and stands in the log once. What
//! only one may have is refused to another. That a volume is grown or removed under the machine that
//! has it, or a port plugged into no network, is not refused: the referee is to see it.

use super::{
    log::{self, Effect, Subject},
    look, parts,
};
use api::{HostId, ResourceId};
use model::{
    MachineObserved, Observed,
    observed::{DiskObserved, NetworkObserved, ProcessObserved},
    plan::Action,
    spec::NetworkSpec,
};
use rusqlite::{Transaction, params};

/// An action with all that its effect needs.
pub(in crate::host::sim) struct Deed<'a> {
    pub(in crate::host::sim) resource: ResourceId,
    pub(in crate::host::sim) host: HostId,
    pub(in crate::host::sim) generation: u64,
    pub(in crate::host::sim) action: &'a Action,
    pub(in crate::host::sim) at: String,
}

/// Why the world does not let an action have its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::host::sim) struct Refusal {
    pub(in crate::host::sim) text: &'static str,
    pub(in crate::host::sim) permanent: bool,
}

/// The outer error is the file's.
type Outcome = anyhow::Result<Result<(), Refusal>>;

impl Deed<'_> {
    /// Notes the effect in the log.
    pub(super) fn note(
        &self,
        world: &Transaction<'_>,
        subject: Option<Subject>,
    ) -> anyhow::Result<()> {
        let boot = match self.action {
            Action::Launch { boot, .. } | Action::AwaitReady { boot } => Some(*boot),
            _ => None,
        };
        let effect = Effect {
            resource: self.resource.to_string(),
            host: self.host.to_string(),
            generation: self.generation,
            action: self.action.word().to_owned(),
            boot,
            subject,
            at: self.at.clone(),
        };
        log::append(world, &effect)
    }
}

/// For now: something that is in nobody's way for ever.
pub(super) fn not_now(text: &'static str) -> Outcome {
    Ok(Err(Refusal {
        text,
        permanent: false,
    }))
}

fn never(text: &'static str) -> Outcome {
    Ok(Err(Refusal {
        text,
        permanent: true,
    }))
}

pub(super) fn begin(world: &Transaction<'_>, deed: &Deed<'_>) -> Outcome {
    match deed.action {
        Action::MakeDisk { .. } => {
            let mut machine = machine(world, deed.resource)?;
            machine.disk = DiskObserved::Partial;
            put(world, deed.resource, &Observed::Machine(machine))?;
        }
        Action::MakeVolume { .. } => {
            if volume(world, deed.resource)?.size_gb().is_none() {
                put(
                    world,
                    deed.resource,
                    &Observed::Volume(DiskObserved::Partial),
                )?;
            }
        }
        Action::ApplyNetwork(spec) => {
            if network(world, deed.resource)? != NetworkObserved::Whole(spec.clone()) {
                put(
                    world,
                    deed.resource,
                    &Observed::Network(NetworkObserved::Partial),
                )?;
            }
        }
        Action::Launch { boot, .. } => return begin_launch(world, deed, *boot),
        _ => return parts::allow(world, deed),
    }
    Ok(Ok(()))
}

pub(super) fn end(world: &Transaction<'_>, deed: &Deed<'_>) -> Outcome {
    match deed.action {
        Action::MakeDisk { size_gb, .. } => {
            let whole = DiskObserved::Whole { size_gb: *size_gb };
            set_disk(world, deed, whole)
        }
        Action::GrowDisk { size_gb } => match machine(world, deed.resource)?.disk.size_gb() {
            None => not_now("The machine has no disk."),
            Some(is) if is >= *size_gb => Ok(Ok(())),
            Some(_) => set_disk(world, deed, DiskObserved::Whole { size_gb: *size_gb }),
        },
        Action::RemoveDisk => match machine(world, deed.resource)?.disk {
            DiskObserved::Absent => Ok(Ok(())),
            _ => set_disk(world, deed, DiskObserved::Absent),
        },
        Action::Launch { boot, .. } => end_launch(world, deed, *boot),
        Action::AwaitReady { boot } => end_ready(world, deed, *boot),
        Action::Shutdown => end_shutdown(world, deed),
        Action::MakeVolume { size_gb } => match volume(world, deed.resource)? {
            DiskObserved::Whole { .. } => Ok(Ok(())),
            _ => set_volume(
                world,
                deed,
                deed.resource,
                DiskObserved::Whole { size_gb: *size_gb },
            ),
        },
        Action::GrowVolume { volume, size_gb } => grow_volume(world, deed, *volume, *size_gb),
        Action::RemoveVolume => match volume(world, deed.resource)? {
            DiskObserved::Absent => Ok(Ok(())),
            _ => set_volume(world, deed, deed.resource, DiskObserved::Absent),
        },
        Action::ApplyNetwork(spec) => set_network(world, deed, Some(spec)),
        Action::RemoveNetwork => set_network(world, deed, None),
        _ => parts::end(world, deed),
    }
}

fn set_disk(world: &Transaction<'_>, deed: &Deed<'_>, disk: DiskObserved) -> Outcome {
    let mut machine = machine(world, deed.resource)?;
    machine.disk = disk;
    put(world, deed.resource, &Observed::Machine(machine))?;
    deed.note(world, None).map(Ok)
}

/// Starts the process of a boot number, at most once for each number; or takes up the one whose
/// launch for that very number is not complete.
fn begin_launch(world: &Transaction<'_>, deed: &Deed<'_>, boot: u64) -> Outcome {
    let mut machine = machine(world, deed.resource)?;
    match machine.process {
        Some(process) if process.boot == boot && !process.up => return Ok(Ok(())),
        Some(_) => return never("The machine already has a process."),
        None if boot <= machine.launched => {
            return never("The machine was already launched for this boot number.");
        }
        None => {}
    }
    machine.process = Some(ProcessObserved {
        boot,
        up: false,
        ready: false,
    });
    machine.launched = boot;
    put(world, deed.resource, &Observed::Machine(machine))?;
    deed.note(world, None).map(Ok)
}

/// A process that died meanwhile stays dead: whoever waits for it will see.
fn end_launch(world: &Transaction<'_>, deed: &Deed<'_>, boot: u64) -> Outcome {
    let mut machine = machine(world, deed.resource)?;
    if let Some(process) = machine
        .process
        .as_mut()
        .filter(|process| process.boot == boot)
    {
        process.up = true;
        put(world, deed.resource, &Observed::Machine(machine))?;
    }
    Ok(Ok(()))
}

fn end_ready(world: &Transaction<'_>, deed: &Deed<'_>, boot: u64) -> Outcome {
    let mut machine = machine(world, deed.resource)?;
    let process = machine.process.as_mut();
    let Some(process) = process.filter(|process| process.boot == boot && process.up) else {
        return not_now("The machine stopped before it was ready.");
    };
    process.ready = true;
    put(world, deed.resource, &Observed::Machine(machine))?;
    deed.note(world, None).map(Ok)
}

fn end_shutdown(world: &Transaction<'_>, deed: &Deed<'_>) -> Outcome {
    let mut machine = machine(world, deed.resource)?;
    if machine.process.take().is_some() {
        put(world, deed.resource, &Observed::Machine(machine))?;
        deed.note(world, None)?;
    }
    Ok(Ok(()))
}

fn grow_volume(
    world: &Transaction<'_>,
    deed: &Deed<'_>,
    which: ResourceId,
    size_gb: u32,
) -> Outcome {
    if which != deed.resource && parts::machine_of(world, which)? != Some(deed.resource) {
        return not_now("The volume is not on the machine.");
    }
    match volume(world, which)?.size_gb() {
        None => not_now("The volume is not there."),
        Some(is) if is >= size_gb => Ok(Ok(())),
        Some(_) => set_volume(world, deed, which, DiskObserved::Whole { size_gb }),
    }
}

fn set_volume(
    world: &Transaction<'_>,
    deed: &Deed<'_>,
    which: ResourceId,
    content: DiskObserved,
) -> Outcome {
    put(world, which, &Observed::Volume(content))?;
    deed.note(world, Some(Subject::Volume(which))).map(Ok)
}

fn set_network(world: &Transaction<'_>, deed: &Deed<'_>, spec: Option<&NetworkSpec>) -> Outcome {
    let whole = |spec: &NetworkSpec| NetworkObserved::Whole(spec.clone());
    let wished = spec.map_or(NetworkObserved::Absent, whole);
    if network(world, deed.resource)? == wished {
        return Ok(Ok(()));
    }
    put(world, deed.resource, &Observed::Network(wished))?;
    deed.note(world, None).map(Ok)
}

fn machine(world: &Transaction<'_>, resource: ResourceId) -> anyhow::Result<MachineObserved> {
    let own = look::own(world, resource)?;
    Ok(own.machine().cloned().unwrap_or_default())
}

pub(super) fn volume(
    world: &Transaction<'_>,
    resource: ResourceId,
) -> anyhow::Result<DiskObserved> {
    Ok(look::own(world, resource)?.volume())
}

fn network(world: &Transaction<'_>, resource: ResourceId) -> anyhow::Result<NetworkObserved> {
    Ok(look::own(world, resource)?.network())
}

/// Writes a resource's own row.
fn put(world: &Transaction<'_>, resource: ResourceId, observed: &Observed) -> anyhow::Result<()> {
    let replace = "INSERT OR REPLACE INTO thing (resource, observed) VALUES (?1, ?2)";
    let text = serde_json::to_string(observed)?;
    world
        .prepare_cached(replace)?
        .execute(params![resource.to_string(), text])?;
    Ok(())
}
