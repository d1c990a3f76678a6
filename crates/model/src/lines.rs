//! In whose lines an operation stands: fixed when it is accepted, a function of what is held and of
//! every job that is in line already.

use crate::{
    claim::Item, facts::Context, job::Job, operation::Operation, resource::Resource, wish::Wish,
};
use api::ResourceId;
use std::collections::BTreeSet;

/// A volume, and every machine that it is on, may be on, or is going to be on.
pub fn of_volume(context: &Context<'_>, volume: &Resource) -> BTreeSet<ResourceId> {
    let mut lines = BTreeSet::from([volume.id]);
    lines.extend(volume.volume().and_then(|record| record.machine));
    lines.extend(context.facts.holder(&Item::Attachment(volume.id)));
    for job in attaches(context, volume.id) {
        if let Wish::Attach(machine) = job.wish {
            lines.insert(machine);
        }
    }
    lines
}

/// A machine, and every volume that is on it, may be on it, or is going to be on it.
pub fn of_machine(context: &Context<'_>, machine: &Resource) -> BTreeSet<ResourceId> {
    let mut lines = BTreeSet::from([machine.id]);
    for spec in [&machine.shown, &machine.spec] {
        let disks = spec.machine().map_or(&[][..], |machine| &machine.disks);
        lines.extend(disks.iter().map(|disk| disk.volume));
    }
    for claim in context.facts.claims(machine.id) {
        if let Item::Attachment(volume) = claim.item {
            lines.insert(volume);
        }
    }
    lines.extend(attaches(context, machine.id).map(|job| job.resource));
    lines
}

/// The unfinished attaches in a line.
fn attaches<'a>(context: &'a Context<'_>, key: ResourceId) -> impl Iterator<Item = Job> + 'a {
    let jobs = context.facts.queue(key).into_iter();
    jobs.filter_map(|job| context.facts.job(job))
        .filter(|job| job.operation == Operation::VolumeAttach)
}
