//! What follows from a spec that was reached: what is shown of it, what is held for it, and the
//! volumes of a machine, whose own records and specs follow the machine's.
//!
//! It does not matter how the spec came to be reached: by a job, by its way back, or by an operator
//! who had a leftover tried again.

use super::{assignment, names_in_line};
use crate::{
    claim::{Claim, Item, held},
    facts::Context,
    observed::{MachineObserved, Observed},
    report::Assignment,
    resource::{Record, Resource},
    spec::{DiskSpec, MachineSpec, Spec, VolumeSpec},
    writes::Write,
};
use api::JobId;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The spec with the sizes that were seen: what grew stays grown, whatever was wished.
pub(super) fn judged(spec: &Spec, observed: Option<&Observed>) -> Spec {
    match (spec, observed) {
        (Spec::Machine(machine), Some(Observed::Machine(seen))) => {
            Spec::Machine(judged_machine(machine, seen))
        }
        (Spec::Volume(volume), Some(Observed::Volume(seen))) => Spec::Volume(VolumeSpec {
            size_gb: seen.size_gb().unwrap_or(volume.size_gb),
        }),
        _ => spec.clone(),
    }
}

fn judged_machine(machine: &MachineSpec, seen: &MachineObserved) -> MachineSpec {
    let size = |disk: &DiskSpec| DiskSpec {
        size_gb: seen.disk(disk.volume).map_or(disk.size_gb, |is| is.size_gb),
        ..*disk
    };
    MachineSpec {
        disk_gb: seen.disk.size_gb().unwrap_or(machine.disk_gb),
        disks: machine.disks.iter().map(size).collect(),
        ..machine.clone()
    }
}

/// What a job that has ended had claimed for.
#[derive(Clone, Copy)]
pub(super) struct Touched<'a> {
    /// The job.
    pub(super) job: JobId,
    /// Its specs.
    pub(super) specs: &'a [Spec],
    /// What its acceptance took.
    pub(super) claimed: &'a [Item],
}

impl Touched<'_> {
    /// Nothing: no job has ended.
    pub(super) const NOTHING: Touched<'static> = Touched {
        job: JobId(Uuid::nil()),
        specs: &[],
        claimed: &[],
    };
}

/// What had been claimed beyond what is shown now is given back. It lowers only what was claimed for
/// these specs and for this job, never what another job has claimed: one that stands in line, or one
/// that makes a volume larger on its machine while the volume itself is looked at.
pub(super) fn settle_claims(
    context: &Context<'_>,
    before: &Resource,
    after: &Resource,
    touched: Touched<'_>,
    writes: &mut Vec<Write>,
) {
    let keep = held(after, &after.shown);
    let mut lowered: BTreeSet<Item> = touched.claimed.iter().cloned().collect();
    for spec in touched.specs {
        lowered.extend(held(before, spec).into_keys());
    }
    for item in names_in_line(context, after, touched.job) {
        lowered.remove(&item);
    }
    let has = of(context, after);
    let beyond = |item: &&Item| keep[*item] > has.get(item).copied().unwrap_or(0);
    let raised = keep.keys().filter(beyond).cloned();
    let items: BTreeSet<Item> = raised.chain(lowered).collect();
    for item in items {
        put(after, item, &keep, &has, writes);
    }
}

fn of(context: &Context<'_>, resource: &Resource) -> BTreeMap<Item, u64> {
    let claims = context.facts.claims(resource.id).into_iter();
    claims.map(|claim| (claim.item, claim.amount)).collect()
}

fn put(
    resource: &Resource,
    item: Item,
    keep: &BTreeMap<Item, u64>,
    has: &BTreeMap<Item, u64>,
    writes: &mut Vec<Write>,
) {
    let holder = resource.id;
    match (keep.get(&item).copied(), has.get(&item).copied()) {
        (Some(amount), has) if has != Some(amount) => {
            writes.push(Write::Claim(Claim {
                holder,
                item,
                amount,
            }));
        }
        (None, Some(_)) => writes.push(Write::Unclaim { holder, item }),
        _ => {}
    }
}

/// Each volume that the machine has held: on it or off it, as the spec that was reached says, and of
/// the size that was seen. Returns what the host is to be told of them.
pub(super) fn settle_disks(
    context: &Context<'_>,
    before: &Resource,
    after: &Resource,
    writes: &mut Vec<Write>,
) -> Vec<Assignment> {
    let mut told = Vec::new();
    if !matches!(after.record, Record::Machine(_)) {
        return told;
    }
    for claim in context.facts.claims(after.id) {
        let Item::Attachment(volume) = claim.item else {
            continue;
        };
        let Some(volume) = context.facts.resource(volume) else {
            continue;
        };
        told.extend(settle_disk(context, (before, after), &volume, writes));
    }
    told
}

fn settle_disk(
    context: &Context<'_>,
    (before, after): (&Resource, &Resource),
    volume: &Resource,
    writes: &mut Vec<Write>,
) -> Option<Assignment> {
    let on = after
        .shown
        .machine()
        .and_then(|machine| machine.disk(volume.id));
    let seen = |resource: &Resource| {
        let disk = resource.seen().and_then(|seen| seen.disk(volume.id));
        disk.map(|disk| disk.size_gb)
    };
    let known = volume.volume_gb().unwrap_or(0);
    let size_gb = seen(after)
        .or_else(|| seen(before))
        .unwrap_or(known)
        .max(known);
    let mut settled = volume.clone();
    if let Record::Volume(record) = &mut settled.record {
        record.machine = on.map(|_| after.id);
        record.size_gb = size_gb;
    }
    settled.spec = Spec::Volume(VolumeSpec { size_gb });
    settled.shown = settled.spec.clone();
    settled.show(settled.resting_status(), context.now);
    // A resize that was left over has claimed more than the volume has in the end.
    let keep = held(&settled, &settled.spec);
    let has = of(context, &settled);
    for item in keep.keys().cloned().collect::<Vec<_>>() {
        put(&settled, item, &keep, &has, writes);
    }
    if settled == *volume {
        return None;
    }
    settled.touch(context.now);
    settled.generation += 1;
    settled.settled = settled.generation;
    let told = assignment(&settled, None);
    writes.push(Write::PutResource(Box::new(settled)));
    Some(told)
}
